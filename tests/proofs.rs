//! Proof files from outside: exported, checked by themselves and against their ledger, changed.

use crate::support::Sandbox;

/// A ledger with the payroll in it, and its proof in a file.
fn exported() -> Sandbox {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    sandbox
        .aethel(&["ledger", "proof", "1", "--ledger", "l.redb", "--out", "p.proof"])
        .fine();
    sandbox
}

#[test]
fn p11_an_exported_proof_is_accepted_by_itself_and_against_its_ledger() {
    let sandbox = exported();
    sandbox
        .aethel(&["verify-proof", "p.proof"])
        .fine()
        .says("accepted: every transaction was evaluated again");
    sandbox
        .aethel(&["verify-proof", "p.proof", "--ledger", "l.redb"])
        .fine()
        .says("was committed with it, receipt ");
    let json = sandbox
        .aethel(&["verify-proof", "p.proof", "--ledger", "l.redb", "-o", "json"])
        .fine()
        .json();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["name"], "monthly_payroll");
    assert!(json["receipt"].is_string());
    // Without a path it is the usual ledger, of which there is none here.
    sandbox
        .aethel(&["verify-proof", "p.proof", "--ledger"])
        .ends(2)
        .says("AE0813");
}

#[test]
fn a_proof_of_another_ledger_is_rejected() {
    let sandbox = exported();
    // The same batch with other balances before it.
    let inputs = sandbox.read("payroll.inputs.json").replace("10000", "20000");
    assert_ne!(inputs, sandbox.read("payroll.inputs.json"));
    sandbox.write("payroll.inputs.json", inputs);
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "other.redb"])
        .fine();
    sandbox.aethel(&["verify-proof", "p.proof"]).fine();
    sandbox
        .aethel(&["verify-proof", "p.proof", "--ledger", "other.redb"])
        .ends(1)
        .says("AE0602")
        .says("was committed with it");
}

#[test]
fn p12_a_changed_byte_of_a_proof_is_found() {
    let sandbox = exported();
    let proof = std::fs::read(sandbox.file("p.proof")).unwrap();
    for at in (0..proof.len()).step_by(proof.len() / 40) {
        let mut bytes = proof.clone();
        bytes[at] ^= 1;
        sandbox.write("p.proof", bytes);
        // By itself a proof can be of another batch that fits as well: a name, for example.
        let output = sandbox.aethel(&["verify-proof", "p.proof", "--ledger", "l.redb"]);
        output.ends(1).says("AE0602");
    }
    sandbox.write("p.proof", "something else");
    sandbox
        .aethel(&["verify-proof", "p.proof"])
        .ends(1)
        .says("this is not an Aethel certificate");
    sandbox
        .aethel(&["verify-proof", "none.proof"])
        .ends(2)
        .says("AE0901");
}
