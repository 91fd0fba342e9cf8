//! The tail of excursions: how often a statistic rises to heights that its course was too short to show.
//!
//! Between excursions a Shiryaev-Roberts statistic is a random recursion, whose logarithm rises above `l`
//! with a rate that falls off as `exp(-theta l)` (Kesten 1973; Goldie 1991): `theta` is 1 where the promise
//! is met exactly, above where it is kept, below where evidence is overrated. So excursions are counted
//! above a ladder of levels; up to where there are enough of them the count itself is the answer, and
//! beyond it is continued by the mean height above that level (Hill 1975).

/// Thresholds that differ by no more are the same, summed up in another order.
const SAME: f64 = 1e-9;
/// Lowest level, nats.
const LOWEST: f64 = -4.0;
/// An excursion is over where the statistic is so far below its level, nats.
const APART: f64 = 2.0;
/// A level says how high excursions rise only where the statistic is no higher for this share of the time:
/// it never falls as low as that in some series, and what lies below is where it rests, which falls off
/// like nothing.
const RESTS: f64 = 0.25;
/// Excursions in a course of the history's length that tell how high they rise.
const ENOUGH: f64 = 100.0;
/// So many alarms in a course are counted themselves, and need no tail; and so many excursions tell, where
/// they are more than those below them let expect by ...
const FEW: f64 = 3.0;
/// ... so many standard deviations: what comes and goes is rare, and rises higher than the rest.
const BEYOND: f64 = 2.5;

/// Excursions above one level.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Above {
    /// How many.
    pub(super) count: f64,
    /// Of these, those that went up to the top, where they were alarms.
    pub(super) alarms: f64,
    /// Sum of their heights above the level, no higher than the top.
    pub(super) heights: f64,
    /// Ticks at which the statistic was as high.
    ticks: f64,
}

/// Excursions above each level of the ladder, up to a top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Excursions {
    top: f64,
    /// All ticks.
    ticks: f64,
    levels: Vec<Above>,
    /// Highest of each excursion that is open: those of the lowest levels.
    open: Vec<Option<f64>>,
}

/// How a rate goes on beyond a level: `rate exp(-slope (l - level))`, of one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    level: f64,
    /// Excursions above it.
    pub(super) count: f64,
    /// Of these, those that told how high they rise, and what was seen of the heights of all.
    told: f64,
    heights: f64,
    /// It is unlike what is below it, so that other series say nothing of it.
    is_own: bool,
}

fn level(at: usize) -> f64 {
    LOWEST + at as f64
}

impl Excursions {
    /// None yet, where `top` is an alarm.
    pub(super) fn new(top: f64) -> Self {
        let levels = (top - LOWEST).floor().max(0.0) as usize + 1;
        Self { top, ticks: 0.0, levels: vec![Above::default(); levels], open: vec![None; levels] }
    }

    /// Takes the statistic after a tick; none where a finding is on. Returns the highest level on which
    /// an excursion began.
    pub(super) fn take(&mut self, log_mixture: Option<f64>) -> Option<usize> {
        let value = log_mixture?;
        let mut begun = None;
        let is_alarm = value >= self.top;
        self.ticks += 1.0;
        for (at, (open, above)) in self.open.iter_mut().zip(&mut self.levels).enumerate() {
            let level = level(at);
            if value >= level {
                above.ticks += 1.0;
                if open.is_none() {
                    begun = Some(at);
                }
                *open = Some(open.map_or(value, |highest| highest.max(value)));
            }
            if (is_alarm || value < level - APART)
                && let Some(highest) = open.take()
            {
                above.add(highest.min(self.top) - level, is_alarm);
            }
        }
        begun
    }

    /// The course ends: what is open is counted as high as it is.
    pub(super) fn end(&mut self) {
        for (at, (open, above)) in self.open.iter_mut().zip(&mut self.levels).enumerate() {
            if let Some(highest) = open.take() {
                above.add(highest - level(at), false);
            }
        }
    }

    /// Adds another course's.
    pub(super) fn add(&mut self, other: &Self) {
        self.ticks += other.ticks;
        for (sum, other) in self.levels.iter_mut().zip(&other.levels) {
            sum.ticks += other.ticks;
            sum.count += other.count;
            sum.alarms += other.alarms;
            sum.heights += other.heights;
        }
    }

    /// The highest level above where it rests and not above `log_promise` with enough excursions in each of
    /// so many courses (where none has, that with most), or one above it that has more than is to be
    /// expected from there, which is told. Beyond the last level is the top: where there are enough alarms,
    /// these are counted.
    pub(super) fn telling(&self, log_promise: f64, courses: f64) -> (usize, bool) {
        let count = |at: usize| self.levels[at].count / courses;
        let rests = self.levels.iter().take_while(|l| l.ticks > RESTS * self.ticks).count();
        let rests = rests.min(self.levels.len() - 1);
        let below = || (rests..self.levels.len()).take_while(|at| level(*at) <= log_promise);
        let last = self.levels.len() - 1;
        if log_promise >= self.top - SAME && self.levels[last].alarms >= FEW * courses {
            return (last + 1, true);
        }
        let most = below().fold(rests, |most, at| if count(at) > count(most) { at } else { most });
        let base = below().filter(|at| count(*at) >= ENOUGH).last().unwrap_or(most);
        let mut telling = base;
        for at in below().filter(|at| *at > base).take_while(|at| count(*at) >= FEW) {
            let tail = self.tail((telling, false)).of_one(courses);
            let slope = tail.told() / tail.heights.max(f64::MIN_POSITIVE);
            let expected = tail.count * libm::exp(-slope * (at - telling) as f64);
            if count(at) > expected + BEYOND * expected.max(1.0).sqrt() {
                telling = at;
            }
        }
        (telling, telling > base)
    }

    /// What is beyond a level.
    pub(super) fn tail(&self, (at, is_own): (usize, bool)) -> Tail {
        let last = self.levels.len() - 1;
        let Above { count, alarms, heights, .. } = self.levels[at.min(last)];
        let told = count - alarms;
        if at > last {
            return Tail { level: self.top, count: alarms, told, heights, is_own };
        }
        Tail { level: level(at), count, told, heights, is_own }
    }
}

impl Above {
    fn add(&mut self, height: f64, is_alarm: bool) {
        self.count += 1.0;
        self.alarms += f64::from(u8::from(is_alarm));
        self.heights += height;
    }
}

impl Tail {
    /// Excursions that told their height.
    pub(super) fn told(&self) -> f64 {
        self.told
    }

    /// The same, of one course out of so many.
    pub(super) fn of_one(mut self, courses: f64) -> Self {
        self.count /= courses;
        self.told /= courses;
        self.heights /= courses;
        self
    }

    /// How many excursions rise to `log_promise`, with what `others` tell of how they fall off.
    pub(super) fn alarms(&self, log_promise: f64, others: &Others) -> f64 {
        // Where they rise higher than the others' do, beyond chance, the others say nothing of them.
        let expected = others.slope * self.heights;
        let is_own = self.is_own || self.told + BEYOND * expected.sqrt() < expected;
        let weight = if is_own { WEIGHT_MIN } else { others.weight };
        let slope = (self.told() + weight) / (self.heights + weight / others.slope);
        self.count * libm::exp(-slope * (log_promise - self.level).max(0.0))
    }
}

/// How excursions fall off in all series together, and how much that says of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Others {
    slope: f64,
    weight: f64,
}

impl Others {
    /// Of the tails of all series: a slope varies between them by what it varies more than their errors
    /// (a method of moments, for a Gamma law).
    pub(super) fn of(tails: &[Tail]) -> Self {
        let alike = || tails.iter().filter(|tail| !tail.is_own);
        let sum = |of: fn(&Tail) -> f64| alike().map(of).sum::<f64>();
        let (told, heights) = (sum(Tail::told), sum(|tail| tail.heights));
        if told <= 0.0 || heights <= 0.0 {
            return Self { slope: 1.0, weight: WEIGHT_MIN };
        }
        let slope = told / heights;
        let (mut spread, mut error) = (0.0, 0.0);
        for tail in alike().filter(|tail| tail.told() >= 2.0 && tail.heights > 0.0) {
            let off = (tail.told() - 1.0) / tail.heights / slope - 1.0;
            spread += tail.told() * off * off;
            error += 1.0;
        }
        let between = (spread - error) / told;
        let weight =
            if between > 0.0 { (1.0 / between).clamp(WEIGHT_MIN, WEIGHT_MAX) } else { WEIGHT_MAX };
        Self { slope, weight }
    }
}

/// Excursions that what is known of other series counts for, at least and at most.
const WEIGHT_MIN: f64 = 4.0;
const WEIGHT_MAX: f64 = 10_000.0;

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Exp1};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    /// Excursions whose heights above the lowest level fall off by `slope`.
    fn made(seed: u64, slope: f64, count: usize, top: f64) -> Excursions {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut excursions = Excursions::new(top);
        for _ in 0..count {
            let height: f64 = Exp1.sample(&mut random);
            excursions.take(Some(LOWEST + height / slope));
            excursions.take(Some(LOWEST - APART - 1.0));
        }
        excursions.end();
        excursions
    }

    #[test]
    fn what_is_beyond_the_course_is_continued_as_it_falls_off() {
        for slope in [0.5, 1.0, 1.5] {
            let all: Vec<Excursions> = (0..40).map(|seed| made(seed, slope, 2_000, 14.0)).collect();
            let tails: Vec<Tail> = all.iter().map(|e| e.tail(e.telling(14.0, 1.0))).collect();
            let others = Others::of(&tails);
            let alarms: f64 = tails.iter().map(|tail| tail.alarms(14.0, &others)).sum();
            let expected = 40.0 * 2_000.0 * (-slope * (14.0 - LOWEST)).exp();
            let ratio = alarms / expected;
            assert!(ratio > 0.5 && ratio < 2.0, "{slope}: {alarms} for {expected}");
        }
    }

    #[test]
    fn one_that_falls_off_slowly_is_not_hidden_by_the_others() {
        let mut all: Vec<Excursions> = (0..40).map(|seed| made(seed, 1.2, 2_000, 14.0)).collect();
        all.push(made(99, 0.3, 2_000, 14.0));
        let tails: Vec<Tail> = all.iter().map(|e| e.tail(e.telling(14.0, 1.0))).collect();
        let others = Others::of(&tails);
        let alarms: Vec<f64> = tails.iter().map(|tail| tail.alarms(14.0, &others)).collect();
        let expected = 2_000.0 * (-0.3 * (14.0 - LOWEST)).exp();
        assert!((0.5..2.0).contains(&(alarms[40] / expected)), "{alarms:?}");
        assert!(alarms[..40].iter().all(|alarms| *alarms < 0.5), "{alarms:?}");
    }

    #[test]
    fn few_that_rise_far_above_the_rest_are_counted_themselves() {
        let mut mixed = made(3, 1.2, 2_000, 14.0);
        mixed.add(&made(4, 0.01, 15, 14.0));
        let tail = mixed.tail(mixed.telling(14.0, 1.0));
        let alarms = tail.alarms(14.0, &Others::of(&[tail]));
        assert!((9.0..15.1).contains(&alarms), "{alarms} {tail:?}");
    }

    #[test]
    fn an_excursion_is_one_until_it_has_fallen_well_below_its_level() {
        let mut excursions = Excursions::new(10.0);
        for value in [0.5, 1.5, 0.5, 1.5, -3.0, 1.2, 11.0] {
            excursions.take(Some(value));
        }
        excursions.take(None);
        excursions.end();
        let at = |l: f64| excursions.tail(((l - LOWEST) as usize, false));
        // Twice above 0 and above 1, the second time up to an alarm.
        assert_eq!((at(1.0).count, at(1.0).told), (2.0, 1.0));
        assert_eq!(at(1.0).heights, 0.5 + 9.0);
        // Never below -4 - 2: one that lasts.
        assert_eq!(at(-4.0).count, 1.0);
        assert_eq!(at(10.0).count, 1.0);
    }
}
