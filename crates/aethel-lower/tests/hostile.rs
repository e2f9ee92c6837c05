//! Property 24: whatever the bytes, the lowering ends, says why, and points into the text.

use crate::support::Memory;
use aethel_ir::{Diagnostic, SourceId, SourceMap};
use aethel_lower::{Inputs, Purpose, Selection, lower, lower_json};
use proptest::prelude::*;

/// What each diagnostic must be (property 22).
fn check(diagnostics: &[Diagnostic], sources: &SourceMap) {
    for problem in diagnostics {
        assert!(
            !problem.message.is_empty() && !problem.message.ends_with('.'),
            "{problem:?}"
        );
        assert!(
            !problem.labels.is_empty() || problem.help.is_some(),
            "{problem:?}"
        );
        let places = problem.labels.iter().map(|label| (label.source, label.span));
        let edits = problem
            .fixes
            .iter()
            .flat_map(|fix| fix.edits.iter().map(|(source, span, _)| (*source, *span)));
        for (source, span) in places.chain(edits) {
            let file = sources.get(source).expect("a file of this run");
            assert!(
                file.text.get(span.range()).is_some(),
                "{span:?} lies outside of {}: {problem:?}",
                file.name
            );
        }
        assert!(!problem.message.chars().any(|c| c.is_control()), "{problem:?}");
    }
}

/// Lowers whatever it is, in every way.
fn survive(program: &str, inputs: &str, csv: &str) {
    let mut memory = Memory::default();
    let source = memory.sources.add("test.ae", program);
    let inputs_source = memory.sources.add("inputs.json", inputs);
    let accounts = memory.sources.add("accounts.csv", csv);
    memory.files.insert("staff.csv".into(), csv.into());
    let parsed = aethel_syntax::parse(source, program);
    let mut given = Inputs::from_json(inputs_source, inputs).unwrap_or_else(|problems| {
        assert!(!problems.is_empty());
        check(&problems, &memory.sources);
        Inputs::default()
    });
    if let Err(problems) = given.add_accounts_csv(accounts, csv.into()) {
        assert!(!problems.is_empty());
        check(&problems, &memory.sources);
    }
    for purpose in [Purpose::Check, Purpose::Run] {
        for selection in [
            Selection::All,
            Selection::Intent("pay".into()),
            Selection::Batch("b".into()),
        ] {
            let mut problems = Vec::new();
            let lowered = lower(
                source,
                &parsed.program,
                &selection,
                &given,
                &mut memory,
                purpose,
                &mut problems,
            );
            check(&problems, &memory.sources);
            for batch in &lowered {
                batch.batch.validate().expect("the lowering makes valid batches");
                let mut state = crate::support::State::new();
                if let Err((_, failure)) = crate::support::run(batch, &mut state) {
                    assert_ne!(failure, aethel_ir::Failure::Malformed, "{program}");
                }
            }
        }
    }
}

fn survive_json(text: &str) {
    let mut sources = SourceMap::default();
    let source = sources.add("batch.json", text);
    assert_eq!(source, SourceId(0));
    match lower_json(source, text, "batch") {
        Ok(lowered) => {
            lowered.batch.validate().expect("valid");
            let mut state = crate::support::State::new();
            if let Err((_, failure)) = crate::support::run(&lowered, &mut state) {
                assert_ne!(failure, aethel_ir::Failure::Malformed, "{text}");
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            check(&problems, &sources);
        }
    }
}

const PROGRAM: &str = "asset USD { scale: 2; } asset BTC { scale: 8; } field frozen: Bool; field n: Integer; const FEE = 1 / 4;
account world { unbounded; }
intent pay(company: Account<USD>, alice: Account<USD>, amount: Balance<USD>, secret rate: Rate, external p: Price<BTC, USD>) {
  guard { let fee = round(amount * rate, USD, half_even); old_company == company.balance; amount == 5 + FEE; rate == -0.5; p_fresh ==> p > 0;
    company_balance >= max(amount, fee, 1) && !company.frozen; x = alice.btc_balance * p; }
  solve { priority: security; }
  verify { company.balance == old_company - amount; alice.balance == alice.balance + amount; alice.n == alice.n % 7 + 1;
    alice.balance >= old(alice.balance) || x >= 0; company.frozen == (alice.n > 3); }
}
intent flat(sender: Balance<USD>, receiver: Balance<USD>, t: Time) { guard { t > 0; old_sender == sender; } verify { sender == old_sender - 1; receiver == receiver + 1; } }
atomic_batch b { one: pay(company, alice, 5); for row in \"staff.csv\" after one { pay(company, row.account, row.salary, rate: 0.5); flat(sender: \"x y\", t: row.t); }
  intent own(a: Account<BTC>) after one { verify { a.balance == a.balance; } } flat(a, b, \"2026-03-31T12:00:00Z\"); }";

const INPUTS: &str = "{\"accounts\": {\"company\": {\"balance\": \"10.00\"}, \"é\": {\"balances\": {\"USD\": 1, \"BTC\": \"0.5\"}}, \"x y\": 5},
 \"bind\": {\"one.company\": \"acct:main\", \"b.own.a\": \"é\", \"one.p\": \"feed\"}, \"args\": {\"b.one.rate\": \"0.1\", \"pay.amount\": 7, \"pay.rate\": true},
 \"oracles\": [{\"feed\": \"feed\", \"value\": \"43250.55\", \"timestamp\": 5, \"key_id\": \"k\", \"signature\": \"00\"}], \"open_accounts\": true, \"accounts_csv\": \"o.csv\"}";

const CSV: &str = "account,salary,t,balance,asset\r\nalice,10.50,5,1.00,USD\n\"a,b\",\"0.01\",2026-03-31T12:00:00Z,2,BTC\r\n\nbób,3,1,4,USD\n";

const JSON: &str = "{\"name\": \"x\", \"assets\": {\"USD\": 2, \"BTC\": 8}, \"unbounded\": [\"world\"], \"transactions\": [
 {\"id\": \"s\", \"intent_name\": \"swap\", \"accounts\": {\"trader\": {\"balances\": {\"USD\": \"500\"}}, \"pool\": {\"balances\": {\"BTC\": \"3\"}}}, \"operations\": [{\"type\": \"swap\", \"amount\": \"2\"}]},
 {\"id\": \"é\", \"accounts\": {\"trader\": {\"balances\": {\"USD\": \"500\"}}, \"world\": {\"balances\": {\"USD\": 0}}}, \"operations\": [{\"type\": \"debit\", \"account\": \"world\", \"amount\": 3},
  {\"type\": \"credit\", \"account\": \"trader\", \"amount\": 3, \"asset\": \"USD\"}], \"verify_conditions\": [\"trader.balance >= old(trader.balance) && world.usd_balance <= 0\", \"\\u0074rader.balance >= 0\"],
  \"depends_on\": [\"s\"], \"oracle_proofs\": [{\"feed\": \"f\", \"value\": \"1\", \"timestamp\": 5, \"key_id\": \"k\", \"signature\": \"00\"}]}]}";

/// Cuts, repeats and swaps pieces of a valid text.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let chars: Vec<char> = text.chars().collect();
    let end = chars.len();
    let junk = proptest::sample::select(vec![
        "",
        "{",
        "}",
        ";",
        "\"",
        "==",
        "-",
        "é",
        "\u{feff}",
        "row.",
        "old_",
        "0.001",
        "9999999999999999999999999999999999999999999",
        ",",
        "\r",
        "[",
        "null",
        "a",
        " after one",
        "USD",
        "_balance",
        "\\u0000",
        "\u{202e}",
    ]);
    let edit = (0..end, 0..12_usize, 0..end, junk);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut out = chars.clone();
        for (at, length, from, junk) in edits {
            let at = at.min(out.len());
            let to = (at + length).min(out.len());
            let from = from.min(out.len());
            let copy: Vec<char> = out[from..(from + length).min(out.len())].to_vec();
            let new: Vec<char> = if junk.is_empty() {
                copy
            } else {
                junk.chars().collect()
            };
            out.splice(at..to, new);
        }
        out.into_iter().collect()
    })
}

/// Words that programs and inputs are made of, at random.
fn soup(text: &'static str) -> impl Strategy<Value = String> {
    let words: Vec<&str> = text
        .split_inclusive([' ', '\n', '.', ';', '(', ')', '{', '}', ',', ':', '"'])
        .collect();
    proptest::collection::vec(proptest::sample::select(words), 0..80).prop_map(|words| words.concat())
}

#[test]
fn the_valid_texts_are_valid() {
    let (lowered, diagnostics, sources) =
        crate::support::lower(PROGRAM, INPUTS, &[("staff.csv", CSV)], Purpose::Run);
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.is_error())
        .map(|d| crate::support::show(d, &sources))
        .collect();
    // Only the setting for an intent that the batch does not call by that name, and no more, is wrong on purpose.
    assert!(lowered.len() == 1, "{errors:#?}");
    survive(PROGRAM, INPUTS, CSV);
    lower_json(SourceId(0), JSON, "x").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn p24_damaged_programs(text in damaged(PROGRAM)) { survive(&text, INPUTS, CSV); }
    #[test]
    fn p24_soups(text in soup(PROGRAM), inputs in soup(INPUTS), csv in soup(CSV)) { survive(&text, &inputs, &csv); }
    #[test]
    fn p24_damaged_inputs(inputs in damaged(INPUTS), csv in damaged(CSV)) { survive(PROGRAM, &inputs, &csv); }
    #[test]
    fn p24_damaged_json_batches(text in damaged(JSON)) { survive_json(&text); }
    #[test]
    fn p24_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        survive(&text, &text, &text);
        survive(PROGRAM, INPUTS, &text);
        survive_json(&text);
    }
    #[test]
    fn p24_json_soups(text in soup(JSON)) { survive_json(&text); }
}
