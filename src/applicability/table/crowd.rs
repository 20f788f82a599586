//! One record against many profiles.

use rayon::prelude::*;

use super::{NONE, Step, TAG, Table};
use crate::applicability::columns::{Columns, Row};
use crate::applicability::{Level, Verdict};

/// Profiles of which fewer are not worth a thread of their own.
const SHARE: usize = 16_384;
/// Profiles that are judged together: what is computed of so many stays in the processor's nearest memory.
const BLOCK: usize = 512;

impl Table {
    /// Tells how a record stands to every row of many profiles.
    pub fn judge_each(&self, row: u32, profiles: &Columns, as_of: i32) -> Vec<Level> {
        let mut levels = vec![Level::Fail; profiles.rows()];
        levels.par_chunks_mut(SHARE).enumerate().for_each(|(at, levels)| {
            self.judge_some(row, profiles, at * SHARE, levels, as_of);
        });
        levels
    }

    /// Judges the profiles from a row on, as many as there are levels, which say that all fail.
    fn judge_some(
        &self,
        row: u32,
        profiles: &Columns,
        first: usize,
        levels: &mut [Level],
        as_of: i32,
    ) {
        let hot = &self.hot[row as usize];
        if hot.excluded(as_of).is_some() || !hot.live {
            return;
        }
        for (at, levels) in levels.chunks_mut(BLOCK).enumerate() {
            let start = first + at * BLOCK;
            for one in self.judge_block(row, profiles, start..start + levels.len(), as_of) {
                levels[one.row as usize - start] = match one.failed {
                    0 => one.least.into(),
                    _ => Level::Near,
                };
            }
        }
    }

    /// Lists those of some profiles that a record does not fail for, or fails within reach.
    ///
    /// One condition after the other, for those that are still open: what each reads of them lies close together.
    fn judge_block(
        &self,
        row: u32,
        profiles: &Columns,
        rows: std::ops::Range<usize>,
        as_of: i32,
    ) -> Vec<Open> {
        let known = &self.rows[row as usize];
        let modelled = known.modelled;
        let least = if modelled { Verdict::Pass } else { Verdict::Unknown };
        let mut open: Vec<Open> =
            rows.map(|row| Open { row: row as u32, least, failed: 0 }).collect();
        let verdicts = |condition: u32, open: &[Open]| {
            let rows: Vec<u32> = open.iter().map(|one| one.row).collect();
            let start = self.conditions[condition as usize].start as usize;
            self.verdicts_at(start, profiles, &rows, as_of).0.into_iter()
        };
        // What fails by these is out of reach.
        let implied = [known.audience, known.industry].into_iter().filter(|at| *at != NONE);
        for condition in self.regions[known.region as usize].into_iter().chain(implied) {
            let mut verdicts = verdicts(condition, &open);
            open.retain_mut(|one| {
                one.least = one.least.min(verdicts.next().unwrap_or(Verdict::Fail));
                one.least != Verdict::Fail
            });
        }
        let most = self.dictionary.attributes().near.conditions;
        for &condition in self.conditions_of(row, as_of) {
            let mut verdicts = verdicts(condition, &open);
            open.retain_mut(|one| match verdicts.next() {
                Some(verdict @ (Verdict::Pass | Verdict::Unknown)) => {
                    one.least = one.least.min(verdict);
                    true
                }
                _ => {
                    one.failed += 1;
                    usize::from(one.failed) <= most
                        && self.is_reached(condition, &profiles.row(one.row as usize), as_of)
                }
            });
        }
        open
    }

    /// Decides the code at a place for each of some rows; returns where the next begins as well.
    fn verdicts_at(
        &self,
        at: usize,
        profiles: &Columns,
        rows: &[u32],
        as_of: i32,
    ) -> (Vec<Verdict>, usize) {
        let how = match self.step(at) {
            Step::Check(check) => {
                let bound = &self.checks[check as usize];
                return (bound.check.verdicts(profiles, rows, bound.moment(as_of)), at + 1);
            }
            Step::Open => return (vec![Verdict::Unknown; rows.len()], at + 1),
            Step::Group(how) => how,
        };
        let mut next = at + 3;
        let members: Vec<Vec<Verdict>> = (0..self.code[at] & !TAG)
            .map(|_| {
                let (verdicts, after) = self.verdicts_at(next, profiles, rows, as_of);
                next = after;
                verdicts
            })
            .collect();
        let of = |row: usize| how.combine(members.iter().map(|verdicts| verdicts[row]));
        ((0..rows.len()).map(of).collect(), next)
    }

    /// Tells whether a condition that fails could still be met.
    fn is_reached(&self, condition: u32, facts: &Row<'_>, as_of: i32) -> bool {
        let condition = &self.conditions[condition as usize];
        let mut look = |check: u32| {
            let bound = &self.checks[check as usize];
            let verdict = bound.check.verdict(facts, bound.moment(as_of));
            let reached = verdict == Verdict::Fail
                && bound.check.is_within_reach(facts, bound.moment(as_of), &self.dictionary);
            (verdict, reached)
        };
        condition.may_be_reached
            && (condition.place == NONE || look(condition.place).0 != Verdict::Fail)
            && self.reached_at(condition.start as usize, &mut look).1
    }
}

/// A profile that a record may apply to yet.
struct Open {
    row: u32,
    /// The least of the verdicts of its conditions that do not fail.
    least: Verdict,
    /// Conditions that fail, each within reach.
    failed: u16,
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
