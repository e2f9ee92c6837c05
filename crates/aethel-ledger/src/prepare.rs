//! From a request to the bytes of a row: the checks that every store makes before it writes, whatever the caller
//! already proved.

use crate::blob::{certificate_digest, lemma_digest, receipt_of, seal};
use crate::error::{LedgerError, Refusal};
use crate::places::{FieldKey, MAX_MINOR_UNITS, PlaceKey, Versioned, is_name};
use crate::policy::{FieldKind, Policy, PolicyChange, PolicyRefused};
use crate::receipt::Digest;
use crate::record::{BatchKey, BatchSummary, Body};
use crate::record_codec::{self, Link, key_row};
use crate::store::{CommitOutcome, CommitRequest, LedgerStore};
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use std::collections::HashMap;
use std::sync::Arc;

/// A commit that may be written.
pub(crate) struct Prepared {
    pub sequence: u64,
    pub receipt: Digest,
    /// The row of the journal.
    pub row: Vec<u8>,
    /// The row of the table of keys.
    pub key: Vec<u8>,
    /// `equity:opening` in each asset that openings drew on, with its new value.
    pub extra: Vec<(PlaceKey, i128)>,
    /// The policy afterwards, when it changes.
    pub policy: Option<Policy>,
}

/// Either an outcome that needs no writing, or what to write.
pub(crate) enum Decision {
    Done(CommitOutcome),
    Write(Box<Prepared>),
}

/// Looks up the key, compares versions and checks the sums, in this order.
pub(crate) fn prepare(store: &dyn LedgerStore, request: &CommitRequest) -> Result<Decision, LedgerError> {
    let body = &request.body;
    check_shape(body)?;
    check_lemmas(&request.lemmas)?;
    if let Some(known) = store.find(&body.batch, &body.key)? {
        return Ok(Decision::Done(repeated(known, body)));
    }
    let index = index_places(&body.places)?;
    let old = store.read(&body.places)?;
    let changed = changed_places(store, request, &index, &old)?;
    if !changed.is_empty() {
        return Ok(Decision::Done(CommitOutcome::Conflict { places: changed }));
    }
    let policy = changed_policy(store, &body.policy_changes)?;
    let extra = check_values(store, body, policy.as_ref().unwrap_or(store.policy()), &old)?;
    if let Some(policy) = &policy {
        check_bounded(store, body, policy, &index)?;
    }
    let head = store.head();
    let link = Link {
        sequence: head.sequence + 1,
        ledger_id: head.ledger_id,
        previous: head.receipt,
        policy_version: policy.as_ref().unwrap_or(store.policy()).version(),
        certificate: certificate_digest(&request.certificate),
    };
    let record = record_codec::encode(&link, body, &extra);
    let receipt = receipt_of(&record);
    Ok(Decision::Write(Box::new(Prepared {
        sequence: link.sequence,
        receipt,
        row: seal(receipt, &record, &request.certificate),
        key: key_row(&body.batch, &body.key),
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

fn check_shape(body: &Body) -> Result<(), Refusal> {
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
    if entries.amount.len() != entries.len() || entries.position.len() != entries.len() {
        return malformed("columns of entries differ in length");
    }
    let mut indices = entries
        .place
        .iter()
        .chain(body.openings.iter().map(|opening| &opening.place));
    if indices.any(|place| *place as usize >= places) {
        return malformed("an entry or opening is of no listed place");
    }
    if entries.position.iter().any(|position| *position >= transactions) {
        return malformed("an entry is of no transaction");
    }
    if !body.places.iter().all(|place| is_name(place.field.name())) {
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

fn index_places(places: &[PlaceKey]) -> Result<HashMap<&PlaceKey, usize>, Refusal> {
    let mut index = HashMap::with_capacity(places.len());
    for (i, place) in places.iter().enumerate() {
        if index.insert(place, i).is_some() {
            return Err(Refusal::DuplicatePlace(place.clone()));
        }
    }
    Ok(index)
}

/// The places that are not as the request expects them.
fn changed_places(
    store: &dyn LedgerStore,
    request: &CommitRequest,
    index: &HashMap<&PlaceKey, usize>,
    old: &[Option<Versioned>],
) -> Result<Vec<PlaceKey>, LedgerError> {
    let mut changed = Vec::new();
    let mut only_read = Vec::new();
    let mut versions = Vec::new();
    for (i, (place, version)) in request.expected.iter().enumerate() {
        // Callers list the places they write first and in the same order, which saves the hashing.
        let known = match request.body.places.get(i) {
            Some(same) if same == place => Some(i),
            _ => index.get(place).copied(),
        };
        match known {
            Some(i) if old[i].map(|v| v.version) != *version => changed.push(place.clone()),
            Some(_) => {}
            None => {
                only_read.push(place.clone());
                versions.push(*version);
            }
        }
    }
    if !only_read.is_empty() {
        let now = store.read(&only_read)?;
        let differ = only_read.into_iter().zip(now).zip(versions);
        changed.extend(
            differ
                .filter(|((_, now), version)| now.map(|v| v.version) != *version)
                .map(|((p, _), _)| p),
        );
    }
    // Opening what somebody has opened meanwhile is the same race, even if the caller did not list it.
    let opened = request
        .body
        .openings
        .iter()
        .map(|opening| opening.place as usize)
        .filter(|i| old[*i].is_some());
    changed.extend(opened.map(|i| request.body.places[i].clone()));
    changed.sort();
    changed.dedup();
    Ok(changed)
}

fn changed_policy(store: &dyn LedgerStore, changes: &[PolicyChange]) -> Result<Option<Policy>, LedgerError> {
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

fn has_balances(store: &dyn LedgerStore, asset: &str) -> Result<bool, LedgerError> {
    for row in store.balances()? {
        if row?.0.field.asset().is_some_and(|a| &**a == asset) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Accounts that become bounded must not be below zero anywhere, also where this batch does not go.
fn check_bounded(
    store: &dyn LedgerStore,
    body: &Body,
    policy: &Policy,
    index: &HashMap<&PlaceKey, usize>,
) -> Result<(), LedgerError> {
    let now_bounded = |account: &AccountName| {
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
    for row in store.balances()? {
        let (place, old) = row?;
        let value = index.get(&place).map_or(old.value, |i| body.values[*i]);
        if value < 0 && place.field.asset().is_some() && now_bounded(&place.account) {
            return Err(PolicyRefused::CannotBound(place.account).into());
        }
    }
    Ok(())
}

/// Sums of one asset over a batch.
struct AssetSum {
    asset: Arc<str>,
    entries: i128,
    openings: i128,
    opened: bool,
}

/// Recomputes every new value and the sum of every asset. Gives `equity:opening` where openings drew on it.
fn check_values(
    store: &dyn LedgerStore,
    body: &Body,
    policy: &Policy,
    old: &[Option<Versioned>],
) -> Result<Vec<(PlaceKey, i128)>, LedgerError> {
    let (mut sums, asset_of) = assets(body, policy)?;
    let mut computed: Vec<i128> = old.iter().map(|known| known.map_or(0, |v| v.value)).collect();
    let mut open: Vec<bool> = old.iter().map(Option::is_some).collect();
    let out_of_range = |i: usize| Refusal::OutOfRange(body.places[i].clone());

    for opening in &body.openings {
        let i = opening.place as usize;
        let account = body.places[i].account.as_str();
        if open[i] || account == OPENING_ACCOUNT {
            return Err(Refusal::Malformed("a place is opened twice, or is where openings come from").into());
        }
        open[i] = true;
        computed[i] = opening.amount;
        if opening.amount.unsigned_abs() > MAX_MINOR_UNITS.unsigned_abs() {
            return Err(out_of_range(i).into());
        }
        if let Some(sum) = asset_of[i].map(|a| &mut sums[a]) {
            if opening.amount < 0 && !policy.is_unbounded(account) {
                return Err(Refusal::BelowZero {
                    place: body.places[i].clone(),
                    value: opening.amount,
                }
                .into());
            }
            sum.opened = true;
            sum.openings = sum
                .openings
                .checked_add(opening.amount)
                .ok_or_else(|| out_of_range(i))?;
        }
    }
    for (place, amount, _) in body.entries.iter() {
        let i = place as usize;
        match asset_of[i] {
            None => computed[i] = amount,
            Some(asset) => {
                let sum = &mut sums[asset].entries;
                *sum = sum.checked_add(amount).ok_or_else(|| out_of_range(i))?;
                computed[i] = computed[i].checked_add(amount).ok_or_else(|| out_of_range(i))?;
            }
        }
    }
    if let Some(sum) = sums.iter().find(|sum| sum.entries != 0) {
        return Err(Refusal::NotConserved {
            asset: sum.asset.clone(),
            sum: sum.entries,
        }
        .into());
    }
    let extra = draw_openings(store, body, &sums, &mut computed)?;
    for (i, place) in body.places.iter().enumerate() {
        check_place(place, open[i], computed[i], body.values[i], policy)?;
    }
    Ok(extra)
}

/// The assets of a batch and which of them each place is of; unknown assets and fields are refused.
fn assets(body: &Body, policy: &Policy) -> Result<(Vec<AssetSum>, Vec<Option<usize>>), Refusal> {
    let mut sums: Vec<AssetSum> = Vec::new();
    let mut index: HashMap<&Arc<str>, usize> = HashMap::new();
    let mut asset_of = Vec::with_capacity(body.places.len());
    let mut last: Option<(&Arc<str>, usize)> = None;
    for place in &body.places {
        let kind = match &place.field {
            FieldKey::Balance { asset } => {
                let number = match last {
                    Some((same, number)) if same == asset => number,
                    _ => match index.get(asset) {
                        Some(number) => *number,
                        None if policy.scale(asset).is_none() => {
                            return Err(Refusal::UnknownAsset(asset.clone()));
                        }
                        None => {
                            index.insert(asset, sums.len());
                            sums.push(AssetSum {
                                asset: asset.clone(),
                                entries: 0,
                                openings: 0,
                                opened: false,
                            });
                            sums.len() - 1
                        }
                    },
                };
                last = Some((asset, number));
                asset_of.push(Some(number));
                continue;
            }
            FieldKey::Integer { .. } => FieldKind::Integer,
            FieldKey::Bool { .. } => FieldKind::Bool,
        };
        if policy.fields().get(place.field.name()) != Some(&kind) {
            return Err(Refusal::UnknownField(place.field.name().clone()));
        }
        asset_of.push(None);
    }
    Ok((sums, asset_of))
}

/// Takes what openings brought in from `equity:opening`, so that each asset still sums to zero. Where the batch
/// lists that account itself, the value there is adjusted; elsewhere it is returned as an extra place.
fn draw_openings(
    store: &dyn LedgerStore,
    body: &Body,
    sums: &[AssetSum],
    computed: &mut [i128],
) -> Result<Vec<(PlaceKey, i128)>, LedgerError> {
    let drawn: Vec<&AssetSum> = sums.iter().filter(|sum| sum.opened).collect();
    if drawn.is_empty() {
        return Ok(Vec::new());
    }
    let account = AccountName::new(OPENING_ACCOUNT)
        .map_err(|_| Refusal::Malformed("the account of openings has no name"))?;
    let places: Vec<PlaceKey> = drawn
        .iter()
        .map(|sum| PlaceKey::balance(account.clone(), sum.asset.clone()))
        .collect();
    let mut extra = Vec::new();
    let old = store.read(&places)?;
    for ((place, sum), old) in places.into_iter().zip(drawn).zip(old) {
        let listed = body.places.iter().position(|p| *p == place);
        let before = listed.map_or(old.map_or(0, |v| v.value), |i| computed[i]);
        let value = before
            .checked_sub(sum.openings)
            .filter(|value| value.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs())
            .ok_or_else(|| Refusal::OutOfRange(place.clone()))?;
        match listed {
            Some(i) => computed[i] = value,
            None => extra.push((place, value)),
        }
    }
    Ok(extra)
}

fn check_place(
    place: &PlaceKey,
    open: bool,
    computed: i128,
    stated: i128,
    policy: &Policy,
) -> Result<(), Refusal> {
    if computed != stated {
        return Err(Refusal::WrongValue {
            place: place.clone(),
            computed,
            stated,
        });
    }
    let fits = match place.field {
        FieldKey::Bool { .. } => (0..=1).contains(&computed),
        _ => computed.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs(),
    };
    if !fits {
        return Err(Refusal::OutOfRange(place.clone()));
    }
    if place.field.asset().is_some() && !policy.is_unbounded(place.account.as_str()) {
        if !open {
            return Err(Refusal::NotOpen(place.clone()));
        }
        if computed < 0 {
            return Err(Refusal::BelowZero {
                place: place.clone(),
                value: computed,
            });
        }
    }
    Ok(())
}
