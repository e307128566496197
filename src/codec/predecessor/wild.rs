//! Directories as they are in the wild: nothing of them is lost.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::codec::{self, event, message};
use crate::model::{Action, Event, Span, Status, Task, TaskId, Timestamp};

fn fixture() -> Input {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/predecessor");
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let knowledge = std::fs::read_dir(root.join("knowledge")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), bytes(&entry.path()))
    });
    Input {
        state: bytes(&root.join("state.json")),
        events: Some(bytes(&root.join("events.jsonl"))),
        knowledge: knowledge.collect(),
    }
}

fn taken(input: &Input) -> Predecessor {
    read(input, &Options::default()).unwrap()
}

fn small(state: Value) -> Input {
    Input { state: state.to_string().into_bytes(), ..Input::default() }
}

const AT: &str = "2026-02-06T07:36:50.538Z";

/// What `updated_at` comes out as: see the model's `Imported`.
fn updated_at(task: &Task, newest: &HashMap<TaskId, Timestamp>) -> String {
    let yielded = newest.get(&task.id).map_or(task.newest_stamp(), |event| task.newest_stamp().max(*event));
    task.imported.get("updated_at").map_or_else(|| yielded.to_string(), str::to_owned)
}

/// The state again, from what was read of it.
fn state_again(data: &Predecessor) -> Value {
    let mut newest: HashMap<TaskId, Timestamp> = HashMap::new();
    for (id, ts) in data.events.iter().filter_map(|event| Some((event.task_id()?, event.ts))) {
        let seen = newest.entry(id).or_insert(ts);
        *seen = ts.max(*seen);
    }
    let mut workstreams = serde_json::Map::new();
    for stream in &data.workstreams {
        let tasks: Vec<Value> = data
            .tasks
            .iter()
            .filter(|task| task.workstream == stream.name)
            .map(|task| {
                let created_at = task.created_at.to_string();
                json!({
                    "id": task.id.as_str(), "title": task.title, "description": task.description,
                    "status": task.status.word(), "priority": task.priority.0, "estimate": task.estimate,
                    "assigned_to": task.status.claim().map(|claim| claim.agent.as_str()),
                    "created_at": task.imported.get("created_at").unwrap_or(&created_at),
                    "updated_at": updated_at(task, &newest), "result": task.result,
                })
            })
            .collect();
        workstreams.insert(
            stream.name.to_string(),
            json!({
                "description": stream.description, "priority": stream.priority.0,
                "status": stream.status.word(), "tasks": tasks, "created_at": stream.created_at.to_string(),
            }),
        );
    }
    let mut agents = serde_json::Map::new();
    for agent in &data.agents {
        let events = data.events.iter().filter(|event| event.agent == agent.id.as_str());
        let last = events.map(|event| event.ts).max().map(|ts| ts.to_string());
        agents.insert(
            agent.id.to_string(),
            json!({
                "type": agent.kind, "status": agent.status, "capabilities": agent.capabilities,
                "registered_at": agent.registered_at.to_string(),
                "last_seen": agent.imported.get("last_seen").map(str::to_owned).or(last),
            }),
        );
    }
    let mut locks = serde_json::Map::new();
    for lock in &data.locks {
        let value = json!({
            "agent": lock.agent.as_str(), "acquired_at": lock.acquired_at.to_string(),
            "ttl_ms": lock.ttl.millis(),
        });
        locks.insert(lock.resource.to_string(), value);
    }
    json!({ "workstreams": workstreams, "agents": agents, "locks": locks })
}

#[test]
fn every_value_of_the_fixture_is_found_again() {
    let input = fixture();
    let data = taken(&input);
    let mut state: Value = serde_json::from_slice(&input.state).unwrap();
    for key in ["version", "updated_at"] {
        state.as_object_mut().unwrap().shift_remove(key);
    }
    // Key for key, in order: the text is compared, not the maps.
    let [again, given] = [state_again(&data), state].map(|v| serde_json::to_string_pretty(&v).unwrap());
    assert_eq!(again.lines().count(), given.lines().count());
    for (again, given) in again.lines().zip(given.lines()) {
        assert_eq!(again, given);
    }
    let lines: String =
        data.events.iter().map(|event| format!("{}\n", event.line.clone().unwrap())).collect();
    assert_eq!(lines.as_bytes(), input.events.as_deref().unwrap());
    for document in &data.knowledge {
        let name = format!("{}.md", document.topic);
        assert_eq!(super::document(document).as_bytes(), input.knowledge[&name], "{name}");
    }
    assert_eq!(data.knowledge.len(), input.knowledge.len());
    assert_eq!(data.remarks, Vec::<String>::new());
}

#[test]
fn the_fixture_has_one_of_everything() {
    let data = taken(&fixture());
    assert_eq!((data.workstreams.len(), data.tasks.len(), data.agents.len()), (6, 200, 4));
    assert_eq!((data.knowledge.len(), data.events.len(), data.locks.len()), (9, 336, 3));
    let with = |word: &str| data.tasks.iter().filter(|task| task.status.word() == word).count();
    assert_eq!((with("pending"), with("in_progress"), with("done")), (128, 33, 39));
    let never_held = |task: &&Task| matches!(task.status, Status::Done { claim: None, .. });
    assert!(data.tasks.iter().any(|task| never_held(&task)) && data.tasks.iter().any(|t| t.priority.0 == 0));
    let kept = |key: &str| data.tasks.iter().filter(|task| task.imported.get(key).is_some()).count();
    assert_eq!(kept("created_at"), 1);
    assert!((1..data.tasks.len()).contains(&kept("updated_at")), "{}", kept("updated_at"));
    let seen: Vec<bool> = data.agents.iter().map(|agent| agent.imported.get("last_seen").is_some()).collect();
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");
    let headers = data.knowledge.iter().filter(|document| document.updated_by.is_some()).count();
    assert_eq!(headers, 7);
    assert!(data.events.iter().any(|event| event.action == Action::KnowledgeDeleted));
    assert!(data.locks.iter().any(|lock| lock.ttl > Span::from_secs(1 << 30)));
}

#[test]
fn what_was_read_can_be_written_to_a_board_and_read_from_it() {
    let data = taken(&fixture());
    for task in &data.tasks {
        let bytes = codec::task::encode(task, None).unwrap();
        assert_eq!(codec::task::decode(&bytes, task.id).unwrap(), *task);
    }
    for stream in &data.workstreams {
        let bytes = codec::workstream::encode(stream, None).unwrap();
        assert_eq!(codec::workstream::decode(&bytes, &stream.name).unwrap(), *stream);
    }
    for agent in &data.agents {
        let bytes = codec::agent::encode(agent, None).unwrap();
        assert_eq!(codec::agent::decode(&bytes, &agent.id).unwrap(), *agent);
    }
    for document in &data.knowledge {
        let bytes = codec::knowledge::encode(document, None).unwrap();
        assert_eq!(codec::knowledge::decode(&bytes, &document.topic).unwrap(), *document);
    }
    let (events, problems) = message::events(&message::encode("import", "", &[], &data.events));
    assert_eq!(problems, Vec::<String>::new());
    let without_id = |event: &Event| Event { id: None, ..event.clone() };
    assert_eq!(events.iter().map(without_id).collect::<Vec<_>>(), data.events);
    let ids: std::collections::HashSet<_> = events.iter().map(|event| event.id.clone().unwrap()).collect();
    assert_eq!(ids.len(), events.len());
}

#[test]
fn the_digest_is_stable_and_knows_every_byte() {
    let input = fixture();
    let digest = taken(&input).digest;
    assert_eq!(digest.len(), 64);
    assert_eq!(taken(&fixture()).digest, digest);
    let renames = [("main".to_owned(), "lead".to_owned())].into();
    assert_eq!(read(&input, &Options { renames, ..Options::default() }).unwrap().digest, digest);
    let mut seen = vec![digest];
    let mut changed = |change: &dyn Fn(&mut Input)| {
        let mut other = input.clone();
        change(&mut other);
        seen.push(taken(&other).digest);
    };
    changed(&|input| input.state.push(b'\n'));
    changed(&|input| input.events.as_mut().unwrap().push(b'\n'));
    changed(&|input| input.events = Some(Vec::new()));
    changed(&|input| input.events = None);
    changed(&|input| input.knowledge.get_mut("payments.md").unwrap().push(b'\n'));
    changed(&|input| {
        let content = input.knowledge.remove("payments.md").unwrap();
        input.knowledge.insert("paymentz.md".to_owned(), content);
    });
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
}

#[test]
fn what_is_absent_has_its_default() {
    let data = taken(&small(json!({
        "workstreams": { "w": { "created_at": AT, "tasks": [
            { "id": "299833bc", "title": "x", "status": "done", "created_at": AT, "priority": 5.0 },
            { "id": "299833bd", "title": "y", "status": "pending", "created_at": AT, "priority": -1 },
        ] } },
        "agents": { "a": { "registered_at": AT } },
    })));
    let task = &data.tasks[0];
    assert_eq!((task.priority.0, task.epoch, task.created_by.as_str()), (5, 0, "system"));
    assert_eq!(task.status, Status::Done { claim: None, completed_at: None });
    assert!(task.imported.is_empty());
    assert_eq!(data.tasks[1].priority.0, -1);
    assert_eq!((data.agents[0].kind.as_str(), data.agents[0].status.as_str()), ("general", "active"));
    let nothing = taken(&small(json!({})));
    assert_eq!(nothing, Predecessor { digest: nothing.digest.clone(), ..Predecessor::default() });
}

#[test]
fn stamps_that_the_rest_yields_are_not_kept() {
    let state = |updated_at: &str, last_seen: &str| {
        json!({
            "workstreams": { "w": { "created_at": AT, "tasks": [{
                "id": "299833bc", "title": "x", "status": "pending", "created_at": AT, "updated_at": updated_at,
            }] } },
            "agents": { "a": { "registered_at": AT, "last_seen": last_seen } },
        })
    };
    let later = "2026-02-06T08:00:00.000Z";
    let event =
        |ts: &str| format!("{{\"ts\":\"{ts}\",\"agent\":\"a\",\"action\":\"b\",\"task_id\":\"299833bc\"}}\n");
    for (stamp, events, is_kept) in [
        (AT, String::new(), (false, true)),
        (later, event(later), (false, false)),
        (later, event(later) + &event(AT), (false, false)),
        (AT, event(later), (true, true)),
        ("2026-02-06T08:00:00Z", event(later), (true, true)),
    ] {
        let data = taken(&Input { events: Some(events.into_bytes()), ..small(state(stamp, stamp)) });
        let task = data.tasks[0].imported.get("updated_at");
        let agent = data.agents[0].imported.get("last_seen");
        assert_eq!((task, agent), (is_kept.0.then_some(stamp), is_kept.1.then_some(stamp)), "{stamp}");
    }
}

#[test]
fn our_own_export_comes_back_with_what_the_predecessor_never_knew() {
    let data = taken(&small(json!({
        "version": 9, "updated_at": AT,
        "workstreams": { "w": { "description": "", "priority": 5, "status": "closed", "created_at": AT,
            "created_by": "ada", "tasks": [
            { "id": "0000000a", "title": "a", "status": "blocked", "assigned_to": "a", "created_at": AT,
              "workstream": "w", "epoch": 3, "claimed_at": AT, "depends_on": ["0000000b"], "labels": ["x y"],
              "created_by": "Ada Lovelace", "reason": "no key", "completed_at": null,
              "finished_on": { "branch": "feat-a", "commit": null } },
            { "id": "0000000b", "title": "b", "status": "cancelled", "created_at": AT, "reason": "moot" },
            { "id": "0000000c", "title": "c", "status": "done", "assigned_to": "a", "created_at": AT,
              "completed_at": "2026-02-06T09:00:00.000Z", "updated_at": "2026-02-06T09:00:00.000Z" },
        ] } },
        "locks": { "git": { "agent": "a", "acquired_at": AT, "ttl_ms": 1000, "epoch": 4, "reason": "deploy" } },
    })));
    assert_eq!(data.remarks, Vec::<String>::new());
    let [a, b, c] = &data.tasks[..] else { panic!() };
    assert_eq!(
        (a.epoch, a.labels.as_slice(), a.created_by.as_str()),
        (3, &["x y".to_owned()][..], "Ada Lovelace")
    );
    assert_eq!((a.depends_on[0], a.status.reason()), (b.id, Some("no key")));
    assert_eq!(a.newest_stamp(), a.status.claim().unwrap().claimed_at.unwrap());
    assert_eq!(b.status, Status::Cancelled { reason: "moot".into() });
    assert!(matches!(&c.status, Status::Done { completed_at: Some(_), .. }) && c.imported.is_empty());
    assert_eq!((data.locks[0].epoch, data.locks[0].reason.as_deref()), (4, Some("deploy")));
    assert_eq!(
        (data.workstreams[0].created_by.as_str(), data.workstreams[0].status.word()),
        ("ada", "closed")
    );
}

#[test]
fn events_of_ours_keep_their_id_among_the_fields() {
    let line = format!("{{\"ts\":\"{AT}\",\"agent\":\"a\",\"action\":\"b\",\"n\":1.0,\"id\":\"0199aaaa\"}}");
    let other = line.replace("0199aaaa", "0199bbbb");
    let events = Some(format!("\u{feff}{line}\r\n\r\n \t{other}").into_bytes());
    let data = taken(&Input { events, ..small(json!({})) });
    for (event, (line, id)) in data.events.iter().zip([(line, "0199aaaa"), (other, "0199bbbb")]) {
        assert_eq!((event.id.as_ref(), event.text("id")), (None, Some(id)));
        assert_eq!(event::encode(event), line);
    }
    assert_eq!(data.events.len(), 2);
}

#[test]
fn renames_reach_every_name_but_those_in_event_lines() {
    let line = format!(
        "{{\"ts\":\"{AT}\",\"agent\":\"agent 1\",\"action\":\"task_created\",\"workstream\":\"my stream\"}}"
    );
    let input = Input {
        events: Some(line.clone().into_bytes()),
        knowledge: [(
            "api notes.md".to_owned(),
            format!("<!-- Updated by agent 1 at {AT} -->\nx").into_bytes(),
        )]
        .into(),
        ..small(json!({
            "agents": { "agent 1": { "registered_at": AT, "last_seen": AT } },
            "workstreams": { "my stream": { "created_at": AT, "created_by": "agent 1", "tasks": [{
                "id": "299833bc", "title": "x", "status": "in_progress", "assigned_to": "agent 1",
                "created_at": AT, "created_by": "somebody else", "workstream": "my stream",
            }] } },
            "locks": { "a\tb": { "agent": "agent 1", "acquired_at": AT, "ttl_ms": 1 } },
        }))
    };
    let slugify = Options { bad_names: BadNames::Slugify, ..Options::default() };
    let renames =
        [("agent 1", "ada"), ("my stream", "stream"), ("api notes", "api/notes"), ("a\tb", "ab"), ("x", "y")];
    let renames = renames.map(|(old, new)| (old.to_owned(), new.to_owned())).into();
    for (options, [agent, stream, topic, resource]) in [
        (slugify, ["agent-1", "my-stream", "api-notes", "ab"]),
        (Options { renames, ..Options::default() }, ["ada", "stream", "api/notes", "ab"]),
    ] {
        let data = read(&input, &options).unwrap();
        assert_eq!((data.agents[0].id.as_str(), data.workstreams[0].name.as_str()), (agent, stream));
        assert_eq!(data.tasks[0].workstream.as_str(), stream);
        assert_eq!(data.tasks[0].status.holder().unwrap().as_str(), agent);
        assert_eq!((data.locks[0].resource.as_str(), data.locks[0].agent.as_str()), (resource, agent));
        assert_eq!(
            (data.knowledge[0].topic.as_str(), data.knowledge[0].updated_by.as_deref()),
            (topic, Some(agent))
        );
        assert_eq!(
            (data.workstreams[0].created_by.as_str(), data.tasks[0].created_by.as_str()),
            (agent, "somebody else")
        );
        assert_eq!((data.events[0].agent.as_str(), data.events[0].line.as_ref()), ("agent 1", Some(&line)));
        // No event of the new name yields it.
        assert_eq!(data.agents[0].imported.get("last_seen"), Some(AT));
        let unused: &[&str] =
            if agent == "ada" { &["nothing is called `x`, which was to be renamed"] } else { &[] };
        assert_eq!(data.remarks, unused);
    }
}

#[test]
fn what_is_not_kept_is_remarked_on_once() {
    let task = |id: &str| json!({ "id": id, "title": "x", "status": "pending", "created_at": AT, "mood": 1, "estimate": 2.5 });
    let mut input = small(json!({
        "workstreams": { "w": { "created_at": AT, "tasks": [task("0000000a"), task("0000000b")] } },
        "plugins": [],
    }));
    input.knowledge = [("notes.txt".to_owned(), b"\xff".to_vec())].into();
    let data = taken(&input);
    assert_eq!(data.tasks[0].estimate.as_deref(), Some("2.5"));
    let said: Vec<&str> = data.remarks.iter().map(|remark| remark.split(": ").last().unwrap()).collect();
    assert_eq!(
        said,
        [
            "the number 2.5 is kept as the text `2.5`",
            "the number 2.5 is kept as the text `2.5`",
            "not kept, documents end in `.md`",
            "`plugins` has no meaning in a state and is not kept",
            "`mood` has no meaning in a task and is not kept (2 times)",
        ]
    );
    assert!(data.remarks[0].starts_with("state.json:1:"), "{}", data.remarks[0]);
}
