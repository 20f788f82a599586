//! What programs read of the pages: feeds, the site map, the description of the search box, rules for robots.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::card::Card;
use super::error::{Failure, not_found_page};
use super::links::{SearchPlace, record_path};
use super::visitor::Visitor;
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::{State as Stage, Visibility};
use crate::service::indexing;

/// Addresses of one file of the site map. The protocol allows 50,000.
const PER_FILE: usize = 10_000;
/// Entries of a feed.
const ENTRIES: usize = 30;

#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed {
    site: String,
    title: String,
    link: String,
    own: String,
    updated: String,
    entries: Vec<Entry>,
}

struct Entry {
    title: String,
    link: String,
    updated: String,
    summary: String,
    kind: String,
}

/// The newest records that a search finds.
pub async fn get_feed(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make_feed).await
}

fn make_feed(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let place =
        SearchPlace::read(&visitor.pairs).map_err(|violation| Failure::Bad(vec![violation]))?;
    let request = SearchRequest {
        sort: Some("newest".into()),
        limit: Some(ENTRIES),
        offset: None,
        kind: place.kinds.clone(),
        select: place.select.clone(),
        ..place.request()
    };
    let today = app.clock.today();
    let found = app.search.search(&request, Visibility::Public, today)?;
    let mut entries = Vec::new();
    for item in &found.items {
        let Some(card) = Card::of(item, &app.catalog, visitor, today) else { continue };
        let summary: String = card.snippet.iter().map(|part| part.text.as_str()).collect();
        let day = card.published.clone().unwrap_or_else(|| "1970-01-01".to_owned());
        entries.push(Entry {
            title: clean(&card.plain_title()),
            link: format!("{}{}", visitor.origin, record_path(&item.kind, &item.id)),
            updated: format!("{day}T00:00:00+08:00"),
            summary: clean(&summary),
            kind: card.kind_label,
        });
    }
    let newest = entries.iter().map(|entry| entry.updated.clone()).max();
    let title = match place.q.as_str() {
        "" => visitor.texts().all_records.to_owned(),
        q => (visitor.texts().results_for)(q),
    };
    let feed = Feed {
        site: visitor.site_name().to_owned(),
        title: clean(&title),
        link: format!("{}{}", visitor.origin, place.href()),
        own: format!("{}{}", visitor.origin, place.feed()),
        updated: newest.unwrap_or_else(|| "1970-01-01T00:00:00+08:00".to_owned()),
        entries,
    };
    Ok(xml(&feed, "application/atom+xml; charset=utf-8"))
}

/// Leaves out what XML has no way to write.
fn clean(text: &str) -> String {
    text.chars().filter(|ch| !ch.is_control() && !matches!(ch, '\u{fffe}' | '\u{ffff}')).collect()
}

fn xml(template: &impl Template, media_type: &'static str) -> Response {
    match template.render() {
        Ok(body) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
                (header::CACHE_CONTROL, HeaderValue::from_static("max-age=300")),
            ];
            (headers, body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a file could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "opensearch.xml")]
struct Description {
    name: String,
    text: String,
    origin: String,
}

/// Describes the search box to browsers.
pub async fn get_description(visitor: Visitor) -> Response {
    let template = Description {
        name: visitor.site_name().chars().take(16).collect(),
        text: visitor.texts().about.to_owned(),
        origin: visitor.origin.clone(),
    };
    xml(&template, "application/opensearchdescription+xml; charset=utf-8")
}

#[derive(Template)]
#[template(path = "sitemap.xml")]
struct SiteMap {
    /// Files of the map, or none when this is one of them.
    files: Vec<String>,
    pages: Vec<(String, Option<String>)>,
}

/// The files of the site map: the fixed pages, and those of each kind.
pub async fn get_site_map(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, |app, visitor| {
        let mut files = vec![format!("{}/sitemap/pages.xml", visitor.origin)];
        for kind in &app.catalog.kinds {
            let counted = SearchRequest {
                kind: vec![kind.name.to_string()],
                limit: Some(1),
                ..Default::default()
            };
            let found = app.search.search(&counted, Visibility::Public, app.clock.today())?;
            let total = usize::try_from(found.total).unwrap_or(usize::MAX);
            let last = total.div_ceil(PER_FILE);
            files
                .extend((1..=last).map(|number| {
                    format!("{}/sitemap/{}-{number}.xml", visitor.origin, kind.name)
                }));
        }
        let map = SiteMap { files, pages: Vec::new() };
        Ok(xml(&map, "application/xml; charset=utf-8"))
    })
    .await
}

/// One file of the site map.
pub async fn get_site_map_part(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    let Some(stem) = name.strip_suffix(".xml").map(str::to_owned) else {
        return not_found_page(&visitor);
    };
    answer(&state, visitor, move |app, visitor| {
        let pages = match stem.as_str() {
            "pages" => fixed_pages(visitor),
            stem => {
                let (kind, number) = stem.rsplit_once('-').ok_or(Failure::NotFound)?;
                let kind = app.catalog.kind(kind).ok_or(Failure::NotFound)?;
                let number: usize = number.parse().map_err(|_| Failure::NotFound)?;
                record_pages(
                    app,
                    visitor,
                    &kind.name,
                    number.checked_sub(1).ok_or(Failure::NotFound)?,
                )?
            }
        };
        Ok(xml(&SiteMap { files: Vec::new(), pages }, "application/xml; charset=utf-8"))
    })
    .await
}

fn fixed_pages(visitor: &Visitor) -> Vec<(String, Option<String>)> {
    let paths = ["/", "/search", "/check", "/data", "/developers", "/embed", "/help", "/sitemap"];
    let forms = visitor.catalog.kinds.iter().filter_map(|kind| kind.form.as_ref());
    let forms = forms.map(|form| format!("/{}/new", form.path));
    let paths = paths.into_iter().map(str::to_owned).chain(forms);
    paths.map(|path| (format!("{}{path}", visitor.origin), None)).collect()
}

fn record_pages(
    app: &App,
    visitor: &Visitor,
    kind: &str,
    at: usize,
) -> Result<Vec<(String, Option<String>)>, Failure> {
    let mut skipped = 0;
    let mut pages = Vec::new();
    let mut after: Option<Arc<str>> = None;
    loop {
        let records = app.store.scan(kind, after.as_deref(), 500)?;
        let Some(last) = records.last() else { return Ok(pages) };
        after = Some(last.id.id.clone());
        for record in records.iter().filter_map(indexing::read) {
            if record.state != Stage::Published {
                continue;
            }
            if skipped < at.saturating_mul(PER_FILE) {
                skipped += 1;
                continue;
            }
            let url = format!("{}{}", visitor.origin, record_path(&record.kind, &record.id));
            pages.push((url, Some(record.updated_at)));
            if pages.len() == PER_FILE {
                return Ok(pages);
            }
        }
    }
}

/// Everything may be read but what operators see and what only repeats results.
pub async fn get_robots(visitor: Visitor) -> Response {
    let text = format!(
        "User-agent: *\nDisallow: /admin\nDisallow: /v1/\nDisallow: /search?\nAllow: /search?kind=\n\n\
         Sitemap: {}/sitemap.xml\n",
        visitor.origin
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
