//! Braces: opening, closing, and finding out which one is missing when the numbers do not match.

use super::{Skeleton, span_of};
use crate::lexer::{Bracket, Token, TokenKind};
use aethel_ir::{Code, Diagnostic, Safety, Span};

/// A block that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its `{`, or what stands in the place where it is missing.
    pub(super) open: Token,
    /// Its keyword, whose indentation its `}` should share.
    pub(super) keyword: Token,
    /// Whether the `{` is missing, which has been told.
    pub(super) missing: bool,
}

/// What the braces seen so far suggest.
#[derive(Debug, Default)]
pub(super) struct Braces {
    /// A block whose `}` is indented less than the block: that `}` was probably meant for an outer block.
    closed_late: Option<(Block, Token)>,
    /// A block whose `}` is indented more than the block: that `}` was probably meant for an inner block.
    closed_early: Option<(Block, Token)>,
    /// Where the last unclosed block was reported; the blocks around it end there too and need no message.
    reported_at: Option<usize>,
}

impl<'t> Skeleton<'t, '_> {
    /// Takes the `{` of a block. When it is missing, says so; then the block begins all the same, unless the head is all
    /// there is.
    pub(super) fn open(&mut self, keyword: Token, after: &str, told: bool) -> Option<Block> {
        if self.at_open_brace() {
            let open = self.bump();
            return Some(Block {
                open,
                keyword,
                missing: false,
            });
        }
        let found = self.token;
        if !told {
            let gap = Span::new(self.previous.end, self.previous.end);
            let message = format!("missing `{{` after {after}");
            let source = self.source();
            self.problems.push(
                Diagnostic::new(Code::AE0101, message)
                    .label(source, gap, "expected `{` here")
                    .help("a block stands between `{` and `}`")
                    .fix("add `{`", Safety::Unsafe, source, gap, " {"),
            );
        }
        match found.kind {
            TokenKind::Semicolon => {
                self.bump();
                None
            }
            TokenKind::Close(Bracket::Curly) | TokenKind::End => None,
            _ if self.begins_block() && found.indent <= keyword.indent => None,
            TokenKind::Colon if self.ahead(1).kind == TokenKind::Open(Bracket::Curly) => {
                self.bump();
                Some(Block {
                    open: self.bump(),
                    keyword,
                    missing: false,
                })
            }
            _ => Some(Block {
                open: self.previous,
                keyword,
                missing: true,
            }),
        }
    }

    /// Takes the `}` that ends a block; gives the end of the block.
    pub(super) fn close(&mut self, block: Block) -> usize {
        let brace = self.bump();
        if brace.first && brace.line != block.open.line {
            let keyword = block.keyword.indent;
            if brace.indent < keyword && self.braces.closed_late.is_none() {
                self.braces.closed_late = Some((block, brace));
            } else if brace.indent > keyword && self.braces.closed_early.is_none() {
                self.braces.closed_early = Some((block, brace));
            }
        }
        brace.end
    }

    /// Says that a block has no `}`; gives the end of the block.
    pub(super) fn unclosed(&mut self, block: Block) -> usize {
        let end = self.previous.end;
        if block.missing || self.problems.stopped() || self.braces.reported_at.replace(end) == Some(end) {
            return end;
        }
        let suspect = self
            .braces
            .closed_late
            .take()
            .filter(|(inner, _)| inner.open.start > block.open.start);
        let source = self.source();
        let problem = Diagnostic::new(Code::AE0104, "`{` is never closed").help("add `}`");
        self.problems.push(match suspect {
            Some((inner, brace)) => problem
                .label(source, span_of(inner.open), "opened here")
                .label(
                    source,
                    span_of(brace),
                    "by its indentation this `}` closes an outer block",
                )
                .fix(
                    "add `}` before it",
                    Safety::Unsafe,
                    source,
                    Span::new(brace.start, brace.start),
                    "}\n",
                ),
            None => {
                let problem = problem.label(source, span_of(block.open), "opened here");
                let title = "add `}`";
                if self.at_end() {
                    let place = Span::new(end, end);
                    problem.label(source, place, "the text ends here").fix(
                        title,
                        Safety::Unsafe,
                        source,
                        place,
                        "\n}",
                    )
                } else {
                    let place = Span::new(self.token.start, self.token.start);
                    problem
                        .label(source, span_of(self.token), "`}` is missing before this")
                        .fix(title, Safety::Unsafe, source, place, "}\n")
                }
            }
        });
        end
    }

    /// Takes a `}` that nothing opened and says so.
    pub(super) fn stray_brace(&mut self) {
        let brace = self.bump();
        let source = self.source();
        let problem = Diagnostic::new(Code::AE0104, "stray `}`");
        self.problems.push(match self.braces.closed_early.take() {
            Some((block, early)) => problem
                .label(
                    source,
                    span_of(early),
                    "by its indentation this `}` is one too many",
                )
                .label(source, span_of(block.keyword), "it closes this block")
                .label(source, span_of(brace), "so that nothing is left to close here")
                .help("delete the first of them"),
            None => problem
                .label(source, span_of(brace), "nothing is open here")
                .help("delete it")
                .fix("delete `}`", Safety::Unsafe, source, span_of(brace), ""),
        });
    }

    /// Passes over a `{ .. }` with everything in it; the next token is its `{`.
    pub(super) fn skip_braces(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.bump().kind {
                TokenKind::Open(Bracket::Curly) => depth += 1,
                TokenKind::Close(Bracket::Curly) => depth = depth.saturating_sub(1),
                TokenKind::End => return,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes over something that cannot be read: up to and with a `;` or a `{ .. }`, or up to what is known again.
    pub(super) fn skip_unknown(&mut self) {
        let start = self.token.start;
        while !self.at_end() && !self.at_close_brace() {
            if self.token.start != start && self.token.first && self.begins_block() {
                return;
            }
            if self.at_open_brace() {
                return self.skip_braces();
            }
            if self.bump().kind == TokenKind::Semicolon {
                return;
            }
        }
    }
}
