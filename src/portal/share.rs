//! What a page of a record hands to other devices: its address as a QR code, its dates as a calendar.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use icalendar::{Alarm, Calendar, Component, Event, EventLike, Trigger};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::Value;

use super::answer;
use super::error::{Failure, not_found_page};
use super::links::record_path;
use super::record::title_of;
use super::visitor::Visitor;
use crate::app::App;
use crate::http::AppState;
use crate::record::value::days;
use crate::record::{Field, FieldType, Record, RecordId, RecordKind};
use crate::service::keys::Principal;

/// Days before a deadline on which a calendar reminds.
const REMIND: i64 = 7;
/// White modules around a code. Source: ISO/IEC 18004.
const QUIET: usize = 4;

/// A code that cameras read: modules of 1 by 1 in a square.
pub struct QrImage {
    /// Modules along a side, with the white ones around.
    pub size: usize,
    /// The black modules, as the data of an SVG path.
    pub path: String,
}

/// Draws an address; `None` for one that is too long for any code.
pub fn qr(url: &str) -> Option<QrImage> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] == Color::Dark {
                let (x, y, length) = (x + QUIET, y + QUIET, run.len());
                path.push_str(&format!("M{x} {y}h{length}v1h-{length}z"));
            }
            x += run.len();
        }
    }
    Some(QrImage { size: width + 2 * QUIET, path })
}

/// A day on which something closes, and what it is.
pub struct Date<'a> {
    pub field: &'a Field,
    pub day: &'a str,
}

/// The deadlines of a record that have not passed, in order.
pub fn deadlines<'a>(kind: &'a RecordKind, record: &'a Record, today: i32) -> Vec<Date<'a>> {
    let mut found: Vec<Date<'a>> = Vec::new();
    for field in &kind.fields {
        let value = record.fields.get(&field.name);
        let values = match value {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        for value in values {
            let members = field.fields.iter().map(|member| (member, value.get(&member.name)));
            let own = std::iter::once((field, Some(value)));
            for (field, value) in members.chain(own) {
                let day = value.and_then(Value::as_str);
                let is_deadline = field.deadline && field.field_type == FieldType::Date;
                if let Some(day) = day.filter(|_| is_deadline)
                    && days(day).is_some_and(|day| day >= today)
                {
                    found.push(Date { field, day });
                }
            }
        }
    }
    found.sort_by_key(|date| date.day);
    found.dedup_by(|a, b| a.day == b.day && a.field.path == b.field.path);
    found
}

/// The deadlines of a record as a calendar, each with a reminder.
pub async fn get_calendar(
    State(state): State<AppState>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((kind, id))) = path else { return not_found_page(&visitor) };
    answer(&state, visitor, move |app, visitor| {
        let text = calendar_of(app, visitor, &RecordId::new(kind, id))?;
        let headers = [
            (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"deadline.ics\""),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        Ok((headers, text).into_response())
    })
    .await
}

fn calendar_of(app: &App, visitor: &Visitor, id: &RecordId) -> Result<String, Failure> {
    let record = app.ingest.get(id, &Principal::default())?.ok_or(Failure::NotFound)?;
    let kind = app.catalog.kind(&id.kind).ok_or(Failure::NotFound)?;
    let dates = deadlines(kind, &record, app.clock.today());
    if dates.is_empty() {
        return Err(Failure::NotFound);
    }
    let title = title_of(&record);
    let url = format!("{}{}", visitor.origin, record_path(&record.kind, &record.id));
    let mut calendar = calendar(&title, visitor);
    for date in dates {
        let label = visitor.lang.pick(&date.field.label);
        let uid = format!("{id}-{}-{}@kechuang", date.field.path, date.day);
        // The time at which the record was written: the file stays the same until it changes.
        calendar.extend(event(&uid, label, &title, date.day, &url, &record.updated_at, visitor));
    }
    Ok(calendar.to_string())
}

/// An empty calendar with a name.
pub fn calendar(name: &str, visitor: &Visitor) -> Calendar {
    let mut calendar = Calendar::new();
    calendar.name(&format!("{name} · {}", visitor.site_name()));
    calendar
}

/// A day on which something closes, with a reminder; `None` for a day that is none.
pub fn event(
    uid: &str,
    label: &str,
    title: &str,
    day: &str,
    url: &str,
    stamp: &str,
    visitor: &Visitor,
) -> Option<Event> {
    let summary = format!("{label}{}{title}", visitor.texts().colon);
    let mut event = Event::new();
    event
        .uid(uid)
        .summary(&summary)
        .description(url)
        .url(url)
        .all_day(day.parse().ok()?)
        .alarm(Alarm::display(&summary, Trigger::before_start(TimeDelta::days(REMIND))));
    let stamp: String = stamp.chars().filter(|ch| !matches!(ch, '-' | ':')).collect();
    event.add_property("DTSTAMP", stamp);
    Some(event.done())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the modules back from a path.
    fn modules(image: &QrImage) -> Vec<Vec<bool>> {
        let mut grid = vec![vec![false; image.size]; image.size];
        for run in image.path.split('M').skip(1) {
            let (start, length) = run.split_once('h').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            let (length, end) = length.split_once("v1h-").unwrap();
            assert_eq!(end, format!("{length}z"), "a run is a rectangle");
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = length.parse().unwrap();
            grid[y][x..x + length].fill(true);
        }
        grid
    }

    #[test]
    fn a_code_is_drawn_module_by_module() {
        let url = "https://sti.example.gov.cn/records/kind/编号-1";
        let image = qr(url).unwrap();
        let code = QrCode::with_error_correction_level(url, EcLevel::M).unwrap();
        let grid = modules(&image);
        for y in 0..code.width() {
            for x in 0..code.width() {
                let is_dark = code[(x, y)] == Color::Dark;
                assert_eq!(grid[y + QUIET][x + QUIET], is_dark, "{x}, {y}");
            }
        }
        assert!(grid[..QUIET].iter().flatten().all(|dark| !dark), "white around");
        assert!(qr(&"x".repeat(5_000)).is_none());
    }
}
