//! Alerts as they are kept, and what waits to be sent.
//!
//! An alert, the order to send it, and how far the change log was read are one batch of the store: whatever kills the
//! process, an alert is either there with its order, or found again.

use serde::{Deserialize, Serialize};

use super::subscription::Event;
use crate::applicability::Level;
use crate::record::RecordId;
use crate::store::{Expected, Store, StoreError, StoredRecord, Write};

/// Kind of the records that hold alerts. Ids begin with that of the subscription and a colon.
pub(super) const ALERT: &str = "_alert";
/// Kind of the records that say what is to be sent, under the alert's id.
pub(super) const OUTBOX: &str = "_outbox";
/// Kind of the records that say what could not be sent, under the alert's id.
pub(super) const DEAD: &str = "_dead_letter";
/// Records that are read together.
const PAGE: usize = 500;

/// Something that a subscriber is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: String,
    pub subscription: String,
    pub event: Event,
    /// RFC 3339.
    pub at: String,
    /// Kind and id of the record that it is about.
    pub kind: String,
    pub item: String,
    /// Revision of the record that was found.
    pub revision: u64,
    pub title: String,
    /// Place in the list, from 1; 0 where there is no list.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rank: usize,
    /// How the record stands now, how it did when the subscriber was told last, and the verdict in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// The day that one may act from, or until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Days from the alert to `date`; -1 when it was yesterday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i32>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What waits to be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// How often sending has failed.
    pub attempts: u32,
    /// Seconds since 1970-01-01, before which nothing is tried.
    pub due: i64,
    /// Why it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What could not be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub alert: String,
    pub attempts: u32,
    pub error: String,
    /// RFC 3339; when it was given up.
    pub at: String,
}

pub(super) fn alert_id(id: &str) -> RecordId {
    RecordId::new(ALERT, id)
}

pub(super) fn order_id(id: &str) -> RecordId {
    RecordId::new(OUTBOX, id)
}

pub(super) fn dead_id(id: &str) -> RecordId {
    RecordId::new(DEAD, id)
}

/// A write of `value` at `id`.
pub(super) fn put(id: RecordId, value: &impl Serialize) -> Write {
    let body = serde_json::to_vec(value).expect("only string keys are kept");
    Write { id, expected: Expected::Any, body: Some(body) }
}

pub(super) fn remove(id: RecordId) -> Write {
    Write { id, expected: Expected::Any, body: None }
}

/// Reads a kept value; `None` when there is none, or one that cannot be read, which is logged.
pub(super) fn read<T: for<'de> Deserialize<'de>>(stored: &StoredRecord) -> Option<T> {
    match serde_json::from_slice(&stored.json) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!(id = %stored.id, %error, "a stored record cannot be read");
            None
        }
    }
}

/// Hands on every record of an internal kind whose id begins with `prefix`, in the order of ids.
pub(super) fn each(
    store: &dyn Store,
    kind: &str,
    prefix: &str,
    mut handle: impl FnMut(StoredRecord),
) -> Result<(), StoreError> {
    // An id that begins with the prefix is greater than the prefix.
    let mut after = (!prefix.is_empty()).then(|| prefix.to_owned());
    loop {
        let page = store.scan(kind, after.as_deref(), PAGE)?;
        let full = page.len() == PAGE;
        for stored in page {
            if !stored.id.id.starts_with(prefix) {
                return Ok(());
            }
            after = Some(stored.id.id.to_string());
            handle(stored);
        }
        if !full {
            return Ok(());
        }
    }
}

/// Reads the alerts of a subscription, newest first.
pub(super) fn alerts(store: &dyn Store, subscription: &str) -> Result<Vec<Alert>, StoreError> {
    let mut alerts: Vec<Alert> = Vec::new();
    each(store, ALERT, &format!("{subscription}:"), |stored| alerts.extend(read(&stored)))?;
    alerts.sort_by(|a, b| (&b.at, b.revision, &b.id).cmp(&(&a.at, a.revision, &a.id)));
    Ok(alerts)
}
