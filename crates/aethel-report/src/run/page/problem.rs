//! What was wrong, with the lines of the source and the values there.

use crate::diagnostics::Place;
use crate::escape::{html, same_length};
use crate::html::prose;
use aethel_ir::{Diagnostic, Label, Severity, SourceMap};
use std::fmt::Write;
use std::ops::Range;

/// Of a piece of a line that is longer than twice so many characters, only so many are shown at each end.
const AROUND: usize = 80;

/// Diagnostics one after the other; `level` is that of the headings.
pub(super) fn all(diagnostics: &[Diagnostic], sources: &SourceMap, level: u8) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| one(diagnostic, sources, level, true))
        .collect()
}

/// One diagnostic; without its help where that stands elsewhere.
pub(super) fn one(diagnostic: &Diagnostic, sources: &SourceMap, level: u8, help: bool) -> String {
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
    for line in lines(&diagnostic.labels, sources) {
        out += &line.html();
    }
    for (word, text) in [
        ("Example", diagnostic.counterexample.as_deref()),
        ("Hint", diagnostic.help.as_deref().filter(|_| help)),
    ] {
        if let Some(text) = text {
            let _ = writeln!(out, "<p><b>{word}:</b> {}</p>", prose(text));
        }
    }
    out + "</section>\n"
}

/// A line of a text, and what is marked in it.
struct Line<'a> {
    file: &'a str,
    number: usize,
    text: &'a str,
    /// Bytes of the line, in order, which do not overlap.
    marks: Vec<Range<usize>>,
    remarks: Vec<Remark<'a>>,
}

/// What a mark says, and the text that it marks.
struct Remark<'a> {
    marked: &'a str,
    said: &'a str,
}

/// The lines that labels point into: file by file as they are first named, and in each from the top.
fn lines<'a>(labels: &'a [Label], sources: &'a SourceMap) -> Vec<Line<'a>> {
    let mut lines: Vec<(usize, Line<'a>)> = Vec::new();
    for label in labels {
        let Some(place) = Place::of(label.source, label.span, sources) else {
            continue;
        };
        let file = labels.iter().position(|other| other.source == label.source);
        let file = file.unwrap_or(0);
        let text: &'a str = &place.file.text;
        let (start, length) = place.bytes();
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let mark = start - begin..(start + length).min(end) - begin;
        let remark = Remark {
            marked: &text[begin..end][mark.clone()],
            said: &label.message,
        };
        let number = place.start.line;
        match lines
            .iter_mut()
            .find(|(of, line)| *of == file && line.number == number)
        {
            Some((_, line)) => {
                line.remarks.push(remark);
                if line
                    .marks
                    .iter()
                    .all(|other| other.end <= mark.start || mark.end <= other.start)
                {
                    line.marks.push(mark);
                    line.marks.sort_by_key(|mark| mark.start);
                }
            }
            None => {
                let line = Line {
                    file: &place.file.name,
                    number,
                    text: &text[begin..end],
                    marks: vec![mark],
                    remarks: vec![remark],
                };
                lines.push((file, line));
            }
        }
    }
    lines.sort_by_key(|(file, line)| (*file, line.number));
    lines.into_iter().map(|(_, line)| line).collect()
}

impl Line<'_> {
    fn html(&self) -> String {
        let mut code = String::new();
        let mut at = self.text.len() - self.text.trim_start().len();
        for mark in &self.marks {
            let before = self.text.get(at..mark.start).unwrap_or("");
            let marked = self.text.get(mark.clone()).unwrap_or("");
            code += &format!("{}<mark>{}</mark>", shown(before), shown(marked));
            at = mark.end;
        }
        code += &shown(self.text.get(at..).unwrap_or("").trim_end());
        let alone = self.remarks.len() == 1;
        let remark = |remark: &Remark<'_>| {
            let of = match alone {
                true => "↑ ".to_owned(),
                false => format!("<code>{}</code>: ", shown(remark.marked)),
            };
            format!("<p class=\"remark\">{of}{}</p>", prose(remark.said))
        };
        let said = self.remarks.iter().filter(|remark| !remark.said.is_empty());
        format!(
            "<figure class=\"excerpt\"><figcaption>{}, line {}</figcaption>\n<pre tabindex=\"0\"><code>{code}</code></pre>{}</figure>\n",
            html(self.file),
            self.number,
            said.map(remark).collect::<String>()
        )
    }
}

/// A piece of a line: a long one loses its middle.
fn shown(text: &str) -> String {
    let count = text.chars().count();
    let cut = match count > 2 * AROUND {
        false => text.to_owned(),
        true => {
            let begin: String = text.chars().take(AROUND).collect();
            let end: String = text.chars().skip(count - AROUND).collect();
            format!("{begin} … {end}")
        }
    };
    html(&same_length(&cut))
}
