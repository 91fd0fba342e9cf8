//! Pane scalars on simulated volume: seasonal, autocorrelated. Their promise rests on residuals that are
//! exchangeable, so it is measured, not proved.

use driftline_detectors::baseline::Zone;
use driftline_detectors::encoder::{Encoder, NumberEncoder};
use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::Tables;
use driftline_detectors::scalar::{Scalar, ScalarOutput, Transform, residual_baseline};
use driftline_tests::promise::mean_and_error;
use rand::SeedableRng;
use rand_distr::{Distribution, Poisson, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::full;

const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 1440 * MINUTE_US;
/// Days that are learned, and those that are watched.
const DAYS: (i64, i64) = (14, 7);
const SEED: u64 = 0x5ca1a;

/// How volume comes.
#[derive(Debug, Clone, Copy)]
struct Volume {
    every_us: i64,
    /// Correlation of the log rate between neighbouring spans, and its standard deviation.
    correlation: f64,
    deviation: f64,
    /// Mean events of a span.
    events: f64,
}

/// VarianceGrowth from the start of watching (false alarm) or from the change (delay) to the alarm.
fn length(volume: Volume, seed: u64, promise: f64, change: Option<f64>) -> Option<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED + seed);
    let mut scalar = Scalar::new(Transform::Log, DAYS.0 * DAY_US);
    let mut state: f64 = StandardNormal.sample(&mut random);
    let mut watched: Option<(NumberEncoder, Tables, Evidence)> = None;
    let mut at = 0;
    let change_us = (DAYS.0 + 2) * DAY_US;
    for span in 0..(DAYS.0 + DAYS.1) * DAY_US / volume.every_us {
        let time_us = span * volume.every_us;
        let normal: f64 = StandardNormal.sample(&mut random);
        let keep = volume.correlation;
        state = keep * state + (1.0 - keep * keep).sqrt() * normal;
        let day = time_us as f64 / DAY_US as f64;
        let weekend = if (span * volume.every_us / DAY_US) % 7 >= 5 { -0.4 } else { 0.0 };
        let season = 0.6 * (std::f64::consts::TAU * day).sin() + weekend;
        let factor = change.filter(|_| time_us >= change_us).unwrap_or(1.0);
        let rate = factor * volume.events * (season + volume.deviation * state).exp();
        let count: f64 = Poisson::new(rate).expect("a positive rate").sample(&mut random);
        match scalar.observe(time_us, volume.every_us, count, false) {
            ScalarOutput::Learning => {}
            ScalarOutput::Learned(sketch) => {
                let zone = Zone { sigma: 0.5, odds: 0.1 };
                let baseline = residual_baseline(&sketch, zone);
                let Encoder::Number(encoder) = baseline.encoder.clone() else { continue };
                let tables = Tables::new(&baseline, baseline.probabilities(), zone, 1.0);
                let evidence = Evidence::new(&tables);
                watched = Some((encoder, tables, evidence));
            }
            ScalarOutput::Residual(residual) => {
                let Some((encoder, tables, evidence)) = &mut watched else { continue };
                let mut counts = vec![0; tables.codes()];
                counts[encoder.encode(residual)] = 1;
                evidence.tick(tables, &counts, time_us);
                if change.is_none() || time_us >= change_us {
                    at += 1;
                }
                if evidence.log_mixture() >= promise.ln() {
                    return Some(at);
                }
            }
        }
    }
    None
}

#[test]
fn volume_alarms_are_rare_and_a_halving_is_seen() {
    let charts = if full() { 100 } else { 12 };
    let promise = 1e5;
    println!(
        "| span | correlation | charts | watched spans | false alarms | promised | halved: found, delay in spans | x 1.25 |"
    );
    for (every_us, correlations) in
        [(MINUTE_US, [0.0, 0.7, 0.95]), (10 * MINUTE_US, [0.0, 0.5, 0.9])]
    {
        for correlation in correlations {
            let volume = Volume {
                every_us,
                correlation,
                deviation: 0.1,
                events: 50.0 * (every_us / MINUTE_US) as f64,
            };
            let spans = (DAYS.1 * DAY_US / every_us) as usize;
            let charts = if every_us == MINUTE_US { charts / 2 } else { charts };
            let false_alarms =
                (0..charts).filter(|seed| length(volume, *seed, promise, None).is_some()).count();
            let promised = charts as f64 * spans as f64 / promise;
            let mut row = format!(
                "| {} min | {correlation} | {charts} | {spans} | {false_alarms} | {promised:.1} |",
                every_us / MINUTE_US
            );
            let mut halved = 0;
            for factor in [0.5, 1.25] {
                let delays: Vec<f64> = (0..charts)
                    .filter_map(|seed| length(volume, seed, promise, Some(factor)))
                    .filter(|delay| *delay > 0)
                    .map(|delay| delay as f64)
                    .collect();
                if factor < 1.0 {
                    halved = delays.len();
                }
                let (mean, error) = mean_and_error(&delays);
                row += &format!(" {} of {charts}, {mean:.1} +- {error:.1} |", delays.len());
            }
            println!("{row}");
            let most = promised + 3.0 * promised.max(1.0).sqrt();
            assert!(false_alarms as f64 <= most, "{volume:?}: {false_alarms}");
            // Where deviations persist for hours, half the volume is not far from usual.
            assert!(correlation > 0.8 || halved as u64 == charts, "{volume:?}: {halved}");
        }
    }
}
