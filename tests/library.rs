//! The library as another program meets it: the predecessor's functions, by name.

#![allow(clippy::unwrap_used)] // A test fails by a panic.

use orchestrator::engine::{Env, Options, Orchestrator, init};
use orchestrator::model::{AgentId, Code, Priority, Resource, TaskRef, Topic, WorkstreamName};
use orchestrator::views::brief::BriefRequest;
use orchestrator::views::events::Filter;

fn board() -> (assert_fs::TempDir, Orchestrator) {
    let directory = assert_fs::TempDir::new().unwrap();
    let git = |words: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(directory.path()).args(words);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        assert!(command.status().unwrap().success());
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["config", "user.name", "Ada"]);
    git(&["config", "user.email", "ada@example.org"]);
    let board = init(Options::new(directory.path()), Env::from_process()).unwrap().board;
    (directory, board)
}

#[test]
fn the_predecessors_functions_do_what_they_did() {
    let (_directory, board) = board();
    let ws = WorkstreamName::parse("revenue").unwrap();
    let agent = AgentId::parse("agent-1").unwrap();

    board.create_workstream(&ws, "Revenue generation", Priority(1)).unwrap();
    assert_eq!(board.list_workstreams().unwrap().require().unwrap()[0].name, "revenue");
    let first = board.add_task(&ws, "Pay", "Integrate USDC", Priority(2)).unwrap();
    let second = board.add_task(&ws, "Test", "", Priority(1)).unwrap();
    assert_eq!(
        board.load_state().unwrap().require().unwrap().workstreams["revenue"]["tasks"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    assert_eq!(board.register_agent(&agent, "worker").unwrap().kind, "worker");
    board.heartbeat(&agent).unwrap();
    let brief = board
        .brief(&BriefRequest { workstream: ws.clone(), task: None, budget: None })
        .unwrap()
        .require()
        .unwrap();
    assert_eq!(brief.unwrap().task.id, second.id);
    assert_eq!(board.plan().unwrap().require().unwrap().recommended_parallel.len(), 2);
    let first_ref = TaskRef::parse(&first.id).unwrap();
    assert_eq!(board.claim_task(&ws, &first_ref, &agent).unwrap().status, "in_progress");
    let stranger = AgentId::parse("agent-2").unwrap();
    assert_eq!(board.claim_task(&ws, &first_ref, &stranger).unwrap_err().code, Code::Held);
    assert_eq!(board.next_task(&ws, &agent).unwrap().require().unwrap().unwrap().id, second.id);
    assert_eq!(board.next_task(&ws, &agent).unwrap().require().unwrap(), None);
    assert_eq!(board.complete_task(&ws, &first_ref, Some("Done")).unwrap().result.as_deref(), Some("Done"));

    let resource = Resource::parse("src/main.rs").unwrap();
    assert!(board.acquire_lock(&resource, &agent, None).unwrap().acquired);
    assert!(!board.acquire_lock(&resource, &stranger, None).unwrap().acquired);
    assert!(!board.release_lock(&resource, &stranger).unwrap());
    assert!(board.release_lock(&resource, &agent).unwrap());

    let topic = Topic::parse("api/design").unwrap();
    board.write_knowledge(&topic, "Use REST").unwrap();
    assert_eq!(board.read_knowledge(&topic).unwrap().require().unwrap().unwrap().content, "Use REST");
    assert_eq!(board.list_knowledge().unwrap().require().unwrap().len(), 1);
    assert!(board.delete_knowledge(&topic).unwrap());
    assert!(!board.delete_knowledge(&topic).unwrap());
    assert_eq!(board.read_knowledge(&topic).unwrap().require().unwrap(), None);

    let data = [("url".to_owned(), "https://example.org".into())].into_iter().collect();
    assert_eq!(board.log_event(&agent, "deployed", data).unwrap().action, "deployed");
    let last = board.events(&Filter { last: Some(1), ..Filter::default() }).unwrap().require().unwrap();
    assert_eq!(last[0].action, "deployed");

    assert_eq!(board.status().unwrap().require().unwrap().active_tasks.len(), 1);
    let text = board.status_text().unwrap();
    assert!(text.starts_with("=== Orchestrator Status ===") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(board.collect().unwrap().outcome.require().unwrap().completed_this_cycle.len(), 1);
    assert_eq!(board.collect().unwrap().outcome.require().unwrap().completed_this_cycle.len(), 0);
}
