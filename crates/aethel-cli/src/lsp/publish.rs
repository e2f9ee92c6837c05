//! Telling the client what is wrong with the open texts.

use super::document::Document;
use super::{Server, convert, transport, uri};
use aethel::ir::{Diagnostic, SourceId, SourceMap};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Server {
    /// Tells what is wrong with each text that has changed.
    pub fn publish_all(&mut self) {
        let stale = self.documents.values().filter(|document| document.stale);
        let stale: Vec<String> = stale.map(|document| document.uri.clone()).collect();
        for uri in &stale {
            self.publish(uri);
        }
        self.documents.values_mut().for_each(Document::tidy);
    }

    /// Tells what is wrong with a text, and with the files that it reads.
    fn publish(&mut self, uri: &str) {
        let encoding = self.client.encoding;
        let Some(document) = self.documents.get_mut(uri) else {
            return;
        };
        document.stale = false;
        // A bug costs what would have been told, not the server.
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| problems(document, encoding)));
        let mut now = found.unwrap_or_default();
        now.entry(uri.to_owned()).or_default();
        let before = std::mem::take(&mut document.told);
        document.told.clone_from(&now);
        let version = document.version.clone();
        let uris: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for one in uris {
            if one == uri {
                let diagnostics = now.get(one).cloned().unwrap_or_default();
                let params = json!({ "uri": one, "version": version, "diagnostics": diagnostics });
                self.send(&transport::notification(
                    "textDocument/publishDiagnostics",
                    params,
                ));
            } else if before.get(one) != now.get(one) {
                self.publish_file(one);
            }
        }
    }

    /// What all open texts have to say about a file that they read.
    fn publish_file(&mut self, file: &str) {
        let said = self
            .documents
            .values()
            .filter_map(|document| document.told.get(file));
        let mut all: Vec<Value> = Vec::new();
        for one in said.flatten() {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        let params = json!({ "uri": file, "diagnostics": all });
        self.send(&transport::notification(
            "textDocument/publishDiagnostics",
            params,
        ));
    }

    /// Takes back everything that was told of a text that is closed.
    pub fn withdraw(&mut self, uri: &str) {
        let Some(document) = self.documents.get_mut(uri) else {
            return;
        };
        let told = std::mem::take(&mut document.told);
        for file in told.keys() {
            self.publish_file(file);
        }
    }
}

/// The problems of a text by the URI of what they are about.
fn problems(document: &Document, encoding: aethel::editor::Encoding) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (diagnostics, sources) = current(document);
    let analysis = document.analysis();
    let uri_of = |id: SourceId| match sources.get(id) {
        Some(file) if id != analysis.source => {
            let path = analysis.path_of(&file.name);
            uri::of_path(&path.canonicalize().unwrap_or(path))
        }
        _ => document.uri.clone(),
    };
    let texts = convert::Texts::new(sources, encoding, &uri_of);
    for diagnostic in &diagnostics {
        let (uri, value) = convert::diagnostic(diagnostic, &texts);
        found.entry(uri).or_default().push(value);
    }
    found
}

/// All problems known of a text, and the sources that they point into.
pub fn current(document: &Document) -> (Vec<Diagnostic>, &SourceMap) {
    let analysis = document.analysis();
    match &document.proved {
        Some(proved) => {
            let same = proved.text == analysis.text;
            let sources = if same { &proved.sources } else { &analysis.sources };
            (proved.diagnostics(analysis), sources)
        }
        None => (analysis.diagnostics.clone(), &analysis.sources),
    }
}
