//! Cutting: from here to the end of the part, with its lexical problems and brackets looked at on the way.

use super::{Skeleton, span_of};
use crate::depth::{DepthMeter, MAX_DEPTH};
use crate::kind::Kind;
use crate::lexer::{Bracket, Token, TokenKind};
use crate::strict::Part;
use crate::{literals, operators, words};
use aethel_ir::{Code, Diagnostic, Fix, Safety, Span};

/// The longest single part in bytes, which bounds the memory the grammar needs.
const MAX_PART_BYTES: usize = 256 * 1024;

/// The most parts a program may have, so that a small file cannot ask for a large tree.
const MAX_PARTS: usize = 250_000;

/// A part that has been cut out.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    /// Its text.
    pub(crate) part: Part<'t>,
    /// What is wrong with its tokens or brackets; such a part is not read strictly.
    pub(crate) problem: Option<Box<Diagnostic>>,
}

impl Piece<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.part.start == self.part.end
    }
}

impl<'t> Skeleton<'t, '_> {
    /// Takes everything up to the mark that ends a part of this kind, and leaves that mark.
    pub(super) fn piece(&mut self, kind: Kind) -> Piece<'t> {
        let start = self.token.start;
        let mut brackets: Vec<Token> = Vec::new();
        let mut meter = DepthMeter::default();
        let mut problem: Option<Box<Diagnostic>> = None;
        let mut end = start;
        while !self.ends_piece(kind, start, brackets.is_empty()) {
            let token = self.token;
            let text = self.text_of(token);
            if problem.is_none() {
                problem = self.token_problem(kind, start, token).map(Box::new);
            }
            let deep = !meter.feed(token, text);
            if deep && problem.is_none() {
                problem = Some(Box::new(self.too_deep(token)));
            }
            match token.kind {
                TokenKind::Open(_) if !deep => brackets.push(token),
                TokenKind::Close(mark) if !deep => match brackets.pop() {
                    Some(open) if open.kind == TokenKind::Open(mark) => {}
                    open => {
                        problem.get_or_insert_with(|| Box::new(self.mismatch(open, token, mark)));
                    }
                },
                _ => {}
            }
            end = token.end;
            self.bump();
        }
        if let (None, Some(open)) = (&problem, brackets.last()) {
            problem = Some(Box::new(self.unclosed_bracket(*open, end)));
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            let message = format!("the program has more than {MAX_PARTS} lines to read");
            let last = Diagnostic::new(Code::AE0108, message).label(self.source(), Span::new(start, end), "");
            self.problems
                .push_last(last.help("split it, or take the values from a CSV file with `for`"));
        }
        if end - start > MAX_PART_BYTES {
            problem = Some(Box::new(self.too_long(start, end)));
        }
        // What is missing altogether is missing where the text before it ends.
        let (start, end) = if start == end {
            (self.previous.end, self.previous.end)
        } else {
            (start, end)
        };
        Piece {
            part: self.part(start, end),
            problem,
        }
    }

    /// Whether the part ends before the next token.
    fn ends_piece(&self, kind: Kind, start: usize, outside: bool) -> bool {
        let token = self.token;
        if kind == Kind::Expr {
            return token.kind == TokenKind::End;
        }
        match token.kind {
            TokenKind::End | TokenKind::Semicolon => return true,
            TokenKind::Open(Bracket::Curly) | TokenKind::Close(Bracket::Curly) => return true,
            _ => {}
        }
        if token.first && self.begins_block() {
            return true;
        }
        if token.start == start {
            return false;
        }
        if kind.is_head() || !outside || !ends_value(self.previous.kind) {
            return false;
        }
        if ["after", "in", "let"].contains(&self.text_of(self.previous)) {
            return false;
        }
        // Two values in a row, the second on a new line: the first line lacks its `;`.
        let text = self.text_of(token);
        match token.kind {
            TokenKind::Word if text == "let" => kind == Kind::Statement,
            TokenKind::Word => token.first && !["and", "or", "not", "implies", "after", "in"].contains(&text),
            TokenKind::Number | TokenKind::Text | TokenKind::Elision => token.first,
            TokenKind::Operator => token.first && text == "!",
            // After a name it could be the list of arguments.
            TokenKind::Open(Bracket::Round) => token.first && self.previous.kind != TokenKind::Word,
            _ => false,
        }
    }

    /// Whether a keyword stands next in the way it does at the beginning of a block or item, so that what came before
    /// it must be over.
    pub(super) fn begins_block(&self) -> bool {
        let Some(word) = self.word() else { return false };
        let next = self.ahead(1).kind;
        if words::SECTIONS.contains(&word) {
            return self.token.first || next == TokenKind::Open(Bracket::Curly);
        }
        (words::ITEMS.contains(&word) && matches!(next, TokenKind::Word | TokenKind::Text))
            || (word == "for" && next == TokenKind::Word)
    }

    /// What is wrong with one token, by itself or as the operator it was meant to be.
    fn token_problem(&self, kind: Kind, start: usize, token: Token) -> Option<Diagnostic> {
        let text = self.text_of(token);
        if text == "<>" && !kind.has_conditions() {
            return None; // An empty `Account<>`, which the grammar explains.
        }
        let found = literals::check(self.source(), token, text);
        let found = found.map(|problem| self.with_context(problem, start, token));
        if found.is_some() || !kind.has_conditions() || token.kind != TokenKind::Word {
            return found;
        }
        let after_value = token.start != start && ends_value(self.previous.kind);
        let operator = match text {
            "and" | "or" | "implies" => after_value,
            "not" => {
                !after_value
                    && matches!(
                        self.ahead(1).kind,
                        TokenKind::Word | TokenKind::Open(Bracket::Round)
                    )
            }
            _ => false,
        };
        operator.then(|| operators::wrong(self.source(), span_of(token), text))
    }

    /// Adds the fix that a problem with a token has when one looks at what stands around it.
    fn with_context(&self, problem: Diagnostic, start: usize, token: Token) -> Diagnostic {
        let text = self.text_of(token);
        let line = self.text.get(token.end..).unwrap_or("");
        let line = line.split('\n').next().unwrap_or("");
        match (text, line.find(text)) {
            ("'" | "’", _) if self.groups_digits(token) => problem
                .help("thousands are grouped with `_`, as in `1_000`")
                .fix("write `_`", Safety::Unsafe, self.source(), span_of(token), "_"),
            ("'" | "`" | "’", Some(length)) => {
                let close = Span::new(token.end + length, token.end + length + text.len());
                let mut problem = problem;
                problem.fixes.push(Fix {
                    title: "write double quotes".into(),
                    safety: Safety::Safe,
                    edits: [span_of(token), close]
                        .map(|quote| (self.source(), quote, "\"".to_owned()))
                        .into(),
                });
                problem
            }
            ("+=" | "-=" | "*=" | "/=", _) => {
                let place = self.text.get(start..token.start).unwrap_or("").trim();
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                if place.is_empty() || !place.chars().all(plain) {
                    return problem;
                }
                let operator = text.trim_end_matches('=');
                let right = format!("== {place} {operator}");
                let help = format!(
                    "there is no assignment; an equation says what holds after: `{place} {right} ..`"
                );
                let title = format!("write `{right}`");
                problem
                    .help(help)
                    .fix(title, Safety::Unsafe, self.source(), span_of(token), right)
            }
            _ => problem,
        }
    }

    /// Whether a mark stands between the digits of one number.
    fn groups_digits(&self, mark: Token) -> bool {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        let bytes = self.text.as_bytes();
        digit(bytes.get(mark.start.wrapping_sub(1))) && digit(bytes.get(mark.end))
    }

    fn too_deep(&self, token: Token) -> Diagnostic {
        Diagnostic::new(Code::AE0107, format!("nested more than {MAX_DEPTH} levels deep"))
            .label(self.source(), span_of(token), "this is one level too many")
            .help(
                "brackets, operators and chains of operators count; name a part with `let` and use the name",
            )
    }

    fn too_long(&self, start: usize, end: usize) -> Diagnostic {
        let message = format!(
            "one line of the program may have {MAX_PART_BYTES} bytes, this has {}",
            end - start
        );
        Diagnostic::new(Code::AE0108, message)
            .label(self.source(), Span::new(start, start), "it begins here")
            .help("split it, or take the values from a CSV file with `for`")
    }

    /// A closing bracket that fits no opening one.
    fn mismatch(&self, open: Option<Token>, close: Token, mark: Bracket) -> Diagnostic {
        let text = mark.closing();
        let Some(open) = open else {
            return Diagnostic::new(Code::AE0104, format!("stray `{text}`"))
                .label(self.source(), span_of(close), "nothing is open here")
                .help(format!("delete it or add the `{}` it belongs to", mark.opening()))
                .fix(
                    format!("delete `{text}`"),
                    Safety::Unsafe,
                    self.source(),
                    span_of(close),
                    "",
                );
        };
        let opening = self.text_of(open);
        let fitting = match open.kind {
            TokenKind::Open(bracket) => bracket.closing(),
            _ => text,
        };
        Diagnostic::new(Code::AE0104, format!("`{opening}` is closed by `{text}`"))
            .label(self.source(), span_of(close), format!("expected `{fitting}`"))
            .label(self.source(), span_of(open), "opened here")
            .help(format!("write `{fitting}`"))
            .fix(
                format!("write `{fitting}`"),
                Safety::Unsafe,
                self.source(),
                span_of(close),
                fitting,
            )
    }

    /// A bracket that is still open where its part ends.
    fn unclosed_bracket(&self, open: Token, end: usize) -> Diagnostic {
        let opening = self.text_of(open);
        let fitting = match open.kind {
            TokenKind::Open(bracket) => bracket.closing(),
            _ => "",
        };
        Diagnostic::new(Code::AE0104, format!("`{opening}` is never closed"))
            .label(self.source(), span_of(open), "opened here")
            .label(
                self.source(),
                Span::new(end, end),
                format!("`{fitting}` is missing by here"),
            )
            .help(format!("add `{fitting}`"))
            .fix(
                format!("add `{fitting}`"),
                Safety::Unsafe,
                self.source(),
                Span::new(end, end),
                fitting,
            )
    }
}

/// Whether a value can end with this token.
fn ends_value(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Word
            | TokenKind::Number
            | TokenKind::Text
            | TokenKind::OpenText
            | TokenKind::Close(Bracket::Round | Bracket::Square)
    )
}
