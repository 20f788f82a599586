//! Which of the compared records are shown, and why they were found.

use super::rank::{Compare, Ranked};
use super::{BASIS, Looking, MatchService};
use crate::engine::LikedTerm;
use crate::matching::diversity::{self, Chosen, Portrait};
use crate::matching::evidence::best_sentence;
use crate::matching::reason::{self, Evidence, Reason};
use crate::matching::{Pair, Side};
use crate::record::{FieldType, RecordKind, Visibility};

/// Characters of a record's text that tell whether two records say the same.
const PORTRAIT: usize = 1_000;
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
        let portraits: Vec<Portrait> = ranked
            .records
            .iter()
            .map(|found| {
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
            })
            .collect();
        diversity::choose(&portraits, &pair.diversity, limit)
    }

    /// Lists the reasons for a record. `terms` are those of the query, and what each adds to the record's text.
    pub(super) fn explain(
        &self,
        looking: &Looking,
        kind: &RecordKind,
        pair: &Pair,
        found: &Compare<'_>,
        (terms, shares): (&[LikedTerm], &[f32]),
    ) -> Vec<Reason> {
        let common = reason::common(terms, shares);
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
        let named: Vec<String> = super::basis(terms);
        let mut lacking = common.lacking.clone();
        lacking.retain(|word| pair.explain.show_missing && named.contains(word));
        lacking.truncate(LACKING.min(BASIS));
        reason::reasons(&found.score, &common, sentences, pair.explain.terms, &lacking)
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
