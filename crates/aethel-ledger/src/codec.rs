//! The byte encoding that records, policies and table rows share: minimal variable-length integers and
//! length-prefixed bytes. Reading is safe on any bytes: no panic, and nothing is allocated for a length or
//! count that the remaining bytes cannot hold.

use crate::record::Opening;
use aethel_ir::{Amounts, varint};
use std::fmt;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What was being read, for people.
    pub what: &'static str,
    /// Where in the bytes being read, from 0.
    pub offset: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not fit at byte {}", self.what, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// Appends values to a buffer.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Bytes whose number the reader knows.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A [`varint`].
    pub(crate) fn uint(&mut self, value: u64) {
        varint::uint(&mut self.bytes, value);
    }

    /// A [`varint`] with a sign.
    pub(crate) fn int(&mut self, value: i128) {
        varint::int(&mut self.bytes, value);
    }

    /// [`Writer::uint`] of each.
    pub(crate) fn uints(&mut self, values: &[u32]) {
        varint::uints(&mut self.bytes, values);
    }

    /// [`Writer::int`] of each.
    pub(crate) fn ints(&mut self, values: &[i128]) {
        varint::ints(&mut self.bytes, values);
    }

    /// [`Writer::int`] of each.
    pub(crate) fn amounts(&mut self, values: &Amounts) {
        match values {
            Amounts::Narrow(values) => varint::ints(&mut self.bytes, values),
            Amounts::Wide(values) => varint::ints(&mut self.bytes, values),
        }
    }

    /// [`Writer::uint`] of each place, then [`Writer::int`] of each amount.
    pub(crate) fn openings(&mut self, openings: &[Opening]) {
        varint::uints_of(&mut self.bytes, openings, |opening| opening.place);
        varint::ints_of(&mut self.bytes, openings, |opening| opening.amount);
    }

    /// [`Writer::int`] of the difference of each to the one before it.
    pub(crate) fn steps(&mut self, values: &[u32]) {
        varint::steps(&mut self.bytes, values);
    }

    /// A length and that many bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// A length and that many bytes of UTF-8.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// 0, or 1 and the text.
    pub(crate) fn optional_text(&mut self, text: Option<&str>) {
        match text {
            None => self.byte(0),
            Some(text) => {
                self.byte(1);
                self.text(text);
            }
        }
    }
}

/// Takes values from the front of some bytes.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, Malformed>;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn fail<T>(&self, what: &'static str) -> Read<T> {
        Err(Malformed {
            what,
            offset: self.at,
        })
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Refuses bytes left over.
    pub(crate) fn end(&self, what: &'static str) -> Read<()> {
        if self.remaining() == 0 {
            Ok(())
        } else {
            self.fail(what)
        }
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Read<u8> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => self.fail(what),
        }
    }

    pub(crate) fn raw(&mut self, length: usize, what: &'static str) -> Read<&'a [u8]> {
        match self.bytes[self.at..].get(..length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => self.fail(what),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Read<[u8; N]> {
        let bytes = self.raw(N, what)?;
        bytes.try_into().or_else(|_| self.fail(what))
    }

    pub(crate) fn uint(&mut self, what: &'static str) -> Read<u64> {
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds one bit; a last byte of zero would be a second spelling of the same number.
            if (shift == 63 && bits > 1) || (shift > 0 && byte == 0) {
                return self.fail(what);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return self.fail(what);
            }
        }
    }

    pub(crate) fn small(&mut self, what: &'static str) -> Read<u32> {
        let value = self.uint(what)?;
        u32::try_from(value).or_else(|_| self.fail(what))
    }

    pub(crate) fn int(&mut self, what: &'static str) -> Read<i128> {
        let mut folded = 0u128;
        let mut shift = 0;
        loop {
            let byte = self.byte(what)?;
            let bits = u128::from(byte & 0x7f);
            if (shift == 126 && bits > 3) || (shift > 0 && byte == 0) {
                return self.fail(what);
            }
            folded |= bits << shift;
            if byte < 0x80 {
                return Ok((folded >> 1) as i128 ^ -((folded & 1) as i128));
            }
            shift += 7;
            if shift > 126 {
                return self.fail(what);
            }
        }
    }

    pub(crate) fn bytes(&mut self, what: &'static str) -> Read<&'a [u8]> {
        let length = self.uint(what)?;
        match usize::try_from(length) {
            Ok(length) => self.raw(length, what),
            Err(_) => self.fail(what),
        }
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Read<&'a str> {
        let bytes = self.bytes(what)?;
        std::str::from_utf8(bytes).or_else(|_| self.fail(what))
    }

    pub(crate) fn optional_text(&mut self, what: &'static str) -> Read<Option<&'a str>> {
        match self.byte(what)? {
            0 => Ok(None),
            1 => self.text(what).map(Some),
            _ => self.fail(what),
        }
    }

    /// A number of items that follow, each at least `least` bytes: refused when they cannot all be there.
    pub(crate) fn count(&mut self, least: usize, what: &'static str) -> Read<usize> {
        let count = self.uint(what)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / least.max(1) => Ok(count),
            _ => self.fail(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extremes_and_overlong_spellings() {
        for value in [0, 1, -1, i128::MAX, i128::MIN, 1 << 120, -(1 << 120)] {
            let mut writer = Writer::default();
            writer.int(value);
            let bytes = writer.into_bytes();
            assert_eq!(Reader::new(&bytes).int("n"), Ok(value));
        }
        for value in [0, 127, 128, u64::MAX] {
            let mut writer = Writer::default();
            writer.uint(value);
            let bytes = writer.into_bytes();
            assert_eq!(Reader::new(&bytes).uint("n"), Ok(value));
        }
        assert!(Reader::new(&[0x80, 0]).uint("n").is_err());
        assert!(Reader::new(&[0x80, 0]).int("n").is_err());
        assert!(Reader::new(&[0xff; 11]).uint("n").is_err());
        assert!(Reader::new(&[0xff; 20]).int("n").is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1])
                .count(1, "n")
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn numbers_round_trip(a: i128, b: u64) {
            let mut writer = Writer::default();
            writer.int(a);
            writer.uint(b);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.int("a"), Ok(a));
            prop_assert_eq!(reader.uint("b"), Ok(b));
            prop_assert!(reader.end("end").is_ok());
        }
    }
}
