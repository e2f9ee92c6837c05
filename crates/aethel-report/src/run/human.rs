//! A batch's result as a treasurer reads it: what happened, the six stages, balances, the receipt.

use super::IN_MEMORY;
use super::changes::{Largest, moved};
use super::stages::{stages, threads};
use crate::bench::units::ratio;
use crate::escape::terminal;
use crate::table::{Align, table};
use aethel_ir::money::format_grouped;
use aethel_runtime::{Approval, BalanceChange, BatchResult, Holds};

/// How many balances are listed.
const LISTED: usize = 8;

/// What is printed about a batch; on request also why each stage took as many threads as it did. The failure itself is a
/// diagnostic, drawn elsewhere.
pub fn batch(result: &BatchResult, ledger: &str, why: bool) -> String {
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
    let rows: Vec<Vec<String>> = stages(result, ledger)
        .into_iter()
        .map(|stage| vec![format!("  {}", stage.name), stage.said, stage.time])
        .collect();
    out += &table(&[Align::Left, Align::Left, Align::Right], &rows);
    if why {
        let rows: String = threads(result).iter().map(|row| format!("  {row}\n")).collect();
        if !rows.is_empty() {
            out += &format!("\n{rows}");
        }
    }
    if !result.success {
        return format!("{out}\n{}\n", rolled_back(result));
    }
    let measured = measured(result);
    if !measured.is_empty() {
        out += &format!("\n{measured}");
    }
    let balances = balances(result);
    if !balances.is_empty() {
        out += &format!("\n{balances}");
    }
    let approval = approval(result);
    if !approval.is_empty() {
        out += &format!("\n{approval}");
    }
    out += &format!("\n{}\n", ending(result, ledger));
    out
}

/// What an approver reads before signing a batch: what it moves, the balances it would change, who else has to sign.
pub fn plan(result: &BatchResult) -> String {
    let mut out = format!("{} · {}\n", terminal(&result.batch), summary(result));
    let balances = balances(result);
    if !balances.is_empty() {
        out += &format!("\n{balances}");
    }
    if let Some(approval) = &result.approval {
        out += &format!("\n{}  plan {}\n", needs(approval), approval.plan_hash);
    }
    out
}

/// What the ledger's rules about approvals ask for, and what there is to sign.
fn approval(result: &BatchResult) -> String {
    let Some(approval) = &result.approval else {
        return String::new();
    };
    let mut out = needs(approval);
    if result.dry_run {
        out += &format!("  plan {}\n", approval.plan_hash);
    }
    out
}

/// One line for each rule that asks for approvals: how many, why, who has signed.
pub fn needs(approval: &Approval) -> String {
    let mut out = String::new();
    for need in &approval.needs {
        let of = need.given.len() + need.could.len();
        let signed = match need.given.is_empty() {
            true => "nobody has signed".to_owned(),
            false => format!("signed by {}", need.given.join(", ")),
        };
        let line = format!(
            "{} asks for {} of {of}, since {}: {signed}",
            need.rule, need.needed, need.why
        );
        out += &format!("  {}\n", terminal(&line));
    }
    out
}

/// What was measured besides, when that was asked for.
pub(super) fn measured(result: &BatchResult) -> String {
    let mut out = String::new();
    if let (Some(times), Some(baseline)) = (result.throughput_improvement, result.throughput_baseline) {
        out += &format!(
            "  {} as fast as one by one with a proof and a commit each (measured on {} of {})\n",
            ratio(times),
            counted(baseline.measured, "transaction"),
            aethel_ir::money::group_digits(&baseline.of.to_string())
        );
    }
    // On one thread there is nothing to compare.
    if let (Some(times), 2..) = (result.parallel_speedup, result.thread_count) {
        let threads = counted(result.thread_count, "thread");
        out += &format!("  ③ on {threads} {} as fast as on one (measured)\n", ratio(times));
    }
    out
}

/// Whether a stage failed, and not what is asked before them (keys, openings, policy, oracle proofs).
pub(super) fn began(result: &BatchResult) -> bool {
    let code = result.error_code.unwrap_or_default();
    let stage = ["AE04", "AE05", "AE06"]
        .iter()
        .any(|group| code.starts_with(group));
    stage || result.stages.len() > 1
}

/// `1 000 transactions · 8 372 000.00 USD from company`
fn summary(result: &BatchResult) -> String {
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
    let mut parts = vec![counted(count, "transaction")];
    for moved in moved(&result.balances) {
        let from = match moved.payer {
            Some(payer) => format!(" from {}", terminal(payer)),
            None => String::new(),
        };
        let total = format_grouped(moved.total, moved.asset.scale);
        parts.push(format!("{total} {}{from}", terminal(&moved.asset.name)));
    }
    parts.join(" · ")
}

pub(super) fn counted(n: usize, word: &str) -> String {
    let digits = aethel_ir::money::group_digits(&n.to_string());
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{digits} {word}s")
    }
}

/// The largest changes, largest first within the order of accounts.
fn balances(result: &BatchResult) -> String {
    let largest = Largest::of(&result.balances, LISTED);
    let row = |change: &BalanceChange<'_>| {
        let (what, shown): (&str, &dyn Fn(i128) -> String) = match change.holds {
            Holds::Balance(asset) => (&asset.name, &|value| format_grouped(value, asset.scale)),
            Holds::Integer(name) | Holds::Bool(name) => (name, &|value| change.text(value)),
        };
        vec![
            format!("  {}", change.account),
            shown(change.before),
            "→".into(),
            shown(change.after),
            what.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = largest.changes.iter().map(row).collect();
    let mut out = table(
        &[Align::Left, Align::Right, Align::Left, Align::Right, Align::Left],
        &rows,
    );
    if largest.others > 0 {
        let more = aethel_ir::money::group_digits(&largest.others.to_string());
        let how = if result.dry_run {
            ""
        } else {
            " (aethel ledger show)"
        };
        out += &format!("  and {more} more{how}\n");
    }
    out
}

fn ending(result: &BatchResult, ledger: &str) -> String {
    if result.dry_run {
        let content = result.content_hash.as_deref().unwrap_or("");
        return format!("dry run: nothing was changed · content {content}");
    }
    let receipt = result.receipt.as_deref().map(short).unwrap_or_default();
    let sequence = result.sequence.unwrap_or_default();
    if ledger == IN_MEMORY {
        return format!("committed · receipt {receipt}");
    }
    format!("committed · receipt {receipt} · `aethel ledger proof {sequence}`")
}

/// The first eight digits of a receipt in two groups.
pub(super) fn short(receipt: &str) -> String {
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
