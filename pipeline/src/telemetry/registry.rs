//! Values of all metrics, and their exposition. Shared by all threads; an update takes one short lock.
//!
//! Bounded: a metric has at most [`LABEL_SETS_MAX`] sets of label values; updates beyond are dropped and
//! counted. An update that does not fit its line of the table is dropped and counted as well, since
//! telemetry never stops the flow.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::metric::{Metric, MetricKind, Spec};
use super::status::Status;

/// Sets of label values that one metric may have: partitions assigned to one process, mostly.
pub const LABEL_SETS_MAX: usize = 4096;
/// Bytes of a label value; topics have at most 249.
const LABEL_BYTES_MAX: usize = 256;

/// The metrics of this process, and its [`Status`]. A clone is a handle to the same values.
#[derive(Clone)]
pub struct Telemetry {
    values: Arc<Values>,
    registry: Arc<Registry>,
    status: Arc<Mutex<Arc<Status>>>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// One mutex a metric: threads that update different ones do not meet.
#[derive(Debug)]
struct Values(Vec<Mutex<Series>>);

/// Values by label values, ascending.
type Series = Vec<(Vec<String>, Cell)>;

#[derive(Debug, Clone)]
enum Cell {
    Counter(u64),
    Gauge(f64),
    /// Observations in each bucket (the last is `+Inf`), and their sum.
    Histogram(Vec<u64>, f64),
}

impl Cell {
    fn new(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter => Self::Counter(0),
            MetricKind::Gauge => Self::Gauge(0.0),
            MetricKind::Histogram(bounds) => Self::Histogram(vec![0; bounds.len() + 1], 0.0),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    /// All counters and histograms without labels at zero; version, start time and so on are set.
    pub fn new() -> Self {
        let series = |metric: &Metric| {
            let Spec { kind, labels, .. } = metric.spec();
            let from_start = labels.is_empty() && *kind != MetricKind::Gauge;
            Mutex::new(if from_start { vec![(Vec::new(), Cell::new(*kind))] } else { Vec::new() })
        };
        let values = Arc::new(Values(Metric::ALL.iter().map(series).collect()));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&values)));
        let telemetry = Self { values, registry: Arc::new(registry), status: Arc::default() };
        telemetry.set(Metric::BuildVersion, &[env!("CARGO_PKG_VERSION")], 1.0);
        telemetry.set(Metric::StartTime, &[], super::unix_seconds());
        telemetry
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, labels: &[&str], n: u64) {
        self.update(metric, labels, |cell| match cell {
            Cell::Counter(sum) => *sum = sum.saturating_add(n),
            _ => self.mistaken(metric),
        });
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, labels: &[&str], value: f64) {
        self.update(metric, labels, |cell| match cell {
            Cell::Gauge(now) => *now = value,
            _ => self.mistaken(metric),
        });
    }

    /// Adds an observation to a histogram; what is no number is left out.
    pub fn observe(&self, metric: Metric, labels: &[&str], value: f64) {
        if value.is_nan() {
            return;
        }
        let MetricKind::Histogram(bounds) = metric.spec().kind else {
            return self.mistaken(metric);
        };
        self.update(metric, labels, |cell| {
            if let Cell::Histogram(buckets, sum) = cell {
                let bucket = bounds.partition_point(|bound| *bound < value);
                buckets[bucket] += 1;
                *sum += value;
            }
        });
    }

    /// Removes a value: its partition is gone.
    pub fn forget(&self, metric: Metric, labels: &[&str]) {
        let mut series = self.values.of(metric);
        if let Ok(at) = find(&series, labels) {
            series.remove(at);
        }
    }

    /// A counter's or gauge's value, or a histogram's number of observations.
    pub fn value(&self, metric: Metric, labels: &[&str]) -> Option<f64> {
        let series = self.values.of(metric);
        let (_, cell) = find(&series, labels).ok().and_then(|at| series.get(at))?;
        Some(match cell {
            Cell::Counter(n) => *n as f64,
            Cell::Gauge(value) => *value,
            Cell::Histogram(buckets, _) => buckets.iter().sum::<u64>() as f64,
        })
    }

    /// Everything, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        if let Some(bytes) = super::resident::bytes() {
            self.set(Metric::ResidentMemory, &[], bytes as f64);
        }
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            // Writing into a String cannot fail; a half page would be read as a whole one.
            Err(_) => String::new(),
        }
    }

    /// Replaces what `/status` tells. The flow calls it once a second and at changes.
    pub fn set_status(&self, status: Status) {
        *lock(&self.status) = Arc::new(status);
    }

    /// What the flow told last.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&lock(&self.status))
    }

    fn update(&self, metric: Metric, labels: &[&str], change: impl FnOnce(&mut Cell)) {
        let Spec { kind, labels: names, .. } = metric.spec();
        if labels.len() != names.len() || labels.iter().any(|l| l.len() > LABEL_BYTES_MAX) {
            return self.mistaken(metric);
        }
        let mut series = self.values.of(metric);
        let at = match find(&series, labels) {
            Ok(at) => at,
            Err(_) if series.len() >= LABEL_SETS_MAX => {
                drop(series);
                return self.mistaken(metric);
            }
            Err(at) => {
                let labels = labels.iter().map(ToString::to_string).collect();
                series.insert(at, (labels, Cell::new(*kind)));
                at
            }
        };
        if let Some((_, cell)) = series.get_mut(at) {
            change(cell);
        }
    }

    /// Counts an update that was dropped.
    fn mistaken(&self, metric: Metric) {
        debug_assert!(metric != Metric::TelemetryDropped, "it has no labels and is a counter");
        if metric != Metric::TelemetryDropped {
            self.add(Metric::TelemetryDropped, &[], 1);
        }
    }
}

impl Values {
    fn of(&self, metric: Metric) -> MutexGuard<'_, Series> {
        lock(&self.0[metric as usize])
    }
}

/// A panic elsewhere leaves numbers that are whole, so that the lock is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(series: &Series, labels: &[&str]) -> Result<usize, usize> {
    series.binary_search_by(|(own, _)| own.iter().map(String::as_str).cmp(labels.iter().copied()))
}

impl Collector for Values {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in Metric::ALL {
            // A copy, so that no thread waits for the encoding.
            let series = self.of(*metric).clone();
            if series.is_empty() {
                continue;
            }
            let Spec { name, kind, labels: names, help } = *metric.spec();
            let (name, kind) = match kind {
                MetricKind::Counter => (name.trim_end_matches("_total"), MetricType::Counter),
                MetricKind::Gauge => (name, MetricType::Gauge),
                MetricKind::Histogram(_) => (name, MetricType::Histogram),
            };
            let mut encoder = encoder.encode_descriptor(name, help, None, kind)?;
            for (values, cell) in &series {
                let labels: Vec<(&str, &str)> =
                    names.iter().copied().zip(values.iter().map(String::as_str)).collect();
                if labels.is_empty() {
                    write(&mut encoder, cell, metric.spec())?;
                } else {
                    write(&mut encoder.encode_family(&labels.as_slice())?, cell, metric.spec())?;
                }
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, cell: &Cell, spec: &Spec) -> fmt::Result {
    match (cell, spec.kind) {
        (Cell::Counter(n), _) => encoder.encode_counter::<NoLabelSet, u64, f64>(n, None),
        (Cell::Gauge(value), _) => encoder.encode_gauge(value),
        (Cell::Histogram(counts, sum), MetricKind::Histogram(bounds)) => {
            let bounds = bounds.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
            encoder.encode_histogram::<NoLabelSet>(*sum, counts.iter().sum(), &buckets, None)
        }
        (Cell::Histogram(..), _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_rendered_and_forgotten() {
        let telemetry = Telemetry::new();
        telemetry.add(Metric::Messages, &["b\"\\\n", "0"], 2);
        telemetry.add(Metric::Messages, &["a", "1"], 1);
        telemetry.add(Metric::Messages, &["a", "1"], 4);
        telemetry.set(Metric::WatermarkHolder, &["a", "1"], 1.0);
        telemetry.observe(Metric::CommitDuration, &[], 0.01);
        telemetry.observe(Metric::CommitDuration, &[], 1e9);
        telemetry.observe(Metric::CommitDuration, &[], f64::NAN);
        let page = telemetry.render();
        for line in [
            "# TYPE driftline_messages counter",
            "driftline_messages_total{topic=\"a\",partition=\"1\"} 5",
            "driftline_messages_total{topic=\"b\\\"\\\\\\n\",partition=\"0\"} 2",
            "driftline_watermark_holder{topic=\"a\",partition=\"1\"} 1.0",
            "driftline_commit_duration_seconds_bucket{le=\"0.005\"} 0",
            "driftline_commit_duration_seconds_bucket{le=\"0.01\"} 1",
            "driftline_commit_duration_seconds_bucket{le=\"+Inf\"} 2",
            "driftline_commit_duration_seconds_count 2",
            "driftline_lost_epochs_total 0",
            concat!("driftline_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1.0"),
            "# EOF",
        ] {
            assert!(page.lines().any(|own| own == line), "{line} is not in\n{page}");
        }
        assert!(page.contains("\ndriftline_resident_memory_bytes "), "{page}");
        assert_eq!(telemetry.value(Metric::Messages, &["a", "1"]), Some(5.0));
        assert_eq!(telemetry.value(Metric::CommitDuration, &[]), Some(2.0));
        telemetry.forget(Metric::WatermarkHolder, &["a", "1"]);
        assert_eq!(telemetry.value(Metric::WatermarkHolder, &["a", "1"]), None);
        assert!(!telemetry.render().contains("watermark_holder"));
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let telemetry = Telemetry::new();
        let dropped = || telemetry.value(Metric::TelemetryDropped, &[]);
        for number in 0..LABEL_SETS_MAX + 3 {
            telemetry.set(Metric::Lag, &["t", &number.to_string()], 1.0);
        }
        assert_eq!(dropped(), Some(3.0));
        telemetry.set(Metric::Lag, &["t", "0"], 2.0);
        assert_eq!(telemetry.value(Metric::Lag, &["t", "0"]), Some(2.0));
        telemetry.add(Metric::Lag, &["t", "0"], 1);
        telemetry.set(Metric::Lag, &["t"], 1.0);
        telemetry.set(Metric::Messages, &["t", "0"], 1.0);
        telemetry.observe(Metric::Lag, &["t", "0"], 1.0);
        telemetry.set(Metric::Lag, &["t", &"x".repeat(LABEL_BYTES_MAX + 1)], 1.0);
        assert_eq!(dropped(), Some(8.0));
    }

    #[test]
    fn threads_count_together() {
        let telemetry = Telemetry::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        telemetry.add(Metric::ClosedPanes, &[], 1);
                    }
                });
            }
        });
        assert_eq!(telemetry.value(Metric::ClosedPanes, &[]), Some(4000.0));
    }
}
