//! Event time: text or number in the configured format to microseconds since 1970, UTC.
//!
//! Exact: decimal digits are never read through a float. Digits below a microsecond are cut off
//! (towards the past). Invariant: a reading depends on its text and the format alone.
//! Sources: RFC 3339; day count by Howard Hinnant, "chrono-compatible low-level date algorithms".

use chrono::format::{Item, Parsed, StrftimeItems};

use crate::model::TimeFormat;

const DAY_US: i64 = 86_400_000_000;

/// Reads times of one format. Remembers the last date, since neighbours mostly share it.
#[derive(Debug, Clone)]
pub(crate) struct TimeReader {
    format: TimeFormat,
    pattern: Vec<Item<'static>>,
    last_date: [u8; 10],
    last_date_us: i64,
}

/// How a number that stands for a time is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// Power of ten from this unit to microseconds.
    fn scale(self) -> i32 {
        match self {
            Unit::Seconds => 6,
            Unit::Millis => 3,
            Unit::Micros => 0,
            Unit::Nanos => -3,
        }
    }

    /// The unit of [`TimeFormat::Auto`]: told by size.
    fn by_size(magnitude: u128) -> Self {
        match magnitude {
            0..100_000_000_000 => Unit::Seconds,
            100_000_000_000..100_000_000_000_000 => Unit::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Unit::Micros,
            _ => Unit::Nanos,
        }
    }
}

impl TimeReader {
    /// `None` if the format is a pattern that strftime does not know.
    pub(crate) fn new(format: &TimeFormat) -> Option<Self> {
        let pattern = match format {
            TimeFormat::Pattern(pattern) => StrftimeItems::new(pattern).parse_to_owned().ok()?,
            _ => Vec::new(),
        };
        Some(Self { format: format.clone(), pattern, last_date: [0; 10], last_date_us: 0 })
    }

    /// A time written as a string (in JSON, in quotes).
    pub(crate) fn text(&mut self, text: &str) -> Option<i64> {
        match self.format {
            TimeFormat::Auto | TimeFormat::Rfc3339 => self.rfc3339(text.as_bytes()),
            TimeFormat::Pattern(_) => self.pattern(text),
            _ => self.number(text),
        }
    }

    /// A time written as a decimal number.
    pub(crate) fn number(&self, text: &str) -> Option<i64> {
        let unit = self.unit()?;
        Decimal::parse(text.as_bytes())?.micros(unit)
    }

    /// A cell of a format without types: a number if it looks like one.
    pub(crate) fn cell(&mut self, text: &str) -> Option<i64> {
        if self.format == TimeFormat::Auto
            && let Some(us) = self.number(text)
        {
            return Some(us);
        }
        self.text(text)
    }

    /// A whole number, from a typed column.
    pub(crate) fn integer(&self, value: i64) -> Option<i64> {
        Decimal { digits: i128::from(value), scale: 0, inexact: false }.micros(self.unit()?)
    }

    /// `None`: the format takes no numbers. `Some(None)`: by size.
    fn unit(&self) -> Option<Option<Unit>> {
        match self.format {
            TimeFormat::Auto => Some(None),
            TimeFormat::EpochS => Some(Some(Unit::Seconds)),
            TimeFormat::EpochMs => Some(Some(Unit::Millis)),
            TimeFormat::EpochUs => Some(Some(Unit::Micros)),
            TimeFormat::EpochNs => Some(Some(Unit::Nanos)),
            TimeFormat::Rfc3339 | TimeFormat::Pattern(_) => None,
        }
    }

    fn rfc3339(&mut self, text: &[u8]) -> Option<i64> {
        let (head, rest) = text.split_first_chunk::<19>()?;
        let (date, clock) = head.split_first_chunk::<10>()?;
        if *date != self.last_date {
            self.last_date_us = date_us(date)?;
            self.last_date = *date;
        }
        let &[t, h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return None };
        if !matches!(t, b'T' | b't' | b' ') {
            return None;
        }
        let (hour, minute, second) = (pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?);
        // A leap second reads as the first second of the next minute.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction_us, rest) = fraction(rest)?;
        let offset_s = match rest {
            [] | [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
                let (hours, minutes) = (pair(*h1, *h2)?, pair(*m1, *m2)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = hours * 3600 + minutes * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return None,
        };
        let clock_s = hour * 3600 + minute * 60 + second - offset_s;
        Some(self.last_date_us + clock_s * 1_000_000 + fraction_us)
    }

    fn pattern(&self, text: &str) -> Option<i64> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, self.pattern.iter()).ok()?;
        let offset_s = parsed.offset();
        let time = match parsed.to_naive_datetime_with_offset(offset_s.unwrap_or(0)) {
            Ok(time) => time,
            // A pattern with a date alone means its midnight.
            Err(_) if parsed.hour_mod_12().is_none() && parsed.timestamp().is_none() => {
                parsed.to_naive_date().ok()?.and_hms_opt(0, 0, 0)?
            }
            Err(_) => return None,
        };
        let us = time.and_utc().timestamp_micros();
        us.checked_sub(i64::from(offset_s.unwrap_or(0)) * 1_000_000)
    }
}

/// Two ASCII digits.
fn pair(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// `.123` and what follows it; microseconds.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', digits)) = text.split_first() else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (digits, rest) = digits.split_at(count);
    let mut us = 0;
    for place in 0..6 {
        us = us * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    Some((us, rest))
}

/// Midnight of `YYYY-MM-DD`.
fn date_us(date: &[u8; 10]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
    let (month, day) = (pair(m1, m2)?, pair(d1, d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > days_in_month {
        return None;
    }
    // Years that start in March put the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * DAY_US)
}

/// `digits * 10^scale`, exactly; `inexact` = more digits were there, further from zero.
struct Decimal {
    digits: i128,
    scale: i32,
    inexact: bool,
}

/// More digits than any time has, few enough for 128 bits.
const DIGITS_MAX: u32 = 30;

impl Decimal {
    /// A JSON-like decimal number: sign, digits, fraction, exponent.
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, mut rest) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (mut digits, mut kept, mut scale, mut inexact) = (0i128, 0u32, 0i32, false);
        let (mut seen, mut after_point) = (false, false);
        while let Some((&byte, tail)) = rest.split_first() {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    if kept < DIGITS_MAX {
                        digits = digits * 10 + i128::from(byte - b'0');
                        kept += u32::from(digits != 0);
                        scale -= i32::from(after_point);
                    } else {
                        inexact |= byte != b'0';
                        scale = scale.checked_add(i32::from(!after_point))?;
                    }
                }
                b'.' if !after_point && seen => after_point = true,
                b'e' | b'E' if seen => {
                    let exponent: i32 = std::str::from_utf8(tail).ok()?.parse().ok()?;
                    scale = scale.checked_add(exponent)?;
                    break;
                }
                _ => return None,
            }
            rest = tail;
        }
        seen.then_some(Self { digits: if negative { -digits } else { digits }, scale, inexact })
    }

    fn micros(&self, unit: Option<Unit>) -> Option<i64> {
        let unit = unit.unwrap_or_else(|| Unit::by_size(self.magnitude()));
        let scale = self.scale.checked_add(unit.scale())?;
        let exact = match power_of_ten(scale.unsigned_abs()) {
            _ if self.digits == 0 => 0,
            Some(power) if scale >= 0 => self.digits.checked_mul(power)?,
            Some(power) => {
                let floor = self.digits.div_euclid(power);
                let on_edge = self.inexact && self.digits.rem_euclid(power) == 0;
                if on_edge && self.digits < 0 { floor - 1 } else { floor }
            }
            None if scale < 0 => -i128::from(self.digits < 0),
            None => return None,
        };
        i64::try_from(exact).ok()
    }

    /// Whole part without its sign; saturates.
    fn magnitude(&self) -> u128 {
        let digits = self.digits.unsigned_abs();
        match power_of_ten(self.scale.unsigned_abs()) {
            _ if digits == 0 => 0,
            Some(power) if self.scale >= 0 => digits.saturating_mul(power.unsigned_abs()),
            Some(power) => digits / power.unsigned_abs(),
            None if self.scale < 0 => 0,
            None => u128::MAX,
        }
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
