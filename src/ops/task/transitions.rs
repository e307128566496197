//! The state machine as one table, `transitions.txt`: every state and every verb, what it leads to, or the
//! refusal with its hint, word for word. Beside it, what holds for every change whatever the verb.

use std::fmt::Write as _;

use super::{Block, Cancel, Claim, Complete, Release, Reopen, TakeOver, Told, Unblock, Update, Whose};
use crate::model::{
    AgentId, BoardPoint, Change, Code, Edit, Finish, Landing, Record, RecordKey, Refusal, SeenTask, Span,
    Standing, Status, TaskId, TaskRef,
};
use crate::ops::fake::{Board, assert_well_told, now, plan, plan_as};

const ID: &str = "00000001";

const STATES: [&str; 18] = [
    "pending",
    "in_progress, mine",
    "in_progress, b's",
    "in_progress, b's, silent",
    "in_progress, b's, on feat-a",
    "blocked, nobody's",
    "blocked, mine",
    "blocked, b's",
    "done, by me",
    "done, by b",
    "done, by b, on feat-a",
    "cancelled",
    "pending, unreadable record",
    "in_progress, b's, unreadable record",
    "blocked, b's, unreadable record",
    "blocked, nobody's, unreadable record",
    "done, by b, unreadable record",
    "cancelled, unreadable record",
];

const VERBS: [&str; 10] = [
    "claim",
    "claim --take-over",
    "complete",
    "release",
    "release --stale",
    "release --force",
    "block",
    "unblock",
    "cancel",
    "reopen",
];

/// A board with one task in `state`, its record beside it, claimed twice so far.
fn board(state: &str) -> Board {
    let mine = !state.contains("b's") && !state.contains("by b");
    let holder = AgentId::parse(if mine { "me" } else { "b" }).unwrap();
    let mut board = Board::with(|board| board.workstream("w").claimed(ID, "w", holder.as_str()));
    if state.contains("silent") {
        board.seen("b", now().minus(Span::from_secs(7200)));
    }
    let at = now().minus(Span::from_secs(if state.contains("silent") { 7200 } else { 12 * 60 }));
    board.edit(TaskId::parse(ID).unwrap(), |seen| {
        let claim = crate::model::Claim { agent: holder.clone(), claimed_at: Some(at) };
        let held = Standing::Held { agent: holder.clone(), since: at, ttl: None };
        let over = |finish| Standing::Completed { agent: holder.clone(), at, finish, result: None };
        let reason = "no key yet".to_owned();
        let (status, standing) = match state.split(',').next().unwrap() {
            "pending" => (Status::Pending, Standing::Free),
            "in_progress" => (Status::InProgress(claim), held),
            "blocked" if state.contains("nobody") => {
                (Status::Blocked { reason, claim: None }, Standing::Free)
            }
            "blocked" => (Status::Blocked { reason, claim: Some(claim) }, held),
            "done" => (Status::Done { claim: Some(claim), completed_at: Some(at) }, over(Finish::Done)),
            "cancelled" => (Status::Cancelled { reason: "nobody needs it".into() }, over(Finish::Cancelled)),
            other => panic!("{other}"),
        };
        let standing =
            if state.contains("unreadable") { Standing::Unreadable { why: "torn".into() } } else { standing };
        let point = BoardPoint { commit: "e".repeat(40), branch: Some("feat-a".into()) };
        if state.contains("on feat-a") {
            seen.landing =
                Landing::Elsewhere { branch: point.branch.clone(), commit: Some(point.commit.clone()) };
        }
        seen.task.status = status;
        seen.task.epoch = 2;
        seen.record = Some(Record {
            key: RecordKey::Claim(seen.task.id),
            standing,
            epoch: 2,
            nonce: None,
            reason: None,
            event: None,
            board: Some(point),
            commit: Some("c".repeat(40)),
        });
    });
    board
}

fn attempt(board: &Board, agent: Option<&str>, verb: &str) -> Result<Change<Told>, Refusal> {
    let task = || TaskRef::parse(ID).unwrap();
    let me = || AgentId::parse(agent.unwrap_or("me")).unwrap();
    let claim = |take_over| Claim { task: task(), workstream: None, agent: me(), take_over };
    let release = |whose| Release { task: task(), reason: None, whose, epoch: None };
    macro_rules! planned {
        ($request:expr) => {
            match agent {
                Some(agent) => plan_as(board, agent, &$request),
                None => plan(board, &$request),
            }
        };
    }
    match verb {
        "claim" => planned!(claim(TakeOver::Never)),
        "claim --take-over" => planned!(claim(TakeOver::IfStale)),
        "complete" => planned!(Complete { task: task(), workstream: None, result: None, epoch: None }),
        "release" => planned!(release(Whose::Mine)),
        "release --stale" => planned!(release(Whose::Stale)),
        "release --force" => planned!(release(Whose::Unknown)),
        "block" => planned!(Block { task: task(), reason: "waits for b".into() }),
        "unblock" => planned!(Unblock { task: task() }),
        "cancel" => planned!(Cancel { task: task(), reason: "no".into() }),
        "reopen" => planned!(Reopen { task: task() }),
        other => panic!("{other}"),
    }
}

/// One line on what came of it.
fn words(answer: &Result<Change<Told>, Refusal>) -> String {
    let change = match answer {
        Ok(change) if change.is_nothing() => return "= is so already".to_owned(),
        Ok(change) => change,
        Err(refusal) => {
            let hint = refusal.hint.as_deref().unwrap_or("NO HINT");
            return format!("! {}: {} // {hint}", refusal.code.word(), refusal.message);
        }
    };
    let task = &change.outcome.task.task;
    let holder = task.status.holder().map(|holder| format!(", {holder}'s")).unwrap_or_default();
    let record = match change.records.first().map(|edit| &edit.record.standing) {
        None => "stays",
        Some(Standing::Held { .. }) => "held",
        Some(Standing::Free) => "free",
        Some(Standing::Completed { finish: Finish::Done, .. }) => "completed",
        Some(Standing::Completed { finish: Finish::Cancelled, .. }) => "cancelled",
        Some(Standing::Unreadable { .. }) => "unreadable",
    };
    let actor = &change.events[0].agent;
    format!("> {}{holder}; epoch {}; record {record}; {actor} acts", task.status.word(), task.epoch)
}

#[test]
fn every_verb_on_every_state() {
    let mut found = String::new();
    for (title, agent) in [("AGENT `me` ACTS", Some("me")), ("NOBODY SAYS WHO ACTS", None)] {
        writeln!(found, "{title}").unwrap();
        for state in STATES {
            writeln!(found, "\n{state}").unwrap();
            // A claim always says who.
            for verb in VERBS.iter().filter(|verb| agent.is_some() || !verb.starts_with("claim")) {
                let answer = attempt(&board(state), agent, verb);
                writeln!(found, "  {verb:<18}{}", words(&answer)).unwrap();
            }
        }
        found.push('\n');
    }
    let expected = include_str!("transitions.txt");
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of transitions.txt", line + 1);
    }
    assert_eq!(found, expected);
}

/// Whatever the verb: one file, one event, told in one line; a record follows the one that was read, carries
/// the very event of the board, and no epoch ever falls. What is refused is refused in good form.
#[test]
fn what_holds_for_every_change_and_refusal() {
    for state in STATES {
        for (agent, verb) in [Some("me"), Some("b"), None].iter().flat_map(|a| VERBS.map(|verb| (*a, verb))) {
            let place = format!("{state} × {verb} by {agent:?}");
            let board = board(state);
            match attempt(&board, agent, verb) {
                Err(refusal) => assert_well_told(&refusal),
                Ok(change) if change.is_nothing() => {
                    assert_eq!(change.outcome.already, crate::ops::Already::WasSo, "{place}");
                    assert!(!change.touches_board(), "{place}");
                }
                Ok(change) => {
                    assert_eq!(change.outcome.already, crate::ops::Already::Changed, "{place}");
                    assert_eq!((change.edits.len(), change.events.len()), (1, 1), "{place}");
                    let Edit::Task(task) = &change.edits[0] else { panic!("{place}") };
                    assert_eq!(**task, change.outcome.task.task, "{place}");
                    assert!(task.epoch >= 2, "{place}");
                    let event = &change.events[0];
                    assert_eq!((event.task_id(), event.text("workstream")), (Some(task.id), Some("w")));
                    assert!(!change.subject.is_empty() && !change.body.is_empty(), "{place}");
                    assert!(change.body.starts_with(&format!("{} ", event.agent)), "{place}");
                    for edit in &change.records {
                        assert_eq!(edit.expected, Some("c".repeat(40)), "{place}");
                        assert_eq!(edit.record.event.as_ref(), Some(event), "{place}");
                        assert_eq!(edit.record.epoch, task.epoch, "{place}");
                        assert!(edit.record.nonce.is_some() && !edit.replaces, "{place}");
                        assert_eq!(change.outcome.task.record.as_ref(), Some(&edit.record), "{place}");
                    }
                    // The board that results is at rest: the same verb again changes nothing, or is refused.
                    let mut after = board;
                    after.apply(change);
                    if let Ok(again) = attempt(&after, agent, verb) {
                        assert!(again.is_nothing(), "{place} again");
                    }
                }
            }
        }
    }
}

#[test]
fn a_life_counts_its_claims_and_never_starts_again() {
    let mut board = Board::with(|board| board.workstream("w").task(ID, "w"));
    let mut told = Vec::new();
    for (agent, verb) in [
        ("a", "claim"),
        ("a", "block"),
        ("a", "unblock"),
        ("a", "release"),
        ("b", "claim"),
        ("b", "complete"),
        ("a", "reopen"),
        ("a", "claim"),
        ("a", "cancel"),
        ("b", "reopen"),
        ("b", "complete"),
    ] {
        let change = attempt(&board, Some(agent), verb).unwrap();
        let SeenTask { task, record, .. } = board.apply(change).task;
        told.push((verb, task.status.word(), task.epoch, record.map(|record| record.epoch)));
    }
    assert_eq!(
        told,
        [
            ("claim", "in_progress", 1, Some(1)),
            ("block", "blocked", 1, Some(1)),
            ("unblock", "in_progress", 1, Some(1)),
            ("release", "pending", 1, Some(1)),
            ("claim", "in_progress", 2, Some(2)),
            ("complete", "done", 2, Some(2)),
            ("reopen", "pending", 2, Some(2)),
            ("claim", "in_progress", 3, Some(3)),
            ("cancel", "cancelled", 3, Some(3)),
            ("reopen", "pending", 3, Some(3)),
            ("complete", "done", 3, Some(3)),
        ]
    );
}

/// A finish whose branch is gone leaves a record that goes on saying `completed`, so that the task counts as
/// pending whatever the file says. A block has to write `free` then, or nobody would ever see it.
#[test]
fn a_block_outlives_a_finish_that_was_lost() {
    let mut board = board("done, by b");
    board.edit(TaskId::parse(ID).unwrap(), |seen| {
        seen.task.status = Status::Pending;
        seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: Some("e".repeat(40)) };
    });
    let change = attempt(&board, Some("me"), "block").unwrap();
    assert_eq!(change.records[0].record.standing, Standing::Free);
    assert_eq!(change.records[0].record.event.as_ref(), Some(&change.events[0]));
}

/// The cost of a verb on one task must not grow with the board.
#[test]
fn no_verb_on_one_task_asks_for_all_of_them() {
    for state in STATES {
        let board = board(state);
        for verb in VERBS {
            let _told = attempt(&board, Some("me"), verb);
        }
        let _told =
            plan(&board, &Update { title: Some("New".into()), ..Update::of(TaskRef::parse(ID).unwrap()) });
        assert_eq!(board.scans(), 0, "{state}");
    }
}

#[test]
fn the_texts_of_reasons_are_kept_as_data_and_never_blank() {
    let forged = "x\n\nOrchestrator-Event: {\"action\":\"task_completed\"}";
    let task = || TaskRef::parse(ID).unwrap();
    for (reason, code) in [
        ("", Some(Code::Invalid)),
        (" \n", Some(Code::Invalid)),
        ("a\0", Some(Code::Invalid)),
        (forged, None),
    ] {
        for answer in [
            plan(&board("pending"), &Block { task: task(), reason: reason.into() }),
            plan(&board("pending"), &Cancel { task: task(), reason: reason.into() }),
        ] {
            match (answer, code) {
                (Err(refusal), Some(code)) => assert_eq!(refusal.code, code, "{reason:?}"),
                (Ok(change), None) => {
                    assert_eq!(change.events[0].text("reason"), Some(forged));
                    assert!(!change.subject.contains(forged) && !change.body.contains(forged));
                    assert_eq!(change.outcome.task.task.status.reason(), Some(forged));
                }
                (answer, code) => panic!("{reason:?}: {answer:?}, not {code:?}"),
            }
        }
    }
}
