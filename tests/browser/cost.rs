//! What loading costs: measured and printed, since a figure depends on the machine. Run alone, with
//! `cargo test --test browser -- --ignored --nocapture cost`.

use std::time::Duration;

use serde_json::json;

use crate::driver::Browser;
use crate::widget::{page, policy};
use crate::{Host, number, with_browser};

/// Loads of each page, and the time that a page gets to come to rest.
const LOADS: usize = 15;
const SETTLE: Duration = Duration::from_millis(300);
/// How much slower the processor is made.
const THROTTLE: u32 = 4;

/// Milliseconds that running the widget's script takes on a page that has its element, and then all that scripts of
/// the page have taken once it stands.
fn load(browser: &Browser, url: &str) -> [f64; 2] {
    const WIDGET: &str = include_str!("../../widget/kechuang-search.js");
    // A fresh page: what was counted before is taken off.
    browser.open("about:blank");
    browser.cdp("Performance.enable", json!({}));
    browser.open(url);
    std::thread::sleep(SETTLE);
    let run =
        format!("const begun = performance.now();\n{WIDGET}\nreturn performance.now() - begun;");
    let at_once = browser.run(&run).as_f64().unwrap();
    browser.until("document.querySelector('kechuang-search').shadowRoot");
    let metrics = browser.cdp("Performance.getMetrics", json!({}));
    let all = metrics["metrics"].as_array().unwrap();
    let script = all.iter().find(|metric| metric["name"] == "ScriptDuration").unwrap();
    [at_once, number(script, "value") * 1e3]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
#[ignore = "prints what loading costs the main thread, on a machine that does nothing else"]
fn the_widget_costs_the_main_thread() {
    with_browser(|browser, site| {
        let host = Host::start();
        let html = page(site, "", "").replace("/widget/", "/nothing/");
        let url = host.page("/without", &policy(site), &html);
        for rate in [1, THROTTLE] {
            browser.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": rate }));
            let loads: Vec<[f64; 2]> = (0..LOADS).map(|_| load(browser, &url)).collect();
            let of = |at: usize| median(loads.iter().map(|load| load[at]).collect());
            println!(
                "processor {rate} times slower, medians of {LOADS} loads: {:.2} ms while loading, {:.2} ms with what \
                 waits for an idle browser",
                of(0),
                of(1)
            );
        }
    });
}

#[test]
#[ignore = "prints when pages are there over a slow line, on a machine that does nothing else"]
fn pages_are_there() {
    with_browser(|browser, site| {
        browser.cdp("Network.enable", json!({}));
        browser.cdp("Network.setCacheDisabled", json!({ "cacheDisabled": true }));
        browser.cdp(
            "Network.emulateNetworkConditions",
            json!({ "offline": false, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000 }),
        );
        browser.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": THROTTLE }));
        for path in [
            "/",
            "/search?q=%E7%A0%94%E5%8F%91",
            "/records/policy/policy-001",
            "/check",
            "/demands/new",
        ] {
            let loads: Vec<_> = (0..5)
                .map(|_| {
                    browser.open(&format!("{site}{path}"));
                    browser.run_async(
                        "let last = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => { last = entry.startTime; }))
                           .observe({ type: 'largest-contentful-paint', buffered: true });
                         setTimeout(() => done({ paint: last, ready: performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd }), 1000);",
                    )
                })
                .collect();
            let of = |name: &str| median(loads.iter().map(|load| number(load, name)).collect());
            println!(
                "{path}: largest paint {:.0} ms, interactive {:.0} ms",
                of("paint"),
                of("ready")
            );
        }
    });
}
