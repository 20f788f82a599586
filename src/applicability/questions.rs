//! What to ask next: the answers that decide the most.

use serde::Serialize;

use super::Verdict;
use super::dictionary::Dictionary;
use super::table::{Standing, Table};
use crate::record::Lang;

/// One question, for one attribute or several that are asked together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// The attribute that decides the most.
    pub attribute: String,
    pub label: String,
    pub why: String,
    /// Records that wait for the answer.
    pub decides: u64,
    /// Everything that is asked together, the most deciding first.
    pub attributes: Vec<String>,
}

/// Sets of attributes that are added up before they are taken apart.
const SLOTS: usize = 256;

/// Adds up what the undecided records wait for.
pub struct Tally<'a> {
    dictionary: &'a Dictionary,
    /// By attribute: the sum over undecided records of log(1 + ceiling) / number of attributes missing.
    weights: Vec<f64>,
    /// By group of attributes that are asked together.
    decides: Vec<u64>,
    group_of: Vec<usize>,
    /// Records that wait for the same attributes, many of them one after the other.
    waiting: Vec<Waiting>,
}

#[derive(Clone, Copy, Default)]
struct Waiting {
    missing: u128,
    weight: f64,
    count: u64,
}

impl<'a> Tally<'a> {
    pub fn new(dictionary: &'a Dictionary) -> Self {
        let count = dictionary.attributes().list.len();
        let questions = dictionary.attributes().questions.len();
        let group_of =
            (0..count).map(|at| dictionary.question_of(at).unwrap_or(questions + at)).collect();
        Self {
            dictionary,
            weights: vec![0.0; count],
            decides: vec![0; questions + count],
            group_of,
            waiting: vec![Waiting::default(); SLOTS],
        }
    }

    pub fn add(&mut self, standing: &Standing, table: &Table) {
        if standing.verdict != Verdict::Unknown || standing.missing == 0 {
            return;
        }
        let folded = (standing.missing as u64) ^ (standing.missing >> 64) as u64;
        let slot = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        if self.waiting[slot].missing != standing.missing {
            let before = std::mem::take(&mut self.waiting[slot]);
            self.take_apart(before);
            self.waiting[slot].missing = standing.missing;
        }
        self.waiting[slot].weight += table.weight(standing.row);
        self.waiting[slot].count += 1;
    }

    fn take_apart(&mut self, waiting: Waiting) {
        let share = waiting.weight / f64::from(waiting.missing.count_ones().max(1));
        let mut bits = waiting.missing;
        let mut groups = [0_u128; 2];
        while bits != 0 {
            let attribute = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            self.weights[attribute] += share;
            let group = self.group_of[attribute];
            groups[group / 128] |= 1 << (group % 128);
        }
        for (half, mut bits) in groups.into_iter().enumerate() {
            while bits != 0 {
                self.decides[half * 128 + bits.trailing_zeros() as usize] += waiting.count;
                bits &= bits - 1;
            }
        }
    }

    /// Returns the questions that decide the most, that first.
    pub fn questions(&mut self, most: usize, lang: Lang) -> Vec<Question> {
        for slot in 0..SLOTS {
            let waiting = std::mem::take(&mut self.waiting[slot]);
            self.take_apart(waiting);
        }
        let attributes = self.dictionary.attributes();
        let mut groups: Vec<(f64, usize, Vec<usize>)> = Vec::new();
        for (attribute, &weight) in
            self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0)
        {
            let group = self.group_of[attribute];
            match groups.iter_mut().find(|(_, known, _)| *known == group) {
                Some((sum, _, members)) => {
                    *sum += weight;
                    members.push(attribute);
                }
                None => groups.push((weight, group, vec![attribute])),
            }
        }
        groups.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        groups.truncate(most);
        groups
            .into_iter()
            .map(|(_, group, mut members)| {
                members.sort_by(|left, right| self.weights[*right].total_cmp(&self.weights[*left]));
                let lead = &attributes.list[members[0]];
                let label =
                    attributes.questions.get(group).map_or(&lead.label, |asked| &asked.label);
                let decides = self.decides[group];
                Question {
                    attribute: lead.id.to_string(),
                    label: lang.pick(label).to_owned(),
                    why: match lang {
                        Lang::Zh => format!("有{decides}项政策要看这个才能判断"),
                        Lang::En if decides == 1 => "1 policy waits for the answer".to_owned(),
                        Lang::En => format!("{decides} policies wait for the answer"),
                    },
                    decides,
                    attributes: members
                        .iter()
                        .map(|&at| attributes.list[at].id.to_string())
                        .collect(),
                }
            })
            .collect()
    }
}
