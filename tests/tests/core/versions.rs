//! Where a baseline comes from: the previous version, a file, a span of time. Each decides what is found.

use driftline::engine::{BaselineEntry, Engine};
use driftline::model::settings::{MINUTE_US, OnNewVersion};
use driftline::model::time::rfc3339;
use driftline_tests::course::{Stretch, calm, rows, settings, shifted, told};
use driftline_tests::telemetry::{START_US, seeds};
use driftline_tests::transcript::{Step, finish, open, opened, run_rows, take};

fn version(version: &'static str, stretch: Stretch) -> Stretch {
    Stretch { version, ..stretch }
}

#[test]
fn a_new_version_is_compared_with_the_one_before_or_learned_anew() {
    for seed in seeds(0..6) {
        let release = [version("1", calm(120)), version("2", shifted(90, 0.5))];
        let mut compare = settings();
        compare.baseline.on_new_version = OnNewVersion::Compare;
        let found = run_rows(&compare, &rows(seed, &release)).findings;
        // Both numbers moved, the flag did not.
        assert_eq!(found.len(), 2, "seed {seed}: {:#?}", told(&found));
        for finding in &found {
            assert_eq!(finding.version.as_deref(), Some("2"), "seed {seed}");
            assert_eq!((finding.kind.as_str(), finding.change.as_str()), ("shift", "higher"));
            assert_eq!(finding.baseline.from, rfc3339(START_US), "of the first version");
            assert!(finding.onset >= rfc3339(START_US + 119 * MINUTE_US), "seed {seed}");
            assert!(
                (0.25..1.0).contains(&finding.effect.value),
                "seed {seed}: {:#?}",
                told(&found)
            );
        }
        let same = [version("1", calm(120)), version("2", calm(90))];
        assert_eq!(run_rows(&compare, &rows(seed, &same)).findings, [], "seed {seed}");

        let mut learn = settings();
        learn.baseline.on_new_version = OnNewVersion::Learn;
        assert_eq!(run_rows(&learn, &rows(seed, &release)).findings, [], "seed {seed}");
        // Learned anew, it still notices what happens within the new version.
        let later = [&release[..], &[version("2", shifted(60, 1.5))]].concat();
        let found = run_rows(&learn, &rows(seed, &later)).findings;
        assert_eq!(found.len(), 2, "seed {seed}: {:#?}", told(&found));
        let own = rfc3339(START_US + 120 * MINUTE_US);
        assert!(found.iter().all(|f| f.baseline.from == own), "seed {seed}");
    }
}

#[test]
fn loaded_baselines_judge_from_the_first_pane_on() {
    for seed in seeds(0..6) {
        let mut engine = opened(&settings(), 1);
        take(&mut engine, &Step::Rows(0, rows(seed, &[calm(90)])));
        take(&mut engine, &Step::End(0));
        let made = engine.baselines(true);
        assert_eq!(made.len(), 3);
        // As a file would hold them.
        let text: Vec<String> =
            made.iter().map(|e| serde_json::to_string(e).expect("an entry is JSON")).collect();
        let read: Vec<BaselineEntry> =
            text.iter().map(|t| serde_json::from_str(t).expect("the same entry")).collect();
        assert_eq!(read, made);

        let judge = |course: &[Stretch]| {
            let mut engine = Engine::new(settings());
            engine.load_baselines(read.clone(), "file good.baseline");
            open(&mut engine, 1);
            finish(engine, &[Step::Rows(0, rows(seed + 100, course)), Step::End(0)]).findings
        };
        let found = judge(&[shifted(20, 1.0)]);
        let metrics: Vec<&str> = found.iter().map(|f| f.metric.as_str()).collect();
        assert_eq!(metrics, ["latency_ms", "tokens"], "seed {seed}");
        for finding in &found {
            assert!(finding.detected_at <= rfc3339(START_US + MINUTE_US), "seed {seed}");
            assert_eq!(finding.onset, rfc3339(START_US), "seed {seed}");
            assert_eq!(finding.baseline.source, "file good.baseline");
        }
        assert_eq!(judge(&[calm(60)]), [], "seed {seed}");
        // Without them the same events are what is learned from.
        let own = run_rows(&settings(), &rows(seed + 100, &[shifted(20, 1.0)])).findings;
        assert_eq!(own, [], "seed {seed}");
        // They hold for versions that come later, too.
        let later = judge(&[version("9", shifted(20, 1.0))]);
        assert_eq!(later.len(), 2, "seed {seed}");
    }
}

#[test]
fn a_baseline_of_a_time_range_is_of_that_range() {
    for seed in seeds(0..6) {
        // Before the range the model was being tuned: nothing of it may be learned.
        let quiet = [shifted(45, 2.0), calm(60), calm(90)];
        let (from, to) = (START_US + 45 * MINUTE_US, START_US + 105 * MINUTE_US);
        let mut ranged = settings();
        ranged.baseline.range_us = Some((from, to));
        assert_eq!(run_rows(&ranged, &rows(seed, &quiet)).findings, [], "seed {seed}");
        assert!(
            !run_rows(&settings(), &rows(seed, &quiet)).findings.is_empty(),
            "seed {seed}: learned from the first part, the range would be a change"
        );
        let drift = [&quiet[..], &[shifted(60, 0.5)]].concat();
        let found = run_rows(&ranged, &rows(seed, &drift)).findings;
        assert_eq!(found.len(), 2, "seed {seed}: {:#?}", told(&found));
        for finding in &found {
            let (baseline, events) = (&finding.baseline, finding.baseline.events);
            assert_eq!(baseline.source, "range");
            assert_eq!((&baseline.from, &baseline.to), (&rfc3339(from), &rfc3339(to)));
            assert_eq!(events, 60 * 6 * 30, "all events of the range, and no others");
        }
    }
}
