//! The page of one record, as its kind file orders it.

use std::collections::HashSet;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::card::{self, Deadline};
use super::error::{self, Failure};
use super::links::record_path;
use super::value::{Links, Shown, show};
use super::{Frame, Visitor, answer, page};
use crate::app::App;
use crate::http::AppState;
use crate::record::{Field, FieldType, Record, RecordId, RecordKind, Visibility};
use crate::service::keys::Principal;

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    kind_label: String,
    kind_href: String,
    title: String,
    badge: Option<String>,
    example: bool,
    deadline: Option<Deadline>,
    sections: Vec<SectionView>,
    about: Vec<(&'static str, String)>,
    json: String,
}

struct SectionView {
    label: String,
    rows: Vec<FieldView>,
}

struct FieldView {
    label: String,
    /// The section says it already.
    hide_label: bool,
    /// More than a line of text.
    long: bool,
    shown: Shown,
}

pub async fn get_record(
    State(state): State<AppState>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((kind, id))) = path else {
        return error::not_found_page(&visitor);
    };
    answer(&state, visitor, move |app, visitor| make(app, visitor, &kind, &id)).await
}

fn make(app: &App, visitor: &Visitor, kind: &str, id: &str) -> Result<Response, Failure> {
    let id = RecordId::new(kind, id);
    let record = app.ingest.get(&id, &Principal::default())?.ok_or(Failure::NotFound)?;
    let kind = app.catalog.kind(kind).ok_or(Failure::NotFound)?;
    let t = visitor.texts();
    let lang = visitor.lang;
    let title = title_of(&record);
    let badge = kind.card.badge.as_deref().and_then(|path| kind.field_at(path));
    let local = |instant: &str| app.clock.local_time(instant).unwrap_or_else(|| instant.to_owned());
    let mut about =
        vec![(t.record_id, record.id.to_string()), (t.revision, record.revision.to_string())];
    about.push((t.created, local(&record.created_at)));
    about.push((t.updated, local(&record.updated_at)));
    about.extend(record.source.clone().map(|source| (t.source, source)));
    let template = RecordPage {
        frame: visitor.frame(&title),
        kind_label: lang.pick(&kind.label).to_owned(),
        kind_href: visitor
            .anywhere()
            .with(|place| place.kinds = vec![kind.name.to_string()])
            .href(),
        badge: badge.and_then(|field| card::fact(field, &record.fields, visitor)),
        example: record.fields.get("example") == Some(&Value::Bool(true)),
        deadline: card::deadline(kind, &record.fields, visitor, app.clock.today()),
        sections: sections(app, visitor, kind, &record),
        about,
        json: format!("/v1{}", record_path(&record.kind, &record.id)),
        title,
    };
    Ok(page(StatusCode::OK, &template))
}

fn title_of(record: &Record) -> String {
    record.fields.get("title").and_then(Value::as_str).unwrap_or(&record.id).to_owned()
}

/// The kind's sections, then every field that none of them names.
fn sections(app: &App, visitor: &Visitor, kind: &RecordKind, record: &Record) -> Vec<SectionView> {
    let lang = visitor.lang;
    let links = RecordLinks { app, visitor, kind };
    let view = |field: &Field, section: &str| {
        let label = lang.pick(&field.label);
        let shown = match record.fields.get(&field.name) {
            Some(value) => show(field, value, lang, &links)?,
            None if field.field_type == FieldType::Object
                && field.visibility == Visibility::Registered =>
            {
                Shown::Withheld(visitor.texts().registered_only)
            }
            None => return None,
        };
        Some(FieldView {
            label: label.to_owned(),
            hide_label: label == section && !matches!(shown, Shown::Pieces(_)),
            long: is_long(&shown),
            shown,
        })
    };
    let mut named: HashSet<&str> = HashSet::from(["title", "example"]);
    let mut sections: Vec<SectionView> = Vec::new();
    for section in &kind.sections {
        let label = lang.pick(&section.label);
        let names = section.fields.iter().map(|path| path.split('.').next().unwrap_or(path));
        let names: Vec<&str> = names.filter(|name| named.insert(name)).collect();
        let fields = names.into_iter().filter_map(|name| kind.field(name));
        let rows = fields.filter_map(|field| view(field, label)).collect();
        sections.push(SectionView { label: label.to_owned(), rows });
    }
    let label = visitor.texts().other_fields;
    let others = kind.fields.iter().filter(|field| !named.contains(field.name.as_str()));
    let rows = others.filter_map(|field| view(field, label)).collect();
    sections.push(SectionView { label: label.to_owned(), rows });
    sections.retain(|section| !section.rows.is_empty());
    sections
}

/// Text that is more than a line.
fn is_long(shown: &Shown) -> bool {
    match shown {
        Shown::Paragraphs(paragraphs) => {
            paragraphs.len() > 1 || paragraphs.iter().any(|text| text.chars().nth(80).is_some())
        }
        _ => false,
    }
}

/// Where the values of a record lead.
struct RecordLinks<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    kind: &'a RecordKind,
}

impl Links for RecordLinks<'_> {
    fn same_value(&self, path: &str, value: &str) -> Option<String> {
        let place = self.visitor.anywhere().with(|place| {
            place.kinds = vec![self.kind.name.to_string()];
            place.select = vec![format!("{path}:{value}")];
        });
        Some(place.href())
    }

    fn record(&self, id: &str) -> Option<(String, String)> {
        let id = RecordId::new(self.kind.name.clone(), id);
        let record = self.app.ingest.get(&id, &Principal::default()).ok()??;
        let href = self.visitor.link(&record_path(&record.kind, &record.id));
        Some((title_of(&record), href))
    }
}
