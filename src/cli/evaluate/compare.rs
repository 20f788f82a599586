//! `evaluate --compare`: the same queries under two configurations, side by side.
//!
//! Both sides index the same records in folders of their own, in the same order, so that what differs between them
//! comes from the configuration alone.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::{Evaluate, Scratch, lines, note, round};
use crate::app::App;
use crate::cli::{grouped, open_app, open_store, progress};
use crate::config::Config;
use crate::evaluation::{self, CUTOFF, Measures};
use crate::query::request::SearchRequest;
use crate::query::typed::MAX_LENGTH;
use crate::record::Visibility;
use crate::store::{Expected, Store, Write};

/// Records copied at a time.
const GROUP: usize = 500;
/// Queries shown of each list.
const SHOWN: usize = 10;

/// A query that is asked on both sides.
struct Question {
    id: String,
    text: String,
}

/// What one configuration answered, in the order of the questions.
struct Side {
    /// Results, best first; more than the first ten where measures need them.
    ranked: Vec<Vec<String>>,
    /// Empty without judgements.
    measures: Vec<Measures>,
    documents: usize,
}

/// One query of which the first ten results differ.
#[derive(Serialize)]
struct Changed<'a> {
    id: &'a str,
    text: &'a str,
    /// After less before; `None` without judgements.
    #[serde(rename = "ndcg@10", skip_serializing_if = "Option::is_none")]
    ndcg: Option<f64>,
    before: &'a [String],
    after: &'a [String],
    /// Results of the first ten that both have.
    #[serde(skip)]
    common: usize,
}

/// A measure's means on both sides, and the interval of the mean of the differences, query by query.
#[derive(Serialize)]
struct Difference {
    measure: &'static str,
    before: f64,
    after: f64,
    difference: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    queries: usize,
    documents: usize,
    /// Queries whose first ten results are not the same, in the same order.
    changed: usize,
    first_changed: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    measures: Vec<Difference>,
    items: Vec<Changed<'a>>,
}

/// Compares the configuration as it is with one whose kind files, dictionaries or both are in `folder`.
pub fn run(evaluate: &Evaluate, folder: &Path) -> anyhow::Result<ExitCode> {
    let before = Config::read(evaluate.config.as_deref())?;
    let after = changed_config(&before, folder)?;
    let has_corpus =
        ["corpus.jsonl", "corpus.jsonl.gz"].iter().any(|name| evaluate.set.join(name).is_file());
    let (questions, before, after) = if has_corpus {
        let topics = evaluate.topics()?;
        let sides = [&before, &after].map(|config| judged_side(evaluate, config, &topics));
        let [before, after] = sides;
        let question = |topic: super::Topic| Question { id: topic.id, text: topic.text };
        (topics.into_iter().map(question).collect(), before?, after?)
    } else {
        let questions = read_questions(&evaluate.queries)?;
        let records = read_records(&evaluate.set)?;
        let [before, after] =
            [&before, &after].map(|config| plain_side(config, &records, &questions));
        (questions, before?, after?)
    };
    let report = report(&questions, &before, &after);
    let mut out = std::io::stdout().lock();
    if evaluate.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces what the folder has: kind files, dictionaries, or a folder of each.
fn changed_config(config: &Config, folder: &Path) -> anyhow::Result<Config> {
    let mut changed = config.clone();
    for (name, file, setting) in [
        ("index-config", "search.toml", &mut changed.index_config),
        ("dictionaries", "words.txt", &mut changed.dictionaries),
    ] {
        if folder.join(name).is_dir() {
            *setting = Some(folder.join(name));
        } else if folder.join(file).is_file() {
            *setting = Some(folder.to_owned());
        }
    }
    ensure!(
        changed.index_config != config.index_config || changed.dictionaries != config.dictionaries,
        "--compare {}: expected folders `index-config` or `dictionaries`, or a `search.toml` or `words.txt`",
        folder.display()
    );
    Ok(changed)
}

/// Opens a service over an empty folder, under `config`.
/// Opens a temporary folder. Whoever takes the pair apart in this order closes the service before the folder goes.
fn open(config: &Config) -> anyhow::Result<(Scratch, App)> {
    let scratch = Scratch::new()?;
    let mut config = config.clone();
    config.data.clone_from(&scratch.0);
    let app = open_app(&config, "the temporary folder is in use")?;
    Ok((scratch, app))
}

fn judged_side(
    evaluate: &Evaluate,
    config: &Config,
    topics: &[super::Topic],
) -> anyhow::Result<Side> {
    let (_scratch, app) = open(config)?;
    let kind = evaluate.kind(&app)?;
    let ids = evaluate.index(&app, &kind)?;
    let runs = evaluate.search(&app, &kind, topics, &ids)?;
    Ok(Side {
        ranked: runs
            .iter()
            .map(|run| run.ranked.iter().map(|id| (*id).to_owned()).collect())
            .collect(),
        measures: runs.iter().map(|run| run.measures).collect(),
        documents: ids.len(),
    })
}

fn plain_side(config: &Config, records: &[Write], questions: &[Question]) -> anyhow::Result<Side> {
    let (_scratch, app) = open(config)?;
    for group in records.chunks(GROUP) {
        let batches = group.iter().map(|write| vec![write.clone()]).collect();
        for answer in app.store.append(batches)? {
            ensure!(answer.is_ok(), "a record is in the data folder twice");
        }
    }
    let bar = progress::bar("indexing", app.store.head().0);
    app.catch_up(&mut |revision| bar.set_position(revision.0))?;
    bar.finish_and_clear();
    app.corrector.refresh()?;
    let mut ranked = Vec::with_capacity(questions.len());
    for question in questions {
        let request = SearchRequest {
            q: question.text.clone(),
            limit: Some(CUTOFF),
            ..SearchRequest::default()
        };
        let page = app
            .search
            .search(&request, Visibility::Public, app.clock.today())
            .with_context(|| format!("query {:?}", question.text))?;
        let ids = page.items.iter().map(|item| format!("{}/{}", item.kind, item.id));
        ranked.push(ids.collect());
    }
    Ok(Side { ranked, measures: Vec::new(), documents: records.len() })
}

/// Reads one query a line: plain text, or an object with `text` and perhaps `id`.
fn read_questions(path: &Path) -> anyhow::Result<Vec<Question>> {
    let mut questions = Vec::new();
    for (number, line) in lines(path)? {
        let line = line.with_context(|| format!("{}:{number}", path.display()))?;
        let line = line.trim();
        let text = match serde_json::from_str::<serde_json::Value>(line) {
            Ok(serde_json::Value::Object(object)) => {
                object.get("text").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
            }
            _ => line.to_owned(),
        };
        if !text.is_empty() {
            let text = text.chars().take(MAX_LENGTH).collect();
            questions.push(Question { id: number.to_string(), text });
        }
    }
    ensure!(!questions.is_empty(), "{} has no queries", path.display());
    Ok(questions)
}

/// Reads every record of a data folder, kind by kind.
fn read_records(data: &Path) -> anyhow::Result<Vec<Write>> {
    crate::cli::need_folder(data)?;
    let hint = "a server has the data folder; stop it, or restore a backup elsewhere";
    let store = open_store(data, hint)?;
    let catalog = crate::record::Catalog::open(None)?;
    let mut records = Vec::new();
    for kind in &catalog.kinds {
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = store.scan(&kind.name, after.as_deref(), GROUP)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.id.clone());
            records.extend(page.into_iter().map(|stored| Write {
                id: stored.id,
                expected: Expected::Absent,
                body: Some(stored.json),
            }));
        }
    }
    ensure!(!records.is_empty(), "{} has no records", data.display());
    note(&format!("{} records", grouped(records.len() as u64)));
    Ok(records)
}

fn report<'a>(questions: &'a [Question], before: &'a Side, after: &'a Side) -> Report<'a> {
    let first_ten = |ranked: &'a Vec<String>| &ranked[..ranked.len().min(CUTOFF)];
    let mut items = Vec::new();
    let mut first_changed = 0;
    for (at, question) in questions.iter().enumerate() {
        let (old, new) = (first_ten(&before.ranked[at]), first_ten(&after.ranked[at]));
        first_changed += usize::from(old.first() != new.first());
        if old != new {
            let ndcg = before.measures.get(at).zip(after.measures.get(at));
            items.push(Changed {
                id: &question.id,
                text: &question.text,
                ndcg: ndcg.map(|(before, after)| round(after.ndcg - before.ndcg, 6)),
                before: old,
                after: new,
                common: new.iter().filter(|id| old.contains(id)).count(),
            });
        }
    }
    let measures = match before.measures.is_empty() {
        true => Vec::new(),
        false => differences(&before.measures, &after.measures),
    };
    Report {
        queries: questions.len(),
        documents: before.documents,
        changed: items.len(),
        first_changed,
        measures,
        items,
    }
}

fn differences(before: &[Measures], after: &[Measures]) -> Vec<Difference> {
    super::COLUMNS
        .iter()
        .map(|&(measure, of)| {
            let pairs = before.iter().zip(after);
            let differences: Vec<f64> = pairs.map(|(old, new)| of(new) - of(old)).collect();
            let (low, high) = evaluation::interval(&differences);
            let (before, after) = (of(&evaluation::mean(before)), of(&evaluation::mean(after)));
            let difference = round(after - before, 6);
            let [before, after, low, high] = [before, after, low, high].map(|v| round(v, 6));
            Difference { measure, before, after, difference, low, high }
        })
        .collect()
}

fn print(out: &mut dyn std::io::Write, report: &Report<'_>) -> anyhow::Result<()> {
    writeln!(
        out,
        "{} queries, {} records; the first ten results of {} differ, the first result of {}",
        grouped(report.queries as u64),
        grouped(report.documents as u64),
        grouped(report.changed as u64),
        grouped(report.first_changed as u64)
    )?;
    if !report.measures.is_empty() {
        writeln!(
            out,
            "\n{:<16}{:>8}{:>8}{:>9}   95 % interval of the difference",
            "measure", "before", "after", "by"
        )?;
        for row in &report.measures {
            writeln!(
                out,
                "{:<16}{:>8.4}{:>8.4}{:>+9.4}   {:+.4} to {:+.4}",
                row.measure, row.before, row.after, row.difference, row.low, row.high
            )?;
        }
        let mut gains: Vec<&Changed<'_>> = report.items.iter().collect();
        gains.sort_by(|a, b| b.ndcg.unwrap_or(0.0).total_cmp(&a.ndcg.unwrap_or(0.0)));
        let is_gain = |changed: &&&Changed<'_>| changed.ndcg.unwrap_or(0.0) > 0.0;
        print_list(out, "gain most", gains.iter().filter(is_gain).copied())?;
        let is_loss = |changed: &&&Changed<'_>| changed.ndcg.unwrap_or(0.0) < 0.0;
        return print_list(out, "lose most", gains.iter().rev().filter(is_loss).copied());
    }
    let mut most: Vec<&Changed<'_>> = report.items.iter().collect();
    most.sort_by_key(|changed| changed.common);
    print_list(out, "change most", most.into_iter())
}

fn print_list<'a>(
    out: &mut dyn std::io::Write,
    what: &str,
    items: impl Iterator<Item = &'a Changed<'a>>,
) -> anyhow::Result<()> {
    let mut items = items.take(SHOWN).peekable();
    if items.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "\nThe queries that {what} (+ new in the first ten, − gone, with their ranks):")?;
    for changed in items {
        let text: String = changed.text.chars().take(60).collect();
        let by = changed.ndcg.map_or(String::new(), |ndcg| format!("{ndcg:+.4}  "));
        writeln!(out, "{by}{}  {text}", changed.id)?;
        let only = |sign: char, these: &[String], those: &[String]| {
            let ranked = these.iter().enumerate().filter(|(_, id)| !those.contains(id));
            ranked.map(|(at, id)| format!("{sign}{id}@{}", at + 1)).collect::<Vec<_>>()
        };
        let mut marks = only('+', changed.after, changed.before);
        marks.extend(only('−', changed.before, changed.after));
        let marks = if marks.is_empty() { "another order".to_owned() } else { marks.join("  ") };
        writeln!(out, "        {marks}")?;
    }
    Ok(())
}
