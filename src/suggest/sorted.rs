//! Texts sorted so that what begins like a pattern, or has a part that does, lies together.
//!
//! Two orders, each of the beginnings of texts and of the places inside them: by characters, for 汉字 that were typed,
//! and by sound (the first syllable, then first letters), for Latin letters. A place is a number of four bytes; the
//! keys of the orders are made from the units when they are compared.

use super::pattern::{KEY_CODES, KEY_INITIALS, Lookup, Match, Pattern};
use super::unit::Unit;

/// Most places that are looked at for one pattern in one list: a second letter makes the stretches short.
const MAX_PLACES: usize = 10_000;

/// A list of texts that does not change.
#[derive(Debug, Default)]
pub struct Sorted {
    /// All texts, each ended by [`Unit::END`].
    units: Vec<Unit>,
    /// Where each text begins.
    starts: Vec<u32>,
    /// What each text is to the owner of the list.
    slots: Vec<u32>,
    beginnings: Orders,
    insides: Orders,
}

#[derive(Debug, Default)]
struct Orders {
    by_codes: Vec<u32>,
    by_sounds: Vec<u32>,
}

/// A text that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub slot: u32,
    /// Units before the match.
    pub at: usize,
    /// Units of the text.
    pub length: usize,
    pub found: Match,
}

impl Sorted {
    /// Sorts texts; 2.5 million units take about a second.
    pub fn new<'a>(texts: impl Iterator<Item = (u32, &'a [Unit])>) -> Self {
        let mut sorted = Sorted::default();
        let (mut beginnings, mut insides) = (Vec::new(), Vec::new());
        for (slot, text) in texts {
            let start = place(sorted.units.len());
            sorted.starts.push(start);
            sorted.slots.push(slot);
            beginnings.push(start);
            let inside = text.iter().enumerate().skip(1).filter(|(_, unit)| unit.may_begin());
            insides.extend(inside.map(|(at, _)| start + place(at)));
            sorted.units.extend_from_slice(text);
            sorted.units.push(Unit::END);
        }
        sorted.units.shrink_to_fit();
        sorted.beginnings = Orders::new(beginnings, &sorted.units);
        sorted.insides = Orders::new(insides, &sorted.units);
        sorted
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Calls `f` with every text: its slot and its units.
    pub fn texts(&self) -> impl Iterator<Item = (u32, &[Unit])> {
        self.slots.iter().enumerate().map(|(at, slot)| (*slot, self.text(at)))
    }

    fn text(&self, at: usize) -> &[Unit] {
        let start = self.starts[at] as usize;
        let end = self.starts.get(at + 1).map_or(self.units.len(), |next| *next as usize);
        &self.units[start..end - 1]
    }

    /// Calls `f` with the texts that begin with the pattern. Of very many, some are left out.
    pub fn begin_with(&self, pattern: &Pattern, lookups: &[Lookup], f: &mut impl FnMut(Place)) {
        self.find(&self.beginnings, pattern, lookups, f);
    }

    /// Calls `f` with the places inside texts that the pattern stands for. Of very many, some are left out.
    pub fn hold(&self, pattern: &Pattern, lookups: &[Lookup], f: &mut impl FnMut(Place)) {
        self.find(&self.insides, pattern, lookups, f);
    }

    fn find(
        &self,
        orders: &Orders,
        pattern: &Pattern,
        lookups: &[Lookup],
        f: &mut impl FnMut(Place),
    ) {
        let mut left = MAX_PLACES;
        for lookup in lookups {
            self.stretches(orders, lookup, |places| {
                for &place in &places[..places.len().min(left)] {
                    if let Some(found) = pattern.matches(&self.units[place as usize..]) {
                        let text = self.starts.partition_point(|start| *start <= place) - 1;
                        let at = (place - self.starts[text]) as usize;
                        let length = self.text(text).len();
                        f(Place { slot: self.slots[text], at, length, found });
                    }
                }
                left = left.saturating_sub(places.len());
            });
        }
    }

    /// Calls `f` with the stretches of an order that a lookup means.
    fn stretches(&self, orders: &Orders, lookup: &Lookup, mut f: impl FnMut(&[u32])) {
        match *lookup {
            Lookup::Codes { codes, length } => {
                let shift = 16 * (KEY_CODES - length);
                let wanted = pack(codes.into_iter().map(|code| (u64::from(code), 16))) >> shift;
                let key = |place: u32| code_key(&self.units, place) >> shift;
                f(stretch(&orders.by_codes, key, wanted, wanted));
            }
            Lookup::Sounds { low, high, initials, length } => {
                let sound = |place: u32| u64::from(self.units[place as usize].sound());
                let mut rest = stretch(&orders.by_sounds, sound, low.into(), high.into());
                if length == 0 {
                    return f(rest);
                }
                let wanted = pack(initials[..length].iter().map(|&letter| (letter.into(), 8)));
                let key = |place: u32| initials_key(&self.units, place, length);
                // Sounds that no text has cost nothing.
                while let Some(&first) = rest.first() {
                    let same = rest.partition_point(|&place| sound(place) <= sound(first));
                    let (same, others) = rest.split_at(same);
                    f(stretch(same, key, wanted, wanted));
                    rest = others;
                }
            }
        }
    }
}

impl Orders {
    fn new(places: Vec<u32>, units: &[Unit]) -> Self {
        let sorted = |key: fn(&[Unit], u32) -> u64| {
            let mut keyed: Vec<(u64, u32)> =
                places.iter().map(|&place| (key(units, place), place)).collect();
            keyed.sort_unstable();
            // From a borrowed list: an owned one would be reused, with four times the room.
            keyed.iter().map(|&(_, place)| place).collect()
        };
        Self { by_codes: sorted(code_key), by_sounds: sorted(sound_key) }
    }
}

/// The stretch of a sorted list whose keys are from `low` to `high`.
fn stretch(places: &[u32], key: impl Fn(u32) -> u64, low: u64, high: u64) -> &[u32] {
    let from = places.partition_point(|&place| key(place) < low);
    let count = places[from..].partition_point(|&place| key(place) <= high);
    &places[from..from + count]
}

/// The first characters from a place on, the first in the highest bits.
fn code_key(units: &[Unit], place: u32) -> u64 {
    let codes = until_end(units, place).map(|unit| u64::from(unit.code()));
    pack(codes.chain(std::iter::repeat(0)).take(KEY_CODES).map(|code| (code, 16)))
}

/// The first sound from a place on, and the first letters behind it.
fn sound_key(units: &[Unit], place: u32) -> u64 {
    let sound = u64::from(units[place as usize].sound());
    sound << (8 * KEY_INITIALS) | initials_key(units, place, KEY_INITIALS)
}

/// The first letters behind the first unit from a place on, as many as `length`; 0 behind the end of the text.
fn initials_key(units: &[Unit], place: u32, length: usize) -> u64 {
    let rest = until_end(units, place + 1).map(|unit| u64::from(unit.initial()));
    pack(rest.chain(std::iter::repeat(0)).take(length).map(|letter| (letter, 8)))
}

fn until_end(units: &[Unit], place: u32) -> impl Iterator<Item = Unit> {
    units[place as usize..].iter().copied().take_while(|unit| unit.code() != 0)
}

fn pack(parts: impl Iterator<Item = (u64, u32)>) -> u64 {
    parts.fold(0, |packed, (part, bits)| packed << bits | part)
}

/// Four thousand million units would be thirty million titles, far beyond one process.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a list of suggestions has fewer than 2^32 units")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::unit::units;
    use super::*;
    use crate::text::test_analyzer;

    fn units_of(text: &str) -> Vec<Unit> {
        units(&test_analyzer().normalize(text).text, test_analyzer().pinyin())
    }

    fn places(sorted: &Sorted, typed: &str) -> Vec<(u32, usize)> {
        let pattern = Pattern::new(&test_analyzer().normalize(typed).text).unwrap();
        let mut found = Vec::new();
        let mut take = |place: Place| found.push((place.slot, place.at));
        sorted.begin_with(&pattern, &pattern.lookups(), &mut take);
        sorted.hold(&pattern, &pattern.lookups(), &mut take);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every place where the pattern matches, tried one by one.
    fn tried(texts: &[Vec<Unit>], typed: &str) -> Vec<(u32, usize)> {
        let pattern = Pattern::new(&test_analyzer().normalize(typed).text).unwrap();
        let mut found = Vec::new();
        for (slot, text) in (0..).zip(texts) {
            for at in (0..text.len()).filter(|&at| text[at].may_begin()) {
                if pattern.matches(&text[at..]).is_some() {
                    found.push((slot, at));
                }
            }
        }
        found
    }

    #[test]
    fn what_is_typed_is_found_at_the_beginning_and_inside() {
        let texts =
            ["新能源汽车", "动力电池与新能源", "重庆银行", "GB/T 19001-2016", "西安"].map(units_of);
        let sorted = Sorted::new((0..).zip(texts.iter().map(Vec::as_slice)));
        for (typed, expected) in [
            ("新能源", vec![(0, 0), (1, 5)]),
            ("xny", vec![(0, 0), (1, 5)]),
            ("nengyuan", vec![(0, 1), (1, 6)]),
            ("zhongqing", vec![]),
            ("cqyh", vec![(2, 0)]),
            ("yinh", vec![(2, 2)]),
            ("19001", vec![(3, 3)]),
            ("9001", vec![]),
            ("xa", vec![(4, 0)]),
            ("xian", vec![(4, 0)]),
        ] {
            assert_eq!(places(&sorted, typed), expected, "{typed}");
        }
        assert_eq!(places(&Sorted::default(), "新"), []);
    }

    proptest! {
        /// The sorted lists find what trying every place finds.
        #[test]
        fn nothing_is_lost_by_sorting(
            texts in prop::collection::vec("[新能源汽车重庆银行西安技术ab1]{1,8}", 1..12),
            typed in "[新能a-z1]{1,5}",
        ) {
            let texts: Vec<Vec<Unit>> = texts.iter().map(|text| units_of(text)).collect();
            let sorted = Sorted::new((0..).zip(texts.iter().map(Vec::as_slice)));
            prop_assert_eq!(places(&sorted, &typed), tried(&texts, &typed));
        }
    }
}
