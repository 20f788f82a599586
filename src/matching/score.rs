//! From features to one score that can be taken apart again.
//!
//! Every feature has a value in [0, 1] and a weight; the score is their weighted mean. A feature that one side says
//! nothing of counts half of its weight for everybody, so that silence is neither rewarded nor punished. The score
//! of a pair of records depends on the two, the rules and the statistics of the index, never on what else was found:
//! so a list can be asked about one record, and scores of different lists can be compared.

use super::feature::Compared;
use super::rule::{Feature, Pair, Rule};

/// Half of a feature's weight: neither for nor against.
const NEUTRAL: f32 = 0.5;

/// What one feature adds.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    pub feature: &'a Feature,
    pub compared: Compared,
    /// What it adds to the score.
    pub value: f32,
}

/// A score and what it is made of.
#[derive(Clone, Debug)]
pub struct Score<'a> {
    /// In [0, 1]: the sum of the parts.
    pub value: f32,
    pub parts: Vec<Part<'a>>,
}

/// The value of the text feature for a record with `score` and a query of length `norm`.
pub fn text_value(score: f32, norm: f32, scale: f32) -> f32 {
    if norm <= 0.0 || score <= 0.0 {
        return 0.0;
    }
    let x = score / (norm * scale);
    x / (1.0 + x)
}

/// Adds up the features; `None` leaves one out for this whole list.
pub fn score<'a>(pair: &'a Pair, compare: impl Fn(&'a Feature) -> Option<Compared>) -> Score<'a> {
    let mut parts: Vec<Part<'a>> = pair
        .features
        .iter()
        .filter_map(|feature| Some(Part { feature, compared: compare(feature)?, value: 0.0 }))
        .collect();
    let total: f32 = parts.iter().map(|part| part.feature.weight).sum();
    if total > 0.0 {
        for part in &mut parts {
            part.value = part.feature.weight * part.compared.value.unwrap_or(NEUTRAL) / total;
        }
    }
    Score { value: parts.iter().map(|part| part.value).sum::<f32>().min(1.0), parts }
}

/// Tells whether a feature is the text.
pub fn is_text(feature: &Feature) -> bool {
    matches!(feature.rule, Rule::Text { .. })
}
