//! Where what is asked for and what is offered do not meet: counts of two kinds by a tree of codes and by place.
//!
//! Every number is that of a search, so that it can be looked up: a cell counts the public records of a kind that are
//! still open, have a code (or one below it) and stand in a place (or one below it).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::search::{SearchError, SearchService};
use crate::presentation::facet::FacetValue;
use crate::query::request::{BadRequest, SearchRequest};
use crate::record::kind::{Catalog, Column, Label};
use crate::record::validate::Violation;
use crate::record::value::date_text;
use crate::record::vocabulary::Entry;
use crate::record::{FieldType, Visibility, Vocabulary};

/// The fields that every kind has by contract: by what rows are unless asked, and by what columns are.
const BY: &str = "tech_fields";
pub const PLACE: &str = "division_code";
const EXPIRES: &str = "expires_on";
/// Most places that have a column of their own; the others are counted together.
const MAX_PLACES: usize = 10;
/// Most rows.
const MAX_ROWS: usize = 40;

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapRequest {
    /// Kind of what is asked for, and of what is offered.
    pub from: String,
    pub to: String,
    /// Field of the rows; none: the technical fields.
    pub by: Option<String>,
    /// Code whose parts are the rows; none: the top.
    pub within: Option<String>,
    /// Code of the place whose parts are the columns; none: the smallest that holds everything that is in a place.
    pub place: Option<String>,
}

/// Counts of both kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    pub from: u64,
    pub to: u64,
}

impl Cell {
    /// Asked for and not offered.
    pub fn is_unmet(self) -> bool {
        self.from > 0 && self.to == 0
    }

    /// Offered and not asked for.
    pub fn is_unused(self) -> bool {
        self.to > 0 && self.from == 0
    }
}

/// A code with its name; the code is empty for what has none here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    pub value: String,
    pub label: Label,
}

impl Named {
    fn none() -> Self {
        Self { value: String::new(), label: Label::default() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub of: Named,
    /// In the order of [`GapTable::columns`].
    pub cells: Vec<Cell>,
    /// Of the row; a record counts once.
    pub total: Cell,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GapTable {
    pub from: Named,
    pub to: Named,
    /// Field of the rows.
    pub by: Named,
    /// What the rows and the columns are parts of, from the top.
    pub within: Vec<Named>,
    pub place: Vec<Named>,
    /// Places; the last one, without a code, is everything else.
    pub columns: Vec<Named>,
    /// The last one, without a code, is what has no code of the field. A record with several codes is in several rows.
    pub rows: Vec<Row>,
    pub total: Cell,
    /// The day on which what has expired does not count.
    pub as_of: String,
}

/// Pairs that can be compared: a kind that people send in, and each kind that is recommended for it.
pub fn pairs(catalog: &Catalog) -> Vec<(&str, &str)> {
    let forms = catalog.kinds.iter().filter_map(|kind| Some((kind, kind.form.as_ref()?)));
    forms
        .flat_map(|(kind, form)| form.recommend.iter().map(|to| (&*kind.name, to.as_str())))
        .collect()
}

/// Fields that rows can be by: trees that both kinds have, but the place.
pub fn fields<'a>(catalog: &'a Catalog, from: &str, to: &str) -> Vec<&'a Column> {
    let has = |column: &Column, kind: &str| column.kinds.iter().any(|name| **name == *kind);
    catalog
        .columns
        .values()
        .filter(|column| column.field_type == FieldType::Tree && column.facet.is_some())
        .filter(|column| &*column.path != PLACE && column.vocabulary.is_some())
        .filter(|column| has(column, from) && has(column, to))
        .collect()
}

/// The filter of what a kind still asks or offers on a day: what has not expired, and is not said to be over.
pub fn open(catalog: &Catalog, kind: &str, day: &str) -> Option<String> {
    let kind = catalog.kind(kind)?;
    let expires = kind.field(EXPIRES).map(|_| format!("NOT {EXPIRES} < {day}"));
    let closed = kind.closed.as_ref();
    let closed =
        closed.map(|closed| format!("{} NOT IN [{}]", closed.field, closed.codes.join(", ")));
    let conditions: Vec<String> = expires.into_iter().chain(closed).collect();
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

/// Counts. `today` is in days since 1970-01-01.
pub fn compare(
    search: &SearchService,
    request: &GapRequest,
    today: i32,
) -> Result<GapTable, SearchError> {
    let mut asked = Asked::check(&search.catalog, request).map_err(SearchError::Bad)?;
    let as_of = date_text(today).unwrap_or_default();
    let by: &str = &asked.by.path;
    let counts = |kind: &str, place: Option<&Entry>, part: Part<'_>, facets: &[&str]| {
        let place = place.into_iter().map(|entry| format!("{PLACE}:{}", entry.code));
        let (within, lacks) = match part {
            Part::All => (None, None),
            Part::Code(code) => (Some(format!("{by}:{code}")), None),
            Part::Without => (None, Some(format!("{by} IS NULL"))),
        };
        let filters: Vec<String> =
            open(&search.catalog, kind, &as_of).into_iter().chain(lacks).collect();
        let request = SearchRequest {
            kind: vec![kind.to_owned()],
            select: place.chain(within).collect(),
            filter: (!filters.is_empty()).then(|| filters.join(" AND ")),
            facets: facets.iter().map(ToString::to_string).collect(),
            limit: Some(1),
            ..SearchRequest::default()
        };
        let page = search.search(&request, Visibility::Public, today)?;
        Ok::<_, SearchError>((page.total, page.facets))
    };
    let within = asked.within.map(|entry| entry.code.as_str());
    let (from, to) = (request.from.as_str(), request.to.as_str());
    let whole = within.map_or(Part::All, Part::Code);
    if request.place.is_none() {
        let all = Pair(counts(from, None, whole, &[PLACE])?, counts(to, None, whole, &[PLACE])?);
        asked.place = smallest(asked.places, &all);
    }
    let count = |part: Part<'_>, facets: &[&str]| {
        let of = |kind| counts(kind, asked.place, part, facets);
        Ok::<_, SearchError>(Pair(of(from)?, of(to)?))
    };
    let all = count(whole, &[by, PLACE])?;
    let place = asked.place.map(|entry| entry.code.as_str());
    let columns = places(&asked, &all.facet(PLACE, place));
    let mut rows = Vec::new();
    let per_row = all.facet(by, within);
    let below: Vec<&Entry> = match within {
        Some(code) => asked.rows.children(code).collect(),
        None => asked.rows.roots().collect(),
    };
    let below = below.into_iter().filter(|entry| per_row.contains_key(&entry.code));
    let below = below.take(MAX_ROWS).map(|entry| (named(entry), Part::Code(&entry.code)));
    let without = within.is_none().then_some((Named::none(), Part::Without));
    for (of, part) in below.chain(without) {
        let row = count(part, &[PLACE])?;
        let cells = cells(&columns, &row.facet(PLACE, place), row.total());
        rows.push(Row { of, cells, total: row.total() });
    }
    let mut columns: Vec<Named> = columns.into_iter().map(named).collect();
    columns.push(Named::none());
    Ok(GapTable {
        from: kind(&search.catalog, from),
        to: kind(&search.catalog, to),
        by: Named { value: by.to_owned(), label: asked.by.label.clone() },
        within: path(asked.rows, within),
        place: path(asked.places, place.or(only_root(asked.places))),
        columns,
        rows,
        total: all.total(),
        as_of,
    })
}

/// Which records of a kind are counted.
#[derive(Clone, Copy)]
enum Part<'a> {
    All,
    /// Those with the code or one below it.
    Code(&'a str),
    /// Those without any code of the field.
    Without,
}

/// A request whose every name is known.
struct Asked<'a> {
    by: &'a Column,
    rows: &'a Vocabulary,
    places: &'a Vocabulary,
    within: Option<&'a Entry>,
    place: Option<&'a Entry>,
}

impl<'a> Asked<'a> {
    fn check(catalog: &'a Catalog, request: &GapRequest) -> Result<Self, BadRequest> {
        let mut violations = Vec::new();
        let mut wrong = |name: &str, code: &'static str, expected: String, found: &str| {
            violations.push(Violation {
                pointer: format!("/{name}"),
                code,
                expected,
                found: found.chars().take(80).collect(),
            });
        };
        for (name, kind) in [("from", &request.from), ("to", &request.to)] {
            if catalog.kind(kind).is_none() {
                let known: Vec<&str> = catalog.kinds.iter().map(|kind| &*kind.name).collect();
                wrong(name, "unknown_kind", format!("one of {}", known.join(", ")), kind);
            }
        }
        let known = fields(catalog, &request.from, &request.to);
        let by = match &request.by {
            Some(by) => known.iter().find(|column| *column.path == **by),
            None => known.iter().find(|column| &*column.path == BY).or(known.first()),
        };
        if by.is_none() {
            let names: Vec<&str> = known.iter().map(|column| &*column.path).collect();
            let found = request.by.as_deref().unwrap_or("kinds without such a field");
            wrong("by", "bad_parameter", format!("one of {}", names.join(", ")), found);
        }
        let rows = by.and_then(|column| column.vocabulary.as_deref());
        let places = catalog.column(PLACE).and_then(|column| column.vocabulary.as_deref());
        let mut code = |name: &str, code: &Option<String>, of: Option<&'a Vocabulary>| {
            let code = code.as_deref()?;
            let entry = of.and_then(|vocabulary| vocabulary.get(code));
            if entry.is_none() {
                wrong(name, "bad_parameter", "a code of the field's vocabulary".into(), code);
            }
            entry
        };
        let within = code("within", &request.within, rows);
        let place = code("place", &request.place, places);
        match (by, rows, places) {
            (Some(by), Some(rows), Some(places)) if violations.is_empty() => {
                // What has no place at all counts in the whole.
                let root = only_root(places);
                let place = place.filter(|entry| Some(entry.code.as_str()) != root);
                Ok(Self { by, rows, places, within, place })
            }
            _ => {
                let code = violations.first().map_or("bad_parameter", |first| first.code);
                Err(BadRequest { code, violations })
            }
        }
    }
}

type Facets = BTreeMap<Arc<str>, Vec<FacetValue>>;

/// What was counted of both kinds.
struct Pair((u64, Facets), (u64, Facets));

impl Pair {
    fn total(&self) -> Cell {
        Cell { from: self.0.0, to: self.1.0 }
    }

    /// Counts of the parts of a code, or of the top: of the one root's parts, where there is one.
    fn facet(&self, path: &str, code: Option<&str>) -> HashMap<String, Cell> {
        let mut cells: HashMap<String, Cell> = HashMap::new();
        for (facets, is_from) in [(&self.0.1, true), (&self.1.1, false)] {
            let top = facets.get(path).map(Vec::as_slice).unwrap_or_default();
            let parts = match code {
                Some(code) => find(top, code).map_or(&[][..], |value| &value.children),
                None => top,
            };
            let mut count = |value: &FacetValue| {
                let cell = cells.entry(value.value.clone()).or_default();
                *(if is_from { &mut cell.from } else { &mut cell.to }) += value.count;
            };
            parts.iter().for_each(&mut count);
            if code.is_none() {
                parts.iter().flat_map(|root| &root.children).for_each(count);
            }
        }
        cells
    }
}

fn find<'a>(values: &'a [FacetValue], code: &str) -> Option<&'a FacetValue> {
    values.iter().find_map(|value| match value.value == code {
        true => Some(value),
        false => find(&value.children, code),
    })
}

/// The code that everything is below, where there is one.
fn only_root(vocabulary: &Vocabulary) -> Option<&str> {
    let mut roots = vocabulary.roots();
    let first = roots.next().filter(|_| roots.next().is_none());
    first.map(|entry| entry.code.as_str())
}

/// The place that everything in a place is in: the last one that has no other beside it, of those with parts.
fn smallest<'a>(places: &'a Vocabulary, counts: &Pair) -> Option<&'a Entry> {
    let mut place: Option<&Entry> = None;
    loop {
        let parts = counts.facet(PLACE, place.map(|entry| entry.code.as_str()));
        let roots = |code: &str| places.get(code).is_some_and(|entry| entry.parent.is_none());
        let mut below = parts.keys().filter(|code| place.is_some() || !roots(code));
        let (Some(only), None) = (below.next(), below.next()) else { return place };
        let entry = places.get(only)?;
        if counts.facet(PLACE, Some(only)).is_empty() {
            return place;
        }
        place = Some(entry);
    }
}

/// The places with most records, in the order of their codes.
fn places<'a>(asked: &Asked<'a>, counts: &HashMap<String, Cell>) -> Vec<&'a Entry> {
    let mut parts: Vec<&Entry> = match asked.place {
        Some(place) => asked.places.children(&place.code).collect(),
        None => {
            let roots: Vec<&Entry> = asked.places.roots().collect();
            match roots.as_slice() {
                [root] => asked.places.children(&root.code).collect(),
                _ => roots,
            }
        }
    };
    let count = |entry: &Entry| counts.get(&entry.code).map_or(0, |cell| cell.from + cell.to);
    parts.retain(|entry| count(entry) > 0);
    parts.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| a.code.cmp(&b.code)));
    parts.truncate(MAX_PLACES);
    parts.sort_by(|a, b| a.code.cmp(&b.code));
    parts
}

/// One row: its places, and what is in none of them.
fn cells(columns: &[&Entry], counts: &HashMap<String, Cell>, total: Cell) -> Vec<Cell> {
    let of = |entry: &&Entry| counts.get(&entry.code).copied().unwrap_or_default();
    let mut cells: Vec<Cell> = columns.iter().map(of).collect();
    let sum = |pick: fn(&Cell) -> u64| cells.iter().map(pick).sum::<u64>();
    let rest = Cell {
        from: total.from.saturating_sub(sum(|cell| cell.from)),
        to: total.to.saturating_sub(sum(|cell| cell.to)),
    };
    cells.push(rest);
    cells
}

fn named(entry: &Entry) -> Named {
    Named { value: entry.code.clone(), label: entry.label.clone() }
}

fn kind(catalog: &Catalog, name: &str) -> Named {
    let label = catalog.kind(name).map(|kind| kind.label.clone()).unwrap_or_default();
    Named { value: name.to_owned(), label }
}

/// The codes above and the code, from the top.
fn path(vocabulary: &Vocabulary, code: Option<&str>) -> Vec<Named> {
    let mut path: Vec<Named> =
        code.map(|code| vocabulary.path(code).map(named).collect()).unwrap_or_default();
    path.reverse();
    path
}
