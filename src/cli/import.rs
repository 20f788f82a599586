//! `import`: files of rows into a data folder, or into a running server.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::Value;

use super::{Place, SOME_REJECTED, grouped, open_app, progress};
use crate::app::App;
use crate::record::{Catalog, RecordKind};
use crate::service::import::{
    Counts, Ended, Format, ImportMap, Importer, LocalTarget, Outcome, Rejected, Rows, Tally,
    Target, unpacked,
};
use crate::service::ingest::Draft;
use crate::service::keys::Key;

/// Unknown values that are listed one by one.
const MAX_LISTED: usize = 40;
/// How often a busy server is asked again, a second apart.
const RETRIES: u32 = 30;

#[derive(Debug, Args)]
pub struct Import {
    /// Kind of the records
    #[arg(long)]
    kind: String,
    /// Import map (TOML): our field = their field; see docs/IMPORT.md
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Running server to write to instead of a data folder
    #[arg(long, value_name = "URL", requires = "key", conflicts_with = "data")]
    server: Option<String>,
    /// Key for the server
    #[arg(long, value_name = "KEY", env = "KECHUANG_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Format of the files [default: by the name, else jsonl]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Separates the values in a CSV cell of a field with several; may be repeated
    #[arg(long, value_name = "TEXT", default_values = [";", "；"])]
    separator: Vec<String>,
    /// JSONL, JSON or CSV files, also packed (.gz); `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Import {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.config()?;
        for file in self.files.iter().filter(|file| !is_stdin(file)) {
            ensure!(file.exists(), "{}: there is no such file", file.display());
            ensure!(!file.is_dir(), "{} is a folder; name the files in it", file.display());
        }
        if let (Some(server), Some(key)) = (&self.server, &self.key) {
            let catalog = Catalog::open(config.index_config.as_deref())?;
            let mut target = ServerTarget::new(server, key)?;
            return self.import(&catalog, &mut target);
        }
        let app = open_app(
            &config,
            "a server has the data folder; write to it with --server URL --key KEY, or stop it",
        )?;
        let now = || app.clock.now();
        let by = Key::local("import", &now());
        let mut target = LocalTarget { ingest: &app.ingest, by, now: &now };
        let code = self.import(&app.catalog, &mut target);
        bring_up_to_date(&app)?;
        code
    }

    fn import<T: Target>(&self, catalog: &Catalog, target: &mut T) -> anyhow::Result<ExitCode>
    where
        T::Error: std::fmt::Display,
    {
        let Some(kind) = catalog.kind(&self.kind) else {
            let known: Vec<&str> = catalog.kinds.iter().map(|kind| &*kind.name).collect();
            bail!("--kind {}: there is no such kind; there are {}", self.kind, known.join(", "));
        };
        let map = self.read_map(kind)?;
        let mut total = Counts::default();
        let mut failed = false;
        for file in &self.files {
            let mut counts = Counts::default();
            let mut tally = Tally::default();
            let started = Instant::now();
            let ended = self.import_file(file, kind, map.as_ref(), target, &mut counts, &mut tally);
            report(file, &counts, started.elapsed(), map.as_ref(), &tally);
            total.add(counts);
            if let Err(error) = ended {
                failed = true;
                eprintln!("{}: {error:#}", name_of(file));
            }
        }
        if self.files.len() > 1 {
            let Counts { read, created, updated, rejected } = total;
            eprintln!(
                "all files: {} read, {} written ({} new, {} updated), {} rejected",
                grouped(read),
                grouped(created + updated),
                grouped(created),
                grouped(updated),
                grouped(rejected)
            );
        }
        Ok(match (failed, total.rejected) {
            (true, _) => ExitCode::FAILURE,
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::from(SOME_REJECTED),
        })
    }

    fn read_map(&self, kind: &RecordKind) -> anyhow::Result<Option<ImportMap>> {
        let Some(path) = &self.map else { return Ok(None) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("--map {}", path.display()))?;
        Ok(Some(ImportMap::parse(&text, &path.display().to_string(), kind)?))
    }

    fn format_of(&self, file: &Path) -> Format {
        self.format.unwrap_or_else(|| Format::of_name(&file.to_string_lossy()))
    }

    fn import_file<T: Target>(
        &self,
        file: &Path,
        kind: &RecordKind,
        map: Option<&ImportMap>,
        target: &mut T,
        counts: &mut Counts,
        tally: &mut Tally,
    ) -> anyhow::Result<()>
    where
        T::Error: std::fmt::Display,
    {
        let (reader, bar) = open(file)?;
        let format = self.format_of(file);
        let of_cells;
        let map = match (map, format) {
            (None, Format::Csv) => {
                of_cells = ImportMap::of_cells(kind, &self.separator);
                Some(&of_cells)
            }
            (map, _) => map,
        };
        let mut rejects = RejectFile::new(file);
        let ended = unpacked(bar.wrap_read(reader))
            .and_then(|reader| Rows::new(reader, format))
            .map_err(Ended::Read)
            .and_then(|mut rows| {
                let source = Some(name_of(file));
                let mut importer = Importer { kind, map, source, target, tally };
                importer.run(&mut rows, counts, &mut |rejected| rejects.add(&rejected))
            });
        bar.finish_and_clear();
        rejects.finish()?;
        ended.map_err(|ended| match ended {
            Ended::Target(error) => {
                anyhow::anyhow!("writing ended after {} rows: {error}", counts.read)
            }
            Ended::Report(error) => anyhow::anyhow!("rejected rows cannot be put down: {error}"),
            Ended::Read(error) if counts.read == 0 => anyhow::Error::new(error),
            Ended::Read(error) => anyhow::anyhow!(
                "reading ended after {} rows: {error}; the rows before are in",
                counts.read
            ),
        })
    }
}

/// Opens a file or standard input, with a bar over its bytes.
fn open(file: &Path) -> anyhow::Result<(Box<dyn Read>, ProgressBar)> {
    if is_stdin(file) {
        return Ok((
            Box::new(io::stdin().lock()),
            progress::spinner("standard input, bytes".into()),
        ));
    }
    let opened = File::open(file).context("cannot be opened")?;
    let data = opened.metadata().context("cannot be opened")?;
    let bar = match data.is_file() {
        true => progress::bytes(name_of(file), data.len()),
        // A pipe or a device: its end shows when it comes.
        false => progress::spinner(format!("{}, bytes", name_of(file))),
    };
    Ok((Box::new(opened), bar))
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// The file's name without its folder.
fn name_of(file: &Path) -> String {
    if is_stdin(file) {
        return "stdin".into();
    }
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Indexes what was written, so that the next start has nothing to do.
pub fn bring_up_to_date(app: &App) -> anyhow::Result<()> {
    let bar = progress::bar("indexing", app.store.head().0);
    app.catch_up(&mut |revision| bar.set_position(revision.0))?;
    bar.finish_and_clear();
    Ok(())
}

fn report(file: &Path, counts: &Counts, took: Duration, map: Option<&ImportMap>, tally: &Tally) {
    let seconds = took.as_secs_f64();
    let rate = (counts.read as f64 / seconds.max(1e-3)) as u64;
    eprintln!(
        "{}: {} read, {} written ({} new, {} updated), {} rejected, {seconds:.1} s, {} rows/s",
        name_of(file),
        grouped(counts.read),
        grouped(counts.created + counts.updated),
        grouped(counts.created),
        grouped(counts.updated),
        grouped(counts.rejected),
        grouped(rate)
    );
    let unknown = tally.unknown();
    for (field, value, count) in unknown.iter().take(MAX_LISTED) {
        eprintln!("  value not known: {field} {value} × {}", grouped(*count));
    }
    let more: u64 = unknown.iter().skip(MAX_LISTED).map(|(_, _, count)| count).sum();
    if more + tally.num_more() > 0 {
        eprintln!("  and {} more values not known", grouped(more + tally.num_more()));
    }
    if let Some(map) = map {
        let (ignored, absent) = map.unused(tally);
        if !ignored.is_empty() {
            eprintln!("  not in the map, left out: {}", ignored.join(", "));
        }
        if !absent.is_empty() {
            eprintln!("  in the map, but in no row: {}", absent.join(", "));
        }
    }
}

/// `FILE.rejected.jsonl`, made with the first rejected row. One of an earlier run is replaced.
struct RejectFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl RejectFile {
    fn new(file: &Path) -> Self {
        let path = match file.is_file() {
            true => {
                let mut name = file.as_os_str().to_owned();
                name.push(".rejected.jsonl");
                name.into()
            }
            // Beside a pipe or a device is no place for files.
            false => PathBuf::from(format!("{}.rejected.jsonl", name_of(file))),
        };
        Self { path, writer: None }
    }

    fn add(&mut self, rejected: &Rejected) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let file = File::create(&self.path).or_else(|_| {
                    // A folder that cannot be written to: then where one is.
                    self.path = self.path.file_name().unwrap_or_default().into();
                    File::create(&self.path)
                })?;
                self.writer.insert(BufWriter::new(file))
            }
        };
        serde_json::to_writer(&mut *writer, rejected)?;
        writer.write_all(b"\n")
    }

    fn finish(self) -> anyhow::Result<()> {
        match self.writer {
            Some(mut writer) => {
                writer.flush()?;
                eprintln!("rejected rows, with reasons: {}", self.path.display());
            }
            // What an earlier run rejected is no longer so.
            None if self.path.is_file() => std::fs::remove_file(&self.path)
                .with_context(|| format!("{} is out of date", self.path.display()))?,
            None => {}
        }
        Ok(())
    }
}

/// A server, over HTTP.
struct ServerTarget {
    client: reqwest::blocking::Client,
    url: String,
    key: String,
}

impl ServerTarget {
    fn new(server: &str, key: &str) -> anyhow::Result<Self> {
        let server = server.trim_end_matches('/');
        ensure!(
            server.starts_with("http://") || server.starts_with("https://"),
            "--server {server}: an address such as http://127.0.0.1:8080 is expected"
        );
        let client =
            reqwest::blocking::Client::builder().timeout(Duration::from_secs(120)).build()?;
        Ok(Self { client, url: format!("{server}/v1/bulk"), key: key.to_owned() })
    }

    fn post(&self, body: &str) -> anyhow::Result<String> {
        let mut tries = 0;
        loop {
            let answer = self
                .client
                .post(&self.url)
                .bearer_auth(&self.key)
                .header("content-type", "application/x-ndjson")
                .body(body.to_owned())
                .send()
                .map_err(|error| self.unreached(error))?;
            let status = answer.status();
            let is_busy = matches!(status.as_u16(), 429 | 503);
            let text = answer.text()?;
            if status.is_success() {
                return Ok(text);
            }
            if is_busy && tries < RETRIES {
                tries += 1;
                std::thread::sleep(Duration::from_secs(1));
                continue;
            }
            let problem: Value = serde_json::from_str(&text).unwrap_or_default();
            let detail = problem["detail"].as_str().unwrap_or("no reason given");
            bail!("{} answered {status}: {detail}", self.url);
        }
    }
}

impl ServerTarget {
    /// Says of a server that cannot be reached what is the matter.
    fn unreached(&self, error: reqwest::Error) -> anyhow::Error {
        let mut cause: &(dyn Error + 'static) = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let kind = cause.downcast_ref().map(io::Error::kind);
        if kind == Some(io::ErrorKind::ConnectionRefused) {
            let server = self.url.trim_end_matches("/v1/bulk");
            return anyhow::anyhow!(
                "nothing listens at {server}; start the server, or name another"
            );
        }
        anyhow::anyhow!("{}: {cause}", self.url)
    }
}

impl Target for ServerTarget {
    type Error = anyhow::Error;

    fn put(&mut self, drafts: Vec<Draft>) -> anyhow::Result<Vec<Outcome>> {
        let mut body = String::new();
        let count = drafts.len();
        for draft in drafts {
            let mut object = draft.fields;
            object.insert("kind".into(), draft.kind.into());
            object.extend(draft.id.map(|id| ("id".to_owned(), id.into())));
            body.push_str(&Value::Object(object).to_string());
            body.push('\n');
        }
        let answer = self.post(&body)?;
        let outcomes: Vec<Outcome> = answer
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| Ok(outcome(&serde_json::from_str(line)?)))
            .collect::<anyhow::Result<_>>()?;
        ensure!(outcomes.len() == count, "the server answered {} of {count} rows", outcomes.len());
        Ok(outcomes)
    }
}

/// Reads one line of a bulk's answer.
fn outcome(line: &Value) -> Outcome {
    match line["status"].as_u64() {
        Some(201) => Outcome::Created,
        Some(200) => Outcome::Updated,
        _ => Outcome::Refused {
            reason: line["detail"].as_str().unwrap_or("the server gave no reason").to_owned(),
            violations: line["violations"].as_array().cloned().unwrap_or_default(),
        },
    }
}
