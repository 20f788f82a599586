//! What may be known of an organization that is checked against records: the declared attributes of its profile.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Vocabulary;
use super::kind::Label;

/// Attributes that one dictionary may declare: sets of them are kept as bits.
pub const MAX_ATTRIBUTES: usize = 128;

/// The dictionary of attributes, in the order of its file.
#[derive(Debug, Default)]
pub struct Attributes {
    /// How problems call the file.
    pub file: Arc<str>,
    pub list: Vec<Attribute>,
    pub questions: Vec<Question>,
    pub audiences: Vec<Audience>,
    /// The attribute that says where the organization is, what it does, and since when it exists.
    pub region: Option<usize>,
    pub industry: Option<usize>,
    pub founded: Option<usize>,
    pub near: Near,
    pub classifications: Vec<Classification>,
}

impl Attributes {
    pub fn find(&self, id: &str) -> Option<usize> {
        self.list.iter().position(|attribute| &*attribute.id == id)
    }
}

/// One declared attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub id: Arc<str>,
    pub label: Label,
    pub attribute_type: AttributeType,
    pub period: AttributePeriod,
    /// Shown behind numbers: `人`, `件`. Money is in yuan.
    pub unit: Option<String>,
    /// The codes of `code`, `code_set` and `region`.
    pub vocabulary: Option<Arc<Vocabulary>>,
    pub source: Source,
    pub changeable: Changeable,
    /// Never written to logs or addresses.
    pub sensitive: bool,
    /// Of a `code_set`: whether a code that is not listed is one that the organization has not.
    pub complete: bool,
    /// How the value follows from others: an expression of the condition language.
    pub derive: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// A smaller value is more likely a wrong unit than a fact.
    pub doubt_below: Option<f64>,
    /// The form of a `code` without a vocabulary.
    pub format: Option<CodeFormat>,
    /// What one does to have more of it: `再投入`.
    pub gain: Option<Label>,
    /// Line of the file.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeType {
    Bool,
    Int,
    Money,
    /// A fraction: 0.05 is 5 %.
    Ratio,
    Date,
    Code,
    CodeSet,
    Region,
}

impl AttributeType {
    /// Every type, by the name that the file gives it.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("bool", Self::Bool),
        ("int", Self::Int),
        ("money", Self::Money),
        ("ratio", Self::Ratio),
        ("date", Self::Date),
        ("code", Self::Code),
        ("code_set", Self::CodeSet),
        ("region", Self::Region),
    ];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Money | Self::Ratio)
    }

    pub fn has_codes(self) -> bool {
        matches!(self, Self::Code | Self::CodeSet | Self::Region)
    }
}

/// When a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributePeriod {
    /// Now.
    Point,
    /// In each calendar year: `{"2025": 48000000}`.
    Year,
    /// Within a span of years.
    Range,
}

impl AttributePeriod {
    pub const NAMES: [(&'static str, Self); 3] =
        [("point", Self::Point), ("year", Self::Year), ("range", Self::Range)];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Self_,
    Registry,
    Computed,
}

impl Source {
    pub const NAMES: [(&'static str, Self); 3] =
        [("self", Self::Self_), ("registry", Self::Registry), ("computed", Self::Computed)];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }
}

/// How soon an organization can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Changeable {
    Never,
    /// Within months to a year.
    Slow,
    Now,
}

impl Changeable {
    pub const NAMES: [(&'static str, Self); 3] =
        [("never", Self::Never), ("slow", Self::Slow), ("now", Self::Now)];
}

/// A form that codes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeFormat {
    /// 统一社会信用代码, with its check digit (GB 32100-2015).
    CreditCode,
}

impl CodeFormat {
    pub const NAMES: [(&'static str, Self); 1] = [("credit_code", Self::CreditCode)];
}

/// Attributes that people are asked for together.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: Arc<str>,
    pub label: Label,
    pub attributes: Vec<usize>,
}

/// What it takes to belong to one of the audiences that records address.
#[derive(Clone, Debug)]
pub struct Audience {
    pub code: String,
    /// A condition without text and clause; `None`: everybody belongs to it.
    pub condition: Option<Map<String, Value>>,
    pub line: usize,
}

/// How a code follows from numbers, where nobody states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    pub attribute: usize,
    /// The attribute, a code, that says which branch counts.
    pub by: usize,
    /// Places in the vocabulary of `attribute`, the lowest class first.
    pub classes: Vec<u32>,
    /// Attributes, and the codes of which one must be known to be the organization's, as places in their vocabularies.
    pub only: Vec<(usize, Vec<u32>)>,
    pub branches: Vec<Branch>,
}

/// Codes whose organizations are measured alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub label: Label,
    /// Places in the vocabulary of `by`; what lies below belongs to it, unless another branch is nearer.
    pub codes: Vec<u32>,
    pub measures: Vec<Bounds>,
}

/// What a number must be for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    pub attribute: usize,
    /// The least value of every class but the lowest, rising; money in yuan.
    pub least: Vec<f64>,
}

impl Classification {
    /// The branch of an organization: the nearest above its code. `path` is the code and everything above it, nearest
    /// first, as places in the vocabulary of `by`.
    pub fn branch(&self, path: &[u32]) -> Option<&Branch> {
        path.iter().find_map(|code| self.branches.iter().find(|branch| branch.codes.contains(code)))
    }
}

impl Bounds {
    /// The class that a value reaches, from 0.
    pub fn class(&self, value: f64) -> usize {
        self.least.partition_point(|least| *least <= value)
    }
}

/// Yuan of a unit of money, by its name.
pub fn money_unit(name: &str) -> Option<f64> {
    match name {
        "元" => Some(1.0),
        "千元" => Some(1e3),
        "万元" => Some(1e4),
        "亿元" => Some(1e8),
        _ => None,
    }
}

/// The places of the ones in a set of attributes.
pub fn ones(mut bits: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}

/// When a failed check counts as a near miss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Conditions that may fail, each of which could still be met.
    pub conditions: usize,
    /// What may be missing of a number, as a share of the bound.
    pub share: f64,
    /// What may be missing of a count.
    pub count: f64,
    /// Months that may have to pass.
    pub months: i32,
}

impl Default for Near {
    fn default() -> Self {
        Self { conditions: 2, share: 0.3, count: 1.0, months: 12 }
    }
}
