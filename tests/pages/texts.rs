//! Both languages are whole: no text stands outside the catalogs, and no page in English falls back to Chinese.

use std::path::Path;

use crate::site::Site;

fn is_han(ch: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&ch)
}

/// The name that a language has in itself, which is the same in every language.
const OWN_NAME: &str = "简体中文";

#[test]
fn templates_hold_no_text_of_their_own() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("portal/templates")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap().replace(OWN_NAME, "");
            let line = text.lines().find(|line| line.chars().any(is_han));
            assert_eq!(line, None, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} templates");
}

/// A page without what is data or code: examples, and what is marked as Chinese.
fn prose(html: &str) -> String {
    let mut text = html.replace(OWN_NAME, "");
    for name in ["pre", "code", "textarea", "script"] {
        let end = format!("</{name}>");
        while let Some(from) = text.find(&format!("<{name}")) {
            let to = text[from..].find(&end).expect("it ends") + from + end.len();
            text.replace_range(from..to, "");
        }
    }
    text
}

#[tokio::test]
async fn english_is_whole() {
    let site = Site::new(Vec::new());
    for uri in [
        "/?lang=en",
        "/search?lang=en",
        "/search?q=none&lang=en",
        "/search?sort=nothing:asc&lang=en",
        "/check?lang=en",
        "/demands/new?lang=en",
        "/demands/new?draft=1&lang=en",
        "/subscriptions/new?lang=en",
        "/embed?lang=en",
        "/embed?mode=matches&lang=en",
        "/data?lang=en",
        "/help?lang=en",
        "/sitemap?lang=en",
        "/nowhere?lang=en",
        "/admin/sign-in?lang=en",
    ] {
        let html = prose(&site.get(uri).await.html);
        let line = html.lines().find(|line| line.chars().any(is_han));
        assert_eq!(line, None, "{uri}");
    }
    let checked = site.post("/check?lang=en", &[("reg_region", "370212"), ("staff", "40")]).await;
    let html = prose(&checked.html);
    // Names of places are what they are.
    let line = html.lines().find(|line| line.chars().any(is_han) && !line.contains("value=\""));
    assert_eq!(line, None);
}
