//! Signing in on a page: the key is given once, and what stands for it in the browser ends by itself.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Key, Keys};
use crate::store::StoreError;

/// Seconds until somebody must sign in again.
pub const SESSION_SECONDS: i64 = 8 * 3_600;

impl Keys {
    /// Makes the text that stands for `key` until it ends; `now` is in seconds since 1970. Nothing is kept.
    pub fn begin_session(&self, key: &Key, now: i64) -> String {
        let ends = now + SESSION_SECONDS;
        let seal: String = self.seal(key, ends).finalize().into_bytes().iter().fold(
            String::new(),
            |mut text, byte| {
                text.push_str(&format!("{byte:02x}"));
                text
            },
        );
        format!("{}.{ends}.{seal}", key.id)
    }

    /// Finds the key that a session stands for; `None` when it has ended, was never begun, or the key is revoked.
    pub fn session(&self, session: &str, now: i64) -> Result<Option<Key>, StoreError> {
        let parts: Vec<&str> = session.split('.').collect();
        let &[id, ends, seal] = parts.as_slice() else { return Ok(None) };
        let (Ok(ends), Some(seal)) = (ends.parse::<i64>(), bytes(seal)) else { return Ok(None) };
        if ends <= now {
            return Ok(None);
        }
        let Some(key) = self.get(id)? else { return Ok(None) };
        Ok(self.seal(&key, ends).verify_slice(&seal).is_ok().then_some(key))
    }

    /// What the forms of a session carry, so that no other page can send them.
    pub fn form_token(&self, session: &str) -> String {
        let mut mac = self.purpose("forms");
        mac.update(session.as_bytes());
        mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn seal(&self, key: &Key, ends: i64) -> Hmac<Sha256> {
        let mut mac = self.purpose("sessions");
        mac.update(format!("{}\n{ends}\n{}", key.id, key.hash).as_bytes());
        mac
    }

    fn purpose(&self, purpose: &str) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.derive(purpose)).expect("HMAC takes a key of any length")
    }
}

/// Reads bytes in hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Role;
    use super::*;
    use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};

    #[test]
    fn a_session_ends_with_its_time_and_its_key() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).expect("opens");
        let keys = Keys::open(Arc::new(store)).expect("opens");
        let text = keys.create(Role::Reviewer, None, "2026-11-23T00:00:00Z".into()).expect("made");
        let key = keys.find(&text).expect("read").expect("found");
        let session = keys.begin_session(&key, 1_000);
        let found = |session: &str, now| keys.session(session, now).expect("read").is_some();
        assert!(found(&session, 1_001) && found(&session, 1_000 + SESSION_SECONDS - 1));
        assert!(!found(&session, 1_000 + SESSION_SECONDS), "it has ended");
        let longer = session.replacen(&format!(".{}.", 1_000 + SESSION_SECONDS), ".9999999999.", 1);
        assert!(longer != session && !found(&longer, 2_000), "its end is sealed");
        for bad in ["", "..", "a.b", "x.9999999999.00", "é.1.é", &session[..session.len() - 1]] {
            assert!(!found(bad, 1_001), "{bad}");
        }
        assert_ne!(keys.form_token(&session), keys.form_token(&longer));
        keys.revoke(&key.id).expect("revoked");
        assert!(!found(&session, 1_001), "its key is gone");
    }
}
