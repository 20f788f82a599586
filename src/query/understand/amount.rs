//! Amounts of money in normalized text.

use std::ops::Range;

use super::numeral::number;

/// Whole yuan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    AtLeast(i64),
    AtMost(i64),
    /// Both ends inclusive.
    Between(i64, i64),
    /// Neither `以上` nor `以内` is said.
    Bare(i64),
}

/// A word, and what it makes of an amount beside it.
type Bound = (&'static str, fn(i64) -> Amount);

/// Words before an amount, and what they make of it.
const BEFORE: [Bound; 17] = [
    ("不低于", Amount::AtLeast),
    ("不少于", Amount::AtLeast),
    ("不小于", Amount::AtLeast),
    ("至少", Amount::AtLeast),
    ("大于", Amount::AtLeast),
    ("不超过", Amount::AtMost),
    ("不高于", Amount::AtMost),
    ("不大于", Amount::AtMost),
    ("至多", Amount::AtMost),
    ("超过", Amount::AtLeast),
    ("高于", Amount::AtLeast),
    ("低于", Amount::AtMost),
    ("少于", Amount::AtMost),
    ("小于", Amount::AtMost),
    ("大约", about),
    ("大概", about),
    ("差不多", about),
];

/// Words behind an amount, likewise.
const BEHIND: [Bound; 11] = [
    ("及以上", Amount::AtLeast),
    ("以上", Amount::AtLeast),
    ("起步", Amount::AtLeast),
    ("起", Amount::AtLeast),
    ("及以下", Amount::AtMost),
    ("以下", Amount::AtMost),
    ("以内", Amount::AtMost),
    ("之内", Amount::AtMost),
    ("内", Amount::AtMost),
    ("左右", about),
    ("上下", about),
];

/// A fifth less or more: `50万左右` is 40 to 60.
fn about(yuan: i64) -> Amount {
    Amount::Between(yuan - yuan / 5, yuan.saturating_add(yuan / 5))
}

/// What makes a number of ten thousands no money.
const MEASURES: &str = "吨家人套台平亩千瓦次个件辆立株只头米户片颗项公转方名册字";

/// Finds the amounts, in order; none overlap.
pub fn find(text: &str) -> Vec<(Range<usize>, Amount)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let follows_digit = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let starts = !(c.is_ascii_digit() && follows_digit);
        match starts.then(|| read(text, at)).flatten() {
            Some((range, amount)) => {
                at = range.end;
                found.push((range, amount));
            }
            None => at += c.len_utf8(),
        }
    }
    found
}

fn read(text: &str, at: usize) -> Option<(Range<usize>, Amount)> {
    let (low, mut end) = money(text, at)?;
    let joiner = ["-", "至", "到", "\n"].into_iter().find(|j| text[end..].starts_with(j));
    // The unit may stand behind the second number alone: 50-200万.
    let range = joiner.and_then(|joiner| {
        let (high, behind) = money(text, end + joiner.len())?;
        high.unit.then_some((low.with_unit_of(&high), high, behind))
    });
    if let Some((low, high, behind)) = range
        && low.yuan() <= high.yuan()
    {
        return Some((at..behind, Amount::Between(low.yuan(), high.yuan())));
    }
    if !low.unit {
        return None;
    }
    let yuan = low.yuan();
    let before = BEFORE.iter().find(|(word, _)| text[..at].ends_with(word));
    if let Some((word, amount)) = before {
        return Some((at - word.len()..end, amount(yuan)));
    }
    let behind = BEHIND.iter().find(|(word, _)| text[end..].starts_with(word));
    if let Some((word, amount)) = behind {
        end += word.len();
        return Some((at..end, amount(yuan)));
    }
    Some((at..end, Amount::Bare(yuan)))
}

/// A number with or without a unit of money.
#[derive(Clone, Copy)]
struct Money {
    number: f64,
    scale: f64,
    unit: bool,
}

impl Money {
    fn yuan(&self) -> i64 {
        (self.number * self.scale).round() as i64
    }

    fn with_unit_of(self, other: &Money) -> Money {
        if self.unit { self } else { Money { scale: other.scale, unit: true, ..self } }
    }
}

fn money(text: &str, at: usize) -> Option<(Money, usize)> {
    let (number, length) = number(&text[at..])?;
    let mut end = at + length;
    let units = [("千万", 1e7), ("百万", 1e6), ("万", 1e4), ("亿", 1e8), ("千", 1e3), ("", 1.0)];
    let (name, scale) = units.into_iter().find(|(name, _)| text[end..].starts_with(name))?;
    end += name.len();
    let yuan = ["元人民币", "元", "块钱", "块"].into_iter().find(|y| text[end..].starts_with(y));
    end += yuan.map_or(0, str::len);
    let is_money = yuan.is_some()
        || scale >= 1e4 && !text[end..].starts_with(|c: char| MEASURES.contains(c) || c == '级');
    if !name.is_empty() && !is_money {
        return None;
    }
    Some((Money { number, scale, unit: is_money }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_amounts() {
        let check = |text: &str, expected: &[(&str, Amount)]| {
            let found: Vec<(&str, Amount)> =
                find(text).into_iter().map(|(range, amount)| (&text[range], amount)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("100万以上补助", &[("100万以上", Amount::AtLeast(1_000_000))]);
        check("50-200万", &[("50-200万", Amount::Between(500_000, 2_000_000))]);
        check("50万到1亿元", &[("50万到1亿元", Amount::Between(500_000, 100_000_000))]);
        check("膜50万以内", &[("50万以内", Amount::AtMost(500_000))]);
        check("不超过三百万元", &[("不超过三百万元", Amount::AtMost(3_000_000))]);
        check("一百万起", &[("一百万起", Amount::AtLeast(1_000_000))]);
        check("贷款500万 信用", &[("500万", Amount::Bare(5_000_000))]);
        check("0.5亿元", &[("0.5亿元", Amount::Bare(50_000_000))]);
        check("800元/样", &[("800元", Amount::Bare(800))]);
        check("年收入3000万以下", &[("3000万以下", Amount::AtMost(30_000_000))]);
        check("补助50万左右", &[("50万左右", Amount::Between(400_000, 600_000))]);
        check("大约一百万元的", &[("大约一百万元", Amount::Between(800_000, 1_200_000))]);
    }

    #[test]
    fn other_numbers_are_no_money() {
        for text in [
            "10万吨级",
            "2024年",
            "300kv",
            "一体化",
            "万家",
            "三万人",
            "5g",
            "50-200",
            "0.03mm",
            "20千瓦",
            "",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[0-9万亿千百元以上内至到三十.-]{0,20}") {
            for (range, _) in find(&text) {
                let _ = &text[range];
            }
        }
    }
}
