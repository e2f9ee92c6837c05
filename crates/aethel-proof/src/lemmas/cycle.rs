//! Confirming that transactions cannot be put in any order.

use crate::solver::{self, Answer, Limits, Session};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use z3::ast::{Bool, Int};

/// At most this many transactions.
const MAX_NODES: usize = 64;

/// Whether edges can all point forward in some order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CycleVerdict {
    /// No order has every edge point forward; these edges (as indices) already have none, and without any one of them
    /// there is one.
    Confirmed {
        /// Indices of edges, ascending.
        core: Vec<usize>,
    },
    /// There is an order.
    NoCycle,
    /// No answer; why, for people.
    Undecided(String),
}

/// Whether transactions, named by any numbers, have positions such that `from` is before `to` for every edge.
pub fn confirm_cycle(edges: &[(u32, u32)], limits: &Limits) -> CycleVerdict {
    let mut nodes: Vec<u32> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.len() > MAX_NODES {
        return CycleVerdict::Undecided(format!("more than {MAX_NODES} transactions"));
    }
    let edges = edges.to_vec();
    let decided = solver::run(limits, move |session| decide(session, &edges));
    decided.unwrap_or_else(CycleVerdict::Undecided)
}

fn decide(session: &Session, edges: &[(u32, u32)]) -> CycleVerdict {
    let position = |node: &u32| Int::new_const(format!("position{node}"));
    let forward = |(from, to): &(u32, u32)| position(from).lt(position(to));
    let all: Vec<Bool> = edges.iter().map(forward).collect();
    match session.check(&all) {
        Answer::Unsat => {}
        Answer::Sat(_) => return CycleVerdict::NoCycle,
        Answer::Unknown(reason) => return CycleVerdict::Undecided(reason),
    }
    // Finding a core by asking for every part takes Z3 half a second for 64 edges; a shortest cycle is one.
    let Some(core) = shortest_cycle(edges) else {
        return CycleVerdict::Undecided("Z3 finds a contradiction where there is no cycle".to_owned());
    };
    let of_core: Vec<Bool> = core.iter().filter_map(|n| edges.get(*n)).map(forward).collect();
    match session.check(&of_core) {
        Answer::Unsat => CycleVerdict::Confirmed { core },
        Answer::Sat(_) => CycleVerdict::Undecided("Z3 orders a cycle".to_owned()),
        Answer::Unknown(reason) => CycleVerdict::Undecided(reason),
    }
}

/// The edges of a shortest cycle, ascending: from each node breadth first until an edge leads back to it.
fn shortest_cycle(edges: &[(u32, u32)]) -> Option<Vec<usize>> {
    let mut starts: Vec<u32> = edges.iter().map(|(from, _)| *from).collect();
    starts.sort_unstable();
    starts.dedup();
    let cycles = starts.into_iter().filter_map(|start| cycle_through(start, edges));
    cycles.min_by_key(Vec::len)
}

fn cycle_through(start: u32, edges: &[(u32, u32)]) -> Option<Vec<usize>> {
    // For each node met, the edge that led there.
    let mut led: BTreeMap<u32, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for (n, (_, to)) in edges.iter().enumerate().filter(|(_, (from, _))| *from == node) {
            if *to == start {
                let mut cycle = vec![n];
                let mut at = node;
                while at != start {
                    let edge = *led.get(&at)?;
                    cycle.push(edge);
                    at = edges.get(edge)?.0;
                }
                cycle.sort_unstable();
                return Some(cycle);
            }
            if let Entry::Vacant(new) = led.entry(*to) {
                new.insert(n);
                open.push_back(*to);
            }
        }
    }
    None
}
