//! The bytes of a certificate, column by column.
//!
//! After the magic text and the version: the tables of the batch in postcard; its places (nothing, where the nth is the
//! first field of the nth account); its groups; its transactions as stretches of rows; its items; then the columns of
//! the run. What follows from the rest is not written: which places a group's accounts are, and positions where they are
//! those of the source.
//!
//! Whoever reads foreign bytes makes room for what is there: a stretch of several rows must belong to a group with a
//! column of at least so many values, and no row is named twice.

use crate::bytes::{Read, Reader, Writer};
use crate::format::{Certificate, CertificateView, DecodeError};
use aethel_ir::batch::Stretch;
use aethel_ir::{
    AccountId, AccountName, Asset, Batch, BatchItem, Column, Field, FieldId, Group, Intent, Names, PlaceId,
    TransactionRef, ValueColumn, Wholes,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Places are not written row by row: so many may follow from each byte, which is more than the fields of an account.
const MOST_SLOTS_A_BYTE: usize = 64;

/// Appends a certificate.
pub(crate) fn write(out: &mut Writer, view: &CertificateView<'_>) -> Result<(), DecodeError> {
    write_batch(out, view.batch)?;
    out.signeds(view.initial);
    out.signeds(view.final_values);
    let in_order = view.positions.len() == view.batch.len()
        && (0_u32..)
            .zip(view.positions)
            .all(|(id, position)| id == *position);
    out.numbers(if in_order { &[] } else { view.positions });
    let escrow: Vec<u32> = runs(view.escrow).flatten().collect();
    out.numbers(&escrow);
    out.signeds(view.seen);
    out.numbers(view.versions);
    out.signeds(view.written);
    out.value(&(view.way, view.solver, view.lemmas))
}

/// Reads a certificate. The batch inside may still be badly formed.
pub(crate) fn read(input: &mut Reader<'_>) -> Read<Certificate> {
    let batch = read_batch(input)?;
    let initial = input.signeds()?;
    let final_values = input.signeds()?;
    let positions = match input.numbers()? {
        positions if positions.is_empty() => (0..batch.transactions.len() as u32).collect(),
        positions => positions,
    };
    let escrow = read_runs(&input.numbers()?, batch.places.len())?;
    let seen = input.signeds()?;
    let versions = input.numbers()?;
    let written = input.signeds()?;
    let (way, solver, lemmas) = input.value()?;
    Ok(Certificate {
        batch,
        initial,
        final_values,
        positions,
        escrow,
        seen,
        versions,
        written,
        way,
        solver,
        lemmas,
    })
}

/// Ascending places as first and how many.
fn runs(places: &[PlaceId]) -> impl Iterator<Item = [u32; 2]> + '_ {
    let runs = places.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0));
    runs.filter_map(|run| run.first().map(|first| [first.0, run.len() as u32]))
}

fn read_runs(numbers: &[u32], places: usize) -> Read<Vec<PlaceId>> {
    let mut found: Vec<PlaceId> = Vec::new();
    let mut next = 0_u64;
    let (pairs, rest) = numbers.as_chunks::<2>();
    for [first, count] in pairs {
        let (first, end) = (u64::from(*first), u64::from(*first) + u64::from(*count));
        if first < next || end > places as u64 || !rest.is_empty() {
            return Err(DecodeError::Damaged(
                "places in escrow that are not there, or not ascending".to_owned(),
            ));
        }
        next = end;
        found.extend((first as u32..end as u32).map(PlaceId));
    }
    Ok(found)
}

fn write_batch(out: &mut Writer, batch: &Batch) -> Result<(), DecodeError> {
    out.value(&(&batch.name, &batch.assets, &batch.fields, &batch.accounts))?;
    let unbounded: Vec<u32> = (0_u32..)
        .zip(&batch.unbounded)
        .filter(|(_, unbounded)| **unbounded)
        .map(|(account, _)| account)
        .collect();
    out.numbers(&unbounded);
    let plain = batch.places.len() == batch.accounts.len()
        && (0_u32..)
            .zip(&batch.places)
            .all(|(n, place)| *place == (AccountId(n), FieldId(0)));
    if plain {
        out.number(0);
    } else {
        out.number(1);
        out.numbers_of(&batch.places, |(account, _)| account.0);
        out.numbers_of(&batch.places, |(_, field)| u32::from(field.0));
    }
    out.value(&batch.intents)?;
    out.number(batch.groups.len() as u64);
    for group in &batch.groups {
        write_group(out, group)?;
    }
    let mut stretches: Vec<u32> = Vec::new();
    for Stretch {
        group, row, count, ..
    } in batch.stretches(0..batch.len())
    {
        if batch.groups.get(group as usize).is_some_and(is_backed) {
            stretches.extend([group, row, count]);
        } else {
            (row..row + count).for_each(|row| stretches.extend([group, row, 1]));
        }
    }
    out.numbers(&stretches);
    out.value(&batch.items)
}

/// Whether some column has a value for each row, so that its rows take bytes.
fn is_backed(group: &Group) -> bool {
    let accounts = group
        .accounts
        .iter()
        .any(|column| matches!(column, Column::Each(_)));
    accounts
        || group
            .values
            .iter()
            .any(|column| matches!(column, ValueColumn::Whole(Wholes::Each(_))))
}

fn read_batch(input: &mut Reader<'_>) -> Read<Batch> {
    type Tables = (Arc<str>, Vec<Asset>, Vec<Field>, Vec<AccountName>);
    let (name, assets, fields, accounts): Tables = input.value()?;
    let mut unbounded = vec![false; accounts.len()];
    for account in input.numbers()? {
        match unbounded.get_mut(account as usize) {
            Some(flag) => *flag = true,
            None => return Err(DecodeError::BadBatch("an unbounded account that is not there")),
        }
    }
    let places: Vec<(AccountId, FieldId)> = match input.number()? {
        0 => (0..accounts.len() as u32)
            .map(|n| (AccountId(n), FieldId(0)))
            .collect(),
        1 => {
            let (of, fields) = (input.numbers()?, input.numbers()?);
            if of.len() != fields.len() {
                return Err(DecodeError::BadBatch("places without an account or a field"));
            }
            let field = |field: u32| {
                u16::try_from(field).map_err(|_| DecodeError::BadBatch("a place of an unknown field"))
            };
            let pairs = of.into_iter().zip(fields);
            pairs
                .map(|(account, of)| Ok((AccountId(account), FieldId(field(of)?))))
                .collect::<Read<_>>()?
        }
        _ => return Err(DecodeError::Damaged("places of an unknown kind".to_owned())),
    };
    let intents: Vec<Intent> = input.value()?;
    let numbers = Places::new(&places, accounts.len());
    let mut room = input.0.len().saturating_mul(MOST_SLOTS_A_BYTE);
    let mut groups = Vec::new();
    for _ in 0..input.count()? {
        groups.push(read_group(input, &intents, &numbers, &mut room)?);
    }
    let transactions = read_transactions(&input.numbers()?, &groups)?;
    let items: Vec<BatchItem> = input.value()?;
    Ok(Batch {
        name,
        assets,
        fields,
        accounts,
        unbounded,
        places,
        intents,
        groups,
        transactions,
        items,
    })
}

/// The number of each place.
enum Places {
    /// The nth is the first field of the nth account, and there are so many.
    Plain(usize),
    By(HashMap<(AccountId, FieldId), PlaceId>),
}

impl Places {
    fn new(places: &[(AccountId, FieldId)], accounts: usize) -> Self {
        let plain = places.len() == accounts
            && (0_u32..)
                .zip(places)
                .all(|(n, place)| *place == (AccountId(n), FieldId(0)));
        match plain {
            true => Places::Plain(accounts),
            false => Places::By(
                (0_u32..)
                    .map(PlaceId)
                    .zip(places)
                    .map(|(id, place)| (*place, id))
                    .collect(),
            ),
        }
    }

    fn find(&self, account: AccountId, field: FieldId) -> Read<PlaceId> {
        let found = match self {
            Places::Plain(count) if field == FieldId(0) && (account.0 as usize) < *count => {
                Some(PlaceId(account.0))
            }
            Places::Plain(_) => None,
            Places::By(places) => places.get(&(account, field)).copied(),
        };
        found.ok_or(DecodeError::BadBatch(
            "an account in a column whose place is not there",
        ))
    }
}

fn write_group(out: &mut Writer, group: &Group) -> Result<(), DecodeError> {
    out.value(&(group.intent, group.rows, &group.names))?;
    out.number(group.accounts.len() as u64);
    for column in &group.accounts {
        match column {
            Column::Same(account) => {
                out.number(0);
                out.number(u64::from(account.0));
            }
            Column::Each(accounts) => {
                out.number(1);
                out.numbers_of(accounts, |account| account.0);
            }
        }
    }
    out.number(group.values.len() as u64);
    for column in &group.values {
        match column {
            ValueColumn::Whole(Wholes::Same(value)) => {
                out.number(0);
                out.signed(*value);
            }
            ValueColumn::Whole(Wholes::Each(numbers)) => {
                out.number(1);
                match (numbers.narrow(), numbers.wide()) {
                    (Some(narrow), _) => out.signeds(narrow.values),
                    (None, wide) => out.signeds(wide.unwrap_or_default()),
                }
            }
            other => {
                out.number(2);
                out.value(other)?;
            }
        }
    }
    Ok(())
}

fn read_group(input: &mut Reader<'_>, intents: &[Intent], places: &Places, room: &mut usize) -> Read<Group> {
    let (intent, rows, names): (u32, u32, Names) = input.value()?;
    let mut accounts = Vec::new();
    for _ in 0..input.count()? {
        accounts.push(match input.number()? {
            0 => Column::Same(AccountId(input.small()?)),
            1 => Column::Each(input.numbers()?.into_iter().map(AccountId).collect()),
            _ => return Err(DecodeError::Damaged("a column of an unknown kind".to_owned())),
        });
    }
    let mut values = Vec::new();
    for _ in 0..input.count()? {
        values.push(match input.number()? {
            0 => ValueColumn::Whole(Wholes::Same(input.signed()?)),
            1 => ValueColumn::Whole(input.signeds()?.into()),
            2 => input.value()?,
            _ => return Err(DecodeError::Damaged("a column of an unknown kind".to_owned())),
        });
    }
    let of = intents
        .get(intent as usize)
        .map_or(&[][..], |intent| &intent.places);
    let rows_of = |place: &aethel_ir::Place| match accounts.get(usize::from(place.account)) {
        Some(Column::Each(accounts)) => accounts.len(),
        _ => 1,
    };
    *room = (room.checked_sub(of.iter().map(rows_of).sum())).ok_or(DecodeError::BadBatch(
        "an intent with more places than its rows can have",
    ))?;
    let column = |place: &aethel_ir::Place| match accounts.get(usize::from(place.account)) {
        Some(Column::Same(account)) => Ok(Column::Same(places.find(*account, place.field)?)),
        Some(Column::Each(accounts)) => {
            let found = accounts.iter().map(|account| places.find(*account, place.field));
            Ok(Column::Each(found.collect::<Read<_>>()?))
        }
        None => Err(DecodeError::BadBatch("a place of an unknown parameter")),
    };
    let places = of.iter().map(column).collect::<Read<_>>()?;
    Ok(Group {
        intent,
        rows,
        names,
        accounts,
        places,
        values,
        origin: None,
        call: None,
    })
}

fn read_transactions(numbers: &[u32], groups: &[Group]) -> Read<Vec<TransactionRef>> {
    let bad = Err(DecodeError::BadBatch("transactions of rows that are not there"));
    let mut left: Vec<u64> = groups.iter().map(|group| u64::from(group.rows)).collect();
    let mut transactions = Vec::new();
    let (stretches, rest) = numbers.as_chunks::<3>();
    if !rest.is_empty() {
        return bad;
    }
    for [group, row, count] in stretches {
        let (Some(of), Some(left)) = (groups.get(*group as usize), left.get_mut(*group as usize)) else {
            return bad;
        };
        let end = row.checked_add(*count);
        let held = *count <= 1 || holds_rows(of, end);
        let Some((rest, end)) = left.checked_sub(u64::from(*count)).zip(end.filter(|_| held)) else {
            return bad;
        };
        *left = rest;
        transactions.extend((*row..end).map(|row| TransactionRef { group: *group, row }));
    }
    Ok(transactions)
}

/// Whether some column that was read has so many rows.
fn holds_rows(group: &Group, end: Option<u32>) -> bool {
    let Some(end) = end.map(|end| end as usize) else {
        return false;
    };
    let accounts = group
        .accounts
        .iter()
        .any(|column| matches!(column, Column::Each(rows) if rows.len() >= end));
    let whole =
        |column: &ValueColumn| matches!(column, ValueColumn::Whole(Wholes::Each(rows)) if rows.len() >= end);
    accounts || group.values.iter().any(whole)
}
