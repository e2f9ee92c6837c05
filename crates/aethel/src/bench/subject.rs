//! A workload made ready: lowered once, with a ledger that knows its accounts.

use super::opening::Opening;
use super::plain::Plain;
use super::rows::Rows;
use super::scenario::Builtin;
use crate::inputs::InputSources;
use crate::program::Program;
use crate::run::{self, RunOptions};
use aethel_ir::{AccountName, Batch, Code, Diagnostic, SourceId, SourceMap};
use aethel_ledger::{ImportLine, LedgerId, MemoryStore};
use aethel_lower::{Files, Inputs, LoweredBatch, Purpose, Selection};
use aethel_runtime::BatchRequest;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One batch of a workload.
#[derive(Debug)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// The text of the program.
    pub program: String,
    /// The texts that its spans point into.
    pub sources: SourceMap,
    /// The batch.
    pub lowered: LoweredBatch,
    /// The same transactions as numbers, when they are of a kind that the baselines know.
    pub plain: Option<Plain>,
    /// Whether the same batch can be committed again and again on one ledger.
    pub repeatable: bool,
    /// Whether accounts that nobody opened are opened with zero.
    open_accounts: bool,
    /// The accounts and what they hold at first.
    pub opening: Opening,
}

/// The one file that a built-in workload names.
struct OneFile<'a> {
    text: Arc<str>,
    sources: &'a mut SourceMap,
}

impl Files for OneFile<'_> {
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic> {
        Ok((self.sources.add(path, self.text.clone()), self.text.clone()))
    }
}

impl Subject {
    /// A built-in workload of so many transactions.
    ///
    /// # Errors
    /// Never for the workloads that there are; what the lowering says otherwise.
    pub fn builtin(builtin: &Builtin, transactions: usize) -> Result<Subject, Vec<Diagnostic>> {
        let rows = builtin.rows(transactions);
        Self::of(builtin.name, builtin.about, builtin.program(), rows)
    }

    /// A program that names one file, and that file.
    ///
    /// # Errors
    /// What the lowering says.
    pub fn of(name: &str, about: &str, program: String, mut rows: Rows) -> Result<Subject, Vec<Diagnostic>> {
        let mut sources = SourceMap::default();
        let source = sources.add(format!("{name}.ae"), program.as_str());
        let parsed = Program::parse(source, &program, PathBuf::from("."));
        let mut problems = parsed.diagnostics;
        let text: Arc<str> = std::mem::take(&mut rows.csv).into();
        let mut files = OneFile {
            text,
            sources: &mut sources,
        };
        let inputs = Inputs::default();
        let selection = Selection::All;
        let lowered = aethel_lower::lower(
            source,
            &parsed.tree,
            &selection,
            &inputs,
            &mut files,
            Purpose::Run,
            &mut problems,
        );
        let lowered = only(lowered, problems)?;
        let opening = std::mem::take(&mut rows.opening)
            .into_iter()
            .filter_map(|(account, asset, amount)| {
                Some(ImportLine {
                    account: AccountName::new(&account).ok()?,
                    asset: asset.into(),
                    amount,
                })
            });
        let opening = Opening::new(&lowered.batch, opening.collect());
        let plain = Self::plain(&lowered.batch, &rows);
        Ok(Subject {
            name: name.to_owned(),
            about: about.to_owned(),
            program,
            sources,
            plain,
            lowered,
            repeatable: true,
            open_accounts: false,
            opening,
        })
    }

    fn plain(batch: &Batch, rows: &Rows) -> Option<Plain> {
        match rows.liquidations {
            Some(_) => Plain::liquidations(batch, rows),
            None => Plain::transfers(batch),
        }
    }

    /// The batches of a program or transaction list with their inputs.
    ///
    /// # Errors
    /// What the lowering says; AE0314 when there is no batch.
    pub fn file(
        path: &Path,
        inputs: &InputSources,
        allow_path: &[PathBuf],
    ) -> Result<Vec<Subject>, (Vec<Diagnostic>, SourceMap)> {
        let mut sources = SourceMap::default();
        let options = RunOptions {
            inputs: inputs.clone(),
            allow_path: allow_path.to_vec(),
            ..RunOptions::default()
        };
        let mut problems = Vec::new();
        let lowered = run::lower(path, &options, &mut sources, &mut problems);
        let (lowered, open_accounts) = match lowered {
            Ok(lowered) if !problems.iter().any(Diagnostic::is_error) => lowered,
            Ok(_) => return Err((problems, sources)),
            Err(more) => return Err((more, sources)),
        };
        if lowered.is_empty() {
            let none = Diagnostic::new(Code::AE0314, "there is no batch to run");
            return Err((vec![none.help("write an `atomic_batch`")], sources));
        }
        let program = sources
            .get(SourceId(0))
            .map(|file| file.text.to_string())
            .unwrap_or_default();
        let shown = path.display();
        let subject = |lowered: LoweredBatch| Subject {
            name: lowered.batch.name.to_string(),
            about: format!("batch `{}` of {shown}", lowered.batch.name),
            program: program.clone(),
            sources: sources.clone(),
            plain: Plain::transfers(&lowered.batch),
            repeatable: false,
            open_accounts,
            opening: Opening::new(&lowered.batch, lines(&lowered)),
            lowered,
        };
        Ok(lowered.into_iter().map(subject).collect())
    }

    /// What the engine is asked; a copy of the batch, since running takes it.
    pub fn request(&self) -> BatchRequest<'_> {
        let mut lowered = self.lowered.clone();
        // The ledger knows the accounts already.
        lowered.openings.clear();
        run::request(lowered, &self.sources, None, self.open_accounts)
    }

    /// A ledger in memory that knows the accounts.
    ///
    /// # Errors
    /// What the store says.
    pub fn memory(&self) -> Result<MemoryStore<'static>, Diagnostic> {
        let mut store = MemoryStore::new(LedgerId([0xbe; 16]));
        self.opening.commit(&mut store)?;
        Ok(store)
    }
}

fn lines(lowered: &LoweredBatch) -> Vec<ImportLine> {
    let batch = &lowered.batch;
    let line = |opening: &aethel_lower::Opening| {
        let asset = batch.assets.get(usize::from(batch.asset_of(opening.place)?.0))?;
        let account = batch.account_of(opening.place)?.clone();
        Some(ImportLine {
            account,
            asset: asset.name.clone(),
            amount: opening.amount,
        })
    };
    lowered.openings.iter().filter_map(line).collect()
}

fn only(mut lowered: Vec<LoweredBatch>, problems: Vec<Diagnostic>) -> Result<LoweredBatch, Vec<Diagnostic>> {
    match lowered.pop() {
        Some(batch) if !problems.iter().any(Diagnostic::is_error) => Ok(batch),
        _ => Err(problems),
    }
}
