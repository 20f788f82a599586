//! The policy check: an enterprise's facts against every record that states conditions. Nothing is kept.

mod outcome;
mod profile;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::assets::TASKS_STYLE;
use super::error::Failure;
use super::form::{Pairs, refuse_foreign};
use super::text::{CheckTexts, Lang};
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::applicability::value::year_of;
use crate::http::AppState;
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::record::value::days;
use crate::service::applicability::{CheckError, CheckRequest};
use crate::service::search::SearchError;
use outcome::Outcome;
use profile::{Question, questions};

#[derive(Template)]
#[template(path = "check.html")]
struct CheckPage {
    frame: Frame,
    t: &'static CheckTexts,
    tasks_style: &'static str,
    action: String,
    questions: Vec<Question>,
    wrong: Vec<String>,
    result: Option<Outcome>,
    /// The one record that is asked about.
    only: Option<String>,
    /// The day whose rules are asked for, as it was typed.
    as_of: String,
}

pub async fn get_check(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, |app, visitor| draw(app, visitor, &visitor.pairs, Vec::new(), None))
        .await
}

pub async fn post_check(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&visitor) };
    answer(&state, visitor, move |app, visitor| {
        let today = app.clock.today();
        let attributes = app.applicability.dictionary.attributes();
        let typed = as_of(&pairs);
        let Some(as_of) = (if typed.is_empty() { Some(today) } else { days(typed) }) else {
            return draw(app, visitor, &pairs, vec![bad_day(typed)], None);
        };
        let include = pairs.iter().filter(|(name, _)| name == "include");
        let request = CheckRequest {
            profile: profile::read(attributes, &pairs, year_of(as_of)),
            as_of,
            today,
            ids: only(&pairs).into_iter().collect(),
            include: include.map(|(_, reason)| reason.clone()).collect(),
            of_each: Some(outcome::SHOWN),
            lang: visitor.lang,
            ..CheckRequest::default()
        };
        match app.applicability.check(&request) {
            Ok(answer) => {
                let outcome = Outcome::of(&answer, visitor);
                draw(app, visitor, &pairs, Vec::new(), Some(outcome))
            }
            Err(
                CheckError::Profile(wrong) | CheckError::Bad(BadRequest { violations: wrong, .. }),
            ) => draw(app, visitor, &pairs, wrong, None),
            Err(CheckError::Store(error)) => Err(error.into()),
            Err(CheckError::Engine(error)) => Err(SearchError::from(error).into()),
        }
    })
    .await
}

fn only(pairs: &[(String, String)]) -> Option<String> {
    let found = pairs.iter().find(|(name, value)| name == "id" && !value.is_empty());
    found.map(|(_, id)| id.clone())
}

/// The day whose rules are asked for, as it was typed; empty for today.
fn as_of(pairs: &[(String, String)]) -> &str {
    let found = pairs.iter().find(|(name, _)| name == "as_of");
    found.map_or("", |(_, day)| day.trim())
}

fn bad_day(typed: &str) -> Violation {
    Violation {
        pointer: "/as_of".to_owned(),
        code: "bad_parameter",
        expected: "a date as YYYY-MM-DD, 1900 to 2199".to_owned(),
        found: typed.chars().take(80).collect(),
    }
}

fn draw(
    app: &App,
    visitor: &Visitor,
    pairs: &[(String, String)],
    wrong: Vec<Violation>,
    result: Option<Outcome>,
) -> Result<Response, Failure> {
    let t = CheckTexts::of(visitor.lang);
    let attributes = app.applicability.dictionary.attributes();
    let typed = as_of(pairs);
    let year = year_of(days(typed).unwrap_or_else(|| app.clock.today()));
    let label = |violation: &Violation| {
        if violation.pointer == "/as_of" {
            return t.wrong_day.to_owned();
        }
        let id = violation.pointer.trim_start_matches("/profile").trim_start_matches('/');
        let id = id.split('/').next().unwrap_or_default();
        let attribute = attributes.find(id).map(|at| &attributes.list[at]);
        let label = attribute.map_or(id, |attribute| visitor.lang.pick(&attribute.label));
        match visitor.lang {
            Lang::Zh => format!("{label}：{}", t.wrong_value),
            Lang::En => format!("{label}: {}", violation.expected),
        }
    };
    let mut frame = visitor.frame(visitor.texts().check);
    frame.indexed = result.is_none();
    let template = CheckPage {
        frame,
        t,
        tasks_style: &TASKS_STYLE,
        action: visitor.link("/check"),
        questions: questions(attributes, pairs, year, visitor.lang),
        wrong: wrong.iter().map(label).collect(),
        only: only(pairs),
        as_of: typed.to_owned(),
        result,
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, &template))
}
