//! What lowering gives: a batch and what must happen before it can run.

use crate::inputs::{Inputs, OracleInput, Place};
use crate::problems::Problems;
use crate::program::index32;
use crate::symbols::{FieldKind, Symbols};
use crate::tables::Tables;
use crate::value::{self, Scalar};
use aethel_ir::batch::{BatchItem, FieldId};
use aethel_ir::{
    AccountId, AccountName, Asset, AssetId, Batch, Code, Column, Diagnostic, Field, Group, Intent,
    OPENING_ACCOUNT, PlaceId, Rational, SourceId, Span, TransactionRef, Type, did_you_mean, quote,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An opening balance for a place of the batch, if the ledger does not know the account yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The place.
    pub place: PlaceId,
    /// Minor units.
    pub amount: i128,
    /// Where it was given.
    pub at: Place,
}

/// An oracle value that the batch depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleUse {
    /// The feed.
    pub feed: String,
    /// What the value is a value of: empty, `USD`, or `BTC/USD`.
    pub asset: String,
    /// Its decimal places: empty, `2`, or `8/2`.
    pub scale: String,
    /// The oracle's statement, or `None` when none for the feed was given.
    pub proof: Option<OracleInput>,
    /// The parameter's place in the program, for messages.
    pub at: Place,
}

/// What a program says that the ledger keeps: scales, boundedness, fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations {
    /// Every asset the batch uses.
    pub assets: Vec<Asset>,
    /// Accounts that the program declares: unbounded or not.
    pub accounts: Vec<(AccountName, bool)>,
    /// Declared fields.
    pub fields: Vec<(Arc<str>, FieldKind)>,
    /// Where the program declares them, by `asset NAME`, `account NAME` and `field NAME`.
    pub places: Vec<(String, (SourceId, Span))>,
}

/// A batch, ready for the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoweredBatch {
    /// The batch.
    pub batch: Batch,
    /// Opening balances for places of the batch.
    pub openings: Vec<Opening>,
    /// Whether openings are expectations that a known account must meet (JSON batches).
    pub openings_are_expectations: bool,
    /// Oracle values it depends on; each feed and unit once.
    pub oracles: Vec<OracleUse>,
    /// Feeds that were bound to external parameters, by intent and value parameter; others are called like theirs.
    pub feeds: Vec<((u32, u16), String)>,
    /// Arguments that only a run brings, by group and value parameter, ascending; the batch holds stand-ins for them.
    pub unknown: Vec<(u32, u16)>,
    /// What the ledger keeps of the program.
    pub declarations: Declarations,
    /// The declaration or file the batch comes from, for messages.
    pub at: Place,
}

/// What `balance` of an account means in the inputs.
#[derive(Clone, Copy)]
enum Meant {
    Nothing,
    One(AssetId),
    Several,
}

/// A batch while it is being put together.
pub(crate) struct Assembly<'t> {
    pub(crate) name: Arc<str>,
    pub(crate) tables: &'t mut Tables,
    pub(crate) intents: Vec<Intent>,
    /// For each intent, the asset of each account parameter.
    pub(crate) balances: Vec<Vec<AssetId>>,
    pub(crate) groups: Vec<Group>,
    pub(crate) transactions: Vec<TransactionRef>,
    pub(crate) items: Vec<BatchItem>,
    pub(crate) oracles: Vec<OracleUse>,
    pub(crate) feeds: Vec<((u32, u16), String)>,
    /// Arguments that are stand-ins, by group and value parameter.
    pub(crate) unknown: Vec<(u32, u16)>,
    /// Feeds and units in `oracles`.
    asked: HashSet<(String, String)>,
}

impl<'t> Assembly<'t> {
    pub(crate) fn new(name: Arc<str>, tables: &'t mut Tables) -> Self {
        Self {
            name,
            tables,
            intents: Vec::new(),
            balances: Vec::new(),
            groups: Vec::new(),
            transactions: Vec::new(),
            items: Vec::new(),
            oracles: Vec::new(),
            feeds: Vec::new(),
            unknown: Vec::new(),
            asked: HashSet::new(),
        }
    }

    /// The places behind the slots of an intent, row by row, for columns of accounts.
    pub(crate) fn place_columns(
        &mut self,
        intent: &Intent,
        accounts: &[Column<AccountId>],
    ) -> Vec<Column<PlaceId>> {
        let mut columns = Vec::with_capacity(intent.places.len());
        for place in &intent.places {
            columns.push(match &accounts[usize::from(place.account)] {
                Column::Same(account) => Column::Same(self.tables.place(*account, place.field)),
                Column::Each(ids) => Column::Each(
                    ids.iter()
                        .map(|account| self.tables.place(*account, place.field))
                        .collect(),
                ),
            });
        }
        columns
    }

    /// The value of an external parameter: that of the proof given for its feed. Without a proof a stand-in keeps the
    /// batch whole; it never runs, because the missing proof is refused before stage 3.
    pub(crate) fn oracle_value(
        &mut self,
        proofs: &HashMap<&str, &OracleInput>,
        feed: &str,
        ty: Type,
        at: Place,
        diagnostics: &mut Problems,
    ) -> Scalar {
        let (asset, scale) = self.oracle_unit(ty);
        let proof = proofs.get(feed).copied();
        // A unit is named by its assets; their scales follow from that.
        if self.asked.insert((feed.to_owned(), asset.clone())) {
            self.oracles.push(OracleUse {
                feed: feed.into(),
                asset,
                scale,
                proof: proof.cloned(),
                at,
            });
        }
        let stand_in = || value::from_units(self.tables, &Rational::ONE, ty).unwrap_or(Scalar::Bool(true));
        let Some(input) = proof else { return stand_in() };
        match value::from_text(self.tables, &input.value, ty) {
            Ok(value) => value,
            Err(expected) => {
                let message = format!(
                    "the oracle's value `{}` for `{}` does not fit",
                    quote(&input.value),
                    quote(feed)
                );
                let mut diagnostic = Diagnostic::new(Code::AE0906, format!("{message}: {expected}"));
                for (source, span) in [input.at, at].into_iter().flatten() {
                    diagnostic = diagnostic.label(source, span, "");
                }
                diagnostics.push(diagnostic.help("the parameter's type says what the oracle must sign"));
                stand_in()
            }
        }
    }

    /// How an oracle's signature names the unit of a type.
    fn oracle_unit(&self, ty: Type) -> (String, String) {
        let name = |id: AssetId| self.tables.asset_name(id).to_owned();
        let scale = |id: AssetId| self.tables.scale(id);
        match ty {
            Type::Amount(asset) => (name(asset), scale(asset).to_string()),
            Type::Price(base, quote) => (
                format!("{}/{}", name(base), name(quote)),
                format!("{}/{}", scale(base), scale(quote)),
            ),
            Type::Bool | Type::Number | Type::Integer | Type::Time => (String::new(), String::new()),
        }
    }

    /// For each account, the asset of the parameters that are bound to it.
    fn meant_assets(&self) -> Vec<Meant> {
        let mut meant = vec![Meant::Nothing; self.tables.accounts.len()];
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

    /// Finishes the batch.
    pub(crate) fn finish(
        self,
        symbols: &Symbols<'_>,
        inputs: &Inputs,
        at: Place,
        diagnostics: &mut Problems,
    ) -> LoweredBatch {
        let meant = if inputs.accounts.is_empty() {
            Vec::new()
        } else {
            self.meant_assets()
        };
        let openings = openings(self.tables, inputs, symbols, &meant, diagnostics);
        let declared: HashMap<&str, bool> = symbols.accounts.iter().map(|(n, u)| (n.as_str(), *u)).collect();
        let unbounded = self.tables.accounts.iter().map(|account| {
            account.as_str() == OPENING_ACCOUNT || declared.get(account.as_str()).copied().unwrap_or(false)
        });
        let unbounded = unbounded.collect();
        let known = |name: &AccountName| self.tables.known_account(name.as_str()).is_some();
        let used_fields = self.tables.fields.iter().filter_map(|field| match field {
            Field::Integer(name) => Some((name.clone(), FieldKind::Integer)),
            Field::Bool(name) => Some((name.clone(), FieldKind::Bool)),
            Field::Balance(_) => None,
        });
        let declarations = Declarations {
            assets: self.tables.assets.clone(),
            accounts: symbols
                .accounts
                .iter()
                .filter(|(name, _)| known(name))
                .cloned()
                .collect(),
            fields: used_fields.collect(),
            places: symbols
                .declared
                .iter()
                .filter(|((kind, _), _)| *kind != "name")
                .map(|((kind, name), span)| (format!("{kind} {name}"), (symbols.source, *span)))
                .collect(),
        };
        let batch = Batch {
            name: self.name,
            assets: std::mem::take(&mut self.tables.assets),
            fields: std::mem::take(&mut self.tables.fields),
            accounts: std::mem::take(&mut self.tables.accounts),
            unbounded,
            places: std::mem::take(&mut self.tables.places),
            intents: self.intents,
            groups: self.groups,
            transactions: self.transactions,
            items: self.items,
        };
        LoweredBatch {
            batch,
            openings,
            openings_are_expectations: false,
            oracles: self.oracles,
            feeds: self.feeds,
            unknown: self.unknown,
            declarations,
            at,
        }
    }
}

/// Opening balances for the places of the batch.
fn openings(
    tables: &Tables,
    inputs: &Inputs,
    symbols: &Symbols<'_>,
    meant: &[Meant],
    diagnostics: &mut Problems,
) -> Vec<Opening> {
    let mut places: HashMap<AccountId, Vec<(PlaceId, AssetId)>> = HashMap::new();
    for input in &inputs.accounts {
        if let Some(id) = tables.known_account(input.name.as_str()) {
            places.entry(id).or_default();
        }
    }
    for (index, (account, FieldId(field))) in tables.places.iter().enumerate() {
        if let (Some(list), Some(Field::Balance(asset))) =
            (places.get_mut(account), tables.fields.get(usize::from(*field)))
        {
            list.push((PlaceId(index32(index)), *asset));
        }
    }
    let mut openings: Vec<Opening> = Vec::new();
    let mut seen: HashMap<PlaceId, usize> = HashMap::new();
    for input in &inputs.accounts {
        if diagnostics.full() {
            break;
        }
        let Some(id) = tables.known_account(input.name.as_str()) else {
            continue;
        };
        let list = places.get(&id).map_or(&[][..], Vec::as_slice);
        let mut wanted: Vec<((PlaceId, AssetId), &crate::inputs::Given)> = Vec::new();
        if let Some(given) = &input.balance {
            match meant.get(id.0 as usize) {
                Some(Meant::One(asset)) => {
                    let place = list.iter().find(|(_, known)| known == asset);
                    wanted.extend(place.map(|place| (*place, given)));
                }
                Some(Meant::Several) => diagnostics.push(ambiguous(tables, input, list)),
                Some(Meant::Nothing) | None => {}
            }
        }
        for (asset, given) in &input.balances {
            let place = list.iter().find(|(_, id)| tables.asset_name(*id) == asset);
            match place {
                Some(place) => wanted.push((*place, given)),
                // Another batch of the file may use it; but the asset must exist.
                None if symbols.asset_named(asset).is_some() => {}
                None => {
                    let help = did_you_mean(asset, symbols.asset_names())
                        .unwrap_or_else(|| "the program declares its assets at the top".into());
                    let message = format!("asset `{}` is not declared", quote(asset));
                    diagnostics
                        .push(labelled(Diagnostic::new(Code::AE0203, message), given.at, "here").help(help));
                }
            }
        }
        for ((place, asset), given) in wanted {
            match value::from_text(tables, &given.text, Type::Amount(asset)) {
                Ok(Scalar::Whole(amount)) => {
                    if let Some(first) = seen.insert(place, openings.len()) {
                        let message = format!("`{}` has two opening balances", input.name);
                        let diagnostic = labelled(Diagnostic::new(Code::AE0306, message), given.at, "second");
                        let first = openings.get(first).and_then(|opening| opening.at);
                        diagnostics.push(labelled(diagnostic, first, "first").help("keep one of them"));
                        continue;
                    }
                    openings.push(Opening {
                        place,
                        amount,
                        at: given.at,
                    });
                }
                Ok(_) => {}
                Err(expected) => {
                    let message = format!("`{}` is not an amount for `{}`", quote(&given.text), input.name);
                    let diagnostic = labelled(Diagnostic::new(Code::AE0309, message), given.at, &expected);
                    diagnostics.push(diagnostic.help("write it in units of the asset, such as `1000.00`"));
                }
            }
        }
    }
    openings
}

fn ambiguous(
    tables: &Tables,
    input: &crate::inputs::AccountInput,
    list: &[(PlaceId, AssetId)],
) -> Diagnostic {
    let assets: Vec<&str> = list.iter().map(|(_, asset)| tables.asset_name(*asset)).collect();
    let message = format!(
        "`{}` holds {}: which one is this balance?",
        input.name,
        assets.join(" and ")
    );
    let first = assets.first().copied().unwrap_or("USD");
    let help = format!("write {{\"balances\": {{\"{first}\": \"..\"}}}}");
    labelled(
        Diagnostic::new(Code::AE0306, message),
        input.at,
        "one balance given",
    )
    .help(help)
}

/// Adds a label where there is a place for it.
pub(crate) fn labelled(diagnostic: Diagnostic, at: Place, message: &str) -> Diagnostic {
    match at {
        Some((source, span)) => diagnostic.label(source, span, message),
        None => diagnostic,
    }
}

/// The place of a span in a file.
pub(crate) fn place(source: SourceId, span: Span) -> Place {
    Some((source, span))
}
