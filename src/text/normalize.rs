//! One form for every spelling, and the way back to the original bytes.
//!
//! A character is first *folded* by itself (NFKC, lower case, simplified), then *placed*: separators wait until the
//! next letter shows what they part. Nearly every character is folded by one look into a table of the basic plane;
//! characters that combine, expand or lie beyond it take the slow path, and the tests hold both to one plain
//! definition.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

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

/// What has been written last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Han,
    AsciiLetter,
    AsciiDigit,
    /// Another letter, or the `++` or `#` of a name.
    Word,
}

impl Last {
    fn is_word(self) -> bool {
        matches!(self, Last::AsciiLetter | Last::AsciiDigit | Last::Word)
    }
}

/// What has been read since, and waits for a letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    Space,
    Gap,
    Joiner(char),
    Plus,
    /// A gap that ends in a point, which belongs to a Latin letter right after it.
    Dot {
        at: usize,
    },
}

/// Writes the normalized text of one original.
struct Placer<'a, M> {
    normalizer: &'a Normalizer,
    original: &'a str,
    text: String,
    map: M,
    /// Bytes of the original that are to be copied as they are.
    span: Range<usize>,
    last: Last,
    pending: Pending,
    /// Where the original of the last letter ends.
    end: usize,
    has_phrases: bool,
}

impl<'a, M: Map> Placer<'a, M> {
    fn new(normalizer: &'a Normalizer, original: &'a str) -> Self {
        let original = clip(original, u32::MAX as usize);
        Self {
            normalizer,
            original,
            text: String::with_capacity(original.len()),
            map: M::default(),
            span: 0..0,
            last: Last::Nothing,
            pending: Pending::Nothing,
            end: 0,
            has_phrases: false,
        }
    }

    fn run(&mut self) {
        let mut at = 0;
        loop {
            if self.pending == Pending::Nothing {
                at = self.copy_plain(at);
            }
            let Some((end, entry)) = self.read(at) else { break };
            at = self.place_next(at, end, entry);
        }
        self.flush();
    }

    /// Reads the character at `at`: where it ends, and its entry.
    #[inline]
    fn read(&self, at: usize) -> Option<(usize, Entry)> {
        let c = self.original[at..].chars().next()?;
        Some((at + c.len_utf8(), self.normalizer.entry(c)))
    }

    /// Copies characters from `at` on that stay as they are and touch the one before; tells where that ends.
    #[inline]
    fn copy_plain(&mut self, at: usize) -> usize {
        let normalizer = self.normalizer;
        // The last character begins at `start`.
        let (mut start, mut end) = (at, at);
        let mut chars = self.original[at..].chars();
        while let Some(c) = chars.next() {
            if !normalizer.plain.contains(c) {
                let entry = normalizer.entry(c);
                if entry.has(Entry::JOINS) || entry.class() == Class::Ignored {
                    // It may change the last character, which is placed with it.
                    end = start;
                    break;
                }
                if !entry.has(Entry::PLAIN)
                    || normalizer.may_begin_phrase(entry, chars.clone().next())
                {
                    break;
                }
            }
            start = end;
            end += c.len_utf8();
        }
        if let Some(last) = self.original[at..end].chars().next_back() {
            self.copy(at..end);
            self.last = match last {
                'a'..='z' => Last::AsciiLetter,
                '0'..='9' => Last::AsciiDigit,
                _ => Last::Han,
            };
        }
        end
    }

    /// Places one character, or a phrase, or all that folds together; tells where it ends.
    fn place_next(&mut self, at: usize, end: usize, entry: Entry) -> usize {
        let is_han = matches!(entry.class(), Class::Han | Class::Year);
        let mut joins = entry.has(Entry::JOINS | Entry::SLOW);
        let mut ahead = end;
        while let Some((end, follower)) = self.read(ahead)
            && (follower.class() == Class::Ignored || follower.has(Entry::JOINS) && !is_han)
        {
            joins |= follower.has(Entry::JOINS) && !is_han;
            ahead = end;
        }
        if self.normalizer.may_begin_phrase(entry, self.original[end..].chars().next())
            && let Some((phrase, ranges)) = self.normalizer.phrase_at(self.original, at)
        {
            let end = ranges.last().map_or(end, |range| range.end);
            self.has_phrases = true;
            for (&c, range) in phrase.to.iter().zip(ranges) {
                self.place(c, classify(c), range);
            }
            return end;
        }
        if joins {
            self.place_folded(at..if is_han { end } else { ahead });
        } else if entry.class() != Class::Ignored {
            self.place(entry.folded(), entry.class(), at..end);
        }
        ahead
    }

    /// Folds a stretch of the original as a whole.
    #[cold]
    fn place_folded(&mut self, range: Range<usize>) {
        for c in fold(&self.original[range.clone()]).chars() {
            let c = self.normalizer.simplify(c);
            self.place(c, classify(c), range.clone());
        }
    }

    fn place(&mut self, c: char, class: Class, range: Range<usize>) {
        match class {
            Class::Ignored => {}
            Class::White => {
                self.pending = match self.pending {
                    Pending::Nothing | Pending::Space => Pending::Space,
                    _ => Pending::Gap,
                }
            }
            Class::Break => self.pending = Pending::Gap,
            Class::Joiner => self.hold(Pending::Joiner(c)),
            Class::Dot if self.pending == Pending::Nothing && self.last.is_word() => {
                self.hold(Pending::Joiner(c))
            }
            Class::Dot => self.pending = Pending::Dot { at: range.start },
            Class::Plus if self.pending == Pending::Plus => {
                self.pending = Pending::Nothing;
                let middle = range.start;
                self.put('+', self.end..middle);
                self.put('+', middle..range.end);
                self.last = Last::Word;
            }
            Class::Plus if self.last == Last::AsciiLetter => self.hold(Pending::Plus),
            Class::Hash if self.last == Last::AsciiLetter && self.pending == Pending::Nothing => {
                self.put(c, range);
                self.last = Last::Word;
            }
            Class::Plus | Class::Hash => self.pending = Pending::Gap,
            Class::Comma => {
                if self.pending != Pending::Nothing || !groups_digits(self.original, range.start) {
                    self.pending = Pending::Gap;
                }
            }
            Class::Circle => {
                self.flush();
                let follows_digit =
                    self.text.chars().next_back().is_some_and(|c| chinese_digit(c).is_some());
                if self.pending == Pending::Nothing && follows_digit {
                    self.put('〇', range);
                    self.last = Last::Han;
                } else {
                    self.pending = Pending::Gap;
                }
            }
            Class::Han | Class::Year => {
                let white = matches!(self.pending, Pending::Nothing | Pending::Space);
                if !white && self.last != Last::Nothing {
                    self.put('\n', self.end..range.start);
                }
                self.pending = Pending::Nothing;
                if class == Class::Year {
                    self.rewrite_year();
                }
                self.put(c, range);
                self.last = Last::Han;
            }
            Class::Letter | Class::AsciiLetter | Class::AsciiDigit => {
                self.part_word(class, range.start);
                self.put(c, range);
                self.last = match class {
                    Class::AsciiLetter => Last::AsciiLetter,
                    Class::AsciiDigit => Last::AsciiDigit,
                    _ => Last::Word,
                };
            }
        }
    }

    /// Keeps a sign that counts only between what is written and what comes next.
    fn hold(&mut self, sign: Pending) {
        let holds = self.pending == Pending::Nothing && self.last.is_word();
        self.pending = if holds { sign } else { Pending::Gap };
    }

    /// Writes what parts the letter at `at` from the one before.
    fn part_word(&mut self, class: Class, at: usize) {
        let pending = std::mem::replace(&mut self.pending, Pending::Nothing);
        let separator = match pending {
            Pending::Nothing => return,
            Pending::Space if self.last.is_word() => ' ',
            Pending::Space => return,
            Pending::Joiner(joiner) => joiner,
            Pending::Dot { at: dot } if class == Class::AsciiLetter => {
                if self.last != Last::Nothing {
                    self.put('\n', self.end..dot);
                }
                return self.put('.', dot..at);
            }
            Pending::Gap | Pending::Plus | Pending::Dot { .. } if self.last == Last::Nothing => {
                return;
            }
            Pending::Gap | Pending::Plus | Pending::Dot { .. } => '\n',
        };
        self.put(separator, self.end..at);
    }

    /// Turns 二〇二五 at the end of what is written into 2025.
    fn rewrite_year(&mut self) {
        self.flush();
        let mut year = ['0'; 4];
        let mut start = self.text.len();
        let mut chars = self.text.chars().rev();
        for digit in year.iter_mut().rev() {
            let Some(c) = chars.next() else { return };
            *digit = match chinese_digit(c) {
                Some(value) => value,
                None if c == '0' || c == 'o' => '0',
                None => return,
            };
            start -= c.len_utf8();
        }
        let written = &self.text[start..];
        let is_century = matches!(year, ['1', '8' | '9', ..] | ['2', '0' | '1', ..]);
        let begins_han = written.starts_with(['一', '二']);
        let continues =
            chars.next().is_some_and(|c| chinese_digit(c).is_some() || is_letter(c) && !is_han(c));
        if !is_century || !begins_han || continues {
            return;
        }
        let mut ranges: [Range<usize>; 4] = Default::default();
        for (range, (offset, c)) in ranges.iter_mut().zip(written.char_indices()) {
            *range = self.map.original(start + offset..start + offset + c.len_utf8());
        }
        self.text.truncate(start);
        self.map.truncate(start);
        for (digit, range) in year.into_iter().zip(ranges) {
            self.map.add(self.text.len(), range, false);
            self.text.push(digit);
        }
    }

    /// Writes a character that came from `range`.
    fn put(&mut self, c: char, range: Range<usize>) {
        self.flush();
        self.end = range.end;
        self.map.add(self.text.len(), range.clone(), range.len() == c.len_utf8());
        self.text.push(c);
        self.span = range.end..range.end;
    }

    /// Writes a stretch of the original as it is.
    #[inline]
    fn copy(&mut self, range: Range<usize>) {
        if self.span.end != range.start {
            self.flush();
            self.span.start = range.start;
        }
        self.span.end = range.end;
        self.end = range.end;
    }

    #[inline]
    fn flush(&mut self) {
        if !self.span.is_empty() {
            let span = std::mem::replace(&mut self.span, 0..0);
            self.map.add(self.text.len(), span.clone(), true);
            self.text.push_str(&self.original[span.clone()]);
            self.span = span.end..span.end;
        }
    }
}

/// Remembers, or not, where normalized bytes came from.
trait Map: Default {
    /// The next bytes, from `at` on, come from `range`; `linear`: byte by byte.
    fn add(&mut self, at: usize, range: Range<usize>, linear: bool);
    /// Forgets everything from `len` on.
    fn truncate(&mut self, len: usize);
    fn original(&self, range: Range<usize>) -> Range<usize>;
    /// The map of `text`, which this one leads from to where `before` begins.
    fn after(&self, before: &Self, text: &str) -> Self {
        let mut map = Self::default();
        for (at, c) in text.char_indices() {
            let range = before.original(self.original(at..at + c.len_utf8()));
            let linear = range.len() == c.len_utf8();
            map.add(at, range, linear);
        }
        map
    }
}

#[derive(Default)]
struct Forgetful;

impl Map for Forgetful {
    fn add(&mut self, _: usize, _: Range<usize>, _: bool) {}
    fn truncate(&mut self, _: usize) {}
    fn original(&self, range: Range<usize>) -> Range<usize> {
        range
    }
}

/// The original of each stretch of normalized bytes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pieces(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Where the stretch begins in the normalized text; it ends where the next begins.
    normalized: u32,
    original: u32,
    original_end: u32,
    /// Whether bytes stand at the same distances on both sides; if not, the stretch came from its original as a whole.
    linear: bool,
}

impl Map for Pieces {
    #[inline]
    fn add(&mut self, at: usize, range: Range<usize>, linear: bool) {
        if linear
            && let Some(before) = self.0.last_mut()
            && before.linear
            && before.original_end as usize == range.start
        {
            before.original_end = range.end as u32;
            return;
        }
        self.0.push(Piece {
            normalized: at as u32,
            original: range.start as u32,
            original_end: range.end as u32,
            linear,
        });
    }

    fn truncate(&mut self, len: usize) {
        while self.0.last().is_some_and(|piece| piece.normalized as usize >= len) {
            self.0.pop();
        }
        if let Some(last) = self.0.last_mut()
            && last.linear
        {
            last.original_end = last.original_end.min(last.original + len as u32 - last.normalized);
        }
    }

    fn original(&self, range: Range<usize>) -> Range<usize> {
        let piece_at = |at: usize| {
            let index = self.0.partition_point(|piece| piece.normalized as usize <= at);
            self.0.get(index.wrapping_sub(1))
        };
        let Some(piece) = piece_at(range.start) else { return 0..0 };
        let offset = if piece.linear { range.start - piece.normalized as usize } else { 0 };
        let start = (piece.original as usize + offset).min(piece.original_end as usize);
        if range.end <= range.start {
            return start..start;
        }
        let Some(piece) = piece_at(range.end - 1) else { return start..start };
        let end = piece.original_end as usize;
        let end = match piece.linear {
            true => end.min(piece.original as usize + range.end - piece.normalized as usize),
            false => end,
        };
        start..end.max(start)
    }
}

/// Folds a stretch of text as far as it goes without looking at conversion tables.
///
/// Composition, lower case and dropping marks feed one another (H and a line below compose only in lower case), so
/// they are repeated until nothing changes; twice is the rule.
fn fold(text: &str) -> String {
    let mut folded = text.to_owned();
    for _ in 0..8 {
        let again: String = folded
            .chars()
            .map(canonical_sign)
            .nfkc()
            .flat_map(char::to_lowercase)
            .nfkc()
            .map(canonical_sign)
            .filter(|&c| !is_ignored(c))
            .collect();
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

/// Unifies signs that NFKC keeps apart, or would take apart.
fn canonical_sign(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
        '\u{2019}' => '\'',
        '\u{2044}' => '/',
        'ς' => 'σ',
        // An ellipsis is no points, a trade mark no letters.
        '‥' | '…' | '™' | '℠' => '。',
        _ => radical(c).unwrap_or(c),
    }
}

/// Gives the 汉字 of a radical that programs write in its place when they extract text from PDF files.
///
/// Source: EquivalentUnifiedIdeograph.txt of the Unicode Character Database; NFKC knows the others.
fn radical(c: char) -> Option<char> {
    Some(match c {
        '⺠' => '民',
        '⻁' => '虎',
        '⻄' => '西',
        '⻅' => '见',
        '⻆' => '角',
        '⻉' => '贝',
        '⻋' => '车',
        '⻓' => '长',
        '⻔' => '门',
        '⻘' => '青',
        '⻚' => '页',
        '⻛' => '风',
        '⻜' => '飞',
        '⻝' => '食',
        '⻢' => '马',
        '⻣' => '骨',
        '⻤' => '鬼',
        '⻥' => '鱼',
        '⻦' => '鸟',
        '⻨' => '麦',
        '⻩' => '黄',
        '⻬' => '齐',
        '⻮' => '齿',
        '⻰' => '龙',
        _ => return None,
    })
}

/// Gives the unified form of a compatibility 汉字, and any other character itself.
fn unified(c: char) -> char {
    match c {
        '\u{2E80}'..='\u{2FD5}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}' => {
            radical(c).or_else(|| std::iter::once(c).nfkc().next()).unwrap_or(c)
        }
        _ => c,
    }
}

/// Tells whether NFKC may change the character after what stands before it.
fn joins(c: char) -> bool {
    use unicode_normalization::{IsNormalized, is_nfc_quick};
    let Some(first) = std::iter::once(c).nfkd().next() else { return false };
    canonical_combining_class(first) != 0
        || is_nfc_quick(std::iter::once(first)) == IsNormalized::Maybe
}

fn classify(c: char) -> Class {
    match c {
        '年' => Class::Year,
        'a'..='z' => Class::AsciiLetter,
        '0'..='9' => Class::AsciiDigit,
        '-' | '_' | '/' | '&' | '\'' | ':' | '@' => Class::Joiner,
        '.' => Class::Dot,
        '+' => Class::Plus,
        '#' => Class::Hash,
        ',' => Class::Comma,
        '○' => Class::Circle,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::Break,
        _ if is_han(c) => Class::Han,
        _ if c.is_whitespace() => Class::White,
        _ if is_ignored(c) => Class::Ignored,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Break,
    }
}

/// Tells whether the character is a 汉字, 〇 or 々.
#[inline]
pub(crate) fn is_han(c: char) -> bool {
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{3FFFD}' | '\u{F900}'..='\u{FAFF}'
        | '〇' | '々')
}

/// Tells whether a character of normalized text is part of a word.
#[inline]
pub(crate) fn is_letter(c: char) -> bool {
    match c {
        '\u{4E00}'..='\u{9FFF}' => true,
        '\0'..='\x7F' => c.is_ascii_alphanumeric() || c == '+' || c == '#',
        _ => c.is_alphanumeric() || is_han(c),
    }
}

/// Tells whether the character leaves nothing behind: controls, format characters, fillers, variation selectors, and
/// marks that did not compose with a letter and are not letters themselves.
///
/// Source: general categories Cc and Cf and the property Default_Ignorable_Code_Point, Unicode 16.
fn is_ignored(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\t'..='\r' | '\u{85}' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{890}'..='\u{891}' => true,
        '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' => {
            true
        }
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ if c.is_control() => true,
        _ => is_combining_mark(c) && (!c.is_alphanumeric() || canonical_combining_class(c) != 0),
    }
}

fn chinese_digit(c: char) -> Option<char> {
    Some(match c {
        '〇' | '零' => '0',
        '一' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// Leaves out what follows the last character that ends within `max_bytes`.
pub(super) fn clip(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = (0..=max_bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// Tells whether the byte at `at` is the comma of a number: one to three digits before it, exactly three after.
fn groups_digits(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    if bytes[at] != b',' {
        return false;
    }
    let before = bytes[..at].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let after = bytes[at + 1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&before) && after == 3
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::super::test_analyzer;
    use super::*;

    /// Texts of what is delicate: characters that combine, expand, convert, vanish or part others, and any others.
    pub fn text() -> impl Strategy<Value = String> {
        let delicate = "科技成果转化一二三八九〇零○年月日头頭髮發展乾坤淨瞭解不覆鍾書著裡后後龍龙⻰⻔㑮䥕\
            aAbBzZéÉßİςΣ019+#.,-_/&':@–’…™①㎡ⅠＡ１，．＋＃（）；！？。、《》〔〕\u{3000} \t\n\r\
            \u{200b}\u{200d}\u{feff}\u{0}\u{ad}\u{301}\u{308}\u{331}\u{345}\u{3099}\u{fe0f}\u{115f}\u{202e}\
            각가ﾊﾞｶﾟがקּ\u{5d9}\u{5b4}\u{e38}𨨏𠀀👩🚀豈\u{2f800}";
        let delicate: Vec<char> = delicate.chars().collect();
        let chars = prop_oneof![8 => prop::sample::select(delicate), 1 => any::<char>()];
        let words = prop::sample::select(vec![
            "科技成果",
            "乾坤",
            "乾淨",
            "不瞭解",
            "頭髮",
            "二〇二五年",
            "二零2五年",
            "5,000",
            "12,345,678",
            ".NET",
            "C++",
            "GB/T 19001",
            "５,０００",
            "一目瞭然",
            "乾乾淨淨",
            "藉寇兵",
        ]);
        let pieces =
            prop_oneof![6 => chars.prop_map(String::from), 1 => words.prop_map(str::to_owned)];
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    fn normalize(text: &str) -> Normalized {
        test_analyzer().normalize(text)
    }

    /// What normalization means, without tables, spans or maps.
    fn defined(text: &str) -> String {
        let normalizer = &test_analyzer().inner.normalizer;
        // Commas count as written, so they go first.
        let grouped: String = text
            .char_indices()
            .filter(|&(at, c)| c != ',' || !groups_digits(text, at))
            .map(|(_, c)| c)
            .collect();
        let folded: Vec<char> = fold(&grouped).chars().collect();
        let mut converted = convert(normalizer, &folded);
        while let again = convert(normalizer, &converted)
            && again != converted
        {
            converted = again;
        }
        let mut parted: Vec<char> = Vec::new();
        let mut rest = &converted[..];
        let mut waiting: Vec<char> = Vec::new();
        while let [c, after @ ..] = rest {
            rest = after;
            let before = parted.last().copied();
            let is_word = |c: char| is_letter(c) && !is_han(c) && c != '+' && c != '#';
            let follows_digit =
                waiting.is_empty() && before.is_some_and(|c| chinese_digit(c).is_some());
            let names = waiting.is_empty() && before.is_some_and(|c| c.is_ascii_lowercase());
            let c = if *c == '○' && follows_digit { '〇' } else { *c };
            if names && c == '+' && rest.first() == Some(&'+') {
                parted.extend(['+', '+']);
                rest = &rest[1..];
            } else if names && c == '#' {
                parted.push('#');
            } else if is_word(c) || is_han(c) {
                let point = c.is_ascii_lowercase() && waiting.last() == Some(&'.');
                let white = waiting.iter().all(|c| classify(*c) == Class::White);
                match (before, &waiting[..]) {
                    (_, []) => {}
                    (Some(b), [joiner])
                        if is_word(c)
                            && !is_han(b)
                            && matches!(classify(*joiner), Class::Joiner | Class::Dot) =>
                    {
                        parted.push(*joiner);
                    }
                    (Some(b), _) if white && (is_han(b) || is_han(c)) => {}
                    (Some(_), _) if white => parted.push(' '),
                    (None, _) if white => {}
                    (before, _) => {
                        parted.extend(before.map(|_| '\n'));
                        parted.extend(point.then_some('.'));
                    }
                }
                waiting.clear();
                parted.push(c);
                if c == '年' {
                    write_year(&mut parted);
                }
            } else {
                waiting.push(c);
            }
        }
        parted.into_iter().collect()
    }

    fn convert(normalizer: &Normalizer, folded: &[char]) -> Vec<char> {
        let mut converted = Vec::new();
        let mut at = 0;
        while at < folded.len() {
            // Indexes of the characters ahead that stay.
            let ahead: Vec<usize> = (at..folded.len())
                .filter(|&at| classify(folded[at]) != Class::White)
                .take(32)
                .collect();
            let matching = normalizer.phrases.iter().filter(|phrase| {
                ahead.first() == Some(&at)
                    && phrase.from.len() <= ahead.len()
                    && phrase.from.iter().zip(&ahead).all(|(&c, &at)| c == folded[at])
            });
            match matching.max_by_key(|phrase| phrase.from.len()) {
                Some(phrase) => {
                    converted.extend(&phrase.to);
                    at = ahead[phrase.from.len() - 1] + 1;
                }
                None => {
                    converted.push(normalizer.simplify(folded[at]));
                    at += 1;
                }
            }
        }
        converted
    }

    fn write_year(parted: &mut [char]) {
        let Some(start) = parted.len().checked_sub(5) else { return };
        let digit = |c: char| chinese_digit(c).or(matches!(c, '0' | 'o').then_some('0'));
        let year: Option<Vec<char>> = parted[start..start + 4].iter().map(|&c| digit(c)).collect();
        let Some(year) = year else { return };
        let begins = matches!(parted[start], '一' | '二')
            && matches!(year[..2], ['1', '8' | '9'] | ['2', '0' | '1']);
        let continues = start > 0
            && (chinese_digit(parted[start - 1]).is_some()
                || is_letter(parted[start - 1]) && !is_han(parted[start - 1]));
        if begins && !continues {
            parted[start..start + 4].copy_from_slice(&year);
        }
    }

    #[test]
    fn spellings_meet() {
        let check =
            |text: &str, expected: &str| assert_eq!(normalize(text).text, expected, "{text:?}");
        check("科技 成果", "科技成果");
        check(" 科技\u{3000}成果 ", "科技成果");
        check("（科技）", "科技");
        check("标题：科技", "标题\n科技");
        check("第一行\r\n\r\n第二行", "第一行\n第二行");
        check("Open  Source 软件 v2", "open source软件v2");
        check("ＡＢＣ１２３", "abc123");
        check("5,000万元", "5000万元");
        check("1,234,567 元", "1234567元");
        check("2021,2022,2023", "2021\n2022\n2023");
        check("5000 万", "5000万");
        check("C++、C#、.NET 开发", "c++\nc#\n.net开发");
        check("AI+制造", "ai\n制造");
        check("互联网+政务", "互联网\n政务");
        check("R&D", "r&d");
        check("PD1728_A_1", "pd1728_a_1");
        check("GB/T 19001—2016", "gb/t 19001\n2016");
        check("19001–2016", "19001-2016");
        check("国办发〔2023〕15号", "国办发\n2023\n15号");
        check("二〇二五年", "2025年");
        check("二○二五年三月", "2025年三月");
        check("一九九八 年", "1998年");
        check("二〇二五", "二〇二五");
        check("一二三四五年", "一二三四五年");
        check("零\u{200b}宽\u{feff}", "零宽");
        check("Cafe\u{301}", "café");
        check("⻓三⻆", "长三角");
        check("𨨏", "𬭛");
        check("𠀀", "𠀀");
        check("👩\u{200d}🚀科技", "科技");
        check("\u{301}\u{308}", "");
        check("\0", "");
        check("", "");
    }

    #[test]
    fn traditional_meets_simplified() {
        let check =
            |text: &str, expected: &str| assert_eq!(normalize(text).text, expected, "{text:?}");
        check("國際論壇", "国际论坛");
        check("頭髮", "头发");
        check("發展", "发展");
        check("乾坤", "乾坤");
        check("乾 坤", "乾坤");
        check("乾淨", "干净");
        check("不瞭解", "不了解");
        check("技術", "技术");
        check("䥕", "𬭯");
    }

    #[test]
    fn ranges_lead_back() {
        let check = |text: &str, needle: &str, expected: &str| {
            let normalized = normalize(text);
            let at = normalized.text.find(needle).expect("the needle is there");
            assert_eq!(
                &text[normalized.original(at..at + needle.len())],
                expected,
                "{needle} in {text:?}"
            );
        };
        check("前，科技 成果。", "科技成果", "科技 成果");
        check("前，科技 成果。", "成果", "成果");
        check("前，科技 成果。", "科技", "科技");
        check("见ＡＢＣ１２３号", "abc123", "ＡＢＣ１２３");
        check("在二〇二五年底", "2025年", "二〇二五年");
        check("在二〇二五年底", "底", "底");
        check("每100㎡收", "m", "㎡");
        check("每100㎡收", "收", "收");
        check("䥕發展", "发展", "發展");
        check("用.NET写", ".net", ".NET");
        check("共5,000万元", "5000万", "5,000万");
        check("Cafe\u{301} Noir", "café noir", "Cafe\u{301} Noir");
        check("\u{feff}头", "头", "头");
        check("C++好", "c++", "C++");
    }

    #[test]
    fn every_character_is_normalized_as_defined() {
        let mut failed = Vec::new();
        for c in '\0'..=char::MAX {
            let text = format!("a{c}1 {c}科{c}\u{301}b");
            if !matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{E000}'..='\u{F8FF}' | '\u{20000}'..)
            {
                let normalized = normalize(&text).text;
                if normalized != defined(&text) || normalize(&normalized).text != normalized {
                    failed.push(c);
                }
            }
        }
        assert!(
            failed.is_empty(),
            "{} characters, {:?} …",
            failed.len(),
            &failed[..failed.len().min(20)]
        );
    }

    #[test]
    fn phrases_convert_once() {
        let phrases = &test_analyzer().inner.normalizer.phrases;
        let check = |text: &str| {
            let once = normalize(text).text;
            assert_eq!(normalize(&once).text, once, "{text}");
        };
        for phrase in phrases {
            let text: String = phrase.from.iter().collect();
            check(&text);
            for other in phrases {
                let other: String = other.from.iter().collect();
                check(&format!("{text}{other}"));
                // Phrases that share a character.
                let first = other.chars().next();
                if text.chars().next_back() == first {
                    check(&format!("{text}{}", other.chars().skip(1).collect::<String>()));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_fast_path_does_what_is_defined(text in text()) {
            prop_assert_eq!(normalize(&text).text, defined(&text), "{:?}", text);
        }

        #[test]
        fn normalizing_twice_changes_nothing(text in text()) {
            let once = normalize(&text).text;
            prop_assert_eq!(&normalize(&once).text, &once, "{:?}", text);
            prop_assert_eq!(&test_analyzer().inner.normalizer.normalize_text(&text), &once);
        }

        #[test]
        fn originals_stand_in_order(text in text()) {
            let normalized = normalize(&text);
            let mut before = 0;
            for (at, c) in normalized.text.char_indices() {
                let original = normalized.original(at..at + c.len_utf8());
                prop_assert!(original.start <= original.end && original.end <= text.len());
                prop_assert!(text.is_char_boundary(original.start) && text.is_char_boundary(original.end));
                prop_assert!(original.start >= before);
                before = original.start;
                if is_letter(c) {
                    prop_assert!(!original.is_empty());
                    let again = normalize(&text[original.clone()]).text;
                    prop_assert!(c.is_ascii() || is_han(c) || again.contains(c), "{:?} of {:?}", c, &text[original]);
                }
            }
            let all = normalized.original(0..normalized.text.len());
            prop_assert!(all.end <= text.len());
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            let normalized = normalize(&text).text;
            prop_assert_eq!(&normalize(&normalized).text, &normalized);
        }
    }
}
