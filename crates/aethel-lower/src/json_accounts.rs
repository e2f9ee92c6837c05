//! Accounts of a JSON transaction and the balances it expects.

use crate::json::{self, Json, JsonKind};
use crate::json_batch::JsonBatch;
use crate::lowered::{Opening, place};
use crate::symbols::bad_account_name;
use crate::value::{self, Scalar};
use aethel_ir::{AccountId, Code, Diagnostic, Field, Type, did_you_mean, quote};

/// An account of a transaction.
pub(crate) struct Party<'j> {
    pub(crate) name: &'j str,
    pub(crate) id: AccountId,
    /// Its assets, the first one being what `balance` and its operations mean.
    pub(crate) assets: Vec<usize>,
}

impl JsonBatch<'_, '_> {
    /// The accounts of a transaction, in the order written, and their expected balances.
    pub(crate) fn parties<'j>(&mut self, json: &'j Json) -> Result<Vec<Party<'j>>, Box<Diagnostic>> {
        let JsonKind::Object(entries) = &json.kind else {
            return Err(json::wrong(
                Code::AE0904,
                self.source,
                json,
                "`accounts` is an object: name to balance",
            )
            .into());
        };
        let mut parties = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let id = self
                .assembly
                .tables
                .accounts
                .id_of_text(name)
                .map_err(|error| bad_account_name(Some((self.source, value.span)), name, error))?;
            let JsonKind::Object(fields) = &value.kind else {
                let problem = json::wrong(Code::AE0904, self.source, value, "an account is an object");
                return Err(problem.help("write {\"balance\": \"1000.00\"}").into());
            };
            let mut assets = Vec::new();
            for (key, value) in fields {
                match (key.as_str(), &value.kind) {
                    ("balance", _) => {
                        if self.symbols.assets().len() > 1 {
                            let message = format!("which asset is the balance of `{}`?", quote(name));
                            return Err(Diagnostic::new(Code::AE0209, message)
                                .label(self.source, value.span, "the batch declares several assets")
                                .help("write {\"balances\": {\"USD\": \"..\"}}")
                                .into());
                        }
                        assets.push(0);
                        self.opening(id, 0, value)?;
                    }
                    ("balances", JsonKind::Object(list)) => {
                        for (asset, amount) in list {
                            let index = self.asset(asset, amount)?;
                            assets.push(index);
                            self.opening(id, index, amount)?;
                        }
                    }
                    (other, _) => {
                        return Err(json::unknown_key(
                            Code::AE0904,
                            self.source,
                            other,
                            value,
                            &["balance", "balances"],
                        )
                        .into());
                    }
                }
            }
            if assets.is_empty() && self.symbols.assets().len() == 1 {
                assets.push(0);
            }
            parties.push(Party { name, id, assets });
        }
        Ok(parties)
    }

    pub(crate) fn asset(&self, name: &str, at: &Json) -> Result<usize, Box<Diagnostic>> {
        self.symbols.asset_position(name).ok_or_else(|| {
            let help = did_you_mean(name, self.symbols.asset_names())
                .unwrap_or_else(|| "declare it: {\"assets\": {\"USD\": 2}, ..}".into());
            Diagnostic::new(Code::AE0203, format!("asset `{}` is not declared", quote(name)))
                .label(self.source, at.span, "in this asset")
                .help(help)
                .into()
        })
    }

    pub(crate) fn amount(&mut self, asset: usize, json: &Json) -> Result<i128, Box<Diagnostic>> {
        let text = json::number_text(self.source, json, Code::AE0904)?;
        let asset = self.assembly.tables.asset(&self.symbols.assets()[asset]);
        match value::from_text(self.assembly.tables, text, Type::Amount(asset)) {
            Ok(Scalar::Whole(amount)) => Ok(amount),
            Ok(_) => Ok(0),
            Err(expected) => Err(Diagnostic::new(
                Code::AE0309,
                format!("`{}` is not an amount", quote(text)),
            )
            .label(self.source, json.span, expected)
            .help("write it in units of the asset, such as `1000.00`")
            .into()),
        }
    }

    /// Records the expected balance of an account; two transactions must not expect different ones.
    pub(crate) fn opening(
        &mut self,
        account: AccountId,
        asset: usize,
        json: &Json,
    ) -> Result<(), Box<Diagnostic>> {
        let amount = self.amount(asset, json)?;
        let asset = self.assembly.tables.asset(&self.symbols.assets()[asset]);
        let field = self.assembly.tables.field(Field::Balance(asset));
        let id = self.assembly.tables.place(account, field);
        let at = place(self.source, json.span);
        match self.opened.get(&id).and_then(|index| self.openings.get(*index)) {
            None => {
                self.opened.insert(id, self.openings.len());
                self.openings.push(Opening {
                    place: id,
                    amount,
                    at,
                });
                Ok(())
            }
            Some(first) if first.amount == amount => Ok(()),
            Some(first) => {
                let name = &self.assembly.tables.accounts.all()[account.0 as usize];
                let message = format!("two balances are given for `{name}`");
                Err(Diagnostic::new(Code::AE0306, message)
                    .label(self.source, json.span, "second")
                    .label_at(first.at, "first")
                    .help("each is the balance before the whole batch; they must agree")
                    .into())
            }
        }
    }
}
