//! `collect`: what a cycle brought, and the mark where the next one begins, of one and the same board.

use crate::model::{Change, Context, Operation, Refusal, View};
use crate::ops;
use crate::views::collect::{Collected, Since, collect};

/// The report is made anew whenever somebody else was faster, so that what lands between report and mark
/// is never left out of both cycles.
pub(super) struct EndCycle;

impl Operation for EndCycle {
    type Outcome = Collected;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Collected>, Refusal> {
        let found = collect(view, context.now, Since::LastCollect)?;
        let mark = ops::cycle::Collect { completed: found.completed_this_cycle.len() };
        Ok(mark.plan(view, context)?.with_outcome(found))
    }
}
