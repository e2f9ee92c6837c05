//! Tokens: the shape of a text, down to words and marks, without any meaning.
//!
//! Takes a text, gives one token after the other and never fails: what no token looks like is [`TokenKind::Unknown`].
//! It keeps no list, so its memory does not grow with the text, and it counts lines on the way, so nobody has to look
//! back for them.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or name: letters, digits and `_`.
    Word,
    /// Anything that begins with a digit, well formed or not.
    Number,
    /// A string with both quotes.
    Text,
    /// A string without its closing quote; it ends where the line does, before any `;` or brackets there.
    OpenText,
    /// One of `( [ {`.
    Open(Bracket),
    /// One of `) ] }`.
    Close(Bracket),
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `...`
    Elision,
    /// `=`
    Assign,
    /// An operator of the language.
    Operator,
    /// An operator of some other language, such as `===`.
    WrongOperator,
    /// A character that cannot stand here.
    Unknown,
    /// A comment without its line end. Only [`Lexer::next_with_comments`] gives it.
    Comment,
    /// The end of the text.
    End,
}

/// A kind of bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// `( )`
    Round,
    /// `[ ]`
    Square,
    /// `{ }`
    Curly,
}

impl Bracket {
    /// The closing mark.
    pub fn closing(self) -> &'static str {
        match self {
            Self::Round => ")",
            Self::Square => "]",
            Self::Curly => "}",
        }
    }

    /// The opening mark.
    pub fn opening(self) -> &'static str {
        match self {
            Self::Round => "(",
            Self::Square => "[",
            Self::Curly => "{",
        }
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Its line, from 1.
    pub line: u32,
    /// How far its line is indented, in bytes.
    pub indent: u32,
    /// Whether it is the first token of its line.
    pub first: bool,
}

/// Marks that other languages write and this one does not, longest first.
const WRONG_OPERATORS: &[&str] = &[
    "<=>", "===", "!==", "**", "=>", "=<", "<>", ":=", "->", "++", "+=", "-=", "*=", "/=", "/*", "&", "|",
    "^", "~", "?", "≥", "≤", "≠", "∧", "∨", "¬", "×", "÷", "→", "⇒",
];

/// The operators of the language, longest first.
const OPERATORS: &[&str] = &[
    "==>", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!",
];

/// Cuts a text into tokens.
#[derive(Clone, Copy, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    position: usize,
    line: u32,
    line_start: usize,
    indent: u32,
    fresh: bool,
}

impl<'t> Lexer<'t> {
    /// Starts at the first character; a byte-order mark there is skipped.
    pub fn new(text: &'t str) -> Self {
        let position = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Self {
            text,
            position,
            line: 1,
            line_start: position,
            indent: 0,
            fresh: true,
        }
    }

    /// Starts at a byte; lines are counted from there. An offset inside a character or past the end means the end.
    pub fn starting_at(text: &'t str, offset: usize) -> Self {
        let position = if text.is_char_boundary(offset) {
            offset
        } else {
            text.len()
        };
        Self {
            position,
            line_start: position,
            ..Self::new(text)
        }
    }

    /// Goes to the end, so that every further token is [`TokenKind::End`].
    pub fn finish(&mut self) {
        self.position = self.text.len();
    }

    /// The next token that is not a comment.
    pub fn next_token(&mut self) -> Token {
        loop {
            let token = self.next_with_comments();
            if token.kind != TokenKind::Comment {
                return token;
            }
        }
    }

    /// The next token, comments included: for tools that must not lose them.
    pub fn next_with_comments(&mut self) -> Token {
        self.skip_space();
        let start = self.position;
        let first = self.fresh;
        if first {
            self.indent = u32::try_from(start - self.line_start).unwrap_or(u32::MAX);
            self.fresh = false;
        }
        let kind = self.scan();
        Token {
            kind,
            start,
            end: self.position,
            line: self.line,
            indent: self.indent,
            first,
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.byte(0) {
            match byte {
                b' ' | b'\t' | b'\r' => self.position += 1,
                b'\n' => {
                    self.position += 1;
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.position;
                    self.fresh = true;
                }
                _ => break,
            }
        }
    }

    /// Moves over one token that does not begin with space.
    fn scan(&mut self) -> TokenKind {
        let Some(byte) = self.byte(0) else {
            return TokenKind::End;
        };
        match byte {
            b'#' => self.comment(),
            b'/' if self.byte(1) == Some(b'/') => self.comment(),
            b'"' => self.string(),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'(' => self.mark(1, TokenKind::Open(Bracket::Round)),
            b')' => self.mark(1, TokenKind::Close(Bracket::Round)),
            b'[' => self.mark(1, TokenKind::Open(Bracket::Square)),
            b']' => self.mark(1, TokenKind::Close(Bracket::Square)),
            b'{' => self.mark(1, TokenKind::Open(Bracket::Curly)),
            b'}' => self.mark(1, TokenKind::Close(Bracket::Curly)),
            b',' => self.mark(1, TokenKind::Comma),
            b';' => self.mark(1, TokenKind::Semicolon),
            b'.' if self.rest().starts_with("...") => self.mark(3, TokenKind::Elision),
            b'.' => self.mark(1, TokenKind::Dot),
            _ => self.operator(),
        }
    }

    fn mark(&mut self, length: usize, kind: TokenKind) -> TokenKind {
        self.position += length;
        kind
    }

    fn operator(&mut self) -> TokenKind {
        let rest = self.rest();
        let first = self.byte(0);
        // Most marks begin otherwise, which one byte tells.
        let longest = |marks: &[&str]| {
            let mut begin_so = marks.iter().filter(|mark| mark.bytes().next() == first);
            let found = begin_so.find(|mark| rest.starts_with(**mark));
            found.map_or(0, |mark| mark.len())
        };
        let (right, wrong) = (longest(OPERATORS), longest(WRONG_OPERATORS));
        if wrong > right {
            return self.mark(wrong, TokenKind::WrongOperator);
        }
        if right > 0 {
            return self.mark(right, TokenKind::Operator);
        }
        match rest.chars().next() {
            Some('=') => self.mark(1, TokenKind::Assign),
            Some(':') => self.mark(1, TokenKind::Colon),
            Some(c) if c.is_alphanumeric() => self.word(),
            Some(c) => self.mark(c.len_utf8(), TokenKind::Unknown),
            None => TokenKind::End,
        }
    }

    fn comment(&mut self) -> TokenKind {
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        self.mark(length, TokenKind::Comment)
    }

    /// Letters of any alphabet belong to the word, so that `salário` is one word that can be explained.
    fn word(&mut self) -> TokenKind {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.mark(length, TokenKind::Word)
    }

    /// Takes all that a person may have meant as one number (`1.`, `1__0`, `0x10`, `1.2.3`).
    fn number(&mut self) -> TokenKind {
        loop {
            while self
                .byte(0)
                .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            {
                self.position += 1;
            }
            let dot = self.byte(0) == Some(b'.') && self.byte(1) != Some(b'.');
            if !dot {
                return TokenKind::Number;
            }
            self.position += 1;
            if !self.byte(0).is_some_and(|b| b.is_ascii_digit()) {
                return TokenKind::Number;
            }
        }
    }

    fn string(&mut self) -> TokenKind {
        let bytes = self.text.as_bytes();
        let mut at = self.position + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => return self.mark(at + 1 - self.position, TokenKind::Text),
                Some(b'\\') if !matches!(bytes.get(at + 1), None | Some(b'\n' | b'\r')) => at += 2,
                None | Some(b'\n' | b'\r') => break,
                Some(_) => at += 1,
            }
        }
        // What ends the line was most likely meant to stand after the closing quote: `in "staff.csv {`.
        let line = self.text.get(self.position..at.min(bytes.len())).unwrap_or("");
        let kept = line.trim_end_matches(|c: char| c.is_whitespace() || ";{}),".contains(c));
        self.mark(kept.len().max(1), TokenKind::OpenText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(TokenKind, &str)]) {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        loop {
            let token = lexer.next_with_comments();
            if token.kind == TokenKind::End {
                break;
            }
            found.push((token.kind, &text[token.start..token.end]));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_are_as_long_as_possible() {
        use TokenKind::*;
        check("a==>b", &[(Word, "a"), (Operator, "==>"), (Word, "b")]);
        check("a=>b", &[(Word, "a"), (WrongOperator, "=>"), (Word, "b")]);
        check("a===b", &[(Word, "a"), (WrongOperator, "==="), (Word, "b")]);
        check(
            "a<-b",
            &[(Word, "a"), (Operator, "<"), (Operator, "-"), (Word, "b")],
        );
        check("a ≥ b", &[(Word, "a"), (WrongOperator, "≥"), (Word, "b")]);
        check(
            "x=!y",
            &[(Word, "x"), (Assign, "="), (Operator, "!"), (Word, "y")],
        );
        check(
            "a / b // c",
            &[(Word, "a"), (Operator, "/"), (Word, "b"), (Comment, "// c")],
        );
    }

    #[test]
    fn numbers_take_what_was_meant_as_one() {
        use TokenKind::*;
        check("1.;", &[(Number, "1."), (Semicolon, ";")]);
        check(
            "1.2.3 0x1f 1e5",
            &[(Number, "1.2.3"), (Number, "0x1f"), (Number, "1e5")],
        );
        check("1...", &[(Number, "1"), (Elision, "...")]);
        check("a.b", &[(Word, "a"), (Dot, "."), (Word, "b")]);
    }

    #[test]
    fn an_open_string_leaves_the_end_of_the_line_alone() {
        use TokenKind::*;
        check(
            "\"a b {\nx",
            &[(OpenText, "\"a b"), (Open(Bracket::Curly), "{"), (Word, "x")],
        );
        check("\"a\\\"b\" \"", &[(Text, "\"a\\\"b\""), (OpenText, "\"")]);
        check("\"a\\", &[(OpenText, "\"a\\")]);
        check("\"é\\é\"", &[(Text, "\"é\\é\"")]);
    }

    #[test]
    fn lines_and_indents_are_known() {
        let text = "\u{feff}a\n  b # c\n\n\tc";
        let mut lexer = Lexer::new(text);
        let seen: Vec<_> = (0..3)
            .map(|_| lexer.next_token())
            .map(|t| (t.line, t.indent, t.first))
            .collect();
        assert_eq!(seen, [(1, 0, true), (2, 2, true), (4, 1, true)]);
    }
}
