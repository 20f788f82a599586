//! Writes that are made once, however often they are sent.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Draft, IngestService, RETRIES, Rejection, Stored, Written, record_of};
use crate::record::{Record, RecordId, Revision};
use crate::service::keys::Key;
use crate::store::{Expected, StoreError, Write};

/// Kind of the records that remember answers.
const KIND: &str = "_idempotency";
/// Seconds that an answer is remembered.
const LIFETIME: i64 = 86_400;
/// Receipts that are looked at together.
const PAGE: usize = 500;

/// What became of a write that is made once.
#[derive(Clone, Debug, PartialEq)]
pub enum Once {
    Written(Written),
    /// It had been made before; this is the answer of that time.
    Again(Written),
    /// The name was used for another body.
    OtherBody,
}

/// An answer, kept together with the write that it answers.
///
/// The two are one batch, the record first: its revision is the one before the receipt's.
#[derive(Serialize, Deserialize)]
struct Receipt {
    digest: String,
    /// RFC 3339.
    at: String,
    record: Record,
}

impl IngestService {
    /// Creates a record unless `by` has done so under `name` within 24 hours; then the first answer comes again.
    ///
    /// `digest` stands for what was sent; the same name with another one is refused. A write that was rejected leaves
    /// the name unused.
    pub fn put_once(
        &self,
        draft: Draft,
        name: &str,
        digest: &str,
        by: &Key,
        now: &str,
    ) -> Result<Result<Once, Rejection>, StoreError> {
        let receipt_id = RecordId::new(KIND, receipt_name(&by.id, name));
        for _ in 0..RETRIES {
            let earlier = self.store.get(&receipt_id)?;
            if let Some(earlier) = &earlier
                && let Ok(receipt) = serde_json::from_slice::<Receipt>(&earlier.json)
                && !is_over(&receipt.at, now)
            {
                if receipt.digest != digest {
                    return Ok(Ok(Once::OtherBody));
                }
                let revision = Revision(earlier.revision.0.saturating_sub(1));
                let record = Record { revision, ..receipt.record };
                return Ok(Ok(Once::Again(Written { record, created: true })));
            }
            let checked = match self.check(draft.clone(), by) {
                Ok(checked) => checked,
                Err(rejection) => return Ok(Err(rejection)),
            };
            let existing = self.store.get(&checked.id)?;
            let mut record = match record_of(&checked, existing.as_ref(), by, now) {
                Ok(record) => record,
                Err(rejection) => return Ok(Err(rejection)),
            };
            let expected =
                |revision: Option<Revision>| revision.map_or(Expected::Absent, Expected::At);
            let receipt =
                Receipt { digest: digest.to_owned(), at: now.to_owned(), record: record.clone() };
            let batch = vec![
                Write {
                    id: checked.id,
                    expected: expected(existing.as_ref().map(|stored| stored.revision)),
                    body: Some(json(&Stored::from(&record))),
                },
                Write {
                    id: receipt_id.clone(),
                    expected: expected(earlier.map(|stored| stored.revision)),
                    body: Some(json(&receipt)),
                },
            ];
            if let Ok(revisions) = self.store.append(vec![batch])?.remove(0) {
                record.revision = revisions[0];
                return Ok(Ok(Once::Written(Written { record, created: existing.is_none() })));
            }
        }
        Ok(Err(Rejection::Precondition { found: None }))
    }

    /// Withdraws the receipts that are over; returns how many there were. `now` is an instant in RFC 3339.
    pub fn sweep_receipts(&self, now: &str) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut after: Option<String> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(last.id.id.to_string());
            let over: Vec<_> = page
                .into_iter()
                .filter(|stored| {
                    serde_json::from_slice::<Receipt>(&stored.json)
                        .map_or(true, |receipt| is_over(&receipt.at, now))
                })
                .map(|stored| {
                    let expected = Expected::At(stored.revision);
                    vec![Write { id: stored.id, expected, body: None }]
                })
                .collect();
            if !over.is_empty() {
                count += self.store.append(over)?.iter().filter(|answer| answer.is_ok()).count();
            }
        }
    }
}

/// The same name of two keys is two names.
fn receipt_name(key: &str, name: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(key.as_bytes());
    hasher.update([0]);
    hasher.update(name.as_bytes());
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_over(at: &str, now: &str) -> bool {
    let second = |text: &str| text.parse::<jiff::Timestamp>().map(|instant| instant.as_second());
    match (second(at), second(now)) {
        (Ok(at), Ok(now)) => now - at >= LIFETIME,
        _ => true,
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a record has only string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_over_after_a_day() {
        let at = "2026-11-23T08:00:00Z";
        assert!(!is_over(at, at));
        assert!(!is_over(at, "2026-11-24T07:59:59Z"));
        assert!(is_over(at, "2026-11-24T08:00:00Z"));
        assert!(is_over("yesterday", at));
    }
}
