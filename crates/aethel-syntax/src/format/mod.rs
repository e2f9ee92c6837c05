//! The formatter: one way to write each program.
//!
//! Takes a text, gives the same tokens and the same comments in the same order with other space between them. Each
//! statement stands on a line of its own, or is broken where it is longer than a line; at most one empty line is kept, and
//! one is put around intents and batches; a comment stays on its line or behind what it stood behind.

mod doc;
mod layout;
mod tree;

use crate::lexer::{Lexer, TokenKind};
use crate::parse;
use aethel_ir::{Code, Diagnostic, SourceId};
use doc::Doc;
use layout::{Within, statements};

/// Why a text is not formatted.
#[derive(Clone, Debug, PartialEq)]
pub enum FormatError {
    /// It is no program, for these reasons.
    Program(Vec<Diagnostic>),
    /// The result would have differed in more than space. Every result is compared, so this is how a fault of the formatter
    /// shows.
    Formatter,
}

/// Formats a program.
///
/// ```
/// let text = "asset USD{scale:2;}\nintent a(x:Account<USD>){guard{x.balance>=1;# why\n}}";
/// let formatted = aethel_syntax::format(Default::default(), text).unwrap();
/// assert_eq!(formatted, "\
/// asset USD { scale: 2; }
///
/// intent a(x: Account<USD>) {
///     guard {
///         x.balance >= 1; # why
///     }
/// }
/// ");
/// ```
///
/// # Errors
/// Where the text is no program, or the formatter made a mistake; both leave the text as it is.
pub fn format(source: SourceId, text: &str) -> Result<String, FormatError> {
    let problems: Vec<Diagnostic> = parse(source, text)
        .diagnostics
        .into_iter()
        // What has no batch yet can be written well all the same.
        .filter(|problem| problem.is_error() && problem.code != Code::AE0110)
        .collect();
    if !problems.is_empty() {
        return Err(FormatError::Program(problems));
    }
    // Where several comments come to one line they change what they stand behind, which settles in another pass.
    let mut formatted = lay_out(text);
    for _ in 0..MOST_PASSES {
        let again = formatted.as_deref().and_then(lay_out);
        if again == formatted {
            break;
        }
        formatted = again;
    }
    formatted
        .filter(|formatted| same(text, formatted))
        .ok_or(FormatError::Formatter)
}

/// How often a text is laid out again until it stays as it is; most need no second time.
const MOST_PASSES: usize = 4;

/// Lays a text out once; `None` when its brackets do not match.
fn lay_out(text: &str) -> Option<String> {
    let (nodes, end) = tree::read(text)?;
    let mut docs = statements(&nodes, Within::Items);
    for comment in &end.before {
        docs.push(Doc::Hard { blank: comment.blank });
        docs.push(Doc::Lead(comment.text));
    }
    Some(doc::print(&docs))
}

/// Whether two texts have the same tokens and the same comments, each in the same order.
fn same(one: &str, other: &str) -> bool {
    fn parts(text: &str, comments: bool) -> impl Iterator<Item = (TokenKind, &str)> {
        let mut lexer = Lexer::new(text);
        let next = move || {
            let token = lexer.next_with_comments();
            let part = text.get(token.start..token.end).unwrap_or("").trim_end();
            (token.kind != TokenKind::End).then_some((token.kind, part))
        };
        std::iter::from_fn(next).filter(move |(kind, _)| (*kind == TokenKind::Comment) == comments)
    }
    [false, true]
        .into_iter()
        .all(|comments| parts(one, comments).eq(parts(other, comments)))
}
