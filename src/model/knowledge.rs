//! Knowledge: markdown documents that agents leave for each other.

use super::{Timestamp, Topic};

/// A document under a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// Its topic, also the path of its file without the ending.
    pub topic: Topic,
    /// The markdown, byte for byte as it was given.
    pub content: String,
    /// Who wrote it last; unknown where a person made the file by hand.
    pub updated_by: Option<String>,
    /// When; unknown where a person made the file by hand.
    pub updated_at: Option<Timestamp>,
}
