//! What a typed text means: periods, amounts, places, terms, codes, and other ways to say its words.
//!
//! Nothing here narrows an answer. A [`Span`] widens what may stand for its words, and an [`Offer`] is a filter that a
//! person may apply; records that satisfy it rank first.

pub mod amount;
mod code;
pub mod date;
mod lexicon;
mod numeral;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::filter::{Filter, Literal};
use crate::record::Catalog;
use crate::record::kind::Label;
use crate::record::understanding::{Bare, RangeRule, RegionRule, Said};
use crate::text::{Analyzer, QueryWord};
use amount::Amount;
use date::Days;
use lexicon::Meaning;
pub use lexicon::{Alternative, FILES, Lexicon, STOP_WORDS};

/// Most offers of one query.
const MAX_OFFERS: usize = 16;

/// One text, understood.
#[derive(Clone, Debug, Default)]
pub struct Understanding {
    pub normalized: String,
    /// Words as the dictionary cuts them, in order.
    pub words: Vec<QueryWord>,
    /// In order; none overlap, and none begins or ends within a word.
    pub spans: Vec<Span>,
    pub offers: Vec<Offer>,
    /// Canonical forms of what may be a code, in or around the text.
    pub codes: Vec<String>,
    /// Characters typed that simplified writing has merged with others.
    pub merged: Vec<String>,
}

/// Some words of a text, and what may stand for them in a record.
#[derive(Clone, Debug)]
pub struct Span {
    /// Bytes in the normalized text.
    pub range: Range<usize>,
    /// The words as they were typed.
    pub typed: String,
    pub alternatives: Vec<Alternative>,
    /// What a record satisfies that means the same without saying it.
    pub meaning: Option<Filter>,
    /// What the words say, with `meaning`.
    pub said: Said,
    /// Whether a record must have the words or what stands for them.
    pub is_required: bool,
    pub scored: Scored,
}

/// By what of a span's words records are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scored {
    Wholly,
    /// By the pairs of characters alone, which hold them to the words around them: `如何` asks, and the answer has
    /// better words in common with the question.
    Pairs,
    /// By nothing: the words of `近三个月` are chance where they occur.
    Not,
}

/// A filter that a query suggests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offer {
    #[serde(rename = "type")]
    pub said: Said,
    /// The words as they were typed.
    pub text: String,
    /// Characters in the query, from 0; `end` is behind the last.
    pub start: usize,
    pub end: usize,
    /// What it says; the API gives it in Chinese.
    #[serde(serialize_with = "in_chinese")]
    pub label: Label,
    /// An expression for the request's `filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// `FIELD:VALUE` for the request's `select`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
}

fn in_chinese<S: Serializer>(label: &Label, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label.zh)
}

/// What understanding a text needs beside it.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub analyzer: &'a Analyzer,
    pub lexicon: &'a Lexicon,
    pub catalog: &'a Catalog,
    /// The kinds that are searched; none: all. Fields that they lack are not offered.
    pub kinds: &'a [Arc<str>],
    /// Days since 1970-01-01.
    pub today: i32,
}

/// What was found at a place of the text.
struct Found<'a> {
    range: Range<usize>,
    what: What<'a>,
}

enum What<'a> {
    Code(Vec<String>),
    /// Also found as this.
    Spelled(String),
    Period(date::Period),
    Amount(Amount),
    Form(&'a Meaning),
}

/// Takes a text for what it is: its words, and what may be a code.
pub fn literal(text: &str, analyzer: &Analyzer) -> Understanding {
    let normalized = analyzer.normalize(text).text;
    let words = analyzer.words(&normalized);
    let codes = code::whole(text, &words);
    let merged = analyzer.merged(text).map(String::from).collect();
    Understanding { normalized, words, codes, merged, ..Understanding::default() }
}

impl Reader<'_> {
    /// Understands one text. Cost: a few passes over it, one of them of an automaton of all forms.
    pub fn understand(&self, text: &str) -> Understanding {
        let original = self.analyzer.normalize(text);
        let mut read = literal(text, self.analyzer);
        let found = self.found(&read.normalized, &read.words);
        let rules = &self.catalog.understanding;
        let mut last_region: Option<(usize, String)> = None;
        for Found { range, what } in found {
            let place = with_closing(text, original.original(range.clone()));
            let typed = Typed { text, place };
            let mut span = Span {
                range: range.clone(),
                typed: typed.words().to_owned(),
                alternatives: Vec::new(),
                meaning: None,
                said: Said::Term,
                is_required: true,
                scored: Scored::Wholly,
            };
            match what {
                What::Code(keys) => {
                    for key in keys {
                        super::ladder::push_new(&mut read.codes, &key);
                    }
                    continue;
                }
                What::Spelled(text) => {
                    let shown = text.clone();
                    span.alternatives.push(Alternative { text, shown, weight: 1.0 });
                }
                What::Period(period) => {
                    let Some(rule) = rule_for(&rules.dates, &read.normalized) else { continue };
                    let Some(days) = period.days(rule.deadline, self.today) else { continue };
                    let fields = self.searched(&rule.fields);
                    if period.is_relative() {
                        span.scored = Scored::Not;
                    }
                    if let Some(condition) = any(fields.iter().map(|path| in_days(path, days))) {
                        let label = joined(&rule.label, " ", " ", &label_of_days(days));
                        read.offer(Said::Date, &typed, label, &condition);
                        span.meaning = Some(condition.filter);
                        span.said = Said::Date;
                    }
                    self.imply(rule, &mut read);
                }
                What::Amount(amount) => {
                    let Some(rule) = rule_for(&rules.amounts, &read.normalized) else { continue };
                    let fields = self.searched(&rule.fields);
                    let amount = match (amount, rule.bare) {
                        (Amount::Bare(yuan), Bare::AtLeast) => Amount::AtLeast(yuan),
                        (Amount::Bare(yuan), Bare::AtMost) => Amount::AtMost(yuan),
                        (said, _) => said,
                    };
                    span.scored = Scored::Not;
                    if let Some(condition) = any(fields.iter().map(|path| in_amount(path, amount)))
                    {
                        let label = joined(&rule.label, " ", " ", &label_of_amount(amount));
                        read.offer(Said::Amount, &typed, label, &condition);
                        span.meaning = Some(condition.filter);
                        span.said = Said::Amount;
                    }
                    self.imply(rule, &mut read);
                }
                // Said by what a period or an amount asks for.
                What::Form(_) if read.is_implied(&range) => continue,
                What::Form(meaning) => {
                    span.alternatives.clone_from(&meaning.alternatives);
                    if meaning.is_stop {
                        span.is_required = false;
                        span.scored = Scored::Pairs;
                    }
                    if let (Some(code), Some(rule)) = (&meaning.region, &rules.region)
                        && !rule.is_part_of_name(&read.normalized[range.end..])
                    {
                        // 青岛市崂山区 is one place.
                        let in_last = last_region.as_ref().is_some_and(|(end, before)| {
                            *end == range.start && rule.vocabulary.is_within(code, before)
                        });
                        if in_last {
                            read.offers.pop();
                        }
                        self.region(rule, code, &typed, &mut span, &mut read);
                        last_region = Some((range.end, code.clone()));
                    }
                    self.terms(meaning, &typed, &mut span, &mut read);
                }
            }
            let says_nothing = span.alternatives.is_empty()
                && span.meaning.is_none()
                && span.is_required
                && span.scored == Scored::Wholly;
            if !says_nothing {
                read.spans.push(span);
            }
        }
        read.spans.sort_by_key(|span| span.range.start);
        read.spans.dedup_by(|next, span| next.range.start < span.range.end);
        read
    }

    /// Finds everything in the text: the first, and of those that begin together the longest; none overlap.
    fn found(&self, text: &str, words: &[QueryWord]) -> Vec<Found<'_>> {
        let mut found: Vec<Found<'_>> = Vec::new();
        let numbers = text.contains(|c: char| c.is_ascii_digit());
        if numbers {
            found.extend(code::find(text, words).into_iter().map(|(range, found)| {
                let what = match found {
                    code::Found::Keys(keys) => What::Code(keys),
                    code::Found::Spelled(text) => What::Spelled(text),
                };
                Found { range, what }
            }));
        }
        let amounts = amount::find(text);
        found.extend(
            amounts.into_iter().map(|(range, yuan)| Found { range, what: What::Amount(yuan) }),
        );
        let is_edge = |at: usize| {
            at == 0
                || at == text.len()
                || words.iter().any(|word| word.start == at || word.end == at)
        };
        // 今年 is none in 今年轻人. One in digits may end within a word: 6月30日前 in 日前.
        let is_period = |range: &Range<usize>| {
            is_edge(range.end) || text[range.start..].starts_with(|c: char| c.is_ascii_digit())
        };
        found.extend(
            date::find(text, self.today)
                .into_iter()
                .filter(|(range, _)| is_period(range))
                .map(|(range, days)| Found { range, what: What::Period(days) }),
        );
        found.extend(
            self.lexicon
                .find(text)
                .into_iter()
                .filter(|(range, _)| is_edge(range.start) && is_edge(range.end))
                .map(|(range, meaning)| Found { range, what: What::Form(meaning) }),
        );
        // The sort is stable: of two readings of the same words the one that was looked for first is taken.
        found.sort_by_key(|found| (found.range.start, usize::MAX - found.range.end));
        let mut end = 0;
        found.retain(|found| {
            let is_free = found.range.start >= end;
            if is_free {
                end = found.range.end;
            }
            is_free
        });
        found
    }

    fn region(
        &self,
        rule: &RegionRule,
        code: &str,
        typed: &Typed<'_>,
        span: &mut Span,
        read: &mut Understanding,
    ) {
        let within = |path: &Arc<str>| Condition {
            filter: Filter::Within { path: path.clone(), code: code.to_owned() },
            text: format!("{path} WITHIN {code}"),
        };
        let above: Vec<String> =
            rule.vocabulary.path(code).map(|entry| entry.code.clone()).collect();
        let covering = |path: &Arc<str>| Condition {
            filter: Filter::Covers { path: path.clone(), codes: above.clone() },
            text: format!("{path} COVERS {code}"),
        };
        // Everything is within 全国: what is said to be of all the country is meant.
        let is_whole = above.len() == 1;
        let within = |path: &Arc<str>| if is_whole { covering(path) } else { within(path) };
        let (inside, holding) = (self.searched(&rule.within), self.searched(&rule.covers));
        let said = inside.iter().chain(&holding).map(|path| within(path));
        span.meaning = any(said).map(|condition| condition.filter);
        span.said = Said::Region;
        // What holds in all of the country holds there too, but nobody means it by the name of a place.
        let offered = inside.iter().map(|path| within(path));
        let offered = any(offered.chain(holding.iter().map(|path| covering(path))));
        if let (Some(condition), Some(entry)) = (offered, rule.vocabulary.get(code)) {
            let label = joined(&rule.label, "：", ": ", &entry.label);
            read.offer(Said::Region, typed, label, &condition);
        }
    }

    fn terms(
        &self,
        meaning: &Meaning,
        typed: &Typed<'_>,
        span: &mut Span,
        read: &mut Understanding,
    ) {
        let rules = &self.catalog.understanding;
        let mut meanings: Vec<Filter> = span.meaning.take().into_iter().collect();
        for (at, code) in &meaning.terms {
            let rule = &rules.terms[*at];
            let Some(entry) = rule.vocabulary.get(code) else { continue };
            if self.searched(std::slice::from_ref(&rule.field)).is_empty() {
                continue;
            }
            let path = rule.field.clone();
            let filter = match rule.is_tree {
                true => Filter::Within { path, code: code.clone() },
                false => Filter::Equal { path, value: Literal::Text(code.clone()) },
            };
            let label = joined(&rule.label, "：", ": ", &entry.label);
            read.select(Said::Term, typed, label, format!("{}:{code}", rule.field));
            meanings.extend(rule.prefer.then_some(filter));
        }
        if let Some(rule) = meaning.kind.map(|at| &rules.kinds[at])
            && self.kinds.is_empty()
        {
            let value = Literal::Text(rule.kind.to_string());
            let filter = Filter::Equal { path: "kind".into(), value };
            let kind = Label { zh: "类别".into(), en: "Kind".into() };
            let label = joined(&kind, "：", ": ", &rule.label);
            read.select(Said::Kind, typed, label, format!("kind:{}", rule.kind));
            meanings.push(filter);
        }
        span.meaning = match meanings.len() {
            0 | 1 => meanings.pop(),
            _ => Some(Filter::Or(meanings)),
        };
    }

    /// Words that told a rule are said by what the rule asks for.
    fn imply(&self, rule: &RangeRule, read: &mut Understanding) {
        let implied =
            read.words.iter().filter(|word| rule.implied.contains(&word.text)).map(|word| Span {
                range: word.start..word.end,
                typed: word.text.clone(),
                alternatives: Vec::new(),
                meaning: None,
                said: Said::Term,
                is_required: false,
                scored: Scored::Wholly,
            });
        let implied: Vec<Span> = implied.collect();
        read.spans.extend(implied);
    }

    /// Leaves out the columns that no kind searched has.
    fn searched<'a>(&self, paths: &'a [Arc<str>]) -> Vec<&'a Arc<str>> {
        let is_searched = |path: &&Arc<str>| {
            self.kinds.is_empty()
                || self
                    .catalog
                    .column(path)
                    .is_some_and(|column| column.kinds.iter().any(|k| self.kinds.contains(k)))
        };
        paths.iter().filter(is_searched).collect()
    }
}

/// Some words of the text as it was typed.
struct Typed<'a> {
    text: &'a str,
    place: Range<usize>,
}

impl<'a> Typed<'a> {
    fn words(&self) -> &'a str {
        &self.text[self.place.clone()]
    }
}

/// Adds the bracket that closes one within `place`, if it stands right behind: normalized text has neither.
fn with_closing(text: &str, place: Range<usize>) -> Range<usize> {
    let pairs = [('(', ')'), ('（', '）'), ('“', '”'), ('《', '》'), ('〔', '〕'), ('[', ']')];
    let words = &text[place.clone()];
    let count = |sign: char| words.matches(sign).count();
    let closes = pairs.into_iter().find(|(open, close)| {
        count(*open) > count(*close) && text[place.end..].starts_with(*close)
    });
    place.start..place.end + closes.map_or(0, |(_, close)| close.len_utf8())
}

impl Understanding {
    /// Lets a term stand for the whole text, which was typed as `typed`.
    pub fn also(&mut self, typed: &str, term: &str) {
        let alternative =
            Alternative { text: term.to_owned(), shown: term.to_owned(), weight: 1.0 };
        self.spans = vec![Span {
            range: 0..self.normalized.len(),
            typed: typed.to_owned(),
            alternatives: vec![alternative],
            meaning: None,
            said: Said::Term,
            is_required: true,
            scored: Scored::Wholly,
        }];
    }

    fn is_implied(&self, range: &Range<usize>) -> bool {
        self.spans.iter().any(|span| !span.is_required && span.range == *range)
    }

    fn offer(&mut self, said: Said, typed: &Typed<'_>, label: Label, condition: &Condition) {
        let filter = Some(condition.text.clone());
        self.add(said, typed, label, filter, None);
    }

    fn select(&mut self, said: Said, typed: &Typed<'_>, label: Label, select: String) {
        self.add(said, typed, label, None, Some(select));
    }

    fn add(
        &mut self,
        said: Said,
        typed: &Typed<'_>,
        label: Label,
        filter: Option<String>,
        select: Option<String>,
    ) {
        let is_known =
            self.offers.iter().any(|known| known.filter == filter && known.select == select);
        if is_known || self.offers.len() == MAX_OFFERS {
            return;
        }
        let place = |at: usize| typed.text[..at].chars().count();
        self.offers.push(Offer {
            said,
            text: typed.words().to_owned(),
            start: place(typed.place.start),
            end: place(typed.place.end),
            label,
            filter,
            select,
        });
    }
}

/// Finds the rule that a query is about.
fn rule_for<'a>(rules: &'a [RangeRule], normalized: &str) -> Option<&'a RangeRule> {
    let is_told = |rule: &&RangeRule| rule.cues.iter().any(|cue| normalized.contains(&**cue));
    rules.iter().find(is_told).or_else(|| rules.iter().find(|rule| rule.cues.is_empty()))
}

/// A filter, and how the API writes it.
#[derive(Clone)]
struct Condition {
    filter: Filter,
    text: String,
}

fn any(conditions: impl Iterator<Item = Condition>) -> Option<Condition> {
    let mut conditions: Vec<Condition> = conditions.collect();
    if conditions.len() < 2 {
        return conditions.pop();
    }
    let text: Vec<&str> = conditions.iter().map(|condition| &*condition.text).collect();
    let text = format!("({})", text.join(" OR "));
    let filters = conditions.into_iter().map(|condition| condition.filter).collect();
    Some(Condition { filter: Filter::Or(filters), text })
}

/// `print` writes a value as filters do.
fn in_range(
    path: &Arc<str>,
    low: Option<i64>,
    high: Option<i64>,
    print: impl Fn(i64) -> String,
) -> Condition {
    let text = match (low.map(&print), high.map(&print)) {
        (Some(low), Some(high)) => format!("{path} {low} TO {high}"),
        (Some(low), None) => format!("{path} >= {low}"),
        (None, Some(high)) => format!("{path} <= {high}"),
        (None, None) => format!("{path} EXISTS"),
    };
    let end = |end: Option<i64>| end.map(|value| (Literal::Integer(value), true));
    let filter = Filter::Range { path: path.clone(), low: end(low), high: end(high) };
    Condition { filter, text }
}

fn in_days(path: &Arc<str>, days: Days) -> Condition {
    let print = |day: i64| i32::try_from(day).map(date::print).unwrap_or_default();
    in_range(path, days.from.map(i64::from), days.to.map(i64::from), print)
}

fn in_amount(path: &Arc<str>, amount: Amount) -> Condition {
    let (low, high) = match amount {
        Amount::AtLeast(low) | Amount::Bare(low) => (Some(low), None),
        Amount::AtMost(high) => (None, Some(high)),
        Amount::Between(low, high) => (Some(low), Some(high)),
    };
    in_range(path, low, high, |yuan| yuan.to_string())
}

fn joined(name: &Label, zh: &str, en: &str, value: &Label) -> Label {
    Label { zh: format!("{}{zh}{}", name.zh, value.zh), en: format!("{}{en}{}", name.en, value.en) }
}

fn label_of_days(days: Days) -> Label {
    let (zh, en) = match (days.from.map(date::print), days.to.map(date::print)) {
        (Some(from), Some(to)) if from == to => (from.clone(), from),
        (Some(from), Some(to)) => (format!("{from} 至 {to}"), format!("{from} to {to}")),
        (Some(from), None) => (format!("{from} 起"), format!("from {from}")),
        (None, Some(to)) => (format!("{to} 以前"), format!("until {to}")),
        (None, None) => Default::default(),
    };
    Label { zh, en }
}

fn label_of_amount(amount: Amount) -> Label {
    let (zh, en) = match amount {
        Amount::AtLeast(yuan) | Amount::Bare(yuan) => {
            (format!("{}以上", money(yuan)), format!("at least {}", in_english(yuan)))
        }
        Amount::AtMost(yuan) => {
            (format!("{}以内", money(yuan)), format!("at most {}", in_english(yuan)))
        }
        Amount::Between(low, high) => (
            format!("{} 至 {}", money(low), money(high)),
            format!("{} to {}", in_english(low), in_english(high)),
        ),
    };
    Label { zh, en }
}

/// Prints yuan in groups of three digits: `¥1,000,000`.
fn in_english(yuan: i64) -> String {
    let digits = yuan.to_string();
    let mut text = String::from("¥");
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints yuan as people say them: `50万元`, `1.5亿元`, `800元`.
fn money(yuan: i64) -> String {
    match yuan {
        100_000_000.. if yuan % 1_000_000 == 0 => format!("{}亿元", yuan as f64 / 1e8),
        10_000.. if yuan % 100 == 0 => format!("{}万元", yuan as f64 / 1e4),
        _ => format!("{yuan}元"),
    }
}
