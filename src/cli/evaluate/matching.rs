//! `evaluate --task match`: how well records find the records that fit them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::{
    Bm25, Evaluate, GROUP, Run, Scratch, SetLine, Topic, draft, each_line, note, read_qrels, round,
    write,
};
use crate::app::App;
use crate::cli::{open_app, progress};
use crate::config::Config;
use crate::evaluation::{self, DEPTH, Judged, PlainBm25};
use crate::matching::Subject;
use crate::record::{Fields, RecordKind};
use crate::service::keys::Key;
use crate::text::Units;

/// A line of either file, as a record.
struct Entry {
    id: String,
    title: Option<String>,
    text: String,
}

impl Entry {
    fn of_corpus(line: SetLine) -> Self {
        Self { id: line.id, title: line.title, text: line.text }
    }

    fn of_queries(line: SetLine) -> Self {
        Self { id: line.id, title: Some(line.text), text: line.body.unwrap_or_default() }
    }

    fn fields(&self, kind: &RecordKind) -> Fields {
        draft(kind, String::new(), self.title.as_deref(), &self.text).fields
    }

    /// The words of title and text, for plain BM25.
    fn words(&self, app: &App) -> String {
        let mut units = Units::default();
        for text in self.title.iter().chain([&self.text]) {
            app.analyzer.analyze(text, &mut units);
        }
        units.words
    }
}

pub fn run(evaluate: &Evaluate) -> anyhow::Result<ExitCode> {
    ensure!(evaluate.set.is_dir(), "--set {}: not a folder", evaluate.set.display());
    let scratch = Scratch::new()?;
    let mut config = Config::read(evaluate.config.as_deref())?;
    config.data.clone_from(&scratch.0);
    let app = open_app(&config, "the temporary folder is in use")?;
    let mut lookers = read(evaluate, &evaluate.set.join(&evaluate.queries), Entry::of_queries)?;
    let plain = evaluate.set.join("corpus.jsonl");
    let corpus = if plain.is_file() { plain } else { evaluate.set.join("corpus.jsonl.gz") };
    let mut found = read(evaluate, &corpus, Entry::of_corpus)?;
    let mut judgements = read_qrels(&evaluate.set.join(&evaluate.qrels))?;
    let first = app.matches.rules.pairs.first().context("matching.toml declares no pair")?;
    let mut from = evaluate.from.as_deref().unwrap_or(&first.from);
    let mut to = evaluate.to.as_deref().unwrap_or(&first.to);
    if evaluate.reverse {
        std::mem::swap(&mut lookers, &mut found);
        std::mem::swap(&mut from, &mut to);
        judgements = transposed(judgements);
    }
    let kind = |name: &str| -> anyhow::Result<_> {
        let known: Vec<&str> = app.catalog.kinds.iter().map(|kind| &*kind.name).collect();
        let kind = app.catalog.kind(name).cloned();
        kind.with_context(|| format!("{name} is no kind; there are {}", known.join(", ")))
    };
    let (from, to) = (kind(from)?, kind(to)?);
    let started = Instant::now();
    index(&app, &to, &found)?;
    let index_seconds = started.elapsed().as_secs_f64();
    let mut topics = Vec::new();
    for entry in &lookers {
        let judged = judgements.remove(&entry.id).unwrap_or_default();
        if judged.values().any(|grade| *grade >= evaluate.relevant) {
            let text = entry.title.clone().unwrap_or_else(|| entry.text.clone());
            topics.push((entry, Topic { id: entry.id.clone(), text, judged }));
        }
    }
    ensure!(
        !topics.is_empty(),
        "no record that looks has a judgement of grade {} or more in {}",
        evaluate.relevant,
        evaluate.set.join(&evaluate.qrels).display()
    );
    if !judgements.is_empty() && !evaluate.reverse {
        note(&format!("{} queries with judgements are not in the set", judgements.len()));
    }
    let baseline = baseline(&app, &topics, &found, evaluate.relevant);
    let runs = search(evaluate, &app, &from, &to, &topics, &found)?;
    evaluate.print(&runs, found.len(), index_seconds, &to, Some(baseline))?;
    Ok(ExitCode::SUCCESS)
}

fn read(
    evaluate: &Evaluate,
    path: &std::path::Path,
    entry: impl Fn(SetLine) -> Entry,
) -> anyhow::Result<Vec<Entry>> {
    ensure!(path.is_file(), "{} has no {}", evaluate.set.display(), path.display());
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    each_line(path, |line| {
        ensure!(seen.insert(line.id.clone()), "the id {:?} came before", line.id);
        entries.push(entry(line));
        Ok(())
    })?;
    ensure!(!entries.is_empty(), "{} has no lines", path.display());
    Ok(entries)
}

fn transposed(judgements: BTreeMap<String, Judged>) -> BTreeMap<String, Judged> {
    let mut transposed: BTreeMap<String, Judged> = BTreeMap::new();
    for (query, judged) in judgements {
        for (record, grade) in judged {
            transposed.entry(record).or_default().insert(query.clone(), grade);
        }
    }
    transposed
}

/// Writes the records to be found and indexes them; the record of entry n is `r000000n`.
fn index(app: &App, kind: &RecordKind, entries: &[Entry]) -> anyhow::Result<()> {
    let by = Key::local("evaluate", &app.clock.now());
    for (group, entries) in entries.chunks(GROUP).enumerate() {
        let drafts = entries.iter().enumerate().map(|(at, entry)| {
            let id = format!("r{:09}", group * GROUP + at);
            draft(kind, id, entry.title.as_deref(), &entry.text)
        });
        write(app, drafts.collect(), &by)?;
    }
    let bar = progress::bar("indexing", app.store.head().0);
    app.catch_up(&mut |revision| bar.set_position(revision.0))?;
    bar.finish_and_clear();
    Ok(())
}

fn search<'a>(
    evaluate: &Evaluate,
    app: &App,
    from: &RecordKind,
    to: &RecordKind,
    topics: &'a [(&Entry, Topic)],
    found: &'a [Entry],
) -> anyhow::Result<Vec<Run<'a>>> {
    let today = app.clock.today();
    let places: HashMap<String, &str> =
        (0..).zip(found).map(|(at, entry): (usize, _)| (format!("r{at:09}"), &*entry.id)).collect();
    let bar = progress::bar("matching", topics.len() as u64);
    let mut runs = Vec::with_capacity(topics.len());
    for (entry, topic) in topics {
        let subject = Subject::Draft { kind: from.name.to_string(), fields: entry.fields(from) };
        let started = Instant::now();
        let ranked = app.matches.order(&subject, &to.name, DEPTH, today);
        let ranked = ranked.with_context(|| format!("record {:?}", topic.id))?;
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let ranked: Vec<&str> =
            ranked.iter().filter_map(|scored| places.get(&*scored.id.id).copied()).collect();
        let measures = evaluation::measure(&ranked, &topic.judged, evaluate.relevant);
        runs.push(Run { topic, ranked, measures, ms });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(runs)
}

/// Measures plain BM25 over the same words, on the same queries and records.
fn baseline(app: &App, topics: &[(&Entry, Topic)], found: &[Entry], relevant: f64) -> Bm25 {
    let documents: Vec<String> = found.iter().map(|entry| entry.words(app)).collect();
    let index = PlainBm25::new(documents.iter().map(String::as_str));
    let measures: Vec<_> = topics
        .iter()
        .map(|(entry, topic)| {
            let ranked = index.search(&entry.words(app), DEPTH);
            let ranked: Vec<&str> = ranked.into_iter().map(|at| &*found[at].id).collect();
            evaluation::measure(&ranked, &topic.judged, relevant)
        })
        .collect();
    let mean = evaluation::mean(&measures);
    Bm25 {
        ndcg: round(mean.ndcg, 6),
        mrr: round(mean.mrr, 6),
        ndcg_judged: round(mean.ndcg_judged, 6),
    }
}
