//! Where in a record a query is looked for.

use serde::{Deserialize, Serialize};

use super::ladder::{Ladder, Relaxation, Rung};
use super::{Measure, Part, Query, Signal, TokenField, WeightedTerm};

/// Where a query is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// In every text, and among codes.
    #[default]
    All,
    /// In titles alone.
    Title,
    /// Among codes alone: numbers of documents, patents and the like, and parts of them.
    Code,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::All, Scope::Title, Scope::Code];

    pub fn name(self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Title => "title",
            Scope::Code => "code",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    pub fn is_everything(&self) -> bool {
        *self == Scope::All
    }
}

impl Ladder {
    /// Narrows every rung to `scope`.
    pub fn within(mut self, scope: Scope) -> Self {
        match scope {
            Scope::All => {}
            Scope::Title => self.rungs.iter_mut().for_each(in_titles),
            Scope::Code => {
                // A code is there or not: there is nothing to relax.
                self.rungs.truncate(1);
                for rung in &mut self.rungs {
                    rung.relaxation = Relaxation::Exact;
                    rung.query = of_codes(&rung.query, &self.codes);
                    rung.parts.clear();
                    rung.rankers
                        .retain(|ranker| !matches!(ranker.measure, Measure::Matches { .. }));
                }
            }
        }
        self
    }
}

fn in_titles(rung: &mut Rung) {
    rung.query = of_titles(&rung.query);
    rung.parts.retain_mut(|part: &mut Part| {
        // What is looked for in titles counts as everything else does, and not once more.
        let is_own = part.signal != Signal::Title;
        part.terms.retain_mut(|term: &mut WeightedTerm| match term.field {
            TokenField::TitleWords | TokenField::TitleGrams | TokenField::TitleChars => false,
            field => field.of_titles().is_some_and(|field| {
                term.field = field;
                true
            }),
        });
        is_own && !part.terms.is_empty()
    });
    for ranker in &mut rung.rankers {
        match &mut ranker.measure {
            // Conditions are met by values, wherever the words are.
            Measure::Matches { queries, base } if *base == 0.0 => {
                *queries = queries.iter().map(of_titles).collect();
            }
            _ => {}
        }
    }
}

fn of_codes(query: &Query, codes: &Query) -> Query {
    match query {
        Query::All => Query::All,
        Query::Without { keep, drop } => {
            Query::Without { keep: Box::new(of_codes(keep, codes)), drop: drop.clone() }
        }
        _ => codes.clone(),
    }
}

/// The same question of titles alone; what is no text is in none.
fn of_titles(query: &Query) -> Query {
    let all = |clauses: &[Query]| clauses.iter().map(of_titles).collect::<Vec<_>>();
    match query {
        Query::Term { field, token, boost } => match field.of_titles() {
            Some(field) => Query::Term { field, token: token.clone(), boost: *boost },
            None => Query::Nothing,
        },
        Query::Phrase { field, tokens } => match field.of_titles() {
            Some(field) => Query::Phrase { field, tokens: tokens.clone() },
            None => Query::Nothing,
        },
        Query::And(clauses) => Query::And(all(clauses)),
        Query::Or { clauses, minimum } => Query::Or { clauses: all(clauses), minimum: *minimum },
        Query::Best(clauses) => Query::Best(all(clauses)),
        // What a word means is not what a title says.
        Query::Filter(_) => Query::Nothing,
        Query::Prefer { keep, wishes, boost } => {
            Query::Prefer { keep: Box::new(of_titles(keep)), wishes: wishes.clone(), boost: *boost }
        }
        Query::Without { keep, drop } => {
            Query::Without { keep: Box::new(of_titles(keep)), drop: all(drop) }
        }
        Query::All => Query::All,
        Query::Nothing => Query::Nothing,
    }
}
