//! Escrow: which places of a batch may be accessed in any order.
//!
//! Takes a batch, how its intents treat their places ([`Access`]) and the values before. Gives a [`Settlement`]: for
//! each place whether its accesses need an order, and the sums that say why. It is theorem T3 of the documentation
//! (after P. O'Neil, "The Escrow Transactional Method", ACM TODS 11(4), 1986), for deltas and bounds that are known
//! before the batch runs: on a place whose every access adds something that does not depend on it, `D` what all debits
//! take, `C` what all credits bring, `s` what a transaction must find left after its own debit:
//!
//! `before - D >= every s` and `before + C <= MAX`  ⇒  in every order every bound holds, and the place ends at
//! `before + C - D`.
//!
//! Intents that are sums are summed column by column ([`columns`](self)); others are evaluated once, from the values
//! before, which is the same since their deltas do not depend on the place.

mod changes;
mod columns;
mod evaluated;
mod part;
mod sums;
mod table;

pub use changes::Changes;

pub(crate) use columns::{Summed, Task};
pub(crate) use sums::Sums;
pub(crate) use table::{Ended, Plain, Table};

use crate::kinds::Kinds;
use crate::workers::{Alone, Workers};
use aethel_ir::{Access, Batch, Class, Column, Group, Lane, PlaceId, SlotAccess};

/// Whether the accesses to a place need an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Nobody writes it.
    Unwritten,
    /// Any order gives the same result.
    Escrow,
    /// Batch order.
    Ordered(Reason),
}

/// Why accesses need an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Some access does more than add to it, or a condition on it is no lower bound.
    NotAdditive,
    /// In some order a bound would not hold, or there would be less than is allowed.
    TooLittle,
    /// In some order there would be more than an account can hold.
    TooMuch,
    /// A change or a bound could not be computed beforehand.
    NotComputed,
}

/// How the places of a batch are accessed.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// For each place.
    pub places: Vec<Treatment>,
    /// For each place, the sums behind its treatment; they mean something where it is written and only added to.
    sums: AllSums,
    /// Some place is in escrow.
    some: bool,
    /// No place needs an order.
    any_order: bool,
    /// What all places hold before and everything that is credited come to no more than this, and none is below zero.
    most: Option<i128>,
}

/// The sums of all places, in the width that they fit in.
#[derive(Clone, Debug)]
enum AllSums {
    Narrow(Table<i64>),
    Wide(Table<i128>),
}

impl Settlement {
    fn new(places: Vec<Treatment>, sums: AllSums) -> Self {
        let ordered = |place: &Treatment| matches!(place, Treatment::Ordered(_));
        Self {
            some: places.contains(&Treatment::Escrow),
            any_order: !places.iter().any(ordered),
            places,
            sums,
            most: None,
        }
    }

    /// What all places hold before and all credits together, in the smallest units of whatever it is, where that is known
    /// and no place is below zero in any order. Nothing that the batch touches can ever be more.
    pub fn most(&self) -> Option<i128> {
        self.most
    }

    /// Whether the transactions of the batch may run in any order at all, as far as places go.
    pub fn any_order(&self) -> bool {
        self.any_order
    }

    /// Whether some place is in escrow.
    pub fn has_escrow(&self) -> bool {
        self.some
    }

    /// Where a place in escrow ends, in whatever order the accesses come; `None` for any other place.
    pub fn end(&self, place: PlaceId, before: i128) -> Option<i128> {
        let index = place.0 as usize;
        if self.places.get(index) != Some(&Treatment::Escrow) {
            return None;
        }
        match &self.sums {
            AllSums::Narrow(sums) => sums.get(index)?.end(before),
            AllSums::Wide(sums) => sums.get(index)?.end(before),
        }
    }

    /// The escrow places, ascending.
    pub fn escrow(&self) -> Vec<PlaceId> {
        if self
            .places
            .iter()
            .fold(true, |all, place| all & (*place == Treatment::Escrow))
        {
            return (0..self.places.len() as u32).map(PlaceId).collect();
        }
        // Each place is written down, and the next over it unless it is one: no branch to guess wrong.
        let mut escrow = vec![PlaceId(0); self.places.len()];
        let mut count = 0;
        for (place, treatment) in (0_u32..).zip(&self.places) {
            if let Some(next) = escrow.get_mut(count) {
                *next = PlaceId(place);
            }
            count += usize::from(*treatment == Treatment::Escrow);
        }
        escrow.truncate(count);
        escrow
    }
}

/// Decides for each place of a batch whether its accesses need an order. `access` holds one entry for each intent (of
/// one that is missing, everything needs an order); `initial` the value of each place before.
pub fn settle(batch: &Batch, access: &[Access], initial: &[i128]) -> Settlement {
    settle_with(batch, access, initial, &Alone)
}

/// [`settle`] by several workers.
pub fn settle_with(batch: &Batch, access: &[Access], initial: &[i128], workers: &dyn Workers) -> Settlement {
    let task = Task {
        batch,
        accesses: access,
        initial,
        claims: None,
    };
    let whole = initial.len() == batch.places.len();
    let narrow = || task.sum::<i64>(workers).map(|summed| summed.sums);
    if whole && task.is_linear() && only_adds(batch, access) {
        // Whatever is written is only added to: the sums say which places that are.
        if let Some(sums) = narrow() {
            return settled(batch, sums, initial);
        }
    }
    let mut places = candidates(batch, access);
    if !whole || !places.contains(&Treatment::Escrow) {
        return not_computed(places);
    }
    let sums = match task.is_linear().then(narrow).flatten() {
        Some(sums) => AllSums::Narrow(sums),
        None => match task.sum_any(workers) {
            Some(sums) => AllSums::Wide(sums),
            None => return not_computed(places),
        },
    };
    let candidate = |index: usize| places.get(index) == Some(&Treatment::Escrow);
    let decided = match &sums {
        AllSums::Narrow(sums) => decide(batch, sums, initial, |index, _| candidate(index)),
        AllSums::Wide(sums) => decide(batch, sums, initial, |index, _| candidate(index)),
    };
    for (place, decided) in places.iter_mut().zip(decided) {
        if *place == Treatment::Escrow {
            *place = decided;
        }
    }
    Settlement::new(places, sums)
}

/// The settlement of a batch in which whatever is written is only added to.
fn settled(batch: &Batch, sums: Table<i64>, initial: &[i128]) -> Settlement {
    // Where no sum goes below zero, it does not matter who may.
    let plain = sums.plain();
    let mut places = Vec::with_capacity(initial.len());
    let mut some = false;
    let treat = |ended: Ended<'_>| {
        let written = ended
            .debit
            .iter()
            .zip(ended.credit)
            .map(|(debit, credit)| debit | credit);
        places.extend(written.map(|sums| {
            some |= sums != 0;
            match sums != 0 {
                true => Treatment::Escrow,
                false => Treatment::Unwritten,
            }
        }));
        Some(())
    };
    if let Some(total) = plain.and_then(|plain| plain.ends(initial, treat)) {
        return Settlement {
            places,
            some,
            any_order: true,
            most: total.before.checked_add(total.credit.into()),
            sums: AllSums::Narrow(sums),
        };
    }
    let places = decide(batch, &sums, initial, |_, sums| sums.written);
    Settlement::new(places, AllSums::Narrow(sums))
}

/// The candidates, of which no sums are known, are kept in order.
fn not_computed(mut places: Vec<Treatment>) -> Settlement {
    for place in &mut places {
        if *place == Treatment::Escrow {
            *place = Treatment::Ordered(Reason::NotComputed);
        }
    }
    Settlement::new(places, AllSums::Wide(Table::default()))
}

/// Whether the intents of all groups do nothing but add to places, by changes and bounds that depend on no place.
fn only_adds(batch: &Batch, access: &[Access]) -> bool {
    batch.groups.iter().all(|group| {
        let access = access.get(group.intent as usize);
        let adds = |slot: &SlotAccess| slot.class == Class::Add && slot.needs.is_empty();
        access.is_some_and(|access| access.slots.iter().all(adds))
    })
}

/// The sums decide about the candidates; other places count as not written.
fn decide<N: Lane>(
    batch: &Batch,
    sums: &Table<N>,
    initial: &[i128],
    candidate: impl Fn(usize, &Sums<N>) -> bool,
) -> Vec<Treatment> {
    let kinds = Kinds::new(batch);
    let rows = sums.iter().zip(initial).enumerate();
    rows.map(|(index, (sums, before))| {
        if candidate(index, &sums) {
            let verdict = sums.suffice(kinds.of(index).bounded, *before);
            verdict.map_or_else(Treatment::Ordered, |()| Treatment::Escrow)
        } else {
            Treatment::Unwritten
        }
    })
    .collect()
}

/// The places that are written, only added to, and bounded only by what nobody writes; the sums decide about them.
fn candidates(batch: &Batch, access: &[Access]) -> Vec<Treatment> {
    let mut written = vec![false; batch.places.len()];
    let mut general = vec![false; batch.places.len()];
    let of = |group: &Group| access.get(group.intent as usize);
    for group in &batch.groups {
        for (slot, column) in group.places.iter().enumerate() {
            let Some(slot) = of(group).and_then(|access| access.slot(slot)) else {
                // Nothing is known about it.
                each_place(group, column, &mut |place| {
                    mark(&mut written, place);
                    mark(&mut general, place);
                });
                continue;
            };
            if slot.effect.is_some() {
                each_place(group, column, &mut |place| mark(&mut written, place));
            }
            if slot.class != Class::Add {
                each_place(group, column, &mut |place| mark(&mut general, place));
            }
        }
    }
    for group in &batch.groups {
        let Some(access) = of(group) else { continue };
        for (slot, column) in access.slots.iter().zip(&group.places) {
            for need in &slot.needs {
                for row in 0..group.rows {
                    let needed = group.places.get(usize::from(need.0)).and_then(|c| c.get(row));
                    let frozen = needed.is_some_and(|place| !written[place.0 as usize]);
                    if let (false, Some(place)) = (frozen, column.get(row)) {
                        mark(&mut general, *place);
                    }
                }
            }
        }
    }
    written
        .into_iter()
        .zip(general)
        .map(|(written, general)| match (written, general) {
            (false, _) => Treatment::Unwritten,
            (true, false) => Treatment::Escrow,
            (true, true) => Treatment::Ordered(Reason::NotAdditive),
        })
        .collect()
}

fn mark(flags: &mut [bool], place: PlaceId) {
    if let Some(flag) = flags.get_mut(place.0 as usize) {
        *flag = true;
    }
}

/// Every place that a column names, at least once.
fn each_place(group: &Group, column: &Column<PlaceId>, found: &mut impl FnMut(PlaceId)) {
    match column {
        Column::Same(place) if group.rows > 0 => found(*place),
        Column::Same(_) => {}
        Column::Each(places) => places.iter().for_each(|place| found(*place)),
    }
}
