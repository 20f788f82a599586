//! Which of the compared records are shown, and why they were found.

use std::sync::Arc;

use rayon::prelude::*;

use super::borrow::Borrowed;
use super::rank::{Compare, Ranked};
use super::{BASIS, Looking, MatchService};
use crate::engine::{EngineError, LikedTerm};
use crate::matching::diversity::{self, Chosen, Portrait};
use crate::matching::evidence::best_sentence;
use crate::matching::reason::{self, Evidence, Reason};
use crate::matching::{Pair, Side};
use crate::query::TokenField;
use crate::record::{FieldType, RecordKind, Visibility};

/// Characters of a record's text that tell whether two records say the same.
const PORTRAIT: usize = 1_000;
/// Records that a thread reads the texts of.
const READ: usize = 16;
/// Words that are named as not mentioned.
const LACKING: usize = 6;

impl MatchService {
    /// Chooses what is shown of a list that is kept various.
    pub(super) fn choose(
        &self,
        ranked: &Ranked<'_>,
        kind: &RecordKind,
        pair: &Pair,
        limit: usize,
    ) -> Vec<Chosen> {
        let portraits = ranked.records.par_iter().with_min_len(READ).map(|found| {
            let side = Side { kind, fields: &found.fields };
            let owner = pair.diversity.owner.as_ref();
            let owner = owner.and_then(|path| side.texts(&[path]).first().copied());
            let mut text = String::new();
            for part in texts(side) {
                if text.chars().count() < PORTRAIT {
                    text.push_str(part);
                    text.push('\n');
                }
            }
            let title = side.texts(&["title"]).concat();
            Portrait {
                score: found.score.value,
                title: self.analyzer.normalize(&title).text,
                owner: owner.map(str::to_owned),
                shingles: diversity::shingles(&self.analyzer.normalize(&text).text),
            }
        });
        diversity::choose(&portraits.collect::<Vec<Portrait>>(), &pair.diversity, limit)
    }

    /// Lists the reasons for a record. `terms` are those of the query, and what each adds to the record's text.
    pub(super) fn explain(
        &self,
        looking: &Looking,
        kind: &Arc<RecordKind>,
        pair: &Pair,
        found: &Compare<'_>,
        (terms, shares): (&[LikedTerm], &[f32]),
        borrowed: &Borrowed,
    ) -> Result<Vec<Reason>, EngineError> {
        let apart = (!borrowed.is_empty()).then(|| borrowed.split(terms, shares));
        let (terms, own) = match &apart {
            Some((own, _)) => (&own.0[..], &own.1[..]),
            None => (terms, shares),
        };
        let common = reason::common(terms, own);
        let mine = looking.side();
        let asked = pair.query.fields.iter().flat_map(|(path, _)| mine.texts(&[path]));
        let offered = Side { kind, fields: &found.fields };
        let sentence = |texts: &mut dyn Iterator<Item = &str>| {
            best_sentence(texts, &common.shared, &self.analyzer).unwrap_or_default()
        };
        let sentences = Evidence {
            from: sentence(&mut asked.into_iter()),
            to: sentence(&mut texts(offered).into_iter()),
        };
        let mut lacking = match pair.flipped {
            _ if !pair.explain.show_missing => Vec::new(),
            true => self.asked_in_vain(looking, kind, pair, found)?,
            false => {
                let named = super::basis(terms);
                common.lacking.iter().filter(|word| named.contains(word)).cloned().collect()
            }
        };
        lacking.truncate(LACKING);
        let named = pair.explain.terms;
        let mut reasons = reason::reasons(&found.score, &common, sentences, named, &lacking);
        if let Some((_, taken)) = &apart {
            let sum = |shares: &[f32]| shares.iter().sum::<f32>();
            let part = sum(&taken.1) / (sum(own) + sum(&taken.1)).max(f32::MIN_POSITIVE);
            let mut shared = reason::common(&taken.0, &taken.1).shared;
            shared.truncate(named);
            reason::borrow(&mut reasons, &pair.text().id, part, &shared, &borrowed.titles);
        }
        Ok(reasons)
    }

    /// Names the weightiest words of a record that was found which the looking one lacks: where the found side is the
    /// one that asks.
    fn asked_in_vain(
        &self,
        looking: &Looking,
        kind: &Arc<RecordKind>,
        pair: &Pair,
        found: &Compare<'_>,
    ) -> Result<Vec<String>, EngineError> {
        let Some(asking) = self.rules.pair(&pair.to, &pair.from) else { return Ok(Vec::new()) };
        let record =
            Looking { kind: kind.clone(), fields: found.fields.clone(), id: None, profile: None };
        let mut like = self.own_like(&record, asking);
        like.groups.retain(|group| group.fields.iter().any(|(unit, _)| *unit == TokenField::Words));
        for group in &mut like.groups {
            group.fields.truncate(1);
        }
        let mut words = self.engine.like_terms(&like)?.terms;
        words.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
        let said = self.analyzer.normalize(&texts(looking.side()).join("\n")).text;
        let words = words.into_iter().take(BASIS).map(|(_, word, _)| word);
        Ok(words.filter(|word| !said.contains(word.as_str())).collect())
    }
}

/// The public texts of a record, in the order of their fields.
fn texts(side: Side<'_>) -> Vec<&str> {
    side.kind
        .fields
        .iter()
        .filter(|field| field.field_type == FieldType::Text && field.role.is_some())
        .filter(|field| field.visibility == Visibility::Public)
        .flat_map(|field| side.texts(&[&field.name]))
        .collect()
}
