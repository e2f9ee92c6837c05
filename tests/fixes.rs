//! Fixes: each mends what it is offered for, and safe ones keep the meaning.

use crate::pages::blocks;
use crate::support::{Sandbox, root, snapshot};
use aethel::fix::{MAX_ROUNDS, apply, mend};
use aethel::ir::{Code, Diagnostic, Safety, SourceId, SourceMap};
use aethel::{CheckOptions, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A program that is wrong, and the directory of the files that it names.
struct Wrong {
    name: String,
    text: String,
    files: Sandbox,
}

/// Mistakes with a fix that no page or case shows.
const MORE: [&str; 6] = [
    "intent pay(a: Account, b: Account) { guard { a.balance >= 1_000_; } verify { a.balance == a.balance - 1.; \
     b.balance == b.balance + 1; } }",
    "asset EURO { scale: 2; } intent pay(a: Account<EUROS>) { guard { a.balance >= 1; } }",
    "intent pay(a: Acount, b: Balanc) { guard { a.balance >= b; } }",
    "intent pay(a: Account) { guard { a.balance >= mim(1, 2) && a.balance >= round(0.5, half_evn); } }",
    "intent pay(payer: Account, amount: Balance) { guard { payer.balance >= amount; } } atomic_batch b { pay(payr: a, \
     amount: LIMIT); } const LIMITS = 5;",
    "intent pay(a: Account) { guard { a.balance >= .5 and a.balance === 1;; } verify { a.balance == a.balance + 1 } }",
];

/// Every program of the error pages and of the cases.
fn wrong_programs() -> Vec<Wrong> {
    let more = MORE.iter().enumerate().map(|(number, text)| Wrong {
        name: format!("program {number} of this test"),
        text: (*text).to_owned(),
        files: Sandbox::new(),
    });
    let mut all: Vec<Wrong> = more.collect();
    for code in Code::ALL {
        for (number, (info, text)) in blocks(code.page()).into_iter().enumerate() {
            if info.split(' ').next() == Some("aethel") {
                all.push(Wrong {
                    name: format!("{} block {number}", code.id()),
                    text,
                    files: Sandbox::new(),
                });
            }
        }
    }
    let mut folders: Vec<PathBuf> = vec![root().join("tests/cases")];
    for entry in std::fs::read_dir(root().join("crates/aethel-syntax/tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ae") {
            all.push(Wrong {
                name: path.display().to_string(),
                text: std::fs::read_to_string(&path).unwrap_or_default(),
                files: Sandbox::new(),
            });
        }
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let parts: Vec<(String, String)> = (text.split("\n--- ").skip(1))
                .filter_map(|part| part.split_once('\n'))
                .map(|(name, text)| (name.trim().to_owned(), format!("{}\n", text.trim_end())))
                .collect();
            for (name, text) in parts.iter().filter(|(name, _)| name.ends_with(".ae")) {
                let files = Sandbox::new();
                parts.iter().for_each(|(name, text)| files.write(name, text));
                all.push(Wrong {
                    name: format!("{} {name}", path.display()),
                    text: text.clone(),
                    files,
                });
            }
        }
    }
    all
}

fn check(text: &str, directory: &Path) -> (SourceId, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let source = sources.add("p.ae", text);
    let program = Program::parse(source, text, directory.to_owned());
    let report = program.check(&mut sources, &CheckOptions::default());
    (source, report.diagnostics)
}

fn count(diagnostics: &[Diagnostic], of: &Diagnostic) -> usize {
    let same = |one: &&Diagnostic| one.code == of.code && one.message == of.message;
    diagnostics.iter().filter(same).count()
}

#[test]
fn each_fix_mends_what_it_is_offered_for() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut bad = Vec::new();
    for wrong in wrong_programs() {
        let (source, found) = check(&wrong.text, wrong.files.path());
        for diagnostic in &found {
            for fix in &diagnostic.fixes {
                let alone = Diagnostic {
                    fixes: vec![fix.clone()],
                    ..diagnostic.clone()
                };
                let edited = apply(source, &wrong.text, &[alone], Safety::Unsafe);
                assert_eq!(edited.applied.len(), 1, "{}: {fix:?}", wrong.name);
                let (_, left) = check(&edited.text, wrong.files.path());
                // Where several braces or roundings are missing, the next one is missed in the same words.
                let again = |text: &str| {
                    let mut sources = SourceMap::default();
                    let options = CheckOptions::default();
                    let all = mend(
                        "p.ae",
                        text,
                        wrong.files.path(),
                        Safety::Unsafe,
                        &options,
                        &mut sources,
                    );
                    count(&all.report.diagnostics, diagnostic)
                };
                let more =
                    [Code::AE0104, Code::AE1002].contains(&diagnostic.code) && again(&edited.text) == 0;
                if count(&left, diagnostic) >= count(&found, diagnostic) && !more {
                    let id = diagnostic.code.id();
                    bad.push(format!(
                        "{}: {id} by {:?} gives\n{}",
                        wrong.name, fix.title, edited.text
                    ));
                }
                *tried.entry(diagnostic.code.id()).or_default() += 1;
            }
        }
    }
    assert!(
        bad.is_empty(),
        "{} fixes mend nothing\n{}",
        bad.len(),
        bad.join("\n\n")
    );
    // What a fix is offered for, in a page or a case at least once.
    let expected = [
        "AE0101", "AE0102", "AE0103", "AE0104", "AE0105", "AE0112", "AE0113", "AE0114", "AE0115", "AE0201",
        "AE0203", "AE0205", "AE0206", "AE0209", "AE0210", "AE0211", "AE0212", "AE0214", "AE0216", "AE0217",
        "AE0219", "AE0310", "AE0311", "AE0903", "AE1004", "AE1006", "AE1007", "AE1009",
    ];
    let tried: BTreeSet<&str> = tried.keys().copied().collect();
    let missing: Vec<&str> = expected.into_iter().filter(|id| !tried.contains(id)).collect();
    assert!(
        missing.is_empty(),
        "no example has a fix of {missing:?}; tried {tried:?}"
    );
}

/// Fixes are applied until there are none left, and never without end.
#[test]
fn mending_ends_and_leaves_nothing_that_could_be_mended() {
    for wrong in wrong_programs() {
        for allowed in [Safety::Safe, Safety::Unsafe] {
            let mended = |text: &str| {
                let mut sources = SourceMap::default();
                let options = CheckOptions::default();
                mend("p.ae", text, wrong.files.path(), allowed, &options, &mut sources)
            };
            let once = mended(&wrong.text);
            // What the solver decides in time once, it may not decide again.
            if once.report.undecided || once.report.diagnostics.iter().any(|d| d.code == Code::AE1010) {
                continue;
            }
            let again = mended(&once.text);
            assert!(once.applied.len() <= MAX_ROUNDS * 100, "{}", wrong.name);
            assert_eq!(
                again.text, once.text,
                "{}: mended further the second time",
                wrong.name
            );
            if allowed == Safety::Safe {
                assert!(once.applied.iter().all(|one| one.safety == Safety::Safe));
            }
        }
    }
}

/// What a program means: what is proved of it, and what a run of it does.
fn meaning(sandbox: &Sandbox, text: &str) -> String {
    sandbox.write("p.ae", text);
    let check = sandbox.aethel(&["check", "p.ae", "-o", "json"]).json();
    let run = sandbox.aethel(&["run", "--dry-run", "--inputs", "in.json", "p.ae", "-o", "json"]);
    let run = run.json();
    let kept = |batch: &serde_json::Value| {
        let keys = ["batch", "success", "balances", "error_code", "content_hash"];
        keys.map(|key| batch[key].clone())
    };
    let batches: Vec<_> = run["batches"].as_array().unwrap().iter().map(kept).collect();
    let proofs: Vec<_> = check["proofs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|proof| ["name", "proved", "refuted", "requires"].map(|key| proof[key].clone()))
        .collect();
    format!("{proofs:#?}\n{batches:#?}")
}

#[test]
fn safe_fixes_keep_the_meaning() {
    let mut changed = BTreeSet::new();
    for wrong in wrong_programs() {
        let (source, found) = check(&wrong.text, wrong.files.path());
        if found.iter().any(Diagnostic::is_error) {
            continue;
        }
        let edited = apply(source, &wrong.text, &found, Safety::Safe);
        if edited.applied.is_empty() {
            continue;
        }
        let everybody = r#"{ "open_accounts": true, "accounts": { "company": "5000", "sender": "5000" } }"#;
        wrong.files.write("in.json", everybody);
        let (before, after) = (
            meaning(&wrong.files, &wrong.text),
            meaning(&wrong.files, &edited.text),
        );
        assert_eq!(before, after, "{}:\n{}", wrong.name, edited.text);
        changed.extend(edited.applied.iter().map(|one| one.code.id()));
    }
    assert_eq!(changed, BTreeSet::from(["AE0114", "AE0216"]));
}

/// Wrong in several ways, with comments that must stay.
const SEVERAL: &str = "# Payroll, written in a hurry.
asset USD { scale: 2; }

atomic_batch payroll {
    # The first of three.
    intent pay(company: Account<USD>, alice: Account<USD>, auditor: Account<USD>, amount: Balance<USD>) {
        guard {
            amount = 1000 // all of it
            base = 5; // a new name
            base <= amount;
        }
        verfy {
            company.balance == company.balance - amount; # taken
            alice.balance == alice.balance + amount
        }
    }
}
";

#[test]
fn files_are_mended_in_their_place() {
    let sandbox = Sandbox::new();
    sandbox.write("p.ae", SEVERAL);
    let diff = sandbox.aethel(&["check", "--fix", "--diff", "p.ae"]).ends(1);
    assert_eq!(sandbox.read("p.ae"), SEVERAL, "nothing is written");
    snapshot!("fix_diff", diff.shown());
    let safe = sandbox.aethel(&["check", "--fix", "p.ae"]).ends(1);
    snapshot!(
        "fix_safe",
        format!("{}\n{}\n{}", safe.shown(), "=".repeat(80), sandbox.read("p.ae"))
    );
    let rest = sandbox
        .aethel(&["check", "--fix", "--unsafe-fixes", "p.ae"])
        .fine();
    snapshot!(
        "fix_unsafe",
        format!("{}\n{}\n{}", rest.shown(), "=".repeat(80), sandbox.read("p.ae"))
    );
    let comments = |text: &str| text.matches(['#', '/']).count();
    assert_eq!(comments(&sandbox.read("p.ae")), comments(SEVERAL));
    let again = sandbox
        .aethel(&["check", "--fix", "--unsafe-fixes", "p.ae"])
        .fine();
    assert!(!again.stdout.contains("mended"), "{}", again.stdout);
    assert_eq!(sandbox.list("."), ["p.ae"]);
}

#[test]
fn what_was_mended_is_told_to_programs() {
    let sandbox = Sandbox::new();
    sandbox.write("p.ae", SEVERAL);
    let json = sandbox
        .aethel(&["check", "--fix", "-o", "json", "p.ae"])
        .ends(1)
        .json();
    crate::schemas::fits("diagnostics", &json);
    let applied = json["applied"].as_array().unwrap();
    assert_eq!(applied[0]["code"], "AE0105");
    assert_eq!(applied[0]["line"], 8);
    assert!(applied.iter().all(|one| one["safety"] == "safe"));
}

#[test]
fn standard_input_has_no_place_to_be_mended_in() {
    let sandbox = Sandbox::new();
    sandbox
        .aethel_with(&["check", "--fix", "-"], SEVERAL.as_bytes())
        .ends(2)
        .says("AE0911");
    let diff = sandbox
        .aethel_with(&["check", "--fix", "--diff", "-"], SEVERAL.as_bytes())
        .ends(1);
    assert!(
        diff.stdout.contains("+            amount == 1000; // all of it"),
        "{}",
        diff.stdout
    );
    sandbox.aethel(&["check", "--diff", "p.ae"]).ends(2);
}

/// What is left of a program when it is mended.
fn mended(text: &str, directory: &Path, allowed: Safety) -> String {
    let mut sources = SourceMap::default();
    let options = CheckOptions::default();
    mend("p.ae", text, directory, allowed, &options, &mut sources).text
}

/// A slip of the finger in a right program is mended to the letter.
#[test]
fn slips_are_undone() {
    let sandbox = Sandbox::with_examples();
    let mut tried = 0;
    for name in ["payroll.ae", "exchange.ae", "settlement.ae", "payroll_1000.ae"] {
        let right = sandbox.read(name);
        let code = |at: usize| {
            let line = right[..at].rfind('\n').map_or(0, |end| end + 1);
            !right[line..at].contains(['#', '/'])
        };
        for (slip, wrong, allowed) in [
            (";", "", Safety::Safe),
            (" == ", " = ", Safety::Safe),
            ("guard", "gaurd", Safety::Unsafe),
            ("verify", "verfy", Safety::Unsafe),
            ("intent", "intnet", Safety::Unsafe),
            ("atomic_batch", "batch", Safety::Unsafe),
            ("asset", "aset", Safety::Unsafe),
            (".balance", ".balence", Safety::Unsafe),
            ("Account", "Acount", Safety::Unsafe),
            ("Balance", "balance", Safety::Unsafe),
        ] {
            for (at, _) in right.match_indices(slip).filter(|(at, _)| code(*at)) {
                let text = format!("{}{wrong}{}", &right[..at], &right[at + slip.len()..]);
                let done = mended(&text, sandbox.path(), allowed);
                // `old_x = x.balance` is a name of its own, and `let` is what it lacks.
                let named = slip == " == " && done.contains("let ");
                assert!(done == right || named, "{name}, {slip:?} at byte {at}:\n{done}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Lines of a mended text end as they did.
#[test]
fn line_ends_stay() {
    let lines = |text: &str| text.trim_end().contains('\n') && !text.contains('\r');
    for wrong in wrong_programs().iter().filter(|wrong| lines(&wrong.text)) {
        let windows = |text: &str| text.replace('\n', "\r\n");
        let plain = mended(&wrong.text, wrong.files.path(), Safety::Unsafe);
        let done = mended(&windows(&wrong.text), wrong.files.path(), Safety::Unsafe);
        assert_eq!(done, windows(&plain), "{}", wrong.name);
    }
}

/// Whatever a text is like, mending it ends, and loses nothing of what it cannot read.
#[test]
fn broken_programs_are_mended_without_end_or_panic() {
    let sandbox = Sandbox::with_examples();
    let texts = ["payroll.ae", "exchange.ae", "liquidations.ae"].map(|name| sandbox.read(name));
    let pieces = [
        "{",
        "}",
        ";",
        "(",
        ")",
        "=",
        "==",
        "1,000",
        "10%",
        "'a'",
        "\"",
        "guard",
        "let x = 1;",
        "é",
        ".5",
        "and",
        "if (a) { b; }",
    ];
    for seed in 0..150 {
        let mut random = crate::support::Random(seed);
        let mut text = texts[random.below(texts.len())].clone();
        for _ in 0..1 + random.below(4) {
            let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let start = bounds[random.below(bounds.len())];
            match random.below(3) {
                0 => text.insert_str(start, pieces[random.below(pieces.len())]),
                1 => {
                    let end = bounds
                        .iter()
                        .copied()
                        .find(|at| *at >= start + random.below(12))
                        .unwrap_or(text.len());
                    text.replace_range(start..end.max(start), "");
                }
                _ => {
                    let end = text[start..]
                        .find('\n')
                        .map_or(text.len(), |length| start + length);
                    text.replace_range(start..end, "");
                }
            }
        }
        let once = mended(&text, sandbox.path(), Safety::Unsafe);
        assert!(
            once.len() + 200 > text.len(),
            "seed {seed}: too much is gone\n{text}\n{once}"
        );
    }
}
