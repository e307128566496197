//! The command line: grammar, help, and nothing else.
//!
//! Help texts, completions and man pages all grow from these definitions. They are long because the grammar is; they
//! hold no logic. Subcommands stand in [`Pruned`]: of the sixty commands only those are made that the words name.

#![allow(rustdoc::invalid_html_tags, rustdoc::broken_intra_doc_links)] // What stands in help texts is words, not links.

pub mod agent;
pub mod knowledge;
pub mod lock;
mod number;
pub mod task;
pub mod workstream;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::prune::Pruned;
use agent::Agent;
use knowledge::Knowledge;
use lock::Lock;
use number::{count, up_to, whole};
use task::Task;
use workstream::Workstream;

const EXIT_CODES: &str = "\
Exit codes: 0 done, or already so · 1 refused, or a negative answer · 2 usage · 3 contended: try again ·
            4 no board here, or one this version can't write · 5 damaged data · 70 a bug ·
            74 done, but the answer could not be printed";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Yellow.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Coordinate many agents in one git repository, with nothing but git.
///
/// Tasks, agents and knowledge are small files under .orchestrator/; every change is one commit, git history
/// is the event log, and refs are the locks.
#[derive(Parser, Debug)]
#[command(name = "orchestrator", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Pruned<Command>,
}

/// What every command takes.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Run as if started in this directory
    #[arg(id = "start", short = 'C', value_name = "PATH", global = true, value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Print one JSON document instead of text; errors are JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Who acts (default: the agent in the arguments, else `system`)
    #[arg(id = "actor", long = "agent", global = true, env = "ORCHESTRATOR_AGENT", value_name = "AGENT", hide_env_values = true,
          add = ArgValueCandidates::new(complete::agents))]
    pub agent: Option<OsString>,
    /// Which of these options stand in the arguments themselves.
    #[arg(skip)]
    pub typed: Typed,
    /// Which board: a branch, or HEAD (default: git config orchestrator.board, else HEAD's)
    #[arg(long, global = true, env = "ORCHESTRATOR_BOARD", value_name = "BRANCH", hide_env_values = true)]
    pub board: Option<OsString>,
    /// Read the board as of a commit, branch or tag, a time (2026-02-06T07:37:39Z), a date, or an age with its unit
    /// (90m, 2h, 3d)
    #[arg(long, global = true, value_name = "REVISION|TIME")]
    pub at: Option<String>,
    /// How long to wait for other processes: 500ms, 90s, 5m, 2h; up to 7d, and a bare number is seconds
    #[arg(long, global = true, value_name = "TIME", default_value = "30s")]
    pub timeout: String,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Nothing but the answer: no remarks on stderr, no next steps
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The options of every command that stand in the words of a command line, rather than in the environment or nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(Vec<&'static str>);

impl Typed {
    /// The options that can be asked for, by their ids.
    pub const IDS: [&str; 5] = ["start", "actor", "board", "at", "timeout"];

    /// Those of which `is_typed` says so.
    pub fn of(is_typed: impl Fn(&str) -> bool) -> Self {
        Self(Self::IDS.into_iter().filter(|id| is_typed(id)).collect())
    }

    /// Whether the option of this id is one of them.
    pub fn has(&self, id: &str) -> bool {
        self.0.contains(&id)
    }
}

/// When output is coloured.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Set a board up in this repository
    #[command(
        after_help = "Examples:\n  orchestrator init\n  orchestrator init --board orchestrator\n  orchestrator init --from .orchestrator\n  orchestrator init --ci github"
    )]
    Init(Init),
    /// Show the whole board: work, agents, locks, what happened last
    #[command(visible_alias = "s")]
    Status,
    /// Workstreams: create, list, show, update
    #[command(visible_alias = "ws", subcommand)]
    Workstream(Pruned<Workstream>),
    /// Tasks: add, next, claim, complete, …
    #[command(visible_alias = "t", subcommand)]
    Task(Pruned<Task>),
    /// Agents: register, heartbeat, list
    #[command(visible_alias = "a", subcommand)]
    Agent(Pruned<Agent>),
    /// Locks on anything with a name: acquire, release, list, show
    #[command(visible_alias = "l", subcommand)]
    Lock(Pruned<Lock>),
    /// Knowledge: write, read, list, delete, search
    #[command(visible_alias = "kb", subcommand)]
    Knowledge(Pruned<Knowledge>),
    /// Show the event log, oldest first; --agent shows one agent's
    #[command(
        visible_alias = "e",
        after_help = "Examples:\n  orchestrator events --last 50\n  orchestrator events --task 299833bc --json\n  orchestrator events --agent agent-1 --since 2h"
    )]
    Events(Events),
    /// Log an event of your own
    #[command(subcommand)]
    Event(Pruned<Event>),
    /// Tell the story of one task, topic, workstream, lock or agent, oldest first
    ///
    /// Each change in words: who, when, in which commit, and each field old and new. What has moved, changed its title
    /// or been deleted is told too.
    #[command(
        after_help = "Examples:\n  orchestrator log 299833bc\n  orchestrator log topic:api/errors --json\n\nA name that may mean several is told apart by task:, topic:, workstream:, lock: or agent:."
    )]
    Log {
        /// A task's id or its first digits, a topic, a workstream, a lock, an agent
        #[arg(value_name = "WHAT", add = ArgValueCandidates::new(complete::tasks))]
        what: String,
    },
    /// Undo a change by a new one; history stays as it is
    ///
    /// Without an argument: your last change (--agent), or the board's last one, whole; each further undo goes one
    /// step back. An undo can be undone by its own event's id. Refused where something has been built on the change.
    #[command(
        after_help = "Examples:\n  orchestrator undo\n  orchestrator undo --agent agent-1\n  orchestrator undo 019c31c0-4490-70df-bc60-4165cd0ac750\n\nExit 1: there is nothing to undo, or something depends on it."
    )]
    Undo {
        /// The id of an event or of a commit, or the beginning of it (orchestrator log, orchestrator events --json)
        #[arg(value_name = "EVENT|COMMIT")]
        what: Option<String>,
    },
    /// Do many things in one commit, all or none: one request a line on standard input
    ///
    /// A request is the words of a command as a JSON array; the word @N stands for the id that the request in line N,
    /// an earlier one, got (@@N is the text @N). Answers come in order, a JSON document a line. If one request is
    /// refused, nothing is done. At most 10,000 requests, 8 MiB each, 64 MiB together.
    #[command(
        after_help = "Example:\n  orchestrator batch <<'END'\n  [\"task\", \"add\", \"revenue\", \"Add payments\"]\n  [\"task\", \"add\", \"revenue\", \"Test them\", \"--depends-on\", \"@1\"]\n  [\"task\", \"claim\", \"@1\", \"--agent\", \"agent-1\"]\n  END\n\nCommands: workstream, task, agent register, lock acquire and release, knowledge write and delete, event log."
    )]
    Batch,
    /// Propose what may run in parallel, and name what must not
    #[command(visible_alias = "p")]
    Plan,
    /// Write the brief of a workstream's best task, for an agent to start from
    #[command(
        visible_alias = "b",
        after_help = "Examples:\n  orchestrator brief revenue\n  orchestrator brief revenue --task 299833bc --budget 8000\n\nExit 1: nothing is pending."
    )]
    Brief(Brief),
    /// Report what was completed in this cycle, and begin the next one
    #[command(visible_alias = "c")]
    Collect(Collect),
    /// Show what changed on the board, in words: for who reviews a branch or a pull request
    ///
    /// Tasks created, claimed, completed, moved; each field, old and new; knowledge by lines; who did it in which
    /// commits; and what a reviewer should look at. Default: since the board parted from the branch that it is to be
    /// merged into (its upstream, or the default branch).
    #[command(
        after_help = "Examples:\n  orchestrator diff\n  orchestrator diff main..feature\n  orchestrator diff origin/main...HEAD --format markdown > comment.md"
    )]
    Diff(Diff),
    /// Check that a board is valid, for CI: every file, every reference, and what a range did to it
    ///
    /// Works on any commit, in a bare repository and in a shallow clone; nothing is checked out. With a range also:
    /// whether transitions were legal, claims held, and epochs only grew.
    #[command(
        after_help = "Examples:\n  orchestrator check\n  orchestrator check origin/main...HEAD --format github\n  orchestrator check v1.2 --format sarif > board.sarif\n\nExit 0: valid, warnings or not. Exit 5: an error; path, line and column are named."
    )]
    Check(Check),
    /// Export in the predecessor's formats
    #[command(subcommand)]
    Export(Pruned<Export>),
    /// Import a data directory of the predecessor, in one commit
    #[command(
        after_help = "Examples:\n  orchestrator import .orchestrator-old\n  orchestrator import --state state.json --events events.jsonl --knowledge knowledge"
    )]
    Import(Import),
    /// Run git under the lock, so that a commit never collides with a change of the board
    #[command(
        after_help = "Example:\n  orchestrator git -- commit -am 'Add payments'\n\nExit code: git's own."
    )]
    Git(Git),
    /// Merge a file of the board field by field, as git asks for it; `init` registers it
    ///
    /// The result replaces OURS. What can't be decided is left there between conflict markers.
    #[command(
        hide = true,
        after_help = "Example, which is what `orchestrator init` tells git (see git help attributes):\n  git config merge.orchestrator.driver 'orchestrator merge-driver %O %A %B %P'\n\nExit 1: a conflict is left. Above 1: OURS was not touched."
    )]
    MergeDriver(MergeDriver),
    /// Prove from history that log and state agree
    ///
    /// Each event is held against the difference that its commit makes, each change of the board against the events
    /// that tell of it, each record of a claim or lock against the one before it.
    #[command(
        after_help = "Examples:\n  orchestrator verify\n  orchestrator verify main..HEAD --signatures require\n\nErrors are what no honest use leaves, warnings what was done past this program, notes what can't be told from\nhonest use. With a range only its commits are looked at, and no records of claims and locks.\n\nExit 5: there are errors; with --strict, also warnings."
    )]
    Verify(Verify),
    /// Find what is wrong with this repository for our purpose, and say what to do
    #[command(
        after_help = "Exit 1: something is wrong. Exit 5: files of the board can't be read. Nothing is changed without --fix or --new-archive."
    )]
    Doctor {
        /// Recover what a command of ours left that died; nothing of anybody else's is touched
        #[arg(long)]
        fix: bool,
        /// Begin the archive of finished claims anew, where it can't be read, with what can still be read of it
        #[arg(long, conflicts_with = "fix")]
        new_archive: bool,
    },
    /// Play a short scene with several agents in a throw-away repository
    Demo(Demo),
    /// Prove the promises on this machine: processes race, die and meet plain git
    #[command(
        after_help = "Examples:\n  orchestrator selftest\n  orchestrator selftest --agents 16 --worktrees 4 --kill\n  orchestrator selftest --repo . --rounds 2\n\nExit 1: something was violated. Your own repository is only cloned, never changed."
    )]
    Selftest(Selftest),
    /// Print the completion script of a shell
    #[command(after_help = "Example:\n  source <(orchestrator completions bash)")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: String,
    },
    /// Write man pages into a directory
    Man {
        /// Where; made if it is not there
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
}

#[derive(Args, Debug)]
pub struct Init {
    /// Import a data directory of the predecessor; the originals are kept aside, untracked
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub names: Names,
    /// Plant the workflow that checks and shows task changes in pull requests; nothing of yours is overwritten
    #[arg(long, value_name = "HOST", value_enum)]
    pub ci: Option<Ci>,
}

/// Whose CI.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ci {
    /// .github/workflows/orchestrator.yml
    Github,
    /// .gitlab/orchestrator.yml, and .gitlab-ci.yml if there is none
    Gitlab,
}

// What to do about names that are not legal here. No doc comment: it would be taken for the help of the commands that
// this is a part of.
#[allow(missing_docs)]
#[derive(Args, Debug, Default)]
pub struct Names {
    /// Import a name under another one; may be repeated
    #[arg(long, value_name = "OLD=NEW", allow_hyphen_values = true)]
    pub rename: Vec<String>,
    /// Import each bad name under the nearest good one
    #[arg(long)]
    pub slugify: bool,
}

#[derive(Args, Debug)]
pub struct Events {
    /// How many, from 1
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = count)]
    pub last: usize,
    /// Only of this action
    #[arg(long)]
    pub action: Option<String>,
    /// Since a time (2026-02-06T07:37:39Z), a date, or an age with its unit (90m, 2h, 3d)
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only of this task
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub task: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum Event {
    /// Log an event: an agent, one word, and fields
    #[command(
        after_help = "Examples:\n  orchestrator event log agent-1 deployed url=https://example.org\n  orchestrator event log agent-1 measured --data '{\"ms\": 12}'"
    )]
    Log {
        /// Whose
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        agent: String,
        /// One word
        action: String,
        /// key=value, the value is text
        fields: Vec<String>,
        /// Further fields as a JSON object
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
    },
}

#[derive(Args, Debug)]
pub struct Brief {
    /// Of which
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: String,
    /// This task instead of the best one
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub task: Option<String>,
    /// At most so many characters; says what was left out
    #[arg(long, value_name = "N", value_parser = count)]
    pub budget: Option<usize>,
}

#[derive(Args, Debug)]
pub struct Collect {
    /// Since a time, a date or an age, instead of the last collect; leaves no event
    #[arg(long, value_name = "T", conflicts_with = "all")]
    pub since: Option<String>,
    /// Everything that is done; leaves no event
    #[arg(long)]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct Diff {
    /// base..head, base...head (since they parted), or a revision to compare the board with
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// As what; markdown is for a comment on a pull request, below 60,000 characters
    #[arg(long, value_enum, default_value_t = DiffFormat::Text, value_name = "FORMAT")]
    pub format: DiffFormat,
}

/// As what a difference is shown.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffFormat {
    /// For a terminal.
    Text,
    /// For a comment: safe against mentions, images and HTML in what others wrote.
    Markdown,
    /// Everything; as --json.
    Json,
}

#[derive(Args, Debug)]
pub struct Check {
    /// A revision (default: the board), base..head, or base...head (since they parted)
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// As what
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT")]
    pub format: CheckFormat,
}

/// As what the flaws of a board are shown.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFormat {
    /// path:line:column: code: sentence
    Text,
    /// As --json.
    Json,
    /// Workflow commands of GitHub: each shows at its line in the pull request.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

#[derive(Subcommand, Debug)]
pub enum Export {
    /// Print the state as the predecessor's state.json
    State(SkipDamaged),
    /// Print the events as the predecessor's events.jsonl
    Events(SkipDamaged),
    /// Write a data directory that the predecessor reads
    All {
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
        #[command(flatten)]
        skip: SkipDamaged,
    },
}

#[derive(Args, Debug)]
pub struct SkipDamaged {
    /// Export what can be read although something can't be, and name on stderr what is left out. Without it such an export is refused (exit 5) and nothing is written
    #[arg(long)]
    pub skip_damaged: bool,
}

#[derive(Args, Debug)]
pub struct Import {
    /// The data directory (default: $ORCHESTRATOR_DIR)
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Its state.json, wherever it is
    #[arg(long, value_name = "F", conflicts_with = "directory")]
    pub state: Option<PathBuf>,
    /// Its events.jsonl
    #[arg(long, value_name = "F", requires = "state")]
    pub events: Option<PathBuf>,
    /// Its knowledge directory
    #[arg(long, value_name = "DIR", requires = "state")]
    pub knowledge: Option<PathBuf>,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// `a..b`, or a revision with all before it (default: all of the board, and its claims and locks)
    pub range: Option<String>,
    /// Check signatures as `git verify-commit` does: count them, or refuse what has no good one
    #[arg(long, value_name = "WHAT", value_parser = ["require", "report"])]
    pub signatures: Option<String>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// List each note, rather than count them
    #[arg(long)]
    pub notes: bool,
    /// How far clocks may differ, up to 365d
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub slack: String,
}

#[derive(Args, Debug)]
pub struct Git {
    /// What git is to do
    #[arg(required = true, last = true, value_name = "GIT ARGUMENTS")]
    pub arguments: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct MergeDriver {
    /// The version both sides come from (%O); an empty file if there is none
    pub base: PathBuf,
    /// Our version (%A); the result goes here
    pub ours: PathBuf,
    /// The other version (%B)
    pub theirs: PathBuf,
    /// The path of the merged file from the repository's root (%P)
    pub path: String,
    /// How many characters a conflict marker has (%L)
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = up_to::<{ u16::MAX }>)]
    pub marker_size: u16,
    /// What our side is called in conflict markers (%X)
    #[arg(long = "ours", value_name = "LABEL", default_value = "ours")]
    pub our_label: String,
    /// What the base is called (%S)
    #[arg(long = "base", value_name = "LABEL", default_value = "base")]
    pub base_label: String,
    /// What the other side is called (%Y)
    #[arg(long = "theirs", value_name = "LABEL", default_value = "theirs")]
    pub their_label: String,
}

#[derive(Args, Debug)]
pub struct Selftest {
    /// Try it in a clone of this repository (default: one that is made for it)
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub repo: Option<PathBuf>,
    /// How many agents run at once
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = up_to::<256>)]
    pub agents: u16,
    /// Over how many worktrees they are spread
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = up_to::<64>)]
    pub worktrees: u16,
    /// How many times, each in a repository of its own; the two placements of the board take turns
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = up_to::<{ u16::MAX }>)]
    pub rounds: u16,
    /// How many calls each agent makes in a round
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = up_to::<{ u16::MAX }>)]
    pub calls: u16,
    /// Kill every tenth call at a random point
    #[arg(long)]
    pub kill: bool,
    /// Repeat the choices of an earlier trial
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = whole::<u64>)]
    pub seed: u64,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Make the repository here, and keep it (default: a temporary directory, kept too)
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}
