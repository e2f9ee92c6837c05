//! Adding a case is adding a file to `tests/cases` (something is wrong) or `tests/valid` (nothing is).

use crate::support::{dump, render};
use aethel_ir::SourceId;
use aethel_syntax::{grammar_accepts, parse};
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ae"));
    files.sort();
    files
}

fn snapshot(path: &Path, prefix: &str, sections: &[(&str, &str)]) {
    let name = format!("{prefix}__{}", path.file_stem().unwrap().to_string_lossy());
    let body: Vec<_> = sections
        .iter()
        .map(|(title, text)| format!("---- {title}\n{text}"))
        .collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, body.join("\n"));
    });
}

#[test]
fn wrong_programs_are_explained() {
    let files = files("cases");
    assert!(files.len() >= 35);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = parse(SourceId(0), &text);
        let shown: String = text
            .lines()
            .map(|line| line.chars().take(120).collect::<String>() + "\n")
            .take(60)
            .collect();
        let said = render(&text, &parsed.diagnostics);
        snapshot(
            &path,
            "case",
            &[
                ("source", &shown),
                ("messages", &said),
                ("tree", &dump(&parsed.program)),
            ],
        );
    }
}

#[test]
fn valid_programs_have_no_problems_and_the_grammar_agrees() {
    for path in files("valid") {
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = parse(SourceId(0), &text);
        assert_eq!(render(&text, &parsed.diagnostics), "", "{}", path.display());
        assert!(grammar_accepts(&text), "{}", path.display());
        snapshot(
            &path,
            "valid",
            &[("source", &text), ("tree", &dump(&parsed.program))],
        );
    }
}

#[test]
fn every_message_follows_the_rules_of_wording() {
    for path in files("cases") {
        let text = std::fs::read_to_string(&path).unwrap();
        for problem in parse(SourceId(0), &text).diagnostics {
            assert!(
                !problem.labels.is_empty(),
                "{}: no place: {}",
                path.display(),
                problem.message
            );
            let help = problem.help.clone().unwrap_or_default();
            for text in [&problem.message, &help]
                .into_iter()
                .chain(problem.labels.iter().map(|label| &label.message))
            {
                assert!(
                    !text.ends_with('.') || text.ends_with(".."),
                    "final period: {text}"
                );
                let capital = text.chars().next().is_some_and(char::is_uppercase);
                assert!(!capital || text.starts_with("U+"), "capital: {text}");
                assert_eq!(text.matches('`').count() % 2, 0, "open backtick: {text}");
            }
        }
    }
}

#[test]
fn safe_fixes_mend() {
    let text = "intent p(external external a: Price) {\n  guard {\n    a == 1\n    a == 2\n  }\n}\nasset U { scale = 2 }\n";
    let parsed = parse(SourceId(0), text);
    let mut edits: Vec<_> = parsed
        .diagnostics
        .iter()
        .flat_map(|d| d.fixes.iter().flat_map(|fix| fix.edits.clone()))
        .collect();
    edits.sort_by_key(|(_, span, _)| std::cmp::Reverse(span.start));
    let mut mended = text.to_owned();
    for (_, span, replacement) in edits {
        mended.replace_range(span.range(), &replacement);
    }
    let again = parse(SourceId(0), &mended);
    assert_eq!(
        render(&mended, &again.diagnostics).matches("AE01").count(),
        1,
        "only the `;` hidden by the `=`: {mended}"
    );
}
