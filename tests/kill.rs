//! Kills, interrupts and time limits: a batch is there as a whole or not at all, and is never paid twice.

use crate::support::{Random, Sandbox, wait};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How many times each kind of run is killed. A release was tried with thousands: `AETHEL_TEST_KILLS=2000`.
fn kills() -> usize {
    std::env::var("AETHEL_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

const RUN: [&str; 6] = [
    "run",
    "payroll_1000.ae",
    "--ledger",
    "books/l.redb",
    "--key",
    "2026-03",
];

/// Starts a run and kills it after a while; gives whether it had ended by itself.
fn killed_after(sandbox: &Sandbox, delay: Duration) -> bool {
    let mut command = sandbox.command(&RUN);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(delay);
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

/// How many people have a salary, and what the company has.
fn paid(sandbox: &Sandbox) -> (usize, String) {
    let all = sandbox.balances("books/l.redb");
    let rows = all["accounts"].as_array().unwrap();
    let staff = rows
        .iter()
        .filter(|row| row["account"].as_str().unwrap().starts_with("staff:"));
    let staff = staff
        .inspect(|row| assert_ne!(row["balance"], "0.00", "{row}"))
        .count();
    let company = rows.iter().find(|row| row["account"] == "company").unwrap();
    (staff, company["balance"].as_str().unwrap().to_owned())
}

/// Kills runs of a payroll at random moments. `prepare` makes the ledger that it runs on; `company` is what the company
/// has before, in dollars.
fn storm(seed: u64, prepare: impl Fn(&Sandbox), company: i64) {
    let before = format!("{company}.00");
    let after = format!("{}.00", company - 8_372_000);
    // How long an undisturbed run takes here: kills are spread over that and a little more.
    let sandbox = Sandbox::with_examples();
    prepare(&sandbox);
    let started = Instant::now();
    sandbox.aethel(&RUN).fine();
    let whole = started.elapsed();
    let mut random = Random(seed);
    let (mut absent, mut present) = (0, 0);
    for round in 0..kills() {
        let sandbox = Sandbox::with_examples();
        prepare(&sandbox);
        let existed = sandbox.file("books/l.redb").exists();
        let delay = whole * u32::try_from(random.below(1200)).unwrap() / 1000;
        let ended = killed_after(&sandbox, delay);
        let at = format!("seed {seed}, round {round}, killed after {delay:?}");
        if sandbox.file("books/l.redb").exists() {
            sandbox
                .aethel(&["ledger", "verify", "--ledger", "books/l.redb"])
                .fine();
            // Wholly there or wholly absent: who was paid, and what the company has.
            let (paid, rest) = paid(&sandbox);
            if paid == 1000 {
                present += 1;
                assert_eq!(rest, after, "{at}");
            } else {
                absent += 1;
                assert!(existed && paid == 0, "{at}: {paid} people are in the ledger");
                assert_eq!(rest, before, "{at}");
            }
        } else {
            absent += 1;
            assert!(!existed && !ended, "{at}: the ledger is gone");
        }
        // Again, and again: paid exactly once, and nothing is left lying about.
        sandbox.aethel(&RUN).fine();
        assert!(
            sandbox.aethel(&RUN).fine().stdout.contains("nothing paid"),
            "{at}"
        );
        assert_eq!(paid(&sandbox), (1000, after.clone()), "{at}");
        sandbox
            .aethel(&["ledger", "verify", "--ledger", "books/l.redb"])
            .fine();
        assert_eq!(
            sandbox.list("books"),
            ["l.redb"],
            "{at}: something was left behind"
        );
    }
    assert!(
        absent > 0,
        "no kill came before the commit, {present} came after it"
    );
}

#[test]
fn killed_on_a_new_ledger() {
    storm(1, |_| {}, 10_000_000);
}

#[test]
fn killed_on_a_ledger_that_is_there() {
    let made = Sandbox::new();
    made.write("company.csv", "account,asset,balance\ncompany,USD,9000000.00\n");
    let import = [
        "ledger",
        "import",
        "company.csv",
        "--asset",
        "USD:2",
        "--ledger",
        "l.redb",
    ];
    made.aethel(&import).fine();
    let ledger = std::fs::read(made.file("l.redb")).unwrap();
    storm(2, |sandbox| sandbox.write("books/l.redb", &ledger), 9_000_000);
}

/// A program whose inputs are a pipe, so that a test decides when it goes on.
fn held(sandbox: &Sandbox) -> std::process::Child {
    let mut command = sandbox.command(&["run", "payroll.ae", "--inputs", "-", "--ledger", "l.redb"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn ctrl_c_before_the_commit_commits_nothing() {
    let sandbox = Sandbox::with_examples();
    let mut child = held(&sandbox);
    // It waits for its inputs by now, or will not have begun; either way the signal comes before the commit.
    std::thread::sleep(Duration::from_millis(300));
    sandbox.shell(&format!("kill -INT {}", child.id())).fine();
    std::thread::sleep(Duration::from_millis(100));
    let mut stdin = child.stdin.take().unwrap();
    let inputs = sandbox.read("payroll.inputs.json");
    std::io::Write::write_all(&mut stdin, inputs.as_bytes()).unwrap();
    drop(stdin);
    let output = wait(child).ends(130).says("AE0509").says("rolled back");
    assert!(!output.stdout.contains("committed ·"), "{}", output.stdout);
    assert!(!sandbox.file("l.redb").exists());
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine()
        .says("committed ·");
}

#[test]
fn p23_a_time_limit_stops_a_large_batch() {
    let sandbox = Sandbox::with_examples();
    let mut staff = String::from("account,name,salary\n");
    for i in 0..20_000 {
        staff += &format!("staff:{i:05},N,1.00\n");
    }
    sandbox.write("staff.csv", staff);
    let limited = ["run", "payroll_1000.ae", "--ledger", "l.redb", "--timeout", "1ms"];
    let started = Instant::now();
    sandbox.aethel(&limited).fails("AE0508").says("rolled back");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(!sandbox.file("l.redb").exists());
    sandbox.aethel(&limited[..4]).fine();
    assert_eq!(sandbox.balance("l.redb", "company", "USD"), "9980000.00");
}
