//! Measuring for Driftline's benches: medians of interleaved rounds, as ratios to a floor of the same run.
//!
//! Single-thread unless a row starts threads itself. Not here: statistics beyond the median and the
//! range; a difference smaller than the range is no difference.
//!
//! ```
//! let numbers: Vec<u64> = (0..1_000).collect();
//! let mut rounds = driftline_bench::Rounds::new("sums", "number");
//! rounds.floor("iterator", || numbers.iter().copied().sum::<u64>().min(1_000));
//! rounds.row("loop", || {
//!     let mut sum = 0;
//!     for number in &numbers {
//!         sum += number;
//!     }
//!     sum.min(1_000)
//! });
//! let report = rounds.run(5).unwrap();
//! assert_eq!(report.rows.len(), 2);
//! assert_eq!(report.rows[0].to_floor, Some(1.0));
//! println!("{report}");
//! ```

pub mod fleet;
pub mod floor;
mod report;
mod rounds;
mod sample;

pub use report::{Report, Row};
pub use rounds::{Rounds, RoundsError};
pub use sample::{Sample, measure};
