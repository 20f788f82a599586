//! Retrieval: analyzed records in, hits out.

pub mod document;
pub mod guard;
pub mod reverse;
pub mod tantivy;

use std::sync::Arc;

use crate::query::like::Like;
use crate::query::{After, Search, Signal, SortKey, TokenField};
use crate::record::{RecordId, Revision};
use crate::store::Cursor;
use document::IndexRecord;

/// A change as the index takes it.
#[derive(Clone, Debug)]
pub enum IndexChange {
    Put(Box<IndexRecord>),
    Remove(RecordId),
}

/// A record that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub id: RecordId,
    /// Revision of the record that was indexed.
    pub revision: Revision,
    /// Falls along the list when ordered by score.
    pub score: f32,
    /// What the score is made of, in the order of the signals.
    pub parts: Vec<(Signal, f32)>,
    /// What the declared signals added, in their order: of each the place among [`Search::rankers`] and the points.
    pub signals: Vec<(usize, f32)>,
    /// The value that the list is ordered by; `None` when ordered by score, or when the record lacks the field.
    pub key: Option<SortKey>,
}

/// Counts of one facet: value or bucket key, and the records that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCounts {
    pub path: Arc<str>,
    pub counts: Vec<(Arc<str>, u64)>,
}

#[derive(Clone, Debug)]
pub struct Found {
    pub hits: Vec<Hit>,
    pub total: u64,
    /// Matches of query and filter, before anything was selected.
    pub matched: u64,
    pub facets: Vec<FacetCounts>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<After>,
    /// The last change that the answer took into account.
    pub revision: Revision,
}

/// Records that are like a weighted bag of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Liked {
    pub records: Vec<LikedRecord>,
    /// The terms that were kept, in the order in which scores are summed up.
    pub terms: Vec<LikedTerm>,
    /// Length of the vector of the kept terms' weight times inverse document frequency; 0 without terms. Scores of
    /// different queries divided by it can be compared.
    pub norm: f32,
}

/// What the terms of a query add, whether or not they are kept and whether or not a record holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LikeTerms {
    /// First field of the group, token, and what the term adds to a score for each unit of
    /// [`presence`](crate::query::like::presence) there, before the boosts of the group's fields. A term that no record
    /// holds counts as one that a single record holds: the next.
    pub terms: Vec<(TokenField, String, f32)>,
    /// As [`Liked::norm`].
    pub norm: f32,
    /// Number of records that rarity is counted among: those of the kind that has fewer.
    pub among: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LikedRecord {
    pub id: RecordId,
    /// Revision of the record that was indexed.
    pub revision: Revision,
    /// At least 0.
    pub score: f32,
}

/// A term of the query that the index knows.
#[derive(Clone, Debug, PartialEq)]
pub struct LikedTerm {
    /// Where it is looked for first.
    pub field: TokenField,
    pub token: String,
    /// The query's weight, times the term's rarity on the side that looks.
    pub weight: f32,
    /// Inverse document frequency on the side that is found.
    pub idf: f32,
}

/// What each of [`Liked::terms`] adds to a record's score, in their order.
pub type Shares = Vec<f32>;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The view that a cursor belongs to is gone.
    #[error("the cursor has expired")]
    Expired,
    /// A column that the request names does not exist, or cannot do what is asked of it.
    #[error("{0}")]
    Unsupported(String),
    #[error("the index cannot be read or written: {0}")]
    Unavailable(String),
    /// Records are still to come that were written before the start.
    #[error("the index does not hold everything yet")]
    Filling,
    /// Files do not match their checksums.
    #[error("the index is damaged; start again: it is moved aside and made anew")]
    Damaged,
}

/// An index of records. Derived from the store: losing it loses nothing.
pub trait Engine: Send + Sync {
    /// Fails, as whatever is asked would, while the index is still being filled or is damaged.
    fn whole(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.whole().is_ok()
    }

    /// Takes changes in, in order. They are searchable after [`Engine::commit`].
    fn apply(&self, changes: Vec<IndexChange>) -> Result<(), EngineError>;

    /// Makes what was applied searchable and lasting, together with how far the change log was read and what stands
    /// for the dictionary that all records were cut into words with.
    fn commit(&self, applied: &Cursor, revision: Revision, words: u64) -> Result<(), EngineError>;

    /// Tells how far the change log is searchable; `None` for an index that must be filled from the beginning.
    fn applied(&self) -> Option<(Cursor, Revision)>;

    /// Tells what the last commit said of the dictionary of words.
    fn words_fingerprint(&self) -> Option<u64>;

    fn search(&self, search: &Search) -> Result<Found, EngineError>;

    /// Finds up to `limit` records by a weighted bag of terms, the best first, ties in the order of their revisions.
    ///
    /// Every score is exact: it is the sum that [`Like`] describes, and depends on the
    /// record, the query and the statistics of the index alone.
    fn like(&self, like: &Like, limit: usize) -> Result<Liked, EngineError>;

    /// Scores given records as [`Engine::like`] does, term by term.
    ///
    /// The answer holds those of `ids` that are in the index and pass the filter, in their order, each with its shares, which sum up to
    /// its score.
    fn like_shares(
        &self,
        like: &Like,
        ids: &[RecordId],
    ) -> Result<(Liked, Vec<Shares>), EngineError>;

    /// Weighs every term of a query as [`Engine::like`] does.
    fn like_terms(&self, like: &Like) -> Result<LikeTerms, EngineError>;

    /// Lists the words of all texts with the number of records that hold each, about; in no order.
    fn words(&self) -> Result<Vec<(String, u64)>, EngineError>;

    /// Number of records that can be found.
    fn num_records(&self) -> Result<u64, EngineError>;

    /// Number of records that hold a token; those that were removed lately may count.
    fn num_with(&self, field: TokenField, token: &str) -> Result<u64, EngineError>;

    /// Reads every file of the index against its checksum; names the damaged ones.
    fn verify(&self) -> Result<Vec<String>, EngineError>;
}
