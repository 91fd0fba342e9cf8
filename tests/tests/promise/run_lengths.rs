//! Mean panes to a false alarm beside the promise `A`, and to the detection of a change.

use driftline_tests::promise::{Flaw, Plan, RunLengths};
use driftline_tests::streams::{Change, Law};

use super::full;

/// Runs are cut at so many times the promise; the mean of cut runs is a lower bound.
const CAP: usize = 10;
const EVENTS: [usize; 3] = [1_000, 2_000, 10_000];
const ZONES: [f64; 2] = [0.0, 0.1];

fn sized(plan: Plan) -> Plan {
    let (baselines, runs) = match (full(), plan.promise > 1_000.0) {
        (false, _) => (24, 3),
        (true, false) => (80, 6),
        (true, true) => (40, 3),
    };
    Plan { baselines, runs, ..plan }
}

fn show(plan: &Plan, seen: &RunLengths) {
    println!(
        "| {:?} | {} | {} | {} | {:.0} +- {:.0} | {:.0} | {:.0} | {:.0} % |",
        plan.law,
        plan.events,
        plan.zone,
        plan.promise,
        seen.mean,
        seen.error,
        seen.tenth,
        seen.median,
        100.0 * seen.censored
    );
}

/// Whether run lengths contradict the promise by more than three standard errors.
fn broken(plan: &Plan, seen: &RunLengths) -> bool {
    seen.mean + 3.0 * seen.error < plan.promise
}

fn check(promises: &[(f64, &[usize])]) {
    println!("| law | baseline | zone | A | mean run length | 10 % | median | cut |");
    let mut wrong = Vec::new();
    for law in Law::ALL {
        for (promise, sizes) in promises {
            for events in *sizes {
                for zone in ZONES {
                    let plan = sized(Plan::new(law, *events, zone, *promise));
                    let seen = plan.run_lengths(CAP);
                    show(&plan, &seen);
                    if broken(&plan, &seen) {
                        wrong.push(format!("{plan:?}: {seen:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn false_alarms_are_as_rare_as_promised() {
    check(&[(200.0, &EVENTS)]);
}

#[test]
fn false_alarms_are_as_rare_as_promised_at_a_larger_threshold() {
    if full() {
        check(&[(2_000.0, &[2_000, 10_000])]);
        return;
    }
    // One law a kind, and the one that strains it most.
    for law in [Law::Lognormal, Law::RareFlag, Law::Categories, Law::Autoregressive] {
        let plan = Plan { baselines: 12, runs: 1, ..Plan::new(law, 10_000, 0.1, 2_000.0) };
        let seen = plan.run_lengths(3);
        show(&plan, &seen);
        assert!(!broken(&plan, &seen), "{plan:?}: {seen:?}");
    }
}

/// The check must refuse versions that are wrong: else it says nothing.
#[test]
fn the_check_refuses_wrong_versions() {
    for (law, events, promise, flaw) in [
        (Law::Autoregressive, 10_000, 200.0, Flaw::NoTempering),
        (Law::PaneEffects, 10_000, 200.0, Flaw::NoTempering),
        (Law::Categories, 300, 2_000.0, Flaw::NoTemperingNoSlack),
        (Law::Gaussian, 10_000, 200.0, Flaw::Peeking),
    ] {
        let plan = sized(Plan { flaw, ..Plan::new(law, events, 0.0, promise) });
        let seen = plan.run_lengths(CAP);
        print!("{flaw:?} ");
        show(&plan, &seen);
        assert!(broken(&plan, &seen), "{plan:?}: {seen:?}");
    }
    // Events are independent here, so tempering is not missed, and slack alone makes the difference.
    let plan = Plan { flaw: Flaw::NoTempering, ..Plan::new(Law::Categories, 300, 0.0, 2_000.0) };
    let seen = sized(plan).run_lengths(CAP);
    show(&plan, &seen);
    assert!(!broken(&plan, &seen), "{seen:?}");
}

#[test]
fn changes_are_found_in_time() {
    const SHIFTS: [Change; 4] =
        [Change::Shift(0.1), Change::Shift(0.25), Change::Shift(0.5), Change::Shift(1.0)];
    const FACTORS: [Change; 3] = [Change::Factor(1.1), Change::Factor(1.25), Change::Factor(2.0)];
    // Standard deviations of Student's t with 3 degrees of freedom: the square root of 3.
    const T3: [Change; 4] =
        [Change::Shift(0.1732), Change::Shift(0.433), Change::Shift(0.866), Change::Shift(1.732)];
    // The largest mean delay that is let pass for the last change of each row, in panes of 50 events.
    let rows: [(Law, &[Change], f64); 8] = [
        (Law::Gaussian, &SHIFTS, 1.2),
        (Law::StudentT3, &T3, 1.2),
        (Law::Lognormal, &FACTORS, 1.6),
        (Law::Exponential, &FACTORS, 1.6),
        (Law::PaneEffects, &SHIFTS, 2.0),
        (Law::Autoregressive, &SHIFTS, 2.5),
        (Law::RareFlag, &[Change::Odds(2.0), Change::Odds(5.0)], 7.0),
        (Law::Categories, &[Change::Swap], 6.0),
    ];
    println!("| law | zone | change | mean delay in panes | missed |");
    for (law, changes, most) in rows {
        for zone in ZONES {
            let checked = if full() { changes } else { &changes[changes.len() - 1..] };
            for change in checked {
                let plan = sized(Plan::new(law, 10_000, zone, 200.0));
                let seen = Plan { runs: 2, ..plan }.delays(*change);
                println!(
                    "| {law:?} | {zone} | {change:?} | {:.1} +- {:.1} | {:.0} % |",
                    seen.mean,
                    seen.error,
                    100.0 * seen.missed
                );
                let last = *change == changes[changes.len() - 1];
                assert!(!last || seen.mean <= most + 3.0 * seen.error, "{law:?}: {seen:?}");
            }
        }
    }
}
