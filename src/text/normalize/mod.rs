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

use std::collections::HashMap;
use std::ops::Range;

pub(crate) use character::{chinese_digit, is_han, is_letter};
use character::{classify, fold, is_ignored, joins};
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

    fn new(folded: char, class: Class, flags: u32) -> Self {
        debug_assert!(u32::from(folded) <= 0xFFFF);
        Self(u32::from(folded) & 0xFFFF | (class as u32) << 16 | flags)
    }

    #[inline]
    fn has(self, flags: u32) -> bool {
        self.0 & flags != 0
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
}

/// The characters that stay as they are, but for what joins them: one bit for each of the basic
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

impl Normalizer {
    /// Every character is converted by itself, whatever stands beside it: what is found in a part of a text is found in
    /// the whole.
    pub fn new(chars: &HashMap<char, char>) -> Self {
        // A conversion is followed to its end, so that normalizing again finds nothing left to convert.
        let simplify = |from: char| {
            let mut to = from;
            for _ in 0..MAX_ROUNDS {
                to = chars.get(&to).copied().unwrap_or(to);
            }
            to
        };
        let simplified = chars.keys().map(|&from| (from, simplify(from))).collect();
        let mut normalizer = Self { table: Box::default(), plain: Plain::default(), simplified };
        normalizer.table = (0..TABLE_LEN as u32).map(|code| normalizer.make_entry(code)).collect();
        normalizer.plain = Plain(normalizer.table.chunks(64).map(plain_bits).collect());
        normalizer
    }

    fn make_entry(&self, code: u32) -> Entry {
        let Some(c) = char::from_u32(code) else {
            return Entry::new('\0', Class::Ignored, 0);
        };
        let mut flags = 0;
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
                    && flags == 0
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
        Entry::new('\0', class, joins | Entry::SLOW)
    }

    pub fn normalize(&self, text: &str) -> Normalized {
        let (text, pieces) = self.run(text);
        Normalized { text, pieces }
    }

    /// Normalizes without the way back.
    pub fn normalize_text(&self, text: &str) -> String {
        self.run::<Forgetful>(text).0
    }

    fn run<M: Map>(&self, text: &str) -> (String, M) {
        let mut placer = Placer::<M>::new(self, text);
        placer.run();
        (placer.text, placer.map)
    }
}

fn plain_bits(entries: &[Entry]) -> u64 {
    entries.iter().rev().fold(0, |bits, entry| bits << 1 | u64::from(entry.has(Entry::PLAIN)))
}

/// Leaves out what follows the last character that ends within `max_bytes`.
pub(super) fn clip(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = (0..=max_bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}
