//! `aethel run` on the examples and on their failing twins.

use crate::support::{Sandbox, redact, snapshot};
use aethel::ir::Rational;
use serde_json::{Value, json};

/// Every example that runs by itself.
pub const EXAMPLES: [&str; 4] = ["payroll.ae", "payroll_1000.ae", "exchange.ae", "settlement.ae"];

fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> Rational {
    amounts.fold(Rational::ZERO, |sum, text| {
        sum.add(&Rational::parse_decimal(text).unwrap()).unwrap()
    })
}

/// `staff.csv` as (account, salary).
fn staff() -> Vec<(String, String)> {
    let text = include_str!("../examples/staff.csv");
    let rows = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|row| (row[0].to_owned(), row[2].to_owned())).collect()
}

#[test]
fn every_example_as_a_person_sees_it() {
    for example in EXAMPLES {
        let sandbox = Sandbox::with_examples();
        let name = format!("run_{}", example.trim_end_matches(".ae"));
        snapshot!(name, sandbox.aethel(&["run", example]).fine().shown());
    }
}

#[test]
fn every_failing_twin_says_who_what_and_where() {
    for (name, arguments, id) in [
        ("bonus", &["run", "failing/bonus.ae"][..], "AE0701"),
        (
            "settlement_loop",
            &["run", "failing/settlement_loop.ae", "--open-accounts"],
            "AE0401",
        ),
        (
            "payroll_1000",
            &[
                "run",
                "payroll_1000.ae",
                "--inputs",
                "failing/payroll_1000.inputs.json",
            ],
            "AE0501",
        ),
    ] {
        let sandbox = Sandbox::with_examples();
        let output = sandbox.aethel(arguments).fails(id);
        snapshot!(format!("fails_{name}"), output.shown());
        assert_eq!(
            sandbox.list(".aethel"),
            [""; 0],
            "a failed first batch leaves no ledger"
        );
    }
}

#[test]
fn one_cent_short_names_the_payer_the_sum_and_the_line() {
    let sandbox = Sandbox::with_examples();
    let short = [
        "run",
        "payroll_1000.ae",
        "--inputs",
        "failing/payroll_1000.inputs.json",
    ];
    let output = sandbox.aethel(&short).fails("AE0501");
    for part in ["company", "0.01", "payroll_1000.ae:9", "staff.csv"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
}

#[test]
fn every_employee_gets_exactly_the_salary_of_the_list() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll_1000.ae", "--ledger", "l.redb"])
        .fine();
    let rows = sandbox.balances("l.redb");
    let balance = |name: &str| {
        let of = |row: &&Value| row["account"] == name;
        let found: Vec<_> = rows["accounts"].as_array().unwrap().iter().filter(of).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]["balance"].as_str().unwrap().to_owned()
    };
    let staff = staff();
    assert_eq!(staff.len(), 1000);
    for (name, salary) in &staff {
        assert_eq!(balance(name), *salary, "{name}");
    }
    let paid = sum(staff.iter().map(|(_, salary)| salary.as_str()));
    let opening = Rational::parse_decimal("10000000.00").unwrap();
    assert_eq!(
        Rational::parse_decimal(&balance("company")),
        opening.sub(&paid).ok()
    );
    // Nobody else has anything, and all accounts together hold what they held before: nothing.
    let all = rows["accounts"].as_array().unwrap();
    assert_eq!(
        all.len(),
        1002,
        "the staff, the company, and where openings come from"
    );
    assert!(sum(all.iter().map(|row| row["balance"].as_str().unwrap())).is_zero());
}

#[test]
fn one_cent_short_changes_nothing() {
    let short = [
        "run",
        "payroll_1000.ae",
        "--inputs",
        "short.json",
        "--ledger",
        "l.redb",
    ];
    let inputs = |sandbox: &Sandbox, balance: &str| {
        let inputs = json!({ "accounts": { "company": balance }, "open_accounts": true });
        sandbox.write("short.json", inputs.to_string());
    };
    // A new ledger: there is none afterwards.
    let sandbox = Sandbox::with_examples();
    inputs(&sandbox, "8371999.99");
    let before = sandbox.list("");
    sandbox.aethel(&short).fails("AE0501");
    assert_eq!(sandbox.list(""), before);
    // A ledger that has the company: it says the same byte for byte. With the cent, all are paid.
    let import = [
        "ledger",
        "import",
        "company.csv",
        "--asset",
        "USD:2",
        "--ledger",
        "l.redb",
    ];
    sandbox.write("company.csv", "account,asset,balance\ncompany,USD,8371999.99\n");
    sandbox.aethel(&import).fine();
    let said = || {
        ["show", "batches", "policy", "verify"].map(|command| {
            sandbox
                .aethel(&["ledger", command, "--ledger", "l.redb", "-o", "json"])
                .fine()
                .stdout
        })
    };
    let before = said();
    sandbox.aethel(&short).fails("AE0501");
    assert_eq!(said(), before);
    inputs(&sandbox, "8372000.00");
    sandbox
        .aethel(&[
            "run",
            "payroll_1000.ae",
            "--inputs",
            "short.json",
            "--ledger",
            "new.redb",
        ])
        .fine();
    assert_eq!(sandbox.balance("new.redb", "company", "USD"), "0.00");
}

#[test]
fn a_second_run_pays_nobody_twice() {
    for example in EXAMPLES {
        let sandbox = Sandbox::with_examples();
        sandbox.aethel(&["run", example, "--ledger", "l.redb"]).fine();
        let before = sandbox.balances("l.redb");
        let again = sandbox.aethel(&["run", example, "--ledger", "l.redb"]).fine();
        assert!(
            again
                .first_line()
                .contains("nothing paid: already committed on 20"),
            "{}",
            again.stdout
        );
        assert_eq!(sandbox.balances("l.redb"), before);
        let json = sandbox
            .aethel(&["run", example, "--ledger", "l.redb", "-o", "json"])
            .fine()
            .json();
        assert_eq!(json["batches"][0]["already_committed"], true);
        assert_eq!(json["batches"][0]["transactions_executed"], 0);
    }
    // A comment does not make it another batch.
    let sandbox = Sandbox::with_examples();
    sandbox.aethel(&["run", "payroll.ae"]).fine();
    sandbox.write(
        "payroll.ae",
        format!("// reviewed\n{}", sandbox.read("payroll.ae")),
    );
    snapshot!("run_twice", sandbox.aethel(&["run", "payroll.ae"]).fine().shown());
}

#[test]
fn a_dry_run_changes_nothing() {
    let sandbox = Sandbox::with_examples();
    let before = sandbox.list("");
    let output = sandbox.aethel(&["run", "payroll.ae", "--dry-run"]).fine();
    snapshot!("run_dry", output.shown());
    assert_eq!(sandbox.list(""), before);
    // On a ledger that is there, it shows what would happen next and leaves the file alone.
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    let file = std::fs::read(sandbox.file("l.redb")).unwrap();
    let dry = [
        "run",
        "payroll.ae",
        "--ledger",
        "l.redb",
        "--dry-run",
        "--key",
        "next",
        "-o",
        "json",
    ];
    let json = sandbox.aethel(&dry).fine().json();
    assert_eq!(json["batches"][0]["success"], true);
    assert_eq!(json["batches"][0]["dry_run"], true);
    let after = json["batches"][0]["balances"].as_array().unwrap();
    let company = after.iter().find(|row| row["account"] == "company").unwrap();
    assert_eq!(
        (&company["before"], &company["after"]),
        (&json!("7500.000000000"), &json!("5000.000000000"))
    );
    assert!(
        std::fs::read(sandbox.file("l.redb")).unwrap() == file,
        "the file changed"
    );
}

#[test]
fn again_pays_once_more_and_repeating_that_pays_nobody() {
    let sandbox = Sandbox::with_examples();
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", "payroll.ae", "--ledger", "l.redb", "-o", "json"];
        arguments.extend(more);
        sandbox.aethel(&arguments)
    };
    let receipt = run(&[]).fine().json()["batches"][0]["receipt"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "1000.000000000");
    for repeated in [false, true, true] {
        let json = run(&["--again", &receipt]).fine().json();
        assert_eq!(json["batches"][0]["already_committed"], repeated);
        assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "2000.000000000");
    }
    // The short form that people see works too, and names the same batch.
    let batches = sandbox
        .aethel(&["ledger", "batches", "--ledger", "l.redb"])
        .fine();
    assert_eq!(batches.stdout.lines().count(), 2);
    let json = run(&["--again", &receipt[..8]]).fine().json();
    assert_eq!(json["batches"][0]["already_committed"], true);
    // A receipt of another batch, or none at all, is a mistake in the command.
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb", "--again", "00000000"])
        .ends(2)
        .says("AE0807");
    let other = ["run", "settlement.ae", "--ledger", "l.redb", "--again", &receipt];
    sandbox.aethel(&other).ends(2).says("AE0807");
    assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "2000.000000000");
}

#[test]
fn a_key_says_what_is_the_same_batch() {
    let sandbox = Sandbox::with_examples();
    let run = |key: &str| sandbox.aethel(&["run", "payroll.ae", "--ledger", "l.redb", "--key", key]);
    run("2026-03").fine();
    assert!(run("2026-03").fine().first_line().contains("nothing paid"));
    assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "1000.000000000");
    run("2026-04").fine();
    assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "2000.000000000");
    // The same month with another amount is not the same payroll.
    sandbox.write(
        "payroll.ae",
        sandbox
            .read("payroll.ae")
            .replace("amount == 1500", "amount == 1501"),
    );
    let output = run("2026-04").fails("AE0806");
    snapshot!("fails_key_reused", output.shown());
    assert_eq!(sandbox.balance("l.redb", "bob", "unit"), "3000.000000000");
    for bad in ["", "a\nb", &"x".repeat(129)] {
        run(bad).ends(2).says("AE0911");
    }
}

const PAY: &str = "asset USD { scale: 2; }
intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard { amount > 0; from.balance >= amount; }
    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }
}
";

#[test]
fn an_intent_alone_with_arguments_and_bindings() {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    let inputs = r#"{"accounts": {"ann": "10.00", "ben": "0.00"}}"#;
    let run = |more: &[&str]| {
        let mut arguments = vec![
            "run", "pay.ae", "--intent", "pay", "--inputs", "-", "--ledger", "l.redb",
        ];
        arguments.extend(more);
        sandbox.aethel_with(&arguments, inputs.as_bytes())
    };
    let all = [
        "--bind",
        "pay.from=ann",
        "--bind",
        "pay.to=ben",
        "--arg",
        "pay.amount=2.50",
    ];
    run(&all).fine();
    assert_eq!(sandbox.balance("l.redb", "ann", "USD"), "7.50");
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "2.50");
    // The same again is the same batch; another amount is another one.
    assert!(run(&all).fine().first_line().contains("nothing paid"));
    run(&[
        "--bind",
        "pay.from=ann",
        "--bind",
        "pay.to=ben",
        "--arg",
        "pay.amount=0.01",
    ])
    .fine();
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "2.51");
    // Each mistake in a flag has its own answer.
    run(&[
        "--bind",
        "pay.from=ann",
        "--bind",
        "pay.to=ann",
        "--arg",
        "pay.amount=1",
    ])
    .fails("AE0507");
    run(&["--bind", "pay.frm=ann"])
        .fails("AE0905")
        .says("did you mean `pay.from`");
    run(&[
        "--bind",
        "pay.from=ann",
        "--bind",
        "pay.to=ben",
        "--arg",
        "pay.amount=1.001",
    ])
    .fails("AE0309");
    run(&[
        "--bind",
        "pay.from=ann",
        "--bind",
        "pay.to=bem",
        "--arg",
        "pay.amount=1",
    ])
    .fails("AE0305")
    .says("did you mean `ben`");
    sandbox.aethel(&["run", "pay.ae"]).fails("AE0314");
    sandbox
        .aethel(&["run", "pay.ae", "--intent", "pai"])
        .fails("AE0314")
        .says("did you mean `pay`");
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "2.51");
}

/// Three batches; the second one asks for more than is there.
fn three(second: &str) -> String {
    format!(
        "{PAY}atomic_batch first {{ pay(ann, ben, 1.00); }}
atomic_batch second {{ pay(ann, ben, {second}); }}
atomic_batch third {{ pay(ann, ben, 3.00); }}
"
    )
}

#[test]
fn batches_stop_at_the_first_that_fails_and_keep_the_earlier_ones() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "days.inputs.json",
        r#"{"accounts": {"ann": "10.00", "ben": "0.00"}}"#,
    );
    sandbox.write("days.ae", three("200.00"));
    let output = sandbox
        .aethel(&["run", "days.ae", "--ledger", "l.redb"])
        .fails("AE0501");
    snapshot!("fails_second_batch", output.shown());
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "1.00");
    // Mended, the first is not paid again and the others are.
    sandbox.write("days.ae", three("2.00"));
    let json = sandbox
        .aethel(&["run", "days.ae", "--ledger", "l.redb", "-o", "json"])
        .fine()
        .json();
    let done: Vec<_> = json["batches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["already_committed"])
        .collect();
    assert_eq!(done, [&json!(true), &json!(false), &json!(false)]);
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "6.00");
}

#[test]
fn one_batch_of_several() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "days.inputs.json",
        r#"{"accounts": {"ann": "10.00", "ben": "0.00"}}"#,
    );
    sandbox.write("days.ae", three("200.00"));
    sandbox
        .aethel(&["run", "days.ae", "--ledger", "l.redb", "--batch", "third"])
        .fine();
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "3.00");
    sandbox
        .aethel(&["run", "days.ae", "--ledger", "l.redb", "--batch", "thrid"])
        .fails("AE0314")
        .says("did you mean `third`");
    sandbox
        .aethel(&["run", "days.ae", "--batch", "third", "--intent", "pay"])
        .ends(2);
}

#[test]
fn json_says_what_the_ledger_says() {
    for example in EXAMPLES {
        let sandbox = Sandbox::with_examples();
        let json = sandbox
            .aethel(&["run", example, "--ledger", "l.redb", "-o", "json"])
            .fine()
            .json();
        let batch = &json["batches"][0];
        assert_eq!(
            (&json["schema"], &json["diagnostics"]),
            (&json!(1), &json!([])),
            "{example}"
        );
        assert_eq!((&batch["success"], &batch["sequence"]), (&json!(true), &json!(1)));
        assert_eq!(batch["stages"].as_array().unwrap().len(), 6);
        let shown = sandbox.balances("l.redb");
        let shown = shown["accounts"].as_array().unwrap();
        let changed = batch["balances"].as_array().unwrap();
        assert!(!changed.is_empty());
        for change in changed {
            let same = |row: &&Value| row["account"] == change["account"] && row["asset"] == change["asset"];
            let row = shown
                .iter()
                .find(same)
                .unwrap_or_else(|| panic!("{change} is not shown"));
            assert_eq!(row["balance"], change["after"], "{example}: {change}");
        }
        let batches = ["ledger", "batches", "--ledger", "l.redb", "-o", "json"];
        let journal = sandbox.aethel(&batches).fine().json();
        assert_eq!(journal["batches"][0]["receipt"], batch["receipt"]);
        assert_eq!(journal["batches"][0]["content"], batch["content_hash"]);
    }
}

#[test]
fn a_failure_in_json_has_its_place() {
    let sandbox = Sandbox::with_examples();
    let json = sandbox
        .aethel(&["run", "failing/bonus.ae", "-o", "json"])
        .ends(1)
        .json();
    // Refused before it ran.
    assert_eq!(json["batches"], serde_json::json!([]));
    let diagnostic = &json["diagnostics"][0];
    assert_eq!(
        (&diagnostic["code"], &diagnostic["severity"]),
        (&json!("AE0701"), &json!("error"))
    );
    assert_eq!(diagnostic["file"], "failing/bonus.ae");
    assert_eq!(diagnostic["line"], 24, "{diagnostic:#}");
}

#[test]
fn a_program_on_standard_input() {
    let sandbox = Sandbox::new();
    sandbox.write("in.json", r#"{"accounts": {"ann": "10.00", "ben": "0.00"}}"#);
    let program = format!("{PAY}atomic_batch first {{ pay(ann, ben, 1.00); }}");
    let arguments = ["run", "-", "--inputs", "in.json", "--ledger", "l.redb"];
    sandbox.aethel_with(&arguments, program.as_bytes()).fine();
    assert_eq!(sandbox.balance("l.redb", "ben", "USD"), "1.00");
}

#[test]
fn the_ledger_is_found_where_it_is_said_to_be() {
    let sandbox = Sandbox::with_examples();
    sandbox.aethel(&["run", "payroll.ae"]).fine();
    assert_eq!(sandbox.list(".aethel"), ["ledger.redb"]);
    sandbox.write("aethel.toml", "[run]\nledger = \"books/main.redb\"\n");
    sandbox.aethel(&["run", "payroll.ae"]).fine();
    assert_eq!(sandbox.list("books"), ["main.redb"]);
    let mut command = sandbox.command(&["run", "payroll.ae"]);
    command.env("AETHEL_LEDGER", "env.redb");
    crate::support::finish(command, b"").fine();
    assert!(sandbox.file("env.redb").is_file());
}

#[test]
fn times_and_hashes_are_redacted() {
    let text = "  ③ execution     1 000 transactions on 2 threads: enough work    12.3 ms\non 2026-03-31 as 3f9a 71c2\n";
    assert_eq!(
        redact(text),
        "  ③ execution     1 000 transactions on [threads]  [time]\non [date] as [receipt]\n"
    );
}

#[test]
fn reasons_for_threads_are_told_on_request() {
    let run = |more: &[&str]| {
        let sandbox = Sandbox::with_examples();
        let arguments = [&["run", "payroll_1000.ae"], more].concat();
        sandbox.aethel(&arguments).fine()
    };
    let told = run(&["-v", "--threads", "1"]).stdout;
    let asked = |mark| format!("  {mark} on 1 thread: 1 asked for\n");
    for mark in ["①", "②", "③", "④"] {
        assert!(told.contains(&asked(mark)), "{told}");
        assert!(!run(&["--threads", "1"]).stdout.contains(&asked(mark)));
    }
    let json = run(&["-o", "json", "--threads", "1"]).json();
    let stages = json["batches"][0]["stages"].as_array().unwrap();
    let threads: Vec<&Value> = stages.iter().map(|stage| &stage["threads"]).collect();
    let one = json!({"count": 1, "why": "1 asked for"});
    assert_eq!(threads, [&one, &one, &one, &one, &Value::Null, &Value::Null]);
}
