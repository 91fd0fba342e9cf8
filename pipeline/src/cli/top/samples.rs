//! The text of `/metrics`, read back: names to values.

use std::collections::BTreeMap;

use crate::telemetry::Metric;

/// Values of one scrape, by name; labels as they were written.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Samples(BTreeMap<String, Vec<(String, f64)>>);

impl Samples {
    /// Reads the exposition format. Lines that are none of it are left out.
    pub(in crate::cli) fn parse(text: &str) -> Self {
        let mut samples: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some(end) = line.find(['{', ' ']) else { continue };
            let (name, rest) = line.split_at(end);
            let (labels, value) = match rest.strip_prefix('{') {
                // A value holds no brace, so that the last one ends the labels.
                Some(rest) => rest.rsplit_once('}').unwrap_or_default(),
                None => ("", rest),
            };
            let value = value.split_whitespace().next().and_then(|v| v.parse().ok());
            if let Some(value) = value {
                samples.entry(name.to_owned()).or_default().push((labels.to_owned(), value));
            }
        }
        Self(samples)
    }

    /// Sum over all label values; 0 where there are none.
    pub(in crate::cli) fn sum(&self, metric: Metric) -> f64 {
        self.of(metric.spec().name).map(|(_, value)| value).sum()
    }

    /// The value of a metric without labels.
    pub(in crate::cli) fn get(&self, metric: Metric) -> Option<f64> {
        self.of(metric.spec().name).map(|(_, value)| *value).next()
    }

    /// Upper bounds of a histogram's buckets and how many observations are at most that, ascending.
    pub(in crate::cli) fn buckets(&self, metric: Metric) -> Vec<(f64, f64)> {
        let name = format!("{}_bucket", metric.spec().name);
        let bound = |labels: &str| {
            let (_, rest) = labels.split_once("le=\"")?;
            let (bound, _) = rest.split_once('"')?;
            if bound == "+Inf" { Some(f64::INFINITY) } else { bound.parse().ok() }
        };
        self.of(&name).filter_map(|(labels, n)| Some((bound(labels)?, *n))).collect()
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &(String, f64)> {
        self.0.get(name).into_iter().flatten()
    }
}

/// The bucket that holds the quantile, by its upper bound; none without observations. `since` are the
/// buckets of an earlier scrape, whose observations are left out if any came after.
pub(in crate::cli) fn quantile(
    now: &[(f64, f64)],
    since: &[(f64, f64)],
    share: f64,
) -> Option<f64> {
    let total = now.last()?.1;
    let earlier = since.last().map_or(0.0, |(_, n)| *n);
    let fresh = since.len() == now.len() && total > earlier;
    let count = |at: usize| now[at].1 - if fresh { since[at].1 } else { 0.0 };
    let wanted = share * if fresh { total - earlier } else { total };
    let at = (0..now.len()).find(|at| count(*at) >= wanted && wanted > 0.0)?;
    Some(now[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Telemetry;

    #[test]
    fn what_was_rendered_is_read() {
        let telemetry = Telemetry::new();
        telemetry.add(Metric::Events, &["a}b\" 7", "0"], 3);
        telemetry.add(Metric::Events, &["c", "1"], 4);
        telemetry.set(Metric::SinkWait, &[], 1.5);
        let before = Samples::parse(&telemetry.render());
        for seconds in [0.002, 0.002, 0.2, 100.0] {
            telemetry.observe(Metric::CommitDuration, &[], seconds);
        }
        let after = Samples::parse(&telemetry.render());
        assert_eq!(after.sum(Metric::Events), 7.0);
        assert_eq!(after.get(Metric::SinkWait), Some(1.5));
        assert_eq!(after.get(Metric::SnapshotTime), None);
        let [old, new] = [&before, &after].map(|s| s.buckets(Metric::CommitDuration));
        let quantiles = [0.5, 0.75, 0.99].map(|share| quantile(&new, &old, share));
        assert_eq!(quantiles, [Some(0.0025), Some(0.25), Some(f64::INFINITY)]);
        assert_eq!(quantile(&new, &new, 0.5), Some(0.0025), "nothing fresh: since the start");
        assert_eq!(quantile(&old, &[], 0.5), None);
        assert_eq!(Samples::parse("no\u{0}\n{}\n} x {\nname{ 1").sum(Metric::Events), 0.0);
    }
}
