//! The index the other way round: many standing queries, one record; which of them does the record match?
//!
//! Searching again for every standing query would cost a search each. Here each query is filed under a few of its
//! tokens, chosen so that a record without any of them cannot match, the rarest there are. A record looks up its own
//! tokens, and what that brings up is decided exactly, in memory, without reading the index.

mod condition;
mod item;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub use condition::{Condition, Frequencies};
pub use item::Item;

/// Place of a standing query: small numbers, used again when one is removed.
pub type Slot = u32;

/// Standing queries by the tokens that a record must have one of.
#[derive(Default)]
pub struct ReverseIndex {
    entries: Vec<Option<Entry>>,
    postings: HashMap<u64, Vec<Slot>, BuildHasherDefault<Hashed>>,
    /// Those that no token can rule out.
    unfiled: Vec<Slot>,
}

struct Entry {
    condition: Condition,
    filed: Filed,
}

enum Filed {
    Nowhere,
    Always,
    Under(Box<[u64]>),
}

impl ReverseIndex {
    /// Files a condition at `slot`, in place of what is there.
    ///
    /// `frequencies` tells how many records hold a token; it decides how fast the index is, never what it answers.
    pub fn insert(&mut self, slot: Slot, condition: Condition, frequencies: &dyn Frequencies) {
        self.remove(slot);
        let filed = match condition.anchors(frequencies) {
            condition::Anchors::Never => Filed::Nowhere,
            condition::Anchors::Always => {
                self.unfiled.push(slot);
                Filed::Always
            }
            condition::Anchors::Any(mut tokens) => {
                tokens.sort_unstable();
                tokens.dedup();
                for &token in &tokens {
                    self.postings.entry(token).or_default().push(slot);
                }
                Filed::Under(tokens.into())
            }
        };
        let at = slot as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, || None);
        }
        self.entries[at] = Some(Entry { condition, filed });
    }

    /// Takes the condition at `slot` out; nothing happens when there is none.
    pub fn remove(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        match entry.filed {
            Filed::Nowhere => {}
            Filed::Always => self.unfiled.retain(|&other| other != slot),
            Filed::Under(tokens) => {
                for token in tokens {
                    if let Some(list) = self.postings.get_mut(&token) {
                        list.retain(|&other| other != slot);
                        if list.is_empty() {
                            self.postings.remove(&token);
                        }
                    }
                }
            }
        }
    }

    /// Lists the standing queries that `item` matches, in the order of their slots.
    ///
    /// `today` is in days since 1970-01-01, for selections of days relative to it.
    pub fn matches(&self, item: &Item, today: i32) -> Vec<Slot> {
        let mut found = self.unfiled.clone();
        for token in item.tokens() {
            if let Some(list) = self.postings.get(&token) {
                found.extend_from_slice(list);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|&slot| {
            self.entries[slot as usize]
                .as_ref()
                .is_some_and(|entry| entry.condition.holds(item, today))
        });
        found
    }

    /// Number of standing queries.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Tokens are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, token: u64) {
        self.0 = token;
    }
}
