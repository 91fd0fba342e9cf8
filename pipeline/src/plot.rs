//! Pictures as SVG: panels of labelled points over two axes. No dependency, no fonts, the same bytes for the
//! same points.

use std::fmt::Write;

/// A point with the letter that it is known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Along the horizontal axis; `None` = off the scale: drawn at the far end.
    pub x: Option<f64>,
    /// Along the vertical axis.
    pub y: f64,
    /// One to three characters.
    pub label: String,
    /// Drawn as the one that matters.
    pub chosen: bool,
}

/// An axis. Ends follow from the points.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it measures, with its unit.
    pub title: String,
    /// Equal ratios are equal lengths; values must be above 0.
    pub log: bool,
    /// Text of a tick.
    pub format: fn(f64) -> String,
}

/// One picture among others.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// Horizontal.
    pub x: Axis,
    /// Vertical.
    pub y: Axis,
    /// What is shown.
    pub points: Vec<Point>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 48.0;
const TICKS: usize = 5;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:13px}\
.a{fill:#555}.g{stroke:#ddd}.p{fill:#4477aa}.c{fill:#cc3311}.l{fill:#fff;font-size:10px;text-anchor:middle}";

/// Panels side by side, `columns` in a row, as one SVG document.
pub fn svg(panels: &[Panel], columns: usize) -> String {
    let columns = columns.clamp(1, panels.len().max(1));
    let rows = panels.len().div_ceil(columns).max(1);
    let (width, height) = (WIDTH * columns as f64, HEIGHT * rows as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = ((at % columns) as f64 * WIDTH, (at / columns) as f64 * HEIGHT);
        let _ = writeln!(out, "<g transform=\"translate({x},{y})\">{}</g>", body(panel));
    }
    out + "</svg>\n"
}

/// Where values of an axis lie.
struct Scale {
    log: bool,
    low: f64,
    high: f64,
    begin: f64,
    end: f64,
}

impl Scale {
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, begin: f64, end: f64) -> Self {
        let fold = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
        let usable = values.filter(|v| v.is_finite() && (!axis.log || *v > 0.0));
        let (mut low, mut high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        if axis.log {
            (low, high) = (low / 1.3, high * 1.3);
        } else {
            let margin = ((high - low) * 0.08).max(high.abs() * 1e-3).max(1e-9);
            // What is never negative begins at 0, not below.
            let least = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            (low, high) = ((low - margin).max(least), high + margin);
        }
        Self { log: axis.log, low, high, begin, end }
    }

    fn place(&self, value: f64) -> f64 {
        let part = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.begin + part.clamp(0.0, 1.0) * (self.end - self.begin)
    }

    /// Round values inside: 1, 2, 5 times powers of ten.
    fn ticks(&self) -> Vec<f64> {
        let round = |exponent: i32, digit: f64| digit * 10f64.powi(exponent);
        if self.log {
            let exponents = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let digits: &[f64] =
                if self.high / self.low > 500.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = exponents.flat_map(|e| digits.iter().map(move |d| round(e, *d)));
            return all.filter(|v| (self.low..=self.high).contains(v)).collect();
        }
        let raw = (self.high - self.low) / TICKS as f64;
        let exponent = raw.log10().floor() as i32;
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|digit| round(exponent, digit))
            .into_iter()
            .find(|step| *step >= raw)
            .unwrap_or(raw);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|n| n as f64 * step).take_while(|v| *v <= self.high).collect()
    }
}

fn body(panel: &Panel) -> String {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let x = Scale::new(&panel.x, panel.points.iter().filter_map(|p| p.x), LEFT, right - 20.0);
    let y = Scale::new(&panel.y, panel.points.iter().map(|p| p.y), bottom, TOP);
    let mut out =
        format!("<text class=\"t\" x=\"{LEFT}\" y=\"20\">{}</text>", escaped(&panel.title));
    for tick in x.ticks() {
        let (at, words) = (x.place(tick), escaped(&(panel.x.format)(tick)));
        let _ = write!(
            out,
            "<line class=\"g\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"a\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{words}</text>",
            bottom + 16.0
        );
    }
    for tick in y.ticks() {
        let (at, words) = (y.place(tick), escaped(&(panel.y.format)(tick)));
        let _ = write!(
            out,
            "<line class=\"g\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"a\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    let (middle, below) = ((LEFT + right) / 2.0, HEIGHT - 10.0);
    let _ = write!(
        out,
        "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"translate(14,{}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        escaped(&panel.x.title),
        (TOP + bottom) / 2.0,
        escaped(&panel.y.title)
    );
    for point in &panel.points {
        let (at_x, at_y) = (point.x.map_or(right - 6.0, |v| x.place(v)), y.place(point.y));
        let class = if point.chosen { "c" } else { "p" };
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"8\"/>\
             <text class=\"l\" x=\"{at_x:.1}\" y=\"{:.1}\">{}</text>",
            at_y + 3.5,
            escaped(&point.label)
        );
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(log: bool, values: &[f64]) -> Scale {
        let axis = Axis { title: String::new(), log, format: |v| v.to_string() };
        Scale::new(&axis, values.iter().copied(), 0.0, 100.0)
    }

    #[test]
    fn ticks_are_round_and_inside() {
        for (log, values) in
            [(false, vec![0.0, 7.3]), (false, vec![-3.0, 3.0]), (true, vec![2.0, 900.0])]
        {
            let scale = scale(log, &values);
            let ticks = scale.ticks();
            assert!((2..=12).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|t| *t >= scale.low && *t <= scale.high), "{ticks:?}");
            assert!(values.iter().all(|v| (0.0..=100.0).contains(&scale.place(*v))));
            assert!(scale.place(values[0]) < scale.place(values[1]));
        }
    }

    #[test]
    fn strange_points_make_a_picture_all_the_same() {
        let axis = |log| Axis { title: "a < b".into(), log, format: |v| format!("{v:.0}") };
        for points in [vec![], vec![(None, 0.0)], vec![(Some(1.0), 2.0), (Some(1.0), 2.0)]] {
            let points =
                points.into_iter().map(|(x, y)| Point { x, y, label: "a&".into(), chosen: false });
            let panel = Panel {
                title: "t".into(),
                x: axis(true),
                y: axis(false),
                points: points.collect(),
            };
            let text = svg(&[panel.clone(), panel], 2);
            assert!(text.contains("a &lt; b") && !text.contains("NaN"), "{text}");
        }
    }
}
