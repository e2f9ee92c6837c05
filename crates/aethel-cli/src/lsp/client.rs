//! What the client can do and wants, and what it is told that the server can do.

use aethel::editor::{Encoding, Modifier, SemanticKind};
use serde_json::{Value, json};

/// The command that proves a text again.
pub const PROVE: &str = "aethel.prove";

/// The command that runs a batch; the client brings it, because running moves value and wants to be seen.
pub const RUN: &str = "aethel.run";

/// What the client can do and wants.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// In what it counts characters.
    pub encoding: Encoding,
    /// It shows Markdown.
    pub markdown: bool,
    /// It takes snippets.
    pub snippets: bool,
    /// It asks people before it makes changes that need a look.
    pub annotations: bool,
    /// It shows progress.
    pub progress: bool,
    /// It can be told to ask for code lenses again.
    pub lens_refresh: bool,
    /// It tells when files change.
    pub watches: bool,
    /// It wants proofs when a text is opened and saved.
    pub proofs: bool,
    /// It has a command [`RUN`].
    pub run: bool,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub fn new(params: &Value) -> Self {
        let can = &params["capabilities"];
        let yes = |path: &str| can.pointer(path) == Some(&Value::Bool(true));
        let names = |path: &str| {
            can.pointer(path)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let encodings = names("/general/positionEncodings");
        let mut client = Self {
            // What everybody has to know is what strings of JavaScript count; bytes are what we count.
            encoding: match encodings.iter().any(|name| name == "utf-8") {
                true => Encoding::Utf8,
                false => Encoding::Utf16,
            },
            markdown: names("/textDocument/hover/contentFormat")
                .iter()
                .any(|name| name == "markdown"),
            snippets: yes("/textDocument/completion/completionItem/snippetSupport"),
            annotations: yes("/workspace/workspaceEdit/documentChanges")
                && can
                    .pointer("/workspace/workspaceEdit/changeAnnotationSupport")
                    .is_some(),
            progress: yes("/window/workDoneProgress"),
            lens_refresh: yes("/workspace/codeLens/refreshSupport"),
            watches: yes("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            proofs: true,
            run: false,
        };
        client.configure(&params["initializationOptions"]);
        client
    }

    /// Takes settings: `proofs` and `run`, each true or false.
    pub fn configure(&mut self, settings: &Value) {
        self.proofs = settings["proofs"].as_bool().unwrap_or(self.proofs);
        self.run = settings["run"].as_bool().unwrap_or(self.run);
    }

    /// The answer to `initialize`.
    pub fn capabilities(&self) -> Value {
        const INCREMENTAL: u32 = 2;
        let encoding = match self.encoding {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
            Encoding::Utf32 => "utf-32",
        };
        json!({
            "capabilities": {
                "positionEncoding": encoding,
                "textDocumentSync": { "openClose": true, "change": INCREMENTAL, "save": true },
                "hoverProvider": true,
                "definitionProvider": true,
                "referencesProvider": true,
                "documentHighlightProvider": true,
                "renameProvider": { "prepareProvider": true },
                "documentSymbolProvider": true,
                "workspaceSymbolProvider": true,
                "completionProvider": { "triggerCharacters": [".", ":", "<"] },
                "signatureHelpProvider": { "triggerCharacters": ["(", ","] },
                "documentFormattingProvider": true,
                "documentRangeFormattingProvider": true,
                "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll"] },
                "codeLensProvider": {},
                "foldingRangeProvider": true,
                "selectionRangeProvider": true,
                "inlayHintProvider": true,
                "semanticTokensProvider": {
                    "legend": {
                        "tokenTypes": SemanticKind::ALL.map(|(_, name)| name),
                        "tokenModifiers": Modifier::ALL.map(|(_, name)| name),
                    },
                    "full": true,
                    "range": true,
                },
                "executeCommandProvider": { "commands": [PROVE] },
            },
            "serverInfo": { "name": "aethel", "version": env!("CARGO_PKG_VERSION") },
        })
    }
}
