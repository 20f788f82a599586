//! Earlier versions of records that state rules, what other records do to them, and what changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applicability::ApplicabilityService;
use super::indexing;
use super::keys::Principal;
use crate::applicability::Rules;
use crate::applicability::diff::{self, Difference, Version};
use crate::applicability::rules::Effect;
use crate::applicability::value::print_day;
use crate::record::validate::visible;
use crate::record::value::days;
use crate::record::{Fields, Record, RecordId, RecordKind, Revision, State, Visibility};
use crate::store::{Expected, StoreError, StoredRecord, Write};

/// Kind of the records that hold earlier versions.
const KIND: &str = "_version";
/// Earlier versions that one answer lists.
const MAX_VERSIONS: usize = 500;

/// The versions of a record and its place among others.
#[derive(Debug, Serialize)]
pub struct Versions {
    pub items: Vec<VersionView>,
    pub relations: Vec<RelationView>,
    /// The record that ends this one.
    pub successor: Option<RelationView>,
    /// The record is there no more: none of the versions is the present one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

#[derive(Debug, Serialize)]
pub struct VersionView {
    pub revision: Revision,
    pub current: bool,
    /// When it was written here.
    pub updated_at: String,
    /// The days on which the rules hold, both inclusive; null where nothing says so.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub title: String,
    pub conditions: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct RelationView {
    #[serde(rename = "type")]
    pub relation: String,
    pub id: Arc<str>,
    pub title: Option<String>,
    /// `by`: the other record does it to this one; `to`: this one to the other.
    pub direction: &'static str,
    /// The first day of the record that does it.
    pub from: Option<String>,
}

/// What differs between two versions.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub from: Named,
    pub to: Named,
    #[serde(flatten)]
    pub difference: Difference,
}

/// How a version was asked for, and which one it is.
#[derive(Debug, Serialize)]
pub struct Named {
    pub version: String,
    pub id: Arc<str>,
    pub revision: Revision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
}

/// A version as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    Revision(u64),
    /// The rules of the present version that hold on a day.
    Day(i32),
    /// Another record of the kind.
    Other(String),
}

impl Which {
    /// Reads a revision, a date or the id of another record.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(day) = days(text) {
            return Some(Self::Day(day));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Revision);
        }
        (!text.is_empty() && text.chars().count() <= 128).then(|| Self::Other(text.to_owned()))
    }
}

/// An earlier version as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_version_of")]
    of: Revision,
    #[serde(flatten)]
    record: Record,
}

/// Composes the write that keeps what `stored` was before it is replaced.
pub fn keep(stored: &StoredRecord) -> Option<Write> {
    let record = indexing::read(stored)?;
    let id = format!("{}/{}/{:020}", stored.id.kind, stored.id.id, stored.revision.0);
    let kept = Kept { of: stored.revision, record };
    let body = serde_json::to_vec(&kept).expect("a record has only string keys");
    Some(Write { id: RecordId::new(KIND, id), expected: Expected::Any, body: Some(body) })
}

impl ApplicabilityService {
    /// Lists the versions of a record, the latest first; `None` when there is none that `principal` may see.
    ///
    /// Of a record that was withdrawn only those see the versions who saw it before it was published.
    pub fn versions(
        &self,
        id: &RecordId,
        principal: &Principal,
    ) -> Result<Option<Versions>, StoreError> {
        let (Some(kind), Some((current, withdrawn))) =
            (self.catalog.kind(&id.kind), self.present_or_last(id, principal)?)
        else {
            return Ok(None);
        };
        self.catch_up()?;
        let (links, ended_by) = {
            let table = self.table();
            (table.links(id).to_vec(), table.ended_by(id).cloned())
        };
        let mut items: Vec<VersionView> = self
            .earlier(id)?
            .into_iter()
            .filter(|kept| kept.record.state == State::Published)
            .map(|kept| self.view(kind, kept.of, &kept.record, None, false))
            .collect();
        let day = ended_by.as_ref().map(|link| link.day);
        if !withdrawn {
            items.push(self.view(kind, current.revision, &current, day, true));
        }
        items.reverse();
        let mut relations = Vec::new();
        let mut successor = None;
        for link in links {
            let view = RelationView {
                title: self.loaded(&link.by)?.map(|other| other.title().to_owned()),
                relation: link.relation.clone(),
                id: link.by.id.clone(),
                direction: "by",
                from: (link.day > i32::MIN).then(|| print_day(link.day)),
            };
            if link.effect == Effect::Ends && successor.is_none() {
                successor = Some(view.clone());
            }
            relations.push(view);
        }
        let rules = Rules::read(kind, &current.fields, &self.dictionary).map(|(rules, _)| rules);
        for relation in rules.map(|rules| rules.relations).unwrap_or_default() {
            let other = RecordId::new(id.kind.clone(), &*relation.id);
            relations.push(RelationView {
                title: self.loaded(&other)?.map(|other| other.title().to_owned()),
                relation: relation.relation,
                id: other.id,
                direction: "to",
                from: None,
            });
        }
        Ok(Some(Versions { items, relations, successor, withdrawn }))
    }

    /// Tells whether a record was public and is there no more; only kinds with rules keep that.
    pub fn was_withdrawn(&self, id: &RecordId) -> Result<bool, StoreError> {
        let is_gone = self.store.get(id)?.is_none();
        let last = if is_gone { self.last_version(id)? } else { None };
        Ok(last.is_some_and(|last| last.state == State::Published))
    }

    /// Compares two versions of a record; `None` when the record or one of the versions is not there.
    pub fn compare(
        &self,
        id: &RecordId,
        from: &Which,
        to: &Which,
        principal: &Principal,
    ) -> Result<Option<Compared>, StoreError> {
        let (Some(kind), Some((current, _))) =
            (self.catalog.kind(&id.kind), self.present_or_last(id, principal)?)
        else {
            return Ok(None);
        };
        let scope = principal.scope_of(&current);
        let (Some(from), Some(to)) = (
            self.version(id, &current, from, kind, scope, principal)?,
            self.version(id, &current, to, kind, scope, principal)?,
        ) else {
            return Ok(None);
        };
        let version = |(fields, day, _): &(Fields, Option<i32>, Named)| (fields.clone(), *day);
        let ((before, before_day), (after, after_day)) = (version(&from), version(&to));
        let difference = diff::compare(
            kind,
            Version { fields: &before, day: before_day },
            Version { fields: &after, day: after_day },
        );
        Ok(Some(Compared { from: from.2, to: to.2, difference }))
    }

    /// The fields of a version that a reader may see, the day that they are wanted of, and its name.
    fn version(
        &self,
        id: &RecordId,
        current: &Record,
        which: &Which,
        kind: &RecordKind,
        scope: Visibility,
        principal: &Principal,
    ) -> Result<Option<(Fields, Option<i32>, Named)>, StoreError> {
        let named = |version: String, id: &Arc<str>, revision: Revision, day: Option<i32>| Named {
            version,
            id: id.clone(),
            revision,
            day: day.map(print_day),
        };
        let shown = |record: &Record| visible(kind, &record.fields, scope);
        Ok(match which {
            Which::Day(day) => Some((
                shown(current),
                Some(*day),
                named(print_day(*day), &id.id, current.revision, Some(*day)),
            )),
            Which::Revision(revision) if *revision == current.revision.0 => Some((
                shown(current),
                None,
                named(revision.to_string(), &id.id, current.revision, None),
            )),
            Which::Revision(revision) => {
                let key = format!("{}/{}/{revision:020}", id.kind, id.id);
                let stored = self.store.get(&RecordId::new(KIND, key))?;
                let kept =
                    stored.and_then(|stored| serde_json::from_slice::<Kept>(&stored.json).ok());
                let kept = kept.filter(|kept| kept.record.state == State::Published);
                kept.map(|kept| {
                    let name = named(revision.to_string(), &id.id, kept.of, None);
                    (shown(&kept.record), None, name)
                })
            }
            Which::Other(other) => {
                let other = RecordId::new(id.kind.clone(), other.as_str());
                self.present_or_last(&other, principal)?.map(|(record, _)| {
                    let shown = visible(kind, &record.fields, principal.scope_of(&record));
                    let name = named(other.id.to_string(), &other.id, record.revision, None);
                    (shown, None, name)
                })
            }
        })
    }

    /// Reads a record as it is, else as it was last, and tells whether it is there no more.
    fn present_or_last(
        &self,
        id: &RecordId,
        principal: &Principal,
    ) -> Result<Option<(Record, bool)>, StoreError> {
        if self.store.get(id)?.is_some() {
            return Ok(self.current(id, principal)?.map(|record| (record, false)));
        }
        let last = self.last_version(id)?;
        let last = last.filter(|last| principal.scope_of(last) == Visibility::Owner);
        Ok(last.map(|record| (record, true)))
    }

    /// Reads a record as it is, if it is published and of a kind with rules.
    fn current(&self, id: &RecordId, principal: &Principal) -> Result<Option<Record>, StoreError> {
        let has_rules =
            self.catalog.kind(&id.kind).is_some_and(|kind| kind.applicability.is_some());
        if !has_rules {
            return Ok(None);
        }
        let record = self.store.get(id)?.as_ref().and_then(indexing::read);
        Ok(record.filter(|record| {
            record.state == State::Published || principal.scope_of(record) == Visibility::Owner
        }))
    }

    /// The last version of a record that is not what it is now; `None` when none is kept.
    pub(super) fn last_version(&self, id: &RecordId) -> Result<Option<Record>, StoreError> {
        let last = self.earlier(id)?.pop();
        Ok(last.map(|kept| Record { revision: kept.of, ..kept.record }))
    }

    /// The earlier versions of a record, the first of them first.
    fn earlier(&self, id: &RecordId) -> Result<Vec<Kept>, StoreError> {
        let prefix = format!("{}/{}/", id.kind, id.id);
        let found = self.store.scan(KIND, Some(&prefix), MAX_VERSIONS)?;
        let own = found.iter().take_while(|stored| stored.id.id.starts_with(&prefix));
        Ok(own.filter_map(|stored| serde_json::from_slice(&stored.json).ok()).collect())
    }

    fn view(
        &self,
        kind: &RecordKind,
        revision: Revision,
        record: &Record,
        ended_by_others: Option<i32>,
        current: bool,
    ) -> VersionView {
        let rules = Rules::read(kind, &record.fields, &self.dictionary).map(|(rules, _)| rules);
        let rules = rules.unwrap_or_default();
        let (first, last) = (rules.first_day(), rules.last_day(ended_by_others));
        let title = record.fields.get("title").and_then(Value::as_str).unwrap_or_default();
        VersionView {
            revision,
            current,
            updated_at: record.updated_at.clone(),
            valid_from: (first > i32::MIN && first < i32::MAX).then(|| print_day(first)),
            valid_to: (last > i32::MIN && last < i32::MAX).then(|| print_day(last)),
            title: title.to_owned(),
            conditions: rules.conditions.len(),
        }
    }
}
