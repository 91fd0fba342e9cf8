//! What all requests share: what they look at, what they may ask for, and the list of paths.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::oneshot;

use crate::telemetry::{Health, Taps, Telemetry};

/// What HTTP asks of the runtime.
#[derive(Debug)]
pub enum Control {
    /// Read the config again. The answer says what changed, or why the old one stays.
    Reload(oneshot::Sender<Result<String, String>>),
}

/// Path, method, what it is: the page of links and the answer to an unknown path.
pub(super) const PATHS: &[(&str, &str, &str)] = &[
    ("/livez", "GET", "whether the process is alive; 503 with the reason if not"),
    ("/readyz", "GET", "whether it reads and writes, or stands by; 503 with the reason if not"),
    ("/metrics", "GET", "metrics for Prometheus"),
    ("/status", "GET", "partitions, offsets, watermarks, last commit: JSON"),
    ("/-/reload", "POST", "reload the config; an invalid one changes nothing"),
    ("/tap", "GET", "samples of the flow: ?at=decode|panes|scores&model=&metric=&every="),
];

/// What all requests share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) telemetry: Telemetry,
    pub(super) health: Health,
    pub(super) taps: Taps,
    pub(super) control: crossbeam_channel::Sender<Control>,
    /// Samples dropped by taps that the metric has counted.
    pub(super) counted_drops: Arc<AtomicU64>,
    /// Bound to loopback alone.
    pub(super) loopback: bool,
}
