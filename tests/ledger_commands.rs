//! `aethel ledger ..`: what people do with a ledger, and what can be wrong with one.

use crate::support::{Sandbox, snapshot};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A ledger with an import and two payrolls.
fn books() -> Sandbox {
    let sandbox = Sandbox::with_examples();
    sandbox.write(
        "opening.csv",
        "account,asset,balance\ncarol,unit,12.5\ndave,unit,0\n",
    );
    let import = [
        "ledger",
        "import",
        "opening.csv",
        "--asset",
        "unit:9",
        "--ledger",
        "l.redb",
    ];
    sandbox.aethel(&import).fine();
    for key in ["2026-03", "2026-04"] {
        sandbox
            .aethel(&["run", "payroll.ae", "--ledger", "l.redb", "--key", key])
            .fine();
    }
    sandbox
}

#[test]
fn looking_into_a_ledger() {
    let sandbox = books();
    let mut shown = String::new();
    for command in [
        &["show"][..],
        &["show", "company", "bob"],
        &["history", "company"],
        &["batches"],
        &["proof", "2"],
        &["verify"],
        &["policy"],
    ] {
        let mut arguments = vec!["ledger"];
        arguments.extend(command);
        arguments.extend(["--ledger", "l.redb"]);
        shown += &sandbox.aethel(&arguments).fine().shown();
        shown += "\n";
        // The same for programs.
        arguments.extend(["-o", "json"]);
        assert_eq!(
            sandbox.aethel(&arguments).fine().json()["schema"],
            1,
            "{command:?}"
        );
    }
    snapshot!("ledger_commands", shown);
}

#[test]
fn an_import_opens_accounts_once() {
    let sandbox = books();
    let import = |file: &str, more: &[&str]| {
        let mut arguments = vec!["ledger", "import", file, "--ledger", "l.redb"];
        arguments.extend(more);
        sandbox.aethel(&arguments)
    };
    assert_eq!(sandbox.balance("l.redb", "carol", "unit"), "12.500000000");
    assert!(
        import("opening.csv", &[])
            .fine()
            .first_line()
            .starts_with("nothing imported: already done on 20")
    );
    assert_eq!(sandbox.balance("l.redb", "carol", "unit"), "12.500000000");
    sandbox.write("new.csv", "account,asset,balance\nerin,unit,1\n");
    import("new.csv", &["--name", "spring"])
        .fine()
        .says("1 balance imported");
    sandbox.write("eur.csv", "account,asset,balance\nerin,EUR,1.50\n");
    import("eur.csv", &["--name", "eur"])
        .fails("AE0203")
        .says("--asset");
    import("eur.csv", &["--name", "eur", "--asset", "EUR"])
        .ends(2)
        .says("AE0911");
    import("eur.csv", &["--name", "eur", "--asset", "EUR:2"]).fine();
    assert_eq!(sandbox.balance("l.redb", "erin", "EUR"), "1.50");
    for (text, code) in [
        ("account,asset,balance\nfay,EUR,1.505\n", "AE0309"),
        ("account,asset,balance\nfay,EUR,1e3\n", "AE0309"),
        ("account,asset,balance\nfay,EUR,\n", "AE0309"),
        ("account,asset,balance\n fay,EUR,1\n", "AE0308"),
        ("account,asset,balance\nfay,EUR\n", "AE0903"),
        ("account,balance\nfay,1\n", "AE0903"),
        ("", "AE0903"),
        ("account,asset,balance\nfay,EUR,-1\n", "AE0814"),
        ("account,asset,balance\nfay,EUR,1\nfay,EUR,1\n", "AE0814"),
    ] {
        sandbox.write("bad.csv", text);
        let output = import("bad.csv", &["--name", "bad"]).ends(1);
        assert!(
            output.stdout.contains(code),
            "{text:?} is not {code}:\n{}",
            output.stdout
        );
    }
    sandbox.aethel(&["ledger", "verify", "--ledger", "l.redb"]).fine();
    let accounts = sandbox.balances("l.redb");
    assert!(!accounts.to_string().contains("fay"));
}

#[test]
fn unknown_names_are_answered_with_a_known_one() {
    let sandbox = books();
    let ledger = |arguments: &[&str]| {
        let mut all = vec!["ledger"];
        all.extend(arguments);
        all.extend(["--ledger", "l.redb"]);
        sandbox.aethel(&all)
    };
    ledger(&["show", "copmany"])
        .ends(2)
        .says("AE0813")
        .says("did you mean `company`");
    ledger(&["history", "nobody"]).ends(2).says("AE0813");
    ledger(&["history", "\u{1b}[2J"]).ends(2).says("AE0813");
    ledger(&["proof", "99"]).ends(2).says("AE0813");
    ledger(&["proof", "nonsense"]).ends(2).says("AE0813");
    ledger(&["proof", "1"]).ends(2).says("AE0813").says("no proof");
}

#[test]
fn a_proof_is_accepted_from_its_file_too() {
    let sandbox = books();
    sandbox
        .aethel(&["ledger", "proof", "3", "--ledger", "l.redb", "--out", "p.proof"])
        .fine();
    let receipt = |n: usize| {
        let batches = sandbox
            .aethel(&["ledger", "batches", "--ledger", "l.redb", "-o", "json"])
            .fine()
            .json();
        batches["batches"][n]["receipt"].as_str().unwrap().to_owned()
    };
    // The beginning of a receipt names the batch as well as its number does.
    let by_number = sandbox
        .aethel(&["ledger", "proof", "2", "--ledger", "l.redb"])
        .fine();
    let by_receipt = sandbox
        .aethel(&["ledger", "proof", &receipt(1)[..12], "--ledger", "l.redb"])
        .fine();
    assert_eq!(by_number.stdout, by_receipt.stdout);
    let unwritable = [
        "ledger",
        "proof",
        "3",
        "--ledger",
        "l.redb",
        "--out",
        "none/p.proof",
    ];
    sandbox.aethel(&unwritable).ends(2).says("AE0901");
    // The independent checker takes the file as it is, and no other.
    let accepts = |bytes: &[u8]| {
        let decoded = aethel::certificate::ProofFile::decode(bytes);
        decoded.is_ok_and(|proof| proof.check().is_ok_and(|proof| proof.checked.transactions == 2))
    };
    let good = std::fs::read(sandbox.file("p.proof")).unwrap();
    assert!(accepts(&good));
    for end in 0..good.len() {
        assert!(!accepts(&good[..end]), "{end} bytes are no proof");
    }
    // So does its program, where it is built beside the binary.
    let checker = Path::new(env!("CARGO_BIN_EXE_aethel")).with_file_name("aethel-certificate");
    if !checker.is_file() {
        return;
    }
    let check = |name: &str| Command::new(&checker).arg(sandbox.file(name)).output().unwrap();
    assert!(check("p.proof").status.success());
    sandbox.write("q.proof", &good[..good.len() - 1]);
    assert!(!check("q.proof").status.success());
    // A byte may be one of a name, which proves nothing; most bytes are numbers.
    let changed = (0..good.len()).step_by(good.len() / 40).filter(|at| {
        let mut bytes = good.clone();
        bytes[*at] ^= 1;
        sandbox.write("q.proof", bytes);
        let code = check("q.proof").status.code();
        assert!(matches!(code, Some(0..=2)), "byte {at}: {code:?}");
        code != Some(0)
    });
    assert!(changed.count() > 10);
}

#[test]
fn verify_can_be_anchored() {
    let sandbox = books();
    let head = |ledger: &str| {
        let verify = ["ledger", "verify", "--ledger", ledger, "-o", "json"];
        sandbox.aethel(&verify).fine().json()["head"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let kept = head("l.redb");
    let verify =
        |ledger: &str, head: &str| sandbox.aethel(&["ledger", "verify", "--ledger", ledger, "--head", head]);
    assert!(verify("l.redb", &kept).fine().stdout.contains("· anchored"));
    assert!(verify("l.redb", &kept[..10]).fine().stdout.contains("· anchored"));
    // An old copy put back looks whole, and is found out by the receipt kept elsewhere.
    std::fs::copy(sandbox.file("l.redb"), sandbox.file("old.redb")).unwrap();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb", "--key", "2026-05"])
        .fine();
    let newer = head("l.redb");
    assert!(verify("l.redb", &kept).fine().stdout.contains("· anchored"));
    sandbox
        .aethel(&["ledger", "verify", "--ledger", "old.redb"])
        .fine()
        .says("tail not anchored");
    let missing = verify("old.redb", &newer);
    assert_ne!(missing.code, 0, "{}", missing.stdout);
    assert!(missing.stdout.contains("AE08"), "{}", missing.stdout);
    verify("l.redb", "no receipt").ends(2).says("AE0911");
    verify("l.redb", "00000000").ends(2).says("AE0807");
}

#[test]
fn the_policy_is_changed_in_the_journal() {
    let sandbox = books();
    let policy = |arguments: &[&str]| {
        let mut all = vec!["ledger", "policy"];
        all.extend(arguments);
        all.extend(["--ledger", "l.redb"]);
        sandbox.aethel(&all)
    };
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    for change in [
        &["asset", "EUR", "2"][..],
        &["unbounded", "bank"],
        &["bounded", "bank"],
        &["unbounded", "world"],
        &["trust-key", key, "--feed", "gold"],
        &[
            "feed",
            "gold",
            "--max-age",
            "60s",
            "--reference",
            "2000",
            "--max-deviation",
            "0.1",
        ],
        &["feed", "silver", "--max-age", "60s"],
        &["drop-feed", "silver"],
    ] {
        policy(change).fine().says("policy changed as batch");
    }
    snapshot!("ledger_policy", policy(&[]).fine().shown());
    policy(&["asset", "unit", "3"]).ends(1).says("AE0808");
    policy(&["asset", "EUR", "19"]).ends(1).says("AE0808");
    policy(&["trust-key", "abc"]).ends(2).says("AE0911");
    policy(&["distrust-key", "unknown"]).ends(1);
    policy(&["unbounded", " x"]).ends(1).says("AE0308");
    let shown = policy(&["-o", "json"]).fine().json();
    assert_eq!(shown["unbounded"], json!(["world"]));
    // What is recorded holds for programs: an account is let below zero by the ledger, not by a program.
    sandbox.write(
        "pay.ae",
        "atomic_batch pay { intent give(world: Account, dave: Account, amount: Balance) {
    guard { amount == 7; }
    verify { world.balance == world.balance - amount; dave.balance == dave.balance + amount; }
} }",
    );
    sandbox
        .aethel(&["run", "pay.ae", "--ledger", "l.redb", "--open-accounts"])
        .fine();
    assert_eq!(sandbox.balance("l.redb", "world", "unit"), "-7.000000000");
    sandbox.aethel(&["ledger", "verify", "--ledger", "l.redb"]).fine();
}

#[test]
fn a_file_that_is_no_ledger_is_left_alone() {
    let sandbox = books();
    let ledger = std::fs::read(sandbox.file("l.redb")).unwrap();
    std::fs::create_dir(sandbox.file("directory.redb")).unwrap();
    sandbox.write("empty.redb", "");
    sandbox.write("foreign.redb", "account,asset,balance\n");
    sandbox.write("magic.redb", &ledger[..9]);
    sandbox.write("short.redb", &ledger[..ledger.len() / 2]);
    let mut zeros = ledger.clone();
    zeros[4096..].fill(0);
    sandbox.write("zeros.redb", &zeros);
    for (name, code, exits) in [
        ("directory.redb", "AE0803", 2),
        ("empty.redb", "AE0803", 2),
        ("foreign.redb", "AE0803", 2),
        ("magic.redb", "AE0804", 1),
        ("short.redb", "AE0804", 1),
        ("zeros.redb", "AE0804", 1),
        ("foreign.redb/l.redb", "AE0801", 2),
    ] {
        let before = std::fs::read(sandbox.file(name)).ok();
        for command in [
            &["ledger", "show", "--ledger", name][..],
            &["ledger", "verify", "--ledger", name],
            &["run", "payroll.ae", "--ledger", name],
            &["run", "payroll.ae", "--dry-run", "--ledger", name],
        ] {
            let output = sandbox.aethel(command);
            assert!(
                output.stdout.contains(code),
                "{name} is not {code}:\n{}",
                output.shown()
            );
            assert_eq!(output.code, exits, "{}", output.shown());
        }
        assert!(
            std::fs::read(sandbox.file(name)).ok() == before,
            "{name} was changed"
        );
    }
    sandbox
        .aethel(&["ledger", "show", "--ledger", "none.redb"])
        .ends(2)
        .says("AE0813");
    for url in [
        "postgres://pay:secret@db/books?sslmode=require",
        "postgres://pay:se@cret@db/books",
    ] {
        let output = sandbox
            .aethel(&["run", "payroll.ae", "--ledger", url])
            .ends(2)
            .says("AE0911");
        assert!(!output.stdout.contains("cret"), "{}", output.shown());
    }
}

#[test]
fn a_ledger_in_use_is_waited_for() {
    let sandbox = books();
    let file = std::fs::File::open(sandbox.file("l.redb")).unwrap();
    file.lock().unwrap();
    let run = ["run", "payroll.ae", "--ledger", "l.redb", "--key", "2026-05"];
    sandbox.aethel(&run).ends(2).says("AE0802").says("--wait");
    let started = Instant::now();
    let mut waiting = run.to_vec();
    waiting.extend(["--wait", "300ms"]);
    sandbox.aethel(&waiting).ends(2).says("AE0802");
    assert!(started.elapsed() >= Duration::from_millis(300), "it did not wait");
    // It goes on as soon as the other one is done.
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        file.unlock().unwrap();
    });
    waiting[7] = "30s";
    sandbox.aethel(&waiting).fine().says("committed");
    release.join().unwrap();
}

#[test]
fn two_processes_on_one_ledger_both_pay_once() {
    let sandbox = books();
    let runs: Vec<_> = ["a", "b", "a", "b"]
        .map(|key| {
            let mut command = sandbox.command(&[
                "run",
                "payroll.ae",
                "--ledger",
                "l.redb",
                "--key",
                key,
                "--wait",
                "30s",
            ]);
            command.stdin(std::process::Stdio::null());
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .into();
    for child in runs {
        crate::support::wait(child).fine();
    }
    assert_eq!(sandbox.balance("l.redb", "alice", "unit"), "4000.000000000");
    sandbox.aethel(&["ledger", "verify", "--ledger", "l.redb"]).fine();
}

#[test]
fn a_proof_that_was_changed_in_the_file_is_rejected() {
    let sandbox = books();
    sandbox
        .aethel(&["ledger", "proof", "2", "--ledger", "l.redb", "--out", "p.proof"])
        .fine();
    let proof = std::fs::read(sandbox.file("p.proof")).unwrap();
    // The lemmas are kept beside the certificate, each once for all batches.
    let proof = aethel::certificate::ProofFile::decode(&proof)
        .unwrap()
        .certificate
        .to_vec();
    let ledger = std::fs::read(sandbox.file("l.redb")).unwrap();
    // Pages are copied when they are written, so older copies may lie about; each is changed.
    let copies: Vec<usize> = (0..ledger.len() - proof.len())
        .filter(|at| ledger[*at..].starts_with(&proof))
        .collect();
    assert!(!copies.is_empty());
    // Every byte counts, those of names too: the record keeps the digest of the whole.
    for index in (0..proof.len()).step_by(proof.len() / 20) {
        let mut bytes = ledger.clone();
        copies.iter().for_each(|at| bytes[at + index] ^= 1);
        sandbox.write("changed.redb", bytes);
        let output = sandbox.aethel(&["ledger", "proof", "2", "--ledger", "changed.redb"]);
        assert_ne!(output.code, 0, "byte {index}: {}", output.stdout);
        assert!(
            output.stdout.contains("AE0602") || output.stdout.contains("AE0804"),
            "{}",
            output.stdout
        );
    }
}
