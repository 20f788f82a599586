//! The declared types of records: immutable once read, shared by every layer above.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use super::attribute::Attributes;
use super::understanding::{Said, UnderstandingRules};

/// A text in the two languages of the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub zh: String,
    pub en: String,
}

/// Every kind, and the columns that they declare together.
#[derive(Debug)]
pub struct Catalog {
    /// In the order of their tabs.
    pub kinds: Vec<Arc<RecordKind>>,
    /// Every field that can be filtered, faceted or sorted, by its dotted path, over all kinds.
    pub columns: BTreeMap<Arc<str>, Column>,
    pub vocabularies: HashMap<String, Arc<Vocabulary>>,
    /// What is known of an organization when it is checked against records (`attributes.toml`).
    pub attributes: Attributes,
    /// How text is scored (`search.toml`).
    pub scoring: Scoring,
    /// What words of a query may say about fields (`understanding.toml`).
    pub understanding: UnderstandingRules,
    /// Changes with any file that decides what is indexed: an index made under another one is made anew.
    ///
    /// The same on every platform and in every run; `search.toml` and `understanding.toml`, used when searching
    /// alone, do not change it.
    pub fingerprint: u64,
}

impl Catalog {
    pub fn kind(&self, name: &str) -> Option<&Arc<RecordKind>> {
        self.kinds.iter().find(|kind| &*kind.name == name)
    }

    pub fn column(&self, path: &str) -> Option<&Column> {
        self.columns.get(path)
    }
}

/// One field path as the index sees it: kinds that share a name share the column.
#[derive(Clone, Debug)]
pub struct Column {
    pub path: Arc<str>,
    pub field_type: FieldType,
    pub label: Label,
    pub vocabulary: Option<Arc<Vocabulary>>,
    pub facet: Option<Facet>,
    pub sortable: bool,
    pub filterable: bool,
    /// A date that one must act before: in rising order what is still to come is first, and what is past is last.
    pub deadline: bool,
    /// A date from which one may act.
    pub opening: bool,
    pub multiple: bool,
    /// Names of the kinds that have it.
    pub kinds: Vec<Arc<str>>,
}

/// A declared kind of record.
#[derive(Clone, Debug, Default)]
pub struct RecordKind {
    pub name: Arc<str>,
    pub label: Label,
    pub description: Label,
    pub order: i64,
    /// Multiplies the scores of the kind's records.
    pub boost: f32,
    pub card: Card,
    pub sections: Vec<Section>,
    pub sorts: Vec<Sort>,
    pub page: Page,
    /// What says that a record asks or offers no longer; `None`: all do until they expire.
    pub closed: Option<Closed>,
    /// How people without a program send one in; `None`: they cannot.
    pub form: Option<Form>,
    pub fields: Vec<Field>,
    /// Where records of the kind say whom they apply to; `None` when they never do.
    pub applicability: Option<RuleFields>,
}

/// The fields in which records of a kind say whom they apply to, by what each one holds.
///
/// Every role but `conditions` may be left out. Names are those of top-level fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFields {
    /// Whether the kind is checked when a request names none.
    pub default: bool,
    pub conditions: String,
    pub judgements: Option<String>,
    pub amounts: Option<String>,
    pub stacking: Option<String>,
    pub windows: Option<String>,
    /// Divisions where the record applies.
    pub regions: Option<String>,
    pub audience: Option<String>,
    pub industries: Option<String>,
    pub fidelity: Option<String>,
    pub checked_on: Option<String>,
    /// The most that one applicant can get, where no amounts are stated.
    pub max_amount: Option<String>,
    /// The day from which the record holds, first what is tried first.
    pub begins: Vec<String>,
    /// The last day on which it holds.
    pub ends: Option<String>,
    pub validity: Option<String>,
    /// Values of `validity` that say that the record holds no longer, and not yet.
    pub ended: Vec<String>,
    pub pending: Vec<String>,
    pub relations: Option<String>,
    /// Relations to another record that end it, and that change it.
    pub ending: Vec<String>,
    pub amending: Vec<String>,
}

impl RecordKind {
    /// Returns the top-level field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the field at a dotted path: `windows.closes`.
    pub fn field_at(&self, path: &str) -> Option<&Field> {
        field_at(&self.fields, path)
    }
}

/// Returns the field at a dotted path, seen from `fields`.
pub fn field_at<'a>(fields: &'a [Field], path: &str) -> Option<&'a Field> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let field = fields.iter().find(|field| field.name == name)?;
    rest.map_or(Some(field), |rest| field_at(&field.fields, rest))
}

/// Codes of a field that say that a record asks or offers no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub field: String,
    pub codes: Vec<String>,
}

/// What a result shows beside title and snippet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    #[serde(default)]
    pub fields: Vec<String>,
    #[serde(default)]
    pub badge: Option<String>,
}

/// A group of fields on the detail page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub label: Label,
    pub fields: Vec<String>,
}

/// What the detail page shows before the sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// A single term that says whether the record still holds.
    pub stamp: Option<String>,
    /// Codes of the stamp's vocabulary that are good news, and those that warn.
    pub good: Vec<String>,
    pub warn: Vec<String>,
    /// Fields of the document table, in order.
    pub table: Vec<String>,
    /// Fields that answer the first questions of a reader, in order.
    pub key: Vec<String>,
    /// Type of the record in the vocabulary of schema.org.
    pub schema_type: Option<String>,
    /// Property of schema.org -> field.
    pub schema: Vec<(String, String)>,
}

/// A form that makes a record of the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Segment of its address: `/{path}/new`.
    pub path: String,
    /// What it is called in the navigation.
    pub label: Label,
    /// One sentence on what happens to what is sent.
    pub lead: Label,
    pub fieldsets: Vec<Section>,
    /// Kinds that are recommended while the form is filled in.
    pub recommend: Vec<String>,
    pub advice: Vec<Advice>,
}

/// What makes a record better, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub field: String,
    /// Least characters of a text, least values of a field that takes several.
    pub least: usize,
    /// Share of the whole, 1 to 100.
    pub points: u32,
    pub text: Label,
}

/// An order that the result page offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    pub field: String,
    pub order: Direction,
    pub label: Label,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    #[serde(rename = "asc")]
    Ascending,
    #[serde(rename = "desc")]
    Descending,
}

impl Direction {
    /// Both directions, by the name that files and requests give them.
    pub const NAMES: [(&'static str, Self); 2] =
        [("asc", Self::Ascending), ("desc", Self::Descending)];
}

/// A declared field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: String,
    /// Dotted path from the record: `windows.closes`; the name itself at the top.
    pub path: Arc<str>,
    pub field_type: FieldType,
    pub label: Label,
    pub help: Option<Label>,
    pub role: Option<Role>,
    pub multiple: bool,
    pub required: bool,
    pub vocabulary: Option<Arc<Vocabulary>>,
    pub facet: Option<Facet>,
    pub sortable: bool,
    pub filterable: bool,
    pub visibility: Visibility,
    /// A date that one must act before: in rising order what is still to come is first, and what is past is last.
    pub deadline: bool,
    /// What its values are offered as while somebody types; `None` when they are not.
    pub suggest: Option<Suggested>,
    /// A date from which one may act.
    pub opening: bool,
    pub unit: Option<String>,
    /// Characters of one value.
    pub max_length: usize,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Fields of an object; empty for other types and for an open object.
    pub fields: Vec<Field>,
    /// An object that holds any JSON.
    pub open: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    #[default]
    Text,
    /// Document numbers, patent numbers, models: matched whole and in parts, in any spelling.
    Code,
    Term,
    /// A code in a hierarchical vocabulary.
    Tree,
    Date,
    Integer,
    Decimal,
    /// Whole yuan.
    Money,
    Quantity,
    Bool,
    Geo,
    Url,
    File,
    Object,
}

impl FieldType {
    /// Every type, by the name that files and the API give it.
    pub const NAMES: [(&'static str, Self); 14] = [
        ("text", Self::Text),
        ("code", Self::Code),
        ("term", Self::Term),
        ("tree", Self::Tree),
        ("date", Self::Date),
        ("integer", Self::Integer),
        ("decimal", Self::Decimal),
        ("money", Self::Money),
        ("quantity", Self::Quantity),
        ("bool", Self::Bool),
        ("geo", Self::Geo),
        ("url", Self::Url),
        ("file", Self::File),
        ("object", Self::Object),
    ];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }

    /// Tells whether values of the type can be held in a column.
    pub fn fits_column(self) -> bool {
        !matches!(
            self,
            Self::Text | Self::Quantity | Self::Geo | Self::Url | Self::File | Self::Object
        )
    }

    /// Tells whether results can be ordered by values of the type.
    pub fn is_sortable(self) -> bool {
        matches!(self, Self::Date | Self::Integer | Self::Decimal | Self::Money | Self::Term)
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Money)
    }
}

/// What a text is to its record; decides its boost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Title,
    Keywords,
    Summary,
    Body,
}

impl Role {
    /// Every role, by the name that files give it.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("title", Self::Title),
        ("keywords", Self::Keywords),
        ("summary", Self::Summary),
        ("body", Self::Body),
    ];
}

/// What a value is offered as while somebody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suggested {
    Title,
    Code,
    /// Of an organization or a person.
    Name,
    /// A keyword.
    Term,
}

/// Who may see a field. Ordered: each sees what those before it see.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Public,
    Registered,
    Owner,
}

impl Visibility {
    /// Every visibility, by the name that files give it.
    pub const NAMES: [(&'static str, Self); 3] =
        [("public", Self::Public), ("registered", Self::Registered), ("owner", Self::Owner)];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }
}

/// How a field's values are counted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Facet {
    Terms {},
    Tree {},
    Ranges { buckets: Vec<RangeBucket> },
    RelativeDates { buckets: Vec<DateBucket> },
}

/// `from` ≤ value < `to`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeBucket {
    pub key: String,
    pub label: Label,
    pub from: Option<f64>,
    pub to: Option<f64>,
}

/// Days from today, both ends inclusive; negative days are past; an absent end is open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateBucket {
    pub key: String,
    pub label: Label,
    pub from_days: Option<i32>,
    pub to_days: Option<i32>,
}

/// How the units of text and the roles add up to a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoring {
    pub version: u32,
    pub units: UnitWeights,
    pub roles: RoleBoosts,
    pub bm25: Bm25,
    /// What re-orders the best hits, in the order of the file.
    pub signals: Vec<RankSignal>,
}

/// A declared signal: how it is told, and what it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct RankSignal {
    /// Own among the signals; explanations give it.
    pub name: Arc<str>,
    pub label: Label,
    pub rule: SignalRule,
    /// What a signal of 1 adds at most, as a share of a score by text; 0 to 2.
    pub weight: f32,
}

/// Where a signal in \[0, 1\] comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum SignalRule {
    /// 1: the record has what the query names by a code.
    Code,
    /// The share of the title that the query is, where the title holds it: 1 for the title itself.
    Title,
    /// The share of the query's conditions of these sorts that the record satisfies.
    Understood { of: Vec<Said> },
    /// The share of the query's words that the record has.
    Coverage,
    /// What the best of a column's values is worth; `absent` for a record without one, 0 for one that is not listed.
    Value { path: Arc<str>, worth: Arc<[(String, f32)]>, absent: f32 },
    /// 1 on the day of publication, half of it `half_life_days` later, and so on.
    Recency { half_life_days: f32 },
}

/// Weights of the units that one text is cut into, relative to words.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitWeights {
    pub words: f32,
    pub grams: f32,
    pub chars: f32,
    /// A word that stands for one that was typed, before the weight that its dictionary gives it.
    pub synonyms: f32,
}

/// What a match in a role adds, relative to a match anywhere in the record.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleBoosts {
    pub title: f32,
    pub keywords: f32,
    pub code: f32,
}

/// How a term counts that the best hits are scored by.
///
/// weight · idf^rarity · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / average length)), with k1 `saturation`, b
/// `length` and idf ln(1 + (N − n + 0.5) / (n + 0.5)). Source: Robertson & Zaragoza, The Probabilistic Relevance
/// Framework: BM25 and Beyond, 2009; the power of the idf is this project's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bm25 {
    pub saturation: f32,
    pub length: f32,
    pub rarity: f32,
}

impl Bm25 {
    /// Returns what a term in `doc_freq` of `num_docs` texts counts, were it to occur without end.
    pub fn weight(&self, doc_freq: u64, num_docs: u64) -> f32 {
        let (found, all) = (doc_freq as f32, num_docs.max(doc_freq) as f32);
        let idf = (1.0 + (all - found + 0.5) / (found + 0.5)).ln();
        idf.powf(self.rarity) * (self.saturation + 1.0)
    }

    /// Returns how many occurrences are half of endless ones, in a text of `length` tokens.
    pub fn norm(&self, length: f32, average: f32) -> f32 {
        let relative = if average > 0.0 { length / average } else { 1.0 };
        // Not 0: a term that does not occur counts nothing.
        (self.saturation * (1.0 - self.length + self.length * relative)).max(f32::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bm25_is_that_of_the_book() {
        let bm25 = Bm25 { saturation: 1.2, length: 0.75, rarity: 1.0 };
        let score = |times: f32, length| {
            bm25.weight(10, 1_000) * times / (times + bm25.norm(length, 100.0))
        };
        // idf ln(1 + 990.5 / 10.5) = 4.5573; of an average text 2.2 · tf / (tf + 1.2)
        assert!((score(1.0, 100.0) - 4.5573).abs() < 1e-3);
        assert!((score(3.0, 100.0) - 4.5573 * 6.6 / 4.2).abs() < 1e-3);
        assert!((score(1.0, 200.0) - 4.5573 * 2.2 / (1.0 + 1.2 * 1.75)).abs() < 1e-3);
        assert!(Bm25 { rarity: 2.0, ..bm25 }.weight(10, 1_000) > 4.0 * bm25.weight(10, 1_000));
    }

    #[test]
    fn names_are_those_of_the_api() {
        for (name, field_type) in FieldType::NAMES {
            assert_eq!(field_type.name(), name);
            assert_eq!(serde_json::to_value(field_type).unwrap(), name);
        }
        for (name, role) in Role::NAMES {
            assert_eq!(serde_json::to_value(role).unwrap(), name);
        }
        for (name, visibility) in Visibility::NAMES {
            assert_eq!(visibility.name(), name);
            assert_eq!(serde_json::to_value(visibility).unwrap(), name);
        }
        for (name, direction) in Direction::NAMES {
            assert_eq!(serde_json::to_value(direction).unwrap(), name);
        }
    }
}
