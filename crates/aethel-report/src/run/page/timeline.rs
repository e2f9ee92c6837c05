//! Which stage took how long, and which thread ran what when.

use super::super::stages::{stages, threads as threads_of_stages};
use super::Page;
use super::list::list;
use crate::bench::units::time;
use crate::escape::{html, terminal};
use crate::html::{Column, Table, data, prose};
use aethel_ir::money::group_digits;
use aethel_runtime::{BatchResult, Chunk, Details};
use serde_json::json;
use std::fmt::Write;

/// How many blocks are drawn at most; neighbours are drawn together where there are more.
const BLOCKS: usize = 3_000;

/// The width of a drawing in its own units; with as many units as nanoseconds browsers draw in the wrong places.
const WIDTH: u64 = 1_000_000;

/// A time as a place in a drawing that is so long in all.
fn scaled(time: u64, whole: u64) -> u64 {
    let place = u128::from(time) * u128::from(WIDTH) / u128::from(whole.max(1));
    u64::try_from(place).unwrap_or(WIDTH)
}

/// The six stages: as one bar, and as a table.
pub(super) fn six_stages(run: &Page<'_>, result: &BatchResult) -> String {
    let columns = [
        Column::text("stage"),
        Column::text("what it did"),
        Column::number("time"),
    ];
    let rows: Vec<Vec<String>> = stages(result, run.ledger)
        .into_iter()
        .map(|stage| vec![stage.name, stage.said.replace('`', ""), stage.time])
        .collect();
    let table = Table {
        caption: "The six stages",
        class: "stages",
        columns: &columns,
        rows: &rows,
    };
    let why: String = threads_of_stages(result)
        .iter()
        .map(|line| format!("<li>{}</li>\n", prose(line)))
        .collect();
    let why = match why.is_empty() {
        true => why,
        false => format!(
            "<details><summary>How many threads each stage took, and why</summary>\n<ul class=\"proof\">\n{why}</ul></details>\n"
        ),
    };
    format!("{}{}{why}", bar(result), table.html())
}

/// The stages as one bar, each as long as it took.
fn bar(result: &BatchResult) -> String {
    let total: u64 = result.stages.iter().map(|stage| stage.duration_ns).sum();
    if total == 0 {
        return String::new();
    }
    let mut out = format!(
        "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"How long each stage took; the table below has the times\">\n"
    );
    let mut x = 0;
    for stage in &result.stages {
        let _ = writeln!(
            out,
            "<rect class=\"fill s{}\" x=\"{x}\" y=\"0\" width=\"{}\" height=\"10\"><title>{} {}</title></rect>",
            stage.number,
            scaled(stage.duration_ns, total),
            html(stage.name),
            time(stage.duration_ns)
        );
        x += scaled(stage.duration_ns, total);
    }
    out += "</svg>\n<ul class=\"legend\">\n";
    for stage in &result.stages {
        let _ = writeln!(
            out,
            "<li><i class=\"s{}\"></i>{} {}</li>",
            stage.number,
            html(stage.name),
            time(stage.duration_ns)
        );
    }
    out + "</ul>\n"
}

/// Chunks of one thread that are drawn as one.
struct Block {
    thread: u32,
    start: u64,
    end: u64,
    /// Ranges of the sequence of transactions.
    ranges: Vec<(u32, u32)>,
}

impl Block {
    fn count(&self) -> u64 {
        self.ranges.iter().map(|(_, count)| u64::from(*count)).sum()
    }
}

/// Threads over time; empty when stage ③ did not come to its end.
pub(super) fn threads(result: &BatchResult, prefix: &str) -> String {
    let wall = result.chunks.iter().map(|chunk| chunk.end_ns).max().unwrap_or(0);
    if wall == 0 {
        return match result.success && !result.already_committed {
            true => String::new(),
            false => "<p>There is no timeline: no transaction was kept.</p>\n".to_owned(),
        };
    }
    let mut lanes: Vec<u32> = result.chunks.iter().map(|chunk| chunk.thread).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let blocks = blocks(&result.chunks);
    let lane = if lanes.len() > 12 { 12 } else { 26 };
    let height = lane * lanes.len();
    let mut out = format!("<p>{}</p>\n", html(&summary(result, &blocks)));
    let _ = writeln!(
        out,
        "<figure class=\"timeline\" data-timeline=\"{prefix}chunks\">\n<div class=\"controls\" hidden>\
         <button type=\"button\" data-zoom=\"in\">zoom in</button><button type=\"button\" data-zoom=\"out\">zoom out</button>\
         <button type=\"button\" data-zoom=\"left\" aria-label=\"earlier\">←</button><button type=\"button\" data-zoom=\"right\" aria-label=\"later\">→</button>\
         <button type=\"button\" data-zoom=\"all\">whole</button>\
         <button type=\"button\" data-zoom=\"previous\">previous block</button><button type=\"button\" data-zoom=\"next\">next block</button></div>\n\
         <div class=\"lanes\"><ul>"
    );
    for thread in &lanes {
        let _ = write!(out, "<li>thread {}</li>", thread + 1);
    }
    let _ = writeln!(
        out,
        "</ul><div class=\"time\" tabindex=\"0\" role=\"group\" aria-label=\"Timeline of {} over {}: plus and minus zoom, arrows move\">\
         <svg viewBox=\"0 0 {WIDTH} {height}\" height=\"{height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Which thread ran transactions when\">",
        super::super::human::counted(lanes.len(), "thread"),
        time(wall)
    );
    for (number, block) in blocks.iter().enumerate() {
        let row = lanes.partition_point(|thread| *thread < block.thread);
        let shade = if number % 2 == 0 { "even" } else { "odd" };
        let _ = writeln!(
            out,
            "<rect class=\"chunk {shade}\" data-n=\"{number}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{} in {}</title></rect>",
            scaled(block.start, wall),
            row * lane + 2,
            scaled(block.end, wall) - scaled(block.start, wall),
            lane - 4,
            group_digits(&block.count().to_string()),
            time(block.end - block.start)
        );
    }
    out += "</svg></div></div>\n<ol class=\"axis\">";
    for n in 0..=4 {
        let _ = write!(out, "<li>{}</li>", time(wall / 4 * n));
    }
    out += "</ol>\n<p class=\"chosen\" role=\"status\">&nbsp;</p>\n</figure>\n";
    out += &as_table(result, &blocks, prefix);
    let shown: Vec<_> = blocks
        .iter()
        .map(|block| json!([block.thread + 1, block.start, block.end, block.ranges]))
        .collect();
    // In the order of the source nothing needs to be said.
    let ran = &result.sequence_of_transactions;
    let in_order = ran.iter().zip(0_u32..).all(|(id, number)| *id == number);
    let sequence = match in_order || ran.len() > Details::MOST {
        true => json!(null),
        false => json!(ran),
    };
    out + &data(
        &format!("{prefix}chunks-data"),
        &json!({ "wall": wall, "blocks": shown, "sequence": sequence }),
    )
}

fn summary(result: &BatchResult, blocks: &[Block]) -> String {
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
    let counted = super::super::human::counted;
    let mut said = format!(
        "{} on {}",
        counted(count, "transaction"),
        counted(result.thread_count, "thread")
    );
    if let Some(why) = &result.threads_why {
        said += &format!(" ({})", terminal(why));
    }
    said += &format!(", in {}", counted(result.chunks.len(), "block"));
    if blocks.len() < result.chunks.len() {
        said += &format!(", drawn as {}", group_digits(&blocks.len().to_string()));
    }
    if result.transactions_parallel > 0 {
        said += &format!(
            "; {} ran while another thread was at work",
            group_digits(&result.transactions_parallel.to_string())
        );
    }
    said + "."
}

/// Chunks as blocks, by thread and time.
fn blocks(chunks: &[Chunk]) -> Vec<Block> {
    let together = chunks.len().div_ceil(BLOCKS).max(1);
    let mut sorted: Vec<&Chunk> = chunks.iter().collect();
    sorted.sort_by_key(|chunk| (chunk.thread, chunk.start_ns));
    let mut blocks: Vec<Block> = Vec::new();
    for chunk in sorted {
        match blocks.last_mut() {
            Some(block) if block.thread == chunk.thread && block.ranges.len() < together => {
                block.end = block.end.max(chunk.end_ns);
                block.ranges.push((chunk.first, chunk.count));
            }
            _ => blocks.push(Block {
                thread: chunk.thread,
                start: chunk.start_ns,
                end: chunk.end_ns.max(chunk.start_ns),
                ranges: vec![(chunk.first, chunk.count)],
            }),
        }
    }
    blocks
}

/// The blocks for those who cannot see them, or want numbers.
fn as_table(result: &BatchResult, blocks: &[Block], prefix: &str) -> String {
    let name = |at: u32| {
        let id = result
            .sequence_of_transactions
            .get(at as usize)
            .copied()
            .unwrap_or(at);
        let details = result.details.as_ref();
        let detail = details.and_then(|details| details.transactions.get(id as usize));
        detail.map_or_else(|| format!("#{}", u64::from(id) + 1), |detail| detail.name.clone())
    };
    let rows: Vec<Vec<String>> = blocks
        .iter()
        .map(|block| {
            let first = block.ranges.first().map_or(0, |range| range.0);
            let last = block
                .ranges
                .last()
                .map_or(0, |range| (range.0 + range.1).saturating_sub(1));
            vec![
                (block.thread + 1).to_string(),
                time(block.start),
                time(block.end - block.start),
                group_digits(&block.count().to_string()),
                name(first),
                name(last),
            ]
        })
        .collect();
    let columns = [
        Column::number("thread"),
        Column::number("began after"),
        Column::number("took"),
        Column::number("transactions"),
        Column::text("first"),
        Column::text("last"),
    ];
    let list = list(
        &format!("{prefix}blocks"),
        "What each thread ran",
        "blocks",
        &columns,
        &rows,
    );
    format!("<details><summary>The timeline as a table</summary>\n{list}</details>\n")
}
