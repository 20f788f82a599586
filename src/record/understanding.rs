//! What the words of a query may say about fields: declared in `understanding.toml`, read when searching alone.

use std::sync::Arc;

use serde::Serialize;

use super::Vocabulary;
use super::kind::Label;

/// What words of a query may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Date,
    Amount,
    Region,
    Term,
    Kind,
}

impl Said {
    /// All, by the name that files and the API give them.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("date", Self::Date),
        ("amount", Self::Amount),
        ("region", Self::Region),
        ("term", Self::Term),
        ("kind", Self::Kind),
    ];
}

/// The declared rules; empty when nothing is declared.
#[derive(Debug, Default)]
pub struct UnderstandingRules {
    /// Days and periods. The first rule applies of which the query holds a cue, else the first without cues.
    pub dates: Vec<RangeRule>,
    /// Amounts of money, likewise.
    pub amounts: Vec<RangeRule>,
    pub region: Option<RegionRule>,
    pub terms: Vec<TermRule>,
    pub kinds: Vec<KindRule>,
}

/// What a range of days or money is asked of.
#[derive(Clone, Debug)]
pub struct RangeRule {
    pub label: Label,
    /// Words of the query that tell this rule from others.
    pub cues: Vec<String>,
    /// Words that say no more than the rule does: a record that is in range need not hold them.
    pub implied: Vec<String>,
    /// Paths of columns; a record is in range when one of them is. Empty: the range says nothing about records.
    pub fields: Vec<Arc<str>>,
    /// Whether fields are dates that one must act before: an open range then begins today.
    pub deadline: bool,
    pub bare: Bare,
}

/// What an amount without `以上`, `以内` and the like means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    AtLeast,
    AtMost,
}

impl Bare {
    /// Both, by the name that files give them.
    pub const NAMES: [(&'static str, Self); 2] =
        [("at_least", Self::AtLeast), ("at_most", Self::AtMost)];
}

/// Names of places.
#[derive(Clone, Debug)]
pub struct RegionRule {
    pub label: Label,
    pub vocabulary: Arc<Vocabulary>,
    /// A code: of places with the same name, and among short names of districts, those below it are meant.
    pub home: String,
    /// Paths of columns whose value is the place or below it.
    pub within: Vec<Arc<str>>,
    /// Paths of columns whose value is the place or above it: what holds there.
    pub covers: Vec<Arc<str>>,
    /// Words that make a name of what they follow: `大学`.
    pub not_before: Vec<String>,
}

impl RegionRule {
    /// Tells whether what follows a place makes it part of another name: 青岛大学.
    pub fn is_part_of_name(&self, after: &str) -> bool {
        self.not_before.iter().any(|word| after.starts_with(word.as_str()))
    }
}

/// Labels and aliases of a field's vocabulary.
#[derive(Clone, Debug)]
pub struct TermRule {
    /// Path of a column with a facet.
    pub field: Arc<str>,
    pub label: Label,
    pub vocabulary: Arc<Vocabulary>,
    /// Whether a value counts for everything above it.
    pub is_tree: bool,
    /// Whether records with the value stand for the word, and rank first; else it is offered alone.
    pub prefer: bool,
}

/// Words that name a kind of record.
#[derive(Clone, Debug)]
pub struct KindRule {
    pub kind: Arc<str>,
    pub label: Label,
    pub words: Vec<String>,
}
