//! The page of one record, as its kind file orders it.

use std::collections::HashSet;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::card::{self, Deadline, Fact, Stamp};
use super::error::{self, Failure};
use super::links::{address, record_path};
use super::proofs::{self, ProofView};
use super::share::{self, QrImage};
use super::text::{FormTexts, Lang};
use super::value::{Links, Shown, plain, show};
use super::visitor::{Frame, Visitor};
use super::{answer, page, script_json};
use crate::app::App;
use crate::http::AppState;
use crate::matching::Subject;
use crate::record::{Field, FieldType, Record, RecordId, RecordKind, Visibility};
use crate::service::keys::Principal;
use crate::service::matches::MatchRequest;

/// Records of one list of related ones.
const RELATED: usize = 5;

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    kind_label: String,
    kind_href: String,
    title: String,
    stamp: Option<Stamp>,
    /// Why the record must not be relied on.
    warning: Option<String>,
    example: bool,
    published: Option<String>,
    deadline: Option<Deadline>,
    /// The document table: label and pieces.
    table: Vec<FieldView>,
    key: Vec<Fact>,
    original: Option<String>,
    /// Address of the check against this record alone.
    check: Option<String>,
    /// The record that holds in place of this one: title, address, and since when.
    successor: Option<(String, String, Option<String>)>,
    qr: Option<QrImage>,
    /// Address of the deadlines as a calendar.
    calendar: Option<String>,
    /// Heading, and records with their addresses.
    related: Vec<(String, Vec<Near>)>,
    sections: Vec<SectionView>,
    about: Vec<(&'static str, String)>,
    json: String,
    json_ld: String,
}

/// A group of fields.
pub struct SectionView {
    pub label: String,
    pub anchor: String,
    pub rows: Vec<FieldView>,
}

pub struct FieldView {
    pub label: String,
    /// The section says it already.
    pub hide_label: bool,
    /// More than a line of text.
    pub long: bool,
    pub shown: Shown,
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
    let Some(record) = app.ingest.get(&id, &Principal::default())? else {
        let was_here = app.applicability.was_withdrawn(&id)?;
        return Err(if was_here { Failure::Gone } else { Failure::NotFound });
    };
    let kind = app.catalog.kind(kind).ok_or(Failure::NotFound)?;
    let t = visitor.texts();
    let lang = visitor.lang;
    let title = title_of(&record);
    let local = |instant: &str| app.clock.local_time(instant).unwrap_or_else(|| instant.to_owned());
    let mut about =
        vec![(t.record_id, record.id.to_string()), (t.revision, record.revision.to_string())];
    about.push((t.created, local(&record.created_at)));
    about.push((t.updated, local(&record.updated_at)));
    about.extend(
        record.source.clone().map(|source| (t.source, (t.source_name)(&source).to_owned())),
    );
    let stamped = kind.page.stamp.as_deref().or(kind.card.badge.as_deref());
    let stamp = stamped.and_then(|path| card::stamp(kind, path, &record.fields, visitor));
    let text = |name: &str| record.fields.get(name).and_then(Value::as_str);
    let path = record_path(&record.kind, &record.id);
    let is_dated = !share::deadlines(kind, &record, app.clock.today()).is_empty();
    let mut frame = visitor.frame(&title);
    frame.column = lang.pick(&kind.label).to_owned();
    if let Some(summary) = text("summary").or(text("body")) {
        frame.description = summary.chars().take(150).collect();
    }
    let template = RecordPage {
        frame,
        warning: stamp
            .as_ref()
            .filter(|stamp| stamp.tone == "warn")
            .map(|stamp| (t.holds_no_more)(&stamp.text)),
        stamp,
        published: text("published_on").map(str::to_owned),
        table: table(app, visitor, kind, &record),
        key: key(visitor, kind, &record),
        original: text("source_url").filter(|url| url.starts_with("https://")).map(str::to_owned),
        json_ld: json_ld(visitor, kind, &record),
        check: kind.applicability.as_ref().map(|_| {
            let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
            address("/check", [("id", &*record.id)].into_iter().chain(lang))
        }),
        successor: successor(app, visitor, kind, &record)?,
        qr: share::qr(&format!("{}{path}", visitor.origin)),
        calendar: is_dated.then(|| visitor.link(&format!("{path}/deadline.ics"))),
        related: related(app, visitor, kind, &record),
        kind_label: lang.pick(&kind.label).to_owned(),
        kind_href: visitor
            .anywhere()
            .with(|place| place.kinds = vec![kind.name.to_string()])
            .href(),
        example: record.fields.get("example") == Some(&Value::Bool(true)),
        deadline: card::deadline(kind, &record.fields, visitor, app.clock.today()),
        sections: sections(app, visitor, kind, &record),
        about,
        json: format!("/v1{}", record_path(&record.kind, &record.id)),
        title,
    };
    Ok(page(StatusCode::OK, &template))
}

pub fn title_of(record: &Record) -> String {
    record.fields.get("title").and_then(Value::as_str).unwrap_or(&record.id).to_owned()
}

/// The kind's sections, then every field that none of them names.
pub fn sections(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    record: &Record,
) -> Vec<SectionView> {
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
    // What the document table says already is not said twice.
    named.extend(kind.page.table.iter().map(|path| path.split('.').next().unwrap_or(path)));
    let mut sections: Vec<SectionView> = Vec::new();
    for section in &kind.sections {
        let label = lang.pick(&section.label);
        let names = section.fields.iter().map(|path| path.split('.').next().unwrap_or(path));
        let names: Vec<&str> = names.filter(|name| named.insert(name)).collect();
        let fields = names.into_iter().filter_map(|name| kind.field(name));
        let rows = fields.filter_map(|field| view(field, label)).collect();
        let anchor = format!("part-{}", sections.len() + 1);
        sections.push(SectionView { label: label.to_owned(), anchor, rows });
    }
    let label = visitor.texts().other_fields;
    let others = kind.fields.iter().filter(|field| !named.contains(field.name.as_str()));
    let rows = others.filter_map(|field| view(field, label)).collect();
    let anchor = "part-other".to_owned();
    sections.push(SectionView { label: label.to_owned(), anchor, rows });
    sections.retain(|section| !section.rows.is_empty());
    sections
}

/// The document table that readers of official documents expect.
fn table(app: &App, visitor: &Visitor, kind: &RecordKind, record: &Record) -> Vec<FieldView> {
    let links = RecordLinks { app, visitor, kind };
    let rows = kind.page.table.iter().filter_map(|path| {
        let field = kind.field_at(path)?;
        let shown = show(field, record.fields.get(&field.name)?, visitor.lang, &links)?;
        let label = visitor.lang.pick(&field.label).to_owned();
        Some(FieldView { label, hide_label: false, long: false, shown })
    });
    rows.collect()
}

/// The record that ends this one.
fn successor(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    record: &Record,
) -> Result<Option<(String, String, Option<String>)>, Failure> {
    if kind.applicability.is_none() {
        return Ok(None);
    }
    let versions = app.applicability.versions(&record.record_id(), &Principal::default())?;
    let found = versions.and_then(|versions| versions.successor);
    // One that is not public has no title and no page.
    Ok(found.and_then(|found| {
        let href = visitor.link(&record_path(&record.kind, &found.id));
        Some((found.title?, href, found.from))
    }))
}

/// A record that is recommended.
struct Near {
    title: String,
    href: String,
    proofs: Vec<ProofView>,
}

/// Records like this one, and what is recommended for it.
fn related(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    record: &Record,
) -> Vec<(String, Vec<Near>)> {
    let t = visitor.texts();
    let recommended = kind.form.as_ref().and_then(|form| form.recommend.first());
    let recommended = recommended.and_then(|name| visitor.catalog.kind(name));
    let recommended = recommended.map(|to| {
        let label = visitor.lang.pick(&to.label);
        (to.name.to_string(), (FormTexts::of(visitor.lang).matches_of)(label))
    });
    let wanted = recommended.into_iter().chain([(kind.name.to_string(), t.similar.to_owned())]);
    let lists = wanted.filter_map(|(to, heading)| {
        let request = MatchRequest {
            subject: Subject::Stored(record.record_id()),
            to,
            limit: RELATED,
            diverse: true,
        };
        let found = app.matches.matches(&request, Visibility::Public, app.clock.today()).ok()?;
        let items = found.items.iter().map(|item| {
            let title =
                item.record.get("title").and_then(|json| serde_json::from_str(json.get()).ok());
            let href = visitor.link(&record_path(&item.kind, &item.id));
            let title = title.unwrap_or_else(|| item.id.to_string());
            Near { title, href, proofs: proofs::of(&item.reasons, visitor) }
        });
        Some((heading, items.collect::<Vec<_>>())).filter(|(_, items)| !items.is_empty())
    });
    lists.collect()
}

/// What a reader asks first.
fn key(visitor: &Visitor, kind: &RecordKind, record: &Record) -> Vec<Fact> {
    let facts = kind.page.key.iter().filter_map(|path| {
        let field = kind.field_at(path)?;
        let text = card::fact(field, &record.fields, visitor)?;
        let money = field.field_type == FieldType::Money;
        Some(Fact { label: visitor.lang.pick(&field.label).to_owned(), text, money })
    });
    facts.collect()
}

/// The record in the words of schema.org, and the dates that Chinese search engines read.
fn json_ld(visitor: &Visitor, kind: &RecordKind, record: &Record) -> String {
    let text = |name: &str| record.fields.get(name).and_then(Value::as_str);
    let path = record_path(&record.kind, &record.id);
    let url = format!("{}{path}", visitor.origin);
    let title = title_of(record);
    let own = kind.page.schema_type.as_ref().map(|schema_type| {
        let mut object = Map::new();
        object.insert("@type".into(), json!(schema_type));
        object.insert("name".into(), json!(title));
        object.insert("url".into(), json!(url));
        object.insert("inLanguage".into(), json!("zh-CN"));
        for (property, path) in &kind.page.schema {
            let field = kind.field_at(path).filter(|field| *field.path == *field.name);
            let value = field.and_then(|field| {
                let value = record.fields.get(&field.name)?;
                let plain = |value: &Value| plain(field, value, Lang::Zh).map(Value::String);
                Some(match value {
                    Value::Array(values) => values.iter().filter_map(plain).collect(),
                    value => plain(value)?,
                })
            });
            object.extend(value.map(|value| (property.clone(), value)));
        }
        Value::Object(object)
    });
    let crumbs = [
        (visitor.texts().home, format!("{}/", visitor.origin)),
        (visitor.lang.pick(&kind.label), {
            let kinds = vec![kind.name.to_string()];
            let place = visitor.anywhere().with(|place| place.kinds = kinds);
            format!("{}{}", visitor.origin, place.href())
        }),
    ];
    let crumbs: Vec<Value> = crumbs
        .iter()
        .zip(1..)
        .map(|((name, item), position)| {
            json!({"@type": "ListItem", "position": position, "name": name, "item": item})
        })
        .collect();
    let mut graph = vec![json!({"@type": "BreadcrumbList", "itemListElement": crumbs})];
    graph.extend(own);
    let mut document = json!({
        "@context": ["https://schema.org", "https://ziyuan.baidu.com/contexts/cambrian.jsonld"],
        "@id": url,
        "title": title,
        "@graph": graph,
    });
    // Baidu reads instants without a zone.
    let instant = |day: &str| format!("{day}T00:00:00");
    if let Some(day) = text("published_on") {
        document["pubDate"] = json!(instant(day));
    }
    let updated = record.updated_at.get(..10).unwrap_or_default();
    document["upDate"] = json!(instant(updated));
    script_json(&document)
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

    fn record(&self, name: &str) -> Option<(String, String)> {
        let elsewhere = RecordId::parse(name);
        let elsewhere = elsewhere.filter(|id| self.app.catalog.kind(&id.kind).is_some());
        let id = elsewhere.unwrap_or_else(|| RecordId::new(self.kind.name.clone(), name));
        let record = self.app.ingest.get(&id, &Principal::default()).ok()??;
        let href = self.visitor.link(&record_path(&record.kind, &record.id));
        Some((title_of(&record), href))
    }
}
