//! What loading costs: measured and printed, since a figure depends on the machine. Run alone, with
//! `cargo test --release --test browser -- --ignored --nocapture cost`.

use std::time::Duration;

use serde_json::json;

use crate::driver::Browser;
use crate::widget::{page, policy};
use crate::{Host, number, with_browser};

/// Loads of each page, and the time that each gets.
const LOADS: usize = 15;
const SETTLE: Duration = Duration::from_millis(1_500);
/// How much slower the processor is made.
const THROTTLE: u32 = 4;

/// Milliseconds that a page's scripts and its whole main thread take while it loads.
fn load(browser: &Browser, url: &str) -> [f64; 2] {
    let read = || {
        let metrics = browser.cdp("Performance.getMetrics", json!({}));
        let of = |name: &str| {
            let all = metrics["metrics"].as_array().unwrap();
            number(all.iter().find(|metric| metric["name"] == name).unwrap(), "value") * 1e3
        };
        [of("ScriptDuration") + of("V8CompileDuration"), of("TaskDuration")]
    };
    // A fresh page of the same process: what was counted before is taken off.
    browser.open("about:blank");
    browser.cdp("Performance.enable", json!({}));
    browser.open(url);
    std::thread::sleep(SETTLE);
    read()
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
        let html = page(site, "", "");
        let with = host.page("/with", &policy(site), &html);
        let empty = html.replace("/widget/", "/nothing/");
        let without = host.page("/without", &policy(site), &empty);
        browser.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": THROTTLE }));
        let medians = |url: &str| {
            let loads: Vec<[f64; 2]> = (0..LOADS).map(|_| load(browser, url)).collect();
            [0, 1].map(|at| median(loads.iter().map(|load| load[at]).collect()))
        };
        let (plain, whole) = (medians(&without), medians(&with));
        println!(
            "processor {THROTTLE} times slower, medians of {LOADS} loads: scripts {:.2} ms, main thread {:.2} ms; \
             without the widget {:.2} and {:.2} ms: it costs {:.2} ms",
            whole[0],
            whole[1],
            plain[0],
            plain[1],
            whole[0] - plain[0]
        );
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
