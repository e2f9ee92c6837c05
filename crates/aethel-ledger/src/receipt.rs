//! Digests: the receipts that chain records, the hashes of contents and certificates, and the ledger's own id.

use std::fmt;
use std::str::FromStr;

/// A BLAKE3 hash. As text: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// Why a text is not a digest or the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestError;

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a receipt is written in hexadecimal digits, 64 of them or the first few"
        )
    }
}

impl std::error::Error for DigestError {}

impl Digest {
    /// Hashes bytes for one purpose: equal bytes hashed for another purpose give another digest.
    pub fn of(domain: &str, bytes: &[u8]) -> Self {
        Self(
            *blake3::Hasher::new_derive_key(domain)
                .update(bytes)
                .finalize()
                .as_bytes(),
        )
    }

    /// The first eight digits in two groups, `3f9a 71c2`: enough for people, and accepted wherever a receipt is
    /// asked for while it is unambiguous.
    pub fn short(&self) -> String {
        let [a, b, c, d, ..] = self.0;
        format!("{a:02x}{b:02x} {c:02x}{d:02x}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse::<DigestPrefix>()?.whole().ok_or(DigestError)
    }
}

/// The first digits of a digest, as typed by a person: hexadecimal, either case, spaces between groups allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPrefix(Vec<u8>);

impl DigestPrefix {
    /// Whether the digest begins so.
    pub fn fits(&self, digest: &Digest) -> bool {
        self.0.iter().enumerate().all(|(i, nibble)| {
            let byte = digest.0[i / 2];
            *nibble == if i % 2 == 0 { byte >> 4 } else { byte & 15 }
        })
    }

    /// The digest, when all 64 digits are there.
    pub fn whole(&self) -> Option<Digest> {
        let mut bytes = [0; 32];
        if self.0.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(self.0.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Some(Digest(bytes))
    }
}

impl From<Digest> for DigestPrefix {
    fn from(digest: Digest) -> Self {
        Self(digest.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect())
    }
}

impl fmt::Display for DigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|nibble| write!(f, "{nibble:x}"))
    }
}

impl FromStr for DigestPrefix {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let nibbles: Option<Vec<u8>> = text
            .trim()
            .chars()
            .filter(|c| *c != ' ')
            .take(65)
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect();
        nibbles
            .filter(|n| (1..=64).contains(&n.len()))
            .map(Self)
            .ok_or(DigestError)
    }
}

/// The random identity of a ledger, drawn when it is created. As text: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerId(pub [u8; 16]);

impl LedgerId {
    /// The receipt that the first record continues from.
    pub fn genesis(&self) -> Digest {
        Digest::of(GENESIS_DOMAIN, &self.0)
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerId({self})")
    }
}

/// Purpose of the receipt before the first.
pub const GENESIS_DOMAIN: &str = "aethel ledger 1 genesis";
/// Purpose of a record's receipt.
pub const RECEIPT_DOMAIN: &str = "aethel ledger 1 receipt";
/// Purpose of a certificate's digest.
pub const CERTIFICATE_DOMAIN: &str = "aethel ledger 1 certificate";
/// Purpose of an import's content hash.
pub const IMPORT_DOMAIN: &str = "aethel ledger 1 import";
/// Purpose of the hash over what a record brings beside its content.
pub const OPENINGS_DOMAIN: &str = "aethel ledger 1 openings";
/// Purpose of the hash by which people compare what they sign.
pub const PLAN_DOMAIN: &str = "aethel ledger 1 plan";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        let digest = Digest::of(RECEIPT_DOMAIN, b"x");
        assert_ne!(digest, Digest::of(CERTIFICATE_DOMAIN, b"x"));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
        assert_eq!(digest.short().len(), 9);
        let short: DigestPrefix = digest.short().parse().unwrap();
        assert!(short.fits(&digest));
        let mut other = digest;
        other.0[3] ^= 1;
        assert!(!short.fits(&other));
        assert!(DigestPrefix::from(digest).fits(&digest));
        assert!("".parse::<DigestPrefix>().is_err());
        assert!("xyz".parse::<DigestPrefix>().is_err());
        assert!("0".repeat(65).parse::<DigestPrefix>().is_err());
        assert!(digest.short().parse::<Digest>().is_err());
    }
}
