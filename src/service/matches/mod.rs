//! Records that fit a record: find by text -> compare -> choose -> explain.
//!
//! A list is made in two steps. The engine finds the records whose text is nearest, as many as the pair's window;
//! these are read from the store and compared by every feature. The score of a record does not depend on the others,
//! so [`MatchService::score`] gives for one record what a list would give for it.

mod borrow;
mod conditions;
mod explain;
mod rank;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::applicability::{Dictionary, Profile};
use crate::engine::{Engine, EngineError, Hit, LikedTerm};
use crate::matching::diversity::Chosen;
use crate::matching::reason::Reason;
use crate::matching::{Matching, Pair, Side, Similarity, Subject};
use crate::presentation::page;
use crate::presentation::snippet::Highlighter;
use crate::query::TokenField;
use crate::query::like::Like;
use crate::record::validate::{Violation, validate};
use crate::record::{Catalog, Fields, Record, RecordId, RecordKind, State, Visibility};
use crate::store::{Store, StoreError};
use crate::text::Analyzer;

/// Items of a list when nobody says how many.
pub const DEFAULT_LIMIT: usize = 10;
/// Most items of a list.
pub const MAX_LIMIT: usize = 100;
/// Items that a thread explains.
const EXPLAINED: usize = 3;
/// Terms of the query that are named to the caller.
const BASIS: usize = 12;

/// Finds records that fit a record.
pub struct MatchService {
    pub catalog: Arc<Catalog>,
    pub analyzer: Arc<Analyzer>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    pub rules: Arc<Matching>,
    /// What profiles are read by, and conditions evaluated.
    pub dictionary: Arc<Dictionary>,
    /// Similarity by meaning, where it is set up.
    pub similarity: Option<Arc<dyn Similarity>>,
}

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct MatchRequest {
    pub subject: Subject,
    /// Kind of the records to find; the subject's own kind finds similar ones.
    pub to: String,
    /// 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Collapses what says the same and keeps any owner from filling the list.
    pub diverse: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct MatchPage {
    pub items: Vec<MatchItem>,
    /// The rules that were used.
    pub pair: PairName,
    /// What the search went by, the weightiest first.
    pub basis: Vec<String>,
    /// Why there is nothing, or less than there could be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Whether similarity by meaning took part.
    pub dense: Dense,
    pub took_ms: f64,
}

#[derive(Debug, Serialize)]
pub struct PairName {
    pub id: Arc<str>,
    pub from: Arc<str>,
    pub to: Arc<str>,
    pub label: String,
    /// Changes with the rules: lists of different rules may have different orders.
    pub rules: String,
}

/// A record that fits.
#[derive(Debug, Serialize)]
pub struct MatchItem {
    pub kind: Arc<str>,
    pub id: Arc<str>,
    /// In [0, 1], falling along the list. Good for ordering; it is not a probability and no percentage of fit.
    pub score: f32,
    /// The fields of the card.
    pub record: BTreeMap<String, Box<RawValue>>,
    pub reasons: Vec<Reason>,
    /// Records that say the same and are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: usize,
    /// Further records of the same owner that are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_of_owner: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Debug, Serialize)]
pub struct Note {
    pub code: &'static str,
    pub message: &'static str,
}

const TOO_VAGUE: Note = Note {
    code: "too_vague",
    message: "描述过于宽泛，请补充材料、工艺、产品或指标之一",
};
const NOTHING_FITS: Note = Note {
    code: "nothing_fits",
    message: "暂无合适的结果，可保存为订阅，有新发布时再看",
};

/// Whether similarity by meaning took part in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dense {
    /// The rules do not ask for it, or it is not set up.
    Off,
    Used,
    /// It is set up and did not answer: the list goes by everything else.
    Unavailable,
}

#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// There is no such stored record that may be used.
    #[error("there is no record {0}")]
    NotFound(RecordId),
    #[error("`{found}` is not a kind")]
    UnknownKind { found: String, known: Vec<String> },
    /// No rule matches the two kinds.
    #[error("`{from}` is not matched with `{to}`")]
    NoPair { from: String, to: String, known: Vec<String> },
    /// The record that was given is not valid.
    #[error("the record was refused")]
    Invalid(Vec<Violation>),
    /// The profile that was given is not valid.
    #[error("the profile was refused")]
    Profile(Vec<Violation>),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A subject, read and checked.
struct Looking {
    kind: Arc<RecordKind>,
    fields: Fields,
    id: Option<RecordId>,
    /// Of a profile: what is known of the enterprise.
    profile: Option<Profile>,
}

impl Looking {
    fn side(&self) -> Side<'_> {
        Side { kind: &self.kind, fields: &self.fields }
    }
}

/// The score of one record for one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub id: RecordId,
    pub score: f32,
}

impl MatchService {
    /// Answers one request. `today` is in days since 1970-01-01.
    pub fn matches(
        &self,
        request: &MatchRequest,
        scope: Visibility,
        today: i32,
    ) -> Result<MatchPage, MatchError> {
        let started = Instant::now();
        let looking = self.read(&request.subject, Some(today))?;
        let pair = self.pair(&looking.kind.name, &request.to)?;
        let ranked = self.rank(&looking, &pair, pair.window.max(request.limit), today)?;
        let to = self.catalog.kind(&pair.to).cloned();
        let chosen = match &to {
            Some(kind) if request.diverse => self.choose(&ranked, kind, &pair, request.limit),
            _ => (0..ranked.records.len().min(request.limit))
                .map(|at| Chosen { at, duplicates: 0, more_of_owner: 0 })
                .collect(),
        };
        let ids: Vec<RecordId> =
            chosen.iter().map(|chosen| ranked.records[chosen.at].id.clone()).collect();
        let (liked, shares) = self.engine.like_shares(&ranked.like, &ids)?;
        let shares: HashMap<&RecordId, &Vec<f32>> =
            liked.records.iter().map(|record| &record.id).zip(&shares).collect();
        let highlighter = Highlighter::new(&self.analyzer, []);
        let kind = to.expect("a pair is of declared kinds");
        let reasons = chosen.par_iter().with_min_len(EXPLAINED).map(|chosen| {
            let found = &ranked.records[chosen.at];
            let terms = match shares.get(&found.id) {
                Some(shares) => (&liked.terms[..], &shares[..]),
                None => (&[][..], &[][..]),
            };
            self.explain(&looking, &kind, &pair, found, terms, &ranked.borrowed)
        });
        let reasons = reasons.collect::<Result<Vec<_>, _>>()?;
        let mut items = Vec::with_capacity(chosen.len());
        for (chosen, reasons) in chosen.iter().zip(reasons) {
            let found = &ranked.records[chosen.at];
            let hit = Hit {
                id: found.id.clone(),
                revision: found.revision,
                score: found.score.value,
                parts: Vec::new(),
                signals: Vec::new(),
                key: None,
            };
            let Some(card) = page::item(&hit, &found.json, &kind, scope, &highlighter, None) else {
                continue;
            };
            items.push(MatchItem {
                kind: card.kind,
                id: card.id,
                score: card.score,
                record: card.record,
                reasons,
                duplicates: chosen.duplicates,
                more_of_owner: chosen.more_of_owner,
            });
        }
        Ok(MatchPage {
            items,
            basis: basis(ranked.terms.iter().filter(|term| ranked.borrowed.own(term) > 0.0)),
            note: ranked.note,
            dense: ranked.dense,
            pair: PairName {
                id: pair.id.clone(),
                from: pair.from.clone(),
                to: pair.to.clone(),
                label: pair.title.zh.clone(),
                rules: format!("{:016x}", self.rules.fingerprint),
            },
            took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 1e2,
        })
    }

    /// Lists the `limit` best records for a subject without reasons, nothing collapsed: the order that alerts go by.
    pub fn order(
        &self,
        subject: &Subject,
        to: &str,
        limit: usize,
        today: i32,
    ) -> Result<Vec<Scored>, MatchError> {
        let looking = self.read(subject, Some(today))?;
        let pair = self.pair(&looking.kind.name, to)?;
        let ranked = self.rank(&looking, &pair, pair.window.max(limit), today)?;
        let records = ranked.records.into_iter().take(limit);
        Ok(records.map(|found| Scored { id: found.id, score: found.score.value }).collect())
    }

    /// Scores given records for a subject, as [`order`](Self::order) would, whether or not they would be in its
    /// list; those that are not in the index, or not published, are left out.
    pub fn score(
        &self,
        subject: &Subject,
        to: &[RecordId],
        today: i32,
    ) -> Result<Vec<Scored>, MatchError> {
        let looking = self.read(subject, Some(today))?;
        let mut kinds: Vec<&Arc<str>> = to.iter().map(|id| &id.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut scored = Vec::with_capacity(to.len());
        for kind in kinds {
            let pair = self.pair(&looking.kind.name, kind)?;
            let ids: Vec<RecordId> = to.iter().filter(|id| id.kind == *kind).cloned().collect();
            for found in self.compare_given(&looking, &pair, &ids, today)? {
                scored.push(Scored { id: found.id, score: found.score.value });
            }
        }
        Ok(scored)
    }

    /// Returns the weighted terms of a subject itself that it looks for records of a kind with. Where the pair says that
    /// it [borrows](crate::matching::rule::QueryRule::borrows), other records can be found, too.
    pub fn query(&self, subject: &Subject, to: &str) -> Result<(Arc<Pair>, Like), MatchError> {
        let looking = self.read(subject, None)?;
        let pair = self.pair(&looking.kind.name, to)?;
        let like = self.own_like(&looking, &pair);
        Ok((pair, like))
    }

    fn pair(&self, from: &str, to: &str) -> Result<Arc<Pair>, MatchError> {
        if self.catalog.kind(to).is_none() {
            let known = self.catalog.kinds.iter().map(|kind| kind.name.to_string()).collect();
            return Err(MatchError::UnknownKind { found: to.into(), known });
        }
        self.rules.pair(from, to).cloned().ok_or_else(|| MatchError::NoPair {
            from: from.into(),
            to: to.into(),
            known: self.rules.targets(from).iter().map(|pair| pair.to.to_string()).collect(),
        })
    }

    /// Reads and checks a subject; a profile's facts are those of a day, and left out without one.
    fn read(&self, subject: &Subject, today: Option<i32>) -> Result<Looking, MatchError> {
        match subject {
            Subject::Stored(id) => {
                let not_found = || MatchError::NotFound(id.clone());
                let kind = self.catalog.kind(&id.kind).cloned().ok_or_else(not_found)?;
                let (record, _) = self.published(id)?.ok_or_else(not_found)?;
                Ok(Looking { kind, fields: record.fields, id: Some(id.clone()), profile: None })
            }
            Subject::Draft { kind, fields } => {
                let Some(kind) = self.catalog.kind(kind).cloned() else {
                    let known = self.catalog.kinds.iter().map(|kind| kind.name.to_string());
                    let (found, known) = (kind.clone(), known.collect());
                    return Err(MatchError::UnknownKind { found, known });
                };
                let fields = validate(&kind, fields.clone()).map_err(MatchError::Invalid)?;
                Ok(Looking { kind, fields, id: None, profile: None })
            }
            Subject::Profile(said) => {
                let facts = |today| Profile::read(said, &self.dictionary, today, today);
                let facts = today.map(facts).transpose().map_err(MatchError::Profile)?;
                let (kind, fields) = (self.rules.profile.clone(), self.canonical(said));
                Ok(Looking { kind, fields, id: None, profile: facts.map(|(profile, _)| profile) })
            }
        }
    }

    /// Reads a stored record that is published, and its stored form.
    fn published(&self, id: &RecordId) -> Result<Option<(Record, Vec<u8>)>, MatchError> {
        let Some(stored) = self.store.get(id)? else { return Ok(None) };
        let Ok(mut record) = serde_json::from_slice::<Record>(&stored.json) else {
            return Ok(None);
        };
        record.revision = stored.revision;
        Ok((record.state == State::Published).then_some((record, stored.json)))
    }
}

/// Names the weightiest words that a list goes by.
fn basis<'a>(terms: impl IntoIterator<Item = &'a LikedTerm>) -> Vec<String> {
    let words = terms.into_iter().filter(|term| term.field == TokenField::Words);
    words.take(BASIS).map(|term| term.token.clone()).collect()
}
