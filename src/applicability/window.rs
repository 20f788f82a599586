//! When one can apply, and on which day a record holds. Neither changes a verdict.

use serde::Serialize;

use super::rules::{Offer, Rules, Standing, Validity, Window};
use super::value::Moment;
use crate::record::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    Open,
    Upcoming,
    Closed,
    Rolling,
    NotStated,
}

/// Why a record is left out before its conditions are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    Region,
    NotYetInForce,
    NoLongerInForce,
    Audience,
    Industry,
}

impl Exclusion {
    pub const NAMES: [(&'static str, Self); 5] = [
        ("region", Self::Region),
        ("not_yet_in_force", Self::NotYetInForce),
        ("no_longer_in_force", Self::NoLongerInForce),
        ("audience", Self::Audience),
        ("industry", Self::Industry),
    ];

    pub fn label(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Region => ("注册地不在适用地区", "The enterprise is registered elsewhere"),
            Self::NotYetInForce => ("当日尚未施行", "Not yet in force on the day"),
            Self::NoLongerInForce => {
                ("当日已失效、废止或被替代", "Expired, repealed or replaced on the day")
            }
            Self::Audience => ("不属于适用对象", "For others"),
            Self::Industry => ("不属于适用行业", "For other industries"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

impl Window {
    pub fn state(&self, day: i32) -> WindowState {
        let is_rolling = self.kind.as_deref() == Some("rolling");
        match (self.opens, self.closes) {
            (Some(opens), _) if day < opens => WindowState::Upcoming,
            (_, Some(closes)) if day > closes => WindowState::Closed,
            _ if is_rolling => WindowState::Rolling,
            (None, None) => WindowState::NotStated,
            _ => WindowState::Open,
        }
    }
}

impl Offer {
    /// The window that matters on a day: one that is open, else the next one, else the last one.
    pub fn window_on(&self, day: i32) -> Option<&Window> {
        self.windows.iter().min_by_key(|window| match window.state(day) {
            WindowState::Open => (0, window.closes.unwrap_or(i32::MAX)),
            WindowState::Rolling => (1, window.closes.unwrap_or(i32::MAX)),
            WindowState::Upcoming => (2, window.opens.unwrap_or(i32::MAX)),
            WindowState::Closed => (3, -window.closes.unwrap_or(i32::MIN + 1)),
            WindowState::NotStated => (4, 0),
        })
    }

    /// What "last year" and the like mean on a day.
    pub fn moment_on(&self, day: i32) -> Moment {
        let window = self.window_on(day);
        Moment {
            as_of: day,
            reference: window.and_then(|window| window.rules_as_of).unwrap_or(day),
            opens: window.and_then(|window| window.opens),
            closes: window.and_then(|window| window.closes),
        }
    }
}

impl Rules {
    /// What "last year" and the like mean on a day.
    pub fn moment_on(&self, day: i32) -> Moment {
        self.offer.moment_on(day)
    }

    /// The last day on which the record holds by itself; another record may end it sooner.
    ///
    /// A record that is said to have ended, without a date, has ended before every day.
    pub fn last_day(&self, ended_by_others: Option<i32>) -> i32 {
        // One without a first day has ended it before every day.
        let others = ended_by_others.map(|day| day.saturating_sub(1));
        match (self.ends, others, self.standing) {
            (None, None, Standing::Ended) => i32::MIN,
            (ends, others, _) => ends.unwrap_or(i32::MAX).min(others.unwrap_or(i32::MAX)),
        }
    }

    /// The first day on which the record holds.
    pub fn first_day(&self) -> i32 {
        match (self.begins, self.standing) {
            (Some(begins), _) => begins,
            (None, Standing::Pending) => i32::MAX,
            (None, _) => i32::MIN,
        }
    }

    /// The days around one on which the same entries hold, both inclusive, absent where nothing bounds them; of a day
    /// on which the record does not hold, those around its first or last.
    pub fn span_on(&self, day: i32, ended_by_others: Option<i32>) -> (Option<i32>, Option<i32>) {
        let (first, last) = (self.first_day(), self.last_day(ended_by_others));
        let day = day.min(last).max(first);
        let conditions = self.conditions.iter().map(|entry| entry.validity);
        let judgements = self.judgements.iter().map(|entry| entry.validity);
        let amounts = self.offer.amounts.iter().map(|entry| entry.validity);
        let stacking = self.offer.stacking.iter().map(|entry| entry.validity);
        let entries = conditions.chain(judgements).chain(amounts).chain(stacking);
        let (mut from, mut to) = (first, last.max(first));
        for turn in entries.flat_map(Validity::turning_days) {
            if turn <= day {
                from = from.max(turn);
            } else {
                to = to.min(turn - 1);
            }
        }
        (Some(from).filter(|from| *from > i32::MIN), Some(to).filter(|to| *to < i32::MAX))
    }

    /// Days on which what holds or what "last year" means may change.
    pub fn turning_days(&self) -> Vec<i32> {
        let conditions = self.conditions.iter();
        let mut days: Vec<i32> =
            conditions.flat_map(|condition| condition.validity.turning_days()).collect();
        for window in &self.offer.windows {
            days.extend(window.opens);
            days.extend(window.closes.map(|closes| closes.saturating_add(1)));
        }
        days.sort_unstable();
        days.dedup();
        days
    }
}
