//! What came of the cases of programs, and how it is shown.

mod human;
mod json;
mod junit;

pub use human::{case, summary};
pub use json::json;
pub use junit::junit;

use aethel_ir::{Diagnostic, SourceId, Span};

/// What came of a file of cases.
#[derive(Clone, Debug, Default)]
pub struct FileReport {
    /// The file of cases, as the user knows it.
    pub file: String,
    /// The program.
    pub program: String,
    /// The cases that ran, in the order of the file.
    pub cases: Vec<CaseReport>,
    /// What kept its cases from running.
    pub problems: Vec<Diagnostic>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub at: (SourceId, Span),
    /// Whether it came out as expected.
    pub passed: bool,
    /// Its expectation was written by this run.
    pub written: bool,
    /// How the run ended: `committed`, or the code of what was wrong.
    pub outcome: String,
    /// How many transactions were committed.
    pub transactions: usize,
    /// How long it took, in nanoseconds.
    pub nanoseconds: u64,
    /// Where balances are others than expected.
    pub differences: Vec<Difference>,
    /// What was wrong, with places.
    pub diagnostics: Vec<Diagnostic>,
}

/// A place that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub account: String,
    /// The asset or the field.
    pub part: String,
    /// What it held before; empty when there is no such place.
    pub before: String,
    /// What it should hold; `None` when it is not named and should have stayed as it was.
    pub expected: Option<String>,
    /// What it holds; empty when there is no such place.
    pub found: String,
}

/// How many cases passed and failed; a file whose cases could not run counts as one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseCounts {
    /// Those that came out as expected.
    pub passed: usize,
    /// The others.
    pub failed: usize,
    /// Those of the passed ones whose expectation was written by this run.
    pub written: usize,
}

impl CaseCounts {
    /// Counts.
    pub fn of(files: &[FileReport]) -> Self {
        let cases = || files.iter().flat_map(|file| &file.cases);
        let passed = cases().filter(|case| case.passed).count();
        let broken = files.iter().filter(|file| !file.problems.is_empty()).count();
        Self {
            passed,
            failed: cases().count() - passed + broken,
            written: cases().filter(|case| case.written).count(),
        }
    }
}
