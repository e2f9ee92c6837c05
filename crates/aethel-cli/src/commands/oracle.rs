//! `aethel oracle ..`: keys, statements, their check.

use crate::exit::Exit;
use crate::options::{OracleCommand, OracleUnit};
use crate::printer::Printer;
use aethel::files;
use aethel::ir::{Code, Diagnostic, SourceMap, quote};
use aethel::ledger::{now_ms, random};
use aethel::oracle::{KeyFile, ProofFile, from_hex, sign, verify_statement};
use std::path::Path;

/// Runs an oracle command.
pub fn run(command: &OracleCommand, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let result = match command {
        OracleCommand::Keygen { file } => keygen(file, printer),
        OracleCommand::Sign {
            key,
            feed,
            value,
            timestamp,
            unit,
        } => statement(key, feed, value, *timestamp, unit, printer),
        OracleCommand::Verify { proof, public, unit } => verify(proof, public, unit, &mut sources, printer),
    };
    match result {
        Ok(()) => Exit::Fine,
        Err(problems) => {
            printer.diagnostics(&problems, &sources);
            Exit::of(&problems)
        }
    }
}

/// Makes a key pair; oracles and approvers have the same kind of keys.
pub fn keygen(file: &Path, printer: &mut Printer) -> Result<(), Vec<Diagnostic>> {
    let secret = random::<32>().map_err(|d| vec![d])?;
    let key = KeyFile::new(&secret);
    key.create(file).map_err(|d| vec![d])?;
    printer.result(&format!("key_id {}\npublic {}\n", key.key_id, key.public));
    Ok(())
}

fn statement(
    key: &Path,
    feed: &str,
    value: &str,
    timestamp: Option<i64>,
    unit: &OracleUnit,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let secret = KeyFile::secret(key).map_err(|d| vec![d])?;
    let now = i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX);
    let proof = sign(
        &secret,
        feed,
        &unit.asset,
        &unit.scale,
        value,
        timestamp.unwrap_or(now),
    )
    .ok_or_else(|| {
        vec![
            Diagnostic::new(
                Code::AE0906,
                format!("`{}` is not a plain decimal number", quote(value)),
            )
            .help("write it like 43250.50"),
        ]
    })?;
    let text = serde_json::to_string(&ProofFile::from(&proof)).unwrap_or_default();
    printer.result(&format!("{text}\n"));
    Ok(())
}

fn verify(
    path: &Path,
    public: &str,
    unit: &OracleUnit,
    sources: &mut SourceMap,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let public = from_hex::<32>(public).ok_or_else(|| {
        vec![
            Diagnostic::new(Code::AE0911, format!("`{}` is not a public key", quote(public)))
                .help("64 hexadecimal digits, as `aethel oracle keygen` prints them"),
        ]
    })?;
    let (source, text) = files::read_text(path, 1 << 20, sources).map_err(|d| vec![d])?;
    let input = aethel::parse_oracle(source, &text).map_err(|d| vec![d])?;
    verify_statement(&input, &public, &unit.asset, &unit.scale).map_err(|d| vec![*d])?;
    printer.say(&format!(
        "the signature fits: {} = {}\n",
        quote(&input.feed),
        quote(&input.value)
    ));
    Ok(())
}
