//! What programs read has the shapes that `docs/schema` describes.

use crate::support::Sandbox;
use serde_json::{Value, json};

/// Where `value` does not fit `schema`; knows every word that our schemas and that of SARIF use.
fn misfit(schema: &Value, value: &Value, root: &Value, at: &str) -> Option<String> {
    let words = schema
        .as_object()
        .unwrap_or_else(|| panic!("{at}: no schema: {schema}"));
    words
        .iter()
        .find_map(|(word, rule)| misfit_word(word, rule, schema, value, root, at))
}

fn misfit_word(
    word: &str,
    rule: &Value,
    schema: &Value,
    value: &Value,
    root: &Value,
    at: &str,
) -> Option<String> {
    let number = || rule.as_f64().unwrap();
    let fitting = |any: &Value| {
        let any = any.as_array().unwrap().iter();
        any.filter(|one| misfit(one, value, root, at).is_none()).count()
    };
    match word {
        "$schema" | "$id" | "title" | "description" | "default" | "definitions" | "$defs" | "readOnly" => {
            None
        }
        "$ref" => misfit(
            root.pointer(rule.as_str()?.trim_start_matches('#'))?,
            value,
            root,
            at,
        ),
        "anyOf" => (fitting(rule) == 0).then(|| format!("{at}: {value} fits none")),
        "oneOf" => (fitting(rule) != 1).then(|| format!("{at}: {value} fits none or several")),
        "type" => {
            let fits = match rule {
                Value::String(name) => is(name, value),
                Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap(), value)),
                other => panic!("{at}: no type: {other}"),
            };
            (!fits).then(|| format!("{at}: {value} is not {rule}"))
        }
        "enum" => {
            (!rule.as_array().unwrap().contains(value)).then(|| format!("{at}: {value} is not allowed"))
        }
        "minimum" => (value.as_f64()? < number()).then(|| format!("{at}: {value} is below {rule}")),
        "maximum" => (value.as_f64()? > number()).then(|| format!("{at}: {value} is above {rule}")),
        "pattern" => {
            let pattern = regex::Regex::new(rule.as_str().unwrap()).unwrap();
            (!pattern.is_match(value.as_str()?)).then(|| format!("{at}: {value} does not match {rule}"))
        }
        "format" => {
            let text = value.as_str()?;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
            let uri = text.bytes().all(allowed) && (rule != "uri" || text.contains(':'));
            (rule.as_str()?.starts_with("uri") && !uri).then(|| format!("{at}: {value} is not a {rule}"))
        }
        "minItems" => {
            let items = value.as_array()?;
            (items.len() < number() as usize).then(|| format!("{at}: fewer than {rule} items"))
        }
        "uniqueItems" => {
            let items = value.as_array()?;
            let twice = (1..items.len()).any(|n| items[..n].contains(&items[n]));
            (rule == &json!(true) && twice).then(|| format!("{at}: an item occurs twice"))
        }
        "items" => {
            let one = |(index, item)| misfit(rule, item, root, &format!("{at}/{index}"));
            value.as_array()?.iter().enumerate().find_map(one)
        }
        "required" => {
            let object = value.as_object()?;
            let mut keys = rule.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
            let missing = keys.find(|key| !object.contains_key(*key))?;
            Some(format!("{at}: no {missing}"))
        }
        "properties" => value.as_object()?.iter().find_map(|(key, item)| {
            let described = rule.get(key)?;
            misfit(described, item, root, &format!("{at}/{key}"))
        }),
        "additionalProperties" => value.as_object()?.iter().find_map(|(key, item)| match rule {
            _ if !schema["properties"][key].is_null() => None,
            Value::Bool(true) => None,
            Value::Bool(false) => Some(format!("{at}: {key} is not described")),
            more => misfit(more, item, root, &format!("{at}/{key}")),
        }),
        other => panic!("{at}: the schema has an unknown word: {other}"),
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    }
}

/// Where a value does not fit the official schema of SARIF 2.1.0.
pub fn sarif_misfit(value: &Value) -> Option<String> {
    let path = format!(
        "{}/../../tests/schema/sarif-2.1.0.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    misfit(&schema, value, &schema, "sarif")
}

fn schema(name: &str) -> Value {
    let path = format!(
        "{}/../../docs/schema/{name}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn fits(name: &str, value: &Value) {
    let schema = schema(name);
    assert_eq!(misfit(&schema, value, &schema, name), None, "{value:#}");
}

#[test]
fn outputs_are_as_described() {
    let sandbox = Sandbox::with_examples();
    let json = |arguments: &[&str]| sandbox.aethel(&[arguments, &["-o", "json"]].concat()).json();
    fits("run", &json(&["run", "payroll.ae"]));
    fits("run", &json(&["run", "payroll.ae"]));
    fits(
        "run",
        &json(&["run", "exchange.ae", "--dry-run", "--threads", "2"]),
    );
    fits("run", &json(&["run", "failing/bonus.ae"]));
    fits("run", &json(&["run", "nothing.ae"]));
    fits("diagnostics", &json(&["check", "."]));
    fits("ledger-show", &json(&["ledger", "show"]));
}

#[test]
fn inputs_are_as_described() {
    let sandbox = Sandbox::with_examples();
    for name in [
        "payroll",
        "payroll_1000",
        "exchange",
        "settlement",
        "failing/bonus",
    ] {
        let text = std::fs::read_to_string(sandbox.file(&format!("{name}.inputs.json"))).unwrap();
        fits("inputs", &serde_json::from_str(&text).unwrap());
    }
    let page = include_str!("../docs/inputs.md");
    let block = page
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    fits("inputs", &serde_json::from_str(block).unwrap());
}

#[test]
fn a_shape_that_is_wrong_is_noticed() {
    let schema = schema("inputs");
    for wrong in [
        json!([]),
        json!({ "account": {} }),
        json!({ "accounts": { "a": 1.5 } }),
        json!({ "accounts": { "a": { "balanc": "1" } } }),
        json!({ "open_accounts": "yes" }),
        json!({ "oracles": [{ "feed": "f" }] }),
    ] {
        assert!(misfit(&schema, &wrong, &schema, "inputs").is_some(), "{wrong}");
    }
}
