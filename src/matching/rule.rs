//! The rules of matching, as `matching.toml` declares them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::profile;
use crate::quantity::Units;
use crate::query::like::{Like, LikeRules};
use crate::record::kind::Label;
use crate::record::{Catalog, RecordKind};

/// Stands for the day in filters.
pub const TODAY: &str = "$today";

/// Every pair of kinds that is matched.
#[derive(Debug)]
pub struct Matching {
    pub pairs: Vec<Arc<Pair>>,
    /// How an enterprise's profile is read, as if it were a kind of record.
    pub profile: Arc<RecordKind>,
    /// Changes with every rule: a list made under another one may have another order.
    pub fingerprint: u64,
}

impl Matching {
    pub fn pair(&self, from: &str, to: &str) -> Option<&Arc<Pair>> {
        self.pairs.iter().find(|pair| &*pair.from == from && &*pair.to == to)
    }

    /// Names the kinds that records of `from` are matched with, itself left out, in the order of the file.
    pub fn targets(&self, from: &str) -> Vec<&Arc<Pair>> {
        self.pairs.iter().filter(|pair| &*pair.from == from && pair.to != pair.from).collect()
    }

    /// Returns the kind of that name, or the profile.
    pub fn kind<'a>(&'a self, name: &str, catalog: &'a Catalog) -> Option<&'a Arc<RecordKind>> {
        if name == profile::NAME { Some(&self.profile) } else { catalog.kind(name) }
    }
}

/// How records of one kind find records of another.
#[derive(Clone, Debug)]
pub struct Pair {
    pub id: Arc<str>,
    pub from: Arc<str>,
    pub to: Arc<str>,
    pub title: Label,
    pub query: QueryRule,
    /// Candidates of the text that everything else is computed for; a list is never longer.
    pub window: usize,
    /// A filter that records must pass, in the filter language; `$today` stands for the day.
    pub filter: Option<String>,
    /// Fields of which a pair of records may not share a value: `organization`.
    pub exclude_same: Vec<String>,
    pub features: Vec<Feature>,
    /// The features' `from` is the side that is found: the pair was declared for the other direction.
    pub flipped: bool,
    pub diversity: Diversity,
    pub explain: Explain,
    pub alert: Alert,
}

impl Pair {
    /// Returns the filter as it stands on a day, in days since 1970-01-01.
    pub fn filter_on(&self, today: i32) -> Option<String> {
        let epoch = jiff::civil::date(1970, 1, 1);
        let day = epoch.checked_add(jiff::Span::new().days(today)).unwrap_or(epoch);
        Some(self.filter.as_ref()?.replace(TODAY, &day.to_string()))
    }

    /// The text feature; every pair has one.
    pub fn text(&self) -> &Feature {
        let found = self.features.iter().find(|feature| matches!(feature.rule, Rule::Text { .. }));
        found.expect("a pair without a text feature is refused")
    }
}

/// How a record becomes a query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryRule {
    pub terms: LikeRules,
    /// Fields that are read, with their weights.
    pub fields: Vec<(Arc<str>, f32)>,
    /// Times that a title counts where `fields` says nothing else.
    pub own_title: f32,
    /// Fewer different words say too little to match anything.
    pub min_terms: usize,
    /// Without it, a record looks with its own words alone.
    pub borrow: Option<Borrow>,
}

impl QueryRule {
    /// Tells how a record with these terms of its own borrows; `None` when it does not.
    pub fn borrows(&self, own: &Like) -> Option<Borrow> {
        self.borrow.filter(|borrow| borrow.share > 0.0 && own.num_words() < borrow.below)
    }
}

/// A record that says little looks with words of records like it, too: what those fit, it fits more likely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Borrow {
    /// What the words of a record that says nearly the same count; those of others by their likeness.
    pub share: f32,
    /// Number of records of its kind, the most like it, whose titles it takes.
    pub from: usize,
    /// Only a record with fewer different words borrows.
    pub below: usize,
}

/// Something that counts beside, or as, the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub id: Arc<str>,
    pub label: Label,
    /// Share of the score relative to the other features; a missing value counts half of it for everybody.
    pub weight: f32,
    /// Fields of the side that looks, the first with a value counts; empty where the feature needs none.
    pub from: Vec<Arc<str>>,
    /// Fields of the side that is found.
    pub to: Vec<Arc<str>>,
    pub rule: Rule,
}

/// What a feature compares. Every value is in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// x / (1 + x) of the text's score over the length of the query, divided by `scale`.
    Text { scale: f32 },
    /// Similarity by meaning, from an outside service; left out where there is none.
    Dense { candidates: usize },
    /// 1 when a code of one side is one of the other's, else 0.
    CodeEqual,
    /// Depth of the lowest node above both codes, over the depth of the deeper code.
    TreeNear,
    /// Share of the shorter list that the other one has.
    SetOverlap { map: BTreeMap<String, Vec<String>>, missing: Vec<String> },
    /// 1 when the least that is asked (`to`) is not more than the most there is (`from`), or with `reach` when `to`
    /// is at least `from`; else the ratio of the two.
    RangeFit { to_high: Vec<Arc<str>>, reach: bool },
    /// 1 when one place lies in the other, else as `TreeNear`.
    RegionNear,
    /// Share of the quantities that the declaring side's `from` asks for which `to` states and meets; those that it
    /// does not state do not count. Every field of either list is read.
    QuantityFit { units: Arc<Units> },
    /// 2^(−age / days) of a date.
    HalfLife { days: f32 },
    /// 1 when the level reaches what is wanted, else less by the gap's share of all levels.
    OrdinalGap { wanted: Option<f32>, low: f32, high: f32 },
    /// 1 when the field has one of the values.
    Flag { values: Vec<String> },
    /// A number between `low` and `high`, on a logarithmic scale if `log`.
    Number { low: f32, high: f32, log: bool },
    /// How the record's conditions stand to a profile: 1 when they pass, a half while it is open, a quarter when they
    /// nearly pass, else 0. Whoever has the conditions evaluates them.
    Conditions,
    /// Votes of records of another kind that match and name the record: the sum of the best `best` scores, over
    /// `best`.
    Via { kind: Arc<str>, link: Arc<str>, top: usize, best: usize },
}

impl Rule {
    /// Names of the rules, as files give them.
    pub const NAMES: [&'static str; 14] = [
        "text",
        "dense",
        "code_equal",
        "tree_near",
        "set_overlap",
        "range_fit",
        "region_near",
        "quantity_fit",
        "half_life",
        "ordinal_gap",
        "flag",
        "number",
        "conditions",
        "via",
    ];
}

/// How a list is kept various.
#[derive(Clone, Debug, PartialEq)]
pub struct Diversity {
    /// Records that say the same are one item with a count.
    pub collapse: bool,
    /// The field that names the owner, and how many of one owner stand on the first page.
    pub owner: Option<Arc<str>>,
    pub per_owner: usize,
    /// Weight of relevance against novelty; 1 turns it off.
    /// Source: Carbonell & Goldstein, SIGIR 1998 (maximal marginal relevance).
    pub relevance: f32,
}

/// What an item's reasons show.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// Shared terms that are named.
    pub terms: usize,
    /// Names what the query asks and the item does not mention.
    pub show_missing: bool,
}

/// When a new record is worth telling about.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub enabled: bool,
    /// A record is told of when it stands among the first this many of a fresh list.
    pub first: usize,
    pub per_day: u32,
    pub per_week: u32,
}
