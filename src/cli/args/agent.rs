//! `agent …`

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;

#[derive(Subcommand, Debug)]
pub enum Agent {
    /// Make an agent known
    #[command(after_help = "Example:\n  orchestrator a register agent-1 worker --capability rust")]
    Register(Register),
    /// Say that an agent is alive; makes no commit
    Heartbeat(Heartbeat),
    /// List registered agents
    #[command(visible_alias = "ls")]
    List,
}

#[derive(Args, Debug)]
pub struct Register {
    /// Letters, digits, `.`, `_`, `-`; at most 64
    pub id: String,
    /// A free word (default: general)
    #[arg(value_name = "TYPE")]
    pub kind: Option<String>,
    /// A free word; may be repeated
    #[arg(long, value_name = "C")]
    pub capability: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Heartbeat {
    /// Which (default: the agent of --agent)
    #[arg(add = ArgValueCandidates::new(complete::agents))]
    pub id: Option<String>,
}
