//! The reference of the API, from the same document that `/v1/openapi.json` gives.

mod example;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::assets::TASKS_STYLE;
use super::error::Failure;
use super::text::{IntegratorTexts, grouped};
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::{AppState, Code, openapi};
use example::Example;

#[derive(Template)]
#[template(path = "developers.html")]
struct DevelopersPage {
    frame: Frame,
    t: &'static IntegratorTexts,
    tasks_style: &'static str,
    groups: Vec<Group>,
    kinds: Vec<(String, String)>,
    /// Every code of the API, each with the anchor that a problem's `type` names.
    codes: &'static [Code],
}

/// The endpoints of one tag.
struct Group {
    tag: String,
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    /// The name of the operation, for links.
    anchor: String,
    method: String,
    path: String,
    summary: Vec<(String, bool)>,
    needs_key: bool,
    parameters: Vec<Parameter>,
    /// Media type of the body.
    body: Option<String>,
    /// Statuses and what they mean.
    answers: Vec<(String, Vec<(String, bool)>)>,
    command: String,
    /// What must be set before the command runs, in words.
    before: Option<String>,
    /// Address that a browser can open.
    open: Option<String>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    /// The numbers that it takes.
    bounds: Option<String>,
    /// Pieces of the text, and whether each is code.
    meaning: Vec<(String, bool)>,
}

/// Tags in the order in which somebody new reads them; others stand before the last two.
const ORDER: [&str; 7] =
    ["search", "kinds", "records", "matching", "applicability", "subscriptions", "feedback"];
const LAST: [&str; 2] = ["operation", "meilisearch"];

pub async fn get_developers(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let example = Example::find(app, visitor)?;
    let document = openapi::document(&app.catalog);
    let texts = IntegratorTexts::of(visitor.lang);
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or("other");
            let mut endpoint = endpoint(path, method, operation, &document, &example);
            endpoint.before = before(path, &endpoint.command, texts);
            match groups.iter_mut().find(|group| group.tag == tag) {
                Some(group) => group.endpoints.push(endpoint),
                None => groups.push(Group { tag: tag.to_owned(), endpoints: vec![endpoint] }),
            }
        }
    }
    // What is read comes before what is written, and what is withdrawn last.
    let rank =
        |method: &str| ["GET", "POST", "PUT", "PATCH"].iter().position(|each| *each == method);
    for group in &mut groups {
        group
            .endpoints
            .sort_by_key(|each| (each.path.clone(), rank(&each.method).unwrap_or(usize::MAX)));
    }
    groups.sort_by_key(|group| {
        let at = |tags: &[&str]| tags.iter().position(|tag| *tag == group.tag);
        (at(&LAST), at(&ORDER).unwrap_or(ORDER.len()))
    });
    let kinds = app.catalog.kinds.iter();
    let kinds =
        kinds.map(|kind| (kind.name.to_string(), visitor.lang.pick(&kind.label).to_owned()));
    let template = DevelopersPage {
        frame: visitor.frame(visitor.texts().developers),
        t: texts,
        tasks_style: &TASKS_STYLE,
        groups,
        kinds: kinds.collect(),
        codes: Code::ALL,
    };
    Ok(page(StatusCode::OK, &template))
}

/// Cuts a text at its backticks; every second piece is code.
fn pieces(text: &str) -> Vec<(String, bool)> {
    let pieces = text.split('`').enumerate();
    pieces.map(|(at, piece)| (piece.to_owned(), at % 2 == 1)).collect()
}

/// Says where what only the caller has comes from: an id from the call that made it, a token from its feed.
fn before(path: &str, command: &str, texts: &IntegratorTexts) -> Option<String> {
    if command.contains("$TOKEN") {
        return Some(texts.set_token.to_owned());
    }
    let (collection, _) = path.split_once("/{id}").filter(|_| command.contains("$ID"))?;
    Some((texts.set_id)(&format!("POST {collection}")))
}

/// `1 to 100`: what a schema says of a number, where it has an end.
fn bounds(schema: &Value) -> Option<String> {
    let most = grouped(schema["maximum"].as_u64()?);
    Some(match schema["minimum"].as_u64() {
        None | Some(0) => format!("up to {most}"),
        Some(least) => format!("{least} to {most}"),
    })
}

fn endpoint(
    path: &str,
    method: &str,
    operation: &Value,
    document: &Value,
    example: &Example,
) -> Endpoint {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // Either without a key or with one is not needing one.
    let security = operation["security"].as_array();
    let needs_key = security.is_some_and(|ways| {
        !ways.is_empty()
            && ways.iter().all(|way| way.as_object().is_some_and(|way| !way.is_empty()))
    });
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        required: parameter["required"] == true,
        bounds: bounds(&parameter["schema"]),
        meaning: pieces(parameter["description"].as_str().unwrap_or_default()),
    });
    let content = operation["requestBody"]["content"].as_object();
    let answers = operation["responses"].as_object().into_iter().flatten();
    let answers = answers.map(|(status, response)| {
        let referred = response["$ref"]
            .as_str()
            .and_then(|pointer| document.pointer(pointer.strip_prefix('#')?));
        let meaning = text(&referred.unwrap_or(response)["description"]);
        let first = meaning.lines().next().unwrap_or_default().trim_start_matches("- ");
        (status.clone(), pieces(first))
    });
    let call = example.call(path, method, operation, needs_key);
    Endpoint {
        anchor: text(&operation["operationId"]),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: match text(&operation["summary"]) {
            summary if summary.is_empty() => pieces(&text(&operation["description"])),
            summary => pieces(&summary),
        },
        needs_key,
        parameters: parameters.collect(),
        body: content.and_then(|content| content.keys().next().cloned()),
        answers: answers.collect(),
        command: call.command,
        before: None,
        open: (method == "get" && !needs_key && !call.path.contains('$')).then_some(call.path),
    }
}
