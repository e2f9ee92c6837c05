//! Theorems T3 and T4 against brute force: what is said to need no order gives the same result in every order, and what
//! is said to need one for lack of money fails in some order.

use crate::certify;
use crate::support::{Build, Kind, Step, from_steps, strategies};
use aethel_certificate::escrow::{Changes, Reason, Treatment, settle};
use aethel_certificate::{Certificate, Memory, Rejection, accesses, check, check_columns, check_escrow};
use aethel_ir::{Column, Evaluator, MAX_MINOR_UNITS, PlaceId, TransactionId};
use proptest::prelude::*;

fn in_memory(values: &[i128]) -> Memory<'_> {
    Memory {
        values,
        changes: Changes::default(),
    }
}

/// Runs the transactions in this order; the values at the end when all go through.
fn run(build: &Build, snapshot: &[i128], order: &[u32]) -> Option<Vec<i128>> {
    let batch = &build.batch;
    let mut values = snapshot.to_vec();
    let mut evaluator = Evaluator::default();
    for id in order {
        let view = batch.transaction(TransactionId(*id)).unwrap();
        let place = |slot: usize| view.group.places[slot].get(view.row).unwrap().0 as usize;
        let places: Vec<usize> = (0..view.group.places.len()).map(place).collect();
        let before: Vec<i128> = places.iter().map(|place| values[*place]).collect();
        let after = evaluator.execute(view, &before).ok()?;
        for (place, value) in places.iter().zip(after) {
            values[*place] = *value;
        }
    }
    Some(values)
}

fn permutations(count: u32) -> Vec<Vec<u32>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![vec![]];
    };
    let mut all = Vec::new();
    for shorter in permutations(last) {
        for at in 0..count as usize {
            let mut one = shorter.clone();
            one.insert(at, last);
            all.push(one);
        }
    }
    all
}

const KINDS: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Look,
    Kind::Bonus,
    Kind::Fee,
    Kind::Pair,
    Kind::Capped,
    Kind::Sweep,
    Kind::Third,
    Kind::Set,
    Kind::Mirror,
    Kind::Reset,
    Kind::Deposit,
];

/// Steps without `after`, few enough to try every order.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = strategies::step(KINDS).prop_map(|step| Step {
        after: vec![],
        amount: step.amount * 3,
        ..step
    });
    proptest::collection::vec(step, 1..=5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn p26_any_order_is_what_brute_force_says(steps in steps(), start in 0_i128..3000) {
        let build = from_steps(&steps, 4);
        let snapshot = build.snapshot(start, &[]);
        let settlement = settle(&build.batch, &accesses(&build.batch), &snapshot);
        let orders = permutations(build.batch.len() as u32);
        let mut outcomes = orders.iter().map(|order| run(&build, &snapshot, order));
        let first = outcomes.next().unwrap();
        if settlement.any_order() {
            // A condition on arguments alone may still fail: then it does so in every order.
            for outcome in outcomes {
                prop_assert_eq!(&outcome, &first);
            }
        } else if settlement.places.iter().all(|place| !matches!(place, Treatment::Ordered(reason) if *reason != Reason::TooLittle)) {
            prop_assert!(first.is_none() || outcomes.any(|outcome| outcome.is_none()), "no order fails: {:?}", settlement);
        }
    }

    /// On the places that are said to need no order the change is the same in every order in which all goes through.
    #[test]
    fn p26_escrow_places_beside_ordered_ones(steps in steps(), start in 0_i128..3000) {
        let build = from_steps(&steps, 4);
        let snapshot = build.snapshot(start, &[]);
        let settlement = settle(&build.batch, &accesses(&build.batch), &snapshot);
        let outcomes: Vec<_> = permutations(build.batch.len() as u32)
            .iter()
            .filter_map(|order| run(&build, &snapshot, order))
            .collect();
        for PlaceId(place) in settlement.escrow() {
            let place = place as usize;
            for outcome in &outcomes {
                prop_assert_eq!(outcome[place], outcomes[0][place]);
                prop_assert_eq!(settlement.end(PlaceId(place as u32), snapshot[place]), Some(outcome[place]));
            }
        }
    }

    /// Intents that are sums come to the same when they are evaluated instead.
    #[test]
    fn sums_over_columns_are_those_of_the_evaluator(steps in steps(), start in 0_i128..3000) {
        let build = from_steps(&steps, 4);
        let snapshot = build.snapshot(start, &[]);
        let mut access = accesses(&build.batch);
        let quick = settle(&build.batch, &access, &snapshot);
        access.iter_mut().for_each(|access| access.linear = None);
        let slow = settle(&build.batch, &access, &snapshot);
        prop_assert_eq!(&quick.places, &slow.places);
        for (place, before) in (0_u32..).map(PlaceId).zip(snapshot) {
            prop_assert_eq!(quick.end(place, before), slow.end(place, before));
        }
    }

    /// The two checkers agree about certificates of batches in which nothing needs an order, and about wrong ones.
    #[test]
    fn sums_over_columns_say_what_the_evaluator_says(steps in steps(), start in 0_i128..5000, wrong in any::<Option<prop::sample::Index>>()) {
        let build = from_steps(&steps, 4);
        let snapshot = build.snapshot(start, &[]);
        let Some(mut certificate) = any_order(&build, &snapshot) else { return Ok(()) };
        if let Some(index) = wrong {
            let index = index.index(certificate.final_values.len());
            certificate.final_values[index] += 1;
        }
        let slow = check(&certificate.view(), Some(&certificate.final_values));
        let quick = check_columns(&certificate.view(), in_memory(&certificate.final_values), &[]);
        match quick {
            Ok(None) => {}
            Ok(Some(quick)) => prop_assert_eq!(Ok(quick.sums), slow.map(|slow| slow.sums)),
            Err(_) => prop_assert!(slow.is_err(), "{:?} {:?}", quick, slow),
        }
    }
}

/// A certificate that says that nothing needs an order, where that is so.
fn any_order(build: &Build, snapshot: &[i128]) -> Option<Certificate> {
    let settlement = settle(&build.batch, &accesses(&build.batch), snapshot);
    let mut certificate = certify(build, snapshot).filter(|_| settlement.any_order())?;
    certificate.escrow = settlement.escrow();
    if certificate.escrow.is_empty() {
        return None;
    }
    certificate.seen.clear();
    certificate.versions.clear();
    certificate.written.clear();
    Some(certificate)
}

fn treatment(build: &Build, snapshot: &[i128], account: &str) -> Treatment {
    let settlement = settle(&build.batch, &accesses(&build.batch), snapshot);
    settlement.places[build.balance(account).0 as usize]
}

#[test]
fn debits_need_no_order_up_to_the_last_cent() {
    let mut build = Build::new("payroll");
    build.rows(Kind::Pay, &[("company", "alice", 60), ("company", "bob", 40)]);
    for (start, wanted) in [
        (100, Treatment::Escrow),
        (99, Treatment::Ordered(Reason::TooLittle)),
    ] {
        let snapshot = build.snapshot(0, &[("company", start)]);
        assert_eq!(treatment(&build, &snapshot, "company"), wanted);
        assert_eq!(treatment(&build, &snapshot, "alice"), Treatment::Escrow);
    }
}

#[test]
fn a_credit_that_enables_a_debit_is_kept_before_it() {
    let mut build = Build::new("chain");
    build.rows(Kind::Pay, &[("alice", "bob", 50)]);
    build.rows(Kind::Pay, &[("bob", "carol", 80)]);
    let snapshot = build.snapshot(0, &[("alice", 100), ("bob", 40)]);
    assert_eq!(
        treatment(&build, &snapshot, "bob"),
        Treatment::Ordered(Reason::TooLittle)
    );
    assert_eq!(treatment(&build, &snapshot, "alice"), Treatment::Escrow);
}

#[test]
fn a_negative_debit_is_a_credit() {
    // Two "withdrawals", one of them of -50: taken as what it is, it can enable the other.
    let mut build = Build::new("negative");
    build.rows(Kind::Move, &[("alice", "bob", -50), ("alice", "carol", 120)]);
    let snapshot = build.snapshot(100, &[]);
    assert_eq!(
        treatment(&build, &snapshot, "alice"),
        Treatment::Ordered(Reason::TooLittle)
    );
    let snapshot = build.snapshot(200, &[]);
    assert_eq!(treatment(&build, &snapshot, "alice"), Treatment::Escrow);
}

#[test]
fn a_slack_below_zero_does_not_help_a_bounded_account() {
    // Half of 90 is enough for the guard of each, but together they take more than there is.
    let mut build = Build::new("fees");
    build.rows(Kind::Fee, &[("alice", "bob", 1000), ("alice", "bob", 1000)]);
    assert_eq!(
        treatment(&build, &build.snapshot(551, &[]), "alice"),
        Treatment::Escrow
    );
    // 2 * a > 1000 after 50 are gone.
    assert_eq!(
        treatment(&build, &build.snapshot(550, &[]), "alice"),
        Treatment::Ordered(Reason::TooLittle)
    );
}

#[test]
fn a_guard_over_two_accounts_with_debits_on_both_needs_an_order() {
    // 150 must be there together; both debits first would leave 130, though each account alone has enough.
    let mut build = Build::new("together");
    build.rows(Kind::Pair, &[("alice", "bob", 75)]);
    build.rows(Kind::Move, &[("alice", "carol", 25), ("bob", "carol", 45)]);
    let snapshot = build.snapshot(100, &[]);
    for account in ["alice", "bob"] {
        assert_eq!(
            treatment(&build, &snapshot, account),
            Treatment::Ordered(Reason::NotAdditive)
        );
    }
    assert_eq!(run(&build, &snapshot, &[1, 2, 0]), None);
    assert!(run(&build, &snapshot, &[0, 1, 2]).is_some());
}

#[test]
fn a_parameter_that_is_only_read_counts_when_somebody_writes_its_account() {
    // What carol holds decides what bob gets.
    let mut build = Build::new("third");
    build.rows(Kind::Mirror, &[("carol", "bob", 1)]);
    let snapshot = build.snapshot(100, &[]);
    assert_eq!(treatment(&build, &snapshot, "bob"), Treatment::Escrow);
    build.rows(Kind::Move, &[("alice", "carol", 10)]);
    let snapshot = build.snapshot(100, &[]);
    for account in ["bob", "carol"] {
        assert_eq!(
            treatment(&build, &snapshot, account),
            Treatment::Ordered(Reason::NotAdditive)
        );
    }
    assert_ne!(run(&build, &snapshot, &[0, 1]), run(&build, &snapshot, &[1, 0]));
}

#[test]
fn half_a_unit_is_rounded_the_right_way() {
    // More than half of 999 must be there before each: 500 whole units.
    let mut build = Build::new("fees");
    build.rows(Kind::Fee, &[("alice", "bob", 999), ("alice", "bob", 999)]);
    for (start, wanted) in [
        (550, Treatment::Escrow),
        (549, Treatment::Ordered(Reason::TooLittle)),
    ] {
        assert_eq!(treatment(&build, &build.snapshot(start, &[]), "alice"), wanted);
    }
    let mut build = Build::new("short");
    build.rows(Kind::Fee, &[("alice", "bob", 999)]);
    assert_eq!(
        treatment(&build, &build.snapshot(499, &[]), "alice"),
        Treatment::Ordered(Reason::TooLittle)
    );
}

#[test]
fn a_guard_for_bounded_accounts_does_not_bind_others() {
    let mut build = Build::new("world");
    build.rows(Kind::Pay, &[("world", "alice", 60), ("world", "bob", 40)]);
    let snapshot = build.snapshot(0, &[]);
    assert_eq!(
        treatment(&build, &snapshot, "world"),
        Treatment::Ordered(Reason::TooLittle)
    );
    build.batch.intents[0].guard[0].if_bounded = Some(aethel_ir::Slot(0));
    assert_eq!(treatment(&build, &snapshot, "world"), Treatment::Escrow);
}

/// What only the transaction itself decides, its arguments and accounts, is part of the certificate too.
#[test]
fn a_transaction_that_cannot_go_through_is_refused_by_both_checkers() {
    let refused = |build: &Build, snapshot: Vec<i128>, final_values: Vec<i128>| {
        let settlement = settle(&build.batch, &accesses(&build.batch), &snapshot);
        let certificate = Certificate {
            batch: build.batch.clone(),
            initial: snapshot,
            positions: (0..build.batch.len() as u32).collect(),
            escrow: settlement.escrow(),
            final_values: final_values.clone(),
            seen: vec![],
            versions: vec![],
            written: vec![],
            way: aethel_certificate::Way::Parallel(2),
            solver: String::new(),
            lemmas: vec![],
        };
        assert!(check(&certificate.view(), None).is_err());
        let quick = check_columns(&certificate.view(), in_memory(&final_values), &[]);
        assert_eq!(quick, Err(Rejection::Untrue));
    };
    // The guard asks for more than nothing.
    let mut build = Build::new("negative");
    build.rows(Kind::Pay, &[("alice", "bob", 10), ("alice", "bob", -5)]);
    refused(&build, vec![100, 100], vec![95, 105]);
    // An account that pays itself.
    let mut build = Build::new("itself");
    build.rows(Kind::Move, &[("alice", "bob", 10), ("bob", "alice", 5)]);
    let bob = build.account("bob");
    let group = &mut build.batch.groups[0];
    group.accounts[1] = Column::Each(vec![bob, bob]);
    group.places[1] = Column::Each(vec![PlaceId(1), PlaceId(1)]);
    refused(&build, vec![100, 100], vec![90, 110]);
}

#[test]
fn an_overflow_in_the_middle_needs_an_order_though_it_ends_well() {
    let mut build = Build::new("overflow");
    build.rows(
        Kind::Move,
        &[("world", "alice", MAX_MINOR_UNITS), ("alice", "bob", 1)],
    );
    let snapshot = build.snapshot(0, &[("alice", 1)]);
    assert_eq!(
        treatment(&build, &snapshot, "alice"),
        Treatment::Ordered(Reason::TooMuch)
    );
    // Two accounts that each end in range, with more in all than there may be.
    let mut build = Build::new("supply");
    build.rows(Kind::Move, &[("world", "alice", MAX_MINOR_UNITS)]);
    build.rows(Kind::Move, &[("world2", "bob", MAX_MINOR_UNITS)]);
    build.rows(Kind::Move, &[("alice", "bob", 0)]);
    let snapshot = build.snapshot(0, &[]);
    let settlement = settle(&build.batch, &accesses(&build.batch), &snapshot);
    assert!(settlement.any_order());
    let mut values = snapshot.clone();
    for (account, value) in [("alice", MAX_MINOR_UNITS), ("world", -MAX_MINOR_UNITS)] {
        values[build.balance(account).0 as usize] = value;
    }
    for (account, value) in [("bob", MAX_MINOR_UNITS), ("world2", -MAX_MINOR_UNITS)] {
        values[build.balance(account).0 as usize] = value;
    }
    let certificate = Certificate {
        batch: build.batch.clone(),
        initial: snapshot,
        final_values: values.clone(),
        positions: vec![0, 1, 2],
        escrow: settlement.escrow(),
        seen: vec![],
        versions: vec![],
        written: vec![],
        way: aethel_certificate::Way::Parallel(2),
        solver: String::new(),
        lemmas: vec![],
    };
    let supply = check_columns(&certificate.view(), in_memory(&values), &[]);
    assert!(matches!(supply, Err(Rejection::Supply { .. })), "{supply:?}");
}

#[test]
fn what_is_claimed_and_what_is_in_memory_are_both_held_to_the_sums() {
    let mut build = Build::new("ends");
    build.rows(Kind::Pay, &[("alice", "bob", 50), ("alice", "carol", 20)]);
    let mut certificate = any_order(&build, &build.snapshot(100, &[])).unwrap();
    let right = certificate.final_values.clone();
    assert!(matches!(
        check_columns(&certificate.view(), in_memory(&right), &[]),
        Ok(Some(_))
    ));
    let mut wrong = right.clone();
    wrong[1] += 1;
    let memory = check_columns(&certificate.view(), in_memory(&wrong), &[]);
    assert!(matches!(memory, Err(Rejection::Memory { .. })), "{memory:?}");
    certificate.final_values = wrong;
    let claimed = check_columns(&certificate.view(), in_memory(&right), &[]);
    assert!(matches!(claimed, Err(Rejection::Final { .. })), "{claimed:?}");
}

#[test]
fn a_claim_that_a_place_needs_no_order_is_checked() {
    let mut build = Build::new("claims");
    build.rows(Kind::Pay, &[("alice", "bob", 50)]);
    build.rows(Kind::Pay, &[("bob", "carol", 80)]);
    let snapshot = build.snapshot(0, &[("alice", 100), ("bob", 40)]);
    let mut certificate = certify(&build, &snapshot).unwrap();
    certificate.escrow = vec![
        build.balance("alice"),
        build.balance("bob"),
        build.balance("carol"),
    ];
    certificate.escrow.sort_unstable();
    certificate.seen.clear();
    certificate.versions.clear();
    certificate.written.clear();
    // Batch order does give these values, and that is all that the serial check says.
    assert!(check(&certificate.view(), None).is_ok());
    let rejected = check_escrow(&certificate.view());
    assert!(
        matches!(rejected, Err(Rejection::NeedsOrder { .. })),
        "{rejected:?}"
    );
    assert_eq!(certificate.check(None).err(), rejected.err());
    let quick = check_columns(&certificate.view(), in_memory(&certificate.final_values), &[]);
    assert!(matches!(quick, Err(Rejection::NeedsOrder { .. })), "{quick:?}");
}
