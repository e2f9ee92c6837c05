//! How the process ends.

use aethel::ir::{Code, Diagnostic};

/// The exit codes; they are documented and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is fine.
    Fine = 0,
    /// The program or batch is wrong; nothing was committed.
    Wrong = 1,
    /// The command line, a file or the configuration is wrong.
    Usage = 2,
    /// Something that would be an error could not be decided; it is neither proved nor refuted.
    Undecided = 3,
    /// The store did not answer whether the batch was committed; run again with the same key.
    OutcomeUnknown = 4,
    /// A bug in aethel.
    Bug = 101,
    /// Interrupted; nothing was committed.
    Interrupted = 130,
}

impl Exit {
    /// What a command ends with when these problems stopped it.
    pub fn of(problems: &[Diagnostic]) -> Self {
        let usage = |d: &Diagnostic| {
            matches!(
                d.code,
                Code::AE0801
                    | Code::AE0802
                    | Code::AE0803
                    | Code::AE0805
                    | Code::AE0807
                    | Code::AE0809
                    | Code::AE0810
                    | Code::AE0813
                    | Code::AE0901
                    | Code::AE0910
                    | Code::AE0911
            )
        };
        match problems {
            // They were told already.
            [] => Self::Wrong,
            problems if problems.iter().any(|d| d.code == Code::AE0811) => Self::OutcomeUnknown,
            problems if problems.iter().any(|d| d.code == Code::AE0509) => Self::Interrupted,
            problems if problems.iter().all(usage) => Self::Usage,
            _ => Self::Wrong,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}
