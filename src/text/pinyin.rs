//! 汉字 to syllables of Hanyu Pinyin, without tones; ü is `v`.
//!
//! A character that stands alone has its most common reading (crate `pinyin`, Unihan data); in a word of
//! `pinyin_words.txt` it has that word's: 重庆 is `chong qing`, 银行 is `yin hang`.

use std::path::Path;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use pinyin::ToPinyin;

use super::dictionary::{DictionaryError, DictionaryFile};
use super::normalize::is_han;

/// A syllable, by its number in the alphabetical order of all syllables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Syllable(u16);

/// Longest syllable, in letters: `zhuang`.
pub const MAX_SYLLABLE: usize = 6;

/// Every syllable that some character is read with, in alphabetical order.
static SYLLABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut all: Vec<String> = ('\u{4E00}'..='\u{9FFF}')
        .filter_map(|ch| ch.to_pinyin())
        .map(|reading| ascii(reading.plain()))
        .filter(|letters| letters.bytes().all(|letter| letter.is_ascii_lowercase()))
        // m, n, ng and hm are interjections; as syllables they would read any consonant as one.
        .filter(|letters| letters.contains(['a', 'e', 'i', 'o', 'u', 'v']))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
});

/// The first letters of all syllables, in the same order.
static FIRST_LETTERS: LazyLock<Vec<u8>> =
    LazyLock::new(|| SYLLABLES.iter().map(|syllable| syllable.as_bytes()[0]).collect());

fn ascii(letters: &str) -> String {
    letters.replace('ü', "v")
}

impl Syllable {
    /// Its letters, lower case.
    pub fn letters(self) -> &'static str {
        &SYLLABLES[usize::from(self.0)]
    }

    /// Its first letter.
    pub fn first_letter(self) -> u8 {
        FIRST_LETTERS[usize::from(self.0)]
    }

    /// Finds the syllable of exactly these letters.
    pub fn of(letters: &str) -> Option<Self> {
        let at = SYLLABLES.binary_search_by(|known| known.as_str().cmp(letters)).ok()?;
        u16::try_from(at).ok().map(Self)
    }

    /// Finds every syllable that `letters` begins with, the shortest first.
    pub fn heads(letters: &str) -> impl Iterator<Item = Self> {
        (1..=letters.len().min(MAX_SYLLABLE))
            .filter_map(|length| letters.get(..length))
            .filter_map(Self::of)
    }

    /// Finds the first and the last of the syllables that begin with `letters`, which follow each other.
    pub fn range(letters: &str) -> Option<(Self, Self)> {
        let low = SYLLABLES.partition_point(|syllable| syllable.as_str() < letters);
        let count = SYLLABLES[low..].iter().take_while(|s| s.starts_with(letters)).count();
        let at = |at: usize| u16::try_from(at).ok().map(Self);
        (count > 0).then(|| Some((at(low)?, at(low + count - 1)?))).flatten()
    }

    /// Brings syllables that many speakers do not tell apart to one: zh ch sh to z c s, l to n, final ng to n.
    pub fn fuzzy(self) -> u64 {
        let letters = self.letters();
        let (head, rest) = match letters.as_bytes() {
            [first @ (b'z' | b'c' | b's'), b'h', ..] => (*first, &letters[2..]),
            [b'l', ..] => (b'n', &letters[1..]),
            [first, ..] => (*first, &letters[1..]),
            [] => (0, ""),
        };
        let rest = match rest {
            "ang" | "eng" | "ing" => &rest[..2],
            _ => rest,
        };
        rest.bytes().fold(u64::from(head), |packed, letter| packed << 8 | u64::from(letter))
    }

    /// The number in the order of all syllables.
    pub fn index(self) -> u16 {
        self.0
    }

    /// Returns the syllable of that number.
    pub fn from_index(index: u16) -> Option<Self> {
        (usize::from(index) < SYLLABLES.len()).then_some(Self(index))
    }
}

/// Reads texts aloud.
pub struct Pinyin {
    /// Words whose reading is not that of their characters.
    words: AhoCorasick,
    readings: Vec<Vec<Syllable>>,
    /// Of the characters of the basic plane from U+4E00; `u16::MAX` for one that has no reading.
    chars: Box<[u16]>,
}

const FIRST: u32 = 0x4E00;
const LAST: u32 = 0x9FFF;
const UNREAD: u16 = u16::MAX;

impl Pinyin {
    /// Reads `pinyin_words.txt` from a folder, or the one built into the program.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, DictionaryError> {
        let file = DictionaryFile::read(folder, "pinyin_words.txt")?;
        let expected = "word, tab, one syllable without tone for every character, parted by spaces";
        let (mut known, mut readings) = (Vec::new(), Vec::new());
        for (line, text) in file.lines() {
            let malformed = || file.malformed(line, expected, text);
            let (word, reading) = text.split_once('\t').ok_or_else(malformed)?;
            let syllables: Option<Vec<Syllable>> = reading.split(' ').map(Syllable::of).collect();
            let syllables = syllables.ok_or_else(malformed)?;
            if syllables.len() != word.chars().count() || !word.chars().all(is_han) {
                return Err(malformed());
            }
            known.push(word);
            readings.push(syllables);
        }
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(known)
            .expect("a few thousand short words fit an automaton");
        let chars = (FIRST..=LAST)
            .map(|code| {
                let reading = char::from_u32(code).and_then(|ch| ch.to_pinyin());
                reading
                    .and_then(|reading| Syllable::of(&ascii(reading.plain())))
                    .map_or(UNREAD, |s| s.0)
            })
            .collect();
        Ok(Self { words, readings, chars })
    }

    /// Reads one character alone; `None` for what is no 汉字 and for a few that nobody reads.
    pub fn of_char(&self, ch: char) -> Option<Syllable> {
        let at = u32::from(ch).checked_sub(FIRST)?;
        let syllable = *self.chars.get(usize::try_from(at).ok()?)?;
        (syllable != UNREAD).then_some(Syllable(syllable))
    }

    /// Reads normalized text: one entry a character, `None` for what is no 汉字.
    pub fn read(&self, normalized: &str) -> Vec<Option<Syllable>> {
        let mut read: Vec<Option<Syllable>> = Vec::with_capacity(normalized.len() / 3);
        let mut at = 0;
        for found in self.words.find_iter(normalized) {
            read.extend(normalized[at..found.start()].chars().map(|ch| self.of_char(ch)));
            read.extend(self.readings[found.pattern().as_usize()].iter().copied().map(Some));
            at = found.end();
        }
        read.extend(normalized[at..].chars().map(|ch| self.of_char(ch)));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::test_analyzer;

    fn check(text: &str, expected: &str) {
        let read = test_analyzer().pinyin().read(&test_analyzer().normalize(text).text);
        let letters: Vec<&str> = read.iter().map(|s| s.map_or("-", Syllable::letters)).collect();
        assert_eq!(letters.join(" "), expected, "{text}");
    }

    #[test]
    fn words_decide_how_characters_are_read() {
        check("重庆", "chong qing");
        check("重要", "zhong yao");
        check("中国银行", "zhong guo yin hang");
        check("行业行政", "hang ye xing zheng");
        check("调度与调整", "diao du yu tiao zheng");
        check("大数据", "da shu ju");
        check("會計", "kuai ji");
        check("新能源", "xin neng yuan");
        check("绿色", "lv se");
        check("5G手机𠀀", "- - shou ji -");
        check("", "");
    }

    #[test]
    fn syllables_are_found_by_their_letters() {
        let heads: Vec<&str> = Syllable::heads("xiangyu").map(Syllable::letters).collect();
        assert_eq!(heads, ["xi", "xia", "xian", "xiang"]);
        assert_eq!(Syllable::heads("ivy").count(), 0);
        assert!(Syllable::of("zhuang").is_some() && Syllable::of("zhuangg").is_none());
        let range = Syllable::range("zhu").map(|(low, high)| (low.letters(), high.letters()));
        assert_eq!(range, Some(("zhu", "zhuo")));
        assert_eq!(Syllable::range("zhx"), None);
        assert!(SYLLABLES.len() > 390 && SYLLABLES.len() < 450, "{}", SYLLABLES.len());
    }

    #[test]
    fn sounds_that_are_confused_are_one() {
        let same = |one: &str, other: &str| {
            let fuzzy = |letters| Syllable::of(letters).map(Syllable::fuzzy);
            assert_eq!(fuzzy(one), fuzzy(other), "{one} {other}");
        };
        same("zhang", "zan");
        same("shi", "si");
        same("lin", "ning");
        let fuzzy = |letters| Syllable::of(letters).map(Syllable::fuzzy);
        assert_ne!(fuzzy("ji"), fuzzy("zhi"));
        assert_ne!(fuzzy("han"), fuzzy("huan"));
    }
}
