//! Many profiles, attribute by attribute: one record is checked against all of them without touching what it does not
//! ask for.

use std::collections::HashMap;
use std::sync::Arc;

use super::Verdict;
use super::expression::{Fact, Facts};
use super::profile::{Holding, Known, Profile, held, missing};
use super::value::Interval;

/// Profiles by row. Rows are small numbers that the caller gives, and uses again.
#[derive(Debug, Default)]
pub struct Columns {
    rows: usize,
    /// By attribute.
    columns: Vec<Column>,
    founded_in: Vec<Option<i32>>,
}

/// One profile of many.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a Columns,
    row: usize,
}

/// What profiles say of one attribute, each kind of value on its own. A vector ends with the last row that has a value.
#[derive(Debug, Default)]
struct Column {
    numbers: Vec<Option<Interval>>,
    by_year: Vec<(i32, Vec<Option<Interval>>)>,
    flags: Vec<Option<bool>>,
    days: Vec<Option<i32>>,
    codes: Codes,
    lists: Lists,
    /// What comes in no other way: flags and codes by year, several possible codes.
    others: HashMap<usize, Known>,
}

/// Codes by row, each with everything above it: as many of those are kept as there are different ones.
#[derive(Debug, Default)]
struct Codes {
    /// Places among the paths, from 1; 0 where none is known.
    places: Vec<u32>,
    paths: Vec<Arc<[u32]>>,
    known: HashMap<Arc<[u32]>, u32>,
}

/// The lists of codes that profiles hold, one behind the other.
#[derive(Debug, Default)]
struct Lists {
    spans: Vec<Option<Span>>,
    holdings: Vec<Holding>,
    /// Holdings that no list has any more.
    wasted: usize,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    count: u32,
    complete: bool,
}

impl Columns {
    /// Rows, those without a profile counted in.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn row(&self, row: usize) -> Row<'_> {
        Row { columns: self, row }
    }

    /// Puts a profile at a row, in place of what is there.
    pub fn put(&mut self, row: usize, profile: &Profile) {
        self.clear(row);
        self.rows = self.rows.max(row + 1);
        for (attribute, known) in profile.facts() {
            if self.columns.len() <= attribute {
                self.columns.resize_with(attribute + 1, Column::default);
            }
            self.columns[attribute].put(row, known);
        }
        put_at(&mut self.founded_in, row, profile.founded_in());
    }

    /// Takes what is at a row out: nothing is known of it any more.
    pub fn clear(&mut self, row: usize) {
        for column in &mut self.columns {
            column.clear(row);
        }
        if let Some(founded) = self.founded_in.get_mut(row) {
            *founded = None;
        }
    }

    fn column(&self, attribute: usize) -> Option<&Column> {
        self.columns.get(attribute)
    }

    /// A number of each of some rows, of a calendar year where the attribute is by year.
    pub(super) fn numbers<'a>(
        &'a self,
        attribute: usize,
        year: Option<i32>,
        rows: &'a [u32],
    ) -> impl Iterator<Item = Fact> + 'a {
        let values = self.column(attribute).map_or(&[][..], |column| column.numbers(year));
        rows.iter().map(move |&row| match values.get(row as usize) {
            Some(Some(value)) => Fact::Known(*value),
            _ => missing(self.row(row as usize).founded_in(), year),
        })
    }

    /// Decides something about the code of each of some rows, once for each code; `otherwise` decides for those that
    /// have no code or several possible ones.
    pub(super) fn decide_codes(
        &self,
        attribute: usize,
        rows: &[u32],
        decide: impl Fn(&[u32]) -> Verdict,
        otherwise: impl Fn(Row<'_>) -> Verdict,
    ) -> Vec<Verdict> {
        let codes = self.column(attribute).map(|column| &column.codes);
        let mut decided = vec![None; codes.map_or(0, |codes| codes.paths.len())];
        let of = |&row: &u32| {
            let placed = codes.and_then(|codes| Some((codes, codes.place(row as usize)?)));
            match placed {
                Some((codes, at)) => *decided[at].get_or_insert_with(|| decide(&codes.paths[at])),
                None => otherwise(self.row(row as usize)),
            }
        };
        rows.iter().map(of).collect()
    }
}

impl<'a> FromIterator<&'a Profile> for Columns {
    fn from_iter<T: IntoIterator<Item = &'a Profile>>(profiles: T) -> Self {
        let mut columns = Self::default();
        for (row, profile) in profiles.into_iter().enumerate() {
            columns.put(row, profile);
        }
        columns
    }
}

fn put_at<T>(values: &mut Vec<Option<T>>, row: usize, value: Option<T>) {
    if values.len() <= row {
        if value.is_none() {
            return;
        }
        values.resize_with(row + 1, || None);
    }
    values[row] = value;
}

impl Column {
    fn put(&mut self, row: usize, known: &Known) {
        match known {
            Known::Number(value) => put_at(&mut self.numbers, row, Some(*value)),
            Known::Numbers(years) => {
                for &(year, value) in years {
                    let known = self.by_year.iter().position(|(of, _)| *of == year);
                    let at = known.unwrap_or_else(|| {
                        self.by_year.push((year, Vec::new()));
                        self.by_year.len() - 1
                    });
                    put_at(&mut self.by_year[at].1, row, Some(value));
                }
            }
            Known::Flag(flag) => put_at(&mut self.flags, row, Some(*flag)),
            Known::Day(day) => put_at(&mut self.days, row, Some(*day)),
            Known::Code(path) => self.codes.put(row, path),
            Known::Set { complete, entries } => self.lists.put(row, *complete, entries),
            Known::Flags(_) | Known::Codes(_) | Known::OneOf(_) => {
                self.others.insert(row, known.clone());
            }
            // No condition reads an identifier.
            Known::Text(_) => {}
        }
    }

    fn clear(&mut self, row: usize) {
        put_at(&mut self.numbers, row, None);
        self.by_year.iter_mut().for_each(|(_, values)| put_at(values, row, None));
        put_at(&mut self.flags, row, None);
        put_at(&mut self.days, row, None);
        self.codes.clear(row);
        self.lists.clear(row);
        self.others.remove(&row);
    }

    fn numbers(&self, year: Option<i32>) -> &[Option<Interval>] {
        let Some(year) = year else { return &self.numbers };
        let of_year = self.by_year.iter().find(|(of, _)| *of == year);
        of_year.map_or(&[], |(_, values)| values)
    }

    fn other(&self, row: usize) -> Option<&Known> {
        if self.others.is_empty() { None } else { self.others.get(&row) }
    }
}

impl Codes {
    fn put(&mut self, row: usize, path: &Arc<[u32]>) {
        if self.places.len() <= row {
            self.places.resize(row + 1, 0);
        }
        let place = *self.known.entry(path.clone()).or_insert_with(|| {
            self.paths.push(path.clone());
            self.paths.len() as u32
        });
        self.places[row] = place;
    }

    fn clear(&mut self, row: usize) {
        if let Some(place) = self.places.get_mut(row) {
            *place = 0;
        }
    }

    /// The place of a row's code among the paths.
    fn place(&self, row: usize) -> Option<usize> {
        (*self.places.get(row)? as usize).checked_sub(1)
    }
}

impl Lists {
    fn put(&mut self, row: usize, complete: bool, entries: &[Holding]) {
        let start = self.holdings.len() as u32;
        self.holdings.extend(entries);
        let span = Span { start, count: entries.len() as u32, complete };
        put_at(&mut self.spans, row, Some(span));
    }

    fn clear(&mut self, row: usize) {
        if let Some(span) = self.spans.get_mut(row).and_then(Option::take) {
            self.wasted += span.count as usize;
        }
        if self.wasted > 1_024 && self.wasted > self.holdings.len() / 2 {
            let old = std::mem::take(&mut self.holdings);
            for span in self.spans.iter_mut().flatten() {
                let start = self.holdings.len() as u32;
                self.holdings.extend(&old[span.range()]);
                span.start = start;
            }
            self.wasted = 0;
        }
    }
}

impl Span {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.count) as usize
    }
}

impl Row<'_> {
    fn founded_in(&self) -> Option<i32> {
        self.columns.founded_in.get(self.row).copied().flatten()
    }
}

impl Facts for Row<'_> {
    fn number(&self, attribute: usize, year: Option<i32>) -> Fact {
        let values = self.columns.column(attribute).map(|column| column.numbers(year));
        match values.and_then(|values| *values.get(self.row)?) {
            Some(value) => Fact::Known(value),
            None => missing(self.founded_in(), year),
        }
    }

    fn day(&self, attribute: usize) -> Option<i32> {
        *self.columns.column(attribute)?.days.get(self.row)?
    }

    fn flag(&self, attribute: usize, years: Option<(i32, i32)>) -> Option<bool> {
        let column = self.columns.column(attribute)?;
        let flag = column.flags.get(self.row).copied().flatten();
        flag.or_else(|| column.other(self.row)?.flag(years, self.founded_in()))
    }

    fn codes(&self, attribute: usize, year: Option<i32>) -> &[Arc<[u32]>] {
        let Some(column) = self.columns.column(attribute) else { return &[] };
        match column.codes.place(self.row) {
            Some(place) => std::slice::from_ref(&column.codes.paths[place]),
            None => column.other(self.row).map_or(&[], |known| known.codes(year)),
        }
    }

    fn holds(&self, attribute: usize, code: u32, day: Option<i32>) -> Verdict {
        let lists = self.columns.column(attribute).map(|column| &column.lists);
        match lists.and_then(|lists| Some((lists, (*lists.spans.get(self.row)?)?))) {
            Some((lists, span)) => held(&lists.holdings[span.range()], span.complete, code, day),
            None => Verdict::Unknown,
        }
    }
}
