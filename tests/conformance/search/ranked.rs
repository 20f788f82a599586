//! What a ranked list promises.

use std::fs;
use std::path::Path;

use kechuang::query::{Order, Query, Search, Selection, TokenField};
use serde_json::{Value, json};

use super::{Server, each_engine, encode, hold};

/// The records of the sample corpus, and a few questions about each tenth one.
fn sample() -> (Vec<Value>, Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-corpus");
    let mut records: Vec<Value> = Vec::new();
    for kind in ["policy", "achievement", "demand"] {
        let text = fs::read_to_string(root.join(format!("{kind}.jsonl"))).expect("the sample");
        records.extend(text.lines().map(|line| serde_json::from_str(line).expect("a record")));
    }
    let questions = records.iter().step_by(10).flat_map(|record| {
        let title: Vec<char> = record["title"].as_str().expect("a title").chars().collect();
        let part = |from: usize, to: usize| -> String {
            title[from.min(title.len())..to.min(title.len())].iter().collect()
        };
        [part(0, 40), part(2, 8), format!("{}需要什么条件，怎么申请？", part(3, 12))]
    });
    let questions = questions.collect();
    (records, questions)
}

/// A search for the ten best of a query, and nothing else.
pub fn plain(query: Query) -> Search {
    Search {
        query,
        parts: Vec::new(),
        rankers: Vec::new(),
        filter: None,
        selections: Vec::new(),
        facets: vec!["kind".into()],
        order: Order::Score,
        limit: 10,
        offset: 0,
        after: None,
        least: 0,
        today: 20_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_are_the_same_however_many_are_asked_for() {
    let (records, questions) = sample();
    each_engine(async |server: Server| {
        server.write(&records).await;
        let best = async |q: &str, limit: usize| -> Vec<Value> {
            let page = server.get(&format!("/v1/search?limit={limit}&q={}", encode(q))).await;
            let items = page["items"].as_array().expect("items").iter();
            let told = |item: &Value| json!([item["kind"], item["id"], item["score"]]);
            items.take(3).map(told).collect()
        };
        let mut long = 0;
        for q in &questions {
            let few = best(q, 3).await;
            assert_eq!(few, best(q, 100).await, "{q}");
            long += usize::from(few.len() == 3);
        }
        assert!(long * 2 > questions.len(), "most questions find more than is asked for");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_needs_more_matches_is_told_how_many_there_are() {
    hold(&["科技金融", "科技成果", "科技", "金融"], async |server| {
        let query =
            Query::Term { field: TokenField::Words, token: "科技".to_owned(), boost: 1.0 };
        let demand = Selection { path: "kind".into(), values: vec!["demand".into()] };
        let search =
            |least| Search { selections: vec![demand.clone()], least, ..plain(query.clone()) };
        let engine = &server.app.engine;
        let mut enough = search(3);
        enough.selections.clear();
        let found = engine.search(&enough).expect("an answer");
        assert_eq!((found.matched, found.total, found.hits.len()), (3, 3, 3));
        // What is selected does not decide whether there are enough.
        for least in [0, 3] {
            let found = engine.search(&search(least)).expect("an answer");
            assert_eq!((found.matched, found.total, found.hits.len()), (3, 0, 0), "{least}");
        }
        let found = engine.search(&search(4)).expect("an answer");
        assert_eq!((found.matched, found.total), (3, 0));
        let few =
            engine.search(&Search { selections: Vec::new(), ..search(4) }).expect("an answer");
        assert_eq!(few.matched, 3);
    })
    .await;
}
