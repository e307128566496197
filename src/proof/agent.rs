//! One agent: it asks for work, does nothing, gives it back or completes it, takes locks, and may be killed
//! in the middle of any call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use serde_json::Value;

use super::call::{Answer, Ask, Call};
use super::stage::{Stage, WORKSTREAM};

/// What is fought for besides tasks.
const LOCKS: [&str; 4] = ["git", "src/main.rs", "deploy", "port 8080"];

/// What everybody waits for at the end.
const QUEUE: &str = "queue";

pub(super) struct Agent<'a> {
    stage: &'a Stage,
    name: String,
    worktree: PathBuf,
    board: usize,
    rng: Rng,
    clock: Instant,
    /// How many microseconds a call takes, shared by all: kills are aimed at this range.
    typical: &'a AtomicU64,
    tasks: Vec<(String, u64)>,
    /// None: held, but which epoch is not known, since a call was killed.
    locks: BTreeMap<&'static str, Option<u64>>,
    added: usize,
}

impl<'a> Agent<'a> {
    pub(super) fn new(
        stage: &'a Stage,
        number: usize,
        rng: Rng,
        clock: Instant,
        typical: &'a AtomicU64,
    ) -> Self {
        let worktree = number % stage.worktrees.len();
        Self {
            stage,
            name: format!("agent-{number}"),
            worktree: stage.worktrees[worktree].clone(),
            board: stage.board_of(worktree),
            rng,
            clock,
            typical,
            tasks: Vec::new(),
            locks: BTreeMap::new(),
            added: 0,
        }
    }

    /// Makes one call. An error means that the process could not be run.
    pub(super) fn call(&mut self, may_kill: bool) -> Result<Call> {
        let ask = self.choose();
        self.make(ask, may_kill)
    }

    /// Waits in line for a lock that everybody wants, and gives it back.
    pub(super) fn queue(&mut self) -> Result<[Call; 2]> {
        let taken = self.make(Ask::Queue(QUEUE.to_owned()), false)?;
        let epoch = match taken.answer {
            Answer::Lock(epoch) => Some(epoch),
            _ => None,
        };
        Ok([taken, self.make(Ask::Unlock(QUEUE.to_owned(), epoch), false)?])
    }

    fn make(&mut self, ask: Ask, may_kill: bool) -> Result<Call> {
        let words = self.words(&ask);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.stage.command(&self.worktree, &words);
        let start = self.clock.elapsed();
        let mut child = command.spawn()?;
        if may_kill && self.rng.u8(..10) == 0 {
            let within = self.typical.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(self.rng.u64(0..=within)));
            // It may have ended already; then its answer counts.
            let _ended = child.kill();
        }
        let output = child.wait_with_output()?;
        let end = self.clock.elapsed();
        let took = u64::try_from((end - start).as_micros()).unwrap_or(u64::MAX);
        let typical = self.typical.load(Ordering::Relaxed);
        self.typical.store(typical / 8 * 7 + took / 8, Ordering::Relaxed);
        let answer = understand(&ask, &output);
        self.learn(&ask, &answer);
        Ok(Call { agent: self.name.clone(), board: Some(self.board), ask, start, end, answer })
    }

    fn choose(&mut self) -> Ask {
        let any_task = |rng: &mut Rng| rng.choice(&self.stage.tasks).cloned();
        match self.rng.u8(..100) {
            0..25 => Ask::Next,
            25..37 => any_task(&mut self.rng).map_or(Ask::Next, Ask::Claim),
            37..50 => match self.own_task() {
                Some((id, epoch)) => Ask::Release(id, epoch),
                None => Ask::Next,
            },
            50..60 => match self.own_task() {
                Some((id, epoch)) => Ask::Complete(id, epoch),
                None => Ask::Read,
            },
            60..63 => {
                // What was never one's own: it has to be refused.
                let epoch = self.rng.u64(1..4);
                any_task(&mut self.rng).map_or(Ask::Read, |id| Ask::Complete(id, epoch))
            }
            63..70 => {
                self.added += 1;
                Ask::Add(format!("{} adds {}", self.name, self.added))
            }
            70..78 => Ask::Acquire(LOCKS[self.rng.usize(..LOCKS.len())].to_owned()),
            78..82 => Ask::Acquire(self.stage.contested()),
            82..93 => {
                let held: Vec<(&str, Option<u64>)> = self.locks.iter().map(|(n, e)| (*n, *e)).collect();
                match self.rng.choice(held) {
                    Some((name, epoch)) => Ask::Unlock(name.to_owned(), epoch),
                    None => Ask::Acquire(LOCKS[self.rng.usize(..LOCKS.len())].to_owned()),
                }
            }
            93..96 => Ask::Write(format!("notes/{}", self.name)),
            _ => Ask::Read,
        }
    }

    fn own_task(&mut self) -> Option<(String, u64)> {
        self.rng.choice(&self.tasks).cloned()
    }

    fn words(&self, ask: &Ask) -> Vec<String> {
        let me = self.name.as_str();
        let epoch_text;
        let words: Vec<&str> = match ask {
            Ask::Add(title) => vec!["t", "add", WORKSTREAM, title, "--agent", me],
            Ask::Next => vec!["t", "next", WORKSTREAM, me],
            Ask::Claim(id) => vec!["t", "claim", WORKSTREAM, id, me],
            Ask::Release(id, epoch) => {
                epoch_text = epoch.to_string();
                vec!["t", "release", id, "--epoch", &epoch_text, "--agent", me]
            }
            Ask::Complete(id, epoch) => {
                epoch_text = epoch.to_string();
                vec!["t", "complete", id, "--result", "done", "--epoch", &epoch_text, "--agent", me]
            }
            // Longer than any round: whether a lock has run out is not what is tried here.
            Ask::Acquire(name) => vec!["l", "acquire", name, me, "--ttl", "24h"],
            Ask::Queue(name) => vec!["l", "acquire", name, me, "--ttl", "24h", "--wait", "60s"],
            Ask::Unlock(name, _) => vec!["l", "release", name, me],
            Ask::Write(topic) => vec!["kb", "write", topic, "known", "--agent", me],
            Ask::Read => vec!["t", "list"],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    fn learn(&mut self, ask: &Ask, answer: &Answer) {
        match (ask, answer) {
            (Ask::Next | Ask::Claim(_), Answer::Task(id, epoch)) => {
                self.tasks.retain(|(known, _)| known != id);
                self.tasks.push((id.clone(), *epoch));
            }
            // Refused with what was believed to be one's own: whatever is known of it is over.
            (Ask::Release(id, _) | Ask::Complete(id, _), Answer::Done | Answer::No(_)) => {
                self.tasks.retain(|(known, _)| known != id);
            }
            (Ask::Acquire(name), Answer::Lock(epoch)) => {
                self.locks.extend(fixed(name).map(|name| (name, Some(*epoch))));
            }
            (Ask::Acquire(name) | Ask::Unlock(name, _), Answer::Killed) => {
                self.locks.extend(fixed(name).map(|name| (name, None)));
            }
            (Ask::Unlock(name, _), Answer::Done | Answer::No(_)) => {
                self.locks.remove(name.as_str());
            }
            _ => {}
        }
    }
}

fn fixed(name: &str) -> Option<&'static str> {
    LOCKS.into_iter().find(|known| *known == name)
}

/// What a process answered.
fn understand(ask: &Ask, output: &Output) -> Answer {
    let Some(code) = output.status.code() else { return Answer::Killed };
    let strange = || {
        let err = String::from_utf8_lossy(&output.stderr);
        Answer::Strange(format!("exit {code}: {}", err.lines().collect::<Vec<_>>().join(" ")))
    };
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
    match (ask, code) {
        (_, 3) => Answer::Contended,
        (Ask::Add(_) | Ask::Next | Ask::Claim(_), 0) => match told["id"].as_str() {
            Some(id) => Answer::Task(id.to_owned(), told["epoch"].as_u64().unwrap_or(0)),
            None => strange(),
        },
        (Ask::Acquire(_) | Ask::Queue(_), 0) => {
            told["fencing_token"].as_u64().map_or_else(strange, Answer::Lock)
        }
        (_, 0) => Answer::Done,
        (Ask::Next, 1) if error.is_null() => Answer::No(None),
        (Ask::Acquire(_) | Ask::Queue(_), 1) => Answer::No(told["held_by"].as_str().map(str::to_owned)),
        (Ask::Unlock(..), 1) => Answer::No(None),
        (Ask::Claim(_), 1) => {
            let message = error["error"]["message"].as_str().unwrap_or_default();
            let holder = message.split_once("is claimed by `").and_then(|(_, rest)| rest.split_once('`'));
            Answer::No(holder.map(|(holder, _)| holder.to_owned()))
        }
        (Ask::Release(..) | Ask::Complete(..), 1) => Answer::No(None),
        _ => strange(),
    }
}
