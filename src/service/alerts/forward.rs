//! The lists that are subscribed to, asked afresh: what they say decides whether an alert fires.

use std::sync::Arc;

use super::subscription::Target;
use crate::engine::reverse::{Bag, Condition, Frequencies, ReverseIndex, Slot};
use crate::engine::{Engine, EngineError};
use crate::matching::rule::Rule;
use crate::matching::{Pair, Subject};
use crate::query::filter::{self, Filter, Literal};
use crate::query::request::{CheckedRequest, SearchRequest};
use crate::query::{Query, TokenField};
use crate::record::RecordId;
use crate::service::matches::{MatchError, MatchService};
use crate::service::search::{Findings, SearchError, SearchService};
use crate::store::StoreError;

/// Answers as a reader without a key would get them.
pub struct Forward {
    pub search: Arc<SearchService>,
    pub matches: Arc<MatchService>,
    pub engine: Arc<dyn Engine>,
}

/// The first items of a list.
#[derive(Default)]
pub struct First {
    /// Best first.
    pub items: Vec<RecordId>,
    pub reach: Reach,
    /// The last change that the answer takes into account, or one before.
    pub revision: u64,
}

/// What is known of a list that rules records out without asking for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reach {
    /// Nothing.
    #[default]
    Open,
    /// Only the strictest `rungs` readings of the query give records, while the answer loses at most `bears` of them.
    Rungs { rungs: usize, bears: u64 },
    /// A record whose text scores less than `bar` cannot be among the first, while the first stay; scores were
    /// computed `among` so many records.
    Bar { bar: f32, among: u64 },
}

#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Match(#[from] MatchError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Target {
    /// What is matched, and the kind of records it is matched with; `None` where nothing is.
    pub fn subject(&self) -> Option<(Subject, &str)> {
        match self {
            Target::Search(_) | Target::Verdicts { .. } => None,
            Target::Record { kind, id, to } => {
                Some((Subject::Stored(RecordId::new(&**kind, &**id)), to))
            }
            Target::Profile { profile, to } => Some((Subject::Profile(profile.clone()), to)),
        }
    }
}

impl Forward {
    /// Asks for the first `limit` items. `today` is in days since 1970-01-01.
    pub fn first(&self, target: &Target, limit: usize, today: i32) -> Result<First, ForwardError> {
        let applied = self.engine.applied().map_or(0, |(_, revision)| revision.0);
        match target {
            Target::Search(request) => {
                let request = SearchRequest { limit: Some(limit), ..(**request).clone() };
                let checked = request.check(&self.search.catalog).map_err(SearchError::Bad)?;
                // What is corrected changes with the words of other records: a standing search is what was typed.
                let checked = CheckedRequest { corrects: false, ..checked };
                let Findings { found, relaxation, .. } = self.search.find(&checked, today)?;
                let standing = self.search.standing_of(&checked);
                let rung = standing.rungs.iter().position(|rung| rung.relaxation == relaxation);
                let reach = match rung {
                    Some(rung)
                        if rung + 1 < standing.rungs.len() && found.total >= standing.enough =>
                    {
                        Reach::Rungs { rungs: rung + 1, bears: found.total - standing.enough }
                    }
                    _ => Reach::Open,
                };
                let revision = applied.min(found.revision.0);
                let items = found.hits.into_iter().map(|hit| hit.id).collect();
                Ok(First { items, reach, revision })
            }
            // There is no order among verdicts.
            Target::Verdicts { .. } => Ok(First { revision: applied, ..First::default() }),
            Target::Record { .. } | Target::Profile { .. } => {
                let Some((subject, to)) = target.subject() else { unreachable!("no search") };
                let scored = self.matches.order(&subject, to, limit, today)?;
                let (pair, like) = self.matches.query(&subject, to)?;
                let last = scored.get(limit - 1);
                let reach = match last.and_then(|last| bar(&pair, last.score)) {
                    // What is borrowed changes with the records that it is borrowed from.
                    _ if pair.query.borrows(&like).is_some() => Reach::Open,
                    Some(bar) => Reach::Bar { bar, among: self.engine.like_terms(&like)?.among },
                    None => Reach::Open,
                };
                let items = scored.into_iter().map(|scored| scored.id).collect();
                Ok(First { items, reach, revision: applied })
            }
        }
    }

    /// Files a target in the reverse index, by what a record must be to come into its list.
    pub fn file(
        &self,
        target: &Target,
        reach: Reach,
        index: &mut ReverseIndex,
        slot: Slot,
    ) -> Result<(), ForwardError> {
        let catalog = &self.search.catalog;
        match target {
            Target::Search(request) => {
                let standing = self.search.standing(request)?;
                let rungs = match reach {
                    Reach::Rungs { rungs, .. } => rungs,
                    _ => standing.rungs.len(),
                };
                let queries: Vec<_> =
                    standing.rungs.iter().take(rungs).map(|rung| &rung.query).collect();
                let filter = standing.filter.as_ref();
                let condition =
                    Condition::new(&queries, filter, &standing.selections, catalog, self);
                index.insert(slot, condition, self);
            }
            Target::Verdicts { .. } => {}
            Target::Record { .. } | Target::Profile { .. } => {
                let Some((subject, to)) = target.subject() else { unreachable!("no search") };
                let (pair, like) = self.matches.query(&subject, to)?;
                // What the pair's filter says of the day is left to the list itself.
                let kind = Filter::Equal { path: "kind".into(), value: Literal::Text(to.into()) };
                let timeless = pair.filter.as_deref().filter(|text| !text.contains('$'));
                let declared = timeless.and_then(|text| filter::parse(text, catalog).ok());
                let filter = Filter::And(std::iter::once(kind).chain(declared).collect());
                let condition = Condition::new(&[&Query::All], Some(&filter), &[], catalog, self);
                if like.is_empty()
                    || pair.query.borrows(&like).is_some()
                    || !is_found_by_text(&pair)
                    || self.matches.similarity.is_some()
                {
                    index.insert(slot, condition, self);
                    return Ok(());
                }
                let weighed = self.engine.like_terms(&like)?;
                let norm = weighed.norm;
                let share = |(field, token, weight)| (field, token, weight / norm.max(1e-6));
                let fields = like.groups.first().map_or(&[][..], |group| group.fields.as_slice());
                let title = fields.get(1).map_or(0.0, |(_, boost)| *boost);
                let terms = weighed.terms.into_iter().map(share).collect();
                let bag = Bag { terms, title };
                let bar = if let (Reach::Bar { bar, .. }, true) = (reach, norm > 0.0) {
                    bar
                } else {
                    0.0
                };
                index.insert_bag(slot, &bag, condition, bar);
            }
        }
        Ok(())
    }

    /// A few words for what is subscribed to.
    pub fn title(&self, target: &Target) -> String {
        match target {
            Target::Search(request) => {
                let words = [&*request.q].into_iter().chain(request.filter.as_deref());
                let words: Vec<&str> =
                    words.map(str::trim).filter(|part| !part.is_empty()).collect();
                match words.is_empty() {
                    true => "全部".to_owned(),
                    false => words.join(" · ").chars().take(200).collect(),
                }
            }
            Target::Record { kind, id, .. } => {
                let stored = self.matches.store.get(&RecordId::new(&**kind, &**id)).ok().flatten();
                let record = stored.as_ref().and_then(crate::service::indexing::read);
                let title = record.as_ref().and_then(|record| record.fields.get("title")?.as_str());
                title.unwrap_or(id).chars().take(200).collect()
            }
            Target::Profile { .. } | Target::Verdicts { .. } => "企业画像".to_owned(),
        }
    }
}

/// Tells whether only a record that shares a term with the query can be found.
fn is_found_by_text(pair: &Pair) -> bool {
    !pair.features.iter().any(|feature| matches!(feature.rule, Rule::Via { .. }))
}

/// The least text score, over the length of the query, of a record whose whole score is `score`: everything else is
/// taken to speak for it. `None` when nothing of the text is needed.
fn bar(pair: &Pair, score: f32) -> Option<f32> {
    let Rule::Text { scale } = pair.text().rule else { return None };
    let taking_part =
        pair.features.iter().filter(|feature| !matches!(feature.rule, Rule::Dense { .. }));
    let total: f32 = taking_part.map(|feature| feature.weight).sum();
    let text = pair.text().weight;
    let value = (score * total - (total - text)) / text;
    (value > 0.0 && value < 1.0).then(|| value / (1.0 - value) * scale)
}

impl Frequencies for Forward {
    fn with_token(&self, field: TokenField, token: &str) -> u64 {
        // Without an answer the token is taken to be rare: that costs time, never an alert.
        self.engine.num_with(field, token).unwrap_or_default()
    }

    fn num_records(&self) -> u64 {
        self.engine.num_records().unwrap_or_default()
    }
}
