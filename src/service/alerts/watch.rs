//! Follows the change log and the calendar and finds what is news.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outbox::{self, ALERT, Alert, Order, alert_id, order_id, put, read};
use super::standing::Standing;
use super::subscription::{self, Event, Subscription, Target};
use super::verdicts::{News, Verdicts, told_id};
use super::{AlertError, AlertService, instant};
use crate::engine::document::index_record;
use crate::engine::reverse::{Item, Slot};
use crate::query::filter::{Filter, Literal};
use crate::query::{Order as Sorted, Query, Search};
use crate::record::validate::date_text;
use crate::record::{Record, RecordId, Revision};
use crate::service::{indexing, profiles};
use crate::store::{Change, Cursor, Store, StoreError, Write};

/// Kind and id of the record that says how far the change log was read.
const PROGRESS: (&str, &str) = ("_alert_progress", "watch");
/// Changes looked at together.
const BATCH: usize = 1_000;
/// Alerts written together.
const WRITTEN: usize = 500;
/// Days before a deadline on which a subscriber hears of it.
const CLOSING: [i32; 3] = [7, 3, 1];
/// Days of the calendar that are made up for after a standstill; older ones are no news.
const MAKE_UP: i32 = 7;
/// Progress without news is written down at most so often: it only saves looking again.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// Waiting for a change, and for the index to show it.
const IDLE: Duration = Duration::from_millis(250);
pub(super) const SHORT: Duration = Duration::from_millis(10);

/// How far the change log and the calendar were read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub cursor: Cursor,
    pub revision: Revision,
    /// Days since 1970-01-01.
    pub day: i32,
}

/// Tells whether anybody ever subscribed.
pub(super) fn has_begun(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.get(&RecordId::new(PROGRESS.0, PROGRESS.1))?.is_some())
}

/// A write that begins the reading at `progress`.
pub(super) fn begin(progress: &Progress) -> Write {
    put(RecordId::new(PROGRESS.0, PROGRESS.1), progress)
}

/// Something that happened to a record.
struct Happening {
    event: Event,
    /// The date that it is about.
    date: Option<i32>,
}

pub(super) struct Watch<'a> {
    service: &'a AlertService,
    progress: Progress,
    saved: Instant,
    /// Changes of records since progress was written down.
    unsaved: usize,
    /// The last change of a record that was read.
    last_record: Revision,
    verdicts: Verdicts,
    /// After a start: every verdict is to be checked once the change log has been read so far.
    unchecked: Option<Revision>,
}

impl<'a> Watch<'a> {
    /// Loads every subscription and finds the place in the change log.
    pub fn new(service: &'a AlertService, today: i32) -> Result<Self, AlertError> {
        let stored = service.store.get(&RecordId::new(PROGRESS.0, PROGRESS.1))?;
        let progress = match stored.as_ref().and_then(read::<Progress>) {
            Some(progress) => progress,
            // Nobody ever subscribed: what is there is no news.
            None => {
                let (cursor, revision) = service.engine.applied().unwrap_or_default();
                Progress { cursor, revision, day: 0 }
            }
        };
        let mut subscriptions: Vec<Subscription> = Vec::new();
        outbox::each(&*service.store, subscription::KIND, "", |stored| {
            subscriptions.extend(read(&stored));
        })?;
        let (on_verdicts, subscriptions): (Vec<_>, Vec<_>) = subscriptions
            .into_iter()
            .partition(|each| matches!(each.target, Target::Verdicts { .. }));
        let mut verdicts = service.load_verdicts(on_verdicts, today)?;
        if !verdicts.is_empty() {
            service.applicability.catch_up()?;
            service.read_links(&mut verdicts);
        }
        let mut standing = service.standing();
        *standing = Standing::default();
        for subscription in subscriptions {
            service.take_in(&mut standing, subscription);
        }
        drop(standing);
        service.seen.store(progress.revision.0, Ordering::Release);
        let last_record = progress.revision;
        let unchecked = (!verdicts.is_empty()).then(|| service.store.head());
        let saved = Instant::now();
        Ok(Self { service, progress, saved, unsaved: 0, last_record, verdicts, unchecked })
    }

    fn is_idle(&self) -> bool {
        self.service.standing().is_empty() && self.verdicts.is_empty()
    }

    /// Reads on until `stop` is set, or until queries are read with other dictionaries: then everything is to be filed
    /// anew.
    pub fn run(&mut self, today: &dyn Fn() -> i32, stop: &AtomicBool) -> Result<(), AlertError> {
        let dictionaries = self.service.forward.search.dictionaries.lexicon();
        while !stop.load(Ordering::Relaxed) {
            let current = self.service.forward.search.dictionaries.lexicon();
            if !Arc::ptr_eq(&dictionaries, &current) {
                return self.save();
            }
            let today = today();
            self.turn_to(today)?;
            if self.unchecked.is_some_and(|until| until <= self.progress.revision) {
                self.unchecked = None;
                self.recheck(|_| true, &[], today)?;
            }
            if self.service.store.head() <= self.progress.revision {
                let pause = self.learn(today)?.unwrap_or(IDLE);
                self.service.store.wait_for_changes(self.progress.revision, pause);
                continue;
            }
            let (changes, next) = self.service.store.changes(&self.progress.cursor, BATCH)?;
            let Some(last) = changes.last().map(Change::revision) else {
                std::thread::sleep(SHORT);
                continue;
            };
            // The answer that decides must know the change.
            while self.visible() < last {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                std::thread::sleep(SHORT);
            }
            let alerts = self.look_at(changes, today)?;
            self.progress = Progress { cursor: next, revision: last, day: self.progress.day };
            self.write(alerts)?;
            self.service.seen.store(last.0, Ordering::Release);
        }
        if self.unsaved > 0 {
            self.save()?;
        }
        Ok(())
    }

    /// Learns of one more list what rules records out, while there is nothing else to do. Returns how long it took;
    /// `None` when nothing is left to learn.
    fn learn(&self, today: i32) -> Result<Option<Duration>, AlertError> {
        let service = self.service;
        let started = Instant::now();
        let Some((slot, subscription)) = service.standing().next_unknown() else {
            return Ok(None);
        };
        // One that cannot be answered now is asked again when a record may concern it.
        if let Ok(first) = service.forward.first(&subscription.target, subscription.first, today) {
            service.standing().learn(slot, &first, &service.forward)?;
        }
        Ok(Some(started.elapsed()))
    }

    fn visible(&self) -> Revision {
        self.service.engine.applied().map(|(_, revision)| revision).unwrap_or_default()
    }

    /// Finds what is news in a batch of changes.
    fn look_at(&mut self, changes: Vec<Change>, today: i32) -> Result<Vec<Alert>, AlertError> {
        let mut alerts = Vec::new();
        // Of a record that changed several times, only the last state counts.
        let mut records: HashMap<RecordId, Change> = HashMap::new();
        for change in changes {
            match &*change.id().kind {
                subscription::KIND => alerts.extend(self.subscribe(&change, today)?),
                profiles::KIND => self.profile_changed(&change, today)?,
                _ if change.id().is_internal() => {}
                _ => {
                    self.last_record = change.revision();
                    records.insert(change.id().clone(), change);
                }
            }
        }
        self.unsaved += records.len();
        if self.is_idle() {
            return Ok(alerts);
        }
        self.records_changed(records.keys().cloned().collect(), today)?;
        let mut standing = self.service.standing();
        standing.lose(records.keys(), &self.service.forward)?;
        let items: Vec<(Record, Item)> = records
            .into_values()
            .filter_map(|change| match change {
                Change::Put(stored) => self.service.item(&indexing::read(&stored)?),
                Change::Withdraw { .. } => None,
            })
            .collect();
        drop(standing);
        let happenings: Vec<(&Record, &Item, Vec<Happening>)> = items
            .iter()
            .map(|(record, item)| {
                let mut happenings = vec![Happening { event: Event::Match, date: None }];
                // A date that was moved to today's reach after today was looked at.
                happenings.extend(self.service.due(item, today));
                (record, item, happenings)
            })
            .collect();
        alerts.extend(self.service.find(&happenings, &self.verdicts, today)?);
        Ok(alerts)
    }

    /// Tells what changed records mean for the profiles whose verdicts are watched.
    fn records_changed(&mut self, records: Vec<RecordId>, today: i32) -> Result<(), AlertError> {
        if self.verdicts.is_empty() {
            return Ok(());
        }
        self.service.applicability.catch_up()?;
        let news = self.service.records_changed(&mut self.verdicts, &records, today)?;
        self.tell(news)
    }

    /// Checks the profiles anew whose subscriptions `which` chooses, and tells what is another than before.
    fn recheck(
        &mut self,
        which: impl Fn(&Subscription) -> bool,
        gone: &[RecordId],
        today: i32,
    ) -> Result<(), AlertError> {
        if self.verdicts.is_empty() {
            return Ok(());
        }
        self.service.applicability.catch_up()?;
        let news = self.service.recheck(&mut self.verdicts, which, gone, today)?;
        self.tell(news)
    }

    /// Checks a profile anew that was written; ends the subscriptions to one that was deleted.
    fn profile_changed(&mut self, change: &Change, today: i32) -> Result<(), AlertError> {
        let concerned = self.verdicts.of_profile(&change.id().id);
        if let Change::Put(_) = change {
            let is_one = |one: &Subscription| concerned.iter().any(|other| other.id == one.id);
            return self.recheck(is_one, &[], today);
        }
        for subscription in concerned {
            // One that was made since is about another profile of the same id.
            let stored = self.service.store.get(&subscription.record_id())?;
            if stored.is_some_and(|stored| stored.revision < change.revision()) {
                self.service.delete(&subscription.owner, &subscription.id)?;
            }
            self.verdicts.remove(&subscription.id);
        }
        Ok(())
    }

    /// Writes news of verdicts: what is told and that it is told, all or nothing of each subscription.
    fn tell(&mut self, news: Vec<News>) -> Result<(), AlertError> {
        let service = self.service;
        for News { subscription, alerts, told } in news {
            // Deleted meanwhile.
            let stored = service.store.get(&subscription.record_id())?;
            let Some(current) = stored.as_ref().and_then(read::<Subscription>) else { continue };
            let is_sent = current.webhook.is_some_and(|webhook| webhook.stopped.is_none());
            let mut writes = Vec::new();
            for alert in &alerts {
                writes.push(put(alert_id(&alert.id), alert));
                if is_sent {
                    writes.push(put(order_id(&alert.id), &Order::default()));
                }
                // Of very many the first may be told twice, never the last not at all.
                if writes.len() >= WRITTEN {
                    service.store.append(vec![std::mem::take(&mut writes)])?;
                }
            }
            writes.push(put(told_id(&subscription.id), &told));
            service.store.append(vec![writes])?;
            metrics::counter!("kechuang_alerts_total").increment(alerts.len() as u64);
            for alert in alerts.into_iter().filter(|_| is_sent) {
                // Without a thread that delivers, the order stays in the outbox.
                let _ = service.news.send(alert.id);
            }
        }
        Ok(())
    }

    /// Takes a new or deleted subscription in; what came among its first while it was being made is news.
    fn subscribe(&mut self, change: &Change, today: i32) -> Result<Vec<Alert>, AlertError> {
        let service = self.service;
        let Change::Put(stored) = change else {
            service.standing().remove(&change.id().id);
            self.verdicts.remove(&change.id().id);
            return Ok(Vec::new());
        };
        let Some(subscription) = read::<Subscription>(stored) else { return Ok(Vec::new()) };
        if matches!(subscription.target, Target::Verdicts { .. }) {
            self.watch_verdicts(subscription, today)?;
            return Ok(Vec::new());
        }
        let mut items = Vec::new();
        // Mostly nothing came between the answer that it was made with and itself.
        let missed = match self.last_record.0 > subscription.since {
            true => service.forward.first(&subscription.target, subscription.first, today).ok(),
            false => None,
        };
        for id in missed.map(|first| first.items).unwrap_or_default() {
            let is_news = !subscription.baseline.contains(&id.digest());
            let stored = service.store.get(&id)?.filter(|_| is_news);
            items.extend(stored.as_ref().and_then(indexing::read).and_then(|r| service.item(&r)));
        }
        service.take_in(&mut service.standing(), subscription);
        let happenings: Vec<_> = items
            .iter()
            .map(|(record, item)| {
                (record, item, vec![Happening { event: Event::Match, date: None }])
            })
            .collect();
        service.find(&happenings, &self.verdicts, today)
    }

    /// Takes a new subscription to verdicts in; what has changed while it was being made is news.
    fn watch_verdicts(&mut self, subscription: Subscription, today: i32) -> Result<(), AlertError> {
        let service = self.service;
        if self.verdicts.is_empty() {
            service.applicability.catch_up()?;
            service.read_links(&mut self.verdicts);
        }
        let stored = service.store.get(&told_id(&subscription.id))?;
        // Deleted again.
        let Some(told) = stored.as_ref().and_then(read) else { return Ok(()) };
        let subscription = Arc::new(subscription);
        service.insert_verdicts(&mut self.verdicts, subscription.clone(), told, today)?;
        self.recheck(|other| other.id == subscription.id, &[], today)
    }

    /// Looks at the days that have come since the last one that was looked at.
    fn turn_to(&mut self, today: i32) -> Result<(), AlertError> {
        if self.progress.day == 0 || self.is_idle() {
            self.progress.day = self.progress.day.max(today);
        }
        if self.progress.day >= today {
            return Ok(());
        }
        self.recheck(|_| true, &[], today)?;
        for day in (self.progress.day + 1).max(today - MAKE_UP)..=today {
            let alerts = self.service.day(day, today, &self.verdicts)?;
            self.progress.day = day;
            self.write(alerts)?;
        }
        self.save()
    }

    /// Writes alerts, the orders to send them, and how far was read: all or nothing of each part, progress last.
    fn write(&mut self, alerts: Vec<Alert>) -> Result<(), AlertError> {
        let service = self.service;
        let mut sent = Vec::new();
        let mut writes = Vec::new();
        for alert in &alerts {
            let id = service.store.get(&subscription_id(alert))?;
            // Deleted while its alerts were looked for.
            let Some(subscription) = id.as_ref().and_then(read::<Subscription>) else { continue };
            writes.push(put(alert_id(&alert.id), alert));
            if subscription.webhook.is_some_and(|webhook| webhook.stopped.is_none()) {
                writes.push(put(order_id(&alert.id), &Order::default()));
                sent.push(alert.id.clone());
            }
            if writes.len() >= WRITTEN {
                service.store.append(vec![std::mem::take(&mut writes)])?;
            }
        }
        let is_late = self.unsaved >= BATCH || self.saved.elapsed() >= SAVE_EVERY;
        if !alerts.is_empty() || (self.unsaved > 0 && is_late) {
            self.save_with(writes)?;
        }
        metrics::counter!("kechuang_alerts_total").increment(alerts.len() as u64);
        for id in sent {
            // Without a thread that delivers, the order stays in the outbox.
            let _ = service.news.send(id);
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), AlertError> {
        self.save_with(Vec::new())
    }

    fn save_with(&mut self, mut writes: Vec<Write>) -> Result<(), AlertError> {
        if self.is_idle() && writes.is_empty() {
            return Ok(());
        }
        writes.push(begin(&self.progress));
        self.service.store.append(vec![writes])?;
        self.unsaved = 0;
        self.saved = Instant::now();
        Ok(())
    }
}

fn subscription_id(alert: &Alert) -> RecordId {
    RecordId::new(subscription::KIND, &*alert.subscription)
}

impl AlertService {
    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files a subscription; one that cannot be understood any more is logged.
    fn take_in(&self, standing: &mut Standing, subscription: Subscription) {
        let subscription = Arc::new(subscription);
        if let Err(error) = standing.insert(subscription.clone(), &self.forward) {
            tracing::warn!(%error, id = subscription.id, "a subscription can no longer be answered");
        }
    }

    /// Makes a record ready to be looked up; `None` when it must not be found.
    pub(super) fn item(&self, record: &Record) -> Option<(Record, Item)> {
        let kind = self.catalog.kind(&record.kind)?;
        let indexed = index_record(kind, record, &self.analyzer)?;
        Some((record.clone(), Item::new(&indexed, &self.catalog)))
    }

    /// What the dates of a record say on the day `day`.
    fn due(&self, item: &Item, day: i32) -> Vec<Happening> {
        let mut happenings = Vec::new();
        for path in &self.dates {
            let Some(column) = self.catalog.column(path) else { continue };
            for (event, date) in expected(column.opening, column.deadline, day) {
                if item.has_date(path, date) {
                    happenings.push(Happening { event, date: Some(date) });
                }
            }
        }
        happenings
    }

    /// Finds what the calendar says on the day `day`.
    fn day(&self, day: i32, today: i32, verdicts: &Verdicts) -> Result<Vec<Alert>, AlertError> {
        let mut due: BTreeMap<RecordId, ()> = BTreeMap::new();
        for path in &self.dates {
            let Some(column) = self.catalog.column(path) else { continue };
            let dates = expected(column.opening, column.deadline, day);
            let values = dates.iter().map(|(_, date)| Literal::Integer((*date).into())).collect();
            self.with_dates(Filter::In { path: path.clone(), values }, today, &mut due)?;
        }
        let mut alerts = Vec::new();
        let due: Vec<RecordId> = due.into_keys().collect();
        for ids in due.chunks(BATCH) {
            let mut items = Vec::new();
            for id in ids {
                let stored = self.store.get(id)?;
                items.extend(stored.as_ref().and_then(indexing::read).and_then(|r| self.item(&r)));
            }
            let happenings: Vec<_> = items
                .iter()
                .map(|(record, item)| (record, item, self.due(item, day)))
                .filter(|(_, _, happenings)| !happenings.is_empty())
                .collect();
            alerts.extend(self.find(&happenings, verdicts, today)?);
        }
        Ok(alerts)
    }

    /// Lists the records that pass a filter. The index is the queue: it is ordered by date, and loses nothing.
    fn with_dates(
        &self,
        filter: Filter,
        today: i32,
        found: &mut BTreeMap<RecordId, ()>,
    ) -> Result<(), AlertError> {
        let mut search = Search {
            query: Query::All,
            parts: Vec::new(),
            rankers: Vec::new(),
            filter: Some(filter),
            selections: Vec::new(),
            facets: Vec::new(),
            order: Sorted::Newest,
            limit: BATCH,
            offset: 0,
            after: None,
            least: 0,
            today,
        };
        loop {
            let page = self.engine.search(&search).map_err(super::ForwardError::from)?;
            found.extend(page.hits.into_iter().map(|hit| (hit.id, ())));
            search.after = page.next;
            if search.after.is_none() {
                return Ok(());
            }
        }
    }

    /// The law: of what happened to records, what is news to which subscription.
    fn find(
        &self,
        happenings: &[(&Record, &Item, Vec<Happening>)],
        verdicts: &Verdicts,
        today: i32,
    ) -> Result<Vec<Alert>, AlertError> {
        // Each list is asked for once, whatever number of records may be in it.
        let mut concerned: BTreeMap<Slot, (Arc<Subscription>, Vec<usize>)> = BTreeMap::new();
        {
            let standing = self.standing();
            for (at, (_, item, _)) in happenings.iter().enumerate() {
                for (slot, subscription) in standing.concerned(item, today) {
                    let entry = concerned.entry(slot).or_insert((subscription, Vec::new()));
                    entry.1.push(at);
                }
            }
        }
        let mut alerts = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let now = instant(Timestamp::now());
        // Dates of records that apply, or may, to a profile that is kept.
        for (record, item, happened) in happenings {
            let dated = happened.iter().filter(|happening| happening.date.is_some());
            for (subscription, happening) in
                dated.flat_map(|date| verdicts.told(item.id()).map(move |told| (told, date)))
            {
                if self.is_news(subscription, record, item.id(), happening)? {
                    let alert = alert(subscription, record, item.id(), happening, 0, today, &now);
                    if seen.insert(alert.id.clone()) {
                        alerts.push(alert);
                    }
                }
            }
        }
        for (slot, (subscription, items)) in concerned {
            let mut news = Vec::new();
            for at in items {
                let (record, item, happened) = &happenings[at];
                for happening in happened {
                    if self.is_news(&subscription, record, item.id(), happening)? {
                        news.push((record, item.id(), happening));
                    }
                }
            }
            if news.is_empty() {
                continue;
            }
            let first = match self.forward.first(&subscription.target, subscription.first, today) {
                Ok(first) => first,
                Err(error) => {
                    tracing::warn!(%error, id = subscription.id, "a subscription can no longer be answered");
                    continue;
                }
            };
            self.standing().learn(slot, &first, &self.forward)?;
            for (record, id, happening) in news {
                let Some(rank) = first.items.iter().position(|item| item == id) else { continue };
                let alert = alert(&subscription, record, id, happening, rank + 1, today, &now);
                if seen.insert(alert.id.clone()) {
                    alerts.push(alert);
                }
            }
        }
        Ok(alerts)
    }

    /// Tells whether the subscriber wants to hear of it and has not heard.
    fn is_news(
        &self,
        subscription: &Subscription,
        record: &Record,
        id: &RecordId,
        happening: &Happening,
    ) -> Result<bool, AlertError> {
        if !subscription.events.contains(&happening.event) {
            return Ok(false);
        }
        let is_known = happening.event == Event::Match
            && (record.revision.0 <= subscription.since
                || subscription.baseline.contains(&id.digest()));
        if is_known {
            return Ok(false);
        }
        let alert = subscription.alert_id(id, happening.event, happening.date);
        Ok(self.store.get(&RecordId::new(ALERT, alert))?.is_none())
    }
}

/// Events and the dates that bring them on the day `day`.
fn expected(opening: bool, deadline: bool, day: i32) -> Vec<(Event, i32)> {
    let mut expected = Vec::new();
    if opening {
        expected.push((Event::Opening, day));
    }
    if deadline {
        expected.extend(CLOSING.map(|days| (Event::Closing, day + days)));
        expected.push((Event::Expired, day - 1));
    }
    expected
}

fn alert(
    subscription: &Subscription,
    record: &Record,
    id: &RecordId,
    happening: &Happening,
    rank: usize,
    today: i32,
    now: &str,
) -> Alert {
    let title = record.fields.get("title").and_then(|title| title.as_str()).unwrap_or_default();
    Alert {
        id: subscription.alert_id(id, happening.event, happening.date),
        subscription: subscription.id.clone(),
        event: happening.event,
        at: now.to_owned(),
        kind: id.kind.to_string(),
        item: id.id.to_string(),
        revision: record.revision.0,
        title: title.chars().take(200).collect(),
        rank,
        verdict: None,
        was: None,
        say: None,
        date: happening.date.and_then(date_text),
        days_left: happening.date.map(|date| date - today),
    }
}
