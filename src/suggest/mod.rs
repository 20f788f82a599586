//! Completions and corrections, from lists that are kept in memory. Pure: reads no store and asks no engine.
//!
//! - `index`: the texts that may be offered, found by what was typed so far.
//! - `unit`, `pattern` and `sorted`: how a text is compared, what typing may mean, and the lists that find it fast.

mod index;
mod pattern;
mod sorted;
pub mod spelling;
mod unit;

pub use index::{Merge, Offer, Source, SuggestIndex, Suggestion};
pub use pattern::Pattern;
pub use unit::is_unit;
