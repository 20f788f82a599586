//! The charts that everybody sees: what is here, and what closes when.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::card::is_deadline;
use super::chart::{Chart, Row, Shape};
use super::error::Failure;
use super::links::SearchPlace;
use super::text::ChartTexts;
use super::visitor::Visitor;
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::record::kind::Direction;
use crate::record::value::{date_text, days};
use crate::record::{RecordKind, Visibility};

const MONTHS: usize = 12;
const WEEKS: i32 = 12;

/// The numbers of one chart.
pub async fn get_csv(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    answer(&state, visitor, move |app, visitor| {
        let chart = match name.as_str() {
            "kinds.csv" => kinds(visitor, &counts(app)?),
            "months.csv" => months(app, visitor)?,
            "deadlines.csv" => deadlines(app, visitor)?,
            _ => return Err(Failure::NotFound),
        };
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (
                header::CONTENT_DISPOSITION,
                HeaderValue::from_str(&disposition).expect("names of charts are ASCII"),
            ),
        ];
        Ok((headers, chart.csv()).into_response())
    })
    .await
}

/// Public records of each kind, in the order of the kinds.
pub fn counts(app: &App) -> Result<Vec<u64>, Failure> {
    let request =
        SearchRequest { facets: vec!["kind".into()], limit: Some(1), ..SearchRequest::default() };
    let found = app.search.search(&request, Visibility::Public, app.clock.today())?;
    let counted = found.facets.get("kind").map(Vec::as_slice).unwrap_or_default();
    let count = |kind: &RecordKind| {
        counted.iter().find(|value| *value.value == *kind.name).map_or(0, |value| value.count)
    };
    Ok(app.catalog.kinds.iter().map(|kind| count(kind)).collect())
}

fn place_of(visitor: &Visitor, kind: &RecordKind) -> SearchPlace {
    visitor.anywhere().with(|place| place.kinds = vec![kind.name.to_string()])
}

/// Records by kind.
pub fn kinds(visitor: &Visitor, counts: &[u64]) -> Chart {
    let t = ChartTexts::of(visitor.lang);
    let rows = visitor.catalog.kinds.iter().zip(counts).map(|(kind, count)| Row {
        label: visitor.lang.pick(&kind.label).to_owned(),
        short: None,
        href: Some(place_of(visitor, kind).href()),
        values: vec![*count],
    });
    Chart {
        id: "kinds".into(),
        title: t.overview.into(),
        definition: t.overview_text.into(),
        shape: Shape::Bars,
        row_label: t.kind.into(),
        columns: vec![t.records.into()],
        rows: rows.collect(),
        csv: visitor.link("/statistics/kinds.csv"),
    }
}

/// Records by the month of their publication.
pub fn months(app: &App, visitor: &Visitor) -> Result<Chart, Failure> {
    let t = ChartTexts::of(visitor.lang);
    let today = date_text(app.clock.today()).unwrap_or_default();
    let part = |range: std::ops::Range<usize>| {
        today.get(range).and_then(|text| text.parse::<i32>().ok()).unwrap_or(1)
    };
    let this_month = part(0..4) * 12 + part(5..7) - 1;
    let mut rows = Vec::new();
    for at in (0..MONTHS as i32).rev() {
        let month = this_month - at;
        let first = |month: i32| format!("{:04}-{:02}-01", month / 12, month % 12 + 1);
        let last = days(&first(month + 1)).and_then(|day| date_text(day - 1)).unwrap_or_default();
        let filter = format!("published_on {} TO {last}", first(month));
        rows.push(Row {
            label: first(month)[..7].to_owned(),
            short: Some(first(month)[2..7].to_owned()),
            href: Some(visitor.anywhere().with(|p| p.filter = Some(filter.clone())).href()),
            values: vec![count(app, None, &filter)?],
        });
    }
    Ok(Chart {
        id: "months".into(),
        title: t.by_month.into(),
        definition: t.by_month_text.into(),
        shape: Shape::Columns,
        row_label: t.month.into(),
        columns: vec![t.records.into()],
        rows,
        csv: visitor.link("/statistics/months.csv"),
    })
}

/// What closes in each of the coming weeks, over all kinds that can be ordered by a deadline.
pub fn deadlines(app: &App, visitor: &Visitor) -> Result<Chart, Failure> {
    let t = ChartTexts::of(visitor.lang);
    let dated: Vec<(&RecordKind, &str)> = app
        .catalog
        .kinds
        .iter()
        .filter_map(|kind| {
            let sort = kind.sorts.iter().find(|sort| {
                sort.order == Direction::Ascending
                    && kind.field_at(&sort.field).is_some_and(is_deadline)
            })?;
            Some((&**kind, sort.field.as_str()))
        })
        .collect();
    let today = app.clock.today();
    let mut rows = Vec::new();
    for week in 0..WEEKS {
        let first = date_text(today + week * 7).unwrap_or_default();
        let last = date_text(today + week * 7 + 6).unwrap_or_default();
        let mut sum = 0;
        for (kind, path) in &dated {
            sum += count(app, Some(&kind.name), &format!("{path} {first} TO {last}"))?;
        }
        rows.push(Row {
            short: first.get(5..).map(str::to_owned),
            label: first,
            href: None,
            values: vec![sum],
        });
    }
    Ok(Chart {
        id: "deadlines".into(),
        title: t.closing.into(),
        definition: t.closing_text.into(),
        shape: Shape::Columns,
        row_label: t.week.into(),
        columns: vec![t.items.into()],
        rows,
        csv: visitor.link("/statistics/deadlines.csv"),
    })
}

fn count(app: &App, kind: Option<&str>, filter: &str) -> Result<u64, Failure> {
    let request = SearchRequest {
        kind: kind.map(str::to_owned).into_iter().collect(),
        filter: Some(filter.to_owned()),
        limit: Some(1),
        ..SearchRequest::default()
    };
    Ok(app.search.search(&request, Visibility::Public, app.clock.today())?.total)
}
