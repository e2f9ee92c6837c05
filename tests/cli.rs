//! The command line itself: its help, held by a page of the documentation, completions and manual pages.
//!
//! `INSTA_UPDATE=always cargo test -p aethel-cli --test main cli` writes `docs/cli.md` anew.

use crate::support::{Sandbox, root, snapshot};

const HEAD: &str = "\
# Commands

What `aethel --help` and the help of every command say. This page is written by the binary and held by a test;
`INSTA_UPDATE=always cargo test -p aethel-cli --test main cli` writes it anew. The options of every command stand once, at
the end of `aethel --help`.
";

/// The names below `Commands:`.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // What a long description continues with stands further in.
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

/// Without the options of every command, which have a part of their own.
fn without_global(help: &str) -> String {
    let (before, global) = help.split_once("\nGlobal options:\n").unwrap();
    // What stands below the options begins at the margin.
    let mut rest = global
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with(' '));
    let rest: String = rest.by_ref().map(|line| format!("{line}\n")).collect();
    match rest.is_empty() {
        true => before.to_owned(),
        false => format!("{before}\n{rest}"),
    }
}

fn add(sandbox: &Sandbox, words: &[String], page: &mut String) {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = sandbox.aethel(&arguments).fine().stdout;
    let (title, depth) = (format!("aethel {}", words.join(" ")), words.len().clamp(1, 3) + 1);
    let shown = match words {
        [] => help.clone(),
        _ => without_global(&help),
    };
    let shown: String = shown
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    *page += &format!(
        "\n{} {}\n\n```text\n{shown}```\n",
        "#".repeat(depth),
        title.trim_end()
    );
    for command in commands(&help) {
        add(sandbox, &[words, &[command]].concat(), page);
    }
}

#[test]
fn the_page_of_commands_is_what_the_binary_says() {
    let mut page = HEAD.to_owned();
    add(&Sandbox::new(), &[], &mut page);
    let path = root().join("docs/cli.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        std::fs::write(&path, &page).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    for line in page.lines().filter(|line| line.starts_with("          ")) {
        assert!(
            !line.ends_with('.'),
            "help is a phrase without a final period: {line}"
        );
    }
    let first = page.lines().zip(held.lines()).find(|(now, held)| now != held);
    assert!(
        held == page,
        "docs/cli.md is not what the help says now; write it anew with `INSTA_UPDATE=always`: {first:?}"
    );
}

#[test]
fn bash_completes_commands_options_values_and_codes() {
    let script = r#"
        eval "$(aethel completions bash)"
        try() {
            COMP_WORDS=(aethel "$@") COMP_CWORD=$# COMPREPLY=()
            _aethel aethel "${COMP_WORDS[$#]}" "${COMP_WORDS[$(($# - 1))]}"
            echo "$*: ${COMPREPLY[*]}"
        }
        try che; try explain AE050; try run --ba; try run --validate ''; try ledger pol; try completions f
    "#;
    let sandbox = Sandbox::new();
    sandbox.write("try.sh", script);
    snapshot!("completions_bash", sandbox.shell("bash try.sh").fine().stdout);
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        sandbox
            .aethel(&["completions", shell])
            .fine()
            .says("verify-proof");
    }
    let wrong = sandbox.aethel(&["completions", "tcsh"]).ends(2);
    assert!(wrong.stderr.contains("zsh"), "{wrong:?}");
}

#[test]
fn manual_pages_are_what_man_reads() {
    let sandbox = Sandbox::new();
    sandbox
        .aethel(&["man", "--dir", "share/man1"])
        .fine()
        .says(" pages in share/man1\n");
    let pages = sandbox.list("share/man1");
    for page in [
        "aethel.1",
        "aethel-run.1",
        "aethel-ledger-policy-require.1",
        "aethel-man.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "no {page} in {pages:?}");
    }
    // Errors are what a reader could not see; style is left to the generator.
    sandbox.shell("mandoc -T lint -W error share/man1/*.1").fine();
    let read = sandbox
        .shell("mandoc -T utf8 share/man1/aethel-fmt.1 | sed 's/.\x08//g'")
        .fine()
        .stdout;
    for part in [
        "AETHEL-FMT(1)",
        "SYNOPSIS",
        "--check",
        "NOTES\n       Exit codes:",
        "aethel 1.",
    ] {
        assert!(read.contains(part), "no {part:?} in {read}");
    }
    let one = sandbox.aethel(&["man", "ledger", "show"]).fine().stdout;
    assert_eq!(one, sandbox.read("share/man1/aethel-ledger-show.1"));
    snapshot!(
        "man_wrong",
        [
            &["man", "legder"][..],
            &["man", "run", "fast"],
            &["man", "--dir", "share/man1/aethel.1"]
        ]
        .map(|arguments| sandbox.aethel(arguments).ends(2).shown())
        .join("\n")
    );
}
