//! One step: an input is judged by the clock of its partition, counted, and closes what every partition has
//! passed.

use crate::engine::clock::partition::{Clock, EventVerdict};
use crate::engine::input::Input;
use crate::engine::machine::Engine;
use crate::engine::output::Output;
use crate::model::{Batch, Row};

/// Rows that are counted before panes may close.
const ROWS_AT_ONCE: usize = 8192;

/// The span of event time of some rows.
#[derive(Default)]
struct PaneSpan(Option<(i64, i64)>);

impl PaneSpan {
    fn at(time_us: i64) -> Self {
        Self(Some((time_us, time_us)))
    }

    /// Takes one more row, unless the span became longer than `most_us`.
    #[inline]
    fn takes(&mut self, time_us: i64, most_us: i64) -> bool {
        let (first, last) = self.0.unwrap_or((time_us, time_us));
        let (first, last) = (first.min(time_us), last.max(time_us));
        if last.saturating_sub(first) > most_us {
            return false;
        }
        self.0 = Some((first, last));
        true
    }
}

impl Engine {
    /// Takes one input and gives what it decided.
    pub fn step(&mut self, input: Input<'_>) -> Output {
        let mut output = Output::default();
        match input {
            Input::Opened { partition, begin_us } => {
                self.clocks.insert(partition, Clock::new(begin_us));
            }
            Input::Batch(batch) => self.take_batch(batch, &mut output),
            Input::Passed { partition, watermark_us } => {
                let clock = self.clocks.entry(partition).or_insert_with(|| Clock::new(None));
                let judged = clock.pass(watermark_us, &self.settings.time);
                self.count_held(partition, judged);
            }
            Input::Closed { partition } => {
                if let Some(clock) = self.clocks.remove(&partition) {
                    self.strays.add_ended(clock);
                }
            }
        }
        self.close_due(&mut output);
        output
    }

    fn take_batch(&mut self, batch: &Batch, output: &mut Output) {
        let Some(mut clock) = self.clocks.remove(&batch.partition) else {
            debug_assert!(false, "a partition is opened before its first batch");
            return;
        };
        let mut rows = Vec::with_capacity(batch.rows().min(ROWS_AT_ONCE));
        let mut span = PaneSpan::default();
        let at_once_us = self.at_once_us();
        let only = self.settings.time.only_us;
        for row in 0..batch.rows() {
            if only.is_some_and(|(from, to)| !(from..to).contains(&batch.time_us[row])) {
                self.counters.outside += 1;
                continue;
            }
            match clock.judge(batch.time_us[row], &self.settings.time) {
                EventVerdict::Count => {
                    if clock.holds() {
                        self.counters.future += clock.refuse();
                    }
                    // What came before is closed as far as it is complete, so that it takes no room.
                    if !span.takes(batch.time_us[row], at_once_us) {
                        clock = self.count_and_close((batch, &mut rows), clock, output);
                        span = PaneSpan::at(batch.time_us[row]);
                    }
                    rows.push(row as u32);
                }
                EventVerdict::Late => {
                    if clock.holds() {
                        self.counters.future += clock.refuse();
                    }
                    self.counters.late += 1;
                }
                EventVerdict::Ahead => {
                    let judged = clock.hold(batch.row(row), &self.settings.time);
                    self.count_held(batch.partition, judged);
                }
            }
            if rows.len() == ROWS_AT_ONCE {
                clock = self.count_and_close((batch, &mut rows), clock, output);
                span = PaneSpan::default();
            }
        }
        self.count(batch, &rows);
        self.counters.events += rows.len() as u64;
        self.clocks.insert(batch.partition, clock);
    }

    /// Counts rows, and closes what every partition has passed. Only this partition's clock has moved.
    fn count_and_close(
        &mut self,
        (batch, rows): (&Batch, &mut Vec<u32>),
        clock: Clock,
        output: &mut Output,
    ) -> Clock {
        self.count(batch, rows);
        self.counters.events += rows.len() as u64;
        rows.clear();
        self.clocks.insert(batch.partition, clock);
        self.close_due(output);
        self.clocks.remove(&batch.partition).unwrap_or_else(|| Clock::new(None))
    }

    /// The span of event time that is counted before panes may close: a third of the panes that may be open
    /// besides those that lateness keeps. The source has another third for what its partitions are apart.
    fn at_once_us(&self) -> i64 {
        self.settings.time.panes_apart(&self.settings.limits) * self.settings.time.pane_us
    }

    /// Counts events that were held back by a clock.
    fn count_held(&mut self, partition: u32, judged: Vec<(Row, EventVerdict)>) {
        for (held, verdict) in judged {
            if verdict == EventVerdict::Late {
                self.counters.late += 1;
                continue;
            }
            let one = Batch::from_rows(partition, &[held], &self.kinds);
            self.count(&one, &[0]);
            self.counters.events += 1;
        }
    }

    /// Counts the strays that are confirmed by now.
    fn count_strays(&mut self) {
        let (confirmed, future) = self.strays.settle(&self.clocks, &self.settings.time);
        self.counters.future += future;
        for row in confirmed {
            let one = Batch::from_rows(0, &[row], &self.kinds);
            self.count(&one, &[0]);
            self.counters.events += 1;
        }
    }

    /// Closes all panes that every partition has passed.
    fn close_due(&mut self, output: &mut Output) {
        self.count_strays();
        let time = &self.settings.time;
        let watermark =
            self.clocks.values().map(|c| c.watermark_us(time)).min().unwrap_or(i64::MAX);
        let pane_us = time.pane_us;
        while let Some(entry) = self.panes.first_entry() {
            let start = *entry.key();
            if start + pane_us > watermark {
                break;
            }
            let pane = entry.remove();
            self.close(start, pane, output);
        }
    }
}
