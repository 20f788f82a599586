//! `check-config`: everything that is wrong with the configuration and the files of records given, one problem a line.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::Place;
use crate::applicability::{Dictionary, Rules};
use crate::config::Config;
use crate::matching::Matching;
use crate::query::understand::Lexicon;
use crate::record::{Catalog, Fields, validate};
use crate::service::import::{Format, Rows, unpacked};
use crate::service::ingest::Draft;
use crate::text::Analyzer;

#[derive(Debug, Args)]
pub struct CheckConfig {
    #[command(flatten)]
    place: Place,
    /// Files of records with their kind to check as well: JSONL, JSON or TOML, by their names
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

/// Checks every record of a file; returns how many there are, and how many are wrong.
fn check_records(
    path: &Path,
    catalog: &Catalog,
    dictionary: &Dictionary,
    out: &mut impl Write,
) -> anyhow::Result<(usize, usize)> {
    let cannot = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(cannot)?;
    let format = Format::of_name(&path.to_string_lossy());
    let (mut records, mut wrong) = (0, 0);
    let mut rows = match unpacked(file).and_then(|reader| Rows::new(reader, format)) {
        Ok(rows) => rows,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            writeln!(out, "{}: {error}", path.display())?;
            return Ok((0, 1));
        }
        Err(error) => return Err(error).with_context(cannot),
    };
    while let Some(row) = rows.next_row().with_context(cannot)? {
        records += 1;
        let problems = match row.fields {
            Ok(fields) => problems_of(fields, catalog, dictionary),
            Err(error) => vec![error.reason],
        };
        wrong += usize::from(!problems.is_empty());
        for problem in problems {
            writeln!(out, "{}:{}: {problem}", path.display(), row.line)?;
        }
    }
    Ok((records, wrong))
}

fn problems_of(object: Fields, catalog: &Catalog, dictionary: &Dictionary) -> Vec<String> {
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
