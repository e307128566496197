//! Whether the calls on one task or lock can be put in an order that one object could have answered, each
//! call at some moment between its start and its end: the search of Wing and Gong, which remembers where it
//! has been.
//!
//! It is exact, where the sentences of [`check`](super::check) name the usual ways to fail. A call that
//! only looks is put in as soon as it fits, which loses no order; what is left to choose is little, since
//! every acquisition has an epoch of its own.

use std::collections::HashSet;
use std::time::Duration;

/// What a call did to the object, by its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The agent got it, or had it already. None: with an epoch that nobody was told.
    Take { agent: &'a str, epoch: Option<u64> },
    /// The agent gave a lock back. None: whichever epoch it had.
    Unlock { agent: &'a str, epoch: Option<u64> },
    /// The agent gave a task back, or nobody had it already.
    Release { agent: &'a str, epoch: u64 },
    /// The agent completed a task as its holder, or had done so already.
    Complete { agent: &'a str, epoch: u64 },
    /// The agent was told that this other one has it.
    Denied { agent: &'a str, holder: &'a str },
}

impl Step<'_> {
    /// Whether what changes nothing now could change something at another moment of the call.
    fn may_be_needed_later(self) -> bool {
        matches!(self, Self::Release { .. })
    }
}

/// A step with the time in which it happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timed<'a> {
    pub(super) step: Step<'a>,
    pub(super) start: Duration,
    /// None: it may have happened at any time after its start, or not at all.
    pub(super) end: Option<Duration>,
}

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Exists,
    None,
    /// Given up: there were too many ways to try.
    Unknown,
}

/// How many situations are looked at before the search gives up.
const MOST: usize = 2_000_000;

/// Searches for an order of all calls that ended, and as many of the others as it takes.
pub(super) fn find(calls: &[Timed<'_>]) -> Order {
    let mut search = Search { calls, seen: HashSet::new() };
    let mut done = Done(vec![0; calls.len().div_ceil(64)]);
    match search.from(&mut done, Object::default()) {
        _ if search.seen.len() > MOST => Order::Unknown,
        true => Order::Exists,
        false => Order::None,
    }
}

/// The object between two steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Object<'a> {
    holder: Option<&'a str>,
    epoch: u64,
    completed_by: Option<&'a str>,
}

impl<'a> Object<'a> {
    fn is_free(self) -> bool {
        self.holder.is_none() && self.completed_by.is_none()
    }

    /// What the step makes of it; none where it would have been answered otherwise.
    fn after(self, step: Step<'a>) -> Option<Self> {
        let is_own = |agent: &str, epoch: Option<u64>| {
            self.holder == Some(agent) && epoch.is_none_or(|of| of == self.epoch)
        };
        match step {
            Step::Take { agent, epoch } if self.holder == Some(agent) => {
                epoch.is_none_or(|of| of == self.epoch).then_some(self)
            }
            Step::Take { agent, epoch } => {
                let next = Self { holder: Some(agent), epoch: self.epoch + 1, ..self };
                (self.is_free() && epoch.is_none_or(|of| of == next.epoch)).then_some(next)
            }
            Step::Unlock { agent, epoch } => is_own(agent, epoch).then_some(Self { holder: None, ..self }),
            Step::Release { agent, epoch } => {
                (is_own(agent, Some(epoch)) || self.is_free()).then_some(Self { holder: None, ..self })
            }
            Step::Complete { agent, epoch } => {
                let was_so = self.completed_by == Some(agent) && self.epoch == epoch;
                let completed = Self { holder: None, completed_by: Some(agent), ..self };
                (is_own(agent, Some(epoch)) || was_so).then_some(completed)
            }
            Step::Denied { agent, holder } => {
                (self.holder == Some(holder) && holder != agent).then_some(self)
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn flip(&mut self, at: usize) {
        self.0[at / 64] ^= 1 << (at % 64);
    }
}

struct Search<'s, 'a> {
    calls: &'s [Timed<'a>],
    seen: HashSet<(Done, Object<'a>)>,
}

impl<'a> Search<'_, 'a> {
    fn from(&mut self, done: &mut Done, object: Object<'a>) -> bool {
        let entered = done.clone();
        let looked = self.look(done, object);
        let found = looked || self.change(done, object);
        *done = entered;
        found
    }

    /// Puts in whatever changes nothing; whether nothing is left then that must be put in.
    fn look(&self, done: &mut Done, object: Object<'a>) -> bool {
        loop {
            let Some(before) = self.first_end(done) else { return true };
            let fitting = (0..self.calls.len()).find(|at| {
                let call = &self.calls[*at];
                !done.has(*at)
                    && !call.step.may_be_needed_later()
                    && call.end.is_some()
                    && call.start < before
                    && object.after(call.step) == Some(object)
            });
            match fitting {
                Some(at) => done.flip(at),
                None => return false,
            }
        }
    }

    /// Tries whatever changes something.
    fn change(&mut self, done: &mut Done, object: Object<'a>) -> bool {
        if self.seen.len() > MOST || !self.seen.insert((done.clone(), object)) {
            return false;
        }
        let Some(before) = self.first_end(done) else { return true };
        for (at, call) in self.calls.iter().enumerate() {
            if done.has(at) || call.start >= before {
                continue;
            }
            let Some(next) = object.after(call.step) else { continue };
            if next == object && !call.step.may_be_needed_later() {
                continue;
            }
            done.flip(at);
            let found = self.from(done, next);
            done.flip(at);
            if found {
                return true;
            }
        }
        false
    }

    /// The earliest end of a call that is still to be put in: nothing that started later comes before it.
    fn first_end(&self, done: &Done) -> Option<Duration> {
        let left = self.calls.iter().enumerate().filter(|(at, _)| !done.has(*at));
        left.filter_map(|(_, call)| call.end).min()
    }
}
