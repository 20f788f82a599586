//! Every command of `/developers`, run as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Server, is_there};

/// A command of the page, with what the description says of it.
struct Example {
    operation: String,
    method: String,
    path: String,
    command: String,
    /// Statuses that the description gives to what goes well.
    statuses: Vec<u16>,
}

#[test]
fn every_command_of_the_page_does_what_the_description_says() {
    if !is_there("curl") {
        return;
    }
    let server = Server::start();
    let get = |path: &str| {
        reqwest::blocking::get(format!("{}{path}", server.url)).unwrap().text().unwrap()
    };
    let document: Value = serde_json::from_str(&get("/v1/openapi.json")).unwrap();
    let mut examples = examples(&get("/developers?lang=en"), &document);
    let documented: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(examples.len(), documented, "one command an operation");
    let operations: BTreeSet<&str> = examples.iter().map(|each| each.operation.as_str()).collect();
    assert_eq!(operations.len(), examples.len(), "no operation stands twice");

    // What writes makes what is then read; what withdraws comes last.
    let order = |example: &Example| match example.method.as_str() {
        "post" | "put" => 0,
        "delete" => 2,
        _ => 1,
    };
    examples.sort_by_key(|example| (order(example), example.path.clone()));
    let mut shell = Shell::new(&server);
    let mut wrong = Vec::new();
    for example in &examples {
        match shell.run(example) {
            Ok(status) if example.statuses.contains(&status) => {}
            Ok(status) => wrong.push(format!(
                "{}: {status}, not one of {:?}\n{}\n{}",
                example.operation, example.statuses, example.command, shell.said
            )),
            Err(reason) => {
                wrong.push(format!("{}: {reason}\n{}", example.operation, example.command))
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n\n"));
}

/// Reads the sections of the page: each has the name of an operation, and one command.
fn examples(page: &str, document: &Value) -> Vec<Example> {
    let sections = page.split("<section class=\"part endpoint\" id=\"").skip(1);
    let examples = sections.map(|section| {
        let operation = section.split('"').next().unwrap().to_owned();
        let command = section.split_once("<code class=\"example\" translate=\"no\">").unwrap().1;
        let command = unescape(command.split_once("</code>").unwrap().0);
        let (path, method, described) = described(document, &operation);
        let statuses = described["responses"].as_object().unwrap().keys();
        let statuses: Vec<u16> = statuses.map(|status| status.parse().unwrap()).collect();
        Example {
            operation,
            method,
            path,
            command,
            statuses: statuses.into_iter().filter(|status| *status < 300).collect(),
        }
    });
    examples.collect()
}

fn described<'a>(document: &'a Value, operation: &str) -> (String, String, &'a Value) {
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            if described["operationId"] == operation {
                return (path.clone(), method.clone(), described);
            }
        }
    }
    panic!("the description has no `{operation}`")
}

fn unescape(html: &str) -> String {
    let mut text = html.to_owned();
    for (escaped, plain) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&quot;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}

/// A shell whose curl tells the status, with the variables that a reader would have set.
struct Shell {
    home: tempfile::TempDir,
    key: String,
    /// What a `POST` gave an id, by its path.
    ids: BTreeMap<String, String>,
    token: Option<String>,
    /// What the last command printed.
    said: String,
}

impl Shell {
    fn new(server: &Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut settings = std::fs::File::create(home.path().join(".curlrc")).unwrap();
        settings.write_all(b"silent\nmax-time = 20\nwrite-out = \"\\n%{http_code}\"\n").unwrap();
        let (ids, token, said) = Default::default();
        Self { home, key: server.key.clone(), ids, token, said }
    }

    fn run(&mut self, example: &Example) -> Result<u16, String> {
        let mut shell = Command::new("sh");
        shell.args(["-euc", &example.command]).env("KEY", &self.key);
        shell.env("CURL_HOME", self.home.path()).env("HOME", self.home.path());
        let above = |(path, _): &(&String, &String)| example.path.starts_with(&format!("{path}/"));
        if let Some((_, id)) = self.ids.iter().find(above) {
            shell.env("ID", id);
        }
        if let Some(token) = &self.token {
            shell.env("TOKEN", token);
        }
        let output = shell.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        self.said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let (answer, status) = self.said.rsplit_once('\n').ok_or("nothing was printed")?;
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        if example.method == "post"
            && let Some(id) = answer["id"].as_str()
        {
            self.ids.insert(example.path.clone(), id.to_owned());
        }
        if let Some(feed) = answer["feed_url"].as_str() {
            self.token = feed.split('/').rev().nth(1).map(str::to_owned);
        }
        status.trim().parse().map_err(|_| format!("no status: {status}"))
    }
}
