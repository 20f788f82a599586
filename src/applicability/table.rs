//! The rules of many records, compiled for being checked against one profile at once.
//!
//! Equal checks and equal conditions are kept once, whoever states them, and are decided once a profile. Records lie in
//! the order of the places where they apply, so that those elsewhere are passed over without being looked at. New
//! records go to a tail, until [`Table::sort`] takes them in. The verdicts are those of [`super::explain`].

mod compact;
mod crowd;
mod judge;
mod places;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::condition::{Check, How, Node, Subject, Test, ValidOn};
use super::dictionary::Dictionary;
use super::explain;
use super::near::reach;
use super::profile::Profile;
use super::rules::{Effect, Offer, Rules};
use super::value::{Moment, year_of};
use super::window::{Exclusion, WindowState};
use super::{Level, Verdict, amount};
use crate::record::RecordId;
use judge::Judge;
use places::Places;

/// Records in the tail, beside a twentieth of all, before they are worth sorting in.
const TAIL: usize = 1_024;
const NONE: u32 = u32::MAX;

/// Tags of the words that conditions are made of: the upper four bits; the rest is a check, or a number of members.
const CHECK: u32 = 0;
const ALL: u32 = 1 << 28;
const ANY: u32 = 2 << 28;
const NOT_ANY: u32 = 3 << 28;
const AT_LEAST: u32 = 4 << 28;
/// A condition that no machine can check.
const OPEN: u32 = 5 << 28;
const TAG: u32 = 0xf << 28;

/// Compiled rules. Cheap to read from many threads, changed one record at a time.
#[derive(Clone)]
pub struct Table {
    dictionary: Arc<Dictionary>,
    checks: Vec<BoundCheck>,
    checks_by_hash: HashMap<u64, u32>,
    code: Vec<u32>,
    conditions: Vec<Condition>,
    conditions_by_hash: HashMap<u64, u32>,
    /// Where the records of a region apply, as a condition; `None` for everywhere.
    regions: Vec<Option<u32>>,
    places: Places,
    regions_by_condition: HashMap<u32, u32>,
    rows: Vec<Row>,
    /// What deciding looks at, row by row.
    hot: Vec<Hot>,
    /// The conditions of the rows that have the same on every day.
    refs: Vec<u32>,
    /// The sorted part; the rows behind it are the tail.
    sections: Vec<Section>,
    sorted: usize,
    dead: usize,
    by_id: HashMap<RecordId, u32>,
    /// What other records do to a record.
    links: HashMap<RecordId, Vec<Link>>,
    kinds: Vec<Arc<str>>,
}

/// Rows one after the other that have a region and a kind in common.
#[derive(Clone, Copy)]
struct Section {
    region: u32,
    kind: u16,
    start: u32,
    end: u32,
    /// Those that were not taken out.
    live: u32,
}

/// Which records are judged.
#[derive(Clone, Copy, Debug)]
pub enum Among<'a> {
    Everything,
    /// Those of some kinds: a flag for each of [`Table::kinds`].
    Kinds(&'a [bool]),
    Rows(&'a [u32]),
}

/// What one record does to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub by: RecordId,
    pub relation: String,
    pub effect: Effect,
    /// The first day of the record that does it.
    pub day: i32,
}

/// A check with the days that its record's window fixes.
#[derive(Clone)]
struct BoundCheck {
    check: Check,
    reference: Option<i32>,
    opens: Option<i32>,
    closes: Option<i32>,
    /// Attributes that it reads, as bits.
    reads: u128,
}

#[derive(Clone, Copy)]
struct Condition {
    start: u32,
    /// A check of the place within, if it is one that must pass; else [`NONE`].
    place: u32,
    /// Whether one of its checks could be met by somebody when it fails.
    may_be_reached: bool,
}

/// One record.
#[derive(Clone)]
struct Row {
    id: RecordId,
    digest: u64,
    /// Among the kinds.
    kind: u16,
    live: bool,
    modelled: bool,
    /// Among the regions.
    region: u32,
    first_day: i32,
    last_day: i32,
    /// The most that it can give, in yuan.
    ceiling: f32,
    /// From which day which conditions hold, in the order of the days; the first holds from the beginning.
    epochs: Vec<(i32, Vec<u32>)>,
    audience: u32,
    industry: u32,
    offer: Arc<Offer>,
    /// From which day another record ends it.
    ended_by_others: Option<i32>,
    /// Records that it has a relation to.
    linked: Vec<RecordId>,
}

/// What deciding looks at of a record: close together, since it looks at very many.
#[derive(Clone, Copy)]
struct Hot {
    first_day: i32,
    last_day: i32,
    /// Among [`Table::refs`].
    start: u32,
    count: u32,
    /// The most that it can give, in yuan, and how much asking for it is worth.
    ceiling: f32,
    weight: f32,
    live: bool,
    modelled: bool,
    has_windows: bool,
    /// Whether its conditions are the same on every day.
    is_steady: bool,
}

/// How one record stands to a profile, without reasons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub row: u32,
    pub verdict: Verdict,
    pub near: bool,
    pub excluded: Option<Exclusion>,
    /// Attributes that are missing to decide it, as bits.
    pub missing: u128,
}

impl Standing {
    /// What somebody who hears of changes is told.
    pub fn level(&self) -> Level {
        match self.verdict {
            _ if self.excluded.is_some() => Level::Fail,
            Verdict::Fail if self.near => Level::Near,
            verdict => verdict.into(),
        }
    }
}

impl Table {
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        Self {
            dictionary,
            checks: Vec::new(),
            checks_by_hash: HashMap::new(),
            code: Vec::new(),
            conditions: Vec::new(),
            conditions_by_hash: HashMap::new(),
            regions: Vec::new(),
            places: Places::default(),
            regions_by_condition: HashMap::new(),
            rows: Vec::new(),
            hot: Vec::new(),
            refs: Vec::new(),
            sections: Vec::new(),
            sorted: 0,
            dead: 0,
            by_id: HashMap::new(),
            links: HashMap::new(),
            kinds: Vec::new(),
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn id(&self, row: u32) -> &RecordId {
        &self.rows[row as usize].id
    }

    pub fn row(&self, id: &RecordId) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// The record's number: see [`RecordId::digest`].
    pub fn digest(&self, row: u32) -> u64 {
        self.rows[row as usize].digest
    }

    /// The kinds of the records, in the order in which they first came.
    pub fn kinds(&self) -> &[Arc<str>] {
        &self.kinds
    }

    /// The records that are there.
    pub fn ids(&self) -> impl Iterator<Item = &RecordId> {
        self.by_id.keys()
    }

    /// The records whose digests are `wanted`.
    pub fn by_digest(&self, wanted: impl Fn(u64) -> bool) -> impl Iterator<Item = &RecordId> {
        let live = self.rows.iter().filter(|row| row.live);
        live.filter(move |row| wanted(row.digest)).map(|row| &row.id)
    }

    /// The records that a record has a relation to.
    pub fn linked(&self, id: &RecordId) -> &[RecordId] {
        self.row(id).map_or(&[], |row| &self.rows[row as usize].linked)
    }

    /// The most that a record can give, in yuan; 0 where it does not say.
    pub fn ceiling(&self, row: u32) -> f64 {
        f64::from(self.hot[row as usize].ceiling)
    }

    /// How much it is worth to decide a record: log(1 + ceiling), at least 1.
    pub(super) fn weight(&self, row: u32) -> f64 {
        f64::from(self.hot[row as usize].weight)
    }

    /// What a record gives, and together with which others.
    pub fn offer(&self, row: u32) -> &Arc<Offer> {
        &self.rows[row as usize].offer
    }

    /// Days until a record's window closes; `None` unless it is open.
    pub fn days_left(&self, row: u32, day: i32) -> Option<i32> {
        if !self.hot[row as usize].has_windows {
            return None;
        }
        let windows = &self.offer(row).windows;
        let open = windows
            .iter()
            .filter(|window| matches!(window.state(day), WindowState::Open | WindowState::Rolling));
        open.filter_map(|window| window.closes).map(|closes| closes - day).min()
    }

    /// What other records do to a record, in the order of the days.
    pub fn links(&self, id: &RecordId) -> &[Link] {
        self.links.get(id).map_or(&[], Vec::as_slice)
    }

    /// The first record that ends this one.
    pub fn ended_by(&self, id: &RecordId) -> Option<&Link> {
        self.links(id).iter().find(|link| link.effect == Effect::Ends)
    }

    /// Puts a record in, in place of what was there.
    pub fn put(&mut self, id: RecordId, rules: &Rules) {
        self.remove(&id);
        let first_day = rules.first_day();
        let mut linked = Vec::new();
        for relation in &rules.relations {
            let other = RecordId::new(id.kind.clone(), &*relation.id);
            let links = self.links.entry(other.clone()).or_default();
            links.push(Link {
                by: id.clone(),
                relation: relation.relation.clone(),
                effect: relation.effect,
                day: first_day,
            });
            links.sort_by(|left, right| {
                left.day.cmp(&right.day).then_with(|| left.by.cmp(&right.by))
            });
            linked.push(other);
        }
        let node = explain::region_node(rules, &self.dictionary);
        let region = self.region(node.as_ref());
        let modelled = !rules.conditions.is_empty();
        let (mut audience, mut industry) = (NONE, NONE);
        if !modelled {
            let moment = rules.moment_on(first_day.max(0));
            if let Some(node) = explain::audience_node(rules, &self.dictionary) {
                audience = self.condition(node.as_ref(), moment, false);
            }
            if let Some(node) = explain::industry_node(rules, &self.dictionary) {
                industry = self.condition(node.as_ref(), moment, false);
            }
        }
        let epochs = self.epochs(rules);
        let last_day = rules.last_day(None);
        let ceiling = amount::ceiling(&rules.offer, Moment::on(0)) as f32;
        let row = self.rows.len() as u32;
        let kind = self.kind(&id.kind);
        self.rows.push(Row {
            digest: id.digest(),
            kind,
            id: id.clone(),
            live: true,
            modelled,
            region,
            first_day,
            last_day,
            ceiling,
            epochs,
            audience,
            industry,
            offer: rules.offer.clone(),
            ended_by_others: None,
            linked: linked.clone(),
        });
        self.heat(row);
        self.by_id.insert(id.clone(), row);
        linked.iter().chain([&id]).for_each(|id| self.settle(id));
    }

    /// Tells whether so much was put in and taken out that [`sort`](Self::sort) is worth its time.
    pub fn is_unsorted(&self) -> bool {
        self.rows.len() - self.sorted > TAIL + self.rows.len() / 20
            || self.dead > TAIL + self.rows.len() / 4
    }

    fn kind(&mut self, name: &Arc<str>) -> u16 {
        let known = self.kinds.iter().position(|kind| kind == name);
        let at = known.unwrap_or_else(|| {
            self.kinds.push(name.clone());
            self.kinds.len() - 1
        });
        u16::try_from(at).expect("an index configuration has a handful of kinds")
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: &RecordId) {
        let Some(row) = self.by_id.remove(id) else { return };
        self.rows[row as usize].live = false;
        self.hot[row as usize].live = false;
        self.dead += 1;
        let behind = self.sections.partition_point(|section| section.start <= row);
        if let Some(section) = behind.checked_sub(1).map(|at| &mut self.sections[at])
            && row < section.end
        {
            section.live -= 1;
        }
        for other in std::mem::take(&mut self.rows[row as usize].linked) {
            if let Some(links) = self.links.get_mut(&other) {
                links.retain(|link| link.by != *id);
                if links.is_empty() {
                    self.links.remove(&other);
                }
            }
            self.settle(&other);
        }
    }

    /// Notes at a record from which day another one ends it.
    fn settle(&mut self, id: &RecordId) {
        let day = self.ended_by(id).map(|link| link.day);
        if let Some(&row) = self.by_id.get(id) {
            self.rows[row as usize].ended_by_others = day;
            self.hot[row as usize].last_day = self.rows[row as usize].last_day();
        }
    }

    /// Sorts the tail in, and drops what was taken out, with the checks and conditions that nobody states any more.
    pub fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| row.live);
        if self.dead > 0 {
            self.compact(&mut rows);
        }
        // Those with the same conditions side by side: what is decided of one is mostly decided of the next.
        rows.sort_by(|left, right| {
            let place = |row: &Row| (row.region, row.kind);
            place(left).cmp(&place(right)).then_with(|| left.epochs.cmp(&right.epochs))
        });
        self.sections.clear();
        for (at, row) in rows.iter().enumerate() {
            let at = at as u32;
            match self.sections.last_mut() {
                Some(last) if (last.region, last.kind) == (row.region, row.kind) => {
                    last.end += 1;
                    last.live += 1;
                }
                _ => self.sections.push(Section {
                    region: row.region,
                    kind: row.kind,
                    start: at,
                    end: at + 1,
                    live: 1,
                }),
            }
            *self.by_id.get_mut(&row.id).expect("a live row has its place") = at;
        }
        self.sorted = rows.len();
        self.dead = 0;
        self.rows = rows;
        self.hot.clear();
        self.refs.clear();
        (0..self.sorted as u32).for_each(|row| self.heat(row));
    }

    /// Lays out what deciding looks at of the row behind the last one.
    fn heat(&mut self, row: u32) {
        let known = &self.rows[row as usize];
        let start = self.refs.len() as u32;
        let is_steady = known.epochs.len() == 1;
        if is_steady {
            self.refs.extend(&known.epochs[0].1);
        }
        self.hot.push(Hot {
            first_day: known.first_day,
            last_day: known.last_day(),
            start,
            count: self.refs.len() as u32 - start,
            ceiling: known.ceiling,
            weight: known.ceiling.ln_1p().max(1.0),
            live: known.live,
            modelled: known.modelled,
            has_windows: !known.offer.windows.is_empty(),
            is_steady,
        });
    }

    /// The conditions of a row on a day.
    fn conditions_of(&self, row: u32, day: i32) -> &[u32] {
        let hot = &self.hot[row as usize];
        match hot.is_steady {
            true => &self.refs[hot.start as usize..(hot.start + hot.count) as usize],
            false => self.rows[row as usize].conditions(day),
        }
    }

    /// Compiles the conditions for every span of days in which they are the same.
    fn epochs(&mut self, rules: &Rules) -> Vec<(i32, Vec<u32>)> {
        let mut epochs: Vec<(i32, Vec<u32>)> = Vec::new();
        for day in std::iter::once(i32::MIN).chain(rules.turning_days()) {
            // Windows have no end towards the beginning of time that matters.
            let day_of = day.max(-700_000);
            let moment = rules.moment_on(day_of);
            let window = rules.offer.window_on(day_of);
            let is_fixed = window.is_some_and(|window| window.rules_as_of.is_some());
            let mut conditions = Vec::new();
            for condition in &rules.conditions {
                if condition.validity.covers(day_of) {
                    let node = condition.tree.as_ref();
                    conditions.push(self.condition(node, moment, is_fixed));
                }
            }
            if epochs.last().is_none_or(|(_, last)| *last != conditions) {
                epochs.push((day, conditions));
            }
        }
        epochs
    }

    fn region(&mut self, node: Option<&Node>) -> u32 {
        let condition = node.map(|node| self.condition(Some(node), Moment::on(0), false));
        self.keep_region(condition)
    }

    fn keep_region(&mut self, condition: Option<u32>) -> u32 {
        let key = condition.unwrap_or(NONE);
        if let Some(&region) = self.regions_by_condition.get(&key) {
            return region;
        }
        let region = self.regions.len() as u32;
        self.regions.push(condition);
        let named = condition.map(|condition| {
            let check = self.code[self.conditions[condition as usize].start as usize];
            match &self.checks[check as usize].check.test {
                Test::Within { codes, above } => (&codes[..], &above[..]),
                _ => unreachable!("a region is one check of where it is"),
            }
        });
        self.places.push(named);
        self.regions_by_condition.insert(key, region);
        region
    }

    /// Compiles a condition; `None` for one that no machine can check.
    fn condition(&mut self, node: Option<&Node>, moment: Moment, is_fixed: bool) -> u32 {
        let mut code = Vec::new();
        let mut place = NONE;
        match node {
            None => code.push(OPEN),
            Some(node) => {
                self.compile(node, moment, is_fixed, &mut code);
                let dictionary = self.dictionary.clone();
                if let Some(check) = explain::region_checks(node, &dictionary).next() {
                    place = self.check(check, moment, is_fixed);
                }
            }
        }
        let mut may_be_reached = false;
        if let Some(node) = node {
            node.checks(&mut |check| may_be_reached |= check.may_be_reached(&self.dictionary));
        }
        self.keep_condition(&code, place, may_be_reached)
    }

    /// Keeps a condition once.
    fn keep_condition(&mut self, code: &[u32], place: u32, may_be_reached: bool) -> u32 {
        let mut hasher = DefaultHasher::new();
        code.iter().for_each(|word| hasher.write_u32(*word));
        let hash = hasher.finish();
        if let Some(&known) = self.conditions_by_hash.get(&hash) {
            let start = self.conditions[known as usize].start as usize;
            if self.code.get(start..start + code.len()) == Some(code) {
                return known;
            }
        }
        let condition = self.conditions.len() as u32;
        let start = self.code.len() as u32;
        self.conditions.push(Condition { start, place, may_be_reached });
        self.code.extend_from_slice(code);
        self.conditions_by_hash.insert(hash, condition);
        condition
    }

    fn compile(&mut self, node: &Node, moment: Moment, is_fixed: bool, code: &mut Vec<u32>) {
        let (how, of) = match node {
            Node::Check(check) => {
                let check = self.check(check, moment, is_fixed);
                code.push(CHECK | check);
                return;
            }
            Node::Group { how, of } => (*how, of),
        };
        let (tag, wanted) = match how {
            How::All => (ALL, 0),
            How::Any => (ANY, 0),
            How::None => (NOT_ANY, 0),
            How::AtLeast(wanted) => (AT_LEAST, wanted as u32),
        };
        code.extend([tag | of.len() as u32, 0, wanted]);
        let members = code.len();
        of.iter().for_each(|node| self.compile(node, moment, is_fixed, code));
        // How many words the members take, so that they can be passed over.
        code[members - 2] = (code.len() - members) as u32;
    }

    /// Keeps a check once, with those days of the window that it depends on.
    fn check(&mut self, check: &Check, moment: Moment, is_fixed: bool) -> u32 {
        let mut bound = BoundCheck {
            check: check.clone(),
            reference: None,
            opens: None,
            closes: None,
            reads: check.reads().iter().fold(0, |bits, &at| bits | 1 << at),
        };
        let year = is_fixed.then(|| moment.year());
        match (&check.subject, &check.test) {
            // Any day of the year stands for it.
            (Subject::Number { .. } | Subject::Flag { .. } | Subject::Code { .. }, _) => {
                bound.reference = year.map(first_of);
            }
            (_, Test::Has { valid_on, .. }) => match valid_on {
                ValidOn::RulesAsOf => bound.reference = is_fixed.then_some(moment.reference),
                ValidOn::Opens => bound.opens = moment.opens,
                ValidOn::Closes => bound.closes = moment.closes,
                ValidOn::AsOf | ValidOn::Ever | ValidOn::Day(_) => {}
            },
            _ => {}
        }
        let mut hasher = HashWriter(DefaultHasher::new());
        let days = (bound.reference, bound.opens, bound.closes);
        write!(
            hasher,
            "{:?}{:?}{:?}{days:?}",
            bound.check.subject, bound.check.test, bound.check.show
        )
        .expect("hashing does not fail");
        let hash = hasher.0.finish();
        if let Some(&known) = self.checks_by_hash.get(&hash) {
            let same = &self.checks[known as usize];
            if same.check == bound.check && (same.reference, same.opens, same.closes) == days {
                return known;
            }
        }
        let at = self.checks.len() as u32;
        self.checks.push(bound);
        self.checks_by_hash.insert(hash, at);
        at
    }

    /// Checks records, and calls `f` for each; returns how many there are besides that the profile is elsewhere of,
    /// for whom `f` is not called. Of [`Among::Rows`] it is called for all.
    pub fn judge(
        &self,
        profile: &Profile,
        as_of: i32,
        among: Among<'_>,
        mut f: impl FnMut(Standing),
    ) -> u64 {
        let mut judge = Judge::new(self, profile, as_of);
        if let Among::Rows(rows) = among {
            for &row in rows.iter().filter(|row| self.hot[**row as usize].live) {
                let region = self.rows[row as usize].region;
                let place = judge.region(region);
                f(judge.row(row, place));
            }
            return 0;
        }
        let mut elsewhere = 0;
        for section in self.sections(among) {
            match judge.region(section.region) {
                Verdict::Fail => elsewhere += u64::from(section.live),
                place => self.live(section).for_each(|row| f(judge.row(row, place))),
            }
        }
        elsewhere
    }

    /// The sections of the kinds that are asked for; each row of the tail is one of its own.
    fn sections(&self, among: Among<'_>) -> impl Iterator<Item = Section> {
        let tail = self.sorted as u32..self.rows.len() as u32;
        let tail = tail.map(|at| {
            let row = &self.rows[at as usize];
            let (region, kind, live) = (row.region, row.kind, u32::from(row.live));
            Section { region, kind, start: at, end: at + 1, live }
        });
        self.sections.iter().copied().chain(tail).filter(move |section| match among {
            Among::Kinds(asked) => asked[usize::from(section.kind)],
            Among::Everything | Among::Rows(_) => true,
        })
    }

    fn live(&self, section: Section) -> impl Iterator<Item = u32> {
        (section.start..section.end).filter(|row| self.hot[*row as usize].live)
    }

    /// Calls `f` with every record of some kinds that the profile is elsewhere of.
    pub fn elsewhere(&self, profile: &Profile, as_of: i32, asked: &[bool], f: impl FnMut(u32)) {
        let judge = Judge::new(self, profile, as_of);
        self.sections(Among::Kinds(asked))
            .filter(|section| judge.region(section.region) == Verdict::Fail)
            .flat_map(|section| self.live(section))
            .for_each(f);
    }

    fn step(&self, at: usize) -> Step {
        let word = self.code[at];
        match word & TAG {
            CHECK => Step::Check(word),
            OPEN => Step::Open,
            ALL => Step::Group(How::All),
            ANY => Step::Group(How::Any),
            NOT_ANY => Step::Group(How::None),
            _ => Step::Group(How::AtLeast(self.code[at + 2] as usize)),
        }
    }

    /// Decides the code at a place; returns where the next begins.
    fn verdict_at(&self, at: usize, check: &mut impl FnMut(u32) -> Verdict) -> (Verdict, usize) {
        let how = match self.step(at) {
            Step::Check(number) => return (check(number), at + 1),
            Step::Open => return (Verdict::Unknown, at + 1),
            Step::Group(how) => how,
        };
        let end = at + 3 + self.code[at + 1] as usize;
        let mut next = at + 3;
        let members = (0..(self.code[at] & !TAG) as usize).map(|_| {
            let (verdict, after) = self.verdict_at(next, check);
            next = after;
            verdict
        });
        (how.combine(members), end)
    }

    /// Decides the code at a place, and tells whether it could still be met if it fails; returns where the next begins
    /// as well.
    ///
    /// `check` does the same for a check.
    fn reached_at(
        &self,
        at: usize,
        check: &mut impl FnMut(u32) -> (Verdict, bool),
    ) -> (Verdict, bool, usize) {
        let how = match self.step(at) {
            Step::Check(number) => {
                let (verdict, reached) = check(number);
                return (verdict, reached, at + 1);
            }
            Step::Open => return (Verdict::Unknown, false, at + 1),
            Step::Group(how) => how,
        };
        let mut next = at + 3;
        let members: Vec<(Verdict, bool)> = (0..self.code[at] & !TAG)
            .map(|_| {
                let (verdict, reached, after) = self.reached_at(next, check);
                next = after;
                (verdict, reached)
            })
            .collect();
        let verdict = how.combine(members.iter().map(|(verdict, _)| *verdict));
        (verdict, verdict == Verdict::Fail && reach(how, members.into_iter()), next)
    }
}

/// What stands at a place of the code.
enum Step {
    /// Among [`Table::checks`].
    Check(u32),
    /// What no machine can check.
    Open,
    /// Of as many members as its word says.
    Group(How),
}

impl Hot {
    /// Why the record does not hold on a day.
    fn excluded(&self, as_of: i32) -> Option<Exclusion> {
        if as_of < self.first_day {
            return Some(Exclusion::NotYetInForce);
        }
        (as_of > self.last_day).then_some(Exclusion::NoLongerInForce)
    }
}

impl Row {
    /// The last day on which it holds, others taken into account.
    fn last_day(&self) -> i32 {
        match (self.last_day, self.ended_by_others) {
            // Ended by its own word, on the day of the other's.
            (i32::MIN, Some(day)) => day.saturating_sub(1),
            (last, Some(day)) => last.min(day.saturating_sub(1)),
            (last, None) => last,
        }
    }

    fn conditions(&self, day: i32) -> &[u32] {
        if let [(_, only)] = &self.epochs[..] {
            return only;
        }
        let after = self.epochs.partition_point(|(from, _)| *from <= day);
        &self.epochs[after - 1].1
    }
}

impl BoundCheck {
    fn moment(&self, as_of: i32) -> Moment {
        Moment {
            as_of,
            reference: self.reference.unwrap_or(as_of),
            opens: self.opens,
            closes: self.closes,
        }
    }
}

/// The first of July: a day that is of the year whatever the slack.
fn first_of(year: i32) -> i32 {
    let mut day = (year - 1970) * 365 + (year - 1970) / 4 + 182;
    while year_of(day) < year {
        day += 30;
    }
    day
}

struct HashWriter(DefaultHasher);

impl std::fmt::Write for HashWriter {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
