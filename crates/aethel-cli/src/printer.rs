//! Where output goes, decided once: results to stdout, the rest to stderr.

use crate::exit::Exit;
use crate::options::{Color, Format, Global};
use aethel::ir::{Diagnostic, Proof, Severity, SourceMap};
use aethel_report::diagnostics::json_with_proofs;
use aethel_report::escape::terminal;
use aethel_report::proofs::proofs;
use aethel_report::{Style, concise, human, json};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// What is done sooner needs no progress shown.
const PATIENCE: Duration = Duration::from_millis(300);

/// Prints results and diagnostics in the chosen format.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    export: Format,
    style: Style,
    quiet: bool,
    deny_warnings: bool,
    progress: bool,
    /// The reader of stdout went away; nothing more is printed, and that is no error.
    closed: bool,
}

impl Printer {
    /// Decides on colours and formats.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        // What only an export is written in, its problems are not.
        let format = match global.format {
            Format::Csv | Format::Hledger | Format::Beancount => Format::Human,
            format => format,
        };
        Self {
            format,
            export: global.format,
            style: Style {
                color,
                ..Style::default()
            },
            quiet: global.quiet,
            deny_warnings: global.deny_warnings,
            progress: !global.no_progress && !global.quiet && std::io::stderr().is_terminal(),
            closed: false,
        }
    }

    /// The chosen format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The format as it was asked for, which may be one of `ledger export`.
    pub fn export_format(&self) -> Format {
        self.export
    }

    /// Prints a result to stdout.
    pub fn result(&mut self, text: &str) {
        self.write(|out| out.write_all(text.as_bytes()));
    }

    /// Lets a result of any length be written to stdout.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        if self.closed {
            return;
        }
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        if write(&mut out).and_then(|()| out.flush()).is_err() {
            self.closed = true;
        }
    }

    /// Prints a result for people, unless `--quiet` or another format is wanted.
    pub fn say(&mut self, text: &str) {
        if self.format == Format::Human && !self.quiet {
            self.result(text);
        }
    }

    /// Whether one of these counts as an error.
    pub fn denies(&self, diagnostics: &[Diagnostic]) -> bool {
        let counts = |d: &Diagnostic| d.is_error() || self.deny_warnings && d.severity == Severity::Warning;
        diagnostics.iter().any(counts)
    }

    /// Prints what a check found: what was proved first, then problems; gives whether one counts as an error.
    pub fn checked(&mut self, diagnostics: &[Diagnostic], checked: &[Proof], sources: &SourceMap) -> bool {
        if self.format == Format::Json {
            let shown = self.shown(diagnostics);
            self.result(&json_with_proofs(&shown, checked, sources));
            return self.denies(diagnostics);
        }
        if !checked.is_empty() {
            self.say(&format!("{}\n", proofs(checked, sources)));
        }
        self.diagnostics(diagnostics, sources)
    }

    /// Prints diagnostics to stdout, since they are what was asked for; gives whether one counts as an error.
    pub fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) -> bool {
        let shown = self.shown(diagnostics);
        let text = match self.format {
            Format::Json => json(&shown, sources),
            Format::Concise => concise(&shown, sources),
            _ => human(&shown, sources, self.style),
        };
        self.result(&text);
        self.denies(diagnostics)
    }

    /// Tells on stderr what went wrong after the result was printed; gives whether it counts as an error.
    pub fn late(&self, diagnostics: &[Diagnostic], sources: &SourceMap) -> bool {
        if !diagnostics.is_empty() {
            eprint!("{}", concise(&self.shown(diagnostics), sources));
        }
        self.denies(diagnostics)
    }

    /// What is shown of diagnostics, each as severe as it counts.
    fn shown(&self, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
        let mut shown = diagnostics.to_vec();
        for diagnostic in &mut shown {
            if self.deny_warnings && diagnostic.severity == Severity::Warning {
                diagnostic.severity = Severity::Error;
            }
        }
        if self.quiet {
            shown.retain(Diagnostic::is_error);
        }
        shown
    }

    /// Shows how far a long command is: one line on a terminal's stderr that the next one replaces. Nothing is shown
    /// of what takes less than [`PATIENCE`].
    pub fn progress(&self, begun: Instant, line: impl FnOnce() -> String) {
        if self.progress && begun.elapsed() >= PATIENCE {
            let line: String = line().chars().take(78).collect();
            eprint!("\r\u{1b}[K{}", terminal(&line));
        }
    }

    /// Takes the line away.
    pub fn progress_done(&self) {
        if self.progress {
            eprint!("\r\u{1b}[K");
        }
    }

    /// Flushes what is left.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        exit
    }
}
