//! Strict reading of one part: the grammar's rule for it, the tree it means, or the one thing that is wrong.
//!
//! The caller has measured the part ([`crate::depth`]) and looked at its tokens ([`crate::literals`]) before.

mod expected;
mod expressions;
mod foreign;
mod habits;
mod heads;

use crate::ast::Name;
use crate::kind::Kind;
use aethel_ir::{Diagnostic, SourceId, Span};
use pest::Parser;
use pest::iterators::Pair;

/// What reading gives; the problem is boxed because it is large and rare.
pub(crate) type Strict<T> = Result<T, Box<Diagnostic>>;

/// The parser that pest derives from the grammar, in a module of its own because derived code has no docs.
#[allow(missing_docs, reason = "derived from the grammar, which has comments")]
mod derived {
    /// The derived parser.
    #[derive(pest_derive::Parser)]
    #[grammar = "../../grammar/aethel.pest"]
    pub(crate) struct Grammar;
}
pub(crate) use derived::{Grammar, Rule};
pub(crate) use heads::IntentHead;

/// A part of a text, about to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'t> {
    /// The whole text.
    pub(crate) text: &'t str,
    /// Where labels point.
    pub(crate) source: SourceId,
    /// First byte of the part.
    pub(crate) start: usize,
    /// One past its last byte.
    pub(crate) end: usize,
}

impl<'t> Part<'t> {
    /// The part's own text.
    pub(crate) fn slice(&self) -> &'t str {
        self.text.get(self.start..self.end).unwrap_or("")
    }

    /// Reads the part by the rule of its kind.
    fn read(&self, kind: Kind) -> Strict<Pair<'t, Rule>> {
        match Grammar::parse(kind.rule(), self.slice()) {
            Ok(mut pairs) => pairs
                .next()
                .ok_or_else(|| Box::new(self.unexpected(kind, &[Rule::EOI], 0))),
            Err(error) => Err(Box::new(self.explain(kind, &error))),
        }
    }

    /// The place of a pair in the whole text.
    ///
    /// The grammar skips space before it finds out that an optional part is not there, so a pair may end with space
    /// and comments. Its last token does not: that is the end of its last part, and of that one's last part.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let text = pair.as_span();
        // Without a sign of a comment only space can be too much.
        let end = match text.as_str().contains(['#', '/']) {
            true => last_token(pair),
            false => text.start() + text.as_str().trim_end_matches([' ', '\t', '\r', '\n']).len(),
        };
        debug_assert_eq!(end, last_token(pair));
        Span::new(self.start + text.start(), self.start + end)
    }

    /// A pair as text with its place.
    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name {
            text: pair.as_str().to_owned(),
            span: self.span(pair),
        }
    }

    /// A string without its quotes, with its place.
    fn string(&self, pair: &Pair<'_, Rule>) -> Name {
        let text = crate::literals::escapes(pair.as_str()).unwrap_or_else(|_| pair.as_str().to_owned());
        Name {
            text,
            span: self.span(pair),
        }
    }
}

/// Where the last token of a pair ends.
fn last_token(pair: &Pair<'_, Rule>) -> usize {
    let mut last = pair.clone();
    while let Some(part) = last.clone().into_inner().next_back() {
        last = part;
    }
    last.as_span().end()
}

/// Whether the one-shot rule `program` accepts a whole text. It gives no tree and no reason: it is there to compare the
/// parser with in tests. A text nested too deep is refused before the grammar sees it.
pub fn grammar_accepts(text: &str) -> bool {
    let (mut lexer, mut depth) = (crate::lexer::Lexer::new(text), 0_usize);
    loop {
        match lexer.next_token().kind {
            crate::lexer::TokenKind::Open(_) => depth += 1,
            crate::lexer::TokenKind::Close(_) => depth = depth.saturating_sub(1),
            crate::lexer::TokenKind::End => return Grammar::parse(Rule::program, text).is_ok(),
            _ => {}
        }
        if depth > crate::depth::MAX_DEPTH {
            return false;
        }
    }
}
