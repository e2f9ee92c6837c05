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
    slots: Vec<usize>,
    writes: Vec<usize>,
}

impl Layout {
    /// The layout of a batch, in time linear in its transactions.
    pub fn new(batch: &Batch) -> Self {
        let shapes: Vec<Shape> = batch.intents.iter().map(Shape::new).collect();
        let sizes: Vec<(usize, usize)> = batch
            .groups
            .iter()
            .map(|group| {
                shapes
                    .get(group.intent as usize)
                    .map_or((0, 0), |shape| (shape.read.len(), shape.written_slots.len()))
            })
            .collect();
        let (mut slots, mut writes) = (
            Vec::with_capacity(batch.len() + 1),
            Vec::with_capacity(batch.len() + 1),
        );
        let mut end = (0, 0);
        slots.push(0);
        writes.push(0);
        for TransactionRef { group, .. } in &batch.transactions {
            let size = sizes.get(*group as usize).copied().unwrap_or((0, 0));
            end = (end.0 + size.0, end.1 + size.1);
            slots.push(end.0);
            writes.push(end.1);
        }
        Self {
            shapes,
            slots,
            writes,
        }
    }

    /// The entries of a transaction in the columns of values and versions seen.
    pub fn slots(&self, id: TransactionId) -> Range<usize> {
        range(&self.slots, id)
    }

    /// The entries of a transaction in the column of written values.
    pub fn writes(&self, id: TransactionId) -> Range<usize> {
        range(&self.writes, id)
    }

    /// The length of the columns of values and versions seen.
    pub fn total_slots(&self) -> usize {
        self.slots.last().copied().unwrap_or(0)
    }

    /// The length of the column of written values.
    pub fn total_writes(&self) -> usize {
        self.writes.last().copied().unwrap_or(0)
    }
}

fn range(offsets: &[usize], id: TransactionId) -> Range<usize> {
    let at = |index: usize| offsets.get(index).copied().unwrap_or(0);
    at(id.0 as usize)..at(id.0 as usize + 1)
}
