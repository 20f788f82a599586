//! What subscribers do: subscribe, look, ask again, leave.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::delivery::address::check_url;
use super::delivery::message::new_secret;
use super::forward::{First, ForwardError};
use super::outbox::{
    self, ALERT, Alert, DEAD, DeadLetter, OUTBOX, Order, alert_id, dead_id, order_id, put, read,
    remove,
};
use super::subscription::{
    self, DEFAULT_FIRST, Event, MAX_FIRST, MAX_TITLE, Subscription, Target, Webhook, hex,
};
use super::verdicts::told_id;
use super::watch::{self, Progress};
use super::{AlertError, AlertService};
use crate::record::RecordId;
use crate::record::validate::Violation;
use crate::service::keys::random_hex;
use crate::service::matches::MatchError;
use crate::service::search::SearchError;
use crate::store::{StoreError, Write};

/// Alerts of one subscription that are kept; the oldest go.
const KEPT: usize = 1_000;
/// Writes that are made together.
const WRITTEN: usize = 500;

/// The ids of subscriptions, by their owners.
pub(super) type Owned = HashMap<String, BTreeSet<String>>;

/// A subscription that somebody wants.
#[derive(Clone, Debug)]
pub struct SubscriptionDraft {
    pub title: Option<String>,
    pub target: Target,
    pub first: Option<usize>,
    /// Empty: every event.
    pub events: Vec<Event>,
    pub webhook: Option<String>,
}

/// Which alerts are to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Those that were given up.
    Dead,
    /// Those found at the instant or later.
    Since(Timestamp),
}

impl AlertService {
    /// Subscribes `owner`. `now` is an instant in RFC 3339, `today` in days since 1970-01-01.
    ///
    /// What stands among the first now is no news. Answers with everything that is wrong with the draft.
    pub fn create(
        &self,
        draft: SubscriptionDraft,
        owner: &str,
        now: &str,
        today: i32,
    ) -> Result<Result<Subscription, Vec<Violation>>, AlertError> {
        let mut violations = Vec::new();
        let mut wrong = |pointer: &str, code: &'static str, expected: String, found: String| {
            violations.push(Violation { pointer: pointer.into(), code, expected, found });
        };
        let first = draft.first.unwrap_or(DEFAULT_FIRST);
        if !(1..=MAX_FIRST).contains(&first) {
            wrong("/first", "out_of_range", format!("1 to {MAX_FIRST}"), first.to_string());
        }
        let length = draft.title.as_ref().map_or(0, |title| title.chars().count());
        if length > MAX_TITLE {
            let expected = format!("at most {MAX_TITLE} characters");
            wrong("/title", "too_long", expected, format!("{length} characters"));
        }
        if let Some(url) = &draft.webhook
            && let Err(expected) = check_url(url, self.settings.allow_private_addresses)
        {
            wrong("/webhook", "bad_url", expected, url.chars().take(80).collect());
        }
        let count = self.owned(|owned| owned.get(owner).map_or(0, BTreeSet::len))?;
        if count >= self.settings.per_owner {
            let expected =
                format!("at most {} subscriptions of one owner", self.settings.per_owner);
            wrong("", "too_many", expected, format!("{count} already"));
        }
        if !violations.is_empty() {
            return Ok(Err(violations));
        }
        self.engine.whole().map_err(ForwardError::from)?;
        // The place in the change log is taken before the answer: what comes between is looked at twice.
        let (cursor, revision) = self.engine.applied().unwrap_or_default();
        let (answer, told, name) = match &draft.target {
            Target::Verdicts { profile_id, to } => {
                match self.begin_verdicts(profile_id, to.as_deref(), owner, today)? {
                    Ok((name, told)) => (First::default(), Some(told), name),
                    Err(violation) => return Ok(Err(vec![violation])),
                }
            }
            target => match self.answer_now(target, first, today)? {
                Ok(answer) => (answer, None, self.forward.title(target)),
                Err(violations) => return Ok(Err(violations)),
            },
        };
        let id = random_hex::<8>();
        let events = match draft.events.is_empty() {
            true => Event::of(&draft.target).into(),
            false => draft.events,
        };
        let subscription = Subscription {
            owner: owner.to_owned(),
            title: draft.title.unwrap_or(name),
            target: draft.target,
            first,
            events,
            webhook: draft.webhook.map(|url| Webhook { url, secret: new_secret(), stopped: None }),
            created_at: now.to_owned(),
            baseline: answer.items.iter().map(RecordId::digest).collect(),
            since: answer.revision.min(revision.0),
            id,
        };
        let mut batch = vec![put(subscription.record_id(), &subscription)];
        batch.extend(told.map(|told| put(told_id(&subscription.id), &told)));
        if !watch::has_begun(&*self.store)? {
            batch.push(watch::begin(&Progress { cursor, revision, day: today }));
        }
        self.store.append(vec![batch])?;
        self.owned(|owned| {
            owned.entry(owner.to_owned()).or_default().insert(subscription.id.clone());
        })?;
        Ok(Ok(subscription))
    }

    /// Hands the ids of everybody's subscriptions to `f`; they are read when they are first asked for.
    ///
    /// Whoever writes a subscription notes it here behind the write: that it is read and noted makes no difference.
    fn owned<T>(&self, f: impl FnOnce(&mut Owned) -> T) -> Result<T, StoreError> {
        let mut kept = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let mut owned = Owned::new();
            outbox::each(&*self.store, subscription::KIND, "", |stored| {
                if let Some(Subscription { owner, id, .. }) = read(&stored) {
                    owned.entry(owner).or_default().insert(id);
                }
            })?;
            *kept = Some(owned);
        }
        Ok(f(kept.get_or_insert_default()))
    }

    /// Asks for what stands among the first now, or says what is wrong with the target.
    fn answer_now(
        &self,
        target: &Target,
        first: usize,
        today: i32,
    ) -> Result<Result<First, Vec<Violation>>, AlertError> {
        match self.forward.first(target, first, today) {
            Ok(answer) => Ok(Ok(answer)),
            Err(ForwardError::Search(SearchError::Bad(bad))) => {
                let mut violations = bad.violations;
                for violation in &mut violations {
                    violation.pointer.insert_str(0, "/search");
                }
                Ok(Err(violations))
            }
            Err(ForwardError::Match(error)) => match unmatched(error) {
                Ok(violation) => Ok(Err(vec![violation])),
                Err(error) => Err(ForwardError::Match(error).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Lists the subscriptions of `owner`, in the order of their ids.
    pub fn list(&self, owner: &str) -> Result<Vec<Subscription>, StoreError> {
        let ids = self.owned(|owned| owned.get(owner).cloned().unwrap_or_default())?;
        let found = ids.iter().map(|id| self.subscription(id));
        found.filter_map(Result::transpose).collect()
    }

    /// Reads a subscription of `owner`; somebody else's is not there.
    pub fn get(&self, owner: &str, id: &str) -> Result<Option<Subscription>, StoreError> {
        Ok(self.subscription(id)?.filter(|found| found.owner == owner))
    }

    /// Finds the subscription whose feed and calendar `token` opens.
    pub fn by_token(&self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let Some((id, signature)) = token.split_once('_') else { return Ok(None) };
        let expected = self.signature(id);
        // Digests are compared: how long it takes says nothing about the signature.
        if Sha256::digest(&expected) != Sha256::digest(signature) {
            return Ok(None);
        }
        self.subscription(id)
    }

    /// What opens the feed and the calendar of a subscription: for those who cannot send a key.
    pub fn token(&self, subscription: &str) -> String {
        format!("{subscription}_{}", self.signature(subscription))
    }

    fn signature(&self, subscription: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(subscription.as_bytes());
        hex(&mac.finalize().into_bytes()[..20])
    }

    fn subscription(&self, id: &str) -> Result<Option<Subscription>, StoreError> {
        Ok(self.store.get(&RecordId::new(subscription::KIND, id))?.as_ref().and_then(read))
    }

    /// Ends a subscription of `owner`, with its alerts and what was to be sent; `false` when there is none.
    pub fn delete(&self, owner: &str, id: &str) -> Result<bool, StoreError> {
        let Some(subscription) = self.get(owner, id)? else { return Ok(false) };
        let gone = [subscription.record_id(), told_id(id)].map(remove);
        self.store.append(vec![gone.into()])?;
        self.owned(|owned| {
            if let Some(ids) = owned.get_mut(owner) {
                ids.remove(id);
                if ids.is_empty() {
                    owned.remove(owner);
                }
            }
        })?;
        for kind in [OUTBOX, DEAD, ALERT] {
            let mut writes = Vec::new();
            outbox::each(&*self.store, kind, &format!("{id}:"), |stored| {
                writes.push(remove(stored.id));
            })?;
            self.write_in_parts(writes)?;
        }
        Ok(true)
    }

    /// Reads the alerts of a subscription, newest first, and lets go of those that are too many.
    pub fn alerts(&self, subscription: &str) -> Result<Vec<Alert>, StoreError> {
        let mut alerts = outbox::alerts(&*self.store, subscription)?;
        if alerts.len() > KEPT {
            let old = alerts.split_off(KEPT);
            self.write_in_parts(old.iter().map(|alert| remove(alert_id(&alert.id))).collect())?;
        }
        Ok(alerts)
    }

    /// Reads what could not be sent, in the order of ids.
    pub fn dead_letters(&self, subscription: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let mut letters = Vec::new();
        outbox::each(&*self.store, DEAD, &format!("{subscription}:"), |stored| {
            letters.extend(read::<DeadLetter>(&stored));
        })?;
        Ok(letters)
    }

    /// Puts alerts into the outbox again and a webhook that was stopped to work again; returns how many alerts.
    pub fn replay(&self, subscription: Subscription, which: Replay) -> Result<usize, StoreError> {
        let ids: Vec<String> = match which {
            Replay::Dead => self
                .dead_letters(&subscription.id)?
                .into_iter()
                .map(|letter| letter.alert)
                .collect(),
            Replay::Since(since) => outbox::alerts(&*self.store, &subscription.id)?
                .into_iter()
                .filter(|alert| alert.at.parse::<Timestamp>().is_ok_and(|at| at >= since))
                .map(|alert| alert.id)
                .collect(),
        };
        let mut writes = Vec::new();
        let mut subscription = subscription;
        if let Some(webhook) = &mut subscription.webhook
            && webhook.stopped.take().is_some()
        {
            writes.push(put(subscription.record_id(), &subscription));
        }
        for id in &ids {
            writes.push(put(order_id(id), &Order::default()));
            writes.push(remove(dead_id(id)));
        }
        self.write_in_parts(writes)?;
        for id in &ids {
            // Without a thread that delivers, the order stays in the outbox.
            let _ = self.news.send(id.clone());
        }
        Ok(ids.len())
    }

    pub(super) fn write_in_parts(&self, mut writes: Vec<Write>) -> Result<(), StoreError> {
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(WRITTEN));
            self.store.append(vec![std::mem::replace(&mut writes, rest)])?;
        }
        Ok(())
    }
}

/// What is wrong with a subscription whose target cannot be matched.
fn unmatched(error: MatchError) -> Result<Violation, MatchError> {
    let (pointer, expected, found) = match error {
        MatchError::NotFound(id) => ("/record", "a published record".to_owned(), id.to_string()),
        MatchError::UnknownKind { found, known } => {
            ("/to", format!("one of {}", known.join(", ")), found)
        }
        MatchError::NoPair { to, known, .. } => ("/to", format!("one of {}", known.join(", ")), to),
        MatchError::Invalid(violations) | MatchError::Profile(violations) => {
            let first = violations.into_iter().next();
            // It begins with `/profile`.
            return Ok(first.unwrap_or_else(|| Violation {
                pointer: "/profile".into(),
                code: "no_match",
                expected: "a profile".into(),
                found: "none".into(),
            }));
        }
        error @ (MatchError::Engine(_) | MatchError::Store(_)) => return Err(error),
    };
    let found = found.chars().take(80).collect();
    Ok(Violation { pointer: pointer.to_owned(), code: "no_match", expected, found })
}
