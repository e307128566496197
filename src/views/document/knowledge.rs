//! A piece of knowledge as a document.

use serde::{Deserialize, Serialize};

use crate::model::Knowledge;

/// A topic with its markdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeDocument {
    /// Its topic.
    pub topic: String,
    /// The markdown, as it was given.
    pub content: String,
    /// Who wrote it last; `null` where a person made the file by hand.
    pub updated_by: Option<String>,
    /// When; `null` where a person made the file by hand.
    pub updated_at: Option<String>,
}

impl KnowledgeDocument {
    /// The document of a piece of knowledge.
    pub fn of(knowledge: &Knowledge) -> Self {
        Self {
            topic: knowledge.topic.to_string(),
            content: knowledge.content.clone(),
            updated_by: knowledge.updated_by.clone(),
            updated_at: knowledge.updated_at.map(|at| at.to_string()),
        }
    }
}

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDocument {
    /// The topic.
    pub topic: String,
    /// Who wrote it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, knowledge};

    #[test]
    fn knowledge_has_four_keys() {
        let document = KnowledgeDocument::of(&knowledge("api-design", "Use REST\n", "agent-1", at(1)));
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"topic":"api-design","content":"Use REST\n","updated_by":"agent-1","updated_at":"2026-02-06T12:01:00.000Z"}"#
        );
        assert_eq!(serde_json::from_str::<KnowledgeDocument>(&text).unwrap(), document);
        let mut by_hand = knowledge("notes", "", "ada", at(1));
        (by_hand.updated_by, by_hand.updated_at) = (None, None);
        assert_eq!(
            serde_json::to_string(&KnowledgeDocument::of(&by_hand)).unwrap(),
            r#"{"topic":"notes","content":"","updated_by":null,"updated_at":null}"#
        );
    }
}
