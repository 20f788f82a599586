//! What a page is to programs and to a memory: marks that parse, addresses that reproduce it, paper, and large text.

use serde_json::{Value, json};

use crate::pages::look;
use crate::{check_quiet, number, with_browser};

#[test]
fn marks_are_there_and_can_be_parsed() {
    with_browser(|browser, site| {
        browser.open(&format!("{site}/records/policy/policy-001?lang=zh"));
        let marks = browser.run(
            "const meta = name => document.querySelector(`meta[name=\"${name}\"]`)?.content;
             return { metas: ['SiteName', 'SiteDomain', 'ColumnName', 'ArticleTitle', 'PubDate', 'description', 'Url'].map(name => [name, meta(name)]),
               canonical: document.querySelector('link[rel=canonical]').href,
               languages: [...document.querySelectorAll('link[rel=alternate][hreflang]')].map(link => link.hreflang),
               renderer: meta('renderer'),
               data: [...document.querySelectorAll('script[type=\"application/ld+json\"]')].map(each => JSON.parse(each.textContent)) }",
        );
        for mark in marks["metas"].as_array().unwrap() {
            assert!(mark[1].as_str().is_some_and(|text| !text.is_empty()), "{mark}");
        }
        assert_eq!(marks["canonical"], json!(format!("{site}/records/policy/policy-001")));
        assert_eq!(marks["renderer"], json!("webkit"));
        assert!(marks["languages"].as_array().unwrap().len() >= 2, "{marks}");
        let types: Vec<&str> = marks["data"][0]["@graph"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|node| node["@type"].as_str())
            .collect();
        assert!(types.contains(&"BreadcrumbList") && types.contains(&"Legislation"), "{types:?}");
        assert!(marks["data"][0]["pubDate"].as_str().unwrap().contains('T'));
        // Files for programs: each is parsed by what the browser has, and says what it is.
        for (path, root) in [
            ("/sitemap.xml", "sitemapindex"),
            ("/sitemap/pages.xml", "urlset"),
            ("/sitemap/policy-1.xml", "urlset"),
            ("/opensearch.xml", "OpenSearchDescription"),
            ("/search.atom?q=%E7%A0%94%E5%8F%91", "feed"),
        ] {
            let found = browser.run_async(&parsed(
                path,
                "[page.documentElement.localName, page.querySelectorAll('parsererror').length, page.querySelectorAll('loc, Url, entry').length]",
            ));
            assert_eq!((&found[0], &found[1]), (&json!(root), &json!(0)), "{path}");
            assert!(found[2].as_u64().unwrap() > 0, "{path}");
        }
        let text = |path: &str| {
            let text =
                browser.run_async(&format!("fetch('{path}').then(a => a.text()).then(done)"));
            text.as_str().unwrap().to_owned()
        };
        let closing = browser.run_async(&parsed(
            "/search?kind=demand&sort=expires_on:asc&lang=zh",
            "page.querySelector('.card h2 a').getAttribute('href')",
        ));
        let path = closing.as_str().unwrap().split('?').next().unwrap().to_owned();
        let calendar = text(&format!("{path}/deadline.ics"));
        check_calendar(&calendar);
        assert!(calendar.contains("BEGIN:VALARM") && calendar.contains("TRIGGER"), "{calendar}");
        assert!(
            serde_json::from_str::<Value>(&text("/catalog.jsonld")).unwrap()["dcat:dataset"]
                .is_array()
        );
        check_quiet(browser, &[site], "marks");
    });
}

/// A script that asks for a file, has the browser parse it, and tells of `page`. The policy of our pages forbids
/// parsers that take text; a request parses for itself.
fn parsed(path: &str, told: &str) -> String {
    format!(
        "const request = new XMLHttpRequest();
         request.open('GET', '{path}');
         request.responseType = 'document';
         request.onload = () => {{ const page = request.responseXML; done(page ? {told} : ['not parsed', 0, 0]); }};
         request.send();"
    )
}

/// RFC 5545: parts begin and end, lines end with CRLF and have at most 75 octets.
fn check_calendar(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    for line in text.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains('\n'), "{line}");
        if let Some(part) = line.strip_prefix("BEGIN:") {
            open.push(part);
        } else if let Some(part) = line.strip_prefix("END:") {
            assert_eq!(open.pop(), Some(part));
        }
    }
    assert!(open.is_empty() && text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("\r\n"));
}

#[test]
fn back_forward_reload_and_a_shared_address_show_the_same() {
    with_browser(|browser, site| {
        let shown = "return [location.href, document.querySelector('.found')?.textContent,
            [...document.querySelectorAll('.card h2 a')].map(link => link.textContent), document.querySelector('#q').value,
            [...document.querySelectorAll('.chips li')].map(chip => chip.textContent.trim())]";
        browser.open(&format!("{site}/search?q=%E7%A0%94%E5%8F%91&lang=zh"));
        let first = browser.run(shown);
        browser.run("document.querySelector('.facets a.value').click()");
        browser.until("location.search.includes('select=') && document.readyState === 'complete'");
        let filtered = browser.run(shown);
        assert_ne!(filtered[4], json!([]), "{filtered}");
        browser.run("document.querySelector('.choices nav:last-child li:last-child a').click()");
        browser.until("location.search.includes('sort=') && document.readyState === 'complete'");
        let sorted = browser.run(shown);
        for (step, expected) in [
            ("history.back()", &filtered),
            ("history.back()", &first),
            ("history.forward()", &filtered),
            ("history.forward()", &sorted),
            ("location.reload()", &sorted),
        ] {
            browser.run(&format!("{step}; return null"));
            let href = &expected[0];
            browser
                .until(&format!("location.href === {href} && document.readyState === 'complete'"));
            assert_eq!(&browser.run(shown), expected, "{step}");
        }
        let shared = sorted[0].as_str().unwrap().to_owned();
        browser.open("about:blank");
        browser.open(&shared);
        assert_eq!(browser.run(shown), sorted);
        // Filters survive another size of letters and another language.
        browser.open(&format!("{shared}&view=large"));
        assert_eq!(browser.run(shown)[2], sorted[2]);
        browser.open(&format!("{site}/?view=usual&lang=zh"));
    });
}

#[test]
fn every_page_has_one_heading_landmarks_and_a_way_past_them() {
    with_browser(|browser, site| {
        look(browser, "usual");
        for path in [
            "/",
            "/search?q=%E7%A0%94%E5%8F%91",
            "/records/policy/policy-001",
            "/check",
            "/demands/new",
            "/data",
            "/embed",
            "/developers",
            "/help",
            "/sitemap",
            "/nowhere",
        ] {
            browser.open(&format!("{site}{path}"));
            let found = browser.run(
                "const all = selector => document.querySelectorAll(selector).length;
                 return [all('h1'), all('main'), all('body > header, header.top'), all('footer.foot'), document.querySelectorAll('nav:not([aria-label]):not([aria-labelledby])').length]",
            );
            assert_eq!(found, json!([1, 1, 1, 1, 0]), "{path}");
            // The first Tab leads past everything, and is seen; the next ones show where they are.
            browser.run("document.body.focus(); document.activeElement.blur()");
            browser.press("Tab");
            let skip = browser.run(
                "const link = document.activeElement, box = link.getBoundingClientRect();
                 return [link.className, link.getAttribute('href'), box.top >= 0 && box.height > 20, getComputedStyle(link).outlineStyle !== 'none']",
            );
            assert_eq!(skip, json!(["skip", "#main", true, true]), "{path}");
            browser.press("Enter");
            browser.until("document.activeElement.id === 'main'");
        }
        // Text of twice the size still fits: nothing runs out of the page.
        for path in [
            "/",
            "/search?q=%E7%A0%94%E5%8F%91",
            "/records/policy/policy-001",
            "/demands/new",
            "/data",
        ] {
            browser.open(&format!("{site}{path}"));
            browser.run("document.documentElement.style.fontSize = '200%'");
            let over = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, json!(0), "{path} at twice the size");
        }
    });
}

#[test]
fn paper_holds_the_content_and_nothing_to_click() {
    with_browser(|browser, site| {
        look(browser, "usual");
        browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        browser.open(&format!("{site}/records/policy/policy-001?lang=zh"));
        let shown = browser.run(
            "const seen = selector => [...document.querySelectorAll(selector)].filter(each => each.getClientRects().length).length;
             return { content: seen('.fields .field'), chrome: seen('.nav, .strip, .box, kechuang-search, .toc, .actions button, .qr') }",
        );
        assert!(number(&shown, "content") > 3.0, "{shown}");
        assert_eq!(number(&shown, "chrome"), 0.0, "{shown}");
        browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "" }));
    });
}

#[test]
fn large_view_has_the_same_functions_and_nothing_pops_up() {
    with_browser(|browser, site| {
        look(browser, "usual");
        for path in
            ["/", "/search?q=%E7%A0%94%E5%8F%91", "/records/policy/policy-001", "/demands/new"]
        {
            let sign = if path.contains('?') { '&' } else { '?' };
            let functions = |view: &str| {
                browser.open(&format!("{site}{path}{sign}view={view}&lang=zh"));
                browser.run(
                    "return [...document.querySelectorAll('a[href], button:not([hidden]), input, select, textarea')]
                       .filter(each => !each.closest('.strip'))
                       .map(each => each.localName + ' ' + (each.name || each.textContent.trim()))",
                )
            };
            let usual = functions("usual");
            assert_eq!(functions("large"), usual, "{path}");
            let over = browser.run(
                "return [...document.querySelectorAll('dialog[open], [popover]:popover-open')].length
                   + [...document.querySelectorAll('body *')].filter(each => getComputedStyle(each).position === 'fixed').length",
            );
            assert_eq!(over, json!(0), "{path}: nothing floats over the page");
        }
        browser.open(&format!("{site}/?view=usual&lang=zh"));
    });
}
