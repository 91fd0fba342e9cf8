//! A tick: the counts of one series in one step, and which codes those are where they are few.
//!
//! Most series have a handful of events a tick and dozens of codes, so what walks over all codes walks
//! over zeros. Sums run in the order of codes either way: the same bits.

/// Codes that are kept one by one.
const FEW: usize = 8;

/// Counts of codes, and the codes with any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick<'a> {
    counts: &'a [u32],
    events: u32,
    codes: [u8; FEW],
    /// How many codes have any; those beyond [`FEW`] are not in `codes`.
    present: usize,
}

impl<'a> Tick<'a> {
    pub(crate) fn new(counts: &'a [u32]) -> Self {
        let mut tick = Self { counts, events: 0, codes: [0; FEW], present: 0 };
        for (code, n) in counts.iter().enumerate() {
            tick.events = tick.events.wrapping_add(*n);
            if *n > 0 {
                if let Some(place) = tick.codes.get_mut(tick.present) {
                    *place = code as u8;
                }
                tick.present += 1;
            }
        }
        tick
    }

    pub(crate) fn counts(&self) -> &'a [u32] {
        self.counts
    }

    pub(crate) fn events(&self) -> u32 {
        self.events
    }

    fn few(&self) -> Option<&[u8]> {
        self.codes.get(..self.present)
    }

    /// Adds the counts to `sums`, code by code.
    pub(crate) fn add_to(&self, sums: &mut [u32]) {
        let Some(few) = self.few() else {
            return sums
                .iter_mut()
                .zip(self.counts)
                .for_each(|(sum, n)| *sum = sum.wrapping_add(*n));
        };
        for code in few.iter().map(|code| usize::from(*code)) {
            sums[code] = sums[code].wrapping_add(self.counts[code]);
        }
    }

    /// Evidence of all events by a table of codes.
    pub(crate) fn evidence(&self, table: &[f32]) -> f64 {
        let of = |(n, evidence): (&u32, &f32)| f64::from(*n) * f64::from(*evidence);
        match self.few() {
            Some(few) => {
                let of =
                    |code: &u8| of((&self.counts[usize::from(*code)], &table[usize::from(*code)]));
                few.iter().map(of).sum()
            }
            None => self.counts.iter().zip(table).map(of).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_codes_give_the_same() {
        let table: Vec<f32> = (0..40).map(|code| (code as f32).sin()).collect();
        for present in 0..=40 {
            let counts: Vec<u32> =
                (0..40).map(|code| if code * 7 % 40 < present { code + 1 } else { 0 }).collect();
            let tick = Tick::new(&counts);
            assert_eq!(tick.events(), counts.iter().sum::<u32>());
            assert_eq!(tick.few().is_some(), present as usize <= FEW);
            let mut sums = vec![5; 40];
            tick.add_to(&mut sums);
            assert!(sums.iter().zip(&counts).all(|(sum, n)| *sum == n + 5));
            let each = counts.iter().zip(&table).map(|(n, e)| f64::from(*n) * f64::from(*e));
            assert_eq!(tick.evidence(&table), each.sum::<f64>());
        }
    }
}
