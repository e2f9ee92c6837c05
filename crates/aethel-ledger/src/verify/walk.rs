//! The journal from its first record on: what each record makes of the state before it.

use crate::approval;
use crate::blob::{Blob, certificate_digest, receipt_of};
use crate::places::{PlaceKey, Versioned};
use crate::policy::Policy;
use crate::receipt::{Digest, LedgerId};
use crate::record::{Body, Record};
use crate::record_codec::key_row;
use aethel_ir::account::OPENING_ACCOUNT;
use std::collections::HashMap;
use std::sync::Arc;

/// The state that the entries make, record by record.
pub(super) struct Walk {
    ledger_id: LedgerId,
    /// Of the last record.
    pub receipt: Digest,
    pub policy: Policy,
    pub values: HashMap<PlaceKey, Versioned>,
}

type Fit<T = ()> = Result<T, String>;

fn ensure(fits: bool, otherwise: impl FnOnce() -> String) -> Fit {
    if fits { Ok(()) } else { Err(otherwise()) }
}

impl Walk {
    /// Before the first record.
    pub(super) fn new(ledger_id: LedgerId) -> Self {
        Self {
            ledger_id,
            receipt: ledger_id.genesis(),
            policy: Policy::default(),
            values: HashMap::new(),
        }
    }

    /// Takes in the row of the next record, and its key out of `keys`; gives the key, or what does not fit.
    pub(super) fn step(
        &mut self,
        sequence: u64,
        row: &[u8],
        keys: &mut HashMap<Vec<u8>, u64>,
    ) -> Fit<Vec<u8>> {
        let blob = Blob::parse(row).map_err(|e| e.to_string())?;
        ensure(receipt_of(blob.record) == blob.receipt, || {
            "its receipt is not the hash of its content".into()
        })?;
        let record = blob.record().map_err(|e| e.to_string())?;
        ensure(record.sequence == sequence, || {
            format!("it says that it is record {}", record.sequence)
        })?;
        ensure(record.ledger_id == self.ledger_id, || {
            "it belongs to another ledger".into()
        })?;
        ensure(record.previous == self.receipt, || {
            "it does not continue the record before it".into()
        })?;
        ensure(record.certificate == certificate_digest(blob.certificate), || {
            "its certificate is not the one it was committed with".into()
        })?;
        let key = key_row(&record.body.batch, &record.body.key);
        let leads = keys.remove(&key);
        ensure(leads == Some(sequence), || match leads {
            None => "no key leads to it".into(),
            Some(other) => format!("its key leads to record {other}"),
        })?;
        approval::check(&self.policy, self.ledger_id, &record.body, false).map_err(|e| e.to_string())?;
        self.change_policy(&record)?;
        self.replay(sequence, &record.body)?;
        self.receipt = blob.receipt;
        Ok(key)
    }

    fn change_policy(&mut self, record: &Record) -> Fit {
        for change in &record.body.policy_changes {
            self.policy.apply(change).map_err(|e| e.to_string())?;
        }
        ensure(self.policy.version() == record.policy_version, || {
            "its policy version is another one".into()
        })
    }

    /// Applies openings and entries to the values so far, and compares with the values that the record states.
    fn replay(&mut self, sequence: u64, body: &Body) -> Fit {
        let mut new: Vec<Option<i128>> = body
            .places
            .iter()
            .map(|place| self.values.get(place).map(|v| v.value))
            .collect();
        let mut sums: HashMap<&Arc<str>, i128> = HashMap::new();
        let add = |value: &mut i128, amount: i128| {
            *value = value.checked_add(amount).ok_or("a sum is too large")?;
            Ok::<_, String>(())
        };
        let equities: HashMap<&Arc<str>, usize> = (0..)
            .zip(&body.places)
            .filter(|(_, place)| place.account.as_str() == OPENING_ACCOUNT)
            .filter_map(|(i, place)| Some((place.field.asset()?, i)))
            .collect();
        for opening in &body.openings {
            let i = opening.place as usize;
            ensure(new[i].is_none(), || {
                format!("it opens `{}` a second time", body.places[i])
            })?;
            new[i] = Some(opening.amount);
            if let Some(asset) = body.places[i].field.asset() {
                let equity = equities.get(asset);
                let equity = equity.ok_or_else(|| format!("openings of `{asset}` come from nowhere"))?;
                add(new[*equity].get_or_insert(0), opening.amount.saturating_neg())?;
            }
        }
        let open: Vec<bool> = new.iter().map(Option::is_some).collect();
        for (place, amount, _) in body.entries.iter() {
            let i = place as usize;
            match body.places[i].field.asset() {
                Some(asset) => {
                    add(new[i].get_or_insert(0), amount)?;
                    add(sums.entry(asset).or_default(), amount)?;
                }
                None => new[i] = Some(amount),
            }
        }
        if let Some((asset, sum)) = sums.iter().find(|(_, sum)| **sum != 0) {
            return Err(format!(
                "its entries in `{asset}` sum to {sum} minor units instead of zero"
            ));
        }
        for (((place, new), open), stated) in body.places.iter().zip(new).zip(open).zip(&body.values) {
            let value = new.unwrap_or(0);
            ensure(value == *stated, || {
                format!("`{place}` is {value} by its entries, it states {stated}")
            })?;
            self.check_place(place, value, open)?;
            let value = Versioned {
                value,
                version: sequence,
            };
            let before = self.values.insert(place.clone(), value);
            ensure(before.is_none_or(|before| before.version < sequence), || {
                format!("it lists `{place}` twice")
            })?;
        }
        Ok(())
    }

    /// Holds a place to the policy as a commit does; `open` says that it has a value already.
    fn check_place(&self, place: &PlaceKey, value: i128, open: bool) -> Fit {
        ensure(self.policy.knows(&place.field), || {
            format!("the policy does not know `{}` of this kind", place.field.name())
        })?;
        ensure(place.field.can_hold(value), || {
            format!("`{place}` is out of range")
        })?;
        if place.field.asset().is_none() || self.policy.is_unbounded(place.account.as_str()) {
            return Ok(());
        }
        ensure(open, || format!("`{place}` was never opened"))?;
        ensure(value >= 0, || format!("`{place}` is below zero"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::seal;
    use crate::places::FieldKey;
    use crate::policy::{FieldKind, PolicyChange};
    use crate::record::{BatchKey, RecordKind};
    use crate::record_codec::{FieldColumn, Link};
    use aethel_ir::AccountName;

    const ID: LedgerId = LedgerId([3; 16]);

    /// What the walk says of a first record that its writer forged: every hash fits, but no store would have taken it.
    fn forged(entries: &[(FieldKey, &str, i128)]) -> Fit<Vec<u8>> {
        let account = |name: &str| AccountName::new(name).unwrap();
        let key = BatchKey::Content(Digest([1; 32]));
        let mut body = Body::new(RecordKind::Batch, 0, "b", key, Digest([1; 32]));
        body.policy_changes = vec![
            PolicyChange::AssetScale {
                asset: "USD".into(),
                scale: 2,
            },
            PolicyChange::Field {
                name: "flag".into(),
                kind: FieldKind::Bool,
            },
            PolicyChange::Unbounded(account("world")),
        ];
        body.transactions.push("t");
        for (field, name, value) in entries {
            let (account, field) = (account(name), field.clone());
            body.entries.push(body.places.len() as u32, *value, 0);
            body.places.push(PlaceKey { account, field });
            body.values.push(*value);
        }
        let link = Link {
            sequence: 1,
            ledger_id: ID,
            previous: ID.genesis(),
            policy_version: 3,
            certificate: certificate_digest(&[]),
        };
        let (row, _) = seal(&link, &body, FieldColumn::new(&body.places), &[], &[]);
        let mut keys = HashMap::from([(key_row(&body.batch, &body.key), 1)]);
        Walk::new(ID).step(1, &row, &mut keys)
    }

    #[test]
    fn a_forged_record_is_held_to_what_a_store_takes() {
        let flag = FieldKey::Bool { name: "flag".into() };
        let number = FieldKey::Integer { name: "flag".into() };
        let usd = FieldKey::Balance { asset: "USD".into() };
        forged(&[(flag.clone(), "ann", 1)]).unwrap();
        forged(&[(usd.clone(), "world", 0)]).unwrap();
        let said = |entries: &[(FieldKey, &str, i128)]| forged(entries).unwrap_err();
        assert_eq!(said(&[(flag, "ann", 2)]), "`ann.flag` is out of range");
        assert_eq!(
            said(&[(number, "ann", 1)]),
            "the policy does not know `flag` of this kind"
        );
        let unopened = [(usd.clone(), "world", -5), (usd, "ann", 5)];
        assert_eq!(said(&unopened), "`ann USD` was never opened");
    }
}
