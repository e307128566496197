//! Verbs on knowledge.

mod delete;
mod write;

pub use delete::{Delete, Deleted};
pub use write::Write;
