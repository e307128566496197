//! What to work on next, what can be worked on at the same time, and what must not.
//!
//! Deterministic, and linear in the number of tasks and of the things they name (see `named`): tasks meet
//! in an index of those things, not pair by pair.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::model::{Reading, Status, Timestamp, View, WorkstreamStatus};

use super::brief::{self, BriefError};
use super::document::TaskDocument;
use super::material::Material;
use super::named::Named;

mod inputs;
mod serial;

use inputs::PlanInputs;
pub use serial::Serial;

/// How many tasks are recommended besides the one of each workstream.
const FURTHER: usize = 16;
/// How long a brief in a plan is, in characters, unless its task alone is longer.
const BRIEF: usize = 8000;

/// The predecessor's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Now.
    pub generated_at: String,
    /// The active workstreams with something to do or under way, by priority, then name.
    pub workstreams: Vec<PlannedWorkstream>,
    /// Tasks that can all be worked on at the same time, and beside what is under way.
    pub recommended_parallel: Vec<Recommendation>,
    /// Tasks that must not be worked on at the same time.
    pub recommended_serial: Vec<Serial>,
}

/// A workstream in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWorkstream {
    /// Its name.
    pub name: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// The best task that can be taken now.
    pub next_task: Option<TaskDocument>,
    /// How many are pending, those that wait for others included.
    pub pending_count: usize,
}

/// A task that can be started now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Its workstream.
    pub workstream: String,
    /// The task.
    pub task: TaskDocument,
    /// Its brief, of about 8,000 characters at most.
    pub brief: String,
}

/// The plan of the board at `now`, with briefs by the template `source`.
pub fn plan(view: &dyn View, now: Timestamp, source: &str) -> Result<Reading<Plan>, BriefError> {
    let (material, unread) = Material::gather(view, now)?.parts();
    let board = PlanInputs::of(&material);
    let mut recommended_parallel = Vec::new();
    for at in board.parallel() {
        let seen = &material.tasks[at];
        let written = match brief::write(&material, seen, Some(BRIEF), source) {
            Err(BriefError::BudgetTooSmall { least, .. }) => {
                brief::write(&material, seen, Some(least), source)
            }
            other => other,
        }?;
        recommended_parallel.push(Recommendation {
            workstream: written.workstream,
            task: written.task,
            brief: written.brief,
        });
    }
    let mut recommended_serial = board.dependencies();
    recommended_serial.extend(board.conflicts());
    let plan = Plan {
        generated_at: now.to_string(),
        workstreams: board.workstreams(),
        recommended_parallel,
        recommended_serial,
    };
    Ok(Reading::of(plan, unread))
}

impl PlanInputs<'_> {
    fn workstreams(&self) -> Vec<PlannedWorkstream> {
        let mut pending: HashMap<&str, usize> = HashMap::new();
        let mut busy: HashSet<&str> = HashSet::new();
        let mut next: HashMap<&str, usize> = HashMap::new();
        for at in &self.order {
            let task = &self.material.tasks[*at].task;
            let name = task.workstream.as_str();
            match task.status {
                Status::Pending => *pending.entry(name).or_default() += 1,
                Status::InProgress(_) => drop(busy.insert(name)),
                Status::Blocked { .. } | Status::Done { .. } | Status::Cancelled { .. } => {}
            }
            if self.ready[*at] {
                next.entry(name).or_insert(*at);
            }
        }
        let open = self.material.workstreams.iter().filter(|one| one.status == WorkstreamStatus::Active);
        open.filter(|one| pending.contains_key(one.name.as_str()) || busy.contains(one.name.as_str()))
            .map(|one| PlannedWorkstream {
                name: one.name.to_string(),
                priority: one.priority.0,
                next_task: next
                    .get(one.name.as_str())
                    .map(|at| self.material.document(&self.material.tasks[*at])),
                pending_count: pending.get(one.name.as_str()).copied().unwrap_or(0),
            })
            .collect()
    }

    /// At most one task of each workstream first, then further ones; none names what another one or a task
    /// under way names.
    fn parallel(&self) -> Vec<usize> {
        let mut taken: HashSet<&Named> =
            self.material.active.iter().filter_map(|(at, _)| self.names.get(at)).flatten().collect();
        let mut chosen = Vec::new();
        let mut left = Vec::new();
        let mut served: HashSet<&str> = HashSet::new();
        for at in self.order.iter().copied().filter(|at| self.ready[*at]) {
            let workstream = self.material.tasks[at].task.workstream.as_str();
            if !served.contains(workstream) && self.is_free(at, &taken) {
                served.insert(workstream);
                taken.extend(&self.names[&at]);
                chosen.push(at);
            } else {
                left.push(at);
            }
        }
        let most = chosen.len() + FURTHER;
        for at in left {
            if chosen.len() < most && self.is_free(at, &taken) {
                taken.extend(&self.names[&at]);
                chosen.push(at);
            }
        }
        chosen
    }

    fn is_free(&self, at: usize, taken: &HashSet<&Named>) -> bool {
        !self.names[&at].iter().any(|name| taken.contains(name))
    }

    fn path(&self, at: usize) -> String {
        let task = &self.material.tasks[at].task;
        format!("{}/{}", task.workstream, task.id)
    }
}

#[cfg(test)]
mod tests {
    use super::serial::LISTED;
    use super::*;
    use crate::views::fake::{self, at, elsewhere, task};

    const TEMPLATE: &str = "{{ task.id }}";

    fn planned(board: &fake::Board) -> Plan {
        plan(board, at(9), TEMPLATE).unwrap().require().unwrap()
    }

    fn parallel(board: &fake::Board) -> Vec<String> {
        planned(board).recommended_parallel.iter().map(|one| one.task.path()).collect()
    }

    fn serial(board: &fake::Board) -> Vec<(String, Vec<String>)> {
        planned(board).recommended_serial.into_iter().map(|one| (one.reason, one.tasks)).collect()
    }

    fn group(reason: &str, tasks: &[&str]) -> (String, Vec<String>) {
        (reason.to_owned(), tasks.iter().map(|task| (*task).to_owned()).collect())
    }

    #[test]
    fn an_empty_board_has_an_empty_plan() {
        assert_eq!(
            serde_json::to_string(&planned(&fake::Board::with(Vec::new()))).unwrap(),
            r#"{"generated_at":"2026-02-06T12:09:00.000Z","workstreams":[],"recommended_parallel":[],"recommended_serial":[]}"#
        );
    }

    #[test]
    fn the_next_task_is_the_best_that_can_be_taken() {
        let mut board = fake::Board::with(vec![
            task("00000001", "revenue", "waits").priority(0).depends_on(&["00000002"]).seen(),
            task("00000002", "revenue", "held").priority(1).held("agent-1", at(1)),
            task("00000003", "revenue", "young").priority(2).created(at(5)).seen(),
            task("00000004", "revenue", "old").priority(2).seen(),
            task("00000005", "product", "blocked").blocked("why"),
        ]);
        board.workstreams.push(fake::workstream("done", 0));
        let plan = planned(&board);
        assert_eq!(plan.workstreams.len(), 1);
        assert_eq!(plan.workstreams[0].next_task.as_ref().unwrap().id, "00000004");
        assert_eq!(plan.workstreams[0].pending_count, 3);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        board.workstreams[0].status = WorkstreamStatus::Closed;
        assert_eq!((planned(&board).workstreams, parallel(&board)), (vec![], vec![]));
    }

    #[test]
    fn each_workstream_comes_first_then_what_conflicts_with_nothing() {
        let board = fake::Board::with(vec![
            task("00000001", "product", "Change src/main.rs").priority(1).seen(),
            task("00000002", "product", "Write prose").priority(2).seen(),
            task("00000003", "revenue", "Touch `src/main.rs`").priority(1).seen(),
            task("00000004", "revenue", "More prose").priority(2).seen(),
            task("00000005", "revenue", "Fix src/main.rs:12").priority(3).seen(),
        ]);
        assert_eq!(parallel(&board), ["revenue/00000003", "product/00000002", "revenue/00000004"]);
        assert_eq!(
            serial(&board),
            [group(
                "All 3 name `src/main.rs`",
                &["revenue/00000003", "revenue/00000005", "product/00000001"]
            )]
        );
    }

    #[test]
    fn what_is_under_way_is_not_touched() {
        let board = fake::Board::with(vec![
            task("00000001", "revenue", "Rewrite Cargo.toml").held("agent-1", at(1)),
            task("00000002", "product", "Bump Cargo.toml").seen(),
        ]);
        assert_eq!(parallel(&board), [] as [&str; 0]);
        let both = ["revenue/00000001", "product/00000002"];
        assert_eq!(
            serial(&board),
            [group("Both name `Cargo.toml`; `revenue/00000001` is in progress", &both)]
        );
    }

    #[test]
    fn git_is_a_conflict_only_where_it_is_a_lock() {
        let mut board = fake::Board::with(vec![
            task("00000001", "revenue", "Commit it to git").seen(),
            task("00000002", "product", "Explain `git` to people").seen(),
        ]);
        assert_eq!((parallel(&board).len(), serial(&board)), (2, vec![]));
        board.locks = vec![fake::lock("git", "agent-1", at(0))];
        assert_eq!(serial(&board), [group("Both name `git`", &["revenue/00000001", "product/00000002"])]);
        assert_eq!(parallel(&board), ["revenue/00000001"]);
    }

    #[test]
    fn labels_keep_tasks_apart_and_equal_groups_are_one() {
        let labels = ["exclusive:db", "resource:staging", "urgent"];
        let board = fake::Board::with(vec![
            task("00000001", "revenue", "a").labels(&labels).seen(),
            task("00000002", "product", "b").labels(&labels).seen(),
        ]);
        let both = ["revenue/00000001", "product/00000002"];
        assert_eq!(serial(&board), [group("Both name `staging` and `exclusive:db`", &both)]);
    }

    #[test]
    fn dependencies_are_told_as_chains_and_groups() {
        let on = |id: &str, before: &[&str]| task(id, "revenue", "t").depends_on(before).seen();
        let chain = fake::Board::with(vec![
            on("00000001", &[]),
            on("00000002", &["00000001"]),
            on("00000003", &["00000002"]),
        ]);
        let ids = ["revenue/00000001", "revenue/00000002", "revenue/00000003"];
        assert_eq!(serial(&chain), [group("Each depends on the one before it", &ids)]);
        assert_eq!(parallel(&chain), ["revenue/00000001"]);

        let fork = fake::Board::with(vec![
            on("00000001", &[]),
            on("00000002", &["00000001"]),
            on("00000003", &["00000001"]),
            on("00000004", &["00000002", "00000003"]),
            on("00000005", &["00000004"]),
        ]);
        assert_eq!(
            serial(&fork),
            [
                group("`revenue/00000001` comes first: the other 2 depend on it", &ids),
                group(
                    "`revenue/00000004` depends on the 2 before it, and each after it on the one before",
                    &["revenue/00000002", "revenue/00000003", "revenue/00000004", "revenue/00000005"]
                ),
            ]
        );
        let pair = fake::Board::with(vec![on("00000001", &[]), on("00000002", &["00000001"])]);
        assert_eq!(serial(&pair), [group("`revenue/00000002` depends on `revenue/00000001`", &ids[..2])]);
    }

    #[test]
    fn only_what_may_still_land_is_waited_for_and_a_circle_ends() {
        let on = |id: &str, before: &[&str]| task(id, "revenue", "t").depends_on(before).seen();
        let board = fake::Board::with(vec![
            task("00000001", "revenue", "t").cancelled("no"),
            task("00000002", "revenue", "t").done("a", at(0), at(1), "r"),
            elsewhere(task("00000003", "revenue", "t").done("a", at(0), at(1), "r"), "feat", "abc"),
            on("00000004", &["00000001", "00000002", "00000003", "0000000f"]),
            on("00000005", &["00000006"]),
            on("00000006", &["00000005"]),
        ]);
        assert_eq!(
            serial(&board),
            [group(
                "`revenue/00000004` depends on `revenue/00000003`",
                &["revenue/00000003", "revenue/00000004"]
            )]
        );
        assert_eq!(parallel(&board), [] as [&str; 0]);
    }

    #[test]
    fn thousands_of_tasks_that_name_one_file_make_one_short_group() {
        let many = (0..3000).map(|n| task(&format!("{n:08x}"), "revenue", "Edit README.md").seen());
        let board = fake::Board::with(many.collect());
        assert_eq!(parallel(&board).len(), 1);
        let serial = serial(&board);
        assert_eq!((serial.len(), serial[0].1.len()), (1, LISTED));
        assert_eq!(serial[0].0, "All 3000 name `README.md` (and 2980 more tasks)");
        let free = (0..3000).map(|n| task(&format!("{n:08x}"), "revenue", "t").seen());
        assert_eq!(parallel(&fake::Board::with(free.collect())).len(), 1 + FURTHER);
    }

    #[test]
    fn a_long_description_does_not_keep_a_task_from_being_recommended() {
        let long = "x ".repeat(BRIEF);
        let board = fake::Board::with(vec![task("00000001", "revenue", "t").says(&long).seen()]);
        let plan = plan(&board, at(9), "{{ task.description }}").unwrap().require().unwrap();
        // It is cut as any brief is.
        assert_eq!(plan.recommended_parallel[0].brief.chars().count(), BRIEF);
    }
}
