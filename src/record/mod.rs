//! What is stored: records, their identity and their changes. No I/O.

pub mod attribute;
pub mod kind;
pub mod kind_toml;
pub mod lang;
pub mod nearest;
pub mod schema;
pub mod understanding;
pub mod validate;
pub mod value;
pub mod vocabulary;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use kind::{Catalog, Field, FieldType, RecordKind, Role, Suggested, Visibility};
pub use lang::Lang;
pub use vocabulary::Vocabulary;

/// Source of the records that come with the program.
pub const SAMPLE_SOURCE: &str = "sample-corpus";

/// The fields of one record, as the API shows them: a flat JSON object without the `_` members.
pub type Fields = Map<String, Value>;

/// Identity of a record: its kind and an id that is unique within the kind.
///
/// Printed as `kind/id`. Kinds whose name begins with `_` belong to the service (keys, idempotency) and are never
/// indexed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    pub kind: Arc<str>,
    pub id: Arc<str>,
}

impl RecordId {
    pub fn new(kind: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// Reads the printed form back; `None` without a `/`.
    pub fn parse(key: &str) -> Option<Self> {
        let (kind, id) = key.split_once('/')?;
        Some(Self::new(kind, id))
    }

    /// The record as a number. Two records share one with negligible probability.
    pub fn digest(&self) -> u64 {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(self.to_string());
        u64::from_le_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }

    /// Tells whether the record belongs to the service itself.
    pub fn is_internal(&self) -> bool {
        self.kind.starts_with('_')
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// The number of a change: unique over the whole store, growing in the order in which changes were acknowledged.
///
/// 0 is before every change. A record's revision is the number of the change that wrote it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record stands between being written and being seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Draft,
    /// Waits for a reviewer.
    Pending,
    #[default]
    Published,
    Rejected,
}

/// A whole record.
///
/// Its JSON form is flat: `kind`, `id`, the fields, and `_revision`, `_state`, `_owner`, `_created_at`, `_updated_at`,
/// `_source`. Instants are RFC 3339 in UTC, to the second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub kind: Arc<str>,
    pub id: Arc<str>,
    #[serde(rename = "_revision", default)]
    pub revision: Revision,
    #[serde(rename = "_state", default)]
    pub state: State,
    /// The name on the key that wrote the record first.
    #[serde(rename = "_owner", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(rename = "_created_at")]
    pub created_at: String,
    #[serde(rename = "_updated_at")]
    pub updated_at: String,
    /// Where the record came from: `api`, `sample-corpus`, or the name of the imported file.
    #[serde(rename = "_source", default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(flatten)]
    pub fields: Fields,
}

impl Record {
    pub fn record_id(&self) -> RecordId {
        RecordId { kind: self.kind.clone(), id: self.id.clone() }
    }
}
