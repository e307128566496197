//! Import onto an empty board, again, and onto one that has other things.

use super::*;
use crate::model::{
    Agent, AgentId, Imported as Kept, Knowledge, Priority, Resource, Span, Status, Task, TaskId, Timestamp,
    Topic, Workstream, WorkstreamStatus,
};
use crate::ops::fake::{Board, now, plan, plan_as};

fn ago(secs: u64) -> Timestamp {
    now().minus(Span::from_secs(secs))
}

fn agent(id: &str) -> AgentId {
    AgentId::parse(id).unwrap()
}

fn workstream(name: &str) -> Workstream {
    Workstream {
        name: WorkstreamName::parse(name).unwrap(),
        description: "Money".into(),
        priority: Priority(1),
        status: WorkstreamStatus::Active,
        created_at: ago(9000),
        created_by: "system".into(),
        imported: Kept::default(),
    }
}

fn task(id: &str, workstream: &str) -> Task {
    Task {
        id: TaskId::parse(id).unwrap(),
        workstream: WorkstreamName::parse(workstream).unwrap(),
        title: "Pay".into(),
        status: Status::Pending,
        epoch: 0,
        priority: Priority(0),
        estimate: None,
        depends_on: vec![],
        labels: vec![],
        created_at: ago(8000),
        created_by: "system".into(),
        description: String::new(),
        result: None,
        imported: Kept([("updated_at".to_owned(), ago(7000).to_string())].into()),
    }
}

fn event(action: &str, line: &str) -> Event {
    let id = EventId::parse("x").unwrap();
    let event = Event::new(ago(50), "agent-1", Action::from_word(action), id).with("resource", "git");
    Event { id: None, line: Some(line.to_owned()), ..event }
}

fn lock(resource: &str, age: u64) -> PredecessorLock {
    PredecessorLock {
        resource: Resource::parse(resource).unwrap(),
        agent: agent("agent-1"),
        acquired_at: ago(age),
        ttl: Span::from_secs(60),
        epoch: 0,
        reason: None,
    }
}

/// Two workstreams, two tasks, an agent, a document, four events (two of them alike), two locks of
/// which one has run out.
fn data() -> Predecessor {
    Predecessor {
        workstreams: vec![workstream("revenue"), workstream("product")],
        tasks: vec![task("0000000a", "revenue"), task("0000000b", "product")],
        agents: vec![Agent {
            id: agent("agent-1"),
            kind: "worker".into(),
            status: "active".into(),
            capabilities: vec![],
            registered_at: ago(9000),
            imported: Kept::default(),
        }],
        knowledge: vec![Knowledge {
            topic: Topic::parse("api").unwrap(),
            content: "REST\n".into(),
            updated_by: Some("agent-1".into()),
            updated_at: Some(ago(600)),
        }],
        events: vec![
            event("note", "same"),
            event("note", "same"),
            event("lock_acquired", "lock"),
            event("note", "last"),
        ],
        locks: vec![lock("git", 50), lock("db", 70)],
        digest: "d1".repeat(32),
        remarks: vec![],
    }
}

fn import(data: Predecessor) -> Import {
    Import { data }
}

fn imported(data: Predecessor) -> Board {
    let mut board = Board::default();
    let change = plan(&board, &import(data)).unwrap();
    board.apply(change.clone());
    board
}

#[test]
fn everything_is_one_change_with_its_digest() {
    let change = plan_as(&Board::default(), "ada", &import(data())).unwrap();
    assert_eq!(change.subject, "import 2 tasks in 2 workstreams");
    assert_eq!(
        change.body,
        "ada imported a data directory: 2 workstreams, 2 tasks, 1 agent, 1 document, 4 events."
    );
    assert_eq!(change.trailers, [(TRAILER.to_owned(), "d1".repeat(32))]);
    assert_eq!((change.edits.len(), change.records.len()), (6, 1));
    assert_eq!(change.events, data().events, "as they were, and none of its own");
    let written = Counts { workstreams: 2, tasks: 2, agents: 1, knowledge: 1, events: 4, locks: 1 };
    assert_eq!((change.outcome.written, change.outcome.already), (written, Counts::default()));
    let [kept, dropped] = data().locks.try_into().unwrap();
    assert_eq!((change.outcome.locks_kept, change.outcome.locks_dropped), (vec![kept], vec![dropped]));
}

#[test]
fn a_live_lock_is_held_on_and_carries_the_event_of_the_log() {
    let change = plan(&Board::default(), &import(data())).unwrap();
    let RecordEdit { expected: None, record, replaces: false } = &change.records[0] else { panic!() };
    assert_eq!((record.epoch, record.expires_at()), (1, Some(now().plus(Span::from_secs(10)))));
    assert!(record.nonce.is_some());
    assert_eq!(record.event, Some(data().events[2].clone()));
}

#[test]
fn a_lock_that_no_line_tells_of_gets_an_event() {
    for (events, since) in [(vec![], 50), (data().events, 49)] {
        let data = Predecessor { events, locks: vec![lock("git", since)], ..data() };
        let change = plan(&Board::default(), &import(data)).unwrap();
        let event = change.records[0].record.event.as_ref().unwrap();
        assert_eq!((event.ts, event.action.clone()), (ago(since), Action::LockAcquired));
        assert!(event.id.is_some() && event.line.is_none() && event.text("resource") == Some("git"));
    }
}

#[test]
fn the_epoch_of_a_lock_goes_on_counting() {
    let mut board = imported(data());
    board.free_locks();
    let before = board.locks().unwrap()[0].commit.clone();
    let again = Predecessor { digest: "d2".repeat(32), ..data() };
    let change = plan(&board, &import(again.clone())).unwrap();
    assert_eq!((change.records[0].record.epoch, change.records[0].expected.clone()), (2, before));
    assert!(!change.touches_board() && change.subject == "import 2 locks", "{}", change.subject);
    let exported = PredecessorLock { epoch: 7, ..lock("git", 50) };
    let change = plan(&board, &import(Predecessor { locks: vec![exported], ..again })).unwrap();
    assert_eq!(change.records[0].record.epoch, 7);
}

#[test]
fn a_lock_that_somebody_else_holds_is_in_the_way() {
    let again = Predecessor { digest: "d2".repeat(32), ..data() };
    let mut board = imported(data());
    let change = plan(&board, &import(again.clone())).unwrap();
    assert!(change.is_nothing() && change.outcome.locks_kept.len() == 1, "held so already");
    board.move_locks(ago(2));
    let refusal = plan(&board, &import(again.clone())).unwrap_err();
    assert_eq!(refusal.code, Code::Exists);
    assert!(refusal.message.ends_with("lock `git`, held by `agent-1`"), "{refusal}");
    assert_eq!(refusal.hint.as_deref(), Some("orchestrator lock show git"));
    board.break_locks();
    let refusal = plan(&board, &import(again.clone())).unwrap_err();
    assert!(refusal.message.ends_with("held by somebody unknown"), "{refusal}");
    let mut board = imported(data());
    board.move_locks(ago(300));
    assert_eq!(plan(&board, &import(again)).unwrap().records[0].record.epoch, 2);
}

/// A lock of the future, or one without end, would have to be broken by hand.
#[test]
fn a_lock_is_held_for_a_day_at_most_whatever_the_directory_says() {
    let day = Span::from_secs(24 * 60 * 60);
    let century = Span::from_secs(100 * 365 * 24 * 60 * 60);
    let endless = |acquired_at, ttl| PredecessorLock { acquired_at, ttl, ..lock("git", 0) };
    for (given, end) in [
        (endless(now(), century), now().plus(day)),
        (endless(ago(3600), century), now().plus(day)),
        (endless(now().plus(century), century), now().plus(day)),
        (endless(now().plus(century), Span::from_secs(60)), now().plus(Span::from_secs(60))),
        (endless(now().plus(Span::from_secs(10)), Span::from_secs(60)), now().plus(Span::from_secs(60))),
    ] {
        let given = Predecessor { locks: vec![given], events: vec![], ..data() };
        let change = plan(&Board::default(), &import(given.clone())).unwrap();
        let record = &change.records[0].record;
        assert_eq!(record.expires_at(), Some(end));
        assert!(record.is_expired(end.plus(Span::from_secs(2)), Span::from_secs(1)), "it runs out");
        assert_eq!(change.outcome.locks_shortened, [(given.locks[0].clone(), end)]);
        let event = record.event.as_ref().unwrap();
        assert_eq!((event.ts, event.text("resource")), (now(), Some("git")));
        // The same once more: it is held so already.
        let mut board = Board::default();
        board.apply(change);
        let again = Predecessor { digest: "d2".repeat(32), ..given };
        let change = plan(&board, &import(again)).unwrap();
        assert!(change.is_nothing() && change.outcome.already.locks == 1);
    }
    let whole = Predecessor { locks: vec![endless(ago(5), day)], ..data() };
    let change = plan(&Board::default(), &import(whole)).unwrap();
    assert_eq!(change.outcome.locks_shortened, []);
    assert_eq!(change.records[0].record.expires_at(), Some(ago(5).plus(day)));
}

#[test]
fn the_same_directory_again_changes_nothing() {
    let mut board = imported(data());
    board.free_locks();
    let change = plan(&board, &import(data())).unwrap();
    assert!(change.is_nothing());
    assert_eq!(
        change.outcome.already,
        Counts { workstreams: 2, tasks: 2, agents: 1, knowledge: 1, events: 4, locks: 0 }
    );
    assert_eq!(change.outcome.written, Counts::default());
}

#[test]
fn a_directory_that_has_grown_adds_what_is_new() {
    let board = imported(data());
    let mut grown = Predecessor { digest: "d2".repeat(32), locks: vec![], ..data() };
    grown.tasks.push(task("0000000c", "product"));
    grown.events.push(event("note", "new"));
    grown.events.push(event("note", "same"));
    let change = plan(&board, &import(grown)).unwrap();
    assert_eq!(change.subject, "import 1 task in 1 workstream");
    assert_eq!((change.edits.len(), change.outcome.already.tasks), (1, 2));
    // A reader numbers equal lines within a commit: the third `same` needs the two before it.
    let lines: Vec<_> = change.events.iter().map(|event| event.line.as_deref().unwrap()).collect();
    assert_eq!(lines, ["same", "same", "new", "same"]);
    assert_eq!(change.trailers.len(), 1);
}

#[test]
fn an_event_of_ours_is_known_by_its_id() {
    let mut board = Board::default();
    let own = Event { line: None, id: EventId::parse("0199aa"), ..event("note", "") };
    board.apply(Change::new("log note", ()).event(own));
    let exported = event("note", "exported").with("id", "0199aa");
    let data = Predecessor { events: vec![exported], digest: "d1".into(), ..Predecessor::default() };
    assert!(plan(&board, &import(data)).unwrap().is_nothing());
}

#[test]
fn what_is_there_and_different_refuses_the_whole() {
    let mut board = imported(data());
    board.edit(TaskId::parse("0000000a").unwrap(), |seen| seen.task.title = "Pay now".into());
    let mut other = Predecessor { digest: "d2".repeat(32), ..data() };
    other.workstreams[1].priority = Priority(9);
    other.knowledge[0].content.push('!');
    other.agents[0].kind = "lead".into();
    other.tasks.push(task("0000000c", "revenue"));
    let refusal = plan(&board, &import(other)).unwrap_err();
    assert_eq!(refusal.code, Code::Exists);
    assert_eq!(
        refusal.message,
        "nothing was imported: the board has something else already: workstream `product`, \
         task `0000000a`, agent `agent-1`, knowledge `api`"
    );
    assert_eq!(refusal.hint.as_deref(), Some("orchestrator ws show product"));
}

#[test]
fn at_most_ten_differences_are_listed() {
    let mut other = Predecessor { digest: "d2".repeat(32), ..Predecessor::default() };
    other.tasks = (0..13).map(|n| task(&format!("{n:08x}"), "revenue")).collect();
    let mut board = imported(Predecessor { digest: "d1".repeat(32), ..other.clone() });
    for task in &other.tasks {
        board.edit(task.id, |seen| seen.task.priority = Priority(9));
    }
    let refusal = plan(&board, &import(other)).unwrap_err();
    assert_eq!(refusal.message.matches("task `").count(), 10);
    assert!(refusal.message.ends_with(", and 3 more"), "{refusal}");
}

#[test]
fn names_that_differ_only_by_case_are_refused() {
    let board = Board::with(|board| board.workstream("Revenue"));
    let refusal = plan(&board, &import(data())).unwrap_err();
    assert_eq!(refusal.code, Code::Exists);
    assert!(
        refusal.message.contains("workstream `revenue` differs only by case from `Revenue`"),
        "{refusal}"
    );
}
