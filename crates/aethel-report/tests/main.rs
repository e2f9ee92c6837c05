//! Two canonical diagnostics in every format, and hostile text in all of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop loudly"
)]

mod bench;

use aethel_ir::{Code, Diagnostic, Safety, SourceMap, Span};
use aethel_report::{Style, concise, github, human, json, sarif};

/// A syntax error, and one with an example and labels in two files.
fn canonical() -> (SourceMap, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let text = "intent raise(é: Account, amount: Balance) {\n    guard {\n        amount >= 0\n    }\n    verify {\n        \
                é.balance == é.balance + amount + 1;\n    }\n}\n";
    let program = sources.add("pay/roll é.ae", text);
    let csv_text = format!("account,salary\n{}eve,8400.00\n", "x,1\n".repeat(596));
    let csv = sources.add("staff.csv", csv_text.as_str());
    let at = |needle: &str| {
        let start = text.find(needle).unwrap();
        Span::new(start, start + needle.len())
    };
    let end = at("amount >= 0").end as usize;
    let gap = Span::new(end, end);
    let first = Diagnostic::new(Code::AE0102, "missing `;`")
        .label(program, gap, "expected `;` here")
        .help("every line ends with `;`")
        .fix("add `;`", Safety::Safe, program, gap, ";");
    let cell = csv_text.find("8400.00").unwrap();
    let second = Diagnostic::new(
        Code::AE0701,
        "`raise` creates 1.00 USD: 100% of it, see [rules](1)",
    )
    .label(program, at("é.balance + amount + 1"), "more than anybody loses")
    .label(program, at("é.balance ="), "here")
    .label(csv, Span::new(cell, cell + 7), "from this row")
    .help("take what is added from another account,\nor write `amount` alone")
    .fix(
        "write `amount`",
        Safety::Unsafe,
        program,
        at("amount + 1"),
        "amount",
    );
    let second = Diagnostic {
        counterexample: Some("é 0.00 → 1.00 with amount = 0.00   (replayed)".into()),
        ..second
    };
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
            why: false,
        },
    );
    assert!(
        drawn.starts_with("\u{1b}[1;31merror[AE0102] missing-semicolon\u{1b}[0m"),
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
fn github_text() {
    let (sources, diagnostics) = canonical();
    insta::assert_snapshot!(github(&diagnostics, &sources));
}

#[test]
fn sarif_text() {
    let (sources, diagnostics) = canonical();
    let mut log: serde_json::Value = serde_json::from_str(&sarif(&diagnostics, &sources)).unwrap();
    let driver = &mut log["runs"][0]["tool"]["driver"];
    driver["semanticVersion"] = "[version]".into();
    for rule in driver["rules"].as_array_mut().unwrap() {
        let page = Code::find(rule["id"].as_str().unwrap()).unwrap().page();
        for form in ["text", "markdown"] {
            assert_eq!(rule["help"][form], page);
            rule["help"][form] = "[page]".into();
        }
    }
    insta::assert_snapshot!(format!("{log:#}"));
}

#[test]
fn regions_name_the_same_text_in_every_measure() {
    let (sources, diagnostics) = canonical();
    let log: serde_json::Value = serde_json::from_str(&sarif(&diagnostics, &sources)).unwrap();
    let region = &log["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["region"];
    let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
    let text = &*sources.files().next().unwrap().1.text;
    let expected = "é.balance + amount + 1";
    let line = text.lines().nth(number("startLine") - 1).unwrap();
    let column = line.chars().skip(number("startColumn") - 1);
    let length = number("endColumn") - number("startColumn");
    assert_eq!(column.take(length).collect::<String>(), expected);
    let characters = text.chars().skip(number("charOffset")).take(number("charLength"));
    assert_eq!(characters.collect::<String>(), expected);
    let start = number("byteOffset");
    assert_eq!(&text[start..start + number("byteLength")], expected);
}

#[test]
fn hostile_text_is_harmless() {
    let mut sources = SourceMap::default();
    let text = "a\u{1b}[2J\u{202e}b = 1;\r\nnext \u{7}line\n::error::x\n";
    let source = sources.add("bad\u{1b}]0;x\u{7},line=7::<b>\u{85}.ae", text);
    let message =
        "`a\u{1b}[31m\u{202e}<script>` is\n::stop-commands::x\r\n=1+1 ##[add-path]/ not [declared](http://x)";
    let diagnostic = Diagnostic::new(Code::AE0201, message)
        .label(source, Span::new(0, 8), "here\u{1b}[0m\n::error::label")
        .help("did you\u{7} mean\n::error::nothing?")
        .fix("a\u{2028}b", Safety::Safe, source, Span::new(0, 8), "\u{202e}");
    let all = [diagnostic];
    for drawn in [
        human(&all, &sources, Style::default()),
        concise(&all, &sources),
        github(&all, &sources),
        json(&all, &sources),
        sarif(&all, &sources),
    ] {
        let bad: Vec<char> = drawn
            .chars()
            .filter(|c| *c != '\n' && (c.is_control() || ['\u{202e}', '\u{2028}'].contains(c)))
            .collect();
        assert!(bad.is_empty(), "{bad:?} in {drawn}");
        // What a runner reads in the other forms goes through `github_log`.
        let commands = drawn.lines().filter(|line| line.trim_start().starts_with("::"));
        let own = commands
            .clone()
            .filter(|line| line.starts_with("::error file=") || line.trim() == "::error::nothing?");
        assert_eq!(commands.count(), own.count(), "{drawn}");
    }
    assert_eq!(github(&all, &sources).lines().count(), 1);
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("valid JSON");
    assert_eq!(parse(&json(&all, &sources))["diagnostics"][0]["message"], message);
    let log = parse(&sarif(&all, &sources));
    let said = log["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
    assert!(said.contains("\\[declared\\](http://x)"), "{said}");
    insta::assert_snapshot!(human(&all, &sources, Style::default()));
    insta::assert_snapshot!("hostile_github", github(&all, &sources));
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
