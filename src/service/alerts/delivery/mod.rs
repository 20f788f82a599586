//! Sends alerts to webhooks: at least once, one at a time a subscription, again after a failure.

pub mod address;
pub mod message;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::AlertsConfig;
use super::outbox::{
    self, Alert, DEAD, DeadLetter, OUTBOX, Order, alert_id, dead_id, order_id, put, read, remove,
};
use super::subscription::{self, Subscription};
use crate::record::RecordId;
use crate::store::{Store, StoreError};
use address::{CheckedResolver, check_url};

/// The longest that a receiver may ask to wait, in seconds.
const MAX_WAIT: i64 = 86_400;
/// How often the loop looks whether it is to stop.
const TICK: Duration = Duration::from_millis(200);

/// Sends what is in the outbox.
pub struct Delivery {
    store: Arc<dyn Store>,
    settings: AlertsConfig,
    client: Client,
}

/// What became of one attempt.
enum Outcome {
    Delivered,
    /// To be tried again; the receiver may have said after how many seconds.
    Failed {
        error: String,
        wait: Option<i64>,
    },
    /// The receiver wants nothing any more.
    Gone,
    /// There is nothing to send, or nobody to send it to.
    Void,
}

impl Delivery {
    pub fn new(store: Arc<dyn Store>, settings: AlertsConfig) -> Self {
        let private = settings.allow_private_addresses;
        let client = Client::builder()
            .redirect(Policy::none())
            // A proxy would resolve names itself, unchecked.
            .no_proxy()
            .dns_resolver(Arc::new(CheckedResolver { private }))
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .user_agent(concat!("kechuang/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the settings of the client fit each other");
        Self { store, settings, client }
    }

    /// Sends until `stop` is set. Ids of alerts that were put into the outbox since come through `news`.
    pub async fn run(self: Arc<Self>, mut news: UnboundedReceiver<String>, stop: Arc<AtomicBool>) {
        let mut waiting: BTreeSet<(i64, String)> = BTreeSet::new();
        let loaded = outbox::each(&*self.store, OUTBOX, "", |stored| {
            let due = read::<Order>(&stored).map_or(0, |order| order.due);
            waiting.insert((due, stored.id.id.to_string()));
        });
        if let Err(error) = loaded {
            tracing::error!(%error, "the outbox cannot be read; what is in it is sent after a restart");
        }
        let mut busy: HashSet<String> = HashSet::new();
        let mut running: JoinSet<(String, Option<i64>)> = JoinSet::new();
        while !stop.load(Ordering::Relaxed) {
            let now = Timestamp::now().as_second();
            let due: Vec<(i64, String)> = waiting
                .iter()
                .take_while(|(due, _)| *due <= now)
                .filter(|(_, id)| !busy.contains(owner(id)))
                .take(self.settings.parallel.saturating_sub(running.len()))
                .cloned()
                .collect();
            for entry in due {
                let id = entry.1.clone();
                if !busy.insert(owner(&id).to_owned()) {
                    continue;
                }
                waiting.remove(&entry);
                let delivery = self.clone();
                running.spawn(async move {
                    let next = delivery.attempt(&id).await;
                    (id, next)
                });
            }
            tokio::select! {
                Some(id) = news.recv() => {
                    waiting.insert((0, id));
                    while let Ok(id) = news.try_recv() {
                        waiting.insert((0, id));
                    }
                }
                Some(done) = running.join_next() => {
                    if let Ok((id, next)) = done {
                        busy.remove(owner(&id));
                        waiting.extend(next.map(|due| (due, id)));
                    }
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
        // An attempt that is cut off is made again after the next start.
    }

    /// Tries to send one alert and notes what came of it; returns when to try again.
    async fn attempt(self: &Arc<Self>, id: &str) -> Option<i64> {
        let outcome = match self.load(id) {
            Ok(Some((alert, subscription))) => self.send(&alert, &subscription).await,
            Ok(None) => Outcome::Void,
            Err(error) => {
                tracing::error!(%error, alert = id, "an alert cannot be read and is tried later");
                return Some(Timestamp::now().as_second() + 60);
            }
        };
        let delivery = self.clone();
        let owned = id.to_owned();
        let noted = tokio::task::spawn_blocking(move || delivery.note(&owned, outcome)).await;
        match noted {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::error!(%error, alert = id, "a delivery cannot be noted and is made again");
                Some(Timestamp::now().as_second() + 60)
            }
            Err(_) => None,
        }
    }

    fn load(&self, id: &str) -> Result<Option<(Alert, Subscription)>, StoreError> {
        let ordered = self.store.get(&order_id(id))?.is_some();
        let alert = self.store.get(&alert_id(id))?.as_ref().and_then(read::<Alert>);
        let Some(alert) = alert.filter(|_| ordered) else { return Ok(None) };
        let subscription = RecordId::new(subscription::KIND, &*alert.subscription);
        let subscription = self.store.get(&subscription)?.as_ref().and_then(read);
        Ok(subscription.map(|subscription| (alert, subscription)))
    }

    async fn send(&self, alert: &Alert, subscription: &Subscription) -> Outcome {
        let Some(webhook) = subscription.webhook.as_ref().filter(|hook| hook.stopped.is_none())
        else {
            return Outcome::Void;
        };
        let failed = |error: String| Outcome::Failed { error, wait: None };
        // The rules may be stricter than when the address was given.
        let url = match check_url(&webhook.url, self.settings.allow_private_addresses) {
            Ok(url) => url,
            Err(expected) => {
                return failed(format!("the address is not allowed: expected {expected}"));
            }
        };
        let body = message::body(alert);
        let timestamp = Timestamp::now().as_second();
        let Some(signature) = message::sign(&webhook.secret, &alert.id, timestamp, &body) else {
            return failed("the secret cannot be used".into());
        };
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, message::CONTENT_TYPE)
            .header("webhook-id", &alert.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        match request.send().await {
            Err(error) => failed(describe(&error)),
            Ok(answer) if answer.status().is_success() => Outcome::Delivered,
            Ok(answer) if answer.status() == StatusCode::GONE => Outcome::Gone,
            Ok(answer) => {
                let wait = answer.headers().get(RETRY_AFTER);
                let wait = wait.and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
                Outcome::Failed {
                    error: format!("it answered {}", answer.status().as_u16()),
                    wait: wait.map(|wait: i64| wait.clamp(0, MAX_WAIT)),
                }
            }
        }
    }

    /// Writes down what became of an attempt; returns when to try again. Blocks.
    fn note(&self, id: &str, outcome: Outcome) -> Result<Option<i64>, StoreError> {
        let order = self.store.get(&order_id(id))?;
        // The subscription was deleted meanwhile.
        let Some(order) = order else { return Ok(None) };
        let mut order: Order = read(&order).unwrap_or_default();
        let result = match &outcome {
            Outcome::Delivered => "delivered",
            Outcome::Failed { .. } => "failed",
            Outcome::Gone => "gone",
            Outcome::Void => "void",
        };
        metrics::counter!("kechuang_webhook_attempts_total", "result" => result).increment(1);
        match outcome {
            Outcome::Delivered | Outcome::Void => {
                // An alert that is sent again after it was given up is dead no longer.
                let mut batch = vec![remove(order_id(id))];
                if self.store.get(&dead_id(id))?.is_some() {
                    batch.push(remove(dead_id(id)));
                }
                self.write(batch)?;
                Ok(None)
            }
            Outcome::Gone => {
                self.stop(id)?;
                order.attempts += 1;
                self.give_up(id, &order, "it answered 410".into())?;
                Ok(None)
            }
            Outcome::Failed { error, wait } => {
                let pause = self.settings.retry_seconds.get(order.attempts as usize).copied();
                order.attempts += 1;
                let Some(pause) = pause else {
                    self.give_up(id, &order, error)?;
                    return Ok(None);
                };
                let pause = i64::from(pause);
                // A tenth more or less, so that receivers that failed together are not called together.
                let spread = pause / 10;
                let shift = match spread {
                    0 => 0,
                    _ => i64::from(crc32c::crc32c(id.as_bytes())) % (2 * spread + 1) - spread,
                };
                let due = Timestamp::now().as_second() + (pause + shift).max(wait.unwrap_or(0));
                order.due = due;
                order.error = Some(error);
                self.write(vec![put(order_id(id), &order)])?;
                Ok(Some(due))
            }
        }
    }

    fn give_up(&self, id: &str, order: &Order, error: String) -> Result<(), StoreError> {
        tracing::warn!(alert = id, error, "an alert could not be sent and is given up");
        let letter = DeadLetter {
            alert: id.to_owned(),
            attempts: order.attempts,
            error,
            at: super::instant(Timestamp::now()),
        };
        self.write(vec![remove(order_id(id)), put(dead_id(id), &letter)])
    }

    /// Sends nothing more to the webhook of the alert's subscription.
    fn stop(&self, id: &str) -> Result<(), StoreError> {
        let subscription = RecordId::new(subscription::KIND, owner(id));
        let stored = self.store.get(&subscription)?;
        let Some(mut subscription) = stored.as_ref().and_then(read::<Subscription>) else {
            return Ok(());
        };
        if let Some(webhook) = &mut subscription.webhook {
            webhook.stopped = Some("it answered 410".into());
        }
        self.write(vec![put(subscription.record_id(), &subscription)])
    }

    fn write(&self, batch: Vec<crate::store::Write>) -> Result<(), StoreError> {
        // Nothing is expected of what is there, so nothing conflicts.
        self.store.append(vec![batch]).map(drop)
    }

    /// Counts what waits, and what was given up.
    pub fn backlog(store: &dyn Store) -> Result<(usize, usize), StoreError> {
        let (mut waiting, mut dead) = (0, 0);
        outbox::each(store, OUTBOX, "", |_| waiting += 1)?;
        outbox::each(store, DEAD, "", |_| dead += 1)?;
        Ok((waiting, dead))
    }
}

/// The subscription that an alert's id names.
fn owner(alert: &str) -> &str {
    alert.split(':').next().unwrap_or(alert)
}

/// Says in a few words why no answer came; without the address, which may hold secrets.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(200).collect()
}
