//! What is known of one organization.

mod classify;
mod reader;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Verdict;
use super::dictionary::Dictionary;
use super::expression::{Fact, Facts};
use super::value::{Interval, year_of};
use crate::record::kind::Label;
use crate::record::nearest::did_you_mean;
use crate::record::validate::Violation;
use crate::record::{Lang, attribute};
use reader::{ValueReader, Wrong};

/// Facts about an organization, by attribute. What is absent is not known, which is not the same as "no".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The attributes that are known, as bits, and what is known of them in their order: profiles are kept by the
    /// hundred thousand.
    present: u128,
    known: Vec<Known>,
    founded_in: Option<i32>,
    /// Attributes that somebody assumed to go on.
    assumed: u128,
    /// Attributes that nobody stated and that follow from others.
    derived: u128,
}

/// What is known of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    Number(Interval),
    Numbers(Vec<(i32, Interval)>),
    Flag(bool),
    Flags(Vec<(i32, bool)>),
    Day(i32),
    /// The code and everything above it, nearest first.
    Code(Arc<[u32]>),
    /// One of several codes: what follows does not say which.
    OneOf(Vec<Arc<[u32]>>),
    Codes(Vec<(i32, Arc<[u32]>)>),
    Set {
        complete: bool,
        entries: Vec<Holding>,
    },
    Text(String),
}

/// A code of a set, and when it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub code: u32,
    /// Days, both inclusive.
    pub from: Option<i32>,
    pub to: Option<i32>,
    /// `false`: said to be not held.
    pub held: bool,
}

/// Something about a value of the profile that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub attribute: String,
    /// `ignored`: the value cannot be right and counts as not known. `read_as`: how it was understood. `doubtful`: it
    /// counts, and is more likely a slip. `derived`: nobody said it, it follows from other values.
    pub code: &'static str,
    pub say: Label,
}

/// A note in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteView {
    pub attribute: String,
    pub code: &'static str,
    pub say: String,
}

impl Note {
    pub fn view(&self, lang: Lang) -> NoteView {
        NoteView {
            attribute: self.attribute.clone(),
            code: self.code,
            say: lang.pick(&self.say).to_owned(),
        }
    }
}

impl Profile {
    /// Reads a profile, a JSON object by attribute.
    ///
    /// Names that are no attributes and values of another type are violations, with pointers from `/profile`. Values
    /// that cannot be right are left out, with a note. A number by itself for an attribute that is by year is that of
    /// the year before `as_of`. Dates after `today` are not believed. Both days count from 1970-01-01.
    pub fn read(
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
    ) -> Result<(Self, Vec<Note>), Vec<Violation>> {
        let mut profile = Self::default();
        let mut notes = profile.add(object, dictionary, as_of, today, "/profile")?;
        notes.extend(profile.classify(dictionary, as_of));
        Ok((profile, notes))
    }

    /// Adds what is assumed for the sake of going on; what is known stays.
    pub fn assume(
        &mut self,
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
    ) -> Result<Vec<Note>, Vec<Violation>> {
        if object.is_empty() {
            return Ok(Vec::new());
        }
        let mut other = Self::default();
        let mut notes = other.add(object, dictionary, as_of, today, "/assume")?;
        // What follows may follow otherwise, or be assumed.
        for at in attribute::ones(self.derived) {
            self.clear(at);
        }
        self.derived = 0;
        for at in 0..dictionary.attributes().list.len() {
            if let (None, Some(known)) = (self.of(at), other.of(at)) {
                let known = known.clone();
                self.set(at, known);
                self.assumed |= 1 << at;
            }
        }
        self.find_founding(dictionary);
        notes.extend(self.classify(dictionary, as_of));
        Ok(notes)
    }

    fn add(
        &mut self,
        object: &Map<String, Value>,
        dictionary: &Dictionary,
        as_of: i32,
        today: i32,
        pointer: &str,
    ) -> Result<Vec<Note>, Vec<Violation>> {
        let attributes = dictionary.attributes();
        let mut reader = ValueReader { dictionary, notes: Vec::new(), as_of, today };
        let mut violations = Vec::new();
        for (name, value) in object {
            let Some(at) = attributes.find(name) else {
                let hint = did_you_mean(name, attributes.list.iter().map(|known| &*known.id));
                violations.push(Violation {
                    pointer: format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                    code: "unknown_attribute",
                    expected: format!("an attribute of GET /v1/attributes{hint}"),
                    found: name.chars().take(80).collect(),
                });
                continue;
            };
            if value.is_null() {
                continue;
            }
            let attribute = &attributes.list[at];
            match reader.value(attribute, value) {
                Ok(Some(known)) => self.set(at, known),
                Ok(None) => {}
                Err(Wrong { expected, found }) => violations.push(Violation {
                    pointer: format!("{pointer}/{name}"),
                    code: "bad_attribute",
                    expected,
                    found: found.chars().take(80).collect(),
                }),
            }
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        self.find_founding(dictionary);
        Ok(reader.notes)
    }

    fn find_founding(&mut self, dictionary: &Dictionary) {
        let founded = dictionary.attributes().founded.and_then(|at| self.day(at));
        self.founded_in = founded.map(year_of);
    }

    pub fn is_known(&self, attribute: usize) -> bool {
        self.present >> attribute & 1 == 1
    }

    /// Tells whether the value was assumed.
    pub fn is_assumed(&self, attribute: usize) -> bool {
        self.assumed >> attribute & 1 == 1
    }

    /// Tells whether nobody stated the value: it follows from others.
    pub fn is_derived(&self, attribute: usize) -> bool {
        self.derived >> attribute & 1 == 1
    }

    pub fn has_assumptions(&self) -> bool {
        self.assumed != 0
    }

    /// Sets an attribute, in place of what was known of it.
    fn set(&mut self, attribute: usize, known: Known) {
        let place = (self.present & ((1 << attribute) - 1)).count_ones() as usize;
        match self.is_known(attribute) {
            true => self.known[place] = known,
            false => self.known.insert(place, known),
        }
        self.present |= 1 << attribute;
    }

    fn clear(&mut self, attribute: usize) {
        let place = (self.present & ((1 << attribute) - 1)).count_ones() as usize;
        if self.is_known(attribute) {
            self.known.remove(place);
            self.present &= !(1 << attribute);
        }
    }

    /// The attributes that are known, and what is known of them.
    pub(super) fn facts(&self) -> impl Iterator<Item = (usize, &Known)> {
        attribute::ones(self.present).zip(&self.known)
    }

    pub(super) fn founded_in(&self) -> Option<i32> {
        self.founded_in
    }

    fn of(&self, attribute: usize) -> Option<&Known> {
        let below = self.present & ((1 << attribute) - 1);
        self.is_known(attribute).then(|| &self.known[below.count_ones() as usize])
    }

    /// The entries of a code in a set.
    pub fn holdings(&self, attribute: usize, code: u32) -> impl Iterator<Item = &Holding> {
        let entries = match self.of(attribute) {
            Some(Known::Set { entries, .. }) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().filter(move |entry| entry.code == code)
    }
}

impl Facts for Profile {
    fn number(&self, attribute: usize, year: Option<i32>) -> Fact {
        let number = self.of(attribute).and_then(|known| known.number(year));
        number.map_or_else(|| missing(self.founded_in, year), Fact::Known)
    }

    fn day(&self, attribute: usize) -> Option<i32> {
        match self.of(attribute)? {
            Known::Day(day) => Some(*day),
            _ => None,
        }
    }

    fn flag(&self, attribute: usize, years: Option<(i32, i32)>) -> Option<bool> {
        self.of(attribute)?.flag(years, self.founded_in)
    }

    fn codes(&self, attribute: usize, year: Option<i32>) -> &[Arc<[u32]>] {
        self.of(attribute).map_or(&[], |known| known.codes(year))
    }

    fn holds(&self, attribute: usize, code: u32, day: Option<i32>) -> Verdict {
        match self.of(attribute) {
            Some(Known::Set { complete, entries }) => held(entries, *complete, code, day),
            _ => Verdict::Unknown,
        }
    }
}

/// What is known of a number that nobody stated.
pub(super) fn missing(founded_in: Option<i32>, year: Option<i32>) -> Fact {
    match founded_in.zip(year).is_some_and(|(founded, year)| year < founded) {
        true => Fact::BeforeFounding,
        false => Fact::Missing,
    }
}

/// Tells whether a code of a list is held on a day, or was at any time.
///
/// One that is not listed is unknown, unless the list is complete. One that is listed for other days alone is not held.
pub(super) fn held(entries: &[Holding], complete: bool, code: u32, day: Option<i32>) -> Verdict {
    let mut listed = false;
    for entry in entries.iter().filter(|entry| entry.code == code) {
        listed = true;
        let covers = day.is_none_or(|day| {
            entry.from.is_none_or(|from| from <= day) && entry.to.is_none_or(|to| day <= to)
        });
        if entry.held && covers {
            return Verdict::Pass;
        }
    }
    if listed || complete { Verdict::Fail } else { Verdict::Unknown }
}

impl Known {
    pub(super) fn number(&self, year: Option<i32>) -> Option<Interval> {
        match (self, year) {
            (Known::Number(value), None) => Some(*value),
            (Known::Numbers(numbers), Some(year)) => {
                numbers.iter().find(|(of, _)| *of == year).map(|(_, value)| *value)
            }
            _ => None,
        }
    }

    pub(super) fn flag(&self, years: Option<(i32, i32)>, founded_in: Option<i32>) -> Option<bool> {
        match self {
            Known::Flag(flag) => Some(*flag),
            Known::Flags(flags) => {
                let (from, to) = years.unwrap_or((i32::MIN, i32::MAX));
                let within = |year: i32| (from..=to).contains(&year);
                if flags.iter().any(|&(year, flag)| flag && within(year)) {
                    return Some(true);
                }
                let (from, to) = years?;
                let from = from.max(founded_in.unwrap_or(from));
                let is_said = |year| flags.iter().any(|&(said, _)| said == year);
                (from..=to).all(is_said).then_some(false)
            }
            _ => None,
        }
    }

    pub(super) fn codes(&self, year: Option<i32>) -> &[Arc<[u32]>] {
        match (self, year) {
            (Known::Code(path), _) => std::slice::from_ref(path),
            (Known::OneOf(paths), _) => paths,
            (Known::Codes(codes), Some(year)) => codes
                .iter()
                .find(|(of, _)| *of == year)
                .map_or(&[], |(_, path)| std::slice::from_ref(path)),
            _ => &[],
        }
    }
}
