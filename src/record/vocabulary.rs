//! Controlled vocabularies: codes with labels, optionally in a tree.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::kind::Label;
use super::nearest::did_you_mean;

/// The first line of a vocabulary file that is not a comment.
pub const HEADER: &str = "code\tparent\tzh\ten\taliases";

/// Characters of labels that stand one behind the other.
const LONGEST_LABELS: usize = 60;

/// A list of codes, in the order of its file.
#[derive(Debug)]
pub struct Vocabulary {
    pub name: String,
    pub entries: Vec<Entry>,
    by_code: HashMap<String, usize>,
    /// Indexes of the entries below each entry, in the order of the file.
    children: Vec<Vec<usize>>,
    /// Folded labels and aliases, each with the entry that it means.
    by_label: HashMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub code: String,
    /// Index of the parent among the entries.
    pub parent: Option<usize>,
    /// `en` falls back to the Chinese text where the file gives none.
    pub label: Label,
    pub aliases: Vec<String>,
}

/// Something wrong with a vocabulary file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabularyProblem {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl Vocabulary {
    /// Reads the text of a vocabulary file, or returns everything that is wrong with it.
    ///
    /// Comments begin with `#`; a byte order mark, `\r\n` and empty lines are taken as they come.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<VocabularyProblem>> {
        let mut reader = Reader::default();
        for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            reader.line(at + 1, line);
        }
        reader.finish(name)
    }

    pub fn get(&self, code: &str) -> Option<&Entry> {
        self.by_code.get(code).map(|&at| &self.entries[at])
    }

    /// Returns the place of a code among the entries.
    pub fn index(&self, code: &str) -> Option<usize> {
        self.by_code.get(code).copied()
    }

    /// Returns the code itself and everything above it, nearest first; empty for an unknown code.
    pub fn path<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let mut next = self.by_code.get(code).copied();
        std::iter::from_fn(move || {
            let entry = &self.entries[next?];
            next = entry.parent;
            Some(entry)
        })
    }

    /// Returns what is directly below a code, in the order of the file; empty for an unknown code.
    pub fn children<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let below = self.by_code.get(code).map(|&at| self.children[at].as_slice());
        below.unwrap_or_default().iter().map(|&at| &self.entries[at])
    }

    /// Returns what has no parent, in the order of the file.
    pub fn roots(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.parent.is_none())
    }

    /// Tells whether `code` is `ancestor` or somewhere below it; false when either is unknown.
    pub fn is_within(&self, code: &str, ancestor: &str) -> bool {
        self.path(code).any(|entry| entry.code == ancestor)
    }

    /// Returns the code that a label or an alias means.
    ///
    /// Width, case and white space do not matter. A Chinese label goes before an English one, and both before an
    /// alias. Of several entries with the text, the one above all others is meant; without such a one, none is.
    pub fn by_label(&self, text: &str) -> Option<&str> {
        let at = *self.by_label.get(&fold(text))?;
        Some(&self.entries[at].code)
    }

    /// Returns the code that several labels mean which stand one behind the other, what is above first: 山东省青岛市,
    /// 青岛市崂山区. Levels between may be left out; without one that alone is meant, there is none.
    pub fn by_labels(&self, text: &str) -> Option<&str> {
        let text = fold(text);
        if text.chars().count() > LONGEST_LABELS {
            return None;
        }
        let mut found = Vec::new();
        for (end, _) in text.char_indices().skip(1) {
            if let Some(&above) = self.by_label.get(&text[..end]) {
                self.below(above, &text[end..], &mut found);
            }
        }
        let first = *found.first()?;
        found.iter().all(|&at| at == first).then(|| &*self.entries[first].code)
    }

    /// Says which code something that is none was likely meant to be, as the end of a sentence; empty when it is like
    /// none.
    pub fn hint(&self, found: &str) -> String {
        match self.by_label(found) {
            Some(code) => format!("; did you mean \"{code}\"?"),
            None => did_you_mean(found, self.entries.iter().map(|entry| &*entry.code)),
        }
    }

    /// Finds everything that labels may mean below an entry.
    fn below(&self, above: usize, labels: &str, found: &mut Vec<usize>) {
        for &at in &self.children[above] {
            let entry = &self.entries[at];
            for label in std::iter::once(&entry.label.zh).chain(&entry.aliases) {
                match labels.strip_prefix(&fold(label)) {
                    Some("") => found.push(at),
                    Some(rest) => self.below(at, rest, found),
                    None => {}
                }
            }
            self.below(at, labels, found);
        }
    }
}

/// Takes away what does not tell labels apart.
fn fold(label: &str) -> String {
    label.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// What has been read of a file.
#[derive(Default)]
struct Reader {
    has_header: bool,
    entries: Vec<Entry>,
    /// For each entry its line and the code of its parent, which may follow it.
    places: Vec<(usize, String)>,
    by_code: HashMap<String, usize>,
    problems: Vec<VocabularyProblem>,
}

impl Reader {
    fn report(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(VocabularyProblem { line, message: message.into() });
    }

    fn line(&mut self, number: usize, line: &str) {
        if line.trim().is_empty() || line.starts_with('#') {
            return;
        }
        if !self.has_header {
            self.has_header = true;
            if line != HEADER {
                self.report(
                    number,
                    format!("the header must be {HEADER:?}, found {:?}", shortened(line)),
                );
            }
            return;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let &[code, parent, zh, en, aliases] = columns.as_slice() else {
            let found = columns.len();
            self.report(
                number,
                format!("must have 5 columns separated by tabs, found {found} (empty ones count)"),
            );
            return;
        };
        let [code, parent, zh, en] = [code, parent, zh, en].map(str::trim);
        if code.is_empty() || code.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.report(number, format!("code {code:?} must be there and have no spaces"));
            return;
        }
        if zh.is_empty() {
            self.report(number, format!("code \"{code}\": zh must not be empty"));
        }
        if let Some(&first) = self.by_code.get(code) {
            let first = self.places[first].0;
            self.report(number, format!("code \"{code}\" is already on line {first}"));
            return;
        }
        let en = if en.is_empty() { zh } else { en };
        self.by_code.insert(code.to_owned(), self.entries.len());
        self.places.push((number, parent.to_owned()));
        self.entries.push(Entry {
            code: code.to_owned(),
            parent: None,
            label: Label { zh: zh.to_owned(), en: en.to_owned() },
            aliases: aliases
                .split('|')
                .map(str::trim)
                .filter(|alias| !alias.is_empty())
                .map(str::to_owned)
                .collect(),
        });
    }

    fn finish(mut self, name: &str) -> Result<Vocabulary, Vec<VocabularyProblem>> {
        if !self.has_header {
            self.report(1, format!("the header {HEADER:?} is missing"));
        } else if self.entries.is_empty() && self.problems.is_empty() {
            self.report(1, "has no codes");
        }
        self.link();
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| problem.line);
            return Err(self.problems);
        }
        let mut children = vec![Vec::new(); self.entries.len()];
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(parent) = entry.parent {
                children[parent].push(at);
            }
        }
        Ok(Vocabulary {
            name: name.to_owned(),
            by_label: index_labels(&self.entries),
            entries: self.entries,
            by_code: self.by_code,
            children,
        })
    }

    /// Sets the parents, and reports those that are unknown or go round in a circle.
    fn link(&mut self) {
        for (at, (line, parent)) in std::mem::take(&mut self.places).into_iter().enumerate() {
            if parent.is_empty() {
                continue;
            }
            let code = self.entries[at].code.clone();
            let Some(&above) = self.by_code.get(&parent) else {
                let hint = did_you_mean(&parent, self.entries.iter().map(|entry| &*entry.code));
                self.report(
                    line,
                    format!(
                        "code \"{code}\": parent \"{parent}\" is not a code of this file{hint}"
                    ),
                );
                continue;
            };
            // Every link made so far is free of circles, so this walk ends.
            if std::iter::successors(Some(above), |&at| self.entries[at].parent).any(|up| up == at)
            {
                self.report(line, format!("code \"{code}\": parent \"{parent}\" is below it"));
                continue;
            }
            self.entries[at].parent = Some(above);
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Finds the entry that each folded label means.
fn index_labels(entries: &[Entry]) -> HashMap<String, usize> {
    let mut index = HashMap::new();
    let tiers: [fn(&Entry) -> Vec<&str>; 3] = [
        |entry| vec![&entry.label.zh],
        |entry| vec![&entry.label.en],
        |entry| entry.aliases.iter().map(String::as_str).collect(),
    ];
    for texts in tiers {
        let mut tier: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for text in texts(entry) {
                let found = tier.entry(fold(text)).or_default();
                if !found.contains(&at) {
                    found.push(at);
                }
            }
        }
        for (text, found) in tier {
            // A text that is ambiguous in an earlier tier is not decided by a later one.
            index.entry(text).or_insert_with(|| topmost(entries, &found));
        }
    }
    index.into_iter().filter_map(|(text, at)| Some((text, at?))).collect()
}

/// Returns the entry that all others are below.
fn topmost(entries: &[Entry], found: &[usize]) -> Option<usize> {
    found.iter().copied().find(|&top| {
        found.iter().all(|&at| {
            std::iter::successors(Some(at), |&at| entries[at].parent).any(|up| up == top)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<Vocabulary, Vec<VocabularyProblem>> {
        Vocabulary::parse("places", &format!("# source\n{HEADER}\n{lines}"))
    }

    fn places() -> Vocabulary {
        parse(concat!(
            "1101\t11\t市辖区\t\t\n",
            "00\t\t全国\tChina\t全国范围\n",
            "11\t00\t北京市\tBeijing\t北京| 京 |\n",
            "12\t00\t天津市\tTianjin\t天津\n",
            "1201\t12\t市辖区\t\t\n",
            "061\t\t烟煤 开采\tCoal\t\n",
            "0610\t061\t烟煤开采\t\tBEIJING\n",
        ))
        .unwrap()
    }

    #[test]
    fn parents_may_follow_their_children() {
        let places = places();
        let check = |code: &str, expected: &[&str]| {
            let path: Vec<&str> = places.path(code).map(|entry| &*entry.code).collect();
            assert_eq!(path, expected, "{code}");
        };
        check("1101", &["1101", "11", "00"]);
        check("00", &["00"]);
        check("99", &[]);
        assert!(places.is_within("1101", "00"));
        assert!(places.is_within("11", "11"));
        assert!(!places.is_within("11", "12"));
        assert!(!places.is_within("99", "99"));
    }

    #[test]
    fn children_are_in_the_order_of_the_file() {
        let places = places();
        let codes = |found: Vec<&Entry>| {
            found.into_iter().map(|entry| entry.code.clone()).collect::<Vec<_>>()
        };
        assert_eq!(codes(places.children("00").collect()), ["11", "12"]);
        assert_eq!(codes(places.children("0610").collect()), [""; 0]);
        assert_eq!(codes(places.children("99").collect()), [""; 0]);
        assert_eq!(codes(places.roots().collect()), ["00", "061"]);
    }

    #[test]
    fn labels_mean_codes() {
        let places = places();
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(places.by_label(text), expected, "{text}");
        };
        check("北京市", Some("11"));
        check(" 北京 ", Some("11"));
        check("京", Some("11"));
        // The label of 11 goes before the alias of 0610.
        check("ｂeijing", Some("11"));
        // Two districts of one name, neither above the other.
        check("市辖区", None);
        // A class and its only part.
        check("烟煤开采", Some("061"));
        check("", None);
        check("上海", None);
    }

    #[test]
    fn a_missing_english_label_falls_back() {
        assert_eq!(
            places().get("1101").unwrap().label,
            Label { zh: "市辖区".into(), en: "市辖区".into() }
        );
    }

    #[test]
    fn problems_come_all_at_once_with_their_lines() {
        let check = |lines: &str, expected: &[(usize, &str)]| {
            let problems = parse(lines).unwrap_err();
            let found: Vec<(usize, &str)> =
                problems.iter().map(|problem| (problem.line, &*problem.message)).collect();
            assert_eq!(found, expected, "{lines:?}");
        };
        check(
            "a\t\tA\t\n\nb\tc2\tB\t\t\nc1\t\tC\t\t\nc1\t\tC\t\t\nd\t\t\t\t\n\t\tE\t\t\nf 1\t\tF\t\t\n",
            &[
                (3, "must have 5 columns separated by tabs, found 4 (empty ones count)"),
                (5, "code \"b\": parent \"c2\" is not a code of this file; did you mean \"c1\"?"),
                (7, "code \"c1\" is already on line 6"),
                (8, "code \"d\": zh must not be empty"),
                (9, "code \"\" must be there and have no spaces"),
                (10, "code \"f 1\" must be there and have no spaces"),
            ],
        );
        check("a\ta\tA\t\t\n", &[(3, "code \"a\": parent \"a\" is below it")]);
        check("a\tb\tA\t\t\nb\ta\tB\t\t\n", &[(4, "code \"b\": parent \"a\" is below it")]);
        check("", &[(1, "has no codes")]);
    }

    #[test]
    fn the_header_is_exact() {
        let check = |text: &str, expected: &str| {
            let problems = Vocabulary::parse("x", text).unwrap_err();
            assert_eq!(problems[0].message, expected);
        };
        check("# only a comment\n", "the header \"code\\tparent\\tzh\\ten\\taliases\" is missing");
        check(
            "code\tzh\na\t\tA\t\t\n",
            "the header must be \"code\\tparent\\tzh\\ten\\taliases\", found \"code\\tzh\"",
        );
    }

    #[test]
    fn files_from_other_systems_are_read() {
        let text = format!("\u{feff}{HEADER}\r\na\t\tA\t\tx|y\r\n\r\n");
        let vocabulary = Vocabulary::parse("x", &text).unwrap();
        assert_eq!(vocabulary.get("a").unwrap().aliases, ["x", "y"]);
    }
}
