//! One picture of an instance, as lines of toned words: for the live view and for `--once` alike.
//!
//! Pure: two readings and a size to lines. No line is wider than asked; texts of others are made harmless.

use crate::cli::instance::readable;
use crate::cli::summary::grouped;
use crate::http::StatusPage;
use crate::model::time::span;
use crate::telemetry::Metric;
use crate::telemetry::status::{Instant, Latest, PartitionStatus, SinkStatus};

use super::samples::{Samples, quantile};

/// How words look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As they come.
    Plain,
    /// Less than the others.
    Dim,
    /// More than the others.
    Bold,
    /// All is well.
    Good,
    /// Worth a look.
    Warn,
    /// Something is wrong.
    Bad,
}

/// Words and their tone.
pub(super) type Word = (String, Tone);
/// A line.
pub(super) type Line = Vec<Word>;

/// What an instance said at one moment.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// `/status`.
    pub(super) page: StatusPage,
    /// `/metrics`.
    pub(super) samples: Samples,
    /// When it was asked, seconds on any clock.
    pub(super) at_s: f64,
}

/// A picture of the newest reading; rates are since `before`, quantiles since `earlier`.
pub(super) struct Picture<'a> {
    pub(super) now: &'a Reading,
    pub(super) before: &'a Reading,
    pub(super) earlier: &'a Reading,
}

/// Width of the first column.
const TITLE: usize = 11;

impl Picture<'_> {
    /// At most `height` lines of at most `width` characters.
    pub(super) fn lines(&self, width: usize, height: usize) -> Vec<Line> {
        let mut lines = self.head(width);
        lines.push(Vec::new());
        lines.extend(self.figures());
        let status = &self.now.page.status;
        let room = height.saturating_sub(lines.len());
        let latest = (status.latest.len() + 2).min(room / 2 + 1);
        lines.extend(self.partitions(room.saturating_sub(latest)));
        let room = height.saturating_sub(lines.len());
        lines.extend(self.latest(room));
        lines.truncate(height);
        lines.into_iter().map(|line| clip(line, width)).collect()
    }

    fn head(&self, width: usize) -> Vec<Line> {
        let StatusPage { version, uptime_s, live, ready, status } = &self.now.page;
        let left = format!("driftline {version}  {}", status.pipeline);
        let right = format!("group {}  up {}", status.group, span((uptime_s * 1e6) as i64));
        let gap = width.saturating_sub(left.chars().count() + right.chars().count()).max(2);
        let mut lines =
            vec![vec![(left, Tone::Bold), (" ".repeat(gap), Tone::Plain), (right, Tone::Dim)]];
        let state = match (status.state.is_empty(), status.leader) {
            (true, _) => "starting".to_owned(),
            (false, true) => format!("{}, leader", status.state),
            (false, false) => status.state.clone(),
        };
        let health = match (live.yes, ready.yes) {
            (false, _) => (format!("not alive: {}", live.why), Tone::Bad),
            (true, false) => (format!("not ready: {}", ready.why), Tone::Bad),
            (true, true) => ("ready".into(), Tone::Good),
        };
        lines.push(row("state", vec![(format!("{state}  "), Tone::Plain), health]));
        if let Some(recovery) = &status.recovery {
            let left = recovery
                .left_s
                .map_or(String::new(), |s| format!(", about {} to go", span((s * 1e6) as i64)));
            let text = format!(
                "{} of {} messages left{left}",
                grouped(recovery.messages_left),
                grouped(recovery.messages)
            );
            lines.push(row("recovery", vec![(text, Tone::Warn)]));
        }
        if let Some(waiting) = &status.waiting {
            let text = format!("{}: {}", ago(waiting.since, status.at), waiting.on);
            lines.push(row("waiting", vec![(text, Tone::Warn)]));
        }
        lines
    }

    fn figures(&self) -> Vec<Line> {
        let status = &self.now.page.status;
        let plain = |title: &str, text: String| row(title, vec![(text, Tone::Plain)]);
        let mut lines = vec![
            plain(
                "reading",
                format!(
                    "{} events/s  {} messages/s  {}/s",
                    self.rate(Metric::Events),
                    self.rate(Metric::Messages),
                    bytes(self.per_second(Metric::MessageBytes))
                ),
            ),
            row("set aside", self.aside()),
            plain("lag", self.lag()),
            plain("watermark", self.watermark()),
            plain(
                "panes",
                format!(
                    "{} closed  to durable {}",
                    self.total(Metric::ClosedPanes),
                    self.quantiles(Metric::PaneLatency)
                ),
            ),
            row("commits", self.commits()),
        ];
        lines.extend(status.sinks.iter().map(sink));
        let mut snapshot = match &status.snapshot {
            Some(last) => vec![(
                format!(
                    "{} ago, {} in {}",
                    ago(last.at, status.at),
                    bytes(last.bytes as f64),
                    seconds(last.took_s)
                ),
                Tone::Plain,
            )],
            None => vec![("none yet".into(), Tone::Plain)],
        };
        snapshot.extend(self.bad(Metric::SnapshotFailures, "failed"));
        lines.push(row("snapshot", snapshot));
        let bytes_of = |metric| bytes(self.value(metric));
        lines.push(plain(
            "memory",
            format!(
                "{} resident  {} of {} for waiting messages",
                bytes_of(Metric::ResidentMemory),
                bytes_of(Metric::WaitingBytes),
                bytes_of(Metric::MemoryBudget)
            ),
        ));
        let firing = match status.firing.as_slice() {
            [] => ("no alert is firing".to_owned(), Tone::Good),
            models => (format!("{} firing: {}", models.len(), models.join(", ")), Tone::Bad),
        };
        let series = format!(
            "{} series watched, {} findings  ",
            grouped(status.watched_series),
            self.total(Metric::Findings)
        );
        lines.push(row("found", vec![(series, Tone::Plain), firing]));
        lines
    }

    fn aside(&self) -> Line {
        let counts = [
            (Metric::Rejects, "rejects"),
            (Metric::LateEvents, "late"),
            (Metric::FutureEvents, "future"),
            (Metric::RefusedSeriesEvents, "of refused series"),
        ];
        let mut words = Vec::new();
        for (metric, name) in counts {
            let fresh = self.per_second(metric);
            let text = match fresh > 0.0 {
                true => format!("{} {name} ({}/s)  ", self.total(metric), number(fresh)),
                false => format!("{} {name}  ", self.total(metric)),
            };
            words.push((text, if fresh > 0.0 { Tone::Warn } else { Tone::Plain }));
        }
        words
    }

    fn lag(&self) -> String {
        let partitions = &self.now.page.status.partitions;
        let lag: i64 = partitions.iter().filter_map(PartitionStatus::lag).sum();
        let (idle, held) = (
            partitions.iter().filter(|p| p.idle).count(),
            partitions.iter().filter(|p| p.held).count(),
        );
        format!(
            "{} messages in {} partitions, {idle} idle, {held} held",
            grouped(lag.unsigned_abs()),
            partitions.len()
        )
    }

    fn watermark(&self) -> String {
        let status = &self.now.page.status;
        let Some(watermark) = status.watermark else { return "none yet".into() };
        let behind = ago(watermark, status.at);
        let holder = status.partitions.iter().find(|partition| partition.holder);
        let holder = holder.map_or(String::new(), |p| format!(", held by {}", name(p)));
        format!("{}, {behind} behind the clock{holder}", String::from(watermark))
    }

    fn commits(&self) -> Line {
        let status = &self.now.page.status;
        let last = status.commit.as_ref().map_or("none yet".to_owned(), |commit| {
            format!("last {} ago", ago(commit.at, status.at))
        });
        let text = format!("{last}  {}", self.quantiles(Metric::CommitDuration));
        let mut words = vec![(text, Tone::Plain)];
        words.extend(self.bad(Metric::CommitRetries, "retries"));
        words.extend(self.bad(Metric::ProducersReplaced, "producers replaced"));
        words
    }

    fn partitions(&self, room: usize) -> Vec<Line> {
        let mut partitions: Vec<&PartitionStatus> =
            self.now.page.status.partitions.iter().collect();
        if partitions.is_empty() || room < 3 {
            return Vec::new();
        }
        partitions.sort_by_key(|p| (!p.holder, -p.lag().unwrap_or(-1)));
        let shown = if partitions.len() + 2 <= room { partitions.len() } else { room - 3 };
        let title = format!("{:<28}{:>14}{:>12}  {}", "partition", "next", "lag", "watermark");
        let mut lines = vec![Vec::new(), vec![(title, Tone::Dim)]];
        for partition in partitions.iter().take(shown) {
            let lag = partition.lag().map_or("?".into(), |lag| grouped(lag.unsigned_abs()));
            let next = grouped(partition.next.max(0).unsigned_abs());
            let watermark = match (partition.idle, partition.watermark) {
                (true, _) => "idle".to_owned(),
                (false, None) => "none yet".to_owned(),
                (false, Some(at)) => format!("{} behind", ago(at, self.now.page.status.at)),
            };
            let held = if partition.held { ", held" } else { "" };
            let text = format!("{:<28}{next:>14}{lag:>12}  {watermark}{held}", name(partition));
            lines.push(vec![(text, if partition.holder { Tone::Bold } else { Tone::Plain })]);
        }
        if shown < partitions.len() {
            lines.push(vec![(format!("and {} more", partitions.len() - shown), Tone::Dim)]);
        }
        lines
    }

    fn latest(&self, room: usize) -> Vec<Line> {
        let latest = &self.now.page.status.latest;
        if latest.is_empty() || room < 3 {
            return Vec::new();
        }
        let mut lines = vec![Vec::new(), vec![("latest".into(), Tone::Dim)]];
        for Latest { what, at, severity, summary } in latest.iter().rev().take(room - 2) {
            let tone = match severity.as_str() {
                "critical" | "firing" => Tone::Bad,
                "warning" | "pending" => Tone::Warn,
                "resolved" => Tone::Good,
                _ => Tone::Plain,
            };
            lines.push(vec![
                (format!("{} ", short(*at)), Tone::Dim),
                (format!("{what} {severity} "), tone),
                (summary.clone(), Tone::Plain),
            ]);
        }
        lines
    }

    /// A count that should be zero, in bad tone, where it is not.
    fn bad(&self, metric: Metric, what: &str) -> Option<Word> {
        let count = self.now.samples.sum(metric);
        (count > 0.0).then(|| (format!("  {} {what}", number(count)), Tone::Warn))
    }

    fn value(&self, metric: Metric) -> f64 {
        self.now.samples.get(metric).unwrap_or(0.0)
    }

    fn total(&self, metric: Metric) -> String {
        number(self.now.samples.sum(metric))
    }

    fn rate(&self, metric: Metric) -> String {
        number(self.per_second(metric))
    }

    /// Growth a second; a counter that fell was started anew.
    fn per_second(&self, metric: Metric) -> f64 {
        let seconds = self.now.at_s - self.before.at_s;
        let growth = self.now.samples.sum(metric) - self.before.samples.sum(metric);
        if seconds > 0.0 { (growth / seconds).max(0.0) } else { 0.0 }
    }

    fn quantiles(&self, metric: Metric) -> String {
        let (now, since) = (self.now.samples.buckets(metric), self.earlier.samples.buckets(metric));
        let [Some(half), Some(most)] = [0.5, 0.99].map(|share| quantile(&now, &since, share))
        else {
            return "none timed".into();
        };
        let text = |bound: f64| match bound.is_finite() {
            true => format!("<= {}", seconds(bound)),
            false => {
                let last = now.iter().rev().find(|(bound, _)| bound.is_finite());
                format!("> {}", seconds(last.map_or(0.0, |(bound, _)| *bound)))
            }
        };
        format!("p50 {}, p99 {}", text(half), text(most))
    }
}

fn row(title: &str, words: Line) -> Line {
    let mut line = vec![(format!("{title:<TITLE$}"), Tone::Dim)];
    line.extend(words);
    line
}

fn name(partition: &PartitionStatus) -> String {
    format!("{}[{}]", partition.topic, partition.partition)
}

/// Month, day and time of day.
fn short(at: Instant) -> String {
    let text = String::from(at);
    text.get(5..19).map_or(text.clone(), |short| short.replace('T', " "))
}

fn ago(then: Instant, now: Instant) -> String {
    span((now.0 - then.0).max(0) / 100_000 * 100_000)
}

/// A count or a rate: whole from 10 on.
fn number(x: f64) -> String {
    if x >= 10.0 || x.fract() == 0.0 { grouped(x.round() as u64) } else { format!("{x:.1}") }
}

fn seconds(s: f64) -> String {
    match s {
        s if s < 0.01 => format!("{} ms", (s * 1e5).round() / 100.0),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => span((s * 1e6) as i64),
    }
}

fn bytes(n: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut n, mut unit) = (n.max(0.0), 0);
    while n >= 1024.0 && unit + 1 < units.len() {
        (n, unit) = (n / 1024.0, unit + 1);
    }
    let digits = usize::from(unit > 0 && n < 100.0);
    format!("{n:.digits$} {}", units[unit])
}

/// Harmless, and no wider than asked.
fn clip(line: Line, width: usize) -> Line {
    let mut left = width;
    let mut clipped = Vec::new();
    for (text, tone) in line {
        let text = readable(&text);
        let chars = text.chars().count();
        if chars <= left {
            left -= chars;
            clipped.push((text, tone));
            continue;
        }
        let mut cut: String = text.chars().take(left.saturating_sub(1)).collect();
        if left > 0 {
            cut.push('…');
        }
        clipped.push((cut, tone));
        break;
    }
    clipped
}

/// A sink that follows what is committed.
fn sink(sink: &SinkStatus) -> Line {
    let SinkStatus { name, delivered, dead_letters, waiting, error } = sink;
    let counts =
        format!("{name}: {} delivered  {} waiting  ", grouped(*delivered), grouped(*waiting));
    let tone = if *dead_letters > 0 { Tone::Bad } else { Tone::Plain };
    let dead = (format!("{} dead letters  ", grouped(*dead_letters)), tone);
    let error = error.clone().map(|error| (error, Tone::Warn));
    row("sink", [(counts, Tone::Plain), dead].into_iter().chain(error).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Telemetry;
    use crate::telemetry::status::{Recovery, Waiting};

    fn reading(partitions: i32, latest: usize) -> Reading {
        let evil = "\u{1b}[2Jlong ".repeat(30);
        let mut page = StatusPage { version: "1.2.3".into(), ..StatusPage::default() };
        let status = &mut page.status;
        status.pipeline = evil.clone();
        status.recovery = Some(Recovery { messages: 9, messages_left: 4, left_s: Some(3.0) });
        status.waiting = Some(Waiting { on: evil.clone(), since: Instant(0) });
        status.firing = vec![evil.clone(); 40];
        status.partitions = (0..partitions)
            .map(|partition| PartitionStatus {
                topic: evil.clone(),
                partition,
                next: i64::MIN,
                end: Some(i64::MAX),
                holder: partition == 7,
                ..PartitionStatus::default()
            })
            .collect();
        let one = Latest { what: "alert".into(), summary: evil, ..Latest::default() };
        status.latest = vec![one; latest];
        let samples = Samples::parse(&Telemetry::new().render());
        Reading { page, samples, at_s: 0.0 }
    }

    #[test]
    fn a_picture_fits_any_terminal_whatever_it_shows() {
        for (partitions, latest) in [(0, 0), (3, 2), (900, 16)] {
            let now = reading(partitions, latest);
            let picture = Picture { now: &now, before: &now, earlier: &now };
            for (width, height) in [(80, 24), (80, 23), (200, 60), (20, 5), (1, 1), (0, 0)] {
                let lines = picture.lines(width, height);
                assert!(lines.len() <= height, "{} lines of {height}", lines.len());
                for line in &lines {
                    let text: String = line.iter().map(|(text, _)| text.as_str()).collect();
                    assert!(text.chars().count() <= width, "{text}");
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                }
            }
        }
        let now = reading(900, 16);
        let lines = Picture { now: &now, before: &now, earlier: &now }.lines(80, 23);
        let starts = |start: &str| {
            lines.iter().filter(|l| l[..].first().is_some_and(|w| w.0.starts_with(start))).count()
        };
        assert_eq!((starts("partition"), starts("latest"), starts("and ")), (1, 1, 1));
    }
}
