//! What a record gives, as far as it is known.

use serde::Serialize;

use super::Verdict;
use super::condition::{Detail, Need};
use super::expression::{Expression, Missing};
use super::profile::Profile;
use super::rules::{Amount, AmountForm, Combine, Offer, Tier, TierGive};
use super::value::{Interval, Moment};

/// How well a sum is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountStatus {
    Exact,
    /// At most so much: the rest is decided by people or a budget.
    Ceiling,
    /// Between two sums, by what is not known yet.
    Range,
    NotStated,
    /// The record does not apply.
    None,
}

/// The sum that a record gives. `high` is infinite when nothing bounds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    pub status: AmountStatus,
    pub low: f64,
    pub high: f64,
    /// What would make it exact.
    pub needs: Vec<Need>,
    /// The entries that count towards it, by their place among the rules' amounts.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub amount: usize,
    pub low: f64,
    pub high: f64,
    pub is_open: bool,
}

impl Sum {
    pub fn none() -> Self {
        Self {
            status: AmountStatus::None,
            low: 0.0,
            high: 0.0,
            needs: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// Computes what a record gives on a day.
pub fn sum(offer: &Offer, profile: &Profile, moment: Moment) -> Sum {
    let mut needs: Vec<Need> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let (mut added, mut greatest, mut first) = (Interval::ZERO, Interval::ZERO, Interval::ZERO);
    // How certain it is that one of `first` was reached already.
    let mut taken = Verdict::Fail;
    for (at, amount) in offer.amounts.iter().enumerate() {
        if !amount.validity.covers(moment.as_of) {
            continue;
        }
        let when = amount.when.as_ref().map_or(Verdict::Pass, |when| when.verdict(profile, moment));
        if when == Verdict::Fail || (amount.combine == Combine::First && taken == Verdict::Pass) {
            continue;
        }
        if when == Verdict::Unknown
            && let Some(tree) = &amount.when
        {
            tree.needs(profile, moment, &mut needs);
        }
        let Some(mut value) = value(amount, profile, moment, &mut needs) else { continue };
        if when == Verdict::Unknown || amount.budget_limited {
            value.low = value.low.min(0.0);
        }
        parts.push(Part {
            amount: at,
            low: value.low,
            high: value.high,
            is_open: when == Verdict::Unknown,
        });
        match amount.combine {
            Combine::Sum => added = add(added, value),
            Combine::Max => greatest = greatest.max(value),
            Combine::First => {
                first = match taken {
                    Verdict::Fail => value,
                    // Either the earlier one or this one.
                    _ => {
                        Interval { low: first.low.min(value.low), high: first.high.max(value.high) }
                    }
                };
                taken = taken.max(when);
            }
        }
    }
    let mut total = add(add(added, greatest), first);
    let limit = offer.max_amount.map_or(f64::INFINITY, |most| most as f64);
    if parts.is_empty() {
        let status = match offer.max_amount {
            Some(_) if offer.amounts.is_empty() => AmountStatus::Ceiling,
            _ => AmountStatus::NotStated,
        };
        let high = if status == AmountStatus::Ceiling { limit } else { 0.0 };
        return Sum { status, low: 0.0, high, needs, parts };
    }
    // The most that one applicant can get at once holds for all sums of the record together.
    total = Interval { low: total.low.min(limit), high: total.high.min(limit) };
    let status = if total.is_exact() {
        AmountStatus::Exact
    } else if total.high.is_infinite() && total.low <= 0.0 {
        AmountStatus::NotStated
    } else if needs.is_empty() && total.low <= 0.0 {
        AmountStatus::Ceiling
    } else {
        AmountStatus::Range
    };
    if status == AmountStatus::Exact {
        needs.clear();
    }
    Sum { status, low: total.low, high: total.high, needs, parts }
}

fn add(left: Interval, right: Interval) -> Interval {
    Interval { low: left.low + right.low, high: left.high + right.high }
}

/// The most that a record can give to anybody on a day; 0 when it does not say.
pub fn ceiling(offer: &Offer, moment: Moment) -> f64 {
    let most = sum(offer, &Profile::default(), moment).high;
    if most.is_finite() { most } else { offer.max_amount.unwrap_or(0) as f64 }
}

/// Computes one entry; `None` for what is not money. Needs that are missing are added.
fn value(
    amount: &Amount,
    profile: &Profile,
    moment: Moment,
    needs: &mut Vec<Need>,
) -> Option<Interval> {
    let open = Interval { low: amount.floor.unwrap_or(0.0), high: f64::INFINITY };
    let mut read = |expression: &Option<Expression>| {
        let expression = expression.as_ref()?;
        let value = expression.value(profile, moment);
        if value.is_none_or(|value| !value.is_exact()) {
            let mut missing: Vec<Missing> = Vec::new();
            expression.missing(profile, moment, &mut missing);
            for (attribute, year) in missing {
                let detail = year.map_or(Detail::Whole, |year| Detail::Years(year, year));
                let need = Need { attribute, detail };
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
        value
    };
    let positive =
        |value: Interval| Interval { low: value.low.max(0.0), high: value.high.max(0.0) };
    let given = match &amount.form {
        AmountForm::InKind => return None,
        AmountForm::Fixed(value) => Interval::exact(*value),
        AmountForm::Discretionary => open,
        AmountForm::Rate { rate, base } => match read(base) {
            Some(base) => {
                let base = positive(base);
                Interval { low: base.low * rate, high: base.high * rate }
            }
            None => Interval { low: 0.0, ..open },
        },
        AmountForm::Tiers { base, tiers, progressive } => match read(base) {
            Some(base) => {
                let base = positive(base);
                let ends = [base.low, base.high].map(|base| by_tier(base, tiers, *progressive));
                // Between the ends the tiers may give more or less than at them.
                let inner =
                    tiers.iter().filter(|tier| tier.up_to > base.low && tier.up_to < base.high);
                let all = inner
                    .flat_map(|tier| {
                        [tier.up_to, tier.up_to.next_up()]
                            .map(|base| by_tier(base, tiers, *progressive))
                    })
                    .chain(ends);
                all.fold(Interval { low: f64::INFINITY, high: f64::NEG_INFINITY }, |hull, given| {
                    Interval { low: hull.low.min(given), high: hull.high.max(given) }
                })
            }
            None => {
                let most = tiers.iter().map(|tier| match tier.give {
                    TierGive::Value(value) => value,
                    TierGive::Rate(0.0) => 0.0,
                    TierGive::Rate(rate) => rate * tier.up_to,
                });
                let sum = *progressive;
                let high = most
                    .fold(0.0, |most: f64, tier| if sum { most + tier } else { most.max(tier) });
                Interval { low: 0.0, high }
            }
        },
        AmountForm::PerUnit { value, count, .. } => match read(count) {
            Some(count) => {
                let count = positive(count);
                Interval { low: count.low * value, high: count.high * value }
            }
            None => Interval { low: 0.0, ..open },
        },
    };
    let cap = amount.cap.unwrap_or(f64::INFINITY);
    let floor = match amount.form {
        // A floor of what is computed, where there is something to compute it of.
        AmountForm::Rate { .. } | AmountForm::Tiers { .. } | AmountForm::PerUnit { .. }
            if given.high <= 0.0 || given.high.is_infinite() =>
        {
            0.0
        }
        _ => amount.floor.unwrap_or(0.0),
    };
    Some(Interval { low: given.low.max(floor).min(cap), high: given.high.max(floor).min(cap) })
}

fn by_tier(base: f64, tiers: &[Tier], progressive: bool) -> f64 {
    if !progressive {
        let tier = tiers.iter().find(|tier| base <= tier.up_to);
        return tier.map_or(0.0, |tier| match tier.give {
            TierGive::Value(value) => value,
            TierGive::Rate(rate) => base * rate,
        });
    }
    let mut given = 0.0;
    let mut start = 0.0;
    for tier in tiers {
        let slice = base.min(tier.up_to) - start;
        if slice <= 0.0 {
            break;
        }
        given += match tier.give {
            TierGive::Value(value) => value,
            TierGive::Rate(rate) => slice * rate,
        };
        start = tier.up_to;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_give_by_size_or_by_slice() {
        let tiers = [
            Tier { up_to: 100.0, give: TierGive::Rate(0.0) },
            Tier { up_to: 200.0, give: TierGive::Rate(0.1) },
            Tier { up_to: f64::INFINITY, give: TierGive::Value(50.0) },
        ];
        let check = |base: f64, whole: f64, slices: f64| {
            assert!((by_tier(base, &tiers, false) - whole).abs() < 1e-9, "{base}");
            assert!((by_tier(base, &tiers, true) - slices).abs() < 1e-9, "{base}");
        };
        check(0.0, 0.0, 0.0);
        check(100.0, 0.0, 0.0);
        check(150.0, 15.0, 5.0);
        check(200.0, 20.0, 10.0);
        check(1000.0, 50.0, 60.0);
    }
}
