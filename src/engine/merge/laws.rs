//! What holds for every merge, over generated triples: a file, and what two sides made of it.
//!
//! `MERGE_TRIPLES=10000 cargo test --lib merge::laws` takes as many triples of each law; without it a hundred.
//! Half of the steps are what a command does to a task, half what a person does with an editor: unknown keys, comments,
//! lists, texts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::{
    AgentId, Claim, Imported, Priority, Status, Task, TaskId, Timestamp, Topic, WorkstreamName,
};

const PLACE: &str = ".orchestrator/tasks/29/299833bc.yaml";
const DOCUMENT: &str = ".orchestrator/knowledge/api.md";

fn config() -> ProptestConfig {
    let cases = std::env::var("MERGE_TRIPLES").ok().and_then(|count| count.parse().ok()).unwrap_or(100);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() }
}

fn id() -> TaskId {
    TaskId::parse("299833bc").unwrap()
}

fn at(second: u32) -> Timestamp {
    Timestamp::parse(&format!("2026-02-06T07:00:{second:02}Z")).unwrap()
}

fn task() -> Task {
    Task {
        id: id(),
        workstream: WorkstreamName::parse("w").unwrap(),
        title: "Pay".into(),
        status: Status::Pending,
        epoch: 0,
        priority: Priority::default(),
        estimate: None,
        depends_on: vec![],
        labels: vec!["l1".into()],
        created_at: at(0),
        created_by: "system".into(),
        description: "one\ntwo\nthree\nfour\nfive\n".into(),
        result: None,
        imported: Imported::default(),
    }
}

/// A step of somebody's.
#[derive(Clone, Debug)]
enum Step {
    Claim(u8),
    Release,
    Block(u8),
    Complete(u8),
    Cancel(u8),
    Reopen,
    Title(u8),
    Priority(i64),
    Estimate(u8),
    Label(u8),
    Unlabel(u8),
    Depend(u8),
    Describe(u8, u8),
    Move(u8),
    Comment(u8),
    Unknown(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Step::Claim),
        1 => Just(Step::Release),
        1 => (0..2_u8).prop_map(Step::Block),
        2 => (0..3_u8).prop_map(Step::Complete),
        1 => (0..2_u8).prop_map(Step::Cancel),
        1 => Just(Step::Reopen),
        1 => (0..3_u8).prop_map(Step::Title),
        1 => (0..3_i64).prop_map(Step::Priority),
        1 => (0..3_u8).prop_map(Step::Estimate),
        2 => (0..4_u8).prop_map(Step::Label),
        1 => (0..4_u8).prop_map(Step::Unlabel),
        1 => (0..3_u8).prop_map(Step::Depend),
        3 => (0..6_u8, 0..3_u8).prop_map(|(line, word)| Step::Describe(line, word)),
        1 => (0..3_u8).prop_map(Step::Move),
        2 => (0..16_u8).prop_map(Step::Comment),
        3 => (0..4_u8, 0..3_u8).prop_map(|(key, value)| Step::Unknown(key, value)),
    ]
}

/// The file after a step; as it was where the step is none for a task in this state.
fn walk(bytes: &[u8], step: &Step, second: u32) -> Vec<u8> {
    let mut task = codec::task::decode(bytes, id()).unwrap();
    let claim = |agent: u8| Claim {
        agent: AgentId::parse(&format!("agent-{agent}")).unwrap(),
        claimed_at: Some(at(second)),
    };
    match step {
        Step::Claim(agent) if matches!(task.status, Status::Pending) => {
            task.status = Status::InProgress(claim(*agent));
            task.epoch += 1;
        }
        Step::Release if matches!(task.status, Status::InProgress(_)) => task.status = Status::Pending,
        Step::Block(reason) if !task.status.is_over() => {
            let claim = task.status.claim().cloned();
            task.status = Status::Blocked { reason: format!("because {reason}"), claim };
        }
        Step::Complete(result) if !task.status.is_over() => {
            let claim = task.status.claim().cloned();
            task.status = Status::Done { claim, completed_at: Some(at(second)) };
            task.result = (*result > 0).then(|| format!("result {result}\nof lines\n"));
        }
        Step::Cancel(reason) if !task.status.is_over() => {
            task.status = Status::Cancelled { reason: format!("no {reason}") };
        }
        Step::Reopen if task.status.is_over() => {
            task.status = Status::Pending;
            task.result = None;
        }
        Step::Title(word) => task.title = format!("Title {word}"),
        Step::Priority(priority) => task.priority = Priority(*priority),
        Step::Estimate(hours) => task.estimate = (*hours > 0).then(|| format!("{hours}h")),
        Step::Label(label) if !task.labels.contains(&format!("l{label}")) => {
            task.labels.push(format!("l{label}"));
        }
        Step::Unlabel(label) => task.labels.retain(|one| *one != format!("l{label}")),
        Step::Depend(other) => {
            let other = TaskId::parse(&format!("0000000{other}")).unwrap();
            if !task.depends_on.contains(&other) {
                task.depends_on.push(other);
            }
        }
        Step::Describe(line, word) => {
            let mut lines: Vec<String> = task.description.lines().map(str::to_owned).collect();
            match lines.get_mut(usize::from(*line)) {
                Some(old) => *old = format!("{old} {word}"),
                None => lines.push(format!("line {word}")),
            }
            task.description = lines.iter().map(|line| format!("{line}\n")).collect();
        }
        Step::Move(workstream) => {
            task.workstream = WorkstreamName::parse(&format!("w{workstream}")).unwrap();
        }
        Step::Comment(place) => {
            let mut sheet = codec::sheet::read(bytes).unwrap();
            let place = usize::from(*place) % sheet.rows.len();
            sheet.rows[place].above.push_str(&format!("# comment {second}\n"));
            return sheet.text().into_bytes();
        }
        Step::Unknown(key, value) => {
            let mut sheet = codec::sheet::read(bytes).unwrap();
            let key = format!("x-{key}");
            let lines = format!("{key}:\n  - {value}\n  - {second}\n");
            match sheet.rows.iter_mut().find(|row| row.key == key) {
                Some(row) => row.lines = lines,
                None => {
                    let row = crate::model::Row { key, above: String::new(), lines };
                    sheet.rows.insert(usize::from(*value) + 2, row);
                }
            }
            return sheet.text().into_bytes();
        }
        _ => return bytes.to_vec(),
    }
    codec::task::encode(&task, Some(bytes)).unwrap()
}

fn steps(base: &[u8], steps: &[Step], start: u32) -> Vec<u8> {
    let seconds = start..;
    steps.iter().zip(seconds).fold(base.to_vec(), |bytes, (step, second)| walk(&bytes, step, second))
}

fn triple() -> impl Strategy<Value = [Vec<u8>; 3]> {
    let some = || proptest::collection::vec(step(), 0..5);
    (some(), some(), some(), any::<bool>()).prop_map(|(before, ours, theirs, has_base)| {
        let base = steps(&codec::task::encode(&task(), None).unwrap(), &before, 1);
        let (ours, theirs) = (steps(&base, &ours, 20), steps(&base, &theirs, 40));
        // Now and then both sides have made the file.
        let base = if has_base || ours.len() % 5 > 0 { base } else { Vec::new() };
        [base, ours, theirs]
    })
}

fn merged(place: &str, base: &[u8], ours: &[u8], theirs: &[u8]) -> MergedFile {
    merge_file(place, Versions { base, ours, theirs }, &Markers::default())
}

fn keys(bytes: &[u8]) -> BTreeSet<String> {
    codec::sheet::read(bytes).unwrap().rows.into_iter().map(|row| row.key).collect()
}

fn read(bytes: &[u8]) -> Task {
    codec::task::decode(bytes, id()).unwrap()
}

/// A task with its lists in an order of their own: which side's come first is all that may differ.
fn sorted(mut task: Task) -> Task {
    task.labels.sort();
    task.depends_on.sort();
    task
}

/// One side of a marked file.
fn side(bytes: &[u8], is_ours: bool) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (mut kept, mut inside) = (String::new(), None);
    for line in text.split_inclusive('\n') {
        match line.get(..7) {
            Some("<<<<<<<") => inside = Some(true),
            Some("=======") => inside = Some(false),
            Some(">>>>>>>") => inside = None,
            _ if inside.is_none_or(|of_ours| of_ours == is_ours) => kept.push_str(line),
            _ => {}
        }
    }
    kept.into_bytes()
}

fn check(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<(), TestCaseError> {
    let there = merged(PLACE, base, ours, theirs);
    let back = merged(PLACE, base, theirs, ours);
    prop_assert_eq!(there.method, Method::Fields);
    let sort = |conflicts: &[String]| conflicts.iter().cloned().collect::<BTreeSet<_>>();
    prop_assert_eq!(sort(&there.conflicts), sort(&back.conflicts), "a conflict has no sides");

    // No key of either side is lost, known or not, unless one side took it away on purpose.
    let (old, one, two) = (keys(base), keys(ours), keys(theirs));
    for key in one.union(&two).filter(|key| key.starts_with("x-")) {
        let is_there = there.bytes.windows(key.len()).any(|part| part == key.as_bytes());
        prop_assert!(is_there || old.contains(key), "{} is lost", key);
    }
    for line in String::from_utf8_lossy(ours).lines().chain(String::from_utf8_lossy(theirs).lines()) {
        let is_comment = line.starts_with("# comment");
        prop_assert!(!is_comment || String::from_utf8_lossy(&there.bytes).contains(line), "{} is lost", line);
    }

    if there.conflicts.is_empty() {
        let (a, b) = (read(&there.bytes), read(&back.bytes));
        prop_assert_eq!(sorted(a.clone()), sorted(b), "a clean merge has no sides");
        let [one, two] = [ours, theirs].map(read);
        let fields = [a.fields(), one.fields(), two.fields()];
        for (at, (field, value)) in fields[0].iter().enumerate() {
            let is_blend = ["labels", "depends_on", "description", "result"].contains(field);
            let is_known = *value == fields[1][at].1 || *value == fields[2][at].1;
            prop_assert!(is_blend || is_known, "{} has a value of nobody's", field);
        }
        // A state is one side's as a whole.
        let state = |task: &Task| (task.status.clone(), task.epoch);
        prop_assert!([state(&one), state(&two)].contains(&state(&a)));
        // The sets have what either side added.
        let old = if base.is_empty() { None } else { Some(read(base)) };
        let was = |label: &String| old.as_ref().is_some_and(|old| old.labels.contains(label));
        for label in one.labels.iter().chain(&two.labels) {
            let stays = !was(label) || (one.labels.contains(label) && two.labels.contains(label));
            prop_assert_eq!(a.labels.contains(label), stays, "{}", label);
        }
        // Merging once more changes nothing.
        let again = merged(PLACE, theirs, &there.bytes, theirs);
        prop_assert_eq!(&again.bytes, &there.bytes);
    } else {
        for is_ours in [true, false] {
            let resolved = side(&there.bytes, is_ours);
            let read = codec::task::decode(&resolved, id());
            prop_assert!(read.is_ok(), "{:?}\n{}", read, String::from_utf8_lossy(&there.bytes));
        }
        prop_assert!(codec::task::decode(&there.bytes, id()).is_err(), "markers can't be overlooked");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn merges_of_tasks_are_lawful([base, ours, theirs] in triple()) {
        prop_assert_eq!(merged(PLACE, &ours, &ours, &ours).bytes, ours.clone());
        prop_assert_eq!(merged(PLACE, &base, &ours, &base).bytes, ours.clone());
        prop_assert_eq!(merged(PLACE, &base, &base, &theirs).bytes, theirs.clone());
        prop_assert_eq!(merged(PLACE, &base, &ours, &ours).bytes, ours.clone());
        check(&base, &ours, &theirs)?;
    }

    #[test]
    fn merges_of_documents_are_lawful(
        base in proptest::collection::vec(0..4_u8, 0..7),
        ours in proptest::collection::vec(0..5_u8, 0..7),
        theirs in proptest::collection::vec(0..5_u8, 0..7),
        front in 0..8_u8,
    ) {
        let page = |lines: &[u8], stamp: u32, has_front: bool, tag: bool| {
            let tag = if tag { format!("tag-{stamp}: [a]\n") } else { String::new() };
            let front = if has_front {
                format!("---\n{tag}updated_by: a{stamp}\nupdated_at: {}\n---\n", at(stamp))
            } else {
                String::new()
            };
            let text: String = lines.iter().map(|line| format!("line {line}\n")).collect();
            (front + &text).into_bytes()
        };
        let base = page(&base, 1, front & 1 == 0, false);
        let (ours, theirs) = (page(&ours, 2, front & 2 == 0, front & 2 == 0), page(&theirs, 3, true, front & 4 == 0));
        let (there, back) = (merged(DOCUMENT, &base, &ours, &theirs), merged(DOCUMENT, &base, &theirs, &ours));
        prop_assert_eq!(&there.conflicts, &back.conflicts);
        let text = String::from_utf8(there.bytes.clone()).unwrap();
        for (side, tag) in [(&ours, "tag-2:"), (&theirs, "tag-3:")] {
            let had = String::from_utf8_lossy(side).contains(tag);
            prop_assert!(!had || text.contains(tag), "{}", text);
        }
        if there.conflicts.is_empty() {
            let topic = Topic::parse("api").unwrap();
            let [one, two] = [&there, &back].map(|one| codec::knowledge::decode(&one.bytes, &topic).unwrap());
            prop_assert_eq!(one, two);
        } else {
            prop_assert!(text.contains("<<<<<<< ours\n") && text.contains(">>>>>>> theirs\n"), "{}", text);
        }
    }

    /// Whatever the bytes, it ends in something that git could have made, and nothing of a side is lost silently.
    #[test]
    fn any_bytes_are_merged_as_lines(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "id: 299833bc\n", "title: x\n", "status: pending\n", "<<<<<<< HEAD\n", "=======\n", ">>>>>>> b\n",
                "\u{feff}", "\r\n", "a: [\n", "- ", "\u{0}", "&a *a\n", "---\n", "x", "\n",
            ]),
            0..30,
        ),
        cuts in (0..30_usize, 0..30_usize),
    ) {
        let text = |from: usize| pieces.iter().skip(from).copied().collect::<String>().into_bytes();
        let (base, ours, theirs) = (text(0), text(cuts.0), text(cuts.1));
        for place in [PLACE, DOCUMENT, ".orchestrator/workstreams/w.yaml", ".orchestrator/agents/a.yaml", "x"] {
            let there = merged(place, &base, &ours, &theirs);
            if there.conflicts.is_empty() {
                let is_taken = [&ours, &theirs].contains(&&there.bytes);
                prop_assert!(is_taken || lines::merge(&base, &ours, &theirs).is_some() || there.method == Method::Fields);
            }
        }
    }
}

fn file() -> String {
    String::from_utf8(codec::task::encode(&task(), None).unwrap()).unwrap()
}

#[test]
fn what_is_broken_on_one_side_is_merged_as_git_would() {
    let base = file();
    for (ours, has_conflict) in [
        (format!("\u{feff}{base}"), false),
        (
            base.replace(
                "status: pending\n",
                "<<<<<<< HEAD\nstatus: pending\n=======\nstatus: done\n>>>>>>> x\n",
            ),
            true,
        ),
        (base.replace("title: Pay\n", "title: [\n"), true),
        (base.replace("title: Pay\n", "title: \u{0}\n"), true),
    ] {
        let theirs = base.replace("title: Pay\n", "title: Paid\n").replace("one\n", "eins\n");
        let result = merged(PLACE, base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
        assert_ne!(result.method, Method::Fields, "{ours}");
        assert_eq!(!result.conflicts.is_empty(), has_conflict, "{ours}");
        if result.method == Method::Binary {
            assert_eq!(result.bytes, ours.as_bytes());
        } else {
            assert!(String::from_utf8_lossy(&result.bytes).contains("eins"));
        }
    }
}

#[test]
fn files_with_nothing_in_common_are_merged_soon() {
    let lines = |of: u32| -> String { (0..10_000).map(|line| format!("{}\n", (line * of) % 9973)).collect() };
    let [base, ours, theirs] = [1, 7, 13].map(lines);
    let result = merged(PLACE, base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
    assert_eq!(result.method, Method::Lines);
}

#[test]
fn a_file_whose_line_ends_were_changed_is_still_merged_by_field() {
    let base = file();
    let ours = base.replace('\n', "\r\n");
    let theirs = base.replace("priority: 5", "priority: 1").replace("labels:\n  - l1\n", "labels: []\n");
    let result = merged(PLACE, base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
    assert_eq!((result.conflicts.len(), result.method), (0, Method::Fields));
    let merged = read(&result.bytes);
    assert_eq!((merged.priority, merged.labels.len()), (Priority(1), 0));
}

#[test]
fn a_conflict_stands_around_the_lines_of_its_key_only() {
    let base = file();
    let step = |bytes: &str, steps_of: &[Step], second| {
        String::from_utf8(steps(bytes.as_bytes(), steps_of, second)).unwrap()
    };
    let ours = step(&base, &[Step::Claim(1), Step::Label(2), Step::Title(1)], 10);
    let theirs = step(&base, &[Step::Claim(2), Step::Label(3), Step::Priority(0)], 20);
    let result = merged(PLACE, base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
    let expected = "\
id: 299833bc
workstream: w
title: Title 1
status: in_progress
<<<<<<< ours
assigned_to: agent-1
epoch: 1
claimed_at: 2026-02-06T07:00:10.000Z
=======
assigned_to: agent-2
epoch: 1
claimed_at: 2026-02-06T07:00:20.000Z
>>>>>>> theirs
completed_at: null
priority: 0
estimate: null
depends_on: []
labels:
  - l1
  - l2
  - l3
created_at: 2026-02-06T07:00:00.000Z
";
    let text = String::from_utf8(result.bytes).unwrap();
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(result.conflicts, ["assigned_to", "epoch", "claimed_at"]);
}
