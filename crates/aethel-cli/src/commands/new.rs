//! `aethel new`: a directory with a program, inputs, cases, and what else a project begins with.

use crate::exit::Exit;
use crate::options::new::{Ci, NewOptions, Template};
use crate::printer::Printer;
use aethel::files::cannot_write;
use aethel::ir::{Code, Diagnostic, SourceMap, quote};
use aethel_report::escape::terminal;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The longest name of a program, in bytes.
const MAX_NAME: usize = 64;

const README: &str = include_str!("../../templates/README.md");
const GITIGNORE: &str = include_str!("../../templates/gitignore");
const GITHUB: &str = include_str!("../../templates/ci/github.yml");
const GITLAB: &str = include_str!("../../templates/ci/gitlab.yml");

macro_rules! template {
    ($name:literal, $file:literal) => {
        include_str!(concat!("../../templates/", $name, "/", $file))
    };
    ($name:literal) => {
        [
            ("{name}.ae", template!($name, "program.ae")),
            ("{name}.inputs.json", template!($name, "inputs.json")),
            ("{name}.test.json", template!($name, "test.json")),
        ]
    };
}

/// Makes the directory and says what to do next.
pub fn run(options: &NewOptions, printer: &mut Printer) -> Exit {
    match make(options) {
        Ok((name, files)) => {
            let path = terminal(&options.path.to_string_lossy());
            let files = files.iter().map(|file| format!("  {path}/{file}\n"));
            printer.say(&format!(
                "{}\ncd {path} && aethel check && aethel test && aethel run {name}.ae\n",
                files.collect::<String>()
            ));
            Exit::Fine
        }
        Err(problem) => {
            printer.diagnostics(&[problem], &SourceMap::default());
            Exit::Usage
        }
    }
}

/// Writes the files; gives the name of the program and what was written.
fn make(options: &NewOptions) -> Result<(String, Vec<String>), Diagnostic> {
    let name = name(&options.path)?;
    let path = &options.path;
    let shown = terminal(&path.to_string_lossy());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
    }
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // An empty directory holds nothing that could be lost.
            let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !empty {
                let message = format!("`{shown}` is there already");
                let help = "nothing was written; choose another name, or an empty directory";
                return Err(Diagnostic::new(Code::AE0901, message).help(help));
            }
        }
        Err(error) => return Err(cannot_write(path, &error)),
    }
    let mut written = Vec::new();
    for (file, text) in files(options) {
        let file = file.replace("{name}", &name);
        let target: PathBuf = path.join(&file);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
        }
        // Never over a file that somebody put there meanwhile.
        let made = OpenOptions::new().write(true).create_new(true).open(&target);
        made.and_then(|mut made| made.write_all(text.replace("{name}", &name).as_bytes()))
            .map_err(|error| cannot_write(&target, &error))?;
        written.push(file);
    }
    Ok((name, written))
}

/// The files of a project: names and texts, in which `{name}` stands for the name of the program.
fn files(options: &NewOptions) -> Vec<(&'static str, &'static str)> {
    let mut files = match options.template {
        Template::Payroll => template!("payroll"),
        Template::Transfer => template!("transfer"),
        Template::Exchange => template!("exchange"),
    }
    .to_vec();
    files.extend(match options.template {
        Template::Payroll => Some(("staff.csv", template!("payroll", "staff.csv"))),
        Template::Exchange => Some(("trades.csv", template!("exchange", "trades.csv"))),
        Template::Transfer => None,
    });
    files.extend([("README.md", README), (".gitignore", GITIGNORE)]);
    files.extend(match options.ci {
        Ci::Github => Some((".github/workflows/aethel.yml", GITHUB)),
        Ci::Gitlab => Some((".gitlab-ci.yml", GITLAB)),
        Ci::None => None,
    });
    files
}

/// The name of the program, which is also that of its files: plain on every system and in every shell.
fn name(path: &Path) -> Result<String, Diagnostic> {
    let last = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = last.unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(plain)
    {
        return Ok(name);
    }
    let message = format!("`{}` cannot be the name of a program", quote(&name));
    let help =
        format!("begin with a letter; letters, digits, `_` and `-` may follow, at most {MAX_NAME} in all");
    Err(Diagnostic::new(Code::AE0911, message).help(help))
}
