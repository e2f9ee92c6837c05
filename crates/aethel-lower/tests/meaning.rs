//! Rules of the language, one by one.

use crate::support::{State, lower, outcome};
use aethel_ir::{Failure, Rational, Site};
use aethel_lower::Purpose;

const SEED: &str = include_str!("../../../examples/payroll.ae");

fn state(entries: &[(&str, i128)]) -> State {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

#[test]
fn the_payroll_of_the_protocol_pays() {
    let inputs = r#"{"accounts": {"company": "10000", "alice": "0", "bob": "1.5"}}"#;
    let got = outcome(SEED, inputs, &[]).unwrap();
    let unit = 1_000_000_000;
    assert_eq!(
        got,
        state(&[
            ("alice unit", 1000 * unit),
            ("bob unit", 1501 * unit + unit / 2),
            ("company unit", 7500 * unit)
        ])
    );
}

#[test]
fn a_parameter_with_an_argument_is_tested_and_without_is_fixed() {
    let program = "intent pay(a: Account, b: Account, amount: Balance) {
        guard { a.balance >= amount; amount == 5; }
        verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }
    }
    atomic_batch t { pay(a, b); pay(b, a, amount: 6); }";
    let failed = outcome(program, r#"{"accounts": {"a": 50, "b": 50}}"#, &[]).unwrap_err();
    assert_eq!(failed, ("pay#2".into(), Failure::Guard(1)));
}

#[test]
fn values_are_resolved_by_dependency_not_by_line() {
    let program = "intent t(a: Account, x: Balance, y: Balance) {
        guard { a.balance >= y; y == x + base; let base = 2 * x; 3 == x; }
        verify { a.balance == y; }
    }
    atomic_batch b { t(a); }";
    let got = outcome(program, r#"{"accounts": {"a": 100}}"#, &[]).unwrap();
    assert_eq!(got["a unit"], 9_000_000_000);
}

#[test]
fn equations_are_simultaneous_and_old_names_mean_before() {
    let program = "intent swap(a: Account, b: Account) {
        guard { old_a == a.balance; }
        verify { b.balance == old_a; a.balance == old_b; a.balance == old(b.balance) && a.balance >= 0; }
    }
    atomic_batch t { swap(a, b); }";
    let got = outcome(program, r#"{"accounts": {"a": 1, "b": 2}}"#, &[]).unwrap();
    assert_eq!(
        got,
        state(&[("a unit", 2_000_000_000), ("b unit", 1_000_000_000)])
    );
}

#[test]
fn the_flat_form_is_about_accounts() {
    let program = "intent transfer(sender: Balance, receiver: Balance, amount: Balance) {
        guard { old_sender == sender; old_receiver == receiver; sender >= amount; amount == 3; }
        verify { sender == old_sender - amount; receiver == old_receiver + amount; }
    }
    atomic_batch t { one: transfer(sender: x, receiver: \"acct:y\"); }";
    let got = outcome(program, r#"{"accounts": {"x": 10, "acct:y": 0}}"#, &[]).unwrap();
    assert_eq!(
        got,
        state(&[("acct:y unit", 3_000_000_000), ("x unit", 7_000_000_000)])
    );
}

#[test]
fn assets_and_prices_have_units() {
    let program = "asset USD { scale: 2; } asset BTC { scale: 8; }
    intent trade(t: Account<USD>, pool: Account<USD>, amount: Balance<BTC>, price: Price<BTC, USD>) {
        guard { let cost = round(amount * price, half_even); t.balance >= cost; pool.btc_balance >= amount; amount > 0; }
        verify {
            t.balance == t.balance - cost; pool.usd_balance == pool.balance + cost;
            pool.btc_balance == pool.btc_balance - amount; t.btc_balance == t.btc_balance + amount;
        }
    }
    atomic_batch b { trade(t, pool, 0.00000333, 43250.55); }";
    let inputs = r#"{"accounts": {"t": {"balances": {"USD": "100", "BTC": "0"}}, "pool": {"balances": {"USD": "0.00", "BTC": "1"}}}}"#;
    let got = outcome(program, inputs, &[]).unwrap();
    // 0.00000333 × 43250.55 = 0.1440243315
    assert_eq!(got["t USD"], 10_000 - 14);
    assert_eq!(got["pool USD"], 14);
    assert_eq!(got["t BTC"], 333);
    assert_eq!(got["pool BTC"], 100_000_000 - 333);
}

#[test]
fn rounding_and_exactness() {
    let program = |expr: &str| {
        format!(
            "asset USD {{ scale: 2; }} account world {{ unbounded; }}
            intent t(a: Account<USD>, world: Account<USD>, x: Balance<USD>) {{
                guard {{ x == {expr}; }} verify {{ a.balance == a.balance + x; world.balance == world.balance - x; }}
            }} atomic_batch b {{ t(a, world); }}"
        )
    };
    let run =
        |expr: &str| outcome(&program(expr), r#"{"accounts": {"a": "5.00"}}"#, &[]).map(|s| s["a USD"] - 500);
    assert_eq!(run("round(10.00 * 0.0125, half_even)"), Ok(12));
    assert_eq!(run("round(10.00 * 0.0125, half_up)"), Ok(13));
    assert_eq!(run("round(1234.56, 0, down)"), Ok(123_400));
    assert_eq!(run("round(10 / 3, USD, up)"), Ok(334));
    assert_eq!(run("-7.5 % 2"), Ok(-150));
    assert_eq!(run("max(1, 2.5, 2) - abs(-1)"), Ok(150));
    let inexact = run("10 / 3").unwrap_err();
    assert!(
        matches!(
            inexact.1,
            Failure::Inexact {
                site: Site::Let(0),
                ..
            }
        ),
        "{inexact:?}"
    );
    assert!(matches!(
        run("10 / (1 - 1)").unwrap_err().1,
        Failure::DivisionByZero(_)
    ));
}

#[test]
fn conditions_short_circuit_and_guards_stop_at_the_first_false_one() {
    let program = "intent t(a: Account, n: Number) {
        guard { n == 0 || 1 / n > 0; n != 0 ==> 1 / n > 0; n == 0; a.balance >= 5; }
        verify { a.balance == a.balance; }
    }
    atomic_batch b { t(a, 0); }";
    assert_eq!(
        outcome(program, r#"{"accounts": {"a": 4}}"#, &[]).unwrap_err().1,
        Failure::Guard(3)
    );
}

#[test]
fn checks_of_the_engine() {
    let program = |body: &str| format!("account world {{ unbounded; }} {body}");
    let over = program("intent t(a: Account, world: Account, x: Balance) {
        guard { x == 5; } verify { a.balance == a.balance - x; world.balance == world.balance + x; } } atomic_batch b { t(a, world); }");
    let failure = outcome(&over, r#"{"accounts": {"a": 4}}"#, &[]).unwrap_err().1;
    assert_eq!(
        failure,
        Failure::Overdraft {
            effect: 0,
            value: -1_000_000_000
        }
    );
    let into_debt = program("intent t(a: Account, world: Account, x: Balance) {
        guard { x == 5; } verify { world.balance == world.balance - x; a.balance == a.balance + x; } } atomic_batch b { t(a, world); }");
    assert_eq!(
        outcome(&into_debt, r#"{"accounts": {"a": 4}}"#, &[]).unwrap()["world unit"],
        -5_000_000_000
    );
    let same = "intent t(a: Account, b: Account) { verify { a.balance == a.balance - 1; b.balance == b.balance + 1; } }
        atomic_batch b { t(x, x); }";
    assert!(matches!(
        outcome(same, r#"{"accounts": {"x": 4}}"#, &[]).unwrap_err().1,
        Failure::SameAccount { .. }
    ));
    let post = "intent t(a: Account, b: Account) { verify { a.balance == a.balance - 1; b.balance == b.balance + 1; b.balance <= 4; } }
        atomic_batch b { t(x, y); }";
    assert_eq!(
        outcome(post, r#"{"accounts": {"x": 4, "y": 4}}"#, &[])
            .unwrap_err()
            .1,
        Failure::Postcondition(0)
    );
}

#[test]
fn fields_are_stored_values() {
    let program = "field frozen: Bool; field visits: Integer;
    intent touch(a: Account) {
        guard { !a.frozen; } verify { a.visits == a.visits + 1; a.frozen == (a.visits >= 1); }
    }
    atomic_batch b { touch(x); touch(x); }
    atomic_batch c { touch(x); }";
    let (name, failure) = outcome(program, r#"{"accounts": {"x": 0}}"#, &[]).unwrap_err();
    assert_eq!((name.as_str(), failure), ("touch#1", Failure::Guard(0)));
}

#[test]
fn rows_of_a_file_are_transactions_in_order() {
    let program = "asset USD { scale: 2; }
    const FEE = 0.25;
    intent pay(company: Account<USD>, employee: Account<USD>, amount: Balance<USD>) {
        guard { company.balance >= amount; amount >= 0; }
        verify { company.balance == company.balance - amount; employee.balance == employee.balance + amount; }
    }
    atomic_batch b {
        salaries: for row in \"staff.csv\" { pay(company, row.account, row.salary); pay(company, bank, FEE); }
        late: pay(company, bank, 1) after salaries;
    }";
    let csv = "\u{feff}account,name,salary\nalice,\"A, Alice\",10.50\r\n\"acct:bob\",Bob,0.01\n";
    let inputs = r#"{"accounts": {"company": "100", "alice": "0", "acct:bob": "0", "bank": "0"}}"#;
    let (lowered, diagnostics, _) = lower(program, inputs, &[("staff.csv", csv)], Purpose::Run);
    assert!(diagnostics.iter().all(|d| !d.is_error()), "{diagnostics:?}");
    let batch = &lowered[0].batch;
    let names: Vec<String> = (0..batch.len())
        .map(|i| batch.transaction_name(aethel_ir::TransactionId(i as u32)))
        .collect();
    assert_eq!(
        names,
        ["pay row 1", "pay row 1", "pay row 2", "pay row 2", "late"]
    );
    assert_eq!(batch.intents.len(), 1, "one shape, however many rows");
    assert_eq!(batch.items[1].after, [0]);
    let got = outcome(program, inputs, &[("staff.csv", csv)]).unwrap();
    assert_eq!(got["bank USD"], 150);
    assert_eq!(got["alice USD"], 1050);
    assert_eq!(got["company USD"], 10_000 - 1050 - 1 - 150);
}

#[test]
fn bindings_address_by_name_and_batch() {
    let program = "atomic_batch b { intent pay(company: Account, alice: Account, amount: Balance) {
        guard { company.balance >= amount; }
        verify { company.balance == company.balance - amount; alice.balance == alice.balance + amount; } } }";
    let inputs = r#"{"accounts": {"acct:main": 10, "alice": 0}, "bind": {"pay.company": "wrong", "b.pay.company": "acct:main"},
        "args": {"pay.amount": "2.5"}}"#;
    let got = outcome(program, inputs, &[]).unwrap();
    assert_eq!(got["acct:main unit"], 7_500_000_000);
}

#[test]
fn an_external_value_is_what_the_oracle_said() {
    let program = "asset USD { scale: 2; }
    atomic_batch b { intent t(a: Account<USD>, b: Account<USD>, external fee: Balance<USD>) {
        guard { fee_verified && fee_fresh; fee >= 0; } verify { a.balance == a.balance - fee; b.balance == b.balance + fee; } } }";
    let inputs = r#"{"accounts": {"a": "10", "b": "0"}, "oracles": [{"feed": "fees", "value": "0.07", "timestamp": 5, "key_id": "k", "signature": "00"}],
        "bind": {"t.fee": "fees"}}"#;
    let (lowered, _, _) = lower(program, inputs, &[], Purpose::Run);
    let uses = &lowered[0].oracles;
    assert_eq!(
        (
            uses.len(),
            uses[0].feed.as_str(),
            uses[0].asset.as_str(),
            uses[0].scale.as_str()
        ),
        (1, "fees", "USD", "2")
    );
    assert_eq!(uses[0].proof.as_ref().unwrap().value, "0.07");
    assert_eq!(outcome(program, inputs, &[]).unwrap()["b USD"], 7);
}

#[test]
fn constants_are_exact() {
    let program = "const A = B * 2; const B = 1 / 3; intent t(a: Account, b: Account, x: Balance) {
        guard { x == A * 3; } verify { a.balance == a.balance - x; b.balance == b.balance + x; } }
        atomic_batch q { t(a, b); }";
    assert_eq!(
        outcome(program, r#"{"accounts": {"a": 3, "b": 0}}"#, &[]).unwrap()["b unit"],
        2_000_000_000
    );
    let zero = Rational::Int(0);
    assert!(zero.is_zero());
}
