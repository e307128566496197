//! What operations cost, counted, and what the queue offers.

use super::*;
use crate::git::testing::{git, repository};
use crate::model::{EventFilter, Priority, Recent, Resource, Status, TaskRef, Topic, WorkstreamName};
use crate::ops::lock::Acquire;
use crate::ops::task::{Add, Block, Claim, Complete, Next, Release, Reopen, TakeOver, Whose};
use crate::views::brief::BriefRequest;
use crate::views::tasks;

/// Writes a board with one workstream, `w`, and these pending tasks, each with its priority.
fn plant(root: &std::path::Path, tasks: impl Iterator<Item = (String, usize)>) {
    let board = root.join(".orchestrator");
    let stamp = "2026-02-06T07:36:59.474Z";
    let write = |path: String, text: String| {
        let path = board.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("config.yaml".into(), "format: 1\n".into());
    let workstream =
        format!("name: w\ndescription: W\npriority: 1\nstatus: active\ncreated_at: {stamp}\ncreated_by: a\n");
    write("workstreams/w.yaml".into(), workstream);
    for (id, priority) in tasks {
        let text = format!(
            "id: {id}\nworkstream: w\ntitle: T\nstatus: pending\npriority: {priority}\ncreated_at: {stamp}\ncreated_by: a\n"
        );
        write(format!("tasks/{}/{id}.yaml", &id[..2]), text);
    }
}

/// The objects that each operation reads, on a board with so many tasks in each of the 256 directories.
fn objects_read(each: usize) -> Vec<(&'static str, u64)> {
    let (dir, _) = repository();
    plant(
        dir.path(),
        (0..256)
            .flat_map(|directory| (1..=each).map(move |task| (format!("{directory:02x}{task:06x}"), task))),
    );
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["config", "maintenance.auto", "false"]);
    git(dir.path(), &["commit", "-q", "-m", "Board"]);
    git(dir.path(), &["gc", "-q"]);
    let agent = AgentId::parse("agent-1").unwrap();
    let w = || WorkstreamName::parse("w").unwrap();
    let task = |id: &str| TaskRef::parse(id).unwrap();
    let calls = std::cell::Cell::new(0);
    let read = |name: &'static str, run: &dyn Fn(&Orchestrator)| {
        calls.set(calls.get() + 1);
        // A handle of its own, as a process has, and the same ids each time: one that comes to lie in a
        // directory that was read already costs one object less.
        let env = Env::seeded(&calls.get().to_string());
        let board = Orchestrator::open(Options::new(dir.path()), env).unwrap();
        run(&board);
        (name, board.store.repo.objects_read())
    };
    let next = Next { workstream: w(), agent: agent.clone() };
    let add = Add {
        workstream: w(),
        title: "New".into(),
        description: String::new(),
        priority: Priority(9),
        estimate: None,
        depends_on: vec![task("01000001")],
        labels: vec![],
    };
    let claim = |id: &str| Claim {
        task: task(id),
        workstream: None,
        agent: agent.clone(),
        take_over: TakeOver::Never,
    };
    let complete = Complete { task: task("07000001"), workstream: None, result: None, epoch: None };
    let resource = Resource::parse("git").unwrap();
    let acquire = Acquire { resource, agent: agent.clone(), ttl: None, reason: None };
    // Once before, so that the queue is there.
    read("next", &|board| drop(board.run(&next).unwrap()));
    vec![
        read("next", &|board| drop(board.run(&next).unwrap())),
        read("add", &|board| drop(board.run(&add).unwrap())),
        read("claim", &|board| drop(board.run(&claim("07000001")).unwrap())),
        read("complete", &|board| drop(board.run_as(Some(agent.clone()), &complete).unwrap())),
        read("acquire", &|board| drop(board.run(&acquire).unwrap())),
    ]
}

#[test]
fn no_operation_reads_more_objects_where_there_are_more_tasks() {
    let (few, many) = (objects_read(1), objects_read(40));
    assert_eq!(few, many);
    assert!(few.iter().all(|(_, count)| *count < 40), "{few:?}");
}

/// Claims that are held are not read by each claim of another task, however many they are, and those that are over
/// do not pile up beside them.
/// A board with the workstream `w`, and what opens it anew.
fn begun() -> (tempfile::TempDir, impl Fn() -> Orchestrator, WorkstreamName) {
    let (dir, _) = repository();
    let root = dir.path().to_owned();
    let board = move || Orchestrator::open(Options::new(&root), Env::default()).unwrap();
    crate::engine::init(Options::new(dir.path()), Env::default()).unwrap();
    let w = WorkstreamName::parse("w").unwrap();
    board().create_workstream(&w, "", Priority(1)).unwrap();
    (dir, board, w)
}

#[test]
fn held_claims_slow_no_claim_and_finished_ones_are_folded() {
    let (_dir, board, w) = begun();
    let agent = AgentId::parse("agent-1").unwrap();
    let claimed = || {
        let id = TaskRef::parse(&board().add_task(&w, "Task", "", Priority(5)).unwrap().id).unwrap();
        let board = board();
        board.claim_task(&w, &id, &agent).unwrap();
        (id, board.store.repo.objects_read())
    };
    let held: Vec<(TaskRef, u64)> = (0..100).map(|_| claimed()).collect();
    let costs: Vec<u64> = held.iter().map(|(_, cost)| *cost).collect();
    let low = |cost: &&u64| **cost < 20;
    assert_eq!(costs[..64].iter().filter(low).count(), 64, "{costs:?}");
    assert!(costs[64..].iter().filter(low).count() >= 33, "{costs:?}");
    let refs = || board().store.repo.list_refs("refs/orchestrator/claims/").unwrap().len();
    assert_eq!(refs(), 100, "what is held keeps its ref");
    for (id, _) in &held {
        board()
            .run_as(
                Some(agent.clone()),
                &Complete { task: id.clone(), workstream: None, result: None, epoch: None },
            )
            .unwrap();
    }
    for _ in 0..16 {
        claimed();
    }
    assert!(refs() <= 16, "{}", refs());
    assert!(board().store.repo.read_ref("refs/orchestrator/archive").unwrap().is_some());
}

/// The last few events are found without a walk of a lock's whole chain, though the board has none that is newer.
#[test]
fn the_last_events_cost_no_more_where_a_lock_went_from_hand_to_hand() {
    let read = |rounds: usize| {
        let (_dir, board, _) = begun();
        let (resource, agent) = (Resource::parse("git").unwrap(), AgentId::parse("agent-1").unwrap());
        for _ in 0..rounds {
            board().acquire_lock(&resource, &agent, None).unwrap();
            board().release_lock(&resource, &agent).unwrap();
        }
        let (board, filter) = (board(), EventFilter { last: Some(3), ..EventFilter::default() });
        let told = board.events(&filter).unwrap();
        let told = told.require().unwrap();
        let actions: Vec<&str> = told.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["lock_released", "lock_acquired", "lock_released"]);
        board.store.repo.objects_read()
    };
    assert_eq!(read(3), read(30));
}

/// When a task changed stands in the log's index and in its own record: whatever locks there are is not asked for.
#[test]
fn what_is_told_of_tasks_costs_no_more_where_there_are_locks() {
    let read = |locks: usize| {
        let (_dir, board, w) = begun();
        let agent = AgentId::parse("agent-1").unwrap();
        let id = TaskRef::parse(&board().add_task(&w, "Task", "", Priority(5)).unwrap().id).unwrap();
        board().complete_task(&w, &id, None).unwrap();
        for number in 0..locks {
            let resource = Resource::parse(&format!("r{number}")).unwrap();
            board().acquire_lock(&resource, &agent, None).unwrap();
        }
        let again = board();
        again.complete_task(&w, &id, None).unwrap();
        let list = board();
        let view = list.view().unwrap().require().unwrap();
        assert!(tasks::tasks(&*view, &tasks::Filter::default()).unwrap().is_whole());
        (again.store.repo.objects_read(), list.store.repo.objects_read())
    };
    assert_eq!(read(0), read(9));
}

/// However many there are, each is offered once and in its turn, also where the last look finds just as many as it
/// looked for.
#[test]
fn each_candidate_is_offered_once_and_in_its_turn() {
    let (dir, _) = repository();
    let mut there = 0;
    for count in [0, 1, 15, 16, 17, 143, 144, 145, 1168, 1169] {
        let id = |number: usize| format!("{:08x}", (number as u32).wrapping_mul(0x9e37_79b1));
        plant(dir.path(), (there..count).map(|number| (id(number), number % 5)));
        there = count;
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-q", "-m", "Board"]);
        let board = Orchestrator::open(Options::new(dir.path()), Env::default()).unwrap();
        let snapshot = board.snapshot().unwrap();
        let w = WorkstreamName::parse("w").unwrap();
        let offered: Vec<_> = snapshot
            .candidates(&w, false)
            .unwrap()
            .require()
            .unwrap()
            .map(|found| found.unwrap().id)
            .collect();
        let wanted: Vec<_> =
            snapshot.tasks().unwrap().require().unwrap().iter().map(|seen| seen.task.id).collect();
        assert_eq!((offered.len(), &offered), (count, &wanted));
    }
}

/// What the index of the log picks out is what a look at every event finds.
#[test]
fn the_index_of_the_log_tells_what_the_whole_log_does() {
    let (dir, _) = repository();
    let root = dir.path();
    let board = || Orchestrator::open(Options::new(root), Env::default()).unwrap();
    crate::engine::init(Options::new(root), Env::default()).unwrap();
    let names = ["one", "two", "three"].map(|name| WorkstreamName::parse(name).unwrap());
    let agents = ["agent-1", "agent-2"].map(|name| AgentId::parse(name).unwrap());
    let resource = Resource::parse("git").unwrap();
    for name in &names {
        board().create_workstream(name, "", Priority(1)).unwrap();
    }
    for round in 0..12 {
        let (name, agent) = (&names[round % 2], &agents[round % 2]);
        let id = TaskRef::parse(&board().add_task(name, "Task", "", Priority(5)).unwrap().id).unwrap();
        board().claim_task(name, &id, agent).unwrap();
        board().acquire_lock(&resource, agent, None).unwrap();
        board().release_lock(&resource, agent).unwrap();
        let field = [("workstream".to_owned(), names[round % 3].as_str().into())].into_iter().collect();
        board().log_event(agent, "noted", field).unwrap();
        match round {
            // By hand, so that the log has to tell it from the files.
            4 => {
                let path = format!(".orchestrator/tasks/{}/{}.yaml", &id.to_string()[..2], id);
                let moved = std::fs::read_to_string(root.join(&path)).unwrap();
                let moved = moved.replace("workstream: one", "workstream: three");
                std::fs::write(root.join(&path), moved).unwrap();
                git(root, &["commit", "-q", "-m", "Move a task", "--", &path]);
            }
            7 => drop(board().collect().unwrap()),
            _ => drop(board().complete_task(name, &id, None).unwrap()),
        }
    }
    for _from in ["history", "what was kept of it"] {
        let board = board();
        let snapshot = board.snapshot().unwrap();
        let whole = crate::views::fake::Board { log: snapshot.log().unwrap(), ..Default::default() };
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        for actions in [words(&[]), words(&["task_completed", "cycle_collected"]), words(&["lock_released"])]
        {
            for from_last in
                [None, Some("cycle_collected"), Some("noted"), Some("never"), Some("lock_released")]
            {
                for (last, agent) in
                    [(None, None), (Some(0), None), (Some(3), Some("agent-2")), (None, Some("agent-1"))]
                {
                    let filter = EventFilter {
                        last,
                        agent: agent.map(str::to_owned),
                        actions: actions.clone(),
                        from_last: from_last.map(str::to_owned),
                        ..EventFilter::default()
                    };
                    let (told, wanted) = (snapshot.events(&filter).unwrap(), whole.events(&filter).unwrap());
                    assert_eq!(told.events, wanted.events, "{filter:?}");
                }
            }
        }
        let tasks = snapshot.tasks().unwrap().require().unwrap();
        let home =
            |id| tasks.iter().find(|seen| seen.task.id == id).map(|seen| seen.task.workstream.as_str());
        for most in [0, 1, 5, 1000] {
            let workstreams = names.iter().map(WorkstreamName::as_str).collect();
            let of = Recent { workstreams, most, home: &home };
            let told = snapshot.newest_events(&of).unwrap();
            assert_eq!(told, whole.newest_events(&of).unwrap(), "{most}");
            assert!(told.values().all(|events| events.len() == most || most == 1000), "{told:?}");
        }
    }
}

/// A plan and a brief show the last events of each workstream, and a collection those of its cycle: what came before
/// is not read, also where one workstream had few events or none.
#[test]
fn a_plan_a_brief_and_a_collection_cost_no_more_with_a_long_log() {
    let read = |rounds: usize| {
        let (dir, _) = repository();
        let board = || Orchestrator::open(Options::new(dir.path()), Env::default()).unwrap();
        crate::engine::init(Options::new(dir.path()), Env::default()).unwrap();
        let [busy, quiet] = ["busy", "quiet"].map(|name| WorkstreamName::parse(name).unwrap());
        for workstream in [&busy, &quiet] {
            board().create_workstream(workstream, "", Priority(1)).unwrap();
        }
        let id = TaskRef::parse(&board().add_task(&busy, "Task", "", Priority(5)).unwrap().id).unwrap();
        let agent = AgentId::parse("agent-1").unwrap();
        let topic = Topic::parse("topic").unwrap();
        for round in 0..rounds {
            board().claim_task(&busy, &id, &agent).unwrap();
            board().complete_task(&busy, &id, None).unwrap();
            board().run(&Reopen { task: id.clone() }).unwrap();
            board().write_knowledge(&topic, &format!("Text {round}\n")).unwrap();
            board().log_event(&agent, "rested", serde_json::Map::new()).unwrap();
        }
        // What is new of the log is looked at and kept.
        assert!(board().plan().unwrap().is_whole());
        board().collect().unwrap();
        let count = |run: &dyn Fn(&Orchestrator)| {
            let board = board();
            run(&board);
            board.store.repo.objects_read()
        };
        let request = BriefRequest { workstream: busy.clone(), task: None, budget: None };
        [
            count(&|board| {
                assert_eq!(board.plan().unwrap().require().unwrap().recommended_parallel.len(), 1)
            }),
            count(&|board| assert!(board.brief(&request).unwrap().require().unwrap().is_some())),
            count(&|board| {
                assert_eq!(board.collect().unwrap().outcome.require().unwrap().completed_this_cycle, [])
            }),
        ]
    };
    assert_eq!(read(8), read(40));
}

/// Every task that may be had stands in the queue, in its turn, whatever files, records, branches and the archive
/// say of it.
#[test]
fn the_queue_leaves_nobody_out_and_is_never_sure_of_what_is_not_so() {
    let (dir, _) = repository();
    let root = dir.path();
    let board = || Orchestrator::open(Options::new(root), Env::default()).unwrap();
    std::fs::create_dir_all(root.join(".orchestrator")).unwrap();
    std::fs::write(root.join(".orchestrator/config.yaml"), "format: 1\n").unwrap();
    git(root, &["add", "."]);
    git(root, &["commit", "-q", "-m", "Board"]);
    board().create_workstream(&WorkstreamName::parse("w").unwrap(), "", Priority(1)).unwrap();
    let add = |number: i64| Add {
        workstream: WorkstreamName::parse("w").unwrap(),
        title: format!("Task {number}"),
        description: String::new(),
        priority: Priority(number % 7),
        estimate: None,
        depends_on: vec![],
        labels: vec![],
    };
    let ids: Vec<TaskRef> =
        (0..130).map(|number| board().run(&add(number)).unwrap().outcome.task.task.id.into()).collect();
    let agent = |name: &str| AgentId::parse(name).unwrap();
    let claim = |at: usize| {
        let task = ids[at].clone();
        let request = Claim { task, workstream: None, agent: agent("a"), take_over: TakeOver::Never };
        board().run(&request).unwrap();
    };
    let complete = |at: usize| {
        let request = Complete { task: ids[at].clone(), workstream: None, result: None, epoch: None };
        board().run_as(Some(agent("a")), &request).unwrap();
    };
    let release = |at: usize| {
        let request = Release { task: ids[at].clone(), reason: None, whose: Whose::Mine, epoch: None };
        board().run_as(Some(agent("a")), &request).unwrap();
    };
    let check = |place: &str| {
        let board = board();
        let snapshot = board.snapshot().unwrap();
        let w = WorkstreamName::parse("w").unwrap();
        for held in [false, true] {
            let offered: Vec<_> =
                snapshot.candidates(&w, held).unwrap().require().unwrap().map(Result::unwrap).collect();
            let ids: std::collections::HashSet<_> = offered.iter().map(|candidate| candidate.id).collect();
            assert_eq!(ids.len(), offered.len(), "{place}: one is offered twice");
            let wanted = snapshot.tasks().unwrap().require().unwrap();
            let wanted = wanted.iter().filter(|seen| match seen.task.status {
                Status::Pending => true,
                Status::InProgress(_) => held,
                _ => false,
            });
            let mut rest = offered.iter();
            for seen in wanted {
                let found = rest.any(|candidate| candidate.id == seen.task.id);
                assert!(found, "{place}: {} is left out or out of turn", seen.task.id);
            }
            for candidate in offered.iter().filter(|candidate| candidate.is_pending) {
                let seen = snapshot.task(candidate.id).unwrap().unwrap();
                assert_eq!(seen.task.status, Status::Pending, "{place}");
            }
        }
    };
    check("new");
    git(root, &["branch", "side"]);
    (0..10).for_each(claim);
    (0..3).for_each(complete);
    (3..6).for_each(release);
    check("main");
    git(root, &["switch", "-q", "side"]);
    check("side, before");
    (10..100).for_each(claim);
    (10..60).for_each(complete);
    (60..90).for_each(release);
    // The hundred and thirteenth has those that are over folded.
    (110..123).for_each(claim);
    check("side");
    assert!(board().store.repo.read_ref("refs/orchestrator/archive").unwrap().is_some());
    board().run(&Reopen { task: ids[12].clone() }).unwrap();
    board().run(&Block { task: ids[101].clone(), reason: "x".into() }).unwrap();
    check("side, reopened");
    git(root, &["switch", "-q", "main"]);
    check("main, after");
    git(root, &["branch", "-D", "-q", "side"]);
    check("main, without the other branch");
}
