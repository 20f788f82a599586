//! Forms that make a record of a kind: advice and recommendations while one writes, review before it is public.

pub mod input;
mod panel;

use std::collections::HashSet;
use std::time::Instant;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::assets::TASKS_STYLE;
use super::error::{Failure, error_page, not_found_page};
use super::links::{address, record_path};
use super::share::{self, QrImage};
use super::text::FormTexts;
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::AppState;
use crate::record::kind::Form as Declared;
use crate::record::validate::{self, Violation};
use crate::record::{Fields, RecordId, RecordKind, State as Stage};
use crate::service::indexing;
use crate::service::ingest::{Draft, Rejection};
use crate::service::keys::Key;
use input::{Control, Entered, Input};
use panel::Panel;
pub use panel::advice_points;

/// Owner of what comes from the form: nobody's key has the name.
pub const GUEST: &str = "@portal";
/// Source of what a form sends.
pub const FORM: &str = "portal";

/// Parameter that tells a draft from a link that fills in a line.
const DRAFT: &str = "draft";
/// Longest address of a draft, in bytes. Browsers take more; servers in between often take 16 KB of headers.
const MAX_ADDRESS: usize = 12_000;

pub type Pairs = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage {
    frame: Frame,
    t: &'static FormTexts,
    tasks_style: &'static str,
    heading: String,
    lead: String,
    action: String,
    live: String,
    fieldsets: Vec<Fieldset>,
    /// Label of the field, anchor of its input, what is wrong.
    wrong: Vec<(String, String, String)>,
    /// What to know of a draft.
    draft: Option<&'static str>,
    panel: Panel,
}

struct Fieldset {
    label: String,
    inputs: Vec<Input>,
}

#[derive(Template)]
#[template(path = "form_sent.html")]
struct SentPage {
    frame: Frame,
    t: &'static FormTexts,
    tasks_style: &'static str,
    id: String,
    stage: &'static str,
    /// What the reviewer said.
    reason: Option<String>,
    record: Option<String>,
    /// Address of this page, also as a code for a phone.
    progress: String,
    qr: Option<QrImage>,
    again: String,
}

/// The kind whose form has that address.
fn kind_of<'a>(visitor: &'a Visitor, path: &str) -> Option<(&'a RecordKind, &'a Declared)> {
    visitor.catalog.kinds.iter().find_map(|kind| {
        let form = kind.form.as_ref().filter(|form| form.path == path)?;
        Some((&**kind, form))
    })
}

pub async fn get_form(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(path): Path<String>,
) -> Response {
    if kind_of(&visitor, &path).is_none() {
        return not_found_page(&visitor);
    }
    answer(&state, visitor, move |app, visitor| {
        let (kind, form) = kind_of(visitor, &path).ok_or(Failure::NotFound)?;
        match visitor.param("sent") {
            Some(id) => sent(app, visitor, kind, form, id),
            None => {
                let is_draft = visitor.param(DRAFT).is_some();
                let note = is_draft.then_some(FormTexts::of(visitor.lang).draft_kept);
                draw(app, visitor, kind, form, &Shown { note, ..Shown::of(&visitor.pairs) })
            }
        }
    })
    .await
}

/// Shows how it stands with what was sent.
fn sent(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    form: &Declared,
    id: &str,
) -> Result<Response, Failure> {
    let t = FormTexts::of(visitor.lang);
    let id = RecordId::new(kind.name.clone(), id);
    let record = app.store.get(&id)?.as_ref().and_then(indexing::read).ok_or(Failure::NotFound)?;
    if record.owner.as_deref() != Some(GUEST) {
        return Err(Failure::NotFound);
    }
    let mut frame = visitor.frame(t.sent);
    frame.indexed = false;
    let path = format!("/{}/new", form.path);
    let progress = format!("{}{}", visitor.origin, address(&path, [("sent", &*id.id)]));
    let template = SentPage {
        qr: share::qr(&progress),
        progress,
        frame,
        t,
        tasks_style: &TASKS_STYLE,
        stage: match record.state {
            Stage::Published => t.stage_published,
            Stage::Rejected => t.stage_rejected,
            Stage::Draft | Stage::Pending => t.stage_pending,
        },
        reason: match record.state {
            Stage::Rejected => {
                let decisions = app.review.decisions(&id)?;
                decisions.into_iter().next().map(|last| last.reason)
            }
            _ => None,
        },
        record: (record.state == Stage::Published)
            .then(|| visitor.link(&record_path(&record.kind, &record.id))),
        again: visitor.link(&path),
        id: record.id.to_string(),
    };
    Ok(page(StatusCode::OK, &template))
}

/// What a form shows.
#[derive(Clone, Copy)]
struct Shown<'a> {
    /// What was entered.
    pairs: &'a [(String, String)],
    wrong: &'a [Violation],
    /// One row more than is filled.
    more_rows: bool,
    note: Option<&'static str>,
}

impl<'a> Shown<'a> {
    fn of(pairs: &'a [(String, String)]) -> Self {
        Self { pairs, wrong: &[], more_rows: false, note: None }
    }
}

fn draw(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    form: &Declared,
    shown: &Shown<'_>,
) -> Result<Response, Failure> {
    let lang = visitor.lang;
    let Shown { pairs, wrong, more_rows, note } = *shown;
    let entered = Entered(pairs);
    let fieldsets: Vec<Fieldset> = form
        .fieldsets
        .iter()
        .map(|fieldset| {
            let fields = fieldset.fields.iter().filter_map(|name| kind.field(name));
            let inputs = fields.filter_map(|field| {
                input::draw(field, &field.name, &entered, wrong, more_rows, lang)
            });
            Fieldset { label: lang.pick(&fieldset.label).to_owned(), inputs: inputs.collect() }
        })
        .collect();
    let inputs = fieldsets.iter().flat_map(|fieldset| &fieldset.inputs);
    let mut summary = Vec::new();
    for input in inputs {
        let inner: &[Input] = match &input.control {
            Control::Group(inner) => inner,
            _ => &[],
        };
        for input in std::iter::once(input).chain(inner) {
            if let Some(text) = &input.wrong {
                summary.push((input.label.clone(), format!("i-{}", input.name), text.clone()));
            }
        }
    }
    let path = format!("/{}/new", form.path);
    let heading = lang.pick(&form.label);
    let mut frame = visitor.frame(heading);
    // What somebody has entered is theirs.
    frame.indexed = visitor.pairs.iter().all(|(name, _)| matches!(name.as_str(), "lang" | "view"));
    let template = FormPage {
        frame,
        draft: note,
        t: FormTexts::of(lang),
        tasks_style: &TASKS_STYLE,
        heading: heading.to_owned(),
        lead: lang.pick(&form.lead).to_owned(),
        action: visitor.link(&path),
        live: visitor.link(&format!("{path}/live")),
        fieldsets,
        panel: Panel::of(app, visitor, kind, form, &read(kind, form, &entered)),
        wrong: summary,
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, &template))
}

fn read(kind: &RecordKind, form: &Declared, entered: &Entered<'_>) -> Fields {
    let names = form.fieldsets.iter().flat_map(|fieldset| &fieldset.fields);
    let mut seen = HashSet::new();
    let names: Vec<&str> = names.map(String::as_str).filter(|name| seen.insert(*name)).collect();
    input::read(kind, &names, entered)
}

/// What a button of the form asks for.
pub async fn post_form(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(path): Path<String>,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if kind_of(&visitor, &path).is_none() {
        return not_found_page(&visitor);
    }
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&visitor) };
    let action = pairs.iter().find(|(name, _)| name == "do").map(|(_, value)| value.clone());
    if action.as_deref() == Some("send") {
        if !state.app.guests.take("", Instant::now()) {
            return Failure::TooMany.page(&visitor);
        }
        return send(&state, visitor, path, pairs).await;
    }
    let t = FormTexts::of(visitor.lang);
    let mut note = None;
    if action.as_deref() == Some("draft") {
        match draft(&visitor, &path, &pairs) {
            Some(address) => return Redirect::to(&address).into_response(),
            None => note = Some(t.draft_long),
        }
    }
    let more_rows = action.as_deref() == Some("row");
    answer(&state, visitor, move |app, visitor| {
        let (kind, form) = kind_of(visitor, &path).ok_or(Failure::NotFound)?;
        draw(app, visitor, kind, form, &Shown { more_rows, note, ..Shown::of(&pairs) })
    })
    .await
}

/// The address of the form with all that is entered: a draft that is kept by whoever wrote it, and by nobody else.
///
/// `None` when that is longer than addresses are.
fn draft(visitor: &Visitor, path: &str, pairs: &[(String, String)]) -> Option<String> {
    let entered = pairs.iter().filter(|(name, value)| name != "do" && !value.is_empty());
    let entered = entered.map(|(name, value)| (name.as_str(), value.as_str()));
    let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
    let address = address(&format!("/{path}/new"), entered.chain(lang).chain([(DRAFT, "1")]));
    (address.len() <= MAX_ADDRESS).then_some(address)
}

async fn send(state: &AppState, visitor: Visitor, path: String, pairs: Pairs) -> Response {
    let app = state.app.clone();
    let job_visitor = visitor.clone();
    let sent = state.writes.run(move || -> Result<Response, Failure> {
        let visitor = &job_visitor;
        let (kind, form) = kind_of(visitor, &path).ok_or(Failure::NotFound)?;
        let fields = read(kind, form, &Entered(&pairs));
        if let Err(wrong) = validate::validate(kind, fields.clone()) {
            return draw(&app, visitor, kind, form, &Shown { wrong: &wrong, ..Shown::of(&pairs) });
        }
        let draft = Draft {
            kind: kind.name.to_string(),
            id: None,
            fields,
            precondition: Default::default(),
            source: Some(FORM.to_owned()),
        };
        let now = app.clock.now();
        let mut written = app.ingest.put(vec![draft], &Key::guest(GUEST, &now), &now)?;
        match written.pop() {
            Some(Ok(written)) => {
                let path = visitor.link(&format!("/{}/new", form.path));
                let sign = if path.contains('?') { '&' } else { '?' };
                let sent = address("", [("sent", &*written.record.id)]);
                Ok(Redirect::to(&format!("{path}{sign}{}", &sent[1..])).into_response())
            }
            Some(Err(Rejection::Invalid(wrong))) => {
                draw(&app, visitor, kind, form, &Shown { wrong: &wrong, ..Shown::of(&pairs) })
            }
            _ => Err(Failure::Internal),
        }
    });
    match sent.await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => failure.page(&visitor),
        Err(error) => Failure::from(error).page(&visitor),
    }
}

/// Advice and recommendations for what stands in the form now: a piece of the page.
pub async fn post_live(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(path): Path<String>,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if kind_of(&visitor, &path).is_none() {
        return not_found_page(&visitor);
    }
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&visitor) };
    answer(&state, visitor, move |app, visitor| {
        let (kind, form) = kind_of(visitor, &path).ok_or(Failure::NotFound)?;
        let panel = Panel::of(app, visitor, kind, form, &read(kind, form, &Entered(&pairs)));
        Ok(page(StatusCode::OK, &panel))
    })
    .await
}

/// Refuses what a page of another site sent: browsers say where a form comes from.
pub fn refuse_foreign(visitor: &Visitor, headers: &HeaderMap) -> Option<Response> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = |url: &str| url.split_once("://").map(|(_, host)| host.to_owned());
            host(origin) == host(&visitor.origin)
        }
        (None, None) => true,
    };
    let t = FormTexts::of(visitor.lang);
    (!ours)
        .then(|| error_page(visitor, StatusCode::FORBIDDEN, t.foreign, t.foreign_text, Vec::new()))
}
