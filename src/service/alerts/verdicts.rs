//! Verdicts of kept profiles: who hears that a record has come to apply, or applies no more.
//!
//! **The law.** When the change log and the calendar have been followed, what a subscriber was told last of every
//! record is what a fresh check says. Whatever changes a verdict — the record, one that ends it, the profile, the day,
//! the attributes' file — makes one alert for each record whose verdict is another than before.
//!
//! What was told is kept beside the subscription and written with the alerts, all or nothing. After a start everything
//! is checked once, so that what happened while nobody looked is told as well.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::outbox::{self, Alert, read};
use super::subscription::{Event, Subscription, Target};
use super::{AlertError, AlertService, instant};
use crate::applicability::columns::Columns;
use crate::applicability::{Level, Profile};
use crate::record::RecordId;
use crate::record::validate::Violation;
use crate::service::profiles::{self, StoredProfile};
use crate::store::StoreError;

/// Kind of the records that say what was told last, under the subscription's id.
const TOLD: &str = "_told";

pub(super) fn told_id(subscription: &str) -> RecordId {
    RecordId::new(TOLD, subscription)
}

/// What a subscriber was told last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Grows with every write: news after a crash has the key that it had, the same verdict at another time another.
    serial: u64,
    levels: Levels,
}

/// Verdicts by the records' digests, those that fail left out. The lowest two bits of a number are the verdict's.
#[derive(Clone, Debug, Default, PartialEq)]
struct Levels(Vec<u64>);

impl Levels {
    fn new(levels: impl IntoIterator<Item = (u64, Level)>) -> Self {
        let mut packed: Vec<u64> =
            levels.into_iter().map(|(digest, level)| digest & !3 | level as u64).collect();
        packed.sort_unstable();
        Self(packed)
    }

    fn place(&self, digest: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&(digest & !3), |packed| packed & !3)
    }

    fn get(&self, digest: u64) -> Level {
        self.place(digest).map_or(Level::Fail, |at| level_of(self.0[at]))
    }

    fn set(&mut self, digest: u64, level: Level) {
        match (self.place(digest), level) {
            (Ok(at), Level::Fail) => drop(self.0.remove(at)),
            (Ok(at), _) => self.0[at] = digest & !3 | level as u64,
            (Err(_), Level::Fail) => {}
            (Err(at), _) => self.0.insert(at, digest & !3 | level as u64),
        }
    }

    /// Lists the records whose verdicts differ, by their digests without the lowest bits, and both verdicts.
    fn changes(&self, other: &Self) -> Vec<(u64, Level, Level)> {
        let mut changes = Vec::new();
        let (mut here, mut there) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let (was, now) = match (here.peek(), there.peek()) {
                (None, None) => return changes,
                (Some(was), Some(now)) if *was & !3 == *now & !3 => (here.next(), there.next()),
                (Some(was), Some(now)) if *was < *now => (here.next(), None),
                (Some(_), None) => (here.next(), None),
                _ => (None, there.next()),
            };
            let digest = was.or(now).map_or(0, |packed| packed & !3);
            let level =
                |packed: Option<&u64>| packed.map_or(Level::Fail, |&packed| level_of(packed));
            if level(was) != level(now) {
                changes.push((digest, level(was), level(now)));
            }
        }
    }
}

fn level_of(packed: u64) -> Level {
    match packed & 3 {
        0 => Level::Fail,
        1 => Level::Unknown,
        2 => Level::Near,
        _ => Level::Pass,
    }
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|packed| packed.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return Err(serde::de::Error::custom("eight bytes a record are expected"));
        };
        Ok(Self(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()))
    }
}

/// What a subscriber is to be told, and what then was told.
pub(super) struct News {
    pub subscription: Arc<Subscription>,
    pub alerts: Vec<Alert>,
    pub told: Told,
}

/// The subscriptions to verdicts, each with its profile, in memory.
#[derive(Default)]
pub(super) struct Verdicts {
    held: Vec<Option<Held>>,
    rows: HashMap<String, usize>,
    free: Vec<usize>,
    profiles: Columns,
    /// What each record has a relation to: what it may end, and when it goes no longer ends.
    linked: HashMap<RecordId, Vec<RecordId>>,
}

struct Held {
    subscription: Arc<Subscription>,
    profile: String,
    kinds: Vec<Arc<str>>,
    told: Told,
}

impl Verdicts {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes a subscription to verdicts in, with what it was told; returns its row.
    fn insert(&mut self, subscription: Arc<Subscription>, told: Told) -> Option<usize> {
        let Target::Verdicts { profile_id, to } = &subscription.target else { return None };
        self.remove(&subscription.id);
        let row = self.free.pop().unwrap_or(self.held.len());
        if row == self.held.len() {
            self.held.push(None);
        }
        self.rows.insert(subscription.id.clone(), row);
        self.held[row] = Some(Held {
            profile: profile_id.clone(),
            kinds: to.iter().map(|kind| kind.as_str().into()).collect(),
            told,
            subscription,
        });
        Some(row)
    }

    pub fn remove(&mut self, id: &str) {
        let Some(row) = self.rows.remove(id) else { return };
        self.held[row] = None;
        self.profiles.clear(row);
        self.free.push(row);
    }

    /// The subscriptions to the verdicts of a profile.
    pub fn of_profile(&self, profile: &str) -> Vec<Arc<Subscription>> {
        let held = self.held.iter().flatten().filter(|held| held.profile == profile);
        held.map(|held| held.subscription.clone()).collect()
    }

    /// Everybody who was told anything but that a record fails.
    pub fn told(&self, record: &RecordId) -> impl Iterator<Item = &Arc<Subscription>> {
        let digest = record.digest();
        let held = self.held.iter().flatten();
        held.filter(move |held| held.told.levels.get(digest) > Level::Fail)
            .map(|held| &held.subscription)
    }

    /// Notes what is to be told to a row, and takes it for told.
    fn note(
        &mut self,
        row: usize,
        changes: &[(RecordId, Level, Level)],
        service: &AlertService,
        profile: Option<&Profile>,
        today: i32,
    ) -> Result<Option<News>, StoreError> {
        let Some(held) = &mut self.held[row] else { return Ok(None) };
        if changes.is_empty() {
            return Ok(None);
        }
        held.told.serial += 1;
        let mut alerts = Vec::new();
        let now = instant(Timestamp::now());
        for (id, was, level) in changes {
            held.told.levels.set(id.digest(), *level);
            if held.subscription.events.contains(&Event::Verdict) {
                let about = service.about(id, profile, today)?;
                alerts.push(Alert {
                    id: held.subscription.verdict_id(id, *level, held.told.serial),
                    subscription: held.subscription.id.clone(),
                    event: Event::Verdict,
                    at: now.clone(),
                    kind: id.kind.to_string(),
                    item: id.id.to_string(),
                    revision: about.revision,
                    title: about.title,
                    rank: 0,
                    verdict: Some(*level),
                    was: Some(*was),
                    say: Some(about.say),
                    date: None,
                    days_left: None,
                });
            }
        }
        let subscription = held.subscription.clone();
        Ok(Some(News { subscription, alerts, told: held.told.clone() }))
    }
}

/// What an alert says of a record.
struct About {
    title: String,
    revision: u64,
    say: String,
}

impl AlertService {
    /// Reads every subscription to verdicts, and deletes what was told to those that are gone.
    pub(super) fn load_verdicts(
        &self,
        subscriptions: Vec<Subscription>,
        today: i32,
    ) -> Result<Verdicts, StoreError> {
        let mut verdicts = Verdicts::default();
        let mut told: HashMap<String, Told> = HashMap::new();
        outbox::each(&*self.store, TOLD, "", |stored| {
            if let Some(known) = read::<Told>(&stored) {
                told.insert(stored.id.id.to_string(), known);
            }
        })?;
        for subscription in subscriptions {
            let known = told.remove(&subscription.id).unwrap_or_default();
            self.insert_verdicts(&mut verdicts, Arc::new(subscription), known, today)?;
        }
        let orphans = told.keys().map(|id| outbox::remove(told_id(id)));
        self.write_in_parts(orphans.collect())?;
        Ok(verdicts)
    }

    /// Takes a subscription to verdicts in, with its profile and what it was told.
    pub(super) fn insert_verdicts(
        &self,
        verdicts: &mut Verdicts,
        subscription: Arc<Subscription>,
        told: Told,
        today: i32,
    ) -> Result<(), StoreError> {
        let profile = self.profile_of(&subscription, today)?;
        if let (Some(row), Some(profile)) = (verdicts.insert(subscription, told), profile) {
            verdicts.profiles.put(row, &profile);
        }
        Ok(())
    }

    /// Finds what changed records, and those that they end or ended, mean for every profile.
    ///
    /// The rules must have been read as far as the changes.
    pub(super) fn records_changed(
        &self,
        verdicts: &mut Verdicts,
        changed: &[RecordId],
        today: i32,
    ) -> Result<Vec<News>, StoreError> {
        let mut concerned: Vec<RecordId> = changed.to_vec();
        {
            let table = self.applicability.table();
            for id in changed {
                let linked = table.linked(id);
                concerned.extend_from_slice(linked);
                concerned.extend(verdicts.linked.remove(id).into_iter().flatten());
                if !linked.is_empty() {
                    verdicts.linked.insert(id.clone(), linked.to_vec());
                }
            }
        }
        concerned.sort_unstable();
        concerned.dedup();
        let mut changes: HashMap<usize, Vec<(RecordId, Level, Level)>> = HashMap::new();
        for id in concerned {
            let levels = self.applicability.levels_of(&id, &verdicts.profiles, today);
            let digest = id.digest();
            for (row, held) in verdicts.held.iter().enumerate() {
                let Some(held) = held else { continue };
                let was = held.told.levels.get(digest);
                let level = match &levels {
                    Some(levels) if self.applicability.is_asked(&id.kind, &held.kinds) => {
                        levels.get(row).copied().unwrap_or(Level::Fail)
                    }
                    _ => Level::Fail,
                };
                if was != level {
                    changes.entry(row).or_default().push((id.clone(), was, level));
                }
            }
        }
        let mut news = Vec::new();
        for (row, changes) in changes {
            let profile = verdicts.held[row].as_ref().map(|held| held.subscription.clone());
            let profile = match profile {
                Some(subscription) => self.profile_of(&subscription, today)?,
                None => None,
            };
            // A profile that was deleted this instant: its subscriptions end with it.
            let Some(profile) = profile else { continue };
            news.extend(verdicts.note(row, &changes, self, Some(&profile), today)?);
        }
        Ok(news)
    }

    /// Checks profiles anew: those of the subscriptions that `which` chooses.
    ///
    /// `gone` are records that are there no more.
    pub(super) fn recheck(
        &self,
        verdicts: &mut Verdicts,
        which: impl Fn(&Subscription) -> bool,
        gone: &[RecordId],
        today: i32,
    ) -> Result<Vec<News>, StoreError> {
        let mut news = Vec::new();
        for row in 0..verdicts.held.len() {
            let Some(held) = &verdicts.held[row] else { continue };
            if !which(&held.subscription) {
                continue;
            }
            let Some(profile) = self.profile_of(&held.subscription, today)? else { continue };
            let levels = self.applicability.levels(&profile, &held.kinds, today);
            let changes = held.told.levels.changes(&Levels::new(levels));
            let changes = self.named(changes, gone);
            verdicts.profiles.put(row, &profile);
            news.extend(verdicts.note(row, &changes, self, Some(&profile), today)?);
        }
        Ok(news)
    }

    /// Reads what each record has a relation to: at the beginning, when no change was seen yet.
    pub(super) fn read_links(&self, verdicts: &mut Verdicts) {
        let table = self.applicability.table();
        let linked = table.ids().map(|id| (id, table.linked(id)));
        let linked = linked.filter(|(_, linked)| !linked.is_empty());
        verdicts.linked = linked.map(|(id, linked)| (id.clone(), linked.to_vec())).collect();
    }

    /// Finds the records of digests; one that nobody knows any more is left out.
    fn named(
        &self,
        changes: Vec<(u64, Level, Level)>,
        gone: &[RecordId],
    ) -> Vec<(RecordId, Level, Level)> {
        if changes.is_empty() {
            return Vec::new();
        }
        let wanted: HashSet<u64> = changes.iter().map(|(digest, _, _)| *digest).collect();
        let table = self.applicability.table();
        let there = table.by_digest(|digest| wanted.contains(&(digest & !3)));
        let known: HashMap<u64, &RecordId> =
            there.chain(gone).map(|id| (id.digest() & !3, id)).collect();
        let named = changes.into_iter().filter_map(|(digest, was, level)| {
            known.get(&digest).map(|id| ((*id).clone(), was, level))
        });
        named.collect()
    }

    /// The profile of a subscription, as on a day; `None` when it is not there, or not its owner's.
    fn profile_of(
        &self,
        subscription: &Subscription,
        today: i32,
    ) -> Result<Option<Profile>, StoreError> {
        let Target::Verdicts { profile_id, .. } = &subscription.target else { return Ok(None) };
        let kept = self.kept_profile(profile_id, &subscription.owner)?;
        Ok(kept.and_then(|kept| kept.facts(&self.applicability.dictionary, today, today)))
    }

    fn kept_profile(&self, id: &str, owner: &str) -> Result<Option<StoredProfile>, StoreError> {
        let stored = self.store.get(&RecordId::new(profiles::KIND, id))?;
        let kept = stored.as_ref().and_then(StoredProfile::read);
        Ok(kept.filter(|kept| kept.owner == owner))
    }

    /// What an alert says of a record: its name and verdict in words, also of one that is gone.
    fn about(
        &self,
        id: &RecordId,
        profile: Option<&Profile>,
        today: i32,
    ) -> Result<About, StoreError> {
        if let Some(loaded) = self.applicability.loaded(id)? {
            let say = profile.map(|profile| self.applicability.say(&loaded, profile, today));
            let (title, say) = (loaded.title().to_owned(), say.unwrap_or_default());
            return Ok(About { title, revision: loaded.revision.0, say });
        }
        let last = self.applicability.last_version(id)?;
        let title = last.as_ref().and_then(|last| last.fields.get("title")?.as_str());
        Ok(About {
            title: title.unwrap_or(&id.id).to_owned(),
            revision: last.as_ref().map_or(0, |last| last.revision.0),
            say: "已撤下".to_owned(),
        })
    }

    /// What a new subscription to verdicts begins with: its name, and what everything stands at now. `Err` says what
    /// is wrong with it.
    pub(super) fn begin_verdicts(
        &self,
        profile_id: &str,
        to: Option<&str>,
        owner: &str,
        today: i32,
    ) -> Result<Result<(String, Told), Violation>, AlertError> {
        let violation =
            |pointer: &str, code: &'static str, expected: String, found: &str| Violation {
                pointer: pointer.into(),
                code,
                expected,
                found: found.chars().take(80).collect(),
            };
        let kinds = self.catalog.kinds.iter().filter(|kind| kind.applicability.is_some());
        if let Some(to) = to
            && !kinds.clone().any(|kind| *kind.name == *to)
        {
            let known: Vec<&str> = kinds.map(|kind| &*kind.name).collect();
            let expected = format!("a kind with conditions: {}", known.join(", "));
            return Ok(Err(violation("/to", "no_match", expected, to)));
        }
        let kept = self.kept_profile(profile_id, owner)?;
        let dictionary = &self.applicability.dictionary;
        let profile = kept.as_ref().and_then(|kept| kept.facts(dictionary, today, today));
        let (Some(kept), Some(profile)) = (kept, profile) else {
            let expected = "a profile of the key's owner".to_owned();
            return Ok(Err(violation("/profile_id", "no_match", expected, profile_id)));
        };
        self.applicability.catch_up()?;
        let kinds: Vec<Arc<str>> = to.into_iter().map(Into::into).collect();
        let levels = self.applicability.levels(&profile, &kinds, today);
        let title = kept.name.unwrap_or_else(|| "企业画像".to_owned());
        Ok(Ok((title, Told { serial: 0, levels: Levels::new(levels) })))
    }

    /// Lists the published records that do not fail for the profile of a subscription.
    pub(super) fn applying(
        &self,
        subscription: &Subscription,
        today: i32,
    ) -> Result<Vec<RecordId>, StoreError> {
        let Target::Verdicts { to, .. } = &subscription.target else { return Ok(Vec::new()) };
        let Some(profile) = self.profile_of(subscription, today)? else { return Ok(Vec::new()) };
        self.applicability.catch_up()?;
        let kinds: Vec<Arc<str>> = to.iter().map(|kind| kind.as_str().into()).collect();
        let levels = self.applicability.levels(&profile, &kinds, today);
        let levels: HashSet<u64> = levels.into_iter().map(|(digest, _)| digest).collect();
        let table = self.applicability.table();
        Ok(table.by_digest(|digest| levels.contains(&digest)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_read_back_and_compared() {
        let was = Levels::new([(40, Level::Pass), (8, Level::Unknown), (16, Level::Near)]);
        let json = serde_json::to_string(&was).unwrap();
        assert_eq!(serde_json::from_str::<Levels>(&json).unwrap(), was);
        assert!(serde_json::from_str::<Levels>("\"AAAA\"").is_err());
        assert_eq!(was.changes(&was), []);
        let mut now = was.clone();
        now.set(40, Level::Fail);
        now.set(8, Level::Pass);
        now.set(80, Level::Unknown);
        now.set(96, Level::Fail);
        assert_eq!(
            was.changes(&now),
            [
                (8, Level::Unknown, Level::Pass),
                (40, Level::Pass, Level::Fail),
                (80, Level::Fail, Level::Unknown),
            ]
        );
        let back = now.changes(&was);
        assert_eq!(back.len(), 3);
        assert_eq!((now.get(8), now.get(16), now.get(40)), (Level::Pass, Level::Near, Level::Fail));
    }
}
