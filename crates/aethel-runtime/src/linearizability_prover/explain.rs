//! Why no serial order explains what a run says it saw and wrote: a lost update, a value from nowhere, or a circle.

use crate::dependency_analyzer::DependencyGraph;
use crate::rows::Rows;
use crate::serial::Run;
use aethel_certificate::accesses;
use aethel_certificate::escrow::settle;
use aethel_ir::{Batch, Code, Diagnostic, PlaceId, TransactionId, Value, show_value};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// How many starting points the search for the shortest circle tries.
const STARTS: usize = 64;

/// No serial order that respects the logged versions explains the logged values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearizabilityError {
    /// The transactions that cannot be put in order: a circle, each before the next, or the ones at fault.
    pub transactions: Vec<TransactionId>,
    /// One sentence for each step, with values.
    pub sentences: Vec<String>,
    /// For a circle its edges, from earlier to later.
    pub edges: Vec<(u32, u32)>,
    /// The solver that confirmed that the edges of the circle fit into no order, if one was asked and did.
    pub confirmed: Option<String>,
}

impl LinearizabilityError {
    /// Transactions at fault without a circle.
    fn of(transactions: Vec<TransactionId>, sentence: String) -> Self {
        Self {
            transactions,
            sentences: vec![sentence],
            edges: Vec::new(),
            confirmed: None,
        }
    }

    /// AE0601. The severity is the caller's to lower where a serial run took over.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = format!(
            "no serial order explains what the run saw: {}",
            self.sentences.join("; ")
        );
        let help = match &self.confirmed {
            Some(solver) => format!("nothing of that run was kept; {solver} confirms that no order fits"),
            None => "nothing of that run was kept".to_owned(),
        };
        Diagnostic::new(Code::AE0601, message).help(help)
    }
}

/// One entry of the log.
#[derive(Clone, Copy)]
struct Logged {
    id: TransactionId,
    version: u32,
    seen: i128,
    /// The new value, for a write.
    written: Option<i128>,
    reads: bool,
}

/// Looks for what is wrong with a run; `None` when some serial order explains it. Places in escrow have no versions: there
/// the end must be the beginning and the sum of all changes.
pub fn explain(
    batch: &Batch,
    graph: &DependencyGraph,
    run: &Run,
    snapshot: &[i128],
) -> Option<LinearizabilityError> {
    let chains = logged(batch, graph, run);
    let mut edges: Vec<(u32, Edge)> = Vec::new();
    if let Some(wrong) = wrong_sum(batch, run, snapshot) {
        return Some(wrong);
    }
    for place in 0..batch.places.len() {
        let chain = chains.row(place);
        let place = PlaceId(place as u32);
        let first = snapshot.get(place.0 as usize).copied().unwrap_or(0);
        if run.seen.is_empty() || run.escrow.binary_search(&place).is_ok() {
            continue;
        }
        if let Some(wrong) = wrong_place(batch, place, chain, first, run) {
            return Some(wrong);
        }
        connect(place, chain, &mut edges);
    }
    let graph = Rows::sort(batch.len(), edges.iter().copied());
    let circle = shortest_circle(batch.len(), &graph)?;
    let sentences = circle
        .iter()
        .map(|(from, edge)| edge.sentence(batch, *from))
        .collect();
    Some(LinearizabilityError {
        transactions: circle.iter().map(|(from, _)| TransactionId(*from)).collect(),
        sentences,
        edges: circle.iter().map(|(from, edge)| (*from, edge.to)).collect(),
        confirmed: None,
    })
}

/// A place in escrow that does not end at the sum of its changes.
fn wrong_sum(batch: &Batch, run: &Run, snapshot: &[i128]) -> Option<LinearizabilityError> {
    if run.escrow.is_empty() {
        return None;
    }
    let settlement = settle(batch, &accesses(batch), snapshot);
    run.escrow.iter().find_map(|place| {
        let index = place.0 as usize;
        let expected = settlement.end(*place, *snapshot.get(index)?)?;
        let found = *run.final_values.get(index)?;
        let sentence = format!(
            "{} ends with {}, its {} before and all changes together give {}",
            batch.place_name(*place),
            show(batch, *place, found),
            show(batch, *place, *snapshot.get(index)?),
            show(batch, *place, expected)
        );
        (found != expected).then(|| LinearizabilityError::of(Vec::new(), sentence))
    })
}

/// The log sorted by place.
fn logged(batch: &Batch, graph: &DependencyGraph, run: &Run) -> Rows<Logged> {
    let layout = &graph.layout;
    let entries = (0..batch.len() as u32).map(TransactionId).flat_map(|id| {
        batch.transaction(id).into_iter().flat_map(move |view| {
            let shape = &layout.shapes[view.group.intent as usize];
            let (slots, writes) = (layout.slots(id).start, layout.writes(id).start);
            view.group
                .places
                .iter()
                .enumerate()
                .filter_map(move |(slot, column)| {
                    let place = column.get(view.row).filter(|_| shape.touches(slot))?;
                    let nth = shape.written_slots.iter().position(|s| usize::from(*s) == slot);
                    let logged = Logged {
                        id,
                        version: *run.versions.get(slots + slot)?,
                        seen: *run.seen.get(slots + slot)?,
                        written: nth.and_then(|n| run.written.get(writes + n)),
                        reads: shape.reads(slot),
                    };
                    Some((place.0, logged))
                })
        })
    });
    Rows::sort(batch.places.len(), entries)
}

/// Two writes over one version, a value that no write left, a version that nobody made, a wrong end.
fn wrong_place(
    batch: &Batch,
    place: PlaceId,
    chain: &[Logged],
    first: i128,
    run: &Run,
) -> Option<LinearizabilityError> {
    let at = batch.place_name(place);
    let show = |value: i128| show(batch, place, value);
    let name = |id: TransactionId| batch.transaction_name(id);
    let error = |transactions, sentence| Some(LinearizabilityError::of(transactions, sentence));
    let mut made: HashMap<u32, (TransactionId, i128)> = HashMap::new();
    for entry in chain {
        let Some(value) = entry.written else { continue };
        if let Some((other, other_value)) = made.insert(entry.version + 1, (entry.id, value)) {
            return error(
                vec![other, entry.id],
                format!(
                    "`{}` and `{}` both saw {at} at {} and both wrote it, {} and {}: one of the writes is lost",
                    name(other),
                    name(entry.id),
                    show(entry.seen),
                    show(other_value),
                    show(value)
                ),
            );
        }
    }
    for entry in chain {
        let left = match entry.version {
            0 => Some(first),
            version => made.get(&version).map(|(_, value)| *value),
        };
        match left {
            Some(value) if value == entry.seen => {}
            Some(value) => {
                let saw = format!(
                    "`{}` saw {} at {at}, where {} was",
                    name(entry.id),
                    show(entry.seen),
                    show(value)
                );
                return error(vec![entry.id], saw);
            }
            None => {
                return error(
                    vec![entry.id],
                    format!("`{}` saw {at} after a write that nobody made", name(entry.id)),
                );
            }
        }
    }
    let last = made
        .iter()
        .max_by_key(|(version, _)| **version)
        .map_or(first, |(_, (_, value))| *value);
    let end = run.final_values.get(place.0 as usize).copied().unwrap_or(0);
    if end != last {
        return error(
            vec![],
            format!("{at} ends with {}, the last write left {}", show(end), show(last)),
        );
    }
    None
}

/// One transaction must come before another because of a place.
#[derive(Clone, Copy)]
struct Edge {
    to: u32,
    place: PlaceId,
    value: i128,
    /// Of the earlier: it wrote `value`; else it saw `value`, which the later overwrote.
    wrote: bool,
}

impl Edge {
    fn sentence(&self, batch: &Batch, from: u32) -> String {
        let from = batch.transaction_name(TransactionId(from));
        let to = batch.transaction_name(TransactionId(self.to));
        let at = batch.place_name(self.place);
        let value = show(batch, self.place, self.value);
        if self.wrote {
            format!("`{from}` is before `{to}`, which found the {value} that it wrote to {at}")
        } else {
            format!("`{from}` is before `{to}`, since it saw {value} at {at}, which `{to}` overwrote")
        }
    }
}

/// Writer of a version → everyone who saw it → writer of the next.
fn connect(place: PlaceId, chain: &[Logged], edges: &mut Vec<(u32, Edge)>) {
    let writers: HashMap<u32, (u32, i128)> = chain
        .iter()
        .filter_map(|entry| Some((entry.version + 1, (entry.id.0, entry.written?))))
        .collect();
    for entry in chain {
        if let Some((writer, value)) = writers.get(&entry.version) {
            let edge = Edge {
                to: entry.id.0,
                place,
                value: *value,
                wrote: true,
            };
            edges.push((*writer, edge));
        }
        if let Some((writer, _)) = writers
            .get(&(entry.version + 1))
            .filter(|(writer, _)| *writer != entry.id.0 && entry.reads)
        {
            let edge = Edge {
                to: *writer,
                place,
                value: entry.seen,
                wrote: false,
            };
            edges.push((entry.id.0, edge));
        }
    }
}

/// What Kahn's algorithm cannot put in order, and in it the shortest circle.
fn shortest_circle(count: usize, graph: &Rows<Edge>) -> Option<Vec<(u32, Edge)>> {
    let mut waits = vec![0_u32; count];
    for node in 0..count {
        for edge in graph.row(node) {
            waits[edge.to as usize] += 1;
        }
    }
    let mut ready: Vec<u32> = (0..count as u32)
        .filter(|node| waits[*node as usize] == 0)
        .collect();
    while let Some(node) = ready.pop() {
        for edge in graph.row(node as usize) {
            waits[edge.to as usize] -= 1;
            if waits[edge.to as usize] == 0 {
                ready.push(edge.to);
            }
        }
    }
    let residue = (0..count as u32).filter(|node| waits[*node as usize] > 0);
    residue
        .take(STARTS)
        .filter_map(|start| circle_from(start, graph, &waits))
        .min_by_key(Vec::len)
}

fn circle_from(start: u32, graph: &Rows<Edge>, waits: &[u32]) -> Option<Vec<(u32, Edge)>> {
    let mut came: HashMap<u32, (u32, Edge)> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for edge in graph
            .row(node as usize)
            .iter()
            .filter(|edge| waits[edge.to as usize] > 0)
        {
            if edge.to == start {
                let mut circle = vec![(node, *edge)];
                let mut at = node;
                while at != start {
                    let step = *came.get(&at)?;
                    circle.push(step);
                    at = step.0;
                }
                circle.reverse();
                return Some(circle);
            }
            if let Entry::Vacant(free) = came.entry(edge.to) {
                free.insert((node, *edge));
                queue.push_back(edge.to);
            }
        }
    }
    None
}

fn show(batch: &Batch, place: PlaceId, value: i128) -> String {
    let field = batch
        .places
        .get(place.0 as usize)
        .and_then(|(_, field)| batch.fields.get(usize::from(field.0)));
    match field {
        Some(field) => show_value(
            batch,
            &Value::Number(value.into()),
            aethel_ir::eval::field_type(field),
        ),
        None => value.to_string(),
    }
}
