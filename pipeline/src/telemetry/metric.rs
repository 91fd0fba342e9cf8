//! The one table of all metrics: name, kind, labels, help. Registration, documentation and lint follow it.
//!
//! Names are Prometheus': `driftline_` first, base units (seconds, bytes), `_total` for counters.
//! Instants are exported as Unix time in seconds, so that an age is `time() - metric`.

/// What a metric measures over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// A sum that only grows.
    Counter,
    /// A value of now.
    Gauge,
    /// A distribution, by upper bounds of its buckets, ascending; the last bucket (`+Inf`) is added.
    Histogram(&'static [f64]),
}

impl MetricKind {
    /// As the exposition format calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Full name, with `_total` where it is a counter.
    pub name: &'static str,
    /// Kind.
    pub kind: MetricKind,
    /// Names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it is, one line.
    pub help: &'static str,
}

/// From a millisecond to a minute.
const DURATIONS: MetricKind = MetricKind::Histogram(&[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
]);
const COUNTER: MetricKind = MetricKind::Counter;
const GAUGE: MetricKind = MetricKind::Gauge;

const NONE: &[&str] = &[];
const PARTITION: &[&str] = &["topic", "partition"];
const SINK: &[&str] = &["sink"];

macro_rules! metrics {
    ($($variant:ident $kind:ident $labels:tt $name:literal $help:literal;)*) => {
        /// A metric of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $(#[doc = $help] $variant,)* }

        impl Metric {
            /// All metrics, in the order of the page.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];

            /// Its line of the table.
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Metric::$variant => const {
                        let labels = metrics!(@labels $labels);
                        &Spec { name: $name, kind: $kind, labels, help: $help }
                    },)*
                }
            }
        }
    };
    (@labels $named:ident) => { $named };
    (@labels [$($label:literal)*]) => { &[$($label),*] };
}

metrics! {
    Messages COUNTER PARTITION "driftline_messages_total" "Messages read, tombstones included.";
    MessageBytes COUNTER PARTITION "driftline_message_bytes_total" "Bytes of keys and values read.";
    Events COUNTER PARTITION "driftline_events_total" "Events decoded.";
    Tombstones COUNTER PARTITION "driftline_tombstones_total" "Messages without a value: skipped.";
    Rejects COUNTER ["reason"] "driftline_rejects_total" "Records that could not be read, by reason; they go to the quarantine topic.";
    LateEvents COUNTER NONE "driftline_late_events_total" "Events behind the watermark of their partition: not counted in panes.";
    FutureEvents COUNTER NONE "driftline_future_events_total" "Single events far ahead of their partition: not counted in panes.";
    RefusedSeriesEvents COUNTER NONE "driftline_refused_series_events_total" "Events of new series beyond limits.series_max.";
    RefusedPaneEvents COUNTER NONE "driftline_refused_pane_events_total" "Events that would have opened more panes than limits.panes_open_max.";
    Lag GAUGE PARTITION "driftline_lag_messages" "End offset minus the next offset to be judged: messages still to come.";
    PartitionWatermark GAUGE PARTITION "driftline_partition_watermark_timestamp_seconds" "Event time that the partition has passed.";
    WatermarkHolder GAUGE PARTITION "driftline_watermark_holder" "1 for the partition that holds back the watermark, and with it every open pane.";
    Watermark GAUGE NONE "driftline_watermark_timestamp_seconds" "Event time that all partitions have passed: panes before it are closed.";
    EventTimeLag GAUGE NONE "driftline_event_time_lag_seconds" "Wall clock minus the watermark.";
    AssignedPartitions GAUGE NONE "driftline_assigned_partitions" "Partitions that this process reads.";
    IdlePartitions GAUGE NONE "driftline_idle_partitions" "Partitions that are read to their end and hold no pane open.";
    HeldPartitions GAUGE NONE "driftline_held_partitions" "Partitions that wait because they are far ahead of the slowest in event time.";
    ClosedPanes COUNTER NONE "driftline_closed_panes_total" "Panes closed and judged.";
    PaneLatency DURATIONS NONE "driftline_pane_latency_seconds" "From the close of a pane until its findings are durable; only panes with findings.";
    WatchedSeries GAUGE NONE "driftline_watched_series" "Series that have a baseline and are judged.";
    Findings COUNTER ["kind" "severity"] "driftline_findings_total" "Findings emitted.";
    Anomalies COUNTER NONE "driftline_anomalies_total" "Events above `sinks.surprise`, if `sinks.anomalies` names a topic.";
    Alerts COUNTER ["status"] "driftline_alerts_total" "Transitions of alerts, by the new status.";
    CommittedEpochs COUNTER NONE "driftline_committed_epochs_total" "Epochs (results with the offsets they are results of) made durable.";
    LostEpochs COUNTER NONE "driftline_lost_epochs_total" "Epochs discarded because another member took over; state was read again. Expected at rebalances only.";
    CommitDuration DURATIONS NONE "driftline_commit_duration_seconds" "Time to make an epoch durable.";
    CommitRetries COUNTER NONE "driftline_commit_retries_total" "Calls of the commit path that were retried.";
    ProducersReplaced COUNTER NONE "driftline_producers_replaced_total" "Producers abandoned after a call whose outcome was unknown.";
    SinkWait GAUGE NONE "driftline_sink_wait_seconds" "How long the sink has been refusing results; 0 while it accepts them. Reading pauses, nothing is dropped.";
    Delivered COUNTER SINK "driftline_delivered_records_total" "Findings and alerts that a sink of `[sinks.NAME]` has taken.";
    DeliveryRetries COUNTER SINK "driftline_delivery_retries_total" "Deliveries that were refused for now, and tried again.";
    DeadLetters COUNTER SINK "driftline_dead_letters_total" "Findings and alerts that were never delivered: refused for good, too often, or the queue was full. The topics have them.";
    Undelivered GAUGE SINK "driftline_undelivered_records" "Findings and alerts that wait for a sink of `[sinks.NAME]`.";
    Snapshots COUNTER NONE "driftline_snapshots_total" "Snapshots written.";
    SnapshotDuration DURATIONS NONE "driftline_snapshot_duration_seconds" "Time to write a snapshot, in the background.";
    SnapshotStall DURATIONS NONE "driftline_snapshot_stall_seconds" "Time that judging paused for a snapshot.";
    SnapshotSize GAUGE NONE "driftline_snapshot_size_bytes" "Size of the last snapshot.";
    SnapshotTime GAUGE NONE "driftline_snapshot_timestamp_seconds" "When the last snapshot was written.";
    SnapshotFailures COUNTER NONE "driftline_snapshot_failures_total" "Snapshots that could not be written; the previous one stays.";
    RecoveryLeft GAUGE NONE "driftline_recovery_messages" "Messages still to be replayed until results are emitted again; 0 when live.";
    RecoveryTime GAUGE NONE "driftline_recovery_seconds" "Wall time of the last recovery.";
    MemoryBudget GAUGE NONE "driftline_memory_budget_bytes" "Bytes of messages that may wait in this process.";
    WaitingBytes GAUGE NONE "driftline_waiting_bytes" "Bytes of messages that wait in this process.";
    ResidentMemory GAUGE NONE "driftline_resident_memory_bytes" "Resident memory of this process, as the system counts it.";
    Leader GAUGE NONE "driftline_leader" "1 if this process judges, 0 if it stands by.";
    Ready GAUGE NONE "driftline_ready" "1 if /readyz answers 200.";
    Rebalances COUNTER NONE "driftline_rebalances_total" "Changes of assignment seen by this member.";
    LostOffsets COUNTER NONE "driftline_lost_offsets_total" "Offsets that were gone before they were read: retention is shorter than the lag, or the topic was recreated.";
    Reloads COUNTER ["result"] "driftline_config_reloads_total" "Reloads of the config: `success` or `failure` (the old config stays).";
    ConfigHash GAUGE ["pipeline" "hash"] "driftline_config_info" "Always 1; the labels are the pipeline and the hash of its config.";
    BuildVersion GAUGE ["version"] "driftline_build_info" "Always 1; the label is the version.";
    StartTime GAUGE NONE "driftline_start_time_seconds" "When this process started.";
    TapDropped COUNTER NONE "driftline_tap_dropped_total" "Samples dropped because a tap had no room for them.";
    TelemetryDropped COUNTER NONE "driftline_telemetry_dropped_total" "Updates of metrics dropped: too many label values of one metric, or a bug in Driftline.";
}

impl Metric {
    /// Breaches of the naming conventions, as `promtool check metrics` would tell them.
    pub fn lint(self) -> Vec<String> {
        let Spec { name, kind, labels, help } = *self.spec();
        let words: Vec<&str> = name.split('_').collect();
        let has = |banned: &[&str]| words.iter().any(|word| banned.contains(word));
        let plain = |text: &str| {
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        };
        let reserved =
            |name: &str| ["_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
        let mut breaches = Vec::new();
        let mut check = |right: bool, what: &str| {
            if !right {
                breaches.push(format!("{name}: {what}"));
            }
        };
        check(name.starts_with("driftline_"), "begins with driftline_");
        check(plain(name), "is snake_case");
        check(
            (kind == MetricKind::Counter) == name.ends_with("_total"),
            "counters, and they alone, end in _total",
        );
        check(
            !has(&["ms", "us", "ns", "milliseconds", "microseconds", "minutes", "hours", "days"]),
            "times are in seconds",
        );
        check(!has(&["kb", "mb", "kib", "mib", "kilobytes", "megabytes"]), "sizes are in bytes");
        check(!has(&["counter", "gauge", "histogram", "metric"]), "names no kind of metric");
        check(!reserved(name), "ends in a suffix that the format reserves");
        check(labels.iter().all(|label| plain(label) && *label != "le"), "label names");
        check(
            !labels.iter().any(|label| words.contains(label) && *label != "partition"),
            "has the name of a label in it",
        );
        check(help.len() > 2 && !help.contains(['\n', '\\']), "has one line of help");
        if let MetricKind::Histogram(bounds) = kind {
            check(name.ends_with("_seconds") || name.ends_with("_bytes"), "ends in its unit");
            check(bounds.is_sorted_by(|a, b| a < b), "buckets ascend");
        }
        breaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_and_are_unique() {
        let breaches: Vec<String> = Metric::ALL.iter().flat_map(|metric| metric.lint()).collect();
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.spec().name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
