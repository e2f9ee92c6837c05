//! The bytes of one journal row: a header with lengths and the receipt, the record, the certificate. The record
//! decodes without a look at the certificate.

use crate::codec::{Malformed, Reader};
use crate::receipt::{CERTIFICATE_DOMAIN, Digest, RECEIPT_DOMAIN};
use crate::record::{BatchSummary, Record};
use crate::record_codec;
use std::fmt;

/// The newest format of records and tables that this version reads and writes.
pub const FORMAT_VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"AEBT";
const HEADER_BYTES: usize = 4 + 2 + 8 + 8 + 32;

/// A journal row taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob<'a> {
    pub receipt: Digest,
    pub record: &'a [u8],
    pub certificate: &'a [u8],
}

/// Why bytes are not a journal row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// Not the bytes of a row, or damaged ones.
    Malformed(Malformed),
    /// Written by a newer version in this format.
    Newer(u16),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => write!(f, "{reason}"),
            Self::Newer(version) => write!(f, "it is in format {version}, newer than {FORMAT_VERSION}"),
        }
    }
}

impl std::error::Error for BlobError {}

impl From<Malformed> for BlobError {
    fn from(reason: Malformed) -> Self {
        Self::Malformed(reason)
    }
}

/// The receipt of a record in canonical bytes.
pub(crate) fn receipt_of(record: &[u8]) -> Digest {
    Digest::of(RECEIPT_DOMAIN, record)
}

/// The digest of a certificate, as records hold it.
pub fn certificate_digest(certificate: &[u8]) -> Digest {
    Digest::of(CERTIFICATE_DOMAIN, certificate)
}

/// The bytes of a journal row.
pub(crate) fn seal(receipt: Digest, record: &[u8], certificate: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + record.len() + certificate.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(certificate.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&receipt.0);
    bytes.extend_from_slice(record);
    bytes.extend_from_slice(certificate);
    bytes
}

impl<'a> Blob<'a> {
    /// Takes a row apart; nothing is copied and nothing hashed.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let mut input = Reader::new(bytes);
        if input.array("row header")? != MAGIC {
            return Ok(input.fail("row header")?);
        }
        let version = u16::from_le_bytes(input.array("row header")?);
        if version > FORMAT_VERSION {
            return Err(BlobError::Newer(version));
        }
        if version != FORMAT_VERSION {
            return Ok(input.fail("row format")?);
        }
        let record = u64::from_le_bytes(input.array("row header")?);
        let certificate = u64::from_le_bytes(input.array("row header")?);
        let receipt = Digest(input.array("row header")?);
        let length = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let record = input.raw(length(record), "record length")?;
        let certificate = input.raw(length(certificate), "certificate length")?;
        input.end("row length")?;
        Ok(Self {
            receipt,
            record,
            certificate,
        })
    }

    /// Decodes the record.
    pub(crate) fn record(&self) -> Result<Record, BlobError> {
        Ok(record_codec::decode(self.record)?)
    }

    /// Decodes what lists show.
    pub(crate) fn summary(&self) -> Result<BatchSummary, BlobError> {
        Ok(record_codec::decode_summary(self.record, self.receipt)?)
    }
}
