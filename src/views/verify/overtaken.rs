//! Events of a branch that lands where others have gone further.
//!
//! A claim is recorded once, and the file of each branch is brought up by whatever is done there next. So a task
//! that was claimed on one branch may be done on another when the first one lands, and its merge rightly leaves the
//! file alone. That can be so only of a commit that was not written where it stands: a squash, a rebase, a cherry-pick.

use crate::model::{Action, Event, Exhibit, Status, Task, Wording};

/// Whether a commit stands where a mutation wrote it.
pub(super) fn is_original(exhibit: &Exhibit) -> bool {
    exhibit.wording == Wording::Ours && exhibit.author.at == exhibit.committer.at
}

/// Whether a task had gone beyond what an event tells before that was landed. Only what a later epoch, or the same
/// claim, contains: a completion is never taken for told elsewhere, unless by the same agent in the same claim.
pub(super) fn is_overtaken(event: &Event, before: &Task, is_changed: bool) -> bool {
    let Some(epoch) = event.fields.get("epoch").and_then(serde_json::Value::as_u64) else { return false };
    let is_later = before.epoch > epoch;
    let is_same = before.epoch == epoch;
    let holder = before.status.claim().map(|claim| claim.agent.as_str());
    match &event.action {
        Action::TaskClaimed => is_later || is_same && holder.is_none_or(|holder| holder == event.agent),
        Action::TaskReleased => is_later || is_same && before.status.holder().is_none(),
        Action::TaskCompleted => {
            let is_done = matches!(before.status, Status::Done { .. });
            is_same && is_done && holder == Some(event.agent.as_str()) && !is_changed
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{claimed, completed, done, held, pending};
    use super::*;

    #[test]
    fn only_what_a_later_state_contains_is_overtaken() {
        let later = |task: Task| Task { epoch: 2, ..task };
        let free = Task { epoch: 1, ..pending() };
        for (event, before, is_it) in [
            (claimed("a"), pending(), false),
            (claimed("a"), held("a"), true),
            (claimed("a"), held("b"), false),
            (claimed("a"), done("a"), true),
            (claimed("a"), free.clone(), true),
            (claimed("a"), later(held("b")), true),
            (completed("a"), held("a"), false),
            (completed("a"), done("b"), false),
            (completed("a"), done("a"), true),
            (completed("a"), later(held("b")), false),
            (Event { action: Action::TaskReleased, ..claimed("a") }, held("a"), false),
            (Event { action: Action::TaskReleased, ..claimed("a") }, free, true),
            (Event { action: Action::TaskReopened, ..claimed("a") }, later(pending()), false),
        ] {
            assert_eq!(is_overtaken(&event, &before, false), is_it, "{event:?} {before:?}");
        }
        assert!(!is_overtaken(&completed("a"), &done("a"), true));
    }
}
