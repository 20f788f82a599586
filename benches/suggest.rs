//! Completions over the titles of many records: how long one takes, and what the lists weigh.
//!
//! `KECHUANG_BENCH_RECORDS` (100,000) titles of 10 to 40 characters, made of the words of the dictionary, and a fifth as
//! many names. Run: `cargo bench --bench suggest`.

use std::time::{Duration, Instant};

use kechuang::suggest::{Offer, Pattern, Source, SuggestIndex};
use kechuang::text::Analyzer;

const ROUNDS: usize = 400;

fn main() {
    let records = std::env::var("KECHUANG_BENCH_RECORDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_000);
    let analyzer = Analyzer::open(None).expect("the dictionaries are sound");
    let words = words();
    let mut random = Random(1);
    let mut index = SuggestIndex::default();
    let mut titles: Vec<String> = Vec::with_capacity(records);
    let (before, started) = (resident_bytes(), Instant::now());
    for at in 0..records {
        let mut title = String::new();
        let length = 10 + random.below(31);
        while title.chars().count() < length {
            title.push_str(words[random.below(words.len())]);
        }
        let name =
            format!("{}{}研究院", words[random.below(words.len())], words[at / 5 % words.len()]);
        let normalized = [analyzer.normalize(&title).text, analyzer.normalize(&name).text];
        let offers = [
            Offer { source: Source::Title, text: &title, normalized: &normalized[0] },
            Offer { source: Source::Name, text: &name, normalized: &normalized[1] },
        ];
        let offers = if at.is_multiple_of(5) { &offers[..] } else { &offers[..1] };
        index.put((at % 4) as u8, &format!("record-{at}"), offers, analyzer.pinyin());
        merge(&mut index, false);
        titles.push(title);
    }
    merge(&mut index, true);
    println!("{records} records put and sorted in {:.2} s", started.elapsed().as_secs_f64());
    let kept: usize = titles.iter().map(|title| title.len() + 24).sum();
    let weight = resident_bytes().saturating_sub(before).saturating_sub(kept);
    println!("resident memory of the index: {:.1} MB", weight as f64 / 1e6);

    let letters = |title: &str, chars: usize, whole: bool| -> String {
        let part: String = title.chars().take(chars).collect();
        let read = analyzer.pinyin().read(&analyzer.normalize(&part).text);
        let syllables = read.into_iter().flatten().map(|syllable| syllable.letters());
        syllables.map(|letters| if whole { letters } else { &letters[..1] }).collect()
    };
    type Typed<'a> = (&'a str, Box<dyn Fn(&str) -> String + 'a>);
    let ways: [Typed<'_>; 9] = [
        ("one character", Box::new(|title| title.chars().take(1).collect())),
        ("two characters", Box::new(|title| title.chars().take(2).collect())),
        ("four characters", Box::new(|title| title.chars().take(4).collect())),
        ("two characters inside", Box::new(|title| title.chars().skip(5).take(2).collect())),
        ("one letter", Box::new(|title| letters(title, 1, false))),
        ("two first letters", Box::new(|title| letters(title, 2, false))),
        ("four first letters", Box::new(|title| letters(title, 4, false))),
        ("two syllables", Box::new(|title| letters(title, 2, true))),
        ("four syllables", Box::new(|title| letters(title, 4, true))),
    ];
    for (name, typed) in ways {
        let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
        let mut found = 0;
        let before = thread_cpu();
        while times.len() < ROUNDS {
            let typed = typed(&titles[random.below(titles.len())]);
            // A title may begin with a Latin word, which has no pinyin.
            let Some(pattern) = Pattern::new(&analyzer.normalize(&typed).text) else { continue };
            let started = Instant::now();
            found += usize::from(!index.find(&pattern, 60, &|_| true).is_empty());
            times.push(started.elapsed());
        }
        let cpu = (thread_cpu() - before).as_secs_f64() * 1e3 / ROUNDS as f64;
        // A title that was cut inside a word may be read in another way than the whole.
        assert!(found * 100 >= ROUNDS * 80, "{name}: {found} of {ROUNDS} found something");
        times.sort_unstable();
        let ms = |at: usize| times[at].as_secs_f64() * 1e3;
        let (half, most) = (ms(ROUNDS / 2), ms(ROUNDS * 99 / 100));
        println!("{name}: {cpu:.3} ms of CPU, p50 {half:.3} ms, p99 {most:.3} ms");
    }
}

fn merge(index: &mut SuggestIndex, now: bool) {
    if let Some(merge) = index.merge_due(now) {
        let sorted = merge.sort();
        index.merged(&merge, sorted);
    }
}

/// Words of the shipped dictionary of readings and of the technology market.
fn words() -> Vec<&'static str> {
    [include_str!("../dictionaries/words.txt"), include_str!("../dictionaries/pinyin_words.txt")]
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split('\t').next())
        .collect()
}

/// Time that this thread has had a processor, in steps of some milliseconds.
fn thread_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Bytes of this process in memory; 0 where the system does not say.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// A sequence that is the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
