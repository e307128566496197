//! Whether the answers can have been given by one board.
//!
//! Linearizability is local: each task and each lock is judged by itself. Every acquisition has an epoch of
//! its own, so the order in which an object changed hands is known and has not to be searched for; what
//! remains is to see that this order fits the times of the calls. A call that was killed may have happened
//! or not, and explains only what nothing else does. The verdict is that of [`order`], which is exact and tells
//! no reason; the sentences here are the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::call::{Answer, Ask, Call};
use super::order::{self, Order, Step, Timed};

/// Somebody got the object, or may have.
#[derive(Clone, Debug)]
struct Take<'a> {
    agent: &'a str,
    /// None: the call was killed.
    epoch: Option<u64>,
    start: Duration,
    end: Duration,
}

/// Somebody gave it back, or may have.
#[derive(Clone, Debug)]
struct Give<'a> {
    agent: &'a str,
    /// None: not known.
    epoch: Option<u64>,
    is_certain: bool,
    is_completion: bool,
    is_task: bool,
    start: Duration,
    end: Duration,
}

/// Somebody was told that another one has it.
#[derive(Clone, Debug)]
struct Denial<'a> {
    agent: &'a str,
    holder: &'a str,
    start: Duration,
    end: Duration,
}

/// Everything that concerns one task or lock.
#[derive(Clone, Debug, Default)]
struct Object<'a> {
    takes: Vec<Take<'a>>,
    gives: Vec<Give<'a>>,
    denials: Vec<Denial<'a>>,
}

/// What can't be explained, a sentence each.
pub(super) fn check(calls: &[Call]) -> Vec<String> {
    let mut found: Vec<String> = calls
        .iter()
        .filter_map(|call| match &call.answer {
            Answer::Strange(what) => Some(format!("{:?} by {} answered {what}", call.ask, call.agent)),
            Answer::No(_) if matches!(call.ask, Ask::Queue(_)) => {
                Some(format!("{} waited {:?} in line and got nothing", call.agent, call.end - call.start))
            }
            _ => None,
        })
        .collect();
    for (name, object) in objects(calls) {
        found.extend(object.violations().into_iter().map(|what| format!("{name}: {what}")));
    }
    found.extend(overlooked(calls));
    found
}

/// How many objects were taken twice under one epoch, in `violations` of [`check`].
pub(super) const TWICE: &str = "was given to two at once";

/// The locks that an agent was given, and that a rival got too.
pub(super) fn won_twice(calls: &[Call], won: &[String]) -> Vec<String> {
    let twice = calls.iter().filter_map(|call| match (&call.ask, &call.answer) {
        (Ask::Acquire(name), Answer::Lock(_)) if won.contains(name) => {
            Some(format!("lock {name} {TWICE}: {} and `git update-ref`", call.agent))
        }
        _ => None,
    });
    twice.collect()
}

fn objects(calls: &[Call]) -> BTreeMap<String, Object<'_>> {
    let mut objects: BTreeMap<String, Object<'_>> = BTreeMap::new();
    let mut anywhere = Vec::new();
    for call in calls {
        let Call { agent, start, end, .. } = call;
        let (start, end) = (*start, *end);
        let take = |epoch| Take { agent, epoch, start, end };
        let give = |epoch, is_completion| Give {
            agent,
            epoch,
            is_certain: call.is_acknowledged(),
            is_completion,
            is_task: matches!(call.ask, Ask::Release(..) | Ask::Complete(..)),
            start,
            end,
        };
        match (&call.ask, &call.answer) {
            (Ask::Next | Ask::Claim(_), Answer::Task(id, epoch)) => {
                of(&mut objects, "task", id).takes.push(take(Some(*epoch)));
            }
            (Ask::Next, Answer::Killed) => anywhere.push(take(None)),
            (Ask::Claim(id), Answer::Killed) => of(&mut objects, "task", id).takes.push(take(None)),
            (Ask::Acquire(name) | Ask::Queue(name), Answer::Lock(epoch)) => {
                of(&mut objects, "lock", name).takes.push(take(Some(*epoch)));
            }
            (Ask::Acquire(name), Answer::Killed) => of(&mut objects, "lock", name).takes.push(take(None)),
            (Ask::Claim(id), Answer::No(Some(holder))) => {
                of(&mut objects, "task", id).denials.push(Denial { agent, holder, start, end });
            }
            (Ask::Acquire(name) | Ask::Queue(name), Answer::No(Some(holder))) => {
                of(&mut objects, "lock", name).denials.push(Denial { agent, holder, start, end });
            }
            (Ask::Release(id, epoch), _) if call.may_have_happened() => {
                of(&mut objects, "task", id).gives.push(give(Some(*epoch), false));
            }
            (Ask::Complete(id, epoch), _) if call.may_have_happened() => {
                of(&mut objects, "task", id).gives.push(give(Some(*epoch), true));
            }
            (Ask::Unlock(name, epoch), _) if call.may_have_happened() => {
                of(&mut objects, "lock", name).gives.push(give(*epoch, false));
            }
            _ => {}
        }
    }
    for (name, object) in &mut objects {
        if name.starts_with("task ") {
            object.takes.extend(anywhere.iter().cloned());
        }
    }
    objects
}

fn of<'o, 'a>(objects: &'o mut BTreeMap<String, Object<'a>>, kind: &str, name: &str) -> &'o mut Object<'a> {
    objects.entry(format!("{kind} {name}")).or_default()
}

impl Object<'_> {
    fn violations(&self) -> Vec<String> {
        match order::find(&self.timed()) {
            Order::Exists => Vec::new(),
            Order::Unknown => vec!["its calls could not be judged: too many orders".to_owned()],
            Order::None => {
                let reasons = self.reasons();
                let unnamed = || vec!["no order of its calls explains their answers".to_owned()];
                if reasons.is_empty() { unnamed() } else { reasons }
            }
        }
    }

    /// Why there is no order, as far as the usual reasons go.
    fn reasons(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut known: Vec<(u64, &Take<'_>)> =
            self.takes.iter().filter_map(|take| Some((take.epoch?, take))).collect();
        known.sort_by_key(|(epoch, take)| (*epoch, take.start));
        for pair in known.windows(2) {
            let [(one, first), (two, second)] = pair else { continue };
            if one == two {
                // The same agent asking again is told that it has it.
                if first.agent != second.agent {
                    found.push(format!("epoch {one} {TWICE}: {} and {}", first.agent, second.agent));
                }
                continue;
            }
            if second.end < first.start {
                found.push(format!("epoch {two} was over before epoch {one} began"));
            }
            if !self.could_end(*one, first, second.end) {
                found.push(format!(
                    "{} got it with epoch {two} while {} held it with epoch {one}",
                    second.agent, first.agent
                ));
            }
            let between = usize::try_from(two - one - 1).unwrap_or(usize::MAX);
            let unknown =
                self.takes.iter().filter(|take| take.epoch.is_none() && take.start < second.end).count();
            if between > unknown {
                found.push(format!("the epoch jumped from {one} to {two}"));
            }
        }
        for give in self.gives.iter().filter(|give| give.is_certain) {
            let Some(epoch) = give.epoch else { continue };
            let held = self.takes.iter().any(|take| {
                take.agent == give.agent && take.epoch.is_none_or(|of| of == epoch) && take.start < give.end
            });
            if !held {
                let verb = if give.is_completion { "completed it with" } else { "gave back" };
                found.push(format!("{} {verb} epoch {epoch}, which it never had", give.agent));
            }
            if give.is_completion
                && let Some((_, take)) = known.iter().find(|(_, take)| take.start > give.end)
            {
                found.push(format!("{} got it after {} had completed it", take.agent, give.agent));
            }
            if !held {
                continue;
            }
            if let Some((later, take)) = known.iter().find(|(of, take)| *of > epoch && take.end < give.start)
            {
                found.push(format!(
                    "{} came late with epoch {epoch} and was not refused: {} had epoch {later}",
                    give.agent, take.agent
                ));
            }
            if give.is_completion
                && let Some((later, take)) = known.iter().find(|(of, _)| *of > epoch)
            {
                found.push(format!(
                    "{} got it with epoch {later} though {} had completed epoch {epoch}",
                    take.agent, give.agent
                ));
            }
        }
        let completed: BTreeSet<_> = self
            .gives
            .iter()
            .filter(|give| give.is_certain && give.is_completion)
            .map(|give| give.agent)
            .collect();
        if completed.len() > 1 {
            found.push(format!("it was completed by {} agents", completed.len()));
        }
        found.extend(
            self.denials.iter().filter(|denial| !self.may_hold(denial)).map(|denial| {
                format!("somebody was told that {} has it, which can't have been", denial.holder)
            }),
        );
        found
    }

    /// All that happened to it, for the search.
    fn timed(&self) -> Vec<Timed<'_>> {
        let takes = self.takes.iter().map(|take| Timed {
            step: Step::Take { agent: take.agent, epoch: take.epoch },
            start: take.start,
            end: take.epoch.map(|_| take.end),
        });
        let gives = self.gives.iter().map(|give| {
            let Give { agent, epoch, .. } = *give;
            let step = match epoch {
                Some(epoch) if give.is_completion => Step::Complete { agent, epoch },
                Some(epoch) if give.is_task => Step::Release { agent, epoch },
                epoch => Step::Unlock { agent, epoch },
            };
            Timed { step, start: give.start, end: give.is_certain.then_some(give.end) }
        });
        let denials = self.denials.iter().map(|denial| Timed {
            step: Step::Denied { agent: denial.agent, holder: denial.holder },
            start: denial.start,
            end: Some(denial.end),
        });
        takes.chain(gives).chain(denials).collect()
    }

    /// Whether what was taken with this epoch can have been given back before `end`.
    fn could_end(&self, epoch: u64, take: &Take<'_>, end: Duration) -> bool {
        self.gives.iter().any(|give| {
            give.agent == take.agent
                && give.epoch.is_none_or(|of| of == epoch)
                && give.end > take.start
                && give.start < end
        })
    }

    /// Whether the holder that was named can have held it at some time during the call.
    fn may_hold(&self, denial: &Denial<'_>) -> bool {
        self.takes.iter().filter(|take| take.agent == denial.holder && take.start < denial.end).any(|take| {
            !self.gives.iter().any(|give| {
                give.is_certain
                    && give.agent == take.agent
                    && take.epoch.is_some()
                    && give.epoch == take.epoch
                    && give.end < denial.start
            })
        })
    }
}

/// Calls of `next` that were told of nothing, while a task that nobody ever took was there.
fn overlooked(calls: &[Call]) -> Vec<String> {
    let mut first_take: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut first_unknown: Option<Duration> = None;
    for call in calls {
        let id = match (&call.ask, &call.answer) {
            (Ask::Next | Ask::Claim(_), Answer::Task(id, _)) | (Ask::Claim(id), Answer::Killed) => id,
            (Ask::Next, Answer::Killed) => {
                first_unknown = Some(first_unknown.map_or(call.start, |at| at.min(call.start)));
                continue;
            }
            _ => continue,
        };
        let at = first_take.entry(id).or_insert(call.start);
        *at = (*at).min(call.start);
    }
    let added: Vec<(&str, &Call)> = calls
        .iter()
        .filter_map(|call| match (&call.ask, &call.answer) {
            (Ask::Add(_), Answer::Task(id, _)) => Some((id.as_str(), call)),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for call in calls.iter().filter(|call| call.ask == Ask::Next && call.answer == Answer::No(None)) {
        let was_free = |id: &str| {
            first_take.get(id).is_none_or(|at| *at > call.end) && first_unknown.is_none_or(|at| at > call.end)
        };
        let is_seen = |add: &Call| add.end < call.start && (add.board.is_none() || add.board == call.board);
        if let Some((id, _)) = added.iter().find(|(id, add)| is_seen(add) && was_free(id)) {
            found.push(format!("task {id}: {} was told that nothing is pending, and it was", call.agent));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(agent: &str, ask: Ask, (start, end): (u64, u64), answer: Answer) -> Call {
        let at = Duration::from_millis;
        Call { agent: agent.to_owned(), board: None, ask, start: at(start), end: at(end), answer }
    }

    fn claim(agent: &str, times: (u64, u64), epoch: u64) -> Call {
        call(agent, Ask::Claim("t".to_owned()), times, Answer::Task("t".to_owned(), epoch))
    }

    fn release(agent: &str, times: (u64, u64), epoch: u64) -> Call {
        call(agent, Ask::Release("t".to_owned(), epoch), times, Answer::Done)
    }

    fn complete(agent: &str, times: (u64, u64), epoch: u64) -> Call {
        call(agent, Ask::Complete("t".to_owned(), epoch), times, Answer::Done)
    }

    fn denied(agent: &str, times: (u64, u64), holder: &str) -> Call {
        call(agent, Ask::Claim("t".to_owned()), times, Answer::No(Some(holder.to_owned())))
    }

    fn killed(agent: &str, ask: Ask, times: (u64, u64)) -> Call {
        call(agent, ask, times, Answer::Killed)
    }

    #[track_caller]
    fn is_fine(calls: &[Call]) {
        assert_eq!(check(calls), Vec::<String>::new());
    }

    #[track_caller]
    fn is_caught(calls: &[Call], words: &str) {
        let found = check(calls);
        assert!(found.iter().any(|what| what.contains(words)), "{words}: {found:?}");
    }

    #[test]
    fn honest_histories_pass() {
        is_fine(&[claim("a", (0, 5), 1), denied("b", (2, 3), "a"), complete("a", (6, 9), 1)]);
        is_fine(&[claim("a", (0, 5), 1), release("a", (6, 20), 1), claim("b", (7, 8), 2)]);
        // What overlaps may have happened in either order.
        is_fine(&[
            claim("a", (0, 50), 1),
            release("b", (0, 60), 2),
            claim("b", (0, 50), 2),
            release("a", (1, 60), 1),
        ]);
        // What is so already is done: after a call that was killed, an agent may ask again.
        is_fine(&[claim("a", (0, 5), 1), release("a", (5, 6), 1), release("a", (7, 8), 1)]);
        is_fine(&[claim("a", (0, 5), 1), complete("a", (5, 6), 1), complete("a", (7, 8), 1)]);
        // Asking again is answered with what is held.
        is_fine(&[claim("a", (0, 5), 1), claim("a", (6, 7), 1)]);
        is_fine(&[claim("a", (0, 5), 1), denied("b", (6, 8), "a"), release("a", (7, 9), 1)]);
    }

    #[test]
    fn a_killed_call_explains_what_nothing_else_does() {
        let release_killed = killed("a", Ask::Release("t".to_owned(), 1), (6, 7));
        is_fine(&[claim("a", (0, 5), 1), release_killed.clone(), claim("b", (8, 9), 2)]);
        is_caught(&[claim("a", (0, 5), 1), claim("b", (8, 9), 2)], "while a held it");
        // Nobody who was not told their epoch can give a task back: then the third can't have got it.
        let claim_killed = killed("b", Ask::Claim("t".to_owned()), (8, 9));
        let three = claim("c", (12, 13), 3);
        is_caught(
            &[claim("a", (0, 5), 1), release_killed.clone(), claim_killed, three.clone()],
            "no order of its calls",
        );
        is_caught(&[claim("a", (0, 5), 1), release_killed, three], "jumped from 1 to 3");
        // A lock can be given back without: the call that was killed took epoch 2.
        let lock = || "git".to_owned();
        let acquired = |agent, times, epoch| call(agent, Ask::Acquire(lock()), times, Answer::Lock(epoch));
        let given = |agent, times, epoch| call(agent, Ask::Unlock(lock(), epoch), times, Answer::Done);
        is_fine(&[
            acquired("a", (0, 5), 1),
            given("a", (5, 6), Some(1)),
            killed("b", Ask::Acquire(lock()), (6, 7)),
            given("b", (8, 9), None),
            acquired("c", (10, 11), 3),
        ]);
    }

    #[test]
    fn what_can_not_be_is_caught() {
        is_caught(&[claim("a", (0, 5), 1), claim("b", (0, 5), 1)], TWICE);
        is_caught(&[claim("a", (10, 15), 1), claim("b", (0, 5), 2)], "was over before epoch 1 began");
        is_caught(
            &[claim("a", (0, 5), 1), claim("b", (6, 7), 2), release("a", (8, 9), 1)],
            "while a held it",
        );
        is_caught(
            &[
                claim("a", (0, 5), 1),
                release("a", (5, 6), 1),
                claim("b", (6, 7), 2),
                complete("a", (8, 9), 1),
            ],
            "came late with epoch 1",
        );
        is_caught(
            &[claim("a", (0, 5), 1), complete("a", (6, 7), 1), claim("b", (6, 7), 2)],
            "though a had completed epoch 1",
        );
        is_caught(
            &[claim("b", (0, 5), 1), release("a", (8, 9), 1)],
            "a gave back epoch 1, which it never had",
        );
        is_caught(
            &[claim("a", (0, 5), 1), complete("b", (6, 7), 1)],
            "b completed it with epoch 1, which it never",
        );
        let given = [claim("a", (0, 5), 1), release("a", (5, 6), 1), complete("a", (6, 7), 1)];
        is_caught(&given, "no order of its calls");
        is_caught(&[complete("a", (0, 5), 1), claim("b", (6, 7), 1)], "after a had completed it");
        is_caught(&[complete("a", (0, 5), 1), complete("b", (6, 7), 1)], "completed by 2 agents");
        let unlocked = |epoch| call("a", Ask::Unlock("git".to_owned(), epoch), (8, 9), Answer::Done);
        is_caught(&[unlocked(Some(1))], "which it never had");
        is_caught(&[unlocked(None)], "no order of its calls");
        is_caught(&[denied("b", (8, 9), "a")], "can't have been");
        is_caught(
            &[claim("a", (0, 1), 1), release("a", (2, 3), 1), denied("b", (8, 9), "a")],
            "can't have been",
        );
        let acquired = call("a", Ask::Acquire("git".to_owned()), (0, 1), Answer::Lock(1));
        assert!(won_twice(std::slice::from_ref(&acquired), &["git".to_owned()])[0].contains(TWICE));
        assert!(won_twice(&[acquired], &["other".to_owned()]).is_empty());
        let starved = call("b", Ask::Queue("git".to_owned()), (0, 60_000), Answer::No(None));
        is_caught(&[starved], "waited 60s in line");
        let odd = Answer::Strange("exit 101".to_owned());
        is_caught(&[call("a", Ask::Next, (0, 1), odd)], "exit 101");
    }

    #[test]
    fn a_task_that_was_there_is_not_overlooked() {
        let add = call("a", Ask::Add("x".to_owned()), (0, 1), Answer::Task("t".to_owned(), 0));
        let nothing = call("b", Ask::Next, (5, 6), Answer::No(None));
        is_caught(&[add.clone(), nothing.clone()], "nothing is pending");
        is_fine(&[add.clone(), nothing.clone(), claim("c", (6, 7), 1)]);
        is_fine(&[add.clone(), nothing.clone(), killed("c", Ask::Next, (3, 4))]);
        let elsewhere = Call { board: Some(1), ..nothing };
        is_fine(&[Call { board: Some(2), ..add }, elsewhere]);
    }
}
