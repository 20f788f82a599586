//! What is wrong with rules as a whole, each part of which is well formed.

use std::collections::HashSet;

use super::condition::{Check, Compare, How, Node, Subject, Test};
use super::reader::Reader;
use super::rules::{FULL, Rules};
use crate::record::kind::RuleFields;

/// Reports ids used twice, alternatives that are always true, conditions that contradict each other, and a claim to be
/// complete that is not kept.
pub(super) fn check(rules: &Rules, named: &RuleFields, reader: &mut Reader<'_>) {
    check_ids(rules, named, reader);
    for (at, condition) in rules.conditions.iter().enumerate() {
        let Some(tree) = &condition.tree else { continue };
        if let Some(text) = always_true(tree) {
            inside(reader, &named.conditions, at, "bad_condition", &condition.clause, |reader| {
                reader.refuse::<()>(
                    "alternatives that can all fail: where something is not known, this would be asked in vain",
                    text,
                );
            });
        }
    }
    check_contradictions(rules, named, reader);
    if rules.fidelity.as_deref() == Some(FULL) && rules.conditions.is_empty() {
        let field = named.fidelity.as_deref().unwrap_or("");
        reader.entry("bad_condition", None, |reader| {
            reader.inside(field, |reader| {
                let expected = "summary: full says that every condition is modelled";
                reader.refuse::<()>(expected, "no conditions")
            });
        });
    }
}

fn inside(
    reader: &mut Reader<'_>,
    field: &str,
    at: usize,
    code: &'static str,
    clause: &str,
    report: impl FnOnce(&mut Reader<'_>),
) {
    reader.entry(code, Some(clause), |reader| {
        reader.inside(field, |reader| reader.inside(&at.to_string(), report));
    });
}

fn check_ids(rules: &Rules, named: &RuleFields, reader: &mut Reader<'_>) {
    let mut seen = HashSet::new();
    let conditions =
        rules.conditions.iter().map(|entry| (Some(&named.conditions), &entry.id, &entry.clause));
    let judgements =
        rules.judgements.iter().map(|entry| (named.judgements.as_ref(), &entry.id, &entry.clause));
    let amounts =
        rules.offer.amounts.iter().map(|entry| (named.amounts.as_ref(), &entry.id, &entry.clause));
    let mut place = (None, 0);
    for (field, id, clause) in conditions.chain(judgements).chain(amounts) {
        place = if place.0 == field { (field, place.1 + 1) } else { (field, 0) };
        if !id.is_empty() && !seen.insert(id.as_str()) {
            let field = field.map_or("", |field| field);
            inside(reader, field, place.1, "bad_condition", clause, |reader| {
                reader.refuse::<()>("an id that is used once in the record", id.clone());
            });
        }
    }
}

/// Finds an `any` that holds whatever the value is: two of its checks leave no number out.
fn always_true(tree: &Node) -> Option<String> {
    let Node::Group { how, of } = tree else { return None };
    if *how == How::Any {
        let bounds: Vec<(&str, Range)> = of.iter().filter_map(range_of).collect();
        for (at, (subject, first)) in bounds.iter().enumerate() {
            for (other, second) in &bounds[at + 1..] {
                if subject == other && first.covers_all_with(second) {
                    return Some((*subject).to_owned());
                }
            }
        }
    }
    of.iter().find_map(always_true)
}

/// The numbers that pass a check.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: f64,
    includes_low: bool,
    high: f64,
    includes_high: bool,
}

impl Range {
    const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        includes_low: true,
        high: f64::INFINITY,
        includes_high: true,
    };

    fn of(test: &Test) -> Option<Self> {
        Some(match *test {
            Test::Number { compare: Compare::AtLeast, bound } => Self { low: bound, ..Self::ALL },
            Test::Number { compare: Compare::Above, bound } => {
                Self { low: bound, includes_low: false, ..Self::ALL }
            }
            Test::Number { compare: Compare::AtMost, bound } => Self { high: bound, ..Self::ALL },
            Test::Number { compare: Compare::Below, bound } => {
                Self { high: bound, includes_high: false, ..Self::ALL }
            }
            Test::Between { low, high } => Self { low, high, ..Self::ALL },
            _ => return None,
        })
    }

    fn covers_all_with(&self, other: &Self) -> bool {
        let joined = |below: &Self, above: &Self| {
            below.low == f64::NEG_INFINITY
                && above.high == f64::INFINITY
                && (above.low < below.high
                    || (above.low == below.high && (above.includes_low || below.includes_high)))
        };
        joined(self, other) || joined(other, self)
    }

    fn and(self, other: &Self) -> Self {
        let mut both = self;
        if other.low > both.low {
            (both.low, both.includes_low) = (other.low, other.includes_low);
        } else if other.low == both.low {
            both.includes_low &= other.includes_low;
        }
        if other.high < both.high {
            (both.high, both.includes_high) = (other.high, other.includes_high);
        } else if other.high == both.high {
            both.includes_high &= other.includes_high;
        }
        both
    }

    fn is_empty(&self) -> bool {
        self.low > self.high
            || (self.low == self.high && !(self.includes_low && self.includes_high))
    }
}

fn range_of(node: &Node) -> Option<(&str, Range)> {
    match node {
        Node::Check(Check { subject: Subject::Number { text, .. }, test, .. }) => {
            Some((text, Range::of(test)?))
        }
        _ => None,
    }
}

/// Reports what nobody can meet: numbers that every condition together asks to be in an empty range, a yes-or-no that
/// is asked both ways, and a code that is to be one of lists without a code in common.
fn check_contradictions(rules: &Rules, named: &RuleFields, reader: &mut Reader<'_>) {
    let mut wanted: Vec<(&Subject, super::rules::Validity, Wanted<'_>)> = Vec::new();
    for (at, condition) in rules.conditions.iter().enumerate() {
        let Some(Node::Group { how: How::All, of }) = &condition.tree else { continue };
        for check in of {
            let Node::Check(check) = check else { continue };
            let Some(asked) = Wanted::of(&check.test) else { continue };
            let same = wanted.iter_mut().find(|(subject, validity, _)| {
                is_same(subject, &check.subject) && *validity == condition.validity
            });
            let together = match same {
                Some((_, _, together)) => {
                    *together = together.and(&asked);
                    together.clone()
                }
                None => {
                    wanted.push((&check.subject, condition.validity, asked.clone()));
                    asked
                }
            };
            if together.is_empty() {
                let subject = match &check.subject {
                    Subject::Number { text, .. } => text.clone(),
                    _ => reader.attribute_name(check.attribute()),
                };
                inside(
                    reader,
                    &named.conditions,
                    at,
                    "bad_condition",
                    &condition.clause,
                    |reader| {
                        reader.refuse::<()>(
                            "conditions that somebody can meet; together these leave no value",
                            subject,
                        );
                    },
                );
            }
        }
    }
}

/// Tells whether two checks ask about the same.
fn is_same(left: &Subject, right: &Subject) -> bool {
    match (left, right) {
        (Subject::Number { text: left, .. }, Subject::Number { text: right, .. }) => left == right,
        _ => left == right,
    }
}

/// What a check lets pass.
#[derive(Clone, Debug)]
enum Wanted<'a> {
    Numbers(Range),
    Flag(bool),
    /// One of the codes of each list.
    Codes(Vec<&'a u32>),
    Nothing,
}

impl<'a> Wanted<'a> {
    fn of(test: &'a Test) -> Option<Self> {
        match test {
            Test::Is(wanted) => Some(Self::Flag(*wanted)),
            Test::In { codes, .. } => Some(Self::Codes(codes.iter().collect())),
            test => Range::of(test).map(Self::Numbers),
        }
    }

    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.and(right)),
            (Self::Flag(left), Self::Flag(right)) if left == right => self.clone(),
            (Self::Codes(left), Self::Codes(right)) => {
                Self::Codes(left.iter().filter(|code| right.contains(code)).copied().collect())
            }
            _ => Self::Nothing,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Numbers(range) => range.is_empty(),
            Self::Flag(_) => false,
            Self::Codes(codes) => codes.is_empty(),
            Self::Nothing => true,
        }
    }
}
