//! Tables.

use crate::escape::html;
use std::fmt::Write;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words, to the left.
    Text,
    /// Numbers, to the right; a script may sort by them.
    Number,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
        }
    }
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub name: String,
    /// What stands in it.
    pub kind: Kind,
}

impl Column {
    pub(crate) fn text(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Text,
        }
    }

    pub(crate) fn number(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Number,
        }
    }
}

/// A table: the first column names its rows where it holds words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    /// What it shows, for those who hear the page.
    pub caption: &'a str,
    /// A class of its own, or nothing.
    pub class: &'a str,
    /// Its columns.
    pub columns: &'a [Column],
    /// Plain text, cell by cell.
    pub rows: &'a [Vec<String>],
}

impl Table<'_> {
    /// The table in a box that scrolls by itself where the page is too narrow.
    pub(crate) fn html(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut out = format!(
            "<div class=\"wide\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\"><table class=\"{1}\"><caption class=\"unseen\">{0}</caption>\n<thead><tr>",
            html(self.caption),
            self.class
        );
        for column in self.columns {
            let _ = write!(
                out,
                "<th scope=\"col\" class=\"{}\">{}</th>",
                column.kind.name(),
                html(&column.name)
            );
        }
        out += "</tr></thead>\n<tbody>\n";
        for row in self.rows {
            out += "<tr>";
            for (n, (cell, column)) in row.iter().zip(self.columns).enumerate() {
                let tag = match (n, column.kind) {
                    (0, Kind::Text) => "th scope=\"row\"",
                    _ => "td",
                };
                let end = &tag[..2];
                let _ = write!(
                    out,
                    "<{tag} class=\"{}\">{}</{end}>",
                    column.kind.name(),
                    html(cell)
                );
            }
            out += "</tr>\n";
        }
        out + "</tbody></table></div>\n"
    }
}
