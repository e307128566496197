//! Broken directories: each is refused whole, with the place of every problem.

use proptest::prelude::*;

use super::*;

const AT: &str = "2026-02-06T07:36:50.538Z";

fn input(state: &str) -> Input {
    Input { state: state.as_bytes().to_vec(), ..Input::default() }
}

fn problems(input: &Input, options: &Options) -> Vec<String> {
    read(input, options).map(|_| ()).unwrap_err().iter().map(ToString::to_string).collect()
}

/// A state with one workstream and one task, each key on its own line; `from` becomes `to`.
fn state(from: &str, to: &str) -> String {
    let state = format!(
        "{{
  \"version\": 3,
  \"updated_at\": \"{AT}\",
  \"workstreams\": {{
    \"revenue\": {{
      \"description\": \"Money\",
      \"priority\": 1,
      \"status\": \"active\",
      \"tasks\": [
        {{
          \"id\": \"299833bc\",
          \"title\": \"Pay\",
          \"description\": \"\",
          \"status\": \"in_progress\",
          \"priority\": 2,
          \"estimate\": null,
          \"assigned_to\": \"agent-1\",
          \"created_at\": \"{AT}\",
          \"updated_at\": \"{AT}\",
          \"result\": null
        }}
      ],
      \"created_at\": \"{AT}\"
    }}
  }},
  \"agents\": {{
    \"agent-1\": {{
      \"type\": \"worker\", \"status\": \"active\", \"capabilities\": [\"rust\"],
      \"registered_at\": \"{AT}\", \"last_seen\": \"{AT}\"
    }}
  }},
  \"locks\": {{
    \"git\": {{ \"agent\": \"agent-1\", \"acquired_at\": \"{AT}\", \"ttl_ms\": 60000 }}
  }}
}}
"
    );
    assert!(state.contains(from), "{from}");
    state.replacen(from, to, 1)
}

#[test]
fn the_state_that_the_table_breaks_is_sound() {
    let data = read(&input(&state("", "")), &Options::default()).unwrap();
    assert_eq!((data.tasks.len(), data.agents.len(), data.locks.len()), (1, 1, 1));
    assert_eq!(data.remarks, Vec::<String>::new());
}

#[test]
fn a_broken_state_is_refused_with_its_place() {
    const TASK: &str = "workstreams.revenue.tasks[0]";
    let task = |place: &str, key: &str, why: &str| format!("state.json:{place}: {TASK}.{key}: {why}");
    let root = |place: &str, why: &str| format!("state.json:{place}: {why}");
    let second = |id: &str| {
        format!(
            ",\n    \"product\": {{ \"created_at\": \"{AT}\", \"tasks\": [\n{{ \"id\": \"{id}\", \"title\": \"x\", \
             \"status\": \"pending\", \"created_at\": \"{AT}\" }}] }}\n  }},\n  \"agents\""
        )
    };
    let end_of_streams = "\n  },\n  \"agents\"";
    let table: Vec<(&str, String, String)> = vec![
        ("\"version\": 3", "\"version\": \"3\"".into(), root("2:14", "version: expected a whole number, found a text")),
        ("\"version\": 3,", "\"version\": 3,,".into(), root("2:16", "not valid JSON: key must be a string")),
        ("\"priority\": 1,", "\"priority\": 1,\n\"priority\": 2,".into(), root("8:1", "the key `priority` is there twice")),
        ("\"result\": null", "\"result\": null, \"\\u0069d\": 1".into(), root("20:27", "the key `id` is there twice")),
        ("\"id\": \"299833bc\"", "\"id\": \"299833BC\"".into(), task("11:17", "id", "`299833BC` is no task id: eight digits of 0-9a-f")),
        ("\"id\": \"299833bc\",", String::new(), task("10:9", "id", "is missing")),
        ("\"id\": \"299833bc\"", "\"id\": 29983300".into(), task("11:17", "id", "expected a text, found a number")),
        ("\"in_progress\"", "\"Done\"".into(), task("14:21", "status", "unknown status `Done`; one of pending, in_progress, blocked, done, cancelled")),
        ("\"assigned_to\": \"agent-1\"", "\"assigned_to\": null".into(), task("17:26", "assigned_to", "names nobody, but the task is in_progress")),
        ("\"assigned_to\": \"agent-1\",", String::new(), task("10:9", "assigned_to", "names nobody, but the task is in_progress")),
        ("\"in_progress\"", "\"pending\"".into(), task("17:26", "assigned_to", "names somebody, but the task is pending: null it, or make it in_progress")),
        ("\"title\": \"Pay\"", "\"title\": \"\"".into(), task("12:20", "title", "is empty")),
        ("\"title\": \"Pay\"", "\"title\": \"a\\nOrchestrator-Event: {}\"".into(), task("12:20", "title", "a title is one line of text that prints, without \\u{a}")),
        ("\"title\": \"Pay\"", "\"title\": null".into(), task("12:20", "title", "expected a text, found null")),
        ("\"description\": \"\"", "\"description\": \"a\\u0000b\"".into(), task("13:26", "description", "holds a NUL character")),
        ("\"result\": null", "\"result\": {\"a\": 1}".into(), task("20:21", "result", "expected a text or null, found an object")),
        ("\"priority\": 2", "\"priority\": 1.5".into(), task("15:23", "priority", "`1.5` is no whole number")),
        ("\"priority\": 2", "\"priority\": 1e300".into(), task("15:23", "priority", "`1e300` is not between -9007199254740991 and 9007199254740991")),
        ("\"priority\": 2", "\"priority\": \"2\"".into(), task("15:23", "priority", "expected a whole number, found a text")),
        ("\"estimate\": null", "\"estimate\": true".into(), task("16:23", "estimate", "expected a text or null, found true or false")),
        ("\"result\": null", "\"claimed_at\": \"soon\"".into(), task("20:25", "claimed_at", "`soon` is no time such as 2026-02-06T07:37:39.745Z")),
        ("\"result\": null", "\"epoch\": -1".into(), task("20:20", "epoch", "`-1` is not between 0 and 9007199254740991")),
        ("\"result\": null", format!("\"completed_at\": \"{AT}\""), task("20:27", "completed_at", "is there, but the task is in_progress")),
        ("\"result\": null", "\"workstream\": \"product\"".into(), task("20:25", "workstream", "is not `revenue`, where it stands")),
        ("\"result\": null", "\"depends_on\": [\"00000000\"]".into(), task("20:26", "depends_on[0]", "no task `00000000` is in this directory")),
        ("\"result\": null", "\"depends_on\": [\"299833bc\"]".into(), task("20:26", "depends_on[0]", "`299833bc` depends on `299833bc` itself, perhaps through others")),
        ("\"result\": null", "\"depends_on\": [\"../../x\"]".into(), task("20:26", "depends_on[0]", "expected the id of a task: eight digits of 0-9a-f")),
        ("\"result\": null", "\"labels\": [\"a\", \"\"]".into(), task("20:27", "labels[1]", "is empty")),
        (end_of_streams, second("299833bc"), format!("state.json:26:9: workstreams.product.tasks[0].id: `299833bc` is the id of {TASK} already")),
        ("\"revenue\": {", "\"rev enue\": {".into(), "state.json:5:5: workstreams[\"rev enue\"]: `rev enue` can't name a workstream: only letters, digits, `.`, `_` and `-` are allowed; `rev-enue` would do".into()),
        ("\"tasks\": [", "\"tasks\": 1, \"x\": [".into(), root("9:16", "workstreams.revenue.tasks: expected a list, found a number")),
        ("\"status\": \"active\",\n      \"tasks\"", "\"status\": \"open\",\n      \"tasks\"".into(), root("8:17", "workstreams.revenue.status: unknown status `open`; one of active, closed")),
        (end_of_streams, ", \"Revenue\": {\"created_at\": \"2026-02-06T07:36:50.538Z\"}\n  },\n  \"agents\"".into(), root("24:8", "workstreams.Revenue: `revenue` and `Revenue` differ only by case")),
        ("\"locks\": {", "\"locks\": [], \"x\": {".into(), root("32:12", "locks: expected an object, found a list")),
        ("\"ttl_ms\": 60000", "\"ttl_ms\": null".into(), root("33:87", "locks.git.ttl_ms: expected a whole number, found null")),
        ("\"git\"", "\" git\"".into(), root("33:5", "locks[\" git\"]: ` git` can't name a resource: it starts or ends with a blank; `git` would do")),
        ("\"agent\": \"agent-1\"", "\"agent\": \"..\"".into(), root("33:23", "locks.git.agent: `..` can't name an agent: it must start with a letter or a digit")),
        ("[\"rust\"]", "\"rust\"".into(), root("28:61", "agents.agent-1.capabilities: expected a list, found a text")),
        ("[\"rust\"]", "[7]".into(), root("28:62", "agents.agent-1.capabilities[0]: expected a text, found a number")),
        ("\"last_seen\": \"2026", "\"last_seen\": \"26".into(), root("29:65", "agents.agent-1.last_seen: `26-02-06T07:36:50.538Z` is no time such as 2026-02-06T07:37:39.745Z")),
    ];
    for (from, to, expected) in table {
        assert_eq!(problems(&input(&state(from, &to)), &Options::default()), [expected], "{from} -> {to}");
    }
    let long = state("\"title\": \"Pay\"", &format!("\"title\": \"{}\"", "x".repeat(501)));
    assert!(
        problems(&input(&long), &Options::default())[0]
            .ends_with("has 501 characters, a title has at most 500")
    );
    let large = state("\"Money\"", &format!("\"{}\"", "x".repeat((1 << 20) + 1)));
    assert!(
        problems(&input(&large), &Options::default())[0].contains("revenue.description: has 1048577 bytes")
    );
}

#[test]
fn a_truncated_state_is_refused_wherever_it_ends() {
    let whole = state("", "");
    let whole = whole.trim_end();
    for end in 0..whole.len() {
        let said = problems(&input(&whole[..end]), &Options::default());
        assert!(said.len() == 1 && said[0].contains("too early"), "{end}: {said:?}");
    }
    assert_eq!(
        problems(&input("{\n  \"version\": 1,\n"), &Options::default()),
        ["state.json:3:1: the text ends too early (EOF while parsing an object)"]
    );
}

#[test]
fn what_is_no_state_is_refused() {
    for (text, expected) in [
        ("[]", "state.json:1:1: expected an object, found a list"),
        (
            "{\"name\": \"package\"}",
            "state.json:1:1: no state of the predecessor: it has neither `workstreams` nor `agents` nor `locks`",
        ),
        ("{} {}", "state.json:1:4: not valid JSON: trailing characters"),
        ("{\"agents\": {\"a\\ud800\": 1}}", "state.json:1:21: not valid JSON: unexpected end of hex escape"),
    ] {
        assert_eq!(problems(&input(text), &Options::default()), [expected], "{text}");
    }
    let bytes = Input { state: b"{\n \"\xff\"}".to_vec(), ..Input::default() };
    assert_eq!(problems(&bytes, &Options::default()), ["state.json:2:3: not UTF-8"]);
    let deep = format!("{{\"agents\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(problems(&input(&deep), &Options::default())[0].contains("levels deep"));
    assert!(read(&input("{}"), &Options::default()).is_ok());
}

#[test]
fn dependencies_in_a_circle_are_refused() {
    let task = |id: &str, on: &str| {
        format!(
            "{{\"id\":\"{id}\",\"title\":\"x\",\"status\":\"pending\",\"created_at\":\"{AT}\",\"depends_on\":[{on}]}}"
        )
    };
    let state = format!(
        "{{\"workstreams\":{{\"w\":{{\"created_at\":\"{AT}\",\"tasks\":[{},{},{}]}}}}}}",
        task("0000000a", "\"0000000b\""),
        task("0000000b", "\"0000000a\""),
        task("0000000c", "\"0000000a\""),
    );
    let said = problems(&input(&state), &Options::default());
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].ends_with("`0000000b` depends on `0000000a` itself, perhaps through others"), "{said:?}");
}

#[test]
fn broken_events_are_refused_with_their_line() {
    let good = format!("{{\"ts\":\"{AT}\",\"agent\":\"a\",\"action\":\"b\"}}");
    for (line, expected) in [
        ("{\"ts\":", "events.jsonl:3:6: the text ends too early (EOF while parsing a value)"),
        ("[1]", "events.jsonl:3:1: expected an object, found a list"),
        ("{}{}", "events.jsonl:3:3: not valid JSON: trailing characters"),
        ("{\"agent\":\"a\",\"action\":\"b\"}", "events.jsonl:3:1: ts: is missing"),
        (
            "{\"ts\":\"now\",\"agent\":\"a\",\"action\":\"b\"}",
            "events.jsonl:3:7: ts: `now` is no time such as 2026-02-06T07:37:39.745Z",
        ),
        (
            "{\"ts\":\"2026-02-06T07:36:50Z\",\"agent\":null,\"action\":\"b\"}",
            "events.jsonl:3:38: agent: expected a text, found null",
        ),
        (
            "{\"ts\":\"2026-02-06T07:36:50Z\",\"agent\":\"é\",\"action\":\"b\",\"d\":{\"x\":1,\"x\":2}}",
            "events.jsonl:3:66: the key `x` is there twice",
        ),
        (
            "{\"ts\":\"2026-02-06T07:36:50Z\",\r\"agent\":\"a\",\"action\":\"b\"}",
            "events.jsonl:3:1: a carriage return stands inside the line",
        ),
    ] {
        let events = Some(format!("{good}\n\n{line}\n{good}\n").into_bytes());
        assert_eq!(problems(&Input { events, ..input("{}") }, &Options::default()), [expected], "{line}");
    }
    let twice = good.replace("\"b\"", "\"b\",\"id\":\"019c3188-3a21-7000-8000-000000000001\"");
    let events = Some(format!("{twice}\n\n{twice}\n").into_bytes());
    assert_eq!(
        problems(&Input { events, ..input("{}") }, &Options::default()),
        ["events.jsonl:3:1: id: `019c3188-3a21-7000-8000-000000000001` is the id of line 1 already"]
    );
    let events = Some(b"{}\n\xff".to_vec());
    assert_eq!(
        problems(&Input { events, ..input("{}") }, &Options::default()),
        ["events.jsonl:2:1: not UTF-8"]
    );
}

#[test]
fn broken_knowledge_is_refused_by_its_file() {
    for (name, bytes, expected) in [
        (
            "../x.md",
            &b"x"[..],
            "knowledge/../x.md: `../x` can't name a topic: it must start with a letter or a digit; `x` would do",
        ),
        (
            "/etc/passwd.md",
            b"x",
            "knowledge//etc/passwd.md: `/etc/passwd` can't name a topic: it is empty; `etc/passwd` would do",
        ),
        (".md", b"x", "knowledge/.md: `` can't name a topic: it is empty"),
        (
            "a\u{1b}b.md",
            b"x",
            "knowledge/a\\u{1b}b.md: `a\\u{1b}b` can't name a topic: only letters, digits, `.`, `_` and `-` are allowed; `a-b` would do",
        ),
        ("a.md", b"ok\nn\xc3\xb6t\xff", "knowledge/a.md:2:4: not UTF-8"),
        ("a.md", b"ok\n\xc3\xb6\0", "knowledge/a.md:2:2: holds a NUL character"),
        ("a.md", b"ok\n\0", "knowledge/a.md:2:1: holds a NUL character"),
    ] {
        let knowledge = [(name.to_owned(), bytes.to_vec())].into();
        assert_eq!(
            problems(&Input { knowledge, ..input("{}") }, &Options::default()),
            [expected],
            "{name:?}"
        );
    }
    let knowledge = [("API.md".to_owned(), vec![]), ("api.md".to_owned(), vec![])].into();
    assert_eq!(
        problems(&Input { knowledge, ..input("{}") }, &Options::default()),
        ["knowledge/api.md: `API` and `api` differ only by case"]
    );
    let knowledge = [("a.md".to_owned(), vec![b'x'; (1 << 20) + 1])].into();
    let said = problems(&Input { knowledge, ..input("{}") }, &Options::default());
    assert_eq!(said, ["knowledge/a.md: has 1048577 bytes, at most 1048576 are allowed"]);
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let broken = state("\"priority\": 2", "\"priority\": []").replace("\"type\": \"worker\"", "\"type\": 1");
    let broken = broken
        .replace("\"revenue\"", "\"a b\"")
        .replace("\"active\",\n      \"tasks\"", "\"x\",\n      \"tasks\"");
    let given = Input {
        events: Some(b"{\n[]".to_vec()),
        knowledge: [("c d.md".to_owned(), vec![])].into(),
        ..input(&broken)
    };
    let found = read(&given, &Options::default()).unwrap_err();
    let places: Vec<String> =
        found.iter().map(|p| format!("{}{:?}", p.file, p.place.map(|(line, _)| line))).collect();
    assert_eq!(
        places,
        [
            "state.jsonSome(5)",
            "state.jsonSome(8)",
            "state.jsonSome(15)",
            "state.jsonSome(28)",
            "events.jsonlSome(1)",
            "events.jsonlSome(2)",
            "knowledge/c d.mdNone",
        ]
    );
    let refusal = refusal(&found);
    assert_eq!(refusal.code, Code::Invalid);
    assert!(refusal.message.starts_with("nothing was imported: 7 problems\n  state.json:5:5: "), "{refusal}");
    assert_eq!(
        refusal.hint.as_deref(),
        Some("add `--slugify`, or choose the names: --rename 'a b=a-b' --rename 'c d=c-d'")
    );
}

#[test]
fn a_rename_must_lead_to_a_good_name_of_its_own() {
    let given = input(&state("\"assigned_to\": \"agent-1\"", "\"assigned_to\": \"agent 1\""));
    let slugify = Options { bad_names: BadNames::Slugify, ..Options::default() };
    let merged = [
        "state.json:17:26: workstreams.revenue.tasks[0].assigned_to: `agent-1` and `agent 1` would both be called `agent-1`",
    ];
    assert_eq!(problems(&given, &slugify), merged);
    for (new, why) in [("..", "can't name an agent"), ("agent-1", "would both be called `agent-1`")] {
        let renames = [("agent 1".to_owned(), new.to_owned())].into();
        let said = problems(&given, &Options { renames, ..Options::default() });
        assert!(said.len() == 1 && said[0].contains(why), "{said:?}");
    }
    let hopeless = input(&state("\"agent\": \"agent-1\"", "\"agent\": \"..\""));
    assert_eq!(problems(&hopeless, &slugify).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic_and_every_place_is_in_the_file(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..9, "[]\\[{}\":,a0\\\\é\n\0]{0,4}"), 1..4),
    ) {
        let mut bytes = state("", "").into_bytes();
        for (at, removed, put) in cuts {
            let at = at.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, put.into_bytes());
        }
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line = bytes.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let given = Input {
            knowledge: [("a.md".to_owned(), bytes.clone())].into(),
            state: bytes,
            events: Some(line),
        };
        for problem in read(&given, &Options::default()).map(|_| ()).unwrap_err() {
            prop_assert!(problem.place.is_none_or(|(line, column)| (1..=lines).contains(&line) && column >= 1), "{problem}");
        }
    }
}
