//! Opening balances: the lines that a run brings, and what they mean for the places of a batch.

use crate::inputs::{AccountInput, Given, Inputs, Place};
use crate::lowered::{Assembly, Opening};
use crate::problems::Problems;
use crate::rows::{Row, Rows};
use crate::symbols::{Symbols, bad_account_name};
use crate::value::{self, Scalar};
use aethel_ir::{
    AccountId, AccountName, AssetId, Code, Column, Diagnostic, PlaceId, SourceId, Span, Type, did_you_mean,
    quote,
};
use std::sync::Arc;

/// How many problems of one table are shown.
const MAX_PROBLEMS: usize = 20;

/// One balance of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLine<'a> {
    /// The account.
    pub name: &'a str,
    /// The asset; `None` is the one that the program uses the account with.
    pub asset: Option<&'a str>,
    /// The balance, a decimal in units, as it was written.
    pub amount: &'a str,
    /// Where the balance stands.
    pub amount_at: Place,
    /// Where the account stands.
    pub at: Place,
}

/// Balances from a CSV file. A file may have millions of rows, so they are places in its text and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceTable {
    source: SourceId,
    text: Arc<str>,
    /// The text of cells that are quoted in the file, one after the other.
    unquoted: String,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    name: Piece,
    asset: Option<Piece>,
    amount: Piece,
    amount_at: Span,
    at: Span,
}

/// A part of a table's text, or, past its end, of its `unquoted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece(Span);

impl BalanceTable {
    /// Reads CSV text with a header `account,balance` and optionally `asset`.
    ///
    /// # Errors
    /// Every problem found (at most 20), each at its row.
    pub(crate) fn read(source: SourceId, text: Arc<str>) -> Result<Self, Vec<Diagnostic>> {
        let rows = Rows::open(source, &text).map_err(|error| vec![error])?;
        let (Some(account), Some(balance)) = (rows.column("account"), rows.column("balance")) else {
            return Err(vec![
                Diagnostic::new(Code::AE0903, "the header needs `account` and `balance`")
                    .label(source, rows.header_span(), "header")
                    .help("write `account,balance` or `account,balance,asset` in the first line"),
            ]);
        };
        let asset = rows.column("asset");
        let (mut unquoted, mut lines, mut problems) = (String::new(), Vec::new(), Vec::new());
        let read = rows.each(|row| {
            if let Err(error) = AccountName::check(row.cell(account)) {
                let at = Some((source, row.cell_span(account)));
                problems.push(bad_account_name(at, row.cell(account), error));
                return problems.len() < MAX_PROBLEMS;
            }
            let mut piece = |column| Piece::new(row, column, text.len(), &mut unquoted);
            lines.push(Line {
                name: piece(account),
                asset: asset.map(&mut piece),
                amount: piece(balance),
                amount_at: row.cell_span(balance),
                at: row.span(),
            });
            true
        });
        problems.extend(read.err());
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            source,
            text,
            unquoted,
            lines,
        })
    }

    fn lines(&self) -> impl Iterator<Item = AccountLine<'_>> {
        self.lines.iter().map(|line| AccountLine {
            name: self.text_of(line.name),
            asset: line.asset.map(|asset| self.text_of(asset)),
            amount: self.text_of(line.amount),
            amount_at: Some((self.source, line.amount_at)),
            at: Some((self.source, line.at)),
        })
    }

    fn text_of(&self, Piece(span): Piece) -> &str {
        let (start, end) = (span.start as usize, span.end as usize);
        let text = match start.checked_sub(self.text.len()) {
            None => self.text.get(start..end),
            Some(start) => self.unquoted.get(start..end - self.text.len()),
        };
        text.unwrap_or_default()
    }
}

impl Piece {
    fn new(row: &Row<'_>, column: usize, text_length: usize, unquoted: &mut String) -> Self {
        Self(row.verbatim(column).unwrap_or_else(|| {
            let start = text_length + unquoted.len();
            unquoted.push_str(row.cell(column));
            Span::new(start, text_length + unquoted.len())
        }))
    }
}

impl Inputs {
    /// Every opening balance, those of [`Inputs::accounts`] first.
    pub fn account_lines(&self) -> impl Iterator<Item = AccountLine<'_>> {
        let accounts = self.accounts.iter().flat_map(AccountInput::lines);
        accounts.chain(self.tables.iter().flat_map(BalanceTable::lines))
    }
}

impl AccountInput {
    fn lines(&self) -> impl Iterator<Item = AccountLine<'_>> {
        let balance = self.balance.iter().map(|given| self.line(None, given));
        let balances = self.balances.iter();
        balance.chain(balances.map(|(asset, given)| self.line(Some(asset.as_str()), given)))
    }

    fn line<'a>(&'a self, asset: Option<&'a str>, given: &'a Given) -> AccountLine<'a> {
        AccountLine {
            name: self.name.as_str(),
            asset,
            amount: &given.text,
            amount_at: given.at,
            at: self.at,
        }
    }
}

/// What a balance without an asset means for an account.
#[derive(Clone, Copy)]
enum Meant {
    Nothing,
    One(AssetId),
    Several,
}

impl Assembly<'_> {
    /// Opening balances for the places of the batch.
    pub(crate) fn openings(
        &self,
        inputs: &Inputs,
        symbols: &Symbols<'_>,
        diagnostics: &mut Problems,
    ) -> Vec<Opening> {
        let mut lines = inputs.account_lines().peekable();
        if lines.peek().is_none() {
            return Vec::new();
        }
        let meant = self.meant_assets();
        let mut openings: Vec<Opening> = Vec::new();
        // For each place, its opening + 1.
        let mut seen = vec![0_usize; self.tables.places.len()];
        for line in lines {
            if diagnostics.full() {
                break;
            }
            let Some(id) = self.tables.accounts.known(line.name) else {
                continue;
            };
            let Some((place, asset)) = self.opened(id, &line, &meant, symbols, diagnostics) else {
                continue;
            };
            match value::from_text(self.tables, line.amount, Type::Amount(asset)) {
                Ok(Scalar::Whole(amount)) => {
                    let Some(first) = seen.get_mut(place.0 as usize) else {
                        continue;
                    };
                    if let Some(opening) = first.checked_sub(1).and_then(|first| openings.get(first)) {
                        let message = format!("`{}` has two opening balances", line.name);
                        diagnostics.push(
                            Diagnostic::new(Code::AE0306, message)
                                .label_at(line.amount_at, "second")
                                .label_at(opening.at, "first")
                                .help("keep one of them"),
                        );
                        continue;
                    }
                    openings.push(Opening {
                        place,
                        amount,
                        at: line.amount_at,
                    });
                    *first = openings.len();
                }
                Ok(_) => {}
                Err(expected) => {
                    let message = format!("`{}` is not an amount for `{}`", quote(line.amount), line.name);
                    diagnostics.push(
                        Diagnostic::new(Code::AE0309, message)
                            .label_at(line.amount_at, expected)
                            .help("write it in units of the asset, such as `1000.00`"),
                    );
                }
            }
        }
        openings
    }

    /// The place of the batch that a line opens, if there is one, and its asset.
    fn opened(
        &self,
        id: AccountId,
        line: &AccountLine<'_>,
        meant: &[Meant],
        symbols: &Symbols<'_>,
        diagnostics: &mut Problems,
    ) -> Option<(PlaceId, AssetId)> {
        let Some(name) = line.asset else {
            return match meant.get(id.0 as usize)? {
                Meant::One(asset) => Some((self.tables.known_balance(id, *asset)?, *asset)),
                Meant::Several => {
                    diagnostics.push(self.ambiguous(id, line));
                    None
                }
                Meant::Nothing => None,
            };
        };
        let asset = self.tables.known_asset(name);
        let place = asset.and_then(|asset| Some((self.tables.known_balance(id, asset)?, asset)));
        // Another batch of the file may use it; but the asset must exist.
        if place.is_none() && symbols.asset_named(name).is_none() {
            let help = did_you_mean(name, symbols.asset_names())
                .unwrap_or_else(|| "the program declares its assets at the top".into());
            let message = format!("asset `{}` is not declared", quote(name));
            diagnostics.push(
                Diagnostic::new(Code::AE0203, message)
                    .label_at(line.amount_at, "here")
                    .help(help),
            );
        }
        place
    }

    /// For each account, the asset of the parameters that are bound to it.
    fn meant_assets(&self) -> Vec<Meant> {
        let mut meant = vec![Meant::Nothing; self.tables.accounts.all().len()];
        let mut add = |account: &AccountId, asset: AssetId| {
            if let Some(known) = meant.get_mut(account.0 as usize) {
                *known = match *known {
                    Meant::One(other) if other != asset => Meant::Several,
                    Meant::Several => Meant::Several,
                    _ => Meant::One(asset),
                };
            }
        };
        for group in &self.groups {
            let assets = self
                .balances
                .get(group.intent as usize)
                .map_or(&[][..], Vec::as_slice);
            for (column, asset) in group.accounts.iter().zip(assets) {
                match column {
                    Column::Same(account) => add(account, *asset),
                    Column::Each(accounts) => accounts.iter().for_each(|account| add(account, *asset)),
                }
            }
        }
        meant
    }

    fn ambiguous(&self, id: AccountId, line: &AccountLine<'_>) -> Diagnostic {
        let held = self.tables.balances_of(id);
        let assets: Vec<&str> = held.map(|asset| self.tables.asset_name(asset)).collect();
        let message = format!(
            "`{}` holds {}: which one is this balance?",
            line.name,
            assets.join(" and ")
        );
        let first = assets.first().copied().unwrap_or("USD");
        let help = format!("write {{\"balances\": {{\"{first}\": \"..\"}}}}");
        Diagnostic::new(Code::AE0306, message)
            .label_at(line.at, "one balance given")
            .help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Inputs, Vec<Diagnostic>> {
        let mut inputs = Inputs::default();
        inputs.add_accounts_csv(SourceId(0), text.into())?;
        Ok(inputs)
    }

    proptest! {
        #[test]
        fn lines_are_the_cells_of_the_file(
            rows in prop::collection::vec(("[a-z,é\"]{1,5}", "[0-9.,]{0,4}", prop::option::of("[A-Z\"]{1,3}"), any::<bool>()), 0..20)
        ) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(["asset", "account", "balance"]).unwrap();
            let mut quoting = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for (name, amount, asset, quoted) in &rows {
                let record = [asset.as_deref().unwrap_or(""), name, amount];
                match quoted {
                    false => writer.write_record(record).unwrap(),
                    true => {
                        // One writer decides the quoting of a whole file, so a file of both is put together by hand.
                        quoting.write_record(record).unwrap();
                        writer.write_record(record).unwrap();
                    }
                }
            }
            for text in [writer.into_inner().unwrap(), quoting.into_inner().unwrap()] {
                let mut text = String::from_utf8(text).unwrap();
                if !text.starts_with("asset,") {
                    text.insert_str(0, "asset,account,balance\n");
                }
                let inputs = read(&text).unwrap();
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let records: Vec<_> = reader.records().map(Result::unwrap).collect();
                prop_assert_eq!(inputs.account_lines().count(), records.len());
                for (line, record) in inputs.account_lines().zip(&records) {
                    prop_assert_eq!(line.asset, record.get(0));
                    prop_assert_eq!(Some(line.name), record.get(1));
                    prop_assert_eq!(Some(line.amount), record.get(2));
                    let shown = &text[line.amount_at.unwrap().1.range()];
                    prop_assert_eq!(shown.trim_matches('"').replace("\"\"", "\""), line.amount);
                }
            }
        }
    }
}
