//! What benches are made of: records from the sentences of real texts, and how figures are printed.
//!
//! `KECHUANG_BENCH_TEXT` names JSONL files (gzip or not) whose members give the sentences: the more different text, the
//! more like a real index. Without it they are those of the sample corpus.

// Every bench takes what it needs.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::service::ingest::{Draft, Precondition};
use kechuang::service::keys::Role;
use serde_json::{Value, json};

/// Writes and indexes; prints records a second of CPU and of wall time.
pub fn fill(app: &App, records: usize, sentences: &[String], random: &mut Random) {
    let text = app.keys.create(Role::Administrator, None, app.clock.now()).expect("a key is made");
    let key = app.keys.find(&text).expect("the store answers").expect("the key is there");
    let (wall, cpu) = (Instant::now(), self_cpu());
    let mut written = 0;
    while written < records {
        let drafts: Vec<Draft> = (written..records.min(written + 1_000))
            .map(|at| Draft {
                kind: ["policy", "achievement", "demand", "report"][at % 4].into(),
                id: Some(format!("bench-{at}")),
                fields: record(sentences, random),
                precondition: Precondition::None,
                source: None,
            })
            .collect();
        written += drafts.len();
        let answers = app.ingest.put(drafts, &key, &app.clock.now()).expect("the store writes");
        assert!(answers.iter().all(Result::is_ok), "a bench record was refused: {answers:?}");
    }
    let (write_wall, write_cpu) = (wall.elapsed(), self_cpu() - cpu);
    let (wall, cpu) = (Instant::now(), self_cpu());
    app.catch_up(&mut |_| {}).expect("the index follows");
    assert_eq!(app.engine.num_records().expect("the index answers") as usize, records);
    let (index_wall, index_cpu) = (wall.elapsed(), self_cpu() - cpu);
    row("store: records/s of CPU", records as f64 / write_cpu.as_secs_f64());
    row("store: records/s of wall time", records as f64 / write_wall.as_secs_f64());
    row("index: records/s of CPU", records as f64 / index_cpu.as_secs_f64());
    row("index: records/s of wall time", records as f64 / index_wall.as_secs_f64());
}

/// A record of about 700 characters whose facets are drawn unevenly.
pub fn record(sentences: &[String], random: &mut Random) -> serde_json::Map<String, Value> {
    const DIVISIONS: [&str; 12] = [
        "370211", "370212", "370214", "370203", "370202", "370213", "370215", "370281", "370283",
        "370285", "370200", "370000",
    ];
    const INDUSTRIES: [&str; 8] = ["C26", "C35", "I65", "C39", "C27", "M73", "C38", "A01"];
    const FIELDS: [&str; 8] = ["01", "02", "03", "04", "05", "06", "07", "08"];
    let title: String = random.pick(sentences).chars().take(12 + random.below(16)).collect();
    let mut body = String::new();
    let mut length = title.chars().count();
    while length < 690 {
        let sentence = random.pick(sentences);
        length += sentence.chars().count();
        body.push_str(sentence);
    }
    let value = json!({
        "title": title,
        "body": body,
        "division_code": DIVISIONS[random.uneven(DIVISIONS.len())],
        "industry_codes": [INDUSTRIES[random.uneven(INDUSTRIES.len())]],
        "tech_fields": [FIELDS[random.uneven(FIELDS.len())]],
        "published_on": format!("202{}-{:02}-{:02}", random.below(7), 1 + random.below(12), 1 + random.below(28)),
    });
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("the literal is an object"),
    }
}

/// Sentences of the texts named in the environment, else of the sample corpus.
pub fn sentences() -> Vec<String> {
    let files: Vec<PathBuf> = match std::env::var("KECHUANG_BENCH_TEXT") {
        Ok(files) => files.split(',').map(PathBuf::from).collect(),
        Err(_) => std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sample-corpus"))
            .expect("the sample corpus")
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect(),
    };
    let mut seen: HashMap<String, ()> = HashMap::new();
    for path in files {
        let file = std::fs::File::open(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let reader: Box<dyn Read> = match path.extension().is_some_and(|e| e == "gz") {
            true => Box::new(flate2::read::MultiGzDecoder::new(file)),
            false => Box::new(file),
        };
        for line in BufReader::new(reader).lines() {
            let value: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            for name in ["text", "abstract", "body", "summary", "title"] {
                for sentence in
                    value[name].as_str().unwrap_or("").split_inclusive(['。', '；', '\n'])
                {
                    if (8..200).contains(&sentence.chars().count()) {
                        seen.insert(sentence.to_owned(), ());
                    }
                }
            }
        }
    }
    let mut sentences: Vec<String> = seen.into_keys().collect();
    sentences.sort_unstable();
    assert!(sentences.len() > 500, "too little text: {} sentences", sentences.len());
    sentences
}

pub fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!(
        "{name}: ms p50 {:.2}  p95 {:.2}  p99 {:.2}  max {:.2}",
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
}

pub fn row(name: &str, value: f64) {
    println!("{name}: {value:.2}");
}

pub fn self_cpu() -> Duration {
    cpu_of("self")
}

/// User and system time of a process, to 10 ms.
pub fn cpu_of(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux's /proc");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|&at| fields.get(at)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

pub fn env_number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// A small generator: the same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn uneven(&mut self, end: usize) -> usize {
        self.below(end).min(self.below(end)).min(self.below(end))
    }

    pub fn pick<'a>(&mut self, from: &'a [String]) -> &'a String {
        &from[self.below(from.len())]
    }
}
