//! `events`, `event log`

use crate::cli::args::{Event as EventArgs, Events};
use crate::cli::parse;
use crate::cli::report::Report;
use crate::model::{AgentId, Refusal, TaskRef, Unread};
use crate::ops::event::LogEvent;
use crate::text;
use crate::views::document::EventDocument;
use crate::views::{events, resolve};

use super::{App, moment};

pub fn list(app: &App, args: &Events) -> Result<Report, Refusal> {
    let board = app.board()?;
    let mut unread = Unread::default();
    let view = board.view()?.note(&mut unread);
    let task = args.task.as_deref().map(|id| resolve::task(&*view, &TaskRef::parse(id)?)).transpose()?;
    let filter = events::Filter {
        last: Some(args.last),
        agent: app.shown_agent(None)?.map(|agent| agent.to_string()),
        actions: args.action.iter().cloned().collect(),
        since: args.since.as_deref().map(|text| moment(text, board.now())).transpose()?,
        task,
        ..events::Filter::default()
    };
    let log = view.events(&filter)?;
    let found: Vec<EventDocument> = log.events.iter().map(EventDocument::of).collect();
    let report = Report::long(found, |found| match found.is_empty() {
        true => text!["No events."],
        false => found.iter().map(|event| text![event.line(), "\n"]).collect(),
    });
    let cut = log.is_cut.then(|| "this clone is shallow: older events are missing".to_owned());
    Ok(report.remarks(cut).unread(unread))
}

pub fn log(app: &App, args: EventArgs) -> Result<Report, Refusal> {
    let EventArgs::Log { agent, action, fields, data } = args;
    let agent = AgentId::parse(&agent)?;
    let data = parse::fields(&fields, data.as_deref())?;
    let done = app.board()?.run_as(Some(agent.clone()), &LogEvent { agent: agent.clone(), action, data })?;
    let text = format!("Logged: {} by {agent}", done.outcome.action.word());
    Ok(Report::new(&EventDocument::of(&done.outcome), text).after(&done))
}
