//! The pages of the error index: complete, and true.

use crate::pages::blocks;
use crate::support::{Sandbox, snapshot};
use aethel::ir::{Code, Severity, SourceMap};
use aethel::{CheckOptions, Program};
use std::collections::BTreeSet;

fn check(text: &str) -> Vec<(Severity, Code)> {
    let mut sources = SourceMap::default();
    let source = sources.add("example.ae", text);
    let program = Program::parse(source, text, ".".into());
    program
        .check(&mut sources, &CheckOptions::default())
        .diagnostics
        .iter()
        .map(|d| (d.severity, d.code))
        .collect()
}

#[test]
fn every_code_has_a_page_with_all_parts() {
    for code in Code::ALL {
        let page = code.page();
        let title = format!("# {} {}\n", code.id(), code.name());
        assert!(
            page.starts_with(&title),
            "{} does not start with {title:?}",
            code.id()
        );
        let mut rest = page;
        for part in ["\n## What\n", "\n## Why\n", "\n## Wrong\n", "\n## Right\n"] {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{} lacks {part:?}", code.id()));
            rest = &rest[at + part.len()..];
            assert!(
                !rest.trim_start().starts_with('#'),
                "{}: {part:?} is empty",
                code.id()
            );
        }
    }
    // The index has a row for each code, in order, and none besides.
    let index = include_str!("../docs/errors/README.md");
    let rows: Vec<&str> = index.lines().filter(|line| line.starts_with("| [AE")).collect();
    let expected = Code::ALL.iter().map(|code| {
        let (id, name, severity) = (code.id(), code.name(), code.severity().as_str());
        assert!(!code.summary().is_empty(), "{id} has no line in the index");
        format!("| [{id}]({id}.md) | `{name}` | {severity} | {} |", code.summary())
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors")).unwrap();
    let known: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{}.md", code.id())).collect();
    for page in pages {
        let name = page.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || known.contains(&name),
            "{name} explains no code"
        );
    }
}

#[test]
fn examples_on_pages_do_what_they_say() {
    let mut tried = 0;
    for code in Code::ALL {
        for (info, text) in blocks(code.page()) {
            let words: Vec<&str> = info.split(' ').collect();
            if words.first() != Some(&"aethel") {
                continue;
            }
            tried += 1;
            let found = check(&text);
            let errors: BTreeSet<Code> = found
                .iter()
                .filter(|(severity, _)| *severity == Severity::Error)
                .map(|(_, code)| *code)
                .collect();
            match words.as_slice() {
                ["aethel"] => {
                    assert!(errors.is_empty(), "{}: {errors:?} in\n{text}", code.id());
                }
                ["aethel", "fails", id] => {
                    let expected = BTreeSet::from([Code::find(id).unwrap()]);
                    assert_eq!(errors, expected, "{}:\n{text}", code.id());
                }
                ["aethel", "warns", id] => {
                    let expected = Code::find(id).unwrap();
                    let said = errors.is_empty() && found.iter().any(|(_, code)| *code == expected);
                    assert!(said, "{}: {found:?} in\n{text}", code.id());
                }
                _ => panic!("{}: unknown fence {info:?}", code.id()),
            }
        }
    }
    assert!(tried > 60, "only {tried} examples found");
}

#[test]
fn codes_are_explained_by_code_and_by_name() {
    let sandbox = Sandbox::new();
    for code in Code::ALL {
        for name in [
            code.id().to_owned(),
            code.id().to_lowercase(),
            code.name().to_owned(),
        ] {
            assert_eq!(Code::find(&name), Some(*code));
        }
    }
    let page = sandbox.aethel(&["explain", "value-created"]).fine();
    assert_eq!(page.stdout, Code::AE0701.page());
    let list = sandbox.aethel(&["explain"]).fine();
    snapshot!("explain_list", list.shown());
    let json = sandbox.aethel(&["explain", "-o", "json"]).fine().json();
    crate::schemas::fits("explain", &json);
    assert_eq!(json["codes"].as_array().unwrap().len(), Code::ALL.len());
    let one = sandbox.aethel(&["explain", "AE0701", "-o", "json"]).fine().json();
    crate::schemas::fits("explain", &one);
    assert_eq!(one["page"], Code::AE0701.page());
    let unknown = sandbox.aethel(&["explain", "value-creatd"]).ends(2);
    assert!(
        unknown.stdout.contains("did you mean `value-created`?"),
        "{}",
        unknown.stdout
    );
    let unknown = sandbox
        .aethel(&["explain", "AE9999", "-o", "json"])
        .ends(2)
        .json();
    assert_eq!(unknown["diagnostics"][0]["code"], "AE0911");
}
