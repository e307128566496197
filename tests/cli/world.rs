//! What git reads besides the files of a repository counts here too, or the command is refused with nothing written.
//!
//! Where a command finds its repository is compared with `git rev-parse`, place by place and variable by variable: another
//! answer than git's would write into another repository than the one that was meant.
//!
//! The file is long because the matrix of places and variables and what happens in each of them share their places.

use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use super::support::{Answer, Sandbox, hermetic};

/// Repositories of every kind beside each other, each with a board on its `HEAD`.
struct World {
    sandbox: Sandbox,
    /// The directories to stand in, from the home of the sandbox.
    places: Vec<&'static str>,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::board();
        let home = sandbox.root.parent().unwrap().to_owned();
        let at = |path: &str| home.join(path);
        for directory in ["repo/sub/deep", "repo/hollow/.git", "outside/deep", "broken", "other"] {
            std::fs::create_dir_all(at(directory)).unwrap();
        }
        sandbox.write("sub/deep/file", "x\n");
        sandbox.write("hollow/file", "x\n");
        sandbox.git(&["add", "sub", "hollow"]);
        sandbox.git(&["commit", "-q", "-m", "Directories"]);
        let git = |directory: &str, words: &[&str]| sandbox.git_in(&at(directory), words);
        git("repo", &["worktree", "add", "-q", "-b", "side", "../linked"]);
        git("", &["clone", "-q", "--bare", "repo", "hub.git"]);
        git("", &["clone", "-q", "--separate-git-dir=apart.git", "repo", "apart"]);
        git("", &["clone", "-q", "repo", "outer"]);
        git(
            "outer",
            &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../repo", "inner"],
        );
        git("outer", &["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "Submodule"]);
        git("", &["clone", "-q", "repo", "pointed"]);
        std::fs::create_dir(at("pointing")).unwrap();
        std::fs::rename(at("pointed/.git"), at("pointed.git")).unwrap();
        symlink("../pointed.git", at("pointed/.git")).unwrap();
        git("", &["clone", "-q", "repo", "named"]);
        git("named", &["config", "core.worktree", "../../other"]);
        git("named", &["reset", "-q", "--hard"]);
        symlink("repo", at("alias")).unwrap();
        symlink("repo/sub", at("way")).unwrap();
        std::fs::write(at("broken/.git"), "gitdir: ../nowhere\n").unwrap();
        let places = vec![
            "repo",
            "repo/sub",
            "repo/sub/deep",
            "repo/hollow",
            "repo/.git",
            "repo/.git/refs",
            "linked",
            "linked/sub",
            "repo/.git/worktrees/linked",
            "hub.git",
            "hub.git/refs",
            "apart",
            "apart/sub",
            "apart.git",
            "outer",
            "outer/inner",
            "outer/inner/sub",
            "outer/.git/modules/inner",
            "pointed",
            "pointed.git",
            "named",
            "named/.git",
            "other",
            "alias",
            "alias/sub",
            "way",
            "outside/deep",
            "broken",
        ];
        Self { sandbox, places }
    }

    fn home(&self) -> &Path {
        self.sandbox.root.parent().unwrap()
    }

    /// Orders of the environment, by name; `~` is the home of the sandbox.
    fn orders(&self) -> Vec<Vec<(&'static str, String)>> {
        let rows: &[&[(&str, &str)]] = &[
            &[],
            &[("GIT_DIR", "~/repo/.git")],
            &[("GIT_DIR", ".git")],
            &[("GIT_DIR", ".")],
            &[("GIT_DIR", "~/hub.git")],
            &[("GIT_DIR", "~/linked/.git")],
            &[("GIT_DIR", "~/named/.git")],
            &[("GIT_DIR", "")],
            &[("GIT_DIR", "~/outside")],
            &[("GIT_DIR", "~/apart/.git"), ("GIT_WORK_TREE", "~/apart")],
            &[("GIT_DIR", "~/hub.git"), ("GIT_WORK_TREE", "deep")],
            &[("GIT_DIR", "~/repo/.git"), ("GIT_IMPLICIT_WORK_TREE", "0")],
            &[("GIT_WORK_TREE", "~/outside")],
            &[("GIT_WORK_TREE", ".")],
            &[("GIT_WORK_TREE", "~/nowhere")],
            &[("GIT_CEILING_DIRECTORIES", "~")],
            &[("GIT_CEILING_DIRECTORIES", "~/repo:~/linked/sub")],
            &[("GIT_CEILING_DIRECTORIES", "~/alias:~/apart"), ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1")],
            &[("GIT_CEILING_DIRECTORIES", ":~/alias:~/hub.git")],
            &[("GIT_CONFIG_PARAMETERS", "'safe.bareRepository'='explicit'")],
            &[("GIT_NAMESPACE", "forks/one")],
        ];
        let home = self.home().to_str().unwrap();
        rows.iter()
            .map(|row| row.iter().map(|(name, value)| (*name, value.replace('~', home))).collect())
            .collect()
    }

    /// The program in a place, told so by its working directory, or by `-C` with an absolute or a relative path.
    fn command(&self, program: &str, place: &str, way: usize, order: &[(&str, String)]) -> Command {
        let mut command = Command::new(program);
        match way % 3 {
            0 => command.current_dir(self.home().join(place)),
            1 => command.arg("-C").arg(self.home().join(place)).current_dir("/"),
            _ => {
                command.arg("-C").arg(format!("../../{place}")).current_dir(self.home().join("outside/deep"))
            }
        };
        hermetic(&mut command, self.sandbox.home());
        command.envs(order.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn ours(&self, place: &str, way: usize, order: &[(&str, String)], words: &[&str]) -> Answer {
        Answer::of(
            self.command(env!("CARGO_BIN_EXE_orchestrator"), place, way, order).args(words).output().unwrap(),
        )
    }

    fn git(&self, place: &str, way: usize, order: &[(&str, String)], words: &[&str]) -> Answer {
        Answer::of(self.command("git", place, way, order).args(words).output().unwrap())
    }

    /// Git directory, common directory and worktree, as git finds them; none where it finds no repository.
    fn found_by_git(&self, place: &str, way: usize, order: &[(&str, String)]) -> Option<[Option<String>; 3]> {
        let words =
            ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--show-toplevel"];
        let answer = self.git(place, way, order, &words);
        // What has no worktree is told before git says so.
        let lines: Vec<String> = answer.out.lines().map(str::to_owned).collect();
        let real = |path: &String| {
            std::fs::canonicalize(path).map_or(path.clone(), |path| path.display().to_string())
        };
        match (lines.as_slice(), answer.code) {
            ([git, common, root], 0) => Some([Some(real(git)), Some(real(common)), Some(root.clone())]),
            ([git, common], _) if answer.err.contains("work tree") => {
                Some([Some(real(git)), Some(real(common)), None])
            }
            (_, code) => {
                assert_ne!(code, 0, "{answer:?}");
                None
            }
        }
    }

    /// The same, as we find it, and what we said.
    fn found_by_us(
        &self,
        place: &str,
        way: usize,
        order: &[(&str, String)],
    ) -> (Option<[Option<String>; 3]>, Answer) {
        let answer = self.ours(place, way, order, &["--json", "status"]);
        if answer.code != 0 {
            return (None, answer);
        }
        let found = answer.json()["repository"].clone();
        let text = |key: &str| found[key].as_str().map(str::to_owned);
        (Some([text("git_dir"), text("common_dir"), text("root")]), answer)
    }
}

/// Runs `check` for each of these, on as many threads as there are processors to wait for.
fn in_parallel<T: Sync>(all: &[T], check: impl Fn(usize, &T) + Sync) {
    std::thread::scope(|scope| {
        for part in 0..4 {
            let check = &check;
            scope.spawn(move || {
                all.iter().enumerate().skip(part).step_by(4).for_each(|(at, one)| check(at, one))
            });
        }
    });
}

#[test]
fn a_repository_is_found_where_git_finds_it() {
    let world = World::new();
    let orders = world.orders();
    let rows: Vec<(&str, &Vec<(&str, String)>)> =
        world.places.iter().flat_map(|place| orders.iter().map(move |order| (*place, order))).collect();
    assert!(rows.len() >= 150);
    let (wrong, agreed) = (Mutex::new(Vec::new()), Mutex::new(0));
    in_parallel(&rows, |at, (place, order)| {
        // Each row in one of the three ways; the next place has the same order in another one.
        let way = at + at / orders.len();
        let expected = world.found_by_git(place, way, order);
        let (found, answer) = world.found_by_us(place, way, order);
        if found == expected {
            *agreed.lock().unwrap() += usize::from(found.is_some());
        } else {
            wrong.lock().unwrap().push(format!(
                "{place} (way {}) {order:?}:\n  git  {expected:?}\n  ours {found:?} {} {}",
                way % 3,
                answer.code,
                answer.err
            ));
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let agreed = agreed.into_inner().unwrap();
    assert!(agreed >= 150, "only {agreed} repositories were found");
}

/// What the refs of every repository are, and every file of a board outside of the git directories.
fn state(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for directory in [
        "repo/.git",
        "hub.git",
        "apart.git",
        "outer/.git",
        "outer/.git/modules/inner",
        "pointed.git",
        "named/.git",
    ] {
        let words = ["--git-dir", directory, "for-each-ref", "--format=%(refname) %(objectname)"];
        let refs = world.sandbox.git_in(world.home(), &words);
        all.extend(refs.lines().map(|line| format!("{directory} {line}")));
    }
    let walk = walkdir::WalkDir::new(world.home()).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        entry.file_name() != ".git" && !entry.file_name().to_string_lossy().ends_with(".git")
    });
    all.extend(
        walk.flatten()
            .filter(|entry| entry.path().to_string_lossy().contains(".orchestrator"))
            .map(|entry| format!("{} {:?}", entry.path().display(), std::fs::read(entry.path()).ok())),
    );
    all
}

#[test]
fn a_change_is_made_where_git_would_make_it_or_nowhere() {
    let world = World::new();
    let orders = world.orders();
    let mut made = 0;
    let mut number = 0;
    for place in &world.places {
        for at in [0, 2, 4, 12, 14] {
            let order = &orders[at];
            number += 1;
            let before = state(&world);
            let found = world.found_by_git(place, number, order);
            let answer = world.ours(place, number, order, &["ws", "create", &format!("n{number}")]);
            let after = state(&world);
            let what = format!("{place} {order:?} {found:?} {answer:?}");
            if answer.code != 0 {
                assert_eq!(before, after, "{what}");
                continue;
            }
            made += 1;
            let [Some(git_dir), Some(common), root] = found.unwrap() else { panic!("{what}") };
            // One ref moved, of the repository that git finds here.
            let old: Vec<&String> =
                before.iter().filter(|line| line.contains(" refs/") && !after.contains(line)).collect();
            assert_eq!(old.len(), 1, "{what} {old:?}");
            let prefix = old[0].split(' ').next().unwrap();
            let moved = world.home().join(prefix).canonicalize().unwrap();
            assert_eq!(moved.display().to_string(), common, "{what}");
            // And what is checked out there follows, and nothing else: git has nothing to tell.
            let file = |root: &str| Path::new(root).join(format!(".orchestrator/workstreams/n{number}.yaml"));
            let there = after.iter().filter(|line| line.contains(&format!("n{number}.yaml"))).count();
            match &root {
                Some(root) => {
                    assert!(file(root).exists() && there == 1, "{what}");
                    let words = [
                        "--git-dir",
                        &git_dir,
                        "--work-tree",
                        root,
                        "status",
                        "--porcelain",
                        "--",
                        &format!(".orchestrator/workstreams/n{number}.yaml"),
                    ];
                    assert_eq!(world.sandbox.git_in(Path::new(root), &words), "", "{what}");
                }
                None => assert_eq!(there, 0, "{what}"),
            }
        }
    }
    assert!(made >= 40, "only {made} changes were made");
}

#[test]
fn a_relative_bare_repository_is_the_one_that_is_named() {
    let sandbox = Sandbox::board();
    sandbox.git(&["clone", "-q", "--bare", ".", "../hub.git"]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.run(&["-C", "../hub.git", "ws", "create", "there"]).ok();
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    assert!(sandbox.git(&["-C", "../hub.git", "log", "-1", "--format=%s"]).contains("there"));
}

#[test]
fn without_its_worktree_nothing_is_committed() {
    let sandbox = Sandbox::board();
    // Git itself stops where the configured worktree is not there.
    let git = |words: &[&str]| sandbox.git(&[&["--git-dir=.git", "--work-tree=."], words].concat());
    let head = || git(&["rev-parse", "HEAD"]);
    let before = head();
    let refused = |command: &mut Command, code: i32, word: &str| {
        let answer = Answer::of(command.output().unwrap()).code(code);
        assert!(answer.err.contains(word), "{word}: {answer:?}");
        assert_eq!(head(), before, "{answer:?}");
    };
    let words = ["t", "add", "w", "New"];
    refused(sandbox.command(&sandbox.root, &words).env("GIT_WORK_TREE", "/nonexistent"), 3, "/nonexistent");
    refused(sandbox.command(&sandbox.root.join(".git"), &words).env("LC_ALL", "C"), 3, "not known from here");
    refused(
        sandbox.command(&sandbox.root.join(".git"), &words).env("GIT_DIR", "."),
        3,
        "lies in the git directory",
    );
    git(&["config", "core.worktree", "../../elsewhere"]);
    refused(&mut sandbox.command(&sandbox.root, &words), 3, "elsewhere");
    // Relative to the git directory.
    git(&["config", "core.worktree", ".."]);
    sandbox.run(&words).ok();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    sandbox.git(&["config", "--unset", "core.worktree"]);
    // A worktree on a disk that is not there comes back as it was.
    sandbox.git(&["branch", "board"]);
    sandbox.git(&["worktree", "add", "-q", "--lock", "../away", "board"]);
    std::fs::rename(sandbox.root.join("../away"), sandbox.root.join("../hidden")).unwrap();
    let answer = sandbox.run(&["--board", "board", "t", "add", "w", "New"]).code(3);
    assert!(answer.err.contains("locked"), "{answer:?}");
    sandbox.git(&["worktree", "unlock", "../away"]);
    sandbox.run(&["--board", "board", "t", "add", "w", "New"]).ok();
}

/// What a link leads to may be packed; then git follows its name, and what opens repositories here does not.
#[test]
fn a_link_to_a_packed_branch_is_refused_with_the_way_out() {
    let sandbox = Sandbox::board();
    sandbox.git(&["config", "core.preferSymlinkRefs", "true"]);
    sandbox.git(&["switch", "-q", "-c", "topic"]);
    sandbox.git(&["pack-refs", "--all"]);
    let refused = sandbox.run(&["t", "add", "w", "New"]).code(4);
    assert!(refused.err.contains("a symbolic link to `refs/heads/topic`"), "{refused:?}");
    let hint = refused.err.lines().find_map(|line| line.strip_prefix("hint: git ")).unwrap();
    sandbox.git(&hint.split(' ').collect::<Vec<_>>());
    sandbox.run(&["t", "add", "w", "New"]).ok();
    assert_eq!(sandbox.git(&["rev-parse", "topic"]), sandbox.git(&["rev-parse", "HEAD"]));
}

#[test]
fn a_name_for_a_ref_is_followed_and_never_written_over() {
    let sandbox = Sandbox::board();
    sandbox.git(&["-c", "core.preferSymlinkRefs=true", "checkout", "-q", "-b", "topic"]);
    let head = sandbox.root.join(".git/HEAD");
    assert!(head.is_symlink(), "git makes a link");
    let answer = sandbox.run(&["t", "add", "w", "New"]).ok();
    assert!(!answer.err.contains("detached"), "{answer:?}");
    assert!(head.is_symlink());
    assert!(sandbox.git(&["log", "-1", "--format=%s", "topic"]).contains("New"));
    assert_eq!(sandbox.git(&["status", "--porcelain", "-b"]), "## topic\n");
    // A branch that is another name for a branch: git moves the other one.
    sandbox.git(&["symbolic-ref", "refs/heads/other", "refs/heads/main"]);
    sandbox.git(&["symbolic-ref", "HEAD", "refs/heads/other"]);
    sandbox.git(&["reset", "-q", "--hard"]);
    let before = sandbox.git(&["for-each-ref"]);
    sandbox.run(&["status"]).ok();
    let answer = sandbox.run(&["t", "add", "w", "New"]).code(4);
    assert!(answer.err.contains("`refs/heads/other` is a symbolic ref"), "{answer:?}");
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
    assert_eq!(sandbox.git(&["symbolic-ref", "refs/heads/other"]), "refs/heads/main\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    // An index that is a link.
    sandbox.git(&["switch", "-q", "main"]);
    std::fs::rename(sandbox.root.join(".git/index"), sandbox.root.join(".git/real")).unwrap();
    symlink("real", sandbox.root.join(".git/index")).unwrap();
    let answer = sandbox.run(&["t", "add", "w", "New"]).code(4);
    assert!(answer.err.contains("symbolic link"), "{answer:?}");
    assert!(sandbox.root.join(".git/index").is_symlink());
}

#[test]
fn a_configuration_behind_a_link_is_locked_and_written_where_it_is() {
    let sandbox = Sandbox::board();
    let at = |path: &str| sandbox.root.join(path);
    std::fs::create_dir(at(".git/shared")).unwrap();
    std::fs::rename(at(".git/config"), at(".git/shared/config")).unwrap();
    symlink("shared/config", at(".git/config")).unwrap();
    // As git does: who has the lock of what the link leads to keeps us out, and who has that of the link does not.
    let init = ["--timeout", "50ms", "init", "--board", "main"];
    std::fs::write(at(".git/shared/config.lock"), "").unwrap();
    let refused = sandbox.run(&init).code(3);
    assert!(refused.err.contains("shared/config.lock"), "{refused:?}");
    std::fs::rename(at(".git/shared/config.lock"), at(".git/config.lock")).unwrap();
    sandbox.run(&init).ok();
    std::fs::remove_file(at(".git/config.lock")).unwrap();
    assert_eq!(std::fs::read_link(at(".git/config")).unwrap().to_str(), Some("shared/config"));
    assert_eq!(sandbox.git(&["config", "orchestrator.board"]), "main\n");
    assert_eq!(std::fs::read_dir(at(".git/shared")).unwrap().count(), 1, "no lock is left");
    // On another file system there can be no lock of ours, and nothing is written without one.
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    if other.path().metadata().unwrap().dev() == sandbox.root.metadata().unwrap().dev() {
        return;
    }
    let config = std::fs::read(at(".git/config")).unwrap();
    std::fs::write(other.path().join("config"), &config).unwrap();
    std::fs::remove_file(at(".git/config")).unwrap();
    symlink(other.path().join("config"), at(".git/config")).unwrap();
    let refused = sandbox.run(&["init", "--board", "HEAD"]).code(4);
    assert!(refused.err.contains("is on another file system than the git directory"), "{refused:?}");
    assert_eq!(std::fs::read(at(".git/config")).unwrap(), config);
    sandbox.run(&["t", "add", "w", "New"]).ok();
}

#[test]
fn settings_of_a_command_line_count() {
    let sandbox = Sandbox::board();
    let bin = Path::new(env!("CARGO_BIN_EXE_orchestrator")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let author = |words: &[&str], order: &[(&str, &str)]| {
        let mut command = Command::new("git");
        command.args(words).args(["orchestrator", "t", "add", "w", "New"]).current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        command.env("PATH", &path).envs(order.iter().copied());
        Answer::of(command.output().unwrap()).ok();
        sandbox.git(&["log", "-1", "--format=%an, %cn"])
    };
    assert_eq!(author(&["-c", "user.name=Zed"], &[]), "Zed, Zed\n");
    assert_eq!(author(&[], &[("GIT_CONFIG_PARAMETERS", "'user.name=It'\\''s me'")]), "It's me, It's me\n");
    let counted =
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "author.name"), ("GIT_CONFIG_VALUE_0", "Eve")];
    assert_eq!(author(&[], &counted), "Eve, Ada\n");
    let global = sandbox.home().join("global");
    std::fs::write(&global, "[committer]\n\tname = Glo\n").unwrap();
    assert_eq!(author(&[], &[("GIT_CONFIG_GLOBAL", global.to_str().unwrap())]), "Ada, Glo\n");
    // Signing too: what does not sign commits nothing.
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    let mut command = sandbox.command(&sandbox.root, &["t", "add", "w", "New"]);
    command.env("GIT_CONFIG_PARAMETERS", "'commit.gpgsign=true' 'gpg.program'='false'");
    assert_ne!(Answer::of(command.output().unwrap()).code, 0);
    let mut command = sandbox.command(&sandbox.root, &["t", "add", "w", "New"]);
    let answer = Answer::of(command.env("GIT_CONFIG_PARAMETERS", "nonsense").output().unwrap()).code(4);
    assert!(answer.err.contains("GIT_CONFIG_PARAMETERS"), "{answer:?}");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
}

#[test]
fn a_push_is_read_before_it_is_accepted_and_nothing_changes_meanwhile() {
    let sandbox = Sandbox::board();
    sandbox.git(&["clone", "-q", "--bare", ".", "../hub.git"]);
    let hub = sandbox.root.parent().unwrap().join("hub.git");
    let hook = hub.join("hooks/pre-receive");
    let bin = env!("CARGO_BIN_EXE_orchestrator");
    let text = format!(
        "#!/bin/sh\nread old new ref\n'{bin}' check $old..$new && '{bin}' diff $old..$new && '{bin}' --at $new t list w || exit 1\n\
         '{bin}' t add w mine; echo \"change: $?\"\n"
    );
    std::fs::write(&hook, text).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let push = || {
        let mut command = Command::new("git");
        command.args(["push", "-q", "../hub.git", "main"]).current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        Answer::of(command.output().unwrap())
    };
    sandbox.add("Pay the bill");
    let answer = push().ok();
    assert!(answer.err.contains("Pay the bill") && answer.err.contains("change: 4"), "{answer:?}");
    assert!(answer.err.contains("a push is being received"), "{answer:?}");
    assert_eq!(sandbox.git_in(&hub, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    // A broken board is rejected by the same hook, from objects that are not in the repository yet.
    sandbox.write(".orchestrator/workstreams/w.yaml", "name: [\n");
    sandbox.git(&["commit", "-qam", "A slip"]);
    assert_ne!(push().code, 0);
    let own = hub.join("objects");
    let mut command = sandbox.command(&sandbox.root, &["t", "add", "w", "New"]);
    let answer = Answer::of(command.env("GIT_OBJECT_DIRECTORY", own).output().unwrap());
    assert_ne!(answer.code, 0, "{answer:?}");
}

#[test]
fn a_change_waits_for_no_commit_that_is_made_from_another_index() {
    let sandbox = Sandbox::board();
    let hook = sandbox.root.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(
        &hook,
        format!("#!/bin/sh\n'{}' t add w hooked; echo \"change: $?\"\n", env!("CARGO_BIN_EXE_orchestrator")),
    )
    .unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.write("src.txt", "two\n");
    let mut command = Command::new("git");
    command.args(["commit", "-am", "All"]).current_dir(&sandbox.root);
    hermetic(&mut command, sandbox.home());
    let answer = Answer::of(command.output().unwrap()).ok();
    let told = format!("{}{}", answer.out, answer.err);
    assert!(told.contains("change: 4") && told.contains("GIT_INDEX_FILE"), "{told}");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    // The index of the worktree by its own name is no other one.
    let mut command = sandbox.command(&sandbox.root, &["t", "add", "w", "New"]);
    Answer::of(command.env("GIT_INDEX_FILE", ".git/index").output().unwrap()).ok();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_executable_file_of_the_board_stays_one() {
    for file_mode in ["true", "false"] {
        let sandbox = Sandbox::board();
        let id = sandbox.add("Pay");
        let file = format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
        sandbox.git(&["update-index", "--chmod=+x", &file]);
        sandbox.git(&["commit", "-q", "-m", "Executable"]);
        sandbox.git(&["checkout", "-q", "--", "."]);
        sandbox.git(&["reset", "-q", "--hard"]);
        sandbox.git(&["config", "core.fileMode", file_mode]);
        sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
        assert!(sandbox.git(&["ls-tree", "HEAD", &file]).starts_with("100755"));
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "core.fileMode={file_mode}");
    }
}

#[test]
fn what_git_rewrites_is_named_by_its_attribute() {
    let sandbox = Sandbox::board();
    sandbox.run(&["kb", "write", "k", "see $Id$"]).ok();
    let again = || {
        std::fs::remove_dir_all(sandbox.root.join(".orchestrator")).unwrap();
        sandbox.git(&["checkout", "-q", "--", ".orchestrator"]);
    };
    // What a file of the repository asks for is switched off by the board's own.
    sandbox.write(
        ".gitattributes",
        "* ident\n* text=auto eol=crlf\n.orchestrator/** working-tree-encoding=UTF-16LE\n",
    );
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-q", "-m", "Attributes"]);
    again();
    sandbox.run(&["kb", "write", "k", "more $Id$"]).ok();
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
    // What the repository's own file of attributes asks for is not, and is named.
    let own = sandbox.root.join(".git/info/attributes");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    for (line, attribute) in [("* text=auto eol=crlf\n", "text=auto"), ("* ident\n", "ident")] {
        std::fs::write(&own, format!("# Ours\n{line}")).unwrap();
        again();
        let answer = sandbox.run(&["kb", "write", "k", "again $Id$"]).code(3);
        assert!(answer.err.contains(&format!("attribute `{attribute}`")), "{answer:?}");
        assert!(answer.err.contains("info/attributes:2"), "{answer:?}");
        // To git nothing has changed there, so its status would not lead on.
        assert!(answer.err.contains("hint: orchestrator doctor"), "{answer:?}");
        let told = sandbox.run(&["doctor"]).code(1);
        assert!(told.out.contains("info/attributes:2") && told.out.contains(attribute), "{told:?}");
    }
    std::fs::write(&own, "* ident\n.orchestrator/** -text -filter -ident -working-tree-encoding\n").unwrap();
    again();
    sandbox.run(&["kb", "write", "k", "again $Id$"]).ok();
    // What somebody edited is that, and no attribute's doing.
    sandbox.write(".orchestrator/knowledge/k.md", "edited\n");
    assert!(sandbox.run(&["kb", "write", "k", "x"]).code(3).err.contains("it was edited"));
}

#[test]
fn a_ref_in_the_way_is_named_and_a_branch_that_git_would_not_make_is_refused() {
    let sandbox = Sandbox::new();
    for name in ["@", "-x", "a..b", "refs/heads/HEAD", "a.lock", "@{-1}", ""] {
        let answer = sandbox.run(&["init", &format!("--board={name}")]);
        assert_ne!(answer.code, 0, "{name}: {answer:?}");
    }
    assert_eq!(sandbox.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main\n");
    for is_packed in [false, true] {
        sandbox.git(&["branch", "-f", "a/b", "main"]);
        if is_packed {
            sandbox.git(&["pack-refs", "--all"]);
        }
        let answer = sandbox.run(&["init", "--board", "a"]).code(4);
        assert!(answer.err.contains("`refs/heads/a/b`"), "{answer:?}");
        let answer = sandbox.run(&["init", "--board", "a/b/c"]).code(4);
        assert!(answer.err.contains("`refs/heads/a/b`"), "{answer:?}");
    }
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    for is_packed in [false, true] {
        sandbox.git(&["update-ref", "refs/orchestrator/claims", "HEAD"]);
        if is_packed {
            sandbox.git(&["pack-refs", "--all"]);
        }
        let answer = sandbox.run(&["t", "claim", "w", &id, "ada"]).code(4);
        assert!(answer.err.contains("`refs/orchestrator/claims`"), "{answer:?}");
        assert!(!sandbox.run(&["doctor"]).out.contains("journal"));
    }
    sandbox.git(&["update-ref", "-d", "refs/orchestrator/claims"]);
    sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
}

#[test]
fn what_is_made_in_a_shared_repository_has_the_modes_of_git() {
    use std::os::unix::fs::PermissionsExt as _;
    for (value, file, object, directory) in
        [("group", 0o660, 0o440, 0o2770), ("all", 0o664, 0o444, 0o2775), ("0640", 0o640, 0o440, 0o2750)]
    {
        let sandbox = Sandbox::board();
        sandbox.git(&["config", "core.sharedRepository", value]);
        let before = std::time::SystemTime::now();
        let line = format!(
            "umask 077; '{0}' t add w New && '{0}' -q t next w ada && '{0}' l acquire git ada && '{0}' l release git ada",
            env!("CARGO_BIN_EXE_orchestrator")
        );
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        Answer::of(command.output().unwrap()).ok();
        let mut seen = 0;
        for entry in walkdir::WalkDir::new(sandbox.root.join(".git")).into_iter().flatten() {
            let meta = entry.metadata().unwrap();
            let is_new = meta.created().is_ok_and(|made| made >= before);
            // What was there before keeps the mode that it has.
            if !is_new || entry.path().ends_with("config") {
                continue;
            }
            let path = entry.path().to_string_lossy().into_owned();
            let mode = meta.permissions().mode() & 0o7777;
            let expected = match (meta.is_dir(), path.contains("/objects/")) {
                (true, _) => directory,
                (false, true) => object,
                (false, false) => file,
            };
            assert_eq!(mode & expected, expected, "{value}: {path} has {mode:o}, not {expected:o}");
            seen += 1;
        }
        assert!(seen > 10, "{seen}");
    }
}
