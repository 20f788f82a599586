//! Reads what a request carries: path, query string, headers and body. What cannot be read becomes a 4xx.

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Duration, Instant, timeout_at};

use super::unique::{self, NoValue};
use super::{AppState, Code, Problem};
use crate::record::Fields;
use crate::record::validate::Violation;

/// Bytes of a refused body that are read and thrown away, so that its sender gets to see the answer.
const DISCARDED: usize = 64 << 20;

/// Turns a path that cannot be read into a problem.
pub fn path<T: PathText>(path: Result<Path<T>, PathRejection>) -> Result<T, Problem> {
    let bad = || Problem::new(Code::BadPath, "expected a path in UTF-8 without control characters");
    let Path(parts) = path.map_err(|_| bad())?;
    if parts.any(&|text| text.chars().any(char::is_control)) { Err(bad()) } else { Ok(parts) }
}

/// The texts that a path holds.
pub trait PathText {
    fn any(&self, check: &dyn Fn(&str) -> bool) -> bool;
}

impl PathText for String {
    fn any(&self, check: &dyn Fn(&str) -> bool) -> bool {
        check(self)
    }
}

impl PathText for (String, String) {
    fn any(&self, check: &dyn Fn(&str) -> bool) -> bool {
        check(&self.0) || check(&self.1)
    }
}

/// Reads the query string as [`readable_pairs`] does, or says what is wrong with it.
pub fn query_pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    readable_pairs(uri).map_err(|Violation { pointer: name, expected, found, .. }| {
        Problem::new(Code::BadParameter, format!("`{name}`: expected {expected}; found {found}"))
    })
}

/// Reads the query string: pairs in their order, `+` is a space, a `%` that begins no code stands for itself. What
/// cannot be read names its parameter.
pub fn readable_pairs(uri: &Uri) -> Result<Vec<(String, String)>, Violation> {
    let mut pairs = Vec::new();
    for pair in uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let bad = |name: &str, expected: &str, found: &str| Violation {
            pointer: name.chars().filter(|ch| !ch.is_control()).take(80).collect(),
            code: Code::BadParameter.name(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        let name =
            decode(name).ok_or_else(|| bad("?", "parameter names in UTF-8", "other bytes"))?;
        let value = decode(value).ok_or_else(|| bad(&name, "a value in UTF-8", "other bytes"))?;
        if name.contains('\0') || value.contains('\0') {
            return Err(bad(&name, "text", "a NUL character"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|code| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            Some((digit(code[0])? * 16 + digit(code[1])?) as u8)
        });
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded).ok()
}

/// The violation that names an unknown parameter and those there are.
pub fn unknown_parameter(name: &str, allowed: &[&str]) -> Violation {
    Violation {
        pointer: format!("/{}", name.chars().take(80).collect::<String>()),
        code: "unknown_parameter",
        expected: match allowed {
            [] => "no parameters".to_owned(),
            _ => format!("one of {}", allowed.join(", ")),
        },
        found: name.chars().take(80).collect(),
    }
}

/// Refuses every parameter.
pub fn no_parameters(uri: &Uri) -> Result<(), Problem> {
    match query_pairs(uri)?.first() {
        None => Ok(()),
        Some((name, _)) => {
            Err(Problem::of(Code::UnknownParameter, vec![unknown_parameter(name, &[])]))
        }
    }
}

/// Reads the parameters of a write: `refresh=wait` and nothing else. Tells whether to wait.
pub fn refresh(uri: &Uri) -> Result<bool, Problem> {
    let mut wait = false;
    for (name, value) in query_pairs(uri)? {
        if name != "refresh" {
            let violation = unknown_parameter(&name, &["refresh"]);
            return Err(Problem::of(Code::UnknownParameter, vec![violation]));
        }
        match value.as_str() {
            "wait" => wait = true,
            "" | "false" => {}
            _ => {
                let violation = Violation {
                    pointer: "/refresh".into(),
                    code: "bad_parameter",
                    expected: "wait".into(),
                    found: value.chars().take(80).collect(),
                };
                return Err(Problem::of(Code::BadParameter, vec![violation]));
            }
        }
    }
    Ok(wait)
}

/// Reads a header that may be given once, as text.
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad =
        |expected: &str| Problem::new(Code::BadHeader, format!("{name}: expected {expected}"));
    if values.next().is_some() {
        return Err(bad("one header; found several"));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim())),
        Err(_) => Err(bad("visible ASCII characters")),
    }
}

/// Refuses a content type that is given and is none of `allowed`.
pub fn media_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let found = value.to_str().unwrap_or("something unreadable");
    let essence = found.split(';').next().unwrap_or("").trim();
    let charset = found
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim_matches('"'));
    let known = allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(essence))
        && charset.is_none_or(|charset| {
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
        });
    if known {
        return Ok(());
    }
    let found: String = found.chars().take(80).collect();
    Err(Problem::new(
        Code::UnsupportedMediaType,
        format!("expected Content-Type: {} in UTF-8; found {found}", allowed[0]),
    ))
}

/// Reads a whole body of up to `limit` bytes.
pub async fn body(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    refuse_announced(headers, limit)?;
    let deadline = Instant::now() + state.limits.receive;
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        match timeout_at(deadline, chunks.next()).await {
            Err(_) => return Err(Problem::plain(Code::RequestTimeout)),
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) => bytes.extend_from_slice(&received(chunk)?),
        }
        if bytes.len() > limit {
            drop(bytes);
            discard(chunks, deadline).await;
            return Err(too_large(limit));
        }
    }
}

/// Turns a body that broke off into a problem.
pub fn received(chunk: Result<Bytes, axum::Error>) -> Result<Bytes, Problem> {
    chunk.map_err(|_| {
        Problem::new(Code::BadBody, "expected the whole body; found that it broke off")
    })
}

/// Refuses a body whose announced length is over `limit`.
pub fn refuse_announced(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // Without `Expect` the body is on its way already, and is read to its bounds.
    let may_stop = headers.contains_key(header::EXPECT)
        || announced.is_some_and(|length| length > (limit + DISCARDED) as u64);
    match announced {
        Some(length) if may_stop && length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

pub fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("expected up to {limit} bytes; found more"))
}

/// Reads on to the end, within bounds: a connection that is closed on a sender loses the answer.
async fn discard(mut chunks: axum::body::BodyDataStream, deadline: Instant) {
    let deadline = deadline.min(Instant::now() + Duration::from_secs(5));
    let mut length = 0;
    while let Ok(Some(Ok(chunk))) = timeout_at(deadline, chunks.next()).await {
        length += chunk.len();
        if length > DISCARDED {
            return;
        }
    }
}

/// Reads a JSON object that names each member once, at every depth.
pub fn json_object(bytes: &[u8]) -> Result<Fields, Problem> {
    match unique::value(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Problem::new(
            Code::BadBody,
            format!("expected a JSON object; found {}", name_of(&other)),
        )),
        Err(NoValue::Twice(pointer)) => {
            let violation = Violation {
                pointer,
                code: Code::DuplicateMember.name(),
                expected: "each member once".into(),
                found: "the member twice".into(),
            };
            Err(Problem::of(Code::DuplicateMember, vec![violation]))
        }
        Err(NoValue::Json(error)) => Err(Problem::new(
            Code::BadJson,
            format!(
                "expected a JSON object in UTF-8; found at line {}, column {}: {}",
                error.line(),
                error.column(),
                reason(&error)
            ),
        )),
    }
}

/// What is wrong, without the place, which `error` repeats at its end.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// The type of a value, in words.
pub fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_query_strings() {
        let check = |query: &str, expected: Option<&[(&str, &str)]>| {
            let uri: Uri = format!("/v1/search?{query}").parse().unwrap();
            let expected = expected.map(|pairs| {
                pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>()
            });
            assert_eq!(query_pairs(&uri).ok(), expected, "{query}");
        };
        check("", Some(&[]));
        check("q=a+b&&x", Some(&[("q", "a b"), ("x", "")]));
        check("q=%E7%A7%91%e5%88%9B", Some(&[("q", "科创")]));
        check("q=100%&r=%zz%4", Some(&[("q", "100%"), ("r", "%zz%4")]));
        check("q=a=b%3Dc", Some(&[("q", "a=b=c")]));
        check("q=%FF", None);
        check("%FF=1", None);
        check("q=%00", None);
    }

    #[test]
    fn names_line_and_column() {
        let problem = json_object(b"{\n \"a\": }").unwrap_err();
        assert_eq!(problem.code, Code::BadJson);
        assert!(problem.detail.contains("line 2, column 7"), "{}", problem.detail);
        assert_eq!(json_object(b"[1]").unwrap_err().code, Code::BadBody);
        let twice = json_object(b"{\"a\":{\"b\":1,\"b\":2}}").unwrap_err();
        assert_eq!(twice.code, Code::DuplicateMember);
        assert_eq!(twice.detail, "a/b: expected each member once; found the member twice");
        assert_eq!(json_object(b"{\"a\":\"\xff\"}").unwrap_err().code, Code::BadJson);
    }

    #[test]
    fn checks_media_types() {
        let check = |value: &str, good: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(media_type(&headers, &["application/json"]).is_ok(), good, "{value}");
        };
        check("application/json", true);
        check("Application/JSON; charset=\"UTF-8\"", true);
        check("application/json; charset=gbk", false);
        check("text/plain", false);
        check("", false);
        assert!(media_type(&HeaderMap::new(), &["application/json"]).is_ok());
    }
}
