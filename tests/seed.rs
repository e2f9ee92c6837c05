//! The programs of the protocol document, taken out of a copy of it as they are printed there. Its Python listings are
//! run by the tests of the Python package.

use crate::pages::blocks;
use crate::support::{Sandbox, root};

/// The listings in Aethel.
fn listings() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("tests/seed/synchrony-protocol.md")).unwrap();
    let listings = blocks(&page).into_iter().filter(|(info, _)| info == "aethel");
    listings.map(|(_, text)| text).collect()
}

#[test]
fn the_programs_of_the_protocol_document_run_as_printed() {
    let [syntax, payroll] = &listings()[..] else {
        panic!("the document has two listings");
    };
    let sandbox = Sandbox::new();

    // The first one leaves out what the intents do.
    sandbox.write("syntax.ae", syntax);
    let checked = sandbox.aethel(&["check", "syntax.ae", "-o", "json"]).json();
    let errors = checked["diagnostics"].as_array().unwrap().iter();
    assert_eq!(
        errors.filter(|one| one["severity"] == "error").count(),
        0,
        "{checked:#}"
    );

    // The second one is a payroll.
    sandbox.write("payroll.ae", payroll);
    sandbox
        .aethel(&["check", "payroll.ae"])
        .fine()
        .says("no problems");
    sandbox.write(
        "payroll.inputs.json",
        r#"{"accounts": {"company": "10000", "alice": "0", "bob": "0"}}"#,
    );
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine()
        .says("committed");
    for (account, balance) in [("company", "7500"), ("alice", "1000"), ("bob", "1500")] {
        assert_eq!(
            sandbox.balance("l.redb", account, "unit"),
            format!("{balance}.000000000")
        );
    }
}
