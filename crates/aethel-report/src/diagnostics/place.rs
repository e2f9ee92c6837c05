//! Where a label points, in every measure that a format may want.

use aethel_ir::{LineColumn, SourceFile, SourceId, SourceMap, Span};

/// A span of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a SourceFile,
    pub(crate) span: Span,
    pub(crate) start: LineColumn,
    pub(crate) end: LineColumn,
}

impl<'a> Place<'a> {
    /// The place of a span, if its file is known.
    pub(crate) fn of(source: SourceId, span: Span, sources: &'a SourceMap) -> Option<Place<'a>> {
        let file = sources.get(source)?;
        let (start, end) = (file.line_column(span.start), file.line_column(span.end));
        Some(Place {
            file,
            span,
            start,
            end,
        })
    }

    /// Bytes before it and in it, both within the file and on character boundaries.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let floor = |at: u32| {
            let mut at = (at as usize).min(self.file.text.len());
            while !self.file.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(self.span.start), floor(self.span.end));
        (start, end.saturating_sub(start))
    }

    /// Unicode scalar values before it and in it.
    pub(crate) fn characters(&self) -> (usize, usize) {
        let (start, length) = self.bytes();
        let count = |text: &str| text.chars().count();
        let text = &self.file.text;
        (count(&text[..start]), count(&text[start..start + length]))
    }
}
