//! Strays: events that were far ahead of their partition when it ended, so that nothing followed to
//! confirm or to refuse them. The other partitions do.
//!
//! A stray counts as soon as any partition has come near it. What is left at the end of all partitions
//! goes through one clock in the order of time, as if it were the tail of one file: three in a row are
//! believed, a lone one is from the future. So a cut of a file makes no difference, and a wrong clock in
//! its last line neither.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::clock::partition::{Clock, EventVerdict};
use crate::model::{Row, settings::TimeSettings};

/// Events that wait for a verdict: at most two of each partition that has ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Strays {
    rows: Vec<Row>,
    /// How far the partitions that have ended had come.
    newest_us: Option<i64>,
}

impl Strays {
    /// Takes what a partition held back at its end.
    pub(crate) fn add_ended(&mut self, mut clock: Clock) {
        self.rows.extend(clock.finish());
        self.newest_us = self.newest_us.max(Some(clock.reached_us()));
    }

    pub(crate) fn rows_mut(&mut self) -> &mut Vec<Row> {
        &mut self.rows
    }

    /// Those that count by now, by the clocks of the partitions that are open, and how many turn out to be
    /// from the future; at the end of all partitions settles all of them.
    pub(crate) fn settle(
        &mut self,
        clocks: &BTreeMap<u32, Clock>,
        time: &TimeSettings,
    ) -> (Vec<Row>, u64) {
        if self.rows.is_empty() {
            return (Vec::new(), 0);
        }
        let open = clocks.values().map(Clock::reached_us).max();
        let newest_us = open.max(self.newest_us).unwrap_or(i64::MIN);
        let reached_us = newest_us.saturating_add(time.max_jump_us);
        let (mut counted, rest): (Vec<Row>, Vec<Row>) =
            std::mem::take(&mut self.rows).into_iter().partition(|r| r.time_us <= reached_us);
        if !clocks.is_empty() {
            self.rows = rest;
            return (counted, 0);
        }
        let (confirmed, future) = judge(rest, newest_us, time);
        counted.extend(confirmed);
        (counted, future)
    }
}

/// Those of the last strays that count, and how many others are from the future.
fn judge(mut strays: Vec<Row>, newest_us: i64, time: &TimeSettings) -> (Vec<Row>, u64) {
    strays.sort_by_key(|row| row.time_us);
    let mut clock = Clock::new(None);
    clock.move_to(newest_us);
    let mut counted = Vec::new();
    for row in strays {
        match clock.judge(row.time_us, time) {
            EventVerdict::Ahead => {
                counted.extend(clock.hold(row, time).into_iter().map(|(r, _)| r))
            }
            _ => counted.push(row),
        }
    }
    let left = clock.finish();
    if clock.reached_us() != i64::MIN {
        return (counted, left.len() as u64);
    }
    // Nothing else was ever there to contradict them.
    counted.extend(left);
    (counted, 0)
}
