//! Editors: a real one in front of the server, and the extension for Visual Studio Code as far as it can be tried here.

use crate::support::{Sandbox, root, snapshot};
use aethel_syntax::lexer::{Lexer, TokenKind};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

const PROGRAM: &str = "intent pay(company: Account, alice: Account, amount: Balance) {
    guard {
      company.balance   >= amount;
        amount = 1000;
    }
    verify {
        company.balance == company.balance - amount;
        alice.balance == alice.balance + amount;
    }
}
";

#[test]
fn neovim_shows_mends_renames_and_lays_out() {
    let page = std::fs::read_to_string(root().join("docs/editors.md")).unwrap();
    let config = page
        .split("```lua\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("init.lua", config);
    sandbox.write("session.lua", include_str!("editors/session.lua"));
    sandbox.write("pay.ae", PROGRAM);
    sandbox
        .shell(
            "HOME=$PWD XDG_RUNTIME_DIR=$PWD nvim --headless -n -i NONE -u init.lua -c 'luafile session.lua'",
        )
        .fine();
    snapshot!("neovim", sandbox.read("said.txt"));
    let written = sandbox.read("pay.ae");
    sandbox.aethel(&["fmt", "--check", "pay.ae"]).fine();
    sandbox.aethel(&["check", "pay.ae"]).fine();
    assert!(written.contains("firm.balance >= amount;"), "{written}");
}

fn extension(name: &str) -> String {
    std::fs::read_to_string(root().join("grammar/vscode").join(name)).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&extension(name)).unwrap()
}

/// One pattern of the TextMate grammar.
struct Pattern {
    regex: Regex,
    scope: Option<String>,
    /// The scope of each group.
    captures: Vec<(usize, String)>,
}

/// The grammar's patterns; they are written so that this library reads them as the editor does.
fn patterns() -> Vec<Pattern> {
    let grammar = json("aethel.tmLanguage.json");
    let patterns = grammar["patterns"].as_array().unwrap().iter();
    patterns
        .map(|pattern| Pattern {
            regex: Regex::new(pattern["match"].as_str().unwrap()).unwrap(),
            scope: pattern["name"].as_str().map(str::to_owned),
            captures: pattern["captures"].as_object().map_or_else(Vec::new, |all| {
                let one = |(group, scope): (&String, &Value)| {
                    (group.parse().unwrap(), scope["name"].as_str().unwrap().to_owned())
                };
                all.iter().map(one).collect()
            }),
        })
        .collect()
}

/// The scope of every byte of a line, as an editor finds it: again and again the first match, of several the first
/// pattern's.
fn scopes(patterns: &[Pattern], line: &str) -> Vec<Option<String>> {
    let mut scopes = vec![None; line.len()];
    let mut at = 0;
    loop {
        let found = patterns
            .iter()
            .filter_map(|pattern| Some((pattern, pattern.regex.captures_at(line, at)?)));
        let Some((pattern, groups)) = found.min_by_key(|(_, groups)| groups.get(0).unwrap().start()) else {
            return scopes;
        };
        let whole = groups.get(0).unwrap();
        assert!(!whole.is_empty(), "{:?} matches nothing", pattern.regex);
        if let Some(scope) = &pattern.scope {
            scopes[whole.range()].fill(Some(scope.clone()));
        }
        for (group, scope) in &pattern.captures {
            scopes[groups.get(*group).unwrap().range()].fill(Some(scope.clone()));
        }
        at = whole.end();
    }
}

/// Every program of the examples.
fn programs() -> Vec<PathBuf> {
    let directories =
        ["examples", "examples/failing"].map(|name| std::fs::read_dir(root().join(name)).unwrap());
    let files = directories
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let mut programs: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|e| e == "ae"))
        .collect();
    programs.sort();
    programs
}

#[test]
fn the_grammar_of_colours_agrees_with_the_lexer() {
    let patterns = patterns();
    let mut tokens = 0;
    for path in programs() {
        let text = std::fs::read_to_string(&path).unwrap();
        let found: Vec<Option<String>> = text
            .split_inclusive('\n')
            .flat_map(|line| {
                let body = line.trim_end_matches(['\r', '\n']);
                let mut found = scopes(&patterns, body);
                found.resize(line.len(), None);
                found
            })
            .collect();
        let mut lexer = Lexer::new(&text);
        loop {
            let token = lexer.next_with_comments();
            if token.kind == TokenKind::End {
                break;
            }
            let word = &text[token.start..token.end];
            let scope = found[token.start]
                .as_deref()
                .unwrap_or_else(|| panic!("`{word}` has no colour"));
            let right = match token.kind {
                TokenKind::Comment => scope.starts_with("comment."),
                TokenKind::Text => scope.starts_with("string."),
                TokenKind::Number => scope.starts_with("constant.numeric"),
                TokenKind::Operator | TokenKind::Assign => scope.starts_with("keyword.operator"),
                TokenKind::Word => !scope.starts_with("comment") && !scope.starts_with("keyword.operator"),
                _ => scope.starts_with("punctuation") || scope.starts_with("keyword.operator.word"),
            };
            assert!(right, "`{word}` of {} is {scope}", path.display());
            let same = found[token.start..token.end]
                .iter()
                .all(|one| one.as_deref() == Some(scope));
            assert!(same, "`{word}` of {} has two colours", path.display());
            tokens += 1;
        }
    }
    assert!(tokens > 900, "{tokens}");
}

#[test]
fn every_keyword_has_a_colour_of_its_own() {
    let grammar = std::fs::read_to_string(root().join("grammar/aethel.pest")).unwrap();
    let rule = Regex::new(r#"(?m)^kw_\w+\s*= @\{ "(\w+)""#).unwrap();
    let words: BTreeSet<&str> = rule
        .captures_iter(&grammar)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert!(words.len() > 18, "{words:?}");
    let patterns = patterns();
    let of = |line: &str| scopes(&patterns, line)[0].clone().unwrap_or_default();
    for word in words {
        let line = if word == "scale" {
            "scale: 2;".to_owned()
        } else {
            word.to_owned()
        };
        let scope = of(&line);
        assert!(!scope.starts_with("variable"), "`{word}` is {scope}");
        assert_eq!(of(&format!("{word}s")), "variable.other.aethel");
    }
    for word in ["Account", "Balance", "round", "half_even", "min"] {
        assert!(!of(word).starts_with("variable"), "{word}");
    }
    assert!(of("\"open").starts_with("invalid"));
}

#[test]
fn the_extension_is_whole() {
    let package = json("package.json");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    let mut named = vec![
        "README.md".to_owned(),
        "LICENSE".to_owned(),
        "package.json".to_owned(),
    ];
    for list in ["languages", "grammars", "snippets"] {
        for one in package["contributes"][list].as_array().unwrap() {
            let path = one["path"].as_str().or(one["configuration"].as_str()).unwrap();
            named.push(path.trim_start_matches("./").to_owned());
        }
    }
    let kept: BTreeSet<String> = (extension(".vscodeignore").lines())
        .filter_map(|line| line.strip_prefix('!').map(str::to_owned))
        .collect();
    for file in &named {
        extension(file);
        assert!(kept.contains(file), "{file} is not packaged");
    }
    assert_eq!(kept.len(), named.len() + 1, "and the client: {kept:?}");
    assert!(kept.contains("dist/extension.js"));
    let configuration = json("language-configuration.json");
    Regex::new(configuration["wordPattern"].as_str().unwrap()).unwrap();
    // What a snippet writes can be read.
    let stop = Regex::new(r"\$\{\d+:([^{}]*)\}|\$(\d+)").unwrap();
    for (name, snippet) in json("snippets/aethel.json").as_object().unwrap() {
        let body = match &snippet["body"] {
            Value::String(line) => line.clone(),
            lines => serde_json::from_value::<Vec<String>>(lines.clone())
                .unwrap()
                .join("\n"),
        };
        let names = ["", "pay", "from", "to", "amount"];
        let text = stop.replace_all(&body, |found: &regex::Captures<'_>| match found.get(1) {
            Some(given) => given.as_str().to_owned(),
            None => names[found[2].parse::<usize>().unwrap()].to_owned(),
        });
        let text = if name == "Loop" {
            format!("atomic_batch b {{\n{text}\n}}")
        } else {
            text.into_owned()
        };
        let parsed = aethel_syntax::parse(Default::default(), &text);
        let errors: Vec<_> = parsed.diagnostics.iter().map(|d| &d.message).collect();
        let alone = ["a program needs at least one batch or intent"];
        assert!(
            errors.iter().all(|error| alone.contains(&error.as_str())) || name == "Asset",
            "{name}: {errors:?}\n{text}"
        );
    }
}

/// Node is on few machines that only build this; where it is, the client is loaded and its commands are tried.
#[test]
fn the_client_starts_the_server_and_runs_batches() {
    let sandbox = Sandbox::new();
    if sandbox.shell("command -v node").code != 0 {
        eprintln!("node is not here: the client was not loaded");
        return;
    }
    sandbox.write("load.js", include_str!("editors/load.js"));
    sandbox.write("extension.js", extension("extension.js"));
    let output = sandbox.shell("node load.js $PWD/extension.js").fine();
    snapshot!("vscode_client", output.stdout);
}
