//! What people search for, and what they do not find.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{AdminTexts, CSV, Console, Door, Failure, Operator, Visitor, answer, file, frame};
use crate::app::App;
use crate::http::AppState;
use crate::portal::chart::{Chart, Row, Shape};
use crate::portal::page;
use crate::portal::visitor::Frame;

/// Days of the chart.
const DAYS: u16 = 30;
/// Texts of a list.
const TEXTS: usize = 20;

#[derive(Template)]
#[template(path = "admin/searches.html")]
struct SearchesPage {
    frame: Frame,
    console: Console,
    charts: Vec<String>,
}

pub async fn get_searches(State(state): State<AppState>, door: Door) -> Response {
    answer(&state, door, make).await
}

fn make(app: &App, visitor: &Visitor, operator: &Operator) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let charts = [
        days_chart(app, visitor),
        asked(app, visitor),
        missed(app, visitor),
        reported(app, visitor),
    ];
    let drawn = charts.iter().map(|chart| chart.figure(visitor.lang));
    let template = SearchesPage {
        frame: frame(visitor, t.searches),
        console: Console::new(visitor, operator),
        charts: drawn.collect::<Result<_, _>>().map_err(|_| Failure::Internal)?,
    };
    Ok(page(StatusCode::OK, &template))
}

/// The numbers of one chart.
pub async fn get_csv(
    State(state): State<AppState>,
    door: Door,
    Path(name): Path<String>,
) -> Response {
    answer(&state, door, move |app, visitor, _| {
        let chart = match name.as_str() {
            "days.csv" => days_chart(app, visitor),
            "asked.csv" => asked(app, visitor),
            "missed.csv" => missed(app, visitor),
            "reported.csv" => reported(app, visitor),
            _ => return Err(Failure::NotFound),
        };
        Ok(file(&name, CSV, chart.csv()))
    })
    .await
}

/// Searches of the last days.
pub fn days_chart(app: &App, visitor: &Visitor) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let days = app.suggest.days(app.clock.today(), DAYS);
    Chart {
        id: "days".into(),
        title: t.days.into(),
        definition: t.days_text.into(),
        shape: Shape::Line,
        row_label: t.day.into(),
        columns: [t.num_searches, t.num_none, t.num_loose].map(str::to_owned).into(),
        rows: days
            .into_iter()
            .map(|day| Row {
                short: day.day.get(5..).map(str::to_owned),
                label: day.day,
                href: None,
                values: vec![day.searches, day.none, day.loose],
            })
            .collect(),
        csv: visitor.link("/admin/searches/days.csv"),
    }
}

fn asked(app: &App, visitor: &Visitor) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let text = (t.asked_text)(&app.suggest.least_counted().to_string());
    texts(visitor, "asked", t.asked, text, app.suggest.asked(TEXTS))
}

fn missed(app: &App, visitor: &Visitor) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let text = (t.missed_text)(&app.suggest.least_counted().to_string());
    texts(visitor, "missed", t.missed, text, app.suggest.missed(TEXTS))
}

fn reported(app: &App, visitor: &Visitor) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let counts = app.suggest.reported(TEXTS);
    texts(visitor, "reported", t.reported, t.reported_text.to_owned(), counts)
}

fn texts(
    visitor: &Visitor,
    id: &str,
    title: &str,
    definition: String,
    counts: Vec<(String, u32)>,
) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let rows = counts.into_iter().map(|(text, count)| Row {
        href: Some(visitor.anywhere().with(|place| place.q.clone_from(&text)).href()),
        label: text,
        short: None,
        values: vec![u64::from(count)],
    });
    Chart {
        id: id.into(),
        title: title.into(),
        definition,
        shape: Shape::Bars,
        row_label: t.words.into(),
        columns: vec![t.times.into()],
        rows: rows.collect(),
        csv: visitor.link(&format!("/admin/searches/{id}.csv")),
    }
}
