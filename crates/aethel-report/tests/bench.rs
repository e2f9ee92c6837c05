//! A made-up benchmark as a table, as a page and in comparison: the figures are fixed, so everything is.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use aethel_report::bench::model::{
    BenchReport, Floor, Line, Locks, Machine, PredictedPoint, Prediction, Ratio, SCHEMA, Scenario, Singles,
    Stage, Store, Timing,
};
use aethel_report::bench::units::{bytes, count, rate, ratio, time, time_each};
use aethel_report::bench::{changes_table, compare, human, page, ratios};

fn timing(min: u64) -> Timing {
    Timing {
        repeats: 20,
        min,
        p50: min + min / 10,
        p90: min + min / 5,
        p99: min * 2,
        max: min * 3,
    }
}

fn line(transactions: u64, threads: Option<u32>, store: Store) -> Line {
    let names = [
        "dependencies",
        "conflicts",
        "execution",
        "proof",
        "conservation",
        "commit",
    ];
    let stage = |(number, name): (u8, &str)| Stage {
        number,
        name: name.into(),
        time: timing(transactions * u64::from(number) * 13),
    };
    let durable = store == Store::Redb;
    Line {
        transactions,
        places: transactions * 2,
        threads,
        threads_used: u64::from(threads.unwrap_or(1)),
        store,
        stages: (1..).zip(names).map(stage).collect(),
        between: timing(transactions * 29),
        through_five: timing(transactions * 197),
        whole: timing(transactions * 311 + if durable { 2_000_000 } else { 0 }),
        per_second: 5_076_142,
        per_second_whole: 3_215_434,
        serial_loop: Some(timing(transactions * 3)),
        locks: (!durable).then(|| Locks {
            threads: 2,
            time: timing(transactions * 41),
        }),
        floor: durable.then(|| Floor {
            bytes: transactions * 37,
            time: timing(transactions * 3 + 160_000),
            sync: timing(150_000),
        }),
        peak_bytes: Some(73_000_000),
        grown_bytes: Some(1_900_000),
        parallel_speedup: Some(f64::from(threads.unwrap_or(1)) * 0.93),
        throughput_improvement: Some(312.5),
        singles: Some(Singles {
            measured: 57,
            of: transactions,
            nanoseconds: 71_000_000,
        }),
        edges: 70_707,
        depth: 50_505,
    }
}

fn made_up() -> BenchReport {
    let lines = [1_000, 100_000].into_iter().flat_map(|size| {
        let threads = [Some(1), Some(2), None];
        let both = [Store::Memory, Store::Redb];
        both.into_iter()
            .flat_map(move |store| threads.map(|threads| line(size, threads, store)))
    });
    let point = |cores: u32| PredictedPoint {
        cores,
        stage_three: f64::from(cores) * 0.99,
        stage_three_calibrated: Some(f64::from(cores) * 0.71),
        whole: 1.31,
        whole_calibrated: Some(1.17),
        measured: (cores == 2).then_some(1.83),
        measured_whole: (cores == 2).then_some(1.09),
    };
    let prediction = |transactions| Prediction {
        transactions,
        work: transactions * 39,
        span: 195,
        serial: transactions * 158,
        threaded: vec![3, 4],
        lost: Some(23_000),
        lost_whole: Some(27_100),
        points: [2, 4, 8].map(point).to_vec(),
    };
    BenchReport {
        schema: SCHEMA,
        version: "1.8.0".into(),
        date: "2026-03-01 12:00:00 UTC".into(),
        command: "aethel bench '<script>'".into(),
        machine: Machine {
            cores: 2,
            cpu: Some("Some CPU \u{1b}[2J".into()),
            system: "linux x86_64".into(),
            optimised: true,
        },
        scenarios: vec![Scenario {
            name: "uniform".into(),
            about: "transfers between 10 000 accounts & <more>".into(),
            program: "atomic_batch uniform { }".into(),
            baseline: Some("a loop over an array".into()),
            lines: lines.collect(),
            predictions: vec![prediction(1_000), prediction(100_000)],
        }],
        ratios: vec![
            Ratio {
                id: "loop-10k".into(),
                what: "stages 1-5 over the bare loop".into(),
                measured: Some(13.7),
                goal: 15.0,
                at_most: true,
            },
            Ratio {
                id: "hot".into(),
                what: "hot over uniform".into(),
                measured: Some(0.87),
                goal: 1.0,
                at_most: false,
            },
            Ratio {
                id: "flat".into(),
                what: "cost at 1 000 000 over 1 000".into(),
                measured: None,
                goal: 2.0,
                at_most: true,
            },
        ],
        notes: vec!["A note.".into()],
    }
}

#[test]
fn table_of_a_benchmark() {
    insta::assert_snapshot!(human(&made_up()));
}

#[test]
fn table_of_ratios() {
    let report = made_up();
    insta::assert_snapshot!(ratios(&report.ratios.iter().collect::<Vec<_>>()));
}

#[test]
fn the_page_stands_alone() {
    let page = page(&made_up());
    for outside in [
        "http://", "https://", "src=", "<script", "@import", "url(", "<link",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
    // What comes from outside is text.
    assert!(page.contains("&lt;script&gt;") && page.contains("&lt;more&gt;"));
    assert!(!page.contains('\u{1b}'));
    for chart in [
        "Transactions per second",
        "Cost of a transaction",
        "until a batch is durable",
        "More cores",
    ] {
        assert!(page.contains(chart), "{chart}");
    }
    assert!(
        !page.contains("NaN") && !page.contains("inf"),
        "a chart without a scale"
    );
}

/// Every figure of the report in the form in which people read it.
fn figures(report: &BenchReport) -> Vec<String> {
    let mut all = Vec::new();
    for one in report.scenarios.iter().flat_map(|one| &one.lines) {
        let main = match one.store {
            Store::Memory => one.through_five,
            Store::Redb => one.whole,
        };
        all.extend([main.min, main.p50, main.p90, main.p99, main.max].map(time));
        all.extend([count(one.transactions), one.peak_bytes.map(bytes).unwrap()]);
        all.extend(one.throughput_improvement.map(ratio));
        all.extend(
            one.singles
                .map(|singles| format!("{} of {}", count(singles.measured), count(singles.of))),
        );
        match one.store {
            Store::Memory => {
                all.extend(
                    one.stages
                        .iter()
                        .map(|stage| time_each(stage.time.min, one.transactions)),
                );
                let timings = [
                    Some(one.between),
                    Some(one.whole),
                    one.serial_loop,
                    one.locks.map(|locks| locks.time),
                ];
                all.extend(
                    timings
                        .into_iter()
                        .flatten()
                        .map(|timing| time_each(timing.min, one.transactions)),
                );
                all.extend([
                    rate(one.per_second),
                    count(one.places),
                    count(one.edges),
                    count(one.depth),
                ]);
                all.extend([
                    one.grown_bytes.map(bytes).unwrap(),
                    one.parallel_speedup.map(ratio).unwrap(),
                ]);
            }
            Store::Redb => {
                let floor = one.floor.unwrap();
                all.extend([floor.time.p50, floor.time.p99, floor.sync.p50, floor.sync.p99].map(time));
                all.extend([
                    bytes(floor.bytes),
                    time(one.through_five.p50),
                    time(one.between.p50),
                ]);
            }
        }
    }
    for one in report.scenarios.iter().flat_map(|one| &one.predictions) {
        all.extend(
            [
                one.work,
                one.span,
                one.serial,
                one.lost.unwrap(),
                one.lost_whole.unwrap(),
            ]
            .map(time),
        );
        for point in &one.points {
            let optional = [
                point.stage_three_calibrated,
                point.whole_calibrated,
                point.measured,
                point.measured_whole,
            ];
            all.extend(
                optional
                    .into_iter()
                    .flatten()
                    .chain([point.stage_three, point.whole])
                    .map(ratio),
            );
        }
    }
    all.extend(report.ratios.iter().filter_map(|one| one.measured).map(ratio));
    all
}

#[test]
fn the_page_has_every_figure() {
    let report = made_up();
    let page = page(&report);
    for figure in figures(&report) {
        assert!(page.contains(&figure), "{figure} is not on the page");
    }
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let report = made_up();
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<BenchReport>(&text).unwrap(), report);
}

#[test]
fn comparison_of_two_runs() {
    let (old, mut new) = (made_up(), made_up());
    let lines = &mut new.scenarios[0].lines;
    let times = |line: &mut Line, above: u64, below: u64| {
        for timing in [&mut line.through_five, &mut line.whole] {
            for time in [
                &mut timing.min,
                &mut timing.p50,
                &mut timing.p90,
                &mut timing.p99,
                &mut timing.max,
            ] {
                *time = *time * above / below;
            }
        }
    };
    times(&mut lines[0], 2, 1);
    times(&mut lines[1], 1, 2);
    times(&mut lines[2], 104, 100);
    times(&mut lines[3], 2, 1);
    lines[4].transactions = 5_000;
    lines.truncate(5);
    insta::assert_snapshot!(changes_table(&compare(&old, &new)));
}
