//! Guards that give values, equations that define places, and names for values before.

use crate::support::{State, codes, lower, outcome};
use aethel_ir::Failure;
use aethel_lower::Purpose;

const UNIT: i128 = 1_000_000_000;

/// Runs one intent `t` with the accounts `a` (10) and `b` (20) and gives both balances in units; 0 for an untouched one.
fn run(params: &str, guard: &str, verify: &str, args: &str) -> Result<(i128, i128), Failure> {
    let text = format!(
        "field frozen: Bool; field visits: Integer; account world {{ unbounded; }}
        intent t(a: Account, b: Account{params}) {{ guard {{ {guard} }} verify {{ {verify} }} }}
        atomic_batch q {{ t(a, b{args}); }}"
    );
    let state: State =
        outcome(&text, r#"{"accounts": {"a": 10, "b": 20}}"#, &[]).map_err(|(_, failure)| failure)?;
    let get = |name: &str| state.get(name).copied().unwrap_or_default() / UNIT;
    Ok((get("a unit"), get("b unit")))
}

const SET: &str = "a.balance == x; b.balance == b.balance + 0;";

#[test]
fn the_first_equation_fixes_and_the_others_test() {
    assert_eq!(run(", x: Balance", "x == 3; x == 3;", SET, ""), Ok((3, 20)));
    assert_eq!(
        run(", x: Balance", "x == 3; x == 4;", SET, ""),
        Err(Failure::Guard(0))
    );
    assert_eq!(
        run(", x: Balance", "3 == x; x == 4;", SET, ", 3"),
        Err(Failure::Guard(1))
    );
    // The earliest one that can be computed, whichever side names it.
    assert_eq!(
        run(
            ", x: Balance, y: Balance",
            "x == y + 1; b.balance == y; x == 21;",
            SET,
            ""
        ),
        Ok((21, 20))
    );
    assert_eq!(
        run(", x: Balance, y: Balance", "x == y; y == 4;", SET, ""),
        Ok((4, 20))
    );
    // An equation inside a larger condition fixes nothing.
    assert_eq!(
        codes_of(", x: Balance", "x == 3 && a.balance > 0;", SET, ""),
        ["AE0301"]
    );
    assert_eq!(codes_of(", x: Balance", "x == x + 0;", SET, ""), ["AE0301"]);
    assert_eq!(
        codes_of(", x: Balance, y: Balance", "x == y;", SET, ""),
        ["AE0301", "AE0301"]
    );
    // One of two parameters that equal each other is enough.
    assert_eq!(
        run(", x: Balance, y: Balance", "x == y;", SET, ", y: 6"),
        Ok((6, 20))
    );
    assert_eq!(
        run(
            ", x: Balance, ok: Bool",
            "ok == (a.balance > 5); ok; x == 1;",
            SET,
            ""
        ),
        Ok((1, 20))
    );
}

fn codes_of(params: &str, guard: &str, verify: &str, args: &str) -> Vec<&'static str> {
    let text = format!(
        "field frozen: Bool; intent t(a: Account, b: Account{params}) {{ guard {{ {guard} }} verify {{ {verify} }} }}
        atomic_batch q {{ t(a, b{args}); }}"
    );
    codes(&text, "{}", &[], Purpose::Run)
}

#[test]
fn values_that_no_equation_may_fix() {
    let text = "atomic_batch q { intent t(a: Account, external p: Price) { guard { p == 3; p > 0; } verify { a.balance == a.balance; } } }";
    let oracle = |value: &str| {
        format!(
            r#"{{"accounts": {{"a": 1}}, "oracles": [{{"feed": "p", "value": "{value}", "timestamp": 5, "key_id": "k", "signature": "00"}}]}}"#
        )
    };
    assert!(outcome(text, &oracle("3"), &[]).is_ok());
    assert_eq!(outcome(text, &oracle("4"), &[]).unwrap_err().1, Failure::Guard(0));
    let args = r#"{"args": {"t.p": "3"}}"#;
    assert_eq!(codes(text, args, &[], Purpose::Run), ["AE0304"]);
}

#[test]
fn a_new_name_opposite_a_bare_place_is_the_value_before() {
    assert_eq!(
        run(
            "",
            "was == a.balance; b.balance == other;",
            "a.balance == was + other; b.balance == was;",
            ""
        ),
        Ok((30, 10))
    );
    // A second equation for the same name is a test.
    assert_eq!(
        run("", "was == a.balance; was == b.balance;", "", ""),
        Err(Failure::Guard(0))
    );
    // Only opposite a bare place.
    assert_eq!(codes_of("", "was == a.balance + 1;", "", ""), ["AE0201"]);
    assert_eq!(codes_of("", "was == a.balance && true;", "", ""), ["AE0201"]);
    // Not in `verify`, and not a name that means something already.
    assert_eq!(codes_of("", "", "was == a.balance;", ""), ["AE0201"]);
    assert_eq!(run("", "a_balance == b.balance;", "", ""), Err(Failure::Guard(0)));
    // An oracle's flag is not a new name.
    let text = "field ok: Bool; atomic_batch q { intent t(a: Account, external p: Price) { guard { p_verified == a.ok; p > 0; } verify { a.balance == a.balance; } } }";
    let inputs = r#"{"accounts": {"a": 1}, "oracles": [{"feed": "p", "value": "1", "timestamp": 5, "key_id": "k", "signature": "00"}]}"#;
    assert_eq!(outcome(text, inputs, &[]).unwrap_err().1, Failure::Guard(0));
}

#[test]
fn old_names_without_a_binding() {
    assert_eq!(
        run(
            "",
            "",
            "a.balance == old_b; b.balance == old_a; a.balance <= old_a + 10;",
            ""
        ),
        Ok((20, 10))
    );
    assert_eq!(
        run("", "old_a == 10;", "a.balance == old_a + 1;", ""),
        Ok((11, 0))
    );
    assert!(run("", "old_a_balance == 10; old(a_balance) == old_a;", "", "").is_ok());
    assert_eq!(codes_of("", "old_nobody >= 0;", "", ""), ["AE0201"]);
}

#[test]
fn lets_are_free_of_order_and_of_units() {
    assert_eq!(
        run(
            "",
            "a.balance > y; let y = x * 2; let x = 2.5;",
            "a.balance == a.balance - y;",
            ""
        ),
        Ok((5, 0))
    );
    assert_eq!(
        run(
            "",
            "half = 0.5; a.balance >= half;",
            "a.balance == a.balance * half;",
            ""
        ),
        Ok((5, 0))
    );
    assert_eq!(codes_of("", "let x = 1; let x = 2;", "", ""), ["AE0202"]);
    assert_eq!(codes_of("", "let a = 1;", "", ""), ["AE0202"]);
    assert_eq!(codes_of("", "let x = x + 1;", "", ""), ["AE0303"]);
    assert_eq!(codes_of(", x: Balance", "x = 1;", "", ", 1"), ["AE0105"]);
    assert_eq!(codes_of("", "a.balance = 1;", "", ""), ["AE0105"]);
}

#[test]
fn what_defines_a_place_and_what_is_a_postcondition() {
    // Bare place on the left: an update. Anything else: a condition on values after.
    assert_eq!(
        run(
            "",
            "",
            "a.balance == a.balance - 1; b.balance == b.balance + 1; 9 == a.balance;",
            ""
        ),
        Ok((9, 21))
    );
    assert_eq!(
        run("", "", "a.balance == a.balance - 1; 10 == a.balance;", ""),
        Err(Failure::Postcondition(0))
    );
    assert_eq!(
        run("", "", "a.balance - 0 == a.balance - 1;", ""),
        Err(Failure::Postcondition(0))
    );
    assert_eq!(
        run("", "", "a.balance == 1 && true;", ""),
        Err(Failure::Postcondition(0))
    );
    assert_eq!(
        run(
            "",
            "",
            "a_balance == a_balance - 1; old(a.balance) == a.balance + 1;",
            ""
        ),
        Ok((9, 0))
    );
    // Simultaneous, whatever the order of lines.
    assert_eq!(
        run("", "", "a.balance == b.balance; b.balance == a.balance;", ""),
        Ok((20, 10))
    );
    assert_eq!(
        run("", "", "b.balance == a.balance; a.balance == b.balance;", ""),
        Ok((20, 10))
    );
    // Places that nothing defines stay, and `old` of a place that did not change is the place.
    assert_eq!(
        run(
            "",
            "b.balance > 0;",
            "a.balance == 1; b.balance <= old(b.balance);",
            ""
        ),
        Ok((1, 20))
    );
    assert_eq!(
        codes_of("", "", "a.balance == 1; a_balance == 2;", ""),
        ["AE0302"]
    );
    assert_eq!(codes_of("", "", "let x = 1;", ""), ["AE0101"]);
    assert_eq!(codes_of("", "", "a.balance;", ""), ["AE0218"]);
}

#[test]
fn fields_hold_whole_numbers_and_truth_values() {
    let text = |verify: &str| {
        format!(
            "field frozen: Bool; field visits: Integer; intent t(a: Account) {{ guard {{ !a.frozen; }} verify {{ {verify} }} }} atomic_batch q {{ t(x); }}"
        )
    };
    let run = |verify: &str| outcome(&text(verify), "{}", &[]).map_err(|(_, failure)| failure);
    let state = run("a.visits == a.visits - 3; a.frozen == (a.visits == 0);").unwrap();
    assert_eq!((state["x.visits"], state["x.frozen"]), (-3, 1));
    assert!(matches!(
        run("a.visits == (a.visits + 1) / 2;"),
        Err(Failure::Inexact { .. })
    ));
    assert!(run("a.visits == 10 * (2 - a.visits) + 0.5 * 4;").is_ok());
    for wrong in [
        "a.visits == true;",
        "a.frozen == 1;",
        "a.visits == 0.5;",
        "a.frozen == a.visits;",
        "-a.frozen;",
        "!a.visits;",
        "a.frozen > false;",
        "a.frozen + 1 == 2;",
    ] {
        assert_eq!(codes(&text(wrong), "{}", &[], Purpose::Run).len(), 1, "{wrong}");
    }
}

#[test]
fn secrets_stay_secret_in_what_is_computed_from_them() {
    let text = "intent t(a: Account, secret x: Balance, secret y: Balance, z: Balance) {
        guard { let double = 2 * x; let plain = z + 1; let third = double + plain; y == 5; a.balance >= third; }
        verify { a.balance == a.balance - y; } } atomic_batch q { t(a, x: 1, z: 2); }";
    let (lowered, _, _) = lower(text, "{}", &[], Purpose::Run);
    let intent = &lowered[0].batch.intents[0];
    let secret: Vec<_> = intent
        .lets
        .iter()
        .filter(|l| l.secret)
        .map(|l| &*l.name)
        .collect();
    assert_eq!(secret, ["double", "third", "y"]);
    let secret: Vec<_> = intent.values.iter().map(|v| (&*v.name, v.secret)).collect();
    assert_eq!(secret, [("x", true), ("z", false)]);
    assert_eq!(codes_of(", secret c: Account", "", "", ""), ["AE0219"]);
    assert_eq!(codes_of(", external c: Account", "", "", ""), ["AE0219"]);
}
