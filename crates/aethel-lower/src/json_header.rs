//! What stands beside the transactions of a JSON batch: its name, assets and unbounded accounts.

use crate::json::{self, Json, JsonKind};
use crate::symbols::{Symbols, bad_account_name};
use aethel_ir::{AccountName, Code, Diagnostic, MAX_SCALE, SourceId, quote};

/// What stands beside the transactions.
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) symbols: Symbols<'static>,
}

const ROOT_KEYS: [&str; 4] = ["name", "assets", "unbounded", "transactions"];

/// Reads the header of a batch; gives the transactions too. `stem` names the batch when the file does not.
pub(crate) fn header<'j>(
    source: SourceId,
    root: &'j Json,
    stem: &str,
) -> Result<(Header, &'j [Json]), Diagnostic> {
    let mut header = Header {
        name: stem.to_owned(),
        symbols: Symbols::empty(source),
    };
    let entries = match &root.kind {
        JsonKind::Array(transactions) => {
            batch_name(source, stem, root)?;
            return Ok((header, transactions));
        }
        JsonKind::Object(entries) => entries,
        _ => {
            return Err(
                json::wrong(Code::AE0904, source, root, "a batch is a list of transactions")
                    .help("write [{\"id\": ..}, ..] or {\"name\": .., \"transactions\": [..]}"),
            );
        }
    };
    if !entries.iter().any(|(key, _)| key == "name") {
        batch_name(source, stem, root)?;
    }
    let mut transactions = None;
    for (key, value) in entries {
        match (key.as_str(), &value.kind) {
            ("name", JsonKind::Text(name)) => header.name = batch_name(source, name, value)?,
            ("assets", JsonKind::Object(entries)) => assets(&mut header.symbols, source, value, entries)?,
            ("unbounded", JsonKind::Array(names)) => {
                for name in names {
                    let JsonKind::Text(text) = &name.kind else {
                        let message = "an account name is a string";
                        return Err(json::wrong(Code::AE0904, source, name, message));
                    };
                    let account = AccountName::new(text)
                        .map_err(|error| bad_account_name(Some((source, name.span)), text, error))?;
                    header.symbols.accounts.push((account, true));
                }
            }
            ("transactions", JsonKind::Array(list)) => transactions = Some(list),
            (known, _) if ROOT_KEYS.contains(&known) => {
                let expected = match known {
                    "name" => "`name` is a string",
                    "assets" => "`assets` is an object: name to scale, such as {\"USD\": 2}",
                    "unbounded" => "`unbounded` is a list of account names",
                    _ => "`transactions` is a list",
                };
                return Err(json::wrong(Code::AE0904, source, value, expected));
            }
            (other, _) => return Err(json::unknown_key(Code::AE0904, source, other, value, &ROOT_KEYS)),
        }
    }
    let transactions = transactions.ok_or_else(|| {
        Diagnostic::new(Code::AE0904, "the batch has no `transactions`")
            .label(source, root.span, "in this object")
            .help("write {\"name\": .., \"transactions\": [{\"id\": ..}, ..]}")
    })?;
    Ok((header, transactions))
}

/// The name of the batch, which the ledger keeps and reports show. A file's stem is held to the same.
fn batch_name(source: SourceId, name: &str, at: &Json) -> Result<String, Diagnostic> {
    match AccountName::new(name) {
        Ok(_) => Ok(name.to_owned()),
        Err(_) => Err(Diagnostic::new(
            Code::AE0904,
            format!("`{}` cannot be the name of a batch", quote(name)),
        )
        .label(source, at.span, "here")
        .help("write `\"name\": ..` with 1 to 128 bytes, no hidden characters, no space at an end; without it the file's name counts")),
    }
}

/// `{"USD": 2, "BTC": 8}`
fn assets(
    symbols: &mut Symbols<'_>,
    source: SourceId,
    at: &Json,
    entries: &[(String, Json)],
) -> Result<(), Diagnostic> {
    if entries.is_empty() || entries.len() > usize::from(u16::MAX) {
        let message = format!("a batch has from 1 to {} assets", u16::MAX);
        return Err(Diagnostic::new(Code::AE0904, message)
            .label(source, at.span, format!("{} are declared", entries.len()))
            .help("leave `assets` out for the one asset `unit`, or write {\"USD\": 2}"));
    }
    symbols.clear_assets();
    for (asset, scale) in entries {
        let mut letters = asset.bytes();
        let starts = letters
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !starts || !letters.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let message = format!("`{}` cannot be the name of an asset", quote(asset));
            return Err(Diagnostic::new(Code::AE0904, message)
                .label(source, scale.span, "its scale")
                .help("use the letters a to z and A to Z, digits and `_`"));
        }
        let JsonKind::Integer(text) = &scale.kind else {
            return Err(json::wrong(
                Code::AE0217,
                source,
                scale,
                "a scale is a whole number",
            ));
        };
        let Some(scale) = text.parse().ok().filter(|n| *n <= MAX_SCALE) else {
            let message = format!("a scale is from 0 to {MAX_SCALE}");
            return Err(Diagnostic::new(Code::AE0217, message).label(source, scale.span, "here"));
        };
        if let Some(earlier) = symbols.add_asset(asset, scale) {
            let message = format!("`{asset}` and `{}` differ only in case", earlier.name);
            return Err(Diagnostic::new(Code::AE0202, message)
                .label(source, at.span, "in these assets")
                .help("rename one of them"));
        }
    }
    Ok(())
}
