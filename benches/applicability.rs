//! Applicability at size: many records against one profile in process and over HTTP, one record against many profiles,
//! and how many questions an empty profile takes on the sample.
//!
//! ```text
//! cargo bench --bench applicability                          # 100,000 records, 100,000 profiles
//! KECHUANG_BENCH_RECORDS=10000 cargo bench --bench applicability
//! cargo bench --bench applicability -- http                  # one part: profile, record, http or questions
//! ```
//!
//! Prints wall times and, beside them, those of a loop that touches no memory and was run in turn with what is measured:
//! what the loop's p99 lies above its best is the machine's doing. Asserts only that the work was done.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::applicability::columns::Columns;
use kechuang::applicability::questions::Tally;
use kechuang::applicability::table::{Among, Table};
use kechuang::applicability::{Dictionary, Level, Profile, Rules, Verdict};
use kechuang::config::Config;
use kechuang::http::{AppState, router, serve};
use kechuang::record::value::days;
use kechuang::record::{Catalog, Fields, Lang, RecordId, RecordKind};
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use serde_json::{Map, Value, json};

/// What the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 200;
/// Questions after which somebody would give up.
const PATIENCE: usize = 20;

fn main() {
    // `cargo test` runs benches with `--test`: nothing to do then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let count = std::env::var("KECHUANG_BENCH_RECORDS").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(100_000);
    let catalog = Arc::new(Catalog::open(None).expect("the embedded configuration"));
    let dictionary = Arc::new(Dictionary::new(catalog).expect("its attributes"));
    let today = days("2026-11-23").expect("a date");
    let mut random = Random(7);
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|part| !part.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("profile") {
        one_profile(count, &dictionary, today, &mut random);
    }
    if is_wanted("record") {
        one_record(count, &dictionary, today, &mut random);
    }
    if is_wanted("http") {
        over_http(count, &dictionary, today, &mut random);
    }
    if is_wanted("questions") {
        questions(&dictionary, today);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

fn kind(dictionary: &Dictionary) -> Arc<RecordKind> {
    let kinds = dictionary.catalog().kinds.iter();
    let mut with_rules =
        kinds.filter(|kind| kind.applicability.as_ref().is_some_and(|rules| rules.default));
    with_rules.next().expect("a kind with rules").clone()
}

fn read(fields: Value, dictionary: &Dictionary) -> Rules {
    let Value::Object(fields) = fields else { panic!("an object") };
    let (rules, violations) =
        Rules::read(&kind(dictionary), &fields, dictionary).expect("a kind with rules");
    assert!(violations.is_empty(), "{violations:?}");
    rules
}

fn rules(place: &str, dictionary: &Dictionary, random: &mut Random) -> Rules {
    read(fields(place, random), dictionary)
}

/// A record of three conditions, most of them with several checks; `place` is where it applies.
fn fields(place: &str, random: &mut Random) -> Value {
    let quals = ["gaoxin", "kejixing_sme", "zjtx", "xiaojuren", "gazelle", "unicorn", "cnas"];
    let industries = ["C27", "C34", "C39", "I65", "M73", "C26", "A01", "F52"];
    let revenue = 100 * (1 + random.below(200));
    let conditions = json!([
        { "id": "c1", "text": "t", "clause": "一", "all": [
            { "attr": "entity_type", "op": "in", "value": ["company"] },
            { "attr": "industry", "op": "within", "value": random.of(&industries) },
        ] },
        { "id": "c2", "text": "t", "clause": "二", "any": [
            { "attr": "quals", "op": "has", "value": random.of(&quals), "valid_on": "rules_as_of" },
            { "attr": "quals", "op": "has", "value": random.of(&quals), "valid_on": "rules_as_of" },
        ] },
        { "id": "c3", "text": "t", "clause": "三", "all": [
            { "attr": "revenue", "period": "Y-1", "op": "ge", "value": revenue, "unit": "万元" },
            { "attr": "rd_ratio", "period": "Y-1", "op": "ge", "value": (1 + random.below(12)) as f64 / 100.0 },
        ] },
    ]);
    let amounts =
        json!([{ "id": "a", "kind": "fixed", "value": 1000 * random.below(5000), "clause": "四" }]);
    json!({ "applies_to": [place], "conditions": conditions, "amounts": amounts })
}

const PROVINCES: [&str; 6] = ["370000", "110000", "440000", "320000", "330000", "510000"];

/// Where a record applies: 8 % national, 27 % provincial, 65 % of cities and districts.
fn place<'a>(codes: &[&'a str], random: &mut Random) -> &'a str {
    match random.below(100) {
        0..8 => "000000",
        8..35 => PROVINCES[random.below(PROVINCES.len())],
        35..50 => "370200",
        _ => codes[random.below(codes.len())],
    }
}

fn firm(random: &mut Random) -> Map<String, Value> {
    let places = ["370212", "370202", "370211", "370102", "110105", "440305"];
    let revenue = 100_000 * (1 + random.below(2_000));
    let firm = json!({
        "reg_region": random.of(&places),
        "entity_type": "company",
        "industry": random.of(&["I6513", "C2710", "C3922", "M7340"]),
        "registered_on": "2018-05-01",
        "revenue": { "2025": revenue },
        "rd_expense": { "2025": revenue / (5 + random.below(60)) },
        "quals": { "complete": true, "items": random.of(&[json!([]), json!(["gaoxin"]), json!(["zjtx", "gaoxin"])]) },
    });
    let Value::Object(firm) = firm else { unreachable!("an object") };
    // Three attributes in ten are not known.
    firm.into_iter().filter(|(name, _)| name == "reg_region" || random.below(10) >= 3).collect()
}

fn profile(firm: &Map<String, Value>, dictionary: &Dictionary, today: i32) -> Profile {
    Profile::read(firm, dictionary, today, today).expect("a sound profile").0
}

/// Steps of the loop that is run in turn with what is measured: some milliseconds.
const STEPS: u64 = 2_000_000;

/// Times of what is measured, and of a loop that was run behind each of it.
#[derive(Default)]
struct Times {
    work: Vec<Duration>,
    idle: Vec<Duration>,
}

impl Times {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.work.push(started.elapsed());
        let started = Instant::now();
        let mut random = Random(7);
        for _ in 0..STEPS {
            random.below(9);
        }
        std::hint::black_box(random.0);
        self.idle.push(started.elapsed());
        done
    }

    fn show(mut self, what: &str) {
        let at = |times: &mut Vec<Duration>, share: f64| {
            times.sort();
            times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
        };
        let mut shares = |share| (at(&mut self.work, share), at(&mut self.idle, share));
        let ((best, idle_best), (p50, idle_p50), (p99, idle_p99)) =
            (shares(0.0), shares(0.5), shares(0.99));
        println!("{what}:\n  best {best:.2} ms, p50 {p50:.2} ms, p99 {p99:.2} ms");
        println!("  the loop: best {idle_best:.2} ms, p50 {idle_p50:.2} ms, p99 {idle_p99:.2} ms");
    }
}

fn one_profile(count: usize, dictionary: &Arc<Dictionary>, today: i32, random: &mut Random) {
    let vocabulary = dictionary.catalog().vocabularies["division"].clone();
    let codes: Vec<&str> = vocabulary.entries.iter().map(|entry| &*entry.code).collect();
    let mut table = Table::new(dictionary.clone());
    let started = Instant::now();
    for at in 0..count {
        let place = place(&codes, random);
        table.put(RecordId::new("k", format!("r{at}")), &rules(place, dictionary, random));
    }
    table.sort();
    assert_eq!(table.len(), count);
    println!("{count} records compiled in {:.1} s", started.elapsed().as_secs_f64());
    for (what, empty) in [("a profile", false), ("an empty profile", true)] {
        let mut times = Times::default();
        let mut looked_at = 0;
        for _ in 0..ROUNDS {
            let firm = if empty { Map::new() } else { firm(random) };
            let profile = profile(&firm, dictionary, today);
            let mut tally = Tally::new(dictionary);
            times.measure(|| {
                table.judge(&profile, today, Among::Everything, |standing| {
                    tally.add(&standing, &table);
                    looked_at += 1;
                });
            });
        }
        println!("{} records a profile are not elsewhere", looked_at / ROUNDS);
        times.show(&format!("{count} records against {what}, verdicts, near misses and questions"));
    }
}

fn one_record(count: usize, dictionary: &Arc<Dictionary>, today: i32, random: &mut Random) {
    let mut profiles = Columns::default();
    (0..count).for_each(|row| profiles.put(row, &profile(&firm(random), dictionary, today)));
    let mut table = Table::new(dictionary.clone());
    let id = RecordId::new("k", "r");
    let (mut times, mut known) = (Times::default(), 0);
    for _ in 0..ROUNDS {
        let rules = rules("370200", dictionary, random);
        let levels = times.measure(|| {
            table.put(id.clone(), &rules);
            let row = table.row(&id).expect("it is there");
            table.judge_each(row, &profiles, today)
        });
        assert_eq!(levels.len(), count);
        known += levels.iter().filter(|level| **level > Level::Fail).count();
    }
    assert!(known > 0, "no profile is concerned");
    times.show(&format!("one changed record against {count} profiles"));
}

/// A server with many records in this process; requests with twenty explained, over a connection that stays.
fn over_http(count: usize, dictionary: &Arc<Dictionary>, today: i32, random: &mut Random) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { data: folder.path().join("data"), ..Config::default() };
    let app = Arc::new(App::open(&config).expect("the data folder opens"));
    let vocabulary = dictionary.catalog().vocabularies["division"].clone();
    let codes: Vec<&str> = vocabulary.entries.iter().map(|entry| &*entry.code).collect();
    let kind = kind(dictionary).name.clone();
    let key = Key::local("bench", &app.clock.now());
    let mut written = 0;
    while written < count {
        let drafts: Vec<Draft> = (written..count.min(written + 2_000))
            .map(|at| {
                let mut record = fields(place(&codes, random), random);
                record["kind"] = json!(&*kind);
                record["id"] = json!(format!("r{at}"));
                record["title"] = json!(format!("办法 {at}"));
                let object = record.as_object().expect("an object").clone();
                Draft::from_object(object, None, None).expect("a good record")
            })
            .collect();
        written += drafts.len();
        let answers = app.ingest.put(drafts, &key, &app.clock.now()).expect("the store writes");
        assert!(answers.iter().all(Result::is_ok), "a record was refused");
    }
    app.catch_up(&mut |_| {}).expect("the index follows");
    app.applicability.catch_up().expect("the store reads");
    let follower = app.follow();
    let state = AppState::new(app.clone(), follower.progress.clone(), &config);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let guard = runtime.enter();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(serve(listener, router(state.clone()), state, std::future::pending()));
    drop(guard);
    let mut client = BufReader::new(TcpStream::connect(address).expect("a connection"));
    client.get_ref().set_nodelay(true).expect("a socket");
    let firms: Vec<Map<String, Value>> = (0..ROUNDS).map(|_| firm(random)).collect();
    let day = kechuang::applicability::value::print_day(today);
    for round in 0..2 {
        let mut times = Times::default();
        let mut explained = 0;
        for firm in &firms {
            let body = json!({ "profile": firm, "as_of": day, "limit": 20 }).to_string();
            let answer = times.measure(|| post(&mut client, &body));
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            explained += answer["items"].as_array().expect("items").len();
        }
        assert_eq!(explained, 20 * ROUNDS, "twenty are explained");
        let name = ["first", "again"][round];
        times.show(&format!("{count} records over HTTP, twenty explained, {name}"));
    }
}

fn post(client: &mut BufReader<TcpStream>, body: &str) -> Vec<u8> {
    let request = format!(
        "POST /v1/applicability HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    client.get_mut().write_all(request.as_bytes()).expect("the request is sent");
    let mut length = 0;
    loop {
        let mut line = String::new();
        client.read_line(&mut line).expect("the answer is read");
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut answer = vec![0; length];
    client.read_exact(&mut answer).expect("the body is read");
    answer
}

/// Asks an empty profile, always the first question, and fills in what the sample's firms would answer.
fn questions(dictionary: &Arc<Dictionary>, today: i32) {
    let lines = |path: &str| -> Vec<Fields> {
        let path = format!("{}/sample-corpus/{path}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the sample");
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    };
    let mut table = Table::new(dictionary.clone());
    let kind = kind(dictionary);
    for mut fields in lines(&format!("{}.jsonl", kind.name)) {
        let id = fields.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let (rules, _) = Rules::read(&kind, &fields, dictionary).expect("a kind with rules");
        table.put(RecordId::new(kind.name.clone(), id.expect("an id")), &rules);
    }
    let mut asked_of: Vec<usize> = Vec::new();
    for line in lines("profiles/profiles.jsonl") {
        let whole = line["profile"].as_object().expect("a profile").clone();
        let truth = profile(&whole, dictionary, today);
        // What applies when everything is said, and what it can give.
        let mut applies: Vec<(u32, f64)> = Vec::new();
        table.judge(&truth, today, Among::Everything, |standing| {
            if standing.excluded.is_none() && standing.verdict == Verdict::Pass {
                applies.push((standing.row, table.ceiling(standing.row)));
            }
        });
        let total: f64 = applies.iter().map(|(_, most)| most).sum();
        if total <= 0.0 {
            continue;
        }
        let mut said = Map::new();
        let mut done: Vec<String> = Vec::new();
        for asked in 0..=PATIENCE {
            let known = profile(&said, dictionary, today);
            let mut decided = 0.0;
            let mut tally = Tally::new(dictionary);
            table.judge(&known, today, Among::Everything, |standing| {
                if standing.verdict == Verdict::Pass {
                    decided += applies
                        .iter()
                        .filter(|(row, _)| *row == standing.row)
                        .map(|(_, most)| most)
                        .sum::<f64>();
                }
                if standing.excluded.is_none() {
                    tally.add(&standing, &table);
                }
            });
            if decided >= 0.8 * total || asked == PATIENCE {
                asked_of.push(asked);
                break;
            }
            let questions = tally.questions(PATIENCE + 20, Lang::Zh);
            let Some(next) = questions.into_iter().find(|next| !done.contains(&next.label)) else {
                asked_of.push(PATIENCE);
                break;
            };
            // The whole form of the question is answered, as far as the firm can.
            let declared = dictionary.attributes();
            let group = declared.questions.iter().find(|question| question.label.zh == next.label);
            let names: Vec<String> = match group {
                Some(group) => {
                    group.attributes.iter().map(|&at| declared.list[at].id.to_string()).collect()
                }
                None => next.attributes.clone(),
            };
            for name in names {
                if let Some(value) = whole.get(&name) {
                    said.insert(name, value.clone());
                }
            }
            done.push(next.label);
        }
    }
    asked_of.sort_unstable();
    println!(
        "questions from an empty profile to 80 % of the applicable amount, over {} firms of the sample: median {}, most {}",
        asked_of.len(),
        asked_of[asked_of.len() / 2],
        asked_of[asked_of.len() - 1]
    );
}
