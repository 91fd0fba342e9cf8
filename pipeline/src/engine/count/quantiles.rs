//! Quantiles of a group's pane: an HdrHistogram, once there are enough values to pay for one.
//!
//! A histogram takes some 16 KiB, a group that is hardly seen a few bytes: so few values are kept as they
//! are. What is asked of both is the same, and so is the answer.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values that are kept as they are.
const FEW: usize = 128;

/// Counts of whole numbers, to two digits.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Quantiles {
    few: Vec<u64>,
    many: Option<Box<Histogram<u64>>>,
}

impl Quantiles {
    pub(crate) fn record(&mut self, value: u64, times: u64) {
        if let Some(many) = &mut self.many {
            many.saturating_record_n(value, times);
        } else if times == 1 && self.few.len() < FEW {
            self.few.push(value);
        } else {
            let mut many = histogram(&std::mem::take(&mut self.few));
            many.saturating_record_n(value, times);
            self.many = Some(Box::new(many));
        }
    }

    pub(crate) fn merge(&mut self, other: &Quantiles) {
        other.few.iter().for_each(|value| self.record(*value, 1));
        if let Some(theirs) = &other.many {
            let few = std::mem::take(&mut self.few);
            let own = self.many.get_or_insert_with(|| Box::new(histogram(&few)));
            own.add(theirs.as_ref()).unwrap_or_else(|e| unreachable!("it grows by itself: {e}"));
        }
    }

    /// The 99th percentile; none of nothing.
    pub(crate) fn p99(&self) -> Option<u64> {
        match &self.many {
            Some(many) => Some(many.value_at_quantile(0.99)),
            None if self.few.is_empty() => None,
            None => Some(histogram(&self.few).value_at_quantile(0.99)),
        }
    }
}

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 2, 2).unwrap_or_else(|e| unreachable!("{e}"));
    histogram.auto(true);
    values.iter().for_each(|value| histogram.saturating_record(*value));
    histogram
}

/// As the list of values and counts: small, and free of the histogram's internal layout.
impl Serialize for Quantiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let few = self.few.iter().map(|value| (*value, 1));
        let many = self.many.iter().flat_map(|many| many.iter_recorded());
        let many = many.map(|v| (v.value_iterated_to(), v.count_at_value()));
        few.chain(many).collect::<Vec<(u64, u64)>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Quantiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs: Vec<(u64, u64)> = Vec::deserialize(deserializer)?;
        let mut quantiles = Quantiles::default();
        pairs.into_iter().for_each(|(value, times)| quantiles.record(value, times));
        Ok(quantiles)
    }
}
