//! What the events of a commit can't say, whatever the commit changes.
//!
//! An event is written by a mutation: one commit, one parent, an id of its own, and by the agent who is the commit's
//! author. Locks have records of their own and never stand on a board. What is somebody's own message may have events of
//! ours in it, as a squash has; they are held against what it changes.

use crate::model::{Action, Event, Exhibit, Severity, Wording};

use super::imports::Brought;
use super::overtaken::is_original;
use super::{Finding, Judge};

/// Whether events of this action stand in the records of locks, and nowhere else.
fn is_of_lock(action: &Action) -> bool {
    matches!(action, Action::LockAcquired | Action::LockRenewed | Action::LockReleased)
}

impl Judge {
    /// Judges the events of a commit by themselves; of each it is told whether no commit before carries it.
    pub(super) fn words(&mut self, exhibit: &Exhibit, fresh: &[bool], brought: &Brought) {
        let is_ours = exhibit.wording == Wording::Ours;
        let severity = if is_ours { Severity::Error } else { Severity::Warning };
        for (event, is_fresh) in exhibit.events.iter().zip(fresh) {
            let (word, agent) = (event.action.word(), &event.agent);
            if event.line.is_some() {
                if *is_fresh && !exhibit.is_import {
                    let what =
                        format!("`{word}` by {agent} has no id of its own, and nothing is imported here");
                    self.of_event(severity, "foreign_event", exhibit, event, what);
                }
                continue;
            }
            if is_of_lock(&event.action) && !brought.has(event) {
                let resource = event.text("resource").unwrap_or_default().escape_debug().to_string();
                let what = format!(
                    "`{word}` of `{resource}` by {agent}: a lock has a record of its own, and none on a board"
                );
                self.of_event(Severity::Error, "unshown", exhibit, event, what);
            }
            if *is_fresh && exhibit.parents.len() > 1 && !exhibit.is_edge && !self.is_part {
                let what = format!("`{word}` by {agent} is told by a merge, and by nothing that it merges");
                self.of_event(severity, "evil_merge", exhibit, event, what);
            }
        }
        self.author(exhibit, brought);
    }

    /// A mutation is by its author. A batch may be of several agents, and so may what a rebase made of several commits:
    /// of those the first event is by the author.
    fn author(&mut self, exhibit: &Exhibit, brought: &Brought) {
        if exhibit.wording != Wording::Ours {
            return;
        }
        let author = &exhibit.author.name;
        let is_of_one = is_original(exhibit) && !exhibit.is_of_several;
        let own = exhibit.events.iter().filter(|event| event.line.is_none() && !brought.has(event));
        let judged = own.take(if is_of_one { usize::MAX } else { 1 });
        let stranger = judged.map(|event| &event.agent).find(|agent| *agent != "system" && *agent != author);
        if let Some(stranger) = stranger {
            let what = format!("its author is `{author}`, its event is by `{stranger}`");
            self.tell(Severity::Error, "author", exhibit, None, what);
        }
    }

    /// Tells something of one event.
    pub(super) fn of_event(
        &mut self,
        severity: Severity,
        code: &'static str,
        exhibit: &Exhibit,
        event: &Event,
        what: String,
    ) {
        self.add(Finding {
            severity,
            code,
            commit: Some(exhibit.commit.clone()),
            reference: None,
            path: None,
            event: event.id.as_ref().map(ToString::to_string),
            what,
        });
    }
}
