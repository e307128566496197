//! What holds for every value and any bytes, codec by codec (tests only).
//!
//! Three laws: what is written is read back as it was; a rewrite for another value yields that value and
//! touches nothing that did not change; any bytes end in a value or in a problem at a place inside them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::yaml::laws::any_text;
use super::{
    Problem, agent, event, knowledge, message, packed, path, record, ref_name, settings, task, workstream,
};
use crate::model::{
    Action, Agent, AgentId, BoardPoint, Claim, Event, EventId, Finish, Imported, Knowledge, Nonce, Priority,
    Record, RecordKey, Resource, Settings, Span, Standing, Status, Task, TaskId, Timestamp, Topic,
    Workstream, WorkstreamName, WorkstreamStatus,
};

/// Failures are shown, not stored in the tree.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn stamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..4_000_000_000_000_i64, any::<i64>()].prop_map(Timestamp::from_millis)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}", "[0-9]{1,3}", Just("null".to_owned())]
        .prop_filter("it is legal", |text| AgentId::parse(text).is_ok())
}

fn agent_id() -> impl Strategy<Value = AgentId> {
    name().prop_map(|text| AgentId::parse(&text).unwrap())
}

fn workstream_name() -> impl Strategy<Value = WorkstreamName> {
    name().prop_map(|text| WorkstreamName::parse(&text).unwrap())
}

fn task_id() -> impl Strategy<Value = TaskId> {
    prop_oneof!["[0-9a-f]{8}", "[0-9]{8}", "[0-9]{4}e[0-9]{3}"].prop_map(|text| TaskId::parse(&text).unwrap())
}

fn topic() -> impl Strategy<Value = Topic> {
    proptest::collection::vec(name(), 1..4).prop_map(|parts| Topic::parse(&parts.join("/")).unwrap())
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        2 => "[a-zA-Z0-9./%_ -]{1,30}",
        1 => any_text(),
        1 => "[é漢%a]{60,100}",
    ]
    .prop_filter_map("it is legal", |text| Resource::parse(&text).ok())
}

/// One line, as the operations let it in.
fn title() -> impl Strategy<Value = String> {
    let line = any_text().prop_map(|text| text.replace(char::is_control, ""));
    line.prop_filter("it is not blank", |text| !text.trim().is_empty())
}

fn claim() -> impl Strategy<Value = Claim> {
    (agent_id(), proptest::option::of(stamp())).prop_map(|(agent, claimed_at)| Claim { agent, claimed_at })
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Pending),
        claim().prop_map(Status::InProgress),
        (any_text(), proptest::option::of(claim()))
            .prop_map(|(reason, claim)| Status::Blocked { reason, claim }),
        (proptest::option::of(claim()), proptest::option::of(stamp()))
            .prop_map(|(claim, completed_at)| Status::Done { claim, completed_at }),
        any_text().prop_map(|reason| Status::Cancelled { reason }),
    ]
}

fn imported() -> impl Strategy<Value = Imported> {
    let stamps = proptest::collection::btree_map("updated_at|last_seen", any_text(), 0..3);
    prop_oneof![3 => Just(BTreeMap::new()), 1 => stamps].prop_map(Imported)
}

fn any_task(id: TaskId) -> impl Strategy<Value = Task> {
    // Boxed, since two of them by value outgrow the stack of a thread that runs a test.
    let first = (workstream_name(), title(), status().boxed(), 0..=i64::MAX.unsigned_abs(), any::<i64>());
    let lists = (
        proptest::option::of(any_text()),
        proptest::collection::vec(task_id(), 0..4),
        proptest::collection::vec(any_text(), 0..4),
    );
    let rest = (stamp(), any_text(), any_text(), proptest::option::of(any_text()), imported());
    (first.boxed(), lists.boxed(), rest.boxed()).prop_map(move |(first, lists, rest)| Task {
        id,
        workstream: first.0,
        title: first.1,
        status: first.2,
        epoch: first.3,
        priority: Priority(first.4),
        estimate: lists.0,
        depends_on: lists.1,
        labels: lists.2,
        created_at: rest.0,
        created_by: rest.1,
        description: rest.2,
        result: rest.3,
        imported: rest.4,
    })
}

fn any_workstream(name: WorkstreamName) -> impl Strategy<Value = Workstream> {
    let parts = (any_text(), any::<i64>(), any::<bool>(), stamp(), any_text(), imported());
    parts.prop_map(move |(description, priority, active, created_at, created_by, imported)| Workstream {
        name: name.clone(),
        description,
        priority: Priority(priority),
        status: if active { WorkstreamStatus::Active } else { WorkstreamStatus::Closed },
        created_at,
        created_by,
        imported,
    })
}

fn any_agent(id: AgentId) -> impl Strategy<Value = Agent> {
    let parts = (any_text(), any_text(), proptest::collection::vec(any_text(), 0..4), stamp(), imported());
    parts.prop_map(move |(kind, status, capabilities, registered_at, imported)| Agent {
        id: id.clone(),
        kind,
        status,
        capabilities,
        registered_at,
        imported,
    })
}

fn any_knowledge(topic: Topic) -> impl Strategy<Value = Knowledge> {
    let parts = (any_text(), proptest::option::of(any_text()), proptest::option::of(stamp()));
    parts.prop_map(move |(content, updated_by, updated_at)| Knowledge {
        topic: topic.clone(),
        content,
        updated_by,
        updated_at,
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let action = prop_oneof![
        proptest::sample::select(Action::WORDS.to_vec()).prop_map(Action::from_word),
        any_text().prop_map(|word| Action::from_word(&word)),
    ];
    let fields = proptest::collection::vec((prop_oneof!["[a-z_]{1,8}", any_text()], any_json()), 0..4);
    let id = any::<[u8; 10]>().prop_map(|rest| {
        let id = uuid::Builder::from_unix_timestamp_millis(1_770_363_459_745, &rest).into_uuid();
        EventId::parse(&id.to_string()).unwrap()
    });
    (stamp(), any_text(), action, fields, id, any::<bool>()).prop_map(
        |(ts, agent, action, fields, id, derived)| {
            // What describes the event itself is no field of its action.
            let is_own = |field: &str| ["ts", "agent", "action", "id", "derived"].contains(&field);
            let fields: Map<String, Value> = fields.into_iter().filter(|(field, _)| !is_own(field)).collect();
            Event { ts, agent, action, fields, id: Some(id), derived, line: None }
        },
    )
}

fn any_record() -> impl Strategy<Value = Record> {
    let key = prop_oneof![task_id().prop_map(RecordKey::Claim), resource().prop_map(RecordKey::Lock)];
    let standing = prop_oneof![
        Just(Standing::Free),
        (agent_id(), stamp(), proptest::option::of(any::<u64>().prop_map(Span::from_millis)))
            .prop_map(|(agent, since, ttl)| Standing::Held { agent, since, ttl }),
        // What came of it stands in the event, not in the record's own line.
        (agent_id(), stamp(), any::<bool>()).prop_map(|(agent, at, is_done)| Standing::Completed {
            agent,
            at,
            finish: if is_done { Finish::Done } else { Finish::Cancelled },
            result: None,
        }),
    ];
    let point = ("[0-9a-f]{40}", proptest::option::of(any_text()))
        .prop_map(|(commit, branch)| BoardPoint { commit, branch });
    let rest = (any::<[u8; 16]>(), proptest::option::of(any_text()), proptest::option::of(point));
    (key, standing, any::<u64>(), any_event(), rest).prop_map(|(key, standing, epoch, mut event, rest)| {
        event.fields.shift_remove("result");
        event.fields.shift_remove("reason");
        Record {
            key,
            standing,
            epoch,
            nonce: Some(Nonce::from_random(rest.0)),
            reason: rest.1,
            event: Some(event),
            board: rest.2,
            commit: Some("c0ffee".to_owned()),
        }
    })
}

fn two<T: std::fmt::Debug + Clone, S: Strategy<Value = T>>(
    make: impl Fn() -> S,
) -> impl Strategy<Value = (T, T)> {
    (make(), make())
}

/// Lines of YAML that a person or a hostile one may have written, and any bytes.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    let key = proptest::sample::select(vec![
        "id",
        "name",
        "title",
        "status",
        "workstream",
        "epoch",
        "priority",
        "depends_on",
        "labels",
        "created_at",
        "imported",
        "type",
        "capabilities",
        "registered_at",
        "format",
        "board",
        "claims",
        "locks",
        "---",
        "x",
    ]);
    let line = prop_oneof![
        4 => (key.clone(), any_text()).prop_map(|(key, text)| format!("{key}: {text}\n")),
        2 => (key, proptest::sample::select(vec!["\n  a: 1\n", " [a, b]\n", " |\n  x\n", " {a: b}\n", " *a\n", " 1\n"]))
            .prop_map(|(key, value)| format!("{key}:{value}")),
        1 => any_text(),
    ];
    prop_oneof![
        3 => proptest::collection::vec(line, 0..10).prop_map(|lines| lines.concat().into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

fn is_inside<T>(read: Result<T, Problem>, bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(problem) = read {
        let lines = String::from_utf8_lossy(bytes).split('\n').count();
        prop_assert!((1..=lines + 1).contains(&problem.line), "{problem} of {lines} lines");
        prop_assert!(problem.column >= 1 && !problem.why.is_empty(), "{problem}");
        prop_assert!(!problem.why.contains(['\n', '\u{1b}']), "{problem:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn tasks(((one, other), id) in task_id().prop_flat_map(|id| (two(move || any_task(id)), Just(id)))) {
        let bytes = task::encode(&one, None).unwrap();
        prop_assert_eq!(task::decode(&bytes, id).unwrap(), one.clone());
        prop_assert_eq!(task::encode(&one, Some(&bytes)).unwrap(), bytes.clone());
        let with_more = [bytes.as_slice(), b"# kept\nreviewer: ada\n"].concat();
        let rewritten = task::encode(&other, Some(&with_more)).unwrap();
        prop_assert_eq!(task::decode(&rewritten, id).unwrap(), other);
        prop_assert!(String::from_utf8(rewritten.clone()).unwrap().contains("\n# kept\nreviewer: ada\n"));
        prop_assert_eq!(task::decode(&task::encode(&one, Some(&rewritten)).unwrap(), id).unwrap(), one);
    }

    #[test]
    fn workstreams(((one, other), name) in workstream_name().prop_flat_map(|name| (two({ let name = name.clone(); move || any_workstream(name.clone()) }), Just(name)))) {
        let bytes = workstream::encode(&one, None).unwrap();
        prop_assert_eq!(workstream::decode(&bytes, &name).unwrap(), one.clone());
        prop_assert_eq!(workstream::encode(&one, Some(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(workstream::decode(&workstream::encode(&other, Some(&bytes)).unwrap(), &name).unwrap(), other);
    }

    #[test]
    fn agents(((one, other), id) in agent_id().prop_flat_map(|id| (two({ let id = id.clone(); move || any_agent(id.clone()) }), Just(id)))) {
        let bytes = agent::encode(&one, None).unwrap();
        prop_assert_eq!(agent::decode(&bytes, &id).unwrap(), one.clone());
        prop_assert_eq!(agent::encode(&one, Some(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(agent::decode(&agent::encode(&other, Some(&bytes)).unwrap(), &id).unwrap(), other);
    }

    #[test]
    fn documents(((one, other), topic) in topic().prop_flat_map(|topic| (two({ let topic = topic.clone(); move || any_knowledge(topic.clone()) }), Just(topic)))) {
        let bytes = knowledge::encode(&one, None).unwrap();
        prop_assert_eq!(knowledge::decode(&bytes, &topic).unwrap(), one.clone());
        prop_assert_eq!(knowledge::encode(&one, Some(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(knowledge::decode(&knowledge::encode(&other, Some(&bytes)).unwrap(), &topic).unwrap(), other);
    }

    #[test]
    fn events_in_messages(events in proptest::collection::vec(any_event(), 0..4), subject in any_text(), value in "[ -~]{0,20}") {
        for event in &events {
            let line = event::encode(event);
            prop_assert!(line.chars().all(crate::model::is_printable), "{}", line);
            prop_assert_eq!(&event::decode(&line, 0).unwrap(), event);
        }
        // No subject forges a line, and a squash (indented, with more around it) loses none.
        let written = message::encode(&subject, "", &[("Orchestrator-Cycle", &value)], &events);
        let squashed = written.lines().map(|line| format!("    {line}\n")).collect::<String>() + "\nmore\n";
        for text in [&written, &squashed] {
            let (read, problems) = message::events(text);
            prop_assert_eq!(&read, &events);
            prop_assert!(problems.is_empty());
            prop_assert_eq!(message::values(text, "Orchestrator-Cycle").collect::<Vec<_>>(), [value.trim()]);
        }
    }

    #[test]
    fn records(one in any_record(), subject in any_text()) {
        let text = record::encode(&one, &subject);
        prop_assert_eq!(record::decode(&text, Some(&one.key), "c0ffee"), Some(one.clone()));
        prop_assert_eq!(record::decode(&text, None, "c0ffee"), Some(one));
    }

    #[test]
    fn packed(tasks in proptest::collection::vec(task_id().prop_flat_map(any_task), 0..4), record in any_record(), id in task_id()) {
        let mut packer = packed::Packer::default();
        tasks.iter().for_each(|task| packer.task(task));
        let mut from = packed::Unpacker(&packer.0);
        let read: Vec<Task> = tasks.iter().map(|_| from.task().unwrap()).collect();
        prop_assert!(from.is_empty());
        prop_assert_eq!(read, tasks);
        let is_over = matches!(record.standing, Standing::Free | Standing::Completed { .. });
        let event = record.event.clone().map(|event| Event { fields: Map::new(), derived: false, ..event });
        let record = Record { key: RecordKey::Claim(id), event, commit: None, ..record };
        let mut packer = packed::Packer::default();
        prop_assert_eq!(packer.record(&record).is_some(), is_over);
        if is_over {
            prop_assert_eq!(packed::Unpacker(&packer.0).record(), Some((id, record)));
        }
        for cut in 0..packer.0.len() {
            prop_assert_eq!(packed::Unpacker(&packer.0[..cut]).record(), None);
        }
    }

    #[test]
    fn refs(one in resource(), other in resource(), id in task_id()) {
        let of = |resource: &Resource| ref_name::of(&RecordKey::Lock(resource.clone()));
        prop_assert_eq!(of(&one) == of(&other), one == other);
        let name = of(&one);
        let component = name.strip_prefix(ref_name::LOCKS).unwrap();
        prop_assert!(component.len() < 200 && component.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_%".contains(&b)));
        let claim = ref_name::of(&RecordKey::Claim(id));
        prop_assert_eq!((ref_name::claimed_task(&claim), ref_name::claimed_task(&name)), (Some(id), None));
    }

    #[test]
    fn paths(id in task_id(), name in workstream_name(), agent in agent_id(), topic in topic(), any in "(\\.orchestrator/)?(tasks|agents|knowledge|workstreams|x)?/?([0-9a-f]{2}/)?[0-9a-f./A-Z]{0,12}(\\.yaml|\\.md)?") {
        prop_assert_eq!(path::place(&path::of_task(id)), path::Place::Task(id));
        prop_assert_eq!(path::place(&path::of_workstream(&name)), path::Place::Workstream(name));
        prop_assert_eq!(path::place(&path::of_agent(&agent)), path::Place::Agent(agent));
        prop_assert_eq!(path::place(&path::of_knowledge(&topic)), path::Place::Knowledge(topic));
        let back = match path::place(&any) {
            path::Place::Task(id) => path::of_task(id),
            path::Place::Workstream(name) => path::of_workstream(&name),
            path::Place::Agent(id) => path::of_agent(&id),
            path::Place::Knowledge(topic) => path::of_knowledge(&topic),
            path::Place::Furniture | path::Place::Stray => any.clone(),
        };
        prop_assert_eq!(back, any);
    }

    #[test]
    fn times_and_spans(at in stamp(), span in any::<u64>().prop_map(Span::from_millis)) {
        prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }

    #[test]
    fn settings_say_what_they_were_given(stale in 1..10_000_u64, ttl in 1..10_000_u64, expire in any::<bool>(), board in name()) {
        let text = format!(
            "format: 1\nboard: '{board}'\nclaims:\n  stale_after: {stale}m\n  expire: {expire}\nlocks: {{ttl: {ttl}s}}\nlater: x\n"
        );
        let read = settings::decode(text.as_bytes()).unwrap();
        let said = Settings {
            board: Some(board),
            claims_stale_after: Span::from_secs(stale * 60),
            claims_expire: expire,
            locks_ttl: Span::from_secs(ttl),
            ..Settings::default()
        };
        prop_assert_eq!(read, said);
    }

    #[test]
    fn any_bytes_end_in_a_value_or_a_problem_inside_them(bytes in foreign(), id in task_id(), name in name()) {
        is_inside(task::decode(&bytes, id), &bytes)?;
        is_inside(workstream::decode(&bytes, &WorkstreamName::parse(&name).unwrap()), &bytes)?;
        is_inside(agent::decode(&bytes, &AgentId::parse(&name).unwrap()), &bytes)?;
        is_inside(knowledge::decode(&bytes, &Topic::parse(&name).unwrap()), &bytes)?;
        is_inside(settings::decode(&bytes), &bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let read = record::decode(&format!("x\n\nOrchestrator-Record: {text}"), Some(&RecordKey::Claim(id)), "c");
        let is_unreadable = matches!(read.unwrap().standing, Standing::Unreadable { .. });
        prop_assert!(is_unreadable);
        let (events, problems) = message::events(&format!("x\n\nOrchestrator-Event: {text}\n"));
        prop_assert_eq!((events.len(), problems.len()), (0, 1));
    }
}
