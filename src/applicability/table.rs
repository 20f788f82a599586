//! The rules of many records, compiled for being checked against one profile at once.
//!
//! Equal checks and equal conditions are kept once, whoever states them, and are decided once a profile. Records lie in
//! the order of the places where they apply, so that those elsewhere are passed over without being looked at. New
//! records go to a tail, which is sorted in when it has grown. The verdicts are those of [`super::explain`].

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::condition::{Check, Detail, How, Need, Node, Subject, Test, ValidOn};
use super::dictionary::Dictionary;
use super::explain;
use super::near::reach;
use super::profile::Profile;
use super::rules::{Effect, Rules};
use super::value::{Moment, year_of};
use super::window::{Exclusion, WindowState};
use super::{Verdict, amount};
use crate::record::RecordId;

/// Records in the tail, beside a twentieth of all, before they are sorted in.
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
pub struct Table {
    dictionary: Arc<Dictionary>,
    checks: Vec<BoundCheck>,
    checks_by_hash: HashMap<u64, u32>,
    code: Vec<u32>,
    conditions: Vec<Condition>,
    conditions_by_hash: HashMap<u64, u32>,
    regions: Vec<Option<u32>>,
    regions_by_condition: HashMap<u32, u32>,
    rows: Vec<Row>,
    /// Rows of the sorted part, by region; the others are the tail.
    sections: Vec<(u32, u32, u32)>,
    sorted: usize,
    dead: usize,
    by_id: HashMap<RecordId, u32>,
    /// What other records do to a record.
    links: HashMap<RecordId, Vec<Link>>,
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
struct BoundCheck {
    check: Check,
    reference: Option<i32>,
    opens: Option<i32>,
    closes: Option<i32>,
    /// Attributes that it reads, as bits.
    reads: u128,
}

struct Condition {
    start: u32,
    /// A check of the place within, if it is one that must pass; else [`NONE`].
    place: u32,
}

/// One record.
struct Row {
    id: RecordId,
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
    windows: Vec<super::rules::Window>,
    /// From which day another record ends it.
    ended_by_others: Option<i32>,
    /// Records that it has a relation to.
    linked: Vec<RecordId>,
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
            regions_by_condition: HashMap::new(),
            rows: Vec::new(),
            sections: Vec::new(),
            sorted: 0,
            dead: 0,
            by_id: HashMap::new(),
            links: HashMap::new(),
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

    /// The most that a record can give, in yuan; 0 where it does not say.
    pub fn ceiling(&self, row: u32) -> f64 {
        f64::from(self.rows[row as usize].ceiling)
    }

    /// Days until a record's window closes; `None` unless it is open.
    pub fn days_left(&self, row: u32, day: i32) -> Option<i32> {
        let open = self.rows[row as usize]
            .windows
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
        let ceiling = amount::ceiling(rules, Moment::on(0)) as f32;
        let row = self.rows.len() as u32;
        self.rows.push(Row {
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
            windows: rules.windows.clone(),
            ended_by_others: None,
            linked: linked.clone(),
        });
        self.by_id.insert(id.clone(), row);
        linked.iter().chain([&id]).for_each(|id| self.settle(id));
        if self.rows.len() - self.sorted > TAIL + self.rows.len() / 20
            || self.dead > TAIL + self.rows.len() / 4
        {
            self.sort();
        }
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: &RecordId) {
        let Some(row) = self.by_id.remove(id) else { return };
        self.rows[row as usize].live = false;
        self.dead += 1;
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
        }
    }

    /// Sorts the tail in, and drops what was taken out.
    pub fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| row.live);
        rows.sort_by_key(|row| row.region);
        self.sections.clear();
        for (at, row) in rows.iter().enumerate() {
            let at = at as u32;
            match self.sections.last_mut() {
                Some((region, _, end)) if *region == row.region => *end = at + 1,
                _ => self.sections.push((row.region, at, at + 1)),
            }
            *self.by_id.get_mut(&row.id).expect("a live row has its place") = at;
        }
        self.sorted = rows.len();
        self.dead = 0;
        self.rows = rows;
    }

    /// Compiles the conditions for every span of days in which they are the same.
    fn epochs(&mut self, rules: &Rules) -> Vec<(i32, Vec<u32>)> {
        let mut epochs: Vec<(i32, Vec<u32>)> = Vec::new();
        for day in std::iter::once(i32::MIN).chain(rules.turning_days()) {
            // Windows have no end towards the beginning of time that matters.
            let moment = rules.moment_on(day.max(-700_000));
            let fixed = rules.window_on(day.max(-700_000)).and_then(|window| window.rules_as_of);
            let mut conditions = Vec::new();
            for condition in &rules.conditions {
                if condition.validity.covers(day.max(-700_000)) {
                    let node = condition.tree.as_ref();
                    conditions.push(self.condition(node, moment, fixed.is_some()));
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
        let key = condition.unwrap_or(NONE);
        if let Some(&region) = self.regions_by_condition.get(&key) {
            return region;
        }
        let region = self.regions.len() as u32;
        self.regions.push(condition);
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
        let mut hasher = DefaultHasher::new();
        code.iter().for_each(|word| hasher.write_u32(*word));
        let hash = hasher.finish();
        if let Some(&known) = self.conditions_by_hash.get(&hash) {
            let start = self.conditions[known as usize].start as usize;
            if self.code.get(start..start + code.len()) == Some(&code) {
                return known;
            }
        }
        let condition = self.conditions.len() as u32;
        self.conditions.push(Condition { start: self.code.len() as u32, place });
        self.code.extend(code);
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

    /// Checks every record, or those of `only`, and calls `f` for each that the profile is not elsewhere of; returns
    /// how many those are.
    pub fn judge(
        &self,
        profile: &Profile,
        as_of: i32,
        only: Option<&[u32]>,
        mut f: impl FnMut(Standing),
    ) -> u64 {
        let mut judge = Judge::new(self, profile, as_of);
        let mut elsewhere = 0;
        let mut one = |judge: &mut Judge<'_>, row: u32| {
            if self.rows[row as usize].live {
                f(judge.row(row));
            }
        };
        if let Some(rows) = only {
            rows.iter().for_each(|&row| one(&mut judge, row));
            return 0;
        }
        for &(region, start, end) in &self.sections {
            if judge.region(region) == Verdict::Fail {
                let rows = &self.rows[start as usize..end as usize];
                elsewhere += match self.dead {
                    0 => rows.len(),
                    _ => rows.iter().filter(|row| row.live).count(),
                } as u64;
                continue;
            }
            (start..end).for_each(|row| one(&mut judge, row));
        }
        for row in self.sorted..self.rows.len() {
            let known = &self.rows[row];
            if known.live && judge.region(known.region) == Verdict::Fail {
                elsewhere += 1;
            } else {
                one(&mut judge, row as u32);
            }
        }
        elsewhere
    }

    /// Calls `f` with every record that the profile is elsewhere of.
    pub fn elsewhere(&self, profile: &Profile, as_of: i32, mut f: impl FnMut(u32)) {
        let mut judge = Judge::new(self, profile, as_of);
        let tail = (self.sorted as u32..self.rows.len() as u32)
            .map(|row| (self.rows[row as usize].region, row, row + 1));
        for (region, start, end) in self.sections.iter().copied().chain(tail) {
            if judge.region(region) == Verdict::Fail {
                (start..end).filter(|row| self.rows[*row as usize].live).for_each(&mut f);
            }
        }
    }

    /// Checks one record against many profiles.
    pub fn judge_each<'a>(
        &self,
        row: u32,
        profiles: impl Iterator<Item = &'a Profile>,
        as_of: i32,
    ) -> Vec<Verdict> {
        let known = &self.rows[row as usize];
        let ended = Self::ended(known, as_of).is_some();
        let conditions = known.conditions(as_of);
        profiles
            .map(|profile| {
                if ended {
                    return Verdict::Fail;
                }
                let mut least = match self.regions[known.region as usize] {
                    Some(condition) => self.decide(condition, profile, as_of),
                    None => Verdict::Pass,
                };
                if !known.modelled {
                    least = least.min(Verdict::Unknown);
                }
                let implied = [known.audience, known.industry];
                let implied = implied.iter().filter(|condition| **condition != NONE);
                for &condition in conditions.iter().chain(implied) {
                    if least == Verdict::Fail {
                        break;
                    }
                    least = least.min(self.decide(condition, profile, as_of));
                }
                least
            })
            .collect()
    }

    fn decide(&self, condition: u32, profile: &Profile, as_of: i32) -> Verdict {
        let start = self.conditions[condition as usize].start as usize;
        self.verdict_at(start, &mut |check| {
            let bound = &self.checks[check as usize];
            bound.check.verdict(profile, bound.moment(as_of))
        })
        .0
    }

    /// Decides the code at a place; returns where the next begins.
    fn verdict_at(&self, at: usize, check: &mut impl FnMut(u32) -> Verdict) -> (Verdict, usize) {
        let word = self.code[at];
        match word & TAG {
            CHECK => return (check(word), at + 1),
            OPEN => return (Verdict::Unknown, at + 1),
            _ => {}
        }
        let count = word & !TAG;
        let end = at + 3 + self.code[at + 1] as usize;
        let mut next = at + 3;
        let (mut least, mut greatest) = (Verdict::Pass, Verdict::Fail);
        let (mut passed, mut open) = (0, 0);
        for _ in 0..count {
            let (verdict, after) = self.verdict_at(next, check);
            next = after;
            least = least.min(verdict);
            greatest = greatest.max(verdict);
            passed += u32::from(verdict == Verdict::Pass);
            open += u32::from(verdict == Verdict::Unknown);
            match word & TAG {
                ALL if least == Verdict::Fail => break,
                ANY | NOT_ANY if greatest == Verdict::Pass => break,
                _ => {}
            }
        }
        let wanted = self.code[at + 2];
        let verdict = match word & TAG {
            ALL => least,
            ANY => greatest,
            NOT_ANY => greatest.negated(),
            _ if passed >= wanted => Verdict::Pass,
            _ if passed + open < wanted => Verdict::Fail,
            _ => Verdict::Unknown,
        };
        (verdict, end)
    }

    /// Why a record does not hold on a day.
    fn ended(row: &Row, as_of: i32) -> Option<Exclusion> {
        if as_of < row.first_day {
            return Some(Exclusion::NotYetInForce);
        }
        let last = match (row.last_day, row.ended_by_others) {
            // Ended by its own word, on the day of the other's.
            (i32::MIN, Some(day)) => day - 1,
            (last, Some(day)) => last.min(day - 1),
            (last, None) => last,
        };
        (as_of > last).then_some(Exclusion::NoLongerInForce)
    }
}

impl Row {
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

/// What has been decided for one profile.
struct Judge<'a> {
    table: &'a Table,
    profile: &'a Profile,
    as_of: i32,
    /// 0: not looked at; else the verdict and one.
    checks: Vec<u8>,
    /// The same, with [`KNOWN`] and [`REACHED`] of those that fail.
    conditions: Vec<u8>,
    /// What is missing to decide a condition: a place among the masks, or 0.
    missing: Vec<u16>,
    masks: Vec<u128>,
    masks_known: HashMap<u128, u16>,
}

const VERDICT: u8 = 3;
/// Whether it is known that a failing condition is within reach.
const KNOWN: u8 = 4;
const REACHED: u8 = 8;

fn coded(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 1,
        Verdict::Unknown => 2,
        Verdict::Pass => 3,
    }
}

fn decoded(code: u8) -> Option<Verdict> {
    match code & VERDICT {
        1 => Some(Verdict::Fail),
        2 => Some(Verdict::Unknown),
        3 => Some(Verdict::Pass),
        _ => None,
    }
}

impl<'a> Judge<'a> {
    fn new(table: &'a Table, profile: &'a Profile, as_of: i32) -> Self {
        Self {
            table,
            profile,
            as_of,
            checks: vec![0; table.checks.len()],
            conditions: vec![0; table.conditions.len()],
            missing: vec![0; table.conditions.len()],
            masks: vec![0],
            masks_known: HashMap::new(),
        }
    }

    fn region(&mut self, region: u32) -> Verdict {
        match self.table.regions[region as usize] {
            Some(condition) => self.condition(condition),
            None => Verdict::Pass,
        }
    }

    fn row(&mut self, at: u32) -> Standing {
        let table = self.table;
        let row = &table.rows[at as usize];
        let mut standing = Standing {
            row: at,
            verdict: self.region(row.region),
            near: false,
            excluded: Table::ended(row, self.as_of),
            missing: 0,
        };
        if standing.verdict == Verdict::Fail {
            standing.excluded = Some(Exclusion::Region);
            return standing;
        }
        if !row.modelled {
            standing.verdict = standing.verdict.min(Verdict::Unknown);
            for (condition, reason) in
                [(row.audience, Exclusion::Audience), (row.industry, Exclusion::Industry)]
            {
                if condition == NONE {
                    continue;
                }
                let verdict = self.condition(condition);
                if verdict == Verdict::Fail {
                    standing.excluded = standing.excluded.or(Some(reason));
                }
                standing.verdict = standing.verdict.min(verdict);
            }
        }
        let conditions = row.conditions(self.as_of);
        let mut failed = 0;
        for &condition in conditions {
            let verdict = self.condition(condition);
            standing.verdict = standing.verdict.min(verdict);
            if verdict == Verdict::Fail {
                failed += 1;
                let place = table.conditions[condition as usize].place;
                if place != NONE
                    && standing.excluded.is_none()
                    && self.check(place) == Verdict::Fail
                {
                    standing.excluded = Some(Exclusion::Region);
                }
            }
        }
        if standing.excluded.is_some() {
            return standing;
        }
        match standing.verdict {
            Verdict::Fail => {
                let most = table.dictionary.attributes().near.conditions;
                standing.near = row.modelled
                    && failed <= most
                    && conditions.iter().all(|&condition| {
                        self.condition(condition) != Verdict::Fail || self.reached(condition)
                    });
            }
            Verdict::Unknown => {
                let region = table.regions[row.region as usize];
                let implied = [row.audience, row.industry];
                let implied = implied.into_iter().filter(|condition| *condition != NONE);
                for condition in conditions.iter().copied().chain(implied).chain(region) {
                    if self.condition(condition) == Verdict::Unknown {
                        standing.missing |= self.missing_of(condition);
                    }
                }
            }
            Verdict::Pass => {}
        }
        standing
    }

    fn condition(&mut self, condition: u32) -> Verdict {
        let at = condition as usize;
        if let Some(verdict) = decoded(self.conditions[at]) {
            return verdict;
        }
        let table = self.table;
        let start = table.conditions[at].start as usize;
        let (verdict, _) = table.verdict_at(start, &mut |check| self.check(check));
        self.conditions[at] = coded(verdict);
        verdict
    }

    fn check(&mut self, check: u32) -> Verdict {
        let at = check as usize;
        if let Some(verdict) = decoded(self.checks[at]) {
            return verdict;
        }
        let bound = &self.table.checks[at];
        let verdict = bound.check.verdict(self.profile, bound.moment(self.as_of));
        self.checks[at] = coded(verdict);
        verdict
    }

    /// Tells whether a condition that fails is within reach.
    fn reached(&mut self, condition: u32) -> bool {
        let at = condition as usize;
        if self.conditions[at] & KNOWN == 0 {
            let start = self.table.conditions[at].start as usize;
            let (_, reached, _) = self.reached_at(start);
            self.conditions[at] |= KNOWN | if reached { REACHED } else { 0 };
        }
        self.conditions[at] & REACHED != 0
    }

    fn reached_at(&mut self, at: usize) -> (Verdict, bool, usize) {
        let table = self.table;
        let word = table.code[at];
        match word & TAG {
            CHECK => {
                let verdict = self.check(word);
                let bound = &table.checks[word as usize];
                let reached = verdict == Verdict::Fail
                    && bound.check.is_within_reach(
                        self.profile,
                        bound.moment(self.as_of),
                        &table.dictionary,
                    );
                return (verdict, reached, at + 1);
            }
            OPEN => return (Verdict::Unknown, false, at + 1),
            _ => {}
        }
        let how = match word & TAG {
            ALL => How::All,
            ANY => How::Any,
            NOT_ANY => How::None,
            _ => How::AtLeast(table.code[at + 2] as usize),
        };
        let (verdict, end) = table.verdict_at(at, &mut |check| self.check(check));
        let mut members = Vec::new();
        let mut next = at + 3;
        for _ in 0..word & !TAG {
            let (verdict, reached, after) = self.reached_at(next);
            members.push((verdict, reached));
            next = after;
        }
        (verdict, verdict == Verdict::Fail && reach(how, members.into_iter()), end)
    }

    /// The attributes that are missing to decide a condition that is not.
    fn missing_of(&mut self, condition: u32) -> u128 {
        let at = condition as usize;
        if self.missing[at] == 0 {
            let start = self.table.conditions[at].start as usize;
            let mut mask = 0;
            self.missing_at(start, &mut mask);
            let next = self.masks.len();
            let place = match self.masks_known.get(&mask) {
                Some(&place) => place,
                None if next < usize::from(u16::MAX) => {
                    self.masks.push(mask);
                    self.masks_known.insert(mask, next as u16);
                    next as u16
                }
                None => return mask,
            };
            self.missing[at] = place;
        }
        self.masks[usize::from(self.missing[at])]
    }

    fn missing_at(&mut self, at: usize, mask: &mut u128) -> usize {
        let table = self.table;
        let word = table.code[at];
        match word & TAG {
            CHECK => {
                if self.check(word) == Verdict::Unknown {
                    let bound = &table.checks[word as usize];
                    *mask |= self.needs_of(bound);
                }
                return at + 1;
            }
            OPEN => return at + 1,
            _ => {}
        }
        let (verdict, end) = table.verdict_at(at, &mut |check| self.check(check));
        if verdict == Verdict::Unknown {
            let mut next = at + 3;
            for _ in 0..word & !TAG {
                next = self.missing_at(next, mask);
            }
        }
        end
    }

    fn needs_of(&self, bound: &BoundCheck) -> u128 {
        // Where one attribute is read, it is the one that is missing.
        if bound.reads.count_ones() == 1 {
            return bound.reads;
        }
        let mut needs: Vec<Need> = Vec::new();
        bound.check.needs(self.profile, bound.moment(self.as_of), &mut needs);
        debug_assert!(needs.iter().all(|need| !matches!(need.detail, Detail::Code(_))));
        needs.iter().fold(0, |mask, need| mask | 1 << need.attribute)
    }
}
