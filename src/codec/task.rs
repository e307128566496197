//! `tasks/<id[0..2]>/<id>.yaml`
//!
//! The title stands above the status, so that three lines of diff context name the task. Nothing that every
//! change would touch is stored: when a task was last updated is told by its stamps and by the log.

use crate::model::{AgentId, Claim, Priority, Status, Task, TaskId, WorkstreamName};

use super::Problem;
use super::entry::{
    check_own_name, imported, list, nullable, nullable_stamp, read_imported, read_optional_stamp, read_stamp,
    stamp, write,
};
use super::yaml::{Document, Fields, Value};

/// The task in these bytes, which are the file of `id`.
pub(crate) fn decode(bytes: &[u8], id: TaskId) -> Result<Task, Problem> {
    let document = Document::parse(bytes)?;
    let fields = document.fields();
    check_own_name(&fields, "id", id.as_str())?;
    let workstream = fields.text("workstream")?;
    let epoch = fields.optional_int("epoch")?.unwrap_or(0);
    Ok(Task {
        id,
        workstream: WorkstreamName::parse(&workstream)
            .map_err(|bad| fields.problem("workstream", &bad.to_string()))?,
        title: title(&fields)?,
        status: status(&fields)?,
        epoch: u64::try_from(epoch).map_err(|_| fields.problem("epoch", "is below zero"))?,
        priority: fields.optional_int("priority")?.map_or_else(Priority::default, Priority),
        estimate: fields.optional_text("estimate")?,
        depends_on: depends_on(&fields)?,
        labels: fields.list_of_text("labels")?,
        created_at: read_stamp(&fields, "created_at")?,
        created_by: fields.optional_text("created_by")?.unwrap_or_else(|| "system".to_owned()),
        description: fields.optional_text("description")?.unwrap_or_default(),
        result: fields.optional_text("result")?,
        imported: read_imported(&fields)?,
    })
}

fn title(fields: &Fields<'_>) -> Result<String, Problem> {
    let title = fields.text("title")?;
    if title.trim().is_empty() {
        return Err(fields.problem("title", "is empty"));
    }
    if title.chars().any(char::is_control) {
        return Err(fields.problem("title", "is more than one line, or holds a control character"));
    }
    Ok(title)
}

fn status(fields: &Fields<'_>) -> Result<Status, Problem> {
    let word = fields.text("status")?;
    let claim = match fields.optional_text("assigned_to")? {
        None => None,
        Some(agent) => Some(Claim {
            agent: AgentId::parse(&agent).map_err(|bad| fields.problem("assigned_to", &bad.to_string()))?,
            claimed_at: read_optional_stamp(fields, "claimed_at")?,
        }),
    };
    let reason = fields.optional_text("reason")?.unwrap_or_default();
    match word.as_str() {
        // An assignee that a hand edit left behind holds nothing.
        "pending" => Ok(Status::Pending),
        "in_progress" => claim
            .map(Status::InProgress)
            .ok_or_else(|| fields.problem("status", "is `in_progress`, but `assigned_to` names nobody")),
        "blocked" => Ok(Status::Blocked { reason, claim }),
        "done" => Ok(Status::Done { claim, completed_at: read_optional_stamp(fields, "completed_at")? }),
        "cancelled" => Ok(Status::Cancelled { reason }),
        _ => {
            let words = Status::WORDS.join(", ");
            Err(fields.problem("status", &format!("`{}` is unknown; one of {words}", word.escape_debug())))
        }
    }
}

fn depends_on(fields: &Fields<'_>) -> Result<Vec<TaskId>, Problem> {
    let ids = fields.list_of_text("depends_on")?;
    let parse = |(at, text): (usize, &String)| {
        TaskId::parse(text).ok_or_else(|| {
            fields.problem_at_item("depends_on", at, &format!("`{}` is no task id", text.escape_debug()))
        })
    };
    ids.iter().enumerate().map(parse).collect()
}

/// The bytes of a task; of `old`, only the lines of what differs are rewritten.
pub(crate) fn encode(task: &Task, old: Option<&[u8]>) -> Result<Vec<u8>, Problem> {
    write(old, &entries(task))
}

/// Whether a task fits into a file.
pub(crate) fn check(task: &Task) -> Result<(), Problem> {
    super::entry::check(&entries(task))
}

fn entries(task: &Task) -> Vec<(&'static str, Option<Value>)> {
    let claim = task.status.claim();
    let completed_at = match &task.status {
        Status::Done { completed_at, .. } => *completed_at,
        Status::Pending | Status::InProgress(_) | Status::Blocked { .. } | Status::Cancelled { .. } => None,
    };
    let epoch = i64::try_from(task.epoch).unwrap_or(i64::MAX);
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    vec![
        ("id", text(task.id.as_str())),
        ("workstream", text(task.workstream.as_str())),
        ("title", text(&task.title)),
        ("status", text(task.status.word())),
        ("assigned_to", Some(nullable(claim.map(|claim| claim.agent.as_str())))),
        ("epoch", Some(Value::Int(epoch))),
        ("claimed_at", Some(nullable_stamp(claim.and_then(|claim| claim.claimed_at)))),
        ("completed_at", Some(nullable_stamp(completed_at))),
        ("priority", Some(Value::Int(task.priority.0))),
        ("estimate", Some(nullable(task.estimate.as_deref()))),
        ("depends_on", Some(list(&task.depends_on))),
        ("labels", Some(list(&task.labels))),
        ("created_at", Some(stamp(task.created_at))),
        ("created_by", text(&task.created_by)),
        ("description", text(&task.description)),
        ("result", Some(nullable(task.result.as_deref()))),
        ("reason", task.status.reason().and_then(text)),
        ("imported", imported(&task.imported)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Imported, Timestamp};

    const FILE: &str = "\
id: 299833bc
workstream: revenue
title: Add crypto payments to SnapAPI
status: in_progress
assigned_to: agent-1
epoch: 1
claimed_at: 2026-02-06T07:37:39.745Z
completed_at: null
priority: 1
estimate: null
depends_on: []
labels: []
created_at: 2026-02-06T07:36:59.474Z
created_by: system
description: |
  Integrate NOWPayments
  or similar for USDC payments
result: null
";

    fn id() -> TaskId {
        TaskId::parse("299833bc").unwrap()
    }

    fn read(text: &str) -> Task {
        decode(text.as_bytes(), id()).unwrap()
    }

    #[test]
    fn a_file_of_ours_comes_back_byte_for_byte() {
        let task = read(FILE);
        // The last line break of a block is part of the text.
        assert_eq!(task.description, "Integrate NOWPayments\nor similar for USDC payments\n");
        assert_eq!(String::from_utf8(encode(&task, None).unwrap()).unwrap(), FILE);
        assert_eq!(String::from_utf8(encode(&task, Some(FILE.as_bytes())).unwrap()).unwrap(), FILE);
    }

    #[test]
    fn a_completion_changes_three_lines() {
        let task = read(FILE);
        let at = Timestamp::parse("2026-02-06T07:41:39.062Z").unwrap();
        let done = Task {
            status: Status::Done { claim: task.status.claim().cloned(), completed_at: Some(at) },
            result: Some("USDC payments work.\n".into()),
            ..task
        };
        let text = String::from_utf8(encode(&done, Some(FILE.as_bytes())).unwrap()).unwrap();
        let expected = FILE
            .replace("status: in_progress", "status: done")
            .replace("completed_at: null", "completed_at: 2026-02-06T07:41:39.062Z")
            .replace("result: null", "result: |\n  USDC payments work.");
        assert_eq!(text, expected);
        assert_eq!(read(&text), done);
    }

    #[test]
    fn comments_and_unknown_keys_stay_where_they_are() {
        let edited = FILE.replace(
            "status: in_progress\n",
            "# ask Ada first\nstatus: in_progress # really\nreviewer: ada\n",
        );
        let task = Task { status: Status::Pending, ..read(&edited) };
        let text = String::from_utf8(encode(&task, Some(edited.as_bytes())).unwrap()).unwrap();
        assert!(text.contains("# ask Ada first\nstatus: pending # really\nreviewer: ada\n"), "{text}");
        assert!(text.contains("assigned_to: null\n"));
    }

    #[test]
    fn every_state_and_odd_text_comes_back() {
        let claim = Claim { agent: AgentId::parse("a").unwrap(), claimed_at: None };
        for status in [
            Status::Pending,
            Status::InProgress(claim.clone()),
            Status::Blocked { reason: "no: key".into(), claim: Some(claim.clone()) },
            Status::Blocked { reason: String::new(), claim: None },
            Status::Done { claim: Some(claim), completed_at: None },
            Status::Cancelled { reason: "1e3".into() },
        ] {
            let mut task =
                Task { status, title: "no".into(), estimate: Some("2026-01-01".into()), ..read(FILE) };
            task.depends_on = vec![TaskId::parse("12345678").unwrap(), TaskId::parse("1234e567").unwrap()];
            task.labels = vec!["~".into(), "a, b".into()];
            task.description = "\ttab\n\n  end\r\n---\u{1b}".into();
            task.imported = Imported([("updated_at".to_owned(), "2026-02-06".to_owned())].into());
            let bytes = encode(&task, None).unwrap();
            assert_eq!(decode(&bytes, id()).unwrap(), task);
            assert_eq!(encode(&task, Some(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn a_text_that_ends_in_a_blank_of_its_own_is_replaced_whole() {
        for blank in ["\u{a0}", "\u{2003}", "\u{3000}", "\u{85}", "\u{2028}"] {
            let odd = Task {
                created_by: format!("\n{blank}"),
                description: format!("x\n\n{blank}\n"),
                ..read(FILE)
            };
            let bytes = encode(&odd, None).unwrap();
            assert_eq!(decode(&bytes, id()).unwrap(), odd, "{blank:?}");
            let plain = read(FILE);
            assert_eq!(decode(&encode(&plain, Some(&bytes)).unwrap(), id()).unwrap(), plain, "{blank:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        for (from, to, place, why) in [
            ("status: in_progress", "status: Done", (4, 9), "`Done` is unknown; one of pending, in_progress"),
            ("assigned_to: agent-1", "assigned_to: null", (4, 9), "`assigned_to` names nobody"),
            ("id: 299833bc", "id: 00000000", (1, 5), "is not the name of its file, `299833bc`"),
            ("priority: 1", "priority: high", (9, 11), "expected a whole number"),
            ("depends_on: []", "depends_on: [zz]", (11, 14), "`zz` is no task id"),
            ("epoch: 1", "epoch: -1", (6, 8), "is below zero"),
        ] {
            let problem = decode(FILE.replace(from, to).as_bytes(), id()).unwrap_err();
            assert_eq!((problem.line, problem.column), place, "{to}: {problem}");
            assert!(problem.why.contains(why), "{to}: {problem}");
        }
    }
}
