//! Files that were handed in on a page: looked at first, then taken in, each step with a report that can be read again.
//!
//! A job is a folder: the rows as they came, the map, and for each step its report and its rejected rows.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{
    Counts, Ended, Format, ImportMap, Importer, LocalTarget, Outcome, Rejected, Rows, Tally,
    Target, refused, unpacked,
};
use crate::record::{Catalog, RecordId, RecordKind};
use crate::service::ingest::{Draft, IngestService};
use crate::service::keys::{Key, random_hex};
use crate::store::StoreError;

/// Jobs that are kept; the oldest go first.
const KEPT: usize = 30;
/// Unknown values that a report names.
const MAX_UNKNOWN: usize = 40;
/// Values of one cell are separated by one of these, unless a map says otherwise.
const SEPARATORS: [&str; 2] = [";", "；"];

/// What somebody hands in.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Name of the file.
    pub name: String,
    pub kind: String,
    pub rows: Vec<u8>,
    /// Text of an import map.
    pub map: Option<String>,
}

/// A step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Nothing is written.
    Check,
    Write,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Check => "check",
            Step::Write => "write",
        }
    }
}

/// A job, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub has_map: bool,
    /// The file was in GB 18030, as spreadsheets save it, and is kept in UTF-8.
    pub recoded: bool,
    /// Owner of the key that handed it in.
    pub by: String,
    /// RFC 3339.
    pub at: String,
    pub check: Option<Report>,
    pub write: Option<Report>,
    /// A step that began and has not ended.
    #[serde(skip)]
    pub running: Option<Step>,
}

/// What a step did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub counts: Counts,
    /// Field, value and how often: values that are in no vocabulary, and were left out.
    pub unknown: Vec<(String, String, u64)>,
    /// Names in the rows that the map leaves out, and names in the map that no row has.
    pub ignored: Vec<String>,
    pub absent: Vec<String>,
    /// Why it ended before its end.
    pub error: Option<String>,
    pub at: String,
}

/// Why there is no job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("there is no such kind")]
    UnknownKind,
    #[error("the map cannot be used: {0}")]
    Map(String),
    #[error("there is no such import")]
    NotFound,
    /// Another step is running.
    #[error("the import is running")]
    Running,
    #[error("{context}: {source}")]
    Io { context: &'static str, source: io::Error },
}

/// The jobs of a data folder.
#[derive(Debug)]
pub struct ImportJobs {
    folder: PathBuf,
    running: Mutex<Vec<(String, Step)>>,
}

impl ImportJobs {
    /// Keeps jobs below `folder`, which is made with the first of them.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, running: Mutex::default() }
    }

    /// Takes a file in; nothing of it is looked at yet.
    pub fn create(
        &self,
        catalog: &Catalog,
        upload: Upload,
        by: &Key,
        now: &str,
    ) -> Result<Job, JobError> {
        let kind = catalog.kind(&upload.kind).ok_or(JobError::UnknownKind)?;
        if let Some(map) = &upload.map {
            ImportMap::parse(map, "map", kind).map_err(|error| JobError::Map(error.to_string()))?;
        }
        let (rows, recoded) = utf8(upload.rows);
        let job = Job {
            id: random_hex::<8>(),
            name: upload.name.chars().filter(|ch| !ch.is_control()).take(120).collect(),
            kind: upload.kind,
            has_map: upload.map.is_some(),
            recoded,
            by: by.owner().to_owned(),
            at: now.to_owned(),
            check: None,
            write: None,
            running: None,
        };
        let folder = self.folder.join(&job.id);
        let keep = || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("rows"), &rows)?;
            if let Some(map) = &upload.map {
                fs::write(folder.join("map.toml"), map)?;
            }
            self.save(&job)
        };
        keep().map_err(|source| JobError::Io { context: "the file cannot be kept", source })?;
        self.forget_old();
        Ok(job)
    }

    pub fn get(&self, id: &str) -> Result<Job, JobError> {
        let is_id = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let text = match is_id.then(|| fs::read(self.folder.join(id).join("job.json"))) {
            Some(Ok(text)) => text,
            _ => return Err(JobError::NotFound),
        };
        let mut job: Job = serde_json::from_slice(&text).map_err(|_| JobError::NotFound)?;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        job.running = running.iter().find(|(of, _)| of == id).map(|(_, step)| *step);
        Ok(job)
    }

    /// Lists the jobs, the newest first.
    pub fn list(&self) -> Vec<Job> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut jobs: Vec<Job> = names.filter_map(|name| self.get(&name).ok()).collect();
        jobs.sort_by(|a, b| (&b.at, &b.id).cmp(&(&a.at, &a.id)));
        jobs
    }

    /// Says that a step begins; refused while another one runs.
    pub fn begin(&self, id: &str, step: Step) -> Result<Job, JobError> {
        let job = self.get(id)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.iter().any(|(of, _)| of == id) {
            return Err(JobError::Running);
        }
        running.push((id.to_owned(), step));
        Ok(job)
    }

    /// Runs a step that was begun. What goes wrong stands in its report.
    pub fn run(
        &self,
        mut job: Job,
        step: Step,
        catalog: &Catalog,
        ingest: &IngestService,
        by: &Key,
        now: &dyn Fn() -> String,
    ) -> Job {
        let mut report = Report::default();
        let done = match step {
            Step::Check => {
                let mut target = Rehearsal { ingest, by, seen: Default::default() };
                self.pass(&job, step, catalog, &mut target, &mut report)
            }
            Step::Write => {
                let mut target = LocalTarget { ingest, by: by.clone(), now };
                self.pass(&job, step, catalog, &mut target, &mut report)
            }
        };
        report.error = done.err();
        report.at = now();
        match step {
            Step::Check => job.check = Some(report),
            Step::Write => job.write = Some(report),
        }
        if let Err(error) = self.save(&job) {
            tracing::error!(%error, "the report of an import cannot be kept");
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(of, _)| *of != job.id);
        job
    }

    fn pass<T: Target<Error = StoreError>>(
        &self,
        job: &Job,
        step: Step,
        catalog: &Catalog,
        target: &mut T,
        report: &mut Report,
    ) -> Result<(), String> {
        let kind = catalog.kind(&job.kind).ok_or("the kind is no longer declared")?;
        let folder = self.folder.join(&job.id);
        let format = Format::of_name(&job.name);
        let map = self.map(&folder, job, kind, format)?;
        let opened =
            File::open(folder.join("rows")).and_then(|file| unpacked(BufReader::new(file)));
        let mut rows = opened
            .and_then(|reader| Rows::new(reader, format))
            .map_err(|error| error.to_string())?;
        let rejects =
            File::create(rejects_path(&folder, step)).map_err(|error| error.to_string())?;
        let mut rejects = BufWriter::new(rejects);
        let mut tally = Tally::default();
        let mut counts = Counts::default();
        let mut importer = Importer {
            kind,
            map: map.as_ref(),
            source: Some(job.name.clone()),
            target,
            tally: &mut tally,
        };
        let ended = importer.run(&mut rows, &mut counts, &mut |rejected| {
            serde_json::to_writer(&mut rejects, &rejected)?;
            rejects.write_all(b"\n")
        });
        report.counts = counts;
        let unknown = tally.unknown().into_iter().take(MAX_UNKNOWN);
        report.unknown =
            unknown.map(|(field, value, n)| (field.to_owned(), value.to_owned(), n)).collect();
        if let Some(map) = &map {
            (report.ignored, report.absent) = map.unused(&tally);
        }
        rejects.flush().map_err(|error| error.to_string())?;
        ended.map_err(|ended| match ended {
            Ended::Target(error) => error.to_string(),
            Ended::Report(error) | Ended::Read(error) => error.to_string(),
        })
    }

    fn map(
        &self,
        folder: &Path,
        job: &Job,
        kind: &RecordKind,
        format: Format,
    ) -> Result<Option<ImportMap>, String> {
        if job.has_map {
            let text = fs::read_to_string(folder.join("map.toml")).map_err(|e| e.to_string())?;
            return ImportMap::parse(&text, "map", kind).map(Some).map_err(|e| e.to_string());
        }
        let separators = SEPARATORS.map(str::to_owned);
        Ok((format == Format::Csv).then(|| ImportMap::of_cells(kind, &separators)))
    }

    /// Reads the first `limit` rejected rows of a step.
    pub fn rejected(&self, job: &Job, step: Step, limit: usize) -> Vec<Rejected> {
        let Ok(file) = File::open(rejects_path(&self.folder.join(&job.id), step)) else {
            return Vec::new();
        };
        let lines = io::BufRead::lines(BufReader::new(file)).map_while(Result::ok);
        lines.take(limit).filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }

    fn save(&self, job: &Job) -> io::Result<()> {
        let folder = self.folder.join(&job.id);
        let text = serde_json::to_vec_pretty(job).expect("a job has only string keys");
        fs::write(folder.join("job.new"), text)?;
        fs::rename(folder.join("job.new"), folder.join("job.json"))
    }

    fn forget_old(&self) {
        for job in self.list().into_iter().skip(KEPT).filter(|job| job.running.is_none()) {
            if let Err(error) = fs::remove_dir_all(self.folder.join(&job.id)) {
                tracing::warn!(%error, id = job.id, "an old import cannot be removed");
            }
        }
    }
}

fn rejects_path(folder: &Path, step: Step) -> PathBuf {
    folder.join(format!("{}.rejected.jsonl", step.name()))
}

/// Returns the text in UTF-8, and whether it was GB 18030. What is neither stays, and is rejected where it is read.
fn utf8(bytes: Vec<u8>) -> (Vec<u8>, bool) {
    if bytes.starts_with(&[0x1f, 0x8b]) || std::str::from_utf8(&bytes).is_ok() {
        return (bytes, false);
    }
    let (text, _, is_broken) = encoding_rs::GB18030.decode(&bytes);
    if is_broken {
        return (bytes, false);
    }
    (text.into_owned().into_bytes(), true)
}

/// Tells what would be written.
struct Rehearsal<'a> {
    ingest: &'a IngestService,
    by: &'a Key,
    /// What the rows before would have made.
    seen: std::collections::HashSet<RecordId>,
}

impl Target for Rehearsal<'_> {
    type Error = StoreError;

    fn put(&mut self, drafts: Vec<Draft>) -> Result<Vec<Outcome>, StoreError> {
        let answers = self.ingest.rehearse(drafts, self.by)?;
        Ok(answers
            .into_iter()
            .map(|answer| match answer {
                // What a row before makes is there for those behind it.
                Ok((id, is_new)) => match self.seen.insert(id) && is_new {
                    true => Outcome::Created,
                    false => Outcome::Updated,
                },
                Err(rejection) => refused(rejection),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_spreadsheets_are_read() {
        let (text, recoded) = utf8("id,标题\n1,海水淡化".into());
        assert!(!recoded && text.starts_with(b"id,"));
        let (gbk, _, _) = encoding_rs::GB18030.encode("id,标题\n1,海水淡化");
        let (text, recoded) = utf8(gbk.into_owned());
        assert!(recoded);
        assert_eq!(String::from_utf8(text).unwrap(), "id,标题\n1,海水淡化");
        assert_eq!(utf8(vec![0x80, 0xff]), (vec![0x80, 0xff], false));
    }
}
