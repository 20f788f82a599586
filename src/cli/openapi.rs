//! `openapi`: the API's description, for those who generate clients.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::Place;
use crate::record::Catalog;

#[derive(Debug, Args)]
pub struct Openapi {
    #[command(flatten)]
    place: Place,
}

impl Openapi {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        let catalog = Catalog::open(config.index_config.as_deref())?;
        let document = crate::http::openapi::document(&catalog);
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
        Ok(ExitCode::SUCCESS)
    }
}
