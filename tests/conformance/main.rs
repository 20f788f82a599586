//! What every backend promises, one function a promise.

mod like;
mod search;
mod store;
