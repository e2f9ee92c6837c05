//! Byte offsets, and lines and characters as editors count them.

use aethel_ir::Span;

/// In what an editor counts characters within a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of 16 bits: characters beyond U+FFFF count twice.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    fn length(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }

    /// How long a text is in this encoding.
    pub fn length_of(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            _ if text.is_ascii() => text.len(),
            _ => text.chars().map(|c| self.length(c)).sum(),
        }
    }
}

/// A line and a character in it, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 0.
    pub line: u32,
    /// Character in the line, from 0, counted in an [`Encoding`].
    pub character: u32,
}

/// Where the lines of a text begin. `\n`, `\r\n` and a lone `\r` end a line, as the protocol says.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of a text.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at + 1);
            }
        }
        Self { starts }
    }

    /// The position of a byte; offsets inside a character mean its beginning, those past the end mean the end.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let before = text.get(self.start(line)..offset).unwrap_or("");
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            character: u32::try_from(encoding.length_of(before)).unwrap_or(u32::MAX),
        }
    }

    /// The byte of a position. Characters past the end of a line mean its end, before the line break; lines past the
    /// last one mean the end of the text; a position inside a character means its beginning.
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.starts.len() {
            return text.len();
        }
        let start = self.start(line);
        let mut left = position.character as usize;
        let rest = text.get(start..).unwrap_or("");
        for (at, c) in rest.char_indices() {
            let length = encoding.length(c);
            if c == '\n' || c == '\r' || left < length {
                return start + at;
            }
            left -= length;
        }
        text.len()
    }

    /// The positions of the ends of a span.
    pub fn range(&self, text: &str, span: Span, encoding: Encoding) -> (Position, Position) {
        let at = |offset: u32| self.position(text, offset as usize, encoding);
        (at(span.start), at(span.end))
    }

    /// How many lines there are; a text without any character has one.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The first byte of a line, or the end of the text behind the last one.
    pub fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or_default()
    }

    /// The line of a byte, from 0.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn characters_are_counted_as_agreed() {
        let text = "a\u{1d538}b\r\né\rx\n";
        let lines = Lines::new(text);
        assert_eq!(lines.count(), 4);
        let b = text.find('b').unwrap();
        assert_eq!(lines.position(text, b, Encoding::Utf8), at(0, 5));
        assert_eq!(lines.position(text, b, Encoding::Utf16), at(0, 3));
        assert_eq!(lines.position(text, b, Encoding::Utf32), at(0, 2));
        assert_eq!(lines.position(text, text.len(), Encoding::Utf16), at(3, 0));
        // Inside the pair: its beginning. Past the line: before its break.
        assert_eq!(lines.offset(text, at(0, 2), Encoding::Utf16), 1);
        assert_eq!(lines.offset(text, at(0, 99), Encoding::Utf16), b + 1);
        assert_eq!(lines.offset(text, at(99, 0), Encoding::Utf16), text.len());
        assert_eq!(lines.offset(text, at(2, 1), Encoding::Utf8), text.len() - 1);
    }

    proptest! {
        #[test]
        fn positions_lead_back(text in "[a\u{e9}\u{20ac}\u{1d538}\r\n]{0,40}") {
            let lines = Lines::new(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                for (offset, c) in text.char_indices() {
                    let inside_break = c == '\n' && offset > 0 && text.as_bytes()[offset - 1] == b'\r';
                    let back = lines.offset(&text, lines.position(&text, offset, encoding), encoding);
                    // Between `\r` and `\n` there is no position of its own.
                    prop_assert_eq!(back, if inside_break { offset - 1 } else { offset });
                }
            }
        }
    }
}
