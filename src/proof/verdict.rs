//! What a trial found, with figures.

use serde::Serialize;

use super::call::{Answer, Ask, Call};
use super::check;
use super::stage::Disturbance;

/// What a trial found. It is passed if there are no violations.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Processes that were run.
    pub calls: usize,
    /// Of these, how many did what was asked.
    pub done: usize,
    /// How many were answered with a no.
    pub refused: usize,
    /// How many were told to try again.
    pub contended: usize,
    /// How many died by SIGKILL.
    pub killed: usize,
    /// How many times a task was won.
    pub claims: usize,
    /// How many times a lock was taken or renewed.
    pub locks: usize,
    /// Tasks and locks that two had at once.
    pub double: usize,
    /// Mutations that were acknowledged and are not there.
    pub lost: usize,
    /// Events that history tells of.
    pub events: usize,
    /// How many times refs were packed meanwhile.
    pub packs: usize,
    /// Commits of people meanwhile, by plain git.
    pub commits: usize,
    /// How many of those git refused since a lock was held; git says so, and nothing is lost.
    pub commits_failed: usize,
    /// How many locks a rival who knows nothing of us got before any agent, by `git update-ref`.
    pub contests: usize,
    /// The middle call, in milliseconds.
    pub p50_ms: f64,
    /// All but one call of a hundred took less.
    pub p99_ms: f64,
    /// The longest call.
    pub max_ms: f64,
    /// The longest that anybody waited in line for a lock that all agents wanted at once.
    pub longest_wait_ms: f64,
    /// The whole trial.
    pub seconds: f64,
    /// What must not be, a sentence each.
    pub violations: Vec<String>,
    #[serde(skip)]
    times: Vec<f64>,
}

impl Verdict {
    pub(super) fn add_calls(&mut self, calls: &[Call]) {
        for call in calls.iter().filter(|call| call.board.is_some()) {
            self.calls += 1;
            match call.answer {
                Answer::Task(..) | Answer::Lock(_) | Answer::Done => self.done += 1,
                Answer::No(_) => self.refused += 1,
                Answer::Contended => self.contended += 1,
                Answer::Killed => self.killed += 1,
                Answer::Strange(_) => {}
            }
            match (&call.ask, &call.answer) {
                (Ask::Next | Ask::Claim(_), Answer::Task(..)) => self.claims += 1,
                (Ask::Acquire(_) | Ask::Queue(_), Answer::Lock(_)) => self.locks += 1,
                _ => {}
            }
            let took = (call.end - call.start).as_secs_f64() * 1000.0;
            match (&call.ask, &call.answer) {
                (_, Answer::Killed) => {}
                (Ask::Queue(_), _) => self.longest_wait_ms = self.longest_wait_ms.max(took),
                _ => self.times.push(took),
            }
        }
    }

    pub(super) fn add_disturbance(&mut self, did: &Disturbance) {
        self.packs += did.packs;
        self.commits += did.commits.len();
        self.contests += did.won.len();
        self.commits_failed += did.commits_failed;
    }

    /// Works out the figures that need all calls.
    pub(super) fn finish(&mut self) {
        self.times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = self.times.len().saturating_sub(1);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let place = (last as f64 * share).round() as usize;
            self.times.get(place).copied().unwrap_or(0.0)
        };
        (self.p50_ms, self.p99_ms, self.max_ms) = (at(0.5), at(0.99), at(1.0));
        let count = |words: &str| self.violations.iter().filter(|what| what.contains(words)).count();
        self.double = count(check::TWICE) + count("while ");
        self.lost = count("is not there");
    }
}
