//! Diagnostics for people and for programs.

mod concise;
mod github;
mod human;
mod json;
mod kept;
mod place;
mod sarif;

pub use concise::concise;
pub use github::github;
pub use human::{Style, human};
pub use json::{diagnostic as one_json, json, json_with_proofs};
pub use kept::Kept;
pub(crate) use place::Place;
pub use sarif::sarif;

use aethel_ir::{Diagnostic, Severity};

/// How many diagnostics of each severity there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Counts {
    /// Counts a list.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let mut counts = Counts::default();
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Note => counts.notes += 1,
            }
        }
        counts
    }

    /// `2 errors, 1 warning`, or `no problems`.
    pub fn describe(self) -> String {
        let part = |n: usize, word: &str| match n {
            0 => None,
            1 => Some(format!("1 {word}")),
            n => Some(format!("{n} {word}s")),
        };
        let parts = [
            part(self.errors, "error"),
            part(self.warnings, "warning"),
            part(self.notes, "note"),
        ];
        let shown: Vec<String> = parts.into_iter().flatten().collect();
        if shown.is_empty() {
            "no problems".into()
        } else {
            shown.join(", ")
        }
    }
}
