//! The README's examples do what they show.
//!
//! A fenced block ```` ```console run ```` is a session: each line that begins with `$ ` is run by a shell in a directory
//! with the examples, and what stands below it must be what it prints, times and hashes aside. A block ```` ```aethel ````
//! must check without an error. Blocks that are marked otherwise are not looked at.

use crate::support::{Sandbox, redact, root};

/// The fenced blocks of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

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

fn try_page(page: &str) {
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
            "aethel" => {
                // Beside the examples, whose files it may name.
                sandbox.write("examples/block.ae", &text);
                let output = sandbox.aethel(&["check", "examples/block.ae"]);
                assert_eq!(output.code, 0, "{text}\n{}", output.stdout);
            }
            _ => {}
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
}
