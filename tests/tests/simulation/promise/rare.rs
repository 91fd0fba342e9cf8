//! What is rare, one value a step: each event is far from normal, and no burst.

use driftline::model::Kind;
use driftline_detectors::baseline::Zone;
use driftline_tests::laws::{Law, Values};
use driftline_tests::promise::mean_and_error;
use driftline_tests::steps::{PROMISE, Reference};

const RUNS: u64 = 100;
const CAP: usize = 20_000;

/// Values from a change of a flag of 1 % to 5 % until it is found; it comes `before` values after `events`
/// were learned. Runs that alarm earlier are left out.
fn delays(events: usize, before: usize) -> Vec<Option<usize>> {
    let run = |seed| {
        let mut values = Values::new(Law::Flag { share: 0.01 }, 0x0a5e + seed);
        let learned: Vec<f64> = (0..events).map(|_| values.draw()).collect();
        let reference = Reference::learn(Kind::Flag, &learned, Zone::default());
        let mut watch = reference.watch();
        if (0..before).any(|_| watch.step(values.draw()) >= PROMISE.ln()) {
            return None;
        }
        values.change(Law::Flag { share: 0.05 });
        Some((1..=CAP).find(|_| watch.step(values.draw()) >= PROMISE.ln()))
    };
    (0..RUNS).filter_map(run).collect()
}

/// A CUSUM that knows both shares needs 112 values in the worst case. Where single events pass for bursts it
/// was 265.
#[test]
fn a_rare_flag_that_becomes_five_times_as_frequent_is_found() {
    let found: Vec<f64> =
        delays(10_000, 1_000).into_iter().map(|delay| delay.unwrap_or(CAP) as f64).collect();
    let (mean, error) = mean_and_error(&found);
    println!("{mean:.0} ± {error:.0} values");
    assert!(found.len() > 90 && mean < 200.0, "{mean} ± {error}");
}

/// One that comes at once, after few events were learned, is hardly ever taken for the baseline's error for
/// good. Where that may be of any size one in ten are.
#[test]
fn what_changes_in_the_first_ticks_is_found_in_the_end() {
    let found = delays(1_000, 50);
    let missed = found.iter().filter(|delay| delay.is_none()).count();
    println!("{missed} of {} missed", found.len());
    assert!(missed <= 4, "{missed} of {} missed", found.len());
}
