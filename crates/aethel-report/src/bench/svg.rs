//! Small charts as inline SVG: lines on logarithmic axes, stacked bars, ranges. Colours and sizes come from the page's
//! style sheet, so that they follow light, dark and print.

#![allow(clippy::float_arithmetic, reason = "positions on a drawing, not money")]

use crate::escape::html;
use std::fmt::Write;

/// The drawing, in its own units; small, so that its text can be read on a phone.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it shows.
    pub label: String,
    /// Its colour: a class of the style sheet.
    pub class: &'static str,
    /// Drawn dashed: calculated, or the least that is possible.
    pub dashed: bool,
    /// Horizontal and vertical value, and what is shown beside the pointer.
    pub points: Vec<(f64, f64, String)>,
}

/// A logarithmic axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows.
    pub label: &'static str,
    /// The base of its ticks: 10 for sizes, 2 for cores.
    pub base: f64,
    /// How a tick is written.
    pub show: fn(f64) -> String,
}

/// Where values lie on an axis.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the power of the base below the least value to the one above the largest.
    fn new(values: impl Iterator<Item = f64>, base: f64, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0) {
            let power = value.log(base);
            low = low.min(power);
            high = high.max(power);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // The logarithm of a power may lie beside it by a rounding.
        let (low, high) = ((low + 1e-9).floor(), (high - 1e-9).ceil());
        let high = if high <= low { low + 1.0 } else { high };
        Scale { low, high, from, to }
    }

    fn at_power(&self, power: f64) -> f64 {
        self.from + (power - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    fn at(&self, value: f64, base: f64) -> f64 {
        self.at_power(value.max(f64::MIN_POSITIVE).log(base).clamp(self.low, self.high))
    }

    /// Powers with a tick: not more than eight.
    fn ticks(&self) -> Vec<f64> {
        let count = (self.high - self.low) as usize;
        let step = count.div_ceil(8).max(1);
        (0..=count).step_by(step).map(|n| self.low + n as f64).collect()
    }
}

fn open(label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
        html(label)
    )
}

fn grid_vertical(out: &mut String, scale: &Scale, axis: &Axis) {
    for power in scale.ticks() {
        let y = scale.at_power(power);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>",
            WIDTH - RIGHT
        );
        let label = (axis.show)(axis.base.powf(power));
        let _ = writeln!(
            out,
            "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            html(&label)
        );
    }
}

fn below(out: &mut String, x: f64, label: &str) {
    let y = HEIGHT - BOTTOM + 16.0;
    let _ = writeln!(
        out,
        "<text class=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        html(label)
    );
}

fn axis_name(out: &mut String, label: &str) {
    let x = f64::midpoint(LEFT, WIDTH - RIGHT);
    let y = HEIGHT - 8.0;
    let _ = writeln!(
        out,
        "<text class=\"middle name\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        html(label)
    );
}

/// Lines over logarithmic axes.
pub fn lines(label: &str, x: &Axis, y: &Axis, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|one| &one.points);
    let across = Scale::new(points().map(|point| point.0), x.base, LEFT, WIDTH - RIGHT);
    let up = Scale::new(points().map(|point| point.1), y.base, HEIGHT - BOTTOM, TOP);
    let mut out = open(label);
    grid_vertical(&mut out, &up, y);
    for power in across.ticks() {
        below(&mut out, across.at_power(power), &(x.show)(x.base.powf(power)));
    }
    axis_name(&mut out, x.label);
    for one in series {
        let at: Vec<(f64, f64)> = one
            .points
            .iter()
            .map(|(h, v, _)| (across.at(*h, x.base), up.at(*v, y.base)))
            .collect();
        let path: Vec<String> = at.iter().map(|(h, v)| format!("{h:.1} {v:.1}")).collect();
        let dashed = if one.dashed { " dashed" } else { "" };
        let _ = writeln!(
            out,
            "<path class=\"line {}{dashed}\" d=\"M{}\"/>",
            one.class,
            path.join("L")
        );
        for ((h, v), (_, _, told)) in at.iter().zip(&one.points) {
            let _ = writeln!(
                out,
                "<circle class=\"dot {}{dashed}\" cx=\"{h:.1}\" cy=\"{v:.1}\" r=\"3.2\"><title>{}: {}</title></circle>",
                one.class,
                html(&one.label),
                html(told)
            );
        }
    }
    out + "</svg>"
}

/// A bar made of parts.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands below it.
    pub label: String,
    /// What stands above it.
    pub total: String,
    /// The class, the value, and what is shown beside the pointer.
    pub parts: Vec<(&'static str, f64, String)>,
}

/// Stacked bars over a linear axis that begins with zero. Bars that are cut off at the top say so by their number.
pub fn bars(label: &str, name: &str, show: fn(f64) -> String, bars: &[Bar]) -> String {
    let height = |bar: &Bar| bar.parts.iter().map(|part| part.1).sum::<f64>();
    let mut sorted: Vec<f64> = bars.iter().map(height).collect();
    sorted.sort_by(f64::total_cmp);
    // A tiny batch pays for what larger ones share: it must not flatten all other bars.
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    let tallest = sorted.last().copied().unwrap_or(1.0);
    let step = round_step(tallest.min(middle * 3.0).max(1e-9) / 4.0);
    let top = step * 4.0;
    let up = |value: f64| HEIGHT - BOTTOM - (value.min(top) / top) * (HEIGHT - BOTTOM - TOP - 10.0);
    let mut out = open(label);
    for n in 0..=4 {
        let value = step * f64::from(n);
        let y = up(value);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>",
            WIDTH - RIGHT
        );
        let tick = html(&show(value));
        let _ = writeln!(
            out,
            "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{tick}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    axis_name(&mut out, name);
    let room = (WIDTH - RIGHT - LEFT) / bars.len().max(1) as f64;
    let width = (room * 0.62).min(54.0);
    for (n, bar) in bars.iter().enumerate() {
        let middle = LEFT + room * (n as f64 + 0.5);
        let mut from = 0.0;
        for (class, value, told) in &bar.parts {
            let (y, end) = (up(from + value), up(from));
            from += value;
            let (x, tall) = (middle - width / 2.0, (end - y).max(0.0));
            let told = html(told);
            let _ = writeln!(
                out,
                "<rect class=\"fill {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\"><title>{told}</title></rect>"
            );
        }
        let cut = if from > top { " ↑" } else { "" };
        let (y, total) = (up(from) - 4.0, html(&bar.total));
        let _ = writeln!(
            out,
            "<text class=\"middle strong\" x=\"{middle:.1}\" y=\"{y:.1}\">{total}{cut}</text>"
        );
        below(&mut out, middle, &bar.label);
    }
    out + "</svg>"
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not less.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    nice.into_iter()
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power)
}

/// Marks at some values, joined from the first to the last.
#[derive(Clone, Debug)]
pub struct Range {
    /// What stands below it.
    pub label: String,
    /// Class and marks: value, and what is shown beside the pointer.
    pub columns: Vec<(&'static str, Vec<(f64, String)>)>,
}

/// Ranges over a logarithmic axis.
pub fn ranges(label: &str, name: &str, y: &Axis, ranges: &[Range]) -> String {
    let values = ranges
        .iter()
        .flat_map(|range| &range.columns)
        .flat_map(|column| &column.1);
    let up = Scale::new(values.map(|mark| mark.0), y.base, HEIGHT - BOTTOM, TOP);
    let mut out = open(label);
    grid_vertical(&mut out, &up, y);
    axis_name(&mut out, name);
    let room = (WIDTH - RIGHT - LEFT) / ranges.len().max(1) as f64;
    for (n, range) in ranges.iter().enumerate() {
        let middle = LEFT + room * (n as f64 + 0.5);
        let step = 18.0_f64.min(room / 3.0);
        let first = middle - step * (range.columns.len().max(1) - 1) as f64 / 2.0;
        for (k, (class, marks)) in range.columns.iter().enumerate() {
            let x = first + step * k as f64;
            if let (Some(low), Some(high)) = (marks.first(), marks.last()) {
                let (low, high) = (up.at(low.0, y.base), up.at(high.0, y.base));
                let _ = writeln!(
                    out,
                    "<path class=\"line {class}\" d=\"M{x:.1} {low:.1}V{high:.1}\"/>"
                );
            }
            for (index, (value, told)) in marks.iter().enumerate() {
                let at = up.at(*value, y.base);
                let radius = if index == 0 { 4.2 } else { 2.8 };
                let _ = writeln!(
                    out,
                    "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{at:.1}\" r=\"{radius}\"><title>{}</title></circle>",
                    html(told)
                );
            }
        }
        below(&mut out, middle, &range.label);
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_their_values() {
        let scale = Scale::new([10.0, 1000.0, 0.0].into_iter(), 10.0, 0.0, 100.0);
        assert_eq!((scale.low, scale.high), (1.0, 3.0));
        assert_eq!(scale.at(100.0, 10.0), 50.0);
        assert_eq!(scale.at(0.0, 10.0), 0.0);
        assert_eq!(scale.ticks(), [1.0, 2.0, 3.0]);
        let one = Scale::new([100.0].into_iter(), 10.0, 0.0, 100.0);
        assert!(one.high > one.low);
        let none = Scale::new(std::iter::empty(), 10.0, 0.0, 100.0);
        assert!(none.at(5.0, 10.0).is_finite());
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(
            [0.7, 1.0, 21.0, 2_600.0].map(round_step),
            [1.0, 1.0, 25.0, 5_000.0]
        );
    }

    #[test]
    fn labels_are_escaped() {
        let series = Series {
            label: "<b>".into(),
            class: "ours",
            dashed: false,
            points: vec![(1.0, 1.0, "\"&".into())],
        };
        let axis = Axis {
            label: "n",
            base: 10.0,
            show: |value| value.to_string(),
        };
        let drawn = lines("<i>", &axis, &axis, &[series]);
        assert!(drawn.contains("&lt;b&gt;: &quot;&amp;") && !drawn.contains("<b>") && !drawn.contains("<i>"));
    }
}
