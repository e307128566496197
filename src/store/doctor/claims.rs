//! Claims, locks and their archive, where they can't be read, and what stands in their place: each with the way out.

use crate::codec::ref_name;
use crate::git::{Repo, Target};
use crate::model::{Finding, Record, RecordKey, Standing, positional, quoted};
use crate::store::records::{self, When};
use crate::store::{StoreError, archive};

use super::finding;

/// Where a fetch may put the claims and locks of another clone.
const REMOTES: &str = "refs/orchestrator/remotes/";

/// The archive, and the refs of claims and locks, where they can't be read.
pub(super) fn findings(repo: &Repo) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    if let Some(error) = archive::gap(repo)? {
        found.push(finding(
            "archive",
            ref_name::ARCHIVE,
            format!("the archive of finished claims can't be read: {error}; what has no claim of its own can't be claimed"),
            "to begin it anew with what can still be read: orchestrator doctor --new-archive    (a task that was finished on \
             a branch, and is not done on this board, may be given out again then)",
        ));
    }
    for record in records::locks(repo, When::Now)? {
        let (RecordKey::Lock(resource), Standing::Unreadable { why }) = (&record.key, &record.standing)
        else {
            continue;
        };
        if resource.as_str().strip_prefix(ref_name::LOCKS).is_some_and(|name| name.contains('/')) {
            // The ref of no lock: told below.
            continue;
        }
        let place = match ref_name::of(&record.key) {
            // The ref's name did not tell the resource, and stands for it.
            _ if resource.as_str().starts_with(ref_name::LOCKS) => resource.to_string(),
            name => name,
        };
        // Of a long name the ref holds but the beginning.
        let name = match place == resource.as_str() {
            true => "'<the whole name of the lock>'".to_owned(),
            false => positional(resource.as_str()),
        };
        found.push(finding(
            "lock_record",
            place,
            format!("the record of this lock can't be read: {why}; it counts as held{}", last_word(repo, &record)),
            format!(
                "if nobody works under it: orchestrator lock release --force --epoch {} --reason unreadable {name} system",
                record.epoch
            ),
        ));
    }
    for (id, record) in records::claims(repo, When::Now)? {
        if let Standing::Unreadable { why } = &record.standing {
            let what = format!(
                "the record of the claim on task {id} can't be read: {why}; it counts as held{}",
                last_word(repo, &record)
            );
            let fix = format!(
                "if nobody works on it, on a board that has the task: orchestrator task release {id} --force --epoch {} \
                 --reason unreadable",
                record.epoch
            );
            found.push(finding("claim_record", ref_name::of(&record.key), what, fix));
        }
    }
    found.extend(foreign_refs(repo)?);
    Ok(found)
}

/// What the last record says that can be read.
fn last_word(repo: &Repo, record: &Record) -> String {
    let Some(last) = records::before_unreadable(repo, record) else { return String::new() };
    let said = match &last.standing {
        Standing::Held { agent, .. } => format!("{agent} had it"),
        Standing::Free => "nobody had it".to_owned(),
        Standing::Completed { agent, .. } => format!("{agent} had finished it"),
        Standing::Unreadable { .. } => return String::new(),
    };
    format!("; by the last record that can be read, {said} (epoch {})", last.epoch)
}

/// Refs among ours that can be none of ours: some keep ours from being made.
fn foreign_refs(repo: &Repo) -> Result<Vec<Finding>, StoreError> {
    let is_foreign = |name: &str| {
        let is_inside = |home: &str| name.strip_prefix(home).is_some_and(|rest| !rest.contains('/'));
        name != ref_name::ARCHIVE
            && !name.starts_with(REMOTES)
            && ref_name::claimed_task(name).is_none()
            && !is_inside(ref_name::LOCKS)
    };
    let ours = ref_name::HOME.trim_end_matches('/');
    let mut refs = repo.list_all_refs(ref_name::HOME)?;
    match repo.read_own_ref(ours) {
        Ok(None) => {}
        Ok(Some(id)) => refs.push((ours.to_owned(), Target::Object(id))),
        Err(error) => refs.push((ours.to_owned(), Target::Bad(error.to_string()))),
    }
    let foreign = refs.into_iter().filter(|(name, _)| is_foreign(name));
    let told = foreign.map(|(name, target)| {
        let what =
            "no command of orchestrator makes a ref of this name, and it keeps some of ours from being made"
                .to_owned();
        let shown = quoted(&name);
        let fix = match target {
            Target::Object(_) => {
                format!(
                    "git update-ref {} {shown} && git update-ref -d {shown}",
                    quoted(&format!("refs/kept/{name}"))
                )
            }
            // Nothing that git could keep under another name.
            Target::Symbolic | Target::Bad(_) => {
                let at = |name: &str| quoted(&repo.common_dir().join(name).display().to_string());
                format!("mv {} {}", at(&name), at(&format!("aside-{}", name.replace('/', "-"))))
            }
        };
        finding("ref", name, what, fix)
    });
    Ok(told.collect())
}
