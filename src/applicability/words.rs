//! Values, bounds and distances as people read them, and as programs do.

use serde_json::{Value, json};

use super::Verdict;
use super::condition::{Check, Compare, Detail, Need, Subject, Test, absolute};
use super::dictionary::Dictionary;
use super::expression::{Expression, Facts, Operator};
use super::near::{Divisor, Gap};
use super::profile::{Holding, Profile};
use super::reader::print_span;
use super::value::{Interval, Moment, months_between, print_day};
use crate::record::attribute::{Attribute, AttributeType};
use crate::record::value::grouped;
use crate::record::{Lang, Vocabulary};

/// How numbers are written.
#[derive(Clone, Copy)]
pub enum Style<'a> {
    Money,
    Percent,
    Count(&'a str),
    Plain,
}

impl<'a> Style<'a> {
    pub fn of(attribute: &'a Attribute) -> Self {
        match attribute.attribute_type {
            AttributeType::Money => Self::Money,
            AttributeType::Ratio => Self::Percent,
            _ => Self::Count(attribute.unit.as_deref().unwrap_or("")),
        }
    }
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
pub fn say_need(need: &Need, dictionary: &Dictionary, moment: Moment, lang: Lang) -> String {
    let attribute = &dictionary.attributes().list[need.attribute];
    let label = lang.pick(&attribute.label);
    match need.detail {
        Detail::Whole => label.to_owned(),
        Detail::Years(from, to) => of_years(label, Some((from, to)), moment, lang),
        Detail::Code(code) => {
            let known = attribute.vocabulary.as_deref();
            let name = known.map_or("", |known| lang.pick(&known.entries[code as usize].label));
            match lang {
                Lang::Zh => format!("是否有“{name}”"),
                Lang::En => format!("whether it has \"{name}\""),
            }
        }
    }
}

/// A label with the years that it is asked of: `2025年研发费用`, `R&D expense 2025`.
fn of_years(label: &str, years: Option<(i8, i8)>, moment: Moment, lang: Lang) -> String {
    let Some((from, to)) = absolute(years, moment) else { return label.to_owned() };
    match lang {
        Lang::Zh if from == to => format!("{from}年{label}"),
        Lang::Zh => format!("{from}—{to}年{label}"),
        Lang::En if from == to => format!("{label} {from}"),
        Lang::En => format!("{label} {from}–{to}"),
    }
}

fn code_of(vocabulary: &Vocabulary, code: u32) -> &str {
    &vocabulary.entries[code as usize].code
}

/// Prints a sum of yuan: `4,800万元`, `¥48,000,000`.
pub fn say_yuan(yuan: f64, lang: Lang) -> String {
    let sign = if yuan < 0.0 { "−" } else { "" };
    let size = yuan.abs();
    let print = |size: f64, most: usize| grouped(&decimals(size, most));
    match lang {
        Lang::En => format!("{sign}¥{}", print(size, 2)),
        Lang::Zh if size >= 1e8 => format!("{sign}{}亿元", print(size / 1e8, 4)),
        Lang::Zh if size >= 1e4 => format!("{sign}{}万元", print(size / 1e4, 2)),
        Lang::Zh => format!("{sign}{}元", print(size, 2)),
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

fn say_number(value: f64, style: Style<'_>, lang: Lang) -> String {
    match style {
        Style::Money => say_yuan(value, lang),
        Style::Percent => format!("{}%", decimals(value * 100.0, 2)),
        // A month of the calendar is 月, a number of months counts in 个月.
        Style::Count("月") if lang == Lang::Zh => format!("{}个月", decimals(value, 2)),
        Style::Count(unit) if lang == Lang::Zh => format!("{}{unit}", decimals(value, 2)),
        Style::Count(_) => decimals(value, 2),
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
            Some(attribute) => Style::of(attribute),
            None if matches!(expression, Expression::Binary(Operator::Over, ..))
                && self.lower_bound().is_none_or(|bound| bound <= 1.0) =>
            {
                Style::Percent
            }
            None => Style::Plain,
        }
    }

    /// What people call the value that is tested.
    pub fn label(&self, dictionary: &Dictionary, moment: Moment, lang: Lang) -> String {
        if let Some(show) = &self.show {
            return show.clone();
        }
        let label = |at: usize| lang.pick(&dictionary.attributes().list[at].label);
        match &self.subject {
            Subject::Number { attribute: Some(at), text, .. } => {
                let years = text.split_once('[').and_then(|(_, years)| {
                    super::expression::parse_years(years.trim_end_matches(']'))
                });
                of_years(label(*at), years, moment, lang)
            }
            Subject::Number { text, .. } => text.clone(),
            Subject::Date(at) | Subject::Codes(at) => label(*at).to_owned(),
            Subject::Flag { attribute, years } => of_years(label(*attribute), *years, moment, lang),
            Subject::Code { attribute, year } => {
                of_years(label(*attribute), year.map(|year| (year, year)), moment, lang)
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
                let paths = profile.codes(*attribute, year);
                let Some(known) = vocabulary(*attribute) else { return Value::Null };
                let own = paths.iter().filter_map(|path| path.first());
                match own.map(|own| code_of(known, *own)).collect::<Vec<_>>()[..] {
                    [] => Value::Null,
                    [code] => json!(code),
                    ref several => json!(several),
                }
            }
            Subject::Codes(attribute) => {
                let (Test::Has { codes, .. }, Some(known)) = (&self.test, vocabulary(*attribute))
                else {
                    return Value::Null;
                };
                let say = |entry: &Holding| {
                    let day = |day: Option<i32>| day.map(print_day).unwrap_or_default();
                    let code = code_of(known, entry.code);
                    match (entry.from, entry.to) {
                        (None, None) => code.to_owned(),
                        (from, to) => format!("{code} {}~{}", day(from), day(to)),
                    }
                };
                let held: Vec<String> = held(profile, *attribute, codes).map(say).collect();
                if held.is_empty() { Value::Null } else { json!(held.join("; ")) }
            }
        }
    }

    /// What the profile has, in words; `None` when it does not say.
    pub fn say_have(
        &self,
        profile: &Profile,
        moment: Moment,
        dictionary: &Dictionary,
        lang: Lang,
    ) -> Option<String> {
        let label = |at: usize, code: u32| {
            let vocabulary = dictionary.attributes().list[at].vocabulary.as_deref()?;
            Some(lang.pick(&vocabulary.entries[code as usize].label))
        };
        let (or, and) = match lang {
            Lang::Zh => ("或", "、"),
            Lang::En => (" or ", ", "),
        };
        match &self.subject {
            Subject::Number { expression, .. } => {
                let value = expression.value(profile, moment)?;
                Some(say_interval(value, self.style(dictionary), lang))
            }
            Subject::Date(at) => profile.day(*at).map(print_day),
            Subject::Flag { attribute, years } => {
                let flag = profile.flag(*attribute, absolute(*years, moment))?;
                let said = match lang {
                    Lang::Zh => ["否", "是"],
                    Lang::En => ["no", "yes"],
                };
                Some(said[usize::from(flag)].to_owned())
            }
            Subject::Code { attribute, year } => {
                let year = year.map(|year| moment.year() + i32::from(year));
                let paths = profile.codes(*attribute, year).iter();
                let said: Vec<&str> =
                    paths.filter_map(|path| label(*attribute, *path.first()?)).collect();
                (!said.is_empty()).then(|| said.join(or))
            }
            Subject::Codes(attribute) => {
                let Test::Has { codes, .. } = &self.test else { return None };
                let say = |entry: &Holding| {
                    let label = label(*attribute, entry.code)?;
                    let (from, to) = (entry.from.map(print_day), entry.to.map(print_day));
                    Some(match (from, to, lang) {
                        (None, None, _) => label.to_owned(),
                        (Some(from), None, Lang::Zh) => format!("{label}（{from}起）"),
                        (None, Some(to), Lang::Zh) => format!("{label}（至{to}）"),
                        (Some(from), Some(to), Lang::Zh) => format!("{label}（{from}至{to}）"),
                        (Some(from), None, Lang::En) => format!("{label} (from {from})"),
                        (None, Some(to), Lang::En) => format!("{label} (until {to})"),
                        (Some(from), Some(to), Lang::En) => format!("{label} ({from} to {to})"),
                    })
                };
                let said: Vec<String> = held(profile, *attribute, codes).filter_map(say).collect();
                (!said.is_empty()).then(|| said.join(and))
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
        lang: Lang,
    ) -> Option<String> {
        let verdict = self.verdict(profile, moment);
        if !verdict.is_decided() {
            return None;
        }
        let fails = verdict == Verdict::Fail;
        let label = self.label(dictionary, moment, lang);
        if let (Subject::Date(at), Test::MonthsAtLeast(months)) = (&self.subject, &self.test) {
            let passed = months_between(profile.day(*at)?, moment.as_of);
            return Some(match (fails, lang) {
                (true, Lang::Zh) => format!("至今{passed}个月，还需{}个月", months - passed),
                (false, Lang::Zh) => format!("至今{passed}个月，要求{months}个月"),
                (true, Lang::En) => {
                    format!("{passed} months so far, {} more needed", months - passed)
                }
                (false, Lang::En) => format!("{passed} months so far, {months} needed"),
            });
        }
        let Subject::Number { expression, .. } = &self.subject else { return None };
        let value = expression.value(profile, moment)?;
        let style = self.style(dictionary);
        let (bound, compare) = match self.test {
            Test::Number { compare, bound } => (bound, compare),
            Test::Between { low, .. } if value.low < low => (low, Compare::AtLeast),
            Test::Between { high, .. } => (high, Compare::AtMost),
            _ => return None,
        };
        let below = matches!(compare, Compare::AtMost | Compare::Below);
        let shown = say_interval(value, style, lang);
        let end = if below { value.high } else { value.low };
        let distance = (end - bound).abs();
        let distance = match (style, lang) {
            (Style::Percent, Lang::Zh) => format!("{}个百分点", decimals(distance * 100.0, 2)),
            (Style::Percent, Lang::En) => {
                format!("{} percentage points", decimals(distance * 100.0, 2))
            }
            (style, lang) => say_number(distance, style, lang),
        };
        let asked = say_number(bound, style, lang);
        let mut text = match lang {
            Lang::Zh => {
                let sign = match compare {
                    Compare::AtLeast => "不低于",
                    Compare::Above => "高于",
                    Compare::AtMost => "不高于",
                    Compare::Below => "低于",
                };
                let way = match (below, fails) {
                    (false, true) => "还差",
                    (false, false) => "高出",
                    (true, true) => "超出",
                    (true, false) => "低",
                };
                format!("{label}{shown}，要求{sign}{asked}，{way}{distance}")
            }
            Lang::En => {
                let sign = match compare {
                    Compare::AtLeast => "at least",
                    Compare::Above => "more than",
                    Compare::AtMost => "at most",
                    Compare::Below => "less than",
                };
                let way = match (below, fails) {
                    (false, true) => "short by",
                    (true, false) => "below it by",
                    _ => "above it by",
                };
                format!("{label}: {shown}, {sign} {asked} wanted, {way} {distance}")
            }
        };
        if fails
            && let Some(gap) = self.gap(profile, moment).filter(|gap| gap.by > 0.0)
            && let Some(advice) = say_gap(&gap, moment, dictionary, lang)
        {
            text.push_str(if lang == Lang::Zh { "；" } else { "; " });
            text.push_str(&advice);
        }
        Some(text)
    }
}

/// What the profile holds, or held, of some codes of a set.
fn held<'a>(
    profile: &'a Profile,
    attribute: usize,
    codes: &'a [u32],
) -> impl Iterator<Item = &'a Holding> {
    let entries = codes.iter().flat_map(move |&code| profile.holdings(attribute, code));
    entries.filter(|entry| entry.held)
}

/// Prints a number, or its bounds: `4,800万元`, `20人–30人`, `2,000万元以上`.
pub fn say_interval(value: Interval, style: Style<'_>, lang: Lang) -> String {
    let say = |value: f64| say_number(value, style, lang);
    match (value.low.is_finite(), value.high.is_finite(), lang) {
        _ if value.is_exact() => say(value.low),
        (true, false, Lang::Zh) => format!("{}以上", say(value.low)),
        (true, false, Lang::En) => format!("{} or more", say(value.low)),
        (false, true, Lang::Zh) => format!("{}以下", say(value.high)),
        (false, true, Lang::En) => format!("{} or less", say(value.high)),
        (true, true, _) => format!("{}–{}", say(value.low), say(value.high)),
        (false, false, _) => "…".to_owned(),
    }
}

/// Says what would close a gap: `按营业收入4,800万元计，研发费用再投入19.2万元`.
pub fn say_gap(gap: &Gap, moment: Moment, dictionary: &Dictionary, lang: Lang) -> Option<String> {
    let attribute = &dictionary.attributes().list[gap.attribute];
    if !matches!(attribute.attribute_type, AttributeType::Money | AttributeType::Int) {
        return None;
    }
    let style = Style::of(attribute);
    // What is short by a fraction of a unit is short by a unit.
    let by = match style {
        Style::Money => (gap.by / 100.0).ceil() * 100.0,
        _ => gap.by.ceil(),
    };
    let gain = attribute.gain.as_ref().map(|gain| lang.pick(gain));
    let label = lang.pick(&attribute.label);
    let by = say_number(by, style, lang);
    let advice = match lang {
        Lang::Zh => format!("{label}{}{by}", gain.unwrap_or("再增加")),
        Lang::En => format!("{label}: {} {by}", gain.unwrap_or("another")),
    };
    let Some(Divisor { attribute: of, years, value }) = gap.of else { return Some(advice) };
    let of = &dictionary.attributes().list[of];
    let value = say_number(value, Style::of(of), lang);
    // Of one year it goes without saying which.
    let years = years.filter(|(from, to)| from < to);
    Some(match lang {
        Lang::Zh => format!("按{}{value}计，{advice}", of_years(&of.label.zh, years, moment, lang)),
        Lang::En => {
            let label = of_years(&of.label.en.to_lowercase(), years, moment, lang);
            format!("at a {label} of {value}, {advice}")
        }
    })
}
