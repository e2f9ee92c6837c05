//! Tokens with their comments, as a tree of brackets.

use crate::lexer::{Bracket, Lexer, Token, TokenKind};

/// A comment, without the space at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'t> {
    pub text: &'t str,
    /// An empty line stands before it.
    pub blank: bool,
}

/// A token and the comments that belong to it.
#[derive(Debug)]
pub(super) struct Leaf<'t> {
    pub kind: TokenKind,
    pub text: &'t str,
    /// An empty line stands before it, behind its comments.
    pub blank: bool,
    /// It is a sign before an operand, not an operator between two.
    pub sign: bool,
    /// Comments on lines of their own before it.
    pub before: Vec<Comment<'t>>,
    /// Comments behind it on its line; there can be one only.
    pub after: Option<&'t str>,
}

/// A token, or what stands between brackets.
#[derive(Debug)]
pub(super) enum Node<'t> {
    Leaf(Leaf<'t>),
    Bracket {
        kind: Bracket,
        open: Leaf<'t>,
        inside: Vec<Node<'t>>,
        close: Leaf<'t>,
    },
}

impl<'t> Node<'t> {
    /// Its first token.
    pub(super) fn first(&self) -> &Leaf<'t> {
        match self {
            Self::Leaf(leaf) => leaf,
            Self::Bracket { open, .. } => open,
        }
    }

    pub(super) fn is(&self, kind: TokenKind) -> bool {
        matches!(self, Self::Leaf(leaf) if leaf.kind == kind)
    }

    pub(super) fn is_block(&self) -> bool {
        matches!(
            self,
            Self::Bracket {
                kind: Bracket::Curly,
                ..
            }
        )
    }
}

/// A whole text: its nodes, and the end with the comments before it. `None` when brackets do not match.
pub(super) fn read(text: &str) -> Option<(Vec<Node<'_>>, Leaf<'_>)> {
    let mut open: Vec<(Leaf<'_>, Bracket, Vec<Node<'_>>)> = Vec::new();
    let mut nodes = Vec::new();
    for leaf in leaves(text) {
        match leaf.kind {
            TokenKind::End => return open.is_empty().then_some((nodes, leaf)),
            TokenKind::Open(kind) => open.push((leaf, kind, std::mem::take(&mut nodes))),
            TokenKind::Close(closing) => {
                let (opening, kind, outside) = open.pop()?;
                if kind != closing {
                    return None;
                }
                let inside = std::mem::replace(&mut nodes, outside);
                nodes.push(Node::Bracket {
                    kind,
                    open: opening,
                    inside,
                    close: leaf,
                });
            }
            _ => nodes.push(Node::Leaf(leaf)),
        }
    }
    None
}

/// All tokens up to the end, each with its comments.
fn leaves(text: &str) -> Vec<Leaf<'_>> {
    let mut lexer = Lexer::new(text);
    let mut leaves: Vec<Leaf<'_>> = Vec::new();
    let mut before = Vec::new();
    let mut last_line = 0;
    loop {
        let token = lexer.next_with_comments();
        let part = text.get(token.start..token.end).unwrap_or("");
        let blank = last_line > 0 && token.line > last_line + 1;
        last_line = token.line;
        if token.kind == TokenKind::Comment {
            let comment = part.trim_end();
            match leaves.last_mut() {
                Some(leaf) if !token.first => leaf.after = Some(comment),
                _ => before.push(Comment { text: comment, blank }),
            }
            continue;
        }
        leaves.push(Leaf {
            kind: token.kind,
            text: part,
            blank,
            sign: is_sign(&token, leaves.last()),
            before: std::mem::take(&mut before),
            after: None,
        });
        if token.kind == TokenKind::End {
            return leaves;
        }
    }
}

fn is_sign(token: &Token, previous: Option<&Leaf<'_>>) -> bool {
    use TokenKind::{Close, Number, Text, Word};
    let ends_operand = |leaf: &Leaf<'_>| matches!(leaf.kind, Word | Number | Text | Close(_));
    token.kind == TokenKind::Operator && !previous.is_some_and(ends_operand)
}
