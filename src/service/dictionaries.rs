//! The dictionaries that queries are read with, and their change while the service runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::query::understand::{FILES, Lexicon, STOP_WORDS};
use crate::record::Catalog;
use crate::text::{Analyzer, DictionaryError, WORDS};

/// How often a folder is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// How often the watching thread looks whether it shall stop.
const TICK: Duration = Duration::from_millis(100);

/// Synonyms, abbreviations, organizations, stop words, and the words of the analyzer; replaced as a whole when a file
/// changes.
///
/// A search keeps the dictionaries that it began with; the index follows new words. Character tables decide what is
/// found, and are read at the start alone.
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
        let folder = self.folder.as_deref();
        let changed = self.analyzer.with_changed_words(folder)?;
        let analyzer = changed.as_ref().unwrap_or(&self.analyzer);
        let lexicon = Lexicon::open(folder, analyzer, &self.catalog)?;
        if let Some(changed) = &changed {
            self.analyzer.adopt_words(changed);
        }
        self.current.store(Arc::new(lexicon));
        Ok(true)
    }

    fn stamp(&self) -> Stamp {
        let Some(folder) = &self.folder else { return Stamp::new() };
        let names = FILES.iter().map(|(name, _)| *name).chain([STOP_WORDS, WORDS]);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with sound files, and dictionaries that use it.
    fn opened() -> (tempfile::TempDir, Dictionaries) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, _) in FILES {
            write(&folder, name, "");
        }
        write(&folder, STOP_WORDS, "怎么\n");
        write(&folder, WORDS, "专精特新\n");
        // Of its own, since its words change.
        let analyzer = Arc::new(Analyzer::open(None).expect("the embedded dictionaries are sound"));
        let catalog = Arc::new(Catalog::open(None).expect("the embedded configuration is good"));
        let dictionaries =
            Dictionaries::open(Some(folder.path().into()), analyzer, catalog).expect("sound files");
        (folder, dictionaries)
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    }

    fn also(dictionaries: &Dictionaries, text: &str) -> Vec<String> {
        let lexicon = dictionaries.lexicon();
        let found = lexicon.find(text);
        let others = found.iter().flat_map(|(_, meaning)| &meaning.alternatives);
        others.map(|other| other.text.clone()).collect()
    }

    #[test]
    fn a_changed_file_is_read_and_a_removed_entry_is_gone() {
        let (folder, dictionaries) = opened();
        assert!(!dictionaries.refresh().expect("nothing has changed"));
        assert_eq!(also(&dictionaries, "甲乙"), Vec::<String>::new());
        write(&folder, "synonyms.txt", "甲乙, 丙丁\n");
        assert!(dictionaries.refresh().expect("sound files"));
        assert_eq!(also(&dictionaries, "甲乙"), ["丙丁"]);
        write(&folder, "synonyms.txt", "");
        assert!(dictionaries.refresh().expect("sound files"));
        assert_eq!(also(&dictionaries, "甲乙"), Vec::<String>::new());
    }

    #[test]
    fn changed_words_are_used_with_the_others_or_not_at_all() {
        let (folder, dictionaries) = opened();
        let words = || -> Vec<String> {
            dictionaries.analyzer.words("甲戊丙丁").into_iter().map(|word| word.text).collect()
        };
        let before = words();
        assert!(before.len() > 1, "{before:?}");
        let clone = Analyzer::clone(&dictionaries.analyzer);
        write(&folder, WORDS, "甲戊丙丁\n碳\n");
        let error = dictionaries.refresh().expect_err("a word of one character").to_string();
        assert!(error.contains("words.txt, line 2"), "{error}");
        write(&folder, WORDS, "甲戊丙丁\n");
        write(&folder, "abbreviations.txt", "壬\n");
        dictionaries.refresh().expect_err("a malformed line of another file");
        assert_eq!(words(), before, "none of the new is used");
        write(&folder, "abbreviations.txt", "");
        assert!(dictionaries.refresh().expect("sound files"));
        assert_eq!(words(), ["甲戊丙丁"]);
        assert_eq!(clone.words_fingerprint(), dictionaries.analyzer.words_fingerprint());
        assert_eq!(*clone.user_words(), ["甲戊丙丁".to_owned()]);
    }

    #[test]
    fn a_malformed_file_leaves_the_old_ones_in_use() {
        let (folder, dictionaries) = opened();
        write(&folder, "synonyms.txt", "甲乙, 丙丁\n");
        assert!(dictionaries.refresh().expect("sound files"));
        write(&folder, "abbreviations.txt", "戊己, 庚辛\n\n壬\n");
        let error = dictionaries.refresh().expect_err("a malformed line").to_string();
        assert!(error.contains("abbreviations.txt, line 3"), "{error}");
        assert_eq!(also(&dictionaries, "甲乙"), ["丙丁"]);
        assert_eq!(also(&dictionaries, "戊己"), Vec::<String>::new(), "none of the new is used");
        assert!(!dictionaries.refresh().expect("told once"));
        std::fs::remove_file(folder.path().join("abbreviations.txt")).expect("it is there");
        assert!(dictionaries.refresh().is_err(), "a missing file is refused too");
        write(&folder, "abbreviations.txt", "戊己, 庚辛\n");
        assert!(dictionaries.refresh().expect("mended"));
        assert_eq!(also(&dictionaries, "戊己"), ["庚辛"]);
    }
}
