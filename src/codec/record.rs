//! Records as commit messages: a readable subject, `Orchestrator-Record` with what the record says, and
//! the event it carries.
//!
//! Whatever can't be read becomes [`Standing::Unreadable`], which counts as held by somebody unknown: a
//! lock that nobody understands must not be taken.

use serde::{Deserialize, Serialize};

use crate::model::{
    AgentId, BoardPoint, Event, Finish, Nonce, Record, RecordKey, Resource, Span, Standing, TaskId, Timestamp,
};

use super::message;

const RECORD: &str = "Orchestrator-Record";

/// The keys of the wire, in their order.
#[derive(Serialize, Deserialize)]
struct Wire {
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    board_commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    nonce: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    Free,
    Completed,
    Cancelled,
}

/// The commit message of a record.
pub(crate) fn encode(record: &Record, subject: &str) -> String {
    let mut wire = Wire {
        state: State::Free,
        task_id: None,
        resource: None,
        agent: None,
        epoch: record.epoch,
        since: None,
        ttl_ms: None,
        reason: record.reason.clone(),
        board_commit: record.board.as_ref().map(|point| point.commit.clone()),
        branch: record.board.as_ref().and_then(|point| point.branch.clone()),
        nonce: record.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
    };
    match &record.key {
        RecordKey::Claim(id) => wire.task_id = Some(id.to_string()),
        RecordKey::Lock(resource) => wire.resource = Some(resource.to_string()),
    }
    match &record.standing {
        Standing::Held { agent, since, ttl } => {
            wire.state = State::Held;
            wire.agent = Some(agent.to_string());
            wire.since = Some(since.to_string());
            wire.ttl_ms = ttl.map(Span::millis);
        }
        Standing::Completed { agent, at, finish, .. } => {
            wire.state = match finish {
                Finish::Done => State::Completed,
                Finish::Cancelled => State::Cancelled,
            };
            wire.agent = Some(agent.to_string());
            wire.since = Some(at.to_string());
        }
        Standing::Free | Standing::Unreadable { .. } => {}
    }
    let json = super::event::printable(&serde_json::to_string(&wire).unwrap_or_default());
    let json = super::host::json(&json);
    let events: Vec<Event> = record.event.iter().cloned().collect();
    message::encode(subject, "", &[(RECORD, &json)], &events)
}

/// What the commit `commit` with this message says about `key`; without a key (a lock whose ref name was
/// cut), the key that the message itself names.
pub(crate) fn decode(text: &str, key: Option<&RecordKey>, commit: &str) -> Option<Record> {
    let read = try_decode(text, key);
    match (read, key) {
        (Ok(mut record), _) => {
            record.commit = Some(commit.to_owned());
            Some(record)
        }
        (Err(why), Some(key)) => {
            Some(Record { commit: Some(commit.to_owned()), ..unreadable(key.clone(), why) })
        }
        (Err(_), None) => None,
    }
}

/// A record that can't be read.
pub(crate) fn unreadable(key: RecordKey, why: impl Into<String>) -> Record {
    Record {
        key,
        standing: Standing::Unreadable { why: why.into() },
        epoch: 0,
        nonce: None,
        reason: None,
        event: None,
        board: None,
        commit: None,
    }
}

fn try_decode(text: &str, key: Option<&RecordKey>) -> Result<Record, String> {
    let json = message::values(text, RECORD).next().ok_or("its commit has no Orchestrator-Record line")?;
    let wire: Wire = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let named = match (&wire.task_id, &wire.resource) {
        (Some(id), None) => RecordKey::Claim(TaskId::parse(id).ok_or("its task id is none")?),
        (None, Some(name)) => RecordKey::Lock(Resource::parse(name).map_err(|bad| bad.to_string())?),
        _ => return Err("it names neither a task nor a resource".to_owned()),
    };
    if key.is_some_and(|key| *key != named) {
        return Err("it is about something else than its ref".to_owned());
    }
    let (events, _) = message::events(text);
    let event = events.into_iter().next();
    let agent = || {
        let text = wire.agent.as_deref().ok_or("it names no agent")?;
        AgentId::parse(text).map_err(|bad| bad.to_string())
    };
    let since = || {
        let text = wire.since.as_deref().ok_or("it says no time")?;
        Timestamp::parse(text).map_err(|bad| bad.to_string())
    };
    let told = |field: &str| event.as_ref().and_then(|event| event.text(field)).map(str::to_owned);
    let standing = match wire.state {
        State::Free => Standing::Free,
        State::Held => {
            Standing::Held { agent: agent()?, since: since()?, ttl: wire.ttl_ms.map(Span::from_millis) }
        }
        State::Completed => Standing::Completed {
            agent: agent()?,
            at: since()?,
            finish: Finish::Done,
            result: told("result"),
        },
        State::Cancelled => Standing::Completed {
            agent: agent()?,
            at: since()?,
            finish: Finish::Cancelled,
            result: told("reason"),
        },
    };
    Ok(Record {
        key: named,
        standing,
        epoch: wire.epoch,
        nonce: wire.nonce.as_deref().and_then(Nonce::parse),
        reason: wire.reason,
        event,
        board: wire.board_commit.map(|commit| BoardPoint { commit, branch: wire.branch }),
        commit: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, EventId};

    fn at() -> Timestamp {
        Timestamp::parse("2026-02-06T07:37:39.745Z").unwrap()
    }

    fn record(key: RecordKey, standing: Standing) -> Record {
        let event = Event::new(
            at(),
            "agent-1",
            Action::TaskCompleted,
            EventId::parse("019c3188-3a21-7000-8000-000000000001").unwrap(),
        )
        .with("result", "two\nlines");
        Record {
            key,
            standing,
            epoch: 3,
            nonce: Nonce::parse(&"ab".repeat(16)),
            reason: Some("deploy \u{1b} now".to_owned()),
            event: Some(event),
            board: Some(BoardPoint { commit: "a".repeat(40), branch: Some("feat-a".to_owned()) }),
            commit: None,
        }
    }

    #[test]
    fn every_standing_comes_back() {
        let agent = AgentId::parse("agent-1").unwrap();
        let claim = RecordKey::Claim(TaskId::parse("299833bc").unwrap());
        let lock = RecordKey::Lock(Resource::parse("src/main.rs").unwrap());
        let result = Some("two\nlines".to_owned());
        for standing in [
            Standing::Free,
            Standing::Held { agent: agent.clone(), since: at(), ttl: Some(Span::from_secs(60)) },
            Standing::Held { agent: agent.clone(), since: at(), ttl: None },
            Standing::Completed { agent, at: at(), finish: Finish::Done, result },
        ] {
            for key in [&claim, &lock] {
                let written = record(key.clone(), standing.clone());
                let text = encode(&written, "claim");
                let read = decode(&text, Some(key), "c0ffee").unwrap();
                assert_eq!(read, Record { commit: Some("c0ffee".to_owned()), ..written });
            }
        }
    }

    #[test]
    fn what_can_not_be_read_counts_as_held_by_somebody_unknown() {
        let claim = RecordKey::Claim(TaskId::parse("299833bc").unwrap());
        let other = RecordKey::Claim(TaskId::parse("00000000").unwrap());
        let good = encode(&record(other, Standing::Free), "release");
        for text in ["", "x\n\nOrchestrator-Record: {\"state\":\"stolen\"}", "Orchestrator-Record: {", &good]
        {
            let read = decode(text, Some(&claim), "c0ffee").unwrap();
            assert!(matches!(read.standing, Standing::Unreadable { .. }), "{text}");
            assert_eq!(read.commit.as_deref(), Some("c0ffee"));
        }
    }
}
