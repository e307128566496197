//! What a shell may complete: names and ids of the board around the working directory.
//!
//! A completion must never fail or be slow on account of what is not there: no board, no candidates. What can't be read
//! is no candidate, and there is nobody to tell: a shell shows nothing of what a completer says on stderr.

use clap_complete::CompletionCandidate;

use crate::engine::{Env, Options, Orchestrator};
use crate::model::View;

fn with_view(list: impl FnOnce(&dyn View) -> Option<Vec<CompletionCandidate>>) -> Vec<CompletionCandidate> {
    let board = Orchestrator::open(Options::new("."), Env::from_process()).ok();
    let found = board.as_ref().and_then(|board| board.view().ok()).and_then(|view| list(&*view.despite()));
    found.unwrap_or_default()
}

/// The workstreams.
pub fn workstreams() -> Vec<CompletionCandidate> {
    with_view(|view| {
        Some(view.workstream_names().ok()?.despite().into_iter().map(CompletionCandidate::new).collect())
    })
}

/// The registered agents.
pub fn agents() -> Vec<CompletionCandidate> {
    with_view(|view| {
        Some(view.agent_names().ok()?.despite().into_iter().map(CompletionCandidate::new).collect())
    })
}

/// The tasks that are not over, with their titles.
pub fn tasks() -> Vec<CompletionCandidate> {
    with_view(|view| {
        let tasks = view.tasks().ok()?.despite();
        let open = tasks.iter().filter(|seen| !seen.task.status.is_over());
        let candidate = |seen: &crate::model::SeenTask| {
            CompletionCandidate::new(seen.task.id.to_string()).help(Some(seen.task.title.clone().into()))
        };
        Some(open.map(candidate).collect())
    })
}

/// The topics.
pub fn topics() -> Vec<CompletionCandidate> {
    with_view(|view| {
        let topics = view.topics().ok()?.despite().into_iter();
        Some(topics.map(|topic| CompletionCandidate::new(topic.to_string())).collect())
    })
}
