//! `aethel man`: manual pages, made from the same command line that is parsed.

use crate::exit::Exit;
use crate::options::Cli;
use crate::options::man::ManOptions;
use crate::printer::Printer;
use aethel::files::cannot_write;
use aethel::ir::{Code, Diagnostic, SourceMap, did_you_mean, quote};
use aethel_report::escape::terminal;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;

/// Prints one page, or writes all of them.
pub fn run(options: &ManOptions, printer: &mut Printer) -> Exit {
    let mut command = Cli::command();
    command.build();
    let done = match &options.dir {
        Some(directory) => write(&command, directory).map(|pages| {
            let shown = terminal(&directory.to_string_lossy());
            printer.say(&format!("{pages} pages in {shown}\n"));
        }),
        None => find(&command, &options.command).and_then(|command| {
            let page = page(command).map_err(|error| {
                Diagnostic::new(Code::AE0901, format!("cannot draw the page: {error}")).help("try it again")
            })?;
            printer.write(|out| out.write_all(&page));
            Ok(())
        }),
    };
    match done {
        Ok(()) => Exit::Fine,
        Err(problem) => {
            printer.diagnostics(&[problem], &SourceMap::default());
            Exit::Usage
        }
    }
}

/// The command that these words name.
fn find<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command, Diagnostic> {
    let mut command = root;
    for word in words {
        let known: Vec<&Command> = shown(command).collect();
        let Some(found) = known.iter().find(|one| one.get_name() == word) else {
            let names = known.iter().map(|one| one.get_name());
            let help = did_you_mean(word, names.clone()).unwrap_or_else(|| match names.clone().next() {
                Some(_) => format!("it has {}", names.collect::<Vec<_>>().join(", ")),
                None => format!("`{}` has no commands of its own", command.get_name()),
            });
            let message = format!("`{}` has no command `{}`", called(command), quote(word));
            return Err(Diagnostic::new(Code::AE0911, message).help(help));
        };
        command = found;
    }
    Ok(command)
}

/// The commands that `--help` lists.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|one| !one.is_hide_set())
}

/// `aethel ledger show`
fn called(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// A page in the language of `man`. What `--help` ends with keeps its lines, which are examples and tables.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let notes = command.get_after_help().map(ToString::to_string);
    Man::new(command.clone().after_help(None::<&str>)).render(&mut page)?;
    // A page of no date has to say so, or what follows would be taken for it.
    let title = format!(
        ".TH {} 1 \"\" \"aethel {}\" \"Manual of Aethel\"",
        called(command).replace(' ', "-").to_uppercase(),
        env!("CARGO_PKG_VERSION"),
    );
    let mut text = Vec::with_capacity(page.len());
    for line in page.split_inclusive(|byte| *byte == b'\n') {
        match line.starts_with(b".TH ") {
            true => text.extend_from_slice(format!("{title}\n").as_bytes()),
            false => text.extend_from_slice(line),
        }
    }
    if let Some(notes) = notes {
        let kept = notes.lines().count() > 1;
        text.extend_from_slice(if kept { b".SH NOTES\n.nf\n" } else { b".SH NOTES\n" });
        for line in notes.lines() {
            // A line that begins with a dot or a quote would be a command; a hyphen would become a dash.
            let line = line.replace('\\', "\\e").replace('-', "\\-");
            text.extend_from_slice(format!("\\&{line}\n").as_bytes());
        }
        text.extend_from_slice(if kept { b".fi\n" } else { b"" });
    }
    Ok(text)
}

/// Writes the pages of a command and of all below it; gives how many.
fn write(command: &Command, directory: &Path) -> Result<usize, Diagnostic> {
    let fail = |error| cannot_write(directory, &error);
    std::fs::create_dir_all(directory).map_err(fail)?;
    let file = directory.join(format!("{}.1", called(command).replace(' ', "-")));
    std::fs::write(file, page(command).map_err(fail)?).map_err(fail)?;
    shown(command).try_fold(1, |pages, below| Ok(pages + write(below, directory)?))
}
