//! Clients that do not keep to the protocol, and texts that are too much.

use super::client::{Editor, place};
use crate::support::Sandbox;
use serde_json::{Value, json};

const GOOD: &str = "intent pay(a: Account, b: Account, n: Balance) {
    guard {
        n > 0;
        a.balance >= n;
    }
    verify {
        a.balance == a.balance - n;
        b.balance == b.balance + n;
    }
}
";

#[test]
fn a_session_has_an_order() {
    let mut editor = Editor::bare(Sandbox::new());
    assert_eq!(editor.refused("textDocument/hover", json!({})).0, -32002);
    // Before `initialize` notifications are dropped.
    editor.tell("textDocument/didOpen", json!({ "textDocument": {} }));
    editor.ask("initialize", json!({ "capabilities": {} }));
    assert_eq!(editor.refused("initialize", json!({})).0, -32600);
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(editor.refused("textDocument/hover", json!({})).0, -32600);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.exit(), 0);
    let mut rude = Editor::start(Sandbox::new());
    rude.tell("exit", Value::Null);
    assert_eq!(rude.exit(), 1, "without `shutdown`");
    assert_eq!(Editor::start(Sandbox::new()).exit(), 1, "gone");
}

#[test]
fn nonsense_is_answered_and_survived() {
    let mut editor = Editor::start(Sandbox::new());
    let broken = |editor: &mut Editor| {
        let answer = editor.wait("a complaint", |message| message["error"]["code"] == -32700);
        assert_eq!(answer["id"], Value::Null);
    };
    editor.raw(b"GET / HTTP/1.1\r\n");
    broken(&mut editor);
    editor.raw(b"\r\n");
    broken(&mut editor);
    editor.raw(b"Content-Length: 5\r\n\r\n{]]]]");
    broken(&mut editor);
    editor.raw(b"Content-Length: 3\r\n\r\n\"\xff\"");
    broken(&mut editor);
    let deep = "[".repeat(100_000);
    editor.raw(format!("Content-Length: {}\r\n\r\n{deep}", deep.len()).as_bytes());
    broken(&mut editor);
    for nobody in ["null", "[]", "7", "{}", "{\"id\":1}", "{\"method\":7}"] {
        editor.raw(format!("Content-Length: {}\r\n\r\n{nobody}", nobody.len()).as_bytes());
        editor.wait("a complaint", |message| message["error"]["code"] == -32600);
    }
    assert_eq!(editor.refused("textDocument/teleport", json!({})).0, -32601);
    assert_eq!(editor.refused("textDocument/hover", json!({})).0, -32602);
    assert_eq!(
        editor
            .refused(
                "textDocument/hover",
                json!({ "textDocument": { "uri": "file:///nowhere" } })
            )
            .0,
        -32602
    );
    assert_eq!(
        editor
            .refused("workspace/executeCommand", json!({ "command": "rm" }))
            .0,
        -32602
    );
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": "file:///nowhere" } }),
    );
    editor.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": "file:///nowhere" } }),
    );
    editor.tell("$/setTrace", json!({ "value": "off" }));
    editor.tell("nobody/knows", json!(null));
    assert_eq!(editor.open("a.ae", GOOD), [] as [Value; 0]);
    assert_eq!(editor.end(), 0);
}

#[test]
fn every_request_about_every_place_is_answered() {
    let mut editor = Editor::start(Sandbox::new());
    // Broken in the ways in which programs are while they are written.
    let cut = &GOOD[..GOOD.len() * 2 / 3];
    for (name, text) in [
        ("a.ae", ""),
        ("b.ae", cut),
        ("c.ae", "intent \u{1d538}(\n\n}}}}((\"\r\rx"),
        ("d.ae", "for in after old("),
    ] {
        editor.open(name, text);
        let id = json!({ "uri": editor.uri(name) });
        let places = [(0, 0), (0, 7), (0, 9), (1, 3), (3, 1), (5, 99), (99, 0)];
        for (line, character) in places {
            let at = json!({ "line": line, "character": character });
            let range = json!({ "start": { "line": 0, "character": 0 }, "end": at });
            let params = json!({
                "textDocument": id, "position": at, "range": range, "positions": [at], "newName": "x",
                "context": { "includeDeclaration": true, "diagnostics": [] }, "options": {},
            });
            for method in [
                "hover",
                "definition",
                "references",
                "documentHighlight",
                "documentSymbol",
                "completion",
                "signatureHelp",
                "formatting",
                "rangeFormatting",
                "codeAction",
                "codeLens",
                "foldingRange",
                "selectionRange",
                "inlayHint",
                "semanticTokens/full",
                "semanticTokens/range",
            ] {
                editor.ask(&format!("textDocument/{method}"), params.clone());
            }
            let answer = editor.answer("textDocument/rename", params);
            assert_ne!(answer["error"]["code"], -32603);
        }
    }
}

#[test]
fn many_changes_are_looked_at_once() {
    let mut editor = Editor::start(Sandbox::new());
    editor.open("a.ae", GOOD);
    let at = place(GOOD, "        |n > 0");
    let change = |new: &str| json!([{ "range": { "start": at, "end": at }, "text": new }]);
    let mut version = 1;
    for _ in 0..300 {
        version += 1;
        editor.tell_change("a.ae", version, change("x"));
    }
    let last = editor.problems("a.ae", version);
    assert_eq!(last.len(), 1, "{last:?}");
    assert!(last[0]["message"].as_str().unwrap().contains("xxx"));
    let id = json!({ "uri": editor.uri("a.ae") });
    let text = editor.at(
        "textDocument/documentSymbol",
        "a.ae",
        json!({ "line": 0, "character": 0 }),
    );
    assert_eq!(text[0]["name"], "pay", "{id}");
}

#[test]
fn a_request_can_be_cancelled() {
    let mut editor = Editor::start(Sandbox::new());
    editor.open("a.ae", GOOD);
    let at =
        json!({ "textDocument": { "uri": editor.uri("a.ae") }, "position": { "line": 0, "character": 8 } });
    let id = editor.request("textDocument/hover", at);
    editor.tell("$/cancelRequest", json!({ "id": id }));
    // Whichever was first: there is one answer.
    let answer = editor.wait("an answer", |message| message["id"] == id);
    assert!(
        answer["error"]["code"] == -32800 || answer["result"].is_object(),
        "{answer}"
    );
    assert_eq!(editor.end(), 0);
}

#[test]
fn what_is_too_large_is_refused() {
    let mut editor = Editor::start(Sandbox::new());
    let large = "#".repeat((16 << 20) + 1);
    let uri = editor.uri("large.ae");
    let item = json!({ "uri": uri, "languageId": "aethel", "version": 1, "text": large });
    editor.tell("textDocument/didOpen", json!({ "textDocument": item }));
    let told = editor.problems("large.ae", 1);
    assert_eq!(told[0]["code"], "AE0108");
    // A message of this length is passed over, not kept.
    let length: u64 = 1 << 30;
    editor.raw(format!("Content-Length: {length}\r\n\r\n").as_bytes());
    let part = vec![b' '; 1 << 20];
    for _ in 0..length >> 20 {
        editor.raw(&part);
    }
    editor.wait("a complaint", |message| message["error"]["code"] == -32700);
    assert_eq!(editor.open("a.ae", GOOD), [] as [Value; 0]);
    assert_eq!(editor.end(), 0);
}

#[test]
fn files_outside_the_directory_stay_unread() {
    let sandbox = Sandbox::new();
    sandbox.write("secret.csv", "account\nann\n");
    let mut editor = Editor::start(sandbox);
    let text = format!(
        "{GOOD}atomic_batch b {{\n    for row in \"../secret.csv\" {{\n        pay(a: x, b: row.account, n: 1);\n    }}\n}}\n"
    );
    let told = editor.open("books/a.ae", &text);
    assert_eq!(told[0]["code"], "AE0909");
}
