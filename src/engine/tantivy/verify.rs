//! Checks an index on disk against its checksums.

use std::path::Path;

use tantivy::Index;

/// Checks every index in the folder `dir`; what is wrong, in words, or nothing. A missing folder is sound.
pub fn verify_indexes(dir: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return problems };
    for entry in entries.flatten() {
        // Others were moved aside as unreadable.
        let is_index = entry.path().is_dir() && entry.path().extension().is_none();
        if !is_index {
            continue;
        }
        let path = entry.path();
        match Index::open_in_dir(&path).and_then(|index| index.validate_checksum()) {
            Ok(damaged) => {
                problems.extend(damaged.into_iter().map(|file| {
                    format!("{} does not match its checksum", path.join(file).display())
                }))
            }
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    problems.sort();
    problems
}
