//! What a caller asks, checked.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{ApplicabilityService, CheckError};
use crate::applicability::Profile;
use crate::applicability::profile::Note;
use crate::applicability::window::Exclusion;
use crate::query::filter::{self, Filter};
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::record::{Lang, RecordId};

/// Members of a request.
pub const MEMBERS: [&str; 12] = [
    "profile",
    "profile_id",
    "assume",
    "as_of",
    "kind",
    "ids",
    "filter",
    "include",
    "limit",
    "offset",
    "questions",
    "lang",
];
/// Ids of one request.
const MAX_IDS: usize = 1_000;
pub const MAX_LIMIT: usize = 1_000;
const MAX_OFFSET: usize = 100_000;
/// Questions of one answer, and how many there are when a request does not say.
const MAX_QUESTIONS: usize = 20;
const QUESTIONS: usize = 3;

/// What is asked. Members as in the API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckRequest {
    pub profile: Map<String, Value>,
    /// What to go on with where the profile does not say.
    pub assume: Map<String, Value>,
    /// Days since 1970-01-01.
    pub as_of: i32,
    pub today: i32,
    pub kinds: Vec<String>,
    pub ids: Vec<String>,
    pub filter: Option<String>,
    /// Reasons whose records are shown all the same.
    pub include: Vec<String>,
    pub limit: Option<usize>,
    pub offset: usize,
    pub questions: Option<usize>,
    /// Of each class of records at most so many, in place of `limit` and `offset`: a page that shows the first of each.
    pub of_each: Option<usize>,
    /// The language of what is said.
    pub lang: Lang,
}

/// A request of which everything is known to exist.
pub(super) struct Checked {
    pub profile: Profile,
    pub notes: Vec<Note>,
    pub kinds: Vec<Arc<str>>,
    pub ids: Option<Vec<RecordId>>,
    pub filter: Option<Filter>,
    pub include: Vec<Exclusion>,
    pub questions: usize,
}

fn violation(pointer: &str, expected: impl Into<String>, found: impl Into<String>) -> Violation {
    Violation {
        pointer: pointer.to_owned(),
        code: "bad_parameter",
        expected: expected.into(),
        found: found.into().chars().take(80).collect(),
    }
}

impl CheckRequest {
    pub(super) fn check(&self, service: &ApplicabilityService) -> Result<Checked, CheckError> {
        let mut wrong = Vec::new();
        let with_rules: Vec<&Arc<str>> = service
            .catalog
            .kinds
            .iter()
            .filter(|kind| kind.applicability.is_some())
            .map(|kind| &kind.name)
            .collect();
        let mut kinds = Vec::new();
        for kind in &self.kinds {
            match with_rules.iter().find(|known| known.as_ref() == kind) {
                Some(known) => kinds.push((*known).clone()),
                None => {
                    let known: Vec<&str> = with_rules.iter().map(|kind| &***kind).collect();
                    let expected = format!("a kind with conditions: {}", known.join(", "));
                    wrong.push(violation("/kind", expected, kind));
                }
            }
        }
        let mut include = Vec::new();
        for reason in &self.include {
            match Exclusion::NAMES.iter().find(|(name, _)| name == reason) {
                Some((_, reason)) => include.push(*reason),
                None => {
                    let known: Vec<&str> = Exclusion::NAMES.iter().map(|(name, _)| *name).collect();
                    let expected = format!("one of {}", known.join(", "));
                    wrong.push(violation("/include", expected, reason));
                }
            }
        }
        if self.ids.len() > MAX_IDS {
            let expected = format!("at most {MAX_IDS} ids");
            wrong.push(violation("/ids", expected, self.ids.len().to_string()));
        }
        if let Some(limit) = self.limit.filter(|limit| !(1..=MAX_LIMIT).contains(limit)) {
            let expected = format!("1 to {MAX_LIMIT}, or nothing for everything");
            wrong.push(violation("/limit", expected, limit.to_string()));
        }
        if self.offset > MAX_OFFSET {
            let expected = format!("0 to {MAX_OFFSET}");
            wrong.push(violation("/offset", expected, self.offset.to_string()));
        }
        if let Some(questions) = self.questions.filter(|questions| *questions > MAX_QUESTIONS) {
            let expected = format!("0 to {MAX_QUESTIONS}");
            wrong.push(violation("/questions", expected, questions.to_string()));
        }
        if !wrong.is_empty() {
            return Err(CheckError::Bad(BadRequest { code: "bad_parameter", violations: wrong }));
        }
        let filter = match self.filter.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(filter::parse(text, &service.catalog).map_err(|error| {
                let expected = format!("at character {}: {}", error.position, error.expected);
                let violation = Violation {
                    pointer: "/filter".to_owned(),
                    code: "bad_filter",
                    expected,
                    found: error.found,
                };
                CheckError::Bad(BadRequest { code: "bad_filter", violations: vec![violation] })
            })?),
        };
        let dictionary = &service.dictionary;
        let (mut profile, mut notes) =
            Profile::read(&self.profile, dictionary, self.as_of, self.today)
                .map_err(CheckError::Profile)?;
        let assumed = profile.assume(&self.assume, dictionary, self.as_of, self.today);
        for note in assumed.map_err(CheckError::Profile)? {
            // What followed before follows again.
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        // Ids are of one kind where one alone is asked for, else of any of them.
        let asked: Vec<Arc<str>> = match kinds.is_empty() {
            false => kinds.clone(),
            true => with_rules.into_iter().cloned().collect(),
        };
        let ids = (!self.ids.is_empty()).then(|| {
            let of = |id: &String| {
                let of_kind = |kind: &Arc<str>| RecordId::new(kind.clone(), id.as_str());
                asked.iter().map(of_kind).collect::<Vec<_>>()
            };
            self.ids.iter().flat_map(of).collect()
        });
        Ok(Checked {
            profile,
            notes,
            kinds,
            ids,
            filter,
            include,
            questions: self.questions.unwrap_or(QUESTIONS),
        })
    }
}
