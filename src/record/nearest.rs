//! The valid name that a mistyped one was meant to be.

/// Longest text that is compared; what is longer is no mistyped name.
const LONGEST: usize = 48;

/// Returns up to three of `names` that `found` was likely meant to be, nearest first.
///
/// A name is near when at most a third of the letters of `found` differ. ASCII case does not matter.
pub fn nearest<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let length = found.chars().count();
    if !(2..=LONGEST).contains(&length) {
        return Vec::new();
    }
    let found = found.to_ascii_lowercase();
    let allowed = (length / 3).max(1);
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(length) <= allowed)
        .map(|name| (strsim::osa_distance(&found, &name.to_ascii_lowercase()), name))
        .filter(|&(distance, _)| distance <= allowed)
        .collect();
    near.sort_by_key(|&(distance, _)| distance);
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// Returns `; did you mean "term"?`, or nothing when no name is near.
pub fn did_you_mean<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(found, names);
    if near.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = near.iter().map(|name| format!("\"{name}\"")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let check = |found: &str, expected: &[&str]| {
            let names = ["text", "term", "tree", "date", "organization", "transfer_modes"];
            assert_eq!(nearest(found, names), expected, "{found}");
        };
        check("terms", &["term"]);
        check("Term", &["term"]);
        check("tert", &["text", "term"]);
        check("orgnaization", &["organization"]);
        check("transfer_mode", &["transfer_modes"]);
        check("x", &[]);
        check("", &[]);
        check("integer", &[]);
        check(&"a".repeat(100_000), &[]);
    }

    #[test]
    fn asks_only_when_something_is_near() {
        assert_eq!(did_you_mean("terms", ["term"]), "; did you mean \"term\"?");
        assert_eq!(did_you_mean("quantity", ["term"]), "");
    }
}
