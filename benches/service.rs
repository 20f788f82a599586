//! The whole service at size: indexing, searching in process, searching and writing over HTTP, and the floors under
//! them (tantivy alone on the same index, an endpoint that returns a constant).
//!
//! ```text
//! cargo bench --bench service                                   # 20,000 records made from the sample corpus
//! KECHUANG_BENCH_RECORDS=100000 KECHUANG_BENCH_TEXT=a.jsonl.gz,b.jsonl cargo bench --bench service
//! ```
//!
//! `KECHUANG_BENCH_TEXT` names JSONL files (gzip or not) whose `text` or `abstract` members give the sentences that
//! records are made of: the more different text, the more like a real index. `KECHUANG_BENCH_DIR` keeps the data
//! folder between runs. Words behind `--` name the parts to run: `search`, `floor`, `http`; all without. Prints figures;
//! asserts only that the work was done.

mod material;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::query::request::SearchRequest;
use kechuang::record::Visibility;
use material::{Random, cpu_of, env_number, fill, percentiles, record, row, self_cpu, sentences};
use serde_json::Value;

/// What the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FACETS: [&str; 4] = ["kind", "division_code", "industry_codes", "tech_fields"];
const CLIENTS: usize = 8;

fn main() {
    // `cargo test` runs benches with `--test`: nothing to do then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let records = env_number("KECHUANG_BENCH_RECORDS", 20_000);
    let sentences = sentences();
    let kept = std::env::var_os("KECHUANG_BENCH_DIR").map(PathBuf::from);
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let data = kept.unwrap_or_else(|| temporary.path().join("data"));
    let config = Config { data: data.clone(), ..Config::default() };
    let mut random = Random(7);
    println!("records {records}, sentences {}, cores {}", sentences.len(), kechuang::app::cores());

    let app = App::open(&config).expect("the data folder opens");
    let held = app.engine.num_records().expect("the index answers");
    if held == 0 {
        fill(&app, records, &sentences, &mut random);
        // Merges that the last commit began.
        settle(self_cpu);
    } else {
        println!("data folder kept: {held} records");
    }
    let queries = queries(&sentences, &mut random);
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runs = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    if runs("search") {
        settle(self_cpu);
        in_process(&app, &queries);
    }
    drop(app);
    if runs("floor") {
        tantivy_alone(&data.join("index"), &queries);
        constant_endpoint();
    }
    if runs("http") {
        over_http(&data, &queries, &sentences, &mut random);
    }
}

/// Waits until a process has no work of its own left, such as merging or reading titles for suggestions.
fn settle(cpu: impl Fn() -> Duration) {
    for _ in 0..600 {
        let before = cpu();
        std::thread::sleep(Duration::from_millis(500));
        if cpu() - before < Duration::from_millis(20) {
            return;
        }
    }
}

fn in_process(app: &App, queries: &[String]) {
    let today = app.clock.today();
    const ROUNDS: u32 = 4;
    for (name, facets, limit) in [
        ("in process, 4 facets, highlights, 20 results", true, 20),
        ("in process, 4 facets, highlights, 10 results", true, 10),
        ("in process, no facets, 10 results", false, 10),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        let mut cpu = Duration::ZERO;
        for round in 0..=ROUNDS {
            let before = self_cpu();
            for query in queries {
                let request = SearchRequest {
                    q: query.clone(),
                    facets: if facets { FACETS.map(str::to_owned).to_vec() } else { Vec::new() },
                    limit: Some(limit),
                    ..SearchRequest::default()
                };
                let started = Instant::now();
                let page = app
                    .search
                    .search(&request, Visibility::Public, today)
                    .expect("the search answers");
                let body = serde_json::to_vec(&page).expect("a page is JSON");
                // The first round warms caches.
                if round > 0 {
                    times.push(started.elapsed());
                    found += usize::from(!page.items.is_empty() && !body.is_empty());
                }
            }
            if round > 0 {
                cpu += self_cpu() - before;
            }
        }
        let searches = queries.len() * ROUNDS as usize;
        assert!(found * 10 >= searches * 9, "{found} of {searches} searches found anything");
        row(&format!("{name}: ms of CPU"), 1e3 * cpu.as_secs_f64() / searches as f64);
        percentiles(name, times);
    }
}

/// The floor under a search: tantivy's own top 10 and count over the same posting lists.
fn tantivy_alone(index: &Path, queries: &[String]) {
    use tantivy::collector::{Count, TopDocs};
    use tantivy::query::{BooleanQuery, Query, TermQuery};
    use tantivy::schema::IndexRecordOption;
    let folder = std::fs::read_dir(index)
        .expect("the index folder")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("meta.json").exists())
        .expect("an index");
    let index = tantivy::Index::open_in_dir(folder).expect("tantivy opens the index");
    let reader = index.reader().expect("a reader");
    let searcher = reader.searcher();
    let grams = index.schema().get_field("grams").expect("the field of adjacent characters");
    let mut times = Vec::new();
    let before = self_cpu();
    let mut found = 0;
    for query in queries {
        let clauses: Vec<Box<dyn Query>> = query
            .split_whitespace()
            .flat_map(kechuang::text::grams)
            .map(|gram| {
                let term = tantivy::Term::from_field_text(grams, &gram);
                Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)) as Box<dyn Query>
            })
            .collect();
        let query = BooleanQuery::intersection(clauses);
        let started = Instant::now();
        let (_, count) = searcher
            .search(&query, &(TopDocs::with_limit(10).order_by_score(), Count))
            .expect("tantivy answers");
        times.push(started.elapsed());
        found += count;
    }
    assert!(found > 0, "tantivy found nothing");
    row("tantivy alone, AND, top 10 and count: ms of CPU", {
        1e3 * (self_cpu() - before).as_secs_f64() / queries.len() as f64
    });
    percentiles("tantivy alone, AND, top 10 and count", times);
}

/// The floor under HTTP.
fn constant_endpoint() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    runtime.spawn(async move {
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "{}" }));
        axum::serve(listener, router).await
    });
    let (times, wall) = load(&address, CLIENTS, 20_000, &|_| get("/"));
    row("axum, a constant, 8 clients: requests/s", times.len() as f64 / wall.as_secs_f64());
}

fn over_http(data: &Path, queries: &[String], sentences: &[String], random: &mut Random) {
    let key = String::from_utf8(
        Command::new(env!("CARGO_BIN_EXE_kechuang"))
            .args(["key", "create", "--role", "administrator", "--data"])
            .arg(data)
            .stderr(Stdio::null())
            .output()
            .expect("the binary runs")
            .stdout,
    )
    .expect("a key is text");
    let key = key.trim();
    let started = Instant::now();
    let server = Server::start(data);
    row("start to ready: s", started.elapsed().as_secs_f64());
    let facets = FACETS.join(",");
    let paths: Vec<String> = queries
        .iter()
        .map(|query| format!("/v1/search?q={}&facets={facets}&limit=20", percent(query)))
        .collect();
    let search = |at: usize| get(&paths[at % paths.len()]);
    load(&server.address, 2, paths.len(), &search);
    settle(|| server.cpu());
    for clients in [1, CLIENTS] {
        let before = server.cpu();
        let (times, wall) = load(&server.address, clients, 3 * paths.len(), &search);
        let cpu = server.cpu() - before;
        let name = format!("HTTP, 4 facets, highlights, 20 results, {clients} client(s)");
        row(&format!("{name}: requests/s"), times.len() as f64 / wall.as_secs_f64());
        row(&format!("{name}: ms of server CPU"), 1e3 * cpu.as_secs_f64() / times.len() as f64);
        percentiles(&name, times);
    }
    let (resident, anonymous) = server.memory_mb();
    row("memory after searching: MB resident", resident);
    row("memory after searching: MB of it not files", anonymous);
    let bodies: Vec<String> =
        (0..800).map(|_| Value::Object(record(sentences, random)).to_string()).collect();
    let put = |at: usize| {
        let body = &bodies[at % bodies.len()];
        format!(
            "PUT /v1/records/report/bench-write-{at} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let (times, wall) = load(&server.address, CLIENTS, bodies.len(), &put);
    row("acknowledged writes, 8 writers: writes/s", times.len() as f64 / wall.as_secs_f64());
    percentiles("acknowledged writes, 8 writers", times);
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_kechuang"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut server = Self { child, address: String::new() };
        let stdout = server.child.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://").map(|(_, address)| address.to_owned()))
            .expect("the server prints its address");
        server.address = address.trim_end_matches('/').trim().to_owned();
        std::thread::spawn(move || lines.count());
        for _ in 0..6_000 {
            let ready =
                Client::connect(&server.address).map(|mut client| client.send(&get("/readyz")));
            if ready.is_ok_and(|status| status == 200) {
                return server;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server is not ready after a minute");
    }

    fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().to_string())
    }

    fn memory_mb(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the process's status");
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
                .unwrap_or(0.0)
                / 1024.0
        };
        (field("VmRSS:"), field("RssAnon:"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `requests` requests from `clients` connections; returns each one's time and the wall time of all.
fn load(
    address: &str,
    clients: usize,
    requests: usize,
    request: &(dyn Fn(usize) -> String + Sync),
) -> (Vec<Duration>, Duration) {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let times = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(address).expect("a connection");
                    let mut times = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= requests {
                            return times;
                        }
                        let text = request(at);
                        let started = Instant::now();
                        let status = client.send(&text);
                        times.push(started.elapsed());
                        assert!((200..300).contains(&status), "status {status} for {text:.200}");
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a client")).collect()
    });
    (times, started.elapsed())
}

/// As little of an HTTP client as will do, so that it takes little of the machine.
struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    fn connect(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), body: Vec::new() })
    }

    fn send(&mut self, request: &str) -> u16 {
        self.stream.get_mut().write_all(request.as_bytes()).expect("the request is sent");
        let mut status = 0;
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("the answer is read");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).expect("the body is read");
        status
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n")
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// 300 queries: a word, two or three words, and a run of text, in equal parts, all from the records' own sentences.
fn queries(sentences: &[String], random: &mut Random) -> Vec<String> {
    let analyzer = kechuang::text::Analyzer::open(None).expect("the dictionaries open");
    let mut queries = Vec::new();
    while queries.len() < 300 {
        let sentence = analyzer.normalize(random.pick(sentences)).text;
        let words: Vec<String> = analyzer
            .words(&sentence)
            .into_iter()
            .map(|word| word.text)
            .filter(|word| word.chars().count() >= 2 && !word.is_ascii())
            .collect();
        if words.len() < 4 {
            continue;
        }
        let first = random.below(words.len() - 3);
        queries.push(match queries.len() % 3 {
            0 => words[first].clone(),
            1 => words[first..first + 2 + random.below(2)].join(" "),
            _ => words[first..first + 2].concat(),
        });
    }
    queries
}
