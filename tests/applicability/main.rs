//! The sample policies against the sample profiles: what the rules say, worked out by hand and by a second evaluator
//! written from the definition, is what the service answers.

mod fuzz;
mod laws;
mod sample;
mod service;
mod verdicts;

use std::path::PathBuf;

/// A file of the project.
pub fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a table beside this file: without comments, split at tabs into `N` columns.
pub fn table<const N: usize>(name: &str) -> Vec<[String; N]> {
    let text = file(&format!("tests/applicability/{name}"));
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            columns
                .try_into()
                .unwrap_or_else(|_| panic!("{name}: {N} columns are expected: {line}"))
        })
        .collect()
}
