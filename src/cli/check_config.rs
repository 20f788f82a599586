//! `check-config`: everything that is wrong with the configuration, one problem a line.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::Place;
use crate::config::Config;
use crate::record::Catalog;
use crate::text::Analyzer;

#[derive(Debug, Args)]
pub struct CheckConfig {
    #[command(flatten)]
    place: Place,
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
        if let Err(error) = &catalog {
            writeln!(out, "{error}")?;
        }
        let analyzer = Analyzer::open(config.dictionaries.as_deref());
        if let Err(error) = &analyzer {
            writeln!(out, "{error}")?;
        }
        let (Ok(catalog), Ok(_), true) = (catalog, analyzer, is_sound) else {
            return Ok(ExitCode::FAILURE);
        };
        let fields: usize = catalog.kinds.iter().map(|kind| kind.fields.len()).sum();
        writeln!(
            out,
            "{} kinds, {fields} fields, {} vocabularies, dictionaries: ok",
            catalog.kinds.len(),
            catalog.vocabularies.len()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
