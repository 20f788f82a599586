//! Which regions somebody is in, without asking each of them.

use std::collections::HashMap;

use super::judge::{FAILS, IS_OPEN, PASSES};

/// Regions by the places that they are made of. A place and those above it are few, regions are thousands.
#[derive(Clone, Default)]
pub(super) struct Places {
    count: usize,
    /// The region that is everywhere.
    everywhere: Option<u32>,
    /// By place, the regions that name it.
    named: HashMap<u32, Vec<u32>>,
    /// By place, the regions that name one below it.
    above: HashMap<u32, Vec<u32>>,
}

impl Places {
    /// Adds the next region: the places that it names, and all above them; `None` where it is everywhere.
    pub fn push(&mut self, places: Option<(&[u32], &[u32])>) {
        let region = self.count as u32;
        self.count += 1;
        let Some((named, above)) = places else {
            self.everywhere = Some(region);
            return;
        };
        for place in named {
            self.named.entry(*place).or_default().push(region);
        }
        for place in above {
            self.above.entry(*place).or_default().push(region);
        }
    }

    /// Decides every region for somebody who is at one of `paths`: each a place and what is above it, nearest first.
    pub fn decide<P: AsRef<[u32]>>(&self, paths: &[P]) -> Vec<u8> {
        let mut decided = match paths.split_first() {
            None => vec![IS_OPEN; self.count],
            Some((first, others)) => {
                let mut decided = self.decide_at(first.as_ref());
                for path in others {
                    let other = self.decide_at(path.as_ref());
                    for (code, other) in decided.iter_mut().zip(other) {
                        if *code != other {
                            *code = IS_OPEN;
                        }
                    }
                }
                decided
            }
        };
        if let Some(region) = self.everywhere {
            decided[region as usize] = PASSES;
        }
        decided
    }

    fn decide_at(&self, path: &[u32]) -> Vec<u8> {
        let mut decided = vec![FAILS; self.count];
        let mut mark = |regions: Option<&Vec<u32>>, code| {
            for &region in regions.into_iter().flatten() {
                decided[region as usize] = code;
            }
        };
        // A place that is said less exactly than it is asked for leaves the question open.
        mark(path.first().and_then(|own| self.above.get(own)), IS_OPEN);
        path.iter().for_each(|place| mark(self.named.get(place), PASSES));
        decided
    }
}
