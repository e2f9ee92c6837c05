//! A picture as text for a terminal: the rows of nodes, then the edges.

use super::words::{label, notes, size, title, why};
use crate::escape::terminal;
use aethel_runtime::Picture;

/// The picture, with what is to be known about it.
pub fn text(picture: &Picture) -> String {
    let mut out = format!("{}\n", terminal(&title(picture)));
    let last = picture.nodes.iter().map(|node| node.rank).max().unwrap_or(0);
    for rank in 0..=last {
        let row = picture.nodes.iter().filter(|node| node.rank == rank);
        let names: Vec<String> = row
            .map(|node| match size(node) {
                Some(size) => format!("{} ({size})", terminal(&node.name)),
                None => terminal(&node.name),
            })
            .collect();
        if !names.is_empty() {
            out += &format!("  {}  {}\n", rank + 1, names.join(", "));
        }
    }
    if !picture.edges.is_empty() {
        out += "\n";
    }
    for edge in &picture.edges {
        let arrow = if edge.ordered() { "→" } else { "⇢" };
        let name = |node: usize| {
            picture
                .nodes
                .get(node)
                .map_or(String::new(), |node| terminal(&node.name))
        };
        let mut said = label(edge);
        said.extend(Some(why(edge)).filter(|why| !why.is_empty()));
        out += &format!(
            "  {} {arrow} {}  {}\n",
            name(edge.from),
            name(edge.to),
            terminal(&said.join(" · "))
        );
    }
    let notes = notes(picture);
    if !notes.is_empty() {
        out += "\n";
    }
    for note in notes {
        out += &format!("  {}\n", terminal(&note));
    }
    out
}
