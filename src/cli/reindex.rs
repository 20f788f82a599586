//! `reindex`: the index, made anew from the records.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Place, grouped, need_folder, open_app, open_store, progress};

const IN_USE: &str = "a server has the data folder; stop it first";

#[derive(Debug, Args)]
pub struct Reindex {
    #[command(flatten)]
    place: Place,
}

impl Reindex {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        need_folder(&config.data)?;
        // Whoever holds the records holds the index.
        drop(open_store(&config.data, IN_USE)?);
        let index = config.data.join("index");
        if index.is_dir() {
            std::fs::remove_dir_all(&index)
                .with_context(|| format!("{} cannot be removed", index.display()))?;
        }
        let app = open_app(&config, IN_USE)?;
        let started = std::time::Instant::now();
        let bar = progress::bar("indexing", app.store.head().0);
        app.catch_up(&mut |revision| bar.set_position(revision.0))?;
        bar.finish_and_clear();
        let records = app.engine.num_records()?;
        eprintln!(
            "{} records indexed in {:.1} s",
            grouped(records),
            started.elapsed().as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }
}
