//! Deciding compiled rules for one profile: every check and every condition once, when it is first asked for.

use std::collections::HashMap;

use super::{BoundCheck, Condition, Exclusion, NONE, Profile, Standing, Step, TAG, Table};
use crate::applicability::Verdict;
use crate::applicability::condition::{Detail, Need};
use crate::applicability::expression::Facts;

/// What has been decided for one profile: a byte for each check and each condition, 0 where nobody has asked yet.
pub(super) struct Judge<'a> {
    table: &'a Table,
    profile: &'a Profile,
    as_of: i32,
    checks: Vec<u8>,
    conditions: Vec<u8>,
    /// Of each region, whether the profile is in it: decided beforehand.
    regions: Vec<u8>,
    /// What is missing to decide a condition: a place among the masks, or 0.
    missing: Vec<u16>,
    masks: Vec<u128>,
    masks_known: HashMap<u128, u16>,
}

pub(super) const FAILS: u8 = 1;
pub(super) const IS_OPEN: u8 = 2;
pub(super) const PASSES: u8 = 4;
/// Of a condition that fails: the profile is elsewhere.
const ELSEWHERE: u8 = 8;
/// Of what fails: it is known whether it is within reach, and it is.
const KNOWN: u8 = 16;
const REACHED: u8 = 32;

fn coded(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => FAILS,
        Verdict::Unknown => IS_OPEN,
        Verdict::Pass => PASSES,
    }
}

/// The verdict of several bytes together, as their conjunction.
fn decoded(codes: u8) -> Verdict {
    match codes {
        _ if codes & FAILS != 0 => Verdict::Fail,
        _ if codes & IS_OPEN != 0 => Verdict::Unknown,
        _ => Verdict::Pass,
    }
}

impl<'a> Judge<'a> {
    pub fn new(table: &'a Table, profile: &'a Profile, as_of: i32) -> Self {
        let region = table.dictionary.attributes().region;
        let paths = region.map_or(&[][..], |attribute| profile.codes(attribute, None));
        Self {
            regions: table.places.decide(paths),
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

    pub fn region(&self, region: u32) -> Verdict {
        decoded(self.regions[region as usize])
    }

    /// Decides a row of whose region `place` is the verdict.
    pub fn row(&mut self, at: u32, place: Verdict) -> Standing {
        let table = self.table;
        let row = &table.hot[at as usize];
        let mut standing = Standing {
            row: at,
            verdict: place,
            near: false,
            excluded: row.excluded(self.as_of),
            missing: 0,
        };
        if place == Verdict::Fail {
            standing.excluded = Some(Exclusion::Region);
            return standing;
        }
        let mut implied = [NONE; 2];
        if !row.modelled {
            standing.verdict = Verdict::Unknown;
            let row = &table.rows[at as usize];
            implied = [row.audience, row.industry];
            for (condition, reason) in
                implied.into_iter().zip([Exclusion::Audience, Exclusion::Industry])
            {
                if condition != NONE && self.condition(condition) & FAILS != 0 {
                    standing.excluded = standing.excluded.or(Some(reason));
                    standing.verdict = Verdict::Fail;
                }
            }
        }
        let conditions = table.conditions_of(at, self.as_of);
        let (mut codes, mut failed) = (0, 0);
        for &condition in conditions {
            let code = self.condition(condition);
            codes |= code;
            failed += usize::from(code & FAILS);
        }
        standing.verdict = standing.verdict.min(decoded(codes));
        if standing.excluded.is_none() && codes & ELSEWHERE != 0 {
            standing.excluded = Some(Exclusion::Region);
        }
        if standing.excluded.is_some() {
            return standing;
        }
        match standing.verdict {
            Verdict::Fail => {
                standing.near = row.modelled
                    && failed <= table.dictionary.attributes().near.conditions
                    && conditions.iter().all(|&condition| self.is_met_or_reached(condition));
            }
            Verdict::Unknown => {
                let implied = implied.into_iter().filter(|condition| *condition != NONE);
                let place =
                    table.dictionary.attributes().region.filter(|_| place == Verdict::Unknown);
                standing.missing = place.map_or(0, |attribute| 1 << attribute);
                for condition in conditions.iter().copied().chain(implied) {
                    if self.condition(condition) & IS_OPEN != 0 {
                        standing.missing |= self.missing_of(condition);
                    }
                }
            }
            Verdict::Pass => {}
        }
        standing
    }

    fn condition(&mut self, condition: u32) -> u8 {
        match self.conditions[condition as usize] {
            0 => self.decide(condition),
            code => code,
        }
    }

    #[cold]
    fn decide(&mut self, condition: u32) -> u8 {
        let Condition { start, place, .. } = self.table.conditions[condition as usize];
        let (verdict, _) = self.table.verdict_at(start as usize, &mut |at| self.check(at));
        let mut code = coded(verdict);
        if verdict == Verdict::Fail && place != NONE && self.check(place) == Verdict::Fail {
            code |= ELSEWHERE;
        }
        self.conditions[condition as usize] = code;
        code
    }

    fn check(&mut self, check: u32) -> Verdict {
        let at = check as usize;
        if self.checks[at] == 0 {
            let bound = &self.table.checks[at];
            self.checks[at] = coded(bound.check.verdict(self.profile, bound.moment(self.as_of)));
        }
        decoded(self.checks[at])
    }

    /// Decides a check, and tells whether one that fails is within reach.
    fn check_reach(&mut self, check: u32) -> (Verdict, bool) {
        let (at, verdict) = (check as usize, self.check(check));
        if verdict == Verdict::Fail && self.checks[at] & KNOWN == 0 {
            let table = self.table;
            let (bound, moment) = (&table.checks[at], table.checks[at].moment(self.as_of));
            let reached = bound.check.is_within_reach(self.profile, moment, &table.dictionary);
            self.checks[at] |= KNOWN | if reached { REACHED } else { 0 };
        }
        (verdict, self.checks[at] & REACHED != 0)
    }

    /// Tells whether a condition does not fail, or fails within reach.
    fn is_met_or_reached(&mut self, condition: u32) -> bool {
        let at = condition as usize;
        if self.conditions[at] & (FAILS | KNOWN) == FAILS {
            let table = self.table;
            let Condition { start, may_be_reached, .. } = table.conditions[at];
            let mut reach = |check: u32| self.check_reach(check);
            let reached = may_be_reached && table.reached_at(start as usize, &mut reach).1;
            self.conditions[at] |= KNOWN | if reached { REACHED } else { 0 };
        }
        self.conditions[at] & (FAILS | REACHED) != FAILS
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
        match table.step(at) {
            Step::Check(check) => {
                if self.check(check) == Verdict::Unknown {
                    *mask |= self.needs_of(&table.checks[check as usize]);
                }
                return at + 1;
            }
            Step::Open => return at + 1,
            Step::Group(_) => {}
        }
        let (verdict, end) = table.verdict_at(at, &mut |check| self.check(check));
        if verdict == Verdict::Unknown {
            let mut next = at + 3;
            for _ in 0..table.code[at] & !TAG {
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
