//! What can be folded away, and what a selection grows to.

use super::{Analysis, touches};
use aethel_ir::Span;
use aethel_syntax::lexer::{Bracket, Lexer, TokenKind};

/// What is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// A block in braces.
    Block,
    /// Comments on lines of their own, one below the other.
    Comment,
}

/// Lines that can be folded away, from 0; the first one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What it is.
    pub kind: FoldKind,
    /// The line that stays.
    pub first: u32,
    /// The last line that goes away.
    pub last: u32,
}

impl Analysis {
    /// Everything that can be folded.
    pub fn folds(&self) -> Vec<Fold> {
        let mut folds = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        let mut comment: Option<(u32, u32)> = None;
        let end_comment = |comment: &mut Option<(u32, u32)>, folds: &mut Vec<Fold>| {
            if let Some((first, last)) = comment.take()
                && first < last
            {
                let kind = FoldKind::Comment;
                folds.push(Fold { kind, first, last });
            }
        };
        let mut lexer = Lexer::new(&self.text);
        loop {
            let token = lexer.next_with_comments();
            let line = token.line.saturating_sub(1);
            if token.kind == TokenKind::Comment && token.first {
                match &mut comment {
                    Some((_, last)) if *last + 1 == line => *last = line,
                    _ => {
                        end_comment(&mut comment, &mut folds);
                        comment = Some((line, line));
                    }
                }
                continue;
            }
            end_comment(&mut comment, &mut folds);
            match token.kind {
                TokenKind::End => break,
                TokenKind::Open(Bracket::Curly) => open.push(line),
                TokenKind::Close(Bracket::Curly) => {
                    if let Some(first) = open.pop()
                        && first + 1 < line
                    {
                        // The line of the closing brace stays, so that one sees where the block ends.
                        let (kind, last) = (FoldKind::Block, line - 1);
                        folds.push(Fold { kind, first, last });
                    }
                }
                _ => {}
            }
        }
        folds.sort_by_key(|fold| (fold.first, fold.last));
        folds
    }

    /// The parts of the program around a byte, the smallest first, each inside the next.
    pub fn selections(&self, offset: usize) -> Vec<Span> {
        let mut around: Vec<Span> = vec![Span::new(0, self.text.len())];
        for item in self.outline() {
            let mut lines = vec![item];
            while let Some(line) = lines.pop() {
                if touches(line.span, offset) {
                    around.push(line.span);
                    lines.extend(line.children);
                }
            }
        }
        self.expressions(&mut |expr, _| {
            if touches(expr.span, offset) {
                around.push(expr.span);
            }
        });
        around.extend(self.brackets(offset));
        around.sort_by_key(|span| (span.end - span.start, span.start));
        around.dedup();
        // Parts overlap only where the cursor is between two: the first one goes on.
        let mut chain: Vec<Span> = Vec::new();
        for span in around {
            if chain
                .last()
                .is_none_or(|last| span.start <= last.start && last.end <= span.end)
            {
                chain.push(span);
            }
        }
        chain
    }

    /// Pairs of brackets around a byte, and the word there.
    fn brackets(&self, offset: usize) -> Vec<Span> {
        let (mut open, mut around) = (Vec::new(), Vec::new());
        let mut lexer = Lexer::new(&self.text);
        loop {
            let token = lexer.next_token();
            match token.kind {
                TokenKind::End => return around,
                TokenKind::Open(_) => open.push(token),
                TokenKind::Close(_) => {
                    let span = open.pop().map(|first| Span::new(first.start, token.end));
                    around.extend(span.filter(|span| touches(*span, offset)));
                }
                TokenKind::Word | TokenKind::Text | TokenKind::Number => {
                    let span = Span::new(token.start, token.end);
                    around.extend(Some(span).filter(|span| touches(*span, offset)));
                }
                _ => {}
            }
        }
    }
}
