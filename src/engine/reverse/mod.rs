//! The index the other way round: many standing queries, one record; which of them may have the record in their answer?
//!
//! Searching again for every standing query would cost a search each. Here each query is filed under a few of its
//! tokens, chosen so that a record without any of them cannot match, the rarest there are. A record looks up its own
//! tokens, and what that brings up is decided exactly, in memory, without reading the index.
//!
//! A bag of weighted terms is filed under all of its terms: nearly every record shares one. What decides is how much
//! a record could score at most, against the bar that the last of a full answer has set.

mod condition;
mod item;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub use condition::{Condition, Frequencies};
pub use item::Item;

use crate::query::TokenField;

/// How much greater than [`presence`](crate::query::like::presence) an engine may take it to be: lengths are kept in
/// one byte, an eighth too small at most.
const ROUNDED: f32 = 1.06;

/// Place of a standing query: small numbers, used again when one is removed.
pub type Slot = u32;

type Postings<T> = HashMap<u64, Vec<T>, BuildHasherDefault<Hashed>>;

/// A bag of weighted terms.
#[derive(Clone, Debug, Default)]
pub struct Bag {
    /// Field, token, and what the term adds to a score for each unit of presence.
    pub terms: Vec<(TokenField, String, f32)>,
    /// How much more a term adds for each unit of presence in the title.
    pub title: f32,
}

/// Standing queries by the tokens that a record must have one of.
#[derive(Default)]
pub struct ReverseIndex {
    entries: Vec<Option<Entry>>,
    postings: Postings<Slot>,
    /// Weighted terms: where they are filed and what they add.
    weighted: Postings<(Slot, f32)>,
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
    Weighted {
        tokens: Box<[u64]>,
        /// The least score of interest.
        bar: f32,
        title: f32,
    },
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
        self.put(slot, Entry { condition, filed });
    }

    /// Files a bag of terms at `slot`, in place of what is there: of the records that meet `condition` those that
    /// hold a term and could score `bar` or more.
    pub fn insert_bag(&mut self, slot: Slot, bag: &Bag, condition: Condition, bar: f32) {
        self.remove(slot);
        let mut tokens = Vec::with_capacity(bag.terms.len());
        for (field, token, weight) in &bag.terms {
            let token = item::text_token(*field, token);
            self.weighted.entry(token).or_default().push((slot, *weight));
            tokens.push(token);
        }
        self.put(
            slot,
            Entry {
                condition,
                filed: Filed::Weighted { tokens: tokens.into(), bar, title: bag.title },
            },
        );
    }

    /// Sets the bar of a bag of terms; nothing happens when there is none at `slot`.
    pub fn set_bar(&mut self, slot: Slot, new: f32) {
        if let Some(Some(Entry { filed: Filed::Weighted { bar, .. }, .. })) =
            self.entries.get_mut(slot as usize)
        {
            *bar = new;
        }
    }

    fn put(&mut self, slot: Slot, entry: Entry) {
        let at = slot as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, || None);
        }
        self.entries[at] = Some(entry);
    }

    /// Takes what is at `slot` out; nothing happens when there is nothing.
    pub fn remove(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        match entry.filed {
            Filed::Nowhere => {}
            Filed::Always => self.unfiled.retain(|&other| other != slot),
            Filed::Under(tokens) => drop_from(&mut self.postings, &tokens, |&other| other == slot),
            Filed::Weighted { tokens, .. } => {
                drop_from(&mut self.weighted, &tokens, |&(other, _)| other == slot);
            }
        }
    }

    /// Lists the standing queries that `item` may be in the answer of, in the order of their slots.
    ///
    /// `today` is in days since 1970-01-01, for selections of days relative to it. `slack` gives the share of a slot's
    /// bar that must be reached: less than 1 when the statistics that the bar was set by have changed.
    pub fn matches(&self, item: &Item, today: i32, slack: impl Fn(Slot) -> f32) -> Vec<Slot> {
        // Most are brought up by several tokens.
        let mut found = Slots::new(self.entries.len());
        self.unfiled.iter().for_each(|&slot| found.insert(slot));
        // Of all of the text, and of the title alone.
        let none = [0f32; 2];
        let mut scores = vec![none; if self.weighted.is_empty() { 0 } else { self.entries.len() }];
        let mut scored = Vec::new();
        for (token, presence) in item.tokens() {
            if let Some(list) = self.postings.get(&token) {
                list.iter().for_each(|&slot| found.insert(slot));
            }
            if let Some(list) = self.weighted.get(&token) {
                let most = [presence, item.in_title(token)].map(|presence| ROUNDED * presence);
                for &(slot, weight) in list {
                    let score = &mut scores[slot as usize];
                    if *score == none {
                        scored.push(slot);
                    }
                    score[0] += weight * most[0];
                    score[1] += weight * most[1];
                }
            }
        }
        for slot in scored {
            let [all, in_title] = scores[slot as usize];
            if let Some(Entry { filed: Filed::Weighted { bar, title, .. }, .. }) =
                &self.entries[slot as usize]
                && (*bar <= 0.0 || all + title * in_title >= *bar * slack(slot))
            {
                found.insert(slot);
            }
        }
        let holds = |slot: &Slot| {
            let entry = self.entries[*slot as usize].as_ref();
            entry.is_some_and(|entry| entry.condition.holds(item, today))
        };
        found.iter().filter(holds).collect()
    }

    /// Number of standing queries.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A set of slots, as bits.
struct Slots(Vec<u64>);

impl Slots {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, slot: Slot) {
        self.0[slot as usize / 64] |= 1 << (slot % 64);
    }

    /// In their order.
    fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().enumerate().flat_map(|(at, &bits)| {
            let mut bits = bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(at as Slot * 64 + bit)
            })
        })
    }
}

fn drop_from<T>(postings: &mut Postings<T>, tokens: &[u64], is_gone: impl Fn(&T) -> bool) {
    for token in tokens {
        if let Some(list) = postings.get_mut(token) {
            list.retain(|entry| !is_gone(entry));
            if list.is_empty() {
                postings.remove(token);
            }
        }
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
