//! `log`, `undo`

use crate::cli::report::Report;
use crate::model::{Code, EntityKey, Record, Refusal, Standing, Unread, View};
use crate::ops::undo::Undo;
use crate::views::document::EventDocument;
use crate::views::story;
use crate::views::style::{Text, bold};
use crate::{add, text};

use super::App;

pub fn log(app: &App, what: &str) -> Result<Report, Refusal> {
    let board = app.board()?;
    let mut unread = Unread::default();
    let view = board.view()?.note(&mut unread);
    let of = story::find(&*view, what)?;
    let Some(found) = story::story(&*view, &of)? else { return Err(untold(&*view, &of)?) };
    let title = text![of.kind(), " ", bold(of.name()), "  ", found.title].trimmed();
    let text = text![title, "\n\n", found.text()];
    let more = match &of {
        EntityKey::Agent(id) => Some(format!("what `{id}` did: orchestrator events --agent {id}")),
        EntityKey::Task(_) | EntityKey::Workstream(_) | EntityKey::Knowledge(_) | EntityKey::Lock(_) => None,
    };
    let cut = found.is_cut.then(|| "this clone is shallow: older events are missing".to_owned());
    Ok(Report::new(&found.chapters, text).remarks(cut).remarks(more).unread(unread))
}

/// Why there is no story of something that is there.
fn untold(view: &dyn View, of: &EntityKey) -> Result<Refusal, Refusal> {
    if let EntityKey::Lock(resource) = of
        && let Some(Record { standing: Standing::Unreadable { why }, .. }) = view.lock(resource)?
    {
        let message = format!("the record of lock `{resource}` can't be read: {why}");
        return Ok(Refusal::new(Code::Damaged, message).hint("orchestrator doctor"));
    }
    let message = format!("no history of {} `{}` is here", of.kind(), of.name());
    Ok(Refusal::new(Code::NotFound, message).hint("git fetch --unshallow"))
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
        add!(text, "Undone: ", EventDocument::of(event).line(), "\n");
    }
    text.extend(undone.told.iter().map(|told| text![told, "\n"]));
    Ok(Report::new(&json, text).after(&done))
}
