//! From a request to the bytes of a row: the checks that every store makes before it writes, whatever the caller
//! already proved.

use crate::approval;
use crate::blob::{certificate_digest, lemma_digest, seal};
use crate::error::{LedgerError, Refusal};
use crate::places::{Columns, PlaceKey, is_name};
use crate::policy::{Policy, PolicyChange, PolicyRefused};
use crate::receipt::Digest;
use crate::record::{BatchKey, BatchSummary, Body};
use crate::record_codec::{FieldColumn, Link, key_row};
use crate::store::{CommitOutcome, CommitRequest, LedgerStore};
use crate::sums::check_values;
use crate::tail::{MISSING, Tail};
use std::collections::HashMap;

/// A commit that may be written.
pub(crate) struct Prepared {
    pub sequence: u64,
    pub receipt: Digest,
    /// The row of the journal but the certificate, which ends it.
    pub record: Vec<u8>,
    /// The row of the table of keys.
    pub key: Vec<u8>,
    /// The number of each place of the body in the store's tail.
    pub numbers: Vec<u32>,
    /// `equity:opening` in each asset that openings drew on, with its new value.
    pub extra: Vec<(PlaceKey, i128)>,
    /// The policy afterwards, when it changes.
    pub policy: Option<Policy>,
}

impl Prepared {
    /// The row of the journal.
    pub fn take_row(&mut self, certificate: &[u8]) -> Vec<u8> {
        let mut row = std::mem::take(&mut self.record);
        row.extend_from_slice(certificate);
        row
    }
}

/// Either an outcome that needs no writing, or what to write.
pub(crate) enum Decision {
    Done(CommitOutcome),
    Write(Box<Prepared>),
}

/// A store whose recent values lie over older ones.
pub(crate) trait Layered: LedgerStore {
    /// The recent values.
    fn tail(&self) -> &Tail;

    /// Fills in what lies beneath: the columns of the places whose number is [`MISSING`].
    fn beneath(&self, places: &[PlaceKey], numbers: &[u32], columns: &mut Columns)
    -> Result<(), LedgerError>;

    /// Whether commits only show what would be, so that approvals may still be missing.
    fn is_rehearsal(&self) -> bool {
        false
    }
}

/// The numbers of places in a store's tail, and what they hold.
pub(crate) fn lookup(store: &dyn Layered, places: &[PlaceKey]) -> Result<(Vec<u32>, Columns), LedgerError> {
    let numbers = store.tail().find(places);
    let mut columns = store.tail().columns(&numbers);
    if numbers.contains(&MISSING) {
        store.beneath(places, &numbers, &mut columns)?;
    }
    Ok((numbers, columns))
}

/// Looks up the key, compares versions and checks the sums, in this order.
pub(crate) fn prepare(store: &dyn Layered, request: &CommitRequest) -> Result<Decision, LedgerError> {
    let body = &request.body;
    let fields = FieldColumn::new(&body.places);
    check_shape(request, &fields)?;
    check_lemmas(&request.lemmas)?;
    if let Some(known) = store.find(&body.batch, &body.key)? {
        return Ok(Decision::Done(repeated(known, body)));
    }
    let (numbers, old) = lookup(store, &body.places)?;
    if let Some(place) = store.tail().twice(&body.places, &numbers) {
        return Err(Refusal::DuplicatePlace(place.clone()).into());
    }
    let changed = changed_places(store, request, &old)?;
    if !changed.is_empty() {
        return Ok(Decision::Done(CommitOutcome::Conflict { places: changed }));
    }
    let policy = changed_policy(store, &body.policy_changes)?;
    let extra = check_values(
        store,
        body,
        &fields,
        policy.as_ref().unwrap_or(store.policy()),
        old,
    )?;
    if let Some(policy) = &policy {
        check_bounded(store, body, policy)?;
    }
    let head = store.head();
    // By the rules in force before this record, whatever it changes.
    approval::check(store.policy(), head.ledger_id, body, store.is_rehearsal())?;
    let link = Link {
        sequence: head.sequence + 1,
        ledger_id: head.ledger_id,
        previous: head.receipt,
        policy_version: policy.as_ref().unwrap_or(store.policy()).version(),
        certificate: certificate_digest(&request.certificate),
    };
    let (record, receipt) = seal(&link, body, fields, &extra, &request.certificate);
    Ok(Decision::Write(Box::new(Prepared {
        sequence: link.sequence,
        receipt,
        record,
        key: key_row(&body.batch, &body.key),
        numbers,
        extra,
        policy,
    })))
}

/// What a batch is told whose name and key the ledger knows.
pub(crate) fn repeated(known: BatchSummary, body: &Body) -> CommitOutcome {
    if known.content == body.content && known.kind == body.kind {
        CommitOutcome::AlreadyCommitted(known)
    } else {
        CommitOutcome::KeyReused(known)
    }
}

fn check_shape(request: &CommitRequest, fields: &FieldColumn<'_>) -> Result<(), Refusal> {
    let body = &request.body;
    let entries = &body.entries;
    let (places, transactions) = (body.places.len(), body.transactions.count());
    let malformed = |what| Err(Refusal::Malformed(what));
    if !is_name(&body.batch) {
        return malformed("the batch's name is empty, too long or holds control characters");
    }
    if matches!(&body.key, BatchKey::User(text) if !is_name(text)) {
        return malformed("the key is empty, too long or holds control characters");
    }
    if body.values.len() != places || u32::try_from(places).is_err() {
        return malformed("not one value for each place");
    }
    if !request.versions.is_empty() && request.versions.len() != places {
        return malformed("not one version for each place");
    }
    if entries.amount.len() != entries.len() || entries.position.len() != entries.len() {
        return malformed("columns of entries differ in length");
    }
    let largest = |numbers: &[u32]| numbers.iter().fold(0, |largest, number| largest.max(*number));
    let opened = body.openings.iter().map(|opening| opening.place);
    let last = opened.fold(largest(&entries.place), u32::max);
    let some = !entries.is_empty() || !body.openings.is_empty();
    if some && last as usize >= places {
        return malformed("an entry or opening is of no listed place");
    }
    if !entries.is_empty() && largest(&entries.position) >= transactions {
        return malformed("an entry is of no transaction");
    }
    if !fields.fields.iter().all(|field| is_name(field.name())) {
        return malformed("an asset's or field's name is empty, too long or holds control characters");
    }
    Ok(())
}

fn check_lemmas(lemmas: &[(Digest, Vec<u8>)]) -> Result<(), Refusal> {
    match lemmas
        .iter()
        .all(|(digest, bytes)| lemma_digest(bytes) == *digest)
    {
        true => Ok(()),
        false => Err(Refusal::Malformed("a lemma is not the one of its digest")),
    }
}

/// The places that are not as the request expects them. `old` is what the body's places hold now.
fn changed_places(
    store: &dyn Layered,
    request: &CommitRequest,
    old: &Columns,
) -> Result<Vec<PlaceKey>, LedgerError> {
    let places = &request.body.places;
    let mut changed = Vec::new();
    if !request.versions.is_empty() && request.versions != old.versions {
        let differ = request.versions.iter().zip(&old.versions).zip(places);
        changed.extend(
            differ
                .filter(|((was, is), _)| was != is)
                .map(|(_, place)| place.clone()),
        );
    }
    if !request.expected.is_empty() {
        let expected: Vec<PlaceKey> = request.expected.iter().map(|(place, _)| place.clone()).collect();
        let (_, now) = lookup(store, &expected)?;
        for ((place, (_, was)), is) in expected.into_iter().zip(&request.expected).zip(now.versions) {
            if was.unwrap_or(0) != is {
                changed.push(place);
            }
        }
    }
    // Opening what somebody has opened meanwhile is the same race, even if the caller did not list it.
    let opened = request.body.openings.iter().map(|opening| opening.place as usize);
    changed.extend(opened.filter(|i| old.versions[*i] > 0).map(|i| places[i].clone()));
    changed.sort();
    changed.dedup();
    Ok(changed)
}

fn changed_policy(store: &dyn Layered, changes: &[PolicyChange]) -> Result<Option<Policy>, LedgerError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut policy = store.policy().clone();
    for change in changes {
        if let PolicyChange::AssetScale { asset, scale } = change
            && let Some(recorded) = store.policy().scale(asset)
            && recorded != *scale
            && has_balances(store, asset)?
        {
            return Err(PolicyRefused::ScaleInUse {
                asset: asset.clone(),
                recorded,
                asked: *scale,
            }
            .into());
        }
        policy.apply(change)?;
    }
    Ok(Some(policy))
}

fn has_balances(store: &dyn Layered, asset: &str) -> Result<bool, LedgerError> {
    for row in store.balances()? {
        if row?.0.field.asset().is_some_and(|a| &**a == asset) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Accounts that become bounded must not be below zero anywhere, also where this batch does not go.
fn check_bounded(store: &dyn Layered, body: &Body, policy: &Policy) -> Result<(), LedgerError> {
    let now_bounded = |account: &aethel_ir::AccountName| {
        let asked = |c: &PolicyChange| matches!(c, PolicyChange::Bounded(bounded) if bounded == account);
        body.policy_changes.iter().any(asked) && !policy.is_unbounded(account.as_str())
    };
    if !body
        .policy_changes
        .iter()
        .any(|change| matches!(change, PolicyChange::Bounded(_)))
    {
        return Ok(());
    }
    let index: HashMap<&PlaceKey, usize> = body.places.iter().zip(0..).collect();
    for row in store.balances()? {
        let (place, old) = row?;
        let value = index.get(&place).map_or(old.value, |i| body.values[*i]);
        if value < 0 && place.field.asset().is_some() && now_bounded(&place.account) {
            return Err(PolicyRefused::CannotBound(place.account).into());
        }
    }
    Ok(())
}
