//! What the verbs on claims share: the record that goes with a change, who may act, how holders are shown.

use crate::model::{
    Action, AgentId, Claim, Code, Context, Event, Fault, Finish, Landing, Record, RecordEdit, RecordKey,
    Refusal, SeenTask, Span, Standing, Status, Task, Timestamp, View,
};

/// The record of a task, moved to `standing`. It carries the very event of the board commit.
pub(super) fn record(
    seen: &SeenTask,
    standing: Standing,
    epoch: u64,
    reason: Option<String>,
    event: &Event,
    context: &Context<'_>,
) -> RecordEdit {
    RecordEdit {
        expected: seen.record.as_ref().and_then(|record| record.commit.clone()),
        record: Record {
            key: RecordKey::Claim(seen.task.id),
            standing,
            epoch,
            nonce: Some(context.mint.nonce()),
            reason,
            event: Some(event.clone()),
            board: None,
            commit: None,
        },
        replaces: false,
    }
}

/// The record that frees a task; none if it never had one, because then there is nothing to free.
pub(super) fn freed(
    seen: &SeenTask,
    reason: Option<String>,
    event: &Event,
    context: &Context<'_>,
) -> Option<RecordEdit> {
    let is_needed = seen.record.is_some() || seen.task.epoch > 0;
    is_needed.then(|| record(seen, Standing::Free, epoch_of(seen), reason, event, context))
}

/// The record of a task that is over.
pub(super) fn completed(
    seen: &SeenTask,
    agent: &AgentId,
    finish: Finish,
    result: Option<String>,
    event: &Event,
    context: &Context<'_>,
) -> RecordEdit {
    let standing = Standing::Completed { agent: agent.clone(), at: context.now, finish, result };
    record(seen, standing, epoch_of(seen), None, event, context)
}

/// The highest epoch that file or record know.
pub(super) fn epoch_of(seen: &SeenTask) -> u64 {
    seen.next_epoch() - 1
}

/// An event of this task, with the fields that all of them have.
pub(super) fn event(context: &Context<'_>, agent: &AgentId, action: Action, task: &Task) -> Event {
    Event::new(context.now, agent.as_str(), action, context.mint.event_id(context.now))
        .with("workstream", task.workstream.as_str())
        .with("task_id", task.id.as_str())
}

/// The task with another status; its stamps of the predecessor go with the change.
pub(super) fn with_status(task: &Task, status: Status) -> Task {
    Task { status, imported: Default::default(), ..task.clone() }
}

/// A record that nobody can read holds the task for somebody unknown.
pub(super) fn check_readable(seen: &SeenTask) -> Result<(), Refusal> {
    match seen.record.as_ref().map(|record| &record.standing) {
        Some(Standing::Unreadable { why }) => Err(Refusal::new(
            Code::Held,
            format!(
                "task `{}` has a claim record that can't be read ({why}); it counts as held",
                seen.task.id
            ),
        )
        .hint(format!("git log refs/orchestrator/claims/{}", seen.task.id))),
        Some(Standing::Held { .. } | Standing::Free | Standing::Completed { .. }) | None => Ok(()),
    }
}

/// Who acts on a held task: whoever says so, else the holder himself. Somebody else is refused, and so is a
/// holder with an epoch that is not the latest.
pub(super) fn acting_holder(
    seen: &SeenTask,
    holder: &AgentId,
    epoch: Option<u64>,
    context: &Context<'_>,
) -> Result<AgentId, Refusal> {
    let agent = context.actor.agent.clone().unwrap_or_else(|| holder.clone());
    let id = seen.task.id;
    if agent != *holder {
        return Err(Refusal::new(
            Code::NotHolder,
            format!(
                "task `{id}` is claimed by `{holder}`{}, not by `{agent}`",
                since_words(seen, context.now)
            ),
        )
        .hint(format!("orchestrator task show {id}")));
    }
    match epoch {
        Some(epoch) if epoch != epoch_of(seen) => Err(Refusal::new(
            Code::NotHolder,
            format!(
                "the claim with epoch {epoch} on task `{id}` is over; its epoch is {} now",
                epoch_of(seen)
            ),
        )
        .hint(format!("orchestrator task show {id}"))),
        Some(_) | None => Ok(agent),
    }
}

/// ` (12 minutes ago, on branch `feat-a`)`, as far as it is known.
pub(super) fn since_words(seen: &SeenTask, now: Timestamp) -> String {
    let since = seen.task.status.claim().and_then(|claim| claim.claimed_at).map(|at| ago(now, at));
    let branch = match &seen.landing {
        Landing::Elsewhere { branch: Some(branch), .. } => Some(format!("on branch `{branch}`")),
        Landing::Elsewhere { branch: None, .. } => Some("elsewhere".to_owned()),
        Landing::Here => None,
    };
    let known: Vec<String> = since.into_iter().chain(branch).collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    let span = now.since(at);
    if span < Span::from_secs(1) { "just now".to_owned() } else { format!("{} ago", span.in_words()) }
}

/// How long an agent has been silent; `None` = it was never seen, and the claim's own age counts.
pub(super) fn silence(
    view: &dyn View,
    claim: &Claim,
    created_at: Timestamp,
    now: Timestamp,
) -> Result<Span, Fault> {
    let seen = view.last_seen(claim.agent.as_str())?;
    let last = seen.max(claim.claimed_at).unwrap_or(created_at);
    Ok(now.since(last))
}

/// Refuses unless the holder has been silent for longer than the settings ask.
pub(super) fn check_stale(
    view: &dyn View,
    seen: &SeenTask,
    claim: &Claim,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let silent = silence(view, claim, seen.task.created_at, context.now)?;
    let limit = context.settings.claims_stale_after;
    if silent > limit {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Held,
        format!(
            "task `{}` is claimed by `{}`, who was seen {} ago; a claim is stale after {}",
            seen.task.id,
            claim.agent,
            silent.in_words(),
            limit.in_words()
        ),
    )
    .hint(format!("orchestrator task next {} {}", seen.task.workstream, context.actor.id())))
}
