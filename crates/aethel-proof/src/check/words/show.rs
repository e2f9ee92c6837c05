//! Values, places and states as people write them, and where things stand in the source.

use super::Words;
use crate::check::report::Check;
use crate::check::subject::State;
use crate::shape::SlotField;
use aethel_ir::money::format_grouped;
use aethel_ir::{
    AssetId, Code, Diagnostic, ExprId, PlaceId, Rational, Site, Slot, Span, Type, Value, show_value,
};

/// How many places an example shows.
const SHOWN: usize = 6;

/// Longer expressions are not repeated in a help.
const LONGEST_QUOTE: usize = 80;

impl Words<'_> {
    /// `company 0.00 → 0.00, bob 0.00 → 1.00 with amount = 0.00`.
    pub(super) fn example(&self, state: &State) -> String {
        let new = self.subject.with(state, |view, evaluator| {
            let value = |effect: &aethel_ir::Effect| {
                let value = evaluator.show(view, &state.before, &state.before, effect.value);
                (effect.slot, value)
            };
            self.intent.effects.iter().map(value).collect::<Vec<_>>()
        });
        let mut places: Vec<String> = Vec::new();
        for (n, before) in state.before.iter().enumerate().take(SHOWN) {
            let slot = Slot(n as u16);
            let before = Value::Number(Rational::Int(*before));
            let mut shown = format!("{} {}", self.place(slot), self.held(slot, &before));
            // A new value that cannot be computed is left out.
            if let Some((_, Some(after))) = new.iter().find(|(written, _)| *written == slot) {
                shown += &format!(" → {}", self.held(slot, after));
            }
            places.push(shown);
        }
        if state.before.len() > SHOWN {
            places.push("…".to_owned());
        }
        let mut values: Vec<String> = Vec::new();
        for (parameter, value) in self.intent.values.iter().zip(&state.values) {
            values.push(format!(
                "{} = {}",
                parameter.name,
                self.value(value, parameter.ty)
            ));
        }
        self.subject.with(state, |view, evaluator| {
            for step in self.intent.lets.iter().filter(|step| step.whole) {
                let value = evaluator.show(view, &state.before, &state.before, step.value);
                if let (Some(value), Some(node)) = (value, self.intent.node(step.value)) {
                    values.push(format!("{} = {}", step.name, self.value(&value, node.ty)));
                }
            }
        });
        match (places.is_empty(), values.is_empty()) {
            (_, true) => places.join(", "),
            (true, false) => values.join(", "),
            (false, false) => format!("{} with {}", places.join(", "), values.join(", ")),
        }
    }

    /// Amounts without their asset where there is only one.
    pub(super) fn value(&self, value: &Value, ty: Type) -> String {
        let assets = &self.subject.batch().assets;
        match (value, ty) {
            (Value::Number(number), Type::Amount(asset)) if assets.len() == 1 => {
                let scale = assets.get(usize::from(asset.0)).map_or(0, |asset| asset.scale);
                match number.to_i128() {
                    Some(minor) => format_grouped(minor, scale),
                    None => show_value(self.subject.batch(), value, ty),
                }
            }
            _ => show_value(self.subject.batch(), value, ty),
        }
    }

    /// A value of a slot; Bool fields are 0 and 1 in a state, truth values in an effect.
    pub(super) fn held(&self, slot: Slot, value: &Value) -> String {
        let field = self
            .subject
            .slots()
            .get(usize::from(slot.0))
            .map(|slot| slot.field);
        match (field, value) {
            (Some(SlotField::Balance(asset)), value) => self.value(value, Type::Amount(asset)),
            (Some(SlotField::Bool), Value::Number(number)) => (!number.is_zero()).to_string(),
            _ => self.value(value, Type::Integer),
        }
    }

    pub(super) fn place(&self, slot: Slot) -> String {
        self.subject.batch().place_name(PlaceId(slot.0.into()))
    }

    pub(super) fn is_balance(&self, slot: Slot, asset: AssetId) -> bool {
        self.subject.batch().asset_of(PlaceId(slot.0.into())) == Some(asset)
    }

    pub(super) fn site(&self, site: Site) -> String {
        match site {
            Site::Let(n) => self
                .intent
                .lets
                .get(usize::from(n))
                .map(|step| format!("`{}`", step.name)),
            Site::Effect(n) | Site::Supply(n) => {
                let effect = self.intent.effects.get(usize::from(n));
                effect.map(|effect| format!("the new value of `{}`", self.place(effect.slot)))
            }
            Site::Expr(_) => None,
        }
        .unwrap_or_else(|| "a value".to_owned())
    }

    pub(super) fn site_span(&self, site: Site) -> Span {
        let span = match site {
            Site::Let(n) => self.intent.lets.get(usize::from(n)).map(|step| step.span),
            Site::Effect(n) | Site::Supply(n) => {
                self.intent.effects.get(usize::from(n)).map(|effect| effect.span)
            }
            Site::Expr(at) => self.intent.node(at).map(|node| node.span),
        };
        span.unwrap_or(self.intent.span)
    }

    pub(super) fn span_of(&self, check: Check) -> Span {
        let condition = |conditions: &[aethel_ir::Condition], n: u16| {
            let condition = conditions.get(usize::from(n))?;
            self.intent.node(condition.expr).map(|node| node.span)
        };
        match check {
            Check::GuardCanHold | Check::CanCommit | Check::Conserves(_) => None,
            Check::NoOverdraft(n) => Some(self.site_span(Site::Effect(n))),
            Check::NoOverflow(site) | Check::Exact(site) => Some(self.site_span(site)),
            Check::NoDivisionByZero(at) => Some(self.site_span(Site::Expr(at))),
            Check::Postcondition(n) => condition(&self.intent.postconditions, n),
            Check::Needed(n) => condition(&self.intent.guard, n),
        }
        .unwrap_or(self.intent.span)
    }

    pub(super) fn at(&self, code: Code, message: String, span: Span, label: &str) -> Diagnostic {
        Diagnostic::new(code, message).label(self.intent.source, span, label)
    }

    /// An expression as it is written.
    pub(super) fn text(&self, id: ExprId) -> Option<&str> {
        let file = self.sources.get(self.intent.source)?;
        let text = file.text.get(self.intent.node(id)?.span.range())?;
        (!text.contains('\n') && text.len() <= LONGEST_QUOTE).then_some(text)
    }
}
