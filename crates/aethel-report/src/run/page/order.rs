//! What waits for what, what conflicts, and what is proved to need no order.

use crate::escape::html;
use crate::graph::{inline, notes};
use crate::html::{Column, Table, prose};
use aethel_ir::money::{counted, group_digits};
use aethel_runtime::{BatchResult, ConflictNumbers, Details, GraphNumbers, PlaceOrdering};
use std::fmt::Write;

/// How many bars the chart of levels has at most.
const BARS: usize = 160;

/// The graph before and after the proof, the drawing, the conflicts.
pub(super) fn order(result: &BatchResult, prefix: &str, level: u8) -> String {
    let mut out = String::new();
    if let (Some(graph), Some(conflicts)) = (&result.graph, &result.conflicts) {
        let _ = writeln!(out, "<p>{}</p>", prose(&summary(graph, conflicts)));
    }
    if let Some(details) = &result.details {
        out += &levels(details, level);
        out += &drawing(details, prefix, level);
    }
    if let Some(conflicts) = &result.conflicts {
        out += &table(conflicts, level);
    }
    out
}

fn number(n: u64) -> String {
    group_digits(&n.to_string())
}

fn summary(graph: &GraphNumbers, conflicts: &ConflictNumbers) -> String {
    let total = conflicts.consecutive.total();
    if total == 0 && graph.after == 0 {
        return "No two transactions touch the same balance: all of them could run at once.".to_owned();
    }
    let mut said = format!(
        "Taken literally, {} would have to run one after the other ({} between transactions that follow each other on a \
         balance, {} between any two).",
        counted(graph.depth, "transaction", "transactions"),
        counted(
            usize::try_from(total).unwrap_or(usize::MAX),
            "conflict",
            "conflicts"
        ),
        number(conflicts.pairs.total())
    );
    let commuting = conflicts.commuting.total();
    if commuting > 0 {
        said += &format!(
            " {} of these conflicts are proved to need no order, {}.",
            if commuting == total {
                "All".to_owned()
            } else {
                number(commuting)
            },
            match conflicts.depth {
                0 | 1 => "so none has to wait for another".to_owned(),
                depth => format!(
                    "which leaves {} in a row",
                    counted(depth, "transaction", "transactions")
                ),
            }
        );
    } else if total > 0 {
        said += " None of them is proved to need no order: all are kept in the order of the program.";
    }
    if graph.after > 0 {
        said += &format!(
            " {} by `after`.",
            counted(graph.after, "wait is asked for", "waits are asked for")
        );
    }
    said
}

/// How many transactions could run at once, level by level.
fn levels(details: &Details, level: u8) -> String {
    let widths = &details.widths;
    let widest = widths.iter().copied().max().unwrap_or(0);
    if widest == 1 && widths.len() > 1 {
        return String::new();
    }
    if widths.len() < 2 {
        return format!(
            "<p>That makes one level of {}: any number of threads could share them.</p>\n",
            html(&counted(widest, "transaction", "transactions"))
        );
    }
    let together = widths.len().div_ceil(BARS);
    let bars: Vec<usize> = widths
        .chunks(together)
        .map(|some| some.iter().copied().max().unwrap_or(0))
        .collect();
    let mut out = format!(
        "<figure>\n<h{level}>How many could run at once</h{level}>\n<svg class=\"levels\" viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\n",
        bars.len() * 10,
        html(&format!(
            "{} levels, the widest with {} transactions",
            group_digits(&widths.len().to_string()),
            group_digits(&widest.to_string())
        ))
    );
    for (n, bar) in bars.iter().enumerate() {
        let height = (bar * 100 / widest.max(1)).max(1);
        let _ = writeln!(
            out,
            "<rect class=\"fill s3\" x=\"{}\" y=\"{}\" width=\"8\" height=\"{height}\"><title>{}: {}</title></rect>",
            n * 10 + 1,
            100 - height,
            match together {
                1 => format!("level {}", n + 1),
                _ => format!(
                    "levels {} to {}",
                    n * together + 1,
                    ((n + 1) * together).min(widths.len())
                ),
            },
            group_digits(&bar.to_string())
        );
    }
    let _ = writeln!(
        out,
        "</svg>\n<figcaption>{} from left to right, each bar one{}; the tallest stands for {}.</figcaption>\n</figure>",
        counted(widths.len(), "level", "levels"),
        if together == 1 {
            String::new()
        } else {
            format!(" of {together} neighbours")
        },
        counted(widest, "transaction", "transactions")
    );
    out
}

/// The picture, which can be made larger.
fn drawing(details: &Details, prefix: &str, level: u8) -> String {
    let picture = &details.picture;
    let mut out = format!("<h{level}>What waits for what</h{level}>\n<ul class=\"notes\">\n");
    for note in notes(picture) {
        let _ = writeln!(out, "<li>{}</li>", html(&note));
    }
    out += "</ul>\n<div class=\"drawing\" data-drawing>\n<div class=\"controls\" hidden>\
            <button type=\"button\" data-size=\"larger\">larger</button>\
            <button type=\"button\" data-size=\"smaller\">smaller</button>\
            <button type=\"button\" data-size=\"fit\">fit</button></div>\n\
            <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Drawing of the dependency graph\">\n";
    out += &inline(picture, &format!("{prefix}drawing-"));
    out += "</div></div>\n";
    out
}

/// The most conflicted places.
fn table(conflicts: &ConflictNumbers, level: u8) -> String {
    if conflicts.top.is_empty() {
        return String::new();
    }
    let columns = [
        Column::text("balance"),
        Column::number("read after write"),
        Column::number("write after write"),
        Column::number("write after read"),
        Column::number("between any two"),
        Column::text("how it is resolved"),
    ];
    let rows: Vec<Vec<String>> = conflicts
        .top
        .iter()
        .map(|place| {
            let resolved = match (place.ordering, place.reason) {
                (PlaceOrdering::Escrow, _) => "in any order, by the escrow lemmas".to_owned(),
                (PlaceOrdering::Ordered, Some(reason)) => format!("in order, since {reason}"),
                (PlaceOrdering::Ordered, None) => "in order".to_owned(),
            };
            vec![
                place.place.clone(),
                number(place.consecutive.raw),
                number(place.consecutive.waw),
                number(place.consecutive.war),
                number(place.pairs.total()),
                resolved,
            ]
        })
        .collect();
    let mut out = format!("<h{level}>Conflicts by balance</h{level}>\n");
    let rest = conflicts.places.saturating_sub(conflicts.top.len());
    if rest > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft\">The {} with the most conflicts; {} more have some.</p>",
            conflicts.top.len(),
            group_digits(&rest.to_string())
        );
    }
    out += &Table {
        caption: "Conflicts by balance",
        class: "",
        columns: &columns,
        rows: &rows,
    }
    .html();
    if !conflicts.lemmas.is_empty() {
        let lemmas: Vec<String> = conflicts
            .lemmas
            .iter()
            .map(|name| format!("<code>{}</code>", html(name)))
            .collect();
        let _ = writeln!(out, "<p class=\"soft\">The lemmas: {}.</p>", lemmas.join(", "));
    }
    out
}
