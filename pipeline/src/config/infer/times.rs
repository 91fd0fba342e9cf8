//! Which time formats the values of a path have. Told by the decoder's own reader, so what is found here
//! is what a replay reads.

use crate::codec::TimeReader;
use crate::model::TimeFormat;

/// Patterns that are tried on texts that are not RFC 3339, with an example for people.
const PATTERNS: &[(&str, &str)] = &[
    ("%Y-%m-%d %H:%M:%S,%3f", "2026-03-02 09:15:04,218"),
    ("%d/%b/%Y:%H:%M:%S %z", "02/Mar/2026:09:15:04 +0000"),
    ("%a, %d %b %Y %H:%M:%S %z", "Mon, 02 Mar 2026 09:15:04 +0000"),
    ("%a, %d %b %Y %H:%M:%S GMT", "Mon, 02 Mar 2026 09:15:04 GMT"),
    ("%Y/%m/%d %H:%M:%S", "2026/03/02 09:15:04"),
    ("%Y/%m/%d %H:%M:%S%.f", "2026/03/02 09:15:04.218"),
    ("%d.%m.%Y %H:%M:%S", "02.03.2026 09:15:04"),
    ("%Y%m%dT%H%M%SZ", "20260302T091504Z"),
    ("%m/%d/%Y %H:%M:%S", "03/02/2026 09:15:04"),
    ("%d/%m/%Y %H:%M:%S", "02/03/2026 09:15:04"),
    ("%a %b %e %H:%M:%S %Y", "Mon Mar  2 09:15:04 2026"),
    ("%Y-%m-%d", "2026-03-02"),
];

/// 2000-01-01 and 2100-01-01, in seconds: what a plausible epoch lies between.
const EPOCH_S: (f64, f64) = (946_684_800.0, 4_102_444_800.0);
/// Units of an epoch: how many are a second.
const EPOCHS: &[(TimeFormat, f64)] = &[
    (TimeFormat::EpochS, 1.0),
    (TimeFormat::EpochMs, 1e3),
    (TimeFormat::EpochUs, 1e6),
    (TimeFormat::EpochNs, 1e9),
];

const DAY_US: i64 = 86_400_000_000;

/// Counts of values by time format.
#[derive(Debug, Default)]
pub struct TimeVotes {
    /// Formats of texts that fitted all texts so far, each with its reader.
    texts: Option<Vec<(TimeFormat, TimeReader)>>,
    text_count: u64,
    epochs: [u64; EPOCHS.len()],
    number_count: u64,
    typed_count: u64,
    span_us: Option<(i64, i64)>,
    has_clock: bool,
}

impl TimeVotes {
    /// Looks at a text.
    pub(super) fn text(&mut self, text: &str) {
        self.text_count += 1;
        let is_decimal = |text: &str| {
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            whole.len() >= 9 && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
        };
        if is_decimal(text) {
            // Some writers quote their epochs: 64-bit integers do not survive JavaScript.
            if let Ok(number) = text.parse() {
                self.epoch(number);
            }
        }
        let readers = self.texts.get_or_insert_with(candidates);
        readers.retain_mut(|(_, reader)| reader.text(text).is_some());
        if let Some(us) = readers.first_mut().and_then(|(_, reader)| reader.text(text)) {
            self.widen(us);
        }
    }

    /// Looks at a number.
    pub(super) fn number(&mut self, number: f64) {
        self.number_count += 1;
        self.epoch(number);
    }

    fn epoch(&mut self, number: f64) {
        for (at, (_, a_second)) in EPOCHS.iter().enumerate() {
            if (EPOCH_S.0..EPOCH_S.1).contains(&(number / a_second)) {
                self.epochs[at] += 1;
                self.widen((number / a_second * 1e6) as i64);
            }
        }
    }

    /// Looks at a time of a format that knows times.
    pub(super) fn typed(&mut self, us: i64) {
        self.typed_count += 1;
        self.widen(us);
    }

    /// Whether any value is another instant than the beginning of a day.
    pub(super) fn has_clock(&self) -> bool {
        self.has_clock
    }

    fn widen(&mut self, us: i64) {
        self.has_clock |= us % DAY_US != 0;
        self.span_us = Some(self.span_us.map_or((us, us), |(a, b)| (a.min(us), b.max(us))));
    }

    /// The format that all values have, if there is one, and whether other formats would do as well.
    pub fn format(&self) -> Option<(TimeFormat, bool)> {
        let kinds = [self.text_count, self.number_count, self.typed_count];
        if kinds.iter().filter(|count| **count > 0).count() != 1 {
            return None;
        }
        if self.typed_count > 0 {
            return Some((TimeFormat::Auto, false));
        }
        let count = self.number_count.max(self.text_count);
        if let Some(((format, _), _)) =
            EPOCHS.iter().zip(self.epochs).find(|(_, votes)| *votes == count)
        {
            return Some((format.clone(), false));
        }
        let fitting = self.texts.as_deref()?;
        let (first, _) = fitting.first()?;
        let ambiguous = matches!(first, TimeFormat::Pattern(_)) && fitting.len() > 1;
        Some((first.clone(), ambiguous))
    }

    /// Earliest and latest value, in microseconds since 1970.
    pub fn span_us(&self) -> Option<(i64, i64)> {
        self.span_us
    }
}

fn candidates() -> Vec<(TimeFormat, TimeReader)> {
    let patterns = PATTERNS.iter().map(|(pattern, _)| TimeFormat::Pattern((*pattern).into()));
    std::iter::once(TimeFormat::Auto)
        .chain(patterns)
        .filter_map(|format| Some((format.clone(), TimeReader::new(&format)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_is_found_from_its_example() {
        for (pattern, example) in PATTERNS {
            let mut votes = TimeVotes::default();
            votes.text(example);
            let (format, _) = votes.format().unwrap_or_else(|| panic!("{example} was not found"));
            let TimeFormat::Pattern(found) = format else { panic!("{example} is {format:?}") };
            let mut reader =
                TimeReader::new(&TimeFormat::Pattern(found.clone())).expect("a pattern");
            let mut meant =
                TimeReader::new(&TimeFormat::Pattern((*pattern).into())).expect("a pattern");
            let ambiguous = *pattern == "%d/%m/%Y %H:%M:%S";
            assert!(ambiguous || reader.text(example) == meant.text(example), "{example}: {found}");
        }
    }

    #[test]
    fn days_over_twelve_tell_day_from_month() {
        let mut votes = TimeVotes::default();
        votes.text("02/03/2026 09:15:04");
        assert_eq!(votes.format().map(|(_, ambiguous)| ambiguous), Some(true));
        votes.text("14/03/2026 09:15:04");
        let expected = TimeFormat::Pattern("%d/%m/%Y %H:%M:%S".into());
        assert_eq!(votes.format(), Some((expected, false)));
    }

    #[test]
    fn epochs_are_told_by_size() {
        for (format, a_second) in EPOCHS {
            let mut votes = TimeVotes::default();
            votes.number(1_772_442_904.0 * a_second);
            assert_eq!(votes.format(), Some((format.clone(), false)));
            votes.number(3.0);
            assert_eq!(votes.format(), None);
        }
    }
}
