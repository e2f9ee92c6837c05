//! `aethel explain`: what a code means.

use crate::exit::Exit;
use crate::options::ExplainOptions;
use crate::printer::Printer;
use aethel::ir::{Code, Diagnostic, SourceMap, did_you_mean, quote};
use serde_json::{Value, json};

/// Prints the page of a code, or the list of all.
pub fn run(options: &ExplainOptions, printer: &mut Printer) -> Exit {
    let Some(text) = &options.code else {
        let list: Vec<Value> = Code::ALL.iter().map(|code| row(*code)).collect();
        printer.json(&json!({ "schema": 1, "codes": list }));
        if printer.wants_more() {
            printer.result(&Code::ALL.iter().map(|code| line(*code)).collect::<String>());
            printer.say("\n`aethel explain CODE` says more about one, by its code or its name\n");
        }
        return Exit::Fine;
    };
    let Some(code) = Code::find(text) else {
        let names = Code::ALL.iter().flat_map(|code| [code.id(), code.name()]);
        let help = did_you_mean(&text.to_uppercase(), names.clone()).or_else(|| did_you_mean(text, names));
        let help = help.unwrap_or_else(|| "`aethel explain` without a code lists all".into());
        let problem = Diagnostic::new(Code::AE0911, format!("there is no code `{}`", quote(text))).help(help);
        printer.diagnostics(&[problem], &SourceMap::default());
        return Exit::Usage;
    };
    let mut value = row(code);
    value["schema"] = 1.into();
    value["what"] = code.section("What").into();
    value["why"] = code.section("Why").into();
    value["page"] = code.page().into();
    printer.json(&value);
    printer.result(code.page());
    Exit::Fine
}

fn line(code: Code) -> String {
    let (id, severity, name) = (code.id(), code.severity().as_str(), code.name());
    format!("{id}  {severity:<7}  {name:<26}  {}\n", code.summary())
}

fn row(code: Code) -> Value {
    json!({
        "code": code.id(), "name": code.name(), "severity": code.severity().as_str(), "summary": code.summary(),
        "error_type": code.error_type(),
    })
}
