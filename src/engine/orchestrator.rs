//! One repository, one board: what commands and library calls go through.
//!
//! A reading takes a snapshot and asks nobody. A mutation is attempted until it succeeds, is refused, or its
//! deadline has passed; this is the only loop in the program that tries again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::git::{Oid, Repo};
use crate::model::{
    Actor, AgentId, Change, Code, Context, Operation, Refusal, Settings, Span, Timestamp, View,
};
use crate::store::{self, Committed, Identity, Placement, Snapshot, Store, StoreError};

use super::batch::Gathered;
use super::env::{self, Env};
use super::overlay::Overlay;
use super::past;

/// How a board is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to look for the repository, upwards from here.
    pub start: PathBuf,
    /// The board, where one is named: a branch, or `HEAD`.
    pub board: Option<String>,
    /// A revision or a time to read the board at, instead of its tip. Mutations are refused then.
    pub at: Option<String>,
    /// Who acts.
    pub agent: Option<AgentId>,
    /// How long a mutation may wait for other processes.
    pub timeout: Span,
}

impl Options {
    /// The board of the repository around `start`, nobody in particular acting, 30 s of patience.
    pub fn new(start: impl Into<PathBuf>) -> Self {
        Self { start: start.into(), board: None, at: None, agent: None, timeout: Span::from_secs(30) }
    }
}

/// A mutation that is done, or a no-op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done<O> {
    /// What the operation tells.
    pub outcome: O,
    /// The commit on the board, 40 hex digits; none where nothing had to change, or only records did.
    pub commit: Option<String>,
    /// What the user should know besides, a sentence each.
    pub remarks: Vec<String>,
}

/// One repository, one board.
pub struct Orchestrator {
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) options: Options,
    pub(super) at: Option<Oid>,
    /// The time that is shown, where it is not the present.
    pub(super) then: Option<Timestamp>,
    /// Where requests are only planned, to be made together.
    pub(super) gathered: Option<Gathered>,
}

impl Orchestrator {
    /// Finds the repository and its board. Refused where there is none, or where the repository is of a
    /// kind that can't be used; nothing is written.
    pub fn open(options: Options, env: Env) -> Result<Self, Refusal> {
        let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
        let (board, at, then) = match options.at.as_deref() {
            Some(word) => {
                let (commit, then) = past::find(&repo, word, options.board.as_deref(), env.now())?;
                (store::Board { placement: Placement::Head, start: None }, Some(commit), Some(then))
            }
            None => (store::choose(&repo, options.board.as_deref())?, None, None),
        };
        Ok(Self { store: Store { repo, board }, env, options, at, then, gathered: None })
    }

    /// The board of this store, whether or not it exists yet.
    pub(super) fn with_store(store: Store, options: Options, env: Env) -> Self {
        Self { store, env, options, at: None, then: None, gathered: None }
    }

    /// What time it is, on the board that is read: the past has a time of its own.
    pub fn now(&self) -> Timestamp {
        self.then.unwrap_or_else(|| self.env.now())
    }

    /// Which commit is shown, where the past is: its id, shortened, and the time as of which it is read.
    pub fn shown_past(&self) -> Option<(String, Timestamp)> {
        self.at.zip(self.then).map(|(commit, then)| (commit.to_string()[..7].to_owned(), then))
    }

    /// Who acts, if anybody said so.
    pub fn agent(&self) -> Option<&AgentId> {
        self.options.agent.as_ref()
    }

    /// How people call the board: `HEAD (main)`, `orchestrator`, or the revision it is read at.
    pub fn board_name(&self) -> Result<String, Refusal> {
        match (&self.options.at, self.at) {
            (Some(revision), Some(commit)) => Ok(format!("{revision} ({})", &commit.to_string()[..7])),
            _ => self.store.board.name(&self.store.repo).map_err(store::refusal_of),
        }
    }

    /// The board as it is now, or at the revision asked for.
    pub fn view(&self) -> Result<Box<dyn View + '_>, Refusal> {
        let snapshot = Box::new(self.snapshot()?);
        match &self.gathered {
            Some(gathered) => Ok(Box::new(Overlay { below: snapshot, change: gathered.change() })),
            None => Ok(snapshot),
        }
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Refusal> {
        match self.at {
            Some(commit) => {
                let snapshot = Snapshot::open(&self.store.repo, Some(commit))?;
                Ok(match self.then {
                    Some(then) => snapshot.at(then),
                    None => snapshot,
                })
            }
            None => self.store.snapshot().map_err(Into::into),
        }
    }

    /// Plans the request on the board and makes its change true, whole or not at all.
    pub fn run<R: Operation>(&self, request: &R) -> Result<Done<R::Outcome>, Refusal> {
        self.run_as(self.options.agent.clone(), request)
    }

    /// The same with `agent` acting.
    pub fn run_as<R: Operation>(
        &self,
        agent: Option<AgentId>,
        request: &R,
    ) -> Result<Done<R::Outcome>, Refusal> {
        if let Some(gathered) = &self.gathered {
            return self.gather(gathered, agent, request);
        }
        let actor = Actor { agent };
        let done = self.mutate(|snapshot, now| {
            let context =
                Context { now, actor: actor.clone(), settings: snapshot.settings(), mint: &self.env };
            request.plan(snapshot, &context)
        })?;
        self.note_presence(actor.agent.as_ref());
        Ok(done)
    }

    /// Plans on the board and makes the change true, whole or not at all.
    pub(super) fn mutate<O>(
        &self,
        mut plan: impl FnMut(&Snapshot<'_>, Timestamp) -> Result<Change<O>, Refusal>,
    ) -> Result<Done<O>, Refusal> {
        self.check_present()?;
        if let Some(holder) = env::variable(super::git_wrapper::LOCK_VARIABLE) {
            return Err(Refusal::new(
                Code::Contended,
                format!("inside `orchestrator git` ({}) the board can't change", holder.escape_debug()),
            )
            .hint("run this command after `orchestrator git` has ended"));
        }
        let done = self.retry(|deadline| {
            let now = self.env.now();
            let identity = |agent: &str, settings: &Settings| self.identity(agent, settings);
            self.store.attempt(&identity, now, deadline, &mut |snapshot| plan(snapshot, now))
        })?;
        if self.store.repo.has_many_loose_objects() {
            self.store.repo.start_maintenance(self.env.now().into());
        }
        Ok(done)
    }

    /// Refuses to change the past.
    pub(super) fn check_present(&self) -> Result<(), Refusal> {
        match &self.options.at {
            Some(word) => Err(past::unchangeable(word)),
            None => Ok(()),
        }
    }

    /// Puts right what a process that died has left, if one did.
    pub(super) fn recover(&self) -> Result<(), Refusal> {
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout.millis());
        if store::is_under_way(&self.store.repo).map_err(store::refusal_of)? {
            store::hold(&self.store.repo, deadline).map_err(store::refusal_of)?;
        }
        Ok(())
    }

    /// Makes the branch of a board that lives on another one so far; whether it did.
    pub(super) fn begin_branch(&self) -> Result<bool, Refusal> {
        let now = self.env.now();
        let identity = self.identity(AgentId::system().as_str(), &Settings::default());
        let done = self.retry(|deadline| {
            let outcome = self.store.begin_branch(&identity, now, deadline)?;
            Ok(Committed { outcome, commit: None, remarks: Vec::new() })
        })?;
        Ok(done.outcome)
    }

    /// Makes git's configuration say that the board is on this branch.
    pub(super) fn remember(&self, branch: &str) -> Result<(), Refusal> {
        self.configure(store::CONFIG_KEY, branch)
    }

    /// Sets a value in git's configuration of the repository.
    pub(super) fn configure(&self, key: &str, value: &str) -> Result<(), Refusal> {
        self.retry(|deadline| {
            self.store.set_config(key, value, deadline)?;
            Ok(Committed { outcome: (), commit: None, remarks: Vec::new() })
        })?;
        Ok(())
    }

    /// Tries until it is done, refused, or out of time.
    fn retry<O>(
        &self,
        mut attempt: impl FnMut(Instant) -> Result<Committed<O>, StoreError>,
    ) -> Result<Done<O>, Refusal> {
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout.millis());
        let mut pause = Duration::from_millis(2);
        loop {
            match attempt(deadline) {
                Ok(Committed { outcome, commit, remarks }) => {
                    return Ok(Done { outcome, commit: commit.map(|id| id.to_string()), remarks });
                }
                Err(error) if error.is_contention() && Instant::now() + pause < deadline => {
                    // Our own processes queue for the advisory lock; this pause is for git's lock files,
                    // which nobody can wait for.
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Who stands in the commits: the agent as author (git's own identity for `system`), and whoever runs
    /// us as committer. Never fails because no name is configured.
    fn identity(&self, agent: &str, settings: &Settings) -> Identity {
        let configured = self.store.repo.identity();
        let fallback = || ("orchestrator".to_owned(), "orchestrator@localhost.invalid".to_owned());
        let person = |role: &str| {
            let (name, email) = configured.clone().unwrap_or_else(fallback);
            (
                env::variable(&format!("GIT_{role}_NAME")).unwrap_or(name),
                env::variable(&format!("GIT_{role}_EMAIL")).unwrap_or(email),
            )
        };
        let author = if agent == AgentId::system().as_str() {
            person("AUTHOR")
        } else {
            (agent.to_owned(), settings.agent_email.replace("<agent>", agent))
        };
        Identity { author, committer: person("COMMITTER") }
    }

    /// Notes that `agent` was seen now. No commit, no object.
    pub fn heartbeat(&self, agent: &AgentId) -> Result<Timestamp, Refusal> {
        self.check_present()?;
        self.note_now(agent)
    }

    fn note_now(&self, agent: &AgentId) -> Result<Timestamp, Refusal> {
        let now = self.env.now();
        store::note_presence(self.store.repo.common_dir(), agent, now).map_err(store::refusal_of)?;
        Ok(now)
    }

    /// Any command an agent runs counts as a sign of life, a look at the past too. It is a hint, so its failure is
    /// none of ours.
    pub fn note_presence(&self, agent: Option<&AgentId>) {
        if let Some(agent) = agent {
            let _only_a_hint = self.note_now(agent);
        }
    }

    /// The text of a template: the board's own, else the embedded one.
    pub fn template(&self, name: &str) -> Result<String, Refusal> {
        let own = self.snapshot()?.file(&format!("{}/templates/{name}", crate::codec::path::BOARD))?;
        match own {
            Some(stored) => String::from_utf8(stored.bytes).map_err(|_| {
                Refusal::new(Code::Damaged, format!(".orchestrator/templates/{name}:1:1: is not UTF-8"))
            }),
            None => super::templates::embedded(name)
                .map(str::to_owned)
                .ok_or_else(|| Refusal::new(Code::Internal, format!("no template is called `{name}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};
    use crate::model::{Priority, Resource, Status, TaskRef, WorkstreamName};
    use crate::ops::lock::Acquire;
    use crate::ops::task::{Add, Block, Claim, Complete, Next, Release, Reopen, TakeOver, Whose};

    /// The objects that each operation reads, on a board with so many tasks in each of the 256 directories.
    fn objects_read(each: usize) -> Vec<(&'static str, u64)> {
        let (dir, _) = repository();
        let tasks = dir.path().join(".orchestrator/tasks");
        std::fs::create_dir_all(dir.path().join(".orchestrator/workstreams")).unwrap();
        std::fs::write(dir.path().join(".orchestrator/config.yaml"), "format: 1\n").unwrap();
        let stamp = "2026-02-06T07:36:59.474Z";
        let workstream = format!(
            "name: w\ndescription: W\npriority: 1\nstatus: active\ncreated_at: {stamp}\ncreated_by: a\n"
        );
        std::fs::write(dir.path().join(".orchestrator/workstreams/w.yaml"), workstream).unwrap();
        for directory in 0..256 {
            std::fs::create_dir_all(tasks.join(format!("{directory:02x}"))).unwrap();
            for task in 1..=each {
                let id = format!("{directory:02x}{task:06x}");
                let text = format!(
                    "id: {id}\nworkstream: w\ntitle: T\nstatus: pending\npriority: {task}\ncreated_at: {stamp}\ncreated_by: a\n"
                );
                std::fs::write(tasks.join(&id[..2]).join(format!("{id}.yaml")), text).unwrap();
            }
        }
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
    #[test]
    fn held_claims_slow_no_claim_and_finished_ones_are_folded() {
        let (dir, repo) = repository();
        let board = || Orchestrator::open(Options::new(dir.path()), Env::default()).unwrap();
        crate::engine::init(Options::new(dir.path()), Env::default()).unwrap();
        let w = WorkstreamName::parse("w").unwrap();
        board().create_workstream(&w, "", Priority(1)).unwrap();
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
        let refs = || repo.list_refs("refs/orchestrator/claims/").unwrap().len();
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
            let (dir, _) = repository();
            let board = || Orchestrator::open(Options::new(dir.path()), Env::default()).unwrap();
            crate::engine::init(Options::new(dir.path()), Env::default()).unwrap();
            board().create_workstream(&WorkstreamName::parse("w").unwrap(), "", Priority(1)).unwrap();
            let (resource, agent) = (Resource::parse("git").unwrap(), AgentId::parse("agent-1").unwrap());
            for _ in 0..rounds {
                board().acquire_lock(&resource, &agent, None).unwrap();
                board().release_lock(&resource, &agent).unwrap();
            }
            let (board, filter) =
                (board(), crate::model::EventFilter { last: Some(3), ..Default::default() });
            let told = board.events(&filter).unwrap();
            let actions: Vec<&str> = told.iter().map(|event| event.action.as_str()).collect();
            assert_eq!(actions, ["lock_released", "lock_acquired", "lock_released"]);
            board.store.repo.objects_read()
        };
        assert_eq!(read(3), read(30));
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
                let offered: Vec<_> = snapshot.candidates(&w, held).unwrap().collect();
                let wanted = snapshot.tasks().unwrap();
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
}
