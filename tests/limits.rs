//! What is far too large ends with an error in little memory, and the page of limits says what is enforced.

use crate::support::{Sandbox, root};
use aethel::limits;

/// A file of a gigabyte that takes no room on the disk.
fn gigabyte(sandbox: &Sandbox, name: &str) {
    sandbox.write(name, "");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(sandbox.file(name))
        .unwrap();
    file.set_len(1_000_000_000).unwrap();
}

#[test]
fn p24_a_gigabyte_of_anything_is_refused_in_little_memory() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "books.redb"])
        .fine();
    gigabyte(&sandbox, "large");
    for (file, command, code) in [
        ("large", "check large", "AE0901"),
        ("large.json", "run large.json --dry-run", "AE0901"),
        ("large", "run payroll.ae --inputs large --dry-run", "AE0901"),
        ("staff.csv", "run payroll_1000.ae --dry-run", "AE0901"),
        ("large", "run payroll.ae --ledger large", "AE0803"),
        ("large", "run payroll.ae --config large --dry-run", "AE0901"),
        ("large", "verify-proof large", "AE0901"),
        ("large", "ledger import large --ledger books.redb", "AE0901"),
        ("large", "ledger verify --ledger large", "AE0803"),
        ("large", "oracle verify large --public 00", "AE09"),
        ("large", "check - < large", "AE0901"),
        ("large", "run payroll.ae --inputs - --dry-run < large", "AE0901"),
    ] {
        if file != "large" {
            gigabyte(&sandbox, file);
        }
        // Address space, not memory: with what threads and libraries reserve it is about 300 MB.
        let output = sandbox.shell(&format!("ulimit -v 700000; aethel {command}"));
        let told = format!(
            "{command}: exit {}\n{}{}",
            output.code, output.stdout, output.stderr
        );
        assert!([1, 2].contains(&output.code), "{told}");
        assert!(output.stdout.contains(&format!("error[{code}")), "{told}");
    }
}

/// Small files that ask for much, for each of which there is a limit of its own.
#[test]
fn p24_a_small_memory_is_enough_to_refuse_what_multiplies() {
    let sandbox = Sandbox::with_examples();
    sandbox.write("staff.csv", ",".repeat(200 << 20));
    let commas = sandbox.shell("ulimit -v 1200000; aethel run payroll_1000.ae --dry-run");
    assert!(
        commas.stdout.contains("this row is longer than 1048576 bytes"),
        "{}{}",
        commas.stdout,
        commas.stderr
    );
    sandbox.write("list.json", format!("[{}0]", "0,".repeat(40 << 20)));
    let values = sandbox.shell("ulimit -v 1200000; aethel run list.json --dry-run");
    assert!(
        values.stdout.contains("at most 16777216 can be read"),
        "{}{}",
        values.stdout,
        values.stderr
    );
}

/// A name longer than a ledger takes is said where it stands, not by the ledger.
#[test]
fn long_names_are_refused_at_their_place() {
    let sandbox = Sandbox::new();
    let name = "n".repeat(129);
    let pay = "intent pay(a: Account, b: Account) { guard { a.balance >= 1; } verify { a.balance == a.balance - 1; b.balance == b.balance + 1; } }";
    sandbox.write("long.ae", format!("{pay} atomic_batch {name} {{ pay(p, q); }}"));
    let program = sandbox.aethel(&["run", "long.ae", "--open-accounts"]);
    assert!(program.stdout.contains("error[AE0112]"), "{}", program.stdout);
    sandbox.write(&format!("{name}.json"), "[]");
    let list = sandbox.aethel(&["run", &format!("{name}.json")]);
    assert!(
        list.stdout.contains("error[AE0904] bad-json-batch") && list.stdout.contains("cannot be the name"),
        "{}",
        list.stdout
    );
    sandbox.write(
        &format!("{name}.json"),
        r#"{"name": "short", "transactions": []}"#,
    );
    sandbox.aethel(&["run", &format!("{name}.json")]).fine();
}

#[test]
fn the_page_says_what_is_enforced() {
    let page = std::fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    let grouped = |count: usize| {
        let digits = count.to_string();
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).unwrap())
            .collect();
        groups.join(" ")
    };
    for (row, limit) in [
        ("a program", mib(limits::MAX_SOURCE_BYTES)),
        ("a file of inputs", mib(limits::MAX_INPUTS_BYTES as usize)),
        ("a table (CSV)", mib(limits::MAX_FILE_BYTES as usize)),
        ("a row of a table", mib(limits::MAX_ROW_BYTES)),
        ("rows of all tables", grouped(limits::MAX_ROWS as usize)),
        ("values in a JSON text", grouped(limits::MAX_VALUES)),
        ("digits of a number", limits::MAX_DIGITS.to_string()),
        ("the name of an account", limits::MAX_NAME_BYTES.to_string()),
    ] {
        let line = page.lines().find(|line| line.starts_with(&format!("| {row}")));
        let line = line.unwrap_or_else(|| panic!("no row `{row}`"));
        assert!(line.contains(&limit), "{line} does not say {limit}");
    }
}
