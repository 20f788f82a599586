//! The sample corpus that an empty data folder begins with.

use anyhow::{Context as _, bail};
use rust_embed::RustEmbed;
use serde_json::Value;

use super::progress;
use crate::app::App;
use crate::record::{RecordId, State};
use crate::service::ingest::Draft;
use crate::service::keys::Key;
use crate::store::{Expected, Store, StoreError, Write};

/// Name that the records carry as their source and owner.
const SOURCE: &str = crate::record::SAMPLE_SOURCE;
/// Kind of the record that remembers a sample that is not all in.
const SETUP_KIND: &str = "_setup";
const GROUP: usize = 500;

#[derive(RustEmbed)]
#[folder = "sample-corpus/"]
#[include = "*.jsonl"]
#[exclude = "*/*"]
struct SampleFiles;

/// Tells whether the sample should go in: there is no record, or an earlier import of it was cut short.
pub fn is_wanted(app: &App) -> Result<bool, StoreError> {
    if app.store.get(&unfinished())?.is_some() {
        return Ok(true);
    }
    for kind in &app.catalog.kinds {
        if !app.store.scan(&kind.name, None, 1)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the sample through the ingest service; returns the number of records.
///
/// Records of kinds that the configuration has not are left out.
pub fn import(app: &App) -> anyhow::Result<u64> {
    mark(&*app.store, true)?;
    let mut drafts = Vec::new();
    for name in SampleFiles::iter() {
        let file = SampleFiles::get(&name).context("the list of files is that of the files")?;
        for (at, line) in file.data.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let place = || format!("sample-corpus/{name}:{}", at + 1);
            let Value::Object(object) = serde_json::from_slice(line).with_context(place)? else {
                bail!("{}: an object is expected", place());
            };
            let mut draft = match Draft::from_object(object, None, None) {
                Ok(draft) => draft,
                Err(violations) => bail!("{}: {violations:?}", place()),
            };
            draft.source = Some(SOURCE.to_owned());
            if app.catalog.kind(&draft.kind).is_some() {
                drafts.push(draft);
            }
        }
    }
    let bar = progress::bar("importing the sample corpus", drafts.len() as u64);
    let by = Key::local(SOURCE, &app.clock.now());
    let mut written = 0;
    while !drafts.is_empty() {
        let rest = drafts.split_off(GROUP.min(drafts.len()));
        for answer in app.ingest.put(std::mem::replace(&mut drafts, rest), &by, &app.clock.now())? {
            match answer {
                Ok(record) => {
                    debug_assert_eq!(record.record.state, State::Published);
                    written += 1;
                }
                Err(rejection) => tracing::warn!(?rejection, "a sample record was refused"),
            }
        }
        bar.set_position(written);
    }
    bar.finish_and_clear();
    mark(&*app.store, false)?;
    Ok(written)
}

fn unfinished() -> RecordId {
    RecordId::new(SETUP_KIND, "sample")
}

fn mark(store: &dyn Store, is_unfinished: bool) -> Result<(), StoreError> {
    let body = is_unfinished.then(|| b"{}".to_vec());
    let write = Write { id: unfinished(), expected: Expected::Any, body };
    store.append(vec![vec![write]]).map(drop)
}
