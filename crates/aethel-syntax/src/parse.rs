//! The ways in.

use crate::ast::{Expr, Program};
use crate::skeleton;
use aethel_ir::{Code, Diagnostic, SourceId, Span};

/// The largest program file, in bytes.
pub const MAX_SOURCE_BYTES: usize = 16 * 1024 * 1024;

/// A tree and what was wrong with the text.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What could be read.
    pub program: Program,
    /// Problems, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a program. Spans and labels point into `source`.
pub fn parse(source: SourceId, text: &str) -> Parsed {
    if let Some(problem) = too_large(source, text.len()) {
        return Parsed {
            program: Program::default(),
            diagnostics: vec![problem],
        };
    }
    let (program, diagnostics) = skeleton::read(source, text);
    Parsed { program, diagnostics }
}

/// Reads a program from the bytes of a file. Where they are not text, labels point into
/// `String::from_utf8_lossy(bytes)`, which is what the caller should show for `source`.
pub fn parse_bytes(source: SourceId, bytes: &[u8]) -> Parsed {
    match decode(source, bytes) {
        Ok(text) => parse(source, text),
        Err(problem) => Parsed {
            program: Program::default(),
            diagnostics: vec![*problem],
        },
    }
}

/// The bytes of a file as text.
///
/// # Errors
/// The file is too large or not UTF-8. The label of the latter points into `String::from_utf8_lossy(bytes)`.
pub fn decode(source: SourceId, bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    if let Some(problem) = too_large(source, bytes.len()) {
        return Err(Box::new(problem));
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let line = bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let byte = bytes.get(at).copied().unwrap_or_default();
    let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file looks like UTF-16; save it as UTF-8"
    } else {
        "save the file as UTF-8"
    };
    let place = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    Err(Box::new(
        Diagnostic::new(
            Code::AE0109,
            format!("line {line} is not UTF-8: it has the byte {byte:#04x}"),
        )
        .label(source, place, "")
        .help(help),
    ))
}

/// Reads a text that is one expression, such as a condition in a JSON batch, by the same rules.
pub fn parse_condition(source: SourceId, text: &str) -> (Option<Expr>, Vec<Diagnostic>) {
    if let Some(problem) = too_large(source, text.len()) {
        return (None, vec![problem]);
    }
    skeleton::read_condition(source, text)
}

/// The problem with a text of this size, if there is one.
pub(crate) fn too_large(source: SourceId, size: usize) -> Option<Diagnostic> {
    (size > MAX_SOURCE_BYTES).then(|| {
        Diagnostic::new(
            Code::AE0108,
            format!("the file has {size} bytes; a program has at most {MAX_SOURCE_BYTES}"),
        )
        .label(source, Span::default(), "")
        .help("split the program, or take the values from a CSV file with `for`")
    })
}
