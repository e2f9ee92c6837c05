//! The graph of a batch as people look at it: transactions, what orders them, and what is proved to need no order.
//!
//! Takes a batch, its dependency graph and its plan; gives a [`Picture`] with at most so many nodes. When there are more
//! transactions than that, they are drawn together: those of a call on one level, else all of a call, else all of an
//! intent. The picture says which.

use crate::conflict_detector::{Counts, Plan};
use aethel_certificate::escrow::Treatment;
use aethel_ir::{Batch, Names, PlaceId, TransactionId};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many places of an edge are named.
const NAMED: usize = 3;

/// Transactions are drawn one by one only where `after` takes no more edges than this: between two loops every
/// transaction of one waits for every transaction of the other.
const MAX_AFTER: usize = 64;

/// A batch as a drawing.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// The batch.
    pub batch: String,
    /// How many transactions it has.
    pub transactions: usize,
    /// How many transactions the longest chain has that must run one after the other.
    pub levels: usize,
    /// What a node stands for.
    pub together: Together,
    /// The nodes.
    pub nodes: Vec<PictureNode>,
    /// The edges.
    pub edges: Vec<PictureEdge>,
    /// Conflicts between consecutive accesses.
    pub conflicts: Counts,
    /// Those of them that need no order.
    pub commuting: Counts,
    /// The lemmas by which they need none; empty when all are kept in order.
    pub lemmas: Vec<String>,
    /// How many balances were not given and are taken to be large enough.
    pub assumed: usize,
}

/// What a node of a picture stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Together {
    /// One transaction.
    Nothing,
    /// The transactions of a call that are on one level.
    Level,
    /// All transactions of a call.
    Call,
    /// All transactions of an intent.
    Intent,
}

/// A node of a picture.
#[derive(Clone, Debug, Serialize)]
pub struct PictureNode {
    /// What it is called.
    pub name: String,
    /// How many transactions it stands for.
    pub transactions: usize,
    /// The first level of its transactions, from 1: how many must run one after the other before, and one more.
    pub level: usize,
    /// The last level of its transactions.
    pub last_level: usize,
    /// The row that it is drawn in, from 0.
    pub rank: usize,
}

/// An edge of a picture: from what comes first in batch order to what comes later, or within one node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PictureEdge {
    /// The index of a node.
    pub from: usize,
    /// The index of a node.
    pub to: usize,
    /// An `after` clause says so.
    pub after: bool,
    /// The conflicts between consecutive accesses.
    pub conflicts: Counts,
    /// Those of them that are proved to need no order.
    pub commuting: Counts,
    /// Where, at most three.
    pub places: Vec<String>,
    /// At how many further places.
    pub more_places: usize,
    /// Why they are kept in order, when they are.
    pub reason: Option<&'static str>,
}

impl PictureEdge {
    /// Whether its ends must run one after the other.
    pub fn ordered(&self) -> bool {
        self.after || self.conflicts.total() > self.commuting.total()
    }
}

impl Picture {
    /// Draws a batch with at most so many nodes; `lemmas` are the names of those that the plan relies on, `assumed` how
    /// many balances it only assumes.
    pub fn new(batch: &Batch, plan: &Plan<'_>, lemmas: Vec<String>, assumed: usize, most: usize) -> Self {
        let levels = levels(batch, plan);
        let (together, mut sketch) = Sketch::that_fits(batch, &levels, most.max(2));
        sketch.conflicts(batch, plan);
        sketch.after(batch);
        let commutes = plan.commuting.total() > 0;
        let mut picture = Picture {
            batch: batch.name.to_string(),
            transactions: batch.len(),
            levels: levels.iter().copied().max().unwrap_or(0) as usize,
            together,
            nodes: sketch.nodes,
            edges: sketch.edges.into_values().map(|edge| edge.done(batch)).collect(),
            conflicts: plan.consecutive,
            commuting: plan.commuting,
            lemmas: lemmas.into_iter().filter(|_| commutes).collect(),
            assumed,
        };
        picture.rank();
        picture
    }

    /// Says in which row each node is drawn: below everything that must run before. Nodes that stand for transactions
    /// on both sides of each other share a row.
    fn rank(&mut self) {
        let mut graph: DiGraph<(), ()> = DiGraph::new();
        let indices: Vec<NodeIndex> = self.nodes.iter().map(|_| graph.add_node(())).collect();
        for edge in self
            .edges
            .iter()
            .filter(|edge| edge.ordered() && edge.from != edge.to)
        {
            graph.add_edge(indices[edge.from], indices[edge.to], ());
        }
        let mut component = vec![0; self.nodes.len()];
        let mut parts = tarjan_scc(&graph);
        // They come in reverse order of what must run before what.
        parts.reverse();
        for (number, part) in parts.iter().enumerate() {
            part.iter().for_each(|node| component[node.index()] = number);
        }
        let mut rank = vec![0; parts.len()];
        for (number, part) in parts.iter().enumerate() {
            for next in part.iter().flat_map(|node| graph.neighbors(*node)) {
                let next = component[next.index()];
                if next != number {
                    rank[next] = rank[next].max(rank[number] + 1);
                }
            }
        }
        for (node, component) in self.nodes.iter_mut().zip(component) {
            node.rank = rank[component];
        }
    }
}

/// The level of each transaction, from 1, by its number in the source.
pub(crate) fn levels(batch: &Batch, plan: &Plan<'_>) -> Vec<u32> {
    let ordered = |place: PlaceId| plan.settlement.places.get(place.0 as usize) != Some(&Treatment::Escrow);
    let mut before: Vec<(TransactionId, TransactionId)> = plan
        .conflicts(batch)
        .into_iter()
        .filter(|conflict| ordered(conflict.place))
        .map(|conflict| (conflict.to, conflict.from))
        .collect();
    before.sort_unstable();
    let mut item_of = vec![0_usize; batch.len()];
    for (index, item) in batch.items.iter().enumerate() {
        let (first, count) = (item.first as usize, item.count as usize);
        item_of
            .iter_mut()
            .skip(first)
            .take(count)
            .for_each(|cell| *cell = index);
    }
    let mut levels = vec![0_u32; batch.len()];
    let mut done = vec![0_u32; batch.items.len()];
    for id in &plan.graph.order {
        let from = before.partition_point(|(to, _)| to < id);
        let earlier = before.get(from..).unwrap_or(&[]).iter();
        let earlier = earlier.take_while(|(to, _)| to == id);
        let item = item_of.get(id.0 as usize).copied().unwrap_or(0);
        let waits = batch.items.get(item).into_iter().flat_map(|item| &item.after);
        let highest = earlier
            .filter_map(|(_, from)| levels.get(from.0 as usize))
            .chain(waits.filter_map(|item| done.get(*item as usize)));
        let level = highest.copied().max().unwrap_or(0) + 1;
        if let Some(cell) = levels.get_mut(id.0 as usize) {
            *cell = level;
        }
        if let Some(cell) = done.get_mut(item) {
            *cell = level.max(*cell);
        }
    }
    levels
}

/// A picture that is being drawn.
struct Sketch {
    /// The node of each transaction.
    node_of: Vec<u32>,
    nodes: Vec<PictureNode>,
    edges: BTreeMap<(u32, u32), SketchEdge>,
}

#[derive(Default)]
struct SketchEdge {
    edge: PictureEdge,
    places: BTreeSet<PlaceId>,
}

impl SketchEdge {
    fn done(self, batch: &Batch) -> PictureEdge {
        let named = self
            .places
            .iter()
            .take(NAMED)
            .map(|place| batch.place_name(*place));
        PictureEdge {
            places: named.collect(),
            more_places: self.places.len().saturating_sub(NAMED),
            ..self.edge
        }
    }
}

impl Sketch {
    /// The finest way of drawing transactions together that has few enough nodes.
    fn that_fits(batch: &Batch, levels: &[u32], most: usize) -> (Together, Sketch) {
        type Key = (u32, u32);
        let group_of = |n: usize| batch.transactions.get(n).map_or(0, |reference| reference.group);
        let intent_of = |group: u32| batch.groups.get(group as usize).map_or(0, |group| group.intent);
        let level_of = |n: usize| levels.get(n).copied().unwrap_or(0);
        let ways: [(Together, &dyn Fn(usize) -> Key); 4] = [
            (Together::Nothing, &|n| (n as u32, 0)),
            (Together::Level, &|n| (level_of(n), group_of(n))),
            (Together::Call, &|n| (group_of(n), 0)),
            (Together::Intent, &|n| (intent_of(group_of(n)), 0)),
        ];
        for (together, key) in ways {
            if together == Together::Nothing && (batch.len() > most || after_edges(batch) > MAX_AFTER) {
                continue;
            }
            let mut numbers: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
            for n in 0..batch.len() {
                numbers.entry(key(n)).or_default().push(n as u32);
                if numbers.len() > most && together != Together::Intent {
                    break;
                }
            }
            if numbers.len() <= most || together == Together::Intent {
                return (together, Self::of(batch, levels, together, numbers, most));
            }
        }
        let none = Self::of(batch, levels, Together::Nothing, BTreeMap::new(), most);
        (Together::Nothing, none)
    }

    fn of(
        batch: &Batch,
        levels: &[u32],
        together: Together,
        numbers: BTreeMap<(u32, u32), Vec<u32>>,
        most: usize,
    ) -> Sketch {
        let mut sketch = Sketch {
            node_of: vec![0; batch.len()],
            nodes: Vec::new(),
            edges: BTreeMap::new(),
        };
        // Intents that are too many as well: those with the fewest transactions share a node.
        let mut numbers: Vec<Vec<u32>> = numbers.into_values().collect();
        if numbers.len() > most {
            numbers.sort_by_key(|of| std::cmp::Reverse(of.len()));
            let rest = numbers.split_off(most - 1);
            let count = rest.len();
            let mut rest: Vec<u32> = rest.into_iter().flatten().collect();
            rest.sort_unstable();
            sketch.add(levels, &rest, format!("{count} more intents"));
        }
        for of in numbers {
            let name = name(batch, together, &of);
            sketch.add(levels, &of, name);
        }
        sketch
    }

    fn add(&mut self, levels: &[u32], transactions: &[u32], name: String) {
        let node = self.nodes.len() as u32;
        let mut own = transactions
            .iter()
            .map(|n| levels.get(*n as usize).copied().unwrap_or(0));
        let first = own.next().unwrap_or(0);
        let (low, high) = own.fold((first, first), |(low, high), level| {
            (low.min(level), high.max(level))
        });
        for n in transactions {
            if let Some(cell) = self.node_of.get_mut(*n as usize) {
                *cell = node;
            }
        }
        self.nodes.push(PictureNode {
            name,
            transactions: transactions.len(),
            level: low as usize,
            last_level: high as usize,
            rank: 0,
        });
    }

    fn edge(&mut self, from: u32, to: u32) -> &mut SketchEdge {
        let edge = self.edges.entry((from, to)).or_default();
        (edge.edge.from, edge.edge.to) = (from as usize, to as usize);
        edge
    }

    fn conflicts(&mut self, batch: &Batch, plan: &Plan<'_>) {
        for conflict in plan.conflicts(batch) {
            let node = |id: TransactionId| self.node_of.get(id.0 as usize).copied().unwrap_or(0);
            let (from, to) = (node(conflict.from), node(conflict.to));
            let treatment = plan.settlement.places.get(conflict.place.0 as usize);
            let edge = self.edge(from, to);
            edge.places.insert(conflict.place);
            edge.edge.conflicts.count(conflict.kind);
            match treatment {
                Some(Treatment::Escrow) => edge.edge.commuting.count(conflict.kind),
                Some(Treatment::Ordered(reason)) => edge.edge.reason = Some(reason.words()),
                _ => {}
            }
        }
    }

    fn after(&mut self, batch: &Batch) {
        let mut of_item: HashMap<u32, Vec<u32>> = HashMap::new();
        for (later, item) in (0_u32..).zip(&batch.items) {
            for earlier in &item.after {
                for index in [*earlier, later] {
                    let Some(item) = batch.items.get(index as usize) else {
                        continue;
                    };
                    let (first, count) = (item.first as usize, item.count as usize);
                    of_item.entry(index).or_insert_with(|| {
                        let nodes = self.node_of.iter().skip(first).take(count);
                        nodes.copied().collect::<BTreeSet<u32>>().into_iter().collect()
                    });
                }
                let (Some(from), Some(to)) = (of_item.get(earlier), of_item.get(&later)) else {
                    continue;
                };
                let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
                let pairs: Vec<(u32, u32)> = pairs.collect();
                for (from, to) in pairs {
                    self.edge(from, to).edge.after = true;
                }
            }
        }
    }
}

/// How many edges `after` takes between single transactions.
fn after_edges(batch: &Batch) -> usize {
    let count = |item: u32| {
        batch
            .items
            .get(item as usize)
            .map_or(0, |item| item.count as usize)
    };
    let waits = |item: &aethel_ir::BatchItem| -> usize {
        let before: usize = item.after.iter().map(|before| count(*before)).sum();
        before.saturating_mul(item.count as usize)
    };
    batch.items.iter().map(waits).fold(0, usize::saturating_add)
}

/// What a node is called.
fn name(batch: &Batch, together: Together, transactions: &[u32]) -> String {
    let Some(first) = transactions.first() else {
        return String::new();
    };
    if together == Together::Nothing || transactions.len() == 1 {
        return batch.transaction_name(TransactionId(*first));
    }
    let Some(view) = batch.transaction(TransactionId(*first)) else {
        return String::new();
    };
    match &view.group.names {
        Names::One(name) | Names::Rows(name) if together != Together::Intent => name.to_string(),
        _ => view.intent.name.to_string(),
    }
}
