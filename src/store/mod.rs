//! The truth: records and the log of their changes.

pub mod embedded;

use serde::{Deserialize, Serialize};

use crate::record::{RecordId, Revision};

/// What a write expects to find, checked at the moment of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    Absent,
    At(Revision),
}

/// One write of one record. `body` is the record's JSON without `_revision`; `None` withdraws the record.
#[derive(Clone, Debug)]
pub struct Write {
    pub id: RecordId,
    pub expected: Expected,
    pub body: Option<Vec<u8>>,
}

/// Writes that happen together or not at all.
pub type Batch = Vec<Write>;

/// Why a batch was not written. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Place of the offending write in its batch.
    pub at: usize,
    /// What is there now; `None` when nothing is.
    pub found: Option<Revision>,
}

/// A record as it is kept: `json` is the body given to [`Store::append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub id: RecordId,
    pub revision: Revision,
    pub json: Vec<u8>,
}

/// One entry of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put(StoredRecord),
    Withdraw { id: RecordId, revision: Revision },
}

impl Change {
    pub fn id(&self) -> &RecordId {
        match self {
            Change::Put(record) => &record.id,
            Change::Withdraw { id, .. } => id,
        }
    }

    pub fn revision(&self) -> Revision {
        match self {
            Change::Put(record) => record.revision,
            Change::Withdraw { revision, .. } => *revision,
        }
    }
}

/// A place in the change log. Opaque: only the store that gave it can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder.
    #[error("{0}")]
    InUse(String),
    /// The folder is not ours, or of a newer version. The text names what to do.
    #[error("{0}")]
    Foreign(String),
    /// Something that was written cannot be read back.
    #[error("{0}")]
    Corrupt(String),
    /// Writing has stopped after an I/O error; a restart recovers.
    #[error("writing has stopped: {0}")]
    Stopped(String),
    /// More writes are waiting than the store takes.
    #[error("too many writes are waiting")]
    Busy,
    #[error("{context}: {source}")]
    Io { context: String, source: std::io::Error },
}

/// Records and their change log.
///
/// Revisions grow by one a write, over all kinds. Everything acknowledged survives a crash of the process or the
/// machine.
pub trait Store: Send + Sync {
    /// Writes `batches`, each whole or not at all, and returns when they are on disk.
    ///
    /// Answers in order: the revisions of a batch's writes, which follow each other, or why it was refused. Batches see the effect of those
    /// before them. Blocks.
    fn append(
        &self,
        batches: Vec<Batch>,
    ) -> Result<Vec<Result<Vec<Revision>, Conflict>>, StoreError>;

    /// Reads one record; `None` when it was never written or is withdrawn.
    fn get(&self, id: &RecordId) -> Result<Option<StoredRecord>, StoreError>;

    /// Reads up to `limit` records of a kind in the order of their ids, from the first id greater than `after`.
    fn scan(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError>;

    /// Reads up to `limit` changes after `cursor` (the default cursor: from the beginning) in commit order, and the
    /// cursor behind them. Of a record that changed often, older changes may be missing, never the latest.
    fn changes(&self, cursor: &Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), StoreError>;

    /// Waits until something may have been written after `revision`, at most `timeout`.
    fn wait_for_changes(&self, revision: Revision, timeout: std::time::Duration);

    /// The number of the last acknowledged change.
    fn head(&self) -> Revision;

    /// Reads everything back against its checksums; what is wrong, in words, or nothing.
    fn verify(&self) -> Result<Vec<String>, StoreError>;
}
