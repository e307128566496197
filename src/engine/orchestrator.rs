//! One repository, one board: what commands and library calls go through.
//!
//! A reading takes a snapshot and asks nobody. A mutation is attempted until it succeeds, is refused, or its
//! deadline has passed; this is the only loop in the program that tries again.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::git::{Oid, Repo};
use crate::model::{
    Actor, AgentId, Change, Code, Context, Damage, Operation, Reading, Refusal, Settings, Span, Timestamp,
    Unread, View,
};
use crate::store::{self, Committed, Identity, Placement, Snapshot, Store, StoreError};

use super::env::{self, Env};
use super::options::Options;
use super::overlay::Overlay;
use super::past;
use super::pending::PendingChange;
use crate::views::brief::BriefError;

/// For how many milliseconds a sign of life is as good as a new one.
const NOTED: u64 = 1000;

/// A mutation that is done, or a no-op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done<O> {
    /// What the operation tells.
    pub outcome: O,
    /// The commit on the board, 40 hex digits; none where nothing had to change, or only records did.
    pub commit: Option<String>,
    /// What the user should know besides, a sentence each.
    pub remarks: Vec<String>,
}

/// One repository, one board.
pub struct Orchestrator {
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) options: Options,
    pub(super) at: Option<Oid>,
    /// The time that is shown, where it is not the present.
    pub(super) then: Option<Timestamp>,
    /// Where requests are only planned, to be made together.
    pub(super) gathered: Option<PendingChange>,
    /// Whose sign of life was noted last, and when.
    pub(super) noted: RefCell<Option<(AgentId, Timestamp)>>,
}

impl Orchestrator {
    /// Finds the repository and its board. Refused where there is none, or where the repository is of a
    /// kind that can't be used; nothing is written.
    pub fn open(options: Options, env: Env) -> Result<Self, Refusal> {
        let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
        repo.be_patient_for(Duration::from_millis(options.timeout.millis()));
        let (board, at, then) = match options.at.as_deref() {
            Some(word) => {
                let (commit, then) = past::find(&repo, word, &options, env.now())?;
                (store::Board { placement: Placement::Head, start: None }, Some(commit), Some(then))
            }
            None => (options.choose_board(&repo)?, None, None),
        };
        let store = Store { repo, board };
        Ok(Self { at, then, ..Self::with_store(store, options, env) })
    }

    /// The board of this store, whether or not it exists yet.
    pub(super) fn with_store(store: Store, options: Options, env: Env) -> Self {
        let noted = RefCell::default();
        Self { store, env, options, at: None, then: None, gathered: None, noted }
    }

    /// What time it is, on the board that is read: the past has a time of its own.
    pub fn now(&self) -> Timestamp {
        self.then.unwrap_or_else(|| self.env.now())
    }

    /// Which commit is shown, where the past is: its id, shortened, and the time as of which it is read.
    pub fn shown_past(&self) -> Option<(String, Timestamp)> {
        self.at.zip(self.then).map(|(commit, then)| (commit.to_string()[..7].to_owned(), then))
    }

    /// Who acts, if anybody said so.
    pub fn agent(&self) -> Option<&AgentId> {
        self.options.agent.as_ref()
    }

    /// How people call the board: `HEAD (main)`, `orchestrator`, or the revision it is read at.
    pub fn board_name(&self) -> Result<String, Refusal> {
        match (&self.options.at, self.at) {
            (Some(revision), Some(commit)) => Ok(format!("{revision} ({})", &commit.to_string()[..7])),
            _ => self.store.board.name(&self.store.repo).map_err(store::refusal_of),
        }
    }

    /// The board as it is now, or at the revision asked for. Unread are its settings, where they can't be read: the
    /// defaults stand in for them then.
    pub fn view(&self) -> Result<Reading<Box<dyn View + '_>>, Refusal> {
        let snapshot = Box::new(self.snapshot()?);
        let mut unread = Unread::default();
        unread.extend(snapshot.unsettled().cloned());
        let view: Box<dyn View + '_> = match &self.gathered {
            Some(gathered) => Box::new(Overlay { below: snapshot, change: gathered.change() }),
            None => snapshot,
        };
        Ok(Reading::of(view, unread))
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Refusal> {
        match self.at {
            Some(commit) => {
                let snapshot = Snapshot::open(&self.store.repo, Some(commit))?;
                Ok(match self.then {
                    Some(then) => snapshot.at(then),
                    None => snapshot,
                })
            }
            None => self.store.snapshot().map_err(Into::into),
        }
    }

    /// Plans the request on the board and makes its change true, whole or not at all.
    pub fn run<R: Operation>(&self, request: &R) -> Result<Done<R::Outcome>, Refusal> {
        self.run_as(self.options.actor()?, request)
    }

    /// The same with `agent` acting.
    pub fn run_as<R: Operation>(
        &self,
        agent: Option<AgentId>,
        request: &R,
    ) -> Result<Done<R::Outcome>, Refusal> {
        if let Some(gathered) = &self.gathered {
            return self.gather(gathered, agent, request);
        }
        let actor = Actor { agent };
        let done = self.mutate(|snapshot, now| {
            let context =
                Context { now, actor: actor.clone(), settings: snapshot.settings(), mint: &self.env };
            request.plan(snapshot, &context)
        })?;
        self.note_presence(actor.agent.as_ref());
        Ok(done)
    }

    /// Plans on the board and makes the change true, whole or not at all.
    pub(super) fn mutate<O>(
        &self,
        mut plan: impl FnMut(&Snapshot<'_>, Timestamp) -> Result<Change<O>, Refusal>,
    ) -> Result<Done<O>, Refusal> {
        self.check_present()?;
        if let Some(holder) = env::variable(env::LOCK_VARIABLE) {
            return Err(Refusal::new(
                Code::Contended,
                format!(
                    "inside `orchestrator git` ({}={}) the board can't change",
                    env::LOCK_VARIABLE,
                    holder.escape_debug()
                ),
            )
            .hint("run this command after `orchestrator git` has ended"));
        }
        let done = self.retry(|deadline| {
            let now = self.env.now();
            let identity = |agent: &str, settings: &Settings| self.identity(agent, settings);
            self.store.attempt(&identity, now, deadline, &mut |snapshot| plan(snapshot, now))
        })?;
        if self.store.repo.has_many_loose_objects() {
            self.store.repo.start_maintenance(self.env.now().into());
        }
        Ok(done)
    }

    /// Refuses to change the past.
    pub(super) fn check_present(&self) -> Result<(), Refusal> {
        match &self.options.at {
            Some(word) => Err(past::unchangeable(word)),
            None => Ok(()),
        }
    }

    /// Puts right what a process that died has left, if one did.
    pub(super) fn recover(&self) -> Result<(), Refusal> {
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout.millis());
        if store::is_under_way(&self.store.repo).map_err(store::refusal_of)? {
            store::hold(&self.store.repo, deadline).map_err(store::refusal_of)?;
        }
        Ok(())
    }

    /// Makes the branch of a board that lives on another one so far; whether it did.
    pub(super) fn begin_branch(&self) -> Result<bool, Refusal> {
        let now = self.env.now();
        let identity = self.identity(AgentId::system().as_str(), &Settings::default());
        let done = self.retry(|deadline| {
            let outcome = self.store.begin_branch(&identity, now, deadline)?;
            Ok(Committed { outcome, commit: None, remarks: Vec::new() })
        })?;
        Ok(done.outcome)
    }

    /// Makes git's configuration say that the board is on this branch.
    pub(super) fn remember(&self, branch: &str) -> Result<(), Refusal> {
        self.configure(store::CONFIG_KEY, branch)
    }

    /// Sets a value in git's configuration of the repository.
    pub(super) fn configure(&self, key: &str, value: &str) -> Result<(), Refusal> {
        self.retry(|deadline| {
            self.store.set_config(key, value, deadline)?;
            Ok(Committed { outcome: (), commit: None, remarks: Vec::new() })
        })?;
        Ok(())
    }

    /// Tries until it is done, refused, or out of time.
    fn retry<O>(
        &self,
        mut attempt: impl FnMut(Instant) -> Result<Committed<O>, StoreError>,
    ) -> Result<Done<O>, Refusal> {
        let deadline = Instant::now() + Duration::from_millis(self.options.timeout.millis());
        let mut pause = Duration::from_millis(2);
        loop {
            match attempt(deadline) {
                Ok(Committed { outcome, commit, remarks }) => {
                    return Ok(Done { outcome, commit: commit.map(|id| id.to_string()), remarks });
                }
                Err(error) if error.is_contention() && Instant::now() + pause < deadline => {
                    // Our own processes queue for the advisory lock; this pause is for git's lock files,
                    // which nobody can wait for.
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Who stands in the commits: the agent as author (git's own identity for `system`), and whoever runs
    /// us as committer. Never fails because no name is configured.
    pub(super) fn identity(&self, agent: &str, settings: &Settings) -> Identity {
        let fallback = || ("orchestrator".to_owned(), "orchestrator@localhost.invalid".to_owned());
        let person = |role: &str| {
            let (name, email) = self.store.repo.identity(&role.to_ascii_lowercase()).unwrap_or_else(fallback);
            (
                env::variable(&format!("GIT_{role}_NAME")).unwrap_or(name),
                env::variable(&format!("GIT_{role}_EMAIL")).unwrap_or(email),
            )
        };
        let author = if agent == AgentId::system().as_str() {
            person("AUTHOR")
        } else {
            (agent.to_owned(), settings.agent_email.replace("<agent>", agent))
        };
        Identity { author, committer: person("COMMITTER") }
    }

    /// Notes that `agent` was seen now. No commit, no object.
    pub fn heartbeat(&self, agent: &AgentId) -> Result<Timestamp, Refusal> {
        self.check_present()?;
        self.note_now(agent)
    }

    fn note_now(&self, agent: &AgentId) -> Result<Timestamp, Refusal> {
        let now = self.env.now();
        store::note_presence(self.store.repo.common_dir(), agent, now).map_err(store::refusal_of)?;
        self.noted.replace(Some((agent.clone(), now)));
        Ok(now)
    }

    /// Any command an agent runs counts as a sign of life, a look at the past too; one is enough for a second. It is a
    /// hint, so its failure is none of ours.
    pub fn note_presence(&self, agent: Option<&AgentId>) {
        let Some(agent) = agent else { return };
        let is_noted = self.noted.borrow().as_ref().is_some_and(|(noted, at)| {
            let now = self.env.now();
            // A clock that went back is noted at once.
            noted == agent && now >= *at && now.since(*at) < Span::from_millis(NOTED)
        });
        if !is_noted {
            let _only_a_hint = self.note_now(agent);
        }
    }

    /// The text of a template: the board's own, else the embedded one. That stands in also for one that can't be read,
    /// which is unread then.
    pub fn template(&self, name: &str) -> Result<Reading<String>, Refusal> {
        let mut unread = Unread::default();
        if let Some(own) = unread.try_note(self.snapshot()?.template(name))? {
            return Ok(Reading::whole(own));
        }
        Ok(Reading::of(embedded(name)?, unread))
    }

    /// What `make` makes of a template ([`Self::template`]); of the embedded one, where the board's own can't be rendered.
    pub(super) fn render<T>(
        &self,
        name: &str,
        make: impl Fn(&str) -> Result<Reading<T>, BriefError>,
    ) -> Result<Reading<T>, Refusal> {
        let (own, mut unread) = self.template(name)?.parts();
        let built_in = embedded(name)?;
        let made = match make(&own) {
            Err(BriefError::Template(broken)) if own != built_in => {
                let path = crate::codec::path::of_file(&format!("templates/{name}"));
                unread.add(Damage { path, line: broken.line.max(1), column: 1, why: broken.why });
                make(&built_in)?
            }
            made => made?,
        };
        let made = made.note(&mut unread);
        Ok(Reading::of(made, unread))
    }
}

fn embedded(name: &str) -> Result<String, Refusal> {
    let text = super::templates::embedded(name).map(str::to_owned);
    text.ok_or_else(|| Refusal::new(Code::Internal, format!("no template is called `{name}`")))
}
