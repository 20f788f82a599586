//! A record in a list: what its kind file says a card shows.

use serde_json::{Map, Value};

use super::links::record_path;
use super::value::plain;
use super::visitor::Visitor;
use crate::presentation::page::{Contribution, Item, Synonym};
use crate::presentation::snippet::Fragment;
use crate::record::Field;
use crate::record::kind::{Catalog, FieldType, RecordKind};
use crate::record::value::days;

/// Most values of one field on a card.
const MAX_VALUES: usize = 3;
/// Most words that a card says were found.
const MAX_WORDS: usize = 6;

pub struct Card {
    pub kind_label: String,
    pub href: String,
    pub title: Vec<Fragment>,
    pub snippet: Vec<Fragment>,
    pub badge: Option<Stamp>,
    pub example: bool,
    /// Day of publication.
    pub published: Option<String>,
    pub deadline: Option<Deadline>,
    pub facts: Vec<Fact>,
    pub why: Option<Why>,
}

/// Why a record stands where it does.
pub struct Why {
    /// What was found of what was typed.
    pub words: Vec<String>,
    /// Other ways to say it that were looked for.
    pub also: Vec<String>,
    /// What the score is made of, and its share in percent; the largest first.
    pub parts: Vec<(String, String)>,
}

/// A short word on the state of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub text: String,
    /// `good`, `warn` or nothing, for the style.
    pub tone: &'static str,
}

/// One field of a card.
pub struct Fact {
    pub label: String,
    pub text: String,
    /// An amount of money.
    pub money: bool,
}

/// The next day that one must act before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    pub label: String,
    pub day: String,
    pub days_left: i64,
    /// `还有 12 天`.
    pub text: String,
    /// `soon`, `open` or `past`, for the style.
    pub state: &'static str,
}

impl Card {
    /// `None` for an item of a kind that is no longer declared.
    pub fn of(item: &Item, catalog: &Catalog, visitor: &Visitor, today: i32) -> Option<Self> {
        let lang = visitor.lang;
        let kind = catalog.kind(&item.kind)?;
        let fields: Map<String, Value> = item
            .record
            .iter()
            .filter_map(|(name, json)| Some((name.clone(), serde_json::from_str(json.get()).ok()?)))
            .collect();
        let title = match item.highlights.get("title") {
            Some(title) => title.clone(),
            None => vec![Fragment {
                text: fields.get("title").and_then(Value::as_str).unwrap_or(&item.id).to_owned(),
                hit: false,
            }],
        };
        let snippet = item.highlights.iter().find(|(name, _)| *name != "title");
        let badge = kind.card.badge.as_deref();
        let shown = kind.card.fields.iter().filter(|path| Some(path.as_str()) != badge);
        let facts = shown.filter_map(|path| {
            let field = kind.field_at(path)?;
            let text = (!field.deadline).then(|| fact(field, &fields, visitor)).flatten()?;
            let money = field.field_type == FieldType::Money;
            Some(Fact { label: lang.pick(&field.label).to_owned(), text, money })
        });
        Some(Self {
            kind_label: lang.pick(&kind.label).to_owned(),
            href: visitor.link(&record_path(&item.kind, &item.id)),
            title,
            snippet: snippet.map(|(_, fragments)| fragments.clone()).unwrap_or_default(),
            badge: badge.and_then(|path| stamp(kind, path, &fields, visitor)),
            example: fields.get("example") == Some(&Value::Bool(true)),
            published: fields.get("published_on").and_then(Value::as_str).map(str::to_owned),
            deadline: deadline(kind, &fields, visitor, today),
            facts: facts.collect(),
            why: why(item, catalog, visitor),
        })
    }

    /// Adds the synonyms that were looked for and that the card shows.
    pub fn with_synonyms(mut self, synonyms: &[Synonym]) -> Self {
        if let Some(why) = &mut self.why {
            let shown: String = self.title.iter().chain(&self.snippet).map(|p| &*p.text).collect();
            let shown = shown.to_lowercase();
            let also = synonyms.iter().flat_map(|synonym| &synonym.also);
            why.also = also.filter(|also| shown.contains(&also.to_lowercase())).cloned().collect();
        }
        self
    }

    pub fn plain_title(&self) -> String {
        self.title.iter().map(|fragment| fragment.text.as_str()).collect()
    }
}

/// Tells why a result of a search by words stands where it does; `None` for a list that is ordered otherwise.
fn why(item: &Item, catalog: &Catalog, visitor: &Visitor) -> Option<Why> {
    let explanation = item.explanation.as_ref()?;
    let total: f32 = explanation.iter().map(|part| part.value.max(0.0)).sum();
    if total <= 0.0 {
        return None;
    }
    let name = |part: &Contribution| {
        // Parts of the text's score and declared signals may have the same name, not the same label.
        let declared = catalog.scoring.signals.iter();
        let declared = declared
            .filter(|known| *known.name == *part.signal)
            .find(|known| *known.label.zh == *part.label);
        match (declared, (visitor.texts().signal)(&part.signal)) {
            (Some(known), _) => visitor.lang.pick(&known.label).to_owned(),
            (None, Some(text)) => text.to_owned(),
            (None, None) => part.label.to_string(),
        }
    };
    let mut parts: Vec<&Contribution> =
        explanation.iter().filter(|part| part.value / total >= 0.005).collect();
    parts.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut words: Vec<String> = Vec::new();
    for fragment in item.highlights.values().flatten().filter(|fragment| fragment.hit) {
        if !words.contains(&fragment.text) {
            words.push(fragment.text.clone());
        }
    }
    words.truncate(MAX_WORDS);
    let share = |part: &Contribution| format!("{:.0} %", part.value / total * 100.0);
    let parts = parts.into_iter().map(|part| (name(part), share(part)));
    Some(Why { words, also: Vec::new(), parts: parts.collect() })
}

/// The value of a single term, with what it means for the record.
pub fn stamp(
    kind: &RecordKind,
    path: &str,
    fields: &Map<String, Value>,
    visitor: &Visitor,
) -> Option<Stamp> {
    let field = kind.field_at(path)?;
    let text = fact(field, fields, visitor)?;
    let code = fields.get(&field.name).and_then(Value::as_str).unwrap_or_default();
    let is_stamp = kind.page.stamp.as_deref() == Some(path);
    let among = |codes: &[String]| is_stamp && codes.iter().any(|known| known == code);
    let tone = match (among(&kind.page.good), among(&kind.page.warn)) {
        (true, _) => "good",
        (_, true) => "warn",
        _ => "",
    };
    Some(Stamp { text, tone })
}

/// The values of a field in one line.
pub fn fact(field: &Field, fields: &Map<String, Value>, visitor: &Visitor) -> Option<String> {
    let t = visitor.texts();
    let values = values_at(fields, &field.path);
    let mut texts: Vec<String> = Vec::new();
    for value in &values {
        if let Some(text) = plain(field, value, visitor.lang)
            && !texts.contains(&text)
        {
            texts.push(text);
        }
    }
    let num = texts.len();
    if num == 0 {
        return None;
    }
    let more = num > MAX_VALUES;
    texts.truncate(MAX_VALUES);
    let mut line = texts.join(t.list_comma);
    if more {
        line.push(' ');
        line.push_str(&(t.and_more)(num as u64));
    }
    Some(line)
}

/// Every value at a dotted path, through arrays.
fn values_at<'a>(fields: &'a Map<String, Value>, path: &str) -> Vec<&'a Value> {
    let mut names = path.split('.');
    let mut found: Vec<&Value> = Vec::new();
    if let Some(value) = names.next().and_then(|name| fields.get(name)) {
        push(value, &mut found);
    }
    for name in names {
        let above = std::mem::take(&mut found);
        for value in above.into_iter().filter_map(|value| value.get(name)) {
            push(value, &mut found);
        }
    }
    found
}

fn push<'a>(value: &'a Value, to: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => to.extend(values),
        value => to.push(value),
    }
}

/// Finds the next deadline of a record, or the last one when all are past. Deadlines that the kind sorts by come
/// first, then those on its card.
pub fn deadline(
    kind: &RecordKind,
    fields: &Map<String, Value>,
    visitor: &Visitor,
    today: i32,
) -> Option<Deadline> {
    let t = visitor.texts();
    let sorts = kind.sorts.iter().map(|sort| sort.field.as_str());
    let shown = sorts.chain(kind.card.fields.iter().map(String::as_str));
    let declared = shown.filter_map(|path| kind.field_at(path)).filter(|field| is_deadline(field));
    declared.into_iter().find_map(|field| {
        let dates = values_at(fields, &field.path);
        let dates = dates.iter().filter_map(|value| {
            let text = value.as_str()?;
            Some((days(text)?, text))
        });
        let dates: Vec<(i32, &str)> = dates.collect();
        let next = dates.iter().filter(|(day, _)| *day >= today).min();
        let (day, text) = next.or_else(|| dates.iter().max())?;
        let days_left = i64::from(*day) - i64::from(today);
        Some(Deadline {
            label: visitor.lang.pick(&field.label).to_owned(),
            day: (*text).to_owned(),
            days_left,
            text: if days_left < 0 { t.past.to_owned() } else { (t.days_left)(days_left) },
            state: match days_left {
                ..0 => "past",
                0..=14 => "soon",
                _ => "open",
            },
        })
    })
}

pub fn is_deadline(field: &Field) -> bool {
    field.deadline && field.field_type == FieldType::Date
}
