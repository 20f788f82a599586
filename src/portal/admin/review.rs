//! Lists of records by their state.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{AdminTexts, Console, Door, Failure, Operator, Visitor, answer, frame};
use crate::app::App;
use crate::http::AppState;
use crate::portal::links::{address, record_path};
use crate::portal::page;
use crate::portal::text::grouped;
use crate::portal::visitor::{Frame, NavLink};
use crate::query::request::{DEFAULT_LIMIT, MAX_OFFSET, SearchRequest};
use crate::record::validate::Violation;
use crate::record::{State as Stage, Visibility};
use crate::service::review::Action;

/// Records of a page.
const PER_PAGE: usize = DEFAULT_LIMIT;

#[derive(Template)]
#[template(path = "admin/review.html")]
struct ReviewPage {
    frame: Frame,
    console: Console,
    /// States, and how many records each has.
    states: Vec<(NavLink, Option<String>)>,
    kinds: Vec<NavLink>,
    /// What was just decided.
    done: Option<String>,
    /// The published are searched.
    search: Option<String>,
    kind: String,
    total: String,
    rows: Vec<Line>,
    previous: Option<String>,
    next: Option<String>,
}

struct Line {
    title: String,
    href: String,
    kind: String,
    owner: String,
    source: String,
    when: String,
}

/// The states, in the order of their tabs.
const STATES: [(Stage, &str); 4] = [
    (Stage::Pending, "pending"),
    (Stage::Draft, "draft"),
    (Stage::Rejected, "rejected"),
    (Stage::Published, "published"),
];

/// The name of a state.
pub fn state_label(t: &'static AdminTexts, state: Stage) -> &'static str {
    match state {
        Stage::Pending => t.state_pending,
        Stage::Draft => t.state_draft,
        Stage::Rejected => t.state_rejected,
        Stage::Published => t.state_published,
    }
}

pub async fn get_review(State(state): State<AppState>, door: Door) -> Response {
    answer(&state, door, make).await
}

/// What the address says.
struct Place<'a> {
    state: (Stage, &'static str),
    kind: Option<&'a str>,
    q: &'a str,
    offset: usize,
}

impl<'a> Place<'a> {
    fn read(app: &App, visitor: &'a Visitor) -> Result<Self, Failure> {
        let wrong = |name: &str, expected: &str, found: &str| {
            Failure::Bad(vec![Violation {
                pointer: format!("/{name}"),
                code: "bad_parameter",
                expected: expected.to_owned(),
                found: found.chars().take(80).collect(),
            }])
        };
        let name = visitor.param("state").unwrap_or("pending");
        let state = STATES.into_iter().find(|(_, known)| *known == name);
        let kind = visitor.param("kind");
        if let Some(kind) = kind.filter(|kind| app.catalog.kind(kind).is_none()) {
            return Err(wrong("kind", "a kind", kind));
        }
        let offset = visitor.param("offset").unwrap_or("0");
        Ok(Self {
            state: state
                .ok_or_else(|| wrong("state", "pending, draft, rejected or published", name))?,
            kind,
            q: visitor.param("q").unwrap_or_default(),
            offset: offset.parse().map_err(|_| wrong("offset", "a whole number from 0", offset))?,
        })
    }

    fn href(&self, visitor: &Visitor, state: &str, kind: Option<&str>, offset: usize) -> String {
        let offset = (offset > 0).then(|| offset.to_string());
        let mut pairs = vec![("state", state)];
        pairs.extend(kind.map(|kind| ("kind", kind)));
        if state == self.state.1 && !self.q.is_empty() {
            pairs.push(("q", self.q));
        }
        pairs.extend(offset.as_deref().map(|offset| ("offset", offset)));
        pairs.extend(visitor.chosen.map(|lang| ("lang", lang.name())));
        address("/admin/review", pairs)
    }
}

fn make(app: &App, visitor: &Visitor, operator: &Operator) -> Result<Response, Failure> {
    let t = AdminTexts::of(visitor.lang);
    let place = Place::read(app, visitor)?;
    let (state, name) = place.state;
    let counts = app.review.counts()?;
    let states = STATES.map(|(other, label)| {
        let count: usize = counts.iter().filter(|(of, ..)| *of == other).map(|(.., n)| n).sum();
        let link = NavLink {
            href: place.href(visitor, label, place.kind, 0),
            label: state_label(t, other).to_owned(),
            current: other == state,
        };
        (link, (other != Stage::Published).then(|| grouped(count as u64)))
    });
    let link = |kind: Option<&str>, label: &str| NavLink {
        href: place.href(visitor, name, kind, 0),
        label: label.to_owned(),
        current: place.kind == kind,
    };
    let kinds = app.catalog.kinds.iter().map(|kind| {
        let label = visitor.lang.pick(&kind.label);
        let count = counts.iter().find(|(of, of_kind, _)| *of == state && *of_kind == kind.name);
        match count {
            Some((.., n)) => link(Some(&kind.name), &format!("{label} {n}")),
            None => link(Some(&kind.name), label),
        }
    });
    let (rows, total) = match state {
        Stage::Published => published(app, visitor, &place)?,
        _ => waiting(app, visitor, &place)?,
    };
    let more = place.offset + PER_PAGE < total;
    let template = ReviewPage {
        frame: frame(visitor, t.review),
        console: Console::new(visitor, operator),
        states: states.into(),
        kinds: std::iter::once(link(None, t.all_kinds)).chain(kinds).collect(),
        done: done(visitor),
        search: (state == Stage::Published).then(|| place.q.to_owned()),
        kind: place.kind.unwrap_or_default().to_owned(),
        total: match state {
            Stage::Published => (t.found_total)(total as u64),
            _ => (t.queue_total)(total as u64),
        },
        rows,
        previous: (place.offset > 0)
            .then(|| place.href(visitor, name, place.kind, place.offset.saturating_sub(PER_PAGE))),
        next: more.then(|| place.href(visitor, name, place.kind, place.offset + PER_PAGE)),
    };
    Ok(page(StatusCode::OK, &template))
}

fn waiting(app: &App, visitor: &Visitor, place: &Place<'_>) -> Result<(Vec<Line>, usize), Failure> {
    let (t, common) = (AdminTexts::of(visitor.lang), visitor.texts());
    let queue = app.review.queue(place.state.0, place.kind, place.offset, PER_PAGE)?;
    let rows = queue.items.into_iter().map(|waiting| Line {
        href: visitor.link(&format!("/admin{}", record_path(&waiting.id.kind, &waiting.id.id))),
        title: if waiting.title.is_empty() { waiting.id.to_string() } else { waiting.title },
        kind: kind_label(app, visitor, &waiting.id.kind),
        owner: waiting.owner.as_deref().map(t.owner_name).unwrap_or_default().to_owned(),
        source: waiting.source.as_deref().map(common.source_name).unwrap_or_default().to_owned(),
        when: app.clock.local_time(&waiting.since).unwrap_or(waiting.since),
    });
    Ok((rows.collect(), queue.total))
}

fn published(
    app: &App,
    visitor: &Visitor,
    place: &Place<'_>,
) -> Result<(Vec<Line>, usize), Failure> {
    let request = SearchRequest {
        q: place.q.to_owned(),
        kind: place.kind.map(str::to_owned).into_iter().collect(),
        limit: Some(PER_PAGE),
        offset: Some(place.offset.min(MAX_OFFSET)),
        ..SearchRequest::default()
    };
    let found = app.search.search(&request, Visibility::Owner, app.clock.today())?;
    let text = |value: Option<&Box<serde_json::value::RawValue>>| {
        value.and_then(|json| serde_json::from_str::<String>(json.get()).ok()).unwrap_or_default()
    };
    let rows = found.items.iter().map(|item| Line {
        title: text(item.record.get("title")),
        href: visitor.link(&format!("/admin{}", record_path(&item.kind, &item.id))),
        kind: kind_label(app, visitor, &item.kind),
        owner: String::new(),
        source: String::new(),
        when: text(item.record.get("published_on")),
    });
    let total = usize::try_from(found.total).unwrap_or(usize::MAX).min(MAX_OFFSET + PER_PAGE);
    Ok((rows.collect(), total))
}

fn kind_label(app: &App, visitor: &Visitor, name: &str) -> String {
    let kind = app.catalog.kind(name);
    kind.map_or(name, |kind| visitor.lang.pick(&kind.label)).to_owned()
}

/// Says what was decided before this page came.
fn done(visitor: &Visitor) -> Option<String> {
    let t = AdminTexts::of(visitor.lang);
    let title = visitor.param("title").unwrap_or("–");
    let say = match Action::named(visitor.param("done")?)? {
        Action::Publish => t.done_publish,
        Action::SendBack => t.done_send_back,
        Action::TakeDown => t.done_take_down,
        Action::Remove => t.done_remove,
    };
    Some(say(title))
}
