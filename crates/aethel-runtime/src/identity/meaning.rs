//! An intent as bytes: its expressions in prefix form.

use super::{count, text, write_value};
use aethel_ir::{AssetId, Batch, Condition, Expr, ExprId, Field, FieldId, Intent, Slot, Type, Value};

/// An intent as bytes, without names of parameters and places in the source.
pub(super) struct Meaning<'a> {
    batch: &'a Batch,
    intent: &'a Intent,
    bytes: Vec<u8>,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(batch: &'a Batch, intent: &'a Intent) -> Vec<u8> {
        let mut meaning = Self {
            batch,
            intent,
            bytes: Vec::new(),
        };
        meaning.write();
        meaning.bytes
    }

    fn write(&mut self) {
        let intent = self.intent;
        text(&mut self.bytes, &intent.name);
        count(&mut self.bytes, intent.accounts.len());
        count(&mut self.bytes, intent.values.len());
        for parameter in &intent.values {
            self.ty(parameter.ty);
            self.bytes.push(u8::from(parameter.external));
            if parameter.external {
                text(&mut self.bytes, &parameter.name);
            }
        }
        count(&mut self.bytes, intent.places.len());
        for place in &intent.places {
            count(&mut self.bytes, usize::from(place.account));
            self.field(place.field);
        }
        count(&mut self.bytes, intent.lets.len());
        for step in &intent.lets {
            self.bytes.push(u8::from(step.whole));
            self.expr(step.value, 0);
        }
        self.conditions(&intent.guard);
        count(&mut self.bytes, intent.effects.len());
        for effect in &intent.effects {
            self.slot(effect.slot);
            self.expr(effect.value, 0);
        }
        self.conditions(&intent.postconditions);
    }

    fn conditions(&mut self, conditions: &[Condition]) {
        count(&mut self.bytes, conditions.len());
        for condition in conditions {
            match condition.if_bounded {
                None => self.bytes.push(0),
                Some(slot) => {
                    self.bytes.push(1);
                    self.slot(slot);
                }
            }
            self.expr(condition.expr, 0);
        }
    }

    fn slot(&mut self, slot: Slot) {
        count(&mut self.bytes, usize::from(slot.0));
    }

    fn expr(&mut self, id: ExprId, depth: usize) {
        let Some(node) = self
            .intent
            .node(id)
            .filter(|_| depth <= aethel_ir::batch::MAX_DEPTH)
        else {
            return;
        };
        let tag = |bytes: &mut Vec<u8>, tag: u8, index: u16| {
            bytes.push(tag);
            count(bytes, usize::from(index));
        };
        match &node.expr {
            Expr::Number(number) => {
                self.bytes.push(0);
                write_value(&mut self.bytes, &Value::Number(number.clone()));
            }
            Expr::Bool(flag) => {
                self.bytes.push(0);
                write_value(&mut self.bytes, &Value::Bool(*flag));
            }
            Expr::Value(n) => tag(&mut self.bytes, 1, *n),
            Expr::Let(n) => tag(&mut self.bytes, 2, *n),
            Expr::Before(slot) => tag(&mut self.bytes, 3, slot.0),
            Expr::After(slot) => tag(&mut self.bytes, 4, slot.0),
            Expr::Unary(op, a) => {
                self.bytes.push(5);
                text(&mut self.bytes, &format!("{op:?}"));
                self.expr(*a, depth + 1);
            }
            Expr::Binary(op, a, b) => {
                self.bytes.push(6);
                text(&mut self.bytes, &format!("{op:?}"));
                self.expr(*a, depth + 1);
                self.expr(*b, depth + 1);
            }
            Expr::Round { value, unit, mode } => {
                self.bytes.push(7);
                text(&mut self.bytes, mode.name());
                write_value(&mut self.bytes, &Value::Number(unit.clone()));
                self.expr(*value, depth + 1);
            }
        }
    }

    fn field(&mut self, field: FieldId) {
        match self.batch.fields.get(usize::from(field.0)) {
            Some(Field::Balance(asset)) => {
                self.bytes.push(0);
                self.asset(*asset);
            }
            Some(Field::Integer(name)) => {
                self.bytes.push(1);
                text(&mut self.bytes, name);
            }
            Some(Field::Bool(name)) => {
                self.bytes.push(2);
                text(&mut self.bytes, name);
            }
            None => self.bytes.push(9),
        }
    }

    fn asset(&mut self, asset: AssetId) {
        if let Some(asset) = self.batch.assets.get(usize::from(asset.0)) {
            text(&mut self.bytes, &asset.name);
            self.bytes.push(asset.scale);
        }
    }

    fn ty(&mut self, ty: Type) {
        match ty {
            Type::Bool => self.bytes.push(0),
            Type::Number => self.bytes.push(1),
            Type::Integer => self.bytes.push(2),
            Type::Time => self.bytes.push(3),
            Type::Amount(asset) => {
                self.bytes.push(4);
                self.asset(asset);
            }
            Type::Price(base, quote) => {
                self.bytes.push(5);
                self.asset(base);
                self.asset(quote);
            }
        }
    }
}
