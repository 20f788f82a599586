//! Alerts as an Atom feed, and deadlines as a calendar.

use atom_syndication::{Category, Entry, Feed, FixedDateTime, Generator, Link, Person, Text};
use icalendar::{Calendar, Component, Event as CalendarEvent, EventLike};

use super::outbox::Alert;
use super::subscription::{Subscription, Target};
use super::{AlertError, AlertService};
use crate::applicability::Level;
use crate::record::RecordId;
use crate::record::kind::Label;
use crate::record::validate::date_text;
use crate::service::indexing;

/// Entries of a feed.
const ENTRIES: usize = 100;

/// A date of a record in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    pub record: RecordId,
    pub title: String,
    pub path: String,
    /// What the date is.
    pub label: Label,
    /// Days since 1970-01-01.
    pub day: i32,
}

impl AlertService {
    /// Lists the dates of the records that stand among the first now, or once did: those from `today` on, in order.
    pub fn dates(&self, subscription: &Subscription, today: i32) -> Result<Vec<Dated>, AlertError> {
        let mut records = match &subscription.target {
            Target::Verdicts { .. } => self.applying(subscription, today)?,
            target => self.forward.first(target, subscription.first, today)?.items,
        };
        for alert in self.alerts(&subscription.id)? {
            let id = RecordId::new(alert.kind, alert.item);
            if !records.contains(&id) {
                records.push(id);
            }
        }
        let mut dates = Vec::new();
        for id in records {
            let stored = self.store.get(&id)?;
            let Some(record) = stored.as_ref().and_then(indexing::read) else { continue };
            let Some((record, item)) = self.item(&record) else { continue };
            let title = record.fields.get("title").and_then(|title| title.as_str());
            for path in &self.dates {
                let Some(column) = self.catalog.column(path) else { continue };
                dates.extend(item.dates(path).filter(|day| *day >= today).map(|day| Dated {
                    record: id.clone(),
                    title: title.unwrap_or_default().to_owned(),
                    path: path.to_string(),
                    label: column.label.clone(),
                    day,
                }));
            }
        }
        dates.sort_by(|a, b| (a.day, &a.record, &a.path).cmp(&(b.day, &b.record, &b.path)));
        Ok(dates)
    }
}

/// Writes alerts, newest first, as Atom (RFC 4287).
///
/// `site` is where people reach the service, without a slash at the end; `own` is the address of the feed.
pub fn atom(subscription: &Subscription, alerts: &[Alert], site: &str, own: &str) -> String {
    let updated = alerts.first().map_or(&*subscription.created_at, |alert| &*alert.at);
    let entries = alerts.iter().take(ENTRIES).map(|alert| entry(alert, site)).collect::<Vec<_>>();
    let feed = Feed {
        title: Text::plain(format!("{} · 科创", subscription.title)),
        id: format!("urn:kechuang:subscription:{}", subscription.id),
        updated: date_time(updated),
        authors: vec![Person { name: "科创 kechuang".into(), ..Person::default() }],
        generator: Some(Generator {
            value: "kechuang".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
            uri: None,
        }),
        links: vec![
            Link { rel: "self".into(), href: own.into(), ..Link::default() },
            Link { rel: "alternate".into(), href: format!("{site}/"), ..Link::default() },
        ],
        lang: Some("zh-CN".into()),
        entries,
        ..Feed::default()
    };
    feed.to_string()
}

fn entry(alert: &Alert, site: &str) -> Entry {
    let mut summary = alert.event.label().to_owned();
    if let Some(date) = &alert.date {
        summary.push_str(&format!("：{date}"));
    }
    if let (Some(was), Some(now)) = (alert.was, alert.verdict) {
        summary.push_str(&format!("：由“{}”变为“{}”", level_label(was), level_label(now)));
    }
    if let Some(say) = &alert.say {
        summary.push_str(&format!("；{say}"));
    }
    if alert.rank > 0 {
        summary.push_str(&format!("；当前排第 {} 位", alert.rank));
    }
    Entry {
        title: Text::plain(format!("【{}】{}", alert.event.label(), alert.title)),
        id: format!("urn:kechuang:alert:{}", alert.id),
        updated: date_time(&alert.at),
        published: Some(date_time(&alert.at)),
        categories: vec![Category {
            term: alert.event.name().into(),
            label: Some(alert.event.label().into()),
            scheme: None,
        }],
        links: vec![Link {
            rel: "alternate".into(),
            href: record_url(site, &alert.kind, &alert.item),
            ..Link::default()
        }],
        summary: Some(Text::plain(summary)),
        ..Entry::default()
    }
}

/// How people call a verdict.
fn level_label(level: Level) -> &'static str {
    match level {
        Level::Fail => "不适用",
        Level::Unknown => "待补充",
        Level::Near => "差一点",
        Level::Pass => "符合",
    }
}

/// Writes dates as a calendar (RFC 5545): an event of a whole day each, with the same name whenever it is written.
pub fn calendar(subscription: &Subscription, dates: &[Dated], site: &str) -> String {
    let mut calendar = Calendar::new();
    calendar.name(&format!("{} · 科创", subscription.title));
    for dated in dates {
        let Some(day) = date_text(dated.day).and_then(|text| text.parse().ok()) else { continue };
        let RecordId { kind, id } = &dated.record;
        let mut event = CalendarEvent::new();
        event
            .uid(&format!("{kind}-{id}-{}-{}@kechuang", dated.path, dated.day))
            .summary(&format!("{}：{}", dated.label.zh, dated.title))
            .description(&format!("{} / {}", dated.label.zh, dated.label.en))
            .url(&record_url(site, kind, id))
            .all_day(day);
        // Without one of ours, the library writes the time of writing and a calendar would change with every look.
        event.add_property("DTSTAMP", dtstamp(&subscription.created_at));
        calendar.push(event.done());
    }
    calendar.done().to_string()
}

/// `2026-11-23T08:00:00Z` as a calendar writes it.
fn dtstamp(instant: &str) -> String {
    instant.chars().filter(|ch| !matches!(ch, '-' | ':')).collect()
}

fn date_time(instant: &str) -> FixedDateTime {
    instant.parse().unwrap_or_default()
}

/// The page of a record.
fn record_url(site: &str, kind: &str, id: &str) -> String {
    let mut url = format!("{site}/records/{kind}/");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::subscription::{Event, sample};
    use super::*;

    fn alert() -> Alert {
        Alert {
            id: "s:1".into(),
            subscription: "s".into(),
            event: Event::Closing,
            at: "2026-11-23T08:00:00Z".into(),
            kind: "thing".into(),
            item: "编号 1".into(),
            revision: 7,
            title: "<海洋> & 传感器".into(),
            rank: 2,
            verdict: None,
            was: None,
            say: None,
            date: Some("2026-11-30".into()),
            days_left: Some(7),
        }
    }

    #[test]
    fn a_feed_can_be_read_back() {
        let text =
            atom(&sample("s"), &[alert()], "https://example.com", "https://example.com/feed");
        let feed: Feed = text.parse().expect("valid Atom");
        assert_eq!(feed.id, "urn:kechuang:subscription:s");
        assert_eq!(feed.entries.len(), 1);
        let entry = &feed.entries[0];
        assert_eq!(entry.title.value, "【即将截止】<海洋> & 传感器");
        assert_eq!(entry.id, "urn:kechuang:alert:s:1");
        assert_eq!(entry.updated.to_rfc3339(), "2026-11-23T08:00:00+00:00");
        assert_eq!(entry.links[0].href, "https://example.com/records/thing/%E7%BC%96%E5%8F%B7%201");
        assert!(atom(&sample("s"), &[], "", "").parse::<Feed>().is_ok());
    }

    #[test]
    fn a_calendar_is_well_formed_and_stays_the_same() {
        let dated = Dated {
            record: RecordId::new("thing", "a"),
            title: "一个很长的名字，带逗号; 和分号\n第二行".repeat(4),
            path: "windows.closes".into(),
            label: Label { zh: "申报截止".into(), en: "Closes".into() },
            day: 20_787,
        };
        let write = || calendar(&sample("s"), std::slice::from_ref(&dated), "https://example.com");
        let text = write();
        assert_eq!(text, write());
        let unfolded = text.replace("\r\n ", "");
        let lines: Vec<&str> = unfolded.split("\r\n").collect();
        assert_eq!((lines[0], lines[lines.len() - 2]), ("BEGIN:VCALENDAR", "END:VCALENDAR"));
        assert_eq!(lines.iter().filter(|line| **line == "BEGIN:VEVENT").count(), 1);
        assert!(lines.contains(&"UID:thing-a-windows.closes-20787@kechuang"), "{text}");
        assert!(lines.contains(&"DTSTAMP:20261123T080000Z"), "{text}");
        let summary = lines.iter().find(|line| line.starts_with("SUMMARY:")).expect("a summary");
        assert!(
            summary.starts_with("SUMMARY:申报截止：一个很长的名字，带逗号\\; 和分号\\n第二行"),
            "{text}"
        );
        assert!(text.contains("DTSTART;VALUE=DATE:20261130\r\n"), "{text}");
        for line in text.split("\r\n") {
            assert!(line.len() <= 75, "a line has {} bytes", line.len());
        }
    }
}
