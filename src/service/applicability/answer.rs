//! The answer to a profile: verdicts in order, what is left out, what to ask, and the best set.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::plan::{Offered, PortfolioView, best_set};
use super::request::Checked;
use super::{ApplicabilityService, CheckError, CheckRequest, Loaded};
use crate::applicability::explain::{self, Explanation};
use crate::applicability::profile::NoteView;
use crate::applicability::questions::{Question, Tally};
use crate::applicability::table::{Among, Standing, Table};
use crate::applicability::value::print_day;
use crate::applicability::window::Exclusion;
use crate::applicability::{Profile, Verdict};
use crate::query::filter::{Filter, Literal};
use crate::query::{Order, Query, Search};
use crate::record::{Lang, RecordId, Revision};

/// Records that a set is chosen from; of more, those that can give the most.
const MAX_CANDIDATES: usize = 500;
/// Hits of a filter read at a time.
const PAGE: usize = 2_000;

/// The answer, as the API shows it.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub as_of: String,
    pub summary: Summary,
    pub items: Vec<Item>,
    /// Records behind `items` in their order, from the first.
    pub total: usize,
    pub excluded: Vec<ExcludedCount>,
    pub questions: Vec<Question>,
    pub portfolio: PortfolioView,
    /// What should be known about the values of the profile.
    pub notes: Vec<NoteView>,
    /// Names what was said of the organization: with the same one, the same versions of the records and the same
    /// `as_of`, the verdicts are the same.
    pub profile_digest: String,
    pub revision: Revision,
    pub took_ms: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub pass: usize,
    /// Those that fail within reach; they are not counted in `fail`.
    pub near: usize,
    pub unknown: usize,
    pub fail: usize,
}

#[derive(Debug, Serialize)]
pub struct Item {
    pub kind: Arc<str>,
    pub id: Arc<str>,
    pub title: String,
    #[serde(flatten)]
    pub explanation: Explanation,
    pub version: VersionView,
    /// The record that ended this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
}

/// The version of a record's rules that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionView {
    pub revision: Revision,
    /// The days around `as_of` on which these rules hold, both inclusive; null where nothing bounds them.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Successor {
    pub id: Arc<str>,
    pub title: String,
    pub relation: String,
    /// The first day of it, where it has one.
    pub from: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ExcludedCount {
    pub reason: Exclusion,
    pub label: &'static str,
    pub count: u64,
}

impl ApplicabilityService {
    /// Checks a profile against the records of the request.
    pub fn check(&self, request: &CheckRequest) -> Result<Answer, CheckError> {
        let started = Instant::now();
        let checked = request.check(self)?;
        let revision = self.catch_up()?;
        let filtered = match &checked.filter {
            Some(filter) => Some(self.matching(filter, &checked, request.today)?),
            None => None,
        };
        let as_of = request.as_of;
        let table = self.table();
        let asked = self.kinds_asked(&table, &checked.kinds);
        let mut found = Found::new(&self.dictionary);
        let only = rows_of(&table, &checked, filtered);
        let among = only.as_deref().map_or(Among::Kinds(&asked), Among::Rows);
        let has_only = checked.ids.is_some();
        let elsewhere = table.judge(&checked.profile, as_of, among, |standing| {
            let shown = has_only
                || standing.excluded.is_none_or(|reason| checked.include.contains(&reason));
            found.add(&standing, shown, &table);
        });
        let mut excluded = found.excluded;
        if elsewhere > 0 {
            *excluded.entry(Exclusion::Region).or_default() += elsewhere;
            if checked.include.contains(&Exclusion::Region) {
                let left_out = &mut found.shown[LEFT_OUT];
                table.elsewhere(&checked.profile, as_of, &asked, |row| left_out.push(row));
            }
        }
        let total = found.shown.iter().map(Vec::len).sum();
        let passed: Vec<Offered> = giving_most(found.passed, &table)
            .map(|row| (table.id(row).clone(), table.offer(row).clone()))
            .collect();
        let ids: Vec<(RecordId, Option<Link>)> = page(found.shown, &table, as_of, request)
            .into_iter()
            .map(|row| {
                let id = table.id(row);
                (id.clone(), table.ended_by(id).map(Link::of))
            })
            .collect();
        let questions = found.tally.questions(checked.questions, request.lang);
        drop(table);
        let mut items = Vec::with_capacity(ids.len());
        for (id, ended_by) in ids {
            // A record withdrawn a moment ago.
            let Some(loaded) = self.loaded(&id)? else { continue };
            items.push(self.item(&loaded, ended_by, &checked.profile, as_of, request.lang)?);
        }
        Ok(Answer {
            as_of: print_day(as_of),
            summary: found.summary,
            items,
            total,
            excluded: excluded
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| ExcludedCount {
                    reason,
                    label: reason.label(request.lang),
                    count,
                })
                .collect(),
            questions,
            portfolio: best_set(&passed, &checked.profile, as_of, request.lang),
            notes: checked.notes.iter().map(|note| note.view(request.lang)).collect(),
            profile_digest: digest_of(request),
            revision,
            took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 1e2,
        })
    }

    fn item(
        &self,
        loaded: &Loaded,
        ended_by: Option<Link>,
        profile: &Profile,
        as_of: i32,
        lang: Lang,
    ) -> Result<Item, CheckError> {
        let day = ended_by.as_ref().map(|link| link.day);
        let explanation =
            explain::explain(&loaded.rules, profile, as_of, day, &self.dictionary, lang);
        let (from, to) = loaded.rules.span_on(as_of, day);
        let version = VersionView {
            revision: loaded.revision,
            valid_from: from.map(print_day),
            valid_to: to.map(print_day),
        };
        let successor = match ended_by.filter(|link| link.day <= as_of) {
            None => None,
            Some(link) => {
                let title = self.loaded(&link.by)?.map(|other| other.title().to_owned());
                Some(Successor {
                    id: link.by.id.clone(),
                    title: title.unwrap_or_default(),
                    relation: link.relation,
                    from: (link.day > i32::MIN).then(|| print_day(link.day)),
                })
            }
        };
        Ok(Item {
            kind: loaded.id.kind.clone(),
            id: loaded.id.id.clone(),
            title: loaded.title().to_owned(),
            explanation,
            version,
            successor,
        })
    }

    /// The records that a filter matches.
    fn matching(
        &self,
        filter: &Filter,
        checked: &Checked,
        today: i32,
    ) -> Result<Vec<RecordId>, CheckError> {
        let kinds: Vec<Literal> = self
            .catalog
            .kinds
            .iter()
            .filter(|kind| {
                kind.applicability.is_some() && self.is_asked(&kind.name, &checked.kinds)
            })
            .map(|kind| Literal::Text(kind.name.to_string()))
            .collect();
        let kinds = Filter::In { path: "kind".into(), values: kinds };
        let mut search = Search {
            query: Query::All,
            parts: Vec::new(),
            rankers: Default::default(),
            filter: Some(Filter::And(vec![kinds, filter.clone()])),
            selections: Vec::new(),
            facets: Vec::new(),
            order: Order::Newest,
            limit: PAGE,
            offset: 0,
            after: None,
            least: 0,
            today,
        };
        let mut ids = Vec::new();
        loop {
            let found = self.engine.search(&search)?;
            ids.extend(found.hits.into_iter().map(|hit| hit.id));
            match found.next {
                Some(after) => search.after = Some(after),
                None => return Ok(ids),
            }
        }
    }
}

/// Names what a request says of the organization.
fn digest_of(request: &CheckRequest) -> String {
    let said = serde_json::to_vec(&(&request.profile, &request.assume));
    let digest = Sha256::digest(said.expect("an object has only string keys"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What ended a record.
struct Link {
    by: RecordId,
    relation: String,
    day: i32,
}

impl Link {
    fn of(link: &crate::applicability::table::Link) -> Self {
        Self { by: link.by.clone(), relation: link.relation.clone(), day: link.day }
    }
}

/// Classes of records, in the order in which they are shown: applies; undecided with at most two attributes missing;
/// within reach; undecided; does not apply; left out.
const CLASSES: usize = 6;
const LEFT_OUT: usize = CLASSES - 1;

fn class(standing: &Standing) -> usize {
    match (standing.excluded, standing.verdict) {
        (Some(_), _) => LEFT_OUT,
        (None, Verdict::Pass) => 0,
        (None, Verdict::Unknown) if standing.missing.count_ones() <= 2 => 1,
        (None, Verdict::Fail) if standing.near => 2,
        (None, Verdict::Unknown) => 3,
        (None, Verdict::Fail) => 4,
    }
}

/// What is gathered while every record is judged: rows of the table.
struct Found<'a> {
    summary: Summary,
    shown: [Vec<u32>; CLASSES],
    passed: Vec<u32>,
    excluded: BTreeMap<Exclusion, u64>,
    tally: Tally<'a>,
}

impl<'a> Found<'a> {
    fn new(dictionary: &'a crate::applicability::Dictionary) -> Self {
        Self {
            summary: Summary::default(),
            shown: Default::default(),
            passed: Vec::new(),
            excluded: BTreeMap::new(),
            tally: Tally::new(dictionary),
        }
    }

    fn add(&mut self, standing: &Standing, shown: bool, table: &Table) {
        if let Some(reason) = standing.excluded {
            *self.excluded.entry(reason).or_default() += 1;
        } else {
            let summary = &mut self.summary;
            match (standing.verdict, standing.near) {
                (Verdict::Pass, _) => {
                    summary.pass += 1;
                    self.passed.push(standing.row);
                }
                (Verdict::Unknown, _) => {
                    summary.unknown += 1;
                    self.tally.add(standing, table);
                }
                (Verdict::Fail, true) => summary.near += 1,
                (Verdict::Fail, false) => summary.fail += 1,
            }
        }
        if shown {
            self.shown[class(standing)].push(standing.row);
        }
    }
}

/// Far more may apply than anybody can use: those that can give the most, in the order of their ids.
fn giving_most(mut rows: Vec<u32>, table: &Table) -> impl Iterator<Item = u32> {
    let by_id = |left: &u32, right: &u32| table.id(*left).cmp(table.id(*right));
    if rows.len() > MAX_CANDIDATES {
        rows.select_nth_unstable_by(MAX_CANDIDATES, |left, right| {
            let more = table.ceiling(*right).total_cmp(&table.ceiling(*left));
            more.then_with(|| by_id(left, right))
        });
        rows.truncate(MAX_CANDIDATES);
    }
    rows.sort_unstable_by(by_id);
    rows.into_iter()
}

/// The rows that ids and filter leave; `None` for all.
fn rows_of(table: &Table, checked: &Checked, filtered: Option<Vec<RecordId>>) -> Option<Vec<u32>> {
    let rows = |ids: &[RecordId]| {
        let mut rows: Vec<u32> = ids.iter().filter_map(|id| table.row(id)).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    match (&checked.ids, filtered) {
        (None, None) => None,
        (Some(ids), None) => Some(rows(ids)),
        (None, Some(found)) => Some(rows(&found)),
        (Some(ids), Some(found)) => {
            let found = rows(&found);
            let asked = rows(ids).into_iter();
            Some(asked.filter(|row| found.binary_search(row).is_ok()).collect())
        }
    }
}

/// Orders by class, then what closes soon, then what gives the most; returns a page.
///
/// Only the classes of the page are put in order: the first ones are small, the others may hold everything.
fn page(
    classes: [Vec<u32>; CLASSES],
    table: &Table,
    as_of: i32,
    &CheckRequest { offset, limit, of_each, .. }: &CheckRequest,
) -> Vec<u32> {
    if let Some(most) = of_each {
        let classes = classes.into_iter();
        return classes.flat_map(|class| sorted(class, table, as_of, most)).collect();
    }
    let (mut skipped, mut wanted) = (offset, limit.unwrap_or(usize::MAX));
    let mut page = Vec::new();
    for class in classes {
        if skipped >= class.len() || wanted == 0 {
            skipped -= skipped.min(class.len());
            continue;
        }
        let end = skipped.saturating_add(wanted);
        let sorted = sorted(class, table, as_of, end);
        page.extend(sorted.into_iter().skip(skipped));
        wanted = limit.map_or(usize::MAX, |limit| limit - page.len());
        skipped = 0;
    }
    page
}

/// The first `end` of one class, in order.
fn sorted(class: Vec<u32>, table: &Table, as_of: i32, end: usize) -> Vec<u32> {
    let key = |row: u32| {
        let days = table.days_left(row, as_of).unwrap_or(i32::MAX);
        (days, u64::MAX - table.ceiling(row) as u64)
    };
    let mut keyed: Vec<_> = class.into_iter().map(|row| (key(row), row)).collect();
    let compare = |left: &(_, u32), right: &(_, u32)| {
        let by_id = || table.id(left.1).cmp(table.id(right.1));
        Ord::cmp(&left.0, &right.0).then_with(by_id)
    };
    if end < keyed.len() {
        keyed.select_nth_unstable_by(end, compare);
        keyed.truncate(end);
    }
    keyed.sort_unstable_by(compare);
    keyed.into_iter().map(|(_, row)| row).collect()
}
