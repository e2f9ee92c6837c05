//! Stages ① and ②.

use crate::support::{Build, Kind, Step, from_steps, naive_order, strategies};
use crate::{ALL, ConflictDetector, ConflictKind, Counts, DependencyAnalyzer, DependencyGraph};
use aethel_ir::intent::{Effect, Expr, ExprId, Place};
use aethel_ir::{AccountId, Batch, Column, PlaceId, Slot, TransactionId, TransactionRef};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// For each transaction: the places that it reads, and those that it writes.
fn accesses(batch: &Batch) -> Vec<(BTreeSet<u32>, BTreeSet<u32>)> {
    (0..batch.len() as u32)
        .map(|id| {
            let view = batch.transaction(TransactionId(id)).unwrap();
            let of = |flags: Vec<bool>| {
                let places = view.group.places.iter().zip(flags).filter(|(_, flag)| *flag);
                places
                    .map(|(column, _)| column.get(view.row).unwrap().0)
                    .collect()
            };
            (of(view.intent.read()), of(view.intent.written()))
        })
        .collect()
}

/// Every conflicting (earlier, later, place, kind), by comparing all with all.
fn brute_force(batch: &Batch) -> BTreeSet<(u32, u32, u32, ConflictKind)> {
    let order = naive_order(batch);
    let accesses = accesses(batch);
    let mut found = BTreeSet::new();
    for (position, a) in order.iter().enumerate() {
        for b in &order[position + 1..] {
            let ((reads_a, writes_a), (reads_b, writes_b)) = (&accesses[*a], &accesses[*b]);
            let mut add = |first: &BTreeSet<u32>, second: &BTreeSet<u32>, kind| {
                found.extend(
                    first
                        .intersection(second)
                        .map(|p| (*a as u32, *b as u32, *p, kind)),
                );
            };
            add(writes_a, reads_b, ConflictKind::Raw);
            add(writes_a, writes_b, ConflictKind::Waw);
            add(reads_a, writes_b, ConflictKind::War);
        }
    }
    found
}

/// Which transactions must come after which, by the edges alone (`after` included).
fn reachable(batch: &Batch, edges: impl Fn(u32) -> Vec<u32>) -> Vec<BTreeSet<u32>> {
    let mut result: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); batch.len()];
    for id in naive_order(batch).into_iter().rev() {
        let mut set = BTreeSet::new();
        for next in edges(id as u32) {
            set.insert(next);
            set.extend(result[next as usize].iter().copied());
        }
        result[id] = set;
    }
    result
}

/// Intents that read whatever they write.
const ALIKE: &[Kind] = &[Kind::Pay, Kind::Move, Kind::Count, Kind::Deposit];

/// The parts of a graph, by walking from each transaction to all that it is connected with.
fn parts(batch: &Batch, schedule: &aethel_runtime::dependency_analyzer::Schedule) -> usize {
    let (count, items) = (batch.len(), batch.items.len());
    let mut joined = vec![Vec::new(); count + items];
    let mut join = |a: usize, b: usize| {
        joined[a].push(b);
        joined[b].push(a);
    };
    for from in 0..count {
        schedule
            .successors
            .row(from)
            .iter()
            .for_each(|to| join(from, *to as usize));
    }
    let waited_for: BTreeSet<u32> = batch.items.iter().flat_map(|item| item.after.clone()).collect();
    let linked = |n: usize| !batch.items[n].after.is_empty() || waited_for.contains(&(n as u32));
    for (n, item) in batch.items.iter().enumerate().filter(|(n, _)| linked(*n)) {
        (item.first..item.first + item.count).for_each(|id| join(count + n, id as usize));
        item.after
            .iter()
            .for_each(|before| join(count + n, count + *before as usize));
    }
    let mut seen = vec![false; count + items];
    let mut parts = 0;
    for start in (0..count).chain((0..items).filter(|n| linked(*n)).map(|n| count + n)) {
        let mut open = vec![start];
        parts += usize::from(!seen[start]);
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(&joined[node]);
            }
        }
    }
    parts
}

fn analyze(batch: &Batch) -> DependencyGraph {
    DependencyAnalyzer.analyze(batch).unwrap()
}

fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(strategies::step(ALL), 1..max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn p01_independent_iff_neither_writes_what_the_other_touches(pair in proptest::collection::vec(strategies::step(ALL), 2)) {
        let mut pair = pair;
        pair.iter_mut().for_each(|step| step.after.clear());
        let batch = from_steps(&pair, 4).batch;
        let graph = analyze(&batch);
        let sets = accesses(&batch);
        let touches = |writes: &BTreeSet<u32>, other: &(BTreeSet<u32>, BTreeSet<u32>)| {
            writes.iter().any(|p| other.0.contains(p) || other.1.contains(p))
        };
        let dependent = touches(&sets[0].1, &sets[1]) || touches(&sets[1].1, &sets[0]);
        prop_assert_eq!(graph.survey(&batch).edges == 1, dependent);
        prop_assert_eq!(graph.components(&batch), if dependent { 1 } else { 2 });
        prop_assert_eq!(graph.survey(&batch).depth, if dependent { 2 } else { 1 });
    }

    #[test]
    fn p02_acyclic_with_every_transaction_once(steps in steps(40)) {
        let batch = from_steps(&steps, 6).batch;
        let graph = analyze(&batch);
        let expected: Vec<u32> = naive_order(&batch).into_iter().map(|id| id as u32).collect();
        let order: Vec<u32> = graph.order.iter().map(|id| id.0).collect();
        prop_assert_eq!(&order, &expected);
        for id in 0..batch.len() {
            prop_assert_eq!(order[graph.positions[id] as usize], id as u32);
            for next in graph.schedule(&batch).successors.row(id) {
                prop_assert!(graph.positions[id] < graph.positions[*next as usize]);
            }
        }
        // Levels: every transaction once, nothing depends on its own level, and the depth is needed.
        let mut level = vec![usize::MAX; batch.len()];
        for depth in 0..graph.survey(&batch).depth {
            for id in graph.schedule(&batch).levels.row(depth) {
                prop_assert_eq!(std::mem::replace(&mut level[*id as usize], depth), usize::MAX);
            }
        }
        let mut lowest = vec![0; batch.len()];
        for id in &order {
            for next in graph.schedule(&batch).successors.row(*id as usize) {
                lowest[*next as usize] = lowest[*next as usize].max(level[*id as usize] + 1);
            }
        }
        let items = &batch.items;
        for (item, other) in items.iter().flat_map(|item| item.after.iter().map(move |o| (item, &items[*o as usize]))) {
            let last = (other.first..other.first + other.count).map(|id| level[id as usize] + 1).max().unwrap_or(0);
            for id in item.first..item.first + item.count {
                lowest[id as usize] = lowest[id as usize].max(last);
            }
        }
        prop_assert_eq!(level, lowest);
    }

    /// The numbers that one pass finds are those of the edges.
    #[test]
    fn p02_a_survey_counts_what_the_edges_are(steps in steps(40), alike in proptest::collection::vec(strategies::step(ALIKE), 1..60)) {
        for steps in [steps, alike] {
            let batch = from_steps(&steps, 9).batch;
            let graph = analyze(&batch);
            let schedule = graph.schedule(&batch);
            prop_assert_eq!(graph.survey(&batch).edges, schedule.edges());
            prop_assert_eq!(graph.survey(&batch).depth, schedule.depth());
            let widest = (0..schedule.depth()).map(|level| schedule.levels.row(level).len()).max();
            prop_assert_eq!(Some(graph.survey(&batch).width), widest);
            prop_assert_eq!(graph.components(&batch), parts(&batch, schedule));
            for place in (0..batch.places.len() as u32).map(PlaceId) {
                let mut counted = Counts::default();
                graph.conflicts_at(&batch, place, |_, _, kind| match kind {
                    ConflictKind::Raw => counted.raw += 1,
                    ConflictKind::Waw => counted.waw += 1,
                    ConflictKind::War => counted.war += 1,
                });
                prop_assert_eq!(graph.counts_at(&batch, place).0, counted);
            }
        }
    }

    #[test]
    fn p25_p15_p13_conflicts_and_their_closure(steps in steps(40)) {
        let mut steps = steps;
        steps.iter_mut().for_each(|step| step.after.clear());
        let batch = from_steps(&steps, 5).batch;
        let graph = analyze(&batch);
        let plan = ConflictDetector.detect(&batch, &graph, &[], &[]);
        let all = brute_force(&batch);
        // Every reported conflict is one, and is counted.
        let mut counted = Counts::default();
        let conflicts = plan.conflicts(&batch);
        for c in &conflicts {
            prop_assert!(all.contains(&(c.from.0, c.to.0, c.place.0, c.kind)));
            match c.kind {
                ConflictKind::Raw => counted.raw += 1,
                ConflictKind::Waw => counted.waw += 1,
                ConflictKind::War => counted.war += 1,
            }
        }
        prop_assert_eq!(plan.consecutive, counted);
        // The number of all of them is exact, per kind and per place.
        let count = |kind| all.iter().filter(|(_, _, _, k)| *k == kind).count() as u64;
        let exact = Counts { raw: count(ConflictKind::Raw), waw: count(ConflictKind::Waw), war: count(ConflictKind::War) };
        prop_assert_eq!(plan.pairs, exact);
        let places = plan.most_conflicted(&batch, usize::MAX);
        prop_assert_eq!(places.len(), plan.conflicted);
        prop_assert!(places.windows(2).all(|two| two[0].consecutive.total() >= two[1].consecutive.total()));
        for place in &places {
            let here = all.iter().filter(|(_, _, p, _)| *p == place.place.0).count() as u64;
            prop_assert_eq!(place.pairs.total(), here);
        }
        // What follows from the reported ones is what follows from all, place by place and in the graph.
        let mut reported: HashMap<u32, Vec<u32>> = HashMap::new();
        for c in &conflicts {
            reported.entry(c.from.0).or_default().push(c.to.0);
        }
        let mut every: HashMap<u32, Vec<u32>> = HashMap::new();
        for (from, to, _, _) in &all {
            every.entry(*from).or_default().push(*to);
        }
        let closure = reachable(&batch, |id| every.get(&id).cloned().unwrap_or_default());
        prop_assert_eq!(&reachable(&batch, |id| reported.get(&id).cloned().unwrap_or_default()), &closure);
        prop_assert_eq!(&reachable(&batch, |id| graph.schedule(&batch).successors.row(id as usize).to_vec()), &closure);
        // The kinds of neighbours in a chain are reported.
        for place in 0..batch.places.len() as u32 {
            for pair in graph.chains(&batch).row(place as usize).windows(2) {
                for kind in [ConflictKind::Raw, ConflictKind::Waw, ConflictKind::War] {
                    let key = (pair[0].transaction.0, pair[1].transaction.0, place, kind);
                    let listed = conflicts.iter().any(|c| (c.from.0, c.to.0, c.place.0, c.kind) == key);
                    prop_assert_eq!(listed, all.contains(&key));
                }
            }
        }
    }

    #[test]
    fn p03_circles_are_named_in_order(length in 1..6_usize, extra in 0..5_usize, start in 0..6_usize) {
        let mut build = Build::new("circle");
        for i in 0..length + extra {
            build.one(Kind::Count, &format!("a{i}"), "b", 0);
        }
        // A circle through `length` items, and a tail that waits for it.
        for i in 0..length {
            build.after(i as u32, ((i + 1) % length) as u32);
        }
        for i in length..length + extra {
            build.after(i as u32, (start % length) as u32);
        }
        let diagnostic = DependencyAnalyzer.analyze(&build.batch).unwrap_err();
        prop_assert_eq!(diagnostic.code.id(), "AE0401");
        let names: Vec<String> = (0..length).chain([0]).map(|i| format!("`count{i}`")).collect();
        prop_assert_eq!(&diagnostic.message, &format!("`after` goes in a circle: {}", names.join(" after ")));
        prop_assert_eq!(diagnostic.labels.len(), length);
    }
}

#[test]
fn p13_each_kind_by_name() {
    let kinds = |first: Kind, second: Kind| {
        let mut build = Build::new("b");
        build.one(first, "x", "y", 1);
        build.one(second, "x", "z", 1);
        let graph = analyze(&build.batch);
        let plan = ConflictDetector.detect(&build.batch, &graph, &[], &[]);
        plan.conflicts(&build.batch)
            .iter()
            .map(|c| c.kind.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(Kind::Pay, Kind::Look), ["RAW"]);
    assert_eq!(kinds(Kind::Look, Kind::Pay), ["WAR"]);
    assert_eq!(kinds(Kind::Set, Kind::Set), ["WAW"]);
    assert_eq!(kinds(Kind::Pay, Kind::Pay), ["RAW", "WAW", "WAR"]);
    assert_eq!(kinds(Kind::Look, Kind::Look), [] as [&str; 0]);
}

#[test]
fn the_payroll_of_a_thousand() {
    let mut build = Build::new("payroll");
    let company = build.account("company");
    let rows: Vec<_> = (0..1000)
        .map(|i| (company, build.account(&format!("e{i}")), 1))
        .collect();
    build.id_rows(Kind::Pay, &rows);
    let graph = analyze(&build.batch);
    let plan = ConflictDetector.detect(&build.batch, &graph, &[], &[]);
    assert_eq!(
        (
            graph.survey(&build.batch).edges,
            graph.survey(&build.batch).depth,
            graph.components(&build.batch)
        ),
        (999, 1000, 1)
    );
    assert_eq!(
        plan.consecutive,
        Counts {
            raw: 999,
            waw: 999,
            war: 999
        }
    );
    assert_eq!(plan.pairs.raw, 999 * 1000 / 2);
    assert_eq!(plan.conflicted, 1);
    assert_eq!(
        plan.most_conflicted(&build.batch, 5)[0].place,
        build.balance("company")
    );
}

#[test]
fn many_readers_are_one_level() {
    let mut build = Build::new("readers");
    build.one(Kind::Pay, "x", "y", 1);
    build.rows(Kind::Look, &[("x", "x2", 1), ("x", "x3", 1), ("x", "x4", 1)]);
    build.one(Kind::Pay, "x", "z", 1);
    let graph = analyze(&build.batch);
    let sizes: Vec<usize> = (0..graph.survey(&build.batch).depth)
        .map(|level| graph.schedule(&build.batch).levels.row(level).len())
        .collect();
    assert_eq!(sizes, [1, 3, 1]);
    assert_eq!(graph.schedule(&build.batch).waits[4], 4);
}

#[test]
fn after_stays_between_items() {
    let mut build = Build::new("after");
    let rows = |prefix: &str| (0..1000).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let add = |build: &mut Build, prefix: &str| {
        let rows: Vec<_> = rows(prefix)
            .iter()
            .map(|name| (build.account(name), build.account("z"), 0))
            .collect();
        build.id_rows(Kind::Count, &rows)
    };
    let (first, second) = (add(&mut build, "a"), add(&mut build, "b"));
    build.after(first, second);
    build.after(first, second);
    let graph = analyze(&build.batch);
    assert_eq!(graph.survey(&build.batch).edges, 0);
    assert_eq!(
        (graph.survey(&build.batch).depth, graph.components(&build.batch)),
        (2, 1)
    );
    assert_eq!(graph.order[0], TransactionId(1000));
    assert_eq!((graph.items.waits(0), graph.items.waits(1)), (1, 0));
}

#[test]
fn one_account_under_two_names_is_one_access() {
    let mut build = Build::new("same");
    let x = build.account("x");
    // `mix` reads both; only reading is allowed to name one account twice, so look at the chain, not at a run.
    build.id_rows(Kind::Mix, &[(x, x, 1)]);
    let graph = analyze(&build.batch);
    let chain = graph.chains(&build.batch).row(PlaceId(0).0 as usize);
    assert_eq!(chain.len(), 1);
    assert!(chain[0].reads && chain[0].writes);
    assert_eq!(graph.survey(&build.batch).edges, 0);
}

/// A batch of `rows` of one intent that reads and writes so many places; each row names its places.
fn wide(slots: usize, rows: &[Vec<u32>]) -> Batch {
    let mut build = Build::new("wide");
    let names: Vec<_> = (0..20).map(|n| build.account(&format!("a{n}"))).collect();
    let pairs: Vec<_> = names.iter().map(|name| (*name, names[0], 1)).collect();
    // Every account gets a place.
    build.id_rows(Kind::Move, &pairs);
    let mut batch = build.batch;
    let intent = &mut batch.intents[0];
    let (account, place, effect) = (
        intent.accounts[0].clone(),
        intent.places[0],
        intent.effects[0].clone(),
    );
    let nodes = intent.nodes.len() as u32;
    intent.accounts.resize(slots, account);
    intent.places.clear();
    intent.effects.clear();
    for slot in 0..slots as u16 {
        let mut node = intent.nodes[0].clone();
        node.expr = Expr::Before(Slot(slot));
        intent.nodes.push(node);
        intent.places.push(Place {
            account: slot,
            field: place.field,
        });
        intent.effects.push(Effect {
            slot: Slot(slot),
            value: ExprId(nodes + u32::from(slot)),
            span: effect.span,
        });
    }
    let group = &mut batch.groups[0];
    let column = |slot: usize| -> Vec<u32> { rows.iter().map(|row| row[slot]).collect() };
    let place_of = |account: &u32| {
        let found = batch.places.iter().position(|(of, _)| of.0 == *account);
        PlaceId(found.unwrap() as u32)
    };
    group.rows = rows.len() as u32;
    group.accounts = (0..slots)
        .map(|slot| Column::Each(column(slot).into_iter().map(AccountId).collect()))
        .collect();
    group.places = (0..slots)
        .map(|slot| Column::Each(column(slot).iter().map(place_of).collect()))
        .collect();
    batch.transactions = (0..rows.len() as u32)
        .map(|row| TransactionRef { group: 0, row })
        .collect();
    batch.items[0].count = rows.len() as u32;
    batch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The graph in numbers is that of the edges, however many places a transaction touches.
    #[test]
    fn transactions_with_many_places_are_counted_like_others(
        slots in 1_usize..12,
        shuffled in proptest::collection::vec(Just((0..20).collect::<Vec<u32>>()).prop_shuffle(), 1..300),
    ) {
        let rows: Vec<Vec<u32>> = shuffled.iter().map(|row| row[..slots].to_vec()).collect();
        let batch = wide(slots, &rows);
        let graph = analyze(&batch);
        let schedule = graph.schedule(&batch);
        prop_assert_eq!(graph.survey(&batch).edges, schedule.edges());
        prop_assert_eq!(graph.survey(&batch).depth, schedule.depth());
        let widest = (0..schedule.depth()).map(|level| schedule.levels.row(level).len()).max();
        prop_assert_eq!(Some(graph.survey(&batch).width), widest);
        prop_assert_eq!(graph.components(&batch), parts(&batch, schedule));
        let updates = |place: u32| rows.iter().filter(|row| row.contains(&batch.places[place as usize].0.0)).count() as u64;
        for place in 0..batch.places.len() as u32 {
            let (consecutive, pairs) = graph.counts_at(&batch, PlaceId(place));
            let updates = updates(place);
            prop_assert_eq!(consecutive.raw, updates.saturating_sub(1));
            prop_assert_eq!(pairs.raw, updates * updates.saturating_sub(1) / 2);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The places that are listed are those that a sort of all of them puts first.
    #[test]
    fn p25_the_most_conflicted_places_are_listed(
        touched in proptest::collection::vec(0_usize..400, 0..1200),
        most in 0_usize..12,
        together in 1_usize..40,
    ) {
        let mut build = Build::new("listed");
        let names: Vec<_> = (0..400).map(|n| build.account(&format!("a{n}"))).collect();
        // Neighbours are touched more often than others, so that some of many are alike.
        let rows: Vec<_> = touched.iter().map(|n| (names[n / together * together], names[*n], 0)).collect();
        build.id_rows(Kind::Count, &rows);
        let graph = analyze(&build.batch);
        let plan = ConflictDetector.detect(&build.batch, &graph, &[], &[]);
        let total = |place| graph.counts_at(&build.batch, place).0.total();
        let mut all: Vec<PlaceId> = (0..build.batch.places.len() as u32).map(PlaceId).collect();
        all.retain(|place| total(*place) > 0);
        all.sort_by_key(|place| (std::cmp::Reverse(total(*place)), *place));
        all.truncate(most);
        let listed: Vec<PlaceId> = plan.most_conflicted(&build.batch, most).iter().map(|one| one.place).collect();
        prop_assert_eq!(listed, all);
    }
}

/// With helpers the graph of a large batch is surveyed beside its sums; the plan is that of one worker.
#[test]
fn plans_do_not_depend_on_workers() {
    let mut build = Build::new("large");
    let names: Vec<_> = (0..500).map(|n| build.account(&format!("a{n}"))).collect();
    let rows: Vec<_> = (0..40_000)
        .map(|n| (names[n % 500], names[(n * 7 + 1) % 500], 1))
        .filter(|(a, b, _)| a != b)
        .collect();
    build.id_rows(Kind::Pay, &rows);
    let snapshot = build.snapshot(1_000_000, &[]);
    let access = aethel_certificate::accesses(&build.batch);
    let (one, two) = (analyze(&build.batch), analyze(&build.batch));
    let alone = ConflictDetector.detect(&build.batch, &one, &snapshot, &access);
    let team = aethel_runtime::Team::new(2);
    let shared = ConflictDetector.detect_with(&build.batch, &two, &snapshot, &access, &team);
    assert!(alone.any_order() && shared.any_order());
    assert_eq!(alone.settlement.places, shared.settlement.places);
    assert_eq!(
        (alone.consecutive, alone.pairs),
        (shared.consecutive, shared.pairs)
    );
    assert_eq!(alone.commuting, shared.commuting);
    let numbers = |graph: &DependencyGraph| {
        let survey = graph.survey(&build.batch);
        (survey.edges, survey.depth, survey.width)
    };
    assert_eq!(numbers(&one), numbers(&two));
}
