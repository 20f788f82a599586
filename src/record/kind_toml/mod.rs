//! `index-config/` -> [`Catalog`], or everything that is wrong with it.
//!
//! Files are read value by value rather than through serde, so that one run names every problem of every file with
//! its line and key.

mod attributes;
mod catalog;
mod classes;
mod facet;
mod field;
mod files;
mod kind;
mod page;
pub(crate) mod problem;
pub(crate) mod reader;
mod rules;
#[cfg(test)]
pub(super) mod sample;
mod scoring;
#[cfg(test)]
mod tests;
mod understanding;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::Vocabulary;
use super::kind::Catalog;
use super::understanding::UnderstandingRules;
pub use field::MAX_URL;
use field::{FieldReader, Fields};
pub use files::ConfigFiles;
pub use problem::{ConfigError, Problem};
use problem::{Place, Problems};
use reader::Document;

const ATTRIBUTES: &str = "attributes.toml";
const CLASSES: &str = "classes.toml";
const COMMON: &str = "common.toml";
const SCORING: &str = "search.toml";
const UNDERSTANDING: &str = "understanding.toml";
const KINDS: &str = "kinds/";
const VOCABULARIES: &str = "vocabularies/";

impl Catalog {
    /// Reads an index configuration from a folder; without one, the copy that the program carries.
    pub fn open(dir: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::read(dir)?)
    }

    /// Reads an index configuration.
    pub fn from_files(files: &ConfigFiles) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let (vocabularies, broken_vocabularies) = read_vocabularies(files, &problems);
        let reader = FieldReader {
            vocabularies: &vocabularies,
            broken_vocabularies: &broken_vocabularies,
            problems: &problems,
        };
        let mut attributes = attributes::read_attributes(files, &vocabularies, &problems);
        attributes.classifications = classes::read_classes(files, &attributes, &problems);
        let common = read_common(files, &reader);
        let mut kinds = Vec::new();
        for name in files.names(KINDS, ".toml", &problems) {
            kinds.extend(kind::read_kind(files, name, &reader, common.as_ref()));
        }
        if kinds.is_empty() && problems.len() == 0 {
            problems.add_to_file(&files.path(KINDS), "holds no kind; expected a file <kind>.toml");
        }
        kinds.sort_by_key(|kind| (kind.kind.order, kind.kind.name.clone()));
        catalog::check_orders(&kinds, &problems);
        page::check_forms(&kinds, files, &problems);
        let columns = catalog::unite(&kinds, &problems);
        let kinds: Vec<_> = kinds.into_iter().map(|kind| Arc::new(kind.kind)).collect();
        // Without sound kinds nothing that refers to them can be checked.
        let are_sound = problems.len() == 0;
        let scoring = scoring::read_scoring(files, are_sound.then_some(&columns), &problems);
        let understanding = match are_sound {
            true => {
                let declared = understanding::Declared { columns: &columns, kinds: &kinds };
                understanding::read_understanding(files, declared, &problems)
            }
            false => UnderstandingRules::default(),
        };
        problems.into_result()?;
        Ok(Self {
            kinds,
            columns,
            vocabularies,
            attributes,
            understanding,
            scoring: scoring.expect("search.toml has no problem, so it was read"),
            fingerprint: files.fingerprint(),
        })
    }
}

/// Reads the vocabularies, and the names of those that cannot be used.
fn read_vocabularies(
    files: &ConfigFiles,
    problems: &Problems,
) -> (HashMap<String, Arc<Vocabulary>>, HashSet<String>) {
    let mut vocabularies = HashMap::new();
    let mut broken = HashSet::new();
    for name in files.names(VOCABULARIES, ".tsv", problems) {
        let file = format!("{VOCABULARIES}{name}.tsv");
        let read = files.text(&file, problems).map(|text| Vocabulary::parse(name, text));
        match read {
            Some(Ok(vocabulary)) => {
                vocabularies.insert(name.to_owned(), Arc::new(vocabulary));
                continue;
            }
            Some(Err(found)) => {
                for problem in found {
                    let place = Place::at_line(files.path(&file), problem.line);
                    place.report(problems, problem.message);
                }
            }
            None => {}
        }
        broken.insert(name.to_owned());
    }
    (vocabularies, broken)
}

/// Reads the fields that every kind has; `None` when the file cannot be read at all.
fn read_common(files: &ConfigFiles, reader: &FieldReader<'_>) -> Option<Fields> {
    let text = files.text(COMMON, reader.problems)?;
    let document = Document::parse(files.path(COMMON), text, reader.problems)?;
    let root = document.root();
    root.allow(&["version", "field"]);
    root.version();
    Some(reader.read(&root, &Fields::default()))
}
