//! `aethel check`: what is proved of the examples, and what is found in programs that are wrong for some state or input.

use crate::support::{Sandbox, snapshot};
use aethel::ir::{Code, SourceMap};
use aethel::{CheckOptions, Program};
use serde_json::{Value, json};
use std::time::Duration;

/// A program of one intent that gives `amount` of the company away in rounded parts.
fn split(parts: &[&str], mode: &str) -> String {
    let accounts: Vec<String> = (0..parts.len()).map(|n| format!("p{n}")).collect();
    let parameters: Vec<String> = accounts
        .iter()
        .map(|name| format!("{name}: Account<USD>"))
        .collect();
    let given = accounts.iter().zip(parts);
    let given: Vec<String> = given
        .map(|(name, part)| format!("{name}.balance == {name}.balance + round(amount * {part}, {mode});"))
        .collect();
    format!(
        "asset USD {{ scale: 2; }}\n\nintent split(company: Account<USD>, {}, amount: Balance<USD>) {{\n    guard {{\n        \
         amount >= 0;\n        company.balance >= amount;\n    }}\n    verify {{\n        company.balance == \
         company.balance - amount;\n        {}\n    }}\n}}\n",
        parameters.join(", "),
        given.join("\n        ")
    )
}

/// The codes of a check in JSON.
fn codes(report: &Value) -> Vec<&str> {
    let all = report["diagnostics"].as_array().unwrap().iter();
    all.map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn examples_are_proved() {
    for name in [
        "payroll",
        "payroll_1000",
        "exchange",
        "settlement",
        "liquidations",
    ] {
        let sandbox = Sandbox::with_examples();
        let output = sandbox.aethel(&["check", &format!("{name}.ae")]).fine();
        output.says("proved, 0 refuted, 0 undecided");
        let output = sandbox.aethel(&["check", &format!("{name}.ae")]);
        snapshot!(format!("check_{name}"), output.shown());
    }
}

#[test]
fn failing_twins_are_refuted() {
    let sandbox = Sandbox::with_examples();
    let output = sandbox.aethel(&["check", "failing/bonus.ae"]);
    assert_eq!(output.code, 1);
    snapshot!("check_bonus", output.shown());
}

#[test]
fn several_programs_have_a_heading_each() {
    let sandbox = Sandbox::with_examples();
    let output = sandbox.aethel(&["check", "payroll.ae", "settlement.ae"]).fine();
    snapshot!("check_several", output.shown());
    let report = sandbox
        .aethel(&["check", "payroll.ae", "settlement.ae", "-o", "json"])
        .json();
    let files: Vec<&Value> = report["proofs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|proof| &proof["file"])
        .collect();
    assert_eq!(
        files,
        [
            "payroll.ae",
            "payroll.ae",
            "payroll.ae",
            "settlement.ae",
            "settlement.ae"
        ]
    );
}

#[test]
fn the_listing_of_the_protocol_document_is_proved_as_printed() {
    let sandbox = Sandbox::with_examples();
    let report = sandbox
        .aethel(&["check", "payroll.ae", "-o", "json"])
        .fine()
        .json();
    assert_eq!(codes(&report), Vec::<&str>::new());
    for proof in report["proofs"].as_array().unwrap() {
        assert_eq!((&proof["refuted"], &proof["undecided"]), (&json!([]), &json!([])));
        let proved = proof["proved"].as_array().unwrap();
        assert!(proved.contains(&json!("conserves unit")), "{proof}");
    }
    let requires = json!([{ "account": "company", "asset": "unit", "balance": "2500.000000000" }]);
    assert_eq!(report["proofs"][2]["requires"], requires);
}

#[test]
fn rounded_parts_that_do_not_add_up_are_found() {
    for (parts, mode, amount) in [
        (&["0.95", "0.05"][..], "half_up", Some("0.10")),
        (&["0.95", "0.05"], "down", Some("0.01")),
        (&["0.95", "0.05"], "half_even", None),
        (&["0.7", "0.2", "0.1"], "half_even", Some("0.02")),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("split.ae", split(parts, mode));
        let report = sandbox.aethel(&["check", "split.ae", "-o", "json"]).json();
        let Some(amount) = amount else {
            assert_eq!(codes(&report), Vec::<&str>::new(), "{parts:?} {mode}");
            continue;
        };
        let found = &report["diagnostics"][0];
        assert!(["AE0701", "AE0702"].contains(&found["code"].as_str().unwrap()));
        let example = found["counterexample"].as_str().unwrap();
        assert!(
            example.ends_with(&format!("with amount = {amount}   (replayed)")),
            "{example}"
        );
        let rest = parts[..parts.len() - 1].iter();
        let rest: Vec<String> = rest
            .map(|part| format!("round(amount * {part}, {mode})"))
            .collect();
        let remainder = format!("`amount - {}`", rest.join(" - "));
        assert!(found["help"].as_str().unwrap().contains(&remainder), "{found}");
    }
}

/// What a batch makes up for is a warning there, and an error where no batch does.
#[test]
fn a_leak_counts_where_it_is_not_made_up_for() {
    let intents = "asset USD { scale: 2; }\n\nintent take(a: Account<USD>) {\n    guard { a.balance >= 5; }\n    \
                   verify { a.balance == a.balance - 5; }\n}\n\nintent give(b: Account<USD>) {\n    verify { b.balance == \
                   b.balance + 5; }\n}\n";
    let check = |batch: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("p.ae", format!("{intents}{batch}"));
        let output = sandbox.aethel(&["check", "p.ae", "-o", "json"]);
        let report = output.json();
        let all = report["diagnostics"].as_array().unwrap().iter();
        let found = all.map(|d| {
            format!(
                "{} {}",
                d["severity"].as_str().unwrap(),
                d["code"].as_str().unwrap()
            )
        });
        (output.code, found.collect::<Vec<_>>())
    };
    let (code, found) = check("\natomic_batch both { take(a); give(b); }\n");
    assert_eq!(
        (code, found),
        (0, vec!["warning AE0702".into(), "warning AE0701".into()])
    );
    let (code, found) = check("\natomic_batch both { take(a); give(b); give(c); }\n");
    assert_eq!(
        (code, found),
        (1, vec!["error AE0702".into(), "error AE0701".into()])
    );
    let (code, found) = check("");
    assert_eq!(
        (code, found),
        (1, vec!["error AE0702".into(), "error AE0701".into()])
    );
}

#[test]
fn an_answer_that_is_known_needs_no_solver() {
    let sandbox = Sandbox::with_examples();
    let check = || {
        let mut command = sandbox.command(&["check", "payroll.ae", "-o", "json"]);
        let output = command
            .env("XDG_CACHE_HOME", sandbox.path().join("cache"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let proofs = report["proofs"].as_array().unwrap().iter();
        let words = |proof: &Value| (proof["proved"].clone(), proof["requires"].clone());
        let queries: u64 = proofs
            .clone()
            .map(|proof| proof["queries"].as_u64().unwrap())
            .sum();
        (queries, proofs.map(words).collect::<Vec<_>>())
    };
    let (first, second) = (check(), check());
    assert!(first.0 > 0);
    assert_eq!(second, (0, first.1));
}

/// Accounts that may go below zero are judged as such, in each batch by itself.
#[test]
fn an_unbounded_account_has_no_overdraft() {
    let program = "asset USD { scale: 2; }\n\naccount world { unbounded; }\n\nintent fund(from: Account<USD>, to: \
                   Account<USD>, amount: Balance<USD>) {\n    guard { amount >= 0; }\n    verify {\n        from.balance == \
                   from.balance - amount;\n        to.balance == to.balance + amount;\n    }\n}\n";
    for (batch, expected) in [
        ("fund(world, alice, 5);", vec![]),
        ("fund(bank, alice, 5);", vec!["AE1004"]),
        ("fund(world, alice, 5); fund(bank, alice, 5);", vec!["AE1004"]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("p.ae", format!("{program}\natomic_batch b {{ {batch} }}\n"));
        let report = sandbox.aethel(&["check", "p.ae", "-o", "json"]).fine().json();
        assert_eq!(codes(&report), expected, "{batch}");
    }
}

/// Too many transactions to be asked about one after the other, and from plenty nothing goes wrong: the run is checked.
#[test]
fn what_check_leaves_open_is_found_by_the_run() {
    let sandbox = Sandbox::new();
    let program = "asset USD { scale: 2; }\n\nintent halve(from: Account<USD>, to: Account<USD>) {\n    verify {\n        \
                   from.balance == from.balance - round(from.balance * 0.5, half_even);\n        to.balance == to.balance \
                   + round(from.balance * 0.5, half_up);\n    }\n}\n\natomic_batch many {\n    for row in \"many.csv\" { \
                   halve(row.account, pool); }\n}\n";
    sandbox.write("many.ae", program);
    let accounts: Vec<String> = (0..33).map(|n| format!("a{n}")).collect();
    sandbox.write("many.csv", format!("account\n{}\n", accounts.join("\n")));
    let inputs = |cents: &str| json!({ "accounts": { "a7": cents }, "open_accounts": true }).to_string();
    let report = sandbox.aethel(&["check", "many.ae", "-o", "json"]).fine().json();
    assert_eq!(codes(&report), ["AE0701"]);
    assert_eq!(report["diagnostics"][0]["severity"], "warning");
    sandbox.write("many.inputs.json", inputs("0.04"));
    sandbox
        .aethel(&["run", "many.ae", "--ledger", "even.redb"])
        .fine();
    sandbox.write("many.inputs.json", inputs("0.05"));
    let failed = sandbox
        .aethel(&["run", "many.ae", "--ledger", "odd.redb"])
        .ends(1);
    failed.says("the batch creates 0.01 USD").says("rolled back");
}

/// Of an intent that may never run nothing is claimed, and neither of the batch that calls it.
#[test]
fn nothing_is_claimed_of_what_is_undecided() {
    let sandbox = Sandbox::new();
    let program = "asset USD { scale: 2; }\n\natomic_batch b {\n    intent move(from: Account<USD>, to: Account<USD>) {\n        \
                   guard { from.balance == 77.31; }\n        verify {\n            from.balance == from.balance - 1;\n            \
                   to.balance == to.balance + 1;\n        }\n    }\n}\n";
    sandbox.write("p.ae", program);
    let output = sandbox
        .aethel(&["check", "p.ae", "--rlimit", "1", "-o", "json"])
        .ends(3);
    for proof in output.json()["proofs"].as_array().unwrap() {
        assert_eq!(proof["proved"], json!([]), "{proof}");
        assert!(
            proof["undecided"]
                .as_array()
                .unwrap()
                .contains(&json!("can succeed")),
            "{proof}"
        );
    }
    sandbox.aethel(&["check", "p.ae"]).fine();
}

#[test]
fn a_program_has_a_time_and_a_number_of_findings() {
    let intents: String = (0..300)
        .map(|n| {
            format!(
                "intent i{n}(a: Account<USD>, amount: Balance<USD>) {{ verify {{ a.balance == amount + {n}; }} }}\n"
            )
        })
        .collect();
    let program = format!("asset USD {{ scale: 2; }}\n{intents}");
    let mut sources = SourceMap::default();
    let source = sources.add("p.ae", program.as_str());
    let parsed = Program::parse(source, &program, ".".into());
    let options = CheckOptions {
        time: Duration::ZERO,
        ..CheckOptions::default()
    };
    let report = parsed.check(&mut sources, &options);
    assert!(report.undecided);
    assert!(report.proofs.iter().all(|proof| proof.proved.is_empty()));
    let shown = report.diagnostics.iter().filter(|d| d.code == Code::AE1010);
    assert_eq!(shown.count(), 201);
    let last = "only 200 of 300 findings are shown";
    assert!(report.diagnostics.iter().any(|d| d.message == last));
}

/// An example may need a price that no machine number holds; it is read all the same.
#[test]
fn examples_with_wide_fractions_are_replayed() {
    let sandbox = Sandbox::new();
    let program = "asset USD { scale: 2; } asset BTC { scale: 8; }
        atomic_batch liq {
            intent liquidate(user: Account<BTC>, bank: Account<BTC>, c: Balance<BTC>, external price: Price<BTC, USD>, debt: Balance<USD>) {
                guard { user.btc_balance >= c; c > 0; price > 0; debt > c * price; }
                verify {
                    user.btc_balance == user.btc_balance - c;
                    bank.btc_balance == bank.btc_balance + round(c * 0.95, BTC, half_up);
                    user.usd_balance == user.usd_balance + round(c * price, USD, down);
                    bank.usd_balance == bank.usd_balance - round(c * price, USD, down);
                }
            }
        }";
    sandbox.write("wide.ae", program);
    let output = sandbox.aethel(&["check", "wide.ae"]);
    assert!(!output.stdout.contains("AE1010"), "{}", output.stdout);
    assert!(output.stdout.contains("0 undecided"), "{}", output.stdout);
}
