//! `workstream …`

use crate::cli::args::workstream::{self as args, Workstream as Args};
use crate::cli::report::Report;
use crate::engine::Orchestrator;
use crate::model::{Code, Priority, Reading, Refusal, Workstream, WorkstreamName, WorkstreamStatus};
use crate::ops::workstream::{Create, Update};
use crate::views::document::{Counts, WorkstreamDocument};
use crate::views::show;
use crate::views::style::{Text, bold};
use crate::views::words;
use crate::{add, text};

use super::App;

pub fn run(app: &App, args: Args) -> Result<Report, Refusal> {
    match args {
        Args::Create(args) => {
            let request = Create {
                name: WorkstreamName::parse(&args.name)?,
                description: args.named_description.or(args.description).unwrap_or_default(),
                priority: Priority(args.named_priority.unwrap_or(args.priority)),
            };
            let done = app.board()?.run(&request)?;
            let text = format!("Created workstream: {}", done.outcome.name);
            Ok(Report::new(&fresh(&done.outcome), text).after(&done))
        }
        Args::List => {
            let board = app.board()?;
            let (list, unread) = board.list_workstreams()?.parts();
            let lines = list.iter().map(|ws| {
                let about = if ws.description.is_empty() { "(no desc)" } else { &ws.description };
                let c = &ws.counts;
                let bar = words::bar(c.done, c.in_progress, c.task_count, 15);
                let tasks = format!("{} pending, {} active, {} done", c.pending, c.in_progress, c.done);
                let head = text!["[P", ws.priority, "] ", bold(&ws.name), " - ", about];
                text![head, "\n  ", bar, "  Tasks: ", tasks, "\n"]
            });
            let text: Text = lines.collect();
            let text = if text.is_empty() { text!["No workstreams."] } else { text };
            Ok(Report::new(&list, text).unread(unread))
        }
        Args::Show(args::One { name }) => {
            let board = app.board()?;
            let (found, unread) = show(&board, &WorkstreamName::parse(&name)?)?.parts();
            let mut text = text!["[P", found.priority, "] ", bold(&found.name), " - "];
            add!(text, found.description, " (", found.status, ")\n");
            for task in &found.tasks {
                add!(text, "  ", task.line());
            }
            Ok(Report::new(&found, text).unread(unread))
        }
        Args::Update(args::Update { name, description, priority, status }) => {
            let name = WorkstreamName::parse(&name)?;
            let status = status.as_deref().and_then(WorkstreamStatus::parse);
            let board = app.board()?;
            let request =
                Update { name: name.clone(), description, priority: priority.map(Priority), status };
            let done = board.run(&request)?;
            let text =
                if done.commit.is_some() { "Updated workstream" } else { "Nothing to change in workstream" };
            // The change is made; its answer is the workstream, whatever else can't be read.
            let found = show(&board, &name)?.despite();
            Ok(Report::new(&found, format!("{text}: {name}")).after(&done))
        }
    }
}

fn show(board: &Orchestrator, name: &WorkstreamName) -> Result<Reading<WorkstreamDocument>, Refusal> {
    let (found, unread) = board.read(|view| Ok(show::workstream(view, name)?))?.parts();
    let found = found.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no workstream `{name}`")).hint("orchestrator ws list")
    })?;
    Ok(Reading::of(found, unread))
}

fn fresh(workstream: &Workstream) -> WorkstreamDocument {
    WorkstreamDocument::of(workstream, Vec::new(), Counts::default())
}
