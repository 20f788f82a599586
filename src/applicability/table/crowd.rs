//! One record against many profiles.

use super::{NONE, Table};
use crate::applicability::columns::{Columns, Row};
use crate::applicability::expression::Facts;
use crate::applicability::{Level, Verdict};

/// Profiles of which fewer are not worth a thread of their own.
const SHARE: usize = 16_384;

impl Table {
    /// Tells how a record stands to every row of many profiles, on up to `threads` threads.
    pub fn judge_each(
        &self,
        row: u32,
        profiles: &Columns,
        as_of: i32,
        threads: usize,
    ) -> Vec<Level> {
        let mut levels = vec![Level::Pass; profiles.rows()];
        let threads = threads.min(levels.len() / SHARE).max(1);
        if threads == 1 {
            self.judge_some(row, profiles, 0, &mut levels, as_of);
            return levels;
        }
        let share = levels.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let mut shares = levels.chunks_mut(share).enumerate();
            let own = shares.next();
            for (at, levels) in shares {
                scope.spawn(move || self.judge_some(row, profiles, at * share, levels, as_of));
            }
            if let Some((_, levels)) = own {
                self.judge_some(row, profiles, 0, levels, as_of);
            }
        });
        levels
    }

    /// Judges the profiles from a row on, as many as there are levels.
    ///
    /// One condition after the other: what each reads of the profiles lies close together.
    fn judge_some(
        &self,
        row: u32,
        profiles: &Columns,
        first: usize,
        levels: &mut [Level],
        as_of: i32,
    ) {
        let known = &self.rows[row as usize];
        let hot = &self.hot[row as usize];
        if hot.excluded(as_of).is_some() || !hot.live {
            levels.fill(Level::Fail);
            return;
        }
        // What fails by these is out of reach.
        let implied = [known.audience, known.industry].into_iter().filter(|at| *at != NONE);
        let required: Vec<u32> =
            self.regions[known.region as usize].into_iter().chain(implied).collect();
        let conditions = self.conditions_of(row, as_of);
        if !hot.modelled {
            levels.fill(Level::Unknown);
        }
        for &condition in required.iter().chain(conditions) {
            for (at, level) in levels.iter_mut().enumerate().filter(|(_, l)| **l > Level::Fail) {
                let verdict = self.decide(condition, &profiles.row(first + at), as_of);
                *level = (*level).min(verdict.into());
            }
        }
        if !hot.modelled {
            return;
        }
        for (at, level) in levels.iter_mut().enumerate().filter(|(_, l)| **l == Level::Fail) {
            if self.is_near(&required, conditions, &profiles.row(first + at), as_of) {
                *level = Level::Near;
            }
        }
    }

    /// Tells whether a record that fails does so within reach.
    fn is_near(&self, required: &[u32], conditions: &[u32], facts: &Row<'_>, as_of: i32) -> bool {
        let fails = |condition: u32| self.decide(condition, facts, as_of) == Verdict::Fail;
        if required.iter().any(|&condition| fails(condition)) {
            return false;
        }
        let mut failed = 0;
        for &condition in conditions.iter().filter(|condition| fails(**condition)) {
            failed += 1;
            let condition = &self.conditions[condition as usize];
            let elsewhere = condition.place != NONE && {
                let bound = &self.checks[condition.place as usize];
                bound.check.verdict(facts, bound.moment(as_of)) == Verdict::Fail
            };
            if elsewhere || !self.reached(condition.start as usize, facts, as_of) {
                return false;
            }
        }
        failed <= self.dictionary.attributes().near.conditions
    }

    /// Tells whether the condition at a place in the code, which fails, could still be met.
    fn reached(&self, start: usize, facts: &impl Facts, as_of: i32) -> bool {
        let verdict = &mut |check: u32| {
            let bound = &self.checks[check as usize];
            bound.check.verdict(facts, bound.moment(as_of))
        };
        let within_reach = &mut |check: u32| {
            let bound = &self.checks[check as usize];
            bound.check.is_within_reach(facts, bound.moment(as_of), &self.dictionary)
        };
        self.reached_at(start, verdict, within_reach).1
    }

    fn decide(&self, condition: u32, facts: &impl Facts, as_of: i32) -> Verdict {
        let start = self.conditions[condition as usize].start as usize;
        self.verdict_at(start, &mut |check| {
            let bound = &self.checks[check as usize];
            bound.check.verdict(facts, bound.moment(as_of))
        })
        .0
    }
}

impl From<Verdict> for Level {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Level::Fail,
            Verdict::Unknown => Level::Unknown,
            Verdict::Pass => Level::Pass,
        }
    }
}
