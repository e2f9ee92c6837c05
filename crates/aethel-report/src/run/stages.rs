//! What each of the six stages did, in a line.

use super::amounts::grouped;
use super::human::counted;
use crate::escape::terminal;
use aethel_runtime::{BatchResult, StageReport, StageThreads};

/// The stages in order.
const NAMES: [&str; 6] = [
    "dependencies",
    "conflicts",
    "execution",
    "proof",
    "conservation",
    "commit",
];

const MARKS: [&str; 6] = ["①", "②", "③", "④", "⑤", "⑥"];

/// `①` for 1
pub(super) fn mark(number: u8) -> &'static str {
    MARKS
        .get(usize::from(number).wrapping_sub(1))
        .copied()
        .unwrap_or("·")
}

/// A stage for people.
pub(super) struct Stage {
    /// `① dependencies`
    pub name: String,
    /// What it did.
    pub said: String,
    /// How long it took; empty for the one that failed.
    pub time: String,
}

/// What the stages that ran say, and the one that failed.
pub(super) fn stages(result: &BatchResult, ledger: &str) -> Vec<Stage> {
    let mut rows = Vec::new();
    for stage in &result.stages {
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
        rows.push(Stage {
            name: format!("{} {}", mark(stage.number), stage.name),
            said,
            time: milliseconds(stage.duration_ns),
        });
    }
    if let (false, Some((mark, name))) = (
        result.success,
        MARKS.get(result.stages.len()).zip(NAMES.get(result.stages.len())),
    ) {
        rows.push(Stage {
            name: format!("{mark} {name}"),
            said: "failed".into(),
            time: String::new(),
        });
    }
    rows
}

/// How many threads each stage took that has two ways, and why.
pub(super) fn threads(result: &BatchResult) -> Vec<String> {
    let row = |stage: &StageReport| {
        let threads = stage.threads.as_ref()?;
        let (mark, why) = (mark(stage.number), terminal(&threads.why));
        Some(format!("{mark} on {}: {why}", counted(threads.count, "thread")))
    };
    result.stages.iter().filter_map(row).collect()
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

/// Times vary from run to run; everything else does not.
fn milliseconds(nanoseconds: u64) -> String {
    let tenths = nanoseconds / 100_000;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}
