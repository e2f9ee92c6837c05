//! Applying fixes again and again, until there is nothing left to apply.

use super::{Applied, apply};
use crate::check::{CheckOptions, CheckReport};
use crate::program::Program;
use aethel_ir::{Safety, SourceMap};
use std::path::Path;

/// How often a text is checked and mended before it is left as it is.
pub const MAX_ROUNDS: usize = 20;

/// A program as it is mended.
#[derive(Debug)]
pub struct Mended {
    /// Its text now.
    pub text: String,
    /// What was done to it, round by round.
    pub applied: Vec<Applied>,
    /// The program that the text is now.
    pub program: Program,
    /// What is found in it.
    pub report: CheckReport,
}

/// Mends a program: each round checks the text and applies every fix that may be. A text that was there before is not
/// gone back to, so this always ends. Each text is added to `sources`.
pub fn mend(
    name: &str,
    text: &str,
    directory: &Path,
    allowed: Safety,
    options: &CheckOptions,
    sources: &mut SourceMap,
) -> Mended {
    let mut seen: Vec<String> = Vec::new();
    let mut text = text.to_owned();
    let mut applied = Vec::new();
    loop {
        let source = sources.add(name, text.as_str());
        let program = Program::parse(source, &text, directory.to_owned());
        let report = program.check(sources, options);
        let edited = apply(source, &text, &report.diagnostics, allowed);
        if edited.applied.is_empty() || seen.contains(&edited.text) || seen.len() >= MAX_ROUNDS {
            return Mended {
                text,
                applied,
                program,
                report,
            };
        }
        applied.extend(edited.applied);
        seen.push(std::mem::replace(&mut text, edited.text));
    }
}
