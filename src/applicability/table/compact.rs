//! Dropping what no record states any more.

use super::{ALL, ANY, AT_LEAST, CHECK, Condition, NONE, NOT_ANY, Row, TAG, Table};

/// Where what is kept goes: by old number, the new one, or [`NONE`] where nobody has asked for it yet.
struct Moves {
    checks: Vec<u32>,
    conditions: Vec<u32>,
    regions: Vec<u32>,
}

impl Table {
    /// Keeps the checks, conditions and regions of some rows, in the order in which the rows name them, and drops all
    /// others.
    pub(super) fn compact(&mut self, rows: &mut [Row]) {
        let mut kept = Self::new(self.dictionary.clone());
        let mut moves = Moves {
            checks: vec![NONE; self.checks.len()],
            conditions: vec![NONE; self.conditions.len()],
            regions: vec![NONE; self.regions.len()],
        };
        for row in rows {
            row.region = self.move_region(row.region, &mut kept, &mut moves);
            let own = row.epochs.iter_mut().flat_map(|(_, conditions)| conditions);
            for condition in own.chain([&mut row.audience, &mut row.industry]) {
                if *condition != NONE {
                    *condition = self.move_condition(*condition, &mut kept, &mut moves);
                }
            }
        }
        // The hash of a check does not depend on its number, that of a condition does.
        let hashes = self.checks_by_hash.iter();
        let hashes = hashes.map(|(hash, check)| (*hash, moves.checks[*check as usize]));
        self.checks_by_hash = hashes.filter(|(_, check)| *check != NONE).collect();
        self.checks = kept.checks;
        self.code = kept.code;
        self.conditions = kept.conditions;
        self.conditions_by_hash = kept.conditions_by_hash;
        self.regions = kept.regions;
        self.places = kept.places;
        self.regions_by_condition = kept.regions_by_condition;
    }

    fn move_region(&self, region: u32, kept: &mut Self, moves: &mut Moves) -> u32 {
        let at = region as usize;
        if moves.regions[at] == NONE {
            let condition = self.regions[at].map(|old| self.move_condition(old, kept, moves));
            moves.regions[at] = kept.keep_region(condition);
        }
        moves.regions[at]
    }

    fn move_condition(&self, condition: u32, kept: &mut Self, moves: &mut Moves) -> u32 {
        let at = condition as usize;
        if moves.conditions[at] == NONE {
            let Condition { start, place, may_be_reached } = self.conditions[at];
            let mut code = self.code_of(start as usize).to_vec();
            let mut next = 0;
            while next < code.len() {
                match code[next] & TAG {
                    CHECK => {
                        code[next] = CHECK | self.move_check(code[next], kept, moves);
                        next += 1;
                    }
                    // The members follow.
                    ALL | ANY | NOT_ANY | AT_LEAST => next += 3,
                    _ => next += 1,
                }
            }
            let place = if place == NONE { NONE } else { self.move_check(place, kept, moves) };
            moves.conditions[at] = kept.keep_condition(&code, place, may_be_reached);
        }
        moves.conditions[at]
    }

    fn move_check(&self, check: u32, kept: &mut Self, moves: &mut Moves) -> u32 {
        let at = check as usize;
        if moves.checks[at] == NONE {
            moves.checks[at] = kept.checks.len() as u32;
            kept.checks.push(self.checks[at].clone());
        }
        moves.checks[at]
    }

    /// The words of the condition that begins at a place.
    fn code_of(&self, start: usize) -> &[u32] {
        let length = match self.code[start] & TAG {
            ALL | ANY | NOT_ANY | AT_LEAST => 3 + self.code[start + 1] as usize,
            _ => 1,
        };
        &self.code[start..start + length]
    }
}
