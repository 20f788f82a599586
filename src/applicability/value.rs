//! Numbers that may be known within bounds, and the day that a question is asked for.

/// A number that lies between two bounds, both inclusive; an exact one has equal bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub const ZERO: Self = Self::exact(0.0);

    pub const fn exact(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// `None` unless both bounds are numbers in their order; a bound may be infinite.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low <= high).then_some(Self { low, high })
    }

    pub fn is_exact(self) -> bool {
        self.low == self.high
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        Self::new(self.low + other.low, self.high + other.high)
    }

    pub fn minus(self, other: Self) -> Option<Self> {
        Self::new(self.low - other.high, self.high - other.low)
    }

    pub fn times(self, other: Self) -> Option<Self> {
        Self::hull([
            self.low * other.low,
            self.low * other.high,
            self.high * other.low,
            self.high * other.high,
        ])
    }

    /// `None` when the divisor may be 0.
    pub fn over(self, other: Self) -> Option<Self> {
        if other.low <= 0.0 && other.high >= 0.0 {
            return None;
        }
        if self.is_exact() && other.is_exact() {
            let quotient = self.low / other.low;
            return Self::new(quotient, quotient);
        }
        Self::hull([
            self.low / other.low,
            self.low / other.high,
            self.high / other.low,
            self.high / other.high,
        ])
    }

    pub fn min(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }

    pub fn max(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// The bounds of four values; `None` where one is no number.
    fn hull(corners: [f64; 4]) -> Option<Self> {
        if corners.iter().any(|corner| corner.is_nan()) {
            return None;
        }
        let low = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::new(low, high)
    }
}

/// When something is asked. Days count from 1970-01-01.
///
/// Two moments of one record differ only in what its windows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The day of the question: whole months are counted to it.
    pub as_of: i32,
    /// The day that "last year" and the like refer to: the window's `rules_as_of`, else `as_of`.
    pub reference: i32,
    pub opens: Option<i32>,
    pub closes: Option<i32>,
}

impl Moment {
    /// A moment without a window.
    pub fn on(as_of: i32) -> Self {
        Self { as_of, reference: as_of, opens: None, closes: None }
    }

    /// The year `Y`.
    pub fn year(self) -> i32 {
        year_of(self.reference)
    }
}

/// Year, month and day of the month of a day since 1970-01-01, in the Gregorian calendar.
///
/// Asked for with every check of many profiles, so that it is worth more than a general calendar's nanoseconds.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
fn civil(day: i32) -> (i32, i32, i32) {
    let day = i64::from(day) + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Counted from March.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, day as i32)
}

pub fn year_of(day: i32) -> i32 {
    civil(day).0
}

/// Prints a day as `YYYY-MM-DD`.
pub fn print_day(day: i32) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Whole months from one day to another; negative when `to` is earlier.
pub fn months_between(from: i32, to: i32) -> i32 {
    if to < from {
        return -months_between(to, from);
    }
    let ((from_year, from_month, from_day), (year, month, day)) = (civil(from), civil(to));
    let months = (year - from_year) * 12 + month - from_month;
    // The 31st has had its month by the last day of a shorter one.
    let is_last = civil(to.saturating_add(1)).2 == 1;
    months - i32::from(day < from_day && !is_last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::value::days;

    #[test]
    fn months_are_whole() {
        let check = |from: &str, to: &str, expected: i32| {
            assert_eq!(
                months_between(days(from).unwrap(), days(to).unwrap()),
                expected,
                "{from} {to}"
            );
        };
        check("2025-11-23", "2026-11-23", 12);
        check("2025-11-24", "2026-11-23", 11);
        check("2025-01-31", "2025-02-28", 1);
        check("2025-01-31", "2025-02-27", 0);
        check("2026-11-23", "2025-11-23", -12);
        check("2026-11-23", "2026-11-23", 0);
    }

    #[test]
    fn days_print_as_dates() {
        for text in
            ["1900-01-01", "1970-01-01", "1969-12-31", "2000-02-29", "2026-11-23", "2199-12-31"]
        {
            let day = days(text).unwrap();
            assert_eq!(print_day(day), text);
            assert_eq!(year_of(day).to_string(), text[..4]);
        }
        // Every day of the years that dates may be in follows the one before.
        let first = days("1900-01-01").unwrap();
        let last = days("2199-12-31").unwrap();
        assert!((first..=last).all(|day| days(&print_day(day)) == Some(day)));
    }

    #[test]
    fn arithmetic_is_sound_at_the_bounds() {
        let interval = |low, high| Interval::new(low, high).unwrap();
        assert_eq!(interval(1.0, 2.0).minus(interval(0.5, 3.0)), Interval::new(-2.0, 1.5));
        assert_eq!(interval(-1.0, 2.0).times(interval(-3.0, 4.0)), Interval::new(-6.0, 8.0));
        assert_eq!(interval(1.0, 2.0).over(interval(0.0, 3.0)), None);
        assert_eq!(interval(1.0, 2.0).over(interval(2.0, 4.0)), Interval::new(0.25, 1.0));
        assert_eq!(Interval::new(2.0, 1.0), None);
        assert_eq!(Interval::new(f64::NAN, 1.0), None);
    }
}
