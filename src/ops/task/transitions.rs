//! The state machine as one table: every state and every verb, allowed or refused with a hint.

use super::{Block, Cancel, Claim, Complete, Release, Reopen, TakeOver, Unblock, Whose};
use crate::model::{AgentId, Change, Code, Operation, Status, TaskId, TaskRef};
use crate::ops::fake::{Board, plan_as};

const ID: &str = "00000001";

fn board(state: &str) -> Board {
    let mut board = Board::with(|board| board.workstream("w").claimed(ID, "w", "me"));
    board.edit(TaskId::parse(ID).unwrap(), |seen| {
        let claim = seen.task.status.claim().cloned();
        seen.task.status = match state {
            "pending" => Status::Pending,
            "mine" => return,
            "blocked" => Status::Blocked { reason: "key".into(), claim: None },
            "blocked mine" => Status::Blocked { reason: "key".into(), claim },
            "done" => Status::Done { claim, completed_at: None },
            "cancelled" => Status::Cancelled { reason: "no".into() },
            other => panic!("{other}"),
        };
    });
    board
}

/// What a verb makes of a state: the new state, `=` for a no-op, or the refusal.
fn told<O>(board: &Board, request: &impl Operation<Outcome = O>) -> String {
    match plan_as(board, "me", request) {
        Ok(Change { edits, .. }) if edits.is_empty() => "=".to_owned(),
        Ok(change) => match &change.edits[0] {
            crate::model::Edit::Task(task) => task.status.word().to_owned(),
            other => panic!("{other:?}"),
        },
        Err(refusal) => {
            assert_eq!(refusal.code, Code::Transition, "{refusal}");
            assert!(refusal.hint.is_some(), "{refusal}");
            "no".to_owned()
        }
    }
}

#[test]
fn every_verb_on_every_state() {
    let task = || TaskRef::parse(ID).unwrap();
    let me = || AgentId::parse("me").unwrap();
    #[rustfmt::skip]
    let table = [
        // state          claim          complete  release    block      unblock        cancel       reopen
        ("pending",      ["in_progress", "done",   "=",       "blocked", "=",           "cancelled", "="]),
        ("mine",         ["=",           "done",   "pending", "blocked", "=",           "cancelled", "no"]),
        ("blocked",      ["no",          "no",     "no",      "blocked", "pending",     "cancelled", "no"]),
        ("blocked mine", ["no",          "no",     "blocked", "blocked", "in_progress", "cancelled", "no"]),
        ("done",         ["no",          "=",      "no",      "no",      "no",          "no",        "pending"]),
        ("cancelled",    ["no",          "no",     "no",      "no",      "no",          "=",         "pending"]),
    ];
    for (state, expected) in table {
        let board = board(state);
        let claim = Claim { task: task(), workstream: None, agent: me(), take_over: TakeOver::Never };
        let complete = Complete { task: task(), workstream: None, result: None, epoch: None };
        let release = Release { task: task(), reason: None, whose: Whose::Mine, epoch: None };
        let found = [
            told(&board, &claim),
            told(&board, &complete),
            told(&board, &release),
            told(&board, &Block { task: task(), reason: "waits".into() }),
            told(&board, &Unblock { task: task() }),
            told(&board, &Cancel { task: task(), reason: "no".into() }),
            told(&board, &Reopen { task: task() }),
        ];
        assert_eq!(found, expected, "{state}");
    }
}
