//! What a run brings beside its program: the inputs file, its CSV of balances, flags.

use crate::files;
use aethel_ir::{Code, Diagnostic, SourceMap, quote};
use aethel_lower::{Given, Inputs, Setting};
use std::path::{Path, PathBuf};

/// The largest inputs file, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// Where inputs come from.
#[derive(Clone, Debug, Default)]
pub struct InputSources {
    /// `--inputs FILE`; `-` is standard input. Without it, `f.inputs.json` beside `f.ae` is taken when it is there.
    pub file: Option<PathBuf>,
    /// `--bind name.param=account`.
    pub bind: Vec<String>,
    /// `--arg name.param=value`.
    pub args: Vec<String>,
    /// `--open-accounts`.
    pub open_accounts: bool,
}

impl InputSources {
    /// Reads everything; a flag wins over the same key in the file.
    ///
    /// # Errors
    /// Every problem of the file, or the flag that is wrong.
    pub fn read(&self, program: &Path, sources: &mut SourceMap) -> Result<Inputs, Vec<Diagnostic>> {
        let mut inputs = Inputs::default();
        let beside = program.with_extension("inputs.json");
        let file = match &self.file {
            Some(file) => Some(file.clone()),
            None if program != Path::new("-") && beside.is_file() => Some(beside),
            None => None,
        };
        if let Some(file) = file {
            let (source, text) = files::read_input(&file, MAX_BYTES, sources).map_err(|d| vec![d])?;
            inputs = Inputs::from_json(source, &text)?;
            let directory = file.parent().unwrap_or(Path::new("."));
            add_balances(&mut inputs, directory, sources)?;
        }
        override_with(&mut inputs.bind, &self.bind, "--bind")?;
        override_with(&mut inputs.args, &self.args, "--arg")?;
        inputs.open_accounts |= self.open_accounts;
        Ok(inputs)
    }
}

/// Reads inputs from the text of an inputs file, and the files that it names relative to a directory.
///
/// # Errors
/// Every problem of the text, or of the files.
pub fn from_text(
    name: &str,
    text: &str,
    directory: &Path,
    sources: &mut SourceMap,
) -> Result<Inputs, Vec<Diagnostic>> {
    let mut inputs = Inputs::from_json(sources.add(name, text), text)?;
    add_balances(&mut inputs, directory, sources)?;
    Ok(inputs)
}

/// Reads the CSV file of opening balances that inputs name, relative to a directory.
///
/// # Errors
/// Every problem of the file.
pub(crate) fn add_balances(
    inputs: &mut Inputs,
    directory: &Path,
    sources: &mut SourceMap,
) -> Result<(), Vec<Diagnostic>> {
    let Some(Given { text: path, at }) = inputs.accounts_csv.clone() else {
        return Ok(());
    };
    let opened = files::read_text(&directory.join(&path), files::MAX_FILE_BYTES, sources);
    let (source, text) = opened.map_err(|problem| vec![problem.label_at(at, "named here")])?;
    inputs.add_accounts_csv(source, text)
}

fn override_with(settings: &mut Vec<Setting>, flags: &[String], flag: &str) -> Result<(), Vec<Diagnostic>> {
    for text in flags {
        let Some((key, value)) = text.split_once('=') else {
            let diagnostic = Diagnostic::new(Code::AE0911, format!("`{flag} {}` has no `=`", quote(text)))
                .help(format!("write `{flag} name.parameter=value`"));
            return Err(vec![diagnostic]);
        };
        let from_file = |setting: &Setting| setting.key == key && setting.value.at.is_some();
        settings.retain(|setting| !from_file(setting));
        settings.push(Setting {
            key: key.to_owned(),
            value: Given {
                text: value.to_owned(),
                at: None,
            },
        });
    }
    Ok(())
}
