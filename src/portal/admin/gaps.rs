//! Where what is asked for and what is offered do not meet.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{AdminTexts, CSV, Console, Door, Failure, Operator, Visitor, answer, file, frame};
use crate::app::App;
use crate::http::AppState;
use crate::portal::chart::{Chart, Row, Shape};
use crate::portal::links::address;
use crate::portal::page;
use crate::portal::text::grouped;
use crate::portal::visitor::{Frame, NavLink};
use crate::service::gaps::{self, Cell, GapRequest, GapTable, Named};

/// Cells that are listed one by one.
const LISTED: usize = 15;

#[derive(Template)]
#[template(path = "admin/gaps.html")]
struct GapsPage {
    frame: Frame,
    console: Console,
    lead: String,
    /// Value, label, chosen.
    pairs: Vec<(String, String, bool)>,
    fields: Vec<(String, String, bool)>,
    within: Vec<NavLink>,
    place: Vec<NavLink>,
    /// Parts of what is shown, to go down to.
    rows: Vec<NavLink>,
    columns: Vec<NavLink>,
    chart: String,
    from: String,
    to: String,
    unmet: Vec<Line>,
    unused: Vec<Line>,
}

/// A cell in words.
struct Line {
    what: String,
    count: String,
    href: String,
    elsewhere: String,
    elsewhere_href: String,
}

pub async fn get_gaps(State(state): State<AppState>, door: Door) -> Response {
    answer(&state, door, make).await
}

/// The numbers of the chart.
pub async fn get_gaps_csv(State(state): State<AppState>, door: Door) -> Response {
    answer(&state, door, |app, visitor, _| {
        let (_, table) = read(app, visitor)?;
        Ok(file("gaps.csv", CSV, chart(visitor, &table).csv()))
    })
    .await
}

fn read(app: &App, visitor: &Visitor) -> Result<(GapRequest, GapTable), Failure> {
    let pairs = gaps::pairs(&app.catalog);
    let first = pairs.first().copied().unwrap_or_default();
    let (from, to) = visitor.param("pair").and_then(|pair| pair.split_once(',')).unwrap_or(first);
    let text = |name: &str| visitor.param(name).map(str::to_owned);
    let request = GapRequest {
        from: from.to_owned(),
        to: to.to_owned(),
        by: text("by"),
        within: text("within"),
        place: text("place"),
    };
    let table = gaps::compare(&app.search, &request, app.clock.today())?;
    Ok((request, table))
}

/// An address of this page, or of its file.
fn href(
    visitor: &Visitor,
    path: &str,
    table: &GapTable,
    within: Option<&str>,
    place: Option<&str>,
) -> String {
    let pair = format!("{},{}", table.from.value, table.to.value);
    let mut pairs = vec![("pair", pair.as_str()), ("by", table.by.value.as_str())];
    pairs.extend(within.map(|code| ("within", code)));
    pairs.extend(place.map(|code| ("place", code)));
    pairs.extend(visitor.chosen.map(|lang| ("lang", lang.name())));
    address(path, pairs)
}

fn last(path: &[Named]) -> Option<&str> {
    path.last().map(|named| named.value.as_str())
}

fn make(app: &App, visitor: &Visitor, operator: &Operator) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let lang = visitor.lang;
    let (request, table) = read(app, visitor)?;
    let (from, to) = (lang.pick(&table.from.label), lang.pick(&table.to.label));
    let (within, place) = (last(&table.within), last(&table.place));
    let pairs = gaps::pairs(&app.catalog).into_iter().map(|(from, to)| {
        let label = |name: &str| {
            app.catalog.kind(name).map(|kind| lang.pick(&kind.label)).unwrap_or_default()
        };
        let is_chosen = from == request.from && to == request.to;
        (format!("{from},{to}"), (t.pair_of)(label(from), label(to)), is_chosen)
    });
    let fields = gaps::fields(&app.catalog, &request.from, &request.to).into_iter();
    let fields = fields.map(|column| {
        let is_chosen = *column.path == *table.by.value;
        (column.path.to_string(), lang.pick(&column.label).to_owned(), is_chosen)
    });
    let go = |within: Option<&str>, place: Option<&str>, label: &str, current: bool| NavLink {
        href: href(visitor, "/admin/gaps", &table, within, place),
        label: label.to_owned(),
        current,
    };
    let up = |named: &Named, is_row: bool| {
        let (code, label) = (Some(named.value.as_str()), lang.pick(&named.label));
        let is_last = code == if is_row { within } else { place };
        if is_row { go(code, place, label, is_last) } else { go(within, code, label, is_last) }
    };
    let rows = table.rows.iter().map(|row| &row.of).filter(|named| !named.value.is_empty());
    let columns = table.columns.iter().filter(|named| !named.value.is_empty());
    let template = GapsPage {
        frame: frame(visitor, t.gaps),
        console: Console::new(visitor, operator),
        lead: (t.gaps_lead)(&(t.pair_of)(from, to)),
        pairs: pairs.collect(),
        fields: fields.collect(),
        within: std::iter::once(go(None, place, t.whole, within.is_none()))
            .chain(table.within.iter().map(|named| up(named, true)))
            .collect(),
        place: table.place.iter().map(|named| up(named, false)).collect(),
        rows: rows.map(|named| up(named, true)).collect(),
        columns: columns.map(|named| up(named, false)).collect(),
        chart: chart(visitor, &table).figure(lang).map_err(|_| Failure::Internal)?,
        from: from.to_owned(),
        to: to.to_owned(),
        unmet: lines(visitor, &table, Cell::is_unmet, |cell| cell.from, true),
        unused: lines(visitor, &table, Cell::is_unused, |cell| cell.to, false),
    };
    Ok(page(StatusCode::OK, &template))
}

fn chart(visitor: &Visitor, table: &GapTable) -> Chart {
    let t = AdminTexts::of(visitor.lang);
    let lang = visitor.lang;
    let (from, to) = (lang.pick(&table.from.label), lang.pick(&table.to.label));
    let groups: Vec<String> = table
        .columns
        .iter()
        .map(|named| match named.value.as_str() {
            "" => t.rest_place.to_owned(),
            _ => lang.pick(&named.label).to_owned(),
        })
        .collect();
    let columns = groups.iter().flat_map(|group| [from, to].map(|kind| format!("{group} {kind}")));
    let (within, place) = (last(&table.within), last(&table.place));
    let rows = table.rows.iter().map(|row| {
        let code = row.of.value.as_str();
        Row {
            label: row_label(visitor, &row.of),
            short: None,
            href: (!code.is_empty())
                .then(|| href(visitor, "/admin/gaps", table, Some(code), place)),
            values: row.cells.iter().flat_map(|cell| [cell.from, cell.to]).collect(),
        }
    });
    Chart {
        id: "gaps".into(),
        title: (t.gaps_chart)(lang.pick(&table.by.label), &(t.pair_of)(from, to)),
        definition: (t.gaps_definition)(&table.as_of),
        row_label: lang.pick(&table.by.label).to_owned(),
        columns: columns.collect(),
        rows: rows.collect(),
        csv: href(visitor, "/admin/gaps.csv", table, within, place),
        shape: Shape::Heat { groups },
    }
}

fn row_label(visitor: &Visitor, named: &Named) -> String {
    match named.value.as_str() {
        "" => AdminTexts::of(visitor.lang).rest_row.to_owned(),
        _ => visitor.lang.pick(&named.label).to_owned(),
    }
}

/// Cells of one sort, the largest first; what has no place or no code is no gap.
fn lines(
    visitor: &Visitor,
    table: &GapTable,
    is_wanted: fn(Cell) -> bool,
    size: fn(Cell) -> u64,
    is_unmet: bool,
) -> Vec<Line> {
    let lang = visitor.lang;
    let mut found: Vec<(u64, &Named, &Named, Cell)> = Vec::new();
    for row in table.rows.iter().filter(|row| !row.of.value.is_empty()) {
        let places = table.columns.iter().zip(&row.cells);
        for (place, cell) in places.filter(|(place, _)| !place.value.is_empty()) {
            if is_wanted(*cell) {
                found.push((size(*cell), &row.of, place, row.total));
            }
        }
    }
    found.sort_by(|a, b| (b.0, &a.1.value, &a.2.value).cmp(&(a.0, &b.1.value, &b.2.value)));
    let (kind, other) = match is_unmet {
        true => (&table.from.value, &table.to.value),
        false => (&table.to.value, &table.from.value),
    };
    let search = |kind: &str, code: &str, place: Option<&str>| {
        let of = visitor.anywhere().with(|search| {
            search.kinds = vec![kind.to_owned()];
            search.filter = gaps::open(&visitor.catalog, kind, &table.as_of);
            search.select = vec![format!("{}:{code}", table.by.value)];
            search.select.extend(place.map(|code| format!("{}:{code}", gaps::PLACE)));
        });
        of.href()
    };
    let told = found.into_iter().take(LISTED).map(|(count, row, place, total)| Line {
        what: format!("{} × {}", lang.pick(&row.label), lang.pick(&place.label)),
        count: grouped(count),
        href: search(kind, &row.value, Some(&place.value)),
        elsewhere: grouped(if is_unmet { total.to } else { total.from }),
        elsewhere_href: search(other, &row.value, None),
    });
    told.collect()
}
