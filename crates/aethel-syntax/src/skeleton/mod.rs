//! The skeleton of a file: items, sections and lines, found by keywords, brackets and `;` alone.
//!
//! It cannot fail. It cuts the text into parts ([`piece`]), has each read strictly ([`crate::strict`]) and puts the tree
//! together; a part that cannot be read costs its own message and nothing else. It reads the text once from front to
//! back, so its time is linear in the text and its memory is that of the tree.

mod batch;
mod blocks;
mod intent;
mod items;
mod piece;

use crate::again::Known;
use crate::ast::{Call, Expr, Program, Statement};
use crate::kind::Kind;
use crate::lexer::{Bracket, Lexer, Token, TokenKind};
use crate::problems::Problems;
use crate::strict::{IntentHead, Part, Strict};
use aethel_ir::{Code, Diagnostic, SourceId, Span};

/// Reads a whole text.
pub(crate) fn read(source: SourceId, text: &str) -> (Program, Vec<Diagnostic>) {
    whole(Skeleton::new(source, text))
}

/// Reads a whole text, of which some parts may be known.
pub(crate) fn read_again(source: SourceId, text: &str, known: &mut Known) -> (Program, Vec<Diagnostic>) {
    whole(Skeleton {
        known: Some(known),
        ..Skeleton::new(source, text)
    })
}

fn whole(mut skeleton: Skeleton<'_, '_>) -> (Program, Vec<Diagnostic>) {
    let program = skeleton.program();
    (program, skeleton.problems.finish())
}

/// Reads a whole text as one expression.
pub(crate) fn read_condition(source: SourceId, text: &str) -> (Option<Expr>, Vec<Diagnostic>) {
    let piece = Skeleton::new(source, text).piece(Kind::Expr);
    match piece.problem.map_or_else(|| piece.part.expression(), Err) {
        Ok(expr) => (Some(expr), Vec::new()),
        Err(problem) => (None, vec![*problem]),
    }
}

/// Where the reading is, and what it has found.
struct Skeleton<'t, 'k> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The next token.
    token: Token,
    /// The last token taken.
    previous: Token,
    problems: Problems,
    parts: usize,
    braces: blocks::Braces,
    /// Whether another dialect was recognised; it is told once.
    dialect_seen: bool,
    /// Parts that were read before, in an editor.
    known: Option<&'k mut Known>,
}

impl<'t> Skeleton<'t, '_> {
    fn new(source: SourceId, text: &'t str) -> Self {
        let mut lexer = Lexer::new(text);
        let token = lexer.next_token();
        let previous = Token {
            kind: TokenKind::End,
            end: token.start,
            ..token
        };
        let (problems, braces) = (Problems::new(source), blocks::Braces::default());
        Self {
            text,
            lexer,
            token,
            previous,
            problems,
            parts: 0,
            braces,
            dialect_seen: false,
            known: None,
        }
    }

    /// Takes the next token. After too many problems there is only the end left.
    fn bump(&mut self) -> Token {
        if self.problems.stopped() {
            self.lexer.finish();
        }
        self.previous = self.token;
        self.token = self.lexer.next_token();
        self.previous
    }

    /// Every step of a loop must take a token. Should one not, that is a fault, but the reading still has to end.
    fn ensure_progress(&mut self, before: usize) {
        if self.token.start == before && !self.at_end() {
            debug_assert!(false, "no progress at byte {before} of {:?}", self.text);
            self.bump();
        }
    }

    /// The token after the next `skip` ones.
    fn ahead(&self, skip: usize) -> Token {
        let mut lexer = self.lexer;
        let mut token = self.token;
        for _ in 0..skip {
            token = lexer.next_token();
        }
        token
    }

    fn text_of(&self, token: Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    /// The text of the next token when it is a word.
    fn word(&self) -> Option<&'t str> {
        (self.token.kind == TokenKind::Word).then(|| self.text_of(self.token))
    }

    fn at_open_brace(&self) -> bool {
        self.token.kind == TokenKind::Open(Bracket::Curly)
    }

    fn at_close_brace(&self) -> bool {
        self.token.kind == TokenKind::Close(Bracket::Curly)
    }

    fn at_end(&self) -> bool {
        self.token.kind == TokenKind::End
    }

    fn source(&self) -> SourceId {
        self.problems.source()
    }

    fn report(&mut self, code: Code, message: impl Into<String>, span: Span, label: &str, help: &str) {
        self.problems.report(code, message, span, label, help);
    }

    /// A part of the text for strict reading.
    fn part(&self, start: usize, end: usize) -> Part<'t> {
        Part {
            text: self.text,
            source: self.source(),
            start,
            end,
        }
    }

    /// A line of `guard` or `verify`.
    fn statement(&mut self, part: Part<'t>) -> Strict<Statement> {
        match &mut self.known {
            Some(known) => known.statements.read(part, Part::statement),
            None => part.statement(),
        }
    }

    /// The head of an intent, all of it right.
    fn right_head(&mut self, part: Part<'t>) -> Strict<IntentHead> {
        match &mut self.known {
            Some(known) => known.heads.read(part, Part::intent_head),
            None => part.intent_head(),
        }
    }

    /// A call with its label and order.
    fn call(&mut self, part: Part<'t>) -> Strict<Call> {
        match &mut self.known {
            Some(known) => known.calls.read(part, Part::call),
            None => part.call(),
        }
    }

    /// The value, or its problem told.
    fn accept<T>(&mut self, result: Strict<T>) -> Option<T> {
        result.map_err(|problem| self.problems.push(*problem)).ok()
    }

    /// Takes a `;` that must stand here. When it is not there, `told` says whether that was said already.
    fn semicolon(&mut self, told: bool) {
        if self.token.kind == TokenKind::Semicolon {
            self.bump();
            return;
        }
        if !told {
            self.missing_semicolon();
        }
    }

    /// Says that the line that ends with the last token lacks its `;`.
    fn missing_semicolon(&mut self) {
        let gap = Span::new(self.previous.end, self.previous.end);
        let source = self.source();
        self.problems.push_harmless(
            Diagnostic::new(Code::AE0102, "missing `;`")
                .label(source, gap, "expected `;` here")
                .help("every line ends with `;`")
                .fix("add `;`", aethel_ir::Safety::Safe, source, gap, ";"),
        );
    }
}

/// The bytes of a token.
fn span_of(token: Token) -> Span {
    Span::new(token.start, token.end)
}
