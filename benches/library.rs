//! Each command's path through the library, on boards of 100 to 100,000 tasks and logs of 1,000 and 100,000 commits:
//! how cost grows, without the start of a process.
//!
//! `cargo bench --bench library -- [part of a name]`. The board is opened anew each time, as a process does, and lives on a
//! branch that nobody has checked out: what an index and files add is measured by `compare`. What changes a task is
//! measured with what changes it back, so that a board stays as large as it is.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // A failure ends it, and it prints a table.

mod plot;
mod scene;

use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group};
use orchestrator::engine::{DataFiles, Env, Options, Orchestrator, Renaming, init, read_data};
use orchestrator::model::{AgentId, Priority, Resource, TaskId, TaskRef, Topic, WorkstreamName};
use orchestrator::ops::task::{Next, Release, Reopen, Whose};
use orchestrator::views::{events, tasks};

fn open(root: &Path) -> Orchestrator {
    let options = Options { board: Some("orchestrator".to_owned()), ..Options::new(root) };
    Orchestrator::open(options, Env::from_process()).unwrap()
}

/// How many tasks the boards have.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

type Call = (&'static str, Box<dyn Fn(&Orchestrator)>);

/// What is called, by name.
fn calls() -> Vec<Call> {
    let agent = || AgentId::parse("agent-1").unwrap();
    let w = || WorkstreamName::parse("w").unwrap();
    // In the middle of the queue.
    let task = || TaskRef::parse(&scene::id_of(50)).unwrap();
    let resource = || Resource::parse("git").unwrap();
    let topic = || Topic::parse("notes").unwrap();
    vec![
        (
            "next, release",
            Box::new(move |board| {
                let next = board.run_as(Some(agent()), &Next { workstream: w(), agent: agent() }).unwrap();
                let task = TaskRef::from(next.outcome.told.unwrap().task.task.id);
                let release = Release { task, reason: None, whose: Whose::Mine, epoch: None };
                board.run_as(Some(agent()), &release).unwrap();
            }),
        ),
        (
            "complete, reopen",
            Box::new(move |board| {
                board.complete_task(&w(), &task(), Some("Done")).unwrap();
                board.run(&Reopen { task: task() }).unwrap();
            }),
        ),
        (
            "list",
            Box::new(move |board| {
                drop(board.read(|view| tasks::tasks(view, &tasks::Filter::default())).unwrap())
            }),
        ),
        ("status", Box::new(|board| drop(board.status().unwrap()))),
        ("plan", Box::new(|board| drop(board.plan().unwrap()))),
        (
            "lock acquire, release",
            Box::new(move |board| {
                board.acquire_lock(&resource(), &agent(), None).unwrap();
                board.release_lock(&resource(), &agent()).unwrap();
            }),
        ),
        ("knowledge write", Box::new(move |board| drop(board.write_knowledge(&topic(), "Text\n").unwrap()))),
        ("knowledge read", Box::new(move |board| drop(board.read_knowledge(&topic()).unwrap()))),
        ("last 20 events", Box::new(last_events)),
        // Last: the only one that leaves the board larger than it was.
        ("create", Box::new(move |board| drop(board.add_task(&w(), "New", "", Priority(5)).unwrap()))),
    ]
}

fn last_events(board: &Orchestrator) {
    let filter = events::Filter { last: Some(20), ..events::Filter::default() };
    assert!(!board.events(&filter).unwrap().require().unwrap().is_empty());
}

fn by_tasks(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    for size in SIZES {
        let root = directory.path().join(size.to_string());
        scene::repository(&root);
        let options = Options { board: Some("orchestrator".to_owned()), ..Options::new(&root) };
        let board = init(options, Env::from_process()).unwrap().board;
        let data = scene::data(directory.path(), size);
        board.import(&read_data(&DataFiles::of(&data), &Renaming::default()).unwrap()).unwrap();
        scene::git(&root, &["gc", "-q"]);
        for (name, call) in calls() {
            // Once before: caches are there then.
            call(&open(&root));
            let mut group = criterion.benchmark_group(name);
            group
                .sample_size(10)
                .measurement_time(Duration::from_secs(2))
                .warm_up_time(Duration::from_millis(300));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| call(&open(&root)))
            });
            group.finish();
        }
    }
}

fn by_commits(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    for commits in [1_000, 100_000] {
        let root = directory.path().join(commits.to_string());
        scene::repository(&root);
        init(Options::new(&root), Env::from_process()).unwrap();
        scene::append_history(&root, commits);
        scene::git(&root, &["gc", "-q"]);
        let open = || Orchestrator::open(Options::new(&root), Env::from_process()).unwrap();
        let of_task = events::Filter { task: TaskId::parse("00000010"), ..events::Filter::default() };
        for (name, filter) in [
            ("log: last 20", events::Filter { last: Some(20), ..events::Filter::default() }),
            ("log: of a task", of_task),
        ] {
            assert!(open().events(&filter).unwrap().is_whole());
            let mut group = criterion.benchmark_group(name);
            group.sample_size(20).measurement_time(Duration::from_secs(3));
            group.bench_function(BenchmarkId::from_parameter(commits), |bencher| {
                bencher.iter(|| open().events(&filter).unwrap());
            });
            group.finish();
        }
    }
}

criterion_group!(benches, by_tasks, by_commits);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    let names: Vec<&str> = calls().iter().map(|(name, _)| *name).collect();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/criterion");
    plot::draw(&target, &names, &SIZES, &Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/growth.svg"));
}
