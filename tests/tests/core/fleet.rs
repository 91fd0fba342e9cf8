//! Fleet rules through the real engine: series of one model that are found together, and findings by their
//! false share.

use std::collections::BTreeSet;

use driftline::engine::Engine;
use driftline::model::settings::Fleet;
use driftline::model::{FieldPath, Finding, MetricField, Row, Settings, Status};
use driftline_detectors::evidence::budget::{fewest, together};
use driftline_tests::course::{Stretch, calm, shifted, told};
use driftline_tests::telemetry::{generator, seeds};
use driftline_tests::transcript::{
    Mix, Transcript, assert_same, finish, opened, run, run_rows, steps, take,
};
use rand::RngExt;

/// A weak change of all that a model has.
fn weak() -> [Stretch; 3] {
    [calm(90), Stretch { odds: 1.35, ..shifted(240, 0.13) }, calm(240)]
}

/// The latency is there twice, under another name: two series that depend on each other as much as any can,
/// and that need only half of the evidence each.
const TWIN: &str = "latency_again";

/// Without a zone, so that whatever changes counts.
fn settings() -> Settings {
    let mut settings = driftline_tests::course::settings();
    let (kind, path) = (settings.metrics[0].kind, FieldPath(TWIN.into()));
    settings.layout.metrics.push(MetricField { name: TWIN.into(), path, kind });
    settings.metrics.push(settings.metrics[0].clone());
    settings.metrics.last_mut().expect("just pushed").name = TWIN.into();
    for metric in &mut settings.metrics {
        (metric.zone_sigma, metric.zone_odds) = (0.0, 0.0);
    }
    settings
}

fn by_share() -> Settings {
    let mut settings = settings();
    settings.detect.fleet = Fleet::Share;
    settings.detect.false_share_per_week = 1.0;
    settings
}

fn rows(seed: u64, course: &[Stretch]) -> Vec<Row> {
    let mut rows = driftline_tests::course::rows(seed, course);
    for row in &mut rows {
        row.metrics.push(row.metrics[0].clone());
    }
    rows
}

/// The same bytes with the engine restored from a snapshot on the way, and in other batches.
fn assert_restartable(settings: &Settings, rows: &[Row], seed: u64) {
    let mut random = generator(seed ^ 0xf1);
    let partitions = [rows.to_vec()];
    let mix = steps(&partitions, Mix::Turns(400), &mut random);
    let expected = run(settings, 1, &mix);
    let other = run(settings, 1, &steps(&partitions, Mix::Turns(37), &mut random));
    assert_same(&expected, &other, &format!("seed {seed}, other batches"));
    for _ in 0..6 {
        let cut = random.random_range(0..mix.len());
        let (mut engine, mut made) = (opened(settings, 1), Transcript::default());
        mix[..cut].iter().for_each(|step| made.add(take(&mut engine, step)));
        let engine = Engine::restore(settings.clone(), &engine.snapshot()).expect("a snapshot");
        let rest = finish(engine, &mix[cut..]);
        made.findings.extend(rest.findings);
        made.alerts.extend(rest.alerts);
        made.counters = rest.counters;
        assert_same(&expected, &made, &format!("seed {seed}, restored at step {cut}"));
    }
}

#[test]
fn series_that_move_a_little_are_found_together_and_resolved_together() {
    let mut found = 0;
    for seed in seeds(0..8) {
        let rows = rows(seed, &weak());
        let transcript = run_rows(&settings(), &rows);
        let of_kind = |finding: &&Finding| finding.kind == "model";
        for finding in transcript.findings.iter().filter(of_kind) {
            found += 1;
            let evidence = &finding.evidence;
            let logs: Vec<f64> = finding.carriers.iter().map(|c| c.log_mixture).collect();
            assert!(logs.len() >= 2, "{finding:?}");
            assert!(logs.is_sorted_by(|a, b| a >= b), "{logs:?}");
            // None alone, nor all but the last.
            let asked = evidence.log_threshold;
            assert!(logs.iter().all(|log| *log < asked), "{logs:?} {asked}");
            let (count, sum) = fewest(&logs, asked - 1e-4).expect("they have it together");
            assert_eq!(count, logs.len(), "{logs:?} {asked}");
            assert!((sum - evidence.log_mixture).abs() < 1e-3, "{sum} {evidence:?}");
            let first = &finding.carriers[0];
            assert_eq!((&first.metric, &first.change), (&finding.metric, &finding.change));
            let metrics: BTreeSet<&str> =
                finding.carriers.iter().map(|c| c.metric.as_str()).collect();
            assert_eq!(metrics.len(), logs.len());
            let of = |a: &&driftline::model::Alert| a.findings.contains(&finding.id);
            let alerts: Vec<_> = transcript.alerts.iter().filter(of).collect();
            assert!(metrics.iter().all(|m| alerts[0].metrics.iter().any(|own| own == m)));
            // Over only after the change is.
            let resolved = alerts.iter().find(|a| a.status == Status::Resolved);
            let resolved = resolved.unwrap_or_else(|| panic!("{:?}", told(&transcript.findings)));
            assert!(resolved.at > finding.detected_at);
        }
        if seed < 2 {
            assert_restartable(&settings(), &rows, seed);
        }
    }
    assert!(found >= 4, "only {found} findings of series together");
}

#[test]
fn by_share_those_that_cross_together_are_asked_for_less() {
    let (mut several, mut alone) = (0, 0);
    for seed in seeds(0..3) {
        let rows = rows(seed, &weak());
        let transcript = run_rows(&by_share(), &rows);
        assert!(!transcript.findings.is_empty(), "seed {seed}");
        for finding in &transcript.findings {
            let evidence = &finding.evidence;
            assert_eq!(evidence.false_share_per_week, Some(1.0));
            let k = evidence.together.expect("how many crossed");
            let one = (evidence.series as f64 * 60_480.0).ln();
            assert!((evidence.log_threshold - (one - (k as f64).ln())).abs() < 1e-4);
            assert!(evidence.log_mixture >= evidence.log_threshold, "{evidence:?}");
            several += usize::from(k > 1);
            alone += usize::from(k == 1);
            assert!(finding.carriers.is_empty());
        }
        assert_restartable(&by_share(), &rows, seed);
    }
    assert!(several > 0 && alone > 0, "{several} {alone}");
}

/// The step-up procedure, word by word: of all sets, the largest whose members all have enough for it.
#[test]
fn as_many_cross_together_as_the_procedure_says() {
    let mut random = generator(0xebd);
    let mut crossed = [0; 6];
    for _ in 0..20_000 {
        let series = random.random_range(0..12);
        let log_threshold = 8.0;
        let mut logs: Vec<f64> =
            (0..series).map(|_| log_threshold - random.random_range(-1.0..5.0)).collect();
        logs.sort_by(|a, b| b.total_cmp(a));
        let largest = (0..1u32 << series)
            .filter(|set| {
                let asked = log_threshold - f64::from(set.count_ones()).ln();
                (0..series).filter(|i| set >> i & 1 == 1).all(|i| logs[i] >= asked)
            })
            .map(u32::count_ones)
            .max();
        let count = together(&logs, log_threshold);
        assert_eq!(Some(count as u32), largest, "{logs:?}");
        crossed[count.min(5)] += 1;
    }
    assert!(crossed.iter().all(|n| *n > 100), "{crossed:?}");
}

#[test]
fn what_series_carry_together_gets_worse_and_is_resolved_with_the_last_of_them() {
    let mut updates = 0;
    for seed in seeds(0..4) {
        let weak = Stretch { odds: 1.35, ..shifted(120, 0.13) };
        let course = [calm(90), weak, shifted(60, 2.0), calm(120)];
        let transcript = run_rows(&settings(), &rows(seed, &course));
        let together: BTreeSet<&str> = transcript
            .findings
            .iter()
            .filter(|finding| finding.kind == "model")
            .map(|finding| finding.id.as_str())
            .collect();
        for update in transcript.findings.iter().filter(|finding| finding.updates.is_some()) {
            let of = update.updates.as_deref().unwrap_or_default();
            updates += usize::from(together.contains(of));
            assert!(update.carriers.is_empty(), "{update:?}");
            let has = |alert: &&driftline::model::Alert| alert.findings.contains(&update.id);
            let alert = transcript.alerts.iter().find(has).expect("its alert");
            assert!(alert.findings.iter().any(|id| id == of), "{alert:?}");
        }
        let worst = transcript.alerts.iter().any(|a| a.annotations["severity"] == "critical");
        let last = transcript.alerts.last().map(|alert| alert.status);
        let told = told(&transcript.findings);
        assert!(worst && last == Some(Status::Resolved), "seed {seed}: {told:#?}");
    }
    assert!(updates > 0, "no finding of several series was updated");
}
