//! What closes next, over all kinds that can be sorted by a deadline: a list, and a calendar to subscribe to.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::card::{Card, is_deadline};
use super::error::Failure;
use super::share;
use super::visitor::Visitor;
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::Visibility;
use crate::record::kind::{Direction, RecordKind};

/// A deadline is soon when it is at most so many days ahead.
const SOON: i64 = 60;
/// Records of one kind in a calendar.
const MOST: usize = 100;

/// The sort that brings the next deadlines of a kind first.
pub fn sort_of(kind: &RecordKind) -> Option<String> {
    let mut sorts = kind.sorts.iter().filter(|sort| {
        sort.order == Direction::Ascending && kind.field_at(&sort.field).is_some_and(is_deadline)
    });
    sorts.next().map(|sort| format!("{}:asc", sort.field))
}

/// Finds what closes soon, the next first; at most `most` of a kind.
pub fn soon(app: &App, visitor: &Visitor, most: usize) -> Result<Vec<Card>, Failure> {
    let today = app.clock.today();
    let mut cards: Vec<(i64, Card)> = Vec::new();
    for kind in &app.catalog.kinds {
        let Some(sort) = sort_of(kind) else { continue };
        let request = SearchRequest {
            kind: vec![kind.name.to_string()],
            sort: Some(sort),
            limit: Some(most),
            ..Default::default()
        };
        let found = app.search.search(&request, Visibility::Public, today)?;
        for item in &found.items {
            if let Some(card) = Card::of(item, &app.catalog, visitor, today)
                && let Some(deadline) = &card.deadline
                && (0..=SOON).contains(&deadline.days_left)
            {
                cards.push((deadline.days_left, card));
            }
        }
    }
    cards.sort_by_key(|(days_left, _)| *days_left);
    Ok(cards.into_iter().map(|(_, card)| card).collect())
}

/// What closes soon, as a calendar that phones and desks subscribe to.
pub async fn get_calendar(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, |app, visitor| {
        let mut calendar = share::calendar(visitor.texts().closing_soon, visitor);
        let stamp = app.clock.now();
        for card in soon(app, visitor, MOST)? {
            let Some(deadline) = &card.deadline else { continue };
            let url = format!("{}{}", visitor.origin, card.href);
            let uid = format!("{}-{}@kechuang", card.href, deadline.day);
            let title = card.plain_title();
            let event =
                share::event(&uid, &deadline.label, &title, &deadline.day, &url, &stamp, visitor);
            calendar.extend(event);
        }
        let headers = [
            (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
            (header::CACHE_CONTROL, "max-age=3600"),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        Ok((headers, calendar.to_string()).into_response())
    })
    .await
}
