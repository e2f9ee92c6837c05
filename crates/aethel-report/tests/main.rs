//! Two canonical diagnostics in every format, and hostile text in all of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop loudly"
)]

mod bench;

use aethel_ir::{Code, Diagnostic, Safety, SourceMap, Span};
use aethel_report::{Style, concise, human, json};

fn canonical() -> (SourceMap, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let text = "intent pay(company: Account, amount: Balance) {\n    guard {\n        amout >= 0;\n        company.balance >= amount;\n    }\n}\n";
    let program = sources.add("payroll.ae", text);
    let csv_text = format!("account,salary\n{}eve,8400.00\n", "x,1\n".repeat(596));
    let csv = sources.add("staff.csv", csv_text.as_str());
    let at = |needle: &str| {
        let start = text.find(needle).unwrap();
        Span::new(start, start + needle.len())
    };
    let first = Diagnostic::new(Code::AE0201, "`amout` is not declared")
        .label(program, at("amout"), "unknown name")
        .help("did you mean `amount`?")
        .fix("write `amount`", Safety::Unsafe, program, at("amout"), "amount");
    let left = at("company.balance");
    let right = Span {
        start: left.end + 4,
        end: left.end + 10,
    };
    let cell = csv_text.find("8400.00").unwrap();
    let second = Diagnostic::new(Code::AE0501, "`pay` row 597: company has too little")
        .label(program, left, "5 100.00 USD left after 596 payments")
        .label(program, right, "8 400.00 USD")
        .label(csv, Span::new(cell, cell + 7), "from this row")
        .help("the whole batch needs 8 372 000.00 USD, company has 4 994 800.00: 3 377 200.00 short");
    (sources, vec![first, second])
}

#[test]
fn human_text() {
    let (sources, diagnostics) = canonical();
    insta::assert_snapshot!(human(&diagnostics, &sources, Style::default()));
}

#[test]
fn human_color() {
    let (sources, diagnostics) = canonical();
    let drawn = human(
        &diagnostics,
        &sources,
        Style {
            color: true,
            width: 80,
        },
    );
    assert!(
        drawn.starts_with("\u{1b}[1;31merror[AE0201] unknown-name\u{1b}[0m"),
        "{drawn}"
    );
}

#[test]
fn concise_text() {
    let (sources, diagnostics) = canonical();
    insta::assert_snapshot!(concise(&diagnostics, &sources));
}

#[test]
fn json_text() {
    let (sources, diagnostics) = canonical();
    insta::assert_snapshot!(json(&diagnostics, &sources));
}

#[test]
fn hostile_text_is_harmless() {
    let mut sources = SourceMap::default();
    let text = "a\u{1b}[2J\u{202e}b = 1;\r\nnext \u{7}line\n";
    let source = sources.add("bad\u{1b}]0;x\u{7}.ae", text);
    let diagnostic = Diagnostic::new(Code::AE0201, "`a\u{1b}[31m\u{202e}` is\nnot declared")
        .label(source, Span::new(0, 8), "here\u{1b}[0m")
        .help("did you\u{7} mean\nnothing?");
    let all = [diagnostic];
    for drawn in [human(&all, &sources, Style::default()), concise(&all, &sources)] {
        let bad: Vec<char> = drawn
            .chars()
            .filter(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'))
            .collect();
        assert!(bad.is_empty(), "{bad:?} in {drawn}");
    }
    serde_json::from_str::<serde_json::Value>(&json(&all, &sources)).expect("valid JSON");
    insta::assert_snapshot!(human(&all, &sources, Style::default()));
}

#[test]
fn a_line_of_a_megabyte_is_cut() {
    let mut sources = SourceMap::default();
    let text = format!("[{}\"é{}\"]", "1,".repeat(500_000), "y".repeat(500_000));
    let source = sources.add("batch.json", text.as_str());
    let diagnostic = Diagnostic::new(Code::AE0904, "a transaction is an object")
        .label(source, Span::new(1_000_001, 1_400_000), "this is a string")
        .label(source, Span::new(1, 2), "another");
    let drawn = human(&[diagnostic], &sources, Style::default());
    assert!(drawn.len() < 4_000, "{} bytes", drawn.len());
    assert!(drawn.contains("batch.json:1:1000002"), "{drawn}");
}
