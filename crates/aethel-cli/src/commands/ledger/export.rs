//! `aethel ledger export`: the whole journal for other programs.

use crate::options::Format;
use crate::printer::Printer;
use crate::progress::Counted;
use aethel::ir::{Code, Diagnostic, Progress, SourceMap, quote};
use aethel::ledger::LedgerPath;
use aethel::store::{ExportError, ExportFormat, LedgerStore, export};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
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
    file: &Path,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = write(open, format, &beside, progress).and_then(|()| Ok(std::fs::rename(&beside, file)?));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        match error {
            ExportError::Ledger(error) => error.to_diagnostic(),
            ExportError::Io(error) => {
                let shown = quote(&file.to_string_lossy());
                Diagnostic::new(Code::AE0901, format!("cannot write `{shown}`: {error}"))
                    .help("name another file with `--out`")
            }
        }
    })
}

fn write(
    open: &dyn LedgerStore,
    format: ExportFormat,
    path: &Path,
    progress: &Progress,
) -> Result<(), ExportError> {
    let out = std::fs::File::create(path)?;
    let mut out = BufWriter::new(Counted { out, progress });
    export(open, format, &mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.out.sync_all()?)
}
