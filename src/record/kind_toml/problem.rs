//! Everything that is wrong with an index configuration, and where.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Why an index configuration was refused: every problem of every file, by file and line.
///
/// Printed one problem a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong.
///
/// Printed as `index-config/kinds/offer.toml:12: field "level": type "terms" is not known; …`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: Arc<str>,
    /// Counted from 1; absent when the file itself is what is wrong.
    pub line: Option<usize>,
    /// Dotted path of the key, places in arrays counted from 0: `field[3].facet.kind`. May be empty.
    pub key: String,
    /// What was found and what is allowed; names the field by its own name.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Collects problems from every reader.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Reports what is wrong with a whole file.
    pub fn add_to_file(&self, file: &Arc<str>, message: impl Into<String>) {
        let message = message.into();
        self.add(Problem { file: file.clone(), line: None, key: String::new(), message });
    }

    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Returns the problems as an error; `Ok` when there are none.
    pub fn into_result(self) -> Result<(), ConfigError> {
        let mut problems = self.0.into_inner();
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }
}

/// Where something stands in a file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub file: Arc<str>,
    pub line: Option<usize>,
    pub key: String,
    /// How people call what is described there, and how much of `key` leads to it: `field "windows.closes"`.
    subject: Option<(String, usize)>,
}

impl Place {
    /// A line of a file, outside any key.
    pub fn at_line(file: Arc<str>, line: usize) -> Self {
        Self { file, line: Some(line), key: String::new(), subject: None }
    }

    /// The value of a key of the table that stands here.
    pub fn member(&self, key: &str, line: usize) -> Self {
        let dot = if self.key.is_empty() { "" } else { "." };
        self.with_key(format!("{}{dot}{key}", self.key), line)
    }

    /// An item of the array that stands here.
    pub fn item(&self, at: usize, line: usize) -> Self {
        self.with_key(format!("{}[{at}]", self.key), line)
    }

    /// The same place, called `subject` by people.
    pub fn called(&self, subject: String) -> Self {
        Self { subject: Some((subject, self.key.len())), ..self.clone() }
    }

    fn with_key(&self, key: String, line: usize) -> Self {
        Self { key, line: Some(line), ..self.clone() }
    }

    /// Reports a problem here; the message goes on from the name of the place.
    pub fn report(&self, problems: &Problems, message: impl fmt::Display) {
        let message = match &self.subject {
            None if self.key.is_empty() => message.to_string(),
            None => format!("{} {message}", self.key),
            Some((subject, start)) => {
                let key = self.key[*start..].trim_start_matches('.');
                let space = if key.is_empty() { "" } else { " " };
                format!("{subject}: {key}{space}{message}")
            }
        };
        problems.add(Problem {
            file: self.file.clone(),
            line: self.line,
            key: self.key.clone(),
            message,
        });
    }
}
