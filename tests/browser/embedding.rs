//! The widget among other things on a page: what it leaves behind, what it says, and that every snippet we hand out works.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::widget::{INPUT, LIST, open, page, policy};
use crate::{Host, axe, check_quiet, number, with_browser};

#[test]
fn a_host_keeps_its_window_and_its_page() {
    with_browser(|browser, site| {
        let host = Host::start();
        let without = page(site, "", "").replace("/widget/", "/nothing/");
        // Names that begin so are the tester's.
        let known = "return [Object.keys(window).filter(name => !/^(cdc_|ret_nodes$)/.test(name)).sort(), document.querySelectorAll('*').length, document.head.innerHTML]";
        browser.open(&host.page("/without", &policy(site), &without));
        let before = browser.run(known);
        browser.log("browser");
        browser.open(&host.page("/with", &policy(site), &page(site, "", "")));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        let after = browser.run(known);
        assert_eq!(after[0], before[0], "no global but the element");
        assert_eq!(after[2], before[2], "nothing in the head");
        // One line for readers, inside the element.
        assert_eq!(after[1].as_u64(), before[1].as_u64().map(|number| number + 1));
        let own = browser.run(
            "return [...document.querySelector('kechuang-search').children].map(e => e.localName)",
        );
        assert_eq!(own, json!(["form", "span"]));
    });
}

#[test]
fn every_state_is_accessible_in_every_language() {
    with_browser(|browser, site| {
        let host = Host::start();
        for (lang, dir) in [("zh-CN", "ltr"), ("en", "ltr"), ("ar", "rtl")] {
            let html = page(site, "", "")
                .replace("<html lang=zh-CN>", &format!("<html lang={lang} dir={dir}>"))
                .replace(
                    "<kechuang-search lang=zh-CN>",
                    &format!("<kechuang-search lang={lang} dir={dir} results=inline>"),
                );
            browser.open(&host.page(&format!("/{lang}"), &policy(site), &html));
            browser.until("document.querySelector('kechuang-search')?.shadowRoot");
            let check = |state: &str| {
                let found = axe(browser);
                assert!(found.is_empty(), "{lang} {state}: {found:#?}");
            };
            check("closed");
            browser.run(&format!("{INPUT}.focus()"));
            browser.cdp("Input.insertText", json!({ "text": "研发" }));
            browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
            check("open");
            if dir == "rtl" {
                let mirrored = browser.run(&format!(
                    "return {INPUT}.getBoundingClientRect().left > {INPUT}.nextElementSibling.getBoundingClientRect().left"
                ));
                assert_eq!(mirrored, json!(true));
            }
            browser.run(&format!(
                "{INPUT}.value = 'zzzzqqqq'; {INPUT}.dispatchEvent(new InputEvent('input'))"
            ));
            browser.until("/没有|No /.test(document.querySelector('kechuang-search > [role=status]').textContent)");
            check("no suggestions");
            browser.press("Enter");
            browser.until("document.querySelector('kechuang-search').shadowRoot.querySelector('[part=results] p')");
            check("results below");
            browser.run("window.fetch = () => Promise.reject(new Error('down'))");
            browser.press("Enter");
            browser.until("/无法|not available/.test(document.querySelector('kechuang-search').shadowRoot.querySelector('[part=results]').textContent)");
            check("error");
        }
    });
}

#[test]
fn the_list_is_seen_in_boxes_that_clip_turn_and_stack() {
    with_browser(|browser, site| {
        let host = Host::start();
        let relaxed = format!("{}; style-src 'unsafe-inline'", policy(site));
        for (at, style) in [
            "main { overflow: hidden; height: 70px; transform: translateX(10px) }",
            "main { position: relative; z-index: 0 } main + div { position: absolute; z-index: 999; inset: 60px 0 0 0; background: #fff }",
            "main { contain: paint; height: 70px }",
        ]
        .iter()
        .enumerate()
        {
            let html = page(site, &format!("<style>{style}</style>"), "").replace("</main>", "</main><div></div>");
            browser.open(&host.page(&format!("/box{at}"), &relaxed, &html));
            browser.until("document.querySelector('kechuang-search')?.shadowRoot");
            browser.run(&format!("{INPUT}.focus()"));
            browser.cdp("Input.insertText", json!({ "text": "研发" }));
            browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
            let on_top = browser.run(&format!(
                "const box = {LIST}.getBoundingClientRect();
                 return document.elementFromPoint(box.left + 20, box.top + 20)?.localName"
            ));
            assert_eq!(on_top, json!("kechuang-search"), "{style}");
        }
    });
}

#[test]
fn an_api_that_is_down_busy_or_far_leaves_a_form() {
    with_browser(|browser, site| {
        let gone = {
            // A port that nobody listens on any more.
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://localhost:{}", listener.local_addr().unwrap().port())
        };
        let busy = Host::broken("429 Too Many Requests");
        for (name, api) in [("down", gone.as_str()), ("busy", busy.url.as_str())] {
            let host = Host::start();
            let html = page(site, "", "")
                .replace(&format!("action=\"{site}/search\""), &format!("action=\"{api}/search\""));
            let allowed = policy(site)
                .replace(&format!("connect-src {site}"), &format!("connect-src {api}"))
                .replace(&format!("form-action {site}"), &format!("form-action {api}"));
            browser.open(&host.page("/", &allowed, &html));
            browser.until("document.querySelector('kechuang-search')?.shadowRoot");
            browser.run(
                "document.addEventListener('kechuang:error', () => { window.failed = true; })",
            );
            browser.run("document.addEventListener('kechuang:submit', event => { event.preventDefault(); window.sent = event.detail.url; })");
            browser.run(&format!("{INPUT}.focus()"));
            browser.cdp("Input.insertText", json!({ "text": "研发" }));
            browser.until("window.failed");
            browser.press("Enter");
            browser.until(&format!("window.sent?.startsWith('{api}/search?q=')"));
            browser.log("browser");
            println!("{name}: the form searches");
        }
        // Without a network the box still hands the query on; when it is back, so are suggestions.
        let _host = open(browser, site, "", "");
        let network = |offline: bool| {
            browser.cdp("Network.enable", json!({}));
            browser.cdp("Network.emulateNetworkConditions", json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 }));
        };
        network(true);
        browser.run("document.addEventListener('kechuang:submit', event => { event.preventDefault(); window.sent = event.detail.url; })");
        browser.cdp("Input.insertText", json!({ "text": "研发" }));
        std::thread::sleep(Duration::from_millis(500));
        browser.press("Enter");
        browser.until("window.sent?.includes('/search?q=')");
        network(false);
        browser.cdp("Input.insertText", json!({ "text": "费用" }));
        browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
        browser.log("browser");
    });
}

/// What the browser counts of a page, after everything that can go has gone.
fn counts(browser: &Browser) -> (f64, f64) {
    browser.cdp("HeapProfiler.enable", json!({}));
    for _ in 0..3 {
        browser.cdp("HeapProfiler.collectGarbage", json!({}));
    }
    browser.cdp("Performance.enable", json!({}));
    let metrics = browser.cdp("Performance.getMetrics", json!({}));
    let of = |name: &str| {
        let all = metrics["metrics"].as_array().unwrap();
        number(all.iter().find(|metric| metric["name"] == name).unwrap(), "value")
    };
    (of("JSEventListeners"), of("Nodes"))
}

#[test]
fn two_versions_and_three_boxes_share_a_page_and_leak_nothing() {
    with_browser(|browser, site| {
        let boxes = format!("<kechuang-search><form action=\"{site}/search\"><label>q <input name=q></label></form></kechuang-search>").repeat(2);
        let other = format!(
            "{boxes}<script defer crossorigin=anonymous src=\"{site}/widget/v1/kechuang-search.js\"></script>"
        );
        let host = open(browser, site, "", &other);
        browser.until(
            "[...document.querySelectorAll('kechuang-search')].every(each => each.shadowRoot)",
        );
        check_quiet(browser, &[site, &host.url], "two versions");
        let move_around = "for (let n = 0; n < 100; n++) {
               const last = document.querySelectorAll('kechuang-search')[2];
               last.remove(); document.querySelector('main').append(last);
               const fresh = last.cloneNode(true);
               document.querySelector('main').append(fresh); fresh.remove();
             }";
        // The first round fills caches that stay.
        browser.run(move_around);
        let (listeners, nodes) = counts(browser);
        browser.run(move_around);
        let (listeners_after, nodes_after) = counts(browser);
        assert!(listeners_after <= listeners, "{listeners} listeners became {listeners_after}");
        assert!(nodes_after <= nodes + 10.0, "{nodes} nodes became {nodes_after}");
    });
}

#[test]
fn loading_moves_nothing_and_does_nothing_until_it_is_used() {
    with_browser(|browser, site| {
        let (html, policy) = pasted(browser, site, "element");
        let host = Host::start();
        browser.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": 4 }));
        // The script is late: the plain form is painted first.
        browser.cdp("Network.enable", json!({}));
        browser.cdp("Network.emulateNetworkConditions", json!({ "offline": false, "latency": 2000, "downloadThroughput": -1, "uploadThroughput": -1 }));
        browser.requests();
        browser.open(&host.page("/", &policy, &html));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot && document.readyState === 'complete'");
        let painted = browser.run(
            "const [script] = performance.getEntriesByType('resource').filter(each => each.name.endsWith('.js'));
             return performance.getEntriesByName('first-contentful-paint')[0].startTime < script.responseEnd",
        );
        assert_eq!(painted, json!(true), "the plain form is seen before the box");
        let shifted = browser.run_async(
            "let sum = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
               .observe({ type: 'layout-shift', buffered: true });
             setTimeout(() => done(sum), 300);",
        );
        assert_eq!(shifted, json!(0), "nothing moves");
        let asked: Vec<String> =
            browser.requests().into_iter().filter(|url| url.starts_with(site)).collect();
        assert_eq!(asked, [format!("{site}/widget/1.0.0/kechuang-search.js")], "nothing is asked");
        let long = browser.run_async(
            "new PerformanceObserver(list => done(list.getEntries().length)).observe({ type: 'longtask', buffered: true });
             setTimeout(() => done(0), 300);",
        );
        println!("long tasks while loading: {long}");
        browser.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": 1 }));
    });
}

/// A host's page with what `/embed` says for a way of embedding, and a policy that allows that and nothing else. What
/// goes into a style sheet is in one of the host's own.
fn pasted(browser: &Browser, site: &str, mode: &str) -> (String, String) {
    browser.open(&format!("{site}/embed?mode={mode}&kind=policy&lang=zh"));
    let text = |id: &str| {
        let text = browser.run(&format!("return document.getElementById('{id}').textContent"));
        text.as_str().unwrap().to_owned()
    };
    let (code, line) = (text("embed-code"), text("embed-csp"));
    let (code, style) = code.split_once("/* style sheet */").unwrap_or((&code, ""));
    let html = format!(
        "<!doctype html><html lang=zh-CN><head><meta charset=utf-8><title>门户</title><link rel=icon href=data:,>\
         <style nonce=host>{style}</style></head><body><main><h1>门户</h1>{code}<p>danach</p></main></body></html>"
    );
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'nonce-host'; require-trusted-types-for 'script'; \
         trusted-types 'none'; {line}"
    );
    (html, policy)
}

#[test]
fn every_snippet_that_is_handed_out_works_under_the_policy_it_names() {
    with_browser(|browser, site| {
        for mode in ["element", "frame", "form", "matches"] {
            let (html, policy) = pasted(browser, site, mode);
            let host = Host::start();
            browser.log("browser");
            browser.requests();
            browser.open(&host.page("/", &policy, &html));
            match mode {
                "element" => {
                    browser.until("document.querySelector('kechuang-search')?.shadowRoot");
                    browser.run(&format!("{INPUT}.focus()"));
                    browser.cdp("Input.insertText", json!({ "text": "研发" }));
                    browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
                }
                "frame" => {
                    // The page in the frame says how high it is, and our script believes nobody else.
                    browser.until("document.querySelector('iframe').height !== '420'");
                    let height = browser.run("return document.querySelector('iframe').height");
                    browser.run("postMessage({ type: 'kechuang:height', height: 4000 }, '*')");
                    std::thread::sleep(Duration::from_millis(200));
                    assert_eq!(
                        browser.run("return document.querySelector('iframe').height"),
                        height
                    );
                    assert!(height.as_str().unwrap().parse::<u32>().unwrap() >= 300, "{height}");
                }
                "form" => {
                    browser.run("document.querySelector('input[name=q]').value = '研发'; document.querySelector('form button').click()");
                    browser.until("location.pathname === '/search' && location.search.includes('kind=policy')");
                }
                _ => {
                    browser.until("document.querySelector('kechuang-matches')?.shadowRoot");
                    browser.run("const field = document.getElementById('problem'); field.value = '寻求海水淡化反渗透膜元件国产替代，脱盐率不低于 99.8 %'; field.dispatchEvent(new InputEvent('input', { bubbles: true }))");
                    browser.until("document.querySelector('kechuang-matches').shadowRoot.querySelector('li a')");
                }
            }
            check_quiet(browser, &[site, &host.url], mode);
        }
    });
}

#[test]
fn everything_in_the_reference_exists() {
    with_browser(|browser, site| {
        browser.open(&format!("{site}/embed?lang=zh"));
        let named = browser.run(
            "return [...document.querySelectorAll('#reference ~ .part tbody td:first-child')].map(cell => cell.textContent)",
        );
        let sources = ["kechuang-search.js", "kechuang-matches.js"].map(|name| {
            let path = format!("{}/widget/{name}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap()
        });
        let source = sources.join("\n");
        let named: Vec<&str> = named.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(named.len() > 20, "{named:?}");
        for name in named.iter().flat_map(|names| names.split(", ")) {
            let name = name.trim_end_matches(" *");
            let name = name.strip_prefix("kechuang:").unwrap_or(name);
            let name = name.split('=').next().unwrap();
            assert!(source.contains(name), "{name} is in the reference and in no widget");
        }
        // And every custom property and part of the sources is in the reference.
        for start in ["var(--kechuang-", "part: '"] {
            for rest in source.split(start).skip(1) {
                let end = rest.find(|ch: char| !ch.is_ascii_alphanumeric() && ch != '-').unwrap();
                let name = &rest[..end];
                assert!(
                    named.iter().any(|known| known.contains(name)),
                    "{start}{name} is not in the reference"
                );
            }
        }
    });
}

#[test]
fn what_was_opened_is_counted_unless_somebody_objects() {
    with_browser(|browser, site| {
        let choose = |attribute: &str, wish: &str| -> usize {
            let host = Host::start();
            let html = page(site, "", "")
                .replace("<kechuang-search ", &format!("<kechuang-search {attribute} "));
            browser.open(&host.page("/", &policy(site), &html));
            browser.until("document.querySelector('kechuang-search')?.shadowRoot");
            browser.run(&format!(
                "window.sent = []; navigator.sendBeacon = (url, body) => {{ sent.push([String(url), body]); return true; }}; {wish}
                 window.fetch = async () => new Response(JSON.stringify({{ items: [{{ text: '研发', kind: 'policy', id: 'policy-001', label: {{ zh: '政策', en: 'Policy' }} }}] }}));
                 {INPUT}.focus()"
            ));
            browser.cdp("Input.insertText", json!({ "text": "研发" }));
            browser.until(&format!("{INPUT}.getAttribute('aria-expanded') === 'true'"));
            assert_eq!(
                browser.run(&format!("return {LIST}.querySelector('small').textContent")),
                json!("政策")
            );
            // Leaving the page is held up, so that it can be asked.
            browser.run("window.addEventListener('beforeunload', () => { sessionStorage.kept = JSON.stringify(sent); })");
            browser.press("ArrowDown");
            browser.press("Enter");
            browser.until("location.pathname.startsWith('/records/')");
            browser.open(&format!("{}/", host.url));
            let sent = browser.run("return JSON.parse(sessionStorage.kept)");
            for entry in sent.as_array().unwrap() {
                assert_eq!(entry[0], json!(format!("{site}/v1/clicks")));
                let body: Value = serde_json::from_str(entry[1].as_str().unwrap()).unwrap();
                assert_eq!(body, json!({ "kind": "policy", "id": "policy-001", "position": 1 }));
            }
            sent.as_array().unwrap().len()
        };
        assert_eq!(choose("", ""), 1);
        assert_eq!(choose("analytics=off", ""), 0);
        assert_eq!(
            choose(
                "",
                "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });"
            ),
            0
        );
        assert_eq!(
            choose("", "Object.defineProperty(navigator, 'doNotTrack', { value: '1' });"),
            0
        );
    });
}
