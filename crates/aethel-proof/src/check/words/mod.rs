//! Reports as diagnostics: what is wrong, where a person would look for it, an example, what to do.

mod show;

use super::example;
use super::report::{Check, Finding, Refutation, Verdict};
use super::subject::{State, Subject};
use aethel_ir::intent::{BinaryOp, Node};
use aethel_ir::money::format_grouped;
use aethel_ir::{
    AssetId, Code, Diagnostic, Effect, Expr, ExprId, Failure, Intent, Site, Slot, SourceMap, Type, Value,
};

/// What to tell people about an answer, if anything. `sources` gives the texts that helps quote.
pub fn diagnostic(subject: &Subject, finding: &Finding, sources: &SourceMap) -> Option<Diagnostic> {
    let words = Words {
        subject,
        intent: subject.intent(),
        sources,
    };
    words.finding(finding)
}

/// How many conditions that contradict each other are shown.
const LABELS: usize = 6;

struct Words<'a> {
    subject: &'a Subject,
    intent: &'a Intent,
    sources: &'a SourceMap,
}

impl Words<'_> {
    fn finding(&self, finding: &Finding) -> Option<Diagnostic> {
        let name = &self.intent.name;
        match &finding.verdict {
            Verdict::Proved => None,
            Verdict::Refuted(Refutation::Implied) => match finding.check {
                Check::Needed(n) => Some(self.implied(n)),
                _ => None,
            },
            Verdict::Refuted(Refutation::Contradiction(core)) => Some(self.contradiction(core)),
            Verdict::Refuted(Refutation::Stopped(state)) => Some(self.stopped(state)),
            Verdict::Refuted(Refutation::Example(state)) => {
                let diagnostic = self.refuted(finding.check, state)?;
                Some(self.with_example(diagnostic, state))
            }
            Verdict::Undecided { reason } => {
                let what = what(finding.check);
                let message = format!("cannot decide whether `{name}` {what}: {reason}");
                let diagnostic = self.at(Code::AE1010, message, self.span_of(finding.check), "here");
                Some(
                    diagnostic.help(
                        "simplify the products and quotients there, or give `check` a larger `--rlimit`",
                    ),
                )
            }
            Verdict::Disagreement { state } => {
                let what = what(finding.check);
                let message =
                    format!("the solver denies that `{name}` {what}, but the evaluator does not agree");
                let mut diagnostic = self.at(Code::AE1012, message, self.span_of(finding.check), "here");
                diagnostic.counterexample = Some(format!("{}   (not replayed)", self.example(state)));
                Some(diagnostic.help("this is a bug in aethel; please report it with the program"))
            }
        }
    }

    fn refuted(&self, check: Check, state: &State) -> Option<Diagnostic> {
        let name = &self.intent.name;
        Some(match check {
            Check::Conserves(asset) => self.conservation(asset, state),
            Check::NoOverdraft(n) => self.overdraft(n, state),
            Check::NoOverflow(site) => {
                let what = self.site(site);
                let message = format!("`{name}`: {what} can leave the range of amounts");
                let label = "more than 2^120 of the smallest units is an overflow";
                self.at(Code::AE1005, message, self.span_of(check), label)
                    .help("bound the values that it is made of in `guard`")
            }
            Check::NoDivisionByZero(at) => {
                let divisor = match self.intent.node(at).map(|node| &node.expr) {
                    Some(Expr::Binary(_, _, divisor)) => self.text(*divisor),
                    _ => None,
                };
                let help = match divisor {
                    Some(divisor) => format!("add `{divisor} != 0;` to `guard`"),
                    None => "let `guard` say that the divisor is not zero".to_owned(),
                };
                let message = format!("`{name}` can divide by zero");
                self.at(
                    Code::AE1006,
                    message,
                    self.span_of(check),
                    "this divisor can be zero",
                )
                .help(help)
            }
            Check::Exact(site) => {
                let what = self.site(site);
                let message = format!("`{name}`: {what} can be a fraction of the smallest unit");
                self.at(Code::AE1007, message, self.span_of(check), "need not be whole")
                    .help("say how it is rounded, with `round(.., half_even)`")
            }
            Check::Postcondition(_) => {
                let message = format!("`{name}`: a condition of `verify` can be false");
                self.at(
                    Code::AE1008,
                    message,
                    self.span_of(check),
                    "does not follow from `guard` and the equations",
                )
                .help(
                    "here a place is its value after: for the value before write `old(..)`, or put the condition into \
                     `guard`",
                )
            }
            Check::GuardCanHold | Check::CanCommit | Check::Needed(_) => return None,
        })
    }

    fn conservation(&self, asset: AssetId, state: &State) -> Diagnostic {
        let name = &self.intent.name;
        let after = self.subject.after(state);
        let gain = example::gain(self.subject, asset, state, &after).unwrap_or(0);
        let unit = self.subject.batch().assets.get(usize::from(asset.0));
        let (scale, unit) = unit.map_or((0, "?"), |asset| (asset.scale, &*asset.name));
        let verb = if gain > 0 { "create" } else { "destroy" };
        let says = if self.always_gains(asset, gain) {
            format!("{verb}s")
        } else {
            format!("can {verb}")
        };
        let message = format!(
            "`{name}` {says} {} {unit}",
            format_grouped(gain.saturating_abs(), scale)
        );
        let code = if gain > 0 { Code::AE0701 } else { Code::AE0702 };
        // The equation that moves most in the wrong direction.
        let change = |slot: Slot| {
            let n = usize::from(slot.0);
            let change = after
                .get(n)
                .zip(state.before.get(n))
                .map_or(0, |(after, before)| after - before);
            if gain > 0 { change } else { -change }
        };
        let ours = self
            .intent
            .effects
            .iter()
            .filter(|effect| self.is_balance(effect.slot, asset));
        // Of equals the last: people write what is taken before what is given.
        let worst = ours.max_by_key(|effect| change(effect.slot));
        let span = worst
            .and_then(|effect| self.intent.node(effect.value))
            .map(|node| node.span);
        let label = if gain > 0 {
            "more than the others lose"
        } else {
            "more is lost than the others gain"
        };
        self.at(code, message, span.unwrap_or(self.intent.span), label)
            .help(self.remainder().unwrap_or_else(|| match gain > 0 {
                true => "take from one account what is given to another".to_owned(),
                false => "give to one account what is taken from another".to_owned(),
            }))
    }

    /// Whether every run that goes through, of those that are tried, gains exactly this.
    fn always_gains(&self, asset: AssetId, gain: i128) -> bool {
        let gains = |state: State| {
            let after = self.subject.run(&state).ok()?;
            example::gain(self.subject, asset, &state, &after)
        };
        example::likely(self.subject)
            .chain(example::many(self.subject).take(200))
            .filter_map(gains)
            .all(|one| one == gain)
    }

    /// When rounded parts are given away: the last part as what is left of the whole.
    fn remainder(&self) -> Option<String> {
        let taken = self.intent.effects.iter().find_map(|effect| {
            match self.intent.node(effect.value).map(|node| &node.expr) {
                Some(Expr::Binary(BinaryOp::Subtract, a, amount)) if self.is_before(*a, effect.slot) => {
                    self.text(*amount)
                }
                _ => None,
            }
        })?;
        let mut rounded: Vec<&str> = Vec::new();
        for effect in &self.intent.effects {
            if let Some(Expr::Binary(BinaryOp::Add, a, part)) =
                self.intent.node(effect.value).map(|node| &node.expr)
                && self.is_before(*a, effect.slot)
                && self.rounds(*part)
            {
                rounded.push(self.text(*part)?);
            }
        }
        rounded.pop()?;
        if rounded.is_empty() {
            return None;
        }
        let others = rounded.join(" - ");
        Some(format!(
            "parts that are rounded need not add up to the whole: let the last be the remainder, `{taken} - {others}`"
        ))
    }

    fn is_before(&self, id: ExprId, slot: Slot) -> bool {
        self.intent
            .node(id)
            .is_some_and(|node| node.expr == Expr::Before(slot))
    }

    fn rounds(&self, id: ExprId) -> bool {
        match self.intent.node(id).map(|node| &node.expr) {
            Some(Expr::Round { .. }) => true,
            Some(Expr::Let(n)) => {
                let step = self.intent.lets.get(usize::from(*n));
                step.is_some_and(|step| self.rounds(step.value))
            }
            _ => false,
        }
    }

    fn overdraft(&self, n: u16, state: &State) -> Diagnostic {
        let name = &self.intent.name;
        let Some(effect) = self.intent.effects.get(usize::from(n)) else {
            return Diagnostic::new(Code::AE1004, format!("`{name}` can overdraw an account"));
        };
        let place = self.place(effect.slot);
        let message = format!("`{name}` can leave `{place}` below zero");
        // The condition that should have prevented it, if there is one.
        let guard = self
            .intent
            .guard
            .iter()
            .find(|condition| self.mentions(condition.expr, effect.slot));
        let (span, label) = match guard.and_then(|condition| self.intent.node(condition.expr)) {
            Some(node) => (node.span, "this does not forbid it"),
            None => (effect.span, "no condition of `guard` forbids it"),
        };
        let negative = self
            .intent
            .values
            .iter()
            .zip(&state.values)
            .find(|(parameter, value)| {
                matches!(parameter.ty, Type::Amount(_))
                    && matches!(value, Value::Number(number) if number.signum() < 0)
            });
        let help = match negative {
            Some((parameter, _)) => format!("add `{} >= 0;` to `guard`", parameter.name),
            None => match self.cover(effect) {
                Some(condition) => format!("add `{condition};` to `guard`"),
                None => format!("let `guard` require that `{place}` covers everything that is taken from it"),
            },
        };
        self.at(Code::AE1004, message, span, label).help(help)
    }

    /// For `a.balance == a.balance - x`, that `a.balance` covers `x`.
    fn cover(&self, effect: &Effect) -> Option<String> {
        let node = self.intent.node(effect.value)?;
        let Expr::Binary(BinaryOp::Subtract, place, taken) = node.expr else {
            return None;
        };
        // `old_a` means the value before only in `verify`.
        let written = self.text(place).filter(|text| !text.starts_with("old"))?;
        let taken = self.text(taken)?;
        self.is_before(place, effect.slot)
            .then(|| format!("{written} >= {taken}"))
    }

    fn contradiction(&self, core: &[u16]) -> Diagnostic {
        let name = &self.intent.name;
        let mut diagnostic = Diagnostic::new(Code::AE1001, format!("the guard of `{name}` can never hold"));
        let conditions = core.iter().filter_map(|n| self.intent.guard.get(usize::from(*n)));
        let conditions: Vec<&Node> = conditions.filter_map(|one| self.intent.node(one.expr)).collect();
        let label = match conditions.len() {
            1 => "no state and no input make this true",
            2 => "these two contradict each other",
            _ => "these contradict each other",
        };
        for (index, node) in conditions.iter().enumerate().take(LABELS) {
            let label = if index == 0 { label } else { "" };
            diagnostic = diagnostic.label(self.intent.source, node.span, label);
        }
        for n in self.lets_in(core).into_iter().take(LABELS) {
            if let Some(step) = self.intent.lets.get(usize::from(n)) {
                diagnostic = diagnostic.label(
                    self.intent.source,
                    step.span,
                    format!("`{}` is fixed here", step.name),
                );
            }
        }
        if diagnostic.labels.is_empty() {
            diagnostic = diagnostic.label(
                self.intent.source,
                self.intent.span,
                "its values exclude each other",
            );
        }
        diagnostic.help("no run can pass it: change or remove one of the conditions")
    }

    /// The named values that conditions of the guard look at.
    fn lets_in(&self, conditions: &[u16]) -> Vec<u16> {
        let conditions = conditions
            .iter()
            .filter_map(|n| self.intent.guard.get(usize::from(*n)));
        let mut open: Vec<ExprId> = conditions.map(|condition| condition.expr).collect();
        let mut lets = Vec::new();
        while let Some(id) = open.pop() {
            if let Some(node) = self.intent.node(id) {
                if let Expr::Let(n) = node.expr
                    && !lets.contains(&n)
                {
                    lets.push(n);
                }
                open.extend(node.expr.operands());
            }
        }
        lets
    }

    fn mentions(&self, id: ExprId, slot: Slot) -> bool {
        self.intent.node(id).is_some_and(|node| {
            node.expr == Expr::Before(slot) || node.expr.operands().any(|child| self.mentions(child, slot))
        })
    }

    fn stopped(&self, state: &State) -> Diagnostic {
        let name = &self.intent.name;
        let (span, why) = match self.subject.run(state) {
            Err(Failure::Overdraft { effect, .. }) => {
                (self.site_span(Site::Effect(effect)), "falls below zero")
            }
            Err(Failure::Overflow { site }) => (self.site_span(site), "leaves the range of amounts"),
            Err(Failure::Inexact { site, .. }) => {
                (self.site_span(site), "is a fraction of the smallest unit")
            }
            Err(Failure::DivisionByZero(at)) => (self.site_span(Site::Expr(at)), "divides by zero"),
            Err(Failure::Postcondition(n)) => (self.span_of(Check::Postcondition(n)), "is false afterwards"),
            _ => (self.intent.span, "is stopped"),
        };
        let message = format!("`{name}` can never go through: whenever its guard holds it is stopped");
        let diagnostic = self.at(Code::AE1002, message, span, why);
        let help = match self.subject.run(state) {
            Err(Failure::Inexact { .. }) => "say how it is rounded, with `round(.., half_even)`",
            _ => "change the equation, or let `guard` require what it needs",
        };
        self.with_example(diagnostic, state).help(help)
    }

    fn implied(&self, n: u16) -> Diagnostic {
        let span = self.span_of(Check::Needed(n));
        self.at(
            Code::AE1009,
            "this condition follows from the others".to_owned(),
            span,
            "tests nothing new",
        )
        .help("remove it, unless it helps the reader")
    }

    fn with_example(&self, mut diagnostic: Diagnostic, state: &State) -> Diagnostic {
        diagnostic.counterexample = Some(format!("{}   (replayed)", self.example(state)));
        diagnostic
    }
}

/// What a check says of an intent.
fn what(check: Check) -> &'static str {
    match check {
        Check::GuardCanHold => "can pass its guard",
        Check::CanCommit => "can go through",
        Check::Conserves(_) => "conserves value",
        Check::NoOverdraft(_) => "keeps this account from falling below zero",
        Check::NoOverflow(_) => "keeps this value in the range of amounts",
        Check::NoDivisionByZero(_) => "never divides by zero here",
        Check::Exact(_) => "always has a whole number here",
        Check::Postcondition(_) => "always makes this condition true",
        Check::Needed(_) => "needs this condition",
    }
}
