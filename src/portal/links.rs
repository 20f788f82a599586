//! Addresses of pages: every state of the search page is a URL.

use std::fmt::Write as _;

use super::text::Lang;
use crate::query::request::SearchRequest;
use crate::query::scope::Scope;
use crate::record::validate::Violation;

/// What joins conditions that must all hold.
const AND: &str = " AND ";

/// What the address of a search page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPlace {
    pub q: String,
    /// Where the words are looked for.
    pub scope: Scope,
    pub kinds: Vec<String>,
    /// `FIELD:VALUE`, without doubles.
    pub select: Vec<String>,
    pub filter: Option<String>,
    pub sort: Option<String>,
    pub offset: usize,
    pub raw: bool,
    /// The language that was chosen by `?lang=`.
    pub lang: Option<Lang>,
}

impl SearchPlace {
    /// Reads the parameters of an address. Names it does not know are ignored: other sites add their own.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, Violation> {
        let mut place = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "q" => place.q = value.trim().to_owned(),
                "in" => place.scope = Scope::named(value).unwrap_or_default(),
                "kind" => {
                    for kind in value.split(',').map(str::trim).filter(|kind| !kind.is_empty()) {
                        push_new(&mut place.kinds, kind);
                    }
                }
                "select" => match value.strip_prefix("kind:") {
                    Some(kind) => push_new(&mut place.kinds, kind),
                    None if value.is_empty() => {}
                    None => push_new(&mut place.select, value),
                },
                "filter" => {
                    place.filter = Some(value.trim().to_owned()).filter(|text| !text.is_empty())
                }
                "sort" => place.sort = Some(value.clone()).filter(|text| !text.is_empty()),
                "offset" => {
                    place.offset = match value.as_str() {
                        "" => 0,
                        text => text.parse().map_err(|_| Violation {
                            pointer: "/offset".into(),
                            code: "offset_too_deep",
                            expected: "a whole number from 0 to 1000".into(),
                            found: text.chars().take(80).collect(),
                        })?,
                    }
                }
                "raw" => place.raw = value == "true",
                "lang" => place.lang = Lang::named(value),
                // Whoever asks for a certain page must not get another.
                "page" | "cursor" => {
                    return Err(Violation {
                        pointer: format!("/{name}"),
                        code: "unknown_parameter",
                        expected: "offset, a whole number from 0 to 1000".into(),
                        found: name.clone(),
                    });
                }
                _ => {}
            }
        }
        Ok(place)
    }

    /// The request that the page makes; kinds are selected, so that the other kinds are counted too.
    pub fn request(&self) -> SearchRequest {
        let kinds = self.kinds.iter().map(|kind| format!("kind:{kind}"));
        SearchRequest {
            q: self.q.clone(),
            scope: self.scope,
            filter: self.filter.clone(),
            select: kinds.chain(self.select.iter().cloned()).collect(),
            sort: self.sort.clone(),
            offset: Some(self.offset),
            raw: self.raw,
            ..SearchRequest::default()
        }
    }

    pub fn num_chosen(&self) -> u64 {
        (self.select.len() + usize::from(self.filter.is_some())) as u64
    }

    /// The first page of the same place after `change`.
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut place = Self { offset: 0, ..self.clone() };
        change(&mut place);
        place
    }

    /// Adds a selection, or takes it away.
    pub fn toggled(&self, selected: &str) -> Self {
        self.with(|place| {
            let before = place.select.len();
            place.select.retain(|other| other != selected);
            if place.select.len() == before {
                place.select.push(selected.to_owned());
            }
        })
    }

    /// The place with one condition more; `None` when it is there already.
    pub fn narrowed(&self, condition: &str) -> Option<Self> {
        let filter = match &self.filter {
            None => condition.to_owned(),
            Some(filter) if filter.split(AND).any(|part| part == condition) => return None,
            Some(filter) if filter.contains(" OR ") && !is_joined(filter) => {
                format!("({filter}){AND}{condition}")
            }
            Some(filter) => format!("{filter}{AND}{condition}"),
        };
        Some(self.with(|place| place.filter = Some(filter)))
    }

    /// The place without one of the conditions; `None` when it is not there.
    pub fn widened(&self, condition: &str) -> Option<Self> {
        let mut parts: Vec<&str> = self.filter.as_deref()?.split(AND).collect();
        let at = parts.iter().position(|part| *part == condition)?;
        parts.remove(at);
        let filter = Some(parts.join(AND)).filter(|filter| !filter.is_empty());
        Some(self.with(|place| place.filter = filter))
    }

    /// The place with one selection more; `None` when it is there already.
    pub fn selecting(&self, selected: &str) -> Option<Self> {
        let (list, value) = match selected.strip_prefix("kind:") {
            Some(kind) => (&self.kinds, kind),
            None => (&self.select, selected),
        };
        let is_new = !list.iter().any(|known| known == value);
        is_new.then(|| {
            self.with(|place| match selected.strip_prefix("kind:") {
                Some(kind) => place.kinds = vec![kind.to_owned()],
                None => place.select.push(selected.to_owned()),
            })
        })
    }

    pub fn at(&self, offset: usize) -> Self {
        Self { offset, ..self.clone() }
    }

    pub fn href(&self) -> String {
        self.address("/search")
    }

    /// Address of the Atom feed of the newest that the place finds.
    pub fn feed(&self) -> String {
        let place = Self { sort: None, offset: 0, ..self.clone() };
        place.address("/search.atom")
    }

    /// Address of the results as a table.
    pub fn table(&self) -> String {
        self.at(0).address("/search.csv")
    }

    /// Address to say that what the place is asked for is not there.
    pub fn unfound(&self) -> String {
        self.at(0).address("/search/unfound")
    }

    /// Address of the page that subscribes to what the place finds.
    pub fn subscribe(&self) -> String {
        let place = Self { sort: None, offset: 0, raw: false, ..self.clone() };
        place.address("/subscriptions/new")
    }

    fn address(&self, path: &str) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        if !self.q.is_empty() {
            pairs.push(("q", self.q.clone()));
        }
        if !self.scope.is_everything() {
            pairs.push(("in", self.scope.name().to_owned()));
        }
        if !self.kinds.is_empty() {
            pairs.push(("kind", self.kinds.join(",")));
        }
        pairs.extend(self.select.iter().map(|selected| ("select", selected.clone())));
        pairs.extend(self.filter.iter().map(|filter| ("filter", filter.clone())));
        pairs.extend(self.sort.iter().map(|sort| ("sort", sort.clone())));
        if self.offset > 0 {
            pairs.push(("offset", self.offset.to_string()));
        }
        if self.raw {
            pairs.push(("raw", "true".into()));
        }
        pairs.extend(self.lang.map(|lang| ("lang", lang.name().to_owned())));
        address(path, pairs.iter().map(|(name, value)| (*name, value.as_str())))
    }
}

/// Tells whether brackets hold everything together that `OR` parts.
fn is_joined(filter: &str) -> bool {
    filter.split(AND).all(|part| {
        !part.contains(" OR ")
            || part.starts_with('(') && part.find(')').is_some_and(|at| at + 1 == part.len())
    })
}

fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// Joins a path and parameters.
pub fn address<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    let mut sign = '?';
    for (name, value) in pairs {
        address.push(sign);
        encode(name, &mut address);
        address.push('=');
        encode(value, &mut address);
        sign = '&';
    }
    address
}

/// Address of a record's page, without parameters.
pub fn record_path(kind: &str, id: &str) -> String {
    let mut path = "/records/".to_owned();
    encode(kind, &mut path);
    path.push('/');
    encode(id, &mut path);
    path
}

/// Percent-encodes everything but what is never special in a URL; `,` and `:` stay readable.
fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,:".contains(&byte) {
            to.push(char::from(byte));
        } else {
            write!(to, "%{byte:02X}").expect("a string takes everything");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn reads_and_writes_addresses() {
        let place = SearchPlace::read(&pairs(&[
            ("q", " 海水 淡化&膜 "),
            ("kind", "a,b"),
            ("kind", "a"),
            ("select", "field:x y"),
            ("select", "field:x y"),
            ("select", "kind:b"),
            ("filter", "n > 3"),
            ("sort", "field:asc"),
            ("offset", "40"),
            ("lang", "en"),
            ("utm_source", "elsewhere"),
        ]))
        .unwrap();
        assert_eq!(
            place.href(),
            "/search?q=%E6%B5%B7%E6%B0%B4%20%E6%B7%A1%E5%8C%96%26%E8%86%9C&kind=a,b&select=field:x%20y\
             &filter=n%20%3E%203&sort=field:asc&offset=40&lang=en"
        );
        assert_eq!(place.request().select, ["kind:a", "kind:b", "field:x y"]);
        assert!(SearchPlace::read(&pairs(&[("offset", "-1")])).is_err());
        assert_eq!(SearchPlace::read(&pairs(&[("offset", "")])).unwrap(), SearchPlace::default());
    }

    #[test]
    fn conditions_come_and_go() {
        let place = SearchPlace { filter: Some("a = 1 OR b = 2".into()), ..Default::default() };
        let offered = "(c >= 3 OR d >= 3)";
        let narrowed = place.narrowed(offered).expect("it is new");
        assert_eq!(narrowed.filter.as_deref(), Some("(a = 1 OR b = 2) AND (c >= 3 OR d >= 3)"));
        assert_eq!(narrowed.narrowed(offered), None);
        let twice = narrowed.narrowed("e = 5").expect("it is new");
        assert_eq!(
            twice.filter.as_deref(),
            Some("(a = 1 OR b = 2) AND (c >= 3 OR d >= 3) AND e = 5")
        );
        let back = twice.widened("e = 5").and_then(|place| place.widened(offered));
        assert_eq!(back.expect("both are there").filter.as_deref(), Some("(a = 1 OR b = 2)"));
        assert_eq!(place.widened(offered), None);
        let only = SearchPlace::default().narrowed("e = 5").expect("it is new");
        assert_eq!(only.widened("e = 5"), Some(SearchPlace::default()));
    }

    #[test]
    fn toggling_twice_changes_nothing_but_the_page() {
        let place = SearchPlace { select: vec!["a:1".into()], offset: 20, ..Default::default() };
        let more = place.toggled("b:2");
        assert_eq!((more.select.len(), more.offset), (2, 0));
        assert_eq!(more.toggled("b:2").select, place.select);
    }

    #[test]
    fn encodes_what_is_special() {
        assert_eq!(record_path("kind", "a/b?\"<中"), "/records/kind/a%2Fb%3F%22%3C%E4%B8%AD");
    }
}
