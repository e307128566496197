//! What git reads besides the files of a repository counts here too, or the command is refused with nothing written.
//!
//! Where a command finds its repository is compared with `git rev-parse`, place by place and variable by variable: another
//! answer than git's would write into another repository than the one that was meant.

use std::os::unix::fs::symlink;
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
