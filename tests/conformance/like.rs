//! What finding by a weighted bag of terms promises, one function a promise, for every engine.

use std::collections::HashMap;
use std::sync::Arc;

use kechuang::engine::Engine;
use kechuang::query::TokenField;
use kechuang::query::filter::{Filter, Literal};
use kechuang::query::like::{Kinds, Like, TermGroup, presence, rarity};
use kechuang::record::RecordId;
use kechuang::text::Units;
use serde_json::{Value, json};

use super::search::{Server, each_engine};

/// Ten demands that all say 需求 and 合作, and twelve achievements.
fn records() -> Vec<Value> {
    let things = [
        "海水淡化反渗透膜元件",
        "焊接机器人视觉引导",
        "锂电池正极材料",
        "污水深度处理",
        "燃料电池双极板",
        "食品冷链监测",
        "桥梁裂缝检测",
        "小麦赤霉病防治",
        "碳纤维缠绕工艺",
        "激光雷达标定",
        "海上风电运维船",
        "反渗透膜清洗药剂",
    ];
    let mut records: Vec<Value> = Vec::new();
    for (at, thing) in things.iter().enumerate() {
        records.push(json!({
            "kind": "achievement", "id": format!("a{at}"), "title": thing,
            "body": format!("{thing}的成套技术，{}。", "已完成中试。".repeat(at % 4)),
        }));
    }
    for (at, thing) in things.iter().enumerate().take(10) {
        records.push(json!({
            "kind": "demand", "id": format!("d{at}"), "title": format!("{thing}需求"),
            "problem": format!("寻求{thing}的合作单位"),
        }));
    }
    records
}

async fn filled(server: &Server) -> Arc<dyn Engine> {
    let statuses = server.write(&records()).await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    server.app.engine.clone()
}

/// Words, pairs and characters of a text, each once, as a query.
fn like(server: &Server, text: &str, kinds: Option<Kinds>) -> Like {
    let mut units = Units::default();
    server.app.analyzer.analyze(text, &mut units);
    let group = |field, title, tokens: &str, weight: f32| {
        let mut terms: Vec<(String, f32)> = Vec::new();
        for token in tokens.split(' ').filter(|token| !token.is_empty()) {
            if !terms.iter().any(|(known, _)| known == token) {
                terms.push((token.to_owned(), weight));
            }
        }
        TermGroup { fields: vec![(field, 1.0), (title, 0.5)], terms, keep: 100 }
    };
    let groups = vec![
        group(TokenField::Words, TokenField::TitleWords, &units.words, 1.0),
        group(TokenField::Grams, TokenField::TitleGrams, &units.grams, 0.5),
        group(TokenField::Chars, TokenField::TitleChars, &units.chars, 0.25),
    ];
    Like { groups, kinds, filter: None }
}

fn kinds(own: f32) -> Option<Kinds> {
    Some(Kinds { from: "demand".into(), own, to: "achievement".into() })
}

fn only(kind: &str) -> Option<Filter> {
    Some(Filter::Equal { path: "kind".into(), value: Literal::Text(kind.into()) })
}

#[tokio::test]
async fn scores_are_sums_that_can_be_taken_apart() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        for kinds in [None, kinds(0.0), kinds(0.8)] {
            let like = like(&server, "海水淡化用反渗透膜元件的清洗", kinds);
            let found = engine.like(&like, 100).unwrap();
            assert!(found.records.len() > 5 && found.norm > 0.0);
            let order = |pair: &[kechuang::engine::LikedRecord]| {
                pair[0].score > pair[1].score
                    || pair[0].score == pair[1].score && pair[0].revision < pair[1].revision
            };
            assert!(found.records.windows(2).all(order), "{found:?}");
            let ids: Vec<RecordId> = found.records.iter().map(|r| r.id.clone()).collect();
            let (again, shares) = engine.like_shares(&like, &ids).unwrap();
            assert_eq!(again, found, "the same scores, bit by bit");
            let mut kept = like.clone();
            kept.retain(|field, token| {
                found.terms.iter().any(|term| term.field == field && term.token == token)
            });
            let narrowed = engine.like_shares(&kept, &ids).unwrap();
            assert_eq!(
                narrowed,
                (again, shares.clone()),
                "terms that were not kept change nothing"
            );
            for (record, shares) in found.records.iter().zip(&shares) {
                assert_eq!(shares.len(), found.terms.len());
                let sum: f32 = shares.iter().sum();
                assert!((sum - record.score).abs() <= 1e-4 * record.score, "{record:?} {sum}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_score_depends_on_nothing_but_record_query_and_statistics() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        let mut like = like(&server, "污水深度处理，反渗透膜", kinds(0.8));
        let all = engine.like(&like, 100).unwrap().records;
        let first = engine.like(&like, 3).unwrap().records;
        assert_eq!(first, all[..3], "a shorter list is the beginning of a longer one");
        like.filter = only("achievement");
        let some = engine.like(&like, 100).unwrap().records;
        let kept: Vec<_> = all.iter().filter(|r| &*r.id.kind == "achievement").cloned().collect();
        assert_eq!(some, kept, "a filter leaves out and changes no score");
        assert!(!some.is_empty() && some.len() < all.len());
        assert_eq!(engine.like(&like, 0).unwrap().records, []);
    })
    .await;
}

#[tokio::test]
async fn shares_are_given_for_what_is_there_and_passes() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        let mut like = like(&server, "污水深度处理", kinds(0.8));
        like.filter = only("achievement");
        let id = |kind: &str, id: &str| RecordId::new(kind, id);
        let ids = [id("demand", "d3"), id("achievement", "none"), id("achievement", "a3")];
        let (liked, shares) = engine.like_shares(&like, &ids).unwrap();
        let found: Vec<_> = liked.records.iter().map(|record| record.id.clone()).collect();
        assert_eq!((found, shares.len()), (vec![id("achievement", "a3")], 1));
        let (status, _) =
            server.send("DELETE", "/v1/records/achievement/a3?refresh=wait", "").await;
        assert_eq!(status, 204);
        assert_eq!(engine.like_shares(&like, &ids).unwrap().0.records, []);
        assert!(engine.like(&like, 9).unwrap().records.iter().all(|r| r.id != ids[2]));
    })
    .await;
}

#[tokio::test]
async fn what_every_record_of_the_looking_kind_says_counts_less() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        // 合作 is in all demands and in no achievement; 焊接 in one of each.
        let weight = |own: f32, token: &str| {
            let like = like(&server, "焊接机器人，海水淡化", kinds(own));
            let found = engine.like(&like, 5).unwrap();
            found.terms.iter().find(|term| term.token == token).map(|term| term.weight)
        };
        assert_eq!(weight(0.0, "焊接"), Some(1.0));
        assert_eq!(weight(1.0, "焊接"), Some(1.0), "nothing is rarer than one record");
        let boilerplate =
            like(&server, "需求", Some(Kinds { to: "demand".into(), ..kinds(1.0).unwrap() }));
        let terms = engine.like(&boilerplate, 5).unwrap().terms;
        let word = terms.iter().find(|term| term.token == "需求").expect("a known word");
        let expected = rarity(10, 10) / rarity(1, 10);
        assert!((word.weight - expected).abs() < 1e-6, "{word:?}");
        assert!((word.idf - rarity(10, 10)).abs() < 1e-6, "{word:?}");
    })
    .await;
}

#[tokio::test]
async fn terms_bound_what_a_record_can_score() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        let like = like(&server, "燃料电池双极板，没有人说过的术语", kinds(0.8));
        let weighed = engine.like_terms(&like).unwrap();
        let found = engine.like(&like, 100).unwrap();
        assert_eq!(weighed.norm, found.norm);
        assert_eq!(weighed.among, 10, "there are fewer demands");
        let num_terms: usize = like.groups.iter().map(|group| group.terms.len()).sum();
        assert_eq!(weighed.terms.len(), num_terms, "every term, known or not");
        assert!(weighed.terms.iter().all(|(_, _, weight)| *weight > 0.0));
        let of: HashMap<(TokenField, &str), f32> = weighed
            .terms
            .iter()
            .map(|(field, token, weight)| ((*field, &**token), *weight))
            .collect();
        for record in &found.records {
            let stored = server.app.store.get(&record.id).unwrap().unwrap();
            let stored = kechuang::service::indexing::read(&stored).unwrap();
            let kind = server.app.catalog.kind(&record.id.kind).unwrap();
            let indexed =
                kechuang::engine::document::index_record(kind, &stored, &server.app.analyzer)
                    .unwrap();
            let mut most = 0.0;
            for (field, tokens) in &indexed.tokens {
                let tokens: Vec<&str> =
                    tokens.split(' ').filter(|token| !token.is_empty()).collect();
                // The query's titles are boosted by a half.
                let (unit, boost) = match field {
                    TokenField::TitleWords => (TokenField::Words, 0.5),
                    TokenField::TitleGrams => (TokenField::Grams, 0.5),
                    TokenField::TitleChars => (TokenField::Chars, 0.5),
                    unit => (*unit, 1.0),
                };
                for token in tokens.iter().collect::<std::collections::HashSet<_>>() {
                    let count = tokens.iter().filter(|other| other == &token).count();
                    let weight = of.get(&(unit, *token)).copied().unwrap_or(0.0);
                    most += boost * weight * presence(count as u32, tokens.len() as u32);
                }
            }
            assert!(record.score <= 1.06 * most, "{record:?} {most}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_like_nothing() {
    each_engine(async |server| {
        let engine = filled(&server).await;
        for text in ["", "没有的词zzz"] {
            let like = like(&server, text, kinds(0.8));
            let found = engine.like(&like, 10).unwrap();
            let known = found.terms.iter().any(|term| term.idf > 0.0);
            assert_eq!(found.records.is_empty(), !known, "{text}");
        }
        assert_eq!(engine.like(&Like::default(), 10).unwrap().records, []);
        assert_eq!(engine.like(&Like::default(), 10).unwrap().norm, 0.0);
    })
    .await;
}
