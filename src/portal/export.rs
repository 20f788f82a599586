//! The results of a search as a table that people open in a spreadsheet.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer;
use super::csv;
use super::data::is_column;
use super::error::Failure;
use super::links::{SearchPlace, record_path};
use super::text::AdminTexts;
use super::value::plain;
use super::visitor::Visitor;
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::{Field, Fields, RecordId, RecordKind, Visibility, validate};
use crate::service::indexing;

/// Most rows of a file.
const MAX_ROWS: usize = 1_000;
/// Results asked for at a time.
const BATCH: usize = 100;

/// The first thousand results, in their order.
pub async fn get_results(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let place =
        SearchPlace::read(&visitor.pairs).map_err(|violation| Failure::Bad(vec![violation]))?;
    let kinds: Vec<&Arc<RecordKind>> = match place.kinds.as_slice() {
        [] => app.catalog.kinds.iter().collect(),
        names => names.iter().filter_map(|name| app.catalog.kind(name)).collect(),
    };
    // Columns that all of them have, under the name of the first.
    let first = kinds.first().map_or(&[][..], |kind| &kind.fields);
    let shared = |field: &&Field| kinds.iter().all(|kind| kind.field(&field.name).is_some());
    let columns: Vec<&Field> =
        first.iter().filter(|field| is_column(field)).filter(shared).collect();
    let t = visitor.texts();
    let mut table = "\u{feff}".as_bytes().to_vec();
    let labels = columns.iter().map(|field| visitor.lang.pick(&field.label));
    let start = [AdminTexts::of(visitor.lang).kind, t.record_id];
    csv::row(start.into_iter().chain(labels).chain([t.address]), &mut table);
    let mut request = SearchRequest { limit: Some(BATCH), offset: None, ..place.request() };
    let mut rows = 0;
    loop {
        let found = app.search.search(&request, Visibility::Public, app.clock.today())?;
        for item in found.items.iter().take(MAX_ROWS - rows) {
            let Some(kind) = app.catalog.kind(&item.kind) else { continue };
            let id = RecordId::new(item.kind.clone(), item.id.clone());
            let Some(record) = app.store.get(&id)?.as_ref().and_then(indexing::read) else {
                continue;
            };
            let fields = validate::visible(kind, &record.fields, Visibility::Public);
            csv::row(cells(visitor, kind, &record.id, &columns, &fields), &mut table);
            rows += 1;
        }
        match found.next {
            Some(next) if rows < MAX_ROWS && !found.items.is_empty() => request.cursor = Some(next),
            _ => break,
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"search.csv\""),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, table).into_response())
}

fn cells(
    visitor: &Visitor,
    kind: &RecordKind,
    id: &str,
    columns: &[&Field],
    fields: &Fields,
) -> Vec<String> {
    let own = columns.iter().map(|field| cell(visitor, field, fields.get(&field.name)));
    let label = visitor.lang.pick(&kind.label).to_owned();
    let url = format!("{}{}", visitor.origin, record_path(&kind.name, id));
    [label, id.to_owned()].into_iter().chain(own).chain([url]).collect()
}

/// A value as people read it; numbers stay numbers.
fn cell(visitor: &Visitor, field: &Field, value: Option<&Value>) -> String {
    let text = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        value => plain(field, value, visitor.lang),
    };
    match value {
        None => String::new(),
        Some(Value::Array(values)) => values.iter().filter_map(text).collect::<Vec<_>>().join("; "),
        Some(value) => text(value).unwrap_or_default(),
    }
}
