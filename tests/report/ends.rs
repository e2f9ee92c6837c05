//! Every way in which a run ends has a page; places that cannot be written.

use crate::support::{Output, Sandbox};

/// The first heading and the status of a page, without a browser.
fn head(sandbox: &Sandbox, name: &str) -> (String, String) {
    let page = sandbox.read(name);
    let between = |from: &str, to: &str| {
        let rest = &page[page.find(from).unwrap() + from.len()..];
        let tags = regex::Regex::new("<[^>]*>").unwrap();
        tags.replace_all(&rest[..rest.find(to).unwrap()], "")
            .replace('\u{a0}', " ")
    };
    (
        between("<p class=\"status", "</p>")
            .split_once("\">")
            .unwrap()
            .1
            .to_owned(),
        between("<h1>", "</h1>"),
    )
}

const TWO: &str = "asset USD { scale: 2; }\n\nintent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {\n    guard { \
                   amount >= 0; from.balance >= amount; }\n    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }\n}\n\n\
                   atomic_batch first { pay(from: a, to: b, amount: 5); }\natomic_batch second { pay(from: a, to: b, amount: 6); }\n";

#[test]
fn every_end_has_a_page() {
    let sandbox = Sandbox::with_examples();
    let run = |arguments: &[&str], code: i32| -> Output {
        sandbox
            .aethel(&[&["run"], arguments, &["--report", "r.html", "--trace", "t.json"]].concat())
            .ends(code)
    };
    run(&["payroll.ae", "--dry-run"], 0);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "○ Dry run");
    assert!(sentence.contains("would move"), "{sentence}");
    assert!(sandbox.list(".aethel").is_empty(), "nothing was committed");
    run(&["payroll.ae"], 0);
    assert_eq!(head(&sandbox, "r.html").0, "✓ Committed");
    run(&["payroll.ae"], 0);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "= Committed before");
    assert!(
        sentence.starts_with("Nothing paid: already committed on "),
        "{sentence}"
    );
    let page = sandbox.read("r.html");
    assert!(
        page.contains("aethel ledger proof 1 --ledger .aethel/ledger.redb") && !page.contains("How it ran")
    );
    // What was refused before anything ran.
    run(&["failing/bonus.ae"], 1);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "✗ Not run");
    assert!(sentence.starts_with("Nothing was run"), "{sentence}");
    assert!(
        sandbox.read("r.html").contains("bonus.ae, line"),
        "the page shows the line"
    );
    run(&["missing.ae"], 2);
    assert_eq!(head(&sandbox, "r.html").0, "✗ Not run");
    // Several batches, the second of which fails.
    sandbox.write("two.ae", TWO);
    sandbox.write("two.inputs.json", r#"{ "accounts": { "a": "10", "b": "0" } }"#);
    run(&["two.ae", "--ledger", "two.redb"], 1);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(
        (status.as_str(), sentence.as_str()),
        (
            "✗ Rolled back",
            "1 of 2 batches committed; second was rolled back"
        )
    );
    let page = sandbox.read("r.html");
    assert_eq!(page.matches("<article").count(), 2);
    assert!(page.contains("id=\"b2-problem\""));
}

#[test]
fn a_page_that_cannot_be_written_stops_the_run_before_it_begins() {
    let sandbox = Sandbox::with_examples();
    for option in ["--report", "--trace"] {
        sandbox
            .aethel(&["run", "payroll.ae", option, "missing/r.html"])
            .ends(2)
            .says("AE0901");
    }
    sandbox.write("r", "as it was");
    for twice in [["--trace", "./r"], ["--output-file", "json:r"]] {
        sandbox
            .aethel(&[&["run", "payroll.ae", "--report", "r"], &twice[..]].concat())
            .ends(2)
            .says("AE0911");
        if twice[0] == "--trace" {
            assert_eq!(sandbox.read("r"), "as it was");
        }
    }
    assert!(sandbox.list(".aethel").is_empty(), "nothing ran");
    assert!(!sandbox.list(".").iter().any(|name| name.contains(".out-")));
    // A disk that is full afterwards does not undo what was committed: it is said, and the exit code tells.
    let output = sandbox
        .aethel(&["run", "payroll.ae", "--report", "/dev/full"])
        .ends(2);
    assert!(
        output.stdout.contains("committed · receipt") && output.stderr.contains("AE0901"),
        "{output:?}"
    );
    assert_eq!(
        sandbox.balance(".aethel/ledger.redb", "alice", "unit"),
        "1000.000000000"
    );
}

#[test]
fn secrets_are_hidden_on_the_page() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.ae",
        "asset USD { scale: 2; }\nintent pay(a: Account<USD>, b: Account<USD>, secret amount: Balance<USD>) {\n    guard { amount >= 0; a.balance >= \
         amount; }\n    verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }\n}\natomic_batch one { pay(a, b, 4321); }\n\
         atomic_batch two { pay(a, b, 98765); }\n",
    );
    sandbox.write("s.inputs.json", r#"{ "accounts": { "a": "50000", "b": "0" } }"#);
    sandbox.aethel(&["run", "s.ae", "--report", "r.html"]).ends(1);
    let page = sandbox.read("r.html");
    assert!(page.contains("•••"));
    assert!(
        !page.replace('\u{a0}', " ").contains("98 765.00"),
        "the argument of the batch that failed"
    );
}
