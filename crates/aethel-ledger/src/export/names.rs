//! Names as other programs take them, each name another one, so that what was meant can be told.

use crate::receipt::Digest;
use std::fmt::Write;

/// Purpose of the hash in names that cannot be spelled.
const NAME_DOMAIN: &str = "aethel ledger 1 export name";

/// A text with everything that is not plain ASCII, or not in `plain`, as `%` and two hexadecimal digits for each byte.
pub(super) fn percent(text: &str, plain: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An account for hledger: `:` divides as it does here, and an empty part is a `%`.
pub(super) fn hledger_account(name: &str) -> String {
    let parts: Vec<String> = name
        .split(':')
        .map(|part| match part {
            "" => "%".to_owned(),
            part => percent(part, "_-."),
        })
        .collect();
    parts.join(":")
}

/// A commodity for hledger: letters as they are, anything else in quotes.
pub(super) fn hledger_commodity(asset: &str) -> String {
    match asset.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => asset.to_owned(),
        false => format!("\"{}\"", percent(asset, "_-.")),
    }
}

/// A description for hledger: one line without anything that it reads.
pub(super) fn hledger_text(text: &str) -> String {
    percent(text, " _-.:/#()+'")
}

/// The accounts that beancount wants every other one to be below of, and the beginnings of our names that are meant so.
const ROOTS: [(&str, &str); 4] = [
    ("equity:", "Equity"),
    ("liabilities:", "Liabilities"),
    ("income:", "Income"),
    ("expenses:", "Expenses"),
];

/// An account for beancount: below the root that its name begins with, else below `Assets`.
pub(super) fn beancount_account(name: &str) -> String {
    let known = ROOTS
        .iter()
        .find_map(|(prefix, root)| Some((*root, name.strip_prefix(prefix)?)));
    let (root, rest) = known.unwrap_or(("Assets", name));
    let mut out = root.to_owned();
    for part in rest.split(':') {
        out.push(':');
        out.push_str(&beancount_part(part));
    }
    out
}

/// A part begins with a capital or a digit. A small letter becomes a capital; what begins with a capital or anything else
/// gets `X--` before it. Other bytes are `-` and two hexadecimal digits, so that `--` occurs nowhere else.
fn beancount_part(part: &str) -> String {
    let mut out = String::with_capacity(part.len() + 3);
    for (at, byte) in part.bytes().enumerate() {
        if at == 0 && byte.is_ascii_lowercase() {
            out.push(char::from(byte.to_ascii_uppercase()));
            continue;
        }
        if at == 0 && !byte.is_ascii_digit() {
            out.push_str("X--");
        }
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "-{byte:02X}");
        }
    }
    if out.is_empty() {
        out.push_str("X--");
    }
    out
}

/// How long a currency of beancount may be.
const CURRENCY: usize = 24;

/// A currency for beancount: itself where it is one, in capitals after `L-` where it is one in small letters, else `X-`
/// and a hash. The file says what each stands for.
pub(super) fn beancount_currency(asset: &str) -> String {
    let ours = |text: &str| text.starts_with("L-") || text.starts_with("X-");
    if is_currency(asset) && !ours(asset) {
        return asset.to_owned();
    }
    let small = format!("L-{}", asset.to_ascii_uppercase());
    if !asset.bytes().any(|byte| byte.is_ascii_uppercase()) && is_currency(&small) {
        return small;
    }
    let hash = Digest::of(NAME_DOMAIN, asset.as_bytes())
        .to_string()
        .to_ascii_uppercase();
    format!("X-{}", &hash[..CURRENCY - 2])
}

fn is_currency(text: &str) -> bool {
    // Words that beancount reads as something else.
    if ["TRUE", "FALSE", "NULL"].contains(&text) {
        return false;
    }
    let bytes = text.as_bytes();
    let end = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (2..=CURRENCY).contains(&bytes.len())
        && bytes[0].is_ascii_uppercase()
        && bytes.last().is_some_and(end)
        && bytes.iter().all(|byte| end(byte) || b"'._-".contains(byte))
}

/// A string for beancount. Hidden characters and `%` are written as bytes after `%`.
pub(super) fn beancount_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c == '%' || c.is_control() || aethel_ir::account::is_format_character(c) => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A cell of a CSV file that no spreadsheet takes for a formula: what could begin one gets an apostrophe before it, as
/// does what begins with an apostrophe, so that it can be taken away again. Numbers stay as they are.
pub(super) fn cell(text: &str) -> String {
    let formula = |c: char| "=+-@'＝＋－＠\t\r\n".contains(c);
    let safe = match text.trim_start().starts_with(formula) || text.starts_with(formula) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match safe.contains([',', '"', '\n', '\r', ';', '\t']) || safe.starts_with(' ') || safe.ends_with(' ') {
        true => format!("\"{}\"", safe.replace('"', "\"\"")),
        false => safe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-c]{1,2}",
            "[A-C]",
            "[0-9]",
            "[:%=+@'\" _.;(){}\\[\\]*!|,<>\\\\-]",
            Just("x".to_owned()),
            Just("X".to_owned()),
            Just("é".to_owned()),
            Just("－".to_owned()),
            Just("equity:".to_owned()),
            Just("L-".to_owned()),
            Just("-2D".to_owned()),
            Just("%41".to_owned()),
        ];
        prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
    }

    /// Undoes `percent` and the empty parts.
    fn from_hledger(name: &str) -> String {
        let part = |part: &str| {
            if part == "%" {
                return Vec::new();
            }
            let (bytes, mut out, mut at) = (part.as_bytes(), Vec::new(), 0);
            while at < bytes.len() {
                if bytes[at] == b'%' {
                    out.push(u8::from_str_radix(&part[at + 1..at + 3], 16).unwrap());
                    at += 3;
                } else {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
            out
        };
        let parts: Vec<Vec<u8>> = name.split(':').map(part).collect();
        String::from_utf8(parts.join(&b':')).unwrap()
    }

    fn from_beancount(name: &str) -> String {
        let (root, rest) = name.split_once(':').unwrap();
        let part = |part: &str| {
            let spelled = part.strip_prefix("X--");
            let (text, mut out, mut at) = (spelled.unwrap_or(part), Vec::new(), 0);
            let bytes = text.as_bytes();
            while at < bytes.len() {
                match bytes[at] {
                    b'-' => {
                        out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                        at += 3;
                    }
                    byte => {
                        let first = at == 0 && spelled.is_none();
                        out.push(if first { byte.to_ascii_lowercase() } else { byte });
                        at += 1;
                    }
                }
            }
            out
        };
        let parts: Vec<Vec<u8>> = rest.split(':').map(part).collect();
        let rest = String::from_utf8(parts.join(&b':')).unwrap();
        match root {
            "Assets" => rest,
            root => format!("{}:{rest}", root.to_ascii_lowercase()),
        }
    }

    #[test]
    fn names_as_people_will_see_them() {
        let accounts = [
            "company",
            "acct:main 2",
            "Zoë",
            "equity:opening",
            "7",
            "a::b",
            "X",
            ":",
        ];
        let seen: Vec<(String, String)> = accounts
            .iter()
            .map(|name| (hledger_account(name), beancount_account(name)))
            .collect();
        let seen: Vec<(&str, &str)> = seen.iter().map(|(h, b)| (h.as_str(), b.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("company", "Assets:Company"),
                ("acct:main%202", "Assets:Acct:Main-202"),
                ("Zo%C3%AB", "Assets:X--Zo-C3-AB"),
                ("equity:opening", "Equity:Opening"),
                ("7", "Assets:7"),
                ("a:%:b", "Assets:A:X--:B"),
                ("X", "Assets:X--X"),
                ("%:%", "Assets:X--:X--"),
            ]
        );
        assert_eq!(beancount_currency("USD"), "USD");
        assert_eq!(beancount_currency("unit"), "L-UNIT");
        assert_eq!(hledger_commodity("USD"), "USD");
        assert_eq!(hledger_commodity("A1 \"x\""), "\"A1%20%22x%22\"");
        for odd in [
            "A",
            "Usd",
            "L-UNIT",
            "$",
            "EIN SEHR LANGER NAME",
            "ab",
            "ab.",
            "NULL",
        ] {
            assert!(is_currency(&beancount_currency(odd)), "{odd}");
        }
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell(" =1+1"), "' =1+1");
        assert_eq!(cell("'x"), "''x");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    proptest! {
        #[test]
        fn no_two_names_become_one(names in prop::collection::hash_set(hostile(), 1..40)) {
            let mut seen: HashMap<(u8, String), String> = HashMap::new();
            for name in names {
                prop_assert_eq!(from_hledger(&hledger_account(&name)), name.clone());
                prop_assert_eq!(from_beancount(&beancount_account(&name)), name.clone());
                let forms = [hledger_commodity(&name), beancount_currency(&name), cell(&name), beancount_text(&name), hledger_text(&name)];
                for (kind, form) in (0..).zip(forms) {
                    prop_assert!(is_currency(&beancount_currency(&name)));
                    let before = seen.insert((kind, form.clone()), name.clone());
                    prop_assert!(before.is_none(), "{} and {:?} are both {}", name, before, form);
                }
            }
        }
    }
}
