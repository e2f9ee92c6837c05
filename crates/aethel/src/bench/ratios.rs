//! The ratios that are followed from version to version, with their goals.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use super::BenchOptions;
use super::scenario::BUILTINS;
use aethel_report::bench::model::{BenchReport, Line, Ratio, Store, Timing};

/// A workload in some sizes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A built-in workload or a program.
    pub what: String,
    /// In so many transactions.
    pub sizes: Vec<usize>,
}

/// What to run.
pub fn plan(options: &BenchOptions) -> Vec<Plan> {
    if options.ratios {
        let sizes = |sizes: &[usize]| -> Vec<usize> {
            sizes
                .iter()
                .copied()
                .filter(|size| options.sizes.contains(size))
                .collect()
        };
        return vec![
            Plan {
                what: "uniform".into(),
                sizes: sizes(&[100, 1_000, 10_000, 100_000, 1_000_000]),
            },
            Plan {
                what: "hot".into(),
                sizes: sizes(&[10_000]),
            },
            Plan {
                what: "liquidations".into(),
                sizes: sizes(&[1_000, 10_000, 100_000]),
            },
        ];
    }
    let what = if options.what.is_empty() {
        BUILTINS.iter().map(|builtin| builtin.name.to_owned()).collect()
    } else {
        options.what.clone()
    };
    what.into_iter()
        .map(|what| Plan {
            what,
            sizes: options.sizes.clone(),
        })
        .collect()
}

/// Whether a ratio looks at this line.
pub fn needs(scenario: &str, size: usize, store: Store) -> bool {
    store == Store::Memory || scenario == "uniform" && size <= 100_000
}

/// Looks lines up in a report.
struct Lines<'a>(&'a BenchReport);

impl<'a> Lines<'a> {
    fn get(&self, scenario: &str, size: u64, store: Store, threads: Option<u32>) -> Option<&'a Line> {
        self.0.scenario(scenario)?.line(size, store, threads)
    }

    fn memory(&self, scenario: &str, size: u64, threads: Option<u32>) -> Option<&'a Line> {
        self.get(scenario, size, Store::Memory, threads)
    }
}

fn over(above: Option<&Timing>, below: Option<&Timing>) -> Option<f64> {
    Some(above?.min as f64 / below?.min.max(1) as f64)
}

fn medians(above: Option<&Timing>, below: Option<&Timing>) -> Option<f64> {
    Some(above?.p50 as f64 / below?.p50.max(1) as f64)
}

/// Every ratio, measured or not.
pub fn ratios(report: &BenchReport) -> Vec<Ratio> {
    let lines = Lines(report);
    let mut all = Vec::new();
    let mut add = |id: &str, what: &str, measured: Option<f64>, goal: f64, at_most: bool| {
        all.push(Ratio {
            id: id.into(),
            what: what.into(),
            measured,
            goal,
            at_most,
        });
    };
    let (one, two) = (Some(1), Some(2));

    let uniform = |size, threads| lines.memory("uniform", size, threads);
    let five = |line: Option<&'_ Line>| line.map(|line| line.through_five);
    let bare = |line: Option<&'_ Line>| line.and_then(|line| line.serial_loop);
    let three = |line: Option<&'_ Line>| line.and_then(|line| line.stage(3).copied());
    let to_loop = |line| over(five(line).as_ref(), bare(line).as_ref());
    add(
        "loop-10k",
        "stages 1-5 over the bare loop, uniform, 10 000, 1 thread",
        to_loop(uniform(10_000, one)),
        15.0,
        true,
    );
    add(
        "loop-1m",
        "stages 1-5 over the bare loop, uniform, 1 000 000, 2 threads",
        to_loop(uniform(1_000_000, two)),
        8.0,
        true,
    );
    let hot = lines.memory("hot", 10_000, one);
    add(
        "hot",
        "throughput of hot over uniform, stages 1-5, 10 000, 1 thread",
        over(five(uniform(10_000, one)).as_ref(), five(hot).as_ref()),
        1.0,
        false,
    );

    for (id, name, size) in [
        ("uniform-1m", "uniform", 1_000_000),
        ("liquidations-1k", "liquidations", 1_000),
        ("liquidations-10k", "liquidations", 10_000),
        ("liquidations-100k", "liquidations", 100_000),
    ] {
        let at = |threads| lines.memory(name, size, threads);
        let shown = aethel_ir::money::group_digits(&size.to_string());
        add(
            &format!("threads-{id}"),
            &format!("2 threads over 1, stages 1-5, {name}, {shown}"),
            over(five(at(one)).as_ref(), five(at(two)).as_ref()),
            1.7,
            false,
        );
        add(
            &format!("threads-{id}-stage-3"),
            &format!("2 threads over 1, stage 3 alone, {name}, {shown}"),
            over(three(at(one)).as_ref(), three(at(two)).as_ref()),
            1.7,
            false,
        );
    }
    // The default must not lose against one thread; a tenth is noise.
    let adaptive = report
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.lines)
        .filter(|line| line.store == Store::Memory && line.threads.is_none());
    let worst = adaptive.filter_map(|line| {
        let scenario = report
            .scenarios
            .iter()
            .find(|scenario| scenario.lines.iter().any(|l| std::ptr::eq(l, line)))?;
        let alone = scenario.line(line.transactions, Store::Memory, one)?;
        over(Some(&line.through_five), Some(&alone.through_five))
    });
    add(
        "adaptive",
        "default number of threads over 1 thread, time of stages 1-5, worst of all lines",
        worst.reduce(f64::max),
        1.1,
        true,
    );

    for (id, size) in [
        ("durable-1k", 1_000),
        ("durable-10k", 10_000),
        ("durable-100k", 100_000),
    ] {
        let line = lines.get("uniform", size, Store::Redb, None);
        let floor = line.and_then(|line| line.floor).map(|floor| floor.time);
        let shown = aethel_ir::money::group_digits(&size.to_string());
        add(
            id,
            &format!("durable batch over loop, one write and fdatasync, uniform, {shown}"),
            medians(line.map(|line| line.whole).as_ref(), floor.as_ref()),
            3.0,
            true,
        );
    }
    let line = lines.get("uniform", 1_000, Store::Redb, None);
    let p99 = line.and_then(|line| {
        let floor = line.floor?;
        Some(line.whole.p99 as f64 / floor.sync.p99.max(1) as f64)
    });
    add(
        "answer-p99",
        "P99 of the answer over P99 of write and fdatasync, 1 000",
        p99,
        4.0,
        true,
    );
    for (id, size, goal) in [("singles-100", 100, 10.0), ("singles-1k", 1_000, 20.0)] {
        let line = lines.get("uniform", size, Store::Redb, None);
        let shown = aethel_ir::money::group_digits(&size.to_string());
        add(
            id,
            &format!("one by one over the batch, own proof and durable commit each, {shown}"),
            line.and_then(|line| line.throughput_improvement),
            goal,
            false,
        );
    }
    let (small, large) = (five(uniform(1_000, one)), five(uniform(1_000_000, one)));
    let flat = small
        .zip(large)
        .map(|(small, large)| large.min as f64 / 1000.0 / small.min.max(1) as f64);
    add(
        "flat",
        "cost of a transaction at 1 000 000 over 1 000, uniform, 1 thread",
        flat,
        2.0,
        true,
    );
    all
}
