//! Which charts a scenario has, and what is in them.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use super::model::{Line, Scenario, Store, Timing};
use super::svg::{Axis, Bar, Range, Series, bars, lines, ranges};
use super::units::{count, per_second, rate, ratio, time, time_each};
use crate::escape::html;
use std::fmt::Write;

const SIZES: Axis = Axis {
    label: "transactions in the batch",
    base: 10.0,
    show: short,
};
const RATES: Axis = Axis {
    label: "per second",
    base: 10.0,
    show: |value| plain(&rate(value as u64)),
};
const TIMES: Axis = Axis {
    label: "time",
    base: 10.0,
    show: |value| plain(&time(value as u64)),
};

/// `10`, `1 k`, `1 M`
fn short(value: f64) -> String {
    match value.round() {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.0} k", n / 1e3),
        n => format!("{:.0} M", n / 1e6),
    }
}

/// A tick without zeros that say nothing: `10 ms` for `10.0 ms`.
fn plain(text: &str) -> String {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    match number.contains('.') {
        true => format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.')),
        false => text.to_owned(),
    }
}

/// An entry of a legend: class, words, drawn hollow.
type Entry<'a> = (&'a str, &'a str, bool);

fn figure(title: &str, drawing: &str, legend: &[Entry<'_>], caption: &str) -> String {
    let mut out = format!(
        "<figure>\n<h3>{}</h3>\n{drawing}\n<div class=\"legend\">",
        html(title)
    );
    for (class, words, hollow) in legend {
        let hollow = if *hollow { " hollow" } else { "" };
        let _ = write!(
            out,
            "<span><i class=\"{class}{hollow}\"></i>{}</span>",
            html(words)
        );
    }
    out += "</div>\n";
    if !caption.is_empty() {
        let _ = writeln!(out, "<figcaption>{}</figcaption>", html(caption));
    }
    out + "</figure>\n"
}

/// For each size the line with the engine's own choice of threads, or the fastest one.
fn chosen(one: &Scenario, store: Store) -> Vec<&Line> {
    let mut sizes: Vec<u64> = one
        .lines
        .iter()
        .filter(|line| line.store == store)
        .map(|line| line.transactions)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let best = |size: &u64| {
        one.line(*size, store, None).or_else(|| {
            let lines = one
                .lines
                .iter()
                .filter(|line| line.store == store && line.transactions == *size);
            lines.min_by_key(|line| line.main().p50)
        })
    };
    sizes.iter().filter_map(best).collect()
}

/// Throughput by size.
pub(super) fn throughput(one: &Scenario) -> String {
    let (memory, durable) = (chosen(one, Store::Memory), chosen(one, Store::Redb));
    let mut series = Vec::new();
    let mut add = |label: &str, class, dashed, lines: &[&Line], value: &dyn Fn(&Line) -> Option<Timing>| {
        let point = |line: &&Line| {
            let speed = per_second(line.transactions, value(line)?.p50);
            let told = format!("{} in a batch of {}", rate(speed), count(line.transactions));
            Some((line.transactions as f64, speed as f64, told))
        };
        let points: Vec<_> = lines.iter().filter_map(point).collect();
        if !points.is_empty() {
            series.push(Series {
                label: label.into(),
                class,
                dashed,
                points,
            });
        }
    };
    add("bare loop", "loop", true, &memory, &|line| line.serial_loop);
    add("lock for each account", "locks", false, &memory, &|line| {
        Some(line.locks?.time)
    });
    add("aethel in memory", "ours", false, &memory, &|line| {
        Some(line.through_five)
    });
    add("loop + write + fdatasync", "floor", true, &durable, &|line| {
        Some(line.floor?.time)
    });
    add("aethel durable", "durable", false, &durable, &|line| {
        Some(line.whole)
    });
    let legend: Vec<Entry<'_>> = series
        .iter()
        .map(|one| (one.class, one.label.as_str(), one.dashed))
        .collect();
    let drawing = lines("Throughput by size of the batch", &SIZES, &RATES, &series);
    let caption = "Medians. Dashed: the least that this machine needs for the same balances, without names, proof or undo; \
                   with one write of the same bytes, the lower dashed line.";
    figure("Transactions per second", &drawing, &legend, caption)
}

/// What a transaction costs, by stage.
pub(super) fn cost(one: &Scenario) -> String {
    const STAGES: [(&str, &str); 7] = [
        ("s1", "① dependencies"),
        ("s2", "② conflicts"),
        ("s3", "③ execution"),
        ("s4", "④ proof"),
        ("s5", "⑤ conservation"),
        ("s0", "between"),
        ("s6", "⑥ commit"),
    ];
    let part = |line: &Line, n: usize| match n {
        5 => Some(line.between),
        6 => line.stage(6).copied(),
        n => line.stage(n as u8 + 1).copied(),
    };
    let lines = chosen(one, Store::Memory);
    let bar = |line: &&Line| {
        let (mut parts, mut total) = (Vec::new(), 0);
        for (n, (class, name)) in STAGES.iter().enumerate() {
            let Some(timing) = part(line, n) else { continue };
            total += timing.p50;
            let told = format!("{name}: {} each", time_each(timing.p50, line.transactions));
            parts.push((*class, timing.p50 as f64 / line.transactions.max(1) as f64, told));
        }
        Bar {
            label: short(line.transactions as f64),
            total: time_each(total, line.transactions),
            parts,
        }
    };
    let drawn: Vec<Bar> = lines.iter().map(bar).collect();
    if drawn.is_empty() {
        return String::new();
    }
    let drawing = bars(
        "Cost of a transaction by stage",
        SIZES.label,
        |value| plain(&time(value as u64)),
        &drawn,
    );
    let legend: Vec<Entry<'_>> = STAGES
        .iter()
        .map(|(class, name)| (*class, *name, false))
        .collect();
    let caption = "Medians in memory. Between the stages: hashing the content, looking up the key, reading balances. An \
                   arrow: the bar is higher than the drawing.";
    figure(
        "Cost of a transaction, stage by stage",
        &drawing,
        &legend,
        caption,
    )
}

/// How long durable answers take.
pub(super) fn latency(one: &Scenario) -> String {
    let lines = chosen(one, Store::Redb);
    let marks = |timing: &Timing| {
        let named = [
            ("P50", timing.p50),
            ("P90", timing.p90),
            ("P99", timing.p99),
            ("max", timing.max),
        ];
        named
            .map(|(name, value)| (value as f64, format!("{name} {}", time(value))))
            .to_vec()
    };
    let range = |line: &&Line| {
        let mut columns = vec![("durable", marks(&line.whole))];
        columns.extend(line.floor.as_ref().map(|floor| ("floor", marks(&floor.time))));
        Range {
            label: short(line.transactions as f64),
            columns,
        }
    };
    let drawn: Vec<Range> = lines.iter().map(range).collect();
    if drawn.is_empty() {
        return String::new();
    }
    let drawing = ranges("Time until a batch is durable", SIZES.label, &TIMES, &drawn);
    let legend = [
        ("durable", "aethel, until the batch is on the disk", false),
        ("floor", "loop, one write, fdatasync", false),
    ];
    let caption =
        "From the median (large dot) over P90 and P99 to the slowest run, one batch after the other.";
    figure("Time until a batch is durable", &drawing, &legend, caption)
}

/// How it scales with threads, and what is calculated for more.
pub(super) fn scaling(one: &Scenario) -> String {
    let Some(prediction) = one.predictions.last() else {
        return String::new();
    };
    let size = count(prediction.transactions);
    let mut all = Vec::new();
    let mut add = |label: &str, class, dashed, points: Vec<(f64, f64, String)>| {
        if points.len() > 1 {
            all.push(Series {
                label: label.into(),
                class,
                dashed,
                points,
            });
        }
    };
    let start = || vec![(1.0, 1.0, "1 core".to_owned())];
    let with = |value: &dyn Fn(&super::model::PredictedPoint) -> Option<f64>| {
        let mut points = start();
        points.extend(prediction.points.iter().filter_map(|point| {
            let value = value(point)?;
            Some((
                f64::from(point.cores),
                value,
                format!("{} on {} cores", ratio(value), point.cores),
            ))
        }));
        points
    };
    add(
        "③ calculated, at best",
        "loop",
        true,
        with(&|point| Some(point.stage_three)),
    );
    add(
        "③ calculated, if as much is lost as with two",
        "ours",
        true,
        with(&|point| point.stage_three_calibrated),
    );
    add(
        "①–⑤ calculated, likewise",
        "durable",
        true,
        with(&|point| point.whole_calibrated),
    );
    add("③ measured", "ours", false, with(&|point| point.measured));
    add(
        "①–⑤ measured",
        "durable",
        false,
        with(&|point| point.measured_whole),
    );
    let cores = Axis {
        label: "cores",
        base: 2.0,
        show: |value| format!("{value:.0}"),
    };
    let gain = Axis {
        label: "times as fast as one",
        base: 2.0,
        show: |value| plain(&ratio(value)),
    };
    let legend: Vec<Entry<'_>> = all
        .iter()
        .map(|one| (one.class, one.label.as_str(), one.dashed))
        .collect();
    let drawing = lines("Speed-up by number of cores", &cores, &gain, &all);
    let caption = format!(
        "{size} transactions. Dashed lines are calculated from work and span, T(p) ≤ W/p + S, not measured."
    );
    figure("More cores", &drawing, &legend, &caption)
}
