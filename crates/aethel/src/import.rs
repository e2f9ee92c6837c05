//! `aethel ledger import`: opening balances from CSV.

use aethel_ir::money::parse_amount;
use aethel_ir::{AccountName, Code, Diagnostic, SourceId, did_you_mean, quote};
use aethel_ledger::{ImportLine, LedgerStore, PolicyChange};
use aethel_lower::{Inputs, Place};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many problems of one file are shown.
const MAX_PROBLEMS: usize = 20;

/// Turns CSV text with the header `account,asset,balance` into lines; `scales` are those of assets that the ledger does
/// not know yet.
///
/// # Errors
/// Every problem (at most 20), each at its place.
pub fn lines(
    store: &dyn LedgerStore,
    source: SourceId,
    text: &Arc<str>,
    scales: &BTreeMap<String, u8>,
) -> Result<(Vec<ImportLine>, Vec<PolicyChange>), Vec<Diagnostic>> {
    let mut inputs = Inputs::default();
    inputs.add_accounts_csv(source, Arc::clone(text))?;
    let policy = store.policy();
    let mut changes: BTreeMap<Arc<str>, u8> = BTreeMap::new();
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let mut first: HashMap<(&str, &str), Place> = HashMap::new();
    for line in inputs.account_lines() {
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
        let Some(asset) = line.asset else {
            let message = "the header needs `account`, `asset` and `balance`";
            let problem = Diagnostic::new(Code::AE0903, message).label_at(line.at, "which asset is this?");
            return Err(vec![
                problem.help("write `account,asset,balance` in the first line"),
            ]);
        };
        let Some(scale) = policy.scale(asset).or_else(|| scales.get(asset).copied()) else {
            let known = policy.assets().keys().map(|name| &**name);
            let help = did_you_mean(asset, known.chain(scales.keys().map(String::as_str)));
            let help = help.unwrap_or_else(|| {
                format!("say how many decimal places it has: `--asset {}:2`", quote(asset))
            });
            let message = format!("the ledger does not know `{}`", quote(asset));
            problems.push(
                Diagnostic::new(Code::AE0203, message)
                    .label_at(line.amount_at, "in this asset")
                    .help(help),
            );
            continue;
        };
        if let Some(before) = first.insert((line.name, asset), line.amount_at) {
            let message = format!("`{}` has two balances of {}", line.name, quote(asset));
            problems.push(
                Diagnostic::new(Code::AE0814, message)
                    .label_at(line.amount_at, "second")
                    .label_at(before, "first")
                    .help("keep the line that is right"),
            );
            continue;
        }
        let amount = match parse_amount(line.amount, scale) {
            Ok(amount) => amount,
            Err(error) => {
                let message = format!("`{}` is not an amount of {}", quote(line.amount), quote(asset));
                problems.push(
                    Diagnostic::new(Code::AE0309, message)
                        .label_at(line.amount_at, error.to_string())
                        .help("write it in units of the asset, such as `1000.00`"),
                );
                continue;
            }
        };
        // The file was refused if one of its names could not be one.
        let Ok(account) = AccountName::new(line.name) else {
            continue;
        };
        let asset: Arc<str> = asset.into();
        if policy.scale(&asset).is_none() {
            changes.insert(asset.clone(), scale);
        }
        lines.push(ImportLine {
            account,
            asset,
            amount,
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let changes = changes
        .into_iter()
        .map(|(asset, scale)| PolicyChange::AssetScale { asset, scale });
    Ok((lines, changes.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aethel_ledger::{LedgerId, MemoryStore};

    #[test]
    fn a_file_full_of_mistakes_is_told_about_in_a_few_lines() {
        let store = MemoryStore::new(LedgerId([1; 16]));
        let scales = BTreeMap::from([("USD".to_owned(), 2)]);
        let rows: String = (0..1000).map(|n| format!("a{n},USD,1.234\n")).collect();
        let text: Arc<str> = format!("account,asset,balance\n{rows}").into();
        let problems = lines(&store, SourceId(0), &text, &scales).unwrap_err();
        assert_eq!(problems.len(), MAX_PROBLEMS);
    }
}
