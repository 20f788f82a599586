//! `/v1/bulk`: many records in one request, a line each.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep, timeout_at};

use super::problem::ProblemBody;
use super::{AppState, Code, PoolError, Problem, auth, input, records};
use crate::app::App;
use crate::record::{RecordId, Revision};
use crate::service::ingest::{Draft, Rejection, Written};
use crate::service::keys::Key;
use crate::store::StoreError;

const MEDIA_TYPE: &str = "application/x-ndjson";
/// Other names of the same, and what tools send that know no better.
const MEDIA_TYPES: [&str; 6] = [
    MEDIA_TYPE,
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json",
    "application/octet-stream",
];
/// Lines and bytes that are written together.
const GROUP_LINES: usize = 500;
const GROUP_BYTES: usize = 4 << 20;
/// Most lines of one request: bounds the answer.
const MAX_LINES: usize = 200_000;

/// Writes many records: a flat JSON object a line, each on its own.
///
/// Answers with one result a line, in order: `{"line","status","id","revision"}`, or a problem with its `line`. Blank
/// lines have none. What is acknowledged is on disk. The request is read in groups that are written one after another;
/// results are sent when all are known, so that callers may send everything before they read.
#[utoipa::path(post, path = "/v1/bulk", tag = "records", params(
    ("refresh" = Option<String>, Query, pattern = "^(wait|false)?$", description = "`wait`: answer when the records can be found, at most ten seconds later"),
))]
pub async fn write_bulk(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let wait = input::refresh(&uri)?;
    input::media_type(&headers, &MEDIA_TYPES)?;
    input::refuse_announced(&headers, state.limits.bulk_bytes)?;
    let mut bulk = Bulk {
        key,
        answer: Vec::new(),
        last: Revision::default(),
        deadline: Instant::now() + state.limits.bulk,
        wrote: false,
        state,
    };
    bulk.run(body).await?;
    let mut response = std::mem::take(&mut bulk.answer).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    records::refreshed(&bulk.state, &mut response, bulk.last, wait).await;
    Ok(response)
}

/// One request on its way.
struct Bulk {
    state: AppState,
    key: Arc<Key>,
    answer: Vec<u8>,
    /// The last change that was made.
    last: Revision,
    deadline: Instant,
    /// Something was handed to the store: from here on every line has its own answer.
    wrote: bool,
}

impl Bulk {
    /// Reads the body to its end, or to a bound, which the last line of the answer names.
    async fn run(&mut self, body: Body) -> Result<(), Problem> {
        let limits = self.state.limits;
        let mut chunks = body.into_data_stream();
        let mut splitter = Splitter::new(limits.body_bytes);
        let mut received = 0;
        let stopped = loop {
            let chunk = match timeout_at(self.deadline, chunks.next()).await {
                Err(_) => break Some(Problem::plain(Code::RequestTimeout)),
                Ok(None) => break None,
                Ok(Some(chunk)) => match input::received(chunk) {
                    Ok(chunk) => chunk,
                    Err(problem) => break Some(problem),
                },
            };
            received += chunk.len();
            if received > limits.bulk_bytes {
                break Some(input::too_large(limits.bulk_bytes));
            }
            splitter.push(&chunk);
            while splitter.has_group() {
                let group = splitter.take_group();
                self.write(group).await?;
            }
            if splitter.num_lines > MAX_LINES {
                break Some(Problem::new(
                    Code::BodyTooLarge,
                    format!("expected up to {MAX_LINES} lines; found more"),
                ));
            }
        };
        if stopped.is_none() {
            splitter.end();
        }
        while !splitter.lines.is_empty() {
            let group = splitter.take_group();
            self.write(group).await?;
        }
        match stopped {
            Some(problem) if !self.wrote => Err(problem),
            Some(problem) => {
                let detail =
                    format!("{}; this line and those after it were not read", problem.detail);
                let problem = Problem { detail, ..problem };
                report(&mut self.answer, splitter.number + 1, &problem);
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn write(&mut self, group: Vec<Line>) -> Result<(), Problem> {
        let group = Arc::new(group);
        let outcome = loop {
            let (app, key, lines) = (self.state.app.clone(), self.key.clone(), group.clone());
            match self.state.writes.run(move || write_group(&app, &key, &lines)).await {
                // The first group may be refused; the later ones wait for their turn.
                Err(PoolError::Overloaded) if self.wrote && Instant::now() < self.deadline => {
                    sleep(Duration::from_millis(50)).await;
                }
                outcome => break outcome,
            }
        };
        let problem = match outcome {
            Ok(Ok(written)) => {
                self.answer.extend_from_slice(&written.answer);
                self.last = self.last.max(written.last);
                self.wrote = true;
                return Ok(());
            }
            Ok(Err(error)) => Problem::from(error),
            Err(error) => Problem::from(error),
        };
        if !self.wrote {
            return Err(problem);
        }
        for line in group.iter() {
            report(&mut self.answer, line.number, &problem);
        }
        Ok(())
    }
}

/// Answers of a group.
struct Group {
    answer: Vec<u8>,
    last: Revision,
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    line: usize,
    status: u16,
    kind: &'a str,
    id: &'a str,
    revision: Revision,
}

#[derive(Serialize)]
struct Refused<'a> {
    line: usize,
    #[serde(flatten)]
    problem: ProblemBody<'a>,
}

fn write_group(app: &App, key: &Key, lines: &[Line]) -> Result<Group, StoreError> {
    let mut drafts = Vec::with_capacity(lines.len());
    let read: Vec<Result<(), Problem>> = lines
        .iter()
        .map(|line| {
            let draft = read_line(line)?;
            drafts.push(draft);
            Ok(())
        })
        .collect();
    let mut written = app.ingest.put(drafts, key, &app.clock.now())?.into_iter();
    let mut group = Group { answer: Vec::new(), last: Revision::default() };
    for (line, read) in lines.iter().zip(read) {
        let outcome = match read {
            Ok(()) => written.next().expect("every draft is answered").map_err(refuse),
            Err(problem) => Err(problem),
        };
        match outcome {
            Ok(Written { record, created }) => {
                group.last = group.last.max(record.revision);
                let RecordId { kind, id } = record.record_id();
                let answer = Acknowledged {
                    line: line.number,
                    status: if created { 201 } else { 200 },
                    kind: &kind,
                    id: &id,
                    revision: record.revision,
                };
                push_line(&mut group.answer, &answer);
            }
            Err(problem) => report(&mut group.answer, line.number, &problem),
        }
    }
    Ok(group)
}

fn read_line(line: &Line) -> Result<Draft, Problem> {
    let bytes = match &line.content {
        Content::Text(bytes) => bytes,
        Content::TooLong(limit) => return Err(input::too_large(*limit)),
    };
    let object = input::json_object(bytes)?;
    let mut draft = Draft::from_object(object, None, None)
        .map_err(|violations| Problem::of(Code::InvalidRecord, violations))?;
    draft.source = Some(records::SOURCE.into());
    Ok(draft)
}

/// A line has no path: what is wrong with its kind or id is wrong with the record.
fn refuse(rejection: Rejection) -> Problem {
    let names_record = matches!(rejection, Rejection::UnknownKind { .. } | Rejection::BadId { .. });
    let problem = Problem::from(rejection);
    if names_record { Problem { code: Code::InvalidRecord, ..problem } } else { problem }
}

fn report(answer: &mut Vec<u8>, line: usize, problem: &Problem) {
    push_line(answer, &Refused { line, problem: problem.body() });
}

fn push_line(answer: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *answer, line).expect("a result has only string keys");
    answer.push(b'\n');
}

/// A line of the body that is not blank.
#[derive(Debug, PartialEq)]
struct Line {
    /// From 1; blank lines count.
    number: usize,
    content: Content,
}

#[derive(Debug, PartialEq)]
enum Content {
    Text(Vec<u8>),
    /// Longer than this many bytes; what it held is gone.
    TooLong(usize),
}

impl Line {
    fn size(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.len(),
            Content::TooLong(_) => 0,
        }
    }
}

/// Cuts a body that comes in pieces into lines.
struct Splitter {
    limit: usize,
    lines: Vec<Line>,
    /// Bytes of the lines.
    size: usize,
    partial: Vec<u8>,
    too_long: bool,
    /// Of the last whole line.
    number: usize,
    /// Lines that were not blank.
    num_lines: usize,
}

impl Splitter {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            lines: Vec::new(),
            size: 0,
            partial: Vec::new(),
            too_long: false,
            number: 0,
            num_lines: 0,
        }
    }

    fn push(&mut self, chunk: &Bytes) {
        let mut rest: &[u8] = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.finish_line();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.too_long || self.partial.len() + bytes.len() > self.limit + 1 {
            self.too_long = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn finish_line(&mut self) {
        self.number += 1;
        let mut text = std::mem::take(&mut self.partial);
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        if self.number == 1 && text.starts_with("\u{feff}".as_bytes()) {
            text.drain(..3);
        }
        let content = if std::mem::take(&mut self.too_long) || text.len() > self.limit {
            Content::TooLong(self.limit)
        } else if text.iter().all(u8::is_ascii_whitespace) {
            return;
        } else {
            self.size += text.len();
            Content::Text(text)
        };
        self.num_lines += 1;
        self.lines.push(Line { number: self.number, content });
    }

    /// Takes what follows the last line break as a line.
    fn end(&mut self) {
        if self.too_long || !self.partial.is_empty() {
            self.finish_line();
        }
    }

    fn has_group(&self) -> bool {
        self.lines.len() >= GROUP_LINES || self.size >= GROUP_BYTES
    }

    /// Takes up to a group of lines.
    fn take_group(&mut self) -> Vec<Line> {
        let mut bytes = 0;
        let end = self
            .lines
            .iter()
            .take(GROUP_LINES)
            .take_while(|line| {
                let fits = bytes < GROUP_BYTES;
                bytes += line.size();
                fits
            })
            .count();
        let rest = self.lines.split_off(end);
        let group = std::mem::replace(&mut self.lines, rest);
        self.size = self.lines.iter().map(Line::size).sum();
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]], limit: usize) -> Vec<(usize, Option<String>)> {
        let mut splitter = Splitter::new(limit);
        for chunk in chunks {
            splitter.push(&Bytes::copy_from_slice(chunk));
        }
        splitter.end();
        splitter
            .lines
            .into_iter()
            .map(|line| match line.content {
                Content::Text(text) => {
                    (line.number, Some(String::from_utf8_lossy(&text).into_owned()))
                }
                Content::TooLong(_) => (line.number, None),
            })
            .collect()
    }

    fn line(number: usize, text: &str) -> (usize, Option<String>) {
        (number, Some(text.to_owned()))
    }

    #[test]
    fn lines_are_the_same_wherever_the_body_is_cut() {
        let body = "\u{feff}{a}\r\n\n  \r\n{科}\n{c}".as_bytes();
        let expected = vec![line(1, "{a}"), line(4, "{科}"), line(5, "{c}")];
        for cut in 0..=body.len() {
            assert_eq!(split(&[&body[..cut], &body[cut..]], 100), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_long_line_is_refused_alone() {
        let found = split(&[b"1234\n12345\n12345\r\n123", b"456\n1234\r\n"], 4);
        let expected = vec![line(1, "1234"), (2, None), (3, None), (4, None), line(5, "1234")];
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_keep_order_and_lose_nothing() {
        let mut splitter = Splitter::new(1 << 20);
        let body: String = (0..1_234).map(|at| format!("{at}\n")).collect();
        splitter.push(&Bytes::from(body));
        splitter.end();
        let mut numbers = Vec::new();
        while !splitter.lines.is_empty() {
            let group = splitter.take_group();
            assert!(!group.is_empty() && group.len() <= GROUP_LINES);
            numbers.extend(group.iter().map(|line| line.number));
        }
        assert_eq!(numbers, (1..=1_234).collect::<Vec<_>>());
    }
}
