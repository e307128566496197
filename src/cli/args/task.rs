//! `task …`

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::number::whole;
use crate::cli::complete;

#[derive(Subcommand, Debug)]
pub enum Task {
    /// Add a task
    #[command(
        alias = "create",
        after_help = "Examples:\n  orchestrator t add revenue \"Add payments to API\" \"Integrate USDC\" 1\n  orchestrator t add revenue \"Test them\" --priority 2 --depends-on 299833bc --label api"
    )]
    Add(Add),
    /// List tasks by priority
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a task: dependencies, knowledge, history
    Show(One),
    /// Claim the best task of a workstream
    #[command(
        after_help = "Examples:\n  orchestrator t next revenue agent-1\n  orchestrator t next revenue --agent agent-1\n\nExit 1: nothing is pending."
    )]
    Next(Next),
    /// Claim a task: <WS> <ID> <AGENT>, or <ID> --agent <AGENT>
    #[command(
        override_usage = "orchestrator task claim [OPTIONS] <ID>\n       orchestrator task claim [OPTIONS] <WS> <ID> [AGENT]",
        after_help = "Examples:\n  orchestrator t claim revenue 299833bc agent-1\n  orchestrator t claim 299833bc --agent agent-1"
    )]
    Claim(Claim),
    /// Complete a task: <WS> <ID> [RESULT], or <ID> [--result RESULT]
    #[command(
        visible_alias = "done",
        override_usage = "orchestrator task complete [OPTIONS] <ID>\n       orchestrator task complete [OPTIONS] <WS> <ID> [RESULT]",
        after_help = "Examples:\n  orchestrator t complete revenue 299833bc \"Done: integrated payments\"\n  orchestrator t complete 299833bc --result \"Done\" --agent agent-1"
    )]
    Complete(Complete),
    /// Give a claimed task back
    #[command(
        after_help = "Examples:\n  orchestrator t release 299833bc --agent agent-1 --reason 'needs a database'\n  orchestrator t release 299833bc --stale\n  orchestrator t release 299833bc --force --epoch 3 --reason 'its record is lost'"
    )]
    Release(Release),
    /// Say that a task can't go on
    Block(Block),
    /// Say that it can
    Unblock(One),
    /// Give a task up
    Cancel(Cancel),
    /// Take a finished task up again
    Reopen(One),
    /// Change fields of a task
    Update(Update),
}

#[derive(Args, Debug)]
pub struct Add {
    /// Where it belongs
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: String,
    /// One line
    pub title: String,
    /// Any text
    pub description: Option<String>,
    /// 1 is the highest that is usual, 0 is higher still
    #[arg(default_value_t = 5, allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub priority: i64,
    /// The same as DESCRIPTION
    #[arg(long = "description", value_name = "TEXT", conflicts_with = "description")]
    pub named_description: Option<String>,
    /// The same as PRIORITY
    #[arg(long = "priority", value_name = "N", conflicts_with = "priority", allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub named_priority: Option<i64>,
    /// Free text, such as 2h
    #[arg(long, value_name = "E")]
    pub estimate: Option<String>,
    /// A task that must be done first; may be repeated
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub depends_on: Vec<String>,
    /// A free word; may be repeated
    #[arg(long, value_name = "L")]
    pub label: Vec<String>,
}

#[derive(Args, Debug)]
pub struct List {
    /// All workstreams if left out
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: Option<String>,
    /// Only those that are so
    #[arg(long, value_parser = crate::model::Status::WORDS)]
    pub status: Option<String>,
    /// Only those assigned to this agent; --agent does the same here
    #[arg(long = "assigned-to", value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub assigned_to: Option<String>,
    /// Only those that have it
    #[arg(long)]
    pub label: Option<String>,
}

#[derive(Args, Debug)]
pub struct One {
    /// Its id, or the first three or more digits
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
}

#[derive(Args, Debug)]
pub struct Next {
    /// Of which
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: String,
    /// Who takes it (default: the agent of --agent)
    #[arg(value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub by: Option<String>,
}

#[derive(Args, Debug)]
pub struct Claim {
    /// Its id, or the first three or more digits; before it its workstream, behind both who takes it (default: the agent
    /// of --agent)
    #[arg(num_args = 1..=3, required = true, value_name = "WS ID AGENT")]
    pub words: Vec<String>,
    /// Take it from an agent that has fallen silent
    #[arg(long)]
    pub take_over: bool,
}

#[derive(Args, Debug)]
pub struct Complete {
    /// Its id, or the first three or more digits; before it its workstream, behind both what came out of it
    #[arg(num_args = 1..=3, required = true, value_name = "WS ID RESULT")]
    pub words: Vec<String>,
    /// What came out of it
    #[arg(long)]
    pub result: Option<String>,
    /// The fencing token of the claim: refused if there was a later one
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub epoch: Option<u64>,
}

#[derive(Args, Debug)]
pub struct Release {
    /// Its id, or the first three or more digits
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
    /// Free the claim of an agent that has fallen silent
    #[arg(long)]
    pub stale: bool,
    /// Break a claim whose record can't be read
    #[arg(long, requires = "epoch", requires = "reason", conflicts_with = "stale")]
    pub force: bool,
    /// The fencing token of the claim; with --force the highest that is known: the next one is above it
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub epoch: Option<u64>,
}

#[derive(Args, Debug)]
pub struct Block {
    /// Its id, or the first three or more digits
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
    /// What it waits for
    #[arg(long)]
    pub reason: String,
}

#[derive(Args, Debug)]
pub struct Cancel {
    /// Its id, or the first three or more digits
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

#[derive(Args, Debug)]
pub struct Update {
    /// Its id, or the first three or more digits
    #[arg(add = ArgValueCandidates::new(complete::tasks))]
    pub id: String,
    /// One line
    #[arg(long)]
    pub title: Option<String>,
    /// Any text
    #[arg(long)]
    pub description: Option<String>,
    /// 1 is the highest that is usual, 0 is higher still
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub priority: Option<i64>,
    /// Empty text takes it away
    #[arg(long)]
    pub estimate: Option<String>,
    /// Move it there
    #[arg(long, add = ArgValueCandidates::new(complete::workstreams))]
    pub workstream: Option<String>,
    /// A free word; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub add_label: Vec<String>,
    /// One that it has; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub remove_label: Vec<String>,
    /// A task that must be done first; may be repeated
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::tasks))]
    pub add_dependency: Vec<String>,
    /// One that need not be done first any more; may be repeated
    #[arg(long, value_name = "ID")]
    pub remove_dependency: Vec<String>,
}
