//! The parts that failures are told with: values at operands, amounts, sums that go on, secrets that stay.

use super::{SECRET, Story, whole};
use aethel_ir::eval::field_type;
use aethel_ir::intent::{BinaryOp, UnaryOp};
use aethel_ir::{
    Diagnostic, Evaluator, Expr, ExprId, PlaceId, Rational, Site, Span, Type, Value, show_value,
};

impl Story<'_> {
    /// Labels where the transaction comes from.
    pub fn origin(&self, diagnostic: Diagnostic) -> Diagnostic {
        let Some((source, spans)) = &self.view.group.origin else {
            return diagnostic;
        };
        let Some(span) = spans.get(self.view.row) else {
            return diagnostic;
        };
        let diagnostic = diagnostic.label(*source, *span, format!("{} comes from here", self.title));
        match self.view.group.call {
            // A row comes from a file and is called from a loop; everything else is called where it stands.
            Some((call_source, call)) if call_source != *source => {
                diagnostic.label(call_source, call, "called here")
            }
            _ => diagnostic,
        }
    }

    /// The conjunct that is false.
    pub fn culprit(&self, mut expr: ExprId) -> ExprId {
        while let Some(Expr::Binary(BinaryOp::And, a, b)) = self.view.intent.node(expr).map(|n| &n.expr) {
            expr = if self.value(*a) == Some(Value::Bool(false)) {
                *a
            } else {
                *b
            };
        }
        expr
    }

    /// For `balance >= x` and its like: the place, and by how much it is short.
    pub fn too_little(&self, expr: ExprId) -> Option<(PlaceId, i128)> {
        let Expr::Binary(op, a, b) = self.view.intent.node(expr)?.expr else {
            return None;
        };
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
    pub fn shortfall(&self, place: PlaceId, at_least: i128) -> Option<String> {
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
                let value = evaluator
                    .show(view, &before, &before, effect.value)
                    .and_then(whole);
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
    pub fn operands(&self, mut diagnostic: Diagnostic, expr: ExprId) -> Diagnostic {
        let Some(node) = self.view.intent.node(expr) else {
            return diagnostic;
        };
        let operands = match node.expr {
            Expr::Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Implies, ..) => vec![expr],
            Expr::Binary(_, a, b) => vec![a, b],
            Expr::Unary(UnaryOp::Not, a) => vec![a],
            _ => vec![expr],
        };
        for operand in operands {
            let Some(node) = self.view.intent.node(operand) else {
                continue;
            };
            // What nobody wrote, such as the guards of a transaction list, has no place to point to.
            if matches!(node.expr, Expr::Number(_) | Expr::Bool(_)) || node.span.range().is_empty() {
                continue;
            }
            let said = match (&node.expr, self.value(operand)) {
                (_, None) => "no value".to_owned(),
                (_, Some(_)) if self.is_secret(operand, 0) => SECRET.to_owned(),
                (Expr::Before(slot), Some(value)) => match (self.place(slot.0), whole(value.clone())) {
                    (Some(place), Some(minor)) if self.batch.asset_of(place).is_some() => {
                        self.holding(place, minor)
                    }
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
    pub fn holding(&self, place: PlaceId, minor: i128) -> String {
        let amount = self.amount(place, minor);
        match self.position {
            0 => amount,
            1 => format!("{amount} left after 1 transaction"),
            n => format!("{amount} left after {n} transactions"),
        }
    }

    pub fn at(&self, diagnostic: Diagnostic, site: Site, said: &str) -> Diagnostic {
        diagnostic.label(self.view.intent.source, self.site_span(site), said)
    }

    pub fn site_span(&self, site: Site) -> Span {
        let intent = self.view.intent;
        let span = match site {
            Site::Expr(expr) => intent.node(expr).map(|node| node.span),
            Site::Effect(n) | Site::Supply(n) => intent.effects.get(usize::from(n)).map(|effect| effect.span),
            Site::Let(n) => intent.lets.get(usize::from(n)).map(|step| step.span),
        };
        span.unwrap_or(intent.span)
    }

    /// The type of what is at a site, and a value of it for people.
    pub fn shown_at(&self, site: Site, value: &Rational) -> (Type, String) {
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

    pub fn value(&self, expr: ExprId) -> Option<Value> {
        Evaluator::default().show(self.view, self.seen, &self.after, expr)
    }

    pub fn place(&self, slot: u16) -> Option<PlaceId> {
        let column = self.view.group.places.get(usize::from(slot))?;
        column.get(self.view.row).copied()
    }

    pub fn place_text(&self, place: PlaceId) -> String {
        self.batch.place_name(place)
    }

    pub fn amount(&self, place: PlaceId, minor: i128) -> String {
        let ty = self.batch.asset_of(place).map_or(Type::Integer, Type::Amount);
        show_value(self.batch, &Value::Number(Rational::Int(minor)), ty)
    }

    /// The source of an expression on one line, when it is at hand.
    pub fn text(&self, expr: ExprId) -> Option<String> {
        let span = self.view.intent.node(expr)?.span;
        let text = self.sources.get(self.view.intent.source)?.slice(span);
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Whether a value would tell a secret.
    pub fn is_secret(&self, expr: ExprId, depth: usize) -> bool {
        let Some(node) = self
            .view
            .intent
            .node(expr)
            .filter(|_| depth <= aethel_ir::batch::MAX_DEPTH)
        else {
            return false;
        };
        match &node.expr {
            Expr::Value(n) => self
                .view
                .intent
                .values
                .get(usize::from(*n))
                .is_some_and(|value| value.secret),
            Expr::Let(n) => self
                .view
                .intent
                .lets
                .get(usize::from(*n))
                .is_some_and(|step| step.secret),
            Expr::Unary(_, a) | Expr::Round { value: a, .. } => self.is_secret(*a, depth + 1),
            Expr::Binary(_, a, b) => self.is_secret(*a, depth + 1) || self.is_secret(*b, depth + 1),
            Expr::Number(_) | Expr::Bool(_) | Expr::Before(_) | Expr::After(_) => false,
        }
    }
}
