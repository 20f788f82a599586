//! The standing things in memory: which of them a changed record may concern.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::forward::{Forward, ForwardError};
use super::subscription::Subscription;
use crate::engine::reverse::{Item, ReverseIndex, Slot};

/// Every subscription, filed by what a record must hold to concern it.
#[derive(Default)]
pub struct Standing {
    held: Vec<Option<Arc<Subscription>>>,
    slots: HashMap<String, Slot>,
    free: Vec<Slot>,
    index: ReverseIndex,
    /// Lists that were short and may get longer by a wider reading: by the number of losses that they bear, the slots.
    narrowed: BTreeMap<u64, Vec<Slot>>,
    /// Bears how many losses; `None`: filed as wide as it gets.
    bears: Vec<Option<u64>>,
    /// Records that were withdrawn or changed so far.
    losses: u64,
}

impl Standing {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes a subscription in, in place of the one of the same id.
    pub fn insert(
        &mut self,
        subscription: Arc<Subscription>,
        forward: &Forward,
    ) -> Result<(), ForwardError> {
        let condition = forward.condition(&subscription.target, None)?;
        let slot = match self.slots.get(&subscription.id) {
            Some(&slot) => slot,
            None => self.free.pop().unwrap_or(self.held.len() as Slot),
        };
        let at = slot as usize;
        if at >= self.held.len() {
            self.held.resize(at + 1, None);
            self.bears.resize(at + 1, None);
        }
        self.slots.insert(subscription.id.clone(), slot);
        self.held[at] = Some(subscription);
        self.bears[at] = None;
        self.index.insert(slot, condition, forward);
        Ok(())
    }

    pub fn remove(&mut self, id: &str) {
        if let Some(slot) = self.slots.remove(id) {
            self.held[slot as usize] = None;
            self.bears[slot as usize] = None;
            self.index.remove(slot);
            self.free.push(slot);
        }
    }

    /// Notes that the answer to a subscription came from the strictest `rungs` readings of its query and stays with
    /// them while the answer loses at most `bears` records: what matches only a wider reading cannot come among its
    /// first.
    pub fn narrow(
        &mut self,
        slot: Slot,
        rungs: usize,
        bears: u64,
        forward: &Forward,
    ) -> Result<(), ForwardError> {
        let Some(subscription) = &self.held[slot as usize] else { return Ok(()) };
        let until = self.losses + bears;
        if self.bears[slot as usize].is_none() {
            let condition = forward.condition(&subscription.target, Some(rungs))?;
            self.index.insert(slot, condition, forward);
        }
        self.bears[slot as usize] = Some(until);
        self.narrowed.entry(until).or_default().push(slot);
        Ok(())
    }

    /// Notes that `count` records were withdrawn or changed, and widens what cannot bear it.
    pub fn lose(&mut self, count: u64, forward: &Forward) -> Result<(), ForwardError> {
        self.losses += count;
        while let Some(entry) = self.narrowed.first_entry()
            && *entry.key() < self.losses
        {
            let until = *entry.key();
            for slot in entry.remove() {
                // Noted again since, or gone.
                if self.bears[slot as usize] != Some(until) {
                    continue;
                }
                self.bears[slot as usize] = None;
                if let Some(subscription) = &self.held[slot as usize] {
                    let condition = forward.condition(&subscription.target, None)?;
                    self.index.insert(slot, condition, forward);
                }
            }
        }
        Ok(())
    }

    /// Tells whether the subscription is filed as wide as it gets.
    pub fn is_wide(&self, slot: Slot) -> bool {
        self.bears[slot as usize].is_none()
    }

    /// Lists the subscriptions whose first items `item` may be among.
    pub fn concerned(&self, item: &Item, today: i32) -> Vec<(Slot, Arc<Subscription>)> {
        let slots = self.index.matches(item, today).into_iter();
        slots.filter_map(|slot| Some((slot, self.held[slot as usize].clone()?))).collect()
    }
}
