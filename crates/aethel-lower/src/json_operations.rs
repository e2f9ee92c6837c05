//! Operations of a JSON transaction as moves between its accounts.

use crate::json::{self, Json, JsonKind};
use crate::json_accounts::Party;
use crate::json_batch::JsonBatch;
use crate::json_header::unknown_key;
use crate::json_intent::Move;
use aethel_ir::{Code, Diagnostic, did_you_mean, quote};
use std::collections::HashMap;

impl JsonBatch<'_, '_> {
    /// The operations of a transaction as moves between its accounts, and their amounts.
    pub(crate) fn operations(
        &mut self,
        json: &Json,
        parties: &[Party<'_>],
    ) -> Result<(Vec<Move>, Vec<i128>), Box<Diagnostic>> {
        let (mut moves, mut amounts) = (Vec::new(), Vec::new());
        let by_name = parties
            .iter()
            .enumerate()
            .map(|(index, party)| (party.name, index));
        let by_name: HashMap<&str, usize> = by_name.collect();
        for operation in self.list(Some(json))? {
            let JsonKind::Object(entries) = &operation.kind else {
                return Err(
                    json::wrong(Code::AE0307, self.source, operation, "an operation is an object").into(),
                );
            };
            let find = |name: &str| {
                entries
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value)
            };
            let kind = match find("type").map(|value| &value.kind) {
                Some(JsonKind::Text(kind)) => kind.as_str(),
                _ => {
                    return Err(Diagnostic::new(Code::AE0307, "an operation needs a `type`")
                        .label(self.source, operation.span, "none here")
                        .help("the types are debit, credit, transfer and swap")
                        .into());
                }
            };
            let allowed: &[&str] = match kind {
                "debit" | "credit" => &["type", "account", "amount", "asset"],
                "transfer" => &["type", "from", "to", "amount", "asset"],
                "swap" => &["type", "amount"],
                other => {
                    let known = ["debit", "credit", "transfer", "swap"];
                    let help = did_you_mean(other, known)
                        .unwrap_or_else(|| "the types are debit, credit, transfer and swap".into());
                    return Err(Diagnostic::new(
                        Code::AE0307,
                        format!("unknown operation `{}`", quote(other)),
                    )
                    .label(self.source, operation.span, "in this operation")
                    .help(help)
                    .into());
                }
            };
            if let Some((key, value)) = entries.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
                return Err(unknown_key(self.source, key, value, allowed).into());
            }
            let amount_json = find("amount").ok_or_else(|| {
                Diagnostic::new(Code::AE0307, format!("`{kind}` needs an `amount`")).label(
                    self.source,
                    operation.span,
                    "none here",
                )
            })?;
            let asset = match find("asset").map(|value| (&value.kind, value)) {
                Some((JsonKind::Text(name), value)) => Some(self.asset(name, value)?),
                Some((_, value)) => {
                    return Err(json::wrong(Code::AE0307, self.source, value, "an asset is a string").into());
                }
                None => None,
            };
            let party = |key: &str| self.party(operation, kind, find(key), key, &by_name);
            let own = |index: usize| self.only_asset(&parties[index], asset, operation);
            let steps: Vec<(usize, bool, usize)> = match kind {
                "debit" | "credit" => {
                    let account = party("account")?;
                    vec![(account, kind == "credit", own(account)?)]
                }
                "transfer" => {
                    let (from, to) = (party("from")?, party("to")?);
                    if from == to {
                        return Err(
                            Diagnostic::new(Code::AE0307, "a transfer needs two different accounts")
                                .label(self.source, operation.span, "from and to are the same")
                                .help("remove the operation")
                                .into(),
                        );
                    }
                    let asset = own(from)?;
                    vec![(from, false, asset), (to, true, asset)]
                }
                _ => {
                    if parties.len() != 2 {
                        let message =
                            format!("`swap` needs exactly two accounts, here are {}", parties.len());
                        return Err(Diagnostic::new(Code::AE0307, message)
                            .label(self.source, operation.span, "this swap")
                            .help("use `transfer` with `from` and `to`")
                            .into());
                    }
                    let (first, second) = (own(0)?, own(1)?);
                    let mut steps = vec![(0, false, first), (1, true, first)];
                    if first != second {
                        steps.extend([(1, false, second), (0, true, second)]);
                    }
                    steps
                }
            };
            let mut previous: Option<usize> = None;
            for (party, credit, asset) in steps {
                // Both sides of a move share one amount; another asset reads the same number in its own scale.
                let amount = match previous {
                    Some(index) if moves.last().is_some_and(|m: &Move| m.asset == asset) => index,
                    _ => {
                        let amount = self.amount(asset, amount_json)?;
                        if amount < 0 {
                            return Err(Diagnostic::new(
                                Code::AE0307,
                                format!("the amount of `{kind}` is negative"),
                            )
                            .label(self.source, amount_json.span, "below zero")
                            .help("swap the accounts, or use the opposite operation")
                            .into());
                        }
                        amounts.push(amount);
                        amounts.len() - 1
                    }
                };
                previous = Some(amount);
                moves.push(Move {
                    party,
                    credit,
                    asset,
                    amount,
                });
            }
        }
        Ok((moves, amounts))
    }

    fn party(
        &self,
        operation: &Json,
        kind: &str,
        json: Option<&Json>,
        key: &str,
        parties: &HashMap<&str, usize>,
    ) -> Result<usize, Box<Diagnostic>> {
        let Some(Json {
            kind: JsonKind::Text(name),
            span,
        }) = json
        else {
            return Err(
                Diagnostic::new(Code::AE0307, format!("`{kind}` needs `{key}`, an account name"))
                    .label(self.source, operation.span, "in this operation")
                    .into(),
            );
        };
        parties.get(name.as_str()).copied().ok_or_else(|| {
            let help = did_you_mean(name, parties.keys().copied())
                .unwrap_or_else(|| "list it in `accounts` of this transaction".into());
            Diagnostic::new(
                Code::AE0307,
                format!("`{}` is not among the transaction's accounts", quote(name)),
            )
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
