//! Where the engine and the store meet.

pub mod alerts;
pub mod applicability;
pub mod correction;
pub mod dictionaries;
pub mod feedback;
pub mod gaps;
pub mod import;
pub mod indexing;
pub mod ingest;
pub mod keys;
pub mod matches;
pub mod profiles;
pub mod review;
pub mod search;
pub mod suggest;
pub mod vectors;
pub mod versions;

pub use matches::MatchService;
pub use search::SearchService;
