//! A record made ready for any engine: tokens by field, and typed values.

use std::sync::Arc;

use crate::query::TokenField;
use crate::record::validate::ColumnValue;
use crate::record::{Record, RecordId, RecordKind, Revision, Role, State};
use crate::text::{Analyzer, Units, code_key, code_parts, codes_in};

/// Everything an engine indexes of one record.
#[derive(Clone, Debug)]
pub struct IndexRecord {
    pub id: RecordId,
    pub revision: Revision,
    /// Tokens separated by one space; two spaces are a position gap.
    pub tokens: Vec<(TokenField, String)>,
    pub values: Vec<(Arc<str>, ColumnValue)>,
    /// Days since 1970-01-01 of publication, else of creation.
    pub newest: i32,
}

/// Analyzes a record; `None` when it must not be found.
pub fn index_record(
    kind: &RecordKind,
    record: &Record,
    analyzer: &Analyzer,
) -> Option<IndexRecord> {
    if record.state != State::Published {
        return None;
    }
    let mut codes = String::new();
    let (mut text, mut title, mut keywords) =
        (Units::default(), Units::default(), Units::default());
    for (role, value) in kind.texts(&record.fields) {
        analyzer.analyze(value, &mut text);
        match role {
            Role::Title => {
                analyzer.analyze(value, &mut title);
                // A number alone may be anything.
                let is_told = |key: &String| key.contains(|c: char| c.is_ascii_lowercase());
                for key in codes_in(value).flat_map(code_parts).filter(is_told) {
                    push_token(&mut codes, &key);
                }
            }
            Role::Keywords => analyzer.analyze(value, &mut keywords),
            Role::Summary | Role::Body => {}
        }
    }
    let mut values = kind.values(&record.fields);
    for (_, value) in &values {
        if let ColumnValue::Code(code) = value {
            push_code(&mut codes, code);
        }
    }
    push_code(&mut codes, &record.id);
    values.shrink_to_fit();
    let newest = record
        .fields
        .get("published_on")
        .and_then(|date| date.as_str())
        .or_else(|| record.created_at.get(..10))
        .and_then(crate::record::validate::days)
        .unwrap_or_default();
    Some(IndexRecord {
        id: record.record_id(),
        revision: record.revision,
        tokens: vec![
            (TokenField::Words, text.words),
            (TokenField::Grams, text.grams),
            (TokenField::Chars, text.chars),
            (TokenField::TitleWords, title.words),
            (TokenField::TitleGrams, title.grams),
            (TokenField::TitleChars, title.chars),
            (TokenField::KeywordWords, keywords.words),
            (TokenField::Code, codes),
        ],
        values,
        newest,
    })
}

fn push_code(tokens: &mut String, code: &str) {
    for token in std::iter::once(code_key(code)).chain(code_parts(code)) {
        push_token(tokens, &token);
    }
}

fn push_token(tokens: &mut String, token: &str) {
    if !token.is_empty() {
        tokens.push_str(token);
        tokens.push(' ');
    }
}
