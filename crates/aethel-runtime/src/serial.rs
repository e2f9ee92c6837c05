//! The serial run in batch order: what a batch means. The executor uses it with one thread and to name a failure, the
//! prover to compare with and to fall back on.

use crate::clock::{Stop, Watch};
use crate::dependency_analyzer::DependencyGraph;
use crate::supply::Supply;
use aethel_certificate::Layout;
use aethel_ir::{Amounts, Batch, Evaluator, Failure, PlaceId, Site, TransactionId};

/// How often a loop over transactions looks at the watch.
pub(crate) const CHECK_EVERY: usize = 128;

/// What a run saw and did, in the columns of a certificate ([`aethel_certificate::Layout`]), in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The value of each place after.
    pub final_values: Vec<i128>,
    /// The places, ascending, of which nothing is logged, since any order of their accesses gives the same. When the batch
    /// writes no others, nothing is logged at all.
    pub escrow: Vec<PlaceId>,
    /// For each transaction in source order and each slot, the value seen.
    pub seen: Vec<i128>,
    /// Like `seen`: how many writes the place had had.
    pub versions: Vec<u32>,
    /// For each transaction in source order and each written slot, the new value; of a place in escrow, the change.
    pub written: Amounts,
}

impl Run {
    /// Columns to write into what a run sees, with these places in escrow; of what it writes there are none yet. `unlogged`
    /// says that the batch writes no others.
    pub(crate) fn columns(layout: &Layout, escrow: Vec<PlaceId>, unlogged: bool) -> Self {
        let slots = if unlogged { 0 } else { layout.total_slots() };
        Run {
            final_values: Vec::new(),
            escrow,
            seen: vec![0; slots],
            versions: vec![0; slots],
            written: Amounts::default(),
        }
    }

    /// Calls `found` with each slot that a transaction writes, its place, and by how much it changed; of a field of truth
    /// values, with the new value.
    pub fn each_change(
        &self,
        batch: &Batch,
        layout: &Layout,
        id: TransactionId,
        mut found: impl FnMut(usize, PlaceId, i128),
    ) {
        let Some(view) = batch.transaction(id) else {
            return;
        };
        let shape = &layout.shapes[view.group.intent as usize];
        let first = layout.slots(id).start;
        for (slot, at) in shape.written_slots.iter().zip(layout.writes(id)) {
            let slot = usize::from(*slot);
            let Some(written) = self.written.get(at) else {
                return;
            };
            let Some(place) = view
                .group
                .places
                .get(slot)
                .and_then(|column| column.get(view.row))
            else {
                continue;
            };
            let is_change = batch.asset_of(*place).is_none() || self.escrow.binary_search(place).is_ok();
            let before = self.seen.get(first + slot).filter(|_| !is_change);
            found(slot, *place, written.saturating_sub(before.copied().unwrap_or(0)));
        }
    }
}

/// The first transaction in batch order that does not go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionFailure {
    /// Which.
    pub transaction: TransactionId,
    /// How many went through before it.
    pub position: u32,
    /// Why.
    pub failure: Failure,
    /// The value of each of its slots before it.
    pub seen: Vec<i128>,
}

/// How a serial run ends without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialError {
    /// A transaction does not go through.
    Failed(Box<TransactionFailure>),
    /// Time was up, or somebody asked.
    Stopped(Stop),
}

/// Runs every transaction from the snapshot in batch order. `elsewhere` is, per asset, the supply outside the batch.
///
/// # Errors
/// The first failure with what it saw, or why it stopped.
pub fn run_serially(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    elsewhere: &[i128],
    watch: &Watch<'_>,
) -> Result<Run, SerialError> {
    let run = Run::columns(&graph.layout, Vec::new(), false);
    run_into(batch, graph, snapshot, elsewhere, watch, run)
}

/// [`run_serially`] into these columns: of places in escrow only the changes are logged.
///
/// # Errors
/// As [`run_serially`].
pub(crate) fn run_into(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    elsewhere: &[i128],
    watch: &Watch<'_>,
    mut run: Run,
) -> Result<Run, SerialError> {
    let mut escrow = vec![false; batch.places.len()];
    for place in &run.escrow {
        if let Some(flag) = escrow.get_mut(place.0 as usize) {
            *flag = true;
        }
    }
    let unlogged = run.seen.is_empty();
    let layout = &graph.layout;
    let mut values = snapshot.to_vec();
    values.resize(batch.places.len(), 0);
    let mut counts = vec![0_u32; values.len()];
    let mut supply = Supply::new(batch, snapshot, elsewhere);
    let mut evaluator = Evaluator::default();
    let mut seen = Vec::new();
    let mut written = vec![0_i128; layout.total_writes()];

    for (position, id) in graph.order.iter().enumerate() {
        if position % CHECK_EVERY == 0 {
            watch.check().map_err(SerialError::Stopped)?;
            watch.count(if position == 0 { 0 } else { CHECK_EVERY });
        }
        let failed = |failure, seen: &[i128]| {
            SerialError::Failed(Box::new(TransactionFailure {
                transaction: *id,
                position: position as u32,
                failure,
                seen: seen.to_vec(),
            }))
        };
        let Some(view) = batch.transaction(*id) else {
            return Err(failed(Failure::Malformed, &[]));
        };
        let shape = &layout.shapes[view.group.intent as usize];
        seen.clear();
        for (slot, column) in view.group.places.iter().enumerate() {
            let place = column.get(view.row).filter(|_| shape.touches(slot));
            seen.push(place.map_or(0, |place| values[place.0 as usize]));
            if let Some(place) = place.filter(|place| !unlogged && !escrow[place.0 as usize]) {
                let at = layout.slots(*id).start + slot;
                run.seen[at] = values[place.0 as usize];
                run.versions[at] = counts[place.0 as usize];
            }
        }
        let after = evaluator
            .execute(view, &seen)
            .map_err(|failure| failed(failure, &seen))?;
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            let slot = usize::from(*slot);
            if let Some(place) = view.group.places[slot].get(view.row) {
                values[place.0 as usize] = after[slot];
                counts[place.0 as usize] += 1;
                written[layout.writes(*id).start + nth] = if escrow[place.0 as usize] {
                    after[slot].saturating_sub(seen[slot])
                } else {
                    after[slot]
                };
            }
        }
        if let Some(effect) = supply.apply(view, &seen, after) {
            let site = Site::Supply(effect);
            return Err(failed(Failure::Overflow { site }, &seen));
        }
    }
    run.final_values = values;
    run.written = written.into();
    Ok(run)
}
