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
        /// It cannot stand on one line.
        broken: bool,
        /// It ends with a comment.
        commented: bool,
    },
    /// A comment that ends the line it is on.
    Comment(&'t str),
    /// A comment on a line of its own.
    Lead(&'t str),
}

impl<'t> Doc<'t> {
    /// A group, which is broken at once when it holds a comment. One at its very end ends a line that goes on behind the
    /// group, and says nothing about the group.
    pub(super) fn group(docs: Vec<Doc<'t>>) -> Self {
        let (broken, commented) = breaks(&docs);
        Self::Group {
            docs,
            broken,
            commented,
        }
    }
}

/// Whether these must be broken, and whether they end with a comment that ends its line.
fn breaks(docs: &[Doc<'_>]) -> (bool, bool) {
    docs.iter().fold((false, false), |(broken, commented), doc| {
        let (inside, at_end) = match doc {
            Doc::Text(_) | Doc::Line(_) => (false, false),
            Doc::Hard { .. } | Doc::Lead(_) => (true, false),
            Doc::Comment(_) => (false, true),
            Doc::Indent(docs) => breaks(docs),
            Doc::Group {
                broken, commented, ..
            } => (*broken, *commented),
        };
        (broken || commented || inside, at_end)
    })
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
            Doc::Comment(text) if printer.waiting.is_none() => printer.waiting = Some(text),
            // A line ends with one comment; the next one gets its own.
            Doc::Comment(text) | Doc::Lead(text) => {
                printer.line(task.indent, false);
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
            Doc::Group { docs, broken, .. } => {
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
    /// The comment that the end of this line must carry.
    waiting: Option<&'t str>,
}

impl Default for Printer<'_> {
    fn default() -> Self {
        Self {
            out: String::new(),
            fresh: true,
            indent: 0,
            written: 0,
            waiting: None,
        }
    }
}

impl Printer<'_> {
    fn column(&self) -> usize {
        if self.fresh { self.indent } else { self.written }
    }

    fn text(&mut self, text: &str) {
        // A line does not begin with the space before its first word.
        if text.is_empty() || self.fresh && text == " " {
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
        if let Some(comment) = self.waiting.take() {
            if !self.fresh {
                self.trim();
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

    fn trim(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
    }

    fn end_line(&mut self) {
        self.trim();
        self.out.push('\n');
        self.fresh = true;
        self.written = 0;
    }

    fn finish(mut self) -> String {
        self.line(0, false);
        self.out
    }
}
