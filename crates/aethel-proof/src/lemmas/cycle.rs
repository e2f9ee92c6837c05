//! Confirming that transactions cannot be put in any order.

use crate::solver::{self, Answer, Limits, Session};
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
    let constraints: Vec<Bool> = edges
        .iter()
        .map(|(from, to)| position(from).lt(position(to)))
        .collect();
    match session.check(&constraints) {
        Answer::Unsat => {}
        Answer::Sat(_) => return CycleVerdict::NoCycle,
        Answer::Unknown(reason) => return CycleVerdict::Undecided(reason),
    }
    let all: Vec<usize> = (0..constraints.len()).collect();
    match minimal(all, |kept| {
        let kept: Vec<Bool> = kept.iter().filter_map(|n| constraints.get(*n).cloned()).collect();
        match session.check(&kept) {
            Answer::Unsat => Ok(true),
            Answer::Sat(_) => Ok(false),
            Answer::Unknown(reason) => Err(reason),
        }
    }) {
        Ok(core) => CycleVerdict::Confirmed { core },
        Err(reason) => CycleVerdict::Undecided(reason),
    }
}

/// The smallest part of `all`, by leaving out ever smaller pieces, that is still enough.
pub fn minimal<T: Clone, E>(
    all: Vec<T>,
    mut is_enough: impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut kept = all;
    let mut piece = kept.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < kept.len() {
            let end = (at + piece).min(kept.len());
            let mut without = kept.clone();
            without.drain(at..end);
            if is_enough(&without)? {
                kept = without;
            } else {
                at = end;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    Ok(kept)
}
