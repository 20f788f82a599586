//! Keys and what they allow.

pub mod attempts;
mod sessions;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::record::{Record, RecordId, Visibility};
use crate::store::{Expected, Store, StoreError, Write};
pub use sessions::SESSION_SECONDS;

/// Kind of the records that hold keys.
const KIND: &str = "_key";
/// Kind of the record that holds the secret that keys are hashed with.
const SECRET_KIND: &str = "_secret";

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Role {
    /// Publishable: reads what anybody may read.
    Widget,
    /// Writes its own records, which a reviewer publishes.
    Contributor,
    /// Reads everything, and decides what becomes public.
    Reviewer,
    /// Imports, writes and publishes.
    Operator,
    /// Reads everything.
    Auditor,
    Administrator,
}

impl Role {
    pub fn may_write(self) -> bool {
        matches!(self, Role::Contributor | Role::Operator | Role::Administrator)
    }

    /// Writes are published at once, and other owners' records may be changed.
    pub fn may_publish(self) -> bool {
        matches!(self, Role::Operator | Role::Administrator)
    }

    /// Decides what others have written: whether it is public.
    pub fn may_review(self) -> bool {
        matches!(self, Role::Reviewer | Role::Operator | Role::Administrator)
    }

    /// Sees records in every state, and every field.
    pub fn sees_everything(self) -> bool {
        !matches!(self, Role::Widget | Role::Contributor)
    }
}

/// Who makes a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// `None` without a key.
    pub key: Option<Arc<Key>>,
}

impl Principal {
    /// What may be seen of records in general.
    pub fn scope(&self) -> Visibility {
        match self.key.as_deref() {
            Some(key) if key.role.sees_everything() => Visibility::Owner,
            Some(key) if key.role == Role::Contributor => Visibility::Registered,
            _ => Visibility::Public,
        }
    }

    /// What may be seen of `record`.
    pub fn scope_of(&self, record: &Record) -> Visibility {
        match self.key.as_deref() {
            // A widget's key stands in the source of a page: it shows nobody's own records.
            Some(key)
                if key.role != Role::Widget && record.owner.as_deref() == Some(key.owner()) =>
            {
                Visibility::Owner
            }
            _ => self.scope(),
        }
    }
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub created_at: String,
    /// HMAC-SHA-256 of the secret, in base64.
    hash: String,
}

impl Key {
    /// What somebody at the machine itself may do: everything, as `owner`. It is kept nowhere and no secret opens it.
    pub fn local(owner: &str, created_at: &str) -> Self {
        Self {
            id: "local".into(),
            role: Role::Administrator,
            owner: Some(owner.to_owned()),
            created_at: created_at.to_owned(),
            hash: String::new(),
        }
    }

    /// What somebody without a key may do through a form: hand in a record of `owner`, for review. It is kept nowhere
    /// and no secret opens it.
    pub fn guest(owner: &str, created_at: &str) -> Self {
        Self { id: "guest".into(), role: Role::Contributor, ..Self::local(owner, created_at) }
    }

    /// The name that records written with the key belong to.
    pub fn owner(&self) -> &str {
        self.owner.as_deref().unwrap_or(&self.id)
    }
}

/// Owners that begin so are the service's own: what comes from its pages belongs to them.
pub const RESERVED: char = '@';

/// Makes, finds and revokes keys.
pub struct Keys {
    store: Arc<dyn Store>,
    secret: Vec<u8>,
}

impl Keys {
    /// Reads the hashing secret, or makes one in a new store.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let id = RecordId::new(SECRET_KIND, "keys");
        loop {
            if let Some(stored) = store.get(&id)? {
                return Ok(Self { store, secret: stored.json });
            }
            let secret = random_hex::<32>().into_bytes();
            let write = Write { id: id.clone(), expected: Expected::Absent, body: Some(secret) };
            // Refused when somebody else was faster: then theirs is read.
            let _ = store.append(vec![vec![write]])?;
        }
    }

    /// Makes a key. The returned text is the only place where it can be read.
    pub fn create(
        &self,
        role: Role,
        owner: Option<String>,
        created_at: String,
    ) -> Result<String, StoreError> {
        let id = random_hex::<4>();
        let secret = random_hex::<24>();
        let key = Key { id: id.clone(), role, owner, created_at, hash: self.hash(&secret) };
        let body = serde_json::to_vec(&key).expect("a key has only string keys");
        let write =
            Write { id: RecordId::new(KIND, &*id), expected: Expected::Absent, body: Some(body) };
        match self.store.append(vec![vec![write]])?.remove(0) {
            Ok(_) => Ok(format!("kc_{id}_{secret}")),
            // Two keys in four thousand million share an id.
            Err(_) => self.create(role, key.owner, key.created_at),
        }
    }

    /// Finds the key that `presented` is; `None` when it is not one of ours.
    pub fn find(&self, presented: &str) -> Result<Option<Key>, StoreError> {
        let Some((id, secret)) =
            presented.strip_prefix("kc_").and_then(|rest| rest.split_once('_'))
        else {
            return Ok(None);
        };
        let Some(key) = self.get(id)? else { return Ok(None) };
        let mut mac = self.mac();
        mac.update(secret.as_bytes());
        let expected = STANDARD.decode(&key.hash).unwrap_or_default();
        Ok(mac.verify_slice(&expected).is_ok().then_some(key))
    }

    /// Reads a key by its id.
    pub fn get(&self, id: &str) -> Result<Option<Key>, StoreError> {
        let Some(stored) = self.store.get(&RecordId::new(KIND, id))? else { return Ok(None) };
        let key = serde_json::from_slice(&stored.json);
        key.map(Some).map_err(|error| StoreError::Corrupt(format!("key {id}: {error}")))
    }

    /// Lists every key.
    pub fn list(&self) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), 500)?;
            let Some(last) = page.last() else { return Ok(keys) };
            after = Some(last.id.id.clone());
            keys.extend(page.iter().filter_map(|stored| serde_json::from_slice(&stored.json).ok()));
        }
    }

    /// Revokes a key; `false` when there is none of that id.
    pub fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let id = RecordId::new(KIND, id);
        if self.store.get(&id)?.is_none() {
            return Ok(false);
        }
        let write = Write { id, expected: Expected::Any, body: None };
        self.store.append(vec![vec![write]])?;
        Ok(true)
    }

    /// A secret that belongs to `purpose`: the same in every run, of no use for any other.
    pub fn derive(&self, purpose: &str) -> Vec<u8> {
        let mut mac = self.mac();
        mac.update(b"derived:");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    fn hash(&self, secret: &str) -> String {
        let mut mac = self.mac();
        mac.update(secret.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.secret).expect("HMAC takes a key of any length")
    }
}

/// `N` random bytes in hexadecimal.
pub fn random_hex<const N: usize>() -> String {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
