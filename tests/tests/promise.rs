#![allow(missing_docs, clippy::print_stdout)]
use driftline_tests::promise::{Flaw, Plan};
use driftline_tests::streams::{Change, Law};
#[test]
fn explore() {
    let only = std::env::var("LAWS").unwrap_or_default();
    let get = |n: &str, d: usize| std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let promise = get("A", 200) as f64;
    for law in Law::ALL {
        if !only.is_empty() && !only.contains(&format!("{law:?}")) { continue; }
        for events in [1000, 2000, 10_000] {
            for zone in [0.0, 0.1] {
                for flaw in [Flaw::None, Flaw::NoTempering, Flaw::NoSlack, Flaw::Peeking] {
                    if flaw != Flaw::None && std::env::var("FLAWS").is_err() { continue; }
                    let mut plan = Plan::new(law, events, zone, promise);
                    plan.flaw = flaw;
                    plan.baselines = get("B", 30);
                    plan.runs = get("R", 4);
                    let start = std::time::Instant::now();
                    let r = plan.run_lengths(10);
                    print!("{law:?} N={events} z={zone} {flaw:?}: {:.0} +- {:.0}; 10% {:.0} med {:.0} cens {:.2} [{:.1}s]", r.mean, r.error, r.tenth, r.median, r.censored, start.elapsed().as_secs_f64());
                    if std::env::var("DELAY").is_ok() {
                        plan.baselines = 15; plan.runs = 4;
                        for c in [Change::Shift(0.1), Change::Shift(0.25), Change::Shift(0.5), Change::Shift(1.0)] {
                            let d = plan.delays(c);
                            print!("  {:.1}+-{:.1}", d.mean, d.error);
                        }
                    }
                    println!();
                }
            }
        }
    }
}
