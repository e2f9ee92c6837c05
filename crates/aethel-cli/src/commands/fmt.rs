//! `aethel fmt`: lays programs out one way.

use super::{diff, programs};
use crate::exit::Exit;
use crate::options::{FmtOptions, Format};
use crate::printer::Printer;
use aethel::format::{Formatted, Unformatted, format};
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel_report::escape::terminal;
use std::path::Path;

/// Formats every program named, or found below a directory named.
pub fn run(options: &FmtOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let mut problems: Vec<Diagnostic> = Vec::new();
    let (mut seen, mut different) = (0_usize, 0_usize);
    for path in &options.paths {
        for path in programs(path, &mut problems) {
            seen += 1;
            match format(&path, &mut sources) {
                Ok(formatted) => {
                    different += usize::from(formatted.differs());
                    problems.extend(tell(&formatted, options, printer).err());
                }
                Err(Unformatted::Problems(found)) => problems.extend(found),
                Err(Unformatted::Bug) => {
                    eprintln!(
                        "aethel would have changed more than space in {}, and left it as it is; this is a bug, please report \
                         it with the file",
                        path.display()
                    );
                    return Exit::Bug;
                }
            }
        }
    }
    let unreadable = problems
        .iter()
        .any(|d| matches!(d.code, Code::AE0901 | Code::AE0109) && d.labels.is_empty());
    let failed = !problems.is_empty();
    printer.diagnostics(&problems, &sources);
    let dry = options.check || options.diff;
    if options.paths.iter().all(|path| path != Path::new("-")) {
        let files = |count: usize| format!("{count} {}", if count == 1 { "file" } else { "files" });
        printer.say(&match (different, dry) {
            (0, _) if failed => String::new(),
            (0, _) => format!("{} formatted already\n", files(seen)),
            (_, true) => format!("{} of {} not formatted\n", different, files(seen)),
            (_, false) => format!("{} of {} formatted anew\n", different, files(seen)),
        });
    }
    match (unreadable, failed || dry && different > 0) {
        (true, _) => Exit::Usage,
        (_, true) => Exit::Wrong,
        _ => Exit::Fine,
    }
}

/// Shows or writes one file.
fn tell(formatted: &Formatted, options: &FmtOptions, printer: &mut Printer) -> Result<(), Diagnostic> {
    let stdin = formatted.path == Path::new("-");
    let name = match stdin {
        true => "<stdin>".to_owned(),
        false => terminal(&formatted.path.to_string_lossy()),
    };
    if options.diff && formatted.differs() {
        printer.result(&diff(&name, &formatted.before, &formatted.after));
    } else if options.check && formatted.differs() && printer.format() != Format::Json {
        printer.result(&format!("{name} is not formatted\n"));
    } else if stdin && !options.check && !options.diff {
        printer.result(&formatted.after);
    } else if formatted.differs() && !options.check {
        formatted.write()?;
    }
    Ok(())
}
