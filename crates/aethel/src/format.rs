//! `aethel fmt`: programs laid out one way.

use crate::files;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_syntax::{FormatError, MAX_SOURCE_BYTES};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A program as it is and as it should be written.
#[derive(Clone, Debug)]
pub struct Formatted {
    /// Its file; `-` is standard input.
    pub path: PathBuf,
    /// What the file holds.
    pub before: Arc<str>,
    /// What it should hold: the same tokens and comments.
    pub after: String,
}

/// Why a program was not formatted.
#[derive(Clone, Debug)]
pub enum Unformatted {
    /// It cannot be read, or is no program.
    Problems(Vec<Diagnostic>),
    /// The formatter made a mistake, which it noticed; nothing was written.
    Bug,
}

/// Reads and formats a program; nothing is written.
///
/// # Errors
/// See [`Unformatted`].
pub fn format(path: &Path, sources: &mut SourceMap) -> Result<Formatted, Unformatted> {
    let one = |problem| Unformatted::Problems(vec![problem]);
    let (source, before) = files::read_input(path, MAX_SOURCE_BYTES as u64, sources).map_err(one)?;
    match aethel_syntax::format(source, &before) {
        Ok(after) => Ok(Formatted {
            path: path.to_owned(),
            before,
            after,
        }),
        Err(FormatError::Program(problems)) => Err(Unformatted::Problems(problems)),
        Err(FormatError::Formatter) => Err(Unformatted::Bug),
    }
}

impl Formatted {
    /// Whether the file is not as it should be.
    pub fn differs(&self) -> bool {
        *self.before != self.after
    }

    /// Replaces the file, as [`files::replace`] does.
    ///
    /// # Errors
    /// AE0901 with what the system says; the file is as it was then.
    pub fn write(&self) -> Result<(), Diagnostic> {
        files::replace(&self.path, &self.after)
    }
}
