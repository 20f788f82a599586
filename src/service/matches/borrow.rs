//! What a record that says little takes from records like it.
//!
//! A listing of a few words shares none with most of what fits it. What its kind calls the same thing by other words is
//! known: the titles of the records that are most like it. Their words are looked for too, less the less they are like.

use std::collections::HashMap;

use super::{Looking, MatchError, MatchService};
use crate::engine::LikedTerm;
use crate::matching::Pair;
use crate::matching::rule::Borrow;
use crate::query::TokenField;
use crate::query::filter::{Filter, Literal};
use crate::query::like::{Kinds, Like, LikeRules};

/// Records that are compared for each one that is taken from.
const CANDIDATES: usize = 4;
/// From this likeness on a title says the same: nothing can be learned from it.
const SAME: f32 = 0.98;

/// A term of a query.
type Key<'a> = (TokenField, &'a str);

/// What was taken.
#[derive(Default)]
pub(super) struct Borrowed {
    /// Titles that it was taken from, the most like first.
    pub titles: Vec<String>,
    /// Which part of a term's weight is the record's own. All of it, when nothing was taken.
    own: HashMap<(TokenField, String), f32>,
}

/// Terms of a query and their shares of one record's score, in the same order.
pub(super) type Shared = (Vec<LikedTerm>, Vec<f32>);

impl Borrowed {
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }

    /// The part of a term that is the record's own.
    pub fn own(&self, term: &LikedTerm) -> f32 {
        if self.is_empty() {
            return 1.0;
        }
        self.own.get(&(term.field, term.token.clone())).copied().unwrap_or(0.0)
    }

    /// Takes shares apart: those of the record's own terms, and those of what was taken.
    pub fn split(&self, terms: &[LikedTerm], shares: &[f32]) -> (Shared, Shared) {
        let (mut own, mut taken) = (Shared::default(), Shared::default());
        for (term, share) in terms.iter().zip(shares) {
            let part = self.own(term);
            for (part, (terms, shares)) in [(part, &mut own), (1.0 - part, &mut taken)] {
                if part > 0.0 {
                    terms.push(term.clone());
                    shares.push(part * share);
                }
            }
        }
        (own, taken)
    }
}

impl MatchService {
    /// The terms that a record looks with, by its own, and what was borrowed of them.
    pub(super) fn like(
        &self,
        looking: &Looking,
        pair: &Pair,
        own: Like,
    ) -> Result<(Like, Borrowed), MatchError> {
        let Some(borrow) = pair.query.borrows(&own) else {
            return Ok((own, Borrowed::default()));
        };
        let mut like = own.clone();
        let mut borrowed = Borrowed::default();
        for (title, likeness) in self.most_like(looking, pair, borrow)? {
            let texts = [(pair.query.own_title, &*title)];
            like.add(&pair.query.terms.like(texts, &self.analyzer), borrow.share * likeness);
            borrowed.titles.push(title);
        }
        if !borrowed.is_empty() {
            let all: HashMap<Key, f32> =
                like.terms().map(|(field, token, weight)| ((field, token), weight)).collect();
            let part = |(field, token, weight): (TokenField, &str, f32)| {
                ((field, token.to_owned()), weight / all[&(field, token)])
            };
            borrowed.own = own.terms().map(part).collect();
        }
        Ok((like, borrowed))
    }

    /// Titles of the records of the same kind that are most like a record by their titles, and how much they are, in
    /// (0, 1].
    fn most_like(
        &self,
        looking: &Looking,
        pair: &Pair,
        borrow: Borrow,
    ) -> Result<Vec<(String, f32)>, MatchError> {
        let kinds = Kinds { from: pair.from.clone(), own: 0.0, to: pair.from.clone() };
        let even = LikeRules { words: 1.0, grams: 1.0, chars: 1.0, ..pair.query.terms.clone() };
        let by = |title: &str| Like {
            kinds: Some(kinds.clone()),
            ..even.like([(1.0, title)], &self.analyzer).in_titles()
        };
        let mut query = by(&looking.side().texts(&["title"]).concat());
        let kind = Literal::Text(pair.from.to_string());
        query.filter = Some(Filter::Equal { path: "kind".into(), value: kind });
        // One more, since a record is like itself.
        let found = self.engine.like(&query, CANDIDATES * borrow.from + 1)?;
        let mut near = Vec::with_capacity(found.records.len());
        for record in found.records {
            if looking.id.as_ref() == Some(&record.id) {
                continue;
            }
            let Some((record, _)) = self.published(&record.id)? else { continue };
            let Some(title) = record.fields.get("title").and_then(|title| title.as_str()) else {
                continue;
            };
            near.push((title.to_owned(), by(title)));
        }
        // How rare every term is, asked for once.
        let mut all = query.clone();
        near.iter().for_each(|(_, like)| all.add(like, 1.0));
        for group in &mut all.groups {
            group.terms.iter_mut().for_each(|(_, weight)| *weight = 1.0);
        }
        let terms = self.engine.like_terms(&all)?.terms;
        let rarity: HashMap<Key, f32> =
            terms.iter().map(|(field, token, worth)| ((*field, &**token), *worth)).collect();
        let mine: HashMap<Key, f32> = direction(&query, &rarity).into_iter().collect();
        let mut likeness: Vec<(String, f32)> = Vec::with_capacity(near.len());
        for (title, like) in &near {
            let theirs = direction(like, &rarity).into_iter();
            let products = theirs.map(|(term, part)| part * mine.get(&term).unwrap_or(&0.0));
            let cosine = products.sum::<f32>();
            let is_known = likeness.iter().any(|(known, _)| known == title);
            if cosine > 0.0 && cosine < SAME && !is_known {
                likeness.push((title.clone(), cosine));
            }
        }
        // Stable: among equals, the engine's order.
        likeness.sort_by(|a, b| b.1.total_cmp(&a.1));
        likeness.truncate(borrow.from);
        Ok(likeness)
    }
}

/// A query as a vector of length 1, weight times rarity of its terms, in their order.
fn direction<'a>(like: &'a Like, rarity: &HashMap<Key<'_>, f32>) -> Vec<(Key<'a>, f32)> {
    let worth = |(field, token, weight)| {
        ((field, token), weight * rarity.get(&(field, token)).copied().unwrap_or(0.0))
    };
    let mut worths: Vec<(Key<'a>, f32)> = like.terms().map(worth).collect();
    let length = worths.iter().map(|(_, worth)| worth.powi(2)).sum::<f32>().sqrt().max(1e-6);
    worths.iter_mut().for_each(|(_, worth)| *worth /= length);
    worths
}
