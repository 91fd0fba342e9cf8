//! The clock of one input partition: its watermark, and which of its events count.
//!
//! An event is late by the watermark of its *own* partition only, so the interleaving of partitions
//! cannot matter. A lone event far ahead of its partition moves no clock: it waits until the next two
//! confirm the jump, and is refused if they do not.

use serde::{Deserialize, Serialize};

use crate::model::{Row, settings::TimeSettings};

/// Events that must follow each other far ahead before the clock believes them.
const CONFIRMATIONS: usize = 3;

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventVerdict {
    Count,
    Late,
    /// Far ahead: held back, see [`Clock::hold`].
    Ahead,
}

/// The clock of a partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clock {
    newest_us: i64,
    /// Where the partition is known to begin; it holds no pane before that.
    begin_us: i64,
    /// What it is taken to have passed, whatever its events say.
    passed_us: i64,
    ahead: Vec<Row>,
}

impl Clock {
    pub(crate) fn new(begin_us: Option<i64>) -> Self {
        let begin_us = begin_us.unwrap_or(i64::MIN);
        Self { newest_us: i64::MIN, begin_us, passed_us: i64::MIN, ahead: Vec::new() }
    }

    /// Panes that end at or before this instant are complete, as far as this partition goes.
    pub(crate) fn watermark_us(&self, time: &TimeSettings) -> i64 {
        self.newest_us.max(self.begin_us).saturating_sub(time.lateness_us).max(self.passed_us)
    }

    /// Judges the next event of the partition and moves the clock.
    #[inline]
    pub(crate) fn judge(&mut self, time_us: i64, time: &TimeSettings) -> EventVerdict {
        if time_us > self.reached_us().saturating_add(time.max_jump_us) {
            return EventVerdict::Ahead;
        }
        self.settle(time_us, time)
    }

    /// Judges an event that is believed.
    #[inline]
    fn settle(&mut self, time_us: i64, time: &TimeSettings) -> EventVerdict {
        // Only what is behind the watermark can be in a pane that ended before it.
        let watermark = self.watermark_us(time);
        let pane_end = || (time_us.div_euclid(time.pane_us) + 1) * time.pane_us;
        let late = time_us < watermark && pane_end() <= watermark;
        self.newest_us = self.newest_us.max(time_us);
        if late { EventVerdict::Late } else { EventVerdict::Count }
    }

    /// Whether an event is held back. Only then may the next ordinary one refuse it.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Holds an event that is far ahead; returns those that count now, where the jump is confirmed.
    pub(crate) fn hold(&mut self, row: Row, time: &TimeSettings) -> Vec<(Row, EventVerdict)> {
        self.ahead.push(row);
        if self.ahead.len() < CONFIRMATIONS {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.ahead);
        let first = held.iter().map(|row| row.time_us).min().unwrap_or(self.newest_us);
        self.newest_us = self.newest_us.max(first);
        let mut judged = Vec::new();
        for row in held {
            match self.judge(row.time_us, time) {
                EventVerdict::Ahead => self.ahead.push(row),
                verdict => {
                    judged.push((row, verdict));
                }
            }
        }
        judged
    }

    /// Takes the partition to have passed an instant: its watermark is at least that from here on, and the
    /// next jump is measured from there. Returns what was held back and is no jump any more: it came
    /// before, so it is judged by the watermark as it stood. What is known already changes nothing.
    pub(crate) fn pass(
        &mut self,
        watermark_us: i64,
        time: &TimeSettings,
    ) -> Vec<(Row, EventVerdict)> {
        if watermark_us <= self.newest_us.saturating_sub(time.lateness_us).max(self.passed_us) {
            return Vec::new();
        }
        let near_us = self.reached_us().max(watermark_us).saturating_add(time.max_jump_us);
        let mut judged = Vec::new();
        for row in std::mem::take(&mut self.ahead) {
            if row.time_us > near_us {
                self.ahead.push(row);
            } else {
                let verdict = self.settle(row.time_us, time);
                judged.push((row, verdict));
            }
        }
        self.passed_us = watermark_us;
        judged
    }

    /// Goes on under another lateness: what is complete stays complete.
    pub(crate) fn keep(&mut self, before: &TimeSettings) {
        self.passed_us = self.watermark_us(before);
    }

    /// What is held back.
    pub(crate) fn rows_mut(&mut self) -> &mut Vec<Row> {
        &mut self.ahead
    }

    /// Refuses what is held back: an ordinary event came after it. Returns how many.
    pub(crate) fn refuse(&mut self) -> u64 {
        let refused = self.ahead.len() as u64;
        self.ahead.clear();
        refused
    }

    /// The newest event that moved the clock, or what the partition is taken to have passed, if later; the
    /// least instant where there was neither.
    #[inline]
    pub(crate) fn reached_us(&self) -> i64 {
        self.newest_us.max(self.passed_us)
    }

    /// Moves the clock on to an instant that is known from elsewhere.
    pub(crate) fn move_to(&mut self, newest_us: i64) {
        self.newest_us = self.newest_us.max(newest_us);
    }

    /// The end of the partition: gives what is held back, for others to judge.
    pub(crate) fn finish(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{HOUR_US, SECOND_US};

    fn settings() -> TimeSettings {
        TimeSettings {
            pane_us: 10 * SECOND_US,
            window_us: 300 * SECOND_US,
            lateness_us: 30 * SECOND_US,
            max_jump_us: HOUR_US,
            not_before_us: 0,
            not_after_us: i64::MAX,
            only_us: None,
        }
    }

    /// Feeds times (seconds) and returns those that counted.
    fn run(clock: &mut Clock, times: &[i64]) -> (Vec<i64>, u64, u64) {
        let (mut counted, mut late, mut refused) = (Vec::new(), 0, 0);
        for (i, t) in times.iter().enumerate() {
            let row = Row {
                time_us: t * SECOND_US,
                offset: i as u64,
                keys: vec![],
                id: None,
                metrics: vec![],
            };
            let judged = match clock.judge(row.time_us, &settings()) {
                EventVerdict::Ahead => clock.hold(row, &settings()),
                verdict => {
                    refused += clock.refuse();
                    vec![(row, verdict)]
                }
            };
            for (row, verdict) in judged {
                match verdict {
                    EventVerdict::Count => counted.push(row.time_us / SECOND_US),
                    _ => late += 1,
                }
            }
        }
        counted.extend(clock.finish().iter().map(|r| r.time_us / SECOND_US));
        (counted, late, refused)
    }

    #[test]
    fn lateness_is_judged_by_whole_panes() {
        let mut clock = Clock::new(None);
        let (counted, late, refused) = run(&mut clock, &[100, 101, 102, 145, 110, 104, 103]);
        // At 145 the watermark is 115: the pane of 110 is open, that of 104 and 103 complete.
        assert_eq!((counted, late, refused), (vec![100, 101, 102, 145, 110], 2, 0));
        // At the watermark 120 the panes that end at 110 and at 120 are complete, 120..130 is not.
        let (_, late, _) = run(&mut clock, &[150, 109, 110, 120]);
        assert_eq!(late, 2);
        assert_eq!(clock.watermark_us(&settings()), 120 * SECOND_US);
    }

    #[test]
    fn a_lone_jump_is_refused_and_a_true_one_is_believed() {
        let mut clock = Clock::new(None);
        let (counted, late, refused) = run(&mut clock, &[10, 11, 12, 9_000_000, 13, 14]);
        assert_eq!((counted, late, refused), (vec![10, 11, 12, 13, 14], 0, 1));
        let (counted, late, refused) = run(&mut clock, &[90_000, 90_001, 90_002, 90_003]);
        assert_eq!((counted, late, refused), (vec![90_000, 90_001, 90_002, 90_003], 0, 0));
        // A first event from the future does not poison what follows.
        let (counted, late, refused) = run(&mut Clock::new(None), &[9_000_000, 10, 11, 12, 13]);
        assert_eq!((counted, late, refused), (vec![10, 11, 12, 13], 0, 1));
    }

    #[test]
    fn a_clock_that_is_taken_to_have_passed_judges_by_that() {
        let time = settings();
        let mut clock = Clock::new(None);
        run(&mut clock, &[100, 101, 102, 103]);
        assert_eq!(clock.pass(200 * SECOND_US, &time), vec![]);
        assert_eq!(clock.watermark_us(&time), 200 * SECOND_US);
        // 199 is in a pane that ended; 3700 is less than an hour beyond 200, though not beyond 103.
        let (counted, late, refused) = run(&mut clock, &[199, 200, 3_790]);
        assert_eq!((counted, late, refused), (vec![200, 3_790], 1, 0));
        // What says nothing new changes nothing.
        let before = clock.clone();
        for known in [i64::MIN, 0, 200, 3_760] {
            assert_eq!(clock.pass(known.saturating_mul(SECOND_US), &time), vec![]);
            assert_eq!(clock, before);
        }
    }

    #[test]
    fn what_was_held_back_counts_once_the_others_have_come_near() {
        let time = settings();
        let row = |t: i64| Row {
            time_us: t * SECOND_US,
            offset: 0,
            keys: vec![],
            id: None,
            metrics: vec![],
        };
        // The first events of a partition wait for confirmation; a quiet one may have no third.
        let mut clock = Clock::new(None);
        for t in [1_000, 90_000] {
            assert_eq!(clock.judge(t * SECOND_US, &time), EventVerdict::Ahead);
            assert_eq!(clock.hold(row(t), &time), vec![]);
        }
        let judged = clock.pass(1_100 * SECOND_US, &time);
        assert_eq!(judged, vec![(row(1_000), EventVerdict::Count)]);
        assert_eq!(clock.watermark_us(&time), 1_100 * SECOND_US);
        // The one far ahead is still a jump.
        assert!(clock.holds());
        assert_eq!(clock.pass(90_000 * SECOND_US, &time), vec![(row(90_000), EventVerdict::Count)]);
        assert!(!clock.holds());
    }
}
