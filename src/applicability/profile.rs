//! What is known of one organization.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Verdict;
use super::dictionary::Dictionary;
use super::expression::{Fact, Facts};
use super::value::{Interval, year_of};
use crate::record::Vocabulary;
use crate::record::attribute::{Attribute, AttributePeriod, AttributeType, CodeFormat};
use crate::record::nearest::did_you_mean;
use crate::record::validate::Violation;
use crate::record::value::days;

/// Entries of one attribute: years, qualifications.
const MAX_ENTRIES: usize = 500;
/// Calendar years that a value may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Facts about an organization, by attribute. What is absent is not known, which is not the same as "no".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The attributes that are known, as bits, and what is known of them in their order: profiles are kept by the
    /// hundred thousand.
    present: u128,
    known: Vec<Known>,
    founded_in: Option<i32>,
    /// Attributes that somebody assumed to go on.
    assumed: u128,
}

#[derive(Clone, Debug, PartialEq)]
enum Known {
    Number(Interval),
    Numbers(Vec<(i32, Interval)>),
    Flag(bool),
    Flags(Vec<(i32, bool)>),
    Day(i32),
    /// The code and everything above it, nearest first.
    Code(Arc<[u32]>),
    Codes(Vec<(i32, Arc<[u32]>)>),
    Set {
        complete: bool,
        entries: Vec<Holding>,
    },
    Text(String),
}

/// A code of a set, and when it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub code: u32,
    /// Days, both inclusive.
    pub from: Option<i32>,
    pub to: Option<i32>,
    /// `false`: said to be not held.
    pub held: bool,
}

/// Something about a value of the profile that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    pub attribute: String,
    /// `ignored`: the value cannot be right and counts as not known. `read_as`: how it was understood. `doubtful`: it
    /// counts, and is more likely a slip.
    pub code: &'static str,
    pub say: String,
}

impl Profile {
    /// Reads a profile, a JSON object by attribute.
    ///
    /// Names that are no attributes and values of another type are violations, with pointers from `/profile`. Values
    /// that cannot be right are left out, with a note. A number by itself for an attribute that is by year is that of
    /// the year before `as_of`. Dates after `today` are not believed. Both days count from 1970-01-01.
    pub fn read(
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
    ) -> Result<(Self, Vec<Note>), Vec<Violation>> {
        let mut profile = Self::default();
        let notes = profile.add(object, dictionary, as_of, today, "/profile")?;
        Ok((profile, notes))
    }

    /// Adds what is assumed for the sake of going on; what is known stays.
    pub fn assume(
        &mut self,
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
    ) -> Result<Vec<Note>, Vec<Violation>> {
        let mut other = Self::default();
        let notes = other.add(object, dictionary, as_of, today, "/assume")?;
        for at in 0..dictionary.attributes().list.len() {
            if let (None, Some(known)) = (self.of(at), other.of(at)) {
                let known = known.clone();
                self.set(at, known);
                self.assumed |= 1 << at;
            }
        }
        self.find_founding(dictionary);
        Ok(notes)
    }

    fn add(
        &mut self,
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
        pointer: &str,
    ) -> Result<Vec<Note>, Vec<Violation>> {
        let attributes = dictionary.attributes();
        let mut reader =
            ValueReader { dictionary, violations: Vec::new(), notes: Vec::new(), as_of, today };
        for (name, value) in object {
            let Some(at) = attributes.find(name) else {
                let hint = did_you_mean(name, attributes.list.iter().map(|known| &*known.id));
                reader.violations.push(Violation {
                    pointer: format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                    code: "unknown_attribute",
                    expected: format!("an attribute of GET /v1/attributes{hint}"),
                    found: name.chars().take(80).collect(),
                });
                continue;
            };
            if value.is_null() {
                continue;
            }
            let attribute = &attributes.list[at];
            match reader.value(attribute, value) {
                Ok(Some(known)) => self.set(at, known),
                Ok(None) => {}
                Err(Wrong { expected, found }) => reader.violations.push(Violation {
                    pointer: format!("{pointer}/{name}"),
                    code: "bad_attribute",
                    expected,
                    found: found.chars().take(80).collect(),
                }),
            }
        }
        if !reader.violations.is_empty() {
            return Err(reader.violations);
        }
        self.find_founding(dictionary);
        Ok(reader.notes)
    }

    fn find_founding(&mut self, dictionary: &Dictionary) {
        let founded = dictionary.attributes().founded.and_then(|at| self.day(at));
        self.founded_in = founded.map(year_of);
    }

    pub fn is_known(&self, attribute: usize) -> bool {
        self.present >> attribute & 1 == 1
    }

    /// Tells whether the value was assumed.
    pub fn is_assumed(&self, attribute: usize) -> bool {
        self.assumed >> attribute & 1 == 1
    }

    pub fn has_assumptions(&self) -> bool {
        self.assumed != 0
    }

    /// Sets an attribute, in place of what was known of it.
    fn set(&mut self, attribute: usize, known: Known) {
        let place = (self.present & ((1 << attribute) - 1)).count_ones() as usize;
        match self.is_known(attribute) {
            true => self.known[place] = known,
            false => self.known.insert(place, known),
        }
        self.present |= 1 << attribute;
    }

    fn of(&self, attribute: usize) -> Option<&Known> {
        let below = self.present & ((1 << attribute) - 1);
        self.is_known(attribute).then(|| &self.known[below.count_ones() as usize])
    }

    /// Returns a date, in days since 1970-01-01.
    pub fn day(&self, attribute: usize) -> Option<i32> {
        match self.of(attribute)? {
            Known::Day(day) => Some(*day),
            _ => None,
        }
    }

    /// Tells whether something was so in any of some calendar years, or ever.
    pub fn flag(&self, attribute: usize, years: Option<(i32, i32)>) -> Option<bool> {
        match self.of(attribute)? {
            Known::Flag(flag) => Some(*flag),
            Known::Flags(flags) => {
                let (from, to) = years.unwrap_or((i32::MIN, i32::MAX));
                let within = |year: i32| (from..=to).contains(&year);
                if flags.iter().any(|&(year, flag)| flag && within(year)) {
                    return Some(true);
                }
                let (from, to) = years?;
                let from = from.max(self.founded_in.unwrap_or(from));
                let is_said = |year| flags.iter().any(|&(said, _)| said == year);
                (from..=to).all(is_said).then_some(false)
            }
            _ => None,
        }
    }

    /// Returns a code and everything above it, nearest first.
    pub fn code(&self, attribute: usize, year: Option<i32>) -> Option<&[u32]> {
        match (self.of(attribute)?, year) {
            (Known::Code(path), _) => Some(path),
            (Known::Codes(codes), Some(year)) => {
                codes.iter().find(|(of, _)| *of == year).map(|(_, path)| &**path)
            }
            _ => None,
        }
    }

    /// Tells whether a code of a set is held on a day, or was at any time.
    ///
    /// A code that is not listed is unknown, unless the list is complete. One that is listed for other days alone is
    /// not held.
    pub fn holds(&self, attribute: usize, code: u32, day: Option<i32>) -> Verdict {
        let Some(Known::Set { complete, entries }) = self.of(attribute) else {
            return Verdict::Unknown;
        };
        let mut listed = false;
        for entry in entries.iter().filter(|entry| entry.code == code) {
            listed = true;
            let covers = day.is_none_or(|day| {
                entry.from.is_none_or(|from| from <= day) && entry.to.is_none_or(|to| day <= to)
            });
            if entry.held && covers {
                return Verdict::Pass;
            }
        }
        if listed || *complete { Verdict::Fail } else { Verdict::Unknown }
    }

    /// The entries of a code in a set.
    pub fn holdings(&self, attribute: usize, code: u32) -> impl Iterator<Item = &Holding> {
        let entries = match self.of(attribute) {
            Some(Known::Set { entries, .. }) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().filter(move |entry| entry.code == code)
    }
}

impl Facts for Profile {
    fn number(&self, attribute: usize, year: Option<i32>) -> Fact {
        let before = || {
            let founded = self.founded_in.zip(year);
            match founded.is_some_and(|(founded, year)| year < founded) {
                true => Fact::BeforeFounding,
                false => Fact::Missing,
            }
        };
        match (self.of(attribute), year) {
            (Some(Known::Number(value)), None) => Fact::Known(*value),
            (Some(Known::Numbers(numbers)), Some(year)) => numbers
                .iter()
                .find(|(of, _)| *of == year)
                .map_or_else(before, |(_, value)| Fact::Known(*value)),
            _ => before(),
        }
    }

    fn date(&self, attribute: usize) -> Option<i32> {
        self.day(attribute)
    }
}

/// Why a value is no value of its attribute.
struct Wrong {
    expected: String,
    found: String,
}

fn wrong<T>(expected: impl Into<String>, found: &Value) -> Result<T, Wrong> {
    Err(Wrong { expected: expected.into(), found: found.to_string() })
}

struct ValueReader<'a> {
    dictionary: &'a Dictionary,
    violations: Vec<Violation>,
    notes: Vec<Note>,
    as_of: i32,
    today: i32,
}

impl ValueReader<'_> {
    fn note(&mut self, attribute: &Attribute, code: &'static str, say: String) {
        self.notes.push(Note { attribute: attribute.id.to_string(), code, say });
    }

    /// Reads a value; `None` for one that cannot be right, which is noted.
    fn value(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
        let is_series = attribute.period != AttributePeriod::Point
            && value.as_object().is_some_and(|object| {
                !object.keys().any(|key| matches!(key.as_str(), "min" | "max"))
            });
        if is_series {
            return self.series(attribute, value.as_object().expect("seen to be one"));
        }
        let kind = attribute.attribute_type;
        match kind {
            AttributeType::Int | AttributeType::Money | AttributeType::Ratio => {
                let Some(number) = self.number(attribute, value)? else { return Ok(None) };
                if attribute.period != AttributePeriod::Year {
                    return Ok(Some(Known::Number(number)));
                }
                let year = year_of(self.as_of) - 1;
                self.note(
                    attribute,
                    "read_as",
                    format!("按{year}年度的{}理解", attribute.label.zh),
                );
                Ok(Some(Known::Numbers(vec![(year, number)])))
            }
            AttributeType::Bool => match value {
                Value::Bool(flag) => Ok(Some(Known::Flag(*flag))),
                other => wrong("true or false", other),
            },
            AttributeType::Date => self.date(attribute, value),
            AttributeType::Code | AttributeType::Region => {
                let Some(vocabulary) = &attribute.vocabulary else {
                    return self.plain_code(attribute, value);
                };
                let path = self.code(vocabulary, value)?;
                if attribute.period == AttributePeriod::Year {
                    let year = year_of(self.as_of) - 1;
                    return Ok(Some(Known::Codes(vec![(year, path)])));
                }
                Ok(Some(Known::Code(path)))
            }
            AttributeType::CodeSet => self.set(attribute, value),
        }
    }

    /// Reads values by calendar year.
    fn series(
        &mut self,
        attribute: &Attribute,
        object: &Map<String, Value>,
    ) -> Result<Option<Known>, Wrong> {
        if object.len() > MAX_ENTRIES {
            return Err(Wrong {
                expected: format!("at most {MAX_ENTRIES} years"),
                found: object.len().to_string(),
            });
        }
        let mut years = Vec::new();
        for (key, value) in object {
            let year = key.parse().ok().filter(|year| YEARS.contains(year) && key.len() == 4);
            let Some(year) = year else {
                let expected = "values by calendar year: {\"2025\": …}";
                return Err(Wrong { expected: expected.into(), found: key.clone() });
            };
            if !value.is_null() {
                years.push((year, value));
            }
        }
        match attribute.attribute_type {
            AttributeType::Bool => {
                let mut flags = Vec::new();
                for (year, value) in years {
                    match value {
                        Value::Bool(flag) => flags.push((year, *flag)),
                        other => return wrong("true or false for each year", other),
                    }
                }
                Ok(Some(Known::Flags(flags)))
            }
            AttributeType::Code => {
                let Some(vocabulary) = &attribute.vocabulary else {
                    return Ok(None);
                };
                let mut codes = Vec::new();
                for (year, value) in years {
                    codes.push((year, self.code(vocabulary, value)?));
                }
                Ok(Some(Known::Codes(codes)))
            }
            _ => {
                let mut numbers = Vec::new();
                for (year, value) in years {
                    numbers.extend(self.number(attribute, value)?.map(|number| (year, number)));
                }
                Ok(Some(Known::Numbers(numbers)))
            }
        }
    }

    /// Reads a number, a band `{"min", "max"}`, or what people write: `约5000万`, `0.5亿`, `2000万–4亿`.
    fn number(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Interval>, Wrong> {
        let expected = match attribute.attribute_type {
            AttributeType::Money => "yuan, a band {\"min\", \"max\"} or a text such as 5000万元",
            AttributeType::Ratio => "a fraction (0.05 for 5 %), a band or a text such as 5%",
            _ => "a number, a band {\"min\", \"max\"} or a text with a number",
        };
        let read = match value {
            Value::Number(number) => number.as_f64().map(Interval::exact),
            Value::Object(band) if band.keys().all(|key| matches!(key.as_str(), "min" | "max")) => {
                let end = |key: &str, open: f64| match band.get(key) {
                    None | Some(Value::Null) => Some(open),
                    Some(value) => value.as_f64(),
                };
                let low = end("min", attribute.min.unwrap_or(f64::NEG_INFINITY));
                let high = end("max", attribute.max.unwrap_or(f64::INFINITY));
                low.zip(high).and_then(|(low, high)| Interval::new(low, high))
            }
            Value::String(text) => {
                let read = written_number(text, attribute.min.unwrap_or(f64::NEG_INFINITY));
                if read.is_none() {
                    self.note(attribute, "ignored", format!("“{text}”读不出数，按未提供处理"));
                    return Ok(None);
                }
                let read = read.filter(|read| read.low.is_finite() || read.high.is_finite());
                if let Some(read) = read {
                    let shown = print_interval(read);
                    self.note(attribute, "read_as", format!("“{text}”按{shown}理解，可修改"));
                }
                read
            }
            _ => None,
        };
        let Some(interval) = read.filter(|read| !read.low.is_nan() && !read.high.is_nan()) else {
            return wrong(expected, value);
        };
        Ok(self.plausible(attribute, interval))
    }

    fn plausible(&mut self, attribute: &Attribute, value: Interval) -> Option<Interval> {
        let label = &attribute.label.zh;
        let mut ignored = |say: String| {
            self.notes.push(Note {
                attribute: attribute.id.to_string(),
                code: "ignored",
                say: format!("{label}{say}，按未提供处理"),
            });
            None
        };
        if let Some(min) = attribute.min.filter(|&min| value.low < min) {
            return ignored(format!("不应小于{min}"));
        }
        if let Some(max) = attribute.max.filter(|&max| value.low > max) {
            return ignored(format!("不应大于{max}"));
        }
        if attribute.attribute_type == AttributeType::Int
            && value.is_exact()
            && value.low.fract() != 0.0
        {
            return ignored("应为整数".to_owned());
        }
        if let Some(least) = attribute.doubt_below
            && value.high > 0.0
            && value.high < least
        {
            let say = format!("{label}是否为{}元？如以万元计，请换算为元", print_interval(value));
            self.note(attribute, "doubtful", say);
        }
        Some(match attribute.max {
            Some(max) => Interval { low: value.low, high: value.high.min(max) },
            None => value,
        })
    }

    fn date(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
        let Some(day) = value.as_str().and_then(|text| days(text.trim())) else {
            return wrong("a date as YYYY-MM-DD", value);
        };
        if day > self.today.max(self.as_of) {
            self.note(
                attribute,
                "ignored",
                format!("{}晚于今天，按未提供处理", attribute.label.zh),
            );
            return Ok(None);
        }
        Ok(Some(Known::Day(day)))
    }

    fn plain_code(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
        let Some(text) = value.as_str() else { return wrong("a string", value) };
        let text = text.trim().to_uppercase();
        if attribute.format == Some(CodeFormat::CreditCode) && !is_credit_code(&text) {
            let say = format!("{}应为18位且校验位正确，按未提供处理", attribute.label.zh);
            self.note(attribute, "ignored", say);
            return Ok(None);
        }
        Ok(Some(Known::Text(text)))
    }

    /// Reads a code, or a label of the vocabulary that means one, with everything above it, nearest first.
    fn code(&self, vocabulary: &Vocabulary, value: &Value) -> Result<Arc<[u32]>, Wrong> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => {
                return wrong(format!("a code of the vocabulary \"{}\"", vocabulary.name), other);
            }
        };
        let code = match vocabulary.index(&text) {
            Some(_) => Some(text.as_str()),
            None => vocabulary.by_label(&text),
        };
        match code.and_then(|code| self.dictionary.path(vocabulary, code)) {
            Some(path) => Ok(path),
            None => {
                let expected = super::reader::wanted_code(vocabulary, &text);
                Err(Wrong { expected, found: text })
            }
        }
    }

    /// Reads a list of codes, or `{"complete": true, "items": […]}`.
    fn set(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
        let Some(vocabulary) = &attribute.vocabulary else { return Ok(None) };
        let expected = "an array of codes or of {code, from, to, held}, or {complete, items}";
        let (items, complete) = match value {
            Value::Array(items) => (items.as_slice(), attribute.complete),
            Value::Object(object)
                if object.keys().all(|key| matches!(key.as_str(), "complete" | "items")) =>
            {
                let complete = match object.get("complete") {
                    None | Some(Value::Null) => attribute.complete,
                    Some(Value::Bool(complete)) => *complete,
                    Some(other) => return wrong("complete: true or false", other),
                };
                match object.get("items") {
                    None | Some(Value::Null) => (&[][..], complete),
                    Some(Value::Array(items)) => (items.as_slice(), complete),
                    Some(other) => return wrong(expected, other),
                }
            }
            other => return wrong(expected, other),
        };
        if items.len() > MAX_ENTRIES {
            return Err(Wrong {
                expected: format!("at most {MAX_ENTRIES} entries"),
                found: items.len().to_string(),
            });
        }
        let mut entries = Vec::new();
        for item in items {
            let (code, holding) = match item {
                Value::String(_) => (item, None),
                Value::Object(object)
                    if object
                        .keys()
                        .all(|key| matches!(key.as_str(), "code" | "from" | "to" | "held")) =>
                {
                    (object.get("code").unwrap_or(&Value::Null), Some(object))
                }
                other => return wrong(expected, other),
            };
            let code = self.code(vocabulary, code)?[0];
            let date = |key: &str| match holding.and_then(|object| object.get(key)) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => match value.as_str().and_then(days) {
                    Some(day) => Ok(Some(day)),
                    None => wrong(format!("{key}: a date as YYYY-MM-DD"), value),
                },
            };
            let held = match holding.and_then(|object| object.get("held")) {
                None | Some(Value::Null) => true,
                Some(Value::Bool(held)) => *held,
                Some(other) => return wrong("held: true or false", other),
            };
            entries.push(Holding { code, from: date("from")?, to: date("to")?, held });
        }
        Ok(Some(Known::Set { complete, entries }))
    }
}

fn print_interval(value: Interval) -> String {
    match (value.low.is_finite(), value.high.is_finite()) {
        _ if value.is_exact() => value.low.to_string(),
        (true, true) => format!("{}至{}", value.low, value.high),
        (true, false) => format!("{}以上", value.low),
        _ => format!("{}以下", value.high),
    }
}

/// Reads a number as people write it; `least` is the lower end of "up to".
fn written_number(text: &str, least: f64) -> Option<Interval> {
    use unicode_normalization::UnicodeNormalization;
    let text: String = text
        .nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '¥' | '约'))
        .collect();
    let text = text.trim_start_matches('大').trim_end_matches("左右").replace("人民币", "");
    if let Some(text) = text.strip_suffix("以上").or_else(|| text.strip_prefix(['≥', '>'])) {
        return Interval::new(one_number(text)?.0, f64::INFINITY);
    }
    if let Some(text) = text.strip_suffix("以下").or_else(|| text.strip_prefix(['≤', '<'])) {
        return Interval::new(least, one_number(text)?.0);
    }
    let parts: Vec<&str> = text.split(['~', '–', '—', '至', '到', '-']).collect();
    match parts[..] {
        [one] => Some(Interval::exact(one_number(one)?.0)),
        [low, high] if !low.is_empty() => {
            let ((low, unit), (high, of)) = (one_number(low)?, one_number(high)?);
            // In 2000–4000万 the unit belongs to both.
            Interval::new(if unit == 1.0 { low * of } else { low }, high)
        }
        ["", negative] => Some(Interval::exact(-one_number(negative)?.0)),
        _ => None,
    }
}

/// Reads one number with its unit; returns the value and what the unit was.
fn one_number(text: &str) -> Option<(f64, f64)> {
    let text = text.trim_end_matches(['元', '人', '件', '项', '个', '月']);
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "" => 1.0,
        "千" => 1e3,
        "万" => 1e4,
        "百万" => 1e6,
        "千万" => 1e7,
        "亿" => 1e8,
        "%" => 0.01,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = plain.then(|| digits.parse().ok())??;
    let value = if unit < 1.0 { value / 100.0 } else { value * unit };
    value.is_finite().then_some((value, unit))
}

/// Checks a unified social credit code: 18 characters, the last one computed from the others (GB 32100-2015).
fn is_credit_code(text: &str) -> bool {
    const DIGITS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let values: Option<Vec<usize>> = text.chars().map(|c| DIGITS.find(c)).collect();
    let Some(values) = values.filter(|values| values.len() == 18) else { return false };
    let sum: usize = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    values[17] == (31 - sum % 31) % 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |text: &str, expected: Option<(f64, f64)>| {
            let read = written_number(text, 0.0).map(|read| (read.low, read.high));
            assert_eq!(read, expected, "{text}");
        };
        check("约5000万", Some((5e7, 5e7)));
        check("0.5亿", Some((5e7, 5e7)));
        check("５０００", Some((5000.0, 5000.0)));
        check("1,200 万元", Some((1.2e7, 1.2e7)));
        check("2000万–4亿", Some((2e7, 4e8)));
        check("2000-4000万元", Some((2e7, 4e7)));
        check("5000万以上", Some((5e7, f64::INFINITY)));
        check("300万元以下", Some((0.0, 3e6)));
        check("4.6%", Some((0.046, 0.046)));
        check("-120万", Some((-1.2e6, -1.2e6)));
        check("不详", None);
        check("", None);
        check("1.2.3", None);
        check("万", None);
    }

    #[test]
    fn the_check_digit_is_checked() {
        assert!(is_credit_code("91350100M000100Y43"));
        assert!(!is_credit_code("91350100M000100Y44"));
        assert!(!is_credit_code("91350100M000100Y4"));
        assert!(!is_credit_code("9135010OM000100Y43"));
    }
}
