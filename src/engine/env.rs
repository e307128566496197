//! The one window to the outside: the clock, chance, environment variables, the working directory.
//!
//! Two hidden variables make every run repeatable for tests and for the manual: `ORCHESTRATOR_NOW` (a
//! stamp) stops the clock, `ORCHESTRATOR_SEED` (any text) makes all ids follow from it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Utc;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::model::{EventId, Mint, Nonce, TaskId, Timestamp};

/// The variable that tells a child process who holds the lock.
pub(crate) const LOCK_VARIABLE: &str = "ORCHESTRATOR_LOCK";

/// The outside, as one process sees it. A clone draws from the same source.
#[derive(Clone, Debug, Default)]
pub struct Env {
    frozen: Option<Timestamp>,
    seed: Option<String>,
    drawn: Arc<AtomicU64>,
}

impl Env {
    /// The real outside, with what the two hidden variables ask for.
    pub fn from_process() -> Self {
        let frozen = variable("ORCHESTRATOR_NOW").and_then(|text| Timestamp::parse(&text).ok());
        Self { frozen, seed: variable("ORCHESTRATOR_SEED"), drawn: Arc::default() }
    }

    /// One in which all ids follow from `seed`.
    #[cfg(test)]
    pub(crate) fn seeded(seed: &str) -> Self {
        Self { seed: Some(seed.to_owned()), ..Self::default() }
    }

    /// The same, with a clock that stands still.
    #[cfg(test)]
    pub(crate) fn fixed(now: Timestamp, seed: &str) -> Self {
        Self { frozen: Some(now), ..Self::seeded(seed) }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.frozen.unwrap_or_else(|| Timestamp::from_millis(Utc::now().timestamp_millis()))
    }

    fn random(&self) -> [u8; 16] {
        let Some(seed) = &self.seed else { return *Uuid::new_v4().as_bytes() };
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        let digest = Sha256::digest(format!("{seed}\n{drawn}"));
        let mut random = [0; 16];
        random.copy_from_slice(&digest[..16]);
        random
    }
}

impl Mint for Env {
    fn task_id(&self) -> TaskId {
        TaskId::from_random(*Builder::from_random_bytes(self.random()).as_uuid().as_bytes())
    }

    fn event_id(&self, at: Timestamp) -> EventId {
        let random = self.random();
        let mut rest = [0; 10];
        rest.copy_from_slice(&random[..10]);
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        let id = Builder::from_unix_timestamp_millis(millis, &rest).into_uuid();
        EventId::parse(&id.to_string()).expect("a UUID is made of hex digits and dashes")
    }

    fn nonce(&self) -> Nonce {
        Nonce::from_random(self.random())
    }
}

/// Where this program is, if the system says.
pub(crate) fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The directories in which a shell looks for programs.
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// An environment variable, whatever bytes it holds.
pub(crate) fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// An environment variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_ids_repeatable_and_distinct() {
        let seeded = || Env { frozen: None, seed: Some("7".to_owned()), drawn: Arc::default() };
        let (one, two) = (seeded(), seeded());
        let first = one.task_id();
        assert_eq!(first, two.task_id());
        assert_ne!(first, one.task_id());
        assert_ne!(one.nonce(), one.nonce());
        assert_ne!(Env::default().nonce(), Env::default().nonce());
    }

    #[test]
    fn event_ids_are_version_7_and_sort_by_time() {
        let env = Env::default();
        let at = |text| Timestamp::parse(text).unwrap();
        let early = env.event_id(at("2026-02-06T07:37:39.745Z"));
        let late = env.event_id(at("2026-02-06T07:37:39.746Z"));
        assert_eq!(Uuid::parse_str(early.as_str()).unwrap().get_version_num(), 7);
        assert!(early < late);
    }
}
