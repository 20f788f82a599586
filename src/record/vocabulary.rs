//! Controlled vocabularies: codes with labels, optionally in a tree.

use std::collections::HashMap;

use super::kind::Label;

/// A list of codes, in the order of its file.
#[derive(Debug)]
pub struct Vocabulary {
    pub name: String,
    pub entries: Vec<Entry>,
    by_code: HashMap<String, usize>,
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

impl Vocabulary {
    pub fn get(&self, code: &str) -> Option<&Entry> {
        self.by_code.get(code).map(|&at| &self.entries[at])
    }

    /// Returns the code itself and everything above it, nearest first; empty for an unknown code.
    pub fn path<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Entry> {
        let mut next = self.by_code.get(code).copied();
        std::iter::from_fn(move || {
            let entry = &self.entries[next?];
            next = entry.parent;
            Some(entry)
        })
    }
}
