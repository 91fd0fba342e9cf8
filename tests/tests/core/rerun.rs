//! Ticks that were recorded, run again in their order: judged as the engine judged them.

use driftline::engine::RecordLimits;
use driftline::model::time::from_rfc3339;
use driftline_tests::course::{Stretch, calm, rows, settings};
use driftline_tests::telemetry::generator;
use driftline_tests::transcript::{Mix, opened, steps, take};

#[test]
fn recorded_ticks_in_their_order_give_the_findings_of_the_engine() {
    // Only errors change, twice: no two series cross together.
    let often = |minutes| Stretch { odds: 4.0, ..calm(minutes) };
    let rows = rows(5, &[calm(90), often(60), calm(120), often(60), calm(60)]);
    let settings = settings();
    let pane_us = settings.time.pane_us;
    let mut engine = opened(&settings, 1);
    engine.record(RecordLimits { series: 8, ticks: 1 << 20 });
    let mut findings = Vec::new();
    for step in steps(&[rows], Mix::Turns(500), &mut generator(6)) {
        findings.extend(take(&mut engine, &step).findings);
    }
    let records = engine.take_records();
    assert_eq!(records.len(), 3, "a record for each series");
    for record in &records {
        let log_threshold = engine.log_promise(record, settings.detect.budget_per_week);
        let mut rerun = engine.rerun(record).expect("it is watched");
        let mut crossed = Vec::new();
        for (at, time_us) in record.times_us().into_iter().enumerate() {
            let log = rerun.take_tick(record, at, time_us, time_us, log_threshold);
            if let Some(log) = log.filter(|log| *log >= log_threshold) {
                crossed.push((time_us + pane_us, log));
            }
        }
        let of_engine = findings.iter().filter(|finding| finding.metric == record.metric());
        let told = of_engine.map(|finding| {
            assert!(finding.carriers.is_empty(), "{}", finding.summary);
            let at_us = from_rfc3339(&finding.detected_at).expect("a time");
            (at_us, finding.evidence.log_mixture)
        });
        let told: Vec<(i64, f64)> = told.collect();
        assert_eq!(crossed.len(), told.len(), "{}: {crossed:?}, not {told:?}", record.metric());
        for (crossed, told) in crossed.iter().zip(&told) {
            // A finding tells it rounded.
            assert!(
                crossed.0 == told.0 && (crossed.1 - told.1).abs() < 1e-3,
                "{crossed:?} {told:?}"
            );
        }
        assert_eq!(crossed.len(), if record.metric() == "error" { 2 } else { 0 });
    }
}
