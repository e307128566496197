//! What one commit, or two, must be judged as.

use super::*;
use crate::model::{Action, Before, Content, Link, Record, Signed, Standing, Status, Task, Whence};
use crate::views::fake::{at, event, id, lock, task};

const TASK: &str = "299833bc";
const PATH: &str = ".orchestrator/tasks/29/299833bc.yaml";

pub(super) fn held(agent: &str) -> Task {
    Task { epoch: 1, ..task(TASK, "w", "Pay").held(agent, at(1)).task }
}

pub(super) fn done(agent: &str) -> Task {
    Task { epoch: 1, ..task(TASK, "w", "Pay").done(agent, at(1), at(2), "ok").task }
}

pub(super) fn pending() -> Task {
    task(TASK, "w", "Pay").seen().task
}

pub(super) fn claimed(agent: &str) -> Event {
    event("e1", at(1), agent, Action::TaskClaimed)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("epoch", 1)
}

pub(super) fn completed(agent: &str) -> Event {
    event("e2", at(2), agent, Action::TaskCompleted)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("result", "ok")
        .with("epoch", 1)
}

fn side(task: Option<Task>) -> Side {
    task.map_or(Side::Absent, |task| Side::Sound(Content::Task(Box::new(task))))
}

fn change(before: Option<Task>, after: Option<Task>) -> FileChange {
    FileChange {
        path: PATH.to_owned(),
        place: Place::Task(id(TASK)),
        is_changed: before != after,
        before: vec![side(before)],
        after: side(after),
        object_before: String::new(),
        object: String::new(),
        is_reverted: false,
    }
}

fn exhibit(wording: Wording, events: Vec<Event>, changes: Vec<FileChange>) -> Exhibit {
    let first = events.first();
    let signed = Signed {
        name: first.map_or_else(|| "Ada".to_owned(), |event| event.agent.clone()),
        at: first.map_or(at(0), |event| event.ts),
    };
    Exhibit {
        commit: "c".repeat(40),
        parents: vec!["b".repeat(40)],
        is_edge: false,
        author: signed.clone(),
        committer: signed,
        wording,
        is_import: false,
        is_of_several: false,
        reverts: Vec::new(),
        taken_back: Vec::new(),
        events,
        problems: Vec::new(),
        changes,
        blends: None,
    }
}

/// Severity and code of what is found in these commits.
fn found(exhibits: &[Exhibit]) -> Vec<(Severity, &'static str)> {
    let mut judge = Judge::new(at(1_000_000), Span::from_secs(600));
    exhibits.iter().for_each(|exhibit| judge.exhibit(exhibit));
    let verdict = judge.finish(&|_, _| true, false);
    verdict.findings.iter().map(|finding| (finding.severity, finding.code)).collect()
}

fn one(
    wording: Wording,
    events: Vec<Event>,
    before: Option<Task>,
    after: Option<Task>,
) -> Vec<(Severity, &'static str)> {
    found(&[exhibit(wording, events, vec![change(before, after)])])
}

#[test]
fn an_event_and_its_difference_are_nothing_to_tell() {
    assert_eq!(one(Wording::Ours, vec![claimed("a")], Some(pending()), Some(held("a"))), []);
    assert_eq!(one(Wording::Ours, vec![completed("a")], Some(held("a")), Some(done("a"))), []);
    let both = vec![claimed("a"), completed("a")];
    assert_eq!(one(Wording::Ours, both, Some(pending()), Some(done("a"))), []);
}

#[test]
fn a_squash_may_have_its_newest_event_first() {
    let both = vec![completed("a"), claimed("a")];
    assert_eq!(one(Wording::Own, both, Some(pending()), Some(done("a"))), []);
    // Clocks differ: the claim was later than the creation, and by its own clock before it.
    let created = event("e0", at(5), "system", Action::TaskCreated)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("title", "Pay");
    let after = Task { created_at: at(5), created_by: "system".to_owned(), ..held("a") };
    for both in [vec![claimed("a"), created.clone()], vec![created, claimed("a")]] {
        assert_eq!(one(Wording::Squashed, both, None, Some(after.clone())), []);
    }
}

/// What one commit of a squash did, a later one took back: by an undo, by an update, by a revert.
#[test]
fn a_squash_may_end_where_it_began() {
    let cancelled = event("e8", at(3), "a", Action::TaskCancelled)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("reason", "no");
    let reopened = event("e9", at(4), "a", Action::TaskReopened)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("undoes", "e8");
    let squash = |events| one(Wording::Squashed, events, Some(pending()), Some(pending()));
    assert_eq!(squash(vec![cancelled.clone(), reopened]), [(Severity::Note, "elsewhere")]);
    let titled = |id: &str, title: &str| {
        event(id, at(3), "a", Action::TaskUpdated)
            .with("workstream", "w")
            .with("task_id", TASK)
            .with("changed", serde_json::json!(["title"]))
            .with("title", title)
    };
    assert_eq!(squash(vec![titled("e6", "Other"), titled("e7", "Pay")]), []);
    assert_eq!(squash(vec![titled("e6", "Pay")]), [(Severity::Error, "unshown")]);
    assert_eq!(squash(vec![cancelled.clone()]), [(Severity::Error, "unshown")]);
    let told = |wording| {
        let change = change(Some(pending()), Some(pending()));
        let taken_back = vec![claimed("a").id.unwrap()];
        found(&[Exhibit { taken_back, ..exhibit(wording, vec![claimed("a")], vec![change]) }])
    };
    assert_eq!(told(Wording::Squashed), [(Severity::Note, "elsewhere")]);
    assert_eq!(told(Wording::Ours), [(Severity::Error, "unshown")]);
}

/// Without records only history tells that the holder had given it back, on another branch.
#[test]
fn whoever_goes_on_where_the_holder_had_ended_is_no_stranger() {
    let cancelled = event("e8", at(5), "b", Action::TaskCancelled)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("reason", "no");
    let after = Task { status: Status::Cancelled { reason: "no".to_owned() }, ..held("a") };
    let by_other = exhibit(Wording::Ours, vec![cancelled], vec![change(Some(held("a")), Some(after))]);
    let released = |epoch: u64, minute: u64| {
        let told = event("e9", at(minute), "a", Action::TaskReleased)
            .with("workstream", "w")
            .with("task_id", TASK)
            .with("epoch", epoch);
        let change = change(Some(held("a")), Some(Task { epoch: 1, ..pending() }));
        Exhibit { commit: "e".repeat(40), ..exhibit(Wording::Ours, vec![told], vec![change]) }
    };
    let stranger = (Severity::Error, "stranger");
    assert_eq!(found(std::slice::from_ref(&by_other)), [stranger]);
    assert_eq!(found(&[by_other.clone(), released(1, 4)]), [(Severity::Note, "elsewhere")]);
    assert!(found(&[by_other, released(1, 50_000)]).contains(&stranger));
}

/// A branch that is rebased past a move tells of the workstream in which its tasks were.
#[test]
fn a_copy_names_the_workstream_it_was_written_in() {
    let moved = |task: Task| Task { workstream: crate::model::WorkstreamName::parse("v").unwrap(), ..task };
    let wrote = exhibit(
        Wording::Ours,
        vec![claimed("a")],
        vec![change(Some(moved(pending())), Some(moved(held("a"))))],
    );
    assert_eq!(found(std::slice::from_ref(&wrote)), [(Severity::Error, "mismatch")]);
    let committer = Signed { name: "Ada".to_owned(), at: at(90) };
    assert_eq!(found(&[Exhibit { committer, ..wrote }]), []);
}

/// A task that was deleted comes back with the epoch that it had.
#[test]
fn what_was_deleted_comes_back_with_its_epoch() {
    let created = event("e9", at(3), "system", Action::TaskCreated)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("title", "Pay");
    let back = created.clone().with("undoes", "e8");
    let free = Task { epoch: 1, ..pending() };
    assert_eq!(one(Wording::Ours, vec![back.clone()], None, Some(free.clone())), []);
    let found = one(Wording::Ours, vec![back], None, Some(held("a")));
    assert!(found.contains(&(Severity::Error, "mismatch")), "{found:?}");
    let fresh = Task { created_at: at(3), created_by: "system".to_owned(), ..free };
    assert_eq!(one(Wording::Ours, vec![created], None, Some(fresh)), [(Severity::Error, "mismatch")]);
}

#[test]
fn what_is_said_and_not_done_is_an_error() {
    use Severity::Error;
    assert_eq!(
        one(Wording::Ours, vec![claimed("a")], Some(pending()), Some(pending())),
        [(Error, "unshown")]
    );
    assert_eq!(one(Wording::Own, vec![claimed("a")], Some(pending()), Some(pending())), [(Error, "unshown")]);
    assert_eq!(
        one(Wording::Ours, vec![completed("b")], Some(held("a")), Some(done("b"))),
        [(Error, "stranger"), (Error, "mismatch")]
    );
    let renamed = Task { title: "Other".to_owned(), ..held("a") };
    assert_eq!(
        one(Wording::Ours, vec![claimed("a")], Some(pending()), Some(renamed)),
        [(Error, "unexplained")]
    );
}

#[test]
fn an_epoch_never_goes_back() {
    let later = Task { epoch: 2, ..pending() };
    let found = one(Wording::Ours, vec![claimed("a")], Some(later), Some(held("a")));
    assert!(found.contains(&(Severity::Error, "epoch_back")), "{found:?}");
    let found =
        one(Wording::Ours, vec![completed("a")], Some(Task { epoch: 2, ..held("a") }), Some(done("a")));
    assert!(found.contains(&(Severity::Error, "epoch_back")), "{found:?}");
}

#[test]
fn the_epochs_of_a_lock_follow_one_another() {
    let taken = |agent: &str, epoch: u64, minute: u64| {
        let told = event("e1", at(minute), agent, Action::LockAcquired).with("resource", "git");
        let told = told.with("epoch", epoch).with("ttl_ms", 60_000);
        Record { epoch, event: Some(told), ..lock("git", agent, at(minute)) }
    };
    for (epoch, expected) in [(1, vec!["epoch_back"]), (2, vec![]), (3, vec!["record_gap"])] {
        let mut judge = Judge::new(at(1_000_000), Span::from_secs(600));
        judge.link(&Link {
            name: "refs/orchestrator/locks/git".to_owned(),
            commit: "c".repeat(40),
            record: taken("b", epoch, 5000),
            oddities: Vec::new(),
            author: Some("b".to_owned()),
            is_import: false,
            is_latest: true,
            before: Before::Record(Box::new(taken("a", 1, 1))),
            whence: Whence::Unnamed,
        });
        let verdict = judge.finish(&|_, _| true, false);
        let codes: Vec<&str> = verdict.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, expected, "{epoch}");
    }
}

#[test]
fn a_record_tells_who_had_it_where_the_file_does_not() {
    // Claimed by b, given back on another branch, done by a without a claim: this file knows nothing of it.
    let mut judge = Judge::new(at(1_000_000), Span::from_secs(600));
    let prior = Prior { standing: Standing::Free, epoch: 1 };
    judge.hear(Testimony::Prior(EventId::parse("e2").unwrap(), prior));
    let free = Task { epoch: 1, ..pending() };
    judge.exhibit(&exhibit(Wording::Ours, vec![completed("a")], vec![change(Some(free), Some(done("a")))]));
    let verdict = judge.finish(&|_, _| true, false);
    assert_eq!((verdict.errors, verdict.warnings), (0, 0), "{verdict:#?}");
}

#[test]
fn what_an_archived_claim_may_have_told_is_no_error() {
    // Claimed by a; given back on another branch, perhaps; done by b.
    let verdict = |archived: &[u64]| {
        let mut judge = Judge::new(at(1_000_000), Span::from_secs(600));
        archived.iter().for_each(|minute| judge.hear(Testimony::Archived(id(TASK), at(*minute))));
        judge.exhibit(&exhibit(
            Wording::Ours,
            vec![completed("b")],
            vec![change(Some(held("a")), Some(Task { epoch: 1, ..done("b") }))],
        ));
        let found = judge.finish(&|_, _| true, false);
        found.findings.iter().map(|finding| (finding.severity, finding.code)).collect::<Vec<_>>()
    };
    let lie = [(Severity::Error, "stranger"), (Severity::Error, "mismatch")];
    assert_eq!(verdict(&[]), lie);
    // Archived before: that claim was another one.
    assert_eq!(verdict(&[1]), lie);
    let told = verdict(&[1, 9]);
    assert!(told.contains(&(Severity::Note, "elsewhere")), "{told:?}");
    assert!(told.iter().all(|(severity, _)| *severity == Severity::Note), "{told:?}");
}

#[test]
fn a_change_without_an_event_is_judged_by_what_it_is() {
    use Severity::{Note, Warning};
    assert_eq!(one(Wording::Own, vec![], Some(held("a")), Some(done("a"))), [(Note, "derived")]);
    let edited = Task { status: done("b").status, ..held("a") };
    assert_eq!(one(Wording::Own, vec![], Some(held("a")), Some(edited)), [(Warning, "hand_edit")]);
    assert_eq!(one(Wording::Own, vec![], Some(held("a")), None), [(Warning, "deleted")]);
    let mut back = change(Some(done("a")), Some(held("a")));
    back.is_reverted = true;
    assert_eq!(found(&[exhibit(Wording::Revert, vec![], vec![back])]), [(Note, "reverted")]);
    let other = event("e9", at(3), "a", Action::Custom("deployed".to_owned()));
    assert_eq!(
        one(Wording::Ours, vec![other], Some(done("a")), Some(held("a"))),
        [(Severity::Error, "unexplained")]
    );
}

#[test]
fn a_branch_lands_where_others_have_gone_further() {
    use Severity::{Error, Note};
    let renamed = |task: Task| Task { title: "Other".to_owned(), ..task };
    let rename = event("e9", at(3), "a", Action::TaskUpdated)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("changed", serde_json::json!(["title"]))
        .with("title", "Other");
    let squash = |events, before, after| one(Wording::Squashed, events, Some(before), Some(after));
    assert_eq!(squash(vec![claimed("a")], done("a"), done("a")), [(Note, "elsewhere")]);
    let both = vec![rename, claimed("a")];
    assert_eq!(squash(both.clone(), done("a"), renamed(done("a"))), [(Note, "elsewhere")]);
    assert_eq!(squash(vec![claimed("a")], pending(), pending()), [(Error, "unshown")]);
    assert_eq!(squash(vec![completed("a")], held("a"), held("a")), [(Error, "unshown")]);
    // Of a file that lags behind: it says so already.
    let over = Task { status: Status::Cancelled { reason: "no".to_owned() }, ..pending() };
    let cancelled = event("e8", at(3), "b", Action::TaskCancelled)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("reason", "no");
    assert_eq!(one(Wording::Ours, vec![cancelled], Some(over.clone()), Some(over)), [(Note, "elsewhere")]);
    // Where a mutation wrote it, a claim of what is held is no honest one.
    let wrote = one(Wording::Ours, vec![claimed("a")], Some(done("a")), Some(done("a")));
    assert!(wrote.contains(&(Error, "unshown")), "{wrote:?}");
}

#[test]
fn a_merge_mixes_what_its_parents_have() {
    let merge = |after: Task| {
        let mut change = change(Some(held("a")), Some(after));
        change.before.push(side(Some(Task { title: "Other".to_owned(), ..pending() })));
        let mut exhibit = exhibit(Wording::Own, vec![], vec![change]);
        exhibit.parents.push("d".repeat(40));
        found(&[exhibit])
    };
    assert_eq!(merge(Task { title: "Other".to_owned(), ..held("a") }), []);
    assert_eq!(merge(Task { title: "Nobody's".to_owned(), ..held("a") }), [(Severity::Warning, "hand_edit")]);
}

#[test]
fn time_goes_back_in_a_rebase_and_in_nothing_else() {
    let late = event("late", at(60), "a", Action::Custom("deployed".to_owned()));
    let early = event("early", at(1), "a", Action::Custom("deployed".to_owned()));
    let first = Exhibit { commit: "b".repeat(40), ..exhibit(Wording::Ours, vec![late], vec![]) };
    let second = exhibit(Wording::Ours, vec![early], vec![]);
    assert_eq!(found(&[first.clone(), second.clone()]), [(Severity::Error, "time_back")]);
    let committer = Signed { name: "Ada".to_owned(), at: at(90) };
    assert_eq!(found(&[first, Exhibit { committer, ..second }]), []);
}

#[test]
fn a_copy_is_one_event_and_another_content_under_its_id_is_a_lie() {
    let carry =
        |event: Event| exhibit(Wording::Ours, vec![event], vec![change(Some(pending()), Some(held("a")))]);
    assert_eq!(found(&[carry(claimed("a")), carry(claimed("a"))]), []);
    let other = claimed("a").with("more", true);
    assert_eq!(found(&[carry(claimed("a")), carry(other)]), [(Severity::Error, "duplicate_id")]);
}

#[test]
fn what_is_undone_is_as_it_was_and_whoever_says_so_is_no_stranger() {
    let reopened = event("e9", at(3), "b", Action::TaskReopened)
        .with("workstream", "w")
        .with("task_id", TASK)
        .with("assigned_to", "a")
        .with("epoch", 1)
        .with("undoes", "e2");
    assert_eq!(one(Wording::Ours, vec![reopened], Some(done("a")), Some(held("a"))), []);
    // What was blocked in somebody's hands, and cancelled, is so again.
    let in_hands = |task: Task| {
        let claim = task.status.claim().cloned();
        Task { status: Status::Blocked { reason: "r".to_owned(), claim }, ..task }
    };
    let cancelled = Task { status: Status::Cancelled { reason: "no".to_owned() }, epoch: 1, ..pending() };
    let blocked = |by: &str| {
        event("e9", at(3), "a", Action::TaskBlocked)
            .with("workstream", "w")
            .with("task_id", TASK)
            .with("reason", "r")
            .with("assigned_to", by)
            .with("epoch", 1)
            .with("undoes", "e2")
    };
    let restored =
        |by: &str| one(Wording::Ours, vec![blocked(by)], Some(cancelled.clone()), Some(in_hands(held("a"))));
    assert_eq!(restored("a"), []);
    assert_eq!(restored("b"), [(Severity::Error, "mismatch")]);
    let free = Task { epoch: 1, ..pending() };
    let again = completed("b").with("undoes", "e9");
    assert_eq!(
        one(Wording::Ours, vec![again.clone()], Some(free), Some(done("a"))),
        [(Severity::Note, "unclaimed")]
    );
    // It is no way round a claim.
    let found = one(Wording::Ours, vec![again], Some(held("a")), Some(done("b")));
    assert!(found.contains(&(Severity::Error, "stranger")), "{found:?}");
    let gone = event("e9", at(3), "a", Action::TaskDeleted).with("workstream", "w").with("task_id", TASK);
    assert_eq!(one(Wording::Ours, vec![gone.with("undoes", "e0")], Some(pending()), None), []);
}
