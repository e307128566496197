//! The parsers of foreign bytes, for fuzzers: each takes any bytes and checks what has to hold.
//!
//! Compiled for tests and for a fuzzer (`--cfg fuzzing`, see `tests/fuzz`) only. The tests give each parser a
//! sound file, cut at every byte and with every byte changed.

use std::path::Path;

use crate::codec::predecessor::{Input, Options, read};
use crate::codec::{agent, knowledge, message, path, record, settings, task, workstream};
use crate::git::Index;
use crate::model::{AgentId, RecordKey, Resource, Span, TaskId, Timestamp, Topic, WorkstreamName};

/// A parser's name, what is checked, and a sound input.
pub struct Target {
    /// Such as `task`.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub check: fn(&[u8]),
    /// Bytes that are accepted.
    pub sound: &'static [u8],
}

/// Every parser.
pub const TARGETS: [Target; 11] = [
    Target {
        name: "task",
        check: check_task,
        sound: b"id: 299833bc\nworkstream: revenue\ntitle: Add payments\nstatus: in_progress\nassigned_to: agent-1\n\
epoch: 1\nclaimed_at: 2026-02-06T07:37:39.745Z\ncompleted_at: null\npriority: 1\nestimate: null\ndepends_on: []\n\
labels:\n  - 'a, b'\ncreated_at: 2026-02-06T07:36:59.474Z # then\ncreated_by: system\ndescription: |\n  Two\n  lines\n\
result: \"\\e\"\n",
    },
    Target {
        name: "workstream",
        check: check_workstream,
        sound: b"name: revenue\nstatus: active\npriority: 1\ncreated_at: 2026-02-06T07:36:50.538Z\n\
created_by: system\ndescription: Revenue generation\n",
    },
    Target {
        name: "agent",
        check: check_agent,
        sound: b"id: agent-1\ntype: worker\nstatus: active\ncapabilities:\n  - rust\n\
registered_at: 2026-02-06T07:37:03.628Z\nimported:\n  last_seen: '2026'\n",
    },
    Target {
        name: "knowledge",
        check: check_knowledge,
        sound: b"---\nupdated_by: agent-1\nupdated_at: 2026-02-06T07:37:03.628Z\n---\n# Title\n\xc3\xa9\n",
    },
    Target {
        name: "settings",
        check: check_settings,
        sound: b"format: 1\nboard: orchestrator\nclaims:\n  stale_after: 1h\n  expire: false\nlocks: {ttl: 60s}\n",
    },
    Target {
        name: "message",
        check: check_message,
        sound: b"orchestrator: claim 299833bc\n\nOrchestrator-Record: {\"state\":\"held\",\"task_id\":\"299833bc\",\
\"agent\":\"agent-1\",\"epoch\":1,\"since\":\"2026-02-06T07:37:39.745Z\",\"nonce\":\"00000000000000000000000000000001\"}\n\
Orchestrator-Event: {\"ts\":\"2026-02-06T07:37:39.745Z\",\"agent\":\"agent-1\",\"action\":\"task_claimed\",\"epoch\":1}\n",
    },
    Target {
        name: "state",
        check: check_state,
        sound: br#"{"version":1,"workstreams":{"w":{"name":"w","description":"","priority":1,"status":"active",
"tasks":[{"id":"299833bc","title":"T","description":"","status":"pending","priority":5,"assigned_to":null,
"created_at":"2026-02-06T07:36:59.474Z","updated_at":"2026-02-06T07:36:59.474Z"}],"created_at":"2026-02-06T07:36:50.538Z"}},
"agents":{},"locks":{}}"#,
    },
    Target {
        name: "events",
        check: check_events,
        sound: b"{\"ts\":\"2026-02-06T07:36:50.538Z\",\"agent\":\"system\",\"action\":\"deployed\",\"n\":1.0}\n",
    },
    Target {
        name: "topic",
        check: check_topic,
        sound: b"---\nupdated_by: agent-1\n---\n\n# Title\n",
    },
    Target { name: "index", check: check_index, sound: INDEX },
    Target { name: "names", check: check_names, sound: b".orchestrator/knowledge/api/errors.md" },
];

/// Gives these bytes to the parser of this name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a parser has this name");
    (target.check)(bytes);
}

/// Version 2, one file, no extension.
const INDEX: &[u8] = b"DIRC\0\0\0\x02\0\0\0\x01\
\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\x81\xa4\0\0\0\0\0\0\0\0\0\0\0\x04\
AAAAAAAAAAAAAAAAAAAA\0\x03a/b\0\0\0\0\0\0\0TREE\0\0\0\0\
\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn id() -> TaskId {
    TaskId::parse("299833bc").expect("it is one")
}

/// What was read is what is written, also over the bytes that it was read from.
macro_rules! read_is_written {
    ($codec:ident, $bytes:expr, $name:expr) => {
        if let Ok(value) = $codec::decode($bytes, $name) {
            for old in [None, Some($bytes)] {
                if let Ok(written) = $codec::encode(&value, old) {
                    assert_eq!($codec::decode(&written, $name).as_ref(), Ok(&value), "{old:?}");
                }
            }
        }
    };
}

fn check_task(bytes: &[u8]) {
    read_is_written!(task, bytes, id());
}

fn check_workstream(bytes: &[u8]) {
    read_is_written!(workstream, bytes, &WorkstreamName::parse("revenue").expect("it is legal"));
}

fn check_agent(bytes: &[u8]) {
    read_is_written!(agent, bytes, &AgentId::parse("agent-1").expect("it is legal"));
}

fn check_knowledge(bytes: &[u8]) {
    read_is_written!(knowledge, bytes, &Topic::parse("api").expect("it is legal"));
}

fn check_settings(bytes: &[u8]) {
    let _no_panic = settings::decode(bytes);
}

fn check_message(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (events, _) = message::events(&text);
    let (again, problems) = message::events(&message::encode("x", "", &[], &events));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(again, events);
    let key = RecordKey::Claim(id());
    let read = record::decode(&text, Some(&key), "c").expect("a key is known");
    assert_eq!(read.key, key);
}

fn check_state(bytes: &[u8]) {
    let input = Input { state: bytes.to_vec(), ..Input::default() };
    let _no_panic = read(&input, &Options::default());
}

fn check_events(bytes: &[u8]) {
    let input = Input { state: b"{}".to_vec(), events: Some(bytes.to_vec()), ..Input::default() };
    let _no_panic = read(&input, &Options::default());
}

fn check_topic(bytes: &[u8]) {
    let knowledge = [("api.md".to_owned(), bytes.to_vec())].into();
    let input = Input { state: b"{}".to_vec(), knowledge, ..Input::default() };
    let _no_panic = read(&input, &Options::default());
}

fn check_index(bytes: &[u8]) {
    let Ok(index) = Index::parse(bytes.to_vec(), Path::new("index"), 0) else { return };
    let _no_panic =
        (index.entry("a/b"), index.is_conflicted("a/b"), index.covered_by_sparse_directory("a/b"));
    let mut spliced = Vec::new();
    if index.splice(&[("a/b".to_owned(), None)], &mut spliced).is_ok() {
        let again = Index::parse(spliced, Path::new("index"), 0).expect("what we write is read");
        assert!(again.entry("a/b").is_none());
    }
}

fn check_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let suggested = |bad: crate::model::BadName| bad.suggestion;
    if let Err(Some(better)) = WorkstreamName::parse(&text).map_err(suggested) {
        assert!(WorkstreamName::parse(&better).is_ok(), "{better}");
    }
    if let Err(Some(better)) = Topic::parse(&text).map_err(suggested) {
        assert!(Topic::parse(&better).is_ok(), "{better}");
    }
    if let Err(Some(better)) = Resource::parse(&text).map_err(suggested) {
        assert!(Resource::parse(&better).is_ok(), "{better}");
    }
    if let Ok(at) = Timestamp::parse(&text) {
        assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
    }
    if let Ok(span) = Span::parse(&text) {
        assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }
    let back = match path::place(&text) {
        path::Place::Task(id) => path::of_task(id),
        path::Place::Workstream(name) => path::of_workstream(&name),
        path::Place::Agent(id) => path::of_agent(&id),
        path::Place::Knowledge(topic) => path::of_knowledge(&topic),
        path::Place::Furniture | path::Place::Stray => text.clone().into_owned(),
    };
    assert_eq!(back, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_files_are_accepted() {
        assert!(task::decode(TARGETS[0].sound, id()).is_ok());
        assert!(workstream::decode(TARGETS[1].sound, &WorkstreamName::parse("revenue").unwrap()).is_ok());
        assert!(agent::decode(TARGETS[2].sound, &AgentId::parse("agent-1").unwrap()).is_ok());
        assert!(knowledge::decode(TARGETS[3].sound, &Topic::parse("api").unwrap()).is_ok());
        assert!(settings::decode(TARGETS[4].sound).is_ok());
        assert_eq!(message::events(&String::from_utf8_lossy(TARGETS[5].sound)).0.len(), 1);
        let state = TARGETS[6].sound.to_vec();
        let events = Some(TARGETS[7].sound.to_vec());
        let knowledge = [("api.md".to_owned(), TARGETS[8].sound.to_vec())].into();
        read(&Input { state, events, knowledge }, &Options::default()).unwrap();
        assert!(Index::parse(INDEX.to_vec(), Path::new("index"), 0).unwrap().entry("a/b").is_some());
    }

    #[test]
    fn sound_files_cut_and_changed_anywhere_break_nothing() {
        for target in TARGETS {
            for at in 0..=target.sound.len() {
                (target.check)(&target.sound[..at]);
                (target.check)(&target.sound[at..]);
            }
            for at in 0..target.sound.len() {
                for byte in [0, b'\n', b' ', b'"', b'\'', b'-', b':', b'#', b'9', b'{', 0x7f, 0x80, 0xff] {
                    let mut bytes = target.sound.to_vec();
                    bytes[at] = byte;
                    (target.check)(&bytes);
                    bytes.insert(at, target.sound[at]);
                    (target.check)(&bytes);
                }
            }
        }
    }
}
