//! What the lowering knows: types, places read and written, and what fixes a parameter.

use super::Analysis;
use aethel_ir::{Batch, Intent, Slot, Span, Type};

/// What is known of a compiled intent, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IntentFacts {
    /// Places whose value before it reads.
    pub reads: Vec<PlaceName>,
    /// Places it gives new values.
    pub writes: Vec<PlaceName>,
}

/// A place in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlaceName {
    /// The account parameter.
    pub account: String,
    /// The asset of a balance.
    pub asset: Option<String>,
    /// The name of any other field.
    pub field: Option<String>,
}

impl std::fmt::Display for PlaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.asset, &self.field) {
            (Some(asset), _) => write!(f, "`{}` ({asset})", self.account),
            (None, Some(field)) => write!(f, "`{}.{field}`", self.account),
            (None, None) => write!(f, "`{}`", self.account),
        }
    }
}

impl Analysis {
    /// The compiled form of the intent whose name stands here. There is none after an error.
    fn compiled(&self, name: Span) -> Option<(&Batch, &Intent)> {
        let lowered = self.lowered.batches.iter().chain(&self.lowered.alone);
        lowered.map(|lowered| &lowered.batch).find_map(|batch| {
            let intent = batch.intents.iter().find(|intent| intent.span == name)?;
            Some((batch, intent))
        })
    }

    /// What an intent reads and writes.
    pub(super) fn facts(&self, name: Span) -> Option<IntentFacts> {
        let (batch, intent) = self.compiled(name)?;
        let chosen = |flags: Vec<bool>| {
            let slots = flags.into_iter().enumerate().filter(|(_, flag)| *flag);
            slots
                .filter_map(|(slot, _)| place(batch, intent, Slot(slot as u16)))
                .collect()
        };
        Some(IntentFacts {
            reads: chosen(intent.read()),
            writes: chosen(intent.written()),
        })
    }

    /// Whether an equation of an intent gives a place its new value.
    pub(super) fn defines(&self, name: Span, equation: Span) -> bool {
        let compiled = self.compiled(name);
        compiled.is_some_and(|(_, intent)| intent.effects.iter().any(|effect| effect.span == equation))
    }

    /// What the smallest expression of an intent at this place is.
    pub(super) fn type_at(&self, name: Span, span: Span) -> Option<String> {
        let (batch, intent) = self.compiled(name)?;
        let covering = intent
            .nodes
            .iter()
            .filter(|node| node.span.start <= span.start && span.end <= node.span.end);
        let smallest = covering.min_by_key(|node| node.span.end - node.span.start)?;
        Some(type_name(batch, smallest.ty))
    }

    /// What the value is that a guard gives to this name, and how it is computed; `None` when it is an argument.
    pub(super) fn fixed(&self, intent: Span, name: &str) -> Option<(String, Span)> {
        let (batch, intent) = self.compiled(intent)?;
        let fixed = intent.lets.iter().find(|one| &*one.name == name)?;
        let node = intent.node(fixed.value)?;
        Some((type_name(batch, node.ty), node.span))
    }
}

fn place(batch: &Batch, intent: &Intent, slot: Slot) -> Option<PlaceName> {
    let place = intent.places.get(usize::from(slot.0))?;
    let account = intent.accounts.get(usize::from(place.account))?.name.to_string();
    let (asset, field) = match batch.fields.get(usize::from(place.field.0))? {
        aethel_ir::Field::Balance(asset) => (batch.assets.get(usize::from(asset.0))?.name.to_string(), None),
        aethel_ir::Field::Integer(name) | aethel_ir::Field::Bool(name) => {
            (String::new(), Some(name.to_string()))
        }
    };
    let asset = field.is_none().then_some(asset);
    Some(PlaceName {
        account,
        asset,
        field,
    })
}

fn type_name(batch: &Batch, ty: Type) -> String {
    let asset = |id: aethel_ir::AssetId| {
        let asset = batch.assets.get(usize::from(id.0));
        asset.map_or("?", |asset| &*asset.name).to_owned()
    };
    match ty {
        Type::Bool => "a condition".into(),
        Type::Number => "a number".into(),
        Type::Integer => "a whole number".into(),
        Type::Time => "a time".into(),
        Type::Amount(id) => format!("an amount of {}", asset(id)),
        Type::Price(base, quote) => format!("a price of {} in {}", asset(base), asset(quote)),
    }
}
