//! A browser under test: WebDriver over HTTP, with what it knows of Chromium's own protocol.
//!
//! Its own client, since thirtyfour turns on `preserve_order` of serde_json for all that is built beside it: the tests
//! would then be of a program that nobody runs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use serde_json::{Value, json};

/// How often a driver is started before a test gives up.
const ATTEMPTS: usize = 5;

/// A browser of its own, and the process that drives it; both end with it.
pub struct Browser {
    driver: Child,
    base: String,
    client: Client,
}

impl Browser {
    /// Starts a browser; `None` where there is none, which is said.
    pub fn start() -> Option<Self> {
        let (driver, port) = start_driver()?;
        let client = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        let mut browser = Self { driver, base: format!("http://127.0.0.1:{port}"), client };
        let options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        ] });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let session = browser.call("session", &wanted);
        let id = session["sessionId"].as_str().expect("a session has an id").to_owned();
        browser.base = format!("{}/session/{id}", browser.base);
        Some(browser)
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.client.post(format!("{}/{path}", self.base)).json(body).send();
        let answer: Value = answer.expect("the driver answers").json().expect("in JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }

    pub fn open(&self, url: &str) {
        self.call("url", &json!({ "url": url }));
    }

    /// Runs a script in the page and returns what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.call("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script that calls `done` with its result.
    pub fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[0];\n{script}");
        self.call("execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Sends a command of Chromium's own protocol.
    pub fn cdp(&self, command: &str, params: Value) -> Value {
        self.call("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// Waits until an expression of the page is true.
    pub fn until(&self, expression: &str) {
        let started = Instant::now();
        while self.run(&format!("return !!({expression})")) != json!(true) {
            assert!(started.elapsed() < Duration::from_secs(60), "never true: {expression}");
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    /// Presses a key as a person does.
    pub fn press(&self, key: &str) {
        self.press_with(key, 0);
    }

    /// Presses a key while others are held; `modifiers` is 1 for Alt, 2 for Control, 8 for Shift.
    pub fn press_with(&self, key: &str, modifiers: u8) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let code = match key {
                "Enter" => 13,
                "Escape" => 27,
                "ArrowDown" => 40,
                "ArrowUp" => 38,
                "Tab" => 9,
                "Home" => 36,
                "End" => 35,
                _ => 0,
            };
            self.cdp(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code,
                    "modifiers": modifiers }),
            );
        }
    }

    /// Gives a file to an input, as its dialog does.
    pub fn choose_file(&self, selector: &str, path: &std::path::Path) {
        let wanted = json!({ "using": "css selector", "value": selector });
        let element = self.call("element", &wanted);
        let id = element.as_object().and_then(|object| object.values().next());
        let id = id.and_then(Value::as_str).expect("an element has an id").to_owned();
        self.call(&format!("element/{id}/value"), &json!({ "text": path.display().to_string() }));
    }

    /// What the browser noted since it was last asked.
    pub fn log(&self, kind: &str) -> Vec<Value> {
        self.call("se/log", &json!({ "type": kind })).as_array().cloned().unwrap_or_default()
    }

    /// Addresses that pages asked for since this was last asked.
    pub fn requests(&self) -> Vec<String> {
        let events = self.log("performance").into_iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &event["message"];
            (event["method"] == "Network.requestWillBeSent")
                .then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        });
        events.filter(|url| url.starts_with("http")).collect()
    }
}

/// Starts the process that drives a browser, and returns its port; `None` where there is none.
fn start_driver() -> Option<(Child, String)> {
    let mut said = Vec::new();
    // It takes a free port of IPv6 and then wants the same one of IPv4, which another process may have: then it ends.
    for _ in 0..ATTEMPTS {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            // Said to the terminal: what a test that passes prints is not shown.
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                let told = "SKIPPED, all of them: there is no chromedriver; `apt-get install chromium chromium-driver`";
                let _ = writeln!(std::io::stderr(), "{told}");
            });
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let port = port.trim_end_matches('.').to_owned();
                std::thread::spawn(move || lines.for_each(drop));
                return Some((driver, port));
            }
            said.push(line);
        }
        let _ = driver.wait();
    }
    panic!("chromedriver does not start: {said:#?}")
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.client.delete(&self.base).send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
