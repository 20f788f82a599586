//! A text as suggestions compare it: its letters, digits and 汉字 in a row, each with the way it is read.

use crate::text::pinyin::{Pinyin, Syllable};

/// Most units of one text; what comes later is not suggested by.
const MAX_UNITS: usize = 120;

/// A character of a normalized text. Four bytes, since a hundred thousand titles have millions of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// UTF-16, the first half of a pair beyond the basic plane; 0 at the end of a text.
    code: u16,
    /// Number of the syllable, or one of the two constants.
    reading: u16,
}

/// Stands first in a run of Latin letters and digits, or is a 汉字 that nobody reads.
const FIRST_UNREAD: u16 = u16::MAX;
/// Stands inside a run of Latin letters and digits.
const INNER_UNREAD: u16 = u16::MAX - 1;
/// What [`Unit::sound`] adds to a Latin letter or a digit.
const LATIN: u16 = 0x8000;

impl Unit {
    /// Ends a text.
    pub const END: Unit = Unit { code: 0, reading: FIRST_UNREAD };

    pub fn code(self) -> u16 {
        self.code
    }

    pub fn syllable(self) -> Option<&'static str> {
        Syllable::from_index(self.reading).map(Syllable::letters)
    }

    /// Tells whether somebody may begin to type here: not inside a Latin word or a number.
    pub fn may_begin(self) -> bool {
        self.reading != INNER_UNREAD && self.code != 0
    }

    /// The Latin letter or digit that this is.
    pub fn latin(self) -> Option<u8> {
        u8::try_from(self.code).ok().filter(u8::is_ascii_alphanumeric)
    }

    /// The number of the syllable, or of the Latin letter: what is typed for it, in alphabetical order.
    pub fn sound(self) -> u16 {
        match self.latin() {
            Some(letter) => latin_sound(letter),
            None => self.reading,
        }
    }

    /// The first letter that is typed for it; `{`, behind all letters, when there is none.
    pub fn initial(self) -> u8 {
        match (self.latin(), Syllable::from_index(self.reading)) {
            (Some(letter), _) => letter,
            (None, Some(syllable)) => syllable.first_letter(),
            (None, None) if self.code == 0 => 0,
            (None, None) => b'{',
        }
    }
}

/// The [`Unit::sound`] of a Latin letter or a digit.
pub fn latin_sound(letter: u8) -> u16 {
    LATIN + u16::from(letter)
}

/// Returns the code of a character.
pub fn code_of(ch: char) -> u16 {
    ch.encode_utf16(&mut [0; 2])[0]
}

/// Tells whether a character of normalized text is a unit; separators and joiners are none.
pub fn is_unit(ch: char) -> bool {
    ch.is_alphanumeric()
}

/// Cuts normalized text into units.
pub fn units(normalized: &str, pinyin: &Pinyin) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut in_latin = false;
    for (ch, syllable) in normalized.chars().zip(pinyin.read(normalized)) {
        if is_unit(ch) && units.len() < MAX_UNITS {
            let reading = match syllable {
                Some(syllable) => syllable.index(),
                None if in_latin && ch.is_ascii() => INNER_UNREAD,
                None => FIRST_UNREAD,
            };
            units.push(Unit { code: code_of(ch), reading });
        }
        in_latin = is_unit(ch) && ch.is_ascii();
    }
    units
}
