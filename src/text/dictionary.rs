//! The dictionary files: found, read, checked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "dictionaries/"]
struct Embedded;

/// Words that are to stay whole.
pub const WORDS: &str = "words.txt";
/// Longest word, in characters.
const MAX_WORD_CHARS: usize = 32;

/// Why the dictionaries were refused.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    #[error("dictionary {file} is missing")]
    Missing { file: PathBuf },
    #[error("dictionary {file} cannot be read")]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("dictionary {file}, line {line}: expected {expected}, found {found:?}")]
    Malformed {
        file: PathBuf,
        /// From 1.
        line: usize,
        expected: &'static str,
        found: String,
    },
}

/// What `words.txt` says, checked line by line.
pub(super) struct Words {
    /// As written: not yet normalized.
    pub words: Vec<String>,
    pub fingerprint: u64,
}

impl Words {
    pub fn read(folder: Option<&Path>) -> Result<Self, DictionaryError> {
        let file = DictionaryFile::read(folder, WORDS)?;
        Ok(Self { words: parse_words(&file)?, fingerprint: fingerprint(&[&file]) })
    }
}

/// What the table of traditional characters says, checked line by line.
pub(super) struct Tables {
    pub t2s_chars: HashMap<char, char>,
    pub fingerprint: u64,
}

impl Tables {
    pub fn read(folder: Option<&Path>) -> Result<Self, DictionaryError> {
        let chars = DictionaryFile::read(folder, "t2s_chars.txt")?;
        Ok(Self { t2s_chars: parse_chars(&chars)?, fingerprint: fingerprint(&[&chars]) })
    }
}

/// Stands for the bytes of these files, in this order.
fn fingerprint(files: &[&DictionaryFile]) -> u64 {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update((file.text.len() as u64).to_le_bytes());
        hasher.update(&file.text);
    }
    hasher.finalize().iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// A dictionary file: UTF-8, one entry a line.
pub struct DictionaryFile {
    path: PathBuf,
    text: String,
}

impl DictionaryFile {
    /// Reads a file of a folder, or the copy that is built into the program.
    pub fn read(folder: Option<&Path>, name: &str) -> Result<Self, DictionaryError> {
        let path = folder.unwrap_or(Path::new("dictionaries")).join(name);
        let bytes = match folder {
            Some(_) => std::fs::read(&path).map_err(|source| match source.kind() {
                std::io::ErrorKind::NotFound => DictionaryError::Missing { file: path.clone() },
                _ => DictionaryError::Unreadable { file: path.clone(), source },
            })?,
            None => match Embedded::get(name) {
                Some(file) => file.data.into_owned(),
                None => return Err(DictionaryError::Missing { file: path }),
            },
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let line = bytes[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
                let rest = bytes[valid..].split(|&byte| byte == b'\n').next().unwrap_or_default();
                Err(DictionaryError::Malformed {
                    file: path,
                    line,
                    expected: "UTF-8",
                    found: String::from_utf8_lossy(rest).into_owned(),
                })
            }
        }
    }

    /// The lines that say something, with their numbers: no comments (`#` first) and no empty ones.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    }

    /// The error for a line of the file.
    pub fn malformed(&self, line: usize, expected: &'static str, found: &str) -> DictionaryError {
        let found = found.chars().take(80).collect();
        DictionaryError::Malformed { file: self.path.clone(), line, expected, found }
    }
}

/// One word a line.
fn parse_words(file: &DictionaryFile) -> Result<Vec<String>, DictionaryError> {
    let expected =
        "one word of 2 to 32 characters, at least two of them letters or digits, without tabs";
    file.lines()
        .map(|(line, word)| {
            let letters = word.chars().filter(|c| c.is_alphanumeric()).count();
            let sound = letters >= 2
                && word.chars().count() <= MAX_WORD_CHARS
                && !word.starts_with(char::is_whitespace)
                && !word.chars().any(char::is_control);
            if sound { Ok(word.to_owned()) } else { Err(file.malformed(line, expected, word)) }
        })
        .collect()
}

/// Reads `not_suggested.txt`: one word a line.
pub(super) fn read_unsuggested(folder: Option<&Path>) -> Result<Vec<String>, DictionaryError> {
    parse_words(&DictionaryFile::read(folder, "not_suggested.txt")?)
}

/// `traditional TAB simplified`; of several simplified forms, parted by spaces, the first is used.
fn parse_chars(file: &DictionaryFile) -> Result<HashMap<char, char>, DictionaryError> {
    let expected = "a traditional character, tab, simplified characters parted by spaces";
    let only = |text: &str| {
        let mut chars = text.chars();
        let only = chars.next().filter(|c| c.is_alphanumeric() && !c.is_ascii())?;
        chars.next().is_none().then_some(only)
    };
    let mut chars = HashMap::new();
    for (line, text) in file.lines() {
        let pair = text.split_once('\t').and_then(|(from, to)| {
            Some((only(from)?, only(to.split(' ').next().unwrap_or_default())?))
        });
        let Some((from, to)) = pair else { return Err(file.malformed(line, expected, text)) };
        if chars.insert(from, to).is_some_and(|before| before != to) {
            return Err(file.malformed(line, "one line for each traditional character", text));
        }
    }
    Ok(chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the two files, one of them with other content, and reads them.
    fn read(name: &str, content: &[u8]) -> Result<(Words, Tables), DictionaryError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (file, default) in [("words.txt", "专精特新\n"), ("t2s_chars.txt", "乾\t干 乾\n")]
        {
            std::fs::write(folder.path().join(file), default).expect("the folder can be written");
        }
        std::fs::write(folder.path().join(name), content).expect("the folder can be written");
        Ok((Words::read(Some(folder.path()))?, Tables::read(Some(folder.path()))?))
    }

    #[test]
    fn malformed_lines_are_named() {
        let check = |name: &str, content: &[u8], expected: usize| match read(name, content) {
            Err(DictionaryError::Malformed { file, line, .. }) => {
                assert_eq!((file.ends_with(name), line), (true, expected), "{name}");
            }
            other => panic!("{name}: {:?}", other.map(|(words, _)| words.words)),
        };
        check("words.txt", "# 词\n专精特新\n碳\n".as_bytes(), 3);
        check("words.txt", "专精特新\t100\n".as_bytes(), 1);
        check("words.txt", b"\n\xff\n", 2);
        check("t2s_chars.txt", "乾 干\n".as_bytes(), 1);
        check("t2s_chars.txt", "乾坤\t乾坤\n".as_bytes(), 1);
        check("t2s_chars.txt", "乾\t干\n乾\t乾\n".as_bytes(), 2);
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        let (read, _) = read("words.txt", "\u{feff}# 词\r\n\r\n专精特新\r\n5G 网络\r\n".as_bytes())
            .expect("sound");
        assert_eq!(read.words, ["专精特新", "5G 网络"]);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let missing = |error| matches!(error, Some(DictionaryError::Missing { .. }));
        assert!(missing(Words::read(Some(folder.path())).err()));
        assert!(missing(Tables::read(Some(folder.path())).err()));
    }

    #[test]
    fn every_file_counts_in_one_fingerprint() {
        let of = |name, content: &str| {
            let (words, tables) = read(name, content.as_bytes()).expect("sound");
            (words.fingerprint, tables.fingerprint)
        };
        let base = of("words.txt", "专精特新\n");
        assert_eq!(of("t2s_chars.txt", "乾\t干 乾\n"), base, "nothing has changed");
        let changed = |name, content| {
            let (words, tables) = of(name, content);
            (words != base.0, tables != base.1)
        };
        assert_eq!(changed("words.txt", "专精特新\n碳中和\n"), (true, false));
        assert_eq!(changed("t2s_chars.txt", "乾\t干\n"), (false, true));
    }
}
