//! Reading everything back: every frame, every checkpoint, every value in sled, and one against the other.

use std::collections::HashMap;
use std::io;

use super::Shared;
use super::checkpoint::read_checkpoint;
use super::journal::read_groups;
use super::view::{record_crc, record_digest};
use crate::record::Revision;
use crate::store::{Change, StoreError};

/// The latest change of a record: its revision and, unless it is a withdrawal, the checksum of its value.
type Latest = HashMap<u128, (Revision, Option<u32>)>;

/// Says what is wrong; see [`crate::store::Store::verify`]. Writers go on meanwhile.
pub(super) fn verify(shared: &Shared) -> Result<Vec<String>, StoreError> {
    let until = shared.head();
    let segments = shared.segments();
    let mut problems = Vec::new();
    let mut newest = None;
    for (revision, path) in shared.folder.list_checkpoints()? {
        match read_checkpoint(&path, |_| Ok(())) {
            Ok(_) => newest = Some(path).or(newest),
            Err(StoreError::Corrupt(why)) => problems.push(why),
            // A newer one has taken its place.
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        tracing::debug!(revision = revision.0, "read a checkpoint");
    }

    let mut latest = Latest::new();
    let mut note = |change: Change| {
        let crc = match &change {
            Change::Put(record) => Some(record_crc(record)),
            Change::Withdraw { .. } => None,
        };
        let revision = change.revision();
        let entry = latest.entry(record_digest(change.id())).or_insert((revision, crc));
        if entry.0 < revision {
            *entry = (revision, crc);
        }
        Ok(())
    };
    let start = segments.first().map_or(0, |(first, _)| first.0 - 1);
    if let Some(path) = newest.filter(|_| start > 0) {
        read_checkpoint(&path, &mut note)?;
    }
    match read_groups(&segments, Revision(start), until, |group| {
        group.into_changes().try_for_each(&mut note)
    }) {
        Ok(()) => compare(shared, latest, until, &mut problems)?,
        Err(StoreError::Corrupt(why)) => {
            problems.push(why);
            problems.extend(shared.view.check(|_, _, _| {}));
        }
        Err(error) => return Err(error),
    }
    Ok(problems)
}

/// Compares sled with what the journal says about revision `until`.
fn compare(
    shared: &Shared,
    mut latest: Latest,
    until: Revision,
    problems: &mut Vec<String>,
) -> Result<(), StoreError> {
    let mut num_different = 0_u64;
    problems.extend(shared.view.check(|digest, revision, crc| {
        let stated = latest.remove(&digest);
        if revision <= until && stated != Some((revision, Some(crc))) {
            num_different += 1;
        }
    }));
    // What was written since may have removed a record before sled was read.
    let applied = shared.view.applied().revision;
    if applied > until {
        read_groups(&shared.segments(), until, applied, |group| {
            for change in group.into_changes() {
                latest.remove(&record_digest(change.id()));
            }
            Ok(())
        })?;
    }
    let num_missing = latest.values().filter(|(_, crc)| crc.is_some()).count();
    for (number, what) in
        [(num_different, "are not as in the journal"), (num_missing as u64, "are missing")]
    {
        if number > 0 {
            problems.push(format!("sled: {number} records {what}; a restart makes it anew"));
        }
    }
    Ok(())
}
