//! Values written since a checkpoint, laid over it: a directory that gives each place a number, and columns by number.

use crate::places::{Columns, FieldKey, PlaceKey, Versioned};
use crate::record::Body;
use crate::store::Rows;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Instead of the number of a place that is not there.
pub(crate) const MISSING: u32 = u32::MAX;

/// The places that recent records wrote, with their latest values.
#[derive(Default)]
pub(crate) struct Tail {
    /// Seeded at random, since names come from outside.
    hasher: DefaultHashBuilder,
    numbers: HashTable<u32>,
    keys: Vec<PlaceKey>,
    values: Vec<i128>,
    versions: Vec<u64>,
}

/// What many places in a row have in common: hashing a field once is enough.
struct Field<'a> {
    last: Option<(&'a FieldKey, u64)>,
}

impl<'a> Field<'a> {
    fn hash(&mut self, hasher: &DefaultHashBuilder, field: &'a FieldKey) -> u64 {
        match self.last {
            Some((last, hash)) if last.is_same(field) => hash,
            _ => {
                let hash = hasher.hash_one((field.tag(), &**field.name()));
                self.last = Some((field, hash));
                hash
            }
        }
    }
}

fn same_place(a: &PlaceKey, b: &PlaceKey) -> bool {
    a.account == b.account && a.field.is_same(&b.field)
}

impl Tail {
    fn hash<'a>(&self, field: &mut Field<'a>, place: &'a PlaceKey) -> u64 {
        self.hasher.hash_one(place.account.as_str()) ^ field.hash(&self.hasher, &place.field)
    }

    fn number(&self, hash: u64, place: &PlaceKey) -> u32 {
        let known = |number: &u32| same_place(&self.keys[*number as usize], place);
        self.numbers.find(hash, known).copied().unwrap_or(MISSING)
    }

    /// The number of each place, [`MISSING`] for those that are not here.
    pub(crate) fn find(&self, places: &[PlaceKey]) -> Vec<u32> {
        let mut field = Field { last: None };
        let number = |place| self.number(self.hash(&mut field, place), place);
        match self.keys.is_empty() {
            true => vec![MISSING; places.len()],
            false => places.iter().map(number).collect(),
        }
    }

    /// The values behind numbers that [`Tail::find`] gave; zero and version 0 for [`MISSING`].
    pub(crate) fn columns(&self, numbers: &[u32]) -> Columns {
        let at = |number: &u32| *number as usize;
        Columns {
            values: numbers
                .iter()
                .map(|n| self.values.get(at(n)).copied().unwrap_or(0))
                .collect(),
            versions: numbers
                .iter()
                .map(|n| self.versions.get(at(n)).copied().unwrap_or(0))
                .collect(),
        }
    }

    /// The first place that is listed twice. `numbers` are those of the places, as [`Tail::find`] gave them.
    pub(crate) fn twice<'a>(&self, places: &'a [PlaceKey], numbers: &[u32]) -> Option<&'a PlaceKey> {
        let mut seen = vec![false; self.keys.len()];
        let missing = numbers.iter().filter(|number| **number == MISSING).count();
        let mut new: HashTable<u32> = HashTable::with_capacity(missing);
        let mut field = Field { last: None };
        for (index, (place, number)) in places.iter().zip(numbers).enumerate() {
            if let Some(seen) = seen.get_mut(*number as usize) {
                if std::mem::replace(seen, true) {
                    return Some(place);
                }
                continue;
            }
            let hash = self.hash(&mut field, place);
            if new
                .find(hash, |other| same_place(&places[*other as usize], place))
                .is_some()
            {
                return Some(place);
            }
            // Room for all of them was made above: nothing moves, so nothing is hashed again.
            new.insert_unique(hash, index as u32, |_| hash);
        }
        None
    }

    /// Takes in the values that a record leaves.
    pub(crate) fn add(&mut self, body: &Body, extra: &[(PlaceKey, i128)], sequence: u64) {
        let numbers = self.find(&body.places);
        self.add_at(body, &numbers, extra, sequence);
    }

    /// [`Tail::add`] for a body whose places have these numbers, with nothing added since they were found.
    pub(crate) fn add_at(&mut self, body: &Body, numbers: &[u32], extra: &[(PlaceKey, i128)], sequence: u64) {
        let missing = numbers.iter().filter(|number| **number == MISSING).count();
        self.reserve(missing + extra.len());
        let mut field = Field { last: None };
        for ((place, value), number) in body.places.iter().zip(&body.values).zip(numbers) {
            match self.values.get_mut(*number as usize) {
                Some(known) => {
                    *known = *value;
                    self.versions[*number as usize] = sequence;
                }
                None => {
                    let hash = self.hash(&mut field, place);
                    self.set(hash, place, *value, sequence);
                }
            }
        }
        for (place, value) in extra {
            let hash = self.hash(&mut Field { last: None }, place);
            self.set(hash, place, *value, sequence);
        }
    }

    fn reserve(&mut self, more: usize) {
        self.keys.reserve(more);
        self.values.reserve(more);
        self.versions.reserve(more);
        let (hasher, keys) = (&self.hasher, &self.keys);
        self.numbers.reserve(more, |number| {
            let place = &keys[*number as usize];
            let field = (place.field.tag(), &**place.field.name());
            hasher.hash_one(place.account.as_str()) ^ hasher.hash_one(field)
        });
    }

    /// Sets one value. There is room for it.
    fn set(&mut self, hash: u64, place: &PlaceKey, value: i128, sequence: u64) {
        let number = self.number(hash, place) as usize;
        if let Some(known) = self.values.get_mut(number) {
            *known = value;
            self.versions[number] = sequence;
            return;
        }
        self.numbers.insert_unique(hash, self.keys.len() as u32, |_| hash);
        self.keys.push(place.clone());
        self.values.push(value);
        self.versions.push(sequence);
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Every place and what it holds, sorted.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&PlaceKey, Versioned)> {
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.keys[*a as usize].cmp(&self.keys[*b as usize]));
        order.into_iter().map(|index| {
            let value = Versioned {
                value: self.values[index as usize],
                version: self.versions[index as usize],
            };
            (&self.keys[index as usize], value)
        })
    }
}

/// Sorted rows with the tail laid over them, sorted.
pub(crate) fn merge<'a>(
    below: Rows<'a, (PlaceKey, Versioned)>,
    tail: &'a Tail,
) -> Rows<'a, (PlaceKey, Versioned)> {
    let mut below = below.peekable();
    let mut above = tail.sorted().peekable();
    let owned = |(place, value): (&PlaceKey, Versioned)| Ok((place.clone(), value));
    Box::new(std::iter::from_fn(move || match (below.peek(), above.peek()) {
        (Some(Ok((low, _))), Some((high, _))) => {
            if low < *high {
                return below.next();
            }
            if low == *high {
                below.next();
            }
            above.next().map(owned)
        }
        (Some(_), _) => below.next(),
        (None, _) => above.next().map(owned),
    }))
}
