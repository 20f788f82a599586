//! Where the engine and the store meet.

pub mod alerts;
pub mod import;
pub mod indexing;
pub mod ingest;
pub mod keys;
pub mod search;
pub mod suggest;

pub use search::SearchService;
