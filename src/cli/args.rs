//! The command line: grammar, help, and nothing else.
//!
//! Help texts, completions and man pages all grow from these definitions. The file is long because the
//! grammar is; it holds no logic.

#![allow(rustdoc::invalid_html_tags, rustdoc::broken_intra_doc_links)] // What stands in help texts is words, not links.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::lazy::Lazy;

const EXIT_CODES: &str = "\
Exit codes: 0 done, or already so · 1 refused, or a negative answer · 2 usage · 3 contended: try again ·
            4 no board here, or one this version can't write · 5 damaged data · 70 a bug";

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
    pub command: Lazy<Command>,
}

/// What every command takes.
#[derive(Args, Debug, Clone)]
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
    pub agent: Option<String>,
    /// Whether it stands in the arguments, and not in the environment.
    #[arg(skip)]
    pub agent_is_typed: bool,
    /// Which board: a branch, or HEAD (default: git config orchestrator.board, else HEAD's)
    #[arg(long, global = true, env = "ORCHESTRATOR_BOARD", value_name = "BRANCH", hide_env_values = true)]
    pub board: Option<String>,
    /// Read the board as of a commit, branch or tag, a time (2026-02-06T07:37:39Z), a date, or an age (2h)
    #[arg(long, global = true, value_name = "REVISION|TIME")]
    pub at: Option<String>,
    /// How long to wait for other processes
    #[arg(long, global = true, value_name = "TIME", default_value = "30s")]
    pub timeout: String,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Nothing but the answer: no remarks on stderr, no next steps
    #[arg(short, long, global = true)]
    pub quiet: bool,
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
    Init(Lazy<Init>),
    /// Show the whole board: work, agents, locks, what happened last
    #[command(visible_alias = "s")]
    Status,
    /// Workstreams: create, list, show, update
    #[command(visible_alias = "ws", subcommand)]
    Workstream(Lazy<Workstream>),
    /// Tasks: add, next, claim, complete, …
    #[command(visible_alias = "t", subcommand)]
    Task(Lazy<Task>),
    /// Agents: register, heartbeat, list
    #[command(visible_alias = "a", subcommand)]
    Agent(Lazy<Agent>),
    /// Locks on anything with a name: acquire, release, list, show
    #[command(visible_alias = "l", subcommand)]
    Lock(Lazy<Lock>),
    /// Knowledge: write, read, list, delete, search
    #[command(visible_alias = "kb", subcommand)]
    Knowledge(Lazy<Knowledge>),
    /// Show the event log, oldest first; --agent shows one agent's
    #[command(
        visible_alias = "e",
        after_help = "Examples:\n  orchestrator events --last 50\n  orchestrator events --task 299833bc --json\n  orchestrator events --agent agent-1 --since 2h"
    )]
    Events(Lazy<Events>),
    /// Log an event of your own
    #[command(subcommand)]
    Event(Lazy<Event>),
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
    /// A request is the words of a command as a JSON array; @N in a word stands for the id that the request in
    /// line N got. Answers come in order, a JSON document a line. If one request is refused, nothing is done.
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
    Brief(Lazy<Brief>),
    /// Report what was completed in this cycle, and begin the next one
    #[command(visible_alias = "c")]
    Collect(Lazy<Collect>),
    /// Show what changed on the board, in words: for who reviews a branch or a pull request
    ///
    /// Tasks created, claimed, completed, moved; each field, old and new; knowledge by lines; who did it in which
    /// commits; and what a reviewer should look at. Default: since the board parted from the branch that it is to be
    /// merged into (its upstream, or the default branch).
    #[command(
        after_help = "Examples:\n  orchestrator diff\n  orchestrator diff main..feature\n  orchestrator diff origin/main...HEAD --format markdown > comment.md"
    )]
    Diff(Lazy<Diff>),
    /// Check that a board is valid, for CI: every file, every reference, and what a range did to it
    ///
    /// Works on any commit, in a bare repository and in a shallow clone; nothing is checked out. With a range also:
    /// whether transitions were legal, claims held, and epochs only grew.
    #[command(
        after_help = "Examples:\n  orchestrator check\n  orchestrator check origin/main...HEAD --format github\n  orchestrator check v1.2 --format sarif > board.sarif\n\nExit 0: valid, warnings or not. Exit 5: an error; path, line and column are named."
    )]
    Check(Lazy<Check>),
    /// Export in the predecessor's formats
    #[command(subcommand)]
    Export(Lazy<Export>),
    /// Import a data directory of the predecessor, in one commit
    #[command(
        after_help = "Examples:\n  orchestrator import .orchestrator-old\n  orchestrator import --state state.json --events events.jsonl --knowledge knowledge"
    )]
    Import(Lazy<Import>),
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
    MergeDriver(Lazy<MergeDriver>),
    /// Prove from history that log and state agree
    ///
    /// Each event is held against the difference that its commit makes, each change of the board against the events
    /// that tell of it, each record of a claim or lock against the one before it.
    #[command(
        after_help = "Examples:\n  orchestrator verify\n  orchestrator verify main..HEAD --signatures require\n\nErrors are what no honest use leaves, warnings what was done past this program, notes what can't be told from\nhonest use. With a range only its commits are looked at, and no records of claims and locks.\n\nExit 5: there are errors; with --strict, also warnings."
    )]
    Verify(Lazy<Verify>),
    /// Find what is wrong with this repository for our purpose, and say what to do
    #[command(after_help = "Exit 1: something is wrong. Nothing is changed without --fix.")]
    Doctor {
        /// Recover what a command of ours left that died; nothing of anybody else's is touched
        #[arg(long)]
        fix: bool,
    },
    /// Play a short scene with several agents in a throw-away repository
    Demo(Lazy<Demo>),
    /// Prove the promises on this machine: processes race, die and meet plain git
    #[command(
        after_help = "Examples:\n  orchestrator selftest\n  orchestrator selftest --agents 16 --worktrees 4 --kill\n  orchestrator selftest --repo . --rounds 2\n\nExit 1: something was violated. Your own repository is only cloned, never changed."
    )]
    Selftest(Lazy<Selftest>),
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

/// What to do about names that are not legal here.
#[derive(Args, Debug, Default)]
pub struct Names {
    /// Import a name under another one; may be repeated
    #[arg(long, value_name = "OLD=NEW")]
    pub rename: Vec<String>,
    /// Import each bad name under the nearest good one
    #[arg(long)]
    pub slugify: bool,
}

#[derive(Subcommand, Debug)]
pub enum Workstream {
    /// Create a workstream
    #[command(after_help = "Example:\n  orchestrator ws create revenue \"Revenue generation\" 1")]
    Create {
        /// Letters, digits, `.`, `_`, `-`; at most 64
        name: String,
        /// What it is about
        description: Option<String>,
        /// 1 is the highest that is usual, 0 is higher still
        #[arg(default_value_t = 5, allow_negative_numbers = true)]
        priority: i64,
    },
    /// List workstreams with the counts of their tasks
    #[command(visible_alias = "ls")]
    List,
    /// Show a workstream with its tasks
    Show {
        #[arg(add = ArgValueCandidates::new(complete::workstreams))]
        name: String,
    },
    /// Change a workstream
    Update {
        #[arg(add = ArgValueCandidates::new(complete::workstreams))]
        name: String,
        #[arg(long)]
        description: Option<String>,
        #[arg(long, allow_negative_numbers = true)]
        priority: Option<i64>,
        /// `closed`: nothing is added to it or handed out from it
        #[arg(long, value_parser = ["active", "closed"])]
        status: Option<String>,
    },
}

#[derive(Subcommand, Debug)]
pub enum Task {
    /// Add a task
    #[command(
        after_help = "Examples:\n  orchestrator t add revenue \"Add payments to API\" \"Integrate USDC\" 1\n  orchestrator t add revenue \"Test them\" --depends-on 299833bc --label api"
    )]
    Add {
        #[arg(add = ArgValueCandidates::new(complete::workstreams))]
        workstream: String,
        /// One line
        title: String,
        /// Any text
        description: Option<String>,
        /// 1 is the highest that is usual, 0 is higher still
        #[arg(default_value_t = 5, allow_negative_numbers = true)]
        priority: i64,
        /// Free text, such as 2h
        #[arg(long, value_name = "E")]
        estimate: Option<String>,
        /// A task that must be done first; may be repeated
        #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
        depends_on: Vec<String>,
        /// A free word; may be repeated
        #[arg(long, value_name = "L")]
        label: Vec<String>,
    },
    /// List tasks by priority
    #[command(visible_alias = "ls")]
    List {
        /// All workstreams if left out
        #[arg(add = ArgValueCandidates::new(complete::workstreams))]
        workstream: Option<String>,
        #[arg(long, value_parser = crate::model::Status::WORDS)]
        status: Option<String>,
        /// Only those assigned to this agent; --agent does the same here
        #[arg(long = "assigned-to", value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
        assigned_to: Option<String>,
        #[arg(long)]
        label: Option<String>,
    },
    /// Show a task: dependencies, knowledge, history
    Show {
        /// Its id, or the first three or more digits
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
    },
    /// Claim the best task of a workstream
    #[command(after_help = "Example:\n  orchestrator t next revenue agent-1\n\nExit 1: nothing is pending.")]
    Next {
        #[arg(add = ArgValueCandidates::new(complete::workstreams))]
        workstream: String,
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        agent: String,
    },
    /// Claim a task: <WS> <ID> <AGENT>, or <ID> --agent <AGENT>
    #[command(
        after_help = "Examples:\n  orchestrator t claim revenue 299833bc agent-1\n  orchestrator t claim 299833bc --agent agent-1"
    )]
    Claim {
        #[arg(num_args = 1..=3, required = true, value_names = ["WS", "ID", "AGENT"])]
        words: Vec<String>,
        /// Take it from an agent that has fallen silent
        #[arg(long)]
        take_over: bool,
    },
    /// Complete a task: <WS> <ID> [RESULT], or <ID> [--result RESULT]
    #[command(
        visible_alias = "done",
        after_help = "Examples:\n  orchestrator t complete revenue 299833bc \"Done: integrated payments\"\n  orchestrator t complete 299833bc --result \"Done\" --agent agent-1"
    )]
    Complete {
        #[arg(num_args = 1..=3, required = true, value_names = ["WS", "ID", "RESULT"])]
        words: Vec<String>,
        /// What came out of it
        #[arg(long)]
        result: Option<String>,
        /// The fencing token of the claim: refused if there was a later one
        #[arg(long, value_name = "N")]
        epoch: Option<u64>,
    },
    /// Give a claimed task back
    Release {
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
        #[arg(long)]
        reason: Option<String>,
        /// Free the claim of an agent that has fallen silent
        #[arg(long)]
        stale: bool,
        /// The fencing token of the claim
        #[arg(long, value_name = "N")]
        epoch: Option<u64>,
    },
    /// Say that a task can't go on
    Block {
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
        /// What it waits for
        #[arg(long)]
        reason: String,
    },
    /// Say that it can
    Unblock {
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
    },
    /// Give a task up
    Cancel {
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
        #[arg(long)]
        reason: String,
    },
    /// Take a finished task up again
    Reopen {
        #[arg(add = ArgValueCandidates::new(complete::tasks))]
        id: String,
    },
    /// Change fields of a task
    Update(TaskUpdate),
}

#[derive(Args, Debug)]
pub struct TaskUpdate {
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
    #[arg(long)]
    pub title: Option<String>,
    #[arg(long)]
    pub description: Option<String>,
    #[arg(long, allow_negative_numbers = true)]
    pub priority: Option<i64>,
    /// Empty text takes it away
    #[arg(long)]
    pub estimate: Option<String>,
    /// Move it there
    #[arg(long, add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: Option<String>,
    #[arg(long, value_name = "LABEL")]
    pub add_label: Vec<String>,
    #[arg(long, value_name = "LABEL")]
    pub remove_label: Vec<String>,
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub add_dependency: Vec<String>,
    #[arg(long, value_name = "ID")]
    pub remove_dependency: Vec<String>,
}

#[derive(Subcommand, Debug)]
pub enum Agent {
    /// Make an agent known
    #[command(after_help = "Example:\n  orchestrator a register agent-1 worker --capability rust")]
    Register {
        id: String,
        /// A free word (default: general)
        #[arg(value_name = "TYPE")]
        kind: Option<String>,
        /// A free word; may be repeated
        #[arg(long, value_name = "C")]
        capability: Vec<String>,
    },
    /// Say that an agent is alive; makes no commit
    Heartbeat {
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        id: String,
    },
    /// List registered agents
    #[command(visible_alias = "ls")]
    List,
}

#[derive(Subcommand, Debug)]
pub enum Lock {
    /// Take a lock, or renew one's own
    #[command(
        after_help = "Examples:\n  orchestrator l acquire git agent-1\n  orchestrator l acquire src/main.rs agent-1 --ttl 5m --wait 30s\n\nExit 1: somebody else holds it."
    )]
    Acquire {
        /// Any printable text of at most 200 bytes
        resource: String,
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        agent: String,
        /// 1s to 24h (default: the board's, 60s)
        #[arg(long, value_name = "TIME")]
        ttl: Option<String>,
        /// How long to wait while somebody else holds it
        #[arg(long, value_name = "TIME")]
        wait: Option<String>,
        /// Why, for others to read
        #[arg(long)]
        reason: Option<String>,
    },
    /// Give a lock back
    #[command(
        after_help = "Examples:\n  orchestrator l release git agent-1\n  orchestrator l release git ada --force --epoch 3 --reason 'agent-1 crashed'\n\nExit 1: it is not held by that agent."
    )]
    Release {
        resource: String,
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        agent: String,
        /// Break the lock of somebody else
        #[arg(long, requires = "epoch", requires = "reason")]
        force: bool,
        /// Which epoch is broken
        #[arg(long, value_name = "N", requires = "force")]
        epoch: Option<u64>,
        /// Why
        #[arg(long, requires = "force")]
        reason: Option<String>,
    },
    /// List locks that are held
    #[command(visible_alias = "ls")]
    List,
    /// Show a lock
    Show { resource: String },
}

#[derive(Subcommand, Debug)]
pub enum Knowledge {
    /// Write a document: from the arguments, a file, or standard input (`-`)
    #[command(
        after_help = "Examples:\n  orchestrator kb write api-design \"Use REST for external, events for internal\"\n  orchestrator kb write api/errors --file errors.md\n  git log -1 | orchestrator kb write last-change -"
    )]
    Write {
        /// May have parts: api/errors
        topic: String,
        /// The markdown; several words are joined with blanks; `-` reads standard input
        content: Vec<String>,
        /// Read it from a file
        #[arg(long, value_name = "F", conflicts_with = "content", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print a document
    #[command(after_help = "Exit 1: there is none.")]
    Read {
        #[arg(add = ArgValueCandidates::new(complete::topics))]
        topic: String,
    },
    /// List topics
    #[command(visible_alias = "ls")]
    List,
    /// Delete a document; git keeps what it said
    Delete {
        #[arg(add = ArgValueCandidates::new(complete::topics))]
        topic: String,
    },
    /// Find documents in which all these words occur
    Search {
        #[arg(required = true)]
        words: Vec<String>,
    },
}

#[derive(Args, Debug)]
pub struct Events {
    /// How many
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub last: usize,
    /// Only of this action
    #[arg(long)]
    pub action: Option<String>,
    /// Since a time (2026-02-06T07:37:39Z), a date, or an age (2h)
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
        #[arg(add = ArgValueCandidates::new(complete::agents))]
        agent: String,
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
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: String,
    /// This task instead of the best one
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub task: Option<String>,
    /// At most so many characters; says what was left out
    #[arg(long, value_name = "N")]
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
    State,
    /// Print the events as the predecessor's events.jsonl
    Events,
    /// Write a data directory that the predecessor reads
    All {
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
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
    /// How far clocks may differ
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub slack: String,
}

#[derive(Args, Debug)]
pub struct Git {
    /// What git is to do
    #[arg(required = true, last = true, value_name = "GIT ARGUMENTS")]
    pub arguments: Vec<String>,
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
    #[arg(long, value_name = "N", default_value_t = 7)]
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
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub agents: u16,
    /// Over how many worktrees they are spread
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub worktrees: u16,
    /// How many times, each in a repository of its own; the two placements of the board take turns
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub rounds: u16,
    /// How many calls each agent makes in a round
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub calls: u16,
    /// Kill every tenth call at a random point
    #[arg(long)]
    pub kill: bool,
    /// Repeat the choices of an earlier trial
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Make the repository here, and keep it (default: a temporary directory, kept too)
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}
