//! An answer of the check as the page shows it.

use crate::applicability::Verdict;
use crate::applicability::amount::AmountStatus;
use crate::applicability::explain::{ConditionView, WindowView};
use crate::applicability::window::{Exclusion, WindowState};
use crate::portal::links::record_path;
use crate::portal::text::CheckTexts;
use crate::portal::value::money;
use crate::portal::visitor::Visitor;
use crate::service::applicability::{Answer, Item, PortfolioView, VersionView};

/// Records of one verdict that are shown whole; the others are counted.
pub const SHOWN: usize = 30;

pub struct Outcome {
    pub as_of: String,
    pub tally: [(&'static str, &'static str, usize); 4],
    /// What should be known about what was typed.
    pub notes: Vec<String>,
    pub groups: Vec<Group>,
    pub questions: Vec<(String, String)>,
    pub total: Option<String>,
    /// Title, path and sum of what goes together.
    pub portfolio: Vec<(String, String, String)>,
    /// The set may not be the best one.
    pub approximate: bool,
    pub caps: Vec<String>,
    pub exclusions: Vec<String>,
    pub excluded: Vec<LeftOut>,
}

/// A reason to leave records out, by which they can be looked at all the same.
pub struct LeftOut {
    pub reason: &'static str,
    pub label: String,
    pub count: u64,
    pub is_open: bool,
}

pub struct Group {
    pub tone: &'static str,
    pub heading: &'static str,
    pub items: Vec<Shown>,
    /// How many are not shown.
    pub more: Option<String>,
}

/// One record and how it stands.
pub struct Shown {
    pub title: String,
    pub href: String,
    pub say: String,
    pub amount: Option<String>,
    pub window: Option<String>,
    /// What ended it: how, title and path.
    pub successor: Option<(String, String, String)>,
    /// Label of the conditions, which says how many there are.
    pub heading: String,
    pub conditions: Vec<Condition>,
    pub judge: Vec<(String, String)>,
    /// When people compared the rules with the text, and which version of them decided.
    pub rules: Vec<String>,
}

pub struct Condition {
    pub text: String,
    pub clause: String,
    /// `pass`, `fail` or `unknown`, for the style.
    pub tone: &'static str,
    pub verdict: String,
    pub have: String,
    /// How far it is from the bound, what would close the gap, what must be known.
    pub about: Vec<String>,
}

/// Tone and heading of a group of answers, and how many there are.
type Sort = (&'static str, &'static str, usize);

impl Outcome {
    pub fn of(answer: &Answer, visitor: &Visitor) -> Self {
        let t = CheckTexts::of(visitor.lang);
        let summary = &answer.summary;
        let set = &answer.portfolio;
        let range = |low: i64, high: i64| between(Some(low), Some(high), visitor);
        let portfolio = set.items.iter().map(|item| {
            let href = visitor.link(&record_path(&item.kind, &item.id));
            (item.title.clone(), href, range(item.low, item.high).unwrap_or_default())
        });
        let questions = answer.questions.iter();
        let caps = set.caps.iter().map(|cap| (t.cap)(&money(cap.cap, visitor.lang), &cap.clause));
        Self {
            as_of: answer.as_of.clone(),
            tally: [
                ("pass", t.pass, summary.pass),
                ("near", t.near, summary.near),
                ("unknown", t.unknown, summary.unknown),
                ("fail", t.fail, summary.fail),
            ],
            notes: answer.notes.iter().map(|note| note.say.clone()).collect(),
            groups: groups(answer, visitor),
            questions: questions
                .map(|question| (question.label.clone(), (t.decides)(question.decides)))
                .collect(),
            total: (!set.items.is_empty()).then(|| range(set.low, set.high)).flatten(),
            portfolio: portfolio.collect(),
            approximate: set.approximate,
            caps: caps.collect(),
            exclusions: exclusions(set, t),
            excluded: left_out(answer),
        }
    }
}

fn groups(answer: &Answer, visitor: &Visitor) -> Vec<Group> {
    let t = CheckTexts::of(visitor.lang);
    let summary = &answer.summary;
    let opened = left_out(answer).into_iter().filter(|reason| reason.is_open);
    let opened: u64 = opened.map(|reason| reason.count).sum();
    let sorts: [Sort; 5] = [
        ("pass", t.pass, summary.pass),
        ("near", t.near, summary.near),
        ("unknown", t.unknown, summary.unknown),
        ("fail", t.fail, summary.fail),
        ("out", t.excluded, opened as usize),
    ];
    let groups = sorts.into_iter().map(|(tone, heading, count)| {
        let items = answer.items.iter().filter(|item| tone_of(item) == tone);
        let items: Vec<Shown> = items.take(SHOWN).map(|item| shown(item, visitor)).collect();
        let more = count.saturating_sub(items.len());
        Group { tone, heading, items, more: (more > 0).then(|| (t.more)(more as u64)) }
    });
    groups.filter(|group| !group.items.is_empty()).collect()
}

/// The group that a record belongs to.
fn tone_of(item: &Item) -> &'static str {
    let about = &item.explanation;
    match about.verdict {
        _ if about.excluded.is_some() => "out",
        Verdict::Pass => "pass",
        Verdict::Unknown => "unknown",
        Verdict::Fail if about.near => "near",
        Verdict::Fail => "fail",
    }
}

/// What does not go with what was chosen: which, why and where it says so.
fn exclusions(set: &PortfolioView, t: &CheckTexts) -> Vec<String> {
    let exclusions = set.exclusions.iter().map(|left_out| {
        let id = left_out.because_of.as_ref();
        let chosen = id.and_then(|id| set.items.iter().find(|item| item.id == *id));
        let why = match chosen {
            Some(chosen) => (t.not_with)(&chosen.title),
            None => t.needs_another.to_owned(),
        };
        let text = left_out.text.as_deref().unwrap_or_default();
        format!("{} · {why} · {} {text}", left_out.title, left_out.clause)
    });
    exclusions.collect()
}

fn left_out(answer: &Answer) -> Vec<LeftOut> {
    let name = |reason: Exclusion| {
        let named = Exclusion::NAMES.iter().find(|(_, known)| *known == reason);
        named.map_or("", |(name, _)| *name)
    };
    let shows = |reason: Exclusion| {
        answer.items.iter().any(|item| item.explanation.excluded == Some(reason))
    };
    let counted = answer.excluded.iter().filter(|each| each.count > 0);
    let left_out = counted.map(|each| LeftOut {
        reason: name(each.reason),
        label: each.label.to_owned(),
        count: each.count,
        is_open: shows(each.reason),
    });
    left_out.collect()
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
    let about = &item.explanation;
    let amount = &about.amount;
    let amount = match amount.status {
        AmountStatus::None | AmountStatus::NotStated => None,
        _ => match amount.yuan {
            Some(yuan) => Some(money(yuan, visitor.lang)),
            None => between(amount.low, amount.high, visitor),
        },
    };
    let successor = item.successor.as_ref().map(|successor| {
        let from = successor.from.as_deref().unwrap_or_default();
        let href = visitor.link(&record_path(&item.kind, &successor.id));
        let title = match &*successor.title {
            "" => successor.id.to_string(),
            title => title.to_owned(),
        };
        ((t.ended_by)(from), title, href)
    });
    let conditions = about.conditions.iter().map(|view| condition(view, visitor));
    let judge = about.judge.iter();
    let judge = judge.map(|each| (each.text.clone(), each.who.clone().unwrap_or_default()));
    let checked = about.rules.checked_on.as_deref().map(t.checked);
    Shown {
        title: item.title.clone(),
        href: visitor.link(&record_path(&item.kind, &item.id)),
        say: about.say.clone(),
        amount,
        window: window(&about.window, visitor),
        successor,
        heading: (t.conditions)(about.conditions.len() as u64),
        conditions: conditions.collect(),
        judge: judge.collect(),
        rules: checked.into_iter().chain([version(&item.version, t)]).collect(),
    }
}

fn version(version: &VersionView, t: &CheckTexts) -> String {
    let revision = version.revision.0.to_string();
    match (version.valid_from.as_deref(), version.valid_to.as_deref()) {
        (None, None) => (t.version)(&revision),
        (from, to) => {
            let days = (t.days)(from.unwrap_or_default(), to.unwrap_or_default());
            format!("{}{}", (t.version)(&revision), days)
        }
    }
}

fn window(window: &WindowView, visitor: &Visitor) -> Option<String> {
    let t = CheckTexts::of(visitor.lang);
    let texts = visitor.texts();
    let until = |day: &Option<String>| day.clone().unwrap_or_default();
    match window.state {
        WindowState::Open => {
            let left = window.days_left.map(|days| (texts.days_left)(i64::from(days)));
            Some((t.open_until)(&until(&window.closes), &left.unwrap_or_default()))
        }
        WindowState::Upcoming => Some((t.opens_on)(&until(&window.opens))),
        WindowState::Closed => Some(t.closed.to_owned()),
        WindowState::Rolling => Some(t.rolling.to_owned()),
        WindowState::NotStated => None,
    }
}

fn condition(view: &ConditionView, visitor: &Visitor) -> Condition {
    let t = CheckTexts::of(visitor.lang);
    let texts = visitor.texts();
    let mut have: Vec<String> = Vec::new();
    for check in &view.checks {
        let Some(said) = &check.say else { continue };
        let said = format!("{}{}{said}", check.label, texts.colon);
        // Several checks may look at the same.
        if !have.contains(&said) {
            have.push(said);
        }
    }
    let (tone, mark) = match view.verdict {
        Verdict::Pass => ("pass", t.condition_pass),
        Verdict::Fail => ("fail", t.condition_fail),
        Verdict::Unknown => ("unknown", t.condition_unknown),
    };
    let gap = view.gaps.first().map(|gap| gap.say.clone());
    let missing =
        (!view.missing.is_empty()).then(|| (t.missing)(&view.missing.join(texts.list_comma)));
    let assumed = view.assumed.then(|| t.assumed.to_owned());
    let mut about: Vec<String> = Vec::new();
    for line in [view.margin.clone(), gap, missing, assumed].into_iter().flatten() {
        // A margin may end with what would close the gap.
        if !about.iter().any(|known| known.contains(&line)) {
            about.push(line);
        }
    }
    Condition {
        text: view.text.clone(),
        clause: view.clause.clone(),
        tone,
        verdict: mark.to_owned(),
        have: if have.is_empty() { "–".to_owned() } else { have.join(texts.semicolon) },
        about,
    }
}
