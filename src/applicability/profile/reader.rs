//! Values of a profile as JSON has them and as people write them -> facts.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Holding, Known, Note};
use crate::applicability::dictionary::Dictionary;
use crate::applicability::value::{Interval, year_of};
use crate::applicability::words::{Style, say_interval};
use crate::record::attribute::{Attribute, AttributePeriod, AttributeType, CodeFormat};
use crate::record::kind::Label;
use crate::record::nearest::did_you_mean;
use crate::record::value::days;
use crate::record::{Lang, Vocabulary};

/// Entries of one attribute: years, qualifications.
const MAX_ENTRIES: usize = 500;
/// Calendar years that a value may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Why a value is no value of its attribute.
pub(super) struct Wrong {
    pub expected: String,
    pub found: String,
}

fn wrong<T>(expected: impl Into<String>, found: &Value) -> Result<T, Wrong> {
    Err(Wrong { expected: expected.into(), found: found.to_string() })
}

/// Reads values of one profile, and notes what should be known about them.
pub(super) struct ValueReader<'a> {
    pub dictionary: &'a Dictionary,
    pub notes: Vec<Note>,
    pub as_of: i32,
    pub today: i32,
}

impl ValueReader<'_> {
    /// Notes something, in Chinese and in English.
    fn note(&mut self, attribute: &Attribute, code: &'static str, zh: String, en: String) {
        let say = Label { zh, en };
        self.notes.push(Note { attribute: attribute.id.to_string(), code, say });
    }

    /// Notes that a value counts as not known, and why.
    fn ignore<T>(&mut self, attribute: &Attribute, zh: &str, en: &str) -> Option<T> {
        let zh = format!("{zh}，按未提供处理");
        let en = format!("{en}; it counts as not known");
        self.note(attribute, "ignored", zh, en);
        None
    }

    /// Reads a value; `None` for one that cannot be right, which is noted.
    pub fn value(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
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
                    format!("read as that of {year}"),
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
                    let en = format!("\"{text}\" is no number");
                    return Ok(self.ignore(attribute, &format!("“{text}”读不出数"), &en));
                }
                let read = read.filter(|read| read.low.is_finite() || read.high.is_finite());
                if let Some(read) = read {
                    let say = |lang| say_interval(read, Style::of(attribute), lang);
                    let zh = format!("“{text}”按{}理解，可修改", say(Lang::Zh));
                    let en = format!("\"{text}\" is read as {}", say(Lang::En));
                    self.note(attribute, "read_as", zh, en);
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
        let Label { zh, en } = &attribute.label;
        if let Some(min) = attribute.min.filter(|&min| value.low < min) {
            let text = format!("{zh}不应小于{min}");
            return self.ignore(attribute, &text, &format!("{en} is never less than {min}"));
        }
        if let Some(max) = attribute.max.filter(|&max| value.low > max) {
            let text = format!("{zh}不应大于{max}");
            return self.ignore(attribute, &text, &format!("{en} is never more than {max}"));
        }
        if attribute.attribute_type == AttributeType::Int
            && value.is_exact()
            && value.low.fract() != 0.0
        {
            return self.ignore(
                attribute,
                &format!("{zh}应为整数"),
                &format!("{en} is a whole number"),
            );
        }
        if let Some(least) = attribute.doubt_below
            && value.high > 0.0
            && value.high < least
        {
            let say = |lang| say_interval(value, Style::of(attribute), lang);
            let text = format!("{zh}是否为{}？如以万元计，请换算为元", say(Lang::Zh));
            let english = format!("{en} of {}? It is wanted in yuan, not in 万元", say(Lang::En));
            self.note(attribute, "doubtful", text, english);
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
            let Label { zh, en } = &attribute.label;
            return Ok(self.ignore(
                attribute,
                &format!("{zh}晚于今天"),
                &format!("{en} is to come"),
            ));
        }
        Ok(Some(Known::Day(day)))
    }

    fn plain_code(&mut self, attribute: &Attribute, value: &Value) -> Result<Option<Known>, Wrong> {
        let Some(text) = value.as_str() else { return wrong("a string", value) };
        let text = text.trim().to_uppercase();
        if attribute.format == Some(CodeFormat::CreditCode) && !is_credit_code(&text) {
            let Label { zh, en } = &attribute.label;
            let zh = format!("{zh}应为18位且校验位正确");
            let en = format!("{en} has 18 characters, the last of which checks the others");
            return Ok(self.ignore(attribute, &zh, &en));
        }
        Ok(Some(Known::Text(text)))
    }

    /// Reads a code, or a label of the vocabulary that means one, with everything above it, nearest first.
    fn code(&self, vocabulary: &Vocabulary, value: &Value) -> Result<Arc<[u32]>, Wrong> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => {
                let name = &vocabulary.name;
                return wrong(format!("a code or a name of the vocabulary \"{name}\""), other);
            }
        };
        let code = match vocabulary.index(&text) {
            Some(_) => Some(text.as_str()),
            None => vocabulary.by_label(&text).or_else(|| vocabulary.by_labels(&text)),
        };
        match code.and_then(|code| self.dictionary.path(vocabulary, code)) {
            Some(path) => Ok(path),
            None => {
                let known = vocabulary.entries.iter();
                let known = known.flat_map(|entry| [&entry.code, &entry.label.zh, &entry.label.en]);
                let hint = did_you_mean(&text, known.map(String::as_str));
                let name = &vocabulary.name;
                let expected = format!("a code or a name of the vocabulary \"{name}\"{hint}");
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
