//! `aethel ledger export`: the whole journal for other programs.

use crate::options::Format;
use crate::printer::Printer;
use crate::progress::Counted;
use aethel::files::{cannot_write, write_whole};
use aethel::ir::{Code, Diagnostic, Progress, SourceMap};
use aethel::ledger::LedgerPath;
use aethel::store::{ExportError, ExportFormat, LedgerStore, export};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// Writes the journal to a file, or to standard output.
pub fn run(
    out: Option<&Path>,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let format = match printer.export_format() {
        Format::Json => ExportFormat::Json,
        Format::Csv => ExportFormat::Csv,
        Format::Hledger => ExportFormat::Hledger,
        Format::Beancount => ExportFormat::Beancount,
        Format::Human | Format::Concise | Format::Sarif | Format::Github => {
            let message = "an export needs a format";
            let help = "choose `--format json`, `csv`, `hledger` or `beancount`";
            return Err(vec![Diagnostic::new(Code::AE0911, message).help(help)]);
        }
    };
    let progress = printer.watch();
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    progress.begin_counting("exporting", "bytes", None);
    match out {
        Some(file) => to_file(&*open, format, file, &progress).map_err(|d| vec![d]),
        None => to_stdout(&*open, format, &progress, printer),
    }
}

/// What is wrong is told on stderr: stdout holds half an export.
fn to_stdout(
    open: &dyn LedgerStore,
    format: ExportFormat,
    progress: &Progress,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let mut problem = None;
    printer.write(|out| match export(open, format, &mut Counted { out, progress }) {
        Ok(()) => Ok(()),
        Err(ExportError::Io(error)) => Err(error),
        Err(ExportError::Ledger(error)) => {
            problem = Some(error.to_diagnostic());
            Ok(())
        }
    });
    match problem {
        None => Ok(()),
        Some(problem) => {
            printer.late(&[problem], &SourceMap::default());
            Err(Vec::new())
        }
    }
}

/// The file is there as a whole or not at all.
fn to_file(
    open: &dyn LedgerStore,
    format: ExportFormat,
    path: &Path,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let written = write_whole(path, |file| {
        let mut out = BufWriter::new(Counted {
            out: &mut *file,
            progress,
        });
        export(open, format, &mut out)?;
        out.flush()?;
        drop(out);
        Ok(file.sync_all()?)
    });
    written.map_err(|error| match error {
        ExportError::Ledger(error) => error.to_diagnostic(),
        ExportError::Io(error) => cannot_write(path, &error).help("name another file with `--out`"),
    })
}
