//! `export …`, `import`

use std::time::Duration;

use indicatif::ProgressBar;

use crate::cli::args::{Export, Import, SkipDamaged};
use crate::cli::parse;
use crate::cli::report::{Body, Report};
use crate::engine::{Damaged, DataFiles, ImportDone, Missing, Renaming, Slugify, read_data};
use crate::model::{Code, Refusal, Unread, quoted};
use crate::ops::import::Counts;
use crate::views::{json, state, words};

use super::App;

pub fn export(app: &App, args: Export) -> Result<Report, Refusal> {
    let board = app.board()?;
    match args {
        Export::State(args) => {
            let (state, unread) = board.load_state()?.parts();
            let left_out = admit(args.damaged(), unread, "state")?;
            let text = json::pretty(&state);
            Ok(Report::new(&state, Body::Json(text)).remarks(left_out))
        }
        Export::Events(args) => {
            // Events are what history tells; nothing of the board's entries is needed, but its settings.
            let left_out = admit(args.damaged(), board.view()?.parts().1, "events")?;
            let lines = move |take: &mut dyn FnMut(String) -> bool| -> Result<(), Refusal> {
                let view = board.view()?.despite();
                Ok(state::export_events(&*view, take)?)
            };
            Ok(Report::lines(lines).remarks(left_out))
        }
        Export::All { directory, skip } => {
            let exported = board.export_all(&app.options().start.join(&directory), skip.damaged())?;
            let (files, unread) = exported.parts();
            let what = format!("all {}", quoted(&directory.display().to_string()));
            let left_out = admit(skip.damaged(), unread, &what)?;
            let text = format!("Exported {files} files to {}", directory.display());
            let done = format!("{files} files in {}", directory.display());
            let json = serde_json::json!({"directory": directory.display().to_string(), "files": files});
            Ok(Report::new(&json, text).changed(done).remarks(left_out))
        }
    }
}

/// The remarks on what an export leaves out, if it may leave anything out.
fn admit(damaged: Damaged, unread: Unread, what: &str) -> Result<Vec<String>, Refusal> {
    if damaged == Damaged::Refuse && !unread.is_empty() {
        let refusal = Refusal::damaged(unread);
        let look = refusal.hint.as_deref().unwrap_or("orchestrator check");
        let hint =
            format!("{look}    (to leave out what can't be read: orchestrator export {what} --skip-damaged)");
        return Err(refusal.hint(hint));
    }
    Ok(unread
        .into_damage()
        .iter()
        .map(|damage| format!("left out, since it can't be read: {damage}"))
        .collect())
}

impl SkipDamaged {
    fn damaged(&self) -> Damaged {
        if self.skip_damaged { Damaged::Skip } else { Damaged::Refuse }
    }
}

pub fn import(app: &App, args: &Import) -> Result<Report, Refusal> {
    let start = app.options().start;
    let at = |path: &std::path::PathBuf| start.join(path);
    let variable = crate::engine::variable_os("ORCHESTRATOR_DIR");
    let files = match (&args.directory, &args.state) {
        (Some(directory), _) => DataFiles::of(&at(directory)),
        (None, Some(state)) => DataFiles {
            state: at(state),
            events: args.events.as_ref().map(at),
            knowledge: args.knowledge.as_ref().map(at),
            missing: Missing::Refused,
        },
        // An empty variable is one that is not set.
        (None, None) => match variable.filter(|value| !value.is_empty()) {
            Some(directory) => {
                let directory = at(&directory.into());
                if !directory.is_dir() {
                    let why = format!("`{}` is no directory", directory.display());
                    let refusal = Refusal::new(Code::NotFound, why);
                    return Err(of_variable(refusal.hint("orchestrator import <directory with state.json>")));
                }
                DataFiles::of(&directory)
            }
            None => {
                return Err(
                    Refusal::new(Code::Usage, "which directory?").hint("orchestrator import <directory>")
                );
            }
        },
    };
    let renaming = Renaming {
        renames: parse::renames(&args.names.rename)?,
        bad_names: if args.names.slugify { Slugify::Yes } else { Slugify::No },
    };
    let board = app.board()?;
    // Shows itself on a terminal only, and only when it takes a while.
    let progress = ProgressBar::new_spinner().with_message("importing");
    progress.enable_steady_tick(Duration::from_millis(300));
    let is_named = args.directory.is_some() || args.state.is_some();
    let read = read_data(&files, &renaming);
    let data = read.map_err(|refusal| match (is_named, refusal.code) {
        (false, Code::NotFound | Code::Unreadable) => of_variable(refusal),
        (_, _) => refusal,
    })?;
    let done = board.import(&data)?;
    progress.finish_and_clear();
    Ok(imported(&done))
}

/// The refusal of a directory that stands in no argument.
fn of_variable(refusal: Refusal) -> Refusal {
    Refusal { message: format!("ORCHESTRATOR_DIR: {}", refusal.message), ..refusal }
}

/// What an import did, in one sentence.
pub fn sentence(done: &ImportDone) -> String {
    let new = &done.done.outcome.written;
    format!(
        "Imported {}, {}, {}, {}, {}{}{}",
        words::count(new.workstreams, "workstream"),
        words::count(new.tasks, "task"),
        words::count(new.agents, "agent"),
        words::count(new.knowledge, "document"),
        words::count(new.events, "event"),
        if new.locks > 0 { format!(", {}", words::count(new.locks, "lock")) } else { String::new() },
        if *new == Counts::default() { ": all of it was there already, nothing changed" } else { "" }
    )
}

/// What an import tells.
pub fn imported(done: &ImportDone) -> Report {
    let told = &done.done.outcome;
    let (new, old) = (&told.written, &told.already);
    let counts = |counts: &Counts| {
        serde_json::json!({
            "workstreams": counts.workstreams, "tasks": counts.tasks, "agents": counts.agents,
            "knowledge": counts.knowledge, "events": counts.events, "locks": counts.locks,
        })
    };
    let names = |locks: &[crate::model::PredecessorLock]| -> Vec<String> {
        locks.iter().map(|lock| lock.resource.to_string()).collect()
    };
    let json = serde_json::json!({
        "imported": counts(new),
        "already": counts(old),
        "commit": done.done.commit,
        "locks_kept": names(&told.locks_kept),
        "locks_dropped": names(&told.locks_dropped),
        "locks_shortened": told.locks_shortened.iter().map(|(lock, _)| lock.resource.to_string()).collect::<Vec<_>>(),
    });
    let dropped = told
        .locks_dropped
        .iter()
        .map(|lock| format!("the lock `{}` had run out and was dropped", lock.resource));
    let shortened = told.locks_shortened.iter().map(|(lock, end)| {
        let given = lock.acquired_at.plus(lock.ttl);
        format!(
            "the lock `{}` was to be held by `{}` until {given}; a lock lasts a day at most, so it is held until {end}",
            lock.resource, lock.agent
        )
    });
    let report = Report::new(&json, sentence(done)).after(&done.done).remarks(done.remarks.clone());
    report.remarks(dropped).remarks(shortened)
}
