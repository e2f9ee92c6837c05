//! What a benchmark found, as data: written to JSON, read again to compare, drawn as a table and as a page.

use serde::{Deserialize, Serialize};

/// The version of the JSON form.
pub const SCHEMA: u32 = 1;

/// Everything one benchmark found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of aethel.
    pub version: String,
    /// When, as `2026-03-01T12:00:00Z`.
    pub date: String,
    /// The command line.
    pub command: String,
    /// Where.
    pub machine: Machine,
    /// The scenarios, in the order in which they ran.
    pub scenarios: Vec<Scenario>,
    /// The ratios that are followed from version to version.
    pub ratios: Vec<Ratio>,
    /// What a reader has to know about these figures.
    pub notes: Vec<String>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Threads that can run at once.
    pub cores: u32,
    /// The processor's name, where the system says it.
    pub cpu: Option<String>,
    /// Operating system and architecture.
    pub system: String,
    /// Whether the binary was compiled with optimisation.
    pub optimised: bool,
}

/// One workload in several sizes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// The program that was run.
    pub program: String,
    /// What the serial loop beside it does; `None` when there is no such loop.
    pub baseline: Option<String>,
    /// A line for each size, ledger and number of threads.
    pub lines: Vec<Line>,
    /// What more cores could bring, for each size.
    pub predictions: Vec<Prediction>,
}

/// One size of a scenario on one kind of ledger with one number of threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Transactions in the batch.
    pub transactions: u64,
    /// Balances that it touches.
    pub places: u64,
    /// Threads asked for; `None` lets the engine decide.
    pub threads: Option<u32>,
    /// Threads that executed at least one transaction, in the last run.
    pub threads_used: u64,
    /// `memory` or `redb`.
    pub store: Store,
    /// The six stages.
    pub stages: Vec<Stage>,
    /// What lies between the stages: hashing the content, asking for the key, reading balances, writing the result.
    pub between: Timing,
    /// Stages 1 to 5 together.
    pub through_five: Timing,
    /// The whole batch, from the call to its answer; on a durable ledger the answer means that it is on the disk.
    pub whole: Timing,
    /// Transactions per second of the fastest run, stages 1 to 5.
    pub per_second: u64,
    /// Transactions per second of the fastest run, the whole batch.
    pub per_second_whole: u64,
    /// The same transfers in a plain loop.
    pub serial_loop: Option<Timing>,
    /// The same transfers with a lock for each account.
    pub locks: Option<Locks>,
    /// The plain loop and one write of the same bytes with `fdatasync`, on durable lines.
    pub floor: Option<Floor>,
    /// The largest memory of the process while the batch ran, inputs and baselines included, in bytes.
    pub peak_bytes: Option<u64>,
    /// What it grew by while the batch ran, in bytes.
    pub grown_bytes: Option<u64>,
    /// Stage 3 on one thread over stage 3 here.
    pub parallel_speedup: Option<f64>,
    /// The same transactions one by one, each with its own proof and commit, over the batch.
    pub throughput_improvement: Option<f64>,
    /// On how many single transactions that was measured.
    pub singles: Option<Singles>,
    /// Edges that remain between transactions once those are left out that are proved to commute.
    pub edges: u64,
    /// Transactions on the longest chain that remains.
    pub depth: u64,
}

/// The kind of a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// In memory.
    #[default]
    Memory,
    /// A scratch file on the disk.
    Redb,
}

/// Times of repeated runs, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How many runs.
    pub repeats: u32,
    /// The fastest.
    pub min: u64,
    /// Half of them are at most this.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// One of the six stages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// 1 to 6.
    pub number: u8,
    /// What it does.
    pub name: String,
    /// How long it took.
    pub time: Timing,
}

/// A naive engine with a lock for each account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks {
    /// Its threads.
    pub threads: u32,
    /// How long it took.
    pub time: Timing,
}

/// The least that a durable batch can cost on this disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// Bytes written: as many as the ledger stores for the batch.
    pub bytes: u64,
    /// Loop, write and `fdatasync`.
    pub time: Timing,
    /// The write and `fdatasync` alone.
    pub sync: Timing,
}

/// What `throughput_improvement` was measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Singles {
    /// Single transactions that were run.
    pub measured: u64,
    /// Of how many.
    pub of: u64,
    /// How long they took together, in nanoseconds.
    pub nanoseconds: u64,
}

/// What more cores could bring: a calculation, not a measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Transactions in the batch.
    pub transactions: u64,
    /// Work of stage 3, in nanoseconds: its time on one thread.
    pub work: u64,
    /// Its span: the part of the work that lies on the longest chain that remains.
    pub span: u64,
    /// The stages of 1 to 5 that run on one thread, in nanoseconds.
    pub serial: u64,
    /// The stages that run on several: stage 3, and others that two threads were measured to make clearly faster.
    pub threaded: Vec<u8>,
    /// By how much stage 3 on two threads missed the bound for two, in nanoseconds; `None` without such a line.
    pub lost: Option<u64>,
    /// The same of stages 1 to 5.
    pub lost_whole: Option<u64>,
    /// For each number of cores.
    pub points: Vec<PredictedPoint>,
}

/// The prediction for a number of cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedPoint {
    /// Cores.
    pub cores: u32,
    /// Stage 3 over one core, at best.
    pub stage_three: f64,
    /// Stage 3 over one core, when as much is lost as with two.
    pub stage_three_calibrated: Option<f64>,
    /// Stages 1 to 5 over one core, at best.
    pub whole: f64,
    /// Stages 1 to 5, when as much is lost as with two.
    pub whole_calibrated: Option<f64>,
    /// What was measured with so many threads, stage 3.
    pub measured: Option<f64>,
    /// What was measured with so many threads, stages 1 to 5.
    pub measured_whole: Option<f64>,
}

/// A ratio with a goal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// A short name that stays the same.
    pub id: String,
    /// What is divided by what.
    pub what: String,
    /// The measured value; `None` when the lines for it were not run.
    pub measured: Option<f64>,
    /// The goal.
    pub goal: f64,
    /// Whether the goal is an upper limit.
    pub at_most: bool,
}

impl Ratio {
    /// Whether the goal is reached; `None` when it was not measured.
    pub fn reached(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(if self.at_most {
            measured <= self.goal
        } else {
            measured >= self.goal
        })
    }
}

impl Timing {
    /// Sums up samples, in nanoseconds. Percentiles are samples: the smallest that so many do not exceed.
    pub fn of(samples: &[u64]) -> Timing {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        let at = |per_cent: usize| {
            let rank = (sorted.len() * per_cent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Timing {
            repeats: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
            min: at(0),
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl Line {
    /// The time of a stage.
    pub fn stage(&self, number: u8) -> Option<&Timing> {
        let found = self.stages.iter().find(|stage| stage.number == number);
        found.map(|stage| &stage.time)
    }

    /// What the ledger does: stages 1 to 6 and what lies between, or without the durable part 1 to 5.
    pub fn main(&self) -> &Timing {
        match self.store {
            Store::Memory => &self.through_five,
            Store::Redb => &self.whole,
        }
    }

    /// The baseline that [`Line::main`] is held against.
    pub fn limit(&self) -> Option<&Timing> {
        match self.store {
            Store::Memory => self.serial_loop.as_ref(),
            Store::Redb => self.floor.as_ref().map(|floor| &floor.time),
        }
    }
}

impl Scenario {
    /// The line of a size, ledger and number of threads.
    pub fn line(&self, transactions: u64, store: Store, threads: Option<u32>) -> Option<&Line> {
        let wanted =
            |line: &&Line| (line.transactions, line.store, line.threads) == (transactions, store, threads);
        self.lines.iter().find(wanted)
    }
}

impl BenchReport {
    /// A scenario by its name.
    pub fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<u64> = (1..=200).rev().collect();
        let timing = Timing::of(&samples);
        let expected = (200, 1, 100, 180, 198, 200);
        assert_eq!(
            (
                timing.repeats,
                timing.min,
                timing.p50,
                timing.p90,
                timing.p99,
                timing.max
            ),
            expected
        );
        assert_eq!(
            Timing::of(&[7]),
            Timing {
                repeats: 1,
                min: 7,
                p50: 7,
                p90: 7,
                p99: 7,
                max: 7
            }
        );
        assert_eq!(Timing::of(&[]), Timing::default());
    }
}
