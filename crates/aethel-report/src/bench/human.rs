//! A benchmark on a terminal: a block for each scenario.

use super::model::{BenchReport, Line, Machine, Prediction, Ratio, Scenario, Store, Timing};
use super::units::{bytes, count, quotient, rate, ratio, time, time_each};
use crate::escape::terminal;
use crate::table::{Align, table};

/// A value that was not measured.
const NONE: &str = "–";

/// The whole report.
pub fn human(report: &BenchReport) -> String {
    let mut out = format!(
        "aethel {} · {} · {}\n",
        report.version,
        machine(&report.machine),
        report.date
    );
    for note in &report.notes {
        out += &format!("  {}\n", terminal(note));
    }
    for one in &report.scenarios {
        out += &format!("\n{}", scenario(one));
    }
    let measured = report.ratios.iter().filter(|ratio| ratio.measured.is_some());
    let measured: Vec<&Ratio> = measured.collect();
    if !measured.is_empty() {
        out += &format!("\n{}", ratios(&measured));
    }
    out
}

/// Names and descriptions in two columns.
pub fn list(rows: &[(&str, &str)]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, about)| vec![(*name).to_owned(), (*about).to_owned()])
        .collect();
    table(&[Align::Left, Align::Left], &rows)
}

/// The ratios that have goals.
pub fn ratios(ratios: &[&Ratio]) -> String {
    let mut rows = vec![["", "ratio", "measured", "goal", ""].map(String::from).to_vec()];
    for one in ratios {
        let mark = match one.reached() {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        };
        let sign = if one.at_most { "≤" } else { "≥" };
        rows.push(vec![
            one.id.clone(),
            one.what.clone(),
            one.measured.map_or(NONE.into(), ratio),
            format!("{sign} {}", ratio(one.goal)),
            mark.to_owned(),
        ]);
    }
    table(
        &[Align::Left, Align::Left, Align::Right, Align::Right, Align::Left],
        &rows,
    )
}

/// `2 cores, AMD EPYC, linux x86_64`
pub fn machine(machine: &Machine) -> String {
    let cpu = machine
        .cpu
        .as_deref()
        .map(|cpu| format!(", {}", terminal(cpu)))
        .unwrap_or_default();
    let cores = if machine.cores == 1 { "core" } else { "cores" };
    format!("{} {cores}{cpu}, {}", machine.cores, machine.system)
}

fn scenario(scenario: &Scenario) -> String {
    let mut out = format!("{} · {}\n", terminal(&scenario.name), terminal(&scenario.about));
    let on = |store| scenario.lines.iter().filter(move |line| line.store == store);
    if on(Store::Memory).next().is_some() {
        out += "\n  in memory, time for each transaction\n";
        out += &indented(&memory(on(Store::Memory)));
    }
    if on(Store::Redb).next().is_some() {
        out += "\n  durable on a scratch ledger, time for each batch\n";
        out += &indented(&durable(on(Store::Redb)));
    }
    if !scenario.predictions.is_empty() {
        out += "\n  calculated, not measured: how much faster p cores could be at best, T(p) ≤ W/p + S\n";
        out += &indented(&predictions(&scenario.predictions));
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// What was asked for: a number, or the engine's choice.
pub fn threads(line: &Line) -> String {
    line.threads.map_or_else(
        || format!("auto ({})", line.threads_used),
        |threads| threads.to_string(),
    )
}

fn each(timing: Option<&Timing>, line: &Line) -> String {
    timing.map_or(NONE.into(), |timing| time_each(timing.min, line.transactions))
}

fn over(above: &Timing, below: Option<&Timing>) -> String {
    below
        .and_then(|below| quotient(above.min, below.min))
        .map_or(NONE.into(), ratio)
}

fn memory<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let head = [
        "size",
        "threads",
        "①–⑤",
        "each",
        "①",
        "②",
        "③",
        "④",
        "⑤",
        "between",
        "loop",
        "÷ loop",
        "locks",
        "③ gain",
        "memory",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for line in lines {
        let stage = |number| each(line.stage(number), line);
        let locks = line.locks.as_ref().map(|locks| &locks.time);
        rows.push(vec![
            count(line.transactions),
            threads(line),
            rate(line.per_second),
            each(Some(&line.through_five), line),
            stage(1),
            stage(2),
            stage(3),
            stage(4),
            stage(5),
            each(Some(&line.between), line),
            each(line.serial_loop.as_ref(), line),
            over(&line.through_five, line.serial_loop.as_ref()),
            each(locks, line),
            line.parallel_speedup.map_or(NONE.into(), ratio),
            line.peak_bytes.map_or(NONE.into(), bytes),
        ]);
    }
    table(&[Align::Right; 15], &rows)
}

fn durable<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let head = [
        "size",
        "threads",
        "①–⑥",
        "P50",
        "P90",
        "P99",
        "max",
        "⑥",
        "written",
        "floor",
        "÷ floor",
        "sync P99",
        "one by one",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for line in lines {
        let floor = line.floor.as_ref();
        let improvement = match (line.throughput_improvement, &line.singles) {
            (Some(value), Some(singles)) => {
                format!(
                    "{} ({} of {})",
                    ratio(value),
                    count(singles.measured),
                    count(singles.of)
                )
            }
            _ => NONE.into(),
        };
        let whole = &line.whole;
        rows.push(vec![
            count(line.transactions),
            threads(line),
            rate(super::units::per_second(line.transactions, whole.p50)),
            time(whole.p50),
            time(whole.p90),
            time(whole.p99),
            time(whole.max),
            line.stage(6).map_or(NONE.into(), |timing| time(timing.p50)),
            floor.map_or(NONE.into(), |floor| bytes(floor.bytes)),
            floor.map_or(NONE.into(), |floor| time(floor.time.p50)),
            floor
                .and_then(|floor| quotient(whole.p50, floor.time.p50))
                .map_or(NONE.into(), ratio),
            floor.map_or(NONE.into(), |floor| time(floor.sync.p99)),
            improvement,
        ]);
    }
    table(&[Align::Right; 13], &rows)
}

fn predictions(predictions: &[Prediction]) -> String {
    let cores = predictions
        .first()
        .map(|one| one.points.iter().map(|point| point.cores));
    let mut head = vec![
        "size".to_owned(),
        "work".into(),
        "span".into(),
        "others".into(),
        "".into(),
    ];
    head.extend(cores.into_iter().flatten().map(|cores| format!("{cores} cores")));
    head.push("measured, 2".into());
    let mut rows = vec![head];
    for one in predictions {
        let two = one.points.iter().find(|point| point.cores == 2);
        let mut stage = vec![
            count(one.transactions),
            time(one.work),
            time(one.span),
            time(one.serial),
            "③".into(),
        ];
        let mut whole = vec![
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            "①–⑤".into(),
        ];
        for point in &one.points {
            stage.push(range(point.stage_three_calibrated, point.stage_three));
            whole.push(range(point.whole_calibrated, point.whole));
        }
        stage.push(two.and_then(|point| point.measured).map_or(NONE.into(), ratio));
        whole.push(
            two.and_then(|point| point.measured_whole)
                .map_or(NONE.into(), ratio),
        );
        rows.extend([stage, whole]);
    }
    let columns = vec![Align::Right; rows.first().map_or(0, Vec::len)];
    table(&columns, &rows)
}

/// From what follows when as much is lost as with two cores, up to the bound.
pub fn range(calibrated: Option<f64>, bound: f64) -> String {
    match calibrated.map(ratio) {
        Some(low) if low != ratio(bound) => format!("{low}…{}", ratio(bound)),
        _ => ratio(bound),
    }
}
