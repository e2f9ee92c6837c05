//! Types and units: what fits, what literals mean, what is exact.

use crate::support::{codes, outcome};
use aethel_ir::Failure;
use aethel_lower::Purpose;

const HEAD: &str = "asset USD { scale: 2; } asset BTC { scale: 8; } asset JPY { scale: 0; } const HALF = 0.5; const TEN = 10;
account world { unbounded; }\n";

fn program(guard: &str) -> String {
    format!(
        "{HEAD}intent t(a: Account<USD>, w: Account<USD>, x: Balance<USD>, n: Number, i: Integer, r: Rate, p: Price<BTC, USD>, s: Price, at: Time, btc: Balance<BTC>) {{
            guard {{ {guard} }} verify {{ a.balance == a.balance + 0; w.btc_balance == w.BTC_balance; }} }}
        atomic_batch q {{ t(a, world, 7.25, 2.5, 3, 0.1, 43250.55, 2, 5, 0.00000001); }}"
    )
}

/// Whether a condition holds.
fn holds(condition: &str) -> bool {
    match outcome(
        &program(&format!("{condition};")),
        r#"{"accounts": {"a": "10.00"}}"#,
        &[],
    ) {
        Ok(_) => true,
        Err((_, Failure::Guard(0))) => false,
        Err(other) => panic!("{condition}: {other:?}"),
    }
}

#[test]
fn literals_take_the_type_of_their_use() {
    for condition in [
        "x == 7.25",
        "7.25 == x",
        "x == 29 / 4",
        "x - 0.25 == 7",
        "-x == -7.25",
        "x + -7 == 0.25",
        "x == 3.5 * 2 + 0.25",
        "x == min(100, 7.25)",
        "x == max(1, x, 7.25) ",
        "min(8, 9, x) == x",
        "abs(-7.25) == x",
        "abs(0 - x) == x",
        "x * 2 == 14.5",
        "2 * x == 14.50",
        "x / 2 == 3.625",
        "x / x == 1",
        "x % 2 == 1.25",
        "-x % 2 == -1.25",
        "x == 14.5 * HALF",
        "TEN - x == 2.75",
        "x + HALF == 7.75",
        "p == 43250.55",
        "p / 2 == 21625.275",
        "p + 1 > 43251",
        "btc == 0.00000001",
        "btc * 100_000_000 == 1",
        "btc * p == 0.0004325055",
        "x / p < 0.001",
        "x / btc == p * (x / btc / p)",
        "n == 2.5",
        "i == 3",
        "i + n == 5.5",
        "i / 2 == 1.5",
        "r * x == 0.725",
        "x * r * i == 2.175",
        "s * 2 == 4",
        "at > 4",
        "at + 1 == 6",
        "at - at == 0",
        "1 < 2",
        "1 / 3 + 1 / 3 + 1 / 3 == 1",
        "a.balance == 10",
        "a.usd_balance == a.Usd_balance",
        "a.btc_balance == 0",
        "a.jpy_balance == 0.0",
        "round(x, 1, half_even) == 7.2",
        "round(x, 1, half_up) == 7.3",
        "round(-x, 1, half_up) == -7.3",
        "round(-x, 1, up) == -7.3",
        "round(-x, 1, down) == -7.2",
        "round(x, 0, up) == 8",
        "round(2.5, 0, half_even) == 2",
        "round(3.5, 0, half_even) == 4",
        "round(n, 0, up) == 3",
        "x == round(7.254, half_even)",
        "round(7.254, half_even) == x",
        "x >= round(7.254, half_even) + 0",
        "round(7.254, half_even) + 0 <= x",
        "round(10 / 3, USD, down) == 3.33",
        "round(10 / 3, JPY, up) == a.jpy_balance + 4",
        "round(p, 0, down) == 43250",
        "round(btc * p, half_even) == 0",
        "round(btc * p, up) == 0.01",
        "round(x / 3, USD, half_even) * 3 == 7.26",
        "max(round(x / 3, half_even), 2) == 2.42",
        "true ==> x > 0",
        "false ==> 1 / 0 == 1",
        "false && 1 / 0 == 1 || true",
        "!(x < 0)",
        "(x > 0) == true",
        "(x > 0) != (x < 0)",
    ] {
        assert!(holds(condition), "{condition}");
    }
    for condition in [
        "x == 7.26",
        "p == 43250.56",
        "i == 3.5",
        "x == 725",
        "-x > 0",
        "round(x, 1, half_even) == x",
        "true ==> x < 0",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (condition, code) in [
        ("x == btc", "AE0208"),
        ("x + a.btc_balance > 0", "AE0208"),
        ("min(x, btc) > 0", "AE0208"),
        ("x * btc > 0", "AE0207"),
        ("x == n", "AE0207"),
        ("x + i > 0", "AE0207"),
        ("x == p", "AE0207"),
        ("x * p > 0", "AE0207"),
        ("btc * p == btc", "AE0208"),
        ("x / p == x", "AE0208"),
        ("1 / x > 0", "AE0207"),
        ("2 / p > 0", "AE0207"),
        ("x == true", "AE0207"),
        ("x && true", "AE0218"),
        ("!x", "AE0207"),
        ("-true", "AE0207"),
        ("x", "AE0218"),
        ("1", "AE0218"),
        ("x > \"a\"", "AE0207"),
        ("true > false", "AE0207"),
        ("old(x + 1) > 0", "AE0207"),
        ("a > 0", "AE0207"),
        ("x.balance > 0", "AE0206"),
        ("n == round(n, half_even)", "AE0211"),
        ("x == round(n, USD, half_even)", "AE0207"),
        ("x == round(btc, USD, half_even)", "AE0208"),
        ("x == round(x, EUR, half_even)", "AE0203"),
        ("x == round(x, 19, half_even)", "AE0211"),
        ("x == round(x, 0.5, half_even)", "AE0211"),
        ("x == round(x, -1, half_even)", "AE0211"),
        ("x == round(x, 2)", "AE0211"),
        ("x == round(x)", "AE0211"),
        ("x == min(x)", "AE0211"),
        ("x == abs(x, x)", "AE0211"),
        ("abs(true)", "AE0211"),
        ("min(true, false)", "AE0211"),
        ("round(true, 1, up)", "AE0211"),
        ("x == floor(x)", "AE0211"),
        ("NOPE > 0", "AE0201"),
        ("a.eth_balance > 0", "AE0203"),
        ("a.nope > 0", "AE0206"),
    ] {
        assert_eq!(
            codes(&program(&format!("{condition};")), "{}", &[], Purpose::Run),
            [code],
            "{condition}"
        );
    }
}

#[test]
fn amounts_are_whole_or_refused() {
    let run = |line: &str| {
        let text = format!(
            "{HEAD}intent t(a: Account<USD>, x: Balance<USD>) {{ guard {{ {line} }} verify {{ a.balance == a.balance + x; }} }} atomic_batch q {{ t(a); }}"
        );
        let found = codes(&text, "{}", &[], Purpose::Run);
        if !found.is_empty() {
            return Err(found.join(" "));
        }
        outcome(&text, "{}", &[])
            .map(|s| s["a USD"])
            .map_err(|(_, failure)| format!("{failure:?}"))
    };
    assert_eq!(run("x == 0.01;"), Ok(1));
    assert_eq!(run("x == 0.005;"), Err("AE0504".into()));
    assert_eq!(
        run("x == -0.005 + 1;").unwrap_err().split(' ').next(),
        Some("Inexact")
    );
    assert_eq!(run("x == -0.005;"), Err("AE0504".into()));
    assert!(run("x == 10 / 3;").unwrap_err().starts_with("Inexact"));
    assert_eq!(run("let y = 10 / 3; x == y * 3;"), Ok(1_000));
    assert_eq!(run("x == round(10 / 3, half_even);"), Ok(333));
    assert!(
        run("x == 1_000_000_000_000_000_000_000_000_000_000_000_000;")
            .unwrap_err()
            .starts_with("Overflow")
    );
    // 2^120 minor units is the largest amount.
    assert_eq!(run("x == 13292279957849158729038070602803445.76;"), Ok(1 << 120));
    assert!(
        run("x == 13292279957849158729038070602803445.77;")
            .unwrap_err()
            .starts_with("Overflow")
    );
    assert!(
        run("x == 5 / (TEN - 10);")
            .unwrap_err()
            .starts_with("DivisionByZero")
    );
    assert!(
        run("x == 5 % (TEN - 10);")
            .unwrap_err()
            .starts_with("DivisionByZero")
    );
}

#[test]
fn which_asset_is_meant() {
    let intent = |params: &str| format!("{HEAD}intent t({params}) {{ guard {{ true; }} }}");
    for (params, code) in [
        ("a: Account", "AE0209"),
        ("x: Balance", "AE0209"),
        ("a: Account<EUR>", "AE0203"),
        ("a: Account<usd>", "AE0203"),
        ("a: Account<USD, BTC>", "AE0204"),
        ("p: Price<USD>", "AE0204"),
        ("p: Rate<USD>", "AE0204"),
        ("p: Bool<USD>", "AE0204"),
        ("p: Text", "AE0204"),
    ] {
        assert_eq!(
            codes(&intent(params), "{}", &[], Purpose::Check),
            [code],
            "{params}"
        );
    }
    // One declared asset is the plain one; none means `unit` with nine places.
    let text = |head: &str| {
        format!(
            "{head} intent t(a: Account, x: Balance) {{ guard {{ x == 1; }} verify {{ a.balance == a.balance + x; }} }} atomic_batch q {{ t(a); }}"
        )
    };
    assert_eq!(
        outcome(&text("asset EUR { scale: 3; }"), "{}", &[]).unwrap()["a EUR"],
        1_000
    );
    assert_eq!(outcome(&text(""), "{}", &[]).unwrap()["a unit"], 1_000_000_000);
    assert_eq!(
        outcome(&text("asset E { scale: 0; }"), "{}", &[]).unwrap()["a E"],
        1
    );
    assert_eq!(
        outcome(&text("asset E { scale: 18; }"), "{}", &[]).unwrap()["a E"],
        1_000_000_000_000_000_000
    );
    assert_eq!(
        codes(
            "asset USD { scale: 2; } asset usd { scale: 2; } intent t(a: Account<USD>) { guard { a.usd_balance > 0; } }",
            "{}",
            &[],
            Purpose::Check
        ),
        ["AE0202"]
    );
    assert_eq!(
        codes(
            "field frozen: Bool; field frozen: Integer; intent t(a: Account) { guard { a.frozen; } }",
            "{}",
            &[],
            Purpose::Check
        ),
        ["AE0202"]
    );
    // The longest account name wins: `a_btc_balance` is a balance of `a_btc` when there is one.
    let text = format!(
        "{HEAD} intent t(a: Account<BTC>, a_btc: Account<USD>) {{ guard {{ a_btc_balance == 3; a_usd_balance == 0; }} }} atomic_batch q {{ t(x, y); }}"
    );
    assert!(outcome(&text, r#"{"accounts": {"y": "3.00"}}"#, &[]).is_ok());
}

#[test]
fn constants_are_folded_and_typed_by_use() {
    let text = "asset USD { scale: 2; } const A = -B * 3 + 10 % 4; const B = (1 - 5) / 8; const ON = !OFF; const OFF = false;
        intent t(a: Account<USD>, n: Number) { guard { A == 3.5; n == A; ON; !OFF; a.balance == 0; } verify { a.balance == A; } } atomic_batch q { t(a, A); t(b, n: B + 4); }";
    assert_eq!(outcome(text, "{}", &[]).unwrap()["b USD"], 350);
    for (constant, code) in [
        ("1 / 0", "AE0505"),
        ("1 % 0", "AE0505"),
        ("B", "AE0201"),
        ("A", "AE0303"),
        ("1 + true", "AE0207"),
        ("\"a\"", "AE0207"),
        ("a.balance", "AE0207"),
    ] {
        let text = format!("const A = {constant}; intent t(a: Account) {{ guard {{ a.balance >= 0; }} }}");
        assert_eq!(codes(&text, "{}", &[], Purpose::Check), [code], "{constant}");
    }
}
