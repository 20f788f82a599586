//! JSON -> condition trees, naming everything that is wrong with its place and clause.

use serde_json::{Map, Value};

use super::condition::{Check, Compare, How, MAX_DEPTH, Node, Subject, Test, ValidOn};
use super::dictionary::Dictionary;
use super::expression::{
    BadExpression, Expression, Function, YEARS_EXPECTED, parse_years, print_year,
};
use crate::record::Vocabulary;
use crate::record::attribute::{Attribute, AttributePeriod, AttributeType, money_unit};
use crate::record::nearest::did_you_mean;
use crate::record::validate::Violation;
use crate::record::value::days;

/// Keys of a check.
const CHECK_KEYS: [&str; 9] =
    ["attr", "expr", "op", "value", "unit", "period", "valid_on", "show", "note"];
/// Keys of a group, of which a group has one; `of` belongs to `at_least`.
pub const GROUP_KEYS: [&str; 4] = ["all", "any", "none", "at_least"];
/// Violations of one record that are kept.
const MAX_VIOLATIONS: usize = 50;

pub struct Reader<'a> {
    pub dictionary: &'a Dictionary,
    pub violations: Vec<Violation>,
    pointer: String,
    /// The clause of the entry that is being read.
    clause: Option<String>,
    /// Code of the violations.
    code: &'static str,
    depth: usize,
    pub nodes: usize,
}

impl<'a> Reader<'a> {
    pub fn new(dictionary: &'a Dictionary) -> Self {
        Self {
            dictionary,
            violations: Vec::new(),
            pointer: String::new(),
            clause: None,
            code: "bad_condition",
            depth: 0,
            nodes: 0,
        }
    }

    /// The id of an attribute, for messages.
    pub fn attribute_name(&self, attribute: Option<usize>) -> String {
        let list = &self.dictionary.attributes().list;
        attribute.map_or_else(String::new, |at| list[at].id.to_string())
    }

    /// Reads what is below `step`.
    pub fn inside<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        let value = read(self);
        self.pointer.truncate(length);
        value
    }

    /// Reads an entry of a record: what is wrong with it is named with its clause.
    pub fn entry<T>(
        &mut self,
        code: &'static str,
        clause: Option<&str>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = (self.code, self.clause.take());
        self.code = code;
        self.clause = clause.map(|clause| clause.chars().take(40).collect());
        let value = read(self);
        (self.code, self.clause) = before;
        value
    }

    pub fn refuse<T>(&mut self, expected: impl AsRef<str>, found: impl Into<String>) -> Option<T> {
        if self.violations.len() < MAX_VIOLATIONS {
            let expected = expected.as_ref();
            let expected = match &self.clause {
                Some(clause) => format!("{expected} (clause {clause})"),
                None => expected.to_owned(),
            };
            let found: String = found.into().chars().take(80).collect();
            let pointer = self.pointer.clone();
            self.violations.push(Violation { pointer, code: self.code, expected, found });
        }
        None
    }

    pub fn refuse_value<T>(&mut self, expected: impl AsRef<str>, found: &Value) -> Option<T> {
        let found = match found {
            Value::Null => "nothing".to_owned(),
            other => other.to_string(),
        };
        self.refuse(expected, found)
    }

    pub fn refuse_expression<T>(&mut self, bad: BadExpression) -> Option<T> {
        self.refuse(bad.expected, bad.found)
    }

    /// Refuses every key that is not one of `keys`.
    pub fn allow(&mut self, object: &Map<String, Value>, keys: &[&str]) {
        for (name, value) in object {
            if !keys.contains(&name.as_str()) {
                let hint = did_you_mean(name, keys.iter().copied());
                self.inside(name, |reader| {
                    reader.refuse_value::<()>(
                        format!("one of the keys {}{hint}", keys.join(", ")),
                        value,
                    )
                });
            }
        }
    }

    /// Reads a text that may be absent.
    pub fn text(&mut self, object: &Map<String, Value>, key: &str) -> Option<String> {
        match object.get(key)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => self.inside(key, |reader| reader.refuse_value("a string", other)),
        }
    }

    pub fn need_text(&mut self, object: &Map<String, Value>, key: &str, what: &str) -> String {
        match object.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => text.clone(),
            other => {
                let found = other.unwrap_or(&Value::Null).clone();
                self.inside(key, |reader| reader.refuse_value::<()>(what, &found));
                String::new()
            }
        }
    }

    pub fn number(&mut self, object: &Map<String, Value>, key: &str) -> Option<f64> {
        match object.get(key)? {
            Value::Null => None,
            Value::Number(number) if number.as_f64().is_some_and(f64::is_finite) => number.as_f64(),
            other => self.inside(key, |reader| reader.refuse_value("a number", other)),
        }
    }

    pub fn date(&mut self, object: &Map<String, Value>, key: &str) -> Option<i32> {
        match object.get(key)? {
            Value::Null => None,
            Value::String(text) if days(text).is_some() => days(text),
            other => self.inside(key, |reader| reader.refuse_value("a date as YYYY-MM-DD", other)),
        }
    }

    /// Reads a unit of money as its value in yuan; 元 when there is none.
    pub fn money_unit(&mut self, object: &Map<String, Value>) -> f64 {
        let Some(unit) = self.text(object, "unit") else { return 1.0 };
        match money_unit(&unit) {
            Some(yuan) => yuan,
            None => {
                self.inside("unit", |reader| {
                    reader.refuse::<()>("元, 千元, 万元 or 亿元: this is money", unit)
                });
                1.0
            }
        }
    }

    /// Reads a check or a group.
    pub fn tree(&mut self, value: &Value) -> Option<Node> {
        let Value::Object(object) = value else {
            return self.refuse_value("an object: a check or a group", value);
        };
        self.nodes += 1;
        if object.contains_key("attr") || object.contains_key("expr") {
            return self.check(object).map(Node::Check);
        }
        let keys: Vec<&str> =
            GROUP_KEYS.into_iter().filter(|key| object.contains_key(*key)).collect();
        self.allow(object, &["all", "any", "none", "at_least", "of", "note"]);
        let [key] = keys[..] else {
            let found = if keys.is_empty() { "none of them".into() } else { keys.join(", ") };
            return self.refuse(
                "a check with attr or expr, or a group with one of all, any, none, at_least",
                found,
            );
        };
        self.group(object, key)
    }

    /// Reads the group that `key` names.
    pub fn group(&mut self, object: &Map<String, Value>, key: &str) -> Option<Node> {
        if self.depth == MAX_DEPTH {
            return self.refuse(format!("groups at most {MAX_DEPTH} deep"), "more");
        }
        let (how, list) = match key {
            "all" => (How::All, key),
            "any" => (How::Any, key),
            "none" => (How::None, key),
            _ => (How::AtLeast(0), "of"),
        };
        let items = match object.get(list) {
            Some(Value::Array(items)) if !items.is_empty() => items,
            other => {
                let found = other.unwrap_or(&Value::Null).clone();
                return self.inside(list, |reader| {
                    reader.refuse_value("an array of checks and groups, not empty", &found)
                });
            }
        };
        let how = match how {
            How::AtLeast(_) => {
                let wanted = self.number(object, "at_least")?;
                if wanted.fract() != 0.0 || !(1.0..=items.len() as f64).contains(&wanted) {
                    return self.inside("at_least", |reader| {
                        let expected = format!("a whole number from 1 to {}", items.len());
                        reader.refuse(expected, wanted.to_string())
                    });
                }
                How::AtLeast(wanted as usize)
            }
            how => how,
        };
        self.depth += 1;
        let mut of = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let node = self
                .inside(list, |reader| reader.inside(&at.to_string(), |reader| reader.tree(item)));
            of.extend(node);
        }
        self.depth -= 1;
        (of.len() == items.len()).then_some(Node::Group { how, of })
    }

    fn check(&mut self, object: &Map<String, Value>) -> Option<Check> {
        self.allow(object, &CHECK_KEYS);
        let show = self.text(object, "show");
        match (object.get("attr"), object.get("expr")) {
            (Some(Value::String(id)), None) => self.attribute_check(object, id, show),
            (None, Some(Value::String(text))) => self.expression_check(object, text, show),
            (Some(_), Some(_)) => self.refuse("attr or expr", "both"),
            (Some(other), None) | (None, Some(other)) => {
                self.refuse_value("attr or expr, a string", other)
            }
            (None, None) => self.refuse("attr or expr", "none"),
        }
    }

    fn expression_check(
        &mut self,
        object: &Map<String, Value>,
        text: &str,
        show: Option<String>,
    ) -> Option<Check> {
        for key in ["period", "valid_on"] {
            if let Some(value) = object.get(key) {
                let expected = "no such key beside expr: years stand in the expression";
                return self.inside(key, |reader| reader.refuse_value(expected, value));
            }
        }
        let (expression, power) = match Expression::parse(text, self.dictionary) {
            Ok(read) => read,
            Err(bad) => return self.inside("expr", |reader| reader.refuse_expression(bad)),
        };
        let is_money = power == Some(1);
        let scale = self.scale(object, is_money, None, power == Some(0))?;
        let (op, test) = self.number_test(object, scale, None)?;
        let text = text.to_owned();
        let subject = Subject::Number { expression, attribute: None, text, is_money };
        Some(Check { subject, test, show, op, unit: self.text(object, "unit") })
    }

    fn attribute_check(
        &mut self,
        object: &Map<String, Value>,
        id: &str,
        show: Option<String>,
    ) -> Option<Check> {
        let dictionary = self.dictionary;
        let attributes = dictionary.attributes();
        let Some(at) = attributes.find(id) else {
            let hint = did_you_mean(id, attributes.list.iter().map(|attribute| &*attribute.id));
            return self.inside("attr", |reader| {
                reader.refuse(format!("an attribute of attributes.toml{hint}"), id)
            });
        };
        let attribute = &attributes.list[at];
        let years = self.years(object, attribute)?;
        if object.contains_key("valid_on") && attribute.attribute_type != AttributeType::CodeSet {
            let expected = "valid_on with has, has_any and has_all alone";
            return self.inside("valid_on", |reader| reader.refuse(expected, "another operator"));
        }
        let one_year = years.map(|(from, _)| from);
        let (op, test, subject) = match attribute.attribute_type {
            AttributeType::Int | AttributeType::Money | AttributeType::Ratio => {
                let is_money = attribute.attribute_type == AttributeType::Money;
                let scale = self.scale(
                    object,
                    is_money,
                    attribute.unit.as_deref(),
                    attribute.attribute_type == AttributeType::Ratio,
                )?;
                let (op, test) = self.number_test(object, scale, Some(attribute))?;
                let expression = self.number_of(at, years);
                let text = match years {
                    Some(years) => format!("{id}[{}]", print_span(years)),
                    None => id.to_owned(),
                };
                (op, test, Subject::Number { expression, attribute: Some(at), text, is_money })
            }
            AttributeType::Date => {
                let (op, test) = self.date_test(object)?;
                (op, test, Subject::Date(at))
            }
            AttributeType::Bool => {
                let op = self.operator(object, &["is"], "a yes or no")?;
                let Some(Value::Bool(wanted)) = object.get("value") else {
                    let found = object.get("value").unwrap_or(&Value::Null).clone();
                    return self
                        .inside("value", |reader| reader.refuse_value("true or false", &found));
                };
                (op, Test::Is(*wanted), Subject::Flag { attribute: at, years })
            }
            AttributeType::Code | AttributeType::Region => {
                let op = self.operator(object, &["in", "within"], "a code")?;
                let (codes, above) = self.codes(object, attribute)?;
                let test = match op {
                    "in" => Test::In { codes, above },
                    _ => Test::Within { codes, above },
                };
                (op, test, Subject::Code { attribute: at, year: one_year })
            }
            AttributeType::CodeSet => {
                let op =
                    self.operator(object, &["has", "has_any", "has_all"], "a list of codes")?;
                let (codes, _) = self.codes(object, attribute)?;
                if op == "has" && codes.len() > 1 {
                    let expected = "one code with has; several with has_any or has_all";
                    return self.inside("value", |reader| reader.refuse(expected, "several"));
                }
                let how = if op == "has_any" { How::Any } else { How::All };
                let valid_on = self.valid_on(object)?;
                (op, Test::Has { how, codes, valid_on }, Subject::Codes(at))
            }
        };
        let unit = self.text(object, "unit");
        if unit.is_some() && !attribute.attribute_type.is_number() {
            return self.inside("unit", |reader| reader.refuse("a unit with numbers alone", "one"));
        }
        Some(Check { subject, test, show, op, unit })
    }

    /// The number that an attribute has in the years of a check.
    fn number_of(&self, at: usize, years: Option<(i8, i8)>) -> Expression {
        let attribute = &self.dictionary.attributes().list[at];
        match (attribute.period, years) {
            // How often within a span: as one number, or counted by year.
            (AttributePeriod::Range, Some((from, to))) => {
                let of_year =
                    |year| Expression::Attribute { attribute: at, year: Some(year), derived: None };
                let sum = Expression::Fold(Function::Sum, (from..=to).map(of_year).collect());
                Expression::Attribute { attribute: at, year: None, derived: Some(sum.into()) }
            }
            (_, years) => self.dictionary.operand(at, years.map(|(from, _)| from)),
        }
    }

    /// Reads the years of a check; `None` when something is wrong with them.
    #[allow(clippy::option_option)]
    fn years(
        &mut self,
        object: &Map<String, Value>,
        attribute: &Attribute,
    ) -> Option<Option<(i8, i8)>> {
        let id = attribute.id.clone();
        let years = match (object.get("period"), attribute.period) {
            (None, AttributePeriod::Year) => {
                let expected = format!("a period: {id} is by year; {YEARS_EXPECTED}");
                return self.inside("period", |reader| reader.refuse(expected, "nothing"));
            }
            (None, _) => return Some(None),
            (Some(period), AttributePeriod::Point) => {
                let expected = format!("no period: {id} is a value of today");
                return self.inside("period", |reader| reader.refuse_value(expected, period));
            }
            (Some(period), _) => match period.as_str().and_then(parse_years) {
                Some(years) => years,
                None => {
                    return self
                        .inside("period", |reader| reader.refuse_value(YEARS_EXPECTED, period));
                }
            },
        };
        if attribute.period == AttributePeriod::Year
            && years.0 != years.1
            && attribute.attribute_type != AttributeType::Bool
        {
            let expected =
                format!("one year; over several years expr with sum, avg, min or max of {id}[…]");
            return self.inside("period", |reader| reader.refuse(expected, print_span(years)));
        }
        Some(Some(years))
    }

    /// Reads the operator, which must be one of those for the type of the subject.
    fn operator(
        &mut self,
        object: &Map<String, Value>,
        allowed: &[&'static str],
        of: &str,
    ) -> Option<&'static str> {
        let found = object.get("op").unwrap_or(&Value::Null);
        let op = found.as_str().and_then(|found| allowed.iter().find(|op| **op == found));
        match op {
            Some(op) => Some(op),
            None => {
                let hint = did_you_mean(found.as_str().unwrap_or(""), allowed.iter().copied());
                let expected = format!("an operator of {of}: {}{hint}", allowed.join(", "));
                self.inside("op", |reader| reader.refuse_value(expected, found))
            }
        }
    }

    /// What one of the check's unit is: yuan for money, a fraction for `%`.
    fn scale(
        &mut self,
        object: &Map<String, Value>,
        is_money: bool,
        unit: Option<&str>,
        is_ratio: bool,
    ) -> Option<f64> {
        if is_money {
            let before = self.violations.len();
            let scale = self.money_unit(object);
            return (self.violations.len() == before).then_some(scale);
        }
        let Some(found) = self.text(object, "unit") else { return Some(1.0) };
        if is_ratio && matches!(found.as_str(), "%" | "％") {
            return Some(0.01);
        }
        if unit == Some(&*found) {
            return Some(1.0);
        }
        let expected = match unit {
            Some(unit) => format!("the unit {unit}, or none"),
            None if is_ratio => "% or no unit: this is a share or a number".to_owned(),
            None => "no unit".to_owned(),
        };
        self.inside("unit", |reader| reader.refuse(expected, found))
    }

    fn number_test(
        &mut self,
        object: &Map<String, Value>,
        scale: f64,
        attribute: Option<&Attribute>,
    ) -> Option<(&'static str, Test)> {
        let op = self.operator(object, &["ge", "gt", "le", "lt", "between"], "numbers")?;
        let value = object.get("value").unwrap_or(&Value::Null);
        if op == "between" {
            let bounds: Option<Vec<f64>> =
                value.as_array().and_then(|ends| ends.iter().map(Value::as_f64).collect());
            let Some(&[low, high]) = bounds.as_deref() else {
                let expected = "two numbers: [low, high]";
                return self.inside("value", |reader| reader.refuse_value(expected, value));
            };
            if low > high {
                let expected = "the lower end first";
                return self.inside("value", |reader| reader.refuse_value(expected, value));
            }
            let [low, high] = [low, high].map(|end| scaled(end, scale));
            self.bounds(low, attribute)?;
            self.bounds(high, attribute)?;
            return Some((op, Test::Between { low, high }));
        }
        let Some(bound) = value.as_f64() else {
            return self.inside("value", |reader| reader.refuse_value("a number", value));
        };
        let bound = scaled(bound, scale);
        self.bounds(bound, attribute)?;
        let compare = match op {
            "ge" => Compare::AtLeast,
            "gt" => Compare::Above,
            "le" => Compare::AtMost,
            _ => Compare::Below,
        };
        Some((op, Test::Number { compare, bound }))
    }

    /// Refuses a bound that no value of the attribute can be compared with.
    fn bounds(&mut self, bound: f64, attribute: Option<&Attribute>) -> Option<()> {
        let Some(attribute) = attribute else { return Some(()) };
        let (min, max) =
            (attribute.min.unwrap_or(f64::NEG_INFINITY), attribute.max.unwrap_or(f64::INFINITY));
        if (min..=max).contains(&bound) {
            return Some(());
        }
        let range = match (attribute.min, attribute.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, max) => format!("at most {}", max.unwrap_or_default()),
        };
        let expected = match attribute.attribute_type {
            AttributeType::Ratio => format!("{range}, as a fraction: 0.05 for 5 %"),
            _ => range,
        };
        self.inside("value", |reader| {
            reader.refuse(
                format!("a bound that {} can have: {expected}", attribute.id),
                bound.to_string(),
            )
        })
    }

    fn date_test(&mut self, object: &Map<String, Value>) -> Option<(&'static str, Test)> {
        let op = self.operator(object, &["before", "after", "months_since_ge"], "dates")?;
        let value = object.get("value").unwrap_or(&Value::Null);
        let test = match op {
            "months_since_ge" => value
                .as_i64()
                .and_then(|months| i32::try_from(months).ok())
                .filter(|months| (0..=2_400).contains(months))
                .map(Test::MonthsAtLeast),
            "before" => value.as_str().and_then(days).map(Test::Before),
            _ => value.as_str().and_then(days).map(Test::After),
        };
        match test {
            Some(test) => Some((op, test)),
            None => {
                let expected = match op {
                    "months_since_ge" => "a whole number of months, 0 to 2400",
                    _ => "a date as YYYY-MM-DD",
                };
                self.inside("value", |reader| reader.refuse_value(expected, value))
            }
        }
    }

    /// Reads codes of the attribute's vocabulary: their places, and those of everything above them.
    fn codes(
        &mut self,
        object: &Map<String, Value>,
        attribute: &Attribute,
    ) -> Option<(Vec<u32>, Vec<u32>)> {
        let Some(vocabulary) = attribute.vocabulary.clone() else {
            let expected = "an attribute with a vocabulary";
            return self.inside("attr", |reader| reader.refuse(expected, &*attribute.id));
        };
        let value = object.get("value").unwrap_or(&Value::Null);
        let texts: Option<Vec<&str>> = match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) if !items.is_empty() => items.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let Some(texts) = texts else {
            let expected = format!("codes of the vocabulary \"{}\"", vocabulary.name);
            return self.inside("value", |reader| reader.refuse_value(expected, value));
        };
        let mut codes = Vec::new();
        for text in texts {
            let Some(at) = vocabulary.index(text) else {
                let hint = vocabulary.hint(text);
                let expected = format!("a code of the vocabulary \"{}\"{hint}", vocabulary.name);
                return self.inside("value", |reader| reader.refuse(expected, text));
            };
            codes.push(at as u32);
        }
        let above = above(&vocabulary, &codes);
        Some((codes, above))
    }

    fn valid_on(&mut self, object: &Map<String, Value>) -> Option<ValidOn> {
        let Some(value) = object.get("valid_on") else { return Some(ValidOn::AsOf) };
        let text = value.as_str().unwrap_or("");
        let named = ValidOn::NAMES.iter().find(|(name, _)| *name == text).map(|(_, day)| *day);
        match named.or_else(|| days(text).map(ValidOn::Day)) {
            Some(day) => Some(day),
            None => {
                let names: Vec<&str> = ValidOn::NAMES.iter().map(|(name, _)| *name).collect();
                let expected = format!("{} or a date as YYYY-MM-DD", names.join(", "));
                self.inside("valid_on", |reader| reader.refuse_value(expected, value))
            }
        }
    }
}

/// A bound in the unit of the profile, without the noise of the multiplication.
fn scaled(value: f64, scale: f64) -> f64 {
    if scale < 1.0 { value / (1.0 / scale).round() } else { value * scale }
}

pub fn print_span((from, to): (i8, i8)) -> String {
    if from == to { print_year(from) } else { format!("{}..{}", print_year(from), print_year(to)) }
}

/// The places of everything above some codes, themselves left out.
pub fn above(vocabulary: &Vocabulary, codes: &[u32]) -> Vec<u32> {
    let mut above: Vec<u32> = Vec::new();
    for &code in codes {
        let mut next = vocabulary.entries[code as usize].parent;
        while let Some(at) = next {
            above.push(at as u32);
            next = vocabulary.entries[at].parent;
        }
    }
    above.sort_unstable();
    above.dedup();
    above
}
