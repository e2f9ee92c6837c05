//! `aethel lsp`: the language server, on standard input and output.
//!
//! Three threads: one reads messages, one proves, and this one answers; typing never waits for the solver. Messages that
//! have arrived together are taken together, so that many changes in a row are looked at once. What the answers say
//! comes from `aethel::editor`; here is only the protocol.
//!
//! The protocol's messages are read and written as JSON values. A library of its types would be a hundred times the size
//! of what is used of it, and its readers give up on a malformed message, after which this server goes on.

mod actions;
mod client;
mod convert;
mod document;
mod language;
mod proofs;
mod prover;
mod publish;
mod transport;
mod uri;

use crate::exit::Exit;
use client::Client;
use document::Document;
use prover::{Prover, Report};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use transport::{Failure, Incoming};

/// What the answering thread hears of.
#[derive(Debug)]
pub enum Event {
    /// Something came from the client.
    Came(Incoming),
    /// How a check in the background is going.
    Proofs {
        /// The text.
        uri: String,
        /// Which check of it.
        number: u64,
        /// How it is going.
        report: Report,
    },
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `initialize` has not come yet.
    Fresh,
    Running,
    /// `shutdown` has come; only `exit` may follow.
    Ending,
}

/// Serves one client until it goes.
pub fn run() -> Exit {
    let (sender, events) = channel();
    let prover = Prover::start(sender.clone());
    let reader = std::thread::Builder::new()
        .name("messages".into())
        .spawn(move || {
            let mut input = BufReader::new(std::io::stdin());
            loop {
                let came = transport::read(&mut input);
                let over = came == Incoming::End;
                if sender.send(Event::Came(came)).is_err() || over {
                    return;
                }
            }
        });
    match (prover, reader) {
        (Ok(prover), Ok(_)) => Server::new(prover).serve(&events),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("the language server cannot start: {error}");
            Exit::Usage
        }
    }
}

/// The server: the open texts and what the client can do.
#[derive(Debug)]
struct Server {
    state: State,
    client: Client,
    documents: BTreeMap<String, Document>,
    prover: Prover,
    /// Requests of ours that were sent.
    asked: u64,
    /// Checks whose progress the client shows.
    shown: Vec<u64>,
    /// The client is gone.
    gone: bool,
}

impl Server {
    fn new(prover: Prover) -> Self {
        Self {
            state: State::Fresh,
            client: Client::default(),
            documents: BTreeMap::new(),
            prover,
            asked: 0,
            shown: Vec::new(),
            gone: false,
        }
    }

    /// Answers until `exit`, or until the client is gone.
    fn serve(mut self, events: &Receiver<Event>) -> Exit {
        while let Ok(first) = events.recv() {
            let mut waiting: VecDeque<Event> = VecDeque::from([first]);
            waiting.extend(events.try_iter());
            self.cancel(&mut waiting);
            for event in waiting {
                match event {
                    Event::Came(Incoming::Message(message)) => {
                        if message["method"] == "exit" {
                            let orderly = self.state == State::Ending;
                            return if orderly { Exit::Fine } else { Exit::Wrong };
                        }
                        self.message(message);
                    }
                    Event::Came(Incoming::Malformed(problem)) => self.malformed(problem),
                    Event::Came(Incoming::End) => self.gone = true,
                    Event::Proofs { uri, number, report } => self.proofs(&uri, number, report),
                }
            }
            if self.gone {
                return if self.state == State::Ending {
                    Exit::Fine
                } else {
                    Exit::Wrong
                };
            }
            self.publish_all();
        }
        Exit::Wrong
    }

    /// Requests that were cancelled before anybody looked at them are answered so at once.
    fn cancel(&mut self, waiting: &mut VecDeque<Event>) {
        let cancelled = |event: &Event| match event {
            Event::Came(Incoming::Message(message)) if message["method"] == "$/cancelRequest" => {
                Some(message["params"]["id"].clone())
            }
            _ => None,
        };
        let ids: Vec<Value> = waiting.iter().filter_map(cancelled).collect();
        if ids.is_empty() {
            return;
        }
        waiting.retain(|event| {
            let Event::Came(Incoming::Message(message)) = event else {
                return true;
            };
            let id = &message["id"];
            let hit = !id.is_null() && !message["method"].is_null() && ids.contains(id);
            if hit {
                let failure = Failure::new(Failure::CANCELLED, "cancelled");
                self.send(&transport::answer(id.clone(), Err(failure)));
            }
            !hit
        });
    }

    fn malformed(&mut self, problem: String) {
        self.log(&problem);
        let failure = Failure::new(Failure::PARSE_ERROR, problem);
        self.send(&transport::answer(Value::Null, Err(failure)));
    }

    /// One message: a request, a notification, or an answer to a request of ours, which nobody waits for.
    fn message(&mut self, mut message: Value) {
        let id = message.get("id").cloned();
        let Some(method) = message["method"].as_str().map(str::to_owned) else {
            let answer = message.get("result").is_some() || message.get("error").is_some();
            if !answer {
                let failure = Failure::new(Failure::INVALID_REQUEST, "a message needs a `method`");
                self.send(&transport::answer(id.unwrap_or_default(), Err(failure)));
            }
            return;
        };
        let params = message["params"].take();
        let result = guarded(|| match id {
            Some(_) => self.request(&method, &params),
            None => self.notified(&method, &params).map(|()| Value::Null),
        });
        if let Err(failure) = &result
            && failure.code == Failure::INTERNAL
        {
            // What was being worked on may be half done.
            self.documents.values_mut().for_each(Document::forget);
        }
        match (id, result) {
            (Some(id), result) => self.send(&transport::answer(id, result)),
            (None, Err(failure)) => self.log(&format!("{method}: {}", failure.message)),
            (None, Ok(_)) => {}
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        match (self.state, method) {
            (State::Fresh, "initialize") => {
                self.client = Client::new(params);
                self.state = State::Running;
                Ok(self.client.capabilities())
            }
            (State::Fresh, _) => Err(Failure::new(Failure::NOT_INITIALIZED, "`initialize` comes first")),
            (_, "initialize") => Err(Failure::new(Failure::INVALID_REQUEST, "`initialize` came before")),
            (State::Ending, _) => Err(Failure::new(Failure::INVALID_REQUEST, "`shutdown` came before")),
            (State::Running, "shutdown") => {
                self.state = State::Ending;
                Ok(Value::Null)
            }
            (State::Running, "workspace/executeCommand") => self.execute(params),
            (State::Running, "workspace/symbol") => Ok(self.workspace_symbols(params)),
            (State::Running, method) => self.about_document(method, params),
        }
    }

    fn notified(&mut self, method: &str, params: &Value) -> Result<(), Failure> {
        if self.state != State::Running {
            return Ok(());
        }
        match method {
            "initialized" => self.watch_files(),
            "textDocument/didOpen" => {
                let item = &params["textDocument"];
                let uri = text(item, "uri")?;
                self.closed(uri);
                let document = Document::new(uri, item["version"].clone(), text(item, "text")?);
                self.documents.insert(uri.to_owned(), document);
                if self.client.proofs {
                    self.prove(uri);
                }
            }
            "textDocument/didChange" => {
                let uri = text(&params["textDocument"], "uri")?;
                let encoding = self.client.encoding;
                self.prover.stop(uri);
                let version = params["textDocument"]["version"].clone();
                let changes = params["contentChanges"].as_array();
                let changes = changes.ok_or_else(|| missing("contentChanges"))?;
                self.document_mut(uri)?.change(version, changes, encoding)?;
            }
            "textDocument/didSave" => {
                let uri = text(&params["textDocument"], "uri")?;
                self.document(uri)?;
                if self.client.proofs {
                    self.prove(uri);
                }
            }
            "textDocument/didClose" => self.closed(text(&params["textDocument"], "uri")?),
            "workspace/didChangeWatchedFiles" => self.files_changed(),
            "workspace/didChangeConfiguration" => self.client.configure(&params["settings"]["aethel"]),
            "window/workDoneProgress/cancel" => self.cancel_proofs(&params["token"]),
            // `$/` is for what a server may leave alone, and so are notifications that it did not ask for.
            _ => {}
        }
        Ok(())
    }

    /// What was found out rests on what the files held.
    fn files_changed(&mut self) {
        for document in self.documents.values_mut() {
            document.forget();
            document.proved = None;
        }
        if self.client.proofs {
            let uris: Vec<String> = self.documents.keys().cloned().collect();
            uris.iter().for_each(|uri| self.prove(uri));
        }
    }

    fn closed(&mut self, uri: &str) {
        self.prover.stop(uri);
        if self.documents.contains_key(uri) {
            self.withdraw(uri);
            self.documents.remove(uri);
        }
    }

    /// An open text.
    fn document(&self, uri: &str) -> Result<&Document, Failure> {
        let unknown = || Failure::new(Failure::INVALID_PARAMS, format!("`{uri}` is not open"));
        self.documents.get(uri).ok_or_else(unknown)
    }

    fn document_mut(&mut self, uri: &str) -> Result<&mut Document, Failure> {
        let unknown = || Failure::new(Failure::INVALID_PARAMS, format!("`{uri}` is not open"));
        self.documents.get_mut(uri).ok_or_else(unknown)
    }

    /// Asks to be told when a file changes that programs read.
    fn watch_files(&mut self) {
        if self.client.watches {
            let watchers = json!([{ "globPattern": "**/*.csv" }]);
            let registration = json!({
                "id": "csv",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": watchers },
            });
            self.ask(
                "client/registerCapability",
                json!({ "registrations": [registration] }),
            );
        }
    }

    /// Sends a request of ours.
    fn ask(&mut self, method: &str, params: Value) {
        self.asked += 1;
        let id = format!("aethel-{}", self.asked);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    /// Tells the person who runs the editor, where such things are kept.
    fn log(&mut self, message: &str) {
        const WARNING: u32 = 2;
        let params = json!({ "type": WARNING, "message": message });
        self.send(&transport::notification("window/logMessage", params));
    }

    fn send(&mut self, message: &Value) {
        let sent = transport::write(&mut std::io::stdout().lock(), message);
        self.gone |= sent.is_err();
    }
}

/// Runs a request; a bug in it costs the answer, not the server.
fn guarded(work: impl FnOnce() -> Result<Value, Failure>) -> Result<Value, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "aethel made a mistake with this request; please report it with the program";
        Err(Failure::new(Failure::INTERNAL, message))
    })
}

/// A text among parameters.
fn text<'v>(params: &'v Value, name: &str) -> Result<&'v str, Failure> {
    params[name].as_str().ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::new(Failure::INVALID_PARAMS, format!("`{name}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        let result = guarded(|| panic!("as a bug would"));
        assert_eq!(result.unwrap_err().code, Failure::INTERNAL);
        assert_eq!(guarded(|| Ok(json!(1))), Ok(json!(1)));
    }
}
