//! Verbs on workstreams.

mod create;
mod update;

pub use create::Create;
pub use update::Update;
