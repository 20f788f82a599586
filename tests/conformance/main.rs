//! What every backend promises, one function a promise.

mod search;
mod store;
