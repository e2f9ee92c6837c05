//! Calls, labels, loops, bindings.

use crate::support::{codes, lower, outcome};
use aethel_ir::{Failure, TransactionId};
use aethel_lower::Purpose;

const UNIT: i128 = 1_000_000_000;

const PAY: &str = "intent pay(from: Account, to: Account, amount: Balance) {
    guard { from.balance >= amount; amount >= 0; amount == 5; }
    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }
}
intent free(from: Account, to: Account, amount: Balance, on: Bool, at: Time) { guard { amount >= 0; on; at >= 0; }
    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; } }
intent flat(sender: Balance, receiver: Balance, amount: Balance) {
    verify { sender == old_sender - amount; receiver == old_receiver + amount; } }
const sender = 7; const FIVE = 5;\n";

fn batch(items: &str) -> String {
    format!("{PAY}atomic_batch b {{ {items} }}")
}

fn names(items: &str, files: &[(&str, &str)]) -> Vec<String> {
    let (lowered, diagnostics, _) = lower(&batch(items), "{}", files, Purpose::Run);
    let batch = &lowered.first().unwrap_or_else(|| panic!("{diagnostics:?}")).batch;
    (0..batch.len())
        .map(|i| batch.transaction_name(TransactionId(i as u32)))
        .collect()
}

#[test]
fn an_intent_is_compiled_once_for_each_set_of_arguments() {
    let csv = format!("to,amount\n{}", "x,5\n".repeat(500));
    let items = "pay(a, b); pay(c, d); pay(a, b, 5); l: pay(a, b, FIVE); for r in \"f.csv\" { pay(a, r.to, r.amount); pay(a, r.to); }";
    let (lowered, _, _) = lower(&batch(items), "{}", &[("f.csv", &csv)], Purpose::Run);
    let batch = &lowered[0].batch;
    assert_eq!(
        (batch.intents.len(), batch.groups.len(), batch.len()),
        (2, 6, 1_004)
    );
    let fixed: Vec<_> = batch
        .intents
        .iter()
        .map(|i| (i.lets.len(), i.values.len()))
        .collect();
    assert_eq!(fixed, [(1, 0), (0, 1)]);
}

#[test]
fn what_transactions_are_called() {
    let csv = "to\nx\ny\n";
    let items = "pay(a, b); l: pay(a, b); pay(a, b); for r in \"f.csv\" { pay(a, r.to); } m: for r in \"f.csv\" { pay(a, r.to); } n: for r in \"f.csv\" { pay(a, r.to); pay(r.to, a, 5); } flat(a, b, 1);";
    assert_eq!(
        names(items, &[("f.csv", csv)]),
        [
            "pay#1",
            "l",
            "pay#2",
            "pay row 1",
            "pay row 2",
            "m row 1",
            "m row 2",
            "pay row 1",
            "pay row 1",
            "pay row 2",
            "pay row 2",
            "flat#1"
        ]
    );
}

#[test]
fn after_names_intents_labels_and_loops() {
    let items = "late: pay(a, b) after rows, one, one; rows: for r in \"f.csv\" after own { pay(a, r.to); } one: pay(a, b);
        intent own(a: Account) { verify { a.balance == a.balance; } } intent last(a: Account) after late, own { guard { a.balance >= 0; } }";
    let (lowered, _, _) = lower(&batch(items), "{}", &[("f.csv", "to\n")], Purpose::Run);
    let items: Vec<_> = lowered[0]
        .batch
        .items
        .iter()
        .map(|i| (&*i.name, i.count, i.after.as_slice()))
        .collect();
    assert_eq!(
        items,
        [
            ("late", 1, &[1, 2][..]),
            ("rows", 0, &[3]),
            ("one", 1, &[]),
            ("own", 1, &[]),
            ("last", 1, &[0, 3])
        ]
    );
    let wrong = |items: &str| codes(&batch(items), "{}", &[], Purpose::Run);
    assert_eq!(wrong("l: pay(a, b); m: pay(a, b) after k;"), ["AE0212"]);
    assert_eq!(wrong("pay(a, b); m: pay(a, b) after pay;"), ["AE0212"]);
    assert_eq!(wrong("l: pay(a, b); l: pay(a, b);"), ["AE0202"]);
    assert_eq!(
        wrong("l: pay(a, b); intent l(a: Account) { guard { a.balance >= 0; } }"),
        ["AE0202"]
    );
}

#[test]
fn arguments_fit_their_parameters() {
    let wrong = |items: &str| codes(&batch(items), "{}", &[], Purpose::Run);
    for (items, code) in [
        ("pay(a);", ""),
        ("pay(a, b, amount: 5);", ""),
        ("pay(to: b, from: a);", ""),
        ("pay(a, \"acct:b c\");", ""),
        ("pay(a, b, \"5\");", ""),
        ("pay(a, b, 10 / 2);", ""),
        ("pay(a, b, -5);", ""),
        ("free(a, b, 1, true, \"2026-03-31T12:00:00Z\");", ""),
        ("flat(\"x y\", sender, 1);", ""),
        ("flat(sender, b, sender);", ""),
        ("pay(a, b, 5, 6);", "AE0210"),
        ("pay(a, b, amuont: 5);", "AE0210"),
        ("pay(a, from: b);", "AE0210"),
        ("pay(5, b);", "AE0210"),
        ("pay(a, true);", "AE0210"),
        ("pay(a, b, r.x);", "AE0210"),
        ("pay(a, b, true);", "AE0309"),
        ("pay(a, b, 0.0000000001);", "AE0309"),
        ("pay(a, b, \"five\");", "AE0309"),
        ("pay(a, b, x);", "AE0201"),
        ("pay(a, b, 1 / 0);", "AE0505"),
        ("free(a, b, 1, 1, 1);", "AE0906"),
        ("free(a, b, 1, true, 0.5);", "AE0906"),
        ("free(a, b, 1, true, \"2026-02-30T12:00:00Z\");", "AE0906"),
        ("free(a, b, 1, true);", "AE0301"),
        ("pay(a, \" b\");", "AE0308"),
        ("pay(a, \"\");", "AE0308"),
        ("pay(a, \"b\\u{202e}\");", "AE0308"),
        ("pya(a, b);", "AE0205"),
        // In the flat form an argument is an account's name, and only where the intent means an account.
        ("flat(5, b, 1);", "AE0210"),
        ("flat(a, b, x);", "AE0201"),
        ("flat(a, b);", "AE0301"),
    ] {
        let expected: &[&str] = if code.is_empty() { &[] } else { &[code] };
        assert_eq!(wrong(items), expected, "{items}");
    }
    let got = outcome(
        &batch("flat(sender, \"x y\", 1);"),
        r#"{"accounts": {"sender": 3}}"#,
        &[],
    )
    .unwrap();
    assert_eq!((got["sender unit"], got["x y unit"]), (2 * UNIT, UNIT));
    // Without an argument an account parameter is the account of its name.
    assert_eq!(
        outcome(&batch("pay();"), r#"{"accounts": {"from": 8}}"#, &[]).unwrap()["to unit"],
        5 * UNIT
    );
}

#[test]
fn bindings_and_arguments_from_outside() {
    let text = batch(
        "one: pay(to: x); two: free(from: y, on: true); rows: for r in \"f.csv\" { free(r.from, amount: r.n); }",
    ) + "atomic_batch c { one: pay(); intent own(from: Account, to: Account, amount: Balance) { guard { amount >= 0; } verify { from.balance == from.balance - amount; to.balance == to.balance + amount; } } }";
    let inputs = r#"{"accounts": {"m": 100, "n": 100, "y": 100, "z": 100},
        "bind": {"one.from": "n", "b.one.from": "m", "one.to": "never", "rows.to": "till", "c.one.to": "cto", "own.from": "n", "own.to": "oto", "two.to": "t2"},
        "args": {"two.amount": "7", "two.at": "2026-03-31T12:00:00Z", "rows.on": true, "rows.at": 0, "c.own.amount": 9, "own.amount": 1}}"#;
    let got = outcome(&text, inputs, &[("f.csv", "from,n\nz,1\nz,2\n")]).unwrap();
    let units = |name: &str| got[&format!("{name} unit")] / UNIT;
    // `to: x` in the call wins over the binding `one.to`; the batch's own binding wins over the shorter one.
    assert_eq!((units("m"), units("x")), (95, 5));
    assert_eq!((units("y"), units("t2")), (93, 7));
    assert_eq!((units("z"), units("till")), (97, 3));
    assert_eq!((units("n"), units("cto"), units("oto")), (86, 5, 9));
    for (inputs, code) in [
        (r#"{"bind": {"one.form": "a"}}"#, "AE0905"),
        (r#"{"bind": {"pay.fro": "a"}}"#, "AE0905"),
        (r#"{"bind": {"d.one.from": "a"}}"#, "AE0905"),
        (r#"{"bind": {"one": "a"}}"#, "AE0905"),
        (r#"{"bind": {"one.from": "a", "one.from": "b"}}"#, "AE0908"),
        (r#"{"bind": {"one.from": " a"}}"#, "AE0308"),
        (r#"{"args": {"one.amount": "x"}}"#, "AE0309"),
        (r#"{"args": {"two.on": "yes"}}"#, "AE0906"),
        (r#"{"args": {"one.amount": 0.5}}"#, "AE0907"),
        (r#"{"args": {"one.amount": null}}"#, "AE0902"),
    ] {
        let text = batch("one: pay(); two: free(amount: 1, at: 1);");
        let found = codes(&text, inputs, &[], Purpose::Run);
        assert!(found.contains(&code), "{inputs}: {found:?}");
    }
}

#[test]
fn cells_are_taken_as_they_are() {
    let run = |csv: &str| {
        let text = batch(
            "for r in \"f.csv\" { free(bank, r.to, r.n, r.on, r.at); free(r.to, bank, r.fee, true, 0); }",
        );
        let found = codes(&text, "{}", &[("f.csv", csv)], Purpose::Run);
        if !found.is_empty() {
            return Err(found.join(" "));
        }
        outcome(&text, r#"{"accounts": {"bank": 100}}"#, &[("f.csv", csv)])
            .map_err(|(name, failure)| format!("{name} {failure:?}"))
    };
    // Mark, CRLF, quotes, quoted line ends, doubled quotes, blank lines, other columns, any order of columns.
    let good = "\u{feff}at,fee,to,note,on,n\r\n2026-03-31T12:00:00Z,0.5,\"x, \"\"y\"\"\",\"two\nlines\",true,\"1.50\"\r\n\r\n\n7,1,z,,true,2";
    let got = run(good).unwrap();
    assert_eq!((got["x, \"y\" unit"], got["z unit"]), (UNIT, UNIT));
    let row = |cells: &str| run(&format!("to,n,on,at,fee\n{cells}\n"));
    assert!(row("z,1,true,5,0").is_ok());
    for cells in [
        "z, 1,true,5,0",
        "z,1 ,true,5,0",
        " z,1,true,5,0",
        "z,\"1 \",true,5,0",
        "z,,true,5,0",
        ",1,true,5,0",
        "z,1e3,true,5,0",
        "z,+1,true,5,0",
        "z,1,True,5,0",
        "z,1,1,5,0",
        "z,1,true,5.5,0",
        "z,\"1,5\",true,5,0",
        "z,0.0000000001,true,5,0",
        "z,1,true,5",
        "z,1,true,5,0,6",
        "z\u{200b},1,true,5,0",
        "z,٣,true,5,0",
    ] {
        assert_eq!(
            row(cells).unwrap_err().split(' ').next(),
            Some("AE0903"),
            "{cells}"
        );
    }
    assert_eq!(run("").unwrap_err(), "AE0903");
    assert_eq!(run("to,n,on,at\n").unwrap_err(), "AE0903");
    assert_eq!(run("to,to,n,on,at,fee\n").unwrap_err(), "AE0903");
    // Rows are run one after the other, each with all its calls: `z` pays back before the next row.
    assert_eq!(
        row("z,60,true,0,60\nw,60,true,0,60").unwrap()["bank unit"],
        100 * UNIT
    );
    assert!(
        row("z,60,true,0,0\nw,60,true,0,0")
            .unwrap_err()
            .starts_with("free row 2 Overdraft")
    );
    assert!(
        row("z,1,false,0,0")
            .unwrap_err()
            .starts_with("free row 1 Guard(1)")
    );
}

#[test]
fn the_same_account_twice_fails_when_it_is_written() {
    let text = "intent look(a: Account, b: Account) { guard { a.balance == b.balance; } } atomic_batch q { look(x, x); }";
    assert!(outcome(text, "{}", &[]).is_ok());
    let same = outcome(&batch("pay(x, x);"), r#"{"accounts": {"x": 10}}"#, &[]).unwrap_err();
    assert!(
        matches!(
            same.1,
            Failure::SameAccount {
                parameters: (0, 1),
                ..
            }
        ),
        "{same:?}"
    );
}

#[test]
fn top_level_names_and_declarations() {
    for (text, code) in [
        ("asset USD { scale: 2; }", "AE0110"),
        ("atomic_batch e { }", "AE0314"),
        (
            "intent a(x: Account) { guard { x.balance >= 0; } } atomic_batch a { a(x); }",
            "AE0202",
        ),
        (
            "account \"w \" { unbounded; } intent a(x: Account) { guard { x.balance >= 0; } }",
            "AE0308",
        ),
        (
            "field balance: Integer; intent a(x: Account) { guard { x.balance >= 0; } }",
            "AE0202",
        ),
        (
            "field usd_balance: Integer; intent a(x: Account) { guard { x.balance >= 0; } }",
            "AE0202",
        ),
        (
            "field f: Balance; intent a(x: Account) { guard { x.balance >= 0; } }",
            "AE0204",
        ),
    ] {
        let found = codes(text, "{}", &[], Purpose::Check);
        assert_eq!(found, [code], "{text}");
    }
    let text = "account \"the world\" { unbounded; } account poor { } intent t(a: Account, b: Account) { verify { a.balance == a.balance - 1; b.balance == b.balance + 1; } } atomic_batch q { t(\"the world\", poor); }";
    let (lowered, _, _) = lower(text, "{}", &[], Purpose::Run);
    let accounts: Vec<_> = lowered[0]
        .declarations
        .accounts
        .iter()
        .map(|(n, u)| (n.as_str(), *u))
        .collect();
    assert_eq!(accounts, [("the world", true), ("poor", false)]);
    assert_eq!(outcome(text, "{}", &[]).unwrap()["the world unit"], -UNIT);
}

#[test]
fn a_plain_balance_is_in_the_asset_of_the_parameters() {
    let text = |second: &str| {
        format!(
            "asset USD {{ scale: 2; }} asset BTC {{ scale: 8; }}
        intent t(a: Account<USD>, b: Account<USD>) {{ guard {{ a.btc_balance >= 0; }}
            verify {{ a.balance == a.balance - 1; b.balance == b.balance + 1; }} }}
        intent u(c: Account<BTC>) {{ guard {{ c.balance >= 0; c.usd_balance >= 0; }} }}
        atomic_batch q {{ t(x, y); u({second}); }}"
        )
    };
    let inputs = r#"{"accounts": {"x": "5.00", "z": {"balance": "0.5"}}}"#;
    let got = outcome(&text("z"), inputs, &[]).unwrap();
    assert_eq!(
        (got["x USD"], got["x BTC"], got["z BTC"], got["z USD"]),
        (400, 0, 50_000_000, 0)
    );
    assert_eq!(codes(&text("x"), inputs, &[], Purpose::Run), ["AE0306"]);
    let both = r#"{"accounts": {"x": {"balances": {"USD": 5, "BTC": "0.5"}}}}"#;
    assert_eq!(outcome(&text("x"), both, &[]).unwrap()["x BTC"], 50_000_000);
}
