//! Numbers that may be known within bounds, and the day that a question is asked for.

use jiff::civil::Date;

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

fn date_of(day: i32) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().days(day.clamp(-700_000, 2_900_000))).unwrap_or(epoch)
}

pub fn year_of(day: i32) -> i32 {
    i32::from(date_of(day).year())
}

/// Prints a day as `YYYY-MM-DD`.
pub fn print_day(day: i32) -> String {
    date_of(day).to_string()
}

/// Whole months from one day to another; negative when `to` is earlier.
pub fn months_between(from: i32, to: i32) -> i32 {
    if to < from {
        return -months_between(to, from);
    }
    let (from, to) = (date_of(from), date_of(to));
    let months = (i32::from(to.year()) - i32::from(from.year())) * 12 + i32::from(to.month())
        - i32::from(from.month());
    // The 31st has had its month by the last day of a shorter one.
    let short = to.day() < from.day() && to.day() < to.days_in_month();
    months - i32::from(short)
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
        for text in ["1970-01-01", "1899-12-31", "2026-11-23", "2024-02-29"] {
            if let Some(day) = days(text) {
                assert_eq!(print_day(day), text);
                assert_eq!(year_of(day).to_string(), text[..4]);
            }
        }
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
