//! What lowering gives: a batch and what must happen before it can run.

use crate::inputs::{Inputs, OracleInput, Place};
use crate::problems::Problems;
use crate::symbols::{FieldKind, Symbols};
use crate::tables::Tables;
use crate::value::{self, Scalar};
use aethel_ir::batch::BatchItem;
use aethel_ir::{
    AccountId, AccountName, Asset, AssetId, Batch, Code, Diagnostic, Field, Group, Intent, OPENING_ACCOUNT,
    PlaceId, Rational, SourceId, Span, TransactionRef, Type, quote,
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
    /// Those of them that are not unbounded, as the batch numbers them.
    pub bounded: Vec<AccountId>,
    /// Declared fields.
    pub fields: Vec<(Arc<str>, FieldKind)>,
    /// Where the program declares them, by `asset NAME`, `account NAME` and `field NAME`.
    pub places: Arc<[(String, (SourceId, Span))]>,
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
                diagnostics.push(
                    Diagnostic::new(Code::AE0906, format!("{message}: {expected}"))
                        .label_at(input.at, "")
                        .label_at(at, "")
                        .help("the parameter's type says what the oracle must sign"),
                );
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

    /// Finishes the batch.
    pub(crate) fn finish(
        self,
        symbols: &Symbols<'_>,
        inputs: &Inputs,
        at: Place,
        diagnostics: &mut Problems,
    ) -> LoweredBatch {
        let openings = self.openings(inputs, symbols, diagnostics);
        let names = &self.tables.accounts;
        let mut unbounded = vec![false; names.all().len()];
        let declared = symbols.accounts.iter().filter(|(_, unbounded)| *unbounded);
        let declared = declared.map(|(name, _)| name.as_str());
        for account in declared
            .chain([OPENING_ACCOUNT])
            .filter_map(|name| names.known(name))
        {
            unbounded[account.0 as usize] = true;
        }
        let used = |(name, unbounded): &(AccountName, bool)| {
            Some((names.known(name.as_str())?, name.clone(), *unbounded))
        };
        let used: Vec<_> = symbols.accounts.iter().filter_map(used).collect();
        let used_fields = self.tables.fields.iter().filter_map(|field| match field {
            Field::Integer(name) => Some((name.clone(), FieldKind::Integer)),
            Field::Bool(name) => Some((name.clone(), FieldKind::Bool)),
            Field::Balance(_) => None,
        });
        let declarations = Declarations {
            assets: self.tables.assets.clone(),
            bounded: used
                .iter()
                .filter_map(|(id, _, unbounded)| (!unbounded).then_some(*id))
                .collect(),
            accounts: used
                .into_iter()
                .map(|(_, name, unbounded)| (name, unbounded))
                .collect(),
            fields: used_fields.collect(),
            places: Arc::clone(&symbols.declared),
        };
        let batch = Batch {
            name: self.name,
            assets: std::mem::take(&mut self.tables.assets),
            fields: std::mem::take(&mut self.tables.fields),
            accounts: std::mem::take(&mut self.tables.accounts).into_all(),
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

/// The place of a span in a file.
pub(crate) fn place(source: SourceId, span: Span) -> Place {
    Some((source, span))
}
