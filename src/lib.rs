//! Coordination of many agents in one git repository, with nothing but git.

pub mod cli;
pub mod engine;
pub mod model;
pub mod ops;
pub mod views;

mod codec;
mod git;
mod store;
