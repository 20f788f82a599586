//! Where the engine and the store meet.

pub mod alerts;
pub mod dictionaries;
pub mod import;
pub mod indexing;
pub mod ingest;
pub mod keys;
pub mod matches;
pub mod search;
pub mod suggest;

pub use matches::MatchService;
pub use search::SearchService;
