//! Coordination of many agents in one git repository, with nothing but git.

pub mod engine;
pub mod model;
pub mod ops;

mod codec;
mod git;
mod store;
