//! Those who act on what another one holds, where no record says who did.
//!
//! A claim that was given back on one branch is still in its holder's hands on the others, and a record tells both. In a
//! fresh clone there are no records. So whether somebody was a stranger is known there only when all of history has been
//! seen: an event of the holder's, on whatever branch, may have ended the hold.

use std::collections::HashMap;

use crate::model::{Action, Event, Place, Severity, Span, TaskId, Timestamp};

use super::{Judge, number};

/// An event after which a holder had a task no more.
#[derive(Debug)]
struct End {
    holder: u128,
    epoch: Option<u64>,
    at: Timestamp,
}

/// All of them, by task.
#[derive(Debug, Default)]
pub(super) struct Ends(HashMap<TaskId, Vec<End>>);

/// Somebody who may be no stranger.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Which finding says so.
    pub(super) finding: usize,
    pub(super) task: TaskId,
    /// Who held it, by what this branch tells.
    pub(super) holder: String,
    pub(super) epoch: u64,
    pub(super) at: Timestamp,
}

impl Ends {
    fn has(&self, doubt: &Doubt, slack: Span) -> bool {
        let holder = number(&doubt.holder);
        self.0.get(&doubt.task).into_iter().flatten().any(|end| {
            end.holder == holder
                && end.epoch.is_none_or(|epoch| epoch >= doubt.epoch)
                && end.at <= doubt.at.plus(slack)
        })
    }
}

impl Judge {
    /// Takes note of an event that ends a hold.
    pub(super) fn ends(&mut self, event: &Event) {
        let is_end = matches!(
            event.action,
            Action::TaskReleased | Action::TaskCompleted | Action::TaskCancelled | Action::TaskReopened
        );
        let Some(Place::Task(id)) = Place::of(event).filter(|_| is_end) else { return };
        let epoch = event.fields.get("epoch").and_then(serde_json::Value::as_u64);
        let from = event.text("released_from");
        let ends = self.ends.0.entry(id).or_default();
        for holder in [Some(event.agent.as_str()), from].into_iter().flatten() {
            ends.push(End { holder: number(holder), epoch, at: event.ts });
        }
    }

    /// When all has been seen: whoever acted after the holder had ended it is no stranger.
    pub(super) fn settle_strangers(&mut self) {
        for doubt in std::mem::take(&mut self.strangers) {
            if self.ends.has(&doubt, self.slack) {
                let finding = &mut self.found.findings[doubt.finding];
                (finding.severity, finding.code) = (Severity::Note, "elsewhere");
                finding.what.push_str("; on another branch that had ended");
                self.found.errors -= 1;
                self.found.notes += 1;
            }
        }
    }
}
