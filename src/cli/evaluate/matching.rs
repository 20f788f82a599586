//! `evaluate --task match`: how well records find the records that fit them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;
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
use crate::record::{Fields, RecordId, RecordKind};
use crate::service::indexing;
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
    let has_queries = evaluate.set.join(&evaluate.queries).is_file();
    if !has_queries && evaluate.set.join("journal").is_dir() {
        return over_data(evaluate);
    }
    let scratch = Scratch::new()?;
    let mut config = Config::read(evaluate.config.as_deref())?;
    config.data.clone_from(&scratch.0);
    let app = open_app(&config, "the temporary folder is in use")?;
    let mut lookers = read(evaluate, &evaluate.set.join(&evaluate.queries), Entry::of_queries)?;
    let plain = evaluate.set.join("corpus.jsonl");
    let corpus = if plain.is_file() { plain } else { evaluate.set.join("corpus.jsonl.gz") };
    let mut found = read(evaluate, &corpus, Entry::of_corpus)?;
    let mut judgements = read_qrels(&evaluate.set.join(&evaluate.qrels))?;
    let (mut from, mut to) = kinds(evaluate, &app)?;
    if evaluate.reverse {
        std::mem::swap(&mut lookers, &mut found);
        std::mem::swap(&mut from, &mut to);
        judgements = transposed(judgements);
    }
    let started = Instant::now();
    index(&app, &to, FOUND, &found)?;
    let index_seconds = started.elapsed().as_secs_f64();
    // As on a server, those that look stand in the index too: what they all say tells nothing about one of them.
    // Of one kind with what is found, they would be found themselves.
    let stored = from.name != to.name;
    if stored {
        index(&app, &from, LOOKING, &lookers)?;
    }
    let mut topics = Vec::new();
    for (at, entry) in lookers.iter().enumerate() {
        let judged = judgements.remove(&entry.id).unwrap_or_default();
        if judged.values().any(|grade| *grade >= evaluate.relevant) {
            let text = entry.title.clone().unwrap_or_else(|| entry.text.clone());
            let subject = match stored {
                true => Subject::Stored(RecordId::new(from.name.clone(), record_id(LOOKING, at))),
                false => {
                    Subject::Draft { kind: from.name.to_string(), fields: entry.fields(&from) }
                }
            };
            topics.push((entry, subject, Topic { id: entry.id.clone(), text, judged }));
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
    let runs = search(&app, &to, &topics, &found, evaluate.relevant)?;
    evaluate.print(&runs, found.len(), index_seconds, &to, Some(baseline))?;
    Ok(ExitCode::SUCCESS)
}

/// Measures the lists of stored records, over a data folder, by judgements such as feedback gives.
fn over_data(evaluate: &Evaluate) -> anyhow::Result<ExitCode> {
    let mut judgements = read_qrels(&evaluate.set.join(&evaluate.qrels))?;
    let mut config = Config::read(evaluate.config.as_deref())?;
    config.data.clone_from(&evaluate.set);
    let app = open_app(&config, "a server has the data folder; restore a backup elsewhere")?;
    app.catch_up(&mut |_| {})?;
    let (mut from, mut to) = kinds(evaluate, &app)?;
    if evaluate.reverse {
        std::mem::swap(&mut from, &mut to);
        judgements = transposed(judgements);
    }
    judgements.retain(|_, judged| judged.values().any(|grade| *grade >= evaluate.relevant));
    let (mut topics, mut gone) = (Vec::new(), 0);
    for (id, judged) in judgements {
        let record = RecordId::new(from.name.clone(), id.as_str());
        let Some(stored) = app.store.get(&record)?.as_ref().and_then(indexing::read) else {
            gone += 1;
            continue;
        };
        let title = stored.fields.get("title").and_then(|title| title.as_str());
        topics.push((record, Topic { id, text: title.unwrap_or_default().to_owned(), judged }));
    }
    if gone > 0 {
        note(&format!("{gone} records with judgements are not in the data folder"));
    }
    ensure!(!topics.is_empty(), "no {} of the data folder has a judgement", from.name);
    let lists: Vec<Vec<String>> = topics
        .iter()
        .map(|(record, _)| {
            let subject = Subject::Stored(record.clone());
            let listed = app.matches.order(&subject, &to.name, DEPTH, app.clock.today())?;
            Ok(listed.into_iter().map(|scored| scored.id.id.to_string()).collect())
        })
        .collect::<anyhow::Result<_>>()?;
    let runs: Vec<Run<'_>> = topics
        .iter()
        .zip(&lists)
        .map(|((_, topic), list)| {
            let ranked: Vec<&str> = list.iter().map(String::as_str).collect();
            let measures = evaluation::measure(&ranked, &topic.judged, evaluate.relevant);
            Run { topic, ranked, measures, ms: 0.0 }
        })
        .collect();
    evaluate.print(&runs, app.engine.num_records()? as usize, 0.0, &to, None)?;
    Ok(ExitCode::SUCCESS)
}

/// The kinds that are asked for, else those of the first pair.
fn kinds(evaluate: &Evaluate, app: &App) -> anyhow::Result<(Arc<RecordKind>, Arc<RecordKind>)> {
    let first = app.matches.rules.pairs.first().context("matching.toml declares no pair")?;
    let kind = |name: &str| -> anyhow::Result<_> {
        let known: Vec<&str> = app.catalog.kinds.iter().map(|kind| &*kind.name).collect();
        let kind = app.catalog.kind(name).cloned();
        kind.with_context(|| format!("{name} is no kind; there are {}", known.join(", ")))
    };
    let from = kind(evaluate.from.as_deref().unwrap_or(&first.from))?;
    let to = kind(evaluate.to.as_deref().unwrap_or(&first.to))?;
    Ok((from, to))
}

fn read(
    evaluate: &Evaluate,
    path: &std::path::Path,
    entry: impl Fn(SetLine) -> Entry,
) -> anyhow::Result<Vec<Entry>> {
    ensure!(path.is_file(), "{} has no {}", evaluate.set.display(), path.display());
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    each_line(path, |line: SetLine| {
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

/// First letters of the ids of records that are to be found, and of those that look.
const FOUND: char = 'r';
const LOOKING: char = 'q';

fn record_id(side: char, at: usize) -> String {
    format!("{side}{at:09}")
}

/// Writes records and indexes them; the record of entry n is `r000000n` when `side` is `r`.
fn index(app: &App, kind: &RecordKind, side: char, entries: &[Entry]) -> anyhow::Result<()> {
    let by = Key::local("evaluate", &app.clock.now());
    for (group, entries) in entries.chunks(GROUP).enumerate() {
        let drafts = entries.iter().enumerate().map(|(at, entry)| {
            let id = record_id(side, group * GROUP + at);
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
    app: &App,
    to: &RecordKind,
    topics: &'a [(&Entry, Subject, Topic)],
    found: &'a [Entry],
    relevant: f64,
) -> anyhow::Result<Vec<Run<'a>>> {
    let today = app.clock.today();
    let places: HashMap<String, &str> = (0..)
        .zip(found)
        .map(|(at, entry): (usize, _)| (record_id(FOUND, at), &*entry.id))
        .collect();
    let bar = progress::bar("matching", topics.len() as u64);
    let mut runs = Vec::with_capacity(topics.len());
    for (_, subject, topic) in topics {
        let started = Instant::now();
        let ranked = app.matches.order(subject, &to.name, DEPTH, today);
        let ranked = ranked.with_context(|| format!("record {:?}", topic.id))?;
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let ranked: Vec<&str> =
            ranked.iter().filter_map(|scored| places.get(&*scored.id.id).copied()).collect();
        let measures = evaluation::measure(&ranked, &topic.judged, relevant);
        runs.push(Run { topic, ranked, measures, ms });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(runs)
}

/// Measures plain BM25 over the same words, on the same queries and records.
fn baseline(
    app: &App,
    topics: &[(&Entry, Subject, Topic)],
    found: &[Entry],
    relevant: f64,
) -> Bm25 {
    let documents: Vec<String> = found.iter().map(|entry| entry.words(app)).collect();
    let index = PlainBm25::new(documents.iter().map(String::as_str));
    let measures: Vec<_> = topics
        .iter()
        .map(|(entry, _, topic)| {
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
