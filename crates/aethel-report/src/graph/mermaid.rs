//! A picture in the language of mermaid, which GitHub and GitLab draw in Markdown.

use super::words::{label, notes, size, title};
use crate::escape::terminal;
use aethel_runtime::Picture;
use std::fmt::Write;

/// The picture as a flowchart. Names stand only inside quoted strings; nodes have numbers.
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::new();
    for line in std::iter::once(title(picture)).chain(notes(picture)) {
        let _ = writeln!(out, "%% {}", comment(&line));
    }
    out += "flowchart TB\n";
    for (index, node) in picture.nodes.iter().enumerate() {
        let mut lines = vec![node.name.clone()];
        lines.extend(size(node));
        let _ = writeln!(out, "    n{index}[{}]", quoted(&lines));
    }
    let mut dashed = Vec::new();
    for (number, edge) in picture.edges.iter().enumerate() {
        let arrow = match (edge.ordered(), edge.after) {
            (_, true) => "==>",
            (true, false) => "-->",
            (false, false) => {
                dashed.push(number.to_string());
                "-.->"
            }
        };
        let _ = writeln!(
            out,
            "    n{} {arrow}|{}| n{}",
            edge.from,
            quoted(&label(edge)),
            edge.to
        );
    }
    if !dashed.is_empty() {
        let _ = writeln!(out, "    linkStyle {} stroke:#999", dashed.join(","));
    }
    out
}

/// Lines as one quoted string. What mermaid, HTML or Markdown would act on becomes an entity of mermaid; Markdown is read
/// in labels, so that `1. ` would be a list and `_pay_` slanted.
fn quoted(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            out += "<br/>";
        }
        let line: Vec<char> = terminal(line).chars().collect();
        let plain = |at: Option<usize>| {
            at.and_then(|at| line.get(at))
                .is_some_and(|c| c.is_alphanumeric())
        };
        for (at, c) in line.iter().enumerate() {
            let acts = match c {
                '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' | '~' | '$' | '%' | '|' | '[' | ']' => true,
                '_' => !plain(at.checked_sub(1)) || !plain(Some(at + 1)),
                '-' | '+' => at == 0,
                '.' | ')' => at > 0 && line.iter().take(at).all(char::is_ascii_digit),
                _ => false,
            };
            if acts {
                let _ = write!(out, "#{};", u32::from(*c));
            } else {
                out.push(*c);
            }
        }
    }
    out + "\""
}

/// Text of a comment; `{` would begin a directive.
fn comment(text: &str) -> String {
    terminal(text).replace(['{', '}'], "")
}
