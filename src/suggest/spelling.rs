//! What somebody may have meant: words of the index that sound or look like what was typed, and words for pinyin.
//!
//! Sound-alikes are most of what people mistype, look-alikes most of the rest; the failure of such systems is to correct
//! what was right. So a correction is always a word of the index, what it replaces is none, and the caller replaces it
//! only when no record holds it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use crate::text::pinyin::{MAX_SYLLABLE, Syllable};
use crate::text::{Analyzer, QueryWord, is_han};

/// Characters of a word that is offered or replaced.
const LENGTHS: Range<usize> = 2..13;
/// Records that must hold a word before anything is corrected to it. Terms of the dictionary need one.
const LEAST_RECORDS: u32 = 2;
/// Records that must hold a word of two syllables which stands alone in pinyin, and how many times those of any other
/// word of its sound: nearly every such sound is that of several words.
const LEAST_HEARD: (u32, u32) = (3, 3);
/// Letters of pinyin that are read as words.
const PINYIN_LETTERS: Range<usize> = 4..49;
/// First letters that are read as a term.
const INITIALS: Range<usize> = 3..9;
/// Fewer first letters are a name of their own, if a record holds them: CAD, MES.
const MIN_TELLING_INITIALS: usize = 4;
/// What a word more costs when pinyin is cut into words, beside the logarithm of its records.
const WORD_COST: f64 = 9.0;
/// Most common family names: what begins with one and has two or three characters may be a person.
const FAMILY_NAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏\
    魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";

/// The words of an index, by text and by sound.
#[derive(Default)]
pub struct Spelling {
    words: Vec<Word>,
    hasher: RandomState,
    /// Hashes with numbers of words, sorted.
    by_text: Vec<(u64, u32)>,
    by_sound: Vec<(u64, u32)>,
    by_fuzzy_sound: Vec<(u64, u32)>,
    /// Terms only, by their first letters.
    by_initials: Vec<(u64, u32)>,
}

struct Word {
    text: Box<str>,
    /// None for a place that no record names.
    records: u32,
    is_term: bool,
    is_place: bool,
    sound: u64,
}

/// What Latin letters spell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub text: String,
    /// Whether it is one term of the dictionary, and the letters can hardly be chance.
    pub is_term: bool,
}

/// A part of what was typed, and a word that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Bytes of the typed text.
    pub range: Range<usize>,
    pub to: String,
    /// Records that hold the word.
    pub records: u32,
}

/// How like the typed word a candidate is, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    SameSound,
    NearSound,
    Shape,
}

impl Spelling {
    /// Takes words with the number of records that hold each, and names of places, normalized. The user words among
    /// them are terms.
    pub fn new(
        words: impl IntoIterator<Item = (String, u64)>,
        places: &[String],
        analyzer: &Analyzer,
    ) -> Self {
        let mut places: HashSet<&str> = places.iter().map(String::as_str).collect();
        let mut spelling = Self::default();
        spelling.add(words, &mut places, analyzer);
        let left: Vec<(String, u64)> = places.iter().map(|name| ((*name).to_owned(), 0)).collect();
        spelling.add(left, &mut places, analyzer);
        for list in [
            &mut spelling.by_text,
            &mut spelling.by_sound,
            &mut spelling.by_fuzzy_sound,
            &mut spelling.by_initials,
        ] {
            list.sort_unstable();
        }
        spelling
    }

    /// Adds words; those that are places are taken out of `places`.
    fn add(
        &mut self,
        words: impl IntoIterator<Item = (String, u64)>,
        places: &mut HashSet<&str>,
        analyzer: &Analyzer,
    ) {
        let spelling = self;
        let terms: HashSet<String> =
            analyzer.user_words().iter().map(|word| analyzer.normalize(word).text).collect();
        for (text, records) in words {
            if !LENGTHS.contains(&text.chars().count()) || !text.chars().all(is_han) {
                continue;
            }
            let read: Option<Vec<Syllable>> = analyzer.pinyin().read(&text).into_iter().collect();
            let Some(read) = read else { continue };
            let number = u32::try_from(spelling.words.len()).expect("fewer words than units");
            let is_term = terms.contains(&text);
            let is_place = places.remove(text.as_str());
            let hash = spelling.hasher.hash_one(&*text);
            spelling.by_text.push((hash, number));
            let sound = spelling.sound(&read);
            spelling.by_sound.push((sound, number));
            let fuzzy = spelling.fuzzy_sound(&read);
            spelling.by_fuzzy_sound.push((fuzzy, number));
            if is_term {
                let initials: Vec<u8> = read.iter().map(|s| s.letters().as_bytes()[0]).collect();
                let hash = spelling.hasher.hash_one(&*initials);
                spelling.by_initials.push((hash, number));
            }
            let records = u32::try_from(records).unwrap_or(u32::MAX);
            spelling.words.push(Word { text: text.into(), records, is_term, is_place, sound });
        }
    }

    fn sound(&self, read: &[Syllable]) -> u64 {
        self.hasher.hash_one(read)
    }

    fn fuzzy_sound(&self, read: &[Syllable]) -> u64 {
        let fuzzy: Vec<u64> = read.iter().map(|syllable| syllable.fuzzy()).collect();
        self.hasher.hash_one(&*fuzzy)
    }

    fn find<'a>(&'a self, list: &'a [(u64, u32)], hash: u64) -> impl Iterator<Item = &'a Word> {
        let from = list.partition_point(|(known, _)| *known < hash);
        let same = list[from..].iter().take_while(move |(known, _)| *known == hash);
        same.map(|&(_, number)| &self.words[number as usize])
    }

    fn word(&self, text: &str) -> Option<&Word> {
        self.find(&self.by_text, self.hasher.hash_one(text)).find(|word| &*word.text == text)
    }

    /// Lists what may be wrong in normalized text, cut into words: the longest parts first, of each the likeliest word.
    ///
    /// Parts may overlap. Nothing is listed for a word of the index, nor for one that the cutting knows.
    pub fn corrections(
        &self,
        normalized: &str,
        words: &[QueryWord],
        analyzer: &Analyzer,
    ) -> Vec<Correction> {
        let mut corrections: Vec<(usize, Correction)> = Vec::new();
        for from in 0..words.len() {
            let mut num_chars = 0;
            for to in from..words.len() {
                let word = &words[to];
                let joins = to == from || words[to - 1].end == word.start;
                if !joins || !word.text.chars().all(is_han) {
                    break;
                }
                num_chars += word.text.chars().count();
                if num_chars >= LENGTHS.end {
                    break;
                }
                let range = words[from].start..word.end;
                // One word that the dictionary knows is right, if rare.
                if num_chars < 2 || from == to {
                    continue;
                }
                // A short part of a longer run is too often right in a way that the dictionary does not know.
                let is_run = !joined(words, from) && !joined(words, to + 1);
                let in_pieces = to - from + 1 == num_chars;
                if !(is_run || num_chars > 3 || num_chars == 3 && in_pieces) {
                    continue;
                }
                if let Some(best) =
                    self.best(&normalized[range.clone()], &words[from..=to], analyzer)
                {
                    let to = best.text.to_string();
                    let records = best.records;
                    corrections.push((num_chars, Correction { range, to, records }));
                }
            }
        }
        corrections.sort_by(|(a, _), (b, _)| b.cmp(a));
        corrections.into_iter().map(|(_, correction)| correction).collect()
    }

    /// The likeliest word for a part of several words.
    fn best(&self, text: &str, words: &[QueryWord], analyzer: &Analyzer) -> Option<&Word> {
        if self.word(text).is_some() {
            return None;
        }
        let typed: Vec<char> = text.chars().collect();
        let may_be_name = typed.len() <= 3 && FAMILY_NAMES.contains(typed[0]);
        let read: Vec<Option<Syllable>> = analyzer.pinyin().read(text);
        let mut best: Option<(Likeness, &Word)> = None;
        let mut offer = |likeness: Likeness, word| {
            let (typed_len, word): (usize, &Word) = (typed.len(), word);
            let least = if word.is_term { 1 } else { LEAST_RECORDS };
            let changed = typed.iter().zip(word.text.chars()).filter(|(a, b)| **a != *b).count();
            let most = if typed_len < 4 { 1 } else { 2 };
            let fits = word.text.chars().count() == typed_len
                && (1..=most).contains(&changed)
                && word.records >= least
                // Two characters are like too many words: 线代 is no 现代.
                && (word.is_term || typed_len > 2 && !may_be_name)
                && (typed_len > 2 || likeness != Likeness::NearSound);
            let is_better = best.is_none_or(|(before, known)| {
                (likeness, u32::MAX - word.records) < (before, u32::MAX - known.records)
            });
            if fits && is_better {
                best = Some((likeness, word));
            }
        };
        if let Some(read) = read.into_iter().collect::<Option<Vec<Syllable>>>() {
            for word in self.find(&self.by_sound, self.sound(&read)) {
                offer(Likeness::SameSound, word);
            }
            for word in self.find(&self.by_fuzzy_sound, self.fuzzy_sound(&read)) {
                offer(Likeness::NearSound, word);
            }
        }
        // A wrong character leaves its word in pieces: only what stands alone is looked at.
        let mut at = 0;
        for word in words {
            if word.text.chars().nth(1).is_none() {
                let mut changed = typed.clone();
                for like in analyzer.shapes().like(typed[at]) {
                    changed[at] = like;
                    if let Some(word) = self.word(&changed.iter().collect::<String>()) {
                        offer(Likeness::Shape, word);
                    }
                }
            }
            at += word.text.chars().count();
        }
        best.map(|(_, word)| word)
    }

    /// Reads Latin letters as the pinyin of words of the index, or as the first letters of a term; `None` when they are
    /// neither. A space parts syllables.
    ///
    /// One word of two syllables is read only where there is little doubt: a term of the dictionary, the name of a
    /// place, or a word of the index that is far more common than others of its sound.
    pub fn read_pinyin(&self, typed: &str) -> Option<Reading> {
        let parts: Vec<&str> =
            typed.split([' ', '\'', '\n']).filter(|part| !part.is_empty()).collect();
        let letters = parts.concat();
        if letters.is_empty() || !letters.bytes().all(|letter| letter.is_ascii_lowercase()) {
            return None;
        }
        let mut breaks = vec![false; letters.len() + 1];
        let mut at = 0;
        for part in &parts {
            at += part.len();
            breaks[at] = true;
        }
        if PINYIN_LETTERS.contains(&letters.len())
            && let Some(words) = self.cut(&letters, &breaks)
        {
            return match words.as_slice() {
                [only] => {
                    let word = self.heard(only)?;
                    Some(Reading { text: word.text.to_string(), is_term: word.is_term })
                }
                words => {
                    let text = words.iter().map(|word| &*word.text).collect();
                    Some(Reading { text, is_term: false })
                }
            };
        }
        let initials = letters.as_bytes();
        let found = INITIALS
            .contains(&initials.len())
            .then(|| self.find(&self.by_initials, self.hasher.hash_one(initials)));
        let fits = |word: &&Word| word.text.chars().count() == initials.len();
        let best = found?.filter(fits).max_by_key(|word| (word.is_term, word.records));
        best.map(|word| Reading {
            text: word.text.to_string(),
            is_term: word.is_term && initials.len() >= MIN_TELLING_INITIALS,
        })
    }

    /// Tells which word is meant by the sound of `word`, if there is little doubt.
    fn heard<'a>(&'a self, word: &'a Word) -> Option<&'a Word> {
        if word.is_term || word.text.chars().count() > 2 {
            return Some(word);
        }
        let same: Vec<&Word> = self.find(&self.by_sound, word.sound).collect();
        if same.iter().any(|word| word.is_place) {
            let places = same.into_iter().filter(|word| word.is_place && word.records > 0);
            return places.max_by_key(|word| word.records);
        }
        let others = same.iter().filter(|other| other.text != word.text);
        let next = others.map(|other| other.records).max().unwrap_or(0);
        let (least, times) = LEAST_HEARD;
        (word.records >= least && word.records / times >= next).then_some(word)
    }

    /// Cuts letters into the fewest and most common words.
    fn cut(&self, letters: &str, breaks: &[bool]) -> Option<Vec<&Word>> {
        // Of each place, the cost of the best way there, and its last word with where it begins.
        let mut best: Vec<Option<(f64, usize, &Word)>> = vec![None; letters.len() + 1];
        let mut reached = vec![false; letters.len() + 1];
        reached[0] = true;
        for from in 0..letters.len() {
            if !reached[from] {
                continue;
            }
            let so_far = best[from].map_or(0.0, |(cost, ..)| cost);
            let mut read = Vec::new();
            self.words_at(letters, breaks, from, &mut read, &mut |end, word| {
                let cost =
                    so_far + WORD_COST - f64::from(word.records.max(1)).ln().min(WORD_COST - 0.5);
                if best[end].is_none_or(|(known, ..)| cost < known) {
                    best[end] = Some((cost, from, word));
                    reached[end] = true;
                }
            });
        }
        let mut words: Vec<&Word> = Vec::new();
        let mut at = letters.len();
        while at > 0 {
            let (_, from, word) = best[at]?;
            words.push(word);
            at = from;
        }
        words.reverse();
        Some(words)
    }

    /// Calls `f` with every word whose pinyin begins at `from`, and where it ends.
    fn words_at<'a>(
        &'a self,
        letters: &str,
        breaks: &[bool],
        from: usize,
        read: &mut Vec<Syllable>,
        f: &mut impl FnMut(usize, &'a Word),
    ) {
        if read.len() >= LENGTHS.end - 1 {
            return;
        }
        let longest = (from + 1..=letters.len().min(from + MAX_SYLLABLE)).find(|&end| breaks[end]);
        let end = longest.unwrap_or(letters.len());
        for syllable in Syllable::heads(&letters[from..end]) {
            let at = from + syllable.letters().len();
            read.push(syllable);
            if read.len() >= LENGTHS.start {
                let same = self.find(&self.by_sound, self.sound(read));
                let same = same.filter(|word| word.records > 0);
                if let Some(word) = same.max_by_key(|word| (word.is_term, word.records)) {
                    f(at, word);
                }
            }
            self.words_at(letters, breaks, at, read, f);
            read.pop();
        }
    }
}

/// Tells whether the word `at` is of 汉字 and follows another such word at once.
fn joined(words: &[QueryWord], at: usize) -> bool {
    let is_han_word = |word: &QueryWord| word.text.chars().all(is_han);
    at > 0
        && words.get(at).is_some_and(|word| {
            let before = &words[at - 1];
            before.end == word.start && is_han_word(before) && is_han_word(word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::test_analyzer;

    fn spelling() -> Spelling {
        let words = [
            ("高新技术", 80),
            ("高薪", 5),
            ("技术", 300),
            ("企业", 300),
            ("认定", 90),
            ("专精特新", 40),
            ("高企", 30),
            ("新能源", 60),
            ("科技型", 50),
            ("科技型中小企业", 20),
            ("黎明", 9),
            ("中小企业", 60),
            ("高新技术企业", 1),
            ("汽车", 40),
            ("嫦娥", 1),
            ("术学", 4),
            ("现代", 50),
            ("背景", 20),
            ("银行", 40),
            ("实验", 30),
            ("试验", 20),
            ("济南", 4),
            ("技能", 40),
        ];
        let places = ["北京", "济南"].map(str::to_owned);
        let words = words.map(|(word, records)| (word.to_owned(), records));
        Spelling::new(words, &places, test_analyzer())
    }

    fn corrected(typed: &str) -> Vec<String> {
        let analyzer = test_analyzer();
        let normalized = analyzer.normalize(typed).text;
        let words = analyzer.words(&normalized);
        let all = spelling().corrections(&normalized, &words, analyzer);
        all.into_iter().map(|c| format!("{}→{}", &normalized[c.range], c.to)).collect()
    }

    #[test]
    fn words_that_sound_or_look_alike_are_found() {
        assert_eq!(corrected("专精特心"), ["专精特心→专精特新"]);
        assert_eq!(corrected("高薪技术企业认定"), ["高薪技术企业→高新技术企业"]);
        assert_eq!(corrected("科枝型中小企业")[0], "科枝型中小企业→科技型中小企业");
        assert_eq!(corrected("新能园汽车"), ["新能园→新能源"]);
    }

    #[test]
    fn what_is_right_stays() {
        for typed in [
            "高薪",
            "高新技术企业认定",
            "新能源汽车",
            "黎明",
            "李明",
            "王高薪",
            "芯源微",
            "a 专精特新",
            "线代",
            "北京",
        ] {
            assert_eq!(corrected(typed), [""; 0], "{typed}");
        }
    }

    #[test]
    fn pinyin_is_read_as_words() {
        let spelling = spelling();
        let check = |typed: &str, expected: Option<&str>| {
            let read = spelling.read_pinyin(typed).map(|reading| reading.text);
            assert_eq!(read.as_deref(), expected, "{typed}");
        };
        check("gaoxinjishuqiye", Some("高新技术企业"));
        check("gaoqi rending", Some("高企认定"));
        check("gao qi ren ding", Some("高企认定"));
        check("xinnengyuanqiche", Some("新能源汽车"));
        check("zjtx", Some("专精特新"));
        check("zhuanjingtexin", Some("专精特新"));
        check("gaoq irending", None);
        check("yinhang", Some("银行"));
        check("jinan", Some("济南"));
        check("beijing", None);
        check("shiyan", None);
        check("led", None);
        check("rust", None);
        check("", None);
    }
}
