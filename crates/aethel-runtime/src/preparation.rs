//! Before a batch runs: what the ledger says about assets, accounts and fields, the balances it starts from, and the
//! accounts that it opens.

use crate::Refusal;
use aethel_ir::{
    AccountId, AccountName, Batch, Code, Diagnostic, Field, OPENING_ACCOUNT, PlaceId, SourceId, Span,
    did_you_mean, money::format_grouped,
};
use aethel_ledger::{Columns, FieldKey, FieldKind, LedgerStore, PlaceKey, Policy, PolicyChange};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// What the caller says about accounts that the ledger may not know.
#[derive(Clone, Debug, Default)]
pub struct Openings {
    /// Opening balances, in minor units.
    pub balances: Vec<(PlaceId, i128)>,
    /// They are what the caller believes of known accounts too; a difference is an error then (JSON batches).
    pub are_expectations: bool,
    /// Open accounts that nobody opened with zero.
    pub open_accounts: bool,
    /// Accounts that the program declares may not go below zero.
    pub bounded: Vec<AccountId>,
    /// Where an opening balance stands, for messages.
    pub origins: Vec<(PlaceId, (SourceId, Span))>,
    /// Where the program declares an `asset NAME`, `account NAME` or `field NAME`, for messages.
    pub declared: Arc<[(String, (SourceId, Span))]>,
}

/// The state that a batch runs on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The ledger's name of each place.
    pub keys: Vec<PlaceKey>,
    /// The version of each place, 0 when the ledger does not know it.
    pub versions: Vec<u64>,
    /// The value of each place, in minor units.
    pub values: Vec<i128>,
    /// Per asset of the batch, the sum of bounded balances that it does not touch, in minor units.
    pub supply_elsewhere: Vec<i128>,
    /// The places that this batch opens, and with what.
    pub openings: Vec<(PlaceId, i128)>,
    /// What the ledger has to record for the first time.
    pub changes: Vec<PolicyChange>,
    /// Worth telling.
    pub notes: Vec<Diagnostic>,
}

/// Reads the places of a batch, compares the program's declarations with the ledger's policy, and lets the ledger's
/// word about boundedness stand where the program is silent.
///
/// # Errors
/// AE0808 for a declaration that disagrees, AE0305 for an account that nobody opened, AE0306, AE0309 for an opening
/// balance that cannot be, and what the store says.
pub(crate) fn prepare(
    store: &dyn LedgerStore,
    batch: &mut Batch,
    openings: &Openings,
) -> Result<Snapshot, Refusal> {
    let Some(keys) = place_keys(batch) else {
        let message = "the batch has a place of an unknown account or field";
        return Err(Box::new(Diagnostic::new(Code::AE0904, message)));
    };
    let read = store
        .read_columns(&keys)
        .map_err(|error| Box::new(error.to_diagnostic()))?;
    let mut changes = asset_and_field_changes(batch, store.policy(), openings)?;
    boundedness(batch, store.policy(), openings, &read, &mut changes)?;
    let supply_elsewhere = supply_elsewhere(store, batch, &read)?;
    let mut snapshot = Snapshot {
        versions: read.versions,
        values: read.values,
        supply_elsewhere,
        keys,
        openings: Vec::new(),
        changes,
        notes: Vec::new(),
    };
    open(store, batch, openings, &mut snapshot)?;
    Ok(snapshot)
}

/// The policy that holds once this batch is committed, and what it records for the first time.
pub(crate) fn effective_policy(
    store: &dyn LedgerStore,
    first_policy: &[PolicyChange],
    snapshot: &Snapshot,
) -> Result<(Policy, Vec<PolicyChange>), Refusal> {
    let mut policy = store.policy().clone();
    let mut changes = Vec::new();
    let first: &[PolicyChange] = if store.head().sequence == 0 {
        first_policy
    } else {
        &[]
    };
    for change in first.iter().chain(&snapshot.changes) {
        let changed = policy
            .apply(change)
            .map_err(|refused| Box::new(Diagnostic::new(Code::AE0808, refused.to_string())))?;
        if changed {
            changes.push(change.clone());
        }
    }
    Ok((policy, changes))
}

/// Every asset sums to zero over all accounts, so the bounded ones together hold what the unbounded ones owe. Only those
/// are read, however many accounts the ledger has. To be called when the batch says of every account what the ledger says.
fn supply_elsewhere(store: &dyn LedgerStore, batch: &Batch, read: &Columns) -> Result<Vec<i128>, Refusal> {
    let source = AccountName::new(OPENING_ACCOUNT).ok();
    let unbounded: Vec<&AccountName> = store.policy().unbounded().iter().chain(&source).collect();
    let mut elsewhere = Vec::with_capacity(batch.assets.len());
    for asset in &batch.assets {
        let places: Vec<PlaceKey> = unbounded
            .iter()
            .map(|account| PlaceKey::balance((*account).clone(), asset.name.clone()))
            .collect();
        let owed = store
            .read_columns(&places)
            .map_err(|error| Box::new(error.to_diagnostic()))?;
        let owed = owed.values.iter();
        elsewhere.push(owed.fold(0_i128, |sum, owed| sum.saturating_sub(*owed)));
    }
    for (index, (value, version)) in read.values.iter().zip(&read.versions).enumerate() {
        let place = PlaceId(index as u32);
        if let (true, Some(asset)) = (*version > 0 && batch.is_bounded(place), batch.asset_of(place))
            && let Some(sum) = elsewhere.get_mut(usize::from(asset.0))
        {
            *sum = sum.saturating_sub(*value);
        }
    }
    Ok(elsewhere)
}

/// The ledger's names of the places; `None` when one is of an unknown account or field.
fn place_keys(batch: &Batch) -> Option<Vec<PlaceKey>> {
    let field = |field: &Field| {
        Some(match field {
            Field::Balance(asset) => FieldKey::Balance {
                asset: batch.assets.get(usize::from(asset.0))?.name.clone(),
            },
            Field::Integer(name) => FieldKey::Integer { name: name.clone() },
            Field::Bool(name) => FieldKey::Bool { name: name.clone() },
        })
    };
    let fields: Vec<FieldKey> = batch.fields.iter().map(field).collect::<Option<_>>()?;
    let mut keys = Vec::with_capacity(batch.places.len());
    for (account, field) in &batch.places {
        keys.push(PlaceKey {
            account: batch.accounts.get(account.0 as usize)?.clone(),
            field: fields.get(usize::from(field.0))?.clone(),
        });
    }
    Some(keys)
}

/// The ledger says something else about `what`, such as `asset USD`.
fn disagrees(openings: &Openings, what: &str, message: String) -> Refusal {
    let help = "change the program, or the ledger with `aethel ledger policy`, which is journalled";
    let diagnostic = Diagnostic::new(Code::AE0808, message).help(help);
    Box::new(match openings.declared.iter().find(|(name, _)| name == what) {
        Some((_, (source, span))) => diagnostic.label(*source, *span, "declared here"),
        None => diagnostic,
    })
}

/// A problem with an opening balance, at its place.
fn at_opening(openings: &Openings, place: PlaceId, diagnostic: Diagnostic) -> Diagnostic {
    match openings.origins.iter().find(|(known, _)| *known == place) {
        Some((_, (source, span))) => diagnostic.label(*source, *span, "given here"),
        None => diagnostic,
    }
}

/// Assets and fields that the ledger sees for the first time.
fn asset_and_field_changes(
    batch: &Batch,
    policy: &Policy,
    openings: &Openings,
) -> Result<Vec<PolicyChange>, Refusal> {
    let mut changes = Vec::new();
    for asset in &batch.assets {
        match policy.scale(&asset.name) {
            Some(scale) if scale == asset.scale => {}
            Some(scale) => {
                let message = format!(
                    "the program gives `{}` {} decimal places, the ledger has {scale}",
                    asset.name, asset.scale
                );
                return Err(disagrees(openings, &format!("asset {}", asset.name), message));
            }
            None => changes.push(PolicyChange::AssetScale {
                asset: asset.name.clone(),
                scale: asset.scale,
            }),
        }
    }
    for field in &batch.fields {
        let (name, kind) = match field {
            Field::Balance(_) => continue,
            Field::Integer(name) => (name, FieldKind::Integer),
            Field::Bool(name) => (name, FieldKind::Bool),
        };
        match policy.fields().get(name) {
            Some(known) if *known == kind => {}
            Some(_) => {
                let message = format!("the ledger knows the field `{name}` with another type");
                return Err(disagrees(openings, &format!("field {name}"), message));
            }
            None => changes.push(PolicyChange::Field {
                name: name.clone(),
                kind,
            }),
        }
    }
    Ok(changes)
}

/// The ledger decides who may go below zero; the program may only agree, or say it first.
fn boundedness(
    batch: &mut Batch,
    policy: &Policy,
    openings: &Openings,
    read: &Columns,
    changes: &mut Vec<PolicyChange>,
) -> Result<(), Refusal> {
    let mut known = vec![false; batch.accounts.len()];
    for ((account, _), version) in batch.places.iter().zip(&read.versions) {
        known[account.0 as usize] |= *version > 0;
    }
    for account in &openings.bounded {
        let Some(name) = batch.accounts.get(account.0 as usize) else {
            continue;
        };
        if policy.is_unbounded(name.as_str()) {
            let message =
                format!("the program says that `{name}` is bounded, the ledger lets it go below zero");
            return Err(disagrees(openings, &format!("account {name}"), message));
        }
    }
    for (index, name) in batch.accounts.iter().enumerate() {
        let declared = batch.unbounded[index];
        let recorded = policy.is_unbounded(name.as_str());
        if declared && !recorded {
            if known[index] {
                let message = format!(
                    "the program says that `{name}` is unbounded, in the ledger it may not go below zero"
                );
                return Err(disagrees(openings, &format!("account {name}"), message));
            }
            changes.push(PolicyChange::Unbounded(name.clone()));
        }
        batch.unbounded[index] = declared || recorded;
    }
    Ok(())
}

/// Opens what the ledger does not know and the caller has a balance for; everything else must be known.
fn open(
    store: &dyn LedgerStore,
    batch: &Batch,
    openings: &Openings,
    snapshot: &mut Snapshot,
) -> Result<(), Refusal> {
    let given = Given::new(openings, batch.places.len());
    let mut ignored: BTreeSet<PlaceId> = BTreeSet::new();
    let mut not_opened: Vec<PlaceId> = Vec::new();
    for index in 0..batch.places.len() {
        let place = PlaceId(index as u32);
        match (snapshot.versions[index] > 0, given.amount(index)) {
            (true, Some(opening)) if snapshot.values[index] != opening => {
                if openings.are_expectations {
                    let refusal = expectation(batch, place, snapshot.values[index], opening);
                    return Err(Box::new(at_opening(openings, place, refusal)));
                }
                ignored.insert(place);
            }
            (true, _) => {}
            (false, Some(opening)) => {
                if !aethel_ir::money::in_range(opening) || (opening < 0 && batch.is_bounded(place)) {
                    let message = format!(
                        "the opening balance of `{}` cannot be {}",
                        batch.place_name(place),
                        amount(batch, place, opening)
                    );
                    let diagnostic = Diagnostic::new(Code::AE0309, message)
                        .help("a bounded account holds from zero to 2^120 minor units");
                    return Err(Box::new(at_opening(openings, place, diagnostic)));
                }
                snapshot.values[index] = opening;
                snapshot.openings.push((place, opening));
            }
            // Fields begin with 0 and false, accounts that may go below zero with nothing.
            (false, None) if !batch.is_bounded(place) => {}
            (false, None) if openings.open_accounts => snapshot.openings.push((place, 0)),
            (false, None) => not_opened.push(place),
        }
    }
    // An account that holds several assets is one account.
    let mut accounts = HashSet::new();
    not_opened.retain(|place| accounts.insert(batch.account_of(*place)));
    if !not_opened.is_empty() {
        return Err(not_open(store, batch, &not_opened, openings));
    }
    if let Some(first) = ignored.first() {
        let more = match ignored.len() {
            1 => String::new(),
            n => format!(" and of {} more", n - 1),
        };
        let note = Diagnostic::new(
            Code::AE0315,
            format!(
                "the opening balance of `{}`{more} is ignored: the ledger knows it",
                batch.place_name(*first)
            ),
        )
        .help("the ledger's balance counts; opening balances are for accounts that it does not know");
        snapshot.notes.push(at_opening(openings, *first, note));
    }
    Ok(())
}

/// The opening balances by place; of two for one place the first counts.
struct Given<'a> {
    balances: &'a [(PlaceId, i128)],
    /// For each place where its balance stands, from 1; 0 when there is none. Empty when there are none at all.
    at: Vec<u32>,
}

impl<'a> Given<'a> {
    fn new(openings: &'a Openings, places: usize) -> Self {
        let balances = openings.balances.as_slice();
        let mut at = vec![0; if balances.is_empty() { 0 } else { places }];
        for (number, (place, _)) in (1..).zip(balances) {
            if let Some(at @ 0) = at.get_mut(place.0 as usize) {
                *at = number;
            }
        }
        Self { balances, at }
    }

    fn amount(&self, place: usize) -> Option<i128> {
        let at = self.at.get(place)?.checked_sub(1)?;
        self.balances.get(at as usize).map(|(_, amount)| *amount)
    }
}

fn amount(batch: &Batch, place: PlaceId, value: i128) -> String {
    match batch
        .asset_of(place)
        .and_then(|asset| batch.assets.get(usize::from(asset.0)))
    {
        Some(asset) => format!("{} {}", format_grouped(value, asset.scale), asset.name),
        None => value.to_string(),
    }
}

fn expectation(batch: &Batch, place: PlaceId, known: i128, expected: i128) -> Diagnostic {
    let message = format!(
        "the batch expects `{}` to hold {}, the ledger has {}",
        batch.place_name(place),
        amount(batch, place, expected),
        amount(batch, place, known)
    );
    Diagnostic::new(Code::AE0306, message).help("make the batch again from the balances of the ledger")
}

/// How many accounts that nobody opened are named.
const NAMED: usize = 3;

/// `the account a`, `the accounts a and b`, `1 002 accounts: a, b, c and others`.
fn which(batch: &Batch, places: &[PlaceId]) -> String {
    let names = places.iter().take(NAMED);
    let names: Vec<String> = names
        .map(|place| format!("`{}`", batch.place_name(*place)))
        .collect();
    match names.split_last() {
        _ if places.len() > NAMED => {
            let count = format_grouped(places.len() as i128, 0);
            format!("{count} accounts: {} and others", names.join(", "))
        }
        Some((last, [_, ..])) => {
            format!("the accounts {} and {last}", names[..names.len() - 1].join(", "))
        }
        _ => format!("the account {}", names.concat()),
    }
}

/// Nobody opened these accounts; a name that the ledger or the inputs know is proposed for a single one.
fn not_open(store: &dyn LedgerStore, batch: &Batch, places: &[PlaceId], openings: &Openings) -> Refusal {
    let place = places.first().copied().unwrap_or(PlaceId(0));
    let name = batch.account_of(place).map_or("", |account| account.as_str());
    let mut open: BTreeSet<String> = openings
        .balances
        .iter()
        .filter_map(|(place, _)| batch.account_of(*place))
        .map(|account| account.as_str().to_owned())
        .collect();
    // What cannot be read is not proposed; the refusal stands without it.
    let known = store.balances().into_iter().flatten().filter_map(Result::ok);
    open.extend(known.map(|(key, _)| key.account.as_str().to_owned()));
    let (single, them) = match places.len() {
        1 => (true, "it an opening balance"),
        _ => (false, "them opening balances"),
    };
    let meant = did_you_mean(name, open.iter().map(String::as_str)).filter(|_| single);
    let help = meant.unwrap_or_else(|| {
        format!("give {them} in the inputs, or open unknown accounts with zero with `--open-accounts`")
    });
    let message = format!("nobody opened {}", which(batch, places));
    let mut diagnostic = Diagnostic::new(Code::AE0305, message);
    if let Some((source, span)) = first_use(batch, place) {
        diagnostic = diagnostic.label(source, span, "used here");
    }
    Box::new(diagnostic.help(help))
}

/// Where the first transaction that touches a place comes from.
fn first_use(batch: &Batch, place: PlaceId) -> Option<(SourceId, Span)> {
    let user = batch.transactions.iter().find_map(|reference| {
        let group = batch.groups.get(reference.group as usize)?;
        let touches = group
            .places
            .iter()
            .any(|column| column.get(reference.row) == Some(&place));
        touches.then_some((group, reference.row))
    });
    let (group, row) = user?;
    let (source, spans) = group.origin.as_ref()?;
    Some((*source, *spans.get(row)?))
}
