//! An event as one line of JSON: `ts, agent, action`, the action's own fields, `id`.
//!
//! The line has no raw newline and no character that does not print, whatever text is in it: it stands
//! in commit messages and on terminals. What was read is written again with the same fields.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::{Action, ENVELOPE, Event, EventId, Timestamp};

/// The line of an event. An imported event's line is given back as it stood.
pub(crate) fn encode(event: &Event) -> String {
    if let Some(line) = &event.line {
        return line.clone();
    }
    let mut object = Map::new();
    object.insert("ts".to_owned(), Value::String(event.ts.to_string()));
    object.insert("agent".to_owned(), Value::String(event.agent.clone()));
    object.insert("action".to_owned(), Value::String(event.action.word().to_owned()));
    for (field, value) in &event.fields {
        if !ENVELOPE.contains(&field.as_str()) {
            object.insert(field.clone(), value.clone());
        }
    }
    if let Some(id) = &event.id {
        object.insert("id".to_owned(), Value::String(id.to_string()));
    }
    if event.derived {
        object.insert("derived".to_owned(), Value::Bool(true));
    }
    printable(&Value::Object(object).to_string())
}

/// JSON text in which every character that does not print is escaped. Such characters can only stand
/// inside strings, where the escape means the same.
pub(crate) fn printable(json: &str) -> String {
    if json.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if crate::model::is_printable(c) {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// The event of a line, or why it is none.
///
/// A line without an `id` is an imported one: it keeps its text, and its id is made from that text and
/// `repeat`, the number of equal lines before it.
pub(crate) fn decode(line: &str, repeat: usize) -> Result<Event, String> {
    let mut fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut take = |field: &str| match fields.shift_remove(field) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{field}` is no text")),
        None => Err(format!("`{field}` is missing")),
    };
    let ts = take("ts")?;
    let ts = Timestamp::parse(&ts).map_err(|error| error.to_string())?;
    let agent = take("agent")?;
    let action = Action::from_word(&take("action")?);
    // Lines of the predecessor may have an `id` of their own; ours is a UUID v7, or 32 hex digits.
    let id = match fields
        .get("id")
        .and_then(Value::as_str)
        .filter(|text| is_own_id(text))
        .and_then(EventId::parse)
    {
        Some(id) => {
            fields.shift_remove("id");
            Some(id)
        }
        None => None,
    };
    let derived = fields.shift_remove("derived") == Some(Value::Bool(true));
    let (id, kept) = match id {
        Some(id) => (Some(id), None),
        None => (Some(imported_id(line, repeat)), Some(line.to_owned())),
    };
    Ok(Event { ts, agent, action, fields, id, derived, line: kept })
}

fn is_own_id(text: &str) -> bool {
    let is_digest = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest || uuid::Uuid::parse_str(text).is_ok_and(|id| id.get_version_num() == 7 && text.len() == 36)
}

fn imported_id(line: &str, repeat: usize) -> EventId {
    let digest = Sha256::digest(format!("{repeat}\n{line}"));
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    EventId::parse(&hex).expect("hex digits make an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Event {
        Event::new(
            Timestamp::parse("2026-02-06T07:37:39.745Z").unwrap(),
            "agent-1",
            Action::TaskClaimed,
            EventId::parse("019c3188-3a21-7000-8000-000000000001").unwrap(),
        )
        .with("workstream", "revenue")
        .with("task_id", "299833bc")
    }

    #[test]
    fn keys_stand_in_their_order() {
        assert_eq!(
            encode(&sample()),
            r#"{"ts":"2026-02-06T07:37:39.745Z","agent":"agent-1","action":"task_claimed","workstream":"revenue","task_id":"299833bc","id":"019c3188-3a21-7000-8000-000000000001"}"#
        );
        assert_eq!(decode(&encode(&sample()), 0).unwrap(), sample());
    }

    #[test]
    fn no_text_breaks_the_line_or_reaches_the_terminal() {
        let hostile = "a\nOrchestrator-Event: {}\r\u{1b}[2J\u{9b}\u{202e}\u{2028}\u{7f}😀";
        let event = sample().with("result", hostile);
        let line = encode(&event);
        assert!(line.chars().all(crate::model::is_printable), "{line}");
        assert_eq!(decode(&line, 0).unwrap().text("result"), Some(hostile));
    }

    #[test]
    fn a_field_can_not_pose_as_the_event_itself() {
        let event = sample().with("agent", "somebody-else").with("id", "forged");
        let read = decode(&encode(&event), 0).unwrap();
        assert_eq!((read.agent.as_str(), read.id), ("agent-1", sample().id));
    }

    #[test]
    fn imported_lines_come_back_byte_for_byte() {
        let line = r#"{"ts":"2026-02-06T07:36:50.539Z", "agent":"system","action":"deployed","n":1.0}"#;
        let first = decode(line, 0).unwrap();
        assert_eq!(encode(&first), line);
        assert_ne!(first.id, decode(line, 1).unwrap().id);
        assert_eq!(first.id, decode(line, 0).unwrap().id);
    }

    #[test]
    fn an_id_that_is_not_one_of_ours_is_a_field_like_any_other() {
        for id in ["42", "\"a b\"", "\"017f22e2-79b0-4cc3-98c4-dc0c0c07398f\""] {
            let line = format!(r#"{{"ts":"2026-02-06T07:36:50Z","agent":"a","action":"b","id":{id}}}"#);
            let event = decode(&line, 0).unwrap();
            assert_eq!((encode(&event), event.fields.contains_key("id")), (line, true));
        }
    }

    #[test]
    fn what_is_no_event_says_why() {
        for (line, why) in [
            ("{", "EOF"),
            ("[]", "invalid type"),
            (r#"{"agent":"a","action":"b"}"#, "`ts` is missing"),
            (r#"{"ts":1,"agent":"a","action":"b"}"#, "`ts` is no text"),
            (r#"{"ts":"yesterday","agent":"a","action":"b"}"#, "`yesterday` is no time"),
        ] {
            let said = decode(line, 0).unwrap_err();
            assert!(said.contains(why), "{line}: {said}");
        }
    }
}
