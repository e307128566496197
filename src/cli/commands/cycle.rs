//! `plan`, `brief`, `collect`: the cycle runner.

use crate::cli::args::{Brief, Collect};
use crate::cli::report::Report;
use crate::model::{Refusal, TaskRef, WorkstreamName};
use crate::views::brief::BriefRequest;
use crate::views::collect::{Since, collect as collected};

use super::{App, moment};

pub fn plan(app: &App) -> Result<Report, Refusal> {
    let board = app.board()?;
    let plan = board.plan()?;
    let mut text = format!("{}\n", app.paint.bold("IN PARALLEL"));
    for one in &plan.recommended_parallel {
        text.push_str(&format!(
            "  {}/{}  P{}  {}\n",
            one.workstream, one.task.id, one.task.priority, one.task.title
        ));
    }
    if plan.recommended_parallel.is_empty() {
        text.push_str("  (nothing is ready)\n");
    }
    if !plan.recommended_serial.is_empty() {
        text.push_str(&format!("\n{}\n", app.paint.bold("ONE AFTER ANOTHER")));
    }
    for group in &plan.recommended_serial {
        text.push_str(&format!("  {}\n    {}\n", group.reason, group.tasks.join(", ")));
    }
    text.push_str(
        "\nFor each: orchestrator brief <ws> --task <id>, then orchestrator t claim <ws> <id> <agent>\n",
    );
    Ok(Report::new(&plan, text))
}

pub fn brief(app: &App, args: &Brief) -> Result<Report, Refusal> {
    let board = app.board()?;
    let request = BriefRequest {
        workstream: WorkstreamName::parse(&args.workstream)?,
        task: args.task.as_deref().map(TaskRef::parse).transpose()?,
        budget: args.budget,
    };
    Ok(match board.brief(&request)? {
        Some(brief) => {
            let left = brief.left_out.iter().map(|what| format!("left out: {what}")).collect::<Vec<_>>();
            Report::new(&brief, brief.brief.clone()).remarks(left)
        }
        None => Report::negative(&serde_json::Value::Null, "No pending tasks."),
    })
}

pub fn collect(app: &App, args: &Collect) -> Result<Report, Refusal> {
    let board = app.board()?;
    let (found, remarks) = match (&args.since, args.all) {
        (Some(text), _) => {
            let since = Since::At(moment(text, board.now())?);
            (collected(&*board.view()?, board.now(), since)?, Vec::new())
        }
        (None, true) => (collected(&*board.view()?, board.now(), Since::All)?, Vec::new()),
        (None, false) => {
            let done = board.collect()?;
            (done.outcome, done.remarks)
        }
    };
    let mut text = format!("{}\n", app.paint.bold("COMPLETED"));
    for task in &found.completed_this_cycle {
        let by = task.completed_by.as_deref().map(|agent| format!("  by {agent}")).unwrap_or_default();
        text.push_str(&format!("  {}/{}  {}{by}\n", task.workstream, task.task_id, task.title));
        for line in task.result.iter().flat_map(|result| result.lines()) {
            text.push_str(&format!("      {line}\n"));
        }
    }
    if found.completed_this_cycle.is_empty() {
        text.push_str("  (nothing)\n");
    }
    text.push_str(&format!("\n{}\n", app.paint.bold("STILL IN PROGRESS")));
    for task in &found.still_in_progress {
        let who = task.assigned_to.as_deref().unwrap_or("nobody");
        text.push_str(&format!("  {}/{}  {}  {who}\n", task.workstream, task.task_id, task.title));
    }
    if found.still_in_progress.is_empty() {
        text.push_str("  (nothing)\n");
    }
    let topics = if found.knowledge_updates.is_empty() {
        "(none)".to_owned()
    } else {
        found.knowledge_updates.join(", ")
    };
    text.push_str(&format!("\n{}  {topics}\n", app.paint.bold("KNOWLEDGE")));
    Ok(Report::new(&found, text).remarks(remarks))
}
