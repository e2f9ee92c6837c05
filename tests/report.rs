//! `aethel run --report`: the page itself, and what a real browser makes of it.

use crate::browser::{Browser, DESKTOP, PHONE, Tab, View};
use crate::support::{Output, Sandbox};
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

/// What is wrong for people who see little, hear the page or do not use a mouse; empty when nothing is.
const ACCESSIBLE: &str = r"(() => {
    const wrong = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    for (const landmark of ['header', 'main', 'footer', 'h1']) {
        if (all(landmark).length !== 1) wrong.push(`${all(landmark).length} of ${landmark}`);
    }
    let level = 0;
    for (const heading of all('h1,h2,h3,h4,h5,h6')) {
        const own = Number(heading.tagName[1]);
        if (own > level + 1) wrong.push(`h${own} below h${level}: ${heading.textContent}`);
        level = own;
    }
    const ids = all('[id]').map((one) => one.id);
    ids.filter((id, n) => ids.indexOf(id) !== n).forEach((id) => wrong.push(`id ${id} twice`));
    all('[aria-labelledby]').flatMap((one) => one.getAttribute('aria-labelledby').split(' '))
        .filter((id) => !ids.includes(id)).forEach((id) => wrong.push(`no ${id}`));
    all('nav a').map((one) => one.getAttribute('href').slice(1))
        .filter((id) => !ids.includes(id)).forEach((id) => wrong.push(`a link to no ${id}`));
    all('th').filter((one) => !one.scope).forEach((one) => wrong.push(`th without scope: ${one.textContent}`));
    all('table').filter((one) => !one.caption).forEach(() => wrong.push('a table without a caption'));
    all('svg').filter((one) => !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby'))
        .forEach(() => wrong.push('an svg without a name'));
    all('button').filter((one) => !one.textContent.trim() && !one.ariaLabel).forEach(() => wrong.push('a button without a name'));
    all('input,select').filter((one) => one.labels.length === 0).forEach(() => wrong.push('a field without a label'));

    // Contrast, WCAG 2.2 AA: 4.5 for text, 3 for large text.
    const parts = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
    const behind = (one) => {
        for (let at = one; at; at = at.parentElement) {
            const color = parts(getComputedStyle(at).backgroundColor);
            if (color.length === 3 || color[3] > 0) return color;
        }
        return [255, 255, 255];
    };
    for (const one of all('body *')) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || one.closest('svg') || one.disabled || !one.checkVisibility()) continue;
        const style = getComputedStyle(one);
        const [a, b] = [light(parts(style.color)), light(behind(one))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) wrong.push(`contrast ${contrast.toFixed(2)}: ${one.textContent.slice(0, 40)}`);
    }
    return wrong;
})()";

#[test]
fn everybody_can_read_it_on_a_phone_in_the_dark_and_on_paper() {
    let sandbox = payrolls();
    exchange(&sandbox, 300);
    sandbox
        .aethel(&[
            "run",
            "exchange.ae",
            "--ledger",
            "e.redb",
            "--threads",
            "2",
            "--report",
            "exchange.html",
        ])
        .fine();
    sandbox
        .aethel(&[
            "run",
            "settlement.ae",
            "--ledger",
            "s.redb",
            "--report",
            "settlement.html",
        ])
        .fine();
    hostile(&sandbox);
    let mut browser = Browser::start();
    for page in [
        "paid.html",
        "failed.html",
        "exchange.html",
        "settlement.html",
        "hostile.html",
    ] {
        for view in [DESKTOP, PHONE] {
            let mut tab = browser.open(&sandbox.file(page), view);
            let width = tab.eval("document.documentElement.scrollWidth");
            assert_eq!(width, view.width, "{page} is as wide as the window");
            for dark in [false, true] {
                tab.media("screen", dark);
                let wrong = tab.eval(ACCESSIBLE);
                assert_eq!(wrong, json!([]), "{page}, {} wide, dark: {dark}", view.width);
            }
            let paper = "getComputedStyle(document.body).backgroundColor";
            assert_eq!(tab.text(paper), "rgb(14, 17, 23)");
            // Ink is not spent on darkness.
            tab.media("print", true);
            assert_eq!(tab.text(paper), "rgb(255, 255, 255)", "{page}");
            let printed = tab.call("Page.printToPDF", json!({ "printBackground": true }));
            assert!(printed["data"].as_str().unwrap().starts_with("JVBERi0"), "a PDF");
            clean(&mut tab);
        }
    }
}

/// A committed batch with names that a page might act on, as `hostile.html`.
fn hostile(sandbox: &Sandbox) {
    sandbox.write(
        "a\u{202e},%0A<b>.ae",
        "asset USD { scale: 2; }\n\naccount \"</script><script>alert(1)</script>\" { unbounded; }\n\nintent pay(from: Account<USD>, to: Account<USD>, \
         amount: Balance<USD>) {\n    guard { amount >= 0; }\n    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }\n}\n\n\
         atomic_batch b { for row in \"rows.csv\" { pay(row.from, row.to, row.amount); } }\n",
    );
    let mut rows = String::from("from,to,amount\n");
    for n in 0..30 {
        let _ = writeln!(
            rows,
            "</script><script>alert(1)</script>,<img src=x onerror=alert({n})> &amp; `x` \"'{},1.00",
            "long".repeat(12)
        );
    }
    sandbox.write("rows.csv", rows);
    sandbox
        .aethel(&[
            "run",
            "--open-accounts",
            "a\u{202e},%0A<b>.ae",
            "--ledger",
            "h.redb",
            "--report",
            "hostile.html",
            "--trace",
            "hostile.json",
        ])
        .fine();
}

#[test]
fn p24_names_do_no_harm_on_the_page() {
    let sandbox = Sandbox::new();
    hostile(&sandbox);
    let text = sandbox.read("hostile.html") + &sandbox.read("hostile.json");
    let bad = text
        .chars()
        .find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!(bad, None);
    let mut browser = Browser::start();
    let mut tab = browser.open(&sandbox.file("hostile.html"), DESKTOP);
    let counts = tab.eval("[document.images.length, document.querySelectorAll('script:not([type])').length]");
    assert_eq!(counts, json!([0, 1]));
    tab.click("[data-list=transactions] input");
    tab.write("alert(29)");
    tab.until("document.querySelector('[data-list=transactions] tbody').rows.length === 1");
    let row = rows(&mut tab, "transactions").remove(0);
    assert!(
        row.contains("<img src=x onerror=alert(29)> &amp; `x` \"'long"),
        "{row}"
    );
    assert!(seen(&mut tab, "header").contains("a\\u{202e},%0A<b>.ae"));
    tab.click("[data-zoom=next]");
    clean(&mut tab);
    // The browser itself refuses what is not of the page.
    let refused = tab.eval(
        "(async () => { const script = document.createElement('script'); script.textContent = 'window.bad = 1'; document.body.append(script); \
         const sent = await fetch('data:text/plain,x').then(() => 'fetched', () => 'refused'); return [window.bad ?? 'not run', sent]; })()",
    );
    assert_eq!(refused, json!(["not run", "refused"]));
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

/// The first heading and the status of a page, without a browser.
fn head(sandbox: &Sandbox, name: &str) -> (String, String) {
    let page = sandbox.read(name);
    let between = |from: &str, to: &str| {
        let rest = &page[page.find(from).unwrap() + from.len()..];
        let tags = regex::Regex::new("<[^>]*>").unwrap();
        tags.replace_all(&rest[..rest.find(to).unwrap()], "")
            .replace('\u{a0}', " ")
    };
    (
        between("<p class=\"status", "</p>")
            .split_once("\">")
            .unwrap()
            .1
            .to_owned(),
        between("<h1>", "</h1>"),
    )
}

const TWO: &str = "asset USD { scale: 2; }\n\nintent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {\n    guard { \
                   amount >= 0; from.balance >= amount; }\n    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }\n}\n\n\
                   atomic_batch first { pay(from: a, to: b, amount: 5); }\natomic_batch second { pay(from: a, to: b, amount: 6); }\n";

#[test]
fn every_end_has_a_page() {
    let sandbox = Sandbox::with_examples();
    let run = |arguments: &[&str], code: i32| -> Output {
        sandbox
            .aethel(&[&["run"], arguments, &["--report", "r.html", "--trace", "t.json"]].concat())
            .ends(code)
    };
    run(&["payroll.ae", "--dry-run"], 0);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "○ Dry run");
    assert!(sentence.contains("would move"), "{sentence}");
    assert!(sandbox.list(".aethel").is_empty(), "nothing was committed");
    run(&["payroll.ae"], 0);
    assert_eq!(head(&sandbox, "r.html").0, "✓ Committed");
    run(&["payroll.ae"], 0);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "= Committed before");
    assert!(
        sentence.starts_with("Nothing paid: already committed on "),
        "{sentence}"
    );
    let page = sandbox.read("r.html");
    assert!(
        page.contains("aethel ledger proof 1 --ledger .aethel/ledger.redb") && !page.contains("How it ran")
    );
    // What was refused before anything ran.
    run(&["failing/bonus.ae"], 1);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(status, "✗ Not run");
    assert!(sentence.starts_with("Nothing was run"), "{sentence}");
    assert!(
        sandbox.read("r.html").contains("bonus.ae, line"),
        "the page shows the line"
    );
    run(&["missing.ae"], 2);
    assert_eq!(head(&sandbox, "r.html").0, "✗ Not run");
    // Several batches, the second of which fails.
    sandbox.write("two.ae", TWO);
    sandbox.write("two.inputs.json", r#"{ "accounts": { "a": "10", "b": "0" } }"#);
    run(&["two.ae", "--ledger", "two.redb"], 1);
    let (status, sentence) = head(&sandbox, "r.html");
    assert_eq!(
        (status.as_str(), sentence.as_str()),
        (
            "✗ Rolled back",
            "1 of 2 batches committed; second was rolled back"
        )
    );
    let page = sandbox.read("r.html");
    assert_eq!(page.matches("<article").count(), 2);
    assert!(page.contains("id=\"b2-problem\""));
}

#[test]
fn a_page_that_cannot_be_written_stops_the_run_before_it_begins() {
    let sandbox = Sandbox::with_examples();
    for option in ["--report", "--trace"] {
        sandbox
            .aethel(&["run", "payroll.ae", option, "missing/r.html"])
            .ends(2)
            .says("AE0901");
    }
    sandbox.write("r", "as it was");
    for twice in [["--trace", "./r"], ["--output-file", "json:r"]] {
        sandbox
            .aethel(&[&["run", "payroll.ae", "--report", "r"], &twice[..]].concat())
            .ends(2)
            .says("AE0911");
        if twice[0] == "--trace" {
            assert_eq!(sandbox.read("r"), "as it was");
        }
    }
    assert!(sandbox.list(".aethel").is_empty(), "nothing ran");
    assert!(!sandbox.list(".").iter().any(|name| name.contains(".out-")));
    // A disk that is full afterwards does not undo what was committed: it is said, and the exit code tells.
    let output = sandbox
        .aethel(&["run", "payroll.ae", "--report", "/dev/full"])
        .ends(2);
    assert!(
        output.stdout.contains("committed · receipt") && output.stderr.contains("AE0901"),
        "{output:?}"
    );
    assert_eq!(
        sandbox.balance(".aethel/ledger.redb", "alice", "unit"),
        "1000.000000000"
    );
}

#[test]
fn secrets_are_hidden_on_the_page() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.ae",
        "asset USD { scale: 2; }\nintent pay(a: Account<USD>, b: Account<USD>, secret amount: Balance<USD>) {\n    guard { amount >= 0; a.balance >= \
         amount; }\n    verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }\n}\natomic_batch one { pay(a, b, 4321); }\n\
         atomic_batch two { pay(a, b, 98765); }\n",
    );
    sandbox.write("s.inputs.json", r#"{ "accounts": { "a": "50000", "b": "0" } }"#);
    sandbox.aethel(&["run", "s.ae", "--report", "r.html"]).ends(1);
    let page = sandbox.read("r.html");
    assert!(page.contains("•••"));
    assert!(
        !page.replace('\u{a0}', " ").contains("98 765.00"),
        "the argument of the batch that failed"
    );
}
