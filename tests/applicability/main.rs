//! The sample policies against the sample profiles: what the rules say, worked out by hand and by a second evaluator
//! written from the definition, is what the service answers.

mod laws;
mod sample;

use std::path::PathBuf;

/// A file of the project.
pub fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
