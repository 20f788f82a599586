//! Files that are handed in: looked at first, taken in when somebody says so.

use std::time::{Duration, Instant};

use askama::Template;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt as _;
use multer::Multipart;

use super::{
    AdminTexts, CSV, Console, Door, Failure, Operator, Pairs, Visitor, act, answer, file,
    forbidden, frame, one,
};
use crate::app::App;
use crate::http::AppState;
use crate::portal::csv;
use crate::portal::page;
use crate::portal::text::grouped;
use crate::portal::visitor::Frame;
use crate::service::import::jobs::{Job, JobError, Report, Step, Upload};

/// Bytes of a file, and of a map.
const MAX_FILE: usize = 64 << 20;
const MAX_MAP: usize = 1 << 20;
/// Until a file has arrived.
const RECEIVE: Duration = Duration::from_secs(60);
/// Time that a step has before its page says that it is running.
const WAIT: Duration = Duration::from_secs(8);
/// Rejected rows of a page, and characters of each.
const LISTED: usize = 50;
const SHOWN: usize = 160;

#[derive(Template)]
#[template(path = "admin/import.html")]
struct ImportPage {
    frame: Frame,
    console: Console,
    action: String,
    wrong: Option<String>,
    may: bool,
    kind: String,
    jobs: Vec<JobLine>,
}

struct JobLine {
    name: String,
    href: String,
    kind: String,
    by: String,
    at: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "admin/import_job.html")]
struct JobPage {
    frame: Frame,
    console: Console,
    heading: String,
    about: Vec<(&'static str, String)>,
    notes: Vec<String>,
    running: bool,
    here: String,
    report: Option<ReportView>,
    /// What the button does, when there is something to confirm.
    confirm: Option<&'static str>,
    back: String,
}

struct ReportView {
    heading: &'static str,
    tally: Vec<(&'static str, &'static str, String)>,
    error: Option<String>,
    unknown: Vec<(String, String, String)>,
    notes: Vec<String>,
    rejected: Vec<(u64, String, String)>,
    more: Option<String>,
    jsonl: String,
    csv: String,
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NotFound => Failure::NotFound,
            error => {
                tracing::error!(%error, "an import could not be kept");
                Failure::Internal
            }
        }
    }
}

pub async fn get_import(State(state): State<AppState>, door: Door) -> Response {
    answer(&state, door, |app, visitor, operator| {
        draw(app, visitor, operator, None, visitor.param("kind").unwrap_or_default())
    })
    .await
}

fn draw(
    app: &App,
    visitor: &Visitor,
    operator: &Operator,
    wrong: Option<String>,
    kind: &str,
) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let jobs = app.imports.list().into_iter().map(|job| JobLine {
        href: visitor.link(&format!("/admin/import/{}", job.id)),
        kind: label(app, visitor, &job.kind),
        at: app.clock.local_time(&job.at).unwrap_or_default(),
        state: if job.write.is_some() { t.step_done } else { t.step_waits },
        name: job.name,
        by: job.by,
    });
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = ImportPage {
        frame: frame(visitor, t.import),
        console: Console::new(visitor, operator),
        action: visitor.link("/admin/import"),
        wrong,
        may: operator.key.role.may_publish(),
        kind: kind.to_owned(),
        jobs: jobs.collect(),
    };
    Ok(page(status, &template))
}

fn label(app: &App, visitor: &Visitor, name: &str) -> String {
    let kind = app.catalog.kind(name);
    kind.map_or(name, |kind| visitor.lang.pick(&kind.label)).to_owned()
}

/// Fields of the form, and why the file is not there.
#[derive(Default)]
struct Received {
    token: String,
    upload: Upload,
    too_large: bool,
}

/// Reads the form. Bytes beyond the bounds are read and thrown away, so that the sender gets to see the answer.
async fn receive(door: &Door, body: Body) -> Result<Received, multer::Error> {
    let media = door.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(media.unwrap_or_default())?;
    let mut form = Multipart::new(body.into_data_stream(), boundary);
    let mut received = Received::default();
    while let Some(mut field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let most = match name.as_str() {
            "file" => MAX_FILE,
            "map" => MAX_MAP,
            _ => 1_000,
        };
        if name == "file" {
            received.upload.name = field.file_name().unwrap_or_default().to_owned();
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = field.next().await {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > most {
                received.too_large = true;
            } else {
                bytes.extend_from_slice(&chunk);
            }
        }
        let text = || String::from_utf8_lossy(&bytes).trim().to_owned();
        match name.as_str() {
            "token" => received.token = text(),
            "kind" => received.upload.kind = text(),
            "map" if !bytes.trim_ascii().is_empty() => received.upload.map = Some(text()),
            "file" => received.upload.rows = bytes,
            _ => {}
        }
    }
    Ok(received)
}

pub async fn post_import(State(state): State<AppState>, door: Door, body: Body) -> Response {
    let t = AdminTexts::of(door.visitor.lang);
    let received = tokio::time::timeout(RECEIVE, receive(&door, body)).await;
    let Ok(Ok(received)) = received else {
        return Failure::Refused { heading: t.stale, text: t.bad_upload }.page(&door.visitor);
    };
    let app = state.app.clone();
    act(&state, door, Some(received.token), move |_, visitor, operator| {
        if !operator.key.role.may_publish() {
            return Err(forbidden(visitor));
        }
        let upload = received.upload;
        let kind = upload.kind.clone();
        let wrong = |text: String| draw(&app, visitor, operator, Some(text), &kind);
        if received.too_large {
            return wrong(t.too_large.to_owned());
        }
        if upload.rows.is_empty() || upload.name.is_empty() {
            return wrong(t.no_file.to_owned());
        }
        match app.imports.create(&app.catalog, upload, &operator.key, &app.clock.now()) {
            Ok(job) => start(&app, visitor, operator, &job.id, Step::Check),
            Err(JobError::Map(why)) => wrong((t.bad_map)(&why)),
            Err(JobError::UnknownKind) => Err(Failure::Bad(Vec::new())),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// Begins a step on a thread of its own and leads to its page, which is complete when the step does not take long.
fn start(
    app: &std::sync::Arc<App>,
    visitor: &Visitor,
    operator: &Operator,
    id: &str,
    step: Step,
) -> Result<Response, Failure> {
    let to = visitor.link(&format!("/admin/import/{id}"));
    let job = match app.imports.begin(id, step) {
        Ok(job) => job,
        Err(JobError::Running) => return Ok(Redirect::to(&to).into_response()),
        Err(error) => return Err(error.into()),
    };
    let (app, by) = (app.clone(), operator.key.clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    let run = move || {
        let now = || app.clock.now();
        app.imports.run(job, step, &app.catalog, &app.ingest, &by, &now);
        // Nobody waits any more when it took long.
        let _ = sender.send(());
    };
    std::thread::Builder::new()
        .name("import".into())
        .spawn(run)
        .map_err(|_| Failure::Unavailable)?;
    let _ = receiver.recv_timeout(WAIT);
    Ok(Redirect::to(&to).into_response())
}

pub async fn get_job(
    State(state): State<AppState>,
    door: Door,
    Path(id): Path<String>,
) -> Response {
    answer(&state, door, move |app, visitor, operator| {
        let job = app.imports.get(&id)?;
        draw_job(app, visitor, operator, &job)
    })
    .await
}

fn draw_job(
    app: &App,
    visitor: &Visitor,
    operator: &Operator,
    job: &Job,
) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let (step, report) = match (&job.write, &job.check) {
        (Some(write), _) => (Step::Write, Some(write)),
        (None, check) => (Step::Check, check.as_ref()),
    };
    let is_sound = report.is_some_and(|report| report.counts.read > report.counts.rejected);
    let confirm = (job.running.is_none() && is_sound && operator.key.role.may_publish())
        .then_some(if step == Step::Check { t.confirm } else { t.again });
    let mut notes = Vec::new();
    if job.recoded {
        notes.push(t.recoded.to_owned());
    }
    let template = JobPage {
        frame: frame(visitor, &job.name),
        console: Console::new(visitor, operator),
        heading: (t.import_of)(&job.name),
        about: vec![
            (t.kind, label(app, visitor, &job.kind)),
            (t.owner, job.by.clone()),
            (t.since, app.clock.local_time(&job.at).unwrap_or_default()),
        ],
        notes,
        running: job.running.is_some(),
        here: visitor.link(&format!("/admin/import/{}", job.id)),
        report: report
            .filter(|_| job.running.is_none())
            .map(|report| view(app, visitor, job, step, report)),
        confirm,
        back: visitor.link("/admin/import"),
    };
    Ok(page(StatusCode::OK, &template))
}

fn view(app: &App, visitor: &Visitor, job: &Job, step: Step, report: &Report) -> ReportView {
    let t = AdminTexts::of(visitor.lang);
    let counts = report.counts;
    let rejected = app.imports.rejected(job, step, LISTED);
    let notes = [(t.ignored, &report.ignored), (t.absent, &report.absent)];
    let notes = notes.into_iter().filter(|(_, names)| !names.is_empty());
    let path = |end: &str| {
        let name = if step == Step::Check { "check" } else { "write" };
        visitor.link(&format!("/admin/import/{}/{name}-rejected.{end}", job.id))
    };
    ReportView {
        heading: if step == Step::Check { t.step_check } else { t.step_write },
        tally: vec![
            ("", t.rows_read, grouped(counts.read)),
            ("pass", t.rows_new, grouped(counts.created)),
            ("pass", t.rows_updated, grouped(counts.updated)),
            ("fail", t.rows_rejected, grouped(counts.rejected)),
        ],
        error: report.error.as_ref().map(|why| (t.ended)(why)),
        unknown: report
            .unknown
            .iter()
            .map(|(field, value, n)| (field.clone(), value.clone(), grouped(*n)))
            .collect(),
        notes: notes.map(|(say, names)| say(&names.join(visitor.texts().list_comma))).collect(),
        more: (counts.rejected > rejected.len() as u64)
            .then(|| (t.rejected_more)(rejected.len() as u64)),
        rejected: rejected
            .into_iter()
            .map(|row| (row.line, row.reason, shortened(&row.row.to_string())))
            .collect(),
        jsonl: path("jsonl"),
        csv: path("csv"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

pub async fn post_job(
    State(state): State<AppState>,
    door: Door,
    Path(id): Path<String>,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&door.visitor) };
    let token = Some(one(&pairs, "token").to_owned());
    let app = state.app.clone();
    act(&state, door, token, move |_, visitor, operator| {
        if !operator.key.role.may_publish() {
            return Err(forbidden(visitor));
        }
        let begun = Instant::now();
        let response = start(&app, visitor, operator, &id, Step::Write)?;
        tracing::info!(import = id, ms = begun.elapsed().as_millis() as u64, "an import was begun");
        Ok(response)
    })
    .await
}

/// The rejected rows of a step, with line and reason.
pub async fn get_rejected(
    State(state): State<AppState>,
    door: Door,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    answer(&state, door, move |app, visitor, _| {
        let job = app.imports.get(&id)?;
        let (step, end) = match name.split_once("-rejected.") {
            Some(("check", end)) => (Step::Check, end),
            Some(("write", end)) => (Step::Write, end),
            _ => return Err(Failure::NotFound),
        };
        let rejected = app.imports.rejected(&job, step, usize::MAX);
        let t = AdminTexts::of(visitor.lang);
        match end {
            "jsonl" => {
                let mut lines = Vec::new();
                for row in rejected {
                    lines.extend(serde_json::to_vec(&row).expect("a row has only string keys"));
                    lines.push(b'\n');
                }
                Ok(file(&name, "application/x-ndjson", lines))
            }
            "csv" => {
                let mut table = "\u{feff}".as_bytes().to_vec();
                csv::row([t.line, t.why, t.row], &mut table);
                for row in rejected {
                    csv::row([row.line.to_string(), row.reason, row.row.to_string()], &mut table);
                }
                Ok(file(&name, CSV, table))
            }
            _ => Err(Failure::NotFound),
        }
    })
    .await
}
