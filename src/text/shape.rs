//! Characters that look alike.

use std::collections::HashMap;
use std::path::Path;

use super::dictionary::{DictionaryError, DictionaryFile};
use super::normalize::is_han;

/// Groups of characters that are mistaken for each other.
pub struct Shapes {
    groups: Vec<String>,
    /// The groups of each character.
    of_char: HashMap<char, Vec<u16>>,
}

impl Shapes {
    /// Reads `shapes.txt` from a folder, or the one built into the program.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, DictionaryError> {
        let file = DictionaryFile::read(folder, "shapes.txt")?;
        let mut groups = Vec::new();
        let mut of_char: HashMap<char, Vec<u16>> = HashMap::new();
        for (line, group) in file.lines() {
            let number = u16::try_from(groups.len()).ok();
            let (Some(number), 2.., true) =
                (number, group.chars().count(), group.chars().all(is_han))
            else {
                let expected = "two or more 汉字 that look alike, at most 65,535 lines";
                return Err(file.malformed(line, expected, group));
            };
            for ch in group.chars() {
                of_char.entry(ch).or_default().push(number);
            }
            groups.push(group.to_owned());
        }
        Ok(Self { groups, of_char })
    }

    /// Lists the characters that `ch` may have been written for, itself not.
    pub fn like(&self, ch: char) -> impl Iterator<Item = char> + '_ {
        let groups = self.of_char.get(&ch).into_iter().flatten();
        groups
            .flat_map(|&group| self.groups[usize::from(group)].chars())
            .filter(move |other| *other != ch)
    }
}

#[cfg(test)]
mod tests {
    use crate::text::test_analyzer;

    #[test]
    fn characters_have_their_like() {
        let like = |ch: char, other| test_analyzer().shapes().like(ch).any(|ch| ch == other);
        assert!(like('枝', '技') && like('技', '枝'));
        assert!(!like('技', '技') && !like('技', '源') && !like('a', 'b'));
    }
}
