//! Distributions as bars of text.

use std::fmt::Write;

use driftline_detectors::baseline::Baseline;

use super::instance::readable;
use crate::model::finding::BarRecord;

const WIDTH: f64 = 40.0;

/// One distribution, code by code.
pub(super) fn one(baseline: &Baseline) -> String {
    let total = baseline.events().max(1) as f64;
    let label_width = (0..baseline.counts.len())
        .filter(|c| baseline.counts[*c] > 0)
        .map(|c| readable(&baseline.encoder.label(c)).chars().count())
        .max()
        .unwrap_or(0);
    let largest = baseline.counts.iter().max().copied().unwrap_or(1).max(1) as f64;
    let mut out = String::new();
    for (code, n) in baseline.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let share = *n as f64 / total;
        let bar = bar(*n as f64 / largest);
        let label = readable(&baseline.encoder.label(code));
        let _ = writeln!(out, "  {label:>label_width$} {:>6.2} % {bar}", share * 100.0);
    }
    out
}

/// Two distributions, side by side: the baseline's bar above, the later one's below.
pub(super) fn two(bars: &[BarRecord]) -> String {
    let sums = bars.iter().fold((0u64, 0u64), |s, b| (s.0 + b.baseline, s.1 + b.since_onset));
    let share = |b: &BarRecord| {
        (b.baseline as f64 / sums.0.max(1) as f64, b.since_onset as f64 / sums.1.max(1) as f64)
    };
    let largest = bars.iter().map(share).fold(1e-9, |m, (a, b)| f64::max(m, f64::max(a, b)));
    let label_width = bars.iter().map(|b| b.label.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for record in bars {
        let (before, now) = share(record);
        let label = &record.label;
        let _ = writeln!(
            out,
            "  {label:>label_width$} {:>6.2} % {}",
            before * 100.0,
            bar(before / largest)
        );
        let thin = bar(now / largest).replace('█', "▒");
        let _ = writeln!(out, "  {:>label_width$} {:>6.2} % {thin}", "", now * 100.0);
    }
    out
}

fn bar(part: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (part * WIDTH * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}
