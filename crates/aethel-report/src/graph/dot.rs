//! A picture in the language of graphviz.

use super::words::{label, notes, size, title, why};
use crate::escape::terminal;
use aethel_runtime::Picture;
use std::fmt::Write;

/// The picture as a `digraph`. Names stand only inside quoted strings; nodes have numbers.
pub fn dot(picture: &Picture) -> String {
    let mut caption = vec![title(picture)];
    caption.extend(notes(picture));
    let mut out = String::from("digraph aethel {\n");
    let _ = writeln!(out, "  label={};", quoted(&caption));
    out += "  labelloc=\"t\"; labeljust=\"l\"; fontname=\"sans-serif\"; bgcolor=\"white\"; rankdir=\"TB\";\n";
    out += "  node [shape=\"box\", style=\"rounded,filled\", fillcolor=\"#eef3fb\", color=\"#3b6fb6\", fontname=\"sans-serif\"];\n";
    out += "  edge [color=\"#444444\", fontname=\"sans-serif\", fontsize=\"10\"];\n";
    for (index, node) in picture.nodes.iter().enumerate() {
        let mut lines = vec![node.name.clone()];
        lines.extend(size(node));
        let _ = writeln!(out, "  n{index} [label={}];", quoted(&lines));
    }
    let last = picture.nodes.iter().map(|node| node.rank).max().unwrap_or(0);
    for rank in 0..=last {
        let row = picture
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.rank == rank);
        let row: Vec<String> = row.map(|(index, _)| format!("n{index};")).collect();
        if row.len() > 1 {
            let _ = writeln!(out, "  {{ rank=\"same\"; {} }}", row.join(" "));
        }
    }
    for edge in &picture.edges {
        let style = match (edge.ordered(), edge.after) {
            (_, true) => "style=\"bold\", color=\"#3b6fb6\"",
            (true, false) => "style=\"solid\"",
            // Nothing waits, so nothing is placed by it.
            (false, false) => {
                "style=\"dashed\", color=\"#999999\", fontcolor=\"#777777\", constraint=\"false\""
            }
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [label={}, tooltip={}, {style}];",
            edge.from,
            edge.to,
            quoted(&label(edge)),
            quoted(&[why(edge)])
        );
    }
    out + "}\n"
}

/// Lines as one quoted string. A backslash would begin an escape of graphviz, such as `\N` for the node's name, and `&`
/// an entity of HTML.
fn quoted(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| {
        terminal(line)
            .replace('&', "&amp;")
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
    });
    format!("\"{}\"", lines.collect::<Vec<_>>().join("\\n"))
}
