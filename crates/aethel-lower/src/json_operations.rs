//! Operations of a JSON transaction as moves between its accounts.

use crate::json::{self, Json, JsonKind};
use crate::json_accounts::Party;
use crate::json_batch::{JsonBatch, field};
use crate::json_intent::Move;
use aethel_ir::{Code, Diagnostic, did_you_mean, quote};
use std::collections::HashMap;

/// The types of operations and the keys that each may have.
const TYPES: [(&str, &[&str]); 4] = [
    ("debit", &["type", "account", "amount", "asset"]),
    ("credit", &["type", "account", "amount", "asset"]),
    ("transfer", &["type", "from", "to", "amount", "asset"]),
    ("swap", &["type", "amount"]),
];

/// What to do about an operation whose type is missing or unknown.
const TYPES_HELP: &str = "the types are debit, credit, transfer and swap";

/// One side of an operation: whose, and of which asset.
struct Side {
    party: usize,
    credit: bool,
    asset: usize,
}

/// An operation and the transaction it stands in.
struct Operation<'j, 'p> {
    json: &'j Json,
    entries: &'j [(String, Json)],
    kind: &'j str,
    parties: &'p [Party<'p>],
    /// The indices of the parties.
    by_name: &'p HashMap<&'p str, usize>,
}

impl JsonBatch<'_, '_> {
    /// The operations of a transaction as moves between its accounts, and their amounts.
    pub(crate) fn operations(
        &mut self,
        json: &Json,
        parties: &[Party<'_>],
    ) -> Result<(Vec<Move>, Vec<i128>), Box<Diagnostic>> {
        let by_name = parties.iter().zip(0..).map(|(party, index)| (party.name, index));
        let by_name: HashMap<&str, usize> = by_name.collect();
        let (mut moves, mut amounts) = (Vec::new(), Vec::new());
        for json in self.list(Some(json))? {
            let JsonKind::Object(entries) = &json.kind else {
                let problem = json::wrong(Code::AE0307, self.source, json, "an operation is an object");
                return Err(problem.help(TYPES_HELP).into());
            };
            let operation = Operation {
                json,
                entries,
                kind: self.kind(json, entries)?,
                parties,
                by_name: &by_name,
            };
            let amount = field(entries, "amount").ok_or_else(|| {
                let message = format!("`{}` needs an `amount`", operation.kind);
                Diagnostic::new(Code::AE0307, message)
                    .label(self.source, json.span, "none here")
                    .help("write \"amount\": \"1000.00\", in units of the asset")
            })?;
            // Both sides of a move share one amount; another asset reads the same number in its own scale.
            let mut shared: Option<(usize, usize)> = None;
            for Side { party, credit, asset } in self.sides(&operation)? {
                let index = match shared {
                    Some((of, index)) if of == asset => index,
                    _ => {
                        amounts.push(self.moved_amount(operation.kind, asset, amount)?);
                        amounts.len() - 1
                    }
                };
                shared = Some((asset, index));
                moves.push(Move {
                    party,
                    credit,
                    asset,
                    amount: index,
                });
            }
        }
        Ok((moves, amounts))
    }

    /// The type of an operation; refuses keys that it cannot have.
    fn kind<'j>(&self, json: &Json, entries: &'j [(String, Json)]) -> Result<&'j str, Box<Diagnostic>> {
        let Some(JsonKind::Text(kind)) = field(entries, "type").map(|value| &value.kind) else {
            return Err(Diagnostic::new(Code::AE0307, "an operation needs a `type`")
                .label(self.source, json.span, "none here")
                .help(TYPES_HELP)
                .into());
        };
        let Some((_, allowed)) = TYPES.iter().find(|(known, _)| known == kind) else {
            let help = did_you_mean(kind, TYPES.map(|(known, _)| known)).unwrap_or_else(|| TYPES_HELP.into());
            let message = format!("unknown operation `{}`", quote(kind));
            return Err(Diagnostic::new(Code::AE0307, message)
                .label(self.source, json.span, "in this operation")
                .help(help)
                .into());
        };
        match entries.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
            Some((key, value)) => {
                Err(json::unknown_key(Code::AE0904, self.source, key, value, allowed).into())
            }
            None => Ok(kind),
        }
    }

    /// Who gives and gains what.
    fn sides(&self, operation: &Operation<'_, '_>) -> Result<Vec<Side>, Box<Diagnostic>> {
        let asset = match field(operation.entries, "asset") {
            None => None,
            Some(value) => match &value.kind {
                JsonKind::Text(name) => Some(self.asset(name, value)?),
                _ => {
                    let problem = json::wrong(Code::AE0307, self.source, value, "an asset is a string");
                    return Err(problem.help("name it: \"asset\": \"USD\"").into());
                }
            },
        };
        let side = |party: usize, credit: bool, asset: usize| Side { party, credit, asset };
        let own = |party: usize| self.only_asset(&operation.parties[party], asset, operation.json);
        match operation.kind {
            "debit" | "credit" => {
                let account = self.party(operation, "account")?;
                Ok(vec![side(account, operation.kind == "credit", own(account)?)])
            }
            "transfer" => {
                let (from, to) = (self.party(operation, "from")?, self.party(operation, "to")?);
                if from == to {
                    let message = "a transfer needs two different accounts";
                    return Err(Diagnostic::new(Code::AE0307, message)
                        .label(self.source, operation.json.span, "from and to are the same")
                        .help("remove the operation")
                        .into());
                }
                let asset = own(from)?;
                Ok(vec![side(from, false, asset), side(to, true, asset)])
            }
            // A swap: `kind` has refused everything else.
            _ => {
                let count = operation.parties.len();
                if count != 2 {
                    let message = format!("`swap` needs exactly two accounts, here are {count}");
                    return Err(Diagnostic::new(Code::AE0307, message)
                        .label(self.source, operation.json.span, "this swap")
                        .help("use `transfer` with `from` and `to`")
                        .into());
                }
                let (first, second) = (own(0)?, own(1)?);
                let mut sides = vec![side(0, false, first), side(1, true, first)];
                if first != second {
                    sides.extend([side(1, false, second), side(0, true, second)]);
                }
                Ok(sides)
            }
        }
    }

    /// The amount of an operation in an asset, in minor units.
    fn moved_amount(&mut self, kind: &str, asset: usize, json: &Json) -> Result<i128, Box<Diagnostic>> {
        let amount = self.amount(asset, json)?;
        if amount >= 0 {
            return Ok(amount);
        }
        let message = format!("the amount of `{kind}` is negative");
        Err(Diagnostic::new(Code::AE0307, message)
            .label(self.source, json.span, "below zero")
            .help("swap the accounts, or use the opposite operation")
            .into())
    }

    /// The index of the account that an operation names under a key.
    fn party(&self, operation: &Operation<'_, '_>, key: &str) -> Result<usize, Box<Diagnostic>> {
        let Some(Json {
            kind: JsonKind::Text(name),
            span,
        }) = field(operation.entries, key)
        else {
            let message = format!("`{}` needs `{key}`, an account name", operation.kind);
            return Err(Diagnostic::new(Code::AE0307, message)
                .label(self.source, operation.json.span, "in this operation")
                .help(format!("write \"{key}\": \"alice\""))
                .into());
        };
        let parties = operation.by_name;
        parties.get(name.as_str()).copied().ok_or_else(|| {
            let help = did_you_mean(name, parties.keys().copied())
                .unwrap_or_else(|| "list it in `accounts` of this transaction".into());
            let message = format!("`{}` is not among the transaction's accounts", quote(name));
            Diagnostic::new(Code::AE0307, message)
                .label(self.source, *span, "unknown account")
                .help(help)
                .into()
        })
    }

    /// The asset an operation moves: the one it names, else the account's only one.
    fn only_asset(
        &self,
        party: &Party<'_>,
        named: Option<usize>,
        operation: &Json,
    ) -> Result<usize, Box<Diagnostic>> {
        match (named, party.assets.as_slice()) {
            (Some(asset), _) => Ok(asset),
            (None, [asset]) => Ok(*asset),
            (None, _) => Err(Diagnostic::new(
                Code::AE0209,
                format!("which asset of `{}` does this operation move?", quote(party.name)),
            )
            .label(
                self.source,
                operation.span,
                format!("{} are possible", party.assets.len()),
            )
            .help("name it: \"asset\": \"USD\"; for `swap`, list one balance for each account")
            .into()),
        }
    }
}
