//! `evaluate`: search quality on a judged set, through the code that the server runs.

mod compare;
mod matching;
mod quantities;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{grouped, open_app, progress};
use crate::app::App;
use crate::config::Config;
use crate::evaluation::{self, DEPTH, Judged, Measures};
use crate::query::request::SearchRequest;
use crate::query::typed::MAX_LENGTH;
use crate::record::{Fields, RecordKind, Visibility};
use crate::service::ingest::{Draft, Precondition};
use crate::service::keys::{Key, random_hex};

/// Records written at a time.
const GROUP: usize = 1_000;
/// Queries shown at the end of the table.
const WORST: usize = 10;
/// Title of a record without one. Analysis drops punctuation, so nothing matches it and it counts for nothing.
const NO_TITLE: &str = "—";

#[derive(Debug, Args)]
pub struct Evaluate {
    /// Folder with corpus.jsonl (or .jsonl.gz), queries.jsonl and qrels.tsv; with --compare also a data folder
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
    /// Kind that a line of the corpus becomes [default: the first one, policy]
    #[arg(long)]
    kind: Option<String>,
    /// What is measured
    #[arg(long, value_enum, default_value_t = Task::Search)]
    task: Task,
    /// Kind of the records that look (--task match) [default: that of the first pair of matching.toml, demand]
    #[arg(long)]
    from: Option<String>,
    /// Kind of the records that are found (--task match) [default: that of the first pair, achievement]
    #[arg(long)]
    to: Option<String>,
    /// The lines of the corpus look, the queries are found (--task match)
    #[arg(long)]
    reverse: bool,
    /// Smallest grade that counts as relevant
    #[arg(long, value_name = "GRADE", default_value_t = 1.0)]
    relevant: f64,
    /// Queries file, relative to the folder
    #[arg(long, value_name = "FILE", default_value = "queries.jsonl")]
    queries: PathBuf,
    /// Judgements file, relative to the folder
    #[arg(long, value_name = "FILE", default_value = "qrels.tsv", visible_alias = "judgements")]
    qrels: PathBuf,
    /// Asks the same queries again under the kind files and dictionaries of this folder, and shows what changes; over a
    /// data folder, --queries is a file with one query a line
    #[arg(long, value_name = "CONFIG_DIR")]
    compare: Option<PathBuf>,
    /// Quantities shown with the text around them (--task quantities)
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// Prints one JSON object and nothing else on standard output
    #[arg(long)]
    json: bool,
    /// Configuration file (TOML); the data folder it names is not touched
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    /// Finding records with a typed query
    Search,
    /// Finding records that fit a record
    Match,
    /// Reading quantities in the texts of every .jsonl of the folder
    Quantities,
}

/// What the run came to, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Outcome {
    set: String,
    task: Task,
    queries: usize,
    documents: usize,
    #[serde(rename = "ndcg@10")]
    ndcg: f64,
    #[serde(rename = "mrr@10")]
    mrr: f64,
    #[serde(rename = "recall@10")]
    recall_10: f64,
    #[serde(rename = "recall@100")]
    recall_100: f64,
    #[serde(rename = "ndcg_judged@10")]
    ndcg_judged: f64,
    ms_p50: f64,
    ms_p99: f64,
    index_seconds: f64,
    /// Plain BM25 over words on the same queries and records (--task match).
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    bm25: Option<Bm25>,
}

/// What plain BM25 over words comes to.
#[derive(Clone, Copy, Debug, Serialize)]
struct Bm25 {
    #[serde(rename = "bm25_ndcg@10")]
    ndcg: f64,
    #[serde(rename = "bm25_mrr@10")]
    mrr: f64,
    #[serde(rename = "bm25_ndcg_judged@10")]
    ndcg_judged: f64,
}

/// A measure's name and how to get it.
type Column = (&'static str, fn(&Measures) -> f64);

/// The measures in the order in which they are shown.
const COLUMNS: [Column; 5] = [
    ("ndcg@10", |m| m.ndcg),
    ("mrr@10", |m| m.mrr),
    ("recall@10", |m| m.recall_10),
    ("recall@100", |m| m.recall_100),
    ("ndcg_judged@10", |m| m.ndcg_judged),
];

/// A query with its judgements, in the order of the queries file.
struct Topic {
    id: String,
    text: String,
    judged: Judged,
}

/// A query that was run.
struct Run<'a> {
    topic: &'a Topic,
    /// Ids in the order found.
    ranked: Vec<&'a str>,
    measures: Measures,
    ms: f64,
}

impl Evaluate {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(self.relevant.is_finite(), "--relevant: a number is expected");
        if let Some(folder) = &self.compare {
            ensure!(self.task == Task::Search, "--compare goes with --task search");
            return compare::run(&self, folder);
        }
        if self.task == Task::Match {
            return matching::run(&self);
        }
        if self.task == Task::Quantities {
            return quantities::run(&self);
        }
        ensure!(!self.reverse, "--reverse goes with --task match");
        let topics = self.topics()?;
        let scratch = Scratch::new()?;
        let mut config = Config::read(self.config.as_deref())?;
        config.data.clone_from(&scratch.0);
        let app = open_app(&config, "the temporary folder is in use")?;
        let kind = self.kind(&app)?;
        let started = Instant::now();
        let ids = self.index(&app, &kind)?;
        let index_seconds = started.elapsed().as_secs_f64();
        let known: HashSet<&str> = ids.iter().map(|(id, _)| id.as_str()).collect();
        let judged: HashSet<&str> =
            topics.iter().flat_map(|topic| topic.judged.keys().map(String::as_str)).collect();
        let absent = judged.iter().filter(|id| !known.contains(*id)).count();
        if absent > 0 {
            note(&format!("{} judged records are not in the corpus", grouped(absent as u64)));
        }
        let runs = self.search(&app, &kind, &topics, &ids)?;
        self.print(&runs, ids.len(), index_seconds, &kind, None)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The kind that a line of the corpus becomes.
    fn kind(&self, app: &App) -> anyhow::Result<Arc<RecordKind>> {
        let kind = match &self.kind {
            Some(name) => app.catalog.kind(name),
            None => app.catalog.kinds.first(),
        };
        kind.cloned().with_context(|| {
            let known: Vec<&str> = app.catalog.kinds.iter().map(|kind| &*kind.name).collect();
            let found = self.kind.as_deref().unwrap_or("none");
            format!("--kind {found}: there is no such kind; there are {}", known.join(", "))
        })
    }

    /// Reads queries and judgements; keeps the queries that have a relevant record.
    fn topics(&self) -> anyhow::Result<Vec<Topic>> {
        ensure!(self.set.is_dir(), "--set {}: not a folder", self.set.display());
        let mut judgements = read_qrels(&self.set.join(&self.qrels))?;
        let path = self.set.join(&self.queries);
        let mut topics = Vec::new();
        let mut seen = HashSet::new();
        let mut cut = 0;
        each_line(&path, |line: SetLine| {
            ensure!(seen.insert(line.id.clone()), "the query id {:?} came before", line.id);
            let judged = judgements.remove(&line.id).unwrap_or_default();
            if judged.values().any(|grade| *grade >= self.relevant) {
                let text: String = line.text.chars().take(MAX_LENGTH).collect();
                cut += usize::from(text.len() < line.text.len());
                topics.push(Topic { id: line.id, text, judged });
            }
            Ok(())
        })?;
        if cut > 0 {
            note(&format!("{cut} queries are longer than {MAX_LENGTH} characters and were cut"));
        }
        if !judgements.is_empty() {
            let count = judgements.len();
            note(&format!("{count} queries with judgements are not in {}", path.display()));
        }
        ensure!(
            !topics.is_empty(),
            "no query of {} has a judgement of grade {} or more in {}",
            path.display(),
            self.relevant,
            self.set.join(&self.qrels).display()
        );
        Ok(topics)
    }

    /// Writes the corpus as records and indexes it; returns the set's ids with those of the records, in file order.
    fn index(&self, app: &App, kind: &RecordKind) -> anyhow::Result<Vec<(String, String)>> {
        let plain = self.set.join("corpus.jsonl");
        let path = if plain.is_file() { plain } else { self.set.join("corpus.jsonl.gz") };
        ensure!(
            path.is_file(),
            "{} has neither corpus.jsonl nor corpus.jsonl.gz",
            self.set.display()
        );
        let by = Key::local("evaluate", &app.clock.now());
        let mut ids: Vec<(String, String)> = Vec::new();
        let mut seen = HashSet::new();
        let mut drafts = Vec::with_capacity(GROUP);
        let bar = progress::spinner("reading the corpus".into());
        each_line(&path, |line: SetLine| {
            ensure!(seen.insert(line.id.clone()), "the id {:?} came before", line.id);
            // Ids of a set may hold any character; a record's id may not.
            let record = format!("r{:09}", ids.len());
            ids.push((line.id, record.clone()));
            drafts.push(draft(kind, record, line.title.as_deref(), &line.text));
            if drafts.len() == GROUP {
                write(app, std::mem::take(&mut drafts), &by)?;
                bar.set_position(ids.len() as u64);
            }
            Ok(())
        })?;
        write(app, drafts, &by)?;
        bar.finish_and_clear();
        ensure!(!ids.is_empty(), "{} has no records", path.display());
        let bar = progress::bar("indexing", app.store.head().0);
        app.catch_up(&mut |revision| bar.set_position(revision.0))?;
        bar.finish_and_clear();
        app.corrector.refresh()?;
        Ok(ids)
    }

    fn search<'a>(
        &self,
        app: &App,
        kind: &RecordKind,
        topics: &'a [Topic],
        ids: &'a [(String, String)],
    ) -> anyhow::Result<Vec<Run<'a>>> {
        let of_set: HashMap<&str, &str> =
            ids.iter().map(|(set, record)| (record.as_str(), set.as_str())).collect();
        let today = app.clock.today();
        let bar = progress::bar("searching", topics.len() as u64);
        let mut runs = Vec::with_capacity(topics.len());
        for topic in topics {
            let request = SearchRequest {
                q: topic.text.clone(),
                kind: vec![kind.name.to_string()],
                limit: Some(DEPTH),
                ..SearchRequest::default()
            };
            let started = Instant::now();
            let page = app
                .search
                .search(&request, Visibility::Public, today)
                .with_context(|| format!("query {:?}", topic.id))?;
            let ms = started.elapsed().as_secs_f64() * 1e3;
            let ranked: Vec<&str> =
                page.items.iter().filter_map(|item| of_set.get(&*item.id).copied()).collect();
            let measures = evaluation::measure(&ranked, &topic.judged, self.relevant);
            runs.push(Run { topic, ranked, measures, ms });
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(runs)
    }

    fn print(
        &self,
        runs: &[Run<'_>],
        documents: usize,
        index_seconds: f64,
        kind: &RecordKind,
        bm25: Option<Bm25>,
    ) -> anyhow::Result<()> {
        let measures: Vec<Measures> = runs.iter().map(|run| run.measures).collect();
        let mean = evaluation::mean(&measures);
        let mut times: Vec<f64> = runs.iter().map(|run| run.ms).collect();
        times.sort_by(f64::total_cmp);
        let outcome = Outcome {
            set: self.set.display().to_string(),
            task: self.task,
            queries: runs.len(),
            documents,
            ndcg: round(mean.ndcg, 6),
            mrr: round(mean.mrr, 6),
            recall_10: round(mean.recall_10, 6),
            recall_100: round(mean.recall_100, 6),
            ndcg_judged: round(mean.ndcg_judged, 6),
            ms_p50: round(evaluation::percentile(&times, 50.0), 3),
            ms_p99: round(evaluation::percentile(&times, 99.0), 3),
            index_seconds: round(index_seconds, 3),
            bm25,
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, &outcome)?;
            writeln!(out)?;
            return Ok(());
        }
        writeln!(
            out,
            "{}: {} queries, {} records of kind {}, indexed in {:.1} s",
            outcome.set,
            grouped(outcome.queries as u64),
            grouped(outcome.documents as u64),
            kind.name,
            outcome.index_seconds
        )?;
        writeln!(out, "{:<16}{:>8}   95 % interval", "measure", "mean")?;
        for (name, of) in COLUMNS {
            let values: Vec<f64> = measures.iter().map(of).collect();
            let (low, high) = evaluation::interval(&values);
            let value = of(&mean);
            writeln!(out, "{name:<16}{value:>8.4}   {low:.4} to {high:.4}")?;
        }
        if let Some(plain) = bm25 {
            writeln!(
                out,
                "plain BM25: ndcg@10 {:.4}, mrr@10 {:.4}, ndcg_judged@10 {:.4}",
                plain.ndcg, plain.mrr, plain.ndcg_judged
            )?;
        }
        writeln!(out, "ms a query      p50 {:.2}, p99 {:.2}", outcome.ms_p50, outcome.ms_p99)?;
        writeln!(out)?;
        self.print_worst(&mut out, runs)?;
        Ok(())
    }

    /// Shows the queries with the lowest nDCG: where their judged records are, and what was found instead.
    fn print_worst(&self, out: &mut dyn std::io::Write, runs: &[Run<'_>]) -> anyhow::Result<()> {
        let mut worst: Vec<&Run<'_>> = runs.iter().collect();
        worst.sort_by(|a, b| a.measures.ndcg.total_cmp(&b.measures.ndcg));
        worst.truncate(WORST);
        writeln!(out, "The worst {} queries (a judged record as id:grade@rank):", worst.len())?;
        for run in worst {
            let text: String = run.topic.text.chars().take(60).collect();
            writeln!(out, "{:.4}  {}  {text}", run.measures.ndcg, run.topic.id)?;
            let mut judged: Vec<(&String, &f64)> = run.topic.judged.iter().collect();
            judged.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let ranks: Vec<String> = judged
                .iter()
                .filter(|(_, grade)| **grade >= self.relevant)
                .take(5)
                .map(|(id, grade)| match run.ranked.iter().position(|found| found == id) {
                    Some(at) => format!("{id}:{grade}@{}", at + 1),
                    None => format!("{id}:{grade}@not found"),
                })
                .collect();
            writeln!(out, "        judged  {}", ranks.join("  "))?;
            let found: Vec<&str> = run.ranked.iter().take(3).copied().collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join("  ") };
            writeln!(out, "        found   {found}")?;
        }
        Ok(())
    }
}

/// Makes a record of a line: its title and its text, as they are.
///
/// A title that the kind takes no more than the beginning of stands whole before the text.
fn draft(kind: &RecordKind, id: String, title: Option<&str>, text: &str) -> Draft {
    let clean = |text: &str| -> String {
        let spaced = |ch: char| if ch.is_control() && ch != '\n' && ch != '\t' { ' ' } else { ch };
        text.chars().map(spaced).collect::<String>().trim().to_owned()
    };
    let limit = |name: &str| kind.field(name).map_or(usize::MAX, |field| field.max_length);
    let title = title.map(clean).filter(|title| !title.is_empty());
    let mut body = clean(text);
    let title = match title {
        None => NO_TITLE.to_owned(),
        Some(title) => match title.char_indices().nth(limit("title")) {
            None => title,
            Some((end, _)) => {
                body = format!("{title}\n{body}");
                title[..end].trim_end().to_owned()
            }
        },
    };
    let body: String = body.chars().take(limit("body")).collect();
    let mut fields = Fields::new();
    fields.insert("title".into(), title.into());
    if !body.is_empty() {
        fields.insert("body".into(), body.into());
    }
    Draft {
        kind: kind.name.to_string(),
        id: Some(id),
        fields,
        precondition: Precondition::None,
        source: None,
    }
}

fn write(app: &App, drafts: Vec<Draft>, by: &Key) -> anyhow::Result<()> {
    for answer in app.ingest.put(drafts, by, &app.clock.now())? {
        if let Err(rejection) = answer {
            bail!("a record of the corpus was refused: {rejection:?}");
        }
    }
    Ok(())
}

/// A line of the corpus or of the queries. Other members are ignored.
#[derive(Deserialize)]
struct SetLine {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    #[serde(default, deserialize_with = "or_empty")]
    text: String,
    #[serde(default)]
    title: Option<String>,
    /// Of queries that are records.
    #[serde(default)]
    body: Option<String>,
}

fn text_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(serde::de::Error::custom(format!("id: a string is expected, found {other}"))),
    }
}

fn or_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(from).map(Option::unwrap_or_default)
}

fn each_line<T: serde::de::DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (number, line) in lines(path)? {
        let at = || format!("{}:{number}", path.display());
        let line = line.with_context(at)?;
        if line.trim().is_empty() {
            continue;
        }
        let line = serde_json::from_str(&line).with_context(at)?;
        take(line).with_context(at)?;
    }
    Ok(())
}

/// Reads `query id <tab> record id <tab> grade` lines. Of a pair that was judged twice the higher grade counts.
fn read_qrels(path: &Path) -> anyhow::Result<BTreeMap<String, Judged>> {
    let mut judgements: BTreeMap<String, Judged> = BTreeMap::new();
    for (number, line) in lines(path)? {
        let at = || format!("{}:{number}", path.display());
        let line = line.with_context(at)?;
        if line.trim().is_empty() {
            continue;
        }
        let mut cells = line.trim_end_matches('\r').split('\t');
        let (Some(query), Some(record), Some(grade), None) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            bail!("{}: query id, record id and grade are expected, separated by tabs", at());
        };
        let grade = match grade.trim().parse::<f64>() {
            Ok(grade) if (0.0..=60.0).contains(&grade) => grade,
            _ => bail!("{}: a grade from 0 up is expected, found {grade:?}", at()),
        };
        let judged = judgements.entry(query.to_owned()).or_default();
        let known = judged.entry(record.to_owned()).or_insert(grade);
        *known = known.max(grade);
    }
    ensure!(!judgements.is_empty(), "{} has no judgements", path.display());
    Ok(judgements)
}

/// Numbered lines of a file, unpacked when it is gzip.
fn lines(
    path: &Path,
) -> anyhow::Result<impl Iterator<Item = (usize, std::io::Result<String>)> + use<>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let is_gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn BufRead> = if is_gzip {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    Ok((1..).zip(reader.lines()))
}

/// A data folder for one run, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("kechuang-evaluate-{}", random_hex::<8>()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "kechuang: {text}");
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
