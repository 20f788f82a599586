//! A page of results, in the shape the API gives.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::facet::FacetValue;
use super::snippet::{Fragment, Highlighter};
use crate::engine::Hit;
use crate::query::Ranker;
use crate::query::ladder::Relaxation;
use crate::query::understand::Offer;
use crate::record::{RecordKind, Role, State, Visibility};

/// Characters of a snippet.
const SNIPPET: usize = 120;
/// Fields that every card has, beside those that its kind names.
const ALWAYS: [&str; 3] = ["title", "published_on", "example"];

/// The answer to a search.
#[derive(Debug, Serialize)]
pub struct SearchPage {
    pub items: Vec<Item>,
    pub total: u64,
    pub total_exact: bool,
    pub facets: BTreeMap<Arc<str>, Vec<FacetValue>>,
    pub relaxation: Relaxation,
    pub understood: Understood,
    pub corrected: Option<Corrected>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// The last change that the answer takes into account.
    pub revision: u64,
    pub took_ms: f64,
}

/// How the query was read.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Understood {
    pub words: Vec<String>,
    pub phrases: Vec<String>,
    pub excluded: Vec<String>,
    /// Filters that words of the query suggest, in their order. None is applied.
    pub filters: Vec<Offer>,
    /// Words that were also looked for in other forms.
    pub synonyms: Vec<Synonym>,
}

/// A word of the query as it was typed, and what else was looked for, as the dictionary spells it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Synonym {
    pub text: String,
    pub also: Vec<String>,
}

/// A correction that was made.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Corrected {
    pub from: String,
    pub to: String,
}

/// One result.
#[derive(Debug, Serialize)]
pub struct Item {
    pub kind: Arc<str>,
    pub id: Arc<str>,
    pub score: f32,
    /// The fields of the card.
    pub record: BTreeMap<String, Box<RawValue>>,
    /// Field -> its text in pieces; `title` whole, another text cropped.
    pub highlights: BTreeMap<String, Vec<Fragment>>,
    /// Only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Vec<Contribution>>,
}

/// What a signal added to the score.
#[derive(Debug, PartialEq, Serialize)]
pub struct Contribution {
    pub signal: Arc<str>,
    pub label: Arc<str>,
    pub value: f32,
}

/// Makes a result of a hit and its record's stored JSON; `None` when the record must not be shown (any more).
///
/// `explain` holds the signals that the hit was ranked by, when an explanation is wanted.
pub fn item(
    hit: &Hit,
    json: &[u8],
    kind: &RecordKind,
    scope: Visibility,
    highlighter: &Highlighter,
    explain: Option<&[Ranker]>,
) -> Option<Item> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(json).ok()?;
    let state: State = serde_json::from_str(members.get("_state")?.get()).ok()?;
    if state != State::Published {
        return None;
    }
    let text = |name: &str| -> Option<Cow<'_, str>> {
        serde_json::from_str::<TextValue<'_>>(members.get(name)?.get()).ok().map(|value| value.0)
    };
    let mut highlights = BTreeMap::new();
    if let Some(title) = text("title") {
        highlights.insert("title".to_owned(), highlighter.highlight(&title));
    }
    let mut texts = kind
        .fields
        .iter()
        .filter(|field| matches!(field.role, Some(Role::Summary | Role::Body)))
        .filter(|field| field.visibility <= scope && !field.multiple)
        .filter_map(|field| Some((&field.name, text(&field.name)?)));
    let mut first = None;
    let snippet = texts.find_map(|(name, text)| {
        let crop = highlighter.crop(&text, SNIPPET);
        if crop.is_none() && first.is_none() {
            first = Some((name, text));
        }
        Some((name, crop?))
    });
    if let Some((name, crop)) = snippet {
        highlights.insert(name.clone(), crop);
    } else if let Some((name, text)) = first {
        highlights.insert(name.clone(), beginning(&text));
    }
    let shown = kind.card.fields.iter().chain(&kind.card.badge).map(String::as_str).chain(ALWAYS);
    let mut record = BTreeMap::new();
    for name in shown {
        let name = name.split('.').next().unwrap_or(name);
        let visible = kind.field(name).is_some_and(|field| field.visibility <= scope);
        if let Some(value) = members.get(name).filter(|_| visible) {
            record.entry(name.to_owned()).or_insert_with(|| (*value).to_owned());
        }
    }
    let explanation = explain.map(|rankers| {
        let parts = hit.parts.iter().map(|(signal, value)| Contribution {
            signal: signal.name().into(),
            label: signal.label().into(),
            value: *value,
        });
        let signals = hit.signals.iter().filter_map(|(at, value)| {
            let ranker = rankers.get(*at)?;
            let (signal, label) = (ranker.name.clone(), ranker.label.clone());
            Some(Contribution { signal, label, value: *value })
        });
        parts.chain(signals).filter(|part| part.value != 0.0).collect()
    });
    Some(Item {
        kind: hit.id.kind.clone(),
        id: hit.id.id.clone(),
        score: hit.score,
        record,
        highlights,
        explanation,
    })
}

/// A string borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct TextValue<'a>(#[serde(borrow)] Cow<'a, str>);

fn beginning(text: &str) -> Vec<Fragment> {
    let end = text.char_indices().nth(SNIPPET).map(|(at, _)| at);
    let text = match end {
        Some(end) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    vec![Fragment { text, hit: false }]
}
