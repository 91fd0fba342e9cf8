//! Which part of a history counts as a change and not as what it is usually like.
//!
//! A replay asks for false alarms, so what was right must not be in it. What tells them apart is how long
//! they last: blocks are taken to be exchangeable, and a state that fills a block or more cannot be a part
//! of that; what comes and goes sooner stays, since it comes again. A finding that is not over when the
//! history ends lasts.

use std::collections::BTreeMap;

/// Key and metric.
type SeriesName = (Vec<String>, String);

/// How long a finding was on, microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Its onset.
    pub(super) from_us: i64,
    /// When it was over; none: it is not.
    pub(super) to_us: Option<i64>,
}

/// The findings of a history, by the series that they are about.
#[derive(Debug, Default)]
pub(super) struct Lasting(BTreeMap<SeriesName, Vec<Span>>);

/// What was left out of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LeftOut {
    /// Series of which a part was left out.
    pub series: usize,
    /// The share of all ticks of the series that were run.
    pub share: f64,
}

impl Lasting {
    /// A finding about some series.
    pub(super) fn found(&mut self, about: Vec<SeriesName>, span: Span) {
        for series in about {
            self.0.entry(series).or_default().push(span);
        }
    }

    /// The numbers of a series' ticks that stay, of those that began at `times`; `block_us` is the length
    /// of a block.
    pub(super) fn stays(
        &self,
        (key, metric): (&[String], &str),
        times: &[i64],
        block_us: i64,
    ) -> Vec<usize> {
        let spans = self.0.get(&(key.to_vec(), metric.to_owned())).map_or(&[][..], Vec::as_slice);
        let is_in = |span: &Span, time_us: i64| {
            let lasts = span.to_us.is_none_or(|to_us| to_us - span.from_us >= block_us);
            lasts && time_us >= span.from_us && span.to_us.is_none_or(|to_us| time_us < to_us)
        };
        let stays = |at: &usize| !spans.iter().any(|span| is_in(span, times[*at]));
        (0..times.len()).filter(stays).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fills_a_block_or_is_not_over_is_left_out_and_what_comes_and_goes_stays() {
        let name = |metric: &str| (vec!["m".to_owned()], metric.to_owned());
        let times: Vec<i64> = (0..100).collect();
        let mut lasting = Lasting::default();
        lasting.found(vec![name("a"), name("b")], Span { from_us: 10, to_us: Some(30) });
        lasting.found(vec![name("a")], Span { from_us: 50, to_us: Some(55) });
        lasting.found(vec![name("b")], Span { from_us: 90, to_us: None });
        let stays = |metric: &str| lasting.stays((&["m".to_owned()], metric), &times, 20).len();
        assert_eq!([stays("a"), stays("b"), stays("c")], [80, 70, 100]);
        assert_eq!(lasting.stays((&["m".to_owned()], "a"), &times, 21).len(), 100);
    }
}
