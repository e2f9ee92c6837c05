//! What can be wrong inside a single token: numbers, strings, letters and characters.

use crate::lexer::{Token, TokenKind};
use crate::operators;
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Safety, SourceId, Span};

/// The most digits a number may have.
pub const MAX_DIGITS: usize = 60;

/// The most bytes a name may have: those of batches, assets and fields stand in a ledger, which takes no more.
pub const MAX_NAME_BYTES: usize = 128;

/// Says what is wrong with a token by itself, if anything is.
pub(crate) fn check(source: SourceId, token: Token, text: &str) -> Option<Diagnostic> {
    let span = Span::new(token.start, token.end);
    let problem =
        |code, message: String, label: &str| Diagnostic::new(code, message).label(source, span, label);
    match token.kind {
        TokenKind::Number => number(text).map(|(what, help)| {
            let found = problem(Code::AE0112, format!("`{}` is not a number", quote(text)), what).help(help);
            let tidy = tidied(text);
            match number(&tidy) {
                None => found.fix(format!("write `{tidy}`"), Safety::Safe, source, span, tidy.as_str()),
                Some(_) => found,
            }
        }),
        TokenKind::Text => escapes(text).err().map(|(start, end)| {
            Diagnostic::new(Code::AE0112, "unknown escape in a string")
                .label(source, Span::new(token.start + start, token.start + end), "")
                .help("the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{..}`")
        }),
        TokenKind::OpenText => Some(
            problem(Code::AE0113, "the string has no closing quote".into(), "it begins here and must end on this line")
                .help("add `\"` where the string ends")
                .fix("add `\"`", Safety::Unsafe, source, Span::new(token.end, token.end), "\""),
        ),
        TokenKind::Word if !text.is_ascii() => Some(
            problem(Code::AE0101, format!("`{}` cannot be a name", quote(text)), "")
                .help("names are made of the letters a to z, digits and `_`; other letters may stand in strings and comments"),
        ),
        TokenKind::Word if text.len() > MAX_NAME_BYTES => Some(
            problem(Code::AE0112, format!("`{}` is too long for a name", quote(text)), "")
                .help("a name has at most 128 characters"),
        ),
        TokenKind::WrongOperator => Some(operators::wrong(source, span, text)),
        TokenKind::Unknown => Some(operators::unknown(source, span, text)),
        _ => None,
    }
}

/// A number without `_` and points where none may be.
fn tidied(text: &str) -> String {
    let parts = text.split('.').map(|part| {
        let groups = part.split('_').filter(|group| !group.is_empty());
        groups.collect::<Vec<_>>().join("_")
    });
    let parts: Vec<String> = parts.collect();
    parts.join(".").trim_end_matches('.').to_owned()
}

/// What is wrong with a number, and what to do.
fn number(text: &str) -> Option<(&'static str, &'static str)> {
    let bytes = text.as_bytes();
    if bytes.starts_with(b"0x") || bytes.starts_with(b"0b") || bytes.starts_with(b"0o") {
        return Some(("numbers are decimal", "write it with the digits 0 to 9"));
    }
    let letter = bytes.iter().find(|b| b.is_ascii_alphabetic());
    match letter {
        Some(b'e' | b'E') => {
            return Some((
                "there is no exponent form",
                "write all the digits, as in `100_000`",
            ));
        }
        Some(_) => {
            return Some((
                "a number cannot run into letters",
                "put a space or an operator between them",
            ));
        }
        None => {}
    }
    if text.ends_with('.') {
        return Some(("digits must follow the point", "write `1.0` or `1`"));
    }
    if bytes.iter().filter(|b| **b == b'.').count() > 1 {
        return Some((
            "there is more than one point",
            "write `_` between groups of digits and one `.` before the fraction",
        ));
    }
    if text
        .split('.')
        .any(|part| part.starts_with('_') || part.ends_with('_') || part.contains("__"))
    {
        return Some(("`_` stands between two digits", "write `1_000`"));
    }
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    (digits > MAX_DIGITS).then_some(("too many digits", "a number has at most 60 digits"))
}

/// The text a string stands for, quotes and escapes resolved; or the bytes of the first bad escape.
pub(crate) fn escapes(quoted: &str) -> Result<String, (usize, usize)> {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(quoted);
    let mut result = String::with_capacity(inner.len());
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        let start = at + 1;
        match characters.next() {
            Some((_, c @ ('"' | '\\'))) => result.push(c),
            Some((_, 'n')) => result.push('\n'),
            Some((_, 't')) => result.push('\t'),
            Some((u, 'u')) => {
                let rest = inner.get(u + 1..).unwrap_or("");
                let digits = rest
                    .strip_prefix('{')
                    .and_then(|rest| rest.split_once('}'))
                    .map(|(digits, _)| digits);
                let found = digits
                    .filter(|digits| {
                        (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
                    })
                    .and_then(|digits| {
                        Some((
                            digits.len(),
                            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
                        ))
                    });
                let Some((length, c)) = found else {
                    return Err((start, start + 2));
                };
                result.push(c);
                for _ in 0..length + 2 {
                    characters.next();
                }
            }
            Some((_, c)) => return Err((start, start + 1 + c.len_utf8())),
            None => return Err((start, start + 1)),
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for good in ["0", "1000", "1_000", "0.95", "1_0.0_1", &"1".repeat(60)] {
            assert_eq!(number(good), None, "{good}");
        }
        for bad in [
            "1.",
            "1__0",
            "1_",
            "1_.5",
            "1.5_",
            "1e5",
            "0x10",
            "12ab",
            "1.2.3",
            &"1".repeat(61),
        ] {
            assert!(number(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn strings() {
        assert_eq!(escapes(r#""a\"b\\c\n\t\u{e9}é""#), Ok("a\"b\\c\n\téé".to_owned()));
        assert_eq!(escapes(r#""ab\q""#), Err((3, 5)));
        assert_eq!(escapes(r#""\u{d800}""#), Err((1, 3)));
        assert_eq!(escapes(r#""\u{1234567}""#), Err((1, 3)));
        assert_eq!(escapes(r#""é\é""#), Err((3, 6)));
    }
}
