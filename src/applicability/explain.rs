//! One record and one profile, with every reason.

use serde::Serialize;
use serde_json::Value;

use super::Verdict;
use super::amount::{self, AmountStatus, Sum};
use super::condition::{Check, Need, Node, Subject, Test};
use super::dictionary::Dictionary;
use super::profile::Profile;
use super::rules::{Amount, FULL, Rules};
use super::value::{Interval, Moment, print_day};
use super::window::{Exclusion, WindowState};
use super::words;
use crate::record::Lang;

/// How a record stands to a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub verdict: Verdict,
    pub near: bool,
    /// The verdict in a sentence.
    pub say: String,
    /// Why the record is left out of ordinary answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Exclusion>,
    /// The least of their verdicts is the record's.
    pub conditions: Vec<ConditionView>,
    /// What people decide: shown always, counted never.
    pub judge: Vec<JudgementView>,
    pub amount: AmountView,
    pub window: WindowView,
    pub rules: RulesView,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConditionView {
    pub id: String,
    pub clause: String,
    pub text: String,
    pub verdict: Verdict,
    /// What the profile has for each check, null where it does not say. Money in yuan, shares as fractions.
    pub have: Vec<Value>,
    /// What each check asks for, in the same units.
    pub need: Vec<Value>,
    /// What is missing to decide; empty exactly when it is decided.
    pub need_data: Vec<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    pub margin: Option<String>,
    pub checks: Vec<CheckView>,
    /// What would close the gap of a near miss, in the profile's own numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapView>,
    /// The verdict rests on what was assumed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckView {
    pub label: String,
    pub op: &'static str,
    pub have: Value,
    /// What the profile has, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    pub need: Value,
    /// As it counts for the condition.
    pub verdict: Verdict,
    /// It must not be as `need` says. A yes-or-no that must not be one is to be the other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub must_not: bool,
    /// Nobody stated what the profile has: it follows from other values.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GapView {
    pub attribute: String,
    /// In the attribute's unit: yuan, pieces, months.
    pub by: f64,
    pub say: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgementView {
    pub id: String,
    pub clause: String,
    pub text: String,
    pub who: Option<String>,
}

/// Whole yuan; `yuan` is the sum when it is exact, `high` null when nothing bounds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AmountView {
    pub status: AmountStatus,
    pub low: Option<i64>,
    pub high: Option<i64>,
    pub yuan: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<AmountPartView>,
    /// What would make it exact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    pub say: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AmountPartView {
    pub id: String,
    pub clause: String,
    pub label: Option<String>,
    pub low: i64,
    pub high: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowView {
    pub state: WindowState,
    pub opens: Option<String>,
    pub closes: Option<String>,
    /// To the end of an open window; to the beginning of one to come.
    pub days_left: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RulesView {
    pub fidelity: Option<String>,
    pub checked_on: Option<String>,
    /// The day that years count from.
    pub as_of: String,
    /// The year `Y`.
    pub year: i32,
    /// Whether the record states conditions.
    pub modelled: bool,
}

/// Checks a record against a profile on a day.
///
/// `ended_by_others` is the day from which another record ends this one. What the record says itself stays as it is;
/// everything else is said in `lang`.
pub fn explain(
    rules: &Rules,
    profile: &Profile,
    as_of: i32,
    ended_by_others: Option<i32>,
    dictionary: &Dictionary,
    lang: Lang,
) -> Explanation {
    let speaker = Speaker { dictionary, lang };
    let moment = rules.moment_on(as_of);
    let mut excluded = match () {
        () if as_of < rules.first_day() => Some(Exclusion::NotYetInForce),
        () if as_of > rules.last_day(ended_by_others) => Some(Exclusion::NoLongerInForce),
        () => None,
    };
    let mut conditions = Vec::new();
    let (mut failed, mut in_reach) = (0, true);
    let region = region_node(rules, dictionary);
    let region_verdict =
        region.as_ref().map_or(Verdict::Pass, |node| node.verdict(profile, moment));
    let modelled = !rules.conditions.is_empty();
    if let Some(node) = &region
        && (region_verdict != Verdict::Pass || !modelled)
    {
        conditions.push(implied("region", node, profile, moment, speaker));
    }
    if region_verdict == Verdict::Fail {
        excluded = Some(Exclusion::Region);
        in_reach = false;
    }
    for condition in rules.conditions.iter().filter(|known| known.validity.covers(as_of)) {
        let Some(tree) = &condition.tree else {
            conditions.push(ConditionView::bare(&condition.id, &condition.clause, &condition.text));
            continue;
        };
        let view = ConditionView::of(
            &condition.id,
            &condition.clause,
            &condition.text,
            tree,
            profile,
            moment,
            speaker,
        );
        if view.verdict == Verdict::Fail {
            failed += 1;
            in_reach &= tree.is_within_reach(profile, moment, dictionary);
            if excluded.is_none() && fails_by_region(tree, profile, moment, dictionary) {
                excluded = Some(Exclusion::Region);
                in_reach = false;
            }
        }
        conditions.push(view);
    }
    if !modelled {
        for (id, node, reason) in [
            ("audience", audience_node(rules, dictionary), Exclusion::Audience),
            ("industry", industry_node(rules, dictionary), Exclusion::Industry),
        ] {
            let Some(node) = node else { continue };
            let view = match &node {
                Some(node) => implied(id, node, profile, moment, speaker),
                None => ConditionView::open(id, lang),
            };
            if view.verdict == Verdict::Fail {
                excluded = excluded.or(Some(reason));
            }
            conditions.push(view);
        }
    }
    let least = conditions.iter().map(|view| view.verdict).min().unwrap_or(Verdict::Pass);
    let verdict = if modelled { least } else { least.min(Verdict::Unknown) };
    let near = modelled
        && verdict == Verdict::Fail
        && in_reach
        && excluded.is_none()
        && failed <= dictionary.attributes().near.conditions;
    let sum = match (verdict, excluded) {
        // What has ended gives nothing any more.
        (Verdict::Fail, _) | (_, Some(Exclusion::NoLongerInForce)) => Sum::none(),
        _ => amount::sum(&rules.offer, profile, moment),
    };
    let judge: Vec<JudgementView> = rules
        .judgements
        .iter()
        .filter(|known| known.validity.covers(as_of))
        .map(|known| JudgementView {
            id: known.id.clone(),
            clause: known.clause.clone(),
            text: known.text.clone(),
            who: known.who.clone(),
        })
        .collect();
    Explanation {
        verdict,
        near,
        say: say(rules, (verdict, near, excluded), &conditions, &judge, profile, lang),
        excluded,
        judge,
        amount: AmountView::of(&sum, &rules.offer.amounts, moment, speaker),
        window: WindowView::of(rules, as_of),
        rules: RulesView {
            fidelity: rules.fidelity.clone(),
            checked_on: rules.checked_on.map(print_day),
            as_of: print_day(moment.reference),
            year: moment.year(),
            modelled,
        },
        conditions,
    }
}

/// What the regions of a record ask for; `None` when it names none, or the whole country.
pub(super) fn region_node(rules: &Rules, dictionary: &Dictionary) -> Option<Node> {
    let attribute = dictionary.attributes().region?;
    let vocabulary = dictionary.attributes().list[attribute].vocabulary.as_ref()?;
    // A place with nothing above it is everywhere.
    let everywhere = rules.regions.iter().any(|&place| {
        vocabulary.entries[place as usize].parent.is_none()
            && vocabulary
                .roots()
                .filter(|root| vocabulary.children(&root.code).next().is_some())
                .count()
                == 1
    });
    if rules.regions.is_empty() || everywhere {
        return None;
    }
    Some(within(attribute, &rules.regions, vocabulary))
}

fn within(attribute: usize, codes: &[u32], vocabulary: &crate::record::Vocabulary) -> Node {
    Node::Check(Check {
        subject: Subject::Code { attribute, year: None },
        test: Test::Within {
            codes: codes.to_vec(),
            above: super::reader::above(vocabulary, codes),
        },
        show: None,
        op: "within",
        unit: None,
    })
}

/// What the industries of a record ask for: `Some(None)` when there is no way to tell.
#[allow(clippy::option_option)]
pub(super) fn industry_node(rules: &Rules, dictionary: &Dictionary) -> Option<Option<Node>> {
    if rules.industries.is_empty() {
        return None;
    }
    let attribute = dictionary.attributes().industry?;
    let vocabulary = dictionary.attributes().list[attribute].vocabulary.as_ref()?;
    Some(Some(within(attribute, &rules.industries, vocabulary)))
}

/// What the audience of a record asks for: `Some(None)` when there is no way to tell.
#[allow(clippy::option_option)]
pub(super) fn audience_node(rules: &Rules, dictionary: &Dictionary) -> Option<Option<Node>> {
    if rules.audience.is_empty() {
        return None;
    }
    let mut of = Vec::new();
    let mut is_open = false;
    for code in &rules.audience {
        match dictionary.audience(code) {
            // Anyone.
            Some(None) => return None,
            Some(Some(node)) => of.push(node.clone()),
            None => is_open = true,
        }
    }
    // One that nobody can check keeps the question open.
    if is_open {
        Some(None)
    } else {
        Some(Some(Node::Group { how: super::condition::How::Any, of }))
    }
}

/// Tells whether a condition fails since the organization is elsewhere: a place that it asks for besides the rest.
pub(super) fn fails_by_region(
    tree: &Node,
    profile: &Profile,
    moment: Moment,
    dictionary: &Dictionary,
) -> bool {
    region_checks(tree, dictionary).any(|check| check.verdict(profile, moment) == Verdict::Fail)
}

/// The checks of the place that must pass for the tree to pass.
pub(super) fn region_checks<'a>(
    tree: &'a Node,
    dictionary: &Dictionary,
) -> impl Iterator<Item = &'a Check> {
    let region = dictionary.attributes().region;
    let of = match tree {
        Node::Group { how: super::condition::How::All, of } => of.as_slice(),
        _ => &[],
    };
    of.iter().filter_map(move |node| match node {
        Node::Check(check) if region.is_some() && check.attribute() == region => Some(check),
        _ => None,
    })
}

/// Who puts things into words.
#[derive(Clone, Copy)]
struct Speaker<'a> {
    dictionary: &'a Dictionary,
    lang: Lang,
}

fn implied(
    id: &str,
    node: &Node,
    profile: &Profile,
    moment: Moment,
    speaker: Speaker<'_>,
) -> ConditionView {
    let (clause, text) = heading(id, speaker.lang);
    ConditionView::of(id, clause, text, node, profile, moment, speaker)
}

/// Clause and text of a condition that a field of the record implies.
fn heading(id: &str, lang: Lang) -> (&'static str, &'static str) {
    match (id, lang) {
        ("region", Lang::Zh) => ("适用地区", "注册地在适用地区内"),
        ("region", Lang::En) => ("Region", "Registered where it applies"),
        ("audience", Lang::Zh) => ("适用对象", "属于适用对象"),
        ("audience", Lang::En) => ("Audience", "One of those it is for"),
        (_, Lang::Zh) => ("适用行业", "属于适用行业"),
        (_, Lang::En) => ("Industry", "Of an industry that it is for"),
    }
}

impl ConditionView {
    fn of(
        id: &str,
        clause: &str,
        text: &str,
        tree: &Node,
        profile: &Profile,
        moment: Moment,
        Speaker { dictionary, lang }: Speaker<'_>,
    ) -> Self {
        let verdict = tree.verdict(profile, moment);
        let mut needs: Vec<Need> = Vec::new();
        tree.needs(profile, moment, &mut needs);
        let mut signed = Vec::new();
        tree.signed_checks(false, &mut |check, negated| signed.push((check, negated)));
        let checks: Vec<&Check> = signed.iter().map(|(check, _)| *check).collect();
        let views: Vec<CheckView> = signed
            .iter()
            .map(|&(check, negated)| {
                let verdict = check.verdict(profile, moment);
                let (need, must_not) = match check.test {
                    Test::Is(wanted) => (Value::from(wanted ^ negated), false),
                    _ => (check.need(dictionary), negated),
                };
                CheckView {
                    label: check.label(dictionary, moment, lang),
                    derived: check.reads().iter().any(|&at| profile.is_derived(at)),
                    op: check.op,
                    have: check.have(profile, moment, dictionary),
                    say: check.say_have(profile, moment, dictionary, lang),
                    need,
                    must_not,
                    verdict: if negated { verdict.negated() } else { verdict },
                }
            })
            .collect();
        // The margin of what decided, the nearest one where several did.
        let deciding = || checks.iter().filter(|check| check.verdict(profile, moment) == verdict);
        let reached: Vec<&&Check> = deciding()
            .filter(|check| {
                verdict == Verdict::Fail && check.is_within_reach(profile, moment, dictionary)
            })
            .collect();
        let margin = reached
            .iter()
            .find_map(|check| check.margin(profile, moment, dictionary, lang))
            .or_else(|| {
                deciding().find_map(|check| check.margin(profile, moment, dictionary, lang))
            });
        let gaps = reached
            .iter()
            .filter_map(|check| check.gap(profile, moment))
            .filter(|gap| gap.by > 0.0)
            .filter_map(|gap| {
                Some(GapView {
                    attribute: dictionary.attributes().list[gap.attribute].id.to_string(),
                    by: (gap.by * 1e4).round() / 1e4,
                    say: words::say_gap(&gap, moment, dictionary, lang)?,
                })
            })
            .collect();
        let assumed = profile.has_assumptions()
            && checks
                .iter()
                .any(|check| check.reads().iter().any(|&attribute| profile.is_assumed(attribute)));
        Self {
            id: id.to_owned(),
            clause: clause.to_owned(),
            text: text.to_owned(),
            verdict,
            have: views.iter().map(|view| view.have.clone()).collect(),
            need: views.iter().map(|view| view.need.clone()).collect(),
            need_data: needs.iter().map(|need| words::print_need(need, dictionary)).collect(),
            missing: needs
                .iter()
                .map(|need| words::say_need(need, dictionary, moment, lang))
                .collect(),
            margin,
            checks: views,
            gaps,
            assumed,
        }
    }

    /// A condition that only words state.
    fn open(id: &str, lang: Lang) -> Self {
        let (clause, text) = heading(id, lang);
        Self::bare(id, clause, text)
    }

    fn bare(id: &str, clause: &str, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            clause: clause.to_owned(),
            text: text.to_owned(),
            verdict: Verdict::Unknown,
            have: Vec::new(),
            need: Vec::new(),
            need_data: Vec::new(),
            missing: Vec::new(),
            margin: None,
            checks: Vec::new(),
            gaps: Vec::new(),
            assumed: false,
        }
    }
}

impl Check {
    /// The attributes that the check reads.
    pub fn reads(&self) -> Vec<usize> {
        match &self.subject {
            Subject::Number { expression, attribute, .. } => {
                let mut reads = Vec::new();
                expression.attributes(&mut reads);
                reads.iter().map(|&(at, _)| at).chain(*attribute).collect()
            }
            _ => self.attribute().into_iter().collect(),
        }
    }
}

impl AmountView {
    fn of(
        sum: &Sum,
        amounts: &[Amount],
        moment: Moment,
        Speaker { dictionary, lang }: Speaker<'_>,
    ) -> Self {
        let stated = !matches!(sum.status, AmountStatus::NotStated | AmountStatus::None);
        let whole = |yuan: f64| yuan.is_finite().then(|| yuan.round() as i64);
        let depends_on: Vec<String> =
            sum.needs.iter().map(|need| words::say_need(need, dictionary, moment, lang)).collect();
        let (low, high) = (words::say_yuan(sum.low, lang), words::say_yuan(sum.high, lang));
        let say = match (sum.status, lang) {
            (AmountStatus::Exact, _) => low,
            (AmountStatus::Ceiling, Lang::Zh) => format!("最高{high}"),
            (AmountStatus::Ceiling, Lang::En) => format!("up to {high}"),
            (AmountStatus::Range, _) => {
                let span = Interval { low: sum.low, high: sum.high };
                words::say_interval(span, words::Style::Money, lang)
            }
            (AmountStatus::NotStated, Lang::Zh) => "未写明金额".to_owned(),
            (AmountStatus::NotStated, Lang::En) => "no amount is stated".to_owned(),
            (AmountStatus::None, _) => String::new(),
        };
        let say = match (depends_on.is_empty() || sum.status == AmountStatus::None, lang) {
            (true, _) => say,
            (false, Lang::Zh) => format!("{say}，取决于{}", depends_on.join("、")),
            (false, Lang::En) => format!("{say}, depending on {}", depends_on.join(", ")),
        };
        Self {
            status: sum.status,
            low: stated.then(|| sum.low.round() as i64),
            high: if stated { whole(sum.high) } else { None },
            yuan: if sum.status == AmountStatus::Exact { whole(sum.low) } else { None },
            parts: sum
                .parts
                .iter()
                .map(|part| {
                    let amount = &amounts[part.amount];
                    AmountPartView {
                        id: amount.id.clone(),
                        clause: amount.clause.clone(),
                        label: amount.label.clone(),
                        low: part.low.round() as i64,
                        high: whole(part.high),
                    }
                })
                .collect(),
            depends_on,
            say,
        }
    }
}

impl WindowView {
    pub fn of(rules: &Rules, day: i32) -> Self {
        let Some(window) = rules.offer.window_on(day) else {
            return Self {
                state: WindowState::NotStated,
                opens: None,
                closes: None,
                days_left: None,
            };
        };
        let state = window.state(day);
        let days_left = match state {
            WindowState::Open | WindowState::Rolling => window.closes.map(|closes| closes - day),
            WindowState::Upcoming => window.opens.map(|opens| opens - day),
            WindowState::Closed | WindowState::NotStated => None,
        };
        Self {
            state,
            opens: window.opens.map(print_day),
            closes: window.closes.map(print_day),
            days_left,
        }
    }
}

/// The verdict in a sentence, in the language asked for.
fn say(
    rules: &Rules,
    (verdict, near, excluded): (Verdict, bool, Option<Exclusion>),
    conditions: &[ConditionView],
    judge: &[JudgementView],
    profile: &Profile,
    lang: Lang,
) -> String {
    if let Some(excluded) = excluded {
        return excluded.label(lang).to_owned();
    }
    let in_words = |zh: String, en: String| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    let plain = |zh: &str, en: &str| in_words(zh.to_owned(), en.to_owned());
    let between = if lang == Lang::Zh { "；" } else { "; " };
    let count = |wanted: Verdict| conditions.iter().filter(|view| view.verdict == wanted).count();
    let (passed, failed, open) =
        (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Unknown));
    let are = |count: usize, one, several| if count == 1 { one } else { several };
    let lacking = in_words(
        format!("还差{open}项数据"),
        format!("{open} {} more data", are(open, "condition needs", "conditions need")),
    );
    let mut parts = Vec::new();
    match verdict {
        _ if rules.conditions.is_empty() => {
            parts.push(plain(
                "条件未结构化，请阅读原文",
                "its conditions are only in the text: please read it",
            ));
        }
        Verdict::Pass if rules.fidelity.as_deref() == Some(FULL) && judge.is_empty() => {
            parts.push(plain("符合", "it applies"));
        }
        Verdict::Pass => {
            parts.push(plain(
                "机器可判断的条件全部符合",
                "every condition that a machine can check is met",
            ));
        }
        Verdict::Unknown => {
            if passed > 0 {
                parts.push(in_words(
                    format!("已满足{passed}项"),
                    format!("{passed} {} met", are(passed, "condition is", "conditions are")),
                ));
            }
            parts.push(lacking);
        }
        Verdict::Fail => {
            parts.push(in_words(
                format!("{failed}项不符合"),
                format!("{failed} {} not met", are(failed, "condition is", "conditions are")),
            ));
            if near {
                let gaps: Vec<&str> = conditions
                    .iter()
                    .filter(|view| view.verdict == Verdict::Fail)
                    .filter_map(|view| {
                        view.gaps.first().map(|gap| &*gap.say).or(view.margin.as_deref())
                    })
                    .collect();
                let gaps = gaps.join(between);
                parts.push(match gaps.is_empty() {
                    true => plain("差一点", "nearly"),
                    false => in_words(format!("差一点：{gaps}"), format!("nearly: {gaps}")),
                });
                if open > 0 {
                    parts.push(lacking);
                }
            }
        }
    }
    if !judge.is_empty() {
        let judged = judge.len();
        parts.push(in_words(
            format!("另有{judged}项由主管部门判断"),
            format!("{judged} more {} for the authorities to judge", are(judged, "is", "are")),
        ));
    }
    if conditions.iter().any(|view| view.assumed) && profile.has_assumptions() {
        parts.push(plain("按您的假设", "on your assumptions"));
    }
    let said = parts.join(between);
    // A sentence begins with a capital.
    let mut letters = said.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
