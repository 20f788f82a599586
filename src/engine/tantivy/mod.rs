//! The embedded engine.

mod collect;
mod exclude;
mod forward;
mod like;
mod lists;
mod lower;
mod rescore;
mod schema;
mod signals;
pub mod verify;
mod words;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::LogMergePolicy;
use tantivy::query::{BooleanQuery, Occur};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::document::IndexRecord;
use super::{Engine, EngineError, Found, Hit, IndexChange, LikeTerms, Liked, Shares};
use crate::query::like::Like;
use crate::query::{After, Search, TokenField};
use crate::record::validate::ColumnValue;
use crate::record::{Catalog, RecordId, Revision};
use crate::store::Cursor;
use collect::{Gather, Kept, Plan};
use forward::Columns;
use lists::Lists;
use rescore::{Rescored, rescore};
use schema::{ColumnType, IndexSchema};

/// Best hits that are scored by every part of the query.
const RESCORED: usize = 200;
/// Views kept for cursors; the oldest goes when there are more.
const MAX_VIEWS: usize = 64;
const WRITER_BYTES: usize = 96 << 20;

/// An index in a folder.
pub struct TantivyEngine {
    catalog: Arc<Catalog>,
    schema: IndexSchema,
    fingerprint: u64,
    index: Index,
    reader: IndexReader,
    /// `None` after a failure, until the next change makes a new one.
    writer: Mutex<Option<IndexWriter>>,
    threads: usize,
    visible: ArcSwap<Visible>,
    views: Mutex<VecDeque<Arc<Visible>>>,
    lists: Lists,
}

/// A frozen view of the index, how far it has read the change log, and what cut its words.
struct Visible {
    searcher: Searcher,
    applied: Option<(Cursor, Revision)>,
    words: Option<u64>,
    columns: Columns,
}

/// What a commit remembers.
#[derive(Serialize, Deserialize)]
struct Payload {
    fingerprint: u64,
    cursor: Cursor,
    revision: Revision,
    words: u64,
}

impl TantivyEngine {
    /// Opens the index in `dir`, or makes an empty one there.
    ///
    /// `fingerprint` stands for everything that decides which tokens a record gives; an index made under another one
    /// is refused with [`EngineError::Unsupported`].
    pub fn open(
        dir: &Path,
        catalog: Arc<Catalog>,
        fingerprint: u64,
        threads: usize,
    ) -> Result<Self, EngineError> {
        std::fs::create_dir_all(dir).map_err(|error| {
            EngineError::Unavailable(format!("{} cannot be made: {error}", dir.display()))
        })?;
        let schema = IndexSchema::new(&catalog);
        let directory = MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?;
        let index = if Index::exists(&directory).map_err(tantivy::TantivyError::from)? {
            let mut index = Index::open(directory)?;
            if index.schema() != schema.schema {
                return Err(EngineError::Unsupported("the index has other fields".into()));
            }
            index.set_tokenizers(schema::tokenizers());
            index
        } else {
            Index::builder()
                .schema(schema.schema.clone())
                .tokenizers(schema::tokenizers())
                .open_or_create(directory)?
        };
        let (applied, words) = match index.load_metas()?.payload {
            None => (None, None),
            Some(payload) => {
                let payload: Payload = serde_json::from_str(&payload).map_err(|error| {
                    EngineError::Unavailable(format!("the commit's payload is unreadable: {error}"))
                })?;
                if payload.fingerprint != fingerprint {
                    return Err(EngineError::Unsupported(
                        "made under another configuration".into(),
                    ));
                }
                (Some((payload.cursor, payload.revision)), Some(payload.words))
            }
        };
        let writer = Mutex::new(Some(writer_of(&index, threads)?));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let visible = ArcSwap::from_pointee(Visible {
            searcher: reader.searcher(),
            applied,
            words,
            columns: Columns::default(),
        });
        Ok(Self {
            catalog,
            schema,
            fingerprint,
            index,
            reader,
            writer,
            threads,
            visible,
            views: Mutex::new(VecDeque::new()),
            lists: Lists::default(),
        })
    }

    /// Works on the writer. A writer that failed is dropped: what it had taken in since the last commit is lost, and
    /// the caller reads the change log again from [`Engine::applied`].
    fn write(
        &self,
        work: impl FnOnce(&mut IndexWriter) -> tantivy::Result<()>,
    ) -> Result<(), EngineError> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => writer_of(&self.index, self.threads)?,
        };
        work(&mut writer)?;
        *slot = Some(writer);
        Ok(())
    }

    /// Waits until no merge is running.
    pub fn close(self) -> Result<(), EngineError> {
        match self.writer.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(writer) => Ok(writer.wait_merging_threads()?),
            None => Ok(()),
        }
    }

    fn document(&self, record: &IndexRecord) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.schema.key, record.id.to_string());
        document.add_text(self.schema.kind, &record.id.kind);
        document.add_u64(self.schema.revision, record.revision.0);
        document.add_i64(self.schema.newest, record.newest.into());
        for (field, tokens) in &record.tokens {
            if !tokens.is_empty() {
                document.add_text(self.schema.token_field(*field), tokens);
            }
        }
        for (at, (path, value)) in record.values.iter().enumerate() {
            let Some(column) = self.schema.columns.get(path) else { continue };
            // A value is counted once a record, wherever in the record it stands.
            if record.values[..at].iter().any(|(other, seen)| other == path && seen == value) {
                continue;
            }
            match value {
                ColumnValue::Term(text) | ColumnValue::Code(text) | ColumnValue::Tree(text) => {
                    document.add_text(column.field, text);
                }
                ColumnValue::Bool(value) => document.add_text(column.field, value.to_string()),
                ColumnValue::Integer(number) => document.add_i64(column.field, *number),
                ColumnValue::Date(days) => document.add_i64(column.field, (*days).into()),
                ColumnValue::Decimal(number) => document.add_f64(column.field, *number),
            }
        }
        self.add_ancestors(record, &mut document);
        document
    }

    fn add_ancestors(&self, record: &IndexRecord, document: &mut TantivyDocument) {
        let mut added: Vec<(tantivy::schema::Field, &str)> = Vec::new();
        for (path, value) in &record.values {
            let ColumnValue::Tree(code) = value else { continue };
            let column =
                self.schema.columns.get(path).filter(|c| c.column_type == ColumnType::Tree);
            let above = column.and_then(|column| column.above.as_ref());
            let vocabulary =
                self.catalog.column(path).and_then(|column| column.vocabulary.as_ref());
            let (Some((field, _)), Some(vocabulary)) = (above, vocabulary) else { continue };
            for entry in vocabulary.path(code) {
                if !added.contains(&(*field, &entry.code)) {
                    document.add_text(*field, &entry.code);
                    added.push((*field, &entry.code));
                }
            }
        }
    }

    fn view(&self, search: &Search) -> Result<Arc<Visible>, EngineError> {
        let Some(After::View { view, .. }) = search.after else {
            return Ok(self.visible.load_full());
        };
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let at = views
            .iter()
            .position(|visible| visible.searcher.generation().generation_id() == view)
            .ok_or(EngineError::Expired)?;
        let visible = views.remove(at).ok_or(EngineError::Expired)?;
        views.push_back(visible.clone());
        Ok(visible)
    }

    fn remember(&self, visible: &Arc<Visible>) -> u64 {
        let view = visible.searcher.generation().generation_id();
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if !views.iter().any(|known| known.searcher.generation().generation_id() == view) {
            if views.len() == MAX_VIEWS {
                views.pop_front();
            }
            views.push_back(visible.clone());
        }
        view
    }
}

impl Engine for TantivyEngine {
    fn apply(&self, changes: Vec<IndexChange>) -> Result<(), EngineError> {
        self.write(|writer| {
            for change in &changes {
                let id = match change {
                    IndexChange::Put(record) => &record.id,
                    IndexChange::Remove(id) => id,
                };
                writer.delete_term(Term::from_field_text(self.schema.key, &id.to_string()));
                if let IndexChange::Put(record) = change {
                    writer.add_document(self.document(record))?;
                }
            }
            Ok(())
        })
    }

    fn commit(&self, applied: &Cursor, revision: Revision, words: u64) -> Result<(), EngineError> {
        let (fingerprint, cursor) = (self.fingerprint, applied.clone());
        let payload = Payload { fingerprint, cursor, revision, words };
        let payload = serde_json::to_string(&payload)
            .map_err(|error| EngineError::Unavailable(error.to_string()))?;
        self.write(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            self.reader.reload()
        })?;
        let searcher = self.reader.searcher();
        // New segments are laid out here, not in the first search that meets them.
        let columns = self.visible.load().columns.renew(&searcher)?;
        let applied = Some((applied.clone(), revision));
        let words = Some(words);
        self.visible.store(Arc::new(Visible { searcher, applied, words, columns }));
        Ok(())
    }

    fn applied(&self) -> Option<(Cursor, Revision)> {
        self.visible.load().applied.clone()
    }

    fn words_fingerprint(&self) -> Option<u64> {
        self.visible.load().words
    }

    fn search(&self, search: &Search) -> Result<Found, EngineError> {
        let visible = self.view(search)?;
        let searcher = &visible.searcher;
        let skip = match search.after {
            Some(After::View { shown, .. }) => shown,
            _ => search.offset,
        };
        let wanted = skip + search.limit;
        let window = if search.parts.is_empty() { 0 } else { RESCORED };
        // One more than wanted tells whether there is a next page.
        let keep = (wanted + 1).max(window);
        let mut query = lower::query(&search.query, &self.schema)?;
        if let Some(filter) = &search.filter {
            query = Box::new(BooleanQuery::new(vec![
                (Occur::Must, query),
                (Occur::Must, lower::filter(filter, &self.schema)?),
            ]));
        }
        let plan =
            Plan::new(search, keep, &self.schema, &self.catalog, searcher, &visible.columns)?;
        let by_score = plan.by_score();
        let mut gathered = searcher.search(&*query, &Gather { plan: Arc::new(plan) })?;
        let revision = visible.applied.as_ref().map(|(_, revision)| *revision).unwrap_or_default();
        if gathered.matched < search.least {
            let (matched, total) = (gathered.matched, gathered.total);
            let (hits, facets) = (Vec::new(), gathered.facets);
            return Ok(Found { hits, total, matched, facets, next: None, revision });
        }
        let mut rescored = Rescored::default();
        if by_score {
            let window = window.min(gathered.kept.len());
            let (best, rest) = gathered.kept.split_at_mut(window);
            let measured =
                signals::measure(searcher, &self.schema, &visible.columns, search, best)?;
            let (parts, bm25) = (&search.parts, &self.catalog.scoring.bm25);
            rescored = rescore(searcher, &self.schema, parts, measured, best, wanted, bm25)?;
            // Further down scores are of fewer parts, and fall all the same.
            let mut lowest = best.last().map_or(f32::MAX, |last| last.score);
            for hit in rest {
                lowest = lowest.min(hit.score);
                hit.score = lowest;
            }
        }
        let more = gathered.kept.len() > wanted;
        gathered.kept.truncate(wanted);
        let shown = skip.min(gathered.kept.len());
        let kept: Vec<Kept> = gathered.kept.drain(shown..).collect();
        let next = match (more, kept.last()) {
            (true, Some(last)) if !by_score => {
                Some(After::Key { key: last.key.clone(), revision: last.revision })
            }
            (true, Some(_)) => Some(After::View { view: self.remember(&visible), shown: wanted }),
            _ => None,
        };
        Ok(Found {
            hits: hits(&visible, kept, shown, &rescored)?,
            total: gathered.total,
            matched: gathered.matched,
            facets: gathered.facets,
            next,
            revision,
        })
    }

    fn like(&self, like: &Like, limit: usize) -> Result<Liked, EngineError> {
        like::View::new(&self.visible.load(), &self.schema, &self.lists)?.find(like, limit)
    }

    fn like_shares(
        &self,
        like: &Like,
        ids: &[RecordId],
    ) -> Result<(Liked, Vec<Shares>), EngineError> {
        like::View::new(&self.visible.load(), &self.schema, &self.lists)?.shares(like, ids)
    }

    fn like_terms(&self, like: &Like) -> Result<LikeTerms, EngineError> {
        like::View::new(&self.visible.load(), &self.schema, &self.lists)?.terms(like)
    }

    fn words(&self) -> Result<Vec<(String, u64)>, EngineError> {
        let field = self.schema.token_field(TokenField::Words);
        Ok(words::words(&self.visible.load().searcher, field)?)
    }

    fn num_records(&self) -> Result<u64, EngineError> {
        Ok(self.visible.load().searcher.num_docs())
    }

    fn num_with(&self, field: TokenField, token: &str) -> Result<u64, EngineError> {
        let term = Term::from_field_text(self.schema.token_field(field), token);
        Ok(self.visible.load().searcher.doc_freq(&term)?)
    }

    fn verify(&self) -> Result<Vec<String>, EngineError> {
        let damaged = self.index.validate_checksum()?;
        Ok(damaged.into_iter().map(|path| path.display().to_string()).collect())
    }
}

/// Names the hits of which the first stands at `from` in the list.
fn hits(
    visible: &Visible,
    kept: Vec<Kept>,
    from: usize,
    rescored: &Rescored,
) -> Result<Vec<Hit>, EngineError> {
    let keys = visible.columns.keys(&visible.searcher)?;
    kept.into_iter()
        .zip(from..)
        .map(|(kept, at)| {
            let key = keys[kept.address.segment_ord as usize].get(kept.address.doc_id);
            let id = RecordId::parse(key).ok_or_else(|| {
                EngineError::Unavailable("a record of the index has no key".into())
            })?;
            Ok(Hit {
                id,
                revision: Revision(kept.revision),
                score: kept.score,
                parts: rescored.parts(at),
                signals: rescored.signals(at),
                key: kept.key,
            })
        })
        .collect()
}

fn writer_of(index: &Index, threads: usize) -> tantivy::Result<IndexWriter> {
    let writer = index.writer_with_num_threads(threads, WRITER_BYTES.max(threads * (16 << 20)))?;
    let mut merging = LogMergePolicy::default();
    // Every segment costs every search a look-up a term; a few more merges cost less.
    merging.set_min_num_segments(4);
    // By default deleted records never cause a merge, and records here are updated more than added.
    merging.set_del_docs_ratio_before_merge(0.3);
    writer.set_merge_policy(Box::new(merging));
    Ok(writer)
}

impl From<tantivy::TantivyError> for EngineError {
    fn from(error: tantivy::TantivyError) -> Self {
        EngineError::Unavailable(error.to_string())
    }
}
