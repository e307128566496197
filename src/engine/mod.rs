//! The loop: a request comes in, an outcome goes out.
//!
//! What the command line and library calls need of the floors below (import, export, templates, set-up of
//! a board) is offered here, so that they never touch git or files themselves.

mod acquire;
mod batch;
mod blend;
mod ci;
mod cycle;
mod doctor;
mod env;
mod exchange;
mod git_wrapper;
mod init;
mod library;
mod merge;
mod merge_driver;
mod options;
mod orchestrator;
mod outlet;
mod overlay;
mod past;
mod pending;
mod review;
mod templates;
mod turned;
mod verify;

pub(crate) use crate::git::bounded;
pub use crate::merge::Markers;
pub use ci::{CiHost, Planted, plant_ci};
pub use doctor::{Mend, examine, renew_archive};
pub use env::Env;
pub(crate) use env::variable_os;
pub use exchange::{Damaged, DataFiles, ImportDone, Missing, Renaming, Slugify, read_data};
pub use git_wrapper::run_git;
pub use init::{Initialised, init, init_from};
pub use merge::{MergedFile, Method, Versions, merge_file};
pub use merge_driver::{Driven, drive};
pub use options::Options;
pub use orchestrator::{Done, Orchestrator};
pub use outlet::Outlet;
pub(crate) use past::unchangeable;
pub use review::{check, diff};
pub use verify::{SignaturePolicy, VerifyRequest};
