//! `aethel test --update`: expectations for cases that have none, written behind what they say already.

use super::Found;
use crate::files;
use aethel_ir::{Code, Diagnostic, Span, quote};
use aethel_lower::Case;
use serde_json::{Map, Value, json};
use std::path::Path;

/// More changed balances than this are not written: nobody would read them.
const MAX_WRITTEN: usize = 1000;

/// The case expects nothing.
pub(super) fn missing(case: &Case) -> Diagnostic {
    let message = format!("`{}` expects nothing", quote(&case.name.text));
    Diagnostic::new(Code::AE1103, message)
        .label_at(case.name.at, "no `expect`")
        .help("write what must come of it as `expect`, or let `aethel test --update` write what does")
}

/// So much changed that writing it would help nobody.
pub(super) fn too_much(case: &Case) -> Diagnostic {
    let message = format!(
        "`{}` expects nothing, and changes more than {MAX_WRITTEN} balances",
        quote(&case.name.text)
    );
    Diagnostic::new(Code::AE1103, message)
        .label_at(case.name.at, "no `expect`")
        .help("write the balances that matter as `expect`, with \"others\": \"any\"")
}

/// What to insert into the text, and where; `None` when it would be too much.
pub(super) fn expectation(case: &Case, found: &Found, text: &str) -> Option<(usize, String)> {
    let value = match found.errors.first() {
        Some(error) => json!({ "error": { "code": error.code.id(), "message": error.message } }),
        None => json!({ "committed": true, "balances": changed(found)? }),
    };
    let (_, Span { start, .. }) = case.at;
    let (start, end) = (start as usize, case.end as usize);
    let lines = text.get(start..end)?.contains('\n');
    let compact = || serde_json::to_string(&value).unwrap_or_default();
    if !lines {
        return Some((end, format!(", \"expect\": {}", compact())));
    }
    let line = text.get(..end)?.rfind('\n').map_or(0, |at| at + 1);
    let indent: String = text
        .get(line..)?
        .chars()
        .take_while(|c| matches!(c, ' ' | '\t'))
        .collect();
    let pretty = format!("{value:#}").replace('\n', &format!("\n{indent}"));
    let insertion = format!(",\n{indent}\"expect\": {pretty}");
    match text.contains("\r\n") {
        true => Some((end, insertion.replace('\n', "\r\n"))),
        false => Some((end, insertion)),
    }
}

/// The balances that changed, as `balances` has them.
fn changed(found: &Found) -> Option<Value> {
    let mut accounts: Map<String, Value> = Map::new();
    let mut count = 0;
    for (account, is_field, part, held) in found.world.all().filter(|(.., held)| held.before != held.after) {
        count += 1;
        if count > MAX_WRITTEN {
            return None;
        }
        let alone = !is_field && found.world.parts(account, false).len() == 1;
        let after = held.text(held.after);
        let entry = accounts.entry(account.to_owned()).or_insert_with(|| json!({}));
        match (alone, is_field) {
            (true, _) => entry["balance"] = after.into(),
            (false, false) => entry["balances"][part] = after.into(),
            (false, true) => entry["fields"][part] = after.into(),
        }
    }
    for value in accounts.values_mut() {
        if let Value::Object(parts) = value
            && parts.len() == 1
            && let Some(balance) = parts.remove("balance")
        {
            *value = balance;
        }
    }
    Some(Value::Object(accounts))
}

/// Writes the file anew, unless there is nothing to insert.
pub(super) fn write(path: &Path, text: &str, mut insertions: Vec<(usize, String)>) -> Result<(), Diagnostic> {
    if insertions.is_empty() {
        return Ok(());
    }
    let mut after = text.to_owned();
    // From the back, so that places before stay right.
    insertions.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (at, insertion) in insertions {
        after.insert_str(at, &insertion);
    }
    files::replace(path, &after)
}
