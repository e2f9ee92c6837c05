//! A batch's result as a treasurer reads it: what happened, the six stages, balances, the receipt.

use super::amounts::grouped;
use super::changes::{Largest, moved};
use crate::bench::units::ratio;
use crate::escape::terminal;
use crate::table::{Align, table};
use aethel_ir::money::format_grouped;
use aethel_runtime::{Approval, BalanceChange, BatchResult, Holds, StageReport, StageThreads};

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
    out += &stages(result, ledger);
    if why {
        out += &threads(result);
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
    out += &format!("\n{}\n", ending(result));
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
fn measured(result: &BatchResult) -> String {
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

/// The stages in order.
const NAMES: [&str; 6] = [
    "dependencies",
    "conflicts",
    "execution",
    "proof",
    "conservation",
    "commit",
];

/// Their marks.
const MARKS: [&str; 6] = ["①", "②", "③", "④", "⑤", "⑥"];

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

fn counted(n: usize, word: &str) -> String {
    let digits = aethel_ir::money::group_digits(&n.to_string());
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{digits} {word}s")
    }
}

fn stages(result: &BatchResult, ledger: &str) -> String {
    let mut rows = Vec::new();
    for stage in &result.stages {
        let mark = mark(stage.number);
        let mut said = match stage.number {
            1 => dependencies(result),
            2 => conflicts(result),
            3 => execution(result),
            4 => proof(result),
            5 => conservation(result),
            _ => commit(result, ledger),
        };
        // Stage ③ says it in any case, with the reason.
        if let (
            1 | 2 | 4,
            Some(StageThreads {
                count: count @ 2.., ..
            }),
        ) = (stage.number, &stage.threads)
        {
            said += &format!(" · {}", counted(*count, "thread"));
        }
        rows.push(vec![
            format!("  {mark} {}", stage.name),
            said,
            milliseconds(stage.duration_ns),
        ]);
    }
    if let (false, Some((mark, name))) = (
        result.success,
        MARKS.get(result.stages.len()).zip(NAMES.get(result.stages.len())),
    ) {
        rows.push(vec![format!("  {mark} {name}"), "failed".into(), String::new()]);
    }
    table(&[Align::Left, Align::Left, Align::Right], &rows)
}

/// How many threads each stage took that has two ways, and why.
fn threads(result: &BatchResult) -> String {
    let row = |stage: &StageReport| {
        let threads = stage.threads.as_ref()?;
        let (mark, why) = (mark(stage.number), terminal(&threads.why));
        Some(format!(
            "  {mark} on {}: {why}\n",
            counted(threads.count, "thread")
        ))
    };
    let rows: String = result.stages.iter().filter_map(row).collect();
    match rows.is_empty() {
        true => rows,
        false => format!("\n{rows}"),
    }
}

fn mark(stage: u8) -> &'static str {
    MARKS
        .get(usize::from(stage).wrapping_sub(1))
        .copied()
        .unwrap_or("·")
}

fn dependencies(result: &BatchResult) -> String {
    let Some(graph) = &result.graph else {
        return String::new();
    };
    let after = if graph.after > 0 {
        format!(", {} by `after`", graph.after)
    } else {
        String::new()
    };
    let parts = if graph.components.get() > 1 {
        format!(", {} independent parts", graph.components.get())
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
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
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
