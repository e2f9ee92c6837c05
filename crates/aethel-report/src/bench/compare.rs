//! Two reports line by line: what became slower or faster, and what is only noise.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use super::human::threads;
use super::model::{BenchReport, Line, Store, Timing};
use super::units::{count, ratio, time};
use crate::table::{Align, table};
use std::fmt;

/// A smaller difference is never called a change: machines vary more from day to day.
const LEAST: f64 = 0.05;

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The new times lie above the old ones.
    Slower,
    /// The new times lie below the old ones.
    Faster,
    /// They overlap, or differ by less than a twentieth.
    WithinNoise,
    /// The old report has no such line.
    New,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::WithinNoise => "within noise",
            Verdict::New => "new",
        })
    }
}

/// A line of the new report and what it was.
#[derive(Clone, Debug)]
pub struct Change {
    /// The scenario.
    pub scenario: String,
    /// The new line.
    pub line: Line,
    /// The time before, stages 1 to 5 in memory or the whole batch on the disk.
    pub before: Option<Timing>,
    /// New over old, medians.
    pub ratio: Option<f64>,
    /// What it means.
    pub verdict: Verdict,
}

/// Compares every line of the new report with the same line of the old one.
pub fn compare(old: &BenchReport, new: &BenchReport) -> Vec<Change> {
    let lines = new
        .scenarios
        .iter()
        .flat_map(|one| one.lines.iter().map(move |line| (one, line)));
    let change = |(scenario, line): (&super::model::Scenario, &Line)| {
        let known = old.scenario(&scenario.name);
        let known = known.and_then(|old| old.line(line.transactions, line.store, line.threads));
        let before = known.map(|old| *old.main());
        Change {
            scenario: scenario.name.clone(),
            before,
            ratio: before.map(|before| line.main().p50 as f64 / before.p50.max(1) as f64),
            verdict: before.map_or(Verdict::New, |before| verdict(&before, line.main())),
            line: line.clone(),
        }
    };
    lines.map(change).collect()
}

/// The spread of the repeats decides: a change is called one when nine of ten runs of the faster side stay below the
/// median of the other, and not one run of the other reaches the median of the faster.
fn verdict(before: &Timing, after: &Timing) -> Verdict {
    let change = after.p50 as f64 / before.p50.max(1) as f64 - 1.0;
    if change > LEAST && after.min > before.p50 && after.p50 > before.p90 {
        Verdict::Slower
    } else if change < -LEAST && before.min > after.p50 && before.p50 > after.p90 {
        Verdict::Faster
    } else {
        Verdict::WithinNoise
    }
}

/// The comparison on a terminal.
pub fn changes_table(changes: &[Change]) -> String {
    let head = [
        "",
        "transactions",
        "ledger",
        "threads",
        "before",
        "now",
        "now ÷ before",
        "",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for one in changes {
        rows.push(vec![
            one.scenario.clone(),
            count(one.line.transactions),
            match one.line.store {
                Store::Memory => "memory".into(),
                Store::Redb => "redb".into(),
            },
            threads(&one.line),
            one.before.map_or("–".into(), |before| time(before.p50)),
            time(one.line.main().p50),
            one.ratio.map_or("–".into(), ratio),
            one.verdict.to_string(),
        ]);
    }
    use Align::{Left, Right};
    table(&[Left, Right, Left, Right, Right, Right, Right, Left], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(min: u64, p50: u64, p90: u64) -> Timing {
        Timing {
            repeats: 20,
            min,
            p50,
            p90,
            p99: p90,
            max: p90,
        }
    }

    #[test]
    fn noise_is_not_a_change() {
        let before = timing(95, 100, 110);
        for (after, expected) in [
            (timing(95, 100, 110), Verdict::WithinNoise),
            // Clearly apart.
            (timing(140, 150, 160), Verdict::Slower),
            (timing(40, 50, 60), Verdict::Faster),
            // A larger median, but the runs overlap.
            (timing(96, 130, 200), Verdict::WithinNoise),
            (timing(60, 70, 120), Verdict::WithinNoise),
            // Apart, but by too little.
            (timing(101, 103, 104), Verdict::WithinNoise),
        ] {
            assert_eq!(verdict(&before, &after), expected, "{after:?}");
        }
        // Apart, but by too little to be called a change.
        let tight = timing(99, 100, 101);
        assert_eq!(verdict(&tight, &timing(103, 104, 105)), Verdict::WithinNoise);
        assert_eq!(verdict(&tight, &timing(106, 107, 108)), Verdict::Slower);
    }
}
