//! The bytes of one journal row: a header with lengths and the receipt, the record, the certificate. The record
//! decodes without a look at the certificate.

use crate::codec::{Malformed, Reader, Writer};
use crate::places::PlaceKey;
use crate::receipt::{CERTIFICATE_DOMAIN, Digest, RECEIPT_DOMAIN};
use crate::record::{BatchSummary, Body, Record};
use crate::record_codec::{self, FieldColumn, Link};
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

/// The digest of a lemma, as certificates name it.
pub fn lemma_digest(lemma: &[u8]) -> Digest {
    Digest(*blake3::hash(lemma).as_bytes())
}

/// The bytes of a journal row up to the certificate, which follows, and its record's receipt.
pub(crate) fn seal(
    link: &Link,
    body: &Body,
    fields: FieldColumn<'_>,
    extra: &[(PlaceKey, i128)],
    certificate: &[u8],
) -> (Vec<u8>, Digest) {
    let mut out = Writer::with_capacity(HEADER_BYTES + record_codec::length(body));
    out.raw(&[0; HEADER_BYTES]);
    record_codec::encode_into(&mut out, link, body, fields, extra);
    let mut row = out.into_bytes();
    let record = &row[HEADER_BYTES..];
    let receipt = receipt_of(record);
    let header = header(record.len(), certificate.len(), receipt);
    row[..HEADER_BYTES].copy_from_slice(&header);
    (row, receipt)
}

fn header(record: usize, certificate: usize, receipt: Digest) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[6..14].copy_from_slice(&(record as u64).to_le_bytes());
    header[14..22].copy_from_slice(&(certificate as u64).to_le_bytes());
    header[22..].copy_from_slice(&receipt.0);
    header
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyChange;
    use crate::receipt::LedgerId;
    use crate::record::{BatchKey, Entries, Opening, OracleEvidence, OracleProof, RecordKind};
    use aethel_ir::AccountName;
    use proptest::prelude::*;

    fn place(name: &str) -> PlaceKey {
        PlaceKey::balance(AccountName::new(name).unwrap(), "USD")
    }

    fn link() -> Link {
        let digest = Digest([4; 32]);
        Link {
            sequence: 300,
            ledger_id: LedgerId([9; 16]),
            previous: digest,
            policy_version: 5,
            certificate: digest,
        }
    }

    fn body() -> Body {
        let key = BatchKey::Again(Digest([1; 32]));
        let mut body = Body::new(RecordKind::Batch, 1 << 40, "payroll", key, Digest([2; 32]));
        body.program = Some("payroll.ae".into());
        body.policy_changes.push(PolicyChange::AssetScale {
            asset: "USD".into(),
            scale: 2,
        });
        body.transactions.push("bonus");
        body.transactions.push_run("pay row ", 1, 1000);
        body.places = vec![place("company"), place("staff 1"), place("staff 2"), place("Zoë")];
        body.values = vec![i128::MAX, i128::MIN, 0, -1];
        body.openings.push(Opening { place: 3, amount: 77 });
        body.entries = Entries {
            place: vec![0, 3, 2],
            amount: vec![-5_i128, 5, 1 << 100].into(),
            position: vec![1000, 0, 7],
        };
        let proof = OracleProof {
            feed: "BTC/USD".into(),
            value: "64000.5".into(),
            timestamp_ms: 9,
            key_id: "desk".into(),
            signature: vec![3; 64],
        };
        body.oracles = Some(OracleEvidence {
            clock_ms: 12,
            proofs: vec![proof],
        });
        body
    }

    fn encode(link: &Link, body: &Body, extra: &[(PlaceKey, i128)]) -> Vec<u8> {
        let (mut row, receipt) = seal(link, body, FieldColumn::new(&body.places), extra, &[]);
        let record = row.split_off(HEADER_BYTES);
        assert_eq!(receipt_of(&record), receipt);
        record
    }

    fn row() -> Vec<u8> {
        let extra = [(place("equity:opening"), -77)];
        let body = body();
        let certificate = b"certificate";
        let (mut row, _) = seal(
            &link(),
            &body,
            FieldColumn::new(&body.places),
            &extra,
            certificate,
        );
        row.extend_from_slice(certificate);
        row
    }

    #[test]
    fn a_row_reads_as_it_was_written() {
        let row = row();
        let blob = Blob::parse(&row).unwrap();
        assert_eq!(blob.certificate, b"certificate");
        assert_eq!(receipt_of(blob.record), blob.receipt);
        let record = blob.record().unwrap();
        let mut expected = body();
        expected.places.push(place("equity:opening"));
        expected.values.push(-77);
        assert_eq!(record.body, expected);
        assert_eq!((record.sequence, record.policy_version), (300, 5));
        let summary = blob.summary().unwrap();
        assert_eq!((summary.sequence, summary.transactions), (300, 1001));
        // The same record has the same bytes, and so the same receipt, whoever encodes it.
        assert_eq!(encode(&link(), &record.body, &[]), blob.record);
    }

    /// The format of version 1, byte for byte: a change here needs a new version and a migration.
    #[test]
    fn format_1_stays_as_it_is() {
        let receipt = receipt_of(&encode(&link(), &body(), &[]));
        assert_eq!(receipt.short(), "4d8d 44ca");
    }

    #[test]
    fn indices_stay_within_their_tables() {
        let broken = |change: fn(&mut Body)| {
            let mut body = body();
            change(&mut body);
            record_codec::decode(&encode(&link(), &body, &[])).is_err()
        };
        assert!(!broken(|_| ()));
        assert!(broken(|body| body.entries.position[0] = 1001));
        assert!(broken(|body| body.entries.place[0] = 4));
        assert!(broken(|body| body.openings[0].place = 4));
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let mut row = row();
        row[4] = 2;
        assert_eq!(Blob::parse(&row).err(), Some(BlobError::Newer(2)));
    }

    fn read(bytes: &[u8]) {
        if let Ok(blob) = Blob::parse(bytes) {
            let _ = (blob.record(), blob.summary());
        }
        let _ = record_codec::decode(bytes);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn p24_any_bytes_are_safe(bytes: Vec<u8>) {
            read(&bytes);
            let mut row = header(bytes.len(), 0, Digest([0; 32])).to_vec();
            row.extend(&bytes);
            read(&row);
            row.extend(bytes);
            read(&row);
        }

        #[test]
        fn p24_damaged_rows_are_safe(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut row = row();
            for (at, byte) in changes {
                let at = at.index(row.len());
                row[at] = byte;
            }
            read(&row);
            read(&row[..cut.index(row.len())]);
            read(&row[HEADER_BYTES..]);
        }
    }
}
