//! Files, commits and foreign formats: bytes to values and back. Nothing here touches a disk.

pub(crate) mod agent;
mod entry;
pub(crate) mod event;
mod front_matter;
mod host;
pub(crate) mod knowledge;
#[cfg(test)]
mod laws;
pub(crate) mod message;
pub(crate) mod packed;
pub(crate) mod path;
pub(crate) mod predecessor;
pub(crate) mod record;
pub(crate) mod ref_name;
pub(crate) mod settings;
pub(crate) mod sheet;
pub(crate) mod task;
pub(crate) mod workstream;
mod yaml;

pub(crate) use entry::place_of;
pub(crate) use yaml::Problem;
