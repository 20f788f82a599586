//! The result page.

use std::ops::Range;
use std::time::Instant;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::card::Card;
use super::error::Failure;
use super::facets::{self, Chip, Group};
use super::form::refuse_foreign;
use super::links::{SearchPlace, address};
use super::text::{Texts, grouped};
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::AppState;
use crate::presentation::page::SearchPage;
use crate::query::ladder::Relaxation;
use crate::query::request::{DEFAULT_LIMIT, MAX_OFFSET, SearchRequest};
use crate::query::scope::Scope;
use crate::record::Visibility;
use crate::record::kind::Direction;

/// Page numbers on either side of the current one.
const WINDOW: usize = 2;
/// Other searches that are offered.
const MAX_RELATED: usize = 6;
/// Readings of the query's words that are offered.
const MAX_READINGS: usize = 6;
/// Words of the query, and filters, that a page without results offers one by one.
const MAX_WORDS: usize = 6;
/// Says in an address whether it was noted that something is missing.
const TOLD: &str = "told";
/// Synonyms that are told, and ways to say each.
const MAX_SYNONYMS: usize = 3;

#[derive(Template)]
#[template(path = "search.html")]
struct ResultsPage {
    frame: Frame,
    heading: String,
    found: String,
    notes: Vec<Notice>,
    tabs: Vec<Tab>,
    /// What the words say that may be asked for alone.
    readings: Vec<Reading>,
    chips: Vec<Chip>,
    clear: String,
    filters_label: String,
    groups: Vec<Group>,
    /// Where the words may be looked for.
    scopes: Vec<Tab>,
    sorts: Vec<Tab>,
    cards: Vec<Card>,
    pager: Pager,
    nothing: Option<Nothing>,
    /// Where to say that what was looked for is not here.
    unfound: Option<String>,
    /// Other searches that people make with the same words, with their addresses.
    related: Vec<(String, String)>,
    /// Addresses for those who want to hear of what is new here.
    subscribe: String,
    feed: String,
    /// Address of the results as a table.
    table: String,
}

/// A link among several of which one or more are current.
struct Tab {
    label: String,
    count: Option<String>,
    href: String,
    current: bool,
}

/// A sentence above the results, with a way out.
struct Notice {
    text: String,
    link: Option<(String, String)>,
    /// Good to know, and nothing that went wrong.
    quiet: bool,
}

/// What words of the query were understood to say.
struct Reading {
    /// As they were typed.
    words: String,
    label: String,
    /// Address of those results alone that it holds for, and what a screen reader says of the link.
    only: (String, String),
    /// Address of the search without the words, likewise.
    without: (String, String),
}

#[derive(Default)]
struct Pager {
    previous: Option<String>,
    next: Option<String>,
    pages: Vec<PageLink>,
    /// There is more than can be reached.
    cut: bool,
}

struct PageLink {
    number: usize,
    label: String,
    href: String,
    current: bool,
    /// Pages are left out before this one.
    gap: bool,
}

/// What helps when nothing was found.
struct Nothing {
    heading: String,
    understood: Vec<(&'static str, String)>,
    /// What to try: label, address, and how many it finds.
    tries: Vec<(String, String, Option<String>)>,
    by_kind: Vec<Tab>,
}

pub async fn get_results(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let place =
        SearchPlace::read(&visitor.pairs).map_err(|violation| Failure::Bad(vec![violation]))?;
    let search =
        |request: &SearchRequest| app.search.search(request, Visibility::Public, app.clock.today());
    // Selected kinds are values like any other; given as kinds, their names are checked.
    let named = SearchRequest { kind: place.kinds.clone(), ..place.request() };
    if let Err(bad) = named.check(&app.catalog) {
        return Err(Failure::Bad(bad.violations));
    }
    let mut request = place.request();
    let paths = facets::paths(&app.catalog, &place);
    request.facets = paths.iter().map(ToString::to_string).chain(["kind".to_owned()]).collect();
    request.explain = true;
    let mut found = search(&request)?;
    // Whoever said not to have found it comes back to the same answer.
    if visitor.param(TOLD).is_none() {
        app.suggest.note_search(&request, &found, app.clock.today());
    }
    let mut notes = Vec::new();
    if found.total == 0 && !place.kinds.is_empty() && !place.q.is_empty() {
        // The words were looked for in every kind; now in these alone, and so with less.
        let within = SearchRequest {
            kind: place.kinds.clone(),
            select: place.select.clone(),
            facets: request.facets.clone(),
            explain: true,
            ..place.request()
        };
        let mut wider = search(&within)?;
        if wider.total > 0 {
            let t = visitor.texts();
            notes.push(Notice {
                text: (t.widened)(&kind_labels(app, &place, visitor)),
                link: None,
                quiet: false,
            });
            if let Some(kinds) = found.facets.remove("kind") {
                wider.facets.insert("kind".into(), kinds);
            }
            found = wider;
        }
    }
    let nothing = match found.total {
        0 => Some(nothing(app, visitor, &place, &found)?),
        _ => None,
    };
    let mut groups = Vec::new();
    for path in &paths {
        if let (Some(column), Some(values)) = (app.catalog.column(path), found.facets.get(path)) {
            groups.extend(facets::group(
                &app.catalog,
                column,
                values,
                groups.len(),
                &place,
                visitor.lang,
            ));
        }
    }
    notes.extend(notices(&found, &place, visitor.texts(), notes.is_empty()));
    notes.extend(told(visitor));
    let is_poor = found.total == 0 || found.relaxation >= Relaxation::MostWords;
    let unfound = is_poor && !place.q.is_empty() && visitor.param(TOLD).is_none();
    let chosen = place.num_chosen();
    let template = ResultsPage {
        frame: frame(visitor, &place),
        heading: heading(visitor, app, &place),
        found: (visitor.texts().found)(found.total),
        notes,
        tabs: tabs(app, visitor, &place, &found)?,
        readings: readings(&found, &place, visitor),
        chips: chips(app, &found, &place, visitor),
        clear: cleared(&place).href(),
        filters_label: match chosen {
            0 => visitor.texts().filters.to_owned(),
            chosen => (visitor.texts().filters_chosen)(chosen),
        },
        groups,
        scopes: scopes(visitor.texts(), &place),
        sorts: sorts(app, visitor, &place),
        cards: {
            let items = found.items.iter();
            let today = app.clock.today();
            let cards = items.filter_map(|item| Card::of(item, &app.catalog, visitor, today));
            cards.map(|card| card.with_synonyms(&found.understood.synonyms)).collect()
        },
        related: related(app, visitor, &place, &found.understood.words),
        subscribe: place.subscribe(),
        feed: place.feed(),
        table: place.table(),
        pager: pager(&place, found.total, visitor.texts()),
        unfound: unfound.then(|| place.unfound()),
        nothing,
    };
    Ok(page(StatusCode::OK, &template))
}

/// Answers somebody who said not to have found it.
fn told(visitor: &Visitor) -> Option<Notice> {
    let t = visitor.texts();
    let (text, quiet) = match visitor.param(TOLD)? {
        "1" => (t.unfound_told, true),
        _ => (t.unfound_private, false),
    };
    Some(Notice { text: text.to_owned(), link: None, quiet })
}

/// Notes that what was looked for is not there; the address says what, and nothing of who.
pub async fn post_unfound(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    if !state.app.guests.take("", Instant::now()) {
        return Failure::TooMany.page(&visitor);
    }
    let place = match SearchPlace::read(&visitor.pairs) {
        Ok(place) => place,
        Err(violation) => return Failure::Bad(vec![violation]).page(&visitor),
    };
    let is_noted = state.app.suggest.note_unfound(&place.q, state.app.clock.today());
    let told = format!("{TOLD}={}", u8::from(is_noted));
    let href = place.href();
    let sign = if href.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{href}{sign}{told}")).into_response()
}

fn frame(visitor: &Visitor, place: &SearchPlace) -> Frame {
    let t = visitor.texts();
    let title = match place.q.as_str() {
        "" => t.results.to_owned(),
        q => (t.results_for)(&q.chars().take(60).collect::<String>()),
    };
    let mut frame = visitor.frame(&title);
    frame.indexed = place.q.is_empty() && place.num_chosen() == 0 && place.offset == 0;
    frame.feed = Some(place.feed());
    frame.q.clone_from(&place.q);
    frame.scope = place.scope;
    frame.kinds = place.kinds.join(",");
    frame
}

fn heading(visitor: &Visitor, app: &App, place: &SearchPlace) -> String {
    let t = visitor.texts();
    match (place.q.as_str(), place.kinds.as_slice()) {
        ("", []) => t.all_records.to_owned(),
        ("", _) => kind_labels(app, place, visitor),
        (q, _) => (t.results_for)(q),
    }
}

fn kind_labels(app: &App, place: &SearchPlace, visitor: &Visitor) -> String {
    let kinds = place.kinds.iter().filter_map(|name| app.catalog.kind(name));
    let labels: Vec<&str> = kinds.map(|kind| visitor.lang.pick(&kind.label)).collect();
    labels.join(visitor.texts().list_comma)
}

fn cleared(place: &SearchPlace) -> SearchPlace {
    place.with(|place| {
        place.select.clear();
        place.filter = None;
    })
}

/// Says how the results were found, where it is not what was asked.
fn notices(found: &SearchPage, place: &SearchPlace, t: &Texts, relaxation: bool) -> Vec<Notice> {
    let mut notes = Vec::new();
    if let Some(corrected) = &found.corrected {
        let literally = place.with(|place| place.raw = true).href();
        notes.push(Notice {
            text: (t.corrected)(&corrected.from, &corrected.to),
            link: Some(((t.search_literally)(&corrected.from), literally)),
            quiet: false,
        });
    }
    if !place.raw && found.total > 0 {
        let synonyms = found.understood.synonyms.iter().take(MAX_SYNONYMS);
        let told = synonyms.map(|each| {
            let also = each.also.iter().take(MAX_SYNONYMS).map(|also| format!("“{also}”"));
            (t.also_searched)(&each.text, &also.collect::<Vec<_>>())
        });
        let text: Vec<String> = told.collect();
        if !text.is_empty() {
            let literally = place.with(|place| place.raw = true).href();
            let link = Some((t.only_words.to_owned(), literally));
            notes.push(Notice { text: text.join(t.between_sentences), link, quiet: true });
        }
    }
    let text = match found.relaxation {
        Relaxation::MostWords => Some(t.most_words),
        Relaxation::Grams => Some(t.grams),
        Relaxation::Exact | Relaxation::AllWords => None,
    };
    if let (Some(text), true) = (text, relaxation && found.total > 0) {
        notes.push(Notice { text: text.to_owned(), link: None, quiet: false });
    }
    if found.total > 0 && found.items.is_empty() {
        notes.push(Notice {
            text: t.past_end.to_owned(),
            link: Some((t.first_page.to_owned(), place.at(0).href())),
            quiet: false,
        });
    }
    notes
}

/// What the query was understood to say and is not chosen yet.
fn readings(found: &SearchPage, place: &SearchPlace, visitor: &Visitor) -> Vec<Reading> {
    let t = visitor.texts();
    let offers = found.understood.filters.iter().filter(|_| !place.raw);
    let open = offers.filter_map(|offer| {
        let only = match (&offer.filter, &offer.select) {
            (Some(filter), _) => place.narrowed(filter)?,
            (None, Some(select)) => place.selecting(select)?,
            (None, None) => return None,
        };
        let label = visitor.lang.pick(&offer.label).to_owned();
        let q = found.corrected.as_ref().map_or(&place.q, |corrected| &corrected.to);
        let without = place.with(|place| place.q = without(q, offer.start..offer.end));
        Some(Reading {
            only: (only.href(), (t.only_these)(&label)),
            without: (without.href(), (t.without_words)(&offer.text)),
            words: offer.text.clone(),
            label,
        })
    });
    open.take(MAX_READINGS).collect()
}

/// The query without the characters at `place`, or, when nothing else was typed, with them as they stand.
fn without(q: &str, place: Range<usize>) -> String {
    let all: Vec<char> = q.chars().collect();
    let before: String = all[..place.start.min(all.len())].iter().collect();
    let after: String = all[place.end.min(all.len())..].iter().collect();
    let left = format!("{} {}", before.trim(), after.trim());
    match left.chars().any(char::is_alphanumeric) {
        true => left.trim().to_owned(),
        false => format!("\"{}\"", q.trim()),
    }
}

/// What is chosen; a filter that the query offered under the name that it was offered by.
fn chips(app: &App, found: &SearchPage, place: &SearchPlace, visitor: &Visitor) -> Vec<Chip> {
    let t = visitor.texts();
    let applied = found.understood.filters.iter().filter_map(|offer| {
        let left = place.widened(offer.filter.as_ref()?)?;
        Some((visitor.lang.pick(&offer.label).to_owned(), left))
    });
    let mut rest = place.clone();
    for filter in found.understood.filters.iter().filter_map(|offer| offer.filter.as_ref()) {
        rest = rest.widened(filter).unwrap_or(rest);
    }
    let applied =
        applied.map(|(label, left)| Chip { hint: (t.remove)(&label), href: left.href(), label });
    let mut chips: Vec<Chip> = applied.collect();
    chips.extend(facets::selected(&app.catalog, place, visitor.lang));
    if let Some(expression) = &rest.filter {
        let label = format!("{}{}{expression}", t.expression, t.colon);
        let href = place.with(|place| place.filter = None).href();
        chips.push(Chip { hint: (t.remove)(&label), href, label });
    }
    chips
}

/// All kinds, then each, with what is found there.
fn tabs(
    app: &App,
    visitor: &Visitor,
    place: &SearchPlace,
    found: &SearchPage,
) -> Result<Vec<Tab>, Failure> {
    let everywhere = in_kind(app, place, None);
    // What only some kinds can be asked is left out on the way to the others, and so in their counts.
    let elsewhere = match everywhere.select.len() == place.select.len() {
        true => None,
        false => {
            let facets = vec!["kind".into()];
            let request = SearchRequest { facets, limit: Some(1), ..everywhere.request() };
            Some(app.search.search(&request, Visibility::Public, app.clock.today())?)
        }
    };
    let counts = elsewhere.as_ref().unwrap_or(found).facets.get("kind");
    let counts = counts.map(Vec::as_slice).unwrap_or_default();
    let all = Tab {
        label: visitor.texts().everything.to_owned(),
        count: Some(grouped(counts.iter().map(|value| value.count).sum())),
        href: everywhere.href(),
        current: place.kinds.is_empty(),
    };
    let kinds = app.catalog.kinds.iter().map(|kind| {
        let there = in_kind(app, place, Some(&kind.name));
        let count = counts.iter().find(|value| *value.value == *kind.name);
        let count = count.map_or(0, |value| value.count);
        let count = match place.kinds.as_slice() {
            [only] if **only == *kind.name => Some(found.total),
            _ => (there.select == everywhere.select).then_some(count),
        };
        Tab {
            label: visitor.lang.pick(&kind.label).to_owned(),
            count: count.map(grouped),
            href: there.href(),
            current: place.kinds.iter().any(|name| **name == *kind.name),
        }
    });
    Ok(std::iter::once(all).chain(kinds).collect())
}

/// The place in another kind, without what that kind does not have.
fn in_kind(app: &App, place: &SearchPlace, kind: Option<&str>) -> SearchPlace {
    let has = |path: &str| {
        app.catalog.column(path).is_some_and(|column| match kind {
            Some(kind) => column.kinds.iter().any(|name| **name == *kind),
            None => column.kinds.len() == app.catalog.kinds.len(),
        })
    };
    place.with(|place| {
        place.kinds = kind.map(str::to_owned).into_iter().collect();
        place.select.retain(|selected| selected.split_once(':').is_some_and(|(path, _)| has(path)));
        place.sort = place.sort.take().filter(|sort| match sort.rsplit_once(':') {
            Some((path, _)) => has(path),
            None => true,
        });
    })
}

/// Where words may be looked for; nothing without words.
fn scopes(t: &Texts, place: &SearchPlace) -> Vec<Tab> {
    if place.q.is_empty() {
        return Vec::new();
    }
    let tab = |scope: Scope| Tab {
        label: (t.scope)(scope).to_owned(),
        count: None,
        href: place.with(|place| place.scope = scope).href(),
        current: place.scope == scope,
    };
    Scope::ALL.map(tab).into()
}

/// Relevance where something was typed, newest, and what the kind declares.
fn sorts(app: &App, visitor: &Visitor, place: &SearchPlace) -> Vec<Tab> {
    let t = visitor.texts();
    let usual = if place.q.is_empty() { "newest" } else { "relevance" };
    let current = place.sort.as_deref().unwrap_or(usual);
    let sort = |name: &str, label: &str| Tab {
        label: label.to_owned(),
        count: None,
        href: place.with(|place| place.sort = (name != usual).then(|| name.to_owned())).href(),
        current: current == name,
    };
    let mut sorts = Vec::new();
    if !place.q.is_empty() {
        sorts.push(sort("relevance", t.by_relevance));
    }
    sorts.push(sort("newest", t.by_newest));
    if let [kind] = place.kinds.as_slice()
        && let Some(kind) = app.catalog.kind(kind)
    {
        for declared in &kind.sorts {
            let direction = match declared.order {
                Direction::Ascending => "asc",
                Direction::Descending => "desc",
            };
            let name = format!("{}:{direction}", declared.field);
            sorts.push(sort(&name, visitor.lang.pick(&declared.label)));
        }
    }
    sorts
}

fn pager(place: &SearchPlace, total: u64, t: &Texts) -> Pager {
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let needed = total.div_ceil(DEFAULT_LIMIT);
    let reachable = needed.min(MAX_OFFSET / DEFAULT_LIMIT + 1);
    if needed < 2 {
        return Pager::default();
    }
    let current = place.offset / DEFAULT_LIMIT + 1;
    let href = |number: usize| place.at((number - 1) * DEFAULT_LIMIT).href();
    let mut pages: Vec<PageLink> = Vec::new();
    for number in 1..=reachable {
        let near = number.abs_diff(current) <= WINDOW;
        if number == 1 || number == reachable || near {
            pages.push(PageLink {
                number,
                label: (t.page)(number as u64),
                href: href(number),
                current: number == current,
                gap: pages.last().is_some_and(|last| last.number + 1 < number),
            });
        }
    }
    Pager {
        previous: (current > 1 && current - 1 <= reachable).then(|| href(current - 1)),
        next: (current < reachable).then(|| href(current + 1)),
        pages,
        cut: needed > reachable && current >= reachable,
    }
}

/// Finds what others ask with one of the words, the most asked first.
fn related(
    app: &App,
    visitor: &Visitor,
    place: &SearchPlace,
    words: &[String],
) -> Vec<(String, String)> {
    let words: Vec<&String> = words.iter().filter(|word| word.chars().nth(1).is_some()).collect();
    let asked = app.suggest.popular(usize::MAX).into_iter();
    let near = asked.filter(|asked| {
        let folded = asked.to_lowercase();
        *asked != place.q && words.iter().any(|word| folded.contains(word.as_str()))
    });
    let href = |q: &String| visitor.anywhere().with(|place| place.q.clone_from(q)).href();
    near.take(MAX_RELATED).map(|q| (q.clone(), href(&q))).collect()
}

/// Gathers what helps: how the query was read, ways to ask for less, and the kinds that do have something.
fn nothing(
    app: &App,
    visitor: &Visitor,
    place: &SearchPlace,
    found: &SearchPage,
) -> Result<Nothing, Failure> {
    let t = visitor.texts();
    let understood = &found.understood;
    let told = [
        (t.words, &understood.words),
        (t.phrases, &understood.phrases),
        (t.excluded, &understood.excluded),
    ];
    let told = told.into_iter().filter(|(_, words)| !words.is_empty());
    let told = told.map(|(label, words)| (label, words.join(t.list_comma)));
    let bare = SearchPlace { q: place.q.clone(), ..visitor.anywhere() };
    let request = SearchRequest { facets: vec!["kind".into()], limit: Some(1), ..bare.request() };
    let without = app.search.search(&request, Visibility::Public, app.clock.today())?;
    let mut tries = Vec::new();
    // Only what finds something is offered, with how much.
    let mut offer = |label: String, there: SearchPlace| -> Result<(), Failure> {
        let request = SearchRequest { limit: Some(1), ..there.request() };
        let total = app.search.search(&request, Visibility::Public, app.clock.today())?.total;
        if total > 0 {
            tries.push((label, there.href(), Some(grouped(total))));
        }
        Ok(())
    };
    if place.select.len() > 1 {
        let labels = facets::selected(&app.catalog, place, visitor.lang).into_iter();
        for (selected, chip) in place.select.iter().zip(labels).take(MAX_WORDS) {
            offer((t.try_less)(&chip.label), place.toggled(selected))?;
        }
    }
    if place.num_chosen() > 0 {
        offer(t.try_without_filters.to_owned(), cleared(place))?;
    }
    if !place.scope.is_everything() {
        offer(t.try_everywhere.to_owned(), place.with(|place| place.scope = Scope::All))?;
    }
    if !understood.phrases.is_empty() {
        let q = place.q.replace(['"', '“', '”', '＂', '「', '」'], " ");
        let q = q.split_whitespace().collect::<Vec<_>>().join(" ");
        offer(t.try_unquoted.to_owned(), place.with(|place| place.q = q))?;
    }
    if understood.words.len() > 1 {
        for word in
            understood.words.iter().filter(|word| word.chars().nth(1).is_some()).take(MAX_WORDS)
        {
            let alone = SearchPlace { q: word.clone(), ..visitor.anywhere() };
            offer((t.try_word)(word), alone)?;
        }
    }
    // What nobody has can be asked for.
    for form in app.catalog.kinds.iter().filter_map(|kind| kind.form.as_ref()) {
        let title: String = place.q.chars().take(100).collect();
        let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
        let pairs = [("title", title.as_str())].into_iter().chain(lang);
        let label = visitor.lang.pick(&form.label).to_owned();
        tries.push((label, address(&format!("/{}/new", form.path), pairs), None));
    }
    tries.push((t.try_everything.to_owned(), visitor.anywhere().href(), None));
    let by_kind = tabs(app, visitor, &bare, &without)?;
    Ok(Nothing {
        heading: match place.q.as_str() {
            "" => t.no_results.to_owned(),
            q => (t.no_results_for)(q),
        },
        understood: told.collect(),
        tries,
        by_kind: by_kind
            .into_iter()
            .skip(1)
            .filter(|tab| tab.count.as_deref() != Some("0"))
            .collect(),
    })
}
