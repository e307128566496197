//! The workstreams with the counts of their tasks.

use std::collections::HashMap;

use crate::model::{Fault, Reading, SeenTask, Unread, View, Workstream};

use super::document::{Counts, WorkstreamSummary};

/// All workstreams, by priority, then name. Costs one reading of all tasks.
pub fn board(view: &dyn View) -> Result<Reading<Vec<WorkstreamSummary>>, Fault> {
    let mut unread = Unread::default();
    let (workstreams, tasks) = (view.workstreams()?.note(&mut unread), view.tasks()?.note(&mut unread));
    unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
    Ok(Reading::of(summaries(&workstreams, &tasks), unread))
}

/// The same, of what was read already.
pub(crate) fn summaries(workstreams: &[Workstream], tasks: &[SeenTask]) -> Vec<WorkstreamSummary> {
    let mut counts: HashMap<&str, Counts> = HashMap::new();
    for seen in tasks {
        counts.entry(seen.task.workstream.as_str()).or_default().add(&seen.task.status);
    }
    let count = |workstream: &Workstream| counts.get(workstream.name.as_str()).copied().unwrap_or_default();
    workstreams.iter().map(|workstream| WorkstreamSummary::of(workstream, count(workstream))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{Board, at, task};

    #[test]
    fn every_status_is_counted_in_its_workstream() {
        let board = Board::with(vec![
            task("00000001", "product", "a").seen(),
            task("00000002", "product", "b").held("agent-1", at(1)),
            task("00000003", "product", "c").done("agent-1", at(1), at(2), "r"),
            task("00000004", "product", "d").blocked("why"),
            task("00000005", "product", "e").cancelled("why"),
        ]);
        let summaries = super::board(&board).unwrap().require().unwrap();
        assert_eq!(summaries.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["revenue", "product"]);
        assert_eq!(summaries[0].counts, Counts::default());
        let each = Counts { task_count: 5, pending: 1, in_progress: 1, done: 1, blocked: 1, cancelled: 1 };
        assert_eq!(summaries[1].counts, each);
        assert_eq!(super::board(&Board::default()).unwrap(), Reading::whole(vec![]));
    }
}
