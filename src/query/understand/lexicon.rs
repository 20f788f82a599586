//! The words that mean something beside themselves: synonyms, places, terms of vocabularies, kinds, stop words.
//!
//! All of them are looked up in one pass over the normalized query.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use aho_corasick::AhoCorasick;

use crate::record::understanding::RegionRule;
use crate::record::{Catalog, Vocabulary};
use crate::text::{Analyzer, DictionaryError, DictionaryFile, is_bounded};

/// The files of synonyms, and what a form stands for its group when the line does not say.
pub const FILES: [(&str, f32); 3] =
    [("abbreviations.txt", 0.9), ("organizations.txt", 0.9), ("synonyms.txt", 0.7)];
pub const STOP_WORDS: &str = "stop_words.txt";

/// Longest form, in characters.
const MAX_FORM: usize = 40;
/// Most forms of one line.
const MAX_FORMS: usize = 16;
/// What the names of one place stand for each other.
const PLACE_WEIGHT: f32 = 0.7;

/// Another way to say a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// Normalized.
    pub text: String,
    /// As the dictionary spells it.
    pub shown: String,
    /// What a match of it counts, a match of the form itself being 1.
    pub weight: f32,
}

/// What a form means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning {
    pub alternatives: Vec<Alternative>,
    /// A code of the region rule's vocabulary.
    pub region: Option<String>,
    /// Places among the term rules, and codes of their vocabularies.
    pub terms: Vec<(usize, String)>,
    /// Place among the kind rules.
    pub kind: Option<usize>,
    /// Says nothing that a record must hold.
    pub is_stop: bool,
}

/// The forms of one set of dictionary files and one catalog. Immutable; a change makes a new one.
#[derive(Debug)]
pub struct Lexicon {
    /// Nothing without forms.
    automaton: Option<AhoCorasick>,
    /// In the order of the automaton's patterns.
    meanings: Vec<Meaning>,
    /// Lines of the dictionary files that say something.
    pub num_entries: usize,
}

impl Lexicon {
    /// Reads the dictionary files from a folder, or those built into the program, and adds what `catalog` declares.
    ///
    /// The first malformed line refuses all files, and the error names it.
    pub fn open(
        folder: Option<&Path>,
        analyzer: &Analyzer,
        catalog: &Catalog,
    ) -> Result<Self, DictionaryError> {
        let mut builder = Builder { analyzer, forms: HashMap::new() };
        let mut num_entries = 0;
        for (name, weight) in FILES {
            let file = DictionaryFile::read(folder, name)?;
            for (line, text) in file.lines() {
                builder.group(&file, line, text, weight)?;
                num_entries += 1;
            }
        }
        let file = DictionaryFile::read(folder, STOP_WORDS)?;
        for (line, word) in file.lines() {
            let form = analyzer.normalize(word).text;
            if form.is_empty() || form.chars().count() > MAX_FORM {
                return Err(file.malformed(line, "one word of up to 40 characters", word));
            }
            builder.forms.entry(form).or_default().is_stop = true;
            num_entries += 1;
        }
        builder.declared(catalog);
        Ok(builder.build(num_entries))
    }

    /// Finds the forms in normalized text, overlapping ones too.
    ///
    /// A form without 汉字 at its ends is found only where neither a letter nor a digit continues it.
    pub fn find(&self, normalized: &str) -> Vec<(Range<usize>, &Meaning)> {
        let found = self.automaton.iter().flat_map(|all| all.find_overlapping_iter(normalized));
        found
            .map(|found| (found.range(), &self.meanings[found.pattern().as_usize()]))
            .filter(|(range, _)| is_bounded(normalized, range))
            .collect()
    }
}

/// A form of a dictionary's line.
#[derive(Clone)]
struct Form {
    /// Normalized.
    text: String,
    /// As it is spelled there.
    shown: String,
}

struct Builder<'a> {
    analyzer: &'a Analyzer,
    forms: HashMap<String, Meaning>,
}

impl Builder<'_> {
    /// Reads `a, b, c` (each stands for the others) or `a, b => c` (a and b also find c), then perhaps a tab and a
    /// weight.
    fn group(
        &mut self,
        file: &DictionaryFile,
        line: usize,
        text: &str,
        weight: f32,
    ) -> Result<(), DictionaryError> {
        let (forms, weight) = match text.split_once('\t') {
            None => (text, weight),
            Some((forms, weight)) => match weight.trim().parse() {
                Ok(weight) if weight > 0.0 && weight <= 1.0 => (forms, weight),
                _ => return Err(file.malformed(line, "a weight above 0 and up to 1", weight)),
            },
        };
        let read = |side: &str| -> Result<Vec<Form>, DictionaryError> {
            side.split([',', '，']).map(|form| self.form(file, line, form)).collect()
        };
        let (left, right) = match forms.split_once("=>") {
            Some((left, right)) => (read(left)?, Some(read(right)?)),
            None => (read(forms)?, None),
        };
        let mut all: Vec<&String> =
            left.iter().chain(right.iter().flatten()).map(|form| &form.text).collect();
        if all.len() < 2 || all.len() > MAX_FORMS {
            return Err(file.malformed(line, "2 to 16 forms parted by commas", text));
        }
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(file.malformed(line, "forms that differ after normalization", pair[0]));
        }
        for form in &left {
            for other in right.as_ref().unwrap_or(&left) {
                self.add_alternative(&form.text, other, weight);
            }
        }
        Ok(())
    }

    fn form(
        &self,
        file: &DictionaryFile,
        line: usize,
        text: &str,
    ) -> Result<Form, DictionaryError> {
        let form = self.analyzer.normalize(text).text;
        let letters = form.chars().filter(|c| c.is_alphanumeric()).count();
        if letters < 2 || form.chars().count() > MAX_FORM {
            return Err(file.malformed(line, "a form of 2 to 40 characters", text.trim()));
        }
        Ok(Form { text: form, shown: text.trim().to_owned() })
    }

    fn add_alternative(&mut self, form: &str, other: &Form, weight: f32) {
        // Who looks for a part finds the whole anyway.
        if other.text.contains(form) {
            return;
        }
        let meaning = self.forms.entry(form.to_owned()).or_default();
        match meaning.alternatives.iter_mut().find(|known| known.text == other.text) {
            Some(known) => known.weight = known.weight.max(weight),
            None => {
                let Form { text, shown } = other.clone();
                meaning.alternatives.push(Alternative { text, shown, weight });
            }
        }
    }

    /// Adds what the catalog declares.
    fn declared(&mut self, catalog: &Catalog) {
        let rules = &catalog.understanding;
        if let Some(region) = &rules.region {
            self.places(region);
        }
        for (at, rule) in rules.terms.iter().enumerate() {
            for entry in &rule.vocabulary.entries {
                for name in std::iter::once(&entry.label.zh).chain(&entry.aliases) {
                    let form = self.analyzer.normalize(name).text;
                    if form.chars().count() > 1 {
                        // Spellings of one name may come down to the same form.
                        let terms = &mut self.forms.entry(form).or_default().terms;
                        let term = (at, entry.code.clone());
                        if !terms.contains(&term) {
                            terms.push(term);
                        }
                    }
                }
            }
        }
        for (at, rule) in rules.kinds.iter().enumerate() {
            for word in &rule.words {
                let form = self.analyzer.normalize(word).text;
                self.forms.entry(form).or_default().kind = Some(at);
            }
        }
    }

    /// Adds the names of places. Of places that share a name the one at home is meant, else none.
    fn places(&mut self, rule: &RegionRule) {
        let vocabulary: &Vocabulary = &rule.vocabulary;
        let mut named: HashMap<String, Vec<(&str, bool)>> = HashMap::new();
        for entry in &vocabulary.entries {
            let is_home = vocabulary.is_within(&entry.code, &rule.home);
            // Provinces and cities; districts are called by short names at home alone.
            let is_known = is_home || vocabulary.path(&entry.code).count() <= 3;
            let label = entry.label.zh.split('（').next().unwrap_or_default();
            let aliases = entry.aliases.iter().map(String::as_str).filter(|_| is_known);
            let mut names: Vec<Form> = std::iter::once(label)
                .chain(aliases)
                .map(|name| Form {
                    text: self.analyzer.normalize(name).text,
                    shown: name.to_owned(),
                })
                .filter(|name| name.text.chars().count() > 1)
                .collect();
            names.sort_unstable_by(|a, b| a.text.cmp(&b.text));
            names.dedup_by(|a, b| a.text == b.text);
            for name in &names {
                named.entry(name.text.clone()).or_default().push((&entry.code, is_home));
                if is_home {
                    for other in names.iter().filter(|other| other.text != name.text) {
                        self.add_alternative(&name.text, other, PLACE_WEIGHT);
                    }
                }
            }
        }
        for (name, places) in named {
            let home: Vec<&str> =
                places.iter().filter(|(_, is_home)| *is_home).map(|(code, _)| *code).collect();
            let code = match (home.as_slice(), places.as_slice()) {
                ([one], _) | ([], [(one, _)]) => *one,
                _ => continue,
            };
            self.forms.entry(name).or_default().region = Some(code.to_owned());
        }
    }

    fn build(self, num_entries: usize) -> Lexicon {
        let mut forms: Vec<(String, Meaning)> = self.forms.into_iter().collect();
        forms.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (forms, meanings): (Vec<String>, Vec<Meaning>) = forms.into_iter().unzip();
        let automaton = (!forms.is_empty()).then(|| {
            AhoCorasick::new(&forms).expect("some ten thousand short forms fit an automaton")
        });
        Lexicon { automaton, meanings, num_entries }
    }
}
