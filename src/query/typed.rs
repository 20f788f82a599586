//! What a person typed, taken apart: plain words, quoted phrases, exclusions.

/// Longest query, in characters.
pub const MAX_LENGTH: usize = 512;
/// Most phrases and exclusions that are read; more are taken as plain words.
const MAX_MARKED: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// Everything that is neither quoted nor excluded, joined by spaces.
    pub plain: String,
    /// The parts of `plain` between which `OR` or `|` stood alone: one of them is enough. Empty if `plain` is.
    pub branches: Vec<String>,
    /// Must occur literally.
    pub phrases: Vec<String>,
    /// Must not occur.
    pub excluded: Vec<String>,
}

impl Typed {
    /// Takes a text for words, whatever signs it holds.
    pub fn plain(text: &str) -> Self {
        Typed { plain: text.to_owned(), branches: vec![text.to_owned()], ..Typed::default() }
    }

    /// Reads a query. Never fails: a quote without its partner is an ordinary character.
    pub fn parse(text: &str) -> Self {
        let mut typed = Typed::default();
        let mut rest = text;
        let mut at_word_start = true;
        while let Some(ch) = rest.chars().next() {
            let marked = typed.phrases.len() + typed.excluded.len();
            if marked < MAX_MARKED {
                if at_word_start && let Some((phrase, after)) = quoted(rest) {
                    push(&mut typed.phrases, phrase);
                    typed.plain.push(' ');
                    rest = after;
                    continue;
                }
                if at_word_start
                    && let Some(after) = rest.strip_prefix(['-', '－', '−'])
                    && after.chars().next().is_some_and(|next| !next.is_whitespace())
                {
                    let (word, after) = quoted(after).unwrap_or_else(|| {
                        after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()))
                    });
                    push(&mut typed.excluded, word);
                    rest = after;
                    continue;
                }
            }
            typed.plain.push(ch);
            at_word_start = ch.is_whitespace();
            rest = &rest[ch.len_utf8()..];
        }
        typed.branches = branches(typed.plain.trim());
        typed.plain = match typed.branches.as_slice() {
            [] => String::new(),
            branches => branches.join(" "),
        };
        if typed.is_empty() && text.contains(char::is_alphanumeric) {
            // Nothing but operators: then they are what is looked for.
            return Typed::plain(text.trim());
        }
        typed
    }

    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.phrases.is_empty() && self.excluded.is_empty()
    }
}

/// Splits at every `OR` and `|` that stands alone, between two texts.
fn branches(plain: &str) -> Vec<String> {
    let mut branches = Vec::new();
    let mut start = 0;
    for word in plain.split_whitespace() {
        // The words are slices of the text.
        let at = word.as_ptr() as usize - plain.as_ptr() as usize;
        if matches!(word, "OR" | "|" | "｜") && branches.len() + 1 < MAX_MARKED {
            push(&mut branches, &plain[start..at]);
            start = at + word.len();
        }
    }
    push(&mut branches, &plain[start..]);
    branches
}

fn push(list: &mut Vec<String>, text: &str) {
    if !text.trim().is_empty() {
        list.push(text.trim().to_owned());
    }
}

/// Splits off a quoted phrase that `text` begins with.
///
/// A quotation inside a sentence, with text right before or behind it, is no operator.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let open = text.chars().next()?;
    let close = match open {
        '"' | '＂' => open,
        '“' => '”',
        '「' => '」',
        _ => return None,
    };
    let inner = &text[open.len_utf8()..];
    let end = inner.find(close)?;
    let after = &inner[end + close.len_utf8()..];
    let ends = after.chars().next().is_none_or(|next| next.is_whitespace() || is_quote(next));
    ends.then_some((&inner[..end], after))
}

fn is_quote(ch: char) -> bool {
    matches!(ch, '"' | '＂' | '“' | '「')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, plain: &str, phrases: &[&str], excluded: &[&str]) {
        let typed = Typed::parse(text);
        assert_eq!(
            (typed.plain.as_str(), typed.phrases, typed.excluded),
            (
                plain,
                phrases.iter().map(|&text| text.to_owned()).collect(),
                excluded.iter().map(|&text| text.to_owned()).collect()
            ),
            "{text}"
        );
    }

    #[test]
    fn takes_queries_apart() {
        check("高企 认定", "高企 认定", &[], &[]);
        check("\"证券股份\"", "", &["证券股份"], &[]);
        check("“京市长” 大桥", "大桥", &["京市长"], &[]);
        check("招商 -公司", "招商", &[], &["公司"]);
        check("-\"有限 公司\" 招商", "招商", &[], &["有限 公司"]);
        check("-公司", "", &[], &["公司"]);
        check("NB-IoT 水表", "NB-IoT 水表", &[], &[]);
        check("5\" 屏", "5\" 屏", &[], &[]);
        check("如何登录“一网通办”平台", "如何登录“一网通办”平台", &[], &[]);
        check("\"招商\"\"公司\"", "", &["招商", "公司"], &[]);
        check("\"\" - ", "-", &[], &[]);
    }

    #[test]
    fn either_branch_is_enough() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(Typed::parse(text).branches, expected, "{text}");
        };
        check("高企 认定", &["高企 认定"]);
        check("雏鹰 OR 瞪羚 企业", &["雏鹰", "瞪羚 企业"]);
        check("雏鹰 | 瞪羚 -公示", &["雏鹰", "瞪羚"]);
        check("OR 雏鹰 OR", &["雏鹰"]);
        check("OR", &["OR"]);
        check("OR OR", &["OR OR"]);
        check("ORACLE or 数据库", &["ORACLE or 数据库"]);
        check("", &[]);
    }
}
