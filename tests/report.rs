//! `aethel run --report`: the page itself, and what a real browser makes of it.

mod access;
mod ends;
mod hostile;

use crate::browser::{Browser, DESKTOP, Tab, View};
use crate::support::Sandbox;
use serde_json::json;
use std::fmt::Write;

/// The exchange of the examples with more trades, between 200 traders and 20 pools.
pub fn exchange(sandbox: &Sandbox, trades: usize) {
    let examples = crate::support::root().join("examples");
    sandbox.write(
        "exchange.ae",
        std::fs::read(examples.join("exchange.ae")).unwrap(),
    );
    sandbox.write(
        "exchange.inputs.json",
        r#"{ "accounts_csv": "exchange_opening.csv" }"#,
    );
    let mut opening = String::from("account,asset,balance\n");
    for n in 0..200 {
        let _ = write!(opening, "trader:{n:03},USD,1000000.00\ntrader:{n:03},BTC,0\n");
    }
    for n in 0..20 {
        let _ = write!(opening, "pool:{n:02},USD,1000000.00\npool:{n:02},BTC,900\n");
    }
    sandbox.write("exchange_opening.csv", opening);
    let mut rows = String::from("trader,pool,usd,price\n");
    for n in 0..trades {
        let (trader, pool, usd, cents) = (n * 7 % 200, n % 20, 100 + n * 37 % 900, n % 90 + 10);
        let _ = writeln!(
            rows,
            "trader:{trader:03},pool:{pool:02},{usd}.{cents},43{:03}.25",
            n * 13 % 1000
        );
    }
    sandbox.write("trades.csv", rows);
}

/// A payroll of 1000, committed, and its twin that fails by a cent; gives the sandbox with `paid.html` and `failed.html`.
fn payrolls() -> Sandbox {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll_1000.ae", "--report", "paid.html"])
        .fine();
    let twin = [
        "--inputs",
        "failing/payroll_1000.inputs.json",
        "--ledger",
        "other.redb",
    ];
    sandbox
        .aethel(&[&["run", "payroll_1000.ae", "--report", "failed.html"], &twin[..]].concat())
        .ends(1);
    sandbox
}

/// Text as it is seen, with plain spaces.
fn seen(tab: &mut Tab<'_>, selector: &str) -> String {
    let text = tab.text(&format!("document.querySelector({selector:?}).innerText"));
    text.replace('\u{a0}', " ")
}

fn rows(tab: &mut Tab<'_>, list: &str) -> Vec<String> {
    let rows = tab.eval(&format!(
        "[...document.querySelectorAll('[data-list={list}] tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent).join(' | '))"
    ));
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row.as_str().unwrap().to_owned()).collect()
}

fn clean(tab: &mut Tab<'_>) {
    let complaints = tab.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a_treasurer_finds_whom_was_paid_what() {
    let sandbox = payrolls();
    let mut browser = Browser::start();
    let mut tab = browser.open(&sandbox.file("paid.html"), DESKTOP);
    assert_eq!(
        seen(&mut tab, "h1"),
        "1 000 transactions moved 8 372 000.00 USD from company to 1 000 accounts"
    );
    assert!(
        seen(&mut tab, ".lead")
            .starts_with("monthly_payroll was committed as batch 1 of .aethel/ledger.redb, receipt")
    );
    assert_eq!(seen(&mut tab, ".status"), "✓ Committed");
    let first = rows(&mut tab, "balances");
    assert_eq!(first.len(), 12);
    assert_eq!(
        first[0],
        "company | USD | 10 000 000.00 | 1 628 000.00 | -8 372 000.00"
    );

    // Search: by name, and by an amount however it is written.
    tab.click("[data-list=balances] input");
    tab.write("STAFF:05");
    tab.until("document.querySelector('[data-list=balances] [data-status]').textContent === '1 to 12 of 100 balances, of 1 001 in all'");
    assert!(
        rows(&mut tab, "balances")
            .iter()
            .all(|row| row.starts_with("staff:05"))
    );
    for wanted in ["19900.00", "19 900.00"] {
        tab.eval("document.querySelector('[data-list=balances] input').select()");
        tab.write(wanted);
        tab.until("document.querySelector('[data-list=balances] tbody').rows.length === 1");
        assert_eq!(
            rows(&mut tab, "balances"),
            ["staff:0002 | USD | 0.00 | 19 900.00 | +19 900.00"]
        );
    }
    tab.eval("document.querySelector('[data-list=balances] input').select()");
    tab.write("nobody of that name");
    tab.until("document.querySelector('[data-list=balances] [data-status]').textContent.startsWith('no balances found')");
    tab.eval("document.querySelector('[data-list=balances] input').select()");
    tab.call(
        "Input.dispatchKeyEvent",
        json!({ "type": "keyDown", "key": "Delete", "code": "Delete", "windowsVirtualKeyCode": 46 }),
    );
    tab.until("document.querySelector('[data-list=balances] tbody').rows.length === 12");

    // Sorting is exact, and the third click gives the first order back.
    let head = "[data-list=balances] th:nth-child(5) button";
    tab.click(head);
    assert_eq!(
        rows(&mut tab, "balances")[0],
        "staff:0002 | USD | 0.00 | 19 900.00 | +19 900.00"
    );
    tab.click(head);
    assert_eq!(rows(&mut tab, "balances")[0], first[0]);
    let sorted =
        tab.text("document.querySelector('[data-list=balances] th:nth-child(5)').getAttribute('aria-sort')");
    assert_eq!(sorted, "ascending");
    tab.click(head);
    assert_eq!(rows(&mut tab, "balances"), first);

    // Pages.
    tab.click("[data-list=balances] [data-step='1']");
    assert_ne!(rows(&mut tab, "balances"), first);
    tab.click("[data-list=balances] [data-step='-1']");
    assert_eq!(rows(&mut tab, "balances"), first);
    tab.eval("(() => { const rows = document.querySelector('[data-list=balances] select'); rows.value = 'all'; rows.dispatchEvent(new Event('change')); })()");
    assert_eq!(rows(&mut tab, "balances").len(), 1_001);
    clean(&mut tab);
}

#[test]
fn amounts_are_sorted_as_exact_numbers() {
    let sandbox = Sandbox::new();
    // What floating point takes for equal, and what text puts in another order.
    let amounts = [
        "9007199254740993.01",
        "9007199254740993.02",
        "9007199254740993.00",
        "9.00",
        "10.00",
    ];
    let mut rows_csv = String::from("to,amount\n");
    for n in 0..20 {
        let amount = amounts.get(n).copied().unwrap_or("1.00");
        let _ = writeln!(rows_csv, "account:{n:02},{amount}");
    }
    sandbox.write("rows.csv", rows_csv);
    sandbox.write(
        "pay.ae",
        "asset USD { scale: 2; }\naccount bank { unbounded; }\nintent pay(bank: Account<USD>, to: Account<USD>, amount: \
         Balance<USD>) {\n    guard { amount >= 0; }\n    verify { bank.balance == bank.balance - amount; to.balance == \
         to.balance + amount; }\n}\natomic_batch all { for row in \"rows.csv\" { pay(bank, row.to, row.amount); } }\n",
    );
    sandbox
        .aethel(&["run", "pay.ae", "--open-accounts", "--report", "r.html"])
        .fine();
    let mut browser = Browser::start();
    let mut tab = browser.open(&sandbox.file("r.html"), DESKTOP);
    tab.click("[data-list=transactions] th:nth-child(4) button");
    let largest: Vec<String> = rows(&mut tab, "transactions")
        .iter()
        .take(5)
        .map(|row| row.rsplit(" | ").next().unwrap().replace(' ', ""))
        .collect();
    assert_eq!(
        largest,
        [
            "9007199254740993.02USD",
            "9007199254740993.01USD",
            "9007199254740993.00USD",
            "10.00USD",
            "9.00USD"
        ]
    );
    clean(&mut tab);
}

#[test]
fn a_failure_names_the_transaction_the_line_and_the_values() {
    let sandbox = payrolls();
    let mut browser = Browser::start();
    // All of that is there without scripts.
    for script in [true, false] {
        let mut tab = browser.open(&sandbox.file("failed.html"), View { script, ..DESKTOP });
        assert_eq!(
            seen(&mut tab, "h1"),
            "Nothing was committed\npay row 1000: company has too little"
        );
        let lead = seen(&mut tab, ".lead");
        assert_eq!(
            lead,
            "All 1 000 transactions of monthly_payroll were rolled back: every balance is as it was before. The whole batch \
             needs 8 372 000.00 USD from company, which began with 8 371 999.99 USD: 0.01 USD short."
        );
        let problem = seen(&mut tab, ".problem");
        for part in [
            "payroll_1000.ae, line 9",
            "company.balance >= amount;",
            "company.balance: 7 132.99 USD left after 999 transactions",
            "amount: 7 133.00 USD",
            "staff.csv, line 1001",
        ] {
            assert!(problem.contains(part), "{part} in {problem}");
        }
        let all = seen(&mut tab, "main");
        assert!(all.contains("staff:1000") && all.contains("③ execution"), "{all}");
        let controls = "[...document.querySelectorAll('.controls')].some((one) => one.checkVisibility())";
        assert_eq!(tab.eval(controls), script);
        clean(&mut tab);
    }
}

#[test]
fn ten_thousand_trades_are_searched_and_zoomed() {
    let sandbox = Sandbox::new();
    exchange(&sandbox, 10_000);
    sandbox
        .aethel(&["run", "exchange.ae", "--threads", "2", "--report", "e.html"])
        .fine();
    assert!(sandbox.read("e.html").len() < 3_000_000);
    let mut browser = Browser::start();
    let mut tab = browser.open(&sandbox.file("e.html"), DESKTOP);
    assert!(
        tab.eval("document.querySelectorAll('*').length")
            .as_u64()
            .unwrap()
            < 5_000,
        "few elements, however many trades"
    );
    tab.click("[data-list=transactions] input");
    tab.write("buy row 9999");
    tab.until("document.querySelector('[data-list=transactions] tbody').rows.length === 1");

    // Buttons, keys and the wheel zoom the timeline.
    let view = "document.querySelector('.time svg').getAttribute('viewBox')";
    let mut last = tab.text(view);
    let width = |view: &str| view.split(' ').nth(2).unwrap().parse::<f64>().unwrap();
    let whole = width(&last);
    tab.click("[data-zoom=in]");
    let now = tab.text(view);
    assert!(width(&now) < width(&last), "{last} → {now}");
    last = now;
    tab.eval("document.querySelector('.time').focus()");
    tab.key("+");
    let now = tab.text(view);
    assert!(width(&now) < width(&last), "{last} → {now}");
    last = now;
    tab.key("ArrowRight");
    let now = tab.text(view);
    assert!(now != last && width(&now) == width(&last), "{last} → {now}");
    last = now;
    tab.wheel(".time svg", -100);
    tab.until(&format!("{view} !== '{last}'"));
    assert!(width(&tab.text(view)) < width(&last));
    let axis = seen(&mut tab, ".axis li:last-child");
    tab.click("[data-zoom=all]");
    assert_eq!(width(&tab.text(view)), whole);
    assert_ne!(seen(&mut tab, ".axis li:last-child"), axis);

    // A click on a block says what it ran.
    tab.click("[data-zoom=next]");
    let chosen = seen(&mut tab, ".chosen");
    assert!(
        chosen.starts_with("Thread 1, ") && chosen.contains("buy row "),
        "{chosen}"
    );
    tab.click(".time svg");
    let ran = tab.eval("document.querySelectorAll('.chunk.picked').length");
    assert_eq!(ran, 1, "{}", seen(&mut tab, ".chosen"));

    // The drawing grows.
    let size = "Number(document.querySelector('.picture').getAttribute('width'))";
    let before = tab.eval(size).as_f64().unwrap();
    tab.click("[data-size=larger]");
    assert!(tab.eval(size).as_f64().unwrap() > before);
    clean(&mut tab);
}

#[test]
fn the_page_needs_nothing_else() {
    let sandbox = payrolls();
    for page in ["paid.html", "failed.html"] {
        let page = sandbox.read(page);
        for outside in ["http://", "https://", "src=", "@import", "url(", "style="] {
            let found = page.replace("url(#", "");
            assert!(!found.contains(outside), "{outside}");
        }
        assert!(
            page.contains("default-src 'none'; style-src 'sha256-") && page.contains("script-src 'sha256-")
        );
    }
}
