//! JSON transaction lists.

use crate::support::{State, run, show};
use aethel_ir::{Failure, SourceMap};
use aethel_lower::{LoweredBatch, lower_json};

fn lower(text: &str) -> Result<LoweredBatch, String> {
    let mut sources = SourceMap::default();
    let source = sources.add("batch.json", text);
    lower_json(source, text, "batch")
        .inspect(|lowered| lowered.batch.validate().expect("valid"))
        .map_err(|problems| {
            problems
                .iter()
                .map(|p| show(p, &sources))
                .collect::<Vec<_>>()
                .join("\n")
        })
}

fn outcome(text: &str) -> Result<State, (String, Failure)> {
    let mut state = State::new();
    run(&lower(text).expect("lowers"), &mut state)?;
    Ok(state)
}

const UNIT: i128 = 1_000_000_000;

#[test]
fn payments_share_one_intent() {
    let transactions: Vec<String> = (0..50)
        .map(|i| {
            format!(
                r#"{{"id": "pay_{i}", "intent_name": "transfer", "accounts": {{"company": {{"balance": 10000000}}, "employee_{i}": {{"balance": 0}}}},
                "operations": [{{"type": "debit", "account": "company", "amount": 8500}}, {{"type": "credit", "account": "employee_{i}", "amount": {}}}], "verify_conditions": []}}"#,
                8500
            )
        })
        .collect();
    let text = format!("[{}]", transactions.join(","));
    let lowered = lower(&text).unwrap();
    assert_eq!(
        (
            lowered.batch.intents.len(),
            lowered.batch.groups.len(),
            lowered.batch.len()
        ),
        (1, 1, 50)
    );
    let state = outcome(&text).unwrap();
    assert_eq!(state["company unit"], (10_000_000 - 50 * 8500) * UNIT);
    assert_eq!(state["employee_49 unit"], 8500 * UNIT);
}

#[test]
fn operations_are_checked_one_by_one() {
    let text = |ops: &str| {
        format!(
            r#"[{{"id": "t", "accounts": {{"a": {{"balance": 5}}, "b": {{"balance": 10}}}}, "operations": [{ops}]}}]"#
        )
    };
    let debit_first = text(
        r#"{"type": "debit", "account": "a", "amount": 6}, {"type": "credit", "account": "a", "amount": 6}"#,
    );
    assert_eq!(outcome(&debit_first).unwrap_err().1, Failure::Guard(0));
    let credit_first = text(
        r#"{"type": "transfer", "from": "b", "to": "a", "amount": "1.5"}, {"type": "debit", "account": "a", "amount": 6}, {"type": "credit", "account": "b", "amount": 6}"#,
    );
    let state = outcome(&credit_first).unwrap();
    assert_eq!(
        (state["a unit"], state["b unit"]),
        (UNIT / 2, 14 * UNIT + UNIT / 2)
    );
}

#[test]
fn swap_moves_the_same_number_back_in_the_other_asset() {
    let text = r#"{"name": "x", "assets": {"USD": 2, "BTC": 8}, "transactions": [{"id": "s",
        "accounts": {"trader": {"balances": {"USD": "500"}}, "pool": {"balances": {"BTC": "3"}}},
        "operations": [{"type": "swap", "amount": "2"}]}]}"#;
    let state = outcome(text).unwrap();
    assert_eq!((state["trader USD"], state["pool USD"]), (49_800, 200));
    assert_eq!(
        (state["trader BTC"], state["pool BTC"]),
        (200_000_000, 100_000_000)
    );
}

#[test]
fn conditions_hold_after() {
    let text = |condition: &str| {
        format!(
            r#"[{{"id": "t", "accounts": {{"a": {{"balance": 5}}, "b": {{"balance": 0}}}},
            "operations": [{{"type": "transfer", "from": "a", "to": "b", "amount": 2}}], "verify_conditions": ["{condition}"]}}]"#
        )
    };
    assert!(outcome(&text("a.balance == old(a.balance) - 2 && b.balance <= 2")).is_ok());
    assert_eq!(
        outcome(&text("b.balance == old(b.balance)")).unwrap_err().1,
        Failure::Postcondition(0)
    );
}

#[test]
fn depends_on_is_an_edge() {
    let text = r#"[{"id": "a", "accounts": {"x": {"balance": 0}}, "operations": [], "depends_on": ["b"]},
        {"id": "b", "accounts": {"x": {}}}]"#;
    let lowered = lower(text).unwrap();
    assert_eq!(lowered.batch.items[0].after, [1]);
    assert_eq!(lowered.openings.len(), 1);
}

#[test]
fn mistakes() {
    let one = |body: &str| format!("[{{\"id\": \"t\", {body}}}]");
    let ops = |ops: &str| {
        one(&format!(
            "\"accounts\": {{\"a\": {{\"balance\": 5}}, \"b\": {{\"balance\": 5}}}}, \"operations\": [{ops}]"
        ))
    };
    let cases = [
        "{}".to_owned(),
        "[{]".to_owned(),
        "[1]".to_owned(),
        "[{\"accounts\": {}}]".to_owned(),
        one("\"acounts\": {}"),
        one("\"accounts\": {\"a\": {\"balance\": 1.5}}"),
        one("\"accounts\": {\"a\": {\"balance\": \"1.0000000001\"}}"),
        ops(r#"{"type": "debti", "account": "a", "amount": 1}"#),
        ops(r#"{"type": "debit", "account": "c", "amount": 1}"#),
        ops(r#"{"type": "debit", "account": "a"}"#),
        ops(r#"{"type": "debit", "account": "a", "amount": -1}"#),
        ops(r#"{"type": "transfer", "from": "a", "to": "a", "amount": 1}"#),
        one(r#""accounts": {"a": {"balance": 5}}, "operations": [{"type": "swap", "amount": 1}]"#),
        one(r#""accounts": {"a": {"balance": 5}}, "verify_conditions": ["a.balnce > 0"]"#),
        one(r#""accounts": {"a": {"balance": 5}}, "verify_conditions": ["a.balance >"]"#),
        one(r#""accounts": {"a": {"balance": 5}}, "depends_on": ["u"]"#),
        r#"[{"id": "t", "accounts": {"a": {"balance": 5}}}, {"id": "t", "accounts": {"a": {"balance": 5}}}]"#
            .to_owned(),
        r#"[{"id": "t", "accounts": {"a": {"balance": 5}}}, {"id": "u", "accounts": {"a": {"balance": 6}}}]"#
            .to_owned(),
    ];
    let shown: Vec<_> = cases
        .iter()
        .map(|case| {
            format!(
                "{case}\n{}",
                lower(case).err().unwrap_or_else(|| "accepted".into())
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
