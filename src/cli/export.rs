//! `export`: records as NDJSON on standard output, in the form that `import` takes.

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;

use super::{Place, grouped, need_folder, open_store, progress};
use crate::record::Catalog;
use crate::service::indexing;
use crate::store::Store as _;

/// Records read at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub struct Export {
    /// Only records of this kind
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Export {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        need_folder(&config.data)?;
        let catalog = Catalog::open(config.index_config.as_deref())?;
        let known: Vec<Arc<str>> = catalog.kinds.iter().map(|kind| kind.name.clone()).collect();
        let kinds = match &self.kind {
            None => known,
            Some(kind) if known.iter().any(|known| **known == **kind) => vec![kind.as_str().into()],
            Some(kind) => {
                bail!("--kind {kind}: there is no such kind; there are {}", known.join(", "))
            }
        };
        let store = open_store(
            &config.data,
            "a server has the data folder; stop it, or restore a backup elsewhere and export that",
        )?;
        let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        let bar = progress::spinner("records".into());
        let mut unreadable = 0;
        for kind in kinds {
            let mut after: Option<Arc<str>> = None;
            loop {
                let page = store.scan(&kind, after.as_deref(), PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id.id.clone());
                for stored in &page {
                    let Some(record) = indexing::read(stored) else {
                        unreadable += 1;
                        continue;
                    };
                    serde_json::to_writer(&mut out, &record)?;
                    out.write_all(b"\n")?;
                    bar.inc(1);
                }
            }
        }
        out.flush()?;
        let exported = bar.position();
        bar.finish_and_clear();
        eprintln!("{} records", grouped(exported));
        if unreadable > 0 {
            bail!("{unreadable} records cannot be read; run `kechuang verify`");
        }
        Ok(ExitCode::SUCCESS)
    }
}
