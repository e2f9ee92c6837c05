//! Sizes, depths, hostile files and time.

use crate::support::render;
use aethel_ir::{Code, SourceId};
use aethel_syntax::{
    MAX_DEPTH, MAX_DIAGNOSTICS, MAX_NAME_BYTES, MAX_SOURCE_BYTES, decode, parse, parse_bytes,
};
use std::time::{Duration, Instant};

/// Generous, because tests run next to others; quadratic work on such files takes hours.
const SOON: Duration = Duration::from_secs(30);

/// As large as a file may be, or a part of that where the code is slow for other reasons.
const SIZE: usize = if cfg!(debug_assertions) {
    MAX_SOURCE_BYTES / 64
} else {
    MAX_SOURCE_BYTES
};

fn hostile(unit: &str, prefix: &str) {
    let text = prefix.to_owned() + &unit.repeat((SIZE - prefix.len()) / unit.len());
    let start = Instant::now();
    let parsed = parse(SourceId(0), &text);
    assert!(!parsed.diagnostics.is_empty(), "{unit:?}");
    assert!(parsed.diagnostics.len() <= MAX_DIAGNOSTICS + 1);
    assert!(
        start.elapsed() < SOON,
        "{unit:?} after {prefix:?}: {:?}",
        start.elapsed()
    );
}

#[test]
fn hostile_files_end_soon() {
    for unit in [
        "(",
        "{",
        "}",
        "a;",
        "intent ",
        "\"",
        "guard {",
        "-",
        "a",
        "intent a() {",
        "/",
        "solve a ",
        "#",
        "\n",
    ] {
        hostile(unit, "");
    }
}

#[test]
fn hostile_sections_end_soon() {
    for unit in [
        "(", "{", ")", "{}", "-", "a ", "1+", "f(", "a,", "\"", "=", "a\n", "if a {} ", "verify {",
    ] {
        hostile(unit, "intent a() { guard { ");
    }
}

#[test]
fn hostile_heads_end_soon() {
    for unit in ["a:A,", "(", "<", "a ", "after "] {
        hostile(unit, "atomic_batch b { intent a(");
    }
    for unit in ["a(b);\n", "a: ", "for ", "for a in \"b\" {"] {
        hostile(unit, "atomic_batch b { ");
    }
}

#[test]
fn the_depth_limit_is_exact_and_safe() {
    let line = |depth: usize, open: &str, close: &str| {
        format!(
            "intent a() {{ guard {{ {}1{}; }} }}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("f(", ")"),
        ("old(", ")"),
        ("1 ==> ", ""),
        ("", " + 1"),
        ("!", ""),
    ] {
        let fits = line(MAX_DEPTH, open, close);
        let parsed = parse(SourceId(0), &fits);
        assert_eq!(render(&fits, &parsed.diagnostics), "", "{open} {close}");
        let parsed = parse(SourceId(0), &line(MAX_DEPTH + 1, open, close));
        assert_eq!(parsed.diagnostics.len(), 1);
        assert_eq!(parsed.diagnostics[0].code, Code::AE0107, "{open} {close}");
    }
}

#[test]
fn sizes_are_limited() {
    let parsed = parse(SourceId(0), &" ".repeat(MAX_SOURCE_BYTES + 1));
    assert_eq!(parsed.diagnostics[0].code, Code::AE0108);
    assert!(decode(SourceId(0), &vec![0xff; MAX_SOURCE_BYTES + 1]).is_err_and(|d| d.code == Code::AE0108));
    let long = format!(
        "intent a() {{ guard {{ min({} 1) == 1; }} }}",
        "1,".repeat(200_000)
    );
    let parsed = parse(SourceId(0), &long);
    assert_eq!(parsed.diagnostics.len(), 1);
    assert_eq!(parsed.diagnostics[0].code, Code::AE0108);
}

#[test]
fn names_are_limited() {
    let named = |length| format!("atomic_batch {} {{ }}", "n".repeat(length));
    let parsed = parse(SourceId(0), &named(MAX_NAME_BYTES + 1));
    assert_eq!(parsed.diagnostics.len(), 1, "{:?}", parsed.diagnostics);
    assert_eq!(parsed.diagnostics[0].code, Code::AE0112);
    let parsed = parse(SourceId(0), &named(MAX_NAME_BYTES));
    assert!(parsed.diagnostics.iter().all(|d| d.code != Code::AE0112));
}

#[test]
fn parts_are_limited() {
    let text = format!("intent a() {{ guard {{ {} }} }}", "a;".repeat(250_100));
    let parsed = parse(SourceId(0), &text);
    assert_eq!(parsed.diagnostics.len(), 1);
    assert_eq!(parsed.diagnostics[0].code, Code::AE0108);
}

#[test]
fn bytes_that_are_not_text_are_told_with_their_line() {
    let parsed = parse_bytes(SourceId(0), b"intent a() {\n  \xff }\n");
    assert_eq!(parsed.diagnostics[0].code, Code::AE0109);
    assert_eq!(
        parsed.diagnostics[0].message,
        "line 2 is not UTF-8: it has the byte 0xff"
    );
    let shown = String::from_utf8_lossy(b"intent a() {\n  \xff }\n");
    assert_eq!(&shown[parsed.diagnostics[0].labels[0].span.range()], "\u{fffd}");
    let help = parse_bytes(SourceId(0), b"\xff\xfei\0").diagnostics[0]
        .help
        .clone();
    assert_eq!(
        help.as_deref(),
        Some("the file looks like UTF-16; save it as UTF-8")
    );
    assert!(parse_bytes(SourceId(0), b"intent a() { }").diagnostics.is_empty());
}

#[test]
fn ten_thousand_lines_are_quick() {
    let intent = "    intent i{n}(company: Account<USD>, alice: Account<USD>, amount: Balance<USD>) {\n        guard {\n            company.balance >= amount; # enough\n            amount == 1_000;\n        }\n        verify {\n            company.balance == company.balance - amount;\n            alice.balance == alice.balance + amount;\n        }\n    }\n";
    let mut text = "atomic_batch b {\n".to_owned();
    for n in 0..1000 {
        text += &intent.replace("{n}", &n.to_string());
    }
    text += "}\n";
    assert!(text.lines().count() > 10_000);
    assert!(parse(SourceId(0), &text).diagnostics.is_empty());
    // The best of some runs: what the machine does beside is not the parser's time.
    let run = || {
        let start = Instant::now();
        let parsed = parse(SourceId(0), &text);
        assert_eq!(parsed.program.items.len(), 1);
        start.elapsed()
    };
    let took = (0..5).map(|_| run()).min().unwrap_or_default();
    println!("{} lines, {} bytes: {took:?}", text.lines().count(), text.len());
    assert!(
        took < if cfg!(debug_assertions) {
            Duration::from_secs(10)
        } else {
            Duration::from_millis(200)
        }
    );
}
