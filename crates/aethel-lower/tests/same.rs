//! Property 18: a program of calls, a program with a loop, and a JSON batch that say the same do the same.

use crate::support::{State, lower, run};
use aethel_ir::SourceMap;
use aethel_lower::{LoweredBatch, Purpose, lower_json};
use proptest::prelude::*;

type Payment = (usize, usize, u32);

const PAY: &str = "asset USD { scale: 2; }
intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard { from.balance >= amount; amount >= 0; }
    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }
}\n";

fn program(batch: &str, inputs: &str, csv: &str) -> LoweredBatch {
    let text = format!("{PAY}atomic_batch b {{ {batch} }}");
    let (mut lowered, diagnostics, _) = lower(&text, inputs, &[("p.csv", csv)], Purpose::Run);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    lowered.pop().unwrap()
}

fn amount(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The index of the transaction that failed, or the balances.
fn result(lowered: &LoweredBatch) -> Result<State, usize> {
    let mut state = State::new();
    match run(lowered, &mut state) {
        Ok(()) => Ok(state),
        Err((name, _)) => Err((0..lowered.batch.len())
            .position(|i| lowered.batch.transaction_name(aethel_ir::TransactionId(i as u32)) == name)
            .unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn p18_program_loop_and_json_agree(
        openings in proptest::collection::vec(0_u32..1_000, 4),
        payments in proptest::collection::vec((0_usize..4, 0_usize..4, 0_u32..400), 1..12),
    ) {
        let payments: Vec<Payment> = payments.into_iter().filter(|(a, b, _)| a != b).collect();
        prop_assume!(!payments.is_empty());
        let accounts: Vec<String> = openings.iter().enumerate().map(|(i, n)| format!("\"u{i}\": \"{}\"", amount(*n))).collect();
        let inputs = format!("{{\"accounts\": {{{}}}}}", accounts.join(", "));
        let calls: String = payments.iter().map(|(a, b, n)| format!("pay(u{a}, u{b}, {});\n", amount(*n))).collect();
        let rows: String = payments.iter().map(|(a, b, n)| format!("u{a},u{b},{}\n", amount(*n))).collect();
        let json: Vec<String> = payments.iter().enumerate().map(|(i, (a, b, n))| {
            let (x, y, n) = (amount(openings[*a]), amount(openings[*b]), amount(*n));
            format!("{{\"id\": \"t{i}\", \"accounts\": {{\"u{a}\": {{\"balance\": \"{x}\"}}, \"u{b}\": {{\"balance\": \"{y}\"}}}}, \"operations\": [
                {{\"type\": \"debit\", \"account\": \"u{a}\", \"amount\": \"{n}\"}}, {{\"type\": \"credit\", \"account\": \"u{b}\", \"amount\": \"{n}\"}}]}}")
        }).collect();
        let json = format!("{{\"name\": \"b\", \"assets\": {{\"USD\": 2}}, \"transactions\": [{}]}}", json.join(","));
        let source = SourceMap::default().add("b.json", json.as_str());
        let first = result(&program(&calls, &inputs, ""));
        let each = program("for r in \"p.csv\" { pay(r.from, r.to, r.amount); }", &inputs, &format!("from,to,amount\n{rows}"));
        prop_assert_eq!(&first, &result(&each));
        prop_assert_eq!(&first, &result(&lower_json(source, &json, "b").unwrap()));
    }
}
