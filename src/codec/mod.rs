//! Files, commits and foreign formats: bytes to values and back. Nothing here touches a disk.

pub(crate) mod event;
pub(crate) mod message;
pub(crate) mod path;
pub(crate) mod record;
pub(crate) mod ref_name;
