//! Durations as people write them: `250ms`, `10s`, `1h30m`, `7d`. Held as whole microseconds.

const UNITS: &[(&str, i64)] = &[
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Reads a duration: one or more of `NUMBER UNIT`, with units us, ms, s, m, h, d, w. `None` if it is none.
pub fn parse_us(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let (_, size_us) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*size_us)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// Writes a duration, largest units first; what [`parse_us`] reads back.
pub fn format_us(mut us: i64) -> String {
    if us <= 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (name, size_us) in UNITS {
        if us >= *size_us {
            text.push_str(&format!("{}{name}", us / size_us));
            us %= size_us;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, us) in [
            ("0s", 0),
            ("250ms", 250_000),
            ("10s", 10_000_000),
            ("1h30m", 5_400_000_000),
            ("1w", 604_800_000_000),
        ] {
            assert_eq!(parse_us(text), Some(us), "{text}");
            assert_eq!(format_us(us), text);
        }
        for text in ["", "10", "s", "10 s", "-1s", "1.5h", "10sec", "99999999999999999w", "1h-1m"] {
            assert_eq!(parse_us(text), None, "{text}");
        }
    }
}
