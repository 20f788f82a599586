//! The best set of records that may be used together.
//!
//! Records that exclude each other, need each other or share a cap form a component. A component of up to
//! [`EXACT`] records is solved exactly by branch and bound; a greater one greedily, and says so.

use std::collections::HashMap;

/// Records of a component that is solved exactly.
pub const EXACT: usize = 24;
/// Steps of one search before it is given up as too hard.
const MAX_STEPS: usize = 500_000;

/// A record that applies. Sums are in yuan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    pub id: String,
    /// What it gives at least and at most.
    pub low: f64,
    pub high: f64,
    pub rules: Vec<Stack>,
}

/// A stacking rule of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    pub form: Form,
    /// Where it is said.
    pub clause: String,
    pub text: Option<String>,
    pub rule: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// One alone of those that name the group.
    Exclusive { group: String },
    /// Not with these.
    NotWith { ids: Vec<String> },
    /// Only with all of these.
    Requires { ids: Vec<String> },
    /// So much of what the others give; without a share, what it gives beyond them.
    ShareOf { group: Option<String>, ids: Vec<String>, share: Option<f64> },
    /// Those that name the group and these together at most this much; `None`: a cap that is only said in words.
    GroupCap { group: String, ids: Vec<String>, cap: Option<f64> },
}

/// The chosen set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portfolio {
    /// Places among the candidates, rising, with what each gives by itself.
    pub chosen: Vec<usize>,
    /// What they give together, after caps.
    pub low: f64,
    pub high: f64,
    pub excluded: Vec<Excluded>,
    /// Caps that bind: group, cap and clause.
    pub caps: Vec<(String, f64, String)>,
    /// Whether some component was too great or too hard to be solved exactly.
    pub approximate: bool,
}

/// A candidate that was left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Excluded {
    pub candidate: usize,
    /// The chosen one that it cannot go with; `None` when it needs one that is not there.
    pub because_of: Option<usize>,
    pub rule: &'static str,
    pub clause: String,
    pub text: Option<String>,
}

struct Problem<'a> {
    candidates: &'a [Candidate],
    /// Why two exclude each other.
    conflicts: Vec<Vec<(usize, &'a Stack)>>,
    /// What one needs: places among the candidates; `None` for one that does not apply.
    requires: Vec<Vec<(Option<usize>, &'a Stack)>>,
    caps: Vec<Cap<'a>>,
    shares: Vec<Vec<Share>>,
}

struct Cap<'a> {
    group: &'a str,
    members: Vec<usize>,
    /// Who says it, and how much. It holds where one of these is chosen.
    said: Vec<(usize, f64, &'a str)>,
}

impl<'a> Cap<'a> {
    /// The strictest cap that one of a set says.
    fn among(&self, set: &[bool]) -> Option<(f64, &'a str)> {
        let said = self.said.iter().filter(|(by, ..)| set[*by]);
        said.map(|&(_, cap, clause)| (cap, clause)).min_by(|left, right| left.0.total_cmp(&right.0))
    }
}

struct Share {
    others: Vec<usize>,
    share: Option<f64>,
}

/// Chooses the set that gives the most, by what each gives at most, then by what it gives at least.
pub fn solve(candidates: &[Candidate]) -> Portfolio {
    let problem = Problem::new(candidates);
    let mut portfolio = Portfolio::default();
    for component in problem.components() {
        // By itself: what is tried very often looks at nothing else.
        let own: Vec<Candidate> = component.iter().map(|&at| candidates[at].clone()).collect();
        let (chosen, is_exact) = Problem::new(&own).solve();
        portfolio.approximate |= !is_exact;
        portfolio.chosen.extend(chosen.into_iter().map(|at| component[at]));
    }
    portfolio.chosen.sort_unstable();
    let mut set = vec![false; candidates.len()];
    portfolio.chosen.iter().for_each(|&at| set[at] = true);
    (portfolio.high, portfolio.low) = problem.value(&set);
    for cap in &problem.caps {
        let together: f64 =
            cap.members.iter().filter(|&&at| set[at]).map(|&at| candidates[at].high).sum();
        if let Some((most, clause)) = cap.among(&set).filter(|(most, _)| together > *most) {
            portfolio.caps.push((cap.group.to_owned(), most, clause.to_owned()));
        }
    }
    for at in (0..candidates.len()).filter(|&at| !set[at]) {
        portfolio.excluded.extend(problem.why(at, &set));
    }
    portfolio
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Low,
    High,
}

impl<'a> Problem<'a> {
    fn new(candidates: &'a [Candidate]) -> Self {
        let count = candidates.len();
        let places: HashMap<&str, usize> =
            candidates.iter().enumerate().map(|(at, known)| (&*known.id, at)).collect();
        let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            for stack in &candidate.rules {
                if let Some(group) = stack.form.group() {
                    let members = groups.entry(group).or_default();
                    if members.last() != Some(&at) {
                        members.push(at);
                    }
                }
            }
        }
        let mut problem = Self {
            candidates,
            conflicts: vec![Vec::new(); count],
            requires: vec![Vec::new(); count],
            caps: Vec::new(),
            shares: (0..count).map(|_| Vec::new()).collect(),
        };
        for (at, candidate) in candidates.iter().enumerate() {
            for stack in &candidate.rules {
                match &stack.form {
                    Form::Exclusive { group } => {
                        for &other in groups[&**group].iter().filter(|&&other| other != at) {
                            problem.conflict(at, other, stack);
                        }
                    }
                    Form::NotWith { ids } => {
                        for &other in ids.iter().filter_map(|id| places.get(&**id)) {
                            if other != at {
                                problem.conflict(at, other, stack);
                            }
                        }
                    }
                    Form::Requires { ids } => {
                        let needed = ids.iter().filter(|id| **id != candidate.id);
                        let needed = needed.map(|id| (places.get(&**id).copied(), stack));
                        problem.requires[at].extend(needed);
                    }
                    Form::ShareOf { group, ids, share } => {
                        let in_group = group.as_deref().map(|group| groups[group].as_slice());
                        let named = ids.iter().filter_map(|id| places.get(&**id).copied());
                        let others = in_group.unwrap_or_default().iter().copied().chain(named);
                        let mut others: Vec<usize> = others.filter(|&other| other != at).collect();
                        others.sort_unstable();
                        others.dedup();
                        problem.shares[at].push(Share { others, share: *share });
                    }
                    Form::GroupCap { group, ids, cap: Some(cap) } => {
                        let known = problem.caps.iter().position(|known| known.group == group);
                        let known = known.unwrap_or_else(|| {
                            let members = groups[&**group].clone();
                            problem.caps.push(Cap { group, members, said: Vec::new() });
                            problem.caps.len() - 1
                        });
                        let known = &mut problem.caps[known];
                        known.said.push((at, *cap, &stack.clause));
                        known.members.extend(ids.iter().filter_map(|id| places.get(&**id)));
                        known.members.sort_unstable();
                        known.members.dedup();
                    }
                    Form::GroupCap { cap: None, .. } => {}
                }
            }
        }
        problem
    }

    fn conflict(&mut self, left: usize, right: usize, stack: &'a Stack) {
        for (at, other) in [(left, right), (right, left)] {
            if !self.conflicts[at].iter().any(|(known, _)| *known == other) {
                self.conflicts[at].push((other, stack));
            }
        }
    }

    /// Splits the candidates into sets that have nothing to do with each other.
    fn components(&self) -> Vec<Vec<usize>> {
        let count = self.candidates.len();
        let mut parent: Vec<usize> = (0..count).collect();
        fn root(parent: &mut [usize], mut at: usize) -> usize {
            while parent[at] != at {
                parent[at] = parent[parent[at]];
                at = parent[at];
            }
            at
        }
        let mut join = |left: usize, right: usize| {
            let (left, right) = (root(&mut parent, left), root(&mut parent, right));
            parent[left.max(right)] = left.min(right);
        };
        for at in 0..count {
            self.conflicts[at].iter().for_each(|(other, _)| join(at, *other));
            self.requires[at]
                .iter()
                .filter_map(|(other, _)| *other)
                .for_each(|other| join(at, other));
            for share in &self.shares[at] {
                share.others.iter().for_each(|&other| join(at, other));
            }
        }
        for cap in &self.caps {
            cap.members.windows(2).for_each(|pair| join(pair[0], pair[1]));
        }
        let mut components: Vec<Vec<usize>> = vec![Vec::new(); count];
        for at in 0..count {
            components[root(&mut parent, at)].push(at);
        }
        components.retain(|component| !component.is_empty());
        components
    }

    /// What a set gives together, conflicts left aside, where the records of `bound` alone lessen what others give: by
    /// their caps, and as what a difference is made up to. Grows with the set, falls as `bound` grows.
    fn total(&self, set: &[bool], bound: &[bool], of: Of) -> f64 {
        let single = |at: usize| match of {
            Of::Low => self.candidates[at].low,
            Of::High => self.candidates[at].high,
        };
        let mut given: Vec<f64> =
            (0..set.len()).map(|at| if set[at] { single(at) } else { 0.0 }).collect();
        for at in (0..set.len()).filter(|&at| set[at]) {
            for share in &self.shares[at] {
                let others = share.others.iter().filter(|&&other| set[other]);
                given[at] = match share.share {
                    Some(share) => others.map(|&other| single(other)).sum::<f64>() * share,
                    // Of several that make up the difference to each other, the later ones do.
                    None => {
                        let most = others
                            .filter(|&&other| bound[other])
                            .filter(|&&other| other < at || !self.tops_up(other, at))
                            .map(|&other| single(other))
                            .fold(0.0, f64::max);
                        (single(at) - most).max(0.0).min(given[at])
                    }
                };
            }
        }
        let mut total: f64 = given.iter().sum();
        for cap in &self.caps {
            let together: f64 = cap.members.iter().map(|&at| given[at]).sum();
            if let Some((most, _)) = cap.among(bound).filter(|(most, _)| together > *most) {
                total -= together - most;
                // A sum under two caps is cut once.
                let keep = most / together;
                cap.members.iter().for_each(|&at| given[at] *= keep);
            }
        }
        total
    }

    /// Tells whether one makes up the difference to another.
    fn tops_up(&self, at: usize, other: usize) -> bool {
        self.shares[at].iter().any(|share| share.share.is_none() && share.others.contains(&other))
    }

    fn allows(&self, at: usize, set: &[bool]) -> bool {
        !self.conflicts[at].iter().any(|(other, _)| set[*other])
    }

    /// Whether everything that the members of a set need is in it.
    fn is_complete(&self, set: &[bool]) -> bool {
        (0..set.len()).filter(|&at| set[at]).all(|at| {
            self.requires[at].iter().all(|(other, _)| other.is_some_and(|other| set[other]))
        })
    }

    fn value(&self, set: &[bool]) -> (f64, f64) {
        self.value_under(set, set)
    }

    fn value_under(&self, set: &[bool], bound: &[bool]) -> (f64, f64) {
        (self.total(set, bound, Of::High), self.total(set, bound, Of::Low))
    }

    /// Chooses among all candidates; tells whether the choice is certainly the best.
    fn solve(&self) -> (Vec<usize>, bool) {
        if self.candidates.len() == 1 {
            let alone = self.requires[0].is_empty();
            return (if alone { vec![0] } else { Vec::new() }, true);
        }
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        order.sort_by(|&left, &right| {
            let key = |at: usize| (self.candidates[at].high, self.candidates[at].low);
            key(right)
                .partial_cmp(&key(left))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(left.cmp(&right))
        });
        let greedy = self.greedy(&order);
        if order.len() > EXACT {
            return (greedy, false);
        }
        let mut set = vec![false; self.candidates.len()];
        greedy.iter().for_each(|&at| set[at] = true);
        let mut search = Search {
            problem: self,
            order: &order,
            best: self.value(&set),
            chosen: greedy,
            steps: 0,
        };
        set.iter_mut().for_each(|chosen| *chosen = false);
        search.branch(0, &mut set);
        (search.chosen, search.steps <= MAX_STEPS)
    }

    /// Takes what goes with what was taken, the greatest first; then drops what lacks what it needs.
    fn greedy(&self, order: &[usize]) -> Vec<usize> {
        let mut set = vec![false; self.candidates.len()];
        for &at in order {
            let met = |(other, _): &(Option<usize>, _)| {
                other.is_some_and(|other| set[other] || self.allows(other, &set))
            };
            if self.allows(at, &set) && self.requires[at].iter().all(met) {
                set[at] = true;
            }
        }
        while !self.is_complete(&set) {
            for &at in order {
                if set[at]
                    && !self.requires[at]
                        .iter()
                        .all(|(other, _)| other.is_some_and(|other| set[other]))
                {
                    set[at] = false;
                }
            }
        }
        order.iter().copied().filter(|&at| set[at]).collect()
    }

    /// Says why a candidate was left out.
    fn why(&self, at: usize, set: &[bool]) -> Option<Excluded> {
        let conflict = self.conflicts[at].iter().find(|(other, _)| set[*other]);
        let (because_of, stack) = match conflict {
            Some((other, stack)) => (Some(*other), *stack),
            None => {
                let missing =
                    |(other, _): &&(Option<usize>, &Stack)| other.is_none_or(|other| !set[other]);
                (None, self.requires[at].iter().find(missing).map(|(_, stack)| *stack)?)
            }
        };
        Some(Excluded {
            candidate: at,
            because_of,
            rule: stack.rule,
            clause: stack.clause.clone(),
            text: stack.text.clone(),
        })
    }
}

struct Search<'a, 'b> {
    problem: &'b Problem<'a>,
    order: &'b [usize],
    best: (f64, f64),
    chosen: Vec<usize>,
    steps: usize,
}

impl Search<'_, '_> {
    /// Decides the candidate at `next` of the order, and those behind it.
    fn branch(&mut self, next: usize, set: &mut Vec<bool>) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        // What the rest could give at most, conflicts among it left aside.
        let mut hopeful = set.clone();
        for &at in &self.order[next..] {
            hopeful[at] = self.problem.allows(at, set);
        }
        // What is still open may never lessen anything.
        let (high, low) = self.problem.value_under(&hopeful, set);
        if (high, low) <= self.best {
            return;
        }
        let Some(&at) = self.order.get(next) else {
            if self.problem.is_complete(set) {
                self.best = (high, low);
                self.chosen = self.order.iter().copied().filter(|&at| set[at]).collect();
            }
            return;
        };
        if self.problem.allows(at, set) {
            set[at] = true;
            self.branch(next + 1, set);
            set[at] = false;
        }
        self.branch(next + 1, set);
    }
}

impl Form {
    fn group(&self) -> Option<&str> {
        match self {
            Form::Exclusive { group } | Form::GroupCap { group, .. } => Some(group),
            Form::ShareOf { group, .. } => group.as_deref(),
            Form::NotWith { .. } | Form::Requires { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many candidates in one component, each excluding so many of a hundred of the others; some share a cap, some
    /// make up the difference to another.
    fn tangled(count: usize, conflicts: u64, seed: u64) -> Vec<Candidate> {
        let mut state = seed;
        let mut below = |end: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % end
        };
        let stack = |form| Stack { form, clause: "第九条".into(), text: None, rule: "not_with" };
        let candidates = (0..count).map(|at| {
            let ids = (0..count).filter(|_| below(100) < conflicts);
            let ids: Vec<String> =
                ids.filter(|other| *other != at).map(|other| other.to_string()).collect();
            let mut rules = vec![stack(Form::NotWith { ids })];
            let cap = Form::GroupCap { group: "g".into(), ids: Vec::new(), cap: Some(3e6) };
            match at % 4 {
                0 => rules.push(stack(cap)),
                1 => rules.push(stack(Form::ShareOf {
                    group: None,
                    ids: vec![((at + 5) % count).to_string()],
                    share: None,
                })),
                _ => {}
            }
            let high = 1e5 * (1 + below(20)) as f64;
            Candidate { id: at.to_string(), low: 0.0, high, rules }
        });
        candidates.collect()
    }

    #[test]
    fn components_of_the_promised_size_are_solved_exactly() {
        for conflicts in [1, 3, 6, 10, 20, 40] {
            for seed in 1..=10 {
                let candidates = tangled(EXACT, conflicts, seed);
                assert!(!solve(&candidates).approximate, "{conflicts} of 100, seed {seed}");
            }
        }
        let beyond = tangled(3 * EXACT, 10, 7);
        assert!(solve(&beyond).approximate);
    }
}
