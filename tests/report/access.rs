//! The page for people who see little, hear it, have a phone, like the dark, or print.

use super::hostile::hostile;
use super::{clean, exchange, payrolls};
use crate::browser::{Browser, DESKTOP, PHONE};
use serde_json::json;

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
