//! What may be broken into lines, and the printer that does it: each group stands on one line if it fits.
//!
//! After Wadler, "A prettier printer" (2003), with comments beside: one that ends a line waits for the line's end, whatever
//! is still printed on it.

/// The longest line that is not broken, in characters.
pub(super) const WIDTH: usize = 100;

/// Spaces for each level.
const STEP: usize = 4;

/// A piece of output.
#[derive(Debug)]
pub(super) enum Doc<'t> {
    Text(&'t str),
    /// A new line in a broken group, this text in one that stands on one line.
    Line(&'static str),
    /// A new line always, with an empty line before it or not.
    Hard {
        blank: bool,
    },
    /// One level further in.
    Indent(Vec<Doc<'t>>),
    Group {
        docs: Vec<Doc<'t>>,
        broken: bool,
    },
    /// A comment that ends the line it is on.
    Comment(&'t str),
    /// A comment on a line of its own.
    Lead(&'t str),
}

impl<'t> Doc<'t> {
    /// A group, which is broken at once when it holds a comment.
    pub(super) fn group(docs: Vec<Doc<'t>>) -> Self {
        let broken = docs.iter().any(Doc::must_break);
        Self::Group { docs, broken }
    }

    fn must_break(&self) -> bool {
        match self {
            Self::Text(_) | Self::Line(_) => false,
            Self::Hard { .. } | Self::Comment(_) | Self::Lead(_) => true,
            Self::Indent(docs) => docs.iter().any(Doc::must_break),
            Self::Group { broken, .. } => *broken,
        }
    }
}

/// Prints.
pub(super) fn print(docs: &[Doc<'_>]) -> String {
    let mut printer = Printer::default();
    let mut stack: Vec<Task<'_, '_>> = docs.iter().rev().map(|doc| Task::new(0, false, doc)).collect();
    while let Some(task) = stack.pop() {
        match task.doc {
            Doc::Text(text) => printer.text(text),
            Doc::Line(text) if task.flat => printer.text(text),
            Doc::Line(_) => printer.line(task.indent, false),
            Doc::Hard { blank } => printer.line(task.indent, *blank),
            Doc::Comment(text) => printer.waiting.push(text),
            Doc::Lead(text) => {
                if !printer.fresh {
                    printer.line(task.indent, false);
                }
                printer.indent = task.indent;
                printer.text(text);
                printer.line(task.indent, false);
            }
            Doc::Indent(docs) => {
                stack.extend(
                    docs.iter()
                        .rev()
                        .map(|doc| Task::new(task.indent + STEP, task.flat, doc)),
                );
            }
            Doc::Group { docs, broken } => {
                let flat = task.flat || !broken && fits(docs, &stack, WIDTH.saturating_sub(printer.column()));
                stack.extend(docs.iter().rev().map(|doc| Task::new(task.indent, flat, doc)));
            }
        }
    }
    printer.finish()
}

/// What is still to be printed.
#[derive(Clone, Copy)]
struct Task<'d, 't> {
    indent: usize,
    flat: bool,
    doc: &'d Doc<'t>,
}

impl<'d, 't> Task<'d, 't> {
    fn new(indent: usize, flat: bool, doc: &'d Doc<'t>) -> Self {
        Self { indent, flat, doc }
    }
}

/// Whether a group on one line, and what follows it up to the next new line, need at most so many characters.
fn fits(docs: &[Doc<'_>], after: &[Task<'_, '_>], width: usize) -> bool {
    let mut left = width;
    let mut stack: Vec<(bool, &Doc<'_>)> = docs.iter().rev().map(|doc| (true, doc)).collect();
    let mut after = after.iter().rev();
    loop {
        let (flat, doc) = match stack.pop() {
            Some(next) => next,
            None => match after.next() {
                Some(task) => (task.flat, task.doc),
                None => return true,
            },
        };
        let text = match doc {
            Doc::Text(text) => text,
            Doc::Line(text) if flat => text,
            Doc::Line(_) | Doc::Hard { .. } | Doc::Lead(_) => return true,
            Doc::Comment(_) => "",
            Doc::Indent(docs) | Doc::Group { docs, .. } => {
                stack.extend(docs.iter().rev().map(|doc| (flat, doc)));
                ""
            }
        };
        match left.checked_sub(text.chars().count()) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
}

struct Printer<'t> {
    out: String,
    /// Nothing was written on this line yet.
    fresh: bool,
    /// The indentation of this line.
    indent: usize,
    /// How many characters are on this line.
    written: usize,
    /// Comments that the end of this line must carry.
    waiting: Vec<&'t str>,
}

impl Default for Printer<'_> {
    fn default() -> Self {
        Self {
            out: String::new(),
            fresh: true,
            indent: 0,
            written: 0,
            waiting: Vec::new(),
        }
    }
}

impl Printer<'_> {
    fn column(&self) -> usize {
        if self.fresh { self.indent } else { self.written }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.fresh {
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.written = self.indent;
            self.fresh = false;
        }
        self.out.push_str(text);
        self.written += text.chars().count();
    }

    /// Ends the line, if it was begun.
    fn line(&mut self, indent: usize, blank: bool) {
        for (index, comment) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            // Only one comment fits at the end of a line.
            if index > 0 {
                self.end_line();
            }
            if !self.fresh {
                self.text(" ");
            }
            self.text(comment);
        }
        if !self.fresh {
            self.end_line();
        }
        if blank && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
        self.indent = indent;
    }

    fn end_line(&mut self) {
        self.out.push('\n');
        self.fresh = true;
        self.written = 0;
    }

    fn finish(mut self) -> String {
        self.line(0, false);
        self.out
    }
}
