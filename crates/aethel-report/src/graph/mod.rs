//! Pictures of batches: as text, for graphviz, for mermaid, as SVG, as JSON.

mod dot;
mod layout;
mod mermaid;
mod svg;
mod text;
mod words;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub(crate) use svg::{STYLE, inline};
pub use text::text;
pub(crate) use words::notes;

use aethel_runtime::Picture;
use serde_json::{Value, json};

/// Pictures for programs, as one JSON object, pretty-printed, with a line end; described in
/// `docs/schema/graph.schema.json`.
pub fn json(pictures: &[Picture]) -> String {
    let batches: Vec<Value> = pictures
        .iter()
        .map(|picture| {
            let mut value = serde_json::to_value(picture).unwrap_or_default();
            for (shown, edge) in value["edges"]
                .as_array_mut()
                .into_iter()
                .flatten()
                .zip(&picture.edges)
            {
                shown["ordered"] = edge.ordered().into();
            }
            value
        })
        .collect();
    format!(
        "{:#}\n",
        json!({ "schema": 1, "batches": batches, "diagnostics": [] })
    )
}
