//! `lock acquire`

use crate::model::{
    Action, AgentId, Bounds, Change, Code, Context, Event, Operation, Record, RecordEdit, RecordKey, Refusal,
    Resource, Span, Standing, View, positional,
};
use crate::ops::text;

/// An agent wants a resource for itself, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquire {
    /// What.
    pub resource: Resource,
    /// Who.
    pub agent: AgentId,
    /// For how long: 1 s to 24 h; the board's default if none is given.
    pub ttl: Option<Span>,
    /// Why, for others to read.
    pub reason: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It is the agent's now.
    Acquired(Record),
    /// It was the agent's, and is for longer.
    Renewed(Record),
    /// Somebody else has it: an answer, and no error.
    Denied(Record),
}

impl Operation for Acquire {
    type Outcome = Grant;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Grant>, Refusal> {
        // The board's own default is checked where it is read.
        let ttl = self.ttl.unwrap_or(context.settings.locks_ttl);
        if let Err(why) = Bounds::LOCK.check(ttl) {
            let resource = positional(self.resource.as_str());
            return Err(Refusal::new(Code::Usage, format!("how long the lock lasts: {why}"))
                .hint(format!("orchestrator lock acquire --ttl 60s {resource} {}", self.agent)));
        }
        if let Some(reason) = &self.reason {
            text::check_line("reason", reason)?;
        }
        text::check_line("name of the lock", self.resource.as_str())?;
        let before = view.lock(&self.resource)?;
        let epoch = before.as_ref().map_or(0, |record| record.epoch);
        let kept = before.as_ref().and_then(|record| record.reason.clone());
        let is_mine = match &before {
            None => false,
            Some(record) => match &record.standing {
                Standing::Free | Standing::Completed { .. } => false,
                Standing::Unreadable { .. } => return Ok(Change::nothing(Grant::Denied(record.clone()))),
                Standing::Held { .. } if record.is_expired(context.now, context.settings.locks_slack) => {
                    false
                }
                Standing::Held { agent, .. } if *agent == self.agent => true,
                Standing::Held { .. } => return Ok(Change::nothing(Grant::Denied(record.clone()))),
            },
        };
        let (action, verb, epoch, reason) = if is_mine {
            (Action::LockRenewed, "renew", epoch, self.reason.clone().or(kept))
        } else {
            (Action::LockAcquired, "acquire", epoch.saturating_add(1), self.reason.clone())
        };
        let event = Event::new(context.now, self.agent.as_str(), action, context.mint.event_id(context.now))
            .with("resource", self.resource.as_str())
            .with("epoch", epoch)
            .with("ttl_ms", ttl.millis());
        let record = Record {
            key: RecordKey::Lock(self.resource.clone()),
            standing: Standing::Held { agent: self.agent.clone(), since: context.now, ttl: Some(ttl) },
            epoch,
            nonce: Some(context.mint.nonce()),
            reason,
            event: Some(event),
            board: None,
            commit: None,
        };
        // One renewal takes the place of the last one, so that renewing for hours leaves no long chain; the
        // acquisition itself stays in it.
        let is_renewal =
            |record: &Record| record.event.as_ref().is_some_and(|event| event.action == Action::LockRenewed);
        let edit = RecordEdit {
            replaces: is_mine && before.as_ref().is_some_and(is_renewal),
            expected: before.and_then(|record| record.commit),
            record: record.clone(),
        };
        let grant = if is_mine { Grant::Renewed(record) } else { Grant::Acquired(record) };
        Ok(Change::new(format!("{verb} lock {}", self.resource), grant).record(edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, now, plan};

    fn acquire(agent: &str) -> Acquire {
        Acquire {
            resource: Resource::parse("src/main.rs").unwrap(),
            agent: AgentId::parse(agent).unwrap(),
            ttl: None,
            reason: None,
        }
    }

    /// A board on which `agent-1` took the lock so long ago.
    fn held(age: Span) -> Board {
        let mut board = Board::default();
        let Grant::Acquired(mut record) = plan(&board, &acquire("agent-1")).unwrap().outcome else {
            panic!()
        };
        let Standing::Held { since, .. } = &mut record.standing else { panic!() };
        *since = now().minus(age);
        record.commit = Some("a".repeat(40));
        board.put_lock(record);
        board
    }

    #[test]
    fn a_free_lock_is_taken_with_the_next_epoch() {
        let change = plan(&Board::default(), &acquire("agent-1")).unwrap();
        assert!(!change.touches_board());
        let Grant::Acquired(record) = &change.outcome else { panic!() };
        assert_eq!((record.epoch, record.expires_at()), (1, Some(now().plus(Span::from_secs(60)))));
        let mut board = held(Span::from_secs(1));
        board.free_locks();
        let Grant::Acquired(record) = plan(&board, &acquire("agent-2")).unwrap().outcome else { panic!() };
        assert_eq!(record.epoch, 2);
    }

    #[test]
    fn a_held_lock_is_denied_until_it_runs_out() {
        for age in [0, 59, 60, 61] {
            let change = plan(&held(Span::from_secs(age)), &acquire("agent-2")).unwrap();
            assert!(matches!(change.outcome, Grant::Denied(_)) && change.is_nothing(), "{age}");
        }
        let change = plan(&held(Span::from_secs(62)), &acquire("agent-2")).unwrap();
        let Grant::Acquired(record) = &change.outcome else { panic!() };
        assert_eq!(record.epoch, 2);
        assert_eq!(change.records[0].expected, Some("a".repeat(40)));
    }

    #[test]
    fn a_lock_from_the_future_is_held() {
        let mut board = held(Span::from_secs(0));
        board.move_locks(now().plus(Span::from_secs(1 << 30)));
        assert!(matches!(plan(&board, &acquire("agent-2")).unwrap().outcome, Grant::Denied(_)));
    }

    #[test]
    fn a_renewal_keeps_the_acquisition_and_replaces_the_renewal_before() {
        let mut board = held(Span::from_secs(30));
        let first = plan(&board, &acquire("agent-1")).unwrap();
        assert!(!first.records[0].replaces);
        let Grant::Renewed(mut record) = first.outcome else { panic!() };
        record.commit = Some("b".repeat(40));
        board.put_lock(record);
        let second = plan(&board, &acquire("agent-1")).unwrap();
        assert!(second.records[0].replaces);
    }

    #[test]
    fn the_holder_renews_and_an_expired_one_starts_anew() {
        let change = plan(&held(Span::from_secs(30)), &acquire("agent-1")).unwrap();
        assert!(matches!(&change.outcome, Grant::Renewed(record) if record.epoch == 1));
        let change = plan(&held(Span::from_secs(300)), &acquire("agent-1")).unwrap();
        assert!(matches!(&change.outcome, Grant::Acquired(record) if record.epoch == 2));
        assert!(!change.records[0].replaces);
    }

    #[test]
    fn a_record_that_nobody_can_read_is_held() {
        let mut board = held(Span::from_secs(300));
        board.break_locks();
        assert!(matches!(plan(&board, &acquire("agent-1")).unwrap().outcome, Grant::Denied(_)));
    }

    #[test]
    fn a_lock_lasts_a_second_to_a_day() {
        for (ttl, is_good) in [(999, false), (1000, true), (86_400_000, true), (86_400_001, false)] {
            let request = Acquire { ttl: Some(Span::from_millis(ttl)), ..acquire("a") };
            let answer = plan(&Board::default(), &request);
            assert_eq!(answer.is_ok(), is_good, "{ttl}");
            if let Err(refusal) = answer {
                assert_eq!(refusal.code, Code::Usage);
                crate::ops::fake::assert_well_told(&refusal);
            }
        }
    }

    #[test]
    fn the_hint_can_be_pasted_whatever_the_resource() {
        let request = Acquire {
            resource: Resource::parse("db's $x").unwrap(),
            ttl: Some(Span::from_millis(0)),
            ..acquire("a")
        };
        assert_eq!(
            plan(&Board::default(), &request).unwrap_err().hint.as_deref(),
            Some(r"orchestrator lock acquire --ttl 60s 'db'\''s $x' a")
        );
    }

    #[test]
    fn a_renewal_keeps_the_reason_and_its_event_stands_in_the_record_alone() {
        let mut board = Board::default();
        let first = Acquire { reason: Some("release".into()), ..acquire("agent-1") };
        let change = plan(&board, &first).unwrap();
        board.apply(change);
        let change = plan(&board, &acquire("agent-1")).unwrap();
        let record = &change.records[0].record;
        assert_eq!(record.reason.as_deref(), Some("release"));
        assert_eq!(record.event.as_ref().map(|event| &event.action), Some(&Action::LockRenewed));
        assert!(change.events.is_empty() && change.subject == "renew lock src/main.rs");
        // Whoever takes it next has reasons of its own.
        board.apply(change);
        board.free_locks();
        let change = plan(&board, &acquire("agent-2")).unwrap();
        assert_eq!(change.records[0].record.reason, None);
        assert_eq!(change.records[0].record.epoch, 2);
    }

    #[test]
    fn an_epoch_at_its_end_does_not_start_again() {
        let mut board = held(Span::from_secs(300));
        board.count_locks_to(u64::MAX);
        let Grant::Acquired(record) = plan(&board, &acquire("agent-2")).unwrap().outcome else { panic!() };
        assert_eq!(record.epoch, u64::MAX);
    }
}
