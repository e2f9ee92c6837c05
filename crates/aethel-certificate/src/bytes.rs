//! Numbers as bytes ([`varint`]), and lists of them.

use crate::format::DecodeError;
use aethel_ir::varint;
use serde::{Deserialize, Serialize};

/// Appends to bytes.
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    /// A number.
    pub fn number(&mut self, value: u64) {
        varint::uint(&mut self.0, value);
    }

    /// A number with a sign.
    pub fn signed(&mut self, value: i128) {
        varint::int(&mut self.0, value);
    }

    /// How many, and each.
    pub fn numbers(&mut self, values: &[u32]) {
        self.numbers_of(values, |value| *value);
    }

    /// How many, and what `number` makes of each.
    pub fn numbers_of<T>(&mut self, values: &[T], number: impl Fn(&T) -> u32) {
        self.number(values.len() as u64);
        self.0.reserve(values.len() * 3);
        varint::uints_of(&mut self.0, values, number);
    }

    /// How many, and each.
    pub fn signeds<T: Copy + Into<i128>>(&mut self, values: &[T]) {
        self.number(values.len() as u64);
        self.0.reserve(values.len() * 3);
        varint::ints(&mut self.0, values);
    }

    /// Anything small, in postcard.
    pub fn value(&mut self, value: &impl Serialize) -> Result<(), DecodeError> {
        let bytes = std::mem::take(&mut self.0);
        self.0 =
            postcard::to_extend(value, bytes).map_err(|error| DecodeError::Damaged(error.to_string()))?;
        Ok(())
    }
}

/// Reads what a [`Writer`] wrote. Nothing is made room for that is not there: each number takes a byte at least.
pub(crate) struct Reader<'a>(pub &'a [u8]);

pub(crate) type Read<T> = Result<T, DecodeError>;

fn damaged<T>(why: &str) -> Read<T> {
    Err(DecodeError::Damaged(why.to_owned()))
}

impl<'a> Reader<'a> {
    #[inline]
    fn byte(&mut self) -> Read<u8> {
        match self.0 {
            [byte, rest @ ..] => {
                self.0 = rest;
                Ok(*byte)
            }
            [] => damaged("it ends too early"),
        }
    }

    /// A number with all its bits.
    #[inline]
    fn bits(&mut self) -> Read<u128> {
        let first = self.byte()?;
        let mut value = u128::from(first & 0x7f);
        let mut more = first >= 0x80;
        let mut shift = 7;
        while more {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if shift >= 128 || (part << shift) >> shift != part {
                return damaged("a number that is too large");
            }
            value |= part << shift;
            shift += 7;
            more = byte >= 0x80;
        }
        Ok(value)
    }

    /// A number.
    pub fn number(&mut self) -> Read<u64> {
        u64::try_from(self.bits()?).or_else(|_| damaged("a number that is too large"))
    }

    /// A number of 32 bits.
    pub fn small(&mut self) -> Read<u32> {
        u32::try_from(self.bits()?).or_else(|_| damaged("a number that is too large"))
    }

    /// A number with a sign.
    pub fn signed(&mut self) -> Read<i128> {
        let zigzag = self.bits()?;
        Ok((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128))
    }

    /// How many follow.
    pub fn count(&mut self) -> Read<usize> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.0.len() => Ok(count),
            _ => damaged("a list longer than the bytes that follow"),
        }
    }

    /// How many, and each.
    pub fn numbers(&mut self) -> Read<Vec<u32>> {
        let count = self.count()?;
        (0..count).map(|_| self.small()).collect()
    }

    /// How many, and each.
    pub fn signeds(&mut self) -> Read<Vec<i128>> {
        let count = self.count()?;
        (0..count).map(|_| self.signed()).collect()
    }

    /// Anything in postcard.
    pub fn value<T: Deserialize<'a>>(&mut self) -> Read<T> {
        let (value, rest) =
            postcard::take_from_bytes(self.0).map_err(|error| DecodeError::Damaged(error.to_string()))?;
        self.0 = rest;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_of_all_sizes_come_back(values in prop::collection::vec((any::<i128>(), 0_u32..128), 0..40)) {
            let values: Vec<i128> = values.into_iter().map(|(value, shift)| value >> shift.min(127)).collect();
            let small: Vec<u32> = values.iter().map(|value| *value as u32).collect();
            let mut writer = Writer(Vec::new());
            writer.signeds(&values);
            writer.numbers(&small);
            let mut reader = Reader(&writer.0);
            prop_assert_eq!(reader.signeds().unwrap(), values);
            prop_assert_eq!(reader.numbers().unwrap(), small);
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        for bytes in [&[0xff; 30][..], &[0x80], &[], &[0xff, 0xff, 0xff, 0xff, 0x7f]] {
            assert!(Reader(bytes).small().is_err(), "{bytes:?}");
        }
        assert!(Reader(&[9, 1, 1]).numbers().is_err());
        let mut extremes = Writer(Vec::new());
        extremes.signeds(&[i128::MAX, i128::MIN, 0, -1]);
        assert_eq!(
            Reader(&extremes.0).signeds().unwrap(),
            [i128::MAX, i128::MIN, 0, -1]
        );
    }
}
