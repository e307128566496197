//! Coordination of many agents in one git repository, with nothing but git.

pub mod engine;
pub mod model;

mod codec;
mod git;
mod store;
