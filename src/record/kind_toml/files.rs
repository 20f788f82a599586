//! The files of an index configuration: the embedded copy, or a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::problem::{ConfigError, Problems};

#[derive(RustEmbed)]
#[folder = "index-config/"]
#[include = "*.toml"]
#[include = "*.tsv"]
pub(crate) struct Embedded;

/// Every file of an index configuration, by its name within the folder: `kinds/<kind>.toml`.
#[derive(Debug)]
pub struct ConfigFiles {
    /// How problems call the folder.
    folder: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl ConfigFiles {
    /// Reads a folder, or the embedded copy.
    ///
    /// Hidden files and editors' backups (`…~`) are left out.
    pub fn read(dir: Option<&Path>) -> Result<Self, ConfigError> {
        match dir {
            None => Ok(Self::embedded()),
            Some(dir) => Self::read_dir(dir),
        }
    }

    fn embedded() -> Self {
        let files = Embedded::iter().filter_map(|name| {
            let file = Embedded::get(&name)?;
            Some((name.replace('\\', "/"), file.data.into_owned()))
        });
        Self { folder: "index-config".to_owned(), files: files.collect() }
    }

    fn read_dir(dir: &Path) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let folder = dir.display().to_string();
        let folder = folder.trim_end_matches(['/', '\\']);
        let mut files = BTreeMap::new();
        for below in ["", "kinds/", "vocabularies/"] {
            if let Err(error) = read_files(&dir.join(below), below, &mut files) {
                let path = format!("{folder}/{below}");
                problems.add_to_file(&path.into(), format!("cannot be read: {error}"));
            }
        }
        problems.into_result()?;
        Ok(Self { folder: folder.to_owned(), files })
    }

    /// Makes a configuration of texts, without any folder.
    #[cfg(test)]
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.into()));
        Self { folder: "index-config".to_owned(), files: files.collect() }
    }

    #[cfg(test)]
    pub fn insert(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.insert(name.to_owned(), bytes);
    }

    /// Returns the name that problems give a file.
    pub fn path(&self, name: &str) -> Arc<str> {
        format!("{}/{name}", self.folder).into()
    }

    /// Returns the bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Returns the text of a file, or reports that it is missing or no UTF-8.
    pub(crate) fn text(&self, name: &str, problems: &Problems) -> Option<&str> {
        let Some(bytes) = self.get(name) else {
            problems.add_to_file(&self.path(name), "the file is missing");
            return None;
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let at = error.valid_up_to();
                problems.add_to_file(&self.path(name), format!("is not UTF-8 at byte {at}"));
                None
            }
        }
    }

    /// Returns the names of the files of a folder that end in `extension`, without both, and reports the others.
    pub(crate) fn names(&self, folder: &str, extension: &str, problems: &Problems) -> Vec<&str> {
        let mut names = Vec::new();
        for file in self.files.keys() {
            let Some(name) = file.strip_prefix(folder).filter(|name| !name.contains('/')) else {
                continue;
            };
            match name.strip_suffix(extension) {
                Some(name) => names.push(name),
                None => problems.add_to_file(
                    &self.path(file),
                    format!("does not belong here: files of {folder} end in {extension}"),
                ),
            }
        }
        names
    }

    /// Computes a number that changes with any file that decides what is indexed.
    ///
    /// Line ends do not count, so that a checkout on another platform has the same number.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = Sha256::new();
        for (name, bytes) in &self.files {
            let counts = name == super::COMMON
                || name.starts_with(super::KINDS)
                || name.starts_with(super::VOCABULARIES);
            if counts {
                let bytes: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != b'\r').collect();
                for part in [name.as_bytes(), &bytes] {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
            }
        }
        let digest = hash.finalize();
        digest[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

/// Reads the files that are directly in a folder.
fn read_files(dir: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_file() && !name.starts_with('.') && !name.ends_with('~') {
            let bytes = fs::read(&path)
                .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            files.insert(format!("{below}{name}"), bytes);
        }
    }
    Ok(())
}
