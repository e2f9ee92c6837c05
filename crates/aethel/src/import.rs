//! `aethel ledger import`: opening balances from CSV.

use aethel_ir::money::parse_amount;
use aethel_ir::{AccountName, Code, Diagnostic, SourceId, did_you_mean, quote};
use aethel_ledger::{ImportLine, LedgerStore, PolicyChange};
use aethel_lower::{Inputs, Place};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Turns CSV text with the header `account,asset,balance` into lines; `scales` are those of assets that the ledger does
/// not know yet.
///
/// # Errors
/// Every problem, each at its place.
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
        let Some(asset) = line.asset else {
            let mut problem =
                Diagnostic::new(Code::AE0903, "the header needs `account`, `asset` and `balance`");
            if let Some((source, span)) = line.at {
                problem = problem.label(source, span, "which asset is this?");
            }
            return Err(vec![
                problem.help("write `account,asset,balance` in the first line"),
            ]);
        };
        let scale = policy.scale(asset).or_else(|| scales.get(asset).copied());
        let Some(scale) = scale else {
            let known = policy
                .assets()
                .keys()
                .map(|name| &**name)
                .chain(scales.keys().map(String::as_str));
            let help = did_you_mean(asset, known).unwrap_or_else(|| {
                format!("say how many decimal places it has: `--asset {}:2`", quote(asset))
            });
            let mut problem = Diagnostic::new(
                Code::AE0203,
                format!("the ledger does not know `{}`", quote(asset)),
            );
            if let Some((source, span)) = line.amount_at {
                problem = problem.label(source, span, "in this asset");
            }
            problems.push(problem.help(help));
            if problems.len() >= 20 {
                break;
            }
            continue;
        };
        if let Some(before) = first.insert((line.name, asset), line.amount_at) {
            let message = format!("`{}` has two balances of {}", line.name, quote(asset));
            let mut problem = Diagnostic::new(Code::AE0814, message).help("keep the line that is right");
            for (at, what) in [(line.amount_at, "second"), (before, "first")] {
                if let Some((source, span)) = at {
                    problem = problem.label(source, span, what);
                }
            }
            problems.push(problem);
            if problems.len() >= 20 {
                break;
            }
            continue;
        }
        match parse_amount(line.amount, scale) {
            Ok(amount) => {
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
            Err(error) => {
                let message = format!("`{}` is not an amount of {}", quote(line.amount), quote(asset));
                let mut problem = Diagnostic::new(Code::AE0309, message);
                if let Some((source, span)) = line.amount_at {
                    problem = problem.label(source, span, error.to_string());
                }
                problems.push(problem);
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let changes = changes
        .into_iter()
        .map(|(asset, scale)| PolicyChange::AssetScale { asset, scale });
    Ok((lines, changes.collect()))
}
