//! `/v1/gaps`, `/v1/statistics` and `/v1/clicks`: numbers for those who run the service.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{AppState, Code, Problem, auth, input, search};
use crate::record::validate::Violation;
use crate::record::{RecordId, State as Stage};
use crate::service::gaps::{self, GapRequest};
use crate::service::indexing;
use crate::service::suggest::Day;

const GAPS: [&str; 5] = ["from", "to", "by", "within", "place"];
/// Days and texts of the statistics.
const DAYS: u16 = 30;
const MAX_DAYS: u16 = 366;
const TEXTS: usize = 100;
/// Bytes of a click, and the last place that is counted.
const CLICK_BYTES: usize = 1_000;
const MAX_POSITION: u32 = 100;

/// Counts where what is asked for and what is offered do not meet.
#[utoipa::path(get, path = "/v1/gaps", tag = "analysis", params(
    ("from" = Option<String>, Query, description = "Kind of what is asked for; left out, the first that people send in"),
    ("to" = Option<String>, Query, description = "Kind of what is offered; left out, the first that is recommended for it"),
    ("by" = Option<String>, Query, description = "Field of the rows, a tree that both kinds have; `tech_fields` by default"),
    ("within" = Option<String>, Query, description = "Code of `by` whose parts are the rows; the top by default"),
    ("place" = Option<String>, Query, description = "Division whose parts are the columns; by default the smallest that holds everything that is in a place"),
))]
pub async fn list_gaps(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut request = GapRequest::default();
    for (name, value) in input::query_pairs(&uri)? {
        let value = Some(value).filter(|value| !value.is_empty());
        match name.as_str() {
            "from" => request.from = value.unwrap_or_default(),
            "to" => request.to = value.unwrap_or_default(),
            "by" => request.by = value,
            "within" => request.within = value,
            "place" => request.place = value,
            _ => {
                let violation = input::unknown_parameter(&name, &GAPS);
                return Err(Problem::of(Code::UnknownParameter, vec![violation]));
            }
        }
    }
    auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    // What is left out is the first that fits.
    let fits = |given: &str, name: &str| given.is_empty() || given == name;
    let pairs = gaps::pairs(&app.catalog);
    let mut fitting =
        pairs.iter().filter(|(from, to)| fits(&request.from, from) && fits(&request.to, to));
    if let (true, Some((from, to))) =
        (request.from.is_empty() || request.to.is_empty(), fitting.next())
    {
        (request.from, request.to) = ((*from).to_owned(), (*to).to_owned());
    }
    let counted = state.searches.run(move || {
        let table = gaps::compare(&app.search, &request, app.clock.today())?;
        let body = serde_json::to_vec(&table).expect("a table has only string keys");
        Ok::<_, crate::service::search::SearchError>(body)
    });
    Ok(search::json(counted.await??))
}

/// What is searched for.
#[derive(Serialize)]
struct Statistics {
    days: Vec<Day>,
    /// Texts asked at least `least` times, the most asked first.
    asked: Vec<Counted>,
    missed: Vec<Counted>,
    /// What people said that they did not find.
    reported: Vec<Counted>,
    least: u32,
}

#[derive(Serialize)]
struct Counted {
    text: String,
    count: u32,
}

/// Counts searches by day, and lists what is asked most and what is not found; for reviewers, operators, auditors and
/// administrators.
#[utoipa::path(get, path = "/v1/statistics", tag = "analysis", params(
    ("days" = Option<u32>, Query, minimum = 1, maximum = 366, description = "30 by default"),
))]
pub async fn list_statistics(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    auth::reader(&state, &headers).await?;
    let mut length = DAYS;
    for (name, value) in input::query_pairs(&uri)? {
        if name != "days" {
            let violation = input::unknown_parameter(&name, &["days"]);
            return Err(Problem::of(Code::UnknownParameter, vec![violation]));
        }
        let days = value.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
        length = days.ok_or_else(|| {
            wrong(Code::BadParameter, "/days", "a whole number from 1 to 366", &value)
        })?;
    }
    let app = state.app.clone();
    let counted = state.searches.run(move || {
        let texts = |counts: Vec<(String, u32)>| {
            counts.into_iter().map(|(text, count)| Counted { text, count }).collect()
        };
        let statistics = Statistics {
            days: app.suggest.days(app.clock.today(), length),
            asked: texts(app.suggest.asked(TEXTS)),
            missed: texts(app.suggest.missed(TEXTS)),
            reported: texts(app.suggest.reported(TEXTS)),
            least: app.suggest.least_counted(),
        };
        serde_json::to_vec(&statistics).expect("statistics have only string keys")
    });
    Ok(search::json(counted.await?))
}

/// A result that somebody opened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Click {
    kind: String,
    id: String,
    /// From 1.
    position: u32,
}

/// Counts that a result was opened: a number a day, nobody's name. Pages send it as plain text when they are left.
#[utoipa::path(post, path = "/v1/clicks", tag = "analysis")]
pub async fn post_click(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["text/plain", "application/json"])?;
    let bytes = input::body(&state, &headers, body, CLICK_BYTES).await?;
    let object = input::json_object(&bytes)?;
    let expected = "kind, id and position, a number from 1 to 100";
    let click: Click = serde_json::from_value(object.into())
        .map_err(|error| wrong(Code::InvalidFeedback, "", expected, &error.to_string()))?;
    if !(1..=MAX_POSITION).contains(&click.position) {
        let found = click.position.to_string();
        return Err(wrong(Code::InvalidFeedback, "/position", "1 to 100", &found));
    }
    let app = state.app.clone();
    let counted = state.searches.run(move || {
        let id = RecordId::new(click.kind, click.id);
        let stored = if id.is_internal() { None } else { app.store.get(&id)? };
        let record = stored.as_ref().and_then(indexing::read);
        let is_public = record.is_some_and(|record| record.state == Stage::Published);
        if is_public {
            app.suggest.note_click(click.position, app.clock.today());
        }
        Ok::<_, crate::store::StoreError>((is_public, id))
    });
    match counted.await?? {
        (true, _) => Ok(StatusCode::NO_CONTENT.into_response()),
        (false, id) => {
            let found = id.to_string();
            Err(wrong(Code::InvalidFeedback, "/id", "a published record", &found))
        }
    }
}

fn wrong(code: Code, pointer: &str, expected: &str, found: &str) -> Problem {
    let violation = Violation {
        pointer: pointer.to_owned(),
        code: code.name(),
        expected: expected.to_owned(),
        found: found.chars().take(200).collect(),
    };
    Problem::of(code, vec![violation])
}
