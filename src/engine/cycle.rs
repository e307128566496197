//! `collect`: what a cycle brought, and the mark where the next one begins, of one and the same board.

use crate::model::{Change, Context, Operation, Reading, Refusal, View};
use crate::ops;
use crate::views::collect::{Collected, Since, collect};

/// The report is made anew whenever somebody else was faster, so that what lands between report and mark
/// is never left out of both cycles.
///
/// A cycle of which something can't be read does not end: whatever that is would be in no report.
pub(super) struct EndCycle;

impl Operation for EndCycle {
    type Outcome = Reading<Collected>;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Self::Outcome>, Refusal> {
        let (found, unread) = collect(view, context.now, Since::LastCollect)?.parts();
        let mark = ops::cycle::Collect { completed: found.completed_this_cycle.len() };
        let is_whole = unread.is_empty();
        let outcome = Reading::of(found, unread);
        Ok(if is_whole { mark.plan(view, context)?.with_outcome(outcome) } else { Change::nothing(outcome) })
    }
}
