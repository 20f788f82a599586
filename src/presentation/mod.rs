//! Ranked hits -> a page of results. Pure: no I/O, no clock.

pub mod facet;
pub mod page;
pub mod snippet;
