//! Diagnostics in every format, several formats at once, and names that are made to do harm in all of them.

use crate::pages::blocks;
use crate::schemas::{fits, sarif_misfit};
use crate::support::{Output, Sandbox, finish, snapshot};
use aethel::ir::Code;
use serde_json::Value;

const FORMATS: [&str; 5] = ["human", "concise", "json", "sarif", "github"];

/// A program with a syntax error.
const SYNTAX: &str = "asset USD { scale: 2; }\n\nintent raise(bob: Account<USD>, amount: Balance<USD>) {\n    guard {\n        \
                      amount >= 0\n    }\n    verify {\n        bob.balance == bob.balance + amount;\n    }\n}\n";

/// The version and the pages of a SARIF log, which change without it.
fn tidy(text: &str) -> String {
    let Ok(mut log) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    let Some(driver) = log.pointer_mut("/runs/0/tool/driver") else {
        return text.to_owned();
    };
    driver["semanticVersion"] = "[version]".into();
    for rule in driver["rules"].as_array_mut().unwrap() {
        rule["help"] = "[page]".into();
        rule["fullDescription"] = "[what]".into();
    }
    format!("{log:#}\n")
}

fn shown(output: &Output) -> String {
    let spent = regex::Regex::new(r#""(microseconds|queries)": \d+"#).unwrap();
    let mut output = output.clone();
    output.stdout = spent.replace_all(&tidy(&output.stdout), "\"$1\": 0").into_owned();
    output.shown()
}

#[test]
fn p22_a_syntax_error_and_a_refuted_proof_in_every_format() {
    for format in FORMATS {
        let sandbox = Sandbox::with_examples();
        sandbox.write("syntax.ae", SYNTAX);
        let output = sandbox.aethel(&["check", "-o", format, "syntax.ae"]).ends(1);
        snapshot!(format!("output_syntax_{format}"), shown(&output));
        let output = sandbox
            .aethel(&["check", "-o", format, "failing/bonus.ae"])
            .ends(1);
        snapshot!(format!("output_bonus_{format}"), shown(&output));
        let output = sandbox.aethel(&["run", "-o", format, "failing/exchange.ae"]);
        assert_ne!(output.code, 0);
    }
}

#[test]
fn every_example_is_valid_sarif_and_json() {
    let mut tried = 0;
    for code in Code::ALL {
        let sandbox = Sandbox::new();
        for (info, text) in blocks(code.page()) {
            if info.starts_with("aethel ") {
                sandbox.write("p.ae", &text);
                sandbox.aethel(&[
                    "check",
                    "p.ae",
                    "--output-file",
                    "sarif:s",
                    "--output-file",
                    "json:j",
                ]);
                let log: Value = serde_json::from_str(&sandbox.read("s")).unwrap();
                assert_eq!(sarif_misfit(&log), None, "{}: {log:#}", code.id());
                let results = log["runs"][0]["results"].as_array().unwrap();
                let json: Value = serde_json::from_str(&sandbox.read("j")).unwrap();
                fits("diagnostics", &json);
                let diagnostics = json["diagnostics"].as_array().unwrap();
                assert_eq!(results.len(), diagnostics.len());
                for (result, diagnostic) in results.iter().zip(diagnostics) {
                    assert_eq!(result["ruleId"], diagnostic["code"]);
                    let region = &result["locations"][0]["physicalLocation"]["region"];
                    if !region.is_null() {
                        assert_eq!(region["startLine"], diagnostic["line"]);
                        assert_eq!(region["startColumn"], diagnostic["column"]);
                        assert_eq!(region["byteOffset"], diagnostic["byte_start"]);
                    }
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn a_log_that_is_wrong_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.write("p.ae", SYNTAX);
    let right = sandbox.aethel(&["check", "-o", "sarif", "p.ae"]).json();
    assert_eq!(sarif_misfit(&right), None);
    let change = |path: &str, to: Value| {
        let mut wrong = right.clone();
        *wrong.pointer_mut(path).unwrap() = to;
        wrong
    };
    for (path, to) in [
        ("/version", Value::from("2.0.0")),
        ("/runs/0/columnKind", "bytes".into()),
        ("/runs/0/results/0/level", "fatal".into()),
        ("/runs/0/results/0/ruleIndex", (-2).into()),
        ("/runs/0/results/0/message", Value::Object(serde_json::Map::new())),
        (
            "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri",
            "a b".into(),
        ),
    ] {
        assert!(sarif_misfit(&change(path, to)).is_some(), "{path}");
    }
}

#[test]
fn several_formats_at_once() {
    let times = regex::Regex::new(r#""(\w*(_ms|_ns|seconds|time|busy)|throughput\w*)": [^,\n]*"#).unwrap();
    for (command, code) in [
        (&["check", "failing/bonus.ae"][..], 1),
        (&["check", "payroll.ae"], 0),
        (&["run", "failing/bonus.ae"], 1),
        (&["run", "--dry-run", "exchange.ae"], 0),
        (&["run", "nothing.ae"], 2),
        (&["fmt", "nothing.ae"], 2),
        (&["ledger", "show", "nobody"], 2),
    ] {
        let sandbox = Sandbox::with_examples();
        let files = FORMATS.map(|format| format!("--output-file={format}:out/{format}"));
        std::fs::create_dir(sandbox.file("out")).unwrap();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        sandbox.aethel(&[command, &files].concat()).ends(code);
        // What a file holds is what its format prints.
        for format in FORMATS {
            let alone = sandbox.aethel(&[command, &["-o", format]].concat()).ends(code);
            let without_times = |text: &str| {
                let text = crate::support::redact(text);
                times.replace_all(&text, "").into_owned()
            };
            let (file, stdout) = (sandbox.read(&format!("out/{format}")), alone.stdout);
            if format != "json" || command[0] != "run" || code != 0 {
                assert_eq!(
                    without_times(&file),
                    without_times(&stdout),
                    "{command:?} {format}"
                );
            }
        }
        assert_eq!(
            sandbox.list("out").len(),
            FORMATS.len(),
            "nothing else stays behind"
        );
    }
}

#[test]
fn a_file_that_cannot_be_written_stops_the_command_before_it_begins() {
    let sandbox = Sandbox::with_examples();
    sandbox.write("kept", "as it was");
    for target in ["json:missing/x", "json:failing", "sarif:"] {
        let output = sandbox
            .aethel(&["run", "payroll.ae", "--output-file", target])
            .ends(2);
        assert!(
            output.stdout.contains("AE0901") || output.stderr.contains("path is missing"),
            "{output:?}"
        );
    }
    let twice = ["--output-file", "json:kept", "--output-file", "sarif:./kept"];
    sandbox
        .aethel(&[&["run", "payroll.ae"][..], &twice].concat())
        .ends(2)
        .says("AE0911");
    assert_eq!(sandbox.read("kept"), "as it was");
    assert!(sandbox.list(".aethel").is_empty(), "the run did not begin");
    let names = sandbox.list(".");
    assert!(!names.iter().any(|name| name.contains(".out-")), "{names:?}");
    // What is no regular file is written as it is.
    sandbox
        .aethel(&["check", "payroll.ae", "--output-file", "json:/dev/null"])
        .fine();
}

#[test]
fn a_failed_command_writes_its_files_too() {
    let sandbox = Sandbox::with_examples();
    sandbox.write("old.json", "old");
    sandbox
        .aethel(&[
            "run",
            "failing/bonus.ae",
            "--output-file",
            "json:old.json",
            "--output-file",
            "sarif:new.sarif",
        ])
        .ends(1);
    let run: Value = serde_json::from_str(&sandbox.read("old.json")).unwrap();
    fits("run", &run);
    let log: Value = serde_json::from_str(&sandbox.read("new.sarif")).unwrap();
    assert_eq!(sarif_misfit(&log), None);
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");
}

fn with(sandbox: &Sandbox, variable: (&str, &str), arguments: &[&str]) -> Output {
    let mut command = sandbox.command(arguments);
    command.env(variable.0, variable.1);
    finish(command, b"")
}

#[test]
fn annotations_are_chosen_by_themselves_on_github() {
    let sandbox = Sandbox::with_examples();
    let actions = ("GITHUB_ACTIONS", "true");
    let first = |output: &Output| output.stdout.lines().last().unwrap_or_default().to_owned();
    let own = with(&sandbox, actions, &["check", "failing/bonus.ae"]).ends(1);
    assert!(
        own.stdout.contains("\n::error file=failing/bonus.ae,line="),
        "{}",
        own.stdout
    );
    assert!(
        own.stdout.contains("refuted: conserves USD"),
        "results are printed as for people"
    );
    let asked = with(&sandbox, actions, &["check", "-o", "concise", "failing/bonus.ae"]).ends(1);
    assert!(first(&asked).starts_with("failing/bonus.ae:"), "{}", asked.stdout);
    let off = with(
        &sandbox,
        ("GITHUB_ACTIONS", "false"),
        &["check", "failing/bonus.ae"],
    )
    .ends(1);
    assert!(off.stdout.contains("error[AE0701]"), "{}", off.stdout);
    let variable = with(
        &sandbox,
        ("AETHEL_OUTPUT_FORMAT", "json"),
        &["check", "failing/bonus.ae"],
    )
    .ends(1);
    fits("diagnostics", &variable.json());
    let export = with(&sandbox, actions, &["ledger", "export"]).ends(2);
    assert!(
        export.stdout.starts_with("::error title=AE0911 usage::"),
        "{}",
        export.stdout
    );
}

/// A runner acts on what begins a line, whichever format was chosen.
#[test]
fn p24_results_are_no_commands_on_github() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "open.csv",
        "account,asset,balance\n::error::x,USD,5.00\n##[add-path]y,USD,5.00\n",
    );
    sandbox
        .aethel(&["ledger", "import", "open.csv", "--asset", "USD:2"])
        .fine();
    for arguments in [
        &["ledger", "show"][..],
        &["ledger", "show", "-o", "human"],
        &["ledger", "show", "-o", "concise"],
        &["ledger", "show", "-o", "github"],
        &["ledger", "show", "-o", "json"],
    ] {
        let shown = with(&sandbox, ("GITHUB_ACTIONS", "true"), arguments)
            .fine()
            .stdout;
        let commands = shown
            .lines()
            .any(|line| line.trim_start().starts_with("::") || line.contains("##["));
        assert!(
            !commands || arguments.contains(&"json"),
            "{arguments:?}:\n{shown}"
        );
        assert!(
            !shown.lines().any(|line| line.trim_start().starts_with("::")),
            "{shown}"
        );
    }
}

#[test]
fn warnings_count_when_they_are_denied() {
    let page = Code::AE0214.page();
    let (_, program) = blocks(page)
        .into_iter()
        .find(|(info, _)| info.starts_with("aethel warns"))
        .unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("p.ae", program);
    sandbox.aethel(&["check", "p.ae"]).fine().says("warning[AE0214]");
    sandbox
        .aethel(&["check", "--deny-warnings", "p.ae"])
        .ends(1)
        .says("error[AE0214]");
    let json = sandbox
        .aethel(&["check", "--deny-warnings", "p.ae", "-o", "json"])
        .ends(1)
        .json();
    assert_eq!(json["diagnostics"][0]["severity"], "error");
    let log = sandbox
        .aethel(&["check", "--deny-warnings", "p.ae", "-o", "sarif"])
        .ends(1)
        .json();
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");
    let github = sandbox
        .aethel(&["check", "--deny-warnings", "p.ae", "-o", "github"])
        .ends(1);
    assert!(github.stdout.contains("::error "), "{}", github.stdout);
    let quiet = sandbox.aethel(&["check", "-q", "p.ae"]).fine();
    assert_eq!(quiet.stdout, "");
    sandbox
        .aethel(&["check", "-q", "--deny-warnings", "p.ae"])
        .ends(1)
        .says("AE0214");
}

#[test]
fn verbose_says_why() {
    let sandbox = Sandbox::new();
    sandbox.write("p.ae", SYNTAX);
    let output = sandbox.aethel(&["check", "-v", "p.ae"]).ends(1);
    snapshot!("output_verbose", output.shown());
}

/// A program and rows with names that terminals, browsers, spreadsheets and runners would act on.
fn hostile(sandbox: &Sandbox) {
    sandbox.write(
        "::error::dir/a\u{202e},%0A<b>.ae",
        "asset USD { scale: 2; }\n\naccount \"::error::x\" { unbounded; }\n\nintent pay(from: Account<USD>, to: Account<USD>, \
         amount: Balance<USD>) {\n    guard {\n        amount >= 0;\n        from.balance >= amount;\n    }\n    verify {\n        \
         from.balance == from.balance - amount;\n        to.balance == to.balance + amount;\n    }\n}\n\natomic_batch b {\n    \
         for row in \"rows.csv\" {\n        pay(row.from, row.to, row.amount);\n    }\n}\n",
    );
    sandbox.write(
        "::error::dir/rows.csv",
        "from,to,amount\n::error::x,=1+cmd|' /C calc'!A1,1.00\n<script>alert(1)</script>,::stop-commands::y,1.00\n",
    );
}

#[test]
fn p24_names_do_no_harm_in_any_format() {
    let sandbox = Sandbox::new();
    hostile(&sandbox);
    let program = "::error::dir/a\u{202e},%0A<b>.ae";
    // A row with control characters is refused with them in its message.
    sandbox.write("bad.ae", "intent a\u{1b}[2J(\u{202e}) { }\n\u{7}::error::x\n");
    for format in FORMATS {
        for arguments in [
            vec!["run", "--open-accounts", program],
            vec!["check", program],
            vec!["check", "bad.ae"],
            vec!["check", "no\u{1b}[2Jfile\n::error::x"],
        ] {
            let output = sandbox.aethel(&[arguments.clone(), vec!["-o", format]].concat());
            assert_ne!(output.code, 101);
            let text = format!("{}{}", output.stdout, output.stderr);
            let bad: Vec<char> = text
                .chars()
                .filter(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'))
                .collect();
            assert!(bad.is_empty(), "{arguments:?} {format}: {bad:?} in {text}");
            match format {
                "json" => assert!(output.json().is_object()),
                "sarif" => assert_eq!(sarif_misfit(&output.json()), None),
                "github" => {
                    for line in text.lines().filter(|line| line.trim_start().starts_with("::")) {
                        let own = [
                            "::error file=",
                            "::error title=",
                            "::warning file=",
                            "::notice file=",
                        ];
                        assert!(own.iter().any(|begin| line.starts_with(begin)), "{line}");
                    }
                }
                _ => {}
            }
        }
    }
    let output = sandbox.aethel(&["run", "--open-accounts", program, "-o", "github"]);
    snapshot!("output_hostile_github", crate::support::redact(&output.stdout));
}

#[test]
fn a_file_holds_what_its_format_prints_whatever_the_command() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    for command in [
        &["ledger", "show", "--ledger", "l.redb"][..],
        &["ledger", "batches", "--ledger", "l.redb"],
        &["ledger", "history", "company", "--ledger", "l.redb"],
        &["ledger", "verify", "--ledger", "l.redb"],
        &["ledger", "proof", "1", "--ledger", "l.redb"],
        &["ledger", "policy", "--ledger", "l.redb"],
        &["explain"],
        &["explain", "AE0501"],
        &["graph", "payroll.ae"],
    ] {
        let with = |more: &[&str]| sandbox.aethel(&[command, more].concat()).fine().stdout.clone();
        let (text, json) = (with(&[]), with(&["-o", "json"]));
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "{command:?}");
        assert_eq!(with(&["--output-file", "json:kept"]), text, "{command:?}");
        assert_eq!(sandbox.read("kept"), json, "{command:?}");
        assert_eq!(
            with(&["-o", "json", "--output-file", "human:kept"]),
            json,
            "{command:?}"
        );
        assert_eq!(sandbox.read("kept"), text, "{command:?}");
    }
}
