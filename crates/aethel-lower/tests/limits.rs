//! Sizes: what is large is still quick, what is too large is said.

use crate::support::{lower, show};
use aethel_ir::SourceMap;
use aethel_lower::{Inputs, MAX_ROW_BYTES, MAX_VALUES, Purpose, lower_json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Far above what a linear lowering takes in a debug build on a busy machine, far below what a quadratic one does.
const LIMIT: Duration = Duration::from_secs(30);

/// How many of a thing are many; a debug build takes most of its time for parsing them.
const LARGE: usize = if cfg!(debug_assertions) { 5_000 } else { 20_000 };

const PAY: &str = "intent pay(a: Account, b: Account, amount: Balance) {
    guard { a.balance >= amount; amount >= 0; }
    verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }
}\n";

fn quick(
    what: &str,
    text: &str,
    inputs: &str,
    files: &[(&str, &str)],
    purpose: Purpose,
) -> (usize, Vec<String>) {
    let start = Instant::now();
    let (lowered, diagnostics, sources) = lower(text, inputs, files, purpose);
    let took = start.elapsed();
    println!("{what}: {took:?}");
    assert!(took < LIMIT, "{what} took {took:?}");
    let errors = diagnostics.iter().filter(|d| d.is_error());
    (
        lowered.iter().map(|l| l.batch.len()).sum(),
        errors.map(|d| show(d, &sources)).collect(),
    )
}

fn repeat(count: usize, mut line: impl FnMut(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut out, i| {
        out += &line(i);
        out.push('\n');
        out
    })
}

#[test]
fn many_intents_in_a_batch() {
    let intents = repeat(LARGE, |i| {
        format!(
            "intent i{i}(a: Account, b: Account, x: Balance, unused: Rate) {{ guard {{ x >= 0; }} verify {{ a.balance == a.balance - x; b.balance == b.balance + x; }} }}"
        )
    });
    let text = format!("atomic_batch b {{ {intents} }}");
    let args = repeat(LARGE, |i| format!("\"i{i}.x\": {i}, \"b.i{i}.unused\": 1,"));
    let inputs = format!("{{\"args\": {{{} \"i0.unused\": 1}}}}", args);
    for purpose in [Purpose::Run, Purpose::Check] {
        assert_eq!(quick("intents", &text, &inputs, &[], purpose), (LARGE, vec![]));
    }
}

#[test]
fn many_calls_with_labels_and_after() {
    let calls = repeat(LARGE, |i| {
        let after = if i == 0 {
            String::new()
        } else {
            format!("after c{}", i - 1)
        };
        format!("c{i}: pay(company, e{i}, {i}) {after};")
    });
    let all: Vec<String> = (0..LARGE).map(|i| format!("c{i}")).collect();
    let text = format!(
        "{PAY}atomic_batch b {{ {calls} last: pay(x, y, 1) after {}; }}",
        all.join(", ")
    );
    assert_eq!(
        quick("calls", &text, "{}", &[], Purpose::Run),
        (LARGE + 1, vec![])
    );
}

#[test]
fn many_rows() {
    let text = format!(
        "{PAY}atomic_batch b {{ for row in \"r.csv\" {{ pay(company, row.account, row.salary); }} }}"
    );
    let rows = repeat(100_000, |i| format!("e{i},{i}.50"));
    let accounts = repeat(50_000, |i| format!("e{i},1"));
    let csv = format!("account,salary\n{rows}");
    assert_eq!(
        quick("rows", &text, "{}", &[("r.csv", &csv)], Purpose::Run),
        (100_000, vec![])
    );
    let start = Instant::now();
    let mut inputs = Inputs::default();
    let mut sources = SourceMap::default();
    let csv = format!("account,balance\n{accounts}");
    let source = sources.add("o.csv", csv.as_str());
    inputs.add_accounts_csv(source, csv.into()).unwrap();
    assert_eq!(inputs.account_lines().count(), 50_000);
    assert!(start.elapsed() < LIMIT);
}

#[test]
fn a_long_guard() {
    let lines = repeat(5_000, |i| {
        if i % 2 == 0 {
            format!("let v{i} = a.balance + {i};")
        } else {
            format!("v{} + x >= {i};", i - 1)
        }
    });
    let params = repeat(2_000, |i| format!(", p{i}: Account, n{i}: Number"));
    let uses = repeat(2_000, |i| {
        format!("n{i} == {i}; p{i}_balance >= n{} * x;", (i + 1) % 2_000)
    });
    let text = format!("intent t(a: Account, x: Balance {params}) {{ guard {{ x >= 0; {lines} {uses} }} verify {{ a.balance == a.balance + x; }} }}
        atomic_batch b {{ t(a, x: 1); }}");
    for purpose in [Purpose::Run, Purpose::Check] {
        assert_eq!(quick("guard", &text, "{}", &[], purpose), (1, vec![]));
    }
}

#[test]
fn many_assets_and_fields() {
    let declared = repeat(5_000, |i| {
        format!("asset A{i} {{ scale: 2; }} field f{i}: Integer;")
    });
    let lines = repeat(5_000, |i| format!("a.f{i} == a.f{i} + 1; a.a{i}_balance >= 0;"));
    let calls = repeat(20, |i| format!("t(a{i});"));
    let text = format!(
        "{declared} intent t(a: Account<A7>) {{ verify {{ {lines} }} }} atomic_batch b {{ {calls} }}"
    );
    assert_eq!(quick("fields", &text, "{}", &[], Purpose::Run), (20, vec![]));
}

#[test]
fn many_mistakes_are_quick_and_capped() {
    let calls = repeat(LARGE, |i| format!("c{i}: pai{i}(company, e{i}, {i}) after d{i};"));
    let intents = repeat(LARGE, |i| {
        format!(
            "intent pay{}(a: Account) {{ guard {{ a.balance >= 0; nope{i} > 0; }} }}",
            40_000 + i
        )
    });
    for text in [
        format!("{PAY}{intents}atomic_batch b {{ {calls} }}"),
        format!(
            "{PAY}atomic_batch b {{ {} }}",
            repeat(LARGE, |i| format!("c{i}: pay(x, y, 1) after d{i};"))
        ),
        format!(
            "{PAY}atomic_batch b {{ {} }}",
            repeat(LARGE, |i| format!("pay(x, y, amuont{i}: 1);"))
        ),
        repeat(LARGE, |i| format!("const C{i} = D{i};")) + PAY,
        repeat(LARGE / 2, |i| {
            format!("asset A{i} {{ scale: 99; }} asset A{i} {{ scale: 2; }}")
        }) + PAY,
    ] {
        let (_, errors) = quick("mistakes", &text, "{}", &[], Purpose::Check);
        assert!((1..=201).contains(&errors.len()), "{}", errors.len());
    }
    let args = repeat(LARGE, |i| format!("\"x.y{i}\": 1,"));
    let intents = repeat(LARGE, |i| {
        format!("intent pay{i}(a: Account) {{ guard {{ a.balance >= 0; }} }}")
    });
    let (_, errors) = quick(
        "settings",
        &intents,
        &format!("{{\"args\": {{{args} \"x.y\": 1}}}}"),
        &[],
        Purpose::Check,
    );
    assert_eq!(errors.len(), 200);
}

fn payment(i: usize, conditions: &str) -> String {
    format!(
        r#"{{"id": "p{i}", "accounts": {{"company": {{"balance": 100000}}, "e{i}": {{"balance": 0}}}},
        "operations": [{{"type": "debit", "account": "company", "amount": 1}}, {{"type": "credit", "account": "e{i}", "amount": 1}}],
        "verify_conditions": [{conditions}]}}"#
    )
}

fn json(
    what: &str,
    transactions: Vec<String>,
) -> Result<aethel_lower::LoweredBatch, Vec<aethel_ir::Diagnostic>> {
    let text = format!("[{}]", transactions.join(","));
    let source = SourceMap::default().add("b.json", text.as_str());
    let start = Instant::now();
    let lowered = lower_json(source, &text, "b");
    println!("{what}: {:?}", start.elapsed());
    assert!(start.elapsed() < LIMIT, "{what} took {:?}", start.elapsed());
    if let Ok(lowered) = &lowered {
        lowered.batch.validate().unwrap();
    }
    lowered
}

#[test]
fn many_json_transactions() {
    let lowered = json("one shape", (0..50_000).map(|i| payment(i, "")).collect()).unwrap();
    assert_eq!((lowered.batch.len(), lowered.batch.intents.len()), (50_000, 1));
    let own = |i: usize| payment(i, &format!("\"e{i}.balance == old(e{i}.balance) + 1\""));
    let lowered = json("own conditions", (0..2_000).map(own).collect()).unwrap();
    assert_eq!(lowered.batch.intents.len(), 2_000);
    let lost =
        |i: usize| payment(i, "").replace("\"verify", &format!("\"depends_on\": [\"q{i}\"], \"verify"));
    assert_eq!(
        json("lost", (0..50_000).map(lost).collect()).unwrap_err().len(),
        50
    );
}

#[test]
fn many_operations_in_one_json_transaction() {
    let (mut accounts, mut operations) = (String::from("\"company\": {\"balance\": 100000}"), String::new());
    for i in 0..20_000 {
        let _ = write!(accounts, ", \"e{i}\": {{\"balance\": 0}}");
        let _ = write!(
            operations,
            "{{\"type\": \"transfer\", \"from\": \"company\", \"to\": \"e{i}\", \"amount\": {}}},",
            i % 9
        );
    }
    operations.pop();
    let one = |operations: &str| {
        vec![format!(
            "{{\"id\": \"t\", \"accounts\": {{{accounts}}}, \"operations\": [{operations}]}}"
        )]
    };
    let lowered = json("operations", one(&operations)).unwrap();
    let mut state = crate::support::State::new();
    crate::support::run(&lowered, &mut state).unwrap();
    let paid: i128 = (0..20_000).map(|i| i % 9).sum();
    assert_eq!(state["company unit"], (100_000 - paid) * 1_000_000_000);
    let ones = vec!["{\"type\": \"credit\", \"account\": \"company\", \"amount\": 1}"; 70_000].join(",");
    let problems = json("too many", one(&ones)).unwrap_err();
    assert_eq!(problems[0].code.id(), "AE0312", "{problems:?}");
}

#[test]
fn more_parts_than_can_be_numbered_are_refused() {
    let lines = |count: usize, line: &str| repeat(count, |i| line.replace('#', &i.to_string()));
    let intent = |guard: &str, verify: &str| {
        format!("intent t(a: Account) {{ guard {{ {guard} }} verify {{ {verify} }} }}")
    };
    let fields = lines(65_600, "field f#: Bool;");
    for (text, what) in [
        (
            intent(&lines(65_600, "let v# = a.balance;"), ""),
            "65600 named values",
        ),
        (
            intent(&lines(65_600, "a.balance >= #;"), ""),
            "65600 conditions in `guard`",
        ),
        (
            intent("", &lines(65_600, "a.balance >= #;")),
            "65600 conditions in `verify`",
        ),
        (fields + &intent("", "a.f1;"), "65601 assets and fields"),
    ] {
        let (batches, errors) = quick(what, &text, "{}", &[], Purpose::Check);
        assert!(
            batches == 0 && errors[0].contains(what) && errors[0].contains("AE0312"),
            "{errors:?}"
        );
    }
    let (_, errors) = quick(
        "just enough",
        &intent(&lines(65_535, "let v# = a.balance;"), ""),
        "{}",
        &[],
        Purpose::Check,
    );
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn deep_things_stay_valid() {
    let numbers: Vec<String> = (0..3_000).map(|i| i.to_string()).collect();
    let text = format!(
        "intent t(a: Account, x: Balance) {{ guard {{ x == max(a.balance, {}); }} verify {{ a.balance == x; }} }} atomic_batch b {{ t(a); }}",
        numbers.join(", ")
    );
    let got = crate::support::outcome(&text, r#"{"accounts": {"a": 5}}"#, &[]).unwrap();
    assert_eq!(got["a unit"], 2_999_000_000_000);
    let long = "_".repeat(100_000);
    let (_, errors) = quick(
        "underscores",
        &format!("intent t(a: Account) {{ guard {{ {long}balance >= 0; }} }}"),
        "{}",
        &[],
        Purpose::Check,
    );
    assert_eq!(errors.len(), 1);
}

#[test]
fn compiling_again_and_again_has_a_limit() {
    let lines = repeat(6_000, |i| {
        format!("n1 * n2 * n3 * n4 * n5 * n6 * n7 * n8 >= {i} - 1 - 1 - 1;")
    });
    let params = (1..9).map(|i| format!(", n{i}: Number")).collect::<String>();
    let calls = repeat(256, |set| {
        let given: Vec<String> = (0..8)
            .filter(|bit| set >> bit & 1 == 1)
            .map(|bit| format!(", n{}: 1", bit + 1))
            .collect();
        format!("pay(a: x{});", given.join(""))
    });
    let fixes = (1..9).map(|i| format!("n{i} == 1;")).collect::<String>();
    let text = format!(
        "intent pay(a: Account{params}) {{ guard {{ {fixes} {lines} }} }} atomic_batch b {{ {calls} }}"
    );
    let (_, errors) = quick("variants", &text, "{}", &[], Purpose::Run);
    assert!(errors[0].contains("AE0312"), "{errors:?}");
}

const STAFF: &str = "intent pay(a: Account, b: Account, x: Balance) {
    guard { a.balance >= x; }
    verify { a.balance == a.balance - x; b.balance == b.balance + x; }
}
atomic_batch b { for row in \"staff.csv\" { pay(company, row.account, row.salary); } }";

fn rows(csv: &str) -> (usize, Vec<String>) {
    quick("rows", STAFF, "{}", &[("staff.csv", csv)], Purpose::Run)
}

#[test]
fn a_row_without_end_is_refused_before_it_is_held() {
    let pair = |text: &str| text.repeat(MAX_ROW_BYTES);
    let head = "account,salary\n";
    for (csv, line) in [
        (pair(",,"), 1),
        (pair("aa"), 1),
        (pair("\"\""), 1),
        (format!("{head}ann,1\n\"{}", pair("b\n")), 3),
        (format!("{head}ann,1\nben,{}\ncid,3\n", pair("00")), 3),
    ] {
        let (count, errors) = rows(&csv);
        assert_eq!(count, 0);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains("this row is longer than 1048576 bytes"),
            "{errors:?}"
        );
        assert!(errors[0].contains(&format!("staff.csv:{line}:1")), "{errors:?}");
    }
}

#[test]
fn a_long_row_is_read() {
    let note = "é".repeat(MAX_ROW_BYTES / 4);
    let csv = format!("account,note,salary\nann,{note},1\nben,\"{note}\",2\n");
    assert_eq!(rows(&csv), (2, vec![]));
}

#[test]
fn too_many_json_values_are_refused_before_they_are_held() {
    let text = format!("[{}0]", "0,".repeat(MAX_VALUES));
    let mut sources = SourceMap::default();
    let source = sources.add("list.json", text.as_str());
    let Err(list) = lower_json(source, &text, "list") else {
        panic!("read")
    };
    let Err(inputs) = Inputs::from_json(source, &text) else {
        panic!("read")
    };
    for error in [&list[0], &inputs[0]] {
        assert_eq!(
            error.message,
            "about 16777217 values, at most 16777216 can be read"
        );
    }
}
