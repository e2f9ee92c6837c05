//! What a report shows of a batch beside its result: every transaction with its arguments, and the graph as a drawing.
//!
//! Gathered only when a request asks for it, and after the batch is over, so that it takes no time from the stages.

use crate::conflict_detector::ConflictDetector;
use crate::dependency_analyzer::DependencyAnalyzer;
use crate::lemmas::ProvedAccess;
use crate::picture::{Picture, levels};
use aethel_ir::{Batch, Intent, TransactionId, show_value};
use std::sync::Arc;

/// How many nodes the drawing may have.
const NODES: usize = 40;

/// How many where nothing waits for anything: more of them say nothing more.
const FREE: usize = 8;

/// What stands for a secret value.
pub(crate) const SECRET: &str = "•••";

/// What a report shows of a batch beside its result.
#[derive(Clone, Debug)]
pub struct Details {
    /// What waits for what, and what need not.
    pub picture: Picture,
    /// How many transactions could run at the same time: on the first level, on the second, and so on.
    pub widths: Vec<usize>,
    /// The transactions in the order of the source, the first [`Details::MOST`].
    pub transactions: Vec<TransactionDetail>,
    /// The one that failed.
    pub failed: Option<TransactionDetail>,
    /// What the intents say in `solve`.
    pub solve: Vec<SolveEntry>,
}

/// An entry of `solve`: said, without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolveEntry {
    /// The intent.
    pub intent: String,
    /// The key.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A transaction for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDetail {
    /// What it is called.
    pub name: String,
    /// Its account parameters and whom they stand for.
    pub accounts: Vec<(String, String)>,
    /// Its value parameters and their values; secret ones are hidden.
    pub values: Vec<(String, String)>,
}

/// What stage ② worked with, kept until the batch is over.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) before: Vec<i128>,
    pub(crate) proved: ProvedAccess,
}

impl Details {
    /// How many transactions are listed at most: a page with more of them is no help to anybody.
    pub const MOST: usize = 20_000;

    /// The details of a batch; `None` when it did not come as far as stage ②.
    pub(crate) fn of(batch: &Batch, kept: Option<Kept>, failed: Option<u32>) -> Option<Self> {
        let Kept { before, proved } = kept?;
        let graph = DependencyAnalyzer.analyze(batch).ok()?;
        let plan = ConflictDetector.detect(batch, &graph, &before, &proved.access);
        let lemmas = proved.lemmas.iter().map(|lemma| lemma.name.clone()).collect();
        let mut widths = Vec::new();
        for level in levels(batch, &plan) {
            let level = level.saturating_sub(1) as usize;
            if widths.len() <= level {
                widths.resize(level + 1, 0);
            }
            widths[level] += 1;
        }
        let listed = 0..batch.len().min(Self::MOST) as u32;
        Some(Self {
            picture: Picture::new(
                batch,
                &plan,
                lemmas,
                0,
                if widths.len() < 2 { FREE } else { NODES },
            ),
            widths,
            transactions: listed.map(|id| detail(batch, TransactionId(id))).collect(),
            failed: failed.map(|id| detail(batch, TransactionId(id))),
            solve: solve(batch),
        })
    }
}

fn detail(batch: &Batch, id: TransactionId) -> TransactionDetail {
    let mut detail = TransactionDetail {
        name: batch.transaction_name(id),
        accounts: Vec::new(),
        values: Vec::new(),
    };
    let Some(view) = batch.transaction(id) else {
        return detail;
    };
    let accounts = view.intent.accounts.iter().zip(&view.group.accounts);
    detail.accounts = accounts
        .filter_map(|(parameter, column)| {
            let account = batch.accounts.get(column.get(view.row)?.0 as usize)?;
            Some((parameter.name.to_string(), account.to_string()))
        })
        .collect();
    let values = view.intent.values.iter().zip(&view.group.values);
    detail.values = values
        .filter_map(|(parameter, column)| {
            let shown = match parameter.secret {
                true => SECRET.to_owned(),
                false => show_value(batch, &column.get(view.row)?, parameter.ty),
            };
            Some((parameter.name.to_string(), shown))
        })
        .collect();
    detail
}

fn solve(batch: &Batch) -> Vec<SolveEntry> {
    let entries = |intent: &Intent| {
        let name = intent.name.to_string();
        let entry = |(key, values): &(Arc<str>, Vec<Arc<str>>)| SolveEntry {
            intent: name.clone(),
            key: key.to_string(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        intent.solve.iter().map(entry).collect::<Vec<_>>()
    };
    batch.intents.iter().flat_map(entries).collect()
}
