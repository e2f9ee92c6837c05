//! How the process ends.

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

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}
