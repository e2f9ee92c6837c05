//! The serial run that a certificate claims, transaction by transaction, evaluated again.

use crate::check::Log;
use crate::escrow::Changes;
use crate::format::CertificateView;
use crate::kinds::{Kind, Kinds};
use crate::layout::{Layout, Shape};
use crate::rejection::Rejection;
use aethel_ir::{
    AssetId, Batch, Evaluator, Failure, MAX_MINOR_UNITS, PlaceId, TransactionId, TransactionView,
};

/// The state of the serial run as the check goes along.
#[derive(Clone)]
pub(crate) struct Running<'a> {
    view: &'a CertificateView<'a>,
    layout: &'a Layout,
    log: &'a Log,
    /// The changes in memory, compared where nothing is logged.
    changes: Changes<'a>,
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
    /// Before the first transaction; `elsewhere` is, per asset, what bounded balances outside the batch hold together.
    pub fn new(
        view: &'a CertificateView<'a>,
        layout: &'a Layout,
        log: &'a Log,
        kinds: &Kinds<'_>,
        elsewhere: &[i128],
        changes: Changes<'a>,
    ) -> Self {
        let mut supply = elsewhere.to_vec();
        supply.resize(view.batch.assets.len(), 0);
        let asset = |kind: Kind| kind.asset.filter(|_| kind.bounded);
        let places = 0..view.batch.places.len();
        let bounded: Vec<_> = places.map(|place| asset(kinds.of(place))).collect();
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
            changes,
            evaluator: Evaluator::default(),
            before: Vec::new(),
            values: view.initial.to_vec(),
            versions: vec![0; view.initial.len()],
            bounded,
            supply,
        }
    }

    /// One transaction: it saw exactly the running values, it goes through, and it wrote what its intent gives.
    pub fn step(&mut self, id: TransactionId) -> Result<(), Rejection> {
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
                && found != new.saturating_sub(self.before[slot])
            {
                return Err(Rejection::Change {
                    transaction: self.view.batch.transaction_name(id),
                    place: self.view.batch.place_name(place),
                    found,
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

    /// Whether the log says what every transaction wrote, so that [`Running::skip`] knows.
    pub fn can_skip(&self) -> bool {
        !self.log.nothing || !self.changes.is_empty() || self.layout.total_writes() == 0
    }

    /// One transaction that somebody else checks: takes over what it is logged to have written.
    pub fn skip(&mut self, id: TransactionId) -> Result<(), Rejection> {
        let bad_batch = Rejection::BadBatch("a transaction of an unknown group or intent");
        let transaction = self.view.batch.transaction(id).ok_or(bad_batch)?;
        let shape = &self.layout.shapes[transaction.group.intent as usize];
        let logged = if self.log.nothing {
            self.changes
        } else {
            Changes::Wide(self.view.written)
        };
        for (slot, at) in shape.written_slots.iter().zip(self.layout.writes(id)) {
            let logged = logged
                .get(at)
                .ok_or(Rejection::BadBatch("a log that is too short"))?;
            let index = place_of(transaction, usize::from(*slot))?.0 as usize;
            let old = self.values[index];
            let changes = self.log.nothing || self.log.escrow[index];
            let new = if changes {
                old.saturating_add(logged)
            } else {
                logged
            };
            self.values[index] = new;
            self.versions[index] += 1;
            if let Some(AssetId(asset)) = self.bounded[index] {
                let sum = &mut self.supply[usize::from(asset)];
                *sum = sum.saturating_add(new.saturating_sub(old));
            }
        }
        Ok(())
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

    /// After the last transaction: every place holds what is claimed, and memory too.
    pub fn check_end(&self, memory: Option<&[i128]>) -> Result<(), Rejection> {
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
