//! What goes wrong when a board is read.

use super::{Code, Damage, Refusal};

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The entry asked for is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// Part of the repository could not be read, which is told in full.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The repository could not be read at all.
    #[error("{0}")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(damage) => Refusal::damaged(damage.into()),
            Fault::Refused(refusal) => *refusal,
            Fault::Unreadable(error) => Refusal::new(Code::Unreadable, chain(&*error)),
        }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}
