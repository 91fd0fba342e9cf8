//! The calendar that seasons follow: hours of the week, in UTC.

/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// Microseconds of a day.
pub const DAY_US: i64 = 24 * HOUR_US;
/// Hours of a week.
pub const HOURS_PER_WEEK: usize = 168;

/// The hour of the week of an instant (microseconds since 1970, UTC); 0 is Monday 00:00.
pub fn hour_of_week(time_us: i64) -> usize {
    // 1970-01-01 was a Thursday: three days after a Monday.
    (time_us.div_euclid(HOUR_US) + 72).rem_euclid(HOURS_PER_WEEK as i64) as usize
}
