//! What was wrong, with the lines of the source and the values there.

use crate::diagnostics::Place;
use crate::escape::{html, same_length};
use crate::html::prose;
use aethel_ir::{Diagnostic, Label, Severity, SourceMap};
use std::fmt::Write;

/// A line is cut to so many characters on each side of what is marked in it.
const AROUND: usize = 80;

/// Diagnostics one after the other; `level` is that of the headings.
pub(super) fn all(diagnostics: &[Diagnostic], sources: &SourceMap, level: u8) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| one(diagnostic, sources, level))
        .collect()
}

/// One diagnostic.
pub(super) fn one(diagnostic: &Diagnostic, sources: &SourceMap, level: u8) -> String {
    let (class, word) = match diagnostic.severity {
        Severity::Error => ("bad", "Error"),
        Severity::Warning => ("wary", "Warning"),
        Severity::Note => ("soft", "Note"),
    };
    let mut out = format!(
        "<section class=\"problem\">\n<h{level}>{}</h{level}>\n<p class=\"{class}\">{word} {} <span class=\"soft\">{}</span></p>\n",
        prose(&diagnostic.message),
        diagnostic.code.id(),
        html(diagnostic.code.name())
    );
    for label in &diagnostic.labels {
        out += &excerpt(label, sources);
    }
    for (word, text) in [
        ("Example", diagnostic.counterexample.as_deref()),
        ("What to do", diagnostic.help.as_deref()),
    ] {
        if let Some(text) = text {
            let _ = writeln!(out, "<p><b>{word}:</b> {}</p>", prose(text));
        }
    }
    out + "</section>\n"
}

/// The line that a label points into, what it marks there, and its remark.
fn excerpt(label: &Label, sources: &SourceMap) -> String {
    let Some(place) = Place::of(label.source, label.span, sources) else {
        return String::new();
    };
    let text = &place.file.text;
    let (start, length) = place.bytes();
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = (start + length).min(line_end);
    let cut = |text: &str, keep_end: bool| -> String {
        let count = text.chars().count();
        match (count > AROUND, keep_end) {
            (false, _) => text.to_owned(),
            (true, true) => format!("…{}", text.chars().skip(count - AROUND).collect::<String>()),
            (true, false) => format!("{}…", text.chars().take(AROUND).collect::<String>()),
        }
    };
    let before = cut(text[line_start..start].trim_start(), true);
    let marked = cut(&text[start..end], false);
    let after = cut(text[end..line_end].trim_end(), false);
    let remark = match label.message.is_empty() {
        true => String::new(),
        false => format!("<p class=\"remark\">↑ {}</p>", prose(&label.message)),
    };
    format!(
        "<figure class=\"excerpt\"><figcaption>{}, line {}</figcaption>\n<pre tabindex=\"0\"><code>{}<mark>{}</mark>{}</code></pre>{remark}</figure>\n",
        html(&place.file.name),
        place.start.line,
        html(&same_length(&before)),
        html(&same_length(&marked)),
        html(&same_length(&after))
    )
}
