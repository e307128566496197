//! `plan`, `brief`, `collect`: the cycle runner.

use crate::cli::args::{Brief, Collect};
use crate::cli::report::Report;
use crate::model::{Refusal, TaskRef, WorkstreamName};
use crate::views::brief::BriefRequest;
use crate::views::collect::{Since, collect as collected};
use crate::views::style::{Text, bold, joined};
use crate::{add, text};

use super::{App, moment};

pub fn plan(app: &App) -> Result<Report, Refusal> {
    let board = app.board()?;
    let (plan, unread) = board.plan()?.parts();
    let mut text = text![bold("IN PARALLEL"), "\n"];
    for one in &plan.recommended_parallel {
        let place = text!["  ", one.workstream, "/", one.task.id];
        add!(text, place, "  P", one.task.priority, "  ", one.task.title, "\n");
    }
    if plan.recommended_parallel.is_empty() {
        text.ours("  (nothing is ready)\n");
    }
    if !plan.recommended_serial.is_empty() {
        add!(text, "\n", bold("ONE AFTER ANOTHER"), "\n");
    }
    for group in &plan.recommended_serial {
        add!(text, "  ", group.reason, "\n    ", joined(&group.tasks, ", "), "\n");
    }
    text.ours(
        "\nFor each: orchestrator brief <ws> --task <id>, then orchestrator t claim <ws> <id> <agent>\n",
    );
    Ok(Report::new(&plan, text).unread(unread))
}

pub fn brief(app: &App, args: &Brief) -> Result<Report, Refusal> {
    let board = app.board()?;
    let request = BriefRequest {
        workstream: WorkstreamName::parse(&args.workstream)?,
        task: args.task.as_deref().map(TaskRef::parse).transpose()?,
        budget: args.budget,
    };
    let (found, unread) = board.brief(&request)?.parts();
    let report = match found {
        Some(brief) => {
            let left = brief.left_out.iter().map(|what| format!("left out: {what}")).collect::<Vec<_>>();
            Report::new(&brief, Text::page(&brief.brief)).remarks(left)
        }
        None => Report::negative(&serde_json::Value::Null, "No pending tasks."),
    };
    Ok(report.unread(unread))
}

pub fn collect(app: &App, args: &Collect) -> Result<Report, Refusal> {
    let board = app.board()?;
    let mut ended = None;
    let (found, remarks) = match (&args.since, args.all) {
        (Some(text), _) => {
            let since = Since::At(moment(text, board.now())?);
            (board.read(|view| Ok(collected(view, board.now(), since)?))?, Vec::new())
        }
        (None, true) => (board.read(|view| Ok(collected(view, board.now(), Since::All)?))?, Vec::new()),
        (None, false) => {
            let mut done = board.collect()?;
            if !done.outcome.is_whole() {
                let why = "the cycle was not ended: what can't be read would be in no report";
                done.remarks.push(why.to_owned());
            }
            ended = done.commit;
            (done.outcome, done.remarks)
        }
    };
    let (found, unread) = found.parts();
    let mut text = text![bold("COMPLETED"), "\n"];
    for task in &found.completed_this_cycle {
        let by = task.completed_by.as_deref().map(|agent| text!["  by ", agent]).unwrap_or_default();
        add!(text, "  ", task.workstream, "/", task.task_id, "  ", task.title, by, "\n");
        add!(text, Text::block("      ", task.result.as_deref().unwrap_or_default()));
    }
    if found.completed_this_cycle.is_empty() {
        text.ours("  (nothing)\n");
    }
    add!(text, "\n", bold("STILL IN PROGRESS"), "\n");
    for task in &found.still_in_progress {
        let who = task.assigned_to.as_deref().unwrap_or("nobody");
        add!(text, "  ", task.workstream, "/", task.task_id, "  ", task.title, "  ", who, "\n");
    }
    if found.still_in_progress.is_empty() {
        text.ours("  (nothing)\n");
    }
    let topics = match found.knowledge_updates.as_slice() {
        [] => text!["(none)"],
        topics => joined(topics, ", "),
    };
    add!(text, "\n", bold("KNOWLEDGE"), "  ", topics, "\n");
    let report = Report::new(&found, text).remarks(remarks).unread(unread);
    Ok(match ended {
        Some(commit) => report.changed(format!("commit {}", commit.get(..7).unwrap_or(&commit))),
        None => report,
    })
}
