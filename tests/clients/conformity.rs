//! schemathesis: tries what the description allows and what it forbids, and holds every answer to it.

use std::process::Command;
use std::time::Instant;

use crate::{FOLDER, Server, is_there};

#[test]
fn the_api_does_what_its_description_says() {
    if !is_there("schemathesis") {
        return;
    }
    let server = Server::start();
    // What it keeps between runs goes with the test.
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let run = Command::new("schemathesis")
        .arg("--config-file")
        .arg(format!("{FOLDER}/schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/v1/openapi.json", server.url))
        .args(["--checks", "all", "-H"])
        .arg(format!("Authorization: Bearer {}", server.key))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    let cases = said.lines().find(|line| line.contains(" generated")).unwrap_or_default();
    println!("{} in {} s", cases.trim(), started.elapsed().as_secs());
}
