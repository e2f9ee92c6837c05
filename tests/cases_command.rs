//! `aethel test`: cases of programs.

use crate::schemas::fits;
use crate::support::{Sandbox, snapshot};
use serde_json::{Value, json};

const PAY: &str = "\
asset USD { scale: 2; }
field paid: Integer;

intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard {
        amount > 0;
        from.balance >= amount;
    }
    verify {
        from.balance == from.balance - amount;
        to.balance == to.balance + amount;
        to.paid == to.paid + 1;
    }
}

atomic_batch friday {
    pay(ann, ben, 7.50);
}

atomic_batch saturday {
    pay(ben, cem, 5.00);
}
";

fn pay(cases: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    sandbox.write("pay.test.json", cases.to_string());
    sandbox
}

/// One case with this expectation.
fn expecting(expect: Value) -> Sandbox {
    pay(&json!({ "cases": [{
        "name": "a week",
        "accounts": { "ann": "10.00", "ben": "0.00", "cem": "0.00" },
        "expect": expect,
    }] }))
}

fn right() -> Value {
    json!({ "committed": true, "balances": {
        "ann": "2.50",
        "ben": { "balance": "2.50", "fields": { "paid": 1 } },
        "cem": { "balances": { "USD": "5" }, "fields": { "paid": "1" } },
    } })
}

#[test]
fn cases_of_the_examples_pass() {
    let sandbox = Sandbox::with_examples();
    let all = sandbox.aethel(&["test"]).fine();
    snapshot!("test_examples", all.shown());
    // Nothing is left behind: each case has a ledger of its own, in memory.
    assert!(!sandbox.file(".aethel").exists());
    let json = sandbox.aethel(&["test", "-o", "json"]).fine().json();
    fits("test", &json);
    for file in [
        "payroll",
        "payroll_1000",
        "exchange",
        "settlement",
        "liquidations",
        "failing/bonus",
    ] {
        fits(
            "cases",
            &serde_json::from_str(&sandbox.read(&format!("{file}.test.json"))).unwrap(),
        );
        assert!(sandbox.file(&format!("{file}.ae")).exists());
    }
}

/// Every example has a case; a program that is added brings one.
#[test]
fn every_example_has_cases() {
    let sandbox = Sandbox::with_examples();
    for directory in ["", "failing"] {
        for name in sandbox.list(directory) {
            let Some(stem) = name.strip_suffix(".ae") else {
                continue;
            };
            let cases = sandbox.file(directory).join(format!("{stem}.test.json"));
            assert!(cases.exists(), "{} is missing", cases.display());
        }
    }
}

#[test]
fn what_a_case_expects_must_come_out() {
    expecting(right())
        .aethel(&["test"])
        .fine()
        .says("1 case · 1 passed, 0 failed");
    let mut others = right();
    others["balances"].as_object_mut().unwrap().remove("cem");
    expecting(others.clone())
        .aethel(&["test"])
        .fails("AE1101")
        .says("`cem` changed from 0.00 to 5.00 USD");
    others["others"] = "any".into();
    expecting(others).aethel(&["test"]).fine();
    // Each value that is named is looked at.
    for (account, part, wrong) in [
        ("ann", "", json!("2.51")),
        ("ben", "/balance", json!("2.49")),
        ("ben", "/fields/paid", json!(2)),
        ("cem", "/balances/USD", json!("5.01")),
        ("cem", "/fields/paid", json!("0")),
    ] {
        let mut expect = right();
        *expect.pointer_mut(&format!("/balances/{account}{part}")).unwrap() = wrong;
        let found = expecting(expect).aethel(&["test"]).fails("AE1101");
        assert!(found.stdout.contains("1 case · 0 passed, 1 failed"), "{found:?}");
    }
}

#[test]
fn errors_are_told_apart() {
    let short = |expect: Value| {
        pay(&json!({ "cases": [{
            "name": "short",
            "accounts": { "ann": "7.49", "ben": "0.00", "cem": "0.00" },
            "expect": expect,
        }] }))
    };
    for right in [
        json!({ "error": "AE0501" }),
        json!({ "error": "guard-failed" }),
        json!({ "error": { "code": "AE0501", "transaction": "pay#1", "message": "ann has too little" } }),
        json!({ "error": { "transaction": "pay#1" } }),
        json!({ "error": { "message": "`pay#1`: ann has" }, "balances": { "ann": "7.49" } }),
    ] {
        short(right).aethel(&["test"]).fine();
    }
    for wrong in [
        json!({ "committed": true }),
        json!({ "balances": {} }),
        json!({ "error": "AE0502" }),
        json!({ "error": { "code": "AE0501", "transaction": "paid" } }),
        json!({ "error": { "code": "AE0501", "message": "ben has too little" } }),
        json!({ "error": "AE0501", "balances": { "ann": "7.50" } }),
    ] {
        // What went wrong is shown as well, unless it is as expected.
        short(wrong).aethel(&["test"]).fails("AE1101");
    }
    expecting(json!({ "error": "AE0501" }))
        .aethel(&["test"])
        .fails("AE1101")
        .says("and was committed");
    let later = short(json!({ "error": "AE0501" }));
    later.write("pay.ae", PAY.replace("verify {", "verfy {"));
    later
        .aethel(&["test"])
        .fails("AE1101")
        .says("should end with AE0501, and ended with AE01");
}

#[test]
fn a_failure_shows_lines_and_balances() {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    sandbox.write(
        "pay.test.json",
        r#"{
  "cases": [
    {
      "name": "a week",
      "accounts": { "ann": "10000.00", "ben": "0.00", "cem": "0.00" },
      "expect": {
        "balances": {
          "ann": "9992.5",
          "ben": "2.05",
          "cen": "5.00"
        }
      }
    },
    {
      "name": "short",
      "batch": "saturday",
      "open_accounts": true,
      "expect": { "committed": true }
    },
    {
      "name": "a price that nobody asks for",
      "accounts": { "ann": "10.00", "ben": "0.00", "cem": "0.00" },
      "external": { "btc_price": "1" },
      "expect": { "error": { "code": "AE0501", "transaction": "pay row 7" } }
    }
  ]
}
"#,
    );
    let shown = ["human", "concise", "json"].map(|format| {
        let output = sandbox.aethel(&["test", "-o", format]).ends(1);
        if format == "json" {
            fits("test", &output.json());
            let failed = output.json()["failed"].clone();
            assert_eq!(failed, json!(3));
            return String::new();
        }
        output.shown()
    });
    snapshot!("test_failures", shown.join("\n"));
}

#[test]
fn expectations_are_written_for_cases_without() {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    let text = r#"{
  "cases": [
    { "name": "one line", "accounts": { "ann": "7.50", "ben": "0", "cem": "0" } },
    {
      "name": "several lines",
      "accounts": {
        "ann": "1", "ben": "0", "cem": "0"
      }
    },
    { "name": "kept", "open_accounts": true, "expect": { "error": "AE0501" } },
    { "name": "wrong, and kept", "open_accounts": true, "expect": { "error": "AE0502" } }
  ]
}
"#;
    sandbox.write("pay.test.json", text);
    sandbox.aethel(&["test"]).fails("AE1103");
    assert_eq!(
        sandbox.read("pay.test.json"),
        text,
        "without --update nothing is written"
    );
    let first = sandbox.aethel(&["test", "--update"]).fails("AE1101").shown();
    let written = sandbox.read("pay.test.json");
    snapshot!("test_update", format!("{first}\n{written}"));
    // What was written is what comes out.
    let second = sandbox.aethel(&["test", "--update"]).fails("AE1101");
    assert!(
        second.stdout.contains("4 cases · 3 passed, 1 failed"),
        "{second:?}"
    );
    assert_eq!(sandbox.read("pay.test.json"), written);
}

#[test]
fn junit_is_xml_of_every_case() {
    let sandbox = Sandbox::with_examples();
    sandbox.write(
        "hostile.test.json",
        r#"{ "program": "payroll.ae", "cases": [{ "name": "]]><evil a=\"'>&\u0001\u202e" }] }"#,
    );
    sandbox.write("bad.test.json", "{");
    sandbox.aethel(&["test", "--junit", "junit.xml"]).ends(1);
    // A parser of XML that others wrote reads it.
    let script = "
import xml.etree.ElementTree as tree
root = tree.parse('junit.xml').getroot()
for suite in root:
    cases = list(suite)
    bad = [case for case in cases if len(case)]
    assert len(cases) == int(suite.get('tests')), suite.attrib
    assert len(bad) == int(suite.get('failures')) + int(suite.get('errors')), suite.attrib
    print(suite.get('name'), len(cases), len(bad), [case.get('name') for case in bad])
";
    sandbox.write("read.py", script);
    snapshot!("test_junit", sandbox.shell("python3 read.py").fine().stdout);
    sandbox
        .aethel(&["test", "payroll.ae", "--junit", "no/such/junit.xml"])
        .ends(2)
        .says("AE0901");
}

#[test]
fn every_field_that_is_wrong_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    let mut told = String::new();
    let case = |key: &str, value: Value| json!({ "cases": [{ "name": "n", key: value, "expect": { "committed": true } }] });
    let expect = |expect: Value| json!({ "cases": [{ "name": "n", "expect": expect }] });
    let wrong = [
        json!([]),
        json!({}),
        json!({ "cases": 1 }),
        json!({ "cases": [1] }),
        json!({ "cases": [{}] }),
        json!({ "cases": [], "programm": "pay.ae" }),
        json!({ "cases": [], "program": 1 }),
        json!({ "cases": [{ "name": "a" }, { "name": "a" }] }),
        json!({ "cases": [{ "name": "" }] }),
        case("batch", json!(1)),
        case("intent", json!([])),
        json!({ "cases": [{ "name": "n", "batch": "b", "intent": "i" }] }),
        case("inputs", json!({})),
        case("config", json!(true)),
        case("time", json!("noon")),
        case("time", json!(1e300)),
        case("external", json!([])),
        case("external", json!({ "f": { "age": 1 } })),
        case("external", json!({ "f": { "value": 1.5 } })),
        case("external", json!({ "f": { "value": "1", "age": "1" } })),
        case("accounts", json!({ "a": 1.5 })),
        case("accounts", json!({ "\u{7}": "1" })),
        case("oracles", json!([{}])),
        case("open_accounts", json!("yes")),
        case("acounts", json!({})),
        expect(json!(true)),
        expect(json!({})),
        expect(json!({ "others": "any" })),
        expect(json!({ "committed": false })),
        expect(json!({ "committed": true, "error": "AE0501" })),
        expect(json!({ "error": 501 })),
        expect(json!({ "error": {} })),
        expect(json!({ "error": "AE0599" })),
        expect(json!({ "error": { "kode": "AE0501" } })),
        expect(json!({ "error": { "transaction": 7 } })),
        expect(json!({ "balances": [] })),
        expect(json!({ "balances": { "a": null } })),
        expect(json!({ "balances": { "\u{202e}": "1" } })),
        expect(json!({ "balances": { "a": { "balance": [] } } })),
        expect(json!({ "balances": { "a": { "balances": 1 } } })),
        expect(json!({ "balances": { "a": { "fields": { "f": [] } } } })),
        expect(json!({ "balances": { "a": { "field": {} } } })),
        expect(json!({ "committed": true, "others": "some" })),
        expect(json!({ "expected": 1 })),
    ];
    for file in wrong {
        sandbox.write("pay.test.json", file.to_string());
        let output = sandbox.aethel(&["test", "-o", "concise"]).ends(1);
        told += &format!("{file}\n  {}\n", output.stdout.trim_end().replace('\n', "\n  "));
        fits("test", &sandbox.aethel(&["test", "-o", "json"]).ends(1).json());
    }
    for (text, code) in [
        ("", 1),
        ("{\"cases\": [", 1),
        ("\u{0}", 1),
        ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1),
    ] {
        sandbox.write("pay.test.json", text);
        sandbox.aethel(&["test"]).ends(code).says("AE1102");
    }
    sandbox.write("pay.test.json", [0xff, 0xfe]);
    sandbox.aethel(&["test"]).ends(2).says("AE0109");
    snapshot!("test_garbage", told);
}

#[test]
fn files_that_are_not_there_or_not_allowed() {
    let sandbox = Sandbox::new();
    sandbox.write("pay.ae", PAY);
    sandbox.write("secret.json", "{}");
    let mut told = String::new();
    for (name, case) in [
        ("work/pay.test.json", json!({ "cases": [{ "name": "n" }] })),
        (
            "work/p.test.json",
            json!({ "program": "../pay.ae", "cases": [{ "name": "n" }] }),
        ),
        (
            "work/i.test.json",
            json!({ "program": "ok.ae", "cases": [{ "name": "n", "inputs": "../secret.json" }] }),
        ),
        (
            "work/c.test.json",
            json!({ "program": "ok.ae", "cases": [{ "name": "n", "config": "none.toml" }] }),
        ),
        (
            "work/a.test.json",
            json!({ "program": "ok.ae", "cases": [{ "name": "n", "accounts_csv": "/etc/passwd" }] }),
        ),
        ("work/.test.json", json!({ "cases": [] })),
    ] {
        sandbox.write("work/ok.ae", PAY);
        sandbox.write(name, case.to_string());
        let output = sandbox.aethel(&["test", name, "-o", "concise"]);
        told += &format!(
            "{name}: exit {}\n  {}\n",
            output.code,
            output.stdout.trim_end().replace('\n', "\n  ")
        );
        assert!(!output.stdout.contains("root:"), "{output:?}");
    }
    told += &sandbox
        .aethel(&["test", "work/p.test.json", "--allow-path", ".", "-q"])
        .ends(1)
        .stdout;
    sandbox.write(
        "work/ok.test.json",
        json!({ "cases": [{ "name": "n" }] }).to_string(),
    );
    sandbox.write("empty/.hidden/x.test.json", "{}");
    for arguments in [
        &["test", "empty"][..],
        &["test", "nothing.ae"],
        &["test", "work/ok.test.json", "--filter", "zzz"],
    ] {
        told += &sandbox.aethel(arguments).ends(2).shown();
    }
    snapshot!("test_files", told);
}
