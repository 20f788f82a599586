//! The index the other way round: many standing queries, one record; which of them may have the record in their answer?
//!
//! Searching again for every standing query would cost a search each. Here each query is filed under a few of its
//! tokens, chosen so that a record without any of them cannot match, the rarest there are. A record looks up its own
//! tokens, and what that brings up is decided exactly, in memory, without reading the index.
//!
//! A bag of weighted terms is filed under all of its terms: nearly every record shares one. What decides is how much
//! a record could score at most, against the bar that the last of a full answer has set.

mod bits;
mod condition;
mod item;
mod program;
mod tokens;

use bits::Bits;
pub use condition::{Condition, Frequencies};
pub use item::Item;
use program::Programs;
use tokens::{TokenId, Tokens};

use crate::query::TokenField;

/// How much greater than [`presence`](crate::query::like::presence) an engine may take it to be: lengths are kept in
/// one byte, an eighth too small at most.
const ROUNDED: f32 = 1.06;

/// Place of a standing query: small numbers, used again when one is removed.
pub type Slot = u32;

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
    entries: Vec<Option<Filed>>,
    conditions: Programs,
    tokens: Tokens,
    /// Those that no token can rule out.
    unfiled: Vec<Slot>,
    /// Number of bags.
    num_bags: usize,
}

/// Where a standing query is filed.
enum Filed {
    Nowhere,
    Always,
    Under(Box<[TokenId]>),
    Weighted {
        tokens: Box<[TokenId]>,
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
                let file = |token| {
                    let id = self.tokens.take(token);
                    self.tokens.file(id, slot);
                    id
                };
                Filed::Under(tokens.into_iter().map(file).collect())
            }
        };
        self.put(slot, filed, condition);
    }

    /// Files a bag of terms at `slot`, in place of what is there: of the records that meet `condition` those that
    /// hold a term and could score `bar` or more.
    pub fn insert_bag(&mut self, slot: Slot, bag: &Bag, condition: Condition, bar: f32) {
        self.remove(slot);
        let weigh = |(field, token, weight): &(TokenField, String, f32)| {
            let id = self.tokens.take(item::text_token(*field, token));
            self.tokens.weigh(id, slot, *weight);
            id
        };
        let tokens = bag.terms.iter().map(weigh).collect();
        self.num_bags += 1;
        self.put(slot, Filed::Weighted { tokens, bar, title: bag.title }, condition);
    }

    /// Sets the bar of a bag of terms; nothing happens when there is none at `slot`.
    pub fn set_bar(&mut self, slot: Slot, new: f32) {
        if let Some(Some(Filed::Weighted { bar, .. })) = self.entries.get_mut(slot as usize) {
            *bar = new;
        }
    }

    fn put(&mut self, slot: Slot, filed: Filed, condition: Condition) {
        let at = slot as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, || None);
        }
        self.entries[at] = Some(filed);
        self.conditions.insert(slot, condition.0, &mut self.tokens);
    }

    /// Takes what is at `slot` out; nothing happens when there is nothing.
    pub fn remove(&mut self, slot: Slot) {
        let Some(filed) = self.entries.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        self.conditions.remove(slot, &mut self.tokens);
        let tokens = match filed {
            Filed::Nowhere => return,
            Filed::Always => return self.unfiled.retain(|&other| other != slot),
            Filed::Under(tokens) => tokens,
            Filed::Weighted { tokens, .. } => {
                self.num_bags -= 1;
                tokens
            }
        };
        for id in tokens {
            self.tokens.unfile(id, slot);
            self.tokens.give_back(id);
        }
    }

    /// Lists the standing queries that `item` may be in the answer of, in the order of their slots.
    ///
    /// `today` is in days since 1970-01-01, for selections of days relative to it. `slack` gives the share of a slot's
    /// bar that must be reached: less than 1 when the statistics that the bar was set by have changed.
    pub fn matches(&self, item: &Item, today: i32, slack: impl Fn(Slot) -> f32) -> Vec<Slot> {
        let (asked, held) = self.tokens.of(item);
        // Most are brought up by several tokens.
        let mut found = Bits::new(self.entries.len());
        self.unfiled.iter().for_each(|&slot| found.insert(slot));
        for &(id, ..) in &asked {
            self.tokens.filed(id).iter().for_each(|&slot| found.insert(slot));
        }
        if self.num_bags > 0 {
            self.weigh(item, &asked, slack, &mut found);
        }
        let tried = self.conditions.tried(&held, item, today);
        found.iter().filter(|&slot| self.conditions.holds(slot, &tried)).collect()
    }

    /// Finds the bags that could score their bar or more.
    fn weigh(
        &self,
        item: &Item,
        asked: &[(TokenId, u64, f32)],
        slack: impl Fn(Slot) -> f32,
        found: &mut Bits,
    ) {
        // Of all of the text, and of the title alone.
        let none = [0f32; 2];
        let mut scores = vec![none; self.entries.len()];
        let mut scored = Vec::new();
        for &(id, token, presence) in asked {
            let most = [presence, item.in_title(token)].map(|presence| ROUNDED * presence);
            for &(slot, weight) in self.tokens.weighted(id) {
                let score = &mut scores[slot as usize];
                if *score == none {
                    scored.push(slot);
                }
                score[0] += weight * most[0];
                score[1] += weight * most[1];
            }
        }
        for slot in scored {
            let [all, in_title] = scores[slot as usize];
            if let Some(Filed::Weighted { bar, title, .. }) = &self.entries[slot as usize]
                && (*bar <= 0.0 || all + title * in_title >= *bar * slack(slot))
            {
                found.insert(slot);
            }
        }
    }

    /// Number of standing queries.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
