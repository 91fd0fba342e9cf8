//! Alerts over hours of event time: one for a model, firing once while a drift lasts, resolved when it
//! ends, firing again when it comes back.

#![allow(clippy::print_stdout)] // delays and numbers of transitions are the point of the run

use driftline::model::settings::{HOUR_US, MINUTE_US};
use driftline::model::{Alert, Status};
use driftline_tests::course::{Stretch, calm, rows, settings, shifted, told};
use driftline_tests::telemetry::{START_US, seeds};
use driftline_tests::transcript::{Transcript, run_rows};

fn minutes(time: &str, course: &[Stretch], before: usize) -> f64 {
    let at = driftline::model::time::from_rfc3339(time).expect("alerts have times");
    let begun: i64 = course[..before].iter().map(|s| s.minutes).sum();
    (at - START_US) as f64 / MINUTE_US as f64 - begun as f64
}

fn with(transcript: &Transcript, status: Status) -> Vec<&Alert> {
    // An update of a firing alert repeats its state; a transition is where `startsAt` is new.
    let mut seen = std::collections::BTreeSet::new();
    let fresh = |a: &&Alert| a.status == status && seen.insert(a.starts_at.clone());
    transcript.alerts.iter().filter(fresh).collect()
}

#[test]
fn a_steady_drift_fires_once_and_resolves_once() {
    let mut faults = Vec::new();
    for stretch in [
        shifted(120, 0.3),
        shifted(120, 0.5),
        shifted(120, 1.0),
        shifted(120, 2.0),
        shifted(120, -0.5),
        Stretch { odds: 1.6, ..shifted(120, 0.0) },
        Stretch { odds: 3.0, ..shifted(120, 0.0) },
    ] {
        let (mut delays, mut resolved, mut firings, mut flaps) = (vec![], vec![], 0, 0);
        for seed in seeds(0..6) {
            let course = [calm(90), stretch, calm(90)];
            let transcript = run_rows(&settings(), &rows(seed, &course));
            let (on, off) =
                (with(&transcript, Status::Firing), with(&transcript, Status::Resolved));
            firings += on.len();
            flaps += off.iter().filter(|a| minutes(&a.at, &course, 2) <= 0.0).count();
            delays.extend(on.first().map(|a| minutes(&a.at, &course, 1)));
            resolved.extend(off.last().map(|a| minutes(&a.at, &course, 2)));
            let what = format!("{} sigma, odds {}, seed {seed}", stretch.sigma, stretch.odds);
            if on.len() != 1 || off.len() != 1 {
                faults.push(format!("{what}: {} firing, {} resolved", on.len(), off.len()));
            }
            // Nor does one series come and go under the alert.
            let mut metrics: Vec<&str> =
                transcript.findings.iter().map(|f| f.metric.as_str()).collect();
            metrics.sort_unstable();
            if metrics.windows(2).any(|pair| pair[0] == pair[1]) {
                faults.push(format!("{what}: {:#?}", told(&transcript.findings)));
            }
        }
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len().max(1) as f64;
        println!(
            "{:4} sigma, odds {}: fired {firings}, resolved while it lasted {flaps}, fires after \
             {:.1} min, resolves after {:.1} min (at most {:.1})",
            stretch.sigma,
            stretch.odds,
            mean(&delays),
            mean(&resolved),
            resolved.iter().copied().fold(0.0, f64::max),
        );
        // What lasted for hours has to be quiet for four times the five minutes of `[alert] resolve`: it was
        // ten minutes while evidence of odds of 10,000 to one was enough. A rare flag that is a little less
        // rare is slow to show, and slow to be gone.
        let most = if stretch.odds == 1.6 { 60.0 } else { 21.0 };
        if resolved.iter().any(|after| *after > most) {
            faults.push(format!("{} sigma: resolved after {resolved:?} min", stretch.sigma));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn findings_of_a_model_share_an_alert_and_it_fires_again_when_the_drift_comes_back() {
    for seed in seeds(0..4) {
        let both = Stretch { odds: 6.0, ..shifted(40, 1.0) };
        let course = [calm(90), both, shifted(60, 0.0), both, shifted(60, 0.0)];
        let transcript = run_rows(&settings(), &rows(seed, &course));
        let (on, off) = (with(&transcript, Status::Firing), with(&transcript, Status::Resolved));
        assert_eq!((on.len(), off.len()), (2, 2), "seed {seed}: {:#?}", told(&transcript.findings));
        assert!(on[0].at < off[0].at && off[0].at < on[1].at && on[1].at < off[1].at);
        for alert in off {
            assert_eq!(alert.metrics, ["error", "latency_ms", "tokens"], "seed {seed}");
            // One finding may be of several series that crossed together.
            let listed = transcript.findings.iter().filter(|f| alert.findings.contains(&f.id));
            let series: usize = listed.map(|finding| finding.carriers.len().max(1)).sum();
            assert!(series >= 3 && alert.ends_at.is_some(), "seed {seed}");
            assert_eq!(alert.fingerprint, on[0].fingerprint);
        }
    }
}

#[test]
fn a_held_alert_is_pending_first_and_a_short_one_never_fires() {
    let mut held = settings();
    held.alert.hold_us = 20 * MINUTE_US;
    let course = [calm(90), shifted(60, 1.0), calm(90)];
    for seed in seeds(0..4) {
        let transcript = run_rows(&held, &rows(seed, &course));
        let states: Vec<Status> = {
            let mut states: Vec<Status> = transcript.alerts.iter().map(|a| a.status).collect();
            states.dedup();
            states
        };
        assert_eq!(states, [Status::Pending, Status::Firing, Status::Resolved], "seed {seed}");
        let (pending, firing) =
            (with(&transcript, Status::Pending)[0], with(&transcript, Status::Firing)[0]);
        let waited = minutes(&firing.at, &course, 1) - minutes(&pending.at, &course, 1);
        assert!((20.0..20.5).contains(&waited), "seed {seed}: {waited} min");
        assert_eq!(firing.starts_at, pending.starts_at, "seed {seed}");

        // A drift that is over before the hold ends: pending, then resolved.
        held.alert.hold_us = HOUR_US;
        let transcript = run_rows(&held, &rows(seed, &[calm(90), shifted(20, 1.0), calm(90)]));
        assert_eq!(with(&transcript, Status::Pending).len(), 1, "seed {seed}");
        assert_eq!(with(&transcript, Status::Firing).len(), 0, "seed {seed}");
        assert_eq!(with(&transcript, Status::Resolved).len(), 1, "seed {seed}");
        held.alert.hold_us = 20 * MINUTE_US;
    }
}

#[test]
fn what_went_away_while_it_was_held_wakes_nobody() {
    let mut held = settings();
    // The change ends so shortly before the hold does that it cannot be resolved by then.
    held.alert.hold_us = 12 * MINUTE_US;
    let (mut short, mut late, mut fired) = (0, 0, 0);
    let waited = |transcript: &Transcript, status| -> Option<f64> {
        let from = with(transcript, Status::Pending).first().map(|a| minutes(&a.at, &[], 0))?;
        with(transcript, status).first().map(|a| minutes(&a.at, &[], 0) - from)
    };
    for seed in seeds(0..24) {
        let gone = run_rows(&held, &rows(seed, &[calm(90), shifted(12, 0.5), calm(90)]));
        late += usize::from(waited(&gone, Status::Resolved).is_some_and(|after| after > 12.0));
        fired += with(&gone, Status::Firing).len();
        // One that goes on fires when the hold ends, or little later; a weak one, too.
        let sigma = if seed % 2 == 0 { 0.3 } else { 1.0 };
        let lasting = run_rows(&held, &rows(seed, &[calm(90), shifted(60, sigma), calm(90)]));
        let after = waited(&lasting, Status::Firing).expect("it fires");
        assert!((12.0..15.0).contains(&after), "seed {seed}, {sigma} sigma: {after} min");
        short += usize::from(after < 12.5);
    }
    println!("{late} of 24 resolved after the hold, {fired} fired; {short} of 24 fired at once");
    // All that are resolved after the hold would have fired without a second look.
    assert!(late >= 8 && fired * 3 <= late, "{late} were resolved after the hold, {fired} fired");
    assert!(short >= 20, "{short} of 24 fired as the hold ended");
}

#[test]
fn a_finding_that_rests_on_few_events_waits_for_more() {
    let course = [calm(90), shifted(60, 2.0), calm(90)];
    for seed in seeds(0..4) {
        let first = |events_min| {
            let mut settings = settings();
            settings.alert.events_min = events_min;
            let transcript = run_rows(&settings, &rows(seed, &course));
            let found = minutes(&transcript.findings[0].detected_at, &course, 1);
            let fired = with(&transcript, Status::Firing);
            (found, fired.first().map(|alert| minutes(&alert.at, &course, 1)))
        };
        // As found where nothing is asked for, and by default.
        let (found, fired) = first(0);
        assert_eq!(fired, Some(found), "seed {seed}");
        assert_eq!(first(30), (found, fired), "seed {seed}: the default delays nothing");
        // A pane has 30 events: ten minutes have 1,800.
        let (same, fired) = first(1_800);
        assert_eq!(same, found, "findings do not wait");
        let fired = fired.expect("it fires");
        assert!((9.5..12.0).contains(&fired), "seed {seed}: fires after {fired} min");
        // More than come while it lasts: pending, then resolved.
        assert_eq!(first(1_000_000).1, None, "seed {seed}");
    }
}

#[test]
fn resolving_takes_its_time() {
    let mut slow = settings();
    slow.alert.resolve_us = 30 * MINUTE_US;
    let course = [calm(90), shifted(10, 2.0), calm(90)];
    let transcript = run_rows(&slow, &rows(1, &course));
    let (on, off) = (with(&transcript, Status::Firing), with(&transcript, Status::Resolved));
    let open = minutes(&off[0].at, &course, 0) - minutes(&on[0].at, &course, 0);
    assert!(open >= 30.0, "resolved after {open} min");
}
