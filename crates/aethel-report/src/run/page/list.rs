//! Rows that a reader searches, sorts and pages through; without the script, the first of them.

use crate::escape::{html, terminal};
use crate::html::{Column, Table, data};
use serde_json::json;

/// How many rows are there without the script; the script shows as many at first.
const FIRST: usize = 12;

/// A list: `id` is unique on the page, `what` says what a row is, in the plural.
pub(super) fn list(id: &str, caption: &str, what: &str, columns: &[Column], rows: &[Vec<String>]) -> String {
    let first = rows.get(..FIRST).unwrap_or(rows);
    let table = Table {
        caption,
        class: &format!("rows {what}"),
        columns,
        rows: first,
    };
    if rows.len() <= FIRST {
        return table.html();
    }
    let count = aethel_ir::money::group_digits(&rows.len().to_string());
    let mut out = format!(
        "<div class=\"list\" data-list=\"{id}\">\n<div class=\"controls\" hidden>\
         <label>Search <input type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label>\
         <label>Rows <select><option>{FIRST}</option><option>50</option><option>250</option>\
         <option value=\"all\">all</option></select></label>\
         <span class=\"pages\"><button type=\"button\" data-step=\"-1\">← back</button>\
         <button type=\"button\" data-step=\"1\">next →</button></span></div>\n\
         <p class=\"soft\" data-status role=\"status\">{FIRST} of {count} {}</p>\n",
        html(what)
    );
    out += &table.html();
    out += "</div>\n";
    let columns: Vec<_> = columns
        .iter()
        .map(|column| json!([terminal(&column.name), column.kind.name()]))
        .collect();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| terminal(cell)).collect())
        .collect();
    let value = json!({ "what": terminal(what), "columns": columns, "rows": rows });
    out + &data(&format!("{id}-data"), &value)
}
