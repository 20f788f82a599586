//! Arithmetic over attributes: `sum(rd_expense[Y-2..Y]) / sum(revenue[Y-2..Y])`.
//!
//! ```text
//! expression = term { ("+" | "-") term }
//! term       = factor { ("*" | "/") factor }
//! factor     = number | "-" factor | "(" expression ")" | function "(" expression { "," expression } ")"
//!            | attribute [ "[" year [ ".." year ] "]" ]
//! function   = "sum" | "min" | "max" | "avg" | "months_since"
//! year       = "Y" [ "-" digits ]
//! ```
//!
//! `×`, `÷` and `−` are the same operators. A span of years stands within `sum`, `min`, `max` or `avg` and means one
//! operand a year. There are no loops, strings or calls of anything else: evaluation ends after as many steps as the
//! expression has nodes.

use std::sync::Arc;

use super::Verdict;
use super::columns::Columns;
use super::dictionary::Dictionary;
use super::value::{Interval, Moment, months_between};
use crate::record::attribute::{AttributePeriod, AttributeType};
use crate::record::nearest::did_you_mean;

/// Characters of an expression.
const MAX_LENGTH: usize = 500;
/// Nodes of an expression, with one for each year of a span.
const MAX_NODES: usize = 128;
const MAX_DEPTH: usize = 16;
/// Years before `Y` that can be asked for.
pub const MAX_YEARS_BACK: i8 = 20;

#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Constant(f64),
    /// A number of the profile; `year` counts from `Y`. Where the profile does not say it, a derived attribute is
    /// computed.
    Attribute {
        attribute: usize,
        year: Option<i8>,
        derived: Option<Arc<Expression>>,
    },
    /// Whole months from a date of the profile to the day of the question.
    MonthsSince(usize),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Fold(Function, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Sum,
    Min,
    Max,
    Avg,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadExpression {
    pub expected: String,
    pub found: String,
}

/// A number as the profile has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    Known(Interval),
    /// The organization did not exist in that year.
    BeforeFounding,
    Missing,
}

impl Fact {
    /// `None` when it is missing.
    pub fn value(self) -> Option<Interval> {
        match self {
            Self::Known(interval) => Some(interval),
            // What a firm took in and spent before it existed is nothing.
            Self::BeforeFounding => Some(Interval::ZERO),
            Self::Missing => None,
        }
    }
}

impl From<Option<Interval>> for Fact {
    fn from(value: Option<Interval>) -> Self {
        value.map_or(Self::Missing, Self::Known)
    }
}

/// What is known of an organization. What is absent is not known.
pub trait Facts {
    /// Returns a number, of a calendar year where the attribute is by year.
    fn number(&self, attribute: usize, year: Option<i32>) -> Fact;

    /// Returns a date, in days since 1970-01-01.
    fn day(&self, attribute: usize) -> Option<i32>;

    /// Tells whether something was so in any of some calendar years, or ever.
    fn flag(&self, attribute: usize, years: Option<(i32, i32)>) -> Option<bool>;

    /// Returns the codes of which one is the organization's, each with everything above it, nearest first; mostly one.
    fn codes(&self, attribute: usize, year: Option<i32>) -> &[Arc<[u32]>];

    /// Tells whether a code of a set is held on a day, or was at any time.
    fn holds(&self, attribute: usize, code: u32, day: Option<i32>) -> Verdict;
}

/// A number that is missing: an attribute, and the year counted from `Y`.
pub type Missing = (usize, Option<i8>);

impl Expression {
    /// Reads an expression and the power of money in its value: 1 for an amount, 0 for a count or a ratio, `None` for
    /// a bare constant.
    pub fn parse(
        text: &str,
        dictionary: &Dictionary,
    ) -> Result<(Self, Option<i32>), BadExpression> {
        if text.chars().count() > MAX_LENGTH {
            return Err(BadExpression {
                expected: format!("an expression of at most {MAX_LENGTH} characters"),
                found: format!("{} characters", text.chars().count()),
            });
        }
        let mut parser = Parser { dictionary, rest: text, text, nodes: 0, depth: 0 };
        let read = parser.expression()?;
        if !parser.peek_end() {
            return Err(parser.expected("an operator or the end"));
        }
        Ok(read)
    }

    /// The same expression of `years` years later.
    pub fn shifted(&self, years: i8) -> Self {
        match self {
            Self::Attribute { attribute, year: Some(year), derived } => Self::Attribute {
                attribute: *attribute,
                year: Some(year.saturating_add(years)),
                derived: derived.as_ref().map(|derived| Arc::new(derived.shifted(years))),
            },
            Self::Binary(operator, left, right) => Self::Binary(
                *operator,
                Box::new(left.shifted(years)),
                Box::new(right.shifted(years)),
            ),
            Self::Fold(function, operands) => Self::Fold(
                *function,
                operands.iter().map(|operand| operand.shifted(years)).collect(),
            ),
            other => other.clone(),
        }
    }

    /// Computes the value; `None` when an operand is missing or a divisor may be 0.
    pub fn value(&self, facts: &impl Facts, moment: Moment) -> Option<Interval> {
        self.fact(facts, moment).value()
    }

    fn fact(&self, facts: &impl Facts, moment: Moment) -> Fact {
        match self {
            Self::Constant(value) => Fact::Known(Interval::exact(*value)),
            Self::Attribute { attribute, year, derived } => {
                let fact =
                    facts.number(*attribute, year.map(|year| moment.year() + i32::from(year)));
                match (fact, derived) {
                    (Fact::Known(_), _) | (_, None) => fact,
                    (_, Some(derived)) => derived.value(facts, moment).into(),
                }
            }
            Self::MonthsSince(attribute) => months_since(facts.day(*attribute), moment),
            Self::Binary(operator, left, right) => {
                operator.of(left.fact(facts, moment), right.fact(facts, moment))
            }
            Self::Fold(function, operands) => {
                function.of(operands.iter().map(|operand| operand.fact(facts, moment)))
            }
        }
    }

    /// Computes the value for each of some rows, node by node: what one node reads of them lies close together.
    pub(super) fn facts_of(&self, columns: &Columns, rows: &[u32], moment: Moment) -> Vec<Fact> {
        match self {
            Self::Constant(value) => vec![Fact::Known(Interval::exact(*value)); rows.len()],
            Self::Attribute { attribute, year, derived } => {
                let year = year.map(|year| moment.year() + i32::from(year));
                let mut facts: Vec<Fact> = columns.numbers(*attribute, year, rows).collect();
                let is_known = |fact: &Fact| matches!(fact, Fact::Known(_));
                if let Some(derived) = derived
                    && !facts.iter().all(is_known)
                {
                    let derived = derived.facts_of(columns, rows, moment);
                    for (fact, derived) in facts.iter_mut().zip(derived) {
                        if !is_known(fact) {
                            *fact = derived.value().into();
                        }
                    }
                }
                facts
            }
            Self::MonthsSince(attribute) => {
                let day = |&row: &u32| columns.row(row as usize).day(*attribute);
                rows.iter().map(|row| months_since(day(row), moment)).collect()
            }
            Self::Binary(operator, left, right) => {
                let mut facts = left.facts_of(columns, rows, moment);
                let right = right.facts_of(columns, rows, moment);
                facts.iter_mut().zip(right).for_each(|(left, right)| {
                    *left = operator.of(*left, right);
                });
                facts
            }
            Self::Fold(function, operands) => {
                let operands: Vec<Vec<Fact>> = operands
                    .iter()
                    .map(|operand| operand.facts_of(columns, rows, moment))
                    .collect();
                let of = |at: usize| function.of(operands.iter().map(|facts| facts[at]));
                (0..rows.len()).map(of).collect()
            }
        }
    }

    /// Lists the numbers without which, or without the exact value of which, the value is not known exactly.
    pub fn missing(&self, facts: &impl Facts, moment: Moment, found: &mut Vec<Missing>) {
        match self {
            Self::Constant(_) => {}
            Self::Attribute { attribute, year, derived } => {
                let fact =
                    facts.number(*attribute, year.map(|year| moment.year() + i32::from(year)));
                match (fact, derived) {
                    (Fact::Known(interval), _) if interval.is_exact() => {}
                    (Fact::BeforeFounding, None) => {}
                    (Fact::Known(_), _) | (_, None) => push(found, (*attribute, *year)),
                    (_, Some(derived)) => derived.missing(facts, moment, found),
                }
            }
            Self::MonthsSince(attribute) => {
                if facts.day(*attribute).is_none() {
                    push(found, (*attribute, None));
                }
            }
            Self::Binary(operator, left, right) => {
                left.missing(facts, moment, found);
                right.missing(facts, moment, found);
                // A divisor of 0 is a fact that cannot be right.
                if *operator == Operator::Over
                    && right.value(facts, moment).is_some_and(|right| right == Interval::ZERO)
                {
                    right.attributes(found);
                }
            }
            Self::Fold(_, operands) => {
                for operand in operands {
                    operand.missing(facts, moment, found);
                }
            }
        }
    }

    /// Lists the numbers that the expression reads, those of derived attributes instead of the attributes.
    pub fn attributes(&self, found: &mut Vec<Missing>) {
        match self {
            Self::Constant(_) => {}
            Self::Attribute { derived: Some(derived), .. } => derived.attributes(found),
            Self::Attribute { attribute, year, .. } => push(found, (*attribute, *year)),
            Self::MonthsSince(attribute) => push(found, (*attribute, None)),
            Self::Binary(_, left, right) => {
                left.attributes(found);
                right.attributes(found);
            }
            Self::Fold(_, operands) => {
                operands.iter().for_each(|operand| operand.attributes(found));
            }
        }
    }
}

fn push(found: &mut Vec<Missing>, missing: Missing) {
    if !found.contains(&missing) {
        found.push(missing);
    }
}

fn months_since(day: Option<i32>, moment: Moment) -> Fact {
    let months = |day| Interval::exact(f64::from(months_between(day, moment.as_of)));
    day.map(months).into()
}

impl Operator {
    fn of(self, left: Fact, right: Fact) -> Fact {
        let (Some(left), Some(right)) = (left.value(), right.value()) else {
            return Fact::Missing;
        };
        Fact::from(match self {
            Self::Plus => left.plus(right),
            Self::Minus => left.minus(right),
            Self::Times => left.times(right),
            Self::Over => left.over(right),
        })
    }
}

impl Function {
    /// Years before the founding do not take part.
    fn of(self, operands: impl Iterator<Item = Fact>) -> Fact {
        let mut folded: Option<Interval> = None;
        let mut count = 0.0;
        for operand in operands {
            let value = match operand {
                Fact::Missing => return Fact::Missing,
                Fact::BeforeFounding => continue,
                Fact::Known(value) => value,
            };
            count += 1.0;
            folded = match (folded, self) {
                (None, _) => Some(value),
                (Some(folded), Self::Sum | Self::Avg) => match folded.plus(value) {
                    None => return Fact::Missing,
                    sum => sum,
                },
                (Some(folded), Self::Min) => Some(folded.min(value)),
                (Some(folded), Self::Max) => Some(folded.max(value)),
            };
        }
        Fact::from(match (folded, self) {
            (None, Self::Sum) => Some(Interval::ZERO),
            (Some(sum), Self::Avg) => sum.over(Interval::exact(count)),
            (folded, _) => folded,
        })
    }
}

/// Reads the years of a period: `Y-1` or `Y-3..Y-1`, both counted from `Y`.
pub fn parse_years(text: &str) -> Option<(i8, i8)> {
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (parse_year(from)?, parse_year(to)?),
        None => {
            let year = parse_year(text)?;
            (year, year)
        }
    };
    (from <= to).then_some((from, to))
}

fn parse_year(text: &str) -> Option<i8> {
    let rest = text.trim().strip_prefix('Y')?.trim();
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix(['-', '−'])?.trim();
    let back: i8 =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    (back <= MAX_YEARS_BACK).then_some(-back)
}

/// Prints a year counted from `Y`.
pub fn print_year(year: i8) -> String {
    if year == 0 { "Y".to_owned() } else { format!("Y{year:+}") }
}

/// What years may stand in brackets, in words.
pub const YEARS_EXPECTED: &str =
    "a year such as Y or Y-1, or a span such as Y-3..Y-1, at most Y-20";

struct Parser<'a> {
    dictionary: &'a Dictionary,
    text: &'a str,
    rest: &'a str,
    nodes: usize,
    depth: usize,
}

type Read = Result<(Expression, Option<i32>), BadExpression>;

impl<'a> Parser<'a> {
    fn expected(&self, expected: impl Into<String>) -> BadExpression {
        let at = self.text.chars().count() - self.rest.chars().count();
        let found: String = self.rest.chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        BadExpression {
            expected: format!("{} in the expression at character {at}", expected.into()),
            found,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek_end(&mut self) -> bool {
        self.space();
        self.rest.is_empty()
    }

    fn take(&mut self, wanted: &[char]) -> bool {
        self.space();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn count(&mut self) -> Result<(), BadExpression> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.expected(format!("at most {MAX_NODES} parts")));
        }
        Ok(())
    }

    fn expression(&mut self) -> Read {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected(format!("at most {MAX_DEPTH} levels of brackets")));
        }
        let (mut left, mut power) = self.term()?;
        loop {
            let operator = if self.take(&['+']) {
                Operator::Plus
            } else if self.take(&['-', '−']) {
                Operator::Minus
            } else {
                break;
            };
            let (right, other) = self.term()?;
            power = self.same(power, other)?;
            self.count()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok((left, power))
    }

    /// Sums are of one kind: money with money, counts with counts; a constant goes with either.
    fn same(&self, left: Option<i32>, right: Option<i32>) -> Result<Option<i32>, BadExpression> {
        match (left, right) {
            (Some(left), Some(right)) if left != right => {
                Err(self.expected("money with money and counts with counts"))
            }
            (left, right) => Ok(left.or(right)),
        }
    }

    fn term(&mut self) -> Read {
        let (mut left, mut power) = self.factor()?;
        loop {
            let operator = if self.take(&['*', '×']) {
                Operator::Times
            } else if self.take(&['/', '÷']) {
                Operator::Over
            } else {
                return Ok((left, power));
            };
            let (right, other) = self.factor()?;
            power = match (power, other, operator) {
                (None, None, _) => None,
                (left, right, Operator::Over) => Some(left.unwrap_or(0) - right.unwrap_or(0)),
                (left, right, _) => Some(left.unwrap_or(0) + right.unwrap_or(0)),
            };
            self.count()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn factor(&mut self) -> Read {
        self.count()?;
        if self.take(&['-', '−']) {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.expected(format!("at most {MAX_DEPTH} levels of brackets")));
            }
            let (negated, power) = self.factor()?;
            self.depth -= 1;
            let zero = Box::new(Expression::Constant(0.0));
            return Ok((Expression::Binary(Operator::Minus, zero, Box::new(negated)), power));
        }
        if self.take(&['(']) {
            let read = self.expression()?;
            return if self.take(&[')']) { Ok(read) } else { Err(self.expected("`)`")) };
        }
        self.space();
        let length = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let value: f64 = word.parse().map_err(|_| self.expected("a number"))?;
            self.rest = rest;
            return Ok((Expression::Constant(value), None));
        }
        if word.is_empty() || word.contains('.') {
            return Err(self.expected("a number, an attribute, a function or `(`"));
        }
        let before = self.rest;
        self.rest = rest;
        if self.take(&['(']) {
            return self.call(word, before);
        }
        let (operands, power) = self.attribute(word, before, false)?;
        Ok((operands.into_iter().next().expect("one value without a span"), power))
    }

    fn call(&mut self, name: &str, before: &'a str) -> Read {
        if name == "months_since" {
            return self.months_since();
        }
        let function = match name {
            "sum" => Function::Sum,
            "min" => Function::Min,
            "max" => Function::Max,
            "avg" => Function::Avg,
            _ => {
                self.rest = before;
                let hint = did_you_mean(name, ["sum", "min", "max", "avg", "months_since"]);
                return Err(self.expected(format!("sum, min, max, avg or months_since{hint}")));
            }
        };
        let (mut operands, mut power) = (Vec::new(), None);
        loop {
            let (more, other) = self.operands()?;
            operands.extend(more);
            power = self.same(power, other)?;
            if self.take(&[')']) {
                return Ok((Expression::Fold(function, operands), power));
            }
            if !self.take(&[',', '，']) {
                return Err(self.expected("`,` or `)`"));
            }
        }
    }

    /// Reads an operand of a function: an attribute over a span of years, or an expression.
    fn operands(&mut self) -> Result<(Vec<Expression>, Option<i32>), BadExpression> {
        self.space();
        let before = self.rest;
        let length =
            before.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(before.len());
        let (word, rest) = before.split_at(length);
        let is_span = rest
            .trim_start()
            .strip_prefix('[')
            .and_then(|years| years.split(']').next())
            .is_some_and(|years| years.contains(".."));
        if is_span && !word.is_empty() {
            self.rest = rest;
            return self.attribute(word, before, true);
        }
        let (operand, power) = self.expression()?;
        Ok((vec![operand], power))
    }

    fn months_since(&mut self) -> Read {
        self.space();
        let before = self.rest;
        let length =
            before.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(before.len());
        let (word, rest) = before.split_at(length);
        let attributes = self.dictionary.attributes();
        let date = attributes
            .find(word)
            .filter(|&at| attributes.list[at].attribute_type == AttributeType::Date);
        let Some(attribute) = date else { return Err(self.expected("an attribute of type date")) };
        self.rest = rest;
        match self.take(&[')']) {
            true => Ok((Expression::MonthsSince(attribute), Some(0))),
            false => Err(self.expected("`)`")),
        }
    }

    /// Reads what follows an attribute's name: one value, or one a year of a span.
    fn attribute(
        &mut self,
        name: &str,
        before: &'a str,
        may_span: bool,
    ) -> Result<(Vec<Expression>, Option<i32>), BadExpression> {
        let attributes = self.dictionary.attributes();
        let Some(at) = attributes.find(name) else {
            self.rest = before;
            let hint = did_you_mean(name, attributes.list.iter().map(|attribute| &*attribute.id));
            return Err(self.expected(format!("an attribute of attributes.toml{hint}")));
        };
        let attribute = &attributes.list[at];
        if !attribute.attribute_type.is_number() {
            self.rest = before;
            return Err(self.expected(format!(
                "a number; {name} is of type {}",
                attribute.attribute_type.name()
            )));
        }
        let power = Some(i32::from(attribute.attribute_type == AttributeType::Money));
        if !self.take(&['[']) {
            if attribute.period == AttributePeriod::Year {
                return Err(self.expected(format!("a year in brackets behind {name}: {name}[Y-1]")));
            }
            return Ok((vec![self.dictionary.operand(at, None)], power));
        }
        let Some((years, rest)) = self.rest.split_once(']') else {
            return Err(self.expected("`]`"));
        };
        let Some((from, to)) = parse_years(years) else {
            return Err(self.expected(YEARS_EXPECTED));
        };
        if attribute.period != AttributePeriod::Year {
            return Err(self.expected(format!("no year: {name} is not by year")));
        }
        if from != to && !may_span {
            return Err(self.expected("a span of years within sum, min, max or avg alone"));
        }
        self.rest = rest;
        for _ in from..to {
            self.count()?;
        }
        Ok(((from..=to).map(|year| self.dictionary.operand(at, Some(year))).collect(), power))
    }
}
