//! What a caller asks for, and its check against the catalog.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::filter::{self, Filter};
use super::ladder::Relaxation;
use super::scope::Scope;
use super::{After, Order, Selection, typed};
use crate::record::FieldType;
use crate::record::kind::{Catalog, Direction, Facet};
use crate::record::nearest::nearest;
use crate::record::validate::Violation;

pub const DEFAULT_LIMIT: usize = 20;
pub const MAX_LIMIT: usize = 100;
pub const MAX_OFFSET: usize = 1_000;
/// Most facets counted in one request.
const MAX_FACETS: usize = 20;
/// Longest cursor, in bytes.
const MAX_CURSOR: usize = 4_096;
/// Most values selected in one request.
const MAX_SELECTED: usize = 100;

/// A search as it arrives: the query string's parameters, or the members of a JSON body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchRequest {
    pub q: String,
    /// Where `q` is looked for.
    #[serde(rename = "in", skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    pub kind: Vec<String>,
    pub filter: Option<String>,
    pub select: Vec<String>,
    pub facets: Vec<String>,
    pub sort: Option<String>,
    pub limit: Option<usize>,
    pub offset: Option<usize>,
    pub cursor: Option<String>,
    pub raw: bool,
    pub explain: bool,
}

/// A request whose every name is known and every number in range.
#[derive(Clone, Debug)]
pub struct CheckedRequest {
    pub q: String,
    pub scope: Scope,
    pub kinds: Vec<Arc<str>>,
    pub filter: Option<Filter>,
    pub selections: Vec<Selection>,
    pub facets: Vec<Arc<str>>,
    /// `None`: by relevance when something was typed, else newest first.
    pub order: Option<Order>,
    pub limit: usize,
    pub offset: usize,
    pub cursor: Option<Cursor>,
    /// Nothing is corrected, replaced or understood.
    pub raw: bool,
    /// Whether words that no record holds may be corrected.
    pub corrects: bool,
    pub explain: bool,
    /// The loosest way to match that may answer.
    pub loosest: Relaxation,
    /// Of everything that decides which results there are, and their order.
    pub fingerprint: u64,
}

/// Where the next page begins. Opaque to callers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "r")]
    pub relaxation: Relaxation,
    #[serde(rename = "a")]
    pub after: After,
    /// Fingerprint of the request it belongs to.
    #[serde(rename = "f")]
    pub fingerprint: u64,
    /// What the query was corrected to, which stays when the words of the index change.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
}

impl Cursor {
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("a cursor has only string keys");
        URL_SAFE_NO_PAD.encode(json)
    }

    pub fn decode(text: &str) -> Option<Self> {
        if text.len() > MAX_CURSOR {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRequest {
    /// One of the API's codes.
    pub code: &'static str,
    pub violations: Vec<Violation>,
}

impl SearchRequest {
    /// Checks every name and number; answers with everything that is wrong.
    pub fn check(&self, catalog: &Catalog) -> Result<CheckedRequest, BadRequest> {
        let mut wrong = Wrong::default();
        let length = self.q.chars().count();
        if length > typed::MAX_LENGTH {
            wrong.add(
                "q",
                "query_too_long",
                format!("at most {} characters", typed::MAX_LENGTH),
                format!("{length} characters"),
            );
        }
        let kinds = self
            .kind
            .iter()
            .filter_map(|name| match catalog.kind(name) {
                Some(kind) => Some(kind.name.clone()),
                None => {
                    let all: Vec<&str> = catalog.kinds.iter().map(|kind| &*kind.name).collect();
                    wrong.add("kind", "unknown_kind", format!("one of {}", all.join(", ")), name);
                    None
                }
            })
            .collect();
        let filter =
            self.filter.as_deref().filter(|text| !text.trim().is_empty()).and_then(|text| {
                match filter::parse(text, catalog) {
                    Ok(filter) => Some(filter),
                    Err(error) => {
                        wrong.add(
                            "filter",
                            "bad_filter",
                            format!("at character {}: {}", error.position, error.expected),
                            error.found,
                        );
                        None
                    }
                }
            });
        let facets = self.check_facets(catalog, &mut wrong);
        let selections = self.check_selections(catalog, &mut wrong);
        let order = self.check_sort(catalog, &mut wrong);
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 || limit > MAX_LIMIT {
            wrong.add("limit", "bad_limit", format!("1 to {MAX_LIMIT}"), limit);
        }
        let offset = self.offset.unwrap_or(0);
        if offset > MAX_OFFSET {
            wrong.add(
                "offset",
                "offset_too_deep",
                format!(
                    "at most {MAX_OFFSET}; go deeper with `cursor`, given as `next` in each answer"
                ),
                offset,
            );
        }
        let fingerprint = self.fingerprint();
        let cursor = self.cursor.as_deref().and_then(|text| {
            let cursor = Cursor::decode(text);
            match &cursor {
                _ if self.offset.is_some() => {
                    wrong.add("cursor", "bad_cursor", "either `cursor` or `offset`", "both");
                }
                None => {
                    wrong.add("cursor", "bad_cursor", "the `next` of an earlier answer", text);
                }
                Some(cursor) if cursor.fingerprint != fingerprint => wrong.add(
                    "cursor",
                    "bad_cursor",
                    "the same q, in, kind, filter, select and sort as in the request that gave it",
                    "another request",
                ),
                Some(_) => {}
            }
            cursor
        });
        wrong.into_result(CheckedRequest {
            q: self.q.clone(),
            scope: self.scope,
            kinds,
            filter,
            selections,
            facets,
            order,
            limit,
            offset,
            cursor,
            raw: self.raw,
            corrects: !self.raw,
            explain: self.explain,
            loosest: Relaxation::Grams,
            fingerprint,
        })
    }

    fn check_facets(&self, catalog: &Catalog, wrong: &mut Wrong) -> Vec<Arc<str>> {
        if self.facets.len() > MAX_FACETS {
            wrong.add(
                "facets",
                "too_many_facets",
                format!("at most {MAX_FACETS}"),
                self.facets.len(),
            );
            return Vec::new();
        }
        let mut facets: Vec<Arc<str>> = Vec::new();
        for name in &self.facets {
            match facetable(name, catalog) {
                Some(path) if !facets.contains(&path) => facets.push(path),
                Some(_) => {}
                None => wrong.unknown_facet("facets", name, catalog),
            }
        }
        facets
    }

    fn check_selections(&self, catalog: &Catalog, wrong: &mut Wrong) -> Vec<Selection> {
        if self.select.len() > MAX_SELECTED {
            wrong.add(
                "select",
                "too_many_selected",
                format!("at most {MAX_SELECTED}"),
                self.select.len(),
            );
            return Vec::new();
        }
        let mut selections: Vec<Selection> = Vec::new();
        for selected in &self.select {
            let Some((name, value)) = selected.split_once(':') else {
                wrong.add("select", "bad_select", "FIELD:VALUE", selected);
                continue;
            };
            let Some(path) = facetable(name, catalog) else {
                wrong.unknown_facet("select", name, catalog);
                continue;
            };
            if let Some(expected) = unknown_value(&path, value, catalog) {
                wrong.add("select", "bad_select", expected, selected);
                continue;
            }
            match selections.iter_mut().find(|selection| selection.path == path) {
                Some(selection) => selection.values.push(value.to_owned()),
                None => selections.push(Selection { path, values: vec![value.to_owned()] }),
            }
        }
        selections
    }

    fn check_sort(&self, catalog: &Catalog, wrong: &mut Wrong) -> Option<Order> {
        let sort = self.sort.as_deref().filter(|sort| !sort.is_empty())?;
        match sort {
            "relevance" => return Some(Order::Score),
            "newest" => return Some(Order::Newest),
            _ => {}
        }
        let (name, direction) = match sort.rsplit_once(':') {
            Some((name, "asc")) => (name, Direction::Ascending),
            Some((name, "desc")) => (name, Direction::Descending),
            _ => {
                wrong.add("sort", "bad_sort", "FIELD:asc, FIELD:desc, relevance or newest", sort);
                return None;
            }
        };
        let sortable = |path: &str| {
            catalog.column(path).filter(|column| column.sortable).map(|column| column.path.clone())
        };
        let path = sortable(name);
        if path.is_none() {
            let known: Vec<&str> = catalog
                .columns
                .values()
                .filter(|column| sortable(&column.path).is_some())
                .map(|column| &*column.path)
                .collect();
            wrong.add("sort", "unknown_sort", format!("one of {}", known.join(", ")), name);
        }
        Some(Order::Field { path: path?, direction })
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.q, &self.kind, &self.filter, &self.select, &self.sort, self.raw).hash(&mut hasher);
        self.scope.hash(&mut hasher);
        hasher.finish()
    }
}

/// Returns the path of a column that has a facet; the kind is one.
pub fn facetable(name: &str, catalog: &Catalog) -> Option<Arc<str>> {
    if name == "kind" {
        return Some("kind".into());
    }
    let column = catalog.column(name)?;
    let counted = column.facet.is_some() || column.field_type == FieldType::Bool;
    counted.then(|| column.path.clone())
}

/// Says which values a facet has when `value` cannot be one of them.
fn unknown_value(path: &str, value: &str, catalog: &Catalog) -> Option<String> {
    let keys = |keys: Vec<&str>| {
        (!keys.contains(&value)).then(|| format!("a bucket of `{path}`: {}", keys.join(", ")))
    };
    if path == "kind" {
        let all: Vec<&str> = catalog.kinds.iter().map(|kind| &*kind.name).collect();
        return (!all.contains(&value)).then(|| format!("one of {}", all.join(", ")));
    }
    let column = catalog.column(path)?;
    match &column.facet {
        Some(Facet::Ranges { buckets }) => keys(buckets.iter().map(|b| &*b.key).collect()),
        Some(Facet::RelativeDates { buckets }) => keys(buckets.iter().map(|b| &*b.key).collect()),
        _ => {
            let vocabulary = column.vocabulary.as_deref()?;
            vocabulary
                .get(value)
                .is_none()
                .then(|| format!("a code of the vocabulary `{}`", vocabulary.name))
        }
    }
}

#[derive(Default)]
struct Wrong {
    violations: Vec<Violation>,
}

impl Wrong {
    fn add(
        &mut self,
        parameter: &str,
        code: &'static str,
        expected: impl Into<String>,
        found: impl ToString,
    ) {
        self.violations.push(Violation {
            pointer: format!("/{parameter}"),
            code,
            expected: expected.into(),
            found: found.to_string().chars().take(80).collect(),
        });
    }

    fn unknown_facet(&mut self, parameter: &str, name: &str, catalog: &Catalog) {
        let known = || {
            catalog
                .columns
                .keys()
                .filter(|path| facetable(path, catalog).is_some())
                .map(|path| &**path)
                .chain(["kind"])
        };
        let expected = match nearest(name, known()).first() {
            Some(near) => format!("a field with a facet, such as {near}"),
            None => format!("a field with a facet: {}", known().collect::<Vec<_>>().join(", ")),
        };
        self.add(parameter, "unknown_facet", expected, name);
    }

    fn into_result<T>(self, value: T) -> Result<T, BadRequest> {
        match self.violations.first() {
            None => Ok(value),
            Some(first) => Err(BadRequest { code: first.code, violations: self.violations }),
        }
    }
}
