//! How good a ranking is, measured against graded judgements. Pure: reads no files and asks no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ranks that nDCG and MRR look at.
pub const CUTOFF: usize = 10;
/// Depth of the deeper recall; also how many results each query asks for.
pub const DEPTH: usize = 100;
/// Resamples behind an interval.
const RESAMPLES: usize = 1_000;
/// Seed of the resampling: the same run prints the same intervals.
const SEED: u64 = 0x6b65_6368_7561_6e67;

/// The judged records of one query, by id, with their grades.
pub type Judged = BTreeMap<String, f64>;

/// The measures of one query, or their means over many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// nDCG at [`CUTOFF`]; a record that nobody judged has grade 0.
    pub ndcg: f64,
    /// Reciprocal rank of the first relevant record, 0 beyond [`CUTOFF`].
    pub mrr: f64,
    pub recall_10: f64,
    pub recall_100: f64,
    /// nDCG at [`CUTOFF`] of the judged records alone.
    pub ndcg_judged: f64,
}

/// Measures one ranked list of ids, best first, against the judgements of its query.
///
/// A record is relevant from grade `relevant` up.
pub fn measure(ranked: &[&str], judged: &Judged, relevant: f64) -> Measures {
    let grade = |id: &str| judged.get(id).copied().unwrap_or(0.0);
    let is_relevant = |id: &str| judged.get(id).is_some_and(|grade| *grade >= relevant);
    let ideal = ideal(judged);
    let grades: Vec<f64> = ranked.iter().map(|id| grade(id)).collect();
    let judged_only: Vec<f64> = judged_first(ranked, judged).into_iter().map(grade).collect();
    Measures {
        ndcg: ndcg(&grades, &ideal, CUTOFF),
        mrr: reciprocal_rank(ranked.iter().take(CUTOFF).map(|id| is_relevant(id))),
        recall_10: recall(ranked, judged, relevant, CUTOFF),
        recall_100: recall(ranked, judged, relevant, DEPTH),
        ndcg_judged: ndcg(&judged_only, &ideal, CUTOFF),
    }
}

/// Every judged grade, descending.
pub fn ideal(judged: &Judged) -> Vec<f64> {
    let mut grades: Vec<f64> = judged.values().copied().collect();
    grades.sort_by(|a, b| b.total_cmp(a));
    grades
}

/// Drops the records that nobody judged; the judged ones that were not found follow in the order of their ids.
fn judged_first<'a>(ranked: &[&'a str], judged: &'a Judged) -> Vec<&'a str> {
    let found: Vec<&str> = ranked.iter().copied().filter(|id| judged.contains_key(*id)).collect();
    let seen: BTreeSet<&str> = found.iter().copied().collect();
    let missing = judged.keys().map(String::as_str).filter(|id| !seen.contains(id));
    found.iter().copied().chain(missing).collect()
}

/// Computes nDCG@`k` of one ranked list against graded judgements.
///
/// `grades` are in ranked order, `ideal` is every judged grade, descending. Gain 2^grade − 1, discount
/// log2(rank + 1), rank from 1. Returns a value in [0, 1]; 0 when nothing is relevant.
/// Source: Järvelin & Kekäläinen, ACM TOIS 20(4), 2002, with the gain of Burges et al., ICML 2005.
pub fn ndcg(grades: &[f64], ideal: &[f64], k: usize) -> f64 {
    let best = dcg(ideal, k);
    if best > 0.0 { dcg(grades, k) / best } else { 0.0 }
}

fn dcg(grades: &[f64], k: usize) -> f64 {
    let discounted = |(at, grade): (usize, &f64)| (grade.exp2() - 1.0) / (at as f64 + 2.0).log2();
    // The sum of nothing is −0.
    grades.iter().take(k).enumerate().map(discounted).fold(0.0, |sum, gain| sum + gain)
}

/// 1 / rank of the first that is relevant, rank from 1; 0 when none is.
/// Source: Voorhees, TREC-8 question answering track report, 1999.
pub fn reciprocal_rank(relevant: impl IntoIterator<Item = bool>) -> f64 {
    let first = relevant.into_iter().position(|relevant| relevant);
    first.map_or(0.0, |at| 1.0 / (at as f64 + 1.0))
}

/// Computes the share of a query's relevant records among the first `k`; 0 when there are none.
pub fn recall(ranked: &[&str], judged: &Judged, relevant: f64, k: usize) -> f64 {
    let all = judged.values().filter(|grade| **grade >= relevant).count();
    if all == 0 {
        return 0.0;
    }
    let found: BTreeSet<&str> = ranked
        .iter()
        .take(k)
        .copied()
        .filter(|id| judged.get(*id).is_some_and(|grade| *grade >= relevant))
        .collect();
    found.len() as f64 / all as f64
}

/// Plain BM25 over bags of words: what everything else is compared with.
///
/// k1 1.2, b 0.75, a query's word counts as often as it occurs. Source: Robertson & Zaragoza, Foundations and Trends
/// in Information Retrieval 3(4), 2009.
pub struct PlainBm25 {
    /// Word -> documents that have it, with how often.
    postings: HashMap<String, Vec<(usize, u32)>>,
    lengths: Vec<f64>,
    average: f64,
}

impl PlainBm25 {
    /// Indexes documents, each a list of words.
    pub fn new<'a>(documents: impl IntoIterator<Item = &'a str>) -> Self {
        let mut postings: HashMap<String, Vec<(usize, u32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (at, words) in documents.into_iter().enumerate() {
            let mut counts: HashMap<&str, u32> = HashMap::new();
            let mut length = 0.0;
            for word in words.split_whitespace() {
                *counts.entry(word).or_default() += 1;
                length += 1.0;
            }
            for (word, count) in counts {
                postings.entry(word.to_owned()).or_default().push((at, count));
            }
            lengths.push(length);
        }
        let average = average(lengths.iter().copied());
        Self { postings, lengths, average }
    }

    /// Returns the places of the `limit` best documents for a list of words; ties in the order of the documents.
    pub fn search(&self, words: &str, limit: usize) -> Vec<usize> {
        const K1: f64 = 1.2;
        const B: f64 = 0.75;
        let mut scores = vec![0.0; self.lengths.len()];
        for word in words.split_whitespace() {
            let Some(postings) = self.postings.get(word) else { continue };
            let (found, all) = (postings.len() as f64, self.lengths.len() as f64);
            let idf = (1.0 + (all - found + 0.5) / (found + 0.5)).ln();
            for &(at, count) in postings {
                let count = f64::from(count);
                let norm = K1 * (1.0 - B + B * self.lengths[at] / self.average);
                scores[at] += idf * count * (K1 + 1.0) / (count + norm);
            }
        }
        let mut order: Vec<usize> = (0..scores.len()).filter(|&at| scores[at] > 0.0).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        order.truncate(limit);
        order
    }
}

/// Means over queries; zeros without any.
pub fn mean(measures: &[Measures]) -> Measures {
    let of = |measure: fn(&Measures) -> f64| average(measures.iter().map(measure));
    Measures {
        ndcg: of(|m| m.ndcg),
        mrr: of(|m| m.mrr),
        recall_10: of(|m| m.recall_10),
        recall_100: of(|m| m.recall_100),
        ndcg_judged: of(|m| m.ndcg_judged),
    }
}

fn average(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    if count == 0 { 0.0 } else { values.sum::<f64>() / count as f64 }
}

/// The middle 95 % of the means of 1,000 resamples, drawn with replacement; the same values give the same interval.
///
/// Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
pub fn interval(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mut random = SplitMix(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| average((0..values.len()).map(|_| values[random.below(values.len())])))
        .collect();
    means.sort_by(f64::total_cmp);
    (percentile(&means, 2.5), percentile(&means, 97.5))
}

/// Returns the smallest value that at least `percent` of the values do not exceed; 0 of none. `sorted` rises.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
}

/// A small random sequence that is the same everywhere.
/// Source: Steele, Lea & Flood, OOPSLA 2014 (SplitMix64).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&str, f64)]) -> Judged {
        pairs.iter().map(|(id, grade)| ((*id).to_owned(), *grade)).collect()
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn ndcg_is_as_computed_by_hand() {
        // 7/1 + 0/1.585 + 1/2 = 7.5 of 7/1 + 3/1.585 + 1/2 = 9.392789...
        let log2_3 = 3f64.log2();
        close(ndcg(&[3.0, 0.0, 1.0], &[3.0, 2.0, 1.0], 10), 7.5 / (7.5 + 3.0 / log2_3));
        close(ndcg(&[3.0, 2.0, 1.0], &[3.0, 2.0, 1.0], 10), 1.0);
        close(ndcg(&[0.0, 0.0, 1.0], &[1.0], 10), 0.5);
        close(ndcg(&[0.0, 1.0], &[1.0], 1), 0.0);
        close(ndcg(&[1.0], &[], 10), 0.0);
        close(ndcg(&[], &[0.0, 0.0], 10), 0.0);
        // A mean of two judges is a grade between.
        close(ndcg(&[0.0, 1.5], &[1.5], 10), 1.0 / log2_3);
    }

    #[test]
    fn rank_and_recall_are_as_counted() {
        close(reciprocal_rank([false, false, true, true]), 1.0 / 3.0);
        close(reciprocal_rank([false]), 0.0);
        let judged = judged(&[("a", 2.0), ("b", 1.0), ("c", 2.0)]);
        close(recall(&["x", "a", "b"], &judged, 1.0, 10), 2.0 / 3.0);
        close(recall(&["x", "a", "b"], &judged, 2.0, 10), 0.5);
        close(recall(&["x", "a", "b"], &judged, 2.0, 1), 0.0);
        close(recall(&["a"], &judged, 3.0, 10), 0.0);
    }

    #[test]
    fn unjudged_records_are_dropped_and_missing_ones_follow() {
        let judged = judged(&[("a", 0.0), ("b", 1.0), ("c", 1.0)]);
        assert_eq!(judged_first(&["x", "c", "y"], &judged), ["c", "a", "b"]);
        let measures = measure(&["x", "c", "y"], &judged, 1.0);
        let ideal = 1.0 + 1.0 / 3f64.log2();
        close(measures.ndcg, (1.0 / 3f64.log2()) / ideal);
        close(measures.ndcg_judged, (1.0 + 0.5) / ideal);
        close(measures.mrr, 0.5);
        close(measures.recall_10, 0.5);
    }

    #[test]
    fn a_first_relevant_record_beyond_ten_counts_nothing_but_in_deep_recall() {
        let names: Vec<String> = (0..11).map(|at| format!("r{at}")).collect();
        let ranked: Vec<&str> = names.iter().map(String::as_str).collect();
        let measures = measure(&ranked, &judged(&[("r10", 1.0)]), 1.0);
        assert_eq!((measures.mrr, measures.recall_10, measures.recall_100), (0.0, 0.0, 1.0));
        assert_eq!(measures.ndcg, 0.0);
    }

    #[test]
    fn an_interval_holds_the_mean_and_does_not_change() {
        let values: Vec<f64> = (0..200).map(|at| f64::from(at % 2)).collect();
        let (low, high) = interval(&values);
        assert!(low > 0.40 && low < 0.5 && high > 0.5 && high < 0.60, "{low}..{high}");
        assert_eq!((low, high), interval(&values));
        assert_eq!(interval(&[0.25; 9]), (0.25, 0.25));
        assert_eq!(interval(&[]), (0.0, 0.0));
    }

    #[test]
    fn plain_bm25_orders_by_rare_words_and_length() {
        let documents = ["水 膜 膜", "水 水 泥", "水", "膜 泥 石 砂 土 灰"];
        let index = PlainBm25::new(documents);
        assert_eq!(index.search("膜", 10), [0, 3]);
        assert_eq!(index.search("水", 2), [1, 2]);
        assert!(index.search("火", 10).is_empty() && index.search("", 10).is_empty());
    }

    #[test]
    fn percentiles_are_values_of_the_list() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 50.0, 51.0, 99.0].map(|at| percentile(&values, at)), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(percentile(&[], 50.0), 0.0);
    }
}
