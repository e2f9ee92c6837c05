//! A failed transaction in words: which, which condition, the values on both sides, how much is missing, what to do.

mod words;

use crate::dependency_analyzer::DependencyGraph;
use crate::details::SECRET;
use crate::serial::TransactionFailure;
use aethel_ir::{
    Batch, Code, Diagnostic, Evaluator, Expr, ExprId, Failure, Names, Rational, Site, SourceMap,
    TransactionId, TransactionView, Type, Value,
};

/// AE0501 to AE0507 for the first failure of a batch that began with `snapshot`.
pub fn explain(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    failure: &TransactionFailure,
    sources: &SourceMap,
) -> Diagnostic {
    let Some(view) = batch.transaction(failure.transaction) else {
        return Diagnostic::new(Code::AE0501, "a transaction that is not in the batch failed");
    };
    let story = Story {
        batch,
        graph,
        snapshot,
        sources,
        view,
        title: title(batch, failure.transaction),
        position: failure.position,
        seen: &failure.seen,
        after: after(view, &failure.seen),
    };
    let diagnostic = match &failure.failure {
        Failure::Guard(n) => story.guard(*n),
        Failure::Postcondition(n) => story.postcondition(*n),
        Failure::Overdraft { effect, value } => story.overdraft(*effect, *value),
        Failure::Overflow { site } => story.overflow(*site),
        Failure::Inexact { site, value } => story.inexact(*site, value),
        Failure::DivisionByZero(expr) => story.division(*expr),
        Failure::SameAccount { parameters, .. } => story.same_account(*parameters),
        Failure::Malformed => Diagnostic::new(
            Code::AE0501,
            format!("{}: its intent is not well formed", story.title),
        ),
    };
    story.origin(diagnostic)
}

/// "`pay` row 597", "`pay_alice`".
pub fn title(batch: &Batch, id: TransactionId) -> String {
    match batch.transaction(id) {
        Some(view) => match &view.group.names {
            Names::Rows(prefix) => format!("`{prefix}` row {}", view.row + 1),
            Names::One(_) | Names::Each(_) => format!("`{}`", batch.transaction_name(id)),
        },
        None => format!("transaction {}", id.0),
    }
}

/// The values after the effects, as far as they can be computed.
fn after(view: TransactionView<'_>, seen: &[i128]) -> Vec<i128> {
    let mut evaluator = Evaluator::default();
    let mut after = seen.to_vec();
    for effect in &view.intent.effects {
        let value = evaluator.show(view, seen, seen, effect.value);
        if let (Some(cell), Some(value)) = (after.get_mut(usize::from(effect.slot.0)), value.and_then(whole))
        {
            *cell = value;
        }
    }
    after
}

fn whole(value: Value) -> Option<i128> {
    match value {
        Value::Number(number) => number.to_i128(),
        Value::Bool(flag) => Some(flag.into()),
    }
}

/// A failure with everything that its words need.
struct Story<'a> {
    batch: &'a Batch,
    graph: &'a DependencyGraph,
    snapshot: &'a [i128],
    sources: &'a SourceMap,
    view: TransactionView<'a>,
    title: String,
    position: u32,
    seen: &'a [i128],
    after: Vec<i128>,
}

impl Story<'_> {
    fn guard(&self, n: u16) -> Diagnostic {
        let Some(condition) = self.view.intent.guard.get(usize::from(n)) else {
            return Diagnostic::new(
                Code::AE0501,
                format!("{}: a condition of its guard is false", self.title),
            );
        };
        let expr = self.culprit(condition.expr);
        if let Some((place, short)) = self.too_little(expr) {
            let account = self.place_text(place);
            let diagnostic =
                Diagnostic::new(Code::AE0501, format!("{}: {account} has too little", self.title));
            return self
                .operands(diagnostic, expr)
                .help_opt(self.shortfall(place, short));
        }
        let what = match self.text(expr) {
            Some(text) => format!("the guard `{text}` is false"),
            None => format!("condition {} of its guard is false", n + 1),
        };
        let diagnostic = Diagnostic::new(Code::AE0501, format!("{}: {what}", self.title));
        self.operands(diagnostic, expr)
            .help("no transaction of the batch was kept; mend the input or the guard")
    }

    fn postcondition(&self, n: u16) -> Diagnostic {
        let condition = self.view.intent.postconditions.get(usize::from(n));
        let expr = condition.map(|condition| self.culprit(condition.expr));
        let what = match expr.and_then(|expr| self.text(expr)) {
            Some(text) => format!("`{text}` does not hold after it"),
            None => format!("postcondition {} does not hold after it", n + 1),
        };
        let diagnostic = Diagnostic::new(Code::AE0506, format!("{}: {what}", self.title));
        let diagnostic = match expr {
            Some(expr) => self.operands(diagnostic, expr),
            None => diagnostic,
        };
        diagnostic.help("add a condition to the guard that keeps this from happening, or mend the equations")
    }

    fn overdraft(&self, effect: u16, value: i128) -> Diagnostic {
        let effect = self.view.intent.effects.get(usize::from(effect));
        let place = effect.and_then(|effect| self.place(effect.slot.0));
        let name = place.map_or_else(String::new, |place| self.place_text(place));
        let below = place.map_or_else(
            || value.to_string(),
            |place| self.amount(place, value.saturating_neg()),
        );
        let mut diagnostic = Diagnostic::new(
            Code::AE0502,
            format!("{}: {name} would be {below} below zero", self.title),
        );
        if let (Some(effect), Some(place)) = (effect, place) {
            if self.is_secret(effect.value, 0) {
                let message = format!("{}: {name} would be {SECRET} below zero", self.title);
                return Diagnostic::new(Code::AE0502, message)
                    .label(self.view.intent.source, effect.span, SECRET)
                    .help("add a guard such as `balance >= amount`");
            }
            let holds = self.seen.get(usize::from(effect.slot.0)).copied().unwrap_or(0);
            let said = self.holding(place, holds);
            diagnostic = diagnostic.label(self.view.intent.source, effect.span, said);
            let help = self.shortfall(place, value.saturating_neg());
            let advice = "a guard such as `balance >= amount` would say so before";
            diagnostic =
                diagnostic.help(help.map_or_else(|| advice.to_owned(), |help| format!("{help}; {advice}")));
        }
        diagnostic
    }

    fn overflow(&self, site: Site) -> Diagnostic {
        let message = match site {
            Site::Supply(n) => {
                let slot = self
                    .view
                    .intent
                    .effects
                    .get(usize::from(n))
                    .map(|effect| effect.slot.0);
                let asset = slot
                    .and_then(|slot| self.place(slot))
                    .and_then(|place| self.batch.asset_of(place));
                let asset = asset.and_then(|id| self.batch.assets.get(usize::from(id.0)));
                let name = asset.map_or("an asset", |asset| &*asset.name);
                format!(
                    "{}: all accounts together would hold more {name} than can be counted",
                    self.title
                )
            }
            _ => format!("{}: a value is too large to be counted", self.title),
        };
        self.at(
            Diagnostic::new(Code::AE0503, message),
            site,
            "beyond 2^120 minor units",
        )
        .help("amounts, balances and the supply of an asset end at 2^120 minor units; look for a wrong input")
    }

    fn inexact(&self, site: Site, value: &Rational) -> Diagnostic {
        let (ty, shown) = self.shown_at(site, value);
        let message = format!("{}: {shown} is not a whole number of minor units", self.title);
        let help = match ty {
            Type::Amount(id) => {
                let asset = self
                    .batch
                    .assets
                    .get(usize::from(id.0))
                    .map_or("unit", |a| &*a.name);
                format!("use `round(.., {asset}, half_even)` where the amount is computed")
            }
            _ => "use `round(.., 0, half_even)` where the number is computed".to_owned(),
        };
        self.at(Diagnostic::new(Code::AE0504, message), site, "not exact")
            .help(help)
    }

    fn division(&self, expr: ExprId) -> Diagnostic {
        let message = match self.text(expr) {
            Some(text) => format!("{}: `{text}` divides by zero", self.title),
            None => format!("{}: a division by zero", self.title),
        };
        let divisor = match self.view.intent.node(expr).map(|node| &node.expr) {
            Some(Expr::Binary(_, _, divisor)) => *divisor,
            _ => expr,
        };
        self.at(
            Diagnostic::new(Code::AE0505, message),
            Site::Expr(divisor),
            "zero",
        )
        .help("add a guard that keeps the divisor from being zero")
    }

    fn same_account(&self, (first, second): (u16, u16)) -> Diagnostic {
        let intent = self.view.intent;
        let account = self
            .view
            .group
            .accounts
            .get(usize::from(first))
            .and_then(|c| c.get(self.view.row));
        let account = account.and_then(|id| self.batch.accounts.get(id.0 as usize));
        let name = account.map_or("", |account| account.as_str());
        let mut diagnostic = Diagnostic::new(
            Code::AE0507,
            format!("{}: two of its accounts are both `{name}`", self.title),
        );
        for parameter in [first, second] {
            if let Some(parameter) = intent.accounts.get(usize::from(parameter)) {
                diagnostic = diagnostic.label(intent.source, parameter.span, format!("is `{name}`"));
            }
        }
        diagnostic.help("a transaction that writes an account needs another one for each of its parameters")
    }
}
