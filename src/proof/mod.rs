//! The proof: real processes race, die and collide with plain git, and every promise is checked afterwards.
//!
//! Everything here works from outside: it starts the program, records each call with its start, its end and
//! what it answered, and judges with nothing but these records, plain `git`, and the text of the files. It
//! uses no code of the floors below, so that a bug there can't hide itself.
//!
//! - [`call`]: what was asked, when, and the answer.
//! - [`check`]: whether the answers can have been given by one board (pure).
//! - [`order`]: the exact search behind it (pure).
//! - [`stage`]: a throw-away repository with worktrees, and whoever disturbs.
//! - [`agent`]: one agent with its calls, and how it is killed.
//! - [`ledger`]: what history and files say afterwards.

mod agent;
mod call;
mod check;
#[cfg(test)]
mod cross_check;
mod ledger;
mod order;
mod stage;
mod trial;
mod verdict;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};

pub use trial::Trial;
pub use verdict::Verdict;

use agent::Agent;
use call::Call;
use stage::Stage;

/// Runs the trial. `done` is told of each call that has ended. An error means that the trial itself could
/// not be run; whatever the program did wrong stands in the verdict.
pub fn run(trial: &Trial, done: &(dyn Fn() + Sync)) -> Result<Verdict> {
    let began = Instant::now();
    let mut verdict = Verdict::default();
    for round in 0..trial.rounds {
        // The two placements take turns.
        let placement = if round % 2 == 0 { stage::Placement::Branch } else { stage::Placement::Head };
        let stage =
            Stage::set(trial, placement).with_context(|| format!("round {round} could not be set up"))?;
        play(trial, &stage, round, done, &mut verdict)?;
    }
    verdict.seconds = began.elapsed().as_secs_f64();
    verdict.finish();
    Ok(verdict)
}

fn play(
    trial: &Trial,
    stage: &Stage,
    round: usize,
    done: &(dyn Fn() + Sync),
    verdict: &mut Verdict,
) -> Result<()> {
    let clock = Instant::now();
    let is_over = AtomicBool::new(false);
    let typical = AtomicU64::new(20_000);
    let (calls, disturbance) = std::thread::scope(|scope| {
        let disturbing = scope.spawn(|| stage.disturb(&is_over));
        let agents: Vec<_> = (0..trial.agents)
            .map(|number| {
                let seed = trial.seed.wrapping_add((round * 1000 + number) as u64);
                let mut agent = Agent::new(stage, number, fastrand::Rng::with_seed(seed), clock, &typical);
                scope.spawn(move || -> Result<Vec<Call>> {
                    let mut calls = Vec::new();
                    for _ in 0..trial.calls {
                        calls.push(agent.call(trial.kill)?);
                        done();
                    }
                    for _ in 0..2 {
                        calls.extend(agent.queue()?);
                    }
                    Ok(calls)
                })
            })
            .collect();
        let calls: Vec<Result<Vec<Call>>> = agents.into_iter().map(joined).collect();
        is_over.store(true, Ordering::Relaxed);
        (calls, joined(disturbing))
    });
    let mut all = stage.opening(clock);
    for calls in calls {
        all.extend(calls?);
    }
    verdict.add_calls(&all);
    let disturbance = disturbance?;
    verdict.add_disturbance(&disturbance);
    verdict.violations.extend(check::check(&all).into_iter().map(|v| format!("round {round}: {v}")));
    let twice = check::won_twice(&all, &disturbance.won);
    verdict.violations.extend(twice.into_iter().map(|v| format!("round {round}: {v}")));
    let told = ledger::audit(stage, &all, &disturbance.commits)?;
    verdict.events += told.events;
    verdict.violations.extend(told.violations.into_iter().map(|v| format!("round {round}: {v}")));
    Ok(())
}

/// The answer of a thread; its panic goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
