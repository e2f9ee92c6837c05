//! Proofs in the background: what they show, what stops them, how they are turned off.

use super::client::{Editor, capabilities, place};
use super::features::{STAFF, open, right, shown};
use crate::support::{Sandbox, snapshot};
use serde_json::{Value, json};

#[test]
fn proofs_in_the_background() {
    let sandbox = Sandbox::new();
    sandbox.write("staff.csv", STAFF);
    let mut editor = Editor::with(sandbox, &capabilities(), &json!({ "run": true }));
    let text = right().replace("bob.balance - gift", "bob.balance - gift - 1");
    let id = json!({ "uri": editor.uri("a.ae") });
    assert_eq!(
        editor.open("a.ae", &text),
        [] as [Value; 0],
        "without the solver nothing is wrong"
    );
    editor.proved();
    let refuted = editor.problems("a.ae", 1);
    shown("proofs", &refuted.clone().into());
    let lenses = editor.ask("textDocument/codeLens", json!({ "textDocument": id }));
    shown("lenses", &lenses);
    let hover = editor.at("textDocument/hover", "a.ae", place(&text, "intent bo|nus"));
    snapshot!("hover_proof", hover["contents"]["value"].as_str().unwrap());
    // A change elsewhere keeps what was found, in its new place; one in the batch does not.
    let top = json!({ "line": 0, "character": 0 });
    let moved = editor.change(
        "a.ae",
        2,
        json!([{ "range": { "start": top, "end": top }, "text": "# new\n" }]),
    );
    assert_eq!(moved.len(), refuted.len());
    let line = |value: &Value| value["range"]["start"]["line"].as_u64().unwrap();
    assert_eq!(line(&moved[0]), line(&refuted[0]) + 1);
    let text = format!("# new\n{text}");
    let at = place(&text, "gift == 10|;");
    let inside = editor.change(
        "a.ae",
        3,
        json!([{ "range": { "start": at, "end": at }, "text": "0" }]),
    );
    assert_eq!(inside, [] as [Value; 0]);
    // Saved, it is proved again.
    editor.tell("textDocument/didSave", json!({ "textDocument": id }));
    editor.proved();
    assert_eq!(editor.problems("a.ae", 3).len(), refuted.len());
    editor.ask(
        "workspace/executeCommand",
        json!({ "command": "aethel.prove", "arguments": [id["uri"]] }),
    );
    editor.proved();
    assert_eq!(editor.end(), 0);
}

#[test]
fn a_file_that_changes_is_read_again() {
    let sandbox = Sandbox::new();
    sandbox.write("staff.csv", STAFF);
    let mut editor = Editor::with(sandbox, &capabilities(), &json!({}));
    assert_eq!(editor.open("a.ae", &right()), [] as [Value; 0]);
    editor.proved();
    // What was proved rests on what the file held; without another proof nothing of it may stay.
    let settings = json!({ "settings": { "aethel": { "proofs": false } } });
    editor.tell("workspace/didChangeConfiguration", settings);
    let staff = editor.uri("staff.csv");
    for (rows, problems) in [(STAFF.replace("20.00", "twenty"), 1), (STAFF.to_owned(), 0)] {
        editor.sandbox.write("staff.csv", rows);
        let changes = json!([{ "uri": staff, "type": 2 }]);
        editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
        let told = editor.wait("the problems of the file", |message| {
            message["params"]["uri"] == staff
        });
        assert_eq!(told["params"]["diagnostics"].as_array().unwrap().len(), problems);
    }
}

/// A program whose proofs take long: no two intents are of one shape.
fn long() -> String {
    let intent = |n: usize| {
        format!(
            "intent pay_{n}(a: Account, b: Account, x: Balance, y: Balance, r: Number) {{
    guard {{ y * r <= x + {n}; x * r >= y; r * r < {n} + 3; a.balance >= x; x > 0; }}
    verify {{ a.balance == a.balance - x; b.balance == b.balance + x; }}
}}
"
        )
    };
    (0..200).map(intent).collect()
}

#[test]
fn proofs_are_stopped_and_never_waited_for() {
    let mut editor = Editor::with(Sandbox::new(), &capabilities(), &json!({}));
    let text = long();
    editor.open("a.ae", &text);
    let running = |message: &Value| message["params"]["value"]["kind"] == "report";
    let first = editor.wait("the first proof", running);
    // Answered while it runs.
    let hover = editor.at("textDocument/hover", "a.ae", json!({ "line": 0, "character": 8 }));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("writes"));
    editor.tell(
        "window/workDoneProgress/cancel",
        json!({ "token": first["params"]["token"] }),
    );
    editor.proved();
    let proved = |editor: &mut Editor| {
        let id = json!({ "uri": editor.uri("a.ae") });
        let lenses = editor.ask("textDocument/codeLens", json!({ "textDocument": id }));
        let lenses = lenses.as_array().unwrap().iter();
        lenses.filter(|lens| lens["command"]["title"] != "prove").count()
    };
    assert_eq!(proved(&mut editor), 0, "a proof that is cut short says nothing");
    // A change stops them too.
    editor.seen.clear();
    let id = json!({ "uri": editor.uri("a.ae") });
    editor.tell("textDocument/didSave", json!({ "textDocument": id }));
    editor.wait("the first proof", running);
    let top = json!({ "line": 0, "character": 0 });
    editor.change(
        "a.ae",
        2,
        json!([{ "range": { "start": top, "end": top }, "text": "#\n" }]),
    );
    editor.proved();
    assert_eq!(proved(&mut editor), 0);
    assert_eq!(editor.end(), 0);
}

#[test]
fn proofs_can_be_turned_off_and_on() {
    let mut editor = open(&right());
    let id = json!({ "uri": editor.uri("a.ae") });
    editor.tell("textDocument/didSave", json!({ "textDocument": id }));
    editor.ask("textDocument/codeLens", json!({ "textDocument": id }));
    assert!(
        !editor
            .seen
            .iter()
            .any(|message| message["method"] == "$/progress")
    );
    editor.tell(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "aethel": { "proofs": true } } }),
    );
    editor.tell("textDocument/didSave", json!({ "textDocument": id }));
    editor.proved();
}
