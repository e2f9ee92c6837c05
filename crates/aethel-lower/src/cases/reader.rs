//! Reads files of cases; every problem is told at its place.

use super::{Case, CaseFile, Expect, ExpectedPlace, ExpectedValue, ExternalValue, Outcome};
use crate::Selection;
use crate::inputs::{Given, Inputs, KEYS, MAX_PROBLEMS, Place, Reader};
use crate::json::{self, Json, JsonKind};
use aethel_ir::{AccountName, Code, Diagnostic, SourceId, did_you_mean, quote};
use std::collections::HashMap;

const FILE_KEYS: [&str; 2] = ["program", "cases"];
const EXPECT_KEYS: [&str; 4] = ["committed", "error", "balances", "others"];
const ERROR_KEYS: [&str; 3] = ["code", "transaction", "message"];
const CASE_KEYS: [&str; 8] = [
    "name", "batch", "intent", "inputs", "external", "time", "config", "expect",
];

/// Reads a file of cases.
pub(super) fn read(source: SourceId, text: &str) -> Result<CaseFile, Vec<Diagnostic>> {
    let root = json::parse(source, text, Code::AE1102).map_err(|error| vec![error])?;
    let mut reader = CaseReader {
        source,
        problems: Vec::new(),
    };
    let file = reader.file(&root);
    reader.problems.truncate(MAX_PROBLEMS);
    match file {
        Some(file) if reader.problems.is_empty() => Ok(file),
        _ => Err(reader.problems),
    }
}

struct CaseReader {
    source: SourceId,
    problems: Vec<Diagnostic>,
}

impl CaseReader {
    fn expected(&mut self, at: &Json, message: &str) {
        self.problems
            .push(json::wrong(Code::AE1102, self.source, at, message));
    }

    fn unknown_key(&mut self, key: &str, value: &Json, known: &[&str]) {
        self.problems
            .push(json::unknown_key(Code::AE1102, self.source, key, value, known));
    }

    fn place(&self, json: &Json) -> Place {
        Some((self.source, json.span))
    }

    /// The entries of an object.
    fn object<'j>(&mut self, json: &'j Json, message: &str) -> &'j [(String, Json)] {
        match &json.kind {
            JsonKind::Object(entries) => entries,
            _ => {
                self.expected(json, message);
                &[]
            }
        }
    }

    fn text(&mut self, json: &Json, message: &str) -> Option<Given> {
        match &json.kind {
            JsonKind::Text(text) if !text.is_empty() => Some(Given {
                text: text.clone(),
                at: self.place(json),
            }),
            _ => {
                self.expected(json, message);
                None
            }
        }
    }

    fn number(&mut self, json: &Json) -> Option<Given> {
        match json::number_text(self.source, json, Code::AE1102) {
            Ok(text) => Some(Given {
                text: text.to_owned(),
                at: self.place(json),
            }),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn whole(&mut self, json: &Json, message: &str) -> Option<i64> {
        let number = match &json.kind {
            JsonKind::Integer(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.expected(json, message);
        }
        number
    }

    fn file(&mut self, root: &Json) -> Option<CaseFile> {
        let JsonKind::Object(entries) = &root.kind else {
            let problem = json::wrong(Code::AE1102, self.source, root, "a file of cases is an object");
            self.problems
                .push(problem.help("write {\"cases\": [{\"name\": \"..\", \"expect\": {..}}]}"));
            return None;
        };
        let mut program = None;
        let mut cases: Option<Vec<Case>> = None;
        for (key, value) in entries {
            match (key.as_str(), &value.kind) {
                ("program", _) => program = self.text(value, "`program` is the path of a program (.ae)"),
                ("cases", JsonKind::Array(items)) => {
                    cases = Some(items.iter().filter_map(|item| self.case(item)).collect());
                }
                ("cases", _) => {
                    self.expected(value, "`cases` is a list of cases");
                    cases = Some(Vec::new());
                }
                (other, _) => self.unknown_key(other, value, &FILE_KEYS),
            }
        }
        let Some(cases) = cases else {
            let problem = Diagnostic::new(Code::AE1102, "the file has no `cases`");
            let problem = problem.label(self.source, root.span, "needs a list `cases`");
            self.problems
                .push(problem.help("write {\"cases\": [{\"name\": \"..\", \"expect\": {..}}]}"));
            return None;
        };
        self.same_names(&cases);
        Some(CaseFile { program, cases })
    }

    /// Cases that are called the same could not be told apart in a report.
    fn same_names(&mut self, cases: &[Case]) {
        let mut seen = HashMap::new();
        for case in cases {
            if let Some(first) = seen.insert(case.name.text.as_str(), case.name.at)
                && let (Some((source, span)), Some((_, first))) = (case.name.at, first)
            {
                let message = format!("two cases are called `{}`", quote(&case.name.text));
                let problem = Diagnostic::new(Code::AE1102, message).label(source, span, "second");
                self.problems
                    .push(problem.label(source, first, "first").help("rename one of them"));
            }
        }
    }

    fn case(&mut self, json: &Json) -> Option<Case> {
        let JsonKind::Object(entries) = &json.kind else {
            self.expected(json, "a case is an object");
            return None;
        };
        let mut inputs = Reader::new(self.source);
        let mut name = None;
        let (mut batch, mut intent) = (None, None);
        let mut case = Case {
            name: Given {
                text: String::new(),
                at: self.place(json),
            },
            selection: Selection::All,
            inputs_file: None,
            inputs: Inputs::default(),
            external: Vec::new(),
            time: None,
            config: None,
            expect: None,
            at: (self.source, json.span),
            end: entries
                .last()
                .map_or(json.span.start + 1, |(_, value)| value.span.end),
        };
        for (key, value) in entries {
            match key.as_str() {
                "name" => name = self.text(value, "`name` says in a few words what the case shows"),
                "batch" => batch = self.text(value, "`batch` is the name of a batch"),
                "intent" => intent = self.text(value, "`intent` is the name of a top-level intent"),
                "inputs" => case.inputs_file = self.text(value, "`inputs` is the path of an inputs file"),
                "config" => case.config = self.text(value, "`config` is the path of an aethel.toml"),
                "time" => case.time = self.whole(value, "`time` is a whole number of seconds since 1970"),
                "external" => case.external = self.external(value),
                "expect" => case.expect = self.expect(value),
                key if inputs.entry(key, value) => {}
                other => self.unknown_key(other, value, &[&CASE_KEYS[..], &KEYS].concat()),
            }
        }
        self.problems.append(&mut inputs.problems);
        case.inputs = inputs.inputs;
        case.selection = match (batch, intent) {
            (Some(_), Some(intent)) => {
                let problem = Diagnostic::new(Code::AE1102, "a case runs a batch or an intent, not both");
                let (source, span) = intent.at.unwrap_or((self.source, json.span));
                let problem = problem.label(source, span, "beside `batch`");
                self.problems.push(problem.help("make two cases of it"));
                Selection::All
            }
            (Some(batch), None) => Selection::Batch(batch.text),
            (None, Some(intent)) => Selection::Intent(intent.text),
            (None, None) => Selection::All,
        };
        match name {
            Some(name) => case.name = name,
            None if entries.iter().any(|(key, _)| key == "name") => return None,
            None => {
                let problem = Diagnostic::new(Code::AE1102, "a case has no `name`");
                let problem = problem.label(self.source, json.span, "needs a name");
                self.problems
                    .push(problem.help("say in a few words what the case shows"));
                return None;
            }
        }
        Some(case)
    }

    fn external(&mut self, json: &Json) -> Vec<ExternalValue> {
        let mut values = Vec::new();
        for (feed, value) in self.object(json, "`external` is an object: feed to value") {
            let (mut given, mut age) = (None, 0);
            match &value.kind {
                JsonKind::Object(fields) => {
                    for (key, value) in fields {
                        match key.as_str() {
                            "value" => given = self.number(value),
                            "age" => {
                                let found = self.whole(value, "`age` is a whole number of seconds");
                                age = found.unwrap_or(0);
                            }
                            other => self.unknown_key(other, value, &["value", "age"]),
                        }
                    }
                    if !fields.iter().any(|(key, _)| key == "value") {
                        self.expected(value, "an external value needs `value`");
                    }
                }
                _ => given = self.number(value),
            }
            values.extend(given.map(|value| ExternalValue {
                feed: feed.clone(),
                value,
                age,
            }));
        }
        values
    }

    fn expect(&mut self, json: &Json) -> Option<Expect> {
        let before = self.problems.len();
        let mut committed = false;
        let mut expect = Expect {
            at: (self.source, json.span),
            outcome: Outcome::Committed,
            balances: Vec::new(),
            others_unchanged: true,
        };
        let entries = self.object(json, "`expect` is an object: what must come of the case");
        for (key, value) in entries {
            match (key.as_str(), &value.kind) {
                ("committed", JsonKind::Bool(true)) => committed = true,
                ("committed", _) => self.expected(
                    value,
                    "`committed` is true; for a run that must fail write `error` instead",
                ),
                ("error", _) => {
                    if let Some(outcome) = self.error(value) {
                        expect.outcome = outcome;
                    }
                }
                ("balances", _) => self.balances(value, &mut expect.balances),
                ("others", JsonKind::Text(word)) if word == "any" => expect.others_unchanged = false,
                ("others", JsonKind::Text(word)) if word == "unchanged" => expect.others_unchanged = true,
                ("others", _) => self.expected(value, "`others` is \"unchanged\" or \"any\""),
                (other, _) => self.unknown_key(other, value, &EXPECT_KEYS),
            }
        }
        if committed && matches!(expect.outcome, Outcome::Error { .. }) {
            self.expected(json, "a case is committed or ends with an error, not both");
        }
        let says = entries.iter().any(|(key, _)| key != "others");
        if matches!(json.kind, JsonKind::Object(_)) && !says && self.problems.len() == before {
            self.expected(
                json,
                "`expect` says nothing; it needs `committed`, `error` or `balances`",
            );
        }
        (self.problems.len() == before).then_some(expect)
    }

    fn error(&mut self, json: &Json) -> Option<Outcome> {
        let (mut code, mut transaction, mut message) = (None, None, None);
        let words = "`error` is a code such as \"AE0501\", or an object with code, transaction, message";
        match &json.kind {
            JsonKind::Text(_) => code = self.code(json),
            JsonKind::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    match key.as_str() {
                        "code" => code = self.code(value),
                        "transaction" => {
                            transaction = self.text(value, "`transaction` is a name such as \"pay row 7\"");
                        }
                        "message" => message = self.text(value, "`message` is a part of the message"),
                        other => self.unknown_key(other, value, &ERROR_KEYS),
                    }
                }
            }
            _ => {
                self.expected(json, words);
                return None;
            }
        }
        Some(Outcome::Error {
            at: (self.source, json.span),
            code,
            transaction: transaction.map(|given| given.text),
            message: message.map(|given| given.text),
        })
    }

    fn code(&mut self, json: &Json) -> Option<Code> {
        let text = self.text(json, "`code` is a code such as \"AE0501\"")?.text;
        let code = Code::find(&text);
        if code.is_none() {
            let names = Code::ALL.iter().flat_map(|code| [code.id(), code.name()]);
            let help =
                did_you_mean(&text, names).unwrap_or_else(|| "`aethel explain` lists all codes".into());
            let message = format!("there is no code `{}`", quote(&text));
            let problem = Diagnostic::new(Code::AE1102, message).label(self.source, json.span, "expected");
            self.problems.push(problem.help(help));
        }
        code
    }

    fn balances(&mut self, json: &Json, places: &mut Vec<ExpectedPlace>) {
        for (name, value) in self.object(json, "`balances` is an object: account to balance") {
            if let Err(error) = AccountName::check(name) {
                let message = format!("`{}` is not an account name: {error}", quote(name));
                let problem = Diagnostic::new(Code::AE1102, message);
                self.problems
                    .push(problem.label(self.source, value.span, "its balance"));
                continue;
            }
            let mut add = |value| {
                places.push(ExpectedPlace {
                    account: name.clone(),
                    value,
                });
            };
            let JsonKind::Object(parts) = &value.kind else {
                if let Some(given) = self.number(value) {
                    add(ExpectedValue::Balance(given));
                }
                continue;
            };
            for (key, value) in parts {
                match (key.as_str(), &value.kind) {
                    ("balance", _) => {
                        if let Some(given) = self.number(value) {
                            add(ExpectedValue::Balance(given));
                        }
                    }
                    ("balances", JsonKind::Object(assets)) => {
                        for (asset, value) in assets {
                            if let Some(given) = self.number(value) {
                                add(ExpectedValue::Asset(asset.clone(), given));
                            }
                        }
                    }
                    ("fields", JsonKind::Object(fields)) => {
                        for (field, value) in fields {
                            let given = match &value.kind {
                                JsonKind::Bool(flag) => Some(Given {
                                    text: flag.to_string(),
                                    at: self.place(value),
                                }),
                                _ => self.number(value),
                            };
                            if let Some(given) = given {
                                add(ExpectedValue::Field(field.clone(), given));
                            }
                        }
                    }
                    ("balances" | "fields", _) => {
                        self.expected(value, "expected an object: name to value");
                    }
                    (other, _) => self.unknown_key(other, value, &["balance", "balances", "fields"]),
                }
            }
        }
    }
}
