//! The tokens that standing queries ask for, by small numbers, and where each is filed.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::item::{Hashed, Item};
use super::{Slot, bits::Bits};

/// Number of a token: used again when nothing asks for the token any more.
pub type TokenId = u32;

#[derive(Default)]
pub struct Tokens {
    ids: HashMap<u64, TokenId, BuildHasherDefault<Hashed>>,
    held: Vec<Held>,
    free: Vec<TokenId>,
}

#[derive(Default)]
struct Held {
    token: u64,
    /// How often it was taken and not given back.
    uses: u32,
    /// Conditions that a record without it may fail.
    filed: Vec<Slot>,
    /// Bags that it is in, and what it adds to a score.
    weighted: Vec<(Slot, f32)>,
}

impl Tokens {
    /// Returns the number of a token, for one use.
    pub fn take(&mut self, token: u64) -> TokenId {
        let id = *self.ids.entry(token).or_insert_with(|| {
            let id = self.free.pop().unwrap_or(self.held.len() as TokenId);
            if id as usize == self.held.len() {
                self.held.push(Held::default());
            }
            self.held[id as usize].token = token;
            id
        });
        self.held[id as usize].uses += 1;
        id
    }

    /// Ends one use.
    pub fn give_back(&mut self, id: TokenId) {
        let held = &mut self.held[id as usize];
        held.uses -= 1;
        if held.uses == 0 {
            self.ids.remove(&held.token);
            *held = Held::default();
            self.free.push(id);
        }
    }

    pub fn filed(&self, id: TokenId) -> &[Slot] {
        &self.held[id as usize].filed
    }

    pub fn weighted(&self, id: TokenId) -> &[(Slot, f32)] {
        &self.held[id as usize].weighted
    }

    pub fn file(&mut self, id: TokenId, slot: Slot) {
        self.held[id as usize].filed.push(slot);
    }

    pub fn weigh(&mut self, id: TokenId, slot: Slot, weight: f32) {
        self.held[id as usize].weighted.push((slot, weight));
    }

    /// Takes a slot out of the lists of a token.
    pub fn unfile(&mut self, id: TokenId, slot: Slot) {
        let held = &mut self.held[id as usize];
        held.filed.retain(|other| *other != slot);
        held.weighted.retain(|(other, _)| *other != slot);
    }

    /// Lists the tokens of a record that anything asks for, each with its token and presence, and as a set.
    pub fn of(&self, item: &Item) -> (Vec<(TokenId, u64, f32)>, Bits) {
        let mut set = Bits::new(self.held.len());
        let asked = |(token, presence)| self.ids.get(&token).map(|id| (*id, token, presence));
        let found: Vec<_> = item.tokens().filter_map(asked).collect();
        found.iter().for_each(|(id, _, _)| set.insert(*id));
        (found, set)
    }
}
