#![allow(clippy::unwrap_used)]

use super::*;
use crate::check::check_while;
use crate::escrow::settle;
use crate::format::{Certificate, Way};
use crate::layout::Layout;
use crate::support::{Build, columns, reference};
use crate::workers::tests::Threads;
use aethel_ir::TransactionId;
use proptest::prelude::*;

/// By how much each transaction changes what it writes.
fn changes(build: &Build, run: &crate::support::Reference) -> Vec<i128> {
    let layout = Layout::new(&build.batch);
    let mut changes = run.written.clone();
    for id in (0..build.batch.len() as u32).map(TransactionId) {
        let view = build.batch.transaction(id).unwrap();
        let shape = &layout.shapes[view.group.intent as usize];
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            changes[layout.writes(id).start + nth] -= run.seen[layout.slots(id).start + usize::from(*slot)];
        }
    }
    changes
}

/// What somebody tampers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tampered {
    Nothing,
    /// One change, or two so that the sum is right.
    Change,
    Changes,
    Final,
    Memory,
    Both,
    Order,
}

const TAMPERED: [Tampered; 7] = [
    Tampered::Nothing,
    Tampered::Change,
    Tampered::Changes,
    Tampered::Final,
    Tampered::Memory,
    Tampered::Both,
    Tampered::Order,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The check by sums says what the check by evaluation says, of right and of wrong certificates, whoever works.
    #[test]
    fn both_checks_agree_about_hundreds_of_rows(
        plan in columns::plans(false),
        tampered in prop::sample::select(&TAMPERED[..]),
        at in any::<[prop::sample::Index; 2]>(),
        by in prop::sample::select(vec![1, -1, 1 << 64]),
        workers in 1_usize..6,
    ) {
        let (build, initial) = plan.build();
        let settlement = settle(&build.batch, &accesses(&build.batch), &initial);
        let escrow = settlement.escrow();
        if !settlement.any_order() || escrow.is_empty() {
            return Ok(());
        }
        let run = reference(&build.batch, &initial);
        let ends = (0_u32..).map(PlaceId).zip(&initial);
        let final_values: Vec<i128> = match &run {
            Ok(run) => run.final_values.clone(),
            Err(_) => ends.map(|(place, before)| settlement.end(place, *before).unwrap_or(*before)).collect(),
        };
        let mut changes = run.as_ref().map_or(vec![], |run| changes(&build, run));
        let gains = changes.iter().chain(&initial).filter(|one| **one > 0);
        let much = gains.fold(0_i128, |sum, one| sum.saturating_add(*one)) > MAX_MINOR_UNITS;
        let mut values = final_values.clone();
        let mut certificate = Certificate {
            positions: run.as_ref().map_or_else(|_| (0..build.batch.len() as u32).collect(), |run| run.positions.clone()),
            batch: build.batch.clone(),
            initial,
            final_values,
            escrow,
            seen: vec![],
            versions: vec![],
            written: vec![],
            way: Way::Parallel(2),
            solver: String::new(),
            lemmas: vec![],
        };
        let mut right = run.is_ok();
        let places = values.len();
        let [first, second] = at;
        let mut bump = |changes: &mut Vec<i128>, at: prop::sample::Index, by: i128| if !changes.is_empty() {
            let at = at.index(changes.len());
            changes[at] += by;
            right = false;
        };
        match tampered {
            Tampered::Nothing => {}
            Tampered::Change => bump(&mut changes, first, by),
            Tampered::Changes => {
                if !changes.is_empty() && first.index(changes.len()) != second.index(changes.len()) {
                    bump(&mut changes, first, by);
                    bump(&mut changes, second, -by);
                }
            }
            Tampered::Final => bump(&mut certificate.final_values, first, by),
            Tampered::Memory => bump(&mut values, first, by),
            Tampered::Both => {
                certificate.final_values[first.index(places)] += by;
                bump(&mut values, first, by);
            }
            Tampered::Order => {
                let count = certificate.positions.len();
                let (a, b) = (first.index(count), second.index(count));
                certificate.positions.swap(a, b);
                right &= a == b;
            }
        }
        let view = certificate.view();
        let narrow: Option<Vec<i64>> = changes.iter().map(|change| i64::try_from(*change).ok()).collect();
        let memory = Memory { values: &values, changes: Changes::Wide(&changes) };
        let slow = check_while(&view, Some(memory), &[], &Threads(workers), &|| true);
        let accepts = |verdict: &Result<Checked, Rejection>| matches!(verdict, Ok(_) | Err(Rejection::NotConserved { .. }));
        // The reference knows of no supply.
        right &= !(much && matches!(slow, Err(Rejection::Supply { .. })));
        prop_assert_eq!(accepts(&slow), right, "{:?}", slow);
        prop_assert_eq!(&slow, &check_while(&view, Some(memory), &[], &Alone, &|| true));
        let quick = check_columns_with(&view, memory, &[], &Threads(workers));
        if let Some(narrow) = &narrow {
            // However wide the log is.
            let memory = Memory { changes: Changes::Narrow(narrow), ..memory };
            prop_assert_eq!(&slow, &check_while(&view, Some(memory), &[], &Threads(workers), &|| true));
            prop_assert_eq!(&quick, &check_columns_with(&view, memory, &[], &Threads(workers)));
        }
        match quick {
            // Transactions of groups in turns: somebody else looks at the changes.
            Ok(None) => prop_assert!(build.batch.items.len() > build.batch.groups.len()),
            Ok(Some(quick)) => prop_assert_eq!(Ok(quick.sums), slow.map(|slow| slow.sums)),
            // In some order there would be too much, though not in this one.
            Err(Rejection::Supply { .. }) if much => {}
            Err(Rejection::NotConserved { .. }) => prop_assert!(accepts(&slow), "{:?}", slow),
            Err(quick) => prop_assert!(!accepts(&slow), "{:?}", quick),
        }
    }
}

/// A unit less than the debits take, and the order is not free any more; in every width.
#[test]
fn a_place_that_is_claimed_to_need_no_order_is_checked_to_the_last_unit() {
    use crate::support::Kind;
    for shift in [0, 40, 56, 104] {
        for short in [0, 1] {
            let mut build = Build::new("snug");
            let rows: Vec<_> = (0..300)
                .map(|n| {
                    (
                        build.account("payer"),
                        build.account(&format!("e{n}")),
                        5 << shift,
                    )
                })
                .collect();
            build.id_rows(Kind::Pay, &rows);
            // Somebody pays in what is missing, first.
            let rows = [(build.account("world"), build.account("payer"), 1)];
            build.id_rows(Kind::Move, &rows);
            build.after(0, 1);
            let initial = build.snapshot(0, &[("payer", (1500 << shift) - short)]);
            let run = reference(&build.batch, &initial).unwrap();
            let changes = changes(&build, &run);
            let certificate = Certificate {
                batch: build.batch.clone(),
                initial,
                final_values: run.final_values,
                positions: run.positions,
                escrow: (0..build.batch.places.len() as u32).map(PlaceId).collect(),
                seen: vec![],
                versions: vec![],
                written: vec![],
                way: Way::Parallel(2),
                solver: String::new(),
                lemmas: vec![],
            };
            let memory = Memory {
                values: &certificate.final_values,
                changes: Changes::Wide(&changes),
            };
            for workers in [1, 3] {
                let verdict = check_columns_with(&certificate.view(), memory, &[], &Threads(workers));
                match short {
                    0 => assert!(matches!(verdict, Ok(Some(_))), "{verdict:?}"),
                    _ => assert!(
                        matches!(verdict, Err(Rejection::NeedsOrder { .. })),
                        "{verdict:?}"
                    ),
                }
            }
        }
    }
}

/// A certificate that says of every written place that it needs no order.
fn claim(build: &Build, initial: Vec<i128>, final_values: Vec<i128>) -> Certificate {
    let mut escrow: Vec<PlaceId> = Vec::new();
    for group in &build.batch.groups {
        for effect in &build.batch.intents[group.intent as usize].effects {
            let column = &group.places[usize::from(effect.slot.0)];
            escrow.extend((0..group.rows).map(|row| *column.get(row).unwrap()));
        }
    }
    escrow.sort_unstable();
    escrow.dedup();
    Certificate {
        batch: build.batch.clone(),
        positions: (0..build.batch.len() as u32).collect(),
        initial,
        final_values,
        escrow,
        seen: vec![],
        versions: vec![],
        written: vec![],
        way: Way::Parallel(2),
        solver: String::new(),
        lemmas: vec![],
    }
}

fn verdict(certificate: &Certificate, changes: &[i128]) -> Result<Option<Checked>, Rejection> {
    let values = &certificate.final_values;
    let changes = Changes::Wide(changes);
    check_columns(&certificate.view(), Memory { values, changes }, &[])
}

use crate::support::Kind;

#[test]
fn what_depends_on_a_written_place_needs_an_order() {
    // What carol holds decides what bob gets, and what alice and bob hold together who may pay.
    for (kind, other) in [
        (Kind::Mirror, "alice"),
        (Kind::Pair, "bob"),
        (Kind::Pair, "carol"),
    ] {
        for last in [0, 1, 299] {
            let mut build = Build::new("needs");
            let rows: Vec<_> = (0..300)
                .map(|n| {
                    let b = if n == last {
                        other.to_owned()
                    } else {
                        format!("r{n}")
                    };
                    (build.account("payer"), build.account(&b), 1)
                })
                .collect();
            build.id_rows(kind, &rows);
            let payer = if kind == Kind::Mirror { "payer" } else { other };
            build.rows(Kind::Move, &[("world", payer, 5)]);
            let initial = build.snapshot(1000, &[]);
            let run = reference(&build.batch, &initial).unwrap();
            let mut certificate = claim(&build, initial, run.final_values);
            let quick = verdict(&certificate, &[]);
            assert!(matches!(quick, Err(Rejection::NeedsOrder { .. })), "{quick:?}");
            // The same where all rows have one payer, and say so once.
            let group = &mut certificate.batch.groups[0];
            let place = *group.places[0].get(0).unwrap();
            group.places[0] = Column::Same(place);
            let quick = verdict(&certificate, &[]);
            assert!(matches!(quick, Err(Rejection::NeedsOrder { .. })), "{quick:?}");
        }
    }
}

#[test]
fn what_is_not_a_claim_about_sums_is_left_to_the_other_check() {
    let mut build = Build::new("parts");
    build.rows(
        Kind::Move,
        &[("alice", "bob", 5), ("alice", "carol", 7), ("bob", "carol", 1)],
    );
    let initial = build.snapshot(100, &[]);
    let run = reference(&build.batch, &initial).unwrap();
    let changes = changes(&build, &run);
    let right = claim(&build, initial, run.final_values);
    assert!(matches!(verdict(&right, &changes), Ok(Some(_))));
    let mut some = right.clone();
    some.escrow.pop();
    assert_eq!(verdict(&some, &changes), Ok(None));
    let mut logged = right.clone();
    logged.written = run.written;
    assert_eq!(verdict(&logged, &changes), Ok(None));
    // Rows in another order than their transactions: the changes are those of others.
    let mut turned = right.clone();
    turned.batch.transactions.reverse();
    assert_eq!(verdict(&turned, &changes), Ok(None));
    let longer = [&changes[..], &[0]].concat();
    assert!(matches!(verdict(&right, &longer), Err(Rejection::Length { .. })));
    // A place that nobody touches may not hold nonsense either.
    let mut nonsense = right;
    nonsense
        .batch
        .places
        .push((aethel_ir::AccountId(0), aethel_ir::FieldId(2)));
    for values in [&mut nonsense.initial, &mut nonsense.final_values] {
        values.push(7);
    }
    assert!(matches!(
        verdict(&nonsense, &changes),
        Err(Rejection::InitialValue { .. })
    ));
}

#[test]
fn each_asset_has_a_supply_of_its_own() {
    let most = MAX_MINOR_UNITS / 3 * 2;
    for (euros, fits) in [(0, true), (MAX_MINOR_UNITS / 2, false)] {
        let mut build = Build::new("supplies");
        build.rows(Kind::Move, &[("world", "alice", most), ("world", "bob", 1)]);
        let group = build.rows(
            Kind::Move,
            &[("world2", "carol", most), ("world3", "dave", euros)],
        );
        build.in_euros(group);
        let initial = build.snapshot(0, &[]);
        let run = reference(&build.batch, &initial).unwrap();
        match verdict(&claim(&build, initial, run.final_values), &[]) {
            Ok(Some(_)) => assert!(fits),
            Err(Rejection::Supply { asset, .. }) => assert_eq!((fits, &*asset), (false, "EUR")),
            other => assert!(matches!(other, Ok(Some(_))), "{other:?}"),
        }
    }
}

/// A condition on arguments that are the same for all rows is tested too.
#[test]
fn conditions_on_what_all_rows_have_in_common_count() {
    for count in [1, 300] {
        let mut build = Build::new("same");
        let rows: Vec<_> = (0..count)
            .map(|n| (build.account("payer"), build.account(&format!("r{n}")), 0))
            .collect();
        build.id_rows(Kind::Pay, &rows);
        build.batch.groups[0].values[0] = aethel_ir::ValueColumn::Whole(aethel_ir::Wholes::Same(0));
        let initial = build.snapshot(100, &[]);
        assert!(reference(&build.batch, &initial).is_err());
        assert_eq!(
            verdict(&claim(&build, initial.clone(), initial), &[]),
            Err(Rejection::Untrue)
        );
    }
}

/// Sums that no number of the machine holds, and changes that cannot be computed, say nothing about order.
#[test]
fn what_cannot_be_summed_needs_an_order() {
    use crate::escrow::settle_with;
    let unclear = |build: &Build, account: &str| {
        let initial = build.snapshot(1000, &[]);
        let place = build.balance(account);
        let access = accesses(&build.batch);
        for workers in [1, 2, 5] {
            let settlement = settle_with(&build.batch, &access, &initial, &Threads(workers));
            let treatment = settlement.places[place.0 as usize];
            assert_eq!(treatment, Treatment::Ordered(Reason::NotComputed), "{account}");
        }
    };
    // Twice the largest number is -2.
    let mut build = Build::new("wraps");
    build.rows(
        Kind::Move,
        &[("alice", "bob", i128::MAX), ("alice", "bob", i128::MAX)],
    );
    unclear(&build, "alice");
    unclear(&build, "bob");
    // Three times the amount is too wide, though the amount is not.
    let mut build = Build::new("wide");
    build.rows(Kind::Pay, &[("alice", "bob", 1), ("carol", "bob", i128::MAX / 2)]);
    columns::thrice(&mut build.batch.intents[0]);
    unclear(&build, "carol");
    unclear(&build, "bob");
    // A third of it is not whole.
    let mut build = Build::new("third");
    build.rows(Kind::Third, &[("alice", "bob", 100), ("carol", "dave", 1)]);
    unclear(&build, "alice");
    unclear(&build, "dave");
}

/// An account without a guard may not fall below zero by a single unit, in any width, for any number of workers.
#[test]
fn an_overdraft_by_one_unit_is_noticed_without_a_guard() {
    use crate::escrow::settle_with;
    for (shift, short) in [(0, 0), (0, 1), (56, 1), (104, 1)] {
        let mut build = Build::new("overdraft");
        let rows: Vec<_> = (0..300)
            .map(|n| {
                (
                    build.account("payer"),
                    build.account(&format!("e{n}")),
                    5 << shift,
                )
            })
            .collect();
        build.id_rows(Kind::Move, &rows);
        let initial = build.snapshot(0, &[("payer", (1500 << shift) - short)]);
        for workers in [1, 2, 5] {
            let settlement = settle_with(&build.batch, &accesses(&build.batch), &initial, &Threads(workers));
            assert_eq!(settlement.any_order(), short == 0);
            assert!(
                settlement
                    .places
                    .iter()
                    .all(|place| *place != Treatment::Unwritten)
            );
        }
    }
}

/// A worker that begins in the middle knows what the bounded accounts hold together by then.
#[test]
fn the_supply_is_known_in_the_middle_of_a_batch() {
    let mut build = Build::new("supply");
    let rows: Vec<_> = (0..12)
        .map(|n| {
            (
                build.account(&format!("world{n}")),
                build.account(&format!("r{n}")),
                MAX_MINOR_UNITS / 8,
            )
        })
        .collect();
    build.id_rows(Kind::Move, &rows);
    let initial = build.snapshot(0, &[]);
    let run = reference(&build.batch, &initial).unwrap();
    let changes = changes(&build, &run);
    let certificate = claim(&build, initial, run.final_values);
    let values = &certificate.final_values;
    let memory = Some(Memory {
        values,
        changes: Changes::Wide(&changes),
    });
    for workers in [1, 2, 5] {
        let verdict = check_while(&certificate.view(), memory, &[], &Threads(workers), &|| true);
        assert!(
            matches!(verdict, Err(Rejection::Supply { .. })),
            "{workers} workers: {verdict:?}"
        );
    }
}

/// What bounded balances hold outside the batch counts to the last unit, also where all numbers of the batch are small.
#[test]
fn the_supply_outside_the_batch_counts_to_the_last_unit() {
    let mut build = Build::new("pay");
    build.rows(Kind::Pay, &[("alice", "bob", 30), ("bob", "alice", 5)]);
    let initial = build.snapshot(100, &[]);
    let run = reference(&build.batch, &initial).unwrap();
    let certificate = claim(&build, initial, run.final_values);
    let memory = Memory {
        values: &certificate.final_values,
        changes: Changes::default(),
    };
    // 200 are held, and 35 may come before anything goes.
    for (elsewhere, fits) in [(MAX_MINOR_UNITS - 235, true), (MAX_MINOR_UNITS - 234, false)] {
        let verdict = check_columns(&certificate.view(), memory, &[elsewhere]);
        match fits {
            true => assert!(matches!(verdict, Ok(Some(_))), "{verdict:?}"),
            false => assert!(matches!(verdict, Err(Rejection::Supply { .. })), "{verdict:?}"),
        }
    }
}

/// As many places as there are need not be all of them.
#[test]
fn each_place_that_needs_no_order_is_claimed() {
    let mut build = Build::new("pay");
    build.rows(Kind::Pay, &[("alice", "bob", 30)]);
    let initial = build.snapshot(100, &[]);
    let run = reference(&build.batch, &initial).unwrap();
    let mut certificate = claim(&build, initial, run.final_values);
    assert!(matches!(verdict(&certificate, &[]), Ok(Some(_))));
    certificate.escrow = vec![PlaceId(1), PlaceId(1)];
    assert_eq!(verdict(&certificate, &[]), Ok(None));
    certificate.escrow = vec![PlaceId(0), PlaceId(7)];
    assert_eq!(verdict(&certificate, &[]), Err(Rejection::BadEscrow { place: 7 }));
}
