//! Verbs on locks. They touch records only: no board, no index, no worktree.

mod acquire;
mod release;

pub use acquire::{Acquire, Grant};
pub use release::{Force, Freed, Release};

use crate::model::{Code, Record, Refusal, Standing};

/// The holder as people read it.
pub(super) fn holder_words(record: &Record) -> String {
    match &record.standing {
        Standing::Held { agent, .. } => format!("`{agent}`"),
        Standing::Unreadable { why } => format!("somebody unknown (its record can't be read: {why})"),
        Standing::Free | Standing::Completed { .. } => "nobody".to_owned(),
    }
}

fn usage(message: String, hint: &str) -> Refusal {
    Refusal::new(Code::Usage, message).hint(hint)
}
