//! The Rust library: the same payments as a program, a list and a call give the same.

use crate::support::Sandbox;
use aethel::ir::SourceMap;
use aethel::{BatchProcessor, Inputs, Operation, ProcessorOptions, Program, Transaction};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["ann", "ben", "cem", "dan"];

fn processor() -> BatchProcessor {
    BatchProcessor::new(ProcessorOptions::default()).unwrap()
}

fn balances(processor: &BatchProcessor) -> Vec<Option<String>> {
    NAMES
        .iter()
        .map(|name| processor.balance(name, "unit").unwrap())
        .collect()
}

/// The payments as transactions; every account begins with 100.
fn transactions(payments: &[(usize, usize, u32)]) -> Vec<Transaction> {
    let one = |(index, (from, to, amount)): (usize, &(usize, usize, u32))| {
        let (from, to) = (NAMES[*from].to_owned(), NAMES[*to].to_owned());
        Transaction::new(format!("t{index}"), "pay")
            .account(&from, 100)
            .account(&to, 100)
            .operation(Operation::Transfer {
                from,
                to,
                amount: amount.to_string(),
            })
    };
    payments.iter().enumerate().map(one).collect()
}

/// The payments as a program.
fn program(payments: &[(usize, usize, u32)]) -> String {
    let mut text = String::from(
        "intent pay(from: Account, to: Account, amount: Balance) {
            guard { from.balance >= amount; amount >= 0; }
            verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }
        }
        atomic_batch batch {\n",
    );
    for (index, (from, to, amount)) in payments.iter().enumerate() {
        text += &format!("t{index}: pay({}, {}, {amount});\n", NAMES[*from], NAMES[*to]);
    }
    text + "}\n"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn p18_a_program_and_a_call_of_the_same_payments_give_the_same(
        payments in prop::collection::vec((0..4_usize, 1..4_usize, 0..80_u32), 1..8)
    ) {
        let payments: Vec<_> = payments.iter().map(|(from, by, amount)| (*from, (from + by) % 4, *amount)).collect();
        let mut called = processor();
        let call = called.execute_batch(&transactions(&payments));

        let (text, mut sources) = (program(&payments), SourceMap::default());
        let source = sources.add("pay.ae", text.as_str());
        let program = Program::parse(source, &text, ".".into());
        let accounts = r#"{"accounts": {"ann": 100, "ben": 100, "cem": 100, "dan": 100}}"#;
        let inputs = Inputs::from_json(sources.add("inputs", accounts), accounts).unwrap();
        let mut ran = processor();
        let run = ran.execute_atomic_batch(&program, "batch", &inputs, &mut sources);

        prop_assert_eq!(call.success, run.success, "{:?} {:?}", call.error_message, run.error_message);
        prop_assert_eq!(call.transactions_executed, run.transactions_executed);
        prop_assert_eq!(call.error_code, run.error_code);
        prop_assert_eq!(balances(&called), balances(&ran));
    }
}

#[test]
fn p21_a_durable_ledger_is_opened_for_each_batch() {
    let sandbox = Sandbox::new();
    let options = ProcessorOptions {
        ledger: Some(sandbox.file("books.redb").into()),
        key: Some("2026-03".into()),
        ..ProcessorOptions::default()
    };
    let payments = transactions(&[(0, 1, 30)]);
    let mut processor = BatchProcessor::new(options).unwrap();
    let first = processor.execute_batch(&payments);
    assert!(
        first.success && !first.already_committed,
        "{:?}",
        first.error_message
    );
    // The file is not held between batches, and the same key pays nobody twice.
    let show = ["ledger", "show", "ann", "--ledger", "books.redb"];
    assert!(sandbox.aethel(&show).fine().stdout.contains("70.00"));
    let second = processor.execute_batch(&payments);
    assert!(second.success && second.already_committed);
    assert_eq!(
        processor.balance("ann", "unit").unwrap().as_deref(),
        Some("70.000000000")
    );
    // Without a key each call is a batch of its own; its balances are expectations that no longer hold.
    let mut unkeyed = BatchProcessor::new(ProcessorOptions {
        ledger: Some(sandbox.file("books.redb").into()),
        ..Default::default()
    })
    .unwrap();
    assert_eq!(unkeyed.execute_batch(&payments).error_code, Some("AE0306"));
}

#[test]
fn p21_what_is_wrong_has_its_code() {
    let mut processor = processor();
    let twice = [transactions(&[(0, 1, 1)]), transactions(&[(0, 1, 1)])].concat();
    assert_eq!(processor.execute_batch(&twice).error_code, Some("AE0202"));
    assert_eq!(
        processor.execute_batch(&transactions(&[(0, 1, 101)])).error_code,
        Some("AE0501")
    );
    assert_eq!(processor.balance("ann", "unit").unwrap(), None);
}
