//! A batch as sums: what it needs at the start, and by how much it changes each asset, in one pass without a solver.

use aethel_ir::access::{Access, Class, Linear};
use aethel_ir::{Batch, PlaceId, Rational, TransactionId, TransactionView, Value};

/// What the sums say of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// The least balance at the start with which every condition on the place holds in batch order, for each place that
    /// needs one above zero and that the batch only adds to and takes from; exact for each of them.
    pub needs: Vec<(PlaceId, i128)>,
    /// By how much each asset changes, when that depends on nothing but the arguments.
    pub gains: Option<Vec<i128>>,
}

/// A place while the batch is added up.
#[derive(Clone, Copy, Default)]
struct Running {
    sum: i128,
    need: i128,
    /// Something depends on the place in another way, or a number is not known.
    unclear: bool,
}

/// Adds up a batch; `unknown` says whether an argument (group and parameter) is only known when it runs.
pub fn add_up(batch: &Batch, order: &[TransactionId], unknown: &dyn Fn(u32, u16) -> bool) -> Sums {
    let intents: Vec<Access> = (batch.intents.iter())
        .map(|intent| Access::of(intent, &batch.fields))
        .collect();
    let mut places = vec![Running::default(); batch.places.len()];
    let mut gains = Some(vec![0_i128; batch.assets.len()]);
    for id in order {
        let Some(view) = batch.transaction(*id) else {
            continue;
        };
        let group = batch.transactions.get(id.0 as usize).map_or(0, |one| one.group);
        let access = intents.get(view.group.intent as usize);
        let linear = access.and_then(|access| access.linear.as_ref());
        let step = Step {
            batch,
            view,
            group,
            unknown,
        };
        let added = linear.and_then(|linear| step.add(linear, &mut places));
        gains = gains.zip(added).and_then(|(gains, added)| {
            let mut sums = gains;
            for (asset, gain) in added {
                let sum = sums.get_mut(asset)?;
                *sum = sum.checked_add(gain)?;
            }
            Some(sums)
        });
        for (n, column) in view.group.places.iter().enumerate() {
            let adds = access
                .and_then(|access| access.slots.get(n))
                .is_some_and(|slot| slot.class == Class::Add);
            if let (true, Some(place)) = (!adds || linear.is_none(), step.place(column, &mut places)) {
                place.unclear = true;
            }
        }
    }
    let needs = places
        .iter()
        .enumerate()
        .filter(|(_, place)| !place.unclear && place.need > 0);
    Sums {
        needs: needs.map(|(n, place)| (PlaceId(n as u32), place.need)).collect(),
        gains,
    }
}

struct Step<'a> {
    batch: &'a Batch,
    view: TransactionView<'a>,
    group: u32,
    unknown: &'a dyn Fn(u32, u16) -> bool,
}

impl Step<'_> {
    fn place<'p>(
        &self,
        column: &aethel_ir::Column<PlaceId>,
        places: &'p mut [Running],
    ) -> Option<&'p mut Running> {
        places.get_mut(column.get(self.view.row)?.0 as usize)
    }

    fn value(&self, n: u16) -> Option<i128> {
        if (self.unknown)(self.group, n) {
            return None;
        }
        match self.view.group.values.get(usize::from(n))?.get(self.view.row)? {
            Value::Number(Rational::Int(whole)) => Some(whole),
            _ => None,
        }
    }

    /// Adds one transaction; gives the change of each asset, or `None` when it depends on more than the arguments.
    fn add(&self, linear: &Linear, places: &mut [Running]) -> Option<Vec<(usize, i128)>> {
        let value = |n: u16| self.value(n);
        for (slot, least, if_bounded) in &linear.bounds {
            let column = self.view.group.places.get(usize::from(slot.0))?;
            let tested = if_bounded.is_none_or(|slot| {
                let column = self.view.group.places.get(usize::from(slot.0));
                let place = column.and_then(|column| column.get(self.view.row));
                place.is_some_and(|place| self.batch.is_bounded(*place))
            });
            let least = least.at(value, |_| None);
            let place = self.place(column, places)?;
            match least.and_then(|least| least.checked_sub(place.sum)) {
                Some(need) if tested => place.need = place.need.max(need),
                Some(_) => {}
                None => place.unclear = true,
            }
        }
        let mut gains = Some(Vec::with_capacity(linear.deltas.len()));
        for (slot, delta) in &linear.deltas {
            let column = self.view.group.places.get(usize::from(slot.0))?;
            let id = *column.get(self.view.row)?;
            let delta = delta.at(value, |_| None);
            let place = self.place(column, places)?;
            match delta.and_then(|delta| place.sum.checked_add(delta)) {
                Some(sum) => {
                    place.sum = sum;
                    if self.batch.is_bounded(id) {
                        place.need = place.need.max(sum.checked_neg()?);
                    }
                }
                None => place.unclear = true,
            }
            if let Some(asset) = self.batch.asset_of(id) {
                gains = gains.zip(delta).map(|(mut gains, delta)| {
                    gains.push((usize::from(asset.0), delta));
                    gains
                });
            }
        }
        gains
    }
}
