//! Deciding compiled rules for one profile: every check and every condition once, when it is first asked for.

use std::collections::HashMap;

use super::{BoundCheck, CHECK, Exclusion, NONE, OPEN, Profile, Standing, TAG, Table};
use crate::applicability::Verdict;
use crate::applicability::condition::{Detail, Need};

/// What has been decided for one profile.
pub(super) struct Judge<'a> {
    table: &'a Table,
    profile: &'a Profile,
    as_of: i32,
    /// 0: not looked at; else the verdict and one.
    checks: Vec<u8>,
    /// The same, with [`KNOWN`] and [`REACHED`] of those that fail.
    conditions: Vec<u8>,
    /// What is missing to decide a condition: a place among the masks, or 0.
    missing: Vec<u16>,
    masks: Vec<u128>,
    masks_known: HashMap<u128, u16>,
}

const VERDICT: u8 = 3;
/// Whether it is known that a failing condition is within reach.
const KNOWN: u8 = 4;
const REACHED: u8 = 8;

fn coded(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 1,
        Verdict::Unknown => 2,
        Verdict::Pass => 3,
    }
}

fn decoded(code: u8) -> Option<Verdict> {
    match code & VERDICT {
        1 => Some(Verdict::Fail),
        2 => Some(Verdict::Unknown),
        3 => Some(Verdict::Pass),
        _ => None,
    }
}

impl<'a> Judge<'a> {
    pub fn new(table: &'a Table, profile: &'a Profile, as_of: i32) -> Self {
        Self {
            table,
            profile,
            as_of,
            checks: vec![0; table.checks.len()],
            conditions: vec![0; table.conditions.len()],
            missing: vec![0; table.conditions.len()],
            masks: vec![0],
            masks_known: HashMap::new(),
        }
    }

    pub fn region(&mut self, region: u32) -> Verdict {
        match self.table.regions[region as usize] {
            Some(condition) => self.condition(condition),
            None => Verdict::Pass,
        }
    }

    /// Decides a row, which lies in a region.
    pub fn row(&mut self, at: u32, region: u32) -> Standing {
        let table = self.table;
        let row = &table.hot[at as usize];
        let mut standing = Standing {
            row: at,
            verdict: self.region(region),
            near: false,
            excluded: row.excluded(self.as_of),
            missing: 0,
        };
        if standing.verdict == Verdict::Fail {
            standing.excluded = Some(Exclusion::Region);
            return standing;
        }
        if !row.modelled {
            standing.verdict = standing.verdict.min(Verdict::Unknown);
            let row = &table.rows[at as usize];
            let implied =
                [(row.audience, Exclusion::Audience), (row.industry, Exclusion::Industry)];
            for (condition, reason) in implied {
                if condition == NONE {
                    continue;
                }
                let verdict = self.condition(condition);
                if verdict == Verdict::Fail {
                    standing.excluded = standing.excluded.or(Some(reason));
                }
                standing.verdict = standing.verdict.min(verdict);
            }
        }
        let conditions = table.conditions_of(at, self.as_of);
        let mut failed = 0;
        for &condition in conditions {
            let verdict = self.condition(condition);
            standing.verdict = standing.verdict.min(verdict);
            if verdict == Verdict::Fail {
                failed += 1;
                let place = table.conditions[condition as usize].place;
                if place != NONE
                    && standing.excluded.is_none()
                    && self.check(place) == Verdict::Fail
                {
                    standing.excluded = Some(Exclusion::Region);
                }
            }
        }
        if standing.excluded.is_some() {
            return standing;
        }
        match standing.verdict {
            Verdict::Fail => {
                let most = table.dictionary.attributes().near.conditions;
                standing.near = row.modelled
                    && failed <= most
                    && conditions.iter().all(|&condition| {
                        self.condition(condition) != Verdict::Fail || self.reached(condition)
                    });
            }
            Verdict::Unknown => {
                let implied = match row.modelled {
                    true => [NONE; 2],
                    false => {
                        let row = &table.rows[at as usize];
                        [row.audience, row.industry]
                    }
                };
                let implied = implied.into_iter().filter(|condition| *condition != NONE);
                let region = table.regions[region as usize];
                for condition in conditions.iter().copied().chain(implied).chain(region) {
                    if self.condition(condition) == Verdict::Unknown {
                        standing.missing |= self.missing_of(condition);
                    }
                }
            }
            Verdict::Pass => {}
        }
        standing
    }

    fn condition(&mut self, condition: u32) -> Verdict {
        let at = condition as usize;
        if let Some(verdict) = decoded(self.conditions[at]) {
            return verdict;
        }
        let table = self.table;
        let start = table.conditions[at].start as usize;
        let (verdict, _) = table.verdict_at(start, &mut |check| self.check(check));
        self.conditions[at] = coded(verdict);
        verdict
    }

    fn check(&mut self, check: u32) -> Verdict {
        let at = check as usize;
        if let Some(verdict) = decoded(self.checks[at]) {
            return verdict;
        }
        let bound = &self.table.checks[at];
        let verdict = bound.check.verdict(self.profile, bound.moment(self.as_of));
        self.checks[at] = coded(verdict);
        verdict
    }

    /// Tells whether a condition that fails is within reach.
    fn reached(&mut self, condition: u32) -> bool {
        let at = condition as usize;
        if self.conditions[at] & KNOWN == 0 {
            let start = self.table.conditions[at].start as usize;
            let (table, profile, as_of) = (self.table, self.profile, self.as_of);
            let within_reach = &mut |check: u32| {
                let bound = &table.checks[check as usize];
                bound.check.is_within_reach(profile, bound.moment(as_of), &table.dictionary)
            };
            let (_, reached, _) =
                table.reached_at(start, &mut |check| self.check(check), within_reach);
            self.conditions[at] |= KNOWN | if reached { REACHED } else { 0 };
        }
        self.conditions[at] & REACHED != 0
    }

    /// The attributes that are missing to decide a condition that is not.
    fn missing_of(&mut self, condition: u32) -> u128 {
        let at = condition as usize;
        if self.missing[at] == 0 {
            let start = self.table.conditions[at].start as usize;
            let mut mask = 0;
            self.missing_at(start, &mut mask);
            let next = self.masks.len();
            let place = match self.masks_known.get(&mask) {
                Some(&place) => place,
                None if next < usize::from(u16::MAX) => {
                    self.masks.push(mask);
                    self.masks_known.insert(mask, next as u16);
                    next as u16
                }
                None => return mask,
            };
            self.missing[at] = place;
        }
        self.masks[usize::from(self.missing[at])]
    }

    fn missing_at(&mut self, at: usize, mask: &mut u128) -> usize {
        let table = self.table;
        let word = table.code[at];
        match word & TAG {
            CHECK => {
                if self.check(word) == Verdict::Unknown {
                    let bound = &table.checks[word as usize];
                    *mask |= self.needs_of(bound);
                }
                return at + 1;
            }
            OPEN => return at + 1,
            _ => {}
        }
        let (verdict, end) = table.verdict_at(at, &mut |check| self.check(check));
        if verdict == Verdict::Unknown {
            let mut next = at + 3;
            for _ in 0..word & !TAG {
                next = self.missing_at(next, mask);
            }
        }
        end
    }

    fn needs_of(&self, bound: &BoundCheck) -> u128 {
        // Where one attribute is read, it is the one that is missing.
        if bound.reads.count_ones() == 1 {
            return bound.reads;
        }
        let mut needs: Vec<Need> = Vec::new();
        bound.check.needs(self.profile, bound.moment(self.as_of), &mut needs);
        debug_assert!(needs.iter().all(|need| !matches!(need.detail, Detail::Code(_))));
        needs.iter().fold(0, |mask, need| mask | 1 << need.attribute)
    }
}
