//! A finding that series of one model carry together, none of which is sure alone.

use crate::engine::decision::Decision;
use crate::engine::report::words::{round, summary_together};
use crate::model::Finding;
use crate::model::finding::{CarrierRecord, SEVERITIES};

/// Series that a finding lists; the others are counted.
pub(crate) const CARRIERS_LISTED: usize = 100;

/// A series that carries a finding with others.
pub(crate) struct Carrier {
    /// The finding that it would be if it were sure alone.
    pub(crate) finding: Finding,
    /// Its part of the evidence, as if it ticked each pane.
    pub(crate) log_mixture: f64,
}

/// The finding of `all` series of a model, of which `listed` are those with the most evidence, the first with
/// the most: it is told as that one's. None where none is listed.
pub(crate) fn carried_together(
    listed: Vec<Carrier>,
    all: usize,
    log_sum: f64,
    decision: &Decision,
) -> Option<Finding> {
    let mut finding = listed.first()?.finding.clone();
    if listed.len() == 1 {
        return Some(finding);
    }
    let has = |severity: &&str| listed.iter().any(|of| of.finding.severity == *severity);
    if let Some(worst) = SEVERITIES.into_iter().find(has) {
        finding.severity = worst.into();
    }
    finding.carriers_more = (all - listed.len()) as u32;
    finding.carriers = listed.into_iter().map(carrier_record).collect();
    finding.kind = "model".into();
    finding.evidence.log_mixture = round(log_sum);
    finding.summary = summary_together(&finding, decision.end_us);
    Some(finding)
}

fn carrier_record(carrier: Carrier) -> CarrierRecord {
    let Finding { version, segments, metric, change, onset, effect, .. } = carrier.finding;
    let log_mixture = round(carrier.log_mixture);
    CarrierRecord { version, segments, metric, change, onset, effect, log_mixture }
}
