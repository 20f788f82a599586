//! The lists that are subscribed to, asked afresh: what they say decides whether an alert fires.

use std::sync::Arc;

use super::subscription::Target;
use crate::engine::reverse::{Condition, Frequencies};
use crate::engine::{Engine, EngineError};
use crate::query::TokenField;
use crate::query::request::SearchRequest;
use crate::record::{RecordId, Visibility};
use crate::service::search::{SearchError, SearchService};
use crate::store::StoreError;

/// Answers as a reader without a key would get them.
pub struct Forward {
    pub search: Arc<SearchService>,
    pub engine: Arc<dyn Engine>,
}

/// The first items of a list.
pub struct First {
    /// Best first.
    pub items: Vec<RecordId>,
    /// How many of the strictest readings of the query may have given them, and how many records more than needed
    /// they found; `None` when only the widest did.
    pub settled: Option<(usize, u64)>,
    /// The last change that the answer takes into account.
    pub revision: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Forward {
    /// Asks for the first `limit` items. `today` is in days since 1970-01-01.
    pub fn first(&self, target: &Target, limit: usize, today: i32) -> Result<First, ForwardError> {
        match target {
            Target::Search(request) => {
                let request = SearchRequest { limit: Some(limit), ..(**request).clone() };
                let page = self.search.search(&request, Visibility::Public, today)?;
                let standing = self.search.standing(&request)?;
                let rung = standing
                    .rungs
                    .iter()
                    .position(|rung| rung.relaxation == page.relaxation)
                    .filter(|rung| {
                        rung + 1 < standing.rungs.len() && page.total >= standing.enough
                    });
                Ok(First {
                    items: page
                        .items
                        .iter()
                        .map(|item| RecordId::new(item.kind.clone(), item.id.clone()))
                        .collect(),
                    settled: rung.map(|rung| (rung + 1, page.total - standing.enough)),
                    revision: page.revision,
                })
            }
        }
    }

    /// A few words for what is subscribed to.
    pub fn title(&self, target: &Target) -> String {
        match target {
            Target::Search(request) => {
                let words = [&*request.q].into_iter().chain(request.filter.as_deref());
                let words: Vec<&str> =
                    words.map(str::trim).filter(|part| !part.is_empty()).collect();
                match words.is_empty() {
                    true => "全部".to_owned(),
                    false => words.join(" · ").chars().take(200).collect(),
                }
            }
        }
    }

    /// What a record must be to come into the list; with `rungs`, by the strictest so many readings of the query.
    pub fn condition(
        &self,
        target: &Target,
        rungs: Option<usize>,
    ) -> Result<Condition, ForwardError> {
        match target {
            Target::Search(request) => {
                let standing = self.search.standing(request)?;
                let rungs = rungs.unwrap_or(standing.rungs.len());
                let queries: Vec<_> =
                    standing.rungs.iter().take(rungs).map(|rung| &rung.query).collect();
                Ok(Condition::new(
                    &queries,
                    standing.filter.as_ref(),
                    &standing.selections,
                    &self.search.catalog,
                    self,
                ))
            }
        }
    }
}

impl Frequencies for Forward {
    fn with_token(&self, field: TokenField, token: &str) -> u64 {
        // Without an answer the token is taken to be rare: that costs time, never an alert.
        self.engine.num_with(field, token).unwrap_or_default()
    }

    fn num_records(&self) -> u64 {
        self.engine.num_records().unwrap_or_default()
    }
}
