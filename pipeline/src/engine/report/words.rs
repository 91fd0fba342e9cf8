//! A finding in words: kinds, severities, figures and the sentence for a person.

use driftline_detectors::encoder::Encoder;
use driftline_detectors::lanes::Lane;

use crate::model::Finding;
use crate::model::finding::EffectRecord;
use crate::model::time::{from_rfc3339, span};

/// Series that the summary of a finding names.
const CARRIERS_NAMED: usize = 8;

/// Six significant digits: what a person can use, and no noise in the bytes.
pub(crate) fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

pub(crate) fn kind_of(lane: &Lane, encoder: &Encoder) -> &'static str {
    let Lane::Share { codes, .. } = lane else {
        return match lane {
            Lane::Location(_) => "shift",
            Lane::Scale(_) => "spread",
            _ => "shape",
        };
    };
    match (codes.first().map_or(0, |c| usize::from(*c)), encoder) {
        (c, _) if c == encoder.null() => "missing",
        (c, _) if c == encoder.invalid() => "invalid",
        (_, Encoder::Number(_)) => "out_of_range",
        (_, Encoder::Flag(_)) => "rate",
        (c, Encoder::Category(e)) if c == e.values().len() + 1 => "unseen",
        (c, Encoder::Vector(e)) if c == e.centroids() => "unseen",
        _ => "mix",
    }
}

pub(crate) fn severity_of(unit: &str, value: f64) -> &'static str {
    let large = match unit {
        "sigma" => value.abs() >= 1.0,
        "share" => value.abs() >= 0.1,
        _ => !(0.5..2.0).contains(&value),
    };
    if large { "critical" } else { "warning" }
}

/// Whether an effect is anything to its printed digits.
pub(crate) fn is_seen(unit: &str, value: f64) -> bool {
    match unit {
        "sigma" => value.abs() >= 0.005,
        "sd_ratio" => (value - 1.0).abs() >= 0.005,
        _ => value != 0.0,
    }
}

/// One sentence for a person.
pub(crate) fn summary(finding: &Finding, delay_us: i64) -> String {
    let EffectRecord { unit, value, before, after, .. } = &finding.effect;
    // Where a finding is updated, what it was before that.
    let between = |write: fn(f64) -> String| -> String {
        finding.effect.previous.map_or(String::new(), |share| format!("{} -> ", write(share)))
    };
    let size = match (unit.as_str(), before, after) {
        ("share", Some(before), Some(after)) => {
            format!("{} -> {}{}", percent(*before), between(percent), percent(*after))
        }
        ("share", ..) => format!("{} of events moved", percent(value.abs())),
        ("expected_events", ..) => format!("about {value:.0} events were to be expected"),
        ("sd_ratio", ..) => format!("spread x {value:.2}"),
        (_, Some(before), Some(after)) => {
            let unit =
                if finding.unit.is_empty() { String::new() } else { format!(" {}", finding.unit) };
            let (before, after) = (plain(*before), plain(*after));
            format!("median {before} -> {}{after}{unit}, {value:+.2} sigma", between(plain))
        }
        _ => format!("{value:+.2} sigma"),
    };
    let mut about = finding.model.clone();
    if let Some(version) = finding.version.as_ref().filter(|v| !v.is_empty()) {
        about = format!("{about} {version}");
    }
    if !finding.segments.is_empty() {
        let parts: Vec<String> = finding.segments.iter().map(|(k, v)| format!("{k}={v}")).collect();
        about = format!("{about} [{}]", parts.join(", "));
    }
    let again = if finding.updates.is_some() { "changed again: " } else { "" };
    format!(
        "{about}: {} {again}{} ({size}) since {}, seen after {}",
        finding.metric,
        finding.change,
        finding.onset,
        span(delay_us)
    )
}

/// The same for a finding that some series carry together.
pub(crate) fn summary_together(finding: &Finding, end_us: i64) -> String {
    let named = finding.carriers.len().min(CARRIERS_NAMED);
    let mut all: Vec<String> =
        finding.carriers[..named].iter().map(|c| format!("{} {}", c.metric, c.change)).collect();
    let series = finding.carriers.len() + finding.carriers_more as usize;
    if series > named {
        all.push(format!("and {} others", series - named));
    }
    let delay_us = end_us - from_rfc3339(&finding.onset).unwrap_or(end_us);
    format!(
        "{}: {} series moved together ({}) since {}, seen after {}",
        finding.model,
        series,
        all.join(", "),
        finding.onset,
        span(delay_us)
    )
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p >= 1.0 => format!("{p:.1} %"),
        p if p >= 0.1 || p <= 0.0 => format!("{p:.2} %"),
        // Rare things become several times as frequent long before two decimals show them.
        p => {
            let decimals = (1.0 - libm::floor(libm::log10(p))) as usize;
            format!("{p:.*} %", decimals.min(9))
        }
    }
}

fn plain(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
