//! Trees of checks, and how one check is decided.

use serde::Serialize;

use super::Verdict;
use super::columns::{Columns, Row};
use super::expression::{Expression, Fact, Facts, Missing};
use super::value::{Interval, Moment, months_between};

/// Levels of groups in one condition.
pub const MAX_DEPTH: usize = 8;
/// Checks and groups of one record's conditions together.
pub const MAX_NODES: usize = 256;

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Check(Check),
    Group { how: How, of: Vec<Node> },
}

/// How the verdicts of a group make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    All,
    Any,
    /// None of them may hold. Without evidence that they do not, it is unknown.
    None,
    AtLeast(usize),
}

/// One comparison of something of the profile with something of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub subject: Subject,
    pub test: Test,
    /// What people call the subject, where the record says it.
    pub show: Option<String>,
    /// As the record has them, for display.
    pub op: &'static str,
    pub unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// `attribute` where it is one alone.
    Number {
        expression: Expression,
        attribute: Option<usize>,
        text: String,
        is_money: bool,
    },
    Date(usize),
    /// Whether it was so in any of the years.
    Flag {
        attribute: usize,
        years: Option<(i8, i8)>,
    },
    Code {
        attribute: usize,
        year: Option<i8>,
    },
    Codes(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Number {
        compare: Compare,
        bound: f64,
    },
    /// Both ends inclusive.
    Between {
        low: f64,
        high: f64,
    },
    Before(i32),
    After(i32),
    MonthsAtLeast(i32),
    Is(bool),
    /// Codes as places in the vocabulary, and everything above them.
    In {
        codes: Vec<u32>,
        above: Vec<u32>,
    },
    Within {
        codes: Vec<u32>,
        above: Vec<u32>,
    },
    Has {
        how: How,
        codes: Vec<u32>,
        valid_on: ValidOn,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    AtLeast,
    Above,
    AtMost,
    Below,
}

/// On which day a qualification must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidOn {
    AsOf,
    RulesAsOf,
    Opens,
    Closes,
    /// At any time, also one that is past.
    Ever,
    #[serde(untagged)]
    Day(i32),
}

impl ValidOn {
    pub const NAMES: [(&'static str, Self); 5] = [
        ("as_of", Self::AsOf),
        ("rules_as_of", Self::RulesAsOf),
        ("opens", Self::Opens),
        ("closes", Self::Closes),
        ("ever", Self::Ever),
    ];

    /// The day; `None` for any day. A window without the date asked for leaves the day of the question.
    pub fn day(self, moment: Moment) -> Option<i32> {
        match self {
            Self::AsOf => Some(moment.as_of),
            Self::RulesAsOf => Some(moment.reference),
            Self::Opens => Some(moment.opens.unwrap_or(moment.as_of)),
            Self::Closes => Some(moment.closes.unwrap_or(moment.as_of)),
            Self::Ever => None,
            Self::Day(day) => Some(day),
        }
    }
}

/// Something that is missing to decide a check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Need {
    pub attribute: usize,
    pub detail: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    Whole,
    /// Years counted from `Y`, both inclusive.
    Years(i8, i8),
    /// Whether the code is held, as a place in the vocabulary.
    Code(u32),
}

impl How {
    /// Combines verdicts, stopping where the rest cannot matter.
    pub fn combine(self, verdicts: impl ExactSizeIterator<Item = Verdict>) -> Verdict {
        match self {
            How::All => least(verdicts),
            How::Any => greatest(verdicts),
            How::None => greatest(verdicts).negated(),
            How::AtLeast(wanted) => {
                let (mut passed, mut open) = (0, 0);
                for verdict in verdicts {
                    passed += usize::from(verdict == Verdict::Pass);
                    open += usize::from(verdict == Verdict::Unknown);
                }
                if passed >= wanted {
                    Verdict::Pass
                } else if passed + open < wanted {
                    Verdict::Fail
                } else {
                    Verdict::Unknown
                }
            }
        }
    }
}

fn least(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut least = Verdict::Pass;
    for verdict in verdicts {
        least = least.min(verdict);
        if least == Verdict::Fail {
            break;
        }
    }
    least
}

fn greatest(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut greatest = Verdict::Fail;
    for verdict in verdicts {
        greatest = greatest.max(verdict);
        if greatest == Verdict::Pass {
            break;
        }
    }
    greatest
}

impl Node {
    pub fn verdict(&self, facts: &impl Facts, moment: Moment) -> Verdict {
        match self {
            Node::Check(check) => check.verdict(facts, moment),
            Node::Group { how, of } => {
                how.combine(of.iter().map(|node| node.verdict(facts, moment)))
            }
        }
    }

    /// Lists what is missing to decide the tree: nothing of what is decided already, or cannot matter any more.
    pub fn needs(&self, facts: &impl Facts, moment: Moment, found: &mut Vec<Need>) {
        if self.verdict(facts, moment).is_decided() {
            return;
        }
        match self {
            Node::Check(check) => check.needs(facts, moment, found),
            Node::Group { of, .. } => {
                of.iter().for_each(|node| node.needs(facts, moment, found));
            }
        }
    }

    /// Calls `f` with every check.
    pub fn checks<'a>(&'a self, f: &mut impl FnMut(&'a Check)) {
        self.signed_checks(false, &mut |check, _| f(check));
    }

    /// Calls `f` with every check, and whether the tree asks that it does not hold.
    pub fn signed_checks<'a>(&'a self, negated: bool, f: &mut impl FnMut(&'a Check, bool)) {
        match self {
            Node::Check(check) => f(check, negated),
            Node::Group { how, of } => {
                let negated = negated ^ (*how == How::None);
                of.iter().for_each(|node| node.signed_checks(negated, f));
            }
        }
    }

    /// Checks and groups.
    pub fn size(&self) -> usize {
        match self {
            Node::Check(_) => 1,
            Node::Group { of, .. } => 1 + of.iter().map(Node::size).sum::<usize>(),
        }
    }
}

impl Check {
    /// Decides the check. Takes as many steps as its expression and its codes are long.
    pub fn verdict(&self, facts: &impl Facts, moment: Moment) -> Verdict {
        match (&self.subject, &self.test) {
            (Subject::Number { expression, .. }, test) => match expression.value(facts, moment) {
                Some(value) => test.of_number(value),
                None => Verdict::Unknown,
            },
            (Subject::Date(attribute), test) => match facts.day(*attribute) {
                Some(day) => test.of_day(day, moment),
                None => Verdict::Unknown,
            },
            (Subject::Flag { attribute, years }, Test::Is(wanted)) => {
                match facts.flag(*attribute, absolute(*years, moment)) {
                    Some(flag) => (flag == *wanted).into(),
                    None => Verdict::Unknown,
                }
            }
            (Subject::Code { attribute, year }, test) => {
                let year = year.map(|year| moment.year() + i32::from(year));
                test.of_codes(facts.codes(*attribute, year))
            }
            (Subject::Codes(attribute), Test::Has { how, codes, valid_on }) => {
                let day = valid_on.day(moment);
                how.combine(codes.iter().map(|&code| facts.holds(*attribute, code, day)))
            }
            // Pairs that the reader refuses.
            (Subject::Flag { .. } | Subject::Codes(_), _) => Verdict::Unknown,
        }
    }

    /// Decides the check for each of some rows.
    pub(super) fn verdicts(&self, columns: &Columns, rows: &[u32], moment: Moment) -> Vec<Verdict> {
        let one = |row: Row<'_>| self.verdict(&row, moment);
        match &self.subject {
            Subject::Number { expression, .. } => {
                let facts = expression.facts_of(columns, rows, moment).into_iter();
                let decide = |fact: Fact| match fact.value() {
                    Some(value) => self.test.of_number(value),
                    None => Verdict::Unknown,
                };
                facts.map(decide).collect()
            }
            Subject::Code { attribute, .. } => {
                columns.decide_codes(*attribute, rows, |path| self.test.of_code(path), one)
            }
            _ => rows.iter().map(|&row| one(columns.row(row as usize))).collect(),
        }
    }

    /// Lists what is missing to decide the check.
    pub fn needs(&self, facts: &impl Facts, moment: Moment, found: &mut Vec<Need>) {
        let mut push = |attribute: usize, detail: Detail| {
            let need = Need { attribute, detail };
            if !found.contains(&need) {
                found.push(need);
            }
        };
        match (&self.subject, &self.test) {
            (Subject::Number { expression, .. }, _) => {
                let mut missing: Vec<Missing> = Vec::new();
                expression.missing(facts, moment, &mut missing);
                if missing.is_empty() {
                    // Everything is there and still no value: a divisor of 0 somewhere.
                    expression.attributes(&mut missing);
                }
                for (attribute, year) in missing {
                    push(attribute, year.map_or(Detail::Whole, |year| Detail::Years(year, year)));
                }
            }
            (Subject::Date(attribute), _) => push(*attribute, Detail::Whole),
            (Subject::Flag { attribute, years }, _) => {
                push(*attribute, years.map_or(Detail::Whole, |(from, to)| Detail::Years(from, to)))
            }
            (Subject::Code { attribute, year }, _) => {
                push(*attribute, year.map_or(Detail::Whole, |year| Detail::Years(year, year)))
            }
            (Subject::Codes(attribute), Test::Has { codes, valid_on, .. }) => {
                for &code in codes {
                    if facts.holds(*attribute, code, valid_on.day(moment)) == Verdict::Unknown {
                        push(*attribute, Detail::Code(code));
                    }
                }
            }
            (Subject::Codes(attribute), _) => push(*attribute, Detail::Whole),
        }
    }

    /// The attribute whose value is tested, where it is one alone.
    pub fn attribute(&self) -> Option<usize> {
        match &self.subject {
            Subject::Number { attribute, .. } => *attribute,
            Subject::Date(attribute)
            | Subject::Flag { attribute, .. }
            | Subject::Code { attribute, .. }
            | Subject::Codes(attribute) => Some(*attribute),
        }
    }
}

/// Calendar years of years that are counted from `Y`.
pub fn absolute(years: Option<(i8, i8)>, moment: Moment) -> Option<(i32, i32)> {
    let year = moment.year();
    years.map(|(from, to)| (year + i32::from(from), year + i32::from(to)))
}

impl Test {
    fn of_number(&self, value: Interval) -> Verdict {
        let decide = |least: bool, greatest: bool| match (least, greatest) {
            (true, true) => Verdict::Pass,
            (false, false) => Verdict::Fail,
            _ => Verdict::Unknown,
        };
        match self {
            Test::Number { compare, bound } => {
                let holds = |value: f64| compare.holds(value, *bound);
                decide(holds(value.low), holds(value.high))
            }
            Test::Between { low, high } => {
                let above = Test::Number { compare: Compare::AtLeast, bound: *low };
                let below = Test::Number { compare: Compare::AtMost, bound: *high };
                above.of_number(value).min(below.of_number(value))
            }
            _ => Verdict::Unknown,
        }
    }

    fn of_day(&self, day: i32, moment: Moment) -> Verdict {
        match self {
            Test::Before(bound) => (day < *bound).into(),
            Test::After(bound) => (day > *bound).into(),
            Test::MonthsAtLeast(months) => (months_between(day, moment.as_of) >= *months).into(),
            _ => Verdict::Unknown,
        }
    }

    /// `paths` are the codes that may be the profile's: what holds for all of them holds.
    fn of_codes(&self, paths: &[std::sync::Arc<[u32]>]) -> Verdict {
        let mut verdicts = paths.iter().map(|path| self.of_code(path));
        let Some(first) = verdicts.next() else { return Verdict::Unknown };
        match verdicts.all(|verdict| verdict == first) {
            true => first,
            false => Verdict::Unknown,
        }
    }

    /// `path` is the code of the profile and everything above it, nearest first.
    fn of_code(&self, path: &[u32]) -> Verdict {
        let Some(&own) = path.first() else { return Verdict::Unknown };
        let (holds, above) = match self {
            Test::In { codes, above } => (codes.contains(&own), above),
            Test::Within { codes, above } => (codes.iter().any(|code| path.contains(code)), above),
            _ => return Verdict::Unknown,
        };
        // A place that is said less exactly than it is asked for: a city, where the rule wants a district of it.
        match holds {
            true => Verdict::Pass,
            false if above.contains(&own) => Verdict::Unknown,
            false => Verdict::Fail,
        }
    }
}

impl Compare {
    pub fn holds(self, value: f64, bound: f64) -> bool {
        // Sums and quotients of decimal fractions are a last digit off.
        let slack = 1e-9 * bound.abs().max(value.abs());
        match self {
            Compare::AtLeast => value >= bound - slack,
            Compare::Above => value > bound + slack,
            Compare::AtMost => value <= bound + slack,
            Compare::Below => value < bound - slack,
        }
    }
}
