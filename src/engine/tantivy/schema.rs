//! The fields of the tantivy index, made from the catalog's columns.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

use crate::query::TokenField;
use crate::record::{Catalog, FieldType};
use crate::text::code_key;

/// Token fields in the order of their index fields.
const TOKEN_FIELDS: [(TokenField, &str, IndexRecordOption); 8] = [
    (TokenField::Words, "words", IndexRecordOption::WithFreqs),
    (TokenField::Grams, "grams", IndexRecordOption::WithFreqs),
    (TokenField::Chars, "chars", IndexRecordOption::WithFreqsAndPositions),
    (TokenField::TitleWords, "title_words", IndexRecordOption::WithFreqs),
    (TokenField::TitleGrams, "title_grams", IndexRecordOption::WithFreqs),
    (TokenField::TitleChars, "title_chars", IndexRecordOption::WithFreqsAndPositions),
    (TokenField::KeywordWords, "keyword_words", IndexRecordOption::WithFreqs),
    (TokenField::Code, "code", IndexRecordOption::WithFreqs),
];

/// Names of the columns that every record has.
pub const KEY: &str = "_key";
pub const KIND: &str = "kind";
pub const REVISION: &str = "_revision";
pub const NEWEST: &str = "_newest";

/// How a column's values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Ordinals of strings.
    Text,
    /// Text, and beside it every value with all that is above it.
    Tree,
    Integer,
    Decimal,
}

#[derive(Clone, Debug)]
pub struct ColumnFields {
    pub column_type: ColumnType,
    pub field: Field,
    /// Name of the fast field.
    pub name: String,
    /// `Tree` only: the field with the ancestors, and the name of its fast field.
    pub above: Option<(Field, String)>,
    /// Compared in canonical form.
    pub is_code: bool,
    pub deadline: bool,
}

/// The schema and where everything is in it.
#[derive(Debug)]
pub struct IndexSchema {
    pub schema: Schema,
    pub key: Field,
    pub kind: Field,
    pub revision: Field,
    pub newest: Field,
    tokens: [Field; 8],
    pub columns: HashMap<Arc<str>, ColumnFields>,
}

impl IndexSchema {
    pub fn new(catalog: &Catalog) -> Self {
        let mut builder = Schema::builder();
        let tokens = TOKEN_FIELDS.map(|(_, name, option)| {
            let indexing =
                TextFieldIndexing::default().set_tokenizer(TOKENS).set_index_option(option);
            builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        });
        let key = builder.add_text_field(KEY, text(RAW));
        let kind = builder.add_text_field(KIND, text(RAW));
        let revision = builder.add_u64_field(REVISION, FAST);
        let newest = builder.add_i64_field(NEWEST, FAST);
        let number = || NumericOptions::from(FAST | INDEXED);
        let mut columns = HashMap::new();
        for column in catalog.columns.values() {
            if &*column.path == KIND {
                continue;
            }
            // A dot would be read as a path into a JSON field.
            let name = format!("c_{}", column.path.replace('.', "-"));
            let (column_type, field) = match column.field_type {
                FieldType::Term | FieldType::Bool => {
                    (ColumnType::Text, builder.add_text_field(&name, text(RAW)))
                }
                FieldType::Code => (ColumnType::Text, builder.add_text_field(&name, text(CODE))),
                FieldType::Tree => (ColumnType::Tree, builder.add_text_field(&name, text(RAW))),
                FieldType::Date | FieldType::Integer | FieldType::Money => {
                    (ColumnType::Integer, builder.add_i64_field(&name, number()))
                }
                FieldType::Decimal => (ColumnType::Decimal, builder.add_f64_field(&name, number())),
                FieldType::Text
                | FieldType::Quantity
                | FieldType::Geo
                | FieldType::Url
                | FieldType::File
                | FieldType::Object => continue,
            };
            let above = (column_type == ColumnType::Tree).then(|| {
                let name = format!("a_{}", column.path.replace('.', "-"));
                (builder.add_text_field(&name, text(RAW)), name)
            });
            columns.insert(
                column.path.clone(),
                ColumnFields {
                    column_type,
                    field,
                    name,
                    above,
                    is_code: column.field_type == FieldType::Code,
                    deadline: column.deadline,
                },
            );
        }
        columns.insert(
            KIND.into(),
            ColumnFields {
                column_type: ColumnType::Text,
                field: kind,
                name: KIND.into(),
                above: None,
                is_code: false,
                deadline: false,
            },
        );
        Self { schema: builder.build(), key, kind, revision, newest, tokens, columns }
    }

    pub fn token_field(&self, wanted: TokenField) -> Field {
        let at = TOKEN_FIELDS.iter().position(|(field, ..)| *field == wanted);
        self.tokens[at.expect("every token field is listed")]
    }
}

const TOKENS: &str = "tokens";
const RAW: &str = "raw";
const CODE: &str = "code";

fn text(tokenizer: &str) -> TextOptions {
    TextOptions::default().set_fast(RAW).set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    )
}

/// The tokenizers that the schema names.
pub fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(TOKENS, TextAnalyzer::from(Spaces));
    manager.register(CODE, TextAnalyzer::from(CanonicalCode));
    manager
}

/// Takes text that is already analyzed: tokens between spaces, an empty token is a position gap.
#[derive(Clone)]
struct Spaces;

struct SpacesStream<'a> {
    text: &'a str,
    at: usize,
    next_position: usize,
    token: Token,
}

impl Tokenizer for Spaces {
    type TokenStream<'a> = SpacesStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SpacesStream<'a> {
        SpacesStream { text, at: 0, next_position: 0, token: Token::default() }
    }
}

impl TokenStream for SpacesStream<'_> {
    fn advance(&mut self) -> bool {
        while self.at < self.text.len() {
            let start = self.at;
            let rest = &self.text.as_bytes()[start..];
            let length = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
            self.at += length + 1;
            let position = self.next_position;
            self.next_position += 1;
            if length > 0 {
                self.token.text.clear();
                self.token.text.push_str(&self.text[start..start + length]);
                self.token.position = position;
                self.token.offset_from = start;
                self.token.offset_to = start + length;
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// One token: the code in its canonical form, so that any spelling finds it.
#[derive(Clone)]
struct CanonicalCode;

struct CanonicalCodeStream {
    token: Token,
    done: bool,
}

impl Tokenizer for CanonicalCode {
    type TokenStream<'a> = CanonicalCodeStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> CanonicalCodeStream {
        let token = Token {
            text: code_key(text),
            position: 0,
            offset_from: 0,
            offset_to: text.len(),
            position_length: 1,
        };
        CanonicalCodeStream { token, done: false }
    }
}

impl TokenStream for CanonicalCodeStream {
    fn advance(&mut self) -> bool {
        !std::mem::replace(&mut self.done, true)
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
