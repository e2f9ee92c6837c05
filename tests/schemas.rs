//! What programs read has the shapes that `docs/schema` describes.

use crate::support::Sandbox;
use serde_json::{Value, json};

/// Where `value` does not fit `schema`; knows the words that our schemas use.
fn misfit(schema: &Value, value: &Value, root: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return misfit(root.pointer(reference.trim_start_matches('#'))?, value, root, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| misfit(one, value, root, at).is_none());
        return (!fits).then(|| format!("{at}: {value} fits none"));
    }
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{at}: unknown type {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        other => panic!("{at}: no type: {other}"),
    };
    if !fits {
        return Some(format!("{at}: {value} is not {}", schema["type"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|allowed| !allowed.contains(value))
    {
        return Some(format!("{at}: {value} is not allowed"));
    }
    if let Some(items) = value.as_array() {
        let one = |(index, item)| misfit(&schema["items"], item, root, &format!("{at}/{index}"));
        return items.iter().enumerate().find_map(one);
    }
    let object = value.as_object()?;
    let required = schema["required"].as_array().into_iter().flatten();
    if let Some(missing) = required
        .map(|key| key.as_str().unwrap())
        .find(|key| !object.contains_key(*key))
    {
        return Some(format!("{at}: no {missing}"));
    }
    object.iter().find_map(|(key, item)| {
        let inner = match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => return Some(format!("{at}: {key} is not described")),
            (Value::Null, Value::Null) => return None,
            (Value::Null, more) => more,
            (described, _) => described,
        };
        misfit(inner, item, root, &format!("{at}/{key}"))
    })
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
