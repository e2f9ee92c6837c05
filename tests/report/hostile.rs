//! Names that a page might act on.

use super::{clean, rows, seen};
use crate::browser::{Browser, DESKTOP};
use crate::support::Sandbox;
use serde_json::json;
use std::fmt::Write;

/// A committed batch with names that a page might act on, as `hostile.html`.
pub fn hostile(sandbox: &Sandbox) {
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
