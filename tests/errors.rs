//! The pages of the error index: complete, and true.

use aethel::ir::{Code, Severity, SourceMap};
use aethel::{CheckOptions, Program};
use std::collections::BTreeSet;

/// The fenced blocks of a page: what stands behind the fence, and the text.
pub fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

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
    let index = include_str!("../docs/errors/README.md");
    for code in Code::ALL {
        assert!(index.contains(code.id()), "the index lacks {}", code.id());
    }
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
