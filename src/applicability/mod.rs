//! Which records apply to an organization: profile x rules -> verdict, amount, gap and plan. Pure: no I/O, no clock.
//!
//! A record of a kind that declares `[applicability]` carries [`rules::Rules`]: conditions over the attributes of a
//! profile, conditions that people judge, amounts, windows and stacking rules. Evaluation is three-valued (Kleene): a
//! condition passes or fails on evidence, and is unknown without it.

pub mod amount;
pub mod columns;
pub mod condition;
pub mod dictionary;
pub mod diff;
pub mod explain;
pub mod expression;
mod lint;
mod near;
pub mod portfolio;
pub mod profile;
pub mod questions;
mod reader;
pub mod rules;
pub mod table;
pub mod value;
pub mod window;
mod words;

use serde::{Deserialize, Serialize};

pub use dictionary::Dictionary;
pub use profile::Profile;
pub use rules::Rules;
pub use value::{Interval, Moment};
pub use words::say_yuan;

/// What is known of a condition. Ordered, so that the smallest of several is their conjunction, the greatest their
/// disjunction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fail,
    Unknown,
    Pass,
}

impl Verdict {
    pub fn negated(self) -> Self {
        match self {
            Verdict::Fail => Verdict::Pass,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Pass => Verdict::Fail,
        }
    }

    pub fn is_decided(self) -> bool {
        self != Verdict::Unknown
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Verdict::Pass } else { Verdict::Fail }
    }
}

/// How a record stands to somebody who hears of changes. The greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It does not apply: a condition fails, it is for elsewhere or others, not in force, or not there.
    Fail,
    Unknown,
    /// It fails within reach.
    Near,
    Pass,
}
