//! The policy check: an enterprise's facts against every record that states conditions. Nothing is kept.

mod profile;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::assets::TASKS_STYLE;
use super::error::Failure;
use super::form::{Pairs, refuse_foreign};
use super::links::record_path;
use super::text::{CheckTexts, Lang};
use super::value::money;
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::applicability::Verdict;
use crate::applicability::amount::AmountStatus;
use crate::applicability::window::WindowState;
use crate::http::AppState;
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::service::applicability::{Answer, CheckError, CheckRequest, Item};
use profile::{Question, questions};

/// Records of one verdict that are shown whole; the others are counted.
const SHOWN: usize = 30;

#[derive(Template)]
#[template(path = "check.html")]
struct CheckPage {
    frame: Frame,
    t: &'static CheckTexts,
    tasks_style: &'static str,
    action: String,
    questions: Vec<Question>,
    wrong: Vec<String>,
    result: Option<Outcome>,
    /// The one record that is asked about.
    only: Option<String>,
}

struct Outcome {
    as_of: String,
    tally: [(&'static str, &'static str, usize); 4],
    groups: Vec<Group>,
    questions: Vec<(String, String)>,
    total: Option<String>,
    portfolio: Vec<(String, String, String)>,
    exclusions: Vec<String>,
    excluded: Vec<(String, u64)>,
}

struct Group {
    tone: &'static str,
    heading: &'static str,
    items: Vec<Shown>,
    /// How many are not shown.
    more: Option<String>,
}

/// One record and how it stands.
struct Shown {
    title: String,
    href: String,
    say: String,
    amount: Option<String>,
    window: Option<String>,
    /// Label of the conditions, which says how many there are.
    heading: String,
    conditions: Vec<Condition>,
    judge: Vec<(String, String)>,
    checked: Option<String>,
}

struct Condition {
    text: String,
    clause: String,
    /// `pass`, `fail` or `unknown`, for the style.
    tone: &'static str,
    verdict: String,
    have: String,
    margin: Option<String>,
}

pub async fn get_check(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, |app, visitor| draw(app, visitor, &visitor.pairs, Vec::new(), None))
        .await
}

pub async fn post_check(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&visitor) };
    answer(&state, visitor, move |app, visitor| {
        let today = app.clock.today();
        let attributes = app.applicability.dictionary.attributes();
        let request = CheckRequest {
            profile: profile::read(attributes, &pairs, year(app)),
            as_of: today,
            today,
            ids: only(&pairs).into_iter().collect(),
            lang: visitor.lang,
            ..CheckRequest::default()
        };
        match app.applicability.check(&request) {
            Ok(answer) => {
                let outcome = outcome(&answer, visitor);
                draw(app, visitor, &pairs, Vec::new(), Some(outcome))
            }
            Err(
                CheckError::Profile(wrong) | CheckError::Bad(BadRequest { violations: wrong, .. }),
            ) => draw(app, visitor, &pairs, wrong, None),
            Err(CheckError::Store(error)) => Err(error.into()),
            Err(CheckError::Engine(error)) => {
                tracing::error!(%error, "a check failed");
                Err(Failure::Unavailable)
            }
        }
    })
    .await
}

fn only(pairs: &[(String, String)]) -> Option<String> {
    let found = pairs.iter().find(|(name, value)| name == "id" && !value.is_empty());
    found.map(|(_, id)| id.clone())
}

/// The present year in the service's zone.
fn year(app: &App) -> i32 {
    let now = app.clock.local_time(&app.clock.now()).unwrap_or_default();
    now.get(..4).and_then(|year| year.parse().ok()).unwrap_or(2000)
}

fn draw(
    app: &App,
    visitor: &Visitor,
    pairs: &[(String, String)],
    wrong: Vec<Violation>,
    result: Option<Outcome>,
) -> Result<Response, Failure> {
    let t = CheckTexts::of(visitor.lang);
    let attributes = app.applicability.dictionary.attributes();
    let year = year(app);
    let label = |violation: &Violation| {
        let id = violation.pointer.trim_start_matches("/profile").trim_start_matches('/');
        let id = id.split('/').next().unwrap_or_default();
        let attribute = attributes.find(id).map(|at| &attributes.list[at]);
        let label = attribute.map_or(id, |attribute| visitor.lang.pick(&attribute.label));
        match visitor.lang {
            Lang::Zh => format!("{label}：{}", t.wrong_value),
            Lang::En => format!("{label}: {}", violation.expected),
        }
    };
    let mut frame = visitor.frame(visitor.texts().check);
    frame.indexed = result.is_none();
    let template = CheckPage {
        frame,
        t,
        tasks_style: &TASKS_STYLE,
        action: visitor.link("/check"),
        questions: questions(attributes, pairs, year, visitor.lang),
        wrong: wrong.iter().map(label).collect(),
        only: only(pairs),
        result,
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, &template))
}

/// Tone and heading of a group of answers, and which answers belong to it.
type Sort = (&'static str, &'static str, fn(&Item) -> bool);

fn outcome(answer: &Answer, visitor: &Visitor) -> Outcome {
    let t = CheckTexts::of(visitor.lang);
    let sorts: [Sort; 4] = [
        ("pass", t.pass, |item| item.explanation.verdict == Verdict::Pass),
        ("near", t.near, |item| item.explanation.near),
        ("unknown", t.unknown, |item| item.explanation.verdict == Verdict::Unknown),
        ("fail", t.fail, |item| {
            item.explanation.verdict == Verdict::Fail && !item.explanation.near
        }),
    ];
    let groups = sorts.iter().map(|(tone, heading, is_here)| {
        let mut items: Vec<&Item> = answer.items.iter().filter(|item| is_here(item)).collect();
        let more = items.len().saturating_sub(SHOWN);
        items.truncate(SHOWN);
        let items = items.into_iter().map(|item| shown(item, visitor)).collect();
        Group { tone, heading, items, more: (more > 0).then(|| (t.more)(more as u64)) }
    });
    let summary = &answer.summary;
    let set = &answer.portfolio;
    let range = |low: i64, high: Option<i64>| between(Some(low), high, visitor);
    Outcome {
        as_of: answer.as_of.clone(),
        tally: [
            ("pass", t.pass, summary.pass),
            ("near", t.near, summary.near),
            ("unknown", t.unknown, summary.unknown),
            ("fail", t.fail, summary.fail),
        ],
        groups: groups.filter(|group| !group.items.is_empty()).collect(),
        questions: answer
            .questions
            .iter()
            .map(|question| (question.label.clone(), (t.decides)(question.decides)))
            .collect(),
        total: (!set.items.is_empty()).then(|| range(set.low, Some(set.high))).flatten(),
        portfolio: set
            .items
            .iter()
            .map(|item| {
                let href = visitor.link(&record_path(&item.kind, &item.id));
                (item.title.clone(), href, range(item.low, Some(item.high)).unwrap_or_default())
            })
            .collect(),
        exclusions: set
            .exclusions
            .iter()
            .map(|each| {
                let text = each.text.as_deref().unwrap_or_default();
                format!("{} · {} {text}", each.title, each.clause)
            })
            .collect(),
        excluded: answer
            .excluded
            .iter()
            .filter(|each| each.count > 0)
            .map(|each| (each.label.to_owned(), each.count))
            .collect(),
    }
}

/// A sum or a span of sums in words.
fn between(low: Option<i64>, high: Option<i64>, visitor: &Visitor) -> Option<String> {
    let t = CheckTexts::of(visitor.lang);
    let print = |yuan: i64| money(yuan, visitor.lang);
    match (low.unwrap_or(0), high) {
        (0, None) => None,
        (low, None) => Some((t.at_least)(&print(low))),
        (low, Some(high)) if low == high => Some(print(high)),
        (0, Some(high)) => Some((t.up_to)(&print(high))),
        (low, Some(high)) => Some(format!("{} – {}", print(low), print(high))),
    }
}

fn shown(item: &Item, visitor: &Visitor) -> Shown {
    let t = CheckTexts::of(visitor.lang);
    let texts = visitor.texts();
    let about = &item.explanation;
    let amount = &about.amount;
    let amount = match amount.status {
        AmountStatus::None | AmountStatus::NotStated => None,
        _ => match amount.yuan {
            Some(yuan) => Some(money(yuan, visitor.lang)),
            None => between(amount.low, amount.high, visitor),
        },
    };
    let window = &about.window;
    let until = |day: &Option<String>| day.clone().unwrap_or_default();
    let window = match window.state {
        WindowState::Open => {
            let left = window.days_left.map(|days| (texts.days_left)(i64::from(days)));
            Some((t.open_until)(&until(&window.closes), &left.unwrap_or_default()))
        }
        WindowState::Upcoming => Some((t.opens_on)(&until(&window.opens))),
        WindowState::Closed => Some(t.closed.to_owned()),
        WindowState::Rolling => Some(t.rolling.to_owned()),
        WindowState::NotStated => None,
    };
    let conditions = about.conditions.iter().map(|condition| {
        let mut have: Vec<String> = Vec::new();
        for check in &condition.checks {
            let Some(said) = &check.say else { continue };
            let said = format!("{}{}{said}", check.label, texts.colon);
            // Several checks may look at the same.
            if !have.contains(&said) {
                have.push(said);
            }
        }
        let (tone, mark) = match condition.verdict {
            Verdict::Pass => ("pass", t.condition_pass),
            Verdict::Fail => ("fail", t.condition_fail),
            Verdict::Unknown => ("unknown", t.condition_unknown),
        };
        Condition {
            text: condition.text.clone(),
            clause: condition.clause.clone(),
            tone,
            verdict: mark.to_owned(),
            have: if have.is_empty() { "–".to_owned() } else { have.join(texts.semicolon) },
            margin: condition.margin.clone().or(condition.gaps.first().map(|gap| gap.say.clone())),
        }
    });
    let judge = about.judge.iter();
    let judge = judge.map(|each| (each.text.clone(), each.who.clone().unwrap_or_default()));
    Shown {
        title: item.title.clone(),
        href: visitor.link(&record_path(&item.kind, &item.id)),
        say: about.say.clone(),
        amount,
        window,
        heading: (t.conditions)(about.conditions.len() as u64),
        conditions: conditions.collect(),
        judge: judge.collect(),
        checked: about.rules.checked_on.clone(),
    }
}
