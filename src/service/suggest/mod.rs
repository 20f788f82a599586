//! Completions while somebody types: the answer to a request, and the thread that keeps them up with the store.

mod days;
mod lexicon;
mod popular;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::engine::{Engine, EngineError};
use crate::presentation::page::SearchPage;
use crate::presentation::snippet::Fragment;
use crate::query::ladder::Relaxation;
use crate::query::request::{BadRequest, SearchRequest};
use crate::query::typed::MAX_LENGTH;
use crate::record::kind::Label;
use crate::record::validate::Violation;
use crate::record::{Catalog, Revision, State};
use crate::service::correction::Corrector;
use crate::service::indexing::read;
use crate::service::search::SearchError;
use crate::store::{Change, Cursor, Store, StoreError};
use crate::suggest::{Offer, Pattern, Source, SuggestIndex, Suggestion, is_unit};
use crate::text::Analyzer;
pub use days::Day;
use days::Days;
use lexicon::Lexicon;
use popular::{Popular, PopularOptions};

pub const DEFAULT_LIMIT: usize = 10;
pub const MAX_LIMIT: usize = 50;
/// Changes read at a time.
const BATCH: usize = 1_000;
/// Longest text that is offered to others, and that is noted when somebody says so, in characters.
const LONGEST_OFFERED: usize = 30;
const LONGEST_REPORTED: usize = 120;
/// How often the thread looks whether something is to do when nothing is written.
const TICK: Duration = Duration::from_millis(250);
/// Least time between two writes of what was counted.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// A request as it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuggestRequest {
    pub q: String,
    /// Names of kinds; none: all.
    pub kind: Vec<String>,
    pub limit: Option<usize>,
}

/// What `GET /v1/suggest` answers.
#[derive(Clone, Debug, Serialize)]
pub struct SuggestPage {
    pub items: Vec<Item>,
    pub took_ms: f64,
}

/// A completion.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    pub text: Arc<str>,
    /// `None` for what belongs to no kind, or to several.
    pub kind: Option<Arc<str>>,
    /// What the kind is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    pub source: Source,
    /// Of the record whose title this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Arc<str>>,
    /// The text in pieces; marked is what the typed text stands for.
    pub highlights: Vec<Fragment>,
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Completes what is typed, and counts what is asked.
pub struct SuggestService {
    catalog: Arc<Catalog>,
    analyzer: Arc<Analyzer>,
    store: Arc<dyn Store>,
    engine: Arc<dyn Engine>,
    corrector: Arc<Corrector>,
    /// What records have.
    records: RwLock<SuggestIndex>,
    /// Terms of the dictionaries and vocabularies that some record holds, and popular queries.
    lexicon: RwLock<SuggestIndex>,
    popular: Popular,
    /// What was asked and not there.
    missed: Popular,
    /// What people said that they did not find.
    reported: Popular,
    days: Days,
}

impl SuggestService {
    pub fn new(
        catalog: Arc<Catalog>,
        analyzer: Arc<Analyzer>,
        store: Arc<dyn Store>,
        engine: Arc<dyn Engine>,
        corrector: Arc<Corrector>,
        min_count: u32,
    ) -> Self {
        let popular = PopularOptions { min_count, longest: LONGEST_OFFERED };
        let said = PopularOptions { min_count: 1, longest: LONGEST_REPORTED };
        let reported = Popular::new(store.clone(), "_reported_query", said);
        let missed = Popular::new(store.clone(), "_missed_query", popular);
        let popular = Popular::new(store.clone(), "_query", popular);
        let days = Days::new(store.clone());
        let (records, lexicon) = Default::default();
        Self {
            catalog,
            analyzer,
            store,
            engine,
            corrector,
            records,
            lexicon,
            popular,
            missed,
            reported,
            days,
        }
    }

    /// Answers one request; nothing typed completes to nothing.
    pub fn suggest(&self, request: &SuggestRequest) -> Result<SuggestPage, SearchError> {
        let started = Instant::now();
        let (kinds, limit) = self.check(request).map_err(SearchError::Bad)?;
        self.engine.whole()?;
        let wanted = |kind: u8| kinds.is_empty() || kinds.contains(&kind);
        let pattern = Pattern::new(&self.analyzer.normalize(&request.q).text);
        let mut items: Vec<Item> = Vec::with_capacity(limit);
        if let Some(pattern) = pattern {
            // Enough that every source is there when it has something.
            let many = limit * 6;
            let mut found = locked(&self.records).find(&pattern, many, &wanted);
            found.extend(locked(&self.lexicon).find(&pattern, many, &wanted));
            found.sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.text.cmp(&b.text)));
            for suggestion in mixed(distinct(found, &self.analyzer), limit) {
                items.push(self.item(suggestion));
            }
        }
        Ok(SuggestPage { items, took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 1e2 })
    }

    fn check(&self, request: &SuggestRequest) -> Result<(Vec<u8>, usize), BadRequest> {
        let mut violations = Vec::new();
        let mut wrong = |pointer: &str, code: &'static str, expected: String, found: &str| {
            let found = found.chars().take(80).collect();
            violations.push(Violation { pointer: pointer.to_owned(), code, expected, found });
        };
        let length = request.q.chars().count();
        if length > MAX_LENGTH {
            let expected = format!("at most {MAX_LENGTH} characters");
            wrong("/q", "query_too_long", expected, &format!("{length} characters"));
        }
        let mut kinds = Vec::new();
        for name in &request.kind {
            match self.catalog.kinds.iter().position(|kind| *kind.name == **name) {
                Some(at) => kinds.push(number(at)),
                None => {
                    let all: Vec<&str> =
                        self.catalog.kinds.iter().map(|kind| &*kind.name).collect();
                    wrong("/kind", "unknown_kind", format!("one of {}", all.join(", ")), name);
                }
            }
        }
        let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            wrong("/limit", "bad_limit", format!("1 to {MAX_LIMIT}"), &limit.to_string());
        }
        match violations.first() {
            None => Ok((kinds, limit)),
            Some(first) => Err(BadRequest { code: first.code, violations }),
        }
    }

    fn item(&self, suggestion: Suggestion) -> Item {
        let kind = suggestion.kind.and_then(|at| self.catalog.kinds.get(usize::from(at)));
        Item {
            highlights: highlights(&suggestion, &self.analyzer),
            text: suggestion.text,
            kind: kind.map(|kind| kind.name.clone()),
            label: kind.map(|kind| kind.label.clone()),
            source: suggestion.source,
            id: suggestion.id,
        }
    }

    /// Lists what is asked most, the most asked first.
    pub fn popular(&self, limit: usize) -> Vec<String> {
        self.asked(limit).into_iter().map(|(text, _)| text).collect()
    }

    /// Lists what is asked most, with how often: the most asked first, those longer ago for less.
    pub fn asked(&self, limit: usize) -> Vec<(String, u32)> {
        self.popular.top().into_iter().take(limit).collect()
    }

    /// Lists what is asked most and found nowhere, or nothing but records with some of its characters.
    pub fn missed(&self, limit: usize) -> Vec<(String, u32)> {
        self.missed.top().into_iter().take(limit).collect()
    }

    /// Lists what people said that they did not find, most often first.
    pub fn reported(&self, limit: usize) -> Vec<(String, u32)> {
        self.reported.top().into_iter().take(limit).collect()
    }

    /// Times that a text must have been asked before [`Self::asked`] and [`Self::missed`] name it.
    pub fn least_counted(&self) -> u32 {
        self.popular.least()
    }

    /// Counts of the last `length` days up to `today`, the oldest first; days without any are there.
    pub fn days(&self, today: i32, length: u16) -> Vec<Day> {
        self.days.last(today, length)
    }

    /// Counts a search that somebody made, and what it found.
    ///
    /// As a text only what was typed and nothing else: no filter, no later page, nothing that was corrected.
    pub fn note_search(&self, request: &SearchRequest, page: &SearchPage, today: i32) {
        let is_first = request.cursor.is_none() && request.offset.unwrap_or(0) == 0;
        if !is_first || request.q.trim().is_empty() {
            return;
        }
        let loose = matches!(page.relaxation, Relaxation::MostWords | Relaxation::Grams);
        self.days.note(today, |day| {
            day.searches += 1;
            day.none += u64::from(page.total == 0);
            day.loose += u64::from(page.total > 0 && loose);
        });
        let plain = page.corrected.is_none()
            && request.filter.is_none()
            && request.scope.is_everything()
            && !request.raw;
        if !plain || self.analyzer.is_unsuggested(&request.q) {
            return;
        }
        let normalized = self.analyzer.normalize(&request.q).text;
        let selects = request.select.iter().any(|selected| !selected.starts_with("kind:"));
        if page.total > 0 {
            self.popular.note(&request.q, &normalized, today);
        }
        if !selects && (page.total == 0 || page.relaxation == Relaxation::Grams) {
            self.missed.note(&request.q, &normalized, today);
        }
    }

    /// Counts that somebody says not to have found what `q` asks for; tells whether it is counted.
    pub fn note_unfound(&self, q: &str, today: i32) -> bool {
        self.reported.note(q, &self.analyzer.normalize(q).text, today)
    }

    /// Counts that somebody opened the result at `position`, from 1.
    pub fn note_click(&self, position: u32, today: i32) {
        self.days.note(today, |day| {
            day.clicks += 1;
            day.reciprocal += 1.0 / f64::from(position.max(1));
        });
    }

    /// Keeps the completions behind the store on a thread of its own until `stop` is set.
    pub fn follow(self: &Arc<Self>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
        let service = self.clone();
        std::thread::Builder::new()
            .name("suggestions".into())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = service.follow_once(&stop) {
                        tracing::error!(%error, "suggestions stopped and begin again in a second");
                        *written(&service.records) = SuggestIndex::default();
                        std::thread::sleep(Duration::from_secs(1));
                    }
                }
                if let Err(error) = service.save() {
                    tracing::warn!(%error, "what was asked lately is not kept");
                }
            })
            .expect("the system gives a thread")
    }

    /// Writes down what was counted.
    fn save(&self) -> Result<(), StoreError> {
        self.popular.save()?;
        self.missed.save()?;
        self.reported.save()?;
        self.days.save()
    }

    /// Follows until `stop` is set or something fails.
    fn follow_once(&self, stop: &AtomicBool) -> Result<(), FollowError> {
        self.popular.load()?;
        self.missed.load()?;
        self.reported.load()?;
        self.days.load()?;
        let (mut cursor, mut revision) = (Cursor::default(), Revision::default());
        // The last change of a record: what the service writes for itself changes nothing that is offered.
        let mut changed = Revision::default();
        let mut lexicon = Lexicon::new(&self.catalog, &self.analyzer);
        let mut saved = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let (changes, next) = self.store.changes(&cursor, BATCH)?;
            cursor = next;
            let is_behind = changes.len() == BATCH;
            if let Some(last) = changes.last() {
                revision = last.revision();
            }
            if let Some(last) = changes.iter().rfind(|change| !change.id().is_internal()) {
                changed = last.revision();
            }
            self.apply(&changes);
            self.merge(false);
            if is_behind {
                continue;
            }
            let words = self.analyzer.words_fingerprint();
            if !lexicon.is_of(words) && self.engine.words_fingerprint() == Some(words) {
                lexicon = Lexicon::new(&self.catalog, &self.analyzer);
            }
            let is_indexed = self.engine.applied().is_some_and(|(_, applied)| applied >= changed);
            if is_indexed
                && self.engine.is_whole()
                && lexicon.is_due(changed, self.popular.changes())
            {
                let is_outdated = lexicon.is_outdated(changed);
                *written(&self.lexicon) = lexicon.refresh(&*self.engine, &self.popular, changed)?;
                if is_outdated {
                    self.corrector.refresh()?;
                }
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.save()?;
                saved = Instant::now();
            }
            self.store.wait_for_changes(revision, TICK);
        }
        Ok(())
    }

    /// Applies changes of records.
    fn apply(&self, changes: &[Change]) {
        for change in changes.iter().filter(|change| !change.id().is_internal()) {
            let id = change.id();
            let kind = self.catalog.kinds.iter().position(|kind| kind.name == id.kind);
            let Some(at) = kind.map(number) else { continue };
            let record = match change {
                Change::Put(stored) => read(stored).filter(|r| r.state == State::Published),
                Change::Withdraw { .. } => None,
            };
            let Some(record) = record else {
                written(&self.records).remove(at, &id.id);
                continue;
            };
            let offered = self.catalog.kinds[usize::from(at)].suggestions(&record.fields);
            let normalized: Vec<String> =
                offered.iter().map(|(_, text)| self.analyzer.normalize(text).text).collect();
            let offers: Vec<Offer<'_>> = offered
                .iter()
                .zip(&normalized)
                .filter(|(_, normalized)| normalized.chars().any(is_unit))
                .map(|((suggested, text), normalized)| Offer {
                    source: (*suggested).into(),
                    text,
                    normalized,
                })
                .collect();
            written(&self.records).put(at, &id.id, &offers, self.analyzer.pinyin());
        }
    }

    /// Sorts what waits, while the old lists go on answering.
    fn merge(&self, now: bool) {
        let due = locked(&self.records).merge_due(now);
        if let Some(merge) = due {
            let sorted = merge.sort();
            written(&self.records).merged(&merge, sorted);
        }
    }
}

fn locked(index: &RwLock<SuggestIndex>) -> std::sync::RwLockReadGuard<'_, SuggestIndex> {
    index.read().unwrap_or_else(PoisonError::into_inner)
}

fn written(index: &RwLock<SuggestIndex>) -> std::sync::RwLockWriteGuard<'_, SuggestIndex> {
    index.write().unwrap_or_else(PoisonError::into_inner)
}

/// A kind's number. A catalog has a handful of kinds; those beyond 255 share the last number.
fn number(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

/// Leaves of the same text, however it is written, the best.
fn distinct(found: Vec<Suggestion>, analyzer: &Analyzer) -> Vec<Suggestion> {
    let mut kept: Vec<(String, Suggestion)> = Vec::with_capacity(found.len());
    for mut suggestion in found {
        let mut normalized = analyzer.normalize(&suggestion.text).text;
        normalized.retain(is_unit);
        if matches!(suggestion.source, Source::Term | Source::Query) {
            suggestion.kind = None;
        }
        match kept.iter_mut().find(|(known, _)| *known == normalized) {
            None => kept.push((normalized, suggestion)),
            // A name that several kinds have belongs to none of them.
            Some((_, known)) if known.id.is_none() && known.kind != suggestion.kind => {
                known.kind = None;
            }
            Some(_) => {}
        }
    }
    kept.into_iter().map(|(_, suggestion)| suggestion).collect()
}

/// Takes the first `limit`, no more than half of them of one source while others have some.
fn mixed(found: Vec<Suggestion>, limit: usize) -> Vec<Suggestion> {
    let share = limit.div_ceil(2);
    let mut counts = std::collections::HashMap::new();
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    for suggestion in found {
        let count: &mut usize = counts.entry(suggestion.source).or_default();
        *count += 1;
        if *count <= share { taken.push(suggestion) } else { rest.push(suggestion) }
    }
    taken.truncate(limit);
    rest.truncate(limit - taken.len());
    taken.extend(rest);
    taken.sort_by_key(|suggestion| suggestion.rank);
    taken
}

/// Marks what the typed text stands for.
fn highlights(suggestion: &Suggestion, analyzer: &Analyzer) -> Vec<Fragment> {
    let text = &*suggestion.text;
    let normalized = analyzer.normalize(text);
    let mut units = normalized.text.char_indices().filter(|(_, ch)| is_unit(*ch));
    let from = units.nth(suggestion.at);
    let to = match suggestion.length {
        0 | 1 => from,
        length => units.nth(length - 2),
    };
    let (Some((from, _)), Some((to, last))) = (from, to) else {
        return vec![Fragment { text: text.to_owned(), hit: false }];
    };
    let marked = normalized.original(from..to + last.len_utf8());
    [(0..marked.start, false), (marked.clone(), true), (marked.end..text.len(), false)]
        .into_iter()
        .filter(|(range, _)| !range.is_empty())
        .map(|(range, hit)| Fragment { text: text[range].to_owned(), hit })
        .collect()
}
