//! What characters are, each by itself.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::Class;

/// Folds a stretch of text as far as it goes without looking at conversion tables.
///
/// Composition, lower case and dropping marks feed one another (H and a line below compose only in lower case), so
/// they are repeated until nothing changes; twice is the rule.
pub(super) fn fold(text: &str) -> String {
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

/// Tells whether NFKC may change the character after what stands before it.
pub(super) fn joins(c: char) -> bool {
    use unicode_normalization::{IsNormalized, is_nfc_quick};
    let Some(first) = std::iter::once(c).nfkd().next() else { return false };
    canonical_combining_class(first) != 0
        || is_nfc_quick(std::iter::once(first)) == IsNormalized::Maybe
}

pub(super) fn classify(c: char) -> Class {
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
pub(super) fn is_ignored(c: char) -> bool {
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

/// The digit that a 汉字 stands for.
pub(crate) fn chinese_digit(c: char) -> Option<char> {
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
