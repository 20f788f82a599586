//! One record with everything that is in it, what checks say of it, and the decision.

use std::time::Duration;

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::desk::{self, Told};
use super::review::state_label;
use super::{
    AdminTexts, Console, Door, Failure, Operator, Pairs, Visitor, act, answer, forbidden, frame,
    one,
};
use crate::app::App;
use crate::http::AppState;
use crate::matching::Subject;
use crate::portal::error::not_found_page;
use crate::portal::form::advice_points;
use crate::portal::links::{address, record_path};
use crate::portal::page;
use crate::portal::record::{SectionView, sections, title_of};
use crate::portal::value::Shown;
use crate::portal::visitor::Frame;
use crate::record::{Record, RecordId, RecordKind, Revision, State as Stage, Visibility, validate};
use crate::service::ingest::Rejection;
use crate::service::keys::Principal;
use crate::service::matches::MatchRequest;
use crate::service::review::{Action, MAX_REASON, Verdict};

/// Similar records that are listed.
const SIMILAR: usize = 5;
/// Time that a decision has to be found.
const SETTLE: Duration = Duration::from_secs(2);
/// Digits in a row that are a phone number, from 1, and those of an identity card.
const PHONE: usize = 11;
const CARD: usize = 18;

#[derive(Template)]
#[template(path = "admin/record.html")]
struct RecordPage {
    frame: Frame,
    console: Console,
    title: String,
    kind_label: String,
    state: &'static str,
    is_public: bool,
    public: Option<String>,
    action: String,
    revision: u64,
    actions: Vec<(&'static str, &'static str, bool)>,
    presets: [&'static str; 6],
    max_reason: usize,
    reason: String,
    wrong: Option<&'static str>,
    about: Vec<(&'static str, String)>,
    /// Good or not, and what was found.
    checks: Vec<(bool, String)>,
    similar: Vec<(String, String)>,
    log: Vec<Told>,
    sections: Vec<SectionView>,
    queue: String,
}

type RecordPath = Result<Path<(String, String)>, PathRejection>;

pub async fn get_record(State(state): State<AppState>, door: Door, path: RecordPath) -> Response {
    let Ok(Path((kind, id))) = path else { return not_found_page(&door.visitor) };
    answer(&state, door, move |app, visitor, operator| {
        draw(app, visitor, operator, &RecordId::new(kind, id), None, "")
    })
    .await
}

fn draw(
    app: &App,
    visitor: &Visitor,
    operator: &Operator,
    id: &RecordId,
    wrong: Option<&'static str>,
    reason: &str,
) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let principal = Principal { key: Some(operator.key.clone().into()) };
    let record = app.ingest.get(id, &principal)?.ok_or(Failure::NotFound)?;
    let kind = app.catalog.kind(&id.kind).ok_or(Failure::NotFound)?;
    let title = title_of(&record);
    let local = |instant: &str| app.clock.local_time(instant).unwrap_or_else(|| instant.to_owned());
    let common = visitor.texts();
    let about = vec![
        (t.owner, record.owner.as_deref().map(t.owner_name).unwrap_or_default().to_owned()),
        (t.source, record.source.as_deref().map(common.source_name).unwrap_or_default().to_owned()),
        (common.created, local(&record.created_at)),
        (common.updated, local(&record.updated_at)),
        (common.record_id, record.id.to_string()),
        (common.revision, record.revision.to_string()),
    ];
    let is_public = record.state == Stage::Published;
    let fitting = Action::ALL
        .into_iter()
        .filter(|action| action.fits(record.state) && action.allows(operator.key.role));
    let similar = similar(app, visitor, kind, &record);
    let template = RecordPage {
        frame: frame(visitor, &title),
        console: Console::new(visitor, operator),
        kind_label: visitor.lang.pick(&kind.label).to_owned(),
        state: state_label(t, record.state),
        is_public,
        public: is_public.then(|| visitor.link(&record_path(&record.kind, &record.id))),
        action: visitor.link(&format!("/admin{}", record_path(&record.kind, &record.id))),
        revision: record.revision.0,
        actions: fitting
            .map(|action| (action.name(), desk::label(t, action), action == Action::Publish))
            .collect(),
        presets: [
            t.preset_incomplete,
            t.preset_quantities,
            t.preset_private,
            t.preset_duplicate,
            t.preset_expired,
            t.preset_unfit,
        ],
        max_reason: MAX_REASON,
        reason: reason.to_owned(),
        wrong,
        about: about.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
        checks: checks(visitor, kind, &record),
        similar,
        log: {
            let decisions = app.review.decisions(id)?.into_iter();
            decisions.map(|decision| Told::of(app, visitor, decision)).collect()
        },
        sections: whole(sections(app, visitor, kind, &record)),
        queue: visitor.link("/admin/review"),
        title,
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page(status, &template))
}

/// Leaves out what is only said to those who see less.
fn whole(mut sections: Vec<SectionView>) -> Vec<SectionView> {
    for section in &mut sections {
        section.rows.retain(|row| !matches!(row.shown, Shown::Withheld(_)));
    }
    sections.retain(|section| !section.rows.is_empty());
    sections
}

/// What can be told without a person: how complete the record is, and whether its public part holds what it must not.
fn checks(visitor: &Visitor, kind: &RecordKind, record: &Record) -> Vec<(bool, String)> {
    let t = AdminTexts::of(visitor.lang);
    let mut checks = Vec::new();
    if let Some(form) = kind.form.as_ref().filter(|form| !form.advice.is_empty()) {
        let (points, missing) = advice_points(form, &record.fields);
        checks.push((points >= 60, (t.check_advice)(&points.to_string())));
        let missing = missing.into_iter().map(|advice| visitor.lang.pick(&advice.text).to_owned());
        checks.extend(missing.map(|text| (false, text)));
    }
    let public = validate::visible(kind, &record.fields, Visibility::Public);
    let texts = public.values().flat_map(texts);
    let numbers: Vec<String> = texts.flat_map(personal_numbers).take(3).collect();
    checks.push(match numbers.as_slice() {
        [] => (true, t.check_clean.to_owned()),
        numbers => (false, (t.check_private)(&numbers.join(visitor.texts().list_comma))),
    });
    checks
}

/// Every text of a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Finds runs of digits that are like a mobile phone's number or that of an identity card.
fn personal_numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for run in text.split(|ch: char| !ch.is_ascii_alphanumeric()) {
        let digits = run.bytes().take_while(u8::is_ascii_digit).count();
        let is_phone = run.len() == PHONE
            && digits == PHONE
            && run.starts_with('1')
            && run.as_bytes()[1] >= b'3';
        let born = run.get(6..8).is_some_and(|century| matches!(century, "19" | "20"));
        let is_card = run.len() == CARD && digits >= CARD - 1 && born;
        if is_phone || is_card {
            found.push(format!("{}…{}", &run[..3], &run[run.len() - 2..]));
        }
    }
    found
}

fn similar(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    record: &Record,
) -> Vec<(String, String)> {
    let subject = match record.state {
        Stage::Published => Subject::Stored(record.record_id()),
        _ => Subject::Draft { kind: kind.name.to_string(), fields: record.fields.clone() },
    };
    let to = kind.name.to_string();
    let request = MatchRequest { subject, to, limit: SIMILAR, diverse: false };
    let found = app.matches.matches(&request, Visibility::Public, app.clock.today());
    let items = found.map(|found| found.items).unwrap_or_default();
    let shown = items.iter().map(|item| {
        let title = item.record.get("title").and_then(|json| serde_json::from_str(json.get()).ok());
        let href = visitor.link(&record_path(&item.kind, &item.id));
        (title.unwrap_or_else(|| item.id.to_string()), href)
    });
    shown.collect()
}

pub async fn post_record(
    State(state): State<AppState>,
    door: Door,
    path: RecordPath,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let Ok(Path((kind, id))) = path else { return not_found_page(&door.visitor) };
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&door.visitor) };
    let token = Some(one(&pairs, "token").to_owned());
    let response = act(&state, door, token, move |app, visitor, operator| {
        decide(app, visitor, operator, &RecordId::new(kind, id), &pairs)
    })
    .await;
    // Whoever decides looks for it next.
    state.progress.wait_for(state.app.store.head(), SETTLE).await;
    response
}

fn decide(
    app: &App,
    visitor: &Visitor,
    operator: &Operator,
    id: &RecordId,
    pairs: &Pairs,
) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let (Some(action), Ok(at)) = (Action::named(one(pairs, "do")), one(pairs, "at").parse()) else {
        return Err(Failure::Bad(Vec::new()));
    };
    let (preset, own) = (one(pairs, "preset"), one(pairs, "reason"));
    let reason = match (preset, own) {
        (preset, "") => preset.to_owned(),
        ("", own) => own.to_owned(),
        (preset, own) => format!("{preset}：{own}"),
    };
    if reason.is_empty() && action.needs_reason() {
        return draw(app, visitor, operator, id, Some(t.needs_reason), own);
    }
    let principal = Principal { key: Some(operator.key.clone().into()) };
    let title = app.ingest.get(id, &principal)?.as_ref().map(title_of).unwrap_or_default();
    let verdict = Verdict { id, seen: Revision(at), action, reason: &reason };
    let decided = app.review.decide(&app.ingest, &verdict, &operator.key, &app.clock.now())?;
    match decided {
        Ok(_) => {
            let title: String = title.chars().take(60).collect();
            let pairs = [("done", action.name()), ("title", title.as_str())].into_iter();
            let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
            let to = address("/admin/review", pairs.chain(lang));
            Ok(Redirect::to(&to).into_response())
        }
        Err(Rejection::Precondition { .. }) => {
            draw(app, visitor, operator, id, Some(t.changed), own)
        }
        Err(Rejection::Forbidden { .. }) => Err(forbidden(visitor)),
        Err(_) => Err(Failure::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_are_found_and_others_left_alone() {
        assert_eq!(personal_numbers("联系王工 13800138000，或微信"), ["138…00"]);
        assert_eq!(personal_numbers("身份证 37021219900101123X。"), ["370…3X"]);
        for text in [
            "2026-11-23",
            "91370212MA3C123456",
            "ZL202410123456.7",
            "12345678901",
            "0532-88880000",
            "138001380001",
        ] {
            assert_eq!(personal_numbers(text), Vec::<String>::new(), "{text}");
        }
    }
}
