//! `aethel test`: programs run with the inputs of their cases, each on a ledger of its own in memory, and what comes of
//! it is held against what the case expects.
//!
//! A case goes the way of `aethel run`: lowered, judged, through all six stages, committed. Only the time is given, so
//! that signed values stay fresh, and values of external parameters may be signed by a key that no real ledger trusts.

mod expect;
mod update;
mod world;

use crate::check;
use crate::config::Config;
use crate::files::{self, ProgramFiles};
use crate::inputs::{self, InputSources};
use crate::oracle::{self, canonical_value, key_id, public_key, to_hex};
use crate::program::Program;
use crate::run::{self, Opened};
use aethel_ir::{Code, Diagnostic, Severity, SourceMap, quote};
use aethel_ledger::{BatchKey, LedgerId, LedgerStore, MemoryStore, OracleFeed, OracleKey, PolicyChange};
use aethel_lower::{Case, CaseFile, Given, Inputs, LoweredBatch, OracleInput, Purpose};
use aethel_report::cases::{CaseReport, FileReport};
use aethel_runtime::{BatchProcessor, Clock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use world::World;

/// How a file of cases ends.
pub const SUFFIX: &str = ".test.json";

/// The largest file of cases, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What a case takes for now when it says nothing and brings no signed value: 2020-09-13T12:26:40Z.
const SOME_TIME: i64 = 1_600_000_000;

/// Signs the external values of cases. It is no secret: only ledgers in the memory of a test trust it.
const TEST_KEY: [u8; 32] = *b"signs values in tests, no others";

/// How cases are run.
#[derive(Clone, Debug, Default)]
pub struct CaseOptions {
    /// Only cases whose name contains this.
    pub filter: Option<String>,
    /// Write what was found into cases that expect nothing.
    pub update: bool,
    /// Further directories whose files cases and programs may name.
    pub allow_path: Vec<PathBuf>,
    /// The limit for each batch.
    pub timeout: Option<Duration>,
}

/// Runs cases; what is proved for one is known to the next.
#[allow(missing_debug_implementations, reason = "a processor has nothing to show")]
pub struct CaseRunner {
    options: CaseOptions,
    processor: BatchProcessor,
    clock: Arc<CaseClock>,
}

/// The machine's clock for how long things take; the case's for what time it is.
#[derive(Debug)]
struct CaseClock {
    start: Instant,
    unix_ms: AtomicI64,
}

impl Clock for CaseClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_ms(&self) -> i64 {
        self.unix_ms.load(Ordering::Relaxed)
    }
}

/// What came of a run.
pub(crate) struct Found {
    /// How many transactions were committed.
    transactions: usize,
    /// What stopped it; empty when every batch was committed.
    errors: Vec<Diagnostic>,
    /// Whether it came to be run at all.
    began: bool,
    world: World,
}

impl CaseRunner {
    /// A runner.
    pub fn new(options: CaseOptions) -> Self {
        let clock = Arc::new(CaseClock {
            start: Instant::now(),
            unix_ms: AtomicI64::new(0),
        });
        let limits = run::processor_options(None, options.timeout);
        Self {
            options,
            processor: BatchProcessor::new(limits, Arc::clone(&clock) as Arc<dyn Clock>),
            clock,
        }
    }

    /// Runs the cases of a file; `before` is called with the name of each before it runs.
    pub fn file(&self, path: &Path, sources: &mut SourceMap, before: &mut dyn FnMut(&str)) -> FileReport {
        let mut report = FileReport {
            file: path.to_string_lossy().into_owned(),
            ..FileReport::default()
        };
        if let Err(problems) = self.cases(path, sources, before, &mut report) {
            report.problems.extend(problems);
        }
        report
    }

    fn cases(
        &self,
        path: &Path,
        sources: &mut SourceMap,
        before: &mut dyn FnMut(&str),
        report: &mut FileReport,
    ) -> Result<(), Vec<Diagnostic>> {
        let one = |problem: Diagnostic| vec![problem];
        let (source, text) = files::read_text(path, MAX_BYTES, sources).map_err(one)?;
        let file = CaseFile::from_json(source, &text)?;
        let directory = files::directory_of(path).to_owned();
        let program = match &file.program {
            Some(named) => self.resolve(&directory, named, sources).map_err(one)?,
            None => beside(path).map_err(one)?,
        };
        report.program = program.to_string_lossy().into_owned();
        let program = Program::open(&program, sources).map_err(one)?;
        let wanted = |case: &&Case| {
            let filter = self.options.filter.as_ref();
            filter.is_none_or(|filter| case.name.text.contains(filter.as_str()))
        };
        let mut written = Vec::new();
        for case in file.cases.iter().filter(wanted) {
            before(&case.name.text);
            let begun = Instant::now();
            let mut told = CaseReport {
                name: case.name.text.clone(),
                at: case.at,
                passed: false,
                written: false,
                outcome: "not run".to_owned(),
                transactions: 0,
                nanoseconds: 0,
                differences: Vec::new(),
                diagnostics: Vec::new(),
            };
            let found = match self.run(case, &program, &directory, sources) {
                Ok(found) => found,
                Err(problems) => {
                    told.diagnostics = problems;
                    report.cases.push(told);
                    continue;
                }
            };
            told.outcome = found
                .errors
                .first()
                .map_or("committed", |error| error.code.id())
                .to_owned();
            told.transactions = found.transactions;
            match &case.expect {
                Some(expected) => expect::judge(case, expected, &found, &mut told),
                None if self.options.update => match update::expectation(case, &found, &text) {
                    Some(insertion) => {
                        written.push(insertion);
                        (told.passed, told.written) = (true, true);
                    }
                    None => told.diagnostics.push(update::too_much(case)),
                },
                None => told.diagnostics.push(update::missing(case)),
            }
            told.nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            report.cases.push(told);
        }
        update::write(path, &text, written).map_err(one)
    }

    /// A path that the file of cases names.
    fn resolve(
        &self,
        directory: &Path,
        named: &Given,
        sources: &mut SourceMap,
    ) -> Result<PathBuf, Diagnostic> {
        let files = ProgramFiles::new(directory.to_owned(), &self.options.allow_path, sources);
        // What is shown of it is the path as it was written, not where links lead.
        let found = files.resolve(&named.text).map(|_| directory.join(&named.text));
        found.map_err(|problem| problem.label_at(named.at, "named here"))
    }

    /// Runs a case.
    ///
    /// # Errors
    /// What is wrong with the case itself, not with its program.
    fn run(
        &self,
        case: &Case,
        program: &Program,
        directory: &Path,
        sources: &mut SourceMap,
    ) -> Result<Found, Vec<Diagnostic>> {
        let one = |problem: Diagnostic| vec![problem];
        let mut inputs = self.inputs(case, directory, sources)?;
        let newest = inputs.oracles.iter().map(|oracle| oracle.timestamp).max();
        let time = case.time.or(newest).unwrap_or(SOME_TIME);
        self.clock
            .unix_ms
            .store(time.saturating_mul(1000), Ordering::Relaxed);
        let mut policy = match &case.config {
            Some(named) => {
                let path = self.resolve(directory, named, sources).map_err(one)?;
                let config = Config::open(&path, sources).map_err(one)?;
                run::policy_changes(&config).map_err(one)?
            }
            None => Vec::new(),
        };
        let key = key_id(&public_key(&TEST_KEY));
        trust_the_test(case, &key, &mut policy);
        inputs
            .oracles
            .extend(case.external.iter().map(|external| OracleInput {
                feed: external.feed.clone(),
                value: canonical_value(&external.value.text).unwrap_or_else(|| external.value.text.clone()),
                timestamp: time.saturating_sub(external.age),
                key_id: key.clone(),
                // What its unit is, the program says; it is signed below.
                signature: String::new(),
                at: external.value.at,
            }));
        let mut said = program.diagnostics.clone();
        let allowed = &self.options.allow_path;
        let mut lowered = program.lower(
            &case.selection,
            &inputs,
            Purpose::Run,
            sources,
            allowed,
            &mut said,
        );
        if !said.iter().any(Diagnostic::is_error) {
            said.extend(check::before_run(&lowered, sources));
        }
        if lowered.is_empty() && !said.iter().any(Diagnostic::is_error) {
            let none = Diagnostic::new(Code::AE0314, "there is no batch to run");
            said.push(none.help("write an `atomic_batch`, or name an `intent` in the case"));
        }
        said.retain(|one| one.severity == Severity::Error);
        let mut found = Found {
            transactions: 0,
            began: !lowered.is_empty(),
            world: World::before(&lowered),
            errors: said,
        };
        if found.errors.is_empty() {
            lowered.iter_mut().for_each(|batch| sign(batch, &key));
            let mut ledger = MemoryStore::new(LedgerId([0x7e; 16]));
            self.batches(
                lowered,
                inputs.open_accounts,
                policy,
                &mut ledger,
                sources,
                &mut found,
            );
            found
                .world
                .read(&ledger)
                .map_err(|error| vec![error.to_diagnostic()])?;
        }
        Ok(found)
    }

    /// Runs the batches one after the other, until one fails.
    fn batches(
        &self,
        lowered: Vec<LoweredBatch>,
        open_accounts: bool,
        policy: Vec<PolicyChange>,
        ledger: &mut dyn LedgerStore,
        sources: &SourceMap,
        found: &mut Found,
    ) {
        let mut opened = Opened::new();
        let several = lowered.len() > 1;
        for batch in lowered {
            let mut request = run::request(batch, sources, several.then_some(&mut opened), open_accounts);
            request.first_policy.clone_from(&policy);
            // Batches with external values need one; what it says matters to no ledger that was new before.
            request.key = Some(BatchKey::User("case".into()));
            let result = self.processor.execute_batch(ledger, request);
            found.transactions += result.transactions_executed;
            if let Some(diagnostic) = result.diagnostic {
                found.errors.push(*diagnostic);
                return;
            }
        }
    }

    /// The inputs of a case: those of the file it names, and its own, which win.
    fn inputs(
        &self,
        case: &Case,
        directory: &Path,
        sources: &mut SourceMap,
    ) -> Result<Inputs, Vec<Diagnostic>> {
        let mut own = case.inputs.clone();
        if let Some(csv) = &own.accounts_csv {
            self.resolve(directory, csv, sources)
                .map_err(|problem| vec![problem])?;
            inputs::add_balances(&mut own, directory, sources)?;
        }
        let Some(named) = &case.inputs_file else {
            return Ok(own);
        };
        let path = self
            .resolve(directory, named, sources)
            .map_err(|problem| vec![problem])?;
        let file = InputSources {
            file: Some(path),
            ..InputSources::default()
        };
        let mut inputs = file.read(Path::new("-"), sources)?;
        inputs
            .accounts
            .retain(|theirs| own.accounts.iter().all(|ours| ours.name != theirs.name));
        inputs.accounts.append(&mut own.accounts);
        for (theirs, ours) in [
            (&mut inputs.bind, &mut own.bind),
            (&mut inputs.args, &mut own.args),
        ] {
            theirs.retain(|theirs| ours.iter().all(|ours| ours.key != theirs.key));
            theirs.append(ours);
        }
        inputs.tables.append(&mut own.tables);
        inputs.oracles.append(&mut own.oracles);
        inputs.open_accounts |= own.open_accounts;
        Ok(inputs)
    }
}

/// `payroll.ae` for `payroll.test.json`.
fn beside(path: &Path) -> Result<PathBuf, Diagnostic> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let stem = name.as_deref().and_then(|name| name.strip_suffix(SUFFIX));
    stem.filter(|stem| !stem.is_empty())
        .map(|stem| path.with_file_name(format!("{stem}.ae")))
        .ok_or_else(|| {
            let shown = quote(&path.to_string_lossy());
            let message = format!("`{shown}` does not say of which program its cases are");
            Diagnostic::new(Code::AE1102, message)
                .help("call it like its program, such as pay.test.json for pay.ae, or write `program`")
        })
}

/// The ledger of a case trusts the test's key about the values that the case gives. Limits that its configuration sets
/// for them stay.
fn trust_the_test(case: &Case, key: &str, policy: &mut Vec<PolicyChange>) {
    if case.external.is_empty() {
        return;
    }
    policy.push(PolicyChange::AddOracleKey(OracleKey {
        key_id: key.to_owned(),
        public_key: public_key(&TEST_KEY),
        feeds: case
            .external
            .iter()
            .map(|external| external.feed.clone())
            .collect(),
    }));
    for external in &case.external {
        let limited = |change: &PolicyChange| matches!(change, PolicyChange::SetOracleFeed(feed) if feed.feed == external.feed);
        if !policy.iter().any(limited) {
            policy.push(PolicyChange::SetOracleFeed(OracleFeed {
                feed: external.feed.clone(),
                max_age_ms: u64::MAX,
                max_future_skew_ms: u64::MAX,
                reference: None,
                max_deviation: None,
            }));
        }
    }
}

/// Signs the values that the case gives, for the units that the program takes them in.
fn sign(lowered: &mut LoweredBatch, key: &str) {
    for used in &mut lowered.oracles {
        let Some(proof) = used.proof.as_mut().filter(|proof| proof.key_id == key) else {
            continue;
        };
        if proof.signature.is_empty()
            && let Some(signed) = oracle::sign(
                &TEST_KEY,
                &proof.feed,
                &used.asset,
                &used.scale,
                &proof.value,
                proof.timestamp,
            )
        {
            proof.signature = to_hex(&signed.signature);
        }
    }
}
