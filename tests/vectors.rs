//! Similarity by meaning, over a small server that speaks as embedding services do, and fails as they do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kechuang::app::{App, Follower};
use kechuang::config::Config;
use kechuang::matching::Subject;
use kechuang::record::{RecordId, Visibility};
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use kechuang::service::matches::{Dense, MatchRequest};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Good,
    Failing,
    Slow,
    WrongDimension,
    NotANumber,
    Nonsense,
}

/// An embedding service: a text's vector counts its characters.
struct Service {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    /// Texts that were asked for.
    texts: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Service {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(Mood::Good)),
            texts: Arc::default(),
            requests: Arc::default(),
        };
        let (mood, texts, requests) =
            (service.mood.clone(), service.texts.clone(), service.requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (mood, texts, requests) = (mood.clone(), texts.clone(), requests.clone());
                std::thread::spawn(move || answer(stream, &mood, &texts, &requests));
            }
        });
        service
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> (usize, usize) {
        (self.requests.load(Ordering::SeqCst), self.texts.load(Ordering::SeqCst))
    }
}

fn answer(
    stream: TcpStream,
    mood: &Mutex<Mood>,
    texts: &AtomicUsize,
    requests: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut authorized = false;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            authorized |= line == "authorization: bearer secret";
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request: Value = serde_json::from_slice(&body).ok()?;
        let input = request["input"].as_array()?;
        requests.fetch_add(1, Ordering::SeqCst);
        let mood = *mood.lock().unwrap();
        let vector = |text: &Value| -> Vec<f32> {
            let mut vector = vec![0.1; if mood == Mood::WrongDimension { 7 } else { 32 }];
            let size = vector.len();
            for ch in text.as_str().unwrap().chars() {
                vector[ch as usize % size] += 1.0;
            }
            vector
        };
        let data: Vec<Value> = input
            .iter()
            .enumerate()
            .map(|(index, text)| json!({ "index": index, "embedding": vector(text) }))
            .collect();
        let (status, body) = match mood {
            _ if !authorized => (401, String::new()),
            Mood::Failing => (500, String::new()),
            Mood::Nonsense => (200, "<html>".to_owned()),
            Mood::NotANumber => {
                (200, json!({ "data": data }).to_string().replacen("0.1", "1e999", 1))
            }
            Mood::Good | Mood::Slow | Mood::WrongDimension => {
                (200, json!({ "data": data, "model": request["model"] }).to_string())
            }
        };
        if status == 200 {
            texts.fetch_add(input.len(), Ordering::SeqCst);
        }
        if mood == Mood::Slow {
            std::thread::sleep(Duration::from_millis(2_500));
        }
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
        let stream = reader.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
    }
}

fn open(data: &Path, service: &Service, model: &str) -> (App, Follower) {
    let mut config = Config { data: data.to_owned(), ..Config::default() };
    config.vectors.url = Some(format!("http://{}/v1/embeddings", service.address));
    config.vectors.model = model.to_owned();
    config.vectors.key = Some("secret".into());
    config.vectors.timeout_ms = 1_000;
    config.vectors.failures = 2;
    config.vectors.pause_seconds = 1;
    config.vectors.batch = 8;
    let app = App::open(&config).unwrap();
    let follower = app.follow();
    (app, follower)
}

fn put(app: &App, kind: &str, id: &str, title: &str) {
    let now = app.clock.now();
    let object = json!({ "kind": kind, "id": id, "title": title });
    let draft = Draft::from_object(object.as_object().unwrap().clone(), None, None).unwrap();
    let key = Key::local("somebody", &now);
    app.ingest.put(vec![draft], &key, &now).unwrap().remove(0).unwrap();
}

fn wait(what: &str, mut is_done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_done() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn settled(app: &App) {
    let head = app.store.head();
    wait("the vectors do not catch up", || app.vectors.as_ref().unwrap().seen() >= head);
    wait("the index does not catch up", || app.engine.applied().is_some_and(|(_, at)| at >= head));
}

fn dense(app: &App, subject: Subject) -> (Dense, Duration) {
    let request = MatchRequest { subject, to: "achievement".into(), limit: 5, diverse: false };
    let started = Instant::now();
    let page = app.matches.matches(&request, Visibility::Public, app.clock.today()).unwrap();
    assert!(!page.items.is_empty(), "a list goes on without meaning");
    (page.dense, started.elapsed())
}

fn draft(title: &str) -> Subject {
    let fields = json!({ "title": title }).as_object().unwrap().clone();
    Subject::Draft { kind: "demand".into(), fields }
}

#[test]
fn vectors_are_kept_used_and_gone_without() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new();
    let (app, follower) = open(folder.path(), &service, "one");
    put(&app, "demand", "d", "海洋传感器防腐涂层");
    for number in 0..20 {
        put(&app, "achievement", &format!("a{number}"), &format!("海洋传感器涂层第{number}号"));
    }
    settled(&app);
    let vectors = app.vectors.clone().unwrap();
    assert_eq!(vectors.len(), 21);
    let (requests, texts) = service.asked();
    assert!(texts == 21 && requests <= 21, "{requests} requests, {texts} texts");
    let stored = || Subject::Stored(RecordId::new("demand", "d"));
    assert_eq!(dense(&app, stored()).0, Dense::Used);
    assert_eq!(service.asked().1, 21, "a stored record's vector is kept");
    assert_eq!(dense(&app, draft("海洋传感器防腐涂层技术")).0, Dense::Used);
    assert_eq!(service.asked().1, 22, "one more text, asked once");
    for (number, mood) in [Mood::Failing, Mood::WrongDimension, Mood::NotANumber, Mood::Nonsense]
        .into_iter()
        .enumerate()
    {
        service.set(mood);
        // The pause after the failures before is over.
        std::thread::sleep(Duration::from_millis(1_100));
        assert_eq!(
            dense(&app, draft(&format!("海洋传感器涂层需求{number}"))).0,
            Dense::Unavailable,
            "{mood:?}"
        );
    }
    service.set(Mood::Slow);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(dense(&app, draft("海洋传感器慢涂层")).0, Dense::Unavailable);
    // The breaker is open: nobody is asked, and nothing is waited for.
    let before = service.asked().0;
    assert_eq!(dense(&app, draft("海洋传感器快涂层")).0, Dense::Unavailable);
    assert_eq!(service.asked().0, before);
    assert_eq!(dense(&app, stored()).0, Dense::Used, "what is kept needs nobody");
    service.set(Mood::Good);
    wait("the breaker stays open", || dense(&app, draft("海洋传感器好涂层")).0 == Dense::Used);
    drop((app, vectors, follower));

    // After a restart nothing is asked again.
    let before = service.asked().1;
    let (app, follower) = open(folder.path(), &service, "one");
    settled(&app);
    assert_eq!((app.vectors.as_ref().unwrap().len(), service.asked().1), (21, before));
    drop((app, follower));

    // Another model begins anew, and the vectors of the old one go.
    let (app, follower) = open(folder.path(), &service, "two");
    settled(&app);
    assert_eq!((app.vectors.as_ref().unwrap().len(), service.asked().1), (21, before + 21));
    let kept = app.store.scan("_vector", None, 1_000).unwrap();
    assert_eq!(kept.len(), 21);
    drop((app, follower));
}
