//! `aethel fmt` from outside: what it writes, what it only says, and what it leaves alone.

use crate::support::{Sandbox, root};

const MESSY: &str = "asset USD{scale:2;}# dollars\r\nintent a( x : Account<USD> ){guard{x.balance>=1;}}";
const TIDY: &str = "asset USD { scale: 2; } # dollars

intent a(x: Account<USD>) {
    guard {
        x.balance >= 1;
    }
}
";

#[test]
fn files_are_replaced_and_stay_replaced() {
    let sandbox = Sandbox::new();
    sandbox.write("books/a.ae", MESSY);
    sandbox.write("books/b.ae", TIDY);
    sandbox.write("books/note.txt", MESSY);
    sandbox
        .shell("chmod 640 books/a.ae && ln -s books/a.ae link.ae")
        .fine();
    let first = sandbox.aethel(&["fmt", "books"]);
    assert_eq!(
        (first.code, first.stdout.as_str()),
        (0, "1 of 2 files formatted anew\n")
    );
    assert_eq!(sandbox.read("books/a.ae"), TIDY);
    assert_eq!(sandbox.read("books/note.txt"), MESSY);
    let again = sandbox.aethel(&["fmt", "books"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "2 files formatted already\n")
    );
    sandbox.write("books/a.ae", MESSY);
    sandbox.aethel(&["fmt", "link.ae"]).fine();
    assert_eq!(sandbox.read("books/a.ae"), TIDY);
    let kept = sandbox
        .shell("stat -c %a books/a.ae; test -h link.ae && echo link; ls -A books")
        .fine();
    assert_eq!(kept.stdout, "640\nlink\na.ae\nb.ae\nnote.txt\n");
}

#[test]
fn check_and_diff_write_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("a.ae", MESSY);
    sandbox.write("b.ae", TIDY);
    let check = sandbox.aethel(&["fmt", "--check", "a.ae", "b.ae"]);
    assert_eq!(
        (check.code, check.stdout.as_str()),
        (1, "a.ae is not formatted\n1 of 2 files not formatted\n")
    );
    sandbox.aethel(&["fmt", "--check", "b.ae"]).fine();
    let diff = sandbox.aethel(&["fmt", "--diff", "a.ae"]);
    assert_eq!(diff.code, 1);
    for line in [
        "-asset USD{scale:2;}# dollars\\u{d}",
        "+asset USD { scale: 2; } # dollars",
        "+        x.balance >= 1;",
    ] {
        assert!(
            diff.stdout.lines().any(|found| found == line),
            "{line} in {}",
            diff.stdout
        );
    }
    assert_eq!(sandbox.read("a.ae"), MESSY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let sandbox = Sandbox::new();
    let output = sandbox.aethel_with(&["fmt", "-"], MESSY.as_bytes());
    assert_eq!((output.code, output.stdout.as_str()), (0, TIDY));
    let check = sandbox.aethel_with(&["fmt", "--check", "-"], TIDY.as_bytes());
    assert_eq!((check.code, check.stdout.as_str()), (0, ""));
}

#[test]
fn a_program_that_is_wrong_is_left_alone() {
    let sandbox = Sandbox::new();
    let wrong = "asset USD{scale:2;}\nintent a( {\n";
    sandbox.write("wrong.ae", wrong);
    sandbox.write("a.ae", MESSY);
    let output = sandbox.aethel(&["fmt", "."]);
    assert_eq!(output.code, 1, "{}", output.stdout);
    assert!(output.stdout.contains("error[AE01"), "{}", output.stdout);
    assert_eq!(sandbox.read("wrong.ae"), wrong);
    assert_eq!(sandbox.read("a.ae"), TIDY, "the others are formatted");
    assert_eq!(sandbox.aethel(&["fmt", "nowhere.ae"]).code, 2);
}

/// What is formatted means the same: it commits to the same content.
#[test]
fn a_formatted_program_is_the_same_batch() {
    let sandbox = Sandbox::with_examples();
    let program = std::fs::read_to_string(root().join("examples/settlement.ae")).unwrap();
    sandbox
        .aethel(&["run", "settlement.ae", "--ledger", "l.redb"])
        .fine();
    let squeezed: Vec<&str> = program
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::trim)
        .collect();
    sandbox.write("settlement.ae", squeezed.join("\n"));
    sandbox.aethel(&["fmt", "settlement.ae"]).fine();
    let again = sandbox
        .aethel(&["run", "settlement.ae", "--ledger", "l.redb"])
        .fine();
    assert!(
        again.stdout.contains("nothing paid: already committed"),
        "{}",
        again.stdout
    );
}
