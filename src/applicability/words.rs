//! Values, bounds and distances as people read them, and as programs do.

use serde_json::{Value, json};

use super::Verdict;
use super::condition::{Check, Compare, Detail, Need, Subject, Test, absolute};
use super::dictionary::Dictionary;
use super::expression::{Expression, Operator};
use super::near::Gap;
use super::profile::Profile;
use super::reader::print_span;
use super::value::{Interval, Moment, months_between, print_day};
use crate::record::Vocabulary;
use crate::record::attribute::AttributeType;

/// How numbers of a check are written.
#[derive(Clone, Copy)]
enum Style<'a> {
    Money,
    Percent,
    Count(&'a str),
    Plain,
}

/// Prints a need as callers read it: `rd_expense[Y-1]`, `quals[gaoxin]`, `staff`.
pub fn print_need(need: &Need, dictionary: &Dictionary) -> String {
    let attribute = &dictionary.attributes().list[need.attribute];
    match need.detail {
        Detail::Whole => attribute.id.to_string(),
        Detail::Years(from, to) => format!("{}[{}]", attribute.id, print_span((from, to))),
        Detail::Code(code) => {
            let code = attribute.vocabulary.as_deref().map_or("", |known| code_of(known, code));
            format!("{}[{code}]", attribute.id)
        }
    }
}

/// Prints a need for people: `2025年研发费用`.
pub fn say_need(need: &Need, dictionary: &Dictionary, moment: Moment) -> String {
    let attribute = &dictionary.attributes().list[need.attribute];
    let label = &attribute.label.zh;
    match need.detail {
        Detail::Whole => label.clone(),
        Detail::Years(from, to) => format!("{}{label}", say_years((from, to), moment)),
        Detail::Code(code) => {
            let known = attribute.vocabulary.as_deref();
            let name = known.map_or("", |known| &known.entries[code as usize].label.zh);
            format!("是否有“{name}”")
        }
    }
}

fn say_years((from, to): (i8, i8), moment: Moment) -> String {
    let (from, to) = absolute(Some((from, to)), moment).expect("there are years");
    if from == to { format!("{from}年") } else { format!("{from}—{to}年") }
}

fn code_of(vocabulary: &Vocabulary, code: u32) -> &str {
    &vocabulary.entries[code as usize].code
}

/// Prints a sum of yuan: `4800万元`.
pub fn say_yuan(yuan: f64) -> String {
    let size = yuan.abs();
    if size >= 1e8 {
        format!("{}亿元", decimals(yuan / 1e8, 4))
    } else if size >= 1e4 {
        format!("{}万元", decimals(yuan / 1e4, 2))
    } else {
        format!("{}元", decimals(yuan, 2))
    }
}

/// Prints a number with at most so many decimals.
fn decimals(value: f64, most: usize) -> String {
    let text = format!("{value:.most$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn say_number(value: f64, style: Style<'_>) -> String {
    match style {
        Style::Money => say_yuan(value),
        Style::Percent => format!("{}%", decimals(value * 100.0, 2)),
        Style::Count(unit) => format!("{}{unit}", decimals(value, 2)),
        Style::Plain => decimals(value, 4),
    }
}

fn number_json(value: f64, is_money: bool) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    let value = if is_money { value.round() } else { (value * 1e4).round() / 1e4 };
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

impl Check {
    fn style<'a>(&self, dictionary: &'a Dictionary) -> Style<'a> {
        let Subject::Number { expression, attribute, is_money, .. } = &self.subject else {
            return Style::Plain;
        };
        if *is_money {
            return Style::Money;
        }
        match attribute.map(|at| &dictionary.attributes().list[at]) {
            Some(attribute) if attribute.attribute_type == AttributeType::Ratio => Style::Percent,
            Some(attribute) => Style::Count(attribute.unit.as_deref().unwrap_or("")),
            None if matches!(expression, Expression::Binary(Operator::Over, ..))
                && self.lower_bound().is_none_or(|bound| bound <= 1.0) =>
            {
                Style::Percent
            }
            None => Style::Plain,
        }
    }

    /// What people call the value that is tested.
    pub fn label(&self, dictionary: &Dictionary, moment: Moment) -> String {
        if let Some(show) = &self.show {
            return show.clone();
        }
        let label = |at: usize| &dictionary.attributes().list[at].label.zh;
        match &self.subject {
            Subject::Number { attribute: Some(at), text, .. } => {
                let years = text.split_once('[').and_then(|(_, years)| {
                    super::expression::parse_years(years.trim_end_matches(']'))
                });
                let years = years.map(|years| say_years(years, moment)).unwrap_or_default();
                format!("{years}{}", label(*at))
            }
            Subject::Number { text, .. } => text.clone(),
            Subject::Date(at) | Subject::Codes(at) => label(*at).clone(),
            Subject::Flag { attribute, years } => {
                let years = years.map(|years| say_years(years, moment)).unwrap_or_default();
                format!("{years}{}", label(*attribute))
            }
            Subject::Code { attribute, year } => {
                let years = year.map(|year| say_years((year, year), moment)).unwrap_or_default();
                format!("{years}{}", label(*attribute))
            }
        }
    }

    /// What the profile has; null when it does not say. Money in yuan, shares as fractions.
    pub fn have(&self, profile: &Profile, moment: Moment, dictionary: &Dictionary) -> Value {
        let vocabulary = |at: usize| dictionary.attributes().list[at].vocabulary.as_deref();
        match &self.subject {
            Subject::Number { expression, is_money, .. } => {
                match expression.value(profile, moment) {
                    None => Value::Null,
                    Some(value) if value.is_exact() => number_json(value.low, *is_money),
                    Some(value) => json!({
                        "min": number_json(value.low, *is_money),
                        "max": number_json(value.high, *is_money),
                    }),
                }
            }
            Subject::Date(at) => profile.day(*at).map_or(Value::Null, |day| json!(print_day(day))),
            Subject::Flag { attribute, years } => {
                json!(profile.flag(*attribute, absolute(*years, moment)))
            }
            Subject::Code { attribute, year } => {
                let year = year.map(|year| moment.year() + i32::from(year));
                match (profile.code(*attribute, year), vocabulary(*attribute)) {
                    (Some([own, ..]), Some(known)) => json!(code_of(known, *own)),
                    _ => Value::Null,
                }
            }
            Subject::Codes(attribute) => {
                let (Test::Has { codes, .. }, Some(known)) = (&self.test, vocabulary(*attribute))
                else {
                    return Value::Null;
                };
                let mut held = Vec::new();
                for &code in codes {
                    for entry in profile.holdings(*attribute, code).filter(|entry| entry.held) {
                        let day = |day: Option<i32>| day.map(print_day).unwrap_or_default();
                        let code = code_of(known, code);
                        held.push(match (entry.from, entry.to) {
                            (None, None) => code.to_owned(),
                            (from, to) => format!("{code} {}~{}", day(from), day(to)),
                        });
                    }
                }
                if held.is_empty() { Value::Null } else { json!(held.join("; ")) }
            }
        }
    }

    /// What the record asks for, in the same units.
    pub fn need(&self, dictionary: &Dictionary) -> Value {
        let is_money = matches!(&self.subject, Subject::Number { is_money: true, .. });
        let known =
            self.attribute().and_then(|at| dictionary.attributes().list[at].vocabulary.as_deref());
        let codes = |codes: &[u32]| {
            let codes: Vec<&str> =
                codes.iter().filter_map(|&code| Some(code_of(known?, code))).collect();
            if let [code] = codes[..] { json!(code) } else { json!(codes) }
        };
        match &self.test {
            Test::Number { bound, .. } => number_json(*bound, is_money),
            Test::Between { low, high } => {
                json!([number_json(*low, is_money), number_json(*high, is_money)])
            }
            Test::Before(day) | Test::After(day) => json!(print_day(*day)),
            Test::MonthsAtLeast(months) => json!(months),
            Test::Is(wanted) => json!(wanted),
            Test::In { codes: wanted, .. }
            | Test::Within { codes: wanted, .. }
            | Test::Has { codes: wanted, .. } => codes(wanted),
        }
    }

    /// How far the value is from the bound, in words; `None` where there is no distance.
    pub fn margin(
        &self,
        profile: &Profile,
        moment: Moment,
        dictionary: &Dictionary,
    ) -> Option<String> {
        let verdict = self.verdict(profile, moment);
        if !verdict.is_decided() {
            return None;
        }
        let label = self.label(dictionary, moment);
        if let (Subject::Date(at), Test::MonthsAtLeast(months)) = (&self.subject, &self.test) {
            let passed = months_between(profile.day(*at)?, moment.as_of);
            return Some(match verdict {
                Verdict::Fail => format!("至今{passed}个月，还需{}个月", months - passed),
                _ => format!("至今{passed}个月，要求{months}个月"),
            });
        }
        let Subject::Number { expression, .. } = &self.subject else { return None };
        let value = expression.value(profile, moment)?;
        let style = self.style(dictionary);
        let (bound, below) = match self.test {
            Test::Number { compare: Compare::AtLeast | Compare::Above, bound } => (bound, false),
            Test::Number { bound, .. } => (bound, true),
            Test::Between { low, .. } if value.low < low => (low, false),
            Test::Between { high, .. } => (high, true),
            _ => return None,
        };
        let shown = say_interval(value, style);
        let end = if below { value.high } else { value.low };
        let distance = (end - bound).abs();
        let distance = match style {
            Style::Percent => format!("{}个百分点", decimals(distance * 100.0, 2)),
            style => say_number(distance, style),
        };
        let (sign, way) = match (below, verdict) {
            (false, Verdict::Fail) => ("要求不低于", "还差"),
            (false, _) => ("要求不低于", "高出"),
            (true, Verdict::Fail) => ("要求不高于", "超出"),
            (true, _) => ("要求不高于", "低"),
        };
        let asked = say_number(bound, style);
        let mut text = format!("{label}{shown}，{sign}{asked}，{way}{distance}");
        if verdict == Verdict::Fail
            && let Some(gap) = self.gap(profile, moment).filter(|gap| gap.by > 0.0)
            && let Some(advice) = say_gap(&gap, dictionary)
        {
            text.push('；');
            text.push_str(&advice);
        }
        Some(text)
    }
}

fn say_interval(value: Interval, style: Style<'_>) -> String {
    if value.is_exact() {
        return say_number(value.low, style);
    }
    let end =
        |value: f64| if value.is_finite() { say_number(value, style) } else { "…".to_owned() };
    format!("{}–{}", end(value.low), end(value.high))
}

/// Says what would close a gap: `按营业收入4800万元计，研发费用再投入19.2万元`.
pub fn say_gap(gap: &Gap, dictionary: &Dictionary) -> Option<String> {
    let attribute = &dictionary.attributes().list[gap.attribute];
    let style = match attribute.attribute_type {
        AttributeType::Money => Style::Money,
        AttributeType::Int => Style::Count(attribute.unit.as_deref().unwrap_or("")),
        _ => return None,
    };
    // What is short by a fraction of a unit is short by a unit.
    let by = match style {
        Style::Money => (gap.by / 100.0).ceil() * 100.0,
        _ => gap.by.ceil(),
    };
    let gain = attribute.gain.as_ref().map_or("再增加", |gain| &gain.zh);
    let label = &attribute.label.zh;
    let by = say_number(by, style);
    Some(match gap.of {
        Some((of, value)) => {
            let of = &dictionary.attributes().list[of];
            let value = match of.attribute_type {
                AttributeType::Money => say_yuan(value),
                _ => say_number(value, Style::Count(of.unit.as_deref().unwrap_or(""))),
            };
            format!("按{}{value}计，{label}{gain}{by}", of.label.zh)
        }
        None => format!("{label}{gain}{by}"),
    })
}
