//! The attributes of a configuration with everything compiled that refers to them.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::Node;
use super::expression::Expression;
use super::reader::Reader;
use crate::record::attribute::{AttributePeriod, AttributeType, Attributes};
use crate::record::kind_toml::{ConfigError, Problem};
use crate::record::{Catalog, Vocabulary};

/// What conditions are read and evaluated against.
#[derive(Debug)]
pub struct Dictionary {
    catalog: Arc<Catalog>,
    /// The expression of each derived attribute, of the year `Y`.
    derived: Vec<Option<Arc<Expression>>>,
    /// What it takes to belong to an audience, by its code.
    audiences: Vec<(String, Option<Node>)>,
    /// For each attribute the question that asks for it.
    questions: Vec<Option<usize>>,
    /// Of each vocabulary of an attribute every code with what is above it, nearest first, shared by all profiles.
    paths: HashMap<String, Vec<Arc<[u32]>>>,
}

impl Dictionary {
    /// Compiles the attributes of a catalog, or returns everything that is wrong with them.
    pub fn new(catalog: Arc<Catalog>) -> Result<Self, ConfigError> {
        let attributes = &catalog.attributes;
        let count = attributes.list.len();
        let mut questions = vec![None; count];
        for (at, question) in attributes.questions.iter().enumerate() {
            for &attribute in &question.attributes {
                questions[attribute] = Some(at);
            }
        }
        let mut dictionary = Self {
            derived: vec![None; count],
            audiences: Vec::new(),
            questions,
            paths: paths_of(attributes),
            catalog: catalog.clone(),
        };
        let mut problems = Vec::new();
        let mut report = |line: usize, key: &str, message: String| {
            problems.push(Problem {
                file: attributes.file.clone(),
                line: Some(line),
                key: key.to_owned(),
                message,
            });
        };
        for (at, attribute) in attributes.list.iter().enumerate() {
            let Some(text) = &attribute.derive else { continue };
            let mut wrong = |message: String| {
                report(
                    attribute.line,
                    "derive",
                    format!("attribute \"{}\": derive {message}", attribute.id),
                );
            };
            match Expression::parse(text, &dictionary) {
                Err(bad) => wrong(format!("expected {}; found {}", bad.expected, bad.found)),
                Ok((expression, power)) => {
                    let is_money = attribute.attribute_type == AttributeType::Money;
                    if power.is_some_and(|power| power != i32::from(is_money)) {
                        wrong(format!("is not of type {}", attribute.attribute_type.name()));
                    }
                    let mut reads = Vec::new();
                    expression.attributes(&mut reads);
                    // Only attributes declared before this one are compiled: a circle has no beginning.
                    let early =
                        reads.iter().any(|&(read, _)| attributes.list[read].derive.is_some());
                    if early || reads.iter().any(|&(read, _)| read == at) {
                        wrong(
                            "may name derived attributes only when they are declared before".into(),
                        );
                    }
                    if attribute.period != AttributePeriod::Year
                        && reads.iter().any(|(_, year)| year.is_some())
                    {
                        wrong("reads years, so period must be \"year\"".into());
                    }
                    dictionary.derived[at] = Some(Arc::new(expression));
                }
            }
        }
        for audience in &attributes.audiences {
            let Some(condition) = &audience.condition else {
                dictionary.audiences.push((audience.code.clone(), None));
                continue;
            };
            let mut reader = Reader::new(&dictionary);
            let condition = serde_json::Value::Object(condition.clone());
            let node = reader.tree(&condition);
            for violation in reader.violations {
                report(
                    audience.line,
                    "audience",
                    format!(
                        "audience \"{}\": {}: expected {}; found {}",
                        audience.code,
                        violation.pointer.trim_start_matches('/'),
                        violation.expected,
                        violation.found
                    ),
                );
            }
            dictionary.audiences.extend(node.map(|node| (audience.code.clone(), Some(node))));
        }
        if problems.is_empty() { Ok(dictionary) } else { Err(ConfigError { problems }) }
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub fn attributes(&self) -> &Attributes {
        &self.catalog.attributes
    }

    /// What it takes to belong to an audience: nothing for everybody's; `None` when nothing says so.
    pub fn audience(&self, code: &str) -> Option<Option<&Node>> {
        self.audiences.iter().find(|(known, _)| known == code).map(|(_, node)| node.as_ref())
    }

    /// The question that asks for an attribute, as a place among the questions.
    pub fn question_of(&self, attribute: usize) -> Option<usize> {
        self.questions[attribute]
    }

    /// A code and everything above it, nearest first, as places in the vocabulary of an attribute.
    pub(super) fn path(&self, vocabulary: &Vocabulary, code: &str) -> Option<Arc<[u32]>> {
        let at = vocabulary.index(code)?;
        self.paths.get(&vocabulary.name).map(|paths| paths[at].clone())
    }

    /// The value of an attribute in a year, as part of an expression.
    pub(super) fn operand(&self, attribute: usize, year: Option<i8>) -> Expression {
        let derived = self.derived[attribute].as_ref().map(|derived| match year {
            None | Some(0) => derived.clone(),
            Some(years) => Arc::new(derived.shifted(years)),
        });
        Expression::Attribute { attribute, year, derived }
    }
}

fn paths_of(attributes: &Attributes) -> HashMap<String, Vec<Arc<[u32]>>> {
    let mut paths = HashMap::new();
    for vocabulary in attributes.list.iter().filter_map(|attribute| attribute.vocabulary.as_ref()) {
        paths.entry(vocabulary.name.clone()).or_insert_with(|| {
            let parent = |at: &usize| vocabulary.entries[*at].parent;
            let path = |at| std::iter::successors(Some(at), parent).map(|at| at as u32).collect();
            (0..vocabulary.entries.len()).map(path).collect()
        });
    }
    paths
}
