//! The checker against a general one, which knows nothing of epochs: both judge small histories alike.

use std::time::Duration;

use fastrand::Rng;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::call::{Answer as Told, Ask as Asked, Call};
use super::check::check;

/// The object once more, as a general checker of linearizability wants it.
#[derive(Clone, Debug, Default)]
struct Spec {
    holder: Option<&'static str>,
    epoch: u64,
    completed_by: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Claim(&'static str),
    Release(&'static str, u64),
    Complete(&'static str, u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Got(u64),
    Held(&'static str),
    Done,
    No,
}

impl SequentialSpec for Spec {
    type Op = Ask;
    type Ret = Answer;

    fn invoke(&mut self, ask: &Ask) -> Answer {
        match *ask {
            Ask::Claim(_) if self.completed_by.is_some() => Answer::No,
            Ask::Claim(agent) => match self.holder {
                Some(holder) if holder != agent => Answer::Held(holder),
                Some(_) => Answer::Got(self.epoch),
                None => {
                    self.epoch += 1;
                    self.holder = Some(agent);
                    Answer::Got(self.epoch)
                }
            },
            Ask::Release(agent, epoch) | Ask::Complete(agent, epoch)
                if self.holder == Some(agent) && self.epoch == epoch =>
            {
                self.holder = None;
                self.completed_by = matches!(ask, Ask::Complete(..)).then_some(agent);
                Answer::Done
            }
            Ask::Release(..) if self.holder.is_none() && self.completed_by.is_none() => Answer::Done,
            Ask::Complete(agent, epoch) if self.completed_by == Some(agent) && self.epoch == epoch => {
                Answer::Done
            }
            Ask::Release(..) | Ask::Complete(..) => Answer::No,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Made {
    ask: Ask,
    start: u64,
    end: u64,
    /// None: killed.
    answer: Option<Answer>,
}

const AGENTS: [&str; 3] = ["a", "b", "c"];

/// Some calls whose answers one object gave in some order, and then perhaps one answer that it did not.
fn history(rng: &mut Rng) -> Vec<Made> {
    let number = rng.usize(2..=8);
    let mut times: Vec<u64> = (0..number as u64 * 3).collect();
    rng.shuffle(&mut times);
    let mut asks: Vec<(u64, u64, u64, Ask)> = times
        .chunks(3)
        .map(|three| {
            let mut three = [three[0], three[1], three[2]];
            three.sort_unstable();
            let agent = AGENTS[rng.usize(..AGENTS.len())];
            let ask = match rng.u8(..10) {
                0..5 => Ask::Claim(agent),
                5..9 => Ask::Release(agent, rng.u64(1..4)),
                _ => Ask::Complete(agent, rng.u64(1..4)),
            };
            (three[1], three[0], three[2], ask)
        })
        .collect();
    asks.sort_unstable_by_key(|(moment, ..)| *moment);
    let mut object = Spec::default();
    let mut made: Vec<Made> = asks
        .into_iter()
        .map(|(_, start, end, ask)| {
            // Mostly of what is held, so that something happens.
            let ask = match (ask, object.holder) {
                (Ask::Release(..), Some(holder)) if rng.bool() => Ask::Release(holder, object.epoch),
                (ask, _) => ask,
            };
            let happens = rng.u8(..8) > 0 || rng.bool();
            let answer = happens.then(|| object.invoke(&ask));
            Made { ask, start, end, answer: answer.filter(|_| rng.u8(..8) > 0) }
        })
        .collect();
    if rng.bool() {
        let at = rng.usize(..made.len());
        made[at].answer = match made[at].ask {
            Ask::Claim(_) if rng.bool() => Some(Answer::Got(rng.u64(1..4))),
            Ask::Claim(_) => Some(Answer::Held(AGENTS[rng.usize(..AGENTS.len())])),
            Ask::Release(..) | Ask::Complete(..) => Some(Answer::Done),
        };
    }
    // A no without a holder's name tells of nothing that is judged.
    made.retain(|made| made.answer != Some(Answer::No));
    made
}

fn by_stateright(made: &[Made]) -> bool {
    let mut tester = LinearizabilityTester::new(Spec::default());
    let mut moments: Vec<(u64, usize, bool)> = Vec::new();
    for (at, call) in made.iter().enumerate() {
        moments.push((call.start, at, true));
        moments.extend(call.answer.map(|_| (call.end, at, false)));
    }
    moments.sort_unstable();
    for (_, at, is_start) in moments {
        if is_start {
            tester.on_invoke(at, made[at].ask).unwrap();
        } else {
            tester.on_return(at, made[at].answer.unwrap()).unwrap();
        }
    }
    tester.is_consistent()
}

fn by_us(made: &[Made]) -> bool {
    let task = || "t".to_owned();
    let calls: Vec<Call> = made
        .iter()
        .map(|made| {
            let (agent, ask) = match made.ask {
                Ask::Claim(agent) => (agent, Asked::Claim(task())),
                Ask::Release(agent, epoch) => (agent, Asked::Release(task(), epoch)),
                Ask::Complete(agent, epoch) => (agent, Asked::Complete(task(), epoch)),
            };
            let answer = match made.answer {
                Some(Answer::Got(epoch)) => Told::Task(task(), epoch),
                Some(Answer::Held(holder)) => Told::No(Some(holder.to_owned())),
                Some(Answer::Done) => Told::Done,
                Some(Answer::No) => Told::No(None),
                None => Told::Killed,
            };
            let (start, end) = (Duration::from_secs(made.start), Duration::from_secs(made.end));
            Call { agent: agent.to_owned(), board: None, ask, start, end, answer }
        })
        .collect();
    check(&calls).is_empty()
}

#[test]
fn it_agrees_with_a_general_checker_on_small_histories() {
    let mut rng = Rng::with_seed(1);
    let (mut fine, mut broken) = (0, 0);
    for _ in 0..20_000 {
        let made = history(&mut rng);
        let theirs = by_stateright(&made);
        assert_eq!(by_us(&made), theirs, "{made:?}");
        *(if theirs { &mut fine } else { &mut broken }) += 1;
    }
    assert!(fine > 4_000 && broken > 4_000, "{fine} {broken}");
}
