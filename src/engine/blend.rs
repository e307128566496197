//! What a merge made of the board, held against what a merge of its parents gives.
//!
//! Three merges are honest: ours (field by field), git's own (line by line, where our driver is not set up), and a
//! person's, where one of these two conflicts. What no side changed stays; what one side changed is taken; what both
//! changed is merged, and a file that equals none of that holds something that nobody's commit put there. It costs what
//! both sides changed since they parted, and nothing where the board of all parents is the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::{self, path};
use crate::git::{Entry, EntryKind, GitError, Oid, Repo, TreeChange};
use crate::merge::{Markers, lines};
use crate::model::{Blend, Compare, Exhibit, Place};

use super::merge::{Versions, merge_file};

/// The fields of a task that are told together.
const OF_STATE: [&str; 7] =
    ["status", "assigned_to", "epoch", "claimed_at", "completed_at", "reason", "result"];

/// What a file says, field by field.
type Fields = Vec<(&'static str, Option<String>)>;
/// The files of a tree that differ from those of another one, by path.
type Changes = BTreeMap<String, TreeChange>;

/// The files of a merge that are as no merge of its parents gives them; none where that can't be told: of more than
/// two parents, of parents that this clone does not know to have parted anywhere.
pub(super) fn blends(repo: &Repo, exhibit: &Exhibit) -> Result<Option<Vec<Blend>>, GitError> {
    let parents: Vec<Oid> =
        exhibit.parents.iter().filter_map(|hex| Oid::from_hex(hex.as_bytes()).ok()).collect();
    let ([one, two], false) = (parents.as_slice(), exhibit.is_edge) else { return Ok(None) };
    let Ok(merged) = Oid::from_hex(exhibit.commit.as_bytes()) else { return Ok(None) };
    let trees = [repo.tree_of(*one)?, repo.tree_of(*two)?, repo.tree_of(merged)?];
    let boards = trees.map(|tree| repo.entry_at(tree, path::BOARD));
    let [ours, theirs, result] = boards;
    let (ours, theirs, result) = (ours?, theirs?, result?);
    if ours == theirs {
        if ours == result {
            return Ok(Some(Vec::new()));
        }
        return Merge::of(repo, trees[0], trees)?.blends().map(Some);
    }
    let bases = match repo.merge_bases(*one, *two) {
        Ok(bases) => bases,
        Err(_) if repo.is_shallow() => return Ok(None),
        Err(other) => return Err(other),
    };
    if bases.is_empty() {
        if repo.is_shallow() {
            return Ok(None);
        }
        return Merge::of(repo, repo.empty_tree(), trees)?.blends().map(Some);
    }
    let mut found: Option<Vec<Blend>> = None;
    for base in &bases {
        let base = match repo.tree_of(*base) {
            Ok(base) => base,
            Err(GitError::Beyond { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let blends = Merge::of(repo, base, trees)?.blends()?;
        // Of several bases git makes one of its own: what is as one of them gives it may be so.
        found = Some(match found {
            None => blends,
            Some(known) => {
                let is_doubtful = |blend: &Blend| blends.iter().any(|other| other.path == blend.path);
                known.into_iter().filter(is_doubtful).map(|one| Blend { is_disputed: true, ..one }).collect()
            }
        });
    }
    Ok(found)
}

/// A merge, and how its four trees differ.
struct Merge<'r> {
    repo: &'r Repo,
    base: Oid,
    result: Oid,
    /// What each side changed since the base.
    sides: [Changes; 2],
    /// In what the result differs from each side.
    from: [Changes; 2],
}

fn by_path(changes: Vec<TreeChange>) -> Changes {
    changes.into_iter().map(|change| (change.path.clone(), change)).collect()
}

impl<'r> Merge<'r> {
    fn of(repo: &'r Repo, base: Oid, [ours, theirs, result]: [Oid; 3]) -> Result<Self, GitError> {
        let diff = |before: Oid, after: Oid| repo.diff_trees(Some(before), after, path::BOARD).map(by_path);
        Ok(Self {
            repo,
            base,
            result,
            sides: [diff(base, ours)?, diff(base, theirs)?],
            from: [diff(ours, result)?, diff(theirs, result)?],
        })
    }

    fn blends(&self) -> Result<Vec<Blend>, GitError> {
        let changed = self.sides.iter().flat_map(|side| side.keys());
        let neither = self.from[0].keys().filter(|path| self.from[1].contains_key(*path));
        let paths: BTreeSet<&String> = changed.chain(neither).collect();
        // What one side removed and the other changed git may take for renamed, and bring the change elsewhere.
        let is_removed = |one: &Changes, two: &Changes| {
            one.iter().any(|(path, change)| change.after.is_none() && two.contains_key(path))
        };
        let [one, two] = &self.sides;
        let is_renamed = is_removed(one, two) || is_removed(two, one);
        let mut found = Vec::new();
        for path in paths {
            if let Some(blend) = self.file(path)? {
                found.push(Blend { is_disputed: blend.is_disputed || is_renamed, ..blend });
            }
        }
        Ok(found)
    }

    /// What is wrong with one file, if anything is.
    fn file(&self, path: &str) -> Result<Option<Blend>, GitError> {
        let [one, two] = [self.sides[0].get(path), self.sides[1].get(path)];
        let after = |change: &TreeChange| change.after.clone();
        let is_from = |side: usize| !self.from[side].contains_key(path);
        let base = match one.or(two) {
            Some(change) => change.before.clone(),
            None => self.repo.entry_at(self.base, path)?,
        };
        let (ours, theirs) =
            (one.map_or_else(|| base.clone(), after), two.map_or_else(|| base.clone(), after));
        // The side that says what a merge takes, where it need not look into the file.
        let expected = match (one, two) {
            (Some(_), None) => Some(0),
            (None, Some(_)) => Some(1),
            (None, None) => Some(0),
            (Some(_), Some(_)) => (ours == theirs).then_some(0),
        };
        if expected.is_some_and(is_from) {
            return Ok(None);
        }
        let result = self.repo.entry_at(self.result, path)?;
        let is_plain = |entry: &Option<Entry>| {
            entry.as_ref().is_none_or(|e| matches!(e.kind, EntryKind::File | EntryKind::Executable))
        };
        // Of links and the like it is told elsewhere.
        if ![&base, &ours, &theirs, &result].into_iter().all(is_plain) {
            return Ok(None);
        }
        let read = |entry: &Option<Entry>| entry.as_ref().map(|e| self.repo.blob(e.id)).transpose();
        let [base, ours, theirs, result] = [read(&base)?, read(&ours)?, read(&theirs)?, read(&result)?];
        let [base, ours, theirs, result] =
            [&base, &ours, &theirs, &result].map(|bytes| bytes.as_ref().map(|bytes| &bytes[..]));
        let place = path::place(path);
        let told = |fields: Vec<&'static str>| Blend {
            path: path.to_owned(),
            is_state: matches!(place, Place::Task(_)) && fields.iter().any(|field| OF_STATE.contains(field)),
            place: place.clone(),
            fields,
            is_of_one_side: is_from(0) || is_from(1),
            is_gone: result.is_none(),
            is_disputed: false,
        };
        if let Some(side) = expected {
            let expected = if side == 0 { ours } else { theirs };
            return Ok(Some(told(differing(&place, expected, result))));
        }
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            // Removed on one side, changed on the other: a person says which.
            let kept = ours.or(theirs);
            let is_choice = result.is_none() || is_from(0) || is_from(1);
            return Ok((!is_choice).then(|| told(differing(&place, kept, result))));
        };
        let versions = Versions { base: base.unwrap_or_default(), ours, theirs };
        Ok(disputed(path, &place, &versions, result).map(told))
    }
}

/// Whether a merge of two versions of a file gives a third one, be it by hand where they conflict.
pub(super) fn is_merge(
    repo: &Repo,
    path: &str,
    base: Option<Oid>,
    [ours, theirs]: [Option<Oid>; 2],
    result: Option<Oid>,
) -> Result<bool, GitError> {
    if ours == base || ours == theirs {
        return Ok(result == theirs);
    }
    if theirs == base {
        return Ok(result == ours);
    }
    let read = |id: Option<Oid>| id.map(|id| repo.blob(id)).transpose();
    let [base, one, two, is] = [read(base)?, read(ours)?, read(theirs)?, read(result)?];
    let (Some(one), Some(two)) = (&one, &two) else {
        // Removed on one side, changed on the other.
        return Ok(result.is_none() || result == ours || result == theirs);
    };
    let base = base.as_ref().map(|bytes| &bytes[..]).unwrap_or_default();
    let versions = Versions { base, ours: one, theirs: two };
    Ok(disputed(path, &path::place(path), &versions, is.as_ref().map(|bytes| &bytes[..])).is_none())
}

/// The fields of a file that both sides changed and that no merge gives so; none where all is well.
fn disputed(
    path: &str,
    place: &Place,
    versions: &Versions<'_>,
    result: Option<&[u8]>,
) -> Option<Vec<&'static str>> {
    let Versions { base, ours, theirs } = *versions;
    let merged = merge_file(path, *versions, &Markers::default());
    let by_lines = lines::merge(base, ours, theirs);
    let is_clean = merged.conflicts.is_empty();
    if is_clean && result == Some(&merged.bytes) || by_lines.is_some() && result == by_lines.as_deref() {
        return None;
    }
    let is_decided_by_hand = !is_clean || by_lines.is_none();
    let Some(result) = result else { return Some(Vec::new()) };
    if (result == ours || result == theirs) && is_decided_by_hand {
        return None;
    }
    let [base, one, two, is] = [base, ours, theirs, result].map(|bytes| fields(place, bytes));
    let Some((one, two)) = one.zip(two) else {
        return by_lines.map(|_| Vec::new());
    };
    // What can't be read is told as damage.
    let is = is?;
    let expected = is_clean.then(|| fields(place, &merged.bytes)).flatten();
    let mut wrong = Vec::new();
    for (at, (field, value)) in is.iter().enumerate() {
        let of = |fields: &Fields| fields.get(at).map(|(_, value)| value.clone());
        let (ours, theirs, old) = (of(&one), of(&two), base.as_ref().and_then(of));
        let value = Some(value.clone());
        let is_as_merged = match expected.as_ref().map(of) {
            Some(expected) => value == expected,
            None if merged.conflicts.iter().any(|key| key == field) => true,
            None if ours == theirs || old == theirs => value == ours,
            None if old == ours => value == theirs,
            // Sets and texts that go together.
            None => true,
        };
        let is_chosen = by_lines.is_none() && (value == ours || value == theirs);
        if !(is_as_merged || is_chosen) {
            wrong.push(*field);
        }
    }
    if matches!(place, Place::Task(_)) {
        let state = |fields: &Fields| {
            let of = |key: &str| fields.iter().find(|(field, _)| *field == key).and_then(|(_, v)| v.clone());
            (of("status"), of("assigned_to"))
        };
        let sides = [Some(&one), Some(&two), expected.as_ref()];
        let is_given_back = state(&is) == (Some("pending".to_owned()), None);
        // Of two states one is right, or none: no third one.
        if !is_given_back && !sides.into_iter().flatten().any(|side| state(side) == state(&is)) {
            wrong.push("status");
        }
    }
    wrong.dedup();
    (!wrong.is_empty()).then_some(wrong)
}

/// The fields in which a file differs from what it should be: those of its state where it came or went.
fn differing(place: &Place, expected: Option<&[u8]>, result: Option<&[u8]>) -> Vec<&'static str> {
    let of = |bytes: Option<&[u8]>| bytes.and_then(|bytes| fields(place, bytes)).unwrap_or_default();
    let (one, two) = (of(expected), of(result));
    let is_planted = expected.is_none() && two.contains(&("status", Some("pending".to_owned())));
    if is_planted {
        return vec!["title"];
    }
    two.iter()
        .enumerate()
        .filter(|(at, field)| one.get(*at) != Some(field))
        .map(|(_, field)| field.0)
        .collect()
}

/// What a file says, field by field; none where it can't be read or is no entry.
fn fields(place: &Place, bytes: &[u8]) -> Option<Fields> {
    match place {
        Place::Task(id) => codec::task::decode(bytes, *id).ok().map(|task| task.fields()),
        Place::Workstream(name) => codec::workstream::decode(bytes, name).ok().map(|one| one.fields()),
        Place::Agent(id) => codec::agent::decode(bytes, id).ok().map(|agent| agent.fields()),
        Place::Knowledge(topic) => codec::knowledge::decode(bytes, topic).ok().map(|one| one.fields()),
        Place::Furniture | Place::Stray => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskId;

    const PATH: &str = ".orchestrator/tasks/29/299833bc.yaml";

    fn task(title: &str, state: &str, label: &str) -> String {
        format!(
            "id: 299833bc\nworkstream: w\ntitle: {title}\n{state}\npriority: 5\nestimate: null\ndepends_on: []\nlabels: [{label}]\ncreated_at: 2026-02-06T07:36:59.474Z\ncreated_by: a\ndescription: |\n  One\n  two\n  three\n  four\n"
        )
    }

    fn held(agent: &str) -> String {
        format!("status: in_progress\nassigned_to: {agent}\nepoch: 1\nclaimed_at: 2026-02-06T08:00:00.000Z")
    }

    fn wrong(base: &str, ours: &str, theirs: &str, result: &str) -> Option<Vec<&'static str>> {
        let place = Place::Task(TaskId::parse("299833bc").unwrap());
        let [base, ours, theirs] = [base, ours, theirs].map(str::as_bytes);
        disputed(PATH, &place, &Versions { base, ours, theirs }, Some(result.as_bytes()))
    }

    #[test]
    fn what_neither_merge_gives_is_named_field_by_field() {
        let pending = "status: pending";
        let base = task("T", pending, "");
        let (titled, claimed) = (task("Better", pending, ""), task("T", &held("a"), ""));
        let both = task("Better", &held("a"), "");
        assert_eq!(wrong(&base, &titled, &claimed, &both), None);
        let other = task("Better", &held("b"), "");
        assert!(
            wrong(&base, &titled, &claimed, &other).is_some_and(|fields| fields.contains(&"assigned_to"))
        );
        let done = task("Better", "status: done\nassigned_to: a\nepoch: 1", "");
        assert!(wrong(&base, &titled, &claimed, &done).is_some_and(|fields| fields.contains(&"status")));
        // A person decides between two claims, and for no third one.
        let (one, two) = (task("T", &held("a"), ""), task("T", &held("b"), ""));
        for (decided, is_right) in [("a", true), ("b", true), ("c", false)] {
            let result = task("T", &held(decided), "x");
            let found = wrong(&base, &task("T", &held("a"), "x"), &two, &result);
            assert_eq!(found.is_none(), is_right, "{decided}: {found:?}");
        }
        // What does not conflict is not theirs to decide.
        let found = wrong(&base, &one, &two, &task("Mine", &held("a"), ""));
        assert_eq!(found, Some(vec!["title"]));
    }

    /// Chance that can be repeated.
    fn below(seed: &mut u64, most: usize) -> usize {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize % most
    }

    /// `HONEST=10000 cargo test --lib blend` for more.
    #[test]
    fn what_git_makes_of_two_sides_is_honest() {
        let rounds = std::env::var("HONEST").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
        let dir = tempfile::tempdir().unwrap();
        let mut seed = 7;
        let mut mixed = 0;
        for round in 0..rounds {
            let mut draw = || {
                let states = ["status: pending".to_owned(), held("a"), held("b")];
                let titles = ["T", "Better", "Other"];
                let labels = ["", "x", "x, y"];
                let (title, label) = (titles[below(&mut seed, 3)], labels[below(&mut seed, 3)]);
                let text = task(title, &states[below(&mut seed, 3)], label);
                let line = ["One", "two", "four"][below(&mut seed, 3)];
                text.replace(
                    &format!("  {line}\n"),
                    ["  other\n", "  more\n  yet\n", ""][below(&mut seed, 3)],
                )
            };
            let base = task("T", "status: pending", "");
            let (ours, theirs) = (draw(), draw());
            let names = ["ours", "base", "theirs"].map(|name| dir.path().join(name));
            for (name, text) in names.iter().zip([&ours, &base, &theirs]) {
                std::fs::write(name, text).unwrap();
            }
            let options = [
                &["--diff-algorithm=histogram"][..],
                &["--diff-algorithm=myers"],
                &["--ours"],
                &["--theirs"],
            ][below(&mut seed, 4)];
            let mut command = std::process::Command::new("git");
            command.args(["merge-file", "-q", "-p"]).args(options).args(&names);
            let answer = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
            if !answer.status.success() {
                continue;
            }
            let result = String::from_utf8(answer.stdout).unwrap();
            if result == ours || result == theirs {
                continue;
            }
            mixed += 1;
            let found = wrong(&base, &ours, &theirs, &result);
            assert_eq!(found, None, "{round}: {options:?}\n{ours}\n{theirs}\n{result}");
        }
        assert!(mixed * 20 > rounds, "only {mixed} of {rounds} are of both sides");
    }
}
