//! `lock release`

use crate::model::{
    Action, AgentId, Change, Code, Context, Event, Operation, Record, RecordEdit, RecordKey, Refusal,
    Resource, Standing, View, positional,
};
use crate::ops::text;

use super::holder_words;

/// An agent gives a resource back, or breaks the lock of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// What.
    pub resource: Resource,
    /// Who.
    pub agent: AgentId,
    /// To break a lock: which epoch, and why.
    pub force: Option<Force>,
}

/// What breaking a lock takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Force {
    /// The epoch that is broken: refused if the lock has been taken anew since it was read. Where the record
    /// can't be read, the highest epoch that is known of the lock: counting goes on above it, above whatever the records
    /// before it tell, and above the milliseconds since 1970, so that no epoch is given out twice.
    pub epoch: u64,
    /// Why, for the log.
    pub reason: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freed {
    /// It is free now.
    Released(Record),
    /// Nobody had it: an answer, and no error.
    WasFree,
    /// Somebody else has it: an answer, and no error.
    HeldBy(Record),
}

impl Operation for Release {
    type Outcome = Freed;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Freed>, Refusal> {
        let Some(before) = view.lock(&self.resource)? else { return Ok(Change::nothing(Freed::WasFree)) };
        let holder = match (&before.standing, &self.force) {
            (Standing::Free | Standing::Completed { .. }, _) => return Ok(Change::nothing(Freed::WasFree)),
            (Standing::Held { agent, .. }, None) if *agent == self.agent => None,
            (Standing::Held { .. } | Standing::Unreadable { .. }, None) => {
                return Ok(Change::nothing(Freed::HeldBy(before)));
            }
            (Standing::Held { .. } | Standing::Unreadable { .. }, Some(force)) => {
                text::check_line("reason", &force.reason)?;
                let is_readable = !matches!(before.standing, Standing::Unreadable { .. });
                if is_readable && force.epoch != before.epoch {
                    return Err(Refusal::new(
                        Code::NotHolder,
                        format!(
                            "the lock `{}` has epoch {} now, not {}: it is held by {}",
                            self.resource,
                            before.epoch,
                            force.epoch,
                            holder_words(&before)
                        ),
                    )
                    .hint(format!("orchestrator lock show {}", positional(self.resource.as_str()))));
                }
                Some(before.holder().map_or_else(|| "unknown".to_owned(), ToString::to_string))
            }
        };
        let broken = holder.filter(|holder| holder != self.agent.as_str());
        // A broken lock gets another epoch, so that its holder can be told from the next one.
        let named = self.force.as_ref().map_or(0, |force| force.epoch);
        let epoch = match (&broken, &before.standing) {
            // No count of acquisitions can have come that far: one a millisecond since 1970. So it is above whatever was
            // given out before, also where nothing is left that tells it.
            (Some(_), Standing::Unreadable { .. }) => {
                let floor = u64::try_from(context.now.millis()).unwrap_or(0);
                before.epoch.max(named).max(floor).saturating_add(1)
            }
            (Some(_), _) => before.epoch.max(named).saturating_add(1),
            (None, _) => before.epoch,
        };
        let reason = self.force.as_ref().map(|force| force.reason.clone());
        let mut event = Event::new(
            context.now,
            self.agent.as_str(),
            Action::LockReleased,
            context.mint.event_id(context.now),
        )
        .with("resource", self.resource.as_str())
        .with("epoch", epoch);
        if let Some(holder) = &broken {
            event = event.with("released_from", holder.as_str());
        }
        if let Some(reason) = &reason {
            event = event.with("reason", reason.as_str());
        }
        let record = Record {
            key: RecordKey::Lock(self.resource.clone()),
            standing: Standing::Free,
            epoch,
            nonce: Some(context.mint.nonce()),
            reason,
            event: Some(event),
            board: None,
            commit: None,
        };
        let verb = if broken.is_some() { "break" } else { "release" };
        let edit = RecordEdit { expected: before.commit.clone(), record: record.clone(), replaces: false };
        Ok(Change::new(format!("{verb} lock {}", self.resource), Freed::Released(record)).record(edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};
    use crate::ops::lock::{Acquire, Grant};

    fn board() -> Board {
        let mut board = Board::default();
        let resource = Resource::parse("git").unwrap();
        let agent = AgentId::parse("agent-1").unwrap();
        let acquire = Acquire { resource, agent, ttl: None, reason: None };
        let Grant::Acquired(record) = plan(&board, &acquire).unwrap().outcome else { panic!() };
        board.put_lock(Record { commit: Some("a".repeat(40)), ..record });
        board
    }

    fn release(agent: &str, force: Option<u64>) -> Release {
        Release {
            resource: Resource::parse("git").unwrap(),
            agent: AgentId::parse(agent).unwrap(),
            force: force.map(|epoch| Force { epoch, reason: "it hangs".into() }),
        }
    }

    #[test]
    fn a_release_writes_free_and_keeps_the_epoch() {
        let change = plan(&board(), &release("agent-1", None)).unwrap();
        let edit = &change.records[0];
        assert_eq!((&edit.record.standing, edit.record.epoch), (&Standing::Free, 1));
        assert_eq!(edit.expected, Some("a".repeat(40)));
    }

    #[test]
    fn nobody_else_releases_it_and_free_stays_free() {
        assert!(matches!(plan(&board(), &release("agent-2", None)).unwrap().outcome, Freed::HeldBy(_)));
        assert_eq!(plan(&Board::default(), &release("a", None)).unwrap(), Change::nothing(Freed::WasFree));
    }

    #[test]
    fn breaking_takes_the_right_epoch_and_makes_it_grow() {
        assert_eq!(plan(&board(), &release("agent-2", Some(7))).unwrap_err().code, Code::NotHolder);
        let change = plan(&board(), &release("agent-2", Some(1))).unwrap();
        let record = &change.records[0].record;
        assert_eq!((record.epoch, record.reason.as_deref()), (2, Some("it hangs")));
        assert_eq!(record.event.as_ref().unwrap().text("released_from"), Some("agent-1"));
        assert_eq!(change.subject, "break lock git");
    }

    #[test]
    fn a_lock_that_nobody_can_read_is_broken_above_the_epoch_that_is_named() {
        let mut board = board();
        board.break_locks();
        board.count_locks_to(0);
        assert!(matches!(plan(&board, &release("agent-1", None)).unwrap().outcome, Freed::HeldBy(_)));
        // Nothing tells how far it had counted: it goes on above what no count can have reached.
        let floor = u64::try_from(crate::ops::fake::now().millis()).unwrap();
        let far = floor + 41;
        for (named, known, expected) in
            [(0, 0, floor + 1), (41, 7, floor + 1), (far, 0, far + 1), (0, far, far + 1)]
        {
            board.count_locks_to(known);
            let change = plan(&board, &release("agent-2", Some(named))).unwrap();
            assert_eq!(change.records[0].record.epoch, expected, "{named} {known}");
        }
        let change = plan(&board, &release("agent-2", Some(41))).unwrap();
        let record = &change.records[0].record;
        assert_eq!(record.standing, Standing::Free);
        assert_eq!(record.event.as_ref().unwrap().text("released_from"), Some("unknown"));
    }

    #[test]
    fn the_epoch_grows_with_every_acquisition_also_after_free() {
        let mut board = Board::default();
        let resource = || Resource::parse("git").unwrap();
        for (agent, epoch) in [("agent-1", 1), ("agent-2", 2), ("agent-1", 3)] {
            let acquire = Acquire {
                resource: resource(),
                agent: AgentId::parse(agent).unwrap(),
                ttl: None,
                reason: None,
            };
            // Without a nonce, what one writes twice within a second would be one commit: a compare-and-swap
            // against it could not tell the two apart.
            let change = plan(&board, &acquire).unwrap();
            assert!(change.records[0].record.nonce.is_some());
            let Grant::Acquired(record) = board.apply(change) else { panic!() };
            assert_eq!(record.epoch, epoch);
            let change = plan(&board, &release(agent, None)).unwrap();
            assert!(change.records[0].record.nonce.is_some());
            assert_eq!(change.records[0].record.epoch, epoch);
            board.apply(change);
            assert_eq!(plan(&board, &release(agent, None)).unwrap().outcome, Freed::WasFree);
        }
    }
}
