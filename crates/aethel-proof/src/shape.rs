//! The shape of an intent: what lemmas are proved of, once for all intents and instances that share it.
//!
//! Names, spans and numbering do not matter to a proof, and most constants do not either: `amount == 1000` and
//! `amount == 1500` go through the same proof. So the intent is renamed and renumbered, and additive constants become
//! extra value parameters of which only the sign is assumed.
//!
//! **Lifting is for universal lemmas only.** What holds for every value of the extra parameters holds for the
//! constants; nothing else follows. Whether a guard can hold, and every refutation, is a question about the constants:
//! ask it of the original intent (`amount == 1000; amount == 1500` contradicts itself, its shape does not).

use crate::solver::{Limits, z3_version};
use aethel_ir::batch::MAX_DEPTH;
use aethel_ir::intent::{AccountParameter, BinaryOp, Node, Place, ValueParameter};
use aethel_ir::money::in_range;
use aethel_ir::{
    AssetId, Batch, Expr, ExprId, Field, FieldId, Intent, PlaceId, Rational, SourceId, Span, Type,
};
use serde::Serialize;
use std::collections::HashMap;

/// Changes whenever the same shape may get another proof or another formula, so that no old lemma is used for it.
pub(crate) const ENCODER_VERSION: u32 = 3;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum SlotField {
    /// A balance of an asset; the number only says which slots and amounts are of one asset.
    Balance(AssetId),
    /// A field of whole numbers.
    Integer,
    /// A field of truth values, 0 or 1.
    Bool,
}

/// What an intent itself does not say about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlotContext {
    /// What it holds.
    pub field: SlotField,
    /// Whether it is a balance that may not go below zero.
    pub bounded: bool,
}

impl SlotContext {
    /// The slots of an intent of a batch, when the slots' places are these.
    ///
    /// `None` when a place or its field is not of the batch.
    pub fn of_places(batch: &Batch, places: &[PlaceId]) -> Option<Vec<SlotContext>> {
        let context = |place: &PlaceId| {
            let (_, FieldId(field)) = batch.places.get(place.0 as usize)?;
            Some(SlotContext {
                field: SlotField::of(batch.fields.get(usize::from(*field))?),
                bounded: batch.is_bounded(*place),
            })
        };
        places.iter().map(context).collect()
    }
}

impl SlotField {
    /// What a declared field holds.
    pub fn of(field: &Field) -> Self {
        match field {
            Field::Balance(asset) => SlotField::Balance(*asset),
            Field::Integer(_) => SlotField::Integer,
            Field::Bool(_) => SlotField::Bool,
        }
    }
}

/// What is known of an extra value parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Sign {
    /// Above zero.
    Positive,
    /// Below zero.
    Negative,
}

/// A shape, and the constants that make it one instance again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The intent without names, with the lifted constants as value parameters at the end.
    pub intent: Intent,
    /// What the slots hold, with assets renumbered like those of `intent`.
    pub slots: Vec<SlotContext>,
    /// The sign of each extra value parameter; these are the last `signs.len()` parameters of `intent`.
    pub signs: Vec<Sign>,
    /// The constants of this instance, in minor units where they are amounts: the arguments of the extra parameters.
    pub constants: Vec<i128>,
    /// All of this but the constants, as bytes that two shapes share only when they are equal.
    canonical: Vec<u8>,
}

/// An intent that is not a forest of bounded depth over its own tables. Only a hostile file could cause this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedIntent;

impl Shape {
    /// The shape of an intent whose slots hold these things.
    ///
    /// # Errors
    /// When the intent is not well formed, or has not as many slots.
    pub fn new(intent: &Intent, slots: &[SlotContext]) -> Result<Self, MalformedIntent> {
        if slots.len() != intent.places.len() {
            return Err(MalformedIntent);
        }
        let mut lifter = Lifter {
            from: intent,
            fixed_lets: lets_in_products(intent)?,
            copied: HashMap::new(),
            assets: HashMap::new(),
            lifted: HashMap::new(),
            nodes: Vec::with_capacity(intent.nodes.len()),
            extra: Vec::new(),
            constants: Vec::new(),
        };
        // Assets are numbered as they are met: slots, parameters, then expressions.
        let slots = slots.iter().map(|slot| lifter.slot(*slot)).collect::<Vec<_>>();
        let values = intent.values.iter().enumerate();
        let mut values: Vec<ValueParameter> = values
            .map(|(n, value)| value_parameter(n, lifter.ty(value.ty)))
            .collect();

        let mut shape = Intent {
            name: "shape".into(),
            source: SourceId::default(),
            span: Span::default(),
            accounts: (0..intent.accounts.len()).map(account_parameter).collect(),
            values: Vec::new(),
            places: renumber_fields(&intent.places),
            nodes: Vec::new(),
            lets: intent.lets.clone(),
            guard: intent.guard.clone(),
            effects: intent.effects.clone(),
            postconditions: intent.postconditions.clone(),
            solve: Vec::new(),
        };
        for (n, step) in shape.lets.iter_mut().enumerate() {
            step.value = lifter.copy(step.value, !lifter.fixed_lets.contains(&n), 0)?;
            step.name = format!("l{n}").into();
            step.span = Span::default();
            step.secret = false;
        }
        for effect in &mut shape.effects {
            effect.value = lifter.copy(effect.value, true, 0)?;
            effect.span = Span::default();
        }
        for condition in shape.guard.iter_mut().chain(&mut shape.postconditions) {
            condition.expr = lifter.copy(condition.expr, true, 0)?;
        }
        let first = values.len();
        values.extend(
            lifter
                .extra
                .iter()
                .enumerate()
                .map(|(n, ty)| value_parameter(first + n, *ty)),
        );
        shape.values = values;
        shape.nodes = lifter.nodes;
        let signs = lifter.constants.iter().map(|constant| {
            if *constant > 0 {
                Sign::Positive
            } else {
                Sign::Negative
            }
        });
        let signs: Vec<Sign> = signs.collect();
        let canonical = postcard::to_stdvec(&(&shape, &slots, &signs)).map_err(|_| MalformedIntent)?;
        Ok(Self {
            intent: shape,
            slots,
            signs,
            constants: lifter.constants,
            canonical,
        })
    }

    /// The sign premises with the index of the value parameter each is about.
    pub fn premises(&self) -> impl Iterator<Item = (usize, Sign)> + '_ {
        let first = self.intent.values.len() - self.signs.len();
        (first..).zip(self.signs.iter().copied())
    }

    /// The fields that the places of `intent` name, for those who ask what a place holds. Their names mean nothing.
    pub fn fields(&self) -> Vec<Field> {
        let count = self
            .intent
            .places
            .iter()
            .map(|place| usize::from(place.field.0) + 1);
        let mut fields = vec![Field::Integer("field".into()); count.max().unwrap_or(0)];
        for (place, slot) in self.intent.places.iter().zip(&self.slots) {
            if let Some(field) = fields.get_mut(usize::from(place.field.0)) {
                *field = match slot.field {
                    SlotField::Balance(asset) => Field::Balance(asset),
                    SlotField::Integer => Field::Integer("field".into()),
                    SlotField::Bool => Field::Bool("field".into()),
                };
            }
        }
        fields
    }

    /// What tells it from other shapes.
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.canonical).as_bytes()
    }

    /// What lemmas of this shape are kept under: equal for every intent of the shape, and for no other encoder, version
    /// of Z3 or resource limit.
    pub fn key(&self, limits: &Limits) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aethel lemma shape 1");
        hasher.update(&ENCODER_VERSION.to_le_bytes());
        hasher.update(&limits.rlimit.to_le_bytes());
        let version = z3_version();
        hasher.update(&(version.len() as u64).to_le_bytes());
        hasher.update(version.as_bytes());
        hasher.update(&self.canonical);
        *hasher.finalize().as_bytes()
    }
}

fn account_parameter(n: usize) -> AccountParameter {
    AccountParameter {
        name: format!("a{n}").into(),
        span: Span::default(),
    }
}

fn value_parameter(n: usize, ty: Type) -> ValueParameter {
    ValueParameter {
        name: format!("v{n}").into(),
        ty,
        external: false,
        secret: false,
        span: Span::default(),
    }
}

/// Fields in the order in which the slots name them.
fn renumber_fields(places: &[Place]) -> Vec<Place> {
    let mut numbers: HashMap<FieldId, u16> = HashMap::new();
    let renumber = |place: &Place| {
        let next = numbers.len() as u16;
        Place {
            account: place.account,
            field: FieldId(*numbers.entry(place.field).or_insert(next)),
        }
    };
    places.iter().map(renumber).collect()
}

/// The lets that a factor, divisor or dividend looks at, directly or through another let: with a parameter in them a
/// product would not be linear any more.
fn lets_in_products(intent: &Intent) -> Result<Vec<usize>, MalformedIntent> {
    let mut found = Vec::new();
    // The nodes below a product; a node's children come before it.
    let mut inside = vec![false; intent.nodes.len()];
    for (index, node) in intent.nodes.iter().enumerate().rev() {
        let is_inside = inside.get(index).copied().unwrap_or(false);
        let product = matches!(&node.expr, Expr::Binary(op, ..) if is_product(*op));
        for child in node.expr.operands() {
            let child = child.0 as usize;
            if child >= index {
                return Err(MalformedIntent);
            }
            if let Some(flag) = inside.get_mut(child) {
                *flag |= is_inside || product;
            }
        }
        if let (true, Expr::Let(n)) = (is_inside, &node.expr) {
            found.push(usize::from(*n));
        }
    }
    // What a let in a product is made of is in the product too.
    let mut at = 0;
    while let Some(n) = found.get(at).copied() {
        at += 1;
        let step = intent.lets.get(n).ok_or(MalformedIntent)?;
        let mut open = vec![step.value];
        while let Some(id) = open.pop() {
            let expr = &intent.node(id).ok_or(MalformedIntent)?.expr;
            match expr {
                Expr::Let(other) if !found.contains(&usize::from(*other)) => {
                    found.push(usize::from(*other));
                }
                _ => open.extend(expr.operands()),
            }
        }
    }
    Ok(found)
}

fn is_product(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder)
}

struct Lifter<'a> {
    from: &'a Intent,
    fixed_lets: Vec<usize>,
    /// Nodes that are copied already: two roots may be one node.
    copied: HashMap<ExprId, ExprId>,
    assets: HashMap<AssetId, u16>,
    lifted: HashMap<(i128, Type), u16>,
    nodes: Vec<Node>,
    extra: Vec<Type>,
    constants: Vec<i128>,
}

impl Lifter<'_> {
    fn asset(&mut self, asset: AssetId) -> AssetId {
        let next = self.assets.len() as u16;
        AssetId(*self.assets.entry(asset).or_insert(next))
    }

    fn slot(&mut self, slot: SlotContext) -> SlotContext {
        let field = match slot.field {
            SlotField::Balance(asset) => SlotField::Balance(self.asset(asset)),
            other => other,
        };
        SlotContext { field, ..slot }
    }

    fn ty(&mut self, ty: Type) -> Type {
        match ty {
            Type::Amount(asset) => Type::Amount(self.asset(asset)),
            Type::Price(base, quote) => Type::Price(self.asset(base), self.asset(quote)),
            other => other,
        }
    }

    /// Copies an expression; `liftable` says whether a constant there is a summand, or a side of a comparison.
    fn copy(&mut self, id: ExprId, liftable: bool, depth: usize) -> Result<ExprId, MalformedIntent> {
        if depth > MAX_DEPTH {
            return Err(MalformedIntent);
        }
        if let Some(copy) = self.copied.get(&id) {
            return Ok(*copy);
        }
        let node = self.from.node(id).ok_or(MalformedIntent)?;
        let ty = self.ty(node.ty);
        let expr = match &node.expr {
            Expr::Number(number) if liftable => self.lift(number, ty),
            Expr::Unary(op, a) => Expr::Unary(*op, self.copy(*a, liftable, depth + 1)?),
            Expr::Binary(op, a, b) => {
                let liftable = liftable && !is_product(*op);
                let a = self.copy(*a, liftable, depth + 1)?;
                Expr::Binary(*op, a, self.copy(*b, liftable, depth + 1)?)
            }
            Expr::Round { value, unit, mode } => Expr::Round {
                value: self.copy(*value, liftable, depth + 1)?,
                unit: unit.clone(),
                mode: *mode,
            },
            other => other.clone(),
        };
        let span = Span::default();
        self.nodes.push(Node { expr, span, ty });
        let copy = ExprId(u32::try_from(self.nodes.len() - 1).map_err(|_| MalformedIntent)?);
        self.copied.insert(id, copy);
        Ok(copy)
    }

    /// A parameter for a constant, when it is one that a parameter of its type could be and not zero.
    fn lift(&mut self, number: &Rational, ty: Type) -> Expr {
        let constant = match (number.to_i128(), ty) {
            (Some(n), Type::Amount(_) | Type::Integer) if n != 0 && in_range(n) => n,
            _ => return Expr::Number(number.clone()),
        };
        let next = self.from.values.len() + self.extra.len();
        let Ok(next) = u16::try_from(next) else {
            return Expr::Number(number.clone());
        };
        let parameter = *self.lifted.entry((constant, ty)).or_insert(next);
        if parameter == next {
            self.extra.push(ty);
            self.constants.push(constant);
        }
        Expr::Value(parameter)
    }
}
