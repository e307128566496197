//! A task, for tests.

use crate::model::{AgentId, Claim, Imported, Priority, Status, Task, TaskId, Timestamp, WorkstreamName};

pub(super) fn at(second: u32) -> Timestamp {
    Timestamp::parse(&format!("2026-02-06T07:00:{second:02}Z")).unwrap()
}

pub(super) fn claim(agent: &str) -> Claim {
    Claim { agent: AgentId::parse(agent).unwrap(), claimed_at: Some(at(5)) }
}

pub(super) fn done(agent: Option<&str>, second: u32) -> Status {
    Status::Done { claim: agent.map(claim), completed_at: Some(at(second)) }
}

pub(super) fn task() -> Task {
    Task {
        id: TaskId::parse("299833bc").unwrap(),
        workstream: WorkstreamName::parse("revenue").unwrap(),
        title: "Pay".into(),
        status: Status::Pending,
        epoch: 0,
        priority: Priority::default(),
        estimate: None,
        depends_on: vec![],
        labels: vec!["api".into()],
        created_at: at(0),
        created_by: "system".into(),
        description: "One\ntwo\nthree\nfour\n".into(),
        result: None,
        imported: Imported::default(),
    }
}
