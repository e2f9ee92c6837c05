//! The error about `after` clauses that go in a circle.

use crate::Refusal;
use aethel_ir::{Batch, Code, Diagnostic};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::VecDeque;

/// Names the circle that the first stuck item is on, or leads to.
pub(super) fn circle(batch: &Batch, stuck: &[u32]) -> Refusal {
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
