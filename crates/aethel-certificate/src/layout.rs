//! Where in the columns of a certificate the accesses of each transaction lie.

use aethel_ir::{Batch, Intent, TransactionId, TransactionRef};
use std::ops::Range;

/// Which slots an intent reads and which it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// For each slot, whether an expression looks at it.
    pub read: Vec<bool>,
    /// For each slot, whether an effect defines it.
    pub written: Vec<bool>,
    /// The written slots, ascending: the order of the column of written values.
    pub written_slots: Vec<u16>,
}

impl Shape {
    /// The shape of an intent.
    pub fn new(intent: &Intent) -> Self {
        let written = intent.written();
        Self {
            read: intent.read(),
            written_slots: (0_u16..)
                .zip(&written)
                .filter(|(_, w)| **w)
                .map(|(slot, _)| slot)
                .collect(),
            written,
        }
    }

    /// Whether a slot is accessed at all. One that is not has value 0 and version 0 in a certificate.
    pub fn touches(&self, slot: usize) -> bool {
        self.reads(slot) || self.writes(slot)
    }

    /// Whether a slot is read.
    pub fn reads(&self, slot: usize) -> bool {
        self.read.get(slot).copied().unwrap_or(false)
    }

    /// Whether a slot is written.
    pub fn writes(&self, slot: usize) -> bool {
        self.written.get(slot).copied().unwrap_or(false)
    }
}

/// Where the accesses of each transaction lie: one entry per slot of its intent in the columns of values and
/// versions seen, one per written slot in the column of written values; transactions in source order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The shape of each intent of the batch.
    pub shapes: Vec<Shape>,
    slots: Offsets,
    writes: Offsets,
}

/// Where the entries of each transaction begin in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offsets {
    /// So many transactions have so many entries each.
    Every(usize, usize),
    /// One more than there are transactions.
    Each(Vec<usize>),
}

impl Offsets {
    fn new(batch: &Batch, sizes: &[usize]) -> Self {
        let mut rows = sizes
            .iter()
            .zip(&batch.groups)
            .filter(|(_, group)| group.rows > 0);
        let size = rows.next().map_or(0, |(size, _)| *size);
        if rows.all(|(other, _)| *other == size) {
            return Offsets::Every(batch.len(), size);
        }
        let mut offsets = Vec::with_capacity(batch.len() + 1);
        let mut end = 0;
        offsets.push(0);
        for TransactionRef { group, .. } in &batch.transactions {
            end += sizes.get(*group as usize).copied().unwrap_or(0);
            offsets.push(end);
        }
        Offsets::Each(offsets)
    }

    fn of(&self, id: TransactionId) -> Range<usize> {
        let index = id.0 as usize;
        match self {
            Offsets::Every(count, size) if index < *count => index * size..(index + 1) * size,
            Offsets::Every(..) => 0..0,
            Offsets::Each(offsets) => {
                let at = |index: usize| offsets.get(index).copied().unwrap_or(0);
                at(index)..at(index + 1)
            }
        }
    }

    fn total(&self) -> usize {
        match self {
            Offsets::Every(count, size) => count * size,
            Offsets::Each(offsets) => offsets.last().copied().unwrap_or(0),
        }
    }
}

impl Layout {
    /// The layout of a batch, in time linear in its transactions.
    pub fn new(batch: &Batch) -> Self {
        let shapes: Vec<Shape> = batch.intents.iter().map(Shape::new).collect();
        let sizes = |size: &dyn Fn(&Shape) -> usize| -> Vec<usize> {
            let groups = batch.groups.iter();
            groups
                .map(|group| shapes.get(group.intent as usize).map_or(0, size))
                .collect()
        };
        let slots = Offsets::new(batch, &sizes(&|shape| shape.read.len()));
        let writes = Offsets::new(batch, &sizes(&|shape| shape.written_slots.len()));
        Self {
            shapes,
            slots,
            writes,
        }
    }

    /// The entries of a transaction in the columns of values and versions seen.
    pub fn slots(&self, id: TransactionId) -> Range<usize> {
        self.slots.of(id)
    }

    /// The entries of a transaction in the column of written values.
    pub fn writes(&self, id: TransactionId) -> Range<usize> {
        self.writes.of(id)
    }

    /// The length of the columns of values and versions seen.
    pub fn total_slots(&self) -> usize {
        self.slots.total()
    }

    /// The length of the column of written values.
    pub fn total_writes(&self) -> usize {
        self.writes.total()
    }
}
