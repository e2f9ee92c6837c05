//! What could be written at the cursor.

use super::context::{Context, Frame};
use super::outline::{param_text, signature, type_text};
use super::words::{FUNCTIONS, ITEMS, MODES, OTHERS, SECTIONS, TYPES, meaning};
use super::{Analysis, SymbolKind, touches};
use aethel_ir::Span;
use aethel_syntax::ast::{BatchItem, IntentDecl, Item};

/// What is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the kind of its name")]
pub enum CompletionKind {
    Keyword,
    Type,
    Function,
    Variable,
    Constant,
    Field,
    EnumMember,
    Snippet,
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown, and written unless there is a snippet.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// More about it, in one line.
    pub detail: String,
    /// What is written instead, with `${1:..}` where the cursor stops.
    pub snippet: Option<String>,
    /// What is replaced: the word before the cursor.
    pub replaces: Span,
}

impl Analysis {
    /// What could stand at a byte, what is most likely meant first.
    pub fn complete(&self, offset: usize) -> Vec<Completion> {
        let context = Context::at(&self.text, offset);
        if context.silent {
            return Vec::new();
        }
        let mut list = List {
            found: Vec::new(),
            replaces: context.word,
        };
        let line = context.line();
        match (context.frames.last(), line.as_slice()) {
            (_, [.., base, "."]) => self.members(&context, base, offset, &mut list),
            (Some(frame), _) if context.declares(frame) => self.parameter(&line, &mut list),
            (Some(_), _) if matches!(context.block(), Some("atomic_batch" | "for")) => {
                self.in_batch(&context, &line, offset, &mut list);
            }
            (_, _) => match context.block() {
                None => self.at_top(&line, &mut list),
                Some("asset") if line.is_empty() => list.word("scale", "scale: ${1:2};"),
                Some("account") if line.is_empty() => {
                    list.word("unbounded", "unbounded;");
                    list.word("bounded", "bounded;");
                }
                Some("intent") if line.is_empty() => {
                    for (word, meaning) in SECTIONS {
                        let snippet = format!("{word} {{\n    $0\n}}");
                        list.add(word, CompletionKind::Keyword, meaning, Some(snippet));
                    }
                }
                Some("guard" | "verify") => self.expression(&context, &line, offset, &mut list),
                Some("solve") if line.is_empty() => {
                    for name in ["priority", "target"] {
                        list.add(
                            name,
                            CompletionKind::Field,
                            "data for reports",
                            Some(format!("{name}: ${{1}};")),
                        );
                    }
                }
                _ => {}
            },
        }
        list.found
    }

    fn at_top(&self, line: &[&str], list: &mut List) {
        match line {
            [] => {
                for (word, meaning, snippet) in ITEMS {
                    list.add(word, CompletionKind::Snippet, meaning, Some(snippet.to_owned()));
                }
            }
            ["field", _, ":"] => {
                for word in ["Integer", "Bool"] {
                    list.word(word, word);
                }
            }
            ["const", _, "=", ..] => self.constants(list),
            _ => {}
        }
    }

    fn parameter(&self, line: &[&str], list: &mut List) {
        match line {
            [.., "<"] | [.., "<", _, ","] => self.assets(list),
            [.., ":"] => {
                for (word, meaning) in TYPES {
                    list.add(word, CompletionKind::Type, meaning, None);
                }
            }
            [] | ["external"] | ["secret"] => {
                list.word("external", "external ");
                list.word("secret", "secret ");
            }
            _ => {}
        }
    }

    fn assets(&self, list: &mut List) {
        for item in &self.tree.items {
            if let Item::Asset(asset) = item {
                let scale = asset.scale.as_ref().map_or("?", |scale| scale.text.as_str());
                list.add(
                    &asset.name.text,
                    CompletionKind::Type,
                    &format!("{scale} decimal places"),
                    None,
                );
            }
        }
    }

    fn constants(&self, list: &mut List) {
        for item in &self.tree.items {
            if let Item::Const(one) = item {
                list.add(
                    &one.name.text,
                    CompletionKind::Constant,
                    self.slice(one.value.span),
                    None,
                );
            }
        }
    }

    /// After a dot: fields of accounts, or columns of the row.
    fn members(&self, context: &Context<'_>, base: &str, offset: usize, list: &mut List) {
        if matches!(context.block(), Some("for")) {
            let each = self
                .batches()
                .flat_map(|batch| &batch.items)
                .find_map(|item| match item {
                    BatchItem::Loop(each) if each.row.text == base && touches(each.span, offset) => {
                        Some(each)
                    }
                    _ => None,
                });
            let columns = each.map(|each| self.columns(&each.file.text)).unwrap_or_default();
            for column in columns {
                list.add(&column, CompletionKind::Field, "a column", None);
            }
            return;
        }
        list.add(
            "balance",
            CompletionKind::Field,
            meaning("balance").unwrap_or_default(),
            None,
        );
        let assets = self.tree.items.iter().filter_map(|item| match item {
            Item::Asset(asset) => Some(&asset.name.text),
            _ => None,
        });
        let assets: Vec<&String> = assets.collect();
        if assets.len() > 1 {
            for asset in assets {
                let name = format!("{}_balance", asset.to_ascii_lowercase());
                list.add(
                    &name,
                    CompletionKind::Field,
                    &format!("how much {asset} the account holds"),
                    None,
                );
            }
        }
        for item in &self.tree.items {
            if let Item::Field(field) = item {
                list.add(
                    &field.name.text,
                    CompletionKind::Field,
                    &type_text(&field.ty),
                    None,
                );
            }
        }
    }

    /// The columns of a CSV file that the program has read.
    pub fn columns(&self, file: &str) -> Vec<String> {
        let read = self
            .sources
            .files()
            .find(|(id, one)| *id != self.source && one.name == file);
        let header = read.and_then(|(_, one)| one.text.trim_start_matches('\u{feff}').lines().next());
        let columns = header
            .unwrap_or("")
            .split(',')
            .map(|name| name.trim_matches('"').to_owned());
        columns.filter(|name| !name.is_empty()).collect()
    }

    fn in_batch(&self, context: &Context<'_>, line: &[&str], offset: usize, list: &mut List) {
        if let Some(frame) = context.list() {
            let decl = context.called(frame).and_then(|name| self.callee(name));
            return self.arguments(decl, frame, line, offset, list);
        }
        if line.contains(&"after") {
            return self.labels(offset, list);
        }
        match line {
            [] | [_, ":"] => {
                for item in &self.tree.items {
                    if let Item::Intent(intent) = item {
                        let call = call_snippet(intent);
                        list.add(
                            &intent.name.text,
                            CompletionKind::Function,
                            &signature(intent),
                            Some(call),
                        );
                    }
                }
                if context.block() == Some("atomic_batch") {
                    let meaning = |word| meaning(word).unwrap_or_default();
                    let each = "for ${1:row} in \"${2:file.csv}\" {\n    $0\n}".to_owned();
                    list.add("for", CompletionKind::Keyword, meaning("for"), Some(each));
                    if line.is_empty() {
                        let own = ITEMS.iter().find(|(word, ..)| *word == "intent");
                        let snippet = own.map(|(_, _, snippet)| (*snippet).to_owned());
                        list.add("intent", CompletionKind::Keyword, meaning("intent"), snippet);
                    }
                }
            }
            ["for", _] | [_, ":", "for", _] => list.word("in", "in \"${1:file.csv}\""),
            [.., ")"] => list.word("after", "after "),
            _ => {}
        }
    }

    fn labels(&self, offset: usize, list: &mut List) {
        let batch = self.batches().find(|batch| touches(batch.span, offset));
        for item in batch.into_iter().flat_map(|batch| &batch.items) {
            let name = match item {
                BatchItem::Intent(own) => Some(&own.name),
                BatchItem::Call(call) => call.label.as_ref(),
                BatchItem::Loop(each) => each.label.as_ref(),
            };
            if let Some(name) = name.filter(|name| !touches(name.span, offset)) {
                list.add(&name.text, CompletionKind::Variable, "done before", None);
            }
        }
    }

    fn arguments(
        &self,
        decl: Option<&IntentDecl>,
        frame: &Frame,
        line: &[&str],
        offset: usize,
        list: &mut List,
    ) {
        let param = match line {
            [name, ":"] => decl.and_then(|decl| decl.params.iter().find(|param| param.name.text == **name)),
            _ => decl.and_then(|decl| decl.params.get(frame.commas)),
        };
        if let ([], Some(decl)) = (line, decl) {
            for param in decl.params.iter().filter(|param| param.external.is_none()) {
                let snippet = Some(format!("{}: ${{1}}", param.name.text));
                list.add(
                    &format!("{}:", param.name.text),
                    CompletionKind::Field,
                    &param_text(param),
                    snippet,
                );
            }
        }
        if !matches!(line, [] | [_, ":"]) {
            return self.constants(list);
        }
        let row = self
            .calls()
            .filter_map(|(_, each)| each)
            .find(|each| touches(each.span, offset));
        if let Some(each) = row {
            for column in self.columns(&each.file.text) {
                let label = format!("{}.{column}", each.row.text);
                list.add(&label, CompletionKind::Field, "a column", None);
            }
        }
        if param.is_none_or(|param| param.ty.name.text == "Account") {
            for symbol in &self.names().symbols {
                if symbol.kind == SymbolKind::Account && is_plain_name(&symbol.name) {
                    list.add(&symbol.name, CompletionKind::Variable, "an account", None);
                }
            }
        }
        if param.is_none_or(|param| param.ty.name.text != "Account") {
            self.constants(list);
        }
    }

    /// In `guard` and `verify`.
    fn expression(&self, context: &Context<'_>, line: &[&str], offset: usize, list: &mut List) {
        if let Some(frame) = context.list()
            && context.called(frame) == Some("round")
            && frame.commas > 0
        {
            if frame.commas == 1 {
                self.assets(list);
            }
            for (word, meaning) in MODES {
                list.add(word, CompletionKind::EnumMember, meaning, None);
            }
            return;
        }
        // After a value comes an operator, which nobody needs help with.
        let value =
            |word: &&&str| word.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ')' || c == '"');
        if line.last().as_ref().is_some_and(value) && line != ["let"] {
            return;
        }
        if let ["let"] = line {
            return;
        }
        let Some(intent) = self.intent_at(offset) else {
            return;
        };
        for symbol in &self.names().symbols {
            if symbol.scope != Some(intent.span) {
                continue;
            }
            let param = intent
                .params
                .iter()
                .find(|param| Some(param.name.span) == symbol.declared);
            let detail = param.map(param_text).unwrap_or_default();
            match symbol.kind {
                SymbolKind::AccountParameter
                    if param.is_some_and(|param| param.ty.name.text == "Account") =>
                {
                    let label = format!("{}.balance", symbol.name);
                    list.add(&label, CompletionKind::Field, &detail, None);
                    list.add(&symbol.name, CompletionKind::Variable, &detail, None);
                }
                _ => list.add(&symbol.name, CompletionKind::Variable, &detail, None),
            }
        }
        self.constants(list);
        if line.is_empty() && context.block() == Some("guard") {
            list.word("let", "let ${1:name} = ${2};");
        }
        for (name, _, meaning) in FUNCTIONS {
            list.add(
                name,
                CompletionKind::Function,
                meaning,
                Some(format!("{name}($0)")),
            );
        }
        for word in ["true", "false"] {
            list.word(word, word);
        }
    }
}

/// `pay(company: ${1:company}, amount: ${2})`
fn call_snippet(intent: &IntentDecl) -> String {
    let params = intent.params.iter().filter(|param| param.external.is_none());
    let arguments = params.enumerate().map(|(index, param)| {
        let name = &param.name.text;
        let value = if param.ty.name.text == "Account" {
            name.as_str()
        } else {
            ""
        };
        format!("{name}: ${{{}:{value}}}", index + 1)
    });
    format!(
        "{}({});",
        intent.name.text,
        arguments.collect::<Vec<_>>().join(", ")
    )
}

/// Whether an account's name can be written without quotes.
fn is_plain_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !aethel_syntax::is_reserved(name)
}

struct List {
    found: Vec<Completion>,
    replaces: Span,
}

impl List {
    fn add(&mut self, label: &str, kind: CompletionKind, detail: &str, snippet: Option<String>) {
        if self.found.iter().any(|one| one.label == label) {
            return;
        }
        self.found.push(Completion {
            label: label.to_owned(),
            kind,
            detail: detail.to_owned(),
            snippet,
            replaces: self.replaces,
        });
    }

    /// A word of the language.
    fn word(&mut self, word: &str, snippet: &str) {
        let known = OTHERS.iter().chain(&TYPES).find(|(known, _)| *known == word);
        let meaning = known.map_or("", |(_, meaning)| *meaning);
        let snippet = (snippet != word).then(|| snippet.to_owned());
        self.add(word, CompletionKind::Keyword, meaning, snippet);
    }
}
