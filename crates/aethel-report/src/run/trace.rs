//! A run in the trace format of Chrome, which Perfetto, Chrome's DevTools and many other viewers open.
//!
//! Each batch is a process; its stages are slices on one track, what each thread ran in stage ③ slices on a track of its
//! own. Times are microseconds since the first batch began, exact to the nanosecond.

use super::stages::mark;
use crate::escape::terminal;
use aethel_runtime::{BatchResult, Chunk};
use serde_json::{Value, json};
use std::io::{self, Write};

/// How many transactions of a chunk are named.
const NAMED: usize = 20;

/// The track of the stages; threads follow.
const STAGES: u32 = 0;

/// Writes the batches of a run as one JSON object, one event a line.
///
/// # Errors
/// What `out` says.
pub fn write_trace(out: &mut dyn Write, results: &[BatchResult]) -> io::Result<()> {
    let mut events = Events { out, first: true };
    events
        .out
        .write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    let origin = results.first().map_or(0, |result| result.started_ns);
    for (number, result) in (1_u32..).zip(results) {
        batch(&mut events, result, number, origin)?;
    }
    let other = json!({ "producer": concat!("aethel ", env!("CARGO_PKG_VERSION")) });
    writeln!(events.out, "\n],\"otherData\":{other}}}")
}

fn batch(events: &mut Events<'_>, result: &BatchResult, process: u32, origin: u64) -> io::Result<()> {
    let name = format!("batch {}", terminal(&result.batch));
    events.meta("process_name", process, None, &json!({ "name": name }))?;
    events.meta(
        "process_sort_index",
        process,
        None,
        &json!({ "sort_index": process }),
    )?;
    events.meta("thread_name", process, Some(STAGES), &json!({ "name": "stages" }))?;
    let mut end = result.started_ns;
    for stage in &result.stages {
        let name = format!("{} {}", mark(stage.number), stage.name);
        let from = stage.started_ns.saturating_sub(origin);
        let mut arguments = serde_json::to_value(&stage.numbers)?;
        if stage.number == 2
            && let Some(conflicts) = &result.conflicts
        {
            let lemmas: Vec<String> = conflicts.lemmas.iter().map(|name| terminal(name)).collect();
            arguments["need no order"] = conflicts.commuting.total().into();
            arguments["lemmas"] = lemmas.into();
        }
        events.slice(
            &name,
            "stage",
            (process, STAGES),
            (from, stage.duration_ns),
            &arguments,
        )?;
        end = end.max(stage.started_ns.saturating_add(stage.duration_ns));
    }
    let mut threads: Vec<u32> = result.chunks.iter().map(|chunk| chunk.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    for thread in threads {
        let name = json!({ "name": format!("thread {}", thread + 1) });
        events.meta("thread_name", process, Some(thread + 1), &name)?;
    }
    // The clock of the chunks begins with stage ③.
    let execution = result.stages.iter().find(|stage| stage.number == 3);
    let began = execution.map_or(0, |stage| stage.started_ns.saturating_sub(origin));
    for chunk in &result.chunks {
        let (name, arguments) = of_chunk(result, chunk);
        let from = began.saturating_add(chunk.start_ns);
        let took = chunk.end_ns.saturating_sub(chunk.start_ns);
        events.slice(
            &name,
            "transactions",
            (process, chunk.thread + 1),
            (from, took),
            &arguments,
        )?;
    }
    events.outcome(result, process, end.saturating_sub(origin))
}

/// What a chunk is called, and which transactions it ran.
fn of_chunk(result: &BatchResult, chunk: &Chunk) -> (String, Value) {
    let first = chunk.first as usize;
    let sequence = &result.sequence_of_transactions;
    let ran = sequence.get(first..first + chunk.count as usize).unwrap_or(&[]);
    let name = |id: &u32| {
        let details = result.details.as_ref();
        let detail = details.and_then(|details| details.transactions.get(*id as usize));
        detail.map_or_else(|| format!("#{}", id + 1), |detail| terminal(&detail.name))
    };
    let title = match (ran.first(), ran.last()) {
        (Some(first), Some(last)) if ran.len() > 1 => format!("{} … {}", name(first), name(last)),
        (Some(only), _) => name(only),
        _ => String::new(),
    };
    let names: Vec<String> = ran.iter().take(NAMED).map(name).collect();
    let arguments =
        json!({ "count": chunk.count, "transactions": names, "more": ran.len().saturating_sub(NAMED) });
    (title, arguments)
}

struct Events<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl Events<'_> {
    fn event(&mut self, text: &str) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",\n")?;
        }
        self.out.write_all(text.as_bytes())
    }

    /// What a process or a track is called.
    fn meta(&mut self, what: &str, process: u32, track: Option<u32>, arguments: &Value) -> io::Result<()> {
        let track = track.map_or(String::new(), |track| format!(",\"tid\":{track}"));
        self.event(&format!(
            "{{\"ph\":\"M\",\"name\":\"{what}\",\"pid\":{process}{track},\"args\":{arguments}}}"
        ))
    }

    /// Something that took time: on a track, from when, how long.
    fn slice(
        &mut self,
        name: &str,
        kind: &str,
        (process, track): (u32, u32),
        (from, took): (u64, u64),
        arguments: &Value,
    ) -> io::Result<()> {
        self.event(&format!(
            "{{\"ph\":\"X\",\"name\":{},\"cat\":\"{kind}\",\"pid\":{process},\"tid\":{track},\"ts\":{},\"dur\":{},\"args\":{arguments}}}",
            Value::from(name),
            microseconds(from),
            microseconds(took)
        ))
    }

    /// How the batch ended, at the moment it did.
    fn outcome(&mut self, result: &BatchResult, process: u32, at: u64) -> io::Result<()> {
        let name = match &result.error_message {
            Some(message) => format!("not committed: {}", terminal(message)),
            None if result.already_committed => "had been committed before".to_owned(),
            None if result.dry_run => "dry run: nothing committed".to_owned(),
            None => "committed".to_owned(),
        };
        self.event(&format!(
            "{{\"ph\":\"i\",\"s\":\"p\",\"name\":{},\"cat\":\"outcome\",\"pid\":{process},\"tid\":{STAGES},\"ts\":{}}}",
            Value::from(name),
            microseconds(at)
        ))
    }
}

/// Nanoseconds as a decimal of microseconds.
fn microseconds(nanoseconds: u64) -> String {
    format!("{}.{:03}", nanoseconds / 1_000, nanoseconds % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        let texts = [0, 7, 1_000, 1_234_567_890_123].map(microseconds);
        assert_eq!(texts, ["0.000", "0.007", "1.000", "1234567890.123"]);
    }
}
