//! Acquiring a lock, and waiting for one that somebody else holds.

use std::time::{Duration, Instant};

use crate::model::{Record, RecordKey, Refusal, Span, View as _};
use crate::ops::lock::{Acquire, Grant};
use crate::store::{self, When};

use super::{Done, Orchestrator};

/// How long the head of the line sleeps at most between two looks at the lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

impl Orchestrator {
    /// Acquires a lock, waiting for up to `wait` while somebody else holds it.
    ///
    /// Those who wait on one machine stand in line, in the order in which they came: nobody of them takes
    /// the lock before another one who came earlier. The head of the line looks at the lock's record, at
    /// least ten times a second; the others cost nothing. Who asks without waiting is not in the line, and
    /// may get a lock that has just become free before its head does; so may another machine.
    pub fn acquire(&self, request: &Acquire, wait: Span) -> Result<Done<Grant>, Refusal> {
        let deadline = Instant::now() + Duration::from_millis(wait.millis());
        let attempt = || self.run_as(Some(request.agent.clone()), request);
        if wait.millis() == 0 {
            return attempt();
        }
        let repo = &self.store.repo;
        let before = store::load_record(repo, &RecordKey::Lock(request.resource.clone()), When::Now);
        let before = before.map_err(store::refusal_of)?;
        // The holder renews; in the line it would wait for those who wait for it.
        if before.is_some_and(|record| record.holder() == Some(&request.agent)) {
            return attempt();
        }
        let common_dir = repo.common_dir();
        let turn = store::wait_for_turn(common_dir, &request.resource, deadline);
        let Some(_turn) = turn.map_err(store::refusal_of)? else { return attempt() };
        loop {
            let done = attempt()?;
            let Grant::Denied(record) = &done.outcome else { return Ok(done) };
            if !self.wait_for_change(record, deadline)? {
                return Ok(done);
            }
        }
    }

    /// Waits until a held lock's record is another one or has run out; whether that was before `deadline`.
    /// A look is a read of one ref: nobody else is held up by it.
    fn wait_for_change(&self, held: &Record, deadline: Instant) -> Result<bool, Refusal> {
        let slack = self.snapshot()?.settings().locks_slack;
        let mut pause = Duration::from_millis(2);
        loop {
            if Instant::now() + pause > deadline {
                return Ok(false);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            let now =
                store::load_record(&self.store.repo, &held.key, When::Now).map_err(store::refusal_of)?;
            let is_same = now.is_some_and(|now| now.commit == held.commit);
            if !is_same || held.is_expired(self.now(), slack) {
                return Ok(true);
            }
        }
    }
}
