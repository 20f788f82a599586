//! Open data: every public record of a kind in one file, and the catalogue of these files.

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::assets::TASKS_STYLE;
use super::csv::row;
use super::error::{Failure, not_found_page};
use super::text::{IntegratorTexts, Lang, grouped};
use super::value::plain;
use super::visitor::{Frame, Visitor};
use super::{answer, overview, page};
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::{
    Catalog, Field, FieldType, Fields, RecordId, RecordKind, Role, State as Stage, Visibility,
    validate,
};
use crate::service::indexing;
use crate::service::keys::Principal;

/// Records read at a time, and pieces of a file that may wait for a slow reader.
const BATCH: usize = 200;
const WAITING: usize = 4;

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage {
    frame: Frame,
    t: &'static IntegratorTexts,
    tasks_style: &'static str,
    sets: Vec<DataSet>,
    charts: Vec<String>,
}

struct DataSet {
    name: String,
    label: String,
    description: String,
    count: String,
    updated: String,
}

pub async fn get_data(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let mut sets = Vec::new();
    for kind in &app.catalog.kinds {
        let (count, updated) = size(app, kind)?;
        sets.push(DataSet {
            name: kind.name.to_string(),
            label: visitor.lang.pick(&kind.label).to_owned(),
            description: visitor.lang.pick(&kind.description).to_owned(),
            count: grouped(count),
            updated: updated.unwrap_or_else(|| "–".to_owned()),
        });
    }
    let charts = [
        overview::kinds(visitor, &overview::counts(app)?),
        overview::months(app, visitor)?,
        overview::deadlines(app, visitor)?,
    ];
    let charts = charts.iter().map(|chart| chart.figure(visitor.lang)).collect::<Result<_, _>>();
    let template = DataPage {
        charts: charts.map_err(|_| Failure::Internal)?,
        frame: visitor.frame(visitor.texts().data),
        t: IntegratorTexts::of(visitor.lang),
        tasks_style: &TASKS_STYLE,
        sets,
    };
    Ok(page(StatusCode::OK, &template))
}

/// How many public records there are, and when the newest of them was last written.
fn size(app: &App, kind: &RecordKind) -> Result<(u64, Option<String>), Failure> {
    let request =
        SearchRequest { kind: vec![kind.name.to_string()], limit: Some(1), ..Default::default() };
    let found = app.search.search(&request, Visibility::Public, app.clock.today())?;
    let newest = found.items.first().map(|item| RecordId::new(item.kind.clone(), item.id.clone()));
    let record = match newest {
        Some(id) => app.ingest.get(&id, &Principal::default())?,
        None => None,
    };
    Ok((found.total, record.and_then(|record| app.clock.local_time(&record.updated_at))))
}

/// A kind's file: `KIND.jsonl` or `KIND.csv`.
pub async fn get_file(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let parsed = name.rsplit_once('.').and_then(|(kind, extension)| {
        let format = match extension {
            "jsonl" => Format::Lines,
            "csv" => Format::Table,
            _ => return None,
        };
        Some((state.app.catalog.kind(kind)?.clone(), format))
    });
    let Some((kind, format)) = parsed else { return not_found_page(&visitor) };
    let etag = format!("\"{}-{name}\"", state.app.store.head());
    let etag = HeaderValue::from_str(&etag).expect("names of kinds are ASCII");
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let (sender, receiver) = mpsc::channel(WAITING);
    let app = state.app.clone();
    tokio::task::spawn_blocking(move || write_file(&app, &kind, format, &sender));
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, etag),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).expect("names of kinds are ASCII"),
        ),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Lines,
    Table,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Format::Lines => "application/x-ndjson",
            Format::Table => "text/csv; charset=utf-8",
        }
    }
}

type Piece = Result<Bytes, std::io::Error>;

/// Writes a file piece by piece; stops when nobody reads any more.
fn write_file(app: &App, kind: &RecordKind, format: Format, to: &mpsc::Sender<Piece>) {
    let columns: Vec<&Field> = kind.fields.iter().filter(|field| is_column(field)).collect();
    let mut piece = Vec::new();
    if format == Format::Table {
        // Spreadsheets read UTF-8 only behind this mark.
        piece.extend_from_slice("\u{feff}".as_bytes());
        let names = columns.iter().map(|field| field.name.as_str());
        row(std::iter::once("id").chain(names), &mut piece);
    }
    let mut after: Option<Arc<str>> = None;
    loop {
        let records = match app.store.scan(&kind.name, after.as_deref(), BATCH) {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, "a file of open data broke off");
                let _ = to.blocking_send(Err(std::io::Error::other("the records cannot be read")));
                return;
            }
        };
        after = records.last().map(|stored| stored.id.id.clone());
        for record in records.iter().filter_map(indexing::read) {
            if record.state != Stage::Published {
                continue;
            }
            let fields = validate::visible(kind, &record.fields, Visibility::Public);
            match format {
                Format::Lines => line(&record.kind, &record.id, fields, &mut piece),
                Format::Table => {
                    let cells = columns.iter().map(|field| cell(field, &fields));
                    row(std::iter::once(record.id.to_string()).chain(cells), &mut piece);
                }
            }
        }
        if !piece.is_empty()
            && to.blocking_send(Ok(Bytes::from(std::mem::take(&mut piece)))).is_err()
        {
            return;
        }
        if after.is_none() {
            return;
        }
    }
}

/// A field that fits a cell and that everybody may see.
pub fn is_column(field: &Field) -> bool {
    field.field_type != FieldType::Object && field.visibility == Visibility::Public
}

fn line(kind: &str, id: &str, fields: Fields, to: &mut Vec<u8>) {
    let mut object = Fields::new();
    object.insert("kind".into(), json!(kind));
    object.insert("id".into(), json!(id));
    object.extend(fields);
    serde_json::to_writer(&mut *to, &object).expect("a vector takes everything");
    to.push(b'\n');
}

/// A value in one cell: codes stay codes, several values are separated by `; `.
fn cell(field: &Field, fields: &Fields) -> String {
    let text = |value: &Value| match (field.field_type, value) {
        (FieldType::Quantity | FieldType::File | FieldType::Geo, value) => {
            plain(field, value, Lang::Zh)
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, value) => Some(value.to_string()),
    };
    match fields.get(&field.name) {
        None => String::new(),
        Some(Value::Array(values)) => values.iter().filter_map(text).collect::<Vec<_>>().join("; "),
        Some(value) => text(value).unwrap_or_default(),
    }
}

/// The catalogue that other portals of open data harvest.
pub async fn get_catalog(visitor: Visitor) -> Response {
    let document = catalog(&visitor.catalog, &visitor);
    let headers =
        [(header::CONTENT_TYPE, "application/ld+json"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, document.to_string()).into_response()
}

fn catalog(catalog: &Catalog, visitor: &Visitor) -> Value {
    let origin = &visitor.origin;
    let sets = catalog.kinds.iter().map(|kind| {
        let file = |extension: &str, media: &str| {
            json!({
                "@type": "dcat:Distribution",
                "dcat:downloadURL": { "@id": format!("{origin}/data/{}.{extension}", kind.name) },
                "dcat:mediaType": media,
            })
        };
        let keywords = kind.fields.iter().filter(|field| field.role == Some(Role::Keywords));
        let keywords: Vec<&str> = keywords.map(|field| field.label.zh.as_str()).collect();
        json!({
            "@type": "dcat:Dataset",
            "@id": format!("{origin}/data#{}", kind.name),
            "dct:title": [
                { "@value": kind.label.zh, "@language": "zh" },
                { "@value": kind.label.en, "@language": "en" },
            ],
            "dct:description": { "@value": kind.description.zh, "@language": "zh" },
            "dcat:keyword": keywords,
            "dcat:distribution":
                [file("jsonl", "application/x-ndjson"), file("csv", "text/csv")],
        })
    });
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
        },
        "@type": "dcat:Catalog",
        "@id": format!("{origin}/data"),
        "dct:title": visitor.site_name(),
        "dcat:dataset": sets.collect::<Vec<_>>(),
    })
}
