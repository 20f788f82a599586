//! From typed text to queries, the strictest first: a rung that finds too little is followed by the next.
//!
//! A record matches a word when it holds the word's characters next to each other: all adjacent pairs (grams) of the
//! word. How the dictionary happens to cut the record does not matter, so no record is lost to segmentation. Words,
//! single characters, title and keywords then decide the order.
//!
//! What is understood of the text widens what may stand for a word: another way to say it, or a value that the record
//! has (`understand`).

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::typed::Typed;
use super::understand::{Alternative, Scored, Span, Understanding};
use super::{Measure, Part, Query, Ranker, ShareOf, Signal, TokenField, WeightedTerm};
use crate::record::kind::{Scoring, SignalRule};
use crate::record::understanding::Said;
use crate::text::{Analyzer, QueryWord, chars, chinese_digit, code_key, grams};

/// What a satisfied condition counts among the matches from which the best are re-scored: as much as a rare word.
const WISH: f32 = 6.0;
/// What a title that holds the only character asked for counts among those matches: more than any text without it.
const TITLED: f32 = 100.0;
/// Characters that say nothing beside a word.
const FUNCTION: &str = "的地得了着过和与及或之其于在是为等";
/// A query of more words is not checked for how many of them each result has.
const MAX_COVERAGE: usize = 12;
/// A longer text is no title.
const MAX_TITLE: usize = 60;
/// Most ways to say a title that are looked for.
const MAX_TITLES: usize = 6;
/// Another way to say a word that counts so much is the same word.
const SAME: f32 = 0.9;

/// What a list of results holds, from the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relaxation {
    /// Every result holds what was typed, literally.
    Exact,
    /// Every result holds every word, or what stands for it.
    AllWords,
    /// Every result holds three words in four.
    MostWords,
    /// Results share at least a pair of characters.
    Grams,
}

/// A way to answer, strict or lenient.
#[derive(Clone, Debug)]
pub struct Rung {
    pub relaxation: Relaxation,
    pub query: Query,
    pub parts: Vec<Part>,
    pub rankers: Vec<Ranker>,
}

/// All ways to answer one typed query, and what to mark in the results.
#[derive(Clone, Debug)]
pub struct Ladder {
    pub rungs: Vec<Rung>,
    /// Normalized strings to mark.
    pub needles: Vec<String>,
    /// Words as they were understood, in order.
    pub words: Vec<String>,
    /// A rung that finds fewer is followed by the next.
    pub enough: u64,
    /// Matches records of which what was typed, or a piece of it, is a code or a part of one.
    pub(super) codes: Query,
}

/// A piece of the query that a record has or lacks.
#[derive(Clone, PartialEq)]
struct Leaf {
    text: String,
    /// Holds no 汉字: matched at word boundaries first.
    latin: bool,
}

impl Leaf {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), latin: is_latin(text) }
    }

    fn is_single(&self) -> bool {
        !self.latin && self.text.chars().nth(1).is_none()
    }
}

/// Some words of the query, and what may stand for them.
struct Concept<'a> {
    leaves: Vec<Leaf>,
    alternatives: &'a [Alternative],
    meaning: Option<&'a Filter>,
}

impl Concept<'_> {
    fn requirement(&self, scoring: &Scoring) -> Query {
        let own = self.leaves.iter().map(|leaf| requirement(leaf, scoring, 1.0));
        let own = all_of(own.collect());
        let others = self.alternatives.iter().map(|other| other_way(other, scoring));
        let meaning = self.meaning.map(|filter| Query::Filter(filter.clone()));
        let mut ways: Vec<Query> = std::iter::once(own).chain(others).chain(meaning).collect();
        match ways.len() {
            1 => ways.remove(0),
            _ => Query::Best(ways),
        }
    }

    fn is_literal(&self) -> bool {
        self.leaves.len() == 1 && self.alternatives.is_empty() && self.meaning.is_none()
    }
}

/// What one branch of a query asks for.
struct Branch<'a> {
    concepts: Vec<Concept<'a>>,
    /// The whole text, where a word stands beside characters that no dictionary knows: they are looked for together
    /// before the word alone is.
    whole: Option<&'a str>,
}

/// Groups the words of one branch by what they mean.
fn branch(read: &Understanding) -> Branch<'_> {
    let is_in = |span: &Span, word: &QueryWord| {
        span.range.start <= word.start && word.end <= span.range.end
    };
    let is_single = |word: &QueryWord| Leaf::new(&word.text).is_single();
    let mut concepts: Vec<Concept<'_>> = Vec::new();
    let mut words = read.words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(span) = read.spans.iter().find(|span| is_in(span, word)) else {
            // A word that the dictionary does not know: its characters mean something only together.
            let mut end = word.end;
            while is_single(word)
                && let Some(next) = words.next_if(|next| {
                    next.start == end
                        && is_single(next)
                        && !read.spans.iter().any(|span| is_in(span, next))
                })
            {
                end = next.end;
            }
            let run = [read.normalized[word.start..end].to_owned()];
            for leaf in if end > word.end { &run[..] } else { &word.leaves } {
                let leaves = vec![Leaf::new(leaf)];
                if !concepts.iter().any(|known| known.is_literal() && known.leaves == leaves) {
                    concepts.push(Concept { leaves, alternatives: &[], meaning: None });
                }
            }
            continue;
        };
        let mut leaves: Vec<Leaf> = word.leaves.iter().map(|leaf| Leaf::new(leaf)).collect();
        while let Some(word) = words.next_if(|word| is_in(span, word)) {
            leaves.extend(word.leaves.iter().map(|leaf| Leaf::new(leaf)));
        }
        if !span.is_required {
            continue;
        }
        // 科小 is two single characters to the dictionary.
        if leaves.iter().any(Leaf::is_single) {
            leaves = vec![Leaf::new(&read.normalized[span.range.clone()])];
        }
        concepts.push(Concept {
            leaves,
            alternatives: &span.alternatives,
            meaning: span.meaning.as_ref(),
        });
    }
    // 的, 与 and the like say nothing beside real words.
    let is_single = |concept: &Concept<'_>| concept.is_literal() && concept.leaves[0].is_single();
    if concepts.iter().any(|concept| !is_single(concept)) {
        let says = |concept: &Concept<'_>| {
            is_single(concept) && !FUNCTION.contains(concept.leaves[0].text.as_str())
        };
        let is_one_run = read.normalized.chars().all(char::is_alphanumeric);
        let whole = (is_one_run && concepts.iter().any(says)).then_some(&*read.normalized);
        concepts.retain(|concept| !is_single(concept));
        return Branch { whole: whole.filter(|_| concepts.len() == 1), concepts };
    }
    if concepts.len() > 1 {
        // A name that the dictionary does not know: its characters mean something only together.
        concepts.truncate(1);
        concepts[0].leaves = vec![Leaf { text: read.normalized.clone(), latin: false }];
    }
    if concepts.is_empty() {
        // Nothing but words that say nothing: then they are what is looked for.
        let leaves: Vec<Leaf> =
            read.words.iter().flat_map(|word| &word.leaves).map(|leaf| Leaf::new(leaf)).collect();
        if !leaves.is_empty() {
            concepts.push(Concept { leaves, alternatives: &[], meaning: None });
        }
    }
    Branch { concepts, whole: None }
}

impl Ladder {
    /// Makes the rungs of a query whose branches were understood one by one.
    pub fn new(
        typed: &Typed,
        branches: &[Understanding],
        analyzer: &Analyzer,
        scoring: &Scoring,
    ) -> Self {
        let asked: Vec<Branch<'_>> = branches.iter().map(branch).collect();
        let all: Vec<&Concept<'_>> = asked.iter().flat_map(|branch| &branch.concepts).collect();
        let tokens = Tokens::new(branches, &all, typed, analyzer);
        let literal_texts = |texts: &[String]| -> Vec<Query> {
            let literals = texts.iter().map(|text| {
                let text = analyzer.normalize(text).text;
                let texts = std::iter::once(text.clone()).chain(with_cut_years(&text));
                any_of(texts.map(|text| literal(&text, scoring)))
            });
            literals.collect()
        };
        let plan = Plan {
            required: literal_texts(&typed.phrases),
            excluded: literal_texts(&typed.excluded),
            codes: branches
                .iter()
                .flat_map(|branch| &branch.codes)
                .map(|key| code(key, scoring))
                .collect(),
            wishes: branches
                .iter()
                .flat_map(|branch| &branch.spans)
                .filter_map(|span| Some((span.said, Query::Filter(span.meaning.clone()?))))
                .collect(),
            titles: match branches {
                [only] if typed.phrases.is_empty() => titles(only),
                _ => Vec::new(),
            },
            titled: match branches {
                [only] if typed.phrases.is_empty() => titled(&only.normalized),
                _ => None,
            },
            years: branches
                .iter()
                .filter_map(|branch| with_cut_years(&branch.normalized))
                .map(|text| literal(&text, scoring))
                .collect(),
            coverage: all.iter().map(|concept| concept.requirement(scoring)).collect(),
            tokens: &tokens,
            scoring,
        };
        let mut rungs = Vec::new();
        if all.is_empty() {
            // Only phrases and exclusions, or nothing that is a letter or digit.
            let main =
                (!typed.plain.is_empty() && typed.phrases.is_empty()).then_some(Query::Nothing);
            rungs.push(plan.rung(Relaxation::Exact, main));
        } else {
            let asked = || asked.iter().filter(|branch| !branch.concepts.is_empty());
            let each = |minimum: fn(usize) -> usize| {
                let branches = asked().map(|branch| {
                    let requirements = branch.concepts.iter().map(|it| it.requirement(scoring));
                    let clauses: Vec<Query> = requirements.collect();
                    match minimum(clauses.len()) {
                        all if all == clauses.len() => all_of(clauses),
                        minimum => Query::Or { clauses, minimum },
                    }
                });
                any_of(branches)
            };
            let all_words = each(|len| len);
            let has_whole = asked().any(|branch| branch.whole.is_some());
            if has_whole {
                let branches = asked().map(|branch| {
                    let own = branch.concepts.iter().map(|concept| concept.requirement(scoring));
                    let whole = branch.whole.map(|text| literal_with(text, 0.0));
                    all_of(own.chain(whole).collect())
                });
                rungs.push(plan.rung(Relaxation::Exact, Some(any_of(branches))));
            }
            let label = match all.as_slice() {
                _ if has_whole => Relaxation::MostWords,
                [only] if only.is_literal() => Relaxation::Exact,
                _ => Relaxation::AllWords,
            };
            rungs.push(plan.rung(label, Some(all_words.clone())));
            if typed.phrases.is_empty() {
                if asked().any(|branch| branch.concepts.len() > 1) {
                    rungs.push(plan.rung(Relaxation::MostWords, Some(each(most))));
                }
                // Part of a Latin word is no token: what has all that was asked for stays among what has any of it.
                let has_latin =
                    all.iter().any(|concept| concept.leaves.iter().any(|leaf| leaf.latin));
                let any =
                    std::iter::once(tokens.any(scoring)).chain(has_latin.then_some(all_words));
                rungs.push(plan.rung(Relaxation::Grams, Some(any_of(any))));
            }
        }
        let needles = tokens.needles(&all, typed, analyzer);
        let words = branches.iter().flat_map(|branch| &branch.words);
        // A sentence is not a list of conditions: the record that answers it rarely holds all its words.
        let enough = if all.len() <= 2 { 10 } else { 100 };
        let quoted = typed.phrases.iter().map(|phrase| code(&code_key(phrase), scoring));
        let codes = any_of(plan.codes.iter().cloned().chain(quoted));
        let words = words.map(|word| word.text.clone()).collect();
        Self { rungs, needles, words, enough, codes }
    }
}

/// Three words in four, but never all of several.
fn most(len: usize) -> usize {
    (len * 3).div_ceil(4).min(len.saturating_sub(1)).max(1)
}

/// What all rungs of a query share.
struct Plan<'a> {
    required: Vec<Query>,
    excluded: Vec<Query>,
    codes: Vec<Query>,
    /// What the conditions of the query ask for, and of which sort they are.
    wishes: Vec<(Said, Query)>,
    /// What a title may hold, and its length in characters.
    titles: Vec<(Query, usize)>,
    /// Of a single character: its titles.
    titled: Option<Query>,
    /// What was typed where it may be a part of a year in Chinese digits, which records hold in others.
    years: Vec<Query>,
    /// What each word asks for.
    coverage: Vec<Query>,
    tokens: &'a Tokens,
    scoring: &'a Scoring,
}

impl Plan<'_> {
    fn rung(&self, relaxation: Relaxation, main: Option<Query>) -> Rung {
        let others = || self.codes.iter().chain(&self.years).cloned();
        let main = main.map(|main| match others().next() {
            None => main,
            Some(_) => any_of(std::iter::once(main).chain(others())),
        });
        let all: Vec<Query> = self.required.iter().cloned().chain(main).collect();
        let mut query = if all.is_empty() { Query::All } else { all_of(all) };
        let wishes: Vec<Query> = self.wishes.iter().map(|(_, wish)| wish.clone()).collect();
        if !wishes.is_empty() {
            query = Query::Prefer { keep: Box::new(query), wishes, boost: WISH };
        }
        if let Some(titled) = &self.titled {
            let wishes = vec![titled.clone()];
            query = Query::Prefer { keep: Box::new(query), wishes, boost: TITLED };
        }
        if !self.excluded.is_empty() {
            query = Query::Without { keep: Box::new(query), drop: self.excluded.clone() };
        }
        let in_base = match relaxation {
            Relaxation::Grams => InBase::AllGrams,
            _ => InBase::Leaves,
        };
        Rung {
            relaxation,
            query,
            parts: self.tokens.parts(self.scoring, in_base),
            rankers: self.rankers(relaxation),
        }
    }

    /// Makes the declared signals that can tell results of this rung apart.
    fn rankers(&self, relaxation: Relaxation) -> Vec<Ranker> {
        let mut rankers = Vec::with_capacity(self.scoring.signals.len());
        for signal in self.scoring.signals.iter().filter(|signal| signal.weight > 0.0) {
            let mut weight = signal.weight;
            let (share_of, measure) = match &signal.rule {
                SignalRule::Code if !self.codes.is_empty() => {
                    let queries = vec![any_of(self.codes.iter().cloned())];
                    (ShareOf::Best, Measure::Matches { queries, base: 0.0 })
                }
                SignalRule::Understood { of } => {
                    let wishes = self.wishes.iter().filter(|(said, _)| of.contains(said));
                    let queries: Vec<Query> = wishes.map(|(_, wish)| wish.clone()).collect();
                    if queries.is_empty() {
                        continue;
                    }
                    (ShareOf::Best, Measure::Matches { queries, base: WISH })
                }
                SignalRule::Title => match &self.titled {
                    Some(titled) => {
                        // More than the other signals together.
                        weight = 2.0;
                        let queries = vec![titled.clone()];
                        (ShareOf::Best, Measure::Matches { queries, base: TITLED })
                    }
                    None if !self.titles.is_empty() => {
                        (ShareOf::Best, Measure::TitleShare { phrases: self.titles.clone() })
                    }
                    None => continue,
                },
                SignalRule::Coverage
                    if relaxation >= Relaxation::MostWords
                        && (2..=MAX_COVERAGE).contains(&self.coverage.len()) =>
                {
                    let queries = self.coverage.clone();
                    (ShareOf::Own, Measure::Matches { queries, base: 0.0 })
                }
                SignalRule::Value { path, worth, absent } => {
                    let (path, worth) = (path.clone(), worth.clone());
                    (ShareOf::Own, Measure::Value { path, worth, absent: *absent })
                }
                SignalRule::Recency { half_life_days } => {
                    (ShareOf::Own, Measure::Recency { half_life_days: *half_life_days })
                }
                SignalRule::Code | SignalRule::Coverage => continue,
            };
            rankers.push(Ranker {
                name: signal.name.clone(),
                label: signal.label.zh.as_str().into(),
                weight,
                share_of,
                measure,
            });
        }
        rankers
    }
}

/// Which tokens the base query already scores.
#[derive(Clone, Copy, PartialEq)]
enum InBase {
    /// The grams of the leaves.
    Leaves,
    /// All grams, and Latin words.
    AllGrams,
}

/// The distinct tokens of a query, with how often each occurs in it.
struct Tokens {
    /// All words, those inside others too.
    units: Vec<(String, u32)>,
    /// Words that lie in no other: they alone are scored, or a long word would count several times.
    words: Vec<(String, u32)>,
    grams: Vec<(String, u32)>,
    chars: Vec<(String, u32)>,
    latin: Vec<(String, u32)>,
    /// Those that a record must hold to have a leaf.
    leaf_grams: Vec<String>,
    /// Other ways to say parts of the query, with the words of each.
    others: Vec<(Alternative, Vec<String>)>,
}

impl Tokens {
    fn new(
        branches: &[Understanding],
        concepts: &[&Concept<'_>],
        typed: &Typed,
        analyzer: &Analyzer,
    ) -> Self {
        let (mut units, mut words, mut leaf_grams) = (Vec::new(), Vec::new(), Vec::new());
        // What is scored by pairs, and what by single characters.
        let mut texts: Vec<(String, String)> = Vec::new();
        for branch in branches {
            let scored = |word: &QueryWord| {
                let touches =
                    |span: &&Span| span.range.start < word.end && word.start < span.range.end;
                let spans = branch.spans.iter().filter(touches);
                spans.map(|span| span.scored).max().unwrap_or(Scored::Wholly)
            };
            // Words that ask are looked for when there are no others.
            let has_others = branch.words.iter().any(|word| scored(word) == Scored::Wholly);
            let is_left_out = |scored| match scored {
                Scored::Wholly => false,
                Scored::Pairs => has_others,
                Scored::Not => true,
            };
            for word in branch.words.iter().filter(|word| scored(word) != Scored::Not) {
                if !is_left_out(scored(word)) {
                    count(&mut words, &word.text);
                }
                for unit in &word.units {
                    count(&mut units, unit);
                }
            }
            for character in &branch.merged {
                count(&mut words, character);
            }
            let without = |is_out: &dyn Fn(Scored) -> bool| {
                let mut text = branch.normalized.clone();
                for span in branch.spans.iter().rev().filter(|span| is_out(span.scored)) {
                    text.replace_range(span.range.clone(), "\n");
                }
                text
            };
            texts.push((without(&|scored| scored == Scored::Not), without(&is_left_out)));
        }
        for phrase in &typed.phrases {
            let phrase = analyzer.normalize(phrase).text;
            for word in analyzer.words(&phrase) {
                count(&mut words, &word.text);
                for unit in &word.units {
                    count(&mut units, unit);
                }
            }
            for gram in grams(&phrase) {
                push_new(&mut leaf_grams, &gram);
            }
            texts.push((phrase.clone(), phrase));
        }
        let (mut all_grams, mut all_chars) = (Vec::new(), Vec::new());
        for (text, telling) in &texts {
            for gram in grams(text) {
                // Pairs of Latin letters say little: words stand for them.
                if !is_latin(&gram) {
                    count(&mut all_grams, &gram);
                }
            }
            for ch in telling.chars().filter(|ch| ch.is_alphanumeric() && !ch.is_ascii()) {
                count(&mut all_chars, ch.encode_utf8(&mut [0; 4]));
            }
        }
        let mut others: Vec<(Alternative, Vec<String>)> = Vec::new();
        for concept in concepts {
            for leaf in concept.leaves.iter().filter(|leaf| !leaf.latin) {
                for gram in grams(&leaf.text) {
                    push_new(&mut leaf_grams, &gram);
                }
            }
            for other in concept.alternatives {
                let words = analyzer.words(&other.text).into_iter().map(|word| word.text);
                others.push((other.clone(), words.collect()));
            }
        }
        let latin = units.iter().filter(|(unit, _)| is_latin(unit)).cloned().collect();
        Self { units, words, grams: all_grams, leaf_grams, chars: all_chars, latin, others }
    }

    /// Any gram or Latin word, or another way to say a part.
    fn any(&self, scoring: &Scoring) -> Query {
        let term = |field, boost: f32| {
            move |(token, times): &(String, u32)| Query::Term {
                field,
                token: token.clone(),
                boost: boost * tf(*times),
            }
        };
        let grams = self.grams.iter().map(term(TokenField::Grams, scoring.units.grams));
        let latin = self.latin.iter().map(term(TokenField::Words, scoring.units.words));
        let others = self.others.iter().map(|(other, _)| other_way(other, scoring));
        any_of(grams.chain(latin).chain(others))
    }

    fn parts(&self, scoring: &Scoring, in_base: InBase) -> Vec<Part> {
        let weigh = |field, tokens: &[(String, u32)], weight: f32, skip: &[&str]| {
            tokens
                .iter()
                .filter(|(token, _)| weight > 0.0 && !skip.contains(&token.as_str()))
                .map(|(token, times)| WeightedTerm {
                    field,
                    token: token.clone(),
                    weight: weight * tf(*times),
                })
                .collect::<Vec<_>>()
        };
        let (units, roles) = (&scoring.units, &scoring.roles);
        let skip_grams = match in_base {
            InBase::Leaves => self.leaf_grams.iter().map(String::as_str).collect(),
            InBase::AllGrams => names(&self.grams),
        };
        let (latin, han): (Vec<_>, Vec<_>) =
            self.words.iter().cloned().partition(|(word, _)| is_latin(word));
        let mut words = weigh(TokenField::Words, &han, units.words, &[]);
        for word in &mut words {
            word.weight *= beside_its_parts(&word.token);
        }
        // None do beside a Latin word: it counts for all three.
        let whole = match in_base {
            InBase::Leaves => units.words,
            InBase::AllGrams => 0.0,
        };
        words.extend(weigh(TokenField::Words, &latin, whole + units.grams + units.chars, &[]));
        let mut title = weigh(TokenField::TitleWords, &self.words, roles.title * units.words, &[]);
        title.extend(weigh(TokenField::TitleGrams, &self.grams, roles.title * units.grams, &[]));
        [
            (Signal::Words, words),
            (Signal::Grams, weigh(TokenField::Grams, &self.grams, units.grams, &skip_grams)),
            (Signal::Chars, weigh(TokenField::Chars, &self.chars, units.chars, &[])),
            (Signal::Title, title),
            (
                Signal::Keywords,
                weigh(TokenField::KeywordWords, &self.words, roles.keywords * units.words, &[]),
            ),
            (Signal::Synonyms, self.synonyms(scoring)),
        ]
        .into_iter()
        .filter(|(_, terms)| !terms.is_empty())
        .map(|(signal, terms)| Part { signal, terms })
        .collect()
    }

    /// The words of other ways to say parts of the query: each way counts like one word.
    fn synonyms(&self, scoring: &Scoring) -> Vec<WeightedTerm> {
        let mut terms = Vec::new();
        for (other, words) in &self.others {
            let share = other.weight * scoring.units.synonyms / words.len().max(1) as f32;
            for word in words {
                for (field, role) in [
                    (TokenField::Words, 1.0),
                    (TokenField::TitleWords, scoring.roles.title),
                    (TokenField::KeywordWords, scoring.roles.keywords),
                ] {
                    let weight = share * role;
                    if weight > 0.0 {
                        terms.push(WeightedTerm { field, token: word.clone(), weight });
                    }
                }
            }
        }
        terms
    }

    fn needles(
        &self,
        concepts: &[&Concept<'_>],
        typed: &Typed,
        analyzer: &Analyzer,
    ) -> Vec<String> {
        let leaves: Vec<&Leaf> = concepts.iter().flat_map(|concept| &concept.leaves).collect();
        let single = leaves.iter().all(|leaf| leaf.text.chars().nth(1).is_none());
        let mut needles: Vec<String> = self
            .units
            .iter()
            .map(|(unit, _)| unit)
            .chain(leaves.iter().map(|leaf| &leaf.text))
            .chain(self.others.iter().map(|(other, _)| &other.text))
            .filter(|word| single || word.chars().nth(1).is_some())
            .cloned()
            .collect();
        needles.extend(typed.phrases.iter().map(|phrase| analyzer.normalize(phrase).text));
        needles.sort_unstable();
        needles.dedup();
        needles
    }
}

/// What a record must hold to have the leaf; a match scores `weight` times its BM25.
fn requirement(leaf: &Leaf, scoring: &Scoring, weight: f32) -> Query {
    if leaf.latin {
        return literal_with(&leaf.text, 0.0);
    }
    let mut grams: Vec<Query> = Vec::new();
    for gram in crate::text::grams(&leaf.text) {
        let term = gram_or_char(&gram, scoring, weight);
        if !grams.contains(&term) {
            grams.push(term);
        }
    }
    Query::And(grams)
}

/// What a record must hold that says it the other way.
fn other_way(other: &Alternative, scoring: &Scoring) -> Query {
    let weight = scoring.units.grams * other.weight;
    if is_latin(&other.text) {
        // Whole words: `technical` does not say IC.
        let words: Vec<&str> = other.text.split([' ', '\n']).collect();
        let boost = weight / words.len() as f32;
        let term = |word: &&str| Query::Term {
            field: TokenField::Words,
            token: (*word).to_owned(),
            boost,
        };
        return all_of(words.iter().map(term).collect());
    }
    match other.text.contains(|c: char| c.is_ascii_alphanumeric()) {
        true => literal_with(&other.text, weight),
        false => requirement(&Leaf::new(&other.text), scoring, other.weight),
    }
}

/// What a title holds that says a text whole: the text, and the text with one of its words said another way.
fn titles(read: &Understanding) -> Vec<(Query, usize)> {
    let others = read.spans.iter().flat_map(|span| {
        let same = span.alternatives.iter().filter(|other| other.weight >= SAME);
        same.map(move |other| {
            let mut text = read.normalized.clone();
            text.replace_range(span.range.clone(), &other.text);
            text
        })
    });
    let texts = std::iter::once(read.normalized.clone()).chain(others).take(MAX_TITLES);
    texts.filter_map(|text| title(&text)).collect()
}

/// A phrase that a title holds which is said whole, and its length in characters.
fn title(normalized: &str) -> Option<(Query, usize)> {
    let tokens: Vec<(usize, String)> =
        chars(normalized).into_iter().map(|token| (token.position, token.text)).collect();
    let length = tokens.len();
    let phrase = Query::Phrase { field: TokenField::TitleChars, tokens };
    (2..=MAX_TITLE).contains(&length).then_some((phrase, length))
}

/// The titles that hold the only character of a text.
fn titled(normalized: &str) -> Option<Query> {
    match chars(normalized).as_slice() {
        [only] => Some(Query::Phrase {
            field: TokenField::TitleChars,
            tokens: vec![(0, only.text.clone())],
        }),
        _ => None,
    }
}

/// The text as it reads inside a longer one, where it begins or ends within a year in Chinese digits: 〇二五年 in
/// 二〇二五年, which is 2025年.
fn with_cut_years(normalized: &str) -> Option<String> {
    let digits = |text: &str| -> Option<String> { text.chars().map(chinese_digit).collect() };
    let of_digits = |chars: &mut dyn Iterator<Item = char>| {
        chars.take_while(|&c| chinese_digit(c).is_some()).map(char::len_utf8).sum::<usize>()
    };
    let head = of_digits(&mut normalized.chars());
    let tail = normalized.len() - of_digits(&mut normalized.chars().rev());
    let is_short = |text: &str| (1..=4).contains(&text.chars().count());
    let mut text = normalized.to_owned();
    let begins = tail == 0 || normalized[tail..].starts_with(['一', '二']);
    if begins && is_short(&normalized[tail..]) && normalized.chars().nth(1).is_some() {
        text.replace_range(tail.., &digits(&normalized[tail..])?);
    }
    if is_short(&normalized[..head]) && normalized[head..].starts_with('年') {
        text.replace_range(..head, &digits(&normalized[..head])?);
    }
    (text != normalized).then_some(text)
}

fn all_of(mut clauses: Vec<Query>) -> Query {
    match clauses.len() {
        1 => clauses.remove(0),
        _ => Query::And(clauses),
    }
}

fn code(key: &str, scoring: &Scoring) -> Query {
    Query::Term { field: TokenField::Code, token: key.to_owned(), boost: scoring.roles.code }
}

/// Matches records that hold `normalized` as it stands.
fn literal(normalized: &str, scoring: &Scoring) -> Query {
    literal_with(normalized, scoring.units.grams)
}

fn literal_with(normalized: &str, boost: f32) -> Query {
    let tokens: Vec<(usize, String)> =
        chars(normalized).into_iter().map(|token| (token.position, token.text)).collect();
    if tokens.is_empty() {
        return Query::Nothing;
    }
    // The pairs are rarer than the characters: they leave few records for the phrase to look at.
    let mut clauses: Vec<Query> = Vec::new();
    for gram in grams(normalized).into_iter().filter(|gram| gram.chars().nth(1).is_some()) {
        let clause = Query::Term { field: TokenField::Grams, token: gram, boost };
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    }
    clauses.push(Query::Phrase { field: TokenField::Chars, tokens });
    Query::And(clauses)
}

/// A single character is looked up among the characters: the grams hold it only where it stands alone.
fn gram_or_char(gram: &str, scoring: &Scoring, weight: f32) -> Query {
    let (field, unit) = match gram.chars().nth(1).is_some() {
        true => (TokenField::Grams, scoring.units.grams),
        false => (TokenField::Chars, scoring.units.chars),
    };
    Query::Term { field, token: gram.to_owned(), boost: unit * weight }
}

fn any_of(clauses: impl Iterator<Item = Query>) -> Query {
    let clauses: Vec<Query> = clauses.collect();
    match clauses.len() {
        0 => Query::Nothing,
        _ => Query::Or { clauses, minimum: 1 },
    }
}

/// The share of its weight that a word keeps: the longer it is, the more of its pairs and characters count beside it.
/// One of two characters is the measure.
fn beside_its_parts(word: &str) -> f32 {
    (2.0 / word.chars().count().clamp(1, 5) as f32).sqrt()
}

fn is_latin(text: &str) -> bool {
    text.is_ascii()
}

fn names(tokens: &[(String, u32)]) -> Vec<&str> {
    tokens.iter().map(|(token, _)| token.as_str()).collect()
}

/// What a token counts that occurs `times` times in the query: a repeated word matters more, but not twice as much.
fn tf(times: u32) -> f32 {
    (times as f32).sqrt()
}

fn count(list: &mut Vec<(String, u32)>, token: &str) {
    match list.iter_mut().find(|(known, _)| known == token) {
        Some((_, times)) => *times += 1,
        None => list.push((token.to_owned(), 1)),
    }
}

pub(super) fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}
