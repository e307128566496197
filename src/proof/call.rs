//! One call: what was asked, when, and what was answered.

use std::time::Duration;

/// What an agent asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A new task with this title.
    Add(String),
    /// The best task.
    Next,
    /// This task.
    Claim(String),
    /// Give a task back that was claimed with this epoch.
    Release(String, u64),
    /// Complete a task with this epoch.
    Complete(String, u64),
    /// A lock.
    Acquire(String),
    /// A lock, waiting in line for it.
    Queue(String),
    /// Give a lock back that was acquired with this epoch, as far as the agent knows.
    Unlock(String, Option<u64>),
    /// Write a document.
    Write(String),
    /// Look only.
    Read,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A task that now is, or was given: its id and epoch.
    Task(String, u64),
    /// A lock that is held, with its epoch.
    Lock(u64),
    /// Done, and nothing to tell.
    Done,
    /// No, and who has it, where the answer says so.
    No(Option<String>),
    /// Try again: nothing was changed.
    Contended,
    /// The process was killed: it may have happened or not.
    Killed,
    /// What must never be: an exit code or text that fits nothing.
    Strange(String),
}

/// A call that has ended. Times count from the beginning of its round, on one monotonic clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who.
    pub agent: String,
    /// Which board it worked on; none = one that all others started from.
    pub board: Option<usize>,
    /// What.
    pub ask: Ask,
    /// Before the process was started.
    pub start: Duration,
    /// After it had ended.
    pub end: Duration,
    /// The answer.
    pub answer: Answer,
}

impl Call {
    /// Whether it may have changed something.
    pub fn may_have_happened(&self) -> bool {
        matches!(self.answer, Answer::Task(..) | Answer::Lock(_) | Answer::Done | Answer::Killed)
    }

    /// Whether it surely changed something, and what.
    pub fn is_acknowledged(&self) -> bool {
        matches!(self.answer, Answer::Task(..) | Answer::Lock(_) | Answer::Done)
    }
}
