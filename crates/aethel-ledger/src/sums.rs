//! The arithmetic of a commit, done again from its entries: every new value, the sum of every asset, who may be below
//! zero.

use crate::error::{LedgerError, Refusal};
use crate::places::{Columns, FieldKey, MAX_MINOR_UNITS, PlaceKey};
use crate::policy::Policy;
use crate::prepare::{Layered, lookup};
use crate::record::Body;
use crate::record_codec::FieldColumn;
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::{AccountName, Amounts};

/// Sums of one field over a batch; of what is no balance they stay zero.
#[derive(Clone, Default)]
struct Sums {
    is_balance: bool,
    entries: i128,
    openings: i128,
    opened: bool,
}

/// Recomputes every new value from the `old` ones and the sum of every asset. Gives `equity:opening` where openings
/// drew on it.
pub(crate) fn check_values(
    store: &dyn Layered,
    body: &Body,
    fields: &FieldColumn<'_>,
    policy: &Policy,
    old: Columns,
) -> Result<Vec<(PlaceKey, i128)>, LedgerError> {
    let mut sums = known_fields(fields, policy)?;
    let mut computed = old.values;
    // Nobody opened what is of version 0.
    let mut versions = old.versions;
    let out_of_range = |i: usize| Refusal::OutOfRange(body.places[i].clone());

    for opening in &body.openings {
        let i = opening.place as usize;
        let account = body.places[i].account.as_str();
        if versions[i] > 0 || account == OPENING_ACCOUNT {
            return Err(Refusal::Malformed("a place is opened twice, or is where openings come from").into());
        }
        versions[i] = 1;
        computed[i] = opening.amount;
        if opening.amount.unsigned_abs() > MAX_MINOR_UNITS.unsigned_abs() {
            return Err(out_of_range(i).into());
        }
        let sum = &mut sums[fields.of[i] as usize];
        if sum.is_balance {
            if opening.amount < 0 && !policy.is_unbounded(account) {
                return Err(Refusal::BelowZero {
                    place: body.places[i].clone(),
                    value: opening.amount,
                }
                .into());
            }
            sum.opened = true;
            sum.openings = sum
                .openings
                .checked_add(opening.amount)
                .ok_or_else(|| out_of_range(i))?;
        }
    }
    let places = &body.entries.place;
    if let [sum] = sums.as_mut_slice()
        && sum.is_balance
    {
        // Mostly there is one asset and nothing else.
        sum.entries = add_up(&mut computed, places, &body.entries.amount).map_err(out_of_range)?;
    } else {
        for (place, amount) in places.iter().zip(body.entries.amount.iter()) {
            let i = *place as usize;
            let sum = &mut sums[fields.of[i] as usize];
            if sum.is_balance {
                sum.entries = sum.entries.checked_add(amount).ok_or_else(|| out_of_range(i))?;
                computed[i] = computed[i].checked_add(amount).ok_or_else(|| out_of_range(i))?;
            } else {
                computed[i] = amount;
            }
        }
    }
    if let Some((sum, field)) = sums.iter().zip(&fields.fields).find(|(sum, _)| sum.entries != 0) {
        return Err(Refusal::NotConserved {
            asset: field.name().clone(),
            sum: sum.entries,
        }
        .into());
    }
    let extra = draw_openings(store, body, fields, &sums, &mut computed)?;
    for (i, place) in body.places.iter().enumerate() {
        let field = fields.fields[fields.of[i] as usize];
        check_place(place, field, versions[i] > 0, computed[i], body.values[i], policy)?;
    }
    Ok(extra)
}

/// Adds amounts to the values of their places and gives the sum of all, or the place whose value does not fit.
fn add_up(values: &mut [i128], places: &[u32], amounts: &Amounts) -> Result<i128, usize> {
    let narrow = narrow_sums(places, amounts, values.len());
    let mut sum = 0_i128;
    let mut add = |i: usize, amount: i128| {
        let added = sum.checked_add(amount).zip(values[i].checked_add(amount));
        (sum, values[i]) = added.ok_or(i)?;
        Ok::<(), usize>(())
    };
    match narrow {
        Some(sums) => sums
            .iter()
            .enumerate()
            .try_for_each(|(i, sum)| add(i, (*sum).into()))?,
        None => places
            .iter()
            .zip(amounts.iter())
            .try_for_each(|(i, amount)| add(*i as usize, amount))?,
    }
    Ok(sum)
}

/// The sum of the amounts of each place; `None` where one does not fit into 64 bits on the way.
fn narrow_sums(places: &[u32], amounts: &Amounts, count: usize) -> Option<Vec<i64>> {
    let Amounts::Narrow(amounts) = amounts else {
        return None;
    };
    let mut sums = vec![0_i64; count];
    let mut too_wide = false;
    for (place, amount) in places.iter().zip(amounts) {
        let sum = sums.get_mut(*place as usize)?;
        let (added, wide) = sum.overflowing_add(*amount);
        *sum = added;
        too_wide |= wide;
    }
    (!too_wide).then_some(sums)
}

/// The fields of a batch, all of which the policy knows.
fn known_fields(fields: &FieldColumn<'_>, policy: &Policy) -> Result<Vec<Sums>, Refusal> {
    let known = |field: &&FieldKey| match (policy.knows(field), field) {
        (true, field) => Ok(Sums {
            is_balance: field.asset().is_some(),
            ..Sums::default()
        }),
        (false, FieldKey::Balance { asset }) => Err(Refusal::UnknownAsset(asset.clone())),
        (false, field) => Err(Refusal::UnknownField(field.name().clone())),
    };
    fields.fields.iter().map(known).collect()
}

/// Takes what openings brought in from `equity:opening`, so that each asset still sums to zero. Where the batch
/// lists that account itself, the value there is adjusted; elsewhere it is returned as an extra place.
fn draw_openings(
    store: &dyn Layered,
    body: &Body,
    fields: &FieldColumn<'_>,
    sums: &[Sums],
    computed: &mut [i128],
) -> Result<Vec<(PlaceKey, i128)>, LedgerError> {
    let drawn: Vec<(&Sums, &FieldKey)> = sums
        .iter()
        .zip(fields.fields.iter().copied())
        .filter(|(sum, _)| sum.opened)
        .collect();
    if drawn.is_empty() {
        return Ok(Vec::new());
    }
    let account = AccountName::new(OPENING_ACCOUNT)
        .map_err(|_| Refusal::Malformed("the account of openings has no name"))?;
    let places: Vec<PlaceKey> = drawn
        .iter()
        .map(|(_, field)| PlaceKey {
            account: account.clone(),
            field: (*field).clone(),
        })
        .collect();
    let mut extra = Vec::new();
    let (_, old) = lookup(store, &places)?;
    for ((place, (sum, _)), old) in places.into_iter().zip(drawn).zip(old.values) {
        let listed = body.places.iter().position(|p| *p == place);
        let before = listed.map_or(old, |i| computed[i]);
        let value = before
            .checked_sub(sum.openings)
            .filter(|value| value.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs())
            .ok_or_else(|| Refusal::OutOfRange(place.clone()))?;
        match listed {
            Some(i) => computed[i] = value,
            None => extra.push((place, value)),
        }
    }
    Ok(extra)
}

/// `field` is that of the place: looking at one of a few is quicker than at one of each place.
fn check_place(
    place: &PlaceKey,
    field: &FieldKey,
    open: bool,
    computed: i128,
    stated: i128,
    policy: &Policy,
) -> Result<(), Refusal> {
    if computed != stated {
        return Err(Refusal::WrongValue {
            place: place.clone(),
            computed,
            stated,
        });
    }
    if !field.can_hold(computed) {
        return Err(Refusal::OutOfRange(place.clone()));
    }
    // Looking up the account comes last: hardly any place needs it.
    if field.asset().is_some() && (!open || computed < 0) && !policy.is_unbounded(place.account.as_str()) {
        return Err(match open {
            false => Refusal::NotOpen(place.clone()),
            true => Refusal::BelowZero {
                place: place.clone(),
                value: computed,
            },
        });
    }
    Ok(())
}
