//! Sizes in bytes as people write them: `512KiB`, `256MiB`, `1GiB`, `64MB`. Held as whole bytes.

const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads a size: `NUMBER UNIT`, with units B, KiB, MiB, GiB, TiB, kB, MB, GB. `None` if it is none.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

/// Writes a size in the largest unit that holds it exactly; what [`parse`] reads back.
pub fn format(bytes: u64) -> String {
    let fitting = UNITS.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    let (name, size) = fitting.unwrap_or(&("B", 1));
    format!("{}{name}", bytes / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, bytes) in
            [("0B", 0), ("1B", 1), ("512KiB", 524_288), ("256MiB", 1 << 28), ("3GB", 3_000_000_000)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
            assert_eq!(format(bytes), text);
        }
        assert_eq!(parse("256 MiB"), Some(1 << 28));
        for text in ["", "10", "MiB", "-1B", "1.5GiB", "1mb", "99999999999TiB", "1GiB1MiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
