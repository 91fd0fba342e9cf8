//! Times against chrono and against values worked out by hand.

use super::*;

fn reader(format: TimeFormat) -> TimeReader {
    TimeReader::new(&format).expect("a known format")
}

#[test]
fn rfc3339_agrees_with_chrono_on_every_day_of_four_centuries() {
    let mut times = reader(TimeFormat::Rfc3339);
    let mut day = chrono::NaiveDate::from_ymd_opt(1890, 1, 1).expect("a date");
    while day < chrono::NaiveDate::from_ymd_opt(2290, 1, 1).expect("a date") {
        let expected = day.and_hms_opt(13, 14, 15).expect("a time").and_utc().timestamp_micros();
        assert_eq!(times.text(&format!("{day}T13:14:15Z")), Some(expected), "{day}");
        day = day.succ_opt().expect("a next day");
    }
}

#[test]
fn rfc3339_spellings() {
    let mut times = reader(TimeFormat::Auto);
    let base = 1_704_164_645_000_000; // 2024-01-02T03:04:05Z
    for (text, expected) in [
        ("2024-01-02T03:04:05Z", Some(base)),
        ("2024-01-02t03:04:05z", Some(base)),
        ("2024-01-02 03:04:05", Some(base)),
        ("2024-01-02T03:04:05.1", Some(base + 100_000)),
        ("2024-01-02T03:04:05.123456Z", Some(base + 123_456)),
        ("2024-01-02T03:04:05.123456999Z", Some(base + 123_456)),
        ("2024-01-02T05:04:05+02:00", Some(base)),
        ("2024-01-02T05:04:05+0200", Some(base)),
        ("2024-01-01T21:34:05.5-05:30", Some(base + 500_000)),
        ("2024-01-02T03:04:60Z", Some(base + 55_000_000)),
        ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
        ("1969-12-31T23:59:59.9999999Z", Some(-1)),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799_000_000)),
        ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000_000)),
        ("2023-02-29T00:00:00Z", None),
        ("2024-13-01T00:00:00Z", None),
        ("2024-00-01T00:00:00Z", None),
        ("2024-01-32T00:00:00Z", None),
        ("2024-01-02T24:00:00Z", None),
        ("2024-01-02T03:60:00Z", None),
        ("2024-01-02T03:04:05.Z", None),
        ("2024-01-02T03:04:05+", None),
        ("2024-01-02T03:04:05ZZ", None),
        ("2024-01-02X03:04:05Z", None),
        ("2024-01-02", None),
        ("1704164645", None),
        ("", None),
        ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", None),
    ] {
        assert_eq!(times.text(text), expected, "{text}");
    }
}

#[test]
fn a_bad_date_is_not_remembered() {
    let mut times = reader(TimeFormat::Rfc3339);
    for _ in 0..2 {
        assert_eq!(times.text("2024-02-30T00:00:00Z"), None);
    }
    assert_eq!(times.text("0000-00-00T00:00:00Z"), None);
}

#[test]
fn epochs_are_exact() {
    for (format, text, expected) in [
        (TimeFormat::EpochS, "1700000000", Some(1_700_000_000_000_000)),
        (TimeFormat::EpochS, "1700000000.123456", Some(1_700_000_000_123_456)),
        (TimeFormat::EpochS, "1700000000.1234569", Some(1_700_000_000_123_456)),
        (TimeFormat::EpochS, "1.7e9", Some(1_700_000_000_000_000)),
        (TimeFormat::EpochS, "17000000000e-1", Some(1_700_000_000_000_000)),
        (TimeFormat::EpochS, "-0.0000005", Some(-1)),
        (TimeFormat::EpochS, "-1.5", Some(-1_500_000)),
        (TimeFormat::EpochS, "9223372036854", Some(9_223_372_036_854_000_000)),
        (TimeFormat::EpochS, "9223372036855", None),
        (TimeFormat::EpochS, "1e400", None),
        (TimeFormat::EpochS, "1e-400", Some(0)),
        (TimeFormat::EpochS, "0e99999999", Some(0)),
        (TimeFormat::EpochS, "1e99999999999", None),
        (TimeFormat::EpochMs, "1700000000123.4567", Some(1_700_000_000_123_456)),
        (TimeFormat::EpochUs, "1700000000123456.9", Some(1_700_000_000_123_456)),
        (TimeFormat::EpochNs, "1700000000123456789", Some(1_700_000_000_123_456)),
        (TimeFormat::EpochNs, "-1", Some(-1)),
        (TimeFormat::Auto, "1700000000", Some(1_700_000_000_000_000)),
        (TimeFormat::Auto, "1700000000.5", Some(1_700_000_000_500_000)),
        (TimeFormat::Auto, "1700000000123", Some(1_700_000_000_123_000)),
        (TimeFormat::Auto, "1700000000123456", Some(1_700_000_000_123_456)),
        (TimeFormat::Auto, "1700000000123456789", Some(1_700_000_000_123_456)),
        (TimeFormat::Auto, "99999999999", Some(99_999_999_999_000_000)),
        (TimeFormat::Auto, "100000000000", Some(100_000_000_000_000)),
        (
            TimeFormat::EpochS,
            "1700000000.00000000000000000000000000000000001",
            Some(1_700_000_000_000_000),
        ),
        (
            TimeFormat::EpochS,
            "-1700000000.00000000000000000000000000000000001",
            Some(-1_700_000_000_000_001),
        ),
        (TimeFormat::EpochS, "", None),
        (TimeFormat::EpochS, "-", None),
        (TimeFormat::EpochS, ".5", None),
        (TimeFormat::EpochS, "1.2.3", None),
        (TimeFormat::EpochS, "NaN", None),
        (TimeFormat::Rfc3339, "1700000000", None),
    ] {
        assert_eq!(reader(format.clone()).number(text), expected, "{format:?} {text}");
    }
    assert_eq!(reader(TimeFormat::Auto).integer(i64::MIN), Some(i64::MIN.div_euclid(1000)));
    assert_eq!(reader(TimeFormat::EpochS).integer(i64::MAX), None);
}

#[test]
fn patterns() {
    for (pattern, text, expected) in [
        ("%Y-%m-%d %H:%M:%S", "2024-01-02 03:04:05", Some(1_704_164_645_000_000)),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-02 03:04:05.1234567", Some(1_704_164_645_123_456)),
        ("%d/%b/%Y:%H:%M:%S %z", "02/Jan/2024:05:04:05 +0200", Some(1_704_164_645_000_000)),
        ("%Y%m%d", "20240102", Some(1_704_153_600_000_000)),
        ("%s", "1704164645", Some(1_704_164_645_000_000)),
        ("%Y-%m-%d %H:%M:%S", "2024-01-02", None),
        ("%Y-%m-%d %H", "2024-01-02 03", None),
    ] {
        let read = reader(TimeFormat::Pattern(pattern.into())).text(text);
        assert_eq!(read, expected, "{pattern} {text}");
    }
    assert!(TimeReader::new(&TimeFormat::Pattern("%Q".into())).is_none());
}
