//! The read path: understand -> search -> get -> page.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::{Engine, EngineError, Found};
use crate::presentation::snippet::Highlighter;
use crate::presentation::{facet, page};
use crate::query::filter::{Filter, Literal};
use crate::query::ladder::{Ladder, Relaxation, Rung};
use crate::query::request::{BadRequest, CheckedRequest, Cursor, SearchRequest};
use crate::query::typed::Typed;
use crate::query::understand::{self, Offer, Reader, Understanding};
use crate::query::{Order, Query, Ranker, Search, Selection};
use crate::record::understanding::Said;
use crate::record::{Catalog, Visibility};
use crate::service::correction::{Corrector, Meant};
use crate::service::dictionaries::Dictionaries;
use crate::store::{Store, StoreError};
use crate::text::Analyzer;
use page::{Corrected, SearchPage, Synonym, Understood};

/// Answers searches.
pub struct SearchService {
    pub catalog: Arc<Catalog>,
    pub analyzer: Arc<Analyzer>,
    pub dictionaries: Arc<Dictionaries>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    pub corrector: Arc<Corrector>,
}

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the request was refused")]
    Bad(BadRequest),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a request comes down to: a record is found when it matches a rung, the filter and every selection.
pub struct Standing {
    /// From the strictest.
    pub rungs: Vec<Rung>,
    /// A rung that finds fewer is followed by the next.
    pub enough: u64,
    pub filter: Option<Filter>,
    pub selections: Vec<Selection>,
}

/// What a search finds, before records are read and a page is made of them.
pub struct Findings {
    pub found: Found,
    pub relaxation: Relaxation,
    /// The signals that the hits were ranked by.
    pub rankers: Vec<Ranker>,
    /// Marks what was looked for.
    pub highlighter: Highlighter,
    pub understood: Understood,
    /// What the query was corrected to, where it was.
    pub corrected: Option<String>,
}

impl SearchService {
    /// Answers one request. `today` is in days since 1970-01-01.
    pub fn search(
        &self,
        request: &SearchRequest,
        scope: Visibility,
        today: i32,
    ) -> Result<SearchPage, SearchError> {
        let started = Instant::now();
        let checked = request.check(&self.catalog).map_err(SearchError::Bad)?;
        let Findings { found, relaxation, rankers, highlighter, understood, corrected } =
            self.find(&checked, today)?;
        let mut items = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            let Some(kind) = self.catalog.kind(&hit.id.kind) else { continue };
            // A record withdrawn a moment ago may still be in the index.
            let Some(stored) = self.store.get(&hit.id)? else { continue };
            let rankers = checked.explain.then_some(&*rankers);
            items.extend(page::item(hit, &stored.json, kind, scope, &highlighter, rankers));
        }
        let facets = found
            .facets
            .iter()
            .map(|counts| {
                (counts.path.clone(), facet::label(counts, &checked.selections, &self.catalog))
            })
            .collect();
        let next = found.next.map(|after| {
            let (fingerprint, corrected) = (checked.fingerprint, corrected.clone());
            Cursor { relaxation, after, fingerprint, corrected }.encode()
        });
        Ok(SearchPage {
            items,
            total: found.total,
            total_exact: true,
            facets,
            relaxation,
            understood,
            corrected: corrected.map(|to| Corrected { from: request.q.clone(), to }),
            next,
            revision: found.revision.0,
            took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 1e2,
        })
    }

    /// Finds what a checked request asks for: hits and counts, and no record is read.
    pub fn find(&self, request: &CheckedRequest, today: i32) -> Result<Findings, SearchError> {
        let meant = match request.corrects {
            true => self.corrector.correct(&request.q)?,
            false => None,
        };
        let (corrected, also) = match (&request.cursor, meant) {
            // A walk stays on what it began with.
            (Some(cursor), Some(Meant::Also(also))) if cursor.corrected.is_none() => {
                (None, Some(also))
            }
            (Some(cursor), _) => (cursor.corrected.clone(), None),
            (None, Some(Meant::Instead(text))) => (Some(text), None),
            (None, Some(Meant::Also(text))) => (None, Some(text)),
            (None, None) => (None, None),
        };
        let q = corrected.as_deref().unwrap_or(&request.q);
        let typed = Typed::parse(q);
        let mut branches = self.understand(&typed, request, today);
        if let (Some(also), [only]) = (also, branches.as_mut_slice()) {
            only.also(&typed.plain, &also);
        }
        let mut ladder = self.ladder(&typed, &branches, request);
        let (relaxation, found) = self.climb(request, &typed, &ladder, today)?;
        let rung = ladder.rungs.iter_mut().find(|rung| rung.relaxation == relaxation);
        Ok(Findings {
            found,
            relaxation,
            rankers: rung.map(|rung| std::mem::take(&mut rung.rankers)).unwrap_or_default(),
            highlighter: Highlighter::new(&self.analyzer, ladder.needles),
            understood: Understood {
                words: ladder.words,
                filters: offers(q, &typed, &branches),
                synonyms: synonyms(&branches),
                phrases: typed.phrases,
                excluded: typed.excluded,
            },
            corrected,
        })
    }

    /// Takes a request apart for those who want to know which records it may find, without searching.
    ///
    /// What a day decides (`本月`) is open: the answer holds on every day.
    pub fn standing(&self, request: &SearchRequest) -> Result<Standing, SearchError> {
        let checked = request.check(&self.catalog).map_err(SearchError::Bad)?;
        Ok(self.standing_of(&checked))
    }

    /// The same for a request that was checked.
    pub fn standing_of(&self, checked: &CheckedRequest) -> Standing {
        let typed = Typed::parse(&checked.q);
        let mut branches = self.understand(&typed, checked, 0);
        for span in branches.iter_mut().flat_map(|branch| &mut branch.spans) {
            if span.said == Said::Date && span.meaning.is_some() {
                span.meaning = Some(Filter::Exists { path: "kind".into() });
            }
        }
        let ladder = self.ladder(&typed, &branches, checked);
        Standing {
            rungs: ladder.rungs,
            enough: ladder.enough,
            filter: with_kinds(checked),
            selections: checked.selections.clone(),
        }
    }

    /// Understands what was typed, branch by branch; with `raw` it is what it is.
    fn understand(
        &self,
        typed: &Typed,
        request: &CheckedRequest,
        today: i32,
    ) -> Vec<Understanding> {
        let lexicon = self.dictionaries.lexicon();
        let reader = Reader {
            analyzer: &self.analyzer,
            lexicon: &lexicon,
            catalog: &self.catalog,
            kinds: &request.kinds,
            today,
        };
        let read = |branch: &String| match request.raw {
            true => understand::literal(branch, &self.analyzer),
            false => reader.understand(branch),
        };
        typed.branches.iter().map(read).collect()
    }

    fn ladder(
        &self,
        typed: &Typed,
        branches: &[Understanding],
        request: &CheckedRequest,
    ) -> Ladder {
        Ladder::new(typed, branches, &self.analyzer, &self.catalog.scoring).within(request.scope)
    }

    /// Tries the rungs in order until one finds enough; a cursor stays on the rung it was given on.
    fn climb(
        &self,
        request: &CheckedRequest,
        typed: &Typed,
        ladder: &Ladder,
        today: i32,
    ) -> Result<(Relaxation, Found), SearchError> {
        let order = request.order.clone().unwrap_or(
            match typed.plain.is_empty() && typed.phrases.is_empty() {
                true => Order::Newest,
                false => Order::Score,
            },
        );
        let mut search = Search {
            query: Query::All,
            parts: Vec::new(),
            rankers: Vec::new(),
            filter: with_kinds(request),
            selections: request.selections.clone(),
            facets: request.facets.clone(),
            order,
            limit: request.limit,
            offset: request.offset,
            after: request.cursor.as_ref().map(|cursor| cursor.after.clone()),
            least: 0,
            today,
        };
        let kept = request.cursor.as_ref().map(|cursor| cursor.relaxation);
        let rungs: Vec<&Rung> = ladder
            .rungs
            .iter()
            .filter(|rung| rung.relaxation <= request.loosest)
            .filter(|rung| kept.is_none_or(|kept| kept == rung.relaxation))
            .collect();
        let mut answer = |rung: &Rung, least: u64| {
            search.query = rung.query.clone();
            (search.parts, search.rankers) = match search.order {
                Order::Score => (rung.parts.clone(), rung.rankers.clone()),
                _ => (Vec::new(), Vec::new()),
            };
            search.least = least;
            self.engine.search(&search)
        };
        // What is selected must not change which rung answers, or the facets would count something else: so it is
        // what matches before selections that counts.
        let mut widest: Option<(&Rung, u64)> = None;
        for (at, rung) in rungs.iter().copied().enumerate() {
            let is_last = at + 1 == rungs.len();
            let before = widest.map_or(0, |(_, matched)| matched);
            // A wider rung that finds no more says less: the one before it is asked again.
            let least = if is_last { before + u64::from(at > 0) } else { ladder.enough };
            let found = answer(rung, least)?;
            if found.matched >= least {
                return Ok((rung.relaxation, found));
            }
            if widest.is_none() || found.matched > before {
                widest = Some((rung, found.matched));
            }
        }
        match widest {
            Some((rung, _)) => Ok((rung.relaxation, answer(rung, 0)?)),
            None => Err(EngineError::Unsupported("nothing was asked".into()).into()),
        }
    }
}

/// Places the offers of all branches in the query as it was typed. Words that a quotation parted are left out.
fn offers(q: &str, typed: &Typed, branches: &[Understanding]) -> Vec<Offer> {
    let mut offers = Vec::new();
    let mut from = 0;
    for (text, branch) in typed.branches.iter().zip(branches) {
        let found = q[from..].find(text.as_str()).map(|at| from + at);
        for offer in &branch.offers {
            let (byte, first) = match found {
                Some(at) => (at, offer.start),
                None => match q.find(&offer.text) {
                    Some(at) => (at, 0),
                    None => continue,
                },
            };
            let start = q[..byte].chars().count() + first;
            let end = start + offer.text.chars().count();
            offers.push(Offer { start, end, ..offer.clone() });
        }
        from = found.map_or(from, |at| at + text.len());
    }
    offers
}

fn synonyms(branches: &[Understanding]) -> Vec<Synonym> {
    let spans = branches.iter().flat_map(|branch| {
        branch.spans.iter().filter(|span| !span.alternatives.is_empty()).map(|span| Synonym {
            text: span.typed.clone(),
            also: span.alternatives.iter().map(|other| other.shown.clone()).collect(),
        })
    });
    spans.collect()
}

/// Adds the request's kinds to its filter.
fn with_kinds(request: &CheckedRequest) -> Option<Filter> {
    let kinds = (!request.kinds.is_empty()).then(|| Filter::In {
        path: "kind".into(),
        values: request.kinds.iter().map(|kind| Literal::Text(kind.to_string())).collect(),
    });
    match (kinds, request.filter.clone()) {
        (Some(kinds), Some(filter)) => Some(Filter::And(vec![kinds, filter])),
        (kinds, filter) => kinds.or(filter),
    }
}
