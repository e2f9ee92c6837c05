//! Requests about one text that change nothing.

use super::document::{Document, position};
use super::transport::Failure;
use super::{Server, missing, text, uri};
use aethel::editor::{
    CompletionKind, FoldKind, Lines, Outline, OutlineKind, Role, SemanticKind, SemanticToken,
};
use aethel::ir::Span;
use serde_json::{Value, json};

impl Server {
    /// A request about an open text.
    pub fn about_document(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        const METHODS: [&str; 18] = [
            "textDocument/hover",
            "textDocument/definition",
            "textDocument/references",
            "textDocument/documentHighlight",
            "textDocument/prepareRename",
            "textDocument/rename",
            "textDocument/documentSymbol",
            "textDocument/completion",
            "textDocument/signatureHelp",
            "textDocument/formatting",
            "textDocument/rangeFormatting",
            "textDocument/codeAction",
            "textDocument/codeLens",
            "textDocument/foldingRange",
            "textDocument/selectionRange",
            "textDocument/inlayHint",
            "textDocument/semanticTokens/full",
            "textDocument/semanticTokens/range",
        ];
        if !METHODS.contains(&method) {
            let message = format!("`{method}` is not answered here");
            return Err(Failure::new(Failure::METHOD_NOT_FOUND, message));
        }
        let uri = text(&params["textDocument"], "uri")?;
        let document = self.document(uri)?;
        let offset = || {
            let position = position(&params["position"]).ok_or_else(|| missing("position"))?;
            Ok(self.places(document).offset(position))
        };
        match method {
            "textDocument/hover" => Ok(self.hover(document, offset()?)),
            "textDocument/definition" => Ok(self.definition(document, offset()?)),
            "textDocument/references" => {
                let declaration = params["context"]["includeDeclaration"] == true;
                Ok(self.references(document, offset()?, declaration))
            }
            "textDocument/documentHighlight" => Ok(self.highlights(document, offset()?)),
            "textDocument/prepareRename" => self.prepare_rename(document, offset()?),
            "textDocument/rename" => self.rename(document, offset()?, params),
            "textDocument/documentSymbol" => {
                let lines = document.analysis().outline();
                Ok(lines.iter().map(|line| self.symbol(document, line)).collect())
            }
            "textDocument/completion" => Ok(self.completions(document, offset()?)),
            "textDocument/signatureHelp" => Ok(signature(document, offset()?)),
            "textDocument/formatting" | "textDocument/rangeFormatting" => self.format(document, params),
            "textDocument/codeAction" => self.actions(document, params),
            "textDocument/codeLens" => self.lenses(uri),
            "textDocument/foldingRange" => Ok(folds(document)),
            "textDocument/selectionRange" => self.selections(document, params),
            "textDocument/inlayHint" => self.hints(document, params),
            "textDocument/semanticTokens/full" => {
                let all = Span::new(0, document.text().len());
                Ok(self.tokens(document, all))
            }
            _ => Ok(self.tokens(document, self.span(document, &params["range"])?)),
        }
    }

    fn hover(&self, document: &Document, offset: usize) -> Value {
        let Some(hover) = document.analysis().hover(offset, document.proved.as_ref()) else {
            return Value::Null;
        };
        let (kind, value) = match self.client.markdown {
            true => ("markdown", hover.markdown()),
            false => ("plaintext", hover.plain()),
        };
        let range = self.places(document).range(hover.span);
        json!({ "contents": { "kind": kind, "value": value }, "range": range })
    }

    fn definition(&self, document: &Document, offset: usize) -> Value {
        let analysis = document.analysis();
        let names = analysis.names();
        let declared = names
            .at(offset)
            .and_then(|found| names.symbol(found.symbol)?.declared);
        if let Some(span) = declared {
            return json!({ "uri": document.uri, "range": self.places(document).range(span) });
        }
        // A file, or a column of it.
        let Some((file, column)) = analysis.file_at(offset) else {
            return Value::Null;
        };
        let path = analysis.path_of(&file.text);
        let Ok(path) = path.canonicalize() else {
            return Value::Null;
        };
        let header = analysis.sources.files().find(|(_, one)| one.name == file.text);
        let range = header.and_then(|(_, header)| {
            let line = header.text.lines().next()?;
            let at = line.find(column?)?;
            let lines = Lines::new(&header.text);
            let places = super::convert::Places {
                text: &header.text,
                lines: &lines,
                encoding: self.client.encoding,
            };
            Some(places.range(Span::new(at, at + column?.len())))
        });
        let top = json!({ "line": 0, "character": 0 });
        let range = range.unwrap_or_else(|| json!({ "start": top, "end": top }));
        json!({ "uri": uri::of_path(&path), "range": range })
    }

    fn references(&self, document: &Document, offset: usize, declaration: bool) -> Value {
        let names = document.analysis().names();
        let Some(found) = names.at(offset) else {
            return Value::Null;
        };
        let places = self.places(document);
        let wanted = names
            .of(found.symbol)
            .filter(|one| declaration || one.role != Role::Declaration);
        wanted
            .map(|one| json!({ "uri": document.uri, "range": places.range(one.span) }))
            .collect()
    }

    fn highlights(&self, document: &Document, offset: usize) -> Value {
        let names = document.analysis().names();
        let Some(found) = names.at(offset) else {
            return Value::Null;
        };
        let places = self.places(document);
        let kind = |role| match role {
            Role::Declaration => 1,
            Role::Read => 2,
            Role::Write => 3,
        };
        let all = names.of(found.symbol);
        all.map(|one| json!({ "range": places.range(one.span), "kind": kind(one.role) }))
            .collect()
    }

    fn symbol(&self, document: &Document, line: &Outline) -> Value {
        let places = self.places(document);
        let mut symbol = json!({
            "name": line.name,
            "kind": symbol_kind(line.kind),
            "range": places.range(line.span),
            "selectionRange": places.range(line.name_span),
        });
        if !line.detail.is_empty() {
            symbol["detail"] = line.detail.as_str().into();
        }
        if !line.children.is_empty() {
            symbol["children"] = line
                .children
                .iter()
                .map(|child| self.symbol(document, child))
                .collect();
        }
        symbol
    }

    /// `workspace/symbol`: intents, batches and other items of all open texts.
    pub fn workspace_symbols(&self, params: &Value) -> Value {
        let wanted = params["query"].as_str().unwrap_or_default().to_lowercase();
        let mut found = Vec::new();
        for document in self.documents.values() {
            let places = self.places(document);
            for item in document.analysis().outline() {
                let mut lines = vec![(None, &item)];
                while let Some((container, line)) = lines.pop() {
                    if line.kind != OutlineKind::Parameter && line.name.to_lowercase().contains(&wanted) {
                        let mut symbol = json!({
                            "name": line.name,
                            "kind": symbol_kind(line.kind),
                            "location": { "uri": document.uri, "range": places.range(line.name_span) },
                        });
                        if let Some(container) = container {
                            symbol["containerName"] = Value::from(container);
                        }
                        found.push(symbol);
                    }
                    lines.extend(
                        line.children
                            .iter()
                            .rev()
                            .map(|child| (Some(line.name.as_str()), child)),
                    );
                }
            }
        }
        found.into()
    }

    fn completions(&self, document: &Document, offset: usize) -> Value {
        let places = self.places(document);
        let found = document.analysis().complete(offset);
        let items = found.into_iter().enumerate().map(|(index, one)| {
            let kind = match one.kind {
                CompletionKind::Keyword => 14,
                CompletionKind::Type => 7,
                CompletionKind::Function => 3,
                CompletionKind::Variable => 6,
                CompletionKind::Constant => 21,
                CompletionKind::Field => 5,
                CompletionKind::EnumMember => 20,
                CompletionKind::Snippet => 15,
            };
            let snippet = one.snippet.as_ref().filter(|_| self.client.snippets);
            let new = snippet.unwrap_or(&one.label);
            let mut item = json!({
                "label": one.label,
                "kind": kind,
                "sortText": format!("{index:04}"),
                "insertTextFormat": if snippet.is_some() { 2 } else { 1 },
                "textEdit": { "range": places.range(one.replaces), "newText": new },
            });
            if !one.detail.is_empty() {
                item["detail"] = one.detail.as_str().into();
            }
            item
        });
        items.collect()
    }

    fn selections(&self, document: &Document, params: &Value) -> Result<Value, Failure> {
        let places = self.places(document);
        let positions = params["positions"]
            .as_array()
            .ok_or_else(|| missing("positions"))?;
        let chains = positions.iter().map(|one| {
            let at = position(one).ok_or_else(|| missing("positions"))?;
            let spans = document.analysis().selections(places.offset(at));
            let chain = spans.into_iter().rev().fold(Value::Null, |parent, span| {
                let mut range = json!({ "range": places.range(span) });
                if !parent.is_null() {
                    range["parent"] = parent;
                }
                range
            });
            Ok(chain)
        });
        chains.collect()
    }

    fn hints(&self, document: &Document, params: &Value) -> Result<Value, Failure> {
        const PARAMETER: u32 = 2;
        let places = self.places(document);
        let within = self.span(document, &params["range"])?;
        let near = |at: usize| (within.start as usize..=within.end as usize).contains(&at);
        let hints = document.analysis().hints();
        let hints = hints.iter().filter(|hint| near(hint.offset));
        let shown = hints.map(|hint| {
            json!({
                "position": places.position(hint.offset),
                "label": format!("{}:", hint.name),
                "kind": PARAMETER,
                "paddingRight": true,
            })
        });
        Ok(shown.collect())
    }

    fn tokens(&self, document: &Document, within: Span) -> Value {
        let analysis = document.analysis();
        let encoding = self.client.encoding;
        let mut data: Vec<u32> = Vec::new();
        let (mut line, mut character) = (0, 0);
        for SemanticToken {
            span,
            kind,
            modifiers,
        } in analysis.tokens(within)
        {
            let at = analysis
                .lines
                .position(&analysis.text, span.start as usize, encoding);
            if at.line != line {
                character = 0;
            }
            let length = encoding.length_of(analysis.slice(span));
            let kind = SemanticKind::ALL.iter().position(|(known, _)| *known == kind);
            data.extend([
                at.line - line,
                at.character - character,
                u32::try_from(length).unwrap_or(u32::MAX),
                kind.unwrap_or_default() as u32,
                modifiers,
            ]);
            (line, character) = (at.line, at.character);
        }
        json!({ "data": data })
    }
}

fn signature(document: &Document, offset: usize) -> Value {
    let Some(signature) = document.analysis().signature(offset) else {
        return Value::Null;
    };
    let parameters: Vec<Value> = signature
        .parameters
        .iter()
        .map(|label| json!({ "label": label }))
        .collect();
    let mut shown = json!({ "label": signature.label, "parameters": parameters });
    if !signature.text.is_empty() {
        shown["documentation"] = signature.text.into();
    }
    let mut help = json!({ "signatures": [shown], "activeSignature": 0 });
    if let Some(active) = signature.active {
        help["activeParameter"] = active.into();
    }
    help
}

fn folds(document: &Document) -> Value {
    let folds = document.analysis().folds();
    let shown = folds.iter().map(|fold| {
        let mut range = json!({ "startLine": fold.first, "endLine": fold.last });
        if fold.kind == FoldKind::Comment {
            range["kind"] = "comment".into();
        }
        range
    });
    shown.collect()
}

fn symbol_kind(kind: OutlineKind) -> u32 {
    match kind {
        OutlineKind::Asset => 5,
        OutlineKind::Account => 19,
        OutlineKind::Field => 8,
        OutlineKind::Constant => 14,
        OutlineKind::Intent => 12,
        OutlineKind::Parameter => 13,
        OutlineKind::Batch => 3,
        OutlineKind::Call => 24,
        OutlineKind::Loop => 18,
    }
}
