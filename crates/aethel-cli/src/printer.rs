//! Where output goes, decided once: results to stdout, the rest to stderr, and both to files that were asked for.
//!
//! Text (human, concise, github) is printed as it comes. A document (JSON, SARIF) is printed when the command ends:
//! either the command's own ([`Printer::document`]) or all its diagnostics.

mod file;

use crate::exit::Exit;
use crate::options::{Color, Format, Global};
use crate::progress::{self, Watcher};
use aethel::ir::{Diagnostic, Progress, Proof, Severity, SourceMap};
use aethel_report::diagnostics::{Kept, json_with_proofs};
use aethel_report::escape::github_log;
use aethel_report::proofs::proofs;
use aethel_report::{Style, concise, github, human, json, sarif};
use file::{FormatFile, OutputFile};
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

/// Prints results and diagnostics in the chosen formats.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    export: Format,
    style: Style,
    quiet: bool,
    deny_warnings: bool,
    /// Progress may be shown.
    progress: bool,
    /// Shows how far the command is.
    watcher: Option<Watcher>,
    /// What is printed on stdout goes where progress is shown.
    same_terminal: bool,
    /// A runner of GitHub Actions reads stdout.
    runner: bool,
    /// The reader of stdout went away; nothing more is printed, and that is no error.
    closed: bool,
    /// A document of the command itself stands on stdout.
    documented: bool,
    files: Vec<FormatFile>,
    /// What the command writes besides, in no format of diagnostics.
    besides: Vec<OutputFile>,
    /// Diagnostics for documents at the end; `None` before the first were printed.
    kept: Option<Kept>,
}

impl Printer {
    /// Decides on colours and formats, and opens the files.
    ///
    /// # Errors
    /// With a printer that has no files: why one of them cannot be written.
    pub fn new(global: &Global) -> (Self, Result<(), Diagnostic>) {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let runner = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let usual = if runner { Format::Github } else { Format::Human };
        let export = global.format.unwrap_or(usual);
        // What only an export is written in, its problems are not.
        let format = match export {
            Format::Csv | Format::Hledger | Format::Beancount => usual,
            format => format,
        };
        let (files, opened) = match FormatFile::open_all(&global.output_file) {
            Ok(files) => (files, Ok(())),
            Err(problem) => (Vec::new(), Err(problem)),
        };
        let printer = Self {
            format,
            export,
            style: Style {
                color,
                why: global.verbose,
                ..Style::default()
            },
            quiet: global.quiet,
            deny_warnings: global.deny_warnings,
            progress: !global.no_progress && !global.quiet && progress::is_welcome(),
            watcher: None,
            same_terminal: io::stdout().is_terminal(),
            runner,
            closed: false,
            documented: false,
            files,
            besides: Vec::new(),
            kept: None,
        };
        (printer, opened)
    }

    /// The format of stdout.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether reasons are asked for.
    pub fn says_why(&self) -> bool {
        self.style.why
    }

    /// The format as it was asked for, which may be one of `ledger export`.
    pub fn export_format(&self) -> Format {
        self.export
    }

    /// Prints a result. Among diagnostics in SARIF there is no place for one.
    pub fn result(&mut self, text: &str) {
        if self.format != Format::Sarif && !self.documented {
            self.text(text);
        }
        for file in self.files.iter_mut().filter(|file| file.format.is_text()) {
            file.file.write(|out| out.write_all(text.as_bytes()));
        }
    }

    /// Prints a result for people, unless `--quiet` or another format is wanted.
    pub fn say(&mut self, text: &str) {
        let people = |format| matches!(format, Format::Human | Format::Github);
        if self.quiet {
            return;
        }
        if people(self.format) {
            self.text(text);
        }
        for file in self.files.iter_mut().filter(|file| people(file.format)) {
            file.file.write(|out| out.write_all(text.as_bytes()));
        }
    }

    /// Gives the command's own JSON wherever JSON is wanted, instead of its diagnostics alone.
    pub fn document(&mut self, write: impl Fn(&mut dyn Write) -> io::Result<()>) {
        if self.format == Format::Json {
            self.write(&write);
            self.documented = true;
        }
        for file in self.files.iter_mut().filter(|file| file.format == Format::Json) {
            file.file.write(&write);
            file.documented = true;
        }
    }

    /// Opens a file that the command writes besides, before anything is done; gives its number.
    ///
    /// # Errors
    /// AE0901 when it cannot be written, AE0911 when it is named twice.
    pub fn open_besides(&mut self, path: &Path) -> Result<usize, Diagnostic> {
        let others = self.files.iter().map(|other| &other.file).chain(&self.besides);
        let file = OutputFile::open_beside(path, others)?;
        self.besides.push(file);
        Ok(self.besides.len() - 1)
    }

    /// Writes such a file; it is put in its place when the command ends.
    pub fn write_besides(&mut self, number: usize, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if let Some(file) = self.besides.get_mut(number) {
            file.write(write);
        }
    }

    /// Whether the command's own JSON is wanted anywhere.
    pub fn wants_json(&self) -> bool {
        self.format == Format::Json || self.files.iter().any(|file| file.format == Format::Json)
    }

    /// Gives the command's own JSON wherever JSON is wanted.
    pub fn json(&mut self, value: &Value) {
        self.document(|out| writeln!(out, "{value:#}"));
    }

    /// Whether anything but the command's own JSON is wanted.
    pub fn wants_more(&self) -> bool {
        self.format != Format::Json || self.files.iter().any(|file| file.format != Format::Json)
    }

    /// Text on stdout, made harmless for a runner that reads it.
    fn text(&mut self, text: &str) {
        if self.runner || self.format == Format::Github {
            let text = github_log(text);
            self.write(|out| out.write_all(text.as_bytes()));
        } else {
            self.write(|out| out.write_all(text.as_bytes()));
        }
    }

    /// Lets a result of any length be written to stdout.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.closed {
            return;
        }
        let print = || {
            let mut out = io::BufWriter::new(io::stdout().lock());
            write(&mut out).and_then(|()| out.flush())
        };
        let printed = match &self.watcher {
            Some(watcher) if self.same_terminal => watcher.aside(print),
            _ => print(),
        };
        self.closed = printed.is_err();
    }

    /// Whether one of these counts as an error.
    pub fn denies(&self, diagnostics: &[Diagnostic]) -> bool {
        let counts = |d: &Diagnostic| d.is_error() || self.deny_warnings && d.severity == Severity::Warning;
        diagnostics.iter().any(counts)
    }

    /// Prints what a check found: what was proved first, then problems; gives whether one counts as an error.
    /// JSON has fields of `more` beside them.
    pub fn checked(
        &mut self,
        diagnostics: &[Diagnostic],
        checked: &[Proof],
        sources: &SourceMap,
        more: &[(&str, Value)],
    ) -> bool {
        if self.wants_json() {
            let text = json_with_proofs(&self.shown(diagnostics), checked, sources, more);
            self.document(|out| out.write_all(text.as_bytes()));
        }
        if !checked.is_empty() {
            self.say(&format!("{}\n", proofs(checked, sources)));
        }
        self.diagnostics(diagnostics, sources)
    }

    /// Prints diagnostics where results go, since they are what was asked for; gives whether one counts as an error.
    pub fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) -> bool {
        let shown = self.shown(diagnostics);
        match self.format {
            Format::Concise => self.text(&concise(&shown, sources)),
            // Nothing in these lines but their beginnings is acted on.
            Format::Github => {
                let text = github(&shown, sources);
                self.write(|out| out.write_all(text.as_bytes()));
            }
            Format::Json | Format::Sarif => {}
            _ => self.text(&human(&shown, sources, self.style)),
        }
        let plain = Style {
            color: false,
            ..self.style
        };
        for file in &mut self.files {
            let text = match file.format {
                Format::Concise => concise(&shown, sources),
                Format::Github => github(&shown, sources),
                Format::Json | Format::Sarif => continue,
                _ => human(&shown, sources, plain),
            };
            file.file.write(|out| out.write_all(text.as_bytes()));
        }
        self.keep(&shown, sources);
        self.denies(diagnostics)
    }

    /// Tells on stderr what went wrong after the result was printed; gives whether it counts as an error.
    pub fn late(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) -> bool {
        let shown = self.shown(diagnostics);
        if !shown.is_empty() {
            self.progress_done();
            let text = concise(&shown, sources);
            eprint!("{}", if self.runner { github_log(&text) } else { text });
            self.keep(&shown, sources);
        }
        self.denies(diagnostics)
    }

    /// Keeps diagnostics for a document at the end.
    fn keep(&mut self, shown: &[Diagnostic], sources: &SourceMap) {
        if !self.format.is_text() || self.files.iter().any(|file| !file.format.is_text()) {
            self.kept.get_or_insert_default().add(shown, sources);
        }
    }

    /// What is shown of diagnostics, each as severe as it counts.
    pub fn shown(&self, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
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

    /// Where a command that may be long says how far it is. It is shown on a terminal, unless that is not wanted, until
    /// [`Printer::progress_done`]; what is printed meanwhile does not mix with it. A command that handles interruptions
    /// itself has to say so before.
    pub fn watch(&mut self) -> Arc<Progress> {
        let progress = Arc::new(Progress::default());
        if self.progress {
            self.watcher = Some(Watcher::start(Arc::clone(&progress)));
        }
        progress
    }

    /// Takes the line away.
    pub fn progress_done(&mut self) {
        self.watcher = None;
    }

    /// Prints documents, and puts the files in their places; a file that could not be written is told on stderr.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        self.progress_done();
        let printed = self.kept.is_some();
        let kept = self.kept.take().unwrap_or_default();
        let document = |format| match format {
            Format::Sarif => sarif(&kept.diagnostics, &kept.sources),
            _ => json(&kept.diagnostics, &kept.sources),
        };
        match self.format {
            Format::Json if self.documented || !printed => {}
            Format::Json | Format::Sarif => {
                let text = document(self.format);
                self.write(|out| out.write_all(text.as_bytes()));
            }
            _ => {}
        }
        let mut problems = Vec::new();
        for mut file in std::mem::take(&mut self.files) {
            if !file.format.is_text() && !file.documented {
                let text = document(file.format);
                file.file.write(|out| out.write_all(text.as_bytes()));
            }
            problems.extend(file.file.finish().err());
        }
        // One that nothing was written to would replace what stands there by nothing.
        for file in std::mem::take(&mut self.besides)
            .into_iter()
            .filter(OutputFile::is_begun)
        {
            problems.extend(file.finish().err());
        }
        eprint!("{}", concise(&problems, &SourceMap::default()));
        // What the command did, it did.
        match exit {
            Exit::Fine if !problems.is_empty() => Exit::Usage,
            exit => exit,
        }
    }
}
