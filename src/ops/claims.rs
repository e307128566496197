//! What the verbs on claims share: the record that goes with a change, who may act, how holders are shown.

use crate::model::{
    Action, AgentId, Claim, Code, Context, Event, Fault, Finish, Landing, Reading, Record, RecordEdit,
    RecordKey, Refusal, SeenTask, Span, Standing, Status, Task, Timestamp, View,
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

/// The highest epoch that file or record know: the one of the latest claim.
pub(super) fn epoch_of(seen: &SeenTask) -> u64 {
    seen.task.epoch.max(seen.record.as_ref().map_or(0, |record| record.epoch))
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
        .hint("orchestrator doctor")),
        Some(Standing::Held { .. } | Standing::Free | Standing::Completed { .. }) | None => Ok(()),
    }
}

/// Who acts where the holder is presumed: whoever says so, else the holder. A stranger is refused.
pub(super) fn acting_holder(
    seen: &SeenTask,
    holder: &AgentId,
    context: &Context<'_>,
) -> Result<AgentId, Refusal> {
    check_no_stranger(seen, context)?;
    Ok(context.actor.agent.clone().unwrap_or_else(|| holder.clone()))
}

/// Refuses an agent that acts on a task which another one holds. Where nobody says who acts (a person at a
/// terminal), nobody is a stranger.
pub(super) fn check_no_stranger(seen: &SeenTask, context: &Context<'_>) -> Result<(), Refusal> {
    let id = seen.task.id;
    match (seen.task.status.holder(), &context.actor.agent) {
        (Some(holder), Some(agent)) if agent != holder => Err(Refusal::new(
            Code::NotHolder,
            format!(
                "task `{id}` is claimed by `{holder}`{}, not by `{agent}`",
                since_words(seen, context.now)
            ),
        )
        .hint(format!("orchestrator task show {id}"))),
        (Some(_), Some(_) | None) | (None, _) => Ok(()),
    }
}

/// Refuses an epoch that is not the one of the latest claim: whoever worked under it has lost the task.
pub(super) fn check_epoch(seen: &SeenTask, epoch: Option<u64>) -> Result<(), Refusal> {
    let (id, latest) = (seen.task.id, epoch_of(seen));
    match epoch {
        Some(epoch) if epoch != latest => Err(Refusal::new(
            Code::NotHolder,
            format!("the claim with epoch {epoch} on task `{id}` is over; its epoch is {latest} now"),
        )
        .hint(format!("orchestrator task show {id}"))),
        Some(_) | None => Ok(()),
    }
}

/// Who finished a task that is over, as far as it is known: its record says so even where nobody held it.
pub(super) fn finisher(seen: &SeenTask) -> Option<&AgentId> {
    match seen.record.as_ref().map(|record| &record.standing) {
        Some(Standing::Completed { agent, .. }) => Some(agent),
        Some(Standing::Held { .. } | Standing::Free | Standing::Unreadable { .. }) | None => {
            seen.task.status.claim().map(|claim| &claim.agent)
        }
    }
}

/// ` (12 minutes ago, on branch `feat-a`)`, as far as it is known: since when the task is in its state.
pub(super) fn since_words(seen: &SeenTask, now: Timestamp) -> String {
    let at = match &seen.task.status {
        Status::Done { completed_at, .. } => *completed_at,
        Status::InProgress(_) | Status::Blocked { .. } => {
            seen.task.status.claim().and_then(|claim| claim.claimed_at)
        }
        Status::Pending | Status::Cancelled { .. } => None,
    };
    let since = at.map(|at| ago(now, at));
    let branch = match &seen.landing {
        Landing::Elsewhere { branch: Some(branch), .. } => Some(format!("on branch `{branch}`")),
        Landing::Elsewhere { branch: None, .. } => Some("not on this board".to_owned()),
        Landing::Here => None,
    };
    let known: Vec<String> = since.into_iter().chain(branch).collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    let span = now.since(at);
    if span < Span::from_secs(1) { "just now".to_owned() } else { format!("{} ago", span.in_words()) }
}

/// How long an agent has been silent. Of one that was never seen the claim's own age counts; of one whose last sight
/// can't be read it is at most this long.
pub(super) fn silence(
    view: &dyn View,
    claim: &Claim,
    created_at: Timestamp,
    now: Timestamp,
) -> Result<Reading<Span>, Fault> {
    let seen = view.last_seen(claim.agent.as_str())?;
    Ok(seen.map(|seen| now.since(seen.max(claim.claimed_at).unwrap_or(created_at))))
}

/// Refuses, with `hint`, unless the holder has been silent for longer than the settings ask.
pub(super) fn check_stale(
    view: &dyn View,
    seen: &SeenTask,
    claim: &Claim,
    hint: String,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let silent = silence(view, claim, seen.task.created_at, context.now)?.require()?;
    let limit = context.settings.claims_stale_after;
    if silent > limit {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Held,
        format!(
            "task `{}` is claimed by `{}`, who was seen {}; a claim is stale after {} of silence",
            seen.task.id,
            claim.agent,
            ago(context.now, context.now.minus(silent)),
            limit.in_words()
        ),
    )
    .hint(hint))
}
