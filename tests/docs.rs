//! What the documentation says exists: links between pages, and the codes of the API.

use std::fs;
use std::path::{Path, PathBuf};

use kechuang::http::Code;

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for entry in fs::read_dir(root.join("docs")).expect("docs").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "md") {
            pages.push(entry.path());
        }
    }
    assert!(pages.len() > 8, "the pages are found");
    pages
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a readable page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or("");
            if path.is_empty() || path.starts_with("http") {
                continue;
            }
            let target = page.parent().expect("a folder").join(path);
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
}

#[test]
fn the_api_page_lists_every_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
    let text = fs::read_to_string(page).expect("a readable page");
    let (_, table) = text.split_once("| code | status | meaning |").expect("the table of codes");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| {
            let (name, status) = (code.name(), code.status().as_u16());
            format!("| `{name}` | {status} | {}. {} |", code.title(), code.meaning())
        })
        .collect();
    assert_eq!(rows, expected);
}
