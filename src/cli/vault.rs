//! `backup`, `restore` and `verify`: keeping records safe.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Place, grouped, need_folder, open_store};
use crate::engine::tantivy::verify::verify_indexes;
use crate::record::Revision;
use crate::store::Store as _;
use crate::store::embedded::{self, History};

#[derive(Debug, Args)]
pub struct Backup {
    /// File to write; it must not exist
    file: PathBuf,
    /// Leaves out what was before the newest checkpoint, also when it is damaged
    #[arg(long)]
    since_checkpoint: bool,
    #[command(flatten)]
    place: Place,
}

impl Backup {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        need_folder(&config.data)?;
        let history = match self.since_checkpoint {
            true => History::SinceCheckpoint,
            false => History::All,
        };
        let report = embedded::backup(&config.data, &self.file, history)?;
        eprintln!(
            "{}: {} bytes, {} writes and {} withdrawals, up to revision {}; restores reach back to revision {}",
            self.file.display(),
            grouped(report.num_bytes),
            grouped(report.num_puts),
            grouped(report.num_withdrawals),
            report.last,
            report.first
        );
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub struct Restore {
    /// Backup to read
    file: PathBuf,
    /// Restores the state at this revision instead of the last
    #[arg(long, value_name = "N")]
    to_revision: Option<u64>,
    #[command(flatten)]
    place: Place,
}

impl Restore {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        let report = embedded::restore(&self.file, &config.data, self.to_revision.map(Revision))?;
        eprintln!(
            "{}: restored to revision {}, {} writes and {} withdrawals",
            config.data.display(),
            report.revision,
            grouped(report.num_puts),
            grouped(report.num_withdrawals)
        );
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    place: Place,
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        need_folder(&config.data)?;
        let store = open_store(&config.data, "a server has the data folder; stop it first")?;
        let mut out = std::io::stdout().lock();
        let in_store = store.verify()?;
        for problem in &in_store {
            writeln!(out, "records: {problem}")?;
        }
        let in_index = verify_indexes(&config.data.join("index"));
        for problem in &in_index {
            writeln!(out, "index: {problem}")?;
        }
        if !in_index.is_empty() {
            writeln!(out, "index: nothing is lost; `kechuang reindex` makes it anew")?;
        }
        if !in_store.is_empty() || !in_index.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
        writeln!(
            out,
            "records and index: every checksum is right, up to revision {}",
            store.head()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
