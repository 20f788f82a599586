//! The questions of the check, drawn from the declared attributes, and the profile that their answers make.

use serde_json::{Map, Value, json};

use crate::portal::form::input::Choice;
use crate::portal::text::{CheckTexts, FormTexts, Lang};
use crate::record::attribute::{Attribute, AttributePeriod, AttributeType, Attributes};

/// Past years that are asked of what is told by year.
const YEARS: i32 = 3;
/// Questions that begin open: the others can wait until they decide something.
const OPEN: usize = 4;
/// A vocabulary up to this size is a list to choose from.
const LISTED: usize = 64;

/// Attributes that are asked together.
pub struct Question {
    pub label: String,
    pub open: bool,
    pub asked: Vec<Asked>,
}

pub struct Asked {
    pub id: String,
    pub label: String,
    pub answer: Answer,
    pub unit: Option<String>,
}

pub enum Answer {
    /// Type of the input and its value.
    Line(&'static str, String),
    Select(Vec<Choice>),
    Checks(Vec<Choice>),
    /// One number a year: name of the input, year, value.
    Years(Vec<(String, i32, String)>),
}

type Pairs = [(String, String)];

fn one<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    let found = pairs.iter().find(|(found, value)| found == name && !value.trim().is_empty());
    found.map_or("", |(_, value)| value.trim())
}

/// The years that are asked of what is told by year: the past ones, and any that were filled in under another day.
fn years(id: &str, pairs: &Pairs, year: i32) -> Vec<i32> {
    let filled = pairs.iter().filter(|(_, value)| !value.trim().is_empty());
    let filled = filled.filter_map(|(name, _)| name.strip_prefix(id)?.strip_prefix('.'));
    let filled = filled.filter(|year| year.len() == 4).filter_map(|year| year.parse().ok());
    let mut years: Vec<i32> = (1..=YEARS).map(|back| year - back).chain(filled).collect();
    years.sort_unstable_by(|left, right| right.cmp(left));
    years.dedup();
    years
}

/// Draws the questions. `year` is that of the day that is asked for.
pub fn questions(attributes: &Attributes, pairs: &Pairs, year: i32, lang: Lang) -> Vec<Question> {
    let questions = attributes.questions.iter().enumerate().map(|(at, question)| {
        let asked = question.attributes.iter();
        let asked: Vec<Asked> =
            asked.map(|&at| ask(&attributes.list[at], pairs, year, lang)).collect();
        let answered = asked.iter().any(|asked| is_answered(&asked.answer));
        Question {
            label: lang.pick(&question.label).to_owned(),
            open: at < OPEN || answered,
            asked,
        }
    });
    questions.collect()
}

fn is_answered(answer: &Answer) -> bool {
    match answer {
        Answer::Line(_, value) => !value.is_empty(),
        Answer::Select(choices) | Answer::Checks(choices) => {
            choices.iter().any(|choice| choice.chosen && !choice.value.is_empty())
        }
        Answer::Years(years) => years.iter().any(|(_, _, value)| !value.is_empty()),
    }
}

fn ask(attribute: &Attribute, pairs: &Pairs, year: i32, lang: Lang) -> Asked {
    let id: &str = &attribute.id;
    let value = one(pairs, id);
    let none = |chosen: bool| Choice {
        value: String::new(),
        label: FormTexts::of(lang).not_said.to_owned(),
        chosen,
        depth: 0,
    };
    let listed = attribute.vocabulary.as_ref().filter(|each| each.entries.len() <= LISTED);
    let answer = match (attribute.attribute_type, listed) {
        (AttributeType::Bool, _) => {
            let texts = lang.texts();
            let choice = |code: &str, label: &str| Choice {
                value: code.to_owned(),
                label: label.to_owned(),
                chosen: value == code,
                depth: 0,
            };
            Answer::Select(vec![
                none(value.is_empty()),
                choice("true", texts.yes),
                choice("false", texts.no),
            ])
        }
        (AttributeType::Code | AttributeType::CodeSet, Some(vocabulary)) => {
            let chosen: Vec<&str> =
                pairs.iter().filter(|(name, _)| name == id).map(|(_, code)| &**code).collect();
            let choices = vocabulary.entries.iter().map(|entry| Choice {
                value: entry.code.clone(),
                label: lang.pick(&entry.label).to_owned(),
                chosen: chosen.contains(&&*entry.code),
                depth: 0,
            });
            match attribute.attribute_type {
                AttributeType::CodeSet => Answer::Checks(choices.collect()),
                _ => {
                    Answer::Select(std::iter::once(none(value.is_empty())).chain(choices).collect())
                }
            }
        }
        (AttributeType::Date, _) => Answer::Line("date", value.to_owned()),
        (kind, _) if kind.is_number() && attribute.period != AttributePeriod::Point => {
            let years = years(id, pairs, year).into_iter().map(|year| {
                let name = format!("{id}.{year}");
                let value = one(pairs, &name).to_owned();
                (name, year, value)
            });
            Answer::Years(years.collect())
        }
        (kind, _) if kind.is_number() => Answer::Line("decimal", value.to_owned()),
        _ => Answer::Line("text", value.to_owned()),
    };
    let t = CheckTexts::of(lang);
    Asked {
        id: id.to_owned(),
        label: lang.pick(&attribute.label).to_owned(),
        answer,
        unit: match attribute.attribute_type {
            AttributeType::Money => Some(t.ten_thousand_yuan.to_owned()),
            AttributeType::Ratio => Some("%".to_owned()),
            AttributeType::Int => {
                attribute.unit.as_deref().map(|unit| (lang.texts().unit)(unit).to_owned())
            }
            _ => None,
        },
    }
}

/// Reads the profile. What cannot be read as its type stays text, so that the check says what is wrong.
pub fn read(attributes: &Attributes, pairs: &Pairs, year: i32) -> Map<String, Value> {
    let mut profile = Map::new();
    let asked = attributes.questions.iter().flat_map(|question| &question.attributes);
    for &at in asked {
        let attribute = &attributes.list[at];
        profile
            .extend(value(attribute, pairs, year).map(|value| (attribute.id.to_string(), value)));
    }
    profile
}

fn value(attribute: &Attribute, pairs: &Pairs, year: i32) -> Option<Value> {
    let id: &str = &attribute.id;
    let by_year = attribute.period != AttributePeriod::Point;
    if attribute.attribute_type == AttributeType::CodeSet {
        let codes = pairs.iter().filter(|(name, code)| name == id && !code.is_empty());
        let codes = codes.flat_map(|(_, code)| code.split(['、', ',', '，']));
        let codes: Vec<Value> = codes.map(|code| json!({ "code": code.trim() })).collect();
        return (!codes.is_empty()).then_some(Value::Array(codes));
    }
    if by_year && attribute.attribute_type.is_number() {
        let years = years(id, pairs, year).into_iter().filter_map(|year| {
            Some((year.to_string(), number(attribute, one(pairs, &format!("{id}.{year}")))?))
        });
        let years: Map<String, Value> = years.collect();
        return (!years.is_empty()).then_some(Value::Object(years));
    }
    let text = one(pairs, id);
    if text.is_empty() {
        return None;
    }
    let value = match attribute.attribute_type {
        AttributeType::Bool => match text {
            "true" => json!(true),
            "false" => json!(false),
            other => json!(other),
        },
        kind if kind.is_number() => return number(attribute, text),
        _ => json!(text),
    };
    // What is asked of a span of years is asked once, for all of them.
    if by_year {
        let years = (0..=YEARS).map(|back| ((year - back).to_string(), value.clone()));
        return Some(Value::Object(years.collect()));
    }
    Some(value)
}

/// Money is asked in 万元 and shares in per cent.
fn number(attribute: &Attribute, text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let plain: String = text.chars().filter(|ch| !matches!(ch, ',' | '，' | ' ')).collect();
    let Some(number) = plain.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return Some(json!(text));
    };
    Some(match attribute.attribute_type {
        AttributeType::Money => json!((number * 10_000.0).round() as i64),
        AttributeType::Ratio => json!(number / 100.0),
        _ if number.fract() == 0.0 => json!(number as i64),
        _ => json!(number),
    })
}
