use std::collections::HashMap;

use super::*;
use crate::engine::document::IndexRecord;
use crate::engine::tantivy::TantivyEngine;
use crate::engine::{Engine, IndexChange};
use crate::query::filter::{Filter, Literal};
use crate::query::like::Kinds;
use crate::record::Catalog;
use crate::store::Cursor;

const RECORDS: u64 = 1_500;
const REMOVED: u64 = 7;

/// Words that grow rarer; some records say one many times, a few are long.
fn words(seed: u64) -> Vec<String> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % end
    };
    let length = 1 + random(if seed.is_multiple_of(50) { 400 } else { 30 });
    (0..length).map(|_| random(300) * random(300) / 300).map(|word| format!("w{word}")).collect()
}

fn title(seed: u64) -> Vec<String> {
    words(seed).into_iter().take(4).collect()
}

fn id(number: u64) -> RecordId {
    let kind = ["achievement", "demand", "policy"][(number % 3) as usize];
    RecordId::new(kind, format!("r{number}"))
}

/// An index of several segments, of which some records were removed.
fn engine(folder: &std::path::Path) -> TantivyEngine {
    let catalog = Arc::new(Catalog::open(None).expect("the embedded configuration is good"));
    let engine = TantivyEngine::open(folder, catalog, 1, 1).expect("the folder opens");
    for stretch in [0..900, 900..1_300, 1_300..RECORDS] {
        let last = stretch.end;
        let put = |number| {
            IndexChange::Put(Box::new(IndexRecord {
                id: id(number),
                revision: Revision(number + 1),
                tokens: vec![
                    (TokenField::Words, words(number).join(" ")),
                    (TokenField::TitleWords, title(number).join(" ")),
                ],
                values: Vec::new(),
                newest: 0,
            }))
        };
        engine.apply(stretch.map(put).collect()).expect("the index takes records");
        engine.commit(&Cursor::default(), Revision(last), 0).expect("the index is written");
    }
    let removed = (0..RECORDS).filter(|number| number.is_multiple_of(REMOVED));
    engine.apply(removed.map(|number| IndexChange::Remove(id(number))).collect()).unwrap();
    engine.commit(&Cursor::default(), Revision(RECORDS + 1), 0).unwrap();
    engine
}

fn like(seed: u64) -> Like {
    let mut terms: Vec<(String, f32)> = Vec::new();
    for (at, word) in words(seed).into_iter().enumerate() {
        if !terms.iter().any(|(known, _)| *known == word) {
            terms.push((word, 1.0 + at as f32 / 10.0));
        }
    }
    let fields = vec![(TokenField::Words, 1.0), (TokenField::TitleWords, 0.5)];
    let groups = vec![TermGroup { fields, terms, keep: 20 }];
    let kinds = seed.is_multiple_of(2).then(|| Kinds {
        from: "demand".into(),
        own: 0.8,
        to: "achievement".into(),
    });
    let filter = seed
        .is_multiple_of(3)
        .then(|| Filter::Equal { path: "kind".into(), value: Literal::Text("achievement".into()) });
    Like { groups, kinds, filter }
}

#[test]
fn records_are_found_alike_in_any_number_of_parts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let visible = engine.visible.load();
    let view = View::new(&visible, &engine.schema, &engine.lists).unwrap();
    assert!(visible.searcher.segment_readers().len() > 1, "there are several segments");
    for seed in 2_000..2_020 {
        let like = like(seed);
        let whole = view.find_in(&like, 100, 1).unwrap();
        assert!(!whole.records.is_empty());
        for parts in 2..9 {
            assert_eq!(view.find_in(&like, 100, parts).unwrap(), whole, "{parts} parts");
        }
        let ids: Vec<RecordId> = whole.records.iter().map(|record| record.id.clone()).collect();
        assert_eq!(view.shares(&like, &ids).unwrap().0, whole, "the same scores, bit by bit");
    }
}

#[test]
fn scores_are_the_sums_that_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let visible = engine.visible.load();
    let view = View::new(&visible, &engine.schema, &engine.lists).unwrap();
    for seed in 2_000..2_020 {
        let like = like(seed);
        let found = view.find_in(&like, RECORDS as usize, 3).unwrap();
        let scores: HashMap<&RecordId, f32> =
            found.records.iter().map(|record| (&record.id, record.score)).collect();
        let mut described = 0;
        for number in 0..RECORDS {
            let passes = like.filter.is_none() || &*id(number).kind == "achievement";
            let mut score = 0.0;
            for term in &found.terms {
                for (text, boost) in [(words(number), 1.0), (title(number), 0.5)] {
                    let count = text.iter().filter(|word| **word == term.token).count() as u32;
                    // The engine keeps lengths in one byte.
                    let code = FieldNormReader::fieldnorm_to_id(text.len() as u32);
                    let length = FieldNormReader::id_to_fieldnorm(code);
                    score += boost * term.weight * term.idf * presence(count, length);
                }
            }
            let held = scores.get(&id(number)).copied().unwrap_or_default();
            if !passes || number.is_multiple_of(REMOVED) {
                assert_eq!(held, 0.0, "{number}");
            } else {
                assert!((held - score).abs() <= 1e-4 * score, "{number}: {held} {score}");
                described += usize::from(score > 0.0);
            }
        }
        assert_eq!(found.records.len(), described);
    }
}
