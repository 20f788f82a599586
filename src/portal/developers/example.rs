//! A command for each endpoint that runs as it stands: against this server, with records that it has.

use serde_json::{Value, json};

use crate::app::App;
use crate::portal::error::Failure;
use crate::portal::links::address;
use crate::portal::text::IntegratorTexts;
use crate::portal::visitor::Visitor;
use crate::query::request::SearchRequest;
use crate::record::{RecordId, RecordKind, Visibility};

/// Id of the record that examples write and withdraw.
const WRITTEN: &str = "example-1";
/// What examples look for.
const SEARCHED: &str = "海水淡化";

/// What the examples are about.
pub struct Example {
    origin: String,
    /// A record that is there; of a kind that people post where there is one.
    record: RecordId,
    /// A record of a kind that is recommended for it.
    other: Option<RecordId>,
    /// Two records that state rules.
    ruled: Vec<RecordId>,
    vocabulary: String,
    title: &'static str,
}

/// A call, as a command and as the path that it asks.
pub struct Call {
    pub command: String,
    pub path: String,
}

impl Example {
    pub fn find(app: &App, visitor: &Visitor) -> Result<Self, Failure> {
        let posted = app.catalog.kinds.iter().find(|kind| kind.form.is_some());
        let kind = posted.or(app.catalog.kinds.first()).ok_or(Failure::NotFound)?;
        let recommended = kind.form.as_ref().and_then(|form| form.recommend.first());
        let other = recommended.and_then(|name| app.catalog.kind(name));
        let other = other.map(|kind| newest(app, kind, 1)).transpose()?;
        let ruled = app.catalog.kinds.iter().find(|kind| kind.applicability.is_some());
        let ruled = ruled.map(|kind| newest(app, kind, 2)).transpose()?;
        let record = newest(app, kind, 1)?.pop();
        let vocabularies = app.catalog.vocabularies.values();
        let smallest = vocabularies.min_by_key(|each| (each.entries.len(), each.name.clone()));
        Ok(Self {
            origin: visitor.origin.clone(),
            record: record.unwrap_or_else(|| RecordId::new(kind.name.clone(), "ID")),
            other: other.and_then(|mut found| found.pop()),
            ruled: ruled.unwrap_or_default(),
            vocabulary: smallest.map(|each| each.name.clone()).unwrap_or_default(),
            title: IntegratorTexts::of(visitor.lang).example_title,
        })
    }

    /// Writes a command for an operation of the document: required parameters, those that the document gives an
    /// example of, and the document's example of the body.
    pub fn call(&self, path: &str, method: &str, operation: &Value, needs_key: bool) -> Call {
        let mut filled = path.to_owned();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let declared =
                plain(&parameter["example"]).or_else(|| plain(&parameter["schema"]["example"]));
            match parameter["in"].as_str() {
                Some("path") => {
                    let value = declared.unwrap_or_else(|| self.path_value(path, name, method));
                    filled = filled.replace(&format!("{{{name}}}"), &value);
                }
                Some("query") => {
                    let value = declared.or_else(|| self.query_value(path, name));
                    pairs.extend(value.map(|value| (name.to_owned(), value)));
                }
                _ => {}
            }
        }
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let filled = address(&filled, pairs);
        let quote = if filled.contains('$') { '"' } else { '\'' };
        let url = format!("{quote}{}{filled}{quote}", self.origin);
        let mut command = match method {
            "get" => format!("curl {url}"),
            method => format!("curl -X {} {url}", method.to_ascii_uppercase()),
        };
        if needs_key {
            command.push_str(" \\\n  -H \"Authorization: Bearer $KEY\"");
        }
        let content = operation["requestBody"]["content"].as_object();
        if let Some((media, described)) = content.and_then(|content| content.iter().next()) {
            let body = self.body(media, &described["example"]);
            let quoted = body.replace('\'', "'\\''");
            command.push_str(&format!(
                " \\\n  -H 'Content-Type: {media}' \\\n  --data-binary '{quoted}'"
            ));
        }
        Call { command, path: filled }
    }

    /// The record that the example of a path is about.
    fn record_of(&self, path: &str) -> &RecordId {
        let states_rules = ["/versions", "/diff"].iter().any(|end| path.ends_with(end));
        self.ruled.first().filter(|_| states_rules).unwrap_or(&self.record)
    }

    /// A value of ours, or a variable of the shell for what only the caller has: `$ID`, `$TOKEN`.
    fn path_value(&self, path: &str, name: &str, method: &str) -> String {
        let of_records = ["/v1/records/{kind}/", "/indexes/{index}/documents/"];
        match (name, method) {
            ("kind" | "index", _) => self.record_of(path).kind.to_string(),
            ("id", _) if !of_records.iter().any(|of| path.starts_with(of)) => "$ID".to_owned(),
            ("id", "put" | "delete" | "patch") => WRITTEN.to_owned(),
            ("id", _) => self.record_of(path).id.to_string(),
            ("name", _) => self.vocabulary.clone(),
            (name, _) => format!("${}", name.to_ascii_uppercase()),
        }
    }

    fn query_value(&self, path: &str, name: &str) -> Option<String> {
        let compares = path.ends_with("/diff");
        match name {
            "q" => {
                let length = if path.ends_with("suggest") { 2 } else { 4 };
                Some(SEARCHED.chars().take(length).collect())
            }
            "kind" => Some(self.record.kind.to_string()),
            "from" if compares => Some(self.ruled.last()?.id.to_string()),
            "to" if compares => None,
            "from" => Some(self.record.kind.to_string()),
            "to" => Some(self.other.as_ref()?.kind.to_string()),
            "limit" => Some("3".to_owned()),
            _ => None,
        }
    }

    /// The document's example where it has one, with the names that stand for ours; else the fewest fields that do.
    fn body(&self, media: &str, declared: &Value) -> String {
        let text = match declared {
            Value::Null if media.ends_with("ndjson") => {
                let kind = &*self.record.kind;
                return format!(
                    "{}\n",
                    json!({ "kind": kind, "id": WRITTEN, "title": self.title })
                );
            }
            Value::Null => return json!({ "title": self.title }).to_string(),
            Value::String(text) => text.clone(),
            example => example.to_string(),
        };
        let other = self.other.as_ref().unwrap_or(&self.record);
        let names = [
            ("KIND", &self.record.kind),
            ("ID", &self.record.id),
            ("OTHER_KIND", &other.kind),
            ("OTHER_ID", &other.id),
        ];
        names.iter().fold(text, |text, (name, ours)| {
            text.replace(&format!("\"{name}\""), &format!("\"{ours}\""))
        })
    }
}

/// The newest records of a kind that anybody may see.
fn newest(app: &App, kind: &RecordKind, limit: usize) -> Result<Vec<RecordId>, Failure> {
    let newest = SearchRequest {
        kind: vec![kind.name.to_string()],
        limit: Some(limit),
        ..Default::default()
    };
    let found = app.search.search(&newest, Visibility::Public, app.clock.today())?;
    Ok(found.items.into_iter().map(|item| RecordId::new(item.kind, item.id)).collect())
}

/// A number, text or flag as it stands in an address.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
