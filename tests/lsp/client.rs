//! A small editor: speaks to the real binary, waits for what it needs, and never guesses how long that takes.

use crate::support::Sandbox;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing that a test waits for takes longer, on however busy a machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A language server and the files it works on.
pub struct Editor {
    pub sandbox: Sandbox,
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came while something else was waited for.
    pub seen: Vec<Value>,
    last: i64,
}

/// What a client of today can do.
pub fn capabilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "textDocument": {
            "hover": { "contentFormat": ["markdown"] },
            "completion": { "completionItem": { "snippetSupport": true } },
        },
        "window": { "workDoneProgress": true },
        "workspace": {
            "workspaceEdit": { "documentChanges": true, "changeAnnotationSupport": {} },
            "codeLens": { "refreshSupport": true },
        },
    })
}

impl Editor {
    /// Starts the server and does no more.
    pub fn bare(sandbox: Sandbox) -> Self {
        let mut server = sandbox
            .command(&["lsp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (input, output) = (server.stdin.take(), server.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            sandbox,
            server,
            input,
            messages,
            seen: Vec::new(),
            last: 0,
        }
    }

    /// Starts a session without proofs.
    pub fn start(sandbox: Sandbox) -> Self {
        Self::with(sandbox, &capabilities(), &json!({ "proofs": false }))
    }

    /// Starts a session.
    pub fn with(sandbox: Sandbox, capabilities: &Value, options: &Value) -> Self {
        let mut editor = Self::bare(sandbox);
        let params = json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "initializationOptions": options });
        editor.ask("initialize", params);
        editor.tell("initialized", json!({}));
        editor
    }

    /// The URI of a file of the sandbox.
    pub fn uri(&self, name: &str) -> String {
        format!("file://{}", self.sandbox.file(name).display())
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// Sends a notification.
    pub fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request; gives its number.
    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        self.last += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }));
        self.last
    }

    /// Sends a request and waits for the answer.
    pub fn answer(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.wait(&format!("the answer to {method}"), |message| {
            message["id"] == id && message["method"].is_null()
        })
    }

    /// Sends a request and waits for its result.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.answer(method, params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Sends a request and waits for it to fail; gives the code and the message.
    pub fn refused(&mut self, method: &str, params: Value) -> (i64, String) {
        let answer = self.answer(method, params);
        let error = &answer["error"];
        let code = error["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{method}: {answer}"));
        (code, error["message"].as_str().unwrap().to_owned())
    }

    /// Waits for a message; those before it are kept in `seen`.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at);
        }
        let begun = Instant::now();
        while let Some(left) = LIMIT.checked_sub(begun.elapsed()) {
            let Ok(message) = self.messages.recv_timeout(left) else {
                break;
            };
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
        panic!("{what} did not come; {:#?}", self.seen);
    }

    /// Waits for the problems of this state of a file.
    pub fn problems(&mut self, name: &str, version: i64) -> Vec<Value> {
        let uri = self.uri(name);
        let mut told = self.wait(&format!("the problems of {name}"), |message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params["version"] == version
        });
        serde_json::from_value(told["params"]["diagnostics"].take()).unwrap()
    }

    /// Writes a file and opens it; gives its problems.
    pub fn open(&mut self, name: &str, text: &str) -> Vec<Value> {
        self.sandbox.write(name, text);
        let item = json!({ "uri": self.uri(name), "languageId": "aethel", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": item }));
        self.problems(name, 1)
    }

    /// Changes a file; gives its problems.
    pub fn change(&mut self, name: &str, version: i64, changes: Value) -> Vec<Value> {
        self.tell_change(name, version, changes);
        self.problems(name, version)
    }

    /// Changes a file and does not wait.
    pub fn tell_change(&mut self, name: &str, version: i64, changes: Value) {
        let id = json!({ "uri": self.uri(name), "version": version });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": id, "contentChanges": changes }),
        );
    }

    /// Asks about a place in a file.
    pub fn at(&mut self, method: &str, name: &str, position: Value) -> Value {
        let id = json!({ "uri": self.uri(name) });
        self.ask(method, json!({ "textDocument": id, "position": position }))
    }

    /// Waits for the end of a check in the background.
    pub fn proved(&mut self) {
        self.wait("the end of the proofs", |message| {
            message["method"] == "$/progress" && message["params"]["value"]["kind"] == "end"
        });
    }

    /// Ends the session as the protocol says; gives the exit code.
    pub fn end(mut self) -> i32 {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        self.exit()
    }

    /// Waits for the server to end.
    pub fn exit(mut self) -> i32 {
        drop(self.input.take());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.server.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(begun.elapsed() < LIMIT, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(value) => length = Some(value.parse().unwrap()),
            None if line == "\r\n" => break,
            None => panic!("no header: {line}"),
        }
    }
    let mut body = vec![0; length.unwrap()];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

/// The place that `|` marks in a piece of a text, counted in UTF-16.
pub fn place(text: &str, marked: &str) -> Value {
    let (before, after) = marked.split_once('|').unwrap();
    let piece = format!("{before}{after}");
    assert_eq!(text.matches(&piece).count(), 1, "{piece}");
    let offset = text.find(&piece).unwrap() + before.len();
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    json!({
        "line": text[..offset].matches('\n').count(),
        "character": text[start..offset].encode_utf16().count(),
    })
}

/// JSON for people: ranges in one line.
pub fn brief(value: &Value) -> String {
    serde_json::to_string_pretty(&shorten(value)).unwrap()
}

fn shorten(value: &Value) -> Value {
    let at = |end: &Value| {
        Some(format!(
            "{}:{}",
            end["line"].as_u64()?,
            end["character"].as_u64()?
        ))
    };
    match value {
        Value::Array(all) => all.iter().map(shorten).collect(),
        Value::Object(all) => match (at(&value["start"]), at(&value["end"]), at(value)) {
            (Some(start), Some(end), _) => format!("{start}-{end}").into(),
            (_, _, Some(position)) if all.len() == 2 => position.into(),
            _ => all
                .iter()
                .map(|(name, value)| (name.clone(), shorten(value)))
                .collect(),
        },
        other => other.clone(),
    }
}
