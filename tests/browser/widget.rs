//! The widget on somebody else's page: a strict policy, hostile styles, an input method, and no server.

use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::driver::Browser;
use crate::{Host, axe, check_quiet, with_browser};

pub const INPUT: &str =
    "document.querySelector('kechuang-search').shadowRoot.querySelector('input')";
pub const LIST: &str =
    "document.querySelector('kechuang-search').shadowRoot.querySelector('[role=listbox]')";

/// A page of a host with the widget, as `/embed` says it.
pub fn page(site: &str, before: &str, after: &str) -> String {
    format!(
        "<!doctype html><html lang=zh-CN><head><meta charset=utf-8><title>门户</title>\
         <link rel=icon href=data:,></head><body><main><h1>门户</h1>{before}\
         <kechuang-search lang=zh-CN><form action=\"{site}/search\" method=get role=search>\
         <label>检索 <input type=search name=q></label> <button>搜索</button></form></kechuang-search>{after}</main>\
         <script defer crossorigin=anonymous src=\"{site}/widget/1.0.0/kechuang-search.js\"></script></body></html>"
    )
}

pub fn policy(site: &str) -> String {
    format!(
        "default-src 'none'; img-src data:; script-src {site}; connect-src {site}; form-action {site}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

pub fn open(browser: &Browser, site: &str, before: &str, after: &str) -> Host {
    let host = Host::start();
    let url = host.page("/", &policy(site), &page(site, before, after));
    browser.open(&url);
    browser.until("document.querySelector('kechuang-search')?.shadowRoot");
    browser.run(&format!("{INPUT}.focus()"));
    host
}

/// Composes, with 400 ms after each step.
pub fn compose(browser: &Browser, clock: &Clock<'_>, steps: &[&str]) {
    for text in steps {
        browser.cdp(
            "Input.imeSetComposition",
            json!({ "text": text, "selectionStart": text.len(), "selectionEnd": text.len() }),
        );
        clock.pass(400);
    }
}

pub fn suggestions_asked(browser: &Browser) -> usize {
    browser.requests().iter().filter(|url| url.contains("/v1/suggest")).count()
}

#[test]
fn a_strict_host_shows_suggestions_without_a_complaint() {
    with_browser(|browser, site| {
        let host = open(browser, site, "", "");
        browser.requests();
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        assert!(axe(browser).is_empty(), "{:?}", axe(browser));
        // Down, up and round; Enter takes what is active, Escape closes and then clears.
        browser.press("ArrowDown");
        browser.until(&format!("{INPUT}.hasAttribute('aria-activedescendant')"));
        browser.press("ArrowUp");
        browser.until(&format!("!{INPUT}.hasAttribute('aria-activedescendant')"));
        browser.press("Escape");
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'false'"));
        assert_eq!(browser.run(&format!("return {INPUT}.value")), json!("研发"));
        browser.press("Escape");
        browser.until(&format!("{INPUT}.value === ''"));
        check_quiet(browser, &[site, &host.url], "a strict host");
        // The count is said in the page, not in the shadow.
        browser.cdp("Input.insertText", json!({ "text": "研发费用" }));
        browser.until("document.querySelector('kechuang-search > [role=status]').textContent.includes('条建议')");
        let left = browser.run("return [document.cookie, localStorage.length + sessionStorage.length, Object.keys(window).filter(k => /kechuang/i.test(k)).length]");
        assert_eq!(left, json!(["", 0, 0]));
    });
}

#[test]
fn an_input_method_is_left_alone() {
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        let clock = Clock::stop(browser);
        browser.requests();
        compose(browser, &clock, &["z", "zh", "zhe", "zheng", "zheng'c", "zheng'ce"]);
        clock.pass(49);
        assert_eq!(suggestions_asked(browser), 0, "while composing at typing speed");
        // Its keys are its own, also when a list is open.
        for key in ["ArrowDown", "Enter", "Escape"] {
            let script = format!(
                "const event = new KeyboardEvent('keydown', {{ key: '{key}', keyCode: 229, isComposing: true, bubbles: true, cancelable: true, composed: true }});
                 {INPUT}.dispatchEvent(event); return [event.defaultPrevented, {INPUT}.value];"
            );
            assert_eq!(browser.run(&script), json!([false, "zheng'ce"]), "{key}");
        }
        // A pause asks once, with the pinyin.
        clock.pass(1_000);
        browser.until(
            "performance.getEntriesByType('resource').some(e => e.name.includes('q=zhengce'))",
        );
        assert_eq!(suggestions_asked(browser), 1);
        browser.cdp("Input.insertText", json!({ "text": "政策" }));
        clock.pass(60);
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        assert_eq!(browser.run(&format!("return {INPUT}.value")), json!("政策"));
    });
}

#[test]
fn fast_typing_asks_little_and_the_last_answer_stays() {
    with_browser(|browser, site| {
        let host = open(browser, site, "", "");
        let clock = Clock::stop(browser);
        browser.requests();
        for key in "yanfafeiyo".chars() {
            browser.press(&key.to_string());
            clock.pass(60);
        }
        clock.pass(1_000);
        browser.until(
            "performance.getEntriesByType('resource').some(e => e.name.includes('q=yanfafeiyo'))",
        );
        assert_eq!(suggestions_asked(browser), 1, "for ten keys");
        browser.open(&format!("{}/", host.url));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        // A slow first answer must not replace a quick second one.
        let shown = browser.run_async(&format!(
            "const fetched = window.fetch; let turn = 0;
             window.fetch = async url => {{
               const late = turn++ === 0, q = new URL(url).searchParams.get('q');
               await new Promise(go => setTimeout(go, late ? 900 : 10));
               return new Response(JSON.stringify({{ items: [{{ text: q }}] }}));
             }};
             const input = {INPUT};
             const type = text => {{ input.value = text; input.dispatchEvent(new InputEvent('input')); }};
             type('甲甲'); setTimeout(() => type('乙乙'), 300);
             setTimeout(() => {{ window.fetch = fetched; done({LIST}.textContent); }}, 1600);"
        ));
        assert_eq!(shown, json!("乙乙"));
    });
}

#[test]
fn styles_of_the_host_do_not_reach_in() {
    let read = format!(
        "const style = getComputedStyle({INPUT});
         return ['color', 'fontFamily', 'fontSize', 'fontWeight', 'letterSpacing', 'textTransform', 'lineHeight',
           'padding', 'margin', 'border', 'borderRadius', 'backgroundColor', 'textAlign', 'direction', 'display',
           'opacity', 'boxShadow', 'minHeight', 'wordSpacing', 'textIndent', 'visibility', 'cursor', 'transform',
           'fontStyle'].map(name => style[name]);"
    );
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        let alone = browser.run(&read);
        let hostile = "* { color: lime !important; font: italic 900 40px/3 cursive !important; letter-spacing: 9px !important; \
            text-transform: uppercase !important; padding: 30px !important; margin: 20px !important; border: 5px solid red !important; \
            background: black !important; text-align: right !important; opacity: .5 !important; word-spacing: 9px !important; \
            text-indent: 50px !important; cursor: wait !important; transform: rotate(3deg) !important }";
        let host = Host::start();
        let relaxed = format!("{}; style-src 'unsafe-inline'", policy(site));
        let html = page(site, &format!("<style>{hostile}</style>"), "");
        browser.open(&host.page("/hostile", &relaxed, &html));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        browser.run(&format!("{INPUT}.focus()"));
        assert_eq!(browser.run(&read), alone);
        // The list leaves boxes that clip.
        let clipped = page(
            site,
            "<style>main { overflow: hidden; height: 60px; position: relative }</style>",
            "",
        );
        browser.open(&host.page("/clipped", &relaxed, &clipped));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        browser.run(&format!("{INPUT}.focus()"));
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        let on_top = browser.run(&format!(
            "const box = {LIST}.getBoundingClientRect();
             return document.elementFromPoint(box.left + 20, box.top + 20)?.localName"
        ));
        assert_eq!(on_top, json!("kechuang-search"));
    });
}

#[test]
fn the_form_works_when_nothing_else_does() {
    with_browser(|browser, site| {
        let host = Host::start();
        // The script is blocked: the form is a form.
        let blocked = format!("default-src 'none'; img-src data:; form-action {site}");
        browser.open(&host.page("/blocked", &blocked, &page(site, "", "")));
        browser.run("document.querySelector('input[name=q]').value = '研发'; document.querySelector('form button').click()");
        browser.until("location.pathname === '/search'");
        browser.log("browser");
        // Suggestions cannot be had: the box still searches.
        let no_api = policy(site).replace(&format!("connect-src {site}"), "connect-src 'none'");
        browser.open(&host.page("/no-api", &no_api, &page(site, "", "")));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        browser.run(&format!("{INPUT}.focus()"));
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        std::thread::sleep(Duration::from_millis(400));
        browser.press("Enter");
        browser.until("location.pathname === '/search' && location.search.includes('q=')");
    });
}

#[test]
fn many_live_on_one_page_and_leave_nothing_behind() {
    with_browser(|browser, site| {
        let more = format!("<kechuang-search><form action=\"{site}/search\"><input name=q></form></kechuang-search>").repeat(2);
        let _host = open(browser, site, "", &more);
        let left = browser.run(
            "const all = [...document.querySelectorAll('kechuang-search')];
             for (let n = 0; n < 100; n++) { const last = all[2]; last.remove(); document.querySelector('main').prepend(last); }
             const ids = all.map(each => each.shadowRoot.querySelector('[role=listbox]').id);
             return [all.length, new Set(ids).size, document.querySelectorAll('[role=status]').length];",
        );
        assert_eq!(left, json!([3, 3, 3]));
    });
}
