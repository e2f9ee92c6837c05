//! From a failed parse to a message a person can use.

use super::{Part, Rule};
use crate::kind::Kind;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::{operators, words};
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Safety, Span};
use pest::error::{Error, ErrorVariant, InputLocation};

impl Part<'_> {
    /// Says why the grammar did not accept this part.
    pub(super) fn explain(&self, kind: Kind, error: &Error<Rule>) -> Diagnostic {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => self.unexpected(kind, positives, at),
            ErrorVariant::CustomError { .. } => self.unexpected(kind, &[], at),
        }
    }

    /// Says that none of some rules fits at a byte of this part.
    pub(super) fn unexpected(&self, kind: Kind, rules: &[Rule], at: usize) -> Diagnostic {
        let at = (self.start + at).min(self.end);
        let found = Lexer::starting_at(self.text, at).next_token();
        let text = self.text.get(found.start..found.end).unwrap_or("");
        let inside = found.start < self.end;
        let phrase = words::phrase(rules, kind.follow());
        let expects = |rule: Rule| rules.contains(&rule);

        if inside && ["external", "secret"].contains(&text) && expects(Rule::type_name) {
            return Diagnostic::new(Code::AE0101, format!("unexpected `{text}`"))
                .label(self.source, Span::new(found.start, found.end), "expected a type")
                .help(format!("write `{text}` before the name of the parameter"));
        }
        if inside && text == "account" && expects(Rule::type_name) {
            let span = Span::new(found.start, found.end);
            return Diagnostic::new(Code::AE0101, "unexpected `account`")
                .label(self.source, span, "expected a type")
                .help("types begin with a capital letter: `Account`")
                .fix("write `Account`", Safety::Unsafe, self.source, span, "Account");
        }
        // A keyword that begins a line begins something new; what is missing is the end of what came before.
        let line = self
            .text
            .get(self.start..found.start)
            .and_then(|before| before.rsplit_once('\n'));
        let begins_line = line.is_some_and(|(_, indent)| indent.trim().is_empty());
        let reserved = found.kind == TokenKind::Word && words::is_reserved(text);
        if inside && reserved && !begins_line && wants_name(rules) {
            return Diagnostic::new(
                Code::AE0115,
                format!("`{text}` is a reserved word and cannot be a name"),
            )
            .label(self.source, Span::new(found.start, found.end), "")
            .help(format!("choose another name, such as `{text}_`"))
            .fix(
                format!("write `{text}_`"),
                Safety::Unsafe,
                self.source,
                Span::new(found.start, found.end),
                format!("{text}_"),
            );
        }
        let message = match found.kind {
            TokenKind::End => "unexpected end of the text".to_owned(),
            _ => format!("unexpected `{}`", quote(text)),
        };
        // What follows the part may stand lines below; the gap is where the person has to type.
        let span = if inside {
            Span::new(found.start, found.end)
        } else {
            self.gap(found)
        };
        let problem =
            Diagnostic::new(Code::AE0101, message).label(self.source, span, format!("expected {phrase}"));

        if let Some(problem) = self.habit(&problem, kind, rules, found) {
            return problem;
        }
        if found.kind == TokenKind::Assign && expects(Rule::colon) {
            return problem.help("write `:` between a name and its value").fix(
                "replace `=` by `:`",
                Safety::Safe,
                self.source,
                span,
                ":",
            );
        }
        if inside && found.kind == TokenKind::Word {
            return self.with_meant_word(problem, kind, rules, found);
        }
        let digit = self
            .text
            .as_bytes()
            .get(found.end)
            .is_some_and(u8::is_ascii_digit);
        if found.kind == TokenKind::Dot && digit {
            let zero = Span::new(found.start, found.start);
            return problem.help("write the digit before the point, as in `0.5`").fix(
                "write `0.`",
                Safety::Safe,
                self.source,
                zero,
                "0",
            );
        }
        if found.kind == TokenKind::Dot && kind.has_conditions() {
            return problem.help("a place is written `account.field`, with one point");
        }
        problem.help_opt(self.general_help(kind, found))
    }

    /// Adds which word was meant by one that does not fit, when that can be guessed.
    fn with_meant_word(&self, problem: Diagnostic, kind: Kind, rules: &[Rule], found: Token) -> Diagnostic {
        let text = self.text.get(found.start..found.end).unwrap_or("");
        let keywords = rules.iter().flat_map(|rule| words::keyword(*rule));
        if let Some(word) = words::closest(text, keywords) {
            let title = format!("replace `{}` by `{word}`", quote(text));
            let span = Span::new(found.start, found.end);
            return problem.help(format!("did you mean `{word}`?")).fix(
                title,
                Safety::Unsafe,
                self.source,
                span,
                word,
            );
        }
        // `extrenal price: Price`: the grammar took the modifier for the name.
        if let Some(before) = self
            .word_before(found.start)
            .filter(|_| rules.contains(&Rule::colon))
            && let Some(word) = words::closest(before, ["external", "secret"])
        {
            return problem.help(format!("did you mean `{word}` instead of `{before}`?"));
        }
        problem.help_opt(self.general_help(kind, found))
    }

    /// The empty place at the end of the part when what was found stands on another line, else what was found.
    fn gap(&self, found: Token) -> Span {
        let between = self.text.get(self.end..found.start).unwrap_or("");
        if found.kind == TokenKind::End || between.contains('\n') {
            return Span::new(self.end, self.end);
        }
        Span::new(found.start, found.end)
    }

    /// The word that ends just before a byte of this part.
    fn word_before(&self, at: usize) -> Option<&str> {
        let before = self.text.get(self.start..at)?.trim_end();
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |i| i + 1);
        before.get(start..).filter(|word| !word.is_empty())
    }

    /// What the forms of a part look like, for mistakes that have no better help.
    fn general_help(&self, kind: Kind, found: Token) -> Option<String> {
        let text = self.text.get(found.start..found.end).unwrap_or("");
        if kind.has_conditions() && ["and", "or", "not", "implies"].contains(&text) {
            return operators::instead(text).map(|right| format!("write `{right}`"));
        }
        let help = match kind {
            Kind::AssetHead | Kind::AssetEntry => "an asset is written `asset USD { scale: 2; }`",
            Kind::AccountHead | Kind::AccountEntry => "an account is written `account world { unbounded; }`",
            Kind::Field => "a field is written `field frozen: Bool;`",
            Kind::Const => "a constant is written `const FEE = 0.01;`",
            Kind::BatchHead => "a batch is written `atomic_batch name { .. }`",
            Kind::IntentHead | Kind::Param => {
                "an intent is written `intent pay(payer: Account, amount: Balance) { .. }`"
            }
            Kind::After => "an order is written `after a, b`",
            Kind::LoopHead => "a loop is written `for row in \"file.csv\" { pay(row.account); }`",
            Kind::Call => "a call is written `pay(company, amount: 1000);`",
            Kind::SolveEntry => "an entry is written `priority: security;`",
            Kind::Statement | Kind::Expr => return None,
        };
        Some(help.to_owned())
    }
}

/// Whether a name would have been right.
fn wants_name(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| {
        let word = words::word(*rule);
        [
            "a name",
            "a name or a string",
            "a value",
            "a type",
            "a parameter",
            "an argument",
            "a condition",
        ]
        .contains(&word)
    })
}
