//! What each feature answers.

use super::client::{Editor, brief, capabilities, place};
use crate::support::{Sandbox, redact, snapshot};
use serde_json::{Value, json};

/// A program with something of everything.
const PROGRAM: &str = r#"# Wages and a bonus.
# Two lines of comment.
asset USD { scale: 2; }
asset BTC { scale: 8; }
account world { unbounded; }
field frozen: Bool;
const FEE = 0.25;

intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard {
        amount > FEE;
        !from.frozen;
        old_from == from.balance;
        let net = round(amount - FEE, USD, half_even);
        from.balance >= amount;
    }
    solve {
        priority: security;
    }
    verify {
        from.balance == from.balance - amount;
        to.balance == to.balance + net;
        world.balance == world.balance + FEE;
        from.balance <= old_from;
    }
}

intent swap(a: Account<USD>, b: Account<USD>, satoshi: Balance<BTC>) {
    guard {
        satoshi > 0;
        a.btc_balance >= satoshi;
    }
    verify {
        a.btc_balance == a.btc_balance - satoshi;
        b.btc_balance == b.btc_balance + satoshi;
    }
}

atomic_batch wages {
    intent bonus(bob: Account<USD>, ann: Account<USD>, gift: Balance<USD>) {
        guard {
            bob.balance >= gift;
            gift == 10;
        }
        verify {
            bob.balance == bob.balance - gift;
            ann.balance == ann.balance + gift;
        }
    }

    first: pay("𝔸da & co", bob, 100.00);

    rows: for row in "staff.csv" after first, bonus {
        pay(from: firm, to: row.account, amount: row.salary);
    }

    swap(a: firm, b: bob, satoshi: 5) after rows;
}
"#;

pub(super) const STAFF: &str = "account,salary\nann,10.00\nbob,20.00\n";

/// The program above without the error in it.
pub(super) fn right() -> String {
    PROGRAM
        .replace("        world.balance == world.balance + FEE;\n", "")
        .replace("amount - FEE", "amount")
}

pub(super) fn open(text: &str) -> Editor {
    let sandbox = Sandbox::new();
    sandbox.write("staff.csv", STAFF);
    let mut editor = Editor::start(sandbox);
    editor.open("a.ae", text);
    editor
}

pub(super) fn shown(name: &str, value: &Value) {
    snapshot!(name, redact(&brief(value)));
}

/// What several places answer, each under its mark.
fn answers(editor: &mut Editor, method: &str, text: &str, marks: &[&str]) -> Value {
    let all = marks.iter().map(|mark| {
        let answer = editor.at(method, "a.ae", place(text, mark));
        ((*mark).to_owned(), answer)
    });
    all.collect()
}

#[test]
fn initialize() {
    let mut editor = Editor::bare(Sandbox::new());
    let mut params = json!({ "capabilities": capabilities() });
    let answer = editor.ask("initialize", params.clone());
    shown("initialize", &answer);
    params["capabilities"]["general"]["positionEncodings"] = json!(["utf-32", "utf-16", "utf-8"]);
    let mut other = Editor::bare(Sandbox::new());
    assert_eq!(
        other.ask("initialize", params)["capabilities"]["positionEncoding"],
        "utf-8"
    );
    assert_eq!(editor.end(), 0);
}

#[test]
fn diagnostics_as_you_type() {
    let sandbox = Sandbox::new();
    sandbox.write("staff.csv", STAFF.replace("20.00", "20.001"));
    let mut editor = Editor::start(sandbox);
    let first = editor.open("a.ae", &right());
    assert_eq!(first, [] as [Value; 0]);
    let staff = editor.uri("staff.csv");
    let of_staff = |editor: &mut Editor| {
        let told = editor.wait("the problems of the file", |message| {
            message["params"]["uri"] == staff
        });
        told["params"]["diagnostics"].clone()
    };
    shown("diagnostics_csv", &of_staff(&mut editor));
    let second = editor.change("a.ae", 2, json!([{ "text": PROGRAM }]));
    shown("diagnostics", &second.into());
    // Rows are not read for a call that is wrong.
    assert_eq!(of_staff(&mut editor), json!([]));
    let broken = right().replace("amount > FEE;", "amount > FEE");
    let third = editor.change("a.ae", 3, json!([{ "text": broken }]));
    shown("diagnostics_syntax", &third.into());
    editor.change("a.ae", 4, json!([{ "text": right() }]));
    assert_eq!(of_staff(&mut editor).as_array().unwrap().len(), 1);
    editor.sandbox.write("staff.csv", STAFF);
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert_eq!(of_staff(&mut editor), json!([]));
    let uri = editor.uri("a.ae");
    editor.problems("a.ae", 4);
    editor.change("a.ae", 5, json!([{ "text": PROGRAM }]));
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    let gone = editor.wait("nothing", |message| {
        message["params"]["uri"] == uri && message["params"]["version"].is_null()
    });
    assert_eq!(gone["params"]["diagnostics"], json!([]));
    assert_eq!(editor.end(), 0);
}

#[test]
fn changes_in_ranges() {
    let mut editor = open(&right());
    let text = right();
    let insert = |mark: &str, new: &str| {
        let at = place(&text, mark);
        json!([{ "range": { "start": at, "end": at }, "text": new }])
    };
    // Behind a character that is two units of UTF-16.
    let wrong = editor.change("a.ae", 2, insert("& co\", bo|b, 100.00", "o"));
    assert_eq!(wrong, [] as [Value; 0], "an account may be called anything");
    let wrong = editor.change("a.ae", 3, insert("& co\", bob|, 100.00", "b.x"));
    assert_eq!(brief(&wrong[0]["range"]), "\"49:28-49:35\"");
}

#[test]
fn hover() {
    let text = right();
    let mut editor = open(&text);
    let marks = [
        "asset U|SD",
        "account wor|ld",
        "field fro|zen",
        "const F|EE",
        "intent p|ay",
        "(fr|om: Account<USD>, to",
        "amou|nt > FEE",
        "!from.fro|zen",
        "from.bal|ance >= amount",
        "let n|et",
        "round(a|mount",
        "rou|nd(",
        "USD, half_e|ven",
        "old_f|rom ==",
        "from.balance =|= from.balance - amount",
        "from.balance =|= from.balance -",
        "<= old_f|rom",
        "a.btc_bal|ance >= satoshi",
        "batch wa|ges",
        "intent bo|nus",
        "gi|ft == 10",
        "gift =|= 10",
        "fir|st: pay",
        "\"𝔸d|a & co",
        "for r|ow",
        "row.sal|ary",
        "gua|rd {\n        amount",
        "after fi|rst",
    ];
    let marks: Vec<&str> = marks
        .into_iter()
        .filter(|mark| text.matches(&mark.replace('|', "")).count() == 1)
        .collect();
    let all = answers(&mut editor, "textDocument/hover", &text, &marks);
    let lines: Vec<String> = all
        .as_object()
        .unwrap()
        .iter()
        .map(|(mark, hover)| {
            format!(
                "----- {mark}\n{}\n{}",
                brief(&hover["range"]),
                hover["contents"]["value"].as_str().unwrap_or("nothing")
            )
        })
        .collect();
    snapshot!("hover", lines.join("\n"));
}

#[test]
fn definition_references_highlight() {
    let text = right();
    let mut editor = open(&text);
    let marks = [
        "amou|nt > FEE",
        "> FE|E;",
        "p|ay(from: firm",
        "pay(fr|om: firm",
        "after fir|st",
        "first, bon|us",
        "row.sal|ary",
        "\"sta|ff.csv\"",
        "to: ro|w.",
        "a.bt|c_balance >=",
        "<= old|_from",
        "# Wa|ges",
    ];
    let all = answers(&mut editor, "textDocument/definition", &text, &marks);
    shown("definition", &all);
    let id = json!({ "uri": editor.uri("a.ae") });
    let mut references = serde_json::Map::new();
    for (mark, declaration) in [
        ("intent p|ay", true),
        ("asset B|TC", true),
        ("from: fi|rm", false),
        ("pay(fr|om: Acc", false),
    ] {
        let params = json!({ "textDocument": id, "position": place(&text, mark), "context": { "includeDeclaration": declaration } });
        references.insert(mark.to_owned(), editor.ask("textDocument/references", params));
    }
    shown("references", &references.into());
    let all = answers(
        &mut editor,
        "textDocument/documentHighlight",
        &text,
        &["!fr|om.frozen", "let ne|t"],
    );
    shown("highlight", &all);
}

#[test]
fn rename() {
    let text = right();
    let mut editor = open(&text);
    let id = json!({ "uri": editor.uri("a.ae") });
    let prepared = answers(
        &mut editor,
        "textDocument/prepareRename",
        &text,
        &["pay(fr|om: Acc", "a.bt|c_balance >="],
    );
    shown("rename_prepare", &prepared);
    let mut edits = serde_json::Map::new();
    for (mark, new) in [
        ("intent p|ay", "transfer"),
        ("pay(fr|om: Acc", "payer"),
        ("asset B|TC", "XBT"),
        ("fir|st: pay", "one"),
        ("for r|ow", "line"),
        ("intent bonus(bo|b", "carl"),
    ] {
        let params = json!({ "textDocument": id, "position": place(&text, mark), "newName": new });
        edits.insert(
            format!("{mark} → {new}"),
            editor.ask("textDocument/rename", params),
        );
    }
    shown("rename", &edits.into());
    let mut refused = Vec::new();
    for (mark, new) in [
        ("intent p|ay", "swap"),
        ("pay(fr|om: Acc", "to"),
        ("let ne|t", "FEE"),
        ("intent p|ay", "guard"),
        ("intent p|ay", "pay all"),
        ("from: fi|rm", "house"),
        ("# Wa|ges", "x"),
        ("> FE|E;", "net"),
    ] {
        let params = json!({ "textDocument": id, "position": place(&text, mark), "newName": new });
        let (code, message) = editor.refused("textDocument/rename", params);
        refused.push(format!("{mark} → {new}: {code} {message}"));
    }
    snapshot!("rename_refused", refused.join("\n"));
}

#[test]
fn symbols_folds_selections_hints() {
    let text = right();
    let mut editor = open(&text);
    let id = json!({ "uri": editor.uri("a.ae") });
    let params = json!({ "textDocument": id });
    let symbols = editor.ask("textDocument/documentSymbol", params.clone());
    shown("symbols", &symbols);
    let found = editor.ask("workspace/symbol", json!({ "query": "AY" }));
    shown("workspace_symbols", &found);
    let folds = editor.ask("textDocument/foldingRange", params);
    shown("folds", &folds);
    let positions = json!([place(&text, "round(am|ount"), place(&text, "after fi|rst")]);
    let selections = editor.ask(
        "textDocument/selectionRange",
        json!({ "textDocument": id, "positions": positions }),
    );
    shown("selections", &selections);
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } });
    let hints = editor.ask(
        "textDocument/inlayHint",
        json!({ "textDocument": id, "range": all }),
    );
    shown("hints", &hints);
}

#[test]
fn completion_and_signature() {
    let text = right();
    let mut editor = open(&text);
    let labels = |value: &Value| -> String {
        let all = value.as_array().unwrap().iter();
        all.map(|item| item["label"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut lines = Vec::new();
    // Each is typed at the mark, and completed there.
    let cases = [
        ("|# Wages", ""),
        ("|# Wages", "as"),
        ("|# Wages", "field x: "),
        ("|# Wages", "asset X { "),
        ("|# Wages", "account x { "),
        ("pay(fro|m: Acc", ""),
        ("to: |Account<USD>, amount", ""),
        ("to: Account<|USD>, amount", ""),
        ("|    solve", ""),
        ("        |amount > FEE", ""),
        ("        |amount > FEE", "from."),
        ("        |amount > FEE", "x == fr"),
        ("        |amount > FEE", "round(amount, "),
        ("        |amount > FEE", "round(amount, USD, "),
        ("        |amount > FEE", "# am"),
        ("    |first:", ""),
        ("    |first:", "x: "),
        ("    |first:", "pay("),
        ("    |first:", "pay(to: "),
        ("    |first:", "pay(a, b, "),
        ("    |first:", "pay(a, b, 1) "),
        ("    |first:", "pay(a, b, 1) after "),
        ("        |pay(from: firm", ""),
        ("to: row.|account", ""),
        ("    |first:", "pay(\"ad"),
        ("    |first:", "for row "),
    ];
    for (version, (mark, typed)) in (2..).zip(cases) {
        let (new, position) = typing(&text, mark, typed);
        editor.tell_change("a.ae", version, json!([{ "text": new }]));
        let found = editor.at("textDocument/completion", "a.ae", position);
        lines.push(format!("{mark} {typed:?}: {}", labels(&found)));
    }
    snapshot!("completion", lines.join("\n"));
    let (new, position) = typing(&text, "    |first:", "pa");
    editor.tell_change("a.ae", 100, json!([{ "text": new }]));
    let found = editor.at("textDocument/completion", "a.ae", position);
    shown("completion_call", &found[0]);
    let mut signatures = serde_json::Map::new();
    for (version, typed) in (101..).zip(["pay(", "pay(a, ", "pay(amount: ", "pay(a, b, 1)", "nothing("]) {
        let (new, position) = typing(&text, "    |first:", typed);
        editor.tell_change("a.ae", version, json!([{ "text": new }]));
        signatures.insert(
            typed.to_owned(),
            editor.at("textDocument/signatureHelp", "a.ae", position),
        );
    }
    let (new, position) = typing(&text, "        |amount > FEE", "round(amount, ");
    editor.tell_change("a.ae", 200, json!([{ "text": new }]));
    signatures.insert(
        "round".into(),
        editor.at("textDocument/signatureHelp", "a.ae", position),
    );
    shown("signature", &signatures.into());
}

/// A text in which something was typed at a mark, and the place behind that.
fn typing(text: &str, mark: &str, typed: &str) -> (String, Value) {
    let (before, after) = mark.split_once('|').unwrap();
    let at = text.find(&format!("{before}{after}")).unwrap() + before.len();
    let new = format!("{}{typed}{}", &text[..at], &text[at..]);
    let end = at + typed.len();
    let start = new[..end].rfind('\n').map_or(0, |at| at + 1);
    let position = json!({
        "line": new[..end].matches('\n').count(),
        "character": new[start..end].encode_utf16().count(),
    });
    (new, position)
}

#[test]
fn formatting() {
    let text = right()
        .replace("    guard {\n        amount > FEE;", "  guard{ amount>FEE ;")
        .replace("gift == 10;", "gift==10;");
    let mut editor = open(&text);
    let id = json!({ "uri": editor.uri("a.ae") });
    let whole = editor.ask(
        "textDocument/formatting",
        json!({ "textDocument": id, "options": {} }),
    );
    shown("format", &whole);
    let at = place(&text, "gift=|=10");
    let range = json!({ "start": at, "end": at });
    let one = editor.ask(
        "textDocument/rangeFormatting",
        json!({ "textDocument": id, "range": range, "options": {} }),
    );
    assert_eq!(one.as_array().unwrap().len(), 1);
    editor.change("a.ae", 2, json!([{ "text": right() }]));
    let none = editor.ask(
        "textDocument/formatting",
        json!({ "textDocument": id, "options": {} }),
    );
    assert_eq!(none, json!([]));
    editor.change("a.ae", 3, json!([{ "text": "asset {" }]));
    let none = editor.ask(
        "textDocument/formatting",
        json!({ "textDocument": id, "options": {} }),
    );
    assert_eq!(none, Value::Null);
}

#[test]
fn code_actions() {
    let text = right()
        .replace("let net =", "net =")
        .replace("gift == 10;", "gift = 10;")
        .replace("ann.balance == ann.balance", "ann.balance == an.balance");
    let mut editor = open(&text);
    let id = json!({ "uri": editor.uri("a.ae") });
    let mut ask = |mark: &str, only: Value| {
        let at = place(&text, mark);
        let context = json!({ "diagnostics": [], "only": only });
        let params = json!({ "textDocument": id, "range": { "start": at, "end": at }, "context": context });
        editor.ask("textDocument/codeAction", params)
    };
    let all = json!({
        "let": ask("ne|t = ", json!(["quickfix"])),
        "name": ask("== a|n.balance", json!(["quickfix"])),
        "everything": ask("# Wa|ges", json!(["source"])),
    });
    shown("actions", &all);
    assert_eq!(ask("# Wa|ges", json!(["refactor"])), json!([]));
}

#[test]
fn semantic_tokens() {
    let text = right();
    let mut editor = open(&text);
    let id = json!({ "uri": editor.uri("a.ae") });
    let tokens = editor.ask("textDocument/semanticTokens/full", json!({ "textDocument": id }));
    let data: Vec<usize> = serde_json::from_value(tokens["data"].clone()).unwrap();
    let kinds = [
        "keyword",
        "comment",
        "string",
        "number",
        "operator",
        "type",
        "enumMember",
        "function",
        "namespace",
        "parameter",
        "variable",
        "property",
    ];
    let modifiers = ["declaration", "readonly", "defaultLibrary", "modification"];
    let lines: Vec<Vec<u16>> = text.lines().map(|line| line.encode_utf16().collect()).collect();
    let (mut line, mut at, mut shown) = (0, 0, String::new());
    for token in data.chunks(5) {
        at = if token[0] == 0 { at + token[1] } else { token[1] };
        line += token[0];
        let word = String::from_utf16(&lines[line][at..at + token[2]]).unwrap();
        let with = modifiers
            .iter()
            .enumerate()
            .filter(|(bit, _)| token[4] >> bit & 1 == 1);
        let with: Vec<&str> = with.map(|(_, name)| *name).collect();
        shown.push_str(&format!(
            "{}:{at} {word} · {} {}\n",
            line + 1,
            kinds[token[3]],
            with.join(" ")
        ));
    }
    snapshot!("tokens", shown);
    let start = json!({ "line": 51, "character": 0 });
    let range = json!({ "start": start, "end": { "line": 52, "character": 0 } });
    let part = editor.ask(
        "textDocument/semanticTokens/range",
        json!({ "textDocument": id, "range": range }),
    );
    assert!(part["data"].as_array().unwrap().len() < 100);
    assert!(part["data"][0].as_u64() >= Some(51));
}
