//! `events.jsonl`: one event a line, kept as it stands.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::codec::event;
use crate::model::{Event, EventId, Timestamp};

use super::Problem;
use super::entity::{Report, Source};
use super::json::{self, Value};

/// The events of a file. Blank lines count for places and for nothing else; blanks around a line, a
/// carriage return among them, are not part of it.
pub(super) fn read(name: &str, bytes: &[u8], report: &mut Report) -> Vec<Event> {
    let source = match Source::new(name, bytes) {
        Ok(source) => source,
        Err(problem) => {
            report.problems.push(*problem);
            return Vec::new();
        }
    };
    let mut events: Vec<Event> = Vec::new();
    // Events with an id of their own count once, so a second one of that id would be lost.
    let mut ids: HashMap<EventId, usize> = HashMap::new();
    for (index, line) in source.text.split('\n').enumerate() {
        if line.trim_matches(is_blank).is_empty() {
            continue;
        }
        match one(name, index + 1, line) {
            Ok((event, id)) => {
                let first = id.clone().and_then(|id| ids.insert(id, index + 1));
                if let (Some(id), Some(first)) = (id, first) {
                    let line = Source::line(name, index + 1, line);
                    let why = format!("`{id}` is the id of line {first} already");
                    report.problems.push(line.problem(0, "id", why));
                }
                events.push(event);
            }
            Err(problems) => report.problems.extend(problems),
        }
    }
    events
}

/// JSON's own blanks; no other character can stand around a value.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

/// The event of a line, and its own id where it has one.
fn one(name: &str, number: usize, line: &str) -> Result<(Event, Option<EventId>), Vec<Problem>> {
    let source = Source::line(name, number, line);
    let node = json::parse(line).map_err(|flaws| {
        flaws.into_iter().map(|flaw| source.problem(flaw.at, "", flaw.why)).collect::<Vec<_>>()
    })?;
    let Value::Object(members) = &node.value else {
        let why = format!("expected an object, found {}", node.kind());
        return Err(vec![source.problem(node.at, "", why)]);
    };
    let mut problems = Vec::new();
    for key in ["ts", "agent", "action"] {
        let member = members.iter().find(|member| member.key == key);
        let (at, why) = match member.map(|member| &member.node) {
            None => (node.at, "is missing".to_owned()),
            Some(node) => match &node.value {
                Value::Text(text) if key == "ts" => match Timestamp::parse(text) {
                    Ok(_) => continue,
                    Err(bad) => (node.at, format!("`{}` is no {}", text.escape_debug(), bad.wanted)),
                },
                Value::Text(_) => continue,
                _ => (node.at, format!("expected a text, found {}", node.kind())),
            },
        };
        problems.push(source.problem(at, key, why));
    }
    let line = line.trim_matches(is_blank);
    if line.contains('\r') {
        problems.push(source.problem(node.at, "", "a carriage return stands inside the line"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // What is committed must be read from there again, by the same code.
    let mut event = event::decode(line, 0).map_err(|why| vec![source.problem(node.at, "", why)])?;
    let own = event.id.take().filter(|_| event.line.is_none());
    if let Some(id) = &own {
        event.fields.insert("id".to_owned(), Json::String(id.to_string()));
    }
    event.line = Some(line.to_owned());
    Ok((event, own))
}
