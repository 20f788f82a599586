//! Opens what the configuration names and puts it together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::applicability::Dictionary;
use crate::config::Config;
use crate::engine::guard::Guard;
use crate::engine::tantivy::TantivyEngine;
use crate::engine::tantivy::verify::damaged_indexes;
use crate::engine::{Engine, EngineError};
use crate::matching::Matching;
use crate::matching::Similarity;
use crate::record::kind_toml::{ConfigError, ConfigFiles};
use crate::record::{Catalog, Revision};
use crate::service::alerts::AlertService;
use crate::service::alerts::forward::Forward;
use crate::service::applicability::ApplicabilityService;
use crate::service::correction::Corrector;
use crate::service::dictionaries::Dictionaries;
use crate::service::feedback::FeedbackService;
use crate::service::import::jobs::ImportJobs;
use crate::service::indexing::{Indexing, IndexingError, Progress};
use crate::service::ingest::IngestService;
use crate::service::keys::Keys;
use crate::service::keys::attempts::Attempts;
use crate::service::matches::MatchService;
use crate::service::profiles::Profiles;
use crate::service::review::ReviewService;
use crate::service::search::SearchService;
use crate::service::suggest::SuggestService;
use crate::service::vectors::Vectors;
use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};
use crate::store::{Store, StoreError};
use crate::text::{Analyzer, DictionaryError};

/// The opened service, without its HTTP side.
pub struct App {
    pub catalog: Arc<Catalog>,
    /// What is known of organizations, and what follows from it.
    pub dictionary: Arc<Dictionary>,
    pub analyzer: Arc<Analyzer>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    /// What stands before the engine.
    guard: Arc<Guard>,
    pub corrector: Arc<Corrector>,
    pub suggest: Arc<SuggestService>,
    pub search: Arc<SearchService>,
    pub alerts: Arc<AlertService>,
    pub feedback: FeedbackService,
    /// Similarity by meaning, where it is set up.
    pub vectors: Option<Arc<Vectors>>,
    pub matches: Arc<MatchService>,
    pub applicability: Arc<ApplicabilityService>,
    pub profiles: Profiles,
    pub ingest: IngestService,
    pub review: ReviewService,
    pub imports: ImportJobs,
    pub keys: Keys,
    /// Keys that were tried on the page and are none.
    pub attempts: Attempts,
    /// What people without a key write, all of them together.
    pub guests: Attempts,
    pub clock: Clock,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("vectors: {reason}")]
    Vectors { reason: String },
    #[error("{context}: {source}")]
    Io { context: String, source: std::io::Error },
}

/// Tells the day and the instant in the service's zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
}

impl Clock {
    pub fn new(utc_offset_hours: i8) -> Self {
        let offset = Offset::from_hours(utc_offset_hours).unwrap_or(Offset::UTC);
        Self { zone: TimeZone::fixed(offset) }
    }

    /// Days since 1970-01-01.
    pub fn today(&self) -> i32 {
        let today = Timestamp::now().to_zoned(self.zone.clone()).date();
        let epoch = jiff::civil::date(1970, 1, 1);
        today.since(epoch).map_or(0, |span| span.get_days())
    }

    /// RFC 3339 in UTC, to the second.
    pub fn now(&self) -> String {
        let now = Timestamp::now();
        let whole = now - i64::from(now.subsec_nanosecond()).nanoseconds();
        whole.to_string()
    }

    /// Seconds since 1970-01-01 in UTC.
    pub fn seconds(&self) -> i64 {
        Timestamp::now().as_second()
    }

    /// Reads an instant in RFC 3339 as the service's zone shows it: `2026-11-23 16:05`.
    pub fn local_time(&self, instant: &str) -> Option<String> {
        let instant: Timestamp = instant.parse().ok()?;
        Some(instant.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
    }
}

impl App {
    /// Opens the data folder of `config`, making what is missing.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let files = ConfigFiles::read(config.index_config.as_deref())?;
        let catalog = Arc::new(Catalog::from_files(&files)?);
        let rules = Arc::new(Matching::from_files(&files, &catalog)?);
        let options = EmbeddedOptions {
            cache_bytes: config.store.cache_mb << 20,
            retention: Duration::from_secs(u64::from(config.store.retention_days) * 86_400),
            ballast_bytes: config.store.ballast_mb.unwrap_or(0) << 20,
            ..EmbeddedOptions::default()
        };
        let indexes = config.data.join("index");
        // Reading the dictionaries and checking the records take about as long: they share the start. The files of the
        // index are checked in the meantime.
        let (analyzer, store, damaged) = std::thread::scope(|scope| {
            let analyzer = scope.spawn(|| Analyzer::open(config.dictionaries.as_deref()));
            let damaged = scope.spawn(|| damaged_indexes(&indexes));
            let store = EmbeddedStore::open(&config.data, options);
            let analyzer = analyzer.join().expect("reading dictionaries does not panic");
            (analyzer, store, damaged.join().unwrap_or_default())
        });
        let analyzer = Arc::new(analyzer?);
        let store: Arc<dyn Store> = Arc::new(store?);
        let engine = open_index(&indexes, &catalog, &analyzer, store.head(), &damaged)?;
        let guard = Arc::new(Guard::new(Box::new(engine), store.head()));
        Self::assemble(catalog, rules, analyzer, store, guard, config)
    }

    fn assemble(
        catalog: Arc<Catalog>,
        rules: Arc<Matching>,
        analyzer: Arc<Analyzer>,
        store: Arc<dyn Store>,
        guard: Arc<Guard>,
        config: &Config,
    ) -> Result<Self, OpenError> {
        let engine: Arc<dyn Engine> = guard.clone();
        let dictionaries = Arc::new(Dictionaries::open(
            config.dictionaries.clone(),
            analyzer.clone(),
            catalog.clone(),
        )?);
        let dictionary = Arc::new(Dictionary::new(catalog.clone())?);
        let corrector = Arc::new(Corrector::new(analyzer.clone(), engine.clone(), &catalog));
        let search = Arc::new(SearchService {
            corrector: corrector.clone(),
            catalog: catalog.clone(),
            analyzer: analyzer.clone(),
            dictionaries,
            store: store.clone(),
            engine: engine.clone(),
        });
        let vectors =
            Vectors::open(catalog.clone(), store.clone(), engine.clone(), &config.vectors)
                .map_err(|reason| OpenError::Vectors { reason })?;
        let matches = Arc::new(MatchService {
            catalog: catalog.clone(),
            analyzer: analyzer.clone(),
            store: store.clone(),
            engine: engine.clone(),
            rules,
            dictionary: dictionary.clone(),
            similarity: vectors.clone().map(|vectors| vectors as Arc<dyn Similarity>),
        });
        let applicability = Arc::new(ApplicabilityService::new(
            catalog.clone(),
            dictionary.clone(),
            store.clone(),
            engine.clone(),
        ));
        let keys = Keys::open(store.clone())?;
        let alerts = Arc::new(AlertService::new(
            catalog.clone(),
            analyzer.clone(),
            store.clone(),
            Forward { search: search.clone(), matches: matches.clone(), engine: engine.clone() },
            applicability.clone(),
            config.alerts.clone(),
            keys.derive("feeds"),
        ));
        Ok(Self {
            applicability,
            profiles: Profiles { dictionary: dictionary.clone(), store: store.clone() },
            corrector: corrector.clone(),
            suggest: Arc::new(SuggestService::new(
                catalog.clone(),
                analyzer.clone(),
                store.clone(),
                engine.clone(),
                corrector,
                config.search.popular_min_count,
            )),
            matches,
            ingest: IngestService {
                catalog: catalog.clone(),
                dictionary: dictionary.clone(),
                store: store.clone(),
            },
            review: ReviewService::new(store.clone()),
            imports: ImportJobs::new(config.data.join("imports")),
            attempts: Attempts::of_keys(),
            guests: Attempts::of_guests(),
            search,
            alerts,
            vectors,
            feedback: FeedbackService { store: store.clone() },
            keys,
            clock: Clock::new(config.utc_offset_hours),
            catalog,
            dictionary,
            analyzer,
            store,
            engine,
            guard,
        })
    }

    pub fn indexing(&self) -> Indexing {
        Indexing {
            catalog: self.catalog.clone(),
            analyzer: self.analyzer.clone(),
            store: self.store.clone(),
            engine: self.engine.clone(),
        }
    }

    /// Brings the index up to the store, now and on this thread.
    pub fn catch_up(&self, report: &mut dyn FnMut(Revision)) -> Result<Revision, IndexingError> {
        self.indexing().catch_up(report)
    }

    /// Keeps the index, the suggestions, the compiled rules and the alerts behind the store, and the dictionaries behind
    /// their files, each on a thread of its own.
    pub fn follow(&self) -> Follower {
        let stop = Arc::new(AtomicBool::new(false));
        self.guard.require(self.store.head());
        let (progress, thread) = self.indexing().follow(stop.clone());
        let clock = self.clock.clone();
        let mut threads = self.alerts.follow(move || clock.today(), stop.clone());
        threads.extend(self.search.dictionaries.watch(stop.clone()));
        threads.extend([
            thread,
            self.suggest.follow(stop.clone()),
            self.applicability.follow(stop.clone()),
        ]);
        threads.extend(self.vectors.as_ref().map(|vectors| vectors.follow(stop.clone())));
        Follower { progress, stop, threads }
    }
}

/// The threads that follow live writes and dictionaries; they stop, with everything committed, when this is dropped.
pub struct Follower {
    pub progress: Progress,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(thread = name, "a thread panicked");
            }
        }
    }
}

/// Threads worth using.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Opens the index that the configuration asks for, in a folder named after the configuration's fingerprint.
///
/// An index that is damaged or cannot be read is moved aside, never deleted, and made anew. One of another
/// configuration stays until the new one is there.
fn open_index(
    dir: &Path,
    catalog: &Arc<Catalog>,
    analyzer: &Analyzer,
    head: Revision,
    damaged: &[(PathBuf, Vec<String>)],
) -> Result<TantivyEngine, OpenError> {
    let fingerprint = catalog.fingerprint ^ analyzer.fingerprint().rotate_left(32);
    let current = dir.join(format!("{fingerprint:016x}"));
    let io = |context: String| move |source| OpenError::Io { context, source };
    std::fs::create_dir_all(dir).map_err(io(format!("{} cannot be made", dir.display())))?;
    let threads = cores().min(2);
    let open = || TantivyEngine::open(&current, catalog.clone(), fingerprint, threads);
    let reason = match damaged.iter().find(|(path, _)| *path == current) {
        Some((_, problems)) => problems.join(", "),
        None => match open() {
            Ok(engine) => match engine.applied() {
                Some((_, revision)) if revision > head => {
                    format!("it has read change {revision}, and the store ends at {head}")
                }
                _ => return Ok(engine),
            },
            Err(error) => error.to_string(),
        },
    };
    let aside = aside(&current);
    tracing::warn!(%reason, aside = %aside.display(), "the index is moved aside and made anew");
    std::fs::rename(&current, &aside).map_err(io(format!(
        "{} cannot be moved to {}",
        current.display(),
        aside.display()
    )))?;
    Ok(open()?)
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unreadable-{}", Timestamp::now().as_millisecond()));
    path.with_file_name(name)
}

/// Deletes indexes of earlier configurations, once the current one holds everything. Indexes that were moved aside
/// stay.
pub fn remove_stale_indexes(data: &Path, catalog: &Catalog, analyzer: &Analyzer) {
    let fingerprint = catalog.fingerprint ^ analyzer.fingerprint().rotate_left(32);
    let current = format!("{fingerprint:016x}");
    let Ok(entries) = std::fs::read_dir(data.join("index")) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let stale = name.to_str().is_some_and(|name| {
            name != current && name.len() == 16 && name.chars().all(|ch| ch.is_ascii_hexdigit())
        });
        if stale && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "an old index could not be removed");
        }
    }
}
