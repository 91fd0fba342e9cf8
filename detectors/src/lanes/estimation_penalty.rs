//! The slack: by how much the evidence of each event is reduced because the baseline is an estimate.

use crate::math::promise::BASELINE_LOG_PROMISE;

/// Slack: by how much the evidence of each event is reduced because the baseline is an estimate.
///
/// The error of a baseline of `N` events moves the mean evidence of an event by `s d / sqrt N`, with `s`
/// standard normal and `d` the spread. A lane's false alarms at `A` then go as `A^-theta` with
/// `theta = 1 - 2 (s d / sqrt N - slack) / d^2`. Over baselines the mean of that is `1/A` where the
/// slack is `ln A / N`, whatever `d`. So the promise holds on average over baselines, which is what a
/// budget is about; a single one may be better or worse.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct EstimationPenalty {
    /// Slack of an event for each unit of `ln A`.
    per_log: f64,
    /// `ln A` from which slack is due; below 0 where it is due for more than `ln A`.
    paid: f64,
}

impl EstimationPenalty {
    /// That of a lane whose two laws are near each other.
    pub(crate) fn of_events(events: f64) -> Self {
        Self { per_log: 1.0 / events.max(1.0), paid: 0.0 }
    }

    /// That of a lane for a `share`, estimated from so many `events`, which was `null` and became
    /// `alternative`.
    ///
    /// Far from each other the slack is `D / 2G` times as much, with their chi-square divergence `D` and
    /// information `G`: an error `x` of the share moves `theta` by `x sqrt(D / (null (1 - null))) / G`.
    /// Where only `k` such events were seen the share times `N` is Gamma(k) (Jeffreys' half is in the
    /// share), whose shorter upper tail asks for less: the factor is that of quadrature over it for an
    /// odds ratio of 4, and pays enough, to 4 % of `ln A`, for those from 2.5 to 8, any `k`, and `ln A`
    /// from 8 to 18.
    pub(crate) fn of_share(share: f64, null: f64, alternative: f64, events: f64) -> Self {
        let off = alternative - null;
        let divergence = off * off / (null * (1.0 - null));
        let kept = libm::log((1.0 - alternative) / (1.0 - null));
        let information = alternative * libm::log(alternative / null) + (1.0 - alternative) * kept;
        let far = if information > 1e-12 { divergence / (2.0 * information) } else { 1.0 };
        let seen = share * events;
        let few = 0.97 * (seen + 1.5) / (seen + 2.1);
        Self { per_log: far * few / events.max(1.0), paid: 0.0 }
    }

    /// A lane that follows the last minutes also follows the baseline's own error in any direction, and
    /// gains half of its chi-square an event. With `k` degrees of freedom that is at most `(k/2 +
    /// sqrt(k ln A) + ln A) / N` but once in `A` baselines (Laurent, Massart 2000).
    pub(crate) fn of_learned(codes: usize, events: f64) -> Self {
        let freedom = (codes - 1) as f64;
        let paid = -(freedom / 2.0 + libm::sqrt(freedom * BASELINE_LOG_PROMISE));
        Self { per_log: 1.0 / events.max(1.0), paid }
    }

    /// Slack of an event at a promise.
    pub(crate) fn per_event(self, log_promise: f64) -> f64 {
        self.per_log * (log_promise - self.paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of `A^-theta` over the Gamma law of `share N`, with `share (r^theta - 1) = theta (m / N) (r
    /// - 1)`.
    fn mean_of_alarms(seen: f64, extra: f64, ratio: f64, log_promise: f64) -> f64 {
        let theta = |rate: f64| {
            let least = |t: f64| rate * (ratio.powf(t) - 1.0) - t * (seen + extra) * (ratio - 1.0);
            let (mut low, mut high) = (1e-6, 50.0);
            (0..60).for_each(|_| {
                let middle = (low + high) / 2.0;
                if least(middle) < 0.0 { low = middle } else { high = middle }
            });
            low
        };
        let top = seen + 9.0 * seen.sqrt() + 25.0;
        let (mut sum, mut all) = (0.0, 0.0);
        for step in 0..2_000 {
            let rate = (f64::from(step) + 0.5) / 2_000.0 * top;
            let weight = ((seen - 1.0) * (rate / seen).ln() - (rate - seen)).exp();
            sum += weight * (-log_promise * theta(rate)).exp();
            all += weight;
        }
        (sum / all).ln() / log_promise
    }

    /// False alarms on average over baselines, as a power of the promise: -1 keeps it.
    #[test]
    fn rare_shares_keep_the_promise_on_average_over_baselines() {
        for (ratio, loosest) in [(2.5, -1.4), (4.0, -1.15), (8.0, -1.15)] {
            for seen in [0.5, 1.5, 3.5, 10.5, 50.0, 300.0] {
                for log_promise in [8.5, 12.0, 18.0] {
                    let (events, share) = (1e6, seen / 1e6);
                    let penalty = EstimationPenalty::of_share(share, share, ratio * share, events);
                    let extra = penalty.per_event(log_promise) * events / (ratio - 1.0);
                    let power = mean_of_alarms(seen, extra, ratio, log_promise);
                    assert!(
                        power < -0.965 && power > loosest,
                        "{ratio} {seen} {log_promise}: {power}"
                    );
                }
            }
        }
    }

    #[test]
    fn near_laws_ask_for_one_over_the_events() {
        let near = EstimationPenalty::of_share(0.3, 0.3, 0.3001, 1e5).per_event(10.0);
        assert!(
            (near / EstimationPenalty::of_events(1e5).per_event(10.0) - 0.97).abs() < 0.01,
            "{near}"
        );
    }
}
