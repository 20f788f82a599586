//! Rows of files to drafts of records, in groups. What a row cannot be is said with its line; nothing is lost silently.

pub mod jobs;
mod map;
mod map_toml;
mod rows;
mod rule;
#[cfg(test)]
mod tests;
mod toml_rows;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use map::{ImportMap, Tally};
pub use rows::{Format, Row, RowError, Rows, unpacked};

use super::ingest::{Draft, IngestService, Precondition, Rejection};
use super::keys::Key;
use crate::record::validate::Violation;
use crate::record::{Fields, RecordKind};
use crate::store::StoreError;

/// A row that was not taken in, as the file of rejected rows holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// Counted from 1; of a row over several lines, the first.
    pub line: u64,
    pub reason: String,
    /// As the API gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Value>,
    /// The row as it came; the beginning of its text when it could not be read.
    pub row: Value,
}

/// What became of a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Created,
    Updated,
    Refused { reason: String, violations: Vec<Value> },
}

/// Where drafts go.
pub trait Target {
    type Error;

    /// Writes drafts of one kind; answers in order.
    fn put(&mut self, drafts: Vec<Draft>) -> Result<Vec<Outcome>, Self::Error>;
}

/// The ingest service of this process.
pub struct LocalTarget<'a> {
    pub ingest: &'a IngestService,
    pub by: Key,
    pub now: &'a dyn Fn() -> String,
}

impl Target for LocalTarget<'_> {
    type Error = StoreError;

    fn put(&mut self, drafts: Vec<Draft>) -> Result<Vec<Outcome>, StoreError> {
        let answers = self.ingest.put(drafts, &self.by, &(self.now)())?;
        Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Ok(written) if written.created => Outcome::Created,
                Ok(_) => Outcome::Updated,
                Err(rejection) => refused(rejection),
            })
            .collect())
    }
}

fn refused(rejection: Rejection) -> Outcome {
    let (reason, violations) = match rejection {
        Rejection::UnknownKind { found, known } => {
            (format!("the kind {found:?} is not known; there are {known}"), Vec::new())
        }
        Rejection::BadId { found } => (
            format!(
                "the id {found:?} is not one: 1 to 128 letters, digits and . _ : - are expected, not first a ."
            ),
            Vec::new(),
        ),
        Rejection::Invalid(violations) => (in_words(&violations), as_json(&violations)),
        Rejection::Precondition { .. } => {
            ("others kept changing the record meanwhile".to_owned(), Vec::new())
        }
        Rejection::Forbidden { detail } => (format!("expected {detail}"), Vec::new()),
        Rejection::NotFound => ("there is no such record".to_owned(), Vec::new()),
    };
    Outcome::Refused { reason, violations }
}

fn as_json(violations: &[Violation]) -> Vec<Value> {
    violations.iter().filter_map(|violation| serde_json::to_value(violation).ok()).collect()
}

/// The first violation, and how many more there are.
fn in_words(violations: &[Violation]) -> String {
    let Some(first) = violations.first() else { return "the record is not valid".to_owned() };
    let more = match violations.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{}: expected {}; found {}{more}", first.pointer, first.expected, first.found)
}

/// Counts of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub rejected: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.rejected += other.rejected;
    }
}

/// Rows on their way into a target.
pub struct Importer<'a, T: Target> {
    pub kind: &'a RecordKind,
    /// `None`: rows are records of ours.
    pub map: Option<&'a ImportMap>,
    /// Name that the records carry as their source.
    pub source: Option<String>,
    pub target: &'a mut T,
    pub tally: &'a mut Tally,
}

/// Rows written at a time, and the bytes that end a group sooner.
const GROUP: usize = 500;
const GROUP_BYTES: usize = 2 << 20;

/// Rows of one group: those to write, with their lines, and those that are rejected already.
#[derive(Default)]
struct Waiting {
    rows: Vec<(u64, Value)>,
    drafts: Vec<Draft>,
    rejected: Vec<Rejected>,
}

/// Why an import ended before the end of its rows.
#[derive(Debug)]
pub enum Ended<E> {
    Target(E),
    /// A rejected row could not be put down.
    Report(std::io::Error),
    /// The rows could not be read further; what came before is in.
    Read(std::io::Error),
}

impl<T: Target> Importer<'_, T> {
    /// Takes in every row. Counts what was done also when it ends early.
    pub fn run(
        &mut self,
        rows: &mut Rows<'_>,
        counts: &mut Counts,
        reject: &mut dyn FnMut(Rejected) -> std::io::Result<()>,
    ) -> Result<(), Ended<T::Error>> {
        let mut waiting = Waiting::default();
        let mut bytes = 0;
        loop {
            let row = match rows.next_row() {
                Ok(row) => row,
                Err(error) => {
                    self.flush(&mut waiting, counts, reject)?;
                    return Err(Ended::Read(error));
                }
            };
            let Some(row) = row else { return self.flush(&mut waiting, counts, reject) };
            counts.read += 1;
            bytes += row.bytes;
            match self.draft(row) {
                Ok((line, row, draft)) => {
                    waiting.rows.push((line, row));
                    waiting.drafts.push(draft);
                }
                Err(rejected) => waiting.rejected.push(rejected),
            }
            if waiting.drafts.len() + waiting.rejected.len() >= GROUP || bytes >= GROUP_BYTES {
                self.flush(&mut waiting, counts, reject)?;
                bytes = 0;
            }
        }
    }

    fn draft(&mut self, row: Row) -> Result<(u64, Value, Draft), Rejected> {
        let line = row.line;
        let fields: Fields = row.fields.map_err(|error| Rejected {
            line,
            reason: error.reason,
            violations: Vec::new(),
            row: error.row,
        })?;
        let ours = match self.map {
            Some(map) => map.apply(&fields, self.tally),
            None => fields.clone(),
        };
        let row = Value::Object(fields);
        match Draft::from_object(ours, Some(&self.kind.name), None) {
            Ok(mut draft) => {
                draft.precondition = Precondition::None;
                draft.source.clone_from(&self.source);
                Ok((line, row, draft))
            }
            Err(violations) => Err(Rejected {
                line,
                reason: in_words(&violations),
                violations: as_json(&violations),
                row,
            }),
        }
    }

    fn flush(
        &mut self,
        waiting: &mut Waiting,
        counts: &mut Counts,
        reject: &mut dyn FnMut(Rejected) -> std::io::Result<()>,
    ) -> Result<(), Ended<T::Error>> {
        let Waiting { rows, drafts, mut rejected } = std::mem::take(waiting);
        let outcomes = match drafts.is_empty() {
            true => Vec::new(),
            false => self.target.put(drafts).map_err(Ended::Target)?,
        };
        for ((line, row), outcome) in rows.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Created => counts.created += 1,
                Outcome::Updated => counts.updated += 1,
                Outcome::Refused { reason, violations } => {
                    rejected.push(Rejected { line, reason, violations, row });
                }
            }
        }
        rejected.sort_by_key(|rejected| rejected.line);
        counts.rejected += rejected.len() as u64;
        for rejected in rejected {
            reject(rejected).map_err(Ended::Report)?;
        }
        Ok(())
    }
}
