//! Who looks at a page, and what stands around its content.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::assets;
use super::links::{SearchPlace, address};
use super::text::{Lang, Texts};
use crate::config::{SiteColor, SiteConfig};
use crate::http::{AppState, language};
use crate::query::scope::Scope;
use crate::record::Catalog;

/// Who looks, and at what.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub lang: Lang,
    /// The language that the address asks for.
    pub chosen: Option<Lang>,
    /// Large letters and wide spacing (长者模式).
    pub large: bool,
    pub path: String,
    pub pairs: Vec<(String, String)>,
    /// Scheme and host that the visitor sees, without a slash at the end.
    pub origin: String,
    pub site: Arc<SiteConfig>,
    pub catalog: Arc<Catalog>,
    /// The page is asked for, and nothing is sent.
    pub only_looks: bool,
    /// What the log calls the request.
    pub request_id: Option<String>,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = pairs.map(|query| query.0).unwrap_or_default();
        let chosen =
            pairs.iter().find(|(name, _)| name == "lang").and_then(|(_, lang)| Lang::named(lang));
        Ok(Self {
            lang: chosen.unwrap_or_else(|| language::accepted(&parts.headers)),
            chosen,
            large: View::asked(&pairs).or_else(|| View::kept(&parts.headers)) == Some(View::Large),
            path: parts.uri.path().to_owned(),
            origin: origin(&state.site, parts),
            pairs,
            site: state.site.clone(),
            catalog: state.app.catalog.clone(),
            only_looks: parts.method.is_safe(),
            request_id: {
                let id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok());
                id.map(str::to_owned)
            },
        })
    }
}

/// How large the letters are: chosen by `?view=`, kept in a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Usual,
    Large,
}

impl View {
    pub fn asked(pairs: &[(String, String)]) -> Option<Self> {
        pairs.iter().find(|(name, _)| name == "view").and_then(|(_, view)| Self::named(view))
    }

    fn kept(headers: &HeaderMap) -> Option<Self> {
        cookie(headers, "view").and_then(Self::named)
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "usual" => Some(View::Usual),
            "large" => Some(View::Large),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            View::Usual => "usual",
            View::Large => "large",
        }
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// The configured address, or the one that the request came to.
fn origin(site: &SiteConfig, parts: &Parts) -> String {
    if let Some(url) = &site.url {
        return url.clone();
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = parts.uri.authority().map(|authority| authority.as_str());
    let host = header("host").or(host).filter(|host| {
        (1..=253).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
    });
    let scheme = match header("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

impl Visitor {
    pub fn texts(&self) -> &'static Texts {
        self.lang.texts()
    }

    /// Address of another page, in the language that was chosen.
    pub fn link(&self, path: &str) -> String {
        address(path, self.chosen.map(|lang| ("lang", lang.name())))
    }

    /// A search page's address to build on: nothing but the language.
    pub fn anywhere(&self) -> SearchPlace {
        SearchPlace { lang: self.chosen, ..SearchPlace::default() }
    }

    /// The value of a parameter of the address; empty ones do not count.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    pub fn site_name(&self) -> &str {
        self.site.name.as_ref().map_or(self.texts().name, |name| self.lang.pick(name))
    }

    /// The same page with one parameter set.
    fn again(&self, name: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(found, _)| found != name);
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        address(&self.path, kept.chain([(name, value)]))
    }

    /// The page's one address: without what only changes how it looks.
    fn canonical(&self, lang: Option<Lang>) -> String {
        let kept = self
            .pairs
            .iter()
            .filter(|(name, value)| !matches!(name.as_str(), "lang" | "view") && !value.is_empty());
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let lang = lang.map(|lang| ("lang", lang.name()));
        format!("{}{}", self.origin, address(&self.path, kept.chain(lang)))
    }

    /// What stands around the content of a page. `title` is the page's own.
    pub fn frame(&self, title: &str) -> Frame {
        let t = self.texts();
        let site = self.site_name();
        let tagline = self.site.tagline.as_ref().map_or(t.tagline, |text| self.lang.pick(text));
        Frame {
            lang: self.lang,
            chosen: self.chosen,
            t,
            title: match title {
                "" => format!("{site} · {tagline}"),
                title => format!("{title} - {site}"),
            },
            site: site.to_owned(),
            tagline: tagline.to_owned(),
            description: t.about.to_owned(),
            column: title.to_owned(),
            canonical: self.canonical(None),
            alternates: [Lang::Zh, Lang::En].map(|lang| (lang, self.canonical(Some(lang)))),
            indexed: true,
            home: self.link("/"),
            nav: self.nav(),
            switch: self.again("lang", self.lang.other().name()),
            large: self.large,
            switch_view: self
                .again("view", if self.large { View::Usual } else { View::Large }.name()),
            red: self.site.color == SiteColor::Red,
            style: &assets::STYLE,
            icon: &assets::ICON,
            script: &assets::SCRIPT,
            widget: &assets::WIDGET,
            marks: self.site.clone(),
            footer: self.footer(),
            q: String::new(),
            kinds: String::new(),
            scope: Scope::default(),
            box_in_header: true,
            feed: None,
            scopes: {
                let kinds = self.catalog.kinds.iter();
                kinds
                    .map(|kind| (kind.name.to_string(), self.lang.pick(&kind.label).to_owned()))
                    .collect()
            },
        }
    }

    fn nav(&self) -> Vec<NavLink> {
        let t = self.texts();
        let link = |path: &str, label: &str| NavLink {
            href: self.link(path),
            label: label.to_owned(),
            current: self.path == path,
        };
        let forms = self.catalog.kinds.iter().filter_map(|kind| kind.form.as_ref());
        let forms =
            forms.map(|form| link(&format!("/{}/new", form.path), self.lang.pick(&form.label)));
        std::iter::once(link("/search", t.search_all))
            .chain([link("/check", t.check)])
            .chain(forms)
            .chain([link("/data", t.data), link("/developers", t.developers)])
            .collect()
    }

    fn footer(&self) -> Vec<NavLink> {
        let t = self.texts();
        let pages = [
            ("/subscriptions/new", t.subscribe),
            ("/embed", t.embed),
            ("/help", t.help),
            ("/help#accessibility", t.accessibility),
            ("/sitemap", t.sitemap),
        ];
        pages
            .map(|(path, label)| {
                let (page, anchor) = path.split_once('#').unwrap_or((path, ""));
                let anchor = if anchor.is_empty() { "" } else { &path[page.len()..] };
                let href = format!("{}{anchor}", self.link(page));
                NavLink { href, label: label.to_owned(), current: self.path == path }
            })
            .into()
    }
}

/// A link to a page of the site.
pub struct NavLink {
    pub href: String,
    pub label: String,
    pub current: bool,
}

/// What every template shows around its content.
pub struct Frame {
    pub lang: Lang,
    pub chosen: Option<Lang>,
    pub t: &'static Texts,
    pub title: String,
    pub site: String,
    pub tagline: String,
    pub description: String,
    /// Name of the page among the site's marks.
    pub column: String,
    pub canonical: String,
    pub alternates: [(Lang, String); 2],
    /// Search engines may list the page.
    pub indexed: bool,
    pub home: String,
    pub nav: Vec<NavLink>,
    pub switch: String,
    pub large: bool,
    pub switch_view: String,
    pub red: bool,
    pub style: &'static str,
    pub icon: &'static str,
    pub script: &'static str,
    pub widget: &'static str,
    pub marks: Arc<SiteConfig>,
    pub footer: Vec<NavLink>,
    /// What the search box holds.
    pub q: String,
    /// The kinds that a new search stays in; empty for all.
    pub kinds: String,
    /// Where a new search looks for its words.
    pub scope: Scope,
    pub box_in_header: bool,
    /// Address of the page's Atom feed.
    pub feed: Option<String>,
    /// Kinds that the box of the first page can stay in: name and label.
    pub scopes: Vec<(String, String)>,
}

impl Frame {
    /// How the page looks.
    pub fn classes(&self) -> Option<&'static str> {
        match (self.large, self.red) {
            (true, true) => Some("large red"),
            (true, false) => Some("large"),
            (false, true) => Some("red"),
            (false, false) => None,
        }
    }

    /// Host of the site, for its marks.
    pub fn domain(&self) -> &str {
        let rest = self.canonical.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    pub fn accessibility(&self) -> String {
        let lang = self.chosen.map(|lang| ("lang", lang.name()));
        format!("{}#accessibility", address("/help", lang))
    }
}
