//! The pages: four ways of looking at them, no complaint, no other host, and everything without script.

use serde_json::json;

use crate::driver::Browser;
use crate::{axe, check_quiet, number, with_browser};

const PAGES: [&str; 26] = [
    "/check?id=policy-001",
    "/",
    "/search?q=%E7%A0%94%E5%8F%91%E8%B4%B9%E7%94%A8&kind=policy",
    "/search?q=zzzzqqqq",
    "/records/policy/policy-001",
    "/records/achievement/achievement-001",
    "/demands/new",
    "/subscriptions/new",
    "/embed",
    "/developers",
    "/data",
    "/help",
    "/?lang=en",
    "/records/demand/demand-001",
    "/records/expert/expert-001",
    "/records/service/service-001",
    "/records/finance_product/finance-001",
    "/records/incubator/incubator-001",
    "/records/report/report-001",
    "/records/policy/policy-001?lang=en",
    "/search?q=%E7%A0%94%E5%8F%91&lang=en",
    "/demands/new?title=%E5%AF%BB%E6%B1%82%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96%E5%8F%8D%E6%B8%97%E9%80%8F%E8%86%9C%E5%9B%BD%E4%BA%A7%E6%9B%BF%E4%BB%A3&draft=1",
    "/check?lang=en",
    "/embed?mode=matches",
    "/sitemap",
    "/search?kind=policy&select=level:municipal&select=validity:in_force",
];

/// Pages that answer with an error, which the browser's console tells of.
const ERRORS: [&str; 2] = ["/nowhere/%E7%A0%94%E5%8F%91", "/search?sort=nothing:asc"];

/// Width and what else differs.
pub fn look(browser: &Browser, mode: &str) {
    let (width, forced) = match mode {
        "narrow" => (320, "none"),
        "forced-colors" => (1280, "active"),
        _ => (1280, "none"),
    };
    browser.cdp(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
    );
    browser.cdp(
        "Emulation.setEmulatedMedia",
        json!({ "features": [{ "name": "forced-colors", "value": forced }] }),
    );
}

#[test]
fn every_page_is_accessible_in_four_modes() {
    with_browser(|browser, site| {
        let mut wrong = Vec::new();
        for mode in ["usual", "large", "narrow", "forced-colors"] {
            look(browser, mode);
            let view = if mode == "large" { "large" } else { "usual" };
            for path in PAGES.iter().chain(&ERRORS) {
                let sign = if path.contains('?') { '&' } else { '?' };
                let lang = if path.contains("lang=") { "" } else { "&lang=zh" };
                browser.open(&format!("{site}{path}{sign}view={view}{lang}"));
                browser.until("document.readyState === 'complete'");
                for found in axe(browser) {
                    wrong.push(format!("{mode} {path}: {found}"));
                }
                if ERRORS.contains(path) {
                    browser.log("browser");
                }
                check_quiet(browser, &[site], &format!("{mode} {path}"));
                let overflow = browser.run(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
                );
                if overflow.as_f64().unwrap_or(0.0) > 0.0 {
                    wrong.push(format!("{mode} {path}: is {overflow} px too wide"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn text_twice_as_large_fits() {
    with_browser(|browser, site| {
        look(browser, "usual");
        let mut wrong = Vec::new();
        for path in PAGES {
            let sign = if path.contains('?') { '&' } else { '?' };
            browser.open(&format!("{site}{path}{sign}view=usual"));
            let overflow = browser.run(
                "document.documentElement.style.fontSize = '200%';
                 return document.documentElement.scrollWidth - document.documentElement.clientWidth",
            );
            if overflow.as_f64().unwrap_or(0.0) > 0.0 {
                wrong.push(format!("{path}: is {overflow} px too wide"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// axe cannot tell the colour below text on a gradient.
#[test]
fn text_on_the_first_page_is_light_on_dark() {
    with_browser(|browser, site| {
        look(browser, "usual");
        browser.open(&format!("{site}/?lang=zh"));
        browser.until("document.querySelector('kechuang-search')?.shadowRoot");
        let colors = browser.run(
            "return [...document.querySelectorAll('.hero h1, .hero .lede, .hero .help, .scopes label:not(:has(:checked))')]
               .map(each => getComputedStyle(each).color)",
        );
        let colors = colors.as_array().unwrap();
        assert!(
            colors.len() > 5 && colors.iter().all(|color| *color == json!("rgb(255, 255, 255)")),
            "{colors:?}"
        );
    });
}

#[test]
fn large_letters_are_large() {
    with_browser(|browser, site| {
        look(browser, "large");
        for path in PAGES {
            let sign = if path.contains('?') { '&' } else { '?' };
            browser.open(&format!("{site}{path}{sign}view=large"));
            let smallest = browser.run(
                "const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                 let least = 99, text = '', node;
                 while ((node = walk.nextNode())) {
                   const style = getComputedStyle(node.parentElement);
                   if (!node.data.trim() || !node.parentElement.getClientRects().length) continue;
                   const size = parseFloat(style.fontSize);
                   if (size < least) { least = size; text = node.data; }
                 }
                 const body = getComputedStyle(document.body);
                 return { least, text, spacing: parseFloat(body.lineHeight) / parseFloat(body.fontSize) };",
            );
            assert!(number(&smallest, "least") >= 18.0, "{path}: {smallest}");
            assert!(number(&smallest, "spacing") >= 1.5, "{path}: {smallest}");
        }
        // The choice is remembered, and one click undoes it.
        browser.open(&format!("{site}/help?lang=zh"));
        assert_eq!(browser.run("return document.documentElement.className"), json!("large"));
        browser.run("document.querySelector('.strip nav a').click()");
        browser.until("document.documentElement.className === ''");
    });
}

/// What answers a form: findings of a check, what is wrong, a receipt, a subscription.
#[test]
fn what_comes_of_forms_is_accessible_in_four_modes() {
    with_browser(|browser, site| {
        let mut wrong = Vec::new();
        for mode in ["usual", "large", "narrow", "forced-colors"] {
            look(browser, mode);
            let view = if mode == "large" { "large" } else { "usual" };
            let mut check = |what: &str| {
                browser.until("document.readyState === 'complete'");
                wrong.extend(
                    axe(browser).into_iter().map(|found| format!("{mode} {what}: {found}")),
                );
                let over = browser.run(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
                );
                if over != json!(0) {
                    wrong.push(format!("{mode} {what}: is {over} px too wide"));
                }
            };
            let open = |path: &str| browser.open(&format!("{site}{path}?lang=zh&view={view}"));
            open("/check");
            browser.run(
                "document.querySelector('[name=reg_region]').value = '崂山区';
                 document.querySelector('[name=registered_on]').value = '2015-03-01';
                 document.querySelector('form.form .primary').click()",
            );
            browser.until("document.querySelector('#result .outcome')");
            check("findings");
            open("/demands/new");
            browser.run("document.querySelector('[value=send]').click()");
            browser.until("document.querySelector('.banner.bad')");
            check("what is wrong");
            browser.log("browser");
            open("/demands/new");
            browser.run(&format!(
                "document.querySelector('[name=title]').value = '寻求防腐涂层检测方法 {mode}';
                 document.querySelector('[value=send]').click()"
            ));
            browser.until("document.querySelector('.qr')");
            check("receipt");
            open("/subscriptions/new");
            browser.run("document.querySelector('form.form .primary').click()");
            browser.until("document.querySelector('#atom')");
            check("subscription");
            check_quiet(browser, &[site], mode);
        }
        look(browser, "usual");
        browser.open(&format!("{site}/?view=usual&lang=zh"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn everything_works_without_script() {
    with_browser(|browser, site| {
        browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        // Scripts of the tester still run: they click and read, nothing of the page does.
        browser.open(&format!("{site}/?lang=zh"));
        browser.run("document.querySelector('#q').value = '揭榜挂帅'; document.querySelector('form[role=search]').submit()");
        browser.until("location.pathname === '/search' && document.querySelector('.card')");
        browser.run("document.querySelector('.facets a.value').click()");
        browser.until("location.search.includes('select=') && document.querySelector('.chips')");
        browser.run("history.back()");
        browser.until("!location.search.includes('select=')");
        browser.run("document.querySelector('.card h2 a').click()");
        browser.until("location.pathname.startsWith('/records/')");
        browser.open(&format!("{site}/demands/new?lang=zh"));
        browser.run(
            "document.querySelector('[name=title]').value = '寻求海水淡化反渗透膜元件国产替代方案';
             document.querySelector('[value=preview].plain').click()",
        );
        browser.until("document.querySelector('.match')");
        assert_eq!(
            browser.run("return document.querySelector('[name=title]').value"),
            json!("寻求海水淡化反渗透膜元件国产替代方案")
        );
        browser.run("document.querySelector('[value=draft]').click()");
        browser
            .until("location.search.includes('draft=1') && document.querySelector('.banner.good')");
        assert_eq!(
            browser.run("return document.querySelector('[name=title]').value"),
            json!("寻求海水淡化反渗透膜元件国产替代方案")
        );
        browser.run("document.querySelector('[value=send]').click()");
        browser.until("location.search.includes('sent=')");
        browser.open(&format!("{site}/subscriptions/new?q=%E4%BC%A0%E6%84%9F%E5%99%A8&lang=zh"));
        browser.run("document.querySelector('form.form .primary').click()");
        browser.until("document.querySelector('#atom')");
        browser.open(&format!("{site}/search?kind=policy&lang=zh"));
        browser.run("document.querySelector('.pager a[rel=next]').click()");
        browser.until("location.search.includes('offset=20') && document.querySelector('.card')");
        browser.open(&format!("{site}/check?lang=zh"));
        browser.run("document.querySelector('form.form .primary').click()");
        browser.until("document.querySelector('#result .tally')");
        browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
    });
}

#[test]
fn recommendations_come_while_one_writes_and_move_nothing() {
    with_browser(|browser, site| {
        look(browser, "usual");
        browser.open(&format!("{site}/demands/new?lang=zh"));
        let top = "return document.querySelector('[name=problem]').getBoundingClientRect().top";
        browser.run("document.querySelector('[name=title]').focus()");
        let before = browser.run(top);
        // An input method writes: while it does, nothing is asked.
        browser.requests();
        for text in ["h", "hai", "hai'shui", "hai'shui'dan'hua"] {
            browser.cdp(
                "Input.imeSetComposition",
                json!({ "text": text, "selectionStart": text.len(), "selectionEnd": text.len() }),
            );
            std::thread::sleep(std::time::Duration::from_millis(350));
        }
        std::thread::sleep(std::time::Duration::from_millis(1_000));
        let asked = browser.requests();
        assert!(!asked.iter().any(|url| url.contains("/live")), "{asked:?}");
        browser.cdp("Input.insertText", json!({ "text": "海水淡化反渗透膜元件国产替代方案" }));
        browser.until("document.querySelector('#live .match')");
        assert_eq!(browser.run(top), before);
        assert_eq!(
            browser.run("return document.activeElement.name"),
            json!("title"),
            "the caret stays where it was"
        );
        check_quiet(browser, &[site], "/demands/new");
    });
}

#[test]
fn a_page_of_results_is_light() {
    with_browser(|browser, site| {
        browser.requests();
        browser.open(&format!("{site}/search?q=%E7%A0%94%E5%8F%91&lang=zh"));
        browser.until("document.readyState === 'complete'");
        let asked = browser.requests();
        assert!(asked.len() <= 6, "{asked:?}");
        let sizes = browser.run(
            "const all = [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')];
             const sum = end => all.filter(e => e.name.split('?')[0].endsWith(end)).reduce((n, e) => n + e.encodedBodySize, 0);
             return { html: performance.getEntriesByType('navigation')[0].encodedBodySize, css: sum('.css'), js: sum('.js') };",
        );
        assert!(number(&sizes, "html") <= 30_000.0, "{sizes}");
        assert!(number(&sizes, "css") <= 15_000.0, "{sizes}");
        assert!(number(&sizes, "js") <= 8_000.0, "{sizes}");
    });
}
