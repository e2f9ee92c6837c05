//! The checker: one linear pass in batch order over what the transactions say they saw and wrote.

use crate::format::CertificateView;
use crate::layout::{Layout, Shape};
use crate::order::batch_order;
use crate::rejection::Rejection;
use aethel_ir::money::{format_amount, in_range};
use aethel_ir::{
    AssetId, Batch, Column, Evaluator, Failure, Field, MAX_MINOR_UNITS, PlaceId, Rational, TransactionId,
    TransactionView,
};

/// What an accepted certificate amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many transactions were evaluated again.
    pub transactions: usize,
    /// How many values seen were compared.
    pub accesses: usize,
    /// For each asset, its sum over the touched places, the same before and after.
    pub sums: Vec<AssetSum>,
}

/// The sum of an asset over the places of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSum {
    /// Its name.
    pub asset: String,
    /// In minor units.
    pub minor: Rational,
    /// As a plain decimal in units.
    pub shown: String,
}

/// What a run left in memory, beside what its certificate says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory<'a> {
    /// The value of each place.
    pub values: &'a [i128],
    /// For each transaction in source order and each slot that its intent writes, the change; compared where the
    /// certificate does not log it. Empty when there is nothing to compare.
    pub changes: &'a [i128],
}

/// How often a stoppable check asks whether to go on, in transactions.
const ASK_EVERY: usize = 1024;

/// Checks a certificate whose batch is well formed ([`Batch::validate`]); `memory` is compared with the final values.
///
/// # Errors
/// The first thing that does not fit. [`Rejection::NotConserved`] comes last: everything else fitted.
pub fn check(view: &CertificateView<'_>, memory: Option<&[i128]>) -> Result<Checked, Rejection> {
    let memory = memory.map(|values| Memory { values, changes: &[] });
    check_while(view, memory, &[], &mut || true)
}

/// [`check`], which knows, per asset, what bounded balances outside the batch hold together, and asks every thousand
/// transactions whether it should go on.
///
/// # Errors
/// As [`check`], and [`Rejection::Stopped`].
pub fn check_while(
    view: &CertificateView<'_>,
    memory: Option<Memory<'_>>,
    elsewhere: &[i128],
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Checked, Rejection> {
    let batch = view.batch;
    let layout = Layout::new(batch);
    let log = Log::new(view)?;
    check_lengths(view, memory, &layout, &log)?;
    let changes = memory.map_or(&[][..], |memory| memory.changes);
    let order = check_order(view)?;
    check_initial(view)?;

    let mut run = Running::new(view, &layout, log, elsewhere);
    run.changes = changes;
    for (done, id) in order.iter().enumerate() {
        if done % ASK_EVERY == 0 && !go_on() {
            return Err(Rejection::Stopped);
        }
        run.step(*id)?;
    }
    run.check_end(memory.map(|memory| memory.values))?;
    let sums = check_sums(view)?;
    Ok(Checked {
        transactions: batch.len(),
        accesses: view.seen.len(),
        sums,
    })
}

/// About which places something is logged.
struct Log {
    /// For each place, whether its accesses were in no order.
    escrow: Vec<bool>,
    /// Nothing is logged, since every place that the batch writes is in escrow.
    nothing: bool,
}

impl Log {
    fn new(view: &CertificateView<'_>) -> Result<Self, Rejection> {
        let mut escrow = vec![false; view.batch.places.len()];
        let mut last = None;
        for place in view.escrow {
            let bad = Rejection::BadEscrow { place: place.0 };
            if last.is_some_and(|last| last >= place.0) {
                return Err(bad);
            }
            last = Some(place.0);
            *escrow.get_mut(place.0 as usize).ok_or(bad)? = true;
        }
        let nothing = !view.escrow.is_empty() && only_writes(view.batch, &escrow);
        Ok(Self { escrow, nothing })
    }
}

/// Whether a batch writes no other places than these.
pub(crate) fn only_writes(batch: &Batch, places: &[bool]) -> bool {
    batch.groups.iter().all(|group| {
        let Some(intent) = batch.intents.get(group.intent as usize) else {
            return false;
        };
        let among = |place: &PlaceId| places.get(place.0 as usize).copied().unwrap_or(false);
        (intent.effects.iter()).all(|effect| match group.places.get(usize::from(effect.slot.0)) {
            Some(Column::Same(place)) => group.rows == 0 || among(place),
            Some(Column::Each(column)) => column.iter().all(among),
            None => false,
        })
    })
}

/// Every column has exactly the entries that the places, transactions and intents of the batch ask for.
fn check_lengths(
    view: &CertificateView<'_>,
    memory: Option<Memory<'_>>,
    layout: &Layout,
    log: &Log,
) -> Result<(), Rejection> {
    let places = view.batch.places.len();
    let (slots, writes) = match log.nothing {
        true => (0, 0),
        false => (layout.total_slots(), layout.total_writes()),
    };
    // Where there are no changes to compare there is no length to check.
    let found_changes = memory.map_or(0, |memory| memory.changes.len());
    let changes = if found_changes > 0 {
        layout.total_writes()
    } else {
        0
    };
    let expectations = [
        ("initial values", places, view.initial.len()),
        ("final values", places, view.final_values.len()),
        (
            "values in memory",
            places,
            memory.map_or(places, |memory| memory.values.len()),
        ),
        ("changes in memory", changes, found_changes),
        ("positions", view.batch.len(), view.positions.len()),
        ("values seen", slots, view.seen.len()),
        ("versions seen", slots, view.versions.len()),
        ("values written", writes, view.written.len()),
    ];
    for (column, expected, found) in expectations {
        if expected != found {
            return Err(Rejection::Length {
                column,
                expected,
                found,
            });
        }
    }
    Ok(())
}

/// The positions are a permutation, and the one that the language says; that one keeps every `after`.
pub(crate) fn check_order(view: &CertificateView<'_>) -> Result<Vec<TransactionId>, Rejection> {
    let batch = view.batch;
    if view.positions.len() == batch.len() && in_source_order(view) {
        return Ok((0..batch.len() as u32).map(TransactionId).collect());
    }
    let mut taken = vec![false; batch.len()];
    for (index, position) in view.positions.iter().enumerate() {
        let fits = taken
            .get_mut(*position as usize)
            .is_some_and(|taken| !std::mem::replace(taken, true));
        if !fits {
            return Err(Rejection::NotAPermutation {
                transaction: batch.transaction_name(TransactionId(index as u32)),
                position: *position,
            });
        }
    }
    let order = batch_order(batch).map_err(|_| Rejection::NoOrder)?;
    for (expected, id) in order.iter().enumerate() {
        let position = view.positions.get(id.0 as usize).copied().unwrap_or(u32::MAX);
        if position as usize != expected {
            return Err(Rejection::NotBatchOrder {
                transaction: batch.transaction_name(*id),
                position,
                expected: expected as u32,
            });
        }
    }
    Ok(order)
}

/// Whether the positions are those of the source, and batch order is that too.
pub(crate) fn in_source_order(view: &CertificateView<'_>) -> bool {
    let identity = (0_u32..)
        .zip(view.positions)
        .all(|(id, position)| id == *position);
    identity && view.batch.items.iter().all(|item| item.after.is_empty())
}

/// The batch begins in a state that a ledger can hold.
pub(crate) fn check_initial(view: &CertificateView<'_>) -> Result<(), Rejection> {
    for (index, value) in view.initial.iter().enumerate() {
        let place = PlaceId(index as u32);
        if !in_range(*value)
            || (*value < 0 && view.batch.is_bounded(place))
            || !fits_field(view.batch, place, *value)
        {
            return Err(Rejection::InitialValue {
                place: view.batch.place_name(place),
                value: *value,
            });
        }
    }
    Ok(())
}

/// Truth values are stored as 0 or 1.
fn fits_field(batch: &Batch, place: PlaceId, value: i128) -> bool {
    let field = batch
        .places
        .get(place.0 as usize)
        .and_then(|(_, field)| batch.fields.get(usize::from(field.0)));
    !matches!(field, Some(Field::Bool(_))) || (0..=1).contains(&value)
}

/// The state of the serial run as the check goes along.
struct Running<'a> {
    view: &'a CertificateView<'a>,
    layout: &'a Layout,
    log: Log,
    /// The changes in memory, compared where nothing is logged.
    changes: &'a [i128],
    evaluator: Evaluator,
    /// What the transaction at hand finds in each slot.
    before: Vec<i128>,
    values: Vec<i128>,
    versions: Vec<u32>,
    /// For each place, the asset of a bounded balance.
    bounded: Vec<Option<AssetId>>,
    /// Per asset, the sum of bounded balances.
    supply: Vec<i128>,
}

impl<'a> Running<'a> {
    fn new(view: &'a CertificateView<'a>, layout: &'a Layout, log: Log, elsewhere: &[i128]) -> Self {
        let mut supply = elsewhere.to_vec();
        supply.resize(view.batch.assets.len(), 0);
        let places = (0..view.batch.places.len() as u32).map(PlaceId);
        let bounded: Vec<_> = places
            .map(|place| {
                view.batch
                    .asset_of(place)
                    .filter(|_| view.batch.is_bounded(place))
            })
            .collect();
        for (asset, value) in bounded.iter().zip(view.initial) {
            if let Some(AssetId(asset)) = asset {
                let sum = &mut supply[usize::from(*asset)];
                *sum = sum.saturating_add(*value);
            }
        }
        Self {
            view,
            layout,
            log,
            changes: &[],
            evaluator: Evaluator::default(),
            before: Vec::new(),
            values: view.initial.to_vec(),
            versions: vec![0; view.initial.len()],
            bounded,
            supply,
        }
    }

    /// One transaction: it saw exactly the running values, it goes through, and it wrote what its intent gives.
    fn step(&mut self, id: TransactionId) -> Result<(), Rejection> {
        let bad_batch = Rejection::BadBatch("a transaction of an unknown group or intent");
        let transaction = self.view.batch.transaction(id).ok_or(bad_batch)?;
        let layout = self.layout;
        let shape = &layout.shapes[transaction.group.intent as usize];
        self.find(transaction, shape)?;
        if !self.log.nothing {
            self.check_seen(id, transaction, shape)?;
        }
        let after = match self.evaluator.execute(transaction, &self.before) {
            Ok(after) => after,
            Err(failure) => return Err(fails(self.view.batch, id, &failure)),
        };
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            let slot = usize::from(*slot);
            let place = place_of(transaction, slot)?;
            let index = place.0 as usize;
            let new = after[slot];
            if !self.log.nothing {
                let claimed = self.view.written[layout.writes(id)][nth];
                let expected = if self.log.escrow[index] {
                    new.saturating_sub(self.before[slot])
                } else {
                    new
                };
                if claimed != expected {
                    return Err(Rejection::Written {
                        transaction: self.view.batch.transaction_name(id),
                        place: self.view.batch.place_name(place),
                        written: claimed,
                        expected,
                    });
                }
            }
            if self.log.nothing
                && let Some(found) = self.changes.get(layout.writes(id).start + nth)
                && *found != new.saturating_sub(self.before[slot])
            {
                return Err(Rejection::Change {
                    transaction: self.view.batch.transaction_name(id),
                    place: self.view.batch.place_name(place),
                    found: *found,
                    expected: new.saturating_sub(self.before[slot]),
                });
            }
            self.values[index] = new;
            self.versions[index] += 1;
            if let Some(AssetId(asset)) = self.bounded[index] {
                let sum = &mut self.supply[usize::from(asset)];
                *sum = sum.saturating_add(new - self.before[slot]);
            }
        }
        self.check_supply(id, transaction, shape)
    }

    /// Reads the running values of the places of a transaction.
    fn find(&mut self, transaction: TransactionView<'_>, shape: &Shape) -> Result<(), Rejection> {
        self.before.clear();
        for slot in 0..transaction.group.places.len() {
            let value = match shape.touches(slot) {
                true => self.values[place_of(transaction, slot)?.0 as usize],
                false => 0,
            };
            self.before.push(value);
        }
        Ok(())
    }

    /// What the transaction says it saw is what it found.
    fn check_seen(
        &self,
        id: TransactionId,
        transaction: TransactionView<'_>,
        shape: &Shape,
    ) -> Result<(), Rejection> {
        let slots = self.layout.slots(id);
        let logged = self.view.seen[slots.clone()]
            .iter()
            .zip(&self.view.versions[slots]);
        for (slot, (seen, version)) in logged.enumerate() {
            let nothing = (*seen, *version) == (0, 0);
            if !shape.touches(slot) {
                if !nothing {
                    return Err(Rejection::ForeignAccess {
                        transaction: self.name(id),
                        slot,
                    });
                }
                continue;
            }
            let place = place_of(transaction, slot)?;
            if !self.log.escrow[place.0 as usize] {
                self.check_access(id, place, *seen, *version, shape.writes(slot))?;
            } else if !nothing {
                return Err(Rejection::Logged {
                    transaction: self.name(id),
                    place: self.view.batch.place_name(place),
                });
            }
        }
        Ok(())
    }

    fn check_access(
        &self,
        id: TransactionId,
        place: PlaceId,
        seen: i128,
        version: u32,
        writes: bool,
    ) -> Result<(), Rejection> {
        let index = place.0 as usize;
        if version != self.versions[index] {
            let lost = if writes {
                self.writer_of(place, version, id)
            } else {
                None
            };
            return Err(match lost {
                Some((first, value)) => Rejection::DuplicateVersion {
                    first: self.name(first),
                    second: self.name(id),
                    place: self.view.batch.place_name(place),
                    version,
                    value,
                },
                None => Rejection::Version {
                    transaction: self.name(id),
                    place: self.view.batch.place_name(place),
                    seen: version,
                    expected: self.versions[index],
                },
            });
        }
        if seen != self.values[index] {
            return Err(Rejection::Seen {
                transaction: self.name(id),
                place: self.view.batch.place_name(place),
                seen,
                expected: self.values[index],
            });
        }
        Ok(())
    }

    /// Another transaction that says it wrote over this version of a place, and what it wrote. Only for messages.
    fn writer_of(&self, place: PlaceId, version: u32, not: TransactionId) -> Option<(TransactionId, i128)> {
        (0..self.view.batch.len() as u32)
            .map(TransactionId)
            .find_map(|id| {
                let transaction = self.view.batch.transaction(id).filter(|_| id != not)?;
                let shape = &self.layout.shapes[transaction.group.intent as usize];
                let nth = shape.written_slots.iter().position(|slot| {
                    let slot = usize::from(*slot);
                    place_of(transaction, slot) == Ok(place)
                        && self.view.versions[self.layout.slots(id)][slot] == version
                })?;
                Some((id, self.view.written[self.layout.writes(id)][nth]))
            })
    }

    /// After every transaction the bounded balances of each asset together stay in range.
    fn check_supply(
        &self,
        id: TransactionId,
        transaction: TransactionView<'_>,
        shape: &Shape,
    ) -> Result<(), Rejection> {
        for slot in &shape.written_slots {
            let place = place_of(transaction, usize::from(*slot))?;
            let Some(AssetId(asset)) = self.bounded[place.0 as usize] else {
                continue;
            };
            if self.supply[usize::from(asset)] > MAX_MINOR_UNITS {
                return Err(Rejection::Supply {
                    transaction: self.name(id),
                    asset: self.view.batch.assets[usize::from(asset)].name.to_string(),
                });
            }
        }
        Ok(())
    }

    fn check_end(&self, memory: Option<&[i128]>) -> Result<(), Rejection> {
        for (index, expected) in self.values.iter().enumerate() {
            let place = || self.view.batch.place_name(PlaceId(index as u32));
            let claimed = self.view.final_values[index];
            if claimed != *expected {
                return Err(Rejection::Final {
                    place: place(),
                    claimed,
                    expected: *expected,
                });
            }
            if let Some(found) = memory
                .and_then(|memory| memory.get(index))
                .filter(|v| *v != expected)
            {
                return Err(Rejection::Memory {
                    place: place(),
                    found: *found,
                    expected: *expected,
                });
            }
        }
        Ok(())
    }

    fn name(&self, id: TransactionId) -> String {
        self.view.batch.transaction_name(id)
    }
}

fn place_of(transaction: TransactionView<'_>, slot: usize) -> Result<PlaceId, Rejection> {
    let column = transaction.group.places.get(slot);
    column
        .and_then(|column| column.get(transaction.row))
        .copied()
        .filter(|place| (place.0 as usize) < transaction.batch.places.len())
        .ok_or(Rejection::BadBatch("a place that is not there"))
}

fn fails(batch: &Batch, id: TransactionId, failure: &Failure) -> Rejection {
    let failure = match failure {
        Failure::SameAccount { .. } => "two of its accounts are the same".to_owned(),
        Failure::Guard(n) => format!("condition {} of its guard is false", n + 1),
        Failure::Postcondition(n) => format!("postcondition {} is false", n + 1),
        Failure::Overdraft { value, .. } => format!("a bounded balance would be {value}"),
        Failure::Overflow { .. } => "a value leaves its range".to_owned(),
        Failure::Inexact { value, .. } => format!("{value} is not a whole number"),
        Failure::DivisionByZero(_) => "a division by zero".to_owned(),
        Failure::Malformed => "its intent is not well formed".to_owned(),
    };
    Rejection::Fails {
        transaction: batch.transaction_name(id),
        failure,
    }
}

/// Per asset, the sums over all places of the batch before and after are the same.
pub(crate) fn check_sums(view: &CertificateView<'_>) -> Result<Vec<AssetSum>, Rejection> {
    let before = sums(view.batch, view.initial);
    let after = sums(view.batch, view.final_values);
    let mut result = Vec::with_capacity(before.len());
    for ((asset, before), after) in view.batch.assets.iter().zip(before).zip(after) {
        let show = |sum: &Rational| {
            sum.to_i128()
                .map_or_else(|| sum.to_string(), |n| format_amount(n, asset.scale))
        };
        if before != after {
            return Err(Rejection::NotConserved {
                asset: asset.name.to_string(),
                before: show(&before),
                after: show(&after),
            });
        }
        result.push(AssetSum {
            asset: asset.name.to_string(),
            shown: show(&before),
            minor: before,
        });
    }
    Ok(result)
}

/// Exact sums: a hundred unbounded accounts may hold more together than one number of the machine can.
fn sums(batch: &Batch, values: &[i128]) -> Vec<Rational> {
    let mut sums = vec![Rational::ZERO; batch.assets.len()];
    let mut narrow = vec![0_i128; batch.assets.len()];
    for (index, value) in values.iter().enumerate() {
        let Some(asset) = batch.asset_of(PlaceId(index as u32)) else {
            continue;
        };
        let asset = usize::from(asset.0);
        match narrow[asset].checked_add(*value) {
            Some(sum) => narrow[asset] = sum,
            None => {
                carry(&mut sums[asset], narrow[asset]);
                narrow[asset] = *value;
            }
        }
    }
    for (sum, rest) in sums.iter_mut().zip(narrow) {
        carry(sum, rest);
    }
    sums
}

fn carry(sum: &mut Rational, part: i128) {
    // Sums of numbers of the machine stay far below the width limit of fractions.
    if let Ok(next) = sum.add(&Rational::Int(part)) {
        *sum = next;
    }
}
