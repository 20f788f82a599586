//! The pages and the widget in a real browser, under the policy that they are served with.
//!
//! Needs `chromium` and `chromedriver`; without them every test says that it was skipped.

mod clock;
mod console;
mod cost;
mod driver;
mod embedding;
mod keys;
mod marks;
mod pages;
mod widget;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use driver::Browser;
use serde_json::{Value, json};

/// One server with the sample corpus for all tests, and one browser at a time: machines that test are small.
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Server {
    url: String,
    /// An administrator's key.
    key: String,
    /// Nothing is dropped that is static: the server lives as long as its pipe to us, which ends with the tests.
    _child: Child,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        let made = Command::new(env!("CARGO_BIN_EXE_kechuang"))
            .args(["key", "create", "--role", "administrator", "--data"])
            .arg(dir.join("data"))
            .output()
            .unwrap();
        let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let mut child = Command::new("sh")
            .args(["-c", r#""$@" & cat; kill $!; wait; rm -r "$0""#])
            .arg(&dir)
            .args([env!("CARGO_BIN_EXE_kechuang"), "serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(dir.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url =
            lines.find_map(|line| Some(line.ok()?.split_once("ready: ")?.1.trim().to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        Self { url: url.expect("the server says its address"), key, _child: child }
    }
}

/// Runs a test in a browser of its own; a browser that is missing is said to be.
fn with_browser(test: impl FnOnce(&Browser, &str)) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(browser) = Browser::start() {
        test(&browser, &SERVER.url);
    }
}

/// Fails on what no page may do: break its policy, complain, or ask another host.
fn check_quiet(browser: &Browser, hosts: &[&str], what: &str) {
    let complaints: Vec<String> = browser
        .log("browser")
        .iter()
        .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
        .map(|entry| entry["message"].to_string())
        .collect();
    assert!(complaints.is_empty(), "{what}: {complaints:#?}");
    for url in browser.requests() {
        assert!(hosts.iter().any(|host| url.starts_with(host)), "{what} asks {url}");
    }
}

/// Runs axe on the page and returns what it finds wrong.
fn axe(browser: &Browser) -> Vec<String> {
    const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");
    // The page's policy forbids scripts of others; one that the tester injects is not bound by it.
    browser.run(AXE);
    let found = browser.run_async(
        "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })\n\
         .then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | '))),\n\
               e => done(['axe failed: ' + e]));",
    );
    found
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// A site of somebody else: pages that are served as they are, each with headers of its own.
struct Host {
    url: String,
    pages: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Host {
    /// Serves nothing else than `answer`, whatever is asked: an API that is out of order.
    fn broken(status: &str) -> Self {
        let host = Self::start();
        host.pages.lock().unwrap().push(("*".to_owned(), status.to_owned(), String::new()));
        host
    }

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let pages: Arc<Mutex<Vec<(String, String, String)>>> = Arc::default();
        let served = pages.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &served.lock().unwrap().clone());
            }
        });
        Self { url, pages }
    }

    /// Serves `html` with a policy; returns its address.
    fn page(&self, path: &str, policy: &str, html: &str) -> String {
        self.pages.lock().unwrap().push((path.to_owned(), policy.to_owned(), html.to_owned()));
        format!("{}{path}", self.url)
    }
}

fn answer(mut stream: TcpStream, pages: &[(String, String, String)]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut bytes = [0; 8192];
    let read = stream.read(&mut bytes)?;
    let request = String::from_utf8_lossy(&bytes[..read]).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let found = pages.iter().find(|(known, ..)| *known == path || known == "*");
    let (status, policy, body) = match found {
        Some((any, status, html)) if any == "*" => {
            (status.as_str(), "default-src 'none'", html.as_str())
        }
        Some((_, policy, html)) => ("200 OK", policy.as_str(), html.as_str()),
        None => ("204 No Content", "default-src 'none'", ""),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Security-Policy: {policy}\r\n\
         Access-Control-Allow-Origin: *\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A member of an object in a script's result.
fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} in {}", json!(value)))
}
