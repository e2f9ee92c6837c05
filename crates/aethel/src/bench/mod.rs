//! `aethel bench`: how fast batches run, held against the least that a machine needs for them.
//!
//! Workloads are programs of the language; they run as `aethel run` runs them, with lemmas, certificate, conservation and
//! commit. Beside each, in the same run and in turns, the same transfers run in a plain loop, in an engine with a lock for
//! each account, and, for durable figures, as a loop with one write and one `fdatasync`. A figure is given only when all
//! end in the same balances.

mod engine;
mod floor;
mod machine;
mod measure;
mod opening;
mod plain;
mod predict;
mod ratios;
mod rows;
pub(crate) mod run;
pub(crate) mod sample;
mod scenario;
mod scratch;
mod single;
mod subject;

pub use scenario::{BUILTINS, Builtin};

use crate::inputs::InputSources;
use crate::ledger::now_ms;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_report::bench::model::{BenchReport, SCHEMA, Scenario, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use subject::Subject;

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Names of built-in workloads, or programs; all built-in ones when there is none.
    pub what: Vec<String>,
    /// Sizes of the built-in workloads, in transactions.
    pub sizes: Vec<usize>,
    /// Numbers of threads; `None` lets the engine decide.
    pub threads: Vec<Option<u32>>,
    /// Kinds of ledgers.
    pub stores: Vec<Store>,
    /// Exactly so many repeats; `None` repeats for a while.
    pub repeat: Option<u32>,
    /// Few repeats and a short while.
    pub quick: bool,
    /// Only what the ratios with goals need.
    pub ratios: bool,
    /// Inputs of programs that are no built-in workloads.
    pub inputs: InputSources,
    /// Further directories whose files programs may name.
    pub allow_path: Vec<PathBuf>,
    /// The command line, for the report.
    pub command: String,
    /// Set from outside to ask for a stop; scratch ledgers are taken away then too.
    pub cancel: Arc<AtomicBool>,
}

impl BenchOptions {
    /// The least and the most repeats for a batch of this size.
    fn repeats(&self, store: Store, size: usize) -> (u32, u32) {
        match self.repeat {
            Some(exactly) => (exactly, exactly),
            None if self.quick => (3, 10),
            // Percentiles of the answer's delay need samples.
            None if store == Store::Redb && size == 1000 => (100, 200),
            None => (5, 200),
        }
    }

    /// How long repeats go on for a batch on one kind of ledger.
    fn patience(&self) -> Duration {
        Duration::from_millis(if self.quick { 20 } else { 1000 })
    }
}

/// The numbers of threads that are measured when none is named: one, all cores, and what the engine decides.
pub fn default_threads() -> Vec<Option<u32>> {
    let cores = machine::cores();
    let mut threads = vec![Some(1)];
    threads.extend(
        [2, cores]
            .iter()
            .filter(|n| **n > 1 && **n <= cores)
            .map(|n| Some(*n)),
    );
    threads.dedup();
    threads.push(None);
    threads
}

/// Problems that ended a benchmark, and the texts that they point into.
pub type Refused = (Vec<Diagnostic>, SourceMap);

/// Measures. `progress` is told what comes next.
///
/// # Errors
/// Why a program could not be run; that a baseline and the engine disagree.
pub fn bench(options: &BenchOptions, progress: &mut dyn FnMut(&str)) -> Result<BenchReport, Refused> {
    let mut report = BenchReport {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        date: aethel_ir::time::utc(now_ms()),
        command: options.command.clone(),
        machine: machine::machine(),
        notes: notes(),
        ..BenchReport::default()
    };
    for plan in ratios::plan(options) {
        let scenario = match Builtin::find(&plan.what) {
            Some(builtin) => builtin_scenario(builtin, &plan.sizes, options, progress)?,
            None => {
                report
                    .scenarios
                    .extend(file_scenarios(&plan.what, options, progress)?);
                continue;
            }
        };
        report.scenarios.push(scenario);
    }
    report.ratios = ratios::ratios(&report);
    Ok(report)
}

fn notes() -> Vec<String> {
    let mut notes = vec![
        "Ratios in memory compare the fastest runs, on the disk the medians; the runs of aethel and of its baselines take turns.".to_owned(),
        "Lemmas about intents are proved before the first run and remembered; lowering a program is not part of a batch.".to_owned(),
        "Memory is that of the whole process, with the inputs and two copies of the batch.".to_owned(),
    ];
    if cfg!(debug_assertions) {
        notes.insert(
            0,
            "This binary was compiled without optimisation: its figures say nothing.".to_owned(),
        );
    }
    notes
}

fn builtin_scenario(
    builtin: &Builtin,
    sizes: &[usize],
    options: &BenchOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Scenario, Refused> {
    let mut scenario = Scenario {
        name: builtin.name.to_owned(),
        about: builtin.about.to_owned(),
        program: builtin.program(),
        ..Scenario::default()
    };
    for size in sizes {
        progress(&format!("{}, {size} transactions", builtin.name));
        let subject =
            Subject::builtin(builtin, *size).map_err(|problems| (problems, SourceMap::default()))?;
        add(&mut scenario, &subject, options, progress)?;
    }
    scenario.predictions = predict::predictions(&scenario);
    Ok(scenario)
}

fn file_scenarios(
    path: &str,
    options: &BenchOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Scenario>, Refused> {
    let mut scenarios = Vec::new();
    progress(path);
    for subject in Subject::file(path.as_ref(), &options.inputs, &options.allow_path)? {
        let mut scenario = Scenario {
            name: subject.name.clone(),
            about: subject.about.clone(),
            program: subject.program.clone(),
            ..Scenario::default()
        };
        add(&mut scenario, &subject, options, progress)?;
        scenario.predictions = predict::predictions(&scenario);
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

fn add(
    scenario: &mut Scenario,
    subject: &Subject,
    options: &BenchOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Refused> {
    let size = subject.lowered.batch.len();
    let needed = |store: &&Store| !options.ratios || ratios::needs(&scenario.name, size, **store);
    for store in options.stores.iter().filter(needed) {
        let on = match store {
            Store::Memory => "in memory",
            Store::Redb => "on the disk",
        };
        progress(&format!(
            "{}, {} transactions {on}",
            scenario.name,
            subject.lowered.batch.len()
        ));
        let lines = measure::measure(subject, *store, options)
            .map_err(|problem| (vec![problem], subject.sources.clone()))?;
        if lines.iter().any(|line| line.serial_loop.is_some()) {
            scenario.baseline = subject.plain.as_ref().map(|plain| plain.about().to_owned());
        }
        scenario.lines.extend(lines);
    }
    Ok(())
}
