//! A benchmark as one page that needs nothing else: no script, no network, charts inline.

use super::figures;
use super::human::{machine, threads};
use super::model::{BenchReport, Line, Prediction, Ratio, Scenario, Store, Timing};
use super::units::{bytes, count, per_second, rate, ratio, time, time_each};
use crate::escape::html;
use crate::html::{BASE, Column, Table, document, tile};
use std::fmt::Write;

const STYLE: &str = include_str!("bench.css");

/// A value that was not measured.
const NONE: &str = "–";

/// The page.
pub fn page(report: &BenchReport) -> String {
    let mut out = String::from("<main>\n");
    let _ = write!(
        out,
        "<h1>How fast batches of value run here</h1>\n<p class=\"soft\">aethel {} · {} · {}<br><code>{}</code></p>\n",
        html(&report.version),
        html(&machine(&report.machine)),
        html(&report.date),
        html(&report.command)
    );
    out += "<p>Every batch below was executed, certified as equal to its serial run, checked for conservation and, where \
            it says durable, committed to a ledger on this disk. Beside it the same transfers ran in a bare loop that \
            promises nothing. All ended in the same balances.</p>\n";
    out += &tiles(report);
    if report.scenarios.len() > 1 {
        let link = |one: &Scenario| format!("<a href=\"#{0}\">{0}</a>", html(&one.name));
        let links: Vec<String> = report.scenarios.iter().map(link).collect();
        let _ = writeln!(out, "<nav>{}</nav>", links.join("\n"));
    }
    let measured: Vec<&Ratio> = report
        .ratios
        .iter()
        .filter(|one| one.measured.is_some())
        .collect();
    if !measured.is_empty() {
        out += &ratios(&measured);
    }
    for one in &report.scenarios {
        out += &scenario(one);
    }
    out += "<h2>About these figures</h2>\n<ul class=\"notes\">\n";
    for note in &report.notes {
        let _ = writeln!(out, "<li>{}</li>", html(note));
    }
    out += "</ul>\n</main>\n";
    document("aethel bench", &format!("{BASE}{STYLE}"), None, &out)
}

/// The fastest line of a report on a kind of ledger.
fn fastest(report: &BenchReport, store: Store) -> Option<(&Scenario, &Line)> {
    let lines = report
        .scenarios
        .iter()
        .flat_map(|one| one.lines.iter().map(move |line| (one, line)));
    lines
        .filter(|(_, line)| line.store == store)
        .max_by_key(|(_, line)| per_second(line.transactions, line.main().p50))
}

fn tiles(report: &BenchReport) -> String {
    let mut out = String::new();
    if let Some((scenario, line)) = fastest(report, Store::Memory) {
        let what = format!(
            "proved transactions a second, {} {}",
            count(line.transactions),
            scenario.name
        );
        out += &tile(&rate(per_second(line.transactions, line.main().p50)), &what);
        if let Some(limit) = &line.serial_loop {
            let what = "the bare loop beside it, which keeps no promises";
            out += &tile(&rate(per_second(line.transactions, limit.p50)), what);
        }
    }
    if let Some((scenario, line)) = fastest(report, Store::Redb) {
        let what = format!(
            "durable transactions a second, {} {}",
            count(line.transactions),
            scenario.name
        );
        out += &tile(&rate(per_second(line.transactions, line.main().p50)), &what);
    }
    let durable = report
        .scenarios
        .iter()
        .flat_map(|one| &one.lines)
        .filter(|line| line.store == Store::Redb);
    // The size at which people ask how long an answer takes.
    if let Some(line) = durable
        .clone()
        .filter(|line| line.threads.is_none())
        .find(|line| line.transactions == 1000)
    {
        let what = "P99 until a batch of 1 000 is on the disk";
        out += &tile(&time(line.whole.p99), what);
    }
    let gained = durable.filter_map(|line| Some((line.throughput_improvement?, line)));
    if let Some((value, line)) = gained.max_by(|a, b| a.0.total_cmp(&b.0)) {
        let what = format!(
            "as fast as {} one by one, each with proof and commit",
            count(line.transactions)
        );
        out += &tile(&ratio(value), &what);
    }
    if out.is_empty() {
        out
    } else {
        format!("<div class=\"tiles\">\n{out}</div>\n")
    }
}

fn ratios(ratios: &[&Ratio]) -> String {
    let mut rows = String::new();
    for one in ratios {
        let (class, word) = match one.reached() {
            Some(true) => ("good", "reached"),
            Some(false) => ("bad", "missed"),
            None => ("", ""),
        };
        let sign = if one.at_most { "≤" } else { "≥" };
        let _ = writeln!(
            rows,
            "<tr><td class=\"text\">{}</td><td>{}</td><td>{sign} {}</td><td class=\"{class}\">{word}</td></tr>",
            html(&one.what),
            one.measured.map_or(NONE.into(), ratio),
            ratio(one.goal)
        );
    }
    format!(
        "<h2>Ratios</h2>\n<p class=\"soft\">Ratios within one run say more than times: both sides had the same machine \
         at the same moment.</p>\n<div class=\"wide\"><table><tr><th scope=\"col\" class=\"text\">what</th>\
         <th scope=\"col\">measured</th><th scope=\"col\">goal</th><td></td></tr>\n{rows}</table></div>\n"
    )
}

fn scenario(one: &Scenario) -> String {
    let name = html(&one.name);
    let mut out = format!(
        "<section>\n<h2 id=\"{name}\">{name}</h2>\n<p class=\"soft\">{}",
        html(&one.about)
    );
    if let Some(baseline) = &one.baseline {
        let _ = write!(out, ". Beside it: {}", html(baseline));
    }
    out += ".</p>\n<div class=\"charts\">\n";
    out += &figures::throughput(one);
    out += &figures::cost(one);
    out += &figures::latency(one);
    out += &figures::scaling(one);
    out += "</div>\n<details><summary>All figures</summary>\n";
    out += &memory(one);
    out += &durable(one);
    out += &predictions(&one.predictions);
    let _ = write!(
        out,
        "</details>\n<details><summary>The program</summary>\n<pre>{}</pre></details>\n</section>\n",
        html(&one.program)
    );
    out
}

/// A table from cells, of numbers.
fn table(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let columns: Vec<Column> = head.iter().map(|name| Column::number(*name)).collect();
    let table = Table {
        caption: title,
        class: "",
        columns: &columns,
        rows,
    };
    format!("<h3>{}</h3>\n{}", html(title), table.html())
}

fn optional(value: Option<f64>) -> String {
    value.map_or(NONE.into(), ratio)
}

fn each(timing: Option<&Timing>, line: &Line) -> String {
    timing.map_or(NONE.into(), |timing| time_each(timing.min, line.transactions))
}

fn memory(one: &Scenario) -> String {
    let head = [
        "transactions",
        "balances",
        "threads",
        "runs",
        "①–⑤ per second",
        "fastest",
        "P50",
        "P90",
        "P99",
        "max",
        "①",
        "②",
        "③",
        "④",
        "⑤",
        "between",
        "⑥",
        "all six",
        "loop",
        "locks",
        "÷ loop",
        "÷ locks",
        "③ over one thread",
        "one by one",
        "peak memory",
        "grown by",
        "edges",
        "depth",
    ];
    let rows: Vec<Vec<String>> = one
        .lines
        .iter()
        .filter(|line| line.store == Store::Memory)
        .map(|line| {
            let five = &line.through_five;
            let locks = line.locks.as_ref().map(|locks| &locks.time);
            let mut row = vec![
                count(line.transactions),
                count(line.places),
                threads(line),
                five.repeats.to_string(),
                rate(line.per_second),
                time(five.min),
                time(five.p50),
                time(five.p90),
                time(five.p99),
                time(five.max),
            ];
            row.extend((1..=5).map(|number| each(line.stage(number), line)));
            row.extend([
                each(Some(&line.between), line),
                each(line.stage(6), line),
                each(Some(&line.whole), line),
                each(line.serial_loop.as_ref(), line),
                each(locks, line),
                optional(quotient(five, line.serial_loop.as_ref())),
                optional(quotient(five, locks)),
                optional(line.parallel_speedup),
                singles(line),
                line.peak_bytes.map_or(NONE.into(), bytes),
                line.grown_bytes.map_or(NONE.into(), bytes),
                count(line.edges),
                count(line.depth),
            ]);
            row
        })
        .collect();
    table(
        "In memory; stages, loop and locks for each transaction",
        &head,
        &rows,
    )
}

fn quotient(above: &Timing, below: Option<&Timing>) -> Option<f64> {
    super::units::quotient(above.min, below?.min)
}

fn singles(line: &Line) -> String {
    match (line.throughput_improvement, &line.singles) {
        (Some(value), Some(singles)) => {
            format!(
                "{} ({} of {})",
                ratio(value),
                count(singles.measured),
                count(singles.of)
            )
        }
        _ => NONE.into(),
    }
}

fn durable(one: &Scenario) -> String {
    let head = [
        "transactions",
        "threads",
        "runs",
        "①–⑥ per second",
        "fastest",
        "P50",
        "P90",
        "P99",
        "max",
        "①–⑤",
        "between",
        "⑥",
        "⑥ P99",
        "written",
        "floor P50",
        "floor P99",
        "fdatasync P50",
        "fdatasync P99",
        "÷ floor",
        "one by one",
        "peak memory",
    ];
    let rows: Vec<Vec<String>> = one
        .lines
        .iter()
        .filter(|line| line.store == Store::Redb)
        .map(|line| {
            let whole = &line.whole;
            let floor = line.floor.as_ref();
            let commit = line.stage(6);
            let of_floor = |show: &dyn Fn(&super::model::Floor) -> String| floor.map_or(NONE.into(), show);
            vec![
                count(line.transactions),
                threads(line),
                whole.repeats.to_string(),
                rate(per_second(line.transactions, whole.p50)),
                time(whole.min),
                time(whole.p50),
                time(whole.p90),
                time(whole.p99),
                time(whole.max),
                time(line.through_five.p50),
                time(line.between.p50),
                commit.map_or(NONE.into(), |commit| time(commit.p50)),
                commit.map_or(NONE.into(), |commit| time(commit.p99)),
                of_floor(&|floor| bytes(floor.bytes)),
                of_floor(&|floor| time(floor.time.p50)),
                of_floor(&|floor| time(floor.time.p99)),
                of_floor(&|floor| time(floor.sync.p50)),
                of_floor(&|floor| time(floor.sync.p99)),
                optional(floor.and_then(|floor| super::units::quotient(whole.p50, floor.time.p50))),
                singles(line),
                line.peak_bytes.map_or(NONE.into(), bytes),
            ]
        })
        .collect();
    table(
        "Durable on a scratch ledger; times of whole batches",
        &head,
        &rows,
    )
}

/// `③ ④`
fn stages(numbers: &[u8]) -> String {
    const SIGNS: [&str; 6] = ["①", "②", "③", "④", "⑤", "⑥"];
    let sign = |number: &u8| SIGNS.get(usize::from(*number).wrapping_sub(1)).copied();
    numbers.iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

fn predictions(predictions: &[Prediction]) -> String {
    let head = [
        "transactions",
        "work W",
        "span S",
        "other stages",
        "lost with two",
        "①–⑤ lost with two",
        "on threads",
        "cores",
        "③ at best",
        "③ if as much is lost",
        "③ measured",
        "①–⑤ at best",
        "①–⑤ if as much is lost",
        "①–⑤ measured",
    ];
    let mut rows = Vec::new();
    for one in predictions {
        for point in &one.points {
            rows.push(vec![
                count(one.transactions),
                time(one.work),
                time(one.span),
                time(one.serial),
                one.lost.map_or(NONE.into(), time),
                one.lost_whole.map_or(NONE.into(), time),
                stages(&one.threaded),
                point.cores.to_string(),
                ratio(point.stage_three),
                optional(point.stage_three_calibrated),
                optional(point.measured),
                ratio(point.whole),
                optional(point.whole_calibrated),
                optional(point.measured_whole),
            ]);
        }
    }
    table(
        "Calculated for more cores, T(p) ≤ W/p + S; not measured",
        &head,
        &rows,
    )
}
