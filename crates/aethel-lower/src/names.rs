//! Account names of a batch, each once.

use crate::program::index32;
use aethel_ir::{AccountId, AccountName, AccountNameError};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Interned names; ids are given out in order of first use.
///
/// A batch may have millions of them, so the index holds no text: eight bytes for each, and growing it reads no names.
#[derive(Debug, Default)]
pub(crate) struct AccountNames {
    names: Vec<AccountName>,
    index: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

/// Half of the hash of a name, and its id.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    id: AccountId,
}

/// The hash that the index works with: it takes the slot from the lower bits and a tag from the upper ones.
fn spread(hash: u32) -> u64 {
    (u64::from(hash) << 32) | u64::from(hash)
}

impl AccountNames {
    /// The names in order of their ids.
    pub(crate) fn all(&self) -> &[AccountName] {
        &self.names
    }

    /// The names alone, in order of their ids.
    pub(crate) fn into_all(self) -> Vec<AccountName> {
        self.names
    }

    /// Makes room for so many more names, so that the index need not grow on the way.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.names.reserve(more);
        self.index.reserve(more, |entry| spread(entry.hash));
    }

    /// The id of a name that is known already.
    pub(crate) fn known(&self, name: &str) -> Option<AccountId> {
        self.find(self.hash(name), name)
    }

    /// The id of a name as it is written.
    ///
    /// # Errors
    /// It cannot be a name.
    pub(crate) fn id_of_text(&mut self, text: &str) -> Result<AccountId, AccountNameError> {
        let hash = self.hash(text);
        if let Some(id) = self.find(hash, text) {
            return Ok(id);
        }
        let id = AccountId(index32(self.names.len()));
        self.names.push(AccountName::new(text)?);
        let entry = Entry { hash, id };
        self.index
            .insert_unique(spread(hash), entry, |entry| spread(entry.hash));
        Ok(id)
    }

    fn hash(&self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text.as_bytes());
        (hash >> 32) as u32
    }

    fn find(&self, hash: u32, text: &str) -> Option<AccountId> {
        let same = |entry: &Entry| {
            let name = || self.names.get(entry.id.0 as usize);
            entry.hash == hash && name().is_some_and(|name| name.as_str() == text)
        };
        self.index.find(spread(hash), same).map(|entry| entry.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn ids_are_those_of_a_map(texts in prop::collection::vec("[a-c]{0,3}|[a-z é]{1,4}", 0..200)) {
            let (mut names, mut map) = (AccountNames::default(), HashMap::new());
            for text in &texts {
                let next = AccountId(map.len() as u32);
                prop_assert_eq!(names.known(text), map.get(text).copied());
                match names.id_of_text(text) {
                    Ok(id) => prop_assert_eq!(id, *map.entry(text.clone()).or_insert(next)),
                    Err(error) => prop_assert_eq!(Err(error), AccountName::new(text)),
                }
                prop_assert_eq!(names.known(text), map.get(text).copied());
            }
            for (index, name) in names.all().iter().enumerate() {
                prop_assert_eq!(map.get(name.as_str()), Some(&AccountId(index as u32)));
            }
        }
    }
}
