//! Text -> tokens, and marking hits. `cargo bench --bench analysis`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kechuang::presentation::snippet::Highlighter;
use kechuang::query::understand::{Lexicon, Reader};
use kechuang::record::Catalog;
use kechuang::text::{Analyzer, Units};

/// Bodies of the sample corpus, joined.
fn text() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-corpus");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sample corpus").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
            let lines = std::fs::read_to_string(entry.path()).expect("a readable file");
            for line in lines.lines() {
                let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
                texts.extend(record["body"].as_str().map(str::to_owned));
            }
        }
    }
    assert!(texts.len() > 100, "the sample corpus has bodies");
    texts
}

fn analysis(criterion: &mut Criterion) {
    let analyzer = Analyzer::open(None).expect("the dictionaries open");
    let texts = text();
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("normalize", |bencher| {
        bencher.iter(|| {
            let length: usize = texts.iter().map(|text| analyzer.normalize(text).text.len()).sum();
            assert!(length > bytes / 2);
        });
    });
    group.bench_function("words, grams and characters", |bencher| {
        bencher.iter(|| {
            let mut units = Units::default();
            texts.iter().for_each(|text| analyzer.analyze(text, &mut units));
            assert!(units.words.len() > bytes / 2 && units.grams.len() > bytes);
        });
    });
    let needles = ["高新技术", "高新技术企业", "企业", "研发", "补助"].map(str::to_owned);
    let highlighter = Highlighter::new(&analyzer, needles);
    group.bench_function("mark and crop", |bencher| {
        bencher.iter(|| {
            let marked = texts.iter().filter(|text| highlighter.crop(text, 120).is_some()).count();
            assert!(marked > 0);
        });
    });
    group.finish();
}

/// Typed text to what it means, without searching.
fn understanding(criterion: &mut Criterion) {
    let analyzer = Analyzer::open(None).expect("the dictionaries open");
    let catalog = Catalog::open(None).expect("the configuration opens");
    let lexicon = Lexicon::open(None, &analyzer, &catalog).expect("the dictionaries open");
    let reader = Reader {
        analyzer: &analyzer,
        lexicon: &lexicon,
        catalog: &catalog,
        kinds: &[],
        today: 20_780,
    };
    let queries = [
        "高企认定条件",
        "青政发[2016]12号",
        "本月截止的申报",
        "2024年 崂山区 人才补贴",
        "100万以上 补助 研发平台",
        "high-tech enterprise 15% tax",
        "水性聚氨酯防腐涂料 可以量产 许可",
        "我们公司成立两年,做机器视觉,没有发明专利但有6个软著,能不能申请高企?",
    ];
    let mut group = criterion.benchmark_group("queries");
    group.throughput(Throughput::Elements(queries.len() as u64));
    group.bench_function("understand", |bencher| {
        bencher.iter(|| {
            let spans: usize = queries.iter().map(|q| reader.understand(q).spans.len()).sum();
            assert!(spans >= queries.len());
        });
    });
    group.finish();
}

criterion_group!(benches, analysis, understanding);
criterion_main!(benches);
