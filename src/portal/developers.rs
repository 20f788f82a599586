//! A short page for people who write programs.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::Failure;
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::{AppState, Code};
use crate::query::request::SearchRequest;
use crate::record::Visibility;

#[derive(Template)]
#[template(path = "developers.html")]
struct DevelopersPage {
    frame: Frame,
    examples: Vec<Example>,
    kinds: Vec<KindName>,
    /// Every code of the API, each with the anchor that a problem's `type` names.
    codes: &'static [Code],
}

struct Example {
    label: &'static str,
    command: String,
}

struct KindName {
    name: String,
    label: String,
}

/// Where the examples assume the server to be.
const SERVER: &str = "http://127.0.0.1:8080";

pub async fn get_developers(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let t = visitor.texts();
    let newest = SearchRequest { limit: Some(1), ..Default::default() };
    let newest = app.search.search(&newest, Visibility::Public, app.clock.today())?;
    let first =
        app.catalog.kinds.first().map_or_else(|| "KIND".to_owned(), |kind| kind.name.to_string());
    let (kind, id) = match newest.items.first() {
        Some(item) => (item.kind.to_string(), item.id.to_string()),
        None => (first.clone(), "ID".to_owned()),
    };
    let examples = vec![
        Example {
            label: t.example_search,
            command: format!(
                "curl -G '{SERVER}/v1/search' --data-urlencode 'q=海水淡化' -d kind={first} -d limit=5"
            ),
        },
        Example {
            label: t.example_record,
            command: format!("curl '{SERVER}/v1/records/{kind}/{id}'"),
        },
        Example {
            label: t.example_write,
            command: format!(
                "curl -X POST '{SERVER}/v1/records/{first}' \\\n  -H 'Authorization: Bearer KEY' \\\n  \
                 -H 'Content-Type: application/json' \\\n  -d '{{\"title\":\"{}\"}}'",
                t.example_title
            ),
        },
    ];
    let kinds = app.catalog.kinds.iter().map(|kind| KindName {
        name: kind.name.to_string(),
        label: visitor.lang.pick(&kind.label).to_owned(),
    });
    let template = DevelopersPage {
        frame: visitor.frame(t.developers),
        examples,
        kinds: kinds.collect(),
        codes: Code::ALL,
    };
    Ok(page(StatusCode::OK, &template))
}
