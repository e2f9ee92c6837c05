//! What happened, in a sentence.

use super::super::IN_MEMORY;
use super::super::changes::moved;
use super::super::human::{began, counted, short};
use super::Page;
use aethel_ir::money::{format_grouped, group_digits};
use aethel_ir::quote;
use aethel_runtime::BatchResult;
use std::collections::BTreeSet;

/// What stands between a failure and its reason.
pub(super) const WHY: &str = ": ";

/// How a batch ended: a class, and words with a sign.
pub(super) fn status(result: &BatchResult) -> (&'static str, &'static str) {
    match result {
        result if result.outcome_unknown => ("bad", "? Outcome unknown"),
        result if !result.success && began(result) => ("bad", "✗ Rolled back"),
        result if !result.success => ("bad", "✗ Not run"),
        result if result.already_committed => ("wary", "= Committed before"),
        result if result.dry_run => ("wary", "○ Dry run"),
        _ => ("good", "✓ Committed"),
    }
}

/// The same for a run of several batches, or of none.
pub(super) fn status_of_all(run: &Page<'_>) -> (&'static str, &'static str) {
    match run.results.iter().find(|result| !result.success) {
        Some(failed) => status(failed),
        None if run.results.is_empty() => ("bad", "✗ Not run"),
        None => run.results.first().map_or(("bad", ""), status),
    }
}

/// What the page is about, with `names` between backticks.
pub(super) fn title(run: &Page<'_>) -> String {
    match run.results {
        [] => match run.diagnostics.iter().find(|problem| problem.is_error()) {
            Some(problem) => format!("Nothing was run. {}", capital(&problem.message)),
            None => "Nothing was run".to_owned(),
        },
        [only] => sentence(only),
        several => {
            let committed = several.iter().filter(|result| result.success).count();
            let what = match several.iter().any(|result| result.dry_run) {
                true => "would have gone through",
                false => "committed",
            };
            let mut said = format!(
                "{} of {} {what}",
                group_digits(&committed.to_string()),
                batches(several.len())
            );
            if let Some(failed) = several.iter().find(|result| !result.success) {
                said += &format!("; `{}` was rolled back", quote(&failed.batch));
            }
            said
        }
    }
}

fn batches(n: usize) -> String {
    format!("{} batches", group_digits(&n.to_string()))
}

/// What a batch did, in one sentence with `names` between backticks.
pub(super) fn sentence(result: &BatchResult) -> String {
    if result.outcome_unknown {
        return format!(
            "Nobody knows yet whether `{}` was committed: the store did not answer",
            quote(&result.batch)
        );
    }
    if !result.success {
        let why = result.error_message.as_deref().unwrap_or("it did not go through");
        return format!("Nothing was committed{WHY}{why}");
    }
    if result.already_committed {
        let said = result
            .headline
            .as_deref()
            .unwrap_or("nothing paid: already committed");
        return capital(said);
    }
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
    let verb = if result.dry_run { "would move" } else { "moved" };
    let moved = moved(&result.balances);
    let amounts: Vec<String> = moved
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                format_grouped(one.total, one.asset.scale),
                one.asset.name
            )
        })
        .collect();
    let transactions = counted(count, "transaction");
    match (moved.as_slice(), amounts.as_slice()) {
        ([], _) => {
            let verb = if result.dry_run { "would change" } else { "changed" };
            let places = changed(result);
            let what = if places == 0 {
                "nothing".to_owned()
            } else {
                counted(places, "value")
            };
            format!("{transactions} {verb} {what}, and no balance")
        }
        ([one], [amount]) => {
            let from = party(one.payer, one.payers);
            let to = party(one.payee, one.payees);
            format!("{transactions} {verb} {amount} from {from} to {to}")
        }
        (_, [first @ .., last]) => format!(
            "{transactions} {verb} {} and {last} between {}",
            first.join(", "),
            counted(parties(result), "account")
        ),
        _ => transactions,
    }
}

/// One account by name, more by number.
fn party(name: Option<&str>, count: usize) -> String {
    match name {
        Some(name) => format!("`{}`", quote(name)),
        None => counted(count, "account"),
    }
}

/// How many places hold something else than before.
pub(super) fn changed(result: &BatchResult) -> usize {
    result
        .balances
        .iter()
        .filter(|change| change.difference() != 0)
        .count()
}

fn parties(result: &BatchResult) -> usize {
    let changed = result.balances.iter().filter(|change| change.difference() != 0);
    changed
        .map(|change| change.account)
        .collect::<BTreeSet<_>>()
        .len()
}

/// What became of it, below the sentence.
pub(super) fn consequence(result: &BatchResult, ledger: &str) -> String {
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
    let name = quote(&result.batch);
    if result.outcome_unknown {
        return "Run it again with the same key: it is committed once, or found to be committed already"
            .to_owned();
    }
    if !result.success {
        return match began(result) {
            true if count == 1 => {
                format!("The transaction of `{name}` was rolled back: every balance is as it was before")
            }
            true => format!(
                "All {} of `{name}` were rolled back: every balance is as it was before",
                counted(count, "transaction")
            ),
            false => format!(
                "`{name}` was refused before its first transaction: every balance is as it was before"
            ),
        };
    }
    if result.dry_run {
        return format!("A dry run of `{name}`: everything was done but the commit, and nothing was changed");
    }
    let receipt = result.receipt.as_deref().map(short).unwrap_or_default();
    let sequence = group_digits(&result.sequence.unwrap_or_default().to_string());
    let what = if result.already_committed {
        "is"
    } else {
        "was committed as"
    };
    let place = match ledger {
        IN_MEMORY => "in memory".to_owned(),
        ledger => format!("of `{}`", quote(ledger)),
    };
    format!("`{name}` {what} batch {sequence} {place}, receipt `{receipt}`")
}

/// The first letter in upper case; names between backticks stay as they are.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
