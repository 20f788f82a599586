//! The first page.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::assets::TASKS_STYLE;
use super::card::Card;
use super::closing;
use super::error::Failure;
use super::visitor::{Frame, Visitor};
use super::{answer, overview, page, script_json};
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::{RecordId, RecordKind, Visibility};
use crate::service::keys::Principal;

/// Kinds whose newest records are listed: the first ones.
const NEWEST_KINDS: usize = 3;
/// Lines of one list.
const LINES: usize = 6;
/// Most searches that are offered.
const HOT: usize = 8;
/// Lines of what closes next.
const CLOSING: usize = 10;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    kinds: Vec<KindEntry>,
    newest: Vec<List>,
    closing: Vec<Card>,
    /// Address of everything of the first kind that has deadlines, by deadline.
    all_closing: Option<String>,
    /// Address of what closes as a calendar.
    calendar: String,
    tasks: Vec<Task>,
    /// Searches that people often make, with their addresses.
    hot: Vec<(String, String)>,
    footer: String,
    /// Records by kind.
    chart: String,
    tasks_style: &'static str,
    json_ld: String,
}

struct KindEntry {
    label: String,
    description: String,
    count: String,
    href: String,
}

/// Something that people come for.
struct Task {
    label: String,
    text: String,
    href: String,
}

/// The newest records of a kind.
struct List {
    heading: String,
    more_href: String,
    cards: Vec<Card>,
}

pub async fn get_home(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let t = visitor.texts();
    let today = app.clock.today();
    let search = |request: &SearchRequest| app.search.search(request, Visibility::Public, today);
    let counted = search(&SearchRequest {
        facets: vec!["kind".into()],
        limit: Some(1),
        ..Default::default()
    })?;
    let count_of = |kind: &RecordKind| {
        let counts = counted.facets.get("kind");
        let mut counts = counts.into_iter().flatten().filter(|value| *value.value == *kind.name);
        counts.next().map_or(0, |value| value.count)
    };
    let place_of = |kind: &RecordKind| {
        visitor.anywhere().with(|place| place.kinds = vec![kind.name.to_string()])
    };
    let kinds = app.catalog.kinds.iter().map(|kind| KindEntry {
        label: visitor.lang.pick(&kind.label).to_owned(),
        description: visitor.lang.pick(&kind.description).to_owned(),
        count: (t.num_records)(count_of(kind)),
        href: place_of(kind).href(),
    });
    let mut newest = Vec::new();
    let mut updated = None;
    for kind in app.catalog.kinds.iter().filter(|kind| count_of(kind) > 0) {
        let request = SearchRequest {
            kind: vec![kind.name.to_string()],
            limit: Some(LINES),
            ..Default::default()
        };
        let found = search(&request)?;
        if let Some(item) = found.items.first() {
            let id = RecordId::new(item.kind.clone(), item.id.clone());
            let record = app.ingest.get(&id, &Principal::default())?;
            updated = updated.max(record.map(|record| record.updated_at));
        }
        if newest.len() < NEWEST_KINDS {
            let label = visitor.lang.pick(&kind.label);
            let cards = found.items.iter();
            newest.push(List {
                heading: (t.newest_of)(label),
                more_href: place_of(kind).href(),
                cards: cards
                    .filter_map(|item| Card::of(item, &app.catalog, visitor, today))
                    .collect(),
            });
        }
    }
    let mut footer = (t.footer_records)(counted.total);
    if let Some(day) = updated.and_then(|instant| app.clock.local_time(&instant)) {
        footer = format!("{footer} · {}", (t.footer_updated)(&day));
    }
    let mut frame = visitor.frame("");
    frame.box_in_header = false;
    let json_ld = json_ld(visitor);
    let counts: Vec<u64> = app.catalog.kinds.iter().map(|kind| count_of(kind)).collect();
    let chart = overview::kinds(visitor, &counts).figure(visitor.lang);
    let template = HomePage {
        chart: chart.map_err(|_| Failure::Internal)?,
        tasks_style: &TASKS_STYLE,
        frame,
        tasks: tasks(visitor),
        hot: hot(app, visitor),
        json_ld,
        kinds: kinds.collect(),
        newest,
        closing: {
            let mut closing = closing::soon(app, visitor, CLOSING)?;
            closing.truncate(CLOSING);
            closing
        },
        all_closing: app.catalog.kinds.iter().find_map(|kind| {
            let sort = closing::sort_of(kind)?;
            Some(place_of(kind).with(|place| place.sort = Some(sort)).href())
        }),
        calendar: visitor.link("/deadlines.ics"),
        footer,
    };
    Ok(page(StatusCode::OK, &template))
}

/// The check, what can be found for those who post, and what can be posted.
fn tasks(visitor: &Visitor) -> Vec<Task> {
    let t = visitor.texts();
    let lang = visitor.lang;
    let mut tasks = vec![Task {
        label: t.task_check.to_owned(),
        text: t.task_check_text.to_owned(),
        href: visitor.link("/check"),
    }];
    for kind in &visitor.catalog.kinds {
        let Some(form) = &kind.form else { continue };
        let wanted = form.recommend.first().and_then(|name| visitor.catalog.kind(name));
        tasks.extend(wanted.map(|wanted| {
            let kinds = vec![wanted.name.to_string()];
            Task {
                label: (t.task_find)(lang.pick(&wanted.label)),
                text: lang.pick(&wanted.description).to_owned(),
                href: visitor.anywhere().with(|place| place.kinds = kinds).href(),
            }
        }));
        tasks.push(Task {
            label: lang.pick(&form.label).to_owned(),
            text: lang.pick(&form.lead).to_owned(),
            href: visitor.link(&format!("/{}/new", form.path)),
        });
    }
    tasks
}

/// What is asked most, filled up with what the configuration suggests.
fn hot(app: &App, visitor: &Visitor) -> Vec<(String, String)> {
    let mut words = app.suggest.popular(HOT);
    for suggested in &visitor.site.suggested_searches {
        if words.len() < HOT && !words.contains(suggested) {
            words.push(suggested.clone());
        }
    }
    let href = |q: &String| visitor.anywhere().with(|place| place.q.clone_from(q)).href();
    words.into_iter().map(|q| (q.clone(), href(&q))).collect()
}

fn json_ld(visitor: &Visitor) -> String {
    script_json(&json!({
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": visitor.site_name(),
        "url": format!("{}/", visitor.origin),
        "potentialAction": {
            "@type": "SearchAction",
            "target": format!("{}/search?q={{search_term_string}}", visitor.origin),
            "query-input": "required name=search_term_string",
        },
    }))
}
