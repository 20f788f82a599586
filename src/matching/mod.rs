//! Records that fit a record, by declared rules and with reasons. Pure: no I/O and no clock.
//!
//! A [`Pair`] says how records of one kind look for records of another: how the query is made of the record, what
//! else counts beside the text, what can never match, and how a list is made various. Pairs are read from
//! `matching.toml`; no pair is named in code.

pub mod diversity;
pub mod evidence;
pub mod feature;
pub mod profile;
pub mod reason;
pub mod rule;
mod rule_toml;
pub mod score;
pub mod value;

use crate::record::{Fields, RecordId, RecordKind};
pub use rule::{Matching, Pair};

/// A record as matching sees it.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub kind: &'a RecordKind,
    pub fields: &'a Fields,
}

/// Similarity by meaning, which something outside of this program computes.
///
/// Optional everywhere: when it is not there, or does not answer in time, matching goes on without that feature and
/// the answer says so. An implementation must never block longer than its own time-out, and never retries.
pub trait Similarity: Send + Sync {
    /// Compares a record, which need not be stored, with stored records, one answer for each.
    ///
    /// 1 is the same meaning, 0 nothing in common; a record without a vector has `None`. `Err` says in a word why
    /// there is no answer at all.
    fn similarities(
        &self,
        from: Side<'_>,
        to: &[RecordId],
    ) -> Result<Vec<Option<f32>>, Unavailable>;

    /// Finds up to `limit` stored records of a kind that mean about the same, the nearest first.
    fn nearest(
        &self,
        from: Side<'_>,
        to: &str,
        limit: usize,
    ) -> Result<Vec<(RecordId, f32)>, Unavailable>;
}

/// There is no similarity by meaning now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("similarity by meaning is not available: {0}")]
pub struct Unavailable(pub String);

/// What somebody wants matches for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A stored record.
    Stored(RecordId),
    /// A record that is not stored.
    Draft { kind: String, fields: Fields },
    /// An enterprise's profile, by attribute.
    Profile(Fields),
}
