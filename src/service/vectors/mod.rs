//! Similarity by meaning: vectors from an outside service, kept in the store, compared in memory.
//!
//! Off unless an address is configured. A list asks for the vector of its own text alone, with a short time-out; those
//! of records are made in the background. A vector is kept under the model and the text: the same text is asked
//! for once in the life of a data folder, and another model begins anew while the old vectors stay unused until all
//! new ones are there.

pub mod endpoint;
pub mod shelf;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::indexing;
use crate::engine::Engine;
use crate::matching::{Side, Similarity, Unavailable};
use crate::record::{Catalog, Fields, Record, RecordId, RecordKind, Revision, State};
use crate::store::{Change, Cursor, Expected, Store, StoreError, Write};
use endpoint::Endpoint;
use shelf::Shelves;

/// Kind of the records that hold vectors.
const KIND: &str = "_vector";
/// Characters of a record that are read.
const MAX_CHARS: usize = 2_000;
/// Texts of lists that are remembered.
const MAX_ASKED: usize = 500;
/// Records read at a time.
const PAGE: usize = 500;
const IDLE: Duration = Duration::from_millis(250);

/// Settings of similarity by meaning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VectorsConfig {
    /// Address of an OpenAI-compatible endpoint, `https://…/v1/embeddings`; left out: none.
    pub url: Option<String>,
    pub model: String,
    /// Sent as a bearer token; also KECHUANG_VECTORS_KEY.
    pub key: Option<String>,
    /// What a list waits for the vector of its own text.
    pub timeout_ms: u64,
    /// Texts sent together in the background, and how long an answer to them may take.
    pub batch: usize,
    pub batch_timeout_seconds: u64,
    /// After so many failures one after the other, nothing is asked for the pause.
    pub failures: u32,
    pub pause_seconds: u64,
}

impl Default for VectorsConfig {
    fn default() -> Self {
        Self {
            url: None,
            model: "default".into(),
            key: None,
            timeout_ms: 150,
            batch: 64,
            batch_timeout_seconds: 30,
            failures: 3,
            pause_seconds: 30,
        }
    }
}

/// Makes, keeps and compares vectors.
pub struct Vectors {
    catalog: Arc<Catalog>,
    store: Arc<dyn Store>,
    engine: Arc<dyn Engine>,
    endpoint: Endpoint,
    settings: VectorsConfig,
    shelves: RwLock<Shelves>,
    /// Vectors of texts that lists were made for lately.
    asked: Mutex<HashMap<String, Vec<f32>>>,
    seen: AtomicU64,
}

impl Vectors {
    /// `None` when no address is configured. `Err` says why the settings cannot be used.
    pub fn open(
        catalog: Arc<Catalog>,
        store: Arc<dyn Store>,
        engine: Arc<dyn Engine>,
        settings: &VectorsConfig,
    ) -> Result<Option<Arc<Self>>, String> {
        let Some(url) = &settings.url else { return Ok(None) };
        Ok(Some(Arc::new(Self {
            catalog,
            store,
            engine,
            endpoint: Endpoint::new(url, settings)?,
            settings: settings.clone(),
            shelves: RwLock::default(),
            asked: Mutex::default(),
            seen: AtomicU64::default(),
        })))
    }

    /// Number of records that have a vector.
    pub fn len(&self) -> usize {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last change whose record has its vector; 0 before every record was looked at.
    pub fn seen(&self) -> Revision {
        Revision(self.seen.load(Ordering::Acquire))
    }

    /// Follows the store on a thread of its own until `stop` is set.
    pub fn follow(self: &Arc<Self>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
        let vectors = self.clone();
        std::thread::Builder::new()
            .name("vectors".into())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = vectors.follow_once(&stop) {
                        tracing::error!(%error, "vectors cannot be kept up; begins again in a second");
                        std::thread::sleep(Duration::from_secs(1));
                    }
                }
            })
            .expect("the system gives a thread")
    }

    fn follow_once(&self, stop: &AtomicBool) -> Result<(), StoreError> {
        let (mut cursor, mut revision) = self.engine.applied().unwrap_or_default();
        for kind in &self.catalog.kinds {
            let mut after: Option<Arc<str>> = None;
            loop {
                let page = self.store.scan(&kind.name, after.as_deref(), PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id.id.clone());
                self.shelve(page.iter().filter_map(indexing::read).collect(), stop)?;
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
        }
        self.forget_other_models()?;
        self.seen.store(revision.0, Ordering::Release);
        while !stop.load(Ordering::Relaxed) {
            self.take(&mut cursor, &mut revision, stop)?;
        }
        Ok(())
    }

    fn take(
        &self,
        cursor: &mut Cursor,
        revision: &mut Revision,
        stop: &AtomicBool,
    ) -> Result<(), StoreError> {
        let (changes, next) = self.store.changes(cursor, PAGE)?;
        let Some(last) = changes.last().map(Change::revision) else {
            self.store.wait_for_changes(*revision, IDLE);
            return Ok(());
        };
        let mut records = Vec::new();
        for change in changes.into_iter().filter(|change| !change.id().is_internal()) {
            match change {
                Change::Withdraw { id, .. } => self.drop_vector(&id),
                Change::Put(stored) => records.extend(indexing::read(&stored)),
            }
        }
        self.shelve(records, stop)?;
        if !stop.load(Ordering::Relaxed) {
            (*cursor, *revision) = (next, last);
            self.seen.store(last.0, Ordering::Release);
        }
        Ok(())
    }

    fn drop_vector(&self, id: &RecordId) {
        self.shelves.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Gives records their vectors, from the store or else from the endpoint; waits as long as that does not answer.
    fn shelve(&self, records: Vec<Record>, stop: &AtomicBool) -> Result<(), StoreError> {
        let mut missing: Vec<(RecordId, String)> = Vec::new();
        for record in records {
            let id = record.record_id();
            let text = match self.catalog.kind(&record.kind) {
                Some(kind) if record.state == State::Published => text_of(kind, &record.fields),
                _ => String::new(),
            };
            match self.kept(&text)? {
                _ if text.is_empty() => self.drop_vector(&id),
                Some(vector) => self.put(id, &vector),
                None => missing.push((id, text)),
            }
        }
        for batch in missing.chunks(self.settings.batch.max(1)) {
            let texts: Vec<&str> = batch.iter().map(|(_, text)| &**text).collect();
            let timeout = Duration::from_secs(self.settings.batch_timeout_seconds);
            let vectors = loop {
                match self.endpoint.embed(&texts, self.dimension(), timeout) {
                    Ok(vectors) => break vectors,
                    Err(error) => {
                        tracing::warn!(%error, "no vectors; asked again later");
                        let pause = Duration::from_secs(self.settings.pause_seconds).min(IDLE * 20);
                        for _ in 0..(pause.as_millis() / IDLE.as_millis()).max(1) {
                            if stop.load(Ordering::Relaxed) {
                                return Ok(());
                            }
                            std::thread::sleep(IDLE.min(pause));
                        }
                    }
                }
            };
            let writes = texts.iter().zip(&vectors).map(|(text, vector)| self.keep(text, vector));
            self.store.append(vec![writes.collect()])?;
            for ((id, _), vector) in batch.iter().zip(&vectors) {
                self.put(id.clone(), vector);
            }
        }
        Ok(())
    }

    fn put(&self, id: RecordId, vector: &[f32]) {
        self.shelves.write().unwrap_or_else(PoisonError::into_inner).put(id, vector);
    }

    fn dimension(&self) -> Option<usize> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner).dimension()
    }

    /// Removes the vectors of models that are not used any more.
    fn forget_other_models(&self) -> Result<(), StoreError> {
        let prefix = self.prefix();
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.id.clone());
            let others = page.into_iter().filter(|stored| !stored.id.id.starts_with(&prefix));
            let writes: Vec<Write> = others
                .map(|stored| Write { id: stored.id, expected: Expected::Any, body: None })
                .collect();
            if !writes.is_empty() {
                self.store.append(vec![writes])?;
            }
        }
    }

    fn prefix(&self) -> String {
        format!("{}-", hex(&Sha256::digest(&self.settings.model)[..6]))
    }

    fn id_of(&self, text: &str) -> RecordId {
        RecordId::new(KIND, format!("{}{}", self.prefix(), hex(&Sha256::digest(text)[..16])))
    }

    fn keep(&self, text: &str, vector: &[f32]) -> Write {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        let body = serde_json::to_vec(&STANDARD.encode(bytes)).expect("a string is JSON");
        Write { id: self.id_of(text), expected: Expected::Any, body: Some(body) }
    }

    fn kept(&self, text: &str) -> Result<Option<Vec<f32>>, StoreError> {
        let Some(stored) = self.store.get(&self.id_of(text))? else { return Ok(None) };
        let bytes = serde_json::from_slice::<String>(&stored.json).ok();
        let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
        let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        Ok(bytes.map(|bytes| bytes.as_chunks().0.iter().map(number).collect()))
    }

    /// The vector of a record that a list is made for.
    fn vector(&self, from: Side<'_>) -> Result<Vec<f32>, Unavailable> {
        let unavailable = |error: &dyn std::fmt::Display| Unavailable(error.to_string());
        let text = text_of(from.kind, from.fields);
        if text.is_empty() {
            return Err(Unavailable("there is no text".into()));
        }
        if let Some(vector) = self.kept(&text).map_err(|error| unavailable(&error))? {
            return Ok(vector);
        }
        // Whoever asks for matches must not be able to fill the store: what is not a record's is remembered here.
        if let Some(vector) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&text) {
            return Ok(vector.clone());
        }
        let timeout = Duration::from_millis(self.settings.timeout_ms);
        let asked = self.endpoint.embed(&[&text], self.dimension(), timeout);
        let vector = asked.map_err(|error| unavailable(&error))?.remove(0);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MAX_ASKED {
            asked.clear();
        }
        asked.insert(text, vector.clone());
        Ok(vector)
    }
}

impl Similarity for Vectors {
    fn similarities(
        &self,
        from: Side<'_>,
        to: &[RecordId],
    ) -> Result<Vec<Option<f32>>, Unavailable> {
        let vector = self.vector(from)?;
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        Ok(shelves.similarities(&vector, to))
    }

    fn nearest(
        &self,
        from: Side<'_>,
        to: &str,
        limit: usize,
    ) -> Result<Vec<(RecordId, f32)>, Unavailable> {
        let vector = self.vector(from)?;
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        Ok(shelves.nearest(&vector, to, limit))
    }
}

/// The beginning of what a record says.
fn text_of(kind: &RecordKind, fields: &Fields) -> String {
    let mut text = String::new();
    for (_, part) in kind.texts(fields) {
        text.push_str(part.trim());
        text.push('\n');
    }
    text.trim().chars().take(MAX_CHARS).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
