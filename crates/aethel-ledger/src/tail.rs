//! Values written since a checkpoint, laid over it.

use crate::places::{PlaceKey, Versioned};
use crate::record::Body;
use crate::store::Rows;
use std::collections::HashMap;

/// The places that recent records wrote, with their latest values.
#[derive(Default)]
pub(crate) struct Tail {
    values: HashMap<PlaceKey, Versioned>,
}

impl Tail {
    /// Takes in the values that a record leaves.
    pub(crate) fn add(&mut self, body: &Body, extra: &[(PlaceKey, i128)], sequence: u64) {
        let listed = body.places.iter().zip(&body.values);
        for (place, value) in listed.chain(extra.iter().map(|(place, value)| (place, value))) {
            let value = Versioned {
                value: *value,
                version: sequence,
            };
            match self.values.get_mut(place) {
                Some(known) => *known = value,
                None => {
                    self.values.insert(place.clone(), value);
                }
            }
        }
    }

    pub(crate) fn get(&self, place: &PlaceKey) -> Option<Versioned> {
        self.values.get(place).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn sorted(&self) -> Vec<(PlaceKey, Versioned)> {
        let mut rows: Vec<_> = self
            .values
            .iter()
            .map(|(place, value)| (place.clone(), *value))
            .collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        rows
    }
}

/// Sorted rows with the tail laid over them, sorted.
pub(crate) fn merge<'a>(
    below: Rows<'a, (PlaceKey, Versioned)>,
    tail: &Tail,
) -> Rows<'a, (PlaceKey, Versioned)> {
    let mut below = below.peekable();
    let mut above = tail.sorted().into_iter().peekable();
    Box::new(std::iter::from_fn(move || match (below.peek(), above.peek()) {
        (Some(Ok((low, _))), Some((high, _))) => {
            if low < high {
                return below.next();
            }
            if low == high {
                below.next();
            }
            above.next().map(Ok)
        }
        (Some(_), _) => below.next(),
        (None, _) => above.next().map(Ok),
    }))
}
