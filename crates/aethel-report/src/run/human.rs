//! A batch's result as a treasurer reads it: what happened, the six stages, balances, the receipt.

use super::amounts::{grouped, minor, with_places};
use crate::escape::terminal;
use crate::table::{Align, table};
use aethel_runtime::{BalanceChange, BatchResult};
use std::collections::BTreeMap;

/// How many balances are listed.
const LISTED: usize = 8;

/// What is printed about a batch. The failure itself is a diagnostic, drawn elsewhere.
pub fn batch(result: &BatchResult, ledger: &str) -> String {
    let name = terminal(&result.batch);
    if result.already_committed {
        let headline = result
            .headline
            .as_deref()
            .unwrap_or("nothing paid: already committed");
        return format!("{name} · {}\n", terminal(headline));
    }
    if !result.success && !began(result) {
        return format!("{name} was not run: nothing was changed\n");
    }
    let mut out = format!("{name} · {}\n\n", summary(result));
    out += &stages(result, ledger);
    if !result.success {
        return format!("{out}\n{}\n", rolled_back(result));
    }
    let balances = balances(result);
    if !balances.is_empty() {
        out += &format!("\n{balances}");
    }
    out += &format!("\n{}\n", ending(result));
    out
}

/// The stages in order.
const NAMES: [&str; 6] = [
    "dependencies",
    "conflicts",
    "execution",
    "proof",
    "conservation",
    "commit",
];

/// Whether a stage failed, and not what is asked before them (keys, openings, policy, oracle proofs).
fn began(result: &BatchResult) -> bool {
    let code = result.error_code.unwrap_or_default();
    let stage = ["AE04", "AE05", "AE06"]
        .iter()
        .any(|group| code.starts_with(group));
    stage || result.stages.len() > 1
}

/// `1 000 transactions · 8 372 000.00 USD from company`
fn summary(result: &BatchResult) -> String {
    let count = result.graph.map_or(0, |graph| graph.transactions);
    let mut parts = vec![counted(count, "transaction")];
    for (asset, moved) in moved(&result.balances) {
        let from = match moved.payers.as_slice() {
            [one] => format!(" from {}", terminal(one)),
            _ => String::new(),
        };
        let total = grouped(&with_places(moved.total, &moved.like));
        parts.push(format!("{total} {}{from}", terminal(&asset)));
    }
    parts.join(" · ")
}

/// What moved in one asset.
struct Moved {
    total: i128,
    payers: Vec<String>,
    like: String,
}

fn moved(balances: &[BalanceChange]) -> BTreeMap<String, Moved> {
    let mut assets: BTreeMap<String, Moved> = BTreeMap::new();
    for change in balances {
        let Some(asset) = &change.asset else { continue };
        let delta = difference(change);
        let entry = assets.entry(asset.clone()).or_insert_with(|| Moved {
            total: 0,
            payers: Vec::new(),
            like: change.before.clone(),
        });
        match delta.signum() {
            1 => entry.total = entry.total.saturating_add(delta),
            -1 => entry.payers.push(change.account.clone()),
            _ => {}
        }
    }
    assets.retain(|_, moved| moved.total != 0);
    assets
}

fn counted(n: usize, word: &str) -> String {
    let digits = aethel_ir::money::group_digits(&n.to_string());
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{digits} {word}s")
    }
}

fn stages(result: &BatchResult, ledger: &str) -> String {
    let marks = ["①", "②", "③", "④", "⑤", "⑥"];
    let mut rows = Vec::new();
    for stage in &result.stages {
        let mark = marks
            .get(usize::from(stage.number).wrapping_sub(1))
            .copied()
            .unwrap_or("·");
        let said = match stage.number {
            1 => dependencies(result),
            2 => conflicts(result),
            3 => execution(result),
            4 => proof(result),
            5 => conservation(result),
            _ => commit(result, ledger),
        };
        rows.push(vec![
            format!("  {mark} {}", stage.name),
            said,
            milliseconds(stage.duration_ns),
        ]);
    }
    if let (false, Some((mark, name))) = (
        result.success,
        marks.get(result.stages.len()).zip(NAMES.get(result.stages.len())),
    ) {
        rows.push(vec![format!("  {mark} {name}"), "failed".into(), String::new()]);
    }
    table(&[Align::Left, Align::Left, Align::Right], &rows)
}

fn dependencies(result: &BatchResult) -> String {
    let Some(graph) = result.graph else {
        return String::new();
    };
    let after = if graph.after > 0 {
        format!(", {} by `after`", graph.after)
    } else {
        String::new()
    };
    let parts = if graph.components > 1 {
        format!(", {} independent parts", graph.components)
    } else {
        String::new()
    };
    let depth = aethel_ir::money::group_digits(&graph.depth.to_string());
    let transactions = counted(graph.transactions, "transaction");
    format!(
        "{transactions}, {}{after}, depth {depth}{parts}",
        counted(graph.edges, "edge")
    )
}

fn conflicts(result: &BatchResult) -> String {
    let Some(conflicts) = &result.conflicts else {
        return String::new();
    };
    let counts = conflicts.consecutive;
    if counts.total() == 0 {
        return "none: every transaction is independent".into();
    }
    let group = |n: u64| aethel_ir::money::group_digits(&n.to_string());
    let on = match conflicts.top.as_slice() {
        [one] => format!("on `{}`", terminal(&one.place)),
        _ => format!("on {} balances", conflicts.places),
    };
    let (all, commuting) = (counts.total(), conflicts.commuting.total());
    let resolved = match (commuting, conflicts.top.as_slice()) {
        (0, [only]) => match only.reason {
            Some(reason) => format!("kept in order, since {reason}"),
            None => "kept in order".to_owned(),
        },
        (0, _) => "kept in order".to_owned(),
        (some, _) if some == all => "all commute (escrow)".to_owned(),
        (some, _) => format!("{} commute (escrow), the others are kept in order", group(some)),
    };
    format!(
        "{} RAW, {} WAW, {} WAR {on}: {resolved}",
        group(counts.raw),
        group(counts.waw),
        group(counts.war)
    )
}

fn execution(result: &BatchResult) -> String {
    let count = result.graph.map_or(0, |graph| graph.transactions);
    let parallel = match result.transactions_parallel {
        0 => String::new(),
        n => format!(", {} overlapped", aethel_ir::money::group_digits(&n.to_string())),
    };
    let why = result
        .threads_why
        .as_deref()
        .map(|why| format!(" ({})", terminal(why)))
        .unwrap_or_default();
    format!(
        "{} on {}{parallel}{why}",
        counted(count, "transaction"),
        counted(result.thread_count, "thread")
    )
}

fn proof(result: &BatchResult) -> String {
    let Some(proof) = &result.linearizability_proof else {
        return String::new();
    };
    let mut said = String::from("equals the serial run in batch order · ");
    said += if proof.by_sums {
        "any order gives the same"
    } else {
        "certificate checked"
    };
    if !proof.lemmas.is_empty() {
        said += &format!(
            " ({} by {})",
            counted(proof.lemmas.len(), "lemma"),
            terminal(&proof.solver)
        );
    }
    if proof.replay_equal == Some(true) {
        said += " · replay equal";
    }
    if proof.direct == Some("proved") {
        said += &format!(" · proved by {}", terminal(&proof.solver));
    }
    if let Some(reason) = &proof.fallback {
        said += &format!(" · run serially: {}", terminal(reason));
    }
    said
}

fn conservation(result: &BatchResult) -> String {
    let Some(conservation) = &result.conservation_proof else {
        return String::new();
    };
    let mut parts: Vec<String> = conservation
        .assets
        .iter()
        .map(|sum| {
            format!(
                "{} {} = {}",
                terminal(&sum.asset),
                grouped(&sum.before),
                grouped(&sum.after)
            )
        })
        .collect();
    if conservation.oracle_proofs > 0 {
        parts.push(counted(conservation.oracle_proofs, "oracle proof"));
    }
    if parts.is_empty() {
        "nothing of value moved".into()
    } else {
        parts.join(" · ")
    }
}

fn commit(result: &BatchResult, ledger: &str) -> String {
    if result.dry_run {
        return format!("nothing committed (dry run), {} would take it", terminal(ledger));
    }
    match result.sequence {
        Some(sequence) => format!("batch {sequence} in {}", terminal(ledger)),
        None => String::new(),
    }
}

/// How much a place gained, in units of its last place; true and false count as 1 and 0.
fn difference(change: &BalanceChange) -> i128 {
    let value = |text: &str| match text {
        "true" => 1,
        "false" => 0,
        amount => minor(amount),
    };
    value(&change.after).saturating_sub(value(&change.before))
}

/// The size of a change in whole units, then in parts of one: so that changes in different assets can be compared.
fn units(delta: i128, change: &BalanceChange) -> (u128, u128) {
    let places = change
        .before
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let unit = u32::try_from(places)
        .ok()
        .and_then(|places| 10_u128.checked_pow(places))
        .unwrap_or(1);
    (delta.unsigned_abs() / unit, delta.unsigned_abs() % unit)
}

/// The largest changes, largest first within the order of accounts.
fn balances(result: &BatchResult) -> String {
    let mut changed: Vec<(i128, &BalanceChange)> = result
        .balances
        .iter()
        .map(|change| (difference(change), change))
        .filter(|(delta, _)| *delta != 0)
        .collect();
    let total = changed.len();
    let larger = |(a, x): &(i128, &BalanceChange), (b, y): &(i128, &BalanceChange)| {
        units(*b, y)
            .cmp(&units(*a, x))
            .then_with(|| x.account.cmp(&y.account))
    };
    if total > LISTED {
        changed.select_nth_unstable_by(LISTED, larger);
        changed.truncate(LISTED);
    }
    changed.sort_by(larger);
    let row = |(_, change): &(i128, &BalanceChange)| {
        let what = change
            .asset
            .as_deref()
            .or(change.field.as_deref())
            .unwrap_or("")
            .to_owned();
        let shown = |text: &str| {
            if change.asset.is_some() {
                grouped(text)
            } else {
                text.to_owned()
            }
        };
        vec![
            format!("  {}", change.account),
            shown(&change.before),
            "→".into(),
            shown(&change.after),
            what,
        ]
    };
    let rows: Vec<Vec<String>> = changed.iter().map(row).collect();
    let mut out = table(
        &[Align::Left, Align::Right, Align::Left, Align::Right, Align::Left],
        &rows,
    );
    if total > LISTED {
        let more = aethel_ir::money::group_digits(&(total - LISTED).to_string());
        let how = if result.dry_run {
            ""
        } else {
            " (aethel ledger show)"
        };
        out += &format!("  and {more} more{how}\n");
    }
    out
}

fn ending(result: &BatchResult) -> String {
    if result.dry_run {
        let content = result.content_hash.as_deref().unwrap_or("");
        return format!("dry run: nothing was changed · content {content}");
    }
    let receipt = result.receipt.as_deref().map(short).unwrap_or_default();
    let sequence = result.sequence.unwrap_or_default();
    format!("committed · receipt {receipt} · `aethel ledger proof {sequence}`")
}

/// The first eight digits of a receipt in two groups.
fn short(receipt: &str) -> String {
    match (receipt.get(..4), receipt.get(4..8)) {
        (Some(a), Some(b)) => format!("{a} {b}"),
        _ => receipt.to_owned(),
    }
}

fn rolled_back(result: &BatchResult) -> String {
    if result.outcome_unknown {
        return "outcome unknown: the store did not answer; run again with the same key".into();
    }
    "rolled back: nothing was committed, every balance is as before".into()
}

/// Times vary from run to run; everything else does not.
fn milliseconds(nanoseconds: u64) -> String {
    let tenths = nanoseconds / 100_000;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}
