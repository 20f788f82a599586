//! Quantities in texts: `不低于 1.38 MPa`, `0.03～0.05 mm`, `-20℃至60℃`, `300 kg/亩以上`.
//!
//! [`Units`] converts, [`parse`] finds quantities with their places, and [`fit`] proves what one side asks for against
//! what the other states.

pub mod fit;
pub mod parse;
mod unit;
mod units_toml;
mod words;

use std::ops::Range;

pub use unit::{Dimension, Unit, Units};

/// A named range of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What is measured, as the text calls it; may be empty.
    pub name: String,
    pub low: Bound,
    pub high: Bound,
    pub dimension: Dimension,
    /// How it was said.
    pub said: Said,
    /// Bytes of the text that it was read from; empty for a field of its own.
    pub place: Range<usize>,
    /// The words that it was read from, its name with them.
    pub span: String,
}

/// An end of a range, in the base units of the dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    Open,
    /// The value belongs to the range.
    At(f64),
    /// It does not.
    Beyond(f64),
}

/// How a quantity was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A value, and nothing about more or less: `5.5 MPa`.
    Plain,
    /// With a bound or two.
    Bounded,
    /// A deviation: `±0.02 mm`. Its ends are those of the deviation.
    Tolerance,
}

impl Quantity {
    /// Returns the ends as numbers; an open end is infinite.
    pub fn ends(&self) -> (f64, f64) {
        let end = |bound: Bound, open: f64| match bound {
            Bound::Open => open,
            Bound::At(value) | Bound::Beyond(value) => value,
        };
        (end(self.low, f64::NEG_INFINITY), end(self.high, f64::INFINITY))
    }
}

#[cfg(test)]
pub(crate) fn test_units() -> &'static Units {
    static UNITS: std::sync::LazyLock<Units> =
        std::sync::LazyLock::new(|| Units::open(None).expect("the shipped table is sound"));
    &UNITS
}
