//! `search.toml` -> [`Scoring`].

use super::files::ConfigFiles;
use super::problem::Problems;
use super::reader::{Document, Table};
use crate::record::kind::{RoleBoosts, Scoring, UnitWeights};

/// Greatest weight: beyond it one part of a score drowns all others.
const MOST: f64 = 100.0;

/// Reads how text is scored; `None` when something is wrong, which is reported.
pub(super) fn read_scoring(files: &ConfigFiles, problems: &Problems) -> Option<Scoring> {
    let text = files.text(super::SCORING, problems)?;
    let document = Document::parse(files.path(super::SCORING), text, problems)?;
    let root = document.root();
    root.allow(&["version", "units", "roles"]);
    root.version();
    let units = weights(&root, "units", ["words", "grams", "chars"]);
    let roles = weights(&root, "roles", ["title", "keywords", "code"]);
    let ([words, grams, chars], [title, keywords, code]) = (units?, roles?);
    Some(Scoring {
        version: 1,
        units: UnitWeights { words, grams, chars },
        roles: RoleBoosts { title, keywords, code },
    })
}

fn weights(root: &Table<'_>, key: &str, keys: [&str; 3]) -> Option<[f32; 3]> {
    let table = root.need(key)?.table()?;
    table.allow(&keys);
    let [first, second, third] = keys.map(|key| {
        let node = table.need(key)?;
        let weight = node.number()?;
        if !(0.0..=MOST).contains(&weight) {
            node.report(format_args!("must be 0 to {MOST}, found {weight}"));
        }
        Some(weight as f32)
    });
    Some([first?, second?, third?])
}
