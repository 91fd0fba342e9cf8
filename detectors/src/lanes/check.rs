//! Whether a baseline that was read from outside may be used.

use super::catalogue::fixed_lanes;
use crate::baseline::{Baseline, Zone};
use crate::dependence::design_effect::Dependence;
use crate::encoder::CODES_MAX;

impl Baseline {
    /// The fault of a baseline that was read from outside; one that has a fault may not be used.
    pub fn fault(&self) -> Option<&'static str> {
        let codes = self.encoder.codes();
        if codes > CODES_MAX {
            return Some("its encoder has more codes than there can be");
        }
        if self.counts.len() != codes {
            return Some("its counts do not fit its encoder");
        }
        let is_share = |x: &f64| (0.0..=1.0).contains(x);
        let is_positive = |x: f64| x.is_finite() && x > 0.0;
        let is_known = |of: &Dependence| {
            is_positive(of.effect) && is_positive(of.growth) && is_positive(of.weight)
        };
        let fits = |len: usize, wanted: usize| len == 0 || len == wanted;
        let has_slots = self.slots.as_ref().is_none_or(|slots| slots.fit(codes));
        // This reads the count of each code.
        let lanes = fixed_lanes(self, Zone::default()).len();
        let checks = [
            (self.counts.iter().any(|n| *n > 0), "it rests on no events"),
            (fits(self.temper.len(), lanes), "it was made by another version"),
            (
                fits(self.dependence.len(), self.temper.len()),
                "its dependence does not fit its lanes",
            ),
            (fits(self.code_temper.len(), codes), "its code_temper does not fit its encoder"),
            (
                self.temper.iter().chain(&self.code_temper).all(is_share),
                "its tempering is not between 0 and 1",
            ),
            (self.dependence.iter().all(is_known), "its dependence is not positive"),
            (is_positive(self.tick_events), "its tick_events are not positive"),
            (is_positive(self.inflation), "its inflation is not positive"),
            (has_slots, "its slots do not fit its encoder"),
        ];
        checks.into_iter().find(|(is_right, _)| !is_right).map(|(_, fault)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::HourOfWeekCounts;
    use crate::encoder::{CategoryEncoder, Encoder, NumberEncoder};

    #[test]
    fn what_was_edited_has_a_fault() {
        let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 1.0, 2.0, 3.0]));
        let good = Baseline::new(encoder, vec![0, 50, 100, 50, 0, 3, 0]);
        assert_eq!(good.fault(), None);
        let known = Dependence { effect: 1.0, weight: 1.0, growth: 1.0, sums: 5.0 };
        type Edit = fn(&mut Baseline, Dependence);
        let edits: [(Edit, &str); 12] = [
            (|b, _| b.counts.push(1), "counts"),
            (|b, _| b.counts.truncate(2), "counts"),
            (
                |b, _| {
                    let names = (0..20).map(|at| (["a", "b", "c"][at % 3], 5));
                    b.encoder = Encoder::Category(CategoryEncoder::from_counts(names));
                    b.counts.truncate(1);
                },
                "counts",
            ),
            (
                |b, known| {
                    let lanes = fixed_lanes(b, Zone::default()).len();
                    b.temper = vec![1.0; lanes];
                    b.dependence = vec![Dependence { effect: -1.0, ..known }; lanes];
                },
                "not positive",
            ),
            (|b, _| b.counts.fill(0), "no events"),
            (|b, _| b.temper = vec![1.0; 3], "another version"),
            (|b, known| b.dependence = vec![known; 3], "lanes"),
            (|b, _| b.code_temper = vec![1.0; 3], "code_temper"),
            (|b, _| b.code_temper = vec![1.5; 7], "between 0 and 1"),
            (|b, _| b.tick_events = f64::NAN, "tick_events"),
            (|b, _| b.inflation = -1.0, "inflation"),
            (|b, _| b.slots = Some(HourOfWeekCounts::new(3)), "slots"),
        ];
        for (edit, words) in edits {
            let mut bad = good.clone();
            edit(&mut bad, known);
            let fault = bad.fault().unwrap_or_default();
            assert!(fault.contains(words), "{words}: {fault}");
        }
    }
}
