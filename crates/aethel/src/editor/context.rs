//! Where in a program a byte is, by the words and brackets before it: this works in the middle of typing too.

use aethel_ir::Span;
use aethel_syntax::lexer::{Bracket, Lexer, Token, TokenKind};

/// A bracket that is open at the cursor.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Its kind.
    pub bracket: Bracket,
    /// What stands before it since the last `;` or brace: `intent pay`, `fee: move`.
    pub head: Vec<Token>,
    /// What stands in it since the last `;`, brace or comma.
    pub line: Vec<Token>,
    /// How many commas there were.
    pub commas: usize,
}

/// The brackets around a byte, and the tokens before it.
#[derive(Clone, Debug)]
pub(super) struct Context<'t> {
    text: &'t str,
    /// From the outside in.
    pub frames: Vec<Frame>,
    /// At top level: what stands there since the last `;` or brace.
    line: Vec<Token>,
    /// The word that ends at the cursor, or the empty place there.
    pub word: Span,
    /// The cursor is in a comment or string, where nothing is to be completed.
    pub silent: bool,
}

impl<'t> Context<'t> {
    pub(super) fn at(text: &'t str, offset: usize) -> Self {
        let offset = offset.min(text.len());
        let mut context = Self {
            text,
            frames: Vec::new(),
            line: Vec::new(),
            word: Span::new(offset, offset),
            silent: false,
        };
        let mut lexer = Lexer::new(text);
        loop {
            let token = lexer.next_with_comments();
            if token.kind == TokenKind::End || token.start >= offset {
                break;
            }
            if token.kind == TokenKind::Comment {
                context.silent = offset <= token.end;
            } else if token.kind == TokenKind::Word && offset <= token.end {
                context.word = Span::new(token.start, offset);
            } else {
                let text = matches!(token.kind, TokenKind::Text | TokenKind::Number);
                context.silent =
                    text && offset <= token.end && !(token.kind == TokenKind::Text && offset == token.end)
                        || token.kind == TokenKind::OpenText && offset <= token.end;
                context.take(token);
            }
        }
        context
    }

    fn take(&mut self, token: Token) {
        match token.kind {
            TokenKind::Open(bracket) => {
                let line = self.line_mut();
                let head = line.clone();
                if bracket == Bracket::Curly {
                    line.clear();
                }
                self.frames.push(Frame {
                    bracket,
                    head,
                    line: Vec::new(),
                    commas: 0,
                });
            }
            TokenKind::Close(bracket) => {
                // A bracket that closes nothing is not looked at; one left open ends with what it stands in.
                if let Some(at) = self.frames.iter().rposition(|frame| frame.bracket == bracket) {
                    self.frames.truncate(at);
                    if bracket == Bracket::Curly {
                        self.line_mut().clear();
                    } else {
                        self.line_mut().push(token);
                    }
                }
            }
            TokenKind::Semicolon => {
                // A bracket left open on a line ends with it.
                while self
                    .frames
                    .last()
                    .is_some_and(|frame| frame.bracket != Bracket::Curly)
                {
                    self.frames.pop();
                }
                self.line_mut().clear();
            }
            TokenKind::Comma
                if self
                    .frames
                    .last()
                    .is_some_and(|frame| frame.bracket != Bracket::Curly) =>
            {
                if let Some(frame) = self.frames.last_mut() {
                    // The comma of `Price<BTC, USD>` is not one of the list.
                    let open = frame
                        .line
                        .iter()
                        .rev()
                        .find(|one| ["<", ">"].contains(&word(self.text, one)));
                    if open.is_some_and(|one| word(self.text, one) == "<") && is_parameter(self.text, frame) {
                        frame.line.push(token);
                        return;
                    }
                    frame.commas += 1;
                    frame.line.clear();
                }
            }
            _ => {
                // `guard {` may stand on the line of what was forgotten to be ended: an item begins anew.
                self.line_mut().push(token);
            }
        }
    }

    fn line_mut(&mut self) -> &mut Vec<Token> {
        match self.frames.last_mut() {
            Some(frame) => &mut frame.line,
            None => &mut self.line,
        }
    }

    /// What stands before the cursor since the last `;`, brace or comma.
    pub(super) fn line(&self) -> Vec<&'t str> {
        let line = self.frames.last().map_or(&self.line, |frame| &frame.line);
        line.iter().map(|token| word(self.text, token)).collect()
    }

    /// The words before an open bracket.
    pub(super) fn head(&self, frame: &Frame) -> Vec<&'t str> {
        frame.head.iter().map(|token| word(self.text, token)).collect()
    }

    /// The keyword of the innermost block: `intent`, `guard`, `atomic_batch`, `for` ..
    pub(super) fn block(&self) -> Option<&'t str> {
        let block = self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.bracket == Bracket::Curly)?;
        let head = self.head(block);
        let known = [
            "asset",
            "account",
            "intent",
            "atomic_batch",
            "guard",
            "solve",
            "verify",
            "for",
        ];
        head.into_iter().find(|word| known.contains(word))
    }

    /// The list of parameters or arguments around the cursor.
    pub(super) fn list(&self) -> Option<&Frame> {
        self.frames.last().filter(|frame| frame.bracket == Bracket::Round)
    }

    /// What the open list belongs to: the word before its bracket.
    pub(super) fn called(&self, frame: &Frame) -> Option<&'t str> {
        let last = frame.head.last()?;
        (last.kind == TokenKind::Word).then(|| word(self.text, last))
    }

    /// Whether the open list is that of parameters.
    pub(super) fn declares(&self, frame: &Frame) -> bool {
        is_parameter(self.text, frame)
    }
}

fn is_parameter(text: &str, frame: &Frame) -> bool {
    let first = frame.head.iter().rev().nth(1);
    frame.bracket == Bracket::Round && first.is_some_and(|token| word(text, token) == "intent")
}

fn word<'t>(text: &'t str, token: &Token) -> &'t str {
    text.get(token.start..token.end).unwrap_or("")
}
