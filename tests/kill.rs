//! Kills a writing process at random moments and looks for what it had been promised.
//!
//! `KECHUANG_KILL_CYCLES` sets the number of kills, `KECHUANG_KILL_SEED` repeats a run's moments.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use kechuang::record::RecordId;
use kechuang::store::embedded::{EmbeddedOptions, EmbeddedStore};
use kechuang::store::{Cursor, Expected, Store, Write};

const NUM_WRITERS: u64 = 8;
/// Names the folder to a child process.
const DIR: &str = "KECHUANG_KILL_DIR";
/// Tells a child which number its writes begin at.
const START: &str = "KECHUANG_KILL_START";

/// Small segments and checkpoints, so that kills fall into their making too.
fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        cache_bytes: 16 << 20,
        segment_bytes: 256 << 10,
        checkpoint_bytes: 1 << 20,
        retention: Duration::ZERO,
        ..EmbeddedOptions::default()
    }
}

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, options()).expect("the store opens after a kill")
}

/// A random number generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The bytes of record `name` after write `number` of `writer`: no two alike, up to 3 KB.
fn body(name: &str, writer: u64, number: u64) -> Vec<u8> {
    let len = Random((writer << 40) | number).below(3000) as usize;
    let head = format!("{name} {writer} {number} ");
    head.bytes().chain((0..len).map(|nth| ((nth as u64 * number) >> 3) as u8)).collect()
}

/// The batch of one number: two records of its own, the writer's hot one and, now and then, a withdrawal.
fn batch(writer: u64, number: u64) -> Vec<Write> {
    let put = |name: String| Write {
        body: Some(body(&name, writer, number)),
        id: RecordId::new("policy", name),
        expected: Expected::Any,
    };
    let mut batch = vec![
        put(format!("{writer}-{number}-a")),
        put(format!("hot-{writer}")),
        put(format!("{writer}-{number}-b")),
    ];
    if let Some(withdrawn) = withdrawn_by(number) {
        let id = RecordId::new("policy", format!("{writer}-{withdrawn}-a"));
        batch.push(Write { id, expected: Expected::Any, body: None });
    }
    batch
}

/// Gives the number whose first record is withdrawn in the batch of `number`.
fn withdrawn_by(number: u64) -> Option<u64> {
    (number % 5 == 4).then(|| number - 3)
}

/// The writing process: prints `open`, then a line for each acknowledged batch, until it is killed.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let start: u64 = std::env::var(START).expect("with the folder").parse().expect("a number");
    let store = open(dir.as_ref());
    print_line("open");
    std::thread::scope(|scope| {
        for writer in 0..NUM_WRITERS {
            let store = &store;
            scope.spawn(move || {
                for number in start.. {
                    let answers = store.append(vec![batch(writer, number)]).expect("it is written");
                    assert!(answers[0].is_ok());
                    print_line(&format!("ack {writer} {number}"));
                }
            });
        }
    });
}

/// Prints a line in one write. A line that was cut by the kill does not end.
fn print_line(line: &str) {
    let mut output = std::io::stdout().lock();
    // The parent may have gone.
    let _ = output.write_all(format!("\n{line}.\n").as_bytes());
    let _ = output.flush();
}

/// A child process that writes, and the lines it prints.
struct Writer {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Writer {
    fn start(dir: &Path, start: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this test has a file"))
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(DIR, dir)
            .env(START, start.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child can be started");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let Some(line) = line.strip_suffix('.') else { continue };
                if send.send(line.to_owned()).is_err() {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    /// Kills the process at once and gives the writes that it was promised.
    fn kill(mut self) -> Vec<(u64, u64)> {
        // On Unix this is SIGKILL.
        self.process.kill().expect("the child can be killed");
        self.process.wait().expect("the child has ended");
        let acknowledged = |line: String| {
            let (writer, number) = line.strip_prefix("ack ")?.split_once(' ')?;
            Some((writer.parse().ok()?, number.parse().ok()?))
        };
        self.lines.iter().filter_map(acknowledged).collect()
    }
}

/// Looks for every acknowledged write and for batches that are there in part; gives the next free number.
fn check(store: &dyn Store, acknowledged: &[u64]) -> u64 {
    let records = store.scan("policy", None, usize::MAX).expect("the store scans");
    let found: BTreeMap<String, Vec<u8>> =
        records.into_iter().map(|record| (record.id.id.to_string(), record.json)).collect();
    let mut next = 0;
    for (writer, &acknowledged) in (0_u64..).zip(acknowledged) {
        // Numbers are written in order: those below `acknowledged` were promised, more may be there.
        let is_there = |number: u64| found.contains_key(&format!("{writer}-{number}-b"));
        let written = found
            .keys()
            .filter_map(|name| name.strip_prefix(&format!("{writer}-"))?.strip_suffix("-b"))
            .map(|number| number.parse::<u64>().expect("a number") + 1)
            .max()
            .unwrap_or(0);
        assert!(written >= acknowledged, "writer {writer}: {written} of {acknowledged} are there");
        let mut last_there = None;
        for number in 0..written {
            // Numbers begin anew behind the highest of all writers, so some were never used.
            if !is_there(number) {
                let name = format!("{writer}-{number}-a");
                assert!(!found.contains_key(&name), "half a batch: {name}");
                continue;
            }
            last_there = Some(number);
            for part in ["a", "b"] {
                let name = format!("{writer}-{number}-{part}");
                let withdrawn_at = number + 3;
                let is_withdrawn = part == "a"
                    && withdrawn_by(withdrawn_at) == Some(number)
                    && is_there(withdrawn_at);
                let expected = (!is_withdrawn).then(|| body(&name, writer, number));
                assert!(found.get(&name) == expected.as_ref(), "{name} is not as it was written");
            }
        }
        let name = format!("hot-{writer}");
        let expected = last_there.map(|number| body(&name, writer, number));
        assert!(found.get(&name) == expected.as_ref(), "{name} is not the last");
        next = next.max(written);
    }
    next
}

/// Checks that the log leads to the same records.
fn check_log(store: &dyn Store) {
    let mut state = BTreeMap::new();
    let mut cursor = Cursor::default();
    loop {
        let (changes, next) = store.changes(&cursor, 1000).expect("the log can be read");
        if changes.is_empty() {
            break;
        }
        for change in changes {
            state.insert(change.id().clone(), change);
        }
        cursor = next;
    }
    let told = state.into_values().filter_map(|change| match change {
        kechuang::store::Change::Put(record) => Some(record),
        kechuang::store::Change::Withdraw { .. } => None,
    });
    let records = store.scan("policy", None, usize::MAX).expect("the store scans");
    assert!(told.eq(records), "the log and the records differ");
}

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_acknowledged_write_is_lost_by_a_kill() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    let num_cycles = number_from_env("KECHUANG_KILL_CYCLES").unwrap_or(20);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let seed = number_from_env("KECHUANG_KILL_SEED").unwrap_or(now.as_nanos() as u64);
    println!("seed {seed}, {num_cycles} cycles");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("data");
    let (mut next, mut num_acknowledged, mut longest_open) = (0, 0, Duration::ZERO);
    let mut acknowledged = vec![0; NUM_WRITERS as usize];
    let started = Instant::now();
    for cycle in 0..num_cycles {
        let writer = Writer::start(&dir, next);
        if random.below(5) == 0 {
            // While it recovers, or just before or behind that.
            std::thread::sleep(Duration::from_micros(random.below(80_000)));
        } else {
            let first = writer.lines.recv_timeout(Duration::from_secs(60));
            assert_eq!(first.as_deref(), Ok("open"), "cycle {cycle}: the child did not open");
            std::thread::sleep(Duration::from_micros(random.below(500_000)));
        }
        for (writer, number) in writer.kill() {
            acknowledged[writer as usize] = number + 1;
            num_acknowledged += 1;
        }
        let opening = Instant::now();
        let store = open(&dir);
        longest_open = longest_open.max(opening.elapsed());
        next = check(&store, &acknowledged);
        check_log(&store);
        if cycle % 10 == 9 {
            assert_eq!(store.verify().expect("the store can be verified"), Vec::<String>::new());
            // Begin small again: what grows is checked whole each time.
            drop(store);
            std::fs::remove_dir_all(&dir).expect("the folder is ours");
            (next, acknowledged) = (0, vec![0; NUM_WRITERS as usize]);
        }
    }
    println!(
        "{num_acknowledged} acknowledged batches, none lost; longest open {} ms; {:.1} s",
        longest_open.as_millis(),
        started.elapsed().as_secs_f64()
    );
    assert!(num_cycles == 0 || num_acknowledged > 0, "nothing was written");
}
