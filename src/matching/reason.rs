//! Why a record was found, in parts that add up to its score.

use serde::Serialize;

use super::feature::Proof;
use super::rule::Rule;
use super::score::Score;
use crate::engine::LikedTerm;
use crate::query::TokenField;

/// One reason. The values of an item's reasons add up to its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// Id of the feature; `not_stated` for all that one side says nothing of, `not_mentioned` for what is asked and
    /// not answered.
    pub signal: String,
    pub label: String,
    pub value: f32,
    pub evidence: Evidence,
    /// Of conditions: `pass`, `near`, `unknown` or `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// Shared terms and their share of the text's value, the greatest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
    /// What became of each quantity that one side asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<Proof>,
}

/// What both records say: a sentence, or a value as people read it. Empty when a side says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evidence {
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    pub term: String,
    /// In [0, 1].
    pub share: f32,
}

/// What the texts of a pair of records have in common.
#[derive(Clone, Debug, Default)]
pub struct Common {
    /// Words and their shares of the text's score, the greatest first. A pair of characters that no shared word holds
    /// stands for itself, joined with those that overlap it.
    pub shared: Vec<(String, f32)>,
    /// Words of the query that the other side lacks, the weightiest first.
    pub lacking: Vec<String>,
}

/// Takes a text's score apart; `shares` are in the order of `terms`.
pub fn common(terms: &[LikedTerm], shares: &[f32]) -> Common {
    let total: f32 = shares.iter().sum();
    let is_word = |term: &LikedTerm| term.field == TokenField::Words;
    let mut shared: Vec<(String, f32)> = Vec::new();
    let mut lacking: Vec<(&str, f32)> = Vec::new();
    for (term, share) in terms.iter().zip(shares).filter(|(term, _)| is_word(term)) {
        if *share > 0.0 {
            shared.push((term.token.clone(), *share));
        } else {
            lacking.push((&term.token, term.weight * term.idf));
        }
    }
    // A longer word goes before its parts, and takes their shares.
    shared.sort_by_key(|(word, _)| std::cmp::Reverse(word.chars().count()));
    let mut merged: Vec<(String, f32)> = Vec::new();
    for (word, share) in shared {
        match merged.iter_mut().find(|(longer, _)| longer.contains(&*word)) {
            Some((_, sum)) => *sum += share,
            None => merged.push((word, share)),
        }
    }
    let mut runs: Vec<(String, f32)> = Vec::new();
    for (term, share) in terms.iter().zip(shares).filter(|(term, _)| !is_word(term)) {
        if *share <= 0.0 {
            continue;
        }
        match merged.iter_mut().find(|(word, _)| word.contains(&*term.token)) {
            Some((_, sum)) => *sum += share,
            None => runs.push((term.token.clone(), *share)),
        }
    }
    // A single character counts, but names nothing.
    let runs = join(runs).into_iter().filter(|(run, _)| run.chars().nth(1).is_some());
    merged.extend(runs);
    if total > 0.0 {
        merged.iter_mut().for_each(|(_, share)| *share /= total);
    }
    merged.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    lacking.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let held = |word: &str| merged.iter().any(|(shared, _)| shared.contains(word));
    let lacking = lacking.into_iter().map(|(word, _)| word.to_owned());
    let lacking = lacking.filter(|word| !held(word)).collect();
    Common { shared: merged, lacking }
}

/// Characters up to which pairs are joined.
const LONGEST: usize = 6;

/// Joins pairs that overlap: 水淡 and 淡化 are 水淡化.
fn join(mut runs: Vec<(String, f32)>) -> Vec<(String, f32)> {
    let mut at = 0;
    while at < runs.len() {
        let last = runs[at].0.chars().next_back();
        let is_short = runs[at].0.chars().count() < LONGEST;
        let next = (0..runs.len())
            .find(|&other| is_short && other != at && runs[other].0.chars().next() == last);
        match next {
            Some(other) => {
                let (text, share) = runs.remove(other);
                let at_now = if other < at { at - 1 } else { at };
                runs[at_now].0.extend(text.chars().skip(1));
                runs[at_now].1 += share;
                at = 0;
            }
            None => at += 1,
        }
    }
    runs
}

/// Lists the reasons for a score: the text first, then what speaks for, then against, then what is not said.
///
/// `sentences` are the best ones of each side, `terms` how many shared terms are named, `lacking` what the query asks
/// and the other side does not mention.
pub fn reasons(
    score: &Score<'_>,
    common: &Common,
    sentences: Evidence,
    terms: usize,
    lacking: &[String],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut silent: Vec<&str> = Vec::new();
    let mut silent_value = 0.0;
    for part in &score.parts {
        let is_text = matches!(part.feature.rule, Rule::Text { .. });
        // A quantity that is asked for and not stated is worth telling.
        if part.compared.value.is_none() && part.compared.proofs.is_empty() {
            silent.push(&part.feature.label.zh);
            silent_value += part.value;
            continue;
        }
        let named = if is_text { terms } else { 0 };
        reasons.push(Reason {
            signal: part.feature.id.to_string(),
            label: part.feature.label.zh.clone(),
            value: part.value,
            evidence: match is_text {
                true => sentences.clone(),
                false => {
                    Evidence { from: part.compared.from.clone(), to: part.compared.to.clone() }
                }
            },
            verdict: part.compared.verdict,
            terms: common
                .shared
                .iter()
                .take(named)
                .map(|(term, share)| Term { term: term.clone(), share: round(*share) })
                .collect(),
            quantities: part.compared.proofs.clone(),
        });
    }
    reasons.sort_by(|a, b| {
        let text = |reason: &Reason| reason.terms.is_empty();
        text(a).cmp(&text(b)).then(b.value.total_cmp(&a.value))
    });
    if !lacking.is_empty() {
        reasons.push(Reason {
            signal: "not_mentioned".into(),
            label: "对方未提及".into(),
            value: 0.0,
            evidence: Evidence { from: lacking.join("、"), to: String::new() },
            verdict: None,
            terms: Vec::new(),
            quantities: Vec::new(),
        });
    }
    if !silent.is_empty() {
        reasons.push(Reason {
            signal: "not_stated".into(),
            label: "未说明，不计优劣".into(),
            value: silent_value,
            evidence: Evidence { from: silent.join("、"), to: String::new() },
            verdict: None,
            terms: Vec::new(),
            quantities: Vec::new(),
        });
    }
    reasons
}

/// Takes from the text's reason the part of its value that words of other records brought, and says so beside it.
///
/// `shared` are such words that the record which was found holds, `titles` where they are from.
pub fn borrow(
    reasons: &mut Vec<Reason>,
    text: &str,
    part: f32,
    shared: &[(String, f32)],
    titles: &[String],
) {
    let Some(at) = reasons.iter().position(|reason| reason.signal == text) else { return };
    let value = part * reasons[at].value;
    if value <= 0.0 {
        return;
    }
    reasons[at].value -= value;
    let held: Vec<&str> = shared.iter().map(|(word, _)| &**word).collect();
    let reason = Reason {
        signal: "borrowed".into(),
        label: "同类相近记录的用词".into(),
        value,
        evidence: Evidence { from: titles.join("；"), to: held.join("、") },
        verdict: None,
        terms: Vec::new(),
        quantities: Vec::new(),
    };
    reasons.insert(at + 1, reason);
}

fn round(value: f32) -> f32 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(field: TokenField, token: &str) -> LikedTerm {
        LikedTerm { field, token: token.into(), weight: 1.0, idf: 1.0 }
    }

    #[test]
    fn a_word_takes_what_is_in_it_and_pairs_are_joined() {
        let (words, grams) = (TokenField::Words, TokenField::Grams);
        let terms = [
            term(words, "脱盐"),
            term(words, "海水淡化"),
            term(words, "海水"),
            term(words, "硼"),
            term(grams, "海水"),
            term(grams, "反渗"),
            term(grams, "渗透"),
        ];
        let common = common(&terms, &[2.0, 4.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(
            common.shared,
            [("海水淡化".to_owned(), 0.6), ("反渗透".to_owned(), 0.2), ("脱盐".to_owned(), 0.2)]
        );
        assert_eq!(common.lacking, ["硼"]);
    }
}
