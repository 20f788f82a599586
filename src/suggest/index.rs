//! The texts that may be offered, kept up with records that come, change and go.
//!
//! New texts wait in a short list that is tried one by one. From time to time they are sorted, and sorted lists of
//! about the same size are merged, so that there are few lists and every text is sorted a few times in all.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde::Serialize;

use super::pattern::{Match, Pattern};
use super::sorted::{Place, Sorted};
use super::unit::{Unit, units};
use crate::record::Suggested;
use crate::text::pinyin::Pinyin;

/// Texts that wait unsorted.
const MAX_RECENT: usize = 1_000;

/// Where a completion comes from, the ones offered first first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A word of the dictionaries or the vocabularies, or a keyword.
    Term,
    /// What many people have asked.
    Query,
    /// An organization or a person.
    Name,
    Code,
    Title,
}

impl From<Suggested> for Source {
    fn from(suggested: Suggested) -> Self {
        match suggested {
            Suggested::Title => Source::Title,
            Suggested::Code => Source::Code,
            Suggested::Name => Source::Name,
            Suggested::Term => Source::Term,
        }
    }
}

/// A text to be offered. Only titles belong to one record; of the others each text is kept once for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    pub source: Source,
    pub text: &'a str,
    /// In the form in which texts are compared.
    pub normalized: &'a str,
}

/// A completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: Arc<str>,
    pub source: Source,
    /// Number of the kind; `None` for what belongs to no kind.
    pub kind: Option<u8>,
    /// Id of the record; titles only.
    pub id: Option<Arc<str>>,
    /// Letters, digits and 汉字 before what was typed, and those it stands for.
    pub at: usize,
    pub length: usize,
    /// The smaller, the better; comparable between indexes.
    pub rank: u64,
}

/// A text that is offered while somebody uses it.
#[derive(Debug)]
struct Slot {
    text: Arc<str>,
    id: Option<Arc<str>>,
    source: Source,
    kind: Option<u8>,
    /// Records that have it, or times it was asked; 0 when it is not offered any more.
    uses: u32,
    /// Whether some list still names it.
    listed: bool,
}

/// Everything that is offered.
#[derive(Debug, Default)]
pub struct SuggestIndex {
    slots: Vec<Slot>,
    /// Slots that nothing names.
    free: Vec<u32>,
    /// Slots of what is no title, by kind and text.
    shared: HashMap<(Option<u8>, Source, Arc<str>), u32>,
    /// Slots of each record. The key is a hash of the record's id: ids are long, and the chance that two of a million
    /// records share one is below one in ten million.
    of_record: HashMap<u64, Box<[u32]>>,
    hasher: RandomState,
    lists: Vec<Arc<Sorted>>,
    recent: Vec<(u32, Box<[Unit]>)>,
}

/// Lists that are to become one; made without the index, which answers meanwhile.
pub struct Merge {
    /// The first of the lists that are replaced.
    from: usize,
    kept: Vec<(u32, Box<[Unit]>)>,
    /// Of the texts that wait, how many are taken.
    recent: usize,
}

impl SuggestIndex {
    /// Offers what a record has, instead of what it had before.
    pub fn put(&mut self, kind: u8, id: &str, offers: &[Offer<'_>], pinyin: &Pinyin) {
        let key = self.key(kind, id);
        let before = self.of_record.remove(&key);
        let mut slots: Vec<u32> = Vec::with_capacity(offers.len());
        for offer in offers {
            let id = (offer.source == Source::Title).then(|| Arc::from(id));
            let slot = self.offer(Some(kind), id, offer, pinyin);
            match slots.contains(&slot) {
                true => self.release(slot),
                false => slots.push(slot),
            }
        }
        // Released after the new ones are taken: what stays the same keeps its slot.
        for slot in before.iter().flatten() {
            self.release(*slot);
        }
        if !slots.is_empty() {
            self.of_record.insert(key, slots.into());
        }
    }

    /// Offers nothing of a record any more.
    pub fn remove(&mut self, kind: u8, id: &str) {
        let key = self.key(kind, id);
        for slot in self.of_record.remove(&key).iter().flatten() {
            self.release(*slot);
        }
    }

    /// Offers a text that belongs to no record, as if `uses` records had it.
    pub fn add(&mut self, kind: Option<u8>, offer: &Offer<'_>, uses: u32, pinyin: &Pinyin) {
        let slot = self.offer(kind, None, offer, pinyin);
        self.slots[slot as usize].uses = uses.max(1);
    }

    fn key(&self, kind: u8, id: &str) -> u64 {
        self.hasher.hash_one((kind, id))
    }

    fn offer(
        &mut self,
        kind: Option<u8>,
        id: Option<Arc<str>>,
        offer: &Offer<'_>,
        pinyin: &Pinyin,
    ) -> u32 {
        let text: Arc<str> = offer.text.into();
        if id.is_none()
            && let Some(&slot) = self.shared.get(&(kind, offer.source, text.clone()))
        {
            let used = &mut self.slots[slot as usize];
            used.uses += 1;
            if !used.listed {
                used.listed = true;
                self.recent.push((slot, units(offer.normalized, pinyin).into()));
            }
            return slot;
        }
        let shared = id.is_none().then(|| (kind, offer.source, text.clone()));
        let slot = Slot { text, id, source: offer.source, kind, uses: 1, listed: true };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).expect("fewer texts than units")
            }
        };
        if let Some(shared) = shared {
            self.shared.insert(shared, at);
        }
        self.recent.push((at, units(offer.normalized, pinyin).into()));
        at
    }

    fn release(&mut self, slot: u32) {
        let used = &mut self.slots[slot as usize];
        used.uses = used.uses.saturating_sub(1);
    }

    /// Takes the work that is due, if any: many texts wait, or `now` asks for the few that do.
    pub fn merge_due(&self, now: bool) -> Option<Merge> {
        if self.recent.is_empty() || (self.recent.len() < MAX_RECENT && !now) {
            return None;
        }
        // Lists behind it that are not at least twice as long are merged with it.
        let mut from = self.lists.len();
        let mut length = self.recent.len();
        while from > 0 && self.lists[from - 1].len() < 2 * length {
            from -= 1;
            length += self.lists[from].len();
        }
        let is_offered = |slot: u32| self.slots[slot as usize].uses > 0;
        let sorted = self.lists[from..].iter().flat_map(|list| list.texts());
        let recent = self.recent.iter().map(|(slot, units)| (*slot, &**units));
        let kept = sorted.chain(recent).filter(|(slot, _)| is_offered(*slot));
        let kept = kept.map(|(slot, units)| (slot, units.into())).collect();
        Some(Merge { from, kept, recent: self.recent.len() })
    }

    /// Puts a merged list in the place of what it was made of. Nothing may have been put or removed since.
    pub fn merged(&mut self, merge: &Merge, sorted: Sorted) {
        for list in self.lists.drain(merge.from..) {
            list.texts().for_each(|(slot, _)| self.slots[slot as usize].listed = false);
        }
        for (slot, _) in self.recent.drain(..merge.recent) {
            self.slots[slot as usize].listed = false;
        }
        for (slot, _) in sorted.texts() {
            self.slots[slot as usize].listed = true;
        }
        self.lists.push(Arc::new(sorted));
        self.free_unlisted();
    }

    /// Frees the slots that nobody uses and no list names; one that is free has no text.
    fn free_unlisted(&mut self) {
        for (at, slot) in (0..).zip(&mut self.slots) {
            if slot.uses == 0 && !slot.listed && !slot.text.is_empty() {
                if slot.id.is_none() {
                    self.shared.remove(&(slot.kind, slot.source, slot.text.clone()));
                }
                slot.text = "".into();
                slot.id = None;
                self.free.push(at);
            }
        }
    }

    /// Finds the best completions of a pattern, best first; a text is there once for a kind and a source.
    ///
    /// `kinds` tells which kinds are wanted; what belongs to no kind is always.
    pub fn find(
        &self,
        pattern: &Pattern,
        limit: usize,
        kinds: &dyn Fn(u8) -> bool,
    ) -> Vec<Suggestion> {
        let lookups = pattern.lookups();
        let mut best = Best { index: self, kinds, limit, found: Vec::new() };
        for list in &self.lists {
            list.begin_with(pattern, &lookups, &mut |place| best.take(place));
        }
        best.try_recent(pattern, true);
        if !best.is_full() {
            for list in &self.lists {
                list.hold(pattern, &lookups, &mut |place| best.take(place));
            }
            best.try_recent(pattern, false);
        }
        best.finish()
    }
}

impl Merge {
    /// Sorts; takes about a second for a hundred thousand titles.
    pub fn sort(&self) -> Sorted {
        Sorted::new(self.kept.iter().map(|(slot, units)| (*slot, &**units)))
    }
}

/// Collects what is found.
struct Best<'a> {
    index: &'a SuggestIndex,
    kinds: &'a dyn Fn(u8) -> bool,
    limit: usize,
    /// Rank, slot, and where.
    found: Vec<(u64, u32, u16, u16)>,
}

impl Best<'_> {
    fn take(&mut self, place: Place) {
        let slot = &self.index.slots[place.slot as usize];
        if slot.uses > 0 && slot.kind.is_none_or(|kind| (self.kinds)(kind)) {
            let rank = rank(slot, &place);
            let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
            self.found.push((rank, place.slot, short(place.at), short(place.found.length)));
        }
    }

    fn try_recent(&mut self, pattern: &Pattern, beginnings: bool) {
        for (slot, units) in &self.index.recent {
            let places = if beginnings { 0..units.len().min(1) } else { 1..units.len() };
            for at in places.filter(|&at| units[at].may_begin()) {
                if let Some(found) = pattern.matches(&units[at..]) {
                    self.take(Place { slot: *slot, at, length: units.len(), found });
                }
            }
        }
    }

    fn is_full(&mut self) -> bool {
        self.found.len() >= 8 * self.limit
    }

    fn finish(mut self) -> Vec<Suggestion> {
        // A text may be found at a few places; more than so many are not looked at to fill the answer.
        let enough = 8 * self.limit;
        if self.found.len() > enough {
            self.found.select_nth_unstable(enough);
            self.found.truncate(enough);
        }
        self.found.sort_unstable();
        let mut taken = Vec::with_capacity(self.limit);
        let mut seen: Vec<u32> = Vec::new();
        for (rank, at_slot, at, length) in self.found {
            if taken.len() >= self.limit {
                break;
            }
            if seen.contains(&at_slot) {
                continue;
            }
            seen.push(at_slot);
            let slot = &self.index.slots[at_slot as usize];
            taken.push(Suggestion {
                text: slot.text.clone(),
                source: slot.source,
                kind: slot.kind,
                id: slot.id.clone(),
                at: at.into(),
                length: length.into(),
                rank,
            });
        }
        taken
    }
}

/// Orders completions: the closer to what was typed, the beginning before the inside, the whole text before a part,
/// by source, by use (its magnitude), the shorter.
fn rank(slot: &Slot, place: &Place) -> u64 {
    let Place { at, length, found: Match { closeness, length: matched }, .. } = *place;
    let parts = [
        (closeness as u64, 4),
        (u64::from(at > 0), 1),
        (u64::from(matched < length), 1),
        (slot.source as u64, 4),
        (u64::from(slot.uses.leading_zeros()), 6),
        (length as u64, 16),
    ];
    parts.into_iter().fold(0, |rank, (part, bits)| rank << bits | part)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::text::test_analyzer;

    fn put(index: &mut SuggestIndex, id: &str, title: &str, names: &[&str]) {
        let offer = |source, text| Offer { source, text, normalized: text };
        let mut offers = vec![offer(Source::Title, title)];
        offers.extend(names.iter().map(|&name| offer(Source::Name, name)));
        index.put(0, id, &offers, test_analyzer().pinyin());
    }

    fn merge(index: &mut SuggestIndex) {
        if let Some(merge) = index.merge_due(true) {
            let sorted = merge.sort();
            index.merged(&merge, sorted);
        }
    }

    fn found(index: &SuggestIndex, typed: &str) -> Vec<(String, Option<String>)> {
        let pattern = Pattern::new(typed).expect("something typed");
        let found = index.find(&pattern, 100, &|_| true);
        let pair = |s: Suggestion| (s.text.to_string(), s.id.map(|id| id.to_string()));
        found.into_iter().map(pair).collect()
    }

    #[test]
    fn the_beginning_comes_before_the_inside_and_names_before_titles() {
        let mut index = SuggestIndex::default();
        put(&mut index, "1", "水处理技术", &["青岛水务集团"]);
        put(&mut index, "2", "海水淡化", &["水利研究所", "水利研究所"]);
        merge(&mut index);
        put(&mut index, "3", "水", &[]);
        let texts: Vec<String> = found(&index, "水").into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["水", "水利研究所", "水处理技术", "青岛水务集团", "海水淡化"]);
        assert_eq!(found(&index, "hs"), [("海水淡化".to_owned(), Some("2".to_owned()))]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u8, Vec<u8>),
        Remove(u8),
        Merge,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..6u8, 0..4u8, prop::collection::vec(0..3u8, 0..3))
                .prop_map(|(id, title, names)| Step::Put(id, title, names)),
            2 => (0..6u8).prop_map(Step::Remove),
            1 => Just(Step::Merge),
        ];
        prop::collection::vec(step, 0..40)
    }

    const TITLES: [&str; 4] = ["新一", "新二", "新三", "新四"];
    const NAMES: [&str; 3] = ["新甲", "新乙", "新丙"];

    proptest! {
        /// Whatever comes, changes, goes and is merged: offered is what the records have now.
        #[test]
        fn offers_what_records_have(steps in steps()) {
            let mut index = SuggestIndex::default();
            let mut records: BTreeMap<u8, (u8, Vec<u8>)> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Put(id, title, names) => {
                        let texts: Vec<&str> =
                            names.iter().map(|&at| NAMES[usize::from(at)]).collect();
                        put(&mut index, &id.to_string(), TITLES[usize::from(title)], &texts);
                        records.insert(id, (title, names));
                    }
                    Step::Remove(id) => {
                        index.remove(0, &id.to_string());
                        records.remove(&id);
                    }
                    Step::Merge => merge(&mut index),
                }
                let mut expected = BTreeSet::new();
                for (id, (title, names)) in &records {
                    let title = TITLES[usize::from(*title)];
                    expected.insert((title.to_owned(), Some(id.to_string())));
                    expected.extend(names.iter().map(|&at| (NAMES[usize::from(at)].to_owned(), None)));
                }
                let found = found(&index, "新");
                prop_assert_eq!(found.len(), expected.len(), "nothing twice");
                prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
            }
            let named: usize = index.lists.iter().map(|list| list.len()).sum();
            prop_assert!(named + index.recent.len() + index.free.len() >= index.slots.len());
        }
    }
}
