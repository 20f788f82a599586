//! Compares two records by one declared feature.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Side;
use super::rule::{Feature, Rule};
use super::value::yuan;
use crate::quantity::fit::{self, Verdict};
use crate::quantity::{Dimension, Quantity, Said, Units};
use crate::record::Vocabulary;

/// Most quantities that are asked for.
const MAX_ASKED: usize = 20;

/// What a feature says of a pair of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// In [0, 1]; `None` when one side does not say.
    pub value: Option<f32>,
    /// What each side says, as people read it; empty when it says nothing.
    pub from: String,
    pub to: String,
    /// Of conditions: `pass`, `near`, `unknown` or `fail`.
    pub verdict: Option<&'static str>,
    /// What became of each quantity that is asked for.
    pub proofs: Vec<Proof>,
}

/// A quantity that one side asks for, and what the other states of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    pub name: String,
    pub verdict: Verdict,
    /// The words of the verdict.
    pub label: String,
    /// What is asked for, as it is said.
    pub from: String,
    /// What is stated; empty when nothing is.
    pub to: String,
}

/// Compares by a feature that needs nothing but the two records; `None` for the others.
///
/// `from` is the side that the feature calls so. `today` is in days since 1970-01-01.
pub fn compare(feature: &Feature, from: Side<'_>, to: Side<'_>, today: i32) -> Option<Compared> {
    let value = match &feature.rule {
        Rule::Text { .. }
        | Rule::Dense { .. }
        | Rule::Via { .. }
        | Rule::Conditions
        | Rule::QuantityFit { .. } => {
            return None;
        }
        Rule::CodeEqual => code_equal(feature, from, to),
        Rule::TreeNear => tree_near(feature, from, to, false),
        Rule::RegionNear => tree_near(feature, from, to, true),
        Rule::SetOverlap { map, missing } => set_overlap(feature, from, to, map, missing),
        Rule::RangeFit { to_high, reach } => {
            return Some(range_fit(feature, from, to, to_high, *reach));
        }
        Rule::HalfLife { days } => half_life(feature, to, *days, today),
        Rule::OrdinalGap { wanted, low, high } => {
            ordinal_gap(feature, from, to, *wanted, *low, *high)
        }
        Rule::Flag { values } => flag(feature, to, values),
        Rule::Number { low, high, log } => number(feature, to, *low, *high, *log),
    };
    let (from, to) = (from.labels(&feature.from), to.labels(&feature.to));
    Some(Compared { value, from, to, ..Compared::default() })
}

/// Reads what a side asks for, at most `MAX_ASKED` quantities: those that are declared, and those that its texts
/// bound. A plain value in a text describes what there is, and money is compared by fields of its own.
pub fn asked(units: &Units, side: Side<'_>, paths: &[Arc<str>]) -> Vec<Quantity> {
    let money = units.parse("元").map(|unit| unit.dimension);
    let mut asked: Vec<Quantity> = Vec::new();
    for (quantity, is_declared) in quantities(units, side, paths, None) {
        let is_request = is_declared || quantity.said != Said::Plain;
        let is_money = money.as_ref() == Some(&quantity.dimension);
        // What a field declares the text often says again, under another name.
        let same = |other: &Quantity| {
            other.dimension == quantity.dimension
                && (other.name == quantity.name
                    || (other.low, other.high) == (quantity.low, quantity.high))
        };
        let is_named = quantity.name.chars().nth(1).is_some();
        if is_request && !is_money && is_named && !asked.iter().any(same) {
            asked.push(quantity);
        }
    }
    asked.truncate(MAX_ASKED);
    asked
}

/// Reads what a side states, of the dimensions that are asked for where these are known.
pub fn stated(
    units: &Units,
    side: Side<'_>,
    paths: &[Arc<str>],
    asked: Option<&[Quantity]>,
) -> Vec<Quantity> {
    let dimensions = |asked: &[Quantity]| -> Vec<Dimension> {
        asked.iter().map(|quantity| quantity.dimension.clone()).collect()
    };
    let wanted = asked.map(dimensions);
    let found = quantities(units, side, paths, wanted.as_deref());
    found.into_iter().map(|(quantity, _)| quantity).collect()
}

/// Declared quantities and those of texts, and whether each is declared.
fn quantities(
    units: &Units,
    side: Side<'_>,
    paths: &[Arc<str>],
    wanted: Option<&[Dimension]>,
) -> Vec<(Quantity, bool)> {
    let mut found = Vec::new();
    for value in paths.iter().flat_map(|path| side.values(path)) {
        match value {
            Value::String(text) => {
                let read = units.find_of(text, wanted).into_iter();
                found.extend(read.map(|quantity| (quantity, false)));
            }
            value => found.extend(units.declared(value).map(|quantity| (quantity, true))),
        }
    }
    found
}

/// Compares what is asked for with what is stated.
pub fn prove(asked: &[Quantity], stated: &[Quantity]) -> Compared {
    let proofs = fit::prove(asked, stated);
    let count = |verdict: Verdict| proofs.iter().filter(|proof| proof.verdict == verdict).count();
    let (met, not_met) = (count(Verdict::Met) as f32, count(Verdict::NotMet) as f32);
    let spans = |spans: &mut dyn Iterator<Item = &str>| spans.collect::<Vec<_>>().join("；");
    Compared {
        value: (met + not_met > 0.0).then(|| met / (met + not_met)),
        from: spans(&mut proofs.iter().map(|proof| &*proof.asked.span)),
        to: spans(&mut proofs.iter().filter_map(|proof| Some(&*proof.stated?.span))),
        verdict: None,
        proofs: proofs
            .iter()
            .map(|proof| Proof {
                name: proof.asked.name.clone(),
                verdict: proof.verdict,
                label: proof.verdict.label().zh,
                from: proof.asked.span.clone(),
                to: proof.stated.map(|stated| stated.span.clone()).unwrap_or_default(),
            })
            .collect(),
    }
}

fn code_equal(feature: &Feature, from: Side<'_>, to: Side<'_>) -> Option<f32> {
    let (from, to) = (from.texts(&feature.from), to.texts(&feature.to));
    if from.is_empty() || to.is_empty() {
        return None;
    }
    let key = crate::text::code_key;
    let known: Vec<String> = to.iter().map(|code| key(code)).collect();
    Some(if from.iter().any(|code| known.contains(&key(code))) { 1.0 } else { 0.0 })
}

fn vocabulary<'a>(side: Side<'a>, paths: &[Arc<str>]) -> Option<&'a Vocabulary> {
    paths.iter().find_map(|path| side.field(path)?.vocabulary.as_deref())
}

fn tree_near(feature: &Feature, from: Side<'_>, to: Side<'_>, within: bool) -> Option<f32> {
    let tree = vocabulary(from, &feature.from)?;
    let (from, to) = (from.texts(&feature.from), to.texts(&feature.to));
    let near = |a: &str, b: &str| -> Option<f32> {
        if within && (tree.is_within(a, b) || tree.is_within(b, a)) {
            return Some(1.0);
        }
        let path = |code: &str| {
            let mut path: Vec<&str> = tree.path(code).map(|entry| &*entry.code).collect();
            path.reverse();
            path
        };
        let (a, b) = (path(a), path(b));
        // What everything lies in says nothing.
        let root = usize::from(tree.roots().nth(1).is_none());
        let deepest = a.len().max(b.len()).checked_sub(root)?;
        let common = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        (deepest > 0).then(|| common.saturating_sub(root) as f32 / deepest as f32)
    };
    from.iter()
        .flat_map(|a| to.iter().filter_map(|b| near(a, b)).collect::<Vec<_>>())
        .max_by(f32::total_cmp)
}

fn set_overlap(
    feature: &Feature,
    from: Side<'_>,
    to: Side<'_>,
    map: &BTreeMap<String, Vec<String>>,
    missing: &[String],
) -> Option<f32> {
    let says = |value: &&str| !missing.iter().any(|nothing| nothing == value);
    let to: Vec<&str> = to.texts(&feature.to).into_iter().filter(says).collect();
    // Of the values that stand for one of `from`, any will do.
    let from: Vec<Vec<&str>> = from
        .texts(&feature.from)
        .into_iter()
        .filter(says)
        .map(|value| match map.get(value) {
            Some(values) => values.iter().map(String::as_str).collect(),
            None => vec![value],
        })
        .collect();
    if from.is_empty() || to.is_empty() {
        return None;
    }
    let shared = from.iter().filter(|any| any.iter().any(|value| to.contains(value))).count();
    Some((shared as f32 / from.len().min(to.len()) as f32).min(1.0))
}

fn range_fit(
    feature: &Feature,
    from: Side<'_>,
    to: Side<'_>,
    to_high: &[Arc<str>],
    reach: bool,
) -> Compared {
    let most = from.numbers(&feature.from).into_iter().max_by(f64::total_cmp);
    let least = to.numbers(&feature.to).into_iter().min_by(f64::total_cmp);
    let high = to.numbers(to_high).into_iter().max_by(f64::total_cmp);
    let value = most.zip(least).map(|(most, least)| {
        let (have, need) = if reach { (least, most) } else { (most, least) };
        if need <= have {
            1.0
        } else if need > 0.0 && have > 0.0 {
            (have / need) as f32
        } else {
            0.0
        }
    });
    let shown = match (least, high) {
        (Some(least), Some(high)) if high > least => format!("{}–{}", yuan(least), yuan(high)),
        (Some(least), _) => yuan(least),
        (None, _) => String::new(),
    };
    let from = most.map(yuan).unwrap_or_default();
    Compared { value, from, to: shown, ..Compared::default() }
}

fn half_life(feature: &Feature, to: Side<'_>, days: f32, today: i32) -> Option<f32> {
    let newest = to.dates(&feature.to).into_iter().max()?;
    let age = today.saturating_sub(newest).max(0) as f32;
    Some((-age / days).exp2())
}

/// The place of a value on its scale: a number itself, a code's place in its vocabulary from 1.
fn level(side: Side<'_>, paths: &[Arc<str>]) -> Option<f32> {
    if let Some(number) = side.numbers(paths).into_iter().max_by(f64::total_cmp) {
        return Some(number as f32);
    }
    let tree = vocabulary(side, paths)?;
    let place = |code: &&str| tree.entries.iter().position(|entry| entry.code == **code);
    side.texts(paths).iter().filter_map(place).max().map(|at| at as f32 + 1.0)
}

fn ordinal_gap(
    feature: &Feature,
    from: Side<'_>,
    to: Side<'_>,
    wanted: Option<f32>,
    low: f32,
    high: f32,
) -> Option<f32> {
    let wanted = level(from, &feature.from).or(wanted)?;
    let gap = (wanted - level(to, &feature.to)?).max(0.0);
    Some((1.0 - gap / (high - low)).clamp(0.0, 1.0))
}

fn flag(feature: &Feature, to: Side<'_>, values: &[String]) -> Option<f32> {
    let path = feature.to.iter().find(|path| !to.values(path).is_empty())?;
    let set = to.values(path).into_iter().any(|value| match value {
        serde_json::Value::Bool(flag) => values.iter().any(|wanted| *wanted == flag.to_string()),
        value => value.as_str().is_some_and(|text| values.iter().any(|wanted| wanted == text)),
    });
    Some(if set { 1.0 } else { 0.0 })
}

fn number(feature: &Feature, to: Side<'_>, low: f32, high: f32, log: bool) -> Option<f32> {
    let number = to.numbers(&feature.to).into_iter().max_by(f64::total_cmp)? as f32;
    let scale = |value: f32| if log { value.max(0.0).ln_1p() } else { value };
    let (number, low, high) = (scale(number), scale(low), scale(high));
    Some(((number - low) / (high - low)).clamp(0.0, 1.0))
}
