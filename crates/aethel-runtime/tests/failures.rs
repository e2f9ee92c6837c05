//! What a failed transaction says.

use crate::support::{Build, Kind};
use crate::{DependencyAnalyzer, ExecutionError, ParallelExecutor, SystemClock, Watch, forced};
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::ConflictDetector;

/// The diagnostic of a batch that fails.
fn failure(build: &Build, snapshot: &[i128]) -> Diagnostic {
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, snapshot, &[]);
    let clock = SystemClock::default();
    let result = ParallelExecutor.execute(&build.batch, &plan, snapshot, &forced(2), &Watch::new(&clock));
    let Err(ExecutionError::Failed(failure)) = result else {
        panic!("it went through")
    };
    aethel_runtime::failure::explain(&build.batch, &graph, snapshot, &failure, &build.sources)
}

/// Message, labels with the text they stand at, and help, one a line.
fn told(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut lines = vec![format!("{}: {}", diagnostic.code.id(), diagnostic.message)];
    for label in &diagnostic.labels {
        let text = sources.get(label.source).unwrap().slice(label.span);
        lines.push(format!("  {text} -- {}", label.message));
    }
    lines.extend(diagnostic.help.iter().map(|help| format!("  help: {help}")));
    lines.join("\n")
}

fn one(kind: Kind, amount: i128, money: i128) -> String {
    let mut build = Build::new("b");
    build.one(kind, "a", "b", amount);
    let snapshot = build.snapshot(money, &[]);
    told(&failure(&build, &snapshot), &build.sources)
}

#[test]
fn too_little_names_the_account_and_what_the_whole_batch_needs() {
    let mut build = Build::new("payroll");
    build.rows(
        Kind::Pay,
        &[
            ("company", "alice", 84_000),
            ("company", "bob", 70_000),
            ("company", "carol", 90_000),
        ],
    );
    let snapshot = build.snapshot(0, &[("company", 100_000)]);
    assert_eq!(
        told(&failure(&build, &snapshot), &build.sources),
        "AE0501: `pay` row 2: company has too little
  a.balance -- 160.00 USD left after 1 transaction
  amount -- 700.00 USD
  2,70000 -- `pay` row 2 comes from here
  help: the whole batch needs 2 440.00 USD from company, which began with 1 000.00 USD: 1 440.00 USD short"
    );
}

#[test]
fn other_guards_are_quoted() {
    assert_eq!(
        one(Kind::Pay, 0, 10),
        "AE0501: `pay0`: the guard `amount > 0` is false
  amount -- 0.00 USD
  1,0 -- `pay0` comes from here
  help: no transaction of the batch was kept; mend the input or the guard"
    );
}

#[test]
fn each_failure_has_its_code_and_help() {
    assert_eq!(
        one(Kind::Move, 30, 10),
        "AE0502: `move0`: a would be 0.20 USD below zero
  a.balance == a.balance - amount -- 0.10 USD
  1,30 -- `move0` comes from here
  help: the whole batch needs 0.30 USD from a, which began with 0.10 USD: 0.20 USD short; a guard such as `balance >= amount` would say so before"
    );
    assert_eq!(
        one(Kind::Third, 100, 1000),
        "AE0504: `third0`: 9.666666666666666666… USD is not a whole number of minor units
  a.balance == a.balance - amount / 3 -- not exact
  1,100 -- `third0` comes from here
  help: use `round(.., USD, half_even)` where the amount is computed"
    );
    assert_eq!(
        one(Kind::Divide, 0, 10),
        "AE0505: `divide0`: `a.balance / amount` divides by zero
  amount -- zero
  1,0 -- `divide0` comes from here
  help: add a guard that keeps the divisor from being zero"
    );
    assert_eq!(
        one(Kind::Capped, 100_000, 100_000),
        "AE0506: `capped0`: `b.balance <= 1000.00` does not hold after it
  b.balance <= -- 2 000.00 USD
  1,100000 -- `capped0` comes from here
  help: add a condition to the guard that keeps this from happening, or mend the equations"
    );
    let overflow = one(Kind::Bonus, 1 << 120, 1);
    assert!(
        overflow.starts_with("AE0503: `bonus0`: a value is too large to be counted"),
        "{overflow}"
    );
}

#[test]
fn one_account_twice() {
    let mut build = Build::new("b");
    let a = build.account("alice");
    build.id_rows(Kind::Pay, &[(a, a, 5)]);
    let snapshot = build.snapshot(10, &[]);
    let told = told(&failure(&build, &snapshot), &build.sources);
    assert!(
        told.starts_with("AE0507: `pay0`: two of its accounts are both `alice`"),
        "{told}"
    );
}

#[test]
fn secrets_stay_secret() {
    let mut build = Build::new("b");
    build.one(Kind::Pay, "a", "b", 123_456);
    build.one(Kind::Move, "a", "b", 123_456);
    for intent in &mut build.batch.intents {
        intent.values[0].secret = true;
    }
    let snapshot = build.snapshot(777, &[]);
    let diagnostic = failure(&build, &snapshot);
    let all = format!("{diagnostic:?}");
    assert!(
        all.contains("•••") && !all.contains("1 234") && !all.contains("123456"),
        "{all}"
    );
    let mut second = Build::new("b");
    second.one(Kind::Move, "a", "b", 123_456);
    second.batch.intents[0].values[0].secret = true;
    let diagnostic = failure(&second, &snapshot);
    let all = format!("{diagnostic:?}");
    assert!(
        all.contains("•••") && !all.contains("1 234") && !all.contains("1 226"),
        "{all}"
    );
}
