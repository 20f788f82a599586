//! A record as standing queries look at it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::engine::document::IndexRecord;
use crate::query::TokenField;
use crate::query::like::presence;
use crate::record::validate::ColumnValue;
use crate::record::{Catalog, RecordId};
use crate::text::code_key;

type Quick = BuildHasherDefault<Hashed>;

/// The tokens and values of one record, ready to be asked for.
pub struct Item {
    id: RecordId,
    /// With the presence of each in its field; 1 for values.
    tokens: HashMap<u64, f32, Quick>,
    /// Presence in the title, by the token of the same text in the whole record.
    titles: HashMap<u64, f32, Quick>,
    /// Where the tokens stand of which phrases are made.
    positions: HashMap<u64, Vec<usize>, Quick>,
    values: Vec<(Arc<str>, ColumnValue)>,
}

impl Item {
    pub fn new(record: &IndexRecord, catalog: &Catalog) -> Self {
        let mut tokens: HashMap<u64, f32, Quick> = HashMap::default();
        let mut titles: HashMap<u64, f32, Quick> = HashMap::default();
        let mut positions: HashMap<u64, Vec<usize>, Quick> = HashMap::default();
        for (field, text) in &record.tokens {
            let of_title = match field {
                TokenField::TitleWords => Some(TokenField::Words),
                TokenField::TitleGrams => Some(TokenField::Grams),
                TokenField::TitleChars => Some(TokenField::Chars),
                _ => None,
            };
            if let Some(whole) = of_title {
                let mut counts: HashMap<u64, u32, Quick> = HashMap::default();
                for token in text.split(' ').filter(|token| !token.is_empty()) {
                    *counts.entry(text_token(whole, token)).or_default() += 1;
                }
                let length = counts.values().sum();
                titles.extend(counts.into_iter().map(|(token, n)| (token, presence(n, length))));
            }
            let placed = matches!(field, TokenField::Chars | TokenField::TitleChars);
            let mut counts: HashMap<u64, u32, Quick> = HashMap::default();
            for (position, token) in text.split(' ').enumerate() {
                if token.is_empty() {
                    continue;
                }
                let token = text_token(*field, token);
                *counts.entry(token).or_default() += 1;
                if placed {
                    positions.entry(token).or_default().push(position);
                }
            }
            let length = counts.values().sum();
            tokens.extend(counts.into_iter().map(|(token, n)| (token, presence(n, length))));
        }
        let mut note = |token: u64| {
            tokens.insert(token, 1.0);
        };
        note(value_token("kind", &record.id.kind));
        for (path, value) in &record.values {
            match value {
                ColumnValue::Term(text) => note(value_token(path, text)),
                ColumnValue::Bool(flag) => note(value_token(path, &flag.to_string())),
                ColumnValue::Tree(code) => {
                    let vocabulary =
                        catalog.column(path).and_then(|column| column.vocabulary.as_ref());
                    for entry in vocabulary.iter().flat_map(|vocabulary| vocabulary.path(code)) {
                        note(below_token(path, &entry.code));
                    }
                    note(value_token(path, code));
                }
                ColumnValue::Code(code) => {
                    note(code_token(path, &code_key(code)));
                    note(value_token(path, code));
                }
                ColumnValue::Integer(_) | ColumnValue::Decimal(_) | ColumnValue::Date(_) => {}
            }
        }
        Self { id: record.id.clone(), tokens, titles, positions, values: record.values.clone() }
    }

    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// Tells whether the column at `path` holds the date `day`, in days since 1970-01-01.
    pub fn has_date(&self, path: &str, day: i32) -> bool {
        self.values(path).any(|value| *value == ColumnValue::Date(day))
    }

    /// The dates of the column at `path`, in days since 1970-01-01.
    pub fn dates(&self, path: &str) -> impl Iterator<Item = i32> {
        self.values(path).filter_map(|value| match value {
            ColumnValue::Date(day) => Some(*day),
            _ => None,
        })
    }

    /// Tokens, and the presence of each.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (u64, f32)> {
        self.tokens.iter().map(|(token, presence)| (*token, *presence))
    }

    /// The presence in the title of a token of the whole record.
    pub(super) fn in_title(&self, token: u64) -> f32 {
        self.titles.get(&token).copied().unwrap_or(0.0)
    }

    pub(super) fn positions(&self, token: u64) -> &[usize] {
        self.positions.get(&token).map_or(&[], Vec::as_slice)
    }

    /// The values at a path.
    pub(super) fn values(&self, path: &str) -> impl Iterator<Item = &ColumnValue> {
        self.values.iter().filter(move |(other, _)| &**other == path).map(|(_, value)| value)
    }
}

/// A token of text, as a number. Two tokens share one with negligible probability.
pub(super) fn text_token(field: TokenField, token: &str) -> u64 {
    hash((0u8, field, token))
}

/// A value of a column with few of them.
pub(super) fn value_token(path: &str, value: &str) -> u64 {
    hash((1u8, path, value))
}

/// A code as [`code_key`] has it.
pub(super) fn code_token(path: &str, key: &str) -> u64 {
    hash((3u8, path, key))
}

/// A code that a value of a tree is, or is below.
pub(super) fn below_token(path: &str, code: &str) -> u64 {
    hash((2u8, path, code))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Tokens are hashes already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, token: u64) {
        self.0 = token;
    }
}
