//! Search and recommendation for science-and-technology policy and the technology market.
//!
//! The modules in reading order; each uses only those before it:
//!
//! 1. [`record`]: what is stored; kinds, vocabularies, validation. No I/O.
//! 2. [`text`]: Chinese text -> tokens; [`quantity`]: values with units in texts, and what proves what.
//! 3. [`query`]: what was typed -> an engine-neutral tree.
//! 4. [`store`]: the truth and its change log; [`engine`]: retrieval.
//! 5. [`presentation`]: ranked hits -> a page; [`suggest`]: what was typed so far -> completions;
//!    [`matching`]: a record and those that fit it; [`applicability`]: whom a record applies to.
//! 6. [`service`]: where engine and store meet.
//! 7. [`config`] and [`app`]: what is set, and what is opened.
//! 8. [`http`], then [`portal`]: the API, and the pages beside it.
//! 9. [`evaluation`] (measures, standing alone) and [`cli`] (the commands).

pub mod record;

pub mod text;

pub mod quantity;

pub mod query;

pub mod store;

pub mod engine;

pub mod matching;

pub mod presentation;

pub mod suggest;

pub mod applicability;

pub mod service;

pub mod config;

pub mod app;

pub mod http;

pub mod portal;

pub mod evaluation;

pub mod cli;
