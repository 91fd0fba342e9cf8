//! The mathematics of Driftline: encoders, baselines, lanes, evidence, detectors.
//!
//! Pure by construction: no I/O, no clock, no randomness, no threads, no `unsafe`. Whatever can reach a
//! decision is computed with `libm`, so that the same counts give the same bits on every platform.
//!
//! The way of a value: an [`encoder::Encoder`] turns it into a small integer, its *code*; a pane counts
//! codes; [`lanes::Tables`] turn the counts of a pane into evidence, one number a *lane* (one way of
//! having changed); [`evidence::Evidence`] accumulates it as a CUSUM (what people know, and the onset)
//! and as a mixture Shiryaev-Roberts statistic (what decides).
//!
//! ```
//! use driftline_detectors::baseline::{Baseline, Zone};
//! use driftline_detectors::encoder::{Encoder, FlagEncoder};
//! use driftline_detectors::evidence::Evidence;
//! use driftline_detectors::lanes::Tables;
//!
//! // 10,000 baseline requests, of which 100 failed; nothing missing, nothing invalid.
//! let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9_900, 100, 0, 0]);
//! let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
//! let mut evidence = Evidence::new(&tables);
//! // Each pane of 200 requests now has 8 failures: four times the rate.
//! let mut panes = 0;
//! while evidence.log_mixture() < 10_000f64.ln() {
//!     evidence.tick(&tables, &[192, 8, 0, 0], panes);
//!     panes += 1;
//! }
//! assert_eq!(panes, 3);
//! assert_eq!(tables.lanes()[evidence.leader()].name(&baseline), "more of true");
//! ```

pub mod anomaly;
pub mod arl;
pub mod baseline;
pub mod classic;
pub mod dependence;
pub mod encoder;
pub mod evidence;
pub mod lanes;
pub mod math;
pub mod scalar;
pub mod score;
pub mod temper;
pub mod two_sample;
