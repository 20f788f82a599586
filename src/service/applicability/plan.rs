//! The plan: of the records that apply and give money, the best ones that go together.

use std::sync::Arc;

use serde::Serialize;

use crate::applicability::portfolio::{self, Candidate, Form, Stack};
use crate::applicability::rules::{Offer, StackingRule};
use crate::applicability::{Profile, amount, say_yuan};
use crate::record::{Lang, RecordId};

/// A record and what it gives.
pub type Offered = (RecordId, Arc<Offer>);

#[derive(Debug, Default, Serialize)]
pub struct PortfolioView {
    pub items: Vec<PortfolioItem>,
    pub low: i64,
    pub high: i64,
    pub exclusions: Vec<PortfolioExclusion>,
    pub caps: Vec<PortfolioCap>,
    /// Whether the set may not be the best one: too many records exclude each other.
    pub approximate: bool,
    pub say: String,
}

#[derive(Debug, Serialize)]
pub struct PortfolioItem {
    pub kind: Arc<str>,
    pub id: Arc<str>,
    pub title: String,
    pub low: i64,
    pub high: i64,
}

#[derive(Debug, Serialize)]
pub struct PortfolioExclusion {
    pub id: Arc<str>,
    pub title: String,
    pub because_of: Option<Arc<str>>,
    pub rule: &'static str,
    pub clause: String,
    pub text: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct PortfolioCap {
    pub group: String,
    pub cap: i64,
    pub clause: String,
}

/// Chooses among records that apply.
pub fn best_set(passed: &[Offered], profile: &Profile, as_of: i32, lang: Lang) -> PortfolioView {
    let mut offered: Vec<&Offered> = Vec::new();
    let mut candidates = Vec::new();
    for record in passed {
        let sum = amount::sum(&record.1, profile, record.1.moment_on(as_of));
        // A sum without a bound cannot be weighed against another: what is certain of it counts.
        let high = if sum.high.is_finite() { sum.high } else { sum.low };
        if high > 0.0 {
            candidates.push(candidate(record, (sum.low, high), profile, as_of));
            offered.push(record);
        }
    }
    let solved = portfolio::solve(&candidates);
    let title = |at: usize| offered[at].1.title.clone();
    let id = |at: usize| offered[at].0.id.clone();
    let items: Vec<PortfolioItem> = solved
        .chosen
        .iter()
        .map(|&at| PortfolioItem {
            kind: offered[at].0.kind.clone(),
            id: id(at),
            title: title(at),
            low: candidates[at].low.round() as i64,
            high: candidates[at].high.round() as i64,
        })
        .collect();
    let exclusions = solved.excluded.into_iter().map(|left_out| PortfolioExclusion {
        id: id(left_out.candidate),
        title: title(left_out.candidate),
        because_of: left_out.because_of.map(id),
        rule: left_out.rule,
        clause: left_out.clause,
        text: left_out.text,
    });
    let caps = solved.caps.into_iter().map(|(group, cap, clause)| PortfolioCap {
        group,
        cap: cap.round() as i64,
        clause,
    });
    PortfolioView {
        say: say(items.len(), solved.high, lang),
        items,
        low: solved.low.round() as i64,
        high: solved.high.round() as i64,
        exclusions: exclusions.collect(),
        caps: caps.collect(),
        approximate: solved.approximate,
    }
}

fn say(count: usize, high: f64, lang: Lang) -> String {
    let high = say_yuan(high, lang);
    match (count, lang) {
        (0, Lang::Zh) => "没有可以合计金额的政策".to_owned(),
        (0, Lang::En) => "No amounts to be added up".to_owned(),
        (count, Lang::Zh) => format!("可同时申请{count}项，合计最高{high}"),
        (count, Lang::En) => format!("{count} can be applied for together, up to {high} in all"),
    }
}

fn candidate(
    (id, offer): &Offered,
    (low, high): (f64, f64),
    profile: &Profile,
    as_of: i32,
) -> Candidate {
    let moment = offer.moment_on(as_of);
    // Rules name records of their own kind.
    let named = |other: &str| format!("{}/{other}", id.kind);
    let stacking = offer.stacking.iter().filter(|rule| rule.validity.covers(as_of));
    let rules = stacking.map(|rule| {
        let group = rule.group.clone();
        let ids: Vec<String> = rule.with.iter().map(|other| named(other)).collect();
        let form = match rule.rule {
            StackingRule::Exclusive => Form::Exclusive { group: group.unwrap_or_default() },
            StackingRule::NotWith => Form::NotWith { ids },
            StackingRule::Requires => Form::Requires { ids },
            StackingRule::ShareOf => Form::ShareOf { group, ids, share: rule.share },
            StackingRule::GroupCap => {
                let by_profile = rule.cap_base.as_ref();
                let by_profile = by_profile.and_then(|base| base.value(profile, moment));
                let cap = [rule.cap, by_profile.map(|cap| cap.high)].into_iter().flatten();
                Form::GroupCap {
                    group: group.unwrap_or_default(),
                    ids,
                    cap: cap.reduce(f64::min).filter(|cap| cap.is_finite()),
                }
            }
        };
        let (clause, text) = (rule.clause.clone(), rule.text.clone());
        Stack { form, clause, text, rule: rule.rule.name() }
    });
    Candidate { id: named(&id.id), low, high, rules: rules.collect() }
}
