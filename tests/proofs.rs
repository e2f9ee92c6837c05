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

/// What cvc5 says about a file.
fn cvc5(path: &std::path::Path) -> String {
    let mut command = std::process::Command::new("cvc5");
    let output = command.arg("--tlimit=60000").arg(path).output();
    let output = output.unwrap_or_else(|error| panic!("cvc5 cannot be run ({error}): apt-get install cvc5"));
    String::from_utf8([output.stdout, output.stderr].concat())
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn p29_another_solver_agrees_about_every_lemma_of_every_example() {
    let sandbox = Sandbox::with_examples();
    let mut seen = std::collections::BTreeMap::new();
    let failing = sandbox
        .list("failing")
        .into_iter()
        .map(|name| format!("failing/{name}"));
    for program in sandbox.list("").into_iter().chain(failing) {
        if !program.ends_with(".ae") {
            continue;
        }
        sandbox
            .aethel(&["prove", &program, "--smt2", "lemmas"])
            .fine()
            .says(" undecided");
        let index: serde_json::Value = serde_json::from_str(&sandbox.read("lemmas/index.json")).unwrap();
        for lemma in index["lemmas"].as_array().unwrap() {
            let file = lemma["file"].as_str().unwrap();
            let status = lemma["status"].as_str().unwrap();
            let path = sandbox.path().join("lemmas").join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(&format!("(set-info :status {status})\n")), "{text}");
            assert_eq!(cvc5(&path), status, "{program}: {file}\n{text}");
            *seen.entry(status.to_owned()).or_insert(0) += 1;
        }
        std::fs::remove_dir_all(sandbox.file("lemmas")).unwrap();
    }
    // `bonus` creates value.
    assert!(seen["unsat"] >= 24 && seen["sat"] >= 2, "{seen:?}");
}

#[test]
fn prove_says_what_holds() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["prove", "failing/bonus.ae"])
        .fine()
        .says("proved     every program: escrow debit")
        .says("refuted    bonus: conservation of ")
        .says("with constants [50000, 100]");
    let json = sandbox
        .aethel(&["prove", "payroll.ae", "-o", "json"])
        .fine()
        .json();
    let lemmas = json["lemmas"].as_array().unwrap();
    for lemma in lemmas {
        // That the guard never holds is the one thing that is hoped to be wrong.
        let dead = lemma["name"]
            .as_str()
            .unwrap()
            .starts_with("the guard can never hold");
        assert_eq!(
            lemma["verdict"],
            if dead { "refuted" } else { "proved" },
            "{lemma}"
        );
    }
    assert_eq!(lemmas[2]["intents"], serde_json::json!(["pay_alice", "pay_bob"]));
    // Many slots make a long name, not a long file name.
    let accounts: Vec<String> = (0..200).map(|n| format!("a{n}: Account")).collect();
    let test = |n: usize| format!("a{n}.balance {};", ["!= 1", ">= 0"][n % 2]);
    let tests: Vec<String> = (0..200).map(test).collect();
    let text = format!(
        "intent many({}) {{ guard {{ {} }} verify {{ a1.balance == a1.balance + 1; }} }}",
        accounts.join(", "),
        tests.join(" ")
    );
    sandbox.write("many.ae", text);
    sandbox
        .aethel(&["prove", "many.ae", "--smt2", "many"])
        .fine()
        .says("access 1, 3, 5, 7,");
    // An intent that no batch calls has lemmas too.
    sandbox.write(
        "alone.ae",
        "intent alone(a: Account, x: Balance) { verify { a.balance == a.balance - x; } }",
    );
    sandbox
        .aethel(&["prove", "alone.ae"])
        .fine()
        .says("proved     alone: access 0 of ")
        .says("refuted    alone: conservation of ");
    sandbox.write("wrong.ae", "intent wrong(a: Account { }");
    sandbox.aethel(&["prove", "wrong.ae"]).ends(1);
    sandbox
        .aethel(&["prove", "payroll.ae", "--smt2", "payroll.ae/x"])
        .ends(2)
        .says("AE0901");
    sandbox.aethel(&["prove", "none.ae"]).ends(2).says("AE0901");
}

/// Two debits commute as long as nobody debits less than nothing; interest and a debit do not.
#[test]
fn p26_prove_says_on_what_condition_two_transactions_commute() {
    let sandbox = Sandbox::new();
    let program = "asset USD { scale: 2; }
        intent take(a: Account<USD>, b: Account<USD>, amount: Balance<USD>) {
            guard { a.balance >= amount; }
            verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }
        }
        intent double(a: Account<USD>, bank: Account<USD>) {
            guard { bank.balance >= a.balance; }
            verify { a.balance == a.balance + a.balance; bank.balance == bank.balance - a.balance; }
        }
        atomic_batch b { take(alice, bob, 5); take(alice, carol, 7); double(alice, bank); }";
    sandbox.write("pairs.ae", program);
    sandbox
        .aethel(&["prove", "pairs.ae"])
        .fine()
        .says(
            "commute    take and take with one a: if amount >= 0 of the first and amount >= 0 of the second",
        )
        .says("order      take and double with one a: from ")
        .says("(replayed)");
    let json = sandbox.aethel(&["prove", "pairs.ae", "-o", "json"]).fine().json();
    assert_eq!(json["pairs"][0]["commutes"], true);
    assert_eq!(json["pairs"][1]["commutes"], false);
}
