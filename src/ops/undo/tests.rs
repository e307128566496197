use super::*;
use crate::model::{
    Action, AgentId, Claim, Edit, Entity, EventId, Standing, Status, Task, TaskId, Timestamp, Version,
};
use crate::ops::fake::{Board, assert_well_told, now, plan, plan_as};

const ID: &str = "00000001";
const COMMIT: &str = "1111111111111111111111111111111111111111";

fn id() -> TaskId {
    TaskId::parse(ID).unwrap()
}

fn claim(agent: &str, at: Timestamp) -> Claim {
    Claim { agent: AgentId::parse(agent).unwrap(), claimed_at: Some(at) }
}

fn event(action: Action) -> Event {
    let id = EventId::parse("e100").unwrap();
    Event::new(now(), "agent-1", action, id).with("workstream", "w").with("task_id", ID)
}

fn version(task: &Task) -> Known {
    let entity = Entity::Task(Box::new(task.clone()));
    Known::There(Version { entity, path: format!("tasks/00/{ID}.yaml"), text: "the file\n".into() })
}

/// A board on which a commit has led the task from one state to the one that it has.
fn board(action: Action, before: impl FnOnce(&mut Task), after: impl FnOnce(&mut Task)) -> Board {
    let mut board = Board::with(|board| board.workstream("w").task(ID, "w"));
    let mut was = View::task(&board, id()).unwrap().unwrap().task;
    before(&mut was);
    let mut is = was.clone();
    after(&mut is);
    board.edit(id(), |seen| seen.task = is.clone());
    let passage = Passage {
        commit: COMMIT.into(),
        events: vec![event(action)],
        before: version(&was),
        after: version(&is),
    };
    let parts = vec![(EntityKey::Task(id()), passage)];
    board.deeds.push(Deed { commit: COMMIT.into(), origin: Origin::Mutation, parts, loose: vec![] });
    board
}

fn undo() -> Undo {
    Undo { what: Some("e100".into()) }
}

#[test]
fn a_completion_goes_back_into_the_hands_it_came_from_with_the_same_epoch() {
    let held = claim("agent-1", now());
    let done = Status::Done { claim: Some(held.clone()), completed_at: Some(now()) };
    let board = board(
        Action::TaskCompleted,
        |task| (task.epoch, task.status) = (3, Status::InProgress(held.clone())),
        |task| (task.status, task.result) = (done.clone(), Some("r".into())),
    );
    let change = plan(&board, &undo()).unwrap();
    let [event] = change.events.as_slice() else { panic!("{:?}", change.events) };
    assert_eq!((event.action.word(), event.text("assigned_to")), ("task_reopened", Some("agent-1")));
    assert_eq!((event.fields["epoch"].as_u64(), event.undoes().collect::<Vec<_>>()), (Some(3), vec!["e100"]));
    let record = &change.records[0].record;
    assert!(matches!(&record.standing, Standing::Held { agent, .. } if *agent == held.agent));
    assert_eq!((record.epoch, record.event.as_ref()), (3, Some(event)));
    let Edit::Task(task) = &change.edits[0] else { panic!() };
    assert_eq!((&task.status, &task.result), (&Status::InProgress(held), &None));
    assert_eq!(change.subject, "undo task_completed 00000001 Task 00000001");
}

#[test]
fn a_later_claim_under_the_same_name_is_another_claim() {
    let held = claim("agent-1", now());
    let mut board = board(
        Action::TaskClaimed,
        |_| {},
        |task| (task.epoch, task.status) = (1, Status::InProgress(held.clone())),
    );
    assert_eq!(plan(&board, &undo()).unwrap().events[0].action, Action::TaskReleased);
    board.edit(id(), |seen| seen.task.epoch = 2);
    let refusal = plan(&board, &undo()).unwrap_err();
    assert_eq!(refusal.code, Code::Transition);
    assert!(refusal.message.contains("has changed since"), "{refusal}");
}

#[test]
fn what_leads_nowhere_back_is_refused_in_good_form() {
    let (one, two) = (claim("agent-2", now()), claim("agent-1", now()));
    let taken_over = board(
        Action::TaskClaimed,
        |task| (task.epoch, task.status) = (1, Status::InProgress(one.clone())),
        |task| (task.epoch, task.status) = (2, Status::InProgress(two.clone())),
    );
    let released_blocked = board(
        Action::TaskReleased,
        |task| task.status = Status::Blocked { reason: "rain".into(), claim: Some(one.clone()) },
        |task| task.status = Status::Blocked { reason: "rain".into(), claim: None },
    );
    for (board, said) in [(taken_over, "was taken over"), (released_blocked, "no command leads task")] {
        let refusal = plan(&board, &undo()).unwrap_err();
        assert!(refusal.message.contains(said), "{refusal}");
        assert_well_told(&refusal);
    }
}

#[test]
fn a_released_claim_is_taken_anew_and_by_nobody_else() {
    let held = claim("agent-1", now());
    let board = board(
        Action::TaskReleased,
        |task| (task.epoch, task.status) = (1, Status::InProgress(held.clone())),
        |task| task.status = Status::Pending,
    );
    let change = plan_as(&board, "agent-1", &undo()).unwrap();
    assert_eq!((change.events[0].action.word(), change.records[0].record.epoch), ("task_claimed", 2));
    assert_eq!(plan_as(&board, "agent-2", &undo()).unwrap_err().code, Code::NotHolder);
}

#[test]
fn imports_merges_and_hand_edits_are_left_to_git() {
    for (origin, command) in
        [(Origin::Import, "git revert 1111111"), (Origin::Merge, "git revert -m 1 1111111")]
    {
        let mut board = board(Action::TaskUpdated, |_| {}, |task| task.title = "New".into());
        board.deeds[0].origin = origin;
        assert_eq!(plan(&board, &undo()).unwrap_err().hint.as_deref(), Some(command));
    }
    let mut board = board(Action::TaskUpdated, |_| {}, |task| task.title = "New".into());
    board.deeds[0].parts[0].1.events[0].derived = true;
    for what in ["e100", COMMIT] {
        let refusal = plan(&board, &Undo { what: Some(what.into()) }).unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("git revert 1111111"));
    }
}

#[test]
fn a_move_goes_back_only_to_a_workstream_that_is_there() {
    let moved = || {
        board(
            Action::TaskUpdated,
            |task| task.workstream = crate::model::WorkstreamName::parse("gone").unwrap(),
            |task| task.workstream = crate::model::WorkstreamName::parse("w").unwrap(),
        )
    };
    assert_eq!(plan(&moved(), &undo()).unwrap_err().code, Code::NotFound);
    let mut board = moved();
    board = board.workstream("gone");
    let change = plan(&board, &undo()).unwrap();
    assert_eq!(
        (change.events[0].text("workstream"), change.events[0].text("from_workstream")),
        (Some("gone"), Some("w"))
    );
}

#[test]
fn dependencies_that_come_back_must_be_there_and_lead_in_no_circle() {
    let other = TaskId::parse("00000002").unwrap();
    let removed =
        || board(Action::TaskUpdated, |task| task.depends_on = vec![other], |task| task.depends_on = vec![]);
    assert_eq!(plan(&removed(), &undo()).unwrap_err().code, Code::NotFound);
    assert!(plan(&removed().task("00000002", "w"), &undo()).is_ok());
    assert_eq!(plan(&removed().depending("00000002", "w", ID), &undo()).unwrap_err().code, Code::Cycle);
    // So must those of a task that comes back whole.
    let deleted = || {
        let mut whole = board(Action::TaskDeleted, |task| task.depends_on = vec![other], |_| {});
        let passage = &mut whole.deeds[0].parts[0].1;
        passage.after = Known::Absent;
        let mut gone = Board::with(|board| board.workstream("w"));
        gone.deeds = whole.deeds;
        gone
    };
    let refused = plan(&deleted(), &undo()).unwrap_err();
    assert_eq!(
        (refused.code, refused.message.contains("`00000002`")),
        (Code::Transition, true),
        "{refused:?}"
    );
    assert!(plan(&deleted().task("00000002", "w"), &undo()).is_ok());
}

/// An update tells of no epoch, so its undoing brings none.
#[test]
fn an_update_that_is_undone_leaves_the_epoch() {
    let mut board =
        board(Action::TaskUpdated, |task| task.title = "Old".into(), |task| task.title = "New".into());
    board.edit(id(), |seen| {
        let event = event(Action::TaskReleased);
        seen.record = Some(crate::model::Record {
            key: crate::model::RecordKey::Claim(id()),
            standing: Standing::Free,
            epoch: 3,
            nonce: None,
            reason: None,
            event: Some(event),
            board: None,
            commit: None,
        });
    });
    let change = plan(&board, &undo()).unwrap();
    let [crate::model::Edit::Task(task)] = change.edits.as_slice() else { panic!("{:?}", change.edits) };
    assert_eq!((task.title.as_str(), task.epoch), ("Old", 0));
}
