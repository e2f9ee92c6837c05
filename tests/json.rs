//! Transaction lists in JSON: the protocol document's three usage examples, and what can be wrong in such a list.

use crate::support::{Output, Sandbox};
use serde_json::{Value, json};

/// One hundred traders each swap 100 with one of ten pools.
fn exchange() -> Value {
    let trade = |i: usize| {
        json!({
            "id": format!("trade_{i}"), "intent_name": "swap",
            "accounts": {
                format!("trader_{i}"): { "balance": 10000 },
                format!("pool_{}", i % 10): { "balance": 1_000_000 },
            },
            "operations": [{ "type": "swap", "amount": 100 }],
            "verify_conditions": [],
        })
    };
    (0..100).map(trade).collect()
}

/// One company pays a thousand people.
fn payroll() -> Value {
    let pay = |i: usize| {
        let employee = format!("employee_{i}");
        json!({
            "id": format!("pay_employee_{i}"), "intent_name": "transfer",
            "accounts": { "company": { "balance": 10_000_000 }, &employee: { "balance": 0 } },
            "operations": [
                { "type": "debit", "account": "company", "amount": 8500 },
                { "type": "credit", "account": &employee, "amount": 8500 },
            ],
            "verify_conditions": [],
        })
    };
    (0..1000).map(pay).collect()
}

/// One transaction that does nothing.
fn single() -> Value {
    json!([{
        "id": "tx1", "intent_name": "transfer",
        "accounts": { "alice": { "balance": 1000 }, "bob": { "balance": 500 } },
        "operations": [], "verify_conditions": [],
    }])
}

fn transfer(id: &str, from: (&str, i64), to: (&str, i64), amount: i64) -> Value {
    json!({
        "id": id, "intent_name": "transfer",
        "accounts": { from.0: { "balance": from.1 }, to.0: { "balance": to.1 } },
        "operations": [{ "type": "transfer", "from": from.0, "to": to.0, "amount": amount }],
        "verify_conditions": [],
    })
}

fn run(sandbox: &Sandbox, batch: &Value) -> Output {
    sandbox.write("batch.json", batch.to_string());
    sandbox.aethel(&["run", "batch.json", "--ledger", "l.redb"])
}

#[test]
fn the_three_usage_examples_of_the_protocol_document() {
    let unit = |whole: i64| format!("{whole}.000000000");
    // 1: the trader pays, the pool receives; ten traders per pool.
    let sandbox = Sandbox::new();
    run(&sandbox, &exchange()).fine();
    for i in 0..100 {
        assert_eq!(sandbox_balance(&sandbox, &format!("trader_{i}")), unit(9_900));
        if i >= 10 {
            continue;
        }
        assert_eq!(sandbox_balance(&sandbox, &format!("pool_{i}")), unit(1_001_000));
    }
    // 2: everybody has 8500, the company 1 500 000.
    let sandbox = Sandbox::new();
    run(&sandbox, &payroll()).fine();
    let all = sandbox.balances("l.redb");
    for row in all["accounts"].as_array().unwrap() {
        let expected = match row["account"].as_str().unwrap() {
            "company" => unit(1_500_000),
            "equity:opening" => unit(-10_000_000),
            _ => unit(8_500),
        };
        assert_eq!(row["balance"], expected.as_str(), "{row}");
    }
    assert_eq!(all["accounts"].as_array().unwrap().len(), 1002);
    // 3: nothing to do is done.
    let sandbox = Sandbox::new();
    run(&sandbox, &single()).fine().says("committed");
    assert_eq!(sandbox_balance(&sandbox, "alice"), unit(1000));
    assert_eq!(sandbox_balance(&sandbox, "bob"), unit(500));
}

fn sandbox_balance(sandbox: &Sandbox, account: &str) -> String {
    sandbox.balance("l.redb", account, "unit")
}

#[test]
fn each_run_twice_moves_nothing_twice() {
    for batch in [exchange(), payroll(), single()] {
        let sandbox = Sandbox::new();
        run(&sandbox, &batch).fine();
        let before = sandbox.balances("l.redb");
        let again = run(&sandbox, &batch).fine();
        assert!(
            again.first_line().contains("nothing paid: already committed"),
            "{}",
            again.stdout
        );
        assert_eq!(sandbox.balances("l.redb"), before);
    }
}

#[test]
fn a_balance_that_is_not_true_stops_the_batch() {
    let sandbox = Sandbox::new();
    run(&sandbox, &json!([transfer("t1", ("ann", 10), ("ben", 0), 4)])).fine();
    // Ann has 6 by now.
    run(&sandbox, &json!([transfer("t2", ("ann", 10), ("ben", 4), 1)]))
        .fails("AE0306")
        .says("ann");
    assert_eq!(sandbox_balance(&sandbox, "ann"), "6.000000000");
    run(&sandbox, &json!([transfer("t2", ("ann", 6), ("ben", 4), 1)])).fine();
    assert_eq!(sandbox_balance(&sandbox, "ann"), "5.000000000");
    // Two transactions of one list must agree too.
    let two = json!([
        transfer("t3", ("ann", 5), ("ben", 5), 1),
        transfer("t4", ("ann", 4), ("ben", 6), 1)
    ]);
    run(&sandbox, &two).fails("AE0306");
    assert_eq!(sandbox_balance(&sandbox, "ann"), "5.000000000");
}

#[test]
fn conditions_are_held_to() {
    let with = |condition: &str| {
        let mut batch = json!([transfer("t1", ("ann", 10), ("ben", 0), 4)]);
        batch[0]["verify_conditions"] = json!([condition]);
        batch
    };
    let sandbox = Sandbox::new();
    let unmet = run(&sandbox, &with("ann.balance >= 7")).ends(1);
    assert!(
        unmet.stdout.contains("AE0506") || unmet.stdout.contains("AE0501"),
        "{}",
        unmet.stdout
    );
    run(&sandbox, &with("ann.balanse >= 7")).ends(1);
    run(&sandbox, &with("ann.balance >= ")).ends(1);
    assert!(!sandbox.file("l.redb").exists());
    run(&sandbox, &with("ann.balance == old(ann.balance) - 4")).fine();
    assert_eq!(sandbox_balance(&sandbox, "ann"), "6.000000000");
}

#[test]
fn dependencies_order_the_batch_and_a_cycle_is_named() {
    let sandbox = Sandbox::new();
    let list = |depends: [&[&str]; 3]| {
        let mut list = json!([
            transfer("c", ("ben", 0), ("cat", 0), 3),
            transfer("b", ("ann", 5), ("ben", 0), 3),
            transfer("a", ("cat", 0), ("dan", 0), 3),
        ]);
        for (item, names) in list.as_array_mut().unwrap().iter_mut().zip(depends) {
            item["depends_on"] = json!(names);
        }
        list
    };
    // As written, ben has nothing yet.
    run(&sandbox, &list([&[], &[], &[]])).ends(1);
    let cycle = run(&sandbox, &list([&["b"], &["a"], &["c"]])).fails("AE0401");
    for name in ["`a`", "`b`", "`c`"] {
        assert!(cycle.stdout.contains(name), "{}", cycle.stdout);
    }
    run(&sandbox, &list([&["b"], &["z"], &[]])).ends(1).says("z");
    assert!(!sandbox.file("l.redb").exists());
    run(&sandbox, &list([&["b"], &[], &["c"]])).fine();
    assert_eq!(sandbox_balance(&sandbox, "dan"), "3.000000000");
}

#[test]
fn too_little_money_says_whose_how_much_and_where() {
    let sandbox = Sandbox::new();
    let list = json!([
        transfer("first", ("ann", 10), ("ben", 0), 7),
        transfer("second", ("ann", 10), ("ben", 0), 4)
    ]);
    sandbox.write("batch.json", format!("{list:#}"));
    let output = sandbox.aethel(&["run", "batch.json"]).fails("AE0501");
    crate::support::snapshot!("fails_list", output.shown());
    assert_eq!(
        output.first_line(),
        "error[AE0501] guard-failed: `second`: ann has too little"
    );
    for part in ["`second` comes from here", "1.00 unit short"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
}

#[test]
fn a_failure_anywhere_moves_nothing() {
    let sandbox = Sandbox::new();
    let mut batch = payroll();
    batch[999]["operations"][0]["amount"] = json!(8501);
    run(&sandbox, &batch).fails("AE070");
    batch[999]["operations"][0]["amount"] = json!(10_000_000);
    batch[999]["operations"][1]["amount"] = json!(10_000_000);
    run(&sandbox, &batch).ends(1);
    assert!(!sandbox.file("l.redb").exists());
}

#[test]
fn p18_a_program_and_a_list_of_the_same_payments_give_the_same() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll_1000.ae", "--ledger", "ae.redb"])
        .fine();
    let staff = sandbox.read("staff.csv");
    let pay = |(index, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        json!({
            "id": format!("p{index}"), "intent_name": "pay",
            "accounts": { "company": { "balance": "10000000.00" }, cells[0]: { "balance": "0" } },
            "operations": [{ "type": "transfer", "from": "company", "to": cells[0], "amount": cells[2] }],
        })
    };
    let transactions: Vec<Value> = staff.lines().skip(1).enumerate().map(pay).collect();
    let batch = json!({ "name": "monthly_payroll", "assets": { "USD": 2 }, "transactions": transactions });
    sandbox.write("list.json", batch.to_string());
    sandbox
        .aethel(&["run", "list.json", "--ledger", "json.redb"])
        .fine();
    assert_eq!(sandbox.balances("ae.redb"), sandbox.balances("json.redb"));
}

#[test]
fn floats_and_doubled_keys_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "batch.json",
        r#"[{"id": "t", "accounts": {"a": {"balance": 1.5}, "b": {"balance": 0}}, "operations": []}]"#,
    );
    sandbox.aethel(&["run", "batch.json"]).fails("AE0907");
    sandbox.write(
        "batch.json",
        r#"[{"id": "t", "id": "u", "accounts": {}, "operations": []}]"#,
    );
    sandbox.aethel(&["run", "batch.json"]).fails("AE0908");
}

#[test]
fn flags_for_programs_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("list.json", "[]");
    for flag in [
        ["--inputs", "x.json"],
        ["--bind", "a.b=c"],
        ["--arg", "a.b=1"],
        ["--batch", "b"],
        ["--intent", "i"],
    ] {
        sandbox
            .aethel(&["run", "list.json", flag[0], flag[1]])
            .ends(2)
            .says("AE0911");
    }
}
