//! Diagnostics for people: a headline, the source with labels (drawn by miette), what to do.

use crate::escape::{same_length, terminal};
use aethel_ir::{Diagnostic, Label, Severity, SourceFile, SourceId, SourceMap};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use std::fmt;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Use ANSI colours.
    pub color: bool,
    /// Columns to wrap help at.
    pub width: usize,
    /// Also say why each problem is one, in the words of its page.
    pub why: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            color: false,
            width: 110,
            why: false,
        }
    }
}

/// A line longer than this is cut around its label.
const MAX_LINE: usize = 240;

/// Renders diagnostics one after the other, each followed by an empty line.
pub fn human(diagnostics: &[Diagnostic], sources: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        one(diagnostic, sources, style, &mut out);
        out.push('\n');
    }
    out
}

fn one(diagnostic: &Diagnostic, sources: &SourceMap, style: Style, out: &mut String) {
    let severity = diagnostic.severity.as_str();
    let head = format!("{severity}[{}] {}", diagnostic.code.id(), diagnostic.code.name());
    let paint = match diagnostic.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;36",
    };
    out.push_str(&painted(&head, paint, style));
    out.push_str(&format!(
        ": {}\n",
        painted(&terminal(&diagnostic.message), "1", style)
    ));
    for (source, labels) in by_source(&diagnostic.labels) {
        if let Some(file) = sources.get(source) {
            snippet(file, &labels, style, out);
        }
    }
    if let Some(example) = &diagnostic.counterexample {
        remark("example", example, style, out);
    }
    if let Some(help) = &diagnostic.help {
        remark("help", help, style, out);
    }
    if style.why {
        remark("why", diagnostic.code.section("Why"), style, out);
    }
}

/// `  help: text`, further lines indented.
fn remark(word: &str, text: &str, style: Style, out: &mut String) {
    let indent = " ".repeat(word.len() + 4);
    for (index, line) in text.lines().enumerate() {
        let lead = if index == 0 {
            format!("  {}: ", painted(word, "36", style))
        } else {
            indent.clone()
        };
        out.push_str(&format!("{lead}{}\n", terminal(line)));
    }
}

fn painted(text: &str, code: &str, style: Style) -> String {
    if style.color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Labels grouped by file, the file of the primary label first.
fn by_source(labels: &[Label]) -> Vec<(SourceId, Vec<&Label>)> {
    let mut groups: Vec<(SourceId, Vec<&Label>)> = Vec::new();
    for label in labels {
        match groups.iter_mut().find(|(source, _)| *source == label.source) {
            Some((_, group)) => group.push(label),
            None => groups.push((label.source, vec![label])),
        }
    }
    groups
}

/// Draws the lines of one file that labels point into.
fn snippet(file: &SourceFile, labels: &[&Label], style: Style, out: &mut String) {
    let window = Window::around(file, labels);
    let spans = labels
        .iter()
        .filter(|label| window.holds(label))
        .enumerate()
        .map(|(index, label)| {
            let message = (!label.message.is_empty()).then(|| terminal(&label.message));
            let span = SourceSpan::from(label.span.range());
            if index == 0 {
                LabeledSpan::new_primary_with_span(message, span)
            } else {
                LabeledSpan::new_with_span(message, span)
            }
        })
        .collect();
    let theme = GraphicalTheme {
        characters: ThemeCharacters::unicode(),
        styles: if style.color {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_context_lines(1);
    let mut drawn = String::new();
    let report = Snippet {
        window: &window,
        spans,
    };
    if handler.render_report(&mut drawn, &report).is_err() {
        return;
    }
    // miette puts its own headline first; ours stands already.
    let body = drawn.lines().skip_while(|line| !line.contains('╭'));
    for line in body.map(str::trim_end).filter(|line| !line.is_empty()) {
        out.push_str(line);
        out.push('\n');
    }
    for label in labels.iter().filter(|label| !window.holds(label)) {
        let at = file.line_column(label.span.start);
        let place = format!("{}:{}:{}", terminal(&file.name), at.line, at.column);
        out.push_str(&format!("   {place}: {}\n", terminal(&label.message)));
    }
}

/// The part of a file that is shown.
#[derive(Debug)]
struct Window {
    name: String,
    text: String,
    /// The byte of the file at which `text` begins.
    base: usize,
    /// Line and column of that byte, from 0.
    line: usize,
    column: usize,
}

impl Window {
    fn around(file: &SourceFile, labels: &[&Label]) -> Window {
        let text = &*file.text;
        let mut start = labels
            .iter()
            .map(|l| l.span.start as usize)
            .min()
            .unwrap_or(0)
            .min(text.len());
        let mut end = labels
            .iter()
            .map(|l| l.span.end as usize)
            .max()
            .unwrap_or(0)
            .min(text.len());
        let line_start = text[..floor(text, start)].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[floor(text, end)..]
            .find('\n')
            .map_or(text.len(), |at| floor(text, end) + at);
        let lines = &text[line_start..line_end];
        if lines.split('\n').any(|line| line.len() > MAX_LINE) {
            // Too long to show whole: only what is near the primary label.
            let primary = labels.first().map_or(0..0, |l| l.span.range());
            start = floor(text, primary.start.min(text.len()).saturating_sub(MAX_LINE / 4)).max(line_start);
            end = floor(
                text,
                primary.end.min(primary.start + MAX_LINE / 2).min(text.len()),
            );
            end = floor(text, (end + MAX_LINE / 4).min(line_end));
            start = text[start..primary.start.min(text.len()).max(start)]
                .rfind('\n')
                .map_or(start, |at| start + at + 1);
            end = text[primary.start.min(end)..end]
                .find('\n')
                .map_or(end, |at| primary.start.min(end) + at);
        } else {
            (start, end) = (line_start, line_end);
        }
        let at = file.line_column(start as u32);
        Window {
            name: terminal(&file.name),
            // The space is what a label at the end of the last line points to.
            text: same_length(&text[start..end]) + " ",
            base: start,
            line: at.line - 1,
            column: at.column - 1,
        }
    }

    fn holds(&self, label: &Label) -> bool {
        let range = label.span.range();
        range.start >= self.base && range.end <= self.base + self.text.len()
    }
}

/// The character boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl SourceCode for Window {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let offset = span
            .offset()
            .checked_sub(self.base)
            .ok_or(MietteError::OutOfBounds)?;
        let inner = self.text.read_span(&(offset, span.len()).into(), before, after)?;
        // miette counts bytes; people count characters.
        let before = &self.text[..floor(&self.text, inner.span().offset())];
        let column = match before.rsplit_once('\n') {
            Some((_, line)) => line.chars().count(),
            None => before.chars().count() + self.column,
        };
        let start = inner.span().offset() + self.base;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            (start, inner.span().len()).into(),
            inner.line() + self.line,
            column,
            inner.line_count(),
        )))
    }
}

/// What miette draws: a window with labels and nothing else.
#[derive(Debug)]
struct Snippet<'a> {
    window: &'a Window,
    spans: Vec<LabeledSpan>,
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Snippet<'_> {}

impl miette::Diagnostic for Snippet<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.window)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.spans.iter().cloned()))
    }
}
