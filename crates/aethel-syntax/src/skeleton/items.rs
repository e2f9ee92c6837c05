//! Top level: a program is a list of items.

use super::{Skeleton, span_of};
use crate::ast::{AccountDecl, AssetDecl, ConstDecl, FieldDecl, Item, Name, Program};
use crate::dialects::Dialect;
use crate::kind::Kind;
use crate::lexer::{Bracket, Token, TokenKind};
use crate::words;
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Span};

impl<'t> Skeleton<'t, '_> {
    /// Reads everything.
    pub(super) fn program(&mut self) -> Program {
        let mut items = Vec::new();
        while !self.at_end() {
            let at = self.token.start;
            if self.at_close_brace() {
                self.stray_brace();
            } else if self.word().is_some_and(|word| words::ITEMS.contains(&word)) {
                self.item(&mut items);
            } else {
                self.unknown_item(&mut items);
            }
            self.ensure_progress(at);
        }
        let runs = items
            .iter()
            .any(|item| matches!(item, Item::Intent(_) | Item::Batch(_)));
        if !runs && self.problems.is_empty() {
            self.empty(items.is_empty());
        }
        Program { items }
    }

    /// Reads an item; the next token is its keyword.
    pub(super) fn item(&mut self, items: &mut Vec<Item>) {
        let keyword = self.bump();
        let word = self.text_of(keyword);
        self.item_named(word, keyword, items);
    }

    /// Reads an item after its keyword, which may have been misspelt.
    fn item_named(&mut self, word: &str, keyword: Token, items: &mut Vec<Item>) {
        match word {
            "asset" => self.asset(keyword, items),
            "account" => self.account(keyword, items),
            "field" => self.field(keyword, items),
            "const" => self.constant(keyword, items),
            "intent" => items.extend(self.intent(keyword).map(Item::Intent)),
            _ => {
                let batch = self.batch(keyword, items);
                items.extend(batch.map(Item::Batch));
            }
        }
    }

    fn asset(&mut self, keyword: Token, items: &mut Vec<Item>) {
        let (name, told) = self.declared(Kind::AssetHead);
        let mut scale: Option<Name> = None;
        let mut broken = false;
        let mut told = told;
        if self.token.kind == TokenKind::Semicolon && !told {
            let help = "write `asset USD { scale: 2; }`";
            let message = "an asset needs its number of decimal places";
            self.report(
                Code::AE0101,
                message,
                span_of(self.token),
                "expected `{ scale: 2; }`",
                help,
            );
            (told, broken) = (true, true);
        }
        let end = self.entries(
            keyword,
            "the name of an asset",
            told,
            Kind::AssetEntry,
            |this, piece| {
                let Some(digits) = this.accept(piece.asset_entry()) else {
                    broken = true;
                    return;
                };
                match &scale {
                    Some(first) => this.twice("scale", first.span, digits.span),
                    None => scale = Some(digits),
                }
            },
        );
        if broken && scale.is_none() {
            // The widest scale draws the fewest complaints about amounts that are right.
            scale = name.as_ref().map(|name| Name {
                text: "18".into(),
                span: name.span,
            });
        }
        let span = Span::new(keyword.start, end);
        items.extend(name.map(|name| Item::Asset(AssetDecl { name, scale, span })));
    }

    fn account(&mut self, keyword: Token, items: &mut Vec<Item>) {
        let (name, told) = self.declared(Kind::AccountHead);
        let mut unbounded = None;
        let mut first: Option<Span> = None;
        let end = self.entries(
            keyword,
            "the name of an account",
            told,
            Kind::AccountEntry,
            |this, piece| {
                let here = Span::new(piece.start, piece.end);
                if let Some(found) = this.accept(piece.account_entry()) {
                    match first {
                        Some(first) => this.twice("the bound", first, here),
                        None => unbounded = found,
                    }
                    first = first.or(Some(here));
                }
            },
        );
        let span = Span::new(keyword.start, end);
        items.extend(name.map(|name| {
            Item::Account(AccountDecl {
                name,
                unbounded,
                span,
            })
        }));
    }

    /// The name in a head, and whether a problem with it was told.
    pub(super) fn declared(&mut self, kind: Kind) -> (Option<Name>, bool) {
        let piece = self.piece(kind);
        match piece.problem {
            Some(problem) => {
                self.problems.push(*problem);
                (None, true)
            }
            None => {
                let read = piece.part.declared_name(kind);
                let name = self.accept(read);
                let told = name.is_none();
                // The rest of the program will use the name, whatever else is wrong here.
                (name.or_else(|| piece.part.first_name(kind)), told)
            }
        }
    }

    /// Reads `{ entry; entry; }` and gives the end of it.
    pub(super) fn entries(
        &mut self,
        keyword: Token,
        after: &str,
        told: bool,
        kind: Kind,
        mut entry: impl FnMut(&mut Self, crate::strict::Part<'t>),
    ) -> usize {
        let Some(block) = self.open(keyword, after, told) else {
            return self.previous.end;
        };
        loop {
            if self.at_close_brace() {
                return self.close(block);
            }
            if kind == Kind::Call && self.word() == Some("for") && self.token.indent >= block.open.indent {
                let help = "loops cannot be nested; write one loop after the other";
                self.report(
                    Code::AE0101,
                    "a loop cannot stand in a loop",
                    span_of(self.token),
                    "",
                    help,
                );
                self.skip_unknown();
                continue;
            }
            if self.at_end() || self.begins_block() {
                return self.unclosed(block);
            }
            if self.token.kind == TokenKind::Semicolon {
                self.empty_line();
                continue;
            }
            let piece = self.piece(kind);
            let before = self.problems.count();
            if piece.is_empty() {
                self.nested_block("a block cannot stand here");
                continue;
            }
            match piece.problem {
                Some(problem) => self.problems.push(*problem),
                None => entry(self, piece.part),
            }
            let told = self.problems.count() > before;
            if self.at_open_brace() {
                self.nested_block("a block cannot stand here");
            } else {
                self.semicolon(told);
            }
        }
    }

    fn field(&mut self, keyword: Token, items: &mut Vec<Item>) {
        let piece = self.piece(Kind::Field);
        let part = piece.part;
        let read = piece.problem.map_or_else(|| part.field(), Err);
        let found = self.accept(read);
        self.end_line(keyword, found.is_none());
        let span = Span::new(keyword.start, self.previous.end);
        items.extend(found.map(|(name, ty)| Item::Field(FieldDecl { name, ty, span })));
    }

    fn constant(&mut self, keyword: Token, items: &mut Vec<Item>) {
        let piece = self.piece(Kind::Const);
        let part = piece.part;
        let read = piece.problem.map_or_else(|| part.constant(), Err);
        let found = self.accept(read);
        self.end_line(keyword, found.is_none());
        let span = Span::new(keyword.start, self.previous.end);
        items.extend(found.map(|(name, value)| Item::Const(ConstDecl { name, value, span })));
    }

    /// The `;` of a top-level line. A block in its place is passed over.
    fn end_line(&mut self, keyword: Token, told: bool) {
        if self.at_open_brace() {
            if !told {
                let what = self.text_of(keyword);
                self.nested_block(&format!("`{what}` has no block; it ends with `;`"));
            } else {
                self.skip_braces();
            }
            return;
        }
        self.semicolon(told);
    }

    /// Something at top level that begins no item.
    fn unknown_item(&mut self, items: &mut Vec<Item>) {
        let (next, after) = (self.ahead(1), self.ahead(2));
        let Some(word) = self.word() else {
            let text = quote(self.text_of(self.token));
            let problem = crate::literals::check(self.source(), self.token, self.text_of(self.token));
            let problem = problem.unwrap_or_else(|| {
                Diagnostic::new(Code::AE0101, format!("unexpected `{text}`"))
                    .label(self.source(), span_of(self.token), "expected an item")
                    .help("a program is made of `asset`, `account`, `field`, `const`, `intent` and `atomic_batch`")
            });
            self.problems.push(problem);
            return self.skip_unknown();
        };
        if let Some(dialect) = Dialect::of(word, next.kind, after.kind) {
            return self.other_dialect(dialect);
        }
        let place = span_of(self.token);
        let item_like = matches!(next.kind, TokenKind::Word | TokenKind::Text);
        let known = words::closest(word, words::ITEMS.iter().copied()).or(words::item_elsewhere(word));
        if let Some(meant) = known.filter(|_| item_like) {
            self.misspelt(word, meant, place);
            let keyword = self.bump();
            return self.item_named(meant, keyword, items);
        }
        let block = [next.kind, after.kind].contains(&TokenKind::Open(Bracket::Curly))
            || next.kind == TokenKind::Word;
        let (code, help) = if words::SECTIONS.contains(&word) {
            (
                Code::AE0103,
                "a section stands inside an intent: `intent name(..) { guard { .. } verify { .. } }`",
            )
        } else if word == "let" {
            (
                Code::AE0101,
                "a constant of the whole program is written `const FEE = 0.01;`",
            )
        } else if word == "for" || next.kind == TokenKind::Open(Bracket::Round) {
            (
                Code::AE0101,
                "calls and loops stand inside a batch: `atomic_batch name { .. }`",
            )
        } else {
            let code = if block { Code::AE0103 } else { Code::AE0101 };
            (
                code,
                "a program is made of `asset`, `account`, `field`, `const`, `intent` and `atomic_batch`",
            )
        };
        self.report(
            code,
            format!("`{}` cannot stand at top level", quote(word)),
            place,
            "",
            help,
        );
        self.skip_unknown();
    }

    /// A keyword with a typing mistake.
    pub(super) fn misspelt(&mut self, word: &str, meant: &str, place: Span) {
        let source = self.source();
        let word = quote(word);
        self.problems.push_harmless(
            Diagnostic::new(Code::AE0103, format!("unknown block `{word}`"))
                .label(source, place, "")
                .help(format!("did you mean `{meant}`?"))
                .fix(
                    format!("replace `{word}` by `{meant}`"),
                    aethel_ir::Safety::Unsafe,
                    source,
                    place,
                    meant,
                ),
        );
    }

    /// Another dialect: one message, and on to the next line that begins an item of this language.
    fn other_dialect(&mut self, dialect: Dialect) {
        if !std::mem::replace(&mut self.dialect_seen, true) {
            let message = format!("this is another dialect: Aethel has no {}", dialect.looks());
            let help = "the supported form is `atomic_batch name { intent name(..) { guard { .. } verify { .. } } }`";
            self.report(
                Code::AE0106,
                message,
                span_of(self.token),
                "the other dialect begins here",
                help,
            );
        }
        self.bump();
        while !self.at_end() && !self.begins_item_line() {
            self.bump();
        }
    }

    /// Whether an item begins at the very start of a line.
    fn begins_item_line(&self) -> bool {
        let start = self.token.first && self.token.indent == 0;
        start && self.begins_block() && self.word().is_some_and(|word| words::ITEMS.contains(&word))
    }

    /// Something that may be written once only.
    fn twice(&mut self, what: &str, first: Span, second: Span) {
        let what = if what.contains(' ') {
            what.to_owned()
        } else {
            format!("`{what}`")
        };
        let source = self.source();
        self.problems.push(
            Diagnostic::new(Code::AE0101, format!("{what} is given twice"))
                .label(source, second, "the second time")
                .label(source, first, "the first time")
                .help("delete one of them"),
        );
    }

    /// A program in which nothing can run.
    fn empty(&mut self, nothing: bool) {
        let message = if nothing {
            "the program is empty"
        } else {
            "the program has no batch and no intent"
        };
        let at = self.previous.end.min(self.text.len());
        let help = "add `atomic_batch name { .. }` or `intent name(..) { .. }`";
        self.report(Code::AE0110, message, Span::new(at, at), "", help);
    }
}
