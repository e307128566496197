//! `knowledge/<topic>.md`: front matter (who wrote it, when), then the markdown as it was given.
//!
//! A file that a person made by hand needs no front matter.

use crate::model::{Knowledge, Sheet, Topic};

use super::Problem;
use super::entry::{read_optional_stamp, rewrite, stamp, unwritable};
use super::front_matter::Page;
use super::yaml::{Document, Value};

/// The document in these bytes, which are the file of `topic`.
pub(crate) fn decode(bytes: &[u8], topic: &Topic) -> Result<Knowledge, Problem> {
    let page = Page::parse(bytes)?;
    let fields = page.front.fields();
    let content = String::from_utf8(page.body.clone()).map_err(|error| {
        let sound = &page.body[..error.utf8_error().valid_up_to()];
        let line = sound.iter().filter(|byte| **byte == b'\n').count();
        let above = bytes[..bytes.len() - page.body.len()].iter().filter(|byte| **byte == b'\n').count();
        Problem { line: above + line + 1, column: 1, why: "is not UTF-8".to_owned() }
    })?;
    Ok(Knowledge {
        topic: topic.clone(),
        content,
        updated_by: fields.optional_text("updated_by")?,
        updated_at: read_optional_stamp(&fields, "updated_at")?,
    })
}

/// The bytes of a document; of the front matter in `old`, only the lines of what differs are rewritten.
pub(crate) fn encode(knowledge: &Knowledge, old: Option<&[u8]>) -> Result<Vec<u8>, Problem> {
    let mut page = match old {
        Some(old) => Page::parse(old)?,
        None => Page::new(Document::new(), Vec::new()),
    };
    rewrite(
        &mut page.front,
        &[
            ("updated_by", knowledge.updated_by.clone().map(Value::Text)),
            ("updated_at", knowledge.updated_at.map(stamp)),
        ],
    )?;
    page.body = knowledge.content.clone().into_bytes();
    page.to_bytes().map_err(unwritable)
}

/// The rows of a document's front matter.
pub(crate) fn front(bytes: &[u8]) -> Result<Sheet, Problem> {
    Ok(Page::parse(bytes)?.front.sheet())
}

/// A document with other front matter, which must be readable, or none.
pub(crate) fn with_front(bytes: &[u8], front: &str) -> Result<Vec<u8>, Problem> {
    let mut page = Page::parse(bytes)?;
    page.front = Document::parse(front.as_bytes())?;
    page.to_bytes().map_err(unwritable)
}

/// A document with other text in the place of its front matter and of its content, readable or not.
pub(crate) fn with_texts(bytes: &[u8], front: &str, content: &[u8]) -> Result<Vec<u8>, Problem> {
    let page = Page::parse(bytes)?;
    let above = &bytes[..bytes.len() - page.body.len()];
    let old = page.front.as_str();
    // The front matter is all that stands between the first line above and the last.
    let start = above.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = start + old.len();
    let mut text = above[..start].to_vec();
    text.extend_from_slice(front.as_bytes());
    text.extend_from_slice(above.get(end..).unwrap_or_default());
    text.extend_from_slice(content);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn topic() -> Topic {
        Topic::parse("api-design").unwrap()
    }

    #[test]
    fn content_is_kept_byte_for_byte() {
        for content in
            ["", "# Title\n", "no end", "---\nfront: like\n---\n", "\r\n\r\n", "---\n", "a\u{1b}b\n"]
        {
            for (by, at) in
                [(None, None), (Some("agent-1"), Timestamp::parse("2026-02-06T07:37:39.745Z").ok())]
            {
                let knowledge = Knowledge {
                    topic: topic(),
                    content: content.to_owned(),
                    updated_by: by.map(str::to_owned),
                    updated_at: at,
                };
                let bytes = encode(&knowledge, None).unwrap();
                assert_eq!(decode(&bytes, &topic()).unwrap(), knowledge, "{content:?}");
                assert_eq!(encode(&knowledge, Some(&bytes)).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_person_s_own_front_matter_stays() {
        let file = b"---\ntags: [a]\nupdated_by: ada # me\n---\nold\n";
        let mut knowledge = decode(file, &topic()).unwrap();
        knowledge.content = "new\n".to_owned();
        let text = String::from_utf8(encode(&knowledge, Some(file)).unwrap()).unwrap();
        assert_eq!(text, "---\ntags: [a]\nupdated_by: ada # me\n---\nnew\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_line() {
        let problem = decode(b"---\nupdated_by: a\n---\nok\n\xff\n", &topic()).unwrap_err();
        assert_eq!((problem.line, problem.why.as_str()), (5, "is not UTF-8"));
    }
}
