//! Records that fit a record, at size: how long a list takes, with reasons and as JSON.
//!
//! ```text
//! cargo bench --bench match                                     # 20,000 records made from the sample corpus
//! KECHUANG_BENCH_RECORDS=100000 KECHUANG_BENCH_TEXT=a.jsonl.gz,b.jsonl cargo bench --bench match
//! ```
//!
//! Records are those of the bench `service`, a quarter of them demands and a quarter achievements.
//! `KECHUANG_BENCH_DIR` keeps the data folder between runs. Prints figures; asserts only that the work was done.

mod material;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::matching::Subject;
use kechuang::record::{RecordId, Visibility};
use kechuang::service::matches::MatchRequest;
use material::{Random, env_number, fill, percentiles, record, row, self_cpu, sentences};

/// What the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lists asked for, in every direction.
const ASKED: usize = 300;

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
    let config = Config { data, ..Config::default() };
    let mut random = Random(7);
    println!("records {records}, sentences {}, cores {}", sentences.len(), kechuang::app::cores());
    let app = App::open(&config).expect("the data folder opens");
    match app.engine.num_records().expect("the index answers") {
        0 => fill(&app, records, &sentences, &mut random),
        held => println!("data folder kept: {held} records"),
    }
    let stored = |kind: &str, at: usize| {
        // Every fourth record is of the kind.
        let first = ["policy", "achievement", "demand", "report"].iter().position(|k| *k == kind);
        let at = 4 * (at % (records / 4)) + first.expect("a kind of the bench");
        Subject::Stored(RecordId::new(kind, format!("bench-{at}")))
    };
    let drafts: Vec<Subject> = (0..ASKED)
        .map(|_| Subject::Draft { kind: "demand".into(), fields: record(&sentences, &mut random) })
        .collect();
    let step = records / 4 / ASKED.min(records / 4);
    let of = |kind: &str| (0..ASKED).map(|at| stored(kind, at * step)).collect::<Vec<_>>();
    measure(&app, "a demand's achievements", &of("demand"), "achievement");
    measure(&app, "the same for a draft", &drafts, "achievement");
    measure(&app, "an achievement's demands", &of("achievement"), "demand");
    measure(&app, "similar demands", &of("demand"), "demand");
}

/// Asks for every subject's list of ten twice: the first round warms caches, and is printed as well.
fn measure(app: &App, name: &str, subjects: &[Subject], to: &str) {
    let today = app.clock.today();
    for round in ["first round", "second round"] {
        let (mut times, mut found) = (Vec::new(), 0);
        let cpu = self_cpu();
        for subject in subjects {
            let request = MatchRequest {
                subject: subject.clone(),
                to: to.to_owned(),
                limit: 10,
                diverse: true,
            };
            let started = Instant::now();
            let page = app.matches.matches(&request, Visibility::Public, today).expect("a list");
            let body = serde_json::to_vec(&page).expect("a page is JSON");
            times.push(started.elapsed());
            let explained = page.items.iter().all(|item| !item.reasons.is_empty());
            found += usize::from(page.items.len() == 10 && explained && !body.is_empty());
        }
        let cpu: Duration = self_cpu() - cpu;
        assert!(found * 10 >= subjects.len() * 9, "{name}: only {found} lists were full");
        percentiles(&format!("{name}, {round}"), times);
        row(&format!("{name}, {round}: CPU ms"), 1e3 * cpu.as_secs_f64() / subjects.len() as f64);
    }
}
