//! The inputs of a form, drawn from the fields of a kind, and what comes back from them.

use serde_json::{Map, Number, Value, json};

use crate::portal::text::{FormTexts, Lang};
use crate::record::validate::Violation;
use crate::record::{Field, FieldType, Fields, RecordKind, Role};

/// Choices up to this number are shown at once.
const CHOICES: usize = 16;
/// A vocabulary up to this size is a list to choose from; a larger one is typed, by name or code.
const LISTED: usize = 120;
/// Rows that a table of quantities begins with, and its most.
const ROWS: usize = 2;
const MAX_ROWS: usize = 30;
/// Yuan of one 万元, in which money is asked.
const WAN: f64 = 10_000.0;

/// One field of a form.
pub struct Input {
    pub name: String,
    pub label: String,
    pub help: Option<String>,
    pub required: bool,
    pub wrong: Option<String>,
    pub control: Control,
}

pub enum Control {
    Line { kind: &'static str, value: String, max: usize, unit: Option<String> },
    Area { value: String, max: usize },
    Select(Vec<Choice>),
    Checks(Vec<Choice>),
    Rows(Vec<Row>),
    Group(Vec<Input>),
}

pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
    /// How far below the top of a tree it stands.
    pub depth: usize,
}

impl Choice {
    /// The label as a line of a list that has no other way to show a tree.
    pub fn indented(&self) -> String {
        format!("{}{}", "　".repeat(self.depth), self.label)
    }
}

/// A row of a table of quantities.
pub struct Row {
    pub at: usize,
    pub name: String,
    pub operators: Vec<Choice>,
    pub value: String,
    pub unit: String,
}

/// What a person entered, by the names of the inputs.
pub struct Entered<'a>(pub &'a [(String, String)]);

impl Entered<'_> {
    pub fn one(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, value)| found == name && !value.trim().is_empty());
        found.map_or("", |(_, value)| value.trim())
    }

    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        let found = self.0.iter().filter(move |(found, _)| found == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    fn num_rows(&self, name: &str) -> usize {
        let rows = self.0.iter().filter_map(|(found, _)| {
            let (at, _) = found.strip_prefix(name)?.strip_prefix('.')?.split_once('.')?;
            at.parse::<usize>().ok()
        });
        rows.max().map_or(0, |last| last.min(MAX_ROWS - 1) + 1)
    }
}

/// Draws the input of a field; `None` for types that people do not type.
pub fn draw(
    field: &Field,
    name: &str,
    entered: &Entered<'_>,
    wrong: &[Violation],
    more_rows: bool,
    lang: Lang,
) -> Option<Input> {
    let t = FormTexts::of(lang);
    let control = match field.field_type {
        FieldType::Text if field.multiple => {
            Control::Area { value: entered.one(name).to_owned(), max: field.max_length * 10 }
        }
        FieldType::Text if field.role != Some(Role::Title) && field.max_length > 200 => {
            Control::Area { value: entered.one(name).to_owned(), max: field.max_length }
        }
        FieldType::Term | FieldType::Tree if field.vocabulary.is_some() => {
            vocabulary(field, name, entered, t, lang)
        }
        FieldType::Text | FieldType::Code | FieldType::Term | FieldType::Tree => {
            line("text", name, entered, field.max_length.min(1_000))
        }
        FieldType::Url => line("url", name, entered, 500),
        FieldType::Date => line("date", name, entered, 10),
        FieldType::Money => with_unit(line("decimal", name, entered, 20), t.ten_thousand_yuan),
        FieldType::Integer | FieldType::Decimal => {
            let line = line("decimal", name, entered, 20);
            match &field.unit {
                Some(unit) => with_unit(line, (lang.texts().unit)(unit)),
                None => line,
            }
        }
        FieldType::Bool => {
            let choice = |value: &str, label: &str| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
                chosen: entered.one(name) == value,
                depth: 0,
            };
            let texts = lang.texts();
            Control::Select(vec![
                choice("", t.not_said),
                choice("true", texts.yes),
                choice("false", texts.no),
            ])
        }
        FieldType::Quantity => Control::Rows(rows(name, entered, more_rows, t)),
        FieldType::Object if !field.open => {
            let inner = field.fields.iter().filter_map(|inner| {
                draw(inner, &format!("{name}.{}", inner.name), entered, wrong, false, lang)
            });
            Control::Group(inner.collect())
        }
        FieldType::Object | FieldType::File | FieldType::Geo => return None,
    };
    let pointer = format!("/{}", name.replace('.', "/"));
    let is_here = |violation: &&Violation| {
        violation.pointer == pointer || violation.pointer.starts_with(&format!("{pointer}/"))
    };
    let is_group = matches!(control, Control::Group(_));
    Some(Input {
        name: name.to_owned(),
        label: lang.pick(&field.label).to_owned(),
        help: match (&field.help, &control) {
            (None, Control::Line { .. }) if field.multiple => Some(t.several.to_owned()),
            (help, _) => help.as_ref().map(|help| lang.pick(help).to_owned()),
        },
        required: field.required,
        wrong: wrong.iter().find(is_here).filter(|_| !is_group).map(|each| explain(each, lang)),
        control,
    })
}

fn line(kind: &'static str, name: &str, entered: &Entered<'_>, max: usize) -> Control {
    Control::Line { kind, value: entered.one(name).to_owned(), max, unit: None }
}

fn with_unit(control: Control, unit: &str) -> Control {
    match control {
        Control::Line { kind, value, max, .. } => {
            Control::Line { kind, value, max, unit: Some(unit.to_owned()) }
        }
        other => other,
    }
}

fn vocabulary(
    field: &Field,
    name: &str,
    entered: &Entered<'_>,
    t: &FormTexts,
    lang: Lang,
) -> Control {
    let Some(vocabulary) = &field.vocabulary else { return line("text", name, entered, 200) };
    let entries = &vocabulary.entries;
    if entries.len() > LISTED || field.multiple && entries.len() > CHOICES * 4 {
        return line("text", name, entered, 500);
    }
    let chosen: Vec<&str> = entered.all(name).collect();
    let choices = entries.iter().map(|entry| {
        let depth = vocabulary.path(&entry.code).count().saturating_sub(1);
        Choice {
            value: entry.code.clone(),
            label: lang.pick(&entry.label).to_owned(),
            chosen: chosen.contains(&entry.code.as_str()),
            depth,
        }
    });
    if field.multiple {
        return Control::Checks(choices.collect());
    }
    let none = Choice {
        value: String::new(),
        label: t.not_said.to_owned(),
        chosen: chosen.is_empty(),
        depth: 0,
    };
    Control::Select(std::iter::once(none).chain(choices).collect())
}

/// Operators of quantities: code and sign.
const OPERATORS: [(&str, &str); 6] =
    [("ge", "≥"), ("le", "≤"), ("eq", "="), ("gt", ">"), ("lt", "<"), ("approx", "≈")];

fn rows(name: &str, entered: &Entered<'_>, more: bool, t: &FormTexts) -> Vec<Row> {
    let num = (entered.num_rows(name).max(ROWS) + usize::from(more)).min(MAX_ROWS);
    let row = |at: usize| {
        let of = |member: &str| entered.one(&format!("{name}.{at}.{member}")).to_owned();
        let operator = of("operator");
        Row {
            at,
            name: of("name"),
            operators: OPERATORS
                .iter()
                .map(|(code, sign)| Choice {
                    value: (*code).to_owned(),
                    label: format!("{sign} {}", t.operator(code)),
                    chosen: operator == *code,
                    depth: 0,
                })
                .collect(),
            value: of("value"),
            unit: of("unit"),
        }
    };
    (0..num).map(row).collect()
}

/// Reads the fields of a form. What cannot be read as its type stays text, so that the check of records says why.
pub fn read(kind: &RecordKind, names: &[&str], entered: &Entered<'_>) -> Fields {
    let fields = names.iter().filter_map(|name| kind.field(name));
    fields
        .filter_map(|field| Some((field.name.clone(), value(field, &field.name, entered)?)))
        .collect()
}

fn value(field: &Field, name: &str, entered: &Entered<'_>) -> Option<Value> {
    match field.field_type {
        FieldType::Quantity => {
            let rows = (0..entered.num_rows(name)).filter_map(|at| quantity(name, at, entered));
            some_list(rows.collect())
        }
        FieldType::Object => {
            let members = field.fields.iter().filter_map(|inner| {
                let path = format!("{name}.{}", inner.name);
                Some((inner.name.clone(), value(inner, &path, entered)?))
            });
            let members: Map<String, Value> = members.collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        FieldType::Bool => match entered.one(name) {
            "" => None,
            text => Some(text.parse().map_or_else(|_| json!(text), Value::Bool)),
        },
        FieldType::Money => scaled(entered.one(name), WAN),
        FieldType::Integer | FieldType::Decimal => scaled(entered.one(name), 1.0),
        _ if field.multiple => {
            let separators: &[char] = match field.field_type {
                FieldType::Text => &['\n', '\r'],
                _ => &['、', ',', '，', ';', '；', '\n', '\r'],
            };
            let values = entered.all(name).flat_map(|text| text.split(separators));
            let values = values.map(str::trim).filter(|text| !text.is_empty());
            some_list(values.map(|text| json!(text)).collect())
        }
        _ => Some(entered.one(name)).filter(|text| !text.is_empty()).map(|text| json!(text)),
    }
}

fn some_list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

/// Reads a number, multiplied; whole ones as whole numbers.
fn scaled(text: &str, by: f64) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let plain: String = text.chars().filter(|ch| !matches!(ch, ',' | '，' | ' ')).collect();
    let Some(number) = plain.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return Some(json!(text));
    };
    let number = (number * by * 1e6).round() / 1e6;
    Some(if number.fract() == 0.0 && number.abs() < 9e15 {
        json!(number as i64)
    } else {
        Number::from_f64(number).map_or_else(|| json!(text), Value::Number)
    })
}

fn quantity(name: &str, at: usize, entered: &Entered<'_>) -> Option<Value> {
    let of = |member: &str| entered.one(&format!("{name}.{at}.{member}")).to_owned();
    let (label, value, unit) = (of("name"), of("value"), of("unit"));
    if label.is_empty() && value.is_empty() {
        return None;
    }
    let mut row = Map::new();
    for (member, text) in [("name", label), ("unit", unit), ("operator", of("operator"))] {
        if !text.is_empty() {
            row.insert(member.to_owned(), json!(text));
        }
    }
    row.extend(scaled(&value, 1.0).map(|value| ("value".to_owned(), value)));
    Some(Value::Object(row))
}

/// Says in the language of the page what is wrong.
pub fn explain(violation: &Violation, lang: Lang) -> String {
    let t = FormTexts::of(lang);
    let known = match violation.code {
        "required" => t.wrong_required,
        "not_in_vocabulary" => t.wrong_value,
        "too_long" => t.wrong_long,
        "too_many" => t.wrong_many,
        "too_small" | "too_large" => t.wrong_range,
        "bad_date" => t.wrong_date,
        "bad_url" => t.wrong_url,
        "bad_quantity" => t.wrong_quantity,
        "wrong_type" => t.wrong_number,
        _ => t.wrong_other,
    };
    match lang {
        Lang::En => format!("{known} ({})", violation.expected),
        Lang::Zh => known.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn reads_numbers_as_people_write_them() {
        for (text, by, expected) in [
            ("600", WAN, json!(6_000_000)),
            ("0.5", WAN, json!(5_000)),
            ("1,200.55", WAN, json!(12_005_500)),
            ("3.25", 1.0, json!(3.25)),
            ("many", WAN, json!("many")),
            ("1e999", WAN, json!("1e999")),
        ] {
            assert_eq!(scaled(text, by), Some(expected), "{text}");
        }
        assert_eq!(scaled("", WAN), None);
    }

    #[test]
    fn reads_rows_of_quantities() {
        let pairs = entered(&[
            ("q.0.name", "脱盐率"),
            ("q.0.operator", "ge"),
            ("q.0.value", "99.8"),
            ("q.0.unit", "%"),
            ("q.1.operator", "ge"),
            ("q.99999999999.value", "1"),
            ("q.x.value", "1"),
        ]);
        let entered = Entered(&pairs);
        assert_eq!(entered.num_rows("q"), MAX_ROWS);
        assert_eq!(
            quantity("q", 0, &entered),
            Some(json!({"name": "脱盐率", "operator": "ge", "value": 99.8, "unit": "%"}))
        );
        assert_eq!(quantity("q", 1, &entered), None);
    }
}
