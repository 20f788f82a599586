//! One form for every spelling, and the way back to the original bytes.
//!
//! A character is first *folded* by itself (NFKC, lower case, simplified), then *placed*: separators wait until the
//! next letter shows what they part. Nearly every character is folded by one look into a table of the basic plane;
//! characters that combine, expand or lie beyond it take the slow path, and the tests hold both to one plain
//! definition.

mod character;
mod map;
mod placer;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use character::{classify, fold, is_ignored, joins, unified};
pub(crate) use character::{is_han, is_letter};
use map::{Forgetful, Map, Pieces};
use placer::Placer;

/// A text in the form in which texts are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalized {
    pub text: String,
    pieces: Pieces,
}

impl Normalized {
    /// Returns the bytes of the original that the normalized bytes came from.
    ///
    /// What was dropped inside the range is covered, what was dropped at its ends is not. A range within characters
    /// that were folded together covers all of them. Both ends lie on character boundaries of the original if they do
    /// in the normalized text; an empty or reversed range gives an empty one. Cost: two binary searches.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        self.pieces.original(range)
    }
}

/// What a folded character does to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    /// Leaves nothing behind.
    Ignored,
    Han,
    /// 年, which may end a year in Chinese digits.
    Year,
    /// A letter or digit that is neither Han nor ASCII.
    Letter,
    AsciiLetter,
    AsciiDigit,
    /// Holds two letters or digits together: `-` `_` `/` `&` `'` `:` `@`.
    Joiner,
    Dot,
    Plus,
    Hash,
    Comma,
    /// ○, written for 〇.
    Circle,
    White,
    /// Line breaks, punctuation, symbols.
    Break,
}

const CLASSES: [Class; 14] = [
    Class::Ignored,
    Class::Han,
    Class::Year,
    Class::Letter,
    Class::AsciiLetter,
    Class::AsciiDigit,
    Class::Joiner,
    Class::Dot,
    Class::Plus,
    Class::Hash,
    Class::Comma,
    Class::Circle,
    Class::White,
    Class::Break,
];

/// One character's entry: the folded character in the low 16 bits, then its class, then flags.
#[derive(Clone, Copy)]
struct Entry(u32);

impl Entry {
    /// Folds to more than one character, or to one beyond the basic plane.
    const SLOW: u32 = 1 << 21;
    /// May change with the character before it.
    const JOINS: u32 = 1 << 22;
    /// Neither folds nor joins, and a 汉字 or an ASCII letter or digit.
    const PLAIN: u32 = 1 << 20;
    /// Is the second character of a phrase.
    const CONTINUES: u32 = 1 << 23;
    /// The highest bits tell which second characters the phrases have that the character begins: nearly every
    /// character of an ordinary text that begins a phrase is followed by one that continues none.
    const SECONDS: u32 = 7;

    fn new(folded: char, class: Class, flags: u32) -> Self {
        debug_assert!(u32::from(folded) <= 0xFFFF);
        Self(u32::from(folded) & 0xFFFF | (class as u32) << 16 | flags)
    }

    #[inline]
    fn has(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    #[inline]
    fn second(c: char) -> u32 {
        1 << (32 - Self::SECONDS + u32::from(c) % Self::SECONDS)
    }

    #[inline]
    fn class(self) -> Class {
        CLASSES[(self.0 >> 16 & 0xF) as usize]
    }

    #[inline]
    fn folded(self) -> char {
        char::from_u32(self.0 & 0xFFFF).expect("made from a character")
    }
}

/// Conversions feed one another no more often than this.
const MAX_ROUNDS: usize = 4;
/// Entries of the characters up to U+FFFF.
const TABLE_LEN: usize = 0x1_0000;

pub(super) struct Normalizer {
    table: Box<[Entry]>,
    plain: Plain,
    simplified: HashMap<char, char>,
    /// Sorted by first character, then the longest first.
    phrases: Vec<Phrase>,
    /// Second characters of phrases.
    seconds: HashSet<char>,
}

/// The characters that stay as they are whatever follows, but for what joins them: one bit for each of the basic
/// plane, so that the hot loop looks at 8 KB.
#[derive(Default)]
struct Plain(Box<[u64]>);

impl Plain {
    #[inline]
    fn contains(&self, c: char) -> bool {
        let code = c as usize;
        self.0.get(code / 64).is_some_and(|bits| bits >> (code % 64) & 1 != 0)
    }
}

struct Phrase {
    from: Box<[char]>,
    to: Box<[char]>,
}

impl Normalizer {
    pub fn new(phrases: &[(String, String)], chars: &HashMap<char, char>) -> Self {
        // A conversion is followed to its end, so that normalizing again finds nothing left to convert.
        let simplify = |from: char| {
            let mut to = from;
            for _ in 0..MAX_ROUNDS {
                to = chars.get(&to).copied().unwrap_or(to);
            }
            to
        };
        let simplified = chars.keys().map(|&from| (from, simplify(from))).collect();
        let mut phrases: Vec<Phrase> = phrases
            .iter()
            .map(|(from, to)| Phrase { from: from.chars().collect(), to: to.chars().collect() })
            .collect();
        phrases.sort_by(|a, b| (a.from[0], b.from.len()).cmp(&(b.from[0], a.from.len())));
        let seconds = phrases.iter().filter_map(|phrase| phrase.from.get(1).copied()).collect();
        let mut normalizer =
            Self { table: Box::default(), plain: Plain::default(), simplified, phrases, seconds };
        normalizer.table = (0..TABLE_LEN as u32).map(|code| normalizer.make_entry(code)).collect();
        normalizer.plain = Plain(normalizer.table.chunks(64).map(plain_bits).collect());
        // The same for phrases: some leave a traditional character that no phrase protects.
        for index in 0..normalizer.phrases.len() {
            let to: String = normalizer.phrases[index].to.iter().collect();
            let again: Box<[char]> = normalizer.normalize_text(&to).chars().collect();
            if again.len() == normalizer.phrases[index].to.len() {
                normalizer.phrases[index].to = again;
            }
        }
        normalizer
    }

    fn make_entry(&self, code: u32) -> Entry {
        let Some(c) = char::from_u32(code) else {
            return Entry::new('\0', Class::Ignored, 0);
        };
        let phrase_flags = self.phrase_flags(c);
        let mut flags = phrase_flags;
        // The large blocks in which composition changes nothing.
        let is_plain = matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}');
        if !is_plain && joins(c) {
            flags |= Entry::JOINS;
        }
        let folded = if is_plain { c.to_string() } else { fold(c.encode_utf8(&mut [0; 4])) };
        let mut folded = folded.chars().map(|c| self.simplify(c));
        match (folded.next(), folded.next()) {
            (None, _) => Entry::new('\0', Class::Ignored, flags),
            (Some(only), None) if u32::from(only) <= 0xFFFF => {
                let class = classify(only);
                if only == c
                    && flags == phrase_flags
                    && matches!(class, Class::Han | Class::AsciiLetter | Class::AsciiDigit)
                {
                    flags |= Entry::PLAIN;
                }
                Entry::new(only, class, flags)
            }
            _ => Entry::new('\0', Class::Break, flags | Entry::SLOW),
        }
    }

    fn simplify(&self, c: char) -> char {
        self.simplified.get(&c).copied().unwrap_or(c)
    }

    /// The phrases that a character begins, the longest first.
    fn phrases_of(&self, first: char) -> &[Phrase] {
        let begin = self.phrases.partition_point(|phrase| phrase.from[0] < first);
        let len = self.phrases[begin..].partition_point(|phrase| phrase.from[0] == first);
        &self.phrases[begin..begin + len]
    }

    /// What the phrases say of a character.
    fn phrase_flags(&self, c: char) -> u32 {
        let c = unified(c);
        let continues = if self.seconds.contains(&c) { Entry::CONTINUES } else { 0 };
        // A phrase of one character may stand before any.
        self.phrases_of(c).iter().fold(continues, |flags, phrase| {
            flags
                | phrase
                    .from
                    .get(1)
                    .map_or(!0 << (32 - Entry::SECONDS), |&second| Entry::second(second))
        })
    }

    #[inline]
    fn entry(&self, c: char) -> Entry {
        match self.table.get(c as usize) {
            Some(&entry) => entry,
            None => self.entry_beyond(c),
        }
    }

    /// The entry of a character beyond the basic plane.
    #[cold]
    fn entry_beyond(&self, c: char) -> Entry {
        if is_ignored(c) {
            return Entry::new('\0', Class::Ignored, 0);
        }
        let joins = if joins(c) { Entry::JOINS } else { 0 };
        // Only the class counts here: the character itself goes through `fold`.
        let class = if is_han(c) { Class::Han } else { Class::Break };
        Entry::new('\0', class, joins | self.phrase_flags(c) | Entry::SLOW)
    }

    pub fn normalize(&self, text: &str) -> Normalized {
        let (text, pieces) = self.run(text);
        Normalized { text, pieces }
    }

    /// Normalizes without the way back.
    pub fn normalize_text(&self, text: &str) -> String {
        self.run::<Forgetful>(text).0
    }

    /// Places the text, again where phrases that share a character leave one to convert: 二噁英哩.
    fn run<M: Map>(&self, text: &str) -> (String, M) {
        let mut placer = Placer::<M>::new(self, text);
        placer.run();
        let Placer { mut text, mut map, mut has_phrases, .. } = placer;
        for _ in 0..MAX_ROUNDS {
            if !has_phrases {
                break;
            }
            let mut placer = Placer::<M>::new(self, &text);
            placer.run();
            if placer.text == text {
                break;
            }
            map = placer.map.after(&map, &placer.text);
            has_phrases = placer.has_phrases;
            text = placer.text;
        }
        (text, map)
    }

    /// Tells whether a phrase may begin at a character, by the one after it.
    #[inline]
    fn may_begin_phrase(&self, entry: Entry, next: Option<char>) -> bool {
        entry.has(!0 << (32 - Entry::SECONDS))
            && next.is_some_and(|c| {
                // What would be dropped hides the second character.
                let next = self.entry(c);
                next.has(Entry::CONTINUES) && entry.has(Entry::second(unified(c)))
                    || matches!(next.class(), Class::Ignored | Class::White)
            })
    }

    /// Finds the longest phrase at `at` and where each of its characters stands, over what would be dropped between
    /// them.
    fn phrase_at(&self, text: &str, at: usize) -> Option<(&Phrase, Vec<Range<usize>>)> {
        let first = unified(text[at..].chars().next()?);
        let mut ahead: Vec<(char, Range<usize>)> = Vec::new();
        let mut rest = text[at..].char_indices().filter(|&(_, c)| {
            let class = self.entry(c).class();
            class != Class::Ignored && class != Class::White
        });
        for phrase in self.phrases_of(first) {
            let matches = phrase.from.iter().enumerate().all(|(index, &wanted)| {
                if index == ahead.len()
                    && let Some((offset, c)) = rest.next()
                {
                    ahead.push((unified(c), at + offset..at + offset + c.len_utf8()));
                }
                ahead.get(index).is_some_and(|&(c, _)| c == wanted)
            });
            if matches {
                let ranges =
                    ahead.into_iter().take(phrase.from.len()).map(|(_, range)| range).collect();
                return Some((phrase, ranges));
            }
        }
        None
    }
}

fn plain_bits(entries: &[Entry]) -> u64 {
    let is_plain =
        |entry: &Entry| entry.has(Entry::PLAIN) && !entry.has(!0 << (32 - Entry::SECONDS));
    entries.iter().rev().fold(0, |bits, entry| bits << 1 | u64::from(is_plain(entry)))
}

/// Leaves out what follows the last character that ends within `max_bytes`.
pub(super) fn clip(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = (0..=max_bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}
