//! Where nodes, edges and labels of a drawing lie: nodes in rows, edges past the nodes between, labels beside each other.

use super::svg::short;
use super::words::{label, size};
use aethel_runtime::{Picture, PictureEdge};

/// All lengths are in units of the drawing, which are pixels at its natural size.
pub(super) const MARGIN: i64 = 24;
pub(super) const NODE_HEIGHT: i64 = 46;
pub(super) const LABEL_LINE: i64 = 13;
pub(super) const LETTER: i64 = 8;
pub(super) const SMALL_LETTER: i64 = 7;
const ROW_WIDTH: i64 = 1080;
const GAP_X: i64 = 32;
const GAP_Y: i64 = 60;
/// The room above a label.
const LABEL_GAP: i64 = 6;

/// With more edges than this their labels would cover everything; they stand in tooltips then.
const LABELLED: usize = 40;

/// With more edges than this, long ones go straight.
const ROUTED: usize = 300;

/// Where everything lies.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// For each node.
    pub places: Vec<Place>,
    /// For each edge.
    pub routes: Vec<Route>,
    /// How far the drawing reaches.
    pub right: i64,
    pub bottom: i64,
}

/// Where a node stands: its middle, its upper edge, its width.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    row: usize,
}

/// How an edge goes, and where its label stands, if it has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub path: String,
    pub label: Option<(i64, i64)>,
}

/// What stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Node(usize),
    /// An edge passes.
    Way(usize),
}

/// A label that looks for its place in the space above a row.
struct Wish {
    edge: usize,
    row: usize,
    x: i64,
    width: i64,
    lines: i64,
}

impl Layout {
    pub fn new(picture: &Picture, top: i64) -> Self {
        let widths: Vec<i64> = picture
            .nodes
            .iter()
            .map(|node| {
                let name = width(&short(&node.name), LETTER);
                let size = size(node).map_or(0, |size| width(&size, SMALL_LETTER));
                (name.max(size) + 28).max(84)
            })
            .collect();
        let mut layout = Layout {
            places: widths
                .iter()
                .map(|width| Place {
                    width: *width,
                    ..Place::default()
                })
                .collect(),
            routes: vec![Route::default(); picture.edges.len()],
            ..Layout::default()
        };
        let mut rows = layout.rows(picture);
        let ways = picture.edges.len() <= ROUTED;
        if ways {
            layout.make_way(picture, &mut rows);
        }
        let labelled = picture.edges.len() <= LABELLED;
        let ways = layout.columns(picture, &mut rows, labelled);
        let wishes = if labelled {
            layout.wishes(picture, &ways)
        } else {
            Vec::new()
        };
        layout.lines(picture, rows.len(), wishes, top);
        for (number, edge) in picture.edges.iter().enumerate() {
            let path = layout.path(edge, ways.get(number).map_or(&[][..], Vec::as_slice));
            if let Some(route) = layout.routes.get_mut(number) {
                route.path = path;
            }
        }
        layout
    }

    /// The nodes in rows: rank by rank, a rank that is too wide in several.
    fn rows(&mut self, picture: &Picture) -> Vec<Vec<Item>> {
        let last = picture.nodes.iter().map(|node| node.rank).max().unwrap_or(0);
        let mut ranks: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
        for (node, of) in picture.nodes.iter().enumerate() {
            ranks[of.rank].push(node);
        }
        let mut rows: Vec<Vec<Item>> = Vec::new();
        for rank in ranks {
            let (mut row, mut used) = (Vec::new(), 0);
            for node in rank {
                let Some(place) = self.places.get_mut(node) else {
                    continue;
                };
                if used + place.width > ROW_WIDTH && !row.is_empty() {
                    rows.push(std::mem::take(&mut row));
                    used = 0;
                }
                used += place.width + GAP_X;
                place.row = rows.len();
                row.push(Item::Node(node));
            }
            rows.push(row);
        }
        rows
    }

    /// Reserves a way in every row that an edge passes.
    fn make_way(&self, picture: &Picture, rows: &mut [Vec<Item>]) {
        for (number, edge) in picture.edges.iter().enumerate() {
            let (low, high) = self.between(edge);
            for row in rows.iter_mut().take(high).skip(low + 1) {
                row.push(Item::Way(number));
            }
        }
    }

    /// The rows of an edge's ends, the upper one first.
    fn between(&self, edge: &PictureEdge) -> (usize, usize) {
        let row = |node: usize| self.places.get(node).map_or(0, |place| place.row);
        let (from, to) = (row(edge.from), row(edge.to));
        (from.min(to), from.max(to))
    }

    /// Places what stands in the rows from left to right, each below what it hangs from; gives for each edge where it
    /// passes the rows between its ends, from above.
    fn columns(&mut self, picture: &Picture, rows: &mut [Vec<Item>], labelled: bool) -> Vec<Vec<i64>> {
        let mut ways: Vec<Vec<i64>> = vec![Vec::new(); picture.edges.len()];
        let mut least = i64::MAX;
        for (number, row) in rows.iter_mut().enumerate() {
            let mut wanted: Vec<(i64, usize, Item)> = Vec::with_capacity(row.len());
            for (order, item) in row.iter().enumerate() {
                wanted.push((self.wanted(picture, *item, number, &ways), order, *item));
            }
            wanted.sort_by_key(|(x, order, _)| (*x, *order));
            let (mut free, mut shift, mut count) = (0, 0, 0);
            let mut placed = Vec::with_capacity(wanted.len());
            for (x, _, item) in wanted {
                let width = match item {
                    Item::Node(node) => self.places.get(node).map_or(0, |place| place.width),
                    Item::Way(edge) if labelled && self.middle(picture, edge) == Some(number) => {
                        label_width(&picture.edges[edge]).max(20)
                    }
                    Item::Way(_) => 12,
                };
                let left = match x {
                    i64::MAX => free,
                    x => free.max(x - width / 2),
                };
                if x != i64::MAX {
                    shift += left + width / 2 - x;
                    count += 1;
                }
                placed.push((left + width / 2, item));
                free = left + width + GAP_X;
            }
            // Everything is pushed to the right by what stands left of it; on average it should not be.
            let shift = if count > 0 { shift / count } else { 0 };
            for (x, item) in placed {
                let x = x - shift;
                match item {
                    Item::Node(node) => {
                        if let Some(place) = self.places.get_mut(node) {
                            place.x = x;
                            least = least.min(x - place.width / 2);
                        }
                    }
                    Item::Way(edge) => {
                        ways[edge].push(x);
                        least = least.min(x - 10);
                    }
                }
            }
        }
        for place in &mut self.places {
            place.x += MARGIN - least;
            self.right = self.right.max(place.x + place.width / 2 + 40);
        }
        for x in ways.iter_mut().flatten() {
            *x += MARGIN - least;
            self.right = self.right.max(*x + 10);
        }
        ways
    }

    /// The row between an edge's ends where its label stands.
    fn middle(&self, picture: &Picture, edge: usize) -> Option<usize> {
        let (low, high) = self.between(picture.edges.get(edge)?);
        (high > low + 1).then_some((low + high).div_ceil(2))
    }

    /// Where an item would stand best; the greatest number when nothing says so.
    fn wanted(&self, picture: &Picture, item: Item, row: usize, ways: &[Vec<i64>]) -> i64 {
        let above = |edge: usize| {
            let of = picture.edges.get(edge)?;
            let passed = ways.get(edge).and_then(|ways| ways.last().copied());
            let upper = [of.from, of.to]
                .into_iter()
                .filter_map(|node| self.places.get(node));
            passed.or_else(|| upper.filter(|place| place.row < row).map(|place| place.x).next())
        };
        match item {
            Item::Way(edge) => above(edge).unwrap_or(i64::MAX),
            Item::Node(node) => {
                let edges = picture.edges.iter().enumerate().filter(|(_, edge)| {
                    let other = if edge.from == node { edge.to } else { edge.from };
                    let touches = edge.from == node || edge.to == node;
                    touches && self.places.get(other).is_some_and(|place| place.row < row)
                });
                let found: Vec<i64> = edges.filter_map(|(number, _)| above(number)).collect();
                match i64::try_from(found.len()) {
                    Ok(count) if count > 0 => found.iter().sum::<i64>() / count,
                    _ => i64::MAX,
                }
            }
        }
    }

    /// Where labels would stand best.
    fn wishes(&self, picture: &Picture, ways: &[Vec<i64>]) -> Vec<Wish> {
        let edges = picture.edges.iter().enumerate().filter_map(|(number, edge)| {
            let (from, to) = (self.places.get(edge.from)?, self.places.get(edge.to)?);
            let row = from.row.max(to.row);
            let (x, row) = match ways.get(number).map(Vec::as_slice) {
                Some([first, ..]) if from.row != to.row => {
                    // Above the row in whose way it has room.
                    let middle = self.middle(picture, number)?;
                    let (low, _) = self.between(edge);
                    let at = ways.get(number)?.get(middle - low - 1).unwrap_or(first);
                    (*at, middle)
                }
                _ if edge.from == edge.to => (from.x, row + 1),
                _ => ((from.x + to.x) / 2, row),
            };
            let lines = label(edge).len() as i64;
            let width = label_width(edge);
            Some(Wish {
                edge: number,
                row,
                x: x.max(MARGIN + width / 2),
                width,
                lines,
            })
        });
        edges.collect()
    }

    /// Gives every row its height, with room above for as many lines of labels as stand beside each other there.
    fn lines(&mut self, picture: &Picture, rows: usize, mut wishes: Vec<Wish>, top: i64) {
        wishes.sort_by_key(|wish| (wish.row, wish.x, wish.edge));
        let mut y = top;
        for row in 0..=rows {
            // The ends of the labels on each line.
            let mut ends: Vec<i64> = Vec::new();
            let mut here = Vec::new();
            for wish in wishes.iter().filter(|wish| wish.row == row) {
                let left = wish.x - wish.width / 2;
                let line = ends.iter().position(|end| *end < left).unwrap_or(ends.len());
                match ends.get_mut(line) {
                    Some(end) => *end = left + wish.width,
                    None => ends.push(left + wish.width),
                }
                here.push((wish, line as i64));
            }
            let arcs = picture.edges.iter().any(|edge| {
                let (low, high) = self.between(edge);
                low == high && low == row && edge.from != edge.to
            });
            let longest = here.iter().map(|(wish, _)| wish.lines).max().unwrap_or(0);
            let height = LABEL_LINE * longest + LABEL_GAP;
            let room = height * ends.len() as i64;
            let above = match row {
                0 if !arcs => room,
                0 => room + 24,
                _ => (room + 36).max(GAP_Y),
            };
            for (wish, line) in here {
                let first = y + 20 + (above - room - if row == 0 { 12 } else { 24 }).max(0) / 2;
                let label = first + height * line + LABEL_LINE * (longest - wish.lines) / 2;
                self.right = self.right.max(wish.x + wish.width / 2);
                if let Some(route) = self.routes.get_mut(wish.edge) {
                    route.label = Some((wish.x, label));
                }
            }
            if row == rows {
                self.bottom = if ends.is_empty() { y } else { y + above };
                break;
            }
            y += above;
            for place in self.places.iter_mut().filter(|place| place.row == row) {
                place.y = y;
            }
            y += NODE_HEIGHT;
        }
    }

    /// The line of an edge.
    fn path(&self, edge: &PictureEdge, ways: &[i64]) -> String {
        let (Some(from), Some(to)) = (self.places.get(edge.from), self.places.get(edge.to)) else {
            return String::new();
        };
        if edge.from == edge.to {
            let (right, middle) = (from.x + from.width / 2, from.y + NODE_HEIGHT / 2);
            let (far, up, down) = (right + 34, middle - 26, middle + 26);
            return format!(
                "M{right} {} C{far} {up},{far} {down},{right} {}",
                middle - 10,
                middle + 10
            );
        }
        if from.row == to.row {
            // Neighbours of a row meet above it.
            let side = (to.x - from.x).signum() * 14;
            let (start, end, up) = (
                from.x + side,
                to.x - side,
                from.y - 28 - (to.x - from.x).abs() / 24,
            );
            return format!("M{start} {} C{start} {up},{end} {up},{end} {}", from.y, to.y);
        }
        let down = from.y < to.y;
        let mut points = vec![(from.x, if down { from.y + NODE_HEIGHT } else { from.y })];
        let (low, _) = self.between(edge);
        let mut passed: Vec<(i64, i64)> = Vec::new();
        for (number, x) in ways.iter().enumerate() {
            let row = low + 1 + number;
            if let Some(place) = self.places.iter().find(|place| place.row == row) {
                passed.push((*x, place.y));
                passed.push((*x, place.y + NODE_HEIGHT));
            }
        }
        if !down {
            passed.reverse();
        }
        points.extend(passed);
        points.push((to.x, if down { to.y } else { to.y + NODE_HEIGHT }));
        let mut path = format!("M{} {}", from.x, points[0].1);
        for pair in points.windows(2) {
            let [(x, y), (next, end)] = pair else { continue };
            let bend = (end - y) / 2;
            path += &format!(" C{x} {},{next} {},{next} {end}", y + bend, end - bend);
        }
        path
    }
}

fn label_width(edge: &PictureEdge) -> i64 {
    let lines = label(edge);
    lines.iter().map(|line| width(&short(line), 6)).max().unwrap_or(0) + 14
}

/// About how wide a text is; letters of East Asia take twice the room.
pub(super) fn width(text: &str, letter: i64) -> i64 {
    let one = |c: char| {
        if u32::from(c) >= 0x2e80 {
            2 * letter
        } else {
            letter
        }
    };
    text.chars().map(one).sum()
}
