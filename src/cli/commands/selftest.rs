//! `selftest`: the proof that users run themselves.

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::args::Selftest;
use crate::cli::report::Report;
use crate::model::{Code, Refusal};
use crate::proof::{self, Trial, Verdict};
use crate::views::style::Text;
use crate::views::words;
use crate::{add, text};

use super::App;

pub fn run(app: &App, args: &Selftest) -> Result<Report, Refusal> {
    let repository = args.repo.as_deref().map(|typed| app.path(typed));
    let place =
        repository.as_ref().map(|path| format!(" in a clone of `{}`", path.display())).unwrap_or_default();
    let failed = |error: &dyn std::fmt::Display| {
        Refusal::new(Code::Unreadable, format!("the trial could not be run{place}: {error}"))
    };
    let trial = Trial {
        program: std::env::current_exe().map_err(|error| failed(&error))?,
        repository: repository
            .as_ref()
            .map(|path| path.canonicalize())
            .transpose()
            .map_err(|e| failed(&e))?,
        agents: args.agents.into(),
        worktrees: args.worktrees.into(),
        rounds: args.rounds.into(),
        calls: args.calls.into(),
        kill: args.kill,
        seed: args.seed,
    };
    let all = trial.agents * trial.rounds * trial.calls;
    let progress = ProgressBar::new(all as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {pos}/{len} calls, {elapsed} of about {duration}")
    {
        progress.set_style(style);
    }
    let verdict = proof::run(&trial, &|| progress.inc(1)).map_err(|error| failed(&format!("{error:#}")))?;
    progress.finish_and_clear();
    let text = told(&trial, &verdict);
    Ok(if verdict.violations.is_empty() {
        Report::new(&verdict, text)
    } else {
        Report::negative(&verdict, text)
    })
}

fn told(trial: &Trial, verdict: &Verdict) -> Text {
    let v = verdict;
    let kills = if trial.kill { ", every tenth call killed" } else { "" };
    let mut text = text![
        words::count(trial.agents, "agent"),
        ", ",
        words::count(trial.worktrees, "worktree"),
        ", ",
        words::count(trial.rounds, "round"),
        kills,
        ", git packing refs and committing beside them\n\n"
    ];
    for (name, value) in [
        (
            "calls",
            format!(
                "{}: {} done, {} answered no, {} told to try again, {} killed",
                v.calls, v.done, v.refused, v.contended, v.killed
            ),
        ),
        ("claims", format!("{}, {} given to two", v.claims, v.double)),
        (
            "locks",
            format!(
                "{} acquired or renewed, {} got by a rival with `git update-ref`, {:.0} ms the longest wait in line",
                v.locks, v.contests, v.longest_wait_ms
            ),
        ),
        ("mutations", format!("{} events in history, {} lost", v.events, v.lost)),
        (
            "plain git",
            format!("{} packs, {} commits, {} of them refused by git", v.packs, v.commits, v.commits_failed),
        ),
        ("latency", format!("p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms", v.p50_ms, v.p99_ms, v.max_ms)),
        ("time", format!("{:.0} s, {:.0} calls a second", v.seconds, per_second(v))),
    ] {
        add!(text, format_args!("  {name:<10} {value}"), "\n");
    }
    add!(text, "\n", words::count(v.violations.len(), "violation"), "\n");
    const MOST: usize = 40;
    for what in v.violations.iter().take(MOST) {
        add!(text, "  ", what, "\n");
    }
    if v.violations.len() > MOST {
        add!(text, "  and ", v.violations.len() - MOST, " more: --json shows all\n");
    }
    text
}

#[allow(clippy::cast_precision_loss)]
fn per_second(verdict: &Verdict) -> f64 {
    if verdict.seconds > 0.0 { verdict.calls as f64 / verdict.seconds } else { 0.0 }
}
