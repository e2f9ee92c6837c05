//! What every page has in common: one file that needs nothing else and lets nothing else in.

mod table;

pub(crate) use table::{Column, Table};

use crate::escape::{html, terminal};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The look that pages share.
pub(crate) const BASE: &str = include_str!("base.css");

/// A whole document. Its policy lets the browser use this style and this script, and nothing else.
pub(crate) fn document(title: &str, style: &str, script: Option<&str>, body: &str) -> String {
    let mut policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'",
        source(style)
    );
    if let Some(script) = script {
        let _ = write!(policy, "; script-src {}", source(script));
    }
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}",
        html(title)
    );
    if let Some(script) = script {
        let _ = writeln!(out, "<script>{script}</script>");
    }
    out + "</body>\n</html>\n"
}

/// How a policy names a text.
fn source(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let byte = |n: usize| u32::from(part.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * n)) as usize & 63];
            out.push(if n <= part.len() { letter.into() } else { '=' });
        }
    }
    out
}

/// A value for a script of the page, in an element that is no script: nothing in it can end the element.
pub(crate) fn data(id: &str, value: &serde_json::Value) -> String {
    let text = value.to_string().replace('<', "\\u003c").replace('>', "\\u003e");
    format!("<script type=\"application/json\" id=\"{id}\">{text}</script>\n")
}

/// A sentence in which `code` stands between backticks.
pub(crate) fn prose(text: &str) -> String {
    let text = joined(&terminal(text));
    let parts: Vec<&str> = text.split('`').collect();
    // An odd mark is no pair: it stays what it is.
    if parts.len().is_multiple_of(2) {
        return html(&text);
    }
    let part = |(n, part): (usize, &&str)| match n % 2 {
        0 => html(part),
        _ => format!("<code>{}</code>", html(part)),
    };
    parts.iter().enumerate().map(part).collect()
}

/// A text whose numbers are not broken at the end of a line.
pub(crate) fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        // Nor an amount from its asset.
        let goes_on = |c: &char| c.is_ascii_digit() || c.is_ascii_uppercase();
        let inside = before.is_some_and(|c: char| c.is_ascii_digit()) && letters.peek().is_some_and(goes_on);
        out.push(if c == ' ' && inside { '\u{a0}' } else { c });
        before = Some(c);
    }
    out
}

/// A number and what it is.
pub(crate) fn tile(value: &str, what: &str) -> String {
    let class = if value.chars().count() > 9 {
        " class=\"long\""
    } else {
        ""
    };
    format!(
        "<div class=\"tile\"><b{class}>{}</b><span>{}</span></div>\n",
        html(&joined(value)),
        html(&joined(what))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_as_policies_want_them() {
        let all: Vec<String> = ["", "f", "fo", "foo", "foob"]
            .map(|text| base64(text.as_bytes()))
            .into();
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
        assert_eq!(
            source(""),
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
        );
    }

    #[test]
    fn data_cannot_end_its_element() {
        let value = serde_json::json!(["</script><script>", "<!--"]);
        let text = data("x", &value);
        assert_eq!(text.matches('<').count(), 2, "{text}");
        let inner = &text[text.find('>').map_or(0, |at| at + 1)..text.rfind('<').unwrap_or(0)];
        assert_eq!(serde_json::from_str::<serde_json::Value>(inner).ok(), Some(value));
    }

    #[test]
    fn backticks_are_code() {
        assert_eq!(prose("`a<b`: c\u{202e}"), "<code>a&lt;b</code>: c\\u{202e}");
        assert_eq!(prose("one ` mark"), "one ` mark");
        assert_eq!(prose("1 000.00 USD to 2 x"), "1\u{a0}000.00\u{a0}USD to 2 x");
    }
}
