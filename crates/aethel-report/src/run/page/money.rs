//! What moved, what was there before and after, and that nothing came from nowhere.

use super::super::amounts::grouped;
use super::super::changes::{largest_first, moved};
use super::list::list;
use super::words::changed;
use crate::bench::units::time;
use crate::html::{Column, Table, tile};
use aethel_ir::money::{format_grouped, group_digits};
use aethel_runtime::{BalanceChange, BatchResult, Details, Holds};
use std::time::Duration;

/// The figures that people look for first.
pub(super) fn tiles(result: &BatchResult) -> String {
    let mut out = String::new();
    let moves = moved(&result.balances);
    for one in moves.iter().take(3) {
        let total = format_grouped(one.total, one.asset.scale);
        let what = match result.dry_run {
            true => "would move",
            false => "moved",
        };
        out += &tile(&total, &format!("{} {what}, net", one.asset.name));
    }
    if let Some(graph) = &result.graph {
        let count = group_digits(&graph.transactions.to_string());
        let what = match (result.success, graph.transactions) {
            (true, 1) => "transaction, proved",
            (true, _) => "transactions, all or none",
            (false, _) => "transactions, none kept",
        };
        out += &tile(&count, what);
    }
    let changed = changed(result);
    if changed > 0 {
        out += &tile(&group_digits(&changed.to_string()), "balances changed");
    }
    if let Ok(took) = Duration::try_from_secs_f64(result.execution_time) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let what = match (result.success, result.dry_run) {
            (true, false) => "from the first look to the receipt",
            _ => "in all",
        };
        out += &tile(&time(nanoseconds), what);
    }
    format!("<div class=\"tiles\">\n{out}</div>\n")
}

/// Sums before and after, asset by asset; empty when nothing was checked.
pub(super) fn conservation(result: &BatchResult) -> String {
    let Some(conservation) = &result.conservation_proof else {
        return String::new();
    };
    let rows: Vec<Vec<String>> = conservation
        .assets
        .iter()
        .map(|sum| {
            vec![
                sum.asset.clone(),
                grouped(&sum.before),
                grouped(&sum.after),
                grouped(&sum.difference),
            ]
        })
        .collect();
    let columns = [
        Column::text("asset"),
        Column::number("all accounts before"),
        Column::number("after"),
        Column::number("created or destroyed"),
    ];
    let mut out = String::from("<p>");
    out += match rows.is_empty() {
        true => "No asset was touched.",
        false => "What some accounts lost is exactly what others gained, in each asset:",
    };
    out += "</p>\n";
    out += &Table {
        caption: "Sums before and after",
        class: "",
        columns: &columns,
        rows: &rows,
    }
    .html();
    match conservation.oracle_proofs {
        0 => {}
        1 => {
            out += "<p>One value was signed by an oracle that the ledger trusts; its signature was verified.</p>\n"
        }
        n => {
            let count = group_digits(&n.to_string());
            out += &format!(
                "<p>{count} values were signed by oracles that the ledger trusts; each signature was verified.</p>\n"
            );
        }
    }
    out
}

/// Every balance that changed.
pub(super) fn balances(result: &BatchResult, prefix: &str) -> String {
    let largest = largest_first(&result.balances, Details::MOST);
    if largest.changes.is_empty() {
        return String::new();
    }
    let columns = [
        Column::text("account"),
        Column::text("in"),
        Column::number("before"),
        Column::number("after"),
        Column::number("change"),
    ];
    let rows: Vec<Vec<String>> = largest.changes.iter().map(row).collect();
    let mut out = String::from("<p>Every balance that changed, the largest changes first.</p>\n");
    if largest.others > 0 {
        let others = group_digits(&largest.others.to_string());
        out += &format!(
            "<p class=\"soft\">{others} smaller changes are not on this page; <code>--output-file json:result.json</code> \
             writes all of them.</p>\n"
        );
    }
    out + &list(
        &format!("{prefix}balances"),
        "Balances before and after",
        "balances",
        &columns,
        &rows,
    )
}

fn row(change: &BalanceChange<'_>) -> Vec<String> {
    let (what, shown): (&str, &dyn Fn(i128) -> String) = match change.holds {
        Holds::Balance(asset) => (&asset.name, &|value| format_grouped(value, asset.scale)),
        Holds::Integer(name) | Holds::Bool(name) => (name, &|value| change.text(value)),
    };
    let difference = match change.holds {
        Holds::Bool(_) => String::new(),
        Holds::Integer(_) => change.difference().to_string(),
        Holds::Balance(_) => shown(change.difference()),
    };
    let sign = if change.difference() > 0 && !difference.is_empty() {
        "+"
    } else {
        ""
    };
    vec![
        change.account.to_owned(),
        what.to_owned(),
        shown(change.before),
        shown(change.after),
        format!("{sign}{difference}"),
    ]
}
