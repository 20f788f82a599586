//! A command for each endpoint that runs as it stands: against this server, with records that it has.

use serde_json::{Value, json};

use crate::app::App;
use crate::portal::error::Failure;
use crate::portal::links::address;
use crate::portal::text::IntegratorTexts;
use crate::portal::visitor::Visitor;
use crate::query::request::SearchRequest;
use crate::record::{RecordId, Visibility};
use crate::service::keys::Principal;

/// Id of the record that examples write and withdraw.
const WRITTEN: &str = "example-1";

/// What the examples are about.
pub struct Example {
    origin: String,
    /// Kind and id of a record that is there; of a kind that people post where there is one.
    kind: String,
    id: String,
    /// The fields of that record, as the API gives them.
    record: Value,
    /// A kind that is recommended for it.
    to: Option<String>,
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
        let newest = SearchRequest {
            kind: vec![kind.name.to_string()],
            limit: Some(1),
            ..Default::default()
        };
        let found = app.search.search(&newest, Visibility::Public, app.clock.today())?;
        let id = found.items.first().map_or_else(|| "ID".to_owned(), |item| item.id.to_string());
        let stored = app
            .ingest
            .get(&RecordId::new(kind.name.clone(), id.as_str()), &Principal::default())?;
        let title = IntegratorTexts::of(visitor.lang).example_title;
        let record = match stored {
            Some(record) => {
                let mut fields = record.fields;
                fields.retain(|name, value| {
                    name == "title" || name == "quantities" && value.is_array()
                });
                Value::Object(fields)
            }
            None => json!({ "title": title }),
        };
        let vocabularies = app.catalog.vocabularies.values();
        let smallest = vocabularies.min_by_key(|each| (each.entries.len(), each.name.clone()));
        Ok(Self {
            origin: visitor.origin.clone(),
            kind: kind.name.to_string(),
            to: kind.form.as_ref().and_then(|form| form.recommend.first().cloned()),
            id,
            record,
            vocabulary: smallest.map(|each| each.name.clone()).unwrap_or_default(),
            title,
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
            let body = self.body(operation, media, &described["example"]);
            let quoted = body.replace('\'', "'\\''");
            command.push_str(&format!(
                " \\\n  -H 'Content-Type: {media}' \\\n  --data-binary '{quoted}'"
            ));
        }
        Call { command, path: filled }
    }

    /// A value of ours, or a variable of the shell for what only the caller has: `$ID`, `$TOKEN`.
    fn path_value(&self, path: &str, name: &str, method: &str) -> String {
        match (name, method) {
            ("kind", _) => self.kind.clone(),
            ("id", _) if !path.starts_with("/v1/records/") => "$ID".to_owned(),
            ("id", "put" | "delete" | "patch") => WRITTEN.to_owned(),
            ("id", _) => self.id.clone(),
            ("name", _) => self.vocabulary.clone(),
            (name, _) => format!("${}", name.to_ascii_uppercase()),
        }
    }

    fn query_value(&self, path: &str, name: &str) -> Option<String> {
        let title = self.record["title"].as_str().unwrap_or_default();
        match name {
            "q" => {
                Some(title.chars().take(if path.ends_with("suggest") { 2 } else { 4 }).collect())
            }
            "kind" => Some(self.kind.clone()),
            "to" => self.to.clone(),
            "limit" => Some("3".to_owned()),
            _ => None,
        }
    }

    /// The document's example where it has one, with the names that stand for ours; else the fewest fields that do.
    fn body(&self, operation: &Value, media: &str, declared: &Value) -> String {
        let name = operation["operationId"].as_str().unwrap_or_default();
        if let Some(text) = declared.as_str() {
            return text.replace("KIND", &self.kind);
        }
        if !declared.is_null() {
            let text = declared.to_string().replace("\"KIND\"", &format!("{:?}", self.kind));
            return text.replace("\"ID\"", &format!("{:?}", self.id));
        }
        let mut record = self.record.clone();
        match name {
            _ if operation["tags"][0] == "match" => {
                record["kind"] = json!(self.kind);
                let to = self.to.as_deref().unwrap_or(&self.kind);
                json!({ "record": record, "to": to, "limit": 3 }).to_string()
            }
            _ if media.ends_with("ndjson") => {
                format!("{}\n", json!({ "kind": self.kind, "id": WRITTEN, "title": self.title }))
            }
            _ => json!({ "title": self.title }).to_string(),
        }
    }
}

/// A number, text or flag as it stands in an address.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
