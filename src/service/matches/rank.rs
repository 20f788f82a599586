//! Candidates of a subject, compared and in order.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::borrow::Borrowed;
use super::{Dense, Looking, MatchError, MatchService, NOTHING_FITS, Note, TOO_VAGUE};
use crate::engine::LikedTerm;
use crate::matching::feature::{Compared, asked, compare, prove, stated};
use crate::matching::rule::{Feature, Rule};
use crate::matching::score::{Score, score, text_value};
use crate::matching::{Pair, Side};
use crate::quantity::Quantity;
use crate::query::filter::{self, Filter, Literal};
use crate::query::like::{Kinds, Like};
use crate::query::{Order, Query, Search, TokenField};
use crate::record::{Fields, RecordId, Revision};

/// Records that a thread compares.
const COMPARED: usize = 16;
/// Titles that are shown of the records that vote for one.
const SHOWN_VOTES: usize = 3;

/// A record that was compared.
pub(super) struct Compare<'a> {
    pub id: RecordId,
    pub revision: Revision,
    pub json: Vec<u8>,
    pub fields: Fields,
    pub score: Score<'a>,
}

/// A list before anything of it is chosen or explained.
pub(super) struct Ranked<'a> {
    /// In order.
    pub records: Vec<Compare<'a>>,
    pub like: Like,
    pub borrowed: Borrowed,
    pub terms: Vec<LikedTerm>,
    pub dense: Dense,
    pub note: Option<Note>,
}

/// What a list knows of its candidates beside the records themselves.
#[derive(Default)]
struct Context {
    /// `None`: similarity by meaning takes no part.
    similar: Option<HashMap<RecordId, f32>>,
    votes: HashMap<RecordId, Vote>,
    /// What the looking side asks for or states, for each feature that compares quantities.
    quantities: Vec<Vec<Quantity>>,
}

/// What records of another kind say for a record.
#[derive(Default)]
struct Vote {
    /// Scores of those that name it, the best first.
    scores: Vec<f32>,
    titles: Vec<String>,
}

impl MatchService {
    /// The terms of the record itself.
    pub(super) fn own_like(&self, looking: &Looking, pair: &Pair) -> Like {
        let side = looking.side();
        let texts = pair.query.fields.iter().flat_map(|(path, weight)| {
            side.values(path)
                .into_iter()
                .filter_map(|value| value.as_str())
                .map(|text| (*weight, side.label(path, text)))
        });
        let terms = &pair.query.terms;
        let (from, to, own) = (pair.from.clone(), pair.to.clone(), terms.own);
        Like { kinds: Some(Kinds { from, own, to }), ..terms.like(texts, &self.analyzer) }
    }

    /// What a record must be to be found at all.
    fn filter(&self, looking: &Looking, pair: &Pair, today: i32) -> Filter {
        let text = |text: &str| Literal::Text(text.to_owned());
        let mut all = vec![Filter::Equal { path: "kind".into(), value: text(&pair.to) }];
        if let Some(declared) = pair.filter_on(today) {
            // It could be read when the rules were.
            all.extend(filter::parse(&declared, &self.catalog));
        }
        for path in &pair.exclude_same {
            let values: Vec<Literal> =
                looking.side().texts(&[path]).into_iter().map(text).collect();
            if !values.is_empty() {
                let same = Filter::In { path: path.as_str().into(), values };
                all.push(Filter::Not(Box::new(same)));
            }
        }
        Filter::And(all)
    }

    /// Compares up to `window` candidates of the text, and those of other channels, and puts them in order.
    pub(super) fn rank<'a>(
        &self,
        looking: &Looking,
        pair: &'a Pair,
        window: usize,
        today: i32,
    ) -> Result<Ranked<'a>, MatchError> {
        let filter = self.filter(looking, pair, today);
        let own = self.own_like(looking, pair);
        if own.num_words() < pair.query.min_terms {
            let (borrowed, dense) = (Borrowed::default(), Dense::Off);
            let (records, terms, note) = (Vec::new(), Vec::new(), Some(TOO_VAGUE));
            return Ok(Ranked { records, like: own, borrowed, terms, dense, note });
        }
        let (mut like, borrowed) = self.like(looking, pair, own)?;
        like.filter = Some(filter.clone());
        // One more, since a record is like itself.
        let liked = self.engine.like(&like, window + 1)?;
        let kept: HashSet<(TokenField, &str)> =
            liked.terms.iter().map(|term| (term.field, &*term.token)).collect();
        like.retain(|field, token| kept.contains(&(field, token)));
        let mut candidates: Vec<(RecordId, Option<f32>)> = liked
            .records
            .into_iter()
            .map(|record| (record.id, text_of(pair, record.score, liked.norm)))
            .collect();
        if liked.norm == 0.0 {
            // Nothing to read: everything that passes is a candidate.
            let newest = self.newest(filter, window)?;
            candidates.extend(newest.into_iter().map(|id| (id, None)));
        }
        candidates.retain(|(id, _)| looking.id.as_ref() != Some(id));
        candidates.truncate(window);
        let votes = self.votes(looking, pair, today)?;
        let mut more: Vec<RecordId> = votes.keys().cloned().collect();
        more.extend(self.nearest(looking, pair));
        more.sort_unstable();
        more.dedup();
        more.retain(|id| {
            looking.id.as_ref() != Some(id) && !candidates.iter().any(|(known, _)| known == id)
        });
        if !more.is_empty() {
            let (liked, _) = self.engine.like_shares(&like, &more)?;
            for record in liked.records {
                candidates.push((record.id, text_of(pair, record.score, liked.norm)));
            }
        }
        let ids: Vec<RecordId> = candidates.iter().map(|(id, _)| id.clone()).collect();
        let (similar, dense) = self.similarities(looking, pair, &ids);
        let context = Context { similar, votes, quantities: quantities(looking, pair) };
        let compared = candidates.par_iter().with_min_len(COMPARED);
        let compared = compared
            .filter_map(|(id, text)| {
                self.compare(looking, pair, id, *text, &context, today).transpose()
            })
            .collect::<Result<Vec<_>, _>>();
        let mut records = compared?;
        records.sort_by(|a, b| {
            b.score.value.total_cmp(&a.score.value).then(a.revision.cmp(&b.revision))
        });
        let note = records.is_empty().then_some(NOTHING_FITS);
        Ok(Ranked { records, like, borrowed, terms: liked.terms, dense, note })
    }

    /// Compares given records, in any order; those that the pair's filter keeps out are left out.
    pub(super) fn compare_given<'a>(
        &self,
        looking: &Looking,
        pair: &'a Pair,
        ids: &[RecordId],
        today: i32,
    ) -> Result<Vec<Compare<'a>>, MatchError> {
        let (mut like, _) = self.like(looking, pair, self.own_like(looking, pair))?;
        like.filter = Some(self.filter(looking, pair, today));
        let (liked, _) = self.engine.like_shares(&like, ids)?;
        let (similar, _) = self.similarities(looking, pair, ids);
        let votes = self.votes(looking, pair, today)?;
        let context = Context { similar, votes, quantities: quantities(looking, pair) };
        let mut compared = Vec::with_capacity(liked.records.len());
        for record in liked.records {
            let text = text_of(pair, record.score, liked.norm);
            compared.extend(self.compare(looking, pair, &record.id, text, &context, today)?);
        }
        Ok(compared)
    }

    /// Compares one record by every feature; `None` when it is not published (any more).
    fn compare<'a>(
        &self,
        looking: &Looking,
        pair: &'a Pair,
        id: &RecordId,
        text: Option<f32>,
        context: &Context,
        today: i32,
    ) -> Result<Option<Compare<'a>>, MatchError> {
        let Some(kind) = self.catalog.kind(&id.kind) else { return Ok(None) };
        let Some((record, json)) = self.published(id)? else { return Ok(None) };
        let found = Side { kind, fields: &record.fields };
        let (from, to) = match pair.flipped {
            true => (found, looking.side()),
            false => (looking.side(), found),
        };
        let of = |value: Option<f32>| Compared { value, ..Compared::default() };
        let score = score(pair, |feature: &Feature| match &feature.rule {
            Rule::Text { .. } => Some(of(Some(text?))),
            Rule::Dense { .. } => Some(of(context.similar.as_ref()?.get(id).copied())),
            Rule::Via { best, .. } => Some(
                context.votes.get(id).map_or_else(|| of(Some(0.0)), |vote| vote.compared(*best)),
            ),
            Rule::QuantityFit { units } => {
                let mine = context.quantities.get(quantity_features(pair, feature))?;
                Some(match pair.flipped {
                    // Nothing is asked for, or nothing stated: the other side need not be read.
                    _ if mine.is_empty() => Compared::default(),
                    true => prove(&asked(units, from, &feature.from), mine),
                    false => prove(mine, &stated(units, to, &feature.to, Some(mine))),
                })
            }
            Rule::Conditions => Some(self.conditions(looking, kind, &record.fields, today)),
            _ => compare(feature, from, to, today),
        });
        let (id, revision, fields) = (id.clone(), record.revision, record.fields);
        Ok(Some(Compare { id, revision, json, fields, score }))
    }

    /// Lists what passes a filter, newest first.
    fn newest(&self, filter: Filter, limit: usize) -> Result<Vec<RecordId>, MatchError> {
        let search = Search {
            query: Query::All,
            parts: Vec::new(),
            rankers: Vec::new(),
            filter: Some(filter),
            selections: Vec::new(),
            facets: Vec::new(),
            order: Order::Newest,
            limit,
            offset: 0,
            after: None,
            least: 0,
            today: 0,
        };
        Ok(self.engine.search(&search)?.hits.into_iter().map(|hit| hit.id).collect())
    }

    /// Candidates by meaning. Without an answer there are none; the comparison says so.
    fn nearest(&self, looking: &Looking, pair: &Pair) -> Vec<RecordId> {
        let limit = pair.features.iter().find_map(|feature| match feature.rule {
            Rule::Dense { candidates } if candidates > 0 => Some(candidates),
            _ => None,
        });
        let (Some(similarity), Some(limit)) = (&self.similarity, limit) else { return Vec::new() };
        let near = similarity.nearest(looking.side(), &pair.to, limit).unwrap_or_default();
        near.into_iter().map(|(id, _)| id).collect()
    }

    fn similarities(
        &self,
        looking: &Looking,
        pair: &Pair,
        ids: &[RecordId],
    ) -> (Option<HashMap<RecordId, f32>>, Dense) {
        let asked = pair.features.iter().any(|feature| matches!(feature.rule, Rule::Dense { .. }));
        let (Some(similarity), true) = (&self.similarity, asked) else { return (None, Dense::Off) };
        match similarity.similarities(looking.side(), ids) {
            Ok(similar) => {
                let known = ids.iter().zip(similar);
                let known = known.filter_map(|(id, value)| Some((id.clone(), value?)));
                (Some(known.map(|(id, value)| (id, value.clamp(0.0, 1.0))).collect()), Dense::Used)
            }
            Err(error) => {
                tracing::debug!(%error, "a list goes without similarity by meaning");
                (None, Dense::Unavailable)
            }
        }
    }

    /// Collects the votes of the records that a `via` feature goes through.
    fn votes(
        &self,
        looking: &Looking,
        pair: &Pair,
        today: i32,
    ) -> Result<HashMap<RecordId, Vote>, MatchError> {
        let mut votes: HashMap<RecordId, Vote> = HashMap::new();
        for feature in &pair.features {
            let Rule::Via { kind, link, top, .. } = &feature.rule else { continue };
            let Some(through) = self.rules.pair(&pair.from, kind) else { continue };
            let Some(kind) = self.catalog.kind(kind) else { continue };
            let ranked = self.rank(looking, through, *top, today)?;
            for voter in ranked.records.iter().take(*top) {
                let side = Side { kind, fields: &voter.fields };
                for id in side.texts(&[link]) {
                    let vote = votes.entry(RecordId::new(pair.to.clone(), id)).or_default();
                    vote.scores.push(voter.score.value);
                    vote.titles.extend(side.texts(&["title"]).into_iter().map(str::to_owned));
                }
            }
        }
        Ok(votes)
    }
}

/// Reads the looking side's quantities, a list for each feature that compares them.
fn quantities(looking: &Looking, pair: &Pair) -> Vec<Vec<Quantity>> {
    let read = |feature: &Feature| match &feature.rule {
        Rule::QuantityFit { units } if pair.flipped => {
            Some(stated(units, looking.side(), &feature.to, None))
        }
        Rule::QuantityFit { units } => Some(asked(units, looking.side(), &feature.from)),
        _ => None,
    };
    pair.features.iter().filter_map(read).collect()
}

/// The place of a feature among those that compare quantities.
fn quantity_features(pair: &Pair, wanted: &Feature) -> usize {
    let compares = |feature: &&Feature| matches!(feature.rule, Rule::QuantityFit { .. });
    pair.features.iter().filter(compares).take_while(|feature| feature.id != wanted.id).count()
}

impl Vote {
    fn compared(&self, best: usize) -> Compared {
        let sum: f32 = self.scores.iter().take(best).sum();
        let titles: Vec<&str> = self.titles.iter().take(SHOWN_VOTES).map(String::as_str).collect();
        Compared {
            value: Some((sum / best as f32).clamp(0.0, 1.0)),
            to: titles.join("、"),
            ..Compared::default()
        }
    }
}

/// The value of the text feature; `None` when there was nothing to read.
fn text_of(pair: &Pair, score: f32, norm: f32) -> Option<f32> {
    match pair.text().rule {
        Rule::Text { scale } if norm > 0.0 => Some(text_value(score, norm, scale)),
        _ => None,
    }
}
