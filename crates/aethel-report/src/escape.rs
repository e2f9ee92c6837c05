//! Text from outside, made harmless for whoever reads it: a terminal, a browser, a runner of GitHub Actions.

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

/// The same for a text of several lines: line ends stay, and are single.
pub fn terminal_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(terminal).collect();
    lines.join("\n")
}

/// Escapes control and format characters in a JSON text, where they can only stand in strings. Line ends stay.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (c.is_control() || is_format_character(c)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Takes from lines that a runner of GitHub Actions reads what it would act on: `::command::` at the beginning of a
/// line, and `##[command]` anywhere.
pub fn github_log(text: &str) -> String {
    let harmless = |line: &str| {
        let rest = line.trim_start();
        let indent = &line[..line.len() - rest.len()];
        let line = match rest.strip_prefix("::") {
            Some(rest) => format!("{indent}\\u{{3a}}:{rest}"),
            None => line.to_owned(),
        };
        line.replace("##[", "#\\u{23}[")
    };
    text.split_inclusive('\n').map(harmless).collect()
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

/// Text in XML. What XML 1.0 cannot hold at all, and what readers would not see, is escaped so that it can be seen.
pub fn xml(text: &str) -> String {
    let cannot_be = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    markup(text, |c| match c {
        '\n' => None,
        c => (c.is_control() || is_format_character(c) || cannot_be(c)).then(|| visible(c)),
    })
}

/// Escapes what HTML would act on, in text and in quoted attributes; hidden characters become visible.
pub fn html(text: &str) -> String {
    markup(text, |c| match c {
        '\'' => Some("&#39;".to_owned()),
        '\n' | '\t' => None,
        c => (c.is_control() || is_format_character(c)).then(|| visible(c)),
    })
}

fn visible(c: char) -> String {
    c.escape_unicode().to_string()
}

/// Escapes what any markup would act on, and what `other` says.
fn markup(text: &str, other: impl Fn(char) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => match other(c) {
                Some(escaped) => out += &escaped,
                None => out.push(c),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_runner() {
        assert_eq!(
            github_log("a ::b\n  ::error::x\nx ##[add-path]y\n"),
            "a ::b\n  \\u{3a}:error::x\nx #\\u{23}[add-path]y\n"
        );
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "a\u{7f}\u{85}\u{202e}": ["\u{e0001}\u{1b}\n", "é"] });
        let text = json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
        assert!(
            !text.contains(['\u{7f}', '\u{85}', '\u{202e}', '\u{e0001}']),
            "{text}"
        );
    }

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
