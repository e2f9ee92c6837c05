//! Checks in the background: when they begin, how they are shown, what comes of them.

use super::client::{PROVE, RUN};
use super::convert::Places;
use super::prover::Report;
use super::transport::Failure;
use super::{Server, text, transport};
use aethel::editor::{Outline, OutlineKind};
use aethel::ir::Proof;
use serde_json::{Value, json};
use std::sync::Arc;

impl Server {
    /// Begins to prove a text in the background.
    pub fn prove(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let (name, text) = (document.name(), Arc::clone(document.text()));
        let number = self.prover.check(uri, name.clone(), text, document.directory());
        if self.client.progress {
            self.ask(
                "window/workDoneProgress/create",
                json!({ "token": token(number) }),
            );
            let value = json!({ "kind": "begin", "title": format!("proving {name}"), "cancellable": true });
            self.progress(number, value);
            self.shown.push(number);
        }
    }

    /// Hears how a check is going.
    pub fn proofs(&mut self, uri: &str, number: u64, report: Report) {
        match report {
            Report::At { done, of, name } => {
                if self.shown.contains(&number) {
                    let message = format!("{} of {of}: `{name}`", done + 1);
                    let percentage = done * 100 / of.max(1);
                    let value = json!({ "kind": "report", "message": message, "percentage": percentage });
                    self.progress(number, value);
                }
            }
            Report::Done(proved) => {
                self.prover.finished(number);
                let mut news = false;
                if let (Some(proved), Some(document)) = (proved, self.documents.get_mut(uri))
                    && proved.text == *document.text()
                {
                    document.proved = Some(*proved);
                    document.stale = true;
                    news = true;
                }
                self.publish_all();
                if news && self.client.lens_refresh {
                    self.ask("workspace/codeLens/refresh", Value::Null);
                }
                if let Some(at) = self.shown.iter().position(|shown| *shown == number) {
                    self.shown.remove(at);
                    self.progress(number, json!({ "kind": "end" }));
                }
            }
        }
    }

    /// Stops the check whose progress a person has cancelled.
    pub fn cancel_proofs(&mut self, cancelled: &Value) {
        for number in &self.shown {
            if *cancelled == token(*number) {
                self.prover.stop_number(*number);
            }
        }
    }

    fn progress(&mut self, number: u64, value: Value) {
        let params = json!({ "token": token(number), "value": value });
        self.send(&transport::notification("$/progress", params));
    }

    /// `workspace/executeCommand`
    pub fn execute(&mut self, params: &Value) -> Result<Value, Failure> {
        match text(params, "command")? {
            PROVE => {
                let uri = params["arguments"][0].as_str().unwrap_or_default().to_owned();
                self.document(&uri)?;
                self.prove(&uri);
                Ok(Value::Null)
            }
            other => {
                let message = format!("there is no command `{other}`; there is `{PROVE}`");
                Err(Failure::new(Failure::INVALID_PARAMS, message))
            }
        }
    }

    /// `textDocument/codeLens`: what was proved above each intent and batch, and how to run a batch.
    pub fn lenses(&self, uri: &str) -> Result<Value, Failure> {
        let document = self.document(uri)?;
        let analysis = document.analysis();
        let places = Places {
            text: &analysis.text,
            lines: &analysis.lines,
            encoding: self.client.encoding,
        };
        let mut lenses = Vec::new();
        let mut lines: Vec<Outline> = analysis.outline();
        lines.reverse();
        while let Some(line) = lines.pop() {
            lines.extend(line.children.into_iter().rev());
            if !matches!(line.kind, OutlineKind::Intent | OutlineKind::Batch) {
                continue;
            }
            let range = places.range(line.name_span);
            if self.client.run && line.kind == OutlineKind::Batch {
                let arguments = json!([{ "uri": uri, "batch": line.name }]);
                let command = json!({ "title": "▶ run", "command": RUN, "arguments": arguments });
                lenses.push(json!({ "range": range, "command": command }));
            }
            let proof = document.proved.as_ref();
            let proof = proof.and_then(|proved| proved.proof_of(analysis, line.span));
            let title = proof.map_or_else(|| "prove".to_owned(), verdict);
            let command = json!({ "title": title, "command": PROVE, "arguments": [uri] });
            lenses.push(json!({ "range": range, "command": command }));
        }
        Ok(lenses.into())
    }
}

fn token(number: u64) -> String {
    format!("aethel/proofs/{number}")
}

/// What came of a proof, in a few words.
fn verdict(proof: &Proof) -> String {
    match (proof.refuted.as_slice(), proof.undecided.as_slice()) {
        ([], []) => {
            let tenths = proof.nanoseconds / 100_000;
            format!("proved in {}.{} ms", tenths / 10, tenths % 10)
        }
        ([], undecided) => format!("undecided: {}", undecided.join(", ")),
        (refuted, _) => format!("refuted: {}", refuted.join(", ")),
    }
}
