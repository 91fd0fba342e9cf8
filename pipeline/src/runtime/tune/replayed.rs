//! Replay calibration: the false alarms that the real statistic gives on this history, if it goes on as it
//! was, beside those that were promised.
//!
//! The ticks that were judged are put together anew out of blocks (a moving block bootstrap, Kuensch
//! 1989), and each series runs over such courses from the beginning, by the engine's own code. Blocks are
//! the same spans of time for all series, so that what they have in common stays in common. Budgets ask
//! for run lengths far beyond any history: what a course is too short to show is continued from the
//! heights of its excursions (see `tail`).
//!
//! Assumed: blocks are exchangeable; what takes longer than a block is not in it, and what was found and
//! lasted so long is left out (see `left_out`). A change of the history that was not found, or was soon
//! over, counts as false. Randomness has a fixed seed, and a course does not depend on threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::left_out::{Lasting, LeftOut};
use super::tail::{Excursions, Others, Tail};
use crate::engine::{Engine, RecordLimits, RecordedTicks, Rerun};
use crate::model::settings::{HOUR_US, WEEK_US};

/// Series that are run again, a sample of all, and the last ticks of each.
pub const RECORDED: RecordLimits = RecordLimits { series: 64, ticks: 32_768 };
/// Ticks over all series and courses of one of the settings; it decides how many courses there are ...
const TICKS_MAX: usize = 12_000_000;
/// ... within these.
const COURSES: (usize, usize) = (8, 24);
/// Blocks that a span is cut into where a day is too long.
const BLOCKS: i64 = 8;
const DAY_US: i64 = 24 * HOUR_US;
const SEED: u64 = 0x7e91_ac0e;
/// Quantile of 97.5 % of a normal law, and what Student's adds of it over so many degrees of freedom.
const SURE: (f64, f64) = (1.96, 2.83);
/// A course without an alarm counts as this part of the mean, so that it has a logarithm.
const LEAST: f64 = 1e-3;
/// Parts of its span in which a series' excursions are counted.
const PARTS: usize = 8;

/// What one of the settings gives on courses of the history.
#[derive(Debug)]
pub struct Replayed {
    series: Vec<Course>,
    /// Series for each that was run.
    scale: f64,
    /// Length of a block.
    pub block_us: i64,
    /// Courses of each series.
    pub courses: usize,
    /// Series that were run.
    pub sample: usize,
    /// What was found in the history, and is not in the courses.
    pub left_out: LeftOut,
    from_us: i64,
    to_us: i64,
}

/// A series over all courses.
#[derive(Debug)]
struct Course {
    name: String,
    is_scalar: bool,
    baseline_events: u64,
    /// `ln A` at a budget of one a week.
    log_promise: f64,
    ticks_a_week: f64,
    /// Of each course, with its ticks.
    runs: Vec<(Excursions, u64)>,
    /// Excursions that began on each level, by the part of the span that their ticks are from.
    begun: Vec<[u32; PARTS]>,
}

/// False alarms a week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// What was promised, at most.
    pub promised: f64,
    /// What is seen, and the ends of its interval of 95 %.
    pub replayed: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a budget gives on courses of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Over all series.
    pub all: Rate,
    /// Ticks over all series, a week.
    pub ticks_a_week: f64,
    /// Series with more than was promised, beyond chance; the worst first.
    pub above: Vec<Loud>,
}

/// A series with more false alarms than was promised.
#[derive(Debug, Clone, PartialEq)]
pub struct Loud {
    /// Key and metric.
    pub name: String,
    /// Its own.
    pub rate: Rate,
    /// Whether it is a value of spans.
    pub is_scalar: bool,
    /// Events of its baseline.
    pub baseline_events: u64,
    /// Where more than half of it lies in an eighth of the history: from when to when.
    pub within_us: Option<(i64, i64)>,
}

/// Runs the series of records under an engine's settings; `least_budget`: the smallest that matters.
pub(super) fn replayed(
    engine: &Engine,
    records: &[RecordedTicks],
    lasting: &Lasting,
    (least_budget, threads): (f64, usize),
) -> Option<Replayed> {
    let pane_us = engine.settings().time.pane_us;
    let times: Vec<Vec<i64>> = records.iter().map(RecordedTicks::times_us).collect();
    let to_us = times.iter().filter_map(|times| times.last()).max()? + pane_us;
    let first = |times: &Vec<i64>| times.first().copied();
    let cut = times.iter().zip(records).filter(|(_, record)| record.may_be_cut(RECORDED));
    let cut_us = cut.filter_map(|(times, _)| first(times)).max();
    let from_us = cut_us.or_else(|| times.iter().filter_map(first).min())?;
    let span_us = to_us - from_us;
    let block_us = block(span_us, pane_us);
    let ticks: usize = times.iter().map(Vec::len).sum();
    let stays = |(record, times): (&RecordedTicks, &Vec<i64>)| {
        lasting.stays((record.key(), record.metric()), times, block_us)
    };
    let kept: Vec<Vec<usize>> = records.iter().zip(&times).map(stays).collect();
    let courses = (TICKS_MAX / ticks.max(1)).clamp(COURSES.0, COURSES.1);
    let starts: Vec<Vec<i64>> = (0..courses)
        .map(|course| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED + course as u64);
            let last = (span_us - block_us) / pane_us;
            let start = |_| from_us + random.random_range(0..=last) * pane_us;
            (0..(span_us + block_us - 1) / block_us).map(start).collect()
        })
        .collect();
    let span = Span { from_us, to_us, block_us, starts: &starts };
    let next = AtomicUsize::new(0);
    let mut found: Vec<Mutex<Option<Course>>> = Vec::new();
    found.resize_with(records.len(), Mutex::default);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, records.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(record) = records.get(at) else { return };
                    let course = engine.rerun(record).map(|rerun| {
                        let log_promise = engine.log_promise(record, 1.0);
                        let top = engine.log_promise(record, least_budget);
                        span.run(record, (&times[at], &kept[at]), &rerun, (log_promise, top))
                    });
                    if let Ok(mut place) = found[at].lock() {
                        *place = course;
                    }
                }
            });
        }
    });
    let series: Vec<Course> =
        found.into_iter().filter_map(|place| place.into_inner().ok().flatten()).collect();
    if series.is_empty() {
        return None;
    }
    let is_sample = records.len() >= RECORDED.series;
    let all = if is_sample { engine.watched_series() as f64 } else { series.len() as f64 };
    let (scale, sample) = ((all / series.len() as f64).max(1.0), series.len());
    let cut = times.iter().zip(&kept).filter(|(times, kept)| kept.len() < times.len()).count();
    let stayed: usize = kept.iter().map(Vec::len).sum();
    let left_out = LeftOut { series: cut, share: 1.0 - stayed as f64 / ticks.max(1) as f64 };
    Some(Replayed { series, scale, block_us, courses, sample, left_out, from_us, to_us })
}

/// A day where there are as many as blocks, else such a part of the span.
fn block(span_us: i64, pane_us: i64) -> i64 {
    let eighth = span_us / BLOCKS;
    let wanted = if eighth >= DAY_US { DAY_US } else { eighth };
    (wanted / pane_us).max(1) * pane_us
}

struct Span<'a> {
    from_us: i64,
    to_us: i64,
    block_us: i64,
    starts: &'a [Vec<i64>],
}

impl Span<'_> {
    fn run(
        &self,
        record: &RecordedTicks,
        (times, kept): (&[i64], &[usize]),
        fresh: &Rerun,
        (log_promise, top): (f64, f64),
    ) -> Course {
        let mut begun = Vec::new();
        let part_us = (self.to_us - self.from_us) / PARTS as i64 + 1;
        let mut run = |starts: &Vec<i64>| {
            let (mut series, mut excursions, mut ticks) = (fresh.clone(), Excursions::new(top), 0);
            for (number, start_us) in (0i64..).zip(starts) {
                let first = kept.partition_point(|at| times[*at] < *start_us);
                let in_block = |at: &&usize| times[**at] < start_us + self.block_us;
                for at in kept[first..].iter().take_while(in_block) {
                    let time_us = times[*at];
                    let now_us = self.from_us + number * self.block_us + time_us - start_us;
                    let log_mixture = series.take_tick(record, *at, time_us, now_us, top);
                    ticks += 1;
                    if let Some(level) = excursions.take(log_mixture) {
                        begun.resize(begun.len().max(level + 1), [0; PARTS]);
                        let part = ((time_us - self.from_us) / part_us).clamp(0, PARTS as i64 - 1);
                        begun[level][part as usize] += 1;
                    }
                }
            }
            excursions.end();
            (excursions, ticks)
        };
        let runs = self.starts.iter().map(&mut run).collect();
        let since = (self.to_us - times.first().copied().unwrap_or(self.from_us)).max(1);
        Course {
            name: name_of(record),
            is_scalar: record.every_us().is_some(),
            baseline_events: fresh.baseline_events(),
            log_promise,
            ticks_a_week: times.len() as f64 * WEEK_US as f64 / since as f64,
            runs,
            begun,
        }
    }
}

fn name_of(record: &RecordedTicks) -> String {
    let key: Vec<&str> =
        record.key().iter().map(String::as_str).filter(|k| !k.is_empty()).collect();
    format!("{} {}", key.join("/"), record.metric())
}

impl Replayed {
    /// False alarms at a budget.
    pub fn at(&self, budget_per_week: f64) -> Estimate {
        let asked: Vec<Asked> = self.series.iter().map(|s| s.asked(budget_per_week)).collect();
        let whole: Vec<Tail> = asked.iter().map(|a| a.whole).collect();
        let others = Others::of(&whole);
        let rates: Vec<f64> = asked.iter().map(|a| a.whole_rate(&others)).collect();
        let mut by_course: Vec<Vec<f64>> = vec![Vec::new(); self.series.len()];
        let mut sums = Vec::new();
        for course in 0..self.courses {
            let tails: Vec<Tail> = asked.iter().map(|a| a.tails[course].0).collect();
            let others = Others::of(&tails);
            for (of, asked) in by_course.iter_mut().zip(&asked) {
                of.push(asked.rate(course, &others));
            }
            sums.push(self.sum(course, by_course.iter().map(|of| of[course]).collect()));
        }
        let promised: f64 = asked.iter().map(|a| a.promised).sum();
        let all = rate(promised, rates.iter().sum(), &sums).times(self.scale);
        let mut above: Vec<Loud> = Vec::new();
        for (at, series) in self.series.iter().enumerate() {
            let own = rate(asked[at].promised, rates[at], &by_course[at]);
            if own.low > own.promised {
                let within_us = self.within(series, asked[at].level.0);
                let (name, is_scalar) = (series.name.clone(), series.is_scalar);
                let baseline_events = series.baseline_events;
                above.push(Loud { name, rate: own, is_scalar, baseline_events, within_us });
            }
        }
        above.sort_by(|a, b| b.rate.replayed.total_cmp(&a.rate.replayed));
        let ticks_a_week = self.series.iter().map(|s| s.ticks_a_week).sum::<f64>() * self.scale;
        Estimate { all, ticks_a_week, above }
    }

    /// The sum over series of one course: of as many drawn anew, where they are a sample.
    fn sum(&self, course: usize, rates: Vec<f64>) -> f64 {
        if self.scale <= 1.0 {
            return rates.iter().sum();
        }
        let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED ^ (course as u64) << 32);
        (0..rates.len()).map(|_| rates[random.random_range(0..rates.len())]).sum()
    }

    fn within(&self, series: &Course, level: usize) -> Option<(i64, i64)> {
        let part_us = (self.to_us - self.from_us) / PARTS as i64 + 1;
        let from_us = self.from_us + most_within(&series.begun, level)? as i64 * part_us;
        Some((from_us, (from_us + part_us).min(self.to_us)))
    }
}

/// The part of the history in which more than half of the excursions above a level began, if there is one.
fn most_within(begun: &[[u32; PARTS]], level: usize) -> Option<usize> {
    // Where alarms are counted themselves, they are what began at the last level.
    let level = level.min(begun.len().saturating_sub(1));
    let of_part = |part: usize| begun.iter().skip(level).map(|b| b[part]).sum::<u32>();
    let parts: Vec<u32> = (0..PARTS).map(of_part).collect();
    let at = (0..PARTS).max_by_key(|part| parts[*part])?;
    (2 * parts[at] > parts.iter().sum()).then_some(at)
}

/// A series at a budget.
struct Asked {
    log_promise: f64,
    level: (usize, bool),
    promised: f64,
    ticks_a_week: f64,
    /// Of one course in the mean, and of each, with its ticks.
    whole: Tail,
    whole_ticks: f64,
    tails: Vec<(Tail, u64)>,
}

impl Course {
    fn asked(&self, budget_per_week: f64) -> Asked {
        let log_promise =
            (self.log_promise - libm::log(budget_per_week)).max(core::f64::consts::LN_2);
        let courses = self.runs.len() as f64;
        let mut sum: Option<Excursions> = None;
        for (run, _) in &self.runs {
            match &mut sum {
                Some(sum) => sum.add(run),
                None => sum = Some(run.clone()),
            }
        }
        let sum = sum.unwrap_or_else(|| Excursions::new(log_promise));
        let level = sum.telling(log_promise, courses);
        let ticks: u64 = self.runs.iter().map(|(_, ticks)| ticks).sum();
        Asked {
            log_promise,
            level,
            promised: self.ticks_a_week / libm::exp(log_promise),
            ticks_a_week: self.ticks_a_week,
            whole: sum.tail(level).of_one(courses),
            whole_ticks: ticks as f64 / courses,
            tails: self.runs.iter().map(|(run, ticks)| (run.tail(level), *ticks)).collect(),
        }
    }
}

impl Asked {
    fn whole_rate(&self, others: &Others) -> f64 {
        let alarms = self.whole.alarms(self.log_promise, others);
        alarms / self.whole_ticks.max(1.0) * self.ticks_a_week
    }

    fn rate(&self, course: usize, others: &Others) -> f64 {
        let (tail, ticks) = &self.tails[course];
        let alarms = tail.alarms(self.log_promise, others);
        alarms / (*ticks).max(1) as f64 * self.ticks_a_week
    }
}

/// A rate with its interval: courses differ as histories would.
fn rate(promised: f64, replayed: f64, courses: &[f64]) -> Rate {
    let n = courses.len().max(2) as f64;
    let floor = (replayed * LEAST).max(f64::MIN_POSITIVE);
    let logs: Vec<f64> = courses.iter().map(|rate| libm::log(rate.max(floor))).collect();
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>() / (n - 1.0);
    let sure = SURE.0 + SURE.1 / (n - 1.0);
    let off = libm::exp((sure * variance.sqrt()).min(50.0));
    Rate { promised, replayed, low: replayed / off, high: replayed * off }
}

impl Rate {
    fn times(self, scale: f64) -> Self {
        let Self { promised, replayed, low, high } = self;
        let [promised, replayed, low, high] = [promised, replayed, low, high].map(|r| r * scale);
        Self { promised, replayed, low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_days_where_there_are_several() {
        let pane_us = 10_000_000;
        assert_eq!(block(30 * DAY_US, pane_us), DAY_US);
        assert_eq!(block(2 * DAY_US, pane_us), 6 * HOUR_US);
        assert_eq!(block(HOUR_US, pane_us), 450_000_000);
        assert_eq!(block(30_000_000, pane_us), pane_us);
    }

    #[test]
    fn most_of_what_begins_in_one_part_is_told_up_to_alarms_that_are_counted_themselves() {
        let mut begun = vec![[3; PARTS]; 4];
        assert_eq!(most_within(&begun, 0), None);
        begun[3] = [0; PARTS];
        begun[3][5] = 4;
        assert_eq!(most_within(&begun, 3), Some(5));
        assert_eq!(most_within(&begun, 4), Some(5), "beyond the last level");
        assert_eq!(most_within(&[], 0), None);
    }

    #[test]
    fn an_interval_holds_the_rate_and_widens_with_what_courses_differ_by() {
        let narrow = rate(1.0, 2.0, &[2.0, 2.1, 1.9, 2.0]);
        assert!(narrow.low > 1.5 && narrow.high < 2.5 && narrow.low < 2.0);
        let wide = rate(1.0, 2.0, &[8.0, 0.0, 0.0, 0.0]);
        assert!(wide.low < 0.01 && wide.high > 100.0, "{wide:?}");
    }
}
