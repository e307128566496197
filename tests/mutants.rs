//! Seeded mutants: each guard broken by a few words, and the harness that has to notice.
//!
//! The ordinary run sees that every break can still be made. To make them, one after the other, in a copy:
//!
//! ```text
//! MUTANTS=all cargo test --test mutants -- --nocapture      an hour on two cores
//! MUTANTS=journal …                                         one
//! ```
//!
//! A guard whose mutant survives is not tested.
//!
//! The file is long because it is one table, a row a guard.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test fails by a panic, and tells what it tried.

use std::path::{Path, PathBuf};
use std::process::Command;

struct Mutant {
    /// The guard that is broken.
    guard: &'static str,
    file: &'static str,
    old: &'static str,
    new: &'static str,
    /// What `cargo test` is given to notice.
    harness: &'static [&'static str],
    /// A sweep of kills over this scene, where that is what notices.
    scene: Option<&'static str>,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        guard: "what can't be read is told with what was found",
        file: "src/model/reading.rs",
        old: "        unread.append(self.unread);\n",
        new: "        let _nobody = unread;\n",
        harness: &["--test", "cli", "unreadable"],
        scene: None,
    },
    Mutant {
        guard: "something else in a directory's place hides what is below",
        file: "src/git/sight.rs",
        old: "(Some(Entry { kind, .. }), true) => return hidden(Veil::Kind(kind)),",
        new: "(Some(_), true) => return Ok(Sight::Absent),",
        harness: &["--test", "cli", "unreadable"],
        scene: None,
    },
    Mutant {
        guard: "nothing is written under settings that can't be read",
        file: "src/store/snapshot.rs",
        old: "snapshot.unsettled.clone().map_or(Ok(snapshot), |damage| Err(Fault::Damaged(damage)))",
        new: "Ok(snapshot)",
        harness: &["--test", "cli", "unreadable"],
        scene: None,
    },
    Mutant {
        guard: "a presence that can't be read is no silence",
        file: "src/ops/task/next.rs",
        old: "silent.note(unread) > context.settings.claims_stale_after && is_certain;",
        new: "silent.note(unread) > context.settings.claims_stale_after || !is_certain;",
        harness: &["--test", "cli", "unreadable"],
        scene: None,
    },
    Mutant {
        guard: "a file that was named and is not there is no empty one",
        file: "src/engine/exchange.rs",
        old: "(None, Missing::Refused) => return Err(missing(path)),",
        new: "(None, Missing::Refused) => None,",
        harness: &["--test", "cli", "bad_kinds"],
        scene: None,
    },
    Mutant {
        guard: "a number has no sign before it",
        file: "src/cli/args/number.rs",
        old: "if text.starts_with('+') {",
        new: "if text.starts_with('?') {",
        harness: &["--test", "cli", "bad_kinds"],
        scene: None,
    },
    Mutant {
        guard: "an empty variable names no directory",
        file: "src/cli/commands/exchange.rs",
        old: "variable.filter(|value| !value.is_empty())",
        new: "variable",
        harness: &["--test", "cli", "bad_kinds"],
        scene: None,
    },
    Mutant {
        guard: "a cycle of which something can't be read does not end",
        file: "src/engine/cycle.rs",
        old: "let is_whole = unread.is_empty();",
        new: "let is_whole = true;",
        harness: &["--test", "cli", "unreadable"],
        scene: None,
    },
    Mutant {
        guard: "refs are compared while their locks are held",
        file: "src/git/ref_locks.rs",
        old: "        self.compare_under_locks(edits, branch)?;\n",
        new: "",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "what an exchange brought out is looked at",
        file: "src/git/files.rs",
        old: "        if came_out(directory, temporary, new.len() as u64, old) == Came::Expected {\n",
        new: "        if came_out(directory, temporary, new.len() as u64, old) != Came::Other || !new.is_empty() {\n",
        harness: &["--test", "cli", "races"],
        scene: None,
    },
    Mutant {
        guard: "a new file takes the place of nothing",
        file: "src/git/files.rs",
        old: "(Ok(()), None) => self.put_new(&directory, relative, &temporary),",
        new: "(Ok(()), None) => rustix::fs::renameat(&directory, &temporary, &directory, name).map_err(|error| failed(error.into())),",
        harness: &["--test", "cli", "races"],
        scene: None,
    },
    Mutant {
        guard: "what a dead process had displaced is put back",
        file: "src/git/files.rs",
        old: "Some(new) if shown == Some(new) => self.exchange_back(&directory, relative, &temporary, new),",
        new: "Some(new) if shown == Some(new) => self.unlink(&directory, relative, &temporary),",
        harness: &["--lib", "git::files"],
        scene: None,
    },
    Mutant {
        guard: "no link is followed on the way to a file",
        file: "src/git/way.rs",
        old: "match rustix::fs::openat(&above, name, DIRECTORY, Mode::empty()) {",
        new: "match rustix::fs::openat(&above, name, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty()) {",
        harness: &["--lib", "git::files"],
        scene: None,
    },
    Mutant {
        guard: "no change is made where the worktree is not there",
        file: "src/store/follow.rs",
        old: "return Err(GitError::NoWorkTree { why });",
        new: "drop(why);",
        harness: &["--test", "cli", "world"],
        scene: None,
    },
    Mutant {
        guard: "no change is made while a push is received",
        file: "src/git/environment.rs",
        old: "if variable(\"GIT_QUARANTINE_PATH\").is_some() {",
        new: "if variable(\"GIT_QUARANTINE_PATH\").is_some() && false {",
        harness: &["--test", "cli", "world"],
        scene: None,
    },
    Mutant {
        guard: "the search for a repository begins where one stands, physically",
        file: "src/git/discovery.rs",
        old: "let real = directory.canonicalize().map_err(GitError::io(directory))?;",
        new: "let real = directory.to_owned();",
        harness: &["--test", "cli", "world"],
        scene: None,
    },
    Mutant {
        guard: "the logs of refs are opened before anything is true",
        file: "src/git/ref_locks.rs",
        old: "lock.logs.extend(log.map_err(|error| self.explain(name, error))?);",
        new: "lock.logs.extend(log.ok().flatten());",
        harness: &["--test", "cli", "races"],
        scene: None,
    },
    Mutant {
        guard: "a log tells of no move that was not made",
        file: "src/git/reflog.rs",
        old: "(Told::Ahead, Some(length)) => self.file.set_len(length),",
        new: "(Told::Ahead, Some(length)) => self.file.set_len(length + 9),",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "a lock that is stuck keeps the name that proves it ours",
        file: "src/git/linked_lock.rs",
        old: "if self.guard.is_stuck.get() || !self.is_named",
        new: "if !self.is_named",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "objects are read as they are written, not as `git replace` shows them",
        file: "src/git/repo.rs",
        old: "    gix.objects.ignore_replacements = true;\n",
        new: "    gix.objects.ignore_replacements = false;\n",
        harness: &["--test", "cli", "races"],
        scene: None,
    },
    Mutant {
        guard: "whether there is a board is asked under the lock that init holds",
        file: "src/engine/init.rs",
        old: "if snapshot.file(path::CONFIG)?.is_none() {",
        new: "if snapshot.file(path::CONFIG)?.is_none() || now.millis() > 0 {",
        harness: &["--test", "cli", "races"],
        scene: None,
    },
    Mutant {
        guard: "HEAD is on the branch that it was on, when its lock is held",
        file: "src/git/ref_locks.rs",
        old: "(Ok(name), Some(branch)) if name == branch => self.read_direct(&name)?,",
        new: "(Ok(name), Some(_)) => self.read_direct(&name)?,",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "packed refs count while the file is the one that was opened",
        file: "src/git/refs.rs",
        old: "Ok(meta) if Stat::from(&meta) == known.stat => return Ok(Some(known)),",
        new: "Ok(_) => return Ok(Some(known)),",
        harness: &["--lib", "git::refs"],
        scene: None,
    },
    Mutant {
        guard: "a lock file is removed only if it is ours",
        file: "src/git/linked_lock.rs",
        old: "if is_same_file(lock, our)? {",
        new: "if !is_same_file(lock, our)? {",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "an index.lock is removed only if it is ours",
        file: "src/git/index_lock.rs",
        old: "if is_same_file(&lock, &prepared)? {",
        new: "if !is_same_file(&lock, &prepared)? {",
        harness: &["--lib", "index_lock"],
        scene: None,
    },
    Mutant {
        guard: "the journal is written before anything is visible",
        file: "src/store/transaction.rs",
        old: "        advisory.announce(&intent)?;\n\n        match publish",
        new: "\n        match publish",
        harness: &["--test", "cli", "recovery::a_kill"],
        scene: Some("claim"),
    },
    Mutant {
        guard: "files and index are in place before the refs move",
        file: "src/store/transaction.rs",
        old: "    for tree in locked {\n        tidy = tidy.and(tree.advance(&draft.files).map_err(Failed::Visible)?);\n    }\n    // The commit point: from the first rename in here, the mutation is true.\n    let published = prepared.commit(&identity.committer_at(now)).map_err(Failed::Visible)?;\n",
        new: "    let published = prepared.commit(&identity.committer_at(now)).map_err(Failed::Visible)?;\n    for tree in locked {\n        tidy = tidy.and(tree.advance(&draft.files).map_err(Failed::Visible)?);\n    }\n",
        harness: &["--test", "cli", "recovery::a_kill"],
        scene: Some("add"),
    },
    Mutant {
        guard: "what passed its commit point is completed",
        file: "src/store/recover.rs",
        old: "    if passed {\n",
        new: "    if passed && intent.board.is_none() {\n",
        harness: &["--test", "cli", "recovery::a_kill"],
        scene: Some("claim"),
    },
    Mutant {
        guard: "a reader sees a mutation past its commit point as done",
        file: "src/store/transaction.rs",
        old: "ahead.flatten().or(tip)",
        new: "ahead.flatten().and(tip).or(tip)",
        harness: &["--test", "cli", "recovery::a_kill"],
        scene: Some("complete"),
    },
    Mutant {
        guard: "a worktree is settled after a kill",
        file: "src/store/recover.rs",
        old: "        if let Err(error) = settle(tree) {\n",
        new: "        if let Err(error) = Ok::<(), GitError>(()).and_then(|()| if tree.files.is_empty() { settle(tree) } else { Ok(()) }) {\n",
        harness: &["--test", "cli", "recovery::a_kill"],
        scene: Some("add"),
    },
    Mutant {
        guard: "the branch is compared again under its lock",
        file: "src/git/ref_locks.rs",
        old: "            if found != edit.expected {",
        new: "            if edit.name != \"HEAD\" && found != edit.expected {",
        harness: &["--lib", "ref_locks"],
        scene: None,
    },
    Mutant {
        guard: "who completes late is refused by the epoch",
        file: "src/ops/task/complete.rs",
        old: "                let agent = claims::acting_holder(&seen, &claim.agent, context)?;\n                claims::check_epoch(&seen, self.epoch)?;\n",
        new: "                let agent = claims::acting_holder(&seen, &claim.agent, context)?;\n",
        harness: &["--lib", "ops::task"],
        scene: None,
    },
    Mutant {
        guard: "an export tells of a lock that can't be read",
        file: "src/views/state.rs",
        old: "if lock.standing == \"unreadable\" {",
        new: "if lock.standing == \"nothing\" {",
        harness: &["--test", "cli", "a_lock_that_can_not_be_read"],
        scene: None,
    },
    Mutant {
        guard: "where a claim can't be read, that is no \"nothing pending\"",
        file: "src/ops/task/next.rs",
        old: "unread.add(damage);",
        new: "drop(damage);",
        harness: &["--test", "cli", "an_unreadable_archive"],
        scene: None,
    },
    Mutant {
        // A hand edit is refused a second time by the exchange of the files, which has mutants of its own; what only
        // this look at the file knows is who made the difference.
        guard: "a file that git rewrites is told from one that somebody edited",
        file: "src/store/follow.rs",
        old: "Some(why) => Err(GitError::Rewritten { path: path.to_owned(), why }),",
        new: "Some(_) => Ok(()),",
        harness: &["--test", "cli", "what_git_rewrites"],
        scene: None,
    },
    Mutant {
        guard: "what is staged of the board is not overwritten",
        file: "src/store/follow.rs",
        old: "        if staged != old {\n            return refuse(\"it has a staged change that is not committed\");\n        }\n",
        new: "",
        harness: &["--test", "cli", "user_work"],
        scene: None,
    },
    Mutant {
        guard: "an entry that may hide a later edit is looked at twice",
        file: "src/git/index.rs",
        old: "        is_racy\n            && matches!",
        new: "        is_racy && false\n            && matches!",
        harness: &["--test", "cli", "user_work"],
        scene: None,
    },
    Mutant {
        guard: "trees above a change are not believed any more",
        file: "src/git/index.rs",
        old: "let is_above = changed.iter().any(|path| path.starts_with(&prefix));",
        new: "let is_above = changed.is_empty() && prefix.is_empty();",
        harness: &["--test", "cli", "user"],
        scene: None,
    },
    Mutant {
        guard: "a renewal keeps the acquisition in the log",
        file: "src/ops/lock/acquire.rs",
        old: "replaces: is_mine && before.as_ref().is_some_and(is_renewal),",
        new: "replaces: is_mine && before.as_ref().is_some_and(|record| is_renewal(record) || true),",
        harness: &["--lib", "ops::lock"],
        scene: None,
    },
    Mutant {
        guard: "a lock from the future is held",
        file: "src/model/record.rs",
        old: "now > end.plus(slack)",
        new: "now > end.plus(slack) || end.since(now) > Span::from_secs(90_000)",
        harness: &["--lib", "lock"],
        scene: None,
    },
    Mutant {
        guard: "the record has the last word where the board lacks its commit",
        file: "src/store/standing.rs",
        old: "        (Found::Here, _) => return",
        new: "        (Found::Here | Found::Elsewhere, _) => return",
        harness: &["--test", "cli", "landing"],
        scene: None,
    },
    Mutant {
        guard: "a completion that is on no branch frees its task",
        file: "src/store/standing.rs",
        old: "        (Found::Nowhere, Standing::Completed { .. }) => Status::Pending,\n",
        new: "",
        harness: &["--test", "cli", "landing"],
        scene: None,
    },
    Mutant {
        guard: "the copies of an event count once",
        file: "src/store/annals.rs",
        old: "if may_be_copy && !new_ids.insert(id) {",
        new: "if may_be_copy && !new_ids.insert(id) && new_ids.is_empty() {",
        harness: &["--test", "cli", "landing"],
        scene: None,
    },
    Mutant {
        guard: "no text controls the terminal",
        file: "src/views/style.rs",
        old: "is_printable(c) || c == '\\t' && keep != Keep::Nothing",
        new: "!c.is_whitespace() || c == ' ' || c == '\\t' && keep != Keep::Nothing",
        harness: &["--lib", "views::style"],
        scene: None,
    },
    Mutant {
        guard: "a document reaches a terminal escaped, and only a terminal",
        file: "src/cli/report.rs",
        old: "Self::Stored(text) if to.is_terminal =>",
        new: "Self::Stored(text) if !to.is_terminal =>",
        harness: &["--lib", "report"],
        scene: None,
    },
    Mutant {
        guard: "a message calls nobody on a host",
        file: "src/codec/host.rs",
        old: "        '#' | '@' | '[' => is_word,\n",
        new: "        '#' | '[' => is_word,\n",
        harness: &["--test", "cli", "bytes::nothing_in_a_message"],
        scene: None,
    },
    Mutant {
        guard: "an answer that is lost has an exit code of its own",
        file: "src/model/refusal.rs",
        old: "Self::Unprinted => 74,",
        new: "Self::Unprinted => 1,",
        harness: &["--test", "cli", "bytes::an_answer"],
        scene: None,
    },
    Mutant {
        guard: "the record of an acquisition is unlike any other",
        file: "src/ops/lock/acquire.rs",
        old: "nonce: Some(context.mint.nonce()),",
        new: "nonce: None,",
        harness: &["--lib", "ops::lock"],
        scene: None,
    },
    Mutant {
        guard: "the record of a release is unlike any other",
        file: "src/ops/lock/release.rs",
        old: "nonce: Some(context.mint.nonce()),",
        new: "nonce: None,",
        harness: &["--lib", "ops::lock"],
        scene: None,
    },
    Mutant {
        guard: "the record of a task is unlike any other",
        file: "src/ops/claims.rs",
        old: "nonce: Some(context.mint.nonce()),",
        new: "nonce: None,",
        harness: &["--lib", "ops::task"],
        scene: None,
    },
    Mutant {
        guard: "no two nonces are the same",
        file: "src/engine/env.rs",
        old: "Nonce::from_random(self.random())",
        new: "Nonce::from_random([7; 16])",
        harness: &["--lib", "env"],
        scene: None,
    },
    Mutant {
        guard: "an object that a packer moves is looked for again",
        file: "src/git/object.rs",
        old: "        let fresh = Self::open(self.git_dir())?;\n        let found = fresh.gix.",
        new: "        let found = self.gix.",
        harness: &["--lib", "object"],
        scene: None,
    },
    Mutant {
        guard: "a user's commits keep nobody out",
        file: "src/store/transaction.rs",
        old: "Err(StoreError::Git(GitError::Moved { .. })) if Instant::now() < deadline => {",
        new: "Err(StoreError::Git(GitError::Moved { .. })) if Instant::now() > deadline => {",
        harness: &["--lib", "transaction"],
        scene: None,
    },
    Mutant {
        guard: "what was planned for another board is planned again",
        file: "src/store/transaction.rs",
        old: "(later.entry(path::BOARD)? == before.entry(path::BOARD)?).then_some(later)",
        new: "Some(later)",
        harness: &["--lib", "transaction"],
        scene: None,
    },
    Mutant {
        guard: "who waits for a lock stands in line",
        file: "src/engine/acquire.rs",
        old: "let Some(_turn) = turn",
        new: "let Some(_) = turn",
        harness: &["--test", "cli", "leases"],
        scene: None,
    },
    Mutant {
        guard: "a result is not dropped because of a later epoch",
        file: "src/merge/status.rs",
        old: "Status::Blocked { .. } | Status::Done { .. } | Status::Cancelled { .. } => false,",
        new: "Status::Blocked { .. } | Status::Done { .. } | Status::Cancelled { .. } => true,",
        harness: &["--lib", "merge::"],
        scene: None,
    },
    Mutant {
        guard: "no merge takes an epoch that went back",
        file: "src/merge/status.rs",
        old: "else { new_epoch >= epoch }",
        new: "else { true }",
        harness: &["--lib", "merge::"],
        scene: None,
    },
    Mutant {
        guard: "what either side took out of a set is out",
        file: "src/merge/fields.rs",
        old: "sets[1].contains(*item) && sets[2].contains(*item)",
        new: "sets[1].contains(*item) || sets[2].contains(*item)",
        harness: &["--lib", "merge::"],
        scene: None,
    },
    Mutant {
        guard: "both sides changed a value in different ways",
        file: "src/merge/fields.rs",
        old: "        self.conflict(field);\n        ours.clone()\n",
        new: "        ours.clone()\n",
        harness: &["--lib", "merge::"],
        scene: None,
    },
    Mutant {
        guard: "a signature is of the bytes that are written",
        file: "src/store/presign.rs",
        old: "if self.payload == payload {",
        new: "if !self.payload.is_empty() || payload.is_empty() {",
        harness: &["--lib", "presign"],
        scene: None,
    },
    Mutant {
        guard: "an event that its message tells is not told from the difference again",
        file: "src/store/derive.rs",
        old: "if !said.iter().any(",
        new: "if said.is_empty() || !said.iter().all(",
        harness: &["--test", "cli", "life"],
        scene: None,
    },
    Mutant {
        guard: "who completes what another one holds is found",
        file: "src/views/verify/story.rs",
        old: "self.wrongs.push(Wrong { severity: Severity::Error, code: \"stranger\", what, held_by });",
        new: "self.wrongs.push(Wrong { severity: Severity::Note, code: \"stranger\", what, held_by });",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "an epoch that went back is found",
        file: "src/views/verify/story.rs",
        old: "if epoch < least {",
        new: "if epoch.saturating_add(9) < least {",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "a time that runs backwards is found",
        file: "src/views/verify/times.rs",
        old: "&& first.plus(self.slack) < peak",
        new: "&& first.plus(self.slack).plus(self.slack) < *first",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "the trailer of an import excuses no event of what was there",
        file: "src/views/verify/imports.rs",
        old: "    !change.is_changed\n        && match content {",
        new: "    change.is_changed\n        || match content {",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "a revert of a commit that is not in history is no revert",
        file: "src/engine/turned.rs",
        old: "if !is_here(commit) {",
        new: "if repo.find_commit(commit)?.is_none() {",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "what a revert does not give is no revert",
        file: "src/engine/blend.rs",
        old: "Ok(disputed(path, &path::place(path), &versions, is.as_ref().map(|bytes| &bytes[..])).is_none())",
        new: "Ok(disputed(path, &path::place(path), &versions, is.as_ref().map(|bytes| &bytes[..])).is_none() || is.is_some())",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "a hold that ended later excuses no stranger",
        file: "src/views/verify/strangers.rs",
        old: "&& end.at <= doubt.at.plus(slack)",
        new: "&& end.at.plus(slack) >= doubt.at",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "a record of two parents is odd",
        file: "src/store/chains.rs",
        old: "if commit.parents.len() > 1 {\n        oddities",
        new: "if commit.parents.len() > 2 {\n        oddities",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "claims go on above the archive",
        file: "src/views/verify/links.rs",
        old: "&& !self.chain.1 && record.epoch < least;",
        new: "&& !self.chain.1 && record.epoch.saturating_add(9) < least;",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "an event id that is seen with other content is found",
        file: "src/views/verify/mod.rs",
        old: "Some((known, _)) if *known == says => false,",
        new: "Some((known, _)) if *known == says || *known != says => false,",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "a change without an event is found",
        file: "src/views/verify/changes.rs",
        old: "(is_copied && !change.is_changed) {\n            if change.is_changed {\n",
        new: "(is_copied && !change.is_changed) {\n            if change.is_changed && is_copied {\n",
        harness: &["--test", "cli", "verify"],
        scene: None,
    },
    Mutant {
        guard: "a merge that gives a task a state which no merge of its parents gives is found",
        file: "src/engine/blend.rs",
        old: "            wrong.push(\"status\");\n",
        new: "",
        harness: &["--lib", "blend"],
        scene: None,
    },
    Mutant {
        guard: "what a merge leaves out is found",
        file: "src/engine/blend.rs",
        old: "let is_from = |side: usize| !self.from[side].contains_key(path);",
        new: "let is_from = |_: usize| !(self.from[0].contains_key(path) && self.from[1].contains_key(path));",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "two claims of one epoch are found",
        file: "src/views/verify/claims.rs",
        old: "(first.agent != event.agent).then(",
        new: "(first.agent.len() != event.agent.len()).then(",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "an edit that contradicts the record of a claim is found",
        file: "src/views/verify/claims.rs",
        old: "&& !known.any(|said| said.agent.as_ref() == Some(new))",
        new: "&& known.any(|said| said.agent.as_ref() == Some(new))",
        harness: &["--test", "cli", "tampering"],
        scene: None,
    },
    Mutant {
        guard: "a record chain with a gap is found",
        file: "src/views/verify/links.rs",
        old: "        if record.epoch < least {\n            wrongs.push((\"epoch_back\", what));\n        } else if record.epoch > most {\n",
        new: "        if record.epoch < least {\n            wrongs.push((\"epoch_back\", what));\n        } else if record.epoch > most.saturating_add(9) {\n",
        harness: &["--lib", "verify"],
        scene: None,
    },
    Mutant {
        guard: "a circle of dependencies is found",
        file: "src/store/check.rs",
        old: "standing.insert(next, Some(walked.len()));",
        new: "standing.insert(next, None);",
        harness: &["--test", "cli", "check"],
        scene: None,
    },
    Mutant {
        guard: "no text breaks out of its code span",
        file: "src/views/quote.rs",
        old: "    let fence = \"`\".repeat(longest + 1);\n",
        new: "    let fence = \"`\".repeat(longest.min(1) + 1);\n",
        harness: &["--lib", "quote"],
        scene: None,
    },
    Mutant {
        guard: "no page is longer than a comment may be",
        file: "src/views/diff/markdown.rs",
        old: "self.length + text.chars().count() + and_then.chars().count() <= self.most",
        new: "self.length + text.len() + and_then.len() <= self.most.saturating_mul(9)",
        harness: &["--test", "cli", "review"],
        scene: None,
    },
    Mutant {
        guard: "held claims are not read by each claim",
        file: "src/store/archive.rs",
        old: "    if more.is_none_or(|more| more % STEP >= born) {",
        new: "    if more.is_none() {",
        harness: &["--lib", "held_claims"],
        scene: None,
    },
    Mutant {
        guard: "a lock's chain is not walked for the last events",
        file: "src/store/log.rs",
        old: "Some(commit) = next.filter(|_| taken < most)",
        new: "Some(commit) = next",
        harness: &["--lib", "the_last_events"],
        scene: None,
    },
    Mutant {
        guard: "what the named commands can't tell the whole grammar tells",
        file: "src/cli/mod.rs",
        old: "prune::for_words(words, read).or_else(|_| read())?",
        new: "prune::for_words(words, read)?",
        harness: &["--lib", "words_mean"],
        scene: None,
    },
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_break_can_still_be_made() {
    for mutant in MUTANTS {
        let text = std::fs::read_to_string(root().join(mutant.file)).unwrap();
        assert_eq!(
            text.matches(mutant.old).count(),
            1,
            "{}: {}: {:?}",
            mutant.guard,
            mutant.file,
            mutant.old
        );
        assert_ne!(mutant.old, mutant.new);
    }
}

#[test]
fn no_mutant_survives() {
    let Ok(which) = std::env::var("MUTANTS") else { return };
    let copy = root().join("target/mutants/copy");
    let mut survived = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| which == "all" || mutant.guard.contains(&which)) {
        restore(&copy);
        let path = copy.join(mutant.file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(mutant.old, mutant.new)).unwrap();
        assert!(cargo(&copy, mutant, &["--no-run"]), "{} does not build", mutant.guard);
        let is_caught = !cargo(&copy, mutant, &[]);
        println!("{}: {}", if is_caught { "caught" } else { "SURVIVED" }, mutant.guard);
        if !is_caught {
            survived.push(mutant.guard);
        }
    }
    assert!(survived.is_empty(), "{survived:?}");
}

/// The sources as they are, with their times, so that only what was broken is built again.
fn restore(copy: &Path) {
    std::fs::create_dir_all(copy).unwrap();
    for name in ["src", "tests", "benches", "templates", "Cargo.toml", "Cargo.lock", "README.md"] {
        let to = copy.join(name);
        if to.is_dir() {
            std::fs::remove_dir_all(&to).unwrap();
        }
        let copied = Command::new("cp").arg("-r").arg(root().join(name)).arg(&to).status().unwrap();
        assert!(copied.success());
    }
}

fn cargo(copy: &Path, mutant: &Mutant, more: &[&str]) -> bool {
    let mut command = Command::new(env!("CARGO"));
    command.arg("test").args(mutant.harness).args(more).current_dir(copy);
    command.env("CARGO_TARGET_DIR", root().join("target/mutants/target")).env_remove("MUTANTS");
    if let Some(scene) = mutant.scene {
        command.env("SWEEP", "changes").env("SCENE", scene);
    }
    command.output().unwrap().status.success()
}
