//! `agent …`

use crate::cli::args::agent::{self as args, Agent as Args};
use crate::cli::report::Report;
use crate::model::{AgentId, Refusal};
use crate::ops::agent::Register;
use crate::text;
use crate::views::agents;
use crate::views::style::{Text, joined, red};
use crate::views::words;

use super::App;

pub fn run(app: &App, args: Args) -> Result<Report, Refusal> {
    let board = app.board()?;
    match args {
        Args::Register(args::Register { id, kind, capability }) => {
            let id = AgentId::parse(&id)?;
            let request = Register { id: id.clone(), kind, capabilities: capability };
            let done = board.run_as(Some(id.clone()), &request)?;
            let text = format!("Registered agent: {id} ({})", done.outcome.kind);
            // It was just written, and seen now.
            let document = agents::agent(&*board.view()?.despite(), &id, board.now())?.despite();
            Ok(Report::new(&document, text).after(&done))
        }
        Args::Heartbeat(args::Heartbeat { id }) => {
            let id = app.acting(
                id.as_deref(),
                "who is alive?",
                "orchestrator a heartbeat <agent>    or: --agent <agent>",
            )?;
            let now = board.heartbeat(&id)?;
            let (known, unread) = board.read(|view| Ok(agents::agent(view, &id, board.now())?))?.parts();
            let text = format!("Heartbeat: {id}");
            let report = match known {
                Some(document) => Report::new(&document, text),
                // Agents need not register.
                None => {
                    Report::new(&serde_json::json!({"id": id.as_str(), "last_seen": now.to_string()}), text)
                }
            };
            // It is done, and needs no settings: that something can't be read is told, and is no failure of it.
            let unread = unread.into_damage().into_iter().map(|damage| format!("can't be read: {damage}"));
            Ok(report.changed("it is noted").remarks(unread))
        }
        Args::List => {
            let (list, unread) = board.read(|view| Ok(agents::agents(view, board.now())?))?.parts();
            let line = |agent: &crate::views::document::AgentDocument| {
                let stale = red(if agent.stale { " stale" } else { "" });
                let seen = words::ago(&agent.last_seen, board.now());
                let can = joined(&agent.capabilities, ", ");
                let can = if can.is_empty() { can } else { text![" · ", can] };
                text![agent.id, " (", agent.kind, "): ", agent.status, stale, ", seen ", seen, can, "\n"]
            };
            let text: Text = list.iter().map(line).collect();
            let text = if text.is_empty() { text!["No agents."] } else { text };
            Ok(Report::new(&list, text).unread(unread))
        }
    }
}
