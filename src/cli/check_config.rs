//! `check-config`: everything that is wrong with the configuration and the files of records given, one problem a line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::Place;
use crate::applicability::{Dictionary, Rules};
use crate::config::Config;
use crate::matching::Matching;
use crate::query::understand::Lexicon;
use crate::record::{Catalog, validate};
use crate::service::ingest::Draft;
use crate::text::Analyzer;

#[derive(Debug, Args)]
pub struct CheckConfig {
    #[command(flatten)]
    place: Place,
    /// Files of records to check as well, JSON lines with their kind
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl CheckConfig {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout().lock();
        let mut is_sound = true;
        let config = match self.place.config() {
            Ok(config) => config,
            Err(error) => {
                writeln!(out, "{error:#}")?;
                is_sound = false;
                // The folders that the environment names can still be checked.
                Config::read(None)?
            }
        };
        let catalog = Catalog::open(config.index_config.as_deref());
        // Rules name fields, so they can be checked against sound kinds alone.
        let rules = catalog
            .as_ref()
            .map(|catalog| Matching::open(config.index_config.as_deref(), catalog))
            .map_err(Clone::clone)
            .flatten();
        if let Err(error) = &rules {
            writeln!(out, "{error}")?;
        }
        let analyzer = Analyzer::open(config.dictionaries.as_deref());
        if let Err(error) = &analyzer {
            writeln!(out, "{error}")?;
        }
        let (Ok(catalog), Ok(rules), Ok(analyzer), true) = (catalog, rules, analyzer, is_sound)
        else {
            return Ok(ExitCode::FAILURE);
        };
        if let Err(error) = Lexicon::open(config.dictionaries.as_deref(), &analyzer, &catalog) {
            writeln!(out, "{error}")?;
            return Ok(ExitCode::FAILURE);
        }
        let catalog = Arc::new(catalog);
        let dictionary = match Dictionary::new(catalog.clone()) {
            Ok(dictionary) => dictionary,
            Err(error) => {
                writeln!(out, "{error}")?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let mut records = 0;
        for file in &self.files {
            let (checked, wrong) = check_records(file, &catalog, &dictionary, &mut out)?;
            records += checked;
            is_sound &= wrong == 0;
        }
        if !is_sound {
            return Ok(ExitCode::FAILURE);
        }
        if !self.files.is_empty() {
            writeln!(out, "{records} records: ok")?;
        }
        let fields: usize = catalog.kinds.iter().map(|kind| kind.fields.len()).sum();
        writeln!(
            out,
            "{} kinds, {fields} fields, {} vocabularies, {} attributes, {} pairs, dictionaries: ok",
            catalog.kinds.len(),
            catalog.vocabularies.len(),
            catalog.attributes.list.len(),
            rules.pairs.len()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Checks every line of a file as a record; returns how many there are, and how many are wrong.
fn check_records(
    path: &Path,
    catalog: &Catalog,
    dictionary: &Dictionary,
    out: &mut impl Write,
) -> anyhow::Result<(usize, usize)> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let (mut records, mut wrong) = (0, 0);
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        records += 1;
        let problems = problems_of(line, catalog, dictionary);
        wrong += usize::from(!problems.is_empty());
        for problem in problems {
            writeln!(out, "{}:{}: {problem}", path.display(), at + 1)?;
        }
    }
    Ok((records, wrong))
}

fn problems_of(line: &str, catalog: &Catalog, dictionary: &Dictionary) -> Vec<String> {
    let object = match serde_json::from_str(line) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return vec!["must be a JSON object".to_owned()],
        Err(error) => return vec![format!("is not JSON: {error}")],
    };
    let violations = Draft::from_object(object, None, None).and_then(|draft| {
        let Some(kind) = catalog.kind(&draft.kind) else { return Ok(Err(draft.kind)) };
        let fields = validate::validate(kind, draft.fields)?;
        match Rules::read(kind, &fields, dictionary) {
            Some((_, violations)) if !violations.is_empty() => Err(violations),
            _ => Ok(Ok(())),
        }
    });
    match violations {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(kind)) => vec![format!("{kind:?} is not a kind")],
        Err(violations) => violations
            .into_iter()
            .map(|wrong| {
                let place = wrong.pointer.trim_start_matches('/');
                format!("{place}: expected {}; found {}", wrong.expected, wrong.found)
            })
            .collect(),
    }
}
