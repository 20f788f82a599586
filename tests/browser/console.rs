//! The console: four ways of looking at it, and every task without a script.

use std::io::Write as _;

use serde_json::json;

use crate::driver::Browser;
use crate::pages::look;
use crate::{SERVER, axe, check_quiet, with_browser};

fn sign_in(browser: &Browser, site: &str) {
    browser.open(&format!("{site}/admin?lang=zh"));
    browser.until("location.pathname === '/admin/sign-in'");
    browser.run(&format!(
        "document.querySelector('#key').value = '{}'; document.querySelector('form.sign-in button').click()",
        SERVER.key
    ));
    browser.until("location.pathname === '/admin' && document.querySelector('.tiles')");
}

/// Hands in a demand; returns its id.
fn hand_in(browser: &Browser, site: &str, title: &str) -> String {
    browser.open(&format!("{site}/demands/new?lang=zh"));
    browser.run(&format!(
        "document.querySelector('[name=title]').value = '{title}'; document.querySelector('[value=send]').click()"
    ));
    browser.until("location.search.includes('sent=')");
    let id = browser.run("return new URLSearchParams(location.search).get('sent')");
    id.as_str().unwrap().to_owned()
}

#[test]
fn every_page_of_the_console_is_accessible_in_four_modes() {
    with_browser(|browser, site| {
        let id = hand_in(browser, site, "寻求低温密封材料及其寿命评价方法");
        sign_in(browser, site);
        let record = format!("/admin/records/demand/{id}");
        let pages = [
            "/admin",
            "/admin/review",
            "/admin/review?state=published&q=%E6%B5%B7%E6%B0%B4",
            &record,
            "/admin/import",
            "/admin/gaps",
            "/admin/gaps?place=370000",
            "/admin/searches",
            "/admin/sign-in",
        ];
        let mut wrong = Vec::new();
        for mode in ["usual", "large", "narrow", "forced-colors"] {
            look(browser, mode);
            let view = if mode == "large" { "large" } else { "usual" };
            for path in pages {
                let sign = if path.contains('?') { '&' } else { '?' };
                browser.open(&format!("{site}{path}{sign}view={view}&lang=zh"));
                browser.until("document.readyState === 'complete'");
                wrong.extend(
                    axe(browser).into_iter().map(|found| format!("{mode} {path}: {found}")),
                );
                check_quiet(browser, &[site], &format!("{mode} {path}"));
                let over = browser.run(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
                );
                if over.as_f64().unwrap_or(0.0) > 0.0 {
                    wrong.push(format!("{mode} {path}: is {over} px too wide"));
                }
            }
        }
        look(browser, "usual");
        browser.open(&format!("{site}/admin?view=usual&lang=zh"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn an_operator_needs_no_script() {
    with_browser(|browser, site| {
        look(browser, "usual");
        browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        let id = hand_in(browser, site, "寻求海洋平台防腐涂层在线检测方法");
        sign_in(browser, site);
        let record = format!("/admin/records/demand/{id}");
        // Look at it, send it back, find it there, and publish it after all.
        browser.open(&format!("{site}/admin/review?lang=zh"));
        browser.run(&format!("document.querySelector('a[href^=\"{record}\"]').click()"));
        browser.until("document.querySelector('.decide')");
        browser.run("document.querySelector('#preset').selectedIndex = 2; document.querySelector('[value=send_back]').click()");
        browser.until("document.querySelector('[role=status]')?.textContent.includes('已退回')");
        browser.open(&format!("{site}/demands/new?sent={id}&lang=zh"));
        browser.until("document.body.textContent.includes('缺少可量化的指标')");
        browser.open(&format!("{site}/admin/review?state=rejected&lang=zh"));
        browser.run(&format!("document.querySelector('a[href^=\"{record}\"]').click()"));
        browser.until("document.querySelector('[value=publish]')");
        browser.run("document.querySelector('[value=publish]').click()");
        browser.until("document.querySelector('[role=status]')?.textContent.includes('已公开')");
        browser.open(&format!("{site}/records/demand/{id}"));
        browser.until("document.querySelector('h1').textContent.includes('防腐涂层')");
        // A file: looked at, then taken in.
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        file.write_all("id,title\nimported-1,海上风电叶片除冰方法\nimported-2,\n".as_bytes())
            .unwrap();
        browser.open(&format!("{site}/admin/import?kind=demand&lang=zh"));
        browser.choose_file("#file", file.path());
        browser.run("document.querySelector('form.part .primary').click()");
        browser.until("document.querySelectorAll('.tally li').length === 4");
        let tally =
            "return [...document.querySelectorAll('.tally strong')].map(each => each.textContent)";
        assert_eq!(browser.run(tally), json!(["2", "1", "0", "1"]));
        browser.run("document.querySelector('.form .primary').click()");
        browser
            .until("document.querySelector('#report-heading')?.textContent.includes('导入结果')");
        browser.open(&format!("{site}/records/demand/imported-1"));
        browser.until("document.querySelector('h1').textContent.includes('除冰')");
        // Every gap leads to the records it counts.
        browser.open(&format!("{site}/admin/gaps?lang=zh"));
        browser.until("document.querySelector('.chart svg')");
        // Out again.
        browser.run("document.querySelector('.console-side button').click()");
        browser.until("location.pathname === '/admin/sign-in'");
        browser.open(&format!("{site}/admin"));
        browser.until("location.pathname === '/admin/sign-in'");
        browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
    });
}
