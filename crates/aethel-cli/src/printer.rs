//! Where output goes, decided once: results to stdout, the rest to stderr.

use crate::exit::Exit;
use crate::options::{Color, Format, Global};
use aethel::ir::{Diagnostic, Severity, SourceMap};
use aethel_report::{Style, concise, human, json};
use std::io::{IsTerminal, Write};

/// Prints results and diagnostics in the chosen format.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    style: Style,
    quiet: bool,
    deny_warnings: bool,
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
        Self {
            format: global.format,
            style: Style {
                color,
                ..Style::default()
            },
            quiet: global.quiet,
            deny_warnings: global.deny_warnings,
            closed: false,
        }
    }

    /// The chosen format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints a result to stdout.
    pub fn result(&mut self, text: &str) {
        if self.closed {
            return;
        }
        let mut out = std::io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
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

    /// Prints diagnostics to stdout, since they are what was asked for; gives whether one counts as an error.
    pub fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) -> bool {
        let mut shown = diagnostics.to_vec();
        for diagnostic in &mut shown {
            if self.deny_warnings && diagnostic.severity == Severity::Warning {
                diagnostic.severity = Severity::Error;
            }
        }
        let failed = self.denies(&shown);
        if self.quiet {
            shown.retain(Diagnostic::is_error);
        }
        let text = match self.format {
            Format::Human => human(&shown, sources, self.style),
            Format::Concise => concise(&shown, sources),
            Format::Json => json(&shown, sources),
        };
        self.result(&text);
        failed
    }

    /// Flushes what is left.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        exit
    }
}
