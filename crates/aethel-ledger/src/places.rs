//! Places: the cells a ledger holds a value for, an account's balance in an asset or one of its fields.

use crate::codec::{Malformed, Reader};
use aethel_ir::AccountName;
use std::fmt;
use std::sync::Arc;

pub use aethel_ir::MAX_MINOR_UNITS;

/// The longest name of an asset, field, batch or feed, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 128;

/// What of an account: its balance in one asset, or one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldKey {
    /// How much of the asset it holds, in minor units.
    Balance {
        /// The asset's name, such as `USD`.
        asset: Arc<str>,
    },
    /// A whole number.
    Integer {
        /// The field's name.
        name: Arc<str>,
    },
    /// True (1) or false (0).
    Bool {
        /// The field's name.
        name: Arc<str>,
    },
}

impl FieldKey {
    pub(crate) fn tag(&self) -> u8 {
        match self {
            Self::Balance { .. } => 0,
            Self::Integer { .. } => 1,
            Self::Bool { .. } => 2,
        }
    }

    /// The name of the asset or field.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Balance { asset } => asset,
            Self::Integer { name } | Self::Bool { name } => name,
        }
    }

    /// The asset, when it is a balance.
    pub fn asset(&self) -> Option<&Arc<str>> {
        match self {
            Self::Balance { asset } => Some(asset),
            _ => None,
        }
    }

    /// Whether a place of this kind may hold a value: up to [`MAX_MINOR_UNITS`] on either side of zero, or 0 and 1.
    pub(crate) fn can_hold(&self, value: i128) -> bool {
        match self {
            Self::Bool { .. } => (0..=1).contains(&value),
            Self::Balance { .. } | Self::Integer { .. } => {
                value.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs()
            }
        }
    }

    /// Equality, quick where both share one string, as neighbouring places mostly do.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (a, b) = (self.name(), other.name());
        self.tag() == other.tag() && (Arc::ptr_eq(a, b) || a == b)
    }

    pub(crate) fn from_tag(tag: u8, name: Arc<str>) -> Option<Self> {
        match tag {
            0 => Some(Self::Balance { asset: name }),
            1 => Some(Self::Integer { name }),
            2 => Some(Self::Bool { name }),
            _ => None,
        }
    }
}

/// One cell of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceKey {
    /// Whose.
    pub account: AccountName,
    /// What.
    pub field: FieldKey,
}

/// A place as people read it: ``company USD`` or ``company.frozen``.
impl fmt::Display for PlaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            FieldKey::Balance { asset } => write!(f, "{} {asset}", self.account),
            FieldKey::Integer { name } | FieldKey::Bool { name } => write!(f, "{}.{name}", self.account),
        }
    }
}

impl PlaceKey {
    /// The place of an account's balance in an asset.
    pub fn balance(account: AccountName, asset: impl Into<Arc<str>>) -> Self {
        Self {
            account,
            field: FieldKey::Balance { asset: asset.into() },
        }
    }

    /// The canonical bytes: the account, a zero byte (which no name contains), the kind (0 balance, 1 integer,
    /// 2 bool) and the name. They sort as places do, so that a table of them is sorted by account and asset.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.account.as_str().len() + 2 + self.field.name().len());
        self.write_bytes(&mut bytes);
        bytes
    }

    /// Appends what [`PlaceKey::to_bytes`] gives.
    pub fn write_bytes(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.account.as_str().as_bytes());
        bytes.push(0);
        bytes.push(self.field.tag());
        bytes.extend_from_slice(self.field.name().as_bytes());
    }

    /// Reads what [`PlaceKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not a place in canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let Some(end) = bytes.iter().position(|b| *b == 0) else {
            return reader.fail("place");
        };
        let account = std::str::from_utf8(reader.raw(end, "account")?)
            .ok()
            .and_then(|t| AccountName::new(t).ok());
        let Some(account) = account else {
            return reader.fail("account");
        };
        reader.byte("place")?;
        let tag = reader.byte("kind of place")?;
        let name = std::str::from_utf8(reader.raw(reader.remaining(), "name")?)
            .ok()
            .filter(|n| is_name(n));
        match name.and_then(|name| FieldKey::from_tag(tag, name.into())) {
            Some(field) => Ok(Self { account, field }),
            None => reader.fail("place"),
        }
    }
}

/// A value and when it was last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Minor units of the asset, the whole number, or 0 and 1.
    pub value: i128,
    /// The sequence number of the last batch that wrote the place.
    pub version: u64,
}

/// What the ledger holds at many places, column by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Minor units of the asset, the whole number, or 0 and 1; 0 where nobody ever opened the place.
    pub values: Vec<i128>,
    /// The sequence number of the last batch that wrote the place, from 1; 0 where nobody ever opened it.
    pub versions: Vec<u64>,
}

/// Whether a text may name an asset, field, batch or feed: 1 to [`MAX_NAME_BYTES`] bytes without control
/// characters.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> impl Strategy<Value = PlaceKey> {
        let account = "[a-zé: ]{1,8}".prop_filter_map("not a name", |t| AccountName::new(&t).ok());
        (account, 0u8..3, "[A-Za-z]{1,5}").prop_filter_map("kind", |(account, tag, name)| {
            Some(PlaceKey {
                account,
                field: FieldKey::from_tag(tag, name.into())?,
            })
        })
    }

    proptest! {
        #[test]
        fn bytes_round_trip_and_sort_like_places(a in places(), b in places()) {
            prop_assert_eq!(&PlaceKey::from_bytes(&a.to_bytes()), &Ok(a.clone()));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            if let Ok(place) = PlaceKey::from_bytes(&bytes) {
                prop_assert_eq!(place.to_bytes(), bytes);
            }
        }
    }
}
