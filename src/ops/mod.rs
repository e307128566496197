//! Operations: one verb a file, each a pure function from *(view, context, request)* to a change.
//!
//! Nothing here reads a clock, touches a disk or prints. A refusal says what was asked, what was found and
//! what to do instead; it never advises anything that destroys work.

pub mod agent;
pub mod board;
pub mod cycle;
pub mod event;
pub mod import;
pub mod knowledge;
pub mod lock;
pub mod task;
pub mod undo;
pub mod workstream;

mod claims;
mod resolve;
mod text;

pub(crate) use text::LONGEST as LONGEST_TEXT;

#[cfg(test)]
mod fake;

/// Whether a request changed anything, or found what it wants done already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Already {
    /// It changed the board.
    Changed,
    /// It was so before: a success, and no commit.
    WasSo,
}
