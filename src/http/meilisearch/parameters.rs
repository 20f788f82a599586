//! What a search takes, from a query string or a JSON object.

use serde_json::Value;

use super::MAX_TOTAL_HITS;
use super::document::{Crop, Look};
use super::members::{Members, Shape};
use super::refusal::Refusal;
use crate::query::scope::Scope;
use crate::record::Fields;

const PREFIX: &str = "invalid_search";
const DEFAULT_LIMIT: usize = 20;
/// Larger numbers are no page that anybody turns to.
const MAX_NUMBER: usize = u32::MAX as usize;
/// Longest tag or marker, in characters.
const MAX_MARK: usize = 200;

/// How each parameter is written in a query string.
const SHAPES: [(&str, Shape); 26] = [
    ("q", Shape::Text),
    ("offset", Shape::Number),
    ("limit", Shape::Number),
    ("page", Shape::Number),
    ("hitsPerPage", Shape::Number),
    ("filter", Shape::Text),
    ("facets", Shape::Texts),
    ("sort", Shape::Texts),
    ("attributesToRetrieve", Shape::Texts),
    ("attributesToHighlight", Shape::Texts),
    ("highlightPreTag", Shape::Text),
    ("highlightPostTag", Shape::Text),
    ("attributesToCrop", Shape::Texts),
    ("cropLength", Shape::Number),
    ("cropMarker", Shape::Text),
    ("showMatchesPosition", Shape::Flag),
    ("showRankingScore", Shape::Flag),
    ("matchingStrategy", Shape::Text),
    ("locales", Shape::Texts),
    ("attributesToSearchOn", Shape::Texts),
    ("distinct", Shape::Text),
    ("rankingScoreThreshold", Shape::Number),
    ("showRankingScoreDetails", Shape::Flag),
    ("hybridEmbedder", Shape::Text),
    ("retrieveVectors", Shape::Flag),
    ("vector", Shape::Text),
];

/// What Meilisearch has and this has not, and why. Values that ask for nothing are taken.
const NOT_SERVED: [(&str, &str); 11] = [
    ("distinct", "documents are not grouped by a value"),
    ("rankingScoreThreshold", "a score orders hits and is no measure of fit"),
    ("showRankingScoreDetails", "`explain` of /v1/search says what a score is made of"),
    ("hybrid", "documents are found by their words"),
    ("hybridEmbedder", "documents are found by their words"),
    ("hybridSemanticRatio", "documents are found by their words"),
    ("vector", "documents are found by their words"),
    ("retrieveVectors", "documents have no vectors"),
    ("media", "documents are found by their words"),
    ("personalize", "answers are the same for everybody"),
    ("showPerformanceDetails", "the server's metrics are at /metrics"),
];

/// Languages that text is analyzed for; every text is analyzed for all of them.
pub const LOCALES: [&str; 8] = ["zh", "zho", "cmn", "zh-CN", "zh-Hans", "zh-Hant", "en", "eng"];

/// A search whose members have the right types.
#[derive(Debug)]
pub struct SearchParameters {
    pub q: String,
    pub scope: Scope,
    pub window: Window,
    /// Read by [`super::filter::read`].
    pub filter: Option<Value>,
    pub facets: Option<Vec<String>>,
    pub sort: Vec<String>,
    pub look: Look,
    pub shows_score: bool,
    /// Only what holds every word.
    pub all_words: bool,
}

/// Which hits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    Offset {
        offset: usize,
        limit: usize,
    },
    /// Pages are counted from 1; page 0 is empty.
    Page {
        page: usize,
        hits_per_page: usize,
    },
}

impl Window {
    pub fn take(members: &mut Members) -> Result<Self, Refusal> {
        let offset = members.number("offset", MAX_NUMBER)?;
        let limit = members.number("limit", MAX_NUMBER)?;
        let page = members.number("page", MAX_NUMBER)?;
        let hits_per_page = members.number("hitsPerPage", MAX_NUMBER)?;
        Ok(match (page, hits_per_page) {
            (None, None) => {
                Self::Offset { offset: offset.unwrap_or(0), limit: limit.unwrap_or(DEFAULT_LIMIT) }
            }
            (page, hits_per_page) => Self::Page {
                page: page.unwrap_or(1),
                hits_per_page: hits_per_page.unwrap_or(DEFAULT_LIMIT),
            },
        })
    }

    /// The first hit and the number of hits, of those that a search can page through.
    pub fn hits(self) -> (usize, usize) {
        let (offset, limit) = match self {
            Self::Offset { offset, limit } => (offset, limit),
            Self::Page { page: 0, .. } => (0, 0),
            Self::Page { page, hits_per_page } => {
                ((page - 1).saturating_mul(hits_per_page), hits_per_page)
            }
        };
        let offset = offset.min(MAX_TOTAL_HITS);
        (offset, limit.min(MAX_TOTAL_HITS - offset))
    }
}

impl SearchParameters {
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        Self::read(Members::from_pairs(pairs, &SHAPES, PREFIX)?)
    }

    pub fn from_object(object: Fields) -> Result<Self, Refusal> {
        Self::read(Members::new(object, PREFIX))
    }

    fn read(mut members: Members) -> Result<Self, Refusal> {
        for (name, reason) in NOT_SERVED {
            members.not_served(name, reason)?;
        }
        if let Some(locales) = members.texts("locales")?
            && let Some(other) = locales.iter().find(|locale| !LOCALES.contains(&locale.as_str()))
        {
            let expected = format!("some of {}", LOCALES.join(", "));
            return Err(members.wrong("locales", &expected, &Value::from(other.as_str())));
        }
        let strategies = "`last`, `frequency` (the same here) or `all`";
        let all_words =
            members.take("matchingStrategy", strategies, |value| match value.as_str()? {
                "last" | "frequency" => Some(false),
                "all" => Some(true),
                _ => None,
            })?;
        let parameters = Self {
            q: members.text("q")?.unwrap_or_default(),
            scope: scope(&mut members)?,
            window: Window::take(&mut members)?,
            filter: members.value("filter"),
            facets: members.texts("facets")?,
            sort: members.texts("sort")?.unwrap_or_default(),
            look: look(&mut members)?,
            shows_score: members.flag("showRankingScore")?.unwrap_or(false),
            all_words: all_words.unwrap_or(false),
        };
        let known: Vec<&str> = SHAPES.iter().map(|(name, _)| *name).collect();
        members.finish(&known)?;
        Ok(parameters)
    }
}

/// Words are looked for in every text of a document, or in its title.
fn scope(members: &mut Members) -> Result<Scope, Refusal> {
    const NAME: &str = "attributesToSearchOn";
    let attributes = members.texts(NAME)?.unwrap_or_default();
    let mut scope = Scope::All;
    for attribute in &attributes {
        match attribute.as_str() {
            "*" => return Ok(Scope::All),
            "title" => scope = Scope::Title,
            other => return Err(members.wrong(NAME, "`*` or `title`", &Value::from(other))),
        }
    }
    Ok(scope)
}

fn look(members: &mut Members) -> Result<Look, Refusal> {
    let mark = |members: &mut Members, name, default: &str| {
        let expected = format!("up to {MAX_MARK} characters");
        let mark = members.take(name, &expected, |value| {
            value.as_str().filter(|text| text.chars().count() <= MAX_MARK).map(str::to_owned)
        })?;
        Ok::<_, Refusal>(mark.unwrap_or_else(|| default.to_owned()))
    };
    let cropped = members.texts("attributesToCrop")?.unwrap_or_default();
    let length = members.number("cropLength", MAX_NUMBER)?.unwrap_or(10);
    let mut crops = Vec::with_capacity(cropped.len());
    for attribute in cropped {
        let (path, own) = match attribute.rsplit_once(':') {
            None => (attribute.as_str(), None),
            Some((path, words)) => match words.parse() {
                Ok(words) => (path, Some(words)),
                Err(_) => {
                    let found = Value::from(attribute.as_str());
                    return Err(members.wrong("attributesToCrop", "NAME or NAME:LENGTH", &found));
                }
            },
        };
        crops.push(Crop { path: path.to_owned(), words: own.unwrap_or(length) });
    }
    Ok(Look {
        retrieved: members.texts("attributesToRetrieve")?,
        highlighted: members.texts("attributesToHighlight")?.unwrap_or_default(),
        pre_tag: mark(members, "highlightPreTag", "<em>")?,
        post_tag: mark(members, "highlightPostTag", "</em>")?,
        crops,
        crop_marker: mark(members, "cropMarker", "…")?,
        shows_positions: members.flag("showMatchesPosition")?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Result<SearchParameters, String> {
        let Value::Object(object) = value else { panic!("an object") };
        SearchParameters::from_object(object).map_err(|refusal| refusal.code.into_owned())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Result<SearchParameters, String> {
        let pairs = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        SearchParameters::from_pairs(pairs.collect()).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn a_query_string_and_a_body_say_the_same() {
        let body = json!({
            "q": "膜", "page": 2, "hitsPerPage": 5, "facets": ["a", "b"], "sort": ["a:asc"],
            "attributesToCrop": ["body:50", "title"], "cropLength": 3, "showRankingScore": true,
            "highlightPreTag": null, "attributesToSearchOn": ["*"], "locales": ["cmn"],
            "matchingStrategy": "all",
        });
        let string = [
            ("q", "膜"),
            ("page", "2"),
            ("hitsPerPage", "5"),
            ("facets", "a, b"),
            ("sort", "a:asc"),
            ("attributesToCrop", "body:50,title"),
            ("cropLength", "3"),
            ("showRankingScore", "true"),
            ("matchingStrategy", "all"),
        ];
        let (body, string) = (object(body).unwrap(), pairs(&string).unwrap());
        assert_eq!(format!("{body:?}"), format!("{string:?}"));
        assert_eq!(body.look.crops[0].words, 50);
        assert_eq!(body.look.crops[1].words, 3);
        assert_eq!(body.look.pre_tag, "<em>");
    }

    #[test]
    fn windows_stay_within_what_can_be_paged_through() {
        let hits = |value: Value| object(value).unwrap().window.hits();
        assert_eq!(hits(json!({})), (0, 20));
        assert_eq!(hits(json!({ "offset": 995, "limit": 10 })), (995, 5));
        assert_eq!(hits(json!({ "offset": 5_000, "limit": 10 })), (1_000, 0));
        assert_eq!(hits(json!({ "page": 3 })), (40, 20));
        assert_eq!(hits(json!({ "page": 0 })), (0, 0));
        assert_eq!(hits(json!({ "hitsPerPage": 0, "page": 7 })), (0, 0));
        assert_eq!(hits(json!({ "hitsPerPage": 3, "offset": 9 })), (0, 3));
    }

    #[test]
    fn refuses_by_name() {
        let code = |value: Value| object(value).unwrap_err();
        assert_eq!(code(json!({ "limit": "5" })), "invalid_search_limit");
        assert_eq!(code(json!({ "limit": -5 })), "invalid_search_limit");
        assert_eq!(code(json!({ "page": 1.5 })), "invalid_search_page");
        assert_eq!(code(json!({ "facets": "a" })), "invalid_search_facets");
        assert_eq!(code(json!({ "matchingStrategy": "some" })), "invalid_search_matching_strategy");
        assert_eq!(
            code(json!({ "attributesToCrop": ["a:b"] })),
            "invalid_search_attributes_to_crop"
        );
        assert_eq!(code(json!({ "distinct": "a" })), "invalid_search_distinct");
        assert_eq!(code(json!({ "locales": ["fra"] })), "invalid_search_locales");
        assert_eq!(
            code(json!({ "attributesToSearchOn": ["title", "summary"] })),
            "invalid_search_attributes_to_search_on"
        );
        assert_eq!(code(json!({ "cropMarker": "x".repeat(201) })), "invalid_search_crop_marker");
        assert_eq!(code(json!({ "query": "a" })), "bad_request");
        assert_eq!(pairs(&[("limit", "five")]).unwrap_err(), "invalid_search_limit");
        assert_eq!(pairs(&[("q", "a"), ("q", "b")]).unwrap_err(), "invalid_search_q");
        assert_eq!(pairs(&[("query", "a")]).unwrap_err(), "bad_request");
    }
}
