//! Hits -> ordered and explained.
