//! The widget and its keys: those of an input method, and those of a combobox.

use serde_json::json;

use crate::clock::Clock;
use crate::driver::Browser;
use crate::widget::{INPUT, LIST, compose, open, suggestions_asked};
use crate::{check_quiet, with_browser};

/// Sends a key that an input method is to have; tells whether the page left it alone, and what the box holds.
fn composing_key(browser: &Browser, key: &str) -> serde_json::Value {
    browser.run(&format!(
        "const event = new KeyboardEvent('keydown', {{ key: '{key}', keyCode: 229, isComposing: true, bubbles: true, cancelable: true, composed: true }});
         {INPUT}.dispatchEvent(event); return [event.defaultPrevented, {INPUT}.value];"
    ))
}

const KEYS: [&str; 9] =
    ["Enter", "ArrowDown", "ArrowUp", "Escape", "Tab", " ", "1", "Home", "PageDown"];

#[test]
fn every_key_of_an_input_method_is_its_own() {
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        let clock = Clock::stop(browser);
        // Closed.
        compose(browser, &clock, &["z", "zh"]);
        for key in KEYS {
            assert_eq!(composing_key(browser, key), json!([false, "zh"]), "closed: {key}");
        }
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        clock.pass(60);
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        // Open already: composing goes on in a box with a list.
        compose(browser, &clock, &["z", "zh"]);
        let typed = browser.run(&format!("return {INPUT}.value"));
        for key in KEYS {
            assert_eq!(composing_key(browser, key), json!([false, typed]), "open: {key}");
            let active =
                browser.run(&format!("return {INPUT}.hasAttribute('aria-activedescendant')"));
            assert_eq!(active, json!(false), "open: {key}");
        }
    });
}

#[test]
fn a_commit_that_changes_nothing_still_asks() {
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        let clock = Clock::stop(browser);
        compose(browser, &clock, &["y", "ya", "yan"]);
        assert_eq!(suggestions_asked(browser), 0);
        // The text stays as it was composed: the input method ends, and the answer is for what stands there.
        browser.run(&format!(
            "{INPUT}.dispatchEvent(new CompositionEvent('compositionend', {{ data: 'yan', bubbles: true, composed: true }}))"
        ));
        clock.pass(60);
        browser
            .until("performance.getEntriesByType('resource').some(e => e.name.includes('q=yan'))");
        assert_eq!(suggestions_asked(browser), 1);
    });
}

#[test]
fn the_keyboard_does_everything_and_focus_stays() {
    with_browser(|browser, site| {
        let host = open(browser, site, "", "<p><a id=after href='#'>nach</a></p>");
        let expanded = |is_open: bool| {
            browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === '{is_open}'"));
        };
        let active =
            || browser.run(&format!("return {INPUT}.getAttribute('aria-activedescendant')"));
        let focused = || {
            let focus = "return document.activeElement.localName + '/' + (document.activeElement.shadowRoot?.activeElement?.localName || '')";
            assert_eq!(browser.run(focus), json!("kechuang-search/input"));
        };
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        expanded(true);
        focused();
        let number = browser.run(&format!("return {LIST}.children.length")).as_u64().unwrap();
        assert!(number >= 2);
        // Down through all of them, then none, then the first again; up the other way.
        for _ in 0..number {
            browser.press("ArrowDown");
        }
        let last = active();
        browser.press("ArrowDown");
        assert_eq!(active(), json!(null));
        browser.press("ArrowUp");
        assert_eq!(active(), last);
        focused();
        let in_view = browser.run(&format!(
            "const box = {LIST}.getBoundingClientRect(), option = {LIST}.querySelector('[aria-selected=true]').getBoundingClientRect();
             return option.top >= box.top - 1 && option.bottom <= box.bottom + 1"
        ));
        assert_eq!(in_view, json!(true), "what is active can be seen");
        // Alt closes and opens; Home and End are the caret's.
        browser.press_with("ArrowUp", 1);
        expanded(false);
        browser.press_with("ArrowDown", 1);
        expanded(true);
        for (key, caret) in [("Home", 0), ("End", 2)] {
            browser.press(key);
            assert_eq!(
                browser.run(&format!("return {INPUT}.selectionStart")),
                json!(caret),
                "{key}"
            );
        }
        // Enter takes what is active; a page of the host may have it instead.
        browser.run("document.addEventListener('kechuang:select', event => { event.preventDefault(); window.taken = event.detail; })");
        browser.press("ArrowDown");
        browser.press("Enter");
        browser.until("window.taken?.position === 1");
        expanded(false);
        focused();
        // Without a choice, Enter searches.
        browser.run("document.addEventListener('kechuang:submit', event => { event.preventDefault(); window.sent = event.detail; })");
        browser.press("Enter");
        browser.until("window.sent?.url.includes('/search?')");
        // Tab leaves, and nothing stays open.
        browser.cdp("Input.insertText", json!({ "text": "费" }));
        browser.press("Tab");
        browser.press("Tab");
        expanded(false);
        assert_eq!(browser.run("return document.activeElement.id"), json!("after"));
        check_quiet(browser, &[site, &host.url], "keys");
    });
}

#[test]
fn everything_that_is_touched_is_large_enough() {
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        let least = browser.run(&format!(
            "const all = [{INPUT}, {INPUT}.nextElementSibling, ...{LIST}.children];
             return Math.min(...all.map(each => each.getBoundingClientRect().height))"
        ));
        assert!(least.as_f64().unwrap() >= 44.0, "{least}");
    });
}

#[test]
fn the_right_list_stays_whatever_order_answers_come_in() {
    with_browser(|browser, site| {
        let _host = open(browser, site, "", "");
        // 200 schedules: four texts typed in turn, each answer late by another time. The clock is the page's own: time
        // goes by in steps, so that nothing depends on how fast the machine is.
        let wrong = browser.run_async(&format!(
            "const real = {{ fetch: window.fetch, set: window.setTimeout, clear: window.clearTimeout }};
             let now = 0, jobs = [], ids = 0, seed = 7;
             const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
             window.setTimeout = (run, wait = 0) => {{ jobs.push({{ id: ++ids, at: now + wait, run }}); return ids; }};
             window.clearTimeout = id => {{ jobs = jobs.filter(job => job.id !== id); }};
             const tick = () => new Promise(go => real.set.call(window, go, 0));
             const pass = async until => {{
               for (;;) {{
                 const next = jobs.filter(job => job.at <= until).sort((a, b) => a.at - b.at || a.id - b.id)[0];
                 if (!next) break;
                 jobs = jobs.filter(job => job !== next);
                 now = Math.max(now, next.at); next.run(); await tick();
               }}
               now = until;
             }};
             window.fetch = (url, {{ signal }} = {{}}) => {{
               const q = new URL(url).searchParams.get('q'), late = random(1500);
               return new Promise((go, fail) => {{
                 // Half of all answers come although they were given up: not every network knows.
                 if (random(2)) signal?.addEventListener('abort', () => fail(new DOMException('', 'AbortError')));
                 window.setTimeout(() => go(new Response(JSON.stringify({{ items: [{{ text: q }}] }}))), late);
               }});
             }};
             const input = {INPUT}, wrong = [];
             (async () => {{
               for (let run = 0; run < 200; run++) {{
                 let last;
                 for (let n = 0; n < 4; n++) {{
                   last = input.value = `词${{run}}第${{n}}`;
                   input.dispatchEvent(new InputEvent('input'));
                   await pass(now + random(700));
                 }}
                 await pass(now + 5000);
                 if ({LIST}.textContent !== last) wrong.push([run, last, {LIST}.textContent]);
               }}
               Object.assign(window, {{ fetch: real.fetch, setTimeout: real.set, clearTimeout: real.clear }});
               done(wrong);
             }})();"
        ));
        assert_eq!(wrong, json!([]));
    });
}
