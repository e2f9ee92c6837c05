//! Into how many parts a batch falls that have nothing to do with each other. No stage needs to know, so they are counted
//! when somebody asks.

use super::DependencyGraph;
use super::blocks::{Places, blocks};
use super::survey::{MANY_SLOTS, updated_slots};
use aethel_certificate::Shape;
use aethel_ir::{Batch, Column, PlaceId};
use serde::{Serialize, Serializer};
use std::sync::OnceLock;

/// In how many parts the transactions of a batch fall that have nothing to do with each other; counted when first asked
/// for, which may be long after the batch.
#[derive(Clone, Debug, Default)]
pub struct Components {
    found: OnceLock<usize>,
    /// What to count them from.
    kept: Option<Box<Kept>>,
}

/// What is kept of a batch.
#[derive(Clone, Debug)]
struct Kept {
    places: usize,
    groups: Vec<Touches<Vec<Column<PlaceId>>>>,
}

/// The rows of a group, and the columns of the places that they update.
#[derive(Clone, Debug)]
struct Touches<C> {
    rows: u32,
    columns: C,
}

impl Components {
    /// Those of a graph. Where counting them takes no more than the columns of places, [`Components::keep`] has to follow.
    pub(crate) fn new(batch: &Batch, graph: &DependencyGraph) -> Self {
        let components = Self::default();
        if !can_wait(batch, graph) {
            let _ = components.found.set(graph.components(batch));
        }
        components
    }

    /// Takes what they are counted from out of the batch, which nobody needs any more.
    pub(crate) fn keep(&mut self, batch: &mut Batch) {
        if self.found.get().is_some() {
            return;
        }
        let shapes: Vec<Shape> = batch.intents.iter().map(Shape::new).collect();
        let Some(slots) = updated_slots(batch, &shapes) else {
            return;
        };
        let take = |group: &mut aethel_ir::Group| {
            let slots = slots.get(group.intent as usize).map_or(&[][..], Vec::as_slice);
            let none = Column::Same(PlaceId(0));
            let column = |slot: &usize| Some(std::mem::replace(group.places.get_mut(*slot)?, none.clone()));
            Touches {
                columns: slots.iter().filter_map(column).collect(),
                rows: group.rows,
            }
        };
        self.kept = Some(Box::new(Kept {
            places: batch.places.len(),
            groups: batch.groups.iter_mut().map(take).collect(),
        }));
    }

    /// How many; 0 where no batch was analyzed.
    pub fn get(&self) -> usize {
        *self.found.get_or_init(|| match &self.kept {
            Some(kept) => {
                let groups = kept.groups.iter().map(|group| Touches {
                    rows: group.rows,
                    columns: group.columns.iter().collect(),
                });
                of_places(kept.places, groups.collect())
            }
            None => 0,
        })
    }
}

impl Serialize for Components {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

/// Whether the columns of places say it all.
fn can_wait(batch: &Batch, graph: &DependencyGraph) -> bool {
    graph.survey(batch).all_updates().is_some() && graph.items.waits.is_empty()
}

/// The parts of a graph.
pub(super) fn count(batch: &Batch, graph: &DependencyGraph) -> usize {
    match updated_slots(batch, &graph.layout.shapes).filter(|_| can_wait(batch, graph)) {
        Some(slots) => {
            let groups = batch.groups.iter().map(|group| Touches {
                rows: group.rows,
                columns: super::survey::columns(group, &slots),
            });
            of_places(batch.places.len(), groups.collect())
        }
        None => of_schedule(batch, graph),
    }
}

/// Transactions that touch one place are connected, so places are joined instead: all that one transaction touches.
fn of_places(places: usize, groups: Vec<Touches<Vec<&Column<PlaceId>>>>) -> usize {
    let mut touched = vec![false; places];
    let mut touch = |place: &PlaceId| {
        if let Some(touched) = touched.get_mut(place.0 as usize) {
            *touched = true;
        }
    };
    for group in groups.iter().filter(|group| group.rows > 0) {
        for column in &group.columns {
            match column {
                Column::Same(place) => touch(place),
                Column::Each(column) => column.iter().for_each(&mut touch),
            }
        }
    }
    let untouched = touched.iter().filter(|touched| !**touched).count();
    let mut parts = Parts::new(places);
    // Transactions that touch nothing.
    let mut lone = 0;
    for group in &groups {
        match group.columns.as_slice() {
            [] => lone += group.rows as usize,
            [_] => {}
            columns @ [_, _] => join_rows::<2>(columns, group.rows, &mut parts, untouched + 1),
            columns => join_rows::<MANY_SLOTS>(columns, group.rows, &mut parts, untouched + 1),
        }
    }
    parts.count - untouched + lone
}

/// Joins what each row touches, until there are no more than `enough` sets: then the touched places are one set already.
fn join_rows<const SLOTS: usize>(columns: &[&Column<PlaceId>], rows: u32, parts: &mut Parts, enough: usize) {
    let same = Places::<SLOTS>::same(columns);
    for block in blocks(0..rows as usize) {
        let places = Places::<SLOTS>::read(columns, &same, block);
        let Some(places) = places.filter(|_| parts.count > enough) else {
            return;
        };
        for row in 0..places.count() {
            for other in 1..SLOTS {
                parts.join(places.at(0, row) as u32, places.at(other, row) as u32);
            }
        }
    }
}

/// How many parts the graph falls into when nobody looks at the direction of its edges.
fn of_schedule(batch: &Batch, graph: &DependencyGraph) -> usize {
    let schedule = graph.schedule(batch);
    let count = batch.len();
    // Items that somebody waits for, or that wait, are nodes of their own behind the transactions.
    let linked = linked(graph, batch.items.len());
    let mut parts = Parts::new(count + batch.items.len());
    for from in 0..count {
        for to in schedule.successors.row(from) {
            parts.join(from as u32, *to);
        }
    }
    let lonely = linked.iter().filter(|linked| !**linked).count();
    join_items(batch, graph, &linked, &mut parts, Some, count as u32);
    parts.count - lonely
}

/// For each item, whether it waits or somebody waits for it.
fn linked(graph: &DependencyGraph, items: usize) -> Vec<bool> {
    let linked = |item| graph.items.waits(item) > 0 || !graph.items.successors.row(item).is_empty();
    (0..items).map(linked).collect()
}

/// Joins every linked item, whose nodes begin at `base`, with its transactions and its successors.
fn join_items(
    batch: &Batch,
    graph: &DependencyGraph,
    linked: &[bool],
    parts: &mut Parts,
    node: impl Fn(u32) -> Option<u32>,
    base: u32,
) {
    for (index, item) in batch.items.iter().enumerate().filter(|(index, _)| linked[*index]) {
        let own = base + index as u32;
        for node in (item.first..item.first + item.count).filter_map(&node) {
            parts.join(node, own);
        }
        for next in graph.items.successors.row(index) {
            parts.join(own, base + next);
        }
    }
}

/// Sets that are joined, by the algorithm of M. Rem (E. W. Dijkstra, "A Discipline of Programming", chapter 23; the
/// quickest of many according to M. Patwary, J. Blair, F. Manne, "Experiments on Union-Find Algorithms", SEA 2010).
struct Parts {
    /// Never larger than the number itself; the same for the first of a set.
    parent: Vec<u32>,
    /// How many sets there are.
    count: usize,
}

impl Parts {
    /// As many sets of one.
    fn new(count: usize) -> Self {
        Self {
            parent: (0..count as u32).collect(),
            count,
        }
    }

    /// Makes the sets of two numbers one.
    #[inline]
    fn join(&mut self, a: u32, b: u32) {
        let (mut a, mut b) = (a as usize, b as usize);
        loop {
            let (above_a, above_b) = (self.parent[a], self.parent[b]);
            if above_a == above_b {
                return;
            }
            // The one with the larger parent gets the smaller one, and goes on from its old. Which it is cannot be guessed, so
            // both are chosen without a branch.
            let first = above_a > above_b;
            let (lower, old) = if first { (a, above_a) } else { (b, above_b) };
            let (upper, new) = if first { (b, above_b) } else { (a, above_a) };
            self.parent[lower] = new;
            if old as usize == lower {
                self.count -= 1;
                return;
            }
            (a, b) = (old as usize, upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DependencyAnalyzer;
    use crate::support::{Kind, from_steps, strategies};
    use proptest::prelude::*;

    const KINDS: &[Kind] = &[Kind::Pay, Kind::Count, Kind::Look, Kind::Set, Kind::Move];

    proptest! {
        /// What is counted long after a batch from what was kept of it is what its graph says.
        #[test]
        fn parts_can_be_counted_when_the_batch_is_gone(
            steps in prop::collection::vec(strategies::step(KINDS), 0..40),
            alike in any::<bool>(),
        ) {
            let mut steps = steps;
            if alike {
                steps.iter_mut().for_each(|step| step.after.clear());
                steps.retain(|step| matches!(step.kind, Kind::Pay | Kind::Move));
            }
            let mut batch = from_steps(&steps, 12).batch;
            let Ok(graph) = DependencyAnalyzer.analyze(&batch) else { return Ok(()) };
            let mut components = Components::new(&batch, &graph);
            let expected = of_schedule(&batch, &graph);
            prop_assert_eq!(graph.components(&batch), expected);
            components.keep(&mut batch);
            prop_assert_eq!(components.get(), expected);
        }
    }
}
