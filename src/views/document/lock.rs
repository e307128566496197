//! A lock as a document.

use serde::{Deserialize, Serialize};

use crate::model::{Record, RecordKey, Span, Standing, Timestamp};

/// A lock, in whatever standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDocument {
    /// What it protects.
    pub resource: String,
    /// The holder; `null` when nobody or somebody unknown holds it.
    pub agent: Option<String>,
    /// Since when, or since its latest renewal.
    pub acquired_at: Option<String>,
    /// For how many milliseconds from then.
    pub ttl_ms: Option<u64>,
    /// `held`, `expired`, `free` or `unreadable`.
    pub standing: String,
    /// The epoch: how often it was acquired.
    pub fencing_token: u64,
    /// When it runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Why it was taken, broken or released; or why its record can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl LockDocument {
    /// The document of a lock's record at `now`; `slack` as in [`Record::is_expired`]. `None` for the record of a claim.
    pub fn of(record: &Record, now: Timestamp, slack: Span) -> Option<Self> {
        let RecordKey::Lock(resource) = &record.key else { return None };
        let (since, ttl, standing, why) = match &record.standing {
            Standing::Held { since, ttl, .. } if record.is_expired(now, slack) => {
                (Some(*since), *ttl, "expired", None)
            }
            Standing::Held { since, ttl, .. } => (Some(*since), *ttl, "held", None),
            Standing::Free | Standing::Completed { .. } => (None, None, "free", None),
            Standing::Unreadable { why } => (None, None, "unreadable", Some(why)),
        };
        Some(Self {
            resource: resource.to_string(),
            agent: record.holder().map(ToString::to_string),
            acquired_at: since.map(|at| at.to_string()),
            ttl_ms: ttl.map(Span::millis),
            standing: standing.to_owned(),
            fencing_token: record.epoch,
            expires_at: record.expires_at().map(|at| at.to_string()),
            reason: why.cloned().or_else(|| record.reason.clone()),
        })
    }

    /// Nobody else can take it now.
    pub fn is_live(&self) -> bool {
        matches!(self.standing.as_str(), "held" | "unreadable")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, lock};

    #[test]
    fn a_lock_tells_its_holder_and_its_end() {
        let slack = Span::from_secs(1);
        let document = LockDocument::of(&lock("git", "agent-1", at(0)), at(0), slack).unwrap();
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"resource":"git","agent":"agent-1","acquired_at":"2026-02-06T12:00:00.000Z","ttl_ms":60000,"standing":"held","fencing_token":1,"expires_at":"2026-02-06T12:01:00.000Z"}"#
        );
        assert_eq!(serde_json::from_str::<LockDocument>(&text).unwrap(), document);
        assert!(document.is_live());
        let late = LockDocument::of(&lock("git", "agent-1", at(0)), at(2), slack).unwrap();
        assert_eq!((late.standing.as_str(), late.is_live()), ("expired", false));
    }

    #[test]
    fn a_record_that_can_not_be_read_is_held_by_somebody_unknown() {
        let mut record = lock("git", "agent-1", at(0));
        record.standing = Standing::Unreadable { why: "no event line".to_owned() };
        let document = LockDocument::of(&record, at(9), Span::from_secs(1)).unwrap();
        assert!(document.is_live());
        assert_eq!((document.agent, document.reason.as_deref()), (None, Some("no event line")));
    }
}
