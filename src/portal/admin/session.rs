//! Signing in and out.

use std::time::Instant;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::{AdminTexts, Door, Failure, Pairs, Visitor, act, frame, one, refuse_foreign};
use crate::app::App;
use crate::http::AppState;
use crate::portal::assets::{ADMIN_STYLE, TASKS_STYLE};
use crate::portal::page;
use crate::portal::visitor::Frame;
use crate::service::keys::SESSION_SECONDS;

/// Name of the cookie that stands for a key.
pub const COOKIE: &str = "console";

#[derive(Template)]
#[template(path = "admin/sign_in.html")]
struct SignInPage {
    frame: Frame,
    t: &'static AdminTexts,
    style: &'static str,
    tasks_style: &'static str,
    action: String,
    to: String,
    wrong: Option<&'static str>,
    signed_out: bool,
}

fn draw(visitor: &Visitor, to: &str, status: StatusCode, wrong: Option<&'static str>) -> Response {
    let t = AdminTexts::of(visitor.lang);
    let template = SignInPage {
        frame: frame(visitor, t.sign_in),
        t,
        style: &ADMIN_STYLE,
        tasks_style: &TASKS_STYLE,
        action: visitor.link("/admin/sign-in"),
        to: inside(to).to_owned(),
        wrong,
        signed_out: wrong.is_none() && visitor.param("signed_out").is_some(),
    };
    page(status, &template)
}

/// An address within the console: nobody is led elsewhere by signing in.
fn inside(to: &str) -> &str {
    let is_inside = matches!(to.strip_prefix("/admin"), Some(""))
        || to.starts_with("/admin/")
        || to.starts_with("/admin?");
    if is_inside && !to.chars().any(|ch| ch.is_control() || ch == '\\') { to } else { "/admin" }
}

pub async fn get_sign_in(door: Door) -> Response {
    let to = door.visitor.param("to").unwrap_or_default().to_owned();
    draw(&door.visitor, &to, StatusCode::OK, None)
}

pub async fn post_sign_in(
    State(state): State<AppState>,
    door: Door,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if let Some(refused) = refuse_foreign(&door.visitor, &door.headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&door.visitor) };
    let app = state.app.clone();
    let visitor = door.visitor.clone();
    match state.searches.run(move || sign_in(&app, &door.visitor, &pairs)).await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => failure.page(&visitor),
        Err(error) => Failure::from(error).page(&visitor),
    }
}

fn sign_in(app: &App, visitor: &Visitor, pairs: &Pairs) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let (presented, to) = (one(pairs, "key"), one(pairs, "to"));
    let now = Instant::now();
    let id = presented.strip_prefix("kc_").and_then(|rest| rest.split('_').next());
    let known = id.map(|id| app.keys.get(id)).transpose()?.flatten();
    let counted = known.map_or_else(String::new, |key| key.id);
    if !app.attempts.admits(&counted, now) {
        let mut response = draw(visitor, to, StatusCode::TOO_MANY_REQUESTS, Some(t.too_many));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        return Ok(response);
    }
    let Some(key) = app.keys.find(presented)? else {
        app.attempts.take(&counted, now);
        return Ok(draw(visitor, to, StatusCode::FORBIDDEN, Some(t.wrong_key)));
    };
    if !key.role.sees_everything() {
        return Ok(draw(visitor, to, StatusCode::FORBIDDEN, Some(t.weak_key)));
    }
    tracing::info!(key = key.id, "somebody signed in");
    let session = app.keys.begin_session(&key, app.clock.seconds());
    let mut response = Redirect::to(inside(to)).into_response();
    response.headers_mut().append(header::SET_COOKIE, kept(visitor, &session, SESSION_SECONDS));
    Ok(response)
}

/// The cookie: no script reads it, and it comes with requests from our own pages alone.
fn kept(visitor: &Visitor, session: &str, seconds: i64) -> HeaderValue {
    let secure = if visitor.origin.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={session}; Path=/admin; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::from_str(&cookie).expect("a session is ASCII")
}

pub async fn post_sign_out(
    State(state): State<AppState>,
    door: Door,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&door.visitor) };
    let token = Some(one(&pairs, "token").to_owned());
    act(&state, door, token, |_, visitor, _| {
        let to = crate::portal::links::address(
            "/admin/sign-in",
            [("signed_out", "1")]
                .into_iter()
                .chain(visitor.chosen.map(|lang| ("lang", lang.name()))),
        );
        let mut response = Redirect::to(&to).into_response();
        response.headers_mut().append(header::SET_COOKIE, kept(visitor, "", 0));
        Ok(response)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        for to in ["/admin", "/admin/review?state=draft", "/admin?lang=en"] {
            assert_eq!(inside(to), to);
        }
        for to in [
            "",
            "//evil.example",
            "https://evil.example",
            "/administrator",
            "/admin/\\x",
            "/admin/\r\nx: y",
        ] {
            assert_eq!(inside(to), "/admin", "{to:?}");
        }
    }
}
