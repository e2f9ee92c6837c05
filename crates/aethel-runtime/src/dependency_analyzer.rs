//! ① Dependency analysis.
//!
//! Takes a batch. Gives its [`DependencyGraph`]: the batch order, for every place the chain of its accesses, an edge
//! between every two consecutive accesses that conflict, `after` clauses between items, levels and components.
//! Refuses a batch whose `after` clauses go in a circle (AE0401) and names the circle.
//!
//! Everything is linear in the number of accesses: chains are sorted by counting, and a write needs edges only from
//! the last write and the reads since. `after` stays between items, so that two loops of a thousand rows do not need
//! a million edges.

use crate::Refusal;
use crate::conflict_detector::ConflictKind;
use crate::rows::Rows;
use aethel_certificate::{Layout, batch_order};
use aethel_ir::{Batch, Code, Diagnostic, PlaceId, TransactionId};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::VecDeque;

/// One access in the chain of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub transaction: TransactionId,
    /// Whether it looks at the place.
    pub reads: bool,
    /// Whether it gives the place a new value.
    pub writes: bool,
}

/// What must happen before what. Positions count from 0 in batch order.
#[derive(Clone, Debug)]
pub struct DependencyGraph {
    /// The transactions in batch order.
    pub order: Vec<TransactionId>,
    /// The position of each transaction.
    pub positions: Vec<u32>,
    /// Where the accesses of each transaction lie in the columns of a run.
    pub layout: Layout,
    /// For each place, who accesses it, in batch order; a transaction occurs once.
    pub chains: Rows<Access>,
    /// Who waits for whom when every conflict is kept in batch order.
    pub schedule: Schedule,
    /// For each item, the items that wait for it by `after`; no duplicates.
    pub item_successors: Rows<u32>,
    /// For each item, for how many items it waits by `after`.
    pub item_waits: Vec<u32>,
    /// For each transaction, its item.
    pub item_of: Vec<u32>,
    /// How many groups of transactions have nothing to do with each other.
    pub components: usize,
}

/// Who waits for whom.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// For each transaction, who must wait for it because of a place; no duplicates.
    pub successors: Rows<u32>,
    /// For each transaction, how many it must wait for because of a place.
    pub waits: Vec<u32>,
    /// The transactions level by level, `after` included: those of one level are independent of each other.
    pub levels: Rows<u32>,
}

impl Schedule {
    /// The schedule in which conflicts at these places are kept in batch order.
    pub fn new(batch: &Batch, graph: &DependencyGraph, places: impl Iterator<Item = PlaceId>) -> Self {
        let mut schedule = Schedule::default();
        schedule.connect(graph, places);
        schedule.level(batch, graph);
        debug_assert_eq!(schedule.levels.total(), batch.len());
        schedule
    }

    /// How many edges there are between transactions, `after` not counted.
    pub fn edges(&self) -> usize {
        self.successors.total()
    }

    /// How many transactions the longest chain of dependencies has.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }
}

impl DependencyGraph {
    /// Calls `found` for every two consecutive accesses of a place that conflict: a read with the last write, a
    /// write with the last write and with every read since that write began.
    pub fn conflicts_at(
        &self,
        place: PlaceId,
        mut found: impl FnMut(TransactionId, TransactionId, ConflictKind),
    ) {
        let mut writer = None;
        let mut readers: Vec<TransactionId> = Vec::new();
        for access in self.chains.row(place.0 as usize) {
            let id = access.transaction;
            if let (true, Some(writer)) = (access.reads, writer) {
                found(writer, id, ConflictKind::Raw);
            }
            if access.writes {
                if let Some(writer) = writer {
                    found(writer, id, ConflictKind::Waw);
                }
                for reader in readers.drain(..) {
                    found(reader, id, ConflictKind::War);
                }
                writer = Some(id);
            }
            if access.reads {
                readers.push(id);
            }
        }
    }
}

/// Builds the [`DependencyGraph`] of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct DependencyAnalyzer;

impl DependencyAnalyzer {
    /// Stage ①; see the module's contract.
    ///
    /// # Errors
    /// AE0401 when `after` clauses go in a circle.
    pub fn analyze(&self, batch: &Batch) -> Result<DependencyGraph, Refusal> {
        let order = batch_order(batch).map_err(|stuck| circle(batch, &stuck))?;
        let mut positions = vec![0_u32; batch.len()];
        for (position, id) in order.iter().enumerate() {
            positions[id.0 as usize] = position as u32;
        }
        let layout = Layout::new(batch);
        let chains = chains(batch, &order, &layout);
        let (item_successors, item_waits, item_of) = item_edges(batch);
        let mut graph = DependencyGraph {
            order,
            positions,
            layout,
            chains,
            schedule: Schedule::default(),
            item_successors,
            item_waits,
            item_of,
            components: 0,
        };
        graph.schedule = Schedule::new(batch, &graph, (0..batch.places.len() as u32).map(PlaceId));
        graph.components = components(batch, &graph);
        Ok(graph)
    }
}

impl Schedule {
    fn connect(&mut self, graph: &DependencyGraph, places: impl Iterator<Item = PlaceId>) {
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for place in places {
            graph.conflicts_at(place, |from, to, _| {
                // The kinds of one pair come one after the other.
                if edges.last() != Some(&(from.0, to.0)) {
                    edges.push((from.0, to.0));
                }
            });
        }
        let count = graph.order.len();
        self.successors = Rows::sort(count, edges.iter().copied());
        self.waits = vec![0; count];
        let mut last_from = vec![usize::MAX; count];
        let waits = &mut self.waits;
        self.successors.retain(|from, _, to| {
            let new = std::mem::replace(&mut last_from[to as usize], from) != from;
            waits[to as usize] += u32::from(new);
            new
        });
    }

    /// The level of a transaction is one more than the highest it waits for.
    fn level(&mut self, batch: &Batch, graph: &DependencyGraph) {
        let mut level = vec![0_u32; graph.order.len()];
        // For items: the level that followers may begin with.
        let mut free = vec![0_u32; batch.items.len()];
        let mut floor = vec![0_u32; batch.items.len()];
        let item_order = aethel_certificate::item_order(batch).unwrap_or_default();
        for item in item_order {
            let index = item as usize;
            free[index] = floor[index];
            let first = batch.items[index].first;
            for id in first..first + batch.items[index].count {
                let own = level[id as usize].max(floor[index]);
                level[id as usize] = own;
                free[index] = free[index].max(own + 1);
                for next in self.successors.row(id as usize) {
                    level[*next as usize] = level[*next as usize].max(own + 1);
                }
            }
            for next in graph.item_successors.row(index) {
                floor[*next as usize] = floor[*next as usize].max(free[index]);
            }
        }
        let depth = level.iter().map(|level| *level as usize + 1).max().unwrap_or(0);
        self.levels = Rows::sort(depth, graph.order.iter().map(|id| (level[id.0 as usize], id.0)));
    }
}

/// Sorts the accesses of all transactions by place, in batch order.
fn chains(batch: &Batch, order: &[TransactionId], layout: &Layout) -> Rows<Access> {
    let accesses = order.iter().flat_map(|id| {
        let view = batch.transaction(*id);
        view.into_iter().flat_map(move |view| {
            let shape = &layout.shapes[view.group.intent as usize];
            view.group
                .places
                .iter()
                .enumerate()
                .filter_map(move |(slot, column)| {
                    let place = column.get(view.row).filter(|_| shape.touches(slot))?;
                    let access = Access {
                        transaction: *id,
                        reads: shape.reads(slot),
                        writes: shape.writes(slot),
                    };
                    Some((place.0, access))
                })
        })
    });
    let mut rows = Rows::sort(batch.places.len(), accesses);
    // Two parameters may be one account when nothing is written: one access then.
    rows.retain(|_, last, access| match last {
        Some(last) if last.transaction == access.transaction => {
            last.reads |= access.reads;
            last.writes |= access.writes;
            false
        }
        _ => true,
    });
    rows
}

fn item_edges(batch: &Batch) -> (Rows<u32>, Vec<u32>, Vec<u32>) {
    let count = batch.items.len();
    let edges = batch
        .items
        .iter()
        .enumerate()
        .flat_map(|(index, item)| item.after.iter().map(move |before| (*before, index as u32)));
    let mut successors = Rows::sort(count, edges);
    let mut waits = vec![0_u32; count];
    successors.retain(|_, last, item| {
        // Sorted by follower, since they were met in source order.
        let new = last.is_none_or(|last| *last != item);
        waits[item as usize] += u32::from(new);
        new
    });
    let mut item_of = vec![0_u32; batch.len()];
    for (index, item) in batch.items.iter().enumerate() {
        let range = item.first as usize..(item.first as usize + item.count as usize).min(batch.len());
        item_of[range].fill(index as u32);
    }
    (successors, waits, item_of)
}

/// How many parts the graph falls into when nobody looks at the direction of its edges.
fn components(batch: &Batch, graph: &DependencyGraph) -> usize {
    let count = batch.len();
    // Items that somebody waits for, or that wait, are nodes of their own behind the transactions.
    let mut parent: Vec<u32> = (0..(count + batch.items.len()) as u32).collect();
    let mut parts = parent.len();
    let mut join = |a: u32, b: u32| {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        if a != b {
            parent[a.max(b) as usize] = a.min(b);
            parts -= 1;
        }
    };
    for from in 0..count {
        for to in graph.schedule.successors.row(from) {
            join(from as u32, *to);
        }
    }
    let mut lonely = 0;
    for (index, item) in batch.items.iter().enumerate() {
        let node = (count + index) as u32;
        if graph.item_waits[index] == 0 && graph.item_successors.row(index).is_empty() {
            lonely += 1;
            continue;
        }
        for id in item.first..item.first + item.count {
            join(id, node);
        }
        for next in graph.item_successors.row(index) {
            join(node, count as u32 + next);
        }
    }
    parts - lonely
}

fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        let above = parent[parent[node as usize] as usize];
        parent[node as usize] = above;
        node = above;
    }
    node
}

/// Names the circle that the first stuck item is on, or leads to.
fn circle(batch: &Batch, stuck: &[u32]) -> Refusal {
    let mut graph: DiGraph<u32, ()> = DiGraph::new();
    let mut nodes = vec![NodeIndex::end(); batch.items.len()];
    for item in stuck {
        nodes[*item as usize] = graph.add_node(*item);
    }
    for item in stuck {
        for before in &batch.items[*item as usize].after {
            let before = nodes[*before as usize];
            if before != NodeIndex::end() {
                graph.add_edge(nodes[*item as usize], before, ());
            }
        }
    }
    let circles = petgraph::algo::tarjan_scc(&graph);
    let on_circle =
        |part: &&Vec<NodeIndex>| part.len() > 1 || part.iter().any(|n| graph.contains_edge(*n, *n));
    let start = circles
        .iter()
        .filter(on_circle)
        .filter_map(|part| part.iter().min_by_key(|node| graph[**node]))
        .min_by_key(|node| graph[**node]);
    let cycle: Vec<u32> = start.map_or_else(|| stuck.to_vec(), |start| shortest_circle(&graph, *start));
    let name = |item: u32| batch.items[item as usize].name.clone();
    let mut words = String::new();
    for item in cycle.iter().chain(cycle.first()) {
        let joint = if words.is_empty() { "" } else { " after " };
        words.push_str(&format!("{joint}`{}`", name(*item)));
    }
    let mut diagnostic = Diagnostic::new(Code::AE0401, format!("`after` goes in a circle: {words}"));
    for (index, item) in cycle.iter().enumerate() {
        let next = cycle[(index + 1) % cycle.len()];
        if let Some((source, span)) = batch.items[*item as usize].origin {
            diagnostic = diagnostic.label(source, span, format!("waits for `{}`", name(next)));
        }
    }
    Box::new(diagnostic.help("none of these can ever be first; take one of the `after` clauses out"))
}

/// The shortest way from a node back to itself.
fn shortest_circle(graph: &DiGraph<u32, ()>, start: NodeIndex) -> Vec<u32> {
    let mut came_from = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        // petgraph gives neighbours latest first; the earliest in source reads better.
        let mut neighbours: Vec<NodeIndex> = graph.neighbors(node).collect();
        neighbours.sort_by_key(|n| graph[*n]);
        for next in neighbours {
            if next == start {
                let mut cycle = vec![graph[node]];
                let mut at = node;
                while let Some(before) = came_from[at.index()].filter(|_| at != start) {
                    cycle.push(graph[before]);
                    at = before;
                }
                cycle.reverse();
                return cycle;
            }
            if came_from[next.index()].is_none() {
                came_from[next.index()] = Some(node);
                queue.push_back(next);
            }
        }
    }
    vec![graph[start]]
}
