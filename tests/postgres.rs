//! Ledgers on a real PostgreSQL server, through the binary. The page about it is executed too.

#[path = "../crates/aethel-ledger/tests/postgres/server.rs"]
#[allow(dead_code, reason = "the tests of the ledger use more of it")]
mod server;

use crate::pages::blocks;
use crate::support::{Output, Random, Sandbox, root};
use server::{Cluster, PASSWORD, schema, shared};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Nothing that is printed or written may show the password.
fn discreet(output: Output) -> Output {
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains("hunter2"), "{text}");
    }
    output
}

/// Runs `aethel` on a ledger of the server.
fn on(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> Output {
    let mut all = arguments.to_vec();
    all.extend(["--ledger", url]);
    discreet(sandbox.aethel(&all))
}

#[test]
fn a_payroll_is_paid_once() {
    let sandbox = Sandbox::with_examples();
    let url = shared().url(&schema());
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", "payroll.ae"];
        arguments.extend(more);
        on(&sandbox, &url, &arguments)
    };
    on(&sandbox, &url, &["ledger", "show"]).ends(2).says("AE0813");
    run(&["--dry-run"]).fine();
    on(&sandbox, &url, &["ledger", "show"]).ends(2).says("AE0813");
    let name = format!("postgres://pay@{}/books", shared().host());
    run(&["--key", "2026-03"]).fine().says("committed").says(&name);
    let again = run(&["--key", "2026-03"]).fine();
    assert!(
        again.first_line().contains("nothing paid: already committed on"),
        "{}",
        again.stdout
    );
    run(&["--key", "2026-04", "-o", "json"]).fine();
    run(&["--key", "2026-05", "--arg", "pay_bob.amount=1600"]).ends(1);
    for command in [
        &["ledger", "show"][..],
        &["ledger", "history", "company"],
        &["ledger", "batches"],
        &["ledger", "proof", "2"],
        &["ledger", "verify"],
        &["ledger", "policy"],
        &["ledger", "show", "-o", "json"],
    ] {
        on(&sandbox, &url, command).fine();
    }
    on(&sandbox, &url, &["ledger", "policy", "unbounded", "bank"]).fine();
    run(&["--key", "2026-06"]).fine();
    on(&sandbox, &url, &["ledger", "verify"]).fine().says("4 records");
    // Nothing of it was written beside the program.
    assert!(!sandbox.file(".aethel").exists());
}

#[test]
fn a_ledger_moves_to_a_server_and_back() {
    let sandbox = Sandbox::with_examples();
    let url = shared().url(&schema());
    sandbox
        .aethel(&["run", "payroll_1000.ae", "--ledger", "l.redb"])
        .fine();
    let copy = |from: &str, to: &str| discreet(sandbox.aethel(&["ledger", "copy", from, to]));
    copy("l.redb", &url)
        .fine()
        .says("1 record")
        .says("the same ledger");
    copy("l.redb", &url).ends(2).says("AE0911").says("already");
    // What was paid in the file is paid on the server.
    let again = on(&sandbox, &url, &["run", "payroll_1000.ae"]).fine();
    assert!(again.first_line().contains("nothing paid"), "{}", again.stdout);
    copy(&url, "back.redb").fine();
    copy(&url, "l.redb").ends(2).says("AE0911");
    copy("none.redb", "x.redb").ends(2).says("AE0813");
    let head = |ledger: &str| {
        let output = on(&sandbox, ledger, &["ledger", "verify", "-o", "json"])
            .fine()
            .json();
        (
            output["head"].clone(),
            output["ledger"].clone(),
            output["records"].clone(),
        )
    };
    assert_eq!(head("l.redb"), head("back.redb"));
    assert_eq!(head("l.redb"), head(&url));
    assert_eq!(sandbox.balances("l.redb"), sandbox.balances(&url));
}

#[test]
fn passwords_are_found_and_never_shown() {
    let sandbox = Sandbox::with_examples();
    let host = shared().host();
    let url = format!("postgres://pay@{host}/books?schema={}", schema());
    let run = |environment: &[(&str, &str)]| {
        let mut command = sandbox.command(&["run", "payroll.ae", "--ledger", &url, "--key", "k"]);
        command.envs(environment.iter().copied());
        discreet(crate::support::finish(command, b""))
    };
    run(&[]).ends(2).says("AE0801").says("PGPASSWORD");
    run(&[("PGPASSWORD", "hunter2-wrong")])
        .ends(2)
        .says("AE0801")
        .says("password authentication failed");
    let home = sandbox.path().display().to_string();
    sandbox.write(
        ".pgpass",
        format!("*:*:other:*:x\n127.0.0.1:*:books:pay:{PASSWORD}\n"),
    );
    run(&[("HOME", &home)]).ends(2).says("AE0901").says("chmod 600");
    sandbox.shell("chmod 600 .pgpass").fine();
    run(&[("HOME", &home)]).fine().says("committed");
    run(&[("PGPASSWORD", PASSWORD)]).fine().says("nothing paid");
    // The help shows that there is a variable, not what is in it.
    let mut help = sandbox.command(&["run", "--help"]);
    help.env("AETHEL_LEDGER", shared().url("x"));
    let help = discreet(crate::support::finish(help, b"")).fine();
    assert!(help.stdout.contains("AETHEL_LEDGER"));
    // From the configuration, whose trust in oracles does not count for a server.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let here = shared().url(&schema());
    let oracle = format!("[[oracle.keys]]\npublic = \"{key}\"\n");
    sandbox.write("aethel.toml", format!("[run]\nledger = \"{here}\"\n\n{oracle}"));
    discreet(sandbox.aethel(&["run", "payroll.ae"]))
        .fine()
        .says("committed");
    let policy = discreet(sandbox.aethel(&["ledger", "policy"])).fine();
    assert!(!policy.stdout.contains(key), "{}", policy.stdout);
    sandbox.write("trust.toml", oracle);
    let other = shared().url(&schema());
    on(&sandbox, &other, &["run", "payroll.ae", "--config", "trust.toml"]).fine();
    assert!(
        on(&sandbox, &other, &["ledger", "policy"])
            .fine()
            .stdout
            .contains(key)
    );
}

#[test]
fn programs_on_the_same_accounts_all_pay() {
    let sandbox = Sandbox::with_examples();
    let url = shared().url(&schema());
    on(&sandbox, &url, &["run", "payroll.ae", "--key", "first"]).fine();
    let runs: Vec<_> = (0..6)
        .map(|i| {
            let key = format!("k{}", i % 3);
            let mut command = sandbox.command(&["run", "payroll.ae", "--ledger", &url, "--key", &key]);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for run in runs {
        discreet(crate::support::wait(run)).fine();
    }
    on(&sandbox, &url, &["ledger", "verify"]).fine().says("4 records");
    for batch in 1..=4 {
        on(&sandbox, &url, &["ledger", "proof", &batch.to_string()]).fine();
    }
    let company = sandbox.balance(&url, "company", "unit");
    let paid = sandbox.balance(&url, "bob", "unit");
    assert!(paid.starts_with("6000."), "{paid} of {company}");
}

#[test]
fn killed_runs_are_paid_once() {
    let sandbox = Sandbox::with_examples();
    let whole = {
        let url = shared().url(&schema());
        let started = Instant::now();
        on(&sandbox, &url, &["run", "payroll_1000.ae", "--key", "k"]).fine();
        started.elapsed()
    };
    let mut random = Random(5);
    // Each round makes a ledger; the store itself is killed more often in its own tests.
    let rounds = std::env::var("AETHEL_TEST_KILLS").map_or(12, |text| text.parse().unwrap());
    for round in 0..rounds {
        let url = shared().url(&schema());
        let mut command = sandbox.command(&["run", "payroll_1000.ae", "--key", "k", "--ledger", &url]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(whole * u32::try_from(random.below(1200)).unwrap() / 1000);
        child.kill().unwrap();
        child.wait().unwrap();
        on(&sandbox, &url, &["run", "payroll_1000.ae", "--key", "k"]).fine();
        on(&sandbox, &url, &["ledger", "verify"]).fine().says("1 record,");
        assert_eq!(
            sandbox.balance(&url, "company", "USD"),
            "1628000.00",
            "round {round}"
        );
    }
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let sandbox = Sandbox::with_examples();
    let cluster = Cluster::new();
    let mut node = cluster.node("");
    let url = node.url("main");
    node.kill();
    on(&sandbox, &url, &["run", "payroll.ae"])
        .ends(2)
        .says("AE0801")
        .says("--wait");
    let mut command = sandbox.command(&["run", "payroll.ae", "--wait", "40s", "--ledger", &url]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let waiting = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    node.start();
    discreet(crate::support::wait(waiting)).fine().says("committed");
}

#[test]
fn the_page_about_it_is_right() {
    let page = std::fs::read_to_string(root().join("docs/postgresql.md")).unwrap();
    let cluster = Cluster::new();
    let node = cluster.node("");
    node.sql("postgres", "DROP DATABASE books");
    let sandbox = Sandbox::with_examples();
    let mut executed = 0;
    let mut later = Vec::new();
    for (info, text) in blocks(&page) {
        match info.as_str() {
            "sql" => text
                .split_inclusive(";\n")
                .for_each(|statement| drop(node.sql("postgres", statement))),
            "sql books" => drop(node.sql("books", &text)),
            // About tables that the first batch makes.
            "sql after" => later.push(text),
            "sh" => {
                let here = text.replace("db1.example", &node.host());
                let script = format!("set -e; export PGPASSWORD='change me'\n{here}");
                let output = sandbox.shell(&script).fine();
                assert!(output.stdout.contains("fits"), "{}", output.stdout);
                for text in later.drain(..) {
                    node.sql("books", &text);
                    let show = format!(
                        "PGPASSWORD='change me too' aethel ledger verify --ledger postgres://auditor@{}/books",
                        node.host()
                    );
                    sandbox.shell(&show).fine().says("1 record");
                }
            }
            _ => continue,
        }
        executed += 1;
    }
    assert_eq!(executed, 6);
    assert_eq!(node.sql("books", "SELECT sum(value) FROM aethel.balances"), "0");
}
