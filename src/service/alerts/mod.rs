//! Subscriptions and the alerts that come of them.
//!
//! **The law.** When a record changes, it alerts a subscription if and only if a fresh answer to what is subscribed
//! to has it among its first N. The answer itself decides; [`standing`] only rules out, without asking, the
//! subscriptions in whose answer the record cannot be. Dates are no queries: on the day, the records whose date has
//! come are taken from the index and held to the same law. Subscriptions to the verdicts of a profile have a law of
//! their own (`verdicts`).
//!
//! An alert is made once for the same news, survives whatever kills the process, and is sent at least once.

pub mod delivery;
pub mod feed;
pub mod forward;
mod manage;
pub mod outbox;
pub mod standing;
pub mod subscription;
mod verdicts;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::engine::Engine;
use crate::record::{Catalog, Revision};
use crate::service::applicability::ApplicabilityService;
use crate::store::{Store, StoreError};
use crate::text::Analyzer;
use forward::{Forward, ForwardError};
pub use manage::{Replay, SubscriptionDraft};
use standing::Standing;

/// Settings of subscriptions and of what is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// Most subscriptions of one owner.
    pub per_owner: usize,
    /// Allows webhooks by plain http and to private networks and this machine.
    pub allow_private_addresses: bool,
    /// Until a webhook must have answered.
    pub timeout_seconds: u64,
    /// Pauses after the first failure, the second and so on; after the last an alert is given up.
    pub retry_seconds: Vec<u32>,
    /// Webhooks that are called at the same time.
    pub parallel: usize,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            per_owner: 1_000,
            allow_private_addresses: false,
            timeout_seconds: 15,
            // As Standard Webhooks recommends: three days in all.
            retry_seconds: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            parallel: 16,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error(transparent)]
    Forward(#[from] ForwardError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps subscriptions, finds what is news to them, and hands it to feeds and webhooks.
pub struct AlertService {
    pub catalog: Arc<Catalog>,
    pub analyzer: Arc<Analyzer>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    pub forward: Forward,
    pub applicability: Arc<ApplicabilityService>,
    pub settings: AlertsConfig,
    /// Signs the addresses of feeds and calendars.
    secret: Vec<u8>,
    standing: Mutex<Standing>,
    /// Who subscribed to what, once somebody asked.
    owned: Mutex<Option<manage::Owned>>,
    /// The last change that was looked at.
    seen: AtomicU64,
    news: UnboundedSender<String>,
    /// Taken by the thread that delivers.
    to_deliver: Mutex<Option<UnboundedReceiver<String>>>,
    /// Deadlines, openings: paths of the columns that hold the dates.
    dates: Vec<Arc<str>>,
}

impl AlertService {
    pub fn new(
        catalog: Arc<Catalog>,
        analyzer: Arc<Analyzer>,
        store: Arc<dyn Store>,
        forward: Forward,
        applicability: Arc<ApplicabilityService>,
        settings: AlertsConfig,
        secret: Vec<u8>,
    ) -> Self {
        let (news, to_deliver) = unbounded_channel();
        let dates = catalog
            .columns
            .values()
            .filter(|column| column.deadline || column.opening)
            .map(|column| column.path.clone())
            .collect();
        Self {
            catalog,
            analyzer,
            store,
            engine: forward.engine.clone(),
            forward,
            applicability,
            settings,
            secret,
            standing: Mutex::default(),
            owned: Mutex::default(),
            seen: AtomicU64::default(),
            news,
            to_deliver: Mutex::new(Some(to_deliver)),
            dates,
        }
    }

    /// The last change that was looked at since the start: what it was news to has its alerts.
    pub fn seen(&self) -> Revision {
        Revision(self.seen.load(Ordering::Acquire))
    }

    /// Follows the change log and the calendar, and delivers, on threads of their own until `stop` is set.
    ///
    /// `today` tells the day in days since 1970-01-01.
    pub fn follow(
        self: &Arc<Self>,
        today: impl Fn() -> i32 + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> Vec<std::thread::JoinHandle<()>> {
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let (service, stopped) = (self.clone(), stop.clone());
        let watching = thread("alerts").spawn(move || service.watch(&today, &stopped));
        let mut threads = vec![watching.expect("the system gives a thread")];
        let taken = self.to_deliver.lock().map(|mut news| news.take()).unwrap_or_default();
        if let Some(news) = taken {
            let delivery =
                Arc::new(delivery::Delivery::new(self.store.clone(), self.settings.clone()));
            let delivering = thread("delivery").spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(delivery.run(news, stop)),
                    Err(error) => tracing::error!(%error, "webhooks cannot be delivered"),
                }
            });
            threads.push(delivering.expect("the system gives a thread"));
        }
        threads
    }

    /// Watches until `stop` is set; begins again after a failure.
    fn watch(&self, today: &dyn Fn() -> i32, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            // What is not among the first of a part may be among the first of the whole, and the other way round.
            if !self.engine.is_whole() {
                std::thread::sleep(watch::SHORT);
                continue;
            }
            if let Err(error) =
                watch::Watch::new(self, today()).and_then(|mut watch| watch.run(today, stop))
            {
                tracing::error!(%error, "watching for alerts failed and begins again in a second");
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
        }
    }
}

/// RFC 3339 in UTC, to the second.
fn instant(at: Timestamp) -> String {
    (at - i64::from(at.subsec_nanosecond()).nanoseconds()).to_string()
}
