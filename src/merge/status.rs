//! Where a task stands, when both sides moved it.
//!
//! Status, holder, epoch, stamps, reason and result are told together: they are one state. Where both sides moved it,
//! one state wins only if both moved in a way that has a word (see [`Status::turn_to`]), no epoch went back, and
//! - it contains what the other side did: the same holder's claim in the same epoch, and then finished or blocked; or
//! - its epoch is higher and the other state is nothing but a claim, or its end: a later claim was made, so the earlier
//!   holder has lost it (that is what the epoch is for).
//!
//! Everything else is a conflict: two claimers in one epoch (of two clones), two different completions, a
//! completion against anything that does not contain it. A result that somebody worked for is never dropped
//! because of a number.

use crate::model::{Claim, Compare as _, Status, Task, Turn};

use super::fields::Fields;

/// The fields of a state, in the order of the file.
const TOGETHER: [&str; 5] = ["status", "assigned_to", "epoch", "claimed_at", "completed_at"];
/// Those that stand further below.
const BELOW: [&str; 2] = ["reason", "result"];

/// What a task that nobody has touched is like: it need not be on the base to be the base.
const UNTOUCHED: (&Status, u64) = (&Status::Pending, 0);

/// Status, epoch and result.
pub(super) fn merge(
    fields: &mut Fields,
    base: Option<&Task>,
    ours: &Task,
    theirs: &Task,
) -> (Status, u64, Option<String>) {
    let old = base.map_or(UNTOUCHED, |task| (&task.status, task.epoch));
    let (one, two) = ((&ours.status, ours.epoch), (&theirs.status, theirs.epoch));
    if one == two || one == old || two == old {
        let (status, epoch) = if one == old { two } else { one };
        let old = base.and_then(|task| task.result.as_ref());
        let result = fields.optional_text("result", old, &ours.result, &theirs.result);
        return (status.clone(), epoch, result);
    }
    let state = |task: &Task| (task.status.clone(), task.epoch, task.result.clone());
    if is_legal(old, one) && is_legal(old, two) {
        if supersedes(ours, theirs) {
            return state(ours);
        }
        if supersedes(theirs, ours) {
            return state(theirs);
        }
    }
    for field in differing(ours, theirs) {
        fields.conflict(field);
    }
    state(ours)
}

/// Whether a task may have come from one state to the other.
fn is_legal((old, epoch): (&Status, u64), (new, new_epoch): (&Status, u64)) -> bool {
    let has_word = match old.turn_to(new) {
        Turn::None | Turn::By(_) => true,
        Turn::Nameless => false,
    };
    let is_new_claim = new.holder().is_some() && new.holder() != old.holder();
    has_word && if is_new_claim { new_epoch > epoch } else { new_epoch >= epoch }
}

/// Whether the first state says all that counts of the second.
fn supersedes(winner: &Task, loser: &Task) -> bool {
    if winner.epoch > loser.epoch {
        return match &loser.status {
            Status::Pending | Status::InProgress(_) => true,
            // A reason, a result: nobody else's number makes them untrue.
            Status::Blocked { .. } | Status::Done { .. } | Status::Cancelled { .. } => false,
        };
    }
    if winner.epoch < loser.epoch {
        return false;
    }
    match (&winner.status, &loser.status) {
        (Status::InProgress(one), Status::InProgress(two)) => one.agent == two.agent && is_first(one, two),
        (
            Status::Done { claim: Some(one), .. } | Status::Blocked { claim: Some(one), .. },
            Status::InProgress(two),
        ) => one.agent == two.agent,
        // The same completion, told twice.
        (
            Status::Done { claim: one, completed_at: first },
            Status::Done { claim: two, completed_at: second },
        ) => {
            let agent = |claim: &Option<Claim>| claim.as_ref().map(|claim| claim.agent.clone());
            let stamps = (first.as_ref(), second.as_ref());
            agent(one) == agent(two)
                && winner.result == loser.result
                && match stamps {
                    (Some(first), Some(second)) if first == second => match (one, two) {
                        (Some(one), Some(two)) => is_first(one, two),
                        _ => false,
                    },
                    (Some(first), Some(second)) => first < second,
                    (Some(_), None) => true,
                    (None, _) => false,
                }
        }
        _ => false,
    }
}

/// Whether a claim is the one that was made first, of two by the same agent.
fn is_first(one: &Claim, two: &Claim) -> bool {
    match (one.claimed_at, two.claimed_at) {
        (Some(one), Some(two)) => one < two,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// The fields of the state that differ, and those between them: who resolves it sees one hunk.
fn differing(ours: &Task, theirs: &Task) -> Vec<&'static str> {
    let changes = ours.changes(theirs);
    let differs = |field: &&str| changes.iter().any(|change| change.field == *field);
    let first = TOGETHER.iter().position(&differs);
    let last = TOGETHER.iter().rposition(&differs);
    let together = match (first, last) {
        (Some(first), Some(last)) => &TOGETHER[first..=last],
        _ => &[],
    };
    together.iter().chain(BELOW.iter().filter(|field| differs(field))).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, claim, done, task};
    use super::*;

    fn blocked(agent: Option<&str>) -> Status {
        Status::Blocked { reason: "no key".into(), claim: agent.map(claim) }
    }

    /// What comes of two states from a base: the word and holder of the winner, or the conflict.
    fn outcome(base: (Status, u64), ours: (Status, u64), theirs: (Status, u64)) -> String {
        let of = |(status, epoch): (Status, u64)| {
            let result = matches!(status, Status::Done { .. }).then(|| "r".to_owned());
            Task { status, epoch, result, ..task() }
        };
        let (base, ours, theirs) = (of(base), of(ours), of(theirs));
        let told = |fields: &mut Fields, ours: &Task, theirs: &Task| {
            let (status, epoch, _) = merge(fields, Some(&base), ours, theirs);
            let holder = status.claim().map_or(String::new(), |claim| format!(" {}", claim.agent));
            format!("{}{holder} {epoch}", status.word())
        };
        let (mut one, mut two) = (Fields::default(), Fields::default());
        let (there, back) = (told(&mut one, &ours, &theirs), told(&mut two, &theirs, &ours));
        assert_eq!(one.conflicts, two.conflicts, "a conflict has no sides");
        if one.conflicts.is_empty() {
            assert_eq!(there, back, "a winner has no sides");
            return there;
        }
        format!("conflict: {}", one.conflicts.join(" "))
    }

    #[test]
    fn the_further_state_wins_and_what_excludes_each_other_is_a_conflict() {
        use Status::{InProgress, Pending};
        let held = |agent: &str| InProgress(claim(agent));
        let done_by = |agent: &str, second: u32| done(Some(agent), second);
        let cancelled = || Status::Cancelled { reason: "no".into() };
        for (name, base, ours, theirs, expected) in [
            ("one moved", (Pending, 0), (held("a"), 1), (Pending, 0), "in_progress a 1"),
            ("claimed, and finished", (Pending, 0), (held("a"), 1), (done_by("a", 9), 1), "done a 1"),
            ("claimed, and blocked", (Pending, 0), (held("a"), 1), (blocked(Some("a")), 1), "blocked a 1"),
            ("taken over", (Pending, 0), (held("a"), 1), (held("b"), 2), "in_progress b 2"),
            ("taken over later", (held("a"), 1), (Pending, 1), (held("b"), 2), "in_progress b 2"),
            ("released after a later claim", (Pending, 0), (held("a"), 1), (Pending, 2), "pending 2"),
            ("unblocked, and taken", (blocked(None), 0), (Pending, 0), (held("a"), 1), "in_progress a 1"),
            ("finished in a later claim", (held("a"), 1), (Pending, 1), (done_by("b", 9), 2), "done b 2"),
            ("two claimers", (Pending, 0), (held("a"), 1), (held("b"), 1), "conflict: assigned_to"),
            (
                "two completions",
                (held("a"), 1),
                (done_by("a", 8), 1),
                (Status::Done { claim: Some(claim("b")), completed_at: Some(at(9)) }, 2),
                "conflict: assigned_to epoch claimed_at completed_at",
            ),
            (
                "a result against a later claim",
                (held("a"), 1),
                (done_by("a", 8), 1),
                (held("b"), 2),
                "conflict: status assigned_to epoch claimed_at completed_at result",
            ),
            (
                "done against cancelled",
                (Pending, 0),
                (done(None, 8), 0),
                (cancelled(), 0),
                "conflict: status assigned_to epoch claimed_at completed_at reason result",
            ),
            (
                "released against held, in one epoch",
                (Pending, 0),
                (held("a"), 1),
                (Pending, 1),
                "conflict: status assigned_to epoch claimed_at",
            ),
            (
                "an epoch that went back",
                (held("a"), 3),
                (held("b"), 4),
                (Pending, 2),
                "conflict: status assigned_to epoch claimed_at",
            ),
            (
                "held again without a claim of its own",
                (done_by("a", 3), 1),
                (held("a"), 1),
                (Pending, 1),
                "conflict: status assigned_to epoch claimed_at",
            ),
        ] {
            let found = outcome(base, ours, theirs);
            let is_same = |wanted: &str, found: &str| {
                // Which stamps differ too is no matter here.
                let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
                match (wanted.starts_with("conflict"), found.starts_with("conflict")) {
                    (true, true) => words(found).iter().all(|word| words(wanted).contains(word)),
                    (false, false) => wanted == found,
                    _ => false,
                }
            };
            assert!(is_same(expected, &found), "{name}: {found}");
        }
    }

    #[test]
    fn the_same_completion_told_twice_is_one() {
        let of = |second: u32| Task {
            status: done(Some("a"), second),
            epoch: 1,
            result: Some("r".into()),
            ..task()
        };
        let base = Task { status: Status::InProgress(claim("a")), epoch: 1, ..task() };
        let mut fields = Fields::default();
        let (status, ..) = merge(&mut fields, Some(&base), &of(9), &of(8));
        assert_eq!((status, fields.conflicts.len()), (done(Some("a"), 8), 0));
        let other = Task { result: Some("another".into()), ..of(8) };
        merge(&mut fields, Some(&base), &of(9), &other);
        assert_eq!(fields.conflicts, ["completed_at", "result"]);
    }
}
