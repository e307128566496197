//! Verbs on tasks.

mod add;
mod block;
mod cancel;
mod claim;
mod complete;
pub(super) mod dependencies;
mod next;
mod release;
mod reopen;
mod unblock;
mod update;

#[cfg(test)]
mod transitions;

pub use add::Add;
pub use block::Block;
pub use cancel::Cancel;
pub use claim::{Claim, TakeOver};
pub use complete::Complete;
pub use next::{Next, NextTask, Waiting};
pub use release::{Release, Whose};
pub use reopen::Reopen;
pub use unblock::Unblock;
pub use update::Update;

use super::Already;
use crate::model::{Landing, Record, SeenTask, Task};

/// What the verbs on one task tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The task as it is now.
    pub task: SeenTask,
    /// Whether this request changed it.
    pub already: Already,
}

impl Told {
    /// The task after a change on this board.
    fn changed(task: Task, record: Option<Record>) -> Self {
        let task = SeenTask { task, landing: Landing::Here, record };
        Self { task, already: Already::Changed }
    }

    /// The task, which was so before.
    fn was_so(task: SeenTask) -> Self {
        Self { task, already: Already::WasSo }
    }
}
