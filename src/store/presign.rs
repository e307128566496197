//! Signed commits: planned and signed before any lock is taken.
//!
//! A program that signs may ask for a passphrase, or call us. So the change is planned on a look at the board, drafted
//! and signed with nothing locked; under the lock the very same commit is drafted again, and takes the signature
//! only if its bytes are those that were signed. If the board has moved meanwhile they are not, and it is planned
//! and signed anew. Those who sign wait for one another, as long as that is quick, so that nobody loses that race for
//! ever; it is a courtesy and no lock, so who signs may still be overtaken.
//!
//! Records are not signed: they are on no branch. The signed commit and its event say the same.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::git::{GitError, Oid, Signer};
use crate::model::{Change, Refusal, Settings, Timestamp, View as _};

use super::advisory::{self, home};
use super::draft::{self, Identity};
use super::snapshot::Snapshot;
use super::transaction::{Store, agent_of};
use super::{StoreError, journal, recover};

/// How long one who signs waits for the others who do.
const COURTESY: Duration = Duration::from_secs(1);

/// A change with the signature of its commit.
pub(super) struct Signed<O> {
    change: Change<O>,
    /// The commit that the board was at.
    pub(super) base: Option<Oid>,
    seal: Seal,
    /// One's place among those who sign.
    turn: Option<std::fs::File>,
}

impl<O> Signed<O> {
    /// The change, its seal, and one's place among those who sign, to be kept until it is published.
    pub(super) fn apart(self) -> (Change<O>, Option<Seal>, Option<std::fs::File>) {
        (self.change, Some(self.seal), self.turn)
    }
}

/// A signature, and what was signed.
#[derive(Debug, Default)]
pub(super) struct Seal {
    payload: Vec<u8>,
    signature: String,
}

impl Seal {
    /// The signature of these bytes; [`GitError::Moved`] if others were signed.
    pub(super) fn of(&self, payload: &[u8]) -> Result<Option<String>, GitError> {
        if self.payload == payload {
            return Ok(Some(self.signature.clone()));
        }
        Err(GitError::Moved { name: "the board".to_owned() })
    }
}

/// What planning without the lock came to.
pub(super) enum Planned<O> {
    /// Nothing is to be written.
    Nothing(O),
    /// Only records are: nothing is to be signed.
    Records,
    /// A signed commit.
    Signed(Box<Signed<O>>),
}

impl Store {
    /// Plans on the board as it looks, and has the commit signed. Nothing is locked.
    pub(super) fn presign<O>(
        &self,
        signer: &Signer,
        identity: &dyn Fn(&str, &Settings) -> Identity,
        now: Timestamp,
        deadline: Instant,
        plan: &mut dyn FnMut(&Snapshot<'_>) -> Result<Change<O>, Refusal>,
    ) -> Result<Planned<O>, StoreError> {
        let patience = deadline.min(Instant::now() + COURTESY);
        let turn = match advisory::lock_file(&home(self.repo.common_dir()).join("signing"), patience) {
            Ok(file) => Some(file),
            Err(GitError::Contended { .. }) => None,
            Err(other) => return Err(other.into()),
        };
        if journal::peek(self.repo.common_dir())?.is_some() {
            // Somebody is publishing, or died doing so.
            let mut advisory = advisory::Advisory::acquire(self.repo.common_dir(), deadline)?;
            recover::recover(&self.repo, &mut advisory)?;
        }
        let base = self.board.current(&self.repo)?;
        let snapshot = Snapshot::open_settled(&self.repo, base.or(self.board.start))?;
        let change = plan(&snapshot)?;
        if change.is_nothing() {
            return Ok(Planned::Nothing(change.outcome));
        }
        if !change.touches_board() {
            return Ok(Planned::Records);
        }
        let identity = identity(agent_of(&change), snapshot.settings());
        let committer = identity.committer_at(now);
        let made: RefCell<Seal> = RefCell::default();
        let sign = |payload: &[u8]| {
            let signature = signer.sign(payload, &committer, deadline)?;
            *made.borrow_mut() = Seal { payload: payload.to_vec(), signature: signature.clone() };
            Ok(Some(signature))
        };
        draft::write_signed(&self.repo, &snapshot, &change, None, &identity, now, &sign)?;
        Ok(Planned::Signed(Box::new(Signed { change, base, seal: made.into_inner(), turn })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_given_for_what_was_signed_and_for_nothing_else() {
        let seal = Seal { payload: b"tree 1\n".to_vec(), signature: "signed".to_owned() };
        assert_eq!(seal.of(b"tree 1\n").unwrap().as_deref(), Some("signed"));
        for other in [&b"tree 2\n"[..], b"tree 1\n\n", b""] {
            assert!(matches!(seal.of(other), Err(GitError::Moved { .. })));
        }
    }
}
