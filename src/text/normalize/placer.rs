//! Puts folded characters where they belong: separators wait until the next letter shows what they part.

use std::ops::Range;

use super::character::{chinese_digit, classify, fold, is_han, is_letter};
use super::map::Map;
use super::{Class, Entry, Normalizer, clip};

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
pub(super) struct Placer<'a, M> {
    normalizer: &'a Normalizer,
    original: &'a str,
    pub(super) text: String,
    pub(super) map: M,
    /// Bytes of the original that are to be copied as they are.
    span: Range<usize>,
    last: Last,
    pending: Pending,
    /// Where the original of the last letter ends.
    end: usize,
}

impl<'a, M: Map> Placer<'a, M> {
    pub(super) fn new(normalizer: &'a Normalizer, original: &'a str) -> Self {
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
        }
    }

    pub(super) fn run(&mut self) {
        let mut at = 0;
        loop {
            at = self.copy_plain(at);
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
        for c in self.original[at..].chars() {
            if !normalizer.plain.contains(c) {
                let entry = normalizer.entry(c);
                if entry.has(Entry::JOINS) || entry.class() == Class::Ignored {
                    // It may change the last character, which is placed with it.
                    end = start;
                }
                break;
            }
            start = end;
            end += c.len_utf8();
        }
        let run = &self.original.as_bytes()[at..end];
        if let (Some(&first), Some(&last)) = (run.first(), run.last()) {
            if self.pending != Pending::Nothing {
                self.part(plain_class(first), at);
            }
            self.copy(at..end);
            self.last = match plain_class(last) {
                Class::AsciiLetter => Last::AsciiLetter,
                Class::AsciiDigit => Last::AsciiDigit,
                _ => Last::Han,
            };
        }
        end
    }

    /// Places one character, or all that folds together; tells where it ends.
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
                self.part(class, range.start);
                if class == Class::Year {
                    self.rewrite_year();
                }
                self.put(c, range);
                self.last = Last::Han;
            }
            Class::Letter | Class::AsciiLetter | Class::AsciiDigit => {
                self.part(class, range.start);
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
    fn part(&mut self, class: Class, at: usize) {
        let pending = std::mem::replace(&mut self.pending, Pending::Nothing);
        let follows_word = self.last.is_word() && !matches!(class, Class::Han | Class::Year);
        let separator = match pending {
            Pending::Nothing => return,
            Pending::Space if follows_word => ' ',
            Pending::Space => return,
            Pending::Joiner(joiner) if follows_word => joiner,
            Pending::Dot { at: dot } if class == Class::AsciiLetter => {
                if self.last != Last::Nothing {
                    self.put('\n', self.end..dot);
                }
                return self.put('.', dot..at);
            }
            _ if self.last == Last::Nothing => return,
            _ => '\n',
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

/// Tells whether the byte at `at` is the comma of a number: one to three digits before it, exactly three after.
pub(super) fn groups_digits(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    if bytes[at] != b',' {
        return false;
    }
    let before = bytes[..at].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let after = bytes[at + 1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&before) && after == 3
}

/// The class of a plain character by any of its bytes.
fn plain_class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::AsciiLetter,
        b'0'..=b'9' => Class::AsciiDigit,
        _ => Class::Han,
    }
}
