//! `task …`

use crate::cli::args::task::{self as args, Task as Args};
use crate::cli::parse;
use crate::cli::report::Report;
use crate::engine::Done;
use crate::model::{AgentId, Code, EntityKey, Operation, Priority, Refusal, TaskRef, Unread, WorkstreamName};
use crate::ops::Already;
use crate::ops::task::{
    Add, Block, Cancel, Claim, Complete, Next, Release, Reopen, TakeOver, Told, Unblock, Update, Whose,
};
use crate::views::document::TaskDocument;
use crate::views::style::{Text, bold, cell, joined};
use crate::views::words;
use crate::views::{resolve, show, story, tasks};
use crate::{add, text};

use super::App;

pub fn run(app: &App, args: Args) -> Result<Report, Refusal> {
    match args {
        Args::Add(args) => add(app, args),
        Args::List(args) => list(app, args),
        Args::Show(args::One { id }) => detail(app, &id),
        Args::Next(args) => next(app, &args),
        Args::Claim(args) => claim(app, &args),
        Args::Complete(args) => complete(app, args),
        Args::Release(args::Release { id, reason, stale, force, epoch }) => {
            let whose = match (force, stale) {
                (true, _) => Whose::Unknown,
                (false, true) => Whose::Stale,
                (false, false) => Whose::Mine,
            };
            let request = Release { task: TaskRef::parse(&id)?, reason, whose, epoch };
            tell(app, app.actor()?, &request, |task| match (whose, task.epoch) {
                (Whose::Unknown, Some(epoch)) => {
                    format!("Claim broken: {}\n  counting goes on after epoch {epoch}", task.title)
                }
                (Whose::Unknown | Whose::Mine | Whose::Stale, _) => format!("Released: {}", task.title),
            })
        }
        Args::Block(args::Block { id, reason }) => {
            let request = Block { task: TaskRef::parse(&id)?, reason };
            tell(app, app.actor()?, &request, |task| format!("Blocked: {}", task.title))
        }
        Args::Unblock(args::One { id }) => {
            let request = Unblock { task: TaskRef::parse(&id)? };
            tell(app, app.actor()?, &request, |task| format!("Unblocked: {}", task.title))
        }
        Args::Cancel(args::Cancel { id, reason }) => {
            let request = Cancel { task: TaskRef::parse(&id)?, reason };
            tell(app, app.actor()?, &request, |task| format!("Cancelled: {}", task.title))
        }
        Args::Reopen(args::One { id }) => {
            let request = Reopen { task: TaskRef::parse(&id)? };
            tell(app, app.actor()?, &request, |task| format!("Reopened: {}", task.title))
        }
        Args::Update(args) => {
            let request = update(args)?;
            tell(app, app.actor()?, &request, |task| format!("Updated: {}", task.title))
        }
    }
}

fn add(app: &App, args: args::Add) -> Result<Report, Refusal> {
    let request = Add {
        workstream: WorkstreamName::parse(&args.workstream)?,
        title: args.title,
        description: args.named_description.or(args.description).unwrap_or_default(),
        priority: Priority(args.named_priority.unwrap_or(args.priority)),
        estimate: args.estimate,
        depends_on: parse::tasks(&args.depends_on)?,
        labels: args.label,
    };
    tell(app, app.actor()?, &request, |task| format!("Added task {}: {}", task.id, task.title))
}

const CLAIM: &str = "orchestrator t claim <ws> <id> <agent>    or: orchestrator t claim <id> --agent <agent>";

fn claim(app: &App, args: &args::Claim) -> Result<Report, Refusal> {
    let (workstream, task, agent) = match args.words.as_slice() {
        [ws, id, agent] => (Some(ws), id, Some(agent.as_str())),
        [ws, id] => (Some(ws), id, None),
        [id] => (None, id, None),
        _ => return Err(usage("a claim takes a workstream, a task and an agent, or a task alone", CLAIM)),
    };
    let workstream = workstream.map(|name| WorkstreamName::parse(name)).transpose()?;
    // The second of two words may have been meant as the agent.
    let is_unclear = workstream.is_some() && agent.is_none();
    let task = TaskRef::parse(task).map_err(|bad| if is_unclear { bad.hint(CLAIM) } else { bad })?;
    let agent = app.acting(agent, "who claims it?", CLAIM)?;
    let take_over = if args.take_over { TakeOver::IfStale } else { TakeOver::Never };
    let request = Claim { task, workstream, agent: agent.clone(), take_over };
    tell(app, Some(agent.clone()), &request, |task| format!("Claimed: {} -> {agent}", task.title))
}

fn complete(app: &App, args: args::Complete) -> Result<Report, Refusal> {
    let (workstream, task, result) = match (args.words.as_slice(), args.result) {
        ([id], result) => (None, id, result),
        ([ws, id], result) => (Some(WorkstreamName::parse(ws)?), id, result),
        ([ws, id, positional], None) => (Some(WorkstreamName::parse(ws)?), id, Some(positional.clone())),
        _ => {
            return Err(usage(
                "the result is given twice",
                "orchestrator t complete <ws> <id> [result]    or: orchestrator t complete <id> --result <result>",
            ));
        }
    };
    let request = Complete { task: TaskRef::parse(task)?, workstream, result, epoch: args.epoch };
    tell(app, app.actor()?, &request, |task| format!("Completed: {}", task.title))
}

fn usage(message: &str, hint: &str) -> Refusal {
    Refusal::new(Code::Usage, message).hint(hint)
}

fn update(args: args::Update) -> Result<Update, Refusal> {
    Ok(Update {
        title: args.title,
        description: args.description,
        priority: args.priority.map(Priority),
        estimate: args.estimate,
        workstream: args.workstream.as_deref().map(WorkstreamName::parse).transpose()?,
        add_labels: args.add_label,
        remove_labels: args.remove_label,
        add_dependencies: parse::tasks(&args.add_dependency)?,
        remove_dependencies: parse::tasks(&args.remove_dependency)?,
        ..Update::of(TaskRef::parse(&args.id)?)
    })
}

/// Runs a verb on one task and tells what became of it.
fn tell<R: Operation<Outcome = Told>>(
    app: &App,
    agent: Option<AgentId>,
    request: &R,
    sentence: impl Fn(&TaskDocument) -> String,
) -> Result<Report, Refusal> {
    let board = app.board()?;
    let done = board.run_as(agent, request)?;
    let task = board.document(&done.outcome)?;
    let mut report = Report::new(&task, sentence(&task)).after(&done);
    if done.outcome.already == Already::WasSo {
        report = report.remarks(["it was so already: no commit was made".to_owned()]);
    }
    Ok(report)
}

fn next(app: &App, args: &args::Next) -> Result<Report, Refusal> {
    let workstream = WorkstreamName::parse(&args.workstream)?;
    let usage = format!("orchestrator t next {workstream} <agent>    or: --agent <agent>");
    let agent = app.acting(args.by.as_deref(), "who takes it?", &usage)?;
    let request = Next { workstream: workstream.clone(), agent: agent.clone() };
    let board = app.board()?;
    let done: Done<_> = board.run_as(Some(agent), &request)?;
    let Some(told) = &done.outcome.told else {
        let waiting = done.outcome.waiting.len();
        let remark = (waiting > 0).then(|| {
            let tasks = if waiting == 1 { "task waits" } else { "tasks wait" };
            text!["\n", waiting, " ", tasks, " for others: orchestrator t list ", workstream]
        });
        let unread = done.outcome.unread.clone();
        let none = if unread.is_empty() {
            "No pending tasks in this workstream."
        } else {
            "No pending tasks in this workstream, of those that can be read."
        };
        let text = text![none, remark.unwrap_or_default()];
        return Ok(Report::negative(&serde_json::Value::Null, text).after(&done).unread(unread));
    };
    // Something was claimed, so the exit code is that of a success.
    let unread = done.outcome.unread.clone().into_damage();
    let unread = unread.iter().map(|damage| format!("not considered, since it can't be read: {damage}"));
    let unread: Vec<String> = unread.collect();
    let task = board.document(told)?;
    let mut text = text!["Claimed next task: ", task.id, " - ", task.title, "\n"];
    let description = task.description.trim_end();
    if !description.is_empty() {
        add!(text, "\n", Text::block("  ", description));
    }
    add!(text, "\n  priority ", task.priority, " · epoch ", told.task.task.epoch);
    add!(text, " · brief: orchestrator brief ", workstream, " --task ", task.id, "\n");
    Ok(Report::new(&task, text).after(&done).remarks(unread))
}

fn list(app: &App, args: args::List) -> Result<Report, Refusal> {
    let filter = tasks::Filter {
        workstream: args.workstream.as_deref().map(WorkstreamName::parse).transpose()?,
        status: args.status,
        agent: app.shown_agent(args.assigned_to.as_deref())?,
        label: args.label,
    };
    let board = app.board()?;
    let (found, unread) = board.read(|view| tasks::tasks(view, &filter))?.parts();
    let report = Report::long(found, |found| match found.is_empty() {
        true => text!["No tasks."],
        false => found.iter().map(TaskDocument::line).collect(),
    });
    Ok(report.unread(unread))
}

fn detail(app: &App, id: &str) -> Result<Report, Refusal> {
    let board = app.board()?;
    let mut unread = Unread::default();
    let view = board.view()?.note(&mut unread);
    let id = resolve::task(&*view, &TaskRef::parse(id)?)?;
    let found = show::task(&*view, id)?.note(&mut unread).ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no task `{id}` on this board"))
            .hint("orchestrator status")
    })?;
    let task = &found.task;
    let mut text = text![bold(&task.id), "  ", task.title, "\n\n"];
    let mut line = |name: &str, value: Option<Text>| {
        if let Some(value) = value {
            add!(text, "  ", cell(name, 12), " ", value, "\n");
        }
    };
    let data = |value: &Option<String>| value.as_ref().map(Text::data);
    line("workstream", data(&task.workstream));
    line("status", Some(words::status_word(&task.status, 0)));
    line("reason", data(&task.reason));
    line("priority", Some(Text::data(task.priority)));
    line("estimate", data(&task.estimate));
    line("assigned to", data(&task.assigned_to));
    line("epoch", task.epoch.map(Text::data));
    let by = task.created_by.as_deref().unwrap_or("system");
    line("created", Some(text![words::ago(&task.created_at, board.now()), " by ", by]));
    line("updated", Some(Text::data(words::ago(&task.updated_at, board.now()))));
    line("labels", Some(joined(&task.labels, ", ")).filter(|labels| !labels.is_empty()));
    let elsewhere = task.finished_on.as_ref().or(task.claimed_on.as_ref());
    line(
        "landing",
        elsewhere.map(|place| match place.way_back(&task.id) {
            Some(way_back) => way_back,
            None => text![place.words(), ", not on this board"],
        }),
    );
    for (title, neighbours) in [("waits for", &found.dependencies), ("waited for by", &found.dependents)] {
        for other in neighbours {
            let status = other.status.as_deref().unwrap_or("unknown");
            let name = other.title.as_deref().unwrap_or("");
            line(title, Some(text![other.id, "  ", status, "  ", name]));
        }
    }
    line("knowledge", Some(joined(&found.knowledge, ", ")).filter(|topics| !topics.is_empty()));
    for (title, body) in [("DESCRIPTION", Some(&task.description)), ("RESULT", task.result.as_ref())] {
        if let Some(body) = body.filter(|body| !body.is_empty()) {
            add!(text, "\n", bold(title), "\n", Text::block("  ", body));
        }
    }
    add!(text, "\n", bold("HISTORY"), "\n");
    if let Some(story) = story::story(&*view, &EntityKey::Task(id))? {
        add!(text, story.text());
    }
    Ok(Report::new(&found, text).unread(unread))
}
