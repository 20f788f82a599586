//! What somebody wants to hear about.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::applicability::Level;
use crate::query::request::SearchRequest;
use crate::record::{Fields, RecordId};

/// Kind of the records that hold subscriptions.
pub(super) const KIND: &str = "_subscription";
/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;
/// Items of a list that alerts may come from, unless the subscription says otherwise.
pub const DEFAULT_FIRST: usize = 20;
pub const MAX_FIRST: usize = 100;

/// A subscription as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    /// The name on the key that made it.
    pub owner: String,
    pub title: String,
    pub target: Target,
    /// An item alerts when it stands among so many first of a fresh answer.
    pub first: usize,
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// RFC 3339.
    pub created_at: String,
    /// Items that stood among the first when the subscription was made: they are no news.
    pub(super) baseline: Vec<u64>,
    /// The last change that `baseline` takes into account.
    pub(super) since: u64,
}

/// What the list is that is subscribed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The results of a search.
    Search(Box<SearchRequest>),
    /// The records of the kind `to` that fit a record.
    Record { kind: String, id: String, to: String },
    /// The records of the kind `to` that fit an enterprise's profile.
    Profile { profile: Fields, to: String },
    /// How records stand to a profile that is kept: those of the kind `to`, else of the kinds that are checked by
    /// default.
    Verdicts { profile_id: String, to: Option<String> },
}

/// What an alert tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An item has come among the first.
    Match,
    /// A record has come to apply, or applies no more.
    Verdict,
    /// One may act from today.
    Opening,
    /// One may act for seven, three or one more days.
    Closing,
    /// One could act until yesterday.
    Expired,
}

impl Event {
    pub const ALL: [Self; 5] =
        [Self::Match, Self::Verdict, Self::Opening, Self::Closing, Self::Expired];

    /// The events that a list can bring.
    pub fn of(target: &Target) -> [Self; 4] {
        let news = match target {
            Target::Verdicts { .. } => Self::Verdict,
            _ => Self::Match,
        };
        [news, Self::Opening, Self::Closing, Self::Expired]
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Verdict => "verdict",
            Self::Opening => "opening",
            Self::Closing => "closing",
            Self::Expired => "expired",
        }
    }

    /// In Chinese, as a feed shows it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Match => "新结果",
            Self::Verdict => "结论变化",
            Self::Opening => "今日开始",
            Self::Closing => "即将截止",
            Self::Expired => "已截止",
        }
    }
}

/// Where alerts are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// `whsec_` and the base64 of the key that messages are signed with.
    pub secret: String,
    /// Why nothing is sent any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

impl Subscription {
    pub fn record_id(&self) -> RecordId {
        RecordId::new(KIND, &*self.id)
    }

    /// The key of an alert: the same for the same news, however often it is found.
    pub(super) fn alert_id(&self, item: &RecordId, event: Event, date: Option<i32>) -> String {
        let date = date.map(|date| date.to_string()).unwrap_or_default();
        self.key(&[event.name(), &item.to_string(), &date])
    }

    /// The key of the alert that a verdict is another than before; `serial` tells apart the times that it came to be.
    pub(super) fn verdict_id(&self, item: &RecordId, level: Level, serial: u64) -> String {
        let news = format!("{level:?} {serial}");
        self.key(&[Event::Verdict.name(), &item.to_string(), &news])
    }

    fn key(&self, parts: &[&str]) -> String {
        let digest = Sha256::digest(parts.join("\0"));
        format!("{}:{}", self.id, hex(&digest[..12]))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(super) fn sample(id: &str) -> Subscription {
    Subscription {
        id: id.into(),
        owner: "somebody".into(),
        title: "海洋传感器".into(),
        target: Target::Search(Box::default()),
        first: DEFAULT_FIRST,
        events: Event::ALL.into(),
        webhook: None,
        created_at: "2026-11-23T08:00:00Z".into(),
        baseline: Vec::new(),
        since: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_has_one_key_for_the_same_news() {
        let subscription = sample("00112233aabbccdd");
        let item = |id: &str| RecordId::new("thing", id);
        let key = |id: &str, event, date| subscription.alert_id(&item(id), event, date);
        assert_eq!(key("a", Event::Match, None), key("a", Event::Match, None));
        let all = [
            key("a", Event::Match, None),
            key("b", Event::Match, None),
            key("a", Event::Closing, Some(20_000)),
            key("a", Event::Closing, Some(20_004)),
            key("a", Event::Opening, Some(20_000)),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.starts_with("00112233aabbccdd:"));
            assert!(!all[..at].contains(one));
        }
    }
}
