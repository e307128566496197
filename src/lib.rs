//! Coordination of many agents in one git repository, with nothing but git.
//!
//! Workstreams, tasks and knowledge are small files under `.orchestrator/`. Every mutation is one commit,
//! git history is the event log, and commits that refs point at are the locks. Claims are exclusive across
//! all worktrees and branches of a repository; what a user has staged, modified or left untracked is not
//! touched.
//!
//! ```
//! use orchestrator::engine::{Env, Options, init};
//! use orchestrator::model::{AgentId, Priority, Refusal, TaskRef, WorkstreamName};
//!
//! # fn repository() -> tempfile::TempDir {
//! #     let directory = tempfile::tempdir().unwrap();
//! #     let git = std::process::Command::new("git").args(["init", "-q"]).arg(directory.path()).status();
//! #     assert!(git.unwrap().success());
//! #     directory
//! # }
//! # fn main() -> Result<(), Refusal> {
//! # let repository = repository();
//! let board = init(Options::new(repository.path()), Env::from_process())?.board;
//!
//! let revenue = WorkstreamName::parse("revenue")?;
//! board.create_workstream(&revenue, "Revenue generation", Priority(1))?;
//! board.add_task(&revenue, "Add payments to API", "Integrate USDC", Priority(1))?;
//!
//! let agent = AgentId::parse("agent-1")?;
//! let task = board.next_task(&revenue, &agent)?.require()?.expect("one is pending");
//! assert_eq!(task.assigned_to.as_deref(), Some("agent-1"));
//!
//! let done = board.complete_task(&revenue, &TaskRef::parse(&task.id)?, Some("Done"))?;
//! assert_eq!(done.status, "done");
//! assert_eq!(board.status()?.require()?.version, 4);
//! # Ok(())
//! # }
//! ```
//!
//! The simple calls are methods of [`engine::Orchestrator`], named after the functions of the program that
//! this one succeeds. Everything that can be asked for is a request in [`ops`], run by
//! [`engine::Orchestrator::run`]; everything that can be told is a document in [`views`].

pub mod cli;
pub mod engine;
pub mod merge;
pub mod model;
pub mod ops;
pub mod views;

mod codec;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod git;
mod proof;
mod store;
