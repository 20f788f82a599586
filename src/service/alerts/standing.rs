//! The standing things in memory: which of them a changed record may concern.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::forward::{First, Forward, ForwardError, Reach};
use super::subscription::{Subscription, Target};
use crate::engine::reverse::{Item, ReverseIndex, Slot};
use crate::record::RecordId;

/// Every subscription, filed by what a record must hold to concern it.
#[derive(Default)]
pub struct Standing {
    held: Vec<Option<Held>>,
    slots: HashMap<String, Slot>,
    free: Vec<Slot>,
    index: ReverseIndex,
    /// Slots that are filed narrowly, by the number of losses until which they may be.
    narrowed: BTreeMap<u64, Vec<Slot>>,
    /// Slots whose bar rests on a record.
    resting: HashMap<u64, Vec<Slot>>,
    /// Slots of records that are matched themselves.
    subjects: HashMap<RecordId, Vec<Slot>>,
    /// Slots of which nothing is known since they came or what was known stopped holding.
    unknown: VecDeque<Slot>,
    /// Records that were withdrawn or changed so far.
    losses: u64,
}

struct Held {
    subscription: Arc<Subscription>,
    reach: Reach,
    /// Number of losses when it was learned.
    since: u64,
    /// Number of losses until which `reach` holds.
    until: u64,
    /// Records that a bar rests on.
    rests_on: Box<[u64]>,
}

impl Standing {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes a subscription in, in place of the one of the same id. After an error it stays, and concerns nothing.
    pub fn insert(
        &mut self,
        subscription: Arc<Subscription>,
        forward: &Forward,
    ) -> Result<(), ForwardError> {
        self.remove(&subscription.id);
        let slot = self.free.pop().unwrap_or(self.held.len() as Slot);
        let at = slot as usize;
        if at >= self.held.len() {
            self.held.resize_with(at + 1, || None);
        }
        self.slots.insert(subscription.id.clone(), slot);
        if let Target::Record { kind, id, .. } = &subscription.target {
            self.subjects.entry(RecordId::new(&**kind, &**id)).or_default().push(slot);
        }
        self.held[at] = Some(Held {
            subscription: subscription.clone(),
            reach: Reach::Open,
            since: 0,
            until: 0,
            rests_on: Box::default(),
        });
        self.unknown.push_back(slot);
        forward.file(&subscription.target, Reach::Open, &mut self.index, slot)
    }

    pub fn remove(&mut self, id: &str) {
        let Some(slot) = self.slots.remove(id) else { return };
        self.widen(slot);
        if let Some(held) = self.held[slot as usize].take()
            && let Target::Record { kind, id, .. } = &held.subscription.target
        {
            let subject = RecordId::new(&**kind, &**id);
            if let Some(slots) = self.subjects.get_mut(&subject) {
                slots.retain(|&other| other != slot);
                if slots.is_empty() {
                    self.subjects.remove(&subject);
                }
            }
        }
        self.index.remove(slot);
        self.free.push(slot);
    }

    /// Learns from a fresh answer what rules records out for a while.
    pub fn learn(
        &mut self,
        slot: Slot,
        first: &First,
        forward: &Forward,
    ) -> Result<(), ForwardError> {
        let losses = self.losses;
        let Some(held) = &self.held[slot as usize] else { return Ok(()) };
        let subscription = held.subscription.clone();
        match first.reach {
            Reach::Open => {}
            Reach::Rungs { bears, .. } => {
                if !matches!(held.reach, Reach::Rungs { .. }) {
                    forward.file(&subscription.target, first.reach, &mut self.index, slot)?;
                    self.narrow(slot, first.reach, losses + bears);
                }
            }
            Reach::Bar { bar, .. } => {
                self.widen(slot);
                let rests_on: Box<[u64]> = first.items.iter().map(RecordId::digest).collect();
                for &item in &rests_on {
                    self.resting.entry(item).or_default().push(slot);
                }
                self.index.set_bar(slot, bar);
                if let Some(held) = &mut self.held[slot as usize] {
                    (held.reach, held.since, held.rests_on) = (first.reach, losses, rests_on);
                }
            }
        }
        Ok(())
    }

    fn narrow(&mut self, slot: Slot, reach: Reach, until: u64) {
        if let Some(held) = &mut self.held[slot as usize] {
            (held.reach, held.until) = (reach, until);
            self.narrowed.entry(until).or_default().push(slot);
        }
    }

    /// Takes the next subscription of which something may be learned; each comes once.
    pub fn next_unknown(&mut self) -> Option<(Slot, Arc<Subscription>)> {
        while let Some(slot) = self.unknown.pop_front() {
            // Gone, or learned meanwhile.
            if let Some(held) = &self.held[slot as usize]
                && held.reach == Reach::Open
            {
                return Some((slot, held.subscription.clone()));
            }
        }
        None
    }

    /// Forgets what was learned of a slot, and takes its bar away.
    fn widen(&mut self, slot: Slot) {
        let Some(held) = &mut self.held[slot as usize] else { return };
        if held.reach != Reach::Open {
            held.reach = Reach::Open;
            self.unknown.push_back(slot);
        }
        for item in std::mem::take(&mut held.rests_on) {
            if let Some(slots) = self.resting.get_mut(&item) {
                slots.retain(|&other| other != slot);
                if slots.is_empty() {
                    self.resting.remove(&item);
                }
            }
        }
        self.index.set_bar(slot, 0.0);
    }

    /// Notes that records were withdrawn or changed: what was learned from answers that they were in holds no more,
    /// and what they themselves look for may be something else.
    pub fn lose<'a>(
        &mut self,
        records: impl Iterator<Item = &'a RecordId>,
        forward: &Forward,
    ) -> Result<(), ForwardError> {
        for record in records {
            self.losses += 1;
            for slot in self.resting.get(&record.digest()).cloned().unwrap_or_default() {
                self.widen(slot);
            }
            for slot in self.subjects.get(record).cloned().unwrap_or_default() {
                self.widen(slot);
                self.index.remove(slot);
                let Some(held) = &self.held[slot as usize] else { continue };
                let target = &held.subscription.target;
                // A record that is gone looks for nothing until it comes back.
                if let Err(error) = forward.file(target, Reach::Open, &mut self.index, slot) {
                    tracing::debug!(%error, %record, "a subscription waits for its record");
                }
            }
        }
        while let Some(entry) = self.narrowed.first_entry()
            && *entry.key() < self.losses
        {
            let until = *entry.key();
            for slot in entry.remove() {
                let Some(held) = &self.held[slot as usize] else { continue };
                // Learned again since, or another subscription.
                if held.until != until || !matches!(held.reach, Reach::Rungs { .. }) {
                    continue;
                }
                let subscription = held.subscription.clone();
                self.widen(slot);
                forward.file(&subscription.target, Reach::Open, &mut self.index, slot)?;
            }
        }
        Ok(())
    }

    /// Lists the subscriptions whose first items `item` may be among.
    ///
    /// Every change of the index shifts what a rare term is worth, on either side: a bar is lowered by what the changes
    /// since it was set can have shifted.
    pub fn concerned(&self, item: &Item, today: i32) -> Vec<(Slot, Arc<Subscription>)> {
        let slack = |slot: Slot| {
            let Some(held) = &self.held[slot as usize] else { return 0.0 };
            let Reach::Bar { among, .. } = held.reach else { return 0.0 };
            // What a term of one record loses of its rarity when all changes have brought it.
            let loss = (1.0 + (self.losses - held.since) as f32 / 1.5).ln();
            let left = (1.0 - loss / (among.max(3) as f32).ln()).max(0.0);
            0.9 * left * left
        };
        let slots = self.index.matches(item, today, slack).into_iter();
        let held = slots.filter_map(|slot| Some((slot, self.held[slot as usize].as_ref()?)));
        held.map(|(slot, held)| (slot, held.subscription.clone())).collect()
    }
}
