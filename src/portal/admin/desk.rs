//! The first page of the console: what waits, and how much is searched.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::searches::days_chart;
use super::{AdminTexts, Console, Door, Failure, Operator, Visitor, answer, frame};
use crate::app::App;
use crate::http::AppState;
use crate::portal::links::{address, record_path};
use crate::portal::page;
use crate::portal::text::grouped;
use crate::portal::visitor::Frame;
use crate::record::State as Stage;
use crate::service::review::{Action, Decision};
use crate::service::suggest::Day;

/// Decisions that are listed.
const RECENT: usize = 8;

#[derive(Template)]
#[template(path = "admin/desk.html")]
struct DeskPage {
    frame: Frame,
    console: Console,
    /// Label, number, a sentence beside it, and where it leads.
    tiles: Vec<(&'static str, String, String, Option<String>)>,
    recent: Vec<Told>,
    chart: String,
}

/// A decision as a page tells it.
pub struct Told {
    pub at: String,
    pub who: String,
    pub what: &'static str,
    pub title: String,
    pub href: String,
    pub reason: String,
}

impl Told {
    pub fn of(app: &App, visitor: &Visitor, decision: Decision) -> Self {
        let path = format!("/admin{}", record_path(&decision.kind, &decision.id));
        Self {
            at: app.clock.local_time(&decision.at).unwrap_or(decision.at),
            who: decision.by,
            what: label(AdminTexts::of(visitor.lang), decision.action),
            title: decision.title,
            href: visitor.link(&path),
            reason: decision.reason,
        }
    }
}

/// The name of a decision.
pub fn label(t: &'static AdminTexts, action: Action) -> &'static str {
    match action {
        Action::Publish => t.publish,
        Action::SendBack => t.send_back,
        Action::TakeDown => t.take_down,
        Action::Remove => t.remove,
    }
}

pub async fn get_desk(State(state): State<AppState>, door: Door) -> Response {
    let behind = state.app.store.head().0.saturating_sub(state.progress.visible().0);
    answer(&state, door, move |app, visitor, operator| make(app, visitor, operator, behind)).await
}

fn make(
    app: &App,
    visitor: &Visitor,
    operator: &Operator,
    behind: u64,
) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let queue = app.review.queue(Stage::Pending, None, 0, 1)?;
    let since = queue.items.first().and_then(|first| app.clock.local_time(&first.since));
    let today = app.clock.today();
    let week = app.suggest.days(today, 8);
    let (before, last) = week.split_at(7);
    let searches: u64 = before.iter().map(|day| day.searches).sum();
    let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
    let pending = [("state", "pending")].into_iter().chain(lang);
    let tiles = vec![
        (
            t.waiting,
            grouped(queue.total as u64),
            since.map_or_else(|| t.nothing_waits.to_owned(), |since| (t.oldest)(&since)),
            Some(address("/admin/review", pending)),
        ),
        (
            t.today,
            grouped(last.iter().map(|day| day.searches).sum()),
            (t.last_week)(&format!("{:.1}", searches as f64 / 7.0)),
            Some(visitor.link("/admin/searches")),
        ),
        (t.none_rate, share(&week, |day| day.none), String::new(), None),
        (t.click_rate, share(&week, |day| day.clicks), String::new(), None),
        (
            t.index_state,
            app.engine.num_records().map_or_else(|_| "–".to_owned(), grouped),
            match behind {
                0 => t.index_current.to_owned(),
                behind => (t.index_behind)(behind),
            },
            None,
        ),
    ];
    let recent = app.review.recent(RECENT)?;
    let template = DeskPage {
        frame: frame(visitor, t.console),
        console: Console::new(visitor, operator),
        tiles,
        recent: recent.into_iter().map(|decision| Told::of(app, visitor, decision)).collect(),
        chart: days_chart(app, visitor).figure(visitor.lang).map_err(|_| Failure::Internal)?,
    };
    Ok(page(StatusCode::OK, &template))
}

/// A share of the searches of some days, or a dash without any.
fn share(days: &[Day], of: fn(&Day) -> u64) -> String {
    let searches: u64 = days.iter().map(|day| day.searches).sum();
    match searches {
        0 => "–".to_owned(),
        searches => {
            let part: u64 = days.iter().map(of).sum();
            format!("{:.1} %", part as f64 / searches as f64 * 100.0)
        }
    }
}
