//! `aethel ledger import`: opening balances from CSV, as one batch.

use super::store;
use crate::commands::sign::commit_or_sign;
use crate::options::ImportOptions;
use crate::printer::Printer;
use aethel::files;
use aethel::ir::{Code, Diagnostic, SourceMap, quote};
use aethel::ledger::{LedgerPath, now_ms};
use aethel::store::{CommitOutcome, import};
use std::collections::BTreeMap;
use std::time::Duration;

/// Imports a file.
pub fn run(
    options: &ImportOptions,
    path: &LedgerPath,
    wait: Duration,
    sources: &mut SourceMap,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let mut scales = BTreeMap::new();
    for text in &options.asset {
        let parsed = text
            .split_once(':')
            .and_then(|(name, scale)| Some((name.to_owned(), scale.parse::<u8>().ok()?)));
        let Some((name, scale)) = parsed else {
            let message = format!("`{}` is not `NAME:PLACES`", quote(text));
            return Err(vec![
                Diagnostic::new(Code::AE0911, message).help("write `--asset USD:2`"),
            ]);
        };
        scales.insert(name, scale);
    }
    let progress = printer.watch();
    progress.begin(format!("reading {}", options.file.display()));
    let (source, text) =
        files::read_text(&options.file, files::MAX_FILE_BYTES, sources).map_err(|d| vec![d])?;
    let mut open = path.open(wait).map_err(|d| vec![d])?;
    let (lines, changes) = aethel::import::lines(&*open, source, &text, &scales)?;
    let mut request = import(&options.name, now_ms(), &lines, changes);
    progress.begin_counting("committing", "balances", Some(lines.len() as u64));
    let Some(outcome) = commit_or_sign(&mut *open, &mut request, &options.approving, printer)? else {
        return Ok(());
    };
    match outcome {
        CommitOutcome::Committed { sequence, receipt } => {
            let count = lines.len();
            let balances = if count == 1 { "balance" } else { "balances" };
            printer.say(&format!(
                "{count} {balances} imported as batch {sequence} · receipt {}\n",
                receipt.short()
            ));
            if open.checkpoint_due() {
                open.checkpoint().map_err(store)?;
            }
            Ok(())
        }
        CommitOutcome::AlreadyCommitted(batch) => {
            let at = aethel::ir::time::utc(batch.time_ms);
            printer.say(&format!(
                "nothing imported: already done on {at} as {}\n",
                batch.receipt.short()
            ));
            Ok(())
        }
        CommitOutcome::KeyReused(batch) => Err(vec![
            Diagnostic::new(
                Code::AE0806,
                format!("another list was imported as `{}` before", batch.batch),
            )
            .help("give this one its own name with `--name`"),
        ]),
        CommitOutcome::Conflict { places } if places.is_empty() => Err(vec![
            Diagnostic::new(Code::AE0812, "another process changed the ledger meanwhile")
                .help("nothing was imported; run it again"),
        ]),
        CommitOutcome::Conflict { places } => {
            let shown: Vec<String> = places
                .iter()
                .take(3)
                .map(|place| format!("`{}`", place.account))
                .collect();
            Err(vec![
                Diagnostic::new(
                    Code::AE0812,
                    format!("{} open already: {}", places.len(), shown.join(", ")),
                )
                .help("import opens accounts; a balance that is there can only be moved by a batch"),
            ])
        }
    }
}
