//! Who asks: `Authorization: Bearer KEY`.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::{AppState, Code, Problem};
use crate::service::keys::{Key, Principal};

/// Finds out who makes the request; a key that is given must be valid, also where none is needed.
pub async fn principal(state: &AppState, headers: &HeaderMap) -> Result<Principal, Problem> {
    let Some(presented) = bearer(headers)? else { return Ok(Principal::default()) };
    let app = state.app.clone();
    let key = state.searches.run(move || app.keys.find(&presented)).await??;
    match key {
        Some(key) => Ok(Principal { key: Some(Arc::new(key)) }),
        None => Err(Problem::plain(Code::UnknownKey)),
    }
}

/// The key of a request that writes.
pub async fn writer(state: &AppState, headers: &HeaderMap) -> Result<Arc<Key>, Problem> {
    let Some(key) = principal(state, headers).await?.key else {
        return Err(Problem::new(
            Code::Unauthorized,
            "expected Authorization: Bearer KEY; found no key. `kechuang key create --role ROLE` makes one",
        ));
    };
    if key.role.may_write() {
        Ok(key)
    } else {
        Err(Problem::new(
            Code::Forbidden,
            "expected a key of the role contributor, operator or administrator; found one that only reads",
        ))
    }
}

/// Refuses whoever may not see what everybody's doings add up to.
pub async fn reader(state: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    match principal(state, headers).await?.key {
        None => Err(Problem::plain(Code::Unauthorized)),
        Some(key) if key.role.sees_everything() => Ok(()),
        Some(_) => Err(Problem::new(
            Code::Forbidden,
            "expected a key of the role reviewer, operator, auditor or administrator; found another",
        )),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let unreadable = || {
        Problem::new(
            Code::UnknownKey,
            "expected Authorization: Bearer KEY; found another scheme or no key",
        )
    };
    let value = value.to_str().map_err(|_| unreadable())?;
    let (scheme, key) = value.trim().split_once(' ').ok_or_else(unreadable)?;
    let key = key.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || key.is_empty() || key.len() > 200 {
        return Err(unreadable());
    }
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Option<&str>, expected: Result<Option<&str>, Code>) {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        let found = bearer(&headers).map_err(|problem| problem.code);
        assert_eq!(found, expected.map(|key| key.map(str::to_owned)), "{value:?}");
    }

    #[test]
    fn reads_the_header() {
        check(None, Ok(None));
        check(Some("Bearer kc_a_b"), Ok(Some("kc_a_b")));
        check(Some("bearer   kc_a_b "), Ok(Some("kc_a_b")));
        check(Some("Basic a2M6"), Err(Code::UnknownKey));
        check(Some("Bearer "), Err(Code::UnknownKey));
        check(Some(""), Err(Code::UnknownKey));
    }
}
