//! Approvals from outside: programs, transaction lists and the library, with every kind of signature.

use crate::schemas::fits;
use crate::support::{Output, Sandbox, snapshot};
use aethel::approvals::Signer;
use aethel::store::{LedgerStore, RedbStore, verify};
use aethel::{BatchProcessor, Operation, ProcessorOptions, Transaction};
use serde_json::{Value, json};
use std::time::Duration;

const PROGRAM: &str = "asset USD { scale: 2; }

intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard {
        amount > 0;
        from.balance >= amount;
    }
    verify {
        from.balance == from.balance - amount;
        to.balance == to.balance + amount;
    }
}

atomic_batch friday {
    pay(company, zoe, 100.00);
    pay(company, yan, 50.00);
}
";

/// A ledger with 1000.00 USD of `company`, where `ann`, `ben` and `cid` can approve and 2 of them must for everything.
struct Office {
    sandbox: Sandbox,
}

impl Office {
    fn new() -> Self {
        let office = Self::without_rules();
        office
            .aethel(&[
                "ledger",
                "policy",
                "require",
                "treasury",
                "2",
                "--of",
                "ann,ben,cid",
            ])
            .fine();
        office
    }

    fn without_rules() -> Self {
        let office = Self {
            sandbox: Sandbox::new(),
        };
        let sandbox = &office.sandbox;
        sandbox.write("friday.ae", PROGRAM);
        sandbox.write(
            "opening.csv",
            "account,asset,balance\ncompany,USD,1000.00\nzoe,USD,0.00\nyan,USD,0.00\n",
        );
        office
            .aethel(&["ledger", "import", "opening.csv", "--asset", "USD:2"])
            .fine();
        for name in ["ann", "ben", "cid"] {
            office.approver(name);
        }
        office.keygen("zed");
        office
    }

    fn aethel(&self, arguments: &[&str]) -> Output {
        self.sandbox
            .aethel(&[arguments, &["--ledger", "l.redb"]].concat())
    }

    fn keygen(&self, name: &str) -> String {
        let made = self
            .sandbox
            .aethel(&["sign", "keygen", &format!("{name}.key")])
            .fine();
        let public = made.stdout.lines().find_map(|line| line.strip_prefix("public "));
        public.unwrap().to_owned()
    }

    fn approver(&self, name: &str) {
        let public = self.keygen(name);
        self.aethel(&["ledger", "policy", "approver", "add", name, &public])
            .fine();
    }

    /// A new file with the signatures of these under what `arguments` would run.
    fn signed(&self, file: &str, who: &[&str], arguments: &[&str]) {
        let _ = std::fs::remove_file(self.sandbox.file(file));
        for name in who {
            let key = format!("{name}.key");
            let mut all = vec!["sign"];
            all.extend(arguments);
            all.extend(["--with", &key, "--out", file]);
            self.aethel(&all).fine();
        }
    }

    fn run(&self, file: &str) -> Output {
        self.aethel(&["run", "friday.ae", "--signatures", file])
    }

    fn paid(&self) -> String {
        self.sandbox.balance("l.redb", "zoe", "USD")
    }

    /// Changes every signature in a file.
    fn change(&self, file: &str, change: impl Fn(&mut Value)) {
        let mut value: Value = serde_json::from_str(&self.sandbox.read(file)).unwrap();
        value["signatures"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(change);
        self.sandbox.write(file, value.to_string());
    }
}

#[test]
fn a_batch_commits_with_enough_signatures_and_the_journal_says_whose() {
    let office = Office::new();
    office
        .aethel(&["run", "friday.ae"])
        .fails("AE0821")
        .says("`treasury` asks for 2 of 3");
    office.signed("one.sig.json", &["ann"], &["friday.ae"]);
    office.run("one.sig.json").fails("AE0821").says("has 1");
    assert_eq!(office.paid(), "0.00");
    office.signed("other.sig.json", &["cid"], &["friday.ae"]);
    // From two files as from one.
    let both = [
        "run",
        "friday.ae",
        "--signatures",
        "one.sig.json",
        "--signatures",
        "other.sig.json",
    ];
    office.aethel(&both).fine().says("signed by ann, cid");
    assert_eq!(office.paid(), "100.00");
    // Repeated it is known, and needs nobody; `--again` is another batch.
    let known = office.aethel(&["run", "friday.ae"]).fine();
    assert!(known.first_line().contains("nothing paid"));
    let receipt = office.aethel(&["ledger", "batches", "-o", "json"]).json()["batches"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()["receipt"]
        .as_str()
        .unwrap()
        .to_owned();
    let again = [
        "run",
        "friday.ae",
        "--again",
        &receipt,
        "--signatures",
        "one.sig.json",
    ];
    office.aethel(&again).fails("AE0824").says("another key");
    office.signed(
        "again.sig.json",
        &["ann", "ben"],
        &["friday.ae", "--again", &receipt],
    );
    let again = [
        "run",
        "friday.ae",
        "--again",
        &receipt,
        "--signatures",
        "again.sig.json",
    ];
    office.aethel(&again).fine();
    assert_eq!(office.paid(), "200.00");
    let mut shown = String::new();
    for arguments in [
        &["ledger", "batches"][..],
        &["ledger", "history", "zoe"],
        &["ledger", "proof", "6"],
        &["ledger", "policy"],
        &["ledger", "verify"],
    ] {
        shown += &office.aethel(arguments).fine().shown();
    }
    snapshot!("approved_batches", shown);
    let history = office
        .aethel(&["ledger", "history", "zoe", "-o", "json"])
        .fine()
        .json();
    assert_eq!(history["history"][1]["approved_by"], json!(["ann", "cid"]));
    let policy = office.aethel(&["ledger", "policy", "-o", "json"]).fine().json();
    assert_eq!(policy["approval_rules"][0]["of"], json!(["ann", "ben", "cid"]));
}

#[test]
fn each_bad_approval_has_its_code_and_commits_nothing() {
    let office = Office::new();
    let copy = |from: &str, to: &str| {
        std::fs::copy(office.sandbox.file(from), office.sandbox.file(to)).unwrap();
    };
    office.signed("good.sig.json", &["ann", "ben"], &["friday.ae"]);
    let mut shown = String::new();
    let mut refused = |name: &str, code: &str, output: Output| {
        let output = output.fails(code);
        shown += &format!("{name}\n{}\n", output.shown());
        assert_eq!(office.paid(), "0.00", "{name}");
    };
    refused("missing", "AE0821", office.aethel(&["run", "friday.ae"]));
    copy("good.sig.json", "forged.sig.json");
    office.change("forged.sig.json", |one| {
        let mut signature = one["signature"].as_str().unwrap().to_owned();
        let last = if signature.ends_with('0') { "1" } else { "0" };
        signature.replace_range(127.., last);
        one["signature"] = json!(signature);
    });
    refused("forged", "AE0822", office.run("forged.sig.json"));
    copy("good.sig.json", "longer.sig.json");
    office.change("longer.sig.json", |one| {
        one["expires_ms"] = json!(one["expires_ms"].as_u64().unwrap() + 1);
    });
    refused("made to last longer", "AE0822", office.run("longer.sig.json"));
    copy("good.sig.json", "swapped.sig.json");
    office.change("swapped.sig.json", |one| one["approver"] = json!("cid"));
    refused("in another name", "AE0822", office.run("swapped.sig.json"));
    office.signed(
        "short.sig.json",
        &["ann", "ben"],
        &["friday.ae", "--expires", "1ms"],
    );
    std::thread::sleep(Duration::from_millis(5));
    refused("expired", "AE0823", office.run("short.sig.json"));
    office.sandbox.write(
        "other/friday.ae",
        PROGRAM
            .replace("100.00", "999.00")
            .replace("pay(company, yan, 50.00);", ""),
    );
    office.signed("content.sig.json", &["ann", "ben"], &["other/friday.ae"]);
    refused("for another content", "AE0824", office.run("content.sig.json"));
    office.signed("key.sig.json", &["ann", "ben"], &["friday.ae", "--key", "march"]);
    refused("for another key", "AE0824", office.run("key.sig.json"));
    // Another ledger with the same people.
    let other = office.sandbox.shell("AETHEL_LEDGER=other.redb; export AETHEL_LEDGER
        aethel ledger import opening.csv --asset USD:2 > /dev/null
        for name in ann ben; do
            aethel ledger policy approver add $name $(sed -n 's/.*\"public\": \"\\(.*\\)\".*/\\1/p' $name.key) > /dev/null
        done
        aethel ledger policy approver add cid $(sed -n 's/.*\"public\": \"\\(.*\\)\".*/\\1/p' cid.key) > /dev/null
        aethel ledger policy require treasury 2 --of ann,ben,cid > /dev/null
        aethel sign friday.ae --with ann.key --out ledger.sig.json > /dev/null
        aethel sign friday.ae --with ben.key --out ledger.sig.json > /dev/null");
    other.fine();
    refused("for another ledger", "AE0825", office.run("ledger.sig.json"));
    copy("good.sig.json", "stranger.sig.json");
    office.change("stranger.sig.json", |one| one["approver"] = json!("zed"));
    refused("of a stranger", "AE0827", office.run("stranger.sig.json"));
    refused(
        "with a stranger's key",
        "AE0827",
        office.aethel(&["sign", "friday.ae", "--with", "zed.key"]),
    );
    office.signed("ann.sig.json", &["ann"], &["friday.ae"]);
    office.signed("ann2.sig.json", &["ann"], &["friday.ae", "--expires", "48h"]);
    let twice = [
        "run",
        "friday.ae",
        "--signatures",
        "ann.sig.json",
        "--signatures",
        "ann2.sig.json",
    ];
    refused("twice by one", "AE0828", office.aethel(&twice));
    // The policy changes between signing and running.
    let change = ["ledger", "policy", "unbounded", "fees"];
    for name in ["ann", "ben"] {
        let key = format!("{name}.key");
        office
            .aethel(&[&change[..], &["--sign-with", &key, "--out", "fees.sig.json"]].concat())
            .fine();
    }
    office
        .aethel(&[&change[..], &["--signatures", "fees.sig.json"]].concat())
        .fine();
    refused("under another policy", "AE0826", office.run("good.sig.json"));
    snapshot!("approval_refusals", shown);
    // What is no file of signatures is told before anything runs.
    office
        .sandbox
        .write("broken.sig.json", "{\"schema\": 1, \"signatures\": [{}]}");
    office.run("broken.sig.json").ends(1).says("AE0902");
    office.run("nowhere.sig.json").ends(2).says("AE0901");
    office.aethel(&["ledger", "verify"]).fine();
}

#[test]
fn openings_are_part_of_what_is_signed() {
    let office = Office::new();
    office.sandbox.write("friday.ae", PROGRAM.replace("yan", "new"));
    let inputs = |amount: &str| {
        office.sandbox.write(
            "friday.inputs.json",
            json!({ "accounts": { "company": "77.00", "new": amount } }).to_string(),
        );
    };
    inputs("0.00");
    office.signed("s.sig.json", &["ann", "ben"], &["friday.ae"]);
    // Money that nobody approved, put into an account that the batch opens.
    inputs("1000000.00");
    office.run("s.sig.json").fails("AE0824").says("opening balances");
    // The opening of an account that the ledger knows is not used, so it may say what it likes.
    inputs("0.00");
    let text = office.sandbox.read("friday.inputs.json").replace("77.00", "5.00");
    office.sandbox.write("friday.inputs.json", text);
    office.run("s.sig.json").fine();
    // A first use that nobody approved: an account that may go below zero.
    let unbounded = PROGRAM.replace(
        "atomic_batch friday",
        "account wild { unbounded: true; }\natomic_batch friday",
    );
    office.sandbox.write(
        "friday.ae",
        unbounded.replace("pay(company, yan, 50.00)", "pay(wild, yan, 50.00)"),
    );
    let output = office.aethel(&["run", "friday.ae", "--key", "k"]);
    assert!(output.code == 1, "{output:?}");
}

#[test]
fn thresholds_let_small_payments_pass() {
    let office = Office::without_rules();
    let require = [
        "ledger",
        "policy",
        "require",
        "large",
        "1",
        "--of",
        "ann",
        "--account",
        "company",
    ];
    office
        .aethel(&[&require[..], &["--above", "150.00:USD"]].concat())
        .fine();
    // 150.00 in two payments: exactly the limit.
    office.aethel(&["run", "friday.ae"]).fine();
    // One cent more.
    office
        .sandbox
        .write("friday.ae", PROGRAM.replace("50.00", "50.01"));
    let refused = office.aethel(&["run", "friday.ae"]).fails("AE0821");
    refused.says("`company` pays 150.01 USD, more than 150.00 USD");
    for wrong in ["150.00", "150.001:USD", "-1:USD", "1:EUR"] {
        let output = office.aethel(&[&require[..], &["--above", wrong]].concat());
        assert!([1, 2].contains(&output.code), "{wrong}: {output:?}");
    }
}

#[test]
fn a_dry_run_tells_what_is_missing_and_signing_what_it_would_change() {
    let office = Office::new();
    let dry = office.aethel(&["run", "friday.ae", "--dry-run"]).fine();
    let sign = office.aethel(&["sign", "friday.ae", "--with", "ann.key"]).fine();
    snapshot!("approvals_dry_run", format!("{}{}", dry.shown(), sign.shown()));
    let plan = |text: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix("plan "))
            .unwrap()
            .to_owned()
    };
    assert_eq!(plan(&dry.stdout), plan(&sign.stdout));
    let json = office
        .aethel(&["run", "friday.ae", "--dry-run", "-o", "json"])
        .fine()
        .json();
    fits("run", &json);
    assert_eq!(json["batches"][0]["approval"]["plan_hash"], plan(&dry.stdout));
    let file: Value = serde_json::from_str(&office.sandbox.read("friday.sig.json")).unwrap();
    fits("signatures", &file);
    let signed = office
        .aethel(&["sign", "friday.ae", "--with", "ben.key", "-o", "json"])
        .fine()
        .json();
    assert_eq!(
        signed["batches"][0]["approval"]["needs"][0]["given"],
        json!(["ann", "ben"])
    );
    // What is given must hold in a dry run too.
    office.change("friday.sig.json", |one| one["approver"] = json!("cid"));
    office
        .aethel(&["run", "friday.ae", "--dry-run", "--signatures", "friday.sig.json"])
        .fails("AE0822");
    // Nothing was committed by all this.
    assert_eq!(office.paid(), "0.00");
    // A batch that would fail is not signed.
    office
        .sandbox
        .write("friday.ae", PROGRAM.replace("100.00", "100000.00"));
    let _ = std::fs::remove_file(office.sandbox.file("friday.sig.json"));
    office
        .aethel(&["sign", "friday.ae", "--with", "ann.key"])
        .fails("AE0501");
    assert!(!office.sandbox.file("friday.sig.json").exists());
}

#[test]
fn batches_of_one_file_are_signed_as_they_will_run() {
    let office = Office::new();
    let more = PROGRAM.to_owned() + "\natomic_batch later { pay(zoe, yan, 30.00); pay(zoe, xia, 5.00); }\n";
    office.sandbox.write("friday.ae", more);
    office.sandbox.write(
        "friday.inputs.json",
        json!({ "accounts": { "xia": "0.00" } }).to_string(),
    );
    // The second batch spends what the first brings, and opens an account.
    office.signed("s.sig.json", &["ben", "cid"], &["friday.ae"]);
    office.run("s.sig.json").fine();
    assert_eq!(office.paid(), "65.00");
    assert_eq!(office.sandbox.balance("l.redb", "xia", "USD"), "5.00");
}

#[test]
fn changes_of_the_policy_and_imports_need_the_same() {
    let office = Office::new();
    let change = ["ledger", "policy", "require", "treasury", "1", "--of", "ann"];
    office.aethel(&change).fails("AE0821").says("the policy changes");
    let sign = |name: &str, subject: &[&str], out: &str| {
        let key = format!("{name}.key");
        office
            .aethel(&[subject, &["--sign-with", &key, "--out", out]].concat())
            .fine()
    };
    sign("ann", &change, "change.sig.json");
    let changed = [&change[..], &["--signatures", "change.sig.json"]].concat();
    office.aethel(&changed).fails("AE0821").says("has 1");
    // The signatures are for this change and no other.
    sign("ben", &change, "change.sig.json").says("signed by ann, ben");
    let other = [
        "ledger",
        "policy",
        "release",
        "treasury",
        "--signatures",
        "change.sig.json",
    ];
    office.aethel(&other).fails("AE0824");
    office.aethel(&changed).fine();
    // From now on ann alone decides; nobody can be locked out.
    let beyond = [
        "ledger",
        "policy",
        "require",
        "treasury",
        "4",
        "--of",
        "ann,ben,cid",
    ];
    office.aethel(&beyond).fails("AE0808").says("4 of 3");
    office
        .aethel(&["ledger", "policy", "approver", "remove", "ann"])
        .fails("AE0808")
        .says("1 of 0");
    // Nor is anybody two people.
    let public = office.aethel(&["ledger", "policy", "-o", "json"]).json()["approvers"][0]["public"].clone();
    let twice = [
        "ledger",
        "policy",
        "approver",
        "add",
        "ann2",
        public.as_str().unwrap(),
    ];
    office.aethel(&twice).fails("AE0808").says("nobody counts twice");
    // Imports.
    office
        .sandbox
        .write("more.csv", "account,asset,balance\nxia,USD,7.00\n");
    let import = ["ledger", "import", "more.csv", "--name", "more"];
    office
        .aethel(&import)
        .fails("AE0821")
        .says("balances are imported");
    sign("ann", &import, "import.sig.json");
    office
        .sandbox
        .write("more.csv", "account,asset,balance\nxia,USD,70.00\n");
    let signed = [&import[..], &["--signatures", "import.sig.json"]].concat();
    office.aethel(&signed).fails("AE0824");
    office
        .sandbox
        .write("more.csv", "account,asset,balance\nxia,USD,7.00\n");
    office.aethel(&signed).fine();
    assert_eq!(office.sandbox.balance("l.redb", "xia", "USD"), "7.00");
    office.aethel(&["ledger", "verify"]).fine();
}

const LIST: &str = r#"{"name": "list", "transactions": [{"id": "t1", "intent_name": "transfer",
    "accounts": {"company": {"balance": "1000.00"}, "zoe": {"balance": "0.00"}},
    "operations": [{"type": "transfer", "from": "company", "to": "zoe", "amount": "25.00"}],
    "verify_conditions": []}]}"#;

#[test]
fn transaction_lists_are_signed_and_refused_alike() {
    let sandbox = Sandbox::new();
    let office = Office { sandbox };
    // A list counts in `unit`.
    office.sandbox.write(
        "opening.csv",
        "account,asset,balance\ncompany,unit,1000.00\nzoe,unit,0.00\n",
    );
    office
        .aethel(&["ledger", "import", "opening.csv", "--asset", "unit:9"])
        .fine();
    for name in ["ann", "ben"] {
        office.approver(name);
    }
    office
        .aethel(&["ledger", "policy", "require", "all", "2", "--of", "ann,ben"])
        .fine();
    office.sandbox.write("list.json", LIST);
    office.aethel(&["run", "list.json"]).fails("AE0821");
    office.signed("list.sig.json", &["ann"], &["list.json"]);
    let run = ["run", "list.json", "--signatures", "list.sig.json"];
    office.aethel(&run).fails("AE0821").says("`ben` can sign");
    office.signed("list.sig.json", &["ann", "ben"], &["list.json"]);
    let good = office.sandbox.read("list.sig.json");
    office.change("list.sig.json", |one| one["signature"] = json!("0".repeat(128)));
    office.aethel(&run).fails("AE0822");
    office.sandbox.write("list.sig.json", good.as_str());
    office.sandbox.write("list.json", LIST.replace("25.00", "26.00"));
    office.aethel(&run).fails("AE0824");
    office.sandbox.write("list.json", LIST);
    office.aethel(&run).fine();
    assert_eq!(office.sandbox.balance("l.redb", "zoe", "unit"), "25.000000000");
}

#[test]
fn the_library_takes_signatures_and_refuses_alike() {
    let office = Office {
        sandbox: Sandbox::new(),
    };
    office.sandbox.write(
        "opening.csv",
        "account,asset,balance\ncompany,unit,1000.00\nzoe,unit,0.00\n",
    );
    office
        .aethel(&["ledger", "import", "opening.csv", "--asset", "unit:9"])
        .fine();
    for name in ["ann", "ben"] {
        office.approver(name);
    }
    office
        .aethel(&["ledger", "policy", "require", "all", "2", "--of", "ann,ben"])
        .fine();
    let path = office.sandbox.file("l.redb");
    let mut processor = BatchProcessor::new(ProcessorOptions {
        ledger: Some(path.clone().into()),
        key: Some("march".into()),
        ..ProcessorOptions::default()
    })
    .unwrap();
    let pay = |amount: &str| {
        vec![
            Transaction::new("t1", "transfer")
                .account("company", 1000)
                .account("zoe", 0)
                .operation(Operation::Transfer {
                    from: "company".into(),
                    to: "zoe".into(),
                    amount: amount.into(),
                }),
        ]
    };
    assert_eq!(processor.execute_batch(&pay("25")).error_code, Some("AE0821"));
    let rehearsed = processor.rehearse_batch(&pay("25"));
    let plan = rehearsed.approval.unwrap().plan;
    let open = || RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
    let sign = |name: &str, plan, expires: u64| {
        let signer = Signer::open(
            &office.sandbox.file(&format!("{name}.key")),
            Duration::from_secs(expires),
        )
        .unwrap();
        let approver = signer.approver(&open()).unwrap();
        assert_eq!(approver, name);
        signer.sign(&approver, plan)
    };
    let (ann, ben) = (sign("ann", &plan, 60), sign("ben", &plan, 60));
    let mut code = |signatures: &[&aethel::store::SignedPlan], amount: &str| {
        processor.set_signatures(signatures.iter().map(|one| (*one).clone()).collect());
        let result = processor.execute_batch(&pay(amount));
        assert_ne!(result.success, result.error_code.is_some());
        result.error_code
    };
    assert_eq!(code(&[&ann], "25"), Some("AE0821"));
    assert_eq!(code(&[&ann, &ann], "25"), Some("AE0828"));
    assert_eq!(code(&[&ann, &ben], "26"), Some("AE0824"));
    assert_eq!(code(&[&ann, &sign("ben", &plan, 0)], "25"), Some("AE0823"));
    let changed = |change: &dyn Fn(&mut aethel::store::SignedPlan)| {
        let mut other = ben.clone();
        change(&mut other);
        other
    };
    assert_eq!(
        code(&[&ann, &changed(&|one| one.signature[9] ^= 4)], "25"),
        Some("AE0822")
    );
    assert_eq!(
        code(&[&ann, &changed(&|one| one.approver = "zoe".into())], "25"),
        Some("AE0827")
    );
    assert_eq!(
        code(&[&ann, &changed(&|one| one.plan.ledger_id.0[0] ^= 1)], "25"),
        Some("AE0825")
    );
    assert_eq!(
        code(&[&ann, &changed(&|one| one.plan.policy_version += 1)], "25"),
        Some("AE0826")
    );
    assert_eq!(
        code(&[&ann, &changed(&|one| one.plan.openings.0[0] ^= 1)], "25"),
        Some("AE0824")
    );
    assert_eq!(open().head().sequence, 4);
    assert_eq!(code(&[&ann, &ben], "25"), None);
    assert_eq!(open().head().sequence, 5);
    assert!(verify(&open(), None).is_ok());
    // Several at once: the batches that wait for each other are held to the rules as well.
    let results = processor.execute_batches(&[pay("1"), pay("2")]);
    let codes: Vec<_> = results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [Some("AE0806"), Some("AE0806")]);
}
