//! A document.

use crate::model::Knowledge;

use super::Merged;
use super::fields::Fields;

/// Merges two versions of a document: the text line by line, and who wrote it last. `base` is none where both
/// sides have begun it.
pub fn knowledge(base: Option<&Knowledge>, ours: &Knowledge, theirs: &Knowledge) -> Merged<Knowledge> {
    let mut fields = Fields::default();
    let content =
        fields.text("content", base.map_or("", |one| one.content.as_str()), &ours.content, &theirs.content);
    let stamp = |one: &Knowledge| (one.updated_at, one.updated_by.clone());
    let (old, one, two) = (base.map(stamp), stamp(ours), stamp(theirs));
    // Every writing stamps the document: the later stamp is right, whoever it is by.
    let (updated_at, updated_by) = if old.as_ref() == Some(&one) {
        two
    } else if old.as_ref() == Some(&two) {
        one
    } else {
        one.max(two)
    };
    let value = Knowledge { topic: ours.topic.clone(), content, updated_by, updated_at };
    Merged { value, conflicts: fields.conflicts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, Topic};

    #[test]
    fn texts_are_merged_by_lines_and_the_later_stamp_stays() {
        let of = |content: &str, by: &str, at: &str| Knowledge {
            topic: Topic::parse("api").unwrap(),
            content: content.into(),
            updated_by: Some(by.into()),
            updated_at: Timestamp::parse(at).ok(),
        };
        let base = of("a\nb\nc\n", "x", "2026-02-06T07:00:00Z");
        let ours = of("A\nb\nc\n", "y", "2026-02-06T09:00:00Z");
        let theirs = of("a\nb\nC\n", "z", "2026-02-06T08:00:00Z");
        let expected = of("A\nb\nC\n", "y", "2026-02-06T09:00:00Z");
        for (one, two) in [(&ours, &theirs), (&theirs, &ours)] {
            assert_eq!(
                knowledge(Some(&base), one, two),
                Merged { value: expected.clone(), conflicts: vec![] }
            );
        }
        assert_eq!(knowledge(None, &ours, &theirs).conflicts, ["content"]);
    }
}
