//! A document of a hit: which of its members are given, and how its texts are marked and cropped.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use crate::presentation::snippet::{Highlighter, fragments};
use crate::record::{Fields, Record};
use crate::text::is_han;

/// How documents are to look.
#[derive(Debug)]
pub struct Look {
    /// Paths; `None` or `*`: every one.
    pub retrieved: Option<Vec<String>>,
    /// Paths whose matches are marked; `*`: all that are retrieved.
    pub highlighted: Vec<String>,
    pub pre_tag: String,
    pub post_tag: String,
    pub crops: Vec<Crop>,
    pub crop_marker: String,
    pub shows_positions: bool,
}

/// Texts that are cropped to about so many words.
#[derive(Debug)]
pub struct Crop {
    /// `*`: all that are retrieved.
    pub path: String,
    pub words: usize,
}

/// Where something that was looked for stands, in bytes of the text.
#[derive(Debug, PartialEq, Serialize)]
struct Position {
    start: usize,
    length: usize,
    /// Places in the arrays that the text is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    indices: Vec<usize>,
}

/// The document of a record: its kind, its id and its fields.
pub fn document(record: Record) -> Fields {
    let mut document = Fields::new();
    document.insert("id".into(), Value::from(&*record.id));
    document.insert("kind".into(), Value::from(&*record.kind));
    document.extend(record.fields);
    document
}

/// Keeps the members that `paths` name; `None` or `*` names all. A name that no document has names nothing.
pub fn retrieve(document: &Fields, paths: Option<&[String]>) -> Fields {
    match paths {
        None => document.clone(),
        Some(paths) if paths.iter().any(|path| path == "*") => document.clone(),
        Some(paths) => {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            members(document, &paths)
        }
    }
}

fn members(object: &Fields, paths: &[&str]) -> Fields {
    let mut kept = Fields::new();
    for (name, value) in object {
        if paths.contains(&name.as_str()) {
            kept.insert(name.clone(), value.clone());
            continue;
        }
        let below = |path: &&str| path.strip_prefix(name.as_str())?.strip_prefix('.').map(|_| ());
        let inner: Vec<&str> = paths
            .iter()
            .copied()
            .filter(|path| below(path).is_some())
            .map(|path| &path[name.len() + 1..])
            .collect();
        if !inner.is_empty() {
            kept.extend(below_of(value, &inner).map(|value| (name.clone(), value)));
        }
    }
    kept
}

fn below_of(value: &Value, paths: &[&str]) -> Option<Value> {
    match value {
        Value::Object(object) => {
            Some(members(object, paths)).filter(|kept| !kept.is_empty()).map(Value::Object)
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(|item| below_of(item, paths)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

impl Look {
    /// Makes a hit of a document.
    pub fn hit(&self, document: &Fields, highlighter: &Highlighter) -> Fields {
        let mut hit = retrieve(document, self.retrieved.as_deref());
        let formatted = (!self.highlighted.is_empty() || !self.crops.is_empty())
            .then(|| self.formatted(document, &hit, highlighter));
        let positions = self.shows_positions.then(|| positions(&hit, highlighter));
        hit.extend(formatted.map(|formatted| ("_formatted".to_owned(), formatted.into())));
        hit.extend(positions.map(|positions| ("_matchesPosition".to_owned(), positions)));
        hit
    }

    /// The retrieved members, and those that are to be marked or cropped, with every number as text.
    fn formatted(&self, document: &Fields, hit: &Fields, highlighter: &Highlighter) -> Fields {
        let mut formatted = hit.clone();
        let named = self.highlighted.iter().chain(self.crops.iter().map(|crop| &crop.path));
        let named: Vec<&str> = named.map(String::as_str).filter(|path| *path != "*").collect();
        for (name, value) in members(document, &named) {
            formatted.entry(name).or_insert(value);
        }
        for (name, value) in &mut formatted {
            let is_retrieved = hit.contains_key(name);
            self.format(value, &mut name.clone(), is_retrieved, highlighter);
        }
        formatted
    }

    fn format(
        &self,
        value: &mut Value,
        path: &mut String,
        is_retrieved: bool,
        highlighter: &Highlighter,
    ) {
        match value {
            Value::String(text) => *text = self.text(text, path, is_retrieved, highlighter),
            Value::Number(number) => {
                let text = number.to_string();
                *value = Value::String(self.text(&text, path, is_retrieved, highlighter));
            }
            Value::Array(items) => {
                for item in items {
                    self.format(item, path, is_retrieved, highlighter);
                }
            }
            Value::Object(object) => {
                for (name, value) in object {
                    let length = path.len();
                    path.push('.');
                    path.push_str(name);
                    self.format(value, path, is_retrieved, highlighter);
                    path.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(
        &self,
        text: &str,
        path: &str,
        is_retrieved: bool,
        highlighter: &Highlighter,
    ) -> String {
        let names = |name: &str| names(name, path) || (name == "*" && is_retrieved);
        let marks = match self.highlighted.iter().any(|name| names(name)) {
            true => highlighter.mark(text),
            false => Vec::new(),
        };
        let window = match self.crops.iter().find(|crop| names(&crop.path)) {
            None => 0..text.len(),
            Some(crop) => window(text, crop.words, highlighter),
        };
        let mut shown = String::with_capacity(window.len() + 32);
        if window.start > 0 {
            shown.push_str(&self.crop_marker);
        }
        for fragment in fragments(text, window.clone(), &marks) {
            if fragment.hit {
                shown.extend([&self.pre_tag, &fragment.text, &self.post_tag].map(String::as_str));
            } else {
                shown.push_str(&fragment.text);
            }
        }
        if window.end < text.len() {
            shown.push_str(&self.crop_marker);
        }
        shown
    }
}

/// Tells whether a name stands for the value at `path`: for itself, and for what is below it.
fn names(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The part of a text to show, of about so many of its words: around what was looked for, else its beginning.
fn window(text: &str, words: usize, highlighter: &Highlighter) -> Range<usize> {
    let chars = length_of_words(text, words);
    highlighter.excerpt(text, chars).unwrap_or_else(|| {
        let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
        0..end
    })
}

/// How many characters so many words of a text are: two 汉字 are a word, and so is a run of other letters and digits.
fn length_of_words(text: &str, words: usize) -> usize {
    let (mut han, mut runs, mut chars) = (0_usize, 0_usize, 0_usize);
    let mut in_run = false;
    for ch in text.chars() {
        chars += 1;
        let letter = ch.is_alphanumeric() && !is_han(ch);
        han += usize::from(is_han(ch));
        runs += usize::from(letter && !in_run);
        in_run = letter;
    }
    let all = (han.div_ceil(2) + runs).max(1);
    chars.saturating_mul(words).div_ceil(all).max(words.min(1))
}

fn positions(hit: &Fields, highlighter: &Highlighter) -> Value {
    let mut found: BTreeMap<String, Vec<Position>> = BTreeMap::new();
    for (name, value) in hit {
        collect(value, &mut name.clone(), &mut Vec::new(), highlighter, &mut found);
    }
    serde_json::to_value(found).expect("positions have only string keys")
}

fn collect(
    value: &Value,
    path: &mut String,
    indices: &mut Vec<usize>,
    highlighter: &Highlighter,
    found: &mut BTreeMap<String, Vec<Position>>,
) {
    match value {
        Value::String(text) => {
            for range in highlighter.mark(text) {
                found.entry(path.clone()).or_default().push(Position {
                    start: range.start,
                    length: range.len(),
                    indices: indices.clone(),
                });
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                indices.push(at);
                collect(item, path, indices, highlighter, found);
                indices.pop();
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                let length = path.len();
                path.push('.');
                path.push_str(name);
                collect(value, path, indices, highlighter, found);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::test_analyzer;

    fn look() -> Look {
        Look {
            retrieved: None,
            highlighted: Vec::new(),
            pre_tag: "<em>".into(),
            post_tag: "</em>".into(),
            crops: Vec::new(),
            crop_marker: "…".into(),
            shows_positions: false,
        }
    }

    fn check(look: &Look, expected: Value) {
        let Value::Object(document) = json!({
            "id": "a-1", "title": "海水膜", "price": 5, "open": true,
            "people": [{ "name": "王膜", "phone": "1" }, { "name": "李", "phone": "2" }],
            "body": "反渗透元件的寿命。海水膜材料的国产替代。成本与能耗。",
        }) else {
            panic!("an object")
        };
        let highlighter = Highlighter::new(test_analyzer(), ["膜".to_owned()]);
        assert_eq!(Value::Object(look.hit(&document, &highlighter)), expected);
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn gives_what_is_named() {
        let retrieved = |paths: &[&str]| Look { retrieved: Some(names(paths)), ..look() };
        check(&retrieved(&["title", "nothing"]), json!({ "title": "海水膜" }));
        check(&retrieved(&[]), json!({}));
        check(
            &retrieved(&["people.name", "open.x"]),
            json!({ "people": [{ "name": "王膜" }, { "name": "李" }] }),
        );
    }

    #[test]
    fn marks_and_crops_what_is_named() {
        let cropped = Look {
            retrieved: Some(names(&["id", "price"])),
            highlighted: names(&["title", "people.name"]),
            crops: vec![Crop { path: "body".into(), words: 6 }],
            ..look()
        };
        check(
            &cropped,
            json!({
                "id": "a-1", "price": 5,
                "_formatted": {
                    "id": "a-1", "price": "5", "title": "海水<em>膜</em>",
                    "people": [{ "name": "王<em>膜</em>" }, { "name": "李" }],
                    "body": "…海水膜材料的国产替代。…",
                },
            }),
        );
        let all = Look {
            retrieved: Some(names(&["title", "open"])),
            highlighted: names(&["*"]),
            ..look()
        };
        check(
            &all,
            json!({
                "title": "海水膜", "open": true,
                "_formatted": { "title": "海水<em>膜</em>", "open": true },
            }),
        );
    }

    #[test]
    fn tells_bytes_and_places() {
        let positions =
            Look { retrieved: Some(names(&["title", "people"])), shows_positions: true, ..look() };
        check(
            &positions,
            json!({
                "title": "海水膜",
                "people": [{ "name": "王膜", "phone": "1" }, { "name": "李", "phone": "2" }],
                "_matchesPosition": {
                    "title": [{ "start": 6, "length": 3 }],
                    "people.name": [{ "start": 3, "length": 3, "indices": [0] }],
                },
            }),
        );
    }

    #[test]
    fn words_are_as_long_as_the_text_makes_them() {
        assert_eq!(length_of_words("海水淡化工程", 2), 4);
        assert_eq!(length_of_words("reverse osmosis membrane", 2), 16);
        assert_eq!(length_of_words("", 10), 1);
        assert_eq!(length_of_words("膜", 0), 0);
    }
}
