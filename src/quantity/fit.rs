//! Proves what one side asks for against what the other states.

use super::{Bound, Quantity, Said};
use crate::record::kind::Label;

/// Share of the shorter name's characters that two names must have in common.
const SAME_NAME: f32 = 0.6;
/// Relative difference up to which two values are the same: 0.1 + 0.2 and 0.3.
const SAME_VALUE: f64 = 1e-9;

/// What became of a quantity that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What the other side states lies within what is asked.
    Met,
    /// It does not, or only in part.
    NotMet,
    NotStated,
}

impl Verdict {
    /// How people call it.
    pub fn label(self) -> Label {
        let (zh, en) = match self {
            Self::Met => ("满足", "Met"),
            Self::NotMet => ("未满足", "Not met"),
            Self::NotStated => ("未说明", "Not stated"),
        };
        Label { zh: zh.into(), en: en.into() }
    }
}

/// A quantity that is asked for, and what the other side states of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof<'a> {
    pub asked: &'a Quantity,
    /// `None` when it states nothing of the kind.
    pub stated: Option<&'a Quantity>,
    pub verdict: Verdict,
}

/// Compares every quantity of `asked` with the one of `stated` that has the same dimension and the most similar name.
///
/// Quantities without a name are not compared: they could be anything.
pub fn prove<'a>(asked: &'a [Quantity], stated: &'a [Quantity]) -> Vec<Proof<'a>> {
    let prove = |asked: &'a Quantity| {
        let similar = stated.iter().filter(|other| other.dimension == asked.dimension);
        let similar = similar.map(|other| (name_similarity(&asked.name, &other.name), other));
        let similar = similar.filter(|(similarity, _)| *similarity >= SAME_NAME);
        // Of equals the one that fits, then the first.
        let best = similar.reduce(|best, other| {
            let key = |(similarity, stated): &(f32, &Quantity)| (*similarity, fits(asked, stated));
            let (of_best, of_other) = (key(&best), key(&other));
            let better =
                of_other.0 > of_best.0 || of_other.0 == of_best.0 && of_other.1 && !of_best.1;
            if better { other } else { best }
        });
        let stated = best.map(|(_, stated)| stated);
        let verdict = match stated {
            None => Verdict::NotStated,
            Some(stated) if fits(asked, stated) => Verdict::Met,
            Some(_) => Verdict::NotMet,
        };
        Proof { asked, stated, verdict }
    };
    asked.iter().filter(|asked| !asked.name.is_empty()).map(prove).collect()
}

/// Tells whether what is stated proves what is asked.
///
/// A range that is asked for may also lie within the stated one: a device for −40 to 85 ℃ works from −20 to 60 ℃.
fn fits(asked: &Quantity, stated: &Quantity) -> bool {
    let two_ended = |quantity: &Quantity| {
        let (low, high) = quantity.ends();
        quantity.said == Said::Bounded && low.is_finite() && high.is_finite()
    };
    within(stated, asked) || two_ended(asked) && two_ended(stated) && within(asked, stated)
}

/// Tells whether every value of `inner` is one of `outer`.
fn within(inner: &Quantity, outer: &Quantity) -> bool {
    let ((low, high), (least, most)) = (inner.ends(), outer.ends());
    let slack = |value: f64| SAME_VALUE * value.abs();
    let reaches = |from: f64, to: f64, inner: Bound, outer: Bound| {
        let distance = from - to;
        match (inner, outer) {
            (_, Bound::Open) => true,
            // More than 5 is not at least 5.000001, but it is more than 5.
            (Bound::At(_), Bound::Beyond(_)) => distance > slack(to),
            _ => distance >= -slack(to),
        }
    };
    reaches(low, least, inner.low, outer.low) && reaches(-high, -most, inner.high, outer.high)
}

/// Share of the shorter name's pairs of characters that the other has; 0 without a name.
///
/// What comes last in a name says what it is: 容量保持率 is no 容量. So the last characters must agree, or one name ends
/// with the other.
fn name_similarity(one: &str, other: &str) -> f32 {
    let letters = |name: &str| -> Vec<char> {
        name.chars().filter(|ch| ch.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (one, other) = (letters(one), letters(other));
    if one.is_empty() || other.is_empty() || one.last() != other.last() {
        return 0.0;
    }
    if one == other {
        return 1.0;
    }
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if short.len() == 1 {
        return 0.0;
    }
    let held = short.windows(2).filter(|pair| long.windows(2).any(|other| other == *pair)).count();
    // Below 1, so that the same name goes before all others.
    0.99 * held as f32 / (short.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantity::test_units;

    fn check(asked: &str, stated: &str, expected: Verdict) {
        let (asked_for, states) = (test_units().find(asked), test_units().find(stated));
        let proofs = prove(&asked_for, &states);
        assert_eq!(proofs.len(), 1, "{asked}");
        assert_eq!(proofs[0].verdict, expected, "{asked} | {stated}");
    }

    #[test]
    fn what_is_stated_must_lie_within_what_is_asked() {
        use Verdict::{Met, NotMet, NotStated};
        check("剪切强度不低于1.38MPa", "剪切强度达到1.5 MPa", Met);
        check("剪切强度不低于1.38MPa", "剪切强度1400kPa", Met);
        check("剪切强度不低于1.38MPa", "剪切强度1.2MPa", NotMet);
        check("剪切强度不低于1.38MPa", "拉伸强度2MPa，厚度3mm", NotStated);
        check("厚度≤0.03mm", "膜厚度≤25微米", Met);
        check("厚度≤0.03mm", "膜厚度≤35微米", NotMet);
        check("脱盐率>99%", "脱盐率≥99%", NotMet);
        check("脱盐率≥99%", "脱盐率>99%", Met);
        check("工作温度-20～60℃", "工作温度-40℃至85℃", Met);
        check("工作温度-20～60℃", "工作温度0～40℃", Met);
        check("工作温度-20～60℃", "工作温度0～85℃", NotMet);
        check("定位精度±0.02mm", "定位精度±10μm", Met);
        check("定位精度±0.02mm", "定位精度±0.05mm", NotMet);
        check("容量保持率≥85%", "容量80%", NotStated);
        check("循环寿命大于1000次", "循环寿命1500次", Met);
    }

    #[test]
    fn of_several_statements_the_nearest_name_counts() {
        check("稳定脱盐率≥99.5%", "脱盐率98%，稳定脱盐率99.7%", Verdict::Met);
        check("稳定脱盐率≥99.5%", "脱盐率99.8%，稳定脱盐率99%", Verdict::NotMet);
    }

    proptest! {
        /// More of what is asked for never turns a proof into a refutation, in whatever unit it is stated.
        #[test]
        fn more_is_no_worse(asked in 1.0..1e4f64, stated in 1.0..1e4f64, more in 0.0..1e4f64) {
            let met = |stated: f64, unit: &str| {
                let asked = test_units().find(&format!("抗拉强度≥{asked:.3}kPa"));
                let stated = test_units().find(&format!("抗拉强度{stated:.3}{unit}"));
                prove(&asked, &stated)[0].verdict == Verdict::Met
            };
            prop_assert!(!met(stated, "kPa") || met(stated + more, "kPa"));
            prop_assert_eq!(met(stated, "kPa"), met(stated, "千帕"));
            prop_assert!(!met(stated, "kPa") || met(stated, "MPa"));
        }
    }
}
