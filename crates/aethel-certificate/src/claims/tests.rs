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
        let memory = Memory { values: &values, changes: &changes };
        let slow = check_while(&view, Some(memory), &[], &Threads(workers), &|| true);
        let accepts = |verdict: &Result<Checked, Rejection>| matches!(verdict, Ok(_) | Err(Rejection::NotConserved { .. }));
        // The reference knows of no supply.
        right &= !(much && matches!(slow, Err(Rejection::Supply { .. })));
        prop_assert_eq!(accepts(&slow), right, "{:?}", slow);
        prop_assert_eq!(&slow, &check_while(&view, Some(memory), &[], &Alone, &|| true));
        match check_columns_with(&view, memory, &[], &Threads(workers)) {
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
                changes: &changes,
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
