//! In which language a caller is answered.

use axum::http::{HeaderMap, header};

use crate::record::Lang;

/// The language that `Accept-Language` prefers; Chinese when it names none of ours.
pub fn accepted(headers: &HeaderMap) -> Lang {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Lang::accepted(accepted.unwrap_or_default())
}
