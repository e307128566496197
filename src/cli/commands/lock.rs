//! `lock …`

use crate::cli::args::lock::{self as args, Lock as Args};
use crate::cli::parse;
use crate::cli::report::Report;
use crate::model::{AgentId, Bounds, Code, Record, Refusal, Resource, Span, Unread};
use crate::ops::lock::{Acquire, Force, Freed, Grant, Release};
use crate::text;
use crate::views::document::{AcquireDocument, LockDocument};
use crate::views::locks;
use crate::views::style::{Text, cell};

use super::App;

pub fn run(app: &App, args: Args) -> Result<Report, Refusal> {
    let board = app.board()?;
    match args {
        Args::Acquire(args::Acquire { resource, by, ttl, wait, reason }) => {
            let usage = "orchestrator l acquire <resource> <agent>    or: --agent <agent>";
            let agent = app.acting(by.as_deref(), "who takes it?", usage)?;
            let request = Acquire {
                resource: Resource::parse(&resource)?,
                agent: agent.clone(),
                ttl: ttl.map(|ttl| parse::span("--ttl", &ttl, Bounds::LOCK)).transpose()?,
                reason,
            };
            let wait = wait.map(|wait| parse::span("--wait", &wait, Bounds::PATIENCE)).transpose()?;
            let done = board.acquire(&request, wait.unwrap_or(Span::from_millis(0)))?;
            let report = match &done.outcome {
                Grant::Acquired(record) | Grant::Renewed(record) => Report::new(
                    &AcquireDocument::granted(&agent, record),
                    text!["Lock acquired: ", resource, "\n  epoch ", record.epoch, until(record, &board)],
                )
                .changed(format!("the lock is held, epoch {}", record.epoch)),
                Grant::Denied(record) => {
                    let holder = record.holder().map_or("somebody unknown", AgentId::as_str);
                    Report::negative(
                        &AcquireDocument::denied(&agent, record),
                        format!("Lock denied: {resource} (held by {holder}{})", until(record, &board)),
                    )
                }
            };
            Ok(report.after(&done))
        }
        Args::Release(args::Release { resource, by, force, epoch, reason }) => {
            let usage = "orchestrator l release <resource> <agent>    or: --agent <agent>";
            let agent = app.acting(by.as_deref(), "who gives it back?", usage)?;
            let force = match (force, epoch, reason) {
                (true, Some(epoch), Some(reason)) => Some(Force { epoch, reason }),
                (true, _, _) => {
                    return Err(Refusal::new(Code::Usage, "to break a lock say which epoch and why").hint(
                        "orchestrator lock release <resource> <agent> --force --epoch <N> --reason <reason>",
                    ));
                }
                (false, ..) => None,
            };
            let request = Release { resource: Resource::parse(&resource)?, agent: agent.clone(), force };
            let done = board.run_as(Some(agent.clone()), &request)?;
            let no = serde_json::json!({"released": false});
            let report = match &done.outcome {
                Freed::Released(_) => {
                    Report::new(&serde_json::json!({"released": true}), format!("Lock released: {resource}"))
                        .changed("the lock is free")
                }
                Freed::WasFree => Report::negative(&no, format!("Lock not held by {agent}")),
                Freed::HeldBy(record) => {
                    let holder = record.holder().map_or("somebody unknown", AgentId::as_str);
                    let words = format!(
                        "Lock not held by {agent} (held by {holder}, epoch {}{})",
                        record.epoch,
                        until(record, &board)
                    );
                    let json = serde_json::json!({"released": false, "held_by": holder, "fencing_token": record.epoch});
                    Report::negative(&json, words)
                }
            };
            Ok(report.after(&done))
        }
        Args::List => {
            let mut unread = Unread::default();
            let view = board.view()?.note(&mut unread);
            let list = locks::live(&*view, board.now())?;
            let text: Text = list.iter().map(|lock| text![line(lock), "\n"]).collect();
            let text = if text.is_empty() { text!["No locks."] } else { text };
            Ok(Report::new(&list, text).unread(unread))
        }
        Args::Show(args::One { resource }) => {
            let name = Resource::parse(&resource)?;
            let mut unread = Unread::default();
            let view = board.view()?.note(&mut unread);
            let report = match locks::lock(&*view, &name, board.now())? {
                Some(lock) => Report::new(&lock, line(&lock)),
                None => Report::negative(&serde_json::Value::Null, format!("{resource}: never locked")),
            };
            Ok(report.unread(unread))
        }
    }
}

fn until(record: &Record, board: &crate::engine::Orchestrator) -> String {
    let left = record.expires_at().map(|end| end.since(board.now()));
    left.map(|left| format!(", expires in {}", left.in_words())).unwrap_or_default()
}

fn line(lock: &LockDocument) -> Text {
    let holder = lock.agent.as_deref().map(|agent| text!["  by ", agent]).unwrap_or_default();
    let end = lock.expires_at.as_deref().map(|end| text!["  until ", end]).unwrap_or_default();
    text![cell(&lock.resource, 24), "  ", lock.standing, holder, end, "  epoch ", lock.fencing_token]
}
