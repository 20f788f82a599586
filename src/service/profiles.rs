//! Profiles that are kept: each belongs to the key that wrote it, and is seen by nobody else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keys::{Key, random_hex};
use crate::applicability::profile::Note;
use crate::applicability::{Dictionary, Profile};
use crate::record::validate::Violation;
use crate::record::{RecordId, Revision};
use crate::store::{Change, Expected, Store, StoreError, StoredRecord, Write};

/// Kind of the records that hold profiles.
pub const KIND: &str = "_profile";
/// Profiles of one owner.
const MAX_PROFILES: usize = 1_000;
/// Bytes of a profile as JSON.
const MAX_BYTES: usize = 64 * 1024;
/// Characters of a name.
pub const MAX_NAME: usize = 200;

/// Keeps profiles.
pub struct Profiles {
    pub dictionary: Arc<Dictionary>,
    pub store: Arc<dyn Store>,
}

/// A profile as it is kept and shown to its owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredProfile {
    pub id: String,
    #[serde(rename = "_revision", default)]
    pub revision: Revision,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    pub profile: Map<String, Value>,
    #[serde(rename = "_owner")]
    pub owner: String,
    #[serde(rename = "_created_at")]
    pub created_at: String,
    #[serde(rename = "_updated_at")]
    pub updated_at: String,
}

/// A profile that was written.
#[derive(Debug)]
pub struct Kept {
    pub profile: StoredProfile,
    pub is_new: bool,
    /// What should be known about its values.
    pub notes: Vec<Note>,
}

/// A profile that somebody wants to write, checked.
struct Draft {
    name: Option<String>,
    profile: Map<String, Value>,
    notes: Vec<Note>,
}

/// Why a profile was not written.
#[derive(Debug)]
pub enum ProfileRejection {
    Invalid(Vec<Violation>),
    /// The owner has as many as anybody may.
    TooMany {
        most: usize,
    },
    /// There is none of that id that the key may see.
    NotFound,
}

impl StoredProfile {
    /// Reads what the store holds; `None` for what is no profile.
    pub fn read(stored: &StoredRecord) -> Option<Self> {
        let profile = serde_json::from_slice::<Self>(&stored.json).ok()?;
        Some(Self { revision: stored.revision, ..profile })
    }

    /// The facts, to be checked on a day.
    pub fn facts(&self, dictionary: &Dictionary, as_of: i32, today: i32) -> Option<Profile> {
        Profile::read(&self.profile, dictionary, as_of, today).ok().map(|(profile, _)| profile)
    }
}

impl Profiles {
    /// Writes a profile; without an id, under a new one.
    pub fn put(
        &self,
        id: Option<String>,
        object: Map<String, Value>,
        by: &Key,
        now: &str,
        today: i32,
    ) -> Result<Result<Kept, ProfileRejection>, StoreError> {
        let Draft { name, profile, notes } = match self.check(object, today) {
            Ok(checked) => checked,
            Err(violations) => return Ok(Err(ProfileRejection::Invalid(violations))),
        };
        let is_new_id = id.is_none();
        let id = id.unwrap_or_else(random_hex::<12>);
        let record = RecordId::new(KIND, &*id);
        let before = self.store.get(&record)?.as_ref().and_then(StoredProfile::read);
        match &before {
            Some(before) if before.owner != by.owner() => {
                return Ok(Err(ProfileRejection::NotFound));
            }
            None if !is_new_id && !is_good_id(&id) => {
                return Ok(Err(ProfileRejection::Invalid(vec![Violation {
                    pointer: "/id".into(),
                    code: "bad_id",
                    expected: "1 to 128 ASCII letters, digits and . _ -".into(),
                    found: id.chars().take(80).collect(),
                }])));
            }
            None if self.list(by)?.len() >= MAX_PROFILES => {
                return Ok(Err(ProfileRejection::TooMany { most: MAX_PROFILES }));
            }
            _ => {}
        }
        let created_at = before.as_ref().map_or(now, |before| &before.created_at).to_owned();
        let mut kept = StoredProfile {
            id,
            revision: Revision::default(),
            name,
            profile,
            owner: by.owner().to_owned(),
            created_at,
            updated_at: now.to_owned(),
        };
        let body = serde_json::to_vec(&kept).expect("a profile has only string keys");
        let expected = match &before {
            Some(before) => Expected::At(before.revision),
            None => Expected::Absent,
        };
        let write = Write { id: record, expected, body: Some(body) };
        match self.store.append(vec![vec![write]])?.remove(0) {
            Ok(revisions) => {
                kept.revision = revisions[0];
                Ok(Ok(Kept { profile: kept, is_new: before.is_none(), notes }))
            }
            // Somebody else wrote or deleted it meanwhile.
            Err(_) => Ok(Err(ProfileRejection::NotFound)),
        }
    }

    fn check(&self, mut object: Map<String, Value>, today: i32) -> Result<Draft, Vec<Violation>> {
        let violation = |pointer: &str, expected: String, found: String| Violation {
            pointer: pointer.to_owned(),
            code: "bad_attribute",
            expected,
            found: found.chars().take(80).collect(),
        };
        let mut wrong = Vec::new();
        let name = match object.remove("name") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if name.chars().count() <= MAX_NAME => Some(name),
            Some(other) => {
                let expected = format!("a string of at most {MAX_NAME} characters");
                wrong.push(violation("/name", expected, other.to_string()));
                None
            }
        };
        let profile = match object.remove("profile") {
            Some(Value::Object(profile)) => profile,
            other => {
                let found = other.unwrap_or(Value::Null).to_string();
                wrong.push(violation("/profile", "an object by attribute".into(), found));
                Map::new()
            }
        };
        // What an answer adds may come back with it.
        let added = |name: &str| name.starts_with('_') || ["id", "notes"].contains(&name);
        for member in object.keys().filter(|name| !added(name)) {
            let expected = "one of name, profile".to_owned();
            wrong.push(violation(&format!("/{member}"), expected, member.clone()));
        }
        let bytes = serde_json::to_vec(&profile).map_or(0, |json| json.len());
        if bytes > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes of JSON");
            wrong.push(violation("/profile", expected, format!("{bytes} bytes")));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (_, notes) = Profile::read(&profile, &self.dictionary, today, today)?;
        Ok(Draft { name, profile, notes })
    }

    /// Reads a profile of the key's owner; `None` also for those of others.
    pub fn get(&self, id: &str, by: &Key) -> Result<Option<StoredProfile>, StoreError> {
        let found = self.store.get(&RecordId::new(KIND, id))?;
        let found = found.as_ref().and_then(StoredProfile::read);
        Ok(found.filter(|found| found.owner == by.owner()))
    }

    /// Deletes a profile of the key's owner; `false` when there is none.
    pub fn delete(&self, id: &str, by: &Key) -> Result<bool, StoreError> {
        let Some(found) = self.get(id, by)? else { return Ok(false) };
        let write = Write {
            id: RecordId::new(KIND, id),
            expected: Expected::At(found.revision),
            body: None,
        };
        Ok(self.store.append(vec![vec![write]])?.remove(0).is_ok())
    }

    /// Lists the profiles of the key's owner in the order of their ids.
    pub fn list(&self, by: &Key) -> Result<Vec<StoredProfile>, StoreError> {
        let mut profiles = Vec::new();
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), 500)?;
            let Some(last) = page.last() else { return Ok(profiles) };
            after = Some(last.id.id.clone());
            let own = page.iter().filter_map(StoredProfile::read);
            profiles.extend(own.filter(|profile| profile.owner == by.owner()));
        }
    }

    /// The profile that a change of the store wrote; `Err` with its id when it was deleted, `None` for other records.
    pub fn of_change(change: &Change) -> Option<Result<StoredProfile, Arc<str>>> {
        if &*change.id().kind != KIND {
            return None;
        }
        match change {
            Change::Put(stored) => StoredProfile::read(stored).map(Ok),
            Change::Withdraw { id, .. } => Some(Err(id.id.clone())),
        }
    }
}

fn is_good_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && !id.starts_with('.')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
