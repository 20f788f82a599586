//! What somebody has typed so far, matched against units: 汉字, Latin letters, syllables, first letters of syllables,
//! in any mixture.

use super::unit::{Unit, code_of, is_unit, latin_sound};
use crate::text::pinyin::{MAX_SYLLABLE, Syllable};

/// Most characters that are looked at; who types more needs no completion.
const MAX_TYPED: usize = 48;
/// Characters of a key in the order of codes.
pub const KEY_CODES: usize = 4;
/// First letters behind the first sound of a key in the order of sounds.
pub const KEY_INITIALS: usize = 6;
/// First letters that are looked up behind the first sound; the rest is checked.
const LOOKED_UP: usize = 3;
/// Most places that are looked up for one pattern.
const MAX_LOOKUPS: usize = 300;
/// Most units that may be left out where letters turn to 汉字.
const MAX_GAP: usize = 3;
/// Most steps of one match. Texts of one repeated sound could be read in very many ways.
const MAX_STEPS: u32 = 400;

/// How what was typed stands for a text, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    /// Character by character.
    Literal,
    /// Some characters by their whole syllables.
    Syllables,
    /// Some by their first letters.
    Initials,
}

/// A match at the beginning of some units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub closeness: Closeness,
    /// Units that what was typed stands for.
    pub length: usize,
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    chars: Vec<char>,
}

/// A stretch of a sorted list in which matches may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// Begins with these codes.
    Codes { codes: [u16; KEY_CODES], length: usize },
    /// Begins with a sound from `low` to `high`; then come these first letters.
    Sounds { low: u16, high: u16, initials: [u8; LOOKED_UP], length: usize },
}

impl Pattern {
    /// Reads normalized text; `None` without a letter, digit or 汉字.
    pub fn new(normalized: &str) -> Option<Self> {
        let chars: Vec<char> =
            normalized.chars().filter(|ch| is_unit(*ch)).take(MAX_TYPED).collect();
        (!chars.is_empty()).then_some(Self { chars })
    }

    /// Tells whether 汉字 may be meant that are not there.
    pub fn has_letters(&self) -> bool {
        self.chars.iter().any(char::is_ascii_lowercase)
    }

    /// Matches the beginning of `units` in the closest way.
    pub fn matches(&self, units: &[Unit]) -> Option<Match> {
        let mut search = Matching { pattern: self, units, best: None, steps: 0 };
        search.step(0, 0, Closeness::Literal);
        search.best.map(|(closeness, length)| Match { closeness, length })
    }

    /// Lists the stretches that hold every match.
    pub fn lookups(&self) -> Vec<Lookup> {
        let literal = self.chars.iter().take_while(|ch| !ch.is_ascii_lowercase()).count();
        if literal > 0 {
            let mut codes = [0; KEY_CODES];
            let length = literal.min(KEY_CODES);
            for (code, ch) in codes.iter_mut().zip(&self.chars[..length]) {
                *code = code_of(*ch);
            }
            return vec![Lookup::Codes { codes, length }];
        }
        let mut lookups = Vec::new();
        let letters = self.letters_from(0);
        let mut add = |low: u16, high: u16, at: usize| {
            self.initials(at, [0; LOOKED_UP], 0, &mut |initials, length| {
                let lookup = Lookup::Sounds { low, high, initials, length };
                if lookups.len() < MAX_LOOKUPS && !lookups.contains(&lookup) {
                    lookups.push(lookup);
                }
            });
        };
        for syllable in Syllable::heads(&letters) {
            add(syllable.index(), syllable.index(), syllable.letters().len());
        }
        for length in head_lengths(&letters, letters.len() == self.chars.len()) {
            if let Some((low, high)) = Syllable::range(&letters[..length]) {
                add(low.index(), high.index(), length);
            }
        }
        let latin = latin_sound(letters.as_bytes()[0]);
        add(latin, latin, 1);
        lookups
    }

    /// Calls `f` with every row of first letters that the pattern may mean from `at` on, as far as they are looked up.
    fn initials(
        &self,
        at: usize,
        row: [u8; LOOKED_UP],
        length: usize,
        f: &mut impl FnMut([u8; LOOKED_UP], usize),
    ) {
        let Some(ch) = self.chars.get(at).filter(|ch| ch.is_ascii() && length < LOOKED_UP) else {
            return f(row, length);
        };
        let mut row = row;
        row[length] = *ch as u8;
        self.initials(at + 1, row, length + 1, f);
        if ch.is_ascii_lowercase() {
            let letters = self.letters_from(at);
            for syllable in Syllable::heads(&letters).filter(|s| s.letters().len() > 1) {
                self.initials(at + syllable.letters().len(), row, length + 1, f);
            }
            let is_last = at + letters.len() == self.chars.len();
            for head in head_lengths(&letters, is_last).filter(|head| *head > 1) {
                self.initials(at + head, row, length + 1, f);
            }
        }
    }

    /// The Latin letters from `at` on, up to the first that is none and no more than a syllable has.
    fn letters_from(&self, at: usize) -> String {
        let letters = self.chars[at..].iter().take_while(|ch| ch.is_ascii_lowercase());
        letters.take(MAX_SYLLABLE + 1).collect()
    }
}

/// Lengths of the beginnings of a syllable that may stand for it: its first letter, zh, ch and sh; all that is left when
/// nothing follows.
fn head_lengths(letters: &str, is_last: bool) -> impl Iterator<Item = usize> {
    let double =
        letters.starts_with("zh") || letters.starts_with("ch") || letters.starts_with("sh");
    let rest = (is_last && letters.len() > 2).then_some(letters.len());
    [Some(1), (double || is_last && letters.len() == 2).then_some(2), rest].into_iter().flatten()
}

struct Matching<'a> {
    pattern: &'a Pattern,
    units: &'a [Unit],
    best: Option<(Closeness, usize)>,
    steps: u32,
}

impl Matching<'_> {
    fn step(&mut self, at: usize, unit: usize, worst: Closeness) {
        self.walk(at, unit, worst, 0);
    }

    /// Goes on from the character `at` and the unit `unit`, before which `gap` units were left out; keeps the best that
    /// reaches the end.
    fn walk(&mut self, at: usize, unit: usize, worst: Closeness, gap: usize) {
        self.steps += 1;
        let Some(ch) = self.pattern.chars.get(at) else {
            let found = (worst, unit);
            self.best = Some(self.best.map_or(found, |best| best.min(found)));
            return;
        };
        let Some(here) = self.units.get(unit).filter(|here| here.code() != 0) else { return };
        if self.steps > MAX_STEPS || self.best.is_some_and(|(best, _)| best == Closeness::Literal) {
            return;
        }
        if here.code() == code_of(*ch) {
            self.step(at + 1, unit + 1, worst);
        }
        // Who turns from letters to 汉字 often leaves out what lies between: xinneng汽车 is 新能源汽车.
        let turns = at > 0 && !ch.is_ascii() && self.pattern.chars[at - 1].is_ascii_lowercase();
        if turns && gap < MAX_GAP {
            self.walk(at, unit + 1, Closeness::Initials, gap + 1);
        }
        let Some(syllable) = here.syllable().filter(|_| ch.is_ascii_lowercase()) else { return };
        let common = syllable
            .chars()
            .zip(&self.pattern.chars[at..])
            .take_while(|(letter, typed)| letter == *typed)
            .count();
        let ends = at + common == self.pattern.chars.len();
        if common == syllable.len() || common > 0 && ends {
            self.step(at + common, unit + 1, worst.max(Closeness::Syllables));
        }
        if common > 0 && syllable.len() > 1 {
            self.step(at + 1, unit + 1, Closeness::Initials);
        }
        if common > 1 && syllable.len() > 2 && syllable.as_bytes()[1] == b'h' {
            self.step(at + 2, unit + 1, Closeness::Initials);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::unit::units;
    use super::*;
    use crate::text::test_analyzer;

    fn check(typed: &str, text: &str, expected: Option<(Closeness, usize)>) {
        let analyzer = test_analyzer();
        let text = units(&analyzer.normalize(text).text, analyzer.pinyin());
        let pattern = Pattern::new(&analyzer.normalize(typed).text).expect("something typed");
        let found = pattern.matches(&text).map(|found| (found.closeness, found.length));
        assert_eq!(found, expected, "{typed}");
    }

    #[test]
    fn every_way_of_typing_is_understood() {
        use Closeness::{Initials, Literal, Syllables};
        check("新能", "新能源汽车", Some((Literal, 2)));
        check("xinnengyuan", "新能源汽车", Some((Syllables, 3)));
        check("xinn", "新能源汽车", Some((Syllables, 2)));
        check("xny", "新能源汽车", Some((Initials, 3)));
        check("XNYQC", "新能源汽车", Some((Initials, 5)));
        check("xinneng汽车", "新能汽车", Some((Syllables, 4)));
        check("xinneng汽车", "新能源汽车", Some((Initials, 5)));
        check("xinneng汽车", "新能与公共的汽车", None);
        check("xinny汽车", "新能源汽车", Some((Initials, 5)));
        check("chongqing", "重庆", Some((Syllables, 2)));
        check("chongqing", "中庆", None);
        check("yinhang", "银行", Some((Syllables, 2)));
        check("zhrmghg", "中华人民共和国", Some((Initials, 7)));
        check("zhonghua", "中华", Some((Syllables, 2)));
        check("xian", "西安", Some((Syllables, 2)));
        check("xian", "先进", Some((Syllables, 1)));
        check("gb19001", "GB/T 19001", None);
        check("gbt19001", "GB/T 19001-2016", Some((Literal, 8)));
        check("nb-iot shui", "NB-IoT 水表", Some((Syllables, 6)));
        check("能源", "新能源", None);
        check("a", "啊", Some((Syllables, 1)));
    }

    #[test]
    fn nothing_typed_is_no_pattern() {
        assert_eq!(Pattern::new(" -\n"), None);
    }

    #[test]
    fn the_longest_row_of_letters_ends() {
        check(&"a".repeat(200), &"啊".repeat(200), Some((Closeness::Syllables, 48)));
        assert!(Pattern::new(&"zhaxianan".repeat(9)).unwrap().lookups().len() <= MAX_LOOKUPS);
    }
}
