//! The whole service is killed with SIGKILL at any instant and comes back by itself with every acknowledged write,
//! readable and searchable.
//!
//! 20 cycles by default, `KECHUANG_KILL_CYCLES=200` for more. A fifth of the kills fall into the start.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

const WRITERS: usize = 4;

#[test]
fn every_acknowledged_write_survives_sigkill() {
    let cycles: u32 = std::env::var("KECHUANG_KILL_CYCLES")
        .ok()
        .and_then(|cycles| cycles.parse().ok())
        .unwrap_or(20);
    let seed = std::env::var("KECHUANG_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.expect("a clock after 1970").as_nanos() as u64
    });
    println!("KECHUANG_KILL_SEED={seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let key = key(&data);
    // Key of a record -> the highest version that was acknowledged.
    let acknowledged: Mutex<HashMap<String, u64>> = Mutex::new(HashMap::new());
    let mut version = 0;
    for cycle in 0..cycles {
        if cycle % 5 == 4 {
            let mut server = start(&data);
            std::thread::sleep(Duration::from_millis(random.below(900)));
            server.kill();
        }
        let (mut server, address) = ready(&data);
        check(&address, &acknowledged.lock().expect("no writer panicked"));
        let stop = AtomicBool::new(false);
        let life = Duration::from_millis(50 + random.below(700));
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (stop, address, key, acknowledged) = (&stop, &address, &key, &acknowledged);
                let first = version + 1;
                scope.spawn(move || write(writer, first, address, key, stop, acknowledged));
            }
            std::thread::sleep(life);
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        version += 100_000;
    }
    let (mut server, address) = ready(&data);
    let acknowledged = acknowledged.into_inner().expect("no writer panicked");
    assert!(acknowledged.len() > 10, "hardly anything was written: {}", acknowledged.len());
    check(&address, &acknowledged);
    server.kill();
    println!("{cycles} cycles, {} records acknowledged, none lost", acknowledged.len());
}

/// Writes new records, and one that all writers keep overwriting, until the server is gone.
fn write(
    writer: usize,
    first: u64,
    address: &str,
    key: &str,
    stop: &AtomicBool,
    acknowledged: &Mutex<HashMap<String, u64>>,
) {
    for version in first.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = match version % 3 {
            0 => format!("w{writer}-hot"),
            _ => format!("w{writer}-{version}"),
        };
        let body = format!(
            r#"{{"title":"写入检验 {id} {}","body":"版本 v{version}"}}"#,
            mark(&id, version)
        );
        let request = format!(
            "PUT /v1/records/report/{id} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        match send(address, &request) {
            Some((200 | 201, _)) => {
                acknowledged.lock().expect("no writer panicked").insert(id, version);
            }
            Some((status, body)) => panic!("unexpected answer {status}: {body}"),
            None => return,
        }
    }
}

/// A word that only this version of this record holds.
fn mark(id: &str, version: u64) -> String {
    format!("mark{}x{version}", id.replace('-', "x"))
}

/// Every acknowledged record is there in its acknowledged version or a later one, and can be found.
fn check(address: &str, acknowledged: &HashMap<String, u64>) {
    for (at, (id, version)) in acknowledged.iter().enumerate() {
        let request = |path: String| {
            let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
            send(address, &request).expect("the server answers")
        };
        let (status, body) = request(format!("/v1/records/report/{id}"));
        assert_eq!(status, 200, "{id} v{version} is lost: {body}");
        let found: u64 = body
            .split("版本 v")
            .nth(1)
            .and_then(|rest| rest.split('"').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{id} is damaged: {body}"));
        assert!(found >= *version, "{id}: v{version} was acknowledged, v{found} is there");
        // Searching for each of thousands takes long; a sample of them says as much about the index.
        if at % 7 == 0 {
            let (status, body) = request(format!("/v1/search?q={}&kind=report", mark(id, found)));
            assert_eq!(status, 200, "{body}");
            assert!(
                body.contains(&format!("\"id\":\"{id}\"")),
                "{id} v{found} is not found: {body}"
            );
        }
    }
}

fn key(data: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kechuang"))
        .args(["key", "create", "--role", "administrator", "--data"])
        .arg(data)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a key is text").trim().to_owned()
}

/// A server; killed when it goes out of scope.
struct Server(Child);

impl Server {
    fn kill(&mut self) {
        self.0.kill().expect("the server can be killed");
        self.0.wait().expect("the server ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is mostly gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(data: &Path) -> Server {
    let child = Command::new(env!("CARGO_BIN_EXE_kechuang"))
        .args(["serve", "--empty", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    Server(child)
}

/// Starts the server and waits until its index holds everything.
fn ready(data: &Path) -> (Server, String) {
    let mut server = start(data);
    let stdout = server.0.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(stdout).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("http://").map(|(_, address)| address.trim().to_owned()))
        .expect("the server starts by itself and prints its address");
    std::thread::spawn(move || lines.count());
    let address = address.trim_end_matches('/').to_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    let request = "GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    while Instant::now() < deadline {
        if send(&address, request).is_some_and(|(status, _)| status == 200) {
            return (server, address);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the server is not ready after a minute");
}

/// Sends one request; `None` when the connection breaks before the whole answer is there.
fn send(address: &str, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(body.len());
    (body.len() >= length).then_some(())?;
    Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}
