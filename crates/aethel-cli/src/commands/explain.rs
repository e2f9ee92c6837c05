//! `aethel explain`: what a code means.

use crate::exit::Exit;
use crate::options::{ExplainOptions, Format};
use crate::printer::Printer;
use aethel::ir::{Code, did_you_mean};
use serde_json::json;

/// Prints the page of a code, or the list of all.
pub fn run(options: &ExplainOptions, printer: &mut Printer) -> Exit {
    let Some(text) = &options.code else {
        let list: Vec<String> = Code::ALL
            .iter()
            .map(|code| format!("{}  {:<8} {}\n", code.id(), code.severity().as_str(), code.name()))
            .collect();
        printer.result(&list.concat());
        return Exit::Fine;
    };
    let Some(code) = Code::find(text) else {
        let names = Code::ALL.iter().flat_map(|code| [code.id(), code.name()]);
        let help = did_you_mean(&text.to_uppercase(), names.clone()).or_else(|| did_you_mean(text, names));
        let help = help.unwrap_or_else(|| "`aethel explain` without a code lists all".into());
        eprintln!("error: there is no code `{}`: {help}", aethel::ir::quote(text));
        return Exit::Usage;
    };
    if printer.format() == Format::Json {
        let value = json!({
            "schema": 1, "code": code.id(), "name": code.name(), "severity": code.severity().as_str(),
            "error_type": code.error_type(), "page": code.page(),
        });
        printer.result(&format!("{value:#}\n"));
    } else {
        printer.result(code.page());
    }
    Exit::Fine
}
