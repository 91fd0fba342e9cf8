//! What Driftline tells about itself: metrics, health, status, taps, logs.
//!
//! Not here: HTTP, and anything that decides. Telemetry never makes the flow wait and never fails it: what
//! has no room is dropped and counted.

pub mod health;
pub mod logs;
pub mod manual;
pub mod metric;
pub mod registry;
pub mod resident;
pub mod status;
pub mod taps;

use std::time::{SystemTime, UNIX_EPOCH};

pub use health::{Health, Verdict};
pub use metric::{Metric, MetricKind};
pub use registry::Telemetry;
pub use status::Status;
pub use taps::{At, Taps};

/// The wall clock as metrics tell it: seconds since 1970.
pub fn unix_seconds() -> f64 {
    // A clock before 1970 is told as 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
