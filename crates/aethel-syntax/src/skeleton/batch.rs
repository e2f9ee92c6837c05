//! Batches: intents, calls and loops.

use super::{Skeleton, span_of};
use crate::ast::{AtomicBatch, BatchItem, Call, Item, Loop, Name};
use crate::kind::Kind;
use crate::lexer::{Bracket, Token, TokenKind};
use crate::words;
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Span};

impl Skeleton<'_, '_> {
    /// Reads a batch after its keyword. Declarations that stand in it by mistake go to the items of the program.
    pub(super) fn batch(&mut self, keyword: Token, program: &mut Vec<Item>) -> Option<AtomicBatch> {
        let before = self.problems.losses();
        let (name, told) = self.declared(Kind::BatchHead);
        let mut items = Vec::new();
        let mut end = self.previous.end;
        if let Some(block) = self.open(keyword, "the name of a batch", told) {
            loop {
                if self.at_close_brace() {
                    end = self.close(block);
                    break;
                }
                let at = self.token.start;
                if self.at_end() || !self.batch_item(keyword, &mut items, program) {
                    end = self.unclosed(block);
                    break;
                }
                self.ensure_progress(at);
            }
        }
        let broken = self.problems.losses() > before;
        name.map(|name| AtomicBatch {
            name,
            items,
            span: Span::new(keyword.start, end),
            broken,
        })
    }

    /// Reads one thing in a batch; false when the batch must be over because something else begins.
    fn batch_item(&mut self, batch: Token, items: &mut Vec<BatchItem>, program: &mut Vec<Item>) -> bool {
        if self.token.kind == TokenKind::Semicolon {
            self.empty_line();
            return true;
        }
        let (next, after) = (self.ahead(1), self.ahead(2));
        let Some(word) = self.word() else {
            self.not_in_batch(Code::AE0101);
            return true;
        };
        match word {
            "intent" => {
                let keyword = self.bump();
                items.extend(self.intent(keyword).map(BatchItem::Intent));
            }
            "for" => self.for_loop(None, items),
            _ if words::SECTIONS.contains(&word) => self.not_in_batch(Code::AE0103),
            _ if words::ITEMS.contains(&word) => {
                // Further in than the batch it was meant to be part of it; else the batch lacks its `}`.
                if self.token.indent <= batch.indent && self.token.first {
                    return false;
                }
                let help = "move it out of the batch";
                let problem = Diagnostic::new(Code::AE0101, format!("`{word}` must stand at top level"));
                let problem = problem.label(self.source(), span_of(self.token), "this is inside a batch");
                self.problems.push_harmless(problem.help(help));
                self.item(program);
            }
            _ if next.kind == TokenKind::Colon && self.text_of(after) == "for" => {
                let label = self.bump();
                self.bump();
                let name = self.part(label.start, label.end).plain_name();
                let label = self.accept(name);
                self.for_loop(label, items);
            }
            _ if matches!(next.kind, TokenKind::Open(Bracket::Round) | TokenKind::Colon) => {
                items.extend(self.call_line().map(BatchItem::Call));
            }
            _ => self.unknown_in_batch(word, next, items),
        }
        true
    }

    /// A word in a batch that begins nothing known.
    fn unknown_in_batch(&mut self, word: &str, next: Token, items: &mut Vec<BatchItem>) {
        let meant = words::closest(word, ["intent", "for"]).filter(|_| next.kind == TokenKind::Word);
        let Some(meant) = meant else {
            let block = matches!(next.kind, TokenKind::Open(Bracket::Curly) | TokenKind::Word);
            return self.not_in_batch(if block { Code::AE0103 } else { Code::AE0101 });
        };
        self.misspelt(word, meant, span_of(self.token));
        if meant == "for" {
            return self.for_loop(None, items);
        }
        let keyword = self.bump();
        items.extend(self.intent(keyword).map(BatchItem::Intent));
    }

    /// Says that something cannot stand in a batch, and passes over it.
    fn not_in_batch(&mut self, code: Code) {
        let text = self.text_of(self.token);
        let help = if words::SECTIONS.contains(&text) {
            "a section stands inside an intent: `intent name(..) { guard { .. } verify { .. } }`"
        } else {
            self.meant_in_batch()
        };
        let problem = crate::literals::check(self.source(), self.token, text);
        let problem = problem.unwrap_or_else(|| {
            Diagnostic::new(code, format!("`{}` cannot stand in a batch", quote(text)))
                .label(
                    self.source(),
                    span_of(self.token),
                    "expected an intent, a call or a loop",
                )
                .help(help)
        });
        self.problems.push(problem);
        self.skip_unknown();
    }

    /// What to write instead of what other languages have where a batch has its calls.
    fn meant_in_batch(&self) -> &'static str {
        const COMMANDS: [&str; 8] = [
            "update", "insert", "delete", "select", "begin", "commit", "create", "transfer",
        ];
        let next = self.ahead(1);
        let word = self.word().unwrap_or("");
        match (next.kind, self.text_of(next)) {
            _ if word.is_empty() => {}
            (TokenKind::Open(Bracket::Square), _) => {
                return "the arguments of a call stand in round brackets: `pay(company, amount: 1000);`";
            }
            (TokenKind::Dot, _) => {
                return "the intent comes first, accounts are its arguments: `pay(company, amount: 1000);`";
            }
            (_, "->" | "→" | "=>") => {
                return "what moves is said by an intent, and a call names who: `pay(company, ann, 1000);`";
            }
            (TokenKind::Word, _) if COMMANDS.contains(&&*word.to_ascii_lowercase()) => {
                return "there are no commands; an intent says what must hold before and after: \
                        `intent name(..) { guard { .. } verify { .. } }`";
            }
            (TokenKind::Word | TokenKind::Number | TokenKind::Text, _) => {
                return "the arguments of a call stand in brackets, with commas between: `pay(company, amount: 1000);`";
            }
            _ => {}
        }
        "a batch holds intents, calls `pay(..);` and loops `for row in \"file.csv\" { .. }`"
    }

    /// Reads one call with its `;`.
    fn call_line(&mut self) -> Option<Call> {
        let piece = self.piece(Kind::Call);
        let part = piece.part;
        let read = piece.problem.map_or_else(|| self.call(part), Err);
        let call = self.accept(read);
        if self.at_open_brace() {
            if call.is_some() {
                self.nested_block("a call has no block; write `intent` before it to define an intent here");
            } else {
                self.skip_braces();
            }
            return None;
        }
        self.semicolon(call.is_none());
        call
    }

    /// Reads a loop; the next token is `for`.
    fn for_loop(&mut self, label: Option<Name>, items: &mut Vec<BatchItem>) {
        let keyword = self.bump();
        let piece = self.piece(Kind::LoopHead);
        let part = piece.part;
        let read = piece.problem.map_or_else(|| part.loop_head(), Err);
        let head = self.accept(read);
        let mut calls = Vec::new();
        let end = self.entries(
            keyword,
            "the file of a loop",
            head.is_none(),
            Kind::Call,
            |this, part| {
                let read = this.call(part);
                if let Some(call) = this.accept(read) {
                    this.check_inner(&call);
                    calls.push(Call {
                        label: None,
                        after: Vec::new(),
                        ..call
                    });
                }
            },
        );
        let start = label
            .as_ref()
            .map_or(keyword.start, |label| label.span.range().start);
        let span = Span::new(start, end);
        items.extend(head.map(|head| {
            BatchItem::Loop(Loop {
                label,
                row: head.row,
                file: head.file,
                after: head.after,
                calls,
                span,
            })
        }));
    }

    /// A label or an order on a call inside a loop.
    fn check_inner(&mut self, call: &Call) {
        if let Some(label) = &call.label {
            let help = "put the label before `for`; it stands for all rows";
            self.report(
                Code::AE0101,
                "a call inside a loop cannot have a label",
                label.span,
                "",
                help,
            );
        }
        if let (Some(first), Some(last)) = (call.after.first(), call.after.last()) {
            let help = "put `after` behind the file name; it holds for all rows";
            let place = first.span.to(last.span);
            self.report(
                Code::AE0101,
                "a call inside a loop cannot have an `after`",
                place,
                "",
                help,
            );
        }
    }
}
