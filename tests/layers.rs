//! A module uses only modules of a lower number; two of the same number do not use each other. No file names a kind.

use std::fs;
use std::path::{Path, PathBuf};

const LAYERS: [(&str, u32); 20] = [
    ("record", 1),
    ("text", 2),
    ("quantity", 2),
    ("query", 3),
    ("store", 4),
    ("engine", 5),
    ("ranking", 6),
    ("matching", 6),
    ("presentation", 6),
    ("suggest", 6),
    ("applicability", 6),
    ("service", 7),
    ("config", 8),
    ("app", 9),
    ("http", 10),
    ("portal", 11),
    ("evaluation", 11),
    ("cli", 12),
    ("lib", 13),
    ("main", 13),
];

fn layer_of(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable file");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("").to_owned();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn files() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 40, "the sources are found");
    found
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&root).expect("below the root");
            let first = relative.iter().next().expect("a name").to_string_lossy();
            (first.trim_end_matches(".rs").to_owned(), path)
        })
        .collect()
}

#[test]
fn modules_use_only_those_below() {
    let mut wrong = Vec::new();
    for (module, path) in files() {
        let layer =
            layer_of(&module).unwrap_or_else(|| panic!("{module} has no layer: name it here"));
        for (at, line) in code(&path).lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used: String =
                    used.chars().take_while(|ch| ch.is_alphanumeric() || *ch == '_').collect();
                let Some(used_layer) = layer_of(&used) else { continue };
                if used != module && used_layer >= layer {
                    wrong.push(format!("{}:{}: {module} uses {used}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "modules reach upwards:\n{}", wrong.join("\n"));
}

#[test]
fn engine_and_store_meet_only_in_the_service() {
    for (module, path) in files() {
        // The engine remembers how far it has read the change log, and keeps that place for the store.
        let code = code(&path).replace("crate::store::Cursor", "");
        let (engine, store) = (code.contains("crate::engine"), code.contains("crate::store"));
        if layer_of(&module) < layer_of("service") {
            assert!(!(engine && store), "{} knows engine and store", path.display());
            assert!(module != "engine" || !store, "{} knows the store", path.display());
        }
    }
}

#[test]
fn no_source_names_a_kind() {
    let kinds: Vec<String> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("index-config/kinds"))
            .expect("the kind files")
            .flatten()
            .map(|entry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
    assert!(kinds.len() >= 8, "the kind files are found");
    for (_, path) in files() {
        if path.iter().any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        for (at, line) in code(&path).lines().enumerate() {
            for kind in &kinds {
                assert!(
                    !line.contains(&format!("\"{kind}\"")),
                    "{}:{} names the kind {kind}: {line}",
                    path.display(),
                    at + 1
                );
            }
        }
    }
}
