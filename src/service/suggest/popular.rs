//! What is asked often: counted, forgotten slowly, kept across restarts.
//!
//! A text counts once a minute, however often it is sent. Only what was asked often enough is written down or offered,
//! and nothing that looks like a person's number or address is counted at all.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::query::typed::Typed;
use crate::record::RecordId;
use crate::store::{Expected, Store, StoreError, Write};

/// A text counts once in this time.
const ONCE_IN: Duration = Duration::from_secs(60);
/// Days until a count is worth half.
const HALF_LIFE: f64 = 30.0;
/// Texts counted at a time; the rarest go when there are more.
const MAX_COUNTED: usize = 20_000;
/// Most texts that are offered and kept.
const MAX_KEPT: usize = 5_000;
/// Shortest text that is counted, in characters.
const SHORTEST: usize = 2;
/// Digits in a row, spaces and dashes between them aside, that may be somebody's number.
const PRIVATE_DIGITS: usize = 7;

/// How popular queries are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopularOptions {
    /// Times that a text must have been asked.
    pub min_count: u32,
    /// Longest text that is counted, in characters.
    pub longest: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    text: String,
    /// Times, those longer ago for less, as of the day `day`.
    count: f64,
    /// Days since 1970-01-01.
    day: i32,
    #[serde(skip)]
    last: Option<Instant>,
    #[serde(skip)]
    is_unsaved: bool,
}

impl Asked {
    fn count_on(&self, day: i32) -> f64 {
        let days = f64::from((day - self.day).max(0));
        self.count * (-days / HALF_LIFE).exp2()
    }
}

#[derive(Default)]
struct Counts {
    /// By the normalized text.
    asked: HashMap<String, Asked>,
    /// Ids of the records that are written.
    saved: HashSet<String>,
}

/// The counts.
pub(super) struct Popular {
    store: Arc<dyn Store>,
    /// Internal kind of the records that keep them.
    kind: &'static str,
    options: PopularOptions,
    counts: Mutex<Counts>,
    /// Grows when what is offered changes.
    changes: AtomicU64,
}

impl Popular {
    pub fn new(store: Arc<dyn Store>, kind: &'static str, options: PopularOptions) -> Self {
        Self { store, kind, options, counts: Mutex::default(), changes: AtomicU64::new(0) }
    }

    pub fn least(&self) -> u32 {
        self.options.min_count
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grows whenever a text comes to be offered.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Reads what was kept.
    pub fn load(&self) -> Result<(), StoreError> {
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(self.kind, after.as_deref(), 1_000)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.id.clone());
            let mut counts = self.counts();
            for stored in &page {
                counts.saved.insert(stored.id.id.to_string());
                // A record of another version says nothing here.
                if let Ok((key, asked)) = serde_json::from_slice::<(String, Asked)>(&stored.json) {
                    counts.asked.entry(key).or_insert(asked);
                }
            }
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Counts one text on the day `today`, in days since 1970-01-01; tells whether it is one that is counted.
    pub fn note(&self, text: &str, normalized: &str, today: i32) -> bool {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_countable(&text, self.options.longest) {
            return false;
        }
        let mut counts = self.counts();
        if counts.asked.len() >= MAX_COUNTED && !counts.asked.contains_key(normalized) {
            forget_rare(&mut counts, today);
        }
        let fresh = || Asked { text, count: 0.0, day: today, last: None, is_unsaved: false };
        let asked = counts.asked.entry(normalized.to_owned()).or_insert_with(fresh);
        if asked.last.is_some_and(|last| last.elapsed() < ONCE_IN) {
            return true;
        }
        let before = asked.count_on(today);
        asked.count = before + 1.0;
        asked.day = today;
        asked.last = Some(Instant::now());
        asked.is_unsaved = true;
        let least = f64::from(self.options.min_count);
        if before < least && asked.count >= least {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Lists what is offered, most asked first, with its count.
    pub fn top(&self) -> Vec<(String, u32)> {
        let counts = self.counts();
        let least = f64::from(self.options.min_count);
        let mut top: Vec<&Asked> =
            counts.asked.values().filter(|asked| asked.count >= least).collect();
        top.sort_by(|a, b| b.count.total_cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        top.truncate(MAX_KEPT);
        top.into_iter().map(|asked| (asked.text.clone(), asked.count as u32)).collect()
    }

    /// Writes down the counts that have changed and are high enough.
    pub fn save(&self) -> Result<(), StoreError> {
        let least = f64::from(self.options.min_count);
        let mut writes = Vec::new();
        {
            let mut counts = self.counts();
            let mut ids = Vec::new();
            for (key, asked) in &mut counts.asked {
                if asked.is_unsaved && asked.count >= least {
                    asked.is_unsaved = false;
                    let body =
                        serde_json::to_vec(&(key, &*asked)).expect("a count has only string keys");
                    let id = id_of(key);
                    writes.push(vec![Write {
                        id: RecordId::new(self.kind, &*id),
                        expected: Expected::Any,
                        body: Some(body),
                    }]);
                    ids.push(id);
                }
            }
            counts.saved.extend(ids);
            if counts.saved.len() > MAX_KEPT {
                let Counts { asked, saved, .. } = &mut *counts;
                let known: HashSet<String> = asked.keys().map(|key| id_of(key)).collect();
                saved.retain(|id| {
                    let keep = known.contains(id);
                    if !keep {
                        writes.push(vec![Write {
                            id: RecordId::new(self.kind, &**id),
                            expected: Expected::Any,
                            body: None,
                        }]);
                    }
                    keep
                });
            }
        }
        if !writes.is_empty() {
            self.store.append(writes)?;
        }
        Ok(())
    }
}

/// Keeps the half that is asked more.
fn forget_rare(counts: &mut Counts, today: i32) {
    let mut all: Vec<f64> = counts.asked.values().map(|asked| asked.count_on(today)).collect();
    all.sort_by(f64::total_cmp);
    let middle = all[all.len() / 2];
    counts.asked.retain(|_, asked| asked.count_on(today) > middle);
}

fn id_of(key: &str) -> String {
    Sha256::digest(key).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Tells whether a text may be offered to others: words without operators, nothing like a number or an address of
/// somebody.
fn is_countable(text: &str, longest: usize) -> bool {
    let typed = Typed::parse(text);
    let lower = text.to_lowercase();
    let address = ["@", "://", "www."].iter().any(|mark| lower.contains(mark));
    let mut digits = 0;
    let mut is_number = false;
    for ch in text.chars() {
        match ch {
            '0'..='9' | '０'..='９' => digits += 1,
            ' ' | '-' => {}
            _ => digits = 0,
        }
        is_number |= digits >= PRIVATE_DIGITS;
    }
    (SHORTEST..=longest).contains(&text.chars().count())
        && typed.phrases.is_empty()
        && typed.excluded.is_empty()
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(char::is_control)
        && !address
        && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};

    fn popular(store: &Arc<dyn Store>) -> Popular {
        Popular::new(store.clone(), "_query", PopularOptions { min_count: 2, longest: 30 })
    }

    fn ask(popular: &Popular, text: &str, times: usize) {
        for _ in 0..times {
            popular.note(text, text, 100);
            // As if a minute had gone by.
            for asked in popular.counts().asked.values_mut() {
                asked.last = None;
            }
        }
    }

    fn store() -> (Arc<dyn Store>, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).expect("opens");
        (Arc::new(store), dir)
    }

    #[test]
    fn what_is_asked_often_is_offered_and_kept() {
        let (store, _dir) = store();
        let first = popular(&store);
        ask(&first, "高企认定", 3);
        ask(&first, "专精特新", 2);
        ask(&first, "只问一次", 1);
        let expected = [("高企认定".to_owned(), 3), ("专精特新".to_owned(), 2)];
        assert_eq!(first.top(), expected);
        first.save().expect("saved");
        let again = popular(&store);
        again.load().expect("loaded");
        assert_eq!(again.top(), expected, "kept across a restart, the rare ones not");
    }

    #[test]
    fn a_text_counts_once_a_minute() {
        let (store, _dir) = store();
        let popular = popular(&store);
        (0..50).for_each(|_| assert!(popular.note("创新券", "创新券", 100)));
        assert_eq!(popular.top(), []);
    }

    #[test]
    fn counts_fade() {
        let asked = Asked { text: "a".into(), count: 8.0, day: 0, last: None, is_unsaved: false };
        assert!((asked.count_on(30) - 4.0).abs() < 1e-9);
        assert!((asked.count_on(90) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_may_be_private_is_not_counted() {
        for text in [
            "13800138000",
            "138 0013 8000 王工",
            "王工 0532-88880000",
            "370212199001011234",
            "wang@example.com",
            "https://example.com",
            "www.example.com 高企",
            "\"原文 引用\"",
            "招商 -公司",
            "企",
            "2025",
            "一个人把一整段话贴进了搜索框里这样的文字不是别人也会去问的问题所以不算",
        ] {
            assert!(!is_countable(text, 30), "{text}");
        }
        for text in ["高企认定", "2025年 揭榜挂帅", "国科发火〔2016〕32号", "NB-IoT"]
        {
            assert!(is_countable(text, 30), "{text}");
        }
    }
}
