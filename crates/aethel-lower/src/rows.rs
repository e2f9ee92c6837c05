//! Rows of a CSV file: UTF-8 with a header, a byte-order mark is dropped, nothing is trimmed.
//!
//! Cells are borrowed from one reused record; places of cells are only looked for when something is wrong.

use aethel_ir::{Code, Diagnostic, Progress, SourceId, Span, quote};
use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};

/// The most rows a file may have.
pub const MAX_ROWS: u32 = 10_000_000;

/// The longest text in bytes. Every place in it, and in as much again of unquoted cells, has a 32-bit offset.
const MAX_BYTES: usize = 512 << 20;

/// The longest row in bytes, the header included. Each row is held as a whole beside the text, so that without a bound a
/// file of commas, or a quote that nobody closes, would need many times the memory of the file.
pub const MAX_ROW_BYTES: usize = 1 << 20;

/// A text that ends with an error when a row is too long.
struct Bounded<'a> {
    text: &'a [u8],
    given: usize,
    /// Where the row begins that is being read.
    row: &'a Cell<usize>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What was given and is not used yet waits in the reader's own buffer.
        if self.given - self.row.get() > MAX_ROW_BYTES + buffer.len() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let read = self.text.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

/// How many rows are counted at once.
const COUNTED_TOGETHER: u32 = 1024;

/// An opened CSV text.
pub(crate) struct Rows<'a> {
    source: SourceId,
    /// The text behind the byte-order mark.
    text: &'a str,
    /// How many bytes the mark took.
    skipped: usize,
    header: Vec<String>,
    /// The index of each column.
    columns: HashMap<String, usize>,
    /// Where the rows are counted, some at a time.
    pub(crate) counted: Option<&'a Progress>,
}

/// One row.
pub(crate) struct Row<'a> {
    rows: &'a Rows<'a>,
    record: &'a StringRecord,
    start: usize,
    end: usize,
}

impl<'a> Rows<'a> {
    /// Reads the header.
    pub(crate) fn open(source: SourceId, text: &'a str) -> Result<Self, Diagnostic> {
        if text.len() > MAX_BYTES {
            let message = format!(
                "the file has {} bytes, at most {MAX_BYTES} can be read",
                text.len()
            );
            return Err(Diagnostic::new(Code::AE0312, message)
                .label(source, Span::default(), "in this file")
                .help("split the file and run it as several batches"));
        }
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let skipped = text.len() - body.len();
        let mut rows = Rows {
            source,
            text: body,
            skipped,
            header: Vec::new(),
            columns: HashMap::new(),
            counted: None,
        };
        let row = Cell::new(0);
        let mut reader = rows.reader(&row, ReaderBuilder::new().has_headers(false).flexible(true));
        let mut header = StringRecord::new();
        let found = reader
            .read_record(&mut header)
            .map_err(|error| rows.csv_error(&error, 0))?;
        if !found || header.iter().all(str::is_empty) {
            return Err(Diagnostic::new(Code::AE0903, "the file has no header")
                .label(
                    source,
                    Span::new(skipped, skipped + body.chars().next().map_or(0, char::len_utf8)),
                    "the first line names the columns",
                )
                .help("write the names of the columns in the first line, such as `account,salary`"));
        }
        rows.header = header.iter().map(str::to_owned).collect();
        for (index, name) in rows.header.iter().enumerate() {
            if rows.columns.insert(name.clone(), index).is_some() {
                return Err(Diagnostic::new(
                    Code::AE0903,
                    format!("two columns are called `{}`", quote(name)),
                )
                .label(source, rows.header_span(), "header")
                .help("rename one of them"));
            }
        }
        Ok(rows)
    }

    /// A reader of the rows; `row` is told by its user where each one begins.
    fn reader<'b>(&'b self, row: &'b Cell<usize>, builder: &ReaderBuilder) -> Reader<Bounded<'b>> {
        builder.from_reader(Bounded {
            text: self.text.as_bytes(),
            given: 0,
            row,
        })
    }

    /// The file.
    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// The index of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }

    /// How many rows there may be: the lines, of which some may be empty or parts of quoted cells.
    pub(crate) fn at_most(&self) -> usize {
        let lines = self.text.bytes().filter(|byte| *byte == b'\n').count() + 1;
        lines.min(MAX_ROWS as usize)
    }

    /// Which columns there are, for whoever asks for another.
    fn header_words(&self) -> String {
        let columns = self.header.iter().take(12).map(|c| format!("`{}`", quote(c)));
        format!("the columns are {}", columns.collect::<Vec<_>>().join(", "))
    }

    /// What to say to somebody who looks for a column that is not there.
    pub(crate) fn header_words_for(&self, wanted: &str) -> String {
        if let Some(separator) = self.other_separator() {
            let name = if separator == '\t' { "tabs" } else { "semicolons" };
            return format!("its cells are separated by {name}; save it with commas between them");
        }
        match self.header.iter().find(|column| column.trim() == wanted) {
            Some(column) => format!(
                "the column is called `{}`, with the space; cells are taken as they are: delete it there",
                quote(column)
            ),
            None => self.header_words(),
        }
    }

    /// What separates the cells when it is no comma.
    pub(crate) fn other_separator(&self) -> Option<char> {
        let [only] = self.header.as_slice() else {
            return None;
        };
        [';', '\t'].into_iter().find(|mark| only.contains(*mark))
    }

    /// The columns that a program can name.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        let word = |name: &&str| {
            let mut bytes = name.bytes();
            bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        self.header.iter().map(String::as_str).filter(word)
    }

    /// The first line.
    pub(crate) fn header_span(&self) -> Span {
        let length = self.text.find(['\n', '\r']).unwrap_or(self.text.len());
        Span::new(self.skipped, self.skipped + length)
    }

    /// What is wrong with the row that begins at `row`, unless the error knows better.
    fn csv_error(&self, error: &csv::Error, row: usize) -> Diagnostic {
        let byte = error.position().map_or(row, |position| position.byte() as usize);
        let byte = byte.min(self.text.len());
        let line = self.text.get(byte..).unwrap_or("");
        let length = line.find('\n').unwrap_or(line.len());
        let span = Span::new(self.skipped + byte, self.skipped + byte + length);
        let (message, help) = match error.kind() {
            csv::ErrorKind::Io(_) => (
                format!("this row is longer than {MAX_ROW_BYTES} bytes"),
                "a quote that is opened must be closed; rows end with a line end",
            ),
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => (
                format!("this row has {len} cells, the header has {expected_len}"),
                "add or remove commas; a cell with a comma in it needs quotes",
            ),
            _ => (
                "this row cannot be read".to_owned(),
                "the file must be UTF-8 text with comma-separated cells",
            ),
        };
        Diagnostic::new(Code::AE0903, message)
            .label(self.source, span, "here")
            .help(help)
    }

    /// Calls `visit` for each row in order until it gives false.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Row<'_>) -> bool) -> Result<(), Diagnostic> {
        let row = Cell::new(0);
        let mut reader = self.reader(&row, ReaderBuilder::new().has_headers(true));
        let mut bytes = ByteRecord::new();
        let mut count = 0_u32;
        loop {
            row.set(reader.position().byte() as usize);
            let found = reader
                .read_byte_record(&mut bytes)
                .map_err(|error| self.csv_error(&error, row.get()))?;
            if !found {
                return Ok(());
            }
            count += 1;
            if count.is_multiple_of(COUNTED_TOGETHER)
                && let Some(progress) = self.counted
            {
                progress.add(COUNTED_TOGETHER.into());
            }
            if count > MAX_ROWS {
                return Err(
                    Diagnostic::new(Code::AE0312, format!("more than {MAX_ROWS} rows"))
                        .label(self.source, self.header_span(), "in this file")
                        .help("split the file and run it as several batches"),
                );
            }
            let start = bytes.position().map_or(0, |position| position.byte() as usize);
            let end = (reader.position().byte() as usize).min(self.text.len());
            // The whole text is UTF-8 and cells are cut at ASCII bytes, so each cell is UTF-8.
            let record = StringRecord::from_byte_record_lossy(std::mem::take(&mut bytes));
            let go_on = visit(&Row {
                rows: self,
                record: &record,
                start,
                end,
            });
            bytes = record.into_byte_record();
            if !go_on {
                return Ok(());
            }
        }
    }
}

impl Row<'_> {
    /// The cell of a column.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or("")
    }

    /// The place of the row, without its line end.
    pub(crate) fn span(&self) -> Span {
        let raw = self.rows.text.as_bytes().get(self.start..self.end);
        let raw = raw.unwrap_or_default();
        let is_content = |byte: &u8| !matches!(byte, b'\n' | b'\r');
        // The reader's position before a row may lie before empty lines.
        let first = raw.iter().position(is_content).unwrap_or(raw.len());
        let end = raw.iter().rposition(is_content).map_or(0, |last| last + 1);
        let base = self.rows.skipped + self.start;
        Span::new(base + first, base + end)
    }

    /// Where the text of a cell stands as it is, when no cell of the row is quoted.
    pub(crate) fn verbatim(&self, column: usize) -> Option<Span> {
        let row = self.span();
        let cells = self.record.as_slice().len();
        let commas = self.record.len().saturating_sub(1);
        // Quotes are the only thing besides commas that is not part of a cell.
        if row.end as usize - row.start as usize != cells + commas {
            return None;
        }
        let cell = self.record.range(column)?;
        let start = row.start as usize + column;
        Some(Span::new(start + cell.start, start + cell.end))
    }

    /// The place of one cell.
    pub(crate) fn cell_span(&self, column: usize) -> Span {
        match self.verbatim(column) {
            Some(span) => span,
            None => self.quoted_span(column),
        }
    }

    /// The place of one cell of a row with quotes.
    fn quoted_span(&self, column: usize) -> Span {
        let row = self.span();
        let offset = row.start as usize - self.rows.skipped;
        let raw = self
            .rows
            .text
            .get(offset..offset + (row.end - row.start) as usize)
            .unwrap_or("");
        let (mut quoted, mut index, mut start) = (false, 0, 0);
        for (at, byte) in raw.bytes().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    if index == column {
                        return Span::new(row.start as usize + start, row.start as usize + at);
                    }
                    index += 1;
                    start = at + 1;
                }
                _ => {}
            }
        }
        Span::new(row.start as usize + start.min(raw.len()), row.end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_found_where_they_stand(
            rows in prop::collection::vec(
                prop::collection::vec("[a-c é]{0,3}|\"[a,é\n]{0,3}\"|a\"b", 3), 0..6),
            mark in any::<bool>(),
            end in "\n|\r\n|\n\n",
        ) {
            let mut text = String::from(if mark { "\u{feff}a,b,c" } else { "a,b,c" });
            for row in &rows {
                text = format!("{text}{end}{}", row.join(","));
            }
            let opened = Rows::open(SourceId(0), &text).unwrap();
            let mut problem = None;
            let read = opened.each(|row| {
                for column in 0..3 {
                    let cell = row.cell(column);
                    let verbatim = row.verbatim(column);
                    let quoted = &text[row.quoted_span(column).range()];
                    let right = match verbatim {
                        // A mark inside a cell is no quote, which only `verbatim` knows.
                        Some(span) => {
                            let plain = !text[row.span().range()].contains('"');
                            &text[span.range()] == cell && (quoted == cell || !plain)
                        }
                        None => row.span().range().any(|at| text.as_bytes()[at] == b'"'),
                    };
                    if !right {
                        problem = Some(format!("{cell:?} {verbatim:?} {quoted:?}"));
                    }
                }
                true
            });
            prop_assert!(read.is_ok() && problem.is_none(), "{:?}", problem);
        }
    }
}
