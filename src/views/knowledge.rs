//! What agents know: one document, or all topics.

use crate::model::{Fault, Reading, Timestamp, Topic, Unread, View};

use super::document::{KnowledgeDocument, TopicDocument};

/// One document, if it is there.
pub fn read(view: &dyn View, topic: &Topic) -> Result<Option<KnowledgeDocument>, Fault> {
    Ok(view.knowledge(topic)?.map(|knowledge| KnowledgeDocument::of(&knowledge)))
}

/// All topics, sorted, with who wrote them last and when. One whose file is damaged has neither, and is unread.
pub fn list(view: &dyn View) -> Result<Reading<Vec<TopicDocument>>, Fault> {
    let mut unread = Unread::default();
    let mut documents = Vec::new();
    for topic in view.topics()?.note(&mut unread) {
        let known = unread.try_note(view.knowledge(&topic))?;
        let (updated_by, updated_at) =
            known.map_or((None, None), |known| (known.updated_by, known.updated_at));
        let updated_at = updated_at.map(|at: Timestamp| at.to_string());
        documents.push(TopicDocument { topic: topic.to_string(), updated_by, updated_at });
    }
    Ok(Reading::of(documents, unread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Damage;
    use crate::views::fake::Board;

    #[test]
    fn a_damaged_document_is_listed_by_its_topic_alone() {
        let mut board = Board::default().knows("payments", "USDC").knows("api-design", "REST");
        board.damage = vec![Damage {
            path: ".orchestrator/knowledge/payments.md".to_owned(),
            line: 2,
            column: 1,
            why: "no front matter".to_owned(),
        }];
        let (list, unread) = list(&board).unwrap().parts();
        assert_eq!(unread.into_damage(), board.damage);
        assert_eq!(list[0].updated_by.as_deref(), Some("agent-9"));
        assert_eq!((list[1].topic.as_str(), &list[1].updated_by), ("payments", &None));
        assert!(matches!(read(&board, &Topic::parse("payments").unwrap()), Err(Fault::Damaged(_))));
        assert_eq!(read(&board, &Topic::parse("nothing").unwrap()).unwrap(), None);
    }
}
