//! A picture as SVG that needs nothing else: no script, no font, no network; light or dark as the reader likes it.

use super::layout::{LABEL_LINE, Layout, MARGIN, NODE_HEIGHT, SMALL_LETTER, width};
use super::words::{label, notes, size, title, why};
use crate::escape::html;
use aethel_runtime::{Picture, PictureEdge};
use std::fmt::Write;

const LINE: i64 = 18;

/// The longest text that is shown of a name; all of it stands in a tooltip.
const NAME: usize = 36;

/// The look of a picture; a page that holds one has to bring it.
pub(crate) const STYLE: &str = "\
.picture{color-scheme:light dark;--page:#fff;--text:#1c2430;--soft:#5c6675;--box:#eef3fb;--line:#3b6fb6;--edge:#444c58;--free:#9aa3ae}\
@media screen and (prefers-color-scheme:dark){.picture{--page:#14181e;--text:#e6eaf0;--soft:#9aa5b4;--box:#1f2a3a;--line:#6fa0e0;--edge:#b4bdc9;--free:#6d7682}}\
.picture{background:var(--page)}.picture text{font:14px system-ui,sans-serif;fill:var(--text)}.picture .title{font-size:17px;font-weight:600}\
.picture .soft{font-size:12px;fill:var(--soft)}.picture .label{font-size:11px;fill:var(--soft);text-anchor:middle;paint-order:stroke;stroke:var(--page);stroke-width:4px}\
.picture .name,.picture .size{text-anchor:middle}.picture .size{font-size:11px;fill:var(--soft)}.picture .box{fill:var(--box);stroke:var(--line);stroke-width:1.2}\
.picture .edge{fill:none;stroke:var(--edge);stroke-width:1.4}.picture .free{stroke:var(--free);stroke-dasharray:5 4}.picture .after{stroke:var(--line);stroke-width:2.4}\
.picture .head{fill:var(--edge);stroke:none}.picture .head.free{fill:var(--free)}.picture .head.after{fill:var(--line)}";

/// The picture as a file of its own.
pub fn svg(picture: &Picture) -> String {
    let mut head = vec![];
    for note in notes(picture) {
        head.extend(wrapped(&note, 120));
    }
    let top = MARGIN + 26 + LINE * head.len() as i64 + 14;
    let layout = Layout::new(picture, top);
    let notes_width = head
        .iter()
        .map(|line| width(line, SMALL_LETTER))
        .max()
        .unwrap_or(0);
    let full = layout
        .right
        .max(notes_width)
        .max(width(&title(picture), 10))
        .max(430)
        + 2 * MARGIN;
    let height = layout.bottom + 46 + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" viewBox=\"0 0 {full} {height}\" width=\"{full}\" \
         height=\"{height}\" style=\"max-width:100%;height:auto\">\n<title>{}</title>\n<style>{STYLE}</style>\n",
        html(&title(picture))
    );
    let _ = writeln!(
        out,
        "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        MARGIN + 14,
        html(&title(picture))
    );
    for (number, line) in head.iter().enumerate() {
        let y = MARGIN + 14 + 24 + LINE * number as i64;
        let _ = writeln!(
            out,
            "<text class=\"soft\" x=\"{MARGIN}\" y=\"{y}\">{}</text>",
            html(line)
        );
    }
    draw(picture, &layout, "", &mut out);
    out + "</svg>\n"
}

/// The picture inside a page: no heading, no style. `prefix` begins every id, so that a page can hold several.
pub(crate) fn inline(picture: &Picture, prefix: &str) -> String {
    let layout = Layout::new(picture, MARGIN + 10);
    let (full, height) = (layout.right.max(430) + 2 * MARGIN, layout.bottom + 46 + MARGIN);
    let mut out = format!(
        "<svg class=\"picture\" role=\"img\" aria-labelledby=\"{prefix}title {prefix}notes\" viewBox=\"0 0 {full} {height}\" \
         width=\"{full}\" height=\"{height}\">\n<title id=\"{prefix}title\">{}</title>\n<desc id=\"{prefix}notes\">{}</desc>\n",
        html(&title(picture)),
        html(&notes(picture).join(". "))
    );
    draw(picture, &layout, prefix, &mut out);
    out + "</svg>\n"
}

/// Nodes, edges and what their lines mean.
fn draw(picture: &Picture, layout: &Layout, prefix: &str, out: &mut String) {
    for (id, class) in [("order", ""), ("free", " free"), ("after", " after")] {
        let _ = writeln!(
            out,
            "<marker id=\"{prefix}{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"head{class}\" d=\"M0 0 8 4 0 8z\"/></marker>"
        );
    }
    let mut labels = String::new();
    for (number, edge) in picture.edges.iter().enumerate() {
        draw_edge(picture, (number, edge), layout, prefix, out, &mut labels);
    }
    for (node, place) in picture.nodes.iter().zip(&layout.places) {
        let (left, middle) = (place.x - place.width / 2, place.y + NODE_HEIGHT / 2);
        let size = size(node);
        let mut tip = node.name.clone();
        tip.extend(size.iter().map(|size| format!(" · {size}")));
        let _ = write!(
            out,
            "<g><title>{}</title><rect class=\"box\" x=\"{left}\" y=\"{}\" width=\"{}\" height=\"{NODE_HEIGHT}\" rx=\"8\"/>\
             <text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
            html(&tip),
            place.y,
            place.width,
            place.x,
            if size.is_some() { middle - 2 } else { middle + 5 },
            html(&short(&node.name))
        );
        if let Some(size) = size {
            let y = middle + 14;
            let _ = write!(
                out,
                "<text class=\"size\" x=\"{}\" y=\"{y}\">{}</text>",
                place.x,
                html(&size)
            );
        }
        *out += "</g>\n";
    }
    *out += &labels;
    legend(picture, layout.bottom + 36, out);
}

/// One edge, and its label beside the others.
fn draw_edge(
    picture: &Picture,
    (number, edge): (usize, &PictureEdge),
    layout: &Layout,
    prefix: &str,
    out: &mut String,
    labels: &mut String,
) {
    let Some(route) = layout.routes.get(number) else {
        return;
    };
    let (class, marker) = match (edge.ordered(), edge.after) {
        (_, true) => (" after", "after"),
        (true, false) => ("", "order"),
        (false, false) => (" free", "free"),
    };
    let name = |node: usize| picture.nodes.get(node).map_or("", |node| node.name.as_str());
    let lines = label(edge);
    let mut tip = format!("{} → {}: {}", name(edge.from), name(edge.to), lines.join(" · "));
    let why = why(edge);
    if !why.is_empty() {
        tip += &format!(" · {why}");
    }
    let _ = writeln!(
        out,
        "<path class=\"edge{class}\" marker-end=\"url(#{prefix}{marker})\" d=\"{}\"><title>{}</title></path>",
        route.path,
        html(&tip)
    );
    if let Some((x, y)) = route.label {
        for (number, line) in lines.iter().enumerate() {
            let y = y + LABEL_LINE * number as i64;
            let _ = writeln!(
                labels,
                "<text class=\"label\" x=\"{x}\" y=\"{y}\">{}</text>",
                html(&short(line))
            );
        }
    }
}

/// What the lines mean; only those that occur.
fn legend(picture: &Picture, y: i64, out: &mut String) {
    let mut x = MARGIN;
    let edges = &picture.edges;
    for (class, words, occurs) in [
        (
            "",
            "one after the other",
            edges.iter().any(|edge| edge.ordered() && !edge.after),
        ),
        (" after", "after", edges.iter().any(|edge| edge.after)),
        (
            " free",
            "any order, proved",
            edges.iter().any(|edge| !edge.ordered()),
        ),
    ] {
        if occurs {
            let _ = writeln!(
                out,
                "<path class=\"edge{class}\" d=\"M{x} {y}h28\"/><text class=\"soft\" x=\"{}\" y=\"{}\">{words}</text>",
                x + 36,
                y + 4
            );
            x += 36 + width(words, SMALL_LETTER) + 20;
        }
    }
}

/// A text that fits into the drawing.
pub(super) fn short(text: &str) -> String {
    match text.chars().nth(NAME) {
        Some(_) => text.chars().take(NAME - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// A sentence in lines of at most so many characters, broken at spaces.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.chars().count() + word.chars().count() >= most);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
