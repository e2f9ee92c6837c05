//! Each mistake gives the code, place and help that a person would give.

use crate::support::{lower, show};
use aethel_lower::Purpose;

/// The diagnostics of a program, as text, without notes.
fn problems(program: &str, inputs: &str, files: &[(&str, &str)]) -> String {
    let (_, diagnostics, sources) = lower(program, inputs, files, Purpose::Check);
    let shown: Vec<_> = diagnostics.iter().map(|d| show(d, &sources)).collect();
    shown.join("\n")
}

const HEAD: &str = "asset USD { scale: 2; }\nasset BTC { scale: 8; }\nconst FEE = 2;\nfield frozen: Bool;\n";

fn intent(params: &str, guard: &str, verify: &str) -> String {
    format!("{HEAD}intent pay({params}) {{\n  guard {{ {guard} }}\n  verify {{ {verify} }}\n}}")
}

macro_rules! mistakes {
    ($($name:ident: $program:expr;)*) => { $(
        #[test]
        fn $name() {
            let program = $program;
            insta::assert_snapshot!(format!("{program}\n----\n{}", problems(&program, "{}", &[])));
        }
    )* };
}

const ACCOUNTS: &str = "company: Account<USD>, alice: Account<USD>, amount: Balance<USD>";
const MOVE: &str = "company.balance == company.balance - amount; alice.balance == alice.balance + amount;";

mistakes! {
    unknown_name: intent(ACCOUNTS, "amout >= 0; amount >= 0;", MOVE);
    unknown_account: intent(ACCOUNTS, "amount > 0; compny.balance >= amount;", MOVE);
    account_as_value: intent(ACCOUNTS, "company >= amount; amount > 0;", MOVE);
    unknown_field: intent(ACCOUNTS, "!company.frozn; amount > 0;", MOVE);
    unknown_asset_balance: intent(ACCOUNTS, "company.eth_balance >= 0; amount > 0;", MOVE);
    unknown_asset: intent("a: Account<EUR>", "a.balance > 0;", "");
    ambiguous_asset: intent("a: Account", "a.balance > 0;", "");
    unknown_type: intent("a: Acount<USD>", "", "");
    mixed_assets: intent(ACCOUNTS, "company.balance >= company.btc_balance; amount > 0;", MOVE);
    amount_times_amount: intent(ACCOUNTS, "amount * amount > 0; amount > 0;", MOVE);
    not_a_condition: intent(ACCOUNTS, "amount; amount > 0;", MOVE);
    assignment: intent(ACCOUNTS, "amount = 5;", MOVE);
    assignment_in_verify: intent(ACCOUNTS, "amount > 0;", "company.balance = company.balance - amount; alice.balance == alice.balance + amount;");
    let_omitted: intent(ACCOUNTS, "fee = amount * 0.5; amount > fee; amount > 0;", MOVE);
    defined_twice: intent(ACCOUNTS, "amount > 0;", "alice.balance == alice.balance + amount; company.balance == company.balance - amount; alice.usd_balance == 5;");
    circular_lets: intent(ACCOUNTS, "let a = b + 1; let b = a - 1; amount > 0;", MOVE);
    p17_duplicate_parameters: intent("a: Account<USD>, a: Account<USD>", "a.balance > 0;", "");
    unused_and_negative: intent("company: Account<USD>, alice: Account<USD>, bob: Account<USD>, amount: Balance<USD>", "", MOVE);
    too_precise_literal: intent(ACCOUNTS, "amount == 10.005;", MOVE);
    always_true_and_false: intent(ACCOUNTS, "amount >= amount; 1 > 2; amount > 0;", MOVE);
    unknown_function: intent(ACCOUNTS, "amount == rond(5, half_even);", MOVE);
    bad_round_mode: intent(ACCOUNTS, "amount == round(5, half_evn);", MOVE);
    flat_form_note: "intent transfer(sender: Balance, receiver: Balance, amount: Balance) {\n  guard { sender >= amount; amount > 0; }\n  verify { sender == old_sender - amount; receiver == old_receiver + amount; }\n}".to_owned();
    old_balance_name: "intent t(company: Account, b: Account) {\n  guard { company_balance >= 5; }\n  verify { company.balance == company.balance - 5; b.balance == b.balance + 5; }\n}".to_owned();
    calls: format!("{}\natomic_batch b {{\n  py(company, alice, 5);\n  pay(company, alice, 5, 6);\n  pay(company, alice, amout: 5);\n  x: pay(company, 5, 6);\n  x: pay(company, alice, 5) after y;\n  pay(company, alice, amount: true);\n  pay(company, alice, NOPE);\n  pay(company, alice, row.a);\n}}", intent(ACCOUNTS, "amount > 0;", MOVE));
    value_never_fixed: format!("{}\natomic_batch b {{ pay(company, alice); }}", intent(ACCOUNTS, "amount > 0;", MOVE));
    p17_duplicate_declarations: "asset A { scale: 19; }\nasset A { scale: 2; }\nconst C = 1 / 0;\nconst D = E; const E = D;\nfield balance: Bool;\nfield x: Text;\naccount \" x\" { unbounded; }\nintent i(a: Account) { guard { a.balance > 0; } }\nintent i(a: Account) { guard { a.balance > 0; } }\natomic_batch e { }".to_owned();
    external_argument: format!("{HEAD}intent t(a: Account<USD>, external p: Price) {{ guard {{ p > 0; a.balance > 0; }} }}\natomic_batch b {{ t(a, 5); }}");
}

#[test]
fn rows() {
    let program = format!(
        "{}\natomic_batch b {{\n  for row in \"staff.csv\" {{ pay(company, row.account, row.salry); }}\n  for row in \"bad.csv\" {{ pay(company, row.account, row.salary); }}\n  for row in \"none.csv\" {{ pay(company, row.account, row.salary); }}\n  for row in \"short.csv\" {{ pay(company, row.account, row.salary); }}\n}}",
        intent(ACCOUNTS, "amount > 0;", MOVE)
    );
    let files = [
        ("staff.csv", "account,salary\nalice,1\n"),
        (
            "bad.csv",
            "account,salary\nalice,\"1,5\"\n bob,2\ncarol,0.005\ndan,\n",
        ),
        ("short.csv", "account,salary\nalice\n"),
    ];
    insta::assert_snapshot!(format!("{program}\n----\n{}", problems(&program, "{}", &files)));
}

#[test]
fn inputs() {
    let program = format!(
        "{}\natomic_batch b {{ x: pay(company, alice, 5); }}",
        intent(ACCOUNTS, "amount > 0;", MOVE)
    );
    let cases = [
        "{",
        "[]",
        r#"{"acounts": {}}"#,
        r#"{"accounts": {"company": 10.5}}"#,
        r#"{"accounts": {"company": "ten"}}"#,
        r#"{"accounts": {"company": {"balances": {"EUR": "1"}}}}"#,
        r#"{"accounts": {"company": {"balance": "1"}, "company": {"balance": "2"}}}"#,
        r#"{"accounts": {" x": "1"}}"#,
        r#"{"bind": {"x.compani": "a"}}"#,
        r#"{"args": {"x.amount": [1]}}"#,
        r#"{"oracles": [{"feed": "f"}]}"#,
        r#"{"open_accounts": 1}"#,
    ];
    let shown: Vec<_> = cases
        .iter()
        .map(|case| format!("{case}\n{}", problems(&program, case, &[])))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
