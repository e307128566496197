//! `log`, `undo`

use crate::cli::report::Report;
use crate::model::{Code, EntityKey, Refusal, Unread};
use crate::ops::undo::Undo;
use crate::views::document::EventDocument;
use crate::views::style::{Text, bold};
use crate::views::{render, story};
use crate::{add, text};

use super::App;

pub fn log(app: &App, what: &str) -> Result<Report, Refusal> {
    let board = app.board()?;
    let mut unread = Unread::default();
    let view = board.view()?.note(&mut unread);
    let of = story::find(&*view, what)?;
    let found = story::story(&*view, &of)?.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("no history of {} `{}` is here", of.kind(), of.name()))
            .hint("git fetch --unshallow")
    })?;
    let title = text![of.kind(), " ", bold(of.name()), "  ", found.title].trimmed();
    let text = text![title, "\n\n", render::story(&found)];
    let more = match &of {
        EntityKey::Agent(id) => Some(format!("what `{id}` did: orchestrator events --agent {id}")),
        EntityKey::Task(_) | EntityKey::Workstream(_) | EntityKey::Knowledge(_) | EntityKey::Lock(_) => None,
    };
    let cut = found.is_cut.then(|| "this clone is shallow: older events are missing".to_owned());
    Ok(Report::new(&found.chapters, text).remarks(cut).remarks(more).unread(unread))
}

pub fn undo(app: &App, what: Option<String>) -> Result<Report, Refusal> {
    let done = app.board()?.run(&Undo { what })?;
    let undone = &done.outcome;
    let documents = |events: &[crate::model::Event]| -> Vec<EventDocument> {
        events.iter().map(EventDocument::of).collect()
    };
    let json = serde_json::json!({
        "undone": documents(&undone.undone),
        "undone_commit": undone.commit,
        "events": documents(&undone.events),
        "commit": done.commit,
    });
    let mut text = Text::default();
    for event in &undone.undone {
        add!(text, "Undone: ", render::event_line(&EventDocument::of(event)), "\n");
    }
    text.extend(undone.told.iter().map(|told| text![told, "\n"]));
    Ok(Report::new(&json, text).after(&done))
}
