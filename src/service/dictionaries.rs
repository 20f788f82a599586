//! The dictionaries that queries are read with, and their change while the service runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::query::understand::{FILES, Lexicon, STOP_WORDS};
use crate::record::Catalog;
use crate::text::{Analyzer, DictionaryError};

/// How often a folder is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// How often the watching thread looks whether it shall stop.
const TICK: Duration = Duration::from_millis(100);

/// Synonyms, abbreviations, organizations and stop words; replaced as a whole when a file changes.
///
/// A search keeps the dictionaries that it began with. Words and character tables decide what is indexed, and are read
/// at the start alone.
pub struct Dictionaries {
    /// Without one the copies in the program are used, which do not change.
    folder: Option<PathBuf>,
    analyzer: Arc<Analyzer>,
    catalog: Arc<Catalog>,
    current: ArcSwap<Lexicon>,
    seen: Mutex<Stamp>,
}

/// Time of change and length of each file; `None` for one that cannot be looked at.
type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Dictionaries {
    pub fn open(
        folder: Option<PathBuf>,
        analyzer: Arc<Analyzer>,
        catalog: Arc<Catalog>,
    ) -> Result<Self, DictionaryError> {
        let lexicon = Lexicon::open(folder.as_deref(), &analyzer, &catalog)?;
        let dictionaries = Self {
            folder,
            analyzer,
            catalog,
            current: ArcSwap::from_pointee(lexicon),
            seen: Mutex::default(),
        };
        *dictionaries.seen.lock().unwrap_or_else(PoisonError::into_inner) = dictionaries.stamp();
        Ok(dictionaries)
    }

    /// Returns the dictionaries in use.
    pub fn lexicon(&self) -> Arc<Lexicon> {
        self.current.load_full()
    }

    /// Reads the files again if any has changed; tells whether that was so.
    ///
    /// A malformed line refuses all of them: what was in use stays in use, and the error names file and line. It is
    /// told once for each change of a file.
    pub fn refresh(&self) -> Result<bool, DictionaryError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.stamp();
        if *seen == stamp {
            return Ok(false);
        }
        *seen = stamp;
        let lexicon = Lexicon::open(self.folder.as_deref(), &self.analyzer, &self.catalog)?;
        self.current.store(Arc::new(lexicon));
        Ok(true)
    }

    fn stamp(&self) -> Stamp {
        let Some(folder) = &self.folder else { return Stamp::new() };
        let names = FILES.iter().map(|(name, _)| *name).chain([STOP_WORDS]);
        names
            .map(|name| {
                let metadata = std::fs::metadata(folder.join(name)).ok()?;
                Some((metadata.modified().ok()?, metadata.len()))
            })
            .collect()
    }

    /// Looks at the folder every two seconds on a thread of its own; `None` when there is none.
    pub fn watch(self: &Arc<Self>, stop: Arc<AtomicBool>) -> Option<JoinHandle<()>> {
        self.folder.as_ref()?;
        let dictionaries = self.clone();
        let work = move || {
            let ticks = INTERVAL.as_millis() / TICK.as_millis();
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..ticks {
                    std::thread::sleep(TICK);
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
                match dictionaries.refresh() {
                    Ok(false) => {}
                    Ok(true) => {
                        let entries = dictionaries.lexicon().num_entries;
                        tracing::info!(entries, "the dictionaries have changed");
                    }
                    Err(error) => {
                        tracing::error!(%error, "changed dictionaries are refused; the old ones stay");
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("dictionaries".into()).spawn(work);
        thread.inspect_err(|error| tracing::error!(%error, "dictionaries are not watched")).ok()
    }
}
