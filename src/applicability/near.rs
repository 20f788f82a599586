//! Near misses: what fails and is within reach, and how much is missing.

use super::Verdict;
use super::condition::{Check, Compare, How, Node, Subject, Test};
use super::dictionary::Dictionary;
use super::expression::{Expression, Facts, Missing, Operator};
use super::value::{Interval, Moment, months_between};
use crate::record::attribute::{AttributeType, Changeable};

/// How much is missing of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The attribute to be raised: of a quotient, that of the dividend.
    pub attribute: usize,
    /// In the attribute's unit; months for a date.
    pub by: f64,
    /// Of a quotient, what the dividend is divided by.
    pub of: Option<Divisor>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divisor {
    pub attribute: usize,
    /// The first and the last of its years, counted from `Y`; the value is that of all of them.
    pub years: Option<(i8, i8)>,
    pub value: f64,
}

impl Node {
    /// Tells whether a tree that fails could still be met.
    pub fn is_within_reach(
        &self,
        facts: &impl Facts,
        moment: Moment,
        dictionary: &Dictionary,
    ) -> bool {
        match self {
            Node::Check(check) => {
                check.verdict(facts, moment) == Verdict::Fail
                    && check.is_within_reach(facts, moment, dictionary)
            }
            Node::Group { how, of } => reach(
                *how,
                of.iter().map(|node| {
                    let verdict = node.verdict(facts, moment);
                    let reached =
                        verdict == Verdict::Fail && node.is_within_reach(facts, moment, dictionary);
                    (verdict, reached)
                }),
            ),
        }
    }
}

/// Tells whether a group that fails could still be met, from the verdicts of its members and whether those that fail
/// are within reach.
pub(super) fn reach(how: How, mut members: impl Iterator<Item = (Verdict, bool)>) -> bool {
    match how {
        How::All => members.all(|(verdict, reached)| verdict != Verdict::Fail || reached),
        How::Any => members.any(|(_, reached)| reached),
        // What must not be and is cannot be undone by going on.
        How::None => false,
        How::AtLeast(wanted) => {
            members.filter(|&(verdict, reached)| verdict != Verdict::Fail || reached).count()
                >= wanted
        }
    }
}

impl Check {
    /// Tells whether a check that fails could be met by an effort or some waiting.
    pub fn is_within_reach(
        &self,
        facts: &impl Facts,
        moment: Moment,
        dictionary: &Dictionary,
    ) -> bool {
        let near = dictionary.attributes().near;
        self.may_be_reached(dictionary)
            && match (&self.subject, &self.test) {
                (Subject::Number { expression, attribute, .. }, _) => {
                    let Some(bound) = self.lower_bound() else { return false };
                    let Some(value) = expression.value(facts, moment) else { return false };
                    let type_of = |at: usize| dictionary.attributes().list[at].attribute_type;
                    let is_count = attribute.map(type_of) == Some(AttributeType::Int);
                    let missing = bound - value.high;
                    missing >= 0.0
                        && (missing <= near.share * bound.abs()
                            || (is_count && missing <= near.count))
                }
                (Subject::Date(at), Test::MonthsAtLeast(months)) => facts
                    .day(*at)
                    .is_some_and(|day| months - months_between(day, moment.as_of) <= near.months),
                // One that was held can be renewed.
                (Subject::Codes(at), Test::Has { codes, .. }) => {
                    codes.iter().any(|&code| facts.holds(*at, code, None) == Verdict::Pass)
                }
                _ => true,
            }
    }

    /// Tells whether there is anybody by whom the check could be met with an effort or some waiting.
    pub fn may_be_reached(&self, dictionary: &Dictionary) -> bool {
        let changeable = |at: usize| dictionary.attributes().list[at].changeable;
        match (&self.subject, &self.test) {
            (Subject::Number { expression, .. }, _) => {
                let mut reads: Vec<Missing> = Vec::new();
                expression.attributes(&mut reads);
                self.lower_bound().is_some()
                    && reads.iter().any(|&(at, _)| changeable(at) != Changeable::Never)
            }
            (Subject::Flag { attribute, .. }, Test::Is(true)) => {
                changeable(*attribute) == Changeable::Now
            }
            (Subject::Date(_), Test::MonthsAtLeast(_)) | (Subject::Codes(_), _) => true,
            _ => false,
        }
    }

    /// The number that the value must reach, where it must reach one.
    pub fn lower_bound(&self) -> Option<f64> {
        match self.test {
            Test::Number { compare: Compare::AtLeast | Compare::Above, bound } => Some(bound),
            Test::Between { low, .. } => Some(low),
            _ => None,
        }
    }

    /// How much is missing of a check that fails.
    pub fn gap(&self, facts: &impl Facts, moment: Moment) -> Option<Gap> {
        match (&self.subject, &self.test) {
            (Subject::Number { expression, .. }, _) => {
                let bound = self.lower_bound()?;
                gap_of(expression, bound, facts, moment)
            }
            (Subject::Date(attribute), Test::MonthsAtLeast(months)) => {
                let passed = months_between(facts.day(*attribute)?, moment.as_of);
                Some(Gap { attribute: *attribute, by: f64::from(months - passed), of: None })
            }
            _ => None,
        }
    }
}

fn gap_of(expression: &Expression, bound: f64, facts: &impl Facts, moment: Moment) -> Option<Gap> {
    match expression {
        // A quotient rises with its dividend.
        Expression::Binary(Operator::Over, above, below) => {
            let (above_is, below_is) =
                (exact(above.value(facts, moment)?)?, exact(below.value(facts, moment)?)?);
            if below_is <= 0.0 {
                return None;
            }
            let attribute = last_read(above)?;
            let of =
                Divisor { attribute: last_read(below)?, years: years_read(below), value: below_is };
            Some(Gap { attribute, by: bound * below_is - above_is, of: Some(of) })
        }
        Expression::Attribute { derived: Some(derived), .. } => {
            gap_of(derived, bound, facts, moment)
        }
        other => {
            let value = exact(other.value(facts, moment)?)?;
            Some(Gap { attribute: last_read(other)?, by: bound - value, of: None })
        }
    }
}

fn exact(value: Interval) -> Option<f64> {
    value.is_exact().then_some(value.low)
}

fn last_read(expression: &Expression) -> Option<usize> {
    let mut reads: Vec<Missing> = Vec::new();
    expression.attributes(&mut reads);
    reads.last().map(|&(attribute, _)| attribute)
}

/// The first and the last year of what an expression reads by year.
fn years_read(expression: &Expression) -> Option<(i8, i8)> {
    let mut reads: Vec<Missing> = Vec::new();
    expression.attributes(&mut reads);
    let years = || reads.iter().filter_map(|&(_, year)| year);
    years().min().zip(years().max())
}
