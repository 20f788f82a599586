//! Keeps a list various: what says the same is one item, and no owner fills a page.

use std::collections::HashMap;

use super::rule::Diversity;

/// Share of the pairs of characters that two texts have in common when they say the same.
const SAME: f32 = 0.85;
/// Candidates among which novelty is looked at.
const DEPTH: usize = 50;
/// Pairs of characters below which a text says too little to be compared.
const MIN_SHINGLES: usize = 24;

/// What decides whether two candidates are alike.
#[derive(Clone, Debug, Default)]
pub struct Portrait {
    pub score: f32,
    /// Normalized title.
    pub title: String,
    pub owner: Option<String>,
    /// The pairs of characters of the text as numbers, sorted, each once.
    pub shingles: Vec<u64>,
}

/// A candidate that is shown, and for how many others it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Position among the candidates.
    pub at: usize,
    /// Records that say the same and are not shown.
    pub duplicates: usize,
    /// Further records of the same owner that are not shown.
    pub more_of_owner: usize,
}

/// Chooses up to `limit` of `candidates`, which are in the order of their scores, and keeps that order.
pub fn choose(candidates: &[Portrait], rule: &Diversity, limit: usize) -> Vec<Chosen> {
    let mut pool: Vec<Chosen> = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let same = |shown: &&mut Chosen| says_the_same(&candidates[shown.at], candidate);
        match pool.iter_mut().filter(|_| rule.collapse).find(same) {
            Some(shown) => shown.duplicates += 1,
            None => pool.push(Chosen { at, duplicates: 0, more_of_owner: 0 }),
        }
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut of_owner: HashMap<&str, usize> = HashMap::new();
    // How much of each candidate the chosen ones already say, and with how many of them it was compared.
    let mut said = vec![(0f32, 0usize); pool.len()];
    let mut shown: Vec<&Portrait> = Vec::new();
    let mut left: Vec<usize> = (0..pool.len()).collect();
    while chosen.len() < limit {
        let worth = |&at: &usize| {
            let gain = candidates[pool[at].at].score;
            rule.relevance * gain - (1.0 - rule.relevance) * said[at].0
        };
        // The first of equals: candidates are in the order of their scores.
        let Some(best) = (0..left.len().min(DEPTH))
            .max_by(|&a, &b| worth(&left[a]).total_cmp(&worth(&left[b])).then(b.cmp(&a)))
        else {
            break;
        };
        let candidate = &candidates[pool[left[best]].at];
        let (most, compared) = &mut said[left[best]];
        if rule.relevance < 1.0 && *compared < shown.len() {
            // It is worth at most what it seems: compared with the others it may be worth less.
            for other in &shown[*compared..] {
                *most = most.max(jaccard(&candidate.shingles, &other.shingles, 0.0));
            }
            *compared = shown.len();
            continue;
        }
        let at = left.remove(best);
        if let Some(owner) = candidate.owner.as_deref() {
            let count = of_owner.entry(owner).or_default();
            *count += 1;
            if *count > rule.per_owner {
                continue;
            }
        }
        shown.push(candidate);
        chosen.push(pool[at]);
    }
    // What was never looked at also counts as more of its owner.
    for at in left {
        if let Some(owner) = candidates[pool[at].at].owner.as_deref()
            && let Some(count) = of_owner.get_mut(owner)
        {
            *count += 1;
        }
    }
    chosen.sort_by_key(|chosen| chosen.at);
    let mut told: Vec<&str> = Vec::new();
    for item in &mut chosen {
        if let Some(owner) = candidates[item.at].owner.as_deref()
            && !told.contains(&owner)
        {
            told.push(owner);
            item.more_of_owner =
                of_owner.get(owner).map_or(0, |count| count.saturating_sub(rule.per_owner));
        }
    }
    chosen
}

fn says_the_same(a: &Portrait, b: &Portrait) -> bool {
    if !a.title.is_empty() && a.title == b.title {
        return true;
    }
    let (short, long) =
        (a.shingles.len().min(b.shingles.len()), a.shingles.len().max(b.shingles.len()));
    // Texts of very different lengths cannot have so much in common.
    short >= MIN_SHINGLES
        && short as f32 >= SAME * long as f32
        && jaccard(&a.shingles, &b.shingles, SAME) >= SAME
}

/// Share of what either text says that both say; 0 when it is less than `least`, which is soon found out.
fn jaccard(a: &[u64], b: &[u64], least: f32) -> f32 {
    let both = a.len() + b.len();
    // Rounded down: the share itself decides.
    let needed = (least * both as f32 / (1.0 + least)) as usize;
    let spare = a.len().saturating_sub(needed);
    let (mut at, mut other, mut shared) = (0, 0, 0usize);
    while let (Some(x), Some(y)) = (a.get(at), b.get(other)) {
        shared += usize::from(x == y);
        at += usize::from(x <= y);
        other += usize::from(y <= x);
        if at - shared > spare {
            return 0.0;
        }
    }
    let all = both - shared;
    let share = if all == 0 { 0.0 } else { shared as f32 / all as f32 };
    if share < least { 0.0 } else { share }
}

/// Lists the pairs of characters of a normalized text: each is a number that holds both.
pub fn shingles(normalized: &str) -> Vec<u64> {
    let number = |gram: &str| gram.chars().fold(0, |number, ch| number << 32 | u64::from(ch));
    let mut pairs: Vec<u64> = crate::text::grams_iter(normalized).map(number).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Diversity {
        Diversity { collapse: true, owner: None, per_owner: 2, relevance: 0.85 }
    }

    fn candidate(score: f32, title: &str, owner: &str) -> Portrait {
        Portrait {
            score,
            title: title.into(),
            owner: Some(owner.into()),
            shingles: shingles(&format!("{title}的说明")),
        }
    }

    fn places(chosen: &[Chosen]) -> Vec<usize> {
        chosen.iter().map(|chosen| chosen.at).collect()
    }

    #[test]
    fn the_same_title_is_one_item_with_a_count() {
        let candidates =
            [candidate(0.9, "甲", "a"), candidate(0.8, "甲", "b"), candidate(0.7, "乙", "c")];
        let chosen = choose(&candidates, &rule(), 10);
        assert_eq!(places(&chosen), [0, 2]);
        assert_eq!(chosen[0].duplicates, 1);
        let off = Diversity { collapse: false, relevance: 1.0, ..rule() };
        assert_eq!(places(&choose(&candidates, &off, 10)), [0, 1, 2]);
    }

    #[test]
    fn a_text_with_a_changed_word_is_the_same() {
        let text = "面向海水淡化工程的高脱盐率反渗透膜元件，采用界面聚合工艺制备超薄聚酰胺选择层，\
                    在标准测试条件下稳定脱盐率与产水量均达到进口产品水平，已完成中试并通过第三方检测，\
                    可提供整卷膜片与标准八英寸元件，支持与现有装置直接替换";
        let portrait = |title: &str, text: &str| Portrait {
            score: 0.5,
            title: title.into(),
            owner: None,
            shingles: shingles(text),
        };
        let changed = text.replace("进口产品", "国外产品");
        let same = [portrait("甲", text), portrait("乙", &changed)];
        assert_eq!(choose(&same, &rule(), 10).len(), 1);
        let other = [
            portrait("甲", text),
            portrait("乙", "高速公路隧道衬砌裂缝的红外与可见光融合检测方法及装置研究与示范应用"),
        ];
        assert_eq!(choose(&other, &rule(), 10).len(), 2);
    }

    #[test]
    fn a_share_is_exact_from_the_least_of_interest_on() {
        let numbers = |from: u64, to: u64| (from..to).collect::<Vec<u64>>();
        for shift in 0..40 {
            let (a, b) = (numbers(0, 40), numbers(shift, shift + 40));
            let share = (40 - shift) as f32 / (40 + shift) as f32;
            assert_eq!(jaccard(&a, &b, 0.0), share);
            for least in [0.01, share, 0.85] {
                let expected = if share >= least { share } else { 0.0 };
                assert_eq!(jaccard(&a, &b, least), expected, "{shift} {least}");
                assert_eq!(jaccard(&b, &a, least), expected, "{shift} {least}");
            }
        }
        assert_eq!(jaccard(&[], &[], 0.0), 0.0);
    }

    #[test]
    fn an_owner_has_two_places() {
        let titles = ["甲", "乙", "丙", "丁"];
        let mut candidates: Vec<Portrait> =
            titles.iter().map(|title| candidate(0.9, title, "a")).collect();
        candidates.push(candidate(0.1, "戊", "b"));
        let chosen = choose(&candidates, &Diversity { relevance: 1.0, ..rule() }, 10);
        assert_eq!(places(&chosen), [0, 1, 4]);
        assert_eq!(chosen[0].more_of_owner, 2);
        assert_eq!(chosen[1].more_of_owner, 0);
    }

    #[test]
    fn something_new_goes_before_more_of_the_same() {
        let mut candidates = vec![
            candidate(0.60, "海水淡化反渗透膜元件一", "a"),
            candidate(0.59, "海水淡化反渗透膜元件二", "b"),
            candidate(0.58, "污泥低温干化", "c"),
        ];
        assert_eq!(places(&choose(&candidates, &rule(), 2)), [0, 2]);
        candidates[2].score = 0.1;
        assert_eq!(places(&choose(&candidates, &rule(), 2)), [0, 1]);
    }

    #[test]
    fn nothing_of_nothing() {
        assert!(choose(&[], &rule(), 10).is_empty());
        assert!(choose(&[candidate(0.5, "甲", "a")], &rule(), 0).is_empty());
    }
}
