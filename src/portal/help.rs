//! Help, accessibility and privacy on one page, and the site map that people read.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::page;
use super::text::HelpTexts;
use super::visitor::{Frame, NavLink, Visitor};

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    frame: Frame,
    /// Anchor, heading and items.
    parts: [(&'static str, &'static str, &'static [&'static str]); 4],
}

pub async fn get_help(visitor: Visitor) -> Response {
    let t = HelpTexts::of(visitor.lang);
    let parts = [
        ("searching", t.searching, t.searching_items),
        ("keyboard", t.keyboard, t.keyboard_items),
        ("accessibility", visitor.texts().accessibility, t.accessibility_items),
        ("privacy", t.privacy, t.privacy_items),
    ];
    page(StatusCode::OK, &HelpPage { frame: visitor.frame(visitor.texts().help), parts })
}

#[derive(Template)]
#[template(path = "sitemap.html")]
struct SiteMapPage {
    frame: Frame,
    groups: [(&'static str, Vec<NavLink>); 3],
}

pub async fn get_site_map(visitor: Visitor) -> Response {
    let t = HelpTexts::of(visitor.lang);
    let link =
        |href: String, label: &str| NavLink { href, label: label.to_owned(), current: false };
    let mut frame = visitor.frame(visitor.texts().sitemap);
    let mut pages = vec![link(visitor.link("/"), visitor.texts().home)];
    pages.extend(
        frame.nav.iter().chain(&frame.footer).map(|each| link(each.href.clone(), &each.label)),
    );
    let kinds = visitor.catalog.kinds.iter().map(|kind| {
        let place = visitor.anywhere().with(|place| place.kinds = vec![kind.name.to_string()]);
        link(place.href(), visitor.lang.pick(&kind.label))
    });
    let machine =
        ["/sitemap.xml", "/opensearch.xml", "/search.atom", "/catalog.jsonld", "/v1/openapi.json"];
    let machine = machine.map(|path| link(path.to_owned(), path)).into();
    let groups = [(t.pages, pages), (t.kinds, kinds.collect()), (t.machine, machine)];
    frame.indexed = false;
    page(StatusCode::OK, &SiteMapPage { frame, groups })
}
