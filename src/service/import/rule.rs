//! How one value of somebody else's row becomes a value of ours.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Number, Value};

use super::map::Tally;
use crate::record::{Field, FieldType, Fields, Vocabulary};

/// Characters that a title made of first words has, unless the map says otherwise.
pub const FIRST_WORDS: usize = 30;

/// Where a value comes from and how it is changed, in the order of the members.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The value itself; nothing else counts then.
    pub constant: Option<Value>,
    /// Their members; the first that has something.
    pub from: Vec<String>,
    /// Values that mean nothing.
    pub drop_if: Vec<String>,
    /// Their value -> ours; an empty text leaves it out on purpose.
    pub values: BTreeMap<String, Value>,
    /// Each of these ends a value.
    pub split: Vec<String>,
    /// Several values stand together without a separator.
    pub run_together: bool,
    /// Separates a value's levels, the widest first.
    pub levels: Option<String>,
    /// Labels become codes.
    pub vocabulary: bool,
    /// How dates are written.
    pub date: Vec<String>,
    /// Which end of a range.
    pub amount: Option<End>,
    /// Numbers are multiplied by it.
    pub times: Option<f64>,
    pub default: Option<Value>,
    /// A text whose beginning stands in for a missing value, and the most characters of it.
    pub first_words_of: Option<(String, usize)>,
    /// Label -> code, for values that run together.
    pub labels: HashMap<String, String>,
}

/// An end of a range such as 100万元-200万元.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    First,
    Last,
}

/// A text that could not be read as a value of the field.
struct Unreadable;

impl Rule {
    pub fn from_field(name: &str) -> Self {
        Self { from: vec![name.to_owned()], ..Self::default() }
    }

    /// The rule of a cell in a column that has the field's own name.
    pub fn of_cell(field: &Field, separators: &[String]) -> Self {
        let split = if field.multiple { separators.to_vec() } else { Vec::new() };
        Self { split, vocabulary: field.vocabulary.is_some(), ..Self::from_field(&field.name) }
    }

    /// Names in their rows that the rule reads.
    pub fn sources(&self) -> impl Iterator<Item = String> + '_ {
        self.from.iter().chain(self.first_words_of.iter().map(|(name, _)| name)).cloned()
    }

    /// The value as a plain text, for ids.
    pub fn text(&self, row: &Fields) -> Option<String> {
        if let Some(constant) = &self.constant {
            return text_of(constant);
        }
        self.from.iter().find_map(|name| text_of(look_up(row, name)?))
    }

    /// Makes the field's value; `None` when the row has nothing for it.
    ///
    /// What cannot be read is counted and left out, or stays as it is when `keep` is set.
    pub fn value(
        &self,
        row: &Fields,
        field: &Field,
        keep: bool,
        tally: &mut Tally,
    ) -> Option<Value> {
        if let Some(constant) = &self.constant {
            return Some(constant.clone());
        }
        let found = self.from.iter().find_map(|name| {
            let value = look_up(row, name)?;
            (!self.is_nothing(value)).then_some(value)
        });
        let mut made = Vec::new();
        if let Some(found) = found {
            self.convert(found, field, keep, tally, &mut made);
        }
        let joined = match made.len() {
            0 => None,
            _ if field.multiple => {
                let mut distinct: Vec<Value> = Vec::new();
                for value in made {
                    if !distinct.contains(&value) {
                        distinct.push(value);
                    }
                }
                Some(Value::Array(distinct))
            }
            1 => made.pop(),
            _ if field.vocabulary.is_none() && made.iter().all(Value::is_string) => {
                let texts: Vec<&str> = made.iter().filter_map(Value::as_str).collect();
                Some(texts.join("、").into())
            }
            _ => {
                for other in &made[1..] {
                    tally.add(&field.path, &format!("{} (a second value)", shown(other)));
                }
                made.into_iter().next()
            }
        };
        joined.or_else(|| self.default.clone()).or_else(|| self.first_words(row, field))
    }

    fn first_words(&self, row: &Fields, field: &Field) -> Option<Value> {
        let (name, length) = self.first_words_of.as_ref()?;
        let text = text_of(look_up(row, name)?)?;
        let words = first_words(&text, *length);
        if words.is_empty() {
            return None;
        }
        let words = Value::String(words);
        Some(if field.multiple { Value::Array(vec![words]) } else { words })
    }

    fn is_nothing(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().all(|item| self.is_nothing(item)),
            Value::String(text) => {
                let text = text.trim();
                text.is_empty() || self.drop_if.iter().any(|drop| drop == text)
            }
            _ => false,
        }
    }

    fn convert(
        &self,
        found: &Value,
        field: &Field,
        keep: bool,
        tally: &mut Tally,
        made: &mut Vec<Value>,
    ) {
        match found {
            Value::Array(items) => {
                for item in items.iter().filter(|item| !self.is_nothing(item)) {
                    self.convert(item, field, keep, tally, made);
                }
            }
            Value::String(text) => {
                if self.take_known(text.trim(), made) {
                    return;
                }
                if self.run_together {
                    self.cut_apart(text, field, tally, made);
                    return;
                }
                for piece in pieces(text, &self.split) {
                    if self.drop_if.contains(&piece) || self.take_known(&piece, made) {
                        continue;
                    }
                    match self.read(&piece, field, tally) {
                        Ok(value) => made.push(value),
                        Err(Unreadable) if keep => made.push(piece.into()),
                        Err(Unreadable) => tally.add(&field.path, &piece),
                    }
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.take_known(&text, made) {
                    return;
                }
                match (self.times, number.as_f64()) {
                    (Some(times), Some(value)) => made.extend(self.number(value * times, field)),
                    _ if is_text(field) => made.push(text.into()),
                    _ => made.push(found.clone()),
                }
            }
            Value::Bool(flag) => {
                if !self.take_known(&flag.to_string(), made) {
                    made.push(found.clone());
                }
            }
            // An object of theirs fits where ours is one; checking the record tells.
            Value::Object(_) => made.push(found.clone()),
            Value::Null => {}
        }
    }

    /// Takes what the map says a value is; tells whether it says something.
    fn take_known(&self, text: &str, made: &mut Vec<Value>) -> bool {
        match self.values.get(text) {
            None => return false,
            Some(Value::Array(several)) => made.extend(several.iter().cloned()),
            Some(Value::String(nothing)) if nothing.is_empty() => {}
            Some(value) => made.push(value.clone()),
        }
        true
    }

    fn read(&self, text: &str, field: &Field, tally: &mut Tally) -> Result<Value, Unreadable> {
        match field.field_type {
            FieldType::Date => self.date(text).map(Value::String).ok_or(Unreadable),
            FieldType::Money | FieldType::Integer | FieldType::Decimal => {
                let amount = self.amount(text, field).ok_or(Unreadable)?;
                self.number(amount, field).ok_or(Unreadable)
            }
            FieldType::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "是" => Ok(true.into()),
                "false" | "0" | "no" | "否" => Ok(false.into()),
                _ => Err(Unreadable),
            },
            FieldType::Object | FieldType::Geo | FieldType::Quantity | FieldType::File => {
                serde_json::from_str(text).map_err(|_| Unreadable)
            }
            _ => match field.vocabulary.as_deref().filter(|_| self.vocabulary) {
                Some(vocabulary) => {
                    self.code(text, field, vocabulary, tally).map(Value::String).ok_or(Unreadable)
                }
                None => Ok(text.into()),
            },
        }
    }

    /// Finds the code of a label, or of the last known level of a label with levels.
    fn code(
        &self,
        text: &str,
        field: &Field,
        vocabulary: &Vocabulary,
        tally: &mut Tally,
    ) -> Option<String> {
        let Some(separator) = &self.levels else {
            return code_of(vocabulary, text);
        };
        let mut reached: Option<String> = None;
        for level in text.split(separator.as_str()).map(str::trim) {
            let found = match self.values.get(level) {
                Some(Value::String(code)) if code.is_empty() => continue,
                Some(Value::String(code)) => Some(code.clone()),
                _ => below(vocabulary, reached.as_deref(), level)
                    .or_else(|| code_of(vocabulary, level)),
            };
            match found {
                Some(code) => reached = Some(code),
                // The level above still says something.
                None if reached.is_some() => {
                    tally.add(&field.path, text);
                    break;
                }
                None => return None,
            }
        }
        reached
    }

    /// Cuts a text into the longest known labels; what is left between them is unknown.
    fn cut_apart(&self, text: &str, field: &Field, tally: &mut Tally, made: &mut Vec<Value>) {
        let longest = self.labels.keys().chain(self.values.keys()).map(String::len).max();
        let mut unknown = String::new();
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            let ends = rest.char_indices().map(|(at, ch)| at + ch.len_utf8());
            let ends: Vec<usize> = ends.take_while(|end| Some(*end) <= longest).collect();
            let known = ends.into_iter().rev().find(|end| {
                self.values.contains_key(&rest[..*end]) || self.labels.contains_key(&rest[..*end])
            });
            let Some(end) = known else {
                unknown.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            tally_left(&mut unknown, field, tally);
            if !self.take_known(&rest[..end], made)
                && let Some(code) = self.labels.get(&rest[..end])
            {
                made.push(code.as_str().into());
            }
            rest = &rest[end..];
        }
        tally_left(&mut unknown, field, tally);
    }

    fn date(&self, text: &str) -> Option<String> {
        let written = |format: &String| jiff::civil::Date::strptime(format, text).ok();
        let date = self.date.iter().find_map(written).or_else(|| {
            // An instant begins with its date.
            let day = text.get(..10)?;
            let rest = text[10..].chars().next();
            let is_day = rest.is_none_or(|ch| ch == 'T' || ch == ' ');
            jiff::civil::Date::strptime("%Y-%m-%d", day).ok().filter(|_| is_day)
        })?;
        Some(date.to_string())
    }

    /// Reads a number, with a unit of money where the field is one.
    fn amount(&self, text: &str, field: &Field) -> Option<f64> {
        let times = self.times.unwrap_or(1.0);
        if let Ok(number) = text.replace([',', '，'], "").parse::<f64>() {
            return Some(number * times);
        }
        if field.field_type != FieldType::Money {
            return None;
        }
        let amounts = amounts(text)?;
        match (self.amount, amounts.as_slice()) {
            (_, [only]) => Some(*only),
            (Some(End::First), [first, ..]) => Some(*first),
            (Some(End::Last), [.., last]) => Some(*last),
            _ => None,
        }
    }

    fn number(&self, value: f64, field: &Field) -> Option<Value> {
        if field.field_type == FieldType::Decimal {
            return Number::from_f64(value).map(Value::Number);
        }
        let whole = value.round();
        let is_whole = field.field_type == FieldType::Money || (value - whole).abs() < 1e-9;
        // Above 2^53 a float no longer tells whole numbers apart.
        (is_whole && whole.abs() < 9_007_199_254_740_992.0).then(|| Value::from(whole as i64))
    }
}

fn tally_left(unknown: &mut String, field: &Field, tally: &mut Tally) {
    let left = std::mem::take(unknown);
    let left = left.trim_matches(|ch: char| ch.is_whitespace() || ",，;；、/|".contains(ch));
    if !left.is_empty() {
        tally.add(&field.path, left);
    }
}

/// Finds a member; `a.b` is `b` of `a` where there is no member of that whole name.
fn look_up<'a>(row: &'a Fields, name: &str) -> Option<&'a Value> {
    if let Some(value) = row.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    let mut value = row.get(first)?;
    for part in rest.split('.') {
        value = value.get(part)?;
    }
    Some(value)
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_text(field: &Field) -> bool {
    use FieldType::{Code, Term, Text, Tree, Url};
    matches!(field.field_type, Text | Code | Term | Tree | Url)
}

/// Splits at every separator; without any the text is one piece. Line ends become plain.
fn pieces(text: &str, separators: &[String]) -> Vec<String> {
    let mut pieces = vec![text.replace("\r\n", "\n").replace('\r', "\n")];
    for separator in separators.iter().filter(|separator| !separator.is_empty()) {
        pieces = pieces
            .iter()
            .flat_map(|piece| piece.split(separator.as_str()).map(str::to_owned))
            .collect();
    }
    pieces.iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// The code that a text is, or is the label of.
fn code_of(vocabulary: &Vocabulary, text: &str) -> Option<String> {
    if vocabulary.get(text).is_some() {
        return Some(text.to_owned());
    }
    vocabulary.by_label(text).map(str::to_owned)
}

/// The code of a label among everything below `above`, the nearest levels first. Punctuation does not matter.
fn below(vocabulary: &Vocabulary, above: Option<&str>, label: &str) -> Option<String> {
    let letters = |text: &str| text.chars().filter(|ch| ch.is_alphanumeric()).collect::<String>();
    let wanted = letters(label);
    let mut level: Vec<_> = match above {
        Some(above) => vocabulary.children(above).collect(),
        None => vocabulary.roots().collect(),
    };
    while !level.is_empty() {
        let is_wanted = |text: &String| letters(text) == wanted;
        let found = level
            .iter()
            .find(|entry| is_wanted(&entry.label.zh) || entry.aliases.iter().any(is_wanted));
        if let Some(entry) = found {
            return Some(entry.code.clone());
        }
        level = level.iter().flat_map(|entry| vocabulary.children(&entry.code)).collect();
    }
    None
}

/// The first sentence of a text, or its first `length` characters where that is longer.
fn first_words(text: &str, length: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning: String = text.chars().take(length).collect();
    let sentence = beginning.char_indices().find(|(_, ch)| "。！？；".contains(*ch));
    let end = sentence.map_or(beginning.len(), |(at, _)| at);
    if beginning[..end].chars().count() < 4 {
        return beginning;
    }
    beginning[..end].trim_end_matches([',', '，', '、', ':', '：']).to_owned()
}

/// Reads amounts of money in yuan: 100.0万元-200.0万元 is two. A number without a unit has that of the next.
fn amounts(text: &str) -> Option<Vec<f64>> {
    static UNITS: LazyLock<[(&str, f64); 8]> = LazyLock::new(|| {
        [
            ("亿元", 1e8),
            ("亿", 1e8),
            ("万元", 1e4),
            ("万", 1e4),
            ("千元", 1e3),
            ("元整", 1.0),
            ("元", 1.0),
            ("人民币", 1.0),
        ]
    });
    let mut amounts: Vec<(f64, Option<f64>)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let is_digit = |ch: char| ch.is_ascii_digit() || ch == '.' || ch == ',';
        let end = rest.find(|ch| !is_digit(ch)).unwrap_or(rest.len());
        if end > 0 {
            amounts.push((rest[..end].replace(',', "").parse().ok()?, None));
            rest = &rest[end..];
            let unit = UNITS.iter().find(|(unit, _)| rest.starts_with(unit));
            if let Some((unit, times)) = unit {
                amounts.last_mut()?.1 = Some(*times);
                rest = &rest[unit.len()..];
            }
            continue;
        }
        let between = rest.chars().next()?;
        if !(between.is_whitespace() || "-~～—–至到￥¥".contains(between)) {
            return None;
        }
        rest = &rest[between.len_utf8()..];
    }
    let mut unit = 1.0;
    let mut read: Vec<f64> = Vec::new();
    for (number, times) in amounts.into_iter().rev() {
        unit = times.unwrap_or(unit);
        read.push(number * unit);
    }
    read.reverse();
    (!read.is_empty()).then_some(read)
}
