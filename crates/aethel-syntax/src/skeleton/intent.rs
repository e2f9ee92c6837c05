//! Intents: a head and up to three sections.

use super::{Skeleton, span_of};
use crate::ast::{IntentDecl, SolveEntry, Statement};
use crate::kind::Kind;
use crate::lexer::{Bracket, Token, TokenKind};
use crate::strict::IntentHead;
use crate::words;
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Safety, Span};

/// What the sections of one intent hold.
#[derive(Debug, Default)]
struct Body {
    guard: Vec<Statement>,
    solve: Vec<SolveEntry>,
    verify: Vec<Statement>,
    /// Where each section stands, in the order of [`words::SECTIONS`].
    places: [Option<Span>; 3],
    broken: bool,
}

impl Skeleton<'_, '_> {
    /// Reads an intent after its keyword. Without a name there is no intent, but its body is looked at all the same.
    pub(super) fn intent(&mut self, keyword: Token) -> Option<IntentDecl> {
        let before = self.problems.losses();
        let head = self.intent_head();
        let told = self.problems.losses() > before;
        let mut body = Body {
            broken: told,
            ..Body::default()
        };
        let mut end = self.previous.end;
        match self.open(keyword, "the parameters of an intent", told) {
            None => body.broken = true,
            Some(block) => loop {
                if self.at_close_brace() {
                    end = self.close(block);
                    break;
                }
                if self.at_end() || !self.section(&mut body) {
                    end = self.unclosed(block);
                    body.broken = true;
                    break;
                }
            },
        }
        let [guard_span, _, verify_span] = body.places;
        head.name.map(|name| IntentDecl {
            name,
            params: head.params,
            after: head.after,
            guard: body.guard,
            solve: body.solve,
            verify: body.verify,
            guard_span,
            verify_span,
            span: Span::new(keyword.start, end),
            broken: body.broken,
        })
    }

    /// Reads the head, or what can be read of it.
    fn intent_head(&mut self) -> IntentHead {
        let piece = self.piece(Kind::IntentHead);
        let first = match piece.problem {
            None => match self.right_head(piece.part) {
                Ok(head) => return head,
                Err(problem) => problem,
            },
            Some(problem) if [Code::AE0107, Code::AE0108].contains(&problem.code) => {
                self.problems.push(*problem);
                return IntentHead::default();
            }
            Some(problem) => problem,
        };
        // The parameters say more exactly what is wrong with them, and each for itself; but the one that the first
        // problem lies in has been explained.
        let (head, problems) = piece.part.salvage_head();
        let at = first.labels.first().map_or(0, |label| label.span.start);
        let others = problems
            .into_iter()
            .filter(|(place, _)| !(place.start..=place.end).contains(&at));
        let others: Vec<_> = others.map(|(_, problem)| problem).collect();
        self.problems.push(*first);
        others.into_iter().for_each(|problem| self.problems.push(problem));
        head
    }

    /// Reads one section of an intent; false when the intent must be over because something else begins.
    fn section(&mut self, body: &mut Body) -> bool {
        let Some(word) = self.word() else {
            self.outside_section();
            body.broken = true;
            return true;
        };
        if let Some(index) = words::SECTIONS.iter().position(|section| *section == word) {
            let keyword = self.bump();
            self.section_named(index, keyword, body);
            return true;
        }
        if self.begins_block() {
            return false;
        }
        let next = self.ahead(1).kind;
        if next != TokenKind::Open(Bracket::Curly) {
            self.outside_section();
            body.broken = true;
            return true;
        }
        let place = span_of(self.token);
        if let Some(meant) = words::closest(word, words::SECTIONS.iter().copied()) {
            self.misspelt(word, meant, place);
            let index = words::SECTIONS
                .iter()
                .position(|section| *section == meant)
                .unwrap_or(0);
            let keyword = self.bump();
            self.section_named(index, keyword, body);
            return true;
        }
        let help = "an intent has the sections `guard` (what must hold before), `solve` and `verify` (what holds after)";
        self.report(
            Code::AE0103,
            format!("unknown section `{}`", quote(word)),
            place,
            "",
            help,
        );
        body.broken = true;
        self.bump();
        self.skip_braces();
        true
    }

    /// Reads the section of this number after its keyword.
    fn section_named(&mut self, index: usize, keyword: Token, body: &mut Body) {
        self.check_order(index, keyword, body);
        body.places[index] = body.places[index].or(Some(span_of(keyword)));
        let name = words::SECTIONS[index];
        let before = self.problems.losses();
        let kind = if name == "solve" {
            Kind::SolveEntry
        } else {
            Kind::Statement
        };
        let Some(block) = self.open(keyword, &format!("`{name}`"), false) else {
            body.broken = true;
            return;
        };
        loop {
            if self.at_close_brace() {
                self.close(block);
                break;
            }
            if self.at_end() || self.begins_block() || self.misspelt_section_begins() {
                self.unclosed(block);
                break;
            }
            if self.token.kind == TokenKind::Elision {
                self.bump();
                if self.token.kind == TokenKind::Semicolon {
                    self.bump();
                }
                continue;
            }
            let at = self.token.start;
            self.line(kind, index, body);
            self.ensure_progress(at);
        }
        body.broken |= self.problems.losses() > before;
    }

    /// Reads one line of a section.
    fn line(&mut self, kind: Kind, index: usize, body: &mut Body) {
        if self.token.kind == TokenKind::Semicolon {
            return self.empty_line();
        }
        let piece = self.piece(kind);
        if self.at_open_brace() {
            let begins_with_if = self.text_begins_with_if(piece.part.slice());
            let keyword = begins_with_if.then(|| Span::new(piece.part.start, piece.part.start + "if".len()));
            return self.conditional(piece.is_empty(), keyword);
        }
        let part = piece.part;
        let before = self.problems.count();
        match (piece.problem, index) {
            (Some(problem), _) => self.problems.push(*problem),
            (None, 0) => {
                let read = self.statement(part);
                body.guard.extend(self.accept(read));
            }
            (None, 1) => body.solve.extend(self.accept(part.solve_entry())),
            (None, _) => {
                let read = self.statement(part);
                body.verify.extend(self.accept(read));
            }
        }
        let told = self.problems.count() > before;
        self.semicolon(told);
    }

    /// A section that stands too late or for the second time.
    fn check_order(&mut self, index: usize, keyword: Token, body: &Body) {
        let name = words::SECTIONS[index];
        let place = span_of(keyword);
        let source = self.source();
        if let Some(first) = body.places[index] {
            self.problems.push_harmless(
                Diagnostic::new(Code::AE0111, format!("second `{name}` in one intent"))
                    .label(source, place, "the second")
                    .label(source, first, "the first")
                    .help(format!("put all lines into one `{name}`")),
            );
            return;
        }
        let later =
            (index + 1..3).find_map(|later| body.places[later].map(|place| (words::SECTIONS[later], place)));
        if let Some((other, other_place)) = later {
            self.problems.push_harmless(
                Diagnostic::new(Code::AE0111, format!("`{name}` must stand before `{other}`"))
                    .label(source, place, "")
                    .label(source, other_place, format!("`{other}` stands here"))
                    .help("the order is `guard`, `solve`, `verify`"),
            );
        }
    }

    /// Whether a section with a typing mistake begins on this line: then the one before it was not closed.
    fn misspelt_section_begins(&self) -> bool {
        self.token.first
            && self.ahead(1).kind == TokenKind::Open(Bracket::Curly)
            && self
                .word()
                .is_some_and(|word| words::closest(word, words::SECTIONS.iter().copied()).is_some())
    }

    /// A line directly in an intent.
    fn outside_section(&mut self) {
        let place = span_of(self.token);
        let help = "put conditions into `guard { .. }` and effects into `verify { .. }`";
        let text = quote(self.text_of(self.token));
        self.report(
            Code::AE0101,
            format!("`{text}` stands outside of a section"),
            place,
            "expected `guard`, `solve`, `verify` or `}`",
            help,
        );
        self.skip_unknown();
    }

    /// A `{` within a line: `if a { .. } else { .. }`, or just a block.
    fn conditional(&mut self, bare: bool, keyword: Option<Span>) {
        match (keyword, bare) {
            (Some(keyword), _) => {
                let help = "write `condition ==> consequence;`; a condition that must hold stands alone, `condition;`";
                self.report(Code::AE0101, "there is no `if`", keyword, "", help);
                self.skip_block();
            }
            (None, true) => self.nested_block("a section holds lines that end with `;`"),
            (None, false) => self.nested_block("a line ends with `;`"),
        }
        while self.word() == Some("else") || self.word() == Some("elif") {
            while !self.at_end() && !self.at_open_brace() && !self.at_close_brace() {
                if self.bump().kind == TokenKind::Semicolon {
                    return;
                }
            }
            if self.at_open_brace() {
                self.skip_braces();
            }
        }
    }

    fn text_begins_with_if(&self, line: &str) -> bool {
        line.strip_prefix("if")
            .is_some_and(|rest| rest.starts_with([' ', '(']))
    }

    /// A block where none can be: said and passed over.
    pub(super) fn nested_block(&mut self, help: &str) {
        self.report(
            Code::AE0101,
            "unexpected `{`",
            span_of(self.token),
            "a block cannot stand here",
            help,
        );
        self.skip_block();
    }

    /// Passes over a block and the `;` behind it.
    fn skip_block(&mut self) {
        self.skip_braces();
        if self.token.kind == TokenKind::Semicolon {
            self.bump();
        }
    }

    /// A `;` with nothing before it.
    pub(super) fn empty_line(&mut self) {
        let (source, place) = (self.source(), span_of(self.token));
        self.problems.push(
            Diagnostic::new(Code::AE0101, "unexpected `;`")
                .label(source, place, "nothing stands before it")
                .help("delete it")
                .fix("delete `;`", Safety::Safe, source, place, ""),
        );
        self.bump();
    }
}
