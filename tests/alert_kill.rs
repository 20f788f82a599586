//! The service is killed with SIGKILL while records come in that alert a standing search: every record that was
//! acknowledged has its alert, and its webhook is called, at last.
//!
//! 8 cycles by default, `KECHUANG_KILL_CYCLES=100` for more.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn no_alert_is_lost_and_every_one_is_delivered() {
    let cycles: usize = std::env::var("KECHUANG_KILL_CYCLES")
        .ok()
        .and_then(|cycles| cycles.parse().ok())
        .unwrap_or(8);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let config = folder.path().join("config.toml");
    std::fs::write(
        &config,
        "[alerts]\nallow_private_addresses = true\nretry_seconds = [0, 0, 1, 1, 1, 1, 1, 1]\n",
    )
    .expect("the configuration is written");
    let key = key(&data);
    let delivered: Arc<Mutex<Vec<String>>> = Arc::default();
    let hook = receiver(delivered.clone());
    let (mut server, mut address) = ready(&data, &config);
    // Ordered by time: every new record is the first, so every acknowledged one is news.
    let body = format!(
        r#"{{"search":{{"q":"航天","sort":"newest"}},"first":100,"webhook":{{"url":"http://{hook}/"}}}}"#
    );
    let (status, made) =
        call(&address, &key, "POST", "/v1/subscriptions", &body).expect("an answer");
    assert_eq!(status, 201, "{made}");
    let id = member(&made, "id");
    let mut acknowledged = HashSet::new();
    for cycle in 0..cycles {
        for n in 0..6 {
            let name = format!("c{cycle}-{n}");
            let path = format!("/v1/records/report/{name}");
            let body = format!(r#"{{"title":"航天报告 {name}"}}"#);
            if let Some((200 | 201, _)) = call(&address, &key, "PUT", &path, &body) {
                acknowledged.insert(name);
            }
            std::thread::sleep(Duration::from_millis((cycle * 37 + n * 11) as u64 % 120));
        }
        server.kill();
        (server, address) = ready(&data, &config);
    }
    assert!(acknowledged.len() >= cycles, "hardly anything was written");
    let started = Instant::now();
    loop {
        let path = format!("/v1/subscriptions/{id}/alerts?limit=100");
        let (status, alerts) = call(&address, &key, "GET", &path, "").expect("an answer");
        assert_eq!(status, 200, "{alerts}");
        let alerted = |name: &String| alerts.contains(&format!("\"item\":\"{name}\""));
        let sent = delivered.lock().expect("no receiver panicked").clone();
        let arrived = |name: &String| sent.iter().any(|item| item == name);
        let missing: Vec<&String> =
            acknowledged.iter().filter(|name| !alerted(name) || !arrived(name)).collect();
        if missing.is_empty() {
            let times = |name: &str| alerts.matches(&format!("\"item\":\"{name}\"")).count();
            assert!(acknowledged.iter().all(|name| times(name) == 1), "an alert is there twice");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{missing:?} did not arrive");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.kill();
    let sent = delivered.lock().expect("no receiver panicked").len();
    println!("{} records, {sent} deliveries", acknowledged.len());
}

/// The same of verdicts: every policy that was acknowledged applies, and its subscriber hears of it.
#[test]
fn no_verdict_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "").expect("the configuration is written");
    let key = key(&data);
    let (mut server, mut address) = ready(&data, &config);
    let put = |address: &str, path: &str, body: &str| {
        call(address, &key, "PUT", path, body).filter(|(status, _)| matches!(status, 200 | 201))
    };
    let profile = |staff: usize| format!(r#"{{"profile":{{"staff":{staff}}}}}"#);
    put(&address, "/v1/profiles/firm", &profile(10)).expect("the profile is kept");
    let (status, made) =
        call(&address, &key, "POST", "/v1/subscriptions", r#"{"profile_id":"firm"}"#)
            .expect("an answer");
    assert_eq!(status, 201, "{made}");
    let id = member(&made, "id");
    // Some apply to ten people, some to fifty alone.
    let policy = |name: &str, least: usize| {
        format!(
            r#"{{"title":"{name}","conditions":[{{"id":"c1","text":"t","clause":"一","all":[{{"attr":"staff","op":"ge","value":{least}}}]}}]}}"#
        )
    };
    let mut expected: HashSet<String> = HashSet::new();
    for cycle in 0..4 {
        for n in 0..5 {
            let name = format!("c{cycle}-{n}");
            let least = [5, 50][n % 2];
            let path = format!("/v1/records/policy/{name}");
            if put(&address, &path, &policy(&name, least)).is_some() && least == 5 {
                expected.insert(name);
            }
            std::thread::sleep(Duration::from_millis((cycle * 53 + n * 17) as u64 % 90));
        }
        server.kill();
        (server, address) = ready(&data, &config);
    }
    assert!(expected.len() >= 4, "hardly anything was written");
    // The profile changes just before the end: what did not apply does now.
    let answer = put(&address, "/v1/profiles/firm", &profile(60));
    server.kill();
    (server, address) = ready(&data, &config);
    assert!(answer.is_some(), "the profile is written");
    let started = Instant::now();
    loop {
        let path = format!("/v1/subscriptions/{id}/alerts?limit=100");
        let (status, alerts) = call(&address, &key, "GET", &path, "").expect("an answer");
        assert_eq!(status, 200, "{alerts}");
        let times = |name: &str| {
            let item = format!("\"item\":\"{name}\"");
            alerts
                .split("},{")
                .filter(|alert| alert.contains(&item) && alert.contains("\"verdict\":\"pass\""))
                .count()
        };
        let names = (0..4).flat_map(|cycle| (0..5).map(move |n| format!("c{cycle}-{n}")));
        let there: Vec<String> = names
            .filter(|name| {
                let path = format!("/v1/records/policy/{name}");
                matches!(call(&address, &key, "GET", &path, ""), Some((200, _)))
            })
            .collect();
        if there.iter().all(|name| times(name) == 1) {
            assert!(expected.iter().all(|name| there.contains(name)), "a write was lost");
            println!("{} policies, all told", there.len());
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{there:?} in {alerts}");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.kill();
}

/// Notes which items it is told of.
fn receiver(delivered: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(body) = receive(stream) {
                delivered.lock().expect("nobody panicked").push(member(&body, "item"));
            }
        }
    });
    address
}

fn receive(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 204 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    reader.into_inner().write_all(answer.as_bytes()).ok()?;
    String::from_utf8(body).ok()
}

/// The text at the first member of that name.
fn member(json: &str, name: &str) -> String {
    let after = json.split(&format!("\"{name}\":\"")).nth(1).expect("the member is there");
    after.split('"').next().expect("a text").to_owned()
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

/// Starts the server and waits until it says its address.
fn ready(data: &Path, config: &Path) -> (Server, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_kechuang"))
        .args(["serve", "--empty", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut server = Server(child);
    let stdout = server.0.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(stdout).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("http://").map(|(_, address)| address.trim().to_owned()))
        .expect("the server starts by itself and prints its address");
    std::thread::spawn(move || lines.count());
    (server, address.trim_end_matches('/').to_owned())
}

/// Sends one request; `None` when the connection breaks before the whole answer is there.
fn call(address: &str, key: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}
