//! What is kept of the log must never tell anything else than history does.

use super::*;
use crate::git::testing::{git, repository};

/// A board with so many commits of ours, some copied, some by hand, two branches and their merges.
fn history(root: &std::path::Path, repo: &Repo, steps: usize, see: &mut dyn FnMut(Oid)) {
    std::fs::create_dir_all(root.join(".orchestrator/knowledge")).unwrap();
    std::fs::write(root.join(".orchestrator/config.yaml"), "format: 1\n").unwrap();
    git(root, &["add", "."]);
    let event = |step: usize| {
        // One in five seems to be older than the one before.
        let time = 0x19c_3188_3a21_u64 + (step as u64) * 1000 - if step.is_multiple_of(5) { 4500 } else { 0 };
        format!(
            "orchestrator: x\n\nOrchestrator-Event: {{\"ts\":\"2026-02-06T07:{:02}:{:02}.000Z\",\"agent\":\"agent-{}\",\"action\":\"task_claimed\",\"task_id\":\"{:08x}\",\"id\":\"{:08x}-{:04x}-7000-8000-000000000001\"}}",
            step / 60 % 60,
            step % 60,
            step % 3,
            step % 7,
            time >> 16,
            time & 0xffff
        )
    };
    for step in 0..steps {
        match step % 11 {
            3 => git(root, &["switch", "-q", "-c", &format!("side-{step}"), "HEAD~1"]),
            7 => {
                std::fs::write(root.join(format!(".orchestrator/knowledge/k{step}.md")), "By hand.\n")
                    .unwrap();
                git(root, &["add", "."]);
                git(root, &["commit", "-q", "-m", "Write by hand"])
            }
            // The same event once more, as a cherry-pick would bring it.
            9 => git(root, &["commit", "-q", "--allow-empty", "-m", &event(step - 1)]),
            10 => {
                let side = git(root, &["branch", "--show-current"]).trim().to_owned();
                git(root, &["switch", "-q", "main"]);
                match side.as_str() {
                    "main" => String::new(),
                    side => git(root, &["merge", "-q", "--no-ff", "-m", "Merge", side]),
                }
            }
            _ => git(root, &["commit", "-q", "--allow-empty", "-m", &event(step)]),
        };
        see(repo.read_ref("HEAD").unwrap().unwrap());
    }
}

fn entries(annals: &Annals<'_>) -> Option<Vec<Entry>> {
    let mut all = Vec::new();
    annals
        .each_entry(&mut |entry| {
            all.push(*entry);
            true
        })
        .ok()?;
    Some(all)
}

/// What is told with what was kept; read anew where that was broken, as the snapshot does.
fn told(repo: &Repo, tip: Oid) -> Vec<Entry> {
    let annals = Annals::read(repo, Some(tip)).unwrap();
    entries(&annals).unwrap_or_else(|| entries(&Annals::read_anew(repo, Some(tip)).unwrap()).unwrap())
}

fn from_history(repo: &Repo, tip: Oid) -> Vec<Entry> {
    let (mut annals, commits) = Annals::walk(repo, Some(tip), Kept::none(repo), true).unwrap();
    annals.add(Some(tip), &commits).unwrap().unwrap();
    entries(&annals).unwrap()
}

#[test]
fn what_is_kept_tells_the_same_as_history() {
    let (dir, repo) = repository();
    let mut tips = Vec::new();
    history(dir.path(), &repo, 150, &mut |tip| {
        tips.push(tip);
        if tips.len() % 3 == 0 {
            assert_eq!(told(&repo, tip), from_history(&repo, tip), "{}", tips.len());
        }
    });
    let end = Kept::whole(&repo);
    assert!(end.stretches.len() > 4, "{}", end.stretches.len());
    for tip in tips.iter().rev().step_by(10) {
        assert_eq!(told(&repo, *tip), from_history(&repo, *tip));
    }
    let all = from_history(&repo, tips[149]);
    let ids: HashSet<u128> = all.iter().filter(|entry| entry.id != 0).map(|entry| entry.id).collect();
    assert_eq!(ids.len(), all.iter().filter(|entry| entry.id != 0).count(), "an event counts once");
}

#[test]
fn whatever_becomes_of_the_file_the_same_is_told() {
    let (dir, repo) = repository();
    let mut tips = Vec::new();
    history(dir.path(), &repo, 60, &mut |tip| {
        tips.push(tip);
        if tips.len() % 20 == 0 {
            told(&repo, tip);
        }
    });
    let file = dir.path().join(".git/orchestrator/cache/annals");
    let whole = std::fs::read(&file).unwrap();
    let expected: Vec<Vec<Entry>> = [40, 59].map(|at| from_history(&repo, tips[at])).to_vec();
    for at in (0..whole.len()).step_by(61) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        for damaged in [&whole[..at], &flipped] {
            std::fs::write(&file, damaged).unwrap();
            assert_eq!([40, 59].map(|at| told(&repo, tips[at])).to_vec(), expected, "{at}");
            assert_eq!(told(&repo, tips[59]), expected[1], "{at}");
        }
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(told(&repo, tips[59]), expected[1]);
}

#[test]
fn the_last_few_need_no_commit_that_is_kept() {
    let (dir, repo) = repository();
    let mut last = None;
    history(dir.path(), &repo, 40, &mut |tip| last = Some(tip));
    told(&repo, last.unwrap());
    let fresh = Repo::open(dir.path()).unwrap();
    let annals = Annals::read(&fresh, last).unwrap();
    assert!(annals.fresh.is_empty() && annals.base == last);
    assert_eq!(fresh.objects_read(), 0);
}
