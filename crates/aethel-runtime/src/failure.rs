//! A failed transaction in words: which, which condition, the values on both sides, how much is missing, what to do.

use crate::dependency_analyzer::DependencyGraph;
use crate::serial::TransactionFailure;
use aethel_ir::eval::field_type;
use aethel_ir::intent::{BinaryOp, UnaryOp};
use aethel_ir::{
    Batch, Code, Diagnostic, Evaluator, Expr, ExprId, Failure, Names, PlaceId, Rational, Site, SourceMap, Span,
    TransactionId, TransactionView, Type, Value, show_value,
};

/// What stands for a secret value.
const SECRET: &str = "•••";

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
        Failure::Malformed => Diagnostic::new(Code::AE0501, format!("{}: its intent is not well formed", story.title)),
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
        if let (Some(cell), Some(value)) = (after.get_mut(usize::from(effect.slot.0)), value.and_then(whole)) {
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
            return Diagnostic::new(Code::AE0501, format!("{}: a condition of its guard is false", self.title));
        };
        let expr = self.culprit(condition.expr);
        if let Some((place, short)) = self.too_little(expr) {
            let account = self.place_text(place);
            let diagnostic = Diagnostic::new(Code::AE0501, format!("{}: {account} has too little", self.title));
            return self.operands(diagnostic, expr).help_opt(self.shortfall(place, short));
        }
        let what = match self.text(expr) {
            Some(text) => format!("the guard `{text}` is false"),
            None => format!("condition {} of its guard is false", n + 1),
        };
        let diagnostic = Diagnostic::new(Code::AE0501, format!("{}: {what}", self.title));
        self.operands(diagnostic, expr).help("no transaction of the batch was kept; mend the input or the guard")
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
        let below = place.map_or_else(|| value.to_string(), |place| self.amount(place, value.saturating_neg()));
        let mut diagnostic =
            Diagnostic::new(Code::AE0502, format!("{}: {name} would be {below} below zero", self.title));
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
            diagnostic = diagnostic.help(help.map_or_else(|| advice.to_owned(), |help| format!("{help}; {advice}")));
        }
        diagnostic
    }

    fn overflow(&self, site: Site) -> Diagnostic {
        let message = match site {
            Site::Supply(n) => {
                let slot = self.view.intent.effects.get(usize::from(n)).map(|effect| effect.slot.0);
                let asset = slot.and_then(|slot| self.place(slot)).and_then(|place| self.batch.asset_of(place));
                let asset = asset.and_then(|id| self.batch.assets.get(usize::from(id.0)));
                let name = asset.map_or("an asset", |asset| &*asset.name);
                format!("{}: all accounts together would hold more {name} than can be counted", self.title)
            }
            _ => format!("{}: a value is too large to be counted", self.title),
        };
        self.at(Diagnostic::new(Code::AE0503, message), site, "beyond 2^120 minor units")
            .help("amounts, balances and the supply of an asset end at 2^120 minor units; look for a wrong input")
    }

    fn inexact(&self, site: Site, value: &Rational) -> Diagnostic {
        let (ty, shown) = self.shown_at(site, value);
        let message = format!("{}: {shown} is not a whole number of minor units", self.title);
        let help = match ty {
            Type::Amount(id) => {
                let asset = self.batch.assets.get(usize::from(id.0)).map_or("unit", |a| &*a.name);
                format!("use `round(.., {asset}, half_even)` where the amount is computed")
            }
            _ => "use `round(.., 0, half_even)` where the number is computed".to_owned(),
        };
        self.at(Diagnostic::new(Code::AE0504, message), site, "not exact").help(help)
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
        self.at(Diagnostic::new(Code::AE0505, message), Site::Expr(divisor), "zero")
            .help("add a guard that keeps the divisor from being zero")
    }

    fn same_account(&self, (first, second): (u16, u16)) -> Diagnostic {
        let intent = self.view.intent;
        let account = self.view.group.accounts.get(usize::from(first)).and_then(|c| c.get(self.view.row));
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

    /// Labels where the transaction comes from.
    fn origin(&self, diagnostic: Diagnostic) -> Diagnostic {
        let Some((source, spans)) = &self.view.group.origin else { return diagnostic };
        let Some(span) = spans.get(self.view.row) else { return diagnostic };
        let diagnostic = diagnostic.label(*source, *span, format!("{} comes from here", self.title));
        match self.view.group.call {
            // A row comes from a file and is called from a loop; everything else is called where it stands.
            Some((call_source, call)) if call_source != *source => diagnostic.label(call_source, call, "called here"),
            _ => diagnostic,
        }
    }

    /// The conjunct that is false.
    fn culprit(&self, mut expr: ExprId) -> ExprId {
        while let Some(Expr::Binary(BinaryOp::And, a, b)) = self.view.intent.node(expr).map(|n| &n.expr) {
            expr = if self.value(*a) == Some(Value::Bool(false)) { *a } else { *b };
        }
        expr
    }

    /// For `balance >= x` and its like: the place, and by how much it is short.
    fn too_little(&self, expr: ExprId) -> Option<(PlaceId, i128)> {
        let Expr::Binary(op, a, b) = self.view.intent.node(expr)?.expr else { return None };
        let (large, small) = match op {
            BinaryOp::GreaterEqual | BinaryOp::Greater => (a, b),
            BinaryOp::LessEqual | BinaryOp::Less => (b, a),
            _ => return None,
        };
        let place = self.balance_in(large)?;
        if self.is_secret(large, 0) || self.is_secret(small, 0) {
            return None;
        }
        let (large, small) = (whole(self.value(large)?)?, whole(self.value(small)?)?);
        let strict = i128::from(matches!(op, BinaryOp::Greater | BinaryOp::Less));
        Some((place, small.checked_sub(large)?.checked_add(strict)?))
    }

    /// The balance that an expression takes from or adds to: `a` in `a.balance - x + y`.
    fn balance_in(&self, mut expr: ExprId) -> Option<PlaceId> {
        loop {
            match self.view.intent.node(expr)?.expr {
                Expr::Before(slot) => {
                    let place = self.place(slot.0)?;
                    return self.batch.asset_of(place).map(|_| place);
                }
                Expr::Binary(BinaryOp::Add | BinaryOp::Subtract, left, _) => expr = left,
                _ => return None,
            }
        }
    }

    /// What the whole batch needs from an account, what it had, and how much is short. The sums go on where the batch
    /// stopped, as if no check were made.
    fn shortfall(&self, place: PlaceId, at_least: i128) -> Option<String> {
        let mut values = self.snapshot.to_vec();
        let mut evaluator = Evaluator::default();
        let mut lowest = 0_i128;
        let (mut before, mut new) = (Vec::new(), Vec::new());
        for id in &self.graph.order {
            let view = self.batch.transaction(*id)?;
            before.clear();
            new.clear();
            for column in &view.group.places {
                before.push(*values.get(column.get(view.row)?.0 as usize)?);
            }
            for effect in &view.intent.effects {
                let target = view.group.places.get(usize::from(effect.slot.0))?.get(view.row)?;
                let value = evaluator.show(view, &before, &before, effect.value).and_then(whole);
                new.extend(value.map(|value| (target.0 as usize, value)));
            }
            for (target, value) in &new {
                *values.get_mut(*target)? = *value;
            }
            lowest = lowest.min(*values.get(place.0 as usize)?);
        }
        let has = *self.snapshot.get(place.0 as usize)?;
        let short = lowest.checked_neg()?.max(at_least);
        Some(format!(
            "the whole batch needs {} from {}, which began with {}: {} short",
            self.amount(place, has.checked_add(short)?),
            self.place_text(place),
            self.amount(place, has),
            self.amount(place, short)
        ))
    }

    /// Labels the operands of a comparison, or the condition, with their values.
    fn operands(&self, mut diagnostic: Diagnostic, expr: ExprId) -> Diagnostic {
        let Some(node) = self.view.intent.node(expr) else { return diagnostic };
        let operands = match node.expr {
            Expr::Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Implies, ..) => vec![expr],
            Expr::Binary(_, a, b) => vec![a, b],
            Expr::Unary(UnaryOp::Not, a) => vec![a],
            _ => vec![expr],
        };
        for operand in operands {
            let Some(node) = self.view.intent.node(operand) else { continue };
            // What nobody wrote, such as the guards of a transaction list, has no place to point to.
            if matches!(node.expr, Expr::Number(_) | Expr::Bool(_)) || node.span.range().is_empty() {
                continue;
            }
            let said = match (&node.expr, self.value(operand)) {
                (_, None) => "no value".to_owned(),
                (_, Some(_)) if self.is_secret(operand, 0) => SECRET.to_owned(),
                (Expr::Before(slot), Some(value)) => match (self.place(slot.0), whole(value.clone())) {
                    (Some(place), Some(minor)) if self.batch.asset_of(place).is_some() => self.holding(place, minor),
                    _ => show_value(self.batch, &value, node.ty),
                },
                (_, Some(value)) => show_value(self.batch, &value, node.ty),
            };
            diagnostic = diagnostic.label(self.view.intent.source, node.span, said);
        }
        if diagnostic.labels.is_empty() && !node.span.range().is_empty() {
            diagnostic = diagnostic.label(self.view.intent.source, node.span, "false");
        }
        diagnostic
    }

    /// "5 100.00 USD left after 596 transactions".
    fn holding(&self, place: PlaceId, minor: i128) -> String {
        let amount = self.amount(place, minor);
        match self.position {
            0 => amount,
            1 => format!("{amount} left after 1 transaction"),
            n => format!("{amount} left after {n} transactions"),
        }
    }

    fn at(&self, diagnostic: Diagnostic, site: Site, said: &str) -> Diagnostic {
        diagnostic.label(self.view.intent.source, self.site_span(site), said)
    }

    fn site_span(&self, site: Site) -> Span {
        let intent = self.view.intent;
        let span = match site {
            Site::Expr(expr) => intent.node(expr).map(|node| node.span),
            Site::Effect(n) | Site::Supply(n) => intent.effects.get(usize::from(n)).map(|effect| effect.span),
            Site::Let(n) => intent.lets.get(usize::from(n)).map(|step| step.span),
        };
        span.unwrap_or(intent.span)
    }

    /// The type of what is at a site, and a value of it for people.
    fn shown_at(&self, site: Site, value: &Rational) -> (Type, String) {
        let intent = self.view.intent;
        let (ty, expr) = match site {
            Site::Expr(expr) => (intent.node(expr).map(|node| node.ty), Some(expr)),
            Site::Effect(n) | Site::Supply(n) => {
                let effect = intent.effects.get(usize::from(n));
                let place = effect.and_then(|effect| intent.places.get(usize::from(effect.slot.0)));
                let field = place.and_then(|place| self.batch.fields.get(usize::from(place.field.0)));
                (field.map(field_type), effect.map(|effect| effect.value))
            }
            Site::Let(n) => {
                let step = intent.lets.get(usize::from(n));
                let ty = step.and_then(|step| intent.node(step.value)).map(|node| node.ty);
                (ty, step.map(|step| step.value))
            }
        };
        let ty = ty.unwrap_or(Type::Number);
        if expr.is_some_and(|expr| self.is_secret(expr, 0)) {
            return (ty, SECRET.to_owned());
        }
        (ty, show_value(self.batch, &Value::Number(value.clone()), ty))
    }

    fn value(&self, expr: ExprId) -> Option<Value> {
        Evaluator::default().show(self.view, self.seen, &self.after, expr)
    }

    fn place(&self, slot: u16) -> Option<PlaceId> {
        let column = self.view.group.places.get(usize::from(slot))?;
        column.get(self.view.row).copied()
    }

    fn place_text(&self, place: PlaceId) -> String {
        self.batch.place_name(place)
    }

    fn amount(&self, place: PlaceId, minor: i128) -> String {
        let ty = self.batch.asset_of(place).map_or(Type::Integer, Type::Amount);
        show_value(self.batch, &Value::Number(Rational::Int(minor)), ty)
    }

    /// The source of an expression on one line, when it is at hand.
    fn text(&self, expr: ExprId) -> Option<String> {
        let span = self.view.intent.node(expr)?.span;
        let text = self.sources.get(self.view.intent.source)?.slice(span);
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Whether a value would tell a secret.
    fn is_secret(&self, expr: ExprId, depth: usize) -> bool {
        let Some(node) = self.view.intent.node(expr).filter(|_| depth <= aethel_ir::batch::MAX_DEPTH) else {
            return false;
        };
        match &node.expr {
            Expr::Value(n) => self.view.intent.values.get(usize::from(*n)).is_some_and(|value| value.secret),
            Expr::Let(n) => self.view.intent.lets.get(usize::from(*n)).is_some_and(|step| step.secret),
            Expr::Unary(_, a) | Expr::Round { value: a, .. } => self.is_secret(*a, depth + 1),
            Expr::Binary(_, a, b) => self.is_secret(*a, depth + 1) || self.is_secret(*b, depth + 1),
            Expr::Number(_) | Expr::Bool(_) | Expr::Before(_) | Expr::After(_) => false,
        }
    }
}
