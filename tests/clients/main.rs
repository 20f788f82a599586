//! Programs that others wrote, asking the built service with its sample corpus: curl, and JavaScript clients.
//!
//! What is not installed is said to be skipped: `curl`; `node` with the packages of `tests/clients/package-lock.json`, which
//! `npm ci --prefix tests/clients` installs; `schemathesis`, which `pip install -r tests/clients/requirements.txt` installs.

mod conformity;
mod developers;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// A server of its own, with the sample corpus.
pub struct Server {
    pub url: String,
    /// Of an administrator.
    pub key: String,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let program = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kechuang"));
            command.env_remove("RUST_LOG").env_remove("KECHUANG_KEY").stderr(Stdio::null());
            command
        };
        let made = program()
            .args(["key", "create", "--role", "administrator", "--data"])
            .arg(&data)
            .output()
            .unwrap();
        let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        assert!(key.starts_with("kc_"), "{key}");
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url =
            lines.find_map(|line| Some(line.ok()?.split_once("ready: ")?.1.trim().to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        let url = url.expect("the server says its address");
        Self { url, key, child, _dir: dir }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells whether a program is here; says so where it is not.
pub fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        skipped(&format!("there is no `{program}` here"));
    }
    there
}

/// Says to the terminal that a test was skipped: what a test that passes prints is not shown.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Runs the scripts of the folder against a server; what they print is shown when one fails.
#[test]
fn clients_of_meilisearch_work_unchanged() {
    if !is_there("node") {
        return;
    }
    if !Path::new(FOLDER).join("node_modules/meilisearch").exists() {
        skipped("`npm ci --prefix tests/clients` has not installed the clients");
        return;
    }
    let server = Server::start();
    let mut node = Command::new("node")
        .args(["--test", "--test-reporter=spec", "meilisearch.test.mjs", "instantsearch.test.mjs"])
        .current_dir(FOLDER)
        .env("KECHUANG_URL", &server.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    node.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(node.wait().unwrap().success(), "{said}");
    assert!(said.contains("fail 0"), "{said}");
}
