//! How far events are out of the order of time, by file: what `replay` and `check` say of events that come
//! too late.

use std::collections::BTreeMap;

use super::summary::grouped;
use crate::config::duration::format_us;
use crate::model::Batch;
use crate::model::settings::{MINUTE_US, TimeSettings};

/// Files that are named; more are counted.
const NAMED_MAX: usize = 5;
/// A file whose events go back in time more often than forward is the wrong way round.
const REVERSED: f64 = 0.6;

/// What was seen of each file.
#[derive(Debug, Default)]
pub(super) struct Disorder(BTreeMap<u32, Seen>);

#[derive(Debug)]
struct Seen {
    newest_us: i64,
    last_us: i64,
    events: u64,
    backward: u64,
    forward: u64,
    late: u64,
    furthest_us: i64,
}

impl Disorder {
    /// Takes events of a file in their order.
    pub(super) fn take(&mut self, batch: &Batch, time: &TimeSettings) {
        let Some(first_us) = batch.time_us.first() else { return };
        let seen = self.0.entry(batch.partition).or_insert(Seen {
            newest_us: *first_us,
            last_us: *first_us,
            events: 0,
            backward: 0,
            forward: 0,
            late: 0,
            furthest_us: 0,
        });
        for time_us in &batch.time_us {
            seen.events += 1;
            seen.backward += u64::from(*time_us < seen.last_us);
            seen.forward += u64::from(*time_us > seen.last_us);
            seen.last_us = *time_us;
            // A lone event from the future moves no clock, and makes nothing late.
            if *time_us <= seen.newest_us.saturating_add(time.max_jump_us) {
                seen.newest_us = seen.newest_us.max(*time_us);
            }
            let behind_us = seen.newest_us - *time_us;
            if behind_us > time.lateness_us + time.pane_us {
                seen.late += 1;
                seen.furthest_us = seen.furthest_us.max(behind_us);
            }
        }
    }

    /// A line for each file with late events, with the remedy. `name`: how people call a file.
    pub(super) fn lines(&self, name: impl Fn(u32) -> String) -> Vec<String> {
        let out: Vec<_> = self.0.iter().filter(|(_, seen)| seen.late > 0).collect();
        let mut lines: Vec<String> =
            out.iter().take(NAMED_MAX).map(|(file, seen)| seen.line(&name(**file))).collect();
        if out.len() > NAMED_MAX {
            lines.push(format!("{} more files have late events", out.len() - NAMED_MAX));
        }
        lines
    }
}

impl Seen {
    fn line(&self, name: &str) -> String {
        let (late, far) = (grouped(self.late), about(self.furthest_us));
        if self.backward as f64 > REVERSED * (self.backward + self.forward) as f64 {
            return format!(
                "{name} is not in time order: it is newest first ({late} events behind, up to {far}). Reverse it, as with \
                 `tac`, or sort it by time"
            );
        }
        format!(
            "{name} is not in time order: {late} of {} events are behind newer ones, up to {far}: clocks that are apart, or \
             parts of a log one after the other. Sort it by time, or set [time] lateness = \"{}\"",
            grouped(self.events),
            about(round_up(self.furthest_us)),
        )
    }
}

/// The next of a few spans that people would write.
fn round_up(us: i64) -> i64 {
    let minutes = us / MINUTE_US + 1;
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];
    let whole_days = (minutes + 1439) / 1440 * 1440;
    steps.into_iter().find(|step| *step >= minutes).unwrap_or(whole_days) * MINUTE_US
}

/// A span to a hundredth of it or so, so that it reads as one.
fn about(us: i64) -> String {
    let step =
        [86_400, 3_600, 60, 1].into_iter().map(|s| s * 1_000_000).find(|step| us >= 100 * step);
    let step = step.unwrap_or(1_000_000);
    format_us((us + step / 2) / step * step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Settings;

    fn told(times_s: &[i64]) -> Vec<String> {
        let mut disorder = Disorder::default();
        let time_us = times_s.iter().map(|s| s * 1_000_000).collect();
        let batch = Batch { time_us, ..Batch::default() };
        disorder.take(&batch, &Settings::default().time);
        disorder.lines(|_| "a.ndjson".into())
    }

    #[test]
    fn who_is_behind_and_by_how_much_is_told_with_what_helps() {
        let in_order: Vec<i64> = (0..1000).collect();
        assert_eq!(told(&in_order), Vec::<String>::new());
        let reversed: Vec<i64> = in_order.iter().rev().copied().collect();
        let text = told(&reversed).concat();
        assert!(text.contains("newest first") && text.contains("tac"), "{text}");
        let two_clocks: Vec<i64> = (0..1000).map(|at| at + at % 2 * 120).collect();
        let text = told(&two_clocks).concat();
        assert!(text.contains("up to 1m59s") || text.contains("up to 119s"), "{text}");
        assert!(text.contains("lateness = \"2m\""), "{text}");
        // One event from the future is no clock.
        assert_eq!(told(&[0, 1, 900_000_000, 2, 3]), Vec::<String>::new());
    }
}
