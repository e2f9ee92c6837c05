//! Text from outside, made harmless for a terminal.

use aethel_ir::account::is_format_character;

/// Escapes control and format characters; line ends too.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_format_character(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Replaces control and format characters by as many `?` as they have bytes, so that byte spans stay right. Line ends
/// and tabs stay.
pub fn same_length(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        // A lone carriage return would let the end of a line overwrite its beginning.
        let harmless = matches!(c, '\n' | '\t') || c == '\r' && rest.as_str().starts_with('\n');
        if !harmless && (c.is_control() || is_format_character(c)) {
            out.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

/// Escapes what HTML would act on, in text and in quoted attributes; hidden characters become visible.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() || is_format_character(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal() {
        assert_eq!(terminal("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(same_length("\u{1b}é\u{202e}\t\n"), "?é???\t\n");
        assert_eq!(same_length("pay\r1\r\n"), "pay?1\r\n");
        assert_eq!(
            html("<a href='\"'>&\u{202e}\n"),
            "&lt;a href=&#39;&quot;&#39;&gt;&amp;\\u{202e}\n"
        );
    }
}
