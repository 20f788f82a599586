//! Pairs and single characters: the units that need no dictionary.

use super::normalize::is_letter;

/// A character and its place, as a phrase query on [`Units::chars`](super::Units::chars) needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseToken {
    /// From 0; a run of separators counts as one place.
    pub position: usize,
    /// One character.
    pub text: String,
}

/// Lists the pairs of adjacent letters or digits; a character that stands alone is listed as itself.
///
/// A character alone stands in the grams of a text only where it is alone there too: look single characters up in
/// [`chars`].
pub fn grams(normalized: &str) -> Vec<String> {
    grams_iter(normalized).map(str::to_owned).collect()
}

/// Lists what [`grams`] lists, without copying.
pub fn grams_iter(normalized: &str) -> impl Iterator<Item = &str> {
    let mut letters = normalized.char_indices().peekable();
    // Where the letter before begins, and whether it is part of a pair.
    let mut before: Option<(usize, bool)> = None;
    std::iter::from_fn(move || {
        loop {
            let Some(&(at, c)) = letters.peek() else {
                let (start, paired) = before.take()?;
                return (!paired).then(|| &normalized[start..]);
            };
            letters.next();
            if is_letter(c) {
                if let Some((start, _)) = before.replace((at, before.is_some())) {
                    return Some(&normalized[start..at + c.len_utf8()]);
                }
            } else if let Some((start, false)) = before.take() {
                return Some(&normalized[start..at]);
            }
        }
    })
}

/// Lists the characters of a literal phrase.
pub fn chars(normalized: &str) -> Vec<PhraseToken> {
    let mut tokens: Vec<PhraseToken> = Vec::with_capacity(normalized.len() / 3 + 1);
    let mut gap = 0;
    for c in normalized.chars() {
        if is_letter(c) {
            let position = tokens.last().map_or(0, |before| before.position + 1 + gap);
            tokens.push(PhraseToken { position, text: c.to_string() });
            gap = 0;
        } else {
            gap = 1;
        }
    }
    tokens
}

/// Appends a value's tokens, each of which `write` ends with a space, two empty tokens after the value before.
pub(super) fn append_value(units: &mut String, write: impl FnOnce(&mut String)) {
    let before = units.len();
    if before > 0 {
        units.push_str("   ");
    }
    let start = units.len();
    write(units);
    let end = if units.len() == start { before } else { units.len() - 1 };
    units.truncate(end);
}

pub(super) fn write_grams(normalized: &str, grams: &mut String) {
    grams.reserve(normalized.len() * 7 / 3);
    for gram in grams_iter(normalized) {
        grams.push_str(gram);
        grams.push(' ');
    }
}

pub(super) fn write_chars(normalized: &str, chars: &mut String) {
    chars.reserve(normalized.len() * 2);
    let mut gap = false;
    let start = chars.len();
    for c in normalized.chars() {
        if !is_letter(c) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && chars.len() > start {
            chars.push(' ');
        }
        chars.push(c);
        chars.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_pairs_within_runs() {
        let check = |text: &str, expected: &[&str]| assert_eq!(grams(text), expected, "{text:?}");
        check("科技成果", &["科技", "技成", "成果"]);
        check("学rust", &["学r", "ru", "us", "st"]);
        check("碳", &["碳"]);
        check("科技\n碳\n成果", &["科技", "碳", "成果"]);
        check("gb/t", &["gb", "t"]);
        check("c++", &["c+", "++"]);
        check("\n \n", &[]);
        check("", &[]);
    }

    #[test]
    fn a_run_of_separators_is_one_place() {
        let check = |text: &str, expected: &[(usize, &str)]| {
            let tokens: Vec<(usize, String)> =
                chars(text).into_iter().map(|token| (token.position, token.text)).collect();
            let expected: Vec<(usize, String)> =
                expected.iter().map(|&(position, text)| (position, text.to_owned())).collect();
            assert_eq!(tokens, expected, "{text:?}");
        };
        check("科技", &[(0, "科"), (1, "技")]);
        check("\n科. \n技", &[(0, "科"), (2, "技")]);
        check("5.4 a", &[(0, "5"), (2, "4"), (4, "a")]);
        check("", &[]);
    }

    #[test]
    fn values_stand_apart() {
        let mut units = String::new();
        for text in ["科技", "\n", "成\n果"] {
            append_value(&mut units, |units| write_chars(text, units));
        }
        assert_eq!(units, "科 技   成  果");
    }
}
