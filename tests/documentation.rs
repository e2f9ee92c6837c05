//! The README and the pages of the documentation do what they show.
//!
//! A fenced block ```` ```console run ```` is a session: each line that begins with `$ ` is run by a shell in a directory
//! with the examples, and what stands below it must be what it prints, times and hashes aside. A block ```` ```aethel ````
//! must check without an error; ```` ```aethel AE0301 ```` must be refused with that code. A block with `file=NAME` is
//! written there, for the sessions below it. Each line of a block ```` ```pest ```` is one of the grammar. Other blocks are not looked at.

use crate::pages::blocks;
use crate::support::{Sandbox, files_below, redact, root};
use std::collections::HashSet;

/// The commands of a session, each with the output shown below it.
fn commands(session: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in session.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => panic!("output before the first command:\n{session}"),
        }
    }
    commands
}

pub fn try_page(page: &str) {
    let sandbox = Sandbox::new();
    sandbox
        .shell(&format!("cp -r '{}' examples", root().join("examples").display()))
        .fine();
    for (info, text) in blocks(page) {
        match info.as_str() {
            "console run" => {
                for (command, expected) in commands(&text) {
                    let output = sandbox.shell(&command);
                    let tidy = |text: &str| redact(text).trim().to_owned();
                    assert_eq!(
                        tidy(&output.stdout),
                        tidy(&expected),
                        "$ {command}\n{}",
                        output.stderr
                    );
                }
            }
            "pest" => {
                let grammar = std::fs::read_to_string(root().join("grammar/aethel.pest")).unwrap();
                let known: HashSet<&str> = grammar.lines().collect();
                for line in text.lines() {
                    assert!(known.contains(line), "not in the grammar: {line}");
                }
            }
            info => {
                let (language, detail) = info.split_once(' ').unwrap_or((info, ""));
                if let Some(name) = detail.strip_prefix("file=") {
                    sandbox.write(name, &text);
                } else if language == "aethel" {
                    // Beside the examples, whose files it may name.
                    sandbox.write("examples/block.ae", &text);
                    let output = sandbox.aethel(&["check", "examples/block.ae"]);
                    let expected = if detail.is_empty() { 0 } else { 1 };
                    assert_eq!(output.code, expected, "{text}\n{}", output.stdout);
                    output.says(if detail.is_empty() { "" } else { detail });
                }
            }
        }
    }
}

#[test]
fn the_readme_shows_what_happens() {
    if let Ok(page) = std::fs::read_to_string(root().join("README.md")) {
        try_page(&page);
    }
}

#[test]
fn the_pages_of_the_documentation_hold() {
    for page in std::fs::read_dir(root().join("docs")).unwrap() {
        let page = page.unwrap().path();
        if page.extension().is_some_and(|extension| extension == "md") {
            try_page(&std::fs::read_to_string(&page).unwrap());
        }
    }
}

#[test]
fn a_session_that_is_wrong_is_noticed() {
    let right = "```console run\n$ aethel explain AE0501 | head -1\n# AE0501 guard-failed\n```\n";
    try_page(right);
    let wrong = right.replace("guard-failed", "guard-passed");
    assert!(std::panic::catch_unwind(|| try_page(&wrong)).is_err());
    assert!(std::panic::catch_unwind(|| try_page("```aethel\nintent {\n```\n")).is_err());
    let other = "```aethel AE0301\nasset A { scale: 2; }\n```\n";
    assert!(std::panic::catch_unwind(|| try_page(other)).is_err());
    try_page("```text file=a.txt\none\n```\n```console run\n$ cat a.txt\none\n```\n");
}

/// Every function of the workspace.
fn functions() -> HashSet<String> {
    let mut names = HashSet::new();
    for directory in ["crates", "tests"] {
        for path in files_below(root().join(directory), &["rs", "py"]) {
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let rest = line.split_once("fn ").or_else(|| line.split_once("def "));
                names.extend(
                    rest.and_then(|(_, rest)| rest.split('(').next())
                        .map(str::to_owned),
                );
            }
        }
    }
    names
}

#[test]
fn tests_that_pages_name_are_there() {
    let functions = functions();
    for page in ["properties.md", "seed-coverage.md", "reliability.md"] {
        let text = std::fs::read_to_string(root().join("docs").join(page)).unwrap();
        let (mut code, mut found) = (false, 0);
        for part in text.split('`') {
            let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if code && part.matches('_').count() >= 2 && part.chars().all(is_name) {
                assert!(functions.contains(part), "{page} names {part}, which is no test");
                found += 1;
            }
            code = !code;
        }
        assert!(found > 5, "{page} names tests");
    }
    // Properties are counted without a gap.
    let properties = std::fs::read_to_string(root().join("docs/properties.md")).unwrap();
    for number in 1..=30 {
        assert!(properties.contains(&format!("\n| {number} | ")), "{number}");
    }
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut pages = files_below(root().join("docs"), &["md"]);
    pages.extend(files_below(root().join("examples"), &["md"]));
    pages.push(root().join("README.md"));
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut dead = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let leads = match heading {
                "" => there.exists(),
                heading => std::fs::read_to_string(&there).is_ok_and(|text| {
                    let mut headings = text.lines().filter(|line| line.starts_with('#'));
                    headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading)
                }),
            };
            if !leads {
                dead.push(format!(
                    "{}: {target}",
                    page.strip_prefix(root()).unwrap().display()
                ));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}
