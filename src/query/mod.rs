//! Query understanding: from what a person typed to an engine-neutral tree.

pub mod filter;
pub mod ladder;
pub mod like;
pub mod request;
pub mod scope;
pub mod typed;
pub mod understand;

use std::sync::Arc;

use crate::record::kind::Direction;
use filter::Filter;

/// A field of the index that holds tokens of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenField {
    /// Words of every text of the record.
    Words,
    /// Adjacent pairs of characters of every text.
    Grams,
    /// Single characters of every text, with positions.
    Chars,
    TitleWords,
    TitleGrams,
    /// Single characters of the title, with positions.
    TitleChars,
    KeywordWords,
    /// Canonical forms of codes and their parts.
    Code,
}

impl TokenField {
    /// The field that holds the same units of titles alone.
    fn of_titles(self) -> Option<Self> {
        match self {
            TokenField::Words | TokenField::TitleWords => Some(TokenField::TitleWords),
            TokenField::Grams | TokenField::TitleGrams => Some(TokenField::TitleGrams),
            TokenField::Chars | TokenField::TitleChars => Some(TokenField::TitleChars),
            TokenField::KeywordWords | TokenField::Code => None,
        }
    }
}

/// Which records match, and how they score.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Matches everything, scores 0.
    All,
    /// Matches nothing.
    Nothing,
    /// Matches records with the token; BM25 times `boost`.
    Term { field: TokenField, token: String, boost: f32 },
    /// Matches records that hold the tokens at these relative positions; scores 0.
    Phrase { field: TokenField, tokens: Vec<(usize, String)> },
    /// Matches records that match all; the scores add up.
    And(Vec<Query>),
    /// Matches records that match at least `minimum` of the clauses; the scores add up.
    Or { clauses: Vec<Query>, minimum: usize },
    /// Matches records that match any; the best score counts.
    Best(Vec<Query>),
    /// Matches what the filter matches, scores 0.
    Filter(Filter),
    /// Matches what `keep` matches; each of `wishes` that a record matches adds `boost` to its score.
    Prefer { keep: Box<Query>, wishes: Vec<Query>, boost: f32 },
    /// Matches what `keep` matches without what any of `drop` matches.
    Without { keep: Box<Query>, drop: Vec<Query> },
}

/// Terms whose BM25 adds to the score of a record that is already found. Named after what they show.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub signal: Signal,
    pub terms: Vec<WeightedTerm>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WeightedTerm {
    pub field: TokenField,
    pub token: String,
    pub weight: f32,
}

/// A declared signal of one search: how to tell for a hit, and what it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranker {
    /// Name and label that explanations give.
    pub name: Arc<str>,
    pub label: Arc<str>,
    /// What a signal of 1 adds, as a share of the score that [`share_of`](Self::share_of) says.
    pub weight: f32,
    pub share_of: ShareOf,
    pub measure: Measure,
}

/// What a signal's weight is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareOf {
    /// The hit's own score by text: the signal decides between hits of like score.
    Own,
    /// The best score by text of the hits that are re-scored: with weight 1, hits with the signal come first.
    Best,
}

/// How a signal in \[0, 1\] is told for a hit.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The share of these that the record matches. `base`: what each has already added to the score that the hits
    /// were found by.
    Matches { queries: Vec<Query>, base: f32 },
    /// The share of the title that the best of the phrases is, for records whose title holds one; nearly 1 where the
    /// title begins with it. Each phrase stands with its length in characters.
    TitleShare { phrases: Vec<(Query, usize)> },
    /// What a column's value is worth; `absent` where there is none, 0 for a value that is not listed.
    Value { path: Arc<str>, worth: Arc<[(String, f32)]>, absent: f32 },
    /// Halves every so many days since publication.
    Recency { half_life_days: f32 },
}

/// What a part of a score stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    Words,
    Grams,
    Chars,
    Title,
    Keywords,
    Code,
    Synonyms,
}

impl Signal {
    pub fn name(self) -> &'static str {
        match self {
            Signal::Words => "words",
            Signal::Grams => "grams",
            Signal::Chars => "chars",
            Signal::Title => "title",
            Signal::Keywords => "keywords",
            Signal::Code => "code",
            Signal::Synonyms => "synonyms",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Signal::Words => "词语匹配",
            Signal::Grams => "相邻字匹配",
            Signal::Chars => "单字匹配",
            Signal::Title => "标题匹配",
            Signal::Keywords => "关键词匹配",
            Signal::Code => "编号匹配",
            Signal::Synonyms => "同义说法匹配",
        }
    }
}

/// Everything an engine needs to answer one request.
#[derive(Clone, Debug)]
pub struct Search {
    pub query: Query,
    /// Re-scores the best hits of `query`; empty when results are ordered by a field.
    pub parts: Vec<Part>,
    /// Re-orders the best hits after `parts`.
    pub rankers: Vec<Ranker>,
    pub filter: Option<Filter>,
    /// One group a field: OR within, AND between.
    pub selections: Vec<Selection>,
    /// Paths of the columns to count.
    pub facets: Vec<Arc<str>>,
    pub order: Order,
    /// Ranked hits wanted, from the first.
    pub limit: usize,
    pub offset: usize,
    /// Where an earlier page ended; then `offset` is 0.
    pub after: Option<After>,
    /// When fewer match (before selections), the answer is not used: the engine need not name hits.
    pub least: u64,
    /// Days since 1970-01-01, for facets relative to today.
    pub today: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub path: Arc<str>,
    /// Values, or keys of buckets.
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    Score,
    Field {
        path: Arc<str>,
        direction: Direction,
    },
    /// By date of publication, else of creation, newest first.
    Newest,
}

/// A place in an ordered list of hits.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum After {
    /// Behind the hit with this key; `None` behind the first hits that lack the field. Ties are ordered by revision.
    #[serde(rename = "k")]
    Key { key: Option<SortKey>, revision: u64 },
    /// Behind the first `shown` hits of a frozen view of the index.
    #[serde(rename = "v")]
    View { view: u64, shown: usize },
}

/// A value that results are ordered by.
#[derive(Clone, Debug, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum SortKey {
    Integer(i64),
    Decimal(f64),
    Text(String),
}
