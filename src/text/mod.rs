//! Chinese text to tokens: one analysis, made before any engine sees the text.
//!
//! [`Analyzer::normalize`] brings every spelling of a text to one form and remembers where each byte came from;
//! [`Analyzer::analyze`] cuts that form into the three [`Units`] that are indexed, and [`Analyzer::words`], [`grams`]
//! and [`chars`] cut a query into the same units. Two laws tie the sides together, and property tests hold them:
//!
//! - every unit of a [`QueryWord`] is among the words that `analyze` gives for the same string;
//! - a substring of a normalized text has no pair of characters that the text has not, and its characters stand in the
//!   text at the same distances.
//!
//! Words are the unit that ranks, and cutting them depends on the text around them. Pairs and characters do not, so
//! that no literal occurrence is lost.

mod code;
mod dictionary;
mod normalize;
pub mod pinyin;
mod segment;
mod shape;
mod unit;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use arc_swap::ArcSwap;

pub use code::{code_key, code_parts, codes_in};
pub use dictionary::{DictionaryError, DictionaryFile, WORDS};
pub use normalize::Normalized;
pub use segment::QueryWord;
pub use shape::Shapes;
pub use unit::{PhraseToken, chars, grams, grams_iter};

pub(crate) use normalize::{chinese_digit, is_han};
pub(crate) use segment::is_bounded;

use normalize::Normalizer;
use pinyin::Pinyin;
use segment::Segmenter;

/// Counts the changes of the analysis that make an index under an older one unusable.
const ANALYSIS_VERSION: u64 = 3;

/// Everything that turns text into tokens.
///
/// Cheap to clone and shared by all threads, the clones too; one per process, since the word dictionary takes 33 MB.
#[derive(Clone)]
pub struct Analyzer {
    inner: Arc<Inner>,
    words: Arc<ArcSwap<Words>>,
}

/// What stays as it is.
struct Inner {
    normalizer: Normalizer,
    pinyin: Pinyin,
    shapes: Shapes,
    unsuggested: AhoCorasick,
    /// By code point: whether a traditional character shares its simplified form with another.
    merged: Box<[bool]>,
    fingerprint: u64,
}

/// What decides the words, and nothing but the words.
struct Words {
    segmenter: Segmenter,
    user_words: Arc<[String]>,
    fingerprint: u64,
}

impl Words {
    fn new(normalizer: &Normalizer, read: dictionary::Words) -> Self {
        let segmenter = Segmenter::new(normalizer, &read.words);
        Self { segmenter, user_words: read.words.into(), fingerprint: read.fingerprint }
    }
}

impl Analyzer {
    /// Reads `words.txt`, `t2s_chars.txt`, `pinyin_words.txt`, `shapes.txt` and
    /// `not_suggested.txt` from a folder, or those built into the program.
    ///
    /// Takes about 0.3 s. The first malformed line refuses all files, and the error names it: an analyzer is never
    /// half loaded.
    pub fn open(folder: Option<&Path>) -> Result<Analyzer, DictionaryError> {
        let words = dictionary::Words::read(folder)?;
        let tables = dictionary::Tables::read(folder)?;
        let normalizer = Normalizer::new(&tables.t2s_chars);
        let merged = merged(&tables.t2s_chars);
        let words = Words::new(&normalizer, words);
        let fingerprint = tables.fingerprint ^ ANALYSIS_VERSION.rotate_left(32);
        // How words are read decides no token: the fingerprint does not know it.
        let pinyin = Pinyin::open(folder)?;
        let shapes = Shapes::open(folder)?;
        let unsuggested = dictionary::read_unsuggested(folder)?;
        let unsuggested = unsuggested.iter().map(|text| normalizer.normalize_text(text));
        let unsuggested =
            AhoCorasick::new(unsuggested).expect("a few hundred short words fit an automaton");
        Ok(Analyzer {
            inner: Arc::new(Inner { normalizer, pinyin, shapes, unsuggested, merged, fingerprint }),
            words: Arc::new(ArcSwap::from_pointee(words)),
        })
    }

    /// Reads `words.txt` again; `None` when it says what it said. Takes about 0.3 s otherwise.
    ///
    /// The analyzer that is returned shares nothing but what stays as it is. It comes into use by
    /// [`adopt_words`](Self::adopt_words).
    pub fn with_changed_words(
        &self,
        folder: Option<&Path>,
    ) -> Result<Option<Analyzer>, DictionaryError> {
        let read = dictionary::Words::read(folder)?;
        if read.fingerprint == self.words_fingerprint() {
            return Ok(None);
        }
        let words = Words::new(&self.inner.normalizer, read);
        let words = Arc::new(ArcSwap::from_pointee(words));
        Ok(Some(Analyzer { inner: self.inner.clone(), words }))
    }

    /// Cuts as `other` does from now on, and so do all clones. What was cut before keeps its words: they only rank.
    pub fn adopt_words(&self, other: &Analyzer) {
        self.words.store(other.words.load_full());
    }

    /// The words of `words.txt`, as written there.
    pub fn user_words(&self) -> Arc<[String]> {
        self.words.load().user_words.clone()
    }

    /// Tells whether a text holds a word of `not_suggested.txt`: it is answered, but never offered to others.
    pub fn is_unsuggested(&self, text: &str) -> bool {
        self.inner.unsuggested.is_match(&self.normalize(text).text)
    }

    /// Which characters look alike.
    pub fn shapes(&self) -> &Shapes {
        &self.inner.shapes
    }

    /// Lists the characters of a text that simplified writing has merged with others: 髮, whose 发 is also 發.
    pub fn merged<'a>(&'a self, text: &'a str) -> impl Iterator<Item = char> + 'a {
        text.chars().filter(|&c| self.inner.merged.get(c as usize).is_some_and(|merged| *merged))
    }

    /// How characters are read in words.
    pub fn pinyin(&self) -> &Pinyin {
        &self.inner.pinyin
    }

    /// Changes with the tables of traditional characters and with the analysis itself: an index under another
    /// fingerprint is made anew.
    pub fn fingerprint(&self) -> u64 {
        self.inner.fingerprint
    }

    /// Changes with `words.txt`: an index under another one finds the same, and its records are cut again while it is
    /// in use.
    pub fn words_fingerprint(&self) -> u64 {
        self.words.load().fingerprint
    }

    /// Brings a text to the one form in which texts are compared.
    ///
    /// - NFKC, lower case, traditional characters to simplified by phrase, then by character; 二〇二五年 is 2025年.
    /// - Zero-width and control characters, and marks that no letter absorbs, are gone. So are the commas of 5,000.
    /// - White space next to a 汉字 is gone; between two other letters or digits it is one space.
    /// - Every run of line breaks and punctuation is one line feed, none at the ends. Only what holds a name or a
    ///   number together stays: `-._/&':@` between two letters or digits, `++` and `#` after a Latin letter, and the
    ///   point of `.net`.
    ///
    /// Normalizing twice changes nothing. Cost: about 3 ns a character; text past 4 GiB is left out.
    pub fn normalize(&self, text: &str) -> Normalized {
        self.inner.normalizer.normalize(text)
    }

    /// Appends the units of one value.
    ///
    /// Two empty tokens separate it from the value before. A phrase has at most one between two of its own tokens,
    /// so none reaches across values.
    pub fn analyze(&self, text: &str, units: &mut Units) {
        let normalized = self.inner.normalizer.normalize_text(text);
        unit::append_value(&mut units.words, |words| {
            self.words.load().segmenter.write(&normalized, words);
            // Beside their words: who types one of them finds its own texts first.
            for character in self.merged(text) {
                words.push(character);
                words.push(' ');
            }
        });
        unit::append_value(&mut units.grams, |grams| unit::write_grams(&normalized, grams));
        unit::append_value(&mut units.chars, |chars| unit::write_chars(&normalized, chars));
    }

    /// Cuts normalized text into words, coarsely: no two overlap.
    pub fn words(&self, normalized: &str) -> Vec<QueryWord> {
        self.words.load().segmenter.words(normalized)
    }
}

fn merged(t2s_chars: &HashMap<char, char>) -> Box<[bool]> {
    let mut sources: HashMap<char, Vec<char>> = HashMap::new();
    for (&from, &to) in t2s_chars.iter().filter(|(from, to)| from != to) {
        sources.entry(to).or_default().push(from);
    }
    let mut merged = vec![false; 0x1_0000];
    for from in sources.into_values().filter(|from| from.len() > 1).flatten() {
        if let Some(merged) = merged.get_mut(from as usize) {
            *merged = true;
        }
    }
    merged.into()
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer")
            .field("fingerprint", &self.inner.fingerprint)
            .finish_non_exhaustive()
    }
}

/// The tokens of a text, ready for any engine's white space analyzer.
///
/// One space ends a token; an empty token, that is two spaces, advances the position without a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Words and the words inside them. Their positions mean nothing.
    pub words: String,
    /// Adjacent pairs of characters; a character that stands alone is itself. Their positions mean nothing.
    pub grams: String,
    /// Single characters, for phrases: a run of separators is one gap.
    pub chars: String,
}

#[cfg(test)]
pub(crate) fn test_analyzer() -> &'static Analyzer {
    static ANALYZER: std::sync::LazyLock<Analyzer> = std::sync::LazyLock::new(|| {
        Analyzer::open(None).expect("the dictionaries of this repository are sound")
    });
    &ANALYZER
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    pub use super::normalize::tests::text;
    use super::*;

    fn units(text: &str) -> Units {
        let mut units = Units::default();
        test_analyzer().analyze(text, &mut units);
        units
    }

    /// Positions and texts of the tokens, as an engine reads them.
    fn tokens(units: &str) -> HashSet<(usize, &str)> {
        units.split(' ').enumerate().filter(|(_, token)| !token.is_empty()).collect()
    }

    #[test]
    fn values_do_not_touch() {
        let mut units = Units::default();
        for value in ["科技", "", "成果"] {
            test_analyzer().analyze(value, &mut units);
        }
        assert_eq!(
            units,
            Units {
                words: "科技   成果".into(),
                grams: "科技   成果".into(),
                chars: "科 技   成 果".into()
            }
        );
    }

    #[test]
    fn the_spellings_of_one_text_have_the_same_units() {
        let check =
            |one: &str, other: &str| assert_eq!(units(one), units(other), "{one} and {other}");
        check("科技 成果", "科技\u{3000}成果");
        check("科技 成果", "科技成果");
        check("國際會議", "国际会议");
        check("（科技）", "科技？");
        check("二〇二五年", "2025年");
        check("5,000万元", "5000 万元");
        check("ＡＢＣ１２３", "abc123");
    }

    #[test]
    fn what_simplified_writing_has_merged_is_told_apart() {
        assert_eq!(units("頭髮").words, "头发 髮");
        assert_eq!(
            (units("頭髮").grams, units("頭髮").chars),
            (units("头发").grams, units("头发").chars)
        );
        assert_eq!(test_analyzer().merged("發展與頭髮").collect::<String>(), "發髮");
    }

    #[test]
    fn any_content_is_taken() {
        for text in ["黎明前的黑暗", "得饶人处且饶人", "贝尔法斯特号", "𨨏"] {
            assert!(!units(text).chars.is_empty());
        }
        for text in
            ["\0", "\u{301}\u{301}", "\u{202e}\u{200f}", "👨\u{200d}👩\u{200d}👧", " ", "。"]
        {
            assert_eq!(units(text), Units::default(), "{text:?}");
        }
        for unit in
            ["中", "a", "1.", "e\u{301}", "\u{301}", "-", "二〇二五年", "乾 ", "\u{1100}\u{1161}"]
        {
            units(&unit.repeat(100_000));
        }
    }

    proptest! {
        #[test]
        fn no_literal_occurrence_is_lost(
            text in normalize::tests::text(),
            from in any::<prop::sample::Index>(),
            to in any::<prop::sample::Index>(),
        ) {
            let text = test_analyzer().normalize(&text).text;
            let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (from, to) = (bounds[from.index(bounds.len())], bounds[to.index(bounds.len())]);
            let part = &text[from.min(to)..from.max(to)];
            let whole: HashSet<&str> = grams_iter(&text).collect();
            for gram in grams(part) {
                prop_assert!(gram.chars().count() == 1 || whole.contains(&*gram), "{gram:?} of {part:?}");
            }
            let places = |text: &str| -> Vec<(usize, String)> {
                chars(text).into_iter().map(|token| (token.position, token.text)).collect()
            };
            let (whole, part) = (places(&text), places(part));
            if let Some((first, _)) = part.first() {
                let is_at = |shift: usize| part.iter().all(|(at, c)| whole.contains(&(at - first + shift, c.clone())));
                prop_assert!(whole.iter().any(|&(shift, _)| is_at(shift)), "{part:?} in {whole:?}");
            }
        }

        #[test]
        fn both_sides_have_the_same_units(text in normalize::tests::text()) {
            let units = units(&text);
            let normalized = test_analyzer().normalize(&text).text;
            let grams = grams(&normalized);
            prop_assert_eq!(units.grams.split(' ').filter(|gram| !gram.is_empty()).collect::<Vec<_>>(), grams);
            let chars = chars(&normalized);
            let chars: HashSet<(usize, &str)> = chars.iter().map(|token| (token.position, &*token.text)).collect();
            prop_assert_eq!(tokens(&units.chars), chars);
        }

        #[test]
        fn raw_and_normalized_codes_have_one_key(text in "[A-Z/ 0-9〔〕.号第年国办发-]{0,20}") {
            let normalized = test_analyzer().normalize(&text).text;
            prop_assert_eq!(code_key(&normalized), code_key(&text));
        }
    }
}
