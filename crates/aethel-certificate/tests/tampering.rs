//! p12: whichever field of a certificate is changed, the checker says what does not fit.
//!
//! Changes that mean nothing are left out of the test on purpose: names, positions in the source, `solve` entries, the
//! way, the solver's name; a condition that still holds; an amount or an account of a transaction that moves nothing.
//! They change the digest, which the batch record of the ledger keeps.

use crate::support::strategies;
use crate::support::{Build, Kind, Step, from_steps};
use crate::{certify, certify_escrow};
use aethel_certificate::{Certificate, Rejection};
use aethel_ir::{AccountId, Column, Expr, PlaceId, Rational, ValueColumn, Wholes};
use proptest::prelude::*;

const KINDS: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Mix,
    Kind::Count,
    Kind::Set,
    Kind::Look,
    Kind::Claim,
];

/// A certificate with every access in order, or with as many as possible in none.
fn certificate(steps: &[Step], escrow: bool) -> Option<Certificate> {
    let build = from_steps(steps, 6);
    let snapshot = build.snapshot(10_000, &[]);
    if escrow {
        certify_escrow(&build, &snapshot)
    } else {
        certify(&build, &snapshot)
    }
}

fn bump<T: Copy>(values: &mut [T], at: prop::sample::Index, change: impl Fn(T) -> T) -> bool {
    if values.is_empty() {
        return false;
    }
    let index = at.index(values.len());
    values[index] = change(values[index]);
    true
}

/// Changes one field in a way that has a meaning; `false` when this certificate has no such field.
fn tamper(c: &mut Certificate, which: u8, at: prop::sample::Index, by: i128) -> bool {
    match which {
        0 => bump(&mut c.seen, at, |v| v + by),
        1 => bump(&mut c.versions, at, |v| v + 1),
        2 => bump(&mut c.written, at, |v| v + by),
        3 => bump(&mut c.initial, at, |v| v + by),
        4 => bump(&mut c.final_values, at, |v| v + by),
        5 => {
            let n = c.positions.len();
            if n < 2 {
                return false;
            }
            c.positions.swap(at.index(n), (at.index(n) + 1) % n);
            true
        }
        6 => bump(&mut c.positions, at, |v| v + 1),
        7 => c.seen.pop().is_some(),
        8 => {
            c.written.push(0);
            true
        }
        9 => change_argument(c, at, by),
        10 => change_account(c, at),
        11 => change_constant(c, at),
        12 => {
            let group = at.index(c.batch.groups.len());
            c.batch.groups[group].rows += 1;
            true
        }
        13 => c.batch.transactions.pop().is_some(),
        14 => c.escrow.pop().is_some(),
        15 => {
            // A place more: one that nobody writes, one that needs an order, or one that is there already.
            let place = PlaceId(at.index(c.batch.places.len() + 1) as u32);
            c.escrow.push(place);
            c.escrow.sort_unstable();
            true
        }
        _ => {
            let item = at.index(c.batch.items.len());
            c.batch.items[item].after.push(item as u32);
            true
        }
    }
}

/// Another amount: it shows in what the transaction writes, or, where it only guards, as a guard that no value passes.
fn change_argument(c: &mut Certificate, at: prop::sample::Index, by: i128) -> bool {
    let group = at.index(c.batch.groups.len());
    let group = &mut c.batch.groups[group];
    let guards_only = c.batch.intents[group.intent as usize].effects.is_empty();
    let by = if guards_only { 1 << 100 } else { by };
    match group.values.first_mut() {
        Some(ValueColumn::Whole(Wholes::Same(value))) => *value += by,
        Some(ValueColumn::Whole(Wholes::Each(values))) => {
            let mut changed: Vec<i128> = values.iter().collect();
            changed[0] += by;
            *values = changed.into();
        }
        _ => return false,
    }
    true
}

/// Another account in a column, without its place.
fn change_account(c: &mut Certificate, at: prop::sample::Index) -> bool {
    let count = c.batch.accounts.len() as u32;
    let used: Vec<usize> = (0..c.batch.groups.len())
        .filter(|g| !c.batch.groups[*g].places.is_empty())
        .collect();
    let group = &mut c.batch.groups[used[at.index(used.len())]];
    let parameter = usize::from(c.batch.intents[group.intent as usize].places[0].account);
    match &mut group.accounts[parameter] {
        Column::Same(id) => *id = AccountId((id.0 + 1) % count),
        Column::Each(ids) => ids[0] = AccountId((ids[0].0 + 1) % count),
    }
    true
}

/// Another constant in an effect.
fn change_constant(c: &mut Certificate, at: prop::sample::Index) -> bool {
    let used: Vec<usize> = c.batch.groups.iter().map(|g| g.intent as usize).collect();
    let intent = &mut c.batch.intents[used[at.index(used.len())]];
    let in_effects = intent.guard.is_empty();
    for node in intent.nodes.iter_mut().filter(|_| in_effects) {
        match &mut node.expr {
            // Twice as much of `a.n` may be nothing, so only the summand of `count`.
            Expr::Number(number) if *number == Rational::ONE => *number = Rational::Int(7),
            _ => continue,
        }
        return true;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn p12_untouched_is_accepted(
        steps in proptest::collection::vec(strategies::step(KINDS), 1..20),
        escrow in any::<bool>(),
    ) {
        if let Some(certificate) = certificate(&steps, escrow) {
            prop_assert!(certificate.check(Some(&certificate.final_values)).is_ok());
        }
    }

    #[test]
    fn p12_any_change_is_rejected(
        steps in proptest::collection::vec(strategies::step(KINDS), 1..20),
        escrow in any::<bool>(),
        which in 0..17_u8,
        at in any::<prop::sample::Index>(),
        by in prop_oneof![Just(1_i128), Just(-1), Just(1 << 110), -300..-1_i128],
    ) {
        if let Some(mut certificate) = certificate(&steps, escrow)
            && tamper(&mut certificate, which, at, by)
        {
            let verdict = certificate.check(None);
            prop_assert!(verdict.is_err(), "change {which} was accepted");
        }
    }
}

fn two_payments() -> Certificate {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", 60), ("a", "c", 40)]);
    certify(&build, &build.snapshot(0, &[("a", 100)])).unwrap()
}

#[test]
fn a_lost_update_is_named() {
    let mut build = Build::new("b");
    build.rows(Kind::Move, &[("a", "b", 60), ("a", "c", 60)]);
    let snapshot = build.snapshot(0, &[("a", 200)]);
    let mut c = certify(&build, &snapshot).unwrap();
    let a = build.balance("a").0 as usize;
    // Both saw 100.
    c.initial[a] = 100;
    c.seen = vec![100, 0, 100, 0];
    c.versions = vec![0; 4];
    c.written = vec![40, 60, 40, 60];
    c.final_values[a] = 40;
    let rejection = c.check(None).unwrap_err();
    assert_eq!(
        rejection.to_string(),
        "`move row 1` and `move row 2` both saw a after 0 writes and both wrote it: `move row 1` wrote 40, which `move row 2` never saw"
    );
}

#[test]
fn a_final_state_that_no_run_reaches() {
    let mut c = two_payments();
    c.final_values[0] += 1;
    assert!(matches!(c.check(None), Err(Rejection::Final { .. })));
}

#[test]
fn memory_that_differs() {
    let c = two_payments();
    let mut memory = c.final_values.clone();
    memory[1] -= 1;
    assert!(matches!(c.check(Some(&memory)), Err(Rejection::Memory { .. })));
    assert!(matches!(
        c.check(Some(&memory[1..])),
        Err(Rejection::Length { .. })
    ));
}

#[test]
fn value_from_nothing() {
    let mut build = Build::new("b");
    build.one(Kind::Bonus, "a", "b", 5);
    let c = certify(&build, &build.snapshot(1, &[])).unwrap();
    assert_eq!(
        c.check(None).unwrap_err().to_string(),
        "there was 0.01 USD before and there is 0.06 after"
    );
}

#[test]
fn a_debt_in_the_beginning() {
    let mut c = two_payments();
    c.initial[1] = -1;
    assert!(matches!(c.check(None), Err(Rejection::InitialValue { .. })));
}

#[test]
fn an_account_and_its_place_changed_together() {
    let mut c = two_payments();
    // The second payment to b instead of c.
    let (account, place) = (&mut c.batch.groups[0].accounts[1], AccountId(1));
    let Column::Each(ids) = account else { panic!() };
    ids[1] = place;
    let Column::Each(places) = &mut c.batch.groups[0].places[1] else {
        panic!()
    };
    places[1] = places[0];
    assert!(matches!(c.check(None), Err(Rejection::DuplicateVersion { .. })));
}

#[test]
fn too_much_of_an_asset() {
    let mut build = Build::new("b");
    let max = aethel_ir::MAX_MINOR_UNITS;
    build.rows(
        Kind::Move,
        &[
            ("world", "alice", max),
            ("world2", "bob", max),
            ("alice", "world", max),
        ],
    );
    let c = certify(&build, &build.snapshot(0, &[])).unwrap();
    assert_eq!(
        c.check(None).unwrap_err().to_string(),
        "after `move row 2` there is more USD than can be counted"
    );
}

#[test]
fn an_access_that_the_intent_does_not_make() {
    let mut build = Build::new("b");
    build.one(Kind::Count, "a", "a", 0);
    // A place that no expression mentions, and nothing seen of it.
    let place = aethel_ir::Place {
        account: 0,
        field: aethel_ir::FieldId(0),
    };
    build.batch.intents[0].places.push(place);
    build.batch.places.push((AccountId(0), place.field));
    build.batch.groups[0].places.push(Column::Same(PlaceId(1)));
    let mut c = certify(&build, &[5, 7]).unwrap();
    assert_eq!(c.seen, [5, 7]);
    assert!(matches!(
        c.check(None),
        Err(Rejection::ForeignAccess { slot: 1, .. })
    ));
    c.seen[1] = 0;
    assert!(c.check(None).is_ok());
}
